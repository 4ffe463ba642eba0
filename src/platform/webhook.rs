//! Any HTTP receiver, spoken to as Standard Webhooks asks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
//!
//! `webhook-id` is the same for every try of one part, and receivers keep what they have seen: sending again
//! is always safe.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::{Secret, SecretSource};
use super::{Deletion, Key, Outgoing, Platform, Prepared, Sealed, Tools, settings};
use crate::post::identity::DeliveryId;
use crate::post::outcome::{Class, Failure, Receipt};
use crate::text::entities::{EntityKind, entities};
use crate::text::limits::{Limits, WEBHOOK, WEBHOOK_IMAGES_MAX_BYTES};

pub const NAME: &str = "webhook";

pub fn limits() -> Limits {
    WEBHOOK
}

/// `[account.NAME]` with `platform = "webhook"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where every post is sent to.
    #[serde(deserialize_with = "super::endpoint")]
    #[schemars(with = "String")]
    url: BaseUrl,
    /// `whsec_` and 24 to 64 bytes in base64, as the receiver has it too.
    secret: SecretSource,
}

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let secret = config.secret.resolve().map_err(|e| format!("secret: {e}"))?;
    tools.scrubber.learn(&secret);
    Ok(Box::new(Webhook {
        limits: limits(),
        url: config.url,
        signer: Signer::new(&secret).map_err(|e| format!("secret: {e}"))?,
        http: tools.http.clone(),
    }))
}

struct Webhook {
    limits: Limits,
    url: BaseUrl,
    signer: Signer,
    http: Http,
}

/// Signs as the receiver will check it.
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// The key is what is encoded after `whsec_`, not the text.
    pub fn new(secret: &Secret) -> Result<Self, &'static str> {
        const SHAPE: &str = "it must be `whsec_` followed by 24 to 64 bytes in base64";
        let encoded = secret.expose().strip_prefix("whsec_").ok_or(SHAPE)?;
        let key = STANDARD.decode(encoded).map_err(|_| SHAPE)?;
        if !(24..=64).contains(&key.len()) {
            return Err(SHAPE);
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|_| SHAPE)
    }

    fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{seconds}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The request that carries `body`, signed.
    pub fn request(&self, to: &BaseUrl, id: &str, seconds: i64, body: String) -> Request {
        Request::post(to, "")
            .header("webhook-id", id)
            .header("webhook-timestamp", &seconds.to_string())
            .header("webhook-signature", &self.sign(id, seconds, &body))
            .json(body)
    }
}

// The wire.

#[derive(Serialize)]
struct Event<D> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: D,
}

#[derive(Serialize)]
struct Data<'a> {
    delivery_id: DeliveryId,
    campaign: &'a str,
    message: &'a str,
    language: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_url: Option<&'a str>,
    tags: Vec<String>,
    media: Vec<Media<'a>>,
    /// The `delivery_id` of the part that this one answers.
    reply_to: Option<&'a str>,
    thread: Thread,
    scheduled_for: Timestamp,
}

#[derive(Serialize)]
struct Media<'a> {
    mime: &'a str,
    alt: &'a str,
    width: u32,
    height: u32,
    base64: String,
}

/// `post.deleted`.
#[derive(Serialize)]
struct Gone<'a> {
    delivery_id: DeliveryId,
    campaign: &'a str,
    message: &'a str,
    /// The `delivery_id` of the part that is to be deleted.
    deletes: &'a str,
    /// The receiver's own id and address of it, as it gave them.
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    scheduled_for: Timestamp,
}

/// Counted from 1.
#[derive(Serialize)]
struct Thread {
    index: u16,
    of: u16,
}

/// What a receiver may answer, if it wants its own id and URL recorded.
#[derive(Default, Deserialize)]
struct Taken {
    id: Option<String>,
    url: Option<String>,
}

// What is said, and what the answer means.

/// The whole body. It is serialised once: these bytes are signed and sent.
pub fn request(out: &Outgoing<'_>) -> Result<Prepared, Failure> {
    let total: usize = out.images.iter().map(|image| image.bytes.len()).sum();
    if total as u64 > WEBHOOK_IMAGES_MAX_BYTES {
        let words = format!(
            "the images have {total} bytes together; at most {WEBHOOK_IMAGES_MAX_BYTES} fit into a webhook"
        );
        return Err(Failure::new(Class::Rejected, words));
    }
    let event = Event {
        r#type: if out.share.is_some() {
            "post.shared"
        } else {
            "post.published"
        },
        timestamp: out.now,
        data: Data {
            delivery_id: out.key.delivery,
            campaign: out.campaign,
            message: out.message,
            language: out.language,
            text: &out.part.text,
            warn: out.warn,
            link: out.part.link.as_ref().map(|link| link.url.as_str()),
            source_url: out.share,
            tags: tags(&out.part.text),
            media: out
                .images
                .iter()
                .map(|image| Media {
                    mime: image.mime,
                    alt: &image.alt,
                    width: image.width,
                    height: image.height,
                    base64: STANDARD.encode(&image.bytes),
                })
                .collect(),
            reply_to: out.parent.map(delivery_of),
            thread: Thread {
                index: out.index + 1,
                of: out.of,
            },
            scheduled_for: out.key.due,
        },
    };
    Ok(Prepared {
        path: String::new(),
        body: serde_json::json!(event).to_string(),
    })
}

/// The `delivery_id` that a part went out with.
fn delivery_of(receipt: &Receipt) -> &str {
    receipt.pin.as_deref().unwrap_or(&receipt.id)
}

/// The event that asks the receiver to delete a part.
pub fn deletion(gone: &Deletion<'_>) -> Prepared {
    let event = Event {
        r#type: "post.deleted",
        timestamp: gone.now,
        data: Gone {
            delivery_id: gone.key.delivery,
            campaign: gone.campaign,
            message: gone.message,
            deletes: delivery_of(gone.receipt),
            id: &gone.receipt.id,
            url: gone.receipt.url.as_deref(),
            scheduled_for: gone.key.due,
        },
    };
    Prepared {
        path: String::new(),
        body: serde_json::json!(event).to_string(),
    }
}

fn tags(text: &str) -> Vec<String> {
    let tag = |kind| match kind {
        EntityKind::Tag { tag } => Some(tag),
        _ => None,
    };
    entities(text)
        .into_iter()
        .filter_map(|entity| tag(entity.kind))
        .collect()
}

fn webhook_id(key: Key) -> String {
    format!("msg_{}", key.delivery)
}

/// What the answer means: any 2xx is a yes, whatever its body.
pub fn read(key: Key, answer: &Answer) -> Result<Receipt, Failure> {
    let class = match answer.status {
        // 409: the receiver has it already.
        200..=299 | 409 => {
            let Taken { id, url } = answer.json().unwrap_or_default();
            let said = |text: Option<String>| text.filter(|text| !text.is_empty());
            return Ok(Receipt {
                id: said(id).unwrap_or_else(|| webhook_id(key)),
                pin: Some(key.delivery.to_string()),
                ..Receipt::named("", said(url))
            });
        }
        403 => Class::Auth,
        // A redirect is a failure: the receiver has not taken it.
        300..=399 => Class::Rejected,
        503 if answer.wait_until().is_some() => Class::RateLimited {
            until: answer.wait_until(),
        },
        // Any page will do: the receiver is the operator's own, and has no shape that we know.
        _ => answer.class(true),
    };
    Err(answer.failure(class, None))
}

#[async_trait]
impl Platform for Webhook {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        request(out)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        self.send(sealed).await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        Ok(deletion(gone))
    }

    /// 404 is no yes here: it says that nobody is at this address, and nothing about the part.
    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.send(sealed).await.map(drop)
    }
}

impl Webhook {
    async fn send(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let id = webhook_id(sealed.key);
        let seconds = self.http.now().as_second();
        let body = sealed.prepared.body.clone();
        let request = self.signer.request(&self.url, &id, seconds, body);
        read(
            sealed.key,
            &self.http.publish(request, self.limits().doubt).await?,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_vector() {
        let secret = Secret::new("whsec_c3RlYWRmYXN0LXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=");
        let signer = Signer::new(&secret).unwrap();
        let body = r#"{"type":"test.ping","timestamp":"2026-01-01T00:00:00Z","data":{}}"#;
        let signature = signer.sign("msg_test1", 1_767_225_600, body);
        assert_eq!(signature, "v1,xtMpXFB7xMPEcOQyJTFXMFwejjc9b9bC1wZn0n/60u4=");
    }

    #[test]
    fn a_secret_of_the_wrong_shape_is_refused() {
        let encoded = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (secret, good) in [
            (encoded(24), true),
            (encoded(64), true),
            (encoded(23), false),
            (encoded(65), false),
            (encoded(32).replace("whsec_", ""), false),
            ("whsec_%%%".into(), false),
        ] {
            assert_eq!(
                Signer::new(&Secret::new(secret.clone())).is_ok(),
                good,
                "{secret}"
            );
        }
    }
}

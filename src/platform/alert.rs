//! The ways by which those who look after it are told: a webhook, Slack, Telegram, and letters (`mail`). Each is told
//! one text and says whether it arrived; what is told, and when, is decided elsewhere.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::{Scrubber, Secret, SecretSource};
use super::telegram::Address;
use super::webhook::Signer;
use super::{check, mail, settings, slack, telegram};
use crate::alert::{Item, Said};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, one_line};
use crate::text::escape::Escape;

/// Every way there is: one line each.
pub const WAYS: &[Entry] = &[
    Entry {
        name: "webhook",
        check: |table| check::<WebhookConfig>(table, |_| Ok(()), |_| None),
        schema: WebhookConfig::json_schema,
        open: |table, wires| Ok(Arc::new(Webhook::open(settings(table)?, wires)?)),
    },
    Entry {
        name: "slack",
        check: |table| check::<SlackConfig>(table, |_| Ok(()), |_| None),
        schema: SlackConfig::json_schema,
        open: |table, wires| Ok(Arc::new(Slack::open(&settings(table)?, wires)?)),
    },
    Entry {
        name: "telegram",
        check: |table| check::<TelegramConfig>(table, |_| Ok(()), |_| None),
        schema: TelegramConfig::json_schema,
        open: |table, wires| Ok(Arc::new(Telegram::open(settings(table)?, wires)?)),
    },
    Entry {
        name: "email",
        check: |table| check::<mail::Config>(table, |config| config.together(), |_| None),
        schema: mail::Config::json_schema,
        open: |table, wires| Ok(Arc::new(mail::Mail::open(settings(table)?, wires)?)),
    },
];

/// One line of [`WAYS`].
pub struct Entry {
    /// As `by` says it in the config.
    pub name: &'static str,
    /// What is wrong with its keys, one sentence each, without any value that may be a secret.
    pub check: fn(&toml::Table) -> Vec<String>,
    /// The JSON schema of those keys.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    open: Open,
}

type Open = fn(toml::Table, &Wires<'_>) -> Result<Arc<dyn Way>, String>;

impl Entry {
    /// The names of its keys.
    pub fn keys(&self) -> Vec<String> {
        let schema = (self.schema)(&mut SchemaGenerator::default()).to_value();
        let own = schema.get("properties").and_then(serde_json::Value::as_object);
        own.into_iter().flat_map(serde_json::Map::keys).cloned().collect()
    }

    /// Makes a channel of its keys. It reads secrets, and speaks to nobody. What is wrong is said in one sentence,
    /// without any secret.
    pub fn open(&self, table: toml::Table, wires: &Wires<'_>) -> Result<Channel, String> {
        Ok(Channel {
            way: (self.open)(table, wires)?,
            scrubber: wires.scrubber.clone(),
        })
    }
}

/// The way that config files call `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    WAYS.iter().find(|entry| entry.name == name)
}

/// What a way is given to work with.
pub struct Wires<'a> {
    pub http: &'a Http,
    /// Told every secret.
    pub scrubber: &'a Scrubber,
}

/// One way, with its keys.
#[async_trait]
pub(super) trait Way: Send + Sync {
    /// Says it once, and why it did not arrive, as far as that is known.
    async fn tell(&self, said: &Said) -> Result<(), String>;
}

/// Somebody who is told, and is told no secret.
#[derive(Clone)]
pub struct Channel {
    way: Arc<dyn Way>,
    scrubber: Scrubber,
}

/// The longest that telling may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

impl Channel {
    /// Says it once.
    ///
    /// # Errors
    /// Why it did not arrive, in one line.
    pub async fn tell(&self, said: &Said) -> Result<(), String> {
        let clean = |text: &str| self.scrubber.scrub(text).into_owned();
        let items = |items: &[Item]| -> Vec<Item> {
            let item = |item: &Item| Item {
                text: clean(&item.text),
                ..item.clone()
            };
            items.iter().map(item).collect()
        };
        let said = Said {
            campaign: said.campaign.clone(),
            subject: clean(&said.subject),
            text: clean(&said.text),
            new: items(&said.new),
            solved: items(&said.solved),
            open: said.open,
        };
        let told = tokio::time::timeout(PATIENCE, self.way.tell(&said)).await;
        let told = told.unwrap_or_else(|_| Err(format!("no answer for {} seconds", PATIENCE.as_secs())));
        told.map_err(|why| one_line(&clean(&why), 300))
    }
}

/// Any 2xx is a yes.
fn heard(answer: &Answer) -> Result<(), String> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    Err(answer.failure(Class::Rejected, None).words)
}

// --- a webhook ------------------------------------------------------------------------------------------

/// `[alert.NAME]` with `by = "webhook"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebhookConfig {
    /// Where alerts are sent to.
    #[serde(deserialize_with = "super::endpoint")]
    #[schemars(with = "String")]
    url: BaseUrl,
    /// `whsec_` and 24 to 64 bytes in base64, as the receiver has it too.
    secret: SecretSource,
}

struct Webhook {
    url: BaseUrl,
    signer: Signer,
    http: Http,
}

/// The whole body. It is signed as the webhook platform's is.
#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: &'a Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    campaign: &'a str,
    text: &'a str,
    new: &'a [Item],
    solved: &'a [Item],
    open: usize,
}

impl Webhook {
    fn open(config: WebhookConfig, wires: &Wires<'_>) -> Result<Self, String> {
        let secret = config.secret.resolve().map_err(|e| format!("secret: {e}"))?;
        wires.scrubber.learn(&secret);
        Ok(Self {
            url: config.url,
            signer: Signer::new(&secret).map_err(|e| format!("secret: {e}"))?,
            http: wires.http.clone(),
        })
    }
}

#[async_trait]
impl Way for Webhook {
    async fn tell(&self, said: &Said) -> Result<(), String> {
        let data = Data {
            campaign: &said.campaign,
            text: &said.text,
            new: &said.new,
            solved: &said.solved,
            open: said.open,
        };
        // The same once more has the same id: a receiver can tell.
        let hash = Digest::of(json!(data).to_string().as_bytes()).to_string();
        let id = format!("msg_{hash:.32}");
        let now = self.http.now();
        let event = Event {
            r#type: "alert",
            timestamp: now,
            data: &data,
        };
        let body = json!(event).to_string();
        let request = self.signer.request(&self.url, &id, now.as_second(), body);
        heard(&self.http.send(request).await.map_err(|e| e.to_string())?)
    }
}

// --- Slack ----------------------------------------------------------------------------------------------

/// `[alert.NAME]` with `by = "slack"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SlackConfig {
    /// Of an app with incoming webhooks, for one channel. Who knows it can post.
    webhook_url: SecretSource,
}

struct Slack {
    at: BaseUrl,
    http: Http,
}

impl Slack {
    fn open(config: &SlackConfig, wires: &Wires<'_>) -> Result<Self, String> {
        let url = config
            .webhook_url
            .resolve()
            .map_err(|e| format!("webhook_url: {e}"))?;
        wires.scrubber.learn(&url);
        let (at, key) = slack::webhook(&url).map_err(|e| format!("webhook_url: {e}"))?;
        wires.scrubber.learn(&key);
        Ok(Self {
            at,
            http: wires.http.clone(),
        })
    }
}

#[async_trait]
impl Way for Slack {
    /// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
    async fn tell(&self, said: &Said) -> Result<(), String> {
        let text = Escape::Entities.apply(&said.text);
        let body = json!({"text": text, "unfurl_links": false, "unfurl_media": false});
        let request = Request::post(&self.at, "").json(body.to_string());
        heard(&self.http.send(request).await.map_err(|e| e.to_string())?)
    }
}

// --- Telegram -------------------------------------------------------------------------------------------

/// `[alert.NAME]` with `by = "telegram"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TelegramConfig {
    /// A Bot API server of one's own; else Telegram's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// As @BotFather gives it: `123456:ABC-DEF…`.
    bot_token: SecretSource,
    /// Whom it tells: a person's or a group's number, or a channel's `"@name"`. A person has to write to the bot first.
    chat: Address,
}

struct Telegram {
    base: BaseUrl,
    token: Secret,
    chat: Address,
    http: Http,
}

/// <https://core.telegram.org/bots/api#making-requests>
#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    description: String,
}

impl Telegram {
    fn open(config: TelegramConfig, wires: &Wires<'_>) -> Result<Self, String> {
        Ok(Self {
            base: config
                .base_url
                .map_or_else(|| BaseUrl::parse(telegram::HOME), Ok)?,
            token: telegram::token(&config.bot_token, wires.scrubber)?,
            chat: telegram::address(config.chat)?,
            http: wires.http.clone(),
        })
    }
}

#[async_trait]
impl Way for Telegram {
    /// <https://core.telegram.org/bots/api#sendmessage>
    async fn tell(&self, said: &Said) -> Result<(), String> {
        let body =
            json!({"chat_id": self.chat, "text": said.text, "link_preview_options": {"is_disabled": true}});
        let path = format!("/bot{}/sendMessage", self.token.expose());
        let request = Request::post(&self.base, &path).json(body.to_string());
        let answer = self.http.send(request).await.map_err(|e| e.to_string())?;
        match answer.json::<Reply>() {
            Some(Reply { ok: true, .. }) => Ok(()),
            Some(Reply { description, .. }) if !description.is_empty() => Err(description),
            _ => Err(answer.failure(Class::Rejected, None).words),
        }
    }
}

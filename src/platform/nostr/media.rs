//! Relays keep no files: images go to a Blossom server first, and an event says where they are.
//!
//! <https://github.com/hzrd149/blossom>, `buds/02.md` and `buds/11.md`. A file is known by its SHA-256, so the same one
//! again is no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;

use super::super::http::{Answer, BaseUrl, Http, Request};
use super::super::{ImageBytes, harmless};
use super::event::Signer;
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};

/// For so long may what we sign be used: seconds.
const GOOD_FOR: i64 = 600;
/// And it is dated so much back, because a server whose clock is behind takes it for one from the future: seconds.
const BACK: i64 = 60;

/// An image that is on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    pub url: String,
    pub sha256: Digest,
}

#[derive(Deserialize)]
struct Descriptor {
    url: String,
    sha256: Digest,
}

/// `PUT /upload`.
pub(super) async fn upload(
    http: &Http,
    signer: &Signer,
    server: &BaseUrl,
    image: &ImageBytes,
) -> Result<Uploaded, Failure> {
    let sha256 = Digest::of(&image.bytes);
    let request = Request::put(server, "/upload")
        .header("x-sha-256", &sha256.to_string())
        .secret(
            "authorization",
            &permit(signer, server, sha256, http.now().as_second()),
        )
        .body(image.mime, image.bytes.clone());
    let answer = http.send(request).await.map_err(harmless)?;
    read(server, sha256, &answer)
}

/// A signed event that allows this one upload.
fn permit(signer: &Signer, server: &BaseUrl, sha256: Digest, now: i64) -> String {
    let tag = |name: &str, value: String| vec![name.to_owned(), value];
    let tags = vec![
        tag("t", "upload".into()),
        tag("x", sha256.to_string()),
        tag("expiration", (now + GOOD_FOR).to_string()),
        tag("server", server.host().to_owned()),
    ];
    let event = signer.sign(now - BACK, 24242, tags, "Upload an image".into());
    format!("Nostr {}", URL_SAFE_NO_PAD.encode(json!(event).to_string()))
}

/// What the answer to an upload means. A file that was changed there is not the one whose description we have.
fn read(server: &BaseUrl, sha256: Digest, answer: &Answer) -> Result<Uploaded, Failure> {
    let reason = answer
        .headers
        .get("x-reason")
        .and_then(|reason| reason.to_str().ok());
    let told = |class, words: Option<&str>| {
        let failure = answer.failure(class, words);
        let words = format!("{}: {}", server.host(), failure.words);
        Failure::new(class, words).with_status(answer.status)
    };
    if !matches!(answer.status, 200 | 201) {
        let class = match answer.status {
            413 => Class::Rejected,
            _ => answer.class(reason.is_some()),
        };
        return Err(harmless(told(class, reason)));
    }
    let Some(stored) = answer.json::<Descriptor>() else {
        return Err(told(Class::Transient, None));
    };
    let is_web = |url: &str| BaseUrl::endpoint(url).is_ok() && !url.contains(char::is_whitespace);
    if stored.sha256 != sha256 || !is_web(&stored.url) {
        return Err(told(Class::Rejected, Some("it does not keep the image as it is")));
    }
    Ok(Uploaded {
        url: stored.url,
        sha256,
    })
}

/// What an event says of an image (<https://github.com/nostr-protocol/nips/blob/master/92.md>).
pub(super) fn imeta(image: &ImageBytes, at: &Uploaded) -> Vec<String> {
    let mut tag = vec![
        "imeta".to_owned(),
        format!("url {}", at.url),
        format!("m {}", image.mime),
        format!("x {}", at.sha256),
        format!("dim {}x{}", image.width, image.height),
    ];
    if !image.alt.is_empty() {
        tag.push(format!("alt {}", image.alt));
    }
    tag
}

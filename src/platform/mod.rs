//! WHERE. One trait, one file per platform. A platform is told what to say and answers with a receipt or
//! a classified failure; it never decides what happens next.

pub mod http;
pub mod secret;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::post::content::Part;
use crate::post::identity::DeliveryId;
use crate::post::outcome::{Failure, Receipt};
use crate::text::limits::Limits;

/// One account on one platform, ready to be spoken to.
#[async_trait]
pub trait Platform: Send + Sync {
    /// The platform's rules as data. Every ability in it must be there, and none that is not.
    fn limits(&self) -> &Limits;

    /// All that may be repeated or abandoned: sign in, upload, resolve names, fetch a card. What comes
    /// back is the whole visible request but for credentials, which the ledger keeps before it is sent.
    async fn prepare(&self, part: &Outgoing<'_>) -> Result<Prepared, Failure>;

    /// Exactly one request that the world can see: `sealed.prepared`, byte for byte, under `sealed.key`.
    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure>;
}

/// One part on its way out.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    pub part: &'a Part,
    /// Bytes of `part.images`, in their order, read once, without metadata.
    pub images: Vec<ImageBytes>,
    /// Counted from 0.
    pub index: u16,
    pub of: u16,
    /// BCP 47.
    pub language: &'a str,
    pub warn: Option<&'a str>,
    /// Instead of `part.text`: share the post at this URL.
    pub share: Option<&'a str>,
    pub key: Key,
    /// What this part answers: the part before it, or for the first part the post that the message
    /// replies to.
    pub parent: Option<&'a Receipt>,
    /// The first post of the thread that `parent` belongs to; `parent` itself where that is unknown.
    pub root: Option<&'a Receipt>,
    pub campaign: &'a str,
    pub message: &'a str,
    pub now: Timestamp,
}

/// An image as it will be uploaded.
#[derive(Debug, Clone)]
pub struct ImageBytes {
    pub bytes: bytes::Bytes,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
    pub alt: String,
}

/// What every attempt at a part has in common: all keys that platforms want are made from it, so they are
/// the same for every attempt (reliability, rule 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub delivery: DeliveryId,
    /// When the post was due, as first recorded.
    pub due: Timestamp,
}

/// The frozen request: what `publish` will send, whole but for credentials and signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Below the account's base URL.
    pub path: String,
    pub body: String,
}

/// A prepared request whose intent is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub prepared: Prepared,
    pub key: Key,
}

//! The frozen request: plain data that a platform makes, the ledger keeps, and neither learns from the other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::identity::DeliveryId;

/// What every attempt at a part has in common: all keys that platforms want are made from it, so they are
/// the same for every attempt (reliability, rule 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub delivery: DeliveryId,
    /// When the post was due, as first recorded.
    pub due: Timestamp,
}

/// What `publish` will send, whole but for credentials and signatures.
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

//! A message's id was changed: what is kept under the old one is the new one's.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::post::identity::{CampaignId, MessageId};

use super::LedgerError;

/// The first word of notes that are a message's: its id stands behind it, between spaces.
pub const SHARE: &str = "share";

/// A message that was called something else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rename {
    pub from: MessageId,
    pub to: MessageId,
}

/// What was found under the old name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: MessageId,
    pub to: MessageId,
    pub posts: u64,
    pub holds: u64,
    /// When the message was first seen, and what it shares: how many notes of it.
    pub notes: u64,
}

impl Renamed {
    /// Nothing was kept under the old name, or it was done before.
    pub fn is_nothing(&self) -> bool {
        self.posts == 0 && self.holds == 0 && self.notes == 0
    }
}

/// What a ledger does about names.
#[async_trait]
pub trait Renaming: Send + Sync {
    /// Messages have other names now: posts, holds, when each was first seen and what it shares go with them, and a post
    /// that was recorded under the old name is not recorded again under the new. What is still to be sent stays with the
    /// old name where the new one has that very post too. Returns those that something was found of: none, if it was
    /// done before.
    async fn rename(
        &self,
        campaign: &CampaignId,
        names: Vec<Rename>,
        now: Timestamp,
    ) -> Result<Vec<Renamed>, LedgerError>;
    /// The messages of which a post was fully accepted since then, and that were due in the month before it or later.
    async fn sent_since(&self, since: Timestamp) -> Result<BTreeSet<MessageId>, LedgerError>;
}

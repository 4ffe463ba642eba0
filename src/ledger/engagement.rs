//! How the public answered: what the platforms counted of each post, each time they were asked.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::post::engagement::Counts;
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::Receipt;

use super::LedgerError;

/// A post that is out, and when its platform was last asked what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedAfter {
    pub post: PostId,
    pub sent: Timestamp,
    /// Of its first part.
    pub receipt: Receipt,
    pub last: Option<Timestamp>,
}

/// What a platform counted of one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub post: PostId,
    pub at: Timestamp,
    /// Nothing in it: the platform has no such post (any more).
    pub counts: Counts,
}

/// A post with all that was counted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub post: PostId,
    pub message: MessageId,
    pub account: AccountName,
    pub platform: String,
    pub sent: Timestamp,
    /// Of its first part.
    pub url: Option<String>,
    /// Oldest first; at least one.
    pub readings: Vec<(Timestamp, Counts)>,
}

/// Posts whose counts are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// They were due since.
    pub since: Timestamp,
    /// And before this.
    pub until: Timestamp,
    /// Only those of this message.
    pub message: Option<MessageId>,
}

impl Span {
    /// All that were due since.
    pub fn since(since: Timestamp) -> Self {
        Self {
            since,
            until: Timestamp::MAX,
            message: None,
        }
    }
}

/// The verbs of it.
#[async_trait]
pub trait Counting {
    /// The posts of this account that were due since, are out, and are our own words: no shares, no recalls. Oldest
    /// first.
    async fn asked_after(
        &self,
        account: &AccountName,
        since: Timestamp,
    ) -> Result<Vec<AskedAfter>, LedgerError>;
    /// What was counted; a second reading of one instant is left out.
    async fn count(&self, readings: Vec<Reading>) -> Result<(), LedgerError>;
    /// All that was counted of these posts; in the order in which they went out.
    async fn counted(&self, of: &Span) -> Result<Vec<Counted>, LedgerError>;
}

/// The readings of one post after the other, as rows in the order of their posts give them.
pub(super) fn gathered(rows: impl IntoIterator<Item = Counted>) -> Vec<Counted> {
    let mut all: Vec<Counted> = Vec::new();
    for row in rows {
        match all.last_mut().filter(|last| last.post == row.post) {
            Some(last) => last.readings.extend(row.readings),
            None => all.push(row),
        }
    }
    all
}

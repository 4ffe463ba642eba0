//! Who said what of a post, and when: every word that a person had on one.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::post::identity::PostId;

use super::LedgerError;

/// A person who speaks of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// `post`, `retry`, `skip`, `sent`, `not_sent` or `recall`.
    pub act: &'static str,
    /// Who; their own word.
    pub by: String,
}

/// What they said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    pub post: PostId,
    /// As in [`Voice::act`].
    pub act: String,
    pub by: String,
    pub at: Timestamp,
}

/// The verbs of it. The words themselves are written with what they do: by `record` and `conclude`.
#[async_trait]
pub trait Speaking {
    /// All that people said of these posts, oldest first.
    async fn spoken(&self, of: &[PostId]) -> Result<Vec<Spoken>, LedgerError>;
}

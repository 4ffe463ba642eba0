//! Who has signed in at the dashboard. Kept here, so that a restart ends no session and every replica knows them all.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::post::digest::Digest;

use super::LedgerError;

/// One sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Of the secret that the browser has: it is not kept.
    pub id: Digest,
    /// Who; what they may do is looked up each time.
    pub user: String,
    /// Of their password's line in the config: another one ends it.
    pub password: Digest,
    pub began: Timestamp,
    /// When something was last asked for, more or less.
    pub seen: Timestamp,
}

/// What becomes of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionStep {
    /// Somebody signed in. Those that began or were seen before these instants are forgotten, and of the rest the
    /// longest unused, until there are at most so many with the new one.
    Begun {
        session: Session,
        began_after: Timestamp,
        seen_after: Timestamp,
        most: u32,
    },
    Seen(Digest, Timestamp),
    /// Somebody signed out.
    Ended(Digest),
}

/// The verbs of it.
#[async_trait]
pub trait Sessions: Send + Sync {
    async fn step_session(&self, step: SessionStep) -> Result<(), LedgerError>;
    async fn session(&self, id: Digest) -> Result<Option<Session>, LedgerError>;
}

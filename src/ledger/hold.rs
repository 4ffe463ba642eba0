//! Somebody said stop: what it covers, who said it, and since when.

use jiff::Timestamp;

use crate::post::identity::{AccountName, MessageId};

use super::Post;

/// What a hold stops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    All,
    Account(AccountName),
    Message(MessageId),
}

impl Scope {
    pub fn kind(&self) -> &'static str {
        match self {
            Scope::All => "all",
            Scope::Account(_) => "account",
            Scope::Message(_) => "message",
        }
    }

    /// Whether a hold of it stops this message on this account.
    pub fn covers(&self, message: &MessageId, account: &AccountName) -> bool {
        match self {
            Scope::All => true,
            Scope::Account(name) => name == account,
            Scope::Message(id) => id == message,
        }
    }

    pub fn target(&self) -> &str {
        match self {
            Scope::All => "",
            Scope::Account(name) => name.as_str(),
            Scope::Message(id) => id.as_str(),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::All => f.write_str("everything"),
            Scope::Account(name) => write!(f, "account {name}"),
            Scope::Message(id) => write!(f, "message {id}"),
        }
    }
}

/// Somebody said stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub id: i64,
    pub scope: Scope,
    pub why: String,
    pub by: String,
    pub since: Timestamp,
    /// The number of the last time that it was said, among all holds: it rises when it is said again.
    pub said: i64,
    /// Released but not yet settled: still in force until the daemon has dealt with what fell due.
    pub released: Option<Timestamp>,
}

impl Hold {
    /// Whether it stops this post. One that a person asked for knowing of this hold goes on, until it is said once
    /// more.
    pub fn stops(&self, post: &Post) -> bool {
        self.said > post.through && self.scope.covers(&post.message, &post.account)
    }
}

/// Who speaks in holds that the daemon sets and releases by itself.
pub const BY_FILE: &str = "the campaign file";
pub const BY_DAEMON: &str = "the daemon";
/// Who speaks in the hold that is set where many messages are gone from the files at once.
pub const BY_WATCH: &str = "the watch on the files";
/// Who speaks in the hold that is set where the ledger is older than it was.
pub const BY_ROLLBACK: &str = "the rollback detector";

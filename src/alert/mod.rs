//! WHAT TO TELL those who look after it: conditions that need a person, and what of them is news. Each is told once,
//! and once more when it is over.

mod book;
mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use book::{Book, Known};
pub use words::{Item, Said, said, trial};

/// What a condition is about, as the config names it in `only`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An account that can't post.
    Account,
    /// A post that waits for a person's word.
    Post,
    /// A fact that must be checked again.
    Fact,
    /// A queue that is about to run dry.
    Queue,
    /// A token that is about to run out, or has.
    Token,
    /// Everything is held, and no person said so.
    Hold,
    /// The ledger takes nothing.
    Ledger,
    /// The clock is not believed.
    Clock,
}

impl Kind {
    /// Each, by its word in the config.
    pub const ALL: [(&'static str, Kind); 8] = [
        ("account", Kind::Account),
        ("post", Kind::Post),
        ("fact", Kind::Fact),
        ("queue", Kind::Queue),
        ("token", Kind::Token),
        ("hold", Kind::Hold),
        ("ledger", Kind::Ledger),
        ("clock", Kind::Clock),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("", |(word, _)| word)
    }
}

/// Something that needs a person, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The same for as long as it is the same thing, across restarts.
    pub key: String,
    pub kind: Kind,
    /// It stops something already. What becomes so is told again.
    pub grave: bool,
    /// What happened, in one sentence without its full stop.
    pub text: String,
    /// What to do about it.
    pub help: String,
    /// `None`: since it was first seen.
    pub since: Option<Timestamp>,
}

/// One look at everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub conditions: Vec<Condition>,
    /// What could not be looked at: nothing of these kinds is over only because it was not seen.
    pub unseen: BTreeSet<Kind>,
}

/// What one channel is told of, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Nothing: all kinds.
    pub only: BTreeSet<Kind>,
    /// How long a condition must be gone before that is told.
    pub calm: std::time::Duration,
}

impl Terms {
    fn wants(&self, kind: Kind) -> bool {
        self.only.is_empty() || self.only.contains(&kind)
    }
}

/// What a channel is to be told now: keys of its [`Book`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub new: Vec<String>,
    pub solved: Vec<String>,
}

impl News {
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.solved.is_empty()
    }
}

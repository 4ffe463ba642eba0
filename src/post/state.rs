//! The states of a post, and its standing: the little that decides what comes next.
//!
//! ```text
//!          record                 wake, gate open          prepared, intent durable
//!   plan ─────────► due ────────────────────────► preparing ─────────────► sending
//!                    ▲ │ too late, expired …          │                     │ │ │
//!                    │ └──────► held | skipped        │ certainly           │ │ └─ accepted ──► sent
//!     next part of   │                                │ not accepted        │ │    (more parts: due)
//!     a thread ──────┘                     retrying ◄─┴─────────────────────┘ └─ unknown ──► in_doubt
//!                                             │  refused for good ──► rejected                   │
//!                                             └─ wake ──► preparing     same key, or a look: see below
//! ```
//!
//! Out of `in_doubt`, by the platform's strategy (reliability §2.5): an idempotency key or an id of our own
//! sends the same request again; two steps and read back ask the platform first (`step/doubt.rs`); where there
//! is no way, `held`.
//!
//! `preparing` lives in memory alone: nothing public exists yet, so a crash there leaves `due`.
//! Final: sent, rejected, skipped: nothing follows by itself, though a person's `retry` revives the last two.
//! Held is not final: it waits for a person's word.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::limits::Doubt;

/// Where a post stands. The words are those of `steadfast history` and of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Recorded, or its next part is to go: waits for `not_before`.
    Due,
    /// The intent to send a part is durable, its answer is not.
    Sending,
    /// Certainly not accepted; tried again at `not_before`.
    Retrying,
    /// Nobody knows yet whether the part was accepted; looked into at `not_before`.
    InDoubt,
    /// Stopped until a person decides.
    Held,
    Sent,
    Rejected,
    Skipped,
}

impl State {
    pub const ALL: [State; 8] = [
        State::Due,
        State::Sending,
        State::Retrying,
        State::InDoubt,
        State::Held,
        State::Sent,
        State::Rejected,
        State::Skipped,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Due => "due",
            State::Sending => "sending",
            State::Retrying => "retrying",
            State::InDoubt => "in_doubt",
            State::Held => "held",
            State::Sent => "sent",
            State::Rejected => "rejected",
            State::Skipped => "skipped",
        }
    }

    /// Nothing follows by itself. A person can still revive what was rejected or skipped.
    pub fn is_final(self) -> bool {
        matches!(self, State::Sent | State::Rejected | State::Skipped)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = State::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| {
            format!(
                "`{text}` is no state of a post; the states are {}",
                State::ALL.map(State::as_str).join(", ")
            )
        })
    }
}

/// What changes as a post goes its way. The ledger keeps it; `step` alone says what it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub state: State,
    /// The next part to be accepted, from 0.
    pub part: u16,
    /// How often the current part certainly failed or stayed in doubt: what back-off grows with.
    pub tries: u32,
    /// Not looked at before this instant.
    pub not_before: Timestamp,
    /// What lateness is counted from, where that is not `due`: when its turn came after a wait (quiet hours,
    /// spacing, a rate limit), a person's `retry`, or the acceptance of the part before. Failing and being
    /// held leave it as it is, so they do make a post late.
    pub late_from: Option<Timestamp>,
    /// When the current part's first intent was written: idempotency keys live from then. `None` while one is
    /// unaccounted for: the clock was set back meanwhile, so nobody can tell how old its key is.
    pub first_intent: Option<Timestamp>,
    /// An earlier request of the current part is unaccounted for: until that is settled nothing may be
    /// prepared anew, and no refusal of a later one proves that it was not accepted.
    pub unsure: Option<Unsure>,
    /// The part was sent once more after the platform's own list said that the first is not there. That is
    /// done once, ever (reliability §2.5, class d).
    pub resent: bool,
    /// How often the process died between an intent of the current part and its answer, with nothing else in
    /// flight, or its adapter panicked.
    pub crashes: u16,
    /// Why it is held, skipped or rejected, and what a person can do.
    pub why: Option<String>,
}

impl Standing {
    /// An earlier request of the current part is unaccounted for.
    pub fn doubted(&self) -> bool {
        self.unsure.is_some()
    }
}

/// What is known of a request that had no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsure {
    /// From when on it can't reach the platform any more: the platform's list is believed some time after.
    pub since: Timestamp,
    /// How often the platform was asked and did not have it.
    pub looks: u16,
    /// Another process sent it, which may be frozen and not dead: nothing is sent again on the strength of a
    /// list (reliability §2.7).
    pub foreign: bool,
}

/// What does not change while a post goes its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many parts it has; at least 1.
    pub parts: u16,
    /// When it should go out.
    pub due: Timestamp,
    /// How late it may still go out.
    pub late: Duration,
    /// How long after one part the next may still go: a reader should not find half a thread hours later
    /// (reliability §2.12).
    pub gap: Duration,
    /// Never sent at or after this instant.
    pub expires: Option<Timestamp>,
    /// An occurrence of a recurring rule: when missed it is skipped, where another is held for a person.
    pub recurring: bool,
    /// How its account's platform ends a doubt, after the account's own `in_doubt` was heard.
    pub doubt: Doubt,
}

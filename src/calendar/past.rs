//! What the planner needs to know of the past; the ledger fills it in.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::post::identity::{AccountName, MessageId, PostId};

#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Every post ever recorded.
    pub recorded: HashSet<PostId>,
    /// When each message was first seen.
    pub known: HashMap<MessageId, Timestamp>,
    /// Of messages that go out more than once, and of those that others wait for.
    pub turns: HashMap<(MessageId, AccountName), Turns>,
    /// The last slot that each account has filled.
    pub slots: BTreeMap<AccountName, Timestamp>,
    /// When posts of each account went out or are to go out, in the last days, in order.
    pub traffic: BTreeMap<AccountName, Vec<Timestamp>>,
}

/// How often, and when last, a message went out on an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turns {
    pub count: u32,
    /// When it last began to go out, or is due to. What was skipped or rejected is no time at which it went
    /// out, but for an evergreen message it is a turn that it has had.
    pub last: Option<Timestamp>,
    /// When it was last fully accepted.
    pub sent: Option<Timestamp>,
}

//! What the planner needs to know of the past; the ledger fills it in.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::post::content::Variant;
use crate::post::identity::{AccountName, MessageId, PostId};

/// Of each message, and on each account.
pub type Variants = HashMap<(MessageId, AccountName), Variant>;

#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Every post ever recorded.
    pub recorded: HashSet<PostId>,
    /// When each message was first seen.
    pub known: Known,
    /// Of messages that go out more than once, and of those that others wait for.
    pub turns: HashMap<(MessageId, AccountName), Turns>,
    /// Of messages with variants: the one that each account said last, or is about to say. What was skipped or
    /// rejected was not said.
    pub variants: Variants,
    /// The last slot that each account has filled.
    pub slots: BTreeMap<AccountName, Timestamp>,
    /// When posts of each account went out or are to go out, in the last days, in order.
    pub traffic: BTreeMap<AccountName, Vec<Timestamp>>,
}

/// When each message was first seen, to the microsecond; kept by a hash of its id, because there may be a
/// hundred thousand of them.
#[derive(Debug, Clone, Default)]
pub struct Known(HashMap<u64, i64>);

impl Known {
    pub fn insert(&mut self, message: impl Borrow<MessageId>, since: Timestamp) {
        self.0.insert(hash(message.borrow()), since.as_microsecond());
    }

    pub fn get(&self, message: &MessageId) -> Option<Timestamp> {
        self.0
            .get(&hash(message))
            .and_then(|micros| Timestamp::from_microsecond(*micros).ok())
    }
}

impl FromIterator<(MessageId, Timestamp)> for Known {
    fn from_iter<T: IntoIterator<Item = (MessageId, Timestamp)>>(known: T) -> Self {
        let mut all = Self::default();
        known
            .into_iter()
            .for_each(|(message, since)| all.insert(message, since));
        all
    }
}

/// The same in every process: `DefaultHasher::new` has fixed keys.
fn hash(message: &MessageId) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.as_str().hash(&mut hasher);
    hasher.finish()
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

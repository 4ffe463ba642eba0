//! What the planner needs to know of the past; the ledger fills it in.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::post::content::Variant;
use crate::post::identity::{AccountName, Identity, MessageId, PostId};

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
    /// When the posts of each account that were due in the three days before and after went out, or are to go out, in
    /// order.
    pub traffic: BTreeMap<AccountName, Vec<Timestamp>>,
}

impl Past {
    /// Whether this post is recorded, under its message's id or one that it had before (`was`): a post's id is made of
    /// the id that its message had then.
    pub fn has(&self, post: &Identity, was: &[MessageId]) -> bool {
        let under = |old: &MessageId| Identity {
            message: old.clone(),
            ..post.clone()
        };
        let recorded = |post: &Identity| self.recorded.contains(&post.post_id());
        recorded(post) || was.iter().any(|old| recorded(&under(old)))
    }

    /// What was done under the old names is the new names' (old, new): for who looks before the ledger has been told.
    #[must_use]
    pub fn renamed(mut self, names: &BTreeMap<&MessageId, &MessageId>) -> Self {
        for (old, new) in names {
            if let Some(since) = self.known.get(old) {
                let since = self.known.get(new).map_or(since, |known| known.min(since));
                self.known.insert(*new, since);
            }
        }
        if names.is_empty() {
            return self;
        }
        let now = |message: MessageId| names.get(&message).map_or(message, |new| (*new).clone());
        for ((message, account), turns) in std::mem::take(&mut self.turns) {
            let all = self.turns.entry((now(message), account)).or_default();
            all.count = all.count.saturating_add(turns.count);
            all.last = all.last.max(turns.last);
            all.sent = all.sent.max(turns.sent);
        }
        for ((message, account), variant) in std::mem::take(&mut self.variants) {
            match names.get(&message) {
                // Whether the old name or the new one spoke last is not known here; mostly only one did.
                Some(new) => drop(self.variants.entry(((*new).clone(), account)).or_insert(variant)),
                None => drop(self.variants.insert((message, account), variant)),
            }
        }
        self
    }
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

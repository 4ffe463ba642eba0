//! Approval: a message goes out only when people have approved exactly what it says.
//!
//! What is approved is a [`Proposal`]. A word of approval names its digest, so it counts for that content alone:
//! whatever changes, changes the digest, and the word no longer fits.

pub mod proposal;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::message::Message;
use super::{Campaign, Roster};
use crate::post::digest::Digest;
use crate::post::identity::{AccountName, MessageId};
pub use proposal::Proposal;

/// `delivery.approval = "required"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many different people must have approved.
    pub people: usize,
}

/// A person's word on a message, as the ledger keeps it, in the order in which they were said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub message: MessageId,
    /// Who said it: their own word.
    pub by: String,
    pub at: Timestamp,
    /// What was approved; `None`: all that was approved of this message is withdrawn.
    pub digest: Option<Digest>,
}

/// What is approved of a message: its proposal, as far as a request must be held against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    pub digest: Digest,
    pub accounts: Vec<AccountName>,
    /// The bytes of its images and videos.
    pub media: BTreeMap<String, Digest>,
}

/// Where a message's approval stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'a> {
    Approved,
    /// Nobody ever said a word on it.
    Never,
    /// This was approved last, and it says something else now.
    Changed(&'a Approval),
    /// The last word on it.
    Withdrawn(&'a Approval),
    /// So many more people must approve it.
    More(usize),
    /// Its author approved it, and somebody else must.
    AuthorAlone,
}

impl Standing<'_> {
    /// In one sentence without a full stop, for people; `None` if it is approved.
    pub fn why(&self) -> Option<String> {
        Some(match self {
            Standing::Approved => return None,
            Standing::Never => "it is not approved".to_owned(),
            Standing::Changed(last) => {
                format!("it is not approved: it has changed since {} approved it", last.by)
            }
            Standing::Withdrawn(last) => format!("it is not approved: {} withdrew the approval", last.by),
            Standing::More(1) => "it is not approved: one more person must approve it".to_owned(),
            Standing::More(n) => format!("it is not approved: {n} more people must approve it"),
            Standing::AuthorAlone => "it is not approved: its author did, and somebody else must".to_owned(),
        })
    }
}

/// All that was ever said of approval, by message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvals(BTreeMap<MessageId, Vec<Approval>>);

impl Approvals {
    /// `said` in the order in which it was said.
    pub fn new(said: Vec<Approval>) -> Self {
        let mut approvals = Self::default();
        for word in said {
            approvals.0.entry(word.message.clone()).or_default().push(word);
        }
        approvals
    }

    /// What was said of a message under an id that it had before ([`Message::was`]) counts under the one it has now, for
    /// the same content: its digest names the message, and is another by that alone.
    #[must_use]
    pub fn carried(
        mut self,
        campaign: &Campaign,
        roster: &Roster,
        hash: &dyn Fn(&str) -> Option<Digest>,
    ) -> Self {
        for (old, new) in campaign.renames() {
            let message = campaign.messages.iter().find(|message| message.id == *new);
            let (Some(mut said), Some(message)) = (self.0.remove(old), message) else {
                continue;
            };
            let proposal = Proposal::of(campaign, roster, message, hash).ok();
            let content = proposal.map(|proposal| (proposal.digest_as(old), proposal.digest()));
            for word in &mut said {
                word.message = new.clone();
                word.digest = match content {
                    Some((before, now)) if word.digest == Some(before) => Some(now),
                    _ => word.digest,
                };
            }
            let words = self.0.entry(new.clone()).or_default();
            words.extend(said);
            words.sort_by_key(|word| word.at);
        }
        self
    }

    /// The last word on this message, if it approves something.
    pub fn last(&self, message: &MessageId) -> Option<&Approval> {
        self.0.get(message)?.last().filter(|last| last.digest.is_some())
    }

    /// Who has approved this very content and said nothing else since: each person's first word. Whoever approves
    /// other content, or withdraws, takes back what was approved before.
    pub fn of(&self, message: &MessageId, digest: Digest) -> Vec<&Approval> {
        let mut said: Vec<&Approval> = Vec::new();
        for word in self.0.get(message).into_iter().flatten() {
            if word.digest != Some(digest) {
                said.clear();
            } else if !said.iter().any(|known| same_person(&known.by, &word.by)) {
                said.push(word);
            }
        }
        said
    }

    /// Whether this person has approved this very content already, and it still counts.
    pub fn has(&self, word: &Approval) -> bool {
        word.digest.is_some_and(|digest| {
            let said = self.of(&word.message, digest);
            said.iter().any(|known| same_person(&known.by, &word.by))
        })
    }

    /// Where it stands with a message that is to say what has this digest.
    pub fn standing(
        &self,
        message: &Message,
        digest: Digest,
        author: Option<&str>,
        rule: Rule,
    ) -> Standing<'_> {
        let said = self.of(&message.id, digest);
        let is_author = |by: &str| author.is_some_and(|author| same_person(author, by));
        if said.is_empty() {
            return match self.0.get(&message.id).and_then(|said| said.last()) {
                None => Standing::Never,
                Some(last) if last.digest.is_none() => Standing::Withdrawn(last),
                Some(last) => Standing::Changed(last),
            };
        }
        match rule.people.checked_sub(said.len()) {
            Some(more) if more > 0 => Standing::More(more),
            _ if said.iter().all(|word| is_author(&word.by)) => Standing::AuthorAlone,
            _ => Standing::Approved,
        }
    }
}

/// Names are people's own word, and they do not always write them alike.
fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// What every message proposes; or why nobody can tell, so that nobody can approve it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposals(BTreeMap<MessageId, Result<Approved, String>>);

impl Proposals {
    /// `hash` gives the SHA-256 of a media file as it lies in the messages folder; `None` if it can't be read.
    pub fn of(campaign: &Campaign, roster: &Roster, hash: &dyn Fn(&str) -> Option<Digest>) -> Self {
        let of = |message: &Message| {
            let proposal = Proposal::of(campaign, roster, message, hash)?;
            Ok(proposal.approved())
        };
        let messages = campaign.messages.iter();
        Self(
            messages
                .map(|message| (message.id.clone(), of(message)))
                .collect(),
        )
    }
}

impl Campaign {
    /// The same campaign with every message blocked that is not approved.
    #[must_use]
    pub fn gated(&self, proposals: &Proposals, approvals: &Approvals, rule: Rule) -> Self {
        let mut gated = self.clone();
        let mut approved = BTreeMap::new();
        for message in &self.messages {
            let proposed = match proposals.0.get(&message.id) {
                Some(Ok(proposed)) => Ok(proposed),
                Some(Err(why)) => Err(why.clone()),
                None => Err("it is not approved".to_owned()),
            };
            let why = match proposed {
                Ok(proposed) => {
                    let author = self.author(message);
                    let standing = approvals.standing(message, proposed.digest, author, rule);
                    if standing == Standing::Approved {
                        approved.insert(message.id.clone(), proposed.clone());
                    }
                    standing.why()
                }
                Err(why) => Some(why),
            };
            if let Some(why) = why {
                let blocked = gated.blocked.entry(message.id.clone());
                blocked.or_insert_with(|| format!("{why}; see `steadfast pending`"));
            }
        }
        gated.approved = Some(approved);
        gated
    }

    /// Who wrote a message, as far as the files say.
    pub fn author<'c>(&'c self, message: &'c Message) -> Option<&'c str> {
        message.author.as_deref().or(self.settings.author.as_deref())
    }

    /// The messages that may not go out for want of approval; none where no approval is asked for.
    pub fn unapproved(&self) -> BTreeSet<&MessageId> {
        let Some(approved) = &self.approved else {
            return BTreeSet::new();
        };
        let ids = self
            .messages
            .iter()
            .filter(|message| !message.draft)
            .map(|message| &message.id);
        ids.filter(|id| !approved.contains_key(id)).collect()
    }
}

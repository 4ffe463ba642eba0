//! Whether a message says what another one said: then it is probably the same under another id.
//!
//! What is compared are the words as they were, and would be, posted: of a message that is gone from the files nothing
//! else is left, since the ledger keeps no templates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use similar::{Algorithm, capture_diff_slices, get_diff_ratio};

use super::message::Message;
use super::outside::Outside;
use super::problem::{Problem, Severity};
use super::render::{Renderer, words_for};
use super::{Campaign, Roster, spotted};
use crate::post::content::Content;
use crate::post::identity::MessageId;

/// From this share of equal words on, in percent, two texts are alike (reliability §2.11).
const ALIKE: u8 = 95;

/// A message that says what another said that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookalike {
    /// The one that is gone.
    pub of: MessageId,
    /// When it went out last.
    pub sent: Timestamp,
    /// How many of a hundred words are equal.
    pub percent: u8,
}

impl Lookalike {
    /// Why the message is held, in one sentence without a full stop.
    fn looks(&self) -> String {
        let Self { of, percent, .. } = self;
        format!(
            "it looks like `{of}` under another id, which is gone and was just posted ({percent} % equal text)"
        )
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        let of = &self.of;
        format!(
            "if it is the same message, write `was = [\"{of}\"]`; if it is another, write why in its `allow`: `allow = {{ \"renamed\" = \"…\" }}`"
        )
    }

    fn problem(&self, message: &Message, outside: &dyn Outside) -> Problem {
        Problem {
            severity: Severity::Warning,
            code: "renamed",
            message: format!("this message is held: {}", self.looks()),
            help: self.help(),
            place: spotted(&message.place, &["id"], outside),
            about: Some(message.id.clone()),
        }
    }
}

impl Campaign {
    /// The same campaign with these messages blocked.
    #[must_use]
    pub fn without(mut self, lookalikes: &BTreeMap<MessageId, Lookalike>) -> Self {
        for (id, lookalike) in lookalikes {
            let why = || format!("{}; see `steadfast check`", lookalike.looks());
            self.blocked.entry(id.clone()).or_insert_with(why);
        }
        self
    }
}

/// What `check` says of them, in the order of the files.
pub fn problems(
    campaign: &Campaign,
    lookalikes: &BTreeMap<MessageId, Lookalike>,
    outside: &dyn Outside,
) -> Vec<Problem> {
    let problem = |message: &Arc<Message>| Some(lookalikes.get(&message.id)?.problem(message, outside));
    campaign.messages.iter().filter_map(problem).collect()
}

/// Everything that a post says, or the address of what it shares.
pub fn saying(content: Content) -> String {
    let parts: Vec<String> = content.parts.into_iter().map(|part| part.text).collect();
    content.share.unwrap_or_else(|| parts.join("\n"))
}

/// All that `message` would say at `now`: of each account, each variant. What can't be rendered is an error of its own.
pub fn sayings(campaign: &Campaign, roster: &Roster, message: &Message, now: Timestamp) -> BTreeSet<String> {
    let mut renderer = Renderer::new(campaign, now);
    let mut sayings = BTreeSet::new();
    for account in roster.targets(&message.to) {
        let variants = words_for(campaign, message, account).texts.len().max(1);
        for nth in 0..variants {
            sayings.extend(renderer.render(message, account, nth).ok().map(saying));
        }
    }
    sayings
}

/// How alike the two that are most alike are, if they are alike enough.
pub fn likeness(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Option<u8> {
    let pairs = ours
        .iter()
        .flat_map(|one| theirs.iter().map(move |other| (one, other)));
    pairs.filter_map(|(one, other)| alike(one, other)).max()
}

/// How many of a hundred words are equal, and in the same order; `None`: fewer than it takes.
fn alike(one: &str, other: &str) -> Option<u8> {
    if one == other {
        return Some(100);
    }
    let one: Vec<&str> = one.split_whitespace().collect();
    let other: Vec<&str> = other.split_whitespace().collect();
    // Where one is much longer the rest need not be looked at.
    let (short, all) = (one.len().min(other.len()), one.len() + other.len());
    if short * 200 < all * usize::from(ALIKE) {
        return None;
    }
    let changes = capture_diff_slices(Algorithm::Myers, &one, &other);
    let ratio = get_diff_ratio(&changes, one.len(), other.len());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a ratio is between 0 and 1"
    )]
    let percent = (ratio * 100.0).floor() as u8;
    (percent >= ALIKE).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_of_twenty_is_alike_and_two_are_not() {
        let text = |changed: usize| -> String {
            let words = (0..20).map(|n| {
                if n < changed {
                    format!("other{n} ")
                } else {
                    format!("word{n} ")
                }
            });
            words.collect()
        };
        assert_eq!(alike(&text(0), &text(0)), Some(100));
        assert_eq!(alike(&text(0), &text(1)), Some(95));
        assert_eq!(alike(&text(0), &text(2)), None);
        assert_eq!(alike(&text(0), ""), None);
    }

    #[test]
    fn spaces_and_line_ends_are_no_words() {
        assert_eq!(alike("He was\nconvicted.", "He  was convicted.\n"), Some(100));
    }
}

//! Whether so many messages are gone from the files at once that it looks like an accident: a folder that is only
//! half there, a checkout under way (reliability §2.11, F18).

use std::collections::HashSet;

use jiff::Timestamp;

use crate::campaign::message::{Local, Message, When};
use crate::campaign::{Campaign, Roster};
use crate::post::identity::{Identity, MessageId, Occurrence};

use super::super::civil;
use super::super::past::Past;

/// More than so many are an accident, whatever their share.
const MANY: usize = 10;
/// More than one in so many are one, too …
const SHARE: usize = 4;
/// … unless they are no more than these: whoever takes out one or two of a few means it.
const EDIT: usize = 2;

/// Messages that were still to go out and are in the files no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vanished {
    pub gone: usize,
    /// How many were still to go out.
    pub of: usize,
}

/// Whether there may be something to [`vanished`], whatever is recorded: that is long to read.
pub fn may_have_vanished(before: &Campaign, after: &Campaign) -> bool {
    let there = ids(after);
    let mut gone = before
        .messages
        .iter()
        .filter(|message| !there.contains(&message.id));
    gone.nth(EDIT).is_some()
}

/// The ids of its messages, and those that they had before: who is renamed is not gone.
fn ids(campaign: &Campaign) -> HashSet<&MessageId> {
    let messages = campaign.messages.iter();
    messages.flat_map(|message| message.names()).collect()
}

/// What is gone in `after` that was still to go out by `before`; `None`: no more than an edit takes. What is over
/// may be cleared away, and what can't be read is not gone.
pub fn vanished(
    before: &Campaign,
    after: &Campaign,
    roster: &Roster,
    past: &Past,
    now: Timestamp,
) -> Option<Vanished> {
    let there = ids(after);
    let is_gone = |message: &Message| {
        !there.contains(&message.id)
            && !after.blocked.contains_key(&message.id)
            && !after.broken_files.contains_key(&message.place.file)
    };
    let ahead = |message: &&std::sync::Arc<Message>| is_ahead(message, before, roster, past, now);
    let of = before.messages.iter().filter(ahead).count();
    let gone = before.messages.iter().filter(ahead);
    let gone = gone.filter(|message| is_gone(message)).count();
    let too_many = gone > MANY || gone > EDIT && gone.saturating_mul(SHARE) > of;
    too_many.then_some(Vanished { gone, of })
}

/// Whether any post of it is still to be recorded.
fn is_ahead(message: &Message, campaign: &Campaign, roster: &Roster, past: &Past, now: Timestamp) -> bool {
    let instant = |local| match local {
        Local::Fixed(at) => Some(at),
        Local::Civil(local) => civil::instant(&campaign.settings.zone, local),
    };
    let over = |local| instant(local).is_some_and(|at| at <= now);
    if message.draft || message.expires.is_some_and(over) {
        return false;
    }
    match message.when {
        When::Cron(_) | When::Evergreen => true,
        When::At(local) if over(local) => false,
        When::At(_) | When::Queue | When::After { .. } => {
            let once = |account: &crate::campaign::Account| Identity {
                campaign: campaign.settings.id.clone(),
                message: message.id.clone(),
                account: account.name.clone(),
                occurrence: Occurrence::once(),
            };
            let mut posts = roster.targets(&message.to).into_iter().map(once);
            posts.any(|post| !past.has(&post, &message.was))
        }
    }
}

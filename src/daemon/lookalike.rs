//! A message whose id was changed without `was` is a new one to the ledger, and would be posted once more. So one that
//! is new, and says nearly what one said that is gone from the files and was just posted, is held until somebody says
//! which it is (reliability §2.11).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::campaign::likeness::{Lookalike, likeness, saying, sayings};
use crate::campaign::message::Message;
use crate::campaign::{Campaign, Roster};
use crate::ledger::{Filter, Ledger, LedgerError};
use crate::post::identity::MessageId;
use crate::post::state::State;

/// What went out longer ago may be said again (reliability §2.11).
const RECENT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// So many posts of a message that is gone are looked at, the latest due.
const POSTS: u32 = 100;

/// A message that is gone: what it said of late, and when it said it last.
struct Gone {
    id: MessageId,
    said: BTreeSet<String>,
    last: Timestamp,
}

/// The messages that look like one that is gone, each with that one. Mostly nothing that was just posted is gone, and
/// then no text is looked at.
///
/// # Errors
/// When the ledger can't be read.
pub async fn lookalikes(
    ledger: &dyn Ledger,
    campaign: &Campaign,
    roster: &Roster,
    now: Timestamp,
) -> Result<BTreeMap<MessageId, Lookalike>, LedgerError> {
    let gone = gone(ledger, campaign, now).await?;
    let Some(earliest) = gone.iter().map(|gone| gone.last).min() else {
        return Ok(BTreeMap::new());
    };
    let known = ledger.past(&[], now).await?.known;
    // One that was there while the other was still posted is another one.
    let is_new = |id: &MessageId, last| known.get(id).is_none_or(|since| since > last);
    let silenced = |message: &Message| {
        message.allow.contains_key("renamed") || campaign.settings.allow.contains_key("renamed")
    };
    let mut found = BTreeMap::new();
    let asked = campaign.messages.iter().filter(|message| {
        let blocked = campaign.blocked.contains_key(&message.id);
        !message.draft && !blocked && !silenced(message) && is_new(&message.id, earliest)
    });
    for message in asked {
        let ours = sayings(campaign, roster, message, now);
        let theirs = gone.iter().filter(|gone| is_new(&message.id, gone.last));
        let alike = theirs.filter_map(|gone| Some((likeness(&ours, &gone.said)?, gone)));
        let Some((percent, gone)) = alike.max_by_key(|(percent, gone)| (*percent, gone.last)) else {
            continue;
        };
        if is_unposted(ledger, message).await? {
            let lookalike = Lookalike {
                of: gone.id.clone(),
                sent: gone.last,
                percent,
            };
            found.insert(message.id.clone(), lookalike);
        }
    }
    Ok(found)
}

/// Messages that were just posted and are in the files no more, under no name.
async fn gone(ledger: &dyn Ledger, campaign: &Campaign, now: Timestamp) -> Result<Vec<Gone>, LedgerError> {
    let since = now.saturating_sub(RECENT).unwrap_or(Timestamp::MIN);
    let messages = campaign.messages.iter();
    let there: HashSet<&MessageId> = messages.flat_map(|message| message.names()).collect();
    let sent = ledger.sent_since(since).await?.into_iter();
    let mut gone = Vec::new();
    // What can't be read is not gone.
    for id in sent.filter(|id| !there.contains(id) && !campaign.blocked.contains_key(id)) {
        let filter = Filter {
            message: Some(id.to_string()),
            state: Some(State::Sent),
            limit: Some(POSTS),
            ..Filter::default()
        };
        let posts = ledger.history(&filter).await?.into_iter();
        let (mut said, mut last) = (BTreeSet::new(), Timestamp::MIN);
        for post in posts.filter(|post| !post.is_recall()) {
            if let Some(sent) = post.sent.filter(|sent| *sent >= since) {
                last = last.max(sent);
                said.insert(saying(post.content));
            }
        }
        if !said.is_empty() {
            gone.push(Gone { id, said, last });
        }
    }
    Ok(gone)
}

/// Whether nothing of it was ever recorded.
async fn is_unposted(ledger: &dyn Ledger, message: &Message) -> Result<bool, LedgerError> {
    let filter = Filter {
        message: Some(message.id.to_string()),
        limit: Some(1),
        ..Filter::default()
    };
    Ok(ledger.history(&filter).await?.is_empty())
}

/// Where nobody can tell because the ledger can't be read: what was not there before waits.
pub(super) fn hold_new(mut campaign: Campaign, before: &Campaign) -> Campaign {
    let there: HashSet<_> = before.messages.iter().map(|message| &message.id).collect();
    for message in &campaign.messages {
        if let Some(why) = before.blocked.get(&message.id) {
            campaign
                .blocked
                .entry(message.id.clone())
                .or_insert_with(|| why.clone());
        } else if !there.contains(&message.id) {
            let why = "it is new, and the ledger can't be read to see what was posted".to_owned();
            campaign.blocked.entry(message.id.clone()).or_insert(why);
        }
    }
    campaign
}

//! How the public answered: reactions to a bot's message, and how many answered it in its thread. A webhook can't look.
//!
//! <https://docs.slack.dev/reference/methods/conversations.replies>, which shows both to who may read the channel.
//! `reactions.get` shows only the first, and needs a scope of its own.

use serde::Deserialize;

use super::{Place, Slack, Way, is_id, odd};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Receipt};

#[derive(Deserialize)]
struct Page {
    messages: Vec<Shown>,
}

/// Slack leaves out what is nought.
#[derive(Deserialize)]
struct Shown {
    ts: String,
    /// `tombstone`: it was deleted, and its thread is still there.
    #[serde(default)]
    subtype: String,
    #[serde(default)]
    reactions: Vec<Reaction>,
    #[serde(default)]
    reply_count: u64,
    /// The first message of the thread that it stands in.
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct Reaction {
    count: u64,
}

impl Shown {
    fn counts(self) -> Counts {
        let reactions = self.reactions.iter().map(|reaction| reaction.count);
        // What stands in a thread is not answered by itself.
        let answered = self.thread_ts.is_none_or(|thread| thread == self.ts);
        Counts {
            likes: Some(reactions.fold(0, u64::saturating_add)),
            replies: answered.then_some(self.reply_count),
            ..Counts::default()
        }
    }
}

/// Of a message, or of the file that one showed.
const GONE: &[&str] = &[
    "thread_not_found",
    "message_not_found",
    "file_not_found",
    "file_deleted",
];

impl Slack {
    /// Nothing of a message that is gone, or is not in the account's channel.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let Way::Bot { channel, .. } = &self.way else {
            let words = "a webhook can't be asked what it has";
            return Err(Failure::new(Class::Rejected, words));
        };
        let mut all = Vec::new();
        for receipt in of {
            let place = Place::of(receipt).filter(|place| place.channel == *channel);
            let counts = match place {
                Some(place) => self.counts_at(place).await,
                None => Ok(Counts::default()),
            };
            all.push(match counts {
                Err(failure) if GONE.iter().any(|gone| failure.words.starts_with(gone)) => Counts::default(),
                counts => counts?,
            });
        }
        Ok(all)
    }

    async fn counts_at(&self, place: Place) -> Result<Counts, Failure> {
        let shown = if is_id(&place.ts) {
            self.message_showing(&place).await?
        } else {
            Some(place)
        };
        let Some(Place { channel, ts, thread }) = shown else {
            return Ok(Counts::default());
        };
        let pairs = [
            ("channel", &*channel),
            ("ts", thread.as_deref().unwrap_or(&ts)),
            ("oldest", &*ts),
            ("latest", &*ts),
            ("inclusive", "true"),
            // The first message of a thread may come with each page of it.
            ("limit", "2"),
        ];
        let answer = self.call("conversations.replies", &pairs).await?;
        let page: Page = answer.json().ok_or_else(|| odd(&answer))?;
        let there = |shown: &Shown| shown.ts == ts && shown.subtype != "tombstone";
        Ok(page
            .messages
            .into_iter()
            .find(there)
            .map(Shown::counts)
            .unwrap_or_default())
    }
}

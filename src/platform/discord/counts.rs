//! How the public answered: a message is asked for by itself, by bots and webhooks alike.
//!
//! <https://docs.discord.com/developers/resources/message#get-channel-message>. It tells the reactions, and how many
//! messages there are in the thread that somebody began with it. Answers in the channel are counted nowhere.

use serde::Deserialize;

use super::super::harmless;
use super::super::http::Answer;
use super::{Discord, Refusal, UNKNOWN_CHANNEL, Way, is_gone, path_of, refused};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Receipt};

/// Of a message; Discord leaves out what it has none of.
#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "id")]
    _id: String,
    #[serde(default)]
    reactions: Vec<Reaction>,
    thread: Option<Thread>,
}

#[derive(Deserialize)]
struct Reaction {
    count: u64,
}

/// <https://docs.discord.com/developers/resources/channel#channel-object>
#[derive(Deserialize)]
struct Thread {
    /// Without the message that it began with, and what was deleted.
    message_count: Option<u64>,
}

fn read(answer: &Answer) -> Result<Counts, Failure> {
    // With its channel, the message is gone.
    let no_channel = || {
        answer
            .json()
            .is_some_and(|Refusal { code, .. }| code == UNKNOWN_CHANNEL)
    };
    if is_gone(answer) || (answer.status == 404 && no_channel()) {
        return Ok(Counts::default());
    }
    if answer.status != 200 {
        return Err(harmless(refused(answer)));
    }
    let words = "an answer of another shape than the manual's";
    let shown: Option<Shown> = answer.json();
    let shown = shown.ok_or_else(|| answer.failure(Class::Transient, Some(words)))?;
    let reactions = shown.reactions.iter().map(|reaction| reaction.count);
    Ok(Counts {
        likes: Some(reactions.fold(0, u64::saturating_add)),
        replies: shown.thread.map_or(Some(0), |thread| thread.message_count),
        ..Counts::default()
    })
}

impl Discord {
    /// Nothing of a message that is gone, or whose number nobody knows.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let webhook = matches!(self.way, Way::Webhook(_));
        let mut all = Vec::new();
        for receipt in of {
            all.push(match path_of(receipt, webhook) {
                Some(path) => read(&self.shown(&path).await?)?,
                None => Counts::default(),
            });
        }
        Ok(all)
    }
}

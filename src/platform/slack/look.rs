//! Looking for a bot's message whose answer was lost: in the channel's history, or in its thread, by our id in the
//! metadata, or by the files that it shows. Both are exact.
//!
//! <https://docs.slack.dev/reference/methods/conversations.history>,
//! <https://docs.slack.dev/reference/methods/conversations.replies>

use serde::Deserialize;
use serde_json::Value;

use super::super::http::Answer;
use super::super::{Among, Sealed};
use super::files::{File, files_of};
use super::{EVENT, Place, Slack, Way, odd};
use crate::post::outcome::{Class, Failure, Found};

/// As many as some apps get, and how many pages are turned.
const PAGE: &str = "15";
const PAGES: usize = 20;

/// Of the frozen request.
#[derive(Deserialize)]
struct Answers {
    thread_ts: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Listed>,
    #[serde(default)]
    response_metadata: Cursor,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cursor {
    next_cursor: String,
}

#[derive(Deserialize)]
struct Listed {
    ts: String,
    thread_ts: Option<String>,
    metadata: Option<Metadata>,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    event_type: String,
    #[serde(default)]
    event_payload: Value,
}

impl Listed {
    fn is(&self, delivery: &str, files: &[String]) -> bool {
        let ours = |metadata: &Metadata| {
            let theirs = metadata.event_payload.get("delivery_id").and_then(Value::as_str);
            metadata.event_type == EVENT && theirs == Some(delivery)
        };
        self.metadata.as_ref().is_some_and(ours) || self.files.iter().any(|file| files.contains(&file.id))
    }
}

impl Slack {
    pub(super) async fn look(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        let Way::Bot { channel, .. } = &self.way else {
            return Err(Failure::new(
                Class::InDoubt,
                "a webhook can't be asked what it has",
            ));
        };
        let Answers { thread_ts } = serde_json::from_str(&sealed.prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let files = files_of(&sealed.prepared);
        let delivery = sealed.key.delivery.to_string();
        let since = format!("{}.000000", among.since.as_second());
        let mut cursor = String::new();
        for _ in 0..PAGES {
            let mut pairs = vec![
                ("channel", channel.as_str()),
                ("oldest", &since),
                ("inclusive", "true"),
                ("limit", PAGE),
                ("include_all_metadata", "true"),
            ];
            let method = match &thread_ts {
                Some(thread) => {
                    pairs.push(("ts", thread));
                    "conversations.replies"
                }
                None => "conversations.history",
            };
            if !cursor.is_empty() {
                pairs.push(("cursor", &cursor));
            }
            let answer = match self.learn(method, &pairs).await? {
                Ok(answer) => answer,
                Err(unclear) => return Ok(unclear),
            };
            let page: Page = answer.json().ok_or_else(|| odd(&answer))?;
            if let Some(found) = page
                .messages
                .into_iter()
                .find(|listed| listed.is(&delivery, &files))
            {
                let place = Place {
                    channel: channel.clone(),
                    ts: found.ts,
                    thread: found.thread_ts,
                };
                return Ok(Found::Here(self.addressed(place.receipt())));
            }
            cursor = page.response_metadata.next_cursor;
            if cursor.is_empty() {
                return Ok(Found::Absent);
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the channel has too much since then to be read",
        ))
    }

    /// A token that may not look is a matter for a person, not for the account.
    async fn learn(&self, method: &str, pairs: &[(&str, &str)]) -> Result<Result<Answer, Found>, Failure> {
        match self.call(method, pairs).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(failure)
                if failure.words.starts_with("missing_scope") || failure.class == Class::Rejected =>
            {
                let words = format!(
                    "the bot may not look at the channel's messages: {}",
                    failure.words
                );
                Ok(Err(Found::Unclear(words)))
            }
            Err(failure) => Err(failure),
        }
    }
}

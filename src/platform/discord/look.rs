//! Looking for a bot's message whose answer was lost: among those of its channel, by the nonce, else by its words.
//!
//! <https://docs.discord.com/developers/resources/message#get-channel-messages>

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::{Among, Sealed, form};
use super::{Discord, Message, Way, harmless, messages, nonce, refused};
use crate::post::outcome::{Class, Failure, Found, Receipt};

/// The most that a page has, and how many pages are turned.
const PAGE: &str = "100";
const PAGES: usize = 10;
/// When Discord's numbers begin (<https://docs.discord.com/developers/reference#snowflakes>).
const EPOCH_MS: i64 = 1_420_070_400_000;

/// As much of a message as tells one from another, the frozen one and those that the channel has.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default)]
struct Said {
    content: String,
    attachments: Vec<serde::de::IgnoredAny>,
    message_reference: Option<Reference>,
}

#[derive(PartialEq, Deserialize)]
struct Reference {
    #[serde(default)]
    r#type: u8,
    message_id: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    author: Author,
    /// Not all of what has one shows it.
    nonce: Option<Value>,
    #[serde(flatten)]
    said: Said,
    #[serde(flatten)]
    message: Message,
}

#[derive(Deserialize)]
struct Author {
    id: String,
}

impl Said {
    fn is(&self, other: &Self) -> bool {
        self.content.trim() == other.content.trim()
            && self.attachments.len() == other.attachments.len()
            && self.message_reference == other.message_reference
    }
}

impl Discord {
    pub(super) async fn look(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        let Way::Bot { channel, .. } = &self.way else {
            return Err(Failure::new(
                Class::InDoubt,
                "a webhook can't be asked what it has",
            ));
        };
        let me = &self.known().await?.id;
        let nonce = nonce(sealed.key.delivery);
        let told = form::told(&sealed.prepared.body)?;
        let said: Said = serde_json::from_value(Value::Object(told))
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let mut after = snowflake(among.since);
        let (mut seen, mut alike) = (0, Vec::new());
        for _ in 0..PAGES {
            let page = match self.page(channel, &[("after", &after), ("limit", PAGE)]).await? {
                Ok(page) => page,
                Err(unclear) => return Ok(unclear),
            };
            seen += page.len();
            let newest = page
                .iter()
                .map(|listed| &listed.message.id)
                .max_by_key(|id| (id.len(), *id));
            let newest = newest.cloned();
            let full = page.len() >= 100;
            for listed in page.into_iter().filter(|listed| listed.author.id == *me) {
                let theirs = listed.nonce.as_ref().and_then(Value::as_str);
                let receipt = Receipt {
                    pin: Some(listed.message.channel_id),
                    ..Receipt::named(listed.message.id, None)
                };
                let receipt = self.addressed(receipt);
                if theirs == Some(nonce.as_str()) {
                    return Ok(Found::Here(receipt));
                }
                let free = theirs.is_none() && !among.has(&receipt.id, receipt.url.as_deref());
                if free && listed.said.is(&said) {
                    alike.push(receipt);
                }
            }
            match newest.filter(|_| full) {
                Some(newest) => after = newest,
                None => return self.conclude(channel, alike, seen).await,
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the channel has too much since then to be read",
        ))
    }

    /// Without the permission to read, a channel looks empty: that proves nothing.
    async fn conclude(&self, channel: &str, mut alike: Vec<Receipt>, seen: usize) -> Result<Found, Failure> {
        match (alike.pop(), alike.is_empty()) {
            (Some(one), true) => return Ok(Found::Here(one)),
            (Some(_), false) => return Ok(Found::Unclear("the channel has it more than once".to_owned())),
            (None, _) if seen > 0 => return Ok(Found::Absent),
            (None, _) => {}
        }
        Ok(match self.page(channel, &[("limit", "1")]).await? {
            Ok(page) if page.is_empty() => Found::Unclear(
                "the channel shows the bot no message at all: it is new, or the bot lacks Read Message History"
                    .to_owned(),
            ),
            Ok(_) => Found::Absent,
            Err(unclear) => unclear,
        })
    }

    /// A bot that may not look is a matter for a person, not for the account.
    async fn page(
        &self,
        channel: &str,
        query: &[(&str, &str)],
    ) -> Result<Result<Vec<Listed>, Found>, Failure> {
        let answer = self.get(&messages(channel), query).await?;
        match answer.status {
            200 => answer.json().map(Ok).ok_or_else(|| {
                answer.failure(
                    Class::Transient,
                    Some("an answer of another shape than the manual's"),
                )
            }),
            403 => Ok(Err(Found::Unclear(
                "the bot may not look at the channel's messages: it lacks View Channel or Read Message History"
                    .to_owned(),
            ))),
            _ => Err(harmless(refused(&answer))),
        }
    }
}

/// The number that a message of this moment would have at least.
fn snowflake(at: Timestamp) -> String {
    let ms = at.as_millisecond().saturating_sub(EPOCH_MS).max(0);
    (u64::try_from(ms).unwrap_or_default() << 22).to_string()
}

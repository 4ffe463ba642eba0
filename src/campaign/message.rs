//! One thing to say: when, where and in which words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::calendar::cron::Cron;
use crate::post::card::Style;
use crate::post::content::{Image, Video};
use crate::post::identity::MessageId;
use crate::text::parts::Threading;

use super::allow::Allow;
use super::problem::Spot;

/// A `[[message]]`, read and checked by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: MessageId,
    /// The ids that it had before: what is recorded under them is its own. Their order says nothing.
    pub was: Box<[MessageId]>,
    /// The first line of the message in its file (`[[message]]`, or the file's first for Markdown).
    pub place: Spot,
    pub when: When,
    /// Account and group names as written; empty: every account.
    pub to: Box<[Box<str>]>,
    pub words: Words,
    /// Other words for an account or platform: `[message.bluesky]`.
    pub for_account: BTreeMap<Box<str>, Words>,
    /// Other words for a language: `[message.lang.es]`.
    pub for_language: BTreeMap<Box<str>, Words>,
    pub breaking: bool,
    /// Never posted before.
    pub starts: Option<Local>,
    /// Never posted at or after.
    pub expires: Option<Local>,
    /// How late it may still go out; `None`: as the config says.
    pub late: Option<Duration>,
    pub reply_to: Option<MessageId>,
    pub share: Option<Box<str>>,
    pub draft: bool,
    /// How the text becomes a thread.
    pub threading: Threading,
    /// The first part has its words as an image too, where it has no other.
    pub card: Option<Style>,
    /// Who wrote it; `None`: as the campaign says.
    pub author: Option<Box<str>>,
    /// Warnings that are silenced for it, each with the reason.
    pub allow: Allow,
}

impl Message {
    /// Its id, and those that it had before.
    pub fn names(&self) -> impl Iterator<Item = &MessageId> {
        std::iter::once(&self.id).chain(&self.was)
    }
}

/// What may be said otherwise for a platform, an account or a language. In the message itself all that
/// it has is here; in an override only what differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// The templates as written; parts still joined by `---` lines. Empty: none said; more than one: variants,
    /// of which each post says one ([`super::variants`]).
    pub texts: Box<[Arc<str>]>,
    pub link: Option<Arc<str>>,
    pub warn: Option<Arc<str>>,
    pub beside: Option<Beside>,
}

/// What stands beside the words: images, perhaps none, or one video. No platform shows both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    Images(Box<[Image]>),
    Video(Video),
}

impl Words {
    pub fn images(&self) -> &[Image] {
        match &self.beside {
            Some(Beside::Images(images)) => images,
            _ => &[],
        }
    }

    pub fn video(&self) -> Option<&Video> {
        match &self.beside {
            Some(Beside::Video(video)) => Some(video),
            _ => None,
        }
    }

    /// The descriptions of what stands beside the words, as they are written.
    pub fn alts(&self) -> impl Iterator<Item = &str> {
        let images = self.images().iter().map(|image| &*image.alt);
        images.chain(self.video().map(|video| &*video.alt))
    }
}

/// When a message goes out: exactly one of four, or none of them (the queue).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// `at`: once.
    At(Local),
    /// `cron`: again and again.
    Cron(Arc<Cron>),
    /// `after`: some time after another message went out on the same account.
    After { message: MessageId, wait: Duration },
    /// Fills slots when the queue is empty, least recently posted first.
    Evergreen,
    /// The next free slot; with `priority = "breaking"` at once.
    Queue,
}

/// A point in time as staff write it: a local time of the campaign's zone, or one with an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Local {
    Civil(DateTime),
    Fixed(Timestamp),
}

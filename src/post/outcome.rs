//! How a try at delivering one part ended. The class is decided once, where the answer is read; all that
//! follows is decided by the class (`post::step`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The platform's proof that it accepted a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The platform's own id. Always text: no platform's id is a number to us.
    pub id: String,
    /// Where the public can see it, if the platform says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What a later part or a repost needs beside the id to point at this one (Bluesky's `cid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// What the platform shows otherwise than it was sent, or which of its servers have it not, in one sentence,
    /// where its answer tells (reliability P29, §2.12). It is sent all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub altered: Option<String>,
}

impl Receipt {
    /// Of a part that was accepted, and that its platform has no more.
    pub fn deleted_since() -> Self {
        Self::named("deleted since", None)
    }

    /// Whether there is nothing left of it that could be deleted or answered.
    pub fn is_of_nothing(&self) -> bool {
        *self == Self::deleted_since()
    }

    /// Of a part that is known to be out, with nothing but its name.
    pub fn named(id: impl Into<String>, url: Option<String>) -> Self {
        Self {
            id: id.into(),
            url,
            pin: None,
            altered: None,
        }
    }
}

/// Why a part was not, or perhaps not, accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{words}")]
pub struct Failure {
    pub class: Class,
    /// In the platform's own words where it gave any, else ours: one line, no secret, for the person who
    /// must act.
    pub words: String,
    /// The HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// The ways in which publishing fails (reliability §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Certainly not accepted; may be tried again.
    Transient,
    /// Certainly not accepted; the whole account waits. `None`: the platform did not say until when.
    RateLimited { until: Option<Timestamp> },
    /// Certainly not accepted; the credentials are refused.
    Auth,
    /// Certainly refused for good; a person must look.
    Rejected,
    /// The platform says it already has it: evidence of acceptance, not proof.
    Duplicate,
    /// The platform knows that it had it, and has it no more: accepted, and deleted since (reliability P26).
    Gone,
    /// We cannot know.
    InDoubt,
}

/// What the platform says of a request that had no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was accepted: here it is.
    Here(Receipt),
    /// It is not there. It may come yet, so this is believed only after some time and several looks.
    Absent,
    /// The platform is still at work on it.
    Working,
    /// It was not accepted and never will be: a container that ran out.
    Lapsed,
    /// The platform refused it, in these words.
    Refused(String),
    /// Nobody but a person can tell, for this reason: two posts could be it.
    Unclear(String),
}

impl Failure {
    /// `words` is cut to 300 characters and one line, so that nothing a platform sends can flood or
    /// forge a log line (reliability D10).
    pub fn new(class: Class, words: impl AsRef<str>) -> Self {
        Self {
            class,
            words: one_line(words.as_ref(), 300),
            status: None,
        }
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

/// `text` on one line, without control characters, at most `max` characters.
pub fn one_line(text: &str, max: usize) -> String {
    let mut out = String::new();
    let clean = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    for (i, c) in clean.enumerate() {
        if i == max {
            out.push('…');
            break;
        }
        if !(c == ' ' && out.ends_with(' ')) {
            out.push(c);
        }
    }
    out
}

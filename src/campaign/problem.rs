//! What is wrong in a message file: a code, a place, what is wrong, and what to write instead.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use crate::post::identity::MessageId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One problem. It keeps a copy of the line it is on, so that it can be shown without the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Stable, in kebab-case: one of [`super::codes::CODES`].
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead; empty if there is nothing to add.
    pub help: String,
    pub place: Place,
    /// The message that it holds, if it belongs to one.
    pub about: Option<MessageId>,
}

/// Where a problem is. Lines and columns count from 1, columns and lengths in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Relative to the messages folder, `/` between names.
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
    /// How many characters are meant; at least 1, and no further than the end of the line.
    pub length: u32,
    /// The line itself, without its end; empty when there is none to show (an unreadable file).
    pub text: Arc<str>,
}

impl Place {
    /// The file as a whole.
    pub fn whole(file: &Arc<str>) -> Self {
        Self {
            file: file.clone(),
            line: 1,
            column: 1,
            length: 1,
            text: Arc::default(),
        }
    }
}

/// A place that says no more than the line: what each message and fact keeps of where it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
}

/// Characters that cannot be seen, or that make a line look other than it is: controls, and those that
/// turn the direction of writing (reliability F5, F6).
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// `text` with everything deceptive shown as an escape, so that it stays on one line and cannot forge
/// another (reliability F6, D10). Long words of others are cut: a problem is read by people.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == 60 {
            out.push('…');
            break;
        }
        if is_deceptive(c) {
            let _ = write!(out, "\\u{{{:04X}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The one of `known` that is nearest to `wrong`, if it is near enough to be what was meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(&wrong, word), word))
        .filter(|(near, _)| *near > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_shown() {
        assert_eq!(shown("a\u{202e}b\nc"), "a\\u{202E}b\\u{000A}c");
        assert_eq!(shown(&"x".repeat(70)).chars().count(), 61);
    }

    #[test]
    fn near_words_are_proposed_and_far_ones_are_not() {
        let keys = ["text", "to", "expires", "starts"];
        assert_eq!(nearest("txet", keys), Some("text"));
        assert_eq!(nearest("Text", keys), Some("text"));
        assert_eq!(nearest("expire", keys), Some("expires"));
        assert_eq!(nearest("colour", keys), None);
    }
}

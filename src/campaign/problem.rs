//! What is wrong in a message file: a code, a place, what is wrong, and what to write instead.

use std::sync::Arc;

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// One problem. It keeps a copy of the line it is on, so that it can be shown without the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Stable, in kebab-case: `unknown-key`, `duplicate-id` … Listed in the staff's docs.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead; empty if there is nothing to add.
    pub help: String,
    pub place: Place,
    /// The message that it holds, if it belongs to one.
    pub about: Option<crate::post::identity::MessageId>,
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

//! What the campaign asks of the world outside its texts. The folder answers; tests answer by themselves.

use std::sync::Arc;

/// Answers to what cannot be seen in the message files' own words.
pub trait Outside {
    /// The media file at `path`, as a message names it.
    fn media(&self, path: &str) -> Result<Media, MediaProblem>;

    /// The text of a message file as it was read, to show the line that a problem is on. Asked only for
    /// files that have a problem; `None` if it has changed since.
    fn text(&self, file: &str) -> Option<Arc<str>>;
}

/// An image that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Media {
    pub mime: &'static str,
    /// Its size without metadata, in bytes.
    pub size: u64,
    pub width: u32,
    pub height: u32,
}

/// Why a media file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{message}")]
pub struct MediaProblem {
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

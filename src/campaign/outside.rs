//! What the campaign asks of the world outside its texts. The folder answers; tests answer by themselves.

use std::sync::Arc;

use crate::post::card::Card;
pub use crate::text::images::Media;
pub use crate::text::videos::Footage;

/// Answers to what cannot be seen in the message files' own words.
pub trait Outside {
    /// The image at `path`, as a message names it.
    fn media(&self, path: &str) -> Result<Media, MediaProblem>;

    /// The video at `path`, as a message names it.
    /// Where there are no videos, none is found.
    fn video(&self, path: &str) -> Result<Footage, MediaProblem> {
        Err(MediaProblem {
            message: format!("there is no video at {path}"),
            help: "put it into the messages folder".into(),
        })
    }

    /// Whether `card` can be drawn.
    fn card(&self, card: &Card) -> Result<(), MediaProblem>;

    /// The text of a message file as it was read, to show the line that a problem is on. Asked only for
    /// files that have a problem; `None` if it has changed since.
    fn text(&self, file: &str) -> Option<Arc<str>>;
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

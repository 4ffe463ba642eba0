//! What an adapter is given to say, to take back, or to say in other words.

use jiff::Timestamp;

use super::video::VideoFile;
use crate::post::content::Part;
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure, Receipt};
use crate::post::sealed::Key;

/// One part on its way out.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    pub part: &'a Part,
    /// Bytes of `part.images`, in their order, read once, without metadata.
    pub images: Vec<ImageBytes>,
    /// `part.video`, without metadata.
    pub video: Option<VideoFile>,
    /// Counted from 0.
    pub index: u16,
    pub of: u16,
    /// BCP 47.
    pub language: &'a str,
    pub warn: Option<&'a str>,
    /// Instead of `part.text`: share the post at this URL.
    pub share: Option<&'a str>,
    pub key: Key,
    /// What this part answers: the part before it, or for the first part the post that the message
    /// replies to.
    pub parent: Option<&'a Receipt>,
    /// The first post of the thread that `parent` belongs to; `parent` itself where that is unknown.
    pub root: Option<&'a Receipt>,
    pub campaign: &'a str,
    pub message: &'a str,
    pub now: Timestamp,
}

/// A part that is to be deleted.
#[derive(Debug, Clone)]
pub struct Deletion<'a> {
    /// The platform's proof of it.
    pub receipt: &'a Receipt,
    /// It answers an earlier post, or is a later part of a thread. Where that makes it a comment, and the proof names
    /// none, it may be the post that it is on: a person who says that it is out may tell that one's address.
    pub below: bool,
    pub key: Key,
    pub campaign: &'a str,
    pub message: &'a str,
    pub now: Timestamp,
}

impl Deletion<'_> {
    /// Where nobody but a person can find it: a receipt that was entered by hand may say too little.
    pub(super) fn unnamed(&self) -> Failure {
        let place = self.receipt.url.as_deref().unwrap_or(&self.receipt.id);
        Failure::new(
            Class::Rejected,
            format!("the platform's own id of it is not known: delete it by hand ({place})"),
        )
    }
}

/// A part that is to have other words where it is.
#[derive(Debug, Clone)]
pub struct Edit<'a> {
    /// The platform's proof of it.
    pub receipt: &'a Receipt,
    /// It stands below another post, as with [`Deletion::below`].
    pub below: bool,
    /// The text that it went out with.
    pub was: &'a str,
    /// What it is to say. The images and the video of its part are there already: none of their bytes come with it.
    pub out: Outgoing<'a>,
}

impl Edit<'_> {
    /// Where nobody but a person can find it.
    pub(super) fn unnamed(&self) -> Failure {
        let place = self.receipt.url.as_deref().unwrap_or(&self.receipt.id);
        Failure::new(
            Class::Rejected,
            format!("the platform's own id of it is not known: edit it by hand ({place})"),
        )
    }
}

/// An image as it will be uploaded.
#[derive(Debug, Clone)]
pub struct ImageBytes {
    pub bytes: bytes::Bytes,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
    pub alt: String,
    /// The file that it was made from.
    pub source: Digest,
}

//! The videos in the messages folder: looked at by their headers, and read again piece by piece when they are uploaded.

use std::sync::Arc;

use super::media::video::boxes::OnDisk;
use super::media::video::{Cover, Film, examine, is_video};
use super::shown::Kind;
use super::{Folder, open};
use crate::campaign::outside::{Footage, MediaProblem};
use crate::post::digest::Digest;

/// A video as it will be uploaded: without anything that says where, when or by whom it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reel {
    pub footage: Footage,
    cover: Arc<Cover>,
}

impl Reel {
    /// By its headers alone.
    pub(super) fn of(opened: &open::Opened) -> Result<Self, MediaProblem> {
        let (file, size) = opened.file();
        let (footage, cover) = examine(&OnDisk { file, size })?;
        Ok(Self {
            footage,
            cover: Arc::new(cover),
        })
    }
}

impl Folder {
    /// A video of a post, with the SHA-256 of its file. All of it is read once, piece by piece.
    pub fn reel(&self, path: &str) -> Result<(Digest, Reel), MediaProblem> {
        let opened = self.open_video(path)?;
        let reel = Reel::of(&opened)?;
        let (source, settled) = opened
            .digest()
            .map_err(|why| problem(&format!("it cannot be read: {why}"), "is the disk well?"))?;
        if !settled {
            return Err(problem(
                "this file is just being written",
                "wait until it is complete",
            ));
        }
        Ok((source, reel))
    }

    /// Opened, and known by its first bytes.
    pub(super) fn open_video(&self, path: &str) -> Result<open::Opened, MediaProblem> {
        let opened = self.open_media(path)?;
        let start = opened.start();
        if start.is_empty() {
            return Err(problem("this file is empty", "save the video again"));
        }
        is_video(&start).then_some(opened).ok_or_else(no_video)
    }

    /// The same of a video that was looked at before: what it was then, and how many bytes it had.
    pub fn film_of(&self, path: &str, source: Digest, size: u64) -> Result<Film, MediaProblem> {
        match self.examined(path)? {
            Kind::Video(reel, _) if reel.footage.size == size => self.film(path, source, &reel),
            Kind::Video(..) => Err(problem("this file has changed", "it is read anew")),
            Kind::Image(..) => Err(no_video()),
        }
    }

    /// The bytes of such a video, as long as its file is the same.
    pub fn film(&self, path: &str, source: Digest, reel: &Reel) -> Result<Film, MediaProblem> {
        let file = self.open_media(path)?.into_file();
        Ok(Film::new(
            file,
            Arc::clone(&reel.cover),
            reel.footage.size,
            source,
        ))
    }
}

pub(super) fn no_video() -> MediaProblem {
    problem(
        "this is not an MP4 or MOV video",
        "save it as MP4; an image is written as `image = [{ file = \"…\", alt = \"…\" }]`",
    )
}

pub(super) fn no_image() -> MediaProblem {
    problem(
        "this is a video",
        "write it as `video = { file = \"…\", alt = \"…\" }`",
    )
}

fn problem(message: &str, help: &str) -> MediaProblem {
    MediaProblem {
        message: message.to_owned(),
        help: help.to_owned(),
    }
}

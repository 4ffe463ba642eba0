//! The media files that messages name: each is looked at once, and known until it changes; images are read again when
//! they are uploaded.

use std::os::fd::OwnedFd;
use std::sync::PoisonError;

use bytes::Bytes;

use super::open::{self, Fingerprint};
use super::reel::{Reel, no_image};
use super::{Folder, media};
use crate::campaign::outside::{Media, MediaProblem};
use crate::card::{self, Undrawable};
use crate::post::content::Image;
use crate::post::digest::Digest;
use crate::text::limits::Limits;

/// What was found in a media file, and which state of it was looked at.
pub(super) type Examined = (Fingerprint, Result<Kind, MediaProblem>);

/// What a media file is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// Its file's SHA-256 too: it was read as a whole.
    Image(Digest, Media),
    /// Its file's SHA-256 only if somebody has asked: all of it must be read for that.
    Video(Reel, Option<Digest>),
}

/// An image as it will be uploaded: without anything that says where, when or by whom it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Bytes,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    fn fitted(bytes: Bytes, media: Media, limits: Option<&Limits>) -> Result<Self, MediaProblem> {
        let (bytes, media) = media::fitted(bytes, media, limits)?;
        Ok(Self {
            bytes,
            mime: media.mime,
            width: media.width,
            height: media.height,
        })
    }
}

impl Folder {
    /// The image at `path` in the messages folder, cleaned, upright, and as a platform with these limits takes
    /// it; `None`: whatever it is. It is read once: what is returned here is what was looked at (reliability
    /// F11). The same file gives the same bytes.
    ///
    /// It may take seconds and much memory, at most what 40 million pixels need.
    pub fn picture(&self, path: &str, limits: Option<&Limits>) -> Result<Picture, MediaProblem> {
        let (_, bytes, media) = self.read_image(path)?;
        Picture::fitted(bytes, media, limits)
    }

    /// An image of a post, a file or a card that is drawn, with the SHA-256 of that from which it was made.
    pub fn image(&self, image: &Image, limits: Option<&Limits>) -> Result<(Picture, Digest), MediaProblem> {
        let (source, bytes, media) = match &image.card {
            None => self.read_image(&image.file)?,
            Some(card) => {
                let drawn = card::draw(card).map_err(undrawable)?;
                let source = Digest::of(&drawn);
                let (bytes, media) = media::clean(drawn)?;
                (source, bytes, media)
            }
        };
        Ok((Picture::fitted(bytes, media, limits)?, source))
    }

    fn read_image(&self, path: &str) -> Result<(Digest, Bytes, Media), MediaProblem> {
        let opened = self.open_media(path)?;
        // It would be read as a whole.
        if media::video::is_video(&opened.start()) {
            return Err(no_image());
        }
        examine(opened)
    }

    /// The SHA-256 of a media file as it lies there; `None` if it can't be used.
    pub fn hash(&self, path: &str) -> Option<Digest> {
        match self.examined(path).ok()? {
            Kind::Image(source, _) | Kind::Video(_, Some(source)) => Some(source),
            Kind::Video(_, None) => {
                let source = self.reel(path).ok()?.0;
                let mut cache = self.media.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((_, Ok(Kind::Video(_, known)))) = cache.get_mut(path) {
                    *known = Some(source);
                }
                Some(source)
            }
        }
    }

    pub(super) fn examined(&self, path: &str) -> Result<Kind, MediaProblem> {
        let opened = self.open_media(path)?;
        let fingerprint = opened.fingerprint;
        let mut cache = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = cache.get(path).filter(|(of, _)| *of == fingerprint) {
            return found.clone();
        }
        let found = if media::video::is_video(&opened.start()) {
            Reel::of(&opened).map(|reel| Kind::Video(reel, None))
        } else {
            examine(opened).map(|(file, _, media)| Kind::Image(file, media))
        };
        cache.insert(path.to_owned(), (fingerprint, found.clone()));
        found
    }

    /// Whether any media file is other than when it was looked at last. Those are forgotten, to be looked at anew
    /// when somebody asks.
    pub(super) fn media_changed(&self, root: &OwnedFd) -> bool {
        let mut cache = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cache.len();
        cache.retain(|path, (of, _)| open::file(root, path).is_ok_and(|opened| opened.fingerprint == *of));
        cache.len() < known
    }

    pub(super) fn open_media(&self, path: &str) -> Result<open::Opened, MediaProblem> {
        let plain = |message: &str, help: &str| MediaProblem {
            message: message.to_owned(),
            help: help.to_owned(),
        };
        let inside =
            "put the file into the messages folder, and write its path there, like `media/court.png`";
        if path.contains("://") || path.starts_with("file:") || path.starts_with("data:") {
            return Err(plain("this is an address, not a file", inside));
        }
        if path.starts_with(['/', '~']) || path.contains('\\') || path.split('/').any(|step| step == "..") {
            return Err(plain("this is not a path in the messages folder", inside));
        }
        let root = self
            .root()
            .map_err(|gone| plain(&gone.to_string(), "is it there?"))?;
        open::file(&root, path).map_err(|why| plain(&why.message, why.help))
    }
}

/// What the file is by its SHA-256, and the image in it, cleaned.
fn examine(opened: open::Opened) -> Result<(Digest, Bytes, Media), MediaProblem> {
    let (bytes, settled) = opened.read(media::FILE_MAX).map_err(|why| MediaProblem {
        message: why.message,
        help: why.help.to_owned(),
    })?;
    if !settled {
        return Err(MediaProblem {
            message: "this file is just being written".into(),
            help: "wait until it is complete".into(),
        });
    }
    let file = Digest::of(&bytes);
    let (bytes, media) = media::clean(bytes.into())?;
    Ok((file, bytes, media))
}

pub(super) fn undrawable(why: Undrawable) -> MediaProblem {
    MediaProblem {
        message: why.message,
        help: why.help.to_owned(),
    }
}

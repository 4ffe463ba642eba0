//! What posts show: images and videos from the messages folder, and cards, for the daemon and its adapters.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::daemon::Media;
use crate::folder::Folder;
use crate::platform::ImageBytes;
use crate::platform::video::{Films, Named, Open, Stream, VideoFile};
use crate::post::content::{Image, Video};
use crate::post::digest::Digest;
use crate::text::limits::Limits;
use crate::text::videos::misfits;

/// Images and videos from the messages folder, and cards.
pub(super) struct Pictures {
    folder: Arc<Folder>,
    /// One at a time: one alone may take a few hundred megabytes.
    turn: Arc<Semaphore>,
}

impl Pictures {
    pub fn of(folder: Folder) -> Self {
        Self {
            folder: Arc::new(folder),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

/// The longest that an image may take to be read and drawn anew.
const IMAGE_MAX: Duration = Duration::from_secs(8);

#[async_trait]
impl Media for Pictures {
    async fn image(&self, image: &Image, limits: &Limits) -> Result<ImageBytes, String> {
        let too_slow = |_| format!("{}: it took longer than 8 seconds to be made ready", image.file);
        let lost = "the image could not be read";
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| lost)?;
        let (folder, wanted, limits) = (Arc::clone(&self.folder), image.clone(), limits.clone());
        let read = tokio::task::spawn_blocking(move || {
            // Whoever takes too long has it until they are done.
            let _turn = turn;
            folder.image(&wanted, Some(&limits))
        });
        let (picture, source) = tokio::time::timeout(IMAGE_MAX, read)
            .await
            .map_err(too_slow)?
            .map_err(|_| lost)?
            .map_err(|problem| format!("{}: {problem}", image.file))?;
        Ok(ImageBytes {
            bytes: picture.bytes,
            mime: picture.mime,
            width: picture.width,
            height: picture.height,
            alt: image.alt.clone(),
            source,
        })
    }

    async fn video(&self, video: &Video, limits: &Limits) -> Result<VideoFile, String> {
        let (folder, file) = (Arc::clone(&self.folder), video.file.clone());
        let read = tokio::task::spawn_blocking(move || folder.reel(&file)).await;
        let (source, reel) = read
            .map_err(|_| "the video could not be read")?
            .map_err(|problem| format!("{}: {problem}", video.file))?;
        let footage = reel.footage;
        if let Some(misfit) = misfits(&footage, limits.video.as_ref()).first() {
            let (why, _) = misfit.said(&footage, limits.video.as_ref());
            return Err(format!("{}: {} {why}", video.file, limits.platform));
        }
        let (folder, file) = (Arc::clone(&self.folder), video.file.clone());
        let open: Open = Arc::new(move || {
            let stream = folder.film(&file, source, &reel).map_err(io::Error::other)?;
            Ok(Box::pin(stream))
        });
        Ok(VideoFile {
            open,
            footage,
            alt: video.alt.clone(),
            source,
        })
    }

    fn hash(&self, file: &str) -> Option<Digest> {
        self.folder.hash(file)
    }
}

#[async_trait]
impl Films for Pictures {
    async fn film(&self, named: &Named) -> Result<Stream, String> {
        let (folder, wanted) = (Arc::clone(&self.folder), named.clone());
        let opened =
            tokio::task::spawn_blocking(move || folder.film_of(&wanted.file, wanted.source, wanted.size));
        let opened = opened.await.map_err(|_| "the video could not be read")?;
        let film = opened.map_err(|problem| format!("{}: {problem}", named.file))?;
        Ok(Box::pin(film))
    }
}

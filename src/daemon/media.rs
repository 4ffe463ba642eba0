//! Where the images and videos of posts come from.

use async_trait::async_trait;

use crate::platform::ImageBytes;
use crate::platform::video::VideoFile;
use crate::post::content::{Image, Video};
use crate::post::digest::Digest;
use crate::text::limits::Limits;

/// Where the bytes of images and videos come from.
#[async_trait]
pub trait Media: Send + Sync {
    /// The image as it may be shown to the world, and as a platform with these limits takes it: read once,
    /// checked, without metadata.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with the file.
    async fn image(&self, image: &Image, limits: &Limits) -> Result<ImageBytes, String>;
    /// The video as it may be shown to the world, if a platform with these limits takes it: checked, without metadata.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with the file.
    async fn video(&self, video: &Video, limits: &Limits) -> Result<VideoFile, String> {
        let _ = limits;
        Err(format!("there is no {}", video.file))
    }
    /// The SHA-256 of the file as it lies there; `None` if it can't be used. It may read it, so it may block.
    fn hash(&self, file: &str) -> Option<Digest>;
}

/// For tests and tools without images and videos.
pub struct NoMedia;

#[async_trait]
impl Media for NoMedia {
    async fn image(&self, image: &Image, _: &Limits) -> Result<ImageBytes, String> {
        Err(format!("there is no {}", image.file))
    }

    fn hash(&self, _: &str) -> Option<Digest> {
        None
    }
}

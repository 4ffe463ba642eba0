//! A video as it will be uploaded: never as a whole in memory.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncRead;

use super::http::DEADLINE;
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};
use crate::text::videos::Footage;

/// A video's bytes, one after another.
pub type Stream = Pin<Box<dyn AsyncRead + Send + Sync>>;
/// Opens it from its beginning, each time that it is uploaded.
pub type Open = Arc<dyn Fn() -> io::Result<Stream> + Send + Sync>;

/// The slowest line that an upload must get through, in bytes a second.
const SLOWEST: u64 = 128 << 10;

/// A video and its description.
#[derive(Clone)]
pub struct VideoFile {
    pub open: Open,
    pub footage: Footage,
    pub alt: String,
    /// The file that it is.
    pub source: Digest,
}

impl VideoFile {
    /// Its bytes.
    pub(super) fn stream(&self) -> Result<Stream, Failure> {
        (self.open)().map_err(|error| Failure::new(Class::Rejected, error.to_string()))
    }

    /// How long an upload of it may take.
    pub fn patience(&self) -> Duration {
        DEADLINE + Duration::from_secs(self.footage.size / SLOWEST)
    }

    /// A name for it; some servers go by its ending.
    pub fn file_name(&self) -> &'static str {
        match self.footage.mime {
            "video/quicktime" => "video.mov",
            _ => "video.mp4",
        }
    }
}

impl fmt::Debug for VideoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoFile")
            .field("footage", &self.footage)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

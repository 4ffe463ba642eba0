//! A video as it will be uploaded: never as a whole in memory.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::http::DEADLINE;
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};
use crate::text::videos::Footage;

/// A video's bytes, one after another.
pub type Stream = Pin<Box<dyn AsyncRead + Send + Sync>>;
/// Opens it from its beginning, each time that it is uploaded.
pub type Open = Arc<dyn Fn() -> io::Result<Stream> + Send + Sync>;

/// Which video a frozen request means. The video itself is far too large to be frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its path in the messages folder.
    pub file: String,
    /// What the file was when the request was frozen.
    pub source: Digest,
    /// In bytes.
    pub size: u64,
}

/// Where the bytes of videos come from that frozen requests name.
#[async_trait]
pub trait Films: Send + Sync {
    /// The video, without metadata, from its beginning. Its last bytes come only if it is still what was frozen.
    ///
    /// # Errors
    /// Says in one sentence why it can't be had.
    async fn film(&self, named: &Named) -> Result<Stream, String>;
}

/// Where there are none: tests, and commands that send nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFilms;

#[async_trait]
impl Films for NoFilms {
    async fn film(&self, named: &Named) -> Result<Stream, String> {
        Err(format!("there is no {}", named.file))
    }
}

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

    /// The same, for several requests.
    pub(super) fn pieces(&self) -> Result<Pieces, Failure> {
        Ok(Pieces {
            stream: self.stream()?,
            left: self.footage.size,
        })
    }

    /// A name for it; some servers go by its ending.
    pub fn file_name(&self) -> &'static str {
        match self.footage.mime {
            "video/quicktime" => "video.mov",
            _ => "video.mp4",
        }
    }
}

/// How long to wait between looks at whether what was uploaded is processed: soon at first, for ten minutes in all.
pub(super) fn looks() -> impl Iterator<Item = Duration> {
    let first = [250, 500, 1000, 2000, 4000, 8000].map(Duration::from_millis);
    first
        .into_iter()
        .chain(std::iter::repeat_n(Duration::from_secs(10), 59))
}

/// How long so many bytes may be on their way.
pub(super) fn patience(bytes: u64) -> Duration {
    DEADLINE + Duration::from_secs(bytes / SLOWEST)
}

/// A file that goes up in several requests, one after another. Of a video only the one that is on its way is in memory.
pub(super) struct Pieces {
    stream: Stream,
    left: u64,
}

impl Pieces {
    /// Of what is in memory anyway.
    pub(super) fn of(bytes: Bytes) -> Self {
        Self {
            left: bytes.len() as u64,
            stream: Box::pin(io::Cursor::new(bytes)),
        }
    }

    /// How many bytes are still to come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next ones, at most so many; `None`: that was all.
    pub(super) async fn next(&mut self, most: usize) -> Result<Option<Bytes>, Failure> {
        let length = usize::try_from(self.left).map_or(most, |left| left.min(most));
        if length == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; length];
        // What has changed is looked at anew with the next try.
        let read = self.stream.read_exact(&mut piece).await;
        read.map_err(|error| Failure::new(Class::Transient, error.to_string()))?;
        self.left -= length as u64;
        Ok(Some(piece.into()))
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

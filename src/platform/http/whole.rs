//! Bodies that are never as a whole in memory, and whether their last byte has left us.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

use super::super::video::Stream;
use super::Trouble;

/// How much of a stream is in memory at once.
const PIECE: usize = 64 << 10;

/// Whether the last byte of what is streamed has left us. A request that lacks its end is taken by nobody.
#[derive(Default)]
pub(super) struct Whole(Option<Arc<AtomicBool>>);

impl Whole {
    pub(super) fn watch(&mut self, stream: Stream, length: u64) -> reqwest::Body {
        let ended = Arc::new(AtomicBool::new(length == 0));
        self.0 = Some(Arc::clone(&ended));
        let watched = Watched {
            stream,
            left: length,
            ended,
        };
        reqwest::Body::wrap_stream(ReaderStream::with_capacity(watched, PIECE))
    }

    /// Why there is no answer, in the light of it.
    pub(super) fn judge(&self, trouble: Trouble) -> Trouble {
        let cut = self
            .0
            .as_ref()
            .is_some_and(|ended| !ended.load(Ordering::Acquire));
        match trouble {
            Trouble::Unknown(words) if cut => {
                Trouble::NotSent(format!("not all of it could be sent: {words}"))
            }
            trouble => trouble,
        }
    }
}

/// A stream whose end is noticed.
struct Watched {
    stream: Stream,
    left: u64,
    ended: Arc<AtomicBool>,
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let watched = self.get_mut();
        let before = into.filled().len();
        ready!(watched.stream.as_mut().poll_read(cx, into))?;
        let read = into.filled().len() - before;
        watched.left = watched.left.saturating_sub(read as u64);
        if watched.left == 0 {
            watched.ended.store(true, Ordering::Release);
        }
        Poll::Ready(Ok(()))
    }
}

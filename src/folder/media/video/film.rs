//! A video on its way out: read piece by piece, covered, and held against what it was when it was looked at.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::Cover;
use crate::post::digest::{Digest, Hashing};

/// A video's bytes, once, from the first to the last.
pub struct Film {
    file: tokio::fs::File,
    cover: Arc<Cover>,
    /// How far it is.
    at: u64,
    size: u64,
    source: Digest,
    read: Hashing,
}

impl Film {
    /// Of the file as it must be: so large, and with this SHA-256.
    pub fn new(file: File, cover: Arc<Cover>, size: u64, source: Digest) -> Self {
        Self {
            file: tokio::fs::File::from_std(file),
            cover,
            at: 0,
            size,
            source,
            read: Hashing::default(),
        }
    }
}

impl AsyncRead for Film {
    /// The last piece comes only if all before it and this one are what was looked at: a request that lacks its end is
    /// never taken for whole.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let film = self.get_mut();
        if film.at == film.size || into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let changed = || io::Error::other("the file has changed while it was uploaded");
        let left = usize::try_from(film.size - film.at).unwrap_or(usize::MAX);
        let room = into.remaining().min(left);
        let mut piece = ReadBuf::new(into.initialize_unfilled_to(room));
        ready!(Pin::new(&mut film.file).poll_read(cx, &mut piece))?;
        let bytes = piece.filled_mut();
        let length = bytes.len();
        if length == 0 {
            return Poll::Ready(Err(changed()));
        }
        film.read.add(bytes);
        film.cover.lay(film.at, bytes);
        film.at += length as u64;
        if film.at == film.size && std::mem::take(&mut film.read).digest() != film.source {
            return Poll::Ready(Err(changed()));
        }
        into.advance(length);
        Poll::Ready(Ok(()))
    }
}

//! The boxes that an MP4 or MOV file is made of (ISO/IEC 14496-12). No length in the file is believed before it is
//! held against what is there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How many boxes are looked at; an ordinary file has some hundred.
const BOXES_MAX: usize = 20_000;
/// How many bytes are read altogether, but for the pictures and sounds themselves, of which none is.
const READ_MAX: u64 = 16 << 20;

/// Bytes that are read where they are wanted.
pub trait Bytes {
    fn size(&self) -> u64;
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A file and its size when it was opened.
pub struct OnDisk<'f> {
    pub file: &'f File,
    pub size: u64,
}

impl Bytes for OnDisk<'_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

/// Why a file is no video that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It contradicts itself, or ends too early.
    Broken,
    /// It is whole, but of a kind that is not looked through: what it is.
    Odd(&'static str),
    Unreadable(io::ErrorKind),
}

/// A box: its place, and what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Atom {
    pub kind: [u8; 4],
    /// Where it begins.
    pub at: u64,
    /// Where what is in it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
}

/// What reads boxes, and never more than it may.
pub struct Reader<'b> {
    bytes: &'b dyn Bytes,
    boxes: usize,
    read: u64,
}

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b dyn Bytes) -> Self {
        Self {
            bytes,
            boxes: 0,
            read: 0,
        }
    }

    /// `length` bytes from `at` on.
    pub fn take(&mut self, at: u64, length: u64) -> Result<Vec<u8>, Flaw> {
        let end = at.checked_add(length).ok_or(Flaw::Broken)?;
        self.read += length;
        if end > self.bytes.size() {
            return Err(Flaw::Broken);
        }
        if self.read > READ_MAX {
            return Err(Flaw::Odd("a video with more tables than is usual"));
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| Flaw::Broken)?];
        self.bytes
            .read_at(at, &mut bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Flaw::Broken,
                other => Flaw::Unreadable(other),
            })?;
        Ok(bytes)
    }

    /// The first `length` bytes of what is in a box, which must have as many.
    pub fn head(&mut self, atom: &Atom, length: u64) -> Result<Vec<u8>, Flaw> {
        if atom.to - atom.from < length {
            return Err(Flaw::Broken);
        }
        self.take(atom.from, length)
    }

    /// The boxes that lie one after another from `from` to `to`, and where the last of them ends: fewer than eight
    /// bytes that follow are none.
    pub fn boxes(&mut self, from: u64, to: u64) -> Result<(Vec<Atom>, u64), Flaw> {
        let mut atoms = Vec::new();
        let mut at = from;
        while to - at >= 8 {
            self.boxes += 1;
            if self.boxes > BOXES_MAX {
                return Err(Flaw::Odd("a video with more boxes than is usual"));
            }
            let head = self.take(at, 8)?;
            let kind = four(&head, 4).ok_or(Flaw::Broken)?;
            let (from, size) = match number(&head, 0, 4).ok_or(Flaw::Broken)? {
                // To the end.
                0 => (at + 8, to - at),
                1 => (at + 16, number(&self.take(at + 8, 8)?, 0, 8).ok_or(Flaw::Broken)?),
                size => (at + 8, size),
            };
            let end = at.checked_add(size).ok_or(Flaw::Broken)?;
            if end < from || end > to {
                return Err(Flaw::Broken);
            }
            atoms.push(Atom {
                kind,
                at,
                from,
                to: end,
            });
            at = end;
        }
        Ok((atoms, at))
    }
}

/// The four letters at `at`.
pub fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok()
}

/// The number of `length` bytes at `at`, the greatest first.
pub fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}

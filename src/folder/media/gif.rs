//! GIF: a header, then blocks, each with its kind in its first byte.

use super::{Clean, broken};
use crate::campaign::outside::MediaProblem;

/// The image without comments and what applications have put into it.
pub fn clean(bytes: &[u8]) -> Result<Clean, MediaProblem> {
    let mut blocks = Blocks {
        rest: bytes,
        pictures: 0,
    };
    let mut out = Vec::with_capacity(bytes.len());
    let size = blocks.all(&mut out).ok_or_else(broken)?;
    Ok(Clean {
        bytes: out.into(),
        mime: "image/gif",
        size,
        moving: blocks.pictures > 1,
        turn: 1,
    })
}

struct Blocks<'b> {
    rest: &'b [u8],
    pictures: usize,
}

impl<'b> Blocks<'b> {
    /// Copies what is needed to show the image. `None` if it breaks off.
    fn all(&mut self, out: &mut Vec<u8>) -> Option<(u32, u32)> {
        let header = self.take(13)?;
        out.extend_from_slice(header);
        let number = |at: usize| {
            Some(u32::from(u16::from_le_bytes([
                *header.get(at)?,
                *header.get(at + 1)?,
            ])))
        };
        let size = (number(6)?, number(8)?);
        out.extend_from_slice(self.colours(*header.get(10)?)?);
        loop {
            match *self.rest.first()? {
                0x2c => {
                    self.pictures += 1;
                    let image = self.take(10)?;
                    out.extend_from_slice(image);
                    out.extend_from_slice(self.colours(*image.get(9)?)?);
                    out.extend_from_slice(self.take(1)?);
                    out.extend_from_slice(self.data()?);
                }
                0x21 => {
                    let kind = self.take(2)?;
                    let data = self.data()?;
                    // How long a picture is shown, and that it begins again.
                    let is_needed = match kind.get(1)? {
                        0xf9 => true,
                        0xff => data
                            .get(1..12)
                            .is_some_and(|name| name == b"NETSCAPE2.0" || name == b"ANIMEXTS1.0"),
                        _ => false,
                    };
                    if is_needed {
                        out.extend_from_slice(kind);
                        out.extend_from_slice(data);
                    }
                }
                0x3b => {
                    out.push(0x3b);
                    return Some(size);
                }
                _ => return None,
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A table of colours, if the flags say that there is one.
    fn colours(&mut self, flags: u8) -> Option<&'b [u8]> {
        if flags & 0x80 == 0 {
            return Some(&[]);
        }
        self.take(3 << ((flags & 0x07) + 1))
    }

    /// A chain of pieces, each with its length before it; one of no length ends it.
    fn data(&mut self) -> Option<&'b [u8]> {
        let mut length = 0;
        loop {
            let piece = usize::from(*self.rest.get(length)?);
            length += 1 + piece;
            if piece == 0 {
                return self.take(length);
            }
        }
    }
}

//! Media. Videos have a room of their own; what follows are images: known by their first bytes, measured by their headers, freed of all that says where, when or by whom
//! they were taken, and drawn anew where a platform would not take them as they are (reliability F21–F23).

mod exif;
mod gif;
mod jpeg;
mod redraw;
pub mod video;

use bytes::Bytes;
use img_parts::png::Png;
use img_parts::webp::WebP;

use crate::campaign::outside::{Media, MediaProblem};
pub use redraw::fitted;

/// The largest media file that is read, in bytes.
pub const FILE_MAX: usize = 32 * 1024 * 1024;
/// The most pixels that an image may have.
const PIXELS_MAX: u64 = 40_000_000;

/// The chunks of a PNG that are needed to show it as it is; all others may tell tales.
const PNG_CHUNKS: &[&[u8; 4]] = &[
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD",
    b"pHYs", b"cICP", b"mDCV", b"cLLI", b"acTL", b"fcTL", b"fdAT",
];
/// The same for WebP.
const WEBP_CHUNKS: &[&[u8; 4]] = &[b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// `VP8X` says which other chunks there are: EXIF and XMP, the third and fourth bit.
const WEBP_TALES: u8 = 0b0000_1100;

/// The image without its metadata, and what it is. Nothing is decoded.
pub fn clean(bytes: Bytes) -> Result<(Bytes, Media), MediaProblem> {
    if bytes.is_empty() {
        return Err(problem("this file is empty", "save the image again"));
    }
    if bytes.len() > FILE_MAX {
        return Err(problem(
            "this file is larger than 32 MiB",
            "save the image smaller, or with more compression",
        ));
    }
    let clean = match bytes.as_ref() {
        [0xff, 0xd8, 0xff, ..] => jpeg::clean(&bytes)?,
        [0x89, b'P', b'N', b'G', ..] => png(bytes)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes)?,
        [b'G', b'I', b'F', b'8', ..] => gif::clean(&bytes)?,
        other => return Err(unknown(other)),
    };
    let (width, height) = clean.size;
    if width == 0 || height == 0 {
        return Err(broken());
    }
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(problem(
            &format!("this image has {width} × {height} pixels, more than 40 million"),
            "save it smaller: 2,000 pixels on the longer side are enough",
        ));
    }
    if clean.moving && clean.turn != 1 {
        return Err(problem(
            "this moving image is stored on its side, and turned only when it is shown",
            "open it in an image program, rotate it if it does not stand upright, and save it",
        ));
    }
    // From 5 on it lies on a side.
    let (width, height) = if clean.turn < 5 {
        (width, height)
    } else {
        (height, width)
    };
    let media = Media {
        mime: clean.mime,
        size: clean.bytes.len() as u64,
        width,
        height,
        moving: clean.moving,
        turn: clean.turn,
    };
    Ok((clean.bytes, media))
}

/// An image without metadata, and what they said about how it is shown.
struct Clean {
    bytes: Bytes,
    mime: &'static str,
    /// As it is stored.
    size: (u32, u32),
    moving: bool,
    turn: u8,
}

fn png(bytes: Bytes) -> Result<Clean, MediaProblem> {
    let mut png = Png::from_bytes(bytes).map_err(|_| broken())?;
    if png.chunk_by_type(*b"IEND").is_none() || png.chunk_by_type(*b"IDAT").is_none() {
        return Err(broken());
    }
    let exif = png.chunk_by_type(*b"eXIf");
    let turn = exif.and_then(|exif| exif::orientation(exif.contents()));
    let size = png.dimensions().ok_or_else(broken)?;
    png.chunks_mut()
        .retain(|chunk| PNG_CHUNKS.contains(&&chunk.kind()));
    Ok(Clean {
        mime: "image/png",
        size,
        moving: png.chunk_by_type(*b"acTL").is_some(),
        turn: turn_of(turn),
        bytes: png.encoder().bytes(),
    })
}

fn webp(bytes: Bytes) -> Result<Clean, MediaProblem> {
    use img_parts::ImageEXIF as _;
    use img_parts::riff::{RiffChunk, RiffContent};

    let mut webp = WebP::from_bytes(bytes).map_err(|_| broken())?;
    let turn = webp.exif().and_then(|exif| exif::orientation(&exif));
    let size = webp.dimensions().ok_or_else(broken)?;
    webp.chunks_mut()
        .retain(|chunk| WEBP_CHUNKS.contains(&&chunk.id()));
    for chunk in webp
        .chunks_mut()
        .iter_mut()
        .filter(|chunk| chunk.id() == *b"VP8X")
    {
        let data = chunk.content().data().map(|data| data.to_vec());
        if let Some(mut data) = data {
            if let Some(flags) = data.first_mut() {
                *flags &= !WEBP_TALES;
            }
            *chunk = RiffChunk::new(*b"VP8X", RiffContent::Data(data.into()));
        }
    }
    Ok(Clean {
        mime: "image/webp",
        size,
        moving: webp.has_chunk(*b"ANIM") || webp.has_chunk(*b"ANMF"),
        turn: turn_of(turn),
        bytes: webp.encoder().bytes(),
    })
}

/// What is not known, or makes no sense, is upright.
fn turn_of(orientation: Option<u16>) -> u8 {
    match orientation.map(u8::try_from) {
        Some(Ok(turn @ 2..=8)) => turn,
        _ => 1,
    }
}

fn unknown(start: &[u8]) -> MediaProblem {
    let help = "save it as PNG or JPEG";
    let text = String::from_utf8_lossy(start.get(..256.min(start.len())).unwrap_or_default());
    let message = if text.contains("<svg") || text.trim_start().starts_with("<?xml") {
        "this is an SVG drawing, which platforms do not take"
    } else if start.get(4..8) == Some(b"ftyp") {
        "this is an image in a format (HEIC, AVIF) that platforms do not take"
    } else if start.starts_with(b"%PDF") {
        "this is a PDF"
    } else {
        "this is not a JPEG, PNG, WebP or GIF image"
    };
    problem(message, help)
}

fn broken() -> MediaProblem {
    problem("this image is damaged or incomplete", "save or copy it again")
}

fn problem(message: &str, help: &str) -> MediaProblem {
    MediaProblem {
        message: message.to_owned(),
        help: help.to_owned(),
    }
}

//! JPEG: segments with a name each, among them one or more scans of the image itself.

use bytes::Bytes;
use img_parts::jpeg::{Jpeg, markers};

use super::{Clean, broken, exif, turn_of};
use crate::campaign::outside::MediaProblem;

/// The image without what is not needed to show it.
pub fn clean(bytes: &Bytes) -> Result<Clean, MediaProblem> {
    let jpeg = Jpeg::from_bytes(bytes.clone()).map_err(|_| broken())?;
    let turn = jpeg
        .segments_by_marker(markers::APP1)
        .find_map(|exif| exif::orientation(exif.contents()));
    let (width, height) = jpeg.dimensions().ok_or_else(broken)?;
    let clean = needed(bytes).ok_or_else(broken)?;
    Ok(Clean {
        bytes: clean.into(),
        mime: "image/jpeg",
        size: (width.into(), height.into()),
        moving: false,
        turn: turn_of(turn),
    })
}

/// Tables and frames are; of the applications' own segments only those that say how colours are meant. A
/// second image behind a `JFXX` or `MPF` mark is none of ours.
fn is_needed(marker: u8, contents: &[u8]) -> bool {
    match marker {
        markers::APP0 => contents.starts_with(b"JFIF\0"),
        markers::APP2 => contents.starts_with(b"ICC_PROFILE\0"),
        markers::APP14 => contents.starts_with(b"Adobe"),
        0xe0..=0xef | markers::COM => false,
        _ => true,
    }
}

/// The segments and scans that are needed, up to and with the end of the image: what stands behind it
/// (another image, an archive) is dropped. `None` if it has no end.
///
/// The crate would keep all that follows the first scan as it is, so this is done by hand.
fn needed(image: &[u8]) -> Option<Vec<u8>> {
    let (start, mut rest) = image.split_at_checked(2)?;
    let mut out = Vec::with_capacity(image.len());
    out.extend_from_slice(start);
    let mut in_scan = false;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff)?;
        let (before, from) = rest.split_at(at);
        // Between segments nothing belongs.
        if in_scan {
            out.extend_from_slice(before);
        }
        match *from.get(1)? {
            // A byte of the image, or a restart.
            0x00 | markers::RST0..=markers::RST7 => {
                if in_scan {
                    out.extend_from_slice(from.get(..2)?);
                }
                rest = from.get(2..)?;
            }
            // Filling.
            0xff => rest = from.get(1..)?,
            markers::EOI => {
                out.extend_from_slice(&[0xff, markers::EOI]);
                return Some(out);
            }
            marker => {
                let length = usize::from(u16::from_be_bytes([*from.get(2)?, *from.get(3)?]));
                let segment = from.get(..length.checked_add(2)?)?;
                if is_needed(marker, segment.get(4..)?) {
                    out.extend_from_slice(segment);
                }
                in_scan = marker == markers::SOS || (in_scan && marker == markers::DNL);
                rest = from.get(segment.len()..)?;
            }
        }
    }
}

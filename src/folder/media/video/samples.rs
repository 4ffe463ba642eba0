//! Where the samples of a track lie: what a device noted while it filmed, such as where it was, is kept among the
//! pictures and sounds, and found only by the track's tables.

use std::ops::Range;

use super::boxes::{Atom, Flaw, Reader, number};

/// The most entries of all tables of one track.
const ENTRIES_MAX: u64 = 500_000;

/// The places of the samples of the track whose tables are in `stbl`. All lie within `media`.
pub fn samples(
    reader: &mut Reader<'_>,
    stbl: &[Atom],
    media: &[Range<u64>],
) -> Result<Vec<Range<u64>>, Flaw> {
    let find = |kind: &[u8; 4]| stbl.iter().find(|atom| atom.kind == *kind);
    let (offsets, width) = match (find(b"stco"), find(b"co64")) {
        (Some(table), None) => (table, 4_usize),
        (None, Some(table)) => (table, 8),
        _ => return Err(Flaw::Broken),
    };
    let offsets = entries(reader, offsets, 4, width)?;
    let chunks = entries(reader, find(b"stsc").ok_or(Flaw::Broken)?, 4, 12)?;
    let sizes = find(b"stsz").ok_or(Flaw::Odd("a track of notes whose samples can't be found"))?;
    let head = reader.head(sizes, 12)?;
    let each = number(&head, 4, 4).ok_or(Flaw::Broken)?;
    let mut left = number(&head, 8, 4).ok_or(Flaw::Broken)?;
    let sizes = match each {
        0 => entries(reader, sizes, 8, 4)?,
        _ => Vec::new(),
    };
    let mut sizes = sizes.chunks_exact(4).filter_map(|entry| number(entry, 0, 4));
    let mut runs = chunks
        .chunks_exact(12)
        .filter_map(|entry| Some((number(entry, 0, 4)?, number(entry, 4, 4)?)))
        .peekable();
    let mut in_chunk = 0;
    let mut places = Vec::new();
    for (nth, entry) in (1_u64..).zip(offsets.chunks_exact(width)) {
        while let Some((_, count)) = runs.next_if(|(first, _)| *first <= nth) {
            in_chunk = count;
        }
        let count = in_chunk.min(left);
        left -= count;
        let size = match each {
            0 => (0..count).map_while(|_| sizes.next()).sum(),
            each => each.checked_mul(count).ok_or(Flaw::Broken)?,
        };
        let from = number(entry, 0, entry.len()).ok_or(Flaw::Broken)?;
        let place = from..from.checked_add(size).ok_or(Flaw::Broken)?;
        let inside = |media: &Range<u64>| media.start <= place.start && place.end <= media.end;
        if !place.is_empty() && !media.iter().any(inside) {
            return Err(Flaw::Broken);
        }
        places.push(place);
    }
    // A sample that no chunk has can't be found.
    if left > 0 {
        return Err(Flaw::Broken);
    }
    Ok(places)
}

/// The entries of `width` bytes each in a table, whose number stands at `count`.
fn entries(reader: &mut Reader<'_>, table: &Atom, count: u64, width: usize) -> Result<Vec<u8>, Flaw> {
    let head = reader.head(table, count + 4)?;
    let number = number(&head, usize::try_from(count).unwrap_or_default(), 4).ok_or(Flaw::Broken)?;
    if number > ENTRIES_MAX {
        return Err(Flaw::Odd("a track of notes with more entries than is usual"));
    }
    let (from, length) = (table.from + count + 4, number * width as u64);
    if length > table.to - from {
        return Err(Flaw::Broken);
    }
    reader.take(from, length)
}

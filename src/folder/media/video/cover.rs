//! What of a file is covered when it is shown: the rest stays where it is, so that what points into it is right.

use std::ops::Range;

/// The name of a box that means nothing.
const FREE: [u8; 4] = *b"free";

/// Which bytes of a file are covered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    /// These are zero. In their order, and none touches the next.
    blank: Vec<Range<u64>>,
    /// At these the four letters of a box's name stand, which become [`FREE`]. In their order.
    free: Vec<u64>,
}

impl Cover {
    /// Of ranges and places in any order.
    pub fn new(mut ranges: Vec<Range<u64>>, mut free: Vec<u64>) -> Self {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_by_key(|range| range.start);
        let mut blank: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match blank.last_mut().filter(|last| last.end >= range.start) {
                Some(last) => last.end = last.end.max(range.end),
                None => blank.push(range),
            }
        }
        free.sort_unstable();
        Self { blank, free }
    }

    /// Covers what is to be covered of `bytes`, which stand at `at` in the file.
    pub fn lay(&self, at: u64, bytes: &mut [u8]) {
        let end = at + bytes.len() as u64;
        let mut within = |range: Range<u64>, put: &dyn Fn(u64) -> u8| {
            let (from, to) = (range.start.max(at), range.end.min(end));
            let place = |place: u64| usize::try_from(place - at).unwrap_or(usize::MAX);
            if from < to
                && let Some(bytes) = bytes.get_mut(place(from)..place(to))
            {
                for (byte, nth) in bytes.iter_mut().zip(from - range.start..) {
                    *byte = put(nth);
                }
            }
        };
        let first = self.blank.partition_point(|range| range.end <= at);
        for range in self
            .blank
            .iter()
            .skip(first)
            .take_while(|range| range.start < end)
        {
            within(range.clone(), &|_| 0);
        }
        let first = self.free.partition_point(|place| place + 4 <= at);
        for place in self.free.iter().skip(first).take_while(|place| **place < end) {
            let letter = |nth: u64| {
                let nth = usize::try_from(nth).unwrap_or_default();
                FREE.get(nth).copied().unwrap_or_default()
            };
            within(*place..*place + 4, &letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_covers_the_same_however_the_bytes_are_cut() {
        let cover = Cover::new(vec![20..25, 3..5, 4..9, 7..7], vec![12, 27]);
        let plain = vec![b'.'; 31];
        let mut whole = plain.clone();
        cover.lay(0, &mut whole);
        assert_eq!(
            String::from_utf8_lossy(&whole).replace('\0', "0"),
            "...000000...free....00000..free"
        );
        for size in 1..31 {
            let mut pieces = plain.clone();
            for (nth, piece) in pieces.chunks_mut(size).enumerate() {
                cover.lay((nth * size) as u64, piece);
            }
            assert_eq!(pieces, whole, "in pieces of {size}");
        }
    }
}

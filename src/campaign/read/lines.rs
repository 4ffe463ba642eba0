//! From byte offsets to lines and columns, as people count them.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::campaign::problem::{Place, Spot};

/// A text and where its lines begin.
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The last line shown: a line with a hundred problems is kept once.
    last: RefCell<(usize, Arc<str>)>,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, b)| *b == b'\n')
                    .map(|(i, _)| i + 1),
            )
            .collect();
        Self {
            text,
            starts,
            last: RefCell::new((usize::MAX, Arc::default())),
        }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The line on which `offset` is, counted from 0.
    pub fn index(&self, offset: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    fn line(&self, index: usize) -> &'t str {
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let end = self
            .starts
            .get(index + 1)
            .map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// The bytes of line `number`, which counts from 1.
    pub fn span(&self, number: u32) -> Range<usize> {
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        start..start + self.line(index).len()
    }

    /// The line of `offset` alone.
    pub fn spot(&self, file: &Arc<str>, offset: usize) -> Spot {
        Spot {
            file: file.clone(),
            line: number(self.index(offset) + 1),
        }
    }

    /// The first line of `span`, with what of it is on that line. A span at the very end of the file means
    /// the end of the last line that has something on it: there is nothing to see below.
    pub fn place(&self, file: &Arc<str>, span: Range<usize>) -> Place {
        let mut start = span.start.min(self.text.len());
        if start >= self.text.trim_end().len() {
            start = self.text.trim_end().len();
        }
        let index = self.index(start);
        let line = self.line(index);
        let from = self.starts.get(index).copied().unwrap_or(0);
        let before = self.text.get(from..start).unwrap_or(line);
        let end = span.end.clamp(start, from + line.len().max(before.len()));
        let length = self.text.get(start..end).map_or(1, |meant| meant.chars().count());
        Place {
            file: file.clone(),
            line: number(index + 1),
            column: number(before.chars().count() + 1),
            length: number(length.max(1)),
            text: self.shown(index, line),
        }
    }

    fn shown(&self, index: usize, line: &str) -> Arc<str> {
        let mut last = self.last.borrow_mut();
        if last.0 != index {
            *last = (index, line.into());
        }
        last.1.clone()
    }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, span: Range<usize>) -> (u32, u32, u32, String) {
        let place = Lines::new(text).place(&"f.toml".into(), span);
        (place.line, place.column, place.length, place.text.to_string())
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(place("a = \"ü\"\nbé = 1\n", 9..12), (2, 1, 2, "bé = 1".into()));
        assert_eq!(place("a = \"ü\" x", 9..10), (1, 9, 1, "a = \"ü\" x".into()));
    }

    #[test]
    fn a_span_ends_with_its_line() {
        assert_eq!(place("a = 1\r\nb = 2\r\n", 0..12), (1, 1, 5, "a = 1".into()));
    }

    #[test]
    fn the_end_of_the_file_is_the_end_of_its_last_line() {
        assert_eq!(place("a = [\n\n", 7..7), (1, 6, 1, "a = [".into()));
        assert_eq!(place("", 0..0), (1, 1, 1, String::new()));
    }
}

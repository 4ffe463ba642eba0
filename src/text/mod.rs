//! HOW LONG. What a text is to a platform: how it counts, what in it is a link, a tag or a mention, where it may
//! be broken, and how it is written.

mod breaks;
pub mod colour;
pub mod count;
pub mod entities;
pub mod escape;
pub mod images;
pub mod limits;
mod mastodon;
pub mod money;
pub mod parts;
mod segment;
pub mod signs;
pub mod videos;
mod x;

pub use segment::line_pieces;

/// A pattern written in this program, so that it cannot fail on anything that comes from outside.
#[expect(
    clippy::expect_used,
    reason = "constants; each is compiled by the tests of its module"
)]
pub(crate) fn pattern(source: &str) -> regex::Regex {
    regex::Regex::new(source).expect("a constant pattern")
}

/// Where the first word from `at` on begins that has a dot within it: only in such a word can a domain be. The dot
/// after a sentence has white space behind it.
fn next_dotted(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let within = |dot: usize| {
        let after = rest.get(dot + 1..).unwrap_or_default();
        after.starts_with(|c: char| !c.is_whitespace())
    };
    let dot = rest
        .match_indices('.')
        .map(|(dot, _)| dot)
        .find(|dot| within(*dot))?;
    let before = rest.get(..dot).unwrap_or_default();
    Some(at + before.trim_end_matches(|c: char| !c.is_whitespace()).len())
}

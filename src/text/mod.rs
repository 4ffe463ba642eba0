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
pub mod parts;
mod segment;
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

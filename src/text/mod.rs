//! HOW LONG. What a text is to a platform: how it counts, and what in it is a link, a tag or a mention.

pub mod count;
pub mod entities;
pub mod limits;
pub mod parts;

/// A pattern written in this program, so that it cannot fail on anything that comes from outside.
#[expect(
    clippy::expect_used,
    reason = "constants; each is compiled by the tests of its module"
)]
pub(crate) fn pattern(source: &str) -> regex::Regex {
    regex::Regex::new(source).expect("a constant pattern")
}

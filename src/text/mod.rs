//! HOW LONG. What a text is to a platform: how it counts, and what in it is a link, a tag or a mention.

pub mod count;
pub mod entities;
pub mod limits;
pub mod parts;

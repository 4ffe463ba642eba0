//! Recalls: what is out, and what is asked for about it.

pub mod ask;
pub mod found;

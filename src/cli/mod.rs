//! The commands.

pub mod show;

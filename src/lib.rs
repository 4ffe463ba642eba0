//! The map of the house, from the ground up. Lower floors never import higher ones (`tests/house.rs`).

// Ground: no input or output, no clock, no randomness, no async.
pub mod calendar;
pub mod campaign;
pub mod post;
pub mod text;

// First floor: each talks to one thing; neither knows the other.
pub mod clock;
pub mod folder;
pub mod platform;

// Roof: they see all below.
pub mod cli;

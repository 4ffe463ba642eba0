//! One contract that every adapter keeps, and each adapter's own requests and answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on must stop"
)]

mod alert;
mod bluesky;
#[path = "../support/clip.rs"]
mod clip;
mod comments;
mod connections;
mod contract;
mod deletion;
mod discord;
mod editing;
mod engagement;
mod facebook;
mod films;
mod instagram;
mod linkedin;
mod look;
mod mastodon;
mod nostr;
mod nostr_engagement;
mod pds;
mod pinterest;
mod reddit;
mod relay;
mod reposts;
mod sandbox;
#[path = "../server/mod.rs"]
mod server;
mod slack;
mod support;
mod telegram;
mod threads;
mod token;
mod tumblr;
mod webhook;
mod x;

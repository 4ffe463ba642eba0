//! The whole engine in a simulated world: simulated time, made-up platforms, a ledger in memory, and a plan of what
//! goes wrong, all of it drawn from one number. See `docs/contributors/simulation.md`.
//!
//! `STEADFAST_SEEDS=100000 cargo test --release --test sim -- --nocapture` for longer;
//! `STEADFAST_SEED=12345` runs one seed again, to the letter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

mod book;
mod dice;
mod end;
mod files;
mod ledger;
mod lives;
#[path = "../model/mod.rs"]
mod model;
mod mutants;
mod people;
mod plan;
mod platform;
mod seed;
mod world;

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use seed::Outcome;

/// A fault that is built in, to show that it would be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// Intents are answered before they are on the disk, and power is lost.
    VolatileIntents,
    /// A key that differs with each attempt.
    KeyWithAttempt,
    /// What another replica was sending is sent again for want of it in a list.
    ResendForeign,
}

/// How many seeds without a word from outside.
const FEW: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What many seeds came to.
#[derive(Default)]
struct Sum {
    simulated: Duration,
    events: u64,
    accepted: u64,
}

#[test]
fn whatever_goes_wrong_each_occurrence_goes_out_once_or_says_why_not() {
    if let Some(number) = number("STEADFAST_SEED") {
        // With what the daemons say of it, between the lines.
        world::SHOW.store(true, Relaxed);
        tracing_subscriber::fmt()
            .without_time()
            .with_max_level(tracing::Level::INFO)
            .init();
        let outcome = seed::run(number, None);
        assert!(
            outcome.broken.is_none(),
            "seed {number}: {}",
            outcome.broken.unwrap()
        );
        return;
    }
    let (first, seeds) = (
        number("STEADFAST_FIRST").unwrap_or(0),
        number("STEADFAST_SEEDS").unwrap_or(FEW),
    );
    let began = Instant::now();
    let next = AtomicU64::new(first);
    let (broken, sum) = (Mutex::new(Vec::new()), Mutex::new(Sum::default()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= first + seeds || broken.lock().unwrap().len() >= 5 {
                        return;
                    }
                    let outcome = seed::run(number, None);
                    let mut sum = sum.lock().unwrap();
                    sum.simulated += outcome.simulated;
                    sum.events += outcome.events;
                    sum.accepted += outcome.accepted;
                    if let Some(why) = &outcome.broken {
                        println!("seed {number}: {why}");
                        broken.lock().unwrap().push(report(number, &outcome));
                    }
                }
            });
        }
    });
    let (took, sum) = (began.elapsed(), sum.into_inner().unwrap());
    let days = sum.simulated.as_secs_f64() / 86_400.0;
    println!(
        "{seeds} seeds in {:.1} s: {days:.1} simulated days, {:.2} a second; {} events, {} parts accepted",
        took.as_secs_f64(),
        days / took.as_secs_f64(),
        sum.events,
        sum.accepted
    );
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What broke, what happened before, and how to see it again.
fn report(seed: u64, outcome: &Outcome) -> String {
    let mut out = String::new();
    for line in &outcome.lines {
        writeln!(out, "  {line}").unwrap();
    }
    let broken = outcome.broken.as_deref().unwrap_or_default();
    writeln!(
        out,
        "seed {seed}: {broken}\nto see it again: STEADFAST_SEED={seed} cargo test --release --test sim -- --nocapture whatever"
    )
    .unwrap();
    out
}

#[test]
fn a_seed_is_the_same_each_time() {
    for number in (0..40).chain([1_000_000_007]) {
        let (one, two) = (seed::run(number, None), seed::run(number, None));
        assert_eq!(one.lines, two.lines, "seed {number}");
        assert_eq!(
            (one.hash, one.events, one.simulated),
            (two.hash, two.events, two.simulated),
            "seed {number}"
        );
    }
}

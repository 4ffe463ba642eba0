//! Faults that are built in: each must be seen, or the simulation sees nothing (reliability, the must-fail tests). Each
//! is looked for where it can show, and the same seeds without it are fine.

use std::time::Duration;

use crate::Mutant;
use crate::dice::Dice;
use crate::plan::{Event, Profile};
use crate::platform::Kind;
use crate::seed::{self, Shape};

/// How many seeds are looked through at most.
const SEEDS: u64 = 400;

/// Some seed breaks with the fault, in these words, and is fine without it.
fn is_seen(with: Shape, without: Shape, words: &str) {
    for number in 0..SEEDS {
        let Some(broken) = seed::run(number, Some(with)).broken else {
            continue;
        };
        assert!(broken.contains(words), "seed {number}: {broken}");
        assert_eq!(seed::run(number, Some(without)).broken, None, "seed {number}");
        return;
    }
    panic!("none of {SEEDS} seeds shows it");
}

/// Nothing goes wrong but what is said afterwards.
fn quiet(profile: &mut Profile, kind: Kind) {
    *profile = Profile {
        replicas: 1,
        span: Duration::from_mins(40),
        kinds: vec![kind],
        messages: 6,
        crash: 0.0,
        stall: 0.0,
        lost_answer: 0.0,
        lost_request: 0.0,
        late_request: 0.0,
        refused: 0.0,
        rate_limited: 0.0,
        server_error: 0.0,
        credentials: 0.0,
        rejected: 0.0,
        lag: Duration::ZERO,
        refuses_duplicates: false,
        lost_commit: 0.0,
        slow_ledger: 0.0,
        spaced: false,
        windows: false,
        expiries: false,
        twins: false,
        events: Vec::new(),
        strict: false,
        ..profile.clone()
    };
}

fn power_is_lost(profile: &mut Profile, _: &mut Dice) {
    quiet(profile, Kind::ReadBack);
    profile.crash = 0.03;
}

#[test]
fn a_ledger_that_answers_before_it_is_durable_is_seen() {
    is_seen(
        |profile, dice| {
            power_is_lost(profile, dice);
            profile.mutant = Some(Mutant::VolatileIntents);
        },
        power_is_lost,
        "2 times",
    );
}

fn answers_are_lost(profile: &mut Profile, _: &mut Dice) {
    quiet(profile, Kind::Key);
    profile.lost_answer = 0.4;
}

#[test]
fn a_key_with_the_attempt_in_it_is_seen() {
    is_seen(
        |profile, dice| {
            answers_are_lost(profile, dice);
            profile.mutant = Some(Mutant::KeyWithAttempt);
        },
        answers_are_lost,
        "2 times",
    );
}

fn a_replica_is_frozen(profile: &mut Profile, dice: &mut Dice) {
    quiet(profile, Kind::ReadBack);
    profile.replicas = 2;
    profile.stall = 0.3;
    // Longer than a list must be without it among replicas before it is believed.
    profile.span = Duration::from_mins(100);
    profile.longest_stall = Duration::from_mins(80);
    let lasts = dice.mins(35, 75);
    profile.events = vec![(dice.mins(1, 20), Event::Freeze { machine: 0, lasts })];
}

#[test]
fn what_a_frozen_replica_may_still_send_being_sent_by_another_is_seen() {
    is_seen(
        |profile, dice| {
            a_replica_is_frozen(profile, dice);
            profile.mutant = Some(Mutant::ResendForeign);
        },
        a_replica_is_frozen,
        "2 times",
    );
}

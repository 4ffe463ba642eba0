//! Many at once: how fast they go out, and how late.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::mock::Mock;
use crate::program::fake::now;
use crate::program::{Daemon, Place};
use crate::{bare, cpu_ms, report};

/// A place with one account on `mock`, whose posts are not spaced.
pub fn place_for(mock: &Mock) -> Place {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        mock.url
    ));
    assert!(place.run(&["init"]).status.success());
    place
}

/// Messages that go out once each, at these times, a thousand to a file.
pub fn write_messages(place: &Place, times: &[Timestamp]) {
    for (file, times) in times.chunks(1_000).enumerate() {
        let mut text = String::new();
        for (n, at) in times.iter().enumerate() {
            let n = file * 1_000 + n;
            write!(
                text,
                "[[message]]\nid = \"m{n}\"\nat = {at}\ntext = \"message {n}\"\n\n"
            )
            .unwrap();
        }
        place.write(&format!("f{file:03}.toml"), &text);
    }
}

/// What came of it, each time in milliseconds after it was due, in order.
struct Burst {
    late: Vec<f64>,
    rate: f64,
    cpu_ms: f64,
}

/// Sends posts due at these times through the real daemon, each exactly once.
fn burst(times: &[Timestamp]) -> Burst {
    let mock = Mock::start();
    let place = place_for(&mock);
    write_messages(&place, times);
    let daemon = place.start();
    place.wait_ready();
    let before = cpu_ms(&daemon);
    let count = times.len();
    mock.wait(count, Duration::from_mins(2));
    wait_recorded(&place, count);
    let cpu_ms = cpu_ms(&daemon) - before;
    assert_eq!((mock.count(), mock.posts()), (count, count), "each exactly once");
    stop(daemon);

    // Which request was for which post is not told by its key, but nothing may be early whichever it was:
    // of any number that have come, so many were due.
    let mut due = times.to_vec();
    due.sort();
    let mut late: Vec<f64> = mock
        .arrivals()
        .iter()
        .zip(&due)
        .map(|(arrival, due)| arrival.at.duration_since(*due).as_secs_f64() * 1e3)
        .collect();
    late.sort_by(f64::total_cmp);
    assert!(late[0] >= 0.0, "one was {} ms early", -late[0]);
    Burst {
        late,
        rate: mock.rate(),
        cpu_ms,
    }
}

pub fn wait_recorded(place: &Place, count: usize) {
    place.wait("all to be recorded", 30, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == count
    });
}

fn stop(mut daemon: Daemon) {
    daemon.signal("TERM");
    assert!(
        daemon.ends_within(Duration::from_secs(15)).is_some(),
        "it does not stop"
    );
}

/// As many as there are, all due at one instant, far enough ahead for the daemon to have read them.
pub fn at_once(count: usize) -> Vec<Timestamp> {
    vec![now() + Duration::from_secs(6); count]
}

/// Each round beside its own bare loop: a machine that others use is not the same a minute later.
pub fn twenty_thousand() {
    let (mut limits, mut rates, mut ratios, mut costs) = (vec![], vec![], vec![], vec![]);
    for _ in 0..3 {
        let limit = bare::rate(true);
        let burst = burst(&at_once(bare::POSTS));
        limits.push(limit);
        rates.push(burst.rate);
        ratios.push(burst.rate / limit);
        #[allow(clippy::cast_precision_loss)]
        costs.push(burst.cpu_ms * 1e3 / bare::POSTS as f64);
    }
    report(
        "20,000 posts due in one instant, intent and answer durable",
        "6,500",
        rates,
        "posts/s",
    );
    report(
        "… the bare loop with one durable record beside it",
        "",
        limits,
        "posts/s",
    );
    report("… as a part of it", "0.4", ratios, "");
    report(
        "… CPU time of the daemon for each, recording included",
        "",
        costs,
        "µs",
    );
}

pub fn two_thousand() {
    let last = (0..5)
        .map(|_| *burst(&at_once(2_000)).late.last().unwrap())
        .collect();
    report(
        "2,000 posts due in one instant: the last is late by",
        "under 400 ms",
        last,
        "ms",
    );
}

pub fn steady() {
    let first = now() + Duration::from_secs(6);
    let times: Vec<Timestamp> = (0..5_000).map(|n| first + Duration::from_millis(2) * n).collect();
    let late = burst(&times).late;
    let at = |hundredth: usize| vec![late[(late.len() * hundredth / 100).min(late.len() - 1)]];
    report(
        "500 posts a second for 10 s: half are late by",
        "under 5 ms",
        at(50),
        "ms",
    );
    report("… 99 of 100 by", "under 25 ms", at(99), "ms");
    report("… the latest by", "", at(100), "ms");
}

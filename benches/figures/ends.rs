//! Ends and beginnings: after a kill, and at the word of a person.

use std::time::{Duration, Instant};

use crate::burst::{at_once, place_for, wait_recorded, write_messages};
use crate::mock::Mock;
use crate::program::fake::now;
use crate::report;

/// Killed in the middle of ten thousand: how long after the new start does the first of those go out that
/// never had?
pub fn restart() {
    const POSTS: usize = 10_000;
    let (mut first, mut repeated) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mock = Mock::start();
        let place = place_for(&mock);
        write_messages(&place, &at_once(POSTS));
        let mut daemon = place.start();
        mock.wait(POSTS / 4, Duration::from_mins(1));
        daemon.kill();
        let before = mock.arrivals();
        let started = now();
        let daemon = place.start();
        let end = Instant::now() + Duration::from_mins(1);
        while mock.posts() < POSTS {
            assert!(Instant::now() < end, "{} of {POSTS} are out", mock.posts());
            std::thread::sleep(Duration::from_millis(20));
        }
        wait_recorded(&place, POSTS);
        let known: std::collections::HashSet<u128> = before.iter().map(|arrival| arrival.key).collect();
        let after = mock.arrivals();
        let new = after
            .iter()
            .find(|arrival| !known.contains(&arrival.key))
            .unwrap();
        first.push(new.at.duration_since(started).as_secs_f64() * 1e3);
        #[allow(clippy::cast_precision_loss)]
        repeated.push((after.len() - POSTS) as f64);
        drop(daemon);
    }
    report(
        "killed with 10,000 rows: from the new start to the first right post",
        "under 2,000 ms",
        first,
        "ms",
    );
    report(
        "… repeated under the same key, because in doubt",
        "",
        repeated,
        "posts",
    );
}

/// How long `steadfast hold` takes, from the person's return key to the daemon's word, while it sends as
/// fast as it can.
pub fn hold_ack() {
    const POSTS: usize = 20_000;
    let mock = Mock::start();
    let place = place_for(&mock);
    place.write(
        "campaign.toml",
        &format!("{}after_hold = \"send\"\n", crate::program::CAMPAIGN),
    );
    write_messages(&place, &at_once(POSTS));
    let _daemon = place.start();
    mock.wait(500, Duration::from_mins(1));
    let (mut busy, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        busy.push(hold(&place));
        // What was on its way arrives; then nothing does.
        std::thread::sleep(Duration::from_millis(100));
        let count = mock.count();
        assert!(count < POSTS, "all are out: there is nothing to hold any more");
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(mock.count(), count, "something left during a hold");
        assert!(place.run(&["release"]).status.success());
        mock.wait(count + 300, Duration::from_mins(1));
    }
    assert!(place.run(&["hold", "--why", "enough"]).status.success());
    std::thread::sleep(Duration::from_millis(200));
    for _ in 0..5 {
        idle.push(hold(&place));
    }
    report(
        "`hold` of a daemon that sends as fast as it can",
        "under 50 ms",
        busy,
        "ms",
    );
    report("… of one that does nothing", "", idle, "ms");
}

fn hold(place: &crate::program::Place) -> f64 {
    let began = Instant::now();
    let held = place.run(&["hold", "--why", "a figure"]);
    let took = began.elapsed().as_secs_f64() * 1e3;
    let said = String::from_utf8_lossy(&held.stdout).into_owned();
    assert!(
        held.status.success() && !said.contains("slow to answer"),
        "{said}"
    );
    took
}

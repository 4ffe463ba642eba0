//! The daemon at rest, the files, and a first thousand.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::program::Place;
use crate::program::fake::{Fake, now};
use crate::{cpu_ms, report, rss_mb};

pub fn binary_size() {
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_steadfast")).unwrap().len();
    #[allow(clippy::cast_precision_loss)]
    report("release binary", "under 20 MB", vec![size as f64 / 1e6], "MB");
}

pub fn idle_on_the_sample() {
    let place = Place::new("");
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
    std::fs::remove_dir_all(place.path().join("messages")).unwrap();
    std::os::unix::fs::symlink(sample, place.path().join("messages")).unwrap();
    let daemon = place.start();
    place.wait_ready();
    std::thread::sleep(Duration::from_secs(3));
    report(
        "idle daemon on the sample campaign, memory",
        "under 20 MB",
        vec![rss_mb(&daemon)],
        "MB",
    );
}

/// `files` files of `each` messages, all one-offs in years to come.
fn far_campaign(place: &Place, files: usize, each: usize) {
    for file in 0..files {
        let mut text = String::new();
        for n in 0..each {
            let id = file * each + n;
            let (month, day, hour, minute) = (1 + id % 12, 1 + id / 12 % 28, id / 336 % 24, id / 8064 % 60);
            write!(
                text,
                "[[message]]\nid = \"m{id}\"\nat = 2030-{month:02}-{day:02}T{hour:02}:{minute:02}:00\ntext = \"\"\"\nA message of the campaign says what it has to say. https://example.org/case/{id} #Justice\n\"\"\"\n\n"
            )
            .unwrap();
        }
        place.write(&format!("f{file:03}.toml"), &text);
    }
}

pub fn ten_thousand_messages() {
    let place = Place::new("");
    far_campaign(&place, 10, 1_000);
    let mut checks = Vec::new();
    let mut starts = Vec::new();
    for _ in 0..7 {
        let began = Instant::now();
        assert!(place.run(&["check"]).status.success());
        checks.push(began.elapsed().as_secs_f64() * 1e3);

        let _ = std::fs::remove_file(place.path().join("log"));
        let began = Instant::now();
        let mut daemon = place.start();
        place.wait_ready();
        starts.push(began.elapsed().as_secs_f64() * 1e3);
        daemon.kill();
    }
    report(
        "check of 10,000 messages on 2 accounts",
        "under 150 ms",
        checks,
        "ms",
    );
    report(
        "start to daemon.ready with 10,000 messages",
        "under 300 ms",
        starts,
        "ms",
    );
}

/// Six platforms that count in six ways, each in the sandbox.
const SIX: &str = "[account.mastodon]\nplatform = \"sandbox\"\nlike = \"mastodon\"\n\
                   [account.bluesky]\nplatform = \"sandbox\"\nlike = \"bluesky\"\n\
                   [account.x]\nplatform = \"sandbox\"\nlike = \"x\"\n\
                   [account.threads]\nplatform = \"sandbox\"\nlike = \"threads\"\n\
                   [account.linkedin]\nplatform = \"sandbox\"\nlike = \"linkedin\"\n\
                   [account.discord]\nplatform = \"sandbox\"\nlike = \"discord\"\n";

/// Messages as they mostly are, and such that nearly everywhere become threads of several parts.
pub fn preview() {
    const SENTENCE: &str =
        "The jury heard that witnesses of that night have since taken back what they told the police. ";
    for (what, sentences, thread) in [
        ("preview of 10,000 messages on 6 platforms", 1, ""),
        (
            "preview of 10,000 threads on 6 platforms",
            12,
            "thread = \"auto\"\n",
        ),
    ] {
        let place = Place::new(SIX);
        for file in 0..100 {
            let mut text = String::new();
            for n in 0..100 {
                let id = file * 100 + n;
                let words = SENTENCE.repeat(sentences);
                write!(
                    text,
                    "[[message]]\nid = \"m{id}\"\n{thread}text = \"\"\"\n{words}\n\nhttps://example.org/case/{id} #Justice\n\"\"\"\n\n"
                )
                .unwrap();
            }
            place.write(&format!("f{file:03}.toml"), &text);
        }
        let mut times = Vec::new();
        for _ in 0..5 {
            let began = Instant::now();
            assert!(place.run(&["preview", "--format", "json"]).status.success());
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        report(what, "under 1,000 ms", times, "ms");
    }
}

pub fn a_hundred_thousand_one_offs() {
    let place = Place::new("");
    far_campaign(&place, 100, 1_000);
    let daemon = place.start();
    place.wait_ready();
    std::thread::sleep(Duration::from_secs(3));
    report(
        "100,000 one-offs far ahead: idle memory",
        "under 120 MB",
        vec![rss_mb(&daemon)],
        "MB",
    );
    let before = cpu_ms(&daemon);
    std::thread::sleep(Duration::from_secs(20));
    report(
        "100,000 one-offs far ahead: CPU in 20 s of idleness",
        "none measurable",
        vec![cpu_ms(&daemon) - before],
        "ms",
    );

    let mut edits = Vec::new();
    for round in 0..5 {
        let loads = place.events("campaign.loaded").len();
        let began = Instant::now();
        place.write(
            "f050.toml",
            &format!("[[message]]\nid = \"edited-{round}\"\nat = 2030-01-01T09:00:00\ntext = \"edited\"\n"),
        );
        place.wait("the edit", 20, || place.events("campaign.loaded").len() > loads);
        edits.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let read = place.events("campaign.loaded").last().unwrap()["read"].clone();
    report(
        "an edit of one file among 100, 0.25 s of quiet included",
        "3 s",
        edits,
        "ms",
    );
    println!(
        "{:<64} {read:>9} file (promised: the other 99 are not read again)",
        "… files read for it"
    );
}

pub fn a_thousand_in_one_second() {
    let fake = Fake::start();
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    let daemon = place.start();
    place.wait_ready();
    let due = now() + Duration::from_secs(5);
    let mut text = String::new();
    for n in 0..1_000 {
        write!(
            text,
            "[[message]]\nid = \"m{n}\"\nat = {due}\ntext = \"message {n}\"\n\n"
        )
        .unwrap();
    }
    place.write("now.toml", &text);
    place.wait("all of them", 60, || fake.accepted().len() >= 1_000);
    let accepted = fake.accepted();
    let lateness = |at: jiff::Timestamp| at.duration_since(due).as_secs_f64() * 1e3;
    let (first, last) = (
        lateness(accepted[0].at),
        lateness(accepted[accepted.len() - 1].at),
    );
    let mut texts = fake.texts();
    texts.sort();
    texts.dedup();
    assert_eq!((accepted.len(), texts.len()), (1_000, 1_000), "each exactly once");
    assert!(first >= 0.0, "the first was {first} ms early");
    report(
        "1,000 posts due in one instant: the last is late by",
        "under 1,000 ms",
        vec![last],
        "ms",
    );
    place.wait("all to be recorded", 20, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == 1_000
    });
    report("… CPU time of the daemon for it", "", vec![cpu_ms(&daemon)], "ms");
    drop(daemon);
}

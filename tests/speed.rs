//! How fast, and in how little memory, large campaigns are read and checked. Ignored by default: the figures
//! mean something only in release builds. `cargo test --release --test speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a measurement")]

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use steadfast::campaign::Roster;
use steadfast::campaign::assemble::assemble;
use steadfast::folder::Folder;

mod support;
use support::{account, bluesky, mastodon, now};

const SETTINGS: &str = "[campaign]\nid = \"c\"\ntimezone = \"America/Chicago\"\n\
                        [fact.verdict]\nvalue = \"10-2\"\nsource = \"s\"\n";

/// `files` of `each` messages; one in ten has a template.
fn write(files: usize, each: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("campaign.toml"), SETTINGS).unwrap();
    for file in 0..files {
        let text = (0..each).fold(String::new(), |mut text, i| {
            let template = if i % 10 == 0 { "{{ fact.verdict }}" } else { "10-2" };
            let _ = writeln!(
                text,
                "[[message]]\nid = \"m{file}-{i}\"\ntext = \"\"\"\nCorey Miller was convicted by a {template} jury, \
                 and message {i} of file {file} says so in some more words than needed.\n\
                 https://example.org/case\n\"\"\"\nto = [\"mastodon\", \"bluesky\"]\nat = 2026-12-01T09:{:02}:00\n",
                i % 60
            );
            text
        });
        fs::write(folder.path().join(format!("m{file:04}.toml")), text).unwrap();
    }
    folder
}

/// Memory in use by this process, in MB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok())
        .unwrap_or(0)
        / 1024
}

fn measure(files: usize, each: usize) {
    let roster = Roster {
        accounts: vec![
            account("mastodon", mastodon(), None),
            account("bluesky", bluesky(), None),
        ],
        ..Roster::default()
    };
    let dir = write(files, each);
    let before = resident();
    let mut folder = Folder::open(dir.path()).unwrap();
    let (started, mut scanned) = (Instant::now(), folder.scan().unwrap());
    let read = started.elapsed();
    let assembled = assemble(&scanned.files, &roster, now(), &folder);
    let first = started.elapsed();
    assert!(assembled.problems.is_empty(), "{:?}", assembled.problems.first());
    assert_eq!(assembled.campaign.as_ref().unwrap().messages.len(), files * each);
    let memory = resident().saturating_sub(before);
    let path = dir.path().join("m0000.toml");
    let changed = fs::read_to_string(&path)
        .unwrap()
        .replace("more words", "other words");
    fs::write(&path, changed).unwrap();
    let started = Instant::now();
    scanned = folder.scan().unwrap();
    let again = assemble(&scanned.files, &roster, now(), &folder);
    assert!(scanned.read == 1 && again.problems.is_empty());
    eprintln!(
        "{} messages in {files} files: read {read:?}, with check {first:?}, one file edited {:?}, {memory} MB",
        files * each,
        started.elapsed()
    );
}

#[test]
#[ignore = "a measurement"]
fn f4_large_campaigns_are_read_quickly() {
    measure(100, 100);
    measure(1_000, 10);
    measure(100, 1_000);
}

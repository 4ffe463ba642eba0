//! Stop means stop: under load, each way of saying it, and no request arrives that was not named as on its way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod program;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use program::fake::{Fake, now};
use program::{CAMPAIGN, Daemon, Place};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

const POSTS: usize = 500;

/// A platform with a campaign that keeps it busy for some seconds, and the daemon at work on it.
struct Busy {
    fake: Fake,
    place: Place,
    daemon: Daemon,
}

const SEND: &str = "after_hold = \"send\"\n";

impl Busy {
    fn start() -> Self {
        Self::start_by(|fake| fake.url.clone())
    }

    /// `way`: where the daemon finds the platform.
    fn start_by(way: impl FnOnce(&Fake) -> String) -> Self {
        let fake = Fake::start();
        fake.delay(Duration::from_millis(30));
        let place = Place::new(&format!(
            "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
            way(&fake)
        ));
        place.write("campaign.toml", &format!("{CAMPAIGN}{SEND}"));
        assert!(place.run(&["init"]).status.success());
        let mut text = String::new();
        for n in 0..POSTS {
            write!(
                text,
                "[[message]]\nid = \"m{n}\"\npriority = \"breaking\"\ntext = \"m{n}\"\n\n"
            )
            .unwrap();
        }
        place.write("load.toml", &text);
        let daemon = place.start();
        place.wait("the load", 30, || fake.accepted().len() > 40);
        Self { fake, place, daemon }
    }

    /// Since `acknowledged` nothing came in but what was named, and nothing comes.
    fn is_quiet(&self, acknowledged: jiff::Timestamp, named: &BTreeSet<String>) {
        std::thread::sleep(Duration::from_millis(1500));
        let late: Vec<String> = self.fake.arrived_after(acknowledged);
        let unnamed: Vec<&String> = late.iter().filter(|text| !named.contains(*text)).collect();
        assert!(unnamed.is_empty(), "{unnamed:?} came in; named: {named:?}");
        assert!(
            self.fake.accepted().len() < POSTS,
            "it was too late to stop anything"
        );
    }

    /// What the log names, once it has said `hold.set`.
    fn named_in_the_log(&self) -> (jiff::Timestamp, BTreeSet<String>) {
        self.place
            .wait("the hold", 5, || !self.place.events("hold.set").is_empty());
        let acknowledged = now();
        let left = self.place.events("hold.set")[0]["in_flight"].as_u64().unwrap();
        let left = usize::try_from(left).unwrap();
        self.place.wait("the names", 5, || {
            self.place.events("hold.in_flight").len() >= left
        });
        let named = self.place.events("hold.in_flight");
        let name = |line: &serde_json::Value| line["message"].as_str().unwrap().to_owned();
        (acknowledged, named.iter().map(name).collect())
    }

    fn hold(&self) -> serde_json::Value {
        self.place.json(&["status", "--format", "json"])["hold"].clone()
    }

    /// Nothing was lost by it, and nothing doubled.
    fn all_go_out_in_the_end(&self) {
        self.fake.delay(Duration::ZERO);
        self.place
            .wait("all of them", 60, || self.fake.accepted().len() >= POSTS);
        let texts: BTreeSet<String> = self.fake.texts().into_iter().collect();
        assert_eq!((texts.len(), self.fake.accepted().len()), (POSTS, POSTS));
    }

    /// As another program that writes to the ledger and takes its time, until it is dropped.
    fn lock_the_ledger(&self) -> Locked {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let at = SqliteConnectOptions::new()
            .filename(self.place.ledger())
            .busy_timeout(Duration::from_secs(10));
        let connection = runtime.block_on(async {
            let mut connection = SqliteConnection::connect_with(&at).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(&mut connection)
                .await
                .unwrap();
            connection
        });
        Locked { runtime, connection }
    }
}

struct Locked {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
}

impl Locked {
    fn let_go(mut self) {
        self.runtime
            .block_on(sqlx::raw_sql("ROLLBACK").execute(&mut self.connection))
            .unwrap();
    }
}

fn named_by(output: &std::process::Output) -> BTreeSet<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines()
        .filter_map(|line| line.strip_prefix("was already on its way: ")?.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// A way to the platform on which everything that is said to it takes `delay` longer.
fn slow_way(to: &str, delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let to = to.strip_prefix("http://").unwrap().to_owned();
    std::thread::spawn(move || {
        for coming in listener.incoming() {
            let (to, mut coming) = (to.clone(), coming.unwrap());
            std::thread::spawn(move || {
                let mut going = TcpStream::connect(to).unwrap();
                let (mut back, mut forth) = (going.try_clone().unwrap(), coming.try_clone().unwrap());
                std::thread::spawn(move || copy(&mut back, &mut forth, Duration::ZERO));
                copy(&mut coming, &mut going, delay);
            });
        }
    });
    url
}

fn copy(from: &mut TcpStream, to: &mut TcpStream, delay: Duration) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        std::thread::sleep(delay);
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn a_command_stops_all_but_what_it_names() {
    let busy = Busy::start();
    let held = busy.place.run(&["hold", "--why", "wrong figure"]);
    let acknowledged = now();
    assert!(held.status.success());
    let named = named_by(&held);
    busy.is_quiet(acknowledged, &named);
    assert!(busy.place.run(&["release", "--why", "mended"]).status.success());
    busy.all_go_out_in_the_end();
}

#[test]
fn a_command_that_waits_says_what_got_out() {
    let busy = Busy::start_by(|fake| slow_way(&fake.url, Duration::from_secs(2)));
    // They go in lockstep: into the midst of the next lot.
    std::thread::sleep(Duration::from_millis(300));
    let held = busy.place.run(&["hold", "--wait", "--why", "wrong figure"]);
    let acknowledged = now();
    let said = String::from_utf8_lossy(&held.stdout).into_owned();
    assert!(held.status.success(), "{said}");
    let named = named_by(&held);
    assert!(!named.is_empty(), "a slow way has many on it: {said}");
    for name in &named {
        let became = said
            .lines()
            .find(|line| line.starts_with(&format!("{name} to mastodon: ")));
        let out = busy.fake.texts().contains(name);
        let expected = if out {
            "got out: https://fake/"
        } else {
            "did not get out"
        };
        assert!(
            became.is_some_and(|line| line.contains(expected)),
            "{name}: {said}"
        );
    }
    // It came back when nothing was on its way, so now not even those may come.
    busy.is_quiet(acknowledged, &BTreeSet::new());
    assert_eq!(
        busy.place.json(&["status", "--format", "json"])["counts"]["sending"],
        0
    );
}

#[test]
fn on_a_slow_way_nothing_arrives_that_was_not_named() {
    let busy = Busy::start_by(|fake| slow_way(&fake.url, Duration::from_millis(1200)));
    // They go in lockstep: into the midst of the next lot.
    std::thread::sleep(Duration::from_millis(300));
    let held = busy.place.run(&["hold", "--why", "wrong figure"]);
    let acknowledged = now();
    let named = named_by(&held);
    busy.is_quiet(acknowledged, &named);
    let late = busy.fake.arrived_after(acknowledged).len();
    assert!(late > 0, "the way was not slow enough to show anything");
}

#[test]
fn a_file_stops_by_being_there_and_releases_by_being_gone() {
    for folder in ["state", "config"] {
        let mut busy = Busy::start();
        let file = busy.place.path().join(folder).join("HOLD");
        std::fs::write(&file, "the court has ruled\n").unwrap();
        let (acknowledged, named) = busy.named_in_the_log();
        busy.is_quiet(acknowledged, &named);
        let hold = busy.hold();
        let by = format!("the file {folder}/HOLD");
        assert_eq!(
            (&hold["why"], &hold["by"]),
            (&"the court has ruled".into(), &by.clone().into())
        );

        busy.daemon.kill();
        busy.daemon = busy.place.start();
        busy.place.wait("the second start", 10, || {
            busy.place.events("daemon.ready").len() == 2
        });
        busy.is_quiet(acknowledged, &named);
        let refused = busy.place.run(&["release"]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(&by));

        std::fs::remove_file(&file).unwrap();
        busy.all_go_out_in_the_end();
        assert!(busy.hold().is_null());
    }
}

#[test]
fn a_file_that_went_while_the_daemon_was_down_holds_no_longer() {
    let mut busy = Busy::start();
    let file = busy.place.path().join("state/HOLD");
    std::fs::write(&file, "").unwrap();
    busy.place
        .wait("the record", 5, || busy.hold()["by"] == "the file state/HOLD");
    std::thread::sleep(Duration::from_millis(500));
    busy.daemon.kill();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(busy.hold()["by"], "the file state/HOLD", "the ledger had it");
    busy.daemon = busy.place.start();
    busy.all_go_out_in_the_end();
}

#[test]
fn a_signal_stops_and_the_ledger_keeps_it() {
    let mut busy = Busy::start();
    busy.daemon.signal("USR1");
    let (acknowledged, named) = busy.named_in_the_log();
    busy.is_quiet(acknowledged, &named);
    let hold = busy.hold();
    assert_eq!(
        (&hold["why"], &hold["by"]),
        (&"SIGUSR1 was sent to the daemon".into(), &"a signal".into())
    );
    busy.daemon.kill();
    busy.daemon = busy.place.start();
    busy.place.wait("the second start", 10, || {
        busy.place.events("daemon.ready").len() == 2
    });
    busy.is_quiet(acknowledged, &named);
    assert!(busy.place.run(&["release"]).status.success());
    busy.all_go_out_in_the_end();
}

#[test]
fn a_line_in_the_campaign_file_stops_all_but_what_the_log_names() {
    let busy = Busy::start();
    let text = format!("{CAMPAIGN}{SEND}hold = \"checking\"\n");
    busy.place.write("campaign.toml", &text);
    let (acknowledged, named) = busy.named_in_the_log();
    busy.is_quiet(acknowledged, &named);
    busy.place.write("campaign.toml", &format!("{CAMPAIGN}{SEND}"));
    busy.all_go_out_in_the_end();
}

#[test]
fn s11_a_file_and_a_signal_stop_though_somebody_has_locked_the_ledger() {
    for by_signal in [true, false] {
        let mut busy = Busy::start();
        let locked = busy.lock_the_ledger();
        let file = busy.place.path().join("state/HOLD");
        let by = if by_signal {
            busy.daemon.signal("USR1");
            "a signal"
        } else {
            std::fs::write(&file, "stop").unwrap();
            "the file state/HOLD"
        };
        let (acknowledged, named) = busy.named_in_the_log();
        std::thread::sleep(Duration::from_millis(500));
        // Intents that waited for the lock are written now, and must not be acted upon.
        locked.let_go();
        busy.is_quiet(acknowledged, &named);
        busy.place.wait("the record", 5, || busy.hold()["by"] == by);
        busy.daemon.kill();
        busy.daemon = busy.place.start();
        busy.place.wait("the second start", 10, || {
            busy.place.events("daemon.ready").len() == 2
        });
        busy.is_quiet(acknowledged, &named);
        if by_signal {
            assert!(busy.place.run(&["release"]).status.success());
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        busy.all_go_out_in_the_end();
    }
}

#[test]
fn a_command_that_the_ledger_keeps_waiting_names_the_ways_without_it() {
    let busy = Busy::start();
    let locked = busy.lock_the_ledger();
    let mut hold = busy.place.command(&["hold", "--why", "stop"]);
    let hold = hold.stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(3500));
    let began = Instant::now();
    locked.let_go();
    let done = hold.wait_with_output().unwrap();
    assert!(done.status.success() && began.elapsed() < Duration::from_secs(3));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(said.contains("state/HOLD") && said.contains("SIGUSR1"), "{said}");
}

#[test]
fn what_fell_due_while_a_file_was_there_waits_for_a_person() {
    let fake = Fake::start();
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    let _daemon = place.start();
    place.wait_ready();
    let file = place.path().join("config/HOLD");
    std::fs::write(&file, "").unwrap();
    place.wait("the hold", 5, || !place.events("hold.set").is_empty());
    place.write(
        "a.toml",
        "[[message]]\nid = \"a\"\npriority = \"breaking\"\ntext = \"a\"\n",
    );
    let held = || place.json(&["status", "--format", "json"])["counts"]["held"].clone();
    place.wait("its time to come", 10, || !place.events("post.due").is_empty());
    std::fs::remove_file(&file).unwrap();
    place.wait("the review", 10, || held() == 1);
    assert!(fake.texts().is_empty());
}

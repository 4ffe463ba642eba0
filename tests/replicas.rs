//! Several real daemons on one PostgreSQL: each post goes out once, whoever of them dies or is frozen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;
mod server;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use program::fake::{Accepted, Fake, now};
use program::{Daemon, Dice, Place};
use server::Server;

fn replica(name: &str, url: &str, fake: &Fake) -> Place {
    Place::new(&format!(
        "[ledger]\nurl = \"{url}\"\nreplica = \"{name}\"\n\n\
         [account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ))
}

fn recorded(place: &Place) -> usize {
    let all = place.json(&["history", "--limit", "1000", "--format", "json"]);
    all.as_array().unwrap().len()
}

fn database(server: &Server) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    server.url(&runtime.block_on(server.database()))
}

#[test]
fn two_daemons_share_the_posts_and_one_goes_on_without_the_other() {
    const POSTS: usize = 150;
    let server = Server::start();
    let url = database(&server);
    let fake = Fake::start();
    fake.delay(Duration::from_millis(20));
    let (one, two) = (replica("one", &url, &fake), replica("two", &url, &fake));
    let early = one.command(&["run"]).output().unwrap();
    assert_eq!(early.status.code(), Some(78), "it is never made by `run`");
    let made = one.run(&["init"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(two.run(&["init"]).status.code(), Some(1), "there is one already");

    let first = now() + Duration::from_secs(10);
    let mut file = String::new();
    for n in 0..POSTS {
        let at = first + Duration::from_millis(20 * u64::try_from(n).unwrap());
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\nat = {at}\ntext = \"post {n}\"\n\n"
        )
        .unwrap();
    }
    for place in [&one, &two] {
        place.write("posts.toml", &file);
    }
    let mut first_daemon = one.start();
    one.wait_ready();
    let second_daemon = two.start();
    two.wait_ready();

    // Nobody takes a name that somebody has.
    let again = replica("one", &url, &fake);
    again.write("posts.toml", &file);
    let refused = again.run(&["run"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(75), "{said}");
    assert!(said.contains("replica one, pid"), "{said}");

    // The one that plans dies in the middle of it.
    one.wait("a third to be out", 30, || fake.accepted().len() > POSTS / 3);
    first_daemon.kill();
    two.wait("the other to plan the rest", 30, || recorded(&two) == POSTS);
    assert!(!two.events("post.sent").is_empty() && !one.events("post.sent").is_empty());
    // It comes back under its name, at once, and looks after what it had begun.
    let back = Instant::now();
    let first_daemon = one.start();
    let sent = || two.json(&["status", "--format", "json"])["counts"]["sent"] == POSTS;
    two.wait("everything to be sent", 30, sent);
    println!("all sent {:?} after the return", back.elapsed());
    let texts: HashSet<String> = fake.texts().into_iter().collect();
    assert_eq!((texts.len(), fake.accepted().len()), (POSTS, POSTS));

    // A hold is heard by both; one that does not answer is named.
    let held = two.run(&["hold", "--why", "stop"]);
    let said = String::from_utf8_lossy(&held.stdout).into_owned();
    assert!(
        held.status.success() && !said.contains("slow to answer"),
        "{said}"
    );
    for place in [&one, &two] {
        place.wait("hold.set", 5, || !place.events("hold.set").is_empty());
    }
    assert!(two.run(&["release"]).status.success());
    first_daemon.signal("STOP");
    let held = two.run(&["hold", "--why", "stop again"]);
    first_daemon.signal("CONT");
    let said = String::from_utf8_lossy(&held.stdout).into_owned();
    assert!(said.contains("slow to answer: one;"), "{said}");
    drop((first_daemon, second_daemon));
}

#[test]
fn what_one_approves_every_replica_sends_and_nothing_else() {
    const POSTS: usize = 40;
    let server = Server::start();
    let url = database(&server);
    let fake = Fake::start();
    fake.delay(Duration::from_millis(20));
    let mut places = [replica("one", &url, &fake), replica("two", &url, &fake)];
    let mut file = String::new();
    for n in 0..POSTS {
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\npriority = \"breaking\"\ntext = \"post {n}\"\n\n"
        )
        .unwrap();
    }
    for place in &mut places {
        place.set("STEADFAST__DELIVERY__APPROVAL", "required");
        place.write("posts.toml", &file);
    }
    let [one, two] = places;
    assert!(one.run(&["init"]).status.success());
    let daemons = [&one, &two].map(|place| {
        let daemon = place.start();
        place.wait_ready();
        daemon
    });
    let half: Vec<String> = (0..POSTS / 2).map(|n| format!("m{n}")).collect();
    let mut approve = vec!["approve"];
    approve.extend(half.iter().map(String::as_str));
    assert!(two.run(&approve).status.success());
    one.wait("the approved ones", 30, || fake.accepted().len() == POSTS / 2);
    for place in [&one, &two] {
        let heard = || place.events("approval.given").len() == POSTS / 2;
        place.wait("every replica to hear of it", 5, heard);
    }
    std::thread::sleep(Duration::from_secs(1));
    let texts: HashSet<String> = fake.texts().into_iter().collect();
    assert_eq!(texts, (0..POSTS / 2).map(|n| format!("post {n}")).collect());
    let pending = one.json(&["pending", "--format", "json"]);
    assert_eq!(pending.as_array().unwrap().len(), POSTS / 2);
    drop(daemons);
}

#[test]
fn a_campaign_moves_from_a_file_to_a_database_and_goes_on_where_it_was() {
    let server = Server::start();
    let url = database(&server);
    let fake = Fake::start();
    let mut place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    let message = |n| format!("[[message]]\nid = \"m{n}\"\npriority = \"breaking\"\ntext = \"post {n}\"\n\n");
    place.write("a.toml", &(message(1) + &message(2)));
    let mut daemon = place.start();
    place.wait("both", 20, || fake.accepted().len() == 2);
    let refused = place.run(&["ledger", "copy", "--to", &url]);
    assert_eq!(refused.status.code(), Some(75), "while a daemon runs on it");
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(20)), Some(0));
    let with_password = place.run(&["ledger", "copy", "--to", "postgres://u:c4nary@localhost/d"]);
    assert_eq!(with_password.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&with_password.stderr).contains("c4nary"));

    let before = place.json(&["history", "--format", "json"]);
    let copied = place.run(&["ledger", "copy", "--to", &url]);
    let said = String::from_utf8_lossy(&copied.stdout).into_owned();
    assert!(
        copied.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&copied.stderr)
    );
    assert!(
        said.contains("post 2") && said.contains("the evidence record is whole"),
        "{said}"
    );

    place.set("STEADFAST__LEDGER__URL", &url);
    assert_eq!(place.json(&["history", "--format", "json"]), before);
    place.write("b.toml", &message(3));
    let _daemon = place.start();
    place.wait("the third", 20, || fake.accepted().len() >= 3);
    place.wait("its receipt", 20, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == 3
    });
    let mut texts = fake.texts();
    texts.sort();
    assert_eq!(texts, ["post 1", "post 2", "post 3"]);
}

/// The shortest there is, so that a test can outlast it.
const LEASE: Duration = Duration::from_secs(5);

/// How many kills; there are half as many freezes. `STEADFAST_KILLS=2000 cargo test --test replicas chaos` for longer.
fn kills() -> u64 {
    let asked = std::env::var("STEADFAST_KILLS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(6)
}

/// One of several, with what is being done to it.
struct Replica {
    place: Place,
    daemon: Daemon,
    frozen_until: Option<Instant>,
}

impl Replica {
    fn kill_and_restart(&mut self) {
        self.daemon.kill();
        self.daemon = self.place.start();
        self.frozen_until = None;
    }

    fn thaw(&mut self) {
        self.daemon.signal("CONT");
        self.frozen_until = None;
    }
}

#[test]
fn s1_s17_chaos_whoever_is_killed_or_frozen_when_each_post_goes_out_exactly_once() {
    let mut dice = Dice::new();
    let server = Server::start();
    let url = database(&server);
    let (mastodon, bluesky) = (Fake::start(), Fake::start());
    // Slow enough that many kills and freezes find a request under way.
    mastodon.delay(Duration::from_millis(150));
    bluesky.delay(Duration::from_millis(150));
    let place = |name: &str| {
        Place::new(&format!(
            "[ledger]\nurl = \"{url}\"\nreplica = \"{name}\"\nlease = \"{}s\"\n\n\
             [account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n\n\
             [account.bluesky]\nplatform = \"bluesky\"\nbase_url = \"{}\"\nidentifier = \"test.example\"\n\
             app_password = {{ env = \"TOKEN\" }}\n",
            LEASE.as_secs(),
            mastodon.url,
            bluesky.url
        ))
    };
    let places = ["one", "two", "three"].map(place);
    assert!(places[0].run(&["init"]).status.success());

    // Plain posts and threads, due all along.
    let (kills, freezes) = (kills(), kills().div_ceil(2));
    let posts = i64::try_from((12 * (kills + freezes)).max(200)).unwrap();
    let span_ms = i64::try_from(6_000 + (kills + freezes) * 700).unwrap();
    let first = now() + Duration::from_secs(3);
    let mut file = String::new();
    let mut due = HashMap::new();
    for n in 0..posts {
        let at = first + jiff::SignedDuration::from_millis(n * span_ms / posts);
        due.insert(n, at);
        let text = if n % 5 == 0 {
            format!("post {n} part 0\\n---\\npost {n} part 1")
        } else {
            format!("post {n} part 0")
        };
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\nat = {at}\ntext = \"{text}\"\n\n"
        )
        .unwrap();
    }
    for place in &places {
        place.write("posts.toml", &file);
    }
    let mut replicas = places.map(|place| Replica {
        daemon: place.start(),
        place,
        frozen_until: None,
    });
    for replica in &replicas {
        replica.place.wait_ready();
    }

    // One is always awake. Some freezes outlast the lease, some the time after which another looks into what the
    // frozen one was sending; some end with a kill.
    let mut left = (kills, freezes);
    while left != (0, 0) {
        std::thread::sleep(Duration::from_millis(400 + dice.below(600)));
        for replica in &mut replicas {
            if replica.frozen_until.is_some_and(|until| until < Instant::now()) {
                if left.1 + 2 < freezes && dice.below(4) == 0 {
                    replica.kill_and_restart();
                } else {
                    replica.thaw();
                }
            }
        }
        let awake: Vec<usize> = (0..replicas.len())
            .filter(|n| replicas[*n].frozen_until.is_none())
            .collect();
        let n = u64::try_from(awake.len()).unwrap();
        let replica = &mut replicas[awake[usize::try_from(dice.below(n)).unwrap()]];
        if left.1 > 0 && awake.len() > 1 && (left.0 == 0 || dice.below(2) == 0) {
            let long = left.1 % 3 == 0;
            let freeze = if long { 3 * LEASE } else { LEASE + LEASE / 4 };
            replica.daemon.signal("STOP");
            replica.frozen_until = Some(Instant::now() + freeze);
            left.1 -= 1;
        } else if left.0 > 0 {
            replica.kill_and_restart();
            left.0 -= 1;
        }
    }
    for replica in &mut replicas {
        if let Some(until) = replica.frozen_until {
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            replica.thaw();
        }
    }

    let looking = &replicas[0].place;
    looking.wait("everything to be sent", 60, || {
        looking.json(&["status", "--format", "json"])["counts"]["sent"] == 2 * posts
    });
    let parts = usize::try_from(posts + posts / 5).unwrap();
    each_once_in_order("mastodon", &mastodon.accepted(), parts, &due);
    each_once_in_order("bluesky", &bluesky.accepted(), parts, &due);
    let told = |event: &str| -> usize {
        let lines = replicas.iter().map(|replica| replica.place.events(event).len());
        lines.sum()
    };
    println!(
        "{kills} kills, {freezes} freezes; doubts {}, late {}, fenced {}; {} requests to mastodon for {parts} parts",
        told("post.in_doubt"),
        told("replica.late"),
        told("post.fenced"),
        mastodon.store.lock().unwrap().requests
    );
    assert!(told("replica.late") > 0, "no freeze outlasted the lease");
    let verified = looking.run(&["ledger", "check"]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{said}");
}

/// Every text once, none before its time, and each part of a thread an answer to the part before it.
fn each_once_in_order(name: &str, accepted: &[Accepted], parts: usize, due: &HashMap<i64, jiff::Timestamp>) {
    let by_text: HashMap<&str, &Accepted> = accepted.iter().map(|post| (&*post.text, post)).collect();
    assert_eq!((accepted.len(), by_text.len()), (parts, parts), "{name}");
    for post in accepted {
        let words: Vec<&str> = post.text.split(' ').collect();
        let (n, part): (i64, u32) = (words[1].parse().unwrap(), words[3].parse().unwrap());
        assert!(post.at >= due[&n], "{name}: {} was early", post.text);
        let before = part.checked_sub(1).map(|part| format!("post {n} part {part}"));
        let parent = before.map(|text| by_text[text.as_str()].id.clone());
        assert_eq!(post.parent, parent, "{name}: {}", post.text);
    }
}

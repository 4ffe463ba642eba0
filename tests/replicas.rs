//! Two real daemons on one PostgreSQL: each post goes out once, whoever of them dies.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;
mod server;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use program::Place;
use program::fake::{Fake, now};
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

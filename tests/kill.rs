//! The real program, killed at random moments and started again: nothing lost, nothing doubled, nothing early.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use program::fake::{Accepted, Fake, now};
use program::{Dice, Place};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

/// How many kills; a longer run is a matter of patience: `STEADFAST_KILLS=5000 cargo test --test kill`.
fn kills() -> u64 {
    std::env::var("STEADFAST_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(50)
}

#[test]
fn s1_whatever_the_moment_of_the_kill_each_post_goes_out_exactly_once() {
    let mut dice = Dice::new();
    let (mastodon, bluesky) = (Fake::start(), Fake::start());
    // Slow enough that many kills find a request under way.
    mastodon.delay(Duration::from_millis(15));
    bluesky.delay(Duration::from_millis(15));
    let place = Place::new(&format!(
        r#"
[account.mastodon]
platform = "mastodon"
base_url = "{}"
access_token = {{ env = "TOKEN" }}

[account.bluesky]
platform = "bluesky"
base_url = "{}"
identifier = "test.example"
app_password = {{ env = "TOKEN" }}

[account.sandbox]
platform = "sandbox"
like = "mastodon"
"#,
        mastodon.url, bluesky.url
    ));
    assert!(place.run(&["init"]).status.success());

    // Plain posts and threads, due all along the time of the kills.
    let kills = kills();
    let span_ms = i64::try_from(kills * 250).unwrap();
    let first = now() + Duration::from_secs(5);
    let mut file = String::new();
    let mut due = HashMap::new();
    let posts = 150;
    for n in 0..posts {
        let at = first + jiff::SignedDuration::from_millis(n * span_ms / posts);
        due.insert(n, at);
        let text = if n % 5 == 0 {
            format!("post {n} part 0\\n---\\npost {n} part 1\\n---\\npost {n} part 2")
        } else {
            format!("post {n} part 0")
        };
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\nat = {at}\ntext = \"{text}\"\n\n"
        )
        .unwrap();
    }
    place.write("posts.toml", &file);
    assert!(place.run(&["check"]).status.success());

    seen_once(&place);
    let mut lives = 0;
    for _ in 0..kills {
        let mut daemon = place.start();
        lives += 1;
        std::thread::sleep(Duration::from_millis(100 + dice.below(300)));
        daemon.kill();
    }
    let _last = place.start();
    let parts = usize::try_from(posts + 2 * posts.div_euclid(5)).unwrap();
    let sent = |fake: &Fake| fake.accepted().len();
    place.wait("everything to be accepted", 90, || {
        look_at_what_is_held(&place, &mastodon);
        sent(&mastodon) >= parts
            && sent(&bluesky) >= parts
            && place.json(&["status", "--format", "json"])["counts"]["sent"] == 3 * posts
    });

    println!(
        "{lives} lives, {} requests for {parts} parts",
        mastodon.store.lock().unwrap().requests
    );
    for (name, fake) in [("mastodon", &mastodon), ("bluesky", &bluesky)] {
        let accepted = fake.accepted();
        each_once_in_order(name, &accepted, parts);
        for post in &accepted {
            let n: i64 = post.text.split(' ').nth(1).unwrap().parse().unwrap();
            assert!(
                post.at >= due[&n],
                "{name}: {} at {} was early: due {}",
                post.text,
                post.at,
                due[&n]
            );
        }
    }
    // The sandbox keeps its own file: as many lines as parts, each of another key.
    let timeline = std::fs::read_to_string(place.path().join("state/sandbox/sandbox.jsonl")).unwrap();
    let ids: std::collections::HashSet<String> = timeline
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!((timeline.lines().count(), ids.len()), (parts, parts));

    // And the receipts are the platform's own ids.
    let history = place.json(&[
        "history",
        "--account",
        "mastodon",
        "--limit",
        "1000",
        "--format",
        "json",
    ]);
    let mut receipts: Vec<String> = Vec::new();
    for post in history.as_array().unwrap() {
        assert_eq!(post["state"], "sent", "{post}");
        receipts.extend(
            post["parts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part["id"].as_str().unwrap().to_owned()),
        );
    }
    receipts.sort();
    let mut held: Vec<String> = mastodon.accepted().into_iter().map(|post| post.id).collect();
    held.sort();
    assert_eq!(receipts, held);
}

/// What a daemon first sees after its time is not posted, and one that is killed at once sees nothing.
fn seen_once(place: &Place) {
    let mut daemon = place.start();
    place.wait_ready();
    daemon.kill();
}

/// A post in whose requests the daemon stopped three times waits for a person (reliability §2.6). This one looks on
/// Mastodon. On the others the same again, under the same id, is nothing new.
fn look_at_what_is_held(place: &Place, mastodon: &Fake) {
    let held = place.json(&[
        "history", "--state", "held", "--limit", "1000", "--format", "json",
    ]);
    for post in held.as_array().unwrap() {
        let (id, message) = (post["post"].as_str().unwrap(), post["message"].as_str().unwrap());
        let parts = post["parts"].as_array().unwrap();
        let known = parts.iter().filter(|part| part["id"].is_string()).count();
        let text = format!("post {} part {known}", message.trim_start_matches('m'));
        let out = mastodon.accepted().into_iter().find(|out| out.text == text);
        let done = match out.filter(|_| post["account"] == "mastodon") {
            Some(out) => place.run(&["resolve", id, "--sent", &out.id]),
            None => place.run(&["resolve", id, "--not-sent"]),
        };
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        println!("{message} on {} had to be resolved", post["account"]);
    }
}

/// Every text once, and each part of a thread an answer to the part before it.
fn each_once_in_order(name: &str, accepted: &[Accepted], parts: usize) {
    let mut by_text: HashMap<&str, &Accepted> = HashMap::new();
    for post in accepted {
        assert!(
            by_text.insert(&post.text, post).is_none(),
            "{name}: `{}` was accepted twice",
            post.text
        );
    }
    assert_eq!(by_text.len(), parts, "{name}");
    for post in accepted {
        let (head, index) = post.text.rsplit_once(' ').unwrap();
        let before = index
            .parse::<u32>()
            .unwrap()
            .checked_sub(1)
            .map(|index| format!("{head} {index}"));
        let parent = before.map(|text| by_text[text.as_str()].id.clone());
        assert_eq!(post.parent, parent, "{name}: {}", post.text);
    }
}

/// The same for platforms that have no keys, and must be asked: a container, a list.
#[test]
fn s1_where_the_platform_must_be_asked_each_post_goes_out_exactly_once_too() {
    let mut dice = Dice::new();
    let place = Place::new(
        "[account.containers]\nplatform = \"sandbox\"\ndoubt = \"two-steps\"\n\n\
         [account.list]\nplatform = \"sandbox\"\ndoubt = \"read-back\"\n",
    );
    let kills = kills() / 2;
    let first = now() + Duration::from_secs(5);
    let (posts, span_ms) = (40, i64::try_from(kills * 250).unwrap());
    let mut file = String::new();
    for n in 0..posts {
        let at = first + jiff::SignedDuration::from_millis(n * span_ms / posts);
        let text = format!("post {n} part 0\\n---\\npost {n} part 1");
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\nat = {at}\ntext = \"{text}\"\n\n"
        )
        .unwrap();
    }
    place.write("posts.toml", &file);
    seen_once(&place);
    for _ in 0..kills {
        let mut daemon = place.start();
        std::thread::sleep(Duration::from_millis(100 + dice.below(300)));
        daemon.kill();
    }
    let _last = place.start();
    // What a container or a list does not show is believed after a minute.
    place.wait("everything to be sent", 200, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == 2 * posts
    });
    for account in ["containers", "list"] {
        let timeline = std::fs::read_to_string(place.path().join(format!("state/sandbox/{account}.jsonl")));
        let texts: Vec<String> = timeline
            .unwrap()
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["text"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let once: std::collections::HashSet<&String> = texts.iter().collect();
        assert_eq!(
            (texts.len(), once.len()),
            (2 * 40, 2 * 40),
            "{account}: each part once"
        );
    }
}

/// Killed while it asks for what nobody sees: what the server is, whose account it is, an upload, a sign-in, the
/// account's own list. And while it sends.
#[test]
fn s1_whatever_is_asked_for_at_the_kill_the_post_goes_out_exactly_once() {
    let keys = [
        "/api/v2/instance",
        "/api/v1/accounts/verify_credentials",
        "/api/v2/media",
        "/api/v1/statuses",
        "/xrpc/com.atproto.server.createSession",
        "/xrpc/com.atproto.repo.putRecord",
    ];
    let lists = ["/api/v1/accounts/7/statuses", "/api/v1/statuses/110000/source"];
    let mut scenes = Vec::new();
    for after in [false, true] {
        scenes.extend(keys.map(|path| (path, after, false)));
        scenes.extend(lists.map(|path| (path, after, true)));
    }
    for some in scenes.chunks(4) {
        std::thread::scope(|scope| {
            for (path, after, forgets_keys) in some {
                scope.spawn(|| killed_at(path, *after, *forgets_keys));
            }
        });
    }
}

fn killed_at(path: &'static str, after: bool, forgets_keys: bool) {
    let fake = Fake::start();
    fake.belongs(200, serde_json::json!({"id": "7"}));
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{0}\"\naccess_token = {{ env = \"TOKEN\" }}\n\n\
         [account.bluesky]\nplatform = \"bluesky\"\nbase_url = \"{0}\"\nidentifier = \"test.example\"\n\
         app_password = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    std::fs::create_dir(place.path().join("messages/media")).unwrap();
    let picture = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("messages/media/ten-to-two.png");
    std::fs::copy(picture, place.path().join("messages/media/a.png")).unwrap();
    let mut daemon = place.start();
    place.wait_ready();
    {
        let mut store = fake.store.lock().unwrap();
        store.forgets_keys = forgets_keys;
        store.kills = Some((path, after, daemon.child.id()));
        if forgets_keys {
            // Its list is read when an answer is lost.
            store
                .faults
                .push(program::fake::Fault::AcceptThenAnswer(502, "oh".to_owned()));
        }
    }
    let message = "[[message]]\nid = \"a\"\npriority = \"breaking\"\n";
    // A Bluesky that takes no images here: it gets a text.
    place.write(
        "a.toml",
        &format!("{message}to = [\"mastodon\"]\ntext = \"a picture\"\nimage = [{{ file = \"media/a.png\", alt = \"a\" }}]\n"),
    );
    if !forgets_keys {
        place.write(
            "b.toml",
            &format!(
                "{}to = [\"bluesky\"]\ntext = \"a text\"\n",
                message.replace("\"a\"", "\"b\"")
            ),
        );
    }
    place.wait(&format!("the kill at {path}"), 30, || {
        fake.store.lock().unwrap().kills.is_none()
    });
    daemon.child.wait().unwrap();
    let _again = place.start();
    let posts = if forgets_keys { 1 } else { 2 };
    place.wait(&format!("all of it after {path}, {after}"), 60, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == posts
    });
    assert_eq!(
        fake.accepted().len(),
        posts,
        "{path}, {after}: {:?}",
        fake.texts()
    );
}

/// How many posts the ledger of the first version has: enough that it takes a while to bring them up to date.
const OLD: i64 = 60_000;

#[test]
fn s21_an_upgrade_that_is_killed_on_its_way_leaves_the_old_ledger_or_the_new_one() {
    let mut dice = Dice::new();
    let place = Place::new("");
    std::fs::create_dir(place.path().join("state")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.ledger());
    let mut today = 0;
    runtime.block_on(async {
        let mut db = SqliteConnection::connect_with(&options.clone().create_if_missing(true))
            .await
            .unwrap();
        let migrations =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger/migrations/sqlite");
        let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
        migrator.run_to(1, &mut db).await.unwrap();
        today = migrator.iter().map(|migration| migration.version).max().unwrap();
        let rows = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OLD}) \
             INSERT INTO post (id, message, account, platform, occurrence, due, late, recurring, breaking, file, parts, \
                 content, recorded, state, not_before, attempts, changed) \
             SELECT printf('%032x', i), 'm' || i, 'mastodon', 'sandbox', 'once', 1, 2, 0, 0, 'f.toml', 1, \
                 '{{}}', 1, 'skipped', 1, 0, 7 FROM n"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    });
    // As it is on the disk: its version, and how many posts it has.
    let looks = || {
        runtime.block_on(async {
            let mut db = SqliteConnection::connect_with(&options).await.unwrap();
            let found = sqlx::query_as::<_, (i64, i64)>(
                "SELECT (SELECT max(version) FROM _sqlx_migrations WHERE success), (SELECT count(*) FROM post)",
            )
            .fetch_one(&mut db)
            .await
            .unwrap();
            db.close().await.unwrap();
            found
        })
    };
    let mut seen_old = 0;
    for n in 1..=12 {
        let mut daemon = place.start();
        std::thread::sleep(Duration::from_millis(20 + dice.below(80 * n)));
        daemon.kill();
        let (version, posts) = looks();
        assert_eq!(posts, OLD, "version {version}");
        seen_old += i32::from(version == 1);
    }
    println!("{seen_old} of 12 kills came before the end of the upgrade");
    assert!(seen_old > 0, "no kill came in time");
    let _daemon = place.start();
    place.wait_ready();
    assert_eq!(looks(), (today, OLD));
    assert!(place.run(&["ledger", "check"]).status.success());
}

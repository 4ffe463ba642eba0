//! The real program takes back and corrects what it has published: everywhere, once, whatever happens meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::process::{Output, Stdio};
use std::time::Duration;

use program::fake::{Fake, Fault};
use program::{Dice, Place};
use serde_json::Value;

fn config(mastodon: &Fake) -> String {
    format!(
        r#"
[account.mastodon]
platform = "mastodon"
base_url = "{}"
access_token = {{ env = "TOKEN" }}

[account.sandbox]
platform = "sandbox"
like = "bluesky"
"#,
        mastodon.url
    )
}

fn facts(verdict: &str) -> String {
    format!("[fact.verdict]\nvalue = \"{verdict}\"\nsource = \"https://court.example/1\"\n")
}

/// Three posted messages on two accounts: two with the fact, one of them a thread; one without.
fn posted(mastodon: &Fake) -> Place {
    let place = Place::new(&config(mastodon));
    place.write("facts.toml", &facts("10-2"));
    place.write(
        "messages.toml",
        "[[message]]\nid = \"plain\"\ndraft = false\ntext = \"The vote was {{ fact.verdict }}.\"\nat = 2036-01-01T09:00:00\n\n\
         [[message]]\nid = \"thread\"\ntext = \"\"\"\nFirst.\n---\nIt was {{ fact.verdict }}.\n\"\"\"\nat = 2036-01-01T10:00:00\n\n\
         [[message]]\nid = \"other\"\ntext = \"A hearing is set.\"\nat = 2036-01-01T11:00:00\n",
    );
    assert!(place.run(&["init"]).status.success());
    for id in ["plain", "thread", "other"] {
        let done = place.run(&["post", id]);
        assert!(done.status.success(), "{}", said(&done));
    }
    place
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(output)))
}

#[test]
fn what_was_published_with_a_fact_is_listed_as_it_stood_and_deleted_everywhere() {
    let mastodon = Fake::start();
    let place = posted(&mastodon);
    // The court rules; the file follows.
    place.write("facts.toml", &facts("11-1"));

    let listed = place.json(&["recall", "verdict", "--format", "json"]);
    let listed = listed.as_array().unwrap();
    let mut names: Vec<String> = listed
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["message"].as_str().unwrap(),
                row["account"].as_str().unwrap()
            )
        })
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "plain mastodon",
            "plain sandbox",
            "thread mastodon",
            "thread sandbox"
        ]
    );
    for row in listed {
        assert_eq!(row["facts"]["verdict"], "10-2", "as it was said: {row}");
        assert!(
            row["parts"][0]["url"].as_str().unwrap().starts_with("http"),
            "{row}"
        );
        assert_eq!(row["recalls"], serde_json::json!([]));
    }
    assert_eq!(
        place.json(&["recall", "verdict", "--said", "11-1", "--format", "json"]),
        serde_json::json!([])
    );

    // Nothing is done that was not meant, and what is still to come follows the files.
    let asked = place.run(&["recall", "verdict", "--delete"]);
    assert_eq!(asked.status.code(), Some(2), "{}", said(&asked));
    assert!(
        said(&asked).contains("4 posts will be deleted, on mastodon, sandbox"),
        "{}",
        said(&asked)
    );
    assert_eq!(mastodon.deleted(), [""; 0]);

    let done = place.run(&[
        "recall",
        "verdict",
        "--delete",
        "--yes",
        "--why",
        "the court has ruled",
        "--format",
        "json",
    ]);
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("4 of 4 posts deleted"), "{}", said(&done));
    let of: Vec<String> = mastodon
        .accepted()
        .into_iter()
        .filter(|post| !post.text.contains("hearing"))
        .map(|post| post.id)
        .collect();
    let deleted = mastodon.deleted();
    assert_eq!(deleted.iter().collect::<HashSet<_>>(), of.iter().collect());
    let place_of = |id: &String| deleted.iter().position(|gone| gone == id);
    assert!(place_of(&of[2]) < place_of(&of[1]), "a thread goes from its end");
    for row in parsed(&done).as_array().unwrap() {
        let recall = &row["recalls"][0];
        assert_eq!(
            (&recall["act"], &recall["state"], &recall["why"]),
            (&"delete".into(), &"sent".into(), &"the court has ruled".into())
        );
    }
    let timeline = std::fs::read_to_string(place.path().join("state/sandbox/sandbox.jsonl")).unwrap();
    assert_eq!(
        timeline
            .lines()
            .filter(|line| line.starts_with("{\"gone\""))
            .count(),
        3,
        "{timeline}"
    );

    // Asked for again it is nothing new; and the history says what became of each.
    let again = place.run(&["recall", "verdict", "--delete", "--yes"]);
    assert!(
        again.status.success() && said(&again).contains("4 of 4 posts deleted"),
        "{}",
        said(&again)
    );
    assert_eq!(mastodon.store.lock().unwrap().deletions, 3);
    let history = place.json(&["history", "--format", "json"]);
    let history = history.as_array().unwrap();
    assert_eq!(history.iter().filter(|row| row["recalls"].is_string()).count(), 4);
    let plain = history
        .iter()
        .find(|row| row["message"] == "plain" && row["recalls"].is_null())
        .unwrap();
    assert_eq!(plain["recalled"][0]["act"], "delete");
    let checked = place.run(&["ledger", "check"]);
    assert!(checked.status.success(), "{}", said(&checked));
    let record = place.run(&["history", "--evidence", "record.jsonl"]);
    assert!(record.status.success(), "{}", said(&record));
    assert!(
        place
            .run(&["history", "--verify", "record.jsonl"])
            .status
            .success()
    );

    // The facts' own list knows it all.
    let facts = place.json(&["facts", "--format", "json"]);
    let verdict = &facts[0];
    assert_eq!(
        (&verdict["fact"], &verdict["value"], &verdict["state"]),
        (&"verdict".into(), &"11-1".into(), &"confirmed".into())
    );
    assert_eq!(verdict["used"], serde_json::json!(["plain", "thread"]));
    assert_eq!(
        (
            &verdict["published"][0]["value"],
            &verdict["published"][0]["posts"]
        ),
        (&"10-2".into(), &4.into())
    );
}

#[test]
fn a_correction_answers_each_post_once_and_is_measured_first() {
    let mastodon = Fake::start();
    let place = posted(&mastodon);
    // The sandbox is like bluesky: 300 characters are too many for it alone.
    let long = place.run(&["recall", "verdict", "--reply", &"x".repeat(301), "--yes"]);
    assert_eq!(long.status.code(), Some(1));
    assert!(
        said(&long).contains("nothing was done") && said(&long).contains("the limit is 300"),
        "{}",
        said(&long)
    );
    assert_eq!(mastodon.accepted().len(), 4);

    let words = "Correction: the vote was 11-1.";
    // With the daemon it is the daemon that sends.
    let _daemon = place.start();
    place.wait_ready();
    for _ in 0..2 {
        let done = place.run(&["recall", "--message", "thread", "--reply", words, "--yes"]);
        assert!(done.status.success(), "{}", said(&done));
        assert!(said(&done).contains("2 of 2 posts corrected"), "{}", said(&done));
    }
    let accepted = mastodon.accepted();
    let first = accepted.iter().find(|post| post.text == "First.").unwrap();
    let corrections: Vec<_> = accepted.iter().filter(|post| post.text == words).collect();
    assert_eq!(corrections.len(), 1);
    assert_eq!(corrections[0].parent.as_ref(), Some(&first.id));
}

#[test]
fn a_correction_has_no_more_links_than_its_account_takes() {
    let place = Place::new("[account.sandbox]\nplatform = \"sandbox\"\nlike = \"threads\"\n");
    place.write(
        "messages.toml",
        "[[message]]\nid = \"plain\"\ntext = \"The vote was 10-2.\"\nat = 2036-01-01T09:00:00\n",
    );
    assert!(place.run(&["init"]).status.success());
    let done = place.run(&["post", "plain"]);
    assert!(done.status.success(), "{}", said(&done));
    let links: String = (1..=6).fold(String::new(), |mut links, n| {
        write!(links, " https://court.example/{n}").unwrap();
        links
    });
    let correct = |words: &str| place.run(&["recall", "--message", "plain", "--reply", words, "--yes"]);
    let many = correct(&links);
    assert_eq!(many.status.code(), Some(1));
    assert!(
        said(&many).contains("nothing was done")
            && said(&many).contains("sandbox: the text has 6 links, the limit is 5"),
        "{}",
        said(&many)
    );
    let done = correct("It was 11-1: https://court.example/1");
    assert!(done.status.success(), "{}", said(&done));
}

#[test]
fn a_hold_stops_a_deletion_until_it_is_asked_for_in_spite_of_it() {
    let mastodon = Fake::start();
    let place = posted(&mastodon);
    let _daemon = place.start();
    place.wait_ready();
    assert!(
        place
            .run(&["hold", "--why", "the court has ruled"])
            .status
            .success()
    );
    // The file says that the fact is wrong, too: its messages are blocked, and the recall must go all the same.
    place.write("facts.toml", &(facts("10-2") + "status = \"retracted\"\n"));
    let stopped = place.run(&["recall", "verdict", "--delete", "--yes"]);
    assert_eq!(stopped.status.code(), Some(1), "{}", said(&stopped));
    assert!(said(&stopped).contains("--during-hold"), "{}", said(&stopped));
    assert_eq!(mastodon.store.lock().unwrap().deletions, 0);

    let done = place.run(&["recall", "verdict", "--delete", "--yes", "--during-hold"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(mastodon.deleted().len(), 3);
    let sent = mastodon.accepted().len();
    assert!(place.run(&["release"]).status.success());
    assert_eq!(mastodon.accepted().len(), sent);
}

#[test]
fn an_answer_that_is_lost_and_one_that_says_that_it_is_gone_both_end_well() {
    let mastodon = Fake::start();
    let place = posted(&mastodon);
    // In the order in which they are taken, from the last: deleted and not said; refused for good.
    mastodon.fault(Fault::Answer(
        403,
        vec![],
        "{\"error\":\"This action is not allowed\"}".into(),
    ));
    mastodon.fault(Fault::AcceptThenAnswer(502, "<html>bad gateway</html>".into()));
    let first = place.run(&["recall", "--message", "plain", "--delete", "--yes"]);
    // The 502 left a doubt, and the repeat met the refusal: a person is asked, and asks again.
    assert_eq!(first.status.code(), Some(1), "{}", said(&first));
    assert_eq!(mastodon.deleted().len(), 1, "{}", said(&first));
    let again = place.run(&["recall", "--message", "plain", "--delete", "--yes"]);
    assert!(again.status.success(), "{}", said(&again));
    let store = mastodon.store.lock().unwrap();
    assert_eq!((store.deletions, store.deleted.len()), (3, 1));
}

#[test]
fn what_is_out_is_edited_in_place_once_and_is_then_known_by_its_new_words() {
    let mastodon = Fake::start();
    let place = posted(&mastodon);
    // Nothing has changed yet.
    let same = place.run(&["recall", "verdict", "--edit", "--yes"]);
    assert!(same.status.success(), "{}", said(&same));
    assert!(said(&same).contains("0 of 0 posts edited"), "{}", said(&same));
    assert_eq!(mastodon.store.lock().unwrap().edits, 0);

    place.write("facts.toml", &facts("11-1"));
    let asked = place.run(&["recall", "verdict", "--edit"]);
    assert_eq!(asked.status.code(), Some(2), "{}", said(&asked));
    // Where posts stay as they are, it is said, and what to do instead; the others are edited.
    for _ in 0..2 {
        let done = place.run(&[
            "recall",
            "verdict",
            "--edit",
            "--yes",
            "--why",
            "the court has ruled",
        ]);
        assert_eq!(done.status.code(), Some(1), "{}", said(&done));
        let said = said(&done);
        assert!(said.contains("what is out on bluesky can't be edited"), "{said}");
        assert!(said.contains("delete it or answer it instead"), "{said}");
        assert!(said.contains("2 of 4 posts edited"), "{said}");
    }
    let texts = [
        "The vote was 11-1.",
        "First.",
        "It was 11-1.",
        "A hearing is set.",
    ];
    assert_eq!(mastodon.texts(), texts);
    assert_eq!(mastodon.store.lock().unwrap().edits, 3, "each part once");

    // What it said before is not found any more, what it says now is.
    let found = |value: &str| {
        let listed = place.json(&["recall", "verdict", "--said", value, "--format", "json"]);
        let names = |row: &Value| (row["account"].clone(), row["edited_at"].is_string());
        listed.as_array().unwrap().iter().map(names).collect::<Vec<_>>()
    };
    assert_eq!(
        found("11-1"),
        [("mastodon".into(), true), ("mastodon".into(), true)]
    );
    assert_eq!(
        found("10-2"),
        [("sandbox".into(), false), ("sandbox".into(), false)]
    );
    let known = place.json(&["facts", "--format", "json"]);
    let mut published: Vec<String> = known[0]["published"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["value"], row["posts"]))
        .collect();
    published.sort();
    assert_eq!(published, ["\"10-2\" 2", "\"11-1\" 2"]);
    let history = place.json(&["history", "--format", "json"]);
    let edited = |row: &&Value| row["recalled"][0]["act"] == "edit";
    assert_eq!(history.as_array().unwrap().iter().filter(edited).count(), 2);

    // Other words are another edit, and so are the first ones after them; a part more is none.
    for (verdict, edits) in [("12-0", 6), ("11-1", 9)] {
        place.write("facts.toml", &facts(verdict));
        place.run(&["recall", "verdict", "--edit", "--yes"]);
        assert_eq!(mastodon.store.lock().unwrap().edits, edits, "{verdict}");
        assert_eq!(mastodon.texts()[0], format!("The vote was {verdict}."));
    }
    place.write(
        "messages.toml",
        "[[message]]\nid = \"plain\"\ntext = \"\"\"\nThe vote.\n---\nIt was {{ fact.verdict }}.\n\"\"\"\nat = 2036-01-01T09:00:00\n",
    );
    let refused = place.run(&["recall", "--message", "plain", "--edit", "--yes"]);
    assert!(
        said(&refused).contains("it went out in 1 parts"),
        "{}",
        said(&refused)
    );
    let gone = place.run(&["recall", "--message", "thread", "--edit", "--yes"]);
    assert!(
        said(&gone).contains("not in the files any more"),
        "{}",
        said(&gone)
    );
    assert_eq!(mastodon.store.lock().unwrap().edits, 9);
    // The deletion finds it all the same.
    let deleted = place.run(&["recall", "verdict", "--said", "11-1", "--delete", "--yes"]);
    assert!(deleted.status.success(), "{}", said(&deleted));
    assert_eq!(mastodon.deleted().len(), 3);
    assert!(place.run(&["ledger", "check"]).status.success());
}

#[test]
fn an_edit_that_is_killed_in_the_middle_or_not_answered_ends_by_the_same_request() {
    let mastodon = Fake::start();
    let place = posted(&mastodon);
    place.write("facts.toml", &facts("11-1"));
    let ask = ["recall", "--message", "plain", "--edit", "--yes"];
    // The program ends before it hears that the status is edited.
    let mut asking = place
        .command(&ask)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    mastodon.store.lock().unwrap().kills = Some(("PUT /api/v1/statuses/110000", true, asking.id()));
    asking.wait().unwrap();
    assert_eq!(mastodon.texts()[0], "The vote was 11-1.");
    mastodon.fault(Fault::AcceptThenAnswer(502, "<html>bad gateway</html>".into()));
    let again = place.run(&ask);
    assert!(said(&again).contains("1 of 2 posts edited"), "{}", said(&again));
    let texts = [
        "The vote was 11-1.",
        "First.",
        "It was 10-2.",
        "A hearing is set.",
    ];
    assert_eq!(mastodon.texts(), texts);
    let edits = mastodon.store.lock().unwrap().edits;
    assert_eq!(edits, 3, "killed, lost, heard");
    let third = place.run(&ask);
    assert!(said(&third).contains("1 of 2 posts edited"), "{}", said(&third));
    assert_eq!(mastodon.store.lock().unwrap().edits, edits, "done is done");
}

/// How many posts, and how many kills. The figure of the issue: `STEADFAST_RECALL=1000,20 cargo test --test recall`.
fn size() -> (usize, u64) {
    let said = std::env::var("STEADFAST_RECALL").ok();
    let pair = said.as_deref().and_then(|said| said.split_once(','));
    pair.map_or((200, 10), |(posts, kills)| {
        (posts.parse().unwrap(), kills.parse().unwrap())
    })
}

#[test]
fn whatever_the_moment_of_the_kill_each_post_is_deleted_once() {
    let (posts, kills) = size();
    let mut dice = Dice::new();
    let mastodon = Fake::start();
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        mastodon.url
    ));
    place.write("facts.toml", &facts("10-2"));
    let mut file = String::new();
    for n in 0..posts {
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\npriority = \"breaking\"\ntext = \"{n}: {{{{ fact.verdict }}}}\"\n\n"
        )
        .unwrap();
    }
    place.write("messages.toml", &file);
    assert!(place.run(&["init"]).status.success());
    let mut daemon = place.start();
    let sent = || place.json(&["status", "--format", "json"])["counts"]["sent"] == posts;
    place.wait("everything to be posted", 120, sent);
    daemon.kill();

    // So slow that a life of a moment gets through its share of them, and its end finds some under way.
    mastodon.delay(Duration::from_millis(1200 * (kills + 2) / posts as u64));
    let ask = ["recall", "verdict", "--delete", "--yes"];
    let mut under_way = 0;
    for n in 0..kills {
        let before = mastodon.store.lock().unwrap().deletions;
        // Whoever carries it out is killed: the command by itself, or the daemon beside it.
        let mut daemon = (n % 2 == 1).then(|| place.start());
        let mut asking = place
            .command(&ask)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // One in four is killed while it still reads and records.
        let early = n % 4 == 0;
        let requests = || mastodon.store.lock().unwrap().deletions;
        place.wait("a request", 60, || {
            early || requests() > before || asking.try_wait().unwrap().is_some()
        });
        std::thread::sleep(Duration::from_millis(dice.below(if early { 500 } else { 150 })));
        if let Some(daemon) = &mut daemon {
            daemon.kill();
        }
        // It may have come to its end by itself.
        drop(asking.kill());
        asking.wait().unwrap();
        let store = mastodon.store.lock().unwrap();
        under_way += u64::from(store.deletions > store.deleted.len());
    }
    assert!(under_way > 0, "no kill found anything under way");
    mastodon.delay(Duration::ZERO);
    let done = place.run(&ask);
    assert!(done.status.success(), "{}", said(&done));
    assert!(
        said(&done).contains(&format!("{posts} of {posts} posts deleted")),
        "{}",
        said(&done)
    );

    let store = mastodon.store.lock().unwrap();
    println!(
        "{posts} posts, {kills} kills, {} requests to delete",
        store.deletions
    );
    let gone: HashSet<&String> = store.deleted.iter().collect();
    assert_eq!(
        (store.accepted.len(), store.deleted.len(), gone.len()),
        (posts, posts, posts)
    );
    // Each was asked for once, but for those that a kill found under way: at most 32 at a time.
    let most = posts + usize::try_from(kills).unwrap() * 32;
    assert!(
        store.deletions <= most,
        "{} requests for {posts} posts",
        store.deletions
    );
}

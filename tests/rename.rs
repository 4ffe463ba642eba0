//! A message whose id changes is the same message, where its file says so, and is held where it looks so: the real
//! program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod program;

use std::time::Duration;

use program::fake::{Fake, Fault, now};
use program::{CAMPAIGN, Place};
use serde_json::{Value, json};

const BREAKING: &str = "priority = \"breaking\"";
/// Twenty words: one other word is 95 of a hundred.
const WORDS: &str = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
                     seventeen eighteen nineteen twenty";

fn on_mastodon(fake: &Fake, config: &str) -> Place {
    let place = Place::new(&format!(
        "{config}[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    done(&place, &["init"]);
    place
}

fn run(place: &Place, args: &[&str]) -> (i32, String) {
    let output = place.run(args);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

fn done(place: &Place, args: &[&str]) -> String {
    let (status, said) = run(place, args);
    assert_eq!(status, 0, "{args:?}\n{said}");
    said
}

fn message(id: &str, text: &str, keys: &str) -> String {
    format!("[[message]]\nid = \"{id}\"\ntext = \"{text}\"\n{keys}\n\n")
}

fn after(seconds: u64) -> String {
    format!("at = {}", now() + Duration::from_secs(seconds))
}

fn was(old: &str, keys: &str) -> String {
    format!("was = [\"{old}\"]\n{keys}")
}

fn told(place: &Place, event: &str, message: &str) -> Value {
    let find = || {
        let lines = place.events(event).into_iter();
        lines.into_iter().find(|line| line["message"] == message)
    };
    place.wait(&format!("{event} of {message}"), 20, || find().is_some());
    find().unwrap()
}

fn history(place: &Place, id: &str) -> Vec<Value> {
    let rows = place.json(&["history", "--message", id, "--format", "json"]);
    rows.as_array().unwrap().clone()
}

/// What the plan says of a message: its state, and why.
fn planned(place: &Place, id: &str) -> Option<(String, String)> {
    let plan = place.json(&["plan", "--format", "json"]);
    let row = plan
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["message"] == id)?
        .clone();
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    Some((text("state"), text("why")))
}

#[test]
fn what_was_posted_and_what_is_held_goes_with_the_new_id() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "");
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    let soon = after(12);
    place.write(
        "a.toml",
        &(message("old", "the words", BREAKING) + &message("waits", "held words", &soon)),
    );
    let mut daemon = place.start();
    place.wait("the first", 20, || fake.texts() == ["the words"]);
    done(&place, &["hold", "--message", "waits", "--why", "not yet"]);

    place.write(
        "a.toml",
        &(message("new", "the words", &was("old", BREAKING))
            + &message("goes", "held words", &was("waits", &soon))
            + &message("answers", "an answer", &format!("reply_to = \"new\"\n{BREAKING}"))),
    );
    let line = told(&place, "message.renamed", "new");
    assert_eq!((&line["from"], &line["posts"]), (&json!("old"), &json!(1)));
    assert_eq!(told(&place, "message.renamed", "goes")["holds"], 1);
    place.wait("the answer", 20, || fake.texts() == ["the words", "an answer"]);
    let sent = history(&place, "new");
    assert_eq!((sent.len(), &sent[0]["state"]), (1, &json!("sent")));
    assert_eq!(history(&place, "old"), [] as [Value; 0]);
    let recall = place.json(&["recall", "--message", "new", "--format", "json"]);
    assert_eq!(
        (recall.as_array().unwrap().len(), &recall[0]["message"]),
        (1, &json!("new"))
    );
    place.wait("the hold to count", 20, || {
        planned(&place, "goes").is_some_and(|(state, why)| state == "held" && why.contains("not yet"))
    });

    // The ledger knows, even where the file no longer says so.
    place.write(
        "a.toml",
        &(message("new", "the words", BREAKING) + &message("goes", "held words", &soon)),
    );
    daemon.kill();
    let _daemon = place.start();
    place.wait("its time", 30, || {
        history(&place, "goes").iter().any(|row| row["state"] == "due")
    });
    assert_eq!(fake.texts(), ["the words", "an answer"]);
    done(&place, &["release", "--message", "goes"]);
    place.wait("what was held", 20, || {
        fake.texts() == ["the words", "an answer", "held words"]
    });
    assert_eq!(place.events("message.renamed").len(), 2, "each is told once");
    done(&place, &["ledger", "check"]);
    place.run(&["history", "--evidence", "record"]);
    done(&place, &["history", "--verify", "record"]);
    let record = std::fs::read_to_string(place.path().join("record")).unwrap();
    assert_eq!(record.matches("\"kind\":\"renamed\"").count(), 2);
}

#[test]
fn what_waits_for_its_platform_goes_out_once_under_the_new_id() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "");
    let _daemon = place.start();
    place.wait_ready();
    let later = vec![("retry-after", "4".to_owned())];
    fake.fault(Fault::Answer(429, later, "{}".to_owned()));
    place.write("a.toml", &message("old", "the words", BREAKING));
    place.wait("the first try", 20, || {
        !place.events("account.rate_limited").is_empty()
    });
    place.write("a.toml", &message("new", "better words", &was("old", BREAKING)));
    told(&place, "message.renamed", "new");
    place.wait("it", 20, || fake.texts() == ["better words"]);
    assert_eq!(told(&place, "post.sent", "new")["account"], "mastodon");
    assert_eq!(history(&place, "new").len(), 1);
    assert_eq!(history(&place, "old").len(), 0);
}

#[test]
fn what_was_approved_under_the_old_id_is_approved_and_other_words_are_not() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "[delivery]\napproval = \"required\"\n");
    place.write(
        "a.toml",
        &(message("old", "the words", "draft = true") + &message("other", "as approved", "draft = true")),
    );
    done(&place, &["approve", "old", "other", "--as", "Ann"]);
    let new = message("new", "the words", &was("old", BREAKING));
    place.write(
        "a.toml",
        &(new + &message("edited", "not as approved", &was("other", BREAKING))),
    );
    let _daemon = place.start();
    place.wait("what is approved", 20, || fake.texts() == ["the words"]);
    let (state, why) = planned(&place, "edited").unwrap();
    assert_eq!(state, "blocked");
    assert!(why.contains("it has changed since Ann approved it"), "{why}");
    assert_eq!(fake.texts(), ["the words"]);
}

#[test]
fn a_message_that_looks_like_one_that_is_gone_is_held_until_its_file_says_which_it_is() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "");
    place.write("a.toml", &message("old", WORDS, BREAKING));
    let mut daemon = place.start();
    place.wait("the first", 20, || fake.texts() == [WORDS]);
    // Nothing is wrong while it is there.
    done(&place, &["check"]);

    let nearly = WORDS.replace("twelve", "a dozen");
    let changed = WORDS.replace("twelve", "dozen");
    place.write(
        "a.toml",
        &(message("new", &changed, BREAKING) + &message("another", &nearly, BREAKING)),
    );
    let line = told(&place, "message.lookalike", "new");
    assert_eq!(
        (&line["like"], &line["percent"], &line["level"]),
        (&json!("old"), &json!(95), &json!("WARN"))
    );
    place.wait("what is other enough", 20, || fake.texts().contains(&nearly));
    let held = |place: &Place| {
        let (state, why) = planned(place, "new").unwrap();
        assert_eq!(state, "blocked");
        assert!(why.contains("it looks like `old` under another id"), "{why}");
        let checked = done(place, &["check"]);
        assert!(
            checked.contains("warning[renamed]") && checked.contains("was = [\"old\"]"),
            "{checked}"
        );
        assert!(done(place, &["status"]).contains("it looks like `old`"));
    };
    held(&place);
    daemon.kill();
    let _daemon = place.start();
    place.wait_ready();
    held(&place);
    assert_eq!(fake.texts().len(), 2);

    // It is another one.
    let reason = "allow = { \"renamed\" = \"a dozen was meant\" }";
    place.write(
        "a.toml",
        &(message("new", &changed, &format!("{reason}\n{BREAKING}"))
            + &message("another", &nearly, BREAKING)),
    );
    place.wait("the one that is meant", 20, || fake.texts().contains(&changed));
    assert!(!done(&place, &["check"]).contains("renamed"));
    // It is the same one.
    place.write("a.toml", &message("newest", &changed, BREAKING));
    told(&place, "message.lookalike", "newest");
    place.write("a.toml", &message("newest", &changed, &was("new", BREAKING)));
    told(&place, "message.renamed", "newest");
    place.wait("the plan", 20, || planned(&place, "newest").is_none());
    std::thread::sleep(Duration::from_secs(2)); // it would be out by now
    assert_eq!(fake.texts().len(), 3);
}

#[test]
fn one_that_was_there_beside_the_other_is_no_rename() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "");
    let soon = after(9);
    let twin = WORDS.replace("twelve", "dozen");
    place.write(
        "a.toml",
        &(message("first", WORDS, &after(4)) + &message("second", &twin, &soon)),
    );
    let _daemon = place.start();
    place.wait("the first", 20, || fake.texts() == [WORDS]);
    place.write("a.toml", &message("second", &twin, &soon));
    place.wait("the second", 20, || fake.texts().len() == 2);
    assert_eq!(place.events("message.lookalike").len(), 0);
}

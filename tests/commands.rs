//! What each command says and refuses, over the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod program;

use program::{CAMPAIGN, Place};

/// Runs a command; its exit status, standard output and standard error.
fn run(place: &Place, args: &[&str]) -> (i32, String, String) {
    let output = place.run(args);
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Runs a command that must be refused with `status`, in these words.
fn refused(place: &Place, args: &[&str], status: i32, words: &[&str]) {
    let (found, out, err) = run(place, args);
    assert_eq!(found, status, "{args:?}\n{out}{err}");
    for word in words {
        assert!(err.contains(word), "{args:?} does not say {word:?}:\n{err}");
    }
}

/// Runs a command that must succeed, and gives what it says.
fn done(place: &Place, args: &[&str]) -> String {
    let (status, out, err) = run(place, args);
    assert_eq!(status, 0, "{args:?}\n{out}{err}");
    out
}

fn message(id: &str, keys: &str) -> String {
    format!("[[message]]\nid = \"{id}\"\ntext = \"words of {id}\"\n{keys}\n\n")
}

/// It waits in the queue of a campaign without slots.
const LATER: &str = "";
const BROKEN: &str = "[[message]]\nid = \"lost\"\ntext = = 3\n";

#[test]
fn a_hold_of_a_mistyped_message_is_refused_unless_a_broken_file_may_have_it() {
    let place = Place::new("");
    place.write("a.toml", &message("ten-to-two", LATER));
    let hold = |id| ["hold", "--why", "disputed", "--message", id];
    refused(
        &place,
        &hold("ten-too-two"),
        2,
        &["there is no message", "did you mean `ten-to-two`?"],
    );
    refused(&place, &hold("Ten"), 2, &["that is no name"]);
    refused(
        &place,
        &["hold", "--why", "x", "--account", "mastadon"],
        2,
        &["did you mean `mastodon`?"],
    );
    assert!(done(&place, &hold("ten-to-two")).contains("message ten-to-two is held: disputed"));

    // What was posted once can be held when its file is gone.
    place.write("b.toml", &message("gone", LATER));
    done(&place, &["post", "gone", "--to", "mastodon"]);
    std::fs::remove_file(place.path().join("messages/b.toml")).unwrap();
    assert!(!done(&place, &hold("gone")).contains("could not be checked"));

    place.write("broken.toml", BROKEN);
    assert!(!done(&place, &hold("lost")).contains("could not be checked"));
    let said = done(&place, &hold("elsewhere"));
    assert!(
        said.contains("message elsewhere is held") && said.contains("could not be checked"),
        "{said}"
    );
    std::fs::rename(place.path().join("messages"), place.path().join("away")).unwrap();
    assert!(done(&place, &hold("anything")).contains("could not be checked"));
}

#[test]
fn the_plan_has_what_cannot_be_read_and_what_expired() {
    let place = Place::new("");
    place.write("campaign.toml", &format!("{CAMPAIGN}slots = [\"09:00\"]\n"));
    place.write("broken.toml", BROKEN);
    place.write(
        "a.toml",
        &message("old", "expires = 2020-01-01\nto = [\"mastodon\"]"),
    );
    let plan = place.json(&["plan", "--format", "json"]);
    let row = |id: &str| {
        plan.as_array()
            .unwrap()
            .iter()
            .find(|row| row["message"] == id)
            .cloned()
    };
    let lost = row("lost").unwrap();
    assert_eq!(
        (&lost["account"], &lost["due"], &lost["state"]),
        (&"".into(), &serde_json::Value::Null, &"blocked".into())
    );
    assert!(lost["why"].as_str().unwrap().contains("broken.toml"), "{lost}");
    let old = row("old").unwrap();
    assert_eq!(
        (&old["state"], &old["why"]),
        (&"blocked".into(), &"it expired".into())
    );
    assert!(done(&place, &["plan"]).contains("lost"));
}

#[test]
fn post_says_what_it_will_not_post_and_what_a_post_waits_for() {
    let place = Place::new("[group]\nshort = [\"bluesky\"]");
    place.write(
        "a.toml",
        &[
            message("unready", "draft = true"),
            message("old", "expires = 2020-01-01"),
            message("good", LATER),
        ]
        .concat(),
    );
    refused(&place, &["post", "unready"], 1, &["it is a draft"]);
    refused(
        &place,
        &["post", "old"],
        1,
        &["it expired on Thu 2020-01-02 00:00 CST"],
    );
    refused(&place, &["post", "goood"], 2, &["did you mean `good`?"]);
    let both = [
        "post", "good", "--to", "mastodon", "--to", "blusky", "--to", "xyz",
    ];
    refused(
        &place,
        &both,
        2,
        &[
            "`blusky`, did you mean `bluesky`?",
            "`xyz`",
            "mastodon, bluesky, short",
        ],
    );
    assert_eq!(
        place.json(&["history", "--format", "json"]),
        serde_json::json!([])
    );

    let said = done(&place, &["post", "good", "--to", "short"]);
    let url = format!("bluesky: sent http://127.0.0.1:{}/sandbox#", place.port);
    assert!(said.contains(&url), "{said}");

    done(&place, &["hold", "--why", "the court has ruled"]);
    let (status, said, _) = run(&place, &["post", "good", "--to", "bluesky"]);
    assert_eq!(status, 1);
    assert!(
        said.contains("until it is released: everything is held: the court has ruled"),
        "{said}"
    );
    assert!(said.contains("no daemon is running"), "{said}");
    done(&place, &["release"]);
    let (_, said, _) = run(&place, &["post", "good", "--to", "bluesky"]);
    assert!(said.contains("until a daemon runs"), "{said}");

    let place = Place::new("");
    place.write("a.toml", &message("good", LATER));

    // Closed on every day that this test can run on.
    place.write(
        "campaign.toml",
        &format!("{CAMPAIGN}[[blackout]]\nfrom = 2020-01-01\nuntil = 2090-01-01\nwhy = \"a wake\"\n"),
    );
    let (status, said, err) = run(&place, &["post", "good", "--to", "mastodon"]);
    assert_eq!(status, 1, "{said}{err}");
    assert!(
        said.contains("mastodon: due until Mon 2090-01-02 00:00 CST: blackout: a wake"),
        "{said}{err}"
    );
}

#[test]
fn status_and_history_can_be_read_and_copied() {
    let place = Place::new("");
    place.write("a.toml", &message("good", LATER));
    assert!(done(&place, &["check"]).contains("no problems in 1 message\n"));
    refused(&place, &["release"], 1, &["nothing is held"]);
    done(&place, &["hold", "--why", "figure disputed", "--message", "good"]);
    refused(
        &place,
        &["release"],
        1,
        &["everything is not held; what is: message good (figure disputed)"],
    );
    let status = place.json(&["status", "--format", "json"]);
    let hold = &status["holds"][0];
    assert_eq!(
        (&hold["scope"], &hold["target"], &hold["why"]),
        (&"message".into(), &"good".into(), &"figure disputed".into())
    );
    assert_eq!(status["hold"], serde_json::Value::Null);
    let shown = done(&place, &["status"]);
    assert!(shown.contains("message good is held since "), "{shown}");
    assert!(shown.contains(": 1 message, 0 problems\n"), "{shown}");

    let place = Place::new("");
    place.write("a.toml", &message("a-message-with-a-rather-long-name", LATER));
    done(&place, &["post", "a-message-with-a-rather-long-name"]);
    let row = place.json(&["history", "--format", "json"])[0].clone();
    let url = row["parts"][0]["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!("http://127.0.0.1:{}/sandbox#", place.port)),
        "{url}"
    );
    let narrow = place.command(&["history"]).env("COLUMNS", "60").output().unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    for whole in [
        url,
        row["post"].as_str().unwrap(),
        "a-message-with-a-rather-long-name",
    ] {
        assert!(narrow.contains(whole), "{whole} is broken:\n{narrow}");
    }
}

#[test]
fn a_preview_measures_what_readers_see() {
    let place = Place::new("");
    place.write(
        "a.toml",
        &[
            message("link", "link = \"https://example.org/a\""),
            message(
                "share",
                "share = \"https://mastodon.social/@a/1\"\nto = [\"mastodon\"]",
            )
            .replace("text", "#text"),
        ]
        .concat(),
    );
    let rows = place.json(&["preview", "link", "--format", "json"]);
    let part = |n: usize| rows[n]["parts"][0].clone();
    assert_eq!(part(0)["text"], "words of link\n\nhttps://example.org/a");
    assert_eq!(
        part(0)["length"],
        "words of link\n\n".len() + 23,
        "as Mastodon counts links"
    );
    assert_eq!(part(1)["text"], "words of link", "Bluesky shows it as a card");
    let shown = done(&place, &["preview", "link"]);
    assert!(shown.contains("card https://example.org/a"), "{shown}");
    let shown = done(&place, &["preview", "share"]);
    assert!(
        shown.contains("shares https://mastodon.social/@a/1") && !shown.contains('['),
        "{shown}"
    );
}

#[test]
fn a_command_in_the_wrong_folder_says_where_to_run_it() {
    let place = Place::new("");
    std::fs::remove_dir_all(place.path().join("messages")).unwrap();
    refused(
        &place,
        &["check"],
        1,
        &["run steadfast in the folder that holds `messages` and `config`"],
    );
    let (_, help, _) = run(&place, &["--help"]);
    assert!(
        help.contains("\n  78  the ledger is missing or can't be used\n"),
        "{help}"
    );
}

#[test]
fn check_looks_ahead_in_the_plan_and_at_what_was_posted() {
    let place = Place::new("");
    let slots = format!("{CAMPAIGN}slots = [\"0 * * * *\"]\n");
    place.write("campaign.toml", &slots);
    place.write("a.toml", &message("good", ""));
    let (status, said, err) = run(&place, &["check"]);
    assert_eq!(status, 0, "{said}{err}");
    assert!(said.contains("warning[queue-runs-dry]"), "{said}");
    assert!(
        said.contains("nothing left to say on `mastodon` and `bluesky`"),
        "{said}"
    );
    let found = place.json(&["check", "--format", "json"]);
    assert_eq!(found[0]["code"], "queue-runs-dry");
    assert_eq!(found[0]["file"], "campaign.toml");

    place.write(
        "campaign.toml",
        &format!("{slots}allow = {{ \"queue-runs-dry\" = \"it ends today\" }}\n"),
    );
    assert!(done(&place, &["check"]).contains("no problems in 1 message\n"));

    // A ledger that cannot be read leaves the files to be checked.
    place.write("campaign.toml", &slots);
    std::fs::create_dir(place.path().join("state")).unwrap();
    std::fs::write(
        place.ledger(),
        "no ledger at all, but long enough to be looked at ".repeat(100),
    )
    .unwrap();
    let (status, said, err) = run(&place, &["check"]);
    assert_eq!(status, 0, "{said}{err}");
    assert!(said.contains("no problems in 1 message"), "{said}");
    assert!(
        err.contains("whether the queue runs dry, or a message was renamed, is not known"),
        "{err}"
    );
}

#[test]
fn what_the_plan_has_to_be_warned_of_is_in_the_status_and_said_once_in_the_log() {
    let place = Place::new("");
    place.write("campaign.toml", &format!("{CAMPAIGN}slots = [\"0 * * * *\"]\n"));
    place.write("a.toml", &message("good", ""));
    let _daemon = place.start();
    place.wait_ready();
    place.wait("what lies ahead", 20, || {
        !place.events("campaign.ahead").is_empty()
    });
    let told = place.events("campaign.ahead");
    assert_eq!(told[0]["code"], "queue-runs-dry");
    assert_eq!(told[0]["file"], "campaign.toml");
    let status = place.json(&["status", "--format", "json"]);
    assert_eq!(status["ahead"][0]["code"], "queue-runs-dry");
    assert!(done(&place, &["status"]).contains("warning[queue-runs-dry]: the queue runs dry: on "));

    // The same again is not said again; what is new is.
    let soon = program::fake::now() + jiff::SignedDuration::from_hours(48);
    let at = |minute: i64| {
        let at = soon + jiff::SignedDuration::from_mins(minute);
        format!("[[message]]\nid = \"m{minute}\"\ntext = \"the same\"\nto = [\"mastodon\"]\nat = {at}\n")
    };
    place.write("c.toml", &(at(0) + &at(30)));
    let again = |line: &serde_json::Value| line["code"] == "twice-in-an-hour";
    place.wait("the second warning", 20, || {
        place.events("campaign.ahead").iter().any(again)
    });
    let mut lines: Vec<String> = place
        .events("campaign.ahead")
        .iter()
        .map(|line| line["text"].to_string())
        .collect();
    let count = lines.len();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), count, "{lines:?}");
}

#[test]
fn preview_shows_many_messages_in_the_order_of_the_files() {
    let place = Place::new("");
    let ids: Vec<String> = (0..170).map(|n| format!("m{n}")).collect();
    place.write(
        "a.toml",
        &ids.iter().map(|id| message(id, "")).collect::<String>(),
    );
    let rows = place.json(&["preview", "--format", "json"]);
    let shown: Vec<(&str, &str)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["message"].as_str().unwrap(), row["account"].as_str().unwrap()))
        .collect();
    let accounts = ["mastodon", "bluesky"];
    let wanted: Vec<(&str, &str)> = ids
        .iter()
        .flat_map(|id| accounts.map(|account| (&**id, account)))
        .collect();
    assert_eq!(shown, wanted);
}

#[test]
fn man_prints_one_page_or_writes_those_of_all_commands() {
    let place = Place::new("");
    let page = done(&place, &["man"]);
    assert!(
        page.contains(".TH steadfast 1") && page.contains("Exit status"),
        "{page}"
    );
    done(&place, &["man", "--folder", "made/here"]);
    let written = |name: &str| std::fs::read_to_string(place.path().join("made/here").join(name)).unwrap();
    assert!(written("steadfast.1").contains("hold"));
    assert!(written("steadfast-hold.1").contains("until released"));
    assert!(written("steadfast-ledger-backup.1").contains("FILE"));
    refused(
        &place,
        &["man", "--folder", "config/local.toml"],
        1,
        &["config/local.toml"],
    );
}

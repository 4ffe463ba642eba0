#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
//! How the public answered, by the real program: asked for when a post is old enough, kept, and shown.

mod program;

use program::Place;
use program::fake::Fake;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

fn on_mastodon(fake: &Fake, more: &str) -> Place {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n{more}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    place
}

/// Lets some time pass between what was sent and now.
fn age(place: &Place, seconds: i64) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let at = SqliteConnectOptions::new().filename(place.ledger());
        let mut ledger = SqliteConnection::connect_with(&at).await.unwrap();
        let older = sqlx::query("UPDATE post SET sent = sent - ?1, due = due - ?1").bind(seconds * 1_000_000);
        older.execute(&mut ledger).await.unwrap();
        ledger.close().await.unwrap();
    });
}

/// Two messages that are out, an hour and a half ago.
fn two_posts(place: &Place) {
    let message =
        |id: &str| format!("[[message]]\nid = \"{id}\"\ntext = \"{id}\"\npriority = \"breaking\"\n");
    place.write("m.toml", &(message("one") + &message("two")));
    let mut daemon = place.start();
    place.wait_ready();
    place.wait("both posts", 20, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == 2
    });
    daemon.kill();
    assert_eq!(
        place.json(&["insights", "--format", "json"]),
        serde_json::json!([])
    );
    age(place, 90 * 60);
}

#[test]
fn what_the_public_made_of_a_post_is_asked_for_and_shown() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "");
    two_posts(&place);
    let _daemon = place.start();
    place.wait("the answer", 20, || {
        place
            .json(&["insights", "--format", "json"])
            .as_array()
            .is_some_and(|all| all.len() == 2)
    });
    let all = place.json(&["insights", "--format", "json"]);
    let of = |message: &str| {
        let found = all
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["message"] == message);
        found.unwrap().clone()
    };
    let accepted = fake.texts();
    for (nth, message) in accepted.iter().enumerate() {
        let row = of(message);
        assert_eq!(row["likes"], nth + 1, "{row}");
        assert_eq!((&row["shares"], &row["replies"]), (&0.into(), &2.into()), "{row}");
        assert!(
            row["views"].is_null() && row["quotes"].is_null(),
            "not counted is not nought: {row}"
        );
        assert_eq!(row["readings"].as_array().unwrap().len(), 1, "{row}");
    }
    let csv = String::from_utf8(place.run(&["insights", "--format", "csv"]).stdout).unwrap();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("post,message,account,platform,sent_at,url,likes,shares,replies,quotes,views,as_of")
    );
    assert_eq!(lines.count(), 2, "{csv}");
    let table = String::from_utf8(place.run(&["insights"]).stdout).unwrap();
    assert!(
        table.contains("one") && table.contains("https://fake/@test/"),
        "{table}"
    );
    let later = place.json(&["insights", "--since", "2199-01-01", "--format", "json"]);
    assert_eq!(later, serde_json::json!([]));
}

#[test]
fn an_account_that_is_not_to_be_asked_is_not_asked() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "engagement = false");
    two_posts(&place);
    let mut daemon = place.start();
    // The round is made right at the start; what is due then is sent after it began.
    place.write(
        "n.toml",
        "[[message]]\nid = \"three\"\ntext = \"three\"\npriority = \"breaking\"\n",
    );
    place.wait("the third", 20, || fake.texts().len() == 3);
    assert_eq!(
        place.json(&["insights", "--format", "json"]),
        serde_json::json!([])
    );
    daemon.kill();
}

#[test]
fn a_report_is_one_file_that_needs_nothing_else() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, "");
    place.write(
        "facts.toml",
        "[fact.old]\nvalue = \"<b>10-2</b>\"\nsource = \"https://court.example/record\"\nreview_by = 2020-01-01\n",
    );
    two_posts(&place);
    place.write(
        "n.toml",
        "[[message]]\nid = \"wrong-fact\"\ntext = \"{{ fact.old }}\"\ncron = \"0 9 * * *\"\n\n\
         [[message]]\nid = \"daily\"\ntext = \"Every day.\"\ncron = \"0 10 * * *\"\n",
    );
    let _daemon = place.start();
    place.wait("the answer", 20, || {
        place
            .json(&["insights", "--format", "json"])
            .as_array()
            .is_some_and(|all| all.len() == 2)
    });
    assert!(
        place
            .run(&["hold", "--message", "one", "--why", "a court date"])
            .status
            .success()
    );
    assert!(place.run(&["release", "--message", "one"]).status.success());
    let done = place.run(&["insights", "--report", "week.html"]);
    assert!(done.status.success(), "{done:?}");
    let html = std::fs::read_to_string(place.path().join("week.html")).unwrap();
    for said in [
        "https://fake/@test/",        // what was posted, with its address
        "data:image/svg+xml;base64,", // and how the public answered
        "a court date",               // what was held, though it is no longer
        "&#60;b&#62;10-2",            // the fact to check
        "overdue",
        "daily",    // what comes
        "Nothing.", // and nothing failed
    ] {
        assert!(html.contains(said), "{said} in {html}");
    }
    // Nothing is loaded from anywhere, and nothing runs.
    for loaded in [
        "<script",
        "<link",
        "src=\"http",
        "url(",
        "@import",
        "<iframe",
        "srcset",
    ] {
        assert!(!html.contains(loaded), "{loaded} in {html}");
    }
    let links = html.matches("href=\"http").count();
    assert_eq!(
        links,
        html.matches("http").count() - html.matches(">http").count(),
        "only links: {html}"
    );

    let before = place.run(&["insights", "--report", "-", "--from", "2020-01-01", "--days", "2"]);
    let before = String::from_utf8(before.stdout).unwrap();
    assert!(
        before.contains("Wed 1 Jan 2020") && before.contains("Thu 2 Jan 2020"),
        "{before}"
    );
    assert!(!before.contains("fake/@test"), "{before}");
    let wrong = place.run(&["insights", "--days", "3"]);
    assert_eq!(wrong.status.code(), Some(2));
}

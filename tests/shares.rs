#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
//! Shares of allies' posts, by the real program: each is what it was when it was queued, or a person decides.

mod program;

use std::time::Duration;

use program::Place;
use program::fake::{Fake, now};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use steadfast::post::digest::Digest;

const URL: &str = "https://ally.example/@ann/7";

fn on_mastodon(fake: &Fake) -> Place {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    place
}

/// A share of `url`, so many seconds from now.
fn share_at(id: &str, url: &str, seconds: u64) -> String {
    let at = now() + Duration::from_secs(seconds);
    format!("[[message]]\nid = \"{id}\"\nshare = \"{url}\"\nat = {at}\n")
}

/// The posts of a message: state and reason.
fn posts(place: &Place, message: &str) -> Vec<(String, String)> {
    let posts = place.json(&["history", "--message", message, "--format", "json"]);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = posts.as_array().unwrap().iter();
    all.map(|post| (text(&post["state"]), text(&post["why"])))
        .collect()
}

fn is(place: &Place, message: &str, state: &str) -> bool {
    posts(place, message).first().is_some_and(|(is, _)| is == state)
}

fn id_of(place: &Place, message: &str) -> String {
    let posts = place.json(&["history", "--message", message, "--format", "json"]);
    posts[0]["post"].as_str().unwrap().to_owned()
}

fn read(place: &Place, messages: usize) {
    place.wait("the first look", 20, || {
        place.events("share.read").len() == messages
    });
}

#[test]
fn what_an_ally_edited_since_it_was_queued_waits_for_a_person_who_has_seen_it() {
    let fake = Fake::start();
    fake.ally_says(URL, "77", "Ten to two.");
    let place = on_mastodon(&fake);
    place.write("m.toml", &share_at("m", URL, 4));
    let _daemon = place.start();
    read(&place, 1);
    fake.ally_says(URL, "77", "Buy our coins.");
    place.wait("the hold", 20, || is(&place, "m", "held"));
    let why = posts(&place, "m")[0].1.clone();
    assert!(why.starts_with("the post it shares has changed since "), "{why}");
    assert!(
        why.contains(URL) && why.contains("`retry`") && why.contains("`skip`"),
        "{why}"
    );
    let plan = place.json(&["plan", "--format", "json"]);
    assert_eq!(
        (&plan[0]["state"], &plan[0]["why"]),
        (&"held".into(), &why.as_str().into())
    );

    // It is changed once more before the person says so: that they have not seen.
    fake.ally_says(URL, "77", "Buy more of our coins.");
    let id = id_of(&place, "m");
    assert!(place.run(&["retry", &id]).status.success());
    place.wait("the second hold", 20, || place.events("post.held").len() == 2);
    assert!(fake.texts().is_empty());
    // Now they have.
    place.wait("the hold", 20, || is(&place, "m", "held"));
    assert!(place.run(&["retry", &id]).status.success());
    place.wait("the boost", 20, || is(&place, "m", "sent"));
    assert_eq!(fake.texts(), ["Buy more of our coins."]);
}

#[test]
fn a_repost_waits_for_a_person_too() {
    let fake = Fake::start();
    let uri = "at://did:plc:ally/app.bsky.feed.post/3l";
    fake.ally_says(uri, "x", "Ten to two.");
    let place = Place::new(&format!(
        "[account.bluesky]\nplatform = \"bluesky\"\nbase_url = \"{}\"\nidentifier = \"test.example\"\napp_password = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    assert!(place.run(&["init"]).status.success());
    let url = "https://bsky.app/profile/did:plc:ally/post/3l";
    place.write("m.toml", &share_at("m", url, 4));
    let _daemon = place.start();
    read(&place, 1);
    fake.ally_says(uri, "x", "Ten to two, he said.");
    place.wait("the hold", 20, || is(&place, "m", "held"));
    assert!(
        posts(&place, "m")[0]
            .1
            .starts_with("the post it shares has changed since ")
    );
    assert!(place.run(&["retry", &id_of(&place, "m")]).status.success());
    place.wait("the repost", 20, || is(&place, "m", "sent"));
    assert_eq!(fake.texts(), ["bafyx20"]);
}

#[test]
fn what_could_not_be_read_since_it_was_queued_waits_for_a_person() {
    let fake = Fake::start();
    fake.ally_says(URL, "77", "Ten to two.");
    fake.store.lock().unwrap().blind = true;
    let place = on_mastodon(&fake);
    // As an earlier life of the daemon has left it.
    let key = format!("share m mastodon {}", Digest::of(URL.as_bytes()).short());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let at = SqliteConnectOptions::new().filename(place.ledger());
        let mut ledger = SqliteConnection::connect_with(&at).await.unwrap();
        let note = sqlx::query("INSERT INTO meta (key, value) VALUES (?1, ?2)");
        let note = note.bind(key).bind(r#"{"since":"2026-01-02T03:04:05Z"}"#);
        note.execute(&mut ledger).await.unwrap();
        ledger.close().await.unwrap();
    });
    place.write("m.toml", &share_at("m", URL, 2));
    let _daemon = place.start();
    place.wait("a try", 20, || is(&place, "m", "retrying"));
    fake.store.lock().unwrap().blind = false;
    place.wait("the hold", 30, || is(&place, "m", "held"));
    let why = posts(&place, "m")[0].1.clone();
    let begins = "the post it shares could not be read since it was queued, 2026-01-02 03:04 (UTC)";
    assert!(why.starts_with(begins), "{why}");
    assert!(fake.texts().is_empty());
    assert!(place.run(&["retry", &id_of(&place, "m")]).status.success());
    place.wait("the boost", 20, || is(&place, "m", "sent"));
    assert_eq!(fake.texts(), ["Ten to two."]);
}

#[test]
fn what_an_ally_deleted_is_not_shared_until_it_is_back() {
    let fake = Fake::start();
    fake.ally_says(URL, "77", "Ten to two.");
    let place = on_mastodon(&fake);
    place.write("m.toml", &share_at("m", URL, 4));
    let _daemon = place.start();
    read(&place, 1);
    fake.ally_deletes(URL);
    place.wait("the hold", 20, || is(&place, "m", "held"));
    let why = posts(&place, "m")[0].1.clone();
    assert!(
        why.starts_with(&format!("the post it shares is gone: {URL}")),
        "{why}"
    );
    fake.ally_says(URL, "77", "Ten to two.");
    assert!(place.run(&["retry", &id_of(&place, "m")]).status.success());
    place.wait("the boost", 20, || is(&place, "m", "sent"));
    assert_eq!(fake.texts(), ["Ten to two."]);
}

#[test]
fn while_an_allys_post_cant_be_read_nothing_goes_out_and_then_it_does_once() {
    let fake = Fake::start();
    fake.ally_says(URL, "77", "Ten to two.");
    fake.store.lock().unwrap().blind = true;
    let place = on_mastodon(&fake);
    place.write("m.toml", &share_at("m", URL, 3));
    let _daemon = place.start();
    place.wait("a try", 20, || is(&place, "m", "retrying"));
    assert_eq!(place.events("share.unread").len(), 1);
    assert!(fake.texts().is_empty());
    fake.store.lock().unwrap().blind = false;
    place.wait("the boost", 30, || is(&place, "m", "sent"));
    assert_eq!(fake.texts(), ["Ten to two."]);
}

#[test]
fn a_share_that_a_person_asks_for_now_is_what_it_is_now() {
    let fake = Fake::start();
    fake.ally_says(URL, "77", "Ten to two.");
    let place = on_mastodon(&fake);
    place.write("m.toml", &share_at("m", URL, 9000));
    let done = place.run(&["post", "m"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!(fake.texts(), ["Ten to two."]);
}

#[test]
fn a_queue_of_shares_takes_the_slots_one_by_one_each_once() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    let campaign = program::CAMPAIGN.to_owned() + "slots = [\"*/30 9-17 * * *\"]\n";
    place.write("campaign.toml", &campaign);
    let mut shares = String::new();
    for n in 1..=4 {
        let url = format!("https://ally.example/@ann/{n}");
        shares.extend([
            "[[message]]\nid = \"ally-",
            &n.to_string(),
            "\"\nshare = \"",
            &url,
            "\"\n",
        ]);
    }
    place.write("zz-allies.toml", &shares);
    place.write(
        "own.toml",
        "[[message]]\nid = \"own\"\ntext = \"Our own words come first.\"\n",
    );
    let plan = place.json(&["plan", "--days", "3", "--format", "json"]);
    let planned: Vec<&str> = plan
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["message"].as_str().unwrap())
        .collect();
    assert_eq!(planned, ["own", "ally-1", "ally-2", "ally-3", "ally-4"]);
    let due: Vec<jiff::Timestamp> = plan
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["due"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(
        due.windows(2)
            .all(|pair| pair[1].duration_since(pair[0]).as_mins() >= 30),
        "{due:?}"
    );
}

/// Variants, as the program shows and says them.
#[test]
fn each_variant_is_previewed_and_an_account_says_another_each_time() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write(
        "m.toml",
        "[[message]]\nid = \"m\"\nevergreen = true\ntexts = [\"Ten to two.\", \"Two of twelve were not convinced.\"]\n",
    );
    place.write(
        "campaign.toml",
        &(program::CAMPAIGN.to_owned() + "slots = [\"0 9 * * *\"]\n"),
    );
    let variants = || -> Vec<u64> {
        let plan = place.json(&["plan", "--days", "3", "--format", "json"]);
        let rows = plan.as_array().unwrap().iter();
        rows.map(|row| row["variant"].as_u64().unwrap()).collect()
    };
    assert_eq!(variants()[..2], [1, 2]);
    let preview = place.json(&["preview", "m", "--format", "json"]);
    let shown: Vec<(u64, &str)> = preview
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["variant"].as_u64().unwrap(),
                row["parts"][0]["text"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [(1, "Ten to two."), (2, "Two of twelve were not convinced.")]
    );
    for _ in 0..3 {
        assert!(place.run(&["post", "m"]).status.success());
    }
    assert_eq!(
        fake.texts(),
        ["Ten to two.", "Two of twelve were not convinced.", "Ten to two."]
    );
    // The last one was said by hand, and the plan knows it.
    assert_eq!(variants()[..2], [2, 1]);
}

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
//! What posts cost and what a budget holds, by the real program: a sandbox that reckons as X does.

mod program;

use std::time::Duration;

use program::Place;
use program::fake::now;

fn dear(budget: &str) -> Place {
    Place::new(&format!(
        "[account.x]\nplatform = \"sandbox\"\nlike = \"x\"\n{budget}\n"
    ))
}

/// A message, so many seconds from now.
fn at(id: &str, text: &str, seconds: u64) -> String {
    let at = now() + Duration::from_secs(seconds);
    format!("[[message]]\nid = \"{id}\"\ntext = \"{text}\"\nat = {at}\n")
}

/// State and reason of a message's post.
fn post(place: &Place, message: &str) -> (String, String) {
    let posts = place.json(&["history", "--message", message, "--format", "json"]);
    let text = |key: &str| posts[0][key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("why"))
}

#[test]
fn what_goes_beyond_the_budget_is_held_until_a_person_sends_it_all_the_same() {
    let place = dear("budget = \"0.22 USD/month\"");
    let texts = [
        ("a", "Ten to two."),
        ("b", "See example.org."),
        ("c", "Ten past two."),
    ];
    let messages: Vec<String> = (5..)
        .zip(texts)
        .map(|(seconds, (id, text))| at(id, text, seconds))
        .collect();
    place.write("m.toml", &messages.concat());

    let plan = place.json(&["plan", "--format", "json"]);
    let rows: Vec<_> = plan.as_array().unwrap().iter().collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row["state"].as_str().unwrap(), row["cost_usd"].as_f64().unwrap()))
        .collect();
    assert_eq!(told, [("planned", 0.015), ("planned", 0.2), ("held", 0.015)]);
    let why = rows[2]["why"].as_str().unwrap();
    assert!(why.starts_with("budget: "), "{why}");

    let _daemon = place.start();
    place.wait_ready();
    place.wait("the end of all three", 20, || {
        post(&place, "b").0 == "sent" && post(&place, "c").0 == "held"
    });
    assert_eq!(post(&place, "a").0, "sent");
    let (_, why) = post(&place, "c");
    assert!(
        why.contains("it costs 0.015 USD") && why.contains("0.215 USD") && why.contains("0.22 USD"),
        "{why}"
    );
    let status = place.json(&["status", "--format", "json"]);
    let cost = &status["accounts"][0]["cost"];
    assert_eq!(
        (cost["spent_usd"].as_f64(), cost["budget_usd"].as_f64()),
        (Some(0.215), Some(0.22))
    );

    let posts = place.json(&["history", "--message", "c", "--format", "json"]);
    let id = posts[0]["post"].as_str().unwrap();
    assert!(place.run(&["retry", id]).status.success());
    place.wait("the third", 20, || post(&place, "c").0 == "sent");
    let status = place.json(&["status", "--format", "json"]);
    assert_eq!(status["accounts"][0]["cost"]["spent_usd"].as_f64(), Some(0.23));
}

#[test]
fn plan_and_status_say_what_the_coming_month_costs() {
    let place = dear("budget = \"0.30 USD/month\"\nprices = { with_link = \"0.25 USD\" }");
    // Of one month, whatever day it is: the next two minutes.
    let messages = [at("a", "See example.org.", 100), at("b", "See example.com.", 101)];
    place.write("m.toml", &messages.concat());
    let said = "x: 0.00 USD spent this month, 0.50 USD planned for the coming 30 days; the budget is 0.30 USD a month, so 1 post will be held";
    for command in ["plan", "status"] {
        let output = place.run(&[command]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().any(|line| line == said), "{command}: {text}");
    }
    let status = place.json(&["status", "--format", "json"]);
    assert_eq!(
        status["accounts"][0]["cost"],
        serde_json::json!({"spent_usd": 0.0, "coming_usd": 0.5, "budget_usd": 0.3, "over": 1})
    );
}

#[test]
fn nothing_is_said_of_money_where_nothing_is_charged() {
    let place = Place::new("[account.m]\nplatform = \"sandbox\"\nlike = \"mastodon\"\n");
    place.write("m.toml", &at("a", "Ten to two.", 100));
    let plan = place.json(&["plan", "--format", "json"]);
    assert!(plan[0].get("cost_usd").is_none(), "{plan}");
    let status = place.json(&["status", "--format", "json"]);
    assert!(status["accounts"][0]["cost"].is_null(), "{status}");
    let output = place.run(&["plan"]);
    assert!(!String::from_utf8(output.stdout).unwrap().contains("USD"));
}

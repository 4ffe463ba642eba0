//! Files in, warnings out, at noon of Monday, 23 November 2026 in Chicago.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::calendar::past::Past;
use crate::campaign::assemble::assemble;
use crate::campaign::outside::{Media, MediaProblem};
use crate::campaign::read::read;
use crate::campaign::{Account, Roster};
use crate::post::identity::{Identity, Occurrence};
use crate::text::limits::{MASTODON, WEBHOOK};

struct File(String);

impl Outside for File {
    fn media(&self, _: &str) -> Result<Media, MediaProblem> {
        unreachable!("no message has an image")
    }

    fn card(&self, _: &crate::post::card::Card) -> Result<(), MediaProblem> {
        unreachable!("no message has a card")
    }

    fn text(&self, _: &str) -> Option<Arc<str>> {
        Some(self.0.as_str().into())
    }
}

fn account(name: &str, platform: &'static str) -> Account {
    Account {
        name: name.parse().unwrap(),
        platform,
        like: platform,
        limits: Arc::new(if platform == "mastodon" { MASTODON } else { WEBHOOK }),
        language: None,
        untranslated: crate::campaign::Untranslated::default(),
        min_gap: Duration::ZERO,
        max_per_day: None,
        charge: None,
    }
}

/// What is warned of, as `code line: message`; `sent` are queued messages that went out on `one`.
fn warned(settings: &str, messages: &str, accounts: &[(&str, &'static str)], sent: &[&str]) -> Vec<String> {
    let settings = format!(
        "[campaign]\nid = 'c'\nname = 'C'\ntimezone = 'America/Chicago'\nlanguage = 'en'\n{settings}\n"
    );
    let file = File(settings + messages);
    let roster = Roster {
        accounts: accounts
            .iter()
            .map(|(name, platform)| account(name, platform))
            .collect(),
        ..Roster::default()
    };
    let now = "2026-11-23T18:00:00Z".parse().unwrap();
    let read = Arc::new(read("all.toml", file.0.as_bytes()));
    let campaign = assemble(&[read], &roster, now, &file).campaign.unwrap();
    let recorded = sent.iter().map(|id| {
        let identity = Identity {
            campaign: "c".parse().unwrap(),
            message: id.parse().unwrap(),
            account: accounts[0].0.parse().unwrap(),
            occurrence: Occurrence::once(),
        };
        identity.post_id()
    });
    let past = Past {
        recorded: recorded.collect(),
        ..Past::default()
    };
    let view = View {
        campaign: &campaign,
        roster: &roster,
        past: &past,
        late: Duration::from_hours(2),
    };
    let found = outlook(&view, now, &file).into_iter();
    found
        .map(|problem| {
            let place = &problem.place;
            let marked = place
                .text
                .chars()
                .skip(place.column as usize - 1)
                .take(place.length as usize);
            format!(
                "{} at `{}`: {}",
                problem.code,
                marked.collect::<String>(),
                problem.message
            )
        })
        .collect()
}

fn queued(ids: &[&str]) -> String {
    let one = |id: &&str| format!("[[message]]\nid = '{id}'\ntext = 'This is {id}.'\n");
    ids.iter().map(one).collect()
}

const DAILY: &str = "slots = ['0 9 * * *']";
const ONE: &[(&str, &str)] = &[("one", "sandbox")];

#[test]
fn a_queue_that_ends_within_two_weeks_is_warned_of_with_the_day() {
    let said = warned(DAILY, &queued(&["a", "b"]), ONE, &[]);
    assert_eq!(
        said,
        [
            "queue-runs-dry at `slots`: the queue runs dry: on 2026-11-26 there is a slot and nothing left to say on `one`"
        ]
    );
    // What went out is no longer in the queue.
    let said = warned(DAILY, &queued(&["a", "b"]), ONE, &["a"]);
    assert!(said[0].contains("2026-11-25"), "{said:?}");
}

#[test]
fn each_account_has_a_queue_of_its_own() {
    let messages = queued(&["a", "b"]) + "to = ['one']\n";
    let said = warned(DAILY, &messages, &[("one", "sandbox"), ("two", "sandbox")], &[]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].contains("2026-11-25") && said[0].ends_with("on `two`"),
        "{said:?}"
    );
    assert!(
        said[1].contains("2026-11-26") && said[1].ends_with("on `one`"),
        "{said:?}"
    );
    // Who never had a queue has none that runs dry.
    let messages = queued(&["a"]) + "to = ['one']\n";
    let said = warned(DAILY, &messages, &[("one", "sandbox"), ("two", "sandbox")], &[]);
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn a_queue_that_lasts_or_has_an_evergreen_or_is_allowed_to_end_is_no_warning() {
    let many: Vec<String> = (0..14).map(|n| format!("m{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(warned(DAILY, &queued(&many), ONE, &[]).is_empty());
    let evergreen = queued(&["a", "e"]) + "evergreen = true\n";
    assert!(warned(DAILY, &evergreen, ONE, &[]).is_empty());
    let allowed = "slots = ['0 9 * * *']\nallow = { 'queue-runs-dry' = 'it ends in November' }";
    assert!(warned(allowed, &queued(&["a"]), ONE, &[]).is_empty());
    let dated = "[[message]]\nid = 'a'\ntext = 'A.'\nat = 2026-11-25T09:00:00\n";
    assert!(warned(DAILY, dated, ONE, &[]).is_empty(), "nothing is queued");
    assert!(
        warned("", &queued(&["a"]), ONE, &[]).is_empty(),
        "there are no slots"
    );
}

#[test]
fn the_same_words_twice_in_an_hour_are_warned_of() {
    let at = |id: &str, time: &str, text: &str| {
        format!("[[message]]\nid = '{id}'\nat = 2026-11-25T{time}:00\ntext = '{text}'\n")
    };
    let fact = "[fact.verdict]\nvalue = '10-2'\nsource = 'https://example.org'\n";
    let twice = |second: &str, text: &str| at("a", "09:00", "It was 10-2.") + &at("b", second, text) + fact;
    // Not as they are written, but as they are said.
    let said = warned("", &twice("09:59", "It was {{ fact.verdict }}."), ONE, &[]);
    assert_eq!(
        said,
        [
            "twice-in-an-hour at `[[message]]`: the same words go out at 2026-11-25 09:00 (`a`) and at 2026-11-25 09:59 (`b`)"
        ]
    );
    assert!(warned("", &twice("10:00", "It was {{ fact.verdict }}."), ONE, &[]).is_empty());
    assert!(warned("", &twice("09:59", "It was not {{ fact.verdict }}."), ONE, &[]).is_empty());
    let allowed = twice("09:59", "It was {{ fact.verdict }}.").replace(fact, "");
    let allowed = allowed + "allow = { 'twice-in-an-hour' = 'the court speaks twice' }\n" + fact;
    assert!(warned("", &allowed, ONE, &[]).is_empty());
}

#[test]
fn a_rule_that_comes_round_every_half_hour_says_the_same_again() {
    let often = "[[message]]\nid = 'a'\ncron = '*/30 * * * *'\ntext = 'Now.'\n";
    let said = warned("", often, ONE, &[]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("12:00 (`a`) and at 2026-11-23 12:30 (`a`)"),
        "{said:?}"
    );
}

#[test]
fn two_accounts_of_one_platform_are_one_place_and_sandboxes_are_not() {
    let split = "[[message]]\nid = 'a'\nat = 2026-11-25T09:00:00\ntext = 'Now.'\nto = ['one']\n\
                 [[message]]\nid = 'b'\nat = 2026-11-25T09:30:00\ntext = 'Now.'\nto = ['two']\n";
    let both = |platform| [("one", platform), ("two", platform)];
    assert_eq!(warned("", split, &both("mastodon"), &[]).len(), 1);
    assert!(warned("", split, &both("sandbox"), &[]).is_empty());
    // One message on both is said by `same-text`.
    let one = "[[message]]\nid = 'a'\nat = 2026-11-25T09:00:00\ntext = 'Now.'\n";
    assert!(warned("", one, &both("mastodon"), &[]).is_empty());
}

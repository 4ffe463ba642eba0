//! The message files as a whole: reliability's F cases, what accounts say, and what is not done again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use steadfast::calendar::past::Past;
use steadfast::calendar::plan::vanished::{Vanished, may_have_vanished, vanished};
use steadfast::campaign::assemble::assemble;
use steadfast::campaign::codes::CODES;
use steadfast::campaign::message::{Local, Message, When};
use steadfast::campaign::outside::{Media, MediaProblem, Outside};
use steadfast::campaign::problem::{Problem, Severity};
use steadfast::campaign::read::{FileRead, read};
use steadfast::campaign::render::{RenderProblem, left_out, render, words_for};
use steadfast::campaign::{Account, AfterHold, Campaign, Roster, Untranslated};
use steadfast::post::card::Card;
use steadfast::post::content::Content;
use steadfast::post::identity::{AccountName, Identity, Occurrence};
use steadfast::text::limits::{self, DISCORD, Limits, X};

mod support;
use support::{World, account, bluesky, inside, mastodon, now, roster, telegram, webhook};

const SETTINGS: &str = "[campaign]\nid = \"c\"\nname = \"The Cause\"\ntimezone = \"America/Chicago\"\n\
                        hashtags = [\"One\", \"Two\"]\n";

/// The design's example, read.
fn design() -> Campaign {
    World::of([("campaign.toml", include_str!("cases/design/campaign.toml"))])
        .assemble()
        .campaign
        .unwrap()
}

/// A campaign of one message with `body`.
fn one(body: &str) -> Campaign {
    let message = format!("[[message]]\nid = \"m\"\n{body}\n");
    World::of([("campaign.toml", SETTINGS), ("m.toml", &message)])
        .assemble()
        .campaign
        .unwrap()
}

fn problems(files: &[(&str, &str)]) -> Vec<Problem> {
    World::of(files.iter().copied()).assemble().problems.to_vec()
}

fn codes(files: &[(&str, &str)]) -> Vec<&'static str> {
    problems(files).iter().map(|problem| problem.code).collect()
}

fn find<'c>(campaign: &'c Campaign, id: &str) -> &'c Message {
    campaign
        .messages
        .iter()
        .find(|message| message.id.as_str() == id)
        .unwrap()
}

fn say(campaign: &Campaign, account: &str) -> Result<Content, RenderProblem> {
    let roster = roster();
    let account = roster
        .accounts
        .iter()
        .find(|found| found.name.as_str() == account)
        .unwrap();
    render(campaign, &campaign.messages[0], account, now(), 0)
}

fn texts(content: &Content) -> Vec<&str> {
    content.parts.iter().map(|part| part.text.as_str()).collect()
}

// -- The design's example -------------------------------------------------------------------------------

#[test]
fn every_key_of_the_design_is_read() {
    let campaign = design();
    let settings = &campaign.settings;
    assert_eq!(
        (settings.id.as_str(), &*settings.name),
        ("justice-for-corey-miller", "Justice for Corey Miller")
    );
    assert_eq!(
        (settings.zone.iana_name(), &*settings.language),
        (Some("America/Chicago"), "en")
    );
    assert_eq!((settings.slots.len(), settings.windows.quiet.len()), (2, 1));
    assert_eq!(settings.hashtags, ["JusticeForCoreyMiller"]);
    assert_eq!((&settings.hold, settings.after_hold), (&None, AfterHold::Review));
    let blackout = &settings.windows.blackouts[0];
    // Inclusive: it ends when the 27th begins, in Chicago.
    assert_eq!(blackout.from, "2026-12-24T06:00:00Z".parse().unwrap());
    assert_eq!(
        (blackout.until, &*blackout.why),
        ("2026-12-27T06:00:00Z".parse().unwrap(), "holiday")
    );

    let fact = &campaign.facts["verdict"];
    assert_eq!(
        (&*fact.value, &*fact.source),
        ("10-2", "https://example.org/article")
    );
    assert_eq!(fact.as_of, Some("2023-05-01".parse().unwrap()));
    assert_eq!(fact.review_by, Some("2027-06-01".parse().unwrap()));
    assert_eq!(fact.note.as_deref(), Some("the count alone"));
    assert_eq!(campaign.facts["innocent"].says.as_deref(), Some("Kim Kardashian"));
    assert_eq!(
        campaign.facts["innocent"].value_in("es-MX"),
        "no cometió el crimen"
    );

    let first = find(&campaign, "ten-to-two");
    assert_eq!((&*first.place.file, first.place.line), ("campaign.toml", 32));
    assert_eq!(
        first.to.iter().map(|to| &**to).collect::<Vec<_>>(),
        ["mastodon", "bluesky"]
    );
    assert_eq!(
        first.when,
        When::At(Local::Civil("2026-12-01T09:00:00".parse().unwrap()))
    );
    assert_eq!(
        first.starts,
        Some(Local::Civil("2026-12-01T00:00:00".parse().unwrap()))
    );
    assert_eq!(
        first.expires,
        Some(Local::Civil("2027-01-02T00:00:00".parse().unwrap()))
    );
    assert_eq!(first.late, Some(Duration::from_hours(6)));
    assert_eq!(first.words.link.as_deref(), Some("https://example.org/case"));
    assert_eq!(first.words.warn.as_deref(), Some("discusses imprisonment"));
    assert_eq!(first.words.images()[0].file, "media/court.png");
    assert_eq!(first.reply_to.as_ref().unwrap().as_str(), "hearing-denied");
    assert!(first.for_account.contains_key("bluesky") && first.for_language.contains_key("es"));

    let second = find(&campaign, "hearing-denied");
    assert!(second.breaking && second.when == When::Queue);
    assert!(
        matches!(find(&campaign, "weekly").when, When::Cron(_)) && find(&campaign, "weekly").threading.auto
    );
    let When::After { message, wait } = &find(&campaign, "later").when else {
        panic!()
    };
    assert_eq!((message.as_str(), wait.as_secs()), ("hearing-denied", 7_200));
    assert_eq!(find(&campaign, "pool").when, When::Evergreen);
    assert_eq!(
        find(&campaign, "boost").share.as_deref(),
        Some("https://mastodon.social/@ally/1")
    );
    assert!(find(&campaign, "not-yet").draft);
    assert!(campaign.blocked.is_empty() && campaign.broken_files.is_empty());
    let uses: Vec<&String> = campaign.uses[&first.id].iter().collect();
    assert_eq!(uses, ["innocent", "verdict"]);
}

// -- What accounts say ----------------------------------------------------------------------------------

#[test]
fn words_come_from_the_account_then_the_platform_then_the_language() {
    let campaign = one("text = \"base\"\nlink = \"https://a.example/base\"\n\
         [message.mastodon]\ntext = \"platform\"\n\
         [message.second]\ntext = \"account\"\n\
         [message.both]\nwarn = \"group\"\n\
         [message.lang.es]\ntext = \"language\"\nlink = \"https://a.example/es\"");
    let message = &campaign.messages[0];
    let mut with_group = campaign.clone();
    with_group.groups = Arc::new([("both".to_owned(), vec!["second".parse().unwrap()])].into());
    let chosen = |account: Account| {
        let chosen = words_for(&with_group, message, &account);
        let (text, link) = (
            chosen.text().unwrap().to_string(),
            chosen.link.unwrap().to_string(),
        );
        (text, chosen.language.to_owned(), link, chosen.warn.is_some())
    };
    let own = |text: &str, language: &str, link: &str, warn| {
        (
            text.to_owned(),
            language.to_owned(),
            format!("https://a.example/{link}"),
            warn,
        )
    };
    assert_eq!(
        chosen(account("bluesky", bluesky(), None)),
        own("base", "en", "base", false)
    );
    assert_eq!(
        chosen(account("spanish", telegram(), Some("es-MX"))),
        own("language", "es", "es", false)
    );
    // Key by key: the text for the platform, the link for the language.
    assert_eq!(
        chosen(account("first", mastodon(), Some("es"))),
        own("platform", "en", "es", false)
    );
    assert_eq!(
        chosen(account("second", mastodon(), Some("es"))),
        own("account", "es", "es", true)
    );
    let mut sandbox = account("sand", mastodon(), None);
    sandbox.platform = "sandbox";
    assert_eq!(chosen(sandbox), own("platform", "en", "base", false));
}

#[rstest]
#[case(
    "{{ years_since(2002) }} {{ years_since(\"2002-11-23\") }} {{ years_since('2002-11-24') }}",
    "24 24 23"
)]
#[case(
    "{{ days_since('2026-11-20') }} {{ days_until('2026-11-30') }} {{ days_until('2026-11-23') }}",
    "3 7 0"
)]
#[case(
    "{{ date() }}; {{ date('2027-03-01') }}; {{ date('2027-03-01', format='%d.%m.%Y') }}",
    "November 23, 2026; March 1, 2027; 01.03.2027"
)]
#[case(
    "{{ campaign.name }} {{ account.name }} {{ campaign.hashtags }}",
    "The Cause mastodon #One #Two"
)]
#[case("{% if years_since(2002) > 20 %}\nLong.\n{% endif %}\nEnd.", "Long.\nEnd.")]
#[case("<b> & \"quotes\" {{ '<' }}", "<b> & \"quotes\" <")]
#[case("{ one } 50%", "{ one } 50%")]
#[case(
    "{{ years_since(2002) * 12 }} {{ days_since('2026-11-20') * 24 }} {{ '4*4' }}",
    "288 72 4*4"
)]
#[case(
    "for {{ plural(years_since(2002), one='{n} year', other='{n} years') }}, {{ plural(1, one='a day', other='days') }}",
    "for 24 years, a day"
)]
#[case("{{ campaign.name | upper }}", "THE CAUSE")]
fn templates_are_worked_out(#[case] template: &str, #[case] said: &str) {
    let campaign = one(&format!("text = '''{template}'''"));
    assert_eq!(texts(&say(&campaign, "mastodon").unwrap()), [said]);
}

#[test]
fn f14_a_text_as_large_as_a_file_may_hold_is_within_the_budget() {
    for piece in [
        "{{ campaign.name ~ account.name }}",
        "{{ date() }}",
        "{% if days_since('2002-01-01') > 3 %}x{% endif %}",
        "{{ plural(days_since('2002-01-01'), one='x', other='{n}') }}",
    ] {
        let campaign = one(&format!("text = '''{}'''", piece.repeat(60_000 / piece.len())));
        let started = Instant::now();
        assert!(say(&campaign, "mastodon").is_err(), "{piece}");
        assert!(
            started.elapsed() < Duration::from_millis(500),
            "{:?}",
            started.elapsed()
        );
    }
}

#[rstest]
#[case(
    "ar",
    "{{ plural(3, zero='0', one='1', two='2', few='few', many='many', other='other') }}",
    "few"
)]
#[case(
    "ru",
    "{{ plural(years_since(2002), one='{n} год', few='{n} года', many='{n} лет') }}",
    "24 года"
)]
#[case("pl", "{{ date('2027-03-01') }}", "1 marca 2027")]
#[case(
    "es",
    "{{ plural(years_since(2002), one='un año', other='{n} años') }}",
    "24 años"
)]
fn a_text_is_in_the_language_of_its_words(#[case] language: &str, #[case] text: &str, #[case] said: &str) {
    let campaign = one(&format!(
        "text = 'Plain.'\n[message.lang.{language}]\ntext = \"\"\"{text}\"\"\""
    ));
    let account = account("other", mastodon(), Some(language));
    let content = render(&campaign, &campaign.messages[0], &account, now(), 0).unwrap();
    assert_eq!((texts(&content), &*content.language), (vec![said], language));
}

#[test]
fn a_form_that_is_not_there_is_never_guessed() {
    let campaign = one("text = \"{{ plural(years_since(2002), one='year') }}\"");
    let problem = say(&campaign, "mastodon").unwrap_err();
    assert_eq!(
        (&*problem.message, &*problem.help),
        (
            "`plural` has no form `other`, which 24 needs in the language `en`",
            "write `other=\"…\"` too; this language has one, other"
        )
    );
}

#[test]
fn a_message_without_words_in_an_accounts_language_is_pointed_out() {
    let files = "[[message]]\nid = \"none\"\ntext = \"Words.\"\n\
                 [[message]]\nid = \"both\"\ntext = \"Words.\"\n[message.lang.es]\ntext = \"Palabras.\"\n\
                 [[message]]\nid = \"own\"\ntext = \"Words.\"\n[message.other]\ntext = \"Palabras.\"\n\
                 [[message]]\nid = \"boost\"\nshare = \"https://mastodon.example/@a/1\"\n";
    let world = World::of([("campaign.toml", SETTINGS), ("m.toml", files)]);
    let told = |untranslated| {
        let mut other = account("other", mastodon(), Some("es-MX"));
        other.untranslated = untranslated;
        let roster = Roster {
            accounts: vec![account("english", bluesky(), Some("en-GB")), other],
            ..Roster::default()
        };
        let assembled = assemble(&world.read(), &roster, now(), &world);
        let found = assembled
            .problems
            .iter()
            .filter(|found| found.code == "untranslated");
        let found: Vec<String> = found.map(|found| found.message.clone()).collect();
        let campaign = assembled.campaign.unwrap();
        let said = render(&campaign, find(&campaign, "none"), &roster.accounts[1], now(), 0);
        let out = left_out(&campaign, find(&campaign, "none"), &roster.accounts[1]).is_some();
        for id in ["both", "own", "boost"] {
            assert_eq!(
                left_out(&campaign, find(&campaign, id), &roster.accounts[1]),
                None
            );
        }
        (found, said.map(|content| content.language), out)
    };
    let warned = |does: &str| vec![format!("there are no words in `es-MX`: `other` {does}")];
    assert_eq!(
        told(Untranslated::Warn),
        (
            warned("says it in the campaign's language"),
            Ok("en".to_owned()),
            false
        )
    );
    assert_eq!(told(Untranslated::Fallback), (vec![], Ok("en".to_owned()), false));
    let (found, said, out) = told(Untranslated::Skip);
    assert_eq!((found, out), (warned("leaves it out"), true));
    assert_eq!(said.unwrap_err().code, "untranslated");
}

// -- The days to come -----------------------------------------------------------------------------------

/// The problems of one message for Bluesky, as (code, message).
fn to_come(body: &str) -> Vec<(&'static str, String)> {
    let message = format!("[[message]]\nid = \"m\"\nto = [\"bluesky\"]\n{body}\n");
    problems(&[("campaign.toml", SETTINGS), ("m.toml", &message)])
        .into_iter()
        .map(|problem| (problem.code, problem.message))
        .collect()
}

/// A text of `length` characters as it is today, which ends in `said` for `template`.
fn padded(template: &str, said: &str, length: usize) -> String {
    let words = "word ".repeat(length / 5 + 1);
    format!("text = \"{}{template}\"", &words[..length - said.len()])
}

#[rstest]
// The longest month, on its first day with two digits.
#[case("{{ date() }}", "November 23, 2026", Some("2027-09-10"))]
#[case("{{ days_since('2024-03-01') }}", "997", Some("2026-11-26"))]
#[case("{{ years_since(1928) }}", "98", Some("2028-01-01"))]
#[case("{{ years_since('1927-05-04') }}", "99", Some("2027-05-04"))]
#[case(
    "{{ plural(days_until('2026-11-25'), one='tomorrow!!', other='soon') }}",
    "soon",
    Some("2026-11-24")
)]
#[case(
    "{% if days_since('2026-11-01') == 100 %}a hundred days{% else %}x{% endif %}",
    "x",
    Some("2027-02-09")
)]
// Shorter and shorter, or too late.
#[case("{{ days_until('2026-12-31') }}", "38", None)]
#[case("{{ years_since(1907) }}", "119", None)]
fn a_text_is_measured_when_it_is_longest(
    #[case] template: &str,
    #[case] said: &str,
    #[case] day: Option<&str>,
) {
    let until = if template.contains("days_until('2026-11-25')") {
        "2026-11-25"
    } else if template.contains("days_until") {
        "2026-12-31"
    } else {
        "2028-12-31"
    };
    for when in ["evergreen = true", "cron = '0 9 * * *'"] {
        let at = |length| {
            to_come(&format!(
                "{when}\nexpires = {until}\n{}",
                padded(template, said, length)
            ))
        };
        assert_eq!(at(200), [], "{template}");
        match day {
            Some(day) => {
                let found = at(300);
                assert_eq!(found.len(), 1, "{found:?}");
                assert_eq!(found[0].0, "too-long");
                assert!(found[0].1.ends_with(&format!("on {day}")), "{}", found[0].1);
            }
            None => assert_eq!(at(300), [], "{template}"),
        }
        // On a message that goes out once, on a day that is known, only that day counts.
        assert_eq!(
            to_come(&format!(
                "at = 2026-11-23T20:00:00\n{}",
                padded(template, said, 300)
            )),
            []
        );
    }
}

#[test]
fn a_recurring_text_that_will_not_be_sayable_is_an_error_today() {
    let until = "text = \"{{ days_until('2027-03-01') }}\"";
    for when in ["evergreen = true", "cron = '0 9 * * *'"] {
        assert_eq!(
            to_come(&format!("{when}\n{until}")),
            [(
                "bad-template",
                "`days_until(\"2027-03-01\")` has passed on 2027-03-02".to_owned()
            )]
        );
        assert_eq!(to_come(&format!("{when}\nexpires = 2027-03-01\n{until}")), []);
    }
    // The queue goes out some day soon.
    assert_eq!(to_come(until), []);
    let soon = to_come(&until.replace("2027-03-01", "2026-12-24"));
    assert_eq!(soon.len(), 1, "{soon:?}");
    // What has not begun is not worked out before, and what is over is no error.
    assert_eq!(
        to_come("evergreen = true\nstarts = 2027-01-02\ntext = \"{{ days_since('2027-01-01') }}\""),
        []
    );
    assert_eq!(
        to_come(&format!(
            "evergreen = true\nexpires = 2026-10-01\n{}",
            until.replace("2027-03-01", "2026-10-01")
        )),
        []
    );
}

#[test]
fn a_rule_is_looked_at_on_its_own_days() {
    // Mondays are 7, 14, 21 … days before a Monday, never one.
    let text = "expires = 2027-03-01\ntext = \"{{ plural(days_until('2027-03-01'), other='{n} days') }}\"";
    assert_eq!(to_come(&format!("cron = '0 9 * * MON'\n{text}")), []);
    assert_eq!(
        to_come(&format!("cron = '0 9 * * SUN'\n{text}")),
        [(
            "bad-template",
            "`plural` has no form `one`, which 1 needs in the language `en`, on 2027-02-28".to_owned()
        )]
    );
    // What waits for the morning goes out a day later.
    let quiet = format!("{SETTINGS}quiet_hours = [\"22:00-07:00\"]\n");
    let message = format!("[[message]]\nid = \"m\"\ncron = '0 23 * * SAT'\n{text}\n");
    assert_eq!(
        codes(&[("campaign.toml", &quiet), ("m.toml", &message)]),
        ["bad-template"]
    );
}

#[test]
fn a_plural_form_that_a_language_will_need_is_missed_today() {
    // 24 года today, 25 лет from 2027 on.
    let message = "[[message]]\nid = \"m\"\nevergreen = true\ntext = \"Words.\"\n[message.lang.ru]\n\
                   text = \"{{ plural(years_since(2002), one='год', few='{n} года') }}\"\n";
    let world = World::of([("campaign.toml", SETTINGS), ("m.toml", message)]);
    let roster = Roster {
        accounts: vec![account("russian", mastodon(), Some("ru"))],
        ..Roster::default()
    };
    let found = assemble(&world.read(), &roster, now(), &world).problems;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].code, &*found[0].message),
        (
            "bad-template",
            "`plural` has no form `many`, which 25 needs in the language `ru`, on 2027-01-01"
        )
    );
}

/// What is said of a message with `body` on one account with the limits of `platform`: code and message.
fn said_on(platform: &str, body: &str) -> Vec<(&'static str, String)> {
    let limits = limits::of(platform).unwrap().clone();
    let message = format!("[[message]]\nid = \"m\"\nevergreen = true\n{body}\n");
    let first = "[[message]]\nid = \"first\"\nevergreen = true\ntext = \"First.\"\ncard = \"quote\"\n";
    let world = World::of([
        ("campaign.toml", SETTINGS),
        ("a.toml", first),
        ("m.toml", &message),
    ]);
    let roster = Roster {
        accounts: vec![account(platform, limits, None)],
        ..Roster::default()
    };
    let found = assemble(&world.read(), &roster, now(), &world).problems;
    found
        .iter()
        .map(|found| (found.code, found.message.clone()))
        .collect()
}

#[test]
fn a_part_has_no_more_links_than_its_platform_takes() {
    let links = |from: usize, to: usize| {
        let links = (from..=to).map(|n| format!("https://example.org/{n}"));
        links.collect::<Vec<_>>().join(" ")
    };
    let five = links(1, 5);
    let beside = |n: usize| format!("text = \"{five} {five}\"\nlink = \"https://example.org/{n}\"");
    assert_eq!(said_on("threads", &beside(5)), []);
    let many = "6 links are too many for threads: it takes 5";
    assert_eq!(
        said_on("threads", &beside(6)),
        [("too-many-links", many.to_owned())]
    );
    // Each part has its own.
    let parts = format!("text = \"\"\"\n{five}\n---\n{}\n\"\"\"", links(6, 10));
    assert_eq!(said_on("threads", &parts), []);
    assert_eq!(said_on("mastodon", &beside(6)), []);
}

#[test]
fn a_part_has_no_more_hashtags_than_its_platform_takes() {
    let tags = |count: usize| {
        let tags: Vec<String> = (1..=count).map(|n| format!("#Tag{n}x")).collect();
        format!(
            "text = \"Words. {}\"\nimage = [{{ file = \"media/court.png\", alt = \"It\" }}]",
            tags.join(" ")
        )
    };
    assert_eq!(said_on("instagram", &tags(30)), []);
    let many = "31 hashtags are too many for instagram: it takes 30";
    assert_eq!(
        said_on("instagram", &tags(31)),
        [("too-many-tags", many.to_owned())]
    );
}

#[test]
fn an_answer_on_instagram_is_a_comment_with_rules_of_its_own() {
    let reply = |text: &str| format!("text = \"{text}\"\nreply_to = \"first\"");
    assert_eq!(
        said_on("instagram", &reply("Ten jurors. #One #Two #Three #Four")),
        []
    );
    let many = "5 hashtags are too many for instagram: it takes 4 in an answer";
    assert_eq!(
        said_on("instagram", &reply("Ten jurors. #One #Two #Three #Four #Five")),
        [("too-many-tags", many.to_owned())]
    );
    let long = said_on("instagram", &reply("Ten. ".repeat(61).trim_end()));
    assert_eq!(long.first().map(|(code, _)| *code), Some("too-long"), "{long:?}");
}

#[test]
fn a_share_names_a_post_by_its_own_address() {
    let share = |url: &str| format!("share = \"{url}\"");
    for (platform, url) in [
        (
            "reddit",
            "https://www.reddit.com/r/allies/comments/1ally/we_stand/",
        ),
        ("reddit", "https://old.reddit.com/comments/1ally"),
        ("threads", "https://www.threads.net/@ally.org/post/DAlly_1"),
        ("x", "https://x.com/ally/status/1228393702244134912"),
    ] {
        assert_eq!(said_on(platform, &share(url)), [], "{url}");
    }
    for (platform, url) in [
        (
            "reddit",
            "https://www.reddit.com/r/allies/comments/1ally/we_stand/2bcde/",
        ),
        ("reddit", "https://www.reddit.com/r/allies/s/AbCdEf"),
        ("threads", "https://www.threads.com/t/DAlly_1"),
    ] {
        let words = format!("{platform} shares posts by their own addresses alone");
        assert_eq!(said_on(platform, &share(url)), [("unsupported", words)], "{url}");
    }
    let elsewhere = said_on("reddit", &share("https://www.threads.com/@ally/post/D1"));
    let words = "reddit cannot share a post of another network";
    assert_eq!(elsewhere, [("unsupported", words.to_owned())]);
}

#[test]
fn a_link_that_nobody_can_follow_is_said() {
    let body = |text: &str| format!("{text}\nimage = [{{ file = \"media/court.png\", alt = \"It\" }}]");
    let dead = "nobody can follow a link in a text on instagram";
    for text in [
        "text = \"Read https://example.org/caso now.\"",
        "text = \"Read it.\"\nlink = \"https://example.org/caso\"",
    ] {
        assert_eq!(
            said_on("instagram", &body(text)),
            [("dead-link", dead.to_owned())]
        );
        assert_eq!(said_on("threads", &body(text)), []);
        let allowed = body(&format!(
            "{text}\nallow = {{ \"dead-link\" = \"short enough to type\" }}"
        ));
        assert_eq!(said_on("instagram", &allowed), []);
    }
    assert_eq!(said_on("instagram", &body("text = \"Read it.\"")), []);
}

#[test]
fn where_a_platform_may_refuse_a_thread_or_a_reply_it_is_said_before_the_first_part_is_out() {
    let why = "it takes a program's reply only where the author of the post asked for it";
    let thread = "text = \"\"\"\nOne.\n---\nTwo.\n\"\"\"";
    let reply = "text = \"Two.\"\nreply_to = \"first\"";
    for (body, what) in [(thread, "the later parts of this thread"), (reply, "this reply")] {
        let said = format!("x may refuse {what}: {why}");
        assert_eq!(said_on("x", body), [("may-be-refused", said)]);
        assert_eq!(said_on("mastodon", body), []);
        let allowed = format!("{body}\nallow = {{ \"may-be-refused\" = \"ours are taken\" }}");
        assert_eq!(said_on("x", &allowed), []);
    }
    assert_eq!(said_on("x", "text = \"Two.\""), []);
}

#[test]
fn a_claim_is_attributed_in_the_language_of_its_text() {
    let fact = "[fact.ruling]\nvalue = \"upheld it\"\nsource = \"s\"\nsays = \"the Supreme Court\"\n\
                [fact.ruling.lang.es]\nvalue = \"lo confirmó\"\nsays = \"la Corte Suprema\"\n";
    let said = |spanish: &str| {
        let message = format!(
            "{fact}[[message]]\nid = \"m\"\ntext = \"The Supreme Court {{{{ fact.ruling }}}}.\"\n\
             [message.lang.es]\ntext = \"{spanish}\"\n"
        );
        let world = World::of([("campaign.toml", SETTINGS), ("m.toml", &message)]);
        let found = world.assemble().problems;
        found
            .iter()
            .map(|found| (found.code, found.message.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(said("La Corte Suprema {{ fact.ruling }}."), []);
    assert_eq!(
        said("The Supreme Court {{ fact.ruling }}."),
        [(
            "unattributed-claim",
            "this text uses the claim `ruling` without naming who says so: la Corte Suprema".to_owned()
        )]
    );
    let world = World::of([(
        "campaign.toml",
        &*format!("{SETTINGS}[fact.f.lang.es]\nsays = \"ella\"\nsource = \"s\"\n"),
    )]);
    let found = world.assemble().problems;
    assert!(
        found
            .iter()
            .any(|found| found.code == "unknown-key" && found.message.contains("source")),
        "{found:?}"
    );
}

#[test]
fn the_description_of_an_image_is_looked_at_like_a_text() {
    let body =
        |alt: &str| format!("text = \"Words.\"\nimage = [{{ file = \"media/court.png\", alt = \"{alt}\" }}]");
    assert_eq!(said_on("mastodon", &body("The courthouse in Gretna")), []);
    let codes = |alt: &str| {
        let said = said_on("mastodon", &body(alt));
        said.iter().map(|(code, _)| *code).collect::<Vec<_>>()
    };
    assert_eq!(codes("A banner: FREE HIM RIGHT NOW"), ["all-caps"]);
    assert_eq!(codes("A crowd of 12500 people"), ["typed-figure"]);
    assert_eq!(codes("The court\u{200b}house"), ["invisible-character"]);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{ date() }}".to_owned()),
        Just("{{ date(format='%A') }}".to_owned()),
        Just("{{ account.name }}".to_owned()),
        Just("{{ years_since(1928) * 5 }}".to_owned()),
        (1920i16..2026).prop_map(|year| format!("{{{{ years_since({year}) }}}}")),
        (2023i16..2026, 1i8..12, 1i8..28)
            .prop_map(|(y, m, d)| format!("{{{{ days_since('{y}-{m:02}-{d:02}') }}}}")),
        (1i8..11, 1i8..28).prop_map(|(m, d)| format!(
            "{{{{ plural(days_since('2026-{m:02}-{d:02}'), one='one day', other='{{n}} days') }}}}"
        )),
        (1i8..28, 1u8..9).prop_map(|(d, n)| format!(
            "{{% if days_since('2026-10-{d:02}') % 9 == {n} %}}much longer{{% endif %}}"
        )),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_check_lets_pass_fits_on_every_day(text in pieces(), pad in 240usize..300) {
        let body = format!("evergreen = true\nto = [\"bluesky\"]\ntext = \"{}{text}\"", "x".repeat(pad));
        let campaign = one(&body);
        let roster = roster();
        let bluesky = &roster.accounts[1];
        let fits = campaign.problems.is_empty();
        let mut longest = 0;
        let (mut at, end) = (now(), now() + jiff::SignedDuration::from_hours(24 * 730));
        while at < end {
            let content = render(&campaign, &campaign.messages[0], bluesky, at, 0).unwrap();
            longest = longest.max(steadfast::text::count::graphemes(&content.parts[0].text));
            at += jiff::SignedDuration::from_hours(24);
        }
        prop_assert_eq!(fits, longest <= 300, "{} {:?}", longest, campaign.problems);
    }
}

#[test]
fn the_due_day_is_the_campaigns_own() {
    let campaign = one("text = \"{{ date() }}\"");
    let roster = roster();
    let late: Timestamp = "2026-11-24T05:59:59Z".parse().unwrap();
    let said = render(&campaign, &campaign.messages[0], &roster.accounts[0], late, 0).unwrap();
    assert_eq!(texts(&said), ["November 23, 2026"]);
}

#[test]
fn parts_links_images_and_warnings_are_put_where_they_belong() {
    let campaign = one(
        "text = \"\"\"\nOne.\n---\nTwo.\n\"\"\"\nlink = \"https://a.example/x\"\nwarn = \"Careful\"\n\
         image = [{ file = \"media/court.png\", alt = \"In {{ years_since(2002) }} years\" }]",
    );
    let said = say(&campaign, "mastodon").unwrap();
    assert_eq!(
        (texts(&said), said.warn.as_deref()),
        (vec!["One.", "Two."], Some("Careful"))
    );
    assert_eq!(said.parts[0].images[0].alt, "In 24 years");
    assert!(said.parts[0].link.is_none() && said.parts[1].images.is_empty());
    assert_eq!(said.parts[1].link.as_ref().unwrap().url, "https://a.example/x");
    // Where there is no warning of its own, it stands before the text.
    let said = say(&campaign, "bluesky").unwrap();
    assert_eq!(
        (texts(&said), &said.warn),
        (vec!["Careful\n\nOne.", "Two."], &None)
    );
}

#[test]
fn a_counter_numbers_the_parts_after_the_link() {
    let campaign = one("text = \"\"\"One.\n---\nTwo.\"\"\"\nlink = \"https://a.example/x\"\ncounter = true");
    let said = say(&campaign, "mastodon").unwrap();
    let texts: Vec<_> = said
        .parts
        .iter()
        .map(|part| part.shown_text(mastodon().abilities))
        .collect();
    assert_eq!(texts, ["One. 1/2", "Two.\n\nhttps://a.example/x 2/2"]);
    // Bluesky has a card for it.
    let said = say(&campaign, "bluesky").unwrap();
    assert_eq!(said.parts[1].text, "Two. 2/2");
    let told = |body: &str| {
        let message = format!("[[message]]\nid = \"a\"\n{body}");
        codes(&[("campaign.toml", SETTINGS), ("m.toml", &message)])
    };
    assert!(told("text = \"One.\"\nthread = \"auto\"\ncounter = true").is_empty());
    assert_eq!(told("text = \"One.\"\ncounter = true"), ["no-effect"]);
    assert_eq!(told("text = \"One.\"\ncounter = \"yes\""), ["wrong-type"]);
}

#[test]
fn a_link_takes_room_when_a_text_is_split() {
    let sentence = "Ten of twelve jurors voted guilty and two did not. ".repeat(12);
    let campaign = one(&format!(
        "text = \"{sentence}\"\nthread = \"auto\"\nlink = \"https://a.example/x\""
    ));
    let said = say(&campaign, "mastodon").unwrap();
    assert_eq!(said.parts.len(), 2);
    assert!(said.parts[1].text.ends_with("https://a.example/x"));
    for part in &said.parts {
        let rule = mastodon().length;
        assert!(steadfast::text::count::measure(&rule, &part.shown_text(mastodon().abilities), "").fits());
    }
    assert!(codes(&[("campaign.toml", SETTINGS)]).is_empty());
}

#[test]
fn two_accounts_on_one_platform_with_the_same_words_are_a_warning() {
    let mut twins = roster();
    twins.accounts.push(account("second", mastodon(), None));
    let world = World::of([
        ("a.toml", SETTINGS),
        ("b.toml", "[[message]]\nid = \"m\"\ntext = \"Same.\"\n"),
    ]);
    let assembled = assemble(&world.read(), &twins, now(), &world);
    let found: Vec<&str> = assembled.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(found, ["same-text"]);
}

#[test]
fn what_a_platform_cannot_do_is_an_error() {
    let mut few = Roster {
        accounts: vec![account("hook", webhook(), None)],
        ..Roster::default()
    };
    let files = "[[message]]\nid = \"thread\"\ntext = \"\"\"\na\n---\nb\n\"\"\"\n\
                 [[message]]\nid = \"reply\"\ntext = \"c\"\nreply_to = \"thread\"\n\
                 [[message]]\nid = \"image\"\ntext = \"d\"\nimage = [{ file = \"media/court.png\", alt = \"e\" }]\n\
                 [[message]]\nid = \"share\"\nshare = \"https://a.example/1\"\n";
    let world = World::of([("a.toml", SETTINGS), ("b.toml", files)]);
    let check = |roster: &Roster| -> Vec<&'static str> {
        let assembled = assemble(&world.read(), roster, now(), &world);
        assembled.problems.iter().map(|problem| problem.code).collect()
    };
    assert_eq!(
        check(&few),
        ["unsupported", "unsupported", "too-many-images", "unsupported"]
    );
    few.accounts = vec![account("mastodon", mastodon(), None)];
    assert!(check(&few).is_empty());
}

#[test]
fn what_a_comment_does_not_hold_is_an_error_where_answers_are_comments() {
    let image = "{ file = \"media/court.png\", alt = \"e\" }";
    let words = |letters: usize| "a ".repeat(letters.div_ceil(2)).trim_end().to_owned();
    let check = |limits: Limits, body: &str, answers: bool| -> Vec<&'static str> {
        let reply_to = if answers { "reply_to = \"first\"\n" } else { "" };
        let files = format!(
            "[[message]]\nid = \"first\"\ntext = \"a\"\n[[message]]\nid = \"second\"\n{reply_to}{body}\n"
        );
        let world = World::of([("a.toml", SETTINGS), ("b.toml", &files)]);
        let roster = Roster {
            accounts: vec![account("one", limits, None)],
            ..Roster::default()
        };
        let assembled = assemble(&world.read(), &roster, now(), &world);
        let errors = assembled
            .problems
            .iter()
            .filter(|problem| problem.severity == Severity::Error);
        errors.map(|problem| problem.code).collect()
    };
    let with = |beside: &str| format!("text = \"b\"\n{beside}");
    let video = with("video = { file = \"media/march.mp4\", alt = \"e\" }");
    for (limits, body, expected) in [
        (
            limits::REDDIT,
            with(&format!("image = [{image}]")),
            "too-many-images",
        ),
        (limits::FACEBOOK, with(&format!("image = [{image}]")), ""),
        (
            limits::FACEBOOK,
            with(&format!("image = [{image}, {image}]")),
            "too-many-images",
        ),
        (limits::FACEBOOK, format!("text = \"{}\"", words(7_999)), ""),
        (
            limits::FACEBOOK,
            format!("text = \"{}\"", words(8_001)),
            "too-long",
        ),
        (
            limits::REDDIT,
            format!("text = \"{}\"", words(10_001)),
            "too-long",
        ),
        (limits::REDDIT, video.clone(), "no-video"),
        (limits::FACEBOOK, video.clone(), "no-video"),
        (limits::TUMBLR, video.clone(), "no-video"),
        (limits::X, video.clone(), ""),
    ] {
        let said = check(limits.clone(), &body, true);
        assert_eq!(
            said.first().copied().unwrap_or_default(),
            expected,
            "{}: {body}",
            limits.platform
        );
        assert!(check(limits, &body, false).is_empty(), "{body}");
    }
    // A card is not for those who take no image.
    let card = "text = \"Ten to two.\"\ncard = \"quote\"";
    assert!(check(limits::REDDIT, card, true).is_empty());
}

#[test]
fn moving_images_that_are_too_large_together_or_have_to_stand_alone_are_an_error() {
    let image = |n: u32| format!("{{ file = \"media/{n}.gif\", alt = \"e\" }}");
    let check = |name: &str, limits: Limits, count: u32| -> Vec<String> {
        let few = Roster {
            accounts: vec![account(name, limits, None)],
            ..Roster::default()
        };
        let images: Vec<String> = (0..count).map(image).collect();
        let message = format!(
            "[[message]]\nid = \"m\"\ntext = \"d\"\nimage = [{}]\n",
            images.join(", ")
        );
        let mut world = World::of([("a.toml", SETTINGS), ("b.toml", message.as_str())]);
        let moving = Media {
            mime: "image/gif",
            size: 9_000_000,
            moving: true,
            ..world.media["media/court.png"]
        };
        world
            .media
            .extend((0..count).map(|n| (format!("media/{n}.gif"), moving)));
        let problems = assemble(&world.read(), &few, now(), &world).problems;
        problems
            .iter()
            .map(|problem| format!("{}: {}", problem.code, problem.message))
            .collect()
    };
    assert_eq!(check("discord", DISCORD, 2), [] as [&str; 0]);
    assert_eq!(check("x", X, 1), [] as [&str; 0]);
    assert_eq!(
        check("x", X, 2),
        ["bad-image: x takes a moving image alone, and \"media/0.gif\" has others beside it"]
    );
    assert_eq!(
        check("discord", DISCORD, 3),
        ["bad-image: the images are too large together for discord: 27000 kB, the limit is 25000 kB"]
    );
}

// -- Reliability's cases --------------------------------------------------------------------------------

#[test]
fn f2_a_byte_order_mark_crlf_and_no_last_newline_are_fine() {
    let file =
        "\u{feff}[[message]]\r\nid = \"m\"\r\ntext = \"\"\"\r\nOne.\r\nTwo.\r\n\"\"\"\r\nto = [\"mastodon\"]";
    let read = read("m.toml", file.as_bytes());
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    assert_eq!(
        read.messages[0].message.words.texts.first().map(|text| &**text),
        Some("One.\nTwo.\n")
    );
    assert_eq!(read.messages[0].message.place.line, 1);
}

#[test]
fn f3_what_is_not_utf_8_holds_the_file_and_names_the_byte() {
    let latin = read("m.toml", b"[[message]]\nid = \"caf\xe9\"\n");
    assert_eq!(
        latin.problems[0].message,
        "this file is not UTF-8: byte 22 is 0xE9"
    );
    assert_eq!(
        (latin.problems[0].place.line, latin.problems[0].place.column),
        (2, 10)
    );
    for bytes in [&b"\xff\xfea\0"[..], b"\xfe\xff\0a", b"\x80", b"\xc3"] {
        let read = read("m.toml", bytes);
        assert!(read.broken.is_some() && read.messages.is_empty());
        assert_eq!(read.problems[0].code, "file-encoding");
    }
}

#[test]
fn f4_the_limit_of_a_file_is_named() {
    let read = read("m.toml", &vec![b'#'; 10_000_000]);
    assert_eq!(read.problems[0].message, "this file is larger than 1 MiB");
}

#[test]
fn f12_both_messages_of_one_id_are_held_and_both_files_named() {
    let message = "[[message]]\nid = \"twice\"\ntext = \"x\"\nto = [\"mastodon\"]\n";
    let world = World::of([
        ("a.toml", SETTINGS),
        ("b.toml", message),
        ("c.toml", &message.replace("\"x\"", "\"y\"")),
    ]);
    let assembled = world.assemble();
    let campaign = assembled.campaign.unwrap();
    assert_eq!((campaign.messages.len(), campaign.blocked.len()), (1, 1));
    let said: Vec<&str> = assembled
        .problems
        .iter()
        .map(|problem| &*problem.message)
        .collect();
    assert_eq!(
        said,
        [
            "id `twice` is used again in c.toml, line 1",
            "id `twice` is already used in b.toml, line 1"
        ]
    );
    for id in ["A", "a/b", "-a", "a b", ""] {
        let file = format!("[[message]]\nid = \"{id}\"\ntext = \"x\"\n");
        let read = read("m.toml", file.as_bytes());
        assert!(read.messages.iter().all(|entry| !entry.named), "{id}");
        assert!(
            read.problems.iter().any(|problem| problem.help.contains("id = ")),
            "{id}"
        );
    }
}

#[rstest]
#[case("txet = \"a\"", "did you mean `text`?")]
#[case("schedul = \"0 9 * * MON\"", "cron")]
#[case("expire = 2027-01-01", "did you mean `expires`?")]
#[case("images = []", "did you mean `image`?")]
#[case("[message.lnag.es]\ntext = \"a\"", "did you mean `lang`?")]
fn f13_unknown_keys_are_never_ignored(#[case] line: &str, #[case] help: &str) {
    let file = format!("[[message]]\nid = \"m\"\ntext = \"words\"\n{line}\n");
    let read = read("m.toml", file.as_bytes());
    let problem = read
        .problems
        .iter()
        .find(|problem| problem.code == "unknown-key")
        .unwrap();
    assert!(problem.help.contains(help), "{}", problem.help);
    assert!(!read.messages[0].understood);
}

#[rstest]
#[case("{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}")]
#[case("{{ 'x' * 1000000000 }}")]
#[case("{{ ('x' * 60000) ~ ('y' * 60000) }}")]
#[case("{{ [1] * 100000000 }}")]
#[case("{{ (campaign.name * 9999999)[:0] }}")]
#[case("{% set a = 'x' %}{% set a = a ~ a %}{{ a }}")]
#[case("{{ 'xx'|replace('x', 'xxxxxxxx')|replace('x', 'xxxxxxxx') }}")]
#[case("{{ '%999999999d'|format(1) }}")]
#[case("{{ namespace(a=1) }}")]
#[case("{% include 'campaign.toml' %}")]
#[case("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}")]
#[case("{{ 1 / 0 }}")]
#[case("{{ 1 // 0 }}")]
#[case("{{ nothing }}")]
#[case("{{ fact.nothing }}")]
#[case("{{ fact }}{{ fact.x.y }}")]
#[case("{{ '{{' }} {{ '}}' }}")]
#[case("{{")]
#[case("{% if %}")]
#[case("{{ debug() }}")]
#[case("{% set x = [1] %}{% for i in range(9999) %}{% set x = x + x %}{% endfor %}")]
fn f14_bad_templates_are_errors_within_the_budget(#[case] template: &str) {
    let file = format!("[[message]]\nid = \"m\"\ntext = '''{template}'''\nto = [\"mastodon\"]\n");
    let started = Instant::now();
    let found = codes(&[("a.toml", SETTINGS), ("m.toml", &file)]);
    assert!(
        started.elapsed() < Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    assert!(matches!(*found, ["bad-template" | "unknown-fact"]), "{found:?}");
    // And whatever check said, it is not posted.
    let campaign = one(&format!("text = '''{template}'''"));
    assert!(say(&campaign, "mastodon").is_err());
}

#[test]
fn f15_what_is_too_long_for_one_account_holds_the_message_and_says_where() {
    let file = format!(
        "[[message]]\nid = \"m\"\ntext = \"{}\"\nto = [\"english\"]\n",
        "é".repeat(301)
    );
    let found = problems(&[("a.toml", SETTINGS), ("m.toml", &file)]);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].message,
        "too long for bluesky: 301 characters, the limit is 300"
    );
    assert_eq!(
        (found[0].place.line, found[0].place.column, found[0].place.length),
        (3, 8, 303)
    );
}

#[test]
fn f16_secrets_are_found_wherever_text_is_written() {
    let token = "ghp_0123456789abcdefghij";
    for file in [
        format!("[[message]]\nid = \"m\"\ntext = \"{token}\"\nto = [\"mastodon\"]\n"),
        format!(
            "[[message]]\nid = \"m\"\ntext = \"t\"\nto = [\"mastodon\"]\nimage = [{{ file = \"media/court.png\", alt = \"{token}\" }}]\n"
        ),
        format!(
            "[[message]]\nid = \"m\"\ntext = \"t\"\nto = [\"mastodon\"]\nlink = \"https://a.example/{token}\"\n"
        ),
        format!("[fact.a]\nvalue = \"1\"\nsource = \"s\"\nnote = \"{token}\"\n"),
    ] {
        assert_eq!(
            codes(&[("a.toml", SETTINGS), ("m.toml", &file)]),
            ["secret"],
            "{file}"
        );
    }
    let markdown = format!("+++\nid = \"m\"\nto = [\"mastodon\"]\n+++\n{token}\n");
    assert_eq!(codes(&[("a.toml", SETTINGS), ("m.md", &markdown)]), ["secret"]);
}

#[test]
fn f17_absurd_files_give_a_bounded_number_of_problems_in_little_time() {
    let keys = (0..60_000).fold(String::new(), |mut keys, i| {
        let _ = writeln!(keys, "key{i} = {i}");
        keys
    });
    for (name, file) in [
        ("keys", keys.clone()),
        ("keys of a message", format!("[[message]]\nid = \"m\"\n{keys}")),
        (
            "one line",
            format!("[[message]]\nid = \"m\"\nx = [{}]", "{a=1},".repeat(100_000)),
        ),
        ("one line of errors", "= ".repeat(400_000)),
        ("lists", format!("x = {}", "[".repeat(500_000))),
        ("tables", format!("x = {}", "{a=".repeat(300_000))),
        ("dotted", format!("{}x = 1", "a.".repeat(300_000))),
        ("header", format!("[{}x]", "a.".repeat(300_000))),
        (
            "number",
            format!("[[message]]\nid = \"m\"\nlate = {}", "9".repeat(500_000)),
        ),
        (
            "words",
            format!("[[message]]\nid = \"m\"\ntext = \"{}\"", "{{".repeat(20_000)),
        ),
        (
            "nested",
            format!(
                "[[message]]\nid = \"m\"\nto = [\"mastodon\"]\ntext = \"{{{{ {} }}}}\"",
                "(".repeat(30_000)
            ),
        ),
        ("messages", "[[message]]\n".repeat(80_000)),
    ] {
        let started = Instant::now();
        let problems = problems(&[("a.toml", SETTINGS), ("m.toml", &file)]);
        assert!(
            !problems.is_empty() && problems.len() < 250,
            "{name}: {}",
            problems.len()
        );
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{name}: {:?}",
            started.elapsed()
        );
    }
    let date = read("m.toml", b"[[message]]\nid = \"m\"\nat = 2027-02-30T09:00:00\n");
    assert_eq!(
        date.problems[0].message,
        "there is no date or time `2027-02-30T09:00:00`"
    );
}

#[test]
fn f24_an_image_without_a_description_holds_its_message() {
    for alt in ["", ", alt = \"\"", ", alt = \"  \""] {
        let file = format!(
            "[[message]]\nid = \"m\"\ntext = \"t\"\nto = [\"mastodon\"]\nimage = [{{ file = \"media/court.png\"{alt} }}]\n"
        );
        assert_eq!(codes(&[("a.toml", SETTINGS), ("m.toml", &file)]), ["missing-alt"]);
    }
}

#[test]
fn f26_a_fact_past_its_review_when_it_is_due_is_not_said() {
    let fact = "[fact.a]\nvalue = \"1\"\nsource = \"s\"\nreview_by = 2026-12-24\n";
    let file = format!("{fact}[[message]]\nid = \"m\"\ntext = \"{{{{ fact.a }}}}\"\nto = [\"mastodon\"]\n");
    let campaign = World::of([("a.toml", SETTINGS), ("m.toml", &file)])
        .assemble()
        .campaign
        .unwrap();
    assert!(campaign.blocked.is_empty());
    let roster = roster();
    let at = |due: &str| {
        render(
            &campaign,
            &campaign.messages[0],
            &roster.accounts[0],
            due.parse().unwrap(),
            0,
        )
    };
    assert_eq!(texts(&at("2026-12-25T05:59:00Z").unwrap()), ["1"]);
    let problem = at("2026-12-25T06:00:00Z").unwrap_err();
    assert_eq!(
        (problem.code, &*problem.message),
        ("fact-blocked", "fact `a` had to be checked again by 2026-12-24")
    );
}

#[rstest]
#[case("at = 9999-12-31T23:59:59", "there is no 9999-12-31 23:59 in this time zone")]
#[case("at = 9998-12-31T23:59:59", "`at` is more than ten years away")]
#[case("expires = 2999-12-31", "`expires` is more than ten years away")]
#[case("at = 2036-11-24T09:00:00", "`at` is more than ten years away")]
#[case("at = 2999-01-01T09:00:00+14:00", "`at` is more than ten years away")]
#[case("at = 0000-01-01T09:00:00", "`at` is more than ten years ago")]
#[case("at = 0001-01-01T00:00:00Z", "`at` is more than ten years ago")]
#[case(
    "expires = 9999-12-31",
    "`expires` is outside the years that can be reckoned with"
)]
#[case(
    "starts = 9999-12-31T23:59:59-12:00",
    "`starts` is outside the years that can be reckoned with"
)]
fn t11_a_year_that_cannot_be_meant_is_refused(#[case] line: &str, #[case] said: &str) {
    let message = format!("[[message]]\nid = \"m\"\ntext = \"words\"\n{line}\n");
    let found = problems(&[("campaign.toml", SETTINGS), ("m.toml", &message)]);
    let told = found.iter().find(|problem| problem.message == said);
    assert!(
        told.is_some_and(|problem| problem.code == "bad-time"),
        "{found:#?}"
    );
    assert!(
        one(&format!("text = \"words\"\n{line}"))
            .blocked
            .contains_key(&"m".parse().unwrap())
    );
}

#[test]
fn t11_ten_years_from_today_may_still_be_meant() {
    assert!(
        one("text = \"words\"\nat = 2036-11-23T09:00:00")
            .blocked
            .is_empty()
    );
}

/// A campaign of so many queued messages, and what else is in its second file.
fn queue_of(ids: std::ops::Range<usize>, more: &str) -> Campaign {
    let message = |n| format!("[[message]]\nid = \"q{n}\"\ntext = \"words {n}\"\n\n");
    let queue: String = ids.map(message).collect();
    let world = World::of([
        ("campaign.toml", SETTINGS),
        ("queue.toml", &*queue),
        ("more.toml", more),
    ]);
    world.assemble().campaign.unwrap()
}

#[rstest]
#[case::two_of_three(3, 2, false)]
#[case::a_quarter(12, 3, false)]
#[case::more_than_a_quarter(12, 4, true)]
#[case::three_of_three(3, 3, true)]
#[case::ten_of_many(200, 10, false)]
#[case::eleven_of_many(200, 11, true)]
fn f18_messages_that_vanish_at_once_are_an_accident_when_they_are_many(
    #[case] all: usize,
    #[case] gone: usize,
    #[case] accident: bool,
) {
    let (before, after) = (queue_of(0..all, ""), queue_of(gone..all, ""));
    let found = vanished(&before, &after, &roster(), &Past::default(), now());
    assert_eq!(found, accident.then_some(Vanished { gone, of: all }));
    assert!(may_have_vanished(&before, &after) || !accident);
}

#[test]
fn f18_what_is_over_may_be_cleared_away_and_what_cannot_be_read_is_not_gone() {
    let (before, after) = (queue_of(0..20, ""), queue_of(15..20, ""));
    let is_gone = |before: &Campaign, after: &Campaign, past: &Past| {
        vanished(before, after, &roster(), past, now()).is_some()
    };
    assert!(is_gone(&before, &after, &Past::default()));
    // All of them are out.
    let accounts: Vec<_> = roster()
        .accounts
        .into_iter()
        .map(|account| account.name)
        .collect();
    let out = |n: usize| {
        let post = |account: &AccountName| Identity {
            campaign: before.settings.id.clone(),
            message: format!("q{n}").parse().unwrap(),
            account: account.clone(),
            occurrence: Occurrence::once(),
        };
        accounts
            .iter()
            .map(|account| post(account).post_id())
            .collect::<Vec<_>>()
    };
    let past = Past {
        recorded: (0..15).flat_map(out).collect(),
        ..Past::default()
    };
    assert!(!is_gone(&before, &after, &past));

    let over = |line: &str| -> String {
        let message = |n| format!("[[message]]\nid = \"o{n}\"\ntext = \"over {n}\"\n{line}\n\n");
        (0..5).map(message).collect()
    };
    for (line, ahead) in [
        ("at = 2026-11-22T09:00:00", false),
        ("at = 2026-11-29T09:00:00", true),
        ("cron = \"0 9 * * MON\"", true),
        ("evergreen = true", true),
        ("evergreen = true\nexpires = 2026-11-22", false),
        ("draft = true", false),
    ] {
        let before = queue_of(0..1, &over(line));
        assert_eq!(
            is_gone(&before, &queue_of(0..1, ""), &Past::default()),
            ahead,
            "{line}"
        );
        let unreadable = queue_of(0..1, "[[message]\n");
        assert!(!is_gone(&before, &unreadable, &Past::default()), "{line}");
    }
}

#[test]
fn settings_that_cannot_be_read_hold_everything() {
    for wrong in [
        "hodl = \"stop\"",
        "hold = true",
        "quiet_hours = [\"22\"]",
        "hold = \"stop",
        "quiet_hours = \"22:00-07:00\"",
    ] {
        let file = format!("{SETTINGS}{wrong}\n");
        let campaign = World::of([("campaign.toml", &*file)])
            .assemble()
            .campaign
            .unwrap();
        assert!(campaign.settings.hold.is_some(), "{wrong}");
    }
    let blackout = "[[blackout]]\nfrom = 2026-12-24\nuntill = 2026-12-26\n";
    let campaign = World::of([("a.toml", SETTINGS), ("b.toml", blackout)])
        .assemble()
        .campaign
        .unwrap();
    assert!(campaign.settings.hold.unwrap().starts_with("b.toml, line 1"));
}

// -- What is not done again -----------------------------------------------------------------------------

/// A world that counts what is asked of it.
struct Counting {
    world: World,
    texts: Cell<usize>,
    media: RefCell<Vec<String>>,
}

impl Outside for Counting {
    fn media(&self, path: &str) -> Result<Media, MediaProblem> {
        self.media.borrow_mut().push(path.to_owned());
        self.world.media(path)
    }

    fn card(&self, card: &Card) -> Result<(), MediaProblem> {
        self.world.card(card)
    }

    fn text(&self, file: &str) -> Option<Arc<str>> {
        self.texts.set(self.texts.get() + 1);
        self.world.text(file)
    }
}

#[test]
fn files_in_which_nothing_changed_are_not_checked_again() {
    let mut world = World::of([("campaign.toml", SETTINGS)]);
    for i in 0..100 {
        let file =
            format!("[[message]]\nid = \"m{i}\"\ntext = \"{{{{ wrong{i} }}}}\"\nto = [\"mastodon\"]\n");
        world.files.insert(format!("m{i:02}.toml"), file.into_bytes());
    }
    let mut files: Vec<Arc<FileRead>> = world.read();
    let counting = Counting {
        world,
        texts: Cell::new(0),
        media: RefCell::default(),
    };
    let assemble = |files: &[Arc<FileRead>], roster: &Roster, now: Timestamp| {
        counting.texts.set(0);
        assert_eq!(assemble(files, roster, now, &counting).problems.len(), 100);
        counting.texts.get()
    };
    // A file with a problem is asked for its text when, and only when, it is checked.
    assert_eq!(assemble(&files, &roster(), now()), 100);
    assert_eq!(assemble(&files, &roster(), now()), 0);
    let later = now() + Duration::from_hours(1);
    assert_eq!(assemble(&files, &roster(), later), 0, "an hour changes nothing");
    files[50] = Arc::new(read(&files[50].file, &counting.world.files[&*files[50].file]));
    assert_eq!(assemble(&files, &roster(), now()), 1);
    let tomorrow = now() + Duration::from_hours(24);
    assert_eq!(
        assemble(&files, &roster(), tomorrow),
        100,
        "a new day may change what is said"
    );
    let mut other = roster();
    other.accounts.pop();
    assert_eq!(
        assemble(&files, &other, tomorrow),
        100,
        "and so may another account"
    );
}

// -- Whatever comes -------------------------------------------------------------------------------------

fn whatever_comes(name: &str, bytes: &[u8]) {
    let alone = read(name, bytes);
    inside(bytes, &alone.problems);
    let mut world = World::of([]);
    world.files.insert(name.to_owned(), bytes.to_vec());
    let assembled = world.assemble();
    let own: Vec<Problem> = assembled
        .problems
        .iter()
        .filter(|problem| &*problem.place.file == name)
        .cloned()
        .collect();
    inside(bytes, &own);
    let _ = steadfast::cli::show::render(&own, true);
}

/// Lines that message files are made of, whole and broken.
fn lines() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "[campaign]",
        "id = \"c\"",
        "timezone = \"UTC\"",
        "[[message]]",
        "[message]",
        "[message.bluesky]",
        "[message.lang.es]",
        "text = \"\"\"",
        "\"\"\"",
        "text = \"é {{ fact.a }}\"",
        "{{ fact.",
        "}}",
        "---",
        "+++",
        "id = \"m\"",
        "at = 2027-03-14T02:30:00",
        "cron = \"0 9 * * MON\"",
        "to = [\"mastodon\", \"x\"]",
        "to = [",
        "[fact.a]",
        "value = \"1\"",
        "source = \"s\"",
        "review_by = 2026-01-01",
        "[[blackout]]",
        "from = 2026-12-24",
        "until = 2026-12-23",
        "image = [{ file = \"a\" }]",
        "share = \"https://a.example\"",
        "after = { message = \"m\" }",
        "reply_to = \"m\"",
        "warn = \"\u{202e}\"",
        "\r",
        "= =",
        "“”",
        "late = \"6h\"",
        "thread = \"auto\"",
        "",
        "ключ = 1",
    ]);
    prop::collection::vec(line, 0..24).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_any_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        whatever_comes("m.toml", &bytes);
        whatever_comes("m.md", &bytes);
    }

    #[test]
    fn reading_any_text_never_panics(text in "\\PC{0,200}") {
        whatever_comes("m.toml", text.as_bytes());
        whatever_comes("m.md", format!("+++\n{text}\n+++\n{text}").as_bytes());
    }

    #[test]
    fn reading_any_lines_never_panics(text in lines()) {
        whatever_comes("m.toml", text.as_bytes());
        whatever_comes("m.md", text.as_bytes());
        whatever_comes("m.md", format!("+++\n{text}").as_bytes());
    }
}

/// The manual's list is complete: every code that the sources name is in it, and none that they do not.
#[test]
fn every_code_is_listed_once_and_used() {
    fn sources(folder: &std::path::Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, out);
            } else if path.file_name().unwrap() != "codes.rs" {
                out.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    sources(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/campaign"),
        &mut text,
    );
    let listed: Vec<&str> = CODES.iter().map(|(code, ..)| *code).collect();
    let distinct: BTreeSet<&str> = listed.iter().copied().collect();
    assert!(distinct.iter().eq(listed.iter()), "in order, and none twice");
    for code in listed {
        assert!(text.contains(&format!("\"{code}\"")), "`{code}` is never used");
    }
}

// -- The sample -----------------------------------------------------------------------------------------

#[test]
fn the_sample_that_staff_copy_from_has_no_warning_but_the_one_it_shows() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
    let mut world = World::of([]);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            world.files.insert(name, std::fs::read(path).unwrap());
        }
    }
    let png = world.media["media/court.png"];
    world.media.insert("media/ten-to-two.png".into(), png);
    let problems = world.assemble().problems;
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["fact-review"], "{problems:#?}");
}

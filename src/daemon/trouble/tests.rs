//! What there is, and what is said of it, at noon of Monday, 23 November 2026 in Chicago.

use std::sync::Arc;

use super::*;
use crate::campaign::Untranslated;
use crate::campaign::assemble::assemble;
use crate::campaign::outside::{Media, MediaProblem, Outside};
use crate::campaign::read::read;
use crate::ledger::Fence;
use crate::ledger::token::TokenWords;
use crate::post::content::Content;
use crate::post::identity::{Identity, Occurrence};
use crate::post::state::{Standing as Stands, Unsure};
use crate::settings::InDoubt;
use crate::text::limits::MASTODON;

struct Nothing;

impl Outside for Nothing {
    fn media(&self, _: &str) -> Result<Media, MediaProblem> {
        unreachable!("no message has an image")
    }

    fn card(&self, _: &crate::post::card::Card) -> Result<(), MediaProblem> {
        unreachable!("no message has a card")
    }

    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }
}

fn now() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().unwrap()
}

fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn roster() -> Roster {
    Roster {
        accounts: vec![crate::campaign::Account {
            name: "main".parse().unwrap(),
            platform: "mastodon",
            like: "mastodon",
            limits: Arc::new(MASTODON),
            language: None,
            untranslated: Untranslated::default(),
            min_gap: Duration::ZERO,
            max_per_day: None,
            charge: None,
        }],
        ..Roster::default()
    }
}

fn campaign(files: &str) -> Campaign {
    let head = "[campaign]\nid = 'c'\nname = 'C'\ntimezone = 'America/Chicago'\nlanguage = 'en'\n";
    let file = Arc::new(read("all.toml", format!("{head}{files}").as_bytes()));
    assemble(&[file], &roster(), now(), &Nothing).campaign.unwrap()
}

fn account(login: bool) -> AccountSettings {
    let mut keys = toml::Table::new();
    keys.insert("login".into(), login.into());
    AccountSettings {
        name: "main".parse().unwrap(),
        platform: "mastodon",
        like: "mastodon",
        language: None,
        untranslated: Untranslated::default(),
        min_gap: Duration::ZERO,
        max_per_day: None,
        charge: None,
        in_doubt: InDoubt::Auto,
        engagement: false,
        keys,
    }
}

fn token(expires: Option<&str>, refused: Option<&str>) -> KeptToken {
    KeptToken {
        account: "main".parse().unwrap(),
        version: 1,
        words: TokenWords {
            identity: None,
            access: String::new(),
            refresh: None,
            issued: now(),
            expires: expires.map(|at| at.parse().unwrap()),
            refresh_expires: None,
            scopes: String::new(),
        },
        refused: refused.map(str::to_owned),
        renewing: None,
        until: None,
    }
}

fn hold(scope: Scope, by: &str) -> Hold {
    Hold {
        id: 1,
        scope,
        why: "why".to_owned(),
        by: by.to_owned(),
        since: ago(5),
        said: 1,
        released: None,
    }
}

fn post(state: State, due: Timestamp, unsure: Option<Timestamp>) -> Post {
    let identity = Identity {
        campaign: "c".parse().unwrap(),
        message: "m".parse().unwrap(),
        account: "main".parse().unwrap(),
        occurrence: Occurrence::once(),
    };
    Post {
        id: identity.post_id(),
        message: identity.message.clone(),
        account: identity.account.clone(),
        platform: "mastodon".to_owned(),
        occurrence: identity.occurrence.clone(),
        due,
        late: Duration::from_hours(2),
        expires: None,
        recurring: false,
        breaking: false,
        slot: None,
        file: "all.toml".to_owned(),
        parts: 1,
        content: Content::plain("en"),
        standing: Stands {
            state,
            part: 0,
            tries: 0,
            not_before: due,
            late_from: None,
            first_intent: None,
            unsure: unsure.map(|since| Unsure {
                since,
                looks: 0,
                foreign: false,
            }),
            resent: false,
            crashes: 0,
            why: Some("because".to_owned()),
        },
        fence: Fence(1),
        attempts: 1,
        error: Some("Service\nUnavailable".to_owned()),
        began: None,
        sent: None,
        through: 0,
    }
}

/// `kind! key: text`, with a `!` where it is grave.
fn said(found: &Found<'_>) -> Vec<String> {
    let conditions = conditions(found);
    let said = conditions.iter().map(|found| {
        let grave = if found.grave { "!" } else { "" };
        format!("{}{grave} {}: {}", found.kind.as_str(), found.key, found.text)
    });
    said.collect()
}

struct World {
    campaign: Campaign,
    accounts: Vec<AccountSettings>,
    tokens: Vec<KeptToken>,
    holds: Vec<Hold>,
    posts: Vec<Post>,
    dry: BTreeMap<AccountName, Date>,
}

impl World {
    fn new() -> Self {
        Self {
            campaign: campaign(""),
            accounts: vec![account(false)],
            tokens: Vec::new(),
            holds: Vec::new(),
            posts: Vec::new(),
            dry: BTreeMap::new(),
        }
    }

    fn said(&self) -> Vec<String> {
        said(&Found {
            campaign: &self.campaign,
            accounts: &self.accounts,
            tokens: &self.tokens,
            holds: &self.holds,
            posts: &self.posts,
            dry: &self.dry,
            now: now(),
        })
    }
}

#[test]
fn all_is_well_and_nothing_is_said() {
    assert_eq!(World::new().said(), [] as [&str; 0]);
}

#[test]
fn what_the_daemon_holds_is_said_and_what_a_person_holds_is_not() {
    let main = || Scope::Account("main".parse().unwrap());
    for (scope, by, expected) in [
        (
            Scope::All,
            BY_ROLLBACK,
            "hold! hold the rollback detector: everything is held by the rollback detector: why",
        ),
        (
            Scope::All,
            BY_WATCH,
            "hold! hold the watch on the files: everything is held by the watch on the files: why",
        ),
        (Scope::All, "ann", ""),
        (Scope::All, crate::ledger::BY_FILE, ""),
        (
            main(),
            BY_DAEMON,
            "account! held account main: account main: held by the daemon: why",
        ),
        (main(), "ann", ""),
    ] {
        let mut world = World::new();
        world.holds = vec![hold(scope, by)];
        assert_eq!(world.said().join("\n"), expected, "{by}");
        world.holds[0].released = Some(now());
        assert_eq!(world.said().join("\n"), "", "{by}, released");
    }
}

#[test]
fn accounts_that_nobody_signed_in_and_tokens_that_end_are_said_in_time() {
    for (kept, expected) in [
        (
            None,
            "account! account main: account main: nobody has signed in yet",
        ),
        (Some(token(None, None)), ""),
        (Some(token(Some("2026-12-10T00:00:00Z"), None)), ""),
        (
            Some(token(Some("2026-11-29T00:00:00Z"), None)),
            "token token main: account main: its token runs out at 2026-11-29T00:00:00Z",
        ),
        (
            Some(token(Some("2026-11-23T17:00:00Z"), None)),
            "token! token main: account main: its token ran out at 2026-11-23T17:00:00Z",
        ),
        (
            Some(token(None, Some("it was revoked"))),
            "account! account main: account main: it was revoked",
        ),
    ] {
        let mut world = World::new();
        world.accounts = vec![account(true)];
        world.tokens = kept.into_iter().collect();
        assert_eq!(world.said().join("\n"), expected);
        // Without `login` the token is an old one.
        world.accounts = vec![account(false)];
        assert_eq!(world.said().join("\n"), "");
    }
}

#[test]
fn posts_that_wait_for_a_word_are_said_and_those_that_end_by_themselves_are_not() {
    let long = Some(ago(30));
    for (post, expected) in [
        (post(State::Due, ago(1), None), ""),
        (post(State::Held, ago(1), None), "m is held on main: because"),
        (post(State::Held, ago(1), long), "m is held on main: because"),
        (post(State::InDoubt, ago(1), Some(ago(1))), ""),
        (
            post(State::InDoubt, ago(40), long),
            "nobody knows whether main has m",
        ),
        (
            post(State::Rejected, ago(40), None),
            "main refused m: Service Unavailable",
        ),
        (post(State::Retrying, ago(40), None), ""),
        (post(State::Sent, ago(40), None), ""),
        (post(State::Skipped, ago(40), None), ""),
    ] {
        let mut world = World::new();
        let id = post.id;
        world.posts = vec![post];
        let expected = match expected {
            "" => String::new(),
            text => format!("post! post {id}: {text}"),
        };
        assert_eq!(world.said().join("\n"), expected);
        assert_eq!(post_of(&key_of(id)), Some(id));
    }
    assert_eq!(post_of("account main"), None);
}

#[test]
fn what_to_do_is_a_command_that_fits() {
    for (unsure, command) in [(None, "steadfast retry"), (Some(ago(30)), "steadfast resolve")] {
        let post = post(State::Held, ago(1), unsure);
        let condition = of_post(&post, now()).unwrap();
        assert!(
            condition.help.contains(&format!("{command} {}", post.id)),
            "{}",
            condition.help
        );
    }
}

#[test]
fn an_account_that_takes_nothing_for_an_hour_is_said_once_whatever_waits() {
    let mut world = World::new();
    world.posts = vec![
        post(State::Retrying, ago(61), None),
        post(State::Retrying, ago(90), None),
        post(State::Retrying, ago(10), None),
    ];
    assert_eq!(
        world.said(),
        ["account! failing account main: account main takes nothing: Service Unavailable"]
    );
}

#[test]
fn facts_are_said_two_weeks_before_they_run_out_and_again_when_they_have() {
    let fact = |rest: &str| format!("[fact.v]\nvalue = '1'\nsource = 'https://example.org'\n{rest}\n");
    for (rest, expected) in [
        ("", ""),
        ("review_by = 2026-12-31", ""),
        (
            "review_by = 2026-12-01",
            "fact fact v: the fact `v` must be checked again by 2026-12-01",
        ),
        (
            "review_by = 2026-11-23",
            "fact fact v: the fact `v` must be checked again by 2026-11-23",
        ),
        (
            "review_by = 2026-11-22",
            "fact! fact v: the fact `v` had to be checked again by 2026-11-22, so its messages are held",
        ),
        ("review_by = 2026-11-22\nstatus = 'disputed'", ""),
    ] {
        let mut world = World::new();
        world.campaign = campaign(&fact(rest));
        assert_eq!(world.said().join("\n"), expected, "{rest}");
    }
}

#[test]
fn a_queue_is_said_three_days_before_it_runs_dry() {
    let queue = |count: u32, rest: &str| {
        let messages = (0..count).map(|n| format!("[[message]]\nid = 'q{n}'\ntext = 'words {n}'\n"));
        campaign(&format!(
            "slots = ['0 9 * * *']\n{rest}\n{}",
            messages.collect::<String>()
        ))
    };
    let dry = |campaign: &Campaign| dry_days(campaign, &roster(), &Past::default(), Duration::ZERO, now());
    let account: AccountName = "main".parse().unwrap();
    // Slots on the 24th, 25th and 26th.
    assert_eq!(
        dry(&queue(2, "")).get(&account).map(Date::to_string).as_deref(),
        Some("2026-11-26")
    );
    assert!(dry(&queue(3, "")).is_empty());
    assert!(dry(&queue(0, "")).is_empty(), "nobody uses the queue");
    assert!(
        dry(&queue(
            2,
            "allow = { queue-runs-dry = 'it ends with the hearing' }"
        ))
        .is_empty()
    );

    let mut world = World::new();
    world.dry.insert(account, "2026-11-26".parse().unwrap());
    assert_eq!(
        world.said(),
        [
            "queue queue main: the queue of main runs dry: on 2026-11-26 there is a slot and nothing left to say"
        ]
    );
}

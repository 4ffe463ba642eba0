//! An adapter that panics (reliability S15): its posts come to rest, everybody else's go out, and nothing spins.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use steadfast::campaign::Roster;
use steadfast::campaign::assemble::assemble;
use steadfast::clock::{Clock, SystemClock};
use steadfast::daemon::brake::Brake;
use steadfast::daemon::{self, NoMedia, Outlet, World};
use steadfast::ledger::sqlite::Sqlite;
use steadfast::ledger::{Filter, Ledger, Post};
use steadfast::platform::{Among, Outgoing, Platform, Prepared, Sealed};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::post::state::State;
use steadfast::settings::InDoubt;
use steadfast::text::limits::{Doubt, Limits};
use tokio_util::sync::CancellationToken;

/// The real clocks, and no chance: a back-off is its shortest, a second.
struct Soon;

impl Clock for Soon {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
    fn uptime(&self) -> Duration {
        SystemClock.uptime()
    }
    fn awake(&self) -> Duration {
        SystemClock.awake()
    }
    fn dice(&self) -> f64 {
        0.0
    }
}

/// Panics where the text says so.
struct Faulty {
    limits: Limits,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    fn panics_if(&self, text: &str, is: &str) {
        if text.contains(is) {
            self.calls.fetch_add(1, Ordering::SeqCst);
            panic!("a fault in the adapter");
        }
    }
}

#[async_trait]
impl Platform for Faulty {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        self.panics_if(&out.part.text, "in prepare");
        Ok(Prepared {
            path: String::new(),
            body: out.part.text.clone(),
        })
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        self.panics_if(&sealed.prepared.body, "in publish");
        if sealed.prepared.body.contains("in find") {
            return Err(Failure::new(Class::InDoubt, "no answer"));
        }
        Ok(Receipt::named("1", None))
    }

    async fn find(&self, sealed: &Sealed, _: &Among) -> Result<Found, Failure> {
        self.panics_if(&sealed.prepared.body, "in find");
        Ok(Found::Absent)
    }
}

async fn the_post_of(ledger: &dyn Ledger, message: &str) -> Option<Post> {
    let filter = Filter {
        message: Some(message.to_owned()),
        ..Filter::default()
    };
    ledger.history(&filter).await.unwrap().pop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s15_an_adapter_that_panics_holds_its_posts_and_takes_nobody_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger: Arc<dyn Ledger> =
        Arc::new(Sqlite::create(&folder.path().join("steadfast.db")).await.unwrap());
    let clock: Arc<dyn Clock> = Arc::new(Soon);
    let read_back = Limits {
        doubt: Doubt::ReadBack {
            settle: Duration::from_mins(10),
        },
        ..support::mastodon()
    };
    let accounts = [
        ("faulty", support::bluesky()),
        ("asked", read_back),
        ("sound", support::mastodon()),
    ];
    let roster = Roster {
        accounts: accounts
            .iter()
            .map(|(name, limits)| support::account(name, limits.clone(), None))
            .collect(),
        ..Roster::default()
    };
    let mut text =
        "[campaign]\nid = \"c\"\nname = \"C\"\ntimezone = \"America/Chicago\"\nlanguage = \"en\"\n"
            .to_owned();
    for (id, to, words) in [
        ("prepare", "faulty", "a fault in prepare"),
        ("publish", "faulty", "a fault in publish"),
        ("find", "asked", "a fault in find"),
        ("well", "faulty", "words"),
        ("other", "sound", "words"),
    ] {
        write!(
            text,
            "[[message]]\nid = \"{id}\"\nto = [\"{to}\"]\npriority = \"breaking\"\ntext = \"{words}\"\n"
        )
        .unwrap();
    }
    let file = Arc::new(steadfast::campaign::read::read("all.toml", text.as_bytes()));
    let assembled = assemble(&[file], &roster, clock.now(), &support::World::default());
    let (_campaigns, latest) = tokio::sync::watch::channel(Arc::new(assembled.campaign.unwrap()));

    let calls = Arc::new(AtomicUsize::new(0));
    let outlet = |account: &steadfast::campaign::Account| Outlet {
        account: account.clone(),
        platform: Box::new(Faulty {
            limits: (*account.limits).clone(),
            calls: Arc::clone(&calls),
        }),
        in_doubt: InDoubt::Auto,
        engagement: false,
    };
    let world = World {
        ledger: Arc::clone(&ledger),
        clock,
        outlets: Arc::new(roster.accounts.iter().map(outlet).collect()),
        roster: Arc::new(roster),
        media: Arc::new(NoMedia),
        dates: steadfast::platform::dates::Dates::default(),
        brake: Arc::new(Brake::new([folder.path()], None)),
        ballast: daemon::ballast::Ballast::default(),
        pulse: Arc::default(),
        workers: 4,
        late: Duration::from_hours(2),
        approval: None,
        alerts: Arc::default(),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(daemon::run(world, latest, stop.clone(), || {}));
    let began = Instant::now();
    for (message, state, why) in [
        ("well", State::Sent, ""),
        ("other", State::Sent, ""),
        (
            "prepare",
            State::Held,
            "the program failed 3 times while it prepared this",
        ),
        (
            "publish",
            State::Held,
            "in doubt: the program failed 3 times while it sent this",
        ),
    ] {
        loop {
            let post = the_post_of(&*ledger, message).await;
            if post.as_ref().is_some_and(|post| post.standing.state == state) {
                let said = post.unwrap().standing.why.unwrap_or_default();
                assert!(said.starts_with(why), "{said}");
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{message}: {post:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    // It is asked after 5 s, and not again and again.
    while calls.load(Ordering::SeqCst) < 7 {
        assert!(began.elapsed() < Duration::from_secs(30), "it was never asked");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(calls.load(Ordering::SeqCst), 7, "three, three, and one so far");
    let asked = the_post_of(&*ledger, "find").await.unwrap();
    assert_eq!(
        (asked.standing.state, asked.standing.crashes),
        (State::InDoubt, 1)
    );
    stop.cancel();
    running.await.unwrap().unwrap();
}

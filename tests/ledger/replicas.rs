//! Several replicas on one database (reliability §2.7): they share the work, none does another's, and whoever was
//! away finds out.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection, Executor, Row};
use steadfast::campaign::approval::Approval;
use steadfast::ledger::engagement::{Counting, Reading};
use steadfast::ledger::evidence::Head;
use steadfast::ledger::postgres::{Postgres, Terms, Uptime};
use steadfast::ledger::session::{Session, SessionStep, Sessions};
use steadfast::ledger::token::{Step, Tokens};
use steadfast::ledger::{
    Approving, Fence, Filter, Intended, Intent, Ledger, LedgerError, Pace, Post, Scope, Voice,
};
use steadfast::post::digest::Digest;
use steadfast::post::engagement::Counts;
use steadfast::post::identity::PostId;
use steadfast::post::outcome::{Class, Failure};
use steadfast::post::state::State;

use crate::postgres::{server, uptime};
use crate::server::{Server, shared};
use crate::support::*;
use crate::tokens::words as words_of_a_token;

/// A database with tables in it, and those who share it.
struct Shared {
    name: String,
    looking: PgPool,
}

/// Nothing runs out while a test goes on.
fn lasting() -> Terms {
    Terms::default()
}

/// A lease that is not renewed, and runs out at once.
fn fleeting() -> Terms {
    Terms {
        lease: Duration::from_millis(200),
        renew: Duration::from_hours(1),
        spare: Duration::from_millis(10),
        request: Duration::from_millis(50),
        settle: Duration::from_millis(50),
        ..Terms::default()
    }
}

impl Shared {
    async fn new() -> Self {
        let name = shared().database().await;
        drop(Postgres::create(&server(&name)).await.unwrap());
        let looking = PgPool::connect(&shared().url(&name)).await.unwrap();
        Self { name, looking }
    }

    async fn join(&self, name: &str, terms: Terms) -> Postgres {
        Postgres::join(&server(&self.name), name, terms, uptime())
            .await
            .unwrap()
    }

    /// Somebody who speaks and does not send.
    async fn command(&self) -> Postgres {
        Postgres::open(&server(&self.name)).await.unwrap()
    }

    async fn record(&self, count: usize) -> Vec<PostId> {
        let posts: Vec<_> = (0..count).map(|n| new(&format!("m{n}"))).collect();
        self.command().await.record(posts, at(0)).await.unwrap()
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.looking).await.unwrap()
    }
}

async fn claims(ledger: &Postgres, limit: u32) -> Vec<Post> {
    ledger.claim(&mastodon(), at(1), &[], limit).await.unwrap()
}

/// The intent of a post as it was claimed.
fn for_claimed(post: &Post) -> Intent {
    Intent {
        from: post.standing.state,
        fence: post.fence,
        ..intent(post.id)
    }
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is().await {
        assert!(start.elapsed() < Duration::from_secs(20), "{what} does not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_has_claimed_no_other_gets_and_all_is_shared() {
    let db = Shared::new().await;
    let ids = db.record(600).await;
    let replicas = [db.join("one", lasting()).await, db.join("two", lasting()).await];
    let takes = |ledger: Postgres| async move {
        let mut taken = HashSet::new();
        loop {
            let before = taken.len();
            for post in claims(&ledger, 256).await {
                let id = post.id;
                if taken.insert(id) {
                    assert_eq!(
                        ledger.intend(for_claimed(&post)).await.unwrap(),
                        Intended::Durable
                    );
                }
            }
            if taken.len() == before {
                return taken;
            }
        }
    };
    let [one, two] = replicas;
    let (one, two) = tokio::join!(takes(one), takes(two));
    assert!(one.is_disjoint(&two));
    assert_eq!(one.len() + two.len(), ids.len());
    assert!(
        one.len() > 100 && two.len() > 100,
        "{} and {}",
        one.len(),
        two.len()
    );
    assert_eq!(db.count("SELECT max(attempts) FROM post").await, 1);
}

#[tokio::test]
async fn what_is_given_back_or_ended_is_free_for_the_others() {
    let db = Shared::new().await;
    db.record(1).await;
    let (one, two) = (db.join("one", lasting()).await, db.join("two", lasting()).await);
    let mine = claims(&one, 9).await.remove(0);
    assert!(claims(&two, 9).await.is_empty());
    assert_eq!(
        claims(&one, 9).await,
        std::slice::from_ref(&mine),
        "the same once more, as it was"
    );
    one.let_go(vec![(mine.id, mine.fence)]).await.unwrap();
    let theirs = claims(&two, 9).await.remove(0);
    assert_eq!(one.intend(for_claimed(&mine)).await.unwrap(), Intended::Refused);

    assert_eq!(two.intend(for_claimed(&theirs)).await.unwrap(), Intended::Durable);
    let mut again = conclusion(theirs.id, State::Sending, State::Retrying);
    again.fence = theirs.fence.next();
    assert!(two.conclude(again).await.unwrap());
    let retried = claims(&one, 9).await.remove(0);
    assert_eq!(retried.standing.state, State::Retrying);

    // One that says good-bye leaves nothing behind.
    one.leave().await.unwrap();
    assert_eq!(claims(&two, 9).await.len(), 1);
}

#[tokio::test]
async fn the_next_part_of_a_thread_stays_in_the_same_hands() {
    let db = Shared::new().await;
    let id = db.record(1).await[0];
    let (one, two) = (db.join("one", lasting()).await, db.join("two", lasting()).await);
    let post = claims(&one, 9).await.remove(0);
    one.intend(for_claimed(&post)).await.unwrap();
    let mut half = conclusion(id, State::Sending, State::Due);
    (half.fence, half.keep, half.to.part, half.receipt) = (post.fence.next(), true, 1, Some(receipt("r")));
    assert!(one.conclude(half).await.unwrap());
    assert!(claims(&two, 9).await.is_empty());
    assert_eq!(claims(&one, 9).await[0].standing.part, 1);
}

#[tokio::test]
async fn s17_one_that_was_away_finds_its_claims_fenced() {
    let db = Shared::new().await;
    db.record(1).await;
    let (one, two) = (db.join("one", fleeting()).await, db.join("two", lasting()).await);
    let mine = claims(&one, 9).await.remove(0);
    let theirs = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            if let Some(post) = claims(&two, 9).await.pop() {
                return post;
            }
        }
    })
    .await
    .unwrap();
    assert!(!one.trusted());
    assert_eq!(one.intend(for_claimed(&mine)).await.unwrap(), Intended::Refused);
    assert_eq!(two.intend(for_claimed(&theirs)).await.unwrap(), Intended::Durable);
}

#[tokio::test]
async fn trust_ends_a_request_before_the_lease_does_and_sleep_counts() {
    let db = Shared::new().await;
    let clock = Arc::new(AtomicU64::new(1_000));
    let reading = Arc::clone(&clock);
    let uptime: Uptime = Arc::new(move || Duration::from_secs(reading.load(Ordering::SeqCst)));
    let one = Postgres::join(&server(&db.name), "one", lasting(), uptime)
        .await
        .unwrap();
    // 60 s of lease, less 10 s to spare and the 30 s that a request can take (§2.7).
    clock.store(1_019, Ordering::SeqCst);
    assert!(one.trusted());
    clock.store(1_020, Ordering::SeqCst);
    assert!(!one.trusted());
    assert!(!db.command().await.trusted(), "who has no seat never sends");
}

#[tokio::test]
async fn a_lease_is_renewed_and_trusted_again() {
    let db = Shared::new().await;
    // Long enough for a busy machine to be in time.
    let terms = Terms {
        lease: Duration::from_secs(1),
        renew: Duration::from_millis(200),
        wake: Duration::from_millis(300),
        ..fleeting()
    };
    let one = db.join("one", terms).await;
    for _ in 0..20 {
        assert!(one.trusted());
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    // It had run out, whatever the reason: nothing is begun for a while.
    db.looking
        .execute("UPDATE replica SET lease_until = clock_timestamp() - interval '1 s'")
        .await
        .unwrap();
    until("distrust", async || !one.trusted()).await;
    let lost = Instant::now();
    until("trust", async || one.trusted()).await;
    assert!(
        lost.elapsed() > Duration::from_millis(200),
        "{:?}",
        lost.elapsed()
    );
}

#[tokio::test]
async fn what_another_was_sending_is_taken_over_after_its_lease_a_request_and_a_while() {
    let db = Shared::new().await;
    let id = db.record(1).await[0];
    let terms = Terms {
        settle: Duration::from_millis(500),
        ..fleeting()
    };
    let began = Instant::now();
    let (one, two) = (
        db.join("one", terms).await,
        db.join(
            "two",
            Terms {
                lease: Duration::from_mins(1),
                ..terms
            },
        )
        .await,
    );
    let post = claims(&one, 9).await.remove(0);
    one.intend(for_claimed(&post)).await.unwrap();
    assert!(two.orphans(true).await.unwrap().is_empty(), "it lives");
    assert!(
        one.orphans(false).await.unwrap().is_empty(),
        "what we have in hand ourselves is none"
    );
    let orphans = tokio::time::timeout(Duration::from_secs(9), async {
        loop {
            let orphans = two.orphans(false).await.unwrap();
            if !orphans.is_empty() {
                return orphans;
            }
        }
    })
    .await
    .unwrap();
    assert!(
        began.elapsed() > Duration::from_millis(700),
        "{:?}",
        began.elapsed()
    );
    assert!(orphans[0].foreign && orphans[0].post.id == id);
    assert_eq!(two.orphans(false).await.unwrap(), orphans, "until it is settled");

    // The first one's answer comes too late, and the second one's counts.
    let mut late = accepted(id, "r");
    late.fence = post.fence.next();
    assert!(!one.conclude(late.clone()).await.unwrap());
    late.fence = orphans[0].post.fence;
    assert!(two.conclude(late).await.unwrap());
    assert!(two.orphans(false).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_restarted_replica_finds_its_own_and_what_it_had_taken_over_stays_anothers() {
    let db = Shared::new().await;
    db.record(2).await;
    let (one, two) = (db.join("one", fleeting()).await, db.join("two", lasting()).await);
    let theirs = claims(&one, 1).await.remove(0);
    one.intend(for_claimed(&theirs)).await.unwrap();
    let ours = claims(&two, 1).await.remove(0);
    two.intend(for_claimed(&ours)).await.unwrap();
    // Soon enough for a test: how long a lost replica is left alone is its finder's to say.
    drop(two);
    bury(&db, "two").await;
    let two = db
        .join(
            "two",
            Terms {
                lease: Duration::from_mins(1),
                ..fleeting()
            },
        )
        .await;
    let found = |orphans: Vec<steadfast::ledger::Orphan>| -> Vec<(PostId, bool)> {
        sorted(
            orphans
                .into_iter()
                .map(|orphan| (orphan.post.id, orphan.foreign))
                .collect(),
        )
    };
    let mut first = found(two.orphans(true).await.unwrap());
    until("the lease of one to run out", async || {
        first = found(two.orphans(false).await.unwrap());
        first.len() == 2
    })
    .await;
    assert_eq!(first, sorted(vec![(ours.id, false), (theirs.id, true)]));
    // It dies over them: whose they were is still known.
    drop(two);
    bury(&db, "two").await;
    let two = db.join("two", lasting()).await;
    assert_eq!(found(two.orphans(true).await.unwrap()), first);
}

/// As if the process that has this seat had died a while ago.
async fn bury(db: &Shared, name: &str) {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    sqlx::query("UPDATE replica SET pid = $1 WHERE name = $2 AND ended IS NULL")
        .bind(i64::from(child.id()))
        .bind(name)
        .execute(&db.looking)
        .await
        .unwrap();
}

#[tokio::test]
async fn s12_a_second_of_the_same_name_is_refused_unless_the_first_is_surely_dead() {
    let db = Shared::new().await;
    let one = db.join("one", fleeting()).await;
    let refused = |taken: &Result<(), LedgerError>, pid: u32| matches!(taken, Err(LedgerError::Taken(Some(who))) if *who == format!("replica one, pid {pid}"));
    let again = async |terms| {
        Postgres::join(&server(&db.name), "one", terms, uptime())
            .await
            .map(drop)
    };
    assert!(refused(&again(lasting()).await, std::process::id()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let taken = again(lasting()).await;
    assert!(
        refused(&taken, std::process::id()),
        "it is frozen, not dead: {taken:?}"
    );
    // Out of sight: its lease alone tells.
    let elsewhere = "UPDATE replica SET boot = 'elsewhere', lease_until = clock_timestamp() + interval '1 h'";
    db.looking.execute(elsewhere).await.unwrap();
    assert!(refused(&again(lasting()).await, std::process::id()));
    db.looking
        .execute("UPDATE replica SET lease_until = clock_timestamp()")
        .await
        .unwrap();
    let two = db.join("one", lasting()).await;
    assert!(two.trusted());
    db.record(1).await;
    assert!(
        claims(&one, 9).await.is_empty(),
        "one that was replaced takes nothing"
    );
    assert_eq!(claims(&two, 9).await.len(), 1);
    drop(two);
    bury(&db, "one").await;
    again(lasting()).await.unwrap();
    drop(one);
}

#[tokio::test]
async fn one_plans_and_another_takes_over_when_it_is_gone() {
    let db = Shared::new().await;
    let terms = Terms {
        planner: Duration::from_millis(1_500),
        ..lasting()
    };
    let (one, two) = (db.join("one", terms).await, db.join("two", terms).await);
    assert!(one.leads().await.unwrap().is_some());
    for _ in 0..50 {
        assert!(
            two.leads().await.unwrap().is_none(),
            "it is renewed while it is led by"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    one.record(vec![new("a")], at(0)).await.unwrap();
    let not_ours = two.record(vec![new("b")], at(0)).await;
    assert!(matches!(not_ours, Err(LedgerError::NotPlanning)), "{not_ours:?}");
    drop(one);
    let gone = Instant::now();
    until("the other's turn", async || two.leads().await.unwrap().is_some()).await;
    assert!(gone.elapsed() < Duration::from_secs(5), "{:?}", gone.elapsed());
    // Its turn is short, and on a busy machine over before it has recorded anything: then it takes another.
    until("the other to record", async || {
        two.leads().await.unwrap().is_some() && two.record(vec![new("b")], at(0)).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_planner_that_was_frozen_must_not_plan() {
    let db = Shared::new().await;
    let (one, two) = (db.join("one", lasting()).await, db.join("two", lasting()).await);
    let first = one.leads().await.unwrap();
    assert!(first.is_some());
    let id = one.record(vec![new("a")], at(0)).await.unwrap()[0];
    until("the other's turn", async || {
        let frozen = "UPDATE planner SET until = '-infinity'";
        db.looking.execute(frozen).await.unwrap();
        two.leads().await.unwrap().is_some()
    })
    .await;
    // It does not know yet.
    let planned = one.record(vec![new("b")], at(0)).await;
    let unplanned = one.unplan(vec![id], at(0)).await;
    assert!(matches!(planned, Err(LedgerError::NotPlanning)), "{planned:?}");
    assert!(
        matches!(unplanned, Err(LedgerError::NotPlanning)),
        "{unplanned:?}"
    );
    assert!(one.post(id).await.unwrap().is_some());
    assert!(one.leads().await.unwrap().is_none());
    // And when it has its turn again, that is another one: it reads everything anew first.
    two.leave().await.unwrap();
    let again = one.leads().await.unwrap();
    assert!(again.is_some() && again != first, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_hold_is_said_no_replica_writes_another_intent() {
    let db = Shared::new().await;
    db.record(2000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut sending = tokio::task::JoinSet::new();
    for name in ["one", "two"] {
        let ledger = Arc::new(db.join(name, lasting()).await);
        for _ in 0..4 {
            let (ledger, stop) = (Arc::clone(&ledger), Arc::clone(&stop));
            sending.spawn(async move {
                let mut refused = 0;
                while !stop.load(Ordering::SeqCst) && refused < 200 {
                    for post in claims(&ledger, 20).await {
                        if ledger.intend(for_claimed(&post)).await.unwrap() == Intended::Refused {
                            refused += 1;
                        }
                    }
                }
            });
        }
    }
    let command = db.command().await;
    let sent = "SELECT count(*) FROM attempt";
    for round in 0..5 {
        until("something sent", async || db.count(sent).await > 100 * round).await;
        let asked = Instant::now();
        command.hold(&Scope::All, "stop", "ann", at(2)).await.unwrap();
        let took = asked.elapsed();
        let before = db.count(sent).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(db.count(sent).await, before, "round {round}");
        assert!(took < Duration::from_secs(2), "{took:?}");
        command
            .release(&Scope::All, "ann", None, None, at(3))
            .await
            .unwrap();
        let hold = command.holds().await.unwrap().remove(0);
        command
            .settle(&hold, steadfast::campaign::AfterHold::Send, at(3))
            .await
            .unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    while let Some(done) = sending.join_next().await {
        done.unwrap();
    }
    assert_eq!(db.count("SELECT max(attempts) FROM post").await, 1);
}

#[tokio::test]
async fn a_word_reaches_every_replica_at_once_and_one_that_does_not_answer_is_named() {
    let db = Shared::new().await;
    let (one, two) = (db.join("one", lasting()).await, db.join("two", lasting()).await);
    let heard = |daemons: Vec<steadfast::ledger::Daemon>| -> Vec<(String, i64)> {
        daemons
            .into_iter()
            .map(|daemon| (daemon.name, daemon.heard))
            .collect()
    };
    // Begins to listen.
    one.listen().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    one.listen().await;
    let command = db.command().await;
    let rung = command.ring().await.unwrap();
    let asked = Instant::now();
    one.listen().await;
    assert!(
        asked.elapsed() < Duration::from_millis(500),
        "{:?}",
        asked.elapsed()
    );
    one.heard(one.bell().await.unwrap()).await.unwrap();
    assert_eq!(
        heard(command.daemons().await.unwrap()),
        [("one".to_owned(), rung), ("two".to_owned(), 0)]
    );
    two.leave().await.unwrap();
    assert_eq!(heard(command.daemons().await.unwrap()).len(), 1);
    // Where nothing can be heard, one looks after a second at most.
    let asked = Instant::now();
    one.listen().await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accounts_pace_holds_across_replicas() {
    let db = Shared::new().await;
    db.record(40).await;
    let replicas = [db.join("one", lasting()).await, db.join("two", lasting()).await];
    let gap = Duration::from_mins(20);
    let pace = |max_per_day| Pace {
        min_gap: if max_per_day == 0 { gap } else { Duration::ZERO },
        max_per_day: Some(max_per_day).filter(|most| *most > 0),
        day: (at(-60), at(600)),
    };
    let tries = async |ledger: &Postgres, pace: Pace| {
        let mut intended = Vec::new();
        for post in claims(ledger, 5).await {
            let paced = Intent {
                pace: Some(pace),
                ..for_claimed(&post)
            };
            intended.push(ledger.intend(paced).await.unwrap());
        }
        intended
    };
    let both = async |pace| {
        let (mut one, two) = tokio::join!(tries(&replicas[0], pace), tries(&replicas[1], pace));
        one.extend(two);
        one
    };
    // At the same instant, one goes out of all; the others are told when.
    let intended = both(pace(0)).await;
    assert_eq!(intended.len(), 10);
    let free = at(1)
        .saturating_add(SignedDuration::try_from(gap).unwrap())
        .unwrap();
    let told = intended.iter().filter(|i| **i == Intended::NotYet(free)).count();
    assert_eq!(told, 9, "{intended:?}");
    // Four a day, one of which is out.
    let intended = both(pace(4)).await;
    let durable = intended.iter().filter(|i| **i == Intended::Durable).count();
    assert_eq!(durable, 3, "{intended:?}");

    // A platform's own wait holds for all, too.
    replicas[0].account_waits(&mastodon(), at(9)).await.unwrap();
    let post = claims(&replicas[1], 1).await.remove(0);
    let waits = replicas[1].intend(for_claimed(&post)).await.unwrap();
    assert_eq!(waits, Intended::NotYet(at(9)));
}

#[tokio::test]
async fn s18_an_answer_whose_commit_was_not_heard_of_is_the_same_when_it_is_said_again() {
    let db = Shared::new().await;
    let id = db.record(1).await[0];
    let one = db.join("one", lasting()).await;
    let post = claims(&one, 1).await.remove(0);
    one.intend(for_claimed(&post)).await.unwrap();
    let mut answer = accepted(id, "r");
    answer.fence = post.fence.next();
    assert!(one.conclude(answer.clone()).await.unwrap());
    let events = "SELECT count(*) FROM event";
    let before = (db.count(events).await, one.post(id).await.unwrap());
    assert!(one.conclude(answer.clone()).await.unwrap());
    assert_eq!((db.count(events).await, one.post(id).await.unwrap()), before);
    answer.to.state = State::Rejected;
    assert!(!one.conclude(answer).await.unwrap(), "another answer is another");
}

#[tokio::test]
async fn s19_a_server_that_commits_lazily_commits_our_writes_at_once() {
    let db = Shared::new().await;
    let watch = format!(
        "CREATE TABLE how (setting text); CREATE FUNCTION how() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO how VALUES (current_setting('synchronous_commit') || ' ' || \
         current_setting('transaction_isolation')); RETURN NULL; END $$; \
         CREATE TRIGGER how AFTER INSERT OR UPDATE ON post FOR EACH STATEMENT EXECUTE FUNCTION how(); \
         ALTER DATABASE {0} SET synchronous_commit = off; \
         ALTER DATABASE {0} SET default_transaction_isolation = 'serializable'",
        db.name
    );
    for sql in watch.split_inclusive("; ALTER") {
        let sql = sql.trim_end_matches("; ALTER");
        let sql = if sql.starts_with(" DATABASE") {
            format!("ALTER{sql}")
        } else {
            sql.to_owned()
        };
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&db.looking)
            .await
            .unwrap();
    }
    let mut fresh = PgConnection::connect(&shared().url(&db.name)).await.unwrap();
    let lazy: String = sqlx::query_scalar("SHOW synchronous_commit")
        .fetch_one(&mut fresh)
        .await
        .unwrap();
    assert_eq!(lazy, "off");
    let id = db.record(1).await[0];
    let one = db.join("one", lasting()).await;
    let post = claims(&one, 1).await.remove(0);
    one.intend(for_claimed(&post)).await.unwrap();
    let mut answer = accepted(id, "r");
    answer.fence = post.fence.next();
    one.conclude(answer).await.unwrap();
    let rows = sqlx::query("SELECT DISTINCT setting FROM how")
        .fetch_all(&db.looking)
        .await
        .unwrap();
    let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen, ["on read committed"]);
}

#[tokio::test]
async fn s16_the_server_goes_away_and_comes_back() {
    let server = Server::start();
    let name = server.database().await;
    let at_home = |url: String| steadfast::ledger::postgres::Server::parse(&url.into(), None).unwrap();
    let place = at_home(server.url(&name));
    drop(Postgres::create(&place).await.unwrap());
    let terms = Terms {
        renew: Duration::from_millis(100),
        ..lasting()
    };
    let one = Postgres::join(&place, "one", terms, uptime()).await.unwrap();
    one.leads().await.unwrap();
    let id = one.record(vec![new("a")], at(0)).await.unwrap()[0];
    one.listen().await;
    server.down();
    let asked = Instant::now();
    assert!(one.bell().await.is_err());
    assert!(one.claim(&mastodon(), at(1), &[], 9).await.is_err());
    assert!(one.intend(intent(id)).await.is_err());
    assert!(one.hold(&Scope::All, "stop", "ann", at(1)).await.is_err());
    one.listen().await;
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    server.up();
    until("its answer", async || {
        one.leads().await.is_ok_and(|term| term.is_some())
    })
    .await;
    one.record(vec![new("b")], at(0)).await.unwrap();
    let posts = claims(&one, 9).await;
    assert_eq!(posts.len(), 2);
    assert_eq!(
        one.intend(for_claimed(&posts[0])).await.unwrap(),
        Intended::Durable
    );
    assert!(
        one.holds().await.unwrap().is_empty(),
        "what was not acknowledged is not there"
    );
    assert!(one.trusted());
}

#[tokio::test]
async fn each_replica_has_a_chain_of_its_own_that_nobody_can_change() {
    let db = Shared::new().await;
    db.record(4).await;
    let (one, two) = (db.join("one", lasting()).await, db.join("two", lasting()).await);
    for ledger in [&one, &two] {
        for post in claims(ledger, 2).await {
            ledger.intend(for_claimed(&post)).await.unwrap();
            let mut answer = accepted(post.id, &post.id.to_string());
            answer.fence = post.fence.next();
            answer.to.why = Some("with a \0 in it".to_owned());
            answer.failure = Some(Failure::new(Class::Transient, "x\0y \\u0000"));
            ledger.conclude(answer).await.unwrap();
        }
    }
    let mut chains: Vec<(String, Head)> = Vec::new();
    let mut after: Option<(String, i64)> = None;
    loop {
        let page = one
            .events(after.as_ref().map(|(chain, seq)| (chain.as_str(), *seq)), 3)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.chain.clone(), last.seq));
        for event in page {
            if chains.last().is_none_or(|(chain, _)| *chain != event.chain) {
                chains.push((event.chain.clone(), Head::new(&event.chain)));
            }
            chains.last_mut().unwrap().1.follow(&event).unwrap();
        }
    }
    let lengths: Vec<(&str, i64)> = chains
        .iter()
        .map(|(chain, head)| (chain.as_str(), head.seq))
        .collect();
    assert_eq!(lengths, [("commands", 4), ("one", 4), ("two", 4)]);
    assert_eq!(one.newest().await.unwrap(), Some(at(2)));
    for sql in [
        "UPDATE event SET data = '{}'",
        "DELETE FROM event",
        "TRUNCATE event",
    ] {
        let refused = db.looking.execute(sql).await.unwrap_err().to_string();
        assert!(refused.contains("only ever appended to"), "{refused}");
    }
}

#[tokio::test]
async fn s10_a_database_without_tables_is_no_ledger_and_one_that_is_newer_is_refused() {
    let name = shared().database().await;
    let place = server(&name);
    for opened in [
        Postgres::open(&place).await.map(drop),
        Postgres::join(&place, "one", lasting(), uptime()).await.map(drop),
    ] {
        assert!(
            matches!(&opened, Err(LedgerError::Missing(at)) if at.ends_with(&name)),
            "{opened:?}"
        );
    }
    // At once, as two machines would.
    let (one, two) = tokio::join!(Postgres::create(&place), Postgres::create(&place));
    (one.unwrap(), two.unwrap()).0.check().await.unwrap();
    let mut past = shared().connect(&name).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (9999, 'later', true, '\\x00', 0)";
    past.execute(newer).await.unwrap();
    let opened = Postgres::open(&place).await.map(drop);
    assert!(matches!(opened, Err(LedgerError::Newer)), "{opened:?}");
}

/// A file with something in every table.
async fn filled(path: &std::path::Path) -> steadfast::ledger::sqlite::Sqlite {
    let file = steadfast::ledger::sqlite::Sqlite::create(path).await.unwrap();
    let mut posts: Vec<_> = (0..1500).map(|n| new(&format!("m{n}"))).collect();
    let by = "ann".to_owned();
    posts[0].voice = Some(Voice { act: "post", by });
    let ids = file.record(posts, at(0)).await.unwrap();
    file.know(vec![message("a"), message("b")], at(0)).await.unwrap();
    file.note("campaign", "campaign").await.unwrap();
    for (n, id) in ids.iter().take(40).enumerate() {
        let mut first = intent(*id);
        first.fence = Fence(0);
        first.prepared = Some(request("\"ø 🕊 \\u0000 {}\""));
        assert_eq!(file.intend(first).await.unwrap(), Intended::Durable);
        let mut answer = accepted(*id, &n.to_string());
        answer.fence = Fence(1);
        match n % 3 {
            0 => continue, // still under way
            1 => {
                (answer.receipt, answer.to.state) = (None, State::InDoubt);
                answer.to.unsure = Some(unsure());
                answer.failure = Some(Failure::new(Class::InDoubt, "no answer").with_status(502));
            }
            _ => {}
        }
        assert!(file.conclude(answer).await.unwrap());
    }
    let approved = |by: &str| Approval {
        message: message("a"),
        by: by.to_owned(),
        at: at(2),
        digest: Some(Digest::of(b"words")),
    };
    let words = "ø 🕊 \"words\"".to_owned();
    file.approve(vec![(approved("ann"), words.clone()), (approved("ben"), words)])
        .await
        .unwrap();
    file.hold(&Scope::Account(mastodon()), "wait", "ann", at(3))
        .await
        .unwrap();
    file.account_waits(&mastodon(), at(9)).await.unwrap();
    file.ring().await.unwrap();
    let signed = Step::SignedIn(words_of_a_token("sealed", Some("sealed too")));
    file.step_token(&mastodon(), signed, at(3)).await.unwrap();
    let signed_in = SessionStep::Begun {
        session: Session {
            id: Digest::of(b"secret"),
            user: "ann".to_owned(),
            password: Digest::of(b"line"),
            began: at(3),
            seen: at(3),
        },
        began_after: at(0),
        seen_after: at(0),
        most: 9,
    };
    file.step_session(signed_in).await.unwrap();
    let any = Filter {
        limit: Some(1),
        ..Filter::default()
    };
    let counted = file.history(&any).await.unwrap()[0].id;
    let counts = Counts {
        likes: Some(3),
        ..Counts::default()
    };
    let reading = Reading {
        post: counted,
        at: at(60),
        counts,
    };
    file.count(vec![reading]).await.unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_moved_from_its_file_with_nothing_lost() {
    use steadfast::ledger::copy::copy;
    use steadfast::ledger::sqlite::Lock;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    let file = filled(&path).await;
    let place = server(&shared().database().await);
    let lock = Lock::take(&path).unwrap();
    let running = copy(&path, &place, at(5)).await;
    assert!(matches!(running, Err(LedgerError::Taken(_))), "{running:?}");
    drop(lock);

    let done = copy(&path, &place, at(5)).await.unwrap();
    let moved = Postgres::join(&place, "one", lasting(), uptime()).await.unwrap();
    assert_eq!(everything(&moved).await, everything(&file).await);
    let rows: std::collections::BTreeMap<_, _> = done.rows.iter().copied().collect();
    assert_eq!((rows["post"], rows["attempt"], rows["part"]), (1500, 40, 40));
    assert!(done.rows.iter().all(|(_, count)| *count > 0), "{:?}", done.rows);
    let theirs: Vec<_> = moved.events(None, 10_000).await.unwrap();
    let ours: Vec<_> = file.events(None, theirs.len().try_into().unwrap()).await.unwrap();
    assert_eq!(theirs, ours);

    // Only one of the two may send, and what was under way is not forgotten.
    let holds: Vec<_> = file
        .holds()
        .await
        .unwrap()
        .into_iter()
        .map(|hold| (hold.scope, hold.by))
        .collect();
    assert!(
        holds.contains(&(Scope::All, "ledger copy".to_owned())),
        "{holds:?}"
    );
    let copied: Vec<_> = moved
        .holds()
        .await
        .unwrap()
        .into_iter()
        .map(|hold| hold.scope)
        .collect();
    assert_eq!(copied, [Scope::Account(mastodon())]);
    let orphans = moved.orphans(true).await.unwrap();
    assert!(
        orphans.len() == 14 && orphans.iter().all(|orphan| !orphan.foreign),
        "{}",
        orphans.len()
    );
    // A hold that is said from now on is another one.
    moved.hold(&Scope::All, "stop", "ann", at(6)).await.unwrap();
    let said = moved.approvals().await.unwrap();
    moved
        .approve(vec![(said[0].clone(), String::new())])
        .await
        .unwrap();
    assert_eq!(moved.approvals().await.unwrap().len(), said.len() + 1);

    // Never over anything.
    let again = copy(&path, &place, at(7)).await;
    assert!(
        matches!(&again, Err(LedgerError::Broken(why)) if why.contains("is not empty")),
        "{again:?}"
    );
}

/// All that a ledger tells, in one piece.
async fn everything(ledger: &dyn Ledger) -> impl PartialEq + std::fmt::Debug + use<> {
    let posts = ledger.history(&Filter::default()).await.unwrap();
    let mut parts = Vec::new();
    for post in &posts {
        parts.push(ledger.parts(post.id).await.unwrap());
    }
    let past = ledger.past(&[message("m1")], at(5)).await.unwrap();
    (
        (posts, parts, ["a", "b"].map(|id| past.known.get(&message(id)))),
        ledger.waits().await.unwrap(),
        ledger.approvals().await.unwrap(),
        ledger.tokens(None).await.unwrap(),
        ledger.approved_last(&message("a")).await.unwrap(),
        ledger.counts().await.unwrap(),
        ledger.noted("campaign").await.unwrap(),
        ledger.bell().await.unwrap(),
    )
}

#[tokio::test]
async fn a_copy_knows_every_column_of_both_engines() {
    use steadfast::ledger::copy::columns;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    drop(steadfast::ledger::sqlite::Sqlite::create(&path).await.unwrap());
    let file = sqlx::sqlite::SqlitePool::connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    let in_file = "SELECT m.name, p.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p \
        WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\'";
    let mut in_file: Vec<(String, String)> = sqlx::query_as(in_file).fetch_all(&file).await.unwrap();
    // Where a row stands is no news, and a file has one chain.
    in_file.retain(|(table, column)| (table.as_str(), column.as_str()) != ("post", "row"));
    in_file.push(("event".to_owned(), "chain".to_owned()));
    let db = Shared::new().await;
    let in_database = "SELECT table_name::text, column_name::text FROM information_schema.columns \
        WHERE table_schema = 'public' AND table_name NOT IN ('_sqlx_migrations', 'replica', 'planner')";
    let mut in_database: Vec<(String, String)> =
        sqlx::query_as(in_database).fetch_all(&db.looking).await.unwrap();
    // Nobody has anything in hand in a file.
    in_database.retain(|(table, column)| (table.as_str(), column.as_str()) != ("post", "owner"));
    let known: Vec<(String, String)> = columns().map(|(t, c)| (t.to_owned(), c.to_owned())).collect();
    assert_eq!(sorted(in_file), sorted(known.clone()));
    assert_eq!(sorted(in_database), sorted(known));
}

#[tokio::test]
async fn s20_leases_go_by_the_servers_clock_however_far_it_is_from_ours() {
    let db = Shared::new().await;
    for minutes in [5, -5] {
        // The server's clock as all connections from now on see it.
        let fake = format!(
            "CREATE SCHEMA IF NOT EXISTS fake; CREATE OR REPLACE FUNCTION fake.clock_timestamp() RETURNS timestamptz \
             LANGUAGE sql VOLATILE AS $$ SELECT pg_catalog.clock_timestamp() + interval '{minutes} min' $$; \
             ALTER DATABASE {} SET search_path = fake, pg_catalog, public",
            db.name
        );
        for sql in fake.split_inclusive("; ALTER") {
            let sql = sql.trim_end_matches("; ALTER");
            let sql = sql
                .strip_prefix(" DATABASE")
                .map_or_else(|| sql.to_owned(), |rest| format!("ALTER DATABASE{rest}"));
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&db.looking)
                .await
                .unwrap();
        }
        let one = db.join("one", lasting()).await;
        let off = one.clock().await.unwrap().unwrap().duration_since(now());
        assert!((off.as_secs() - 60 * minutes).abs() < 5, "{off:?}");
        // It is trusted, keeps what it has, and loses it when its lease runs out, and not before.
        let id = db.record(1).await;
        assert!(one.trusted());
        let post = claims(&one, 1).await.remove(0);
        let two = db.join("two", lasting()).await;
        assert!(two.orphans(false).await.unwrap().is_empty());
        assert!(claims(&two, 9).await.is_empty(), "{id:?}");
        assert_eq!(one.intend(for_claimed(&post)).await.unwrap(), Intended::Durable);
        assert!(two.orphans(false).await.unwrap().is_empty());
        let mut answer = accepted(post.id, "r");
        answer.fence = post.fence.next();
        assert!(one.conclude(answer).await.unwrap());
        one.leave().await.unwrap();
        two.leave().await.unwrap();
        sqlx::raw_sql("DELETE FROM attempt; DELETE FROM part; DELETE FROM post")
            .execute(&db.looking)
            .await
            .unwrap();
    }
}

#[allow(clippy::disallowed_methods)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

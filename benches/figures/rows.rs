//! Many posts recorded and not due: what is due must not cost more for it.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use steadfast::ledger::sqlite::Sqlite;
use steadfast::ledger::{Intended, Intent, Ledger};
use steadfast::post::identity::Identity;
use steadfast::post::sealed::{Key, Prepared};
use steadfast::post::state::State;

use crate::burst::place_for;
use crate::mock::Mock;
use crate::program::Place;
use crate::program::fake::now;
use crate::{report, rss_mb};

/// How many messages the rows belong to.
const MESSAGES: usize = 100;
/// How many posts fall due in the meantime.
const DUE: usize = 5;

pub fn rows() {
    for count in [10_000, 100_000, 1_000_000] {
        with(count);
    }
}

fn with(count: usize) {
    let mock = Mock::start();
    let place = place_for(&mock);
    let text: Vec<String> = (0..MESSAGES)
        .map(|n| {
            format!(
                "[[message]]\nid = \"m{n}\"\ncron = \"0 9 1 1 *\"\nlate = \"1m\"\ntext = \"message {n}\"\n\n"
            )
        })
        .collect();
    place.write("rows.toml", &text.concat());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(insert(&place.ledger(), count));

    let began = Instant::now();
    let mut daemon = place.start();
    place.wait("daemon.ready", 180, || !place.events("daemon.ready").is_empty());
    let ready = began.elapsed().as_secs_f64() * 1e3;
    let late = lateness(&place, &mock);
    let rss = rss_mb(&daemon);
    daemon.kill();

    let mut due = Vec::new();
    let mut claims = Vec::new();
    runtime.block_on(async {
        let ledger = Sqlite::open(&place.ledger()).await.unwrap();
        let account = "mastodon".parse().unwrap();
        for n in 0..20 {
            let began = Instant::now();
            ledger.claim(&account, now(), &[], 256).await.unwrap();
            ledger.next_ready(&account, now(), &[]).await.unwrap();
            due.push(began.elapsed().as_secs_f64() * 1e3);
            claims.push(intend(&ledger, n).await);
        }
    });

    println!("with {count} posts recorded and not due:");
    report("… start to daemon.ready", "", vec![ready], "ms");
    report("… what is due, and what next", "", due, "ms");
    report("… an intent, durable", "", claims, "ms");
    report("… one that falls due is late by", "", late, "ms");
    report("… memory", "under 300 MB", vec![rss], "MB");
}

/// Rows as `record` writes them, of posts due from 2030 on, a second apart.
async fn insert(ledger: &Path, count: usize) {
    let options = SqliteConnectOptions::new().filename(ledger);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "WITH RECURSIVE row (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n + 1 < ?1) \
         INSERT INTO post (id, message, account, platform, occurrence, due, late, recurring, breaking, file, parts, \
             content, recorded, state, not_before, changed) \
         SELECT lower(hex(randomblob(16))), 'm' || (n % ?2), 'mastodon', 'mastodon', 'row ' || n, \
             (1893456000 + n) * 1000000, 60000000, 1, 0, 'rows.toml', 1, \
             '{\"parts\":[{\"text\":\"message ' || (n % ?2) || '\"}],\"language\":\"en\"}', 0, 'due', \
             (1893456000 + n) * 1000000, 0 FROM row",
    )
    .bind(i64::try_from(count).unwrap())
    .bind(i64::try_from(MESSAGES).unwrap())
    .execute(&mut db)
    .await
    .unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
}

/// How late a few posts are, a second apart, each alone.
fn lateness(place: &Place, mock: &Mock) -> Vec<f64> {
    let first = now() + Duration::from_secs(6);
    let times: Vec<jiff::Timestamp> = (0..u32::try_from(DUE).unwrap())
        .map(|n| first + Duration::from_secs(1) * n)
        .collect();
    let text: Vec<String> = times
        .iter()
        .enumerate()
        .map(|(n, at)| format!("[[message]]\nid = \"now-{n}\"\nat = {at}\ntext = \"now {n}\"\n\n"))
        .collect();
    place.write("now.toml", &text.concat());
    mock.wait(DUE, Duration::from_mins(3));
    let arrivals = mock.arrivals();
    assert_eq!((arrivals.len(), mock.posts()), (DUE, DUE), "each exactly once");
    let late: Vec<f64> = arrivals
        .iter()
        .zip(&times)
        .map(|(arrival, at)| arrival.at.duration_since(*at).as_secs_f64() * 1e3)
        .collect();
    assert!(late.iter().all(|late| *late >= 0.0), "early: {late:?}");
    late
}

/// What the intent of one of the waiting costs.
async fn intend(ledger: &Sqlite, n: usize) -> f64 {
    let post = ledger
        .claim(
            &"mastodon".parse().unwrap(),
            "2035-01-01T00:00:00Z".parse().unwrap(),
            &[],
            1,
        )
        .await
        .unwrap()
        .remove(0);
    let identity = Identity {
        campaign: "test".parse().unwrap(),
        message: post.message.clone(),
        account: post.account.clone(),
        occurrence: post.occurrence.clone(),
    };
    let mut to = post.standing.clone();
    to.state = State::Sending;
    let key = Key {
        delivery: identity.delivery_id(0),
        due: post.due,
    };
    let prepared = Prepared {
        path: "/api/v1/statuses".to_owned(),
        body: format!("{{\"status\":\"{n}\"}}"),
    };
    let intent = Intent {
        post: post.id,
        account: post.account,
        from: post.standing.state,
        fence: post.fence,
        to,
        pace: None,
        key,
        prepared: Some(prepared),
        at: now(),
    };
    let began = Instant::now();
    assert_eq!(ledger.intend(intent).await.unwrap(), Intended::Durable);
    began.elapsed().as_secs_f64() * 1e3
}

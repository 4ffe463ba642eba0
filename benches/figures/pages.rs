//! The dashboard with much behind it: how long its pages take, and whether who looks is in the way of what is due.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::burst::place_for;
use crate::mock::Mock;
use crate::program::Place;
use crate::program::fake::now;
use crate::{report, rss_mb};

/// How many posts were sent.
const POSTS: usize = 100_000;
/// How many messages they are of.
const MESSAGES: usize = 500;
/// How often each page is asked for.
const ROUNDS: usize = 20;
/// How many ask for the first page every second.
const VISITS: u32 = 500;

pub fn pages() {
    let mock = Mock::start();
    let place = place_for(&mock);
    let text: Vec<String> = (0..MESSAGES)
        .map(|n| {
            format!(
                "[[message]]\nid = \"m{n}\"\ncron = \"0 9 {} * *\"\ntext = \"message {n}\"\n\n",
                1 + n % 28
            )
        })
        .collect();
    place.write("pages.toml", &text.concat());
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(insert(&place.ledger()));
    let daemon = place.start();
    place.wait("daemon.ready", 180, || !place.events("daemon.ready").is_empty());

    let first = get(place.port, "/").1.as_secs_f64() * 1e3;
    println!("the dashboard with {POSTS} posts sent:");
    report("… the first page of all", "", vec![first], "ms");
    for page in [
        "/",
        "/calendar",
        "/calendar?view=month",
        "/messages",
        "/messages/m7",
        "/history",
        "/history?account=mastodon&state=sent",
        "/facts",
        "/problems",
        "/insights",
        "/insights?days=365",
        "/insights/engagement.svg?days=365",
        "/metrics",
    ] {
        let rounds: Vec<(usize, Duration)> = (0..ROUNDS).map(|_| get(place.port, page)).collect();
        let took = rounds.iter().map(|(_, took)| took.as_secs_f64() * 1e3).collect();
        report(&format!("… {page}"), "under 20 ms", took, "ms");
        #[allow(clippy::cast_precision_loss)]
        let large = rounds.iter().map(|(size, _)| *size as f64 / 1e3).collect();
        report("… and its size", "under 50 kB", large, "kB");
    }
    let quiet = lateness(&place, &mock, "quiet");
    let visits = AtomicU32::new(0);
    let late = visited(place.port, &visits, || lateness(&place, &mock, "visited"));
    report("… a post alone is late by", "", quiet, "ms");
    report(
        &format!("… with {VISITS} visits a second to the first page"),
        "50 ms more at most",
        late,
        "ms",
    );
    report(
        "… visits that were answered",
        "",
        vec![f64::from(visits.load(Ordering::Relaxed))],
        "",
    );
    report("… memory after all that", "", vec![rss_mb(&daemon)], "MB");
}

/// Ten years of posts that were sent, as the engine leaves them.
async fn insert(ledger: &Path) {
    let options = SqliteConnectOptions::new().filename(ledger);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    let (posts, messages) = (i64::try_from(POSTS).unwrap(), i64::try_from(MESSAGES).unwrap());
    let newest = now().as_microsecond();
    for (sql, binds) in [
        (
            "WITH RECURSIVE nth (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM nth WHERE n < ?1) \
             INSERT INTO post (id, message, account, platform, occurrence, due, late, recurring, breaking, file, \
                 parts, content, recorded, state, not_before, part, attempts, began, sent, changed) \
             SELECT lower(hex(randomblob(16))), 'm' || (n % ?2), 'mastodon', 'mastodon', 'row ' || n, \
                 ?3 - n * 3000000000, 60000000, 1, 0, 'pages.toml', 1, \
                 '{\"parts\":[{\"text\":\"message ' || (n % ?2) || '\"}],\"language\":\"en\"}', 0, 'sent', 0, 1, 1, \
                 ?3 - n * 3000000000, ?3 - n * 3000000000, 0 FROM nth",
            vec![posts, messages, newest],
        ),
        (
            "INSERT INTO part (post, idx, key, key_due, path, body, hash, id, url, sent) \
             SELECT row, 0, id, 0, '/api/v1/statuses', '{}', '', 'id' || row, 'https://example.org/@a/' || row, sent \
             FROM post",
            vec![],
        ),
        (
            "INSERT INTO attempt (post, part, no, intended, answered, class, status) \
             SELECT row, 0, 1, sent, sent, NULL, 200 FROM post",
            vec![],
        ),
        (
            "INSERT INTO engagement (post, at, likes, shares, replies) \
             SELECT row, sent + hours * 3600000000, row % 50 * hours / (hours + 30), row % 7, row % 3 FROM post, \
                 (SELECT 1 AS hours UNION ALL SELECT 6 UNION ALL SELECT 24 UNION ALL SELECT 72 UNION ALL SELECT 168 \
                  UNION ALL SELECT 336 UNION ALL SELECT 720)",
            vec![],
        ),
    ] {
        let mut query = sqlx::query(sql);
        for bind in binds {
            query = query.bind(bind);
        }
        query.execute(&mut db).await.unwrap();
    }
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
}

/// How many bytes the answer has, and how long it took.
fn get(port: u16, path: &str) -> (usize, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let took = began.elapsed();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{path}: {}",
        String::from_utf8_lossy(&answer)
    );
    (answer.len(), took)
}

/// Runs `work` while others look at the first page, so many a second.
fn visited<T>(port: u16, visits: &AtomicU32, work: impl FnOnce() -> T) -> T {
    const VISITORS: u32 = 4;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..VISITORS {
            scope.spawn(|| {
                let pause = Duration::from_secs(1) * VISITORS / VISITS;
                let mut next = Instant::now();
                while !over.load(Ordering::Relaxed) {
                    get(port, "/");
                    visits.fetch_add(1, Ordering::Relaxed);
                    next += pause;
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}

/// How late ten posts are, half a second apart.
fn lateness(place: &Place, mock: &Mock, name: &str) -> Vec<f64> {
    const DUE: u32 = 10;
    let before = mock.arrivals().len();
    let first = now() + Duration::from_secs(6);
    let times: Vec<jiff::Timestamp> = (0..DUE).map(|n| first + Duration::from_millis(500) * n).collect();
    let text: Vec<String> = times
        .iter()
        .enumerate()
        .map(|(n, at)| format!("[[message]]\nid = \"{name}-{n}\"\nat = {at}\ntext = \"{name} {n}\"\n\n"))
        .collect();
    place.write(&format!("{name}.toml"), &text.concat());
    mock.wait(before + times.len(), Duration::from_mins(3));
    let arrivals = mock.arrivals();
    let late: Vec<f64> = arrivals[before..]
        .iter()
        .zip(&times)
        .map(|(arrival, at)| arrival.at.duration_since(*at).as_secs_f64() * 1e3)
        .collect();
    assert!(late.iter().all(|late| *late >= 0.0), "early: {late:?}");
    late
}

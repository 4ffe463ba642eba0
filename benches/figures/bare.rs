//! The limits on this machine: the same requests from a bare loop, and the same with one durable record each.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{mpsc, oneshot};

use crate::mock::Mock;
use crate::report;

/// As many posts, and as many at a time, as the daemon gets.
pub const POSTS: usize = 20_000;
const AT_A_TIME: usize = 32;

pub fn bare() {
    let rates = (0..3).map(|_| rate(false)).collect();
    report("a bare loop of requests, 32 at a time", "", rates, "posts/s");
}

pub fn bare_durable() {
    let rates = (0..3).map(|_| rate(true)).collect();
    report("the same with one durable record each", "", rates, "posts/s");
}

/// How many a second. One thread is faster here than two that wake each other.
pub fn rate(durable: bool) -> f64 {
    steadfast::platform::http::install_tls();
    let mock = Mock::start();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let keeper = if durable {
            Some(keeper(&folder.path().join("bare.db")).await)
        } else {
            None
        };
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut loops = tokio::task::JoinSet::new();
        for first in 0..AT_A_TIME {
            let (client, keeper) = (client.clone(), keeper.clone());
            let url = format!("{}/api/v1/statuses", mock.url);
            loops.spawn(async move {
                for n in (first..POSTS).step_by(AT_A_TIME) {
                    let id = post(&client, &url, n).await;
                    if let Some(keeper) = &keeper {
                        let (done, durable) = oneshot::channel();
                        keeper.send((n, id, done)).await.unwrap();
                        durable.await.unwrap();
                    }
                }
            });
        }
        while let Some(done) = loops.join_next().await {
            done.unwrap();
        }
    });
    assert_eq!((mock.count(), mock.posts()), (POSTS, POSTS));
    mock.rate()
}

/// The request that the daemon would make, and the id that it would keep.
async fn post(client: &reqwest::Client, url: &str, n: usize) -> String {
    #[derive(serde::Deserialize)]
    struct Status {
        id: String,
    }
    let answer = client
        .post(url)
        .header(AUTHORIZATION, "Bearer a-token-for-tests")
        .header("idempotency-key", format!("{n:032x}"))
        .header(CONTENT_TYPE, "application/json")
        .body(format!("{{\"status\":\"message {n}\",\"language\":\"en\"}}"))
        .send()
        .await
        .unwrap();
    let body = answer.bytes().await.unwrap();
    serde_json::from_slice::<Status>(&body).unwrap().id
}

type Record = (usize, String, oneshot::Sender<()>);

/// One writer: all records that wait share a transaction.
async fn keeper(path: &std::path::Path) -> mpsc::Sender<Record> {
    let mut db: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .unwrap();
    sqlx::query("CREATE TABLE sent (n INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT")
        .execute(&mut db)
        .await
        .unwrap();
    let (hand_in, mut waiting) = mpsc::channel::<Record>(1024);
    tokio::spawn(async move {
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, 256).await > 0 {
            let rows: Vec<(usize, &str)> = batch.iter().map(|(n, id, _)| (*n, id.as_str())).collect();
            let mut tx = db.begin_with("BEGIN IMMEDIATE").await.unwrap();
            sqlx::query("INSERT INTO sent (n, id) SELECT value ->> 0, value ->> 1 FROM json_each(?1)")
                .bind(serde_json::to_string(&rows).unwrap())
                .execute(&mut *tx)
                .await
                .unwrap();
            tx.commit().await.unwrap();
            for (_, _, done) in batch.drain(..) {
                done.send(()).unwrap();
            }
        }
    });
    hand_in
}

//! The contract's PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use steadfast::ledger::Ledger;
use steadfast::ledger::postgres::{Postgres, Server, Terms, Uptime};
use steadfast::post::identity::PostId;

use crate::server::shared;
use crate::support::*;

pub struct InPostgres {
    ledger: Arc<Postgres>,
    /// Beside the ledger, for what it does not tell.
    looking: PgPool,
    database: String,
}

pub fn server(database: &str) -> Server {
    Server::parse(&SecretString::from(shared().url(database)), None).unwrap()
}

pub fn uptime() -> Uptime {
    Arc::new(|| {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(now).unwrap()
    })
}

impl InPostgres {
    async fn in_database(database: String) -> Self {
        let server = server(&database);
        drop(Postgres::create(&server).await.unwrap());
        let ledger = Postgres::join(&server, "one", Terms::default(), uptime())
            .await
            .unwrap();
        assert!(ledger.leads().await.unwrap().is_some());
        Self {
            ledger: Arc::new(ledger),
            looking: PgPool::connect(&shared().url(&database)).await.unwrap(),
            database,
        }
    }
}

#[async_trait]
impl Engine for InPostgres {
    async fn make() -> Self {
        Self::in_database(shared().database().await).await
    }

    async fn reopened(self) -> Self {
        self.ledger.leave().await.unwrap();
        drop(self.ledger);
        self.looking.close().await;
        Self::in_database(self.database).await
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        self.ledger.clone()
    }

    async fn attempts(&self, post: PostId) -> Vec<Attempt> {
        let rows =
            sqlx::query("SELECT * FROM attempt WHERE post = $1 ORDER BY part, no").bind(post.to_string());
        let attempt = |row: PgRow| Attempt {
            part: row.get::<i64, _>("part").try_into().unwrap(),
            no: row.get::<i64, _>("no").try_into().unwrap(),
            answered: row.get::<Option<i64>, _>("answered").is_some(),
            class: row.get("class"),
            status: row.get::<Option<i64>, _>("status").map(|n| n.try_into().unwrap()),
            words: row.get("words"),
        };
        let rows = rows.fetch_all(&self.looking).await.unwrap();
        rows.into_iter().map(attempt).collect()
    }

    async fn heard(&self) -> i64 {
        self.ledger.daemons().await.unwrap()[0].heard
    }
}

#[async_trait]
impl OnDisk for InPostgres {
    async fn meddle(&self, sql: &str) {
        let sql = format!(
            "SET session_replication_role = replica; {}",
            sql.replace("POST(", "(")
        );
        let mut hand = self.looking.acquire().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut *hand)
            .await
            .unwrap();
    }

    async fn watch_commits(&self) -> Box<dyn Commits> {
        let looking = self.looking.clone();
        Box::new(Transactions {
            before: transactions(&looking).await,
            looking,
        })
    }
}

/// The transactions whose rows are there.
struct Transactions {
    looking: PgPool,
    before: usize,
}

async fn transactions(looking: &PgPool) -> usize {
    let sql = "SELECT count(DISTINCT xmin::text) FROM \
        (SELECT xmin FROM event UNION ALL SELECT xmin FROM post UNION ALL SELECT xmin FROM meta) AS row";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(looking).await.unwrap();
    count.try_into().unwrap()
}

impl Commits for Transactions {
    fn so_far(&self) -> usize {
        let counting = transactions(&self.looking);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(counting)) - self.before
    }
}

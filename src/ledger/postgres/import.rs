//! Everything of a ledger elsewhere, all or nothing.

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};

use super::super::LedgerError;
use super::super::copy::{Kind, TABLES, Table, differs, line};
use super::super::evidence::Head;
use super::super::row::event_of;
use super::connect::{BEGIN, Server};
use super::write::rows_json;

type Did<T> = Result<T, LedgerError>;

/// How many entries of the evidence record are followed at a time.
const PAGE: i64 = 1000;

/// One transaction on a connection of its own, which takes as long as it takes. Dropped, it leaves nothing.
pub(in super::super) struct Import {
    connection: PgConnection,
}

impl Import {
    /// # Errors
    /// [`LedgerError::Broken`] if there is anything in the database already.
    pub async fn begin(to: &Server) -> Did<Self> {
        let mut connection = to.connect().await?;
        connection.execute(BEGIN).await?;
        connection.execute("SET LOCAL statement_timeout TO 0").await?;
        for table in TABLES.iter().map(|table| table.name).chain(["replica"]) {
            // Nobody begins to work with it meanwhile.
            let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
            connection.execute(sqlx::AssertSqlSafe(lock)).await?;
            let any = format!("SELECT EXISTS (SELECT 1 FROM {table})");
            let any: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(any))
                .fetch_one(&mut connection)
                .await?;
            if any {
                return Err(LedgerError::Broken(format!(
                    "{to} is not empty: there is something in `{table}`; copy to a database that was made for it"
                )));
            }
        }
        Ok(Self { connection })
    }

    /// Writes these rows, and looks whether they are there as they were given.
    pub async fn page(&mut self, table: &Table, rows: Vec<Value>) -> Did<()> {
        let (mut names, mut given, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for (n, (name, kind, _)) in table.columns.iter().enumerate() {
            names.push(*name);
            given.push(match kind {
                Kind::Text => format!("row ->> {n}"),
                Kind::Number => format!("(row ->> {n})::bigint"),
                Kind::Truth => format!("(row ->> {n})::int::boolean"),
            });
            back.push(match kind {
                Kind::Truth => format!("{name}::int"),
                Kind::Text | Kind::Number => (*name).to_owned(),
            });
        }
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM jsonb_array_elements($1::text::jsonb) AS row \
             RETURNING jsonb_build_array({})::text",
            table.name,
            names.join(", "),
            given.join(", "),
            back.join(", ")
        );
        let rows = rows_json(rows);
        let written: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(&rows)
            .fetch_all(&mut self.connection)
            .await?;
        let parsed =
            |text: &str| serde_json::from_str::<Value>(text).map_err(|e| LedgerError::Broken(e.to_string()));
        let mut there = Vec::with_capacity(written.len());
        for row in &written {
            there.push(line(&parsed(row)?));
        }
        let mut meant: Vec<String> = match parsed(&rows)? {
            Value::Array(rows) => rows.iter().map(line).collect(),
            _ => Vec::new(),
        };
        there.sort();
        meant.sort();
        if there == meant {
            Ok(())
        } else {
            Err(differs(&format!("a row of `{}`", table.name)))
        }
    }

    pub async fn is_complete(&mut self, table: &Table, count: u64) -> Did<()> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let there: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut self.connection)
            .await?;
        if u64::try_from(there) == Ok(count) {
            Ok(())
        } else {
            Err(differs(&format!("the number of rows in `{}`", table.name)))
        }
    }

    /// Follows every chain of the evidence record from its beginning; returns their ends.
    pub async fn follow_chains(&mut self) -> Did<Vec<Head>> {
        let mut heads: Vec<Head> = Vec::new();
        loop {
            let (chain, seq) = heads
                .last()
                .map_or(("", 0), |head| (head.chain.as_str(), head.seq));
            let rows = sqlx::query(
                "SELECT chain, seq, at, kind, post, data, hash FROM event WHERE (chain, seq) > ($1, $2) \
                 ORDER BY chain, seq LIMIT $3",
            )
            .bind(chain)
            .bind(seq)
            .bind(PAGE)
            .fetch_all(&mut self.connection)
            .await?;
            if rows.is_empty() {
                return Ok(heads);
            }
            for row in &rows {
                let event = event_of(row)?;
                if heads.last().is_none_or(|head| head.chain != event.chain) {
                    heads.push(Head::new(&event.chain));
                }
                if let Some(head) = heads.last_mut() {
                    head.follow(&event).map_err(LedgerError::Broken)?;
                }
            }
        }
    }

    pub async fn commit(mut self) -> Did<()> {
        // What is said from now on has numbers of its own.
        for table in ["hold", "approval", "word"] {
            let from_now_on = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table})) \
                 WHERE EXISTS (SELECT 1 FROM {table})"
            );
            sqlx::query(sqlx::AssertSqlSafe(from_now_on))
                .execute(&mut self.connection)
                .await?;
        }
        self.connection.execute("COMMIT").await?;
        drop(self.connection.close().await);
        Ok(())
    }
}

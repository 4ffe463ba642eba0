//! Everything there is, for a ledger elsewhere.

use serde_json::Value;
use sqlx::sqlite::SqlitePool;

use super::super::LedgerError;
use super::super::copy::Table;
use super::Sqlite;

/// How many numbers of the cursor make a page.
const PAGE: i64 = 1000;

/// Reads a ledger's rows as they stand.
pub(in super::super) struct Export {
    db: SqlitePool,
}

type Read<T> = Result<T, LedgerError>;

impl Export {
    pub fn of(ledger: &Sqlite) -> Self {
        Self {
            db: ledger.readers.clone(),
        }
    }

    pub async fn count(&self, table: &Table) -> Read<u64> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.db)
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// The rows after the cursor's `after`, each an array in the order of the table's columns, and where the next
    /// page begins; `None` if there are no more.
    pub async fn page(&self, table: &Table, after: i64) -> Read<Option<(Vec<Value>, i64)>> {
        let Some(cursor) = table.cursor else {
            // All at once, the first time.
            return match after {
                0 => Ok(Some((self.rows(table, "TRUE").await?, 1))),
                _ => Ok(None),
            };
        };
        let sql = format!(
            "SELECT min({cursor}) FROM {} WHERE {cursor} > {after}",
            table.from
        );
        let first: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&self.db)
            .await?;
        let Some(first) = first else { return Ok(None) };
        let last = first.saturating_add(PAGE);
        let rows = self
            .rows(
                table,
                &format!("{cursor} BETWEEN {first} AND {last} ORDER BY {cursor}"),
            )
            .await?;
        Ok(Some((rows, last)))
    }

    async fn rows(&self, table: &Table, which: &str) -> Read<Vec<Value>> {
        let columns: Vec<&str> = table
            .columns
            .iter()
            .map(|(name, _, said)| said.unwrap_or(name))
            .collect();
        let sql = format!(
            "SELECT json_array({}) FROM {} WHERE {which}",
            columns.join(", "),
            table.from
        );
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.db)
            .await?;
        rows.iter()
            .map(|row| serde_json::from_str(row).map_err(|e| LedgerError::Broken(e.to_string())))
            .collect()
    }

    /// The last entry of the evidence record.
    pub async fn head(&self) -> Read<Option<(i64, String)>> {
        Ok(
            sqlx::query_as("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
                .fetch_optional(&self.db)
                .await?,
        )
    }
}

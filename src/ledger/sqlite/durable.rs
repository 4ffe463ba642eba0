//! A connection whose commits are on the disk, and tables that are today's.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};

use super::super::LedgerError;

pub(super) static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/ledger/migrations/sqlite");

/// How long a write waits for somebody else's (a person's `sqlite3` shell) before it is an error.
const BUSY: Duration = Duration::from_mins(1);

/// Rule 1: what is committed is on the disk.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
}

/// SQLite keeps another mode without a word where it cannot have the one it was asked for.
pub(super) async fn is_durable(writer: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
    const FULL: i64 = 2;
    let ask = async {
        let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(writer)
            .await?;
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(writer).await?;
        Ok((journal, synchronous))
    };
    let (journal, synchronous) = ask.await.map_err(|e| broken_at(path, &e))?;
    if journal == "wal" && synchronous == FULL {
        return Ok(());
    }
    Err(LedgerError::Broken(format!(
        "{}: this file system gives no write-ahead log that is sure to be on the disk (journal_mode={journal}, \
         synchronous={synchronous}); put `ledger.url` on a local disk",
        path.display()
    )))
}

/// A file with nothing in it was cut off, or lost its log: to make new tables in it would begin it anew
/// (reliability S7, S10).
pub(super) async fn is_a_ledger(db: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
            .fetch_one(db)
            .await
            .map_err(|e| broken_at(path, &e))?;
    if tables == 1 {
        Ok(())
    } else {
        Err(nothing_in(path))
    }
}

pub(super) fn nothing_in(path: &Path) -> LedgerError {
    LedgerError::Broken(format!(
        "{}: there is nothing in it, so it was cut off, or its `-wal` was lost: put a backup in its place",
        path.display()
    ))
}

/// What was made is in the file itself, not in its log alone. Best effort: somebody who reads may be in the way.
pub(super) async fn settle(db: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
    let done = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(db).await;
    done.map(drop).map_err(|e| broken_at(path, &e))
}

/// Whether its tables are those that this version knows.
pub(super) async fn is_current(db: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
    let at: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(db)
        .await
        .map_err(|e| broken_at(path, &e))?;
    let ours = MIGRATIONS.iter().map(|migration| migration.version).max();
    match at.cmp(&ours) {
        std::cmp::Ordering::Less => Err(LedgerError::Older),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(LedgerError::Newer),
    }
}

pub(super) fn broken_at(path: &Path, error: &sqlx::Error) -> LedgerError {
    LedgerError::Broken(format!("{}: {error}", path.display()))
}

impl From<sqlx::Error> for LedgerError {
    /// By SQLite's own code: <https://sqlite.org/rescode.html>.
    fn from(error: sqlx::Error) -> Self {
        const IOERR_FSYNC: u32 = 1034;
        const IOERR_DIR_FSYNC: u32 = 1290;
        let ours = error
            .as_database_error()
            .filter(|e| e.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some());
        let code = ours.and_then(sqlx::error::DatabaseError::code);
        let code: u32 = code.and_then(|code| code.parse().ok()).unwrap_or_default();
        let words = error.to_string();
        match (code, code & 0xff) {
            (IOERR_FSYNC | IOERR_DIR_FSYNC, _) => LedgerError::Unsure(words),
            // BUSY, LOCKED
            (_, 5 | 6) => LedgerError::Locked(words),
            (_, 13) => LedgerError::Full(words),
            // ERROR (a statement that can't be), TOOBIG, CONSTRAINT, MISMATCH
            (_, 1 | 18 | 19 | 20) => LedgerError::Refused(words),
            _ => LedgerError::Broken(words),
        }
    }
}

/// Reads every page, and repairs nothing.
pub(super) async fn check(db: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(db)
        .await
        .map_err(|e| broken_at(path, &e))?;
    if found == "ok" {
        return Ok(());
    }
    Err(LedgerError::Broken(format!(
        "{} is damaged ({found}): put a backup in its place; to begin anew would post everything again",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::sqlite::SqlitePoolOptions;

    async fn writer(options: SqliteConnectOptions) -> SqlitePool {
        let one = SqlitePoolOptions::new().max_connections(1);
        one.connect_with(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_whose_commits_may_not_be_on_the_disk_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("steadfast.db");
        let ours = options(&path).create_if_missing(true);
        is_durable(&writer(ours.clone()).await, &path).await.unwrap();

        let lax = writer(ours.clone().synchronous(SqliteSynchronous::Normal)).await;
        let told = is_durable(&lax, &path).await.unwrap_err().to_string();
        assert!(
            told.contains("synchronous=1") && told.contains("steadfast.db"),
            "{told}"
        );
        lax.close().await;
        let memory = writer(options(Path::new(":memory:"))).await;
        let told = is_durable(&memory, &path).await.unwrap_err().to_string();
        assert!(told.contains("journal_mode=memory"), "{told}");
    }
}

//! A copy of a ledger in use, complete as of one moment, and looked through before anybody relies on it.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use super::super::LedgerError;
use super::super::evidence::Head;
use super::durable::broken_at;
use super::read::{self, CHAIN};

/// How many entries of the record are read at once.
const PAGE: u32 = 1000;

/// # Errors
/// If there is a file of that name, if it can't be written, or if the copy is not whole; then none is left.
pub(super) async fn backup(db: &SqlitePool, to: &Path) -> Result<(), LedgerError> {
    let at = |e: &std::io::Error| LedgerError::Broken(format!("{}: {e}", to.display()));
    // Taken before it is written, so that nothing is written over, and only we can read it from the beginning.
    let file = File::options().write(true).create_new(true).mode(0o600).open(to);
    let file = file.map_err(|e| at(&e))?;
    let done = async {
        let name = to
            .to_str()
            .ok_or_else(|| LedgerError::Broken(format!("{}: not a name in UTF-8", to.display())))?;
        sqlx::query("VACUUM INTO ?1")
            .bind(name)
            .execute(db)
            .await
            .map_err(|e| broken_at(to, &e))?;
        file.sync_all().map_err(|e| at(&e))?;
        if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|e| at(&e))?;
        }
        is_whole(to).await
    };
    let done = done.await;
    if done.is_err() {
        drop(std::fs::remove_file(to));
    }
    done
}

/// Reads all of it without leaving a trace beside it.
async fn is_whole(copy: &Path) -> Result<(), LedgerError> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .read_only(true)
        .immutable(true);
    let broken = |e: sqlx::Error| broken_at(copy, &e);
    let db = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(broken)?;
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(&db)
        .await
        .map_err(broken)?;
    if found != "ok" {
        return Err(LedgerError::Broken(format!("the copy is damaged ({found})")));
    }
    let mut head = Head::new(CHAIN);
    loop {
        let events = read::events(&db, head.seq, PAGE).await?;
        if events.is_empty() {
            break;
        }
        for event in &events {
            head.follow(event).map_err(LedgerError::Broken)?;
        }
    }
    db.close().await;
    Ok(())
}

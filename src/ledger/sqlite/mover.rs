//! Moving the log into the file (a checkpoint) beside what is written. Left to itself, SQLite does that within a commit
//! of its choice, and whatever is due then waits for two more syncs of the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::sqlite::SqlitePool;
use tokio::sync::mpsc;

/// After so many writes the log is worth moving: about a thousand pages, as SQLite's own rule has it.
const WORTH: usize = 400;
/// Where it can't be moved beside the writes, because they never pause, SQLite moves it within one after all: the log
/// stays under 64 MB. In pages.
pub(super) const AT_LAST: &str = "16384";

/// Tells whoever moves the log that it has grown.
#[derive(Clone)]
pub(super) struct Mover {
    written: Arc<AtomicUsize>,
    worth: mpsc::Sender<()>,
}

impl Mover {
    /// Moves by a connection of its own, for as long as somebody writes.
    pub fn start(db: SqlitePool) -> Self {
        let (worth, mut due) = mpsc::channel(1);
        tokio::spawn(async move {
            while due.recv().await.is_some() {
                // What can't be moved now stays in the log, which is as safe. The next one tries again.
                drop(sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(&db).await);
            }
            db.close().await;
        });
        Self {
            written: Arc::default(),
            worth,
        }
    }

    pub fn wrote(&self, writes: usize) {
        let before = self.written.fetch_add(writes, Ordering::Relaxed);
        if before.saturating_add(writes) >= WORTH && self.worth.try_send(()).is_ok() {
            self.written.store(0, Ordering::Relaxed);
        }
    }
}

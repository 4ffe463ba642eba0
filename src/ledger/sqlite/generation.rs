//! Whether the ledger is the one that was used here last (reliability §2.7): it counts its batches of intents, and
//! a file beside it says how far it had come. Behind that, it was put back from a copy, or its log is gone.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::LedgerError;

/// The ledger's own count, in `meta`.
pub(super) const KEY: &str = "generation";

/// The file beside the ledger.
#[derive(Debug, Clone)]
pub(super) struct Generation {
    path: PathBuf,
    open: Arc<Mutex<Option<File>>>,
}

impl Generation {
    pub(super) fn of(ledger: &Path) -> Self {
        Self {
            path: ledger.with_file_name(KEY),
            open: Arc::default(),
        }
    }

    /// The last count that was seen here; 0 if none was.
    pub(super) fn seen(&self) -> i64 {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.trim().parse().unwrap_or_default()
    }

    /// Only after the commit: it must never be ahead of a ledger that is whole. Best effort: behind, it merely
    /// notices less.
    pub(super) fn saw(&self, count: i64) {
        // Poisoned or not, a file is a file.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            let options = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&self.path);
            *open = options.ok();
        }
        // Always as long, so that it needs no room on a disk that is full.
        if let Some(file) = &*open {
            drop(file.write_all_at(format!("{count:019}\n").as_bytes(), 0));
        }
    }
}

/// The files of an open ledger. What is written to one that was deleted or replaced under us is lost.
#[derive(Debug, Clone)]
pub(super) struct Files {
    path: PathBuf,
    known: [Option<(u64, u64)>; 2],
}

impl Files {
    /// Once it is open, and its log is there.
    pub(super) fn of(ledger: &Path) -> Self {
        Self {
            path: ledger.to_owned(),
            known: Self::now(ledger),
        }
    }

    fn now(ledger: &Path) -> [Option<(u64, u64)>; 2] {
        let mut log = ledger.as_os_str().to_owned();
        log.push("-wal");
        let id = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
        [id(ledger), id(Path::new(&log))]
    }

    /// An error that says which file it is about.
    pub(super) fn named(&self, error: LedgerError) -> LedgerError {
        let path = self.path.display().to_string();
        match error {
            LedgerError::Broken(why) if !why.contains(&path) => LedgerError::Broken(format!("{path}: {why}")),
            other => other,
        }
    }

    /// # Errors
    /// [`LedgerError::Broken`] if one of them is gone, or another.
    pub(super) fn are_the_same(&self) -> Result<(), LedgerError> {
        let same = |(known, now): (Option<_>, Option<_>)| known.is_none() || known == now;
        if self.known.into_iter().zip(Self::now(&self.path)).all(same) {
            return Ok(());
        }
        Err(LedgerError::Broken(format!(
            "{} or its `-wal` was deleted or replaced while it was in use: stop the daemon with SIGTERM, then look at \
             it with `steadfast ledger check`, and put a backup in its place if need be",
            self.path.display()
        )))
    }
}

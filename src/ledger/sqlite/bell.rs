//! How a command gets the running daemon's attention at once: it touches a file beside the ledger. The
//! ledger's own number is the truth; this only says when to look.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Without a touch the number is looked at this often: where files can't be watched, a hold is still heard
/// within a second.
const LOOK: Duration = Duration::from_millis(900);

pub(super) struct Bell {
    /// A folder of its own: the ledger's is written to all the time.
    folder: PathBuf,
    touched: Arc<Notify>,
    /// Made when somebody first listens; most commands never do.
    watcher: OnceLock<Option<RecommendedWatcher>>,
}

impl Bell {
    pub(super) fn of(ledger: &Path) -> Self {
        Self {
            folder: ledger.with_file_name("bell"),
            touched: Arc::default(),
            watcher: OnceLock::new(),
        }
    }

    /// Best effort: who listens looks by itself, too.
    pub(super) fn ring(&self) {
        if std::fs::create_dir_all(&self.folder).is_ok() {
            drop(std::fs::write(self.folder.join("rung"), []));
        }
    }

    pub(super) async fn listen(&self) {
        self.watcher.get_or_init(|| self.watch());
        drop(tokio::time::timeout(LOOK, self.touched.notified()).await);
    }

    fn watch(&self) -> Option<RecommendedWatcher> {
        std::fs::create_dir_all(&self.folder).ok()?;
        let touched = Arc::clone(&self.touched);
        let mut watcher = notify::recommended_watcher(move |_| touched.notify_one()).ok()?;
        watcher.watch(&self.folder, RecursiveMode::NonRecursive).ok()?;
        Some(watcher)
    }
}

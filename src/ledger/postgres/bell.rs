//! How anybody gets every replica's attention at once: a NOTIFY. The ledger's own number is the truth; this only
//! says when to look, and where it does not arrive (poolers, lost connections) the number is looked at anyway.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Without a word the number is looked at this often.
const LOOK: Duration = Duration::from_millis(900);
/// How long to wait before listening again after the connection was lost.
const AGAIN: Duration = Duration::from_secs(2);
const CHANNEL: &str = "steadfast";

pub(super) struct Bell {
    /// Its one connection is the listener's.
    pool: PgPool,
    heard: Arc<Notify>,
    /// Begun when somebody first listens; most commands never do.
    listener: OnceLock<AbortHandle>,
}

impl Bell {
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            heard: Arc::default(),
            listener: OnceLock::new(),
        }
    }

    pub async fn listen(&self) {
        self.listener.get_or_init(|| {
            let hearing = hear(self.pool.clone(), Arc::clone(&self.heard));
            tokio::spawn(hearing).abort_handle()
        });
        drop(tokio::time::timeout(LOOK, self.heard.notified()).await);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

/// Best effort, in a transaction of its own: a NOTIFY takes a lock of the whole database when it is committed.
pub(super) async fn ring(pool: &PgPool) {
    let word = sqlx::query("SELECT pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(pool);
    drop(tokio::time::timeout(LOOK, word).await);
}

async fn hear(pool: PgPool, heard: Arc<Notify>) {
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // Something may have been said before.
            heard.notify_one();
            while let Ok(Some(_)) = listener.try_recv().await {
                heard.notify_one();
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

//! The ledger in one SQLite file: WAL, synchronous=FULL, one writer, a few readers.

mod bell;
mod lock;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::calendar::past::Past;
use crate::campaign::AfterHold;
use crate::post::content::Content;
use crate::post::identity::{AccountName, CampaignId, MessageId, PostId};
use crate::post::outcome::Receipt;
use crate::post::state::State;

use super::group::{Write, Writer};
use super::{
    Conclusion, Filter, Hold, Intended, Intent, Ledger, LedgerError, NewPost, Post, Scope, SentPart,
};

use bell::Bell;
pub use lock::Lock;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/ledger/migrations/sqlite");

/// How long a write waits for somebody else's (a person's `sqlite3` shell) before it is an error.
const BUSY: Duration = Duration::from_mins(1);

/// An open ledger. Dropping it ends its writer once all that was handed in is written.
pub struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
    path: PathBuf,
    bell: Bell,
}

/// What to do with a ledger whose tables are not today's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upgrade {
    /// Refuse: a command must not change the tables under a running daemon.
    No,
    Yes,
    /// There is none yet.
    Make,
}

impl Sqlite {
    /// Opens an existing ledger.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] if there is none; a lost ledger is never silently begun anew.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::Missing(path.display().to_string()));
        }
        Self::connect(path, Upgrade::No).await
    }

    /// As [`Sqlite::open`], and brings the ledger of an older version up to date: for whoever has the lock.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub async fn open_and_upgrade(path: &Path) -> Result<Self, LedgerError> {
        if !path.exists() {
            return Err(LedgerError::Missing(path.display().to_string()));
        }
        Self::connect(path, Upgrade::Yes).await
    }

    /// Opens the ledger of this path, making it and its folder if they are not there.
    pub async fn create(path: &Path) -> Result<Self, LedgerError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            use std::os::unix::fs::DirBuilderExt;
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|e| LedgerError::Broken(format!("{}: {e}", folder.display())))?;
        }
        Self::connect(path, if path.exists() { Upgrade::No } else { Upgrade::Make }).await
    }

    async fn connect(path: &Path, upgrade: Upgrade) -> Result<Self, LedgerError> {
        let broken = |e: sqlx::Error| broken_at(path, &e);
        let options = options(path).create_if_missing(upgrade == Upgrade::Make);
        let one = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(broken)?;
        is_durable(&one, path).await?;
        match upgrade {
            Upgrade::No => is_current(&one, path).await?,
            Upgrade::Yes | Upgrade::Make => MIGRATIONS.run(&one).await.map_err(|e| match e {
                sqlx::migrate::MigrateError::VersionMissing(_)
                | sqlx::migrate::MigrateError::VersionMismatch(_) => LedgerError::Newer,
                e => LedgerError::Broken(format!("{}: {e}", path.display())),
            })?,
        }
        if upgrade == Upgrade::Make {
            use std::os::unix::fs::PermissionsExt;
            let only_us = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, only_us)
                .map_err(|e| LedgerError::Broken(format!("{}: {e}", path.display())))?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(2)
            .min_connections(0)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(broken)?;
        let (writer, batches) = Writer::new();
        tokio::spawn(write::run(one, batches));
        Ok(Self {
            readers,
            writer,
            path: path.to_owned(),
            bell: Bell::of(path),
        })
    }

    /// Notes whose ledger this is; refuses another campaign's.
    pub async fn belongs_to(&self, campaign: &CampaignId) -> Result<(), LedgerError> {
        match self.noted("campaign").await? {
            None => self.note("campaign", campaign.as_str()).await,
            Some(theirs) if theirs == campaign.as_str() => Ok(()),
            Some(theirs) => Err(LedgerError::OtherCampaign(theirs, campaign.to_string())),
        }
    }

    /// Reads the whole file for damage: a ledger that forgets would post again.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] with the first thing found and what to do. Nothing is ever repaired.
    pub async fn check(&self) -> Result<(), LedgerError> {
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&self.readers)
            .await
            .map_err(|e| broken_at(&self.path, &e))?;
        if found == "ok" {
            return Ok(());
        }
        Err(LedgerError::Broken(format!(
            "{} is damaged ({found}): put a backup in its place; to begin anew would post everything again",
            self.path.display()
        )))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Rule 1: what is committed is on the disk.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
}

/// SQLite keeps another mode without a word where it cannot have the one it was asked for.
async fn is_durable(writer: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
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

/// Whether its tables are those that this version knows.
async fn is_current(db: &SqlitePool, path: &Path) -> Result<(), LedgerError> {
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

fn broken_at(path: &Path, error: &sqlx::Error) -> LedgerError {
    LedgerError::Broken(format!("{}: {error}", path.display()))
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        /// <https://sqlite.org/rescode.html#full>
        const FULL: &str = "13";
        let full = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code == FULL);
        if full {
            LedgerError::Full(error.to_string())
        } else {
            LedgerError::Broken(error.to_string())
        }
    }
}

#[async_trait]
impl Ledger for Sqlite {
    async fn record(&self, posts: Vec<NewPost>, now: Timestamp) -> Result<Vec<PostId>, LedgerError> {
        self.writer.write(|reply| Write::Record(posts, now, reply)).await
    }

    async fn reword(&self, posts: Vec<(PostId, Content)>, now: Timestamp) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Reword(posts, now, reply)).await
    }

    async fn unplan(&self, posts: Vec<PostId>) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Unplan(posts, reply)).await
    }

    async fn know(&self, messages: Vec<MessageId>, now: Timestamp) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Know(messages, now, reply)).await
    }

    async fn past(&self, asked: &[MessageId], now: Timestamp) -> Result<Past, LedgerError> {
        read::past(&self.readers, asked, now).await
    }

    async fn ready(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Result<Vec<Post>, LedgerError> {
        read::ready(&self.readers, account, now, blocked, limit).await
    }

    async fn next_ready(
        &self,
        account: &AccountName,
        after: Timestamp,
        blocked: &[MessageId],
    ) -> Result<Option<Timestamp>, LedgerError> {
        read::next_ready(&self.readers, account, after, blocked).await
    }

    async fn intend(&self, intent: Intent) -> Result<Intended, LedgerError> {
        self.writer
            .write(|reply| Write::Intend(Box::new(intent), reply))
            .await
    }

    async fn conclude(&self, conclusion: Conclusion) -> Result<bool, LedgerError> {
        self.writer
            .write(|reply| Write::Conclude(Box::new(conclusion), reply))
            .await
    }

    async fn account_waits(&self, account: &AccountName, until: Timestamp) -> Result<(), LedgerError> {
        self.writer
            .write(|reply| Write::AccountWaits(account.clone(), until, reply))
            .await
    }

    async fn hold(&self, scope: &Scope, why: &str, by: &str, now: Timestamp) -> Result<(), LedgerError> {
        let (scope, why, by) = (scope.clone(), why.to_owned(), by.to_owned());
        self.writer
            .write(|reply| Write::Hold {
                scope,
                why,
                by,
                now,
                reply,
            })
            .await
    }

    async fn release(
        &self,
        scope: &Scope,
        by: &str,
        only_by: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        let (scope, by, only_by) = (scope.clone(), by.to_owned(), only_by.map(str::to_owned));
        self.writer
            .write(|reply| Write::Release {
                scope,
                by,
                only_by,
                now,
                reply,
            })
            .await
    }

    async fn holds(&self) -> Result<Vec<Hold>, LedgerError> {
        read::holds(&self.readers).await
    }

    async fn settle(&self, hold: &Hold, after: AfterHold, now: Timestamp) -> Result<Vec<Post>, LedgerError> {
        let hold = hold.clone();
        let moved = self
            .writer
            .write(|reply| Write::Settle {
                hold,
                after,
                now,
                reply,
            })
            .await?;
        let mut posts = Vec::with_capacity(moved.len());
        for id in moved {
            posts.extend(self.post(id).await?);
        }
        Ok(posts)
    }

    async fn post(&self, id: PostId) -> Result<Option<Post>, LedgerError> {
        read::post(&self.readers, id).await
    }

    async fn parts(&self, id: PostId) -> Result<Vec<SentPart>, LedgerError> {
        read::parts(&self.readers, id).await
    }

    async fn receipts_of(
        &self,
        message: &MessageId,
        account: &AccountName,
    ) -> Result<Vec<Receipt>, LedgerError> {
        read::receipts_of(&self.readers, message, account).await
    }

    async fn in_state(&self, state: State, limit: u32) -> Result<Vec<Post>, LedgerError> {
        read::in_state(&self.readers, state, limit).await
    }

    async fn history(&self, filter: &Filter) -> Result<Vec<Post>, LedgerError> {
        read::history(&self.readers, filter).await
    }

    async fn counts(&self) -> Result<std::collections::BTreeMap<State, u64>, LedgerError> {
        read::counts(&self.readers).await
    }

    async fn waits(&self) -> Result<std::collections::BTreeMap<AccountName, Timestamp>, LedgerError> {
        read::waits(&self.readers).await
    }

    async fn listen(&self) {
        self.bell.listen().await;
    }

    async fn bell(&self) -> Result<i64, LedgerError> {
        read::number(&self.readers, "bell").await
    }

    async fn ring(&self) -> Result<i64, LedgerError> {
        let bell = self.writer.write(Write::Ring).await?;
        self.bell.ring();
        Ok(bell)
    }

    async fn heard(&self, bell: i64) -> Result<(), LedgerError> {
        self.note("heard", &bell.to_string()).await
    }

    async fn last_heard(&self) -> Result<i64, LedgerError> {
        read::number(&self.readers, "heard").await
    }

    async fn note(&self, key: &str, value: &str) -> Result<(), LedgerError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.writer.write(|reply| Write::Note { key, value, reply }).await
    }

    async fn noted(&self, key: &str) -> Result<Option<String>, LedgerError> {
        read::noted(&self.readers, key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

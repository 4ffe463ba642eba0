//! The ledger in one SQLite file: WAL, synchronous=FULL, one writer, a few readers.

mod approval;
mod backup;
mod bell;
mod deliver;
mod durable;
mod engagement;
mod export;
mod generation;
mod jobs;
mod lock;
mod mover;
mod oddities;
mod parts;
mod past;
mod read;
mod rename;
mod session;
mod token;
mod word;
mod write;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

use crate::calendar::past::{Past, Variants};
use crate::campaign::AfterHold;
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::Receipt;
use crate::post::state::State;

use super::evidence::Event;
use super::group::{Write, Writer};
use super::{
    Attempt, Change, Conclusion, Daemon, Fence, Filter, Hold, Intended, Intent, Ledger, LedgerError, NewPost,
    Orphan, Post, Published, Rivals, Scope, SentPart, Term,
};

use bell::Bell;
use durable::{MIGRATIONS, broken_at, is_a_ledger, is_current, is_durable, nothing_in, options, settle};
pub(super) use export::Export;
use generation::{Files, Generation, KEY};
pub use lock::Lock;
use mover::Mover;

/// An open ledger. Dropping it ends its writer once all that was handed in is written.
pub struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
    path: PathBuf,
    bell: Bell,
    generation: Generation,
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
        // Opening it would make it a database.
        if path.metadata().is_ok_and(|file| file.len() == 0) {
            return Err(nothing_in(path));
        }
        let options = options(path).create_if_missing(upgrade == Upgrade::Make);
        let daemon = upgrade == Upgrade::Yes;
        let writing = if daemon {
            options.clone().pragma("wal_autocheckpoint", mover::AT_LAST)
        } else {
            options.clone()
        };
        // Never closed by itself: with the last connection goes the log, and the next would begin another.
        let alone = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None);
        let one = alone.clone().connect_with(writing).await.map_err(broken)?;
        is_durable(&one, path).await?;
        if upgrade == Upgrade::Yes {
            is_a_ledger(&one, path).await?;
        }
        match upgrade {
            Upgrade::No => is_current(&one, path).await?,
            Upgrade::Yes | Upgrade::Make => MIGRATIONS.run(&one).await.map_err(|e| match e {
                sqlx::migrate::MigrateError::VersionMissing(_)
                | sqlx::migrate::MigrateError::VersionMismatch(_) => LedgerError::Newer,
                e => LedgerError::Broken(format!("{}: {e}", path.display())),
            })?,
        }
        if upgrade != Upgrade::No {
            settle(&one, path).await?;
        }
        if upgrade == Upgrade::Make {
            use std::os::unix::fs::PermissionsExt;
            let only_us = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, only_us)
                .map_err(|e| LedgerError::Broken(format!("{}: {e}", path.display())))?;
        }
        let mover = if daemon {
            let moving = alone.connect_with(options.clone()).await.map_err(broken)?;
            Some(Mover::start(moving))
        } else {
            None
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(2)
            .min_connections(0)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(broken)?;
        let generation = Generation::of(path);
        let (writer, batches) = Writer::new();
        let hand = write::Hand {
            db: one,
            daemon,
            files: Files::of(path),
            generation: generation.clone(),
            mover,
        };
        tokio::spawn(hand.run(batches));
        Ok(Self {
            readers,
            writer,
            path: path.to_owned(),
            bell: Bell::of(path),
            generation,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Ledger for Sqlite {
    async fn record(&self, posts: Vec<NewPost>, now: Timestamp) -> Result<Vec<PostId>, LedgerError> {
        self.writer.write(|reply| Write::Record(posts, now, reply)).await
    }

    async fn leads(&self) -> Result<Option<Term>, LedgerError> {
        Ok(Some(Term::default()))
    }

    async fn waiting(&self, after: Option<PostId>, limit: u32) -> Result<Vec<Post>, LedgerError> {
        read::waiting(&self.readers, after, limit).await
    }

    async fn files_waiting(&self) -> Result<Vec<(String, MessageId)>, LedgerError> {
        past::files_waiting(&self.readers).await
    }

    async fn recorded(&self) -> Result<std::collections::HashSet<PostId>, LedgerError> {
        past::recorded(&self.readers).await
    }

    async fn reword(&self, changes: Vec<Change>, now: Timestamp) -> Result<(), LedgerError> {
        self.writer
            .write(|reply| Write::Reword(changes, now, reply))
            .await
    }

    async fn unplan(&self, posts: Vec<PostId>, now: Timestamp) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Unplan(posts, now, reply)).await
    }

    async fn know(&self, messages: Vec<MessageId>, now: Timestamp) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Know(messages, now, reply)).await
    }

    async fn past(&self, asked: &[MessageId], now: Timestamp) -> Result<Past, LedgerError> {
        past::past(&self.readers, asked, now).await
    }

    async fn variants(&self, of: &[MessageId]) -> Result<Variants, LedgerError> {
        past::variants(&self.readers, of).await
    }

    /// The lock is the claim: nobody else sends.
    async fn claim(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Result<Vec<Post>, LedgerError> {
        read::claim(&self.readers, account, now, blocked, limit).await
    }

    async fn let_go(&self, _: Vec<(PostId, Fence)>) -> Result<(), LedgerError> {
        Ok(())
    }

    /// The lock is ours, so whoever wrote these intents is gone (reliability §2.7).
    async fn orphans(&self, starting: bool) -> Result<Vec<Orphan>, LedgerError> {
        let posts = if starting {
            self.in_state(State::Sending, u32::MAX).await?
        } else {
            Vec::new()
        };
        Ok(posts
            .into_iter()
            .map(|post| Orphan { post, foreign: false })
            .collect())
    }

    fn trusted(&self) -> bool {
        true
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

    async fn let_through(&self, posts: Vec<PostId>, said: i64, now: Timestamp) -> Result<(), LedgerError> {
        self.writer
            .write(|reply| Write::LetThrough {
                posts,
                said,
                now,
                reply,
            })
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
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        let (scope, by, only_by) = (scope.clone(), by.to_owned(), only_by.map(str::to_owned));
        let why = why.map(str::to_owned);
        self.writer
            .write(|reply| Write::Release {
                scope,
                by,
                only_by,
                why,
                now,
                reply,
            })
            .await
    }

    async fn holds(&self) -> Result<Vec<Hold>, LedgerError> {
        read::holds(&self.readers).await
    }

    async fn held_since(&self, since: Timestamp) -> Result<Vec<Hold>, LedgerError> {
        read::held_since(&self.readers, since).await
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
        parts::parts(&self.readers, id).await
    }

    async fn parts_of(&self, posts: &[PostId]) -> Result<HashMap<PostId, Vec<SentPart>>, LedgerError> {
        parts::parts_of(&self.readers, posts).await
    }

    async fn attempts(&self, id: PostId) -> Result<Vec<Attempt>, LedgerError> {
        parts::attempts(&self.readers, id).await
    }

    async fn receipts_of(
        &self,
        message: &MessageId,
        account: &AccountName,
    ) -> Result<Vec<Receipt>, LedgerError> {
        parts::receipts_of(&self.readers, message, account).await
    }

    async fn published(
        &self,
        which: &Published,
        after: Option<PostId>,
        limit: u32,
    ) -> Result<Vec<Post>, LedgerError> {
        read::published(&self.readers, which, after, limit).await
    }

    async fn recalls(&self, of: &[PostId]) -> Result<Vec<Post>, LedgerError> {
        read::recalls(&self.readers, of).await
    }

    async fn rivals(&self, post: &Post, since: Timestamp) -> Result<Rivals, LedgerError> {
        read::rivals(&self.readers, post, since).await
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

    async fn daemons(&self) -> Result<Vec<Daemon>, LedgerError> {
        if !Lock::is_taken(&self.path) {
            return Ok(Vec::new());
        }
        Ok(vec![Daemon {
            name: "the daemon".to_owned(),
            heard: read::number(&self.readers, "heard").await?,
        }])
    }

    async fn note(&self, key: &str, value: &str) -> Result<(), LedgerError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.writer.write(|reply| Write::Note { key, value, reply }).await
    }

    async fn noted(&self, key: &str) -> Result<Option<String>, LedgerError> {
        read::noted(&self.readers, key).await
    }

    async fn newest(&self) -> Result<Option<Timestamp>, LedgerError> {
        read::newest(&self.readers).await
    }

    async fn events(&self, after: Option<(&str, i64)>, limit: u32) -> Result<Vec<Event>, LedgerError> {
        read::events(&self.readers, after.map_or(0, |(_, seq)| seq), limit).await
    }

    async fn missing(&self) -> Result<u64, LedgerError> {
        let has = read::number(&self.readers, KEY).await?;
        Ok(u64::try_from(self.generation.seen().saturating_sub(has)).unwrap_or_default())
    }

    async fn accept_missing(&self) -> Result<(), LedgerError> {
        let seen = self.generation.seen();
        self.note(KEY, &seen.to_string()).await
    }

    async fn oddities(&self) -> Result<Vec<String>, LedgerError> {
        oddities::oddities(&self.readers).await
    }

    async fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        backup::backup(&self.readers, to).await
    }

    async fn check(&self) -> Result<(), LedgerError> {
        durable::check(&self.readers, &self.path).await
    }
}

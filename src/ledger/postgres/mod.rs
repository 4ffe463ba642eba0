//! The ledger in a PostgreSQL database that several replicas share. Leases and fences say who may do what; no lock
//! outlives its transaction (reliability §2.7).

mod approval;
mod bell;
mod claim;
mod connect;
mod engagement;
mod hold;
mod import;
mod lease;
mod life;
mod oddities;
mod parts;
mod past;
mod plan;
mod read;
mod rename;
mod send;
mod session;
mod token;
mod word;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgPool;
use tokio::task::JoinSet;

use crate::calendar::past::{Past, Variants};
use crate::campaign::AfterHold;
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::Receipt;
use crate::post::state::State;

use super::copy::TABLES;
use super::evidence::Event;
use super::group::{Write, Writer};
use super::{
    Attempt, Change, Conclusion, Daemon, Fence, Filter, Hold, Intended, Intent, Ledger, LedgerError, NewPost,
    Orphan, Post, Published, Rivals, Scope, SentPart, Term,
};

use bell::Bell;
pub use connect::Server;
use connect::{Upgrade, is_sound};
pub(super) use import::Import;
use lease::Seat;
pub use lease::{Terms, Uptime};

/// How many may read at once.
const READERS: u32 = 4;
/// How long what went out is kept to oneself before the one that plans is told again.
const NEWS: std::time::Duration = std::time::Duration::from_secs(1);
/// The chain of those who speak and do not send.
const COMMANDS: &str = "commands";

/// An open ledger. Dropping it ends its writer once all that was handed in is written.
pub struct Postgres {
    readers: PgPool,
    writer: Writer,
    /// Only one that has a seat may send or plan.
    seat: Option<Arc<Seat>>,
    bell: Bell,
    /// What keeps the seat; ended with this.
    keepers: JoinSet<()>,
}

impl Postgres {
    /// Opens an existing ledger, to look and to speak.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] if there is none in this database.
    pub async fn open(server: &Server) -> Result<Self, LedgerError> {
        is_sound(server, Upgrade::No).await?;
        Ok(Self::over(server, None))
    }

    /// As [`Postgres::open`], and makes the tables if there are none.
    ///
    /// # Errors
    /// As [`Postgres::open`].
    pub async fn create(server: &Server) -> Result<Self, LedgerError> {
        is_sound(server, Upgrade::Make).await?;
        Ok(Self::over(server, None))
    }

    /// Opens an existing ledger as the replica of this name, which may send, and brings the tables of an older
    /// version up to date.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] if a replica of this name lives.
    pub async fn join(
        server: &Server,
        name: &str,
        terms: Terms,
        uptime: Uptime,
    ) -> Result<Self, LedgerError> {
        is_sound(server, Upgrade::Yes).await?;
        let own = server.pool(1);
        let seat = Seat::take(&own, name, terms, uptime)
            .await
            .map_err(|e| connect::at(server, e))?;
        let seat = Arc::new(seat);
        let mut ledger = Self::over(server, Some(Arc::clone(&seat)));
        // On a connection of its own: a crowd of readers must not cost us the seat.
        ledger.keepers.spawn(Arc::clone(&seat).keep(own));
        ledger.keepers.spawn(tell(seat, ledger.writer.clone()));
        Ok(ledger)
    }

    fn over(server: &Server, seat: Option<Arc<Seat>>) -> Self {
        let readers = server.pool(READERS);
        let (writer, batches) = Writer::new();
        let hand = write::Hand {
            server: server.clone(),
            pool: readers.clone(),
            chain: seat
                .as_ref()
                .map_or(COMMANDS, |seat| seat.name.as_str())
                .to_owned(),
            seat: seat.clone(),
        };
        tokio::spawn(write::run(hand, batches));
        Self {
            bell: Bell::new(server.pool(1)),
            readers,
            writer,
            seat,
            keepers: JoinSet::new(),
        }
    }

    /// Gives the seat back, so that the others need not wait for its lease to run out.
    ///
    /// # Errors
    /// When the database can't be reached: then they do.
    pub async fn leave(&self) -> Result<(), LedgerError> {
        match &self.seat {
            Some(seat) => seat.leave(&self.readers).await,
            None => Ok(()),
        }
    }

    fn seat(&self) -> Result<&Seat, LedgerError> {
        self.seat
            .as_deref()
            .ok_or_else(|| LedgerError::Broken("only a replica may send".to_owned()))
    }
}

/// Tells the one that plans, wherever it is, that something went out: others may wait for it.
async fn tell(seat: Arc<Seat>, writer: Writer) {
    loop {
        seat.news.notified().await;
        if seat.term().is_none() {
            // One that is not heard is heard with the next, or when the planner looks by itself.
            drop(writer.write(Write::Ring).await);
            tokio::time::sleep(NEWS).await;
        }
    }
}

#[async_trait]
impl Ledger for Postgres {
    async fn record(&self, posts: Vec<NewPost>, now: Timestamp) -> Result<Vec<PostId>, LedgerError> {
        self.writer.write(|reply| Write::Record(posts, now, reply)).await
    }

    async fn leads(&self) -> Result<Option<Term>, LedgerError> {
        match &self.seat {
            Some(seat) => seat.leads(&self.readers).await,
            None => Ok(None),
        }
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

    async fn claim(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Result<Vec<Post>, LedgerError> {
        claim::claim(&self.readers, self.seat()?, account, now, blocked, limit).await
    }

    async fn let_go(&self, posts: Vec<(PostId, Fence)>) -> Result<(), LedgerError> {
        claim::let_go(&self.readers, self.seat()?, posts).await
    }

    async fn orphans(&self, starting: bool) -> Result<Vec<Orphan>, LedgerError> {
        claim::orphans(&self.readers, self.seat()?, starting).await
    }

    fn share(&self) -> u32 {
        claim::SHARE
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn trusted(&self) -> bool {
        self.seat.as_deref().is_some_and(Seat::trusted)
    }

    async fn next_ready(
        &self,
        account: &AccountName,
        after: Timestamp,
        blocked: &[MessageId],
    ) -> Result<Option<Timestamp>, LedgerError> {
        claim::next_ready(&self.readers, account, after, blocked).await
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
        self.writer.write(Write::Ring).await
    }

    async fn heard(&self, bell: i64) -> Result<(), LedgerError> {
        self.seat()?.heard(&self.readers, bell).await
    }

    async fn daemons(&self) -> Result<Vec<Daemon>, LedgerError> {
        lease::daemons(&self.readers).await
    }

    async fn note(&self, key: &str, value: &str) -> Result<(), LedgerError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.writer.write(|reply| Write::Note { key, value, reply }).await
    }

    async fn noted(&self, key: &str) -> Result<Option<String>, LedgerError> {
        read::noted(&self.readers, key).await
    }

    async fn clock(&self) -> Result<Option<Timestamp>, LedgerError> {
        read::clock(&self.readers).await.map(Some)
    }

    async fn newest(&self) -> Result<Option<Timestamp>, LedgerError> {
        read::newest(&self.readers).await
    }

    async fn events(&self, after: Option<(&str, i64)>, limit: u32) -> Result<Vec<Event>, LedgerError> {
        read::events(&self.readers, after, limit).await
    }

    async fn oddities(&self) -> Result<Vec<String>, LedgerError> {
        oddities::oddities(&self.readers).await
    }

    /// The server looks after its own pages; where it keeps checksums of them, reading them all compares these.
    async fn check(&self) -> Result<(), LedgerError> {
        // It takes as long as it takes.
        let mut reading = self.readers.begin().await?;
        sqlx::query("SET LOCAL statement_timeout TO 0")
            .execute(&mut *reading)
            .await?;
        for table in TABLES.iter().map(|table| table.name).chain(["replica"]) {
            let all = format!("SELECT count(*) FROM {table} AS row WHERE row::text IS NULL");
            sqlx::query(sqlx::AssertSqlSafe(all))
                .execute(&mut *reading)
                .await?;
        }
        Ok(())
    }
}

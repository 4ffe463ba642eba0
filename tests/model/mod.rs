//! A ledger in memory: a model of what both engines promise, verb by verb, for tests that need a ledger without
//! threads. The contract of `tests/ledger/` is run against it, so it can be believed.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod rows;
mod seats;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use steadfast::calendar::past::{Past, Variants};
use steadfast::campaign::AfterHold;
use steadfast::campaign::approval::Approval;
use steadfast::ledger::engagement::{AskedAfter, Counted, Counting, Reading, Span};
use steadfast::ledger::evidence::Event;
use steadfast::ledger::session::{Session, SessionStep, Sessions};
use steadfast::ledger::token::{KeptToken, Moved, Step, Tokens};
use steadfast::ledger::{
    Approving, Change, Conclusion, Daemon, Fence, Filter, Hold, Intended, Intent, Ledger, LedgerError,
    NewPost, Orphan, Post, Published, Rename, Renamed, Renaming, Rivals, Scope, SentPart, Speaking, Spoken,
    Term,
};
use steadfast::post::digest::Digest;
use steadfast::post::engagement::Counts;
use steadfast::post::identity::{AccountName, CampaignId, MessageId, PostId};
use steadfast::post::outcome::Receipt;
use steadfast::post::state::State;
use tokio::sync::Notify;

pub use rows::{Attempt, Row, Rows};
pub use seats::{Renewed, Seat};

/// The time of the ledger's own server, which nobody sets: for leases.
pub type Time = Arc<dyn Fn() -> Duration + Send + Sync>;

type Did<T> = Result<T, LedgerError>;

/// What is kept, and outlives whoever uses it.
pub struct Store {
    rows: Mutex<Rows>,
    /// Rung with the bell.
    rung: Notify,
    time: Time,
    /// Whether several may send, each from a seat of its own.
    shared: bool,
}

impl Store {
    /// One that a single daemon has, like a file.
    pub fn alone(time: Time) -> Arc<Self> {
        Self::new(time, false)
    }

    /// One that several share, like a database.
    pub fn shared(time: Time) -> Arc<Self> {
        Self::new(time, true)
    }

    fn new(time: Time, shared: bool) -> Arc<Self> {
        Arc::new(Self {
            rows: Mutex::default(),
            rung: Notify::new(),
            time,
            shared,
        })
    }

    pub fn is_shared(&self) -> bool {
        self.shared
    }

    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    /// For one who looks and speaks, and of one that is not shared, for the daemon too.
    pub fn open(self: &Arc<Self>) -> Model {
        Model {
            store: Arc::clone(self),
            seat: None,
        }
    }

    /// For the replica of this name, once its last process is dead.
    pub fn join(self: &Arc<Self>, name: &str, uptime: Time) -> Model {
        let now = (self.time)();
        let seat = Seat::take(&mut self.rows(), name, now, uptime);
        Model {
            store: Arc::clone(self),
            seat: Some(Arc::new(seat)),
        }
    }

    fn ring(&self, rows: &mut Rows) -> i64 {
        rows.bell += 1;
        self.rung.notify_waiters();
        rows.bell
    }
}

/// An open ledger. Every verb is done at once, and whole.
#[derive(Clone)]
pub struct Model {
    pub store: Arc<Store>,
    pub seat: Option<Arc<Seat>>,
}

impl Model {
    /// Renews the lease, as a replica does every few seconds.
    pub fn renew(&self) -> Renewed {
        let now = (self.store.time)();
        match &self.seat {
            Some(seat) => seat.renew(&mut self.store.rows(), now),
            None => Renewed::InTime,
        }
    }

    /// Says good-bye.
    pub fn leave(&self) {
        if let Some(seat) = &self.seat {
            seat.leave(&mut self.store.rows(), (self.store.time)());
        }
    }

    /// The answer to this intent's commit was lost, so nobody sends for it.
    pub fn lost_sight(&self, post: PostId) {
        if let Some(seat) = &self.seat {
            seat.lost_sight(post);
        }
    }

    fn instance(&self) -> Option<i64> {
        self.seat.as_ref().map(|seat| seat.instance)
    }

    fn a_seat(&self) -> Did<&Seat> {
        let none = || LedgerError::Broken("only a replica may send".to_owned());
        self.seat.as_deref().ok_or_else(none)
    }

    /// Whether whoever has a seat may write a plan.
    fn may_plan(&self, rows: &Rows) -> Did<()> {
        match &self.seat {
            Some(seat) if !seat.plans(rows, (self.store.time)()) => Err(LedgerError::NotPlanning),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Ledger for Model {
    async fn record(&self, posts: Vec<NewPost>, now: Timestamp) -> Did<Vec<PostId>> {
        let mut rows = self.store.rows();
        self.may_plan(&rows)?;
        let new = rows.record(posts, now);
        if self.store.shared && !new.is_empty() {
            self.store.ring(&mut rows);
        }
        Ok(new)
    }

    async fn leads(&self) -> Did<Option<Term>> {
        if !self.store.shared {
            return Ok(Some(Term::default()));
        }
        let now = (self.store.time)();
        let mut rows = self.store.rows();
        Ok(self.seat.as_ref().and_then(|seat| seat.leads(&mut rows, now)))
    }

    async fn waiting(&self, after: Option<PostId>, limit: u32) -> Did<Vec<Post>> {
        Ok(self.store.rows().waiting(after, limit))
    }

    async fn files_waiting(&self) -> Did<Vec<(String, MessageId)>> {
        Ok(self.store.rows().files_waiting())
    }

    async fn recorded(&self) -> Did<HashSet<PostId>> {
        let rows = self.store.rows();
        let known = |(id, row): (&PostId, &Row)| [*id, row.alias];
        Ok(rows.posts.iter().flat_map(known).collect())
    }

    async fn reword(&self, changes: Vec<Change>, now: Timestamp) -> Did<()> {
        let mut rows = self.store.rows();
        self.may_plan(&rows)?;
        rows.reword(&changes, now);
        Ok(())
    }

    async fn unplan(&self, posts: Vec<PostId>, now: Timestamp) -> Did<()> {
        let mut rows = self.store.rows();
        self.may_plan(&rows)?;
        rows.unplan(&posts, now);
        Ok(())
    }

    async fn know(&self, messages: Vec<MessageId>, now: Timestamp) -> Did<()> {
        self.store.rows().know(messages, now);
        Ok(())
    }

    async fn variants(&self, of: &[MessageId]) -> Did<Variants> {
        Ok(self.store.rows().variants(of))
    }

    async fn past(&self, asked: &[MessageId], now: Timestamp) -> Did<Past> {
        Ok(self.store.rows().past(asked, now))
    }

    async fn claim(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Did<Vec<Post>> {
        let time = (self.store.time)();
        let mut rows = self.store.rows();
        if self.store.shared {
            Ok(self
                .a_seat()?
                .claim(&mut rows, time, account, now, blocked, limit))
        } else {
            Ok(rows.ready(account, now, blocked, limit, |_| true))
        }
    }

    fn is_shared(&self) -> bool {
        self.store.shared
    }

    async fn let_go(&self, posts: Vec<(PostId, Fence)>) -> Did<()> {
        if self.store.shared {
            self.a_seat()?.let_go(&mut self.store.rows(), &posts);
        }
        Ok(())
    }

    async fn orphans(&self, starting: bool) -> Did<Vec<Orphan>> {
        let now = (self.store.time)();
        let mut rows = self.store.rows();
        if self.store.shared {
            let (orphans, freed) = self.a_seat()?.orphans(&mut rows, now, starting);
            if freed {
                self.store.ring(&mut rows);
            }
            return Ok(orphans);
        }
        let posts = if starting {
            rows.in_state(State::Sending, u32::MAX)
        } else {
            Vec::new()
        };
        let ours = |post| Orphan { post, foreign: false };
        Ok(posts.into_iter().map(ours).collect())
    }

    fn trusted(&self) -> bool {
        match &self.seat {
            Some(seat) => seat.trusted(),
            None => !self.store.shared,
        }
    }

    async fn next_ready(
        &self,
        account: &AccountName,
        after: Timestamp,
        blocked: &[MessageId],
    ) -> Did<Option<Timestamp>> {
        Ok(self.store.rows().next_ready(account, after, blocked))
    }

    async fn intend(&self, intent: Intent) -> Did<Intended> {
        if self.store.shared && self.seat.is_none() {
            return Ok(Intended::Refused);
        }
        let intended = self.store.rows().intend(&intent, self.instance());
        if let (Some(seat), Intended::Durable) = (&self.seat, intended) {
            seat.found(intent.post);
        }
        Ok(intended)
    }

    async fn conclude(&self, conclusion: Conclusion) -> Did<bool> {
        let mut rows = self.store.rows();
        let moved = rows.conclude(&conclusion, self.instance(), self.store.shared);
        let went_out = conclusion.to.state == State::Sent;
        if self.store.shared && went_out {
            // The one that plans may wait for it.
            self.store.ring(&mut rows);
        }
        Ok(moved)
    }

    async fn account_waits(&self, account: &AccountName, until: Timestamp) -> Did<()> {
        self.store.rows().waits.insert(account.clone(), until);
        Ok(())
    }

    async fn let_through(&self, posts: Vec<PostId>, said: i64, now: Timestamp) -> Did<()> {
        self.store.rows().let_through(&posts, said, now);
        Ok(())
    }

    async fn hold(&self, scope: &Scope, why: &str, by: &str, now: Timestamp) -> Did<()> {
        self.store.rows().hold(scope, why, by, now);
        Ok(())
    }

    async fn release(
        &self,
        scope: &Scope,
        _: &str,
        only_by: Option<&str>,
        _: Option<&str>,
        now: Timestamp,
    ) -> Did<u64> {
        Ok(self.store.rows().release(scope, only_by, now))
    }

    async fn holds(&self) -> Did<Vec<Hold>> {
        Ok(self.store.rows().holds())
    }

    async fn held_since(&self, since: Timestamp) -> Did<Vec<Hold>> {
        Ok(self.store.rows().held_since(since))
    }

    async fn settle(&self, hold: &Hold, after: AfterHold, now: Timestamp) -> Did<Vec<Post>> {
        Ok(self.store.rows().settle(hold, after, now))
    }

    async fn post(&self, id: PostId) -> Did<Option<Post>> {
        Ok(self.store.rows().posts.get(&id).map(|row| row.post.clone()))
    }

    async fn parts(&self, id: PostId) -> Did<Vec<SentPart>> {
        let rows = self.store.rows();
        let parts = rows
            .posts
            .get(&id)
            .map(|row| row.parts.values().cloned().collect());
        Ok(parts.unwrap_or_default())
    }

    async fn attempts(&self, id: PostId) -> Did<Vec<steadfast::ledger::Attempt>> {
        let rows = self.store.rows();
        let attempts = rows.posts.get(&id).map(|row| row.attempts.clone());
        let attempt = |attempt: Attempt| steadfast::ledger::Attempt {
            part: attempt.part,
            number: attempt.no,
            intended: attempt.intended,
            answered: attempt.answered,
            class: attempt.class.map(str::to_owned),
            words: attempt.words,
        };
        Ok(attempts.unwrap_or_default().into_iter().map(attempt).collect())
    }

    async fn receipts_of(&self, message: &MessageId, account: &AccountName) -> Did<Vec<Receipt>> {
        Ok(self.store.rows().receipts_of(message, account))
    }

    async fn published(&self, which: &Published, after: Option<PostId>, limit: u32) -> Did<Vec<Post>> {
        Ok(self.store.rows().published(which, after, limit))
    }

    async fn recalls(&self, of: &[PostId]) -> Did<Vec<Post>> {
        Ok(self.store.rows().recalls(of))
    }

    async fn rivals(&self, post: &Post, since: Timestamp) -> Did<Rivals> {
        Ok(self.store.rows().rivals(post, since))
    }

    async fn in_state(&self, state: State, limit: u32) -> Did<Vec<Post>> {
        Ok(self.store.rows().in_state(state, limit))
    }

    async fn history(&self, filter: &Filter) -> Did<Vec<Post>> {
        Ok(self.store.rows().history(filter))
    }

    async fn counts(&self) -> Did<BTreeMap<State, u64>> {
        Ok(self.store.rows().counts())
    }

    async fn waits(&self) -> Did<BTreeMap<AccountName, Timestamp>> {
        Ok(self.store.rows().waits.clone())
    }

    async fn listen(&self) {
        // Within a second in any case.
        let look = Duration::from_secs(1);
        drop(tokio::time::timeout(look, self.store.rung.notified()).await);
    }

    async fn bell(&self) -> Did<i64> {
        Ok(self.store.rows().bell)
    }

    async fn ring(&self) -> Did<i64> {
        let mut rows = self.store.rows();
        Ok(self.store.ring(&mut rows))
    }

    async fn heard(&self, bell: i64) -> Did<()> {
        let mut rows = self.store.rows();
        match &self.seat {
            Some(seat) => seat.heard(&mut rows, bell),
            None => rows.heard = bell,
        }
        Ok(())
    }

    async fn daemons(&self) -> Did<Vec<Daemon>> {
        let rows = self.store.rows();
        if self.store.shared {
            return Ok(seats::daemons(&rows, (self.store.time)()));
        }
        Ok(vec![Daemon {
            name: "the daemon".to_owned(),
            heard: rows.heard,
        }])
    }

    async fn note(&self, key: &str, value: &str) -> Did<()> {
        self.store.rows().notes.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    async fn noted(&self, key: &str) -> Did<Option<String>> {
        Ok(self.store.rows().notes.get(key).cloned())
    }

    async fn newest(&self) -> Did<Option<Timestamp>> {
        Ok(self.store.rows().newest())
    }

    /// What happened is not chained here: that is each engine's own.
    async fn events(&self, _: Option<(&str, i64)>, _: u32) -> Did<Vec<Event>> {
        Ok(Vec::new())
    }

    async fn check(&self) -> Did<()> {
        Ok(())
    }

    async fn oddities(&self) -> Did<Vec<String>> {
        Ok(Vec::new())
    }

    async fn backup(&self, to: &Path) -> Did<()> {
        Err(LedgerError::Broken(format!(
            "{}: memory is not kept",
            to.display()
        )))
    }
}

#[async_trait]
impl Renaming for Model {
    async fn rename(&self, campaign: &CampaignId, names: Vec<Rename>, now: Timestamp) -> Did<Vec<Renamed>> {
        let mut rows = self.store.rows();
        self.may_plan(&rows)?;
        Ok(rows.rename(campaign, names, now))
    }

    async fn sent_since(&self, since: Timestamp) -> Did<BTreeSet<MessageId>> {
        Ok(self.store.rows().sent_since(since))
    }
}

#[async_trait]
impl Approving for Model {
    async fn approve(&self, said: Vec<(Approval, String)>) -> Did<()> {
        self.store.rows().approve(said);
        Ok(())
    }

    async fn approvals(&self) -> Did<Vec<Approval>> {
        let rows = self.store.rows();
        Ok(rows
            .approvals
            .iter()
            .map(|(approval, _)| approval.clone())
            .collect())
    }

    async fn approved_last(&self, message: &MessageId) -> Did<Option<String>> {
        let rows = self.store.rows();
        let mut last = rows.approvals.iter().rev();
        let found = last.find(|(approval, _)| approval.message == *message && approval.digest.is_some());
        Ok(found.map(|(_, content)| content.clone()))
    }
}

#[async_trait]
impl Tokens for Model {
    async fn step_token(&self, account: &AccountName, step: Step, now: Timestamp) -> Did<Moved> {
        let mut rows = self.store.rows();
        let (moved, row) = step.from(account, rows.tokens.get(account).cloned(), now);
        if let Some(row) = row {
            rows.tokens.insert(account.clone(), row);
        }
        Ok(moved)
    }

    async fn tokens(&self, account: Option<&AccountName>) -> Did<Vec<KeptToken>> {
        let rows = self.store.rows();
        let wanted = |row: &&KeptToken| account.is_none_or(|account| row.account == *account);
        Ok(rows.tokens.values().filter(wanted).cloned().collect())
    }
}

#[async_trait]
impl Sessions for Model {
    async fn step_session(&self, step: SessionStep) -> Did<()> {
        let sessions = &mut self.store.rows().sessions;
        match step {
            SessionStep::Begun {
                session,
                began_after,
                seen_after,
                most,
            } => {
                sessions.retain(|_, kept| kept.began >= began_after && kept.seen >= seen_after);
                let mut by_use: Vec<Session> = sessions.values().cloned().collect();
                by_use.sort_by_key(|kept| (std::cmp::Reverse(kept.seen), kept.id));
                for kept in by_use.iter().skip(usize::try_from(most).unwrap() - 1) {
                    sessions.remove(&kept.id);
                }
                sessions.entry(session.id).or_insert(session);
            }
            SessionStep::Seen(id, at) => {
                if let Some(kept) = sessions.get_mut(&id) {
                    kept.seen = kept.seen.max(at);
                }
            }
            SessionStep::Ended(id) => drop(sessions.remove(&id)),
        }
        Ok(())
    }

    async fn session(&self, id: Digest) -> Did<Option<Session>> {
        Ok(self.store.rows().sessions.get(&id).cloned())
    }
}

#[async_trait]
impl Speaking for Model {
    async fn spoken(&self, of: &[PostId]) -> Did<Vec<Spoken>> {
        let rows = self.store.rows();
        let theirs = rows.spoken.iter().filter(|spoken| of.contains(&spoken.post));
        Ok(theirs.cloned().collect())
    }
}

#[async_trait]
impl Counting for Model {
    async fn asked_after(&self, account: &AccountName, since: Timestamp) -> Did<Vec<AskedAfter>> {
        let rows = self.store.rows();
        let asked = |row: &rows::Row| {
            let post = &row.post;
            let ours = !post.is_recall() && post.content.share.is_none();
            let sought =
                ours && post.account == *account && post.due >= since && post.standing.state == State::Sent;
            Some(AskedAfter {
                post: post.id,
                sent: post.sent.filter(|_| sought)?,
                receipt: row.parts.get(&0)?.receipt.clone()?,
                last: rows
                    .counts
                    .get(&post.id)
                    .and_then(|counts| counts.keys().next_back().copied()),
            })
        };
        let mut all: Vec<AskedAfter> = rows.posts.values().filter_map(asked).collect();
        all.sort_by_key(|asked| (asked.sent, asked.post.to_string()));
        Ok(all)
    }

    async fn count(&self, readings: Vec<Reading>) -> Did<()> {
        let mut rows = self.store.rows();
        for reading in readings
            .iter()
            .filter(|reading| rows.posts.contains_key(&reading.post))
            .collect::<Vec<_>>()
        {
            let of = rows.counts.entry(reading.post).or_default();
            of.entry(reading.at).or_insert(reading.counts);
        }
        Ok(())
    }

    async fn counted(&self, of: &Span) -> Did<Vec<Counted>> {
        let rows = self.store.rows();
        let sought = |post: &Post| {
            let one = of.message.as_ref().is_none_or(|message| *message == post.message);
            one && of.since <= post.due && post.due < of.until
        };
        let counted = |(id, counts): (&PostId, &BTreeMap<Timestamp, Counts>)| {
            let row = rows.posts.get(id)?;
            let post = &row.post;
            Some(Counted {
                post: *id,
                message: post.message.clone(),
                account: post.account.clone(),
                platform: post.platform.clone(),
                sent: post.sent.filter(|_| sought(post))?,
                url: row
                    .parts
                    .get(&0)
                    .and_then(|part| part.receipt.as_ref()?.url.clone()),
                readings: counts.iter().map(|(at, counts)| (*at, *counts)).collect(),
            })
        };
        let mut all: Vec<Counted> = rows.counts.iter().filter_map(counted).collect();
        all.sort_by_key(|counted| (counted.sent, counted.post.to_string()));
        Ok(all)
    }
}

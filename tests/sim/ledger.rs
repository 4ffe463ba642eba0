//! One process's way to the ledger: each call takes a moment, may fail, and is a place to die at.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

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
    Approving, Attempt, Change, Conclusion, Daemon, Fence, Filter, Hold, Intended, Intent, Ledger,
    LedgerError, NewPost, Orphan, Post, Published, Rename, Renamed, Renaming, Rivals, Scope, SentPart,
    Speaking, Spoken, Term,
};
use steadfast::post::digest::Digest;
use steadfast::post::identity::{AccountName, CampaignId, MessageId, PostId};
use steadfast::post::outcome::Receipt;
use steadfast::post::state::State;

use crate::Mutant;
use crate::book;
use crate::model::Model;
use crate::world::Hand;

type Did<T> = Result<T, LedgerError>;

pub struct Faulty {
    pub hand: Hand,
    pub model: Model,
}

impl Faulty {
    /// A write is on its way.
    async fn before(&self, what: &str) -> Did<()> {
        self.hand.point(what).await;
        self.hand.moment().await;
        self.hand.thawed().await;
        self.hand.ledger_works(true).await
    }

    /// It is done, and its answer is on its way.
    async fn after(&self, what: &str) -> Did<()> {
        self.hand.point(what).await;
        self.hand.moment().await;
        self.hand.thawed().await;
        if self.hand.sim.goes_wrong(self.hand.sim.profile.lost_commit) {
            self.hand.say(format_args!("is not told that it wrote: {what}"));
            return Err(LedgerError::Broken("the connection was lost".to_owned()));
        }
        Ok(())
    }

    async fn look(&self) -> Did<()> {
        self.hand.thawed().await;
        self.hand.ledger_works(false).await
    }

    fn has(&self, mutant: Mutant) -> bool {
        self.hand.sim.profile.mutant == Some(mutant)
    }
}

#[async_trait]
impl Ledger for Faulty {
    async fn record(&self, posts: Vec<NewPost>, now: Timestamp) -> Did<Vec<PostId>> {
        self.before("before it records").await?;
        let new = self.model.record(posts, now).await?;
        for id in &new {
            self.hand
                .say(format_args!("records {}", book::shown(&self.hand.sim, *id)));
        }
        self.after("after it recorded").await?;
        Ok(new)
    }

    async fn leads(&self) -> Did<Option<Term>> {
        self.look().await?;
        self.model.leads().await
    }

    async fn waiting(&self, after: Option<PostId>, limit: u32) -> Did<Vec<Post>> {
        self.look().await?;
        self.model.waiting(after, limit).await
    }

    async fn files_waiting(&self) -> Did<Vec<(String, MessageId)>> {
        self.look().await?;
        self.model.files_waiting().await
    }

    async fn recorded(&self) -> Did<HashSet<PostId>> {
        self.look().await?;
        self.model.recorded().await
    }

    async fn reword(&self, changes: Vec<Change>, now: Timestamp) -> Did<()> {
        self.before("before it rewords").await?;
        self.model.reword(changes, now).await?;
        self.after("after it reworded").await
    }

    async fn unplan(&self, posts: Vec<PostId>, now: Timestamp) -> Did<()> {
        self.before("before it forgets").await?;
        for id in &posts {
            self.hand
                .say(format_args!("forgets {}", book::shown(&self.hand.sim, *id)));
        }
        self.model.unplan(posts, now).await?;
        self.after("after it forgot").await
    }

    async fn know(&self, messages: Vec<MessageId>, now: Timestamp) -> Did<()> {
        self.before("before it knows").await?;
        book::known(&self.hand.sim, &messages, now);
        self.model.know(messages, now).await?;
        self.after("after it knew").await
    }

    async fn variants(&self, of: &[MessageId]) -> Did<Variants> {
        self.look().await?;
        self.model.variants(of).await
    }

    async fn past(&self, asked: &[MessageId], now: Timestamp) -> Did<Past> {
        self.look().await?;
        self.model.past(asked, now).await
    }

    async fn claim(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Did<Vec<Post>> {
        self.look().await?;
        self.model.claim(account, now, blocked, limit).await
    }

    fn is_shared(&self) -> bool {
        self.model.is_shared()
    }

    async fn let_go(&self, posts: Vec<(PostId, Fence)>) -> Did<()> {
        self.look().await?;
        self.model.let_go(posts).await
    }

    async fn orphans(&self, starting: bool) -> Did<Vec<Orphan>> {
        self.hand.point("while it looks for orphans").await;
        self.look().await?;
        let mut orphans = self.model.orphans(starting).await?;
        for orphan in &mut orphans {
            if self.has(Mutant::ResendForeign) {
                orphan.foreign = false;
            }
            let shown = book::shown(&self.hand.sim, orphan.post.id);
            self.hand
                .say(format_args!("finds {shown} adrift, foreign {}", orphan.foreign));
        }
        Ok(orphans)
    }

    fn trusted(&self) -> bool {
        self.model.trusted()
    }

    async fn next_ready(
        &self,
        account: &AccountName,
        after: Timestamp,
        blocked: &[MessageId],
    ) -> Did<Option<Timestamp>> {
        self.look().await?;
        self.model.next_ready(account, after, blocked).await
    }

    async fn intend(&self, intent: Intent) -> Did<Intended> {
        self.before("before an intent").await?;
        let before = self.has(Mutant::VolatileIntents).then(|| {
            let rows = self.model.store.rows();
            rows.posts.get(&intent.post).cloned()
        });
        let intended = self.model.intend(intent.clone()).await?;
        if intended == Intended::Durable {
            if let Some(Some(row)) = before {
                self.hand
                    .sim
                    .book
                    .lock()
                    .unwrap()
                    .unsynced
                    .insert(intent.post, row);
            }
            book::intended(&self.hand, &intent);
        }
        if let Err(lost) = self.after("after an intent").await {
            if intended == Intended::Durable {
                self.model.lost_sight(intent.post);
            }
            return Err(lost);
        }
        Ok(intended)
    }

    async fn conclude(&self, conclusion: Conclusion) -> Did<bool> {
        self.before("before a conclusion").await?;
        let before = book::standing(&self.hand.sim, conclusion.post);
        let moved = self.model.conclude(conclusion.clone()).await?;
        book::concluded(&self.hand, &conclusion, before.as_ref(), moved);
        self.after("after a conclusion").await?;
        Ok(moved)
    }

    async fn account_waits(&self, account: &AccountName, until: Timestamp) -> Did<()> {
        self.before("before an account waits").await?;
        self.model.account_waits(account, until).await?;
        self.after("after an account waits").await
    }

    async fn let_through(&self, posts: Vec<PostId>, said: i64, now: Timestamp) -> Did<()> {
        self.before("before a deletion is let through").await?;
        self.model.let_through(posts, said, now).await?;
        self.after("after a deletion was let through").await
    }

    async fn hold(&self, scope: &Scope, why: &str, by: &str, now: Timestamp) -> Did<()> {
        self.before("before a hold").await?;
        self.model.hold(scope, why, by, now).await?;
        self.hand.say(format_args!("holds {scope} as {by}"));
        book::held(&self.hand.sim, scope, by, None);
        self.after("after a hold").await
    }

    async fn release(
        &self,
        scope: &Scope,
        by: &str,
        only_by: Option<&str>,
        why: Option<&str>,
        now: Timestamp,
    ) -> Did<u64> {
        self.before("before a release").await?;
        book::releases(&self.hand.sim, scope, only_by);
        let released = self.model.release(scope, by, only_by, why, now).await?;
        self.hand.say(format_args!("releases {scope} as {by}"));
        self.after("after a release").await?;
        Ok(released)
    }

    async fn holds(&self) -> Did<Vec<Hold>> {
        self.look().await?;
        self.model.holds().await
    }

    async fn held_since(&self, since: Timestamp) -> Did<Vec<Hold>> {
        self.look().await?;
        self.model.held_since(since).await
    }

    async fn settle(&self, hold: &Hold, after: AfterHold, now: Timestamp) -> Did<Vec<Post>> {
        self.before("before it settles").await?;
        let moved = self.model.settle(hold, after, now).await?;
        for post in &moved {
            let shown = book::shown(&self.hand.sim, post.id);
            self.hand
                .say(format_args!("settles {shown}: {}", post.standing.state));
        }
        self.after("after it settled").await?;
        Ok(moved)
    }

    async fn post(&self, id: PostId) -> Did<Option<Post>> {
        self.look().await?;
        self.model.post(id).await
    }

    async fn parts(&self, id: PostId) -> Did<Vec<SentPart>> {
        self.look().await?;
        self.model.parts(id).await
    }

    async fn attempts(&self, id: PostId) -> Did<Vec<Attempt>> {
        self.look().await?;
        self.model.attempts(id).await
    }

    async fn receipts_of(&self, message: &MessageId, account: &AccountName) -> Did<Vec<Receipt>> {
        self.look().await?;
        self.model.receipts_of(message, account).await
    }

    async fn published(&self, which: &Published, after: Option<PostId>, limit: u32) -> Did<Vec<Post>> {
        self.look().await?;
        self.model.published(which, after, limit).await
    }

    async fn recalls(&self, of: &[PostId]) -> Did<Vec<Post>> {
        self.look().await?;
        self.model.recalls(of).await
    }

    async fn rivals(&self, post: &Post, since: Timestamp) -> Did<Rivals> {
        self.look().await?;
        self.model.rivals(post, since).await
    }

    async fn in_state(&self, state: State, limit: u32) -> Did<Vec<Post>> {
        self.look().await?;
        self.model.in_state(state, limit).await
    }

    async fn history(&self, filter: &Filter) -> Did<Vec<Post>> {
        self.look().await?;
        self.model.history(filter).await
    }

    async fn counts(&self) -> Did<BTreeMap<State, u64>> {
        self.look().await?;
        self.model.counts().await
    }

    async fn waits(&self) -> Did<BTreeMap<AccountName, Timestamp>> {
        self.look().await?;
        self.model.waits().await
    }

    async fn listen(&self) {
        self.model.listen().await;
        self.hand.thawed().await;
    }

    async fn bell(&self) -> Did<i64> {
        self.look().await?;
        self.model.bell().await
    }

    async fn ring(&self) -> Did<i64> {
        self.before("before it rings").await?;
        self.model.ring().await
    }

    async fn heard(&self, bell: i64) -> Did<()> {
        self.before("before it says that it heard").await?;
        self.model.heard(bell).await?;
        self.hand
            .on()
            .heard
            .store(bell, std::sync::atomic::Ordering::Relaxed);
        self.after("after it said that it heard").await
    }

    async fn daemons(&self) -> Did<Vec<Daemon>> {
        self.look().await?;
        self.model.daemons().await
    }

    async fn note(&self, key: &str, value: &str) -> Did<()> {
        self.before("before a note").await?;
        self.model.note(key, value).await?;
        self.after("after a note").await
    }

    async fn noted(&self, key: &str) -> Did<Option<String>> {
        self.look().await?;
        self.model.noted(key).await
    }

    async fn newest(&self) -> Did<Option<Timestamp>> {
        self.look().await?;
        self.model.newest().await
    }

    async fn events(&self, after: Option<(&str, i64)>, limit: u32) -> Did<Vec<Event>> {
        self.model.events(after, limit).await
    }

    async fn check(&self) -> Did<()> {
        self.model.check().await
    }

    async fn oddities(&self) -> Did<Vec<String>> {
        self.model.oddities().await
    }

    async fn backup(&self, to: &Path) -> Did<()> {
        self.model.backup(to).await
    }
}

#[async_trait]
impl Renaming for Faulty {
    async fn rename(&self, campaign: &CampaignId, names: Vec<Rename>, now: Timestamp) -> Did<Vec<Renamed>> {
        self.before("before it renames").await?;
        for name in &names {
            self.hand.say(format_args!("{} is {} now", name.from, name.to));
        }
        let renamed = self.model.rename(campaign, names, now).await?;
        for name in &renamed {
            book::renamed(&self.hand.sim, name);
        }
        self.after("after it renamed").await?;
        Ok(renamed)
    }

    async fn sent_since(&self, since: Timestamp) -> Did<BTreeSet<MessageId>> {
        self.look().await?;
        self.model.sent_since(since).await
    }
}

#[async_trait]
impl Approving for Faulty {
    async fn approve(&self, said: Vec<(Approval, String)>) -> Did<()> {
        self.before("before a word of approval").await?;
        self.model.approve(said).await?;
        self.after("after a word of approval").await
    }

    async fn approvals(&self) -> Did<Vec<Approval>> {
        self.look().await?;
        self.model.approvals().await
    }

    async fn approved_last(&self, message: &MessageId) -> Did<Option<String>> {
        self.look().await?;
        self.model.approved_last(message).await
    }
}

#[async_trait]
impl Tokens for Faulty {
    async fn step_token(&self, account: &AccountName, step: Step, now: Timestamp) -> Did<Moved> {
        self.before("before a step of a token").await?;
        let moved = self.model.step_token(account, step, now).await?;
        self.after("after a step of a token").await?;
        Ok(moved)
    }

    async fn tokens(&self, account: Option<&AccountName>) -> Did<Vec<KeptToken>> {
        self.look().await?;
        self.model.tokens(account).await
    }
}

#[async_trait]
impl Sessions for Faulty {
    async fn step_session(&self, step: SessionStep) -> Did<()> {
        self.model.step_session(step).await
    }

    async fn session(&self, id: Digest) -> Did<Option<Session>> {
        self.model.session(id).await
    }
}

#[async_trait]
impl Speaking for Faulty {
    async fn spoken(&self, of: &[PostId]) -> Did<Vec<Spoken>> {
        self.look().await?;
        self.model.spoken(of).await
    }
}

#[async_trait]
impl Counting for Faulty {
    async fn asked_after(&self, account: &AccountName, since: Timestamp) -> Did<Vec<AskedAfter>> {
        self.look().await?;
        self.model.asked_after(account, since).await
    }

    async fn count(&self, readings: Vec<Reading>) -> Did<()> {
        self.before("before readings").await?;
        self.model.count(readings).await?;
        self.after("after readings").await
    }

    async fn counted(&self, of: &Span) -> Did<Vec<Counted>> {
        self.look().await?;
        self.model.counted(of).await
    }
}

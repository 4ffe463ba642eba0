//! WHAT HAPPENED. The record of every post, intent, answer and hold: the only shared state.
//!
//! A trait with one verb for each arrow and no general update. Every write names the standing it starts
//! from and touches one row, or it is refused (reliability, rule 4).

pub mod approval;
mod ask;
mod conclusion;
pub mod copy;
pub mod engagement;
pub mod evidence;
mod group;
mod hold;
pub mod open;
mod pace;
pub mod postgres;
pub mod rename;
mod row;
pub mod session;
pub mod sqlite;
pub mod token;
pub mod word;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::calendar::past::{Past, Variants};
use crate::campaign::AfterHold;
use crate::post::content::Content;
use crate::post::identity::{AccountName, Identity, MessageId, Occurrence, PostId};
use crate::post::outcome::Receipt;
use crate::post::sealed::{Key, Prepared};
use crate::post::state::{Standing, State};

pub use approval::Approving;
pub use ask::{Attempt, Filter, Published, Rivals};
pub use conclusion::Conclusion;
pub use engagement::Counting;
pub use hold::{BY_DAEMON, BY_FILE, BY_ROLLBACK, BY_WATCH, Hold, Scope};
pub use pace::Pace;
pub use rename::{Rename, Renamed, Renaming};
pub use session::Sessions;
pub use token::Tokens;
pub use word::{Speaking, Spoken, Voice};

/// What can go wrong with the ledger itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// There is no ledger where the config says.
    #[error("there is no ledger at {0}")]
    Missing(String),
    /// Another daemon has it.
    #[error("another daemon has this ledger{}", .0.as_deref().map(|who| format!(" ({who})")).unwrap_or_default())]
    Taken(Option<String>),
    /// It is of a newer version of steadfast.
    #[error(
        "this ledger was written by a newer version of steadfast: use that version, or a backup from before"
    )]
    Newer,
    /// It belongs to another campaign.
    #[error(
        "this ledger belongs to the campaign `{0}`, and the messages are of `{1}`: an `id` never changes"
    )]
    OtherCampaign(String, String),
    /// The disk, or the quota, is full.
    #[error("the disk is full, so nothing can be recorded: {0}")]
    Full(String),
    /// Somebody else has been writing to it for too long.
    #[error("another program keeps the ledger locked (an open `sqlite3` shell?): {0}")]
    Locked(String),
    /// It is well, and would not take this one thing.
    #[error("the ledger would not take this: {0}")]
    Refused(String),
    /// The disk could not say that what was written is on it. Nobody can tell what a later look will find.
    #[error("the disk failed while it was told to keep what was written: {0}")]
    Unsure(String),
    /// It is of an older version, and only the daemon brings it up to date.
    #[error("this ledger was written by an older version of steadfast: `steadfast run` brings it up to date")]
    Older,
    /// Another replica plans now, so nothing of this one's plan is written.
    #[error("another replica plans now")]
    NotPlanning,
    /// It is there and can't be used: damaged, not ours, no permission, a full disk …
    #[error("the ledger can't be used: {0}")]
    Broken(String),
}

/// What the files say of a recorded post now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub post: PostId,
    pub content: Content,
    pub late: Duration,
    pub expires: Option<Timestamp>,
    /// It was tried, certainly not accepted, and is due at another time now.
    pub moved: Option<Timestamp>,
}

/// A post as it is first recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    pub identity: Identity,
    pub platform: &'static str,
    pub due: Timestamp,
    pub late: Duration,
    pub expires: Option<Timestamp>,
    pub recurring: bool,
    pub breaking: bool,
    /// The slot that it fills.
    pub slot: Option<Timestamp>,
    /// The message's file.
    pub file: Arc<str>,
    pub content: Content,
    /// `Due`, or where it ends at once: held because it is late, skipped because it was missed.
    pub state: State,
    pub why: Option<String>,
    /// Who asked for it; `None`: the plan.
    pub voice: Option<Voice>,
}

/// The version of a post: every write names the one it read and raises it, so whoever has lost a post to
/// another can't move it any more (reliability, rule 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence(pub i64);

impl Fence {
    /// After one more write.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A post as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub id: PostId,
    pub message: MessageId,
    pub account: AccountName,
    pub platform: String,
    pub occurrence: Occurrence,
    pub due: Timestamp,
    pub late: Duration,
    pub expires: Option<Timestamp>,
    pub recurring: bool,
    pub breaking: bool,
    pub slot: Option<Timestamp>,
    pub file: String,
    pub parts: u16,
    pub content: Content,
    pub standing: Standing,
    pub fence: Fence,
    /// How many requests may have left for it.
    pub attempts: u32,
    /// The last failure, in the platform's words.
    pub error: Option<String>,
    /// When its first part was accepted.
    pub began: Option<Timestamp>,
    /// When its last part was accepted.
    pub sent: Option<Timestamp>,
    /// No hold that was said up to this one stops it: a person asked for it knowing of them. 0: any does.
    pub through: i64,
}

impl Post {
    /// Whether it takes back or corrects another: then neither its message's file nor the account's pace say
    /// anything about it.
    pub fn is_recall(&self) -> bool {
        self.content.recall.is_some()
    }
}

/// One part as the ledger knows it: a frozen request, and its receipt once there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPart {
    pub index: u16,
    pub key: Key,
    pub prepared: Prepared,
    pub receipt: Option<Receipt>,
    pub sent: Option<Timestamp>,
}

/// The intent to send one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    pub post: PostId,
    pub account: AccountName,
    pub from: State,
    pub fence: Fence,
    pub to: Standing,
    /// For a first part that takes a place in its account's pace, where it has one.
    pub pace: Option<Pace>,
    pub key: Key,
    /// `None`: the request frozen before is sent again.
    pub prepared: Option<Prepared>,
    pub at: Timestamp,
}

/// What became of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intended {
    Durable,
    /// A hold is in force, or the post is no longer where we thought: nothing was written, nothing may leave.
    Refused,
    /// Its account's pace, or a wait that its platform asked for, lets nothing through until then.
    NotYet(Timestamp),
}

/// A post that was being sent by somebody who is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub post: Post,
    /// Another replica was sending it, which may be frozen and not dead.
    pub foreign: bool,
}

/// A daemon that has the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemon {
    /// The replica's name; of a ledger that only one can have, `the daemon`.
    pub name: String,
    /// The last bell that it heard: every hold said before that is in force there.
    pub heard: i64,
}

/// A time in which one process plans without a break. Whoever plans in another term than before knows nothing any more
/// of what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Term(pub i64);

/// The verbs. Each write is one transaction, durable when it returns.
#[async_trait]
pub trait Ledger: Approving + Counting + Renaming + Sessions + Speaking + Tokens + Send + Sync {
    // --- planning ---------------------------------------------------------------------------------

    /// Records posts; those that are recorded already stay as they are. Returns the new ones.
    async fn record(&self, posts: Vec<NewPost>, now: Timestamp) -> Result<Vec<PostId>, LedgerError>;
    /// The term in which this process plans, if it does. Of several, one does; another takes over when it is lost. Only
    /// the planner may ask: what it writes counts in the term that was told last.
    async fn leads(&self) -> Result<Option<Term>, LedgerError>;
    /// Posts that wait to be sent, in the order of their ids, `limit` of them after `after`.
    async fn waiting(&self, after: Option<PostId>, limit: u32) -> Result<Vec<Post>, LedgerError>;
    /// The files and messages of what waits to be sent or is in doubt.
    async fn files_waiting(&self) -> Result<Vec<(String, MessageId)>, LedgerError>;
    /// Which posts are recorded: their ids, and those that they would have under the names of now.
    async fn recorded(&self) -> Result<HashSet<PostId>, LedgerError>;
    /// New words and terms for posts of which certainly nothing was accepted.
    async fn reword(&self, changes: Vec<Change>, now: Timestamp) -> Result<(), LedgerError>;
    /// Forgets posts of which no request was ever made: their time changed, they will be planned again.
    async fn unplan(&self, posts: Vec<PostId>, now: Timestamp) -> Result<(), LedgerError>;
    /// Notes which messages are seen for the first time.
    async fn know(&self, messages: Vec<MessageId>, now: Timestamp) -> Result<(), LedgerError>;
    /// The past, with the turns of the messages in `asked` too; which posts are recorded is left out.
    async fn past(&self, asked: &[MessageId], now: Timestamp) -> Result<Past, LedgerError>;
    /// The variant of each of these messages that each account said last, or is about to say, by when the post was
    /// due. What was skipped or rejected was not said.
    async fn variants(&self, of: &[MessageId]) -> Result<Variants, LedgerError>;

    // --- delivery ---------------------------------------------------------------------------------

    /// Takes what may be looked at now for this account, first breaking posts, then the longest waiting; none
    /// that is held or whose message is in `blocked`. Nobody else gets them while this process lives.
    async fn claim(
        &self,
        account: &AccountName,
        now: Timestamp,
        blocked: &[MessageId],
        limit: u32,
    ) -> Result<Vec<Post>, LedgerError>;
    /// Whether other processes record and claim posts too, of which nobody tells this one.
    fn is_shared(&self) -> bool {
        false
    }
    /// How many posts are claimed at a time at most: where others claim too, they are to have their share.
    fn share(&self) -> u32 {
        u32::MAX
    }
    /// Gives back what was claimed and not begun.
    async fn let_go(&self, posts: Vec<(PostId, Fence)>) -> Result<(), LedgerError>;
    /// What was being sent by somebody who is gone, ours from now on. `starting`: nothing of our own is in
    /// flight yet, so what an earlier process of ours left behind is an orphan too.
    async fn orphans(&self, starting: bool) -> Result<Vec<Orphan>, LedgerError>;
    /// Whether what was claimed is surely still ours for as long as a request can take. Looked at right before
    /// each request; a replica that was frozen finds out here (reliability §2.4, step 6).
    fn trusted(&self) -> bool;
    /// When the next post of this account comes up, held and blocked ones left out.
    async fn next_ready(
        &self,
        account: &AccountName,
        after: Timestamp,
        blocked: &[MessageId],
    ) -> Result<Option<Timestamp>, LedgerError>;
    /// The intent, if no hold is in force: hold and intent exclude each other (reliability §2.4, step 5).
    async fn intend(&self, intent: Intent) -> Result<Intended, LedgerError>;
    /// A post moves to its next standing. `false`: it was not where we thought, and nothing was written.
    async fn conclude(&self, conclusion: Conclusion) -> Result<bool, LedgerError>;
    /// The account waits.
    async fn account_waits(&self, account: &AccountName, until: Timestamp) -> Result<(), LedgerError>;

    /// A person asks for these recalls in spite of all holds said up to the one of that number ([`Hold::said`]),
    /// of which they know. Whoever says stop after that is heard.
    async fn let_through(&self, posts: Vec<PostId>, said: i64, now: Timestamp) -> Result<(), LedgerError>;

    // --- holds ------------------------------------------------------------------------------------

    /// Says stop. When it returns, no new intent can be written. The same scope by the same hand only
    /// changes its reason.
    async fn hold(&self, scope: &Scope, why: &str, by: &str, now: Timestamp) -> Result<(), LedgerError>;
    /// Releases holds of this scope; `only_by` leaves others' holds in force; `why` is for the record. Returns
    /// how many.
    async fn release(
        &self,
        scope: &Scope,
        by: &str,
        only_by: Option<&str>,
        why: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, LedgerError>;
    /// All in force, the released but unsettled ones too.
    async fn holds(&self) -> Result<Vec<Hold>, LedgerError>;
    /// All that were in force at any time since then, those of now too.
    async fn held_since(&self, since: Timestamp) -> Result<Vec<Hold>, LedgerError>;
    /// Ends a released hold: what fell due meanwhile follows `after`. Returns the posts it moved.
    async fn settle(&self, hold: &Hold, after: AfterHold, now: Timestamp) -> Result<Vec<Post>, LedgerError>;

    // --- looking ----------------------------------------------------------------------------------

    async fn post(&self, id: PostId) -> Result<Option<Post>, LedgerError>;
    async fn parts(&self, id: PostId) -> Result<Vec<SentPart>, LedgerError>;
    /// Those of many posts, by post; a post that has none may be left out.
    async fn parts_of(&self, posts: &[PostId]) -> Result<HashMap<PostId, Vec<SentPart>>, LedgerError> {
        let mut all = HashMap::new();
        for id in posts {
            all.insert(*id, self.parts(*id).await?);
        }
        Ok(all)
    }
    /// The requests of a post that may have left, in their order.
    async fn attempts(&self, id: PostId) -> Result<Vec<Attempt>, LedgerError>;
    /// The receipts of the post of `message` on `account` that went out last.
    async fn receipts_of(
        &self,
        message: &MessageId,
        account: &AccountName,
    ) -> Result<Vec<Receipt>, LedgerError>;
    /// Posts that are out, in part or, as far as anybody knows, perhaps, in the order of their ids, `limit` of
    /// them after `after`. Recalls are none of them, but those with a fact are also those that an edit has given it.
    async fn published(
        &self,
        which: &Published,
        after: Option<PostId>,
        limit: u32,
    ) -> Result<Vec<Post>, LedgerError>;
    /// The recalls of these posts, in the order in which they were due.
    async fn recalls(&self, of: &[PostId]) -> Result<Vec<Post>, LedgerError>;
    /// What of this account could be mistaken for the part that `post` is at: the receipts of its other posts
    /// since then, and whether another one with the very same request is unaccounted for too.
    async fn rivals(&self, post: &Post, since: Timestamp) -> Result<Rivals, LedgerError>;
    /// Posts in a state, oldest first.
    async fn in_state(&self, state: State, limit: u32) -> Result<Vec<Post>, LedgerError>;
    /// Newest due first.
    async fn history(&self, filter: &Filter) -> Result<Vec<Post>, LedgerError>;
    async fn counts(&self) -> Result<BTreeMap<State, u64>, LedgerError>;
    /// Until when each account waits.
    async fn waits(&self) -> Result<BTreeMap<AccountName, Timestamp>, LedgerError>;

    // --- between commands and the daemon ----------------------------------------------------------

    /// Comes back when the bell may have been rung, and within a second in any case.
    async fn listen(&self);
    /// Rises whenever a command changed something the daemon should look at.
    async fn bell(&self) -> Result<i64, LedgerError>;
    async fn ring(&self) -> Result<i64, LedgerError>;
    /// This daemon has heard the bell up to this number: whatever was said before is in force.
    async fn heard(&self, bell: i64) -> Result<(), LedgerError>;
    /// The daemons that may send.
    async fn daemons(&self) -> Result<Vec<Daemon>, LedgerError>;
    /// Small things worth keeping: when the daemon started, what it loaded.
    async fn note(&self, key: &str, value: &str) -> Result<(), LedgerError>;
    async fn noted(&self, key: &str) -> Result<Option<String>, LedgerError>;

    // --- the record -------------------------------------------------------------------------------

    /// What time it is where the ledger is, if it has a clock of its own.
    async fn clock(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }
    /// The newest instant in it: a clock that is behind that is wrong.
    async fn newest(&self) -> Result<Option<Timestamp>, LedgerError>;
    /// How many batches of intents were written here that are not in it: more than none, and it is older than it
    /// was, put back from a copy or without its log (reliability §2.7).
    async fn missing(&self) -> Result<u64, LedgerError> {
        Ok(0)
    }
    /// What is missing is known, and dealt with.
    async fn accept_missing(&self) -> Result<(), LedgerError> {
        Ok(())
    }
    /// The evidence record, `limit` entries after that one (chain and number), chain by chain.
    async fn events(
        &self,
        after: Option<(&str, i64)>,
        limit: u32,
    ) -> Result<Vec<evidence::Event>, LedgerError>;
    /// Reads all tables for damage: a ledger that forgets would post again. The chains of the evidence record
    /// are [`evidence`]'s to follow.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] with the first thing found and what to do. Nothing is ever repaired.
    async fn check(&self) -> Result<(), LedgerError>;
    /// Rows that no daemon writes, and that say something else than the evidence record: one sentence each.
    async fn oddities(&self) -> Result<Vec<String>, LedgerError>;
    /// A copy in a new file that only its owner can read, complete as of one moment, and looked through.
    ///
    /// # Errors
    /// If there is a file of that name, or the copy is not whole; then none is left behind.
    async fn backup(&self, to: &std::path::Path) -> Result<(), LedgerError> {
        Err(LedgerError::Broken(format!(
            "{}: this kind of ledger is copied with its own tools",
            to.display()
        )))
    }
}

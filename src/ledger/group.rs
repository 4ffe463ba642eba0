//! Shared commits: whatever writes are waiting when the disk is free go into one transaction, so that a
//! thousand intents cost a few fsyncs and not a thousand. No timer: a lone write never waits for company.

use std::collections::HashSet;

use tokio::sync::{mpsc, oneshot};

use crate::campaign::AfterHold;
use crate::campaign::approval::Approval;
use crate::post::identity::{AccountName, CampaignId, MessageId, PostId};
use crate::post::outcome::Class;
use crate::post::sealed::Key;
use crate::post::state::State;

use super::engagement::Reading;
use super::session::SessionStep;
use super::token::{Moved, Step};
use super::{Change, Conclusion, Hold, Intended, Intent, LedgerError, NewPost, Rename, Renamed, Scope};

/// How many writes may wait, and how many share a commit at most.
const QUEUE: usize = 1024;
pub(super) const BATCH: usize = 256;

pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// One write and where its answer goes.
pub(super) enum Write {
    Record(Vec<NewPost>, jiff::Timestamp, Reply<Vec<PostId>>),
    Reword(Vec<Change>, jiff::Timestamp, Reply<()>),
    Unplan(Vec<PostId>, jiff::Timestamp, Reply<()>),
    Know(Vec<MessageId>, jiff::Timestamp, Reply<()>),
    Rename {
        campaign: CampaignId,
        names: Vec<Rename>,
        now: jiff::Timestamp,
        reply: Reply<Vec<Renamed>>,
    },
    Intend(Box<Intent>, Reply<Intended>),
    Conclude(Box<Conclusion>, Reply<bool>),
    AccountWaits(AccountName, jiff::Timestamp, Reply<()>),
    LetThrough {
        posts: Vec<PostId>,
        said: i64,
        now: jiff::Timestamp,
        reply: Reply<()>,
    },
    Hold {
        scope: Scope,
        why: String,
        by: String,
        now: jiff::Timestamp,
        reply: Reply<()>,
    },
    Release {
        scope: Scope,
        by: String,
        only_by: Option<String>,
        why: Option<String>,
        now: jiff::Timestamp,
        reply: Reply<u64>,
    },
    Settle {
        hold: Hold,
        after: AfterHold,
        now: jiff::Timestamp,
        reply: Reply<Vec<PostId>>,
    },
    /// Each with what it is about, for people to read.
    Approve(Vec<(Approval, String)>, Reply<()>),
    /// At most a batch of them.
    Count(Vec<Reading>, Reply<()>),
    Token {
        account: AccountName,
        step: Box<Step>,
        now: jiff::Timestamp,
        reply: Reply<Moved>,
    },
    Session(Box<SessionStep>, Reply<()>),
    Ring(Reply<i64>),
    Note {
        key: String,
        value: String,
        reply: Reply<()>,
    },
}

/// The way in to the one writer.
#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Write>,
}

impl Writer {
    pub(super) fn new() -> (Self, Batches) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        (Self { queue }, Batches { waiting })
    }

    /// Hands in the write that `make` builds around its reply, and waits until it is durable.
    pub(super) async fn write<T>(&self, make: impl FnOnce(Reply<T>) -> Write) -> Result<T, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let gone = || LedgerError::Broken("its writer has stopped".to_owned());
        self.queue.send(make(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The writer's end.
pub(super) struct Batches {
    waiting: mpsc::Receiver<Write>,
}

impl Batches {
    /// Everything that is waiting, at least one; `None` once nobody can write any more.
    pub(super) async fn next(&mut self) -> Option<Vec<Write>> {
        let mut batch = Vec::new();
        (self.waiting.recv_many(&mut batch, BATCH).await > 0).then_some(batch)
    }
}

/// Fails every write of a batch whose transaction failed.
pub(super) fn fail(write: Write, error: LedgerError) {
    fn tell<T>(reply: Reply<T>, error: LedgerError) {
        // Whoever asked may have gone; there is nobody else to tell.
        drop(reply.send(Err(error)));
    }
    match write {
        Write::Record(_, _, to) | Write::Settle { reply: to, .. } => tell(to, error),
        Write::Reword(_, _, to)
        | Write::Unplan(_, _, to)
        | Write::Know(_, _, to)
        | Write::AccountWaits(_, _, to)
        | Write::LetThrough { reply: to, .. }
        | Write::Approve(_, to)
        | Write::Count(_, to)
        | Write::Session(_, to)
        | Write::Hold { reply: to, .. }
        | Write::Note { reply: to, .. } => tell(to, error),
        Write::Rename { reply: to, .. } => tell(to, error),
        Write::Intend(_, to) => tell(to, error),
        Write::Conclude(_, to) => tell(to, error),
        Write::Release { reply: to, .. } => tell(to, error),
        Write::Ring(to) => tell(to, error),
        Write::Token { reply: to, .. } => tell(to, error),
    }
}

/// What each write of a batch came to, in their order.
pub(super) enum Answer {
    Done,
    Posts(Vec<PostId>),
    Intended(Intended),
    Moved(bool),
    Renamed(Vec<Renamed>),
    Stepped(Moved),
    Count(u64),
    Number(i64),
}

/// Tells each who asked what it came to.
pub(super) fn reply(write: Write, answer: Answer) {
    fn tell<T>(reply: Reply<T>, answer: T) {
        // Whoever asked may have gone; there is nobody else to tell.
        drop(reply.send(Ok(answer)));
    }
    match (write, answer) {
        (Write::Record(_, _, to) | Write::Settle { reply: to, .. }, Answer::Posts(posts)) => tell(to, posts),
        (
            Write::Reword(_, _, to)
            | Write::Unplan(_, _, to)
            | Write::Know(_, _, to)
            | Write::AccountWaits(_, _, to)
            | Write::LetThrough { reply: to, .. }
            | Write::Approve(_, to)
            | Write::Count(_, to)
            | Write::Session(_, to)
            | Write::Hold { reply: to, .. }
            | Write::Note { reply: to, .. },
            Answer::Done,
        ) => tell(to, ()),
        (Write::Rename { reply: to, .. }, Answer::Renamed(renamed)) => tell(to, renamed),
        (Write::Intend(_, to), Answer::Intended(intended)) => tell(to, intended),
        (Write::Conclude(_, to), Answer::Moved(moved)) => tell(to, moved),
        (Write::Release { reply: to, .. }, Answer::Count(n)) => tell(to, n),
        (Write::Ring(to), Answer::Number(n)) => tell(to, n),
        (Write::Token { reply: to, .. }, Answer::Stepped(moved)) => tell(to, moved),
        (write, _) => fail(
            write,
            LedgerError::Broken("its writer answered another question".to_owned()),
        ),
    }
}

/// The intents and conclusions of a batch. Of two words on one post the first counts: the second was said without
/// knowing it.
pub(super) fn first_words(batch: &[Write]) -> (Vec<&Intent>, Vec<&Conclusion>) {
    let (mut intended, mut moved) = (HashSet::new(), HashSet::new());
    let (mut intents, mut conclusions) = (Vec::new(), Vec::new());
    for write in batch {
        match write {
            Write::Intend(intent, _) if intended.insert(intent.post) => intents.push(&**intent),
            Write::Conclude(conclusion, _) if moved.insert(conclusion.post) => {
                conclusions.push(&**conclusion);
            }
            _ => {}
        }
    }
    (intents, conclusions)
}

/// What a conclusion says of the attempt it ends: `accepted`, or the class of its failure.
pub(super) fn outcome_word(conclusion: &Conclusion) -> Option<&'static str> {
    match (&conclusion.receipt, &conclusion.failure) {
        (Some(_), _) => Some("accepted"),
        (None, Some(failure)) => Some(class_word(failure.class)),
        (None, None) => None,
    }
}

fn class_word(class: Class) -> &'static str {
    match class {
        Class::Transient => "transient",
        Class::RateLimited { .. } => "rate_limited",
        Class::Auth => "auth",
        Class::Rejected => "rejected",
        Class::Duplicate => "duplicate",
        Class::Gone => "gone",
        Class::InDoubt => "in_doubt",
    }
}

/// What settling a hold makes of what fell due meanwhile, and the reason that its posts then show; `None`: nothing.
pub(super) fn after_hold(after: AfterHold) -> Option<(State, &'static str)> {
    match after {
        // Those too late are told apart where lateness always is: when the post is next looked at.
        AfterHold::Send => None,
        AfterHold::Review => Some((
            State::Held,
            "it fell due during a hold: `retry` to send it now, `skip` to drop it",
        )),
        AfterHold::Skip => Some((State::Skipped, "it fell due during a hold")),
    }
}

pub(super) fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The JSON of a key, as it is stored beside a frozen request.
pub(super) fn key_fields(key: &Key) -> (String, i64) {
    (key.delivery.to_string(), key.due.as_microsecond())
}

//! Shared commits: whatever writes are waiting when the disk is free go into one transaction, so that a
//! thousand intents cost a few fsyncs and not a thousand. No timer: a lone write never waits for company.

use tokio::sync::{mpsc, oneshot};

use crate::campaign::AfterHold;
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::sealed::Key;

use super::{Change, Conclusion, Hold, Intended, Intent, LedgerError, NewPost, Scope};

/// How many writes may wait, and how many share a commit at most.
const QUEUE: usize = 1024;
const BATCH: usize = 256;

pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerError>>;

/// One write and where its answer goes.
pub(super) enum Write {
    Record(Vec<NewPost>, jiff::Timestamp, Reply<Vec<PostId>>),
    Reword(Vec<Change>, jiff::Timestamp, Reply<()>),
    Unplan(Vec<PostId>, jiff::Timestamp, Reply<()>),
    Know(Vec<MessageId>, jiff::Timestamp, Reply<()>),
    Intend(Box<Intent>, Reply<Intended>),
    Conclude(Box<Conclusion>, Reply<bool>),
    AccountWaits(AccountName, jiff::Timestamp, Reply<()>),
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
        | Write::Hold { reply: to, .. }
        | Write::Note { reply: to, .. } => tell(to, error),
        Write::Intend(_, to) => tell(to, error),
        Write::Conclude(_, to) => tell(to, error),
        Write::Release { reply: to, .. } => tell(to, error),
        Write::Ring(to) => tell(to, error),
    }
}

/// The JSON of a key, as it is stored beside a frozen request.
pub(super) fn key_fields(key: &Key) -> (String, i64) {
    (key.delivery.to_string(), key.due.as_microsecond())
}

//! The one writer of this process: a batch, a transaction, one statement for all of a kind.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Connection, Executor, Row};

use crate::post::identity::PostId;
use crate::post::state::State;

use super::super::evidence::{Entry, Head};
use super::super::group::{Answer, Batches, Write, fail, first_words, reply};
use super::super::{Intended, LedgerError};
use super::connect::{BEGIN, PATIENCE, Server, bounded, locks};
use super::lease::Seat;
use super::{approval, bell, engagement, hold, plan, rename, send, session, token};

pub(super) type Wrote<T> = Result<T, Broke>;

/// Who writes, and where.
#[derive(Clone)]
pub(super) struct Hand {
    pub server: Server,
    /// For words that need no transaction.
    pub pool: PgPool,
    /// Whoever has none may speak, but not send.
    pub seat: Option<Arc<Seat>>,
    /// Its chain of the evidence record.
    pub chain: String,
}

/// A connection, and what is known by it.
struct Open {
    connection: PgConnection,
    /// The last entry of our chain, after a commit of ours: a replica's chain has no other writer. Should one of
    /// our name write to it all the same, the entry's number is taken, and the batch begins anew.
    head: Option<Head>,
}

/// Writes batches until nobody can hand in any more.
pub(super) async fn run(hand: Hand, mut batches: Batches) {
    let mut open = None;
    while let Some(batch) = batches.next().await {
        // In a task of its own, so that a panic in one batch does not end all writing.
        let task = tokio::spawn(write(hand.clone(), open.take(), batch));
        match task.await {
            Ok(kept) => open = kept,
            Err(e) => {
                tracing::error!(event = "ledger.failed", error = %e, "a write to the ledger was cut short");
            }
        }
    }
}

/// How often a batch is tried: whoever meets another's locks, or finds the connection gone, begins anew.
const TRIES: u8 = 3;

/// Where a batch broke.
pub(super) enum Broke {
    /// Nothing of it is written.
    Before(LedgerError, Again),
    /// Nobody knows whether it is written; these intents would be.
    AtCommit(LedgerError, Vec<PostId>),
}

/// Whether the same once more may well succeed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    No,
    /// Another's locks were in the way.
    Yes,
    /// The connection was gone: an old one is tried anew, a new one is not.
    IfOld,
}

impl From<sqlx::Error> for Broke {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        let again = match code.as_deref() {
            // <https://www.postgresql.org/docs/current/errcodes-appendix.html>: serialization_failure,
            // deadlock_detected; class 57 ends the session.
            Some("40001" | "40P01") => Again::Yes,
            // unique_violation: of an entry of the record, by another of our name.
            Some("23505")
                if error
                    .as_database_error()
                    .and_then(sqlx::error::DatabaseError::table)
                    == Some("event") =>
            {
                Again::Yes
            }
            Some(code) if code.starts_with("57P") => Again::IfOld,
            Some(_) => Again::No,
            None => Again::IfOld,
        };
        Broke::Before(error.into(), again)
    }
}

impl From<LedgerError> for Broke {
    fn from(error: LedgerError) -> Self {
        Broke::Before(error, Again::No)
    }
}

/// Returns the connection if it can be used again.
async fn write(hand: Hand, mut kept: Option<Open>, batch: Vec<Write>) -> Option<Open> {
    let mut tries = 0;
    let error = loop {
        tries += 1;
        let old = kept.is_some();
        let mut open = match kept.take() {
            Some(open) => open,
            None => match writer(&hand.server).await {
                Ok(connection) => Open {
                    connection,
                    head: None,
                },
                Err(error) => break error,
            },
        };
        match transaction(&hand, &mut open, &batch).await {
            // Only a committed write is answered.
            Ok(answers) => {
                let rings = batch.iter().zip(&answers).any(|(write, answer)| {
                    matches!(write, Write::Ring(_))
                        || matches!((write, answer), (Write::Record(..), Answer::Posts(posts)) if !posts.is_empty())
                });
                let went_out = batch.iter().any(
                    |write| matches!(write, Write::Conclude(conclusion, _) if conclusion.to.state == State::Sent),
                );
                for (write, answer) in batch.into_iter().zip(answers) {
                    reply(write, answer);
                }
                if let Some(seat) = hand.seat.as_ref().filter(|_| went_out) {
                    seat.news.notify_one();
                }
                if rings {
                    bell::ring(&hand.pool).await;
                }
                return Some(open);
            }
            Err(Broke::Before(_, Again::Yes)) if tries < TRIES => {}
            Err(Broke::Before(_, Again::IfOld)) if tries < TRIES && old => {}
            Err(Broke::Before(error, _)) => break error,
            Err(Broke::AtCommit(error, intents)) => {
                if let Some(seat) = &hand.seat {
                    seat.lost_sight(intents);
                }
                break error;
            }
        }
    };
    for write in batch {
        fail(write, error.clone());
    }
    None
}

/// A connection for this writer. All its statements find their rows by their keys; a plan made while the tables
/// were small would go on to read them whole when they no longer are.
async fn writer(server: &Server) -> Result<PgConnection, LedgerError> {
    let mut connection = server.connect().await?;
    let by_key = connection
        .execute("SET enable_seqscan TO off; SET enable_hashjoin TO off; SET enable_mergejoin TO off");
    bounded(by_key).await?;
    Ok(connection)
}

/// Before anything is read: once a hold's transaction has this lock alone, every intent that had not seen the hold
/// is committed, and every later one sees it.
fn begin(batch: &[Write]) -> String {
    let alone = |write: &Write| matches!(write, Write::Hold { .. } | Write::Rename { .. });
    let lock = if batch.iter().any(alone) {
        "pg_advisory_xact_lock"
    } else if batch.iter().any(|write| matches!(write, Write::Intend(..))) {
        "pg_advisory_xact_lock_shared"
    } else {
        return BEGIN.to_owned();
    };
    format!("{BEGIN}; SELECT {lock}({})", locks::STOP)
}

async fn transaction(hand: &Hand, open: &mut Open, batch: &[Write]) -> Wrote<Vec<Answer>> {
    let begun = open.connection.begin_with(sqlx::AssertSqlSafe(begin(batch)));
    let mut tx = tokio::time::timeout(PATIENCE * 2, begun).await.map_err(|_| {
        Broke::Before(
            LedgerError::Broken("the database does not answer".to_owned()),
            Again::IfOld,
        )
    })??;
    // Known again once this is committed.
    let mut head = open.head.take();
    let (answers, intents) =
        match tokio::time::timeout(PATIENCE * 2, fill(hand, &mut tx, batch, &mut head)).await {
            Ok(filled) => filled?,
            Err(_) => {
                return Err(LedgerError::Broken("the database is too slow to answer".to_owned()).into());
            }
        };
    match bounded(tx.commit()).await {
        Ok(()) => {
            if let Some(seat) = &hand.seat {
                seat.found(&intents);
                open.head = head;
            }
            Ok(answers)
        }
        Err(error) => Err(Broke::AtCommit(error, intents)),
    }
}

/// All of a batch, and the posts whose intents it grants.
async fn fill(
    hand: &Hand,
    tx: &mut PgConnection,
    batch: &[Write],
    head: &mut Option<Head>,
) -> Wrote<(Vec<Answer>, Vec<PostId>)> {
    let (intents, conclusions) = first_words(batch);
    let mut evidence = Vec::new();
    // Conclusions first: a post that moves on in the same batch has been concluded before.
    let mut concluded = send::conclude(tx, hand.seat.as_deref(), &conclusions, &mut evidence).await?;
    // Holds before intents: whoever says stop in this very batch is heard.
    let mut others = Vec::new();
    for write in batch {
        if let Some(answer) = other(hand, tx, write, &mut evidence).await? {
            others.push(answer);
        }
    }
    let mut granted = match &hand.seat {
        Some(seat) => send::intend(tx, seat, intents, &mut evidence).await?,
        None => HashMap::new(),
    };
    append(tx, &hand.chain, head, evidence).await?;

    let durable = granted
        .iter()
        .filter(|(_, intended)| **intended == Intended::Durable)
        .map(|(post, _)| *post)
        .collect();
    let mut others = others.into_iter();
    let answer = |write: &Write| match write {
        Write::Intend(intent, _) => {
            Answer::Intended(granted.remove(&intent.post).unwrap_or(Intended::Refused))
        }
        Write::Conclude(conclusion, _) => Answer::Moved(concluded.remove(&conclusion.post)),
        _ => others.next().unwrap_or(Answer::Done),
    };
    Ok((batch.iter().map(answer).collect(), durable))
}

async fn other(
    hand: &Hand,
    tx: &mut PgConnection,
    write: &Write,
    evidence: &mut Vec<Entry>,
) -> Wrote<Option<Answer>> {
    let seat = hand.seat.as_deref();
    Ok(Some(match write {
        Write::Intend(..) | Write::Conclude(..) => return Ok(None),
        Write::Record(posts, now, _) => {
            plan::may(tx, seat).await?;
            let new = plan::record(tx, posts, *now, evidence).await?;
            if !new.is_empty() {
                // The other replicas are to look, too.
                ring(tx).await?;
            }
            Answer::Posts(new)
        }
        Write::Reword(changes, now, _) => {
            plan::may(tx, seat).await?;
            plan::reword(tx, changes, *now, evidence).await?;
            Answer::Done
        }
        Write::Unplan(posts, now, _) => {
            plan::may(tx, seat).await?;
            plan::unplan(tx, posts, *now, evidence).await?;
            Answer::Done
        }
        Write::Know(messages, now, _) => {
            plan::know(tx, messages, *now).await?;
            Answer::Done
        }
        Write::Rename {
            campaign, names, now, ..
        } => {
            plan::may(tx, seat).await?;
            Answer::Renamed(rename::rename(tx, campaign, names, *now, evidence).await?)
        }
        Write::AccountWaits(account, until, _) => {
            sqlx::query(
                "INSERT INTO account (name, waits) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET waits = $2",
            )
            .bind(account.as_str())
            .bind(until.as_microsecond())
            .execute(&mut *tx)
            .await?;
            Answer::Done
        }
        Write::LetThrough { posts, said, now, .. } => {
            hold::let_through(tx, posts, *said, *now, evidence).await?;
            Answer::Done
        }
        Write::Hold {
            scope, why, by, now, ..
        } => {
            hold::hold(tx, scope, why, by, *now, evidence).await?;
            Answer::Done
        }
        Write::Release {
            scope,
            by,
            only_by,
            why,
            now,
            ..
        } => {
            let (only_by, why) = (only_by.as_deref(), why.as_deref());
            Answer::Count(hold::release(tx, scope, by, only_by, why, *now, evidence).await?)
        }
        Write::Settle { hold, after, now, .. } => {
            Answer::Posts(hold::settle(tx, hold, *after, *now, evidence).await?)
        }
        Write::Approve(said, _) => {
            approval::approve(tx, said, evidence).await?;
            Answer::Done
        }
        Write::Count(readings, _) => {
            engagement::count(tx, readings).await?;
            Answer::Done
        }
        Write::Token { account, step, .. } => Answer::Stepped(token::step(tx, account, step).await?),
        Write::Session(step, _) => {
            session::step(tx, step).await?;
            Answer::Done
        }
        Write::Ring(_) => Answer::Number(ring(tx).await?),
        Write::Note { key, value, .. } => {
            sqlx::query(
                "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
            )
            .bind(key)
            .bind(clean(value))
            .execute(&mut *tx)
            .await?;
            Answer::Done
        }
    }))
}

async fn ring(tx: &mut PgConnection) -> Wrote<i64> {
    let ringing = sqlx::query_scalar(
        "INSERT INTO meta (key, value) VALUES ('bell', '1') \
         ON CONFLICT (key) DO UPDATE SET value = (meta.value::bigint + 1)::text RETURNING value::bigint",
    );
    Ok(ringing.fetch_one(&mut *tx).await?)
}

/// Ties what happened to the evidence record, behind `head` where it is known.
async fn append(
    tx: &mut PgConnection,
    chain: &str,
    head: &mut Option<Head>,
    entries: Vec<Entry>,
) -> Wrote<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let head = match head {
        Some(head) => head,
        None => head.insert(last_of(tx, chain).await?),
    };
    let row = |entry: Entry| {
        let event = head.append(entry);
        json!({"seq": event.seq, "at": event.at.as_microsecond(), "kind": event.kind, "post": event.post,
               "data": event.data, "hash": event.hash})
    };
    let rows = entries.into_iter().map(row).collect();
    sqlx::query(
        "INSERT INTO event (chain, seq, at, kind, post, data, hash) SELECT $2, seq, at, kind, post, data, hash \
         FROM jsonb_to_recordset($1::text::jsonb) \
             AS job (seq bigint, at bigint, kind text, post text, data text, hash text)",
    )
    .bind(rows_json(rows))
    .bind(chain)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The last entry of a chain, which nobody else adds to before our transaction ends. The chain's lock is the last
/// that a transaction takes, so nobody waits for it in a circle.
async fn last_of(tx: &mut PgConnection, chain: &str) -> Wrote<Head> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
        .bind(locks::CHAIN)
        .bind(chain)
        .execute(&mut *tx)
        .await?;
    let last = sqlx::query("SELECT seq, hash FROM event WHERE chain = $1 ORDER BY seq DESC LIMIT 1")
        .bind(chain)
        .fetch_optional(&mut *tx)
        .await?;
    let mut head = Head::new(chain);
    if let Some(last) = last {
        head.seq = last.try_get("seq")?;
        head.hash = last.try_get("hash")?;
    }
    Ok(head)
}

/// Rows for `jsonb_to_recordset`.
pub(super) fn rows_json(rows: Vec<Value>) -> String {
    let mut rows = Value::Array(rows);
    let text = rows.to_string();
    if !text.contains("\\u0000") {
        return text;
    }
    without_nul(&mut rows);
    rows.to_string()
}

fn without_nul(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(items) => items.iter_mut().for_each(without_nul),
        Value::Object(map) => map.values_mut().for_each(without_nul),
        _ => {}
    }
}

/// PostgreSQL has no text with a NUL in it, and a platform's words may have one.
pub(super) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(super) fn ids(rows: &[PgRow]) -> Wrote<Vec<PostId>> {
    let id = |row: &PgRow| -> Wrote<PostId> {
        Ok(row
            .try_get::<&str, _>("id")?
            .parse()
            .map_err(LedgerError::Broken)?)
    };
    rows.iter().map(id).collect()
}

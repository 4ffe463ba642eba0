//! The one writer: a batch, a transaction, one statement for all of a kind.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use crate::campaign::AfterHold;
use crate::post::identity::PostId;

use super::super::evidence::{self, Entry, Head};
use super::super::group::{Answer, Batches, Write, after_hold, fail, first_words, micros, reply};
use super::super::{Change, Hold, Intended, Intent, LedgerError, NewPost};
use super::approval;
use super::deliver::{conclude, intend};
use super::engagement;
use super::generation::{Files, Generation, KEY};
use super::jobs::{Jobs, MOST};
use super::mover::Mover;
use super::read::{CHAIN, json_list};
use super::rename;
use super::session;
use super::token;
use super::word::speak;

type Wrote<T> = Result<T, LedgerError>;

/// A write that takes longer is said: nothing is sent meanwhile, and somebody should know why.
const SLOW: Duration = Duration::from_secs(5);

/// The one who writes.
#[derive(Clone)]
pub(super) struct Hand {
    pub db: SqlitePool,
    /// It is the daemon's: it must not go on where nobody can tell what is on the disk (reliability S6).
    pub daemon: bool,
    pub files: Files,
    pub generation: Generation,
    /// Who moves the log into the file, beside what is written.
    pub mover: Option<Mover>,
}

impl Hand {
    /// Writes batches until nobody can hand in any more.
    pub(super) async fn run(self, mut batches: Batches) {
        while let Some(batch) = batches.next().await {
            // In a task of its own, so that a panic in one batch does not end all writing.
            let hand = self.clone();
            let mut writing = tokio::spawn(async move { hand.write(batch).await });
            let done = if let Ok(done) = tokio::time::timeout(SLOW, &mut writing).await {
                done
            } else {
                tracing::error!(
                    event = "ledger.slow",
                    "the ledger has taken nothing for {} seconds, so nothing is sent: does another program keep it locked (an open `sqlite3` shell), or is the disk very slow?",
                    SLOW.as_secs()
                );
                writing.await
            };
            if let Err(e) = done {
                tracing::error!(event = "ledger.failed", error = %e, "a write to the ledger was cut short");
            }
        }
        self.db.close().await;
    }

    async fn write(&self, batch: Vec<Write>) {
        let mut answers = Vec::new();
        let written = match self.files.are_the_same() {
            Ok(()) => transaction(&self.db, &batch, &mut answers).await,
            Err(gone) => Err(gone),
        };
        match written {
            // Only a committed write is answered.
            Ok(generation) => {
                if let Some(mover) = &self.mover {
                    mover.wrote(batch.len());
                }
                if let Some(generation) = generation {
                    self.generation.saw(generation);
                }
                batch
                    .into_iter()
                    .zip(answers)
                    .for_each(|(write, answer)| reply(write, answer));
            }
            // One that the ledger will not take must not keep all others from being written.
            Err(LedgerError::Refused(_)) if batch.len() > 1 => {
                for one in batch {
                    Box::pin(self.write(vec![one])).await;
                }
            }
            Err(LedgerError::Unsure(e)) if self.daemon => {
                tracing::error!(event = "ledger.unsure", error = %e, "the disk failed while it was told to keep what was written ({e}), so nobody can tell what is on it: the daemon ends at once, and the next start looks at what is there");
                std::process::abort()
            }
            Err(error) => {
                let error = self.files.named(error);
                for write in batch {
                    fail(write, error.clone());
                }
            }
        }
    }
}

/// Returns the ledger's generation, if it was raised.
///
/// Begun and ended by hand. When a disk is full SQLite rolls back by itself; whoever counts transactions beside it
/// is wrong from then on, and this connection could never begin another.
async fn transaction(db: &SqlitePool, batch: &[Write], answers: &mut Vec<Answer>) -> Wrote<Option<i64>> {
    let mut connection = db.acquire().await?;
    let tx = &mut *connection;
    let begun = sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *tx).await;
    match begun.map_err(LedgerError::from) {
        Ok(_) => {}
        // A panic left one open.
        Err(LedgerError::Refused(_)) => {
            drop(sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await);
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *tx).await?;
        }
        Err(e) => return Err(e),
    }
    let done = match apply(tx, batch, answers).await {
        Ok(generation) => sqlx::raw_sql("COMMIT")
            .execute(&mut *tx)
            .await
            .map(|_| generation)
            .map_err(LedgerError::from),
        Err(e) => Err(e),
    };
    if done.is_err() {
        drop(sqlx::raw_sql("ROLLBACK").execute(&mut *tx).await);
    }
    done
}

async fn apply(tx: &mut SqliteConnection, batch: &[Write], answers: &mut Vec<Answer>) -> Wrote<Option<i64>> {
    let (intents, conclusions) = first_words(batch);
    let mut evidence = Vec::new();
    // Conclusions first: a post that moves on in the same batch has been concluded before.
    let mut concluded = conclude(tx, &conclusions, &mut evidence).await?;
    // Holds before intents: whoever says stop in this very batch is heard.
    let mut others = Vec::new();
    for write in batch {
        if let Some(answer) = other(tx, write, &mut evidence).await? {
            others.push(answer);
        }
    }
    let mut granted = HashMap::new();
    // What shares a pace goes one by one, because each changes what the next may do.
    let (paced, free): (Vec<&Intent>, Vec<&Intent>) =
        intents.into_iter().partition(|intent| intent.pace.is_some());
    intend(tx, &free, &mut granted, &mut evidence).await?;
    for intent in paced {
        match not_before(tx, intent).await? {
            Some(until) => drop(granted.insert(intent.post, Intended::NotYet(until))),
            None => intend(tx, &[intent], &mut granted, &mut evidence).await?,
        }
    }
    append(tx, evidence).await?;
    let some = granted.values().any(|granted| *granted == Intended::Durable);
    let generation = if some { Some(raise(tx, KEY).await?) } else { None };

    let mut others = others.into_iter();
    for write in batch {
        answers.push(match write {
            Write::Intend(intent, _) => {
                Answer::Intended(granted.remove(&intent.post).unwrap_or(Intended::Refused))
            }
            Write::Conclude(conclusion, _) => Answer::Moved(concluded.remove(&conclusion.post)),
            _ => others.next().unwrap_or(Answer::Done),
        });
    }
    Ok(generation)
}

/// One more than it was; returns what it is now.
async fn raise(tx: &mut SqliteConnection, key: &str) -> Wrote<i64> {
    let row = sqlx::query(
        "INSERT INTO meta (key, value) VALUES (?1, '1') \
         ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING CAST(value AS INTEGER) AS n",
    )
    .bind(key)
    .fetch_one(&mut *tx)
    .await?;
    Ok(row.try_get("n")?)
}

async fn other(tx: &mut SqliteConnection, write: &Write, evidence: &mut Vec<Entry>) -> Wrote<Option<Answer>> {
    Ok(Some(match write {
        Write::Intend(..) | Write::Conclude(..) => return Ok(None),
        Write::Record(posts, now, _) => Answer::Posts(record(tx, posts, *now, evidence).await?),
        Write::Reword(posts, now, _) => {
            reword(tx, posts, *now, evidence).await?;
            Answer::Done
        }
        Write::Unplan(posts, now, _) => {
            let gone = sqlx::query(
                "DELETE FROM post WHERE id IN (SELECT value FROM json_each(?1)) AND state IN ('due', 'retrying') \
                 AND attempts = 0 RETURNING id",
            )
            .bind(json_list(posts.iter().map(ToString::to_string)))
            .fetch_all(&mut *tx)
            .await?;
            let gone = ids(&gone)?.into_iter();
            evidence.extend(gone.map(|post| evidence::unplanned(post, *now)));
            Answer::Done
        }
        Write::Know(messages, now, _) => {
            sqlx::query(
                "INSERT INTO known (message, since) SELECT value, ?2 FROM json_each(?1) WHERE true \
                 ON CONFLICT (message) DO NOTHING",
            )
            .bind(json_list(
                messages.iter().map(crate::post::identity::MessageId::as_str),
            ))
            .bind(now.as_microsecond())
            .execute(&mut *tx)
            .await?;
            Answer::Done
        }
        Write::Rename {
            campaign, names, now, ..
        } => Answer::Renamed(rename::rename(tx, campaign, names, *now, evidence).await?),
        Write::AccountWaits(account, until, _) => {
            sqlx::query("INSERT INTO account (name, waits) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET waits = ?2")
                .bind(account.as_str())
                .bind(until.as_microsecond())
                .execute(&mut *tx)
                .await?;
            Answer::Done
        }
        Write::LetThrough { posts, said, now, .. } => {
            let done = sqlx::query(
                "UPDATE post SET through = ?2, fence = fence + 1, changed = ?3 \
                 WHERE id IN (SELECT value FROM json_each(?1)) AND recalls IS NOT NULL AND through < ?2 \
                 AND state IN ('due', 'retrying', 'in_doubt') RETURNING id",
            )
            .bind(json_list(posts.iter().map(ToString::to_string)))
            .bind(said)
            .bind(now.as_microsecond())
            .fetch_all(&mut *tx)
            .await?;
            let done = ids(&done)?.into_iter();
            evidence.extend(done.map(|post| evidence::let_through(post, *said, *now)));
            Answer::Done
        }
        Write::Hold {
            scope, why, by, now, ..
        } => {
            sqlx::query(
                "INSERT INTO hold (scope, target, why, by, since, said) \
                     VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(said), 0) + 1 FROM hold)) \
                 ON CONFLICT (scope, target, by) WHERE released IS NULL DO UPDATE SET why = ?3, said = excluded.said",
            )
            .bind(scope.kind())
            .bind(scope.target())
            .bind(why)
            .bind(by)
            .bind(now.as_microsecond())
            .execute(&mut *tx)
            .await?;
            evidence.push(evidence::held(scope, why, by, *now));
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
            let done = sqlx::query(
                "UPDATE hold SET released = ?1, released_by = ?2 WHERE scope = ?3 AND target = ?4 \
                 AND released IS NULL AND (?5 IS NULL OR by = ?5)",
            )
            .bind(now.as_microsecond())
            .bind(by)
            .bind(scope.kind())
            .bind(scope.target())
            .bind(only_by.as_deref())
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() > 0 {
                evidence.push(evidence::released(
                    scope,
                    by,
                    only_by.as_deref(),
                    why.as_deref(),
                    *now,
                ));
            }
            Answer::Count(done.rows_affected())
        }
        Write::Settle { hold, after, now, .. } => {
            let moved = settle(tx, hold, *after, *now).await?;
            evidence.push(evidence::settled(hold, &moved, *now));
            Answer::Posts(moved)
        }
        Write::Approve(said, _) => {
            approval::approve(tx, said, evidence).await?;
            Answer::Done
        }
        Write::Count(readings, _) => {
            engagement::count(tx, readings).await?;
            Answer::Done
        }
        Write::Token {
            account, step, now, ..
        } => Answer::Stepped(token::step(tx, account, step, *now).await?),
        Write::Session(step, _) => {
            session::step(tx, step).await?;
            Answer::Done
        }
        Write::Ring(_) => Answer::Number(raise(tx, "bell").await?),
        Write::Note { key, value, .. } => {
            sqlx::query(
                "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            )
            .bind(key)
            .bind(value)
            .execute(&mut *tx)
            .await?;
            Answer::Done
        }
    }))
}

async fn reword(
    tx: &mut SqliteConnection,
    changes: &[Change],
    now: jiff::Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    let words: HashMap<PostId, String> = changes
        .iter()
        .map(|change| (change.post, json!(change.content).to_string()))
        .collect();
    let rows: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!({"id": change.post, "content": words.get(&change.post), "parts": change.content.parts.len(),
                "late": micros(change.late), "expires": change.expires.map(jiff::Timestamp::as_microsecond),
                "moved": change.moved.map(jiff::Timestamp::as_microsecond)})
        })
        .collect();
    let done = sqlx::query(
        "UPDATE post SET content = job.value ->> 'content', parts = job.value ->> 'parts', \
             late = job.value ->> 'late', expires = job.value ->> 'expires', \
             due = coalesce(job.value ->> 'moved', due), not_before = coalesce(job.value ->> 'moved', not_before), \
             tries = CASE WHEN job.value ->> 'moved' IS NULL THEN tries ELSE 0 END, \
             late_from = CASE WHEN job.value ->> 'moved' IS NULL THEN late_from END, \
             changed = ?2, fence = fence + 1 \
         FROM json_each(?1) AS job WHERE post.id = job.value ->> 'id' \
         AND state IN ('due', 'retrying', 'held', 'rejected', 'skipped') AND part = 0 AND unsure_since IS NULL \
         RETURNING id",
    )
    .bind(Value::from(rows).to_string())
    .bind(now.as_microsecond())
    .fetch_all(&mut *tx)
    .await?;
    let done: HashSet<PostId> = ids(&done)?.into_iter().collect();
    let done = changes.iter().filter(|change| done.contains(&change.post));
    evidence.extend(done.filter_map(|change| {
        let content = words.get(&change.post)?;
        Some(evidence::reworded(change, content, now))
    }));
    Ok(())
}

async fn record(
    tx: &mut SqliteConnection,
    posts: &[NewPost],
    now: jiff::Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<Vec<PostId>> {
    let words: Vec<String> = posts.iter().map(|post| json!(post.content).to_string()).collect();
    let rows: Vec<Value> = posts
        .iter()
        .zip(&words)
        .map(|(post, content)| {
            json!({
                "id": post.identity.post_id(),
                "message": post.identity.message,
                "account": post.identity.account,
                "platform": post.platform,
                "occurrence": post.identity.occurrence.as_str(),
                "due": post.due.as_microsecond(),
                "late": micros(post.late),
                "expires": post.expires.map(jiff::Timestamp::as_microsecond),
                "recurring": i32::from(post.recurring),
                "breaking": i32::from(post.breaking),
                "slot": post.slot.map(jiff::Timestamp::as_microsecond),
                "file": &*post.file,
                "parts": post.content.parts.len(),
                "content": content,
                "state": post.state.as_str(),
                "why": post.why,
                "recalls": post.content.recall.as_ref().map(|recall| recall.post),
            })
        })
        .collect();
    let done = sqlx::query(
        "INSERT INTO post (id, message, account, platform, occurrence, due, late, expires, recurring, breaking, \
             slot, file, parts, content, recorded, state, not_before, why, changed, recalls) \
         SELECT value ->> 'id', value ->> 'message', value ->> 'account', value ->> 'platform', \
             value ->> 'occurrence', value ->> 'due', value ->> 'late', value ->> 'expires', \
             value ->> 'recurring', value ->> 'breaking', value ->> 'slot', value ->> 'file', value ->> 'parts', \
             value ->> 'content', ?2, value ->> 'state', value ->> 'due', value ->> 'why', ?2, \
             value ->> 'recalls' \
         FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 FROM post WHERE alias = json_each.value ->> 'id') \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(Value::from(rows).to_string())
    .bind(now.as_microsecond())
    .fetch_all(&mut *tx)
    .await?;
    let recorded = ids(&done)?;
    let new: HashSet<PostId> = recorded.iter().copied().collect();
    for (post, content) in posts.iter().zip(&words) {
        if new.contains(&post.identity.post_id()) {
            evidence.push(evidence::recorded(post, content, now));
            if let Some(voice) = &post.voice {
                speak(tx, post.identity.post_id(), voice, now).await?;
            }
        }
    }
    Ok(recorded)
}

/// Ties what happened to the evidence record.
async fn append(tx: &mut SqliteConnection, entries: Vec<Entry>) -> Wrote<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let last = sqlx::query("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    let mut head = Head::new(CHAIN);
    if let Some(last) = last {
        head.seq = last.try_get("seq")?;
        head.hash = last.try_get("hash")?;
    }
    let statement = "INSERT INTO event (seq, at, kind, post, data, hash) SELECT n, at, kind, post, data, hash FROM job WHERE n IS NOT NULL";
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let mut jobs = Jobs::new(["n", "at", "kind", "post", "data", "hash"]);
        for entry in entries.by_ref().take(MOST) {
            let event = head.append(entry);
            jobs.push([
                event.seq.into(),
                event.at.as_microsecond().into(),
                event.kind.into(),
                event.post.map(|post| post.to_string()).into(),
                event.data.into(),
                event.hash.into(),
            ]);
        }
        jobs.before(statement).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Until when the account's pace lets nothing through: its platform's wait, its gap, its daily number.
async fn not_before(tx: &mut SqliteConnection, intent: &Intent) -> Wrote<Option<jiff::Timestamp>> {
    let Some(pace) = &intent.pace else { return Ok(None) };
    let row = sqlx::query(
        "SELECT (SELECT max(paced) FROM post WHERE account = ?1 AND paced IS NOT NULL AND id <> ?4) AS last, \
             (SELECT count(*) FROM post WHERE account = ?1 AND paced >= ?2 AND paced < ?3 AND id <> ?4) AS today",
    )
    .bind(intent.account.as_str())
    .bind(pace.day.0.as_microsecond())
    .bind(pace.day.1.as_microsecond())
    .bind(intent.post.to_string())
    .fetch_one(&mut *tx)
    .await?;
    let last: Option<i64> = row.try_get("last")?;
    let today: i64 = row.try_get("today")?;
    Ok(pace.free_from(last, today).filter(|free| *free > intent.at))
}

fn ids(rows: &[sqlx::sqlite::SqliteRow]) -> Wrote<Vec<PostId>> {
    let id = |row: &sqlx::sqlite::SqliteRow| -> Wrote<PostId> {
        row.try_get::<&str, _>("id")?.parse().map_err(LedgerError::Broken)
    };
    rows.iter().map(id).collect()
}

async fn settle(
    tx: &mut SqliteConnection,
    hold: &Hold,
    after: AfterHold,
    now: jiff::Timestamp,
) -> Wrote<Vec<PostId>> {
    let released = sqlx::query(
        "UPDATE hold SET settled = ?1 WHERE id = ?2 AND released IS NOT NULL AND settled IS NULL \
         RETURNING scope, target",
    )
    .bind(now.as_microsecond())
    .bind(hold.id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(released) = released else {
        return Ok(Vec::new());
    };
    // What it holds may have another name since it was read.
    let (scope, target): (&str, &str) = (released.try_get("scope")?, released.try_get("target")?);
    let Some((state, why)) = after_hold(after) else {
        return Ok(Vec::new());
    };
    let rows = sqlx::query(
        "UPDATE post SET state = ?1, why = ?2, changed = ?3, fence = fence + 1, slot = CASE ?1 WHEN 'skipped' THEN NULL ELSE slot END \
         WHERE state IN ('due', 'retrying') AND part = 0 AND due <= ?3 AND occurrence NOT LIKE 'delete %' \
         AND (due >= ?4 OR recorded >= ?4 OR not_before BETWEEN ?4 AND ?3) \
         AND (?5 = 'all' OR ?5 = 'account' AND account = ?6 OR ?5 = 'message' AND message = ?6) RETURNING id",
    )
    .bind(state.as_str())
    .bind(why)
    .bind(now.as_microsecond())
    .bind(hold.since.as_microsecond())
    .bind(scope)
    .bind(target)
    .fetch_all(&mut *tx)
    .await?;
    ids(&rows)
}

//! The two writes of every request: its intent before it, and what came of it after it. All that wait are written with
//! one statement for each table.

use std::collections::{HashMap, HashSet};

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::post::identity::PostId;
use crate::post::state::State;

use super::super::evidence::{self, Entry};
use super::super::group::{key_fields, outcome_word};
use super::super::{Conclusion, Intended, Intent, LedgerError};
use super::jobs::Jobs;
use super::word::speak;

type Wrote<T> = Result<T, LedgerError>;

/// A post that was where it was thought to be: its row, and the number of its last attempt.
#[derive(Clone, Copy)]
struct Moved {
    row: i64,
    attempt: i64,
}

fn moved(rows: &[SqliteRow]) -> Wrote<HashMap<PostId, Moved>> {
    let moved = |row: &SqliteRow| -> Wrote<(PostId, Moved)> {
        let id = row
            .try_get::<&str, _>("id")?
            .parse()
            .map_err(LedgerError::Broken)?;
        let (row, attempt) = (row.try_get("row")?, row.try_get("attempts")?);
        Ok((id, Moved { row, attempt }))
    };
    rows.iter().map(moved).collect()
}

/// Grants the intents whose posts are where they were thought to be, free of holds and of their account's wait.
pub(super) async fn intend(
    tx: &mut SqliteConnection,
    intents: &[&Intent],
    granted: &mut HashMap<PostId, Intended>,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    if intents.is_empty() {
        return Ok(());
    }
    let mut jobs = Jobs::new([
        "post",
        "was",
        "was_fence",
        "at_part",
        "at",
        "fresh",
        "to_first_intent",
        "to_unsure_since",
        "to_unsure_looks",
        "to_unsure_foreign",
        "to_tries",
        "to_resent",
    ]);
    for intent in intents {
        let to = &intent.to;
        jobs.push([
            intent.post.to_string().into(),
            intent.from.as_str().into(),
            intent.fence.0.into(),
            i64::from(to.part).into(),
            intent.at.as_microsecond().into(),
            (to.part == 0 && !to.doubted()).into(),
            to.first_intent.map(jiff::Timestamp::as_microsecond).into(),
            to.unsure.map(|unsure| unsure.since.as_microsecond()).into(),
            to.unsure.map_or(0, |unsure| i64::from(unsure.looks)).into(),
            to.unsure.is_some_and(|unsure| unsure.foreign).into(),
            i64::from(to.tries).into(),
            to.resent.into(),
        ]);
    }
    let rows = jobs
        .before(
            "UPDATE post SET state = 'sending', first_intent = to_first_intent, unsure_since = to_unsure_since, \
                 unsure_looks = to_unsure_looks, unsure_foreign = to_unsure_foreign, tries = to_tries, \
                 resent = to_resent, attempts = attempts + 1, fence = fence + 1, why = NULL, \
                 paced = CASE WHEN fresh AND recalls IS NULL THEN at ELSE paced END, changed = at \
             FROM job WHERE post.id = job.post AND state = was AND fence = was_fence AND part = at_part \
             AND NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND said > post.through AND (scope = 'all' \
                 OR scope = 'account' AND target = post.account OR scope = 'message' AND target = post.message)) \
             AND NOT EXISTS (SELECT 1 FROM account WHERE name = post.account AND waits > at) \
             RETURNING id, row, attempts",
        )
        .fetch_all(&mut *tx)
        .await?;
    let moved = moved(&rows)?;

    let mut attempts = Jobs::new(["post", "part", "no", "intended"]);
    let mut parts = Jobs::new(["post", "idx", "key", "key_due", "path", "body", "hash"]);
    let mut refused = Jobs::new(["post", "was", "was_fence", "at"]);
    for intent in intents {
        let Some(moved) = moved.get(&intent.post) else {
            refused.push([
                intent.post.to_string().into(),
                intent.from.as_str().into(),
                intent.fence.0.into(),
                intent.at.as_microsecond().into(),
            ]);
            continue;
        };
        granted.insert(intent.post, Intended::Durable);
        let part = i64::from(intent.to.part);
        let at = intent.at.as_microsecond();
        attempts.push([moved.row.into(), part.into(), moved.attempt.into(), at.into()]);
        let mut body = None;
        if let Some(prepared) = &intent.prepared {
            let (key, key_due) = key_fields(&intent.key);
            let hash = evidence::sha256(&prepared.body);
            parts.push([
                moved.row.into(),
                part.into(),
                key.into(),
                key_due.into(),
                prepared.path.as_str().into(),
                prepared.body.as_str().into(),
                hash.as_str().into(),
            ]);
            body = Some(hash);
        }
        evidence.push(evidence::intended(intent, body.as_deref()));
    }
    if !refused.is_empty() {
        waiting_for_account(tx, refused, granted).await?;
    }
    if !parts.is_empty() {
        let statement = "INSERT INTO part (post, idx, key, key_due, path, body, hash) \
             SELECT post, idx, key, key_due, path, body, hash FROM job WHERE post IS NOT NULL \
             ON CONFLICT (post, idx) DO UPDATE SET path = excluded.path, body = excluded.body, hash = excluded.hash";
        parts.before(statement).execute(&mut *tx).await?;
    }
    if !attempts.is_empty() {
        let statement = "INSERT INTO attempt (post, part, no, intended) \
             SELECT post, part, no, intended FROM job WHERE post IS NOT NULL";
        attempts.before(statement).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Of those that were not granted, the ones whose account has to wait: they are told until when.
async fn waiting_for_account(
    tx: &mut SqliteConnection,
    refused: Jobs<4>,
    granted: &mut HashMap<PostId, Intended>,
) -> Wrote<()> {
    let rows = refused
        .before(
            "SELECT post.id, account.waits FROM job JOIN post ON post.id = job.post \
             JOIN account ON account.name = post.account AND account.waits > at \
             WHERE state = was AND fence = was_fence",
        )
        .fetch_all(&mut *tx)
        .await?;
    for row in &rows {
        let id: PostId = row
            .try_get::<&str, _>("id")?
            .parse()
            .map_err(LedgerError::Broken)?;
        let waits = jiff::Timestamp::from_microsecond(row.try_get("waits")?)
            .map_err(|e| LedgerError::Broken(e.to_string()))?;
        granted.entry(id).or_insert(Intended::NotYet(waits));
    }
    Ok(())
}

/// Moves the posts that are where they were thought to be; returns which.
pub(super) async fn conclude(
    tx: &mut SqliteConnection,
    conclusions: &[&Conclusion],
    evidence: &mut Vec<Entry>,
) -> Wrote<HashSet<PostId>> {
    if conclusions.is_empty() {
        return Ok(HashSet::new());
    }
    let mut jobs = Jobs::new([
        "post",
        "was",
        "was_fence",
        "at_part",
        "at",
        "free",
        "accepted",
        "words",
        "to_state",
        "to_part",
        "to_tries",
        "to_not_before",
        "to_late_from",
        "to_first_intent",
        "to_unsure_since",
        "to_unsure_looks",
        "to_unsure_foreign",
        "to_resent",
        "to_crashes",
        "to_why",
    ]);
    for c in conclusions {
        let to = &c.to;
        jobs.push([
            c.post.to_string().into(),
            c.from.as_str().into(),
            c.fence.0.into(),
            i64::from(c.part).into(),
            c.at.as_microsecond().into(),
            c.free_again().into(),
            c.receipt.is_some().into(),
            c.failure.as_ref().map(|failure| failure.words.as_str()).into(),
            to.state.as_str().into(),
            i64::from(to.part).into(),
            i64::from(to.tries).into(),
            to.not_before.as_microsecond().into(),
            to.late_from.map(jiff::Timestamp::as_microsecond).into(),
            to.first_intent.map(jiff::Timestamp::as_microsecond).into(),
            to.unsure.map(|unsure| unsure.since.as_microsecond()).into(),
            to.unsure.map_or(0, |unsure| i64::from(unsure.looks)).into(),
            to.unsure.is_some_and(|unsure| unsure.foreign).into(),
            to.resent.into(),
            i64::from(to.crashes).into(),
            to.why.as_deref().into(),
        ]);
    }
    let rows = jobs
        .before(
            "UPDATE post SET state = to_state, part = to_part, tries = to_tries, not_before = to_not_before, \
                 late_from = to_late_from, first_intent = to_first_intent, unsure_since = to_unsure_since, \
                 unsure_looks = to_unsure_looks, unsure_foreign = to_unsure_foreign, resent = to_resent, \
                 crashes = to_crashes, fence = fence + 1, paced = CASE WHEN free THEN NULL ELSE paced END, why = to_why, \
                 slot = CASE WHEN 'skipped' IN (state, to_state) THEN NULL ELSE slot END, \
                 error = CASE WHEN accepted THEN NULL ELSE coalesce(words, error) END, \
                 began = CASE WHEN accepted THEN coalesce(began, at) ELSE began END, \
                 sent = CASE WHEN to_state = 'sent' THEN at ELSE sent END, changed = at \
             FROM job WHERE post.id = job.post AND state = was AND part = at_part AND fence = was_fence \
             RETURNING id, row, attempts",
        )
        .fetch_all(&mut *tx)
        .await?;
    let moved = moved(&rows)?;

    let mut answered = Jobs::new(["a_post", "a_part", "a_no", "at", "a_class", "a_status", "a_words"]);
    let mut accepted = Jobs::new(["a_post", "a_part", "a_id", "a_url", "a_pin", "at"]);
    for c in conclusions {
        let Some(moved) = moved.get(&c.post) else { continue };
        let (part, at) = (i64::from(c.part), c.at.as_microsecond());
        evidence.push(evidence::concluded(c));
        if let Some(voice) = &c.voice {
            speak(tx, c.post, voice, c.at).await?;
        }
        // A person can say that one in doubt was accepted: a receipt without an answer.
        if let Some(receipt) = &c.receipt {
            accepted.push([
                moved.row.into(),
                part.into(),
                receipt.id.as_str().into(),
                receipt.url.as_deref().into(),
                receipt.pin.as_deref().into(),
                at.into(),
            ]);
        }
        if c.from == State::Sending {
            let failure = c.failure.as_ref();
            answered.push([
                moved.row.into(),
                part.into(),
                moved.attempt.into(),
                at.into(),
                outcome_word(c).into(),
                failure.and_then(|failure| failure.status).map(i64::from).into(),
                failure.map(|failure| failure.words.as_str()).into(),
            ]);
        }
    }
    if !answered.is_empty() {
        let statement = "UPDATE attempt SET answered = at, class = a_class, status = a_status, words = a_words \
             FROM job WHERE attempt.post = a_post AND attempt.part = a_part AND attempt.no = a_no";
        answered.before(statement).execute(&mut *tx).await?;
    }
    if !accepted.is_empty() {
        let statement = "UPDATE part SET id = a_id, url = a_url, pin = a_pin, sent = at \
             FROM job WHERE part.post = a_post AND part.idx = a_part";
        accepted.before(statement).execute(&mut *tx).await?;
    }
    Ok(moved.into_keys().collect())
}

//! Intents and conclusions: the two writes that every request stands between.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::post::identity::PostId;
use crate::post::state::Standing;

use super::super::evidence::{self, Entry};
use super::super::group::{key_fields, outcome_word};
use super::super::row::instant_at;
use super::super::{Conclusion, Intended, Intent, LedgerError};
use super::lease::Seat;
use super::read::names;
use super::word::speak;
use super::write::{Wrote, ids, rows_json};

/// The columns of [`standing`], for `jsonb_to_recordset`.
const STANDING: &str = "state text, part bigint, tries bigint, not_before bigint, late_from bigint, \
     first_intent bigint, unsure_since bigint, unsure_looks bigint, unsure_foreign boolean, resent boolean, \
     crashes bigint, why text";

/// `standing` and what else is said of the post, as one row.
fn with_standing(standing: &Standing, more: Value) -> Value {
    let mut row = json!({
        "state": standing.state.as_str(),
        "part": standing.part,
        "tries": standing.tries,
        "not_before": standing.not_before.as_microsecond(),
        "late_from": standing.late_from.map(Timestamp::as_microsecond),
        "first_intent": standing.first_intent.map(Timestamp::as_microsecond),
        "unsure_since": standing.unsure.map(|unsure| unsure.since.as_microsecond()),
        "unsure_looks": standing.unsure.map_or(0, |unsure| unsure.looks),
        "unsure_foreign": standing.unsure.is_some_and(|unsure| unsure.foreign),
        "resent": standing.resent,
        "crashes": standing.crashes,
        "why": standing.why,
    });
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
        row.extend(more);
    }
    row
}

/// Grants the intents of posts that are ours and where they were thought to be, free of holds, of their account's
/// wait and within its pace.
pub(super) async fn intend(
    tx: &mut PgConnection,
    seat: &Seat,
    intents: Vec<&Intent>,
    evidence: &mut Vec<Entry>,
) -> Wrote<HashMap<PostId, Intended>> {
    let mut granted = HashMap::new();
    // What shares a pace goes one by one, because each changes what the next may do.
    let (paced, free): (Vec<&Intent>, Vec<&Intent>) =
        intents.into_iter().partition(|intent| intent.pace.is_some());
    grant(tx, seat, &free, &mut granted, evidence).await?;
    queue_at_accounts(tx, &paced).await?;
    for intent in paced {
        match not_before(tx, intent).await? {
            Some(until) => drop(granted.insert(intent.post, Intended::NotYet(until))),
            None => grant(tx, seat, &[intent], &mut granted, evidence).await?,
        }
    }
    Ok(granted)
}

/// Until our transaction ends nobody else can look whether the pace of these accounts lets something through.
async fn queue_at_accounts(tx: &mut PgConnection, paced: &[&Intent]) -> Wrote<()> {
    if paced.is_empty() {
        return Ok(());
    }
    let accounts: HashSet<&str> = paced.iter().map(|intent| intent.account.as_str()).collect();
    for sql in [
        "INSERT INTO account (name) SELECT name FROM unnest($1::text[]) AS asked (name) ORDER BY name ON CONFLICT DO NOTHING",
        "SELECT 1 FROM account WHERE name = ANY ($1) ORDER BY name FOR UPDATE",
    ] {
        sqlx::query(sql)
            .bind(names(accounts.iter().copied()))
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Until when the account's pace lets nothing through: its gap, its daily number.
async fn not_before(tx: &mut PgConnection, intent: &Intent) -> Wrote<Option<Timestamp>> {
    let Some(pace) = &intent.pace else { return Ok(None) };
    let row = sqlx::query(
        "SELECT (SELECT max(paced) FROM post WHERE account = $1 AND paced IS NOT NULL AND id <> $4) AS last, \
             (SELECT count(*) FROM post WHERE account = $1 AND paced >= $2 AND paced < $3 AND id <> $4) AS today",
    )
    .bind(intent.account.as_str())
    .bind(pace.day.0.as_microsecond())
    .bind(pace.day.1.as_microsecond())
    .bind(intent.post.to_string())
    .fetch_one(&mut *tx)
    .await?;
    let (last, today): (Option<i64>, i64) = (row.try_get("last")?, row.try_get("today")?);
    Ok(pace.free_from(last, today).filter(|free| *free > intent.at))
}

/// One statement for all of it: the posts move, and of those that did, the request is frozen and the attempt begins.
async fn grant(
    tx: &mut PgConnection,
    seat: &Seat,
    intents: &[&Intent],
    granted: &mut HashMap<PostId, Intended>,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    if intents.is_empty() {
        return Ok(());
    }
    let hash_of = |intent: &Intent| {
        intent
            .prepared
            .as_ref()
            .map(|frozen| evidence::sha256(&frozen.body))
    };
    let hashes: Vec<Option<String>> = intents.iter().map(|intent| hash_of(intent)).collect();
    let job = |(intent, hash): (&&Intent, &Option<String>)| {
        let (key, key_due) = key_fields(&intent.key);
        let frozen = intent.prepared.as_ref();
        let more = json!({"post": intent.post, "come_from": intent.from.as_str(), "fence": intent.fence.0,
               "at": intent.at.as_microsecond(), "fresh": intent.to.part == 0 && !intent.to.doubted(),
               "key": key, "key_due": key_due, "path": frozen.map(|frozen| &frozen.path),
               "body": frozen.map(|frozen| &frozen.body), "hash": hash});
        with_standing(&intent.to, more)
    };
    let jobs = rows_json(intents.iter().zip(&hashes).map(job).collect());
    let sql = format!(
        "WITH job AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::text::jsonb) \
             AS job (post text, come_from text, fence bigint, at bigint, fresh boolean, \
                 key text, key_due bigint, path text, body text, hash text, {STANDING})), \
         moved AS (UPDATE post SET state = 'sending', first_intent = job.first_intent, unsure_since = job.unsure_since, \
             unsure_looks = job.unsure_looks, unsure_foreign = job.unsure_foreign, tries = job.tries, \
             resent = job.resent, attempts = attempts + 1, fence = post.fence + 1, why = NULL, owner = $2, \
             paced = CASE WHEN job.fresh AND recalls IS NULL THEN job.at ELSE paced END, changed = job.at \
         FROM job WHERE post.id = job.post AND post.state = job.come_from AND post.fence = job.fence \
         AND post.part = job.part AND (post.owner IS NULL OR post.owner = $2) \
         AND NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND said > post.through AND (scope = 'all' \
             OR scope = 'account' AND target = post.account OR scope = 'message' AND target = post.message)) \
         AND NOT EXISTS (SELECT 1 FROM account WHERE name = post.account AND waits > job.at) \
             RETURNING post.id, post.attempts), \
         frozen AS (INSERT INTO part (post, idx, key, key_due, path, body, hash) \
             SELECT job.post, job.part, job.key, job.key_due, job.path, job.body, job.hash \
             FROM job JOIN moved ON moved.id = job.post WHERE job.body IS NOT NULL \
             ON CONFLICT (post, idx) DO UPDATE SET path = excluded.path, body = excluded.body, hash = excluded.hash), \
         begun AS (INSERT INTO attempt (post, part, no, intended) \
             SELECT job.post, job.part, moved.attempts, job.at FROM job JOIN moved ON moved.id = job.post) \
         SELECT id FROM moved"
    );
    let moved = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&jobs)
        .bind(seat.instance)
        .fetch_all(&mut *tx)
        .await?;
    let moved: HashSet<PostId> = ids(&moved)?.into_iter().collect();
    if moved.len() < intents.len() {
        waiting_for_account(tx, &jobs, granted).await?;
    }
    for (intent, hash) in intents.iter().zip(&hashes) {
        if moved.contains(&intent.post) {
            granted.insert(intent.post, Intended::Durable);
            evidence.push(evidence::intended(intent, hash.as_deref()));
        }
    }
    Ok(())
}

/// Of those that were not granted, the ones whose account has to wait: they are told until when.
async fn waiting_for_account(
    tx: &mut PgConnection,
    jobs: &str,
    granted: &mut HashMap<PostId, Intended>,
) -> Wrote<()> {
    let rows = sqlx::query(
        "SELECT post.id, account.waits FROM jsonb_to_recordset($1::text::jsonb) \
             AS job (post text, come_from text, fence bigint, at bigint) JOIN post ON post.id = job.post \
         JOIN account ON account.name = post.account AND account.waits > job.at \
         WHERE post.state = job.come_from AND post.fence = job.fence",
    )
    .bind(jobs)
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let id: &str = row.try_get("id")?;
        let id: PostId = id.parse().map_err(LedgerError::Broken)?;
        granted
            .entry(id)
            .or_insert(Intended::NotYet(instant_at(row, "waits")?));
    }
    Ok(())
}

/// Moves the posts that are where they were thought to be. One that was moved by this very conclusion before, when
/// the answer to its commit was lost, counts as moved.
pub(super) async fn conclude(
    tx: &mut PgConnection,
    seat: Option<&Seat>,
    conclusions: &[&Conclusion],
    evidence: &mut Vec<Entry>,
) -> Wrote<HashSet<PostId>> {
    if conclusions.is_empty() {
        return Ok(HashSet::new());
    }
    let text = rows_json(conclusions.iter().map(|conclusion| job_of(conclusion)).collect());
    // A person can say that one in doubt was accepted: a receipt without an answer.
    let sql = format!(
        "WITH job AS MATERIALIZED (SELECT * FROM jsonb_to_recordset($1::text::jsonb) \
             AS job (post text, come_from text, fence bigint, of bigint, at bigint, keep boolean, free boolean, \
                 accepted boolean, id text, url text, pin text, class text, status bigint, error text, {STANDING})), \
         moved AS (UPDATE post SET state = job.state, part = job.part, tries = job.tries, not_before = job.not_before, \
             late_from = job.late_from, first_intent = job.first_intent, unsure_since = job.unsure_since, \
             unsure_looks = job.unsure_looks, unsure_foreign = job.unsure_foreign, resent = job.resent, \
             crashes = job.crashes, why = job.why, fence = post.fence + 1, \
             owner = CASE WHEN job.keep THEN $2 END, paced = CASE WHEN job.free THEN NULL ELSE paced END, \
             slot = CASE WHEN 'skipped' IN (post.state, job.state) THEN NULL ELSE slot END, \
             error = CASE WHEN job.accepted THEN NULL ELSE coalesce(job.error, post.error) END, \
             began = CASE WHEN job.accepted THEN coalesce(began, job.at) ELSE began END, \
             sent = CASE WHEN job.state = 'sent' THEN job.at ELSE sent END, changed = job.at \
         FROM job WHERE post.id = job.post AND post.state = job.come_from AND post.part = job.of \
             AND post.fence = job.fence RETURNING post.id, post.attempts), \
         answered AS (UPDATE attempt SET answered = job.at, class = job.class, status = job.status, words = job.error \
             FROM job JOIN moved ON moved.id = job.post WHERE job.come_from = 'sending' \
             AND attempt.post = job.post AND attempt.part = job.of AND attempt.no = moved.attempts), \
         kept AS (UPDATE part SET id = job.id, url = job.url, pin = job.pin, sent = job.at \
             FROM job JOIN moved ON moved.id = job.post WHERE job.accepted \
             AND part.post = job.post AND part.idx = job.of) \
         SELECT id FROM moved"
    );
    let moved = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&text)
        .bind(seat.map(|seat| seat.instance))
        .fetch_all(&mut *tx)
        .await?;
    let mut moved: HashSet<PostId> = ids(&moved)?.into_iter().collect();
    let ours = conclusions
        .iter()
        .filter(|conclusion| moved.contains(&conclusion.post));
    for conclusion in ours {
        evidence.push(evidence::concluded(conclusion));
        if let Some(voice) = &conclusion.voice {
            speak(tx, conclusion.post, voice, conclusion.at).await?;
        }
    }
    if moved.len() < conclusions.len() {
        let before = sqlx::query(
            "SELECT post.id FROM jsonb_to_recordset($1::text::jsonb) \
                 AS job (post text, fence bigint, at bigint, state text, part bigint) JOIN post ON post.id = job.post \
             WHERE post.fence = job.fence + 1 AND post.changed = job.at AND post.state = job.state \
             AND post.part = job.part",
        )
        .bind(&text)
        .fetch_all(&mut *tx)
        .await?;
        moved.extend(ids(&before)?);
    }
    Ok(moved)
}

fn job_of(conclusion: &Conclusion) -> Value {
    let (failure, receipt) = (conclusion.failure.as_ref(), conclusion.receipt.as_ref());
    let more = json!({
        "post": conclusion.post, "come_from": conclusion.from.as_str(), "fence": conclusion.fence.0,
        "of": conclusion.part, "at": conclusion.at.as_microsecond(), "keep": conclusion.keep,
        "free": conclusion.free_again(), "accepted": receipt.is_some(), "id": receipt.map(|receipt| &receipt.id),
        "url": receipt.map(|receipt| &receipt.url), "pin": receipt.map(|receipt| &receipt.pin),
        "error": failure.map(|failure| &failure.words), "class": outcome_word(conclusion),
        "status": failure.and_then(|failure| failure.status),
    });
    with_standing(&conclusion.to, more)
}

//! What the planner writes.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::postgres::PgConnection;

use crate::post::identity::{MessageId, PostId};

use super::super::evidence::{self, Entry};
use super::super::group::micros;
use super::super::{Change, LedgerError, NewPost};
use super::lease::Seat;
use super::read::names;
use super::word::speak;
use super::write::{Wrote, ids, rows_json};

/// Whether whoever has a seat may plan: a planner that was frozen and wakes must not. Its lease can't be taken
/// until this transaction ends.
pub(super) async fn may(tx: &mut PgConnection, seat: Option<&Seat>) -> Wrote<()> {
    // A command records what a person asks for.
    let Some(seat) = seat else { return Ok(()) };
    let ours = sqlx::query(
        "SELECT 1 FROM planner WHERE instance = $1 AND term = $2 AND until > clock_timestamp() FOR SHARE",
    )
    .bind(seat.instance)
    .bind(seat.term().unwrap_or(-1))
    .fetch_optional(&mut *tx)
    .await?;
    match ours {
        Some(_) => Ok(()),
        None => Err(LedgerError::NotPlanning.into()),
    }
}

pub(super) async fn record(
    tx: &mut PgConnection,
    posts: &[NewPost],
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<Vec<PostId>> {
    let words: Vec<String> = posts.iter().map(|post| json!(post.content).to_string()).collect();
    let row = |(post, content): (&NewPost, &String)| {
        json!({
            "id": post.identity.post_id(),
            "message": post.identity.message,
            "account": post.identity.account,
            "platform": post.platform,
            "occurrence": post.identity.occurrence.as_str(),
            "due": post.due.as_microsecond(),
            "late": micros(post.late),
            "expires": post.expires.map(Timestamp::as_microsecond),
            "recurring": post.recurring,
            "breaking": post.breaking,
            "slot": post.slot.map(Timestamp::as_microsecond),
            "file": &*post.file,
            "parts": post.content.parts.len(),
            "content": content,
            "state": post.state.as_str(),
            "why": post.why,
            "recalls": post.content.recall.as_ref().map(|recall| recall.post),
        })
    };
    let rows: Vec<Value> = posts.iter().zip(&words).map(row).collect();
    let done = sqlx::query(
        "INSERT INTO post (id, message, account, platform, occurrence, due, late, expires, recurring, breaking, \
             slot, file, parts, content, recorded, state, not_before, why, changed, recalls) \
         SELECT id, message, account, platform, occurrence, due, late, expires, recurring, breaking, \
             slot, file, parts, content, $2, state, due, why, $2, recalls \
         FROM jsonb_to_recordset($1::text::jsonb) AS job (id text, message text, account text, platform text, \
             occurrence text, due bigint, late bigint, expires bigint, recurring boolean, breaking boolean, \
             slot bigint, file text, parts bigint, content text, state text, why text, recalls text) \
         WHERE NOT EXISTS (SELECT 1 FROM post WHERE post.alias = job.id) \
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(rows_json(rows))
    .bind(now.as_microsecond())
    .fetch_all(&mut *tx)
    .await?;
    let recorded = ids(&done)?;
    let new: HashSet<PostId> = recorded.iter().copied().collect();
    let mut told = HashSet::new();
    for (post, content) in posts.iter().zip(&words) {
        let id = post.identity.post_id();
        if new.contains(&id) && told.insert(id) {
            evidence.push(evidence::recorded(post, content, now));
            if let Some(voice) = &post.voice {
                speak(tx, id, voice, now).await?;
            }
        }
    }
    Ok(recorded)
}

pub(super) async fn reword(
    tx: &mut PgConnection,
    changes: &[Change],
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    let words: HashMap<PostId, String> = changes
        .iter()
        .map(|change| (change.post, json!(change.content).to_string()))
        .collect();
    let row = |change: &Change| {
        json!({"id": change.post, "content": words.get(&change.post), "parts": change.content.parts.len(),
            "late": micros(change.late), "expires": change.expires.map(Timestamp::as_microsecond),
            "moved": change.moved.map(Timestamp::as_microsecond)})
    };
    let done = sqlx::query(
        "UPDATE post SET content = job.content, parts = job.parts, late = job.late, expires = job.expires, \
             due = coalesce(job.moved, due), not_before = coalesce(job.moved, not_before), \
             tries = CASE WHEN job.moved IS NULL THEN tries ELSE 0 END, \
             late_from = CASE WHEN job.moved IS NULL THEN late_from END, changed = $2, fence = fence + 1 \
         FROM jsonb_to_recordset($1::text::jsonb) \
             AS job (id text, content text, parts bigint, late bigint, expires bigint, moved bigint) \
         WHERE post.id = job.id AND state IN ('due', 'retrying', 'held', 'rejected', 'skipped') AND part = 0 \
         AND unsure_since IS NULL RETURNING post.id",
    )
    .bind(rows_json(changes.iter().map(row).collect()))
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

pub(super) async fn unplan(
    tx: &mut PgConnection,
    posts: &[PostId],
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    let gone = sqlx::query(
        "DELETE FROM post WHERE id = ANY ($1) AND state IN ('due', 'retrying') AND attempts = 0 RETURNING id",
    )
    .bind(names(posts.iter().map(ToString::to_string)))
    .fetch_all(&mut *tx)
    .await?;
    let gone = ids(&gone)?.into_iter();
    evidence.extend(gone.map(|post| evidence::unplanned(post, now)));
    Ok(())
}

pub(super) async fn know(tx: &mut PgConnection, messages: &[MessageId], now: Timestamp) -> Wrote<()> {
    sqlx::query("INSERT INTO known (message, since) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING")
        .bind(names(messages.iter().map(MessageId::as_str)))
        .bind(now.as_microsecond())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

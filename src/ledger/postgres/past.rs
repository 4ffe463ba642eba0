//! The past, as the planner needs it.

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};

use crate::calendar::past::{Past, Turns, Variants};
use crate::post::identity::{MessageId, PostId};

use super::super::row::{Read, damaged, instant_at, maybe_instant, number_at, parsed};
use super::connect::bounded;
use super::read::names;

/// How far around now an account's traffic matters: a local day and its neighbours.
const TRAFFIC: SignedDuration = SignedDuration::from_hours(72);

/// What went out since then was due at most so long before: posts are found by when they were due.
const BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many rows are in memory at once where all are read.
const PAGE: u32 = 2000;

/// Reads all rows in the order of `key`, a page at a time: a hundred thousand rows at once would take more
/// memory than everything else.
async fn pages(
    db: &PgPool,
    sql: &'static str,
    key: &str,
    mut each: impl FnMut(&PgRow) -> Read<()>,
) -> Read<()> {
    let mut last = String::new();
    loop {
        let asking = sqlx::query(sql).bind(&last).bind(i64::from(PAGE));
        let rows = bounded(asking.fetch_all(db)).await?;
        for row in &rows {
            each(row)?;
        }
        match rows.last() {
            Some(row) => last = row.try_get(key)?,
            None => return Ok(()),
        }
    }
}

pub(super) async fn recorded(db: &PgPool) -> Read<HashSet<PostId>> {
    let mut recorded = HashSet::new();
    let ids = "SELECT id FROM post WHERE id > $1 ORDER BY id LIMIT $2";
    let aliases = "SELECT alias AS id FROM post WHERE alias > $1 GROUP BY alias ORDER BY alias LIMIT $2";
    for sql in [ids, aliases] {
        pages(db, sql, "id", |row| {
            recorded.insert(parsed(row, "id")?);
            Ok(())
        })
        .await?;
    }
    Ok(recorded)
}

const SENT_SINCE: &str = "SELECT DISTINCT message FROM post \
    WHERE due >= $2 AND sent >= $1 AND state = 'sent' AND recalls IS NULL";

pub(super) async fn sent_since(db: &PgPool, since: Timestamp) -> Read<BTreeSet<MessageId>> {
    let due = since.saturating_sub(BEFORE).unwrap_or(Timestamp::MIN);
    let asking = sqlx::query(SENT_SINCE)
        .bind(since.as_microsecond())
        .bind(due.as_microsecond());
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(|row| parsed(row, "message")).collect()
}

pub(super) async fn files_waiting(db: &PgPool) -> Read<Vec<(String, MessageId)>> {
    let asking =
        sqlx::query("SELECT DISTINCT file, message FROM post WHERE state IN ('due', 'retrying', 'in_doubt')");
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("file")?, parsed(row, "message")?)))
        .collect()
}

pub(super) async fn past(db: &PgPool, asked: &[MessageId], now: Timestamp) -> Read<Past> {
    let mut past = Past::default();
    let known = "SELECT message, since FROM known WHERE message > $1 ORDER BY message LIMIT $2";
    pages(db, known, "message", |row| {
        past.known
            .insert(&parsed(row, "message")?, instant_at(row, "since")?);
        Ok(())
    })
    .await?;
    let asking = sqlx::query(
        "SELECT message, account, count(*) AS n, \
         max(CASE WHEN state NOT IN ('skipped', 'rejected') OR occurrence LIKE 'cycle %' THEN due END) AS last, \
         max(CASE WHEN state = 'sent' THEN sent END) AS sent FROM post \
         WHERE recalls IS NULL AND (occurrence LIKE 'cycle %' OR message = ANY ($1)) GROUP BY message, account",
    )
    .bind(names(asked.iter().map(MessageId::as_str)));
    let turns = bounded(asking.fetch_all(db)).await?;
    for row in &turns {
        let turns = Turns {
            count: number_at(row, "n")?,
            last: maybe_instant(row, "last")?,
            sent: maybe_instant(row, "sent")?,
        };
        past.turns
            .insert((parsed(row, "message")?, parsed(row, "account")?), turns);
    }
    let slots =
        sqlx::query("SELECT account, max(slot) AS slot FROM post WHERE slot IS NOT NULL GROUP BY account");
    for row in bounded(slots.fetch_all(db)).await? {
        past.slots
            .insert(parsed(&row, "account")?, instant_at(&row, "slot")?);
    }
    let since = now.saturating_sub(TRAFFIC).unwrap_or(Timestamp::MIN);
    let until = now.saturating_add(TRAFFIC).unwrap_or(Timestamp::MAX);
    let asking = sqlx::query(
        "SELECT account, coalesce(began, not_before) AS at FROM post \
         WHERE due BETWEEN $1 AND $2 AND recalls IS NULL AND state IN ('due', 'sending', 'retrying', 'in_doubt', 'sent') ORDER BY at",
    )
    .bind(since.as_microsecond())
    .bind(until.as_microsecond());
    let traffic = bounded(asking.fetch_all(db)).await?;
    for row in &traffic {
        past.traffic
            .entry(parsed(row, "account")?)
            .or_default()
            .push(instant_at(row, "at")?);
    }
    Ok(past)
}

pub(super) async fn variants(db: &PgPool, of: &[MessageId]) -> Read<Variants> {
    let asking = sqlx::query(
        "SELECT DISTINCT ON (message, account) message, account, (content::jsonb -> 'variant')::text AS variant FROM post \
         WHERE message = ANY ($1) AND recalls IS NULL AND state NOT IN ('skipped', 'rejected') \
         AND content::jsonb -> 'variant' IS NOT NULL ORDER BY message, account, due DESC",
    )
    .bind(names(of.iter().map(MessageId::as_str)));
    let said = |row: &PgRow| {
        let variant = serde_json::from_str(row.try_get("variant")?).map_err(|_| damaged("content"))?;
        Ok(((parsed(row, "message")?, parsed(row, "account")?), variant))
    };
    bounded(asking.fetch_all(db)).await?.iter().map(said).collect()
}

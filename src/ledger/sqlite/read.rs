//! What is asked of the ledger.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use sqlx::sqlite::SqlitePool;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::state::State;

use super::super::evidence::Event;
use super::super::row::{
    POST, Read, event_of, hold_of, instant_at, maybe_instant, number_at, parsed, post_of, posts_of,
};
use super::super::{Filter, Hold, Post, Published, Rivals};

/// What of a post's row keeps it from being looked at: holds, and messages that are blocked (`?2`). Recalls stand
/// among the breaking posts alone; for all others the first question is one for the whole statement.
const FREE: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND \
         (scope = 'all' OR scope = 'account' AND target = ?1)) \
     AND message NOT IN (SELECT target FROM hold WHERE settled IS NULL AND scope = 'message') \
     AND message NOT IN (SELECT value FROM json_each(?2))";

const FREE_OR_RECALL: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND said > post.through AND \
         (scope = 'all' OR scope = 'account' AND target = ?1 OR scope = 'message' AND target = post.message)) \
     AND (recalls IS NOT NULL OR message NOT IN (SELECT value FROM json_each(?2)))";

fn free(breaking: bool) -> &'static str {
    if breaking { FREE_OR_RECALL } else { FREE }
}

pub(super) fn json_list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let list = items
        .into_iter()
        .map(|item| serde_json::Value::from(item.as_ref()))
        .collect();
    serde_json::Value::Array(list).to_string()
}

pub(super) async fn claim(
    db: &SqlitePool,
    account: &AccountName,
    now: Timestamp,
    blocked: &[MessageId],
    limit: u32,
) -> Read<Vec<Post>> {
    // One after the other, so that each is a range of the index and not all that waits.
    let mut posts = Vec::new();
    for breaking in [true, false] {
        let sql = format!(
            "SELECT {POST} FROM post WHERE account = ?1 AND breaking = ?5 AND state IN ('due', 'retrying', 'in_doubt') \
             AND not_before <= ?3 AND {} ORDER BY not_before LIMIT ?4",
            free(breaking)
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(account.as_str())
            .bind(json_list(blocked.iter().map(MessageId::as_str)))
            .bind(now.as_microsecond())
            .bind(limit.saturating_sub(u32::try_from(posts.len()).unwrap_or(limit)))
            .bind(breaking)
            .fetch_all(db)
            .await?;
        posts.extend(posts_of(&rows)?);
    }
    Ok(posts)
}

pub(super) async fn next_ready(
    db: &SqlitePool,
    account: &AccountName,
    after: Timestamp,
    blocked: &[MessageId],
) -> Read<Option<Timestamp>> {
    let mut first: Option<Timestamp> = None;
    for breaking in [true, false] {
        let sql = format!(
            "SELECT not_before AS at FROM post WHERE account = ?1 AND breaking = ?4 AND state IN ('due', 'retrying', 'in_doubt') \
             AND not_before > ?3 AND {} ORDER BY not_before LIMIT 1",
            free(breaking)
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(account.as_str())
            .bind(json_list(blocked.iter().map(MessageId::as_str)))
            .bind(after.as_microsecond())
            .bind(breaking)
            .fetch_optional(db)
            .await?;
        if let Some(row) = row {
            let at = instant_at(&row, "at")?;
            first = Some(first.map_or(at, |first| first.min(at)));
        }
    }
    Ok(first)
}

pub(super) async fn post(db: &SqlitePool, id: PostId) -> Read<Option<Post>> {
    let sql = format!("SELECT {POST} FROM post WHERE id = ?1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id.to_string())
        .fetch_optional(db)
        .await?;
    row.as_ref().map(post_of).transpose()
}

/// What lets the engine use the index of the few that are neither sent nor skipped: it does not see that by itself.
fn unsettled(state: State) -> &'static str {
    match state {
        State::Sent | State::Skipped => "",
        _ => " AND state NOT IN ('sent', 'skipped')",
    }
}

pub(super) async fn in_state(db: &SqlitePool, state: State, limit: u32) -> Read<Vec<Post>> {
    let sql = format!(
        "SELECT {POST} FROM post WHERE state = ?1{} ORDER BY due LIMIT ?2",
        unsettled(state)
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(state.as_str())
        .bind(limit)
        .fetch_all(db)
        .await?;
    posts_of(&rows)
}

pub(super) async fn waiting(db: &SqlitePool, after: Option<PostId>, limit: u32) -> Read<Vec<Post>> {
    let sql = format!(
        "SELECT {POST} FROM post WHERE id > ?1 AND state IN ('due', 'retrying') ORDER BY id LIMIT ?2"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit)
        .fetch_all(db)
        .await?;
    posts_of(&rows)
}

pub(super) async fn newest(db: &SqlitePool) -> Read<Option<Timestamp>> {
    let row = sqlx::query(
        "SELECT max(at) AS at FROM event WHERE seq > (SELECT coalesce(max(seq), 0) - 1000 FROM event)",
    )
    .fetch_one(db)
    .await?;
    maybe_instant(&row, "at")
}

/// The name of the one chain that a file has.
pub(super) const CHAIN: &str = "steadfast";

pub(super) async fn events(db: &SqlitePool, after: i64, limit: u32) -> Read<Vec<Event>> {
    let rows = sqlx::query(
        "SELECT ?3 AS chain, seq, at, kind, post, data, hash FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )
    .bind(after)
    .bind(limit)
    .bind(CHAIN)
    .fetch_all(db)
    .await?;
    rows.iter().map(event_of).collect()
}

pub(super) async fn history(db: &SqlitePool, filter: &Filter) -> Read<Vec<Post>> {
    let mut asking = QueryBuilder::<Sqlite>::new(format!("SELECT {POST} FROM post WHERE TRUE"));
    filter.write(&mut asking);
    let rows = asking.build().fetch_all(db).await?;
    posts_of(&rows)
}

/// It is so, or an edit of it is.
fn or_edited(is_so: &str) -> String {
    format!("({is_so} OR id IN (SELECT recalls FROM post WHERE recalls IS NOT NULL AND {is_so}))")
}

pub(super) async fn published(
    db: &SqlitePool,
    which: &Published,
    after: Option<PostId>,
    limit: u32,
) -> Read<Vec<Post>> {
    let (of, name) = match which {
        Published::WithFact(name) => (
            or_edited(
                "json_type(content, '$.facts') IS NOT NULL AND json_extract(content, '$.facts') -> ?3 IS NOT NULL",
            ),
            name.as_str(),
        ),
        Published::Of(message) => ("message = ?3".to_owned(), message.as_str()),
        Published::WithFacts => (
            or_edited("json_type(content, '$.facts') IS NOT NULL AND ?3 = ''"),
            "",
        ),
    };
    let sql = format!(
        "SELECT {POST} FROM post WHERE id > ?1 AND recalls IS NULL \
         AND (began IS NOT NULL OR state = 'sending' OR unsure_since IS NOT NULL) AND {of} ORDER BY id LIMIT ?2"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(limit)
        .bind(name)
        .fetch_all(db)
        .await?;
    posts_of(&rows)
}

pub(super) async fn recalls(db: &SqlitePool, of: &[PostId]) -> Read<Vec<Post>> {
    let sql = format!(
        "SELECT {POST} FROM post WHERE recalls IN (SELECT value FROM json_each(?1)) ORDER BY due, id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(json_list(of.iter().map(ToString::to_string)))
        .fetch_all(db)
        .await?;
    posts_of(&rows)
}

pub(super) async fn rivals(db: &SqlitePool, post: &Post, since: Timestamp) -> Read<Rivals> {
    let rows = sqlx::query(
        "SELECT part.id FROM part JOIN post ON post.row = part.post \
         WHERE post.account = ?1 AND part.sent >= ?2 AND part.id IS NOT NULL AND NOT (post.id = ?3 AND part.idx = ?4)",
    )
    .bind(post.account.as_str())
    .bind(since.as_microsecond())
    .bind(post.id.to_string())
    .bind(post.standing.part)
    .fetch_all(db)
    .await?;
    let receipts: Read<HashSet<String>> = rows.iter().map(|row| Ok(row.try_get("id")?)).collect();
    let twin: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM post JOIN part AS theirs ON theirs.post = post.row AND theirs.idx = post.part \
             JOIN part AS ours ON ours.post = (SELECT row FROM post WHERE id = ?1) AND ours.idx = ?3 \
         WHERE (post.state IN ('sending', 'in_doubt', 'held') OR post.state = 'skipped' AND post.changed >= ?4) \
             AND post.account = ?2 AND post.id <> ?1 \
             AND (post.unsure_since IS NOT NULL OR post.state = 'sending') \
             AND theirs.hash = ours.hash AND theirs.path = ours.path AND theirs.id IS NULL)",
    )
    .bind(post.id.to_string())
    .bind(post.account.as_str())
    .bind(post.standing.part)
    .bind(since.as_microsecond())
    .fetch_one(db)
    .await?;
    Ok(Rivals {
        receipts: receipts?,
        twin,
    })
}

pub(super) async fn counts(db: &SqlitePool) -> Read<BTreeMap<State, u64>> {
    let rows = sqlx::query("SELECT state, count(*) AS n FROM post GROUP BY state")
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| Ok((parsed(row, "state")?, number_at(row, "n")?)))
        .collect()
}

pub(super) async fn waits(db: &SqlitePool) -> Read<BTreeMap<AccountName, Timestamp>> {
    let rows = sqlx::query("SELECT name, waits FROM account WHERE waits IS NOT NULL")
        .fetch_all(db)
        .await?;
    rows.iter()
        .map(|row| Ok((parsed(row, "name")?, instant_at(row, "waits")?)))
        .collect()
}

pub(super) async fn holds(db: &SqlitePool) -> Read<Vec<Hold>> {
    let rows = sqlx::query("SELECT id, scope, target, why, by, since, said, released FROM hold WHERE settled IS NULL ORDER BY since, id")
        .fetch_all(db)
        .await?;
    rows.iter().map(hold_of).collect()
}

pub(super) async fn held_since(db: &SqlitePool, since: Timestamp) -> Read<Vec<Hold>> {
    let rows = sqlx::query(
        "SELECT id, scope, target, why, by, since, said, released FROM hold \
         WHERE released IS NULL OR released >= ?1 ORDER BY since, id",
    )
    .bind(since.as_microsecond())
    .fetch_all(db)
    .await?;
    rows.iter().map(hold_of).collect()
}

pub(super) async fn noted(db: &SqlitePool, key: &str) -> Read<Option<String>> {
    let row = sqlx::query("SELECT value FROM meta WHERE key = ?1")
        .bind(key)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

pub(super) async fn number(db: &SqlitePool, key: &str) -> Read<i64> {
    Ok(noted(db, key)
        .await?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0))
}

//! What is asked of the ledger.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use sqlx::postgres::PgPool;
use sqlx::{Postgres, QueryBuilder, Row};

use crate::post::identity::{AccountName, PostId};
use crate::post::state::State;

use super::super::evidence::Event;
use super::super::row::{
    POST, Read, event_of, hold_of, instant_at, maybe_instant, number_at, parsed, post_of, posts_of,
};
use super::super::{Filter, Hold, Post, Published, Rivals};
use super::connect::bounded;

/// What of a post's row keeps it from being looked at: holds, and messages that are blocked (`$2`).
pub(super) const FREE: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND \
         (scope = 'all' OR scope = 'account' AND target = $1)) \
     AND message NOT IN (SELECT target FROM hold WHERE settled IS NULL AND scope = 'message') \
     AND message <> ALL ($2)";

/// The same where there may be recalls: among the breaking posts.
pub(super) const FREE_OR_RECALL: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND said > through AND \
         (scope = 'all' OR scope = 'account' AND target = $1 OR scope = 'message' AND target = message)) \
     AND (recalls IS NOT NULL OR message <> ALL ($2))";

/// As one bound list.
pub(super) fn names<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

pub(super) async fn post(db: &PgPool, id: PostId) -> Read<Option<Post>> {
    let sql = format!("SELECT {POST} FROM post WHERE id = $1");
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_string());
    let row = bounded(asking.fetch_optional(db)).await?;
    row.as_ref().map(post_of).transpose()
}

pub(super) async fn in_state(db: &PgPool, state: State, limit: u32) -> Read<Vec<Post>> {
    let sql = format!("SELECT {POST} FROM post WHERE state = $1 ORDER BY due LIMIT $2");
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(state.as_str())
        .bind(i64::from(limit));
    let rows = bounded(asking.fetch_all(db)).await?;
    posts_of(&rows)
}

pub(super) async fn waiting(db: &PgPool, after: Option<PostId>, limit: u32) -> Read<Vec<Post>> {
    let sql = format!(
        "SELECT {POST} FROM post WHERE id > $1 AND state IN ('due', 'retrying') ORDER BY id LIMIT $2"
    );
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit));
    let rows = bounded(asking.fetch_all(db)).await?;
    posts_of(&rows)
}

/// By the chains one after the other, each found in the index: there are few of them, and many entries.
pub(super) async fn newest(db: &PgPool) -> Read<Option<Timestamp>> {
    let asking = sqlx::query(
        "WITH RECURSIVE chains AS (SELECT min(chain) AS chain FROM event UNION ALL \
             SELECT (SELECT min(chain) FROM event WHERE event.chain > chains.chain) FROM chains WHERE chains.chain IS NOT NULL) \
         SELECT max(at) AS at FROM chains, LATERAL (SELECT at FROM event WHERE event.chain = chains.chain \
             ORDER BY seq DESC LIMIT 1000) AS last",
    );
    maybe_instant(&bounded(asking.fetch_one(db)).await?, "at")
}

pub(super) async fn events(db: &PgPool, after: Option<(&str, i64)>, limit: u32) -> Read<Vec<Event>> {
    let (chain, seq) = after.unwrap_or(("", 0));
    let asking = sqlx::query(
        "SELECT chain, seq, at, kind, post, data, hash FROM event WHERE (chain, seq) > ($1, $2) \
         ORDER BY chain, seq LIMIT $3",
    )
    .bind(chain)
    .bind(seq)
    .bind(i64::from(limit));
    bounded(asking.fetch_all(db))
        .await?
        .iter()
        .map(event_of)
        .collect()
}

pub(super) async fn history(db: &PgPool, filter: &Filter) -> Read<Vec<Post>> {
    let mut asking = QueryBuilder::<Postgres>::new(format!("SELECT {POST} FROM post WHERE TRUE"));
    filter.write(&mut asking);
    let rows = bounded(asking.build().fetch_all(db)).await?;
    posts_of(&rows)
}

/// It is so, or an edit of it is.
fn or_edited(is_so: &str) -> String {
    format!("({is_so} OR id IN (SELECT recalls FROM post WHERE recalls IS NOT NULL AND {is_so}))")
}

pub(super) async fn published(
    db: &PgPool,
    which: &Published,
    after: Option<PostId>,
    limit: u32,
) -> Read<Vec<Post>> {
    let (of, name) = match which {
        Published::WithFact(name) => (
            or_edited("content::jsonb -> 'facts' -> $3 IS NOT NULL"),
            name.as_str(),
        ),
        Published::Of(message) => ("message = $3".to_owned(), message.as_str()),
        Published::WithFacts => (or_edited("content::jsonb -> 'facts' IS NOT NULL AND $3 = ''"), ""),
    };
    let sql = format!(
        "SELECT {POST} FROM post WHERE id > $1 AND recalls IS NULL \
         AND (began IS NOT NULL OR state = 'sending' OR unsure_since IS NOT NULL) AND {of} ORDER BY id LIMIT $2"
    );
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .bind(name);
    posts_of(&bounded(asking.fetch_all(db)).await?)
}

pub(super) async fn recalls(db: &PgPool, of: &[PostId]) -> Read<Vec<Post>> {
    let sql = format!("SELECT {POST} FROM post WHERE recalls = ANY ($1) ORDER BY due, id");
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(names(of.iter().map(ToString::to_string)));
    posts_of(&bounded(asking.fetch_all(db)).await?)
}

pub(super) async fn rivals(db: &PgPool, post: &Post, since: Timestamp) -> Read<Rivals> {
    let asking = sqlx::query(
        "SELECT part.id FROM part JOIN post ON post.id = part.post \
         WHERE post.account = $1 AND part.sent >= $2 AND part.id IS NOT NULL AND NOT (part.post = $3 AND part.idx = $4)",
    )
    .bind(post.account.as_str())
    .bind(since.as_microsecond())
    .bind(post.id.to_string())
    .bind(i64::from(post.standing.part));
    let rows = bounded(asking.fetch_all(db)).await?;
    let receipts: Read<HashSet<String>> = rows.iter().map(|row| Ok(row.try_get("id")?)).collect();
    let asking = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM post JOIN part AS theirs ON theirs.post = post.id AND theirs.idx = post.part \
             JOIN part AS ours ON ours.post = $1 AND ours.idx = $3 \
         WHERE (post.state IN ('sending', 'in_doubt', 'held') OR post.state = 'skipped' AND post.changed >= $4) \
             AND post.account = $2 AND post.id <> $1 \
             AND (post.unsure_since IS NOT NULL OR post.state = 'sending') \
             AND theirs.hash = ours.hash AND theirs.path = ours.path AND theirs.id IS NULL)",
    )
    .bind(post.id.to_string())
    .bind(post.account.as_str())
    .bind(i64::from(post.standing.part))
    .bind(since.as_microsecond());
    let twin: bool = bounded(asking.fetch_one(db)).await?;
    Ok(Rivals {
        receipts: receipts?,
        twin,
    })
}

pub(super) async fn counts(db: &PgPool) -> Read<BTreeMap<State, u64>> {
    let asking = sqlx::query("SELECT state, count(*) AS n FROM post GROUP BY state");
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter()
        .map(|row| Ok((parsed(row, "state")?, number_at(row, "n")?)))
        .collect()
}

pub(super) async fn waits(db: &PgPool) -> Read<BTreeMap<AccountName, Timestamp>> {
    let asking = sqlx::query("SELECT name, waits FROM account WHERE waits IS NOT NULL");
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter()
        .map(|row| Ok((parsed(row, "name")?, instant_at(row, "waits")?)))
        .collect()
}

pub(super) async fn holds(db: &PgPool) -> Read<Vec<Hold>> {
    let asking = sqlx::query(
        "SELECT id, scope, target, why, by, since, said, released FROM hold WHERE settled IS NULL ORDER BY since, id",
    );
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(hold_of).collect()
}

pub(super) async fn held_since(db: &PgPool, since: Timestamp) -> Read<Vec<Hold>> {
    let asking = sqlx::query(
        "SELECT id, scope, target, why, by, since, said, released FROM hold \
         WHERE released IS NULL OR released >= $1 ORDER BY since, id",
    )
    .bind(since.as_microsecond());
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(hold_of).collect()
}

pub(super) async fn noted(db: &PgPool, key: &str) -> Read<Option<String>> {
    let asking = sqlx::query("SELECT value FROM meta WHERE key = $1").bind(key);
    let row = bounded(asking.fetch_optional(db)).await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

pub(super) async fn number(db: &PgPool, key: &str) -> Read<i64> {
    Ok(noted(db, key)
        .await?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0))
}

/// The server's own time.
pub(super) async fn clock(db: &PgPool) -> Read<Timestamp> {
    let asking = sqlx::query("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at");
    instant_at(&bounded(asking.fetch_one(db)).await?, "at")
}

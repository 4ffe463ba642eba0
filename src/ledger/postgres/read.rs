//! What is asked of the ledger.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::{PgPool, PgRow};
use sqlx::{Postgres, QueryBuilder, Row};

use crate::post::identity::{AccountName, MessageId, Occurrence, PostId};
use crate::post::outcome::Receipt;
use crate::post::sealed::{Key, Prepared};
use crate::post::state::{Standing, State, Unsure};

use super::super::evidence::Event;
use super::super::{Attempt, Fence, Filter, Hold, LedgerError, Post, Published, Rivals, Scope, SentPart};
use super::connect::bounded;

pub(super) type Read<T> = Result<T, LedgerError>;

pub(super) const COLUMNS: &str = "id, message, account, platform, occurrence, due, late, expires, recurring, breaking, slot, \
     file, parts, content, state, part, tries, not_before, late_from, first_intent, unsure_since, unsure_looks, unsure_foreign, resent, crashes, fence, why, attempts, error, began, sent, through";

/// What of a post's row keeps it from being looked at: holds, and messages that are blocked (`$2`).
pub(super) const FREE: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND \
         (scope = 'all' OR scope = 'account' AND target = $1)) \
     AND message NOT IN (SELECT target FROM hold WHERE settled IS NULL AND scope = 'message') \
     AND message <> ALL ($2)";

/// The same where there may be recalls: among the breaking posts.
pub(super) const FREE_OR_RECALL: &str = "NOT EXISTS (SELECT 1 FROM hold WHERE settled IS NULL AND said > through AND \
         (scope = 'all' OR scope = 'account' AND target = $1 OR scope = 'message' AND target = message)) \
     AND (recalls IS NOT NULL OR message <> ALL ($2))";

pub(super) fn damaged(what: &str) -> LedgerError {
    LedgerError::Broken(format!("a row in it makes no sense ({what})"))
}

fn instant(micros: i64) -> Read<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| damaged("an instant"))
}

pub(super) fn instant_at(row: &PgRow, column: &str) -> Read<Timestamp> {
    instant(row.try_get(column)?)
}

pub(super) fn maybe_instant(row: &PgRow, column: &str) -> Read<Option<Timestamp>> {
    row.try_get::<Option<i64>, _>(column)?.map(instant).transpose()
}

pub(super) fn parsed<T: std::str::FromStr>(row: &PgRow, column: &'static str) -> Read<T> {
    row.try_get::<&str, _>(column)?
        .parse()
        .map_err(|_| damaged(column))
}

pub(super) fn number_at<T: TryFrom<i64>>(row: &PgRow, column: &'static str) -> Read<T> {
    T::try_from(row.try_get::<i64, _>(column)?).map_err(|_| damaged(column))
}

pub(super) fn post_of(row: &PgRow) -> Read<Post> {
    Ok(Post {
        id: parsed(row, "id")?,
        message: parsed(row, "message")?,
        account: parsed(row, "account")?,
        platform: row.try_get("platform")?,
        occurrence: Occurrence::from_stored(row.try_get("occurrence")?),
        due: instant_at(row, "due")?,
        late: Duration::from_micros(number_at(row, "late")?),
        expires: maybe_instant(row, "expires")?,
        recurring: row.try_get("recurring")?,
        breaking: row.try_get("breaking")?,
        slot: maybe_instant(row, "slot")?,
        file: row.try_get("file")?,
        parts: number_at(row, "parts")?,
        content: serde_json::from_str(row.try_get("content")?).map_err(|_| damaged("content"))?,
        standing: Standing {
            state: parsed(row, "state")?,
            part: number_at(row, "part")?,
            tries: number_at(row, "tries")?,
            not_before: instant_at(row, "not_before")?,
            late_from: maybe_instant(row, "late_from")?,
            first_intent: maybe_instant(row, "first_intent")?,
            unsure: match maybe_instant(row, "unsure_since")? {
                None => None,
                Some(since) => Some(Unsure {
                    since,
                    looks: number_at(row, "unsure_looks")?,
                    foreign: row.try_get("unsure_foreign")?,
                }),
            },
            resent: row.try_get("resent")?,
            crashes: number_at(row, "crashes")?,
            why: row.try_get("why")?,
        },
        fence: Fence(row.try_get("fence")?),
        attempts: number_at(row, "attempts")?,
        error: row.try_get("error")?,
        began: maybe_instant(row, "began")?,
        sent: maybe_instant(row, "sent")?,
        through: row.try_get("through")?,
    })
}

pub(super) fn posts_of(rows: &[PgRow]) -> Read<Vec<Post>> {
    rows.iter().map(post_of).collect()
}

/// As one bound list.
pub(super) fn names<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

pub(super) async fn post(db: &PgPool, id: PostId) -> Read<Option<Post>> {
    let sql = format!("SELECT {COLUMNS} FROM post WHERE id = $1");
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_string());
    let row = bounded(asking.fetch_optional(db)).await?;
    row.as_ref().map(post_of).transpose()
}

pub(super) async fn in_state(db: &PgPool, state: State, limit: u32) -> Read<Vec<Post>> {
    let sql = format!("SELECT {COLUMNS} FROM post WHERE state = $1 ORDER BY due LIMIT $2");
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(state.as_str())
        .bind(i64::from(limit));
    let rows = bounded(asking.fetch_all(db)).await?;
    posts_of(&rows)
}

pub(super) async fn waiting(db: &PgPool, after: Option<PostId>, limit: u32) -> Read<Vec<Post>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM post WHERE id > $1 AND state IN ('due', 'retrying') ORDER BY id LIMIT $2"
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

pub(super) fn event_of(row: &PgRow) -> Read<Event> {
    let post: Option<&str> = row.try_get("post")?;
    Ok(Event {
        chain: row.try_get("chain")?,
        seq: row.try_get("seq")?,
        at: instant_at(row, "at")?,
        kind: row.try_get("kind")?,
        post: post
            .map(|id| id.parse().map_err(|_| damaged("post")))
            .transpose()?,
        data: row.try_get("data")?,
        hash: row.try_get("hash")?,
    })
}

pub(super) async fn history(db: &PgPool, filter: &Filter) -> Read<Vec<Post>> {
    let mut asking = QueryBuilder::<Postgres>::new(format!("SELECT {COLUMNS} FROM post WHERE TRUE"));
    filter.write(&mut asking);
    let rows = bounded(asking.build().fetch_all(db)).await?;
    posts_of(&rows)
}

pub(super) async fn parts(db: &PgPool, id: PostId) -> Read<Vec<SentPart>> {
    let asking = sqlx::query(
        "SELECT idx, key, key_due, path, body, id, url, pin, sent FROM part WHERE post = $1 ORDER BY idx",
    )
    .bind(id.to_string());
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(part).collect()
}

pub(super) async fn parts_of(db: &PgPool, posts: &[PostId]) -> Read<HashMap<PostId, Vec<SentPart>>> {
    let ids: Vec<String> = posts.iter().map(ToString::to_string).collect();
    let asking = sqlx::query(
        "SELECT post AS whose, idx, key, key_due, path, body, id, url, pin, sent FROM part \
         WHERE post = ANY ($1) ORDER BY post, idx",
    )
    .bind(ids);
    let rows = bounded(asking.fetch_all(db)).await?;
    let mut all: HashMap<PostId, Vec<SentPart>> = HashMap::new();
    for row in &rows {
        all.entry(parsed(row, "whose")?).or_default().push(part(row)?);
    }
    Ok(all)
}

fn part(row: &PgRow) -> Read<SentPart> {
    Ok(SentPart {
        index: number_at(row, "idx")?,
        key: Key {
            delivery: parsed(row, "key")?,
            due: instant_at(row, "key_due")?,
        },
        prepared: Prepared {
            path: row.try_get("path")?,
            body: row.try_get("body")?,
        },
        receipt: receipt_of(row)?,
        sent: maybe_instant(row, "sent")?,
    })
}

pub(super) async fn attempts(db: &PgPool, id: PostId) -> Read<Vec<Attempt>> {
    let asking = sqlx::query(
        "SELECT part, no, intended, answered, class, words FROM attempt WHERE post = $1 ORDER BY no",
    )
    .bind(id.to_string());
    let rows = bounded(asking.fetch_all(db)).await?;
    let attempt = |row: &PgRow| -> Read<Attempt> {
        Ok(Attempt {
            part: number_at(row, "part")?,
            number: number_at(row, "no")?,
            intended: instant_at(row, "intended")?,
            answered: maybe_instant(row, "answered")?.is_some(),
            class: row.try_get("class")?,
            words: row.try_get("words")?,
        })
    };
    rows.iter().map(attempt).collect()
}

fn receipt_of(row: &PgRow) -> Read<Option<Receipt>> {
    let id: Option<String> = row.try_get("id")?;
    let (url, pin) = (row.try_get("url")?, row.try_get("pin")?);
    Ok(id.map(|id| Receipt {
        pin,
        ..Receipt::named(id, url)
    }))
}

pub(super) async fn receipts_of(
    db: &PgPool,
    message: &MessageId,
    account: &AccountName,
) -> Read<Vec<Receipt>> {
    let asking = sqlx::query(
        "SELECT id, url, pin FROM part WHERE id IS NOT NULL AND post = \
         (SELECT id FROM post WHERE message = $1 AND account = $2 AND state = 'sent' AND recalls IS NULL \
             ORDER BY sent DESC LIMIT 1) \
         ORDER BY idx",
    )
    .bind(message.as_str())
    .bind(account.as_str());
    let rows = bounded(asking.fetch_all(db)).await?;
    let receipts: Read<Vec<Option<Receipt>>> = rows.iter().map(receipt_of).collect();
    Ok(receipts?.into_iter().flatten().collect())
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
        "SELECT {COLUMNS} FROM post WHERE id > $1 AND recalls IS NULL \
         AND (began IS NOT NULL OR state = 'sending' OR unsure_since IS NOT NULL) AND {of} ORDER BY id LIMIT $2"
    );
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(after.map(|id| id.to_string()).unwrap_or_default())
        .bind(i64::from(limit))
        .bind(name);
    posts_of(&bounded(asking.fetch_all(db)).await?)
}

pub(super) async fn recalls(db: &PgPool, of: &[PostId]) -> Read<Vec<Post>> {
    let sql = format!("SELECT {COLUMNS} FROM post WHERE recalls = ANY ($1) ORDER BY due, id");
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
    rows.iter().map(hold).collect()
}

pub(super) async fn held_since(db: &PgPool, since: Timestamp) -> Read<Vec<Hold>> {
    let asking = sqlx::query(
        "SELECT id, scope, target, why, by, since, said, released FROM hold \
         WHERE released IS NULL OR released >= $1 ORDER BY since, id",
    )
    .bind(since.as_microsecond());
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(hold).collect()
}

fn hold(row: &PgRow) -> Read<Hold> {
    let scope = match row.try_get("scope")? {
        "account" => Scope::Account(parsed(row, "target")?),
        "message" => Scope::Message(parsed(row, "target")?),
        _ => Scope::All,
    };
    Ok(Hold {
        id: row.try_get("id")?,
        scope,
        why: row.try_get("why")?,
        by: row.try_get("by")?,
        since: instant_at(row, "since")?,
        said: row.try_get("said")?,
        released: maybe_instant(row, "released")?,
    })
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

//! What a sound database can say and this program never writes: a later hand, or a fault of ours.

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool};

use super::super::{LedgerError, evidence};
use super::approval;

/// How many of a kind are listed.
const LISTED: u32 = 10;
/// How many rows are read at once.
const PAGE: i64 = 1000;

/// What the record tells of receipts and words; posts that are older than it are not its business. Of several
/// words any will do: replicas have clocks and chains of their own, so which were the last nobody can tell for sure.
/// A NUL stands in the rows as another sign (`write::clean`), and `jsonb` has none either.
const TOLD: &str = r"WITH began AS (SELECT coalesce(min(at), 9223372036854775807) AS at FROM event),
    entry AS MATERIALIZED (SELECT post, kind, replace(data, '\u0000', '\ufffd')::jsonb AS data FROM event
        WHERE kind IN ('concluded', 'recorded', 'reworded')),
    told AS MATERIALIZED (SELECT post, (data ->> 'part')::bigint AS idx, data #>> '{receipt,id}' AS id FROM entry
        WHERE kind = 'concluded' AND data #>> '{receipt,id}' IS NOT NULL),
    said AS MATERIALIZED (SELECT post, data -> 'content' AS content FROM entry
        WHERE kind IN ('recorded', 'reworded')) ";

/// A sentence, and the query that gives what it is said of.
const RULES: [(&str, &str); 9] = [
    (
        "a state that is none",
        "SELECT id FROM post WHERE state NOT IN \
         ('due', 'sending', 'retrying', 'in_doubt', 'held', 'sent', 'rejected', 'skipped')",
    ),
    (
        "it is sent and parts are left, or all parts are out and it is not sent",
        "SELECT id FROM post WHERE (state = 'sent') <> (part >= parts)",
    ),
    (
        "it is sent, and receipts are missing",
        "SELECT id FROM post WHERE state = 'sent' \
         AND (SELECT count(*) FROM part WHERE part.post = post.id AND part.id IS NOT NULL) < parts",
    ),
    (
        "its requests are not as many as were counted",
        "SELECT id FROM post WHERE attempts <> (SELECT count(*) FROM attempt WHERE attempt.post = post.id)",
    ),
    (
        "a part or a request of a post that is not there",
        "SELECT post FROM (SELECT post FROM part UNION SELECT post FROM attempt) AS child \
         WHERE NOT EXISTS (SELECT 1 FROM post WHERE id = child.post)",
    ),
    (
        "the record does not know it",
        "SELECT id FROM post, began WHERE recorded >= began.at \
         AND NOT EXISTS (SELECT 1 FROM said WHERE said.post = post.id)",
    ),
    (
        "it says something else than the record",
        r"SELECT post FROM said JOIN post ON post.id = said.post GROUP BY post.id, said.post
         HAVING NOT bool_or(replace(post.content, '\u0000', '\ufffd')::jsonb = said.content)",
    ),
    (
        "a receipt that the record does not know",
        "SELECT part.post FROM part, began WHERE part.id IS NOT NULL AND part.sent >= began.at \
         AND NOT EXISTS (SELECT 1 FROM told WHERE told.post = part.post AND told.idx = part.idx AND told.id = part.id)",
    ),
    (
        "a receipt of the record that is not there",
        "SELECT told.post FROM told LEFT JOIN part ON part.post = told.post AND part.idx = told.idx \
         AND part.id = told.id WHERE part.post IS NULL",
    ),
];

pub(super) async fn oddities(db: &PgPool) -> Result<Vec<String>, LedgerError> {
    // One moment for all of it, or what is written meanwhile would look odd. It takes as long as it takes.
    let mut reading = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
    sqlx::query("SET LOCAL statement_timeout TO 0")
        .execute(&mut *reading)
        .await?;
    let mut found = Vec::new();
    for (what, query) in RULES {
        let sql = format!("{TOLD} {query} LIMIT {LISTED}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&mut *reading)
            .await?;
        for row in rows {
            found.push(format!("post {}: {what}", row.try_get::<&str, _>(0)?));
        }
    }
    found.extend(changed_requests(&mut reading).await?);
    found.extend(approval::oddities(&mut reading).await?);
    Ok(found)
}

/// Frozen requests whose letters are not those of their hash.
async fn changed_requests(reading: &mut PgConnection) -> Result<Vec<String>, LedgerError> {
    let (mut found, mut last) = (Vec::new(), (String::new(), -1_i64));
    loop {
        let rows = sqlx::query(
            "SELECT post, idx, body, hash FROM part WHERE (post, idx) > ($1, $2) ORDER BY post, idx LIMIT $3",
        )
        .bind(&last.0)
        .bind(last.1)
        .bind(PAGE)
        .fetch_all(&mut *reading)
        .await?;
        for row in &rows {
            let (body, hash): (&str, &str) = (row.try_get("body")?, row.try_get("hash")?);
            if evidence::sha256(body) != hash && found.len() < LISTED as usize {
                let (post, part): (&str, i64) = (row.try_get("post")?, row.try_get("idx")?);
                found.push(format!(
                    "post {post}: the request of part {part} is not what was frozen"
                ));
            }
        }
        match rows.last() {
            Some(row) => last = (row.try_get("post")?, row.try_get("idx")?),
            None => return Ok(found),
        }
    }
}

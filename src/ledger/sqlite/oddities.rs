//! What a sound file can say and this program never writes: a later hand, or a fault of ours.

use sqlx::Row;
use sqlx::sqlite::SqlitePool;

use super::super::{LedgerError, evidence};
use super::approval;

/// How many of a kind are listed.
const LISTED: u32 = 10;
/// How many rows are read at once.
const PAGE: u32 = 1000;

/// The receipts that the record tells of. Older posts than the record has no say in.
const TOLD: &str = "WITH began AS (SELECT coalesce(min(at), 9e18) AS at FROM event), \
    told AS MATERIALIZED (SELECT post, data ->> '$.part' AS idx, data ->> '$.receipt.id' AS id FROM event \
        WHERE kind = 'concluded' AND data ->> '$.receipt.id' IS NOT NULL), \
    said AS MATERIALIZED (SELECT post, data -> '$.content' AS content, max(seq) FROM event \
        WHERE kind IN ('recorded', 'reworded') GROUP BY post) ";

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
         AND (SELECT count(*) FROM part WHERE part.post = post.row AND part.id IS NOT NULL) < parts",
    ),
    (
        "its requests are not as many as were counted",
        "SELECT id FROM post WHERE attempts <> (SELECT count(*) FROM attempt WHERE attempt.post = post.row)",
    ),
    (
        "a part or a request of a post that is not there",
        "SELECT 'in row ' || post FROM part WHERE post NOT IN (SELECT row FROM post) \
         UNION SELECT 'in row ' || post FROM attempt WHERE post NOT IN (SELECT row FROM post)",
    ),
    (
        "the record does not know it",
        "SELECT id FROM post, began WHERE recorded >= began.at AND id NOT IN (SELECT post FROM said)",
    ),
    (
        "it says something else than the record",
        "SELECT post.id FROM post JOIN said ON said.post = post.id WHERE json(post.content) <> said.content",
    ),
    (
        "a receipt that the record does not know",
        "SELECT post.id FROM part JOIN post ON post.row = part.post, began \
         LEFT JOIN told ON told.post = post.id AND told.idx = part.idx AND told.id = part.id \
         WHERE part.id IS NOT NULL AND part.sent >= began.at AND told.post IS NULL",
    ),
    (
        "a receipt of the record that is not there",
        "SELECT told.post FROM told LEFT JOIN post ON post.id = told.post \
         LEFT JOIN part ON part.post = post.row AND part.idx = told.idx AND part.id = told.id \
         WHERE part.post IS NULL",
    ),
];

pub(super) async fn oddities(db: &SqlitePool) -> Result<Vec<String>, LedgerError> {
    let mut found = Vec::new();
    for (what, query) in RULES {
        let sql = format!("{TOLD} {query} LIMIT {LISTED}");
        for row in sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(db).await? {
            found.push(format!("post {}: {what}", row.try_get::<&str, _>(0)?));
        }
    }
    found.extend(changed_requests(db).await?);
    found.extend(approval::oddities(db).await?);
    Ok(found)
}

/// Frozen requests whose letters are not those of their hash.
async fn changed_requests(db: &SqlitePool) -> Result<Vec<String>, LedgerError> {
    let (mut found, mut last) = (Vec::new(), (i64::MIN, -1_i64));
    loop {
        let rows = sqlx::query(
            "SELECT part.post, idx, body, hash, coalesce(post.id, 'in row ' || part.post) AS name \
             FROM part LEFT JOIN post ON post.row = part.post \
             WHERE (part.post, idx) > (?1, ?2) ORDER BY part.post, idx LIMIT ?3",
        )
        .bind(last.0)
        .bind(last.1)
        .bind(PAGE)
        .fetch_all(db)
        .await?;
        for row in &rows {
            let (body, hash): (&str, &str) = (row.try_get("body")?, row.try_get("hash")?);
            if evidence::sha256(body) != hash && found.len() < LISTED as usize {
                let (post, part): (&str, i64) = (row.try_get("name")?, row.try_get("idx")?);
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

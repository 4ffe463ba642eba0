//! What is asked of a post's parts: their requests, and what came of each.

use std::collections::HashMap;

use sqlx::postgres::PgPool;

use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::Receipt;

use super::super::row::{Read, attempt_of, parsed, part_of, receipt_of};
use super::super::{Attempt, SentPart};
use super::connect::bounded;

pub(super) async fn parts(db: &PgPool, id: PostId) -> Read<Vec<SentPart>> {
    let asking = sqlx::query(
        "SELECT idx, key, key_due, path, body, id, url, pin, sent FROM part WHERE post = $1 ORDER BY idx",
    )
    .bind(id.to_string());
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(part_of).collect()
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
        all.entry(parsed(row, "whose")?).or_default().push(part_of(row)?);
    }
    Ok(all)
}

pub(super) async fn attempts(db: &PgPool, id: PostId) -> Read<Vec<Attempt>> {
    let asking = sqlx::query(
        "SELECT part, no, intended, answered, class, words FROM attempt WHERE post = $1 ORDER BY no",
    )
    .bind(id.to_string());
    let rows = bounded(asking.fetch_all(db)).await?;
    rows.iter().map(attempt_of).collect()
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

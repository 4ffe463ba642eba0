//! What is asked of a post's parts: their requests, and what came of each.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::Receipt;
use crate::post::sealed::{Key, Prepared};

use super::super::{Attempt, SentPart};
use super::read::{Read, instant_at, json_list, maybe_instant, number_at, parsed};

pub(super) async fn parts(db: &SqlitePool, id: PostId) -> Read<Vec<SentPart>> {
    let rows = sqlx::query(
        "SELECT idx, key, key_due, path, body, id, url, pin, sent FROM part WHERE post = (SELECT row FROM post WHERE id = ?1) \
         ORDER BY idx",
    )
    .bind(id.to_string())
    .fetch_all(db)
    .await?;
    rows.iter().map(part).collect()
}

pub(super) async fn parts_of(db: &SqlitePool, posts: &[PostId]) -> Read<HashMap<PostId, Vec<SentPart>>> {
    let rows = sqlx::query(
        "SELECT post.id AS whose, idx, key, key_due, path, body, part.id AS id, url, pin, part.sent AS sent \
         FROM post JOIN part ON part.post = post.row \
         WHERE post.id IN (SELECT value FROM json_each(?1)) ORDER BY part.post, idx",
    )
    .bind(json_list(posts.iter().map(ToString::to_string)))
    .fetch_all(db)
    .await?;
    let mut all: HashMap<PostId, Vec<SentPart>> = HashMap::new();
    for row in &rows {
        all.entry(parsed(row, "whose")?).or_default().push(part(row)?);
    }
    Ok(all)
}

fn part(row: &SqliteRow) -> Read<SentPart> {
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

pub(super) async fn attempts(db: &SqlitePool, id: PostId) -> Read<Vec<Attempt>> {
    let asking = sqlx::query(
        "SELECT part, no, intended, answered, class, words FROM attempt WHERE post = (SELECT row FROM post WHERE id = ?1) ORDER BY no",
    )
    .bind(id.to_string());
    let rows = asking.fetch_all(db).await?;
    let attempt = |row: &SqliteRow| -> Read<Attempt> {
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

fn receipt_of(row: &SqliteRow) -> Read<Option<Receipt>> {
    let id: Option<String> = row.try_get("id")?;
    let (url, pin) = (row.try_get("url")?, row.try_get("pin")?);
    Ok(id.map(|id| Receipt {
        pin,
        ..Receipt::named(id, url)
    }))
}

pub(super) async fn receipts_of(
    db: &SqlitePool,
    message: &MessageId,
    account: &AccountName,
) -> Read<Vec<Receipt>> {
    let rows = sqlx::query(
        "SELECT id, url, pin FROM part WHERE id IS NOT NULL AND post = \
         (SELECT row FROM post WHERE message = ?1 AND account = ?2 AND state = 'sent' AND recalls IS NULL \
             ORDER BY sent DESC LIMIT 1) \
         ORDER BY idx",
    )
    .bind(message.as_str())
    .bind(account.as_str())
    .fetch_all(db)
    .await?;
    let receipts: Read<Vec<Option<Receipt>>> = rows.iter().map(receipt_of).collect();
    Ok(receipts?.into_iter().flatten().collect())
}

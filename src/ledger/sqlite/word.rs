//! Who said what of a post.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::post::identity::PostId;

use super::super::LedgerError;
use super::super::word::{Speaking, Spoken, Voice};
use super::Sqlite;
use super::read::{Read, instant_at, json_list, parsed};

#[async_trait]
impl Speaking for Sqlite {
    async fn spoken(&self, of: &[PostId]) -> Result<Vec<Spoken>, LedgerError> {
        let rows = sqlx::query(
            "SELECT post, act, by, at FROM word WHERE post IN (SELECT value FROM json_each(?1)) ORDER BY id",
        )
        .bind(json_list(of.iter().map(ToString::to_string)))
        .fetch_all(&self.readers)
        .await?;
        let spoken = |row: &SqliteRow| -> Read<Spoken> {
            Ok(Spoken {
                post: parsed(row, "post")?,
                act: row.try_get("act")?,
                by: row.try_get("by")?,
                at: instant_at(row, "at")?,
            })
        };
        rows.iter().map(spoken).collect()
    }
}

/// Writes down one word. People say few.
pub(super) async fn speak(tx: &mut SqliteConnection, post: PostId, voice: &Voice, at: Timestamp) -> Read<()> {
    sqlx::query("INSERT INTO word (post, act, by, at) VALUES (?1, ?2, ?3, ?4)")
        .bind(post.to_string())
        .bind(voice.act)
        .bind(&voice.by)
        .bind(at.as_microsecond())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

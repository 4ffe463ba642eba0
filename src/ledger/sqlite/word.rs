//! Who said what of a post.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use crate::post::identity::PostId;

use super::super::LedgerError;
use super::super::row::{Read, spoken_of};
use super::super::word::{Speaking, Spoken, Voice};
use super::Sqlite;
use super::read::json_list;

#[async_trait]
impl Speaking for Sqlite {
    async fn spoken(&self, of: &[PostId]) -> Result<Vec<Spoken>, LedgerError> {
        let rows = sqlx::query(
            "SELECT post, act, by, at FROM word WHERE post IN (SELECT value FROM json_each(?1)) ORDER BY id",
        )
        .bind(json_list(of.iter().map(ToString::to_string)))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(spoken_of).collect()
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

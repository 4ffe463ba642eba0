//! Who said what of a post.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgConnection;

use crate::post::identity::PostId;

use super::super::LedgerError;
use super::super::row::spoken_of;
use super::super::word::{Speaking, Spoken, Voice};
use super::Postgres;
use super::connect::bounded;
use super::write::{Wrote, clean};

#[async_trait]
impl Speaking for Postgres {
    async fn spoken(&self, of: &[PostId]) -> Result<Vec<Spoken>, LedgerError> {
        let of: Vec<String> = of.iter().map(ToString::to_string).collect();
        let asking =
            sqlx::query("SELECT post, act, by, at FROM word WHERE post = ANY($1) ORDER BY id").bind(of);
        let rows = bounded(asking.fetch_all(&self.readers)).await?;
        rows.iter().map(spoken_of).collect()
    }
}

/// Writes down one word. People say few.
pub(super) async fn speak(tx: &mut PgConnection, post: PostId, voice: &Voice, at: Timestamp) -> Wrote<()> {
    sqlx::query("INSERT INTO word (post, act, by, at) VALUES ($1, $2, $3, $4)")
        .bind(post.to_string())
        .bind(voice.act)
        .bind(clean(&voice.by))
        .bind(at.as_microsecond())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

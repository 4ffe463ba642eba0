//! Who has signed in.

use async_trait::async_trait;
use sqlx::postgres::PgConnection;

use crate::post::digest::Digest;

use super::super::LedgerError;
use super::super::group::Write;
use super::super::row::session_of;
use super::super::session::{Session, SessionStep, Sessions};
use super::Postgres;
use super::connect::bounded;
use super::write::Wrote;

#[async_trait]
impl Sessions for Postgres {
    async fn step_session(&self, step: SessionStep) -> Result<(), LedgerError> {
        let step = Box::new(step);
        self.writer.write(|reply| Write::Session(step, reply)).await
    }

    async fn session(&self, id: Digest) -> Result<Option<Session>, LedgerError> {
        let asking = sqlx::query("SELECT id, whose, password, began, seen FROM session WHERE id = $1")
            .bind(id.to_string());
        let row = bounded(asking.fetch_optional(&self.readers)).await?;
        row.as_ref().map(session_of).transpose()
    }
}

pub(super) async fn step(tx: &mut PgConnection, step: &SessionStep) -> Wrote<()> {
    match step {
        SessionStep::Begun {
            session,
            began_after,
            seen_after,
            most,
        } => {
            sqlx::query(
                "DELETE FROM session WHERE began < $1 OR seen < $2 OR id NOT IN \
                     (SELECT id FROM session WHERE began >= $1 AND seen >= $2 ORDER BY seen DESC, id LIMIT $3)",
            )
            .bind(began_after.as_microsecond())
            .bind(seen_after.as_microsecond())
            .bind(i64::from(most.saturating_sub(1)))
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "INSERT INTO session (id, whose, password, began, seen) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(session.id.to_string())
            .bind(&session.user)
            .bind(session.password.to_string())
            .bind(session.began.as_microsecond())
            .bind(session.seen.as_microsecond())
            .execute(&mut *tx)
            .await?;
        }
        SessionStep::Seen(id, at) => {
            sqlx::query("UPDATE session SET seen = $2 WHERE id = $1 AND seen < $2")
                .bind(id.to_string())
                .bind(at.as_microsecond())
                .execute(&mut *tx)
                .await?;
        }
        SessionStep::Ended(id) => {
            sqlx::query("DELETE FROM session WHERE id = $1")
                .bind(id.to_string())
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(())
}

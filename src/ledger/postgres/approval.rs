//! Who approved what.

use async_trait::async_trait;
use sqlx::postgres::PgConnection;

use crate::campaign::approval::Approval;
use crate::post::identity::MessageId;

use super::super::LedgerError;
use super::super::approval::Approving;
use super::super::evidence::{self, Entry};
use super::super::group::Write;
use super::super::row::{Read, approval_of};
use super::Postgres;
use super::connect::bounded;
use super::write::{Wrote, clean};

#[async_trait]
impl Approving for Postgres {
    async fn approve(&self, said: Vec<(Approval, String)>) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Approve(said, reply)).await
    }

    async fn approvals(&self) -> Result<Vec<Approval>, LedgerError> {
        let asking = sqlx::query("SELECT message, by, at, digest FROM approval ORDER BY id");
        let rows = bounded(asking.fetch_all(&self.readers)).await?;
        rows.iter().map(approval_of).collect()
    }

    async fn approved_last(&self, message: &MessageId) -> Result<Option<String>, LedgerError> {
        let asking = sqlx::query_scalar(
            "SELECT content FROM approval WHERE message = $1 AND digest IS NOT NULL ORDER BY id DESC LIMIT 1",
        );
        bounded(asking.bind(message.as_str()).fetch_optional(&self.readers)).await
    }
}

pub(super) async fn approve(
    tx: &mut PgConnection,
    said: &[(Approval, String)],
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    for (approval, content) in said {
        sqlx::query("INSERT INTO approval (message, by, at, digest, content) VALUES ($1, $2, $3, $4, $5)")
            .bind(approval.message.as_str())
            .bind(clean(&approval.by))
            .bind(approval.at.as_microsecond())
            .bind(approval.digest.map(|digest| digest.to_string()))
            .bind(clean(content))
            .execute(&mut *tx)
            .await?;
        evidence.push(evidence::approved(approval, content));
    }
    Ok(())
}

/// Approvals that the record does not know, or knows otherwise: a later hand.
pub(super) async fn oddities(reading: &mut PgConnection) -> Read<Vec<String>> {
    let odd: Vec<String> = sqlx::query_scalar(
        r"WITH entry AS MATERIALIZED (SELECT kind, at, replace(data, '\u0000', '\ufffd')::jsonb AS data FROM event
              WHERE kind IN ('approved', 'withdrawn'))
          SELECT message FROM approval WHERE NOT EXISTS (SELECT 1 FROM entry
              WHERE kind = CASE WHEN digest IS NULL THEN 'withdrawn' ELSE 'approved' END AND at = approval.at
              AND data ->> 'message' = message AND data ->> 'by' = by
              AND data ->> 'digest' IS NOT DISTINCT FROM digest
              AND coalesce(data ->> 'content', '') = content) LIMIT 10",
    )
    .fetch_all(&mut *reading)
    .await?;
    let said = |message: String| format!("message {message}: an approval that the record does not know");
    Ok(odd.into_iter().map(said).collect())
}

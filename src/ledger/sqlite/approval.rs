//! Who approved what.

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use crate::campaign::approval::Approval;
use crate::post::identity::MessageId;

use super::super::LedgerError;
use super::super::approval::Approving;
use super::super::evidence::{self, Entry};
use super::super::group::Write;
use super::super::row::{Read, approval_of};
use super::Sqlite;

#[async_trait]
impl Approving for Sqlite {
    async fn approve(&self, said: Vec<(Approval, String)>) -> Result<(), LedgerError> {
        self.writer.write(|reply| Write::Approve(said, reply)).await
    }

    async fn approvals(&self) -> Result<Vec<Approval>, LedgerError> {
        let rows = sqlx::query("SELECT message, by, at, digest FROM approval ORDER BY id")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(approval_of).collect()
    }

    async fn approved_last(&self, message: &MessageId) -> Result<Option<String>, LedgerError> {
        let asking = sqlx::query_scalar(
            "SELECT content FROM approval WHERE message = ?1 AND digest IS NOT NULL ORDER BY id DESC LIMIT 1",
        );
        Ok(asking
            .bind(message.as_str())
            .fetch_optional(&self.readers)
            .await?)
    }
}

pub(super) async fn approve(
    tx: &mut SqliteConnection,
    said: &[(Approval, String)],
    evidence: &mut Vec<Entry>,
) -> Read<()> {
    for (approval, content) in said {
        sqlx::query("INSERT INTO approval (message, by, at, digest, content) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(approval.message.as_str())
            .bind(&approval.by)
            .bind(approval.at.as_microsecond())
            .bind(approval.digest.map(|digest| digest.to_string()))
            .bind(content)
            .execute(&mut *tx)
            .await?;
        evidence.push(evidence::approved(approval, content));
    }
    Ok(())
}

/// Approvals that the record does not know, or knows otherwise: a later hand.
pub(super) async fn oddities(db: &SqlitePool) -> Read<Vec<String>> {
    let odd: Vec<String> = sqlx::query_scalar(
        "SELECT message FROM approval WHERE NOT EXISTS (SELECT 1 FROM event \
             WHERE kind = CASE WHEN digest IS NULL THEN 'withdrawn' ELSE 'approved' END AND at = approval.at \
             AND data ->> '$.message' = message AND data ->> '$.by' = by AND data ->> '$.digest' IS digest \
             AND coalesce(data ->> '$.content', '') = content) LIMIT 10",
    )
    .fetch_all(db)
    .await?;
    let said = |message: String| format!("message {message}: an approval that the record does not know");
    Ok(odd.into_iter().map(said).collect())
}

//! What accounts were signed in for.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use crate::post::identity::AccountName;

use super::super::LedgerError;
use super::super::group::Write;
use super::super::row::{Read, token_of};
use super::super::token::{COLUMNS, KeptToken, Moved, Step, Tokens};
use super::Sqlite;

#[async_trait]
impl Tokens for Sqlite {
    async fn step_token(
        &self,
        account: &AccountName,
        step: Step,
        now: Timestamp,
    ) -> Result<Moved, LedgerError> {
        let account = account.clone();
        let stepping = |reply| Write::Token {
            account,
            step: Box::new(step),
            now,
            reply,
        };
        self.writer.write(stepping).await
    }

    async fn tokens(&self, account: Option<&AccountName>) -> Result<Vec<KeptToken>, LedgerError> {
        let sql = format!("SELECT {COLUMNS} FROM token WHERE coalesce(account = ?1, TRUE) ORDER BY account");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(account.map(AccountName::as_str))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(token_of).collect()
    }
}

pub(super) async fn step(
    tx: &mut SqliteConnection,
    account: &AccountName,
    step: &Step,
    now: Timestamp,
) -> Read<Moved> {
    let sql = format!("SELECT {COLUMNS} FROM token WHERE account = ?1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(account.as_str())
        .fetch_optional(&mut *tx)
        .await?;
    let row = row.as_ref().map(token_of).transpose()?;
    let (moved, row) = step.from(account, row, now);
    if let Some(row) = row {
        let sql = format!(
            "INSERT OR REPLACE INTO token ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row.account.as_str())
            .bind(row.version)
            .bind(row.words.identity)
            .bind(row.words.access)
            .bind(row.words.refresh)
            .bind(row.words.issued.as_microsecond())
            .bind(row.words.expires.map(Timestamp::as_microsecond))
            .bind(row.words.refresh_expires.map(Timestamp::as_microsecond))
            .bind(row.words.scopes)
            .bind(row.refused)
            .bind(row.renewing.map(Timestamp::as_microsecond))
            .bind(row.until.map(Timestamp::as_microsecond))
            .execute(&mut *tx)
            .await?;
    }
    Ok(moved)
}

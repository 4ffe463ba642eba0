//! What the platforms counted.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use crate::post::identity::{AccountName, MessageId};

use super::super::LedgerError;
use super::super::engagement::{AskedAfter, Counted, Counting, Reading, Span, gathered};
use super::super::group::Write;
use super::super::row::{Read, asked_of, counted_of};
use super::Sqlite;
use super::jobs::{Jobs, MOST};

#[async_trait]
impl Counting for Sqlite {
    async fn asked_after(
        &self,
        account: &AccountName,
        since: Timestamp,
    ) -> Result<Vec<AskedAfter>, LedgerError> {
        let rows = sqlx::query(
            "SELECT post.id AS whose, post.sent AS sent, part.id AS id, part.url AS url, part.pin AS pin, \
                 (SELECT max(at) FROM engagement WHERE engagement.post = post.row) AS last \
             FROM post JOIN part ON part.post = post.row AND part.idx = 0 \
             WHERE post.due >= ?1 AND post.account = ?2 AND post.state = 'sent' AND post.sent IS NOT NULL \
                 AND part.id IS NOT NULL AND post.recalls IS NULL AND post.content ->> '$.share' IS NULL \
             ORDER BY post.sent, post.id",
        )
        .bind(since.as_microsecond())
        .bind(account.as_str())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(asked_of).collect()
    }

    async fn count(&self, readings: Vec<Reading>) -> Result<(), LedgerError> {
        for page in readings.chunks(MOST) {
            let page = page.to_vec();
            self.writer.write(|reply| Write::Count(page, reply)).await?;
        }
        Ok(())
    }

    async fn counted(&self, of: &Span) -> Result<Vec<Counted>, LedgerError> {
        let message = of.message.as_ref().map(MessageId::as_str);
        let one = message.map_or("", |_| "AND post.message = ?3");
        let sql = format!(
            "SELECT post.id AS whose, message, account, platform, post.sent AS sent, part.url AS url, at, likes, shares, \
                 replies, quotes, views \
             FROM post JOIN engagement ON engagement.post = post.row \
                 LEFT JOIN part ON part.post = post.row AND part.idx = 0 \
             WHERE post.due >= ?1 AND post.due < ?2 {one} AND post.sent IS NOT NULL \
             ORDER BY post.sent, post.id, at"
        );
        let mut asking = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(of.since.as_microsecond())
            .bind(of.until.as_microsecond());
        if let Some(message) = message {
            asking = asking.bind(message);
        }
        let rows = asking.fetch_all(&self.readers).await?;
        let rows: Read<Vec<Counted>> = rows.iter().map(counted_of).collect();
        Ok(gathered(rows?))
    }
}

/// Writes at most [`MOST`] readings; those of posts that are not there are left out.
pub(super) async fn count(tx: &mut SqliteConnection, readings: &[Reading]) -> Read<()> {
    if readings.is_empty() {
        return Ok(());
    }
    let mut jobs = Jobs::new(["whose", "read_at", "l", "s", "r", "q", "v"]);
    for reading in readings {
        let counts = &reading.counts;
        let cell = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX)).into();
        jobs.push([
            reading.post.to_string().into(),
            reading.at.as_microsecond().into(),
            cell(counts.likes),
            cell(counts.shares),
            cell(counts.replies),
            cell(counts.quotes),
            cell(counts.views),
        ]);
    }
    let statement = "INSERT INTO engagement (post, at, likes, shares, replies, quotes, views) \
         SELECT post.row, read_at, l, s, r, q, v FROM job JOIN post ON post.id = whose WHERE TRUE \
         ON CONFLICT (post, at) DO NOTHING";
    jobs.before(statement).execute(&mut *tx).await?;
    Ok(())
}

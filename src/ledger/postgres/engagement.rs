//! What the platforms counted.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::postgres::PgConnection;

use crate::post::engagement::Counts;
use crate::post::identity::{AccountName, MessageId};

use super::super::LedgerError;
use super::super::engagement::{AskedAfter, Counted, Counting, Reading, Span, gathered};
use super::super::group::{BATCH, Write};
use super::super::row::{Read, asked_of, counted_of};
use super::Postgres;
use super::connect::bounded;
use super::write::Wrote;

#[async_trait]
impl Counting for Postgres {
    async fn asked_after(
        &self,
        account: &AccountName,
        since: Timestamp,
    ) -> Result<Vec<AskedAfter>, LedgerError> {
        let asking = sqlx::query(
            "SELECT post.id AS whose, post.sent AS sent, part.id AS id, part.url AS url, part.pin AS pin, \
                 (SELECT max(at) FROM engagement WHERE engagement.post = post.id) AS last \
             FROM post JOIN part ON part.post = post.id AND part.idx = 0 \
             WHERE post.due >= $1 AND post.account = $2 AND post.state = 'sent' AND post.sent IS NOT NULL \
                 AND part.id IS NOT NULL AND post.recalls IS NULL \
                 AND replace(post.content, '\\u0000', '\\ufffd')::jsonb ->> 'share' IS NULL \
             ORDER BY post.sent, post.id",
        )
        .bind(since.as_microsecond())
        .bind(account.as_str());
        let rows = bounded(asking.fetch_all(&self.readers)).await?;
        rows.iter().map(asked_of).collect()
    }

    async fn count(&self, readings: Vec<Reading>) -> Result<(), LedgerError> {
        for page in readings.chunks(BATCH) {
            let page = page.to_vec();
            self.writer.write(|reply| Write::Count(page, reply)).await?;
        }
        Ok(())
    }

    async fn counted(&self, of: &Span) -> Result<Vec<Counted>, LedgerError> {
        let message = of.message.as_ref().map(MessageId::as_str);
        let one = message.map_or("", |_| "AND post.message = $3");
        let sql = format!(
            "SELECT post.id AS whose, message, account, platform, post.sent AS sent, part.url AS url, at, likes, shares, \
                 replies, quotes, views \
             FROM post JOIN engagement ON engagement.post = post.id \
                 LEFT JOIN part ON part.post = post.id AND part.idx = 0 \
             WHERE post.due >= $1 AND post.due < $2 {one} AND post.sent IS NOT NULL \
             ORDER BY post.sent, post.id, at"
        );
        let mut asking = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(of.since.as_microsecond())
            .bind(of.until.as_microsecond());
        if let Some(message) = message {
            asking = asking.bind(message);
        }
        let rows = bounded(asking.fetch_all(&self.readers)).await?;
        let rows: Read<Vec<Counted>> = rows.iter().map(counted_of).collect();
        Ok(gathered(rows?))
    }
}

/// Those of posts that are not there are left out.
pub(super) async fn count(tx: &mut PgConnection, readings: &[Reading]) -> Wrote<()> {
    let number = |count: Option<u64>| count.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    let column = |of: fn(&Counts) -> Option<u64>| -> Vec<Option<i64>> {
        readings
            .iter()
            .map(|reading| number(of(&reading.counts)))
            .collect()
    };
    let posts: Vec<String> = readings.iter().map(|reading| reading.post.to_string()).collect();
    let times: Vec<i64> = readings
        .iter()
        .map(|reading| reading.at.as_microsecond())
        .collect();
    sqlx::query(
        "INSERT INTO engagement (post, at, likes, shares, replies, quotes, views) \
         SELECT job.* FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], \
             $7::bigint[]) AS job (whose) WHERE EXISTS (SELECT 1 FROM post WHERE post.id = job.whose) \
         ON CONFLICT (post, at) DO NOTHING",
    )
    .bind(posts)
    .bind(times)
    .bind(column(|counts| counts.likes))
    .bind(column(|counts| counts.shares))
    .bind(column(|counts| counts.replies))
    .bind(column(|counts| counts.quotes))
    .bind(column(|counts| counts.views))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

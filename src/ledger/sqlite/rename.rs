//! A message's id was changed: what is kept under the old one is the new one's.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use crate::post::identity::{CampaignId, Identity, MessageId, Occurrence};

use super::super::LedgerError;
use super::super::evidence::{self, Entry};
use super::super::group::Write;
use super::super::rename::{Rename, Renamed, Renaming, SHARE};
use super::super::row::parsed;
use super::Sqlite;
use super::past;

type Wrote<T> = Result<T, LedgerError>;

#[async_trait]
impl Renaming for Sqlite {
    async fn rename(
        &self,
        campaign: &CampaignId,
        names: Vec<Rename>,
        now: Timestamp,
    ) -> Result<Vec<Renamed>, LedgerError> {
        let campaign = campaign.clone();
        self.writer
            .write(|reply| Write::Rename {
                campaign,
                names,
                now,
                reply,
            })
            .await
    }

    async fn sent_since(&self, since: Timestamp) -> Result<BTreeSet<MessageId>, LedgerError> {
        past::sent_since(&self.readers, since).await
    }
}

pub(super) async fn rename(
    tx: &mut SqliteConnection,
    campaign: &CampaignId,
    names: &[Rename],
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<Vec<Renamed>> {
    let mut done = Vec::new();
    for name in names {
        let renamed = Renamed {
            from: name.from.clone(),
            to: name.to.clone(),
            posts: posts(tx, campaign, name).await?,
            holds: holds(tx, name, now).await?,
            notes: known(tx, name).await? + notes(tx, name).await?,
        };
        if !renamed.is_nothing() {
            evidence.push(evidence::renamed(&renamed, now));
            done.push(renamed);
        }
    }
    Ok(done)
}

/// What is still to be sent stays with the old name where the new one has that very post too: else it would go out
/// twice.
async fn posts(tx: &mut SqliteConnection, campaign: &CampaignId, name: &Rename) -> Wrote<u64> {
    let rows = sqlx::query(
        "SELECT id, account, occurrence FROM post AS old WHERE message = ?1 \
         AND (state IN ('sent', 'rejected', 'skipped') OR NOT EXISTS (SELECT 1 FROM post AS new \
             WHERE new.message = ?2 AND new.account = old.account AND new.occurrence = old.occurrence))",
    )
    .bind(name.from.as_str())
    .bind(name.to.as_str())
    .fetch_all(&mut *tx)
    .await?;
    let mut jobs: Vec<Value> = Vec::with_capacity(rows.len());
    for row in &rows {
        let identity = Identity {
            campaign: campaign.clone(),
            message: name.to.clone(),
            account: parsed(row, "account")?,
            occurrence: Occurrence::from_stored(row.try_get("occurrence")?),
        };
        jobs.push(json!({"id": row.try_get::<&str, _>("id")?, "alias": identity.post_id()}));
    }
    if jobs.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "UPDATE post SET message = ?2, alias = nullif(job.value ->> 'alias', post.id) \
         FROM json_each(?1) AS job WHERE post.id = job.value ->> 'id'",
    )
    .bind(Value::from(jobs).to_string())
    .bind(name.to.as_str())
    .execute(&mut *tx)
    .await?;
    Ok(done.rows_affected())
}

/// Of two by the same hand one goes on, and holds as long as either did.
async fn holds(tx: &mut SqliteConnection, name: &Rename, now: Timestamp) -> Wrote<u64> {
    let joined = sqlx::query(
        "UPDATE hold SET since = min(hold.since, old.since), said = max(hold.said, old.said), \
             why = CASE hold.why WHEN old.why THEN old.why ELSE hold.why || '; ' || old.why END \
         FROM hold AS old WHERE hold.scope = 'message' AND hold.target = ?2 AND hold.released IS NULL \
         AND old.scope = 'message' AND old.target = ?1 AND old.released IS NULL AND old.by = hold.by",
    )
    .bind(name.from.as_str())
    .bind(name.to.as_str())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE hold SET released = ?3, released_by = by, settled = ?3 \
         WHERE scope = 'message' AND target = ?1 AND released IS NULL AND by IN (SELECT new.by FROM hold AS new \
             WHERE new.scope = 'message' AND new.target = ?2 AND new.released IS NULL)",
    )
    .bind(name.from.as_str())
    .bind(name.to.as_str())
    .bind(now.as_microsecond())
    .execute(&mut *tx)
    .await?;
    let moved = sqlx::query(
        "UPDATE hold SET target = ?2 WHERE scope = 'message' AND target = ?1 AND settled IS NULL",
    )
    .bind(name.from.as_str())
    .bind(name.to.as_str())
    .execute(&mut *tx)
    .await?;
    Ok(joined.rows_affected() + moved.rows_affected())
}

/// It was first seen when either was.
async fn known(tx: &mut SqliteConnection, name: &Rename) -> Wrote<u64> {
    let done = sqlx::query(
        "INSERT INTO known (message, since) SELECT ?2, since FROM known WHERE message = ?1 \
         ON CONFLICT (message) DO UPDATE SET since = min(since, excluded.since)",
    )
    .bind(name.from.as_str())
    .bind(name.to.as_str())
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM known WHERE message = ?1")
        .bind(name.from.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected())
}

/// What was queued first counts, so it takes the place of what the new name has.
async fn notes(tx: &mut SqliteConnection, name: &Rename) -> Wrote<u64> {
    let (from, to) = (format!("{SHARE} {} ", name.from), format!("{SHARE} {} ", name.to));
    let done = sqlx::query(
        "INSERT INTO meta (key, value) SELECT ?2 || substr(key, length(?1) + 1), value FROM meta \
         WHERE substr(key, 1, length(?1)) = ?1 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(&from)
    .bind(&to)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM meta WHERE substr(key, 1, length(?1)) = ?1")
        .bind(&from)
        .execute(&mut *tx)
        .await?;
    Ok(done.rows_affected())
}

//! Who says stop, and what follows when they no longer do.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgConnection;

use crate::campaign::AfterHold;
use crate::post::identity::PostId;

use super::super::evidence::{self, Entry};
use super::super::group::after_hold;
use super::super::{Hold, Scope};
use super::read::names;
use super::write::{Wrote, clean, ids};

pub(super) async fn hold(
    tx: &mut PgConnection,
    scope: &Scope,
    why: &str,
    by: &str,
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    sqlx::query(
        "INSERT INTO hold (scope, target, why, by, since, said) \
             VALUES ($1, $2, $3, $4, $5, (SELECT coalesce(max(said), 0) + 1 FROM hold)) \
         ON CONFLICT (scope, target, by) WHERE released IS NULL DO UPDATE SET why = $3, said = excluded.said",
    )
    .bind(scope.kind())
    .bind(scope.target())
    .bind(clean(why))
    .bind(clean(by))
    .bind(now.as_microsecond())
    .execute(&mut *tx)
    .await?;
    evidence.push(evidence::held(scope, why, by, now));
    Ok(())
}

/// A person asks for these recalls knowing of the holds said so far.
pub(super) async fn let_through(
    tx: &mut PgConnection,
    posts: &[PostId],
    said: i64,
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<()> {
    let done = sqlx::query(
        "UPDATE post SET through = $2, fence = fence + 1, changed = $3 \
         WHERE id = ANY ($1) AND recalls IS NOT NULL AND through < $2 \
         AND state IN ('due', 'retrying', 'in_doubt') RETURNING id",
    )
    .bind(names(posts.iter().map(ToString::to_string)))
    .bind(said)
    .bind(now.as_microsecond())
    .fetch_all(&mut *tx)
    .await?;
    let done = ids(&done)?.into_iter();
    evidence.extend(done.map(|post| evidence::let_through(post, said, now)));
    Ok(())
}

pub(super) async fn release(
    tx: &mut PgConnection,
    scope: &Scope,
    by: &str,
    only_by: Option<&str>,
    why: Option<&str>,
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<u64> {
    let done = sqlx::query(
        "UPDATE hold SET released = $1, released_by = $2 WHERE scope = $3 AND target = $4 \
         AND released IS NULL AND ($5::text IS NULL OR by = $5)",
    )
    .bind(now.as_microsecond())
    .bind(clean(by))
    .bind(scope.kind())
    .bind(scope.target())
    .bind(only_by)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() > 0 {
        evidence.push(evidence::released(scope, by, only_by, why, now));
    }
    Ok(done.rows_affected())
}

/// Of several replicas one does it.
pub(super) async fn settle(
    tx: &mut PgConnection,
    hold: &Hold,
    after: AfterHold,
    now: Timestamp,
    evidence: &mut Vec<Entry>,
) -> Wrote<Vec<PostId>> {
    let released = sqlx::query(
        "UPDATE hold SET settled = $1 WHERE id = $2 AND released IS NOT NULL AND settled IS NULL \
         RETURNING scope, target",
    )
    .bind(now.as_microsecond())
    .bind(hold.id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(released) = released else {
        return Ok(Vec::new());
    };
    // What it holds may have another name since it was read.
    let (scope, target): (&str, &str) = (released.try_get("scope")?, released.try_get("target")?);
    let mut moved = Vec::new();
    if let Some((state, why)) = after_hold(after) {
        let rows = sqlx::query(
            "UPDATE post SET state = $1, why = $2, changed = $3, fence = fence + 1, owner = NULL, \
                 slot = CASE WHEN $1 = 'skipped' THEN NULL ELSE slot END \
             WHERE state IN ('due', 'retrying') AND part = 0 AND due <= $3 AND occurrence NOT LIKE 'delete %' \
             AND (due >= $4 OR recorded >= $4 OR not_before BETWEEN $4 AND $3) \
             AND ($5 = 'all' OR $5 = 'account' AND account = $6 OR $5 = 'message' AND message = $6) RETURNING id",
        )
        .bind(state.as_str())
        .bind(why)
        .bind(now.as_microsecond())
        .bind(hold.since.as_microsecond())
        .bind(scope)
        .bind(target)
        .fetch_all(&mut *tx)
        .await?;
        moved = ids(&rows)?;
    }
    evidence.push(evidence::settled(hold, &moved, now));
    Ok(moved)
}

//! Who has a post in hand: claims, what is given back, and what those who are gone left behind (reliability §2.7).

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgPool;

use crate::post::identity::{AccountName, MessageId, PostId};

use super::super::row::{POST, maybe_instant, post_of, posts_of};
use super::super::{Fence, LedgerError, Orphan, Post};
use super::connect::bounded;
use super::lease::{Adrift, Seat, seconds};
use super::read::{FREE, FREE_OR_RECALL, names};

type Did<T> = Result<T, LedgerError>;

/// How many posts one replica takes at a time: the others are to have their share of what is due.
pub(super) const SHARE: u32 = 128;

/// How often a post adrift is looked for before it is taken for settled.
const MISSED: u8 = 24;

/// The instances whose lease lives.
const LIVING: &str = "(SELECT instance FROM replica WHERE ended IS NULL AND lease_until > clock_timestamp())";

/// Takes what nobody alive has in hand, and what is ours already. Whoever lost a post to us finds its fence raised.
pub(super) async fn claim(
    db: &PgPool,
    seat: &Seat,
    account: &AccountName,
    now: Timestamp,
    blocked: &[MessageId],
    limit: u32,
) -> Did<Vec<Post>> {
    let limit = limit.min(SHARE);
    let ours = format!(
        "WITH ours AS MATERIALIZED (SELECT * FROM post WHERE owner = $5) SELECT {POST} FROM ours \
         WHERE account = $1 AND not_before <= $3 AND state IN ('due', 'retrying', 'in_doubt') AND {FREE_OR_RECALL} \
         ORDER BY breaking DESC, not_before LIMIT $4"
    );
    // Breaking ones and the others are asked for apart: within each the index gives the longest waiting first,
    // and what is not due is never read.
    // One that was replaced takes nothing any more.
    let free = format!(
        "(owner IS NULL OR owner <> $5 AND owner NOT IN {LIVING}) \
         AND EXISTS (SELECT 1 FROM replica WHERE instance = $5 AND ended IS NULL)"
    );
    let ready = |breaking: &str, held_back: &str| {
        format!(
            "SELECT id FROM post WHERE account = $1 AND breaking = {breaking} AND not_before <= $3 \
             AND state IN ('due', 'retrying', 'in_doubt') AND {free} AND {held_back} \
             ORDER BY not_before LIMIT $4 FOR UPDATE SKIP LOCKED"
        )
    };
    let taken = format!(
        "WITH breaking AS ({}), others AS ({}), picked AS (SELECT id FROM breaking UNION ALL SELECT id FROM others LIMIT $4) \
         UPDATE post SET owner = $5, fence = fence + 1 FROM picked WHERE post.id = picked.id RETURNING {}",
        ready("TRUE", FREE_OR_RECALL),
        ready("FALSE", FREE),
        POST.replace("id, message", "post.id, message"),
    );
    let mut posts = Vec::new();
    for sql in [ours, taken] {
        let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(account.as_str())
            .bind(names(blocked.iter().map(MessageId::as_str)))
            .bind(now.as_microsecond())
            .bind(i64::from(limit))
            .bind(seat.instance);
        posts.extend(posts_of(&bounded(asking.fetch_all(db)).await?)?);
    }
    posts.sort_by_key(|post| (!post.breaking, post.standing.not_before));
    // What is left over is ours, and comes first the next time.
    posts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(posts)
}

pub(super) async fn let_go(db: &PgPool, seat: &Seat, posts: Vec<(PostId, Fence)>) -> Did<()> {
    if posts.is_empty() {
        return Ok(());
    }
    let (ids, fences): (Vec<String>, Vec<i64>) = posts
        .into_iter()
        .map(|(id, fence)| (id.to_string(), fence.0))
        .unzip();
    let done = sqlx::query(
        "UPDATE post SET owner = NULL FROM unnest($1::text[], $2::bigint[]) AS gone (id, fence) \
         WHERE post.id = gone.id AND post.fence = gone.fence AND post.owner = $3 AND post.state <> 'sending'",
    )
    .bind(ids)
    .bind(fences)
    .bind(seat.instance);
    bounded(done.execute(db)).await.map(drop)
}

/// Until when nothing is ready: the soonest after `after`, whoever has it in hand, because that one may die.
pub(super) async fn next_ready(
    db: &PgPool,
    account: &AccountName,
    after: Timestamp,
    blocked: &[MessageId],
) -> Did<Option<Timestamp>> {
    let soonest = |breaking: &str, held_back: &str| {
        format!(
            "(SELECT not_before FROM post WHERE account = $1 AND breaking = {breaking} AND not_before > $3 \
             AND state IN ('due', 'retrying', 'in_doubt') AND {held_back} ORDER BY not_before LIMIT 1)"
        )
    };
    let sql = format!(
        "SELECT least({}, {}) AS at",
        soonest("TRUE", FREE_OR_RECALL),
        soonest("FALSE", FREE)
    );
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(account.as_str())
        .bind(names(blocked.iter().map(MessageId::as_str)))
        .bind(after.as_microsecond());
    maybe_instant(&bounded(asking.fetch_one(db)).await?, "at")
}

/// What was being sent by somebody who is gone: by an earlier process of our name at once, by another replica when
/// its lease, a request and the time to settle have passed since. What is taken over stays so if we die over it.
pub(super) async fn orphans(db: &PgPool, seat: &Seat, starting: bool) -> Did<Vec<Orphan>> {
    let sql = "WITH gone AS (SELECT post.id, coalesce(replica.name <> $2, FALSE) OR post.unsure_foreign AS foreign_hand \
             FROM post LEFT JOIN replica ON replica.instance = post.owner \
             WHERE post.state = 'sending' AND post.owner IS DISTINCT FROM $1 \
             AND (replica.instance IS NULL OR replica.name = $2 AND replica.ended IS NOT NULL \
                 OR coalesce(replica.ended, replica.lease_until) + make_interval(secs => $3) < clock_timestamp()) \
             AND (post.owner IS NOT NULL OR $4) FOR UPDATE OF post SKIP LOCKED) \
         UPDATE post SET owner = $1, fence = fence + 1, unsure_foreign = gone.foreign_hand \
         FROM gone WHERE post.id = gone.id RETURNING post.id, gone.foreign_hand";
    let after = seat.terms.request.saturating_add(seat.terms.settle);
    let taking = sqlx::query(sql)
        .bind(seat.instance)
        .bind(&seat.name)
        .bind(seconds(after))
        .bind(starting);
    for row in bounded(taking.fetch_all(db)).await? {
        let id: &str = row.try_get("id")?;
        let id: PostId = id.parse().map_err(LedgerError::Broken)?;
        let foreign = row.try_get("foreign_hand")?;
        seat.adrift().insert(id, Adrift { foreign, missed: 0 });
    }
    free_claims(db).await?;

    let adrift = seat.adrift().clone();
    if adrift.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {POST} FROM post WHERE id = ANY($1) AND state = 'sending' AND owner = $2");
    let asking = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(names(adrift.keys().map(ToString::to_string)))
        .bind(seat.instance);
    let rows = bounded(asking.fetch_all(db)).await?;
    let posts = rows.iter().map(post_of).collect::<Did<Vec<Post>>>()?;
    // What is not there was settled, or never written; a commit under way may still come.
    let here: HashSet<PostId> = posts.iter().map(|post| post.id).collect();
    seat.adrift().retain(|id, adrift| {
        if !here.contains(id) {
            adrift.missed = adrift.missed.saturating_add(1);
        }
        adrift.missed < MISSED
    });
    Ok(posts
        .into_iter()
        .map(|post| Orphan {
            foreign: adrift.get(&post.id).is_none_or(|adrift| adrift.foreign),
            post,
        })
        .collect())
}

/// What was claimed and not begun by one whose lease ran out is anybody's, and everybody is told to look.
async fn free_claims(db: &PgPool) -> Did<()> {
    let sql = format!(
        "WITH lost AS (SELECT id FROM post WHERE owner IS NOT NULL AND state <> 'sending' AND owner NOT IN {LIVING} \
             FOR UPDATE SKIP LOCKED), \
         freed AS (UPDATE post SET owner = NULL, fence = fence + 1 FROM lost WHERE post.id = lost.id RETURNING 1) \
         INSERT INTO meta (key, value) SELECT 'bell', '1' FROM freed LIMIT 1 \
         ON CONFLICT (key) DO UPDATE SET value = (meta.value::bigint + 1)::text"
    );
    bounded(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(db))
        .await
        .map(drop)
}

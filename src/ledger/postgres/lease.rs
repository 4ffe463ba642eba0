//! A replica's seat: its lease, and whether it is the one that plans. Leases are in the database's own time; how
//! long ours is to be trusted is counted on a clock of this machine that goes on while it sleeps (reliability §2.7).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::{PgPool, PgRow};
use tokio::sync::Notify;

use crate::post::identity::PostId;

use super::super::{Daemon, LedgerError, Term};
use super::connect::{BEGIN, bounded, locks};
use super::life::{Life, Told};

type Did<T> = Result<T, LedgerError>;

/// How long this machine has been on, sleep included.
pub type Uptime = Arc<dyn Fn() -> Duration + Send + Sync>;

/// How long things last: all of it follows from the lease and the longest request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub lease: Duration,
    /// How often it is renewed.
    pub renew: Duration,
    /// How much of the lease is not counted on.
    pub spare: Duration,
    /// The longest that a request can take.
    pub request: Duration,
    /// How long after a lost lease and a request what was being sent is left alone.
    pub settle: Duration,
    /// The lease of the one that plans.
    pub planner: Duration,
    /// How long nothing is begun by one that finds its lease lost: whatever it was in the middle of must look.
    pub wake: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self::of(Duration::from_mins(1), Duration::from_secs(30))
    }
}

impl Terms {
    /// For this lease, where no request takes longer than `request`: half of the lease at most, so that more than
    /// enough is left between two renewals. A replica of another lease is as safe: what is trusted ends before the
    /// lease does, request included, whoever waits for that.
    pub fn of(lease: Duration, request: Duration) -> Self {
        let request = request.min(lease / 2);
        Self {
            lease,
            renew: (lease / 4).min(Duration::from_secs(15)),
            spare: lease / 6,
            request,
            settle: (lease / 2).min(Duration::from_secs(30)),
            planner: lease.min(Duration::from_secs(8)),
            wake: (lease / 2).min(Duration::from_secs(5)),
        }
    }

    fn trusted(&self) -> Duration {
        self.lease.saturating_sub(self.spare).saturating_sub(self.request)
    }
}

pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// One that may send.
pub(super) struct Seat {
    pub name: String,
    /// One for each process that ever took a seat.
    pub instance: i64,
    pub terms: Terms,
    uptime: Uptime,
    /// In microseconds of uptime; 0 if not at all.
    trusted_until: AtomicU64,
    /// The term in which we plan; 0 if we don't.
    term: AtomicI64,
    /// Posts in `sending` that are ours and that nobody here has in hand.
    adrift: Mutex<HashMap<PostId, Adrift>>,
    /// It was given back.
    left: AtomicBool,
    /// Rung when it comes to us to plan.
    turn: Notify,
    /// Rung when a post went out: the one that plans may wait for it.
    pub news: Notify,
}

/// A post that was taken over, or our own intent of which the commit was never answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adrift {
    /// Another replica was sending it.
    pub foreign: bool,
    /// How often it was looked for and was not there.
    pub missed: u8,
}

/// What a renewal found.
enum Renewed {
    InTime,
    /// It had run out: others may have taken what was ours.
    Late,
    /// Another of our name has the seat.
    Gone,
}

impl Seat {
    /// Takes the seat of this name.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] if a process that may be alive has it.
    pub async fn take(db: &PgPool, name: &str, terms: Terms, uptime: Uptime) -> Did<Self> {
        let start = uptime();
        let instance = bounded(seated(db, name, terms.lease))
            .await?
            .map_err(|who| LedgerError::Taken(Some(who)))?;
        let seat = Self {
            name: name.to_owned(),
            instance,
            terms,
            uptime,
            trusted_until: AtomicU64::new(0),
            term: AtomicI64::new(0),
            adrift: Mutex::default(),
            left: AtomicBool::new(false),
            turn: Notify::new(),
            news: Notify::new(),
        };
        seat.trust_from(start);
        Ok(seat)
    }

    fn trust_from(&self, start: Duration) {
        let until = start.saturating_add(self.terms.trusted());
        let until = u64::try_from(until.as_micros()).unwrap_or(u64::MAX);
        self.trusted_until.store(until, Ordering::SeqCst);
    }

    /// Whether no other can have taken what is ours for as long as a request can take from now.
    pub fn trusted(&self) -> bool {
        let until = Duration::from_micros(self.trusted_until.load(Ordering::SeqCst));
        (self.uptime)() < until
    }

    /// Renews the lease until the seat is lost or this is dropped.
    pub async fn keep(self: Arc<Self>, db: PgPool) {
        let mut told = false;
        loop {
            let often = match self.term() {
                None => self.terms.renew,
                Some(_) => self.terms.renew.min(self.terms.planner / 4),
            };
            let often = if told {
                often.min(self.terms.planner / 4)
            } else {
                often
            };
            tokio::select! {
                () = tokio::time::sleep(often) => {}
                // The planner's lease is shorter.
                () = self.turn.notified() => continue,
            }
            match self.renew(&db).await {
                Ok(true) => told = false,
                Ok(false) if self.left.load(Ordering::SeqCst) => return,
                Ok(false) => {
                    tracing::error!(
                        event = "replica.replaced",
                        replica = self.name,
                        "another replica named {} has taken over: nothing more is sent from here; stop this one, or give it another `ledger.replica`",
                        self.name
                    );
                    return;
                }
                Err(e) if told => tracing::debug!("the lease is not renewed: {e}"),
                Err(e) => {
                    told = true;
                    tracing::error!(event = "ledger.failed", error = %e, "the lease can't be renewed; soon nothing more is sent: {e}");
                }
            }
        }
    }

    /// `false`: the seat is lost for good.
    async fn renew(&self, db: &PgPool) -> Did<bool> {
        let start = (self.uptime)();
        match self.renew_once(db).await? {
            Renewed::InTime => self.trust_from(start),
            Renewed::Gone => {
                self.trusted_until.store(0, Ordering::SeqCst);
                self.term.store(0, Ordering::SeqCst);
                return Ok(false);
            }
            Renewed::Late => {
                // Whatever was frozen between its intent and its request finds now that it may not go on.
                self.trusted_until.store(0, Ordering::SeqCst);
                tracing::warn!(
                    event = "replica.late",
                    replica = self.name,
                    "the lease of {} had run out: what it had in hand may be another's by now",
                    self.name
                );
                tokio::time::sleep(self.terms.wake).await;
                let start = (self.uptime)();
                if matches!(self.renew_once(db).await?, Renewed::InTime) {
                    self.trust_from(start);
                }
            }
        }
        Ok(true)
    }

    async fn renew_once(&self, db: &PgPool) -> Did<Renewed> {
        let renewed = sqlx::query_scalar::<_, bool>(
            "UPDATE replica SET lease_until = clock_timestamp() + make_interval(secs => $2) \
             FROM (SELECT lease_until FROM replica WHERE instance = $1) AS before \
             WHERE instance = $1 AND ended IS NULL RETURNING before.lease_until < clock_timestamp()",
        )
        .bind(self.instance)
        .bind(seconds(self.terms.lease));
        let renewed = bounded(renewed.fetch_optional(db)).await?;
        if let Some(term) = self.term() {
            let ours = sqlx::query(
                "UPDATE planner SET until = clock_timestamp() + make_interval(secs => $3) WHERE instance = $1 AND term = $2",
            )
            .bind(self.instance)
            .bind(term)
            .bind(seconds(self.terms.planner));
            if bounded(ours.execute(db)).await?.rows_affected() == 0 {
                // Unless it was taken anew just now.
                let _: Result<i64, i64> =
                    self.term
                        .compare_exchange(term, 0, Ordering::SeqCst, Ordering::SeqCst);
            }
        }
        Ok(match renewed {
            None => Renewed::Gone,
            Some(true) => Renewed::Late,
            Some(false) => Renewed::InTime,
        })
    }

    /// The term in which we plan, as far as we know.
    pub fn term(&self) -> Option<i64> {
        Some(self.term.load(Ordering::SeqCst)).filter(|term| *term > 0)
    }

    /// Takes the planner's lease if nobody has it. One row, so that only one can.
    pub async fn leads(&self, db: &PgPool) -> Did<Option<Term>> {
        let asked = sqlx::query_scalar::<_, i64>(
            "UPDATE planner SET instance = $1, term = CASE WHEN instance = $1 THEN term ELSE term + 1 END, \
                 until = clock_timestamp() + make_interval(secs => $2) \
             WHERE (instance = $1 OR until < clock_timestamp()) \
             AND EXISTS (SELECT 1 FROM replica WHERE replica.instance = $1 AND ended IS NULL) RETURNING term",
        )
        .bind(self.instance)
        .bind(seconds(self.terms.planner));
        let term = bounded(asked.fetch_optional(db)).await?.unwrap_or(0);
        let before = self.term.swap(term, Ordering::SeqCst);
        if before == 0 && term > 0 {
            self.turn.notify_one();
        }
        Ok((term > 0).then_some(Term(term)))
    }

    /// Says good-bye: what was claimed is free at once, and another may plan.
    pub async fn leave(&self, db: &PgPool) -> Did<()> {
        self.left.store(true, Ordering::SeqCst);
        self.trusted_until.store(0, Ordering::SeqCst);
        bounded(ended(db, self.instance)).await
    }

    pub async fn heard(&self, db: &PgPool, bell: i64) -> Did<()> {
        let heard = sqlx::query("UPDATE replica SET heard = $2 WHERE instance = $1")
            .bind(self.instance)
            .bind(bell);
        bounded(heard.execute(db)).await.map(drop)
    }

    pub fn adrift(&self) -> MutexGuard<'_, HashMap<PostId, Adrift>> {
        // Whole at every moment, so a panic elsewhere leaves nothing half-done.
        self.adrift.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody knows whether these intents are written, and nobody will send for them.
    pub fn lost_sight(&self, intents: Vec<PostId>) {
        let ours = Adrift {
            foreign: false,
            missed: 0,
        };
        self.adrift().extend(intents.into_iter().map(|post| (post, ours)));
    }

    /// These intents are written, so an earlier one was not, and somebody has them in hand.
    pub fn found(&self, intents: &[PostId]) {
        let mut adrift = self.adrift();
        if !adrift.is_empty() {
            adrift.retain(|post, _| !intents.contains(post));
        }
    }
}

/// Takes the seat if nobody has it who may be alive; else, who has it.
async fn seated(db: &PgPool, name: &str, lease: Duration) -> Result<Result<i64, String>, sqlx::Error> {
    let ours = Life::ours();
    let mut tx = db.begin_with(BEGIN).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(locks::SEATS)
        .execute(&mut *tx)
        .await?;
    let seated = sqlx::query(
        "SELECT instance, boot, space, pid, began, lease_until > clock_timestamp() AS living \
         FROM replica WHERE name = $1 AND ended IS NULL",
    )
    .bind(name)
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(row) = seated {
        let theirs = life_of(&row)?;
        match (ours.sees(&theirs), row.try_get("living")?) {
            (Told::Dead, _) | (Told::Unknown, false) => {}
            (Told::Alive, _) | (Told::Unknown, true) => {
                return Ok(Err(format!("replica {name}, pid {}", theirs.pid)));
            }
        }
        end(&mut tx, row.try_get("instance")?).await?;
    }
    let instance = sqlx::query_scalar(
        "INSERT INTO replica (name, boot, space, pid, began, lease_until) \
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6)) RETURNING instance",
    )
    .bind(name)
    .bind(ours.boot)
    .bind(ours.space)
    .bind(ours.pid)
    .bind(ours.began)
    .bind(seconds(lease))
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Ok(instance))
}

async fn ended(db: &PgPool, instance: i64) -> Result<(), sqlx::Error> {
    let mut tx = db.begin_with(BEGIN).await?;
    end(&mut tx, instance).await?;
    tx.commit().await
}

fn life_of(row: &PgRow) -> Result<Life, sqlx::Error> {
    Ok(Life {
        boot: row.try_get("boot")?,
        space: row.try_get("space")?,
        pid: row.try_get("pid")?,
        began: row.try_get("began")?,
    })
}

/// Ends an instance: what it had claimed is free, what it was sending is for those who take over.
async fn end(tx: &mut sqlx::PgConnection, instance: i64) -> Result<(), sqlx::Error> {
    for sql in [
        "UPDATE replica SET ended = clock_timestamp(), lease_until = least(lease_until, clock_timestamp()) \
         WHERE instance = $1 AND ended IS NULL",
        "UPDATE planner SET until = '-infinity' WHERE instance = $1",
        "UPDATE post SET owner = NULL, fence = fence + 1 WHERE owner = $1 AND state <> 'sending'",
    ] {
        sqlx::query(sql).bind(instance).execute(&mut *tx).await?;
    }
    Ok(())
}

/// The replicas with a living lease.
pub(super) async fn daemons(db: &PgPool) -> Did<Vec<Daemon>> {
    let living = sqlx::query(
        "SELECT name, heard FROM replica WHERE ended IS NULL AND lease_until > clock_timestamp() ORDER BY name",
    );
    let rows = bounded(living.fetch_all(db)).await?;
    rows.iter()
        .map(|row| {
            Ok(Daemon {
                name: row.try_get("name")?,
                heard: row.try_get("heard")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_that_renews_in_time_is_trusted_all_along_whatever_its_lease() {
        for seconds in 5..=600 {
            let lease = Duration::from_secs(seconds);
            let terms = Terms::of(lease, Duration::from_secs(30));
            let slack = terms.trusted().checked_sub(terms.renew).unwrap();
            assert!(slack >= lease / 12, "{terms:?}");
            assert!(terms.request <= lease / 2, "{terms:?}");
            // One that wakes up late has its lease again, and not yet lost, when it goes on.
            assert!(terms.wake < lease && terms.planner <= lease, "{terms:?}");
        }
    }

    #[test]
    fn a_lease_of_a_minute_has_the_terms_of_the_manual() {
        let seconds = Duration::from_secs;
        let terms = Terms::default();
        assert_eq!(
            (terms.lease, terms.renew, terms.spare, terms.request),
            (seconds(60), seconds(15), seconds(10), seconds(30))
        );
        assert_eq!(
            (terms.settle, terms.planner, terms.wake),
            (seconds(30), seconds(8), seconds(5))
        );
        assert_eq!(terms.trusted(), seconds(20));
    }
}

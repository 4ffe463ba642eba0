//! Each account's own pace: its spacing, its daily number, how long its platform told it to wait, and whether
//! the platform can be reached at all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::calendar::traffic::Traffic;
use crate::campaign::Account;
use crate::ledger::{Filter, LedgerError, Pace as LedgerPace};
use crate::post::breaker::{Breaker, Event, is_unreachable};
use crate::post::identity::{AccountName, PostId};
use crate::post::outcome::Failure;

use super::{Outlet, World};

/// What goes out, by account. In memory; loaded from the ledger at the start, so a restart keeps the pace.
pub struct Pace {
    // A plain mutex: held for a look-up, never across an await.
    lanes: Mutex<BTreeMap<AccountName, Lane>>,
}

#[derive(Default)]
struct Lane {
    traffic: Traffic,
    told_to_wait: Option<Timestamp>,
    /// Until when the ledger says that the pace lets nothing through: others send for this account too.
    full: Option<Timestamp>,
    breaker: Breaker,
    /// The post that shows whether the platform is back.
    first: Option<PostId>,
}

impl Lane {
    fn waits(&self, now: Timestamp) -> Option<Timestamp> {
        let told = self.told_to_wait.filter(|until| *until > now);
        told.max(self.breaker.waits(now))
    }
}

/// The account's pace as the ledger is to hold it; `None` where it has none.
pub(crate) fn pace_of(account: &Account, zone: &TimeZone, at: Timestamp) -> Option<LedgerPace> {
    let spacing = account.spacing();
    if spacing.min_gap.is_zero() && spacing.max_per_day.is_none() {
        return None;
    }
    let day = at.to_zoned(zone.clone()).start_of_day().ok()?;
    let next = day.checked_add(1.day()).ok()?.start_of_day().ok()?;
    Some(LedgerPace {
        min_gap: spacing.min_gap,
        max_per_day: spacing.max_per_day,
        day: (day.timestamp(), next.timestamp()),
    })
}

impl Pace {
    pub fn new(outlets: &[Outlet]) -> Self {
        let lane = |outlet: &Outlet| (outlet.account.name.clone(), Lane::default());
        Self {
            lanes: Mutex::new(outlets.iter().map(lane).collect()),
        }
    }

    /// What went out lately, and who has been told to wait.
    pub async fn load(&self, world: &World) -> Result<(), LedgerError> {
        let since = world
            .clock
            .now()
            .saturating_sub(jiff::SignedDuration::from_hours(72))
            .unwrap_or(Timestamp::MIN);
        for outlet in world.outlets.iter() {
            let spacing = outlet.account.spacing();
            if spacing.min_gap.is_zero() && spacing.max_per_day.is_none() {
                continue;
            }
            let filter = Filter {
                since: Some(since),
                account: Some(outlet.account.name.to_string()),
                ..Filter::default()
            };
            let times = world
                .ledger
                .history(&filter)
                .await?
                .iter()
                .filter(|post| !post.is_recall())
                .filter_map(|post| post.began)
                .collect();
            self.lanes()
                .entry(outlet.account.name.clone())
                .or_default()
                .traffic = Traffic::new(times);
        }
        for (account, until) in world.ledger.waits().await? {
            self.lanes().entry(account).or_default().told_to_wait = Some(until);
        }
        Ok(())
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<AccountName, Lane>> {
        // A lane is whole at every moment, so a panic elsewhere leaves nothing half-done.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when nothing of this account may go out: its platform told it to wait, or can't be reached.
    pub fn waits(&self, account: &AccountName, now: Timestamp) -> Option<Timestamp> {
        self.lanes().get(account)?.waits(now)
    }

    /// Until when the platform is left alone because it can't be reached. Part of [`Self::waits`]; unlike a
    /// rate limit, this is a failure, and makes a post late.
    pub fn unreachable(&self, account: &AccountName, now: Timestamp) -> Option<Timestamp> {
        self.lanes().get(account)?.breaker.waits(now)
    }

    /// As [`Self::waits`], for a post on its way. Where the platform has no probe and a post must show whether
    /// it is back, the first that asks is let through, as often as it asks, and the others wait for it.
    pub fn turn(&self, account: &AccountName, post: PostId, now: Timestamp) -> Option<Timestamp> {
        let mut lanes = self.lanes();
        let lane = lanes.get_mut(account)?;
        let waits = match lane.told_to_wait.filter(|until| *until > now) {
            None if lane.first == Some(post) && lane.breaker.is_half_open() => None,
            _ => lane.waits(now),
        };
        if waits.is_none() {
            lane.breaker = lane.breaker.step(Event::Goes, now);
            lane.first = lane.breaker.is_half_open().then_some(post);
        }
        waits
    }

    /// What the platform came to in `prepare` or `publish`: each of them, or the breaker is blind. Failures
    /// that did not come from the platform (the ledger's, an image's) have no place here.
    pub fn answered<T>(&self, account: &AccountName, outcome: &Result<T, Failure>, now: Timestamp) {
        match outcome {
            Err(failure) if is_unreachable(failure) => {
                self.breaks(account, Event::Unreachable, &failure.words, now);
            }
            _ => self.breaks(account, Event::Answered, "", now),
        }
    }

    /// What a probe came to; `None`: the platform has none.
    pub fn probed(&self, account: &AccountName, outcome: Option<&Result<(), Failure>>, now: Timestamp) {
        match outcome {
            Some(outcome) => self.answered(account, outcome, now),
            None => self.breaks(account, Event::NoProbe, "", now),
        }
    }

    /// Whether it is time to probe this account's platform.
    pub fn wants_probe(&self, account: &AccountName, now: Timestamp) -> bool {
        self.lanes()
            .get(account)
            .is_some_and(|lane| lane.breaker.wants_probe(now))
    }

    fn breaks(&self, account: &AccountName, event: Event, error: &str, now: Timestamp) {
        let (before, after) = {
            let mut lanes = self.lanes();
            let Some(lane) = lanes.get_mut(account) else {
                return;
            };
            let before = lane.breaker;
            lane.breaker = before.step(event, now);
            (before, lane.breaker)
        };
        match (before.is_closed(), after.waits(now)) {
            (true, Some(until)) => {
                tracing::warn!(event = "account.unreachable", %account, until = %until, error,
                    "{account} can't be reached, so it is left alone until its platform answers a probe; the first at {until}: {error}");
            }
            (false, None) if after.is_closed() => {
                tracing::info!(event = "account.reachable", %account, "{account} can be reached again");
            }
            _ => {}
        }
    }

    /// Until when the account's spacing lets nothing through.
    pub fn spaced(&self, account: &Account, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let lanes = self.lanes();
        let lane = lanes.get(&account.name)?;
        let free = lane.traffic.free_from(&account.spacing(), zone, now);
        Some(free).max(lane.full).filter(|free| *free > now)
    }

    pub fn went_out(&self, account: &Account, at: Timestamp) {
        let spacing = account.spacing();
        if !spacing.min_gap.is_zero() || spacing.max_per_day.is_some() {
            self.lanes()
                .entry(account.name.clone())
                .or_default()
                .traffic
                .add(at);
        }
    }

    /// The ledger knows better: until then nothing goes out, for want of room in the pace (`paced`) or because
    /// the platform said so.
    pub fn learn(&self, account: &AccountName, paced: bool, until: Timestamp) {
        let mut lanes = self.lanes();
        let lane = lanes.entry(account.clone()).or_default();
        if paced {
            lane.full = Some(until);
        } else {
            lane.told_to_wait = Some(until);
        }
    }

    pub fn told_to_wait(&self, account: &AccountName, until: Timestamp) {
        self.lanes().entry(account.clone()).or_default().told_to_wait = Some(until);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use jiff::SignedDuration;

    use super::*;
    use crate::platform::{Outgoing, Platform, Prepared, Sealed, sandbox};
    use crate::post::identity::{Identity, Occurrence};
    use crate::post::outcome::{Class, Receipt};
    use crate::settings::InDoubt;
    use crate::text::limits::Limits;

    struct Silent(Limits);

    #[async_trait]
    impl Platform for Silent {
        fn limits(&self) -> &Limits {
            &self.0
        }
        async fn prepare(&self, _: &Outgoing<'_>) -> Result<Prepared, Failure> {
            Err(no_answer())
        }
        async fn publish(&self, _: &Sealed) -> Result<Receipt, Failure> {
            Err(no_answer())
        }
    }

    fn no_answer() -> Failure {
        Failure::new(Class::InDoubt, "no answer")
    }

    fn outlet(name: &str) -> Outlet {
        Outlet {
            account: Account {
                name: name.parse().unwrap(),
                platform: sandbox::NAME,
                like: sandbox::NAME,
                limits: Arc::new(sandbox::limits()),
                language: None,
                min_gap: std::time::Duration::ZERO,
                untranslated: crate::campaign::Untranslated::default(),
                max_per_day: None,
                charge: None,
            },
            platform: Box::new(Silent(sandbox::limits())),
            in_doubt: InDoubt::Auto,
            engagement: false,
        }
    }

    fn post(message: &str) -> PostId {
        let identity = Identity {
            campaign: "c".parse().unwrap(),
            message: message.parse().unwrap(),
            account: "down".parse().unwrap(),
            occurrence: Occurrence::once(),
        };
        identity.post_id()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn p23_one_account_that_cannot_be_reached_leaves_the_others_alone() {
        let pace = Pace::new(&[outlet("down"), outlet("up")]);
        let (down, up) = ("down".parse().unwrap(), "up".parse().unwrap());
        let failed: Result<(), Failure> = Err(no_answer());
        for _ in 0..5 {
            assert_eq!(pace.waits(&down, at(0)), None);
            pace.answered(&down, &failed, at(0));
            pace.answered(&up, &failed, at(0));
            pace.answered(&up, &Ok(()), at(0));
        }
        assert_eq!(pace.waits(&down, at(0)), Some(at(60)));
        assert_eq!(pace.unreachable(&down, at(0)), Some(at(60)));
        assert_eq!(
            (pace.waits(&up, at(0)), pace.unreachable(&up, at(0))),
            (None, None)
        );
        // A longer wait that its platform asked for stands.
        pace.told_to_wait(&down, at(300));
        assert_eq!(pace.waits(&down, at(0)), Some(at(300)));
        assert_eq!(pace.unreachable(&down, at(0)), Some(at(60)));

        assert!(!pace.wants_probe(&down, at(59)) && pace.wants_probe(&down, at(60)));
        pace.probed(&down, Some(&failed), at(60));
        assert_eq!(pace.unreachable(&down, at(60)), Some(at(180)));
        pace.probed(&down, Some(&Ok(())), at(180));
        assert_eq!(pace.unreachable(&down, at(180)), None);
    }

    #[test]
    fn p23_where_there_is_no_probe_one_post_goes_first() {
        let pace = Pace::new(&[outlet("down")]);
        let down = "down".parse().unwrap();
        let (first, next) = (post("first"), post("next"));
        let failed: Result<(), Failure> = Err(no_answer());
        for _ in 0..5 {
            assert_eq!(pace.turn(&down, next, at(0)), None);
            pace.answered(&down, &failed, at(0));
        }
        pace.probed(&down, None, at(60));
        assert_eq!(pace.waits(&down, at(60)), None, "somebody may go");
        assert_eq!(pace.turn(&down, first, at(60)), None, "and goes");
        assert_eq!(
            pace.turn(&down, first, at(61)),
            None,
            "looked at once more before its request"
        );
        assert!(
            pace.waits(&down, at(61)).is_some(),
            "the next ones wait for the answer"
        );
        assert!(pace.turn(&down, next, at(61)).is_some());
        pace.answered(&down, &Ok(()), at(62));
        assert_eq!(pace.turn(&down, next, at(62)), None);
        assert_eq!(pace.turn(&down, first, at(62)), None);
    }
}

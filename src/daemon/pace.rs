//! Each account's own pace: its spacing, its daily number, and how long its platform told it to wait.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::calendar::traffic::Traffic;
use crate::campaign::Account;
use crate::ledger::{Filter, LedgerError, Pace as LedgerPace};
use crate::post::identity::AccountName;

use super::World;

/// What goes out, by account. In memory; loaded from the ledger at the start, so a restart keeps the pace.
pub(crate) struct Pace {
    // A plain mutex: held for a look-up, never across an await.
    lanes: Mutex<BTreeMap<AccountName, Lane>>,
}

#[derive(Default)]
struct Lane {
    traffic: Traffic,
    waits: Option<Timestamp>,
    /// Until when the ledger says that the pace lets nothing through: others send for this account too.
    full: Option<Timestamp>,
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
    pub fn new(world: &World) -> Self {
        let lane = |outlet: &super::Outlet| (outlet.account.name.clone(), Lane::default());
        Self {
            lanes: Mutex::new(world.outlets.iter().map(lane).collect()),
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
                .filter_map(|post| post.began)
                .collect();
            self.lanes()
                .entry(outlet.account.name.clone())
                .or_default()
                .traffic = Traffic::new(times);
        }
        for (account, until) in world.ledger.waits().await? {
            self.lanes().entry(account).or_default().waits = Some(until);
        }
        Ok(())
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<AccountName, Lane>> {
        // A lane is whole at every moment, so a panic elsewhere leaves nothing half-done.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the platform told this account to wait, if that is still to come.
    pub fn waits(&self, account: &AccountName, now: Timestamp) -> Option<Timestamp> {
        self.lanes().get(account)?.waits.filter(|until| *until > now)
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
            lane.waits = Some(until);
        }
    }

    pub fn told_to_wait(&self, account: &AccountName, until: Timestamp) {
        self.lanes().entry(account.clone()).or_default().waits = Some(until);
    }
}

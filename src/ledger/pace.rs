//! How often an account posts: the same for all that send for it.

use std::time::Duration;

use jiff::Timestamp;

/// The pace of an account, which holds across all that send for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub min_gap: Duration,
    pub max_per_day: Option<u32>,
    /// The local day: its beginning, and that of the next.
    pub day: (Timestamp, Timestamp),
}

impl Pace {
    /// The first instant that keeps it, given when the account's last post took its place (microseconds) and how
    /// many did so today.
    pub(super) fn free_from(&self, last: Option<i64>, today: i64) -> Option<Timestamp> {
        let gap = i64::try_from(self.min_gap.as_micros()).unwrap_or(i64::MAX);
        let after_gap = last
            .filter(|_| gap > 0)
            .map(|last| Timestamp::from_microsecond(last.saturating_add(gap)).unwrap_or(Timestamp::MAX));
        let full = self.max_per_day.is_some_and(|most| today >= i64::from(most));
        after_gap.max(full.then_some(self.day.1))
    }
}

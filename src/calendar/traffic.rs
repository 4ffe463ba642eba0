//! An account's spacing: how far apart its posts are, and how many go out on one day.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The spacing of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    pub min_gap: Duration,
    pub max_per_day: Option<u32>,
}

/// The times of an account's posts, those gone out and those that have a time already.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    times: Vec<Timestamp>,
}

impl Traffic {
    pub fn new(mut times: Vec<Timestamp>) -> Self {
        times.sort_unstable();
        Self { times }
    }

    pub fn add(&mut self, at: Timestamp) {
        let index = self.times.partition_point(|time| *time <= at);
        self.times.insert(index, at);
    }

    /// The first instant from `t` on at which a post keeps the spacing. Days are local days of `zone`.
    pub fn free_from(&self, spacing: &Spacing, zone: &TimeZone, t: Timestamp) -> Timestamp {
        let mut t = t;
        // Each round passes at least one known post, so there are no more rounds than posts.
        for _ in 0..=self.times.len() {
            match self
                .gap_conflict(spacing, t)
                .or_else(|| self.day_conflict(spacing, zone, t))
            {
                Some(later) if later > t => t = later,
                _ => break,
            }
        }
        t
    }

    /// The end of the gap around a post that is too near to `t`.
    fn gap_conflict(&self, spacing: &Spacing, t: Timestamp) -> Option<Timestamp> {
        let gap = SignedDuration::try_from(spacing.min_gap)
            .ok()
            .filter(|gap| !gap.is_zero())?;
        let from = self.times.partition_point(|time| t.duration_since(*time) >= gap);
        let near = self.times.get(from).filter(|time| time.duration_since(t) < gap)?;
        near.checked_add(gap).ok()
    }

    /// The start of the next day, if `t`'s day has all it may have.
    fn day_conflict(&self, spacing: &Spacing, zone: &TimeZone, t: Timestamp) -> Option<Timestamp> {
        let max = usize::try_from(spacing.max_per_day?).unwrap_or(usize::MAX);
        let day = t.to_zoned(zone.clone()).start_of_day().ok()?;
        let next = day.checked_add(1.day()).ok()?.start_of_day().ok()?.timestamp();
        let begin = self.times.partition_point(|time| *time < day.timestamp());
        let end = self.times.partition_point(|time| *time < next);
        (end.saturating_sub(begin) >= max).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::civil::zone;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn spacing(minutes: u64, max_per_day: Option<u32>) -> Spacing {
        Spacing {
            min_gap: Duration::from_secs(minutes * 60),
            max_per_day,
        }
    }

    #[test]
    fn a_post_waits_for_the_gap_on_both_sides_of_it() {
        let traffic = Traffic::new(vec![at("2026-12-01T10:00:00Z"), at("2026-12-01T10:30:00Z")]);
        let free = |t: &str| traffic.free_from(&spacing(20, None), &TimeZone::UTC, at(t));
        assert_eq!(free("2026-12-01T09:40:00Z"), at("2026-12-01T09:40:00Z"));
        assert_eq!(
            free("2026-12-01T09:41:00Z"),
            at("2026-12-01T10:50:00Z"),
            "10:20 is too near to 10:30"
        );
        assert_eq!(free("2026-12-01T10:50:00Z"), at("2026-12-01T10:50:00Z"));
    }

    #[test]
    fn a_full_day_sends_to_the_next_local_day() {
        let zone = zone("America/Chicago").unwrap();
        let traffic = Traffic::new(vec![at("2026-12-01T15:00:00Z"), at("2026-12-02T05:59:00Z")]);
        let free = traffic.free_from(&spacing(0, Some(2)), &zone, at("2026-12-01T16:00:00Z"));
        assert_eq!(
            free,
            at("2026-12-02T06:00:00Z"),
            "midnight in Chicago, and both posts were on the first of December"
        );
    }

    #[test]
    fn without_rules_nothing_waits() {
        let mut traffic = Traffic::default();
        traffic.add(at("2026-12-01T10:00:00Z"));
        let t = at("2026-12-01T10:00:00Z");
        assert_eq!(traffic.free_from(&spacing(0, None), &TimeZone::UTC, t), t);
    }
}

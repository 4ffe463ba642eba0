//! Recurring rules: `0 9 * * MON`, read with care (`parse`) and turned into instants (here).
//!
//! The `cron` crate says which times of the clock a rule names, and nothing else: given a real time zone it
//! skips a post in spring, doubles one in autumn and can run backwards. So it is shown a clock that never
//! changes, and [`civil`] says when the times it gives really are.

mod parse;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use cron::Schedule;
use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::civil::{self, Resolved};

pub use parse::CronError;

/// A checked rule. Two are equal if they are written the same; copies, and rules that are written the same,
/// share their memory, for a campaign may have a hundred thousand messages.
#[derive(Clone)]
pub struct Cron(Arc<Rule>);

struct Rule {
    source: Box<str>,
    schedule: Schedule,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.0.source == other.0.source
    }
}

impl Eq for Cron {}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.source()).finish()
    }
}

/// One occurrence of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fire {
    /// When it is.
    pub at: Timestamp,
    /// The local time that the rule names: with the zone's name, the identity of the occurrence.
    pub nominal: DateTime,
    /// The clocks jump over `nominal`, and it was moved forward.
    pub moved: bool,
}

impl Cron {
    /// Reads a rule: five fields as in Unix, six or seven with the seconds first (and the year last), or a
    /// name such as `@daily`. Whether it ever fires is another question: [`Cron::fires_within`].
    pub fn parse(source: &str) -> Result<Self, CronError> {
        /// All rules in use. It saves memory and changes no answer.
        static RULES: Mutex<BTreeMap<Box<str>, Weak<Rule>>> = Mutex::new(BTreeMap::new());

        let mut rules = RULES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rule) = rules.get(source).and_then(Weak::upgrade) {
            return Ok(Self(rule));
        }
        let schedule = parse::read(source)?;
        // Now and then, those that no one uses any more are dropped.
        if rules.len().is_power_of_two() {
            rules.retain(|_, rule| rule.strong_count() > 0);
        }
        let rule = Arc::new(Rule {
            source: source.into(),
            schedule,
        });
        rules.insert(source.into(), Arc::downgrade(&rule));
        Ok(Self(rule))
    }

    /// The rule as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The first occurrence after the instant `t`. It depends on nothing else: from every `t` between two
    /// occurrences the answer is the same, and each answer is later than the one before it.
    ///
    /// `None` if there is none up to the year 2100, where the crate's calendar ends.
    pub fn next_after(&self, tz: &TimeZone, t: Timestamp) -> Option<Fire> {
        let now = civil::local(tz, t);
        let change = civil::last_change(tz, t);
        let mut wall = match change.map(|change| (change, change.to.duration_since(change.from))) {
            // The clocks jumped forward not long ago: the times that they left out are still going by.
            Some((jump, by)) if by.is_positive() && now.saturating_sub(by) < jump.to => {
                now.saturating_sub(by)
            }
            // They were set back, and these times are here for the second time: they have had theirs.
            Some((back, by)) if by.is_negative() && now < back.from => just_before(back.from),
            _ => now,
        };

        // Times that were not moved come in their order; moved ones come in theirs, but later. So the next
        // is the first that was not moved, or the first that was, if that still comes before it.
        let mut moved: Option<Fire> = None;
        while let Some(nominal) = self.nominal_after(wall) {
            wall = match civil::resolve(tz, nominal) {
                Resolved::At(at) | Resolved::First { at, .. } if at > t => {
                    // One that was moved onto this one is dropped.
                    let this = Fire {
                        at,
                        nominal,
                        moved: false,
                    };
                    return moved.filter(|moved| moved.at < at).or(Some(this));
                }
                Resolved::At(_) | Resolved::First { .. } => nominal.max(now),
                Resolved::Moved { at, .. } if at <= t => nominal,
                Resolved::Moved { at, .. } => {
                    moved = moved.or(Some(Fire {
                        at,
                        nominal,
                        moved: true,
                    }));
                    past_gap(tz, nominal)
                }
                Resolved::NoSuchTime => past_gap(tz, nominal),
            };
        }
        moved
    }

    /// The last occurrence at or before `t`, if there is one at or after `not_before`: what was missed.
    pub fn latest_at_or_before(&self, tz: &TimeZone, t: Timestamp, not_before: Timestamp) -> Option<Fire> {
        let next = |second| {
            self.next_after(tz, Timestamp::from_second(second).ok()?)
                .filter(|next| next.at <= t)
        };

        // `last` happened, and after `end` nothing did: halve the time between them until there is none.
        // Some forty steps at most, however long the time and however busy the rule.
        let mut last = self
            .next_after(tz, moment_before(not_before))
            .filter(|first| first.at <= t)?;
        let mut end = t.as_second();
        while last.at.as_second() < end {
            let middle = last.at.as_second() + (end - last.at.as_second()) / 2;
            match next(middle) {
                Some(later) => last = later,
                None => end = middle,
            }
        }
        Some(last)
    }

    /// The time between the two occurrences around `t`; at either end of a rule, between the two nearest.
    /// [`Duration::MAX`] for a rule with fewer than two.
    pub fn period_near(&self, tz: &TimeZone, t: Timestamp) -> Duration {
        let before = |t| self.latest_at_or_before(tz, t, Timestamp::MIN);
        let after = |t| self.next_after(tz, t);
        let around = match (before(t), after(t)) {
            (Some(last), Some(next)) => Some((last, next)),
            (None, Some(first)) => after(first.at).map(|second| (first, second)),
            (Some(last), None) => before(moment_before(last.at)).map(|previous| (previous, last)),
            (None, None) => None,
        };
        around
            .and_then(|(from, to)| to.at.duration_since(from.at).try_into().ok())
            .unwrap_or(Duration::MAX)
    }

    /// Whether it fires at all within so many years after `from`. `0 9 31 2 *` never does.
    pub fn fires_within(&self, tz: &TimeZone, from: Timestamp, years: u16) -> bool {
        let years = SignedDuration::from_hours(i64::from(years) * 24 * 366);
        let until = from.checked_add(years).unwrap_or(Timestamp::MAX);
        self.next_after(tz, from).is_some_and(|fire| fire.at <= until)
    }

    /// The next time that the rule names, on a clock that never changes. Whole seconds.
    fn nominal_after(&self, wall: DateTime) -> Option<DateTime> {
        // The crate's years begin with 1970, and it takes negative ones for huge ones.
        let wall = wall.max(date(1969, 12, 31).at(23, 59, 59, 0));
        let second = Offset::UTC.to_timestamp(wall).ok()?.as_second();
        let next = self
            .0
            .schedule
            .after(&chrono::DateTime::from_timestamp(second, 0)?)
            .next()?;
        Some(Offset::UTC.to_datetime(Timestamp::from_second(next.timestamp()).ok()?))
    }
}

/// So that a time after it may be `wall` itself: rules know nothing finer than seconds.
fn just_before(wall: DateTime) -> DateTime {
    wall.saturating_sub(SignedDuration::from_secs(1))
}

/// From where to look on for times that the clocks did not leave out together with `nominal`.
fn past_gap(tz: &TimeZone, nominal: DateTime) -> DateTime {
    civil::gap_end(tz, nominal).map_or(nominal, |end| just_before(end).max(nominal))
}

fn moment_before(t: Timestamp) -> Timestamp {
    t.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(t)
}

#[cfg(test)]
mod tests;

//! How a text changes from day to day. While a template is worked out it notes what it asked of the calendar;
//! from that the days are found on which it may come out otherwise, or longer.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::dates::{category, formatted};

/// What a template asked of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// `years_since` of a year alone.
    YearsOf(i16),
    /// `years_since` of a day.
    Years(Date),
    /// `days_since`.
    DaysSince(Date),
    /// `days_until`.
    DaysUntil(Date),
    /// `date()`, in a format of its own or spelled.
    Today(Option<String>),
    /// `plural` of what was counted just before.
    Plural(Box<Term>),
}

impl Term {
    /// What is counted on `day`; below zero it cannot be said.
    pub fn count(&self, day: Date) -> Option<i64> {
        Some(match self {
            Self::YearsOf(year) => i64::from(day.year()) - i64::from(*year),
            Self::Years(since) => {
                let before_anniversary = (day.month(), day.day()) < (since.month(), since.day());
                i64::from(day.year()) - i64::from(since.year()) - i64::from(before_anniversary)
            }
            Self::DaysSince(since) => i64::from((day - *since).get_days()),
            Self::DaysUntil(until) => i64::from((*until - day).get_days()),
            Self::Plural(of) => return of.count(day),
            Self::Today(_) => return None,
        })
    }

    /// The first day after `day` on which its value may be another.
    fn next(&self, day: Date) -> Option<Date> {
        match self {
            Self::YearsOf(_) => day.year().checked_add(1).map(|year| date(year, 1, 1)),
            Self::Years(since) => {
                let tomorrow = day.tomorrow().ok()?;
                // The 29th of February has its anniversary on the 1st of March in other years.
                let anniversary = |year| {
                    Date::new(year, since.month(), since.day())
                        .or_else(|_| Date::new(year, since.month() + 1, 1))
                        .ok()
                };
                let this = anniversary(day.year()).filter(|this| *this >= tomorrow);
                this.or_else(|| anniversary(day.year().checked_add(1)?))
            }
            Self::Plural(of) => of.next(day),
            Self::DaysSince(_) | Self::DaysUntil(_) | Self::Today(_) => day.tomorrow().ok(),
        }
    }

    /// What decides how long its words are on `day`, and whether there are any: on two days with the same
    /// shape they differ in nothing but the digits.
    fn shape(&self, day: Date, language: &str) -> (u8, u64) {
        let digits = |n: i64| u64::from(n.checked_ilog10().unwrap_or(0));
        match (self, self.count(day)) {
            (_, Some(n)) if n < 0 => (0, 0),
            // Every form has its own words.
            (Self::Plural(_), Some(n)) => (10 + category(n, language) as u8, digits(n)),
            (Self::Today(Some(format)), _) => {
                let said = formatted(day, format, language).unwrap_or_default();
                (2, said.len() as u64)
            }
            // The first has a form of its own in some languages.
            (Self::Today(None), _) => {
                let number = match day.day() {
                    1 => 0,
                    2..10 => 1,
                    _ => 2,
                };
                (3, u64::from(day.month().unsigned_abs()) * 3 + number)
            }
            (_, Some(n)) => (1, digits(n)),
            (_, None) => (1, 0),
        }
    }
}

/// The days after `first` on which a text that asked for `terms` may be longer than before, or cannot be
/// said; `next` gives the first day at or after another on which it goes out at all.
///
/// A text that only says what it asked for (`plain`) is the same but for its digits on all days of one shape,
/// so one day of each is enough. One that compares or calculates can come out otherwise whenever a value does.
pub fn turning_days(
    terms: &[Term],
    plain: bool,
    language: &str,
    first: Date,
    mut next: impl FnMut(Date) -> Option<Date>,
) -> Vec<Date> {
    let shape = |day| {
        terms
            .iter()
            .map(|term| term.shape(day, language))
            .collect::<Vec<_>>()
    };
    let mut seen = BTreeSet::from([shape(first)]);
    let mut days = Vec::new();
    let mut day = first;
    while let Some(change) = terms.iter().filter_map(|term| term.next(day)).min() {
        match next(change) {
            // Each step leads on.
            Some(later) if later > day => day = later,
            _ => break,
        }
        if !plain || seen.insert(shape(day)) {
            days.push(day);
        }
    }
    days
}

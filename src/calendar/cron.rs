//! Recurring rules: `0 9 * * MON`, read with care and turned into instants.
//!
//! The `cron` crate says which times of the clock a rule names, and nothing else: given a real time zone it
//! skips a post in spring, doubles one in autumn and can run backwards. So it is shown a clock that never
//! changes, and [`civil`] says when the times it gives really are. Its reading of a rule is hidden too: it
//! counts the days of the week from 1, and its errors don't help someone who is not a programmer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use cron::Schedule;
use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::civil::{self, Resolved};

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

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The bytes of the rule that are wrong; `None`: all of it.
    pub at: Option<Range<usize>>,
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
        let schedule = Reader { source }.read()?;
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

/// What may stand in one of a rule's fields.
struct Field {
    kind: Kind,
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of the values, from `least` on. Three letters of one are enough.
    names: &'static [&'static str],
}

#[derive(PartialEq)]
enum Kind {
    Plain,
    /// `?` may stand for `*`; other programs have letters for days that are to be worked out.
    Day,
    /// The same, and 0 and 7 are both Sunday, so a range may go past the end of the week.
    Weekday,
}

const fn number(name: &'static str, least: u32, most: u32) -> Field {
    Field {
        kind: Kind::Plain,
        name,
        least,
        most,
        names: &[],
    }
}

/// All there are, in the order in which the crate wants them.
static FIELDS: [Field; 7] = [
    number("second", 0, 59),
    number("minute", 0, 59),
    number("hour", 0, 23),
    Field {
        kind: Kind::Day,
        ..number("day of the month", 1, 31)
    },
    Field {
        names: &MONTHS,
        ..number("month", 1, 12)
    },
    Field {
        kind: Kind::Weekday,
        names: &WEEKDAYS,
        ..number("day of the week", 0, 7)
    },
    number("year", 1970, 2100),
];

const MONTHS: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];
const WEEKDAYS: [&str; 7] = [
    "SUNDAY",
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
];

/// Rules that have a name.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 0 * * * *"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@weekly", "0 0 0 * * SUN"),
    ("@monthly", "0 0 0 1 * *"),
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
];

const FIVE_FIELDS: &str = "write minute, hour, day of the month, month and day of the week: `0 9 * * MON` is \
                           every Monday at 09:00";

/// Reads one rule. All of it is checked here, and the crate is given plain lists of values.
struct Reader<'a> {
    source: &'a str,
}

impl<'a> Reader<'a> {
    fn read(&self) -> Result<Schedule, CronError> {
        let words: Vec<&str> = self.source.split_whitespace().collect();
        let plain = match words.as_slice() {
            [] => return Err(all_wrong("the rule is empty", FIVE_FIELDS)),
            [name, rest @ ..] if name.starts_with('@') => self.nickname(name, rest.first().copied())?,
            words => self.fields(words)?,
        };
        // No rule is known that gets this far and is refused.
        Schedule::from_str(&plain)
            .map_err(|e| all_wrong(&format!("the rule is not understood: {e}"), FIVE_FIELDS))
    }

    /// `@daily`, in any case.
    fn nickname(&self, name: &'a str, more: Option<&'a str>) -> Result<String, CronError> {
        let lower = name.to_lowercase();
        if lower == "@reboot" {
            return Err(self.wrong(
                name,
                "`@reboot` is not a time: a restart of this program must never post anything",
                "write when it should go out: `0 9 * * MON` is every Monday at 09:00",
            ));
        }
        let Some((_, plain)) = NICKNAMES.iter().find(|(known, _)| *known == lower) else {
            let help = match nearest(&lower, NICKNAMES.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write one of @hourly, @daily, @weekly, @monthly, @yearly, or five fields".to_owned(),
            };
            return Err(self.wrong(name, format!("there is no rule named `{name}`"), help));
        };
        match more {
            Some(more) => Err(self.wrong(
                more,
                format!("nothing can follow `{name}`, which is a whole rule"),
                "leave this out, or write the time in five fields: `30 9 * * *` is every day at 09:30",
            )),
            None => Ok((*plain).to_owned()),
        }
    }

    /// Five fields, or six or seven that begin with the seconds, as the crate wants them.
    fn fields(&self, words: &[&'a str]) -> Result<String, CronError> {
        self.refuse_strangers(words)?;
        let unix = words.len() == 5;
        if !(5..=7).contains(&words.len()) {
            let count = words.len();
            return Err(all_wrong(
                &format!("a rule has five fields, and this one has {count}"),
                FIVE_FIELDS,
            ));
        }
        let fields = FIELDS.iter().skip(usize::from(unix));
        let mut plain = fields
            .zip(words)
            .map(|(field, word)| self.field(field, word, unix))
            .collect::<Result<Vec<_>, _>>()?;
        if unix {
            plain.insert(0, "0".to_owned());
        }
        if let [_, _, _, day, _, weekday, ..] = plain.as_slice()
            && day != "*"
            && weekday != "*"
        {
            let at = match words.get(if unix { 2..5 } else { 3..6 }) {
                Some([day, .., weekday]) => Some(self.place(day).start..self.place(weekday).end),
                _ => None,
            };
            let help = "programs differ on whether one or both must match: write `*` for one of them, and two \
                        messages if either should do";
            return Err(CronError {
                message: "both the day of the month and the day of the week are set".to_owned(),
                help: help.to_owned(),
                at,
            });
        }
        Ok(plain.join(" "))
    }

    /// What is common elsewhere and would be misread here: a zone of the rule's own, and fields with spaces
    /// inside, which look like more fields.
    fn refuse_strangers(&self, words: &[&'a str]) -> Result<(), CronError> {
        for word in words {
            let lower = word.to_lowercase();
            if lower.starts_with("tz=") || lower.starts_with("cron_tz=") {
                return Err(self.wrong(
                    word,
                    "a rule can't have a time zone of its own",
                    "leave this out: all times are in the campaign's `timezone`",
                ));
            }
            if word.split([',', '-', '/']).any(str::is_empty) {
                return Err(self.wrong(
                    word,
                    format!("something is missing in `{word}`"),
                    "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
                ));
            }
        }
        Ok(())
    }

    /// One field, as a list of values: `0,15,30,45`; `*` if it has them all. The days of the week go by
    /// their names, for the crate counts them from another day.
    fn field(&self, field: &Field, word: &'a str, unix: bool) -> Result<String, CronError> {
        let mut values = BTreeSet::new();
        for item in word.split(',') {
            self.refuse_letters(field, item)?;
            values.extend(self.item(field, item, unix)?);
        }
        if field.kind != Kind::Weekday {
            let all = (field.least..=field.most).all(|value| values.contains(&value));
            let list: Vec<String> = values.iter().map(u32::to_string).collect();
            return Ok(if all { "*".to_owned() } else { list.join(",") });
        }
        let names: Vec<&str> = (0..)
            .zip(WEEKDAYS)
            .filter(|(day, _)| values.contains(day))
            .map(|(_, name)| name)
            .collect();
        Ok(if names.len() == WEEKDAYS.len() {
            "*".to_owned()
        } else {
            names.join(",")
        })
    }

    /// The values of `*`, `9`, `9-17`, `*/15`, `9-17/2` or `9/2` (from 9 to the end).
    fn item(&self, field: &Field, item: &'a str, unix: bool) -> Result<Vec<u32>, CronError> {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(self.step(field, step)?)),
            None => (item, None),
        };
        let week = field.kind == Kind::Weekday;
        let last = if week { 6 } else { field.most };
        let (from, to) = if span == "*" || (span == "?" && field.kind != Kind::Plain) {
            (field.least, last)
        } else if let Some((a, b)) = span.split_once('-') {
            match (self.value(field, a, unix)?, self.value(field, b, unix)?) {
                // Sunday is 0 where a range begins. One that ends before it begins goes into the next week.
                (from, to) if week => {
                    let (from, to) = if from == 7 { (0, to % 7) } else { (from, to) };
                    (from, if to < from { to + 7 } else { to })
                }
                (from, to) if to < from => return Err(self.backwards(field, span, a, b)),
                range => range,
            }
        } else {
            let value = self.value(field, span, unix)?;
            let value = if week { value % 7 } else { value };
            (value, if step.is_some() { last } else { value })
        };
        let values = (from..=to).step_by(step.unwrap_or(1));
        Ok(if week {
            values.map(|day| day % 7).collect()
        } else {
            values.collect()
        })
    }

    fn step(&self, field: &Field, step: &'a str) -> Result<usize, CronError> {
        let most = field.most;
        let number = step.bytes().all(|b| b.is_ascii_digit());
        step.parse()
            .ok()
            .filter(|n| number && (1..=most).contains(n))
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| {
                self.wrong(
                    step,
                    format!("`{step}` is not a step of the {}", field.name),
                    format!("write a number from 1 to {most} after the `/`: `*/2` is every second one"),
                )
            })
    }

    /// A number or a name. Numbers of weekdays mean what they mean in Unix; with seconds in front, some
    /// programs count from Sunday as 1, so there they are refused.
    fn value(&self, field: &Field, atom: &'a str, unix: bool) -> Result<u32, CronError> {
        let Field {
            name, least, most, ..
        } = *field;
        if !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_digit()) {
            if field.kind == Kind::Weekday && !unix {
                return Err(self.wrong(
                    atom,
                    format!("programs differ on which day of the week `{atom}` is when a rule has seconds"),
                    "write MON, TUE, WED, THU, FRI, SAT or SUN",
                ));
            }
            return match atom.parse() {
                Ok(value) if (least..=most).contains(&value) => Ok(value),
                Ok(value) if value < least => Err(self.wrong(
                    atom,
                    format!("the {name} is at least {least}, and this is {atom}"),
                    allowed(field),
                )),
                _ => Err(self.wrong(
                    atom,
                    format!("the {name} is at most {most}, and this is {atom}"),
                    if name == "hour" && atom == "24" {
                        "midnight is 0".to_owned()
                    } else {
                        allowed(field)
                    },
                )),
            };
        }
        let upper = atom.to_uppercase();
        if let Some((value, _)) = (least..)
            .zip(field.names)
            .find(|(_, name)| is_short_for(&upper, name))
        {
            return Ok(value);
        }
        let short = field.names.iter().filter_map(|name| name.get(..3));
        let help = match nearest(&upper, short.chain(field.names.iter().copied())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => allowed(field),
        };
        Err(self.wrong(atom, format!("`{atom}` is not understood as the {name}"), help))
    }

    /// Other programs know the last day of the month, the working day nearest to one, the second Monday.
    fn refuse_letters(&self, field: &Field, item: &'a str) -> Result<(), CronError> {
        let upper = item.to_uppercase();
        let letter = |atom: &str| {
            let stem = atom.trim_end_matches(['L', 'W']);
            let known = stem.is_empty()
                || stem.bytes().all(|b| b.is_ascii_digit())
                || WEEKDAYS.iter().any(|name| is_short_for(stem, name));
            stem.len() < atom.len() && known
        };
        if field.kind != Kind::Plain && (item.contains('#') || upper.split('-').any(letter)) {
            return Err(self.wrong(
                item,
                format!("`{item}` is not understood: `L`, `W` and `#` of other programs are not known here"),
                "write the days themselves, such as `28` or `MON-FRI`, or a message with `at` for each date",
            ));
        }
        Ok(())
    }

    fn backwards(&self, field: &Field, span: &'a str, a: &str, b: &str) -> CronError {
        let least = field.names.first().and_then(|name| name.get(..3));
        let most = field.names.last().and_then(|name| name.get(..3));
        let help = if field.name == "year" {
            format!("write `{b}-{a}`")
        } else {
            let least = least.map_or(field.least.to_string(), str::to_owned);
            let most = most.map_or(field.most.to_string(), str::to_owned);
            format!("write `{a}-{most},{least}-{b}`")
        };
        self.wrong(span, format!("the range `{span}` ends before it begins"), help)
    }

    /// `part` must be a piece of the rule.
    fn wrong(&self, part: &str, message: impl Into<String>, help: impl Into<String>) -> CronError {
        CronError {
            message: message.into(),
            help: help.into(),
            at: Some(self.place(part)),
        }
    }

    /// Where in the rule a piece of it is.
    fn place(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr().addr().saturating_sub(self.source.as_ptr().addr());
        start..start + part.len()
    }
}

fn all_wrong(message: &str, help: &str) -> CronError {
    CronError {
        message: message.to_owned(),
        help: help.to_owned(),
        at: None,
    }
}

/// Whether `word` is `name` or begins it, with three letters at least: MON, THURS, SEPT.
fn is_short_for(word: &str, name: &str) -> bool {
    word.len() >= 3 && name.starts_with(word)
}

/// The values of a field, as advice.
fn allowed(field: &Field) -> String {
    let Field { least, most, .. } = *field;
    match field.kind {
        Kind::Weekday => "write SUN, MON, TUE, WED, THU, FRI or SAT".to_owned(),
        _ if !field.names.is_empty() => {
            format!("write a number from {least} to {most}, or a name such as JAN")
        }
        _ => format!("write a number from {least} to {most}"),
    }
}

/// The one of `known` that was most likely meant.
fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= name.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(source: &str) -> Cron {
        Cron::parse(source).unwrap_or_else(|error| panic!("{source}: {error:?}"))
    }

    fn zone(name: &str) -> TimeZone {
        civil::zone(name).unwrap()
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The first `count` occurrences after `t`.
    fn fires(source: &str, tz: &TimeZone, mut t: Timestamp, count: usize) -> Vec<Fire> {
        let rule = rule(source);
        let next = || {
            let fire = rule.next_after(tz, t)?;
            t = fire.at;
            Some(fire)
        };
        std::iter::from_fn(next).take(count).collect()
    }

    fn times(source: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
        fires(source, &zone(zone_name), utc(after), count)
            .iter()
            .map(|fire| fire.at.to_string())
            .collect()
    }

    // ---- When -----------------------------------------------------------------------------------------

    #[test]
    fn each_zone_and_rule_has_the_times_it_must_have() {
        for (zone_name, source, after, expected) in [
            (
                "America/Chicago",
                "30 2 * * *",
                "2027-03-13T20:00:00Z",
                vec![
                    "2027-03-14T08:30:00Z",
                    "2027-03-15T07:30:00Z",
                    "2027-03-16T07:30:00Z",
                ],
            ),
            (
                "America/Chicago",
                "0,30 2 * * *",
                "2027-03-13T20:00:00Z",
                vec![
                    "2027-03-14T08:00:00Z",
                    "2027-03-14T08:30:00Z",
                    "2027-03-15T07:00:00Z",
                    "2027-03-15T07:30:00Z",
                ],
            ),
            (
                "America/Chicago",
                "*/15 * * * *",
                "2027-03-14T07:40:00Z",
                vec![
                    "2027-03-14T07:45:00Z",
                    "2027-03-14T08:00:00Z",
                    "2027-03-14T08:15:00Z",
                ],
            ),
            (
                "America/Chicago",
                "30 1 * * *",
                "2026-10-31T20:00:00Z",
                vec!["2026-11-01T06:30:00Z", "2026-11-02T07:30:00Z"],
            ),
            (
                "America/Chicago",
                "30 2 * * *",
                "2026-10-31T20:00:00Z",
                vec!["2026-11-01T08:30:00Z", "2026-11-02T08:30:00Z"],
            ),
            (
                "America/Chicago",
                "*/30 * * * *",
                "2026-11-01T06:00:00Z",
                vec![
                    "2026-11-01T06:30:00Z",
                    "2026-11-01T08:00:00Z",
                    "2026-11-01T08:30:00Z",
                ],
            ),
            (
                "America/Chicago",
                "0 * * * *",
                "2026-11-01T05:30:00Z",
                vec![
                    "2026-11-01T06:00:00Z",
                    "2026-11-01T08:00:00Z",
                    "2026-11-01T09:00:00Z",
                ],
            ),
            (
                "Europe/London",
                "30 1 * * *",
                "2026-10-24T20:00:00Z",
                vec!["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
            ),
            (
                "Australia/Lord_Howe",
                "15 2 * * *",
                "2026-10-02T20:00:00Z",
                vec!["2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"],
            ),
            (
                "Australia/Lord_Howe",
                "45 1 * * *",
                "2027-04-02T20:00:00Z",
                vec!["2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"],
            ),
            (
                "Australia/Lord_Howe",
                "0 * * * *",
                "2027-04-03T13:30:00Z",
                vec![
                    "2027-04-03T14:00:00Z",
                    "2027-04-03T15:30:00Z",
                    "2027-04-03T16:30:00Z",
                ],
            ),
            (
                "America/Santiago",
                "0 0 * * *",
                "2026-09-05T12:00:00Z",
                vec!["2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"],
            ),
            (
                "Pacific/Apia",
                "0 9 30 12 *",
                "2011-12-01T00:00:00Z",
                vec!["2012-12-29T19:00:00Z"],
            ),
            (
                "Africa/Casablanca",
                "30 2 * * *",
                "2027-02-06T12:00:00Z",
                vec!["2027-02-07T02:30:00Z"],
            ),
            (
                "America/Vancouver",
                "0 9 * * *",
                "2026-11-30T20:00:00Z",
                vec!["2026-12-01T16:00:00Z"],
            ),
            (
                "UTC",
                "0 9 * * 1",
                "2026-11-23T12:00:00Z",
                vec!["2026-11-30T09:00:00Z"],
            ),
            (
                "UTC",
                "0 9 * * 7",
                "2026-11-23T12:00:00Z",
                vec!["2026-11-29T09:00:00Z"],
            ),
            (
                "UTC",
                "0 9 * * 5-1",
                "2026-11-23T12:00:00Z",
                vec![
                    "2026-11-27T09:00:00Z",
                    "2026-11-28T09:00:00Z",
                    "2026-11-29T09:00:00Z",
                    "2026-11-30T09:00:00Z",
                ],
            ),
            (
                "UTC",
                "0 9 29 2 *",
                "2026-11-23T12:00:00Z",
                vec!["2028-02-29T09:00:00Z", "2032-02-29T09:00:00Z"],
            ),
        ] {
            assert_eq!(
                times(source, zone_name, after, expected.len()),
                expected,
                "{source} in {zone_name}"
            );
        }
    }

    #[test]
    fn t5_each_time_of_the_missing_hour_goes_out_once() {
        for (zone_name, from, until) in [
            ("America/New_York", "2027-03-14T06:59:59Z", "2027-03-14T09:00:00Z"),
            ("Asia/Gaza", "2026-03-27T23:59:59Z", "2026-03-28T02:00:00Z"),
            // The last jump forward there, at the end of Ramadan.
            (
                "Africa/Casablanca",
                "2026-03-22T01:59:59Z",
                "2026-03-22T04:00:00Z",
            ),
        ] {
            let night: Vec<Fire> = fires("30 2,3 * * *", &zone(zone_name), utc(from), 4)
                .into_iter()
                .filter(|fire| fire.at < utc(until))
                .collect();
            // 02:30 would be 03:30, which has its own.
            assert_eq!(night.len(), 1, "{zone_name}: {night:?}");
            assert!(!night[0].moved);
            let night = fires("30 2 * * *", &zone(zone_name), utc(from), 1);
            assert!(
                night[0].moved && night[0].at < utc(until),
                "{zone_name}: {night:?}"
            );
        }
    }

    #[test]
    fn t5_a_moved_time_that_meets_another_is_dropped() {
        assert_eq!(
            times("*/30 1-3 * * *", "America/Chicago", "2027-03-14T06:00:00Z", 5),
            [
                "2027-03-14T07:00:00Z",
                "2027-03-14T07:30:00Z",
                "2027-03-14T08:00:00Z",
                "2027-03-14T08:30:00Z",
                "2027-03-15T06:00:00Z"
            ]
        );
    }

    #[test]
    fn t5_moved_times_take_their_place_among_the_others() {
        let lord_howe = times(
            "10,20,40 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T15:00:00Z",
            4,
        );
        // 02:10 and 02:20 are left out; they become 02:40, which is there already, and 02:50.
        assert_eq!(
            lord_howe,
            [
                "2026-10-03T15:40:00Z",
                "2026-10-03T15:50:00Z",
                "2026-10-04T15:10:00Z",
                "2026-10-04T15:20:00Z"
            ]
        );
    }

    #[test]
    fn t5_the_busiest_rule_crosses_a_gap() {
        assert_eq!(
            times("* * * * * *", "America/Chicago", "2027-03-14T07:59:58Z", 3),
            [
                "2027-03-14T07:59:59Z",
                "2027-03-14T08:00:00Z",
                "2027-03-14T08:00:01Z"
            ]
        );
        assert_eq!(
            times("* * * * * *", "Pacific/Apia", "2011-12-30T09:59:58Z", 3),
            [
                "2011-12-30T09:59:59Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T10:00:01Z"
            ]
        );
    }

    #[test]
    fn t6_the_repeated_hour_fires_once() {
        let night = |source| times(source, "America/New_York", "2026-11-01T04:00:00Z", 3);
        assert_eq!(
            night("30 1 * * *")[..2],
            ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
        );
        assert_eq!(
            night("*/30 1 * * *"),
            [
                "2026-11-01T05:00:00Z",
                "2026-11-01T05:30:00Z",
                "2026-11-02T06:00:00Z"
            ]
        );
    }

    #[test]
    fn t6_asking_in_the_second_pass_looks_ahead() {
        let chicago = zone("America/Chicago");
        for (t, next) in [
            ("2026-11-01T06:50:00Z", "2026-11-01T08:00:00Z"),
            ("2026-11-01T07:00:00Z", "2026-11-01T08:00:00Z"),
            ("2026-11-01T07:10:00Z", "2026-11-01T08:00:00Z"),
            ("2026-11-01T07:59:59.999999999Z", "2026-11-01T08:00:00Z"),
        ] {
            assert_eq!(
                rule("*/30 * * * *").next_after(&chicago, utc(t)).unwrap().at,
                utc(next),
                "{t}"
            );
        }
    }

    #[test]
    fn t7_a_skipped_day_is_skipped_and_a_gap_at_midnight_is_one_oclock() {
        let apia = times("* * * * *", "Pacific/Apia", "2011-12-30T09:58:30Z", 3);
        // 23:59 on the 29th, then 00:00 and 00:01 on the 31st.
        assert_eq!(
            apia,
            [
                "2011-12-30T09:59:00Z",
                "2011-12-30T10:00:00Z",
                "2011-12-30T10:01:00Z"
            ]
        );
        assert_eq!(
            times("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2),
            ["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z"]
        );
        let sao_paulo = fires(
            "0 0 * * *",
            &zone("America/Sao_Paulo"),
            utc("2018-11-03T12:00:00Z"),
            2,
        );
        assert_eq!(sao_paulo[0].at, utc("2018-11-04T03:00:00Z"));
        assert_eq!(sao_paulo[0].nominal, date(2018, 11, 4).at(0, 0, 0, 0));
        assert!(sao_paulo[0].moved && !sao_paulo[1].moved);
    }

    #[test]
    fn t8_days_that_a_month_lacks_are_left_out() {
        assert_eq!(
            times("0 9 31 * *", "UTC", "2027-01-01T00:00:00Z", 3),
            [
                "2027-01-31T09:00:00Z",
                "2027-03-31T09:00:00Z",
                "2027-05-31T09:00:00Z"
            ]
        );
        assert_eq!(times("0 9 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), [""; 0]);
        assert!(Cron::parse("0 9 L * *").unwrap_err().help.contains("`at`"));
        assert!(Cron::parse("0 9 LW * *").unwrap_err().help.contains("`at`"));
    }

    #[test]
    fn a_rule_that_never_fires_says_so_at_once() {
        let from = utc("2026-11-23T12:00:00Z");
        for (source, fires) in [
            ("0 9 31 2 *", false),
            ("0 0 9 * * MON 2020", false),
            ("0 0 9 * * MON 2032", false),
            ("0 0 9 * * MON 2031", true),
            ("0 9 29 2 *", true),
            ("0 9 * * *", true),
        ] {
            assert_eq!(
                rule(source).fires_within(&TimeZone::UTC, from, 5),
                fires,
                "{source}"
            );
        }
        for t in [Timestamp::MIN, Timestamp::MAX] {
            rule("0 9 * * *").next_after(&zone("America/Chicago"), t);
            assert_eq!(rule("0 9 31 2 *").next_after(&zone("America/Chicago"), t), None);
            assert_eq!(
                rule("0 9 31 2 *").latest_at_or_before(&TimeZone::UTC, t, Timestamp::MIN),
                None
            );
        }
    }

    #[test]
    fn the_last_one_missed() {
        let tz = zone("America/Chicago");
        let last = |source, t, not_before| {
            rule(source)
                .latest_at_or_before(&tz, utc(t), utc(not_before))
                .map(|fire| (fire.at.to_string(), fire.nominal.to_string()))
        };
        let pair = |at: &str, nominal: &str| Some((at.to_owned(), nominal.to_owned()));
        let long_ago = "2000-01-01T00:00:00Z";
        assert_eq!(
            last("0 9 * * MON", "2026-12-05T00:00:00Z", long_ago),
            pair("2026-11-30T15:00:00Z", "2026-11-30T09:00:00")
        );
        // Both ends count.
        let due = "2026-11-30T15:00:00Z";
        assert_eq!(last("0 9 * * MON", due, due), pair(due, "2026-11-30T09:00:00"));
        assert_eq!(
            last(
                "0 9 * * MON",
                "2026-12-05T00:00:00Z",
                "2026-11-30T15:00:00.000000001Z"
            ),
            None
        );
        // A moved one, asked for among times that the clocks did show.
        assert_eq!(
            last("30 2 * * *", "2027-03-14T12:00:00Z", long_ago),
            pair("2027-03-14T08:30:00Z", "2027-03-14T02:30:00")
        );
        // The second pass of an hour has none of its own.
        assert_eq!(
            last("*/30 * * * *", "2026-11-01T07:59:59Z", long_ago),
            pair("2026-11-01T06:30:00Z", "2026-11-01T01:30:00")
        );
        // A year that is long over.
        assert_eq!(
            last("0 0 9 1 12 ? 2020", "2026-03-01T00:00:00Z", long_ago),
            pair("2020-12-01T15:00:00Z", "2020-12-01T09:00:00")
        );
        assert_eq!(
            last("* * * * * *", "1969-12-31T23:59:59.5Z", "1960-01-01T00:00:00Z"),
            None
        );
        let tokyo = rule("* * * * * *").latest_at_or_before(
            &zone("Asia/Tokyo"),
            utc("1969-12-31T23:59:58.5Z"),
            Timestamp::MIN,
        );
        assert_eq!(tokyo.unwrap().at, utc("1969-12-31T23:59:58Z"));
    }

    #[test]
    fn the_period_is_the_time_between_neighbours() {
        let hours = |source, t| {
            rule(source)
                .period_near(&zone("America/Chicago"), utc(t))
                .as_secs()
                / 3600
        };
        assert_eq!(hours("0 9 * * *", "2026-12-01T00:00:00Z"), 24);
        assert_eq!(hours("0 9 * * *", "2027-03-14T00:00:00Z"), 23);
        assert_eq!(hours("0 9 * * MON,WED", "2026-12-01T00:00:00Z"), 48);
        assert_eq!(hours("0 9 * * MON,WED", "2026-12-03T00:00:00Z"), 5 * 24);
        // At the very time of one, the time after it.
        assert_eq!(hours("0 9 * * MON,WED", "2026-12-02T15:00:00Z"), 5 * 24);
        // Before the first and after the last.
        assert_eq!(hours("0 0 9 1,3 12 ? 2026", "2026-01-01T00:00:00Z"), 48);
        assert_eq!(hours("0 0 9 1,3 12 ? 2026", "2027-01-01T00:00:00Z"), 48);
        let once = rule("0 0 9 1 12 ? 2026").period_near(&TimeZone::UTC, utc("2026-12-01T09:00:00Z"));
        assert_eq!(once, Duration::MAX);
        let never = rule("0 9 31 2 *").period_near(&TimeZone::UTC, utc("2026-12-01T09:00:00Z"));
        assert_eq!(never, Duration::MAX);
    }

    // ---- Reading --------------------------------------------------------------------------------------

    #[test]
    fn rules_that_say_the_same_have_the_same_times() {
        let tz = zone("America/Chicago");
        let from = utc("2026-11-23T12:00:00Z");
        for (a, b) in [
            ("0 9 * * 1", "0 9 * * MON"),
            ("0 9 * * 1", "0 0 9 * * mon"),
            ("0 9 * * 1", "  00\t09  ?  *  Monday "),
            ("0 9 * * 0", "0 9 * * 7"),
            ("0 9 * * 0", "0 9 * * sun"),
            ("0 9 * * 1-5", "0 9 * * MON-FRI"),
            ("0 9 * * 5-1", "0 9 * * FRI,SAT,SUN,MON"),
            ("0 9 * * FRI-MON", "0 9 * * 5-7,1"),
            ("0 9 * * SAT-SUN", "0 9 * * 6,0"),
            ("0 9 * * 6-0", "0 9 * * 6-7"),
            ("0 9 * * 7-2", "0 9 * * 0-2"),
            ("0 9 * * 7-7", "0 9 * * SUN"),
            ("0 9 * * 7-0", "0 9 * * SUN"),
            ("0 9 * * 0-7", "0 9 * * *"),
            ("0 9 * * 1-0", "0 9 * * *"),
            ("0 9 * * */2", "0 9 * * 0,2,4,6"),
            ("0 9 * * 1-5/2", "0 9 * * 1,3,5"),
            ("0 9 * * 5-1/2", "0 9 * * 5,7"),
            ("0 9 * * 2/2", "0 9 * * 2,4,6"),
            ("0 0 9 * * */2", "0 9 * * SUN,TUE,THU,SAT"),
            ("0 9 * * thurs", "0 9 * * 4"),
            ("0 9 1 sept *", "0 9 1 9 *"),
            ("0 9 1 JAN-3 *", "0 9 1 1,2,3 *"),
            ("0 9-17/4 * * *", "0 9,13,17 * * *"),
            ("5/20 9 * * *", "5,25,45 9 * * *"),
            ("*,5 9 * * *", "* 9 * * *"),
            ("0 9 1-31 * MON", "0 9 * * MON"),
            ("0 9 ? * MON", "0 9 * * MON"),
            ("0 9 1 * ?", "0 9 1 * *"),
            ("30 0 9 * * * 2026-2028", "30 0 9 * * *"),
            ("@hourly", "0 * * * *"),
            ("@daily", "0 0 * * *"),
            ("@Midnight", "0 0 * * *"),
            ("@WEEKLY", "0 0 * * 0"),
            ("@monthly", "0 0 1 * *"),
            ("@yearly", "0 0 1 1 *"),
            (" @annually ", "0 0 1 1 *"),
        ] {
            let at = |source| {
                fires(source, &tz, from, 9)
                    .iter()
                    .map(|fire| fire.at)
                    .collect::<Vec<_>>()
            };
            assert_eq!(at(a), at(b), "{a} and {b}");
        }
    }

    #[test]
    fn wrong_rules_are_refused_with_the_place_and_what_to_write() {
        for (source, wrong, message, help) in [
            (
                "75 9 * * *",
                "75",
                "the minute is at most 59, and this is 75",
                "write a number from 0 to 59",
            ),
            (
                "0 24 * * *",
                "24",
                "the hour is at most 23, and this is 24",
                "midnight is 0",
            ),
            (
                "0 9 0 * *",
                "0",
                "the day of the month is at least 1, and this is 0",
                "write a number from 1 to 31",
            ),
            (
                "0 9 1,32 * *",
                "32",
                "the day of the month is at most 31, and this is 32",
                "write a number from 1 to 31",
            ),
            (
                "0 9 * 13 *",
                "13",
                "the month is at most 12, and this is 13",
                "write a number from 1 to 12, or a name such as JAN",
            ),
            (
                "0 9 * * 8",
                "8",
                "the day of the week is at most 7, and this is 8",
                "write SUN, MON, TUE, WED, THU, FRI or SAT",
            ),
            (
                "99999999999 9 * * *",
                "99999999999",
                "the minute is at most 59, and this is 99999999999",
                "write a number from 0 to 59",
            ),
            (
                "0 0 9 * * MON 1969",
                "1969",
                "the year is at least 1970, and this is 1969",
                "write a number from 1970 to 2100",
            ),
            (
                "60 0 9 * * MON",
                "60",
                "the second is at most 59, and this is 60",
                "write a number from 0 to 59",
            ),
            (
                "0 9 * * MOM",
                "MOM",
                "`MOM` is not understood as the day of the week",
                "did you mean `MON`?",
            ),
            (
                "0 9 * Juli *",
                "Juli",
                "`Juli` is not understood as the month",
                "did you mean `JUL`?",
            ),
            (
                "x 9 * * *",
                "x",
                "`x` is not understood as the minute",
                "write a number from 0 to 59",
            ),
            (
                "? 9 * * *",
                "?",
                "`?` is not understood as the minute",
                "write a number from 0 to 59",
            ),
            (
                "5* 9 * * *",
                "5*",
                "`5*` is not understood as the minute",
                "write a number from 0 to 59",
            ),
            (
                "0 9 * * *2030",
                "*2030",
                "`*2030` is not understood as the day of the week",
                "write SUN, MON, TUE, WED, THU, FRI or SAT",
            ),
            (
                "0 ９ * * *",
                "９",
                "`９` is not understood as the hour",
                "write a number from 0 to 23",
            ),
            (
                "*/0 9 * * *",
                "0",
                "`0` is not a step of the minute",
                "write a number from 1 to 59 after the `/`: `*/2` is every second one",
            ),
            (
                "*/60 9 * * *",
                "60",
                "`60` is not a step of the minute",
                "write a number from 1 to 59 after the `/`: `*/2` is every second one",
            ),
            (
                "*/5/2 9 * * *",
                "5/2",
                "`5/2` is not a step of the minute",
                "write a number from 1 to 59 after the `/`: `*/2` is every second one",
            ),
            (
                "0 22-6 * * *",
                "22-6",
                "the range `22-6` ends before it begins",
                "write `22-23,0-6`",
            ),
            (
                "0 9 * NOV-FEB *",
                "NOV-FEB",
                "the range `NOV-FEB` ends before it begins",
                "write `NOV-DEC,JAN-FEB`",
            ),
            (
                "0 0 9 * * ? 2030-2026",
                "2030-2026",
                "the range `2030-2026` ends before it begins",
                "write `2026-2030`",
            ),
            (
                "0 0 9 * * 1",
                "1",
                "programs differ on which day of the week `1` is when a rule has seconds",
                "write MON, TUE, WED, THU, FRI, SAT or SUN",
            ),
            (
                "0 9 * * MON, WED",
                "MON,",
                "something is missing in `MON,`",
                "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
            ),
            (
                "0 9 * * MON - FRI",
                "-",
                "something is missing in `-`",
                "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
            ),
            (
                "5-/2 9 * * *",
                "5-/2",
                "something is missing in `5-/2`",
                "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
            ),
            (
                "*/+5 9 * * *",
                "+5",
                "`+5` is not a step of the minute",
                "write a number from 1 to 59 after the `/`: `*/2` is every second one",
            ),
            (
                "0 9 1,,2 * *",
                "1,,2",
                "something is missing in `1,,2`",
                "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
            ),
            (
                "0 9 1 * MON",
                "1 * MON",
                "both the day of the month and the day of the week are set",
                "programs differ on whether one or both must match: write `*` for one of them, and two messages if either should do",
            ),
            (
                "0 0 9 */2 * MON-WED 2030",
                "*/2 * MON-WED",
                "both the day of the month and the day of the week are set",
                "programs differ on whether one or both must match: write `*` for one of them, and two messages if either should do",
            ),
            (
                "@reboot",
                "@reboot",
                "`@reboot` is not a time: a restart of this program must never post anything",
                "write when it should go out: `0 9 * * MON` is every Monday at 09:00",
            ),
            (
                "@dayly",
                "@dayly",
                "there is no rule named `@dayly`",
                "did you mean `@daily`?",
            ),
            (
                "@every 5m",
                "@every",
                "there is no rule named `@every`",
                "write one of @hourly, @daily, @weekly, @monthly, @yearly, or five fields",
            ),
            (
                "@daily 9",
                "9",
                "nothing can follow `@daily`, which is a whole rule",
                "leave this out, or write the time in five fields: `30 9 * * *` is every day at 09:30",
            ),
            (
                "TZ=UTC 0 9 * * *",
                "TZ=UTC",
                "a rule can't have a time zone of its own",
                "leave this out: all times are in the campaign's `timezone`",
            ),
            (
                "CRON_TZ=UTC 0 9 * * *",
                "CRON_TZ=UTC",
                "a rule can't have a time zone of its own",
                "leave this out: all times are in the campaign's `timezone`",
            ),
        ] {
            let error = Cron::parse(source).unwrap_err();
            assert_eq!(error.message, message, "{source}");
            assert_eq!(error.help, help, "{source}");
            assert_eq!(error.at.map(|at| &source[at]), Some(wrong), "{source}");
        }
        for (source, message) in [
            ("", "the rule is empty"),
            (" \t ", "the rule is empty"),
            ("0 9 * *", "a rule has five fields, and this one has 4"),
            ("0 9 * * * * * *", "a rule has five fields, and this one has 8"),
        ] {
            let error = Cron::parse(source).unwrap_err();
            assert_eq!((error.message.as_str(), error.at), (message, None));
        }
    }

    #[test]
    fn letters_of_other_programs_are_refused_in_plain_words() {
        for (source, wrong) in [
            ("0 9 L * *", "L"),
            ("0 9 L-3 * *", "L-3"),
            ("0 9 15W * *", "15W"),
            ("0 9 1,lw * *", "lw"),
            ("0 9 * * 5L", "5L"),
            ("0 9 * * FRIL", "FRIL"),
            ("0 9 * * MON#2", "MON#2"),
            ("0 0 9 ? * 2#1", "2#1"),
        ] {
            let error = Cron::parse(source).unwrap_err();
            assert!(error.message.contains("other programs"), "{error:?}");
            assert_eq!(error.at.map(|at| &source[at]), Some(wrong), "{source}");
        }
    }

    #[test]
    fn the_same_words_share_their_memory() {
        let (a, b) = (rule("7 9 * * MON"), rule("7 9 * * MON"));
        assert!(Arc::ptr_eq(&a.0, &b.0));
        assert_eq!(a, b);
        assert_ne!(a, rule("7 9 * * 1"));
        assert_eq!(a.source(), "7 9 * * MON");
        assert_eq!(format!("{a:?}"), r#"Cron("7 9 * * MON")"#);
        assert_eq!(size_of::<Cron>(), size_of::<usize>());
    }

    // ---- Anything -------------------------------------------------------------------------------------

    /// Every change of the clocks that is odd in some way, and plain days.
    fn moments() -> impl Strategy<Value = (TimeZone, Timestamp)> {
        let around = prop::sample::select(vec![
            ("America/Chicago", "2027-03-14T08:00:00Z"),
            ("America/Chicago", "2026-11-01T07:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
            ("America/Santiago", "2026-09-06T04:00:00Z"),
            ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
            ("Antarctica/Troll", "2016-03-27T01:00:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z"),
            ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
            ("Asia/Kolkata", "2026-06-01T00:00:00Z"),
        ]);
        (around, -6 * 3600..6 * 3600_i64, 0..3_i32).prop_map(|((name, change), seconds, ns)| {
            let t = utc(change) + SignedDuration::from_secs(seconds) + SignedDuration::new(0, ns);
            (zone(name), t)
        })
    }

    fn sources() -> impl Strategy<Value = String> {
        let seconds = prop::sample::select(vec!["", "0 ", "30 ", "0,59 "]);
        let minute = prop::sample::select(vec!["0", "30", "*/15", "7,50", "10-40/10", "*"]);
        let hour = prop::sample::select(vec!["*", "2", "0-4", "1,3", "*/2", "9"]);
        let day = prop::sample::select(vec!["* * *", "* * SUN", "* * FRI-MON", "1,14,30 * *", "* */3 *"]);
        (seconds, minute, hour, day).prop_map(|(s, minute, hour, day)| format!("{s}{minute} {hour} {day}"))
    }

    /// What the specification says, taken at its word: all nominal times of some days, each made an instant.
    fn by_definition(rule: &Cron, tz: &TimeZone, t: Timestamp) -> Vec<Fire> {
        let day = SignedDuration::from_hours(24);
        let (mut wall, end) = (civil::local(tz, t - day * 2), civil::local(tz, t + day * 2));
        let (mut plain, mut moved) = (Vec::new(), Vec::new());
        while let Some(nominal) = rule.nominal_after(wall).filter(|nominal| *nominal <= end) {
            match civil::resolve(tz, nominal) {
                Resolved::At(at) | Resolved::First { at, .. } => plain.push(Fire {
                    at,
                    nominal,
                    moved: false,
                }),
                Resolved::Moved { at, .. } => moved.push(Fire {
                    at,
                    nominal,
                    moved: true,
                }),
                Resolved::NoSuchTime => {}
            }
            wall = nominal;
        }
        moved.retain(|moved| plain.iter().all(|plain| plain.at != moved.at));
        plain.append(&mut moved);
        plain.sort_by_key(|fire| fire.at);
        plain.retain(|fire| (t - day..t + day).contains(&fire.at));
        plain
    }

    fn names(rule: &Cron, wall: DateTime) -> bool {
        rule.nominal_after(just_before(wall)) == Some(wall)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(120))]

        #[test]
        fn next_and_last_are_what_the_specification_says((tz, t) in moments(), source in sources()) {
            let rule = rule(&source);
            let all = by_definition(&rule, &tz, t);
            let horizon = t + SignedDuration::from_hours(24);
            let next = rule.next_after(&tz, t);
            prop_assert_eq!(next.filter(|next| next.at < horizon), all.iter().find(|fire| fire.at > t).copied());
            let floor = t - SignedDuration::from_hours(24);
            let last = rule.latest_at_or_before(&tz, t, floor);
            prop_assert_eq!(last, all.iter().rfind(|fire| fire.at <= t).copied());
        }

        #[test]
        fn times_only_go_up_and_each_is_named_by_the_rule((tz, t) in moments(), source in sources()) {
            let fires = fires(&source, &tz, t, 40);
            let rule = rule(&source);
            let mut nominal = BTreeSet::new();
            let mut last = t;
            for fire in &fires {
                prop_assert!(fire.at > last);
                prop_assert!(names(&rule, fire.nominal));
                prop_assert!(nominal.insert(fire.nominal), "{} twice", fire.nominal);
                prop_assert_eq!(civil::instant(&tz, fire.nominal), Some(fire.at));
                prop_assert_eq!(fire.moved, civil::local(&tz, fire.at) != fire.nominal);
                last = fire.at;
            }
        }

        #[test]
        fn the_answer_is_the_same_from_any_time_between((tz, t) in moments(), source in sources(), part in 0.0..1.0) {
            let fires = fires(&source, &tz, t, 12);
            let rule = rule(&source);
            for pair in fires.windows(2) {
                let gap = pair[1].at.duration_since(pair[0].at);
                let between = pair[0].at + gap.mul_f64(part);
                prop_assert_eq!(rule.next_after(&tz, between), Some(pair[1]));
                let last = rule.latest_at_or_before(&tz, between, t);
                prop_assert_eq!(last, Some(pair[0]));
            }
        }

        #[test]
        fn no_text_is_a_panic_and_each_place_is_in_it(source in r"[@*?,/#\-0-9a-zA-Z ９é]{0,24}") {
            if let Err(error) = Cron::parse(&source) {
                prop_assert!(!error.message.is_empty() && !error.help.is_empty());
                prop_assert!(error.at.is_none_or(|at| !source[at].is_empty()));
            }
        }
    }
}

//! Local times made instants: time zones by their names, and what becomes of a local time that a change of
//! the clocks leaves out or repeats.
//!
//! Zone data is the one this program carries, not the host's, which may be years older: two machines must
//! agree on when a post is due.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// Clocks that jump forward by at most this much take a time that they leave out along with them. A larger
/// jump is a day that a country skipped, and what was to happen on it has no time (reliability §2.8).
pub const LONGEST_GAP: SignedDuration = SignedDuration::from_hours(3);

/// The zone of an IANA name, in whatever case it is written. `None` if there is no such zone.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// Why a time zone was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ZoneProblem {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// The zone that a person named. Refused is whatever does not say how the clocks of a place run: an
/// abbreviation (`EST` is five hours behind all year round; New York is not), or an offset.
///
/// What comes back knows its name as the database spells it.
pub fn parse_zone(name: &str) -> Result<TimeZone, ZoneProblem> {
    let refuse = |message: String, place: Option<&str>| {
        let help = match place {
            Some("UTC") => "write `UTC`".to_owned(),
            Some(place) => format!("write a place that keeps this time, such as `{place}`"),
            None => "write the time zone of a place, such as `America/Chicago`; all of them are listed at \
                     https://en.wikipedia.org/wiki/List_of_tz_database_time_zones"
                .to_owned(),
        };
        Err(ZoneProblem { message, help })
    };

    if name.trim().is_empty() {
        return refuse("the time zone is empty".to_owned(), None);
    }
    if let Some((_, place)) = ABBREVIATIONS
        .iter()
        .find(|(short, _)| short.eq_ignore_ascii_case(name))
    {
        return refuse(
            format!("`{name}` is an abbreviation, which does not say when the clocks change"),
            Some(place),
        );
    }
    if is_offset(name) {
        return refuse(
            format!("`{name}` is an offset, which does not say when the clocks change"),
            None,
        );
    }
    if let Some(zone) = zone(name).filter(|zone| zone.iana_name().is_some_and(is_place)) {
        return Ok(zone);
    }
    match nearest(name) {
        Some(near) => Err(ZoneProblem {
            message: format!("there is no time zone `{name}`"),
            help: format!("did you mean `{near}`?"),
        }),
        None => refuse(format!("there is no time zone `{name}`"), None),
    }
}

/// Abbreviations that people write, and a place that each of them most often stands for.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("EST", "America/New_York"),
    ("EDT", "America/New_York"),
    ("ET", "America/New_York"),
    ("EST5EDT", "America/New_York"),
    ("CST", "America/Chicago"),
    ("CDT", "America/Chicago"),
    ("CT", "America/Chicago"),
    ("CST6CDT", "America/Chicago"),
    ("MST", "America/Denver"),
    ("MDT", "America/Denver"),
    ("MT", "America/Denver"),
    ("MST7MDT", "America/Denver"),
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PT", "America/Los_Angeles"),
    ("PST8PDT", "America/Los_Angeles"),
    ("AKST", "America/Anchorage"),
    ("AKDT", "America/Anchorage"),
    ("HST", "Pacific/Honolulu"),
    ("GMT", "Europe/London"),
    ("BST", "Europe/London"),
    ("GB", "Europe/London"),
    ("WET", "Europe/Lisbon"),
    ("WEST", "Europe/Lisbon"),
    ("CET", "Europe/Berlin"),
    ("CEST", "Europe/Berlin"),
    ("MET", "Europe/Berlin"),
    ("EET", "Europe/Athens"),
    ("EEST", "Europe/Athens"),
    ("MSK", "Europe/Moscow"),
    ("W-SU", "Europe/Moscow"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("ROK", "Asia/Seoul"),
    ("PRC", "Asia/Shanghai"),
    ("ROC", "Asia/Taipei"),
    ("AEST", "Australia/Sydney"),
    ("AEDT", "Australia/Sydney"),
    ("NZ", "Pacific/Auckland"),
    ("NZST", "Pacific/Auckland"),
    ("NZDT", "Pacific/Auckland"),
    ("NZ-CHAT", "Pacific/Chatham"),
    ("UCT", "UTC"),
    ("Z", "UTC"),
];

/// `+02:00`, `GMT+5`, `UTC-7` or `Etc/GMT+5`, whose sign is the wrong way round besides.
fn is_offset(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("etc/").unwrap_or(&name);
    let amount = name
        .strip_prefix("utc")
        .or_else(|| name.strip_prefix("gmt"))
        .unwrap_or(name)
        .trim();
    !amount.is_empty()
        && amount
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ':'))
}

/// Whether a name of the database stands for the clocks of a place, or is UTC.
fn is_place(name: &str) -> bool {
    match name {
        "UTC" | "Etc/UTC" => true,
        "Factory" => false,
        _ if name.contains('/') => !name.starts_with("Etc/"),
        // `Japan` and `Cuba` are places; `EST5EDT` and `ROK` are not.
        _ => name.contains(|c: char| c.is_ascii_lowercase()),
    }
}

/// The name that was most likely meant: `Chicago`, `america/chigaco` and `America/New York` all have one.
fn nearest(wrong: &str) -> Option<String> {
    let wrong = wrong.trim().replace(' ', "_").to_lowercase();
    let city = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let wrong_city = city(&wrong);
    let far = (wrong_city.chars().count() / 3).max(1);
    TimeZoneDatabase::bundled()
        .available()
        .filter(|name| is_place(name.as_str()))
        .map(|name| {
            let lower = name.as_str().to_lowercase();
            let whole = strsim::damerau_levenshtein(&wrong, &lower);
            let near = strsim::damerau_levenshtein(&wrong_city, &city(&lower)).min(whole);
            (near, whole, name.as_str().to_owned())
        })
        .min()
        .filter(|(near, ..)| *near <= far)
        .map(|(.., name)| name)
}

/// What becomes of a local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// It happens once.
    At(Timestamp),
    /// The clocks jump over it: it moves forward as far as they jump, so 02:30 becomes 03:30 and not, with
    /// all others of that hour, 03:00.
    Moved {
        /// When it happens instead.
        at: Timestamp,
        /// How far the clocks jump; at most [`LONGEST_GAP`].
        by: SignedDuration,
    },
    /// The clocks are set back and it happens twice. The first is the one that counts.
    First {
        /// The first time.
        at: Timestamp,
        /// The second.
        second: Timestamp,
    },
    /// It never happens: the zone skips that day. (Or it is at the far ends of the calendar, years -9999
    /// and 9999, where no instant is left for it.)
    NoSuchTime,
}

/// What becomes of the local time `wall` in `tz`.
pub fn resolve(tz: &TimeZone, wall: DateTime) -> Resolved {
    let instant = |offset: Offset| offset.to_timestamp(wall).ok();
    let resolved = match tz.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => instant(offset).map(Resolved::At),
        AmbiguousOffset::Gap { before, after } => {
            let by = after.duration_since(before);
            // The old offset, kept on past the change, is what moves it by the length of the gap.
            instant(before)
                .filter(|_| by <= LONGEST_GAP)
                .map(|at| Resolved::Moved { at, by })
        }
        AmbiguousOffset::Fold { before, after } => instant(before)
            .zip(instant(after))
            .map(|(at, second)| Resolved::First { at, second }),
    };
    resolved.unwrap_or(Resolved::NoSuchTime)
}

/// The instant at which the local time `wall` counts as come, if it does.
pub fn instant(tz: &TimeZone, wall: DateTime) -> Option<Timestamp> {
    match resolve(tz, wall) {
        Resolved::At(at) | Resolved::Moved { at, .. } | Resolved::First { at, .. } => Some(at),
        Resolved::NoSuchTime => None,
    }
}

/// What the clocks show at `t`.
pub fn local(tz: &TimeZone, t: Timestamp) -> DateTime {
    tz.to_datetime(t)
}

/// A change of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// What they would have shown at that instant. After a jump forward, `from..to` never was …
    pub from: DateTime,
    /// … and what they showed. After they were set back, `to..from` is there twice.
    pub to: DateTime,
}

/// The last change of the clocks at or before `t`.
pub(super) fn last_change(tz: &TimeZone, t: Timestamp) -> Option<Change> {
    let moment = SignedDuration::from_nanos(1);
    tz.preceding(t.checked_add(moment).unwrap_or(t))
        .filter_map(|change| {
            let at = change.timestamp();
            let before = tz.to_offset(at.checked_sub(moment).ok()?);
            Some(Change {
                from: before.to_datetime(at),
                to: change.offset().to_datetime(at),
            })
        })
        // Some changes are of the zone's name alone.
        .find(|change| change.from != change.to)
}

/// The first local time after the gap that `wall` is in; `None` if it is in none.
pub(super) fn gap_end(tz: &TimeZone, wall: DateTime) -> Option<DateTime> {
    match tz.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Gap { before, .. } => {
            last_change(tz, before.to_timestamp(wall).ok()?).map(|change| change.to)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(zone_name: &str, wall: &str) -> Resolved {
        resolve(&zone(zone_name).unwrap(), wall.parse().unwrap())
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn moved(text: &str, minutes: i64) -> Resolved {
        Resolved::Moved {
            at: utc(text),
            by: SignedDuration::from_mins(minutes),
        }
    }

    #[test]
    fn a_plain_time_is_itself() {
        let chicago = zone("America/Chicago").unwrap();
        let nine = "2026-12-01T09:00:00".parse().unwrap();
        assert_eq!(resolve(&chicago, nine), Resolved::At(utc("2026-12-01T15:00:00Z")));
        assert_eq!(instant(&chicago, nine), Some(utc("2026-12-01T15:00:00Z")));
        assert_eq!(local(&chicago, utc("2026-12-01T15:00:00Z")), nine);
    }

    #[test]
    fn t5_a_time_in_the_gap_moves_by_its_length() {
        assert_eq!(
            at("America/New_York", "2027-03-14T02:30:00"),
            moved("2027-03-14T07:30:00Z", 60)
        );
        assert_eq!(
            at("America/New_York", "2027-03-14T02:00:00"),
            moved("2027-03-14T07:00:00Z", 60)
        );
        assert_eq!(
            at("America/New_York", "2027-03-14T03:00:00"),
            Resolved::At(utc("2027-03-14T07:00:00Z"))
        );
        assert_eq!(
            at("Australia/Lord_Howe", "2026-10-04T02:15:00"),
            moved("2026-10-03T15:45:00Z", 30)
        );
        assert_eq!(
            at("Asia/Gaza", "2026-03-28T02:30:00"),
            moved("2026-03-28T00:30:00Z", 60)
        );
        // Troll station jumps two hours.
        assert_eq!(
            at("Antarctica/Troll", "2016-03-27T02:30:00"),
            moved("2016-03-27T02:30:00Z", 120)
        );
    }

    #[test]
    fn t6_a_time_that_happens_twice_is_the_first() {
        assert_eq!(
            at("America/New_York", "2026-11-01T01:30:00"),
            Resolved::First {
                at: utc("2026-11-01T05:30:00Z"),
                second: utc("2026-11-01T06:30:00Z")
            }
        );
        assert_eq!(
            at("Australia/Lord_Howe", "2027-04-04T01:45:00"),
            Resolved::First {
                at: utc("2027-04-03T14:45:00Z"),
                second: utc("2027-04-03T15:15:00Z")
            }
        );
        assert_eq!(
            at("America/New_York", "2026-11-01T02:00:00"),
            Resolved::At(utc("2026-11-01T07:00:00Z"))
        );
    }

    #[test]
    fn t7_a_skipped_day_has_no_times_and_a_gap_at_midnight_is_a_gap() {
        assert_eq!(at("Pacific/Apia", "2011-12-30T09:00:00"), Resolved::NoSuchTime);
        assert_eq!(
            at("Pacific/Apia", "2011-12-31T00:00:00"),
            Resolved::At(utc("2011-12-30T10:00:00Z"))
        );
        assert_eq!(
            at("America/Sao_Paulo", "2018-11-04T00:00:00"),
            moved("2018-11-04T03:00:00Z", 60)
        );
        let sao_paulo = zone("America/Sao_Paulo").unwrap();
        assert_eq!(
            local(&sao_paulo, utc("2018-11-04T03:00:00Z")),
            "2018-11-04T01:00:00".parse().unwrap()
        );
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        for wall in [DateTime::MIN, DateTime::MAX] {
            for name in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"] {
                resolve(&zone(name).unwrap(), wall);
            }
        }
        for t in [Timestamp::MIN, Timestamp::MAX] {
            last_change(&zone("America/Chicago").unwrap(), t);
        }
    }

    #[test]
    fn changes_say_what_the_clocks_did() {
        let chicago = zone("America/Chicago").unwrap();
        let spring = Change {
            from: "2027-03-14T02:00:00".parse().unwrap(),
            to: "2027-03-14T03:00:00".parse().unwrap(),
        };
        let autumn = Change {
            from: "2026-11-01T02:00:00".parse().unwrap(),
            to: "2026-11-01T01:00:00".parse().unwrap(),
        };
        assert_eq!(last_change(&chicago, utc("2027-03-14T08:00:00Z")), Some(spring));
        assert_eq!(
            last_change(&chicago, utc("2027-03-14T07:59:59.999Z")),
            Some(autumn)
        );
        assert_eq!(
            gap_end(&chicago, "2027-03-14T02:59:59".parse().unwrap()),
            Some(spring.to)
        );
        assert_eq!(gap_end(&chicago, "2027-03-14T03:00:00".parse().unwrap()), None);
        assert_eq!(last_change(&TimeZone::UTC, utc("2027-03-14T08:00:00Z")), None);
    }

    #[test]
    fn t10_names_are_normalised() {
        for (written, name) in [
            ("America/Chicago", "America/Chicago"),
            ("america/chicago", "America/Chicago"),
            ("AMERICA/NEW_YORK", "America/New_York"),
            ("utc", "UTC"),
            ("Etc/UTC", "Etc/UTC"),
            ("japan", "Japan"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ] {
            assert_eq!(parse_zone(written).unwrap().iana_name(), Some(name), "{written}");
        }
    }

    #[test]
    fn t10_abbreviations_are_refused_with_a_place() {
        for (written, place) in [
            ("EST", "America/New_York"),
            ("est5edt", "America/New_York"),
            ("CST", "America/Chicago"),
            ("GMT", "Europe/London"),
            ("CET", "Europe/Berlin"),
            ("Z", "UTC"),
        ] {
            let problem = parse_zone(written).unwrap_err();
            assert!(problem.message.contains("is an abbreviation"), "{problem:?}");
            assert!(problem.help.contains(place), "{problem:?}");
        }
        // None of the database's own slips through.
        for name in TimeZoneDatabase::bundled()
            .available()
            .map(|name| name.as_str().to_owned())
        {
            let place = parse_zone(&name).is_ok();
            assert_eq!(place, name == "UTC" || is_place(&name), "{name}");
            assert!(!place || !name.starts_with("Etc/") || name == "Etc/UTC", "{name}");
        }
    }

    #[test]
    fn t10_offsets_are_refused() {
        for written in [
            "GMT+5",
            "UTC+2",
            "UTC-05:00",
            "utc +2",
            "Etc/GMT+5",
            "etc/gmt-14",
            "+02:00",
            "-0500",
            "GMT0",
        ] {
            let problem = parse_zone(written).unwrap_err();
            assert!(problem.message.contains("is an offset"), "{written}: {problem:?}");
        }
    }

    #[test]
    fn t10_unknown_names_are_refused_with_the_nearest() {
        for (written, meant) in [
            ("America/Chigaco", "America/Chicago"),
            ("Chicago", "America/Chicago"),
            ("New York", "America/New_York"),
            ("America/New York", "America/New_York"),
            ("US/Los_Angeles", "America/Los_Angeles"),
            (" Europe/Paris", "Europe/Paris"),
        ] {
            let problem = parse_zone(written).unwrap_err();
            assert_eq!(problem.message, format!("there is no time zone `{written}`"));
            assert_eq!(problem.help, format!("did you mean `{meant}`?"), "{written}");
        }
        for written in ["Middle-earth/Rivendell", "Factory", "Etc/Unknown", "Ⅷ"] {
            let problem = parse_zone(written).unwrap_err();
            assert!(problem.help.contains("America/Chicago"), "{problem:?}");
        }
        assert_eq!(parse_zone("  ").unwrap_err().message, "the time zone is empty");
    }
}

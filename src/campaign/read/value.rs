//! Small values that staff write: durations, language tags, local times.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use toml::value::{Datetime, Offset as TomlOffset};

use crate::campaign::message::Local;

/// `6h`, `90m`, `1h 30m`, `2 days`. At most a year: longer ones are slips.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let seconds = match unit {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
        rest = after.trim_start();
    }
    (total <= 366 * 86_400).then(|| Duration::from_secs(total))
}

/// Whether it has the shape of a BCP 47 tag: `en`, `es-MX`, `zh-Hant-TW`.
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What a TOML date or time says, in the words of `jiff`. The parser has checked that the day exists; a
/// leap second reads as the second before it (reliability §2.8).
pub enum Written {
    Date(Date),
    Local(Local),
    /// A time of day without a date.
    Time,
    /// Outside the years that can be reckoned with.
    OutOfRange,
}

pub fn written(value: &Datetime) -> Written {
    let Some(date) = value.date else {
        return Written::Time;
    };
    let small = |n: u8| i8::try_from(n).unwrap_or(i8::MAX);
    let Ok(date) = Date::new(
        i16::try_from(date.year).unwrap_or(-1),
        small(date.month),
        small(date.day),
    ) else {
        return Written::OutOfRange;
    };
    let Some(time) = value.time else {
        return Written::Date(date);
    };
    let second = small(time.second.unwrap_or(0)).min(59);
    let fraction = i32::try_from(time.nanosecond.unwrap_or(0)).unwrap_or(0);
    let Ok(time) = Time::new(small(time.hour), small(time.minute), second, fraction) else {
        return Written::OutOfRange;
    };
    let local = DateTime::from_parts(date, time);
    match value.offset {
        None => Written::Local(Local::Civil(local)),
        Some(offset) => {
            fixed(local, offset).map_or(Written::OutOfRange, |at| Written::Local(Local::Fixed(at)))
        }
    }
}

fn fixed(local: DateTime, offset: TomlOffset) -> Option<Timestamp> {
    let minutes = match offset {
        TomlOffset::Z => 0,
        TomlOffset::Custom { minutes } => minutes,
    };
    let offset = Offset::from_seconds(i32::from(minutes) * 60).ok()?;
    offset.to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        for (text, seconds) in [
            ("6h", Some(21_600)),
            ("90m", Some(5_400)),
            ("2d", Some(172_800)),
            ("1h30m", Some(5_400)),
            (" 1 hour 30 minutes ", Some(5_400)),
            ("0s", Some(0)),
            ("", None),
            ("h", None),
            ("6", None),
            ("-6h", None),
            ("6.5h", None),
            ("9y", None),
            ("400d", None),
            ("99999999999999999999d", None),
            ("6é", None),
        ] {
            assert_eq!(duration(text).map(|d| d.as_secs()), seconds, "{text}");
        }
    }

    #[test]
    fn languages_are_checked_by_their_shape() {
        for good in ["en", "es-MX", "zh-Hant-TW", "fil"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "e", "english", "en_US", "en-", "es-waytoolong"] {
            assert!(!is_language(bad), "{bad}");
        }
    }
}

//! Until when platforms ask us to wait, as far as that can be believed.

use jiff::{SignedDuration, Timestamp};

/// Bounds of any wait that a platform asks for (reliability §2.6).
const WAIT_MIN: SignedDuration = SignedDuration::from_secs(1);
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(6);

/// Until when `Retry-After: value` asks to wait; `None` if it says nothing that can be believed
/// (RFC 9110 §10.2.3; reliability P5 to P8).
pub fn retry_after(value: &str, now: Timestamp) -> Option<Timestamp> {
    let value = value.trim();
    let whole = value.split('.').next().unwrap_or_default();
    if value.starts_with(|c: char| c.is_ascii_digit()) && whole.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = value.parse::<f64>().ok().filter(|_| whole.len() <= 10)?;
        return bounded(SignedDuration::try_from_secs_f64(seconds).ok()?, now);
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    future(date, now)
}

/// When a rate limit ends: a date (Mastodon), seconds since 1970 (Bluesky), or seconds left.
pub(super) fn reset(value: &str, now: Timestamp) -> Option<Timestamp> {
    const SURELY_A_DATE: i64 = 1_000_000_000;
    match value.trim().parse::<i64>() {
        Ok(seconds) if seconds >= SURELY_A_DATE => future(Timestamp::from_second(seconds).ok()?, now),
        Ok(seconds) if seconds >= 0 => bounded(SignedDuration::from_secs(seconds), now),
        Ok(_) => None,
        Err(_) => future(value.trim().parse().ok()?, now),
    }
}

fn future(date: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if date > now {
        bounded(date.duration_since(now), now)
    } else {
        None
    }
}

pub(super) fn bounded(wait: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    now.checked_add(wait.clamp(WAIT_MIN, WAIT_MAX)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn waits(value: &str) -> Option<i64> {
        let now = at("2026-11-23T12:00:00Z");
        retry_after(value, now).map(|until| until.duration_since(now).as_secs())
    }

    #[test]
    fn p5_p6_retry_after_in_seconds_and_dates() {
        assert_eq!(waits("116"), Some(116));
        assert_eq!(waits(" 2.7 "), Some(2));
        assert_eq!(waits("Mon, 23 Nov 2026 12:05:00 GMT"), Some(300));
        assert_eq!(waits("Mon, 23 Nov 2026 11:05:00 GMT"), None);
        assert_eq!(waits("Mon, 43 Nov 2026 11:05:00 GMT"), None);
        assert_eq!(waits("soon"), None);
        assert_eq!(waits(""), None);
    }

    #[test]
    fn p8_absurd_waits_are_bounded_or_ignored() {
        assert_eq!(waits("0"), Some(1));
        assert_eq!(waits("1000000000"), Some(6 * 3600));
        assert_eq!(waits("Mon, 23 Nov 2099 12:05:00 GMT"), Some(6 * 3600));
        for bad in ["-5", "NaN", "inf", "1e9", "12x", "1.2.3"] {
            assert_eq!(waits(bad), None, "{bad}");
        }
        assert_eq!(waits(&"9".repeat(60)), None);
    }
}

//! When nothing goes out: quiet hours and blackouts. What falls due inside waits for the end.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::civil;

/// All of a campaign's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// Every day.
    pub quiet: Vec<Quiet>,
    /// Once.
    pub blackouts: Vec<Blackout>,
}

/// Hours of the day in which nothing goes out, by the clock on the wall: an hour that is there twice is
/// quiet both times, and the end is there as soon as the clocks have jumped over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    /// The first quiet time.
    start: Time,
    /// The first that is not; before `start` if it is on the next day.
    end: Time,
}

/// A time in which nothing goes out: from its first instant to the one after its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blackout {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// The reason given; may be empty.
    pub why: String,
}

/// Nothing goes out now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// When this window ends. Another may be open by then: [`Windows::open_from`] looks on.
    pub until: Timestamp,
    /// `quiet hours 22:00-07:00` or `blackout: holiday`.
    pub why: String,
}

/// Why quiet hours were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QuietError {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Windows {
    /// Whether `t` is inside a window; of several, the one that ends last.
    pub fn closed(&self, tz: &TimeZone, t: Timestamp) -> Option<Closed> {
        let quiet = self.quiet.iter().filter_map(|quiet| {
            let until = quiet.until(tz, t)?;
            Some(Closed {
                until,
                why: format!("quiet hours {quiet}"),
            })
        });
        let blackouts = self
            .blackouts
            .iter()
            .filter(|blackout| (blackout.from..blackout.until).contains(&t));
        let blackouts = blackouts.map(|Blackout { until, why, .. }| Closed {
            until: *until,
            why: if why.is_empty() {
                "blackout".to_owned()
            } else {
                format!("blackout: {why}")
            },
        });
        quiet.chain(blackouts).max_by_key(|closed| closed.until)
    }

    /// The first instant at or after `t` that is outside all windows. `None` if there is none: the quiet
    /// hours together leave no time of the day.
    pub fn open_from(&self, tz: &TimeZone, mut t: Timestamp) -> Option<Timestamp> {
        // Each step comes to the end of a window. Between two blackouts, a round of all quiet hours without
        // an opening goes on for ever; a change of the clocks can cost one more.
        let rounds = (self.blackouts.len() + 2) * (self.quiet.len() + 1) * 2;
        for _ in 0..=rounds {
            match self.closed(tz, t) {
                Some(closed) => t = closed.until,
                None => return Some(t),
            }
        }
        None
    }
}

impl Quiet {
    /// Reads `22:00-07:00`. The end may be on the next day; `24:00` is midnight.
    pub fn parse(text: &str) -> Result<Self, QuietError> {
        let refuse = |message: String, help: &str| {
            Err(QuietError {
                message,
                help: help.to_owned(),
            })
        };
        let example = "write start and end on a 24-hour clock, such as `22:00-07:00`";

        // A word processor makes a dash of a hyphen.
        let Some((start, end)) = text.split_once(['-', '–']) else {
            return refuse(format!("`{text}` has no start and end"), example);
        };
        let (start, end) = (start.trim(), end.trim());
        let midnight = Time::midnight();
        let (Some(first), Some(last)) = (
            time(start),
            if end == "24:00" { Some(midnight) } else { time(end) },
        ) else {
            let wrong = if time(start).is_none() { start } else { end };
            return refuse(format!("`{wrong}` is not a time of day"), example);
        };
        if first != last {
            return Ok(Self {
                start: first,
                end: last,
            });
        }
        if end == "24:00" {
            return refuse(
                format!("`{text}` is the whole day, so nothing could ever go out"),
                "to stop everything, write `hold = \"the reason\"` under `[campaign]`",
            );
        }
        refuse(format!("`{text}` starts and ends at the same time"), example)
    }

    /// When it ends, if `t` is inside.
    fn until(&self, tz: &TimeZone, mut t: Timestamp) -> Option<Timestamp> {
        if !self.has(civil::local(tz, t).time()) {
            return None;
        }
        loop {
            // The next time that the clocks show the end, if they run on as they do …
            let now = civil::local(tz, t);
            let day = if now.time() < self.end {
                now.date()
            } else {
                now.date().tomorrow().ok()?
            };
            let end = tz.to_offset(t).to_timestamp(day.to_datetime(self.end)).ok()?;
            // … unless they are changed first, and then what they show counts.
            match tz
                .following(t)
                .next()
                .map(|change| change.timestamp())
                .filter(|change| *change <= end)
            {
                None => return Some(end),
                Some(change) if !self.has(civil::local(tz, change).time()) => return Some(change),
                Some(change) => t = change,
            }
        }
    }

    fn has(&self, time: Time) -> bool {
        if self.start < self.end {
            (self.start..self.end).contains(&time)
        } else {
            time >= self.start || time < self.end
        }
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        let end = if self.end == Time::midnight() {
            "24:00".to_owned()
        } else {
            clock(self.end)
        };
        write!(f, "{}-{end}", clock(self.start))
    }
}

/// `7:00` or `07:00`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if hour.len() > 2 || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        civil::zone(name).unwrap()
    }

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn quiet(hours: &[&str]) -> Windows {
        let quiet = hours.iter().map(|text| Quiet::parse(text).unwrap()).collect();
        Windows {
            quiet,
            blackouts: Vec::new(),
        }
    }

    fn blackout(from: &str, until: &str, why: &str) -> Blackout {
        Blackout {
            from: utc(from),
            until: utc(until),
            why: why.to_owned(),
        }
    }

    /// When it opens, asked at `t` in Chicago.
    fn opens(windows: &Windows, t: &str) -> String {
        windows
            .open_from(&zone("America/Chicago"), utc(t))
            .unwrap()
            .to_string()
    }

    #[test]
    fn quiet_hours_are_read() {
        for (text, shown) in [
            ("22:00-07:00", "22:00-07:00"),
            (" 9:30 - 17:00 ", "09:30-17:00"),
            ("22:00–7:00", "22:00-07:00"),
            ("22:00-24:00", "22:00-24:00"),
            ("22:00-00:00", "22:00-24:00"),
            ("00:00-06:00", "00:00-06:00"),
        ] {
            assert_eq!(Quiet::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn wrong_quiet_hours_are_refused() {
        let example = "write start and end on a 24-hour clock, such as `22:00-07:00`";
        let hold = "to stop everything, write `hold = \"the reason\"` under `[campaign]`";
        for (text, message, help) in [
            ("", "`` has no start and end", example),
            ("22:00", "`22:00` has no start and end", example),
            ("10pm-7am", "`10pm` is not a time of day", example),
            ("22:00-25:00", "`25:00` is not a time of day", example),
            ("22:60-07:00", "`22:60` is not a time of day", example),
            ("24:00-07:00", "`24:00` is not a time of day", example),
            ("22:00-7", "`7` is not a time of day", example),
            ("22:00-07:00-08:00", "`07:00-08:00` is not a time of day", example),
            ("-22:00", "`` is not a time of day", example),
            ("+9:00-10:00", "`+9:00` is not a time of day", example),
            (
                "09:00-09:00",
                "`09:00-09:00` starts and ends at the same time",
                example,
            ),
            (
                "00:00-24:00",
                "`00:00-24:00` is the whole day, so nothing could ever go out",
                hold,
            ),
        ] {
            let error = Quiet::parse(text).unwrap_err();
            assert_eq!(
                (error.message.as_str(), error.help.as_str()),
                (message, help),
                "{text}"
            );
        }
    }

    #[test]
    fn a_plain_night() {
        let night = quiet(&["22:00-07:00"]);
        assert_eq!(opens(&night, "2026-12-02T03:59:59Z"), "2026-12-02T03:59:59Z");
        assert_eq!(opens(&night, "2026-12-02T04:00:00Z"), "2026-12-02T13:00:00Z");
        assert_eq!(opens(&night, "2026-12-02T12:59:59.999Z"), "2026-12-02T13:00:00Z");
        assert_eq!(opens(&night, "2026-12-02T13:00:00Z"), "2026-12-02T13:00:00Z");
        let closed = night
            .closed(&zone("America/Chicago"), utc("2026-12-02T04:00:00Z"))
            .unwrap();
        assert_eq!(
            closed,
            Closed {
                until: utc("2026-12-02T13:00:00Z"),
                why: "quiet hours 22:00-07:00".into()
            }
        );
        assert_eq!(
            opens(&quiet(&["12:00-13:00"]), "2026-12-02T18:30:00Z"),
            "2026-12-02T19:00:00Z"
        );
        assert_eq!(
            opens(&quiet(&["22:00-24:00"]), "2026-12-02T05:00:00Z"),
            "2026-12-02T06:00:00Z"
        );
        assert_eq!(
            opens(&Windows::default(), "2026-12-02T05:00:00Z"),
            "2026-12-02T05:00:00Z"
        );
    }

    #[test]
    fn t5_a_spring_night() {
        // 02:00 CST is 08:00 UTC, and the clocks go on to 03:00.
        let night = |hours| opens(&quiet(&[hours]), "2027-03-14T05:00:00Z");
        assert_eq!(night("22:00-07:00"), "2027-03-14T12:00:00Z");
        assert_eq!(night("22:00-02:00"), "2027-03-14T08:00:00Z");
        assert_eq!(night("22:00-02:30"), "2027-03-14T08:00:00Z");
        assert_eq!(night("22:00-03:00"), "2027-03-14T08:00:00Z");
        assert_eq!(night("22:00-03:30"), "2027-03-14T08:30:00Z");
        // Quiet from a time that never comes: from the jump on, or not at all.
        assert_eq!(
            opens(&quiet(&["02:30-05:00"]), "2027-03-14T07:59:59Z"),
            "2027-03-14T07:59:59Z"
        );
        assert_eq!(
            opens(&quiet(&["02:30-05:00"]), "2027-03-14T08:00:00Z"),
            "2027-03-14T10:00:00Z"
        );
        assert_eq!(
            opens(&quiet(&["02:15-02:45"]), "2027-03-14T08:00:00Z"),
            "2027-03-14T08:00:00Z"
        );
    }

    #[test]
    fn t6_an_autumn_night() {
        // 02:00 CDT is 07:00 UTC, and the clocks go back to 01:00.
        let night = |hours| opens(&quiet(&[hours]), "2026-11-01T04:00:00Z");
        assert_eq!(night("22:00-07:00"), "2026-11-01T13:00:00Z");
        assert_eq!(night("22:00-02:30"), "2026-11-01T08:30:00Z");
        // At 02:00 for the first time, they show 01:00.
        assert_eq!(night("22:00-02:00"), "2026-11-01T08:00:00Z");
        // 01:30 is quiet both times …
        for half_past_one in ["2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z"] {
            assert_eq!(
                opens(&quiet(&["01:15-01:45"]), half_past_one),
                half_past_one.replace(":30:", ":45:")
            );
        }
        // … and so is 01:10 before an end at 01:30, though it was 01:30 once already.
        assert_eq!(night("22:00-01:30"), "2026-11-01T06:30:00Z");
        assert_eq!(
            opens(&quiet(&["22:00-01:30"]), "2026-11-01T06:45:00Z"),
            "2026-11-01T06:45:00Z"
        );
        assert_eq!(
            opens(&quiet(&["22:00-01:30"]), "2026-11-01T07:10:00Z"),
            "2026-11-01T07:30:00Z"
        );
    }

    #[test]
    fn t7_a_night_that_skips_a_day() {
        // After the 29th comes the 31st.
        let apia = quiet(&["22:00-07:00"]).open_from(&zone("Pacific/Apia"), utc("2011-12-30T09:00:00Z"));
        assert_eq!(apia, Some(utc("2011-12-30T17:00:00Z")));
    }

    #[test]
    fn blackouts_hold_their_first_instant_and_not_their_end() {
        let windows = Windows {
            quiet: Vec::new(),
            blackouts: vec![
                blackout("2026-12-24T06:00:00Z", "2026-12-27T06:00:00Z", "holiday"),
                blackout("2026-12-27T06:00:00Z", "2026-12-28T06:00:00Z", ""),
                blackout("2026-12-25T06:00:00Z", "2026-12-26T06:00:00Z", "hearing"),
            ],
        };
        let tz = zone("America/Chicago");
        let why = |t| windows.closed(&tz, utc(t)).map(|closed| closed.why);
        assert_eq!(why("2026-12-24T05:59:59Z"), None);
        assert_eq!(why("2026-12-24T06:00:00Z").as_deref(), Some("blackout: holiday"));
        assert_eq!(why("2026-12-25T12:00:00Z").as_deref(), Some("blackout: holiday"));
        assert_eq!(why("2026-12-27T06:00:00Z").as_deref(), Some("blackout"));
        assert_eq!(why("2026-12-28T06:00:00Z"), None);
        assert_eq!(opens(&windows, "2026-12-25T12:00:00Z"), "2026-12-28T06:00:00Z");
    }

    #[test]
    fn the_end_of_one_may_be_inside_another() {
        let windows = Windows {
            blackouts: vec![blackout(
                "2026-12-24T06:00:00Z",
                "2026-12-27T06:00:00Z",
                "holiday",
            )],
            ..quiet(&["22:00-07:00", "06:30-08:00"])
        };
        // To the end of the blackout at midnight, then of the night, then of the morning.
        assert_eq!(opens(&windows, "2026-12-24T12:00:00Z"), "2026-12-27T14:00:00Z");
    }

    #[test]
    fn quiet_hours_that_leave_no_time_have_no_opening() {
        let windows = quiet(&["00:00-12:00", "11:00-20:00", "20:00-24:00"]);
        for t in [
            "2026-12-24T12:00:00Z",
            "2027-03-14T07:30:00Z",
            "2026-11-01T06:30:00Z",
        ] {
            assert_eq!(windows.open_from(&zone("America/Chicago"), utc(t)), None);
        }
        let almost = quiet(&["00:00-12:00", "11:00-20:00", "20:00-23:59"]);
        assert_eq!(opens(&almost, "2026-12-24T12:00:00Z"), "2026-12-25T05:59:00Z");
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_panic() {
        for t in [Timestamp::MIN, Timestamp::MAX] {
            quiet(&["22:00-07:00", "09:00-22:00"]).open_from(&zone("America/Chicago"), t);
        }
    }

    /// Days around changes of the clocks, and quiet hours near them.
    fn cases() -> impl Strategy<Value = (TimeZone, Timestamp, Windows)> {
        let change = prop::sample::select(vec![
            ("America/Chicago", "2027-03-14T08:00:00Z"),
            ("America/Chicago", "2026-11-01T07:00:00Z"),
            ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
            ("America/Santiago", "2026-09-06T04:00:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z"),
            ("Asia/Kolkata", "2026-06-01T00:00:00Z"),
        ]);
        let hours = prop::collection::vec((0..48_i8, 0..48_i8), 0..4);
        let blackouts = prop::collection::vec((-600..600_i64, 1..600_i64), 0..3);
        (change, -720..720_i64, hours, blackouts).prop_map(|((name, change), minutes, hours, blackouts)| {
            let minutes_on = |minutes| utc(change) + SignedDuration::from_mins(minutes);
            let half_hour = |n: i8| Time::new(n / 2, n % 2 * 30, 0, 0).unwrap();
            let hours = hours.into_iter().filter(|(start, end)| start != end);
            let quiet = hours
                .map(|(a, b)| Quiet {
                    start: half_hour(a),
                    end: half_hour(b),
                })
                .collect();
            let blackouts = blackouts.into_iter().map(|(from, length)| Blackout {
                from: minutes_on(from),
                until: minutes_on(from + length),
                why: String::new(),
            });
            (
                zone(name),
                minutes_on(minutes),
                Windows {
                    quiet,
                    blackouts: blackouts.collect(),
                },
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn the_opening_is_the_first_instant_outside_all((tz, t, windows) in cases()) {
            let day = (0..1440).map(SignedDuration::from_mins);
            let outside = |t: Timestamp| windows.closed(&tz, t).is_none();
            match windows.open_from(&tz, t) {
                Some(open) => {
                    prop_assert!(open >= t && outside(open));
                    prop_assert_eq!(windows.open_from(&tz, open), Some(open));
                    // All windows here begin and end on whole minutes.
                    prop_assert!(day.map(|later| t + later).take_while(|t| *t < open).all(|t| !outside(t)));
                }
                None => prop_assert!(day.map(|later| t + later).all(|t| !outside(t))),
            }
        }

        #[test]
        fn closed_lasts_until_the_window_ends((tz, t, windows) in cases()) {
            if let Some(closed) = windows.closed(&tz, t) {
                prop_assert!(closed.until > t);
                let last = closed.until - SignedDuration::from_nanos(1);
                prop_assert_eq!(windows.closed(&tz, last).map(|last| last.until >= closed.until), Some(true));
            }
        }
    }
}

//! When to leave a platform alone that can't be reached (reliability §2.6, P23): (breaker, event, now) ->
//! breaker. Each account has its own.
//!
//! ```text
//!            5 in a row unreachable             its pause is over: probe
//!   closed ─────────────────────────► open ─────────────┬──────────────┐
//!     ▲ ▲                              ▲ ▲  unreachable: │              │ there is no probe
//!     │ │                              │ └── twice the ──┘              ▼
//!     │ └──────────── it answers ──────┘     pause                 half-open: one post goes
//!     └────────────── it answers ──────────────────────────────────┘  as the probe
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::outcome::{Class, Failure};

/// So many failures in a row open it.
const FAILURES: u32 = 5;
/// The first pause; each further one is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// How long one post may be on its way as the probe before another may go: longer than any request takes.
const PASS: Duration = Duration::from_mins(2);
/// How soon to ask again while a probe is on its way.
const MOMENT: Duration = Duration::from_secs(1);

/// Whether an account's platform can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// It can, as far as we know; so many failures in a row.
    Closed { failures: u32 },
    /// It can't. Nothing goes out before a probe has been answered, and none is made before `until`.
    Open { until: Timestamp, pause: Duration },
    /// Its pause is over and there is no probe, so posts go out one at a time; the last one left at `since`.
    HalfOpen {
        pause: Duration,
        since: Option<Timestamp>,
    },
}

/// What happened to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its platform answered, whatever it said.
    Answered,
    /// There was no answer, or a server error.
    Unreachable,
    /// It is time for a probe, and the platform has none.
    NoProbe,
    /// A post goes out.
    Goes,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    #[must_use]
    pub fn step(self, event: Event, now: Timestamp) -> Self {
        match (self, event) {
            (_, Event::Answered) => Self::default(),
            (Self::Closed { failures }, Event::Unreachable) => {
                let failures = failures.saturating_add(1);
                if failures < FAILURES {
                    Self::Closed { failures }
                } else {
                    Self::open(PAUSE, now)
                }
            }
            // Those that were on their way when it opened say nothing new; a probe does.
            (Self::Open { .. }, Event::Unreachable) if !self.wants_probe(now) => self,
            (Self::Open { pause, .. } | Self::HalfOpen { pause, .. }, Event::Unreachable) => {
                Self::open((pause * 2).min(LONGEST_PAUSE), now)
            }
            (Self::Open { pause, .. }, Event::NoProbe) => Self::HalfOpen { pause, since: None },
            (Self::HalfOpen { pause, .. }, Event::Goes) => Self::HalfOpen {
                pause,
                since: Some(now),
            },
            (_, Event::NoProbe | Event::Goes) => self,
        }
    }

    fn open(pause: Duration, now: Timestamp) -> Self {
        Self::Open {
            until: now.saturating_add(pause).unwrap_or(Timestamp::MAX),
            pause,
        }
    }

    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    pub fn is_half_open(&self) -> bool {
        matches!(self, Self::HalfOpen { .. })
    }

    /// Until when nothing may go out, as far as is known now.
    pub fn waits(&self, now: Timestamp) -> Option<Timestamp> {
        match *self {
            Self::Closed { .. } => None,
            Self::Open { until, pause } => Some(if is_ahead(until, pause, now) {
                until
            } else {
                now.saturating_add(MOMENT).unwrap_or(Timestamp::MAX)
            }),
            Self::HalfOpen { since, .. } => since
                .and_then(|since| since.checked_add(PASS).ok())
                .filter(|end| is_ahead(*end, PASS, now)),
        }
    }

    /// The pause is over, and nobody has asked since.
    pub fn wants_probe(&self, now: Timestamp) -> bool {
        matches!(*self, Self::Open { until, pause } if !is_ahead(until, pause, now))
    }
}

/// Whether `end` is still to come. One further off than it ever was is not: then the clock went back.
fn is_ahead(end: Timestamp, whole: Duration, now: Timestamp) -> bool {
    let left = end.duration_since(now);
    left.is_positive() && left <= SignedDuration::try_from(whole).unwrap_or(SignedDuration::MAX)
}

/// Whether a failure says that the platform can't be reached: no answer, or a server error. What it refuses,
/// it has answered.
pub fn is_unreachable(failure: &Failure) -> bool {
    matches!(failure.class, Class::Transient | Class::InDoubt)
        && failure.status.is_none_or(|status| status >= 500)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Event::{Answered, Goes, NoProbe, Unreachable};
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn after(events: &[(i64, Event)]) -> Breaker {
        let step = |breaker: Breaker, (when, event): &(i64, Event)| breaker.step(*event, at(*when));
        events.iter().fold(Breaker::default(), step)
    }

    fn open(until: i64, pause: u64) -> Breaker {
        Breaker::Open {
            until: at(until),
            pause: Duration::from_secs(pause),
        }
    }

    fn half_open(pause: u64, since: Option<i64>) -> Breaker {
        Breaker::HalfOpen {
            pause: Duration::from_secs(pause),
            since: since.map(at),
        }
    }

    fn closed(failures: u32) -> Breaker {
        Breaker::Closed { failures }
    }

    #[test]
    fn each_state_takes_each_event() {
        for (breaker, event, now, next) in [
            (closed(0), Unreachable, 0, closed(1)),
            (closed(3), Unreachable, 0, closed(4)),
            (closed(4), Unreachable, 0, open(60, 60)),
            (closed(4), Answered, 0, closed(0)),
            (closed(4), Goes, 0, closed(4)),
            (closed(4), NoProbe, 0, closed(4)),
            // Before its pause is over.
            (open(60, 60), Unreachable, 59, open(60, 60)),
            (open(60, 60), Answered, 59, closed(0)),
            (open(60, 60), Goes, 59, open(60, 60)),
            // And after.
            (open(60, 60), Unreachable, 60, open(180, 120)),
            (open(60, 480), Unreachable, 60, open(960, 900)),
            (open(60, 900), Unreachable, 60, open(960, 900)),
            (open(60, 60), Answered, 61, closed(0)),
            (open(60, 60), NoProbe, 60, half_open(60, None)),
            // With a post as the probe.
            (half_open(60, None), Goes, 61, half_open(60, Some(61))),
            (half_open(60, Some(61)), Unreachable, 62, open(182, 120)),
            (half_open(900, Some(61)), Unreachable, 62, open(962, 900)),
            (half_open(60, Some(61)), Answered, 62, closed(0)),
            (half_open(60, Some(61)), NoProbe, 62, half_open(60, Some(61))),
        ] {
            assert_eq!(breaker.step(event, at(now)), next, "{breaker:?} {event:?} {now}");
        }
    }

    #[test]
    fn each_state_says_who_may_go_and_whether_to_probe() {
        for (breaker, now, waits, probe) in [
            (closed(4), 0, None, false),
            (open(60, 60), 0, Some(60), false),
            (open(60, 60), 59, Some(60), false),
            (open(60, 60), 60, Some(61), true),
            (open(60, 60), 1000, Some(1001), true),
            // The clock went back by an hour.
            (open(3600, 60), 0, Some(1), true),
            (half_open(60, None), 0, None, false),
            (half_open(60, Some(10)), 10, Some(130), false),
            (half_open(60, Some(10)), 129, Some(130), false),
            (half_open(60, Some(10)), 130, None, false), // that post was held, say
            (half_open(60, Some(10)), -3600, None, false),
        ] {
            let said = (breaker.waits(at(now)), breaker.wants_probe(at(now)));
            assert_eq!(said, (waits.map(at), probe), "{breaker:?} {now}");
        }
    }

    #[test]
    fn p23_pauses_grow_from_one_minute_to_fifteen() {
        let mut breaker = after(&[(0, Unreachable); 5]);
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let began = now;
            while !breaker.wants_probe(at(now)) {
                assert!(breaker.waits(at(now)).is_some());
                now += 1;
            }
            pauses.push(now - began);
            breaker = breaker.step(Unreachable, at(now));
        }
        assert_eq!(pauses, [60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(breaker.step(Answered, at(now)), closed(0));
        assert_eq!(after(&[(0, Unreachable); 4]).waits(at(0)), None);
        let one_success = [
            Unreachable,
            Unreachable,
            Unreachable,
            Unreachable,
            Answered,
            Unreachable,
        ];
        assert_eq!(after(&one_success.map(|event| (0, event))), closed(1));
    }

    #[test]
    fn only_what_was_not_answered_or_is_the_servers_fault_counts() {
        let until = None;
        for (class, status, expected) in [
            (Class::Transient, None, true),
            (Class::InDoubt, None, true),
            (Class::InDoubt, Some(500), true),
            (Class::Transient, Some(503), true),
            (Class::InDoubt, Some(522), true),
            (Class::InDoubt, Some(200), false),
            (Class::InDoubt, Some(408), false),
            (Class::Transient, Some(422), false),
            (Class::RateLimited { until }, Some(429), false),
            (Class::RateLimited { until }, Some(503), false),
            (Class::Auth, Some(401), false),
            (Class::Rejected, Some(422), false),
            (Class::Rejected, None, false),
            (Class::Duplicate, Some(404), false),
        ] {
            let mut failure = Failure::new(class, "x");
            failure.status = status;
            assert_eq!(is_unreachable(&failure), expected, "{class:?} {status:?}");
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => Just(Unreachable),
            1 => Just(Answered),
            1 => Just(NoProbe),
            1 => Just(Goes),
        ]
    }

    proptest! {
        /// Whatever happens, and wherever the clock goes: it never waits for longer than the longest pause,
        /// never stands still, and lets everything through once it was answered.
        #[test]
        fn it_never_gets_stuck(events in prop::collection::vec((-5000..5000_i64, event()), 0..60)) {
            let mut now = 0;
            let mut breaker = Breaker::default();
            for (passed, event) in events {
                now += passed;
                let may_probe = event != NoProbe || breaker.wants_probe(at(now));
                if may_probe {
                    breaker = breaker.step(event, at(now));
                }
                if let Some(until) = breaker.waits(at(now)) {
                    prop_assert!(until > at(now));
                    prop_assert!(until <= at(now + 900));
                    prop_assert!(!breaker.is_closed());
                }
                let moves = |when| breaker.waits(when).is_none() || breaker.wants_probe(when);
                prop_assert!(moves(at(now)) || moves(at(now + 900)), "{breaker:?}");
                prop_assert_eq!(breaker.step(Answered, at(now)).waits(at(now)), None);
            }
        }
    }
}

//! Whether the wall clock can be trusted (reliability §2.8, T1 to T4 and P36).
//!
//! It is compared with two clocks that nobody can set, and with what the system and the platforms say. While
//! it is not trusted nothing may be sent: what looks due may be early, and what looks missed may not be.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Two clocks that differ by no more than this are in step: to read both takes time, and a leap second may
/// lie between.
pub const TOLERANCE: Duration = Duration::from_secs(2);
/// How far the wall clock may go forward without being asked why.
pub const FORWARD: Duration = Duration::from_mins(5);
/// A platform whose clock is no further off than this confirms ours.
pub const AGREES: Duration = Duration::from_mins(2);
/// When the platforms' clocks are further off than this, ours is not trusted, however long.
pub const CONTRADICTS: Duration = Duration::from_mins(10);
/// How long distrust lasts where nobody can be asked.
pub const PATIENCE: Duration = Duration::from_mins(10);
/// Before and after these a clock shows nonsense, whatever anybody says: 2020 and 2038.
const SENSIBLE: (Timestamp, Timestamp) = (
    Timestamp::constant(1_577_836_800, 0),
    Timestamp::constant(2_145_916_800, 0),
);

/// The three clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// What people set, and NTP.
    pub wall: Timestamp,
    /// Since the machine was started, sleep included.
    pub uptime: Duration,
    /// The same without sleep.
    pub awake: Duration,
}

impl Sample {
    fn asleep(&self) -> Duration {
        self.uptime.saturating_sub(self.awake)
    }

    /// What the wall clock would show now if it had gone on evenly since `self`.
    fn expected(&self, now: &Sample) -> Timestamp {
        later(self.wall, now.uptime.saturating_sub(self.uptime))
    }
}

/// What happened between two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// How far the wall clock was set: forward, or back where negative. Zero within the tolerance.
    pub step: SignedDuration,
    /// How long the machine slept. Zero within the tolerance.
    pub slept: Duration,
}

impl Change {
    pub fn is_steady(&self) -> bool {
        self.step.is_zero() && self.slept.is_zero()
    }
}

/// What happened between `before` and `now`.
pub fn judge(before: &Sample, now: &Sample) -> Change {
    let step = now.wall.duration_since(before.expected(now));
    let slept = now.asleep().saturating_sub(before.asleep());
    Change {
        step: if step.unsigned_abs() > TOLERANCE {
            step
        } else {
            SignedDuration::ZERO
        },
        slept: if slept > TOLERANCE { slept } else { Duration::ZERO },
    }
}

/// The time that a platform told, and when by our clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub date: Timestamp,
    pub at: Sample,
}

impl Told {
    /// How far that platform's clock is from ours now. A step of ours since then does not matter; after a
    /// sleep there is no telling, because the same clock measured the sleep and set the wall clock after it.
    pub fn off(&self, now: &Sample) -> Option<Duration> {
        if !judge(&self.at, now).slept.is_zero() {
            return None;
        }
        let theirs = later(self.date, now.uptime.saturating_sub(self.at.uptime));
        Some(theirs.duration_since(now.wall).unsigned_abs())
    }
}

/// Who else knows what time it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Witnesses<'a> {
    /// When the system last set or checked its clock by a time server.
    pub synchronised: Option<Timestamp>,
    /// What each platform said last.
    pub told: &'a [Told],
}

impl Witnesses<'_> {
    /// How far the nearest and the furthest platform's clocks are from ours.
    fn off(&self, now: &Sample) -> Option<(Duration, Duration)> {
        let mut off = self.told.iter().filter_map(|told| told.off(now));
        let first = off.next()?;
        Some(off.fold((first, first), |(near, far), off| (near.min(off), far.max(off))))
    }
}

/// Why the wall clock is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was set forward.
    Forward(Duration),
    /// The machine slept.
    Slept(Duration),
    /// It shows an earlier time than the newest in the ledger.
    BehindLedger(Timestamp),
    /// It shows an earlier time than the day on which this version came out.
    BeforeRelease,
    /// Every platform's clock is further off than [`CONTRADICTS`]; the nearest by this.
    Contradicted(Duration),
    /// It shows a year before 2020 or after 2037.
    Senseless,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Forward(by) => write!(f, "it went forward by {}", shown(*by)),
            Why::Slept(long) => write!(f, "the machine slept for {}", shown(*long)),
            Why::BehindLedger(newest) => {
                write!(
                    f,
                    "it shows an earlier time than the ledger, which knows {newest}"
                )
            }
            Why::BeforeRelease => f.write_str("it shows a day before this version came out"),
            Why::Contradicted(off) => write!(f, "the platforms' clocks are {} off", shown(*off)),
            Why::Senseless => f.write_str("it shows a year before 2020 or after 2037"),
        }
    }
}

/// Why it is trusted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The system synchronised it, or a platform's clock agrees.
    Confirmed,
    /// Nobody could be asked for [`PATIENCE`].
    Unconfirmed,
    /// What was senseless is not any more, and nothing else was wrong.
    Mended,
}

/// A turn in how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing may be sent.
    Held(Why),
    /// Things go on.
    Trusted(How),
    /// Trusted still, but the nearest platform's clock is more than [`AGREES`] off.
    Differs(Duration),
}

/// What one look at the clocks came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    pub change: Change,
    pub turn: Option<Turn>,
}

#[derive(Debug, Clone, Copy)]
struct Distrust {
    why: Why,
    /// Awake time when it arose; patience is counted from here.
    since: Duration,
    /// Wall-clock time right before the last change. What was synchronised earlier says nothing.
    from: Timestamp,
}

/// How far the wall clock is trusted.
#[derive(Debug, Clone)]
pub struct Trust {
    last: Sample,
    /// Where the wall clock stood when it was last found right, or the furthest back it was set since.
    base: Sample,
    /// The last sample that was trusted: nothing was noted after it while there was distrust.
    trusted: Option<Sample>,
    distrust: Option<Distrust>,
    went_back: Option<Timestamp>,
    differs: bool,
}

impl Trust {
    /// At the start. `newest` is the newest instant that the ledger knows of, `released` the day on which
    /// this version came out.
    pub fn start(now: Sample, newest: Option<Timestamp>, released: Timestamp) -> Self {
        let newest = newest.filter(|newest| *newest > later(now.wall, FORWARD));
        let why = match newest {
            Some(newest) => Some(Why::BehindLedger(newest)),
            None if now.wall < released => Some(Why::BeforeRelease),
            None => None,
        };
        let distrust = |why| Distrust {
            why,
            since: now.awake,
            // Whenever it was synchronised since the machine was started will do.
            from: earlier(now.wall, now.uptime),
        };
        let mut trust = Self {
            last: now,
            base: now,
            trusted: None,
            distrust: why.map(distrust),
            went_back: newest,
            differs: false,
        };
        trust.trusted = trust.distrust().is_none().then_some(now);
        trust
    }

    /// Why nothing may be sent now.
    pub fn distrust(&self) -> Option<Why> {
        if is_senseless(self.last.wall) {
            return Some(Why::Senseless);
        }
        self.distrust.map(|distrust| distrust.why)
    }

    /// The latest instant from which the clock went back. Of what was noted up to it, nobody can tell the age
    /// any more: it may be older than it looks.
    pub fn went_back(&self) -> Option<Timestamp> {
        self.went_back
    }

    /// Looks at the clocks: right before each request, and each second in any case.
    pub fn look(&mut self, now: Sample, witnesses: &Witnesses<'_>) -> Look {
        let was = self.distrust();
        let change = judge(&self.last, &now);
        self.follow(&now, change);
        self.last = now;
        let turn = if is_senseless(now.wall) {
            None
        } else {
            self.weigh(&now, witnesses)
        };
        let is = self.distrust();
        if is.is_none() {
            self.trusted = Some(now);
        }
        let turn = match (was, is) {
            (was, Some(why)) => (was != Some(why)).then_some(Turn::Held(why)),
            (Some(_), None) => turn.or(Some(Turn::Trusted(How::Mended))),
            (None, None) => turn,
        };
        Look { change, turn }
    }

    /// What a change means before anybody is asked.
    fn follow(&mut self, now: &Sample, change: Change) {
        // Of a clock that was just set, to and fro perhaps, every second counts.
        let tolerance = if change.is_steady() {
            TOLERANCE
        } else {
            Duration::ZERO
        };
        if let Some(trusted) = &self.trusted
            && later(now.wall, tolerance) < trusted.expected(now)
        {
            let shown = match self.distrust() {
                None => self.last.expected(now),
                Some(_) => trusted.wall,
            };
            self.went_back = Some(self.went_back.map_or(shown, |before| before.max(shown)));
        }
        if now.wall < self.base.expected(now) {
            self.base = *now;
        }
        // Many small steps are one large one.
        let ahead = now.wall.duration_since(self.base.expected(now)).unsigned_abs();
        let why = if ahead > FORWARD && (self.distrust.is_none() || change.step.is_positive()) {
            Some(Why::Forward(ahead))
        } else {
            (!change.slept.is_zero()).then_some(Why::Slept(change.slept))
        };
        // Everything since the last sample may have been before the change.
        let from = earlier(now.wall, now.awake.saturating_sub(self.last.awake));
        if let Some(why) = why {
            let since = now.awake;
            self.distrust = Some(Distrust { why, since, from });
        } else if let Some(distrust) = self.distrust.as_mut().filter(|_| !change.is_steady()) {
            distrust.from = from;
        }
    }

    /// What the others say.
    fn weigh(&mut self, now: &Sample, witnesses: &Witnesses<'_>) -> Option<Turn> {
        let off = witnesses.off(now);
        let nearest_beyond = |limit| off.map(|(nearest, _)| nearest).filter(|off| *off > limit);
        let contradicted = nearest_beyond(CONTRADICTS);
        let Some(distrust) = self.distrust else {
            self.distrust = contradicted.map(|off| Distrust {
                why: Why::Contradicted(off),
                since: now.awake,
                from: now.wall,
            });
            let differs = nearest_beyond(AGREES);
            let before = std::mem::replace(&mut self.differs, differs.is_some());
            return differs.filter(|_| !before).map(Turn::Differs);
        };
        let how = match off {
            Some((_, furthest)) if furthest <= AGREES => How::Confirmed,
            None if witnesses
                .synchronised
                .is_some_and(|at| distrust.from <= at && at <= later(now.wall, TOLERANCE)) =>
            {
                How::Confirmed
            }
            _ if contradicted.is_none() && now.awake.saturating_sub(distrust.since) >= PATIENCE => {
                How::Unconfirmed
            }
            _ => return None,
        };
        self.distrust = None;
        self.base = *now;
        Some(Turn::Trusted(how))
    }
}

fn is_senseless(wall: Timestamp) -> bool {
    wall < SENSIBLE.0 || wall >= SENSIBLE.1
}

/// `at` and `long` before, as far as instants go.
fn earlier(at: Timestamp, long: Duration) -> Timestamp {
    at.saturating_sub(SignedDuration::try_from(long).unwrap_or(SignedDuration::MAX))
        .unwrap_or(Timestamp::MIN)
}

/// `at` and `long` later, as far as instants go.
fn later(at: Timestamp, long: Duration) -> Timestamp {
    at.saturating_add(SignedDuration::try_from(long).unwrap_or(SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

/// `2 h 10 min`, for people; seconds only where it is short.
pub fn shown(long: Duration) -> String {
    let seconds = long.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, _) => format!("{m} min"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests;

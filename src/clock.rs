//! The only reader of the clocks and of randomness.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::calendar::steady::{Sample, TOLERANCE};

/// The day of this version's release: a wall clock that shows less is wrong. Written here and not taken from
/// the compiler's clock, so that the same source always builds the same program.
pub const RELEASED: Timestamp = Timestamp::constant(1_795_392_000, 0); // 2026-11-23

/// Time and dice for everything above the ground floor. Tests pass their own.
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// How long the machine has been on, sleep included. Nobody can set it.
    fn uptime(&self) -> Duration;
    /// As `uptime`, but it stands still while the machine sleeps.
    fn awake(&self) -> Duration;
    /// A number in [0, 1), for back-off.
    fn dice(&self) -> f64;
    /// When the system last set or checked the wall clock by a time server, if it is one that says so.
    fn synchronised(&self) -> Option<Timestamp> {
        None
    }
}

/// systemd-timesyncd touches it whenever it has synchronised the clock (systemd-timesyncd.service(8)).
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// The machine's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one door to time and chance"
)]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Duration {
        since_start(clock_gettime(ClockId::Boottime))
    }

    fn awake(&self) -> Duration {
        since_start(clock_gettime(ClockId::Monotonic))
    }

    fn dice(&self) -> f64 {
        rand::random()
    }

    fn synchronised(&self) -> Option<Timestamp> {
        touched(Path::new(SYNCHRONISED))
    }
}

/// A number that nobody can guess: for forms, sessions and salts.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one door to time and chance"
)]
pub fn secret() -> [u8; 32] {
    rand::random()
}

fn touched(file: &Path) -> Option<Timestamp> {
    Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()
}

/// The three clocks at one moment. They are read one after the other, and the process may be stopped in
/// between, which would look as if one of them had been set: then they are read again.
pub fn sample(clock: &dyn Clock) -> Sample {
    let read = || {
        let before = clock.uptime();
        let (wall, awake, uptime) = (clock.now(), clock.awake(), clock.uptime());
        let quickly = uptime.saturating_sub(before) < TOLERANCE / 4;
        (quickly, Sample { wall, uptime, awake })
    };
    let (quickly, sample) = read();
    if quickly { sample } else { read().1 }
}

/// Both clocks start at 0 and only go up, so that a negative reading cannot be.
fn since_start(reading: Timespec) -> Duration {
    Duration::try_from(reading).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;

    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn the_machines_clocks_go_on_and_agree() {
        let (uptime, awake) = (SystemClock.uptime(), SystemClock.awake());
        assert!(awake > Duration::ZERO && uptime + Duration::from_millis(1) > awake);
        assert!(SystemClock.uptime() >= uptime && SystemClock.awake() >= awake);
    }

    #[test]
    fn the_system_says_when_it_synchronised_the_clock_by_touching_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("synchronized");
        assert_eq!(touched(&file), None);
        std::fs::File::create(&file)
            .unwrap()
            .set_modified(RELEASED.into())
            .unwrap();
        assert_eq!(touched(&file), Some(RELEASED));
    }

    /// Stopped for a minute after the wall clock was read, the first time.
    struct Stopped(AtomicU32);

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            RELEASED + SignedDuration::from_secs(if self.0.fetch_add(1, Relaxed) == 0 { 0 } else { 60 })
        }
        fn uptime(&self) -> Duration {
            Duration::from_secs(if self.0.load(Relaxed) == 0 { 0 } else { 60 })
        }
        fn awake(&self) -> Duration {
            self.uptime()
        }
        fn dice(&self) -> f64 {
            0.5
        }
    }

    #[test]
    fn a_process_stopped_between_two_readings_is_no_step_of_the_clock() {
        let clock = Stopped(AtomicU32::new(0));
        let sample = sample(&clock);
        let minute = Duration::from_mins(1);
        assert_eq!((sample.uptime, sample.awake), (minute, minute));
        assert_eq!(sample.wall, RELEASED + SignedDuration::from_mins(1));
    }
}

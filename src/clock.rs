//! The only reader of the wall clock and of randomness.

use jiff::Timestamp;

/// Time and dice for everything above the ground floor. Tests pass their own.
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Timestamp;
    /// A number in [0, 1), for back-off.
    fn dice(&self) -> f64;
}

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

    fn dice(&self) -> f64 {
        rand::random()
    }
}

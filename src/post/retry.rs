//! How long to wait before another try.

use std::time::Duration;

/// The ceilings of the wait before the 1st, 2nd … further try (reliability §2.6); the last one repeats.
const CEILINGS_S: [u64; 7] = [5, 30, 120, 600, 1800, 3600, 7200];

/// Never less, so that a platform that refuses at once is not hammered.
const FLOOR: Duration = Duration::from_secs(1);

/// The wait after `tries` failures, with full jitter: anywhere between the floor and the ceiling, so that
/// many that failed together do not return together. `dice` is in [0, 1).
pub fn backoff(tries: u32, dice: f64) -> Duration {
    let index = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
    let ceiling = CEILINGS_S
        .get(index)
        .or(CEILINGS_S.last())
        .copied()
        .unwrap_or(7200);
    FLOOR + (Duration::from_secs(ceiling).saturating_sub(FLOOR)).mul_f64(dice.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_two_hours_and_fill_the_whole_range() {
        assert_eq!(backoff(1, 0.0), Duration::from_secs(1));
        assert_eq!(backoff(1, 1.0), Duration::from_secs(5));
        assert_eq!(backoff(3, 1.0), Duration::from_mins(2));
        assert_eq!(backoff(3, 0.5), Duration::from_millis(60_500));
        assert_eq!(backoff(7, 1.0), Duration::from_hours(2));
        assert_eq!(backoff(1_000_000, 1.0), Duration::from_hours(2));
    }
}

//! The pulse: whether the daemon still turns, for those who start it again when it does not.
//!
//! The dispatcher beats at each of its turns, and turns once a minute at the least. One that waits for the ledger is
//! not hung: somebody has locked it, and a new start would wait for it too, or give up. So the pulse counts as gone
//! only where the ledger answers and the dispatcher does not turn all the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long the dispatcher may go without a turn: three times what it sleeps at most.
const STILL: Duration = Duration::from_mins(3);

/// Beats each time that the dispatcher turns.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn beats(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Feels a pulse, again and again.
#[derive(Debug)]
pub struct Finger<'a> {
    pulse: &'a Pulse,
    felt: u64,
    since: Instant,
}

impl<'a> Finger<'a> {
    pub fn on(pulse: &'a Pulse) -> Self {
        Self {
            pulse,
            felt: pulse.beats(),
            since: Instant::now(),
        }
    }

    /// Whether the daemon turns, or waits for a ledger that does not answer. The ledger is asked only in doubt.
    pub async fn is_alive(&mut self, ledger_answers: impl Future<Output = bool>) -> bool {
        let beats = self.pulse.beats();
        if beats != self.felt {
            (self.felt, self.since) = (beats, Instant::now());
        }
        self.since.elapsed() < STILL || !ledger_answers.await
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_gone_when_nothing_turns_though_the_ledger_answers() {
        let pulse = Pulse::default();
        let mut finger = Finger::on(&pulse);
        tokio::time::advance(STILL.saturating_sub(Duration::from_secs(1))).await;
        assert!(finger.is_alive(ready(true)).await, "it may sleep so long");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!finger.is_alive(ready(true)).await);
        assert!(finger.is_alive(ready(false)).await, "it waits for the ledger");
        pulse.beat();
        assert!(finger.is_alive(ready(true)).await);
        tokio::time::advance(STILL).await;
        assert!(!finger.is_alive(ready(true)).await);
    }
}

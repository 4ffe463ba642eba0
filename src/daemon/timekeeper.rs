//! Watches the clocks, and says before each request whether they can be trusted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::calendar::steady::{How, Look, Trust, Turn, Why, Witnesses, shown};
use crate::clock::{Clock, RELEASED, sample};
use crate::ledger::{Ledger, LedgerError};
use crate::platform::dates::Dates;

/// How far the ledger's clock and ours may be apart without a word.
const APART: Duration = Duration::from_mins(2);
/// How often it looks by itself.
const EACH: Duration = Duration::from_secs(1);

/// The clocks, and how far they are trusted.
pub struct Timekeeper {
    clock: Arc<dyn Clock>,
    dates: Dates,
    // A plain mutex: held for arithmetic, never across an await.
    seen: Mutex<Seen>,
    /// Rung when the clock was set, the machine slept, or the trust turned.
    news: Notify,
}

struct Seen {
    trust: Trust,
    went_forward: Option<Timestamp>,
    /// From when the clock went back, as the ledger has it: an earlier process may be the only one that saw it.
    kept: Option<Timestamp>,
    synchronised: Option<Timestamp>,
}

/// What the ledger calls the latest instant from which the clock went back.
const WENT_BACK: &str = "went_back";

impl Timekeeper {
    pub fn new(clock: Arc<dyn Clock>, dates: Dates) -> Self {
        let trust = Trust::start(sample(&*clock), None, RELEASED);
        Self {
            clock,
            dates,
            seen: Mutex::new(Seen {
                trust,
                went_forward: None,
                kept: None,
                synchronised: None,
            }),
            news: Notify::new(),
        }
    }

    /// Compares the clock with the ledger: at the start, before anything is planned or sent.
    ///
    /// # Errors
    /// When the ledger can't be read, or written where the clock went back.
    pub async fn begin(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let newest = newest(ledger).await?;
        let kept = ledger.noted(WENT_BACK).await?;
        let synchronised = self.clock.synchronised();
        let held = {
            let mut seen = self.seen();
            let now = sample(&*self.clock);
            seen.trust = Trust::start(now, newest, RELEASED);
            // It may have been set while nobody was looking.
            seen.went_forward = Some(now.wall);
            seen.kept = kept.and_then(|text| text.parse().ok());
            seen.synchronised = synchronised;
            seen.trust.distrust()
        };
        if let Some(why) = held {
            report_turn(Turn::Held(why), self.clock.now());
        }
        self.look();
        self.keep(ledger).await?;
        self.compare(ledger.clock().await?);
        Ok(())
    }

    /// That the clock went back must outlive this process: the next may begin when the clock has caught up, and then
    /// nothing shows any more that what was noted before is older than it looks.
    async fn keep(&self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        let (back, kept) = (self.went_back(), self.seen().kept);
        if let Some(from) = back.filter(|_| back > kept) {
            ledger.note(WENT_BACK, &from.to_string()).await?;
            self.seen().kept = back;
        }
        Ok(())
    }

    /// Leases go by the ledger's own clock and posts by ours, so a difference does no harm; one of them is wrong
    /// all the same (reliability S20).
    fn compare(&self, ledgers: Option<Timestamp>) {
        let now = self.clock.now();
        let Some(by) = ledgers.map(|theirs| theirs.duration_since(now)) else {
            return;
        };
        if by.unsigned_abs() > APART {
            let (seconds, far) = (by.as_secs(), shown(by.unsigned_abs()));
            tracing::warn!(event = "clock.differs", seconds, now = %now, "the database's clock is {far} off ours: posts go by ours");
        }
    }

    /// Looks at the clocks now. Where it says why, nothing may be sent, and nothing that hangs on the time may
    /// be decided: what looks due may be early, and what looks missed may not be. Asked right before each
    /// request, because the machine may have slept since anybody looked last.
    ///
    /// Cheap: it reads three clocks and waits for nobody. When the trust turns, the dispatcher is woken.
    pub fn look(&self) -> Option<Why> {
        let told = self.dates.told();
        let (look, now, held) = {
            let mut seen = self.seen();
            let now = sample(&*self.clock);
            let witnesses = Witnesses {
                synchronised: seen.synchronised,
                told: &told,
            };
            let look = seen.trust.look(now, &witnesses);
            if look.change.step.is_positive() {
                seen.went_forward = Some(now.wall);
            }
            if look.change.step.is_negative() {
                // That was an instant of a clock that is no more: what is noted from now on is after it.
                seen.went_forward = seen.went_forward.map(|then| then.min(now.wall));
            }
            (look, now.wall, seen.trust.distrust())
        };
        if look != Look::default() {
            report(&look, now);
            self.news.notify_one();
        }
        held
    }

    /// The latest instant from which the clock went back. The age of what was noted up to it can't be told any
    /// more: an idempotency key from then may be older than it looks, so it must count as dead.
    pub fn went_back(&self) -> Option<Timestamp> {
        let seen = self.seen();
        seen.trust.went_back().max(seen.kept)
    }

    /// The latest instant to which the clock went forward, or may have: when this process began. What was noted before
    /// it can be younger than it looks, so no list may be believed on the strength of its age.
    pub fn went_forward(&self) -> Option<Timestamp> {
        self.seen().went_forward
    }

    /// Looks each second until `stop`, and rings when the clock was set, the machine slept or the trust turned,
    /// for those who sleep until an instant.
    pub async fn run(&self, ring: &Notify, stop: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.news.notified() => ring.notify_one(),
                () = tokio::time::sleep(EACH) => drop(self.look_around()),
            }
        }
    }

    /// Writes down within a second that the clock went back, until `stop`. What can't be written is tried again; who
    /// sends finds the ledger out of order by itself.
    pub async fn remember(&self, ledger: &dyn Ledger, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(EACH)).await.is_some() {
            self.keep(ledger).await.ok();
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Whole at every moment: a look either happened or not.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Self::look`], after asking the system.
    fn look_around(&self) -> Option<Why> {
        if self.seen().trust.distrust().is_some() {
            let synchronised = self.clock.synchronised();
            self.seen().synchronised = synchronised;
        }
        self.look()
    }
}

/// The newest instant that the ledger knows of.
async fn newest(ledger: &dyn Ledger) -> Result<Option<Timestamp>, LedgerError> {
    let mut newest = ledger.newest().await?;
    for note in ["started", "stopped", "loaded"] {
        let noted = ledger.noted(note).await?.and_then(|text| text.parse().ok());
        newest = newest.max(noted);
    }
    Ok(newest)
}

fn report(look: &Look, now: Timestamp) {
    let by = look.change.step.as_secs();
    if by != 0 {
        let way = if by < 0 { "back" } else { "forward" };
        let far = shown(look.change.step.unsigned_abs());
        tracing::warn!(event = "clock.stepped", by, now = %now, "the clock was set {way} by {far}: it is {now} now");
    }
    if !look.change.slept.is_zero() {
        let seconds = look.change.slept.as_secs();
        tracing::warn!(event = "clock.slept", seconds, now = %now, "the machine slept for {}", shown(look.change.slept));
    }
    if let Some(turn) = look.turn {
        report_turn(turn, now);
    }
}

fn report_turn(turn: Turn, now: Timestamp) {
    match turn {
        Turn::Held(why) => {
            let why = why.to_string();
            tracing::warn!(event = "clock.held", why, now = %now, "the clock shows {now} and is not trusted, so nothing is sent: {why}");
        }
        Turn::Trusted(How::Unconfirmed) => {
            tracing::warn!(event = "clock.trusted", now = %now, "nobody could confirm the clock for 10 minutes: {now} is taken for right, and things go on");
        }
        Turn::Trusted(How::Confirmed | How::Mended) => {
            tracing::info!(event = "clock.trusted", now = %now, "the clock is right again: things go on");
        }
        Turn::Differs(by) => {
            let seconds = by.as_secs();
            tracing::warn!(event = "clock.differs", seconds, now = %now, "the platforms' clocks are {} off ours; nothing is sent when it is more than 10 minutes", shown(by));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;
    use std::sync::atomic::Ordering::Relaxed;

    use jiff::SignedDuration;

    use super::*;

    /// Clocks that a test sets, in seconds.
    #[derive(Default)]
    struct Hands {
        wall: AtomicI64,
        asleep: AtomicI64,
        awake: AtomicI64,
        synchronised: Mutex<Option<Timestamp>>,
    }

    impl Hands {
        /// A day after the release, on a machine that has been on for an hour.
        fn new() -> Arc<Self> {
            let hands = Self::default();
            hands.wall.store(86_400, Relaxed);
            hands.awake.store(3600, Relaxed);
            Arc::new(hands)
        }

        fn goes_on(&self, seconds: i64) {
            self.awake.fetch_add(seconds, Relaxed);
            self.steps(seconds);
        }

        fn sleeps(&self, seconds: i64) {
            self.asleep.fetch_add(seconds, Relaxed);
            self.steps(seconds);
        }

        fn steps(&self, seconds: i64) {
            self.wall.fetch_add(seconds, Relaxed);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            RELEASED + SignedDuration::from_secs(self.wall.load(Relaxed))
        }
        fn uptime(&self) -> Duration {
            self.awake() + Duration::from_secs(self.asleep.load(Relaxed).unsigned_abs())
        }
        fn awake(&self) -> Duration {
            Duration::from_secs(self.awake.load(Relaxed).unsigned_abs())
        }
        fn dice(&self) -> f64 {
            0.5
        }
        fn synchronised(&self) -> Option<Timestamp> {
            *self.synchronised.lock().unwrap()
        }
    }

    const HOUR: i64 = 3600;

    struct Bench {
        hands: Arc<Hands>,
        keeper: Timekeeper,
    }

    impl Bench {
        fn new() -> Self {
            let hands = Hands::new();
            let clock: Arc<dyn Clock> = Arc::clone(&hands) as Arc<dyn Clock>;
            Self {
                keeper: Timekeeper::new(clock, Dates::default()),
                hands,
            }
        }

        /// The system says that it synchronised the clock so many seconds ago.
        fn synchronise(&self, ago: i64) {
            let at = self.hands.now() - SignedDuration::from_secs(ago);
            *self.hands.synchronised.lock().unwrap() = Some(at);
        }
    }

    #[test]
    fn t1_a_step_forward_holds_until_the_system_has_synchronised_the_clock() {
        let bench = Bench::new();
        bench.synchronise(100);
        assert_eq!(bench.keeper.look(), None);
        bench.hands.goes_on(1);
        bench.hands.steps(600);
        let why = bench.keeper.look();
        assert_eq!(why, Some(Why::Forward(Duration::from_mins(10))));
        bench.hands.goes_on(30);
        assert_eq!(bench.keeper.look_around(), why, "that was before the step");
        bench.synchronise(0);
        assert_eq!(bench.keeper.look(), why, "to look asks nobody");
        assert_eq!(bench.keeper.look_around(), None);
        assert_eq!(bench.keeper.look(), None);
    }

    #[test]
    fn t1_a_step_forward_holds_until_a_platform_agrees() {
        let bench = Bench::new();
        let say = |off: i64| {
            let date = bench.hands.now() + SignedDuration::from_secs(off);
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert("date", date.parse().unwrap());
            let now = sample(&*bench.hands);
            bench.keeper.dates.hear("https://a.example", &headers, now);
        };
        bench.hands.steps(600);
        let why = bench.keeper.look();
        say(-600);
        assert_eq!(bench.keeper.look(), why);
        say(1);
        assert_eq!(bench.keeper.look(), None);
        say(20 * 60);
        let why = Why::Contradicted(Duration::from_mins(20));
        assert_eq!(bench.keeper.look(), Some(why), "P36");
    }

    #[test]
    fn t2_a_step_back_is_told_to_whoever_reckons_with_ages() {
        let bench = Bench::new();
        let noted = bench.hands.now();
        bench.hands.goes_on(60);
        assert_eq!((bench.keeper.look(), bench.keeper.went_back()), (None, None));
        bench.hands.steps(-2 * HOUR);
        assert_eq!(bench.keeper.look(), None);
        assert!(bench.keeper.went_back().unwrap() >= noted);
    }

    #[test]
    fn t2_a_clock_that_went_forward_and_back_again_is_reckoned_with_once() {
        let bench = Bench::new();
        bench.keeper.look();
        bench.hands.steps(5 * HOUR);
        bench.keeper.look();
        assert_eq!(bench.keeper.went_forward(), Some(bench.hands.now()));
        bench.hands.steps(-5 * HOUR);
        bench.keeper.look();
        let noted = bench.hands.now();
        assert!(
            bench.keeper.went_forward() <= Some(noted),
            "what is noted now is after it"
        );
    }

    #[tokio::test]
    async fn t1_the_clock_may_have_been_set_while_nobody_was_looking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let ledger = crate::ledger::sqlite::Sqlite::create(&path).await.unwrap();
        let bench = Bench::new();
        bench.keeper.begin(&ledger).await.unwrap();
        assert_eq!(bench.keeper.went_forward(), Some(bench.hands.now()));
    }

    #[test]
    fn t4_whoever_looks_first_after_a_sleep_is_told() {
        let bench = Bench::new();
        bench.hands.goes_on(1);
        bench.hands.sleeps(5 * HOUR);
        let slept = Some(Why::Slept(Duration::from_hours(5)));
        assert_eq!(bench.keeper.look(), slept);
        bench.hands.goes_on(600);
        assert_eq!(bench.keeper.look(), None);
    }

    #[tokio::test]
    async fn t3_the_ledger_may_know_of_a_later_time_than_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = crate::ledger::sqlite::Sqlite::create(&folder.path().join("a.db"))
            .await
            .unwrap();
        let bench = Bench::new();
        let now = bench.hands.now();
        bench.keeper.begin(&ledger).await.unwrap();
        assert_eq!(bench.keeper.look(), None, "an empty one knows nothing");
        let newest = now + SignedDuration::from_hours(3);
        for (note, at) in [("started", newest), ("stopped", now)] {
            ledger.note(note, &at.to_string()).await.unwrap();
        }
        bench.keeper.begin(&ledger).await.unwrap();
        assert_eq!(bench.keeper.look(), Some(Why::BehindLedger(newest)));
        assert_eq!(bench.keeper.went_back(), Some(newest));
        // The system has synchronised it since it was started, so the ledger's time was the wrong one.
        bench.synchronise(HOUR / 2);
        bench.keeper.begin(&ledger).await.unwrap();
        assert_eq!(bench.keeper.look(), None);
    }

    #[tokio::test]
    async fn t2_that_the_clock_went_back_outlives_the_process_and_its_catching_up() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = crate::ledger::sqlite::Sqlite::create(&folder.path().join("a.db"))
            .await
            .unwrap();
        let bench = Bench::new();
        let noted = bench.hands.now();
        ledger.note("started", &noted.to_string()).await.unwrap();
        bench.hands.steps(-HOUR);
        bench.keeper.begin(&ledger).await.unwrap();
        bench.hands.goes_on(2 * HOUR);
        let next = Bench {
            keeper: Timekeeper::new(Arc::clone(&bench.hands) as Arc<dyn Clock>, Dates::default()),
            hands: Arc::clone(&bench.hands),
        };
        next.keeper.begin(&ledger).await.unwrap();
        assert_eq!(next.keeper.look(), None, "nothing shows it any more");
        assert_eq!(next.keeper.went_back(), Some(noted));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_sleeps_is_woken_within_a_second_when_the_clock_is_set() {
        let bench = Bench::new();
        let (ring, stop) = (Notify::new(), CancellationToken::new());
        let began = tokio::time::Instant::now();
        let woken = async {
            tokio::time::sleep(Duration::from_millis(2500)).await;
            bench.hands.steps(-HOUR);
            ring.notified().await;
            let after = began.elapsed();
            stop.cancel();
            after
        };
        let (after, ()) = tokio::join!(woken, bench.keeper.run(&ring, stop.clone()));
        assert_eq!(after, Duration::from_secs(3));
        assert!(bench.keeper.went_back().is_some());
    }

    #[test]
    fn t3_a_clock_that_shows_1970_or_2038_is_refused_however_long() {
        for year in [-56, 12] {
            let bench = Bench::new();
            bench.hands.steps(year * 365 * 24 * HOUR);
            bench.synchronise(0);
            for _ in 0..1000 {
                bench.hands.goes_on(1);
                assert_eq!(bench.keeper.look_around(), Some(Why::Senseless));
            }
        }
    }
}

//! The clock set, the machine asleep, and who is believed.

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn long(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

/// A machine that has been on for two hours, and what became of its clocks.
#[derive(Debug, Clone, Copy)]
struct Machine(Sample);

impl Machine {
    fn new() -> Self {
        Self(Sample {
            wall: at("2027-03-01T12:00:00Z"),
            uptime: long(2 * HOUR),
            awake: long(2 * HOUR),
        })
    }

    fn showing(wall: &str) -> Self {
        let wall = at(wall);
        Self(Sample {
            wall,
            ..Self::new().0
        })
    }

    fn goes_on(&mut self, seconds: i64) -> Sample {
        self.0.awake += long(seconds);
        self.sleeps(seconds)
    }

    fn sleeps(&mut self, seconds: i64) -> Sample {
        self.0.uptime += long(seconds);
        self.steps(seconds)
    }

    fn steps(&mut self, seconds: i64) -> Sample {
        self.0.wall += secs(seconds);
        self.0
    }

    /// A platform whose clock is `off` seconds ahead of the wall clock.
    fn told(&self, off: i64) -> Told {
        Told {
            date: self.0.wall + secs(off),
            at: self.0,
        }
    }

    fn trust(&self) -> Trust {
        Trust::start(self.0, None, at("2026-11-23T00:00:00Z"))
    }
}

fn nobody() -> Witnesses<'static> {
    Witnesses::default()
}

fn told(told: &[Told]) -> Witnesses<'_> {
    Witnesses { told, ..nobody() }
}

fn synchronised(at: Timestamp) -> Witnesses<'static> {
    Witnesses {
        synchronised: Some(at),
        ..nobody()
    }
}

/// Looks once a second for so long.
fn look_on(trust: &mut Trust, machine: &mut Machine, seconds: i64, witnesses: &Witnesses<'_>) -> Vec<Turn> {
    (0..seconds)
        .filter_map(|_| trust.look(machine.goes_on(1), witnesses).turn)
        .collect()
}

#[test]
fn each_change_is_told_from_the_others() {
    for (wall, uptime, awake, step, slept) in [
        // An even pace, however long nobody looked.
        (1, 1, 1, 0, 0),
        (86_400, 86_400, 86_400, 0, 0),
        // Within the tolerance, and just beyond.
        (3, 1, 1, 0, 0),
        (4, 1, 1, 3, 0),
        (-1, 1, 1, 0, 0),
        (-2, 1, 1, -3, 0),
        (10, 10, 8, 0, 0),
        (10, 10, 7, 0, 3),
        // Set.
        (601, 1, 1, 600, 0),
        (-7199, 1, 1, -7200, 0),
        // Asleep, and set while it slept.
        (18_000, 18_000, 1, 0, 17_999),
        (14_400, 18_000, 0, -3600, 18_000),
        (21_600, 18_000, 0, 3600, 18_000),
    ] {
        let mut machine = Machine::new();
        let before = machine.0;
        machine.0.wall += secs(wall);
        machine.0.uptime += long(uptime);
        machine.0.awake += long(awake);
        let change = judge(&before, &machine.0);
        assert_eq!(
            (change.step, change.slept),
            (secs(step), long(slept)),
            "{wall} {uptime} {awake}"
        );
        assert_eq!(change.is_steady(), step == 0 && slept == 0);
    }
}

#[test]
fn t1_a_step_forward_holds_until_somebody_confirms_it() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    machine.goes_on(1);
    let look = trust.look(machine.steps(10 * MINUTE), &nobody());
    assert_eq!(look.change.step, secs(10 * MINUTE));
    assert_eq!(look.turn, Some(Turn::Held(Why::Forward(long(10 * MINUTE)))));

    // What was synchronised before the step says nothing about it.
    let before = synchronised(machine.0.wall - secs(5));
    assert_eq!(look_on(&mut trust, &mut machine, 60, &before), []);
    assert!(trust.distrust().is_some());
    let after = synchronised(machine.0.wall - secs(3));
    assert_eq!(
        look_on(&mut trust, &mut machine, 1, &after),
        [Turn::Trusted(How::Confirmed)]
    );
    assert_eq!(trust.distrust(), None);
}

#[test]
fn t1_what_a_platform_said_before_the_step_tells_whether_it_was_right() {
    // The clock was ten minutes behind, and is set right.
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let platform = [machine.told(10 * MINUTE)];
    machine.goes_on(30);
    let look = trust.look(machine.steps(10 * MINUTE), &told(&platform));
    assert_eq!(look.turn, Some(Turn::Trusted(How::Confirmed)));

    // The clock was right, and is set ten minutes ahead.
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let platform = [machine.told(0)];
    machine.goes_on(30);
    trust.look(machine.steps(10 * MINUTE), &told(&platform));
    assert_eq!(trust.distrust(), Some(Why::Forward(long(10 * MINUTE))));
}

#[test]
fn many_small_steps_forward_are_one_large_one() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let mut steps = 0;
    while trust.distrust().is_none() {
        machine.goes_on(1);
        trust.look(machine.steps(MINUTE), &nobody());
        steps += 1;
    }
    assert_eq!(steps, 6);
}

#[test]
fn where_nobody_can_be_asked_it_is_trusted_after_ten_minutes() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    trust.look(machine.steps(HOUR), &nobody());
    assert_eq!(look_on(&mut trust, &mut machine, 599, &nobody()), []);
    assert_eq!(
        look_on(&mut trust, &mut machine, 1, &nobody()),
        [Turn::Trusted(How::Unconfirmed)]
    );
    // Another step is another question, and another ten minutes.
    trust.look(machine.steps(HOUR), &nobody());
    look_on(&mut trust, &mut machine, 300, &nobody());
    trust.look(machine.steps(HOUR), &nobody());
    assert_eq!(look_on(&mut trust, &mut machine, 599, &nobody()), []);
}

#[test]
fn a_platform_that_disagrees_is_never_overruled_early() {
    for (off, waits) in [
        (0, 0),
        (2 * MINUTE, 0),
        (-2 * MINUTE, 0),
        (2 * MINUTE + 1, 600),
        (-3 * MINUTE, 600),
        (10 * MINUTE, 600),
    ] {
        let mut machine = Machine::new();
        let mut trust = machine.trust();
        trust.look(machine.steps(HOUR), &nobody());
        let platform = [machine.told(0), machine.told(off)];
        let witnesses = Witnesses {
            synchronised: Some(machine.0.wall),
            told: &platform,
        };
        let held = (0..=601).find(|_| {
            trust.look(machine.0, &witnesses);
            let trusted = trust.distrust().is_none();
            machine.goes_on(1);
            trusted
        });
        assert_eq!(held, Some(waits), "{off}");
    }
}

#[test]
fn t2_a_step_back_holds_nothing_and_is_told() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let before = machine.goes_on(1).wall;
    trust.look(machine.0, &nobody());
    assert_eq!(trust.went_back(), None);

    machine.goes_on(1);
    let look = trust.look(machine.steps(-2 * HOUR), &nobody());
    assert_eq!((look.change.step, look.turn), (secs(-2 * HOUR), None));
    assert_eq!(trust.distrust(), None);
    assert_eq!(trust.went_back(), Some(before + secs(1)));

    // Set right again: that is a step forward like any other.
    machine.goes_on(1);
    trust.look(machine.steps(2 * HOUR), &nobody());
    assert_eq!(trust.distrust(), Some(Why::Forward(long(2 * HOUR))));
}

#[test]
fn a_step_forward_that_is_taken_back_leaves_all_ages_as_they_were() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    trust.look(machine.steps(HOUR), &nobody());
    machine.goes_on(5);
    trust.look(machine.steps(-HOUR), &nobody());
    assert_eq!(
        trust.went_back(),
        None,
        "nothing was noted while it was an hour ahead"
    );
    assert!(trust.distrust().is_some(), "which of the two is right?");
    // What was synchronised between the two steps confirmed the time that is gone.
    let between = synchronised(machine.0.wall + secs(HOUR));
    assert_eq!(look_on(&mut trust, &mut machine, 5, &between), []);
    let since = synchronised(machine.0.wall);
    assert_eq!(
        look_on(&mut trust, &mut machine, 1, &since),
        [Turn::Trusted(How::Confirmed)]
    );
}

#[test]
fn t3_a_start_in_a_senseless_year_is_never_waited_out() {
    for (wall, sense) in [
        ("1970-01-01T00:02:00Z", false),
        ("2019-12-31T12:00:00Z", false),
        ("2026-11-23T00:00:00Z", true),
        ("2037-12-31T23:00:00Z", true),
        ("2038-01-01T00:00:00Z", false),
        ("9999-12-01T00:00:00Z", false),
    ] {
        let mut machine = Machine::showing(wall);
        let mut trust = machine.trust();
        look_on(&mut trust, &mut machine, 1200, &nobody());
        let platform = [machine.told(0)];
        trust.look(machine.0, &told(&platform));
        let expected = (!sense).then_some(Why::Senseless);
        assert_eq!(trust.distrust(), expected, "{wall}");
    }
    // It is mended: forward with the usual question, back without one.
    let mut machine = Machine::showing("1970-01-01T00:02:00Z");
    let mut trust = machine.trust();
    machine.0.wall = at("2027-03-01T12:00:00Z");
    let look = trust.look(machine.0, &nobody());
    assert!(matches!(look.turn, Some(Turn::Held(Why::Forward(_)))), "{look:?}");
    let mut machine = Machine::showing("2040-01-01T00:00:00Z");
    let mut trust = machine.trust();
    machine.0.wall = at("2027-03-01T12:00:00Z");
    let look = trust.look(machine.0, &nobody());
    assert_eq!(look.turn, Some(Turn::Trusted(How::Mended)));
    assert_eq!(trust.went_back(), None, "nothing was noted in 2040");
}

#[test]
fn t3_a_start_before_the_release_or_before_the_ledger_is_questioned() {
    let released = at("2027-03-01T12:00:00Z");
    let machine = Machine::new();
    let start = |ahead, newest| Trust::start(machine.0, newest, released + secs(ahead));
    let newest = |ahead| Some(machine.0.wall + secs(ahead));
    assert_eq!(start(0, None).distrust(), None);
    assert_eq!(start(1, None).distrust(), Some(Why::BeforeRelease));
    assert_eq!(start(0, newest(5 * MINUTE)).distrust(), None);
    let late = start(0, newest(5 * MINUTE + 1));
    assert_eq!(
        late.distrust(),
        newest(5 * MINUTE + 1).map(Why::BehindLedger),
        "the ledger knows of a later time"
    );
    assert_eq!(late.went_back(), newest(5 * MINUTE + 1));

    // Synchronised since the machine was started: then the ledger's time was the wrong one.
    for (ago, trusted) in [
        (-10, false),
        (0, true),
        (HOUR, true),
        (2 * HOUR, true),
        (3 * HOUR, false),
    ] {
        let mut trust = late.clone();
        trust.look(machine.0, &synchronised(machine.0.wall - secs(ago)));
        assert_eq!(trust.distrust().is_none(), trusted, "{ago} s ago");
    }
}

#[test]
fn t4_a_sleep_is_noticed_at_the_first_look_after_it() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let platform = [machine.told(0)];
    let look = trust.look(machine.sleeps(5 * HOUR), &told(&platform));
    assert_eq!(
        look.change,
        Change {
            step: secs(0),
            slept: long(5 * HOUR)
        }
    );
    assert_eq!(look.turn, Some(Turn::Held(Why::Slept(long(5 * HOUR)))));
    // What was told before the sleep was measured by the clock that also set the wall clock after it.
    assert_eq!(look_on(&mut trust, &mut machine, 9, &told(&platform)), []);
    let platform = [machine.told(-1)];
    assert_eq!(
        look_on(&mut trust, &mut machine, 1, &told(&platform)),
        [Turn::Trusted(How::Confirmed)]
    );
}

#[test]
fn p36_when_all_platforms_are_far_off_nothing_goes_out_however_long() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let off = 20 * MINUTE;
    let (wrong, right) = (machine.told(off), machine.told(1));
    let look = trust.look(machine.0, &told(&[wrong]));
    assert_eq!(look.turn, Some(Turn::Held(Why::Contradicted(long(off)))));
    assert_eq!(look_on(&mut trust, &mut machine, 2000, &told(&[wrong])), []);
    assert!(trust.distrust().is_some());
    // It says something else now.
    let mended = machine.told(0);
    assert_eq!(
        look_on(&mut trust, &mut machine, 1, &told(&[mended])),
        [Turn::Trusted(How::Confirmed)]
    );

    // One platform with a wrong clock does not silence the campaign.
    let mut trust = machine.trust();
    trust.look(machine.0, &told(&[wrong, right]));
    assert_eq!(trust.distrust(), None);
    // Ten minutes are the limit, and more than two are told once.
    for (off, turn) in [
        (2 * MINUTE, None),
        (3 * MINUTE, Some(Turn::Differs(long(3 * MINUTE)))),
        (-10 * MINUTE, Some(Turn::Differs(long(10 * MINUTE)))),
        (
            10 * MINUTE + 1,
            Some(Turn::Held(Why::Contradicted(long(10 * MINUTE + 1)))),
        ),
    ] {
        let mut trust = machine.trust();
        let platform = [machine.told(off)];
        assert_eq!(trust.look(machine.0, &told(&platform)).turn, turn, "{off}");
        assert_eq!(trust.look(machine.0, &told(&platform)).turn, None, "{off}: once");
    }
}

#[test]
fn reasons_are_sentences() {
    for (why, words) in [
        (Why::Forward(long(601)), "it went forward by 10 min"),
        (Why::Slept(long(5 * HOUR)), "the machine slept for 5 h"),
        (Why::Slept(long(3)), "the machine slept for 3 s"),
        (
            Why::BehindLedger(at("2027-03-01T12:00:00Z")),
            "it shows an earlier time than the ledger, which knows 2027-03-01T12:00:00Z",
        ),
        (Why::BeforeRelease, "it shows a day before this version came out"),
        (
            Why::Contradicted(long(HOUR + 120)),
            "the platforms' clocks are 1 h 2 min off",
        ),
        (Why::Senseless, "it shows a year before 2020 or after 2037"),
    ] {
        assert_eq!(why.to_string(), words);
    }
}

/// What happens to a machine between two looks.
#[derive(Debug, Clone, Copy)]
struct Between {
    goes_on: i64,
    sleeps: i64,
    steps: i64,
}

prop_compose! {
    fn between()(
        goes_on in 0..120_i64,
        sleeps in prop_oneof![5 => Just(0), 1 => 3..20_000_i64],
        steps in prop_oneof![4 => Just(0), 1 => 3..10_000_i64, 1 => -10_000..-3_i64],
    ) -> Between {
        Between { goes_on, sleeps, steps }
    }
}

fn lives(machine: &mut Machine, between: Between) -> Sample {
    machine.goes_on(between.goes_on);
    machine.sleeps(between.sleeps);
    machine.steps(between.steps)
}

#[test]
fn t2_a_clock_that_was_set_forward_and_a_second_too_far_back_has_gone_back() {
    let mut machine = Machine::new();
    let mut trust = machine.trust();
    let noted = machine.0.wall;
    trust.look(machine.steps(5718), &nobody());
    trust.look(machine.steps(-5719), &nobody());
    assert!(trust.went_back().is_some_and(|from| noted <= from));
}

proptest! {
    #[test]
    fn what_happened_between_two_looks_is_seen_as_it_was(between in between()) {
        let mut machine = Machine::new();
        let before = machine.0;
        let change = judge(&before, &lives(&mut machine, between));
        prop_assert_eq!(change.step, secs(between.steps));
        prop_assert_eq!(change.slept, long(between.sleeps));
    }

    #[test]
    fn a_clock_that_goes_evenly_is_always_trusted(waits in prop::collection::vec(0..100_000_i64, 1..50)) {
        let mut machine = Machine::new();
        let mut trust = machine.trust();
        for wait in waits {
            let look = trust.look(machine.goes_on(wait), &nobody());
            prop_assert_eq!(look, Look::default());
            prop_assert_eq!(trust.went_back(), None);
        }
    }

    /// Nothing goes out for ten waking minutes after a step forward or a sleep, whatever else happens, and
    /// what only ever goes back is never held.
    #[test]
    fn nothing_is_trusted_too_early_nor_held_for_nothing(lived in prop::collection::vec(between(), 1..60)) {
        let mut machine = Machine::new();
        let mut trust = machine.trust();
        let mut questioned: Option<Duration> = None;
        let mut ever_forward = false;
        for between in lived {
            let now = lives(&mut machine, between);
            trust.look(now, &nobody());
            ever_forward |= between.steps > 0 || between.sleeps > 0;
            if between.steps > 5 * MINUTE || between.sleeps > 0 {
                questioned = Some(now.awake);
            }
            if let Some(since) = questioned && now.awake < since + PATIENCE {
                prop_assert!(trust.distrust().is_some());
            }
            if !ever_forward {
                prop_assert_eq!(trust.distrust(), None);
            }
        }
        // And it never waits for ever.
        machine.goes_on(600);
        trust.look(machine.0, &nobody());
        prop_assert_eq!(trust.distrust(), None);
    }

    /// The ages of idempotency keys hang on this: what was noted may look older than it is, never younger,
    /// unless the clock's going back is told.
    #[test]
    fn an_age_that_looks_younger_than_it_is_is_told(lived in prop::collection::vec(between(), 1..60)) {
        let mut machine = Machine::new();
        let mut trust = machine.trust();
        let mut noted = vec![machine.0];
        for between in lived {
            let now = lives(&mut machine, between);
            trust.look(now, &nobody());
            for note in &noted {
                let looks = now.wall.duration_since(note.wall);
                let is = SignedDuration::try_from(now.uptime.abs_diff(note.uptime)).unwrap();
                let told = trust.went_back().is_some_and(|from| note.wall <= from);
                prop_assert!(looks >= is || told, "{note:?} {now:?} {:?}", trust.went_back());
            }
            if trust.distrust().is_none() {
                noted.push(now);
            }
        }
    }

    /// However the clock is moved, a platform that disagrees by more than ten minutes holds everything.
    #[test]
    fn while_every_platform_contradicts_nothing_is_trusted(
        lived in prop::collection::vec(between(), 1..40), off in 0..100_000_i64, ahead: bool,
    ) {
        let mut machine = Machine::new();
        let mut trust = machine.trust();
        for between in lived {
            let now = lives(&mut machine, between);
            let off = if ahead { off } else { -off };
            let platform = [machine.told(off), machine.told(2 * off)];
            let witnesses = Witnesses { synchronised: Some(now.wall), told: &platform };
            trust.look(now, &witnesses);
            if long(off) > CONTRADICTS {
                prop_assert!(trust.distrust().is_some());
            } else if long(2 * off) <= AGREES {
                prop_assert_eq!(trust.distrust(), None);
            }
        }
    }
}

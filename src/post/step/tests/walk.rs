//! A post's way by chance: failures, kills, lost answers, holds, sleep and people at every point, against a
//! platform that takes things in. Whatever happens, the rules hold.

use proptest::prelude::*;

use super::*;

/// How long the platform of the model really remembers a key; ours are given up before (reliability §2.5).
const MEMORY: Duration = Duration::from_hours(1);
/// How far the platform's own list lags behind at most; ours is believed later.
const LAG: Duration = Duration::from_mins(8);
/// How long a request can be under way (reliability §2.4, step 7).
const DEADLINE_S: u64 = 30;
/// The longest wait of a back-off.
const LONGEST: Duration = Duration::from_hours(2);

/// The chance of one moment.
#[derive(Debug, Clone, Copy)]
struct Chance {
    which: u8,
    /// Whether a request reached the platform, when nobody is told.
    arrives: bool,
    class: Class,
    wait_s: u64,
    dice: f64,
}

fn chances() -> impl Strategy<Value = Chance> {
    let wait_s = prop_oneof![
        3 => 0..10_u64,
        3 => 0..120_u64,
        1 => 0..4000_u64,
        1 => 0..20_000_u64,
    ];
    let class = prop::sample::select(CLASSES.to_vec());
    (0..24_u8, any::<bool>(), class, wait_s, 0.0..1.0).prop_map(|(which, arrives, class, wait_s, dice)| {
        Chance {
            which,
            arrives,
            class,
            wait_s,
            dice,
        }
    })
}

fn all_terms() -> impl Strategy<Value = Terms> {
    let doubt = prop::sample::select(vec![
        Doubt::OwnId,
        Doubt::Key {
            window: None,
            then: None,
        },
        Doubt::Key {
            window: Some(50 * MINUTE),
            then: None,
        },
        Doubt::Key {
            window: Some(50 * MINUTE),
            then: Some(10 * MINUTE),
        },
        Doubt::TwoSteps { settle: 10 * MINUTE },
        Doubt::ReadBack { settle: 10 * MINUTE },
        Doubt::Ask,
    ]);
    let expires = prop::option::weighted(0.3, 0..20_000_u64);
    (1..4_u16, any::<bool>(), expires, doubt).prop_map(|(parts, recurring, expires, doubt)| Terms {
        parts,
        recurring,
        expires: expires.map(|seconds| due() + Duration::from_secs(seconds)),
        doubt,
        ..terms()
    })
}

/// What the daemon is in the middle of. All of it but what is durable dies with it.
#[derive(Debug, Clone)]
enum Doing {
    Nothing,
    Preparing,
    /// The intent is handed to the ledger.
    Intending(Standing),
    /// The intent is durable, and nothing has left.
    Intended,
    Publishing,
    Looking,
}

struct World {
    terms: Terms,
    /// What the ledger has.
    standing: Standing,
    now: Timestamp,
    doing: Doing,
    /// When the platform took each part as a new one; more than one instant is a double.
    taken: Vec<Vec<Timestamp>>,
    /// Of platforms with two steps: how many containers were made, and which one each part was published from.
    containers: u32,
    published: Vec<Option<u32>>,
    /// How many parts the ledger has receipts for.
    receipts: u16,
    /// A request may have been accepted, and neither an answer nor a person has said.
    unknown: bool,
}

impl World {
    fn new(terms: Terms) -> Self {
        Self {
            terms,
            standing: fresh(),
            now: due(),
            doing: Doing::Nothing,
            taken: vec![Vec::new(); usize::from(terms.parts)],
            containers: 0,
            published: vec![None; usize::from(terms.parts)],
            receipts: 0,
            unknown: false,
        }
    }

    fn part(&self) -> usize {
        usize::from(self.standing.part)
    }

    /// Whether the platform has the part that the post is at.
    fn has(&self) -> bool {
        self.taken.get(self.part()).is_some_and(|taken| !taken.is_empty())
    }

    /// A request for the current part arrives there.
    fn arrives(&mut self) {
        let part = self.part();
        assert!(
            self.taken[..part].iter().all(|taken| taken.len() == 1),
            "in order"
        );
        let known = self.taken[part].last().is_some_and(|at| match self.terms.doubt {
            Doubt::OwnId | Doubt::Key { window: None, .. } => true,
            Doubt::Key { window: Some(_), .. } => since(*at, self.now) < MEMORY,
            Doubt::TwoSteps { .. } => self.published[part] == Some(self.containers),
            Doubt::Ask | Doubt::ReadBack { .. } => false,
        });
        if !known {
            self.taken[part].push(self.now);
            self.published[part] = Some(self.containers);
        }
        assert_eq!(self.taken[part].len(), 1, "each part once");
    }

    // --- one moment -------------------------------------------------------------------------------

    fn moment(&mut self, chance: Chance) {
        let longest = if matches!(self.doing, Doing::Publishing) {
            DEADLINE_S
        } else {
            u64::MAX
        };
        self.now += Duration::from_secs(chance.wait_s.min(longest));
        match self.doing.clone() {
            Doing::Nothing if chance.which == 0 => self.a_person_speaks(chance),
            Doing::Nothing => self.the_clock_strikes(chance),
            Doing::Preparing => match chance.which {
                0 => self.doing = Doing::Nothing, // killed
                6 => self.hears(&Event::Panicked, chance),
                7 if chance.wait_s.is_multiple_of(4) => {
                    let why = "another post: `retry` or `skip`".to_owned();
                    self.hears(&Event::Differs { why }, chance);
                }
                1..=5 => self.hears(&Event::Prepared(Err(failure(self.class(chance)))), chance),
                _ => {
                    self.containers += 1;
                    self.hears(&Event::Prepared(Ok(())), chance);
                }
            },
            Doing::Intending(to) => match chance.which {
                0 | 1 => self.doing = Doing::Nothing, // killed before, or refused by a hold
                _ => {
                    self.standing = to;
                    self.doing = Doing::Intended;
                }
            },
            Doing::Intended => match chance.which {
                0 | 1 => self.is_killed(chance),
                2 | 3 => self.hears(&Event::Stopped, chance),
                _ => self.hears(&Event::Intended(Gate::default()), chance),
            },
            Doing::Publishing => self.the_platform_answers(chance),
            Doing::Looking => match chance.which {
                0 => self.doing = Doing::Nothing, // killed
                7 => self.hears(&Event::Panicked, chance),
                1 | 2 => self.hears(&Event::Looked(Err(failure(self.class(chance)))), chance),
                _ => self.the_platform_is_asked(chance),
            },
        }
    }

    /// It says what it has, except that its list may lag behind.
    fn the_platform_is_asked(&mut self, chance: Chance) {
        let taken = self.taken[self.part()].last().copied();
        let shown = taken.is_some_and(|at| chance.arrives || since(at, self.now) >= LAG);
        let found = match (taken.is_some() && shown, chance.which) {
            (true, _) => Found::Here(receipt("its id")),
            (false, 3 | 4) => Found::Working,
            (false, 5) if taken.is_none() => Found::Lapsed,
            (false, 6) => Found::Unclear("two could be it".to_owned()),
            (false, _) => Found::Absent,
        };
        let event = Event::Looked(Ok(found));
        let next = step(&self.standing, &self.terms, event.clone(), self.now, chance.dice).unwrap();
        if next.standing.state == State::Retrying {
            assert!(!self.has(), "a list was believed too soon");
            self.unknown = false;
        }
        self.hears(&event, chance);
    }

    /// A rate limit has an end, or none, or one that is over.
    fn class(&self, chance: Chance) -> Class {
        match chance.class {
            Class::RateLimited { .. } if chance.arrives => {
                let until = self.now + Duration::from_secs(chance.wait_s) - MINUTE;
                Class::RateLimited { until: Some(until) }
            }
            class => class,
        }
    }

    fn the_clock_strikes(&mut self, chance: Chance) {
        let waits = matches!(self.standing.state, State::Due | State::Retrying | State::InDoubt);
        if !waits || self.now < self.standing.not_before {
            return;
        }
        let until = (chance.which < 4).then(|| self.now + Duration::from_secs(chance.wait_s + 1));
        let gate = if chance.arrives {
            Gate {
                closed_until: until,
                account_until: None,
                ..Gate::default()
            }
        } else {
            Gate {
                closed_until: None,
                account_until: until,
                ..Gate::default()
            }
        };
        self.hears(&Event::Wake(gate), chance);
    }

    fn the_platform_answers(&mut self, chance: Chance) {
        match chance.which {
            0 | 1 => {
                if chance.arrives {
                    self.arrives();
                }
                if chance.wait_s.is_multiple_of(3) {
                    self.unknown = true;
                    self.hears(&Event::Panicked, chance);
                } else {
                    self.is_killed(chance);
                }
            }
            2..=10 => {
                let class = self.class(chance);
                if class == Class::Gone {
                    // It is only said of what was accepted before.
                    if !self.has() {
                        self.arrives();
                    }
                    self.unknown = true;
                } else if matches!(class, Class::InDoubt | Class::Duplicate) {
                    self.unknown = true;
                    if chance.arrives {
                        self.arrives();
                    }
                }
                self.hears(&Event::Answered(Err(failure(class))), chance);
            }
            _ if matches!(self.terms.doubt, Doubt::TwoSteps { .. }) && self.has() => {
                self.arrives();
                self.hears(&Event::Answered(Err(failure(Class::Rejected))), chance);
            }
            _ => {
                self.arrives();
                self.hears(&Event::Answered(Ok(receipt("its id"))), chance);
            }
        }
    }

    fn is_killed(&mut self, chance: Chance) {
        self.unknown = true;
        self.hears(
            &Event::Orphaned {
                foreign: false,
                alone: false,
            },
            chance,
        );
    }

    /// People say what is true, or what they want.
    fn a_person_speaks(&mut self, chance: Chance) {
        let word = match chance.wait_s % 4 {
            0 => Word::Retry,
            1 => Word::Skip {
                why: "a person's reason".to_owned(),
            },
            _ if self.has() => Word::WasSent { url: None },
            _ => Word::WasNotSent,
        };
        let settles = matches!(word, Word::WasSent { .. } | Word::WasNotSent);
        let event = Event::Told(word);
        if step(&self.standing, &self.terms, event.clone(), self.now, chance.dice).is_ok() {
            assert!(!settles || self.unknown, "only a doubt can be settled");
            self.unknown &= !settles;
            self.hears(&event, chance);
        }
    }

    // --- what follows -----------------------------------------------------------------------------

    fn hears(&mut self, event: &Event, chance: Chance) {
        let next = step(&self.standing, &self.terms, event.clone(), self.now, chance.dice).unwrap();
        match next.action {
            Action::Prepare => {
                assert!(matches!(event, Event::Wake(_)));
                assert!(
                    !self.unknown,
                    "nothing is prepared anew while one is unaccounted for"
                );
                assert_eq!(next.standing, self.standing);
                self.doing = Doing::Preparing;
            }
            Action::Intend => {
                let fresh = *event == Event::Prepared(Ok(()));
                let again = matches!(event, Event::Wake(_) | Event::Looked(_))
                    && self.standing.state == State::InDoubt;
                assert!(fresh && !self.unknown || again && self.unknown, "{event:?}");
                assert_eq!(next.standing.state, State::Sending);
                self.doing = Doing::Intending(next.standing);
            }
            Action::Publish => {
                assert_eq!(
                    *event,
                    Event::Intended(Gate::default()),
                    "never without a durable intent"
                );
                assert!(matches!(self.doing, Doing::Intended));
                assert!(self.terms.expires.is_none_or(|expires| self.now < expires));
                assert_eq!(next.standing, self.standing);
                self.doing = Doing::Publishing;
            }
            Action::Look => {
                assert_eq!(next.standing, self.standing);
                assert!(self.unknown && self.standing.state == State::InDoubt);
                self.doing = Doing::Looking;
            }
            Action::Rest(rest) => {
                if rest.receipt.is_some() {
                    assert_eq!(self.standing.part, self.receipts, "in order");
                    self.receipts += 1;
                    self.unknown = false;
                }
                self.standing = next.standing;
                self.doing = Doing::Nothing;
                self.is_well_at_rest(event, &rest);
            }
        }
    }

    fn is_well_at_rest(&self, event: &Event, rest: &Rest) {
        let Standing {
            state, ref why, part, ..
        } = self.standing;
        let why = why.as_deref().unwrap_or_default();
        assert_eq!(part, self.receipts);
        assert_eq!(self.standing.doubted(), self.unknown, "{:?}", self.standing);
        match state {
            State::Sending => panic!("it rests while it is sent"),
            State::Due | State::Retrying | State::InDoubt => {
                let told = match (event, &rest.account) {
                    (Event::Wake(gate), _) => gate.until(),
                    (_, Some(ForAccount::WaitsUntil(until))) => Some(*until),
                    _ => None,
                };
                let latest = told.unwrap_or(self.now + LONGEST);
                assert!((self.now..=latest).contains(&self.standing.not_before));
                // Nothing is asked again in the same instant for ever.
                let once = matches!(event, Event::Orphaned { .. } | Event::Looked(Ok(Found::Absent)));
                let failed = rest.failure.is_some() && !once;
                let held = matches!(rest.account, Some(ForAccount::Held { .. }));
                assert!(!failed || held || self.standing.not_before > self.now);
            }
            State::Held => self.says_what_to_do(why),
            State::Sent => {
                assert_eq!(part, self.terms.parts);
                for event in events() {
                    step(&self.standing, &self.terms, event, self.now, 0.5).unwrap_err();
                }
            }
            State::Rejected => assert!(part == 0 && !self.has() && !why.is_empty()),
            State::Skipped => {
                let expired = self.terms.expires.is_some_and(|expires| self.now >= expires);
                let told = matches!(event, Event::Told(_));
                assert!(told || part == 0 && (expired || self.terms.recurring));
                assert!(!why.is_empty());
            }
        }
    }

    /// Whatever the reason of a hold says can be done is possible, and helps.
    fn says_what_to_do(&self, why: &str) {
        let say = |word| step(&self.standing, &self.terms, Event::Told(word), self.now, 0.5);
        let skip = Word::Skip { why: String::new() };
        if self.unknown {
            assert!(why.contains(LOOK), "{why}");
            say(Word::WasSent { url: None }).unwrap();
            say(Word::WasNotSent).unwrap();
        } else {
            assert!(why.contains("`skip`"), "{why}");
        }
        say(skip).unwrap();
        let expired = self.terms.expires.is_some_and(|expires| self.now >= expires);
        if why.contains("`retry`") && !expired {
            let due = say(Word::Retry).unwrap().standing;
            let open = Event::Wake(Gate::default());
            let next = step(&due, &self.terms, open, self.now, 0.5).unwrap();
            assert_eq!(next.action, Action::Prepare);
        }
    }

    // --- the end ----------------------------------------------------------------------------------

    /// From here on all goes well, and people do what they are asked.
    fn ends_well(&mut self) {
        let good = Chance {
            which: 23,
            arrives: true,
            class: Class::Transient,
            wait_s: 0,
            dice: 0.5,
        };
        for _ in 0..200 {
            match (&self.doing, self.standing.state) {
                (Doing::Nothing, State::Sent | State::Rejected | State::Skipped) => return,
                (Doing::Nothing, State::Held) => {
                    let expired = self.terms.expires.is_some_and(|expires| self.now >= expires);
                    let wait_s = match (self.unknown, expired) {
                        (true, _) => 2,
                        (false, true) => 1,
                        (false, false) => 0,
                    };
                    self.a_person_speaks(Chance { wait_s, ..good });
                }
                (Doing::Nothing, _) => {
                    self.now = self.now.max(self.standing.not_before);
                    self.moment(good);
                }
                _ => self.moment(good),
            }
        }
        panic!("it never ends: {:?}", self.standing);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_each_part_is_accepted_once_in_order_or_a_person_is_told(
        terms in all_terms(),
        chances in prop::collection::vec(chances(), 1..160),
    ) {
        let mut world = World::new(terms);
        for chance in chances {
            world.moment(chance);
        }
        world.ends_well();
        if world.standing.state == State::Sent {
            prop_assert!(world.taken.iter().all(|taken| taken.len() == 1));
            prop_assert_eq!(world.receipts, terms.parts);
        }
    }
}

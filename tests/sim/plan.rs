//! What a seed has in store: how often what goes wrong, and what happens when.

use std::time::Duration;

use crate::Mutant;
use crate::dice::Dice;
use crate::platform::Kind;

/// How often each thing goes wrong, as chances for each time that it could.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of switches: each stands alone"
)]
pub struct Profile {
    pub replicas: usize,
    /// How long things go wrong; then all must come to rest.
    pub span: Duration,
    pub kinds: Vec<Kind>,
    pub messages: u64,
    /// The process dies at a call to the ledger or a platform, before or after it takes effect.
    pub crash: f64,
    /// It is stopped right before a request, and goes on later.
    pub stall: f64,
    pub longest_stall: Duration,
    /// The platform has it, and the answer is lost.
    pub lost_answer: f64,
    /// The request is lost, and nobody is told.
    pub lost_request: f64,
    /// It arrives after its sender gave up.
    pub late_request: f64,
    pub refused: f64,
    pub rate_limited: f64,
    pub server_error: f64,
    pub credentials: f64,
    pub rejected: f64,
    /// How far a platform's own list lags at most.
    pub lag: Duration,
    pub refuses_duplicates: bool,
    /// Whether platforms say what time it is.
    pub dates: bool,
    /// A write is answered with an error after it was made; only among several replicas.
    pub lost_commit: f64,
    /// A call to the ledger is slow.
    pub slow_ledger: f64,
    /// Posts are spaced.
    pub spaced: bool,
    /// Quiet hours and blackouts.
    pub windows: bool,
    pub expiries: bool,
    pub twins: bool,
    pub events: Vec<(Duration, Event)>,
    pub mutant: Option<Mutant>,
    /// Nothing is planned that could keep a post from going out.
    pub strict: bool,
}

/// Something that happens at a time of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Crash {
        machine: usize,
    },
    /// The process is told to stop, and started again.
    Restart {
        machine: usize,
    },
    /// The process is stopped and goes on later; its requests under way go on.
    Freeze {
        machine: usize,
        lasts: Duration,
    },
    /// The wall clock is set by so many milliseconds.
    Step {
        machine: usize,
        by: i64,
    },
    /// The machine sleeps.
    Sleep(Duration),
    /// The system synchronises its clock with the true time.
    Synchronise {
        machine: usize,
    },
    LedgerFails {
        how: Fails,
        machine: Option<usize>,
        lasts: Duration,
    },
    PlatformDown {
        account: usize,
        lasts: Duration,
    },
    CredentialsRefused {
        account: usize,
        lasts: Duration,
    },
    Hold(Target),
    Release(Target),
    Edit,
    /// A person looks at what is held or in doubt.
    Desk,
}

/// How a ledger fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    Full,
    /// Writes wait until it is over.
    Locked,
    /// Nothing can be read either.
    Broken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    All,
    Account(usize),
    Message(u64),
}

const MINUTE: Duration = Duration::from_mins(1);

impl Profile {
    /// What the seed's dice say.
    pub fn draw(dice: &mut Dice) -> Self {
        let span = match dice.below(250) {
            0 => dice.mins(24 * 60, 72 * 60),
            1..=10 => dice.mins(180, 600),
            _ => dice.mins(15, 80),
        };
        let kinds = loop {
            let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|_| dice.chance(0.5)).collect();
            if !kinds.is_empty() {
                break kinds;
            }
        };
        let strict = dice.chance(0.15);
        let replicas = if dice.chance(0.3) { 2 } else { 1 };
        // Two of them tick more.
        let span = if replicas > 1 { span / 2 } else { span };
        let mut often = |most: f64, of: f64| {
            if dice.chance(of) {
                dice.fraction() * most
            } else {
                0.0
            }
        };
        let mut profile = Self {
            replicas,
            span,
            kinds,
            messages: 0,
            crash: often(0.02, 0.6),
            stall: often(0.1, 0.3),
            longest_stall: Duration::ZERO,
            lost_answer: often(0.5, 0.6),
            lost_request: often(0.3, 0.5),
            late_request: often(0.3, 0.5),
            refused: often(0.3, 0.4),
            rate_limited: often(0.15, 0.3),
            server_error: often(0.2, 0.3),
            credentials: often(0.05, 0.2),
            rejected: often(0.2, 0.3),
            lag: Duration::ZERO,
            refuses_duplicates: false,
            dates: false,
            lost_commit: if replicas > 1 { often(0.05, 0.4) } else { 0.0 },
            slow_ledger: often(0.1, 0.4),
            spaced: false,
            windows: false,
            expiries: false,
            twins: false,
            events: Vec::new(),
            mutant: None,
            strict,
        };
        profile.messages = 3 + dice.below(9);
        profile.longest_stall = *dice.pick(&[MINUTE, 5 * MINUTE, 40 * MINUTE]);
        profile.lag = dice.secs(0, 9 * 60);
        profile.refuses_duplicates = dice.chance(0.2);
        profile.dates = dice.chance(0.4);
        profile.spaced = dice.chance(0.25);
        profile.windows = dice.chance(0.25);
        profile.expiries = dice.chance(0.3);
        profile.twins = dice.chance(0.15);
        if strict {
            profile.be_strict();
        }
        profile.draw_events(dice);
        // A clock that is wrong is noticed by what platforms say; without them nobody can promise anything.
        profile.dates |= profile
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::Step { .. }));
        profile
    }

    /// Only what a post can come through in time.
    fn be_strict(&mut self) {
        self.crash = self.crash.min(0.004);
        self.stall = 0.0;
        self.credentials = 0.0;
        self.rejected = 0.0;
        self.rate_limited = 0.0;
        self.lost_answer /= 4.0;
        self.lost_request /= 4.0;
        self.late_request /= 4.0;
        self.server_error /= 4.0;
        self.refuses_duplicates = false;
        (self.windows, self.expiries, self.twins) = (false, false, false);
        self.span = self.span.min(80 * MINUTE);
    }

    fn draw_events(&mut self, dice: &mut Dice) {
        let machine = |dice: &mut Dice, of: usize| usize::try_from(dice.below(of as u64)).unwrap();
        let account = |dice: &mut Dice, of: &[Kind]| usize::try_from(dice.below(of.len() as u64)).unwrap();
        let (replicas, accounts) = (self.replicas, self.kinds.clone());
        let mut events = Vec::new();
        let mut some = |dice: &mut Dice, of: f64, most: u64, make: &mut dyn FnMut(&mut Dice) -> Event| {
            if dice.chance(of) {
                for _ in 0..=dice.below(most) {
                    let at = dice.between(Duration::ZERO, self.span);
                    let event = make(dice);
                    events.push((at, event));
                }
            }
        };
        some(dice, 0.5, 6, &mut |dice| Event::Crash {
            machine: machine(dice, replicas),
        });
        some(dice, 0.3, 2, &mut |dice| Event::Restart {
            machine: machine(dice, replicas),
        });
        some(dice, 0.5, 5, &mut |_| Event::Edit);
        if !self.strict {
            some(dice, 0.3, 3, &mut |dice| Event::Freeze {
                machine: machine(dice, replicas),
                lasts: dice.secs(1, 600),
            });
            some(dice, 0.25, 3, &mut |dice| {
                let most: i64 = *dice.pick(&[3_000, 60_000, 280_000, 3_600_000, 20_000_000]);
                let by = i64::try_from(dice.below(most.unsigned_abs())).unwrap();
                Event::Step {
                    machine: machine(dice, replicas),
                    by: if dice.chance(0.5) { -by } else { by },
                }
            });
            some(dice, 0.2, 2, &mut |dice| Event::Synchronise {
                machine: machine(dice, replicas),
            });
            if self.replicas == 1 {
                some(dice, 0.15, 2, &mut |dice| Event::Sleep(dice.secs(1, 7200)));
            }
            some(dice, 0.25, 3, &mut |dice| Event::LedgerFails {
                how: *dice.pick(&[Fails::Full, Fails::Locked, Fails::Broken]),
                machine: dice.chance(0.5).then(|| machine(dice, replicas)),
                lasts: dice.secs(1, 300),
            });
            some(dice, 0.3, 2, &mut |dice| Event::PlatformDown {
                account: account(dice, &accounts),
                lasts: dice.secs(10, 2400),
            });
            some(dice, 0.15, 1, &mut |dice| Event::CredentialsRefused {
                account: account(dice, &accounts),
                lasts: dice.secs(10, 1200),
            });
            some(dice, 0.4, 6, &mut |dice| {
                let target = match dice.below(4) {
                    0 | 1 => Target::All,
                    2 => Target::Account(account(dice, &accounts)),
                    _ => Target::Message(dice.below(6)),
                };
                if dice.chance(0.55) {
                    Event::Hold(target)
                } else {
                    Event::Release(target)
                }
            });
        }
        some(dice, 0.7, 12, &mut |_| Event::Desk);
        events.sort_by_key(|(at, _)| *at);
        self.events = events;
    }
}

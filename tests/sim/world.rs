//! One simulated world: its true time, its machines and their clocks, and what went wrong.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use steadfast::campaign::{Campaign, Roster};
use steadfast::clock::Clock;
use steadfast::ledger::LedgerError;
use steadfast::platform::dates::Dates;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::book::Book;
use crate::dice::Dice;
use crate::files::Files;
use crate::model::Store;
use crate::plan::{Fails, Profile};
use crate::platform::Server;

/// Whether what happens is shown at once, for one seed that is looked into.
pub static SHOW: AtomicBool = AtomicBool::new(false);
/// How many of the last lines are shown when something broke.
const SHOWN: usize = 120;
/// How long the machines have been on when it begins.
const ON: Duration = Duration::from_hours(9);

/// Everything that happened, as lines and as one number.
struct Trace {
    hash: DefaultHasher,
    lines: VecDeque<String>,
    count: u64,
}

/// One process at a time runs on it.
pub struct Machine {
    pub name: String,
    /// How far its wall clock is from the true time, in milliseconds.
    pub offset: AtomicI64,
    /// Its process is stopped until then.
    frozen: Mutex<Option<Instant>>,
    /// Rung when it goes on before that.
    thaws: Notify,
    synchronised: Mutex<Option<Timestamp>>,
    /// What stands in its messages folder, as the running process has read it.
    pub files: Mutex<Option<watch::Sender<Arc<Campaign>>>>,
    pub stop: Mutex<Option<CancellationToken>>,
    pub life: Mutex<Option<Hand>>,
    /// The latest that its wall clock has shown since the process started.
    pub latest: Mutex<Timestamp>,
    /// The last bell that it heard.
    pub heard: AtomicI64,
    /// Its ledger fails until then.
    failing: Mutex<Option<(Fails, Instant)>>,
}

/// One simulated world.
pub struct Sim {
    pub profile: Profile,
    dice: Mutex<Dice>,
    trace: Mutex<Trace>,
    pub began: Instant,
    pub base: Timestamp,
    /// How long the machine slept, in milliseconds.
    slept: Arc<AtomicU64>,
    pub machines: Vec<Machine>,
    pub servers: Vec<Mutex<Server>>,
    pub roster: Arc<Roster>,
    pub store: Arc<Store>,
    pub files: Mutex<Files>,
    pub book: Mutex<Book>,
    /// Nothing goes wrong any more.
    pub calm: AtomicBool,
    broken: Mutex<Option<String>>,
    pub over: Notify,
    /// When last something happened that delays what a daemon does.
    pub troubled: Mutex<Instant>,
    /// The instant at which the clock was read last, and how often.
    read: Mutex<(Instant, u32)>,
}

impl Sim {
    pub fn new(
        profile: Profile,
        dice: Dice,
        base: Timestamp,
        servers: Vec<Server>,
        roster: Roster,
        files: Files,
    ) -> Arc<Self> {
        let began = Instant::now();
        let slept = Arc::new(AtomicU64::new(0));
        let time = {
            let slept = Arc::clone(&slept);
            Arc::new(move || ON + began.elapsed() + Duration::from_millis(slept.load(Relaxed)))
        };
        let store = if profile.replicas > 1 {
            Store::shared(time)
        } else {
            Store::alone(time)
        };
        let machine = |n: usize| Machine {
            name: ["one", "two"][n].to_owned(),
            offset: AtomicI64::new(0),
            frozen: Mutex::default(),
            thaws: Notify::new(),
            synchronised: Mutex::default(),
            files: Mutex::default(),
            stop: Mutex::default(),
            life: Mutex::default(),
            latest: Mutex::new(Timestamp::MIN),
            heard: AtomicI64::new(0),
            failing: Mutex::default(),
        };
        Arc::new(Self {
            machines: (0..profile.replicas).map(machine).collect(),
            profile,
            dice: Mutex::new(dice),
            trace: Mutex::new(Trace {
                hash: DefaultHasher::new(),
                lines: VecDeque::new(),
                count: 0,
            }),
            began,
            base,
            slept,
            servers: servers.into_iter().map(Mutex::new).collect(),
            roster: Arc::new(roster),
            store,
            files: Mutex::new(files),
            book: Mutex::default(),
            calm: AtomicBool::new(false),
            broken: Mutex::default(),
            over: Notify::new(),
            troubled: Mutex::new(began),
            read: Mutex::new((began, 0)),
        })
    }

    // --- time -------------------------------------------------------------------------------------

    /// How long it has gone on, in true time.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed() + Duration::from_millis(self.slept.load(Relaxed))
    }

    /// The true time: that of the platforms and of a database.
    pub fn now(&self) -> Timestamp {
        self.base + SignedDuration::try_from(self.elapsed()).unwrap()
    }

    /// What that machine's wall clock shows.
    pub fn wall(&self, machine: usize) -> Timestamp {
        let offset = self.machines[machine].offset.load(Relaxed);
        self.now() + SignedDuration::from_millis(offset)
    }

    pub fn sleep(&self, long: Duration) {
        let long = u64::try_from(long.as_millis()).unwrap();
        self.slept.fetch_add(long, Relaxed);
    }

    pub fn step(&self, machine: usize, by: i64) {
        self.machines[machine].offset.fetch_add(by, Relaxed);
    }

    pub fn synchronise(&self, machine: usize) {
        self.machines[machine].offset.store(0, Relaxed);
        *self.machines[machine].synchronised.lock().unwrap() = Some(self.now());
    }

    // --- chance -----------------------------------------------------------------------------------

    pub fn dice(&self) -> MutexGuard<'_, Dice> {
        self.dice.lock().unwrap()
    }

    /// Whether this goes wrong now; never once things are calm.
    pub fn goes_wrong(&self, of: f64) -> bool {
        !self.is_calm() && self.dice().chance(of)
    }

    pub fn is_calm(&self) -> bool {
        self.calm.load(Relaxed)
    }

    // --- what happened ----------------------------------------------------------------------------

    pub fn say(&self, what: fmt::Arguments<'_>) {
        let mut line = String::with_capacity(96);
        let at = self.elapsed();
        write!(line, "{:>7}.{:03} {what}", at.as_secs(), at.subsec_millis()).unwrap();
        if SHOW.load(Relaxed) {
            println!("{line}");
        }
        let mut trace = self.trace.lock().unwrap();
        trace.hash.write(line.as_bytes());
        trace.count += 1;
        if trace.lines.len() == SHOWN {
            trace.lines.pop_front();
        }
        trace.lines.push_back(line);
    }

    pub fn hash(&self) -> u64 {
        self.trace.lock().unwrap().hash.finish()
    }

    pub fn lines(&self) -> Vec<String> {
        self.trace.lock().unwrap().lines.iter().cloned().collect()
    }

    pub fn count(&self) -> u64 {
        self.trace.lock().unwrap().count
    }

    /// An invariant does not hold.
    pub fn breaks(&self, what: String) {
        self.say(format_args!("BROKEN: {what}"));
        let mut broken = self.broken.lock().unwrap();
        if broken.is_none() {
            *broken = Some(what);
            self.over.notify_one();
        }
    }

    pub fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap().clone()
    }

    /// From now on the daemons may be slow for a reason.
    pub fn trouble(&self, lasts: Duration) {
        let mut troubled = self.troubled.lock().unwrap();
        *troubled = (*troubled).max(Instant::now() + lasts);
    }

    pub fn fail_ledger(&self, how: Fails, machine: usize, lasts: Duration) {
        *self.machines[machine].failing.lock().unwrap() = Some((how, Instant::now() + lasts));
        self.trouble(lasts);
    }

    pub fn freeze(&self, machine: usize, lasts: Duration) {
        let until = Instant::now() + lasts;
        let mut frozen = self.machines[machine].frozen.lock().unwrap();
        *frozen = (*frozen).max(Some(until));
        self.trouble(lasts);
    }

    /// All is well from now on.
    pub fn calm_down(&self) {
        self.calm.store(true, Relaxed);
        let now = Instant::now();
        for machine in &self.machines {
            let mut frozen = machine.frozen.lock().unwrap();
            *frozen = frozen.map(|until| until.min(now));
            machine.thaws.notify_waiters();
            *machine.failing.lock().unwrap() = None;
        }
    }
}

/// One process: what all that it calls has in common.
#[derive(Clone)]
pub struct Hand {
    pub sim: Arc<Sim>,
    pub machine: usize,
    /// Rung when it has to die.
    pub dies: Arc<Notify>,
    pub dates: Dates,
}

impl Hand {
    pub fn new(sim: &Arc<Sim>, machine: usize) -> Self {
        Self {
            sim: Arc::clone(sim),
            machine,
            dies: Arc::new(Notify::new()),
            dates: Dates::default(),
        }
    }

    pub fn on(&self) -> &Machine {
        &self.sim.machines[self.machine]
    }

    pub fn say(&self, what: fmt::Arguments<'_>) {
        self.sim.say(format_args!("{} {what}", self.on().name));
    }

    /// The process ends here, and nothing comes back from this.
    pub async fn die(&self, at: &str) {
        self.say(format_args!("dies {at}"));
        self.dies.notify_one();
        std::future::pending::<()>().await;
    }

    /// Comes back when the process is not stopped: for all that it does, at the same instant.
    pub async fn thawed(&self) {
        loop {
            let thaws = self.on().thaws.notified();
            let until = *self.on().frozen.lock().unwrap();
            match until {
                Some(until) if until > Instant::now() => tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(until) => {}
                    () = thaws => {}
                },
                _ => return,
            }
        }
    }

    /// A point at which the process may be stopped, or die.
    pub async fn point(&self, at: &str) {
        self.thawed().await;
        if self.sim.goes_wrong(self.sim.profile.crash) {
            self.die(at).await;
        }
    }

    /// A call to the ledger takes a moment.
    pub async fn moment(&self) {
        let slow = self.sim.goes_wrong(self.sim.profile.slow_ledger);
        let takes = {
            let mut dice = self.sim.dice();
            match dice.below(8) {
                _ if slow => dice.below(3000),
                0 => 1 + dice.below(20),
                _ => 0,
            }
        };
        if takes > 0 {
            tokio::time::sleep(Duration::from_millis(takes)).await;
        }
    }

    /// Whether the ledger can be used; a locked one keeps a write waiting.
    pub async fn ledger_works(&self, write: bool) -> Result<(), LedgerError> {
        loop {
            let failing = *self.on().failing.lock().unwrap();
            let Some((how, until)) = failing.filter(|(_, until)| *until > Instant::now()) else {
                return Ok(());
            };
            match how {
                Fails::Full if write => return Err(LedgerError::Full("made up".to_owned())),
                Fails::Locked if write => {
                    let soon = Instant::now() + Duration::from_secs(10);
                    tokio::time::sleep_until(until.min(soon)).await;
                }
                Fails::Broken => return Err(LedgerError::Broken("made up".to_owned())),
                _ => return Ok(()),
            }
        }
    }
}

/// That machine's clocks.
pub struct Clocks(pub Arc<Sim>, pub usize);

/// How often a clock is read in one instant, unless somebody goes round in circles.
const CIRCLES: u32 = 200_000;

impl Sim {
    /// Where no time passes, nothing would ever end.
    fn goes_on(&self) {
        let now = Instant::now();
        let mut read = self.read.lock().unwrap();
        *read = if read.0 == now {
            (now, read.1 + 1)
        } else {
            (now, 0)
        };
        let circles = read.1 > CIRCLES;
        drop(read);
        if circles {
            let lines = self.lines();
            panic!("no time passes any more:\n{}", lines.join("\n"));
        }
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        self.0.goes_on();
        let now = self.0.wall(self.1);
        let mut latest = self.0.machines[self.1].latest.lock().unwrap();
        *latest = now.max(*latest);
        now
    }

    fn uptime(&self) -> Duration {
        ON + self.0.elapsed()
    }

    fn awake(&self) -> Duration {
        ON + self.0.began.elapsed()
    }

    fn dice(&self) -> f64 {
        self.0.dice().fraction()
    }

    fn synchronised(&self) -> Option<Timestamp> {
        *self.0.machines[self.1].synchronised.lock().unwrap()
    }
}

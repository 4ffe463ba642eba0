//! One seed, from its first instant to its last.

use std::cell::RefCell;
use std::sync::{Arc, Once};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use steadfast::campaign::{Account, Roster};
use steadfast::clock::RELEASED;

use crate::dice::Dice;
use crate::files::Files;
use crate::plan::{Event, Profile};
use crate::platform::Server;
use crate::world::Sim;
use crate::{end, lives, people};

/// What a seed came to.
pub struct Outcome {
    /// The first rule that did not hold.
    pub broken: Option<String>,
    /// The last things that happened.
    pub lines: Vec<String>,
    /// Of all that happened.
    pub hash: u64,
    pub events: u64,
    pub simulated: Duration,
    pub accepted: u64,
}

thread_local! {
    /// A panic in a part of the daemon that nobody waits for would go unseen.
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.with_borrow_mut(|seen| *seen = Some(panic.to_string()));
            usual(panic);
        }));
    });
}

/// A profile made for a purpose, instead of one that is drawn.
pub type Shape = fn(&mut Profile, &mut Dice);

pub fn run(seed: u64, shape: Option<Shape>) -> Outcome {
    watch_panics();
    PANICKED.take();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mut outcome = runtime.block_on(simulated(seed, shape));
    drop(runtime);
    if let Some(panicked) = PANICKED.take() {
        outcome.broken.get_or_insert(panicked);
    }
    outcome
}

async fn simulated(seed: u64, shape: Option<Shape>) -> Outcome {
    let mut dice = Dice::new(seed);
    let mut profile = Profile::draw(&mut dice);
    if let Some(shape) = shape {
        shape(&mut profile, &mut dice);
    }
    let base = base(&mut dice);
    let servers = profile.kinds.iter().map(|kind| Server::new(*kind)).collect();
    let roster = roster(&mut dice, &profile);
    let files = Files::draw(&mut dice, &profile, base);
    let sim = Sim::new(profile, dice, base, servers, roster, files);
    sim.say(format_args!("it is {base}; {:?}", sim.profile));

    for machine in 0..sim.machines.len() {
        tokio::spawn(lives::live(Arc::clone(&sim), machine));
    }
    let course = async {
        things_happen(&sim).await;
        end::come_to_rest(&sim).await;
        end::account_for_all(&sim);
    };
    tokio::select! {
        biased;
        () = sim.over.notified() => {}
        () = course => {}
    }
    let accepted = sim
        .servers
        .iter()
        .map(|server| server.lock().unwrap().posts.len() as u64);
    Outcome {
        broken: sim.broken(),
        lines: sim.lines(),
        hash: sim.hash(),
        events: sim.count(),
        simulated: sim.elapsed(),
        accepted: accepted.sum(),
    }
}

/// When it begins: some day after the release, now and then right before the clocks change.
fn base(dice: &mut Dice) -> Timestamp {
    let changes = [
        "2027-03-14T07:30:00Z",
        "2027-11-07T06:10:00Z",
        "2027-03-28T00:40:00Z",
        "2027-10-31T00:20:00Z",
    ];
    if dice.chance(0.06) {
        return dice.pick(&changes).parse().unwrap();
    }
    let after = 86_400 + dice.below(400 * 86_400);
    RELEASED + SignedDuration::from_secs(i64::try_from(after).unwrap())
}

fn roster(dice: &mut Dice, profile: &Profile) -> Roster {
    let accounts = profile.kinds.iter().map(|kind| {
        let limits = kind.limits();
        let spaced = profile.spaced && dice.chance(0.6);
        Account {
            name: kind.name().parse().unwrap(),
            platform: limits.platform,
            like: limits.platform,
            limits: Arc::new(limits),
            language: None,
            untranslated: steadfast::campaign::Untranslated::default(),
            min_gap: if spaced {
                dice.secs(30, 400)
            } else {
                Duration::ZERO
            },
            max_per_day: None,
            charge: None,
        }
    });
    Roster {
        accounts: accounts.collect(),
        groups: std::collections::BTreeMap::new(),
    }
}

/// The plan, from its first event to the last.
async fn things_happen(sim: &Arc<Sim>) {
    let began = tokio::time::Instant::now();
    for (at, event) in sim.profile.events.clone() {
        tokio::time::sleep_until(began + at).await;
        happens(sim, &event);
    }
    tokio::time::sleep_until(began + sim.profile.span).await;
}

fn happens(sim: &Arc<Sim>, event: &Event) {
    let now = sim.now();
    let until = |lasts: Duration| now + SignedDuration::try_from(lasts).unwrap();
    sim.say(format_args!("planned: {event:?}"));
    match *event {
        Event::Crash { machine } => {
            if let Some(hand) = &*sim.machines[machine].life.lock().unwrap() {
                hand.dies.notify_one();
            }
        }
        Event::Restart { machine } => {
            if let Some(stop) = &*sim.machines[machine].stop.lock().unwrap() {
                stop.cancel();
            }
        }
        Event::Freeze { machine, lasts } => sim.freeze(machine, lasts),
        Event::Step { machine, by } => {
            sim.step(machine, by);
            sim.trouble(Duration::from_mins(1));
        }
        Event::Sleep(long) => drop(tokio::spawn(sleep(Arc::clone(sim), long))),
        Event::Synchronise { machine } => sim.synchronise(machine),
        Event::LedgerFails { how, machine, lasts } => {
            for number in 0..sim.machines.len() {
                if machine.is_none_or(|machine| machine == number) {
                    sim.fail_ledger(how, number, lasts);
                }
            }
        }
        Event::PlatformDown { account, lasts } => {
            sim.servers[account].lock().unwrap().down = until(lasts);
        }
        Event::CredentialsRefused { account, lasts } => {
            sim.servers[account].lock().unwrap().refuses = until(lasts);
        }
        Event::Hold(target) => drop(tokio::spawn(people::hold(Arc::clone(sim), target))),
        Event::Release(target) => drop(tokio::spawn(people::release(Arc::clone(sim), target))),
        Event::Edit => drop(tokio::spawn(people::edit(Arc::clone(sim)))),
        Event::Desk => drop(tokio::spawn(people::desk(Arc::clone(sim), false))),
    }
}

/// The machine sleeps; what is in the air by then arrives first, because the network does not sleep.
async fn sleep(sim: Arc<Sim>, long: Duration) {
    while sim.book.lock().unwrap().flying.values().any(|flying| *flying > 0) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    if !sim.is_calm() {
        sim.say(format_args!("the machine sleeps for {long:?}"));
        sim.sleep(long);
        sim.trouble(Duration::from_mins(1));
    }
}

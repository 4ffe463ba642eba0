//! The processes: each is the whole daemon, on a ledger that outlives it. It dies when the plan says so, and is
//! started again.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use jiff::Timestamp;
use steadfast::daemon::brake::Brake;
use steadfast::daemon::{NoMedia, Outlet, World, ballast::Ballast, run};
use steadfast::ledger::Ledger;
use steadfast::settings::InDoubt;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ledger::Faulty;
use crate::model::{Model, Renewed};
use crate::platform::Door;
use crate::world::{Clocks, Hand, Sim};

/// How late a post may go out where its message does not say.
const LATE: Duration = Duration::from_hours(2);
const LATE_WHERE_STRICT: Duration = Duration::from_hours(6);

/// How a process ended.
enum End {
    Died,
    Stopped,
    /// It could not start.
    Failed,
}

/// One machine, on which one process follows the other, for ever.
pub async fn live(sim: Arc<Sim>, machine: usize) {
    loop {
        sim.trouble(Duration::from_secs(1));
        let end = one_life(&sim, machine).await;
        *sim.machines[machine].life.lock().unwrap() = None;
        *sim.machines[machine].files.lock().unwrap() = None;
        let pause = {
            let mut dice = sim.dice();
            match end {
                _ if sim.is_calm() => dice.secs(1, 3),
                End::Died if !sim.profile.strict && dice.chance(0.15) => dice.secs(60, 1800),
                End::Died | End::Stopped => dice.between(Duration::from_millis(100), Duration::from_secs(20)),
                End::Failed => dice.secs(1, 10),
            }
        };
        sim.trouble(pause);
        // Nobody waits for long once all is well.
        for _ in 0..=pause.as_secs() {
            if sim.is_calm() {
                break;
            }
            tokio::time::sleep(pause.min(Duration::from_secs(1))).await;
        }
    }
}

async fn one_life(sim: &Arc<Sim>, number: usize) -> End {
    let machine = &sim.machines[number];
    let hand = Hand::new(sim, number);
    let model = if sim.store.is_shared() {
        let uptime = Clocks(Arc::clone(sim), number);
        sim.store.join(
            &machine.name,
            Arc::new(move || steadfast::clock::Clock::uptime(&uptime)),
        )
    } else {
        sim.store.open()
    };
    *machine.latest.lock().unwrap() = Timestamp::MIN;
    machine.heard.store(0, Relaxed);
    *machine.life.lock().unwrap() = Some(hand.clone());
    let campaign = sim.files.lock().unwrap().campaign(&sim.roster, sim.now());
    let (files, campaign) = watch::channel(campaign);
    *machine.files.lock().unwrap() = Some(files);
    let stop = CancellationToken::new();
    *machine.stop.lock().unwrap() = Some(stop.clone());
    hand.say(format_args!("starts"));

    let running = Box::pin(run(world(&hand, &model), campaign, stop, || ()));
    let end = tokio::select! {
        biased;
        () = hand.dies.notified() => End::Died,
        ended = running => match ended {
            Ok(()) => End::Stopped,
            Err(e) => {
                hand.say(format_args!("can't start: {e}"));
                End::Failed
            }
        },
        () = keep_seat(&hand, &model) => End::Stopped,
    };
    if let End::Stopped = end {
        hand.say(format_args!("stopped"));
        model.leave();
    }
    if let End::Died = end {
        hand.say(format_args!("is dead"));
        lose_what_was_not_synced(sim);
    }
    end
}

/// Only of a ledger that answers too soon.
fn lose_what_was_not_synced(sim: &Sim) {
    let unsynced = std::mem::take(&mut sim.book.lock().unwrap().unsynced);
    let mut rows = sim.store.rows();
    for (id, before) in unsynced {
        if let Some(row) = rows.posts.get_mut(&id)
            && row.post.fence == before.post.fence.next()
        {
            *row = before;
            rows.moved(id);
        }
    }
}

fn world(hand: &Hand, model: &Model) -> World {
    let sim = &hand.sim;
    let ledger: Arc<dyn Ledger> = Arc::new(Faulty {
        hand: hand.clone(),
        model: model.clone(),
    });
    let outlet = |(account, known): (usize, &steadfast::campaign::Account)| Outlet {
        account: known.clone(),
        platform: Box::new(Door {
            hand: hand.clone(),
            account,
            limits: (*known.limits).clone(),
        }),
        in_doubt: InDoubt::Auto,
        engagement: true,
    };
    World {
        ledger,
        clock: Arc::new(Clocks(Arc::clone(sim), hand.machine)),
        outlets: Arc::new(sim.roster.accounts.iter().enumerate().map(outlet).collect()),
        roster: Arc::clone(&sim.roster),
        media: Arc::new(NoMedia),
        dates: hand.dates.clone(),
        brake: Arc::new(Brake::default()),
        ballast: Ballast::default(),
        pulse: Arc::default(),
        workers: 8,
        late: if sim.profile.strict {
            LATE_WHERE_STRICT
        } else {
            LATE
        },
        approval: None,
        alerts: Arc::default(),
    }
}

/// Renews the lease as long as the process lives; never comes back.
async fn keep_seat(hand: &Hand, model: &Model) {
    let Some(seat) = model.seat.clone() else {
        return std::future::pending().await;
    };
    loop {
        let often = if seat.has_term() {
            seat.terms.planner / 4
        } else {
            seat.terms.renew
        };
        tokio::time::sleep(often).await;
        hand.thawed().await;
        if hand.ledger_works(true).await.is_err() {
            continue;
        }
        if model.renew() == Renewed::Late {
            hand.say(format_args!("finds its lease run out"));
            tokio::time::sleep(seat.terms.wake).await;
            hand.thawed().await;
            model.renew();
        }
    }
}

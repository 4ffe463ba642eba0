//! `steadfast run`: the daemon.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::campaign::Roster;
use crate::daemon::alerts::{Addressee, Alerts};
use crate::daemon::ballast::Ballast;
use crate::daemon::lookalike::lookalikes;
use crate::daemon::pulse::Pulse;
use crate::daemon::watch::{Missing, RESCAN, Taken, Watch, say_lookalikes};
use crate::daemon::{self, Outlet, World};
use crate::folder::Folder;
use crate::ledger::open::{Seat, belongs_to};
use crate::ledger::{Ledger, LedgerError};
use crate::platform::alert::Wires;
use crate::platform::http::Http;
use crate::platform::secret::Scrubber;
use crate::platform::token::Keeper;
use crate::platform::video::Films;
use crate::platform::{self, Tools};
use crate::settings::{LedgerAt, Settings, SettingsError};
use crate::web;

use super::pictures::Pictures;
use super::systemd::{self, Systemd};
use super::{Exit, Failed, Office, log};

pub(super) async fn run(office: &Office) -> Result<Exit, Failed> {
    let settings = &office.settings;
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let assets = Assets::new(files.roster.clone());
    log::start(&settings.log, &assets.scrubber).map_err(Failed::Usage)?;

    if let Some(password) = office.ledger_password()? {
        assets.scrubber.learn(&password);
    }
    let (ledger, seat) = take_ledger(office).await?;
    belongs_to(&*ledger, &campaign.settings.id).await?;
    let pictures = Folder::open(&settings.messages).map_err(|gone| Failed::Wrong(gone.to_string()))?;
    let world = assemble_world(office, ledger.clone(), &assets, pictures)?;

    let stop = CancellationToken::new();
    let ready = Arc::new(web::Ready::default());
    let found = lookalikes(&*ledger, &campaign, &assets.roster, office.clock.now()).await?;
    say_lookalikes(&found, None);
    let (campaigns, latest) = watch::channel(Arc::new(campaign.without(&found)));
    let (taken, read) = watch::channel(Taken {
        files: files.read,
        problems: Arc::clone(&files.assembled.problems),
    });
    let pages = web::Pages {
        ready: Arc::clone(&ready),
        office: office.clone(),
        ledger: ledger.clone(),
        roster: assets.roster.clone(),
        campaign: latest.clone(),
        read,
    };
    let serving = web::serve(settings.listen, pages, stop.clone())
        .await
        .map_err(|e| {
            Failed::Wrong(format!(
                "nothing can listen on {}: {e}; set `web.listen` to a free port",
                settings.listen
            ))
        })?;

    let (rescan, looked) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let watching = Watch {
        folder: files.folder,
        roster: assets.roster.clone(),
        clock: Arc::clone(&office.clock),
        campaigns,
        taken,
        ledger: ledger.clone(),
        late: settings.late,
        rescan: Arc::clone(&rescan),
        looked: Arc::clone(&looked),
        every: RESCAN,
        lost: false,
        missing: Missing::Nothing,
        unasked: false,
    };
    let watching = tokio::spawn(watching.run(files.assembled, stop.clone()));
    let listen = settings.listen;
    let systemd = Arc::new(Systemd {
        campaign: latest.clone(),
        accounts: settings.accounts.len(),
        listen,
        ready: AtomicBool::new(false),
    });
    let ears = Ears {
        stop: stop.clone(),
        rescan,
        looked,
        world: world.clone(),
        systemd: Arc::clone(&systemd),
    };
    tokio::spawn(ears.listen());

    let (pulse, clock) = (Arc::clone(&world.pulse), Arc::clone(&world.clock));
    let count = latest.borrow().messages.len();
    let done = daemon::run(world, latest, stop.clone(), || {
        ready.set();
        let accounts = settings.accounts.len();
        info!(event = "daemon.ready", messages = count, accounts, listen = %listen, "ready at http://{listen}; messages: {count}, accounts: {accounts}");
        if settings.only_sandbox() {
            info!(event = "daemon.sandbox", "no accounts are set, so nothing leaves this machine: see http://{listen}/sandbox");
        }
        systemd.ready();
        tokio::spawn(systemd::watchdog(pulse, ledger, clock));
    })
    .await;
    stop.cancel();
    // A browser that keeps its connection open must not keep the daemon from stopping.
    drop(tokio::time::timeout(Duration::from_secs(1), serving).await);
    // Nor may a ledger that is locked.
    drop(tokio::time::timeout(Duration::from_secs(1), watching).await);
    seat.leave().await;
    done?;
    info!(event = "daemon.stopped", "stopped");
    Ok(Exit::Done)
}

/// The ledger, and the right to send. It is made only where nothing can leave this machine.
async fn take_ledger(office: &Office) -> Result<(Arc<dyn Ledger>, Seat), Failed> {
    let place = office.place()?;
    match place.take(office.uptime()).await {
        Err(LedgerError::Missing(_)) if office.settings.only_sandbox() => {
            drop(place.create().await?);
            Ok(place.take(office.uptime()).await?)
        }
        taken => Ok(taken?),
    }
}

/// What the adapters share.
pub(super) struct Assets {
    pub roster: Roster,
    pub scrubber: Scrubber,
}

impl Assets {
    pub fn new(roster: Roster) -> Self {
        Self {
            roster,
            scrubber: Scrubber::new(),
        }
    }
}

/// Opens every account.
pub(super) fn assemble_world(
    office: &Office,
    ledger: Arc<dyn Ledger>,
    assets: &Assets,
    folder: Folder,
) -> Result<World, Failed> {
    let settings = &office.settings;
    let clock = Arc::clone(&office.clock);
    let http = Http::with_deadline(&settings.contact, clock, settings.deadline()).map_err(Failed::Wrong)?;
    let alerts = Arc::new(Alerts {
        channels: channels(settings, &http, &assets.scrubber)?,
        accounts: settings.accounts.clone(),
    });
    let vault = settings.state_folder();
    let keeper: Arc<dyn Keeper> = Arc::new(office.keeper(Arc::clone(&ledger))?);
    let pictures = Arc::new(Pictures::of(folder));
    let films: Arc<dyn Films> = Arc::clone(&pictures) as Arc<dyn Films>;
    let mut outlets = Vec::new();
    let mut problems = Vec::new();
    for (account, known) in settings.accounts.iter().zip(&assets.roster.accounts) {
        let tools = Tools {
            account: &account.name,
            http: &http,
            vault: &vault,
            scrubber: &assets.scrubber,
            keeper: &keeper,
            films: &films,
        };
        let Some(entry) = platform::find(account.platform) else {
            continue;
        };
        match entry.open(account.keys.clone(), &tools) {
            Ok(platform) => {
                outlets.push(Outlet {
                    account: known.clone(),
                    platform,
                    in_doubt: account.in_doubt,
                    engagement: account.engagement,
                });
            }
            Err(why) => problems.push(format!("[account.{}]: {why}", account.name)),
        }
    }
    if !problems.is_empty() {
        return Err(SettingsError(problems).into());
    }
    Ok(World {
        ledger,
        clock: Arc::clone(&office.clock),
        outlets: Arc::new(outlets),
        roster: Arc::new(assets.roster.clone()),
        media: pictures,
        dates: http.dates(),
        brake: Arc::new(office.brake()),
        ballast: match settings.ledger {
            LedgerAt::File(_) => Ballast::new(&settings.state_folder()),
            // Its disk is not ours.
            LedgerAt::Server { .. } => Ballast::default(),
        },
        pulse: Arc::new(Pulse::default()),
        workers: settings.workers,
        late: settings.late,
        approval: settings.approval,
        alerts,
    })
}

/// Opens every `[alert.NAME]`.
pub(super) fn channels(
    settings: &Settings,
    http: &Http,
    scrubber: &Scrubber,
) -> Result<Vec<Addressee>, Failed> {
    let wires = Wires { http, scrubber };
    let (mut channels, mut problems) = (Vec::new(), Vec::new());
    for alert in &settings.alerts {
        let Some(entry) = platform::alert::find(alert.by) else {
            continue;
        };
        match entry.open(alert.keys.clone(), &wires) {
            Ok(channel) => channels.push(Addressee {
                name: alert.name.clone(),
                terms: alert.terms.clone(),
                channel,
            }),
            Err(why) => problems.push(format!("[alert.{}]: {why}", alert.name)),
        }
    }
    if problems.is_empty() {
        Ok(channels)
    } else {
        Err(SettingsError(problems).into())
    }
}

/// What hears signals, and whom it tells.
struct Ears {
    stop: CancellationToken,
    rescan: Arc<Notify>,
    looked: Arc<Notify>,
    world: World,
    systemd: Arc<Systemd>,
}

impl Ears {
    /// SIGTERM and SIGINT stop; a second one stops at once, and what was in flight is looked into at the next
    /// start. SIGUSR1 stops all sending, SIGHUP looks at the files again.
    async fn listen(self) {
        let signals = (
            signal(SignalKind::terminate()),
            signal(SignalKind::interrupt()),
            signal(SignalKind::hangup()),
            signal(SignalKind::user_defined1()),
        );
        let (Ok(mut term), Ok(mut int), Ok(mut hup), Ok(mut usr1)) = signals else {
            error!(
                event = "daemon.deaf",
                "signals can't be listened for; `steadfast hold` and a file named HOLD still work"
            );
            return;
        };
        loop {
            tokio::select! {
                _ = usr1.recv() => { self.world.brake.pull(self.world.clock.now()); continue }
                _ = hup.recv() => { self.look_again(); continue }
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if self.stop.is_cancelled() {
                std::process::exit(1);
            }
            info!(
                event = "daemon.stopping",
                "stopping: what is in flight may finish, nothing new begins"
            );
            self.stop.cancel();
            Systemd::stopping();
        }
    }

    /// Nobody waits for it: the next signal may be the one that stops.
    fn look_again(&self) {
        let (systemd, rescan, looked) = (
            Arc::clone(&self.systemd),
            Arc::clone(&self.rescan),
            Arc::clone(&self.looked),
        );
        tokio::spawn(async move { systemd.reload(&rescan, &looked).await });
    }
}

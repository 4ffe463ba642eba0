//! The shell: it carries out what the ground floor decides, and decides nothing itself.
//!
//! Start with [`run`]: files in (`watch`), what is due into the ledger (`planner`), out to the platforms
//! (`dispatch`, one post's life in `deliver`), people's words in between (`holds`).

pub mod alerts;
mod approval;
pub mod ballast;
pub mod brake;
pub mod deliver;
mod dispatch;
mod engagement;
mod holds;
pub mod lookalike;
mod media;
pub mod pace;
mod planner;
mod probe;
pub mod pulse;
mod recover;
pub mod report;
mod shares;
pub mod spending;
pub mod timekeeper;
pub mod tokens;
pub mod trouble;
pub mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::calendar::steady::CONTRADICTS;
use crate::campaign::approval::{Approved, Rule};
use crate::campaign::{Account, Campaign, Roster};
use crate::clock::Clock;
use crate::ledger::{Hold, Ledger, LedgerError, Post};
use crate::platform::Platform;
use crate::platform::dates::Dates;
use crate::post::content::Content;
use crate::post::digest::Digest;
use crate::post::identity::{AccountName, MessageId};
use crate::settings::InDoubt;
use crate::text::limits::Doubt;

pub use dispatch::Ends;
pub use media::{Media, NoMedia};
pub use planner::{past_of, variants_said};

/// How long what is in flight may take to finish after "stop"; what is left is abandoned, and looked into
/// at the next start.
const GRACE: Duration = Duration::from_secs(8);

/// An account and the way to it.
pub struct Outlet {
    pub account: Account,
    pub platform: Box<dyn Platform>,
    /// What the operators say of its doubts.
    pub in_doubt: InDoubt,
    /// It is asked how the public answered.
    pub engagement: bool,
}

impl Outlet {
    /// How a doubt about what says this ends: asked anew each time, because an adapter can learn what its server is.
    pub fn doubt(&self, content: &Content, ledger: &dyn Ledger) -> Doubt {
        let answers = content.reply_to.is_some() || content.answers().is_some();
        let limits = self.platform.limits();
        let doubt = limits.doubt_about(content.share.is_some(), answers);
        let doubt = self.in_doubt.heard(doubt);
        if ledger.is_shared() {
            doubt.slower_by(REPLICAS_APART)
        } else {
            doubt
        }
    }
}

/// How far apart the clocks of two replicas may be, while the platforms contradict neither: one notes since when a post
/// is in doubt, another how long that is ago.
const REPLICAS_APART: Duration = CONTRADICTS.saturating_mul(2);

/// Everything the daemon works with, passed in.
#[derive(Clone)]
pub struct World {
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<dyn Clock>,
    pub outlets: Arc<Vec<Outlet>>,
    pub roster: Arc<Roster>,
    pub media: Arc<dyn Media>,
    /// What time the platforms say it is.
    pub dates: Dates,
    /// Stops everything, whatever the ledger can say.
    pub brake: Arc<brake::Brake>,
    /// Makes room for answers on a full disk.
    pub ballast: ballast::Ballast,
    /// Beats as long as the daemon turns.
    pub pulse: Arc<pulse::Pulse>,
    /// Attempts in flight at most.
    pub workers: usize,
    /// How late a post may be where its message does not say.
    pub late: Duration,
    /// `None`: nobody need approve anything.
    pub approval: Option<Rule>,
    /// Who is told when something needs a person.
    pub alerts: Arc<alerts::Alerts>,
}

/// Where the ledger notes whose account this was when it was first used.
pub fn identity_key(account: &AccountName) -> String {
    format!("identity {account}")
}

/// Under which the ledger notes what an account's credentials may do.
pub fn granted_key(account: &AccountName) -> String {
    format!("granted {account}")
}

/// How long a ledger that failed is given to answer, and the daemon's last word to be written.
const PROBE: Duration = Duration::from_secs(1);

/// What the parts of the daemon tell each other.
pub(crate) struct Shared {
    pub campaign: channel::Receiver<Arc<Campaign>>,
    /// Where it came through, if approval is required.
    pub gate: Option<approval::Gate>,
    /// Messages that must not go out now, by the files, in order; the planner keeps it.
    pub blocked: channel::Sender<Arc<Vec<MessageId>>>,
    /// Holds in force; checked right before each request.
    pub holds: channel::Sender<Arc<Vec<Hold>>>,
    /// Checked right before each request, too.
    brake: Arc<brake::Brake>,
    /// The requests that left, or are about to.
    pub under_way: brake::UnderWay,
    /// The ledger takes nothing: nothing new is begun until it does.
    ledger_fails: AtomicBool,
    /// This process plans, of all that share the ledger. The planner keeps it.
    pub leads: AtomicBool,
    /// Rung when there may be something new to send.
    pub look: Notify,
    /// Rung when a post went out, for those that wait for it.
    pub went_out: Notify,
    /// Rung when the files changed, for the planner. One alone listens to them (`holds`), so that what follows has an
    /// order.
    pub files: Notify,
    pub pace: pace::Pace,
    /// Whose accounts these were when they were first used, as far as it was asked for.
    pub identities: tokio::sync::Mutex<HashMap<AccountName, String>>,
    /// Asked right before each request.
    pub time: timekeeper::Timekeeper,
}

impl Shared {
    pub fn new(campaign: channel::Receiver<Arc<Campaign>>, world: &World) -> Self {
        Self {
            campaign,
            gate: None,
            blocked: channel::Sender::new(Arc::default()),
            holds: channel::Sender::new(Arc::default()),
            brake: Arc::clone(&world.brake),
            under_way: brake::UnderWay::default(),
            ledger_fails: AtomicBool::new(false),
            leads: AtomicBool::new(false),
            look: Notify::new(),
            went_out: Notify::new(),
            files: Notify::new(),
            pace: pace::Pace::new(&world.outlets),
            identities: tokio::sync::Mutex::default(),
            time: timekeeper::Timekeeper::new(Arc::clone(&world.clock), world.dates.clone()),
        }
    }

    pub fn campaign(&self) -> Arc<Campaign> {
        Arc::clone(&self.campaign.borrow())
    }

    /// The ledger would not take what it must. Returns whether that is new.
    pub fn ledger_failed(&self, world: &World, e: &LedgerError) -> bool {
        if matches!(e, LedgerError::Full(_)) {
            world.ballast.give_up();
        }
        // One that it will not take says nothing of all others.
        let of_all = !matches!(e, LedgerError::Refused(_));
        of_all && !self.ledger_fails.swap(true, Ordering::AcqRel)
    }

    /// Whether the ledger takes what it is given; where it did not, it is asked, and so is whether there is room.
    pub async fn ledger_is_well(&self, world: &World) -> bool {
        if !self.ledger_fails.load(Ordering::Acquire) {
            return true;
        }
        let now = world.clock.now().to_string();
        let probe = world.ledger.note("probed", &now);
        let taken = tokio::time::timeout(PROBE, probe)
            .await
            .is_ok_and(|done| done.is_ok());
        if !taken || world.ballast.make().is_err() {
            return false;
        }
        self.ledger_fails.store(false, Ordering::Release);
        tracing::info!(
            event = "ledger.recovered",
            "the ledger takes what it is given again; sending goes on"
        );
        true
    }

    /// Whether the brake, a hold, or its own file stops this post. What a file says of a message says nothing of
    /// the recall of its posts.
    pub fn stopped(&self, post: &Post) -> bool {
        let blocked = !post.is_recall() && self.blocked.borrow().binary_search(&post.message).is_ok();
        blocked || self.holds.borrow().iter().any(|hold| hold.stops(post)) || self.brake.is_on()
    }

    /// Whether it would say what people have not approved, or where they have not. What is out in part, or may be
    /// out, was approved as a whole when it began, and goes on once its message is approved again. A recall is what
    /// a person asked for in so many words.
    pub fn unapproved(&self, post: &Post) -> bool {
        let campaign = self.campaign.borrow();
        let Some(approved) = &campaign.approved else {
            return false;
        };
        if post.is_recall() {
            return false;
        }
        if post.standing.part > 0 || post.standing.doubted() {
            return campaign.blocked.contains_key(&post.message);
        }
        let is_it = |approved: &Approved| {
            post.content.approved == Some(approved.digest) && approved.accounts.contains(&post.account)
        };
        !approved.get(&post.message).is_some_and(is_it)
    }

    /// Whether a media file of a message has the bytes that it may show.
    pub fn may_show(&self, message: &MessageId, file: &str, bytes: Digest) -> bool {
        let campaign = self.campaign.borrow();
        campaign.approved.as_ref().is_none_or(|approved| {
            let approved = approved.get(message);
            approved.is_some_and(|approved| approved.media.get(file) == Some(&bytes))
        })
    }
}

/// Runs until `stop`: recovers what the last run left, then plans, sends and listens.
///
/// `campaign` is what the message files say, and what they come to say later. `ready` is called once
/// everything is running.
///
/// # Errors
/// When the ledger can't be read at the start. Later faults are lived with.
pub async fn run(
    world: World,
    campaign: channel::Receiver<Arc<Campaign>>,
    stop: CancellationToken,
    ready: impl FnOnce(),
) -> Result<(), LedgerError> {
    let (gate, campaign) = approval::Gate::open(&world, campaign).await?;
    let shared = Arc::new(Shared {
        gate,
        ..Shared::new(campaign, &world)
    });
    shared.time.begin(&*world.ledger).await?;
    brake::say(&world, &shared);
    if let Err(e) = world.ballast.make() {
        shared.ledger_fails.store(true, Ordering::Release);
        tracing::error!(event = "ledger.failed", error = %e, "there is no room for the ballast in the state folder, so nothing is sent: {e}");
    }
    recover::rollback(&world).await?;
    recover::recover(&world, true).await?;
    shared.pace.load(&world).await?;
    holds::follow_file(&world, &shared).await?;
    holds::follow_brake(&world, &shared).await?;
    holds::refresh(&world, &shared).await?;
    let mut planner = planner::Planner::start(world.clone(), Arc::clone(&shared)).await?;
    planner.plan().await;
    world
        .ledger
        .note("started", &world.clock.now().to_string())
        .await?;
    ready();

    // Dropping the set ends what is in it: nothing outlives the daemon.
    let mut hands = JoinSet::new();
    hands.spawn(keep_time(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(probe::probe(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(approval::follow(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(shares::watch(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(tokens::watch(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(engagement::watch(
        world.clone(),
        Arc::clone(&shared),
        stop.clone(),
    ));
    hands.spawn(alerts::watch(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(planner.run(stop.clone()));
    hands.spawn(brake::watch(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(holds::listen(world.clone(), Arc::clone(&shared), stop.clone()));
    hands.spawn(recover::watch(world.clone(), Arc::clone(&shared), stop.clone()));
    let deliveries = dispatch::dispatch(world.clone(), Arc::clone(&shared), stop.clone(), Ends::Never).await;
    // Dispatch ends when `stop` is said; what it had in flight may finish.
    deliveries.finish(GRACE).await;
    let all = async { while hands.join_next().await.is_some() {} };
    if tokio::time::timeout(Duration::from_secs(1), all).await.is_err() {
        tracing::warn!(
            event = "daemon.abandoned",
            "a part of the daemon did not stop in time"
        );
    }
    // Nobody waits for it: a ledger that is locked must not keep the daemon from stopping.
    let last = world.clock.now().to_string();
    let noted = tokio::time::timeout(PROBE, world.ledger.note("stopped", &last)).await;
    noted.unwrap_or(Ok(()))
}

/// Sends what the ledger holds for these posts and comes back when each has come to rest, after `most` at the
/// latest: for `steadfast post` and `recall` where no daemon is running.
///
/// # Errors
/// As [`run`].
pub async fn deliver_only(
    world: World,
    campaign: channel::Receiver<Arc<Campaign>>,
    posts: Vec<crate::post::identity::PostId>,
    stop: CancellationToken,
    most: Duration,
) -> Result<(), LedgerError> {
    let shared = Arc::new(Shared::new(campaign, &world));
    shared.time.begin(&*world.ledger).await?;
    brake::say(&world, &shared);
    shared.pace.load(&world).await?;
    holds::follow_file(&world, &shared).await?;
    holds::follow_brake(&world, &shared).await?;
    holds::refresh(&world, &shared).await?;
    // Somebody who did this before us may have been killed.
    recover::recover(&world, true).await?;
    tokio::spawn(keep_time(world.clone(), Arc::clone(&shared), stop.clone()));
    tokio::spawn(probe::probe(world.clone(), Arc::clone(&shared), stop.clone()));
    // Whoever says stop meanwhile leaves them waiting: then there is nothing to stay for.
    let bounded = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(most).await;
        bounded.cancel();
    });
    let deliveries = dispatch::dispatch(world, shared, stop, Ends::After(posts)).await;
    deliveries.finish(GRACE).await;
    Ok(())
}

async fn keep_time(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let remembers = shared.time.remember(&*world.ledger, stop.clone());
    tokio::join!(shared.time.run(&shared.look, stop), remembers);
}

/// How long from `now` until `at`; nothing if it is past.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}

//! The due loop: what is due goes out, a bounded number at a time, fairly by account; then it sleeps until
//! the next due instant or until somebody rings.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::ledger::{Fence, LedgerError, Post};
use crate::post::identity::PostId;
use crate::post::state::State;

use super::deliver::{Delivery, LEDGER_AGAIN, after_panic};
use super::{Outlet, Shared, World, until};

/// The longest sleep: a clock that jumped forward, or a machine that was suspended, is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
/// The same where others record and give back posts of which nobody tells us.
const SHARED_LOOK: Duration = Duration::from_millis(250);
/// How many posts of an account are read at once.
const PAGE: u32 = 256;

/// How soon a brake that was let go is noticed.
const BRAKED: Duration = Duration::from_millis(200);

/// When the loop ends by itself.
pub enum Ends {
    Never,
    /// When each of these has come to rest.
    After(Vec<PostId>),
}

/// What is still in flight when the loop has ended.
pub struct Deliveries {
    tasks: JoinSet<Option<Timestamp>>,
}

impl Deliveries {
    /// Lets them finish for `grace`; what is left is abandoned: its intent stays, and the next start looks
    /// into it.
    pub async fn finish(mut self, grace: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            let left = self.tasks.len();
            tracing::warn!(
                event = "daemon.abandoned",
                left,
                "{left} posts had no answer yet; the next start looks into them"
            );
            self.tasks.abort_all();
        }
    }
}

/// Runs until `stop`, or as `ends` says.
pub(crate) async fn dispatch(
    world: World,
    shared: Arc<Shared>,
    stop: CancellationToken,
    ends: Ends,
) -> Deliveries {
    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut dispatch = Dispatch {
        answered,
        lanes: world.outlets.iter().map(|_| Lane::default()).collect(),
        claimed: HashMap::new(),
        recording: HashSet::new(),
        tasks: JoinSet::new(),
        forgotten: Vec::new(),
        world: Arc::new(world),
        shared,
        stop: stop.clone(),
        only: match &ends {
            Ends::Never => None,
            Ends::After(posts) => Some(posts.iter().copied().collect()),
        },
    };
    let longest = if dispatch.world.ledger.is_shared() {
        SHARED_LOOK
    } else {
        LONGEST_SLEEP
    };
    loop {
        dispatch.world.pulse.beat();
        // Asked to be woken before it looks, so that nothing slips between.
        let look = Arc::clone(&dispatch.shared);
        let look = look.look.notified();
        let next = match dispatch.fill().await {
            Ok(next) => next,
            Err(e) => {
                tracing::error!(event = "ledger.failed", error = %e, "what is due can't be read, nothing is sent: {e}");
                Some(Duration::from_secs(1))
            }
        };
        if let Ends::After(posts) = &ends
            && dispatch.claimed.is_empty()
            && dispatch.at_rest(posts).await
        {
            break;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = look => dispatch.forget_pages(),
            Some(id) = answers.recv() => {
                dispatch.was_answered(id);
                while let Ok(id) = answers.try_recv() {
                    dispatch.was_answered(id);
                }
            }
            Some(done) = dispatch.tasks.join_next_with_id() => {
                dispatch.done(done).await;
                // Of many that end together, all before the next are begun.
                while let Some(done) = dispatch.tasks.try_join_next_with_id() {
                    dispatch.done(done).await;
                }
            }
            () = tokio::time::sleep(next.unwrap_or(longest).min(longest)) => {}
        }
    }
    dispatch.forget_pages();
    // Best effort: what is not given back is free when our claim has run out.
    drop(dispatch.world.ledger.let_go(dispatch.forgotten).await);
    Deliveries {
        tasks: dispatch.tasks,
    }
}

/// One account's way out.
#[derive(Default)]
struct Lane {
    /// Read from the ledger, not yet begun; asked again at the latest when somebody rings.
    page: VecDeque<Post>,
    busy: usize,
    /// What is known of those that are not on the page.
    rest: Known,
}

/// When an account's next post comes up, as far as anybody has said.
#[derive(Debug, Clone, Copy, Default)]
enum Known {
    /// The ledger must be asked.
    #[default]
    Nothing,
    /// Nothing before that instant, or nothing at all; so the ledger said at `asked`.
    Quiet {
        until: Option<Timestamp>,
        asked: Timestamp,
    },
}

impl Known {
    /// Whether the ledger need not be asked at `now`; others may have written into one that is shared.
    fn is_quiet(self, now: Timestamp, shared: bool) -> bool {
        match self {
            Known::Nothing => false,
            Known::Quiet { until, asked } => {
                until.is_none_or(|until| until > now) && !(shared && asked + SHARED_LOOK <= now)
            }
        }
    }

    fn until(self) -> Option<Timestamp> {
        match self {
            Known::Nothing => None,
            Known::Quiet { until, .. } => until,
        }
    }
}

struct Dispatch {
    world: Arc<World>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    lanes: Vec<Lane>,
    /// What is in flight: the task, its lane and its post.
    claimed: HashMap<Id, (usize, Post)>,
    /// Those that only wait for the ledger to take their last answer.
    recording: HashSet<Id>,
    /// Told by a task whose post has its last answer.
    answered: UnboundedSender<Id>,
    /// Each says when its post is to be looked at again, if it is.
    tasks: JoinSet<Option<Timestamp>>,
    /// Claimed, not begun, and to be given back.
    forgotten: Vec<(PostId, Fence)>,
    /// Nothing but these.
    only: Option<HashSet<PostId>>,
}

impl Dispatch {
    /// Begins what may begin; says how long nothing more will be due.
    async fn fill(&mut self) -> Result<Option<Duration>, LedgerError> {
        // Whatever looks due may be early. When the trust turns we are rung.
        if self.shared.time.look().is_some() {
            return Ok(None);
        }
        let now = self.world.clock.now();
        let braked = self.world.brake.is_on();
        let well = self.shared.ledger_is_well(&self.world).await;
        if braked || !well {
            self.forget_pages();
        }
        if !self.forgotten.is_empty() {
            let forgotten = std::mem::take(&mut self.forgotten);
            self.world.ledger.let_go(forgotten).await?;
        }
        if !well {
            return Ok(Some(LEDGER_AGAIN));
        }
        if braked {
            return Ok(Some(BRAKED));
        }
        let blocked = self.shared.blocked.borrow().clone();
        let mut next: Option<Timestamp> = None;
        for number in 0..self.lanes.len() {
            let Some(outlet) = self.world.outlets.get(number) else {
                continue;
            };
            let account = outlet.account.name.clone();
            let room = self.room(number, outlet);
            if let Some(until) = self.shared.pace.waits(&account, now) {
                next = earliest(next, Some(until));
                continue;
            }
            let shared = self.world.ledger.is_shared();
            let lane = self.lanes.get(number);
            let ask = lane.is_some_and(|lane| lane.page.is_empty() && !lane.rest.is_quiet(now, shared));
            if ask && room > 0 {
                let page = PAGE.min(self.world.ledger.share());
                let posts = self.world.ledger.claim(&account, now, &blocked, page).await?;
                let full = u32::try_from(posts.len()).is_ok_and(|read| read >= page);
                let rest = if full {
                    Known::Nothing
                } else {
                    let until = self.world.ledger.next_ready(&account, now, &blocked).await?;
                    Known::Quiet { until, asked: now }
                };
                let in_flight: HashSet<PostId> = self.claimed.values().map(|(_, post)| post.id).collect();
                if let Some(lane) = self.lanes.get_mut(number) {
                    lane.rest = rest;
                    lane.page = posts
                        .into_iter()
                        .filter(|post| {
                            !in_flight.contains(&post.id)
                                && self.only.as_ref().is_none_or(|only| only.contains(&post.id))
                        })
                        .collect();
                }
            }
            if room > 0 {
                next = earliest(next, self.lanes.get(number).and_then(|lane| lane.rest.until()));
            }
            for _ in 0..self.room_now(number) {
                let Some(post) = self.lanes.get_mut(number).and_then(|lane| lane.page.pop_front()) else {
                    break;
                };
                self.begin(number, post);
            }
        }
        Ok(next.map(|at| until(at, now)))
    }

    /// How many more posts of this account may be in flight. One whose posts are spaced has one at a time; and no
    /// account, however slow, takes the last worker of every other. What only waits to be recorded takes no worker;
    /// but there are never more of those than workers, because nothing is sent while the ledger takes no answers.
    fn room(&self, number: usize, outlet: &Outlet) -> usize {
        let Some(lane) = self.lanes.get(number) else {
            return 0;
        };
        let spacing = outlet.account.spacing();
        if !spacing.min_gap.is_zero() || spacing.max_per_day.is_some() {
            return 1_usize.saturating_sub(lane.busy).min(self.free());
        }
        let others = self.lanes.len().saturating_sub(1);
        let most = self.world.workers.saturating_sub(others).max(1);
        let ours = |id: &&Id| self.claimed.get(*id).is_some_and(|(lane, _)| *lane == number);
        let recording = self.recording.iter().filter(ours).count();
        most.saturating_sub(lane.busy.saturating_sub(recording))
            .min(self.free())
    }

    fn free(&self) -> usize {
        let recording = self.recording.len().min(self.world.workers);
        let sending = self.claimed.len().saturating_sub(recording);
        self.world.workers.saturating_sub(sending)
    }

    fn room_now(&self, number: usize) -> usize {
        self.world
            .outlets
            .get(number)
            .map_or(0, |outlet| self.room(number, outlet))
    }

    fn begin(&mut self, number: usize, post: Post) {
        let (world, shared, stop) = (
            Arc::clone(&self.world),
            Arc::clone(&self.shared),
            self.stop.clone(),
        );
        let claimed = post.clone();
        let answered = self.answered.clone();
        let task = self.tasks.spawn(async move {
            let outlet = world.outlets.get(number)?;
            let id = tokio::task::id();
            let delivery = Delivery {
                world: &world,
                shared: &shared,
                outlet,
                post,
                stopping: &stop,
                answered: &|| {
                    answered.send(id).ok();
                },
            };
            delivery.run().await
        });
        self.claimed.insert(task.id(), (number, claimed));
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.busy = lane.busy.saturating_add(1);
        }
    }

    fn was_answered(&mut self, id: Id) {
        if self.claimed.contains_key(&id) {
            self.recording.insert(id);
        }
    }

    async fn done(&mut self, done: Result<(Id, Option<Timestamp>), tokio::task::JoinError>) {
        let now = self.world.clock.now();
        let (id, again, panicked) = match &done {
            Ok((id, again)) => (*id, *again, false),
            Err(e) => (e.id(), Some(now), e.is_panic()),
        };
        self.recording.remove(&id);
        let Some((number, post)) = self.claimed.remove(&id) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.busy = lane.busy.saturating_sub(1);
            if let Known::Quiet { until, .. } = &mut lane.rest {
                *until = earliest(*until, again);
            }
        }
        if let Some(outlet) = self.world.outlets.get(number).filter(|_| panicked) {
            tracing::error!(event = "post.panicked", post = %post.id, account = %post.account, "the adapter failed on {}", post.message);
            after_panic(&self.world, &self.shared, outlet, &post).await;
        }
    }

    fn forget_pages(&mut self) {
        for lane in &mut self.lanes {
            lane.rest = Known::Nothing;
            let forgotten = lane.page.drain(..).map(|post| (post.id, post.fence));
            self.forgotten.extend(forgotten);
        }
    }

    async fn at_rest(&self, posts: &[PostId]) -> bool {
        for id in posts {
            let Ok(Some(post)) = self.world.ledger.post(*id).await else {
                continue;
            };
            let state = post.standing.state;
            let goes_on = !state.is_final() && state != State::Held;
            // A wait of more than a moment is for the daemon to sit out.
            if goes_on && until(post.standing.not_before, self.world.clock.now()) < Duration::from_secs(10) {
                return false;
            }
        }
        true
    }
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

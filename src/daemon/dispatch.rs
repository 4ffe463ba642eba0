//! The due loop: what is due goes out, a bounded number at a time, fairly by account; then it sleeps until
//! the next due instant or until somebody rings.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::ledger::{Fence, LedgerError, Post};
use crate::post::identity::PostId;
use crate::post::state::State;

use super::deliver::{Delivery, LEDGER_AGAIN, after_panic};
use super::{Outlet, Shared, World, until};

/// The longest sleep: a clock that jumped forward, or a machine that was suspended, is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
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
    tasks: JoinSet<()>,
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
    let mut dispatch = Dispatch {
        lanes: world.outlets.iter().map(|_| Lane::default()).collect(),
        claimed: HashMap::new(),
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
    loop {
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
            Some(done) = dispatch.tasks.join_next_with_id() => dispatch.done(done).await,
            () = tokio::time::sleep(next.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)) => {}
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
}

struct Dispatch {
    world: Arc<World>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    lanes: Vec<Lane>,
    /// What is in flight: the task, its lane and its post.
    claimed: HashMap<Id, (usize, Post)>,
    tasks: JoinSet<()>,
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
            if self.lanes.get(number).is_some_and(|lane| lane.page.is_empty()) && room > 0 {
                let posts = self.world.ledger.claim(&account, now, &blocked, PAGE).await?;
                let in_flight: HashSet<PostId> = self.claimed.values().map(|(_, post)| post.id).collect();
                if let Some(lane) = self.lanes.get_mut(number) {
                    lane.page = posts
                        .into_iter()
                        .filter(|post| {
                            !in_flight.contains(&post.id)
                                && self.only.as_ref().is_none_or(|only| only.contains(&post.id))
                        })
                        .collect();
                }
                next = earliest(next, self.world.ledger.next_ready(&account, now, &blocked).await?);
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

    /// How many more posts of this account may be in flight. One whose posts are spaced has one at a time;
    /// and no account, however slow, takes the last worker of every other.
    fn room(&self, number: usize, outlet: &Outlet) -> usize {
        let spacing = outlet.account.spacing();
        let spaced = !spacing.min_gap.is_zero() || spacing.max_per_day.is_some();
        let others = self.lanes.len().saturating_sub(1);
        let most = if spaced {
            1
        } else {
            self.world.workers.saturating_sub(others).max(1)
        };
        let busy = self.lanes.get(number).map_or(0, |lane| lane.busy);
        let free = self.world.workers.saturating_sub(self.claimed.len());
        most.saturating_sub(busy).min(free)
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
        let task = self.tasks.spawn(async move {
            let Some(outlet) = world.outlets.get(number) else {
                return;
            };
            let delivery = Delivery {
                world: &world,
                shared: &shared,
                outlet,
                post,
                stopping: &stop,
            };
            delivery.run().await;
        });
        self.claimed.insert(task.id(), (number, claimed));
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.busy = lane.busy.saturating_add(1);
        }
    }

    async fn done(&mut self, done: Result<(Id, ()), tokio::task::JoinError>) {
        let (id, panicked) = match &done {
            Ok((id, ())) => (*id, false),
            Err(e) => (e.id(), e.is_panic()),
        };
        let Some((number, post)) = self.claimed.remove(&id) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.busy = lane.busy.saturating_sub(1);
        }
        if let Some(outlet) = self.world.outlets.get(number).filter(|_| panicked) {
            tracing::error!(event = "post.panicked", post = %post.id, account = %post.account, "the adapter failed on {}", post.message);
            after_panic(&self.world, &self.shared, outlet, &post).await;
        }
    }

    fn forget_pages(&mut self) {
        for lane in &mut self.lanes {
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

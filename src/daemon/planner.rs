//! Puts what comes due into the ledger, a moment ahead, with its words frozen.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio_util::sync::CancellationToken;

use crate::calendar::bill::Tally;
use crate::calendar::civil;
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, Plan, Planned, View, plan};
use crate::campaign::message::{Local, Message, When};
use crate::campaign::render::render;
use crate::campaign::{Account, Campaign};
use crate::ledger::{LedgerError, NewPost, Rename, Term};
use crate::post::identity::{MessageId, PostId};
use crate::post::state::State;

use super::spending::spending;
use super::{Shared, World, report, until};

/// How long before its time a post is recorded: long enough that a thousand of one second are all there,
/// short enough that an edit in the last minute still counts.
const LEAD: Duration = Duration::from_secs(2);

/// The longest sleep, and the wait after the ledger failed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_secs(1);

/// How long to wait for others before looking at what went out.
const SETTLE: Duration = Duration::from_millis(100);

mod follow;
mod past;
mod rename;

pub use past::{asked, past_of, variants_said};

pub(crate) struct Planner {
    world: World,
    shared: Arc<Shared>,
    past: Past,
    /// When it was read. Its traffic is that of the days around.
    read: Option<Timestamp>,
    /// Posts whose words could not be made, already complained of.
    unspeakable: HashSet<PostId>,
    /// What is due, or waits in the queue, and is not approved: already told.
    unapproved: HashSet<(MessageId, Option<PostId>)>,
    /// The new names that the ledger has been told.
    renamed: HashSet<Rename>,
    next: Option<Timestamp>,
    /// The files or the past have changed, and that is not taken up yet.
    behind: bool,
    /// Up to which recorded post the change is taken up; the rest follows, page by page.
    taken_up: Option<PostId>,
    /// Whether this process planned when last asked.
    /// `None`: it is not this process that plans.
    term: Option<Term>,
    /// Whether any message comes after another: only then does it matter what went out.
    others_wait: bool,
}

/// How many recorded posts follow the files at a time: what is due meanwhile does not wait for the rest.
const PAGE: u32 = 500;
/// How long the past is believed without having been read anew.
const BELIEVED: SignedDuration = SignedDuration::from_hours(24);
/// How often one that does not plan asks whether it is its turn.
const MY_TURN: Duration = Duration::from_secs(1);

impl Planner {
    pub async fn start(world: World, shared: Arc<Shared>) -> Result<Self, LedgerError> {
        let mut planner = Self {
            world,
            shared,
            past: Past::default(),
            read: None,
            unspeakable: HashSet::new(),
            unapproved: HashSet::new(),
            renamed: HashSet::new(),
            next: None,
            behind: true,
            taken_up: None,
            term: None,
            others_wait: false,
        };
        planner.turn().await?;
        Ok(planner)
    }

    /// Takes up what changed, if it is this process that plans.
    async fn turn(&mut self) -> Result<(), LedgerError> {
        let before = self.term.take();
        let term = self.world.ledger.leads().await?;
        self.shared.leads.store(term.is_some(), Ordering::Release);
        let Some(term) = term else { return Ok(()) };
        if before != Some(term) {
            // The files may have changed while nobody was looking, and others may have planned. Until that is read we
            // do not lead: a plan by what was recorded before would leave out what others have forgotten since.
            self.past.recorded = self.world.ledger.recorded().await?;
            self.renamed.clear();
            self.behind = true;
        }
        self.term = Some(term);
        let now = self.world.clock.now();
        self.behind |= self
            .read
            .is_none_or(|read| now.duration_since(read).abs() > BELIEVED);
        if std::mem::take(&mut self.behind) {
            self.others_wait = self.waits_for_others();
            self.taken_up = Some(PostId::default());
            self.unspeakable.clear();
            // Before all else: what follows goes by the names of now.
            let read = match self.rename().await {
                Ok(()) => self.reload().await,
                Err(e) => Err(e),
            };
            if let Err(e) = read {
                self.behind = true;
                return Err(e);
            }
        }
        if let Some(after) = self.taken_up {
            self.taken_up = self.refresh(after).await?;
        }
        Ok(())
    }

    /// Plans whenever the campaign changes, a post went out that others wait for, or the next is near.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let shared = Arc::clone(&self.shared);
            let went_out = shared.went_out.notified();
            let asleep = self.next.map_or(Duration::from_hours(1), |next| {
                until(next, self.world.clock.now())
                    .saturating_sub(LEAD)
                    .max(Duration::from_millis(10))
            });
            let asleep = match (self.term.is_some(), self.taken_up) {
                // A machine that slept, or whose clock was set, is noticed by then.
                (true, None) => asleep.min(LONGEST_SLEEP),
                (true, Some(_)) => Duration::ZERO,
                (false, _) => MY_TURN,
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = shared.files.notified() => self.behind = true,
                () = went_out => {
                    // Only then does it matter to what is still to come.
                    if !self.others_wait {
                        continue;
                    }
                    // Of many that go out at once, one look is enough.
                    tokio::time::sleep(SETTLE).await;
                    self.behind = true;
                }
                () = tokio::time::sleep(asleep) => {}
            }
            if let Err(e) = self.turn().await {
                tracing::error!(event = "ledger.failed", error = %e, "the files can't be planned yet: {e}");
                tokio::time::sleep(AGAIN).await;
                self.next = Some(self.world.clock.now());
                continue;
            }
            self.plan().await;
        }
    }

    fn waits_for_others(&self) -> bool {
        let campaign = self.shared.campaign();
        let waits =
            |message: &Arc<Message>| matches!(message.when, When::After { .. }) || message.reply_to.is_some();
        campaign.messages.iter().any(waits)
    }

    /// The past, from the ledger.
    async fn reload(&mut self) -> Result<(), LedgerError> {
        let campaign = self.shared.campaign();
        let now = self.world.clock.now();
        // Those without a time too: one that is new may be an old one under another id.
        let messages = campaign.messages.iter();
        let unknown: Vec<MessageId> = messages
            .map(|m| m.id.clone())
            .filter(|id| self.past.known.get(id).is_none())
            .collect();
        if !unknown.is_empty() {
            self.world.ledger.know(unknown, now).await?;
        }
        let past = self.world.ledger.past(&asked(&campaign), now).await?;
        // Which posts are recorded nobody changes but this planner: it is not read again.
        let recorded = std::mem::take(&mut self.past.recorded);
        self.past = Past { recorded, ..past };
        self.read = Some(now);
        Ok(())
    }

    /// Records what is near, and remembers when to look again.
    pub async fn plan(&mut self) {
        let now = self.world.clock.now();
        let campaign = self.shared.campaign();
        self.block(&campaign, now).await;
        // What looks missed by a clock that is not trusted may not be.
        if self.shared.time.look().is_some() {
            self.next = now.saturating_add(LEAD.saturating_add(AGAIN)).ok();
            return;
        }
        if self.term.is_none() {
            return;
        }
        // People skip, and post by hand: what was said last is the ledger's to tell.
        match variants_said(&*self.world.ledger, &campaign).await {
            Ok(said) => self.past.variants = said,
            Err(e) => return self.cannot_plan(&e, now),
        }
        let view = View {
            campaign: &campaign,
            roster: &self.world.roster,
            past: &self.past,
            late: self.world.late,
        };
        let plan = plan(&view, now, now.saturating_add(LEAD).unwrap_or(Timestamp::MAX));
        self.tell_unapproved(&campaign, &plan);
        let midnight = next_midnight(&campaign, now);
        self.next = Some(plan.next.map_or(midnight, |next| next.min(midnight)));

        if plan.posts.is_empty() {
            return;
        }
        // What a month has cost matters only where something is due that a budget may hold.
        let due: BTreeSet<usize> = plan.posts.iter().map(|post| post.account).collect();
        let accounts = due
            .into_iter()
            .filter_map(|index| self.world.roster.accounts.get(index));
        let budgeted = |account: &&Account| account.charge.is_some_and(|charge| charge.budget.is_some());
        let budgeted: Vec<&Account> = accounts.filter(budgeted).collect();
        let mut tally = match spending(&*self.world.ledger, &campaign, budgeted, now).await {
            Ok(tally) => tally,
            Err(e) => return self.cannot_plan(&e, now),
        };
        let posts: Vec<(NewPost, Planned)> = plan
            .posts
            .into_iter()
            .filter_map(|planned| Some((self.new_post(&campaign, &planned, &mut tally)?, planned)))
            .collect();
        if posts.is_empty() {
            return;
        }
        let new = posts.iter().map(|(post, _)| post.clone()).collect();
        match self.world.ledger.record(new, now).await {
            Ok(ids) => {
                let ids: HashSet<PostId> = ids.into_iter().collect();
                for (post, planned) in &posts {
                    if ids.contains(&post.identity.post_id()) {
                        self.remember(post, planned);
                        report::recorded(post);
                    }
                }
                self.shared.look.notify_one();
            }
            Err(e) => self.cannot_plan(&e, now),
        }
    }

    fn cannot_plan(&mut self, e: &LedgerError, now: Timestamp) {
        tracing::error!(event = "ledger.failed", error = %e, "what is due can't be recorded, so it is not sent: {e}");
        self.next = now.saturating_add(AGAIN.saturating_add(LEAD)).ok();
    }

    /// The post as the ledger will keep it; `None` if it is not to be recorded now. One that its account's budget
    /// does not let through is held.
    fn new_post(&mut self, campaign: &Campaign, planned: &Planned, tally: &mut Tally) -> Option<NewPost> {
        let (mut state, mut why) = match &planned.fate {
            Fate::Planned => (State::Due, None),
            Fate::Late(why) => (State::Held, Some(why.clone())),
            Fate::Missed(why) => (State::Skipped, Some(why.clone())),
            Fate::Expected(_) | Fate::Blocked(_) => return None,
        };
        let account = self.world.roster.accounts.get(planned.account)?;
        let message = &planned.message;
        let content = match render(campaign, message, account, planned.due, planned.variant) {
            Ok(content) => content,
            Err(problem) => {
                if self.unspeakable.insert(planned.identity.post_id()) {
                    tracing::error!(event = "post.unspeakable", message_id = %message.id, account = %account.name,
                        "{} can't go to {}: {problem}", message.id, account.name);
                }
                return None;
            }
        };
        if state == State::Due
            && let Err(over) = tally.take(account, planned.due, &content)
        {
            (state, why) = (State::Held, Some(over));
        }
        Some(NewPost {
            identity: planned.identity.clone(),
            platform: account.platform,
            due: planned.due,
            late: message.late.unwrap_or(self.world.late),
            expires: message.expires.and_then(|expires| instant(campaign, expires)),
            recurring: planned.recurring,
            breaking: message.breaking,
            slot: planned.slot,
            file: Arc::clone(&message.place.file),
            content,
            state,
            why,
            voice: None,
        })
    }

    /// Says once of each post that is due that nobody has approved it, and of each message that slots pass over.
    fn tell_unapproved(&mut self, campaign: &Campaign, plan: &Plan) {
        let unapproved = campaign.unapproved();
        self.unapproved.retain(|(id, _)| unapproved.contains(id));
        if unapproved.is_empty() {
            return;
        }
        let why = |id: &MessageId| campaign.blocked.get(id).map_or("", String::as_str);
        for planned in plan
            .posts
            .iter()
            .filter(|planned| unapproved.contains(&planned.message.id))
        {
            let (id, post) = (&planned.message.id, planned.identity.post_id());
            if self.unapproved.insert((id.clone(), Some(post))) {
                report::unapproved(planned, &self.world.roster, why(id));
            }
        }
        let queued = plan.idle.iter().map(|(message, ..)| message);
        let evergreen = campaign
            .messages
            .iter()
            .filter(|message| message.when == When::Evergreen);
        for message in queued
            .chain(evergreen)
            .filter(|message| unapproved.contains(&message.id))
        {
            if self.unapproved.insert((message.id.clone(), None)) {
                let (id, why) = (&message.id, why(&message.id));
                tracing::warn!(event = "post.unapproved", message_id = %id, why, "slots pass {id} over: {why}");
            }
        }
    }

    /// What was just recorded is past.
    fn remember(&mut self, post: &NewPost, planned: &Planned) {
        let key = (post.identity.message.clone(), post.identity.account.clone());
        self.past.recorded.insert(post.identity.post_id());
        let turns = self.past.turns.entry(key).or_default();
        turns.count = turns.count.saturating_add(1);
        if post.state != State::Skipped || matches!(planned.message.when, When::Evergreen) {
            turns.last = turns.last.max(Some(post.due));
        }
        let account = &post.identity.account;
        if let Some(slot) = planned.slot {
            let last = self.past.slots.entry(account.clone()).or_insert(slot);
            *last = slot.max(*last);
        }
        if post.state == State::Due {
            self.past
                .traffic
                .entry(account.clone())
                .or_default()
                .push(post.due);
        }
    }

    /// Tells the dispatcher which messages the files hold back at this moment.
    async fn block(&self, campaign: &Campaign, now: Timestamp) {
        let today = crate::calendar::civil::local(&campaign.settings.zone, now).date();
        let mut blocked: BTreeSet<MessageId> = campaign.blocked.keys().cloned().collect();
        let stale = campaign
            .messages
            .iter()
            .filter(|message| campaign.stale_fact(message, today).is_some());
        blocked.extend(stale.map(|message| message.id.clone()));
        if !campaign.broken_files.is_empty() {
            // Their messages may be unreadable by now, but what was recorded of them is still ours to stop.
            let Ok(files) = self.world.ledger.files_waiting().await else {
                return; // what was held back before stays so
            };
            let broken = files
                .into_iter()
                .filter(|(file, _)| campaign.broken_files.contains_key(file.as_str()));
            blocked.extend(broken.map(|(_, message)| message));
        }
        let blocked: Vec<MessageId> = blocked.into_iter().collect();
        let changed = self.shared.blocked.send_if_modified(|now| {
            let differs = **now != blocked;
            if differs {
                *now = Arc::new(blocked.clone());
            }
            differs
        });
        if changed {
            self.shared.look.notify_one();
        }
    }
}

pub(super) fn instant(campaign: &Campaign, local: Local) -> Option<Timestamp> {
    match local {
        Local::Fixed(at) => Some(at),
        Local::Civil(local) => civil::instant(&campaign.settings.zone, local),
    }
}

/// Facts run out at midnight, local time.
fn next_midnight(campaign: &Campaign, now: Timestamp) -> Timestamp {
    let today = now.to_zoned(campaign.settings.zone.clone());
    let midnight = today.start_of_day().and_then(|day| day.checked_add(1.day()));
    midnight.map_or_else(
        |_| now.saturating_add(Duration::from_hours(24)).unwrap_or(now),
        |day| day.timestamp(),
    )
}

//! What goes out when, and why not: campaign + past + now -> posts. The same input always gives the same
//! plan; nothing here knows what time it is.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::campaign::message::{Local, Message, When};
use crate::campaign::{Campaign, Roster};
use crate::post::identity::{Identity, MessageId, Occurrence};

use super::civil::{self, instant};
use super::cron::{Cron, Fire};
use super::past::{Past, Turns};
use super::traffic::Traffic;

/// A slot that was missed by less is still taken: a restart at nine must not cost the nine o'clock slot.
const SLOT_GRACE: SignedDuration = SignedDuration::from_secs(60);
/// A far one-off is not even resolved: no zone is more than a day from UTC, and no gap longer.
const FAR: SignedDuration = SignedDuration::from_hours(48);

/// Everything a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub campaign: &'a Campaign,
    pub roster: &'a Roster,
    pub past: &'a Past,
    /// How late a post may be where its message does not say.
    pub late: Duration,
}

/// One post to be.
#[derive(Debug, Clone)]
pub struct Planned {
    pub message: Arc<Message>,
    /// Index in the roster.
    pub account: usize,
    pub identity: Identity,
    /// When its rule says, moved out of quiet hours and blackouts.
    pub ready: Timestamp,
    /// When it should go out: `ready`, moved by the account's spacing.
    pub due: Timestamp,
    pub slot: Option<Timestamp>,
    pub recurring: bool,
    pub fate: Fate,
}

/// What is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Planned,
    /// Planned, if another post goes out first as planned: the time is an estimate.
    Expected(String),
    /// Its time was over before it could be recorded: a person decides.
    Late(String),
    /// The same, of a recurring message: the next one will do.
    Missed(String),
    /// Cannot go out as things stand; it is not recorded.
    Blocked(String),
}

/// The plan, and when to ask again.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// By due time, then breaking first, then in the order of the files.
    pub posts: Vec<Planned>,
    /// Messages that would go out but have no time: no slot, or blocked; with the reason.
    pub idle: Vec<(Arc<Message>, usize, String)>,
    /// The first instant after the plan's end at which something more will be due.
    pub next: Option<Timestamp>,
}

/// Everything that is ready up to `until` and not recorded yet.
pub fn plan(view: &View<'_>, now: Timestamp, until: Timestamp) -> Plan {
    Planner::new(view, now, until).run()
}

/// Something that comes up at `at`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Timestamp,
    /// Breaking messages first, slots last.
    rank: u8,
    message: usize,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Once,
    /// One occurrence of its rule, by nominal time.
    Fire(DateTime),
    /// After another message went out on one account; `bool`: that has really happened.
    Follow(usize, bool),
    /// Slot number `usize` of the campaign; `message` means nothing.
    Slot(usize),
}

#[derive(Default)]
struct Queue {
    waiting: Vec<usize>,
    evergreen: Vec<usize>,
}

struct Planner<'a> {
    view: &'a View<'a>,
    now: Timestamp,
    until: Timestamp,
    heap: BinaryHeap<Reverse<Entry>>,
    plan: Plan,
    /// For each account, the queue's messages that wait for a slot there, and the evergreen ones; made
    /// when the first slot comes up.
    queues: Option<Vec<Queue>>,
    /// Messages that come after another, by that other's id.
    followers: HashMap<&'a MessageId, Vec<usize>>,
    traffic: Vec<Traffic>,
    /// Slots that this plan has filled, and turns it has added to the past's.
    filled: HashSet<(usize, Timestamp)>,
    taken: HashSet<(usize, usize)>,
    turns: HashMap<(usize, usize), Turns>,
    /// When messages go out in this very plan, by message and account.
    planned: HashMap<(MessageId, usize), Timestamp>,
    fires: HashMap<(&'a str, Timestamp), Option<Fire>>,
}

impl<'a> Planner<'a> {
    fn new(view: &'a View<'a>, now: Timestamp, until: Timestamp) -> Self {
        let traffic =
            view.roster.accounts.iter().map(|account| {
                Traffic::new(view.past.traffic.get(&account.name).cloned().unwrap_or_default())
            });
        Self {
            view,
            now,
            until,
            heap: BinaryHeap::new(),
            plan: Plan::default(),
            queues: None,
            followers: HashMap::new(),
            traffic: traffic.collect(),
            filled: HashSet::new(),
            taken: HashSet::new(),
            turns: HashMap::new(),
            planned: HashMap::new(),
            fires: HashMap::new(),
        }
    }

    fn run(mut self) -> Plan {
        self.enter_messages();
        self.enter_slots();
        while let Some(Reverse(entry)) = self.heap.pop() {
            match entry.what {
                What::Once => self.message(&entry, None, &Occurrence::once(), true),
                What::Fire(nominal) => self.fire(&entry, nominal),
                What::Follow(account, certain) => {
                    self.message(&entry, Some(account), &Occurrence::once(), certain);
                }
                What::Slot(slot) => self.slot(&entry, slot),
            }
        }
        self.idle();
        self.plan
            .posts
            .sort_by_key(|post| (post.due, !post.message.breaking));
        self.plan
    }

    // --- what comes up ----------------------------------------------------------------------------

    fn enter_messages(&mut self) {
        let mut far: Option<(DateTime, usize)> = None;
        let horizon = self.local(self.until.saturating_add(FAR).unwrap_or(Timestamp::MAX));
        for (index, message) in self.view.campaign.messages.iter().enumerate() {
            if message.draft {
                continue;
            }
            match &message.when {
                When::At(Local::Civil(local)) if *local > horizon => {
                    // Only the nearest of them matters: it says when to ask again.
                    far = Some(far.map_or((*local, index), |nearest| nearest.min((*local, index))));
                }
                When::At(local) => {
                    if let Some(at) = self.instant(*local) {
                        self.enter(at, index, What::Once);
                    }
                }
                When::Cron(cron) => self.enter_cron(index, cron),
                When::After {
                    message: target,
                    wait,
                } => self.enter_after(index, target, *wait),
                When::Queue if message.breaking => {
                    let starts = message.starts.and_then(|starts| self.instant(starts));
                    self.enter(self.now.max(starts.unwrap_or(self.now)), index, What::Once);
                }
                When::Queue | When::Evergreen => {}
            }
        }
        if let Some(at) = far.and_then(|(local, _)| instant(&self.view.campaign.settings.zone, local)) {
            self.come_back(at);
        }
    }

    /// What the daemon missed counts once: the latest occurrence since the message was first seen.
    fn enter_cron(&mut self, index: usize, cron: &'a Arc<Cron>) {
        let zone = &self.view.campaign.settings.zone;
        let Some(message) = self.view.campaign.messages.get(index) else {
            return;
        };
        if let Some(missed) = cron.latest_at_or_before(zone, self.now, self.known(&message.id)) {
            self.enter(missed.at, index, What::Fire(missed.nominal));
        }
        if let Some(next) = self.next_fire(cron, self.now) {
            self.enter(next.at, index, What::Fire(next.nominal));
        }
    }

    fn enter_after(&mut self, index: usize, target: &'a MessageId, wait: Duration) {
        self.followers.entry(target).or_default().push(index);
        let Some(message) = self.view.campaign.messages.get(index) else {
            return;
        };
        let known = self.known(&message.id);
        for account in self.view.roster.target_indexes(&message.to) {
            if let Some(sent) = self.sent(target, account) {
                let at = sent.saturating_add(wait).unwrap_or(Timestamp::MAX).max(known);
                self.enter(at, index, What::Follow(account, true));
            }
        }
    }

    fn enter_slots(&mut self) {
        let settings = &self.view.campaign.settings;
        let from = self.now.saturating_sub(SLOT_GRACE).unwrap_or(self.now);
        let waiting = self.view.campaign.messages.iter().any(|message| {
            !message.draft && !message.breaking && matches!(message.when, When::Queue | When::Evergreen)
        });
        for (number, slot) in settings.slots.iter().enumerate().filter(|_| waiting) {
            if let Some(fire) = self.next_fire(slot, from) {
                self.enter_slot(fire.at, number);
            }
        }
    }

    fn enter_slot(&mut self, at: Timestamp, number: usize) {
        if at > self.until {
            self.come_back(at);
        } else {
            self.heap.push(Reverse(Entry {
                at,
                rank: 2,
                message: usize::MAX,
                what: What::Slot(number),
            }));
        }
    }

    fn enter(&mut self, at: Timestamp, message: usize, what: What) {
        if at > self.until {
            self.come_back(at);
            return;
        }
        let breaking = self
            .view
            .campaign
            .messages
            .get(message)
            .is_some_and(|message| message.breaking);
        self.heap.push(Reverse(Entry {
            at,
            rank: u8::from(!breaking),
            message,
            what,
        }));
    }

    fn come_back(&mut self, at: Timestamp) {
        self.plan.next = Some(self.plan.next.map_or(at, |next| next.min(at)));
    }

    // --- one thing that came up -------------------------------------------------------------------

    fn fire(&mut self, entry: &Entry, nominal: DateTime) {
        let Some(message) = self.view.campaign.messages.get(entry.message) else {
            return;
        };
        let When::Cron(cron) = &message.when else { return };
        let following = self.next_fire(cron, entry.at);
        // The one before `now` was entered beside the one after it.
        if let Some(next) = following.filter(|_| entry.at > self.now) {
            self.enter(next.at, entry.message, What::Fire(next.nominal));
        }
        // Held up past the next one, by a long blackout: then the next one will do.
        let open = self.open_from(entry.at);
        if following.is_some_and(|next| next.at <= open && next.at > entry.at && open > entry.at) {
            return;
        }
        let zone = self.view.campaign.settings.zone.iana_name().unwrap_or_default();
        self.message(entry, None, &Occurrence::nominal(nominal, zone), true);
    }

    fn message(&mut self, entry: &Entry, only: Option<usize>, occurrence: &Occurrence, certain: bool) {
        let Some(message) = self.view.campaign.messages.get(entry.message) else {
            return;
        };
        if message
            .starts
            .and_then(|starts| self.instant(starts))
            .is_some_and(|starts| entry.at < starts)
        {
            return;
        }
        for account in self.view.roster.target_indexes(&message.to) {
            if only.is_none_or(|only| only == account) {
                let offer = Offer {
                    at: entry.at,
                    slot: None,
                    occurrence: occurrence.clone(),
                    certain,
                };
                self.offer(message, account, offer);
            }
        }
    }

    /// Each account takes the first message of its queue, or the evergreen it has not posted for longest.
    fn slot(&mut self, entry: &Entry, number: usize) {
        let settings = &self.view.campaign.settings;
        if let Some(next) = settings
            .slots
            .get(number)
            .and_then(|slot| self.next_fire(slot, entry.at))
        {
            self.enter_slot(next.at, number);
        }
        if settings.windows.closed(&settings.zone, entry.at).is_some() {
            return;
        }
        for account in 0..self.view.roster.accounts.len() {
            let Some(name) = self
                .view
                .roster
                .accounts
                .get(account)
                .map(|account| &account.name)
            else {
                continue;
            };
            let used = self
                .view
                .past
                .slots
                .get(name)
                .is_some_and(|last| *last >= entry.at);
            if used || !self.filled.insert((account, entry.at)) {
                continue;
            }
            if let Some((index, occurrence)) = self.next_for_slot(account, entry.at) {
                let Some(message) = self.view.campaign.messages.get(index) else {
                    continue;
                };
                let offer = Offer {
                    at: entry.at,
                    slot: Some(entry.at),
                    occurrence,
                    certain: true,
                };
                self.offer(message, account, offer);
            }
        }
    }

    fn next_for_slot(&mut self, account: usize, at: Timestamp) -> Option<(usize, Occurrence)> {
        let queues = self.queues.take().unwrap_or_else(|| self.make_queues());
        let found = queues
            .get(account)
            .and_then(|queue| self.pick(queue, account, at));
        self.queues = Some(queues);
        let (index, occurrence) = found?;
        if occurrence == Occurrence::once() {
            self.taken.insert((index, account));
            let queue = self.queues.as_mut()?.get_mut(account)?;
            queue.waiting.retain(|waiting| *waiting != index);
        }
        Some((index, occurrence))
    }

    fn make_queues(&self) -> Vec<Queue> {
        let mut queues: Vec<Queue> = self
            .view
            .roster
            .accounts
            .iter()
            .map(|_| Queue::default())
            .collect();
        for (index, message) in self.view.campaign.messages.iter().enumerate() {
            let pool = matches!(message.when, When::Evergreen);
            if message.draft || message.breaking || !pool && message.when != When::Queue {
                continue;
            }
            for account in self.view.roster.target_indexes(&message.to) {
                let Some(queue) = queues.get_mut(account) else {
                    continue;
                };
                if pool {
                    queue.evergreen.push(index);
                } else if !self.is_recorded(message, account) {
                    queue.waiting.push(index);
                }
            }
        }
        queues
    }

    fn pick(&mut self, queue: &Queue, account: usize, at: Timestamp) -> Option<(usize, Occurrence)> {
        let may = |index: usize| {
            let message = self.view.campaign.messages.get(index)?;
            let may = self.in_season(message, at) && self.obstacle(message, account, at).is_none();
            may.then_some(message)
        };
        if let Some(first) = queue.waiting.iter().copied().find(|index| may(*index).is_some()) {
            return Some((first, Occurrence::once()));
        }
        let rested = queue.evergreen.iter().copied().filter_map(|index| {
            let turns = self.turns_of(may(index)?, index, account);
            Some((turns.last, index, turns))
        });
        let (_, index, mut turns) = rested.min_by_key(|(last, index, _)| (*last, *index))?;
        turns.count = turns.count.saturating_add(1);
        turns.last = Some(at);
        self.turns.insert((index, account), turns);
        Some((index, Occurrence::cycle(turns.count)))
    }

    /// Puts one post into the plan, unless it is recorded already.
    fn offer(&mut self, message: &Arc<Message>, account: usize, offer: Offer) {
        let Some(identity) = self.identity(message, account, offer.occurrence) else {
            return;
        };
        if self.view.past.recorded.contains(&identity.post_id()) {
            return;
        }
        let ready = self.open_from(offer.at);
        let recurring = matches!(message.when, When::Cron(_) | When::Evergreen);
        let mut late = message.late.unwrap_or(self.view.late);
        if let When::Cron(cron) = &message.when {
            let half = self.half_period(cron, ready);
            late = late.min(half);
            // A rule edited after it went out this time (Monday nine to Monday ten) must not go out twice.
            let last = self.past_turns(&message.id, account).and_then(|turns| turns.last);
            if last
                .is_some_and(|last| Duration::try_from(ready.duration_since(last)).unwrap_or_default() < half)
            {
                return;
            }
        }
        let expires = message.expires.and_then(|expires| self.instant(expires));
        let overdue = Duration::try_from(self.now.duration_since(ready)).unwrap_or(Duration::ZERO);
        let mut due = ready;
        let fate = if offer.at < self.known(&message.id) && offer.slot.is_none() && !message.breaking {
            Fate::Blocked("its time was over before it was first seen; give it a new one".to_owned())
        } else if let Some(why) = self.obstacle(message, account, ready) {
            Fate::Blocked(why)
        } else if overdue > late && recurring {
            Fate::Missed(format!("missed: {}", too_late(overdue, late)))
        } else if overdue > late {
            Fate::Late(format!(
                "{}; `retry` to send it now, `skip` to drop it",
                too_late(overdue, late)
            ))
        } else {
            due = self.paced(account, message.breaking, ready.max(self.now.min(self.until)));
            match &message.when {
                _ if expires.is_some_and(|expires| due >= expires) => {
                    Fate::Blocked("it expires before it could go out".to_owned())
                }
                When::After { message: target, .. } if !offer.certain => {
                    Fate::Expected(format!("after `{target}`"))
                }
                _ => match self.reply_pending(message, account) {
                    Some(Ok(target)) => Fate::Expected(format!("a reply to `{target}`")),
                    Some(Err(why)) => Fate::Blocked(why),
                    None => Fate::Planned,
                },
            }
        };
        if matches!(fate, Fate::Planned | Fate::Expected(_)) {
            if let Some(traffic) = self.traffic.get_mut(account) {
                traffic.add(due);
            }
            self.planned.insert((message.id.clone(), account), due);
            self.follow(&message.id, account, due);
        }
        self.plan.posts.push(Planned {
            message: Arc::clone(message),
            account,
            identity,
            ready,
            due,
            slot: offer.slot,
            recurring,
            fate,
        });
    }

    /// Messages that come some time after this one, if it goes out as planned.
    fn follow(&mut self, target: &MessageId, account: usize, due: Timestamp) {
        if self.sent(target, account).is_some() {
            return;
        }
        for index in self.followers.get(target).cloned().unwrap_or_default() {
            let Some(message) = self.view.campaign.messages.get(index) else {
                continue;
            };
            let When::After { wait, .. } = &message.when else {
                continue;
            };
            if self.view.roster.target_indexes(&message.to).contains(&account) {
                let at = due.saturating_add(*wait).unwrap_or(Timestamp::MAX);
                self.enter(at, index, What::Follow(account, false));
            }
        }
    }

    /// Messages of the queue that found no slot, each with the reason.
    fn idle(&mut self) {
        let no_slots = self.view.campaign.settings.slots.is_empty();
        for (index, message) in self.view.campaign.messages.iter().enumerate() {
            let queued = matches!(message.when, When::Queue) && !message.breaking;
            if !queued && !message.draft {
                continue;
            }
            for account in self.view.roster.target_indexes(&message.to) {
                if self.is_recorded(message, account) || self.taken.contains(&(index, account)) {
                    continue;
                }
                let why = if message.draft {
                    "a draft".to_owned()
                } else if let Some(why) = self.obstacle(message, account, self.now) {
                    why
                } else if no_slots {
                    "the campaign has no slots".to_owned()
                } else {
                    continue;
                };
                self.plan.idle.push((Arc::clone(message), account, why));
            }
        }
    }

    // --- small questions --------------------------------------------------------------------------

    /// Why this message cannot go out on this account at `at`; a hold is not asked about here.
    fn obstacle(&self, message: &Message, account: usize, at: Timestamp) -> Option<String> {
        let campaign = self.view.campaign;
        let today = self.local(at).date();
        let stale = || campaign.stale_fact(message, today);
        campaign
            .blocked
            .get(&message.id)
            .cloned()
            .or_else(stale)
            .or_else(|| match self.reply_pending(message, account) {
                Some(Err(why)) => Some(why),
                _ => None,
            })
    }

    /// The post it answers is not out yet: `Ok` if this plan sends it before.
    fn reply_pending(&self, message: &Message, account: usize) -> Option<Result<MessageId, String>> {
        let target = message.reply_to.as_ref()?;
        if self.sent(target, account).is_some() {
            return None;
        }
        let name = self
            .view
            .roster
            .accounts
            .get(account)
            .map_or("", |account| account.name.as_str());
        Some(if self.planned.contains_key(&(target.clone(), account)) {
            Ok(target.clone())
        } else {
            Err(format!("it answers `{target}`, which is not out on {name} yet"))
        })
    }

    fn in_season(&self, message: &Message, at: Timestamp) -> bool {
        let starts = message.starts.and_then(|starts| self.instant(starts));
        let expires = message.expires.and_then(|expires| self.instant(expires));
        starts.is_none_or(|starts| at >= starts) && expires.is_none_or(|expires| at < expires)
    }

    fn turns_of(&self, message: &Message, index: usize, account: usize) -> Turns {
        if let Some(turns) = self.turns.get(&(index, account)) {
            return *turns;
        }
        self.past_turns(&message.id, account).unwrap_or_default()
    }

    fn past_turns(&self, message: &MessageId, account: usize) -> Option<Turns> {
        let name = &self.view.roster.accounts.get(account)?.name;
        self.view
            .past
            .turns
            .get(&(message.clone(), name.clone()))
            .copied()
    }

    fn sent(&self, message: &MessageId, account: usize) -> Option<Timestamp> {
        self.past_turns(message, account)?.sent
    }

    fn known(&self, message: &MessageId) -> Timestamp {
        self.view.past.known.get(message).copied().unwrap_or(self.now)
    }

    fn identity(&self, message: &Message, account: usize, occurrence: Occurrence) -> Option<Identity> {
        Some(Identity {
            campaign: self.view.campaign.settings.id.clone(),
            message: message.id.clone(),
            account: self.view.roster.accounts.get(account)?.name.clone(),
            occurrence,
        })
    }

    fn is_recorded(&self, message: &Message, account: usize) -> bool {
        let once = self.identity(message, account, Occurrence::once());
        once.is_some_and(|identity| self.view.past.recorded.contains(&identity.post_id()))
    }

    fn instant(&self, local: Local) -> Option<Timestamp> {
        match local {
            Local::Fixed(at) => Some(at),
            Local::Civil(local) => instant(&self.view.campaign.settings.zone, local),
        }
    }

    fn local(&self, at: Timestamp) -> DateTime {
        civil::local(&self.view.campaign.settings.zone, at)
    }

    fn half_period(&self, cron: &Cron, at: Timestamp) -> Duration {
        cron.period_near(&self.view.campaign.settings.zone, at) / 2
    }

    fn open_from(&self, at: Timestamp) -> Timestamp {
        let settings = &self.view.campaign.settings;
        settings.windows.open_from(&settings.zone, at).unwrap_or(at)
    }

    /// Spacing and closed windows push a post on until both agree.
    fn paced(&self, account: usize, breaking: bool, ready: Timestamp) -> Timestamp {
        let (Some(traffic), Some(to)) = (self.traffic.get(account), self.view.roster.accounts.get(account))
        else {
            return ready;
        };
        if breaking {
            return ready; // ahead of those that wait; the last one sent is minded when it goes out
        }
        let spacing = to.spacing();
        let mut due = ready;
        for _ in 0..100 {
            let free = self.open_from(traffic.free_from(&spacing, &self.view.campaign.settings.zone, due));
            if free == due {
                break;
            }
            due = free;
        }
        due
    }

    /// Many messages share few rules, so each answer is kept for the length of one plan.
    fn next_fire(&mut self, cron: &'a Cron, after: Timestamp) -> Option<Fire> {
        let zone = &self.view.campaign.settings.zone;
        *self
            .fires
            .entry((cron.source(), after))
            .or_insert_with(|| cron.next_after(zone, after))
    }
}

struct Offer {
    at: Timestamp,
    slot: Option<Timestamp>,
    occurrence: Occurrence,
    certain: bool,
}

fn too_late(overdue: Duration, late: Duration) -> String {
    let minutes =
        |d: Duration| SignedDuration::from_mins(i64::try_from(d.as_secs() / 60).unwrap_or(i64::MAX));
    format!(
        "late by {:#}, and only {:#} are allowed",
        minutes(overdue),
        minutes(late)
    )
}

//! What goes out when, and why not: campaign + past + now -> posts. The same input always gives the same
//! plan; nothing here knows what time it is.

mod agenda;
mod offer;
mod slots;
#[cfg(test)]
mod tests;
pub mod vanished;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::campaign::message::{Local, Message};
use crate::campaign::{Account, Campaign, Roster, variants};
use crate::post::content::Variant;
use crate::post::identity::{Identity, MessageId, Occurrence, PostId};

use super::civil::{self, instant};
use super::cron::{Cron, Fire};
use super::past::{Past, Turns};
use super::traffic::Traffic;
use slots::Queue;

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
    /// Which of its message's variants it says, counted from 0.
    pub variant: usize,
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
    /// The first slot of each account, by its index in the roster, for which it has nothing to say.
    pub unfilled: Vec<(usize, Timestamp)>,
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
    /// What messages with variants say last in this very plan, by message and account.
    said: HashMap<(MessageId, usize), Variant>,
    /// Posts that this plan has dealt with.
    offered: HashSet<PostId>,
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
            said: HashMap::new(),
            offered: HashSet::new(),
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

    // --- small questions --------------------------------------------------------------------------

    fn past_turns(&self, message: &MessageId, account: usize) -> Option<Turns> {
        let name = &self.view.roster.accounts.get(account)?.name;
        self.view
            .past
            .turns
            .get(&(message.clone(), name.clone()))
            .copied()
    }

    /// The account, if the message says this and then that.
    fn varied(&self, message: &Message, account: usize) -> Option<&'a Account> {
        let accounts = &self.view.roster.accounts;
        accounts.get(account).filter(|_| message.has_variants())
    }

    /// Which variant comes next on this account.
    fn variant(&self, message: &Message, account: usize) -> usize {
        let Some(to) = self.varied(message, account) else {
            return 0;
        };
        let here = self.said.get(&(message.id.clone(), account));
        let before = || {
            self.view
                .past
                .variants
                .get(&(message.id.clone(), to.name.clone()))
        };
        variants::next(self.view.campaign, message, to, here.or_else(before))
    }

    /// A post that says this variant is in the plan.
    fn says(&mut self, message: &Message, account: usize, nth: usize) {
        let Some(to) = self.varied(message, account) else {
            return;
        };
        if let Some(said) = variants::said(self.view.campaign, message, to, nth) {
            self.said.insert((message.id.clone(), account), said);
        }
    }

    fn sent(&self, message: &MessageId, account: usize) -> Option<Timestamp> {
        self.past_turns(message, account)?.sent
    }

    fn known(&self, message: &MessageId) -> Timestamp {
        self.view.past.known.get(message).unwrap_or(self.now)
    }

    fn identity(&self, message: &Message, account: usize, occurrence: Occurrence) -> Option<Identity> {
        Some(Identity {
            campaign: self.view.campaign.settings.id.clone(),
            message: message.id.clone(),
            account: self.view.roster.accounts.get(account)?.name.clone(),
            occurrence,
        })
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

    fn open_from(&self, at: Timestamp) -> Timestamp {
        let settings = &self.view.campaign.settings;
        settings.windows.open_from(&settings.zone, at).unwrap_or(at)
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

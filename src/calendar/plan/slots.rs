//! Slots: each account takes the first message of its queue, or the evergreen it has not posted for longest.

use std::sync::Arc;

use jiff::Timestamp;

use crate::campaign::message::{Message, When};
use crate::post::identity::Occurrence;

use super::offer::Offer;
use super::{Entry, Planner};
use crate::calendar::past::Turns;

#[derive(Default)]
pub(super) struct Queue {
    waiting: Vec<usize>,
    evergreen: Vec<usize>,
}

impl Planner<'_> {
    /// Each account takes the first message of its queue, or the evergreen it has not posted for longest.
    pub(super) fn slot(&mut self, entry: &Entry, number: usize) {
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
            } else if self.plan.unfilled.iter().all(|(other, _)| *other != account) {
                self.plan.unfilled.push((account, entry.at));
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

    /// Messages of the queue that found no slot, each with the reason.
    pub(super) fn idle(&mut self) {
        let no_slots = self.view.campaign.settings.slots.is_empty();
        for (index, message) in self.view.campaign.messages.iter().enumerate() {
            let queued = matches!(message.when, When::Queue) && !message.breaking;
            if !queued && !message.draft {
                continue;
            }
            let end = message.expires.and_then(|expires| self.instant(expires));
            let expired = end.is_some_and(|end| end <= self.now);
            for account in self.view.roster.target_indexes(&message.to) {
                if self.is_recorded(message, account) || self.taken.contains(&(index, account)) {
                    continue;
                }
                let why = if message.draft {
                    "a draft".to_owned()
                } else if expired {
                    "it expired".to_owned()
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

    fn is_recorded(&self, message: &Message, account: usize) -> bool {
        let once = self.identity(message, account, Occurrence::once());
        once.is_some_and(|identity| self.view.past.has(&identity, &message.was))
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
}

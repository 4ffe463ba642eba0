//! What comes up, and when: every message and slot, entered by the time that its rule says.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::campaign::message::{Local, When};
use crate::post::identity::{MessageId, Occurrence};

use super::offer::Offer;
use super::{Entry, Planner, What};
use crate::calendar::civil::instant;
use crate::calendar::cron::Cron;

/// A slot that was missed by less is still taken: a restart at nine must not cost the nine o'clock slot.
const SLOT_GRACE: SignedDuration = SignedDuration::from_secs(60);
/// A far one-off is not even resolved: no zone is more than a day from UTC, and no gap longer.
const FAR: SignedDuration = SignedDuration::from_hours(48);

impl<'a> Planner<'a> {
    pub(super) fn enter_messages(&mut self) {
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

    pub(super) fn enter_slots(&mut self) {
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

    pub(super) fn enter_slot(&mut self, at: Timestamp, number: usize) {
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

    pub(super) fn enter(&mut self, at: Timestamp, message: usize, what: What) {
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

    pub(super) fn fire(&mut self, entry: &Entry, nominal: DateTime) {
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

    pub(super) fn message(
        &mut self,
        entry: &Entry,
        only: Option<usize>,
        occurrence: &Occurrence,
        certain: bool,
    ) {
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
}

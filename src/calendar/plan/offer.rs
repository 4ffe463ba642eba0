//! One post that came up: what is to become of it, and when exactly it goes out.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::campaign::message::{Message, When};
use crate::campaign::render::left_out;
use crate::post::identity::{MessageId, Occurrence};

use super::{Fate, Planned, Planner, What};
use crate::calendar::cron::Cron;

const EXPIRES: &str = "it expires before it could go out";

pub(super) struct Offer {
    pub at: Timestamp,
    pub slot: Option<Timestamp>,
    pub occurrence: Occurrence,
    /// The post it follows has really gone out.
    pub certain: bool,
}

impl Planner<'_> {
    /// Puts one post into the plan, unless it is recorded already.
    pub(super) fn offer(&mut self, message: &Arc<Message>, account: usize, offer: Offer) {
        let Some(identity) = self.identity(message, account, offer.occurrence) else {
            return;
        };
        let id = identity.post_id();
        if self.view.past.has(&identity, &message.was) || self.offered.contains(&id) {
            return;
        }
        let ready = self.open_from(offer.at);
        let recurring = matches!(message.when, When::Cron(_) | When::Evergreen);
        let mut late = message.late.unwrap_or(self.view.late);
        if let When::Cron(cron) = &message.when {
            if self.went_out_by_another_rule(message, account, cron, offer.at, ready) {
                return;
            }
            late = late.min(cron.period_near(&self.view.campaign.settings.zone, ready) / 2);
        }
        self.offered.insert(id);
        let expires = message.expires.and_then(|expires| self.instant(expires));
        let overdue = Duration::try_from(self.now.duration_since(ready)).unwrap_or(Duration::ZERO);
        let mut due = ready;
        let fate = if offer.at < self.known(&message.id) && offer.slot.is_none() && !message.breaking {
            Fate::Blocked("its time was over before it was first seen; give it a new one".to_owned())
        } else if let Some(why) = self.obstacle(message, account, ready) {
            Fate::Blocked(why)
        } else if expires.is_some_and(|expires| ready >= expires) {
            Fate::Blocked(EXPIRES.to_owned())
        } else if expires.is_some_and(|expires| self.now >= expires) {
            Fate::Missed("missed: it expired before it could go out".to_owned())
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
                _ if expires.is_some_and(|expires| due >= expires) => Fate::Blocked(EXPIRES.to_owned()),
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
        let variant = self.variant(message, account);
        if matches!(fate, Fate::Planned | Fate::Expected(_) | Fate::Late(_)) {
            self.says(message, account, variant);
        }
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
            variant,
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

    /// Why this message cannot go out on this account at `at`; a hold is not asked about here.
    pub(super) fn obstacle(&self, message: &Message, account: usize, at: Timestamp) -> Option<String> {
        let campaign = self.view.campaign;
        let today = self.local(at).date();
        let stale = || campaign.stale_fact(message, today);
        campaign
            .blocked
            .get(&message.id)
            .cloned()
            .or_else(stale)
            .or_else(|| left_out(campaign, message, self.view.roster.accounts.get(account)?))
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

    /// A rule edited after it went out this time (Monday nine to Monday ten) must not go out twice: within
    /// half a period of the last post, if that was none of this rule's.
    fn went_out_by_another_rule(
        &self,
        message: &Message,
        account: usize,
        cron: &Cron,
        at: Timestamp,
        ready: Timestamp,
    ) -> bool {
        let Some(last) = self.past_turns(&message.id, account).and_then(|turns| turns.last) else {
            return false;
        };
        let zone = &self.view.campaign.settings.zone;
        let just_before = at.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(at);
        let before = cron.latest_at_or_before(zone, just_before, Timestamp::MIN);
        let of_this_rule = before.is_some_and(|before| {
            let occurrence = Occurrence::nominal(before.nominal, zone.iana_name().unwrap_or_default());
            let identity = self.identity(message, account, occurrence);
            identity.is_some_and(|identity| {
                self.view.past.has(&identity, &message.was) || self.offered.contains(&identity.post_id())
            })
        });
        let period = before
            .map(|before| at.duration_since(before.at))
            .into_iter()
            .chain(cron.next_after(zone, at).map(|next| next.at.duration_since(at)))
            .min();
        !of_this_rule && period.is_some_and(|period| ready.duration_since(last) < period / 2)
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

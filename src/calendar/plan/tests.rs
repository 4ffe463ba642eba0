//! What goes out when: files in, a plan out, at a fixed moment.

mod any;
mod limits;
mod renamed;
mod rules;
mod slots;
mod texts;

use std::collections::BTreeMap;

use super::*;
use crate::calendar::civil::zone;
use crate::campaign::assemble::assemble;
use crate::campaign::outside::{Media, MediaProblem, Outside};
use crate::campaign::read::read;
use crate::campaign::{Account, Untranslated};
use crate::post::identity::AccountName;
use crate::text::limits::{Abilities, Doubt, LengthRule, Limits, WEBHOOK};

/// A campaign, its accounts, and what has happened so far.
#[derive(Clone)]
struct World {
    /// The files, to be shown when a test fails.
    text: String,
    campaign: Campaign,
    roster: Roster,
    past: Past,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

struct NoFiles;

impl Outside for NoFiles {
    fn media(&self, _: &str) -> Result<Media, MediaProblem> {
        unreachable!("no message has an image")
    }

    fn card(&self, _: &crate::post::card::Card) -> Result<(), MediaProblem> {
        unreachable!("no message has a card")
    }

    fn text(&self, _: &str) -> Option<Arc<str>> {
        None
    }
}

fn account(name: &str) -> Account {
    let limits = Limits {
        platform: "sandbox",
        length: LengthRule::Unlimited,
        max_parts: 1,
        max_images: 0,
        max_image_bytes: 0,
        max_alt: None,
        image_types: &[],
        abilities: Abilities {
            warn: false,
            share: false,
            reply: true,
            card: false,
        },
        doubt: Doubt::OwnId,
        ..WEBHOOK
    };
    Account {
        name: name.parse().unwrap(),
        platform: "sandbox",
        like: "sandbox",
        limits: Arc::new(limits),
        language: None,
        min_gap: Duration::ZERO,
        max_per_day: None,
        charge: None,
        untranslated: Untranslated::default(),
    }
}

/// A local time of the campaign: `2026-12-01 09:00`, with seconds if need be. 1 December is a Tuesday.
fn at(local: &str) -> Timestamp {
    instant(&zone("America/Chicago").unwrap(), local.parse().unwrap()).unwrap()
}

/// `[[message]]` with a text of its own.
fn message(id: &str, rest: &str) -> String {
    format!("[[message]]\nid = '{id}'\ntext = 'This is {id}.'\n{rest}\n")
}

impl World {
    /// A campaign in Chicago with one account; `settings` are lines of `[campaign]`. Nothing in it
    /// was seen before.
    fn new(settings: &str, rest: &[String]) -> Self {
        let settings = format!(
            "[campaign]\nid = 'c'\nname = 'C'\ntimezone = 'America/Chicago'\nlanguage = 'en'\n{settings}\n"
        );
        let text = settings + &rest.concat();
        let roster = Roster {
            accounts: vec![account("main")],
            groups: BTreeMap::new(),
        };
        let file = Arc::new(read("all.toml", text.as_bytes()));
        let assembled = assemble(&[file], &roster, at("2026-01-01 00:00"), &NoFiles);
        let campaign = assembled.campaign.unwrap();
        assert_eq!(
            campaign.messages.len(),
            text.matches("[[message]]").count(),
            "{:?}",
            assembled.problems
        );
        Self {
            text,
            campaign,
            roster,
            past: Past::default(),
        }
    }

    /// The same, of which every message was first seen at `local`.
    fn since(local: &str, settings: &str, rest: &[String]) -> Self {
        let mut world = Self::new(settings, rest);
        let ids = world.campaign.messages.iter().map(|message| message.id.clone());
        world.past.known = ids.map(|id| (id, at(local))).collect();
        world
    }

    fn with_accounts(mut self, names: &[&str]) -> Self {
        self.roster.accounts = names.iter().map(|name| account(name)).collect();
        self
    }

    fn spaced(mut self, min_gap: Duration, max_per_day: Option<u32>) -> Self {
        for account in &mut self.roster.accounts {
            (account.min_gap, account.max_per_day) = (min_gap, max_per_day);
        }
        self
    }

    fn plan(&self, now: Timestamp, until: Timestamp) -> Plan {
        let view = View {
            campaign: &self.campaign,
            roster: &self.roster,
            past: &self.past,
            late: Duration::from_hours(2),
        };
        plan(&view, now, until)
    }

    /// The plan in words: when, what, where if there are several accounts, and its fate if it has another
    /// than to go out.
    fn says(&self, now: &str, until: &str) -> Vec<String> {
        let plan = self.plan(at(now), at(until));
        plan.posts.iter().map(|post| self.line(post)).collect()
    }

    fn line(&self, post: &Planned) -> String {
        let due = self.clock(post.due);
        let place = match self.roster.accounts.as_slice() {
            [_] => String::new(),
            all => format!(" on {}", all[post.account].name),
        };
        let fate = match &post.fate {
            Fate::Planned => String::new(),
            Fate::Expected(why) => format!(": expected {why}"),
            Fate::Late(_) => ": late".to_owned(),
            Fate::Missed(_) => ": missed".to_owned(),
            Fate::Blocked(why) => format!(": blocked, {why}"),
        };
        format!("{due} {}{place}{fate}", post.message.id)
    }

    /// `12-01 09:00`
    fn clock(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.campaign.settings.zone.clone());
        local.strftime("%m-%d %H:%M").to_string()
    }

    fn next(&self, now: &str, until: &str) -> Option<String> {
        self.plan(at(now), at(until)).next.map(|next| self.clock(next))
    }

    /// What the daemon does with a plan: records what can be, which is then past.
    fn record(&mut self, plan: &Plan) -> Vec<Planned> {
        let can = |post: &&Planned| !matches!(post.fate, Fate::Expected(_) | Fate::Blocked(_));
        let posts: Vec<Planned> = plan.posts.iter().filter(can).cloned().collect();
        for post in &posts {
            self.past.recorded.insert(post.identity.post_id());
            let out = !matches!(post.fate, Fate::Missed(_));
            let turns = self.turns(post);
            turns.count += 1;
            if out {
                turns.last = turns.last.max(Some(post.due));
            }
            let account = &post.identity.account;
            if let Some(slot) = post.slot {
                self.past.slots.insert(account.clone(), slot);
            }
            let to = &self.roster.accounts[post.account];
            if let Some(said) =
                variants::said(&self.campaign, &post.message, to, post.variant).filter(|_| out)
            {
                let key = (post.identity.message.clone(), account.clone());
                self.past.variants.insert(key, said);
            }
            if post.fate == Fate::Planned {
                self.past
                    .traffic
                    .entry(account.clone())
                    .or_default()
                    .push(post.due);
            }
        }
        posts
    }

    fn turns(&mut self, post: &Planned) -> &mut Turns {
        let key = (post.identity.message.clone(), post.identity.account.clone());
        self.past.turns.entry(key).or_default()
    }

    /// It went out at the minute, and its rule was another then.
    fn went_out(&mut self, id: &str, local: &str) {
        let turns = Turns {
            count: 1,
            last: Some(at(local)),
            sent: Some(at(local)),
        };
        let account: AccountName = "main".parse().unwrap();
        self.past.turns.insert((id.parse().unwrap(), account), turns);
    }

    /// The reasons why messages have no time.
    fn idle(&self, now: &str) -> Vec<String> {
        let plan = self.plan(at(now), at(now));
        plan.idle
            .iter()
            .map(|(message, _, why)| format!("{}: {why}", message.id))
            .collect()
    }
}

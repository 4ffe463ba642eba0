//! WHAT. The campaign as staff wrote it: settings, facts, messages, and every problem found in them.

pub mod allow;
pub mod approval;
pub mod assemble;
mod check;
pub mod codes;
mod dates;
pub mod fact;
pub mod likeness;
mod lint;
pub mod message;
mod moving;
pub mod older;
pub mod outside;
mod place;
pub mod problem;
pub mod read;
pub mod render;
pub mod schema;
mod template;
pub mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::calendar::cron::Cron;
use crate::calendar::traffic::Spacing;
use crate::calendar::window::Windows;
use crate::post::card::Colours;
use crate::post::content::Content;
use crate::post::cost::{Charge, cost};
use crate::post::identity::{AccountName, CampaignId, MessageId, Occurrence};
use crate::text::limits::{self, Limits};
use crate::text::money::Usd;

use allow::Allow;
use approval::Approved;
use fact::Fact;
use message::Message;
pub use place::spotted;
use problem::{Problem, Spot};

/// Everything the daemon needs to know of the message files at one moment. Never changed: a changed file
/// makes a new one.
#[derive(Debug, Clone)]
pub struct Campaign {
    pub settings: Settings,
    pub facts: Arc<BTreeMap<String, Fact>>,
    /// The operators' groups of accounts, which `to` and overrides may name.
    pub groups: Arc<BTreeMap<String, Vec<AccountName>>>,
    /// In the order of files by path, then of their place in the file. Only those that were understood.
    pub messages: Vec<Arc<Message>>,
    /// All problems, errors and warnings, by place.
    pub problems: Arc<Vec<Problem>>,
    /// Messages that must not go out as they stand (an error in them, a fact past its review …), and
    /// why. Those that could not even be read are not in `messages` but may be here.
    pub blocked: BTreeMap<MessageId, String>,
    /// Files that could not be understood at all: their messages, known from before, are held.
    pub broken_files: BTreeMap<Arc<str>, String>,
    /// The facts that each message uses, in any of its texts: what a recall goes by. Messages without
    /// facts are not in it.
    pub uses: BTreeMap<MessageId, BTreeSet<String>>,
    /// What is approved of each message that is; `None`: no approval is asked for ([`approval`]).
    pub approved: Option<BTreeMap<MessageId, Approved>>,
}

/// The `[campaign]` table.
#[derive(Debug, Clone)]
pub struct Settings {
    pub id: CampaignId,
    pub name: String,
    /// IANA name and data.
    pub zone: TimeZone,
    pub language: String,
    pub slots: Vec<Arc<Cron>>,
    pub windows: Windows,
    pub hashtags: Vec<String>,
    /// Of the cards of its messages.
    pub card: Colours,
    /// Set: everything stops, with this as the reason.
    pub hold: Option<String>,
    pub after_hold: AfterHold,
    /// Who wrote the messages that do not say so themselves: they can't approve them alone.
    pub author: Option<String>,
    /// Warnings that are silenced for the whole campaign, each with the reason.
    pub allow: Allow,
    /// Where `[campaign]` is written.
    pub spot: Spot,
}

/// What becomes of posts that fell due during a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterHold {
    /// A person says.
    #[default]
    Review,
    /// Those within `late` go out, spaced.
    Send,
    Skip,
}

/// Every platform's word, whether an account uses it or not: what an override may be for.
pub fn platforms() -> impl Iterator<Item = &'static str> {
    let real = limits::PLATFORMS.iter().map(|limits| limits.platform);
    real.chain(["sandbox"])
}

/// The accounts that messages can go to, as far as the campaign needs to know them.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    pub accounts: Vec<Account>,
    pub groups: BTreeMap<String, Vec<AccountName>>,
}

impl Roster {
    /// The accounts that a message goes to, in the order of the config; none twice. Names that nobody has
    /// are left out here: they are errors of the message.
    pub fn targets(&self, to: &[Box<str>]) -> Vec<&Account> {
        self.target_indexes(to)
            .into_iter()
            .filter_map(|index| self.accounts.get(index))
            .collect()
    }

    /// The same, by their place in the roster.
    pub fn target_indexes(&self, to: &[Box<str>]) -> Vec<usize> {
        let named = |account: &Account| {
            to.is_empty()
                || to.iter().any(|name| {
                    **name == *account.name.as_str()
                        || self
                            .groups
                            .get(&**name)
                            .is_some_and(|group| group.contains(&account.name))
                })
        };
        let all = self.accounts.iter().enumerate();
        all.filter(|(_, account)| named(account))
            .map(|(index, _)| index)
            .collect()
    }
}

impl Campaign {
    /// Whether a post goes only where its message goes. What a person asked for with `post` may go elsewhere, but
    /// where messages are approved, where they go is approved too.
    pub fn binds(&self, occurrence: &Occurrence) -> bool {
        !occurrence.is_asked() || self.approved.is_some()
    }

    /// The ids that messages had before, each with the one that its message has now. What a message is still called,
    /// or two say that they were, is none (`bad-was`).
    pub fn renames(&self) -> BTreeMap<&MessageId, &MessageId> {
        let mut renames = BTreeMap::new();
        let mut unclear: BTreeSet<&MessageId> = BTreeSet::new();
        for message in self.messages.iter().filter(|message| !message.was.is_empty()) {
            for old in &message.was {
                let other = renames.insert(old, &message.id);
                if other.is_some_and(|other| *other != message.id) {
                    unclear.insert(old);
                }
            }
        }
        if !renames.is_empty() {
            unclear.extend(self.messages.iter().map(|message| &message.id));
            unclear.extend(self.blocked.keys());
        }
        renames.retain(|old, _| !unclear.contains(old));
        renames
    }

    /// Why a message must not go out on the local day `today` because of a fact in it; `None` if it may.
    pub fn stale_fact(&self, message: &Message, today: jiff::civil::Date) -> Option<String> {
        let used = self.uses.get(&message.id)?;
        used.iter()
            .find_map(|name| self.facts.get(name)?.blocks(name, today))
    }
}

impl Account {
    pub fn spacing(&self) -> Spacing {
        Spacing {
            min_gap: self.min_gap,
            max_per_day: self.max_per_day,
        }
    }

    /// What its platform charges for this post.
    pub fn cost(&self, content: &Content) -> Usd {
        let charge = self.charge.as_ref();
        charge.map_or(Usd::NOTHING, |charge| cost(content, &charge.prices, &self.limits))
    }
}

/// What an account does with a message that has no words in its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Untranslated {
    /// It says them in the campaign's language, and `check` points it out.
    #[default]
    Warn,
    /// The same without a warning: that is how it is meant.
    Fallback,
    /// It leaves the message out.
    Skip,
}

/// One login on one platform, without its secrets.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: AccountName,
    /// What `platform` says in the config.
    pub platform: &'static str,
    /// The platform whose rules apply: itself, or what a sandbox is `like`.
    pub like: &'static str,
    pub limits: Arc<Limits>,
    /// Posts are in this language where a message has it; `None`: the campaign's.
    pub language: Option<String>,
    pub untranslated: Untranslated,
    pub min_gap: Duration,
    pub max_per_day: Option<u32>,
    /// What its posts cost; `None`: nothing.
    pub charge: Option<Charge>,
}

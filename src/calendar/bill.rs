//! What the campaign costs: by account and calendar month, what is spent, and what is planned.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::civil;
use super::plan::{Fate, View, plan};
use crate::campaign::Account;
use crate::campaign::render::render;
use crate::post::content::Content;
use crate::post::cost::Budget;
use crate::post::identity::AccountName;
use crate::text::money::Usd;

/// How far ahead a bill looks.
pub const COMING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Year and month, in the campaign's time zone.
type Month = (i16, i8);

/// What each account has spent in each month.
#[derive(Debug, Clone)]
pub struct Tally {
    zone: TimeZone,
    spent: BTreeMap<(AccountName, Month), Usd>,
}

impl Tally {
    /// Nothing is spent yet.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            spent: BTreeMap::new(),
        }
    }

    fn month(&self, at: Timestamp) -> Month {
        let local = civil::local(&self.zone, at);
        (local.year(), local.month())
    }

    /// When the month of this instant began.
    pub fn month_began(&self, at: Timestamp) -> Timestamp {
        let first = civil::local(&self.zone, at).date().first_of_month();
        let midnight = first.to_zoned(self.zone.clone());
        midnight.map_or(at, |midnight| midnight.timestamp())
    }

    /// A post that is due then costs this, whatever the budget says.
    pub fn charge(&mut self, account: &AccountName, due: Timestamp, cost: Usd) {
        let month = self.month(due);
        let spent = self.spent.entry((account.clone(), month)).or_default();
        *spent = *spent + cost;
    }

    /// What the month of this instant has cost so far.
    pub fn spent(&self, account: &AccountName, at: Timestamp) -> Usd {
        let of = (account.clone(), self.month(at));
        self.spent.get(&of).copied().unwrap_or_default()
    }

    /// Charges what the post costs, if the account's budget lets it through.
    ///
    /// # Errors
    ///
    /// Why it does not, in words for people; nothing is charged then.
    pub fn take(&mut self, account: &Account, due: Timestamp, content: &Content) -> Result<Usd, String> {
        let Some(charge) = &account.charge else {
            return Ok(Usd::NOTHING);
        };
        let cost = account.cost(content);
        let spent = self.spent(&account.name, due);
        if let Some(why) = charge.budget.and_then(|budget| budget.refuses(spent, cost)) {
            return Err(why);
        }
        self.charge(&account.name, due, cost);
        Ok(cost)
    }
}

/// What one account costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bill {
    /// Index in the roster.
    pub account: usize,
    /// In this month so far.
    pub spent: Usd,
    /// All that is planned for the coming 30 days, what its budget will hold too.
    pub coming: Usd,
    pub budget: Option<Budget>,
    /// How many of these posts the budget will hold.
    pub over: usize,
}

/// One for each account on a platform that charges.
pub fn bills(view: &View<'_>, now: Timestamp, tally: &Tally) -> Vec<Bill> {
    let accounts = view.roster.accounts.iter().enumerate();
    let mut bills: BTreeMap<usize, Bill> = accounts
        .filter_map(|(index, account)| {
            let bill = Bill {
                account: index,
                spent: tally.spent(&account.name, now),
                coming: Usd::NOTHING,
                budget: account.charge?.budget,
                over: 0,
            };
            Some((index, bill))
        })
        .collect();
    if bills.is_empty() {
        return Vec::new();
    }
    let mut tally = tally.clone();
    let until = now.saturating_add(COMING).unwrap_or(now);
    for post in plan(view, now, until).posts {
        let account = view.roster.accounts.get(post.account);
        let (Some(account), Some(bill)) = (account, bills.get_mut(&post.account)) else {
            continue;
        };
        if !matches!(post.fate, Fate::Planned | Fate::Expected(_)) {
            continue;
        }
        let Ok(content) = render(view.campaign, &post.message, account, post.due, post.variant) else {
            continue;
        };
        bill.coming = bill.coming + account.cost(&content);
        bill.over += usize::from(tally.take(account, post.due, &content).is_err());
    }
    bills.into_values().collect()
}

//! How the daemon, the campaign and the accounts are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::calendar::bill::{Bill, Tally, bills};
use crate::calendar::outlook::outlook;
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, View, plan};
use crate::campaign::Campaign;
use crate::campaign::likeness::problems;
use crate::campaign::problem::Problem;
use crate::daemon::lookalike::lookalikes;
use crate::daemon::spending::spending;
use crate::ledger::{Hold, Ledger, Scope};
use crate::post::state::State;

use super::accounts;
use super::pending::waiting;
use super::say::in_words;
use super::{Failed, Files, Office};

/// All of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Status {
    pub version: &'static str,
    /// None: no daemon is running.
    pub uptime_s: Option<i64>,
    pub campaign: Option<CampaignRow>,
    pub hold: Option<HoldRow>,
    /// All in force, that one too.
    pub holds: Vec<ScopeRow>,
    pub accounts: Vec<AccountRow>,
    pub counts: BTreeMap<&'static str, u64>,
    /// How many messages wait for approval.
    pub pending: usize,
    /// What the plan of the next 14 days has to be warned of.
    pub ahead: Vec<AheadRow>,
    /// What the accounts cost, in words.
    #[serde(skip)]
    pub bills: Vec<String>,
}

/// Something to be warned of.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Ahead")]
pub struct AheadRow {
    pub code: &'static str,
    pub message: String,
}

/// The campaign, as the files say.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Campaign")]
pub struct CampaignRow {
    pub name: String,
    /// When the running daemon last took up the files.
    pub loaded_at: Option<Timestamp>,
    pub messages: usize,
    pub problems: usize,
}

/// What holds everything.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Everything")]
pub struct HoldRow {
    pub why: String,
    pub by: String,
    pub since: Timestamp,
}

/// A hold.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Hold")]
pub struct ScopeRow {
    /// "all", "account" or "message".
    pub scope: &'static str,
    /// Which account or message.
    pub target: Option<String>,
    pub why: String,
    pub by: String,
    pub since: Timestamp,
}

/// An account.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AccountState")]
pub struct AccountRow {
    pub account: String,
    pub platform: String,
    /// "ok", "held" or "waiting".
    pub state: &'static str,
    /// Why it is held.
    pub held: Option<String>,
    pub next_due: Option<Timestamp>,
    pub rate_limited_until: Option<Timestamp>,
    /// When the token that somebody signed in for ends, if nobody signs in again. None: it has no end that anybody
    /// knows.
    pub token_until: Option<Timestamp>,
    /// What is wrong with that token; one sentence each.
    pub token_wrong: Vec<String>,
    /// None: its platform charges nothing.
    pub cost: Option<CostRow>,
}

/// What it costs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Cost")]
pub struct CostRow {
    /// This month so far.
    pub spent_usd: f64,
    /// All that is planned for the coming 30 days.
    pub coming_usd: f64,
    pub budget_usd: Option<f64>,
    /// How many planned posts the budget will hold.
    pub over: usize,
}

/// Asks the files and the ledger. Without a ledger nothing was posted.
///
/// # Errors
/// If the ledger can't be read.
pub async fn status(
    office: &Office,
    files: &Files,
    ledger: Option<&dyn Ledger>,
    now: Timestamp,
) -> Result<Status, Failed> {
    let mut status = Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: None,
        campaign: files
            .assembled
            .campaign
            .as_ref()
            .ok()
            .map(|campaign| CampaignRow {
                name: campaign.settings.name.clone(),
                loaded_at: None,
                messages: campaign.messages.len(),
                problems: files.assembled.problems.len(),
            }),
        hold: None,
        holds: Vec::new(),
        accounts: Vec::new(),
        counts: State::ALL.iter().map(|state| (state.as_str(), 0)).collect(),
        pending: 0,
        ahead: Vec::new(),
        bills: Vec::new(),
    };
    let holds = office.holds(ledger.map(|ledger| ledger as &dyn Ledger)).await?;
    let (mut waits, mut next, mut costs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    if let Some(ledger) = ledger {
        let running = !ledger.daemons().await?.is_empty();
        if running {
            status.uptime_s = noted(ledger, "started")
                .await?
                .map(|started| now.duration_since(started).as_secs());
            let loaded = noted(ledger, "loaded").await?;
            if let Some(campaign) = &mut status.campaign {
                campaign.loaded_at = loaded;
            }
        }
        for (state, count) in ledger.counts().await? {
            status.counts.insert(state.as_str(), count);
        }
        waits = ledger.waits().await?;
    }
    if let Ok(campaign) = &files.assembled.campaign {
        if office.settings.approval.is_some() {
            status.pending = waiting(office, files, campaign, ledger).await?.len();
        }
        let alike = alike(files, campaign, ledger, now).await?;
        let campaign = office.gate(files, campaign, ledger).await?;
        let past = match ledger {
            Some(ledger) => office.past(&campaign, ledger).await?,
            None => Past::default(),
        };
        let view = View {
            campaign: &campaign,
            roster: &files.roster,
            past: &past,
            late: office.settings.late,
        };
        next = next_due(office, &view, ledger, now).await?;
        let tally = match ledger {
            Some(ledger) => spending(ledger, &campaign, &files.roster.accounts, now).await?,
            None => Tally::new(campaign.settings.zone.clone()),
        };
        for bill in bills(&view, now, &tally) {
            status.bills.push(in_words(&bill, &files.roster));
            if let Some(account) = files.roster.accounts.get(bill.account) {
                costs.insert(account.name.to_string(), cost_row(&bill));
            }
        }
        let mut ahead = outlook(&view, now, &files.folder);
        ahead.extend(alike);
        status.ahead = ahead
            .into_iter()
            .map(|problem| AheadRow {
                code: problem.code,
                message: problem.message,
            })
            .collect();
    }
    let everything = holds.iter().find(|hold: &&Hold| hold.scope == Scope::All);
    status.hold = everything.map(|hold| HoldRow {
        why: hold.why.clone(),
        by: hold.by.clone(),
        since: hold.since,
    });
    status.holds = holds.iter().map(scope_row).collect();
    let mut tokens = accounts::tokens(office, ledger).await?;
    for account in &office.settings.accounts {
        let held = holds
            .iter()
            .find(|hold| hold.scope == Scope::Account(account.name.clone()))
            .or(everything);
        let waiting = waits.get(&account.name).copied().filter(|until| *until > now);
        let token = tokens.remove(&account.name).unwrap_or_default();
        status.accounts.push(AccountRow {
            account: account.name.to_string(),
            platform: account.platform.to_owned(),
            state: match (held, waiting) {
                (Some(_), _) => "held",
                (None, Some(_)) => "waiting",
                (None, None) => "ok",
            },
            held: held.map(|hold| hold.why.clone()),
            next_due: next.get(account.name.as_str()).copied(),
            rate_limited_until: waiting,
            token_until: token.until,
            token_wrong: token.wrong,
            cost: costs.remove(account.name.as_str()),
        });
    }
    Ok(status)
}

fn cost_row(bill: &Bill) -> CostRow {
    CostRow {
        spent_usd: bill.spent.dollars(),
        coming_usd: bill.coming.dollars(),
        budget_usd: bill.budget.map(|budget| budget.0.dollars()),
        over: bill.over,
    }
}

fn scope_row(hold: &Hold) -> ScopeRow {
    ScopeRow {
        scope: hold.scope.kind(),
        target: (hold.scope != Scope::All).then(|| hold.scope.target().to_owned()),
        why: hold.why.clone(),
        by: hold.by.clone(),
        since: hold.since,
    }
}

/// The next post of each account: what waits in the ledger, or what is planned within a month.
async fn next_due(
    office: &Office,
    view: &View<'_>,
    ledger: Option<&dyn Ledger>,
    now: Timestamp,
) -> Result<BTreeMap<String, Timestamp>, Failed> {
    let month = now
        .saturating_add(jiff::SignedDuration::from_hours(31 * 24))
        .unwrap_or(Timestamp::MAX);
    let mut next: BTreeMap<String, Timestamp> = BTreeMap::new();
    for post in plan(view, now, month).posts {
        let planned = matches!(post.fate, Fate::Planned | Fate::Expected(_));
        let Some(account) = view.roster.accounts.get(post.account).filter(|_| planned) else {
            continue;
        };
        next.entry(account.name.to_string()).or_insert(post.due);
    }
    if let Some(ledger) = ledger {
        for account in &office.settings.accounts {
            if let Some(waiting) = ledger.next_ready(&account.name, Timestamp::MIN, &[]).await? {
                let at = next.entry(account.name.to_string()).or_insert(waiting);
                *at = waiting.min(*at);
            }
        }
    }
    Ok(next)
}

async fn noted(ledger: &dyn Ledger, key: &str) -> Result<Option<Timestamp>, Failed> {
    Ok(ledger.noted(key).await?.and_then(|text| text.parse().ok()))
}

/// Messages that look like one that is gone.
async fn alike(
    files: &Files,
    campaign: &Campaign,
    ledger: Option<&dyn Ledger>,
    now: Timestamp,
) -> Result<Vec<Problem>, Failed> {
    let Some(ledger) = ledger else {
        return Ok(Vec::new());
    };
    let found = lookalikes(ledger, campaign, &files.roster, now).await?;
    Ok(problems(campaign, &found, &files.folder))
}

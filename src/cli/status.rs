//! `steadfast status`: how the daemon, the campaign and the accounts are.

use std::collections::BTreeMap;

use jiff::Timestamp;
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
use crate::desk::pending::waiting;
use crate::ledger::{Hold, Ledger, Scope};
use crate::post::state::State;

use super::args::Format;
use super::say::{in_words, many, wait_for_a_word};
use super::{Exit, Failed, Files, Office, print_json, print_line, table};

#[derive(Serialize)]
struct Status {
    version: &'static str,
    /// None: no daemon is running.
    uptime_s: Option<i64>,
    campaign: Option<CampaignRow>,
    hold: Option<HoldRow>,
    /// All in force, that one too.
    holds: Vec<ScopeRow>,
    accounts: Vec<AccountRow>,
    counts: BTreeMap<&'static str, u64>,
    /// How many messages wait for approval.
    pending: usize,
    /// What the plan of the next 14 days has to be warned of.
    ahead: Vec<AheadRow>,
    /// What the accounts cost, in words.
    #[serde(skip)]
    bills: Vec<String>,
}

#[derive(Serialize)]
struct AheadRow {
    code: &'static str,
    message: String,
}

#[derive(Serialize)]
struct CampaignRow {
    name: String,
    /// When the running daemon last took up the files.
    loaded_at: Option<Timestamp>,
    messages: usize,
    problems: usize,
}

#[derive(Serialize)]
struct HoldRow {
    why: String,
    by: String,
    since: Timestamp,
}

#[derive(Serialize)]
struct ScopeRow {
    /// "all", "account" or "message".
    scope: &'static str,
    /// Which account or message.
    target: Option<String>,
    why: String,
    by: String,
    since: Timestamp,
}

#[derive(Serialize)]
struct AccountRow {
    account: String,
    platform: String,
    /// "ok", "held" or "waiting".
    state: &'static str,
    /// Why it is held.
    held: Option<String>,
    next_due: Option<Timestamp>,
    rate_limited_until: Option<Timestamp>,
    /// None: its platform charges nothing.
    cost: Option<CostRow>,
}

#[derive(Serialize)]
struct CostRow {
    /// This month so far.
    spent_usd: f64,
    /// All that is planned for the coming 30 days.
    coming_usd: f64,
    budget_usd: Option<f64>,
    /// How many planned posts the budget will hold.
    over: usize,
}

pub(super) async fn status(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let now = office.clock.now();
    let ledger = office.ledger_if_any().await?;
    let status = gather(office, &files, ledger.as_deref(), now).await?;
    match format {
        Format::Json => print_json(&status),
        Format::Table => show(&status, &files),
    }
    Ok(Exit::Done)
}

async fn gather(
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
    for account in &office.settings.accounts {
        let held = holds
            .iter()
            .find(|hold| hold.scope == Scope::Account(account.name.clone()))
            .or(everything);
        let waiting = waits.get(&account.name).copied().filter(|until| *until > now);
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

fn show(status: &Status, files: &Files) {
    let zone = files
        .assembled
        .campaign
        .as_ref()
        .map_or(jiff::tz::TimeZone::UTC, |c| c.settings.zone.clone());
    let daemon = match status.uptime_s {
        Some(seconds) => format!("running for {:#}", jiff::SignedDuration::from_secs(seconds)),
        None => "not running".to_owned(),
    };
    print_line(&format!("steadfast {}: the daemon is {daemon}", status.version));
    match &status.campaign {
        Some(campaign) => print_line(&format!(
            "{}: {}, {}{}",
            campaign.name,
            many(campaign.messages, "message"),
            many(campaign.problems, "problem"),
            if campaign.problems > 0 {
                " (`steadfast check`)"
            } else {
                ""
            }
        )),
        None => print_line("there is no campaign to work with: `steadfast check`"),
    }
    if let Some(hold) = &status.hold {
        print_line(&format!(
            "EVERYTHING IS HELD since {} by {}: {}",
            table::local(hold.since, &zone),
            hold.by,
            hold.why
        ));
    }
    for hold in &status.holds {
        let Some(target) = &hold.target else { continue };
        print_line(&format!(
            "{} {target} is held since {} by {}: {}",
            hold.scope,
            table::local(hold.since, &zone),
            hold.by,
            hold.why
        ));
    }
    let mut accounts = table::table(&["account", "platform", "state", "next due", "why"]);
    for account in &status.accounts {
        let why = account.held.clone().or_else(|| {
            account
                .rate_limited_until
                .map(|until| format!("rate limited until {}", table::local(until, &zone)))
        });
        accounts.add_row([
            account.account.clone(),
            account.platform.clone(),
            account.state.to_owned(),
            account
                .next_due
                .map_or_else(|| "—".to_owned(), |due| table::local(due, &zone)),
            why.unwrap_or_default(),
        ]);
    }
    print_line(&table::text(accounts));
    status.bills.iter().for_each(|bill| print_line(bill));
    let counts: Vec<String> = status
        .counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    print_line(&format!(
        "posts: {}",
        if counts.is_empty() {
            "none yet".to_owned()
        } else {
            counts.join(", ")
        }
    ));
    let held = status
        .counts
        .get(State::Held.as_str())
        .copied()
        .unwrap_or_default();
    for problem in &status.ahead {
        print_line(&format!("warning[{}]: {}", problem.code, problem.message));
    }
    if status.pending > 0 {
        let wait = if status.pending == 1 { "waits" } else { "wait" };
        let messages = many(status.pending, "message");
        print_line(&format!("{messages} {wait} for approval: steadfast pending"));
    }
    if held > 0 {
        print_line(&wait_for_a_word(usize::try_from(held).unwrap_or(usize::MAX)));
    }
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

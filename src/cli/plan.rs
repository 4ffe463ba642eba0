//! `steadfast plan`: what goes out when, and for what does not: why.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use crate::calendar::bill::{Tally, bills};
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, View, plan as make_plan};
use crate::campaign::render::render;
use crate::campaign::{Account, Campaign, Roster};
use crate::daemon::spending::spending;
use crate::ledger::{Hold, Scope};
use crate::post::content::{Content, Variant};
use crate::post::identity::MessageId;
use crate::post::state::State;

use super::args::PlanFormat;
use super::say::in_words;
use super::{Exit, Failed, Office, print, print_json, print_line, table};

#[derive(Serialize)]
struct Row {
    message: String,
    account: String,
    /// None: it has no time.
    due: Option<Timestamp>,
    state: &'static str,
    why: Option<String>,
    /// Which of its message's variants it says, counted from 1; absent where there is one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<u16>,
    /// What its platform charges; absent where it charges nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(skip)]
    text: String,
}

pub(super) async fn plan(
    office: &Office,
    from: Option<Date>,
    days: u16,
    format: PlanFormat,
) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let ledger = office.ledger_if_any().await?;
    let campaign = office.gate(&files, &campaign, ledger.as_deref()).await?;
    let now = office.clock.now();
    let zone = &campaign.settings.zone;
    let wrong = || Failed::Usage("that day is out of range".to_owned());
    let from = match from {
        Some(day) => day.to_zoned(zone.clone()).map_err(|_| wrong())?,
        None => now.to_zoned(zone.clone()),
    };
    let until = from
        .checked_add(i32::from(days).days())
        .map_err(|_| wrong())?
        .timestamp();
    let from = from.timestamp();

    let mut tally = Tally::new(zone.clone());
    if let Some(ledger) = &ledger {
        tally = spending(&**ledger, &campaign, &files.roster, now).await?;
    }
    let (past, holds, open) = match ledger {
        Some(ledger) => {
            let mut open = ledger.in_state(State::Due, 100_000).await?;
            open.extend(ledger.in_state(State::Retrying, 100_000).await?);
            open.extend(ledger.in_state(State::Held, 100_000).await?);
            (
                office.past(&campaign, &*ledger).await?,
                ledger.holds().await?,
                open,
            )
        }
        None => (Past::default(), Vec::new(), Vec::new()),
    };
    let view = View {
        campaign: &campaign,
        roster: &files.roster,
        past: &past,
        late: office.settings.late,
    };
    let plan = make_plan(&view, now, until);

    let accounts = &files.roster.accounts;
    let mut rows: Vec<Row> = open
        .into_iter()
        .map(|post| {
            let held = post.standing.state == State::Held;
            let due = if held {
                post.due
            } else {
                post.due.max(post.standing.not_before)
            };
            let blocked = campaign.blocked.get(&post.message).filter(|_| !held);
            Row {
                message: post.message.to_string(),
                account: post.account.to_string(),
                due: Some(due),
                state: match (held, blocked) {
                    (true, _) => "held",
                    (false, Some(_)) => "blocked",
                    (false, None) => "planned",
                },
                why: blocked.cloned().or(post.standing.why).or(post.error),
                variant: number(post.content.variant),
                cost_usd: accounts
                    .iter()
                    .find(|account| account.name == post.account)
                    .and_then(|account| cost_of(account, &post.content)),
                text: post
                    .content
                    .parts
                    .into_iter()
                    .next()
                    .map(|part| part.text)
                    .unwrap_or_default(),
            }
        })
        .collect();
    let mut running = tally.clone();
    for post in &plan.posts {
        let (state, why) = match &post.fate {
            Fate::Planned => ("planned", None),
            Fate::Expected(why) => ("planned", Some(why.clone())),
            Fate::Late(why) | Fate::Missed(why) => ("held", Some(why.clone())),
            Fate::Blocked(why) => ("blocked", Some(why.clone())),
        };
        rows.push(row(&campaign, &files.roster, post, state, why, &mut running));
    }
    for row in rows.iter_mut().filter(|row| row.state == "planned") {
        if let Some(hold) = holds.iter().find(|hold| covers(hold, row)) {
            row.state = "held";
            row.why = Some(format!("{} is held: {}", hold.scope, hold.why));
        }
    }
    rows.retain(|row| {
        row.due
            .is_some_and(|due| due < until && (due >= from || row.state != "planned"))
    });
    rows.sort_by(|a, b| (a.due, &a.message, &a.account).cmp(&(b.due, &b.message, &b.account)));
    for (message, account, why) in &plan.idle {
        let account = files
            .roster
            .accounts
            .get(*account)
            .map(|account| account.name.to_string())
            .unwrap_or_default();
        let state = if message.draft { "held" } else { "blocked" };
        rows.push(Row {
            message: message.id.to_string(),
            account,
            due: None,
            state,
            why: Some(why.clone()),
            variant: None,
            cost_usd: None,
            text: String::new(),
        });
    }
    rows.extend(unreadable(&campaign));
    show(&rows, &campaign, format);
    if matches!(format, PlanFormat::Table) {
        for bill in bills(&view, now, &tally) {
            print_line(&in_words(&bill, &files.roster));
        }
    }
    Ok(Exit::Done)
}

/// Messages of which no more is known than that they can't go out: it is not even clear to which account.
fn unreadable(campaign: &Campaign) -> impl Iterator<Item = Row> {
    let read: BTreeSet<&MessageId> = campaign.messages.iter().map(|message| &message.id).collect();
    let lost = campaign.blocked.iter().filter(move |(id, _)| !read.contains(id));
    lost.map(|(id, why)| Row {
        message: id.to_string(),
        account: String::new(),
        due: None,
        state: "blocked",
        why: Some(why.clone()),
        variant: None,
        cost_usd: None,
        text: String::new(),
    })
}

fn row(
    campaign: &Campaign,
    roster: &Roster,
    post: &crate::calendar::plan::Planned,
    state: &'static str,
    why: Option<String>,
    tally: &mut Tally,
) -> Row {
    let account = roster.accounts.get(post.account);
    let content =
        account.and_then(|account| render(campaign, &post.message, account, post.due, post.variant).ok());
    let (mut state, mut why) = (state, why);
    let mut cost_usd = None;
    if let (Some(account), Some(content)) = (account, &content) {
        cost_usd = cost_of(account, content);
        if state == "planned"
            && let Err(over) = tally.take(account, post.due, content)
        {
            (state, why) = ("held", Some(over));
        }
    }
    let variant = number(content.as_ref().and_then(|content| content.variant));
    let text = content
        .and_then(|content| content.parts.into_iter().next())
        .map(|part| part.text);
    Row {
        message: post.message.id.to_string(),
        account: account
            .map(|account| account.name.to_string())
            .unwrap_or_default(),
        due: Some(post.due),
        state,
        why,
        variant,
        cost_usd,
        text: text.unwrap_or_default(),
    }
}

fn cost_of(account: &Account, content: &Content) -> Option<f64> {
    account.charge.map(|_| account.cost(content).dollars())
}

/// As people count.
fn number(variant: Option<Variant>) -> Option<u16> {
    variant.map(|variant| variant.nth.saturating_add(1))
}

fn covers(hold: &Hold, row: &Row) -> bool {
    match &hold.scope {
        Scope::All => true,
        Scope::Account(name) => name.as_str() == row.account,
        Scope::Message(id) => id.as_str() == row.message,
    }
}

fn show(rows: &[Row], campaign: &Campaign, format: PlanFormat) {
    match format {
        PlanFormat::Json => print_json(&rows),
        PlanFormat::Ics => print(&calendar(rows, campaign)),
        PlanFormat::Table if rows.is_empty() => print_line("nothing is planned in these days"),
        PlanFormat::Table => {
            let mut shown = table::table(&["due", "message", "account", "state", "why"]);
            for row in rows {
                shown.add_row([
                    row.due.map_or_else(
                        || "—".to_owned(),
                        |due| table::local(due, &campaign.settings.zone),
                    ),
                    match row.variant {
                        Some(nth) => format!("{} (variant {nth})", row.message),
                        None => row.message.clone(),
                    },
                    row.account.clone(),
                    row.state.to_owned(),
                    row.why.clone().unwrap_or_default(),
                ]);
            }
            print_line(&table::text(shown));
        }
    }
}

/// What will go out, as a calendar that any calendar program reads (RFC 5545).
fn calendar(rows: &[Row], campaign: &Campaign) -> String {
    use icalendar::{Calendar, Component, Event};
    let stamp = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut calendar = Calendar::new();
    calendar.name(&campaign.settings.name);
    for row in rows.iter().filter(|row| row.state == "planned") {
        let Some(due) = row.due else { continue };
        let mut event = Event::new();
        event
            .uid(&format!(
                "{}.{}.{}@steadfast",
                row.message,
                row.account,
                due.as_second()
            ))
            .summary(&format!("{} → {}", row.message, row.account))
            .description(&row.text)
            .add_property("DTSTAMP", stamp(due))
            .add_property("DTSTART", stamp(due))
            .add_property("TRANSP", "TRANSPARENT");
        calendar.push(event.done());
    }
    calendar.to_string()
}

//! What goes out when, and for what does not: why.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;

use crate::calendar::bill::{Tally, bills};
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, Plan, Planned, View, plan};
use crate::campaign::render::render;
use crate::campaign::{Account, Campaign, Roster, variants};
use crate::daemon::spending::spending;
use crate::ledger::{Hold, Ledger, Post, Scope};
use crate::post::content::{Content, Variant};
use crate::post::identity::{MessageId, PostId};
use crate::post::state::State;

use super::say::in_words;
use super::{Failed, Files, Office};

/// One post to be, or one that waits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Planned")]
pub struct Row {
    pub message: String,
    pub account: String,
    /// None: it has no time.
    pub due: Option<Timestamp>,
    pub state: &'static str,
    pub why: Option<String>,
    /// Which of its message's variants it says, counted from 1; absent where there is one text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<u16>,
    /// What its platform charges; absent where it charges nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Its first part's text, where it is recorded.
    #[serde(skip)]
    pub text: Option<String>,
    /// Which post it is, or will be.
    #[serde(skip)]
    pub post: Option<PostId>,
}

/// All that goes out in some days, and what it costs.
pub struct Agenda {
    /// As it was gated.
    pub campaign: Campaign,
    pub rows: Vec<Row>,
    /// One sentence for each account that is charged.
    pub bills: Vec<String>,
}

/// What goes out from a day of the campaign's on, or from now. Without a ledger nothing was posted.
///
/// # Errors
/// If there is no campaign, the ledger can't be read, or there is no such day.
pub async fn days(
    office: &Office,
    files: &Files,
    ledger: Option<&dyn Ledger>,
    from: Option<Date>,
    days: u16,
) -> Result<Agenda, Failed> {
    let campaign = Office::campaign(files)?;
    let campaign = office.gate(files, &campaign, ledger).await?;
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

    let tally = match ledger {
        Some(ledger) => spending(ledger, &campaign, &files.roster.accounts, now).await?,
        None => Tally::new(zone.clone()),
    };
    let (past, holds, mut rows) = match ledger {
        Some(ledger) => (
            office.past(&campaign, ledger).await?,
            ledger.holds().await?,
            recorded(ledger, &campaign, &files.roster).await?,
        ),
        None => (Past::default(), Vec::new(), Vec::new()),
    };
    let view = View {
        campaign: &campaign,
        roster: &files.roster,
        past: &past,
        late: office.settings.late,
    };
    let planned_then = plan(&view, now, until);
    rows.extend(planned(&view, &planned_then, tally.clone()));
    under(&holds, &mut rows);
    rows.retain(|row| {
        row.due
            .is_some_and(|due| due < until && (due >= from || row.state != "planned"))
    });
    sort(&mut rows);
    rows.extend(timeless(&view, &planned_then));
    let bills = bills(&view, now, &tally);
    let bills = bills.iter().map(|bill| in_words(bill, &files.roster)).collect();
    Ok(Agenda {
        campaign,
        rows,
        bills,
    })
}

/// How many of those that wait in one state are looked at.
const WAITING: u32 = 100_000;

/// Every recorded post that still may go out or waits for a person.
///
/// # Errors
/// If the ledger can't be read.
pub async fn recorded(ledger: &dyn Ledger, campaign: &Campaign, roster: &Roster) -> Result<Vec<Row>, Failed> {
    let mut rows = Vec::new();
    for state in [State::Due, State::Retrying, State::Held] {
        let posts = ledger.in_state(state, WAITING).await?;
        rows.extend(posts.into_iter().map(|post| of_post(campaign, roster, post)));
    }
    Ok(rows)
}

/// A post that waits.
pub fn of_post(campaign: &Campaign, roster: &Roster, post: Post) -> Row {
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
        cost_usd: roster
            .accounts
            .iter()
            .find(|account| account.name == post.account)
            .and_then(|account| cost_of(account, &post.content)),
        text: post.content.parts.into_iter().next().map(|part| part.text),
        post: Some(post.id),
    }
}

/// Every post of the plan, without its words: [`words`] makes them. What its account's budget would not let through
/// is held; `tally` says what was spent before.
pub fn planned(view: &View<'_>, plan: &Plan, mut tally: Tally) -> Vec<Row> {
    let mut row = |post: &Planned| {
        let (mut state, mut why) = match &post.fate {
            Fate::Planned => ("planned", None),
            Fate::Expected(why) => ("planned", Some(why.clone())),
            Fate::Late(why) | Fate::Missed(why) => ("held", Some(why.clone())),
            Fate::Blocked(why) => ("blocked", Some(why.clone())),
        };
        let account = view.roster.accounts.get(post.account);
        let said =
            account.and_then(|account| variants::said(view.campaign, &post.message, account, post.variant));
        let mut cost_usd = None;
        // Only there the words matter.
        if let Some(account) = account.filter(|account| account.charge.is_some())
            && let Ok(content) = render(view.campaign, &post.message, account, post.due, post.variant)
        {
            cost_usd = cost_of(account, &content);
            if state == "planned"
                && let Err(over) = tally.take(account, post.due, &content)
            {
                (state, why) = ("held", Some(over));
            }
        }
        Row {
            message: post.message.id.to_string(),
            cost_usd,
            account: account
                .map(|account| account.name.to_string())
                .unwrap_or_default(),
            due: Some(post.due),
            state,
            why,
            variant: number(said),
            text: None,
            post: Some(post.identity.post_id()),
        }
    };
    plan.posts.iter().map(&mut row).collect()
}

/// Messages that would go out but have no time, and those of which no more is known than that they can't go out:
/// it is not even clear to which account.
pub fn timeless(view: &View<'_>, plan: &Plan) -> Vec<Row> {
    let row = |message: &MessageId, account: String, state, why: &String| Row {
        message: message.to_string(),
        account,
        due: None,
        state,
        why: Some(why.clone()),
        variant: None,
        cost_usd: None,
        text: None,
        post: None,
    };
    let idle = plan.idle.iter().map(|(message, account, why)| {
        let account = view.roster.accounts.get(*account);
        let account = account.map(|account| account.name.to_string());
        let state = if message.draft { "held" } else { "blocked" };
        row(&message.id, account.unwrap_or_default(), state, why)
    });
    let read: BTreeSet<&MessageId> = view.campaign.messages.iter().map(|message| &message.id).collect();
    let blocked = view.campaign.blocked.iter();
    let lost = blocked.filter(|(id, _)| !read.contains(id));
    idle.chain(lost.map(|(id, why)| row(id, String::new(), "blocked", why)))
        .collect()
}

/// Those that a hold covers are held, whatever the plan says.
pub fn under(holds: &[Hold], rows: &mut [Row]) {
    for row in rows.iter_mut().filter(|row| row.state == "planned") {
        if let Some(hold) = holds.iter().find(|hold| covers(hold, row)) {
            row.state = "held";
            row.why = Some(reason(hold));
        }
    }
}

/// Why a post that a hold covers is held.
pub fn reason(hold: &Hold) -> String {
    format!("{} is held: {}", hold.scope, hold.why)
}

fn covers(hold: &Hold, row: &Row) -> bool {
    match &hold.scope {
        Scope::All => true,
        Scope::Account(name) => name.as_str() == row.account,
        Scope::Message(id) => id.as_str() == row.message,
    }
}

/// The order in which they are shown: by time.
pub fn sort(rows: &mut [Row]) {
    rows.sort_by(|a, b| (a.due, &a.message, &a.account).cmp(&(b.due, &b.message, &b.account)));
}

/// The first part's text of a planned post, as it would be made now; `None`: it can't be made.
pub fn words(campaign: &Campaign, roster: &Roster, row: &Row) -> Option<String> {
    let message = campaign
        .messages
        .iter()
        .find(|message| message.id.as_str() == row.message)?;
    let account = roster
        .accounts
        .iter()
        .find(|account| account.name.as_str() == row.account)?;
    let nth = usize::from(row.variant.map_or(0, |number| number.saturating_sub(1)));
    let content = render(campaign, message, account, row.due?, nth).ok()?;
    content.parts.into_iter().next().map(|part| part.text)
}

fn cost_of(account: &Account, content: &Content) -> Option<f64> {
    account.charge.map(|_| account.cost(content).dollars())
}

/// As people count.
fn number(variant: Option<Variant>) -> Option<u16> {
    variant.map(|variant| variant.nth.saturating_add(1))
}

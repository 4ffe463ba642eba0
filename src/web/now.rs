//! `/`: is all well, what comes next, what failed and what to do about it, and the button that stops everything.

use std::collections::HashSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::campaign::problem::Severity;
use crate::daemon::trouble;
use crate::desk::agenda::{self, Row};
use crate::ledger::{Filter, Hold, Scope};
use crate::post::identity::PostId;
use crate::post::state::State as Stands;

use super::Site;
use super::frame::{Frame, Room, everything};
use super::overview::{Overview, overview};
use super::show::{Chip, PostRow, Times, Together, When, excerpt, together, under};
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::{fill, many_of};

/// How many posts each list has at most.
const NEXT: usize = 7;
/// Enough of what is to come for so many lines.
const SOON: usize = 400;
const NEEDED: usize = 12;
const LAST: u32 = 5;
/// How far ahead the next posts are looked for among those that wait.
const WAITING: u32 = 200;

#[derive(Deserialize)]
pub(super) struct Asked {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "web/now.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// `well`, `look` or `stopped`.
    mood: &'static str,
    verdict: &'static str,
    /// What to know first, one sentence each, with a page that says more.
    notes: Vec<Note>,
    at: When,
    hold: Option<HoldRow>,
    /// Of accounts and messages.
    holds: Vec<HoldRow>,
    /// Being sent in spite of a hold: they left before.
    on_their_way: usize,
    next: Vec<NextRow>,
    needed: Vec<PostRow>,
    /// There are more than are shown.
    more: bool,
    last: Vec<PostRow>,
    accounts: Vec<AccountRow>,
}

struct Note {
    text: String,
    path: &'static str,
    /// It stops something.
    grave: bool,
}

struct HoldRow {
    kind: &'static str,
    target: String,
    why: String,
    by: String,
    since: When,
}

struct NextRow {
    at: Together,
    text: String,
}

struct AccountRow {
    account: Chip,
    /// As whom, where that is known.
    identity: Option<String>,
    /// `ok`, `waiting` or `held`.
    state: &'static str,
    state_word: &'static str,
    next: Option<When>,
    wrong: Vec<String>,
    held: bool,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let frame = Frame::new(&site, &visit, Room::Now, t.now, asked.done.as_deref()).await?;
    let times = Times {
        t,
        zone: site.zone(),
        now: site.now(),
    };
    let view = overview(&site).await?;
    let ledger = &*site.pages.ledger;
    let holds = site.pages.office.holds(Some(ledger)).await?;
    let mut needed = trouble::waiting(ledger, times.now, 100).await?;
    let waiting_for_a_word = needed.len();
    needed.extend(ledger.in_state(Stands::Retrying, 100).await?);
    let more = needed.len() > NEEDED;
    needed.truncate(NEEDED);
    let sent = Filter {
        state: Some(Stands::Sent),
        limit: Some(LAST),
        ..Filter::default()
    };
    let roster = &view.files.roster;
    let mut rows = (Vec::new(), Vec::new());
    for post in needed {
        rows.0.push(PostRow::new(&times, roster, ledger, post).await?);
    }
    for post in ledger.history(&sent).await? {
        rows.1.push(PostRow::new(&times, roster, ledger, post).await?);
    }
    let on_their_way = ledger.in_state(Stands::Sending, 1000).await?.len();
    let soon = soon(&site, &view, &holds, times.now).await?;
    let notes = notes(&site, &view, t, waiting_for_a_word);
    let (mood, verdict) = if everything(&holds).is_some() {
        ("stopped", t.everything_is_held)
    } else if notes.iter().any(|note| note.grave)
        || holds.iter().any(|hold| hold.released.is_none())
        || !site.pages.ready.get()
    {
        ("look", t.something_needs_you)
    } else {
        ("well", t.all_is_well)
    };
    let page = Page {
        accounts: accounts(&site, &view, &times, &holds, &soon).await?,
        mood,
        verdict,
        notes,
        at: times.when(times.now),
        hold: everything(&holds).map(|hold| hold_row(&times, hold)),
        holds: holds
            .iter()
            .filter(|hold| hold.scope != Scope::All)
            .map(|hold| hold_row(&times, hold))
            .collect(),
        on_their_way,
        next: together(soon.get(..SOON).unwrap_or(&soon), &times, roster)
            .into_iter()
            .take(NEXT)
            .map(|(row, at)| {
                let text = row.text.clone();
                let text = text.or_else(|| agenda::words(&view.campaign, roster, row));
                NextRow {
                    at,
                    text: excerpt(&text.unwrap_or_default()),
                }
            })
            .collect(),
        needed: rows.0,
        more,
        last: rows.1,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

fn hold_row(times: &Times, hold: &Hold) -> HoldRow {
    HoldRow {
        kind: hold.scope.kind(),
        target: hold.scope.target().to_owned(),
        why: hold.why.clone(),
        by: hold.by.clone(),
        since: times.when(hold.since),
    }
}

/// What is to come: recorded posts that wait, and planned ones, by time.
async fn soon(site: &Site, view: &Overview, holds: &[Hold], now: Timestamp) -> Result<Vec<Row>, Trouble> {
    let waiting = site.pages.ledger.in_state(Stands::Due, WAITING).await?;
    let mut rows: Vec<Row> = waiting
        .into_iter()
        .map(|post| agenda::of_post(&view.campaign, &view.files.roster, post))
        .collect();
    let recorded: HashSet<PostId> = rows.iter().filter_map(|row| row.post).collect();
    let planned = view.planned.iter().filter(|row| {
        row.due.is_some_and(|due| due > now) && row.post.is_none_or(|post| !recorded.contains(&post))
    });
    rows.extend(planned.cloned());
    under(holds, &mut rows);
    agenda::sort(&mut rows);
    Ok(rows)
}

fn notes(site: &Site, view: &Overview, t: &'static super::words::Words, waiting: usize) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |text: String, path, grave| notes.push(Note { text, path, grave });
    if !site.pages.ready.get() {
        note(t.starting.to_owned(), "/", true);
    }
    if waiting > 0 {
        note(
            many_of(waiting, t.one_post_waits, t.posts_wait),
            "/history?state=held",
            true,
        );
    }
    let of = |severity| {
        view.problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    if errors > 0 {
        note(many_of(errors, t.one_error, t.errors), "/problems", true);
    }
    if !view.pending.is_empty() {
        note(
            many_of(view.pending.len(), t.one_pending, t.pending),
            "/messages?which=pending",
            true,
        );
    }
    let unwell = view
        .accounts
        .iter()
        .filter(|account| !account.wrong.is_empty())
        .count();
    if unwell > 0 {
        note(
            many_of(unwell, t.one_account_unwell, t.accounts_unwell),
            "#accounts",
            true,
        );
    }
    if warnings > 0 {
        note(many_of(warnings, t.one_warning, t.warnings), "/problems", false);
    }
    notes
}

async fn accounts(
    site: &Site,
    view: &Overview,
    times: &Times,
    holds: &[Hold],
    soon: &[Row],
) -> Result<Vec<AccountRow>, Trouble> {
    let t = times.t;
    let waits = site.pages.ledger.waits().await?;
    let everything = everything(holds).is_some();
    let row = |row: &crate::desk::accounts::Row| {
        let held = holds
            .iter()
            .any(|hold| matches!(&hold.scope, Scope::Account(name) if name.as_str() == row.account));
        let until = waits
            .iter()
            .find(|(name, until)| name.as_str() == row.account && **until > times.now);
        let next = soon
            .iter()
            .find(|next| next.account == row.account && next.state == "planned");
        let (state, state_word) = match (held || everything, until) {
            (true, _) => ("held", t.held),
            (false, Some(_)) => ("waiting", t.waiting),
            (false, None) => ("ok", t.ok),
        };
        let mut wrong = row.wrong.clone();
        if let Some((_, until)) = until {
            wrong.push(fill(t.waits_until, &[&times.when(*until).text]));
        }
        AccountRow {
            account: Chip::new(&view.files.roster, &row.account),
            identity: row.identity.clone(),
            state,
            state_word,
            next: next.and_then(|next| next.due).map(|due| times.when(due)),
            wrong,
            held,
        }
    };
    Ok(view.accounts.iter().map(row).collect())
}

//! `/history`: what was posted, and what became of the rest, page by page.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use crate::ledger::Filter;
use crate::post::identity::PostId;
use crate::post::state::State as Stands;

use super::Site;
use super::frame::{Frame, Room};
use super::show::{PostRow, Times};
use super::trouble::Trouble;
use super::visit::Visit;

/// How many posts a page has.
const PAGE: u32 = 25;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    message: String,
    account: String,
    state: String,
    since: String,
    until: String,
    /// The last post of the page before.
    after: String,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "web/history.html")]
struct Page<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    accounts: Vec<String>,
    /// Each state, its word, and whether it is the one that is asked for.
    states: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<PostRow>,
    /// Where the next page is.
    older: Option<String>,
    /// This is not the first page.
    turned: bool,
    zone: String,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let frame = Frame::new(&site, &visit, Room::History, t.history, asked.done.as_deref()).await?;
    let times = Times {
        t,
        zone: site.zone(),
        now: site.now(),
    };
    let ledger = &*site.pages.ledger;
    let state: Option<Stands> = asked.state.parse().ok();
    let after = match asked.after.parse::<PostId>() {
        Ok(id) => ledger.post(id).await?,
        Err(_) => None,
    };
    let name = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let turned = after.is_some();
    let filter = Filter {
        since: day(&asked.since, &times.zone, 0),
        until: day(&asked.until, &times.zone, 1),
        message: name(&asked.message),
        account: name(&asked.account),
        state,
        after,
        limit: Some(PAGE + 1),
    };
    let mut posts = ledger.history(&filter).await?;
    let more = posts.len() > PAGE as usize;
    posts.truncate(PAGE as usize);
    let last = posts.last().map(|post| post.id).filter(|_| more);
    let mut rows = Vec::with_capacity(posts.len());
    for post in posts {
        rows.push(PostRow::new(&times, &site.pages.roster, ledger, post).await?);
    }
    let accounts = site.pages.roster.accounts.iter();
    let page = Page {
        accounts: accounts.map(|account| account.name.to_string()).collect(),
        states: Stands::ALL
            .iter()
            .map(|known| (known.as_str(), t.state(*known), state == Some(*known)))
            .collect(),
        older: last.map(|last| older(&asked, last)),
        zone: times.zone.iana_name().unwrap_or_default().to_owned(),
        turned,
        asked: &asked,
        rows,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

/// The beginning of a local day, or of the one `plus` days later.
fn day(text: &str, zone: &TimeZone, plus: i32) -> Option<Timestamp> {
    let day: Date = text.parse().ok()?;
    let day = day.checked_add(plus.days()).ok()?;
    Some(day.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The same question, from that post on.
fn older(asked: &Asked, last: PostId) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let said = [
        ("message", &asked.message),
        ("account", &asked.account),
        ("state", &asked.state),
        ("since", &asked.since),
        ("until", &asked.until),
    ];
    for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    query.append_pair("after", &last.to_string());
    format!("/history?{}", query.finish())
}

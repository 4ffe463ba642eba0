//! `/facts`: each with its source, how it stands, when it is to be checked again, and where it is used.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

use crate::calendar::civil;
use crate::desk::facts::{Row, users};

use super::Site;
use super::frame::{Frame, Room};
use super::overview::overview;
use super::show::{Times, When};
use super::trouble::Trouble;
use super::visit::Visit;

#[derive(Template)]
#[template(path = "web/facts.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<FactRow>,
}

struct FactRow {
    row: Row,
    state_word: &'static str,
    /// Its source, where that is an address.
    link: bool,
    /// How many posts that are planned will say it, and when the first does.
    planned: usize,
    next: Option<When>,
}

pub(super) async fn page(State(site): State<Arc<Site>>, visit: Visit) -> Result<Response, Trouble> {
    let t = visit.t;
    let frame = Frame::new(&site, &visit, Room::Facts, t.facts, None).await?;
    let times = Times {
        t,
        zone: site.zone(),
        now: site.now(),
    };
    let view = overview(&site).await?;
    let campaign = &view.campaign;
    let today = civil::local(&times.zone, times.now).date();
    let mut planned: BTreeMap<&str, (usize, Option<When>)> = BTreeMap::new();
    let uses: HashMap<&str, _> = campaign
        .uses
        .iter()
        .map(|(id, used)| (id.as_str(), used))
        .collect();
    for row in &view.planned {
        let Some(names) = uses.get(row.message.as_str()) else {
            continue;
        };
        for name in *names {
            let (count, next) = planned.entry(name.as_str()).or_default();
            *count += 1;
            if next.is_none() {
                *next = row.due.map(|due| times.when(due));
            }
        }
    }
    let facts = campaign.facts.iter();
    let mut rows: Vec<FactRow> = facts
        .map(|(name, fact)| {
            let mut row = Row::new(name, Some(fact), today);
            row.used = users(campaign, name);
            let (planned, next) = planned.remove(name.as_str()).unwrap_or_default();
            FactRow {
                state_word: t.standing(row.state),
                link: fact.source.starts_with("https://") || fact.source.starts_with("http://"),
                row,
                planned,
                next,
            }
        })
        .collect();
    // What somebody must look at comes first.
    rows.sort_by_key(|row| row.row.state == "confirmed");
    let page = Page { frame, rows };
    Ok(Html(page.render()?).into_response())
}

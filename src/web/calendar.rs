//! `/calendar`: a week or a month in the campaign's own time: what went out, what is to come, and when nothing may.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use crate::calendar::window::Windows;
use crate::desk::agenda;
use crate::ledger::Filter;
use crate::post::identity::PostId;
use crate::post::state::State as Stands;

use super::Site;
use super::frame::{Frame, Room};
use super::overview::{Overview, overview};
use super::show::{Chip, Times, under};
use super::trouble::Trouble;
use super::visit::Visit;

/// How many recorded posts are read for a page.
const RECORDED: u32 = 800;
/// How many a day shows; the rest is counted.
const A_DAY: usize = 60;
const A_DAY_OF_A_MONTH: usize = 5;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    view: String,
    day: String,
}

#[derive(Template)]
#[template(path = "web/calendar.html")]
struct Page<'a> {
    frame: Frame<'a>,
    month: bool,
    heading: String,
    zone: String,
    before: String,
    after: String,
    today: String,
    /// The same days in the other view.
    other: String,
    weekdays: Vec<&'static str>,
    weeks: Vec<Vec<DayCell>>,
    quiet: Vec<String>,
    /// The plan does not reach to the end.
    beyond: bool,
    /// Not everything that was recorded in these days is shown.
    cut: bool,
    timeless: Vec<Idle>,
}

struct DayCell {
    date: String,
    number: i8,
    name: String,
    is_today: bool,
    past: bool,
    /// Of another month.
    outside: bool,
    blackouts: Vec<String>,
    posts: Vec<Entry>,
    more: usize,
}

/// A message at one time, on all its accounts.
struct Entry {
    time: String,
    message: String,
    accounts: Vec<Where>,
    /// What keeps it, or one of them, from going out.
    whys: Vec<String>,
    /// All of them are out.
    done: bool,
    /// The file and line to edit.
    place: String,
}

#[derive(Clone)]
struct Where {
    account: Chip,
    state_word: &'static str,
    /// It did not go out, or does not as things stand.
    off: bool,
    sent: bool,
    why: Option<String>,
    /// Which page says more.
    href: String,
}

struct Idle {
    message: String,
    account: String,
    why: String,
    place: String,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let frame = Frame::new(&site, &visit, Room::Calendar, t.calendar, None).await?;
    let times = Times {
        t,
        zone: site.zone(),
        now: site.now(),
    };
    let view = overview(&site).await?;
    let today = times.now.to_zoned(times.zone.clone()).date();
    let day: Date = asked.day.parse().unwrap_or(today);
    let month = asked.view == "month";
    let span = Span::of(day, month).unwrap_or(Span::of(today, month).ok_or(Trouble::Nothing)?);
    let (mut days, cut) = entries(&site, &view, &times, &span).await?;
    let most = if month { A_DAY_OF_A_MONTH } else { A_DAY };
    let cell = |date: Date| {
        let mut posts = days.remove(&date).unwrap_or_default();
        let more = posts.len().saturating_sub(most);
        posts.truncate(most);
        DayCell {
            date: date.to_string(),
            number: date.day(),
            name: format!(
                "{} {} {}",
                t.weekday(date.weekday()),
                date.day(),
                t.month_short(date.month())
            ),
            is_today: date == today,
            past: date < today,
            outside: month && date.month() != day.month(),
            blackouts: blackouts(&view.campaign.settings.windows, &times, date),
            posts,
            more,
        }
    };
    let cells: Vec<DayCell> = span.days().map(cell).collect();
    let mut weeks: Vec<Vec<DayCell>> = Vec::new();
    for cell in cells {
        match weeks.last_mut().filter(|week| week.len() < 7) {
            Some(week) => week.push(cell),
            None => weeks.push(vec![cell]),
        }
    }
    let path = |day: Option<Date>, month: bool| {
        let view = if month { "month" } else { "week" };
        day.map_or_else(
            || format!("/calendar?view={view}"),
            |day| format!("/calendar?view={view}&day={day}"),
        )
    };
    let step = if month { 1.month() } else { 7.days() };
    let windows = &view.campaign.settings.windows;
    let page = Page {
        month,
        heading: if month {
            format!("{} {}", t.month(day.month()), day.year())
        } else {
            let (first, last) = (span.first, span.last);
            format!(
                "{} {} – {} {} {}",
                first.day(),
                t.month_short(first.month()),
                last.day(),
                t.month_short(last.month()),
                last.year()
            )
        },
        zone: times.zone.iana_name().unwrap_or_default().to_owned(),
        before: path(day.checked_sub(step).ok(), month),
        after: path(day.checked_add(step).ok(), month),
        today: path(None, month),
        other: path(Some(day), !month),
        weekdays: span
            .days()
            .take(7)
            .map(|date| t.weekday(date.weekday()))
            .collect(),
        weeks,
        quiet: windows.quiet.iter().map(ToString::to_string).collect(),
        beyond: span.end(&times) > view.until,
        cut,
        timeless: idle(&view),
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

/// Whole weeks from Monday on.
struct Span {
    first: Date,
    last: Date,
}

impl Span {
    fn of(day: Date, month: bool) -> Option<Self> {
        let (from, to) = if month {
            (day.first_of_month(), day.last_of_month())
        } else {
            (day, day)
        };
        let into = i32::from(from.weekday().to_monday_zero_offset());
        let left = 6 - i32::from(to.weekday().to_monday_zero_offset());
        Some(Self {
            first: from.checked_sub(into.days()).ok()?,
            last: to.checked_add(left.days()).ok()?,
        })
    }

    fn days(&self) -> impl Iterator<Item = Date> {
        let last = self.last;
        self.first.series(1.day()).take_while(move |day| *day <= last)
    }

    fn start(&self, times: &Times) -> Timestamp {
        let start = self.first.to_zoned(times.zone.clone());
        start.map_or(Timestamp::MIN, |start| start.timestamp())
    }

    fn end(&self, times: &Times) -> Timestamp {
        let end = self
            .last
            .tomorrow()
            .and_then(|day| day.to_zoned(times.zone.clone()));
        end.map_or(Timestamp::MAX, |end| end.timestamp())
    }
}

/// All posts of these days, and whether that is not all.
async fn entries(
    site: &Site,
    view: &Overview,
    times: &Times,
    span: &Span,
) -> Result<(BTreeMap<Date, Vec<Entry>>, bool), Trouble> {
    let t = times.t;
    let (start, end) = (span.start(times), span.end(times));
    let ledger = &*site.pages.ledger;
    let filter = Filter {
        since: Some(start),
        until: Some(end),
        limit: Some(RECORDED),
        ..Filter::default()
    };
    let recorded = ledger.history(&filter).await?;
    let cut = recorded.len() == RECORDED as usize;
    let mut all: Vec<(Timestamp, String, Where)> = Vec::new();
    let mut known: HashSet<PostId> = HashSet::new();
    let chip = |name: &str| Chip::new(&view.files.roster, name);
    for post in recorded {
        known.insert(post.id);
        let state = post.standing.state;
        let place = Where {
            account: chip(post.account.as_str()),
            state_word: t.state(state),
            off: matches!(state, Stands::Held | Stands::Rejected | Stands::Skipped),
            sent: state == Stands::Sent,
            why: post.standing.why.or(post.error).filter(|_| state != Stands::Sent),
            href: format!("/posts/{}", post.id),
        };
        all.push((post.due, post.message.to_string(), place));
    }
    let in_span = |row: &&agenda::Row| {
        row.due
            .is_some_and(|due| due >= start && due < end && due > times.now)
    };
    let new = |row: &&agenda::Row| row.post.is_none_or(|post| !known.contains(&post));
    let mut planned: Vec<agenda::Row> = view.planned.iter().filter(in_span).filter(new).cloned().collect();
    let holds = site.pages.office.holds(Some(ledger)).await?;
    under(&holds, &mut planned);
    for row in planned {
        let Some(due) = row.due else { continue };
        let place = Where {
            account: chip(&row.account),
            state_word: t.fate(row.state),
            off: row.state != "planned",
            sent: false,
            why: row.why,
            href: format!("/messages/{}", row.message),
        };
        all.push((due, row.message, place));
    }
    all.sort_by(|a, b| (a.0, &a.1, &a.2.account.name).cmp(&(b.0, &b.1, &b.2.account.name)));
    let mut days: BTreeMap<Date, Vec<Entry>> = BTreeMap::new();
    let together =
        |a: &(Timestamp, String, Where), b: &(Timestamp, String, Where)| (a.0, &a.1) == (b.0, &b.1);
    for group in all.chunk_by(together) {
        let Some((due, message, _)) = group.first() else {
            continue;
        };
        let local = due.to_zoned(times.zone.clone());
        let mut whys: Vec<String> = group.iter().filter_map(|(_, _, at)| at.why.clone()).collect();
        whys.dedup();
        days.entry(local.date()).or_default().push(Entry {
            time: local.strftime("%H:%M").to_string(),
            accounts: group.iter().map(|(_, _, at)| at.clone()).collect(),
            whys,
            done: group.iter().all(|(_, _, at)| at.sent),
            place: place(view, message),
            message: message.clone(),
        });
    }
    Ok((days, cut))
}

/// The file and line of a message.
fn place(view: &Overview, id: &str) -> String {
    view.message(id)
        .map(|message| format!("{}:{}", message.place.file, message.place.line))
        .unwrap_or_default()
}

/// The blackouts that touch a day.
fn blackouts(windows: &Windows, times: &Times, day: Date) -> Vec<String> {
    let one = Span {
        first: day,
        last: day,
    };
    let (start, end) = (one.start(times), one.end(times));
    let touching = windows
        .blackouts
        .iter()
        .filter(|blackout| blackout.from < end && blackout.until > start);
    touching.map(|blackout| blackout.why.clone()).collect()
}

fn idle(view: &Overview) -> Vec<Idle> {
    let rows = view.timeless.iter().take(A_DAY);
    let row = |row: &agenda::Row| Idle {
        message: row.message.clone(),
        account: row.account.clone(),
        why: row.why.clone().unwrap_or_default(),
        place: place(view, &row.message),
    };
    rows.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(day: &str, month: bool) -> (String, String, usize) {
        let span = Span::of(day.parse().unwrap(), month).unwrap();
        (span.first.to_string(), span.last.to_string(), span.days().count())
    }

    #[test]
    fn weeks_begin_on_monday_and_a_month_is_whole_weeks() {
        assert_eq!(
            span("2026-12-02", false),
            ("2026-11-30".into(), "2026-12-06".into(), 7)
        );
        assert_eq!(
            span("2026-12-31", true),
            ("2026-11-30".into(), "2027-01-03".into(), 35)
        );
        // A February that is four weeks to the day.
        assert_eq!(
            span("2027-02-14", true),
            ("2027-02-01".into(), "2027-02-28".into(), 28)
        );
        assert!(Span::of(Date::MAX, true).is_none());
    }
}

//! The report of some days: one HTML file that needs nothing else, to be mailed and printed. `steadfast insights
//! --report` writes it, and `/insights/report` has that of the past week.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::campaign::Campaign;
use crate::desk::agenda::Row;
use crate::desk::insights::{Days, Insights};
use crate::desk::week::{Told, Week, week};
use crate::desk::{Failed, facts};
use crate::ledger::{Hold, Post, SentPart};
use crate::post::recall::Act;

use super::Site;
use super::insights::{growth, totals};
use super::overview::overview;
use super::plot::Look;
use super::show::{decimal, excerpt, grouped};
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::{ENGLISH, LANGUAGES, Words, fill};

/// How many days it tells of, where nobody says.
pub const DAYS: i32 = 7;
/// How many messages are ranked, and how many lines a list has at most: the rest is in the CSV and in the history.
const RANKED: usize = 10;
const LINES: usize = 200;

#[derive(Template)]
#[template(path = "web/report.html")]
struct Page<'a> {
    t: &'static Words,
    campaign: &'a str,
    from: String,
    to: String,
    made: String,
    zone: String,
    totals: Vec<(&'static str, String)>,
    plots: Vec<(&'static str, String)>,
    platforms: Vec<(String, u64, String, String)>,
    messages: Vec<(String, u64, String, String)>,
    sent: List<SentRow>,
    failed: List<FailedRow>,
    holds: Vec<HoldRow>,
    facts: Vec<FactRow>,
    next: List<NextRow>,
}

/// The first lines of something, and how many more there are.
struct List<T> {
    rows: Vec<T>,
    more: String,
}

impl<T> List<T> {
    /// `open`: there are more than were read.
    fn new(mut rows: Vec<T>, open: bool) -> Self {
        let more = rows.len().saturating_sub(LINES);
        rows.truncate(LINES);
        Self {
            rows,
            more: match (more, open) {
                (0, false) => String::new(),
                (more, false) => grouped(more as u64),
                (more, true) => format!("{}+", grouped(more as u64)),
            },
        }
    }
}

/// A message at one time, on all its accounts.
struct SentRow {
    when: String,
    message: String,
    text: String,
    /// What it is, where it takes back or corrects another.
    what: &'static str,
    /// Each, and where it is to be seen there.
    accounts: Vec<(String, Option<String>)>,
}

struct FailedRow {
    when: String,
    message: String,
    account: String,
    state: &'static str,
    why: String,
}

struct HoldRow {
    scope: String,
    why: String,
    by: String,
    since: String,
    until: Option<String>,
}

struct FactRow {
    name: String,
    value: String,
    state: &'static str,
    source: String,
    link: bool,
    review_by: Option<Date>,
    used: String,
}

struct NextRow {
    when: String,
    message: String,
    accounts: String,
    /// Why some of it does not go out as things stand.
    whys: Vec<String>,
}

/// When something was, wherever and whenever it is read.
struct Clock {
    t: &'static Words,
    zone: TimeZone,
}

impl Clock {
    fn day(&self, date: Date) -> String {
        let t = self.t;
        let (weekday, month) = (t.weekday(date.weekday()), t.month_short(date.month()));
        format!("{weekday} {} {month} {}", date.day(), date.year())
    }

    fn at(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        format!("{}, {}", self.day(at.date()), at.strftime("%H:%M"))
    }
}

/// The report, in the campaign's language if the pages speak it.
///
/// # Errors
/// If it can't be written.
pub fn report(campaign: &Campaign, week: &Week) -> Result<String, Failed> {
    let language = campaign.settings.language.split('-').next().unwrap_or_default();
    let t = LANGUAGES
        .iter()
        .find(|words| words.code == language)
        .copied()
        .unwrap_or(&ENGLISH);
    let clock = Clock {
        t,
        zone: campaign.settings.zone.clone(),
    };
    let all = &week.insights;
    let page = Page {
        t,
        campaign: &campaign.settings.name,
        from: clock.day(all.days.first),
        to: clock.day(all.days.last),
        made: clock.at(week.made),
        zone: clock.zone.iana_name().unwrap_or_default().to_owned(),
        totals: all_in_all(t, week),
        plots: plots(t, all),
        platforms: all
            .platforms
            .iter()
            .map(|(name, sum)| {
                (
                    name.clone(),
                    sum.posts,
                    grouped(sum.engagement()),
                    views(sum.counts.views),
                )
            })
            .collect(),
        messages: all
            .messages
            .iter()
            .take(RANKED)
            .map(|(id, sum)| {
                (
                    id.to_string(),
                    sum.posts,
                    grouped(sum.engagement()),
                    decimal(t, sum.each()),
                )
            })
            .collect(),
        sent: sent(&clock, &week.sent),
        failed: List::new(
            week.failed.rows.iter().map(|post| failed(&clock, post)).collect(),
            week.failed.more,
        ),
        holds: week.holds.iter().map(|hold| held(&clock, hold)).collect(),
        facts: week.facts.iter().map(|fact| to_look_at(t, fact)).collect(),
        next: List::new(next(&clock, &week.next), false),
    };
    page.render()
        .map_err(|e| Failed::Wrong(format!("the report can't be written: {e}")))
}

/// The numbers at the top.
fn all_in_all(t: &'static Words, week: &Week) -> Vec<(&'static str, String)> {
    let many = |count: usize, more: bool| format!("{}{}", grouped(count as u64), if more { "+" } else { "" });
    let posted = week
        .sent
        .rows
        .iter()
        .filter(|(post, _)| !post.is_recall())
        .count();
    let mut all = vec![
        (t.posted_n, many(posted, week.sent.more)),
        (t.not_posted_n, many(week.failed.rows.len(), week.failed.more)),
    ];
    // How many of them were counted matters to nobody here.
    all.extend(totals(t, &week.insights.total).into_iter().skip(1));
    all
}

fn views(views: Option<u64>) -> String {
    views.map(grouped).unwrap_or_default()
}

/// The plots as addresses that have the whole image in them.
fn plots(t: &'static Words, all: &Insights) -> Vec<(&'static str, String)> {
    let mut wanted = vec![(t.engagement_over_time, "engagement.svg")];
    if all.total.counts.views.is_some() {
        wanted.push((t.reach, "reach.svg"));
    }
    if all.total.posts == 0 {
        wanted.clear();
    }
    let plot = |(title, plot): (&'static str, &str)| {
        let svg = growth(plot, all, Look::PAPER, t)?.ok()?;
        Some((
            title,
            format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)),
        ))
    };
    wanted.into_iter().filter_map(plot).collect()
}

fn sent(clock: &Clock, sent: &Told<(Post, Vec<SentPart>)>) -> List<SentRow> {
    let t = clock.t;
    let kind = |post: &Post| match post.content.recall.as_ref().map(|recall| &recall.act) {
        None => "",
        Some(Act::Delete { .. }) => t.deletion,
        Some(Act::Correct { .. }) => t.correction,
        Some(Act::Edit { .. }) => t.edit,
    };
    let mut posts: Vec<&(Post, Vec<SentPart>)> = sent.rows.iter().collect();
    posts.sort_by_key(|(post, _)| (post.due, post.message.clone(), post.account.clone()));
    let together = |(a, _): &&(Post, _), (b, _): &&(Post, _)| {
        a.due == b.due && a.message == b.message && kind(a) == kind(b)
    };
    let row = |posts: &[&(Post, Vec<SentPart>)]| {
        let (first, _) = posts.first()?;
        let account = |(post, parts): &&(Post, Vec<SentPart>)| {
            let url = parts.iter().find_map(|part| part.receipt.as_ref()?.url.clone());
            // What was deleted is nowhere to be seen, and nobody else reaches our sandbox.
            let url = url.filter(|url| post.content.deletes().is_none() && is_web(url));
            (post.account.to_string(), url)
        };
        let text = first.content.parts.first().map(|part| excerpt(&part.text));
        Some(SentRow {
            when: clock.at(first.sent.unwrap_or(first.due)),
            message: first.message.to_string(),
            text: match &first.content.share {
                Some(url) => fill(t.shares, &[url]),
                None => text.unwrap_or_default(),
            },
            what: kind(first),
            accounts: posts.iter().map(account).collect(),
        })
    };
    List::new(posts.chunk_by(together).filter_map(row).collect(), sent.more)
}

fn failed(clock: &Clock, post: &Post) -> FailedRow {
    let why = post.standing.why.clone().or_else(|| post.error.clone());
    FailedRow {
        when: clock.at(post.due),
        message: post.message.to_string(),
        account: post.account.to_string(),
        state: clock.t.state(post.standing.state),
        why: why.unwrap_or_default(),
    }
}

fn held(clock: &Clock, hold: &Hold) -> HoldRow {
    HoldRow {
        scope: hold.scope.to_string(),
        why: hold.why.clone(),
        by: hold.by.clone(),
        since: clock.at(hold.since),
        until: hold.released.map(|at| clock.at(at)),
    }
}

fn to_look_at(t: &'static Words, fact: &facts::Row) -> FactRow {
    let source = fact.source.clone().unwrap_or_default();
    FactRow {
        name: fact.fact.clone(),
        value: fact.value.clone().unwrap_or_default(),
        state: t.standing(fact.state),
        link: is_web(&source),
        source,
        review_by: fact.review_by,
        used: fact
            .used
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn next(clock: &Clock, rows: &[Row]) -> Vec<NextRow> {
    let row = |rows: &[Row]| {
        let first = rows.first()?;
        let mut whys: Vec<String> = rows.iter().filter_map(|row| row.why.clone()).collect();
        whys.dedup();
        let accounts: Vec<&str> = rows.iter().map(|row| row.account.as_str()).collect();
        Some(NextRow {
            when: clock.at(first.due?),
            message: first.message.clone(),
            accounts: accounts.join(", "),
            whys,
        })
    };
    rows.chunk_by(|a, b| a.due == b.due && a.message == b.message)
        .filter_map(row)
        .collect()
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// That of the past week.
pub(super) async fn file(State(site): State<Arc<Site>>, _visit: Visit) -> Result<Response, Trouble> {
    let view = overview(&site).await?;
    let days = Days::until(site.now(), DAYS, site.zone());
    let name = format!("attachment; filename=\"week-{}.html\"", days.last);
    // It is work for the processor too, and what is due must not wait behind it.
    let made = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(async {
            let pages = &site.pages;
            let week = week(&pages.office, &view.files, &view.campaign, &*pages.ledger, days).await?;
            report(&view.campaign, &week)
        })
    });
    let html = made.await.map_err(|_| Trouble::Slow)??;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, html).into_response())
}

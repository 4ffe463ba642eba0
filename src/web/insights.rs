//! `/insights`: how the public answered. Each plot is an image of its own, and beside each stands the table of what it
//! shows.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use crate::desk::Failed;
use crate::desk::insights::{Days, Insights, Row, Share, Sum, csv, weeks};
use crate::ledger::engagement::Span;
use crate::post::engagement::Counts;

use super::Site;
use super::frame::{Frame, Room};
use super::plot::{BAR, Line, Look, Undrawn, bars, curves, short_day};
use super::reckoned::{Which, insights};
use super::show::{Chip, decimal, grouped};
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::{Words, fill};

/// How many days may be looked at, today the last of them; the second where nobody says.
const PERIODS: [i32; 4] = [7, 30, 90, 365];
/// How many messages are ranked.
const RANKED: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    days: String,
    message: String,
    /// Of an image: `1`.
    wide: String,
    dark: String,
}

impl Asked {
    fn which(&self) -> Result<Which, Trouble> {
        let [_, usual, ..] = PERIODS;
        let days = self.days.parse().ok().filter(|days| PERIODS.contains(days));
        let message = self.message.trim();
        let message = (!message.is_empty()).then(|| message.parse());
        Ok(Which {
            days: days.unwrap_or(usual),
            message: message.transpose().map_err(|_| Trouble::Nothing)?,
        })
    }

    fn look(&self) -> Look {
        Look {
            wide: self.wide == "1",
            dark: self.dark == "1",
        }
    }
}

#[derive(Template)]
#[template(path = "web/insights.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// Only of this message.
    message: String,
    /// Each number of days, what it is called, and whether it is the one that is looked at.
    periods: Vec<(i32, String, bool)>,
    days: i32,
    /// What an image, or a file, is asked for with.
    query: String,
    /// What it came to in all, in words and numbers.
    totals: Vec<(&'static str, String)>,
    posts: u64,
    platforms: Vec<PlatformRow>,
    steps: Vec<StepRow>,
    /// Whether any platform told how often a post was shown.
    reach: bool,
    messages: Vec<MessageRow>,
    /// How many are not in the ranking.
    more: usize,
    hours: Vec<ShareRow>,
    weekdays: Vec<ShareRow>,
    wide: (u32, u32),
    narrow: (u32, u32),
}

/// What one platform's posts came to.
struct PlatformRow {
    chip: Chip,
    posts: u64,
    engagement: String,
    each: String,
    /// Likes, shares, replies, quotes, views; empty where they are not counted.
    counts: [String; 5],
}

/// How far each platform had come at the end of a step, and all views.
struct StepRow {
    day: String,
    platforms: Vec<String>,
    views: String,
}

struct MessageRow {
    id: String,
    posts: u64,
    engagement: String,
    each: String,
    views: String,
    /// Of the most, in hundredths.
    width: u64,
    /// How it grew: the points of a line, 100 wide and 20 high.
    spark: String,
}

struct ShareRow {
    name: String,
    posts: u64,
    times: String,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let which = asked.which()?;
    let frame = Frame::new(&site, &visit, Room::Insights, t.insights, None).await?;
    let all = insights(&site, &which).await?;
    let message = which
        .message
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("days", &which.days.to_string())
        .append_pair("message", &message)
        .finish();
    let most = all.messages.first().map_or(0, |(_, sum)| sum.engagement());
    let page = Page {
        periods: PERIODS
            .iter()
            .map(|days| {
                (
                    *days,
                    fill(t.past_days, &[&days.to_string()]),
                    *days == which.days,
                )
            })
            .collect(),
        query,
        days: which.days,
        posts: all.total.posts,
        totals: totals(t, &all.total),
        platforms: all
            .platforms
            .iter()
            .map(|(name, sum)| platform_row(t, name, sum))
            .collect(),
        steps: steps(t, &all),
        reach: all.total.counts.views.is_some(),
        more: all.messages.len().saturating_sub(RANKED),
        messages: all
            .messages
            .iter()
            .take(RANKED)
            .map(|(id, sum)| message_row(t, id.as_str(), sum, most))
            .collect(),
        hours: shares(t, &all.hours, |hour| format!("{hour}:00–{}:00", hour + 1)),
        weekdays: shares(t, &all.weekdays, |day| t.nth_weekday(day).to_owned()),
        wide: Look::PAPER.size(),
        narrow: Look {
            wide: false,
            dark: false,
        }
        .size(),
        message,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

/// The four numbers that it comes to.
pub(super) fn totals(t: &'static Words, total: &Sum) -> Vec<(&'static str, String)> {
    let mut totals = vec![
        (t.posts_counted, grouped(total.posts)),
        (t.engagement, grouped(total.engagement())),
        (t.for_each_post, decimal(t, total.each())),
    ];
    if let Some(views) = total.counts.views {
        totals.push((t.views, grouped(views)));
    }
    totals
}

fn counts(counts: &Counts) -> [String; 5] {
    let all = [
        counts.likes,
        counts.shares,
        counts.replies,
        counts.quotes,
        counts.views,
    ];
    all.map(|count| count.map(grouped).unwrap_or_default())
}

fn platform_row(t: &'static Words, name: &str, sum: &Sum) -> PlatformRow {
    PlatformRow {
        chip: Chip::of_platform(name),
        posts: sum.posts,
        engagement: grouped(sum.engagement()),
        each: decimal(t, sum.each()),
        counts: counts(&sum.counts),
    }
}

fn message_row(t: &'static Words, id: &str, sum: &Sum, most: u64) -> MessageRow {
    MessageRow {
        id: id.to_owned(),
        posts: sum.posts,
        engagement: grouped(sum.engagement()),
        each: decimal(t, sum.each()),
        views: sum.counts.views.map(grouped).unwrap_or_default(),
        width: (sum.engagement() * 100).checked_div(most).unwrap_or(0),
        spark: spark(&sum.engagement_by_step()),
    }
}

/// The points of a line that is 100 wide and 20 high, from the lower left.
fn spark(values: &[i64]) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let steps = i64::try_from(values.len()).unwrap_or(1).max(1);
    let point =
        |(index, value): (i64, &i64)| format!("{},{}", (index + 1) * 100 / steps, 20 - value * 20 / most);
    let points = (0..).zip(values).map(point);
    std::iter::once("0,20".to_owned())
        .chain(points)
        .collect::<Vec<_>>()
        .join(" ")
}

fn steps(t: &'static Words, all: &Insights) -> Vec<StepRow> {
    let platforms: Vec<Vec<i64>> = all
        .platforms
        .iter()
        .map(|(_, sum)| sum.engagement_by_step())
        .collect();
    let views = all.total.views_by_step();
    let begins = all.days.steps();
    let number = |values: &Vec<i64>, at: usize| {
        let value = values.get(at).copied().unwrap_or(0);
        grouped(u64::try_from(value).unwrap_or(0))
    };
    let row = |(at, day): (usize, &Date)| StepRow {
        day: span(t, &all.days, *day),
        platforms: platforms.iter().map(|values| number(values, at)).collect(),
        views: number(&views, at),
    };
    begins.iter().enumerate().map(row).collect()
}

/// `2 Nov`, or `2 Nov – 8 Nov`.
fn span(t: &'static Words, days: &Days, first: Date) -> String {
    let last = first
        .checked_add((days.step - 1).days())
        .unwrap_or(first)
        .min(days.last);
    if last == first {
        return short_day(t, first);
    }
    format!("{} – {}", short_day(t, first), short_day(t, last))
}

fn shares(t: &'static Words, shares: &[Share], name: impl Fn(usize) -> String) -> Vec<ShareRow> {
    let row = |(index, share): (usize, &Share)| {
        Some(ShareRow {
            name: name(index),
            posts: share.posts,
            times: format!("{}×", decimal(t, share.times?)),
        })
    };
    shares.iter().enumerate().filter_map(row).collect()
}

/// How engagement grew on each platform, or the views of all.
pub(super) fn growth(
    plot: &str,
    all: &Insights,
    look: Look,
    t: &'static Words,
) -> Option<Result<String, Undrawn>> {
    let lines = match plot {
        "engagement.svg" => all
            .platforms
            .iter()
            .map(|(name, sum)| Line {
                name,
                colour: look.colour(name),
                values: sum.engagement_by_step(),
            })
            .collect(),
        "reach.svg" => vec![Line {
            name: t.views,
            colour: look.only(),
            values: all.total.views_by_step(),
        }],
        _ => return None,
    };
    Some(curves(&all.days, &lines, look, t))
}

/// One of the plots.
pub(super) async fn plot(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Path(plot): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let all = insights(&site, &asked.which()?).await?;
    let look = asked.look();
    let times = |shares: &[Share]| shares.iter().map(|share| share.times).collect::<Vec<_>>();
    let drawn = match plot.as_str() {
        "hours.svg" => {
            let named = [0, 6, 12, 18, 24].map(|hour| (hour * BAR, format!("{hour}:00")));
            bars(&times(&all.hours), &named, look, t)
        }
        "weekdays.svg" => {
            let named = (0..7_u8).map(|day| {
                let middle = i32::from(day) * BAR + BAR / 2;
                (middle, t.nth_weekday(usize::from(day)).to_owned())
            });
            bars(&times(&all.weekdays), &named.collect::<Vec<_>>(), look, t)
        }
        other => growth(other, &all, look, t).ok_or(Trouble::Nothing)?,
    };
    let svg = drawn.map_err(|Undrawn| Trouble::Nothing)?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// `/insights.csv`: the same posts one by one, as `steadfast insights --format csv` writes them; a week at a time.
pub(super) async fn file(
    State(site): State<Arc<Site>>,
    _visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let which = asked.which()?;
    let days = Days::until(site.now(), which.days, site.zone());
    let name = format!("attachment; filename=\"insights-{}.csv\"", days.last);
    let of = Span {
        since: days.since(),
        until: days.end(),
        message: which.message,
    };
    let lines = stream::unfold(
        (site, weeks(&of).into_iter(), true),
        |(site, mut weeks, headed)| async move {
            let week = weeks.next()?;
            let lines = lines(&site, &week, headed).await;
            // The names stand before the first that there is.
            let headed = headed && lines.as_ref().is_ok_and(String::is_empty);
            Some((lines, (site, weeks, headed)))
        },
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

async fn lines(site: &Site, week: &Span, headed: bool) -> Result<String, Failed> {
    let counted = site.pages.ledger.counted(week).await?;
    csv(
        counted
            .iter()
            .filter_map(|post| Row::new(&site.pages.office, post)),
        headed,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_line_goes_from_the_lower_left_to_where_it_came() {
        assert_eq!(spark(&[0, 5, 10, 10]), "0,20 25,20 50,10 75,0 100,0");
        assert_eq!(spark(&[0, 0]), "0,20 50,20 100,20");
        assert_eq!(spark(&[]), "0,20");
    }
}

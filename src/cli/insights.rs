//! `steadfast insights`: how the public answered, as far as the platforms count it.

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::engagement::Counted;
use crate::post::engagement::Counts;

use super::args::InsightsFormat;
use super::history::instant;
use super::say::address;
use super::{Exit, Failed, Office, print, print_json, print_line, table};

/// A post by its last reading. What its platform does not count is left empty.
#[derive(Serialize)]
struct Row {
    post: String,
    message: String,
    account: String,
    platform: String,
    sent_at: Timestamp,
    url: Option<String>,
    likes: Option<u64>,
    shares: Option<u64>,
    replies: Option<u64>,
    quotes: Option<u64>,
    views: Option<u64>,
    /// When the platform said so.
    as_of: Timestamp,
}

/// The same with all that was read before.
#[derive(Serialize)]
struct WithReadings {
    #[serde(flatten)]
    row: Row,
    readings: Vec<ReadingRow>,
}

#[derive(Serialize)]
struct ReadingRow {
    at: Timestamp,
    likes: Option<u64>,
    shares: Option<u64>,
    replies: Option<u64>,
    quotes: Option<u64>,
    views: Option<u64>,
}

pub(super) async fn insights(
    office: &Office,
    since: Option<&str>,
    format: InsightsFormat,
) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = files.assembled.campaign.as_ref();
    let zone = campaign.map_or(jiff::tz::TimeZone::UTC, |c| c.settings.zone.clone());
    let since = since.map(|text| instant(text, &zone)).transpose()?;
    let counted = match office.ledger_if_any().await? {
        Some(ledger) => ledger.counted(since.unwrap_or(Timestamp::MIN)).await?,
        None => Vec::new(),
    };
    match format {
        InsightsFormat::Json => {
            let all = counted.iter().filter_map(|post| {
                Some(WithReadings {
                    row: row(office, post)?,
                    readings: post.readings.iter().map(reading).collect(),
                })
            });
            print_json(&all.collect::<Vec<_>>());
        }
        InsightsFormat::Csv => {
            let rows = counted.iter().filter_map(|post| row(office, post));
            print(&csv(rows)?);
        }
        InsightsFormat::Table if counted.is_empty() => {
            print_line("nothing was counted yet: the platforms are asked an hour after a post went out");
        }
        InsightsFormat::Table => show(office, &counted, &zone),
    }
    Ok(Exit::Done)
}

fn row(office: &Office, post: &Counted) -> Option<Row> {
    let (as_of, counts) = *post.readings.last()?;
    Some(Row {
        post: post.post.to_string(),
        message: post.message.to_string(),
        account: post.account.to_string(),
        platform: post.platform.clone(),
        sent_at: post.sent,
        url: post.url.as_deref().map(|url| address(office, url)),
        likes: counts.likes,
        shares: counts.shares,
        replies: counts.replies,
        quotes: counts.quotes,
        views: counts.views,
        as_of,
    })
}

fn reading((at, counts): &(Timestamp, Counts)) -> ReadingRow {
    ReadingRow {
        at: *at,
        likes: counts.likes,
        shares: counts.shares,
        replies: counts.replies,
        quotes: counts.quotes,
        views: counts.views,
    }
}

fn csv(rows: impl Iterator<Item = Row>) -> Result<String, Failed> {
    let wrong = |e: &dyn std::fmt::Display| Failed::Wrong(format!("this can't be written as CSV: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|e| wrong(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| wrong(&e))?;
    String::from_utf8(bytes).map_err(|e| wrong(&e))
}

fn show(office: &Office, counted: &[Counted], zone: &jiff::tz::TimeZone) {
    let mut shown = table::table(&[
        "sent", "message", "account", "likes", "shares", "replies", "quotes", "views", "where",
    ]);
    let number = |count: Option<u64>| count.map_or_else(|| "—".to_owned(), |count| count.to_string());
    for row in counted.iter().filter_map(|post| row(office, post)) {
        shown.add_row([
            table::local(row.sent_at, zone),
            row.message,
            row.account,
            number(row.likes),
            number(row.shares),
            number(row.replies),
            number(row.quotes),
            number(row.views),
            row.url.unwrap_or_default(),
        ]);
    }
    print_line(&table::text(shown));
}

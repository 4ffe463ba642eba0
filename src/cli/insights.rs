//! `steadfast insights`: how the public answered, as far as the platforms count it.

use std::path::Path;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::desk::insights::{Days, Row, WithReadings, csv};
use crate::desk::week::week;
use crate::ledger::engagement::{Counted, Span};
use crate::web::report;

use super::args::{InsightsArgs, InsightsFormat};
use super::history::instant;
use super::{Exit, Failed, Office, complain, print, print_json, print_line, table};

pub(super) async fn insights(office: &Office, args: InsightsArgs) -> Result<Exit, Failed> {
    if let Some(file) = &args.report {
        return write_report(office, file, args.from, args.days).await;
    }
    let files = office.read_files()?;
    let campaign = files.assembled.campaign.as_ref();
    let zone = campaign.map_or(jiff::tz::TimeZone::UTC, |c| c.settings.zone.clone());
    let since = args.since.map(|text| instant(&text, &zone)).transpose()?;
    let counted = match office.ledger_if_any().await? {
        Some(ledger) => {
            ledger
                .counted(&Span::since(since.unwrap_or(Timestamp::MIN)))
                .await?
        }
        None => Vec::new(),
    };
    match args.format {
        InsightsFormat::Json => {
            let all = counted.iter().filter_map(|post| WithReadings::new(office, post));
            print_json(&all.collect::<Vec<_>>());
        }
        InsightsFormat::Csv => {
            let rows = counted.iter().filter_map(|post| Row::new(office, post));
            print(&csv(rows, true)?);
        }
        InsightsFormat::Table if counted.is_empty() => {
            print_line("nothing was counted yet: the platforms are asked an hour after a post went out");
        }
        InsightsFormat::Table => show(office, &counted, &zone),
    }
    Ok(Exit::Done)
}

/// The report of these days: of the past week, if nobody says which.
async fn write_report(
    office: &Office,
    file: &Path,
    from: Option<Date>,
    days: Option<u16>,
) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let ledger = office.ledger().await?;
    let campaign = office
        .gate(&files, &Office::campaign(&files)?, Some(&*ledger))
        .await?;
    let zone = campaign.settings.zone.clone();
    let count = days.map_or(report::DAYS, i32::from);
    let days = match from {
        None => Days::until(office.clock.now(), count, zone),
        Some(first) => {
            let last = first.checked_add((count - 1).days());
            Days::new(
                first,
                last.map_err(|_| Failed::Usage("that day is out of range".to_owned()))?,
                zone,
            )
        }
    };
    let week = week(office, &files, &campaign, &*ledger, days).await?;
    let html = report::report(&campaign, &week)?;
    if file == Path::new("-") {
        print(&html);
        return Ok(Exit::Done);
    }
    let wrong = |e: std::io::Error| Failed::Wrong(format!("{} can't be written: {e}", file.display()));
    std::fs::write(file, html).map_err(wrong)?;
    complain(&format!(
        "wrote {}: {} to {}",
        file.display(),
        week.insights.days.first,
        week.insights.days.last
    ));
    Ok(Exit::Done)
}

fn show(office: &Office, counted: &[Counted], zone: &jiff::tz::TimeZone) {
    let mut shown = table::table(&[
        "sent", "message", "account", "likes", "shares", "replies", "quotes", "views", "where",
    ]);
    let number = |count: Option<u64>| count.map_or_else(|| "—".to_owned(), |count| count.to_string());
    for row in counted.iter().filter_map(|post| Row::new(office, post)) {
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

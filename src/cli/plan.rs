//! `steadfast plan`: what goes out when, and for what does not: why.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::campaign::Campaign;
use crate::desk::agenda::{self, Row};

use super::args::PlanFormat;
use super::{Exit, Failed, Office, print, print_json, print_line, table};

pub(super) async fn plan(
    office: &Office,
    from: Option<Date>,
    days: u16,
    format: PlanFormat,
) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let ledger = office.ledger_if_any().await?;
    let agenda::Agenda {
        campaign,
        mut rows,
        bills,
    } = agenda::days(office, &files, ledger.as_deref(), from, days).await?;
    if format == PlanFormat::Ics {
        for row in rows.iter_mut().filter(|row| row.text.is_none()) {
            row.text = agenda::words(&campaign, &files.roster, row);
        }
    }
    show(&rows, &campaign, format);
    if matches!(format, PlanFormat::Table) {
        for bill in &bills {
            print_line(bill);
        }
    }
    Ok(Exit::Done)
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
            .description(row.text.as_deref().unwrap_or_default())
            .add_property("DTSTAMP", stamp(due))
            .add_property("DTSTART", stamp(due))
            .add_property("TRANSP", "TRANSPARENT");
        calendar.push(event.done());
    }
    calendar.to_string()
}

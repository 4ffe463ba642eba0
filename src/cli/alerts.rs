//! `steadfast alerts`: what needs a person, who is told of it, and whether a test arrives.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::alert::{Book, Condition, Kind, trial};
use crate::daemon::alerts::book_of;
use crate::daemon::trouble::{dry_days, look};
use crate::platform::http::Http;
use crate::platform::secret::Scrubber;

use super::args::Format;
use super::run::channels;
use super::say::{local, meant};
use super::{Exit, Failed, Office, print_json, print_line, table};

#[derive(Serialize)]
struct Shown {
    open: Vec<Row>,
    channels: Vec<ChannelRow>,
}

/// Something that needs a person.
#[derive(Serialize)]
struct Row {
    kind: Kind,
    text: String,
    help: String,
    /// `None`: it is not known since when.
    since: Option<Timestamp>,
    /// Which channels have been told.
    told: Vec<String>,
}

/// `[alert.NAME]`.
#[derive(Serialize)]
struct ChannelRow {
    alert: String,
    by: &'static str,
    /// What it is told of; nothing: everything.
    only: BTreeSet<Kind>,
    /// How many things it knows to be open.
    open: usize,
}

pub(super) async fn alerts(office: &Office, test: Option<&str>, format: Format) -> Result<Exit, Failed> {
    match test {
        Some(name) => try_out(office, name).await,
        None => show(office, format).await,
    }
}

async fn try_out(office: &Office, name: &str) -> Result<Exit, Failed> {
    let settings = &office.settings;
    let scrubber = Scrubber::new();
    let http = Http::new(&settings.contact, Arc::clone(&office.clock)).map_err(Failed::Wrong)?;
    let channels = channels(settings, &http, &scrubber)?;
    let Some(found) = channels.iter().find(|channel| channel.name == name) else {
        let names = || channels.iter().map(|channel| channel.name.as_str());
        let all = names().collect::<Vec<_>>().join(", ");
        let there_are = match all.as_str() {
            "" => "there is no [alert.NAME] in the config".to_owned(),
            all => format!("there are: {all}"),
        };
        return Err(Failed::Usage(format!(
            "there is no [alert.{name}]{}; {there_are}",
            meant(name, names())
        )));
    };
    let files = office.read_files()?;
    let campaign = files.assembled.campaign.as_ref();
    let campaign = campaign.map_or("steadfast", |campaign| campaign.settings.name.as_str());
    let said = trial(campaign, name, office.clock.now());
    match found.channel.tell(&said).await {
        Ok(()) => {
            print_line(&format!("{name} has taken it: look whether you have it"));
            Ok(Exit::Done)
        }
        Err(why) => Err(Failed::Wrong(format!("{name} could not be told: {why}"))),
    }
}

async fn show(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let zone = campaign.settings.zone.clone();
    let mut books: Vec<(String, Book)> = Vec::new();
    let mut open = Vec::new();
    if let Some(ledger) = office.ledger_if_any().await? {
        let settings = &office.settings;
        for alert in &settings.alerts {
            let book = book_of(&*ledger, &alert.name).await?;
            books.push((alert.name.clone(), book));
        }
        let gated = office.gate(&files, &campaign, Some(&*ledger)).await?;
        let past = office.past(&gated, &*ledger).await?;
        let now = office.clock.now();
        let dry = dry_days(&gated, &files.roster, &past, settings.late, now);
        let told = BTreeSet::new();
        open = look(&*ledger, &gated, &settings.accounts, &dry, &told, now)
            .await?
            .conditions;
    }
    let shown = Shown {
        open: open.into_iter().map(|found| row(found, &books)).collect(),
        channels: channel_rows(office, &books),
    };
    match format {
        Format::Json => print_json(&shown),
        Format::Table => print_shown(&shown, &zone),
    }
    Ok(if shown.open.is_empty() {
        Exit::Done
    } else {
        Exit::Wrong
    })
}

fn row(found: Condition, books: &[(String, Book)]) -> Row {
    let knows = |book: &Book| {
        book.known
            .get(&found.key)
            .is_some_and(crate::alert::Known::is_open)
    };
    let told = books.iter().filter(|(_, book)| knows(book));
    let told = told.map(|(name, _)| name.clone()).collect();
    let first = books.iter().filter_map(|(_, book)| book.known.get(&found.key));
    let since = found.since.or_else(|| first.map(|known| known.since).min());
    Row {
        kind: found.kind,
        text: found.text,
        help: found.help,
        since,
        told,
    }
}

fn channel_rows(office: &Office, books: &[(String, Book)]) -> Vec<ChannelRow> {
    let row = |alert: &crate::settings::AlertSettings| ChannelRow {
        alert: alert.name.clone(),
        by: alert.by,
        only: alert.terms.only.clone(),
        open: books
            .iter()
            .find(|(name, _)| *name == alert.name)
            .map_or(0, |(_, book)| book.open()),
    };
    office.settings.alerts.iter().map(row).collect()
}

fn print_shown(shown: &Shown, zone: &TimeZone) {
    if shown.open.is_empty() {
        print_line("nothing needs you");
    }
    for row in &shown.open {
        let since = row.since.map(|since| format!("since {}. ", local(since, zone)));
        let told = match row.told.as_slice() {
            [] => String::new(),
            told => format!(" (told: {})", told.join(", ")),
        };
        print_line(&format!("{}{told}", row.text));
        print_line(&format!("    {}{}", since.unwrap_or_default(), row.help));
    }
    print_line("");
    if shown.channels.is_empty() {
        print_line("nobody is told: write [alert.NAME] in the config");
        return;
    }
    let mut channels = table::table(&["alert", "by", "of", "open"]);
    for channel in &shown.channels {
        let of: Vec<&str> = channel.only.iter().map(|kind| kind.as_str()).collect();
        channels.add_row([
            channel.alert.clone(),
            channel.by.to_owned(),
            if of.is_empty() {
                "everything".to_owned()
            } else {
                of.join(", ")
            },
            channel.open.to_string(),
        ]);
    }
    print_line(&table::text(channels));
}

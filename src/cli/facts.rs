//! `steadfast facts`: each fact, its source, how it stands, where it is used, planned and published.

use crate::desk::facts::{Row, rows};

use super::args::Format;
use super::{Exit, Failed, Office, print_json, print_line, table};

pub(super) async fn facts(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let ledger = office.ledger_if_any().await?;
    let rows = rows(office, &files, &campaign, ledger.as_deref()).await?;
    match format {
        Format::Json => print_json(&rows),
        Format::Table if rows.is_empty() => {
            print_line("there are no facts: write `[fact.NAME]` in any message file");
        }
        Format::Table => show(&rows),
    }
    Ok(Exit::Done)
}

fn show(rows: &[Row]) {
    let headings = [
        "fact",
        "value",
        "state",
        "review by",
        "used in",
        "planned",
        "published",
        "source",
    ];
    let mut shown = table::table(&headings);
    for row in rows {
        let published: Vec<String> = row
            .published
            .iter()
            .map(|said| {
                if Some(&said.value) == row.value.as_ref() {
                    said.posts.to_string()
                } else {
                    format!("{} as \u{201c}{}\u{201d}", said.posts, said.value)
                }
            })
            .collect();
        shown.add_row([
            row.fact.clone(),
            row.value.clone().unwrap_or_default(),
            row.state.replace('_', " "),
            row.review_by.map(|by| by.to_string()).unwrap_or_default(),
            row.used.iter().cloned().collect::<Vec<_>>().join(", "),
            row.planned.len().to_string(),
            if published.is_empty() {
                "0".to_owned()
            } else {
                published.join(", ")
            },
            row.source.clone().unwrap_or_default(),
        ]);
    }
    print_line(&table::text(shown));
}

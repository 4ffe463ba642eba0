//! `steadfast history`: what was posted, and what became of the rest.

use jiff::Timestamp;

use crate::desk::history::{Row, rows};
use crate::ledger::Filter;
use crate::post::state::State;

use super::args::Format;
use super::{Exit, Failed, Office, print_json, print_line, say, table};

pub(super) struct Asked {
    pub since: Option<String>,
    pub message: Option<String>,
    pub account: Option<String>,
    pub state: Option<State>,
    pub limit: u32,
}

pub(super) async fn history(office: &Office, asked: Asked, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let zone = files
        .assembled
        .campaign
        .as_ref()
        .map_or(jiff::tz::TimeZone::UTC, |c| c.settings.zone.clone());
    let since = asked
        .since
        .as_deref()
        .map(|text| instant(text, &zone))
        .transpose()?;
    let filter = Filter {
        since,
        message: asked.message,
        account: asked.account,
        state: asked.state,
        limit: Some(asked.limit),
        ..Filter::default()
    };
    let rows = match office.ledger_if_any().await? {
        Some(ledger) => rows(office, &*ledger, &filter).await?,
        None => Vec::new(),
    };
    match format {
        Format::Json => print_json(&rows),
        Format::Table if rows.is_empty() => print_line("nothing was posted yet, or nothing like that"),
        Format::Table => {
            let mut shown =
                table::table(&["due", "message", "account", "state", "where, or why not", "post"]);
            for row in &rows {
                let url = row.parts.iter().find_map(|part| part.url.clone());
                let detail = row.why.clone().or(url).or_else(|| row.error.clone());
                let detail = [
                    what_it_does(row),
                    detail.unwrap_or_default(),
                    what_became(row),
                    who_said(row),
                ];
                let detail: Vec<String> = detail.into_iter().filter(|words| !words.is_empty()).collect();
                shown.add_row([
                    table::local(row.due, &zone),
                    row.message.clone(),
                    row.account.clone(),
                    row.state.to_string(),
                    detail.join(" "),
                    row.post.clone(),
                ]);
            }
            print_line(&table::text(shown));
        }
    }
    Ok(Exit::Done)
}

/// A recall's own row says what it is.
fn what_it_does(row: &Row) -> String {
    match (&row.recalls, row.deletes, row.edits) {
        (None, ..) => "",
        (Some(_), true, _) => "deletion of",
        (Some(_), false, true) => "edit to",
        (Some(_), false, false) => "correction:",
    }
    .to_owned()
}

/// The last word that a person had on it.
fn who_said(row: &Row) -> String {
    let last = row.said.last();
    last.map_or_else(String::new, |said| format!("({}: {})", said.act, said.by))
}

/// Whether it still stands.
fn what_became(row: &Row) -> String {
    let is = |act: &str| {
        row.recalled
            .iter()
            .any(|recall| recall.is_done() && recall.act() == act)
    };
    let became = match (is("delete"), is("correct"), is("edit")) {
        (true, ..) => "(deleted since)",
        (false, true, true) => "(edited and corrected since)",
        (false, true, false) => "(corrected since)",
        (false, false, true) => "(edited since)",
        (false, false, false) => "",
    };
    became.to_owned()
}

/// A day of the campaign's, or an instant with an offset.
pub(super) fn instant(text: &str, zone: &jiff::tz::TimeZone) -> Result<Timestamp, Failed> {
    say::instant(text, zone).ok_or_else(|| {
        Failed::Usage(format!(
            "`--since {text}` is neither a day (2026-12-01) nor an instant (2026-12-01T09:00:00Z)"
        ))
    })
}

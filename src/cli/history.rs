//! `steadfast history`: what was posted, and what became of the rest.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::ledger::{Filter, Post, SentPart};
use crate::post::state::State;

use super::args::Format;
use super::recall::RecallRow;
use super::say::address;
use super::{Exit, Failed, Office, print_json, print_line, table};

pub(super) struct Asked {
    pub since: Option<String>,
    pub message: Option<String>,
    pub account: Option<String>,
    pub state: Option<State>,
    pub limit: u32,
}

#[derive(Serialize)]
struct Row {
    post: String,
    message: String,
    account: String,
    platform: String,
    due: Timestamp,
    state: State,
    why: Option<String>,
    attempts: u32,
    parts: Vec<PartRow>,
    error: Option<String>,
    #[serde(skip)]
    deletes: bool,
    /// It deletes or corrects this one.
    recalls: Option<String>,
    /// What was done about it.
    recalled: Vec<RecallRow>,
}

#[derive(Serialize)]
struct PartRow {
    index: usize,
    text: String,
    id: Option<String>,
    url: Option<String>,
    sent_at: Option<Timestamp>,
}

impl Row {
    fn new(office: &Office, post: Post, sent: &[SentPart], recalled: Vec<RecallRow>) -> Self {
        let part = |(index, part): (usize, crate::post::content::Part)| {
            let sent = sent.iter().find(|sent| usize::from(sent.index) == index);
            let receipt = sent.and_then(|sent| sent.receipt.as_ref());
            PartRow {
                index,
                text: part.text,
                id: receipt.map(|receipt| receipt.id.clone()),
                url: receipt
                    .and_then(|receipt| receipt.url.as_deref())
                    .map(|url| address(office, url)),
                sent_at: sent.and_then(|sent| sent.sent),
            }
        };
        Self {
            post: post.id.to_string(),
            message: post.message.to_string(),
            account: post.account.to_string(),
            platform: post.platform,
            due: post.due,
            state: post.standing.state,
            why: post.standing.why,
            attempts: post.attempts,
            deletes: post.content.deletes().is_some(),
            parts: post.content.parts.into_iter().enumerate().map(part).collect(),
            error: post.error,
            recalls: post.content.recall.map(|recall| recall.post.to_string()),
            recalled,
        }
    }
}

impl Row {
    /// A recall's own row says what it is.
    fn what_it_does(&self) -> String {
        match (&self.recalls, self.deletes) {
            (None, _) => "",
            (Some(_), true) => "deletion of",
            (Some(_), false) => "correction:",
        }
        .to_owned()
    }

    /// Whether it still stands.
    fn what_became(&self) -> String {
        let is = |act: &str| {
            self.recalled
                .iter()
                .any(|recall| recall.is_done() && recall.act() == act)
        };
        match (is("delete"), is("correct")) {
            (true, _) => "(deleted since)".to_owned(),
            (false, true) => "(corrected since)".to_owned(),
            (false, false) => String::new(),
        }
    }
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
    let mut rows = Vec::new();
    if let Some(ledger) = office.ledger_if_any().await? {
        for post in ledger.history(&filter).await? {
            let parts = ledger.parts(post.id).await?;
            let mut recalled = Vec::new();
            for recall in ledger.recalls(&[post.id]).await? {
                recalled.extend(RecallRow::new(office, &*ledger, &recall).await?);
            }
            rows.push(Row::new(office, post, &parts, recalled));
        }
    }
    match format {
        Format::Json => print_json(&rows),
        Format::Table if rows.is_empty() => print_line("nothing was posted yet, or nothing like that"),
        Format::Table => {
            let mut shown =
                table::table(&["due", "message", "account", "state", "where, or why not", "post"]);
            for row in &rows {
                let url = row.parts.iter().find_map(|part| part.url.clone());
                let detail = row.why.clone().or(url).or_else(|| row.error.clone());
                let detail = [row.what_it_does(), detail.unwrap_or_default(), row.what_became()];
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

/// A day of the campaign's, or an instant with an offset.
pub(super) fn instant(text: &str, zone: &jiff::tz::TimeZone) -> Result<Timestamp, Failed> {
    let day = || {
        text.parse::<Date>()
            .ok()?
            .to_zoned(zone.clone())
            .ok()
            .map(|day| day.timestamp())
    };
    text.parse::<Timestamp>().ok().or_else(day).ok_or_else(|| {
        Failed::Usage(format!(
            "`--since {text}` is neither a day (2026-12-01) nor an instant (2026-12-01T09:00:00Z)"
        ))
    })
}

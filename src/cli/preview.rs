//! `steadfast preview`: each platform's exact text, parts and lengths, as of now.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use serde::Serialize;

use crate::campaign::message::Message;
use crate::campaign::render::Renderer;
use crate::campaign::{Account, Campaign, Roster};
use crate::post::content::Part;
use crate::text::count::measure;
use crate::text::limits::Measure;

use super::args::Format;
use super::say::meant;
use super::{Exit, Failed, Office, print_json, print_line};

#[derive(Serialize)]
struct Row {
    message: String,
    account: String,
    platform: String,
    language: String,
    parts: Vec<PartRow>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct PartRow {
    text: String,
    length: usize,
    limit: Option<usize>,
    unit: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    /// A link that is shown as a card below the text.
    #[serde(skip)]
    card: Option<String>,
    /// It shares another's post, and has no words of its own to be measured.
    #[serde(skip)]
    share: bool,
}

impl PartRow {
    /// As a reader will see it, and as `check` measures it: with the link, where the platform shows none.
    fn new(part: &Part, measured: Measure, text: &str) -> Self {
        let link = part.link.as_ref().map(|link| link.url.clone());
        Self {
            card: link.filter(|url| !text.contains(url.as_str())),
            text: text.to_owned(),
            length: measured.length,
            limit: measured.limit,
            unit: measured.unit.into_owned(),
            images: part
                .images
                .iter()
                .map(|image| match image.card {
                    Some(_) => format!("card: {}", image.alt),
                    None => format!("{}: {}", image.file, image.alt),
                })
                .collect(),
            share: false,
        }
    }

    fn share(url: &str) -> Self {
        Self {
            text: format!("shares {url}"),
            length: 0,
            limit: None,
            unit: "characters".to_owned(),
            images: Vec::new(),
            card: None,
            share: true,
        }
    }
}

pub(super) fn preview(office: &Office, wanted: Option<&str>, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let messages: Vec<_> = campaign
        .messages
        .iter()
        .filter(|m| wanted.is_none_or(|id| m.id.as_str() == id))
        .collect();
    if let Some(id) = wanted.filter(|_| messages.is_empty()) {
        let meant = meant(id, campaign.messages.iter().map(|message| message.id.as_str()));
        return Err(Failed::Usage(format!(
            "there is no message `{id}` that can be read{meant}; `steadfast check` shows what is wrong"
        )));
    }
    let rows = all_rows(&campaign, &files.roster, &messages, office.clock.now());
    match format {
        Format::Json => print_json(&rows),
        Format::Table => rows.iter().for_each(|row| print_line(&shown(row))),
    }
    let wrong = rows.iter().any(|row| !row.problems.is_empty());
    Ok(if wrong { Exit::Wrong } else { Exit::Done })
}

/// The rows of all messages, in order, worked out on all cores.
fn all_rows(campaign: &Campaign, roster: &Roster, messages: &[&Arc<Message>], now: Timestamp) -> Vec<Row> {
    let rows_of = |messages: &[&Arc<Message>]| {
        let mut renderer = Renderer::new(campaign, now);
        let mut rows = Vec::new();
        for message in messages {
            let accounts = roster.target_indexes(&message.to).into_iter();
            let accounts = accounts.filter_map(|index| roster.accounts.get(index));
            rows.extend(accounts.map(|account| row(campaign, &mut renderer, message, account)));
        }
        rows
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = messages.len().div_ceil(cores).max(LEAST_SHARE);
    thread::scope(|scope| {
        let shares: Vec<_> = messages
            .chunks(share)
            .map(|share| scope.spawn(|| rows_of(share)))
            .collect();
        let rows = shares.into_iter().map(|share| match share.join() {
            Ok(rows) => rows,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        rows.flatten().collect()
    })
}

/// So few messages are not worth a thread.
const LEAST_SHARE: usize = 50;

fn row(campaign: &Campaign, renderer: &mut Renderer<'_>, message: &Message, account: &Account) -> Row {
    let mut row = Row {
        message: message.id.to_string(),
        account: account.name.to_string(),
        platform: account.platform.to_owned(),
        language: account
            .language
            .clone()
            .unwrap_or_else(|| campaign.settings.language.clone()),
        parts: Vec::new(),
        problems: campaign.blocked.get(&message.id).cloned().into_iter().collect(),
    };
    match renderer.render(message, account) {
        Err(problem) => row.problems.push(problem.to_string()),
        Ok(content) => {
            row.language.clone_from(&content.language);
            if let Some(url) = &content.share {
                row.parts.push(PartRow::share(url));
                return row;
            }
            let warn = content.warn.as_deref().unwrap_or_default();
            for (index, part) in content.parts.iter().enumerate() {
                let limits = &account.limits;
                let text = part.shown_text(limits.abilities);
                let measured = measure(limits.rule(index, !part.images.is_empty()), &text, warn);
                let objection = measured.objection();
                let objection = objection.map(|objection| format!("part {} {objection}", index + 1));
                row.problems.extend(objection);
                row.parts.push(PartRow::new(part, measured, &text));
            }
        }
    }
    row
}

fn shown(row: &Row) -> String {
    use std::fmt::Write;
    // Writing to a string cannot fail.
    let mut out = format!(
        "── {} on {} ({}, {})\n",
        row.message, row.account, row.platform, row.language
    );
    for (index, part) in row.parts.iter().enumerate() {
        let limit = part
            .limit
            .map_or_else(|| "no limit".to_owned(), |limit| format!("of {limit}"));
        let number = if row.parts.len() > 1 {
            format!("part {}/{}, ", index + 1, row.parts.len())
        } else {
            String::new()
        };
        if !part.share {
            let _ = writeln!(out, "   [{number}{} {} {}]", part.length, limit, part.unit);
        }
        for line in part.text.lines() {
            let _ = writeln!(out, "   {line}");
        }
        for image in &part.images {
            let _ = writeln!(out, "   image {image}");
        }
        if let Some(card) = &part.card {
            let _ = writeln!(out, "   card {card}");
        }
    }
    for problem in &row.problems {
        let _ = writeln!(out, "   problem: {problem}");
    }
    out
}

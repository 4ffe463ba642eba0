//! `steadfast preview`: each platform's exact text, parts and lengths, as of now.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use crate::campaign::message::Message;
use crate::campaign::render::Renderer;
use crate::desk::preview::{Row, rows};

use super::args::Format;
use super::say::meant;
use super::{Exit, Failed, Office, print, print_as_is, print_json};

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
    let now = office.clock.now();
    let as_text = match format {
        Format::Json => json,
        Format::Table => |rows: &[Row]| {
            rows.iter()
                .flat_map(|row| [shown(row), "\n".to_owned()])
                .collect()
        },
    };
    let shares = on_all_cores(&messages, |messages| {
        let mut renderer = Renderer::new(&campaign, now);
        let rows = rows(&campaign, &files.roster, messages, &mut renderer);
        let wrong = rows.iter().any(|row| !row.problems.is_empty());
        (as_text(&rows), wrong)
    });
    let wrong = shares.iter().any(|(_, wrong)| *wrong);
    let texts = shares
        .iter()
        .map(|(text, _)| &**text)
        .filter(|text| !text.is_empty());
    let texts: Vec<&str> = texts.collect();
    match format {
        Format::Json if texts.is_empty() => print_json(&[(); 0]),
        Format::Json => {
            print_as_is("[\n");
            for (n, text) in texts.iter().enumerate() {
                print_as_is(if n > 0 { ",\n" } else { "" });
                print_as_is(text);
            }
            print_as_is("\n]\n");
        }
        Format::Table => print(&texts.concat()),
    }
    Ok(if wrong { Exit::Wrong } else { Exit::Done })
}

/// Rows as they stand in one JSON list, without its brackets.
fn json(rows: &[Row]) -> String {
    let list = serde_json::to_string_pretty(rows).unwrap_or_default();
    let rows = list.strip_prefix("[\n").and_then(|rows| rows.strip_suffix("\n]"));
    rows.map(str::to_owned).unwrap_or_default()
}

/// So few messages are not worth a thread.
const LEAST_SHARE: usize = 50;

/// What `work` makes of the messages, share by share, in their order.
fn on_all_cores<T: Send>(messages: &[&Arc<Message>], work: impl Fn(&[&Arc<Message>]) -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = messages.len().div_ceil(cores).max(LEAST_SHARE);
    thread::scope(|scope| {
        let shares: Vec<_> = messages
            .chunks(share)
            .map(|share| scope.spawn(|| work(share)))
            .collect();
        let shares = shares.into_iter().map(|share| match share.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        shares.collect()
    })
}

fn shown(row: &Row) -> String {
    use std::fmt::Write;
    // Writing to a string cannot fail.
    let variant = row
        .variant
        .map_or_else(String::new, |nth| format!(", variant {nth}"));
    let mut out = format!(
        "── {} on {} ({}, {}{variant})\n",
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
        if let Some(video) = &part.video {
            let _ = writeln!(out, "   video {video}");
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

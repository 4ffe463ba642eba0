//! `steadfast check`: every problem in the files.

use std::io::IsTerminal;

use jiff::SignedDuration;

use crate::campaign::older::{has_translations, older};
use crate::campaign::outside::Outside;
use crate::campaign::problem::{Problem, Severity};

use super::args::Format;
use super::say::many;
use super::{Exit, Failed, Files, Office, print, print_json, show};

/// How long the version history is asked, for all files together.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn check(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let mut problems = files.assembled.problems.to_vec();
    problems.extend(older_translations(office, &files));
    problems.sort_by(|a, b| (&a.place, a.severity, a.code).cmp(&(&b.place, b.severity, b.code)));
    let problems = &*problems;
    match format {
        Format::Json => print_json(&show::json(problems)),
        Format::Table => {
            print(&show::render(problems, std::io::stdout().is_terminal()));
            if problems.is_empty() {
                let count = files
                    .assembled
                    .campaign
                    .as_ref()
                    .map_or(0, |campaign| campaign.messages.len());
                print(&format!("no problems in {}\n", many(count, "message")));
            }
        }
    }
    let wrong = problems.iter().any(|problem| problem.severity == Severity::Error);
    Ok(if wrong { Exit::Wrong } else { Exit::Done })
}

/// Translations that are older than their originals, by the folder's version history.
fn older_translations(office: &Office, files: &Files) -> Vec<Problem> {
    let Ok(campaign) = &files.assembled.campaign else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let began = office.clock.now();
    let mut translated = files.read.iter().filter(|read| has_translations(read)).peekable();
    if translated.peek().is_none() || !files.folder.has_history() {
        return problems;
    }
    for read in translated {
        if office.clock.now().duration_since(began) > PATIENCE {
            tracing::warn!(
                event = "check.history",
                "the version history answers too slowly: not all translations were compared with their originals"
            );
            break;
        }
        if let Some(text) = files.folder.text(&read.file)
            && let Some(written) = files.folder.written(&read.file, &text)
        {
            problems.extend(older(read, &text, &written, &campaign.settings.zone));
        }
    }
    problems
}

//! `steadfast check`: every problem in the files, and what the plan of the next days has to be warned of.

use std::io::IsTerminal;

use crate::campaign::problem::Severity;
use crate::desk::check::{ahead, older_translations, rows};

use super::args::Format;
use super::say::many;
use super::{Exit, Failed, Office, complain, print, print_json, show};

pub(super) async fn check(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let mut problems = files.assembled.problems.to_vec();
    match ahead(office, &files).await {
        Ok(found) => problems.extend(found),
        Err(why) => complain(&format!(
            "note: the ledger cannot be read, so whether the queue runs dry, or a message was renamed, is not known: {why}"
        )),
    }
    problems.extend(older_translations(office, &files));
    problems.sort_by(|a, b| (&a.place, a.severity, a.code).cmp(&(&b.place, b.severity, b.code)));
    match format {
        Format::Json => print_json(&rows(&problems)),
        Format::Table => {
            print(&show::render(&problems, std::io::stdout().is_terminal()));
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

//! `steadfast check`: every problem in the files.

use std::io::IsTerminal;

use crate::campaign::problem::Severity;

use super::args::Format;
use super::say::many;
use super::{Exit, Failed, Office, print, print_json, show};

pub(super) fn check(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let problems = &files.assembled.problems;
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

//! `steadfast check`: every problem in the files, and what the plan of the next days has to be warned of.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use crate::calendar::outlook::outlook;
use crate::calendar::past::Past;
use crate::calendar::plan::View;
use crate::campaign::likeness::problems;
use crate::campaign::older::{has_translations, older};
use crate::campaign::outside::Outside;
use crate::campaign::problem::{Problem, Severity};
use crate::daemon::lookalike::lookalikes;

use super::args::Format;
use super::say::many;
use super::{Exit, Failed, Files, Office, complain, print, print_json, show};

/// How long the version history is asked, for all files together.
const HISTORY_PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// How long a ledger may take to say what was posted: the files can be checked without it.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn check(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let mut problems = files.assembled.problems.to_vec();
    problems.extend(ahead(office, &files).await);
    problems.extend(older_translations(office, &files));
    problems.sort_by(|a, b| (&a.place, a.severity, a.code).cmp(&(&b.place, b.severity, b.code)));
    match format {
        Format::Json => print_json(&show::json(&problems)),
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

/// What only the plan can tell. It takes the ledger's word for what was posted; without a ledger nothing was.
async fn ahead(office: &Office, files: &Files) -> Vec<Problem> {
    let Ok(campaign) = &files.assembled.campaign else {
        return Vec::new();
    };
    let now = office.clock.now();
    let past = async {
        match office.ledger_if_any().await? {
            Some(ledger) => Ok((
                office.past(campaign, &*ledger).await?,
                lookalikes(&*ledger, campaign, &files.roster, now).await?,
            )),
            None => Ok::<_, Failed>((Past::default(), BTreeMap::new())),
        }
    };
    let why = match tokio::time::timeout(PATIENCE, past).await {
        Ok(Ok((past, found))) => {
            let campaign = &campaign.clone().without(&found);
            let view = View {
                campaign,
                roster: &files.roster,
                past: &past,
                late: office.settings.late,
            };
            let mut ahead = outlook(&view, now, &files.folder);
            ahead.extend(problems(campaign, &found, &files.folder));
            return ahead;
        }
        Ok(Err(failed)) => failed.to_string(),
        Err(_) => "it does not answer".to_owned(),
    };
    complain(&format!(
        "note: the ledger cannot be read, so whether the queue runs dry, or a message was renamed, is not known: {why}"
    ));
    Vec::new()
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
        if office.clock.now().duration_since(began) > HISTORY_PATIENCE {
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

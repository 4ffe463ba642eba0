//! What the files alone can't tell: problems of the days to come, and of the files' history.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::calendar::outlook::outlook;
use crate::calendar::past::Past;
use crate::calendar::plan::View;
use crate::campaign::Campaign;
use crate::campaign::likeness::{Lookalike, problems};
use crate::campaign::older::{has_translations, older};
use crate::campaign::outside::Outside;
use crate::campaign::problem::{Problem, Severity};
use crate::daemon::lookalike::lookalikes;
use crate::ledger::Ledger;
use crate::post::identity::MessageId;

use super::{Failed, Files, Office};

/// How long the version history is asked, for all files together.
const HISTORY_PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// How long a ledger may take to say what was posted: the files can be checked without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What only the plan can tell. It takes the ledger's word for what was posted; without a ledger nothing was.
///
/// # Errors
/// Why the ledger can't be asked, in one sentence.
pub async fn ahead(office: &Office, files: &Files) -> Result<Vec<Problem>, String> {
    let Ok(campaign) = &files.assembled.campaign else {
        return Ok(Vec::new());
    };
    let known = async {
        let ledger = office.ledger_if_any().await?;
        Known::of(office, files, campaign, ledger.as_deref()).await
    };
    match tokio::time::timeout(PATIENCE, known).await {
        Ok(Ok(known)) => Ok(known.problems(office, files, campaign)),
        Ok(Err(failed)) => Err(failed.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// What the ledger knows that makes problems.
pub struct Known {
    pub past: Past,
    /// Messages that look like one that is gone.
    pub alike: BTreeMap<MessageId, Lookalike>,
}

impl Known {
    /// Asks the ledger. Without one, nothing was posted.
    pub async fn of(
        office: &Office,
        files: &Files,
        campaign: &Campaign,
        ledger: Option<&dyn Ledger>,
    ) -> Result<Self, Failed> {
        let Some(ledger) = ledger else {
            return Ok(Self {
                past: Past::default(),
                alike: BTreeMap::new(),
            });
        };
        Ok(Self {
            past: office.past(campaign, ledger).await?,
            alike: lookalikes(ledger, campaign, &files.roster, office.clock.now()).await?,
        })
    }

    /// What only the plan can tell, and messages that look like one that is gone.
    pub fn problems(&self, office: &Office, files: &Files, campaign: &Campaign) -> Vec<Problem> {
        let campaign = &campaign.clone().without(&self.alike);
        let view = View {
            campaign,
            roster: &files.roster,
            past: &self.past,
            late: office.settings.late,
        };
        let mut found = outlook(&view, office.clock.now(), &files.folder);
        found.extend(problems(campaign, &self.alike, &files.folder));
        found
    }
}

/// Translations that are older than their originals, by the folder's version history.
pub fn older_translations(office: &Office, files: &Files) -> Vec<Problem> {
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

/// A problem, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "FileProblem")]
pub struct Row {
    #[schemars(with = "String")]
    pub severity: Severity,
    pub code: &'static str,
    pub message: String,
    pub help: String,
    pub file: String,
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

/// Problems as they are shown, in their order.
pub fn rows(problems: &[Problem]) -> Vec<Row> {
    let row = |problem: &Problem| Row {
        severity: problem.severity,
        code: problem.code,
        message: problem.message.clone(),
        help: problem.help.clone(),
        file: problem.place.file.to_string(),
        line: problem.place.line,
        column: problem.place.column,
        length: problem.place.length,
    };
    problems.iter().map(row).collect()
}

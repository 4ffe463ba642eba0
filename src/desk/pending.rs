//! What waits for approval, and what is other than what was approved before.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::calendar::civil;
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, View, plan};
use crate::campaign::Campaign;
use crate::campaign::approval::{Approval, Approvals, Proposal, Rule};
use crate::campaign::message::{Local, Message, When};
use crate::ledger::Ledger;
use crate::post::digest::Digest;
use crate::post::identity::{Identity, MessageId, Occurrence};
use crate::post::state::State;

use super::{Failed, Files, Office};

/// How far ahead it is looked for when a message goes out next.
const AHEAD: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A message that waits for approval.
pub struct Waiting {
    pub message: Arc<Message>,
    /// When it goes out next, if it may; `None`: it has no time yet.
    pub due: Option<Timestamp>,
}

/// One that waits, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Pending")]
pub struct Row {
    pub message: String,
    pub due: Option<Timestamp>,
    pub why: String,
    /// An error in it, that must be mended first.
    pub problem: Option<String>,
    pub author: Option<String>,
    #[schemars(with = "Option<String>")]
    pub digest: Option<Digest>,
    /// Who has approved this very content.
    pub approvals: Vec<ApprovalRow>,
    pub content: Option<String>,
    /// What was approved last.
    pub before: Option<String>,
    /// Both together, line by line: `- ` was approved, `+ ` is new.
    pub changes: Option<Vec<String>>,
}

/// Who approved, and when.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Approval")]
pub struct ApprovalRow {
    pub by: String,
    pub at: Timestamp,
}

/// The rule, where there is one.
pub fn rule(office: &Office) -> Result<Rule, Failed> {
    office.settings.approval.ok_or_else(|| {
        Failed::Usage(
            "nothing waits for approval: `delivery.approval` is \"off\"; set it to \"required\" first"
                .to_owned(),
        )
    })
}

/// All that was ever said of approval.
pub async fn known(
    files: &Files,
    campaign: &Campaign,
    ledger: Option<&dyn Ledger>,
) -> Result<Approvals, Failed> {
    Ok(match ledger {
        Some(ledger) => {
            let said = Approvals::new(ledger.approvals().await?);
            said.carried(campaign, &files.roster, &|file| files.folder.hash(file))
        }
        None => Approvals::default(),
    })
}

/// What `message` would say.
pub fn proposal(files: &Files, campaign: &Campaign, message: &Message) -> Result<Proposal, String> {
    Proposal::of(campaign, &files.roster, message, &|file| files.folder.hash(file))
}

/// The messages that wait, as they are shown.
///
/// # Errors
/// If nothing need be approved here, or the ledger can't be read.
pub async fn rows(office: &Office, files: &Files, ledger: Option<&dyn Ledger>) -> Result<Vec<Row>, Failed> {
    let rule = rule(office)?;
    let campaign = Office::campaign(files)?;
    let approvals = known(files, &campaign, ledger).await?;
    let mut rows = Vec::new();
    for waiting in waiting(office, files, &campaign, ledger).await? {
        let before = match ledger {
            Some(ledger) => ledger.approved_last(&waiting.message.id).await?,
            None => None,
        };
        rows.push(row(files, &campaign, &approvals, rule, &waiting, before));
    }
    Ok(rows)
}

/// The messages that wait, the next due first; those without a time come last.
pub async fn waiting(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    ledger: Option<&dyn Ledger>,
) -> Result<Vec<Waiting>, Failed> {
    let gated = office.gate(files, campaign, ledger).await?;
    let unapproved = gated.unapproved();
    let now = office.clock.now();
    let (mut past, mut open) = (Past::default(), BTreeMap::<MessageId, Timestamp>::new());
    if let Some(ledger) = ledger {
        past = office.past(campaign, ledger).await?;
        for state in [State::Due, State::Retrying, State::Held] {
            for post in ledger.in_state(state, 100_000).await? {
                let due = open.entry(post.message).or_insert(post.due);
                *due = post.due.min(*due);
            }
        }
    }
    let view = View {
        campaign,
        roster: &files.roster,
        past: &past,
        late: office.settings.late,
    };
    let mut next = open.clone();
    // As if all were approved.
    for planned in plan(&view, now, now.saturating_add(AHEAD).unwrap_or(now)).posts {
        if !matches!(planned.fate, Fate::Blocked(_)) {
            let due = next.entry(planned.message.id.clone()).or_insert(planned.due);
            *due = planned.due.min(*due);
        }
    }
    let mut waiting: Vec<Waiting> = campaign
        .messages
        .iter()
        .filter(|message| unapproved.contains(&message.id))
        .filter(|message| open.contains_key(&message.id) || is_to_come(campaign, files, &past, message, now))
        .map(|message| Waiting {
            message: Arc::clone(message),
            due: next
                .get(&message.id)
                .copied()
                .or_else(|| dated(campaign, message)),
        })
        .collect();
    waiting.sort_by_key(|waiting| waiting.due.unwrap_or(Timestamp::MAX));
    Ok(waiting)
}

fn instant(campaign: &Campaign, local: Local) -> Option<Timestamp> {
    match local {
        Local::Fixed(at) => Some(at),
        Local::Civil(local) => civil::instant(&campaign.settings.zone, local),
    }
}

fn dated(campaign: &Campaign, message: &Message) -> Option<Timestamp> {
    match message.when {
        When::At(local) => instant(campaign, local),
        _ => None,
    }
}

/// Whether there is anything of it that could still go out.
fn is_to_come(campaign: &Campaign, files: &Files, past: &Past, message: &Message, now: Timestamp) -> bool {
    let expires = message.expires.and_then(|expires| instant(campaign, expires));
    if expires.is_some_and(|expires| expires <= now) {
        return false;
    }
    if matches!(message.when, When::Cron(_) | When::Evergreen) {
        return true;
    }
    files.roster.targets(&message.to).iter().any(|account| {
        let once = Identity {
            campaign: campaign.settings.id.clone(),
            message: message.id.clone(),
            account: account.name.clone(),
            occurrence: Occurrence::once(),
        };
        !past.has(&once, &message.was)
    })
}

/// What is shown of one that waits.
pub fn row(
    files: &Files,
    campaign: &Campaign,
    approvals: &Approvals,
    rule: Rule,
    waiting: &Waiting,
    before: Option<String>,
) -> Row {
    let message = &waiting.message;
    let author = campaign.author(message);
    let mut row = Row {
        message: message.id.to_string(),
        due: waiting.due,
        why: String::new(),
        problem: campaign.blocked.get(&message.id).cloned(),
        author: author.map(str::to_owned),
        digest: None,
        approvals: Vec::new(),
        content: None,
        before,
        changes: None,
    };
    match proposal(files, campaign, message) {
        Err(why) => row.why = why,
        Ok(proposal) => {
            let digest = proposal.digest();
            let standing = approvals.standing(message, digest, author, rule);
            let said = |word: &Approval| ApprovalRow {
                by: word.by.clone(),
                at: word.at,
            };
            row.why = standing.why().unwrap_or_default();
            row.digest = Some(digest);
            row.approvals = approvals.of(&message.id, digest).into_iter().map(said).collect();
            let content = proposal.lines().join("\n");
            row.changes = row.before.as_deref().map(|before| changes(before, &content));
            row.content = Some(content);
        }
    }
    row
}

/// Line by line: `- ` was approved, `+ ` is new, and what is in both.
pub fn changes(before: &str, now: &str) -> Vec<String> {
    let difference = TextDiff::from_lines(before, now);
    let line = |change: similar::Change<&str>| {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        format!("{sign} {}", change.value().trim_end_matches('\n'))
    };
    difference.iter_all_changes().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_shown_line_by_line() {
        let before = "to: mastodon\ntext: ten to two\nfact.verdict: 10-2";
        let now = "to: mastodon\ntext: ten to two\nfact.verdict: 11-1\nlink: https://a.example";
        let expected = [
            "  to: mastodon",
            "  text: ten to two",
            "- fact.verdict: 10-2",
            "+ fact.verdict: 11-1",
            "+ link: https://a.example",
        ];
        assert_eq!(changes(before, now), expected);
    }
}

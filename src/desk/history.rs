//! What was posted, and what became of the rest.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::{Filter, Ledger, Post, SentPart, Spoken};
use crate::post::content::Part;
use crate::post::state::State;

use super::recall::found::RecallRow;
use super::say::address;
use super::{Failed, Office};

/// A post.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Post")]
pub struct Row {
    pub post: String,
    pub message: String,
    pub account: String,
    pub platform: String,
    pub due: Timestamp,
    pub state: State,
    pub why: Option<String>,
    pub attempts: u32,
    pub parts: Vec<PartRow>,
    pub error: Option<String>,
    #[serde(skip)]
    pub deletes: bool,
    #[serde(skip)]
    pub edits: bool,
    /// It deletes, corrects or edits this one.
    pub recalls: Option<String>,
    /// What was done about it.
    pub recalled: Vec<RecallRow>,
    /// What people decided about it, oldest first.
    pub said: Vec<SaidRow>,
}

/// A person's word on it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Said")]
pub struct SaidRow {
    /// `post`, `retry`, `skip`, `sent`, `not_sent` or `recall`.
    pub act: String,
    pub by: String,
    pub at: Timestamp,
}

/// One part of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Part")]
pub struct PartRow {
    pub index: usize,
    pub text: String,
    pub id: Option<String>,
    pub url: Option<String>,
    pub sent_at: Option<Timestamp>,
}

impl Row {
    fn new(
        office: &Office,
        post: Post,
        sent: &[SentPart],
        recalled: Vec<RecallRow>,
        spoken: Vec<Spoken>,
    ) -> Self {
        let said = |word: Spoken| SaidRow {
            act: word.act,
            by: word.by,
            at: word.at,
        };
        let part = |(index, part): (usize, Part)| {
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
            edits: post.content.is_edit(),
            parts: post.content.parts.into_iter().enumerate().map(part).collect(),
            error: post.error,
            recalls: post.content.recall.map(|recall| recall.post.to_string()),
            recalled,
            said: spoken.into_iter().map(said).collect(),
        }
    }
}

/// Those that the filter names, the latest first, with their parts and their recalls.
///
/// # Errors
/// If the ledger can't be read.
pub async fn rows(office: &Office, ledger: &dyn Ledger, filter: &Filter) -> Result<Vec<Row>, Failed> {
    let mut rows = Vec::new();
    for post in ledger.history(filter).await? {
        rows.push(row(office, ledger, post).await?);
    }
    Ok(rows)
}

/// One of them.
///
/// # Errors
/// If the ledger can't be read.
pub async fn row(office: &Office, ledger: &dyn Ledger, post: Post) -> Result<Row, Failed> {
    let parts = ledger.parts(post.id).await?;
    let mut recalled = Vec::new();
    for recall in ledger.recalls(&[post.id]).await? {
        recalled.extend(RecallRow::new(office, ledger, &recall).await?);
    }
    let spoken = ledger.spoken(&[post.id]).await?;
    Ok(Row::new(office, post, &parts, recalled, spoken))
}

//! The published posts that a recall is about, each as it stood when it was posted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::desk::say::address;
use crate::desk::{Failed, Office};
use crate::ledger::{Ledger, Post, Published, SentPart};
use crate::post::content::Content;
use crate::post::outcome::Receipt;
use crate::post::state::State;

/// How many posts are read at once.
const PAGE: u32 = 500;

/// A published post, its parts, and what was done about it before.
pub struct Found {
    pub post: Post,
    pub parts: Vec<SentPart>,
    pub recalls: Vec<Post>,
}

impl Found {
    /// The proofs of what is out, in the order of its parts.
    pub fn receipts(&self) -> Vec<Receipt> {
        let receipts = self.parts.iter().filter_map(|part| part.receipt.clone());
        receipts.filter(|receipt| !receipt.is_of_nothing()).collect()
    }

    /// A request of it is under way, or nobody knows what became of one.
    pub fn is_unsure(&self) -> bool {
        self.post.standing.state == State::Sending || self.post.standing.doubted()
    }

    /// What it says by now: as it went out, or as it was edited last.
    pub fn says(&self) -> &Content {
        says(&self.post, &self.recalls)
    }

    /// The last edit of it that was done.
    pub fn edited(&self) -> Option<&Post> {
        last_edit(&self.recalls)
    }

    /// Whether it may say this, about which no one can be sure while an edit is under way.
    fn may_say(&self, said: impl Fn(&Content) -> bool) -> bool {
        let begun = |recall: &&Post| {
            let standing = &recall.standing;
            recall.began.is_some() || standing.state == State::Sending || standing.doubted()
        };
        let unfinished = |edit: &&Post| edit.content.is_edit() && edit.standing.state != State::Sent;
        let unfinished = self.recalls.iter().filter(unfinished).filter(begun);
        said(self.says()) || unfinished.map(|edit| &edit.content).any(said)
    }

    /// Where it is, if its platform has said so.
    pub fn place(&self) -> String {
        let url = self.receipts().into_iter().find_map(|receipt| receipt.url);
        url.unwrap_or_default()
    }

    /// Whether it was deleted by an earlier recall.
    pub fn is_deleted(&self) -> bool {
        let deletion =
            |recall: &Post| recall.content.deletes().is_some() && recall.standing.state == State::Sent;
        self.recalls.iter().any(deletion)
    }
}

/// What a post says by now; `recalls` are its own.
pub fn says<'p>(post: &'p Post, recalls: &'p [Post]) -> &'p Content {
    last_edit(recalls).map_or(&post.content, |edit| &edit.content)
}

fn last_edit(recalls: &[Post]) -> Option<&Post> {
    let done = |recall: &&Post| recall.content.is_edit() && recall.standing.state == State::Sent;
    recalls
        .iter()
        .filter(done)
        .max_by_key(|edit| (edit.sent, edit.id))
}

/// Those that are out, or may be, by when they went out. `said`: only those that said this value of the fact.
pub async fn find(ledger: &dyn Ledger, which: &Published, said: Option<&str>) -> Result<Vec<Found>, Failed> {
    let mut found: Vec<Found> = Vec::new();
    let mut after = None;
    loop {
        let page = ledger.published(which, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let ids: Vec<_> = page.iter().map(|post| post.id).collect();
        let mut recalls: BTreeMap<_, Vec<Post>> = BTreeMap::new();
        for recall in ledger.recalls(&ids).await? {
            if let Some(of) = recall.content.recall.as_ref().map(|recall| recall.post) {
                recalls.entry(of).or_default().push(recall);
            }
        }
        let mut parts = ledger.parts_of(&ids).await?;
        for post in page {
            let mut one = Found {
                recalls: recalls.remove(&post.id).unwrap_or_default(),
                parts: Vec::new(),
                post,
            };
            // What it said before it was edited nobody reads any more.
            let asked = |content: &Content| match which {
                Published::WithFact(name) => {
                    let quoted = content.facts.get(name);
                    quoted.is_some_and(|quoted| said.is_none_or(|said| said == quoted.value))
                }
                Published::Of(_) | Published::WithFacts => said.is_none(),
            };
            if one.may_say(asked) {
                one.parts = parts.remove(&one.post.id).unwrap_or_default();
                found.push(one);
            }
        }
    }
    found.sort_by_key(|found| (found.post.began.unwrap_or(found.post.due), found.post.id));
    Ok(found)
}

/// A published post, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Published")]
pub struct Row {
    post: String,
    message: String,
    account: String,
    platform: String,
    state: State,
    /// Nobody knows yet whether all of it is out.
    unsure: bool,
    /// The facts that it was made with, as it says them by now.
    facts: BTreeMap<String, String>,
    /// When it was given other words, the last time.
    edited_at: Option<Timestamp>,
    parts: Vec<PartRow>,
    recalls: Vec<RecallRow>,
}

/// One part of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "PublishedPart")]
pub struct PartRow {
    index: u16,
    id: Option<String>,
    url: Option<String>,
    sent_at: Option<Timestamp>,
}

/// What was done about a post.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Recall")]
pub struct RecallRow {
    post: String,
    /// `delete`, `correct` or `edit`.
    act: &'static str,
    state: State,
    why: Option<String>,
    /// When it was done.
    at: Option<Timestamp>,
    /// Of a correction: where it is.
    url: Option<String>,
}

impl RecallRow {
    pub fn act(&self) -> &'static str {
        self.act
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Sent
    }

    /// `None`: it recalls nothing.
    pub async fn new(office: &Office, ledger: &dyn Ledger, recall: &Post) -> Result<Option<Self>, Failed> {
        let Some(said) = &recall.content.recall else {
            return Ok(None);
        };
        let url = match recall.content.answers().filter(|_| recall.began.is_some()) {
            Some(_) => ledger
                .parts(recall.id)
                .await?
                .into_iter()
                .find_map(|part| part.receipt?.url),
            None => None,
        };
        Ok(Some(Self {
            post: recall.id.to_string(),
            act: said.act.as_str(),
            state: recall.standing.state,
            why: said.why.clone(),
            at: recall.sent,
            url: url.map(|url| address(office, &url)),
        }))
    }
}

/// As they are shown.
///
/// # Errors
/// If the ledger can't be read.
pub async fn rows(office: &Office, ledger: &dyn Ledger, found: &[Found]) -> Result<Vec<Row>, Failed> {
    let mut rows = Vec::with_capacity(found.len());
    for one in found {
        let mut recalls = Vec::new();
        for recall in &one.recalls {
            recalls.extend(RecallRow::new(office, ledger, recall).await?);
        }
        let post = &one.post;
        let part = |part: &SentPart| PartRow {
            index: part.index,
            id: part.receipt.as_ref().map(|receipt| receipt.id.clone()),
            url: part
                .receipt
                .as_ref()
                .and_then(|receipt| receipt.url.as_deref())
                .map(|url| address(office, url)),
            sent_at: part.sent,
        };
        rows.push(Row {
            post: post.id.to_string(),
            message: post.message.to_string(),
            account: post.account.to_string(),
            platform: post.platform.clone(),
            state: post.standing.state,
            unsure: one.is_unsure(),
            edited_at: one.edited().and_then(|edit| edit.sent),
            facts: one
                .says()
                .facts
                .iter()
                .map(|(name, quoted)| (name.clone(), quoted.value.clone()))
                .collect(),
            parts: one.parts.iter().map(part).collect(),
            recalls,
        });
    }
    Ok(rows)
}

//! Each post by its last reading, for tables and CSV.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::desk::say::address;
use crate::desk::{Failed, Office};
use crate::ledger::engagement::Counted;
use crate::post::engagement::Counts;

/// A post by its last reading. What its platform does not count is left empty.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Engagement")]
pub struct Row {
    pub post: String,
    pub message: String,
    pub account: String,
    pub platform: String,
    pub sent_at: Timestamp,
    pub url: Option<String>,
    pub likes: Option<u64>,
    pub shares: Option<u64>,
    pub replies: Option<u64>,
    pub quotes: Option<u64>,
    pub views: Option<u64>,
    /// When the platform said so.
    pub as_of: Timestamp,
}

impl Row {
    /// `None`: nothing was read.
    pub fn new(office: &Office, post: &Counted) -> Option<Self> {
        let (as_of, counts) = *post.readings.last()?;
        Some(Self {
            post: post.post.to_string(),
            message: post.message.to_string(),
            account: post.account.to_string(),
            platform: post.platform.clone(),
            sent_at: post.sent,
            url: post.url.as_deref().map(|url| address(office, url)),
            likes: counts.likes,
            shares: counts.shares,
            replies: counts.replies,
            quotes: counts.quotes,
            views: counts.views,
            as_of,
        })
    }
}

/// The same with all that was read before.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "EngagementReadings")]
pub struct WithReadings {
    #[serde(flatten)]
    pub row: Row,
    pub readings: Vec<ReadingRow>,
}

/// What a platform said at one time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Reading")]
pub struct ReadingRow {
    pub at: Timestamp,
    pub likes: Option<u64>,
    pub shares: Option<u64>,
    pub replies: Option<u64>,
    pub quotes: Option<u64>,
    pub views: Option<u64>,
}

impl WithReadings {
    /// `None`: nothing was read.
    pub fn new(office: &Office, post: &Counted) -> Option<Self> {
        Some(Self {
            row: Row::new(office, post)?,
            readings: post.readings.iter().map(reading).collect(),
        })
    }
}

fn reading((at, counts): &(Timestamp, Counts)) -> ReadingRow {
    ReadingRow {
        at: *at,
        likes: counts.likes,
        shares: counts.shares,
        replies: counts.replies,
        quotes: counts.quotes,
        views: counts.views,
    }
}

/// As spreadsheets read it; `headed`: with the names of the columns in the first line.
pub fn csv(rows: impl Iterator<Item = Row>, headed: bool) -> Result<String, Failed> {
    let wrong = |e: &dyn std::fmt::Display| Failed::Wrong(format!("this can't be written as CSV: {e}"));
    let mut writer = csv::WriterBuilder::new()
        .has_headers(headed)
        .from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(|e| wrong(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| wrong(&e))?;
    String::from_utf8(bytes).map_err(|e| wrong(&e))
}

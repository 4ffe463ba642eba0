//! How the public answered. <https://docs.x.com/x-api/fundamentals/metrics>. Each post that is asked for is billed, once
//! a day.

use serde::Deserialize;

use super::super::counts::in_order;
use super::super::http::Answer;
use super::{Account, Complaint, refused};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

/// As the guides name the field, and as the newest schema does.
const FIELDS: [&[(&str, &str)]; 2] = [
    &[("tweet.fields", "public_metrics")],
    &[("post.fields", "public_metrics")],
];

/// Each post stands in one of the two.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    data: Vec<Shown>,
    #[serde(default)]
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Shown {
    id: String,
    public_metrics: Metrics,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "like_count")]
    likes: u64,
    #[serde(rename = "retweet_count", alias = "repost_count")]
    reposts: u64,
    #[serde(rename = "reply_count")]
    replies: u64,
    #[serde(rename = "quote_count")]
    quotes: u64,
    #[serde(rename = "impression_count")]
    views: Option<u64>,
}

fn read(answer: &Answer) -> Option<Vec<(String, Counts)>> {
    let answered = answer.json::<Answered>().filter(|_| answer.status == 200)?;
    if answered.data.is_empty() && answered.errors.is_empty() {
        return None;
    }
    let counted = |shown: Shown| {
        let metrics = shown.public_metrics;
        let counts = Counts {
            likes: Some(metrics.likes),
            shares: Some(metrics.reposts),
            replies: Some(metrics.replies),
            quotes: Some(metrics.quotes),
            views: metrics.views,
        };
        (shown.id, counts)
    };
    Some(answered.data.into_iter().map(counted).collect())
}

impl Account {
    /// `GET /2/tweets`: what is gone stands among the errors.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        // What a person entered by hand may be an address.
        let ids = of.iter().map(|receipt| &*receipt.id);
        let ids: Vec<&str> = ids
            .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
            .collect();
        if ids.is_empty() {
            return Ok(in_order(of, Vec::new()));
        }
        let ids = ids.join(",");
        let answer = self
            .ask_for("/2/tweets", &[("ids", ids.as_str())], &FIELDS)
            .await?;
        let told = read(&answer).ok_or_else(|| refused(&answer))?;
        Ok(in_order(of, told))
    }
}

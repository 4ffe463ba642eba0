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
    like_count: u64,
    #[serde(alias = "repost_count")]
    retweet_count: u64,
    reply_count: u64,
    quote_count: u64,
    impression_count: Option<u64>,
}

fn read(answer: &Answer) -> Option<Vec<(String, Counts)>> {
    let answered = answer.json::<Answered>().filter(|_| answer.status == 200)?;
    if answered.data.is_empty() && answered.errors.is_empty() {
        return None;
    }
    let counted = |shown: Shown| {
        let metrics = shown.public_metrics;
        let counts = Counts {
            likes: Some(metrics.like_count),
            shares: Some(metrics.retweet_count),
            replies: Some(metrics.reply_count),
            quotes: Some(metrics.quote_count),
            views: metrics.impression_count,
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

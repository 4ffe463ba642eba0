//! How the public answered. <https://developers.pinterest.com/docs/api/v5/pins-get>

use serde::Deserialize;

use super::super::harmless;
use super::super::http::Request;
use super::{Account, PINS, Problem, is_id, odd, refused};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

#[derive(Deserialize)]
struct Shown {
    id: String,
    /// `null` where it has none to tell.
    pin_metrics: Option<Metrics>,
}

#[derive(Deserialize)]
struct Metrics {
    lifetime_metrics: Option<Lifetime>,
}

/// Saves are not among them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lifetime {
    reaction: Option<u64>,
    comment: Option<u64>,
    impression: Option<u64>,
}

impl Account {
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let mut counts = Vec::new();
        for receipt in of {
            counts.push(self.metrics(&receipt.id).await?);
        }
        Ok(counts)
    }

    /// Nothing of one that is gone, or that a person entered by its address.
    async fn metrics(&self, id: &str) -> Result<Counts, Failure> {
        if !is_id(id) {
            return Ok(Counts::default());
        }
        let request = Request::get(&self.base, &format!("{PINS}/{id}")).query(&[("pin_metrics", "true")]);
        let answer = self.ask(request).await?;
        match answer.status {
            200 => {}
            404 if Problem::of(&answer).is_some() => return Ok(Counts::default()),
            _ => return Err(harmless(refused(&answer))),
        }
        let shown: Option<Shown> = answer.json();
        let shown = shown.filter(|shown| shown.id == id);
        let metrics = shown.ok_or_else(|| odd(&answer))?.pin_metrics;
        let told = metrics
            .and_then(|metrics| metrics.lifetime_metrics)
            .unwrap_or_default();
        Ok(Counts {
            likes: told.reaction,
            shares: None,
            replies: told.comment,
            quotes: None,
            views: told.impression,
        })
    }
}

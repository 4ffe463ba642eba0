//! How the public answered. <https://docs.joinmastodon.org/methods/statuses/#index>
//!
//! A server counts what has reached it. It counts no views.

use serde::Deserialize;

use super::super::counts::in_order;
use super::super::http::{Answer, Request};
use super::{CREATE, Mastodon, is_id, refused};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

#[derive(Deserialize)]
struct Status {
    id: String,
    favourites_count: u64,
    reblogs_count: u64,
    replies_count: u64,
    /// Since 4.5.
    quotes_count: Option<u64>,
}

impl Status {
    fn counted(self) -> (String, Counts) {
        let counts = Counts {
            likes: Some(self.favourites_count),
            shares: Some(self.reblogs_count),
            replies: Some(self.replies_count),
            quotes: self.quotes_count,
            views: None,
        };
        (self.id, counts)
    }
}

/// `GET /api/v1/statuses?id[]=…`: what is gone is left out.
fn read(answer: &Answer) -> Option<Vec<(String, Counts)>> {
    let statuses = answer.json::<Vec<Status>>().filter(|_| answer.status == 200)?;
    Some(statuses.into_iter().map(Status::counted).collect())
}

impl Mastodon {
    /// All with one request; one by one where the server (before 4.3, or another software) knows no such page.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let ids = of.iter().map(|receipt| &*receipt.id).filter(|id| is_id(id));
        let ids: Vec<(&str, &str)> = ids.map(|id| ("id[]", id)).collect();
        if ids.is_empty() {
            return Ok(in_order(of, Vec::new()));
        }
        let answer = self.ask(Request::get(&self.base, CREATE).query(&ids)).await?;
        match answer.status {
            404 | 405 => {}
            _ => return Ok(in_order(of, read(&answer).ok_or_else(|| refused(&answer))?)),
        }
        let mut counts = Vec::new();
        for receipt in of {
            counts.push(self.counts_of_one(&receipt.id).await?);
        }
        Ok(counts)
    }

    /// `GET /api/v1/statuses/:id`.
    async fn counts_of_one(&self, id: &str) -> Result<Counts, Failure> {
        if !is_id(id) {
            return Ok(Counts::default()); // a person entered it by an address
        }
        let answer = self
            .ask(Request::get(&self.base, &format!("{CREATE}/{id}")))
            .await?;
        if matches!(answer.status, 404 | 410) {
            return Ok(Counts::default());
        }
        let status = answer.json::<Status>().filter(|_| answer.status == 200);
        status
            .map(|status| status.counted().1)
            .ok_or_else(|| refused(&answer))
    }
}

//! How the public answered. <https://github.com/tumblr/docs/blob/master/api.md#notes---get-notes-for-a-specific-post>
//!
//! A post and all that reblogs it are counted as one; the further parts of our own thread are among its reblogs. It
//! counts no views.

use serde::Deserialize;

use super::super::harmless;
use super::super::http::Request;
use super::{Account, Problem, Said, is_id, odd, refused};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

/// In the mode that has them.
#[derive(Deserialize)]
struct Notes {
    #[serde(rename = "total_likes")]
    likes: u64,
    #[serde(rename = "total_reblogs")]
    reblogs: u64,
    /// Not in the manual.
    #[serde(rename = "total_replies")]
    replies: Option<u64>,
}

impl Account {
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let mut counts = Vec::new();
        for receipt in of {
            counts.push(self.notes(&receipt.id).await?);
        }
        Ok(counts)
    }

    /// Nothing of one that is gone, or that a person entered by its address.
    async fn notes(&self, id: &str) -> Result<Counts, Failure> {
        if !is_id(id) {
            return Ok(Counts::default());
        }
        let path = format!("/v2/blog/{}/notes", self.blog);
        let query = [("id", id), ("mode", "conversation")];
        let answer = self.ask(Request::get(&self.base, &path).query(&query)).await?;
        let own = || answer.json().is_some_and(|said: Problem| said.meta.status == 404);
        match answer.status {
            200 => {
                let Said { response: notes }: Said<Notes> = answer.json().ok_or_else(|| odd(&answer))?;
                Ok(Counts {
                    likes: Some(notes.likes),
                    shares: Some(notes.reblogs),
                    replies: notes.replies,
                    ..Counts::default()
                })
            }
            404 if own() => Ok(Counts::default()),
            _ => Err(harmless(refused(&answer))),
        }
    }
}

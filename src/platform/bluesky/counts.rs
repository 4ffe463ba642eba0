//! How the public answered. <https://docs.bsky.app/docs/api/app-bsky-feed-get-posts>. It counts no views.

use serde::Deserialize;

use super::super::counts::in_order;
use super::super::harmless;
use super::super::http::{BaseUrl, Request};
use super::{Bluesky, refused, xrpc};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

#[derive(Deserialize)]
struct Posts {
    posts: Vec<View>,
}

/// Servers leave out what is nought.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    uri: String,
    #[serde(default)]
    like_count: u64,
    #[serde(default)]
    repost_count: u64,
    #[serde(default)]
    reply_count: u64,
    #[serde(default)]
    quote_count: u64,
}

impl Bluesky {
    /// `app.bsky.feed.getPosts`: what is gone is left out.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        // What a person entered by hand may be another address.
        let uris = of
            .iter()
            .map(|receipt| &*receipt.id)
            .filter(|id| id.starts_with("at://"));
        let uris: Vec<(&str, &str)> = uris.map(|uri| ("uris", uri)).collect();
        if uris.is_empty() {
            return Ok(in_order(of, Vec::new()));
        }
        let session = self.desk.session().await?;
        let make = |service: &BaseUrl| Request::get(service, &xrpc("app.bsky.feed.getPosts")).query(&uris);
        let answer = self.ask(&session, make).await?;
        let Some(told) = answer.json::<Posts>().filter(|_| answer.status == 200) else {
            return Err(harmless(refused(&answer)));
        };
        let counted = |view: View| {
            let counts = Counts {
                likes: Some(view.like_count),
                shares: Some(view.repost_count),
                replies: Some(view.reply_count),
                quotes: Some(view.quote_count),
                views: None,
            };
            (view.uri, counts)
        };
        Ok(in_order(of, told.posts.into_iter().map(counted).collect()))
    }
}

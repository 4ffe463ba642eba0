//! How the public answered. <https://www.reddit.com/dev/api#GET_api_info>. Reddit blurs its numbers on purpose, and
//! counts votes against from those for it.

use serde::Deserialize;

use super::super::counts::in_order;
use super::listing::listed;
use super::{Account, is_name};
use crate::post::engagement::Counts;
use crate::post::outcome::{Failure, Receipt};

/// A post; a comment has no numbers but its score.
#[derive(Deserialize)]
struct Shown {
    name: String,
    score: i64,
    num_comments: Option<u64>,
    num_crossposts: Option<u64>,
}

impl Account {
    /// What is gone is left out.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        // What a person entered by hand may be an address.
        let names = of.iter().map(|receipt| &*receipt.id);
        let names: Vec<&str> = names.filter(|name| is_name(name)).collect();
        if names.is_empty() {
            return Ok(in_order(of, Vec::new()));
        }
        let page = listed(&self.info(&names.join(",")).await?)?;
        let counted = |shown: Shown| {
            let counts = Counts {
                likes: Some(u64::try_from(shown.score).unwrap_or_default()),
                shares: shown.num_crossposts,
                replies: shown.num_comments,
                ..Counts::default()
            };
            (shown.name, counts)
        };
        Ok(in_order(of, page.entries.into_iter().map(counted).collect()))
    }
}

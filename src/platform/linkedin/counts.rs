//! How the public answered to a page's posts.
//! <https://learn.microsoft.com/linkedin/marketing/community-management/organizations/share-statistics>
//!
//! What is paid for is not counted. A post that nobody has seen yet is left out like one that is gone, so nothing is said
//! of either. A member's posts are not counted for us: `r_member_postAnalytics` comes with a product that must be the
//! only one of its app, and not with those that a member's app has.

use serde::Deserialize;

use super::super::counts::in_order;
use super::super::harmless;
use super::super::http::Request;
use super::{Account, Problem, encoded, is_post, odd, refused};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Receipt};

const STATISTICS: &str = "/rest/organizationalEntityShareStatistics";

#[derive(Deserialize)]
struct List {
    elements: Vec<Counted>,
}

/// At least one of the two names it: the sum of all that the page posted has neither.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    share: Option<String>,
    ugc_post: Option<String>,
    total_share_statistics: Statistics,
}

#[derive(Deserialize)]
struct Statistics {
    /// Below nought where those take their likes back who were shown it as an advertisement.
    #[serde(rename = "likeCount")]
    likes: i64,
    #[serde(rename = "shareCount")]
    shares: u64,
    #[serde(rename = "commentCount")]
    comments: u64,
    #[serde(rename = "impressionCount")]
    impressions: u64,
}

impl Counted {
    /// By each of its names.
    fn named(self) -> Vec<(String, Counts)> {
        let told = self.total_share_statistics;
        let counts = Counts {
            likes: Some(u64::try_from(told.likes).unwrap_or_default()),
            shares: Some(told.shares),
            replies: Some(told.comments),
            quotes: None,
            views: Some(told.impressions),
        };
        let names = [self.share, self.ugc_post].into_iter().flatten();
        names.map(|name| (name, counts)).collect()
    }
}

impl Account {
    /// All of a kind with one request; one by one where one of them is gone, which spoils it for all.
    pub(super) async fn counts(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        if self.author.member {
            return Err(Failure::new(
                Class::Rejected,
                "LinkedIn does not tell how the public answered to a member",
            ));
        }
        let mut told = Vec::new();
        for (list, kind) in [("shares", "urn:li:share:"), ("ugcPosts", "urn:li:ugcPost:")] {
            // What a person entered by hand may be an address.
            let urns = of.iter().map(|receipt| &*receipt.id);
            let urns: Vec<&str> = urns.filter(|urn| is_post(urn) && urn.starts_with(kind)).collect();
            match self.statistics(list, &urns).await? {
                Some(all) => told.extend(all),
                None if urns.len() > 1 => {
                    for urn in urns {
                        told.extend(self.statistics(list, &[urn]).await?.unwrap_or_default());
                    }
                }
                None => {}
            }
        }
        Ok(in_order(of, told))
    }

    /// Of posts of one kind, which the manual asks for in the list of its name. `None`: there is no such post, or not each
    /// of them.
    async fn statistics(&self, list: &str, urns: &[&str]) -> Result<Option<Vec<(String, Counts)>>, Failure> {
        if urns.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let urns: Vec<String> = urns.iter().map(|urn| encoded(urn)).collect();
        let query = format!(
            "q=organizationalEntity&organizationalEntity={}&{list}=List({})",
            encoded(&self.author.urn),
            urns.join(",")
        );
        let answer = self
            .ask(Request::get(&self.base, STATISTICS).written_query(&query))
            .await?;
        if matches!(answer.status, 400 | 404)
            && Problem::of(&answer).is_some_and(|problem| problem.says(&["could not find"]))
        {
            return Ok(None);
        }
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let List { elements } = answer.json().ok_or_else(|| odd(&answer))?;
        let named: Vec<_> = elements.into_iter().map(Counted::named).collect();
        if named.iter().any(Vec::is_empty) {
            return Err(odd(&answer));
        }
        Ok(Some(named.concat()))
    }
}

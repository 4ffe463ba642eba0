//! Looking for a post whose answer was lost: in the account's own list, by its title and words; for a comment, by what
//! it answers; for a crosspost, by what it shares. <https://www.reddit.com/dev/api#GET_user_{username}_submitted>

use jiff::Timestamp;
use serde::Deserialize;

use super::super::http::Request;
use super::super::{Among, Prepared};
use super::listing::{Listing, listed};
use super::{Account, COMMENT, is_name, name_in, receipt, refused};
use crate::post::outcome::{Class, Failure, Found, Receipt, one_line};

/// As many as a page may have, and how many pages are turned.
const PAGE: &str = "100";
const PAGES: usize = 10;

/// A post or a comment.
#[derive(Deserialize)]
struct Listed {
    name: String,
    /// Seconds.
    created_utc: f64,
    #[serde(default)]
    permalink: String,
    #[serde(default)]
    subreddit: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    selftext: String,
    /// Of a crosspost.
    crosspost_parent: Option<String>,
    #[serde(default)]
    parent_id: String,
    #[serde(default)]
    body: String,
    removed_by_category: Option<String>,
}

/// Of the frozen request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    sr: String,
    title: String,
    text: String,
    /// A body with images, which is listed in Markdown of Reddit's own making.
    richtext_json: Option<String>,
    crosspost_fullname: Option<String>,
    thing_id: String,
}

impl Sent {
    /// Whether the list has other words than were sent: its own of what has images, the original's of a crosspost.
    fn in_other_words(&self) -> bool {
        self.richtext_json.is_some() || self.crosspost_fullname.is_some()
    }
}

/// For comparing, however it is broken into lines.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

impl Listed {
    fn is(&self, sent: &Sent, among: &Among) -> bool {
        let same = if sent.thing_id.is_empty() {
            self.subreddit.eq_ignore_ascii_case(&sent.sr)
                && letters(&self.title) == letters(&sent.title)
                && self.crosspost_parent == sent.crosspost_fullname
                && (sent.in_other_words() || letters(&self.selftext) == letters(&sent.text))
        } else {
            self.parent_id == sent.thing_id && letters(&self.body) == letters(&sent.text)
        };
        same && is_name(&self.name) && !self.is_before(among.since) && !self.is_taken(among)
    }

    /// Of the same second it may be either.
    fn is_before(&self, since: Timestamp) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "it is cut to seconds on purpose")]
        let created = self.created_utc as i64;
        created < since.as_second()
    }

    /// Another post of ours has the receipt for it, by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        let known = |taken: &String| name_in(taken).is_some_and(|name| name == self.name);
        among.has(&self.name, None) || among.taken.iter().any(known)
    }

    /// What moderators or their programs took away was accepted all the same.
    fn receipt(&self) -> Receipt {
        let by = self.removed_by_category.as_deref();
        Receipt {
            altered: by.map(|by| one_line(&format!("it was removed there ({by})"), 200)),
            ..receipt(&self.name, &self.permalink)
        }
    }
}

impl Account {
    pub(super) async fn look(&self, prepared: &Prepared, among: &Among) -> Result<Found, Failure> {
        let sent: Sent = serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let list = if prepared.path == COMMENT {
            "comments"
        } else {
            "submitted"
        };
        let path = format!("/user/{}/{list}", self.me().await?.name);
        let mut after: Option<String> = None;
        let mut found: Vec<Receipt> = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("sort", "new"), ("limit", PAGE), ("raw_json", "1")];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let answer = self.ask(Request::get(&self.base, &path).query(&query)).await?;
            if matches!(answer.status, 403 | 404) {
                let words = format!(
                    "Reddit does not show the account its own list: {}",
                    refused(&answer)
                );
                return Ok(Found::Unclear(words));
            }
            let page: Listing<Listed> = listed(&answer)?;
            let end = page.entries.last().is_none_or(|last| last.is_before(among.since));
            let ours = page.entries.iter().filter(|listed| listed.is(&sent, among));
            found.extend(ours.map(Listed::receipt));
            after = page.after;
            if end || after.is_none() {
                return Ok(match (found.pop(), found.is_empty()) {
                    (None, _) => Found::Absent,
                    (Some(one), true) => Found::Here(one),
                    (Some(_), false) => Found::Unclear("the account has it more than once".to_owned()),
                });
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the account's list is too long to be read back to then",
        ))
    }
}

//! Looking for a page's post whose answer was lost: in its own list, by its words and by what is beside them.
//! <https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api#find-posts-by-authors>

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;
use serde::Deserialize;

use super::super::http::Request;
use super::super::{Among, Prepared, harmless};
use super::{Account, Article, POSTS, Post, is_post, odd, receipt, refused, urn_in};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::escape::Escape;

/// How many a page of the list has, and how many pages are turned.
const PAGE: usize = 50;
const PAGES: usize = 10;

#[derive(Deserialize)]
struct List {
    elements: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    id: String,
    /// Milliseconds.
    created_at: i64,
    last_modified_at: Option<i64>,
    #[serde(default)]
    lifecycle_state: String,
    #[serde(flatten)]
    post: Post,
}

/// The link that LinkedIn put in place of a long one.
const SHORTENED: &str = "//lnkd.in/";

static LINK: LazyLock<Regex> = LazyLock::new(|| crate::text::pattern(r"https?://\S+"));

/// For comparing: the plain words, however they are broken into lines.
fn letters(commentary: &str) -> String {
    let text = Escape::LittleText.undo(commentary);
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn same_words(sent: &str, listed: &str) -> bool {
    if letters(sent) == letters(listed) {
        return true;
    }
    let without_links = |text: &str| letters(&LINK.replace_all(&Escape::LittleText.undo(text), ""));
    listed.contains(SHORTENED) && without_links(sent) == without_links(listed)
}

/// How many images, and what is reshared.
fn beside(post: &Post) -> (usize, Option<&str>) {
    let content = &post.content;
    let many = content.multi_image.as_ref().map_or(0, |many| many.images.len());
    let parent = post
        .reshare_context
        .as_ref()
        .map(|context| context.parent.as_str());
    (many + usize::from(content.media.is_some()), parent)
}

/// The same card, or none on either.
fn same_card(sent: Option<&Article>, listed: Option<&Article>) -> bool {
    let plain = |link: &str| {
        let link = link.to_lowercase().replace("https://", "").replace("http://", "");
        link.trim_end_matches('/').to_owned()
    };
    match (sent, listed) {
        (None, None) => true,
        (Some(sent), Some(listed)) => {
            listed.source.contains(SHORTENED) || plain(&sent.source) == plain(&listed.source)
        }
        _ => false,
    }
}

impl Listed {
    fn is(&self, sent: &Post, among: &Among) -> bool {
        is_post(&self.id)
            && self.created_at >= among.since.as_millisecond()
            && self.lifecycle_state != "PUBLISH_FAILED"
            && beside(&self.post) == beside(sent)
            && same_card(sent.content.article.as_ref(), self.post.content.article.as_ref())
            && same_words(&sent.commentary, &self.post.commentary)
            && !self.is_taken(among)
    }

    /// Another post of ours has the receipt for it, by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        let known = |taken: &String| urn_in(taken).is_some_and(|urn| urn == self.id);
        among.has(&self.id, None) || among.taken.iter().any(known)
    }

    /// What the list is ordered by.
    fn changed(&self) -> i64 {
        self.last_modified_at.unwrap_or(self.created_at)
    }
}

impl Account {
    pub(super) async fn look(&self, prepared: &Prepared, among: &Among) -> Result<Found, Failure> {
        if self.author.member {
            return Err(Failure::new(
                Class::InDoubt,
                "a member's posts can be read by nobody",
            ));
        }
        let sent: Post = serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let mut found: Vec<Receipt> = Vec::new();
        for page in 0..PAGES {
            let listed = self.page_of_posts(page * PAGE, PAGE).await;
            let listed = match listed {
                Err(failure) if failure.class == Class::Rejected => {
                    let words = format!("LinkedIn does not show the page its own posts: {failure}");
                    return Ok(Found::Unclear(words));
                }
                listed => listed?,
            };
            let past = |listed: &Listed| older(listed.changed(), among.since);
            let end = listed.last().is_none_or(past);
            let ours = listed.iter().filter(|listed| listed.is(&sent, among));
            found.extend(ours.map(|listed| receipt(&listed.id)));
            if end {
                return Ok(match (found.pop(), found.is_empty()) {
                    (None, _) => Found::Absent,
                    (Some(one), true) => Found::Here(one),
                    (Some(_), false) => Found::Unclear("the page has it more than once".to_owned()),
                });
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the page's list is too long to be read back to then",
        ))
    }

    /// So many of the page's posts, the last changed first.
    pub(super) async fn page_of_posts(&self, start: usize, count: usize) -> Result<Vec<Listed>, Failure> {
        let (start, count) = (start.to_string(), count.to_string());
        let query = [
            ("author", self.author.urn.as_str()),
            ("q", "author"),
            ("start", &start),
            ("count", &count),
            ("sortBy", "LAST_MODIFIED"),
        ];
        let request = Request::get(&self.base, POSTS)
            .query(&query)
            .header("x-restli-method", "FINDER");
        let answer = self.ask(request).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let List { elements } = answer.json().ok_or_else(|| odd(&answer))?;
        Ok(elements)
    }
}

fn older(milliseconds: i64, than: Timestamp) -> bool {
    milliseconds < than.as_millisecond()
}

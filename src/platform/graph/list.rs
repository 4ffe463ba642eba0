//! Reading back what an account published: its posts, the newest first, page by page.
//!
//! <https://developers.facebook.com/docs/graph-api/results>

use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Graph, Trouble, is_id, said};
use crate::platform::Among;
use crate::post::outcome::{Class, Failure, Found, Receipt};

/// As many as a page may have, and how many pages are turned.
const PAGE: &str = "100";
const PAGES: usize = 8;

#[derive(Deserialize)]
struct Page {
    data: Vec<Listed>,
    #[serde(default)]
    paging: Paging,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Paging {
    cursors: Option<Cursors>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

/// A post as lists have it: the fields that were asked for.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Listed {
    pub id: String,
    #[serde(default, alias = "caption", alias = "message")]
    pub text: String,
    #[serde(alias = "created_time")]
    pub timestamp: Timestamp,
    #[serde(alias = "permalink_url")]
    pub permalink: Option<String>,
    #[serde(default)]
    pub media_type: String,
    pub replied_to: Option<Named>,
    /// Of a repost.
    pub reposted_post: Option<Named>,
    /// Who wrote a comment: on Facebook, and on Instagram.
    pub from: Option<Named>,
    pub username: Option<String>,
    #[serde(default)]
    pub alt_text: String,
    #[serde(default)]
    pub link_attachment_url: String,
    /// Of a carousel.
    #[serde(default)]
    pub children: Children,
    #[serde(default)]
    attachments: Attachments,
    /// Of a comment.
    attachment: Option<Attachment>,
}

/// What has a number.
#[derive(Debug, Deserialize, Serialize)]
pub(in super::super) struct Named {
    pub id: String,
}

#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Children {
    pub data: Vec<Named>,
}

/// Of a post on a Page.
#[derive(Debug, Default, Deserialize)]
struct Attachments {
    #[serde(default)]
    data: Vec<Attachment>,
}

/// A photo, or an album of some.
#[derive(Debug, Deserialize)]
struct Attachment {
    target: Option<Target>,
    #[serde(default)]
    subattachments: Attachments,
}

#[derive(Debug, Deserialize)]
struct Target {
    id: Option<String>,
}

impl Attachment {
    fn shows(&self, photos: &[&str]) -> bool {
        let id = self.target.as_ref().and_then(|target| target.id.as_deref());
        id.is_some_and(|id| photos.contains(&id))
            || self.subattachments.data.iter().any(|one| one.shows(photos))
    }
}

impl Listed {
    /// Whether it shows one of these photos.
    pub(in super::super) fn shows(&self, photos: &[&str]) -> bool {
        let mut all = self.attachments.data.iter().chain(&self.attachment);
        all.any(|one| one.shows(photos))
    }

    /// Whether it has these words.
    pub(in super::super) fn says(&self, text: &str) -> bool {
        letters(&self.text) == letters(text)
    }

    fn is_at(&self, url: &str) -> bool {
        self.permalink
            .as_ref()
            .and_then(|own| last(own))
            .is_some_and(|own| last(url) == Some(own))
    }

    /// Another post of ours has the receipt for it, by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        among.has(&self.id, None) || among.taken.iter().any(|taken| self.is_at(taken))
    }

    fn receipt(self) -> Receipt {
        Receipt::named(self.id, self.permalink)
    }
}

/// The last step of an address's path, by which it is known on each of the platform's hosts; of a script, what it is
/// asked for too. A comment is at its post's address, and is another thing.
fn last(url: &str) -> Option<&str> {
    if url.contains("comment_id=") {
        return None;
    }
    let (_, rest) = url.split_once("://")?;
    let (_, whole) = rest.split_once('/')?;
    let path = whole.split(['?', '#']).next()?;
    let step = path.split('/').rfind(|step| !step.is_empty())?;
    let script = step.rsplit_once('.').is_some_and(|(_, kind)| kind == "php");
    Some(if script { whole } else { step })
}

/// For comparing: how lines are broken and how letters are composed is the platform's.
fn letters(text: &str) -> String {
    let text = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// What a look among an account's posts found.
pub(in super::super) enum Looked {
    None,
    One(Receipt),
    Many,
    /// The account may not read them, for this reason: that proves nothing.
    Closed(String),
}

impl Looked {
    /// What that means where the list alone can tell.
    pub(in super::super) fn found(self) -> Found {
        match self {
            Self::One(receipt) => Found::Here(receipt),
            Self::None => Found::Absent,
            Self::Many => Found::Unclear("the account has it more than once".to_owned()),
            Self::Closed(words) => {
                Found::Unclear(format!("the account may not read what it posted ({words})"))
            }
        }
    }
}

/// A list of an account's posts.
pub(in super::super) struct List<'a> {
    pub graph: &'a Graph,
    /// Below the version: `me/threads`.
    pub at: &'a str,
    pub fields: &'a str,
    /// What else is asked for: whose they are, or that the newest come first.
    pub also: &'a [(&'a str, &'a str)],
    /// Whether it can be asked for what is newer than an instant.
    pub by_time: bool,
}

impl List<'_> {
    /// The one post of ours that is there, new enough, and nobody else's.
    pub(in super::super) async fn look(
        &self,
        among: &Among,
        mut ours: impl FnMut(&Listed) -> bool,
    ) -> Result<Looked, Failure> {
        let mut found = Vec::new();
        let whole = self
            .read(Some(among.since), |listed| {
                if listed.timestamp >= among.since && !listed.is_taken(among) && ours(&listed) {
                    found.push(listed.receipt());
                }
                true
            })
            .await?;
        Ok(match (whole, found.pop(), found.is_empty()) {
            (Read::Closed(words), ..) => Looked::Closed(words),
            (Read::Whole | Read::Empty, None, _) => Looked::None,
            (Read::Whole | Read::Empty, Some(one), true) => Looked::One(one),
            (Read::Whole | Read::Empty, Some(_), false) => Looked::Many,
            (Read::TooLong, ..) => {
                return Err(Failure::new(
                    Class::Transient,
                    "the account's list is too long to be read back to then",
                ));
            }
        })
    }

    /// The id of the post at `url`, if it is among the newest.
    pub(in super::super) async fn named(&self, url: &str) -> Result<Option<String>, Failure> {
        let (found, _) = self.post_at(url).await?;
        Ok(found.map(|listed| listed.id))
    }

    /// The post at `url`, if it is among the newest, and what was read to see that.
    pub(in super::super) async fn post_at(&self, url: &str) -> Result<(Option<Listed>, Read), Failure> {
        let mut found = None;
        let read = self.read(None, |listed| {
            if listed.is_at(url) && is_id(&listed.id) {
                found = Some(listed);
            }
            found.is_none()
        });
        let read = read.await?;
        Ok((found, read))
    }

    /// Gives each post to `each` until it says `false`, or until they are older than `since`.
    async fn read(
        &self,
        since: Option<Timestamp>,
        mut each: impl FnMut(Listed) -> bool,
    ) -> Result<Read, Failure> {
        let begin = since
            .filter(|_| self.by_time)
            .map(|since| since.as_second().to_string());
        let mut after: Option<String> = None;
        let mut empty = true;
        for _ in 0..PAGES {
            let mut query = vec![("fields", self.fields), ("limit", PAGE)];
            query.extend_from_slice(self.also);
            query.extend(begin.as_deref().map(|begin| ("since", begin)));
            query.extend(after.as_deref().map(|after| ("after", after)));
            let answer = self.graph.get(self.at, &query).await?;
            if let Some(trouble) = Trouble::of(&answer).filter(Trouble::is_forbidden)
                && (400..500).contains(&answer.status)
            {
                return Ok(Read::Closed(trouble.words()));
            }
            let page: Page = said(&answer)?;
            let old = page
                .data
                .last()
                .is_some_and(|last| since.is_some_and(|since| last.timestamp < since));
            empty &= page.data.is_empty();
            let more = page.data.into_iter().all(&mut each);
            after = page.paging.cursors.and_then(|cursors| cursors.after);
            if old || !more || page.paging.next.is_none() || after.is_none() {
                return Ok(if empty { Read::Empty } else { Read::Whole });
            }
        }
        Ok(Read::TooLong)
    }
}

/// How much of a list was read.
pub(in super::super) enum Read {
    /// As far as was wanted.
    Whole,
    /// The same, and there is nothing in it.
    Empty,
    TooLong,
    /// It may not be read, for this reason.
    Closed(String),
}

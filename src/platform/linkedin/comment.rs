//! What answers an earlier post is a comment of the page on it; what answers a comment is one on the same post.
//! <https://learn.microsoft.com/linkedin/marketing/community-management/shares/comments-api>
//!
//! Its text is plain, and so is what lists have of it. It is known by its own urn; its receipt is pinned to the post.

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::super::http::{Answer, Request};
use super::super::{Among, Outgoing, Prepared, harmless};
use super::{Account, Problem, class_of, encoded, is_number, is_on_linkedin, is_post, odd, refused, urn_of};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::limits::LINKEDIN;

const ACTIONS: &str = "/rest/socialActions/";

/// As many as a page of a list may have, and how many pages are turned.
const PAGE: &str = "100";
const PAGES: usize = 20;

/// As it is sent.
#[derive(Serialize, Deserialize)]
struct Comment {
    actor: String,
    object: String,
    message: Message,
}

#[derive(Default, Serialize, Deserialize)]
struct Message {
    text: String,
}

/// The answer to a request that makes or changes one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    comment_urn: String,
}

/// As lists have it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    comment_urn: String,
    actor: String,
    #[serde(default)]
    message: Message,
    created: Created,
}

#[derive(Deserialize)]
struct Created {
    /// Milliseconds.
    time: i64,
}

#[derive(Deserialize)]
struct List {
    elements: Vec<Listed>,
}

/// Where a comment is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The urn of what it is on.
    on: String,
    /// Its number there.
    id: String,
}

impl Place {
    /// Of `urn:li:comment:(urn:li:activity:1,2)`; in an address the inner `urn:li:` is left out.
    fn of(urn: &str) -> Option<Self> {
        let inside = urn.strip_prefix("urn:li:comment:(")?.strip_suffix(')')?;
        let (on, id) = inside.split_once(',')?;
        let on = on.strip_prefix("urn:li:").unwrap_or(on);
        let kinds = ["activity:", "share:", "ugcPost:"];
        let number = kinds.iter().find_map(|kind| on.strip_prefix(kind))?;
        (is_number(number) && is_number(id)).then(|| Self {
            on: format!("urn:li:{on}"),
            id: id.to_owned(),
        })
    }

    /// Of a comment of ours. `None`: it is none.
    pub(super) fn of_receipt(receipt: &Receipt) -> Option<Self> {
        let Some(place) = Self::of(&receipt.id) else {
            return Self::at(receipt.url.as_deref().unwrap_or(&receipt.id));
        };
        let pin = receipt.pin.clone().filter(|pin| is_post(pin));
        Some(Self {
            on: pin.unwrap_or(place.on),
            id: place.id,
        })
    }

    /// Of the comment that an address names: `…/feed/update/urn:li:share:1/?commentUrn=urn:li:comment:(activity:3,2)`.
    fn at(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok().filter(is_on_linkedin)?;
        let (_, urn) = url.query_pairs().find(|(key, _)| key == COMMENT_URN)?;
        let place = Self::of(&urn)?;
        let on = super::urn_in_path(&url).unwrap_or(place.on);
        Some(Self { on, id: place.id })
    }

    pub(super) fn path(&self) -> String {
        format!("{}/{}", comments_on(&self.on), self.id)
    }
}

/// What of an address says that it is a comment's.
pub(super) const COMMENT_URN: &str = "commentUrn";

fn comments_on(urn: &str) -> String {
    format!("{ACTIONS}{}/comments", encoded(urn))
}

/// Whether a frozen request is about a comment.
pub(super) fn is_about(prepared: &Prepared) -> bool {
    prepared.path.starts_with(ACTIONS)
}

/// The whole request that will be visible.
pub(super) fn request(out: &Outgoing<'_>, author: &str, parent: &Receipt) -> Result<Prepared, Failure> {
    let rejected = |words: String| Failure::new(Class::Rejected, words);
    if out.part.pictured() {
        let words = "an answer on LinkedIn is a comment, which shows no images and no video of ours";
        return Err(rejected(words.to_owned()));
    }
    let of_comment = || Place::of_receipt(parent).map(|place| place.on);
    let post = urn_of(parent).or_else(of_comment);
    let post =
        post.ok_or_else(|| rejected(format!("what it answers is no post on LinkedIn: {}", parent.id)))?;
    let text = out
        .part
        .shown_text(LINKEDIN.answering(true).abilities)
        .into_owned();
    Ok(Prepared {
        path: comments_on(&post),
        body: json!(Comment {
            actor: author.to_owned(),
            object: post,
            message: Message { text },
        })
        .to_string(),
    })
}

/// The words of a comment in an edit.
pub(super) fn edit(place: &Place, text: &str) -> Prepared {
    Prepared {
        path: place.path(),
        body: json!({ "patch": { "message": { "$set": { "text": text } } } }).to_string(),
    }
}

fn receipt(urn: &str, on: &str) -> Option<Receipt> {
    let place = Place::of(urn)?;
    let short = place.on.strip_prefix("urn:li:").unwrap_or(&place.on);
    let named = format!("urn:li:comment:({short},{})", place.id);
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(COMMENT_URN, &named)
        .finish();
    let url = format!("https://www.linkedin.com/feed/update/{on}/?{query}");
    Some(Receipt {
        pin: Some(on.to_owned()),
        ..Receipt::named(urn, Some(url))
    })
}

fn sent(prepared: &Prepared) -> Result<Comment, Failure> {
    serde_json::from_str(&prepared.body)
        .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))
}

/// What the answer to a publishing request means.
pub(super) fn read(prepared: &Prepared, answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status == 201 {
        let made: Option<Made> = answer.json();
        let on = sent(prepared)?.object;
        return made
            .and_then(|made| receipt(&made.comment_urn, &on))
            .ok_or_else(|| answer.failure(Class::InDoubt, None));
    }
    let Some(problem) = Problem::of(answer) else {
        return Err(answer.failure(answer.class(false), None));
    };
    let failure = answer.failure(class_of(&problem, answer), Some(&problem.words()));
    Err(forbidden(failure))
}

/// Where something about a comment is forbidden, the account may post all the same.
pub(super) fn forbidden(failure: Failure) -> Failure {
    if failure.class != Class::Auth || failure.status != Some(403) {
        return failure;
    }
    let words = format!(
        "{}; it may want the permission w_organization_social_feed, which `steadfast login` without `--least` asks for, or comments are off there",
        failure.words
    );
    Failure::new(Class::Rejected, words).with_status(403)
}

/// Whether an answer shows a comment.
pub(super) fn is_shown(answer: &Answer) -> bool {
    answer
        .json()
        .is_some_and(|made: Made| Place::of(&made.comment_urn).is_some())
}

/// For comparing, however it is broken into lines.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

impl Listed {
    fn is(&self, sent: &Comment, among: &Among) -> bool {
        self.actor == sent.actor
            && letters(&self.message.text) == letters(&sent.message.text)
            && self.created.time >= among.since.as_millisecond()
            && !self.is_taken(among)
    }

    /// Another post of ours has the receipt for it, in whichever spelling, or by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        let ours = Place::of(&self.comment_urn).map(|place| place.id);
        let known = |taken: &String| {
            let theirs = Place::of(taken).or_else(|| Place::at(taken));
            theirs.is_some_and(|place| Some(place.id) == ours)
        };
        among.has(&self.comment_urn, None) || among.taken.iter().any(known)
    }
}

impl Account {
    /// Looks for a comment whose answer was lost among all those on its post: in which order they come is not said.
    pub(super) async fn look_for_comment(
        &self,
        prepared: &Prepared,
        among: &Among,
    ) -> Result<Found, Failure> {
        let sent = sent(prepared)?;
        let mut found: Vec<Receipt> = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..PAGES {
            // Places move while people comment and delete, so a page begins with the last that is known.
            let start = seen.len().saturating_sub(1).to_string();
            let query = [("start", start.as_str()), ("count", PAGE)];
            let answer = self
                .ask(Request::get(&self.base, &prepared.path).query(&query))
                .await?;
            if matches!(answer.status, 403 | 404) && Problem::of(&answer).is_some() {
                let words = format!("LinkedIn does not show the comments there: {}", refused(&answer));
                return Ok(Found::Unclear(words));
            }
            if answer.status != 200 {
                return Err(harmless(refused(&answer)));
            }
            let List { elements } = answer.json().ok_or_else(|| odd(&answer))?;
            let is_known = |last: &String| elements.iter().any(|listed| listed.comment_urn == *last);
            if !seen.last().is_none_or(is_known) {
                // Some may have been skipped: from the beginning.
                seen.clear();
                found.clear();
                continue;
            }
            let before = seen.len();
            for listed in elements {
                if seen.contains(&listed.comment_urn) {
                    continue;
                }
                if listed.is(&sent, among) {
                    found.extend(receipt(&listed.comment_urn, &sent.object));
                }
                seen.push(listed.comment_urn);
            }
            if seen.len() == before {
                return Ok(match (found.pop(), found.is_empty()) {
                    (None, _) => Found::Absent,
                    (Some(one), true) => Found::Here(one),
                    (Some(_), false) => {
                        Found::Unclear("the page has said it there more than once".to_owned())
                    }
                });
            }
        }
        Err(Failure::new(
            Class::Transient,
            "there are too many comments to be read through, or they change too fast",
        ))
    }
}

//! Looking for a post whose answer was lost: in the account's own timeline, by its words, its number of images and
//! what it answers. A repost by what it reposts.
//!
//! <https://docs.x.com/x-api/users/get-posts>

use icu_normalizer::ComposingNormalizerBorrowed;
use jiff::Timestamp;
use serde::Deserialize;

use super::super::http::{Answer, Request};
use super::super::{Among, Prepared};
use super::{Account, Sent, odd, post_in, posted, refused, reposted};
use crate::post::outcome::{Class, Failure, Found};
use crate::text::escape::Escape;

/// As many as a page may have, and how many pages are turned.
const PAGE: &str = "100";
const PAGES: usize = 8;

/// The fields, as the guides name them, and as the newest schema does. An account's API takes one or the other, and
/// says so with a 400.
const FIELDS: [&[(&str, &str)]; 2] = [
    &[(
        "tweet.fields",
        "created_at,text,entities,attachments,referenced_tweets,note_tweet",
    )],
    &[
        ("post.fields", "created_at,text,entities,attachments,note_post"),
        ("expansions", "referenced_posts"),
    ],
];

#[derive(Deserialize)]
struct Timeline {
    #[serde(default)]
    data: Vec<Listed>,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    created_at: Timestamp,
    #[serde(flatten)]
    said: Words,
    #[serde(default)]
    attachments: Attachments,
    #[serde(default, alias = "referenced_posts")]
    referenced_tweets: Vec<Reference>,
    /// The whole of a long text.
    #[serde(alias = "note_post")]
    note_tweet: Option<Words>,
}

#[derive(Deserialize)]
struct Words {
    text: String,
    #[serde(default)]
    entities: Entities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entities {
    urls: Vec<ShortLink>,
}

/// In place of every link stands `https://t.co/…`; of images too, at the end.
#[derive(Deserialize)]
struct ShortLink {
    url: String,
    #[serde(default)]
    expanded_url: String,
    media_key: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attachments {
    media_keys: Vec<String>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "type")]
    how: String,
    id: String,
}

impl ShortLink {
    fn is_of_media(&self) -> bool {
        let shown = |kind: &str| self.expanded_url.contains("/status/") && self.expanded_url.contains(kind);
        self.media_key.is_some() || shown("/photo/") || shown("/video/")
    }
}

impl Words {
    /// As they were written.
    fn plain(&self) -> String {
        let mut text = Escape::Entities.undo(&self.text).into_owned();
        for link in &self.entities.urls {
            let meant = if link.is_of_media() {
                ""
            } else {
                link.expanded_url.as_str()
            };
            text = text.replace(&link.url, meant);
        }
        text
    }
}

/// For comparing: X composes letters, breaks lines in its own way, and writes links without a scheme with one.
fn letters(text: &str) -> String {
    let text = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let text = text.to_lowercase().replace("https://", "").replace("http://", "");
    text.chars().filter(|c| !c.is_whitespace() && *c != '/').collect()
}

impl Listed {
    fn refers(&self, how: &str) -> Option<&str> {
        let reference = self
            .referenced_tweets
            .iter()
            .find(|reference| reference.how == how);
        reference.map(|reference| reference.id.as_str())
    }

    fn is(&self, sent: &Sent, among: &Among) -> bool {
        if self.created_at < among.since {
            return false;
        }
        if let Some(id) = &sent.tweet_id {
            return self.refers("retweeted") == Some(id);
        }
        let parent = sent.reply.as_ref().map(|reply| &*reply.in_reply_to_tweet_id);
        let words = self.note_tweet.as_ref().unwrap_or(&self.said);
        self.refers("retweeted").is_none()
            && self.refers("replied_to") == parent
            && self.attachments.media_keys.len() == sent.media.media_ids.len()
            && letters(&words.plain()) == letters(&sent.text)
            && !self.is_taken(among)
    }

    /// Another post of ours has the receipt for it, by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        let known = |taken: &String| post_in(taken).is_some_and(|id| id == self.id);
        among.has(&self.id, None) || among.taken.iter().any(known)
    }
}

impl Account {
    pub(super) async fn look(&self, prepared: &Prepared, among: &Among) -> Result<Found, Failure> {
        let sent = Sent::of(prepared)?;
        let path = format!("/2/users/{}/tweets", self.me().await?.id);
        let since = among.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let mut next: Option<String> = None;
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("max_results", PAGE), ("start_time", &since)];
            if sent.tweet_id.is_none() {
                query.push(("exclude", "retweets"));
            }
            query.extend(next.as_deref().map(|next| ("pagination_token", next)));
            let answer = self.ask_for(&path, &query, &FIELDS).await?;
            if answer.status == 403 && refused(&answer).class == Class::Rejected {
                let words = format!("X does not show the account its own posts: {}", refused(&answer));
                return Ok(Found::Unclear(words));
            }
            if answer.status != 200 {
                return Err(refused(&answer));
            }
            let page: Timeline = answer.json().ok_or_else(|| odd(&answer))?;
            found.extend(page.data.into_iter().filter(|listed| listed.is(&sent, among)));
            next = page.meta.next_token;
            if next.is_none() {
                return Ok(match (found.pop(), found.is_empty(), sent.tweet_id) {
                    (None, ..) => Found::Absent,
                    (Some(_), _, Some(id)) => Found::Here(reposted(&id)),
                    (Some(one), true, None) => Found::Here(self.addressed(posted(&one.id))),
                    (Some(_), false, None) => Found::Unclear("the account has it more than once".to_owned()),
                });
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the account's timeline is too long to be read back to then",
        ))
    }

    /// With the first of `fields` that is not refused.
    pub(super) async fn ask_for(
        &self,
        path: &str,
        query: &[(&str, &str)],
        fields: &[&[(&str, &str)]; 2],
    ) -> Result<Answer, Failure> {
        let asking = |fields: &[(&str, &str)]| {
            let request = Request::get(&self.base, path).query(fields);
            if query.is_empty() {
                request
            } else {
                request.query(query)
            }
        };
        let [first, second] = fields;
        let answer = self.ask(asking(first)).await?;
        match answer.status {
            400 => self.ask(asking(second)).await,
            _ => Ok(answer),
        }
    }
}

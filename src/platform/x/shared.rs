//! Another's post that is to be reposted, as it stands. <https://docs.x.com/x-api/posts/get-post-by-id>

use serde::Deserialize;

use super::super::http::Answer;
use super::{Account, Complaint, Problem, post_at, refused};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};
use crate::post::shared::Look;

/// As the guides name the fields, and as the newest schema does.
const FIELDS: [&[(&str, &str)]; 2] = [
    &[
        ("tweet.fields", "text,attachments,note_tweet"),
        ("expansions", "attachments.media_keys"),
        ("media.fields", "alt_text"),
    ],
    &[
        ("post.fields", "text,attachments,note_post"),
        ("expansions", "attachments.media_keys"),
        ("media.fields", "alt_text"),
    ],
];

#[derive(Deserialize)]
struct Answered {
    data: Option<Shown>,
    #[serde(default)]
    includes: Included,
    #[serde(default)]
    errors: Vec<Complaint>,
}

/// What a reader of it sees. A link in the text is X's own, which leads for ever where it led first.
#[derive(Deserialize)]
struct Shown {
    text: String,
    #[serde(alias = "note_post")]
    note_tweet: Option<Note>,
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Included {
    media: Vec<Media>,
}

#[derive(Deserialize)]
struct Media {
    media_key: String,
    alt_text: Option<String>,
}

const NOT_FOUND: &str = "resource-not-found";

/// What the answer says of it. Only X's own word, that there is no such post, counts as one.
pub fn read(answer: &Answer) -> Result<Look, Failure> {
    if let Some(said) = answer.json::<Answered>().filter(|_| answer.status == 200) {
        if let Some(shown) = said.data {
            let text = shown.note_tweet.map_or(shown.text, |note| note.text);
            let media = said.includes.media.iter();
            let media = media.flat_map(|one| [&*one.media_key, one.alt_text.as_deref().unwrap_or_default()]);
            let fields = std::iter::once(text.as_str()).chain(media);
            return Ok(Look::There(Digest::of_fields(fields)));
        }
        if let Some(first) = said.errors.first() {
            return if first.kind.ends_with(NOT_FOUND) {
                Ok(Look::Gone)
            } else {
                let words = format!("X does not show it: {}", first.words());
                Err(answer.failure(Class::Rejected, Some(&words)))
            };
        }
    }
    match Problem::of(answer) {
        Some(problem) if answer.status == 404 && problem.kind.ends_with(NOT_FOUND) => Ok(Look::Gone),
        _ => Err(refused(answer)),
    }
}

impl Account {
    pub(super) async fn read_shared(&self, url: &str) -> Result<Look, Failure> {
        let path = format!("/2/tweets/{}", post_at(url)?);
        read(&self.ask_for(&path, &[], &FIELDS).await?)
    }
}

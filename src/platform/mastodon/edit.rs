//! A status gets other words where it is. <https://docs.joinmastodon.org/methods/statuses/#edit>
//!
//! What is left out may be taken away, so all that it has is said again. Its visibility and what it answers stay.

use serde::Deserialize;
use serde_json::{Map, json};

use super::super::http::{Answer, Request};
use super::super::{Edit, Outgoing, Prepared};
use super::{CREATE, Mastodon, Media, Status, id_of, limits, nothing, primary_language, read, refused};
use crate::post::outcome::{Class, Failure};

/// What a status has beside its words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Beside {
    sensitive: bool,
    media_attachments: Vec<Media>,
}

/// The whole request that will be visible.
fn request(out: &Outgoing<'_>, id: &str, beside: &Beside) -> Prepared {
    let media: Vec<&str> = beside.media_attachments.iter().map(|media| &*media.id).collect();
    let mut told = Map::from_iter([
        (
            "status".to_owned(),
            json!(out.part.shown_text(limits().abilities)),
        ),
        ("spoiler_text".to_owned(), json!(out.warn.unwrap_or_default())),
        ("sensitive".to_owned(), json!(beside.sensitive)),
        ("media_ids".to_owned(), json!(media)),
    ]);
    let language = primary_language(out.language);
    if !language.is_empty() {
        told.insert("language".into(), json!(language));
    }
    Prepared {
        path: format!("{CREATE}/{id}"),
        body: json!(told).to_string(),
    }
}

/// What the answer to an edit means.
pub fn read_edit(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200 if answer.json::<Status>().is_some() => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        _ => read(&nothing(), answer).map(drop),
    }
}

impl Mastodon {
    pub(super) async fn edit_of(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        let id = id_of(edit.receipt).ok_or_else(|| edit.unnamed())?;
        let answer = self
            .ask(Request::get(&self.base, &format!("{CREATE}/{id}")))
            .await?;
        let beside: Option<Beside> = answer.json().filter(|_| answer.status == 200);
        Ok(request(&edit.out, &id, &beside.ok_or_else(|| refused(&answer))?))
    }
}

//! A post gets other words where it is.
//! <https://github.com/tumblr/docs/blob/master/api.md#postspost-id---editing-a-post-neue-post-format>
//!
//! All that it has is said again, as Tumblr shows it for editing: what is left out is taken away.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::http::{Answer, Request};
use super::super::{Edit, Outgoing, Prepared, harmless};
use super::{Account, Parent, Posted, Said, id_of, is_id, odd, refused, tags, text_block};
use crate::post::outcome::{Class, Failure};
use crate::text::limits::{Doubt, TUMBLR};

/// A post of ours.
#[derive(Deserialize)]
struct Shown {
    content: Vec<Value>,
    #[serde(default)]
    layout: Vec<Value>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    source_url: Option<String>,
    #[serde(default)]
    interactability_reblog: Option<String>,
    /// What it reblogs: its blog, and its number.
    #[serde(default)]
    parent_tumblelog_uuid: Option<String>,
    #[serde(default)]
    parent_post_id: Option<String>,
}

/// The whole request that will be visible.
fn request(out: &Outgoing<'_>, path: String, shown: Shown, parent: Option<&Parent>) -> Prepared {
    let text = out.part.shown_text(TUMBLR.abilities);
    let count = shown.content.len();
    let words = (!text.is_empty()).then(|| text_block(&text));
    let beside = shown.content.into_iter().filter(|block| !is_text(block));
    let content: Vec<Value> = words.into_iter().chain(beside.map(as_sent)).collect();
    // It names blocks by their places.
    let layout = if content.len() == count {
        shown.layout
    } else {
        Vec::new()
    };
    let mut told = Map::from_iter([
        ("content".to_owned(), json!(content)),
        ("layout".to_owned(), json!(layout)),
        ("tags".to_owned(), json!(tags(&text))),
    ]);
    let same = [
        ("state", shown.state),
        ("slug", shown.slug),
        ("source_url", shown.source_url),
        ("interactability_reblog", shown.interactability_reblog),
    ];
    for (key, value) in same {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            told.insert(key.into(), json!(value));
        }
    }
    told.extend(parent.into_iter().flat_map(Parent::told));
    Prepared {
        path,
        body: Value::Object(told).to_string(),
    }
}

fn is_text(block: &Value) -> bool {
    block.get("type").and_then(Value::as_str) == Some("text")
}

/// What is only shown of a block, and not taken.
fn as_sent(mut block: Value) -> Value {
    let media = block.get_mut("media");
    for one in media.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(one) = one.as_object_mut() {
            one.remove("original_dimensions_missing");
        }
    }
    block
}

/// What the answer to an edit means.
pub fn read_edit(answer: &Answer) -> Result<(), Failure> {
    let said: Option<Said<Posted>> = answer.json();
    match answer.status {
        200 if said.is_some_and(|said| is_id(&said.response.id)) => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        _ => Err(refused(answer)),
    }
}

/// An edit says again what is reblogged, with a key that only that post tells.
fn of_the_parent(failure: Failure) -> Failure {
    if (failure.class, failure.status) != (Class::Rejected, Some(404)) {
        return failure;
    }
    let words = format!(
        "Tumblr can't change its words any more, because the post that it reblogs is gone: delete it, or answer it ({})",
        failure.words
    );
    Failure { words, ..failure }
}

impl Account {
    pub(super) async fn edit_of(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        if edit.out.part.video.is_some() {
            let words = "the words beside a video stay on Tumblr as they are: delete it, or answer it";
            return Err(Failure::new(Class::Rejected, words));
        }
        let id = id_of(edit.receipt).ok_or_else(|| edit.unnamed())?;
        let answer = self.get(&self.blog, &id).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let Said { response: shown }: Said<Shown> = answer.json().ok_or_else(|| odd(&answer))?;
        let parent = match (&shown.parent_tumblelog_uuid, &shown.parent_post_id) {
            (Some(blog), Some(id)) if is_id(id) => Some(self.parent(blog, id).await.map_err(of_the_parent)?),
            _ => None,
        };
        let path = format!("/v2/blog/{}/posts/{id}", self.blog);
        Ok(request(&edit.out, path, shown, parent.as_ref()))
    }

    pub(super) async fn change(&self, prepared: &Prepared) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::put(&self.base, &prepared.path).bearer(&bearer);
        let request = request.json(prepared.body.clone());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_edit(&answer)).await
    }
}

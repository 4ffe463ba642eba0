//! A post that is reblogged: one of ours, or another's, as it stands.
//! <https://github.com/tumblr/docs/blob/master/api.md#postspost-id---fetching-a-post-neue-post-format>

use serde::Deserialize;
use serde_json::Value;

use super::super::harmless;
use super::super::http::{Answer, Request};
use super::{Account, Parent, Problem, Said, is_id, odd, post_in, refused};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure, Receipt};
use crate::post::shared::Look;

/// What a reader of it sees, with what it reblogs itself.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    content: Vec<Block>,
    #[serde(default)]
    trail: Vec<Earlier>,
}

#[derive(Deserialize)]
struct Earlier {
    #[serde(default)]
    content: Vec<Block>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    alt_text: String,
    /// Of a link or a video.
    url: String,
    /// One, or the same in several sizes.
    media: Value,
}

impl Block {
    /// The image or video itself, whatever its size.
    fn media_key(&self) -> &str {
        let first = self.media.get(0).unwrap_or(&self.media);
        first.get("media_key").and_then(Value::as_str).unwrap_or_default()
    }

    fn fields(&self) -> [&str; 5] {
        [
            &self.kind,
            &self.text,
            &self.alt_text,
            &self.url,
            self.media_key(),
        ]
    }
}

#[derive(Deserialize)]
struct Reblogged {
    id_string: String,
    reblog_key: String,
    tumblelog_uuid: Option<String>,
    blog: Option<OfBlog>,
}

#[derive(Deserialize)]
struct OfBlog {
    uuid: String,
}

/// What the answer says of it. Only Tumblr's own word, that there is no such post, counts as one.
pub fn read(answer: &Answer) -> Result<Look, Failure> {
    let own = || answer.json().is_some_and(|said: Problem| said.meta.status == 404);
    match answer.status {
        200 => {
            let Said { response: shown }: Said<Shown> = answer.json().ok_or_else(|| odd(answer))?;
            let blocks = shown
                .trail
                .iter()
                .flat_map(|earlier| &earlier.content)
                .chain(&shown.content);
            Ok(Look::There(Digest::of_fields(blocks.flat_map(Block::fields))))
        }
        404 if own() => Ok(Look::Gone),
        _ => Err(harmless(refused(answer))),
    }
}

impl Account {
    pub(super) async fn read_shared(&self, url: &str) -> Result<Look, Failure> {
        let (blog, id) = post_at(url)?;
        read(&self.get(&blog, &id).await?)
    }

    /// Another's post.
    pub(super) async fn parent_at(&self, url: &str) -> Result<Parent, Failure> {
        let (blog, id) = post_at(url)?;
        self.parent(&blog, &id).await
    }

    /// One of ours.
    pub(super) async fn parent_of(&self, receipt: &Receipt) -> Result<Parent, Failure> {
        if is_id(&receipt.id) {
            return self.parent(&self.blog, &receipt.id).await;
        }
        self.parent_at(receipt.url.as_deref().unwrap_or(&receipt.id))
            .await
    }

    pub(super) async fn parent(&self, blog: &str, id: &str) -> Result<Parent, Failure> {
        let answer = self.get(blog, id).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let Said { response: post }: Said<Reblogged> = answer.json().ok_or_else(|| odd(&answer))?;
        let uuid = post.tumblelog_uuid.or_else(|| Some(post.blog?.uuid));
        let (Some(uuid), Ok(id)) = (uuid, post.id_string.parse()) else {
            return Err(odd(&answer));
        };
        Ok(Parent {
            uuid,
            id,
            reblog_key: post.reblog_key,
        })
    }

    pub(super) async fn get(&self, blog: &str, id: &str) -> Result<Answer, Failure> {
        self.ask(Request::get(&self.base, &format!("/v2/blog/{blog}/posts/{id}")))
            .await
    }
}

fn post_at(url: &str) -> Result<(String, String), Failure> {
    post_in(url).ok_or_else(|| {
        let words = format!("this is no post on Tumblr, as `https://www.tumblr.com/NAME/NUMBER` is: {url}");
        Failure::new(Class::Rejected, words)
    })
}

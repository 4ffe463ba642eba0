//! What answers an earlier post is a comment on it; what answers a comment is one on the same post.
//! <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-media/comments>
//!
//! Posts and comments are both known by bare numbers, so the receipt of a comment is pinned to its post.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::graph::beside::beside_posts;
use super::super::graph::container::address;
use super::super::graph::list::List;
use super::super::graph::{is_id, made};
use super::super::http::{Answer, Request};
use super::super::{Among, Outgoing, Prepared};
use super::{Account, VERSION};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::limits::INSTAGRAM;

/// What is asked of a comment that is read back. They come with the newest first.
const FIELDS: &str = "id,text,timestamp,username";

/// What is frozen of a comment.
#[derive(Serialize, Deserialize)]
pub(super) struct Comment {
    /// The number of the post that it is on.
    media: String,
    message: String,
}

/// The whole request that will be visible.
fn request(comment: &Comment) -> Prepared {
    Prepared {
        path: format!("{VERSION}/{}/comments", comment.media),
        body: json!(comment).to_string(),
    }
}

/// Of a frozen request; `None`: it publishes a container.
pub(super) fn of(prepared: &Prepared) -> Option<Comment> {
    let comment: Option<Comment> = serde_json::from_str(&prepared.body).ok();
    comment.filter(|comment| is_id(&comment.media))
}

/// The post that a comment of ours is on; `None`: it is a post itself.
pub(super) fn on(receipt: &Receipt) -> Option<&str> {
    let pin = receipt.pin.as_deref().filter(|pin| is_id(pin));
    pin.filter(|_| is_id(&receipt.id))
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<String, Failure> {
    let why = "comments want the permission instagram_business_manage_comments (instagram_manage_comments by a Page): a sign-in or token with it";
    beside_posts(answer, made(answer), why)
}

impl Account {
    pub(super) async fn prepare_comment(
        &self,
        out: &Outgoing<'_>,
        parent: &Receipt,
    ) -> Result<Prepared, Failure> {
        let rejected = |words: String| Failure::new(Class::Rejected, words);
        if out.part.pictured() {
            let words = "an answer on Instagram is a comment, which shows no images and no video";
            return Err(rejected(words.to_owned()));
        }
        let media = match on(parent) {
            Some(media) => Some(media.to_owned()),
            None => self.id_of(parent).await?,
        };
        let media = media.ok_or_else(|| {
            let shown = parent.url.as_deref().unwrap_or(&parent.id);
            rejected(format!(
                "what it answers is none of the account's newest posts: {shown}"
            ))
        })?;
        let text = out.part.shown_text(INSTAGRAM.answering(true).abilities);
        Ok(request(&Comment {
            media,
            message: text.into_owned(),
        }))
    }

    pub(super) async fn comment(&self, prepared: &Prepared, comment: &Comment) -> Result<Receipt, Failure> {
        let pairs = [("message", comment.message.as_str())];
        let request = Request::post(&self.graph.base, &prepared.path).pairs(&pairs);
        let doubt = self.limits.doubt_about(false, true);
        let id = self.graph.publish(request, doubt, read).await?;
        Ok(self.pinned(id, comment).await)
    }

    /// Looks for it among the comments on its post, by author and words.
    pub(super) async fn find_comment(&self, sent: &Comment, among: &Among) -> Result<Found, Failure> {
        // It may have another name since the start.
        let name = self.ask_who("username").await?.username;
        let at = format!("{}/comments", sent.media);
        let list = List {
            fields: FIELDS,
            ..self.posts(&at)
        };
        let mut by_somebody = false;
        let looked = list.look(among, |listed| {
            let says = listed.says(&sent.message);
            let known = listed.username.as_ref().zip(name.as_ref());
            by_somebody |= says && known.is_none();
            says && known.is_some_and(|(author, name)| author == name)
        });
        let found = looked.await?.found();
        Ok(match found {
            Found::Here(receipt) => Found::Here(self.pinned(receipt.id, sent).await),
            Found::Absent if by_somebody => Found::Unclear(
                "there is a comment with its words, and Instagram does not say whose it is".to_owned(),
            ),
            other => other,
        })
    }

    /// A comment has no address but its post's.
    async fn pinned(&self, id: String, comment: &Comment) -> Receipt {
        let url = address(&self.graph, &comment.media).await;
        Receipt {
            pin: Some(comment.media.clone()),
            ..Receipt::named(id, url)
        }
    }
}

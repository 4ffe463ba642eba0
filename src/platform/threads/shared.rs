//! Another's post: looked for among its author's, read as it stands, and reposted.
//! <https://developers.facebook.com/docs/threads/posts/reposts>
//!
//! An address does not tell a post's number, but it names the author, whose newest posts can be listed with theirs.
//! <https://developers.facebook.com/docs/threads/retrieve-and-discover-posts/retrieve-posts>

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::super::graph::beside::beside_posts;
use super::super::graph::container::{self, address};
use super::super::graph::list::{List, Listed, Named, Read};
use super::super::http::{Answer, Request};
use super::super::{Among, Prepared};
use super::{Account, VERSION};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::limits::THREADS;

/// What is asked of another's post, and of a repost that is read back.
const FIELDS: &str = "id,text,timestamp,permalink,media_type,alt_text,link_attachment_url,children";
const REPOST_FIELDS: &str = "id,timestamp,permalink,media_type,reposted_post";
const REPOST: &str = "REPOST_FACADE";

/// What is frozen of a repost: lists name it so too.
#[derive(Serialize, Deserialize)]
pub(super) struct Frozen {
    reposted_post: Named,
}

/// The whole request that will be visible: the post `id` of somebody is reposted.
fn request(id: &str) -> Prepared {
    let reposted_post = Named { id: id.to_owned() };
    Prepared {
        path: format!("{VERSION}/{id}/repost"),
        body: json!(Frozen { reposted_post }).to_string(),
    }
}

/// What a frozen request reposts; `None`: it publishes a container.
pub(super) fn of(prepared: &Prepared) -> Option<Frozen> {
    serde_json::from_str(&prepared.body).ok()
}

/// The author in `https://www.threads.com/@NAME/post/CODE`.
fn author_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    let steps: Vec<&str> = url.path_segments()?.filter(|step| !step.is_empty()).collect();
    let [author, "post", _] = steps.as_slice() else {
        return None;
    };
    let author = author
        .strip_prefix('@')
        .filter(|_| THREADS.homes.contains(&host))?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
    (!author.is_empty() && author.bytes().all(plain)).then(|| author.to_owned())
}

/// What a reader of it sees. The addresses of images and videos are others each time.
fn digest(post: &Listed) -> Digest {
    let own = [
        &*post.text,
        &*post.media_type,
        &*post.alt_text,
        &*post.link_attachment_url,
    ];
    let children = post.children.data.iter().map(|child| &*child.id);
    Digest::of_fields(own.into_iter().chain(children))
}

/// What the answer to a repost means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    let why = "whose post it is may not let it be reposted";
    beside_posts(answer, container::read(answer), why)
}

impl Account {
    pub(super) async fn read_shared(&self, url: &str) -> Result<Look, Failure> {
        let post = self.theirs(url).await?;
        Ok(post.map_or(Look::Gone, |post| Look::There(digest(&post))))
    }

    pub(super) async fn prepare_repost(&self, url: &str) -> Result<Prepared, Failure> {
        let gone = || Failure::new(Class::Rejected, format!("there is no such post: {url}"));
        Ok(request(&self.theirs(url).await?.ok_or_else(gone)?.id))
    }

    pub(super) async fn repost(&self, prepared: &Prepared) -> Result<Receipt, Failure> {
        let request = Request::post(&self.graph.base, &prepared.path).pairs(&[]);
        let doubt = self.limits.doubt_about(true, false);
        let receipt = self.graph.publish(request, doubt, read).await?;
        let url = address(&self.graph, &receipt.id).await;
        Ok(Receipt { url, ..receipt })
    }

    /// Looks for it among the account's own posts, by what it reposts.
    pub(super) async fn find_repost(&self, sent: &Frozen, among: &Among) -> Result<Found, Failure> {
        let list = List {
            fields: REPOST_FIELDS,
            ..self.posts(false)
        };
        let looked = list.look(among, |listed| {
            let of = listed.reposted_post.as_ref().map(|post| &*post.id);
            listed.media_type == REPOST && of == Some(&sent.reposted_post.id)
        });
        Ok(looked.await?.found())
    }

    /// Another's post, if its author has it. Of an author who is not shown, the list is empty: that does not say that
    /// the post is gone.
    async fn theirs(&self, url: &str) -> Result<Option<Listed>, Failure> {
        let refused = |words: String| Err(Failure::new(Class::Rejected, words));
        let Some(author) = author_of(url) else {
            return refused(format!(
                "this is no post on Threads, as `https://www.threads.com/@NAME/post/CODE` is: {url}"
            ));
        };
        let list = List {
            at: "profile_posts",
            fields: FIELDS,
            also: &[("username", &author)],
            by_time: false,
            ..self.posts(false)
        };
        match list.post_at(url).await? {
            (Some(post), _) => Ok(Some(post)),
            (None, Read::Whole) => Ok(None),
            (None, Read::Empty) => refused(format!(
                "Threads shows no post of its author: a private profile, one of fewer than 100 followers, another name by now, or all deleted: {url}"
            )),
            (None, Read::TooLong) => refused(format!(
                "Threads tells the numbers of an author's newest posts alone, and it is none of them: {url}"
            )),
            (None, Read::Closed(words)) => refused(format!(
                "Threads shows others' posts only to an app that Meta has approved for `threads_profile_discovery`, and to a sign-in or token with it: {words}"
            )),
        }
    }
}

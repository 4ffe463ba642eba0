//! Another's post: read as it stands, and crossposted under its own title. <https://www.reddit.com/dev/api#GET_api_info>

use serde::Deserialize;

use super::super::Prepared;
use super::super::http::Answer;
use super::listing::{Listing, listed};
use super::{Account, Place, SUBMIT, frozen, name_in};
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure};
use crate::post::shared::Look;

/// What a reader of it sees.
#[derive(Deserialize)]
struct Shown {
    name: String,
    title: String,
    #[serde(default)]
    selftext: String,
    /// Where it leads, or its image or video; of a text, itself.
    #[serde(default)]
    url: String,
    #[serde(default)]
    gallery_data: Option<Gallery>,
    #[serde(default)]
    over_18: bool,
    #[serde(default)]
    spoiler: bool,
    /// By whom it was taken away: its author, moderators, Reddit. It stays in the list.
    removed_by_category: Option<String>,
    /// Of a crosspost, which has no words of its own: what it shares.
    crosspost_parent: Option<String>,
}

#[derive(Deserialize)]
struct Gallery {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    media_id: String,
    #[serde(default)]
    caption: String,
}

impl Shown {
    fn digest(&self) -> Digest {
        let items = self.gallery_data.iter().flat_map(|gallery| &gallery.items);
        let items = items.flat_map(|item| [&*item.media_id, &*item.caption]);
        let own = [&*self.title, &*self.selftext, &*self.url];
        Digest::of_fields(own.into_iter().chain(items))
    }
}

/// The post that was asked for, if it is there to be read. What a crosspost shares could be edited unseen, and Reddit
/// may list ours as a share of that, so that it would be looked for in vain and sent once more.
fn shown(answer: &Answer) -> Result<Option<Shown>, Failure> {
    let page: Listing<Shown> = listed(answer)?;
    let mut posts = page.entries.into_iter();
    let shown = posts.find(|post| post.removed_by_category.is_none());
    if let Some(original) = shown.as_ref().and_then(|post| post.crosspost_parent.as_deref()) {
        let id = original.trim_start_matches("t3_");
        let words =
            format!("it is a crosspost itself: share the original, https://www.reddit.com/comments/{id}/");
        return Err(answer.failure(Class::Rejected, Some(&words)));
    }
    Ok(shown)
}

/// What the answer says of it.
pub fn read(answer: &Answer) -> Result<Look, Failure> {
    let shown = shown(answer)?;
    Ok(shown.map_or(Look::Gone, |shown| Look::There(shown.digest())))
}

/// The whole request that will be visible. A warning of the original's is said again.
/// <https://www.reddit.com/dev/api#POST_api_submit>
fn request(shown: &Shown, place: &Place) -> Prepared {
    let flag = |set| if set { "true" } else { "false" };
    let mut told = vec![
        ("kind", "crosspost"),
        ("crosspost_fullname", shown.name.as_str()),
        ("sr", &place.subreddit),
        ("title", &shown.title),
        ("spoiler", flag(shown.spoiler)),
        ("nsfw", flag(shown.over_18)),
        ("sendreplies", "false"),
        ("resubmit", "true"),
    ];
    told.extend(place.flair.as_deref().map(|flair| ("flair_id", flair)));
    frozen(SUBMIT, &told)
}

/// The fullname of the post at an address. A comment can't be crossposted.
fn post_at(url: &str) -> Result<String, Failure> {
    let name = name_in(url).filter(|name| name.starts_with("t3_"));
    name.ok_or_else(|| {
        let words = format!(
            "this is no post on Reddit, as `https://www.reddit.com/r/NAME/comments/1abcd/words/` is: {url}"
        );
        Failure::new(Class::Rejected, words)
    })
}

impl Account {
    pub(super) async fn read_shared(&self, url: &str) -> Result<Look, Failure> {
        read(&self.info(&post_at(url)?).await?)
    }

    pub(super) async fn crosspost(&self, url: &str) -> Result<Prepared, Failure> {
        let answer = self.info(&post_at(url)?).await?;
        let gone = || Failure::new(Class::Rejected, format!("there is no such post: {url}"));
        let shown = shown(&answer)?.ok_or_else(gone)?;
        Ok(request(&shown, &self.place))
    }
}

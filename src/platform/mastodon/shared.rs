//! Another's post that is to be shared, as this server shows it.
//!
//! <https://docs.joinmastodon.org/methods/search/#v2>, <https://docs.joinmastodon.org/entities/Status/>

use serde::Deserialize;

use super::super::http::Answer;
use super::{Mastodon, refused, shown};
use crate::post::digest::Digest;
use crate::post::outcome::Failure;
use crate::post::shared::Look;

#[derive(Deserialize)]
struct Results {
    statuses: Vec<Shown>,
}

/// What a reader of it sees.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    content: String,
    #[serde(default)]
    spoiler_text: String,
    #[serde(default)]
    media_attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Attachment {
    id: String,
    description: Option<String>,
}

impl Shown {
    /// Of its words, warning and images. How servers break lines and write links changes with their versions, and
    /// says nothing.
    fn digest(&self) -> Digest {
        let words = [shown::said(&self.content), shown::said(&self.spoiler_text)];
        let images = self.media_attachments.iter();
        let images = images.flat_map(|image| [&*image.id, image.description.as_deref().unwrap_or_default()]);
        Digest::of_fields(words.iter().map(String::as_str).chain(images))
    }
}

/// What the answer to a search for its address says.
pub fn read(answer: &Answer) -> Result<Look, Failure> {
    let Some(found) = answer.json::<Results>().filter(|_| answer.status == 200) else {
        return Err(refused(answer));
    };
    let post = found.statuses.first();
    Ok(post.map_or(Look::Gone, |post| Look::There(post.digest())))
}

impl Mastodon {
    pub(super) async fn read_shared(&self, url: &str) -> Result<Look, Failure> {
        read(&self.search(url).await?)
    }
}

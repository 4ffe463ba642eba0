//! Looking for a post whose answer was lost: in the blog's own list, by its slug, else by its words.
//! <https://github.com/tumblr/docs/blob/master/api.md#posts--retrieve-published-posts>

use serde::Deserialize;
use serde_json::Value;

use super::super::http::Request;
use super::super::{Among, Sealed, harmless};
use super::{Account, Said, is_id, odd, post_in, refused, slug};
use crate::post::outcome::{Class, Failure, Found, Receipt};

/// As many as a page may have, and how many pages are turned.
const PAGE: usize = 20;
const PAGES: usize = 20;

#[derive(Deserialize)]
struct List {
    posts: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id_string: String,
    /// Seconds.
    timestamp: i64,
    #[serde(default)]
    slug: String,
    #[serde(flatten)]
    said: Words,
}

/// As much of a post as tells one from another, the frozen one and those that the list has.
#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: Vec<Block>,
    /// What it reblogs: a number when it is sent, text when it is listed.
    parent_post_id: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: String,
}

impl Words {
    fn is(&self, other: &Self) -> bool {
        self.text() == other.text() && self.images() == other.images() && self.parent() == other.parent()
    }

    /// However it is broken into lines and blocks.
    fn text(&self) -> String {
        let texts = self.content.iter().filter(|block| block.kind == "text");
        let letters = texts.flat_map(|block| block.text.chars());
        letters.filter(|c| !c.is_whitespace()).collect()
    }

    fn images(&self) -> usize {
        self.content.iter().filter(|block| block.kind == "image").count()
    }

    fn parent(&self) -> Option<String> {
        let parent = self.parent_post_id.as_ref()?;
        Some(parent.as_str().map_or_else(|| parent.to_string(), str::to_owned))
    }
}

impl Listed {
    /// Another post of ours has the receipt for it, by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        let known = |taken: &String| post_in(taken).is_some_and(|(_, id)| id == self.id_string);
        among.has(&self.id_string, None) || among.taken.iter().any(known)
    }
}

impl Account {
    pub(super) async fn look(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        let sent: Words = serde_json::from_str(&sealed.prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let slug = slug(sealed.key.delivery);
        // For its address.
        self.known().await?;
        let mut alike: Vec<Receipt> = Vec::new();
        for page in 0..PAGES {
            let listed = match self.page_of_posts(page * PAGE).await? {
                Ok(listed) => listed,
                Err(unclear) => return Ok(unclear),
            };
            let past = |listed: &Listed| listed.timestamp < among.since.as_second();
            let end = listed.last().is_none_or(past);
            for one in listed.iter().filter(|one| is_id(&one.id_string) && !past(one)) {
                let receipt = || self.addressed(Receipt::named(&one.id_string, None));
                if one.slug == slug {
                    return Ok(Found::Here(receipt()));
                }
                if one.said.is(&sent) && !one.is_taken(among) {
                    alike.push(receipt());
                }
            }
            if end {
                return Ok(match (alike.pop(), alike.is_empty()) {
                    (None, _) => Found::Absent,
                    (Some(one), true) => Found::Here(one),
                    (Some(_), false) => Found::Unclear("the blog has it more than once".to_owned()),
                });
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the blog's list is too long to be read back to then",
        ))
    }

    /// Those after so many of the newest. A list that may not be read proves nothing.
    async fn page_of_posts(&self, offset: usize) -> Result<Result<Vec<Listed>, Found>, Failure> {
        let (offset, limit) = (offset.to_string(), PAGE.to_string());
        let query = [
            ("npf", "true"),
            ("reblog_info", "true"),
            ("limit", &limit),
            ("offset", &offset),
        ];
        let path = format!("/v2/blog/{}/posts", self.blog);
        let answer = self.ask(Request::get(&self.base, &path).query(&query)).await?;
        match answer.status {
            200 => {
                let Said { response: list }: Said<List> = answer.json().ok_or_else(|| odd(&answer))?;
                Ok(Ok(list.posts))
            }
            403 | 404 => Ok(Err(Found::Unclear(format!(
                "Tumblr does not show the blog's own posts: {}",
                refused(&answer)
            )))),
            _ => Err(harmless(refused(&answer))),
        }
    }
}

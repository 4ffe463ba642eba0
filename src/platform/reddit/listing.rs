//! Lists of posts and comments. <https://www.reddit.com/dev/api#listings>

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::harmless;
use super::super::http::{Answer, Request};
use super::{Account, odd, refused};
use crate::post::outcome::Failure;

#[derive(Deserialize)]
struct List<T> {
    data: Page<T>,
}

#[derive(Deserialize)]
struct Page<T> {
    children: Vec<Child<T>>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Child<T> {
    data: T,
}

/// What stands on one page of a list, and by which name the next one is asked for, if there is one.
pub(super) struct Listing<T> {
    pub entries: Vec<T>,
    pub after: Option<String>,
}

/// What the answer lists.
pub(super) fn listed<T: DeserializeOwned>(answer: &Answer) -> Result<Listing<T>, Failure> {
    if answer.status != 200 {
        return Err(harmless(refused(answer)));
    }
    let List { data: page } = answer.json().ok_or_else(|| odd(answer))?;
    Ok(Listing {
        entries: page.children.into_iter().map(|child| child.data).collect(),
        after: page.after,
    })
}

impl Account {
    /// Asks for what has these fullnames, with a comma between two.
    /// <https://www.reddit.com/dev/api#GET_api_info>
    pub(super) async fn info(&self, names: &str) -> Result<Answer, Failure> {
        let query = [("id", names), ("raw_json", "1")];
        self.ask(Request::get(&self.base, "/api/info").query(&query))
            .await
    }
}

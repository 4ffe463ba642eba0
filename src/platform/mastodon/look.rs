//! Looking for a status whose answer was lost: among the account's own, by the exact words that the server
//! kept. For keys that ran out, and for servers that speak Mastodon's language and forget keys.
//!
//! <https://docs.joinmastodon.org/methods/accounts/#statuses>,
//! <https://docs.joinmastodon.org/methods/statuses/#source>

use jiff::Timestamp;
use serde::Deserialize;

use super::super::http::{Answer, Request};
use super::super::{Among, Prepared};
use super::{CREATE, Mastodon, Status, receipt, refused};
use crate::post::outcome::{Class, Failure, Found};

/// How many statuses a page has, and how many pages are turned: a campaign posts dozens a day, not hundreds.
const PAGE: &str = "40";
const PAGES: usize = 5;

/// What of the frozen request tells one status from another.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    status: String,
    #[serde(default)]
    spoiler_text: String,
    #[serde(default)]
    media_ids: Vec<String>,
    in_reply_to_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Me {
    pub id: String,
}

#[derive(Deserialize)]
struct Listed {
    created_at: Timestamp,
    #[serde(default)]
    spoiler_text: String,
    in_reply_to_id: Option<String>,
    #[serde(default)]
    media_attachments: Vec<Attachment>,
    #[serde(flatten)]
    status: Status,
}

#[derive(Deserialize)]
struct Attachment {
    id: String,
}

/// What was typed, before the server made HTML of it.
#[derive(Deserialize)]
struct Source {
    text: String,
    #[serde(default)]
    spoiler_text: String,
}

#[derive(Deserialize)]
struct Boosted {
    #[serde(default)]
    reblogged: bool,
}

impl Said {
    /// All but the words, which the list shows as HTML.
    fn could_be(&self, listed: &Listed, among: &Among) -> bool {
        let media = || listed.media_attachments.iter().map(|media| &media.id);
        listed.created_at >= among.since
            && !among.has(&listed.status.id, listed.status.url.as_deref())
            && listed.status.reblog.is_none()
            && listed.in_reply_to_id == self.in_reply_to_id
            && listed.spoiler_text == self.spoiler_text
            && media().eq(&self.media_ids)
    }

    fn is(&self, source: &Source) -> bool {
        let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
        plain(&source.text) == plain(&self.status) && source.spoiler_text == self.spoiler_text
    }
}

impl Mastodon {
    pub(super) async fn look(&self, prepared: &Prepared, among: &Among) -> Result<Found, Failure> {
        if let Some(id) = boosted(prepared) {
            return self.look_for_boost(id).await;
        }
        let said: Said = serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let me = match self
            .learn_about("/api/v1/accounts/verify_credentials", &[])
            .await?
        {
            Ok(answer) => answer.json::<Me>().ok_or_else(|| odd(&answer))?.id,
            Err(unclear) => return Ok(unclear),
        };
        let path = format!("/api/v1/accounts/{me}/statuses");
        let mut before: Option<String> = None;
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let mut query = vec![("limit", PAGE), ("exclude_reblogs", "true")];
            query.extend(before.as_deref().map(|before| ("max_id", before)));
            let answer = match self.learn_about(&path, &query).await? {
                Ok(answer) => answer,
                Err(unclear) => return Ok(unclear),
            };
            let page: Vec<Listed> = answer.json().ok_or_else(|| odd(&answer))?;
            // The list is by id, which a server makes of the time.
            let covered = page.last().is_none_or(|last| last.created_at < among.since);
            before = page.last().map(|last| last.status.id.clone());
            for listed in page {
                if !said.could_be(&listed, among) {
                    continue;
                }
                let path = format!("{CREATE}/{}/source", listed.status.id);
                let answer = match self.learn_about(&path, &[]).await? {
                    Ok(answer) => answer,
                    Err(unclear) => return Ok(unclear),
                };
                let source: Source = answer.json().ok_or_else(|| odd(&answer))?;
                if said.is(&source) {
                    found.push(receipt(listed.status));
                }
            }
            if covered {
                return Ok(match (found.pop(), found.is_empty()) {
                    (None, _) => Found::Absent,
                    (Some(one), true) => Found::Here(one),
                    (Some(_), false) => Found::Unclear("the account has it more than once".to_owned()),
                });
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the account's list is too long to be read back to then",
        ))
    }

    /// A boost is there or it is not: a second one is a no-op.
    async fn look_for_boost(&self, id: &str) -> Result<Found, Failure> {
        let path = format!("{CREATE}/{id}");
        let answer = match self.learn_about(&path, &[]).await? {
            Ok(answer) => answer,
            Err(unclear) => return Ok(unclear),
        };
        let (status, boosted): (Status, Boosted) =
            answer.json().zip(answer.json()).ok_or_else(|| odd(&answer))?;
        Ok(if boosted.reblogged {
            Found::Here(receipt(status))
        } else {
            Found::Absent
        })
    }

    /// A page that only looks. A token that may not look is a matter for a person, not for the account.
    async fn learn_about(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Result<Answer, Found>, Failure> {
        let request = Request::get(&self.base, path);
        let request = if query.is_empty() {
            request
        } else {
            request.query(query)
        };
        let answer = self.ask(request).await?;
        match answer.status {
            200 => Ok(Ok(answer)),
            403 => Ok(Err(Found::Unclear(
                "the access token may not look at the account's own statuses (it lacks the scopes read:accounts and read:statuses)"
                    .to_owned(),
            ))),
            _ => Err(refused(&answer)),
        }
    }
}

/// The id in a request to boost.
fn boosted(prepared: &Prepared) -> Option<&str> {
    prepared
        .path
        .strip_prefix(CREATE)?
        .strip_prefix('/')?
        .strip_suffix("/reblog")
}

fn odd(answer: &Answer) -> Failure {
    answer.failure(
        Class::Transient,
        Some("an answer of another shape than the manual's"),
    )
}

//! What is published in two steps: a container is made, which nobody sees, waited for, and published then. It is
//! published once, whoever asks how often, and it knows whether it was.
//!
//! <https://developers.facebook.com/docs/threads/posts>,
//! <https://developers.facebook.com/docs/instagram-platform/content-publishing>

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::list::Looked;
use super::{Graph, Made, Trouble, is_id, made, passes, said};
use crate::platform::harmless;
use crate::platform::http::{Answer, Request};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::sealed::Prepared;
use crate::text::limits::Doubt;

/// The words in which a platform has them.
pub(in super::super) struct Steps {
    /// Where a container is made, below the account.
    pub make: &'static str,
    /// Where it is published.
    pub publish: &'static str,
    /// The fields that say how it stands.
    pub fields: &'static str,
}

/// What a container is made of: the fields of a form.
pub(in super::super) type Told = Vec<(&'static str, String)>;

/// How often it is asked whether a container without a video is ready: for some 40 seconds.
const LOOKS: usize = 12;
/// With one: for some five minutes, after which Meta says to give it up.
const VIDEO_LOOKS: usize = 64;
/// How long to wait before each, in milliseconds; then as long as the last.
const WAITS: [u64; 6] = [250, 500, 1000, 2000, 4000, 5000];

#[derive(Deserialize)]
struct State {
    /// Of Instagram; there `status` is a sentence.
    status_code: Option<String>,
    /// Of Threads.
    status: Option<String>,
    error_message: Option<String>,
}

/// What is out.
#[derive(Deserialize)]
struct Shown {
    permalink: Option<String>,
}

/// How long the address of a post that is out may be waited for: its receipt is not on the disk yet.
const ADDRESS: Duration = Duration::from_secs(5);

/// What the answer to a publishing request means.
pub(in super::super) fn read(answer: &Answer) -> Result<Receipt, Failure> {
    made(answer).map(|id| Receipt::named(id, None))
}

/// It can't be told from the id. The post is out, whatever becomes of this.
pub(in super::super) async fn address(graph: &Graph, id: &str) -> Option<String> {
    let asking = graph.get(id, &[("fields", "id,permalink")]);
    let answer = tokio::time::timeout(ADDRESS, asking).await.ok()?.ok()?;
    said::<Shown>(&answer).ok()?.permalink
}

/// How a container stands.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Working,
    Ready,
    Published,
    /// Nobody published it for a day.
    Expired,
    Failed(String),
    /// Meta knows nothing of it.
    Unknown,
}

/// What is frozen: which container is published, and what it says.
#[derive(Deserialize, Serialize)]
pub(in super::super) struct Frozen {
    pub creation_id: String,
    said: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<Map<String, Value>>,
}

fn frozen(told: &Told) -> Map<String, Value> {
    told.iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect()
}

impl Frozen {
    pub(in super::super) fn of(prepared: &Prepared) -> Result<Self, Failure> {
        let frozen: Option<Self> = serde_json::from_str(&prepared.body).ok();
        frozen
            .filter(|frozen| is_id(&frozen.creation_id))
            .ok_or_else(|| Failure::new(Class::Transient, "the frozen request can't be read"))
    }

    /// What its container was told as `key`.
    pub(in super::super) fn told(&self, key: &str) -> Option<&str> {
        self.said.get(key)?.as_str()
    }
}

impl Steps {
    /// The request that publishes the container `id` of the account `me`, which was told so much. That is frozen with
    /// it, for the record, and to be known again by; with `beside`, what each image of several was told.
    pub(in super::super) fn request(
        &self,
        version: &str,
        me: &str,
        id: &str,
        told: &Told,
        beside: &[Told],
    ) -> Prepared {
        let children = if beside.len() > 1 { beside } else { &[] };
        let frozen = Frozen {
            creation_id: id.to_owned(),
            said: frozen(told),
            children: children.iter().map(frozen).collect(),
        };
        Prepared {
            path: format!("{version}/{me}/{}", self.publish),
            body: json!(frozen).to_string(),
        }
    }

    /// Makes the container of a part, and waits until it is ready. Several media, each told `beside`, have containers
    /// of their own; `whole` says what the one that is published is told, given their ids. What is not published is
    /// gone in a day.
    pub(in super::super) async fn prepare(
        &self,
        graph: &Graph,
        me: &str,
        beside: &[Told],
        whole: impl FnOnce(&[String]) -> Told,
    ) -> Result<Prepared, Failure> {
        let mut children = Vec::new();
        if beside.len() > 1 {
            for told in beside {
                let mut told = told.clone();
                told.push(("is_carousel_item", "true".to_owned()));
                children.push(self.begin(graph, me, &told).await?);
            }
            for child in &children {
                self.ready(graph, child, LOOKS).await?;
            }
        }
        let told = whole(&children);
        let video = told.iter().any(|(key, _)| *key == "video_url");
        let id = self.begin(graph, me, &told).await?;
        self.ready(graph, &id, if video { VIDEO_LOOKS } else { LOOKS })
            .await?;
        Ok(self.request(graph.version, me, &id, &told, beside))
    }

    async fn begin(&self, graph: &Graph, me: &str, told: &Told) -> Result<String, Failure> {
        let pairs: Vec<(&str, &str)> = told.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let at = graph.at(&format!("{me}/{}", self.make));
        let answer = graph.ask(Request::post(&graph.base, &at).pairs(&pairs)).await?;
        let made = said::<Made>(&answer);
        // What it answers may have come out a moment ago.
        let answers = told.iter().any(|(key, _)| *key == "reply_to_id");
        match (made, Trouble::of(&answer)) {
            (Ok(made), _) if is_id(&made.id) => Ok(made.id),
            (Ok(_), _) => Err(super::odd(&answer)),
            (Err(failure), Some(trouble)) if answers && trouble.is_too_early() => Err(Failure {
                class: Class::Transient,
                ..failure
            }),
            (Err(failure), _) => Err(failure),
        }
    }

    async fn ready(&self, graph: &Graph, id: &str, looks: usize) -> Result<(), Failure> {
        let last = WAITS.iter().rev().take(1).cycle();
        let mut waits = WAITS.iter().chain(last).take(looks);
        loop {
            match self.standing(graph, id).await? {
                Standing::Ready => return Ok(()),
                Standing::Working => {}
                Standing::Failed(words) if passes(&words) || is_a_chance(&words) => {
                    return Err(Failure::new(Class::Transient, failed(&words)));
                }
                Standing::Failed(words) => return Err(Failure::new(Class::Rejected, failed(&words))),
                Standing::Published | Standing::Expired | Standing::Unknown => {
                    return Err(Failure::new(
                        Class::Transient,
                        "what was uploaded is not there any more",
                    ));
                }
            }
            let Some(wait) = waits.next() else {
                let words = "the server is still processing what was uploaded";
                return Err(Failure::new(Class::Transient, words));
            };
            tokio::time::sleep(Duration::from_millis(*wait)).await;
        }
    }

    async fn standing(&self, graph: &Graph, id: &str) -> Result<Standing, Failure> {
        let answer = graph.get(id, &[("fields", self.fields)]).await?;
        if let Some(trouble) = Trouble::of(&answer).filter(|_| (400..500).contains(&answer.status)) {
            // What is out has fields of another kind.
            if trouble.has_no_such_field() {
                return Ok(Standing::Published);
            }
            if trouble.is_unknown() {
                return Ok(Standing::Unknown);
            }
        }
        let State {
            status_code,
            status,
            error_message,
        } = said(&answer)?;
        let (state, words) = match status_code {
            Some(code) => (code, status),
            None => (status.unwrap_or_default(), error_message),
        };
        match state.as_str() {
            "FINISHED" => Ok(Standing::Ready),
            "IN_PROGRESS" => Ok(Standing::Working),
            "PUBLISHED" => Ok(Standing::Published),
            "EXPIRED" => Ok(Standing::Expired),
            "ERROR" => Ok(Standing::Failed(words.unwrap_or_default())),
            _ => Err(super::odd(&answer)),
        }
    }

    /// Publishes the container of a frozen request, and asks for the address of what came of it.
    pub(in super::super) async fn publish(
        &self,
        graph: &Graph,
        prepared: &Prepared,
        doubt: Doubt,
    ) -> Result<Receipt, Failure> {
        let sent = Frozen::of(prepared)?;
        let pairs = [("creation_id", sent.creation_id.as_str())];
        let request = Request::post(&graph.base, &prepared.path).pairs(&pairs);
        let receipt = graph.publish(request, doubt, read).await?;
        let url = address(graph, &receipt.id).await;
        Ok(Receipt { url, ..receipt })
    }

    /// What became of the container of a request whose answer was lost. `look` reads the account's list: it alone
    /// knows the post's id, and it is believed before the container, which may lag.
    pub(in super::super) async fn find(
        &self,
        graph: &Graph,
        sent: &Frozen,
        look: impl Future<Output = Result<Looked, Failure>>,
    ) -> Result<Found, Failure> {
        let standing = self.standing(graph, &sent.creation_id).await?;
        if standing == Standing::Working {
            return Ok(Found::Working);
        }
        Ok(match (look.await.map_err(harmless)?, standing) {
            (Looked::One(receipt), _) => Found::Here(receipt),
            (Looked::Many, _) => Found::Unclear("the account has it more than once".to_owned()),
            (_, Standing::Ready) => Found::Absent,
            (Looked::Closed(words), Standing::Published) => Found::Unclear(format!(
                "it was published, and the account may not read its own posts ({words})"
            )),
            // The list lags.
            (Looked::None, Standing::Published) | (_, Standing::Working) => Found::Working,
            (_, Standing::Expired) => Found::Lapsed,
            (_, Standing::Failed(words)) => Found::Refused(failed(&words)),
            (_, Standing::Unknown) => Found::Unclear(
                "what was to be published is not known there any more, and the account does not show it"
                    .to_owned(),
            ),
        })
    }
}

fn failed(words: &str) -> String {
    format!("it could not be made ready: {words}")
}

/// What Threads says where it can't say why, or could not fetch a file.
fn is_a_chance(words: &str) -> bool {
    matches!(words, "" | "UNKNOWN") || words.starts_with("FAILED_DOWNLOADING")
}

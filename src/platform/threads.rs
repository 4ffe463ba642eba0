//! Threads. <https://developers.facebook.com/docs/threads>
//!
//! A post is made as a container first, which nobody sees, and published then. A container is published once, and
//! knows whether it was, so after a lost answer it is asked. Images and videos are fetched by Meta from an address of
//! ours (`shelf`): nothing can be uploaded. Another's post is reposted by one request, and looked for in the account's
//! list.

use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::graph::account::{Opened, Words, sixty_days};
use super::graph::container::{self, Frozen, Steps, Told};
use super::graph::list::List;
use super::graph::{Graph, Me, is_id};
use super::http::Answer;
use super::shelf::{self, Shelf};
use super::sign_in::{OAuth, SignIn, Way};
use super::token::Token;
use super::{Among, Deletion, Outgoing, Platform, Prepared, Sealed, Tools, answers, settings};
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::limits::{Limits, THREADS, THREADS_WITHOUT_MEDIA};

mod shared;

pub use shared::read as read_repost;

/// `[account.NAME]` with `platform = "threads"`.
pub use super::graph::account::Config;

pub const NAME: &str = "threads";

pub fn limits() -> Limits {
    THREADS
}

/// An account without a folder for images takes none.
pub(super) fn known_limits(table: &toml::Table, _: &std::path::Path, _: &AccountName) -> Limits {
    if shelf::is_named(table) {
        THREADS
    } else {
        THREADS_WITHOUT_MEDIA
    }
}

const HOME: &str = "https://graph.threads.net";
const VERSION: &str = "/v1.0";

/// <https://developers.facebook.com/docs/threads/get-started>.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At developers.facebook.com, make an app with the use case \"Access the Threads API\", and allow it these permissions: {scopes}",
        "Enter {redirect} there as a redirect callback URL. It begins with https; a page need not be there.",
        "Under App roles, add the account that is to post as a Threads tester; accept that in its settings on threads.net, under Website permissions.",
        "Write the Threads app ID and the Threads app secret, which are others than the app's, as `client_id` and `client_secret`.",
        "In the browser that opens, sign in to the account that is to post, and allow the app to act for it.",
    ],
    way: Way::Code(&OAUTH),
};

const OAUTH: OAuth = sixty_days(&Words {
    authorize: "https://www.threads.net/oauth/authorize",
    token: "https://graph.threads.net/oauth/access_token",
    scopes: &[
        "threads_basic",
        "threads_content_publish",
        "threads_manage_replies",
        "threads_read_replies",
        "threads_delete",
    ],
    extras: &[
        (
            "threads_manage_insights",
            "how the public answered is not counted",
        ),
        ("threads_profile_discovery", "nobody else's posts are reposted"),
    ],
    exchange: ("https://graph.threads.net/access_token", "th_exchange_token"),
    refresh: (
        "https://graph.threads.net/refresh_access_token",
        "th_refresh_token",
    ),
});

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let limits = known_limits(&table, tools.vault, tools.account);
    let Opened {
        graph,
        user_id,
        shelf,
    } = settings::<Config>(table)?.open((HOME, VERSION), &SIGN_IN, tools)?;
    Ok(Box::new(Account {
        limits,
        graph,
        user_id,
        shelf,
        known: OnceCell::new(),
    }))
}

struct Account {
    limits: Limits,
    graph: Graph,
    user_id: Option<String>,
    shelf: Option<Shelf>,
    /// Whose the token is, once that was asked.
    known: OnceCell<Me>,
}

// What is said.

const STEPS: Steps = Steps {
    make: "threads",
    publish: "threads_publish",
    fields: "id,status,error_message",
};
/// What is asked of a post that is read back.
const FIELDS: &str = "id,text,timestamp,permalink,media_type";
const REPLY_FIELDS: &str = "id,text,timestamp,permalink,media_type,replied_to";

/// Of each image, or of the video: what its container is told.
pub fn beside(out: &Outgoing<'_>, urls: &[&str]) -> Vec<Told> {
    let told = |kind, key, url: &str, alt: &str| {
        let mut told: Told = vec![("media_type", String::from(kind)), (key, url.to_owned())];
        if !alt.is_empty() {
            told.push(("alt_text", alt.to_owned()));
        }
        told
    };
    let images = out.images.iter().map(|image| ("IMAGE", "image_url", &*image.alt));
    let video = out.video.iter().map(|video| ("VIDEO", "video_url", &*video.alt));
    let media = images.chain(video).zip(urls);
    media
        .map(|((kind, key, alt), url)| told(kind, key, url, alt))
        .collect()
}

/// What the container that is published is told. `beside` are told of media that it holds itself or, of several, that
/// have containers of their own, `children`. <https://developers.facebook.com/docs/threads/posts>
pub fn told(out: &Outgoing<'_>, parent: Option<&str>, beside: &[Told], children: &[String]) -> Told {
    let mut told = match beside {
        [] => vec![("media_type", "TEXT".to_owned())],
        [one] => one.clone(),
        _ => vec![
            ("media_type", "CAROUSEL".to_owned()),
            ("children", children.join(",")),
        ],
    };
    let text = out.part.shown_text(THREADS.abilities);
    if !text.is_empty() {
        told.push(("text", text.into_owned()));
    }
    if let Some(link) = out.part.link.as_ref().filter(|_| beside.is_empty()) {
        told.push(("link_attachment", link.url.clone()));
    }
    told.extend(parent.map(|parent| ("reply_to_id", parent.to_owned())));
    told
}

/// The whole request that will be visible: the container `id` of the account `me` is published.
pub fn request(me: &str, id: &str, told: &Told, beside: &[Told]) -> Prepared {
    STEPS.request(VERSION, me, id, told, beside)
}

/// As a list says what a container was made as.
fn listed_as(media_type: &str) -> &str {
    match media_type {
        "TEXT" => "TEXT_POST",
        "CAROUSEL" => "CAROUSEL_ALBUM",
        other => other,
    }
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    container::read(answer)
}

// How the public answered. <https://developers.facebook.com/docs/threads/insights>

const METRICS: &str = "views,likes,replies,reposts,quotes";

#[derive(Deserialize)]
struct Insights {
    data: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    value: u64,
}

fn counted(told: &Insights) -> Counts {
    let of = |name: &str| {
        let metric = told.data.iter().find(|metric| metric.name == name)?;
        metric.values.first().map(|value| value.value)
    };
    Counts {
        likes: of("likes"),
        shares: of("reposts"),
        replies: of("replies"),
        quotes: of("quotes"),
        views: of("views"),
    }
}

// The account.

#[async_trait]
impl Platform for Account {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        if let Some(url) = out.share {
            return self.prepare_repost(url).await;
        }
        let me = self.me().await?.id();
        let parent = match out.parent {
            Some(parent) => Some(self.id_of(parent).await?.ok_or_else(|| elsewhere(parent))?),
            None => None,
        };
        // They lie there until their containers are ready: until Meta has fetched them.
        let items = shelf::hold(self.shelf.as_ref(), out, self.graph.http.now()).await?;
        let urls: Vec<&str> = items.iter().map(|item| item.url.as_str()).collect();
        let beside = beside(out, &urls);
        STEPS
            .prepare(&self.graph, me, &beside, |children| {
                told(out, parent.as_deref(), &beside, children)
            })
            .await
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        if shared::of(&sealed.prepared).is_some() {
            return self.repost(&sealed.prepared).await;
        }
        STEPS
            .publish(&self.graph, &sealed.prepared, self.limits.doubt)
            .await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        let id = self.id_of(gone.receipt).await?.ok_or_else(|| gone.unnamed())?;
        Ok(Prepared {
            path: self.graph.at(&id),
            body: String::new(),
        })
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.graph.delete(&sealed.prepared.path).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        if let Some(repost) = shared::of(&sealed.prepared) {
            return self.find_repost(&repost, among).await;
        }
        let sent = Frozen::of(&sealed.prepared)?;
        let text = sent.told("text").unwrap_or_default();
        let kind = listed_as(sent.told("media_type").unwrap_or_default());
        let parent = sent.told("reply_to_id");
        let list = self.posts(parent.is_some());
        let look = list.look(among, |listed| {
            let answers = listed.replied_to.as_ref().map(|to| to.id.as_str());
            listed.media_type == kind && listed.says(text) && answers == parent
        });
        STEPS.find(&self.graph, &sent, look).await
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        Some(self.read_shared(url).await)
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.graph
            .counts(of, "/insights", ("metric", METRICS), counted)
            .await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        Ok(Some(self.me().await?.id().to_owned()))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.graph.token)
    }

    /// Without a token it is refused, which is an answer.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.graph.http, &self.graph.base, &self.graph.at("me")).await)
    }
}

fn elsewhere(parent: &Receipt) -> Failure {
    let shown = parent.url.as_deref().unwrap_or(&parent.id);
    Failure::new(
        Class::Rejected,
        format!("what it answers is none of the account's newest posts: {shown}"),
    )
}

impl Account {
    /// <https://developers.facebook.com/docs/threads/reference/user>
    async fn me(&self) -> Result<&Me, Failure> {
        self.known.get_or_try_init(|| self.ask_who()).await
    }

    async fn ask_who(&self) -> Result<Me, Failure> {
        let wanted = self.user_id.as_deref().map(|wanted| ("user_id", wanted));
        self.graph.who("me", "id", wanted).await
    }

    /// The account's replies, or its other posts.
    fn posts(&self, replies: bool) -> List<'_> {
        let (at, fields) = if replies {
            ("me/replies", REPLY_FIELDS)
        } else {
            ("me/threads", FIELDS)
        };
        List {
            graph: &self.graph,
            at,
            fields,
            also: &[],
            by_time: true,
        }
    }

    /// Of a post that a person has entered by its address, the lists know the id.
    async fn id_of(&self, receipt: &Receipt) -> Result<Option<String>, Failure> {
        if is_id(&receipt.id) {
            return Ok(Some(receipt.id.clone()));
        }
        let url = receipt.url.as_deref().unwrap_or(&receipt.id);
        for replies in [false, true] {
            let named = self.posts(replies).named(url).await?;
            if named.is_some() {
                return Ok(named);
            }
        }
        Ok(None)
    }
}

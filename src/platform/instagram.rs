//! Instagram, for professional accounts. <https://developers.facebook.com/docs/instagram-platform/content-publishing>
//!
//! There is no post without an image or a video, which Meta fetches from an address of ours (`shelf`). A post is made
//! as a container first, which nobody sees, and published then; after a lost answer the container is asked.
//!
//! What answers an earlier post is a comment on it, and is looked for among its comments.
//!
//! There are two ways in: by Instagram's own sign-in, or by the Facebook Page that the account belongs to. The host
//! says which.

use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::graph::account::{Opened, Words, sixty_days};
use super::graph::container::{self, Frozen, Steps, Told};
use super::graph::list::List;
use super::graph::{Graph, Me, is_id};
use super::http::{Answer, BaseUrl};
use super::shelf::{self, Shelf};
use super::sign_in::{OAuth, SignIn, Way};
use super::token::{Source, Token, base_of};
use super::{Among, Deletion, Outgoing, Platform, Prepared, Sealed, Tools, answers, settings};
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::limits::{INSTAGRAM, INSTAGRAM_BY_FACEBOOK, Limits};

mod comment;

pub use comment::read as read_comment;

/// `[account.NAME]` with `platform = "instagram"`.
pub use super::graph::account::Config;

pub const NAME: &str = "instagram";

pub fn limits() -> Limits {
    INSTAGRAM
}

/// By its Page an account can delete what it posted.
pub(super) fn known_limits(table: &toml::Table, _: &std::path::Path, _: &AccountName) -> Limits {
    match base_of(table) {
        Ok(Some(base)) if is_facebook(&base) => INSTAGRAM_BY_FACEBOOK,
        _ => INSTAGRAM,
    }
}

/// Whether the keys belong together.
pub(super) fn together(config: Config) -> Result<(), String> {
    if config.base_url.as_ref().is_some_and(is_facebook) {
        if let Ok(Source::Login(_)) = config.token.clone().source(&SIGN_IN) {
            return Err("`login` signs in on Instagram itself: with graph.facebook.com write `access_token`, of the account's Page".into());
        }
        if config.user_id.is_none() {
            return Err("with graph.facebook.com `user_id` is needed: the account's number".into());
        }
    }
    need(config.shelf.clone().open()?)?;
    config.together()
}

fn need(shelf: Option<Shelf>) -> Result<Shelf, String> {
    shelf.ok_or_else(|| {
        "`media_folder` and `media_url` are missing: Instagram fetches images from an address".into()
    })
}

const HOME: &str = "https://graph.instagram.com";
/// One lives for two years; after that its requests go to the oldest that lives.
const VERSION: &str = "/v25.0";

fn is_facebook(base: &BaseUrl) -> bool {
    base.host() == "graph.facebook.com"
}

/// <https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login>.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "On Instagram, make the account a professional one, if it is not yet: Settings, Account type.",
        "At developers.facebook.com, make an app with the use case to manage messaging and content on Instagram, and set up the API with Instagram login, with these permissions: {scopes}",
        "Enter {redirect} there as an OAuth redirect URI. It begins with https; a page need not be there.",
        "Under App roles, add the account as an Instagram tester; accept that in its settings, under Website permissions.",
        "Write the Instagram app ID and the Instagram app secret, which are others than the app's, as `client_id` and `client_secret`.",
        "In the browser that opens, sign in to the account that is to post, and allow the app to act for it.",
    ],
    way: Way::Code(&OAUTH),
};

const OAUTH: OAuth = sixty_days(&Words {
    authorize: "https://www.instagram.com/oauth/authorize",
    token: "https://api.instagram.com/oauth/access_token",
    scopes: &["instagram_business_basic", "instagram_business_content_publish"],
    extras: &[(
        "instagram_business_manage_comments",
        "nothing is answered by a comment",
    )],
    exchange: ("https://graph.instagram.com/access_token", "ig_exchange_token"),
    refresh: (
        "https://graph.instagram.com/refresh_access_token",
        "ig_refresh_token",
    ),
});

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    together(settings(table.clone())?)?;
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
        shelf: need(shelf)?,
        known: OnceCell::new(),
    }))
}

struct Account {
    limits: Limits,
    graph: Graph,
    user_id: Option<String>,
    shelf: Shelf,
    /// Whose the token is, once that was asked.
    known: OnceCell<Me>,
}

// What is said.

const STEPS: Steps = Steps {
    make: "media",
    publish: "media_publish",
    fields: "id,status_code,status",
};
/// What is asked of a post that is read back.
const FIELDS: &str = "id,caption,timestamp,permalink,media_type";

/// Of each image, or of the video: what its container is told. A reel has no description of itself.
pub fn beside(out: &Outgoing<'_>, urls: &[&str]) -> Vec<Told> {
    let mut urls = urls.iter();
    let mut all = Vec::new();
    for (image, url) in out.images.iter().zip(&mut urls) {
        let mut told: Told = vec![("image_url", (*url).to_owned())];
        if !image.alt.is_empty() {
            told.push(("alt_text", image.alt.clone()));
        }
        all.push(told);
    }
    for (_, url) in out.video.iter().zip(urls) {
        all.push(vec![
            ("media_type", "REELS".to_owned()),
            ("video_url", (*url).to_owned()),
        ]);
    }
    all
}

/// What the container that is published is told. `beside` are told of media that it holds itself or, of several, that
/// have containers of their own, `children`.
/// <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media>
pub fn told(out: &Outgoing<'_>, beside: &[Told], children: &[String]) -> Told {
    let mut told = match beside {
        [one] => one.clone(),
        _ => vec![
            ("media_type", "CAROUSEL".to_owned()),
            ("children", children.join(",")),
        ],
    };
    let caption = out.part.shown_text(INSTAGRAM.abilities);
    if !caption.is_empty() {
        told.push(("caption", caption.into_owned()));
    }
    told
}

/// The whole request that will be visible: the container `id` of the account `me` is published.
pub fn request(me: &str, id: &str, told: &Told, beside: &[Told]) -> Prepared {
    STEPS.request(VERSION, me, id, told, beside)
}

/// As a list says what a container was made as.
fn listed_as(media_type: Option<&str>) -> &'static str {
    match media_type {
        Some("CAROUSEL") => "CAROUSEL_ALBUM",
        Some("REELS") => "VIDEO",
        _ => "IMAGE",
    }
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    container::read(answer)
}

/// How the public answered. Where the account hides its likes, they are not told.
#[derive(Deserialize)]
struct Answered {
    like_count: Option<u64>,
    comments_count: u64,
}

fn counted(told: &Answered) -> Counts {
    Counts {
        likes: told.like_count,
        replies: Some(told.comments_count),
        ..Counts::default()
    }
}

// The account.

#[async_trait]
impl Platform for Account {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        if let Some(parent) = out.parent {
            return self.prepare_comment(out, parent).await;
        }
        if out.images.is_empty() && out.video.is_none() {
            let words = "there is no post without an image or a video";
            return Err(Failure::new(Class::Rejected, words));
        }
        let me = self.me().await?.id();
        // They lie there until their containers are ready: until Meta has fetched them.
        let items = shelf::hold(Some(&self.shelf), out, self.graph.http.now()).await?;
        let urls: Vec<&str> = items.iter().map(|item| item.url.as_str()).collect();
        let beside = beside(out, &urls);
        STEPS
            .prepare(&self.graph, me, &beside, |children| told(out, &beside, children))
            .await
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        if let Some(comment) = comment::of(&sealed.prepared) {
            return self.comment(&sealed.prepared, &comment).await;
        }
        STEPS
            .publish(&self.graph, &sealed.prepared, self.limits.doubt)
            .await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        let is_comment = comment::on(gone.receipt).is_some();
        if gone.below && !is_comment {
            return Err(gone.unnamed());
        }
        if !self.limits.answering(is_comment).delete {
            let words = "Instagram lets a program delete only by the account's Page: delete it by hand";
            return Err(Failure::new(Class::Rejected, words));
        }
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
        if let Some(comment) = comment::of(&sealed.prepared) {
            return self.find_comment(&comment, among).await;
        }
        let sent = Frozen::of(&sealed.prepared)?;
        let caption = sent.told("caption").unwrap_or_default();
        let kind = listed_as(sent.told("media_type"));
        let at = format!("{}/media", self.me().await?.id());
        let list = self.posts(&at);
        let look = list.look(among, |listed| listed.media_type == kind && listed.says(caption));
        STEPS.find(&self.graph, &sent, look).await
    }

    /// Nothing of a comment, of which other things are told.
    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let fields = ("fields", "id,like_count,comments_count");
        let mut all = Vec::new();
        for receipt in of {
            if comment::on(receipt).is_some() {
                all.push(Counts::default());
            } else {
                let one = std::slice::from_ref(receipt);
                all.extend(self.graph.counts(one, "", fields, counted).await?);
            }
        }
        Ok(all)
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

impl Account {
    async fn me(&self) -> Result<&Me, Failure> {
        self.known.get_or_try_init(|| self.ask_who("")).await
    }

    /// A Page's token is asked for the account itself: who it is of, is the Page. `also`: another field of it.
    async fn ask_who(&self, also: &str) -> Result<Me, Failure> {
        let wanted = self.user_id.as_deref().map(|wanted| ("user_id", wanted));
        let (of, fields) = match &self.user_id {
            Some(id) if is_facebook(&self.graph.base) => (id.as_str(), "id"),
            _ => ("me", "id,user_id"),
        };
        let fields = [fields, also].join(if also.is_empty() { "" } else { "," });
        self.graph.who(of, &fields, wanted).await
    }

    fn posts<'a>(&'a self, at: &'a str) -> List<'a> {
        List {
            graph: &self.graph,
            at,
            fields: FIELDS,
            also: &[],
            by_time: false,
        }
    }

    /// Of a post that a person has entered by its address, the list knows the id.
    async fn id_of(&self, receipt: &Receipt) -> Result<Option<String>, Failure> {
        if is_id(&receipt.id) {
            return Ok(Some(receipt.id.clone()));
        }
        let url = receipt.url.as_deref().unwrap_or(&receipt.id);
        let at = format!("{}/media", self.me().await?.id());
        self.posts(&at).named(url).await
    }
}

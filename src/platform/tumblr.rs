//! Tumblr: posts on one blog, in its own format of blocks (NPF). <https://github.com/tumblr/docs/blob/master/api.md>
//!
//! A text is one block, images are blocks beside it, a link that is not in the text is a block that Tumblr makes a card
//! of. A further part reblogs the one before, and so does an answer. It keeps no key of ours, but the last words of a
//! post's address, the slug, are ours to choose: after a lost answer the blog's own list is read for it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Field, Http, Request};
use super::secret::Secret;
use super::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::video::{Films, VideoFile};
use super::{
    Among, Deletion, Edit, ImageBytes, Outgoing, Platform, Prepared, Sealed, Tools, answers, card_of, form,
    harmless, settings,
};
use crate::post::engagement::Counts;
use crate::post::identity::DeliveryId;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::entities::{EntityKind, entities};
use crate::text::limits::{Doubt, Limits, TUMBLR};

mod counts;
mod edit;
mod look;
mod shared;

pub use edit::read_edit;
pub use shared::read as read_shared;

pub const NAME: &str = "tumblr";

pub fn limits() -> Limits {
    TUMBLR
}

/// `[account.NAME]` with `platform = "tumblr"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The blog: its name, its host, or its `t:` id, which stays when the name changes.
    #[schemars(with = "String")]
    blog: Blog,
    /// Another server; else Tumblr's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// With the scopes of [`SIGN_IN`]; it lives 42 minutes. Or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

/// What Tumblr calls a blog identifier.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Blog(String);

impl TryFrom<String> for Blog {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if is_blog(&name) {
            Ok(Self(name))
        } else {
            Err(
                "write the blog's name, as `casewatch`, its host, as `casewatch.tumblr.com`, or its `t:` id"
                    .into(),
            )
        }
    }
}

fn is_blog(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let name = name.strip_prefix("t:").unwrap_or(name);
    !name.is_empty() && name.bytes().all(plain) && !name.contains("..")
}

const HOME: &str = "https://api.tumblr.com";

/// <https://github.com/tumblr/docs/blob/master/api.md#oauth2-authorization>. A token lives 42 minutes; each renewal has
/// a new refresh token, and whether the old one still works is not said.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At tumblr.com/oauth/apps, register an application.",
        "Enter {redirect} there as the default callback URL and as the OAuth2 redirect URL, to the letter.",
        "Write the OAuth Consumer Key and the Secret Key as `client_id` and `client_secret`.",
        "In the browser that opens, sign in to the account whose blog it is, and allow the app to act for it.",
    ],
    way: Way::Code(&OAuth {
        authorize: "https://www.tumblr.com/oauth2/authorize",
        token: "https://api.tumblr.com/v2/oauth2/token",
        scopes: &["basic", "write", "offline_access"],
        extras: &[],
        between: " ",
        pkce: false,
        also: &[],
        client: ClientIs::Form,
        redirect: Redirect::Loopback { port: 8976 },
        then: Then::Keep,
        renewal: Renewal::RefreshToken { rotates: true },
    }),
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let token = config
        .token
        .open(&SIGN_IN, config.base_url.as_ref(), None, tools)?;
    Ok(Box::new(Account {
        limits: TUMBLR,
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        blog: config.blog.0,
        token,
        known: OnceCell::new(),
        films: Arc::clone(tools.films),
        http: tools.http.clone(),
    }))
}

struct Account {
    limits: Limits,
    base: BaseUrl,
    /// As the config calls it.
    blog: String,
    token: Token,
    /// What the blog is, once that was asked.
    known: OnceCell<Known>,
    films: Arc<dyn Films>,
    http: Http,
}

// The wire.

/// What every answer is.
#[derive(Deserialize)]
struct Said<T> {
    response: T,
}

#[derive(Deserialize)]
struct Posted {
    /// Of 64 bits, as text.
    id: String,
}

/// <https://github.com/tumblr/docs/blob/master/api.md#userinfo--get-a-users-information>
#[derive(Deserialize)]
struct Info {
    user: User,
}

#[derive(Deserialize)]
struct User {
    blogs: Vec<Known>,
}

/// A blog of the one who signed in.
#[derive(Clone, Deserialize)]
struct Known {
    name: String,
    uuid: String,
    #[serde(default)]
    url: String,
}

impl Known {
    /// Whether the config means this one.
    fn is(&self, blog: &str) -> bool {
        let host = Url::parse(&self.url).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let name = blog.strip_suffix(".tumblr.com").unwrap_or(blog);
        self.uuid == blog || self.name.eq_ignore_ascii_case(name) || host.eq_ignore_ascii_case(blog)
    }
}

/// What is reblogged.
#[derive(Debug)]
pub struct Parent {
    /// Of its blog.
    pub uuid: String,
    /// The post's.
    pub id: u64,
    /// What shows that we may.
    pub reblog_key: String,
}

impl Parent {
    /// As a request names it.
    fn told(&self) -> [(String, Value); 3] {
        [
            ("parent_tumblelog_uuid".to_owned(), json!(self.uuid)),
            ("parent_post_id".to_owned(), json!(self.id)),
            ("reblog_key".to_owned(), json!(self.reblog_key)),
        ]
    }
}

#[derive(Deserialize)]
struct Problem {
    meta: Meta,
    #[serde(default)]
    errors: Vec<Complaint>,
}

#[derive(Deserialize)]
struct Meta {
    status: u16,
    msg: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    code: u32,
    detail: String,
}

// What is said, and what the answer means.

/// The whole request that will be visible.
pub fn request(out: &Outgoing<'_>, blog: &str, parent: Option<&Parent>) -> Prepared {
    let text = out.part.shown_text(TUMBLR.abilities);
    let mut content: Vec<Value> = Vec::new();
    if !text.is_empty() {
        content.push(text_block(&text));
    }
    content.extend(out.images.iter().enumerate().map(image_block));
    content.extend(out.video.as_ref().map(video_block));
    if !out.part.pictured()
        && let Some((url, _)) = card_of(out.part)
    {
        content.push(json!({ "type": "link", "url": url }));
    }
    let mut told = Map::from_iter([
        ("content".to_owned(), json!(content)),
        ("state".to_owned(), json!("published")),
        ("slug".to_owned(), json!(slug(out.key.delivery))),
    ]);
    let tags = tags(&text);
    if !tags.is_empty() {
        told.insert("tags".into(), json!(tags));
    }
    told.extend(parent.into_iter().flat_map(Parent::told));
    Prepared {
        path: format!("/v2/blog/{blog}/posts"),
        body: form::freeze(told, out, identifier),
    }
}

/// Links are marked by where they begin and end, in code points.
fn text_block(text: &str) -> Value {
    let place = |bytes: usize| text.get(..bytes).unwrap_or_default().chars().count();
    let links: Vec<Value> = entities(text)
        .into_iter()
        .filter_map(|entity| match entity.kind {
            EntityKind::Link { url } => Some(json!({
                "type": "link",
                "start": place(entity.range.start),
                "end": place(entity.range.end),
                "url": url,
            })),
            _ => None,
        })
        .collect();
    let mut block = Map::from_iter([
        ("type".to_owned(), json!("text")),
        ("text".to_owned(), json!(text)),
    ]);
    if !links.is_empty() {
        block.insert("formatting".into(), json!(links));
    }
    Value::Object(block)
}

fn image_block((number, image): (usize, &ImageBytes)) -> Value {
    json!({
        "type": "image",
        "media": [{
            "type": image.mime,
            "identifier": identifier(number),
            "width": image.width,
            "height": image.height,
        }],
        "alt_text": image.alt,
    })
}

/// Of a video there is but one of a thing where an image has a list, and no description.
fn video_block(video: &VideoFile) -> Value {
    json!({
        "type": "video",
        "media": {
            "type": video.footage.mime,
            "identifier": identifier(0),
            "width": video.footage.width,
            "height": video.footage.height,
        },
    })
}

/// The part of the form that holds the image so many, or the video.
fn identifier(number: usize) -> String {
    format!("media{number}")
}

/// The hashtags of the text: in it they lead nowhere.
fn tags(text: &str) -> String {
    let tag = |kind| match kind {
        EntityKind::Tag { tag } => Some(tag),
        _ => None,
    };
    let mut tags: Vec<String> = Vec::new();
    for tag in entities(text).into_iter().filter_map(|entity| tag(entity.kind)) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags.join(",")
}

fn slug(delivery: DeliveryId) -> String {
    format!("sf-{delivery}")
}

/// <https://github.com/tumblr/docs/blob/master/api.md#postdelete--delete-a-post>
fn deletion(gone: &Deletion<'_>, blog: &str) -> Result<Prepared, Failure> {
    let id = id_of(gone.receipt).ok_or_else(|| gone.unnamed())?;
    Ok(Prepared {
        path: format!("/v2/blog/{blog}/post/delete"),
        body: json!({ "id": id }).to_string(),
    })
}

/// Of a post of ours.
fn id_of(receipt: &Receipt) -> Option<String> {
    if is_id(&receipt.id) {
        return Some(receipt.id.clone());
    }
    post_in(receipt.url.as_deref().unwrap_or(&receipt.id)).map(|(_, id)| id)
}

fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// The blog and the number in `https://www.tumblr.com/NAME/123/words`, in `https://NAME.tumblr.com/post/123/words`, or
/// in `https://www.tumblr.com/blog/view/NAME/123`. Blogs with a domain of their own can't be told from other sites.
fn post_in(url: &str) -> Option<(String, String)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let steps: Vec<&str> = url.path_segments()?.filter(|step| !step.is_empty()).collect();
    let (blog, id) = match (host, steps.as_slice()) {
        ("www.tumblr.com" | "tumblr.com", ["blog", "view", blog, id, ..] | [blog, id, ..]) => (*blog, *id),
        (host, ["post" | "private", id, ..] | [id, ..]) if host != "www.tumblr.com" => {
            (host.strip_suffix(".tumblr.com")?, *id)
        }
        _ => return None,
    };
    let blog = blog.trim_start_matches('@');
    (is_blog(blog) && is_id(id)).then(|| (blog.to_owned(), id.to_owned()))
}

fn page(blog: &str, id: &str) -> String {
    format!("https://www.tumblr.com/{blog}/{id}")
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status != 201 {
        return Err(refused(answer));
    }
    let said: Option<Said<Posted>> = answer.json();
    let id = said.map(|said| said.response.id).filter(|id| is_id(id));
    let id = id.ok_or_else(|| answer.failure(Class::InDoubt, None))?;
    Ok(Receipt::named(id, None))
}

/// Too much for one day: images, videos, posts.
const OF_THE_DAY: [u32; 3] = [8004, 8011, 8023];
/// It encodes one video of a blog after another, and takes no new one meanwhile.
const STILL_AT_A_VIDEO: u32 = 8010;

fn refused(answer: &Answer) -> Failure {
    let problem: Option<Problem> = answer
        .json()
        .filter(|said: &Problem| said.meta.status == answer.status);
    let says = |codes: &[u32]| {
        let errors = problem.iter().flat_map(|problem| &problem.errors);
        errors
            .into_iter()
            .any(|complaint| codes.contains(&complaint.code))
    };
    let class = match answer.status {
        429 => Class::RateLimited {
            until: wait_until(answer),
        },
        403 if says(&[STILL_AT_A_VIDEO]) => Class::Transient,
        403 if says(&OF_THE_DAY) => Class::RateLimited {
            until: answer.end_of_day(),
        },
        _ => answer.class(problem.is_some()),
    };
    let words = problem.map(|problem| {
        let details = problem.errors.iter().map(|complaint| complaint.detail.as_str());
        let all = std::iter::once(problem.meta.msg.as_str()).chain(details);
        all.filter(|words| !words.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    });
    answer.failure(class, words.as_deref())
}

/// A limit that is used up says when it ends, in seconds that are left.
fn wait_until(answer: &Answer) -> Option<Timestamp> {
    let of = |what: &str| {
        let about = |field: &str| format!("x-ratelimit-per{what}-{field}");
        let used_up = answer.header(&about("remaining"))? == "0";
        answer.reset(&about("reset")).filter(|_| used_up)
    };
    let limits = ["day", "hour"].into_iter().filter_map(of);
    limits.max().or_else(|| answer.wait_until())
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    let own = answer
        .json()
        .is_some_and(|said: Problem| said.meta.status == answer.status);
    match answer.status {
        200 | 404 if own => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        _ => Err(refused(answer)),
    }
}

fn odd(answer: &Answer) -> Failure {
    let words = "an answer of another shape than the manual's";
    answer.failure(Class::Transient, Some(words))
}

// The account.

#[async_trait]
impl Platform for Account {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        if out.video.is_some() && out.parent.is_some() {
            let words = "an answer on Tumblr is a reblog, which takes no video of ours";
            return Err(Failure::new(Class::Rejected, words));
        }
        let parent = match (out.share, out.parent) {
            (Some(url), _) => Some(self.parent_at(url).await?),
            (None, Some(receipt)) => Some(self.parent_of(receipt).await?),
            (None, None) => None,
        };
        Ok(request(out, &self.blog, parent.as_ref()))
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let (told, mut fields) = form::thaw(&sealed.prepared.body, &*self.films).await?;
        let request = Request::post(&self.base, &sealed.prepared.path);
        let request = if fields.is_empty() {
            request.json(sealed.prepared.body.clone())
        } else {
            let json = Field::Json {
                name: "json".into(),
                value: Value::Object(told).to_string(),
            };
            // What it says comes first, then the files that it names.
            fields.insert(0, json);
            request.form(fields)
        };
        let bearer = self.token.bearer().await?;
        let answer = self
            .http
            .publish(request.bearer(&bearer), self.limits.doubt)
            .await?;
        let receipt = self.token.answered(&bearer, read(&answer)).await?;
        Ok(self.addressed(receipt))
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone, &self.blog)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let Prepared { path, body } = &sealed.prepared;
        let request = Request::post(&self.base, path).bearer(&bearer).json(body.clone());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, changed: &Edit<'_>) -> Result<Prepared, Failure> {
        self.edit_of(changed).await
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.change(&sealed.prepared).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(sealed, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        Some(self.read_shared(url).await)
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        Ok(Some(self.known().await?.uuid.clone()))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    /// Without a token it is refused, which is an answer.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, INFO).await)
    }
}

const INFO: &str = "/v2/user/info";

impl Account {
    /// A request that may be repeated.
    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let sign = |bearer: &Secret| request.bearer(bearer);
        self.token.ask(&self.http, sign, refused).await
    }

    async fn known(&self) -> Result<&Known, Failure> {
        self.known.get_or_try_init(|| self.ask_what()).await
    }

    /// The blog, if it is one of those of the one who signed in.
    async fn ask_what(&self) -> Result<Known, Failure> {
        let answer = self.ask(Request::get(&self.base, INFO)).await?;
        if answer.status != 200 {
            let mut failure = harmless(refused(&answer));
            // Nothing about a post is in question here.
            if failure.class == Class::Rejected {
                failure.class = Class::Auth;
            }
            return Err(failure);
        }
        let Said {
            response: Info { user },
        } = answer.json().ok_or_else(|| odd(&answer))?;
        let ours = user.blogs.iter().find(|blog| blog.is(&self.blog));
        let names: Vec<&str> = user.blogs.iter().map(|blog| blog.name.as_str()).collect();
        ours.cloned().ok_or_else(|| {
            let words = format!(
                "the one who signed in has no blog {}, but {}",
                self.blog,
                names.join(", ")
            );
            Failure::new(Class::Auth, words)
        })
    }

    /// With its address, if the blog's name was asked: it was, before anything was sent.
    fn addressed(&self, receipt: Receipt) -> Receipt {
        let name = self.known.get().map_or(self.blog.as_str(), |known| &known.name);
        let url = (!name.starts_with("t:")).then(|| page(name, &receipt.id));
        Receipt { url, ..receipt }
    }
}

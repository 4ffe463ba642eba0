//! LinkedIn, by its versioned API: a page, or a member.
//! <https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api>
//!
//! It keeps no key and no id of ours. After a lost answer a page's own list is read; a member's may be read by nobody,
//! so a person looks. What answers a post of a page is a comment. The same words again are refused for a day or two,
//! with the id of a post that may be gone by then: a second net, and no proof. Texts are in its own "little text", where
//! an unescaped sign cuts a post in silence.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::Secret;
use super::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::{
    Among, Deletion, Edit, Outgoing, Platform, Prepared, Sealed, Tools, answers, card_of, harmless, settings,
};
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::escape::Escape;
use crate::text::limits::{Doubt, LINKEDIN, LINKEDIN_MEMBER, Limits};

mod comment;
mod counts;
mod look;
mod media;

pub const NAME: &str = "linkedin";

/// A page's.
pub fn limits() -> Limits {
    LINKEDIN
}

/// Those of a page or of a member, whichever the author is.
pub(super) fn known_limits(table: &toml::Table, _: &std::path::Path, _: &AccountName) -> Limits {
    if is_member(table) {
        LINKEDIN_MEMBER
    } else {
        LINKEDIN
    }
}

/// How one signs in, by the author.
pub(super) fn sign_in(table: &toml::Table) -> &'static SignIn {
    if is_member(table) {
        &SIGN_IN_MEMBER
    } else {
        &SIGN_IN
    }
}

fn is_member(table: &toml::Table) -> bool {
    let author = table.get("author").and_then(toml::Value::as_str);
    author.is_some_and(|author| author.starts_with(MEMBER))
}

const MEMBER: &str = "urn:li:person:";
const PAGE: &str = "urn:li:organization:";

/// `[account.NAME]` with `platform = "linkedin"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who posts: `urn:li:organization:NUMBER`, a page; or `urn:li:person:ID`, a member.
    #[schemars(with = "String")]
    author: Author,
    /// Of its API, as a year and a month: `202605`. Each is switched off about a year later.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    version: Version,
    /// Another server; else LinkedIn's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// With the scopes of [`SIGN_IN`], or of [`SIGN_IN_MEMBER`]; it lives 60 days. Or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

/// Who posts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Author {
    urn: String,
    member: bool,
}

impl TryFrom<String> for Author {
    type Error = String;

    fn try_from(urn: String) -> Result<Self, String> {
        let page = urn.strip_prefix(PAGE).is_some_and(is_number);
        let id = |id: &str| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        let member = urn.strip_prefix(MEMBER).is_some_and(id);
        if page || member {
            Ok(Self { urn, member })
        } else {
            Err("write `urn:li:organization:NUMBER` for a page, or `urn:li:person:ID` for a member".into())
        }
    }
}

/// A month of its API.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Version(String);

impl Default for Version {
    fn default() -> Self {
        Self("202605".into())
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() == 6 && is_number(&text) {
            Ok(Self(text))
        } else {
            Err("write a year and a month, as `202605`".into())
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

const HOME: &str = "https://api.linkedin.com";

/// <https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow>. A token lives 60 days. Apps
/// that LinkedIn has approved get a refresh token, which lives a year and whose end does not move.
const OAUTH: OAuth = OAuth {
    authorize: "https://www.linkedin.com/oauth/v2/authorization",
    token: "https://www.linkedin.com/oauth/v2/accessToken",
    scopes: &["w_organization_social", "r_organization_social"],
    extras: &[
        ("w_organization_social_feed", "nothing is answered by a comment"),
        (
            "r_organization_social_feed",
            "a comment in doubt is not looked for",
        ),
        ("rw_organization_admin", "how the public answered is not counted"),
    ],
    between: " ",
    pkce: false,
    also: &[],
    client: ClientIs::Form,
    redirect: Redirect::Loopback { port: 8976 },
    then: Then::Keep,
    renewal: Renewal::RefreshToken { rotates: false },
};

const OAUTH_MEMBER: OAuth = OAuth {
    scopes: &["openid", "profile", "w_member_social"],
    extras: &[],
    ..OAUTH
};

/// A page: of an app with the product "Community Management API", which LinkedIn reviews.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At linkedin.com/developers, make an app of the page, and have the page's administrator verify it.",
        "Under Products, ask for \"Community Management API\", and wait until LinkedIn has approved it.",
        "Under Auth, add {redirect} to the authorized redirect URLs, to the letter.",
        "Write the Client ID and the Primary Client Secret as `client_id` and `client_secret`.",
        "In the browser that opens, sign in as an administrator of the page, and allow {scopes}.",
    ],
    way: Way::Code(&OAUTH),
};

/// A member: of an app with two products that anybody gets.
pub const SIGN_IN_MEMBER: SignIn = SignIn {
    steps: &[
        "At linkedin.com/developers, make an app. It needs a page, which need not be the campaign's.",
        "Under Products, add \"Share on LinkedIn\" and \"Sign In with LinkedIn using OpenID Connect\".",
        "Under Auth, add {redirect} to the authorized redirect URLs, to the letter.",
        "Write the Client ID and the Primary Client Secret as `client_id` and `client_secret`.",
        "In the browser that opens, sign in as the member who is to post, and allow {scopes}.",
    ],
    way: Way::Code(&OAUTH_MEMBER),
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let (limits, sign_in) = if config.author.member {
        (LINKEDIN_MEMBER, &SIGN_IN_MEMBER)
    } else {
        (LINKEDIN, &SIGN_IN)
    };
    let token = config
        .token
        .open(sign_in, config.base_url.as_ref(), None, tools)?;
    Ok(Box::new(Account {
        limits,
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        author: config.author,
        version: config.version,
        token,
        whose: OnceCell::new(),
        http: tools.http.clone(),
    }))
}

struct Account {
    limits: Limits,
    base: BaseUrl,
    author: Author,
    version: Version,
    token: Token,
    /// Once that was asked; `None` if the token may not say.
    whose: OnceCell<Option<String>>,
    http: Http,
}

// The wire. Ids are urns.

/// A post as it is sent, and as a page's list has it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Post {
    commentary: String,
    #[serde(skip_serializing_if = "Content::is_none")]
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    reshare_context: Option<Reshare>,
}

/// What is beside its text: one of these.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    article: Option<Article>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<Media>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_image: Option<MultiImage>,
}

impl Content {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Article {
    source: String,
    title: String,
}

/// An image, or a video.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Media {
    id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    alt_text: String,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct MultiImage {
    images: Vec<Media>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Reshare {
    parent: String,
}

/// <https://learn.microsoft.com/linkedin/shared/api-guide/concepts/error-handling>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    message: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error_details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    input_errors: Vec<InputError>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputError {
    code: String,
    description: String,
}

impl Problem {
    fn of(answer: &Answer) -> Option<Self> {
        answer.json().filter(|problem: &Self| !problem.message.is_empty())
    }

    fn has(&self, code: &str) -> bool {
        let errors = self.error_details.input_errors.iter();
        self.code == code || errors.map(|error| &error.code).any(|theirs| theirs == code)
    }

    /// Whether it says one of these, given in lower case.
    fn says(&self, sentences: &[&str]) -> bool {
        let words = self.words().to_lowercase();
        sentences.iter().any(|sentence| words.contains(sentence))
    }

    fn words(&self) -> String {
        let errors = self.error_details.input_errors.iter();
        let mut all = vec![self.message.as_str()];
        all.extend(
            errors
                .map(|error| error.description.as_str())
                .filter(|words| !words.is_empty()),
        );
        all.join("; ")
    }
}

// What is said, and what the answer means.

const POSTS: &str = "/rest/posts";

/// The whole request that will be visible. `uploaded` are the urns of its images, in their order, or of its video,
/// which has no description there.
pub fn request(out: &Outgoing<'_>, author: &str, uploaded: &[String]) -> Prepared {
    let text = out.part.shown_text(LINKEDIN.abilities);
    let described = |(image, urn): (&super::ImageBytes, &String)| Media {
        id: urn.clone(),
        alt_text: image.alt.clone(),
    };
    let mut images: Vec<Media> = out.images.iter().zip(uploaded).map(described).collect();
    let mut content = Content::default();
    if let (Some(_), Some(urn)) = (&out.video, uploaded.first()) {
        content.media = Some(Media {
            id: urn.clone(),
            alt_text: String::new(),
        });
    } else if images.len() == 1 {
        content.media = images.pop();
    } else if !images.is_empty() {
        content.multi_image = Some(MultiImage { images });
    } else if let Some((source, title)) = card_of(out.part) {
        content.article = Some(Article { source, title });
    }
    frozen(
        author,
        &Post {
            commentary: Escape::LittleText.apply(&text).into_owned(),
            content,
            reshare_context: None,
        },
    )
}

/// A reshare of what is at `url`, without words of ours.
pub fn share_request(author: &str, url: &str) -> Result<Prepared, Failure> {
    let parent = urn_in(url).ok_or_else(|| {
        let words = format!(
            "the address does not name what LinkedIn can reshare: take the one in the post's menu, Embed this post, which has `urn:li:share:` or `urn:li:ugcPost:`: {url}"
        );
        Failure::new(Class::Rejected, words)
    })?;
    Ok(frozen(
        author,
        &Post {
            reshare_context: Some(Reshare { parent }),
            ..Post::default()
        },
    ))
}

fn frozen(author: &str, post: &Post) -> Prepared {
    let mut told = Map::from_iter([("author".to_owned(), json!(author))]);
    if let Value::Object(post) = json!(post) {
        told.extend(post);
    }
    let same_for_all = json!({
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": false,
    });
    if let Value::Object(same) = same_for_all {
        told.extend(same);
    }
    Prepared {
        path: POSTS.into(),
        body: Value::Object(told).to_string(),
    }
}

/// `DELETE`, of comments, of shares and of what it calls ugcPosts.
pub fn deletion(gone: &Deletion<'_>) -> Result<Prepared, Failure> {
    if let Some(place) = comment::Place::of_receipt(gone.receipt) {
        return Ok(Prepared {
            path: place.path(),
            body: String::new(),
        });
    }
    let urn = urn_of(gone.receipt).filter(|_| !gone.below);
    let urn = urn.ok_or_else(|| gone.unnamed())?;
    Ok(Prepared {
        path: format!("{POSTS}/{}", encoded(&urn)),
        body: String::new(),
    })
}

/// <https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api#update-posts>
pub fn edit(edit: &Edit<'_>) -> Result<Prepared, Failure> {
    if let Some(place) = comment::Place::of_receipt(edit.receipt) {
        let abilities = LINKEDIN.answering(true).abilities;
        return Ok(comment::edit(&place, &edit.out.part.shown_text(abilities)));
    }
    let urn = urn_of(edit.receipt).filter(|_| !edit.below);
    let urn = urn.ok_or_else(|| edit.unnamed())?;
    let text = edit.out.part.shown_text(LINKEDIN.abilities);
    Ok(Prepared {
        path: format!("{POSTS}/{}", encoded(&urn)),
        body: json!({ "patch": { "$set": { "commentary": Escape::LittleText.apply(&text) } } }).to_string(),
    })
}

/// What the answer to an edit means.
pub fn read_edit(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        204 => Ok(()),
        200 if comment::is_shown(answer) => Ok(()),
        _ => Err(refused(answer)),
    }
}

fn is_post(urn: &str) -> bool {
    let number = ["urn:li:share:", "urn:li:ugcPost:"]
        .iter()
        .find_map(|kind| urn.strip_prefix(kind));
    number.is_some_and(is_number)
}

fn urn_of(receipt: &Receipt) -> Option<String> {
    if is_post(&receipt.id) {
        return Some(receipt.id.clone());
    }
    urn_in(receipt.url.as_deref().unwrap_or(&receipt.id))
}

/// The urn in `https://www.linkedin.com/feed/update/urn:li:share:123/`, or in `…/posts/name_words-share-123-Ab1C`. What
/// is called an activity there is another thing, of another number, and so is a comment on the post.
fn urn_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(is_on_linkedin)?;
    let of_comment = url.query_pairs().any(|(key, _)| key == comment::COMMENT_URN);
    urn_in_path(&url).filter(|_| !of_comment)
}

fn is_on_linkedin(url: &Url) -> bool {
    let ends = |host: &str, home: &str| host == home || host.ends_with(&format!(".{home}"));
    url.host_str()
        .is_some_and(|host| LINKEDIN.homes.iter().any(|home| ends(host, home)))
}

fn urn_in_path(url: &Url) -> Option<String> {
    let path = url.path().replace("%3A", ":").replace("%3a", ":");
    if let Some(urn) = path.split('/').find(|step| is_post(step)) {
        return Some(urn.to_owned());
    }
    let words: Vec<&str> = path.split('-').collect();
    words.windows(2).find_map(|pair| match pair {
        [kind @ ("share" | "ugcPost"), number] if is_number(number) => {
            Some(format!("urn:li:{kind}:{number}"))
        }
        _ => None,
    })
}

fn encoded(urn: &str) -> String {
    urn.replace(':', "%3A")
}

fn receipt(urn: &str) -> Receipt {
    Receipt::named(urn, Some(format!("https://www.linkedin.com/feed/update/{urn}/")))
}

/// What the answer to a publishing request means. The id is in a header.
pub fn read(prepared: &Prepared, answer: &Answer) -> Result<Receipt, Failure> {
    if comment::is_about(prepared) {
        return comment::read(prepared, answer);
    }
    if answer.status == 201 {
        let urn = answer.header("x-restli-id").filter(|urn| is_post(urn));
        return urn
            .map(receipt)
            .ok_or_else(|| answer.failure(Class::InDoubt, None));
    }
    let Some(problem) = Problem::of(answer) else {
        return Err(answer.failure(answer.class(false), None));
    };
    let reshares =
        serde_json::from_str::<Post>(&prepared.body).is_ok_and(|sent| sent.reshare_context.is_some());
    let class = match class_of(&problem, answer) {
        // Whose post it is may have forbidden it.
        Class::Auth if answer.status == 403 && reshares => Class::Rejected,
        class => class,
    };
    Err(answer.failure(class, Some(&problem.words())))
}

fn class_of(problem: &Problem, answer: &Answer) -> Class {
    match answer.status {
        // When it ends is not told. <https://learn.microsoft.com/linkedin/shared/api-guide/concepts/rate-limits>
        429 if problem.says(&["day limit"]) => Class::RateLimited {
            until: answer.end_of_day(),
        },
        // A version that is switched off: nothing is taken until a person has written another.
        400 | 426 if problem.has("NONEXISTENT_VERSION") || problem.says(&["version"]) => Class::Auth,
        403 if problem.has("ACCESS_DENIED") || problem.says(&["not enough permissions"]) => Class::Auth,
        400..=499 if problem.has("DUPLICATE_POST") || problem.says(&["is a duplicate of"]) => {
            Class::Duplicate
        }
        // What is not ready yet is uploaded once more.
        400..=499 if problem.says(&["processing", "not ready"]) => Class::Transient,
        _ => answer.class(true),
    }
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        204 => Ok(()),
        404 if Problem::of(answer).is_some() => Ok(()),
        _ => Err(refused(answer)),
    }
}

/// What came of deleting or editing what a frozen request is about.
fn about(prepared: &Prepared, done: Result<(), Failure>) -> Result<(), Failure> {
    if comment::is_about(prepared) {
        done.map_err(comment::forbidden)
    } else {
        done
    }
}

/// A refusal of what creates nothing.
fn refused(answer: &Answer) -> Failure {
    match Problem::of(answer) {
        Some(problem) => answer.failure(class_of(&problem, answer), Some(&problem.words())),
        None => answer.failure(answer.class(false), None),
    }
}

fn odd(answer: &Answer) -> Failure {
    answer.failure(
        Class::Transient,
        Some("an answer of another shape than the manual's"),
    )
}

// The account.

#[async_trait]
impl Platform for Account {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        if let Some(url) = out.share {
            return share_request(&self.author.urn, url);
        }
        if let Some(parent) = out.parent {
            return comment::request(out, &self.author.urn, parent);
        }
        let uploaded = match &out.video {
            Some(video) => vec![self.upload_video(video).await?],
            None => self.upload(&out.images).await?,
        };
        Ok(request(out, &self.author.urn, &uploaded))
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let Prepared { path, body } = &sealed.prepared;
        let bearer = self.token.bearer().await?;
        let request = self.signed(Request::post(&self.base, path).json(body.clone()), &bearer);
        let answer = self.http.publish(request, self.limits.doubt).await?;
        self.token
            .answered(&bearer, read(&sealed.prepared, &answer))
            .await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = self.by_whom(
            Request::delete(&self.base, &sealed.prepared.path),
            &sealed.prepared,
        );
        let request = self.signed(request, &bearer);
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        let done = about(&sealed.prepared, read_deletion(&answer));
        self.token.answered(&bearer, done).await
    }

    async fn prepare_edit(&self, changed: &Edit<'_>) -> Result<Prepared, Failure> {
        edit(changed)
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let Prepared { path, body } = &sealed.prepared;
        let bearer = self.token.bearer().await?;
        let request = Request::post(&self.base, path).header("x-restli-method", "PARTIAL_UPDATE");
        let request = self.by_whom(request, &sealed.prepared);
        let request = self.signed(request.json(body.clone()), &bearer);
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        let done = about(&sealed.prepared, read_edit(&answer));
        self.token.answered(&bearer, done).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        if comment::is_about(&sealed.prepared) {
            return self.look_for_comment(&sealed.prepared, among).await;
        }
        self.look(&sealed.prepared, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        self.whose.get_or_try_init(|| self.ask_whose()).await.cloned()
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    /// Without a token it is refused, which is an answer.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, WHO).await)
    }
}

/// OpenID's page about the member.
const WHO: &str = "/v2/userinfo";

#[derive(Deserialize)]
struct Member {
    sub: String,
}

impl Account {
    fn signed(&self, request: Request, bearer: &Secret) -> Request {
        request
            .bearer(bearer)
            .header("linkedin-version", &self.version.0)
            .header("x-restli-protocol-version", "2.0.0")
    }

    /// Whose comment it is, is said with what changes one.
    fn by_whom(&self, request: Request, prepared: &Prepared) -> Request {
        if comment::is_about(prepared) {
            request.query(&[("actor", &self.author.urn)])
        } else {
            request
        }
    }

    /// A request that may be repeated.
    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let sign = |bearer: &Secret| self.signed(request, bearer);
        self.token.ask(&self.http, sign, refused).await
    }

    /// A page is ours if its list can be read; a member says who they are, if the token may ask.
    async fn ask_whose(&self) -> Result<Option<String>, Failure> {
        let urn = &self.author.urn;
        if !self.author.member {
            return self.page_of_posts(0, 1).await.map(|_| Some(urn.clone()));
        }
        let answer = self.ask(Request::get(&self.base, WHO)).await?;
        if answer.status == 403 && Problem::of(&answer).is_some() {
            return Ok(None);
        }
        let Some(Member { sub }) = answer.json().filter(|_| answer.status == 200) else {
            return Err(harmless(refused(&answer)));
        };
        let is = format!("{MEMBER}{sub}");
        if is == *urn {
            return Ok(Some(is));
        }
        Err(Failure::new(
            Class::Auth,
            format!("the token is of {is}, and `author` is {urn}"),
        ))
    }
}

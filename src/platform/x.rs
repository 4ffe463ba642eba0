//! X, by version 2 of its API. <https://docs.x.com/x-api>
//!
//! It keeps no key and no id of ours, so after a lost answer the account's own timeline is read. It refuses the same
//! words again for some hours, without saying which post has them: a second net, and a reason to look there. Each
//! request costs credits, so nothing is asked twice.

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::Secret;
use super::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::{Among, Deletion, Outgoing, Platform, Prepared, Sealed, Tools, answers, harmless, settings};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Found, Receipt, one_line};
use crate::post::shared::Look;
use crate::text::limits::{Doubt, Limits, X};

mod counts;
mod look;
mod media;
mod shared;

pub use shared::read as read_shared;

pub const NAME: &str = "x";

pub fn limits() -> Limits {
    X
}

/// `[account.NAME]` with `platform = "x"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Another server; else X's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// An OAuth 2 token of the account, with the scopes of [`SIGN_IN`]: it lives two hours. Or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

const HOME: &str = "https://api.x.com";

/// <https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code>. A token lives two hours. Of the
/// refresh tokens each is good for one use.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At console.x.com, make a project and in it an app, and buy credits: each post costs some.",
        "Under the app's user authentication settings choose \"Read and write\" and \"Web App, Automated App or Bot\".",
        "Enter {redirect} there as the callback URI, to the letter.",
        "Write the OAuth 2.0 Client ID and Client Secret as `client_id` and `client_secret`.",
        "In the browser that opens, sign in to the account that is to post, and allow the app to act for it.",
    ],
    way: Way::Code(&OAuth {
        authorize: "https://x.com/i/oauth2/authorize",
        token: "https://api.x.com/2/oauth2/token",
        scopes: &[
            "tweet.read",
            "tweet.write",
            "users.read",
            "media.write",
            "offline.access",
        ],
        extras: &[],
        between: " ",
        pkce: true,
        also: &[],
        client: ClientIs::Basic,
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
        limits: X,
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        token,
        known: OnceCell::new(),
        http: tools.http.clone(),
    }))
}

struct Account {
    limits: Limits,
    base: BaseUrl,
    token: Token,
    /// Whose the token is, once that was asked.
    known: OnceCell<Me>,
    http: Http,
}

// The wire. Ids are text of up to 19 digits.

/// What every answer is.
#[derive(Deserialize)]
struct Said<T> {
    data: T,
    /// What did not come with it.
    #[serde(default)]
    errors: Vec<Complaint>,
}

/// <https://docs.x.com/x-api/posts/create-post>. The text that it repeats has other links in it.
#[derive(Deserialize)]
struct Posted {
    id: String,
}

/// <https://docs.x.com/x-api/users/repost-post>
#[derive(Deserialize)]
struct Reposted {
    retweeted: bool,
}

/// <https://docs.x.com/x-api/posts/delete-post>
#[derive(Deserialize)]
struct Deleted {
    deleted: Option<bool>,
    retweeted: Option<bool>,
}

/// <https://docs.x.com/x-api/users/get-my-user>
#[derive(Deserialize)]
struct Me {
    id: String,
    username: String,
}

/// <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>, in its three shapes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    detail: String,
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    errors: Vec<Complaint>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Complaint {
    message: String,
    detail: String,
    #[serde(rename = "type")]
    kind: String,
    /// Of version 1.1, which still shows through.
    code: Option<u32>,
}

impl Complaint {
    fn words(&self) -> &str {
        if self.message.is_empty() {
            &self.detail
        } else {
            &self.message
        }
    }
}

impl Problem {
    fn of(answer: &Answer) -> Option<Self> {
        let problem: Self = answer.json()?;
        let empty = problem.title.is_empty() && problem.detail.is_empty() && problem.errors.is_empty();
        (!empty).then_some(problem)
    }

    fn words(&self) -> String {
        let general = if self.detail.is_empty() {
            &self.title
        } else {
            &self.detail
        };
        let mut all: Vec<&str> = Vec::new();
        for words in std::iter::once(general.as_str()).chain(self.errors.iter().map(Complaint::words)) {
            if !words.is_empty() && !all.contains(&words) {
                all.push(words);
            }
        }
        all.join("; ")
    }

    /// Whether it says one of these, given in lower case.
    fn says(&self, sentences: &[&str]) -> bool {
        let own = [&self.title, &self.detail, &self.kind, &self.reason];
        let theirs = self
            .errors
            .iter()
            .flat_map(|error| [&error.message, &error.detail, &error.kind]);
        own.into_iter().chain(theirs).any(|words| {
            let words = words.to_lowercase();
            sentences.iter().any(|sentence| words.contains(sentence))
        })
    }

    fn has(&self, codes: &[u32]) -> bool {
        let mut theirs = self.errors.iter().filter_map(|error| error.code);
        theirs.any(|code| codes.contains(&code))
    }
}

// What is said, and what the answer means.

const CREATE: &str = "/2/tweets";
/// The pin of a receipt that is of a repost; its id is the id of the post that was reposted.
const REPOST: &str = "repost";

/// The whole request that will be visible. What is unused is left out: an unknown or empty field is an error there.
pub fn request(out: &Outgoing<'_>, media_ids: &[String]) -> Result<Prepared, Failure> {
    let text = out.part.shown_text(X.abilities);
    let mut told = Map::new();
    if !text.is_empty() {
        told.insert("text".into(), json!(text));
    }
    if !media_ids.is_empty() {
        told.insert("media".into(), json!({ "media_ids": media_ids }));
    }
    if let Some(parent) = out.parent {
        let id = id_of(parent).ok_or_else(|| {
            let shown = parent.url.as_deref().unwrap_or(&parent.id);
            Failure::new(
                Class::Rejected,
                format!("what it answers is no post on X: {shown}"),
            )
        })?;
        told.insert("reply".into(), json!({ "in_reply_to_tweet_id": id }));
    }
    Ok(Prepared {
        path: CREATE.into(),
        body: json!(told).to_string(),
    })
}

/// The account `me` reposts what is at `url`.
fn share_request(me: &str, url: &str) -> Result<Prepared, Failure> {
    let id = post_at(url)?;
    Ok(Prepared {
        path: format!("/2/users/{me}/retweets"),
        body: json!({ "tweet_id": id }).to_string(),
    })
}

/// <https://docs.x.com/x-api/posts/delete-post>, <https://docs.x.com/x-api/users/unrepost-post>
fn deletion(gone: &Deletion<'_>, me: &str) -> Result<Prepared, Failure> {
    let id = id_of(gone.receipt).ok_or_else(|| gone.unnamed())?;
    let path = if gone.receipt.pin.as_deref() == Some(REPOST) {
        format!("/2/users/{me}/retweets/{id}")
    } else {
        format!("{CREATE}/{id}")
    };
    Ok(Prepared {
        path,
        body: String::new(),
    })
}

fn is_id(id: &str) -> bool {
    (1..=19).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

fn id_of(receipt: &Receipt) -> Option<String> {
    if is_id(&receipt.id) {
        return Some(receipt.id.clone());
    }
    post_in(receipt.url.as_deref().unwrap_or(&receipt.id))
}

/// The id in `https://x.com/name/status/1445880548472328192`.
fn post_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let host = ["www.", "mobile.", "m."]
        .iter()
        .find_map(|prefix| host.strip_prefix(prefix))
        .unwrap_or(host);
    if !X.homes.contains(&host) {
        return None;
    }
    let mut steps = url.path_segments()?;
    steps.find(|step| matches!(*step, "status" | "statuses"))?;
    steps.next().filter(|id| is_id(id)).map(str::to_owned)
}

fn post_at(url: &str) -> Result<String, Failure> {
    post_in(url).ok_or_else(|| {
        let words = format!("this is no post on X, as `https://x.com/NAME/status/NUMBER` is: {url}");
        Failure::new(Class::Rejected, words)
    })
}

fn page(name: &str, id: &str) -> String {
    format!("https://x.com/{name}/status/{id}")
}

/// Of a post of ours, at an address that needs no name.
fn posted(id: &str) -> Receipt {
    Receipt::named(id, Some(page("i", id)))
}

fn reposted(id: &str) -> Receipt {
    Receipt {
        pin: Some(REPOST.into()),
        ..posted(id)
    }
}

/// Of the frozen request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    text: String,
    media: SentMedia,
    reply: Option<SentReply>,
    /// That it reposts.
    tweet_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct SentMedia {
    media_ids: Vec<String>,
}

#[derive(Deserialize)]
struct SentReply {
    in_reply_to_tweet_id: String,
}

impl Sent {
    fn of(prepared: &Prepared) -> Result<Self, Failure> {
        serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))
    }
}

/// What the answer to a publishing request means.
pub fn read(prepared: &Prepared, answer: &Answer) -> Result<Receipt, Failure> {
    let sent = Sent::of(prepared).unwrap_or_default();
    let problem = Problem::of(answer);
    if matches!(answer.status, 200 | 201) {
        let words = problem.map(|problem| problem.words());
        return accepted(&sent, answer).ok_or_else(|| answer.failure(Class::InDoubt, words.as_deref()));
    }
    let Some(problem) = problem else {
        return Err(answer.failure(answer.class(false), None));
    };
    let there_already = problem.has(&[327]) || problem.says(&["already retweeted", "already reposted"]);
    if let (400 | 403, true, Some(id)) = (answer.status, there_already, &sent.tweet_id) {
        return Ok(reposted(id));
    }
    let class = class_of(&problem, answer);
    let mut words = problem.words();
    if sent.reply.is_some() && (answer.status, class) == (403, Class::Rejected) {
        words = format!("it does not take this reply of a program: {words}");
    }
    Err(answer.failure(class, Some(&words)))
}

fn accepted(sent: &Sent, answer: &Answer) -> Option<Receipt> {
    if let Some(id) = &sent.tweet_id {
        let said: Said<Reposted> = answer.json()?;
        return said.data.retweeted.then(|| reposted(id));
    }
    let said: Said<Posted> = answer.json()?;
    let complaints: Vec<&str> = said.errors.iter().map(Complaint::words).collect();
    is_id(&said.data.id).then(|| Receipt {
        altered: (!complaints.is_empty())
            .then(|| one_line(&format!("it says of it: {}", complaints.join("; ")), 200)),
        ..posted(&said.data.id)
    })
}

/// No credits left, or a limit of spending or posts reached: no request is taken until a person has seen to it, and
/// the time in a header is of something else.
const USED_UP: &[&str] = &[
    "usage-capped",
    "usagecapexceeded",
    "usage cap",
    "creditsdepleted",
    "credits",
    "spending limit",
    "spend cap",
];

/// 403s that are about the app or the account and not about the post.
const ACCOUNT_REFUSED: &[&str] = &[
    "client-forbidden",
    "client-not-enrolled",
    "unsupported authentication",
    "unsupported-authentication",
    "application is not permitted",
    "oauth1-permissions",
    "missing scope",
    "required scope",
    "user-suspended",
    "account is suspended",
    "temporarily locked",
];

/// 403 is all classes: what it says decides.
fn class_of(problem: &Problem, answer: &Answer) -> Class {
    match answer.status {
        402 => Class::Auth,
        403 | 429 if problem.says(USED_UP) => Class::Auth,
        429 => Class::RateLimited {
            until: wait_until(answer),
        },
        403 if problem.has(&[187]) || problem.says(&["duplicate content", "is a duplicate"]) => {
            Class::Duplicate
        }
        403 if problem.has(&[185]) || problem.says(&["daily status update limit", "daily limit"]) => {
            Class::RateLimited {
                until: wait_until(answer),
            }
        }
        // Not allowed to write, suspended, locked.
        403 if problem.has(&[64, 261, 326]) || problem.says(ACCOUNT_REFUSED) => Class::Auth,
        // An upload that ran out: it is made again.
        400 if problem.has(&[324]) || problem.says(&["media id"]) => Class::Transient,
        _ => answer.class(true),
    }
}

/// A limit of the day that is used up rules over the one of the quarter of an hour.
fn wait_until(answer: &Answer) -> Option<Timestamp> {
    let of_day = |whose: &str| {
        let about = |what: &str| format!("x-{whose}-limit-24hour-{what}");
        let used_up = answer.header(&about("remaining"))? == "0";
        answer.reset(&about("reset")).filter(|_| used_up)
    };
    let days = ["user", "app"].into_iter().filter_map(of_day);
    days.max().or_else(|| answer.wait_until())
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    let said: Option<Said<Deleted>> = answer.json();
    let gone = |said: &Said<Deleted>| match (said.data.deleted, said.data.retweeted) {
        (Some(deleted), _) => deleted,
        (None, retweeted) => retweeted == Some(false),
    };
    match answer.status {
        200 if said.as_ref().is_some_and(gone) => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        404 if Problem::of(answer).is_some() => Ok(()),
        _ => read(&nothing(), answer).map(drop),
    }
}

/// A request that creates nothing.
fn nothing() -> Prepared {
    Prepared {
        path: String::new(),
        body: "{}".into(),
    }
}

/// What a refusal means while nothing is visible yet.
fn refused(answer: &Answer) -> Failure {
    let failure = match answer.status {
        200..=299 => odd(answer),
        _ => read(&nothing(), answer).err().unwrap_or_else(|| odd(answer)),
    };
    harmless(failure)
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
            return share_request(&self.me().await?.id, url);
        }
        let mut media_ids = Vec::new();
        for image in &out.images {
            media_ids.push(self.upload(image, out.images.len() == 1).await?);
        }
        if let Some(video) = &out.video {
            media_ids.push(self.upload_video(video).await?);
        }
        request(out, &media_ids)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let Prepared { path, body } = &sealed.prepared;
        let bearer = self.token.bearer().await?;
        let request = Request::post(&self.base, path).bearer(&bearer).json(body.clone());
        let answer = self.http.publish(request, self.limits.doubt).await?;
        let receipt = self
            .token
            .answered(&bearer, read(&sealed.prepared, &answer))
            .await?;
        Ok(self.addressed(receipt))
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        let of_us = match gone.receipt.pin {
            Some(_) => self.me().await?.id.as_str(),
            None => "",
        };
        deletion(gone, of_us)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::delete(&self.base, &sealed.prepared.path).bearer(&bearer);
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_deletion(&answer)).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(&sealed.prepared, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        Some(self.read_shared(url).await)
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        Ok(Some(self.me().await?.id.clone()))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    /// Without a token it is refused, which is an answer and costs nothing.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, ME).await)
    }
}

const ME: &str = "/2/users/me";

impl Account {
    /// A request that may be repeated.
    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let sign = |bearer: &Secret| request.bearer(bearer);
        self.token.ask(&self.http, sign, refused).await
    }

    async fn me(&self) -> Result<&Me, Failure> {
        self.known.get_or_try_init(|| self.ask_who()).await
    }

    async fn ask_who(&self) -> Result<Me, Failure> {
        let answer = self.ask(Request::get(&self.base, ME)).await?;
        let said: Option<Said<Me>> = answer.json();
        if let Some(said) = said.filter(|said| answer.status == 200 && is_id(&said.data.id)) {
            return Ok(said.data);
        }
        let mut failure = refused(&answer);
        // Nothing about a post is in question here.
        if failure.class == Class::Rejected {
            failure.class = Class::Auth;
        }
        Err(failure)
    }

    /// With our name in its address, if that was asked: it was, before anything was sent.
    fn addressed(&self, receipt: Receipt) -> Receipt {
        let Some(me) = self.known.get().filter(|_| receipt.pin.is_none()) else {
            return receipt;
        };
        Receipt {
            url: Some(page(&me.username, &receipt.id)),
            ..receipt
        }
    }
}

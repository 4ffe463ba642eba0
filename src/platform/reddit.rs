//! Reddit: posts in one subreddit, or in the account's own profile. <https://www.reddit.com/dev/api>
//!
//! The first line of a text is the title. A further part is a comment on the one before, and so is an answer; another's
//! post is shared as a crosspost. It keeps no key and no id of ours: after a lost answer the account's own list is read.
//! It says no with a 200 too, in `json.errors`.

use std::sync::LazyLock;

use async_trait::async_trait;
use jiff::Timestamp;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Http, Request, retry_after};
use super::secret::Secret;
use super::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::{
    Among, Deletion, Edit, Outgoing, Platform, Prepared, Sealed, Tools, answers, harmless, settings,
};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::count::with_warning;
use crate::text::escape::Escape;
use crate::text::limits::{Doubt, Limits, REDDIT};

mod counts;
mod listing;
mod look;
mod media;
mod shared;
mod title;

pub use shared::read as read_shared;
use title::title_and_rest;

pub const NAME: &str = "reddit";

pub fn limits() -> Limits {
    REDDIT
}

/// `[account.NAME]` with `platform = "reddit"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it posts: the subreddit's name without `r/`; or `u_NAME`, the account's own profile.
    #[schemars(with = "String")]
    subreddit: Subreddit,
    /// The id of the flair that its posts get, where the subreddit wants one.
    flair: Option<String>,
    /// Another server; else Reddit's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// With the scopes of [`SIGN_IN`]; it lives a day at most. Or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

/// The name of a subreddit.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Subreddit(String);

impl TryFrom<String> for Subreddit {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if (2..=40).contains(&name.len()) && name.bytes().all(plain) {
            Ok(Self(name))
        } else {
            Err("write the subreddit's name without `r/`, or `u_NAME` for a profile".into())
        }
    }
}

const HOME: &str = "https://oauth.reddit.com";

/// <https://github.com/reddit-archive/reddit/wiki/OAuth2>. `duration` is what gives a refresh token, which has no end
/// and stays the same.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "New apps need Reddit's approval first: ask for it at support.reddithelp.com (\"Responsible Builder Policy\").",
        "At reddit.com/prefs/apps, signed in to the account that is to post, create an app of the type \"web app\".",
        "Enter {redirect} there as the redirect uri, to the letter.",
        "Write what stands below the app's name as `client_id`, and its secret as `client_secret`.",
        "In the browser that opens, sign in to the account that is to post, and allow {scopes}.",
    ],
    way: Way::Code(&OAuth {
        authorize: "https://www.reddit.com/api/v1/authorize",
        token: "https://www.reddit.com/api/v1/access_token",
        scopes: &["identity", "submit", "edit", "read", "history"],
        extras: &[],
        between: " ",
        pkce: false,
        also: &[("duration", "permanent")],
        client: ClientIs::Basic,
        redirect: Redirect::Loopback { port: 8976 },
        then: Then::Keep,
        renewal: Renewal::RefreshToken { rotates: false },
    }),
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let token = config
        .token
        .open(&SIGN_IN, config.base_url.as_ref(), None, tools)?;
    Ok(Box::new(Account {
        limits: REDDIT,
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        place: Place {
            subreddit: config.subreddit.0,
            flair: config.flair,
        },
        token,
        known: OnceCell::new(),
        http: tools.http.clone(),
    }))
}

/// Where it posts, and as what.
#[derive(Debug, Default)]
pub struct Place {
    /// Without `r/`.
    pub subreddit: String,
    /// The id of a flair.
    pub flair: Option<String>,
}

struct Account {
    limits: Limits,
    base: BaseUrl,
    place: Place,
    token: Token,
    /// Whose the token is, once that was asked.
    known: OnceCell<Me>,
    http: Http,
}

// The wire. Ids are what it calls fullnames: `t3_…` of a post, `t1_…` of a comment.

/// <https://www.reddit.com/dev/api#GET_api_v1_me>
#[derive(Deserialize)]
struct Me {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Answered {
    json: Said,
}

#[derive(Deserialize)]
struct Said {
    /// Each is a code, words and a field.
    #[serde(default)]
    errors: Vec<Vec<Value>>,
    /// Seconds, with a fraction.
    ratelimit: Option<f64>,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    name: String,
    url: String,
    things: Vec<Thing>,
}

#[derive(Deserialize)]
struct Thing {
    data: Comment,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Comment {
    name: String,
    permalink: String,
}

/// Of what is no 200.
#[derive(Deserialize)]
struct Refusal {
    message: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    explanation: Option<String>,
}

// What is said, and what the answer means.

const SUBMIT: &str = "/api/submit";
const COMMENT: &str = "/api/comment";
const DELETE: &str = "/api/del";
const EDIT: &str = "/api/editusertext";

/// The whole request that will be visible. `rich` is the body where it has images or a video, as
/// Reddit itself writes it.
pub fn request(out: &Outgoing<'_>, place: &Place, rich: Option<&Value>) -> Result<Prepared, Failure> {
    let text = out.part.shown_text(REDDIT.abilities);
    let warn = out.warn.unwrap_or_default();
    if let Some(parent) = out.parent {
        let words = || format!("what it answers is no post on Reddit: {}", parent.id);
        let parent = name_of(parent).ok_or_else(|| Failure::new(Class::Rejected, words()))?;
        let text = with_warning(&text, warn);
        return Ok(frozen(
            COMMENT,
            &[("thing_id", &parent), ("text", &Escape::Reddit.apply(&text))],
        ));
    }
    let (title, body) = title_and_body(out);
    let rich = rich.map(Value::to_string);
    let body = match &rich {
        Some(rich) => ("richtext_json", rich.as_str()),
        None => ("text", body.as_str()),
    };
    let mut told = vec![
        ("kind", "self"),
        ("sr", &place.subreddit),
        ("title", &title),
        body,
        // It is blurred in the lists.
        ("spoiler", if warn.is_empty() { "false" } else { "true" }),
        ("nsfw", "false"),
        ("sendreplies", "false"),
        ("resubmit", "true"),
    ];
    told.extend(place.flair.as_deref().map(|flair| ("flair_id", flair)));
    Ok(frozen(SUBMIT, &told))
}

/// Without an answer in JSON it says what its own pages are to do.
fn frozen(path: &str, told: &[(&str, &str)]) -> Prepared {
    let same = [("api_type", "json"), ("raw_json", "1")];
    let all = same.iter().chain(told);
    let all: Map<String, Value> = all
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    Prepared {
        path: path.into(),
        body: json!(all).to_string(),
    }
}

/// The title, plain, and what stands below it, in Markdown. What has no text is called by its first image or its video.
fn title_and_body(out: &Outgoing<'_>) -> (String, String) {
    let text = out.part.shown_text(REDDIT.abilities);
    let alt = out.images.first().map(|image| image.alt.as_str());
    let alt = alt.or(out.video.as_ref().map(|video| video.alt.as_str()));
    let alt = alt.unwrap_or_default();
    let (title, rest) = title_and_rest(if text.trim().is_empty() { alt } else { &text });
    let rest = if text.trim().is_empty() { "" } else { rest };
    let body = with_warning(rest, out.warn.unwrap_or_default());
    (title, Escape::Reddit.apply(body.trim_end()).into_owned())
}

/// <https://www.reddit.com/dev/api#POST_api_del>
pub fn deletion(gone: &Deletion<'_>) -> Result<Prepared, Failure> {
    let name = name_of(gone.receipt).filter(|name| is_comment(name) || !gone.below);
    let name = name.ok_or_else(|| gone.unnamed())?;
    Ok(Prepared {
        path: DELETE.into(),
        body: json!({ "id": name }).to_string(),
    })
}

/// <https://www.reddit.com/dev/api#POST_api_editusertext>. A title stays as it is, and so does a text with images in it.
pub fn edit(edit: &Edit<'_>) -> Result<Prepared, Failure> {
    let name = name_of(edit.receipt).filter(|name| is_comment(name) || !edit.below);
    let name = name.ok_or_else(|| edit.unnamed())?;
    let refused = |words: &str| Err(Failure::new(Class::Rejected, words));
    let text = edit.out.part.shown_text(REDDIT.abilities);
    let body = if is_comment(&name) {
        with_warning(&text, edit.out.warn.unwrap_or_default())
    } else if edit.out.part.pictured() {
        return refused(
            "the text beside an image or a video stays on Reddit as it is: delete it, or answer it",
        );
    } else if title_and_rest(&text).0 != title_and_rest(edit.was).0 {
        return refused(
            "its first line is its title, which stays on Reddit as it is: delete it, or answer it",
        );
    } else {
        with_warning(title_and_rest(&text).1, edit.out.warn.unwrap_or_default())
    };
    Ok(frozen(
        EDIT,
        &[
            ("thing_id", &name),
            ("text", &Escape::Reddit.apply(body.trim_end())),
        ],
    ))
}

/// What the answer to an edit means.
pub fn read_edit(answer: &Answer) -> Result<(), Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    match answer.json::<Answered>() {
        Some(Answered { json }) if json.errors.is_empty() => Ok(()),
        Some(Answered { json }) => Err(json.failure(answer)),
        None => Err(answer.failure(Class::InDoubt, None)),
    }
}

fn is_name(name: &str) -> bool {
    let id = name.strip_prefix("t3_").or_else(|| name.strip_prefix("t1_"));
    id.is_some_and(is_id)
}

fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=13).contains(&id.len()) && id.bytes().all(plain)
}

fn is_comment(name: &str) -> bool {
    name.starts_with("t1_")
}

fn name_of(receipt: &Receipt) -> Option<String> {
    if is_name(&receipt.id) {
        return Some(receipt.id.clone());
    }
    name_in(receipt.url.as_deref().unwrap_or(&receipt.id))
}

/// The fullname in `https://www.reddit.com/r/NAME/comments/1abcd/words/`, or of the comment whose id comes after.
fn name_in(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    if !REDDIT
        .homes
        .iter()
        .any(|home| host == *home || host.ends_with(&format!(".{home}")))
    {
        return None;
    }
    let mut steps = url.path_segments()?.filter(|step| !step.is_empty());
    steps.find(|step| *step == "comments")?;
    let post = steps.next().filter(|id| is_id(id))?;
    match steps.nth(1) {
        Some(comment) => is_id(comment).then(|| format!("t1_{comment}")),
        None => Some(format!("t3_{post}")),
    }
}

fn receipt(name: &str, path_or_url: &str) -> Receipt {
    let url = match path_or_url {
        "" => None,
        path if path.starts_with('/') => Some(format!("https://www.reddit.com{path}")),
        url => Some(url.to_owned()),
    };
    Receipt::named(name, url)
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let odd = || answer.failure(Class::InDoubt, None);
    let Answered { json: said } = answer.json().ok_or_else(odd)?;
    if !said.errors.is_empty() {
        return Err(said.failure(answer));
    }
    let Data { name, url, things } = said.data;
    let comment = things.into_iter().next().map(|thing| thing.data);
    let (name, place) = comment.map_or((name, url), |comment| (comment.name, comment.permalink));
    if is_name(&name) {
        Ok(receipt(&name, &place))
    } else {
        Err(odd())
    }
}

impl Said {
    /// What it refuses with a 200.
    fn failure(&self, answer: &Answer) -> Failure {
        let text = |error: &Vec<Value>, nth: usize| {
            error
                .get(nth)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let codes: Vec<String> = self.errors.iter().map(|error| text(error, 0)).collect();
        let words: Vec<String> = self.errors.iter().map(|error| text(error, 1)).collect();
        let words = words.join("; ");
        let has = |code: &str| codes.iter().any(|theirs| theirs == code);
        let class = if has("RATELIMIT") || has("SUBREDDIT_RATELIMIT") {
            Class::RateLimited {
                until: self.wait_until(&words, answer),
            }
        } else if ["USER_REQUIRED", "SUBREDDIT_NOEXIST", "SUBREDDIT_NOTALLOWED"]
            .into_iter()
            .any(has)
        {
            // All that it posts goes there.
            Class::Auth
        } else if has("ALREADY_SUB") {
            Class::Duplicate
        } else {
            Class::Rejected
        };
        let said = if words.is_empty() { codes.join(", ") } else { words };
        answer.failure(class, Some(&said))
    }

    /// "Take a break for 9 minutes before trying again."
    fn wait_until(&self, words: &str, answer: &Answer) -> Option<Timestamp> {
        static WAIT: LazyLock<Regex> =
            LazyLock::new(|| crate::text::pattern(r"(\d{1,4}) (millisecond|second|minute|hour)"));
        let in_words = || {
            let found = WAIT.captures(words)?;
            let number: f64 = found.get(1)?.as_str().parse().ok()?;
            Some(match found.get(2)?.as_str() {
                "hour" => number * 3600.0,
                // It rounds down.
                "minute" => (number + 1.0) * 60.0,
                "second" => number + 1.0,
                _ => 1.0,
            })
        };
        let seconds = self
            .ratelimit
            .filter(|seconds| *seconds > 0.0)
            .or_else(in_words)?;
        retry_after(&seconds.to_string(), answer.at)
    }
}

/// What a refusal means that is no 200.
fn refused(answer: &Answer) -> Failure {
    let refusal: Option<Refusal> = answer.json();
    let scope = answer
        .header("www-authenticate")
        .is_some_and(|why| why.contains("insufficient_scope"));
    let class = match answer.status {
        403 if scope => Class::Auth,
        _ => answer.class(refusal.is_some()),
    };
    let words = refusal.map(|refusal| {
        let more = [refusal.reason, refusal.explanation];
        let all = std::iter::once(refusal.message).chain(more.into_iter().flatten());
        all.collect::<Vec<_>>().join("; ")
    });
    answer.failure(class, words.as_deref())
}

/// What the answer to a deletion means: it is an empty object, also where there was nothing.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200 if answer
            .json::<Map<String, Value>>()
            .is_some_and(|said| said.is_empty()) =>
        {
            Ok(())
        }
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
        if let Some(url) = out.share {
            return self.crosspost(url).await;
        }
        if out.images.is_empty() && out.video.is_none() {
            return request(out, &self.place, None);
        }
        if out.parent.is_some() {
            return Err(Failure::new(
                Class::Rejected,
                "an answer on Reddit is a comment, which takes no images and no video",
            ));
        }
        let rich = self.with_media(&title_and_body(out).1, out).await?;
        request(out, &self.place, Some(&rich))
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let bearer = self.token.bearer().await?;
        let answer = self
            .send_visibly(&sealed.prepared, &bearer, self.limits.doubt)
            .await?;
        self.token.answered(&bearer, read(&answer)).await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let answer = self.send_visibly(&sealed.prepared, &bearer, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, changed: &Edit<'_>) -> Result<Prepared, Failure> {
        edit(changed)
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let answer = self.send_visibly(&sealed.prepared, &bearer, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_edit(&answer)).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(&sealed.prepared, among).await
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        Some(self.read_shared(url).await)
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        let me = self.me().await?;
        Ok(Some(format!(
            "{} in r/{}",
            me.id,
            self.place.subreddit.to_lowercase()
        )))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    /// Without a token it is refused, which is an answer.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, ME).await)
    }
}

const ME: &str = "/api/v1/me";

impl Account {
    async fn send_visibly(
        &self,
        prepared: &Prepared,
        bearer: &Secret,
        doubt: Doubt,
    ) -> Result<Answer, Failure> {
        let told: Map<String, Value> = serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let pairs: Vec<(&str, &str)> = told
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
            .collect();
        let request = Request::post(&self.base, &prepared.path).pairs(&pairs);
        Ok(self.http.publish(self.signed(request, bearer), doubt).await?)
    }

    /// <https://github.com/reddit-archive/reddit/wiki/API#rules>: what calls itself nothing of its own is slowed down.
    fn signed(&self, request: Request, bearer: &Secret) -> Request {
        let version = env!("CARGO_PKG_VERSION");
        let contact = match self.known.get() {
            Some(me) => format!("by /u/{}", me.name),
            None => format!("contact {}", self.http.contact()),
        };
        let agent = format!("server:steadfast:v{version} ({contact})");
        request.bearer(bearer).header("user-agent", &agent)
    }

    /// A request that may be repeated.
    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let sign = |bearer: &Secret| self.signed(request, bearer);
        self.token.ask(&self.http, sign, refused).await
    }

    async fn me(&self) -> Result<&Me, Failure> {
        self.known.get_or_try_init(|| self.ask_who()).await
    }

    async fn ask_who(&self) -> Result<Me, Failure> {
        let answer = self.ask(Request::get(&self.base, ME)).await?;
        let me: Option<Me> = answer.json().filter(|_| answer.status == 200);
        if let Some(me) = me.filter(|me| !me.id.is_empty() && !me.name.is_empty()) {
            return Ok(me);
        }
        let mut failure = match answer.status {
            200 => odd(&answer),
            _ => harmless(refused(&answer)),
        };
        // Nothing about a post is in question here.
        if failure.class == Class::Rejected {
            failure.class = Class::Auth;
        }
        Err(failure)
    }
}

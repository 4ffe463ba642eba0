//! Meta's Graph API, as Threads, Instagram and Facebook Pages share it: how it says no, how it says to wait, and the
//! requests that may be repeated.
//!
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>,
//! <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>. What it says stands in numbers: its words
//! come in the language of the account, and its status is nearly always 400.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::http::{Answer, BaseUrl, Http, Request, retry_after};
use super::secret::Secret;
use super::token::Token;
use super::{Tools, harmless};
use crate::post::outcome::{Class, Failure};
use crate::text::limits::Doubt;

pub(super) mod account;
pub(super) mod beside;
pub(super) mod container;
mod counts;
pub(super) mod list;

// The wire. Ids are text.

#[derive(Deserialize)]
struct Refusal {
    error: Trouble,
}

/// Why it says no.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Trouble {
    message: Option<String>,
    code: i64,
    error_subcode: Option<i64>,
    is_transient: Option<bool>,
    /// Written for the account's people.
    error_user_msg: Option<String>,
    /// What Meta's support asks for.
    fbtrace_id: Option<String>,
}

/// What was made.
#[derive(Deserialize)]
pub(super) struct Made {
    pub id: String,
}

#[derive(Deserialize)]
struct Done {
    success: bool,
}

/// A part of `X-Business-Use-Case-Usage`.
#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    estimated_time_to_regain_access: i64,
}

/// As they stand in paths and forms. A post of a Page has its Page's number before its own, a comment its post's.
pub(super) fn is_id(id: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    id.len() <= 64 && id.split('_').count() <= 3 && id.split('_').all(digits)
}

/// An account's number, as the config has it under `key`.
pub(super) fn number(key: &str, told: Option<String>) -> Result<Option<String>, String> {
    match told {
        Some(told) if !is_id(&told) => Err(format!("`{key}` is a number, not a name")),
        told => Ok(told),
    }
}

// What a no means.

/// Too many requests, of the app, the account, the Page.
const LIMITED: [i64; 7] = [4, 17, 32, 341, 613, 80001, 80002];
/// Posts of a day used up; posted too fast.
const LIMITED_SUB: [i64; 2] = [2_207_042, 1_390_008];
/// The token: it is none, or it has ended.
const TOKEN: [i64; 2] = [102, 190];
/// Not allowed to the app; held back for what the account did.
const ACCOUNT: [i64; 2] = [10, 368];
/// Of the account too: not confirmed, restricted, taken for spam.
const ACCOUNT_SUB: [i64; 4] = [1_404_078, 4_854_002, 2_207_050, 2_207_051];
/// About this post, whatever the code beside it: links, abuse, standards, photos.
const POST_SUB: [i64; 6] = [1_346_003, 1_404_102, 1_404_112, 1_609_008, 1_366_046, 2_061_006];
/// The same post, the same photos.
const DUPLICATE: i64 = 506;
const DUPLICATE_SUB: i64 = 1_366_051;
/// "Unknown", "service unavailable".
const PASSING: [i64; 2] = [1, 2];
/// Media that is not ready, not fetched, or whose container is gone: another try may do.
const PASSING_SUB: [i64; 8] = [
    2_207_001, 2_207_003, 2_207_020, 2_207_027, 2_207_032, 2_207_052, 2_207_053, 4_279_009,
];

impl Trouble {
    /// `None`: the answer is not Meta's own word.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let Refusal { error } = answer.json()?;
        let says = error.code != 0 || error.message.as_ref().is_some_and(|words| !words.is_empty());
        says.then_some(error)
    }

    fn sub(&self) -> i64 {
        self.error_subcode.unwrap_or_default()
    }

    /// There is no such object, or it may not be seen.
    pub(super) fn is_unknown(&self) -> bool {
        (self.code, self.sub()) == (100, 33)
    }

    /// An object that was made a moment ago is not seen everywhere yet.
    pub(super) fn is_too_early(&self) -> bool {
        self.code == 24 || self.is_unknown()
    }

    /// A field is asked for that this kind of object has not.
    pub(super) fn has_no_such_field(&self) -> bool {
        self.code == 100
            && self
                .message
                .as_ref()
                .is_some_and(|words| words.contains("nonexisting field"))
    }

    /// The account may not do this.
    pub(super) fn is_forbidden(&self) -> bool {
        self.code == 10 || (200..300).contains(&self.code)
    }

    fn is_of_the_token(&self) -> bool {
        TOKEN.contains(&self.code)
    }

    /// To a request that the world can see.
    fn class(&self, answer: &Answer) -> Class {
        let (code, sub) = (self.code, self.sub());
        let limited = Class::RateLimited {
            until: regained(answer),
        };
        match answer.status {
            429 => limited,
            408 | 425 => Class::InDoubt,
            // The account's own block says "too many" too.
            400..=499 if ACCOUNT_SUB.contains(&sub) => Class::Auth,
            400..=499 if LIMITED.contains(&code) || LIMITED_SUB.contains(&sub) => limited,
            400..=499 if code == DUPLICATE || sub == DUPLICATE_SUB => Class::Duplicate,
            400..=499 if POST_SUB.contains(&sub) => Class::Rejected,
            400..=499 if ACCOUNT.contains(&code) => Class::Auth,
            400..=499 if self.is_of_the_token() || self.is_forbidden() => Class::Auth,
            400..=499 if self.is_transient == Some(true) => Class::InDoubt,
            400..=499 if PASSING.contains(&code) || PASSING_SUB.contains(&sub) => Class::InDoubt,
            _ => answer.class(true),
        }
    }

    pub(super) fn words(&self) -> String {
        let mut words = self.message.clone().unwrap_or_default();
        if let Some(more) = self.error_user_msg.as_ref().filter(|more| **more != words) {
            words = format!("{words}: {more}");
        }
        let sub = self.error_subcode.map_or(String::new(), |sub| format!("/{sub}"));
        let trace = self.fbtrace_id.as_ref();
        let trace = trace.map_or(String::new(), |trace| format!(", trace {trace}"));
        format!("{words} (code {}{sub}{trace})", self.code)
    }
}

/// A number of Meta's in words that hold one.
fn passes(words: &str) -> bool {
    let mut numbers = words.split(|c: char| !c.is_ascii_digit());
    numbers.any(|number| number.parse().is_ok_and(|number| PASSING_SUB.contains(&number)))
}

/// Until when. Meta counts in minutes, and says so only after enough requests.
fn regained(answer: &Answer) -> Option<Timestamp> {
    let usage = || {
        let told = answer.header("x-business-use-case-usage")?;
        let told: HashMap<String, Vec<Usage>> = serde_json::from_str(told).ok()?;
        let minutes = told
            .values()
            .flatten()
            .map(|usage| usage.estimated_time_to_regain_access);
        let minutes = minutes.max().filter(|minutes| *minutes > 0)?;
        retry_after(&minutes.checked_mul(60)?.to_string(), answer.at)
    };
    answer.wait_until().or_else(usage)
}

/// What an answer that is no yes means to a request that the world can see.
pub(super) fn refusal(answer: &Answer) -> Failure {
    match Trouble::of(answer) {
        Some(trouble) => answer.failure(trouble.class(answer), Some(&trouble.words())),
        None => answer.failure(answer.class(false), None),
    }
}

/// The id that a publishing request made.
pub(super) fn made(answer: &Answer) -> Result<String, Failure> {
    let made: Option<Made> = answer.json();
    made.filter(|made| answer.status == 200 && is_id(&made.id))
        .map(|made| made.id)
        .ok_or_else(|| refusal(answer))
}

/// What the answer to a harmless request says.
pub(super) fn said<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    if answer.status != 200 {
        return Err(harmless(refusal(answer)));
    }
    answer.json().ok_or_else(|| odd(answer))
}

pub(super) fn odd(answer: &Answer) -> Failure {
    answer.failure(
        Class::Transient,
        Some("an answer of another shape than the manual's"),
    )
}

/// What the answer means to a request that makes nothing new.
pub(super) fn read_done(answer: &Answer) -> Result<(), Failure> {
    let done: Option<Done> = answer.json();
    if answer.status == 200 && done.is_some_and(|done| done.success) {
        return Ok(());
    }
    Err(refusal(answer))
}

/// What the answer to a deletion means. `Gone`: Meta says that there is no such thing, or that it may not be seen.
pub(super) fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    let Err(failure) = read_done(answer) else {
        return Ok(());
    };
    match Trouble::of(answer) {
        Some(trouble) if failure.class == Class::Rejected && trouble.is_unknown() => Err(Failure {
            class: Class::Gone,
            ..failure
        }),
        _ => Err(failure),
    }
}

// The account.

/// Where an account's requests go, and what they are signed with.
pub(super) struct Graph {
    pub base: BaseUrl,
    /// The first step of every path, which names the version: `/v1.0`.
    pub version: &'static str,
    pub token: Token,
    pub http: Http,
}

impl Graph {
    /// Where an account's requests go: to `home`, by this `version`, if its config names no other server.
    pub(super) fn open(
        (home, version): (&str, &'static str),
        base: Option<BaseUrl>,
        token: Token,
        tools: &Tools<'_>,
    ) -> Result<Self, String> {
        Ok(Self {
            base: base.map_or_else(|| BaseUrl::parse(home), Ok)?,
            version,
            token,
            http: tools.http.clone(),
        })
    }

    /// A path of this version.
    pub(super) fn at(&self, rest: &str) -> String {
        format!("{}/{rest}", self.version)
    }

    /// A request that may be repeated. Any answer but a no to the token.
    pub(super) async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let bearer = self.token.bearer().await?;
        let answer = self.http.send(request.bearer(&bearer)).await.map_err(harmless)?;
        let refused = Trouble::of(&answer).is_some_and(|trouble| trouble.is_of_the_token());
        if answer.status != 200 && refused {
            return self
                .heard(&bearer, &answer, Err(harmless(refusal(&answer))))
                .await;
        }
        Ok(answer)
    }

    /// Fields of an object, or of what hangs on it.
    pub(super) async fn get(&self, of: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        self.ask(Request::get(&self.base, &self.at(of)).query(query))
            .await
    }

    /// The one request that the world can see.
    pub(super) async fn publish<T>(
        &self,
        request: Request,
        doubt: Doubt,
        read: impl FnOnce(&Answer) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let bearer = self.token.bearer().await?;
        let answer = self.http.publish(request.bearer(&bearer), doubt).await?;
        self.heard(&bearer, &answer, read(&answer)).await
    }

    /// Deletes what stands at `path`. Where Meta says that it is not there, it is looked for once more: it says the
    /// same of what may not be deleted.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Failure> {
        let request = Request::delete(&self.base, path);
        match self.publish(request, Doubt::OwnId, read_deletion).await {
            Err(failure) if failure.class == Class::Gone => self.is_gone(path, failure).await,
            done => done,
        }
    }

    async fn is_gone(&self, path: &str, refused: Failure) -> Result<(), Failure> {
        let look = Request::get(&self.base, path).query(&[("fields", "id")]);
        let answer = self.ask(look).await?;
        match (Trouble::of(&answer), said::<Made>(&answer)) {
            (Some(trouble), _) if trouble.is_unknown() && (400..500).contains(&answer.status) => Ok(()),
            (_, Ok(_)) => Err(Failure {
                class: Class::Rejected,
                ..refused
            }),
            (_, Err(failure)) => Err(failure),
        }
    }

    /// What is refused for want of rights is refused to the next token too.
    async fn heard<T>(
        &self,
        bearer: &Secret,
        answer: &Answer,
        came: Result<T, Failure>,
    ) -> Result<T, Failure> {
        let of_the_token = Trouble::of(answer).is_some_and(|trouble| trouble.is_of_the_token());
        match came {
            Err(failure) if of_the_token => self.token.heard(bearer, Err(failure)).await,
            came => came,
        }
    }
}

/// Whose a token is.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Me {
    /// Of an account of Instagram, where `id` is another for each app.
    user_id: Option<String>,
    id: String,
    /// If it was asked for.
    pub username: Option<String>,
}

impl Me {
    /// Its number.
    pub(super) fn id(&self) -> &str {
        self.user_id.as_deref().unwrap_or(&self.id)
    }
}

impl Graph {
    /// Asks `of` who it is, and that it is the account that the config names by `wanted`: a key, and its number.
    /// Nothing about a post is in question here.
    pub(super) async fn who(
        &self,
        of: &str,
        fields: &str,
        wanted: Option<(&str, &str)>,
    ) -> Result<Me, Failure> {
        let answer = self.get(of, &[("fields", fields)]).await?;
        let me = match said::<Me>(&answer) {
            Ok(me) if is_id(me.id()) => me,
            Ok(_) => return Err(odd(&answer)),
            Err(failure) if failure.class == Class::Rejected => {
                return Err(Failure {
                    class: Class::Auth,
                    ..failure
                });
            }
            Err(failure) => return Err(failure),
        };
        match wanted {
            Some((key, wanted)) if wanted != me.id() => {
                let words = format!("the token is of {}, and `{key}` is {wanted}", me.id());
                Err(Failure::new(Class::Auth, words))
            }
            _ => Ok(me),
        }
    }
}

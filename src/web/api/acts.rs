//! Everything that a program can change. `as` in a body says who speaks where nobody signs in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desk::words::Said;
use crate::ledger::{Post, Scope};
use crate::post::identity::NameError;
use crate::post::step;

use super::super::Site;
use super::super::trouble::Trouble;
use super::super::verbs;
use super::caller::{Caller, Told};

type Answer<T> = Result<Json<T>, Trouble>;

/// Everything, where neither an account nor a message is named.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    account: Option<String>,
    message: Option<String>,
    why: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// As it was held.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    account: Option<String>,
    message: Option<String>,
    #[serde(default)]
    why: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// A word that needs no more words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Word {
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// A word, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reasoned {
    #[serde(default)]
    why: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// What became of a post in doubt.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Resolution {
    sent: bool,
    /// Where it is, if it was sent and that is known.
    #[serde(default)]
    url: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// What was seen, and is approved.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// As `/api/pending` says it.
    digest: String,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// Where a message goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Targets {
    /// Accounts and groups; where the message goes by itself, if there are none.
    #[serde(default)]
    to: Vec<String>,
    #[serde(rename = "as")]
    speaker: Option<String>,
}

/// Nothing new begins.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Held {
    /// What was being sent when it was held, and may be out.
    on_their_way: Vec<OnItsWay>,
}

/// A post that is being sent.
#[derive(Debug, Serialize, JsonSchema)]
struct OnItsWay {
    post: String,
    message: String,
    account: String,
}

/// What goes on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Released {
    /// How many holds have ended; none: nothing was held so.
    holds: u64,
}

/// What a word did to a post.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Moved {
    message: String,
    account: String,
    from: String,
    to: String,
}

/// It is in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {
    message: String,
}

/// The new posts.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Posted {
    posts: Vec<String>,
}

fn scope(caller: &Caller, account: Option<&str>, message: Option<&str>) -> Result<Scope, Trouble> {
    let wrong = |e: NameError| Trouble::Wrong(e.to_string());
    Ok(match (account, message) {
        (None, None) => Scope::All,
        (Some(name), None) => Scope::Account(name.parse().map_err(wrong)?),
        (None, Some(id)) => Scope::Message(id.parse().map_err(wrong)?),
        (Some(_), Some(_)) => return Err(Trouble::Wrong(caller.t.one_scope.to_owned())),
    })
}

pub(super) async fn hold(State(site): State<Arc<Site>>, told: Told<Hold>) -> Answer<Held> {
    let Told { caller, body } = told;
    let scope = scope(&caller, body.account.as_deref(), body.message.as_deref())?;
    let speaker = caller.speaker(body.speaker.as_deref())?;
    let posts = verbs::hold(&site, &speaker, &scope, &body.why).await?;
    let on_its_way = |post: Post| OnItsWay {
        post: post.id.to_string(),
        message: post.message.to_string(),
        account: post.account.to_string(),
    };
    Ok(Json(Held {
        on_their_way: posts.into_iter().map(on_its_way).collect(),
    }))
}

pub(super) async fn release(State(site): State<Arc<Site>>, told: Told<Release>) -> Answer<Released> {
    let Told { caller, body } = told;
    let scope = scope(&caller, body.account.as_deref(), body.message.as_deref())?;
    let speaker = caller.speaker(body.speaker.as_deref())?;
    let holds = verbs::release(&site, &speaker, &scope, &body.why).await?;
    Ok(Json(Released { holds }))
}

fn moved(said: &Said) -> Json<Moved> {
    Json(Moved {
        message: said.message.to_string(),
        account: said.account.to_string(),
        from: said.from.to_string(),
        to: said.to.to_string(),
    })
}

pub(super) async fn retry(
    State(site): State<Arc<Site>>,
    Path(post): Path<String>,
    told: Told<Word>,
) -> Answer<Moved> {
    let speaker = told.caller.speaker(told.body.speaker.as_deref())?;
    Ok(moved(&verbs::retry(&site, &speaker, &post).await?))
}

pub(super) async fn skip(
    State(site): State<Arc<Site>>,
    Path(post): Path<String>,
    told: Told<Reasoned>,
) -> Answer<Moved> {
    let speaker = told.caller.speaker(told.body.speaker.as_deref())?;
    Ok(moved(&verbs::skip(&site, &speaker, &post, &told.body.why).await?))
}

pub(super) async fn resolve(
    State(site): State<Arc<Site>>,
    Path(post): Path<String>,
    told: Told<Resolution>,
) -> Answer<Moved> {
    let Told { caller, body } = told;
    let speaker = caller.speaker(body.speaker.as_deref())?;
    let word = match (body.sent, verbs::address(&body.url, caller.t)?) {
        (true, url) => step::Word::WasSent { url },
        (false, None) => step::Word::WasNotSent,
        (false, Some(_)) => return Err(Trouble::Wrong(caller.t.bad_address.to_owned())),
    };
    Ok(moved(&verbs::resolve(&site, &speaker, &post, word).await?))
}

pub(super) async fn approve(
    State(site): State<Arc<Site>>,
    Path(message): Path<String>,
    told: Told<Approval>,
) -> Answer<Done> {
    let speaker = told.caller.speaker(told.body.speaker.as_deref())?;
    verbs::approve(&site, &speaker, &message, &told.body.digest).await?;
    Ok(Json(Done { message }))
}

pub(super) async fn withdraw(
    State(site): State<Arc<Site>>,
    Path(message): Path<String>,
    told: Told<Word>,
) -> Answer<Done> {
    let speaker = told.caller.speaker(told.body.speaker.as_deref())?;
    verbs::withdraw(&site, &speaker, &message).await?;
    Ok(Json(Done { message }))
}

pub(super) async fn post_now(
    State(site): State<Arc<Site>>,
    Path(message): Path<String>,
    told: Told<Targets>,
) -> Answer<Posted> {
    let speaker = told.caller.speaker(told.body.speaker.as_deref())?;
    let posts = verbs::post_now(&site, &speaker, &message, &told.body.to).await?;
    Ok(Json(Posted {
        posts: posts.iter().map(ToString::to_string).collect(),
    }))
}

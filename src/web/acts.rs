//! Everything that changes something, by a form of ours: the same words as the commands'.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, post};

use crate::ledger::Scope;
use crate::post::identity::NameError;
use crate::post::step::Word;

use super::Site;
use super::recall;
use super::trouble::Trouble;
use super::verbs;
use super::visit::{Act, YEAR};
use super::words::LANGUAGES;

/// How a path gets to what it does.
type Door = fn() -> MethodRouter<Arc<Site>>;

/// Each with its path.
pub(super) const ALL: [(&str, Door); 10] = [
    ("/hold", || post(hold)),
    ("/release", || post(release)),
    ("/posts/{id}/retry", || post(retry)),
    ("/posts/{id}/skip", || post(skip)),
    ("/posts/{id}/resolve", || post(resolve)),
    ("/messages/{id}/approve", || post(approve)),
    ("/messages/{id}/withdraw", || post(withdraw)),
    ("/messages/{id}/post", || post(post_now)),
    ("/facts/{name}/recall", || post(recall::confirm)),
    ("/language", || post(language)),
];

type Done = Result<Response, Trouble>;

/// Back to where it was asked for, where it is said that it is done.
fn done(act: &Act, code: &str) -> Response {
    let back = act.back();
    let sign = if back.contains('?') { '&' } else { '?' };
    act.remembered(Redirect::to(&format!("{back}{sign}done={code}")))
}

fn scope(act: &Act) -> Result<Scope, Trouble> {
    let (kind, target) = (act.fields.get("scope"), act.fields.get("target"));
    let wrong = |e: NameError| Trouble::Wrong(e.to_string());
    Ok(match kind {
        "all" => Scope::All,
        "account" => Scope::Account(target.parse().map_err(wrong)?),
        "message" => Scope::Message(target.parse().map_err(wrong)?),
        _ => return Err(Trouble::Stale),
    })
}

async fn hold(State(site): State<Arc<Site>>, act: Act) -> Done {
    verbs::hold(&site, &act.speaker()?, &scope(&act)?, act.fields.get("why")).await?;
    Ok(done(&act, "held"))
}

async fn release(State(site): State<Arc<Site>>, act: Act) -> Done {
    let released = verbs::release(&site, &act.speaker()?, &scope(&act)?, act.fields.get("why")).await?;
    Ok(done(&act, if released == 0 { "nothing" } else { "released" }))
}

async fn retry(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    verbs::retry(&site, &act.speaker()?, &id).await?;
    Ok(done(&act, "retried"))
}

async fn skip(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    verbs::skip(&site, &act.speaker()?, &id, act.fields.get("why")).await?;
    Ok(done(&act, "skipped"))
}

async fn resolve(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    let word = match act.fields.get("how") {
        "sent" => Word::WasSent {
            url: verbs::address(act.fields.get("url"), act.visit.t)?,
        },
        "not_sent" => Word::WasNotSent,
        _ => return Err(Trouble::Stale),
    };
    verbs::resolve(&site, &act.speaker()?, &id, word).await?;
    Ok(done(&act, "resolved"))
}

async fn approve(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    verbs::approve(&site, &act.speaker()?, &id, act.fields.get("digest")).await?;
    Ok(done(&act, "approved"))
}

async fn withdraw(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    verbs::withdraw(&site, &act.speaker()?, &id).await?;
    Ok(done(&act, "withdrawn"))
}

async fn post_now(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    verbs::post_now(&site, &act.speaker()?, &id, &[]).await?;
    Ok(done(&act, "posted"))
}

async fn language(act: Act) -> Done {
    let asked = act.fields.get("language");
    let known = LANGUAGES.iter().find(|words| words.code == asked);
    let words = known.ok_or(Trouble::Stale)?;
    let cookie = format!("language={}; Path=/; SameSite=Strict; Max-Age={YEAR}", words.code);
    let to = Redirect::to(&act.back());
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), to).into_response())
}

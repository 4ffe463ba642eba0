//! Everything that changes something: the same words as the commands', by a form of ours.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, post};
use tracing::info;

use crate::daemon::variants_said;
use crate::desk::approve::{named, withdrawal, word};
use crate::desk::hold::{heard, known};
use crate::desk::pending;
use crate::desk::post::new_posts;
use crate::desk::words::say;
use crate::desk::{Failed, Files, Office};
use crate::ledger::Scope;
use crate::post::identity::PostId;
use crate::post::step::Word;
use crate::settings::Role;

use super::Site;
use super::trouble::Trouble;
use super::visit::{Act, encoded};
use super::words::{LANGUAGES, fill};

/// How a path gets to what it does.
type Door = fn() -> MethodRouter<Arc<Site>>;

/// Each with its path.
pub(super) const ALL: [(&str, Door); 9] = [
    ("/hold", || post(hold)),
    ("/release", || post(release)),
    ("/posts/{id}/retry", || post(retry)),
    ("/posts/{id}/skip", || post(skip)),
    ("/posts/{id}/resolve", || post(resolve)),
    ("/messages/{id}/approve", || post(approve)),
    ("/messages/{id}/withdraw", || post(withdraw)),
    ("/messages/{id}/post", || post(post_now)),
    ("/language", || post(language)),
];

/// The longest reason, in characters.
const WHY_MAX: usize = 500;
/// A browser remembers a name and a language for a year.
const YEAR: u32 = 365 * 24 * 3600;

type Done = Result<Response, Trouble>;

/// Back to where it was asked for, where it is said that it is done.
fn done(act: &Act, code: &str) -> Response {
    let back = act.back();
    let sign = if back.contains('?') { '&' } else { '?' };
    let to = Redirect::to(&format!("{back}{sign}done={code}"));
    let name = act.fields.get("as").trim();
    if name.is_empty() || act.visit.user.is_some() {
        return to.into_response();
    }
    let cookie = format!(
        "name={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={YEAR}",
        encoded(name)
    );
    (AppendHeaders([(header::SET_COOKIE, cookie)]), to).into_response()
}

/// A reason that somebody typed, on one line.
fn reason(act: &Act) -> Result<String, Trouble> {
    let why = act.fields.get("why").trim();
    if why.chars().count() > WHY_MAX || why.chars().any(char::is_control) {
        return Err(Trouble::Wrong(act.visit.t.bad_reason.to_owned()));
    }
    Ok(why.to_owned())
}

fn scope(act: &Act) -> Result<Scope, Trouble> {
    let (kind, target) = (act.fields.get("scope"), act.fields.get("target"));
    let wrong = |e: crate::post::identity::NameError| Trouble::Wrong(e.to_string());
    Ok(match kind {
        "all" => Scope::All,
        "account" => Scope::Account(target.parse().map_err(wrong)?),
        "message" => Scope::Message(target.parse().map_err(wrong)?),
        _ => return Err(Trouble::Stale),
    })
}

/// The files as they are at this moment: what is sent or approved must be what they say.
async fn files(site: &Arc<Site>) -> Result<Files, Trouble> {
    let office = site.pages.office.clone();
    let read = tokio::task::spawn_blocking(move || office.read_files()).await;
    read.map_err(|_| Trouble::Slow)?.map_err(Into::into)
}

async fn hold(State(site): State<Arc<Site>>, act: Act) -> Done {
    act.needs(Role::Editor)?;
    let (scope, why, by) = (scope(&act)?, reason(&act)?, act.visit.speaker(&act.fields)?);
    if why.is_empty() {
        return Err(Trouble::Wrong(act.visit.t.reason_needed.to_owned()));
    }
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    known(office, &scope, ledger).await?;
    ledger.hold(&scope, &why, &by, office.clock.now()).await?;
    heard(ledger).await?;
    info!(event = "web.acted", act = "hold", user = by, scope = %scope, why, "{by} holds {scope}: {why}");
    Ok(done(&act, "held"))
}

async fn release(State(site): State<Arc<Site>>, act: Act) -> Done {
    act.needs(Role::Operator)?;
    let (scope, why, by) = (scope(&act)?, reason(&act)?, act.visit.speaker(&act.fields)?);
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let files = office.brake().look(office.clock.now());
    if let Some(file) = files.first().filter(|_| scope == Scope::All) {
        let t = act.visit.t;
        return Err(Trouble::Refused(fill(t.held_by_file, &[&file.by])));
    }
    let why = Some(why.as_str()).filter(|why| !why.is_empty());
    let released = ledger.release(&scope, &by, None, why, office.clock.now()).await?;
    heard(ledger).await?;
    if released == 0 {
        return Ok(done(&act, "nothing"));
    }
    info!(event = "web.acted", act = "release", user = by, scope = %scope, "{by} releases {scope}");
    Ok(done(&act, "released"))
}

async fn tell(site: &Site, act: &Act, id: &str, code: &str, word: Word) -> Done {
    act.needs(Role::Operator)?;
    let post: PostId = id.parse().map_err(|_| Trouble::Nothing)?;
    let by = act.visit.speaker(&act.fields)?;
    let said = say(&site.pages.office, &*site.pages.ledger, post, word).await?;
    info!(event = "web.acted", act = code, user = by, post = %post, message_id = %said.message, account = %said.account,
        "{by}: {} on {}: {} -> {}", said.message, said.account, said.from, said.to);
    Ok(done(act, code))
}

async fn retry(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    tell(&site, &act, &id, "retried", Word::Retry).await
}

async fn skip(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    let by = act.visit.speaker(&act.fields)?;
    let why = match reason(&act)? {
        why if why.is_empty() => format!("{by} said so"),
        why => format!("{by} said so: {why}"),
    };
    tell(&site, &act, &id, "skipped", Word::Skip { why }).await
}

async fn resolve(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    let url = act.fields.get("url").trim();
    let word = match act.fields.get("how") {
        "sent" if url.starts_with("https://") || url.starts_with("http://") => Word::WasSent {
            url: Some(url.to_owned()),
        },
        "sent" if url.is_empty() => Word::WasSent { url: None },
        "sent" => return Err(Trouble::Wrong(act.visit.t.bad_address.to_owned())),
        "not_sent" => Word::WasNotSent,
        _ => return Err(Trouble::Stale),
    };
    tell(&site, &act, &id, "resolved", word).await
}

async fn approve(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    act.needs(Role::Approver)?;
    let by = act.visit.speaker(&act.fields)?;
    if act.visit.user.is_none() && act.fields.get("as").trim().is_empty() {
        return Err(Trouble::Wrong(act.visit.t.name_needed.to_owned()));
    }
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    pending::rule(office)?;
    let files = files(&site).await?;
    let campaign = Office::campaign(&files)?;
    let approvals = pending::known(&files, &campaign, Some(ledger)).await?;
    let meant = act.fields.get("digest");
    if meant.is_empty() {
        return Err(Trouble::Stale);
    }
    let message = named(&campaign, &[id])?.pop().ok_or(Trouble::Nothing)?;
    let now = office.clock.now();
    let said =
        word(&files, &campaign, &approvals, &message, Some(meant), &by, now).map_err(Trouble::Refused)?;
    ledger.approve(vec![said]).await?;
    heard(ledger).await?;
    info!(event = "web.acted", act = "approve", user = by, message_id = %message.id, "{by} approves {}", message.id);
    Ok(done(&act, "approved"))
}

async fn withdraw(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    act.needs(Role::Approver)?;
    let by = act.visit.speaker(&act.fields)?;
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    pending::rule(office)?;
    let files = files(&site).await?;
    let campaign = Office::campaign(&files)?;
    let approvals = pending::known(&files, &campaign, Some(ledger)).await?;
    let said = withdrawal(&id, &approvals, &by, office.clock.now())?;
    ledger.approve(vec![said]).await?;
    heard(ledger).await?;
    info!(
        event = "web.acted",
        act = "withdraw",
        user = by,
        message_id = id,
        "{by} withdraws what was approved of {id}"
    );
    Ok(done(&act, "withdrawn"))
}

async fn post_now(State(site): State<Arc<Site>>, Path(id): Path<String>, act: Act) -> Done {
    act.needs(Role::Operator)?;
    let by = act.visit.speaker(&act.fields)?;
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let files = files(&site).await?;
    let campaign = office
        .gate(&files, &Office::campaign(&files)?, Some(ledger))
        .await?;
    let said = variants_said(ledger, &campaign).await?;
    let posts = new_posts(office, &files, &campaign, &id, &[], &said)?;
    if posts.is_empty() {
        return Err(Failed::Wrong(act.visit.t.goes_nowhere.to_owned()).into());
    }
    ledger.record(posts, office.clock.now()).await?;
    ledger.ring().await?;
    info!(
        event = "web.acted",
        act = "post",
        user = by,
        message_id = id,
        "{by} posts {id} now"
    );
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

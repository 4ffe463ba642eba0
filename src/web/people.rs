//! Signing in: named users, and no more guesses than people make.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordVerifier};
use askama::Template;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use tracing::{info, warn};

use crate::settings::User;

use super::frame::Frame;
use super::session::LIFE;
use super::trouble::Trouble;
use super::visit::{Act, cookie, fields, is_token, token};
use super::words::{Words, fill};
use super::{Peer, Site};

/// So many wrong guesses are a person's own.
const FREE: u32 = 5;
/// How long the next one waits then; each doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(15);
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// How many names and addresses are remembered.
const REMEMBERED: usize = 10_000;

/// Wrong guesses, by name and by address.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<String, Wrong>>);

#[derive(Debug, Clone, Copy)]
struct Wrong {
    times: u32,
    until: Duration,
}

impl Guesses {
    /// How long whoever guesses there must wait.
    fn wait(&self, keys: &[String], now: Duration) -> Option<Duration> {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys
            .iter()
            .filter_map(|key| guesses.get(key)?.until.checked_sub(now));
        waits.max().filter(|wait| !wait.is_zero())
    }

    fn was_wrong(&self, keys: &[String], now: Duration) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= REMEMBERED {
            guesses.retain(|_, wrong| wrong.until > now);
        }
        if guesses.len() >= REMEMBERED {
            return;
        }
        for key in keys {
            let wrong = guesses
                .entry(key.clone())
                .or_insert(Wrong { times: 0, until: now });
            // After a long pause it begins anew.
            if now.saturating_sub(wrong.until) > LONGEST_WAIT {
                wrong.times = 0;
            }
            wrong.times = wrong.times.saturating_add(1);
            let over = wrong.times.checked_sub(FREE);
            let wait = over.map_or(Duration::ZERO, |over| {
                FIRST_WAIT.saturating_mul(1 << over.min(10)).min(LONGEST_WAIT)
            });
            wrong.until = now.saturating_add(wait);
        }
    }

    fn was_right(&self, keys: &[String]) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            guesses.remove(key);
        }
    }
}

/// What nobody's password is: whoever does not exist takes as long as whoever does.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c3RlYWRmYXN0c3RlYWRmYXN0$tX0jUwUcNMQ3fH1gXBZYFGOMfQQ5TG3NKxLVMsFNBcQ";

/// Whether this is their password. Slow, by design.
fn is_password(user: Option<&User>, password: &str) -> bool {
    let hash = user.map_or(NOBODYS, |user| user.password.as_str());
    let right = PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    });
    right && user.is_some()
}

#[derive(Template)]
#[template(path = "web/signin.html")]
struct Page<'a> {
    frame: Frame<'a>,
    token: String,
    user: String,
    wrong: Option<String>,
}

/// What the form is bound to before there is a session.
const BEFORE: &str = "before a session";

fn page(site: &Site, t: &'static Words, user: &str, wrong: Option<String>) -> Result<Response, Trouble> {
    let page = Page {
        frame: Frame::bare(site, t, t.sign_in),
        token: token(&site.forms, BEFORE),
        user: user.to_owned(),
        wrong,
    };
    Ok(Html(page.render()?).into_response())
}

pub(super) async fn form(State(site): State<Arc<Site>>, headers: HeaderMap) -> Result<Response, Trouble> {
    if site.people.is_empty() {
        return Ok(Redirect::to("/").into_response());
    }
    page(&site, Words::asked(&headers), "", None)
}

pub(super) async fn sign_in(
    State(site): State<Arc<Site>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Result<Response, Trouble> {
    let (parts, body) = request.into_parts();
    let t = Words::asked(&parts.headers);
    let fields = fields(&parts.headers, body).await?;
    if site.people.is_empty() || !is_token(fields.get("token"), &token(&site.forms, BEFORE)) {
        return Err(Trouble::Stale);
    }
    let (name, password) = (
        fields.get("user").trim().to_owned(),
        fields.get("password").to_owned(),
    );
    let user = match check(&site, &name, password, peer).await {
        Ok(user) => user,
        Err(Refused::Wait(wait)) => {
            let wait = fill(
                t.wait_then_sign_in,
                &[&wait.as_secs().saturating_add(1).to_string()],
            );
            return page(&site, t, &name, Some(wait));
        }
        Err(Refused::Wrong) => return page(&site, t, &name, Some(t.wrong_password.to_owned())),
    };
    info!(event = "web.signed_in", user = user.name, peer = %peer, "{} has signed in", user.name);
    let ledger = &*site.pages.ledger;
    let secret = site.sessions.begin(ledger, &user, site.now()).await?;
    let set = session_cookie(&parts.headers, &secret, LIFE);
    Ok((AppendHeaders([(header::SET_COOKIE, set)]), Redirect::to("/")).into_response())
}

/// Why somebody is not let in.
#[derive(Debug)]
pub(super) enum Refused {
    /// Nobody looks at another guess before that.
    Wait(Duration),
    Wrong,
}

/// Who this is, if the password is theirs.
async fn check(site: &Site, name: &str, password: String, peer: IpAddr) -> Result<User, Refused> {
    let keys = keys(name, peer);
    let now = site.pages.office.clock.uptime();
    if let Some(wait) = site.guesses.wait(&keys, now) {
        return Err(Refused::Wait(wait));
    }
    // One at a time: each takes 19 MB and a while.
    let turn = Arc::clone(&site.turn).acquire_owned().await;
    let user = site.people.iter().find(|user| user.name == name).cloned();
    let checked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        is_password(user.as_ref(), &password).then_some(user).flatten()
    });
    let Some(user) = checked.await.ok().flatten() else {
        site.guesses.was_wrong(&keys, now);
        warn!(event = "web.refused", user = name, peer = %peer, "somebody could not sign in as {name}");
        return Err(Refused::Wrong);
    };
    site.guesses.was_right(&keys);
    Ok(user)
}

/// Who a program is, which says so with each request.
pub(super) async fn knows(site: &Site, name: &str, password: &str, peer: IpAddr) -> Result<User, Refused> {
    let pass = pass(&site.secret, name, password);
    let known = site.passes.who(&pass, site.pages.office.clock.uptime());
    if let Some(user) = known.and_then(|name| site.people.iter().find(|user| user.name == name)) {
        return Ok(user.clone());
    }
    let user = check(site, name, password.to_owned(), peer).await?;
    site.passes
        .remember(pass, &user.name, site.pages.office.clock.uptime());
    Ok(user)
}

/// For how long a password need not be looked at again, which takes long.
const PASS: Duration = Duration::from_mins(5);
/// How many programs are remembered.
const PASSES_MAX: usize = 100;

/// Programs whose password was right a moment ago.
#[derive(Debug, Default)]
pub(super) struct Passes(Mutex<HashMap<String, (String, Duration)>>);

impl Passes {
    fn who(&self, pass: &str, now: Duration) -> Option<String> {
        let passes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, since) = passes.get(pass)?;
        (now.saturating_sub(*since) < PASS).then(|| user.clone())
    }

    fn remember(&self, pass: String, user: &str, now: Duration) {
        let mut passes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if passes.len() >= PASSES_MAX {
            passes.clear();
        }
        passes.insert(pass, (user.to_owned(), now));
    }
}

/// What is kept of a name and a password; it is of no use to another daemon.
fn pass(secret: &[u8; 32], name: &str, password: &str) -> String {
    token(secret, &format!("pass\n{}\n{name}\n{password}", name.len()))
}

fn keys(name: &str, peer: IpAddr) -> Vec<String> {
    let name: String = name.chars().take(64).collect();
    vec![format!("name {name}"), format!("from {peer}")]
}

/// Where the browser came by HTTPS, it never comes otherwise.
fn session_cookie(headers: &HeaderMap, secret: &str, life: Duration) -> String {
    let origin = headers
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    let secure = origin.is_some_and(|origin| origin.starts_with("https://"));
    format!(
        "session={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}",
        life.as_secs(),
        if secure { "; Secure" } else { "" }
    )
}

pub(super) async fn sign_out(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    _act: Act,
) -> Result<Response, Trouble> {
    if let Some(secret) = cookie(&headers, "session") {
        site.sessions.end(&*site.pages.ledger, secret).await?;
    }
    let gone = session_cookie(&headers, "", Duration::ZERO);
    Ok((
        AppendHeaders([(header::SET_COOKIE, gone)]),
        Redirect::to("/signin"),
    )
        .into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_longer_each_time() {
        let guesses = Guesses::default();
        let peer: IpAddr = "192.0.2.7".parse().unwrap();
        let (keys, mut now) = (keys("ann", peer), Duration::from_secs(1));
        for _ in 1..FREE {
            guesses.was_wrong(&keys, now);
            assert_eq!(guesses.wait(&keys, now), None);
        }
        let mut waits = Vec::new();
        for _ in 0..9 {
            guesses.was_wrong(&keys, now);
            let wait = guesses.wait(&keys, now).unwrap();
            now += wait;
            assert_eq!(guesses.wait(&keys, now), None);
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 900, 900, 900]);
        guesses.was_wrong(&keys, now);
        // From elsewhere the same name waits, and from there any name.
        let elsewhere = self::keys("ann", "192.0.2.8".parse().unwrap());
        assert!(guesses.wait(&elsewhere, now).is_some());
        assert!(guesses.wait(&self::keys("ben", peer), now).is_some());
        guesses.was_right(&keys);
        assert_eq!(guesses.wait(&keys, now), None);
    }

    #[test]
    fn what_is_remembered_of_guesses_is_bounded() {
        let guesses = Guesses::default();
        for n in 0..REMEMBERED + 100 {
            guesses.was_wrong(&[format!("name {n}")], Duration::from_secs(1));
        }
        assert!(guesses.0.lock().unwrap().len() <= REMEMBERED);
    }

    #[test]
    fn nobody_has_no_password() {
        assert!(PasswordHash::new(NOBODYS).is_ok());
        assert!(!is_password(None, ""));
    }
}

//! Who asks, in which language, and what they sent.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ledger::{BY_DAEMON, BY_FILE, BY_ROLLBACK, BY_WATCH};
use crate::post::digest::hex;
use crate::settings::Role;

use super::Site;
use super::trouble::Trouble;
use super::verbs::Speaker;
use super::words::Words;

/// The most that a form may send, in bytes.
const BODY_MAX: usize = 16 << 10;
/// The longest name that anybody may give, in characters.
const NAME_MAX: usize = 60;
/// A browser remembers a name and a language for a year. In seconds.
pub(super) const YEAR: u32 = 365 * 24 * 3600;
/// Who speaks where nobody says who they are.
const NAMELESS: &str = "the dashboard";

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub t: &'static Words,
    /// Who signed in; `None`: nobody need sign in here.
    pub user: Option<String>,
    pub role: Role,
    /// What proves that a form is ours: it goes into each.
    pub token: String,
    /// The name that was given last, where nobody signs in.
    pub name: Option<String>,
    /// Path and query, to come back to.
    pub path: String,
}

impl Visit {
    /// Whether they may do what takes this role.
    pub fn may(&self, role: Role) -> bool {
        self.role >= role
    }
}

impl FromRequestParts<Arc<Site>> for Visit {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Trouble> {
        let path = parts.uri.path_and_query().map(ToString::to_string);
        let t = Words::asked(&parts.headers);
        let session = cookie(&parts.headers, "session");
        let (user, role, bound) = if site.people.is_empty() {
            (None, Role::Operator, String::new())
        } else {
            let session = session.ok_or(Trouble::SignIn)?;
            let (ledger, uptime) = (&*site.pages.ledger, site.pages.office.clock.uptime());
            let who = site
                .sessions
                .who(ledger, session, &site.people, site.now(), uptime);
            let user = who.await?.ok_or(Trouble::SignIn)?;
            (Some(user.name.clone()), user.role, session.to_owned())
        };
        Ok(Self {
            t,
            user,
            role,
            token: token(&site.forms, &bound),
            name: cookie(&parts.headers, "name").and_then(decoded),
            path: path.unwrap_or_else(|| "/".to_owned()),
        })
    }
}

/// What a form sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(HashMap<String, String>);

impl Fields {
    /// Empty, where it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// A change that somebody asks for by one of our own forms.
#[derive(Debug)]
pub(super) struct Act {
    pub visit: Visit,
    pub fields: Fields,
}

impl Act {
    /// Who speaks.
    pub fn speaker(&self) -> Result<Speaker, Trouble> {
        let (visit, typed) = (&self.visit, self.fields.get("as"));
        let by = match &visit.user {
            Some(user) => user.clone(),
            None => speaker_name(typed, visit.name.as_deref(), visit.t)?,
        };
        Ok(Speaker {
            by,
            named: visit.user.is_some() || !typed.trim().is_empty(),
            role: visit.role,
            t: visit.t,
        })
    }

    /// Where to go back to: only ever a page of ours.
    pub fn back(&self) -> String {
        local_path(self.fields.get("back")).unwrap_or("/").to_owned()
    }

    /// On to another page; the browser remembers the name that somebody gave.
    pub fn remembered(&self, to: Redirect) -> Response {
        let name = self.fields.get("as").trim();
        if name.is_empty() || self.visit.user.is_some() {
            return to.into_response();
        }
        let cookie = format!(
            "name={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={YEAR}",
            encoded(name)
        );
        (AppendHeaders([(header::SET_COOKIE, cookie)]), to).into_response()
    }
}

/// Who speaks where nobody signs in: who they say they are, or said the last time.
pub(super) fn speaker_name(typed: &str, last: Option<&str>, t: &'static Words) -> Result<String, Trouble> {
    let name = match typed.trim() {
        "" => last.unwrap_or(NAMELESS),
        typed => typed,
    };
    let taken = [BY_DAEMON, BY_FILE, BY_ROLLBACK, BY_WATCH];
    if name.chars().any(char::is_control) || name.chars().count() > NAME_MAX || taken.contains(&name) {
        return Err(Trouble::Wrong(t.bad_name.to_owned()));
    }
    Ok(name.to_owned())
}

/// A path of this site, and no other's address in disguise.
pub(super) fn local_path(path: &str) -> Option<&str> {
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
    (plain && path.len() < 2000).then_some(path)
}

impl FromRequest<Arc<Site>> for Act {
    type Rejection = Trouble;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, site).await?;
        let fields = fields(&parts.headers, body).await?;
        let meant = fields.get("token");
        if !is_token(meant, &visit.token) {
            return Err(Trouble::Stale);
        }
        Ok(Self { visit, fields })
    }
}

/// Reads a form.
pub(super) async fn fields(headers: &HeaderMap, body: axum::body::Body) -> Result<Fields, Trouble> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Err(Trouble::Stale);
    }
    let bytes = to_bytes(body, BODY_MAX).await.map_err(|_| Trouble::TooLarge)?;
    let fields = url::form_urlencoded::parse(&bytes).into_owned().collect();
    Ok(Fields(fields))
}

/// Of the session, or of nobody where none is needed; no other daemon's is the same.
pub(super) fn token(secret: &[u8; 32], session: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(session));
    mac.map(|mac| hex(&mac.finalize().into_bytes()))
        .unwrap_or_default()
}

/// In a time that does not tell how much of it is right.
pub(super) fn is_token(given: &str, right: &str) -> bool {
    let wrong = given
        .bytes()
        .zip(right.bytes())
        .fold(0, |wrong, (a, b)| wrong | (a ^ b));
    !right.is_empty() && given.len() == right.len() && std::hint::black_box(wrong) == 0
}

/// A cookie's value, as it was sent.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(of, _)| *of == name).map(|(_, value)| value)
}

/// A name as it may stand in a cookie.
fn encoded(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

fn decoded(value: &str) -> Option<String> {
    let line = format!("v={value}");
    let mut pairs = url::form_urlencoded::parse(line.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_ours_is_come_back_to() {
        for ours in ["/", "/history?state=held&after=x", "/messages/a%20b"] {
            assert_eq!(local_path(ours), Some(ours));
        }
        for theirs in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x",
            "evil",
            "/a b",
        ] {
            assert_eq!(local_path(theirs), None, "{theirs}");
        }
    }

    #[test]
    fn a_token_is_of_one_session_of_one_daemon() {
        let (one, other) = ([1; 32], [2; 32]);
        assert!(is_token(&token(&one, "a"), &token(&one, "a")));
        assert!(!is_token(&token(&one, "a"), &token(&one, "b")));
        assert!(!is_token(&token(&one, "a"), &token(&other, "a")));
        assert!(!is_token("", ""));
        assert!(!is_token(&token(&one, "a")[1..], &token(&one, "a")));
    }

    #[test]
    fn a_name_comes_back_from_its_cookie_as_it_was() {
        for name in ["Ann", "Zoë; admin=1", "a=b&c+d"] {
            assert_eq!(decoded(&encoded(name)).as_deref(), Some(name));
        }
    }
}

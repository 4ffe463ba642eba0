//! Which program asks, and what it sent.

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;

use crate::settings::Role;

use super::super::trouble::Trouble;
use super::super::verbs::Speaker;
use super::super::visit::speaker_name;
use super::super::words::Words;
use super::super::{Peer, Site, people};

/// The most that a program may send, in bytes.
const BODY_MAX: usize = 16 << 10;

/// Who asks. A session's cookie is not looked at, so no page that a browser shows can speak for its user here.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// `None`: nobody need sign in here.
    user: Option<String>,
    role: Role,
    pub t: &'static Words,
}

impl Caller {
    /// Who speaks; `name` is asked where nobody signs in.
    pub fn speaker(&self, name: Option<&str>) -> Result<Speaker, Trouble> {
        let by = match &self.user {
            Some(user) => user.clone(),
            None => speaker_name(name.unwrap_or_default(), Some(NAMELESS), self.t)?,
        };
        Ok(Speaker {
            by,
            named: self.user.is_some() || name.is_some_and(|name| !name.trim().is_empty()),
            role: self.role,
            t: self.t,
        })
    }
}

/// Who speaks where nobody says who they are.
const NAMELESS: &str = "a program";

impl FromRequestParts<Arc<Site>> for Caller {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Trouble> {
        let t = Words::asked(&parts.headers);
        if site.people.is_empty() {
            return Ok(Self {
                user: None,
                role: Role::Operator,
                t,
            });
        }
        let (name, password) = credentials(&parts.headers).ok_or(Trouble::Unnamed)?;
        let Peer(peer) = parts.extensions.get().copied().ok_or(Trouble::Unnamed)?;
        let user = match people::knows(site, &name, &password, peer).await {
            Ok(user) => user,
            Err(people::Refused::Wait(wait)) => return Err(Trouble::Wait(wait)),
            Err(people::Refused::Wrong) => return Err(Trouble::Unnamed),
        };
        Ok(Self {
            user: Some(user.name),
            role: user.role,
            t,
        })
    }
}

/// Name and password, by HTTP's own `Basic` (RFC 7617).
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let said = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, coded) = said.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (name, password) = plain.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// What stands in the query.
pub(super) struct Asked<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Site>> for Asked<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Site>) -> Result<Self, Trouble> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(e) => Err(Trouble::Wrong(e.body_text())),
        }
    }
}

/// Who asks for a change, and the body.
pub(super) struct Told<T> {
    pub caller: Caller,
    pub body: T,
}

impl<T: DeserializeOwned> FromRequest<Arc<Site>> for Told<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Trouble> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, site).await?;
        // Another site's page can't send this without asking us first, and is refused then (D5).
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/json") {
            return Err(Trouble::Wrong(caller.t.not_json.to_owned()));
        }
        let bytes = to_bytes(body, BODY_MAX).await.map_err(|_| Trouble::TooLarge)?;
        let body = serde_json::from_slice(&bytes).map_err(|e| Trouble::Wrong(e.to_string()))?;
        Ok(Self { caller, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(authorization: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        credentials(&headers)
    }

    #[test]
    fn a_password_may_have_colons_and_a_name_none() {
        let coded = STANDARD.encode("ann:pass:wörd");
        let both = Some(("ann".to_owned(), "pass:wörd".to_owned()));
        assert_eq!(said(&format!("Basic {coded}")), both);
        assert_eq!(said(&format!("basic {coded}")), both);
        for not in [
            format!("Bearer {coded}"),
            "Basic".to_owned(),
            "Basic !".to_owned(),
            format!("Basic {}", STANDARD.encode("ann")),
        ] {
            assert_eq!(said(&not), None, "{not}");
        }
    }
}

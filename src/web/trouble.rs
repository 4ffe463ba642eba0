//! What could not be done, as a page or for programs.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::desk::Failed;
use crate::ledger::LedgerError;

use super::Site;
use super::frame::Frame;
use super::words::{Words, fill};

/// Why a request has no page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There is nothing there.
    Nothing,
    /// It asks for us by a name that is not ours.
    WrongHost,
    /// It came through a proxy, and nobody signs in here.
    Proxy,
    /// It comes from another site's page.
    Foreign,
    /// The form is older than the daemon, or was made elsewhere.
    Stale,
    Method,
    TooLarge,
    Slow,
    /// Whoever asks must sign in first.
    SignIn,
    /// A program has not said who it is.
    Unnamed,
    /// Whoever asks has guessed too often.
    Wait(Duration),
    /// Whoever asks may not do this.
    Forbidden,
    /// A form that is not filled in right.
    Wrong(String),
    /// The verb itself refused, in its own words.
    Refused(String),
    /// The ledger or the files can't be read.
    Broken(String),
}

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Ledger(LedgerError::Refused(why)) | Failed::Usage(why) | Failed::Wrong(why) => {
                Trouble::Refused(why)
            }
            Failed::Ledger(_) | Failed::Settings(_) => Trouble::Broken(failed.to_string()),
        }
    }
}

impl From<LedgerError> for Trouble {
    fn from(e: LedgerError) -> Self {
        Failed::Ledger(e).into()
    }
}

impl From<askama::Error> for Trouble {
    fn from(e: askama::Error) -> Self {
        Trouble::Broken(e.to_string())
    }
}

/// Without its page, which the guard makes of it: only there it is known in which language.
impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Trouble {
    fn status(&self) -> StatusCode {
        match self {
            Trouble::Nothing => StatusCode::NOT_FOUND,
            Trouble::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Trouble::Proxy | Trouble::Foreign | Trouble::Stale | Trouble::Forbidden => StatusCode::FORBIDDEN,
            Trouble::Method => StatusCode::METHOD_NOT_ALLOWED,
            Trouble::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Trouble::Slow => StatusCode::GATEWAY_TIMEOUT,
            Trouble::SignIn => StatusCode::SEE_OTHER,
            Trouble::Unnamed => StatusCode::UNAUTHORIZED,
            Trouble::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Trouble::Wrong(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Trouble::Refused(_) => StatusCode::CONFLICT,
            Trouble::Broken(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(&self, t: &'static Words) -> (&'static str, String) {
        let (title, text) = match self {
            Trouble::Nothing => (t.nothing_here, t.nothing_here_text),
            Trouble::WrongHost => (t.wrong_host, t.wrong_host_text),
            Trouble::Proxy => (t.by_proxy, t.by_proxy_text),
            Trouble::Foreign => (t.not_from_here, t.not_from_here_text),
            Trouble::Stale => (t.stale_form, t.stale_form_text),
            Trouble::Method => (t.not_done, t.wrong_method_text),
            Trouble::TooLarge => (t.not_done, t.too_large_text),
            Trouble::Slow => (t.not_done, t.slow_text),
            Trouble::SignIn => (t.sign_in, t.sign_in),
            Trouble::Unnamed => (t.sign_in, t.unnamed_text),
            Trouble::Wait(wait) => {
                let seconds = seconds(*wait).to_string();
                return (t.not_done, fill(t.wait_then_sign_in, &[&seconds]));
            }
            Trouble::Forbidden => (t.not_yours, t.not_yours_text),
            Trouble::Wrong(why) | Trouble::Refused(why) => return (t.not_done, why.clone()),
            Trouble::Broken(why) => return (t.cannot_read, why.clone()),
        };
        (title, text.to_owned())
    }

    /// For programs (RFC 9457).
    pub fn problem(&self, words: &'static Words) -> Response {
        let (title, detail) = self.text(words);
        let problem = Problem {
            title,
            status: self.status().as_u16(),
            detail,
        };
        let mut response = (self.status(), Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match self {
            Trouble::Unnamed => {
                let how = HeaderValue::from_static("Basic realm=\"steadfast\", charset=\"UTF-8\"");
                headers.insert(header::WWW_AUTHENTICATE, how);
            }
            Trouble::Wait(wait) => {
                headers.insert(header::RETRY_AFTER, seconds(*wait).into());
            }
            _ => {}
        }
        response
    }

    /// As a page, in the language of whoever asked.
    pub fn page(&self, site: &Site, words: &'static Words) -> Response {
        if *self == Trouble::SignIn {
            return Redirect::to("/signin").into_response();
        }
        let (title, text) = self.text(words);
        let page = Page {
            frame: Frame::bare(site, words, title),
            text,
        };
        match askama::Template::render(&page) {
            Ok(html) => {
                let kind = HeaderValue::from_static("text/html; charset=utf-8");
                (self.status(), [(header::CONTENT_TYPE, kind)], html).into_response()
            }
            Err(_) => self.status().into_response(),
        }
    }
}

/// In whole seconds, and never too soon.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(1)
}

/// Why something was not done.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    title: &'static str,
    /// HTTP's.
    status: u16,
    detail: String,
}

#[derive(askama::Template)]
#[template(path = "web/trouble.html")]
struct Page<'a> {
    frame: Frame<'a>,
    text: String,
}

//! Who is heard: requests that ask for us by a name of ours, and changes that come from our own pages. A page of
//! another site that had its name point here is not, and neither is its form (reliability D2, D5).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Site;
use super::trouble::Trouble;
use super::words::Words;

const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With less, a browser would not say that a form is ours.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    ),
];

/// What a proxy adds: then whoever asks is not on this machine.
const BY_PROXY: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// How long an answer may take to be made.
const PATIENCE: Duration = Duration::from_secs(20);

/// Under which names the pages are asked for.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The port that we listen on.
    pub port: u16,
    /// Names that operators gave, on any port: a proxy may stand before us.
    pub given: Vec<String>,
    /// Nobody signs in, so only this machine is let in.
    pub open: bool,
}

pub(super) async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let words = Words::asked(request.headers());
    let by_program = request.uri().path().starts_with("/api/");
    let mut response = match refusal(&site.names, request.method(), request.headers()) {
        Some(trouble) => trouble.into_response(),
        None => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Trouble::Slow.into_response(),
        },
    };
    if let Some(trouble) = response.extensions_mut().remove::<Trouble>() {
        response = if by_program {
            trouble.problem(words)
        } else {
            trouble.page(&site, words)
        };
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn refusal(names: &Names, method: &Method, headers: &HeaderMap) -> Option<Trouble> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(&header::HOST).filter(|host| is_ours(host, names)) else {
        return Some(Trouble::WrongHost);
    };
    if names.open && BY_PROXY.iter().any(|name| headers.contains_key(*name)) {
        return Some(Trouble::Proxy);
    }
    let site = headers
        .get("sec-fetch-site")
        .and_then(|value| value.to_str().ok());
    if *method == Method::GET || *method == Method::HEAD {
        // A link on another site may lead here; what that site draws itself with may not come from here.
        let mode = headers.get("sec-fetch-mode").and_then(|mode| mode.to_str().ok());
        let foreign = matches!(site, Some("cross-site" | "same-site")) && mode != Some("navigate");
        return foreign.then_some(Trouble::Foreign);
    }
    if *method != Method::POST {
        return Some(Trouble::Method);
    }
    if site.is_some_and(|site| site != "same-origin") {
        return Some(Trouble::Foreign);
    }
    let origin = text(&header::ORIGIN);
    let same = |origin: &str| {
        let of = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        of.is_some_and(|of| of.eq_ignore_ascii_case(host))
    };
    (headers.contains_key(header::ORIGIN) && !origin.is_some_and(same)).then_some(Trouble::Foreign)
}

fn is_ours(host: &str, names: &Names) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
        _ => (host, Some(80)),
    };
    if names.given.iter().any(|given| given.eq_ignore_ascii_case(name)) {
        return true;
    }
    if port != Some(names.port) {
        return false;
    }
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        return true;
    }
    // Nobody can have an address point somewhere else.
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    !names.open && bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(open: bool, given: &[&str]) -> Names {
        Names {
            port: 8910,
            given: given.iter().map(|name| (*name).to_owned()).collect(),
            open,
        }
    }

    fn asked(method: &Method, said: &[(&'static str, &str)]) -> Option<Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost:8910"));
        for (name, value) in said {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        refusal(&names(true, &[]), method, &headers)
    }

    #[test]
    fn d2_only_this_machines_own_names_are_answered() {
        let open = names(true, &[]);
        assert!(is_ours("127.0.0.1:8910", &open));
        assert!(is_ours("localhost:8910", &open));
        assert!(is_ours("[::1]:8910", &open));
        assert!(is_ours(
            "localhost",
            &Names {
                port: 80,
                ..open.clone()
            }
        ));
        assert!(!is_ours("evil.example:8910", &open));
        assert!(!is_ours("127.0.0.1:80", &open));
        assert!(!is_ours("127.0.0.1.evil.example:8910", &open));
        assert!(!is_ours("192.0.2.7:8910", &open));
        assert!(!is_ours("", &open));
    }

    #[test]
    fn d2_elsewhere_addresses_and_given_names_are_answered() {
        let closed = names(false, &["posts.example.org"]);
        assert!(is_ours("192.0.2.7:8910", &closed));
        assert!(is_ours("[2001:db8::7]:8910", &closed));
        assert!(is_ours("Posts.example.org", &closed));
        assert!(is_ours("posts.example.org:443", &closed));
        assert!(!is_ours("evil.example:8910", &closed));
        assert!(!is_ours("posts.example.org.evil.example", &closed));
    }

    #[test]
    fn d5_a_change_comes_from_our_own_pages() {
        let post = |said: &[(&'static str, &str)]| asked(&Method::POST, said);
        assert_eq!(post(&[]), None);
        assert_eq!(post(&[("sec-fetch-site", "same-origin")]), None);
        assert_eq!(post(&[("origin", "http://localhost:8910")]), None);
        for foreign in ["cross-site", "same-site", "none"] {
            assert_eq!(post(&[("sec-fetch-site", foreign)]), Some(Trouble::Foreign));
        }
        for foreign in [
            "http://evil.example",
            "null",
            "http://localhost:8911",
            "http://localhost:8910.evil.example",
        ] {
            assert_eq!(post(&[("origin", foreign)]), Some(Trouble::Foreign), "{foreign}");
        }
        assert_eq!(asked(&Method::PUT, &[]), Some(Trouble::Method));
    }

    #[test]
    fn d5_others_may_link_here_and_not_draw_with_what_is_ours() {
        let get = |said: &[(&'static str, &str)]| asked(&Method::GET, said);
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(get(&link), None);
        let image = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
        assert_eq!(get(&image), Some(Trouble::Foreign));
    }

    #[test]
    fn what_came_through_a_proxy_is_not_from_this_machine() {
        assert_eq!(
            asked(&Method::GET, &[("x-forwarded-for", "192.0.2.7")]),
            Some(Trouble::Proxy)
        );
    }
}

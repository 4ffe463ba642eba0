//! Who is let in: on loopback, whoever asks for this machine by its own name. A page of another site that
//! had its name point here is not (reliability D2, D5).

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(super) async fn guard(State(port): State<u16>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| is_ours(host, port)) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "this is not the host you asked for\n",
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_ours(host: &str, port: u16) -> bool {
    let (name, asked) = match host.rsplit_once(':') {
        Some((name, asked)) if !asked.contains(']') => (name, asked.parse().ok()),
        _ => (host, Some(80)),
    };
    asked == Some(port) && matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_only_this_machines_own_names_are_answered() {
        assert!(is_ours("127.0.0.1:8910", 8910));
        assert!(is_ours("localhost:8910", 8910));
        assert!(is_ours("[::1]:8910", 8910));
        assert!(is_ours("localhost", 80));
        assert!(!is_ours("evil.example:8910", 8910));
        assert!(!is_ours("127.0.0.1:80", 8910));
        assert!(!is_ours("127.0.0.1.evil.example:8910", 8910));
        assert!(!is_ours("", 8910));
    }
}

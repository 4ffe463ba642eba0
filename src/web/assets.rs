//! The stylesheet, the script and the icon. They are named by their digests, so that a browser keeps them for good and never
//! has an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::post::digest::Digest;

use super::trouble::Trouble;

const STYLE: &str = include_str!("../../templates/web/style.css");
const ICON: &str = include_str!("../../templates/web/icon.svg");
const SCRIPT: &str = include_str!("../../templates/web/script.js");

fn named(stem: &str, ending: &str, text: &str) -> String {
    format!("{stem}-{}.{ending}", Digest::of(text.as_bytes()).short())
}

/// Their names below `/assets/`.
pub(super) static STYLE_NAME: LazyLock<String> = LazyLock::new(|| named("style", "css", STYLE));
pub(super) static SCRIPT_NAME: LazyLock<String> = LazyLock::new(|| named("script", "js", SCRIPT));

pub(super) static ICON_NAME: LazyLock<String> = LazyLock::new(|| named("icon", "svg", ICON));

/// For good: another text has another name.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Trouble> {
    let (kind, text) = if name == *STYLE_NAME {
        ("text/css; charset=utf-8", STYLE)
    } else if name == *SCRIPT_NAME {
        ("text/javascript; charset=utf-8", SCRIPT)
    } else if name == *ICON_NAME {
        ("image/svg+xml", ICON)
    } else {
        return Err(Trouble::Nothing);
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, FOR_GOOD),
    ];
    Ok((headers, text).into_response())
}

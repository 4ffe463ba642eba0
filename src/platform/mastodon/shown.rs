//! What a server's answer shows of a status, beside what was sent (reliability P29, §2.12).

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::super::Prepared;
use super::super::http::Answer;
use crate::post::outcome::one_line;
use crate::text::pattern;

/// Of the status that we sent.
#[derive(Deserialize)]
struct Sent {
    status: String,
    #[serde(default)]
    media_ids: Vec<String>,
}

/// Of the status as it stands; a server that leaves something out says nothing about it.
#[derive(Deserialize)]
struct Shown {
    content: Option<String>,
    media_attachments: Option<Vec<serde_json::Value>>,
}

/// `@user@server` is shown as `@user`.
static SERVER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(@[\w.-]+)@[\w.-]*\w"));
static MARK: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[^>]*>"));
static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"&(#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|\w{2,8});"));

/// What the server shows otherwise than it was sent, in one sentence; `None`: nothing that its answer tells.
pub(super) fn altered(sent: &Prepared, answer: &Answer) -> Option<String> {
    let sent: Sent = serde_json::from_str(&sent.body).ok()?;
    let shown: Shown = answer.json()?;
    let mut altered = Vec::new();
    if let Some(content) = &shown.content
        && letters(&SERVER.replace_all(&sent.status, "$1")) != letters(&plain(content))
    {
        let words = one_line(&plain(content), 80);
        altered.push(format!("it shows other words than were sent: {words}"));
    }
    let images = shown.media_attachments.as_ref().map(Vec::len);
    if let Some(images) = images.filter(|images| *images < sent.media_ids.len()) {
        let all = sent.media_ids.len();
        altered.push(format!("it shows {images} of {all} images"));
    }
    (!altered.is_empty()).then(|| altered.join("; "))
}

/// The words in a status's HTML, for comparing.
pub(super) fn said(html: &str) -> String {
    letters(&plain(html))
}

/// Servers break lines in their own ways.
fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The words in a status's HTML.
fn plain(html: &str) -> String {
    let broken = html.replace("<br", "\n<br").replace("</p>", "</p>\n");
    let words = MARK.replace_all(&broken, "");
    let sign = |found: &regex::Captures<'_>| {
        let name = found.get(1).map_or("", |name| name.as_str());
        let number = match name.strip_prefix('#') {
            Some(hex) if hex.starts_with(['x', 'X']) => {
                u32::from_str_radix(hex.trim_start_matches(['x', 'X']), 16).ok()
            }
            Some(number) => number.parse().ok(),
            None => None,
        };
        match (name, number.and_then(char::from_u32)) {
            (_, Some(sign)) => sign.to_string(),
            ("amp", _) => "&".to_owned(),
            ("lt", _) => "<".to_owned(),
            ("gt", _) => ">".to_owned(),
            ("quot", _) => "\"".to_owned(),
            ("apos", _) => "'".to_owned(),
            ("nbsp", _) => " ".to_owned(),
            _ => found.get(0).map_or("", |all| all.as_str()).to_owned(),
        }
    };
    REFERENCE.replace_all(&words, sign).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_and_shown(said: &str, images: usize, shown: &serde_json::Value) -> Option<String> {
        let ids: Vec<String> = (0..images).map(|n| n.to_string()).collect();
        let sent = Prepared {
            path: String::new(),
            body: serde_json::json!({"status": said, "media_ids": ids}).to_string(),
        };
        let answer = Answer {
            status: 200,
            headers: reqwest::header::HeaderMap::new(),
            body: shown.to_string().into(),
            truncated: false,
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        altered(&sent, &answer)
    }

    #[test]
    fn p29_what_a_server_makes_of_links_mentions_and_signs_is_no_other_text() {
        let said = "Ten to two & \"not\" 12 <3 – @ann@mastodon.example\n\nhttps://example.org/a-long-path #JusticeNow";
        let shown = "<p>Ten to two &amp; &quot;not&quot; 12 &lt;3 &#8211; <span class=\"h-card\"><a href=\"https://mastodon.example/@ann\" class=\"u-url mention\">@<span>ann</span></a></span></p><p><a href=\"https://example.org/a-long-path\" rel=\"nofollow\"><span class=\"invisible\">https://</span><span class=\"ellipsis\">example.org/a-long</span><span class=\"invisible\">-path</span></a> <a href=\"https://m/tags/JusticeNow\" class=\"mention hashtag\">#<span>JusticeNow</span></a></p>";
        assert_eq!(
            said_and_shown(said, 0, &serde_json::json!({"content": shown})),
            None
        );
        assert_eq!(
            said_and_shown("a\nb", 0, &serde_json::json!({"content": "<p>a<br />b</p>"})),
            None
        );
        // A server that says nothing about it.
        assert_eq!(said_and_shown("a", 1, &serde_json::json!({"id": "1"})), None);
    }

    #[test]
    fn p29_a_text_that_was_cut_and_images_that_are_missing_are_said() {
        let cut = serde_json::json!({"content": "<p>Ten to</p>", "media_attachments": [{"id": "1"}]});
        assert_eq!(
            said_and_shown("Ten to two", 2, &cut).unwrap(),
            "it shows other words than were sent: Ten to; it shows 1 of 2 images"
        );
        let whole = serde_json::json!({"content": "<p>Ten to two</p>", "media_attachments": [{"id": "1"}, {"id": "2"}]});
        assert_eq!(said_and_shown("Ten to two", 2, &whole), None);
    }
}

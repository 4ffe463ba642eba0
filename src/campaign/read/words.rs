//! Reads what a message says: texts, links, images, and other words for accounts and languages.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::MESSAGE_KEYS;
use super::report::{Found, Report, Span, Table, Value};
use super::settings::bad_language;
use super::value::is_language;
use crate::campaign::message::{Beside, Words};
use crate::campaign::problem::shown;
use crate::post::card::Style;
use crate::post::content::{Image, Video};

/// The keys of an override, `[message.bluesky]` or `[message.lang.es]`.
pub const WORDS_KEYS: &[&str] = &["text", "texts", "link", "warn", "image", "video"];
/// The keys of an image or a video.
pub const IMAGE_KEYS: &[&str] = &["file", "alt"];

/// The longest text of a message, before anything is worked out in it: far above every platform.
const TEXT_MAX: usize = 64 * 1024;

pub fn thread(report: &mut Report<'_>, value: &Value<'_>) -> bool {
    let Some((word, at)) = report.text("thread", value) else {
        return false;
    };
    if word == "auto" {
        return true;
    }
    report.error(
        "bad-value",
        at,
        format!("`thread` cannot be `{}`", shown(&word)),
        "write `thread = \"auto\"`, or put lines of just `---` between the parts of the text",
    );
    false
}

pub fn card(report: &mut Report<'_>, value: &Value<'_>) -> Option<Style> {
    let (word, at) = report.text("card", value)?;
    if word == "quote" {
        return Some(Style::Quote);
    }
    report.error(
        "bad-value",
        at,
        format!("`card` cannot be `{}`", shown(&word)),
        "write `card = \"quote\"`, or leave the line out",
    );
    None
}

/// An address on the web, as it will be handed to a platform.
pub fn url(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<Found<String>> {
    let (text, at) = report.some_text(key, value)?;
    let text = text.trim().to_owned();
    let wrong = if text.contains("{{") || text.contains("{%") {
        Some("it cannot have `{{ … }}` in it")
    } else if text.contains(char::is_whitespace) {
        Some("it has a space in it")
    } else {
        match url::Url::parse(&text) {
            Err(_) => Some("it is not an address"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => Some("it must begin with https://"),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Some("it has a user name in it")
            }
            Ok(url) if !url.host_str().is_some_and(|host| host.contains('.')) => {
                Some("its host has no dot in it")
            }
            Ok(_) => None,
        }
    };
    if let Some(wrong) = wrong {
        report.error(
            "bad-link",
            at,
            format!("`{}` cannot be a `{key}`: {wrong}", shown(&text)),
            format!("write `{key} = \"https://example.org/page\"`"),
        );
        return None;
    }
    Some((text, at))
}

pub fn images(report: &mut Report<'_>, value: &Value<'_>) -> Box<[Image]> {
    let example = "`image = [{ file = \"media/court.png\", alt = \"The courthouse in Gretna\" }]`";
    let Some(list) = value.get_ref().as_array() else {
        report.wrong("image", value, "a list", example);
        return Box::default();
    };
    list.iter()
        .filter_map(|item| {
            let (file, alt) = described(report, "image", item, example)?;
            Some(Image {
                file,
                alt,
                card: None,
            })
        })
        .collect()
}

pub fn video(report: &mut Report<'_>, value: &Value<'_>) -> Option<Beside> {
    let example =
        "`video = { file = \"media/march.mp4\", alt = \"Two hundred people march to the courthouse\" }`";
    let (file, alt) = described(report, "video", value, example)?;
    Some(Beside::Video(Video { file, alt }))
}

/// `image` and `video` side by side.
pub fn one_beside(report: &mut Report<'_>, table: &Table<'_>) {
    if let (Some(_), Some((key, _))) = (table.get("image"), table.get_key_value("video")) {
        report.error(
            "conflict",
            key.span(),
            "`image` and `video` exclude each other: no platform shows both in one post",
            "keep the one that is meant",
        );
    }
}

/// The file and the description of an image or a video.
fn described(
    report: &mut Report<'_>,
    what: &str,
    value: &Value<'_>,
    example: &str,
) -> Option<(String, String)> {
    let table = report.table(what, value, example)?;
    let (mut file, mut alt) = (None, None);
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "file" => file = report.some_text("file", value),
            "alt" => {
                alt = report
                    .text("alt", value)
                    .filter(|(alt, _)| !alt.trim().is_empty());
            }
            other => report.unknown_key(other, key.span(), IMAGE_KEYS),
        }
    }
    if !table.contains_key("file") {
        report.error(
            "missing",
            value.span(),
            format!("this {what} has no `file`"),
            format!("write {example}"),
        );
    }
    let alt_wrong = table
        .get("alt")
        .is_some_and(|alt| alt.get_ref().as_str().is_none());
    if alt.is_none() && !alt_wrong {
        report.error(
            "missing-alt",
            value.span(),
            format!("this {what} has no description, and who cannot see it would not know what it shows"),
            "add `alt = \"…\"`: what is to be seen, in a sentence",
        );
    }
    Some((file?.0, alt.map(|(alt, _)| alt).unwrap_or_default()))
}

pub fn words_text(report: &mut Report<'_>, value: &Value<'_>) -> Option<Arc<str>> {
    let (text, at) = report.some_text("text", value)?;
    template(report, text, at)
}

/// The variants of a text.
pub fn variants(report: &mut Report<'_>, value: &Value<'_>) -> Box<[Arc<str>]> {
    let Some(list) = report.texts("texts", value) else {
        return Box::default();
    };
    if value.get_ref().as_array().is_some_and(|list| list.is_empty()) {
        report.error(
            "empty",
            value.span(),
            "`texts` has no text in it",
            "write two or more, or one as `text = \"…\"`",
        );
    }
    let mut texts: Vec<Arc<str>> = Vec::new();
    for (text, at) in list {
        let Some(text) = template(report, text, at.clone()) else {
            continue;
        };
        if let Some(twin) = texts.iter().position(|known| known.trim() == text.trim()) {
            report.warning(
                "same-text",
                at,
                format!("these are the words of variant {}", twin + 1),
                "write other words, or delete one of the two: variants are there so that nothing is said twice in a row",
            );
        }
        texts.push(text);
    }
    texts.into()
}

/// `text` and `texts` side by side.
pub fn one_of_two(report: &mut Report<'_>, table: &Table<'_>) {
    if let (Some(_), Some((key, _))) = (table.get("text"), table.get_key_value("texts")) {
        report.error(
            "conflict",
            key.span(),
            "`text` and `texts` exclude each other",
            "move the text into the list, or delete one of them",
        );
    }
}

pub fn template(report: &mut Report<'_>, text: String, at: Span) -> Option<Arc<str>> {
    if text.trim().is_empty() {
        report.error("empty", at, "the text is empty", "write something");
        return None;
    }
    if text.len() > TEXT_MAX {
        report.error(
            "too-long",
            at,
            format!("this text has {} bytes, more than any platform takes", text.len()),
            format!("write at most {TEXT_MAX} bytes"),
        );
        return None;
    }
    Some(text.into())
}

/// An override.
pub fn words(report: &mut Report<'_>, value: &Value<'_>) -> Words {
    let mut words = Words::default();
    let Some(table) = report.table("words", value, "`[message.bluesky]` and its keys below") else {
        return words;
    };
    one_of_two(report, table);
    one_beside(report, table);
    for (key, value) in table {
        match key.get_ref().as_ref() {
            // Both is a conflict: which was meant is not for us to say, and the message is held.
            "text" => words.texts = words_text(report, value).into_iter().collect(),
            "texts" => words.texts = variants(report, value),
            "link" => words.link = url(report, "link", value).map(|(url, _)| url.into()),
            "warn" => words.warn = report.some_text("warn", value).map(|(warn, _)| warn.into()),
            "image" => words.beside = Some(Beside::Images(images(report, value))),
            "video" => words.beside = video(report, value),
            other if MESSAGE_KEYS.contains(&other) => report.error(
                "unknown-key",
                key.span(),
                format!("`{other}` cannot differ from one account or language to the next"),
                format!("only these can: {}", WORDS_KEYS.join(", ")),
            ),
            other => report.unknown_key(other, key.span(), WORDS_KEYS),
        }
    }
    words
}

pub fn languages(report: &mut Report<'_>, value: &Value<'_>) -> BTreeMap<Box<str>, Words> {
    let mut found = BTreeMap::new();
    let example = "`[message.lang.es]` with `text = \"…\"` below";
    for (key, value) in report.table("lang", value, example).into_iter().flatten() {
        let tag = key.get_ref().as_ref();
        if is_language(tag) {
            let words = words(report, value);
            found.insert(tag.into(), words);
        } else {
            bad_language(report, tag, key.span());
        }
    }
    found
}

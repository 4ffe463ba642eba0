//! What must never be in a text that goes out: characters that deceive, and secrets (reliability F5–F7,
//! F16).

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::report::{Report, Span};
use crate::campaign::problem::{is_deceptive, shown};
use crate::text::pattern;

/// Reports what is wrong with `text`, the value of `key`, written at `at`.
pub fn text(report: &mut Report<'_>, key: &str, text: &str, at: &Span) {
    if let Some(found) = secret(text) {
        report.error(
            "secret",
            narrowed(report, at, text.get(found.clone()).unwrap_or_default()),
            format!("this looks like a password or token, in `{}`", shown(key)),
            "take it out, and make a new one: whoever could read this file has it",
        );
    }
    // Almost all texts end here: one pass over bytes.
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t')) {
        return;
    }
    if let Some(c) = text
        .chars()
        .find(|c| is_deceptive(*c) && !matches!(c, '\n' | '\t'))
    {
        let span = narrowed(report, at, c.encode_utf8(&mut [0; 4]));
        if c.is_control() {
            report.error(
                "control-character",
                span,
                format!(
                    "`{}` has the control character {}",
                    shown(key),
                    shown(&c.to_string())
                ),
                "delete it; it cannot be seen, and platforms refuse it",
            );
        } else {
            report.error(
                "text-direction",
                span,
                format!(
                    "`{}` has the invisible character {}, which changes the order in which letters are shown",
                    shown(key),
                    shown(&c.to_string())
                ),
                "delete it; Arabic and Hebrew text needs none",
            );
        }
    }
    links(report, key, text, at);
    if let Some(c) = invisible(text) {
        report.warning(
            "invisible-character",
            narrowed(report, at, c.encode_utf8(&mut [0; 4])),
            format!("`{}` has the invisible character {}", shown(key), escaped(c)),
            "delete it, unless it is meant",
        );
    }
}

/// Links that are not what they look like.
fn links(report: &mut Report<'_>, key: &str, text: &str, at: &Span) {
    for url in LINK.find_iter(text).map(|found| found.as_str()) {
        if let Some(c) = url.chars().find(|c| is_zero_width(*c)) {
            report.error(
                "invisible-in-link",
                narrowed(report, at, c.encode_utf8(&mut [0; 4])),
                format!(
                    "the link in `{}` has the invisible character {}",
                    shown(key),
                    escaped(c)
                ),
                "write the link anew by hand",
            );
        }
        let host = url.split('/').nth(2).unwrap_or_default();
        let looks_latin = |c: char| matches!(c, '\u{370}'..='\u{52f}');
        if host
            .split('.')
            .any(|label| label.chars().any(looks_latin) && label.chars().any(|c| c.is_ascii_alphabetic()))
        {
            report.warning(
                "odd-link",
                narrowed(report, at, host),
                format!("the name in the link `{}` mixes alphabets", shown(host)),
                "a letter may not be the one it looks like; write the link anew by hand",
            );
        }
    }
}

static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)https?://[^\s<>\x22]+"));

/// Beginnings that only secrets have, each with enough after it to be one.
static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"xox[abeoprs]-[A-Za-z0-9-]{8,}|EAA[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}",
        r"|-----BEGIN [A-Z ]*(?:KEY|CERTIFICATE)|AKIA[0-9A-Z]{16}|nsec1[a-z0-9]{40,}",
        r"|hooks\.slack\.com/services/\S+|discord(?:app)?\.com/api/webhooks/\S+|\b[0-9]{8,10}:[A-Za-z0-9_-]{35}\b",
    ))
});

/// Where in `text` a secret is.
pub fn secret(text: &str) -> Option<Range<usize>> {
    SECRET.find(text).map(|found| found.range())
}

/// Without width anywhere: what makes two links look the same.
fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}')
}

/// The first invisible character that no script or emoji needs. Joiners are needed by both, and the tags
/// by the flags of England, Scotland and Wales.
fn invisible(text: &str) -> Option<char> {
    let mut flag = false;
    text.chars().find(|c| {
        let tag = matches!(c, '\u{e0000}'..='\u{e007f}');
        flag = *c == '\u{1f3f4}' || (flag && tag);
        is_zero_width(*c) && !matches!(c, '\u{200c}'..='\u{200f}') && !(tag && flag)
    })
}

fn escaped(c: char) -> String {
    format!("\\u{{{:04X}}}", u32::from(c))
}

/// Where in the value at `at` the words `needle` are, if they are written as they are meant; else all of it.
fn narrowed(report: &Report<'_>, at: &Span, needle: &str) -> Span {
    let value = report.lines.text().get(at.clone()).unwrap_or_default();
    value
        .find(needle)
        .filter(|_| !needle.is_empty())
        .map_or(at.clone(), |found| {
            let start = at.start + found;
            start..start + needle.len()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(value: &str) -> Vec<&'static str> {
        let mut report = Report::new(&"f.toml".into(), value);
        text(&mut report, "text", value, &(0..value.len()));
        report.problems.iter().map(|p| p.code).collect()
    }

    #[test]
    fn f5_controls_are_refused() {
        for bad in ["a\0b", "a\u{7}b", "a\u{85}b", "a\u{9f}b", "a\u{7f}", "a\rb"] {
            assert_eq!(codes(bad), ["control-character"], "{bad:?}");
        }
        assert!(codes("a\tb\nc").is_empty());
    }

    #[test]
    fn f6_bidi_overrides_are_refused_and_legitimate_rtl_is_not() {
        for bad in ["a\u{202a}b", "a\u{202e}b", "a\u{2066}b", "a\u{2069}b"] {
            assert_eq!(codes(bad), ["text-direction"], "{bad:?}");
        }
        assert!(codes("العدالة لكوري ميلر, שלום").is_empty());
    }

    #[test]
    fn f7_what_cannot_be_seen_is_a_warning_and_in_links_an_error() {
        assert_eq!(codes("a\u{200b}b"), ["invisible-character"]);
        assert_eq!(codes("a\u{e0041}b"), ["invisible-character"]);
        assert_eq!(
            codes("https://exa\u{200b}mple.org"),
            ["invisible-in-link", "invisible-character"]
        );
        assert_eq!(codes("https://ex\u{430}mple.org/x"), ["odd-link"]);
        assert!(codes("https://пример.example/ü").is_empty());
    }

    #[test]
    fn f8_joiners_flags_and_families_are_fine() {
        assert!(
            codes("👨‍👩‍👧 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} नमस्ते e\u{301} می‌خواهم")
                .is_empty()
        );
    }

    #[test]
    fn f16_secrets_are_found() {
        for bad in [
            "xoxb-1234567890-abcdef",
            "EAABsbCS1iHgBAKZAZCZAZCZAZCZAZCZA",
            "ghp_0123456789abcdefghij",
            "-----BEGIN PRIVATE KEY",
            "https://hooks.slack.com/services/T0/B0/x",
            "https://discord.com/api/webhooks/1/abc",
            "123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(codes(bad), ["secret"], "{bad}");
        }
        assert!(codes("EAA is an airport; ghp_ is a prefix; at 12345678:30").is_empty());
    }
}

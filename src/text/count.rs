//! How long a text is by a platform's own rule. Never an estimate: a text that fits here is taken there.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::entities::first_link;
use super::limits::{LengthRule, Measure, Unit};
pub use super::segment::graphemes;
use super::{mastodon, segment, x};

/// What is counted, in words for people.
const CHARACTERS: &str = "characters";
const BYTES: &str = "bytes";
const WEIGHTED: &str = "weighted characters";
const EMOJI_AS_BYTES: &str = "characters with emoji as bytes";

/// Measures `text` under the content warning `warn` ("" for none).
///
/// Where two limits hold at once, the measure is the one that is exceeded; if none is, the first.
pub fn measure(rule: &LengthRule, text: &str, warn: &str) -> Measure {
    let measured = |length, limit, unit: &'static str| Measure {
        length,
        limit: Some(limit),
        unit: unit.into(),
        refused: None,
    };
    let shown = || with_warning(text, warn);
    match *rule {
        LengthRule::Unlimited => Measure {
            length: graphemes(text),
            limit: None,
            unit: CHARACTERS.into(),
            refused: None,
        },
        LengthRule::Units { max, unit, escape } => {
            let text = shown();
            let length = unit.count(&text);
            let may_grow_too_long = length <= max
                && length * escape.most_for_one() > max
                && length + escape.most_growth(&text) > max;
            let sent = may_grow_too_long.then(|| unit.count(&escape.apply(&text)));
            match sent.filter(|sent| *sent > max) {
                Some(sent) => measured(sent, max, unit.name_when_sent()),
                None => measured(length, max, unit.name()),
            }
        }
        LengthRule::GraphemesAndBytes { max, max_bytes } => {
            let text = shown();
            let length = graphemes(&text);
            if length <= max && text.len() > max_bytes {
                measured(text.len(), max_bytes, BYTES)
            } else {
                measured(length, max, CHARACTERS)
            }
        }
        LengthRule::Mastodon { max, link } => measured(mastodon::length(text, warn, link), max, CHARACTERS),
        LengthRule::X { max } => {
            let text = shown();
            Measure {
                refused: x::refused(&text),
                ..measured(x::weight(&text), max, WEIGHTED)
            }
        }
        LengthRule::Threads { max } => measured(threads_length(&shown()), max, EMOJI_AS_BYTES),
    }
}

impl Unit {
    fn count(self, text: &str) -> usize {
        match self {
            _ if text.is_ascii() => text.len(),
            Unit::CodePoints => text.chars().count(),
            Unit::Utf16 => text.encode_utf16().count(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::CodePoints => "code points",
            Unit::Utf16 => "UTF-16 units",
        }
    }

    fn name_when_sent(self) -> &'static str {
        match self {
            Unit::CodePoints => "code points with its escapes",
            Unit::Utf16 => "UTF-16 units with its escapes",
        }
    }
}

/// Whether no way of counting could find it too long: most texts are short, and looking for links takes a while.
pub fn surely_fits(rule: &LengthRule, text: &str, warn: &str) -> bool {
    let bytes = text.len() + warn.len() + "\n\n".len();
    match *rule {
        LengthRule::Unlimited => true,
        LengthRule::GraphemesAndBytes { max, max_bytes } => bytes <= max.min(max_bytes),
        LengthRule::Units { max, escape, .. } => bytes * escape.most_for_one() <= max,
        // A short link counts more than it has letters.
        LengthRule::Mastodon { max, link } => bytes + link * text.matches("://").count() <= max,
        // So it may here, even without a scheme; and some letters are taken apart before they are weighed.
        LengthRule::X { max } => {
            let weight = if text.is_ascii() { bytes } else { 2 * bytes };
            weight + x::LINK * text.matches('.').count() <= max && x::refused(text).is_none()
        }
        LengthRule::Threads { max } => bytes <= max,
    }
}

/// Whether readers of a text so counted find a link in it.
pub fn has_link(rule: &LengthRule, text: &str) -> bool {
    match rule {
        LengthRule::X { .. } => x::link_ranges(text).next().is_some(),
        _ => first_link(text).is_some(),
    }
}

/// The text as it is shown where a platform has no field for a content warning: the warning comes first,
/// in a paragraph of its own.
pub fn with_warning<'a>(text: &'a str, warn: &str) -> Cow<'a, str> {
    if warn.is_empty() {
        text.into()
    } else {
        format!("{warn}\n\n{text}").into()
    }
}

/// "Emojis are counted as the number of UTF-8 bytes"; of other characters nothing is said, so that each code
/// point counts. What may be shown as an emoji is taken for one.
fn threads_length(text: &str) -> usize {
    static EMOJI: LazyLock<Regex> = LazyLock::new(|| {
        super::pattern(r"[\p{Extended_Pictographic}\p{Regional_Indicator}\x{FE0F}\x{20E3}]")
    });
    if text.is_ascii() {
        return text.len();
    }
    if !EMOJI.is_match(text) {
        return text.chars().count();
    }
    segment::clusters(text)
        .map(|cluster| {
            if EMOJI.is_match(cluster) {
                cluster.len()
            } else {
                cluster.chars().count()
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::limits;
    use super::*;

    const MASTODON: LengthRule = limits::MASTODON.length;
    const BLUESKY: LengthRule = limits::BLUESKY.length;

    #[derive(serde::Deserialize)]
    struct Vector {
        platform: String,
        text: String,
        length: usize,
        bytes: Option<usize>,
        valid: bool,
        note: String,
        #[serde(default)]
        spoiler_text: String,
    }

    #[test]
    fn texts_count_as_the_platforms_count_them() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/length-vectors.json");
        let vectors: Vec<Vector> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(vectors.len() >= 120, "the file was cut");
        for v in vectors {
            let rule = limits::of(&v.platform).unwrap().length;
            let measure = measure(&rule, &v.text, &v.spoiler_text);
            assert_eq!(measure.fits(), v.valid, "{}: {}", v.platform, v.note);
            let expected = if measure.unit == BYTES {
                v.bytes.unwrap()
            } else {
                v.length
            };
            assert_eq!(measure.length, expected, "{}: {}", v.platform, v.note);
        }
    }

    /// `[text, length]`: the library's own examples, and signs and links at random, as its version 3.1.0 weighs
    /// them.
    #[test]
    fn x_weighs_as_its_own_library_does() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/x-lengths.json");
        let texts: Vec<(String, usize)> =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(texts.len() > 400, "the file was cut");
        for (text, length) in texts {
            assert_eq!(x::weight(&text), length, "{text:?}");
        }
    }

    #[test]
    fn where_xs_servers_know_more_than_its_library_the_larger_count_is_taken() {
        let rule = limits::X.length;
        for (text, length) in [
            ("see cats.kids", 27),                             // new: a link at most
            ("see https://example.kids/a/very/long/path", 41), // or text
            ("see cats.volkswagen", 27),                       // gone
            ("see cats.notatld", 16),
        ] {
            assert_eq!(measure(&rule, text, "").length, length, "{text}");
        }
        let hidden = measure(&rule, "a\u{FEFF}b", "");
        assert!(!hidden.fits());
        assert_eq!(
            hidden.objection().unwrap(),
            "has the invisible character U+FEFF, which is refused"
        );
    }

    #[test]
    fn each_platform_counts_in_its_own_unit() {
        let text = "Ñ 👩🏽‍⚖️ (a)";
        for (limits, length, unit) in [
            (&limits::MASTODON, 7, CHARACTERS),
            (&limits::BLUESKY, 7, CHARACTERS),
            (&limits::X, 8, WEIGHTED),
            (&limits::THREADS, 23, EMOJI_AS_BYTES),
            (&limits::TUMBLR, 11, "code points"),
            (&limits::TELEGRAM, 13, "UTF-16 units"),
            (&limits::WEBHOOK, 7, CHARACTERS),
        ] {
            let measured = measure(&limits.length, text, "");
            assert_eq!(
                (measured.length, &*measured.unit),
                (length, unit),
                "{}",
                limits.platform
            );
            assert!(measured.fits());
        }
    }

    #[test]
    fn each_platform_takes_what_it_takes_and_not_one_more() {
        for (limits, unit, max) in [
            (&limits::MASTODON, "é", 500),
            (&limits::BLUESKY, "é", 300),
            (&limits::X, "道", 140),
            (&limits::THREADS, "道", 500),
            (&limits::THREADS, "🦋", 125),
            (&limits::INSTAGRAM, "🦋", 1100),
            (&limits::FACEBOOK, "a", 63_206),
            (&limits::LINKEDIN, "a", 3000),
            (&limits::LINKEDIN, "_", 1500),
            (&limits::TELEGRAM, "🦋", 2048),
            (&limits::DISCORD, "*", 1000),
            (&limits::SLACK, "&", 800),
            (&limits::REDDIT, "🦋", 40_000),
            (&limits::TUMBLR, "🦋", 4096),
            (&limits::PINTEREST, "a", 800),
            (&limits::NOSTR, "道", 8000),
        ] {
            let fits = |count: usize| measure(&limits.length, &unit.repeat(count), "").fits();
            assert!(fits(max) && !fits(max + 1), "{} {unit}", limits.platform);
        }
        let long = measure(&limits::SLACK.length, &"&".repeat(801), "");
        assert_eq!(
            (long.length, &*long.unit),
            (4005, "UTF-16 units with its escapes")
        );
    }

    proptest::proptest! {
        #[test]
        fn what_surely_fits_does_fit(text in "[a-z.:/@é道&_\u{1D160}👩🏽\u{200D}]{0,150}(https://a.io){0,2}") {
            for limits in limits::PLATFORMS {
                let small = LengthRule::X { max: 60 };
                for rule in [&limits.length, &small] {
                    let fits = measure(rule, &text, "").fits();
                    proptest::prop_assert!(fits || !surely_fits(rule, &text, ""), "{}", limits.platform);
                }
            }
        }
    }

    #[test]
    fn what_mastodon_takes_for_a_link() {
        for (text, length) in [
            ("(https://example.org/a_(b)).", 23 + 3),
            ("https://example.org/a, then", 23 + 6),
            ("https://example.org.", 23 + 1),
            ("https://example.org?a=b&c", 23),
            ("https://example.org:8080/x", 23),
            ("https://example.notatld/x", 25),
            ("https://example.com.notatld/x", 23 + 10),
            ("https://localhost/x", 19),
            ("xhttps://example.org", 20),
            ("web.archive.org/web/https://example.org", 39),
            ("HTTPS://EXAMPLE.ORG/x", 23),
            ("道https://example.org/x", 24),
            ("https://例え.テスト/x", 16),
            ("https://пример.рф/x", 23),
            ("https://a.io https://b.io", 47),
            ("http://", 7),
            ("https://example.org/@ally@social.example", 23),
        ] {
            assert_eq!(measure(&MASTODON, text, "").length, length, "{text}");
        }
    }

    #[test]
    fn a_warning_counts_where_it_is_shown() {
        assert_eq!(measure(&BLUESKY, "text", "prison").length, "prison\n\ntext".len());
        assert_eq!(measure(&MASTODON, "text", "prison").length, "prisontext".len());
        assert_eq!(measure(&LengthRule::Unlimited, "text", "prison").limit, None);
    }

    #[test]
    fn f8_thousands_of_marks_are_counted_quickly() {
        let text = format!("a{}", "\u{301}".repeat(100_000));
        assert_eq!(measure(&MASTODON, &text, "").length, 1);
        let at = "@a@b.c".repeat(20_000) + "://";
        assert!(measure(&MASTODON, &at, "").length > 500);
        for piece in [
            "@a@b.c",
            "道.",
            "a_b.",
            "a.道https://",
            "@example",
            "👩\u{200D}",
            "é.é",
        ] {
            let text = piece.repeat(20_000);
            assert!(measure(&limits::X.length, &text, "").length > 280, "{piece}");
        }
    }
}

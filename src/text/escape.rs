//! How a plain text is written where a platform reads signs in it as markup. Done at the last moment, by the
//! adapter; everything before has the plain text. Undone before what was read back is compared.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::entities::{EntityKind, entities};

/// A platform's way of writing plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    None,
    /// `&amp;`, `&lt;`, `&gt;`: Slack, and Telegram's HTML.
    /// <https://docs.slack.dev/messaging/formatting-message-text#escaping>
    Entities,
    /// A backslash before each reserved sign, or LinkedIn cuts the post there in silence. The `#` of a hashtag
    /// stays, or it would be none.
    /// <https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format>
    LittleText,
    /// A backslash before each sign of Discord's Markdown, not in links, which would lead elsewhere.
    Discord,
    /// The same for Reddit's.
    Reddit,
}

impl Escape {
    /// The text as it is sent.
    pub fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Escape::None => text.into(),
            Escape::Entities => entities_of(text),
            Escape::LittleText => with_backslashes(text, &tags(text), |c, _| LITTLE_TEXT.contains(c)),
            Escape::Discord => with_backslashes(text, &links(text), |c, first| {
                DISCORD.contains(c) || (first && DISCORD_LINE.contains(c))
            }),
            Escape::Reddit => ordered_lists(&with_backslashes(text, &links(text), |c, first| {
                REDDIT.contains(c) || (first && REDDIT_LINE.contains(c))
            }))
            .into_owned()
            .into(),
        }
    }

    /// The most that one character becomes: `&` is `&amp;`.
    pub(super) fn most_for_one(self) -> usize {
        match self {
            Escape::None => 1,
            Escape::Entities => "&amp;".len(),
            Escape::LittleText | Escape::Discord | Escape::Reddit => r"\*".len(),
        }
    }

    /// By how many characters it makes `text` longer at most: only signs of ASCII are written in another way.
    pub(super) fn most_growth(self, text: &str) -> usize {
        let signs = text.bytes().filter(u8::is_ascii_punctuation).count();
        signs * (self.most_for_one() - 1)
    }

    /// The plain text of one that was read back.
    pub fn undo(self, text: &str) -> Cow<'_, str> {
        match self {
            Escape::None => text.into(),
            Escape::Entities => {
                let signs = text.replace("&lt;", "<").replace("&gt;", ">");
                signs.replace("&amp;", "&").into()
            }
            Escape::LittleText => without_backslashes(&without_templates(text)).into_owned().into(),
            Escape::Discord | Escape::Reddit => without_backslashes(text),
        }
    }
}

/// An attribute's value in Telegram's HTML, where `"` would end it.
pub fn attribute(text: &str) -> String {
    entities_of(text).replace('"', "&quot;")
}

const LITTLE_TEXT: &str = r"\|{}@[]()<>#*_~";
const DISCORD: &str = r"\*_~`|[]()";
/// Markup only at the beginning of a line.
const DISCORD_LINE: &str = ">#-";
const REDDIT: &str = r"\`*_~^#>[]()|";
const REDDIT_LINE: &str = "-+";

fn entities_of(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return text.into();
    }
    // `&` first, or it would be done to the others' too.
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .into()
}

type Kept = Vec<std::ops::Range<usize>>;

/// A backslash before each sign that is `reserved` (told whether it begins its line), outside of `kept`.
fn with_backslashes<'a>(text: &'a str, kept: &Kept, reserved: impl Fn(char, bool) -> bool) -> Cow<'a, str> {
    let mut out = String::new();
    let mut from = 0;
    let mut kept = kept.iter().peekable();
    let mut first = true;
    for (at, c) in text.char_indices() {
        while kept.next_if(|range| range.end <= at).is_some() {}
        let keep = kept.peek().is_some_and(|range| range.contains(&at));
        if !keep && c.is_ascii_punctuation() && reserved(c, first) {
            out.push_str(text.get(from..at).unwrap_or_default());
            out.push('\\');
            from = at;
        }
        first = c == '\n' || (first && c.is_whitespace());
    }
    if from == 0 && out.is_empty() {
        return text.into();
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.into()
}

/// `1.` at the beginning of a line would be a list, counted anew by Reddit.
fn ordered_lists(text: &str) -> Cow<'_, str> {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| super::pattern(r"(?m)^(\s*[0-9]+)([.)])"));
    NUMBER.replace_all(text, r"$1\$2")
}

fn without_backslashes(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().filter(|_| c == '\\');
        match next.filter(char::is_ascii_punctuation) {
            Some(sign) => {
                out.push(sign);
                chars.next();
            }
            None => out.push(c),
        }
    }
    out.into()
}

/// LinkedIn gives a hashtag back as `{hashtag|\#|word}`.
fn without_templates(text: &str) -> Cow<'_, str> {
    static TAG: LazyLock<Regex> = LazyLock::new(|| super::pattern(r"\{hashtag\|\\?#\|([^{}|]*)\}"));
    TAG.replace_all(text, "#$1")
}

fn links(text: &str) -> Kept {
    let all = entities(text).into_iter();
    all.filter(|entity| matches!(entity.kind, EntityKind::Link { .. }))
        .map(|entity| entity.range)
        .collect()
}

/// The sign alone of each hashtag.
fn tags(text: &str) -> Kept {
    static TAG: LazyLock<Regex> = LazyLock::new(|| super::pattern(r"(?:^|\s|\()(?P<sign>#)[\p{L}\p{N}]"));
    if !text.contains('#') {
        return Kept::new();
    }
    let all = TAG.captures_iter(text);
    all.filter_map(|found| Some(found.name("sign")?.range()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_platform_reads_the_plain_text() {
        for (escape, text, sent) in [
            (Escape::None, "a & b <c> *d*", "a & b <c> *d*"),
            (
                Escape::Entities,
                "Q&A: <!channel> https://a.io/?b=1&c=2",
                "Q&amp;A: &lt;!channel&gt; https://a.io/?b=1&amp;c=2",
            ),
            (Escape::Entities, "&amp;", "&amp;amp;"),
            (
                Escape::LittleText,
                "10-2 (not unanimous) #Justice, not C# or #1_a.",
                r"10-2 \(not unanimous\) #Justice, not C\# or #1\_a.",
            ),
            (
                Escape::LittleText,
                r"\ | { } @ [ ] ( ) < > # * _ ~",
                r"\\ \| \{ \} \@ \[ \] \( \) \< \> \# \* \_ \~",
            ),
            (Escape::LittleText, "https://a.io/b_c#d", r"https://a.io/b\_c\#d"),
            (
                Escape::Discord,
                "# not *bold* https://a.io/b_c_d\n- no list\n > nor this - #tag",
                "\\# not \\*bold\\* https://a.io/b_c_d\n\\- no list\n \\> nor this - #tag",
            ),
            (
                Escape::Reddit,
                "1. no list\n+ nor this + ^up https://a.io/b_c 3.5",
                "1\\. no list\n\\+ nor this + \\^up https://a.io/b_c 3.5",
            ),
        ] {
            assert_eq!(escape.apply(text), sent, "{escape:?}");
            assert_eq!(escape.undo(sent), text, "{escape:?}");
        }
        assert_eq!(
            Escape::LittleText.undo(r"{hashtag|\#|Justice} \(now\), {hashtag|#|a\_b}"),
            "#Justice (now), #a_b"
        );
        assert_eq!(
            attribute(r#"https://a.io/"x"&y"#),
            "https://a.io/&quot;x&quot;&amp;y"
        );
    }

    proptest! {
        #[test]
        fn what_was_escaped_is_the_same_when_undone(text in "[a-z1. \n&<>|\\\\{}@()#*_~`^+\\[\\]é道-]{0,60}") {
            for escape in [Escape::None, Escape::Entities, Escape::LittleText] {
                let sent = escape.apply(&text);
                prop_assert_eq!(escape.undo(&sent), text.as_str(), "{:?}", escape);
            }
            // In a link there are no escapes, so a backslash in one cannot be told from ours.
            if links(&text).is_empty() {
                for escape in [Escape::Discord, Escape::Reddit] {
                    let sent = escape.apply(&text);
                prop_assert_eq!(escape.undo(&sent), text.as_str(), "{:?}", escape);
                }
            }
        }

        #[test]
        fn no_reserved_sign_of_linkedin_stands_bare(text in "\\PC{0,60}") {
            let sent = Escape::LittleText.apply(&text);
            let mut before = ' ';
            let mut after_backslash = false;
            for c in sent.chars() {
                let bare = LITTLE_TEXT.contains(c) && c != '#' && c != '\\' && !after_backslash;
                prop_assert!(!bare, "{before}{c} in {sent}");
                after_backslash = c == '\\' && !after_backslash;
                before = c;
            }
        }
    }
}

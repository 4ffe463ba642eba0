//! How Mastodon counts a status, and what in it is a link or a mention to the server: the patterns of its
//! `config/initializers/twitter_regex.rb` and `app/models/account.rb`. Not as Bluesky sees it (see `entities`).

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::next_dotted;
use super::segment::graphemes;

/// `StatusLengthValidator` of Mastodon: clusters of warning and text joined with nothing between them;
/// in the text alone each link counts `link` and each `@user@domain` as `@user`.
pub(super) fn length(text: &str, warn: &str, link: usize) -> usize {
    let spans = spans(text);
    if spans.is_empty() && warn.is_empty() {
        return graphemes(text);
    }
    let mut countable = String::with_capacity(warn.len() + text.len());
    countable.push_str(warn);
    let mut from = 0;
    for span in &spans {
        countable.push_str(text.get(from..span.range.start).unwrap_or_default());
        match span.kind {
            SpanKind::Link => countable.extend(std::iter::repeat_n('x', link)),
            SpanKind::Mention { user_end } => {
                countable.push_str(text.get(span.range.start..user_end).unwrap_or_default());
            }
        }
        from = span.range.end;
    }
    countable.push_str(text.get(from..).unwrap_or_default());
    graphemes(&countable)
}

/// A link or mention.
pub(super) struct Span {
    pub(super) range: Range<usize>,
    kind: SpanKind,
}

enum SpanKind {
    Link,
    /// `@user@domain`, of which `@user` ends at `user_end`.
    Mention {
        user_end: usize,
    },
}

/// Links and mentions of a text, in order, none inside another.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    if text.contains("://") {
        links(text, &mut spans);
    }
    if text.contains('@') {
        mentions(text, &mut spans);
    }
    spans.sort_by_key(|span| span.range.start);
    let mut end = 0;
    spans.retain(|span| {
        let apart = span.range.start >= end;
        if apart {
            end = span.range.end;
        }
        apart
    });
    spans
}

// The server's patterns (mastodon `config/initializers/twitter_regex.rb` on top of twitter-text), in words:
// a domain label has no ASCII punctuation but inner `-` and `_`, no space, no control; a path has no space
// and none of `<>()?` but brackets in pairs, and does not end in punctuation; then a query. The scheme is
// optional in the pattern, because `web.archive.org/web/https://example.org` is one bare link, which counts
// as typed, and not a bare word with a link in it.

static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let char = r"[^\p{White_Space}\p{Cc}!-/:-@\[-`{-~\x{61C}\x{180E}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]";
    let inner = r"[^\p{White_Space}\p{Cc}!-,./:-@\[-^`{-~\x{61C}\x{180E}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]";
    let label = format!("(?:{char}(?:{inner}*{char})?)");
    super::pattern(&format!(
        r"(?i)(?P<scheme>(?:https?|dat|dweb|ipfs|ipns|ssb|gopher|gemini)://)?(?P<domain>(?:{label}\.)+{label})"
    ))
});

static AFTER_DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let general = r"[^\p{White_Space}<>()?]";
    let brackets = format!(r"\((?:{general}+|{general}*\({general}+\){general}*)\)");
    let last = format!(r#"(?:[^\p{{White_Space}}()?!*"'「」<>;:=,.$%\[\]~&|@]|{brackets})"#);
    let path = format!("(?:{general}*(?:{brackets}{general}*)*{last}|{general}+/)");
    super::pattern(&format!(
        r"(?i)\A(?::[0-9]+)?(?:/{path}*)?(?:\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^\x{{A0}}-\x{{10FFFD}}]*[a-z0-9_&=#/\-\x{{A0}}-\x{{10FFFD}}])?"
    ))
});

static MENTION: LazyLock<Regex> =
    LazyLock::new(|| super::pattern(r"(?i)(?P<user>@[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)(?:@\w+(?:[.-]+\w+)*)?"));

fn links(text: &str, spans: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(from) = next_dotted(text, at)
        && let Some(found) = DOMAIN.captures_at(text, from)
    {
        let (Some(whole), Some(domain)) = (found.get(0), found.name("domain")) else {
            return;
        };
        let length = domain_length(domain.as_str(), text.get(domain.end()..).unwrap_or_default());
        let Some(length) = length.filter(|_| may_precede_link(text, whole.start())) else {
            at = next_char(text, whole.start());
            continue;
        };
        let rest = text.get(domain.start() + length..).unwrap_or_default();
        let tail = AFTER_DOMAIN.find(rest).map_or(0, |m| m.end());
        let end = domain.start() + length + tail;
        if found.name("scheme").is_some() {
            spans.push(Span {
                range: whole.start()..end,
                kind: SpanKind::Link,
            });
        }
        at = end;
    }
}

fn next_char(text: &str, at: usize) -> usize {
    at + text
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .map_or(1, char::len_utf8)
}

fn may_precede_link(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    before.is_none_or(|c| {
        !(c.is_ascii_alphanumeric() || matches!(c, '@' | '＠' | '$' | '#' | '＃' | '\u{FEFF}'))
    })
}

/// How much of `domain` is a domain: up to its last label that is, or begins with, a known top level.
fn domain_length(domain: &str, after: &str) -> Option<usize> {
    let mut end = domain.len();
    loop {
        let dot = domain.get(..end)?.rfind('.')?;
        let label = domain.get(dot + 1..end)?;
        let next = domain.get(end..).filter(|rest| !rest.is_empty()).unwrap_or(after);
        if let Some(length) = top_level_length(label, next) {
            return Some(dot + 1 + length);
        }
        end = dot;
    }
}

fn top_level_length(label: &str, after: &str) -> Option<usize> {
    let ascii = label
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(label.len());
    let (word, rest) = label.split_at(ascii);
    let next = rest.chars().chain(after.chars()).next();
    if tld::exist_case_insensitive(word) && !next.is_some_and(|c| matches!(c, '@' | '+' | '-')) {
        return Some(word.len());
    }
    if word.eq_ignore_ascii_case("xn") && rest.starts_with("--") {
        return Some(label.len());
    }
    // An internationalised top level is known under its ASCII name.
    let known = !label.is_ascii()
        && matches!(url::Host::parse(&format!("x.{label}")), Ok(url::Host::Domain(name))
            if name.strip_prefix("x.").is_some_and(tld::exist));
    known.then_some(label.len())
}

fn mentions(text: &str, spans: &mut Vec<Span>) {
    for found in MENTION.captures_iter(text) {
        let (Some(whole), Some(user)) = (found.get(0), found.name("user")) else {
            continue;
        };
        let before = text.get(..whole.start()).and_then(|t| t.chars().next_back());
        let after = text.get(whole.end()..).unwrap_or_default();
        let word = |c: char| c.is_alphanumeric() || c == '_';
        if before.is_some_and(|c| word(c) || matches!(c, '=' | '/'))
            || after.starts_with(['@', '＠'])
            || after.starts_with("://")
            || after.starts_with(|c: char| {
                matches!(c, '\u{C0}'..='\u{24F}' | '\u{300}'..='\u{36F}' | '\u{1E00}'..='\u{1EFF}')
                    && c != '×'
                    && c != '÷'
            })
        {
            continue;
        }
        spans.push(Span {
            range: whole.range(),
            kind: SpanKind::Mention { user_end: user.end() },
        });
    }
}

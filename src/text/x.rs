//! How X weighs a text: twitter-text's configuration 3 (<https://github.com/twitter/twitter-text>), its links
//! and its emoji. Its library is the measure; where X's servers know more by now, the larger of both counts.

mod domains;

use std::ops::Range;
use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;

use super::next_dotted;
use domains::{Known, top_level};

/// What a link counts, however long it is.
pub(super) const LINK: usize = 23;

/// The weight of a text.
pub(super) fn weight(text: &str) -> usize {
    if text.is_ascii() && next_dotted(text, 0).is_none() {
        return text.len();
    }
    let text = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let mut weight = 0;
    let mut from = 0;
    for link in links(&text) {
        weight += weight_of_words(text.get(from..link.range.start).unwrap_or_default());
        weight += match link.known {
            Known::Surely => LINK,
            Known::Perhaps => LINK.max(weight_of_words(text.get(link.range.clone()).unwrap_or_default())),
        };
        from = link.range.end;
    }
    weight + weight_of_words(text.get(from..).unwrap_or_default())
}

/// A character that X takes in no text.
pub(super) fn refused(text: &str) -> Option<char> {
    let refused = |c: &char| matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}');
    text.chars().find(refused)
}

/// The places of the links in a text as it stands.
pub(super) fn link_ranges(text: &str) -> impl Iterator<Item = Range<usize>> {
    links(text).into_iter().map(|link| link.range)
}

fn weight_of_words(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    // The only emoji among what weighs one.
    let plain = |c: char| weight_of_char(c) == 1 && !matches!(c, '©' | '®');
    if text.chars().all(plain) {
        return text.chars().count();
    }
    let each = |text: &str| text.chars().map(weight_of_char).sum::<usize>();
    let mut weight = 0;
    let mut from = 0;
    for emoji in EMOJI.find_iter(text) {
        weight += each(text.get(from..emoji.start()).unwrap_or_default()) + 2;
        from = emoji.end();
    }
    weight + each(text.get(from..).unwrap_or_default())
}

fn weight_of_char(c: char) -> usize {
    match c {
        '\0'..='\u{10FF}' | '\u{2000}'..='\u{200D}' | '\u{2010}'..='\u{201F}' | '\u{2032}'..='\u{2037}' => 1,
        _ => 2,
    }
}

static EMOJI: LazyLock<Regex> =
    LazyLock::new(|| super::pattern(concat!("(?x)", include_str!("x/emoji.pattern"))));

struct Link {
    range: Range<usize>,
    known: Known,
}

// The library's patterns look ahead, so they are taken apart here: first what could be domains, then the last
// label of each that is, or begins with, a top level.

static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let char = r"[^\p{White_Space}\x{180E}!'\#%&()*+,\\\-./:;<=>?@\[\]^_{|}~$\x{FFFE}\x{FEFF}\x{FFFF}\x{202A}-\x{202E}\x{61C}\x{200E}\x{200F}\x{2066}-\x{2069}]";
    let label = format!("{char}(?:[_-]*{char})*");
    super::pattern(&format!(
        r"(?i-u:(?P<scheme>https?://))?(?P<domain>(?:{label}\.)+{label})"
    ))
});

/// Port, path and query.
static AFTER_DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let letters = r"a-zA-Z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{24F}\x{253}\x{254}\x{256}\x{257}\x{259}\x{25B}\x{263}\x{268}\x{26F}\x{272}\x{289}\x{28B}\x{2BB}\x{300}-\x{36F}\x{400}-\x{4FF}\x{1E00}-\x{1EFF}";
    let general = format!(r"[{letters}0-9!*';:=+,.$/%\#\[\]\-\x{{2013}}_~@|&]");
    let brackets = format!(r"\((?:{general}+|{general}*\({general}+\){general}*)\)");
    let last = format!(r"(?:[+\-{letters}0-9=_\#/]|{brackets})");
    let path = format!("(?:{general}*(?:{brackets}{general}*)*{last}|@{general}+/)");
    let query = r"[a-zA-Z0-9!?*'@();:&=+$/%\#\[\]\-_.,~|]*[a-zA-Z0-9\-_&=\#/]";
    super::pattern(&format!(r"\A(?::[0-9]+)?(?P<path>/{path}*)?(?:\?{query})?"))
});

/// X's own short links: what follows them is text.
static OWN_LINK: LazyLock<Regex> = LazyLock::new(|| {
    super::pattern(
        r"\A(?i-u:https?://t\.co/)(?P<slug>[a-zA-Z0-9]+)(?:\?[a-zA-Z0-9!?*'@();:&=+$/%\#\[\]\-_.,~|]*[a-zA-Z0-9\-_&=\#/])?",
    )
});

/// The longest link, in UTF-16 units; the longest slug of one of X's own.
const MAX_LINK: usize = 4096;
const MAX_SLUG: usize = 40;

/// All links of a text, in order.
fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut at = 0;
    // What stands before a link must not belong to the link before it.
    let mut taken = 0;
    while let Some(from) = next_dotted(text, at)
        && let Some(found) = DOMAIN.captures_at(text, from)
    {
        let (Some(whole), Some(domain)) = (found.get(0), found.name("domain")) else {
            break;
        };
        let start = whole.start();
        let before = text
            .get(taken..start)
            .and_then(|before| before.chars().next_back());
        let begins = if start == 0 {
            // The library would rather have its first letter stand before it.
            !second_letter_begins(text, whole.as_str())
        } else {
            before.is_some_and(may_precede)
        };
        if !begins {
            at = next_beginning(text, start);
            continue;
        }
        let ends = match Domain::of(domain.as_str(), text.get(domain.end()..).unwrap_or_default()) {
            Ok(ends) => ends,
            Err(NoDomain::Name(underscore)) => {
                at = domain.start() + underscore;
                continue;
            }
            Err(NoDomain::TopLevel) => {
                at = after_no_domain(text, &domain);
                continue;
            }
        };
        let end_of_domain = domain.start() + ends.end;
        let rest = text.get(end_of_domain..).unwrap_or_default();
        let tail = AFTER_DOMAIN.captures(rest);
        let has_path = tail.as_ref().is_some_and(|tail| tail.name("path").is_some());
        let end = end_of_domain + tail.and_then(|tail| Some(tail.get(0)?.end())).unwrap_or(0);
        (at, taken) = (end, end);
        let name = text.get(domain.start()..end_of_domain).unwrap_or_default();
        let scheme = found.name("scheme").map_or("https://", |scheme| scheme.as_str());
        let url = text.get(start..end).unwrap_or_default();
        if !is_valid(name) || scheme.len() + url.encode_utf16().count() > MAX_LINK {
            continue;
        }
        if found.name("scheme").is_some() {
            links.extend(with_scheme(url).map(|length| Link {
                range: start..start + length,
                known: ends.known,
            }));
        } else if !before.is_some_and(|c| matches!(c, '-' | '_' | '.' | '/')) {
            let first = links.len();
            links.extend(ascii_domains(name).into_iter().map(|mut link| {
                link.range = start + link.range.start..start + link.range.end;
                link
            }));
            if has_path && let Some(last) = links.get_mut(first..).and_then(<[_]>::last_mut) {
                last.range.end = end;
            }
        }
    }
    links
}

/// What may stand right before a link.
fn may_precede(c: char) -> bool {
    !(c.is_ascii_alphanumeric()
        || matches!(
            c,
            '@' | '＠' | '$' | '#' | '＃' | '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}'
        ))
}

/// The next place from which a link could begin, after one that may not begin at `at`.
fn next_beginning(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.char_indices()
        .find(|(_, c)| may_precede(*c))
        .map_or(text.len(), |(i, c)| at + i + c.len_utf8())
}

/// Where to look on after what has no top level: none of its later labels has one either.
fn after_no_domain(text: &str, domain: &regex::Match<'_>) -> usize {
    let rest = text.get(domain.end()..).unwrap_or_default();
    if !rest.starts_with("://") {
        return domain.end();
    }
    // Its last letters are the scheme of a link.
    let lower = domain.as_str().to_ascii_lowercase();
    let scheme = ["https", "http"]
        .into_iter()
        .find(|scheme| lower.ends_with(scheme));
    domain.end() - scheme.map_or(0, str::len)
}

fn second_letter_begins(text: &str, whole: &str) -> bool {
    let mut chars = whole.chars();
    let Some(first) = chars.next().filter(|c| may_precede(*c)) else {
        return false;
    };
    let Some(found) = DOMAIN.captures_at(text, first.len_utf8()) else {
        return false;
    };
    let Some((whole, domain)) = found.get(0).zip(found.name("domain")) else {
        return false;
    };
    whole.start() == first.len_utf8()
        && Domain::of(domain.as_str(), text.get(domain.end()..).unwrap_or_default()).is_ok()
}

/// How much of what looks like one is a domain.
struct Domain {
    end: usize,
    known: Known,
}

/// Why something is none.
enum NoDomain {
    TopLevel,
    /// The name before each top level has a `_`, where none may be; the first of them has its last one here.
    Name(usize),
}

impl Domain {
    /// Up to the last label that is, or begins with, a top level. `after` is what follows `text`.
    fn of(text: &str, after: &str) -> Result<Self, NoDomain> {
        let mut why = NoDomain::TopLevel;
        let mut end = text.len();
        while let Some(dot) = text.get(..end).and_then(|text| text.rfind('.')) {
            let label = text.get(dot + 1..end).unwrap_or_default();
            let next = text.get(end..).filter(|rest| !rest.is_empty()).unwrap_or(after);
            if let Some((length, known)) = begins_with_top_level(label, next.chars().next()) {
                let names = text.get(..dot).unwrap_or_default();
                let name = names.rfind('.').map_or(0, |dot| dot + 1);
                match names.get(name..).and_then(|name| name.rfind('_')) {
                    Some(underscore) => why = NoDomain::Name(name + underscore),
                    None => {
                        return Ok(Self {
                            end: dot + 1 + length,
                            known,
                        });
                    }
                }
            }
            end = dot;
        }
        Err(why)
    }
}

/// How long the top level is with which `label` begins; `next` is what follows the label.
fn begins_with_top_level(label: &str, next: Option<char>) -> Option<(usize, Known)> {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '+' | '-');
    let ascii = label
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(label.len());
    let (word, rest) = label.split_at(ascii);
    if !word.is_empty() {
        let after = rest.chars().next().or(next);
        if let Some(known) = top_level(word).filter(|_| !after.is_some_and(goes_on)) {
            return Some((word.len(), known));
        }
        // Any punycode will do.
        let puny = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let run = label.find(|c: char| !puny(c)).unwrap_or(label.len());
        let is_puny = label
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
        return (is_puny && run > 4).then_some((run, Known::Surely));
    }
    // International ones are short, and a text without spaces may follow at once.
    let mut ends: Vec<usize> = label
        .char_indices()
        .map(|(i, c)| i + c.len_utf8())
        .take(LONGEST_TOP_LEVEL)
        .collect();
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let (word, rest) = label.split_at_checked(end)?;
        let after = rest.chars().next().or(next);
        if after.is_some_and(goes_on) {
            return None;
        }
        Some((end, top_level(word)?))
    })
}

/// Characters of the longest international top level.
const LONGEST_TOP_LEVEL: usize = 17;

/// Each label must fit into the domain name system.
fn is_valid(domain: &str) -> bool {
    if domain.starts_with("xn--") && ascii_domains(domain).is_empty() {
        return false;
    }
    let length = |label: &str| {
        if label.is_ascii() {
            return label.len();
        }
        // Full stops of other scripts separate names here too.
        let names = label.split(['\u{3002}', '\u{FF0E}', '\u{FF61}']).map(|name| {
            if name.is_ascii() {
                return name.len();
            }
            idna::punycode::encode_str(name).map_or(usize::MAX / 64, |puny| "xn--".len() + puny.len())
        });
        names.reduce(|all, name| all + 1 + name).unwrap_or_default()
    };
    domain.split('.').all(|label| (1..=63).contains(&length(label)))
}

/// How much of a link with a scheme is one.
fn with_scheme(url: &str) -> Option<usize> {
    let Some(own) = OWN_LINK.captures(url) else {
        return Some(url.len());
    };
    let slug = own.name("slug")?;
    (slug.len() <= MAX_SLUG).then_some(own.get(0)?.end())
}

/// Without a scheme only those in Latin letters are links: each of them in `domain`.
fn ascii_domains(domain: &str) -> Vec<Link> {
    static LABELS: LazyLock<Regex> = LazyLock::new(|| {
        let letters = r"a-zA-Z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{24F}\x{253}\x{254}\x{256}\x{257}\x{259}\x{25B}\x{263}\x{268}\x{26F}\x{272}\x{289}\x{28B}\x{2BB}\x{300}-\x{36F}\x{1E00}-\x{1EFF}";
        super::pattern(&format!(r"(?:[\-0-9{letters}]+\.)+"))
    });
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(labels) = LABELS.find_at(domain, at) {
        at = labels.end();
        // The top level is the label after these, or one of them.
        let rest = domain.get(labels.end()..).unwrap_or_default();
        let last = rest.find('.').map_or(rest, |dot| rest.split_at(dot).0);
        let text = domain
            .get(labels.start()..labels.end() + last.len())
            .unwrap_or_default();
        let after = domain.get(labels.start() + text.len()..).unwrap_or_default();
        if let Ok(link) = Domain::of(text, after) {
            found.push(Link {
                range: labels.start()..labels.start() + link.end,
                known: link.known,
            });
            at = labels.start() + link.end;
        }
    }
    found
}

//! Links, mentions and tags in a text, with the bytes they cover, as Bluesky's own library finds them
//! (atproto `packages/api/src/rich-text/detection.ts`): what it finds is what readers can touch.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::count::graphemes;
use super::next_dotted;

/// One thing in a text that is more than words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// UTF-8 bytes of the text, sign included.
    pub range: Range<usize>,
    pub kind: EntityKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityKind {
    /// `https://…`, or a bare domain, to which `https://` was added.
    Link { url: String },
    /// `@handle.example`, without the sign.
    Mention { handle: String },
    /// `#Tag`, without the sign.
    Tag { tag: String },
}

/// All entities of `text`, in order, none inside another.
pub fn entities(text: &str) -> Vec<Entity> {
    let mut found = Vec::new();
    if text.contains('@') {
        mentions(text, &mut found);
    }
    if next_dotted(text, 0).is_some() || text.contains("://") {
        links(text, &mut found);
    }
    if text.contains(['#', '＃']) {
        tags(text, &mut found);
    }
    found.sort_by_key(|entity| entity.range.start);
    let mut end = 0;
    found.retain(|entity| {
        let apart = entity.range.start >= end;
        if apart {
            end = entity.range.end;
        }
        apart
    });
    found
}

/// The URL of the first link in `text`.
pub fn first_link(text: &str) -> Option<String> {
    entities(text).into_iter().find_map(|entity| match entity.kind {
        EntityKind::Link { url } => Some(url),
        _ => None,
    })
}

static MENTION: LazyLock<Regex> =
    LazyLock::new(|| super::pattern(r"(?:^|\s|\()(?P<whole>@(?P<handle>[a-zA-Z0-9.-]+)(?-u:\b))"));

fn mentions(text: &str, found: &mut Vec<Entity>) {
    for captures in MENTION.captures_iter(text) {
        if let (Some(whole), Some(handle)) = (captures.name("whole"), captures.name("handle"))
            && (has_known_top_level(handle.as_str())
                || handle
                    .as_str()
                    .rsplit_once('.')
                    .is_some_and(|(_, top)| top == "test"))
        {
            found.push(Entity {
                range: whole.range(),
                kind: EntityKind::Mention {
                    handle: handle.as_str().to_owned(),
                },
            });
        }
    }
}

static LINK: LazyLock<Regex> = LazyLock::new(|| {
    super::pattern(
        r"(?:^|\s|\()(?P<whole>(?P<scheme>(?i:https?)://)\S+|(?P<domain>[a-zA-Z][a-zA-Z0-9]*(?:\.[a-zA-Z0-9]+)+)\S*)",
    )
});

fn links(text: &str, found: &mut Vec<Entity>) {
    for captures in LINK.captures_iter(text) {
        let Some(whole) = captures.name("whole") else {
            continue;
        };
        let bare = captures.name("domain");
        // The library finds a scheme in capitals, and then takes it for no address.
        let capitals = |scheme: regex::Match<'_>| !scheme.as_str().starts_with("http");
        if captures.name("scheme").is_some_and(capitals) {
            continue;
        }
        if bare.is_some_and(|domain| !has_known_top_level(domain.as_str())) {
            continue;
        }
        let mut link = whole.as_str();
        link = link.strip_suffix(['.', ',', ';', ':', '!', '?']).unwrap_or(link);
        if !link.contains('(') {
            link = link.strip_suffix(')').unwrap_or(link);
        }
        let scheme = captures.name("scheme").map_or(0, |scheme| scheme.len());
        if link.len() <= scheme {
            continue;
        }
        found.push(Entity {
            range: whole.start()..whole.start() + link.len(),
            kind: EntityKind::Link {
                url: if bare.is_some() {
                    format!("https://{link}")
                } else {
                    link.to_owned()
                },
            },
        });
    }
}

/// The last label is a top level in lower case: `done.Next` is the end of one sentence and the start of
/// another, not a place.
fn has_known_top_level(domain: &str) -> bool {
    domain
        .rsplit_once('.')
        .is_some_and(|(name, top)| !name.is_empty() && tld::exist(top))
}

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    // Zero-width and filling characters end a tag.
    super::pattern(r"(?:^|\s)(?P<sign>[#＃])(?P<tag>[^\s\x{AD}\x{2060}\x{200A}-\x{200D}\x{20E2}\x{FEFF}]+)")
});
static TRAILING_PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| super::pattern(r"\p{P}+$"));
static ONLY_DIGITS_AND_PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| super::pattern(r"^[0-9\p{P}]*$"));

/// The longest tag, in clusters and bytes (lexicon `app.bsky.richtext.facet#tag`).
const TAG_MAX: usize = 64;
const TAG_MAX_BYTES: usize = 640;

fn tags(text: &str, found: &mut Vec<Entity>) {
    for captures in TAG.captures_iter(text) {
        let (Some(sign), Some(tag)) = (captures.name("sign"), captures.name("tag")) else {
            continue;
        };
        let tag = tag.as_str();
        // `#️⃣` is an emoji, not a tag.
        if tag.starts_with('\u{FE0F}') {
            continue;
        }
        let word = TRAILING_PUNCTUATION
            .find(tag)
            .map_or(tag, |m| tag.get(..m.start()).unwrap_or(tag));
        if ONLY_DIGITS_AND_PUNCTUATION.is_match(word)
            || word.len() > TAG_MAX_BYTES
            || graphemes(word) > TAG_MAX
        {
            continue;
        }
        found.push(Entity {
            range: sign.start()..sign.end() + word.len(),
            kind: EntityKind::Tag { tag: word.to_owned() },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each entity as `text=what it leads to`.
    fn seen(text: &str) -> Vec<String> {
        entities(text)
            .into_iter()
            .map(|e| {
                let shown = &text[e.range];
                match e.kind {
                    EntityKind::Link { url } if url == shown => format!("link {shown}"),
                    EntityKind::Link { url } => format!("link {shown} -> {url}"),
                    EntityKind::Mention { handle } => format!("mention {shown} -> {handle}"),
                    EntityKind::Tag { tag } => format!("tag {shown} -> {tag}"),
                }
            })
            .collect()
    }

    #[test]
    fn entities_are_found_as_blueskys_library_finds_them() {
        let none: &[&str] = &[];
        for (text, expected) in [
            ("nothing here", none),
            ("start https://example.org/x end", &["link https://example.org/x"]),
            (
                "example.org/caso",
                &["link example.org/caso -> https://example.org/caso"],
            ),
            ("httpbin.org", &["link httpbin.org -> https://httpbin.org"]),
            ("(https://example.org/x)", &["link https://example.org/x"]),
            (
                "https://en.example.org/a_(b)",
                &["link https://en.example.org/a_(b)"],
            ),
            ("see https://example.org.", &["link https://example.org"]),
            ("see https://example.org/x?!", &["link https://example.org/x?"]),
            (
                "see (example.org/x).",
                &["link example.org/x -> https://example.org/x"],
            ),
            ("file.notatld and done.Next", none),
            ("wörter.de", none),
            ("http://", none),
            ("http://.", none),
            (
                "ñandú https://example.org 🇲🇽 #Ley",
                &["link https://example.org", "tag #Ley -> Ley"],
            ),
            (
                "@ally.example.com hi",
                &["mention @ally.example.com -> ally.example.com"],
            ),
            ("thanks @ally.org.", &["mention @ally.org -> ally.org"]),
            ("(@ally.com)", &["mention @ally.com -> ally.com"]),
            ("desk@example.org", none),
            ("@ally alone and @a@b.com", none),
            (
                "#Tag, #tag2! #道 ＃全角",
                &[
                    "tag #Tag -> Tag",
                    "tag #tag2 -> tag2",
                    "tag #道 -> 道",
                    "tag ＃全角 -> 全角",
                ],
            ),
            ("#1 #12.5 #!? # a#b #️⃣", none),
            (
                "#1️⃣ ##️⃣tag #١٢",
                &["tag #1️⃣ -> 1️⃣", "tag ##️⃣tag -> #️⃣tag", "tag #١٢ -> ١٢"],
            ),
            (
                "#🦋 #cafe\u{301}, #butter🦋fly!",
                &[
                    "tag #🦋 -> 🦋",
                    "tag #cafe\u{301} -> cafe\u{301}",
                    "tag #butter🦋fly -> butter🦋fly",
                ],
            ),
            (
                "http://localhost/x HTTP://EXAMPLE.ORG",
                &["link http://localhost/x"],
            ),
            (
                "@full123-chars.test hi",
                &["mention @full123-chars.test -> full123-chars.test"],
            ),
            (
                "#2nd #c++ #a.b",
                &["tag #2nd -> 2nd", "tag #c++ -> c++", "tag #a.b -> a.b"],
            ),
            ("#zero\u{200B}width", &["tag #zero -> zero"]),
            (
                "line\n#next\nexample.org",
                &["tag #next -> next", "link example.org -> https://example.org"],
            ),
        ] {
            assert_eq!(seen(text), expected, "{text}");
        }
    }

    /// `[text, [[from, to, kind, what it leads to]]]`: the library's own examples, and signs at random, as
    /// `detectFacets` of its version 0.19 finds them; cashtags are left out.
    #[test]
    fn offsets_are_those_of_blueskys_library() {
        type Found = (usize, usize, String, String);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/bluesky-facets.json");
        let texts: Vec<(String, Vec<Found>)> =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(texts.len() > 250, "the file was cut");
        for (text, expected) in texts {
            let found: Vec<Found> = entities(&text)
                .into_iter()
                .map(|entity| {
                    let (kind, to) = match entity.kind {
                        EntityKind::Link { url } => ("link", url),
                        EntityKind::Mention { handle } => ("mention", handle),
                        EntityKind::Tag { tag } => ("tag", tag),
                    };
                    (entity.range.start, entity.range.end, kind.to_owned(), to)
                })
                .collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn a_tag_longer_than_the_lexicon_allows_stays_text() {
        assert_eq!(seen(&format!("#{}", "a".repeat(64))).len(), 1);
        assert!(seen(&format!("#{}", "a".repeat(65))).is_empty());
    }

    #[test]
    fn first_link_is_the_first() {
        assert_eq!(
            first_link("#a example.org https://b.io").as_deref(),
            Some("https://example.org")
        );
        assert_eq!(first_link("none"), None);
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_characters_sorted_and_apart(text in "[a#@＃ .é道(/:\n]{0,40}(https://)?[a-z.)#]{0,20}") {
            let mut end = 0;
            for entity in entities(&text) {
                proptest::prop_assert!(entity.range.start >= end && entity.range.start < entity.range.end);
                proptest::prop_assert!(text.get(entity.range.clone()).is_some());
                end = entity.range.end;
            }
        }
    }
}

//! Where characters, words and sentences of all languages begin and end, by Unicode's rules and, for those
//! that write no spaces, by the dictionaries and models of ICU4X.

use std::sync::LazyLock;

use icu_segmenter::options::{LineBreakOptions, SentenceBreakInvariantOptions, WordBreakInvariantOptions};
use icu_segmenter::{
    GraphemeClusterSegmenter, LineSegmenter, SentenceSegmenter, WordSegmenter, WordSegmenterBorrowed,
};
use regex::Regex;

/// How many extended grapheme clusters: what a reader takes for one character.
pub fn graphemes(text: &str) -> usize {
    if text.is_ascii() {
        let returns = text.bytes().filter(|b| *b == b'\r').count();
        let pairs = if returns > 0 {
            text.matches("\r\n").count()
        } else {
            0
        };
        return text.len() - pairs;
    }
    // Between two characters that stand alone there is always a seam: only what lies between such seams has to
    // be looked at.
    let mut count = 0;
    let mut from = 0;
    let mut alone = false;
    for (at, c) in text.char_indices() {
        let stands_alone = stands_alone(c);
        if alone && stands_alone {
            count += clusters_between(text, from, at);
            from = at;
        }
        alone = stands_alone;
    }
    count + clusters_between(text, from, text.len())
}

/// A character that never makes one cluster with another that stands alone: most letters, and the signs of
/// most texts. CR LF is one cluster, so CR is none of them.
fn stands_alone(c: char) -> bool {
    matches!(c, '\0'..='\u{2FF}' | '\u{370}'..='\u{482}' | '\u{48A}'..='\u{590}' | '\u{2010}'..='\u{2027}'
        | '\u{3000}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{30A0}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{FF01}'..='\u{FF65}')
        && c != '\r'
}

fn clusters_between(text: &str, from: usize, to: usize) -> usize {
    let between = text.get(from..to).unwrap_or_default();
    let mut chars = between.chars();
    if chars.next().is_none() || chars.next().is_none() {
        return usize::from(!between.is_empty());
    }
    clusters(between).count()
}

/// The clusters of a text.
pub(super) fn clusters(text: &str) -> impl Iterator<Item = &str> {
    pieces(text, GraphemeClusterSegmenter::new().segment_str(text))
}

/// The sentences of a text with what stands between them; together they are the text.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
    let ends: Vec<usize> = segmenter.segment_str(text).collect();
    pieces(text, ends.into_iter())
}

/// Where words end in scripts that write no spaces between them, and a new line may begin: never before a
/// closing sign, never after an opening one.
pub(super) fn ends_without_spaces(text: &str) -> Vec<usize> {
    static WORDS: LazyLock<WordSegmenterBorrowed<'static>> =
        LazyLock::new(|| WordSegmenter::new_auto(WordBreakInvariantOptions::default()));
    if !has_script_without_spaces(text) {
        return Vec::new();
    }
    // It knows the signs, and not the words of South-East Asia, which would take it as long again.
    let segmenter = LineSegmenter::new_for_non_complex_scripts(LineBreakOptions::default());
    let mut lines = segmenter.segment_str(text).peekable();
    WORDS
        .segment_str(text)
        .filter(|end| {
            while lines.next_if(|line| line < end).is_some() {}
            let may_begin = lines.peek() == Some(end) || both_near(&LETTERS_OF_SOUTH_EAST_ASIA, text, *end);
            may_begin && stands_without_spaces(text, *end)
        })
        .collect()
}

/// The text in pieces after which a new line may begin; together they are the text.
pub fn line_pieces(text: &str) -> Vec<&str> {
    let segmenter = LineSegmenter::new_auto(LineBreakOptions::default());
    pieces(text, segmenter.segment_str(text)).collect()
}

pub(super) fn has_script_without_spaces(text: &str) -> bool {
    !text.is_ascii() && WITHOUT_SPACES.is_match(text)
}

/// Whether the character before or after `at` is of a script without spaces.
pub(super) fn stands_without_spaces(text: &str, at: usize) -> bool {
    near(text, at)
        .into_iter()
        .flatten()
        .any(|c| is_of(&WITHOUT_SPACES, c))
}

fn both_near(class: &Regex, text: &str, at: usize) -> bool {
    near(text, at)
        .into_iter()
        .all(|c| c.is_some_and(|c| is_of(class, c)))
}

/// The characters before and after `at`.
fn near(text: &str, at: usize) -> [Option<char>; 2] {
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    [before.chars().next_back(), after.chars().next()]
}

fn is_of(class: &Regex, c: char) -> bool {
    !c.is_ascii() && class.is_match(c.encode_utf8(&mut [0; 4]))
}

/// Letters and signs of the scripts without spaces. The signs of East Asia belong to no script.
static WITHOUT_SPACES: LazyLock<Regex> = LazyLock::new(|| {
    super::pattern(
        r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Javanese}\p{Balinese}\p{Tai_Tham}\p{New_Tai_Lue}\p{Tai_Le}\x{3000}-\x{303F}\x{FF00}-\x{FF65}]",
    )
});

static LETTERS_OF_SOUTH_EAST_ASIA: LazyLock<Regex> =
    LazyLock::new(|| super::pattern(r"[[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]&&[\p{L}\p{M}\p{N}]]"));

/// What lies between each end and the next.
fn pieces(text: &str, ends: impl Iterator<Item = usize>) -> impl Iterator<Item = &str> {
    let mut from = 0;
    ends.filter_map(move |end| {
        let piece = text.get(from..end).filter(|piece| !piece.is_empty())?;
        from = end;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn seams_between_ascii_change_no_count(text in "([ -~]|[\r\n]|\\PC|[\u{301}\u{200D}👩🇺🇸\u{600}]){0,40}") {
            proptest::prop_assert_eq!(graphemes(&text), clusters(&text).count(), "{:?}", text);
        }

        #[test]
        fn seams_between_letters_change_no_count(
            text in "([éßя—’…道の、ア！©\r\nа-яα-ω\u{301}\u{300}\u{483}\u{3099}\u{FF9E}\u{200D}\u{AD}]|\\PC){0,40}"
        ) {
            proptest::prop_assert_eq!(graphemes(&text), clusters(&text).count(), "{:?}", text);
        }
    }

    #[test]
    fn what_stands_alone_makes_no_cluster_with_another() {
        let alone: Vec<char> = ('\0'..='\u{FFFF}').filter(|c| stands_alone(*c)).collect();
        assert!(alone.len() > 20_000);
        for pair in alone.windows(2) {
            let text: String = pair.iter().collect();
            assert_eq!(clusters(&text).count(), 2, "{text:?}");
            let text = String::from_iter([pair[0], 'e', pair[0], pair[0]]);
            assert_eq!(clusters(&text).count(), 4, "{text:?}");
        }
    }
}

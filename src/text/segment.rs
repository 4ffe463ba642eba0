//! Where characters, words and sentences of all languages begin and end, by Unicode's rules and, for those
//! that write no spaces, by the dictionaries and models of ICU4X.

use std::sync::LazyLock;

use icu_segmenter::options::{LineBreakOptions, SentenceBreakInvariantOptions, WordBreakInvariantOptions};
use icu_segmenter::{
    GraphemeClusterSegmenter, LineSegmenter, LineSegmenterBorrowed, SentenceSegmenter, WordSegmenter,
    WordSegmenterBorrowed,
};
use regex::Regex;

/// How many extended grapheme clusters: what a reader takes for one character.
pub fn graphemes(text: &str) -> usize {
    // Of ASCII only CR LF makes one cluster of two bytes.
    if text.is_ascii() && !text.contains('\r') {
        text.len()
    } else {
        clusters(text).count()
    }
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
    static LINES: LazyLock<LineSegmenterBorrowed<'static>> =
        LazyLock::new(|| LineSegmenter::new_auto(LineBreakOptions::default()));
    if !WITHOUT_SPACES.is_match(text) {
        return Vec::new();
    }
    let mut lines = LINES.segment_str(text).peekable();
    WORDS
        .segment_str(text)
        .filter(|end| {
            while lines.next_if(|line| line < end).is_some() {}
            lines.peek() == Some(end) && stands_without_spaces(text, *end)
        })
        .collect()
}

/// Whether the character before or after `at` is of a script without spaces.
fn stands_without_spaces(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else {
        return false;
    };
    let mut near = before.chars().next_back().into_iter().chain(after.chars().next());
    let mut buffer = [0; 4];
    near.any(|c| WITHOUT_SPACES.is_match(c.encode_utf8(&mut buffer)))
}

/// Letters and signs of the scripts without spaces. The signs of East Asia belong to no script.
static WITHOUT_SPACES: LazyLock<Regex> = LazyLock::new(|| {
    super::pattern(
        r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Javanese}\p{Balinese}\p{Tai_Tham}\p{New_Tai_Lue}\p{Tai_Le}\x{3000}-\x{303F}\x{FF00}-\x{FF65}]",
    )
});

/// What lies between each end and the next.
fn pieces(text: &str, ends: impl Iterator<Item = usize>) -> impl Iterator<Item = &str> {
    let mut from = 0;
    ends.filter_map(move |end| {
        let piece = text.get(from..end).filter(|piece| !piece.is_empty())?;
        from = end;
        Some(piece)
    })
}

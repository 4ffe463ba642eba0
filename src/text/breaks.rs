//! Where a text may be broken in two, and where it would rather not be.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_bidi::{BidiClass, BidiInfo, bidi_class};

use super::entities::entities;
use super::segment::{
    clusters, ends_without_spaces, graphemes, has_script_without_spaces, sentences, stands_without_spaces,
};
use super::{mastodon, x};

/// Where one text may be broken: places in bytes, in order, each the end of something that is not white space.
/// What takes long to find is found only in the one word in which a part happens to end.
#[derive(Debug)]
pub(super) struct Breaks {
    /// Where paragraphs end.
    pub(super) paragraphs: Vec<usize>,
    /// Where sentences end.
    pub(super) sentences: Vec<usize>,
    /// In scripts without spaces, a space or a comma ends what spaces and commas end elsewhere.
    pub(super) phrases: Vec<usize>,
    /// Where white space begins, and the end of the text.
    pub(super) gaps: Vec<usize>,
    /// Runs against the direction of their paragraph, and what stands between directional signs: readers see
    /// such a run in another order, and half of it would be misread.
    pub(super) runs: Vec<Range<usize>>,
    /// Whether there is a script without spaces in it.
    without_spaces: bool,
}

impl Breaks {
    pub(super) fn of(text: &str) -> Self {
        let mut gaps = gaps(text);
        gaps.retain(|end| is_seam(text, *end) && is_seam(text, after_gap(text, *end)));
        let without_spaces = has_script_without_spaces(text);
        let whole = if without_spaces {
            unbreakable(text)
        } else {
            Vec::new()
        };
        let ends = |mut ends: Vec<usize>| {
            ends.retain(|end| {
                gaps.binary_search(end).is_ok()
                    || (stands_without_spaces(text, *end) && is_seam(text, *end) && !inside(&whole, *end))
            });
            ends
        };
        Self {
            paragraphs: ends(paragraph_ends(text)),
            sentences: ends(sentence_ends(text)),
            phrases: if without_spaces {
                ends(phrase_ends(text))
            } else {
                Vec::new()
            },
            runs: runs(text),
            gaps,
            without_spaces,
        }
    }

    /// Where words end within what stands between two gaps of `text`, whose breaks these are.
    pub(super) fn words(&self, text: &str, between: Range<usize>) -> Vec<usize> {
        if !self.without_spaces {
            return Vec::new();
        }
        within(text, between, |text| {
            let seams = cluster_ends(text);
            let mut ends = ends_without_spaces(text);
            ends.retain(|end| seams.binary_search(end).is_ok());
            ends
        })
    }
}

/// Where characters end between two gaps, for what has no words: letters without end.
pub(super) fn characters(text: &str, between: Range<usize>) -> Vec<usize> {
    within(text, between, cluster_ends)
}

fn within(text: &str, between: Range<usize>, ends: impl Fn(&str) -> Vec<usize>) -> Vec<usize> {
    let text = text.get(between.clone()).unwrap_or_default();
    let whole = unbreakable(text);
    let mut ends = ends(text);
    ends.retain(|end| !inside(&whole, *end));
    ends.into_iter().map(|end| between.start + end).collect()
}

/// Where the white space after a break ends, and the rest begins.
pub(super) fn after_gap(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    end + rest.len() - rest.trim_start_matches(is_gap).len()
}

/// White space at which a text may be broken, unlike that which holds words together.
fn is_gap(c: char) -> bool {
    c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{2007}' | '\u{202F}')
}

/// Whether `at` lies in one of `ranges`, which are in order and do not overlap.
pub(super) fn inside(ranges: &[Range<usize>], at: usize) -> bool {
    let next = ranges.partition_point(|range| range.end <= at);
    ranges.get(next).is_some_and(|range| range.start < at)
}

/// Whether no cluster is cut at `at`, beside white space or between two words: what comes before the last
/// character is of no account there.
fn is_seam(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else {
        return false;
    };
    match (before.chars().next_back(), after.chars().next()) {
        (Some(before), Some(after)) if before.is_ascii() && after.is_ascii() => {
            (before, after) != ('\r', '\n')
        }
        (Some(before), Some(after)) => graphemes(&String::from_iter([before, after])) == 2,
        _ => true,
    }
}

fn cluster_ends(text: &str) -> Vec<usize> {
    let mut at = 0;
    clusters(text)
        .map(|cluster| {
            at += cluster.len();
            at
        })
        .collect()
}

/// Where paragraphs end: where the words before an empty line do.
fn paragraph_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    let mut end_of_words = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_end().len();
        if words == 0 {
            ends.push(end_of_words);
        } else {
            end_of_words = at + words;
        }
        at += line.len();
    }
    ends.retain(|&end| end > 0);
    ends
}

/// Where sentences end by UAX 29, but for abbreviations.
fn sentence_ends(text: &str) -> Vec<usize> {
    let mut at = 0;
    let mut ends = Vec::new();
    for sentence in sentences(text) {
        if !ends_in_abbreviation(sentence) {
            ends.push(at + sentence.trim_end().len());
        }
        at += sentence.len();
    }
    ends
}

/// `Dr.`, `U.S.`, `v.`: after so short a word a full stop rarely ends a sentence, and taking it for one
/// would tear a name apart.
fn ends_in_abbreviation(sentence: &str) -> bool {
    let last = sentence.split_whitespace().next_back().unwrap_or_default();
    let Some(word) = last.strip_suffix('.') else {
        return false;
    };
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters == 1 || word.contains('.') || (letters <= 3 && word.starts_with(char::is_uppercase))
}

/// Where white space follows what is none, and the end.
fn gaps(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut words = false;
    for (at, c) in text.char_indices() {
        if is_gap(c) && words {
            ends.push(at);
        }
        words = !is_gap(c);
    }
    if words {
        ends.push(text.len());
    }
    ends
}

/// Before a space, and after the commas and stops of East and South-East Asia.
fn phrase_ends(text: &str) -> Vec<usize> {
    let ends_phrase = |c| {
        matches!(
            c,
            '、' | '，' | '；' | '：' | '。' | '！' | '？' | '」' | '』' | '）' | '၊' | '။' | '។'
        )
    };
    let mut ends = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let end = at + c.len_utf8();
        let at_gap = !is_gap(c) && next.is_some_and(is_gap) && stands_without_spaces(text, end);
        if at_gap || (ends_phrase(c) && !next.is_some_and(ends_phrase)) {
            ends.push(end);
        }
    }
    ends
}

/// What stays in one piece on every platform: links, mentions and tags as any of them sees them.
fn unbreakable(text: &str) -> Vec<Range<usize>> {
    static SIGN_AND_WORD: LazyLock<Regex> = LazyLock::new(|| {
        super::pattern(
            r"[#＃@＠][\p{L}\p{M}\p{N}_](?:[\p{L}\p{M}\p{N}_\u{200C}\u{200D}·・.-]*[\p{L}\p{M}\p{N}_])?",
        )
    });
    let mut ranges: Vec<Range<usize>> = entities(text).into_iter().map(|entity| entity.range).collect();
    ranges.extend(mastodon::spans(text).into_iter().map(|span| span.range));
    ranges.extend(x::link_ranges(text));
    ranges.extend(SIGN_AND_WORD.find_iter(text).map(|found| found.range()));
    joined(ranges)
}

/// In order, with those that overlap made one.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

fn runs(text: &str) -> Vec<Range<usize>> {
    let may_turn = |c: char| {
        !c.is_ascii()
            && !matches!(
                bidi_class(c),
                BidiClass::L | BidiClass::ON | BidiClass::NSM | BidiClass::ET | BidiClass::EN
            )
    };
    if text.is_ascii() || !text.contains(may_turn) {
        return Vec::new();
    }
    let info = BidiInfo::new(text, None);
    let mut ranges = Vec::new();
    for paragraph in &info.paragraphs {
        let mut start = None;
        for at in paragraph.range.clone() {
            let turned = info.levels.get(at).is_some_and(|level| *level > paragraph.level);
            match (turned, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    ranges.push(from..at);
                    start = None;
                }
                _ => {}
            }
        }
        ranges.extend(start.map(|from| from..paragraph.range.end));
    }
    ranges.extend(between_signs(text));
    joined(ranges)
}

/// From each sign that begins an embedding, an override or an isolate to the one that ends it. They end with
/// their paragraph at the latest.
fn between_signs(text: &str) -> Vec<Range<usize>> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut ranges = Vec::new();
    for (at, c) in text.char_indices() {
        let closes = |open: &[(usize, char)], isolates: bool| {
            open.iter()
                .rposition(|(_, sign)| matches!(sign, '\u{2066}'..='\u{2068}') == isolates)
        };
        let place = match c {
            '\u{202A}' | '\u{202B}' | '\u{202D}' | '\u{202E}' | '\u{2066}'..='\u{2068}' => {
                open.push((at, c));
                None
            }
            '\u{202C}' => closes(&open, false),
            '\u{2069}' => closes(&open, true),
            '\n' | '\u{2029}' => {
                open.clear();
                None
            }
            _ => None,
        };
        if let Some((start, _)) = place.and_then(|place| {
            let opened = open.get(place).copied();
            open.truncate(place);
            opened
        }) {
            ranges.push(start..at + c.len_utf8());
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs_of(text: &str) -> Vec<&str> {
        runs(text).into_iter().map(|run| text[run].trim()).collect()
    }

    fn words_of(text: &str) -> Vec<&str> {
        let breaks = Breaks::of(text);
        let mut words = Vec::new();
        let mut from = 0;
        for gap in &breaks.gaps {
            let inner = breaks.words(text, from..*gap);
            for end in inner.into_iter().filter(|end| end < gap).chain([*gap]) {
                words.push(&text[from..end]);
                from = end;
            }
            from = after_gap(text, *gap);
        }
        words
    }

    #[test]
    fn words_end_where_readers_of_the_language_see_them_end() {
        for (text, words) in [
            ("¿Qué falta, señor?", vec!["¿Qué", "falta,", "señor?"]),
            ("العدالة حق للجميع؟", vec!["العدالة", "حق", "للجميع؟"]),
            (
                "公正な裁判を求めます。",
                vec!["公正", "な", "裁判", "を", "求め", "ます。"],
            ),
            ("ความยุติธรรมสำหรับทุกคน", vec!["ความ", "ยุติธรรม", "สำหรับ", "ทุก", "คน"]),
            ("well-known 100\u{A0}000", vec!["well-known", "100\u{A0}000"]),
            ("공정한 재판을", vec!["공정한", "재판을"]),
            (
                "見る#正義の日 https://例え.jp/道 @ally",
                vec!["見る", "#正義の日", "https://例え.jp/道", "@ally"],
            ),
        ] {
            assert_eq!(words_of(text), words, "{text}");
        }
        // Khmer: at least somewhere, and not within a cluster.
        assert!(words_of("យុត្តិធម៌សម្រាប់មនុស្សគ្រប់គ្នា").len() > 2);
    }

    #[test]
    fn a_run_against_the_paragraphs_direction_is_one() {
        assert_eq!(runs_of("plain"), Vec::<&str>::new());
        assert_eq!(runs_of("He said العدالة حق and left"), ["العدالة حق"]);
        assert_eq!(runs_of("قال Corey Miller إن 25 عاما"), ["Corey Miller", "25"]);
        assert_eq!(runs_of("a \u{2067}b c\u{2069} d"), ["\u{2067}b c\u{2069}"]);
        assert_eq!(runs_of("العدالة حق للجميع"), Vec::<&str>::new());
    }

    #[test]
    fn a_space_that_carries_a_mark_is_no_gap() {
        let text = "one \u{301}two three";
        assert_eq!(words_of(text), ["one \u{301}two", "three"]);
    }
}

//! A thread's parts: where the writer said so, or where a text that is too long may be broken.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::count::{mastodon_spans, measure};
use super::entities::entities;
use super::limits::LengthRule;

/// Splits at lines of just `---`. Parts are trimmed, and none is empty; a text of nothing has none.
pub fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.split('\n') {
        if line.trim() == "---" {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    trimmed(parts.iter().map(String::as_str))
}

/// Splits a text that is too long at the ends of paragraphs, else of sentences, else of words.
///
/// No link, mention, tag or cluster is ever cut, so what is longer than the limit all by itself stays one
/// part that does not fit: measuring it says so.
pub fn split_auto(text: &str, rule: &LengthRule, warn: &str) -> Vec<String> {
    let fits = |part: &str| measure(rule, part.trim(), warn).fits();
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !fits(rest) {
        let Some((part, left)) = first_part(rest, fits) else {
            break;
        };
        parts.push(part);
        rest = left;
    }
    parts.push(rest);
    trimmed(parts.into_iter())
}

fn trimmed<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<String> {
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The best beginning of `text` that fits, and what is left.
fn first_part(text: &str, fits: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    let last_fitting = |ends: &[usize]| {
        let count = ends.partition_point(|&end| text.get(..end).is_some_and(&fits));
        count.checked_sub(1).and_then(|last| ends.get(last).copied())
    };
    let Some(reach) = last_fitting(&word_ends(text)) else {
        // Not one word fits: a script without spaces, or letters without end.
        let whole = unbreakable(text);
        let at = [uax_word_ends, cluster_ends]
            .into_iter()
            .find_map(|ends| last_fitting(&outside(&whole, ends(text))))?;
        return text.split_at_checked(at);
    };
    // The furthest that any word reaches; a better end is taken unless it wastes the part.
    let whole = unbreakable(text.get(..reach)?);
    let at = [paragraph_ends, sentence_ends]
        .into_iter()
        .filter_map(|ends| outside(&whole, ends(text)).into_iter().rfind(|&end| end <= reach))
        .find(|&at| at * 3 >= reach && text.get(..at).is_some_and(&fits))
        .unwrap_or(reach);
    text.split_at_checked(at)
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
    text.split_sentence_bound_indices()
        .filter(|(_, sentence)| !ends_in_abbreviation(sentence))
        .map(|(at, sentence)| at + sentence.trim_end().len())
        .collect()
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

fn word_ends(text: &str) -> Vec<usize> {
    // No entity has white space in it.
    text.split_whitespace()
        .map(|word| word.as_ptr() as usize - text.as_ptr() as usize + word.len())
        .collect()
}

/// For scripts without spaces.
fn uax_word_ends(text: &str) -> Vec<usize> {
    text.split_word_bound_indices()
        .map(|(at, word)| at + word.len())
        .collect()
}

fn cluster_ends(text: &str) -> Vec<usize> {
    text.grapheme_indices(true)
        .map(|(at, cluster)| at + cluster.len())
        .collect()
}

/// What stays in one piece on every platform.
fn unbreakable(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = entities(text).into_iter().map(|entity| entity.range).collect();
    ranges.extend(mastodon_spans(text).into_iter().map(|span| span.range));
    ranges
}

fn outside(ranges: &[Range<usize>], mut ends: Vec<usize>) -> Vec<usize> {
    ends.retain(|end| !ranges.iter().any(|range| range.start < *end && *end < range.end));
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SMALL: LengthRule = LengthRule::GraphemesAndBytes {
        max: 40,
        max_bytes: 3000,
    };

    #[test]
    fn a_line_of_three_dashes_starts_the_next_part() {
        assert_eq!(
            split("one\n---\ntwo\n\nstill two\n --- \r\nthree"),
            ["one", "two\n\nstill two", "three"]
        );
        assert_eq!(split("---\n\n---\n---"), Vec::<String>::new());
        assert_eq!(split("a --- b\n----\nc"), ["a --- b\n----\nc"]);
    }

    #[test]
    fn a_text_that_fits_is_one_part() {
        assert_eq!(split_auto(" short \n", &SMALL, ""), ["short"]);
        assert_eq!(split_auto("", &SMALL, ""), Vec::<String>::new());
    }

    #[test]
    fn paragraphs_come_before_sentences_and_sentences_before_words() {
        assert_eq!(
            split_auto(
                "First paragraph here.\n\nSecond one. It is longer than one part.",
                &SMALL,
                ""
            ),
            ["First paragraph here.", "Second one. It is longer than one part."]
        );
        assert_eq!(
            split_auto("One sentence stands here. Another follows it there.", &SMALL, ""),
            ["One sentence stands here.", "Another follows it there."]
        );
        assert_eq!(
            split_auto(
                "no sentence ends in these many words that run on and on",
                &SMALL,
                ""
            ),
            ["no sentence ends in these many words", "that run on and on"]
        );
    }

    #[test]
    fn an_abbreviation_ends_no_sentence() {
        assert_eq!(
            split_auto(
                "It was argued before Dr. Smith of the U.S. Court on Monday.",
                &SMALL,
                ""
            ),
            ["It was argued before Dr. Smith of the", "U.S. Court on Monday."]
        );
    }

    #[test]
    fn an_early_break_does_not_waste_a_part() {
        assert_eq!(
            split_auto(
                "Hi.\n\nthese are many words that run on and on and on",
                &SMALL,
                ""
            ),
            ["Hi.\n\nthese are many words that run on", "and on and on"]
        );
    }

    #[test]
    fn a_warning_takes_room_in_every_part() {
        let parts = split_auto(
            "one two three four five six seven eight",
            &SMALL,
            "a content warning that is long",
        );
        assert!(parts.len() > 3, "{parts:?}");
        assert!(
            parts
                .iter()
                .all(|p| measure(&SMALL, p, "a content warning that is long").fits())
        );
    }

    #[test]
    fn what_cannot_be_broken_stays_whole() {
        let link = format!("https://example.org/{}", "x".repeat(60));
        assert_eq!(
            split_auto(&format!("before {link} after"), &SMALL, ""),
            vec!["before".to_owned(), format!("{link} after")]
        );
        assert_eq!(split_auto(&link, &SMALL, &"w".repeat(50)), [link]);
    }

    #[test]
    fn scripts_without_spaces_are_broken_too() {
        let text = "公正な裁判を求めます。".repeat(8);
        let parts = split_auto(&text, &SMALL, "");
        assert_eq!(parts.concat(), text);
        assert!(parts.iter().all(|p| measure(&SMALL, p, "").fits()), "{parts:?}");
        let word = "a".repeat(100);
        assert_eq!(split_auto(&word, &SMALL, "").concat(), word);
    }

    fn words() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            "[a-zé道]{1,12}[.!?,]?",
            Just("👨‍👩‍👧‍👦".to_owned()),
            Just("#Justice".to_owned()),
            Just("@ally@social.example".to_owned()),
            Just("https://example.org/path/x".to_owned()),
            Just("cafe\u{301}".to_owned()),
        ];
        let space = prop_oneof![8 => Just(" "), 1 => Just("\n"), 1 => Just("\n\n"), 1 => Just("\r\n\r\n")];
        proptest::collection::vec((word, space), 0..60)
            .prop_map(|pairs| pairs.into_iter().map(|(word, space)| word + space).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_part_fits_and_all_words_stay_in_order(text in words()) {
            for rule in [SMALL, LengthRule::Mastodon { max: 45, link: 23 }] {
                let parts = split_auto(&text, &rule, "");
                for part in &parts {
                    prop_assert!(measure(&rule, part, "").fits(), "{part:?}");
                }
                let kept: Vec<&str> = parts.iter().flat_map(|p| p.split_whitespace()).collect();
                let all: Vec<&str> = text.split_whitespace().collect();
                prop_assert_eq!(kept, all);
            }
        }

        #[test]
        fn nothing_is_lost_of_any_text(text in "\\PC{0,200}") {
            let parts = split_auto(&text, &SMALL, "");
            let squeeze = |s: &str| s.split_whitespace().collect::<String>();
            prop_assert_eq!(squeeze(&parts.concat()), squeeze(&text));
        }
    }
}

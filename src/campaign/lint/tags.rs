//! Tags that are none, or that nobody can read.

use std::sync::LazyLock;

use regex::Regex;

use super::marks::Kind;
use super::tongue::{self, Tongue};
use super::{Find, GAP, HOLE, Text};
use crate::campaign::problem::shown;
use crate::text::pattern;

static SIGN: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{L}\p{N}_][#＃]\p{L}[\p{L}\p{N}_]*"));

/// A tag that begins in the middle of a word: platforms take it for text.
pub(super) fn tag_in_word(text: &Text<'_>) -> Vec<Find> {
    let typed = &*text.typed;
    let in_link = |at: usize| text.words.get(at..).is_some_and(|rest| rest.starts_with(GAP));
    let mut found: Vec<Find> = SIGN
        .find_iter(typed)
        .filter_map(|found| {
            let sign = found.start() + found.as_str().find(['#', '＃'])?;
            (!in_link(sign)).then_some(sign..found.end())
        })
        .map(|range| Find {
            message: format!(
                "`{}` is no tag: it begins in the middle of a word",
                shown(typed.get(range.clone()).unwrap_or_default())
            ),
            help: "put a space before it".to_owned(),
            range,
        })
        .collect();
    // The campaign's tags bring their sign along.
    for (at, name) in text.source.match_indices("campaign.hashtags") {
        let before = typed.get(..at).unwrap_or_default().trim_end_matches(HOLE);
        let filled = text
            .source
            .get(before.len()..at)
            .is_some_and(|open| open.trim() == "{{");
        if filled && before.chars().next_back().is_some_and(char::is_alphanumeric) {
            found.push(Find {
                range: at..at + name.len(),
                message: "the first of these tags is none: it begins in the middle of a word".to_owned(),
                help: "put a space before `{{ campaign.hashtags }}`".to_owned(),
            });
        }
    }
    found
}

/// A tag of several words in small letters: a screen reader says it as one word.
pub(super) fn flat_hashtag(text: &Text<'_>) -> Vec<Find> {
    let mut found = Vec::new();
    for mark in text.marks.iter().filter(|mark| mark.kind == Kind::Tag) {
        let tag = text.typed.get(mark.range.clone()).unwrap_or_default();
        let tag = tag.trim_start_matches(['#', '＃']);
        let own = text
            .hashtags
            .iter()
            .find(|own| own.to_lowercase() == tag && capitals(own) > 1);
        let help = match own {
            Some(own) => format!("write `#{own}`, as the campaign does"),
            None if text.tongue.is_some_and(|tongue| is_flat(tag, tongue)) => CAPITALS.to_owned(),
            None => continue,
        };
        found.push(Find {
            range: mark.range.clone(),
            message: flat_message(tag),
            help,
        });
    }
    found
}

const CAPITALS: &str = "begin each word with a capital, as in `#JusticeForAll`";

fn flat_message(tag: &str) -> String {
    format!(
        "`#{}` has several words and no capitals: a screen reader says them as one",
        shown(tag)
    )
}

/// What is wrong with one of the campaign's own hashtags, and what to write; `None`: nothing.
pub fn flat(tag: &str, language: &str) -> Option<(String, &'static str)> {
    let flat = tongue::of(language).is_some_and(|tongue| is_flat(tag, tongue));
    flat.then(|| (flat_message(tag), CAPITALS))
}

/// The longest single words are shorter.
const SURELY_SEVERAL: usize = 20;
/// The shortest piece that is taken for a word that is not known.
const UNKNOWN_MIN: usize = 5;

/// Whether it is several words without a capital among them, as far as a few common ones can tell.
fn is_flat(tag: &str, tongue: &Tongue) -> bool {
    if !tag.chars().all(char::is_alphabetic) || tag.chars().skip(1).any(char::is_uppercase) {
        return false;
    }
    let tag = tag.to_lowercase();
    let known = |rest: &str| {
        let mut words = tongue.tag_heads.iter().chain(tongue.tag_tails);
        words.any(|word| *word == rest)
    };
    let a_word = |rest: &str| {
        known(rest)
            || rest.chars().count() >= UNKNOWN_MIN
                && !tongue.word_ends.iter().any(|end| rest.starts_with(end))
    };
    let short = |word: &str| word.len() < 4;
    tag.chars().count() >= SURELY_SEVERAL
        || tongue
            .tag_heads
            .iter()
            .any(|head| !short(head) && tag.strip_prefix(head).is_some_and(a_word))
        || tongue
            .tag_tails
            .iter()
            .any(|tail| !short(tail) && tag.strip_suffix(tail).is_some_and(a_word))
}

fn capitals(text: &str) -> usize {
    text.chars().filter(|c| c.is_uppercase()).count()
}

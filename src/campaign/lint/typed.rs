//! What stands in a text by itself and should come from a fact, which has a source: figures, dates,
//! quotations.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Find, HOLE, Needs, Text, around};
use crate::campaign::problem::shown;
use crate::text::pattern;

/// Digits in which the text says how much, how many or how long.
pub(super) fn figure(text: &Text<'_>) -> Vec<Find> {
    let elsewhere: Vec<Range<usize>> = dates(text).into_iter().chain(quotations(text)).collect();
    let found = NUMBER.find_iter(&text.words).map(|found| found.range());
    found
        .filter(|range| !elsewhere.iter().any(|other| overlap(range, other)))
        .filter(|range| is_figure(text, range))
        .map(|range| {
            let figure = shown(text.source.get(range.clone()).unwrap_or_default());
            Find {
                range,
                message: format!("the figure `{figure}` is typed here, so no source stands behind it"),
                help: TAKE.replace("WHAT", "the figure"),
            }
        })
        .collect()
}

/// Days and years, in digits or with the month in letters.
pub(super) fn date(text: &Text<'_>) -> Vec<Find> {
    let found = dates(text).into_iter().map(|range| {
        let date = shown(text.source.get(range.clone()).unwrap_or_default());
        Find {
            range,
            message: format!("the date `{date}` is typed here, so no source stands behind it"),
            help: TAKE.replace("WHAT", "the date"),
        }
    });
    found.collect()
}

/// The words of others, more than three of them.
pub(super) fn quotation(text: &Text<'_>) -> Vec<Find> {
    let found = quotations(text).into_iter().map(|range| Find {
        range,
        message: "this quotation is typed here, so no source stands behind it".to_owned(),
        help: TAKE.replace("WHAT", "the quotation"),
    });
    found.collect()
}

const TAKE: &str =
    "put WHAT into a fact with its source and write `{{ fact.NAME }}`, or say in `allow` why it needs none";

// --- figures -------------------------------------------------------------------------------------------

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[$€£¥]?\p{Nd}+(?:[.,:/’'–-]\p{Nd}+)*(?: ?%|k|K|M|bn)?"));
/// `1/5`, `24/7`, `9:30`, `6:8`: counters, times of day, verses.
static RATIO: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\p{Nd}+(?:/\p{Nd}+|(?::\p{Nd}+)+)$"));
static TELEPHONE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^\p{Nd}{3}-\p{Nd}{4}$|^\p{Nd}+(?:-\p{Nd}+){2,}$|^\p{Nd}{3}\.\p{Nd}{3}\.\p{Nd}{4}$")
});
/// What follows a time of day.
static O_CLOCK: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s?(?i:[ap]\.?\s?m\b|o['’]clock|h\b|hs\b|hrs\b|uhr\b)"));

fn is_figure(text: &Text<'_>, range: &Range<usize>) -> bool {
    let words = &*text.words;
    let written = words.get(range.clone()).unwrap_or_default();
    let (before, after) = around(words, range);
    let line = words.get(..range.start).unwrap_or_default();
    let line = line.rsplit('\n').next().unwrap_or_default();
    let rest = words.get(range.end..).unwrap_or_default();
    let money = written.starts_with(['$', '€', '£', '¥']);
    if money || written.ends_with('%') {
        return true;
    }
    // `C4`, `#1`, `COVID-19`; a template's sign, as in `{{ fact.ayes }}-2`, is none of these.
    let named = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '#' | '_' | '§' | '№' | '.' | '@'))
        || before.is_some_and(|c| matches!(c, '-' | '‑' | '–'))
            && line.chars().rev().nth(1).is_some_and(char::is_alphanumeric);
    // `1st`, `1990s`, `2nd`, `24h`, a number on a key.
    let glued = after.is_some_and(|c| c.is_alphanumeric() && !is_ideograph(Some(c)))
        || after.is_some_and(|c| matches!(c, '\u{fe0f}' | '\u{20e3}' | 'º' | 'ª' | '°'));
    let item = line
        .trim_start_matches(['(', ' ', '\t', '-', '*', '•'])
        .is_empty()
        && written.chars().count() <= 2
        && rest.starts_with(['.', ')']);
    !(named
        || glued
        || item
        || RATIO.is_match(written)
        || TELEPHONE.is_match(written)
        || O_CLOCK.is_match(rest)
        || is_reference(text, line))
}

/// Letters that stand right behind a number without being one word with it: `24時間`.
fn is_ideograph(c: Option<char>) -> bool {
    c.is_some_and(|c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'))
}

/// Whether what stands before a number says that it names a thing: `Section`, `No.`, `H.B.`, `SB`.
fn is_reference(text: &Text<'_>, before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\u{a0}', '.', 'º', '°', '(']);
    if before.ends_with(['§', '№']) {
        return true;
    }
    let word = before
        .rsplit(|c: char| !c.is_alphabetic())
        .next()
        .unwrap_or_default();
    let letters = word.chars().count();
    let capitals = letters > 0 && word.chars().all(char::is_uppercase);
    let known = |tongue: &super::Tongue| tongue.references.contains(&word.to_lowercase().as_str());
    // Of one capital only `H.B.` and its like: `I` and `A` are words.
    let initials = letters == 1 && before.chars().rev().nth(1) == Some('.');
    capitals && (letters > 1 || initials) || text.tongue.is_some_and(known)
}

// --- dates ---------------------------------------------------------------------------------------------

/// `2023-05-01`, `5/1/2023`, `1.5.23`, `2023年5月1日`.
static IN_DIGITS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}([./-])[0-9]{1,2}[./-](?:[0-9]{4}|[0-9]{2})|[0-9]{4}年(?:[0-9]{1,2}月(?:[0-9]{1,2}日)?)?|[0-9]{1,2}月[0-9]{1,2}日",
    )
});
/// A year, or from one to another.
static YEAR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(?:19|20)[0-9]{2}(?:[–/-](?:19|20)?[0-9]{2})?$"));

/// All dates, in order; none overlaps another.
fn dates(text: &Text<'_>) -> Vec<Range<usize>> {
    let words = &*text.words;
    let whole = |range: &Range<usize>| {
        let more = words.get(range.end..).is_some_and(|rest| {
            rest.starts_with(['-', '/', '.']) && rest.chars().nth(1).is_some_and(char::is_numeric)
        });
        let (before, after) = around(words, range);
        let inside = before.is_some_and(|c| c.is_alphanumeric() && !is_ideograph(Some(c)))
            || after.is_some_and(|c| c.is_alphanumeric() && !is_ideograph(Some(c)));
        !more && !inside
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    if let Some(tongue) = text.tongue {
        found.extend(tongue.dates.find_iter(words).map(|found| found.range()));
    }
    found.extend(IN_DIGITS.find_iter(words).map(|found| found.range()));
    found.retain(whole);
    let years = NUMBER
        .find_iter(words)
        .map(|found| found.range())
        .filter(|range| {
            let written = words.get(range.clone()).unwrap_or_default();
            YEAR.is_match(written) && is_figure(text, range)
        });
    for year in years.collect::<Vec<_>>() {
        if !found.iter().any(|other| overlap(&year, other)) {
            found.push(year);
        }
    }
    found.sort_by_key(|range| range.start);
    let mut end = 0;
    found.retain(|range| {
        let apart = range.start >= end;
        if apart {
            end = range.end;
        }
        apart
    });
    found
}

// --- quotations ----------------------------------------------------------------------------------------

/// Marks of every style; none reaches over an empty line. A single mark may be an apostrophe, so it opens
/// only after a space, and closes only before what is no letter.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    let within = |marks: &str| format!(r"((?:[^{marks}\n]|\n[^{marks}\n])+)");
    pattern(&format!(
        "\"{}\"|[“„]{}[”“]|«{}»|»{}«|「{}」|『{}』|(?:^|[\\s(])‘((?:[^‘\\n]|\\n[^‘\\n])+?)’(?:$|[^\\p{{L}}\\p{{N}}])",
        within("\""),
        within("“”„"),
        within("«»"),
        within("«»"),
        within("「」"),
        within("『』"),
    ))
});

/// The words inside the marks of each quotation that is longer than three words.
fn quotations(text: &Text<'_>) -> Vec<Range<usize>> {
    if !text.seen.has(Needs::Quotes) {
        return Vec::new();
    }
    let inner = QUOTED.captures_iter(&text.typed).filter_map(|found| {
        let inner = found.iter().skip(1).flatten().next()?;
        (word_count(inner.as_str()) > 3).then(|| inner.range())
    });
    inner.collect()
}

/// Words between spaces; what a template says is none. Where no spaces are written, two characters count
/// as one.
fn word_count(text: &str) -> usize {
    text.split(|c: char| c.is_whitespace() || c == HOLE)
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| {
            let without_spaces = word
                .chars()
                .filter(|c| is_ideograph(Some(*c)) && !matches!(c, '\u{ac00}'..='\u{d7af}'));
            (without_spaces.count() / 2).max(1)
        })
        .sum()
}

/// Whether any of it is within a quotation, of any length: the words of others.
pub(super) fn is_quoted(text: &str, range: &Range<usize>) -> bool {
    QUOTED.captures_iter(text).any(|found| {
        let inner = found.iter().skip(1).flatten().next();
        inner.is_some_and(|inner| overlap(&inner.range(), range))
    })
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

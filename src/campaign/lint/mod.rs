//! What an experienced campaigner would point out in a text: a pure function for each, in a table.
//!
//! They look at each text as it is written, in its own language, and at nothing that a template works out:
//! facts have their sources. All are warnings, and a message can silence each of them with a reason
//! ([`super::allow`]).

mod claims;
mod marks;
mod style;
mod tags;
#[cfg(test)]
mod tests;
mod tongue;
mod typed;

use std::borrow::Cow;
use std::ops::Range;

pub use style::{NOT_HTTPS, WRITE_HTTPS, is_plain_http};
pub use tags::flat;

use super::template::is_template;
use marks::{Mark, marks};
use tongue::Tongue;

/// Something that is pointed out in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// Which bytes of the text as it is written.
    pub range: Range<usize>,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

/// One lint: its code, what a text must have to be worth a look, and the look.
struct Lint {
    code: &'static str,
    needs: Needs,
    look: fn(&Text<'_>) -> Vec<Find>,
}

/// What is seen in one pass over a text's bytes, so that most lints need not look at most texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// A word that its language's table knows.
    Words,
    /// Something that is no word: a link, a mention, a tag or its sign, a template.
    Marks,
    /// Two capitals in a row.
    Capitals,
    /// A digit of any script.
    Digits,
    /// A quotation mark of any style.
    Quotes,
    /// Anything beyond ASCII.
    Unusual,
}

const LINTS: [Lint; 11] = [
    lint("all-caps", Needs::Capitals, style::all_caps),
    lint("bare-claim", Needs::Words, claims::bare_claim),
    lint("emoji-run", Needs::Unusual, style::emoji_run),
    lint("fancy-letters", Needs::Unusual, style::fancy_letters),
    lint("flat-hashtag", Needs::Marks, tags::flat_hashtag),
    lint("no-expires", Needs::Words, claims::no_expires),
    lint("plain-http", Needs::Marks, style::plain_http),
    lint("tag-in-word", Needs::Marks, tags::tag_in_word),
    lint("typed-date", Needs::Digits, typed::date),
    lint("typed-figure", Needs::Digits, typed::figure),
    lint("typed-quotation", Needs::Quotes, typed::quotation),
];

const fn lint(code: &'static str, needs: Needs, look: fn(&Text<'_>) -> Vec<Find>) -> Lint {
    Lint { code, needs, look }
}

/// More finds of one kind in one text say nothing new.
const MOST: usize = 5;

/// All that is pointed out in `text`, each with its code.
pub fn finds(text: &Text<'_>) -> Vec<(&'static str, Find)> {
    let mut found = Vec::new();
    for lint in LINTS.iter().filter(|lint| text.seen.has(lint.needs)) {
        let of_this = (lint.look)(text).into_iter().take(MOST);
        found.extend(of_this.map(|find| (lint.code, find)));
    }
    found
}

/// Where a template stood, one for each of its bytes.
const HOLE: char = HOLE_BYTE as char;
const HOLE_BYTE: u8 = 0x1a;
/// Where a link, mention or tag stood, the same.
const GAP: char = GAP_BYTE as char;
const GAP_BYTE: u8 = 0x1b;

/// A text, as the lints look at it. All forms have the same bytes in the same places.
#[derive(Debug)]
pub struct Text<'t> {
    source: &'t str,
    /// What somebody typed: templates are blanked.
    typed: Cow<'t, str>,
    /// Its words: links, mentions and tags are blanked too.
    words: Cow<'t, str>,
    marks: Vec<Mark>,
    seen: Seen,
    /// `None`: words of this language are not known.
    tongue: Option<&'static Tongue>,
    /// The campaign's own hashtags.
    hashtags: &'t [String],
    /// It may still go out in a year: it has no time of its own and does not expire.
    lasting: bool,
}

impl<'t> Text<'t> {
    pub fn new(source: &'t str, language: &str, hashtags: &'t [String], lasting: bool) -> Self {
        let typed = without_templates(source);
        let marks = marks(&typed);
        let words = if marks.is_empty() {
            typed.clone()
        } else {
            blanked(&typed, marks.iter().map(|mark| mark.range.clone()), GAP).into()
        };
        let tongue = tongue::of(language);
        let mut seen = Seen::of(source, &words);
        if tongue.is_some_and(|tongue| tongue.stirring.is_match(&words)) {
            seen.0 |= Needs::Words.bit();
        }
        Self {
            source,
            typed,
            words,
            marks,
            seen,
            tongue,
            hashtags,
            lasting,
        }
    }
}

/// What a text has, one bit for each of [`Needs`].
#[derive(Debug, Clone, Copy)]
struct Seen(u8);

impl Seen {
    /// Of most texts the digits and signs are in links and tags.
    fn of(source: &str, words: &str) -> Self {
        if !source.is_ascii() {
            return Self(!Needs::Words.bit());
        }
        let mut seen = 0;
        let mut capital = false;
        for byte in words.bytes() {
            let is_capital = byte.is_ascii_uppercase();
            seen |= match byte {
                b'0'..=b'9' => Needs::Digits.bit(),
                b'"' => Needs::Quotes.bit(),
                b'#' | HOLE_BYTE | GAP_BYTE => Needs::Marks.bit(),
                _ if capital && is_capital => Needs::Capitals.bit(),
                _ => 0,
            };
            capital = is_capital;
        }
        Self(seen)
    }

    fn has(self, needs: Needs) -> bool {
        self.0 & needs.bit() != 0
    }
}

impl Needs {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

fn without_templates(source: &str) -> Cow<'_, str> {
    if !is_template(source) {
        return source.into();
    }
    let mut holes = Vec::new();
    let mut from = 0;
    while let Some((start, close)) = next_template(source, from) {
        let rest = source.get(start + 2..).unwrap_or_default();
        let end = rest.find(close).map_or(source.len(), |at| start + 2 + at + 2);
        holes.push(start..end);
        from = end;
    }
    blanked(source, holes.into_iter(), HOLE).into()
}

/// Where the next template begins, and what ends it.
fn next_template(source: &str, from: usize) -> Option<(usize, &'static str)> {
    let rest = source.get(from..)?;
    let at = |open: &str| rest.find(open).map(|at| from + at);
    [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .filter_map(|(open, close)| Some((at(open)?, close)))
        .min()
}

/// `text` with `ranges`, which are in order and apart, blanked byte by byte.
fn blanked(text: &str, ranges: impl Iterator<Item = Range<usize>>, with: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        out.push_str(text.get(from..range.start).unwrap_or_default());
        out.extend(std::iter::repeat_n(with, range.len()));
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Whether `range` is not a piece of a longer word.
fn is_whole_word(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = around(text, range);
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

/// The characters right before and after.
fn around(text: &str, range: &Range<usize>) -> (Option<char>, Option<char>) {
    let before = text.get(..range.start).and_then(|text| text.chars().next_back());
    let after = text.get(range.end..).and_then(|text| text.chars().next());
    (before, after)
}

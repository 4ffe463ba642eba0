//! How a text looks and sounds, to those who see it and those who hear it.

use std::sync::LazyLock;

use icu_normalizer::ComposingNormalizerBorrowed;
use regex::Regex;

use super::marks::{Kind, Mark};
use super::{Find, Text};
use crate::campaign::problem::shown;
use crate::text::pattern;

// --- capitals ------------------------------------------------------------------------------------------

static SHOUTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\p{Lu}{2,}(?:['’]\p{Lu}+)?(?:[ \t\n]+\p{Lu}+(?:['’]\p{Lu}+)?)*"));

/// Words in capitals in a row of which two have four letters or more, or a sentence that is mostly in
/// capitals. One or two acronyms are neither.
pub(super) fn all_caps(text: &Text<'_>) -> Vec<Find> {
    if text.tongue.is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (start, sentence) in sentences(&text.words) {
        let runs: Vec<(usize, &str)> = SHOUTED
            .find_iter(sentence)
            .map(|run| (run.start(), whole_words(sentence, &run)))
            .filter(|(_, run)| !run.is_empty())
            .collect();
        let (Some((first, _)), Some((last, end))) = (runs.first(), runs.last()) else {
            continue;
        };
        let count = |run: &str| run.split_whitespace().count();
        let long = |run: &str| {
            run.split_whitespace()
                .filter(|word| word.chars().count() >= 4)
                .count()
        };
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let all = |of: &dyn Fn(&str) -> usize| runs.iter().map(|(_, run)| of(run)).sum::<usize>();
        // Acronyms stand alone, or in a list.
        let mostly = all(&letters) * 2 > letters(sentence)
            && runs.iter().any(|(_, run)| count(run) >= 2)
            && all(&count) >= 3
            && all(&long) >= 1;
        let range = match runs.iter().find(|(_, run)| long(run) >= 2) {
            Some((at, run)) => *at..at + run.len(),
            None if mostly => *first..last + end.len(),
            None => continue,
        };
        found.push(Find {
            range: start + range.start..start + range.end,
            message: "these words are in capitals: they read as shouting, and some screen readers spell them"
                .to_owned(),
            help: "write them in small letters".to_owned(),
        });
    }
    found
}

/// What of `run` are whole words: a capital that begins one, as in `THE End`, is not the run's.
fn whole_words<'s>(sentence: &'s str, run: &regex::Match<'_>) -> &'s str {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut kept = sentence.get(run.range()).unwrap_or_default();
    if is_letter(sentence.get(run.end()..).and_then(|rest| rest.chars().next())) {
        kept = kept.rsplit_once(char::is_whitespace).map_or("", |(kept, _)| kept);
    }
    if is_letter(
        sentence
            .get(..run.start())
            .and_then(|before| before.chars().next_back()),
    ) {
        return "";
    }
    kept.trim_end()
}

/// The sentences of a text, each with where it begins: to a full stop, a mark or an empty line. A stop
/// after one or two letters is mostly that of an initial or a title.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        let mut letters = 0;
        let mut end = rest.len();
        let mut signs = rest.char_indices().peekable();
        while let Some((at, c)) = signs.next() {
            let next = signs.peek().map(|(_, next)| *next);
            let over = match c {
                '.' => letters != 1 && letters != 2 && next.is_none_or(char::is_whitespace),
                '!' | '?' | '…' => true,
                '\n' => next.is_none_or(|next| matches!(next, '\n' | '-')),
                _ => false,
            };
            if over {
                end = at + c.len_utf8();
                break;
            }
            letters = if c.is_alphabetic() { letters + 1 } else { 0 };
        }
        let sentence = rest.get(..end)?;
        let from = start;
        start += end;
        Some((from, sentence))
    })
}

// --- emoji ---------------------------------------------------------------------------------------------

static EMOJI_RUN: LazyLock<Regex> = LazyLock::new(|| {
    let skin = r"[\x{1F3FB}-\x{1F3FF}]";
    let one = format!(
        r"\p{{Extended_Pictographic}}(?:\x{{FE0F}}|{skin}|\x{{200D}}\p{{Extended_Pictographic}}|[\x{{E0020}}-\x{{E007F}}])*"
    );
    pattern(&format!(r"(?:(?:{one}|\p{{RI}}\p{{RI}})[ \t]?){{4,}}"))
});

/// More than three emoji in a row: a screen reader says the name of each.
pub(super) fn emoji_run(text: &Text<'_>) -> Vec<Find> {
    let runs = EMOJI_RUN.find_iter(&text.typed);
    runs.map(|run| Find {
        range: run.start()..run.start() + run.as_str().trim_end().len(),
        message: "these are more than three emoji in a row: a screen reader says the name of each".to_owned(),
        help: "keep the one or two that say something".to_owned(),
    })
    .collect()
}

// --- fancy letters -------------------------------------------------------------------------------------

/// Letters and digits that only look like letters: mathematical, in circles or squares, and wide ones.
static FANCY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[\x{1D400}-\x{1D7FF}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}ℂℊℋℌℍℐℑℒℓℕℙℚℛℜℝℤℬℭℯℰℱℳℴ]{2,}",
    )
});
/// Where wide letters are at home.
static EAST_ASIAN: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"));

/// Two such letters in a row. A screen reader says "mathematical bold capital J", or nothing.
pub(super) fn fancy_letters(text: &Text<'_>) -> Vec<Find> {
    let found = FANCY.find_iter(&text.typed).filter(|run| {
        let wide = run
            .as_str()
            .chars()
            .all(|c| ('\u{ff21}'..='\u{ff5a}').contains(&c));
        !wide || !EAST_ASIAN.is_match(&text.typed)
    });
    found
        .map(|run| {
            let plain = ComposingNormalizerBorrowed::new_nfkc().normalize(run.as_str());
            let help = if plain.is_ascii() {
                format!("write `{}`", shown(&plain))
            } else {
                "write plain letters".to_owned()
            };
            Find {
                range: run.range(),
                message: format!(
                    "`{}` only looks like letters: screen readers and searches do not read it",
                    shown(run.as_str())
                ),
                help,
            }
        })
        .collect()
}

// --- links ---------------------------------------------------------------------------------------------

/// Links in a text that are not encrypted.
pub(super) fn plain_http(text: &Text<'_>) -> Vec<Find> {
    let of = |mark: &Mark| text.typed.get(mark.range.clone()).unwrap_or_default();
    let links = text
        .marks
        .iter()
        .filter(|mark| mark.kind == Kind::Address && is_plain_http(of(mark)));
    links
        .map(|link| Find {
            range: link.range.clone(),
            message: NOT_HTTPS.to_owned(),
            help: WRITE_HTTPS.to_owned(),
        })
        .collect()
}

pub const NOT_HTTPS: &str =
    "this link is not encrypted: who reads along can see and change what is behind it";
pub const WRITE_HTTPS: &str = "write `https://`, and try whether the page is there too";

/// Whether this address is read along by others. Those of the Tor network are encrypted by themselves.
pub fn is_plain_http(url: &str) -> bool {
    let plain = url
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"));
    plain && !url::Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_of_tor))
}

/// The parser of addresses has made the name small.
fn is_of_tor(host: &str) -> bool {
    host.rsplit('.').next() == Some("onion")
}

//! Finds the places of problems that were found long after reading. Messages keep no positions of their
//! values: problems are rare, so the one file that has them is parsed again.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::outside::Outside;
use super::problem::{Place, Problem, Severity, Spot};
use super::read::lines::Lines;
use super::read::split_markdown;
use crate::post::identity::MessageId;

/// The way to a value: keys, and numbers where there is a list.
pub type Path<'p> = Vec<Cow<'p, str>>;

/// A problem without a place.
#[derive(Debug, Clone)]
pub struct Unplaced {
    pub severity: Severity,
    pub code: &'static str,
    pub message: String,
    pub help: String,
    pub about: Option<MessageId>,
    /// Which `[[message]]` of the file; `None`: another table, whose name begins `path`.
    pub index: Option<usize>,
    pub path: Path<'static>,
    /// Of the value there, only these words.
    pub words: Option<String>,
    /// Which of the places where they stand, counted from 0.
    pub nth: usize,
    /// The line to fall back on.
    pub line: u32,
}

/// Gives each problem its place in `file`, whose content is `text` (`None`: it cannot be had any more).
pub fn place(file: &Arc<str>, text: Option<&str>, unplaced: Vec<Unplaced>) -> Vec<Problem> {
    let finder = text.map(|text| {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        (Lines::new(text), Source::new(file, text))
    });
    let find = |problem: &Unplaced| {
        let fallback = Place {
            line: problem.line,
            ..Place::whole(file)
        };
        finder.as_ref().map_or(fallback, |(lines, source)| {
            lines.place(file, source.find(problem, lines.text()))
        })
    };
    unplaced
        .into_iter()
        .map(|problem| Problem {
            place: find(&problem),
            severity: problem.severity,
            code: problem.code,
            message: problem.message,
            help: problem.help,
            about: problem.about,
        })
        .collect()
}

/// The place of what is found later: the value that `path` leads to, or without a path the line at `spot`.
pub fn spotted(spot: &Spot, path: &[&str], outside: &dyn Outside) -> Place {
    let text = outside.text(&spot.file);
    let whole = Place {
        line: spot.line,
        ..Place::whole(&spot.file)
    };
    let Some(text) = text.as_deref() else { return whole };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = Lines::new(text);
    let mut span = lines.span(spot.line);
    let source = Source::new(&spot.file, text);
    if let Some((first, rest)) = path.split_first()
        && let Some((_, table)) = source.root.get_key_value(*first)
        && let [key] = rest
        && let Some((key, _)) = table
            .get_ref()
            .as_table()
            .and_then(|table| table.get_key_value(*key))
    {
        span = key.span();
    }
    lines.place(&spot.file, span)
}

/// On which lines the words of a message stand that has translations. Counted from 0.
pub struct Translated {
    /// Which message of the file.
    pub index: usize,
    pub original: Range<usize>,
    /// By language: from the head of its table to the end of its text.
    pub translations: Vec<(String, Range<usize>)>,
}

/// The words of the messages of `file`, whose content is `text`.
pub fn translated(file: &str, text: &str) -> Vec<Translated> {
    let lines = Lines::new(text);
    let source = Source::new(file, text);
    let front = source.front;
    let rows = |span: Range<usize>| {
        let last = span.end.saturating_sub(1).max(span.start);
        lines.index(span.start)..lines.index(last) + 1
    };
    let words = |index: usize, table: &DeTable<'_>| {
        let original = match (text_of(table), &source.body) {
            (Some(text), _) => front + text.span().start..front + text.span().end,
            (None, Some(body)) => first_words(text, body),
            (None, None) => return None,
        };
        let languages = table.get("lang")?.get_ref().as_table()?;
        let translations = languages.iter().filter_map(|(key, value)| {
            let text = text_of(value.get_ref().as_table()?)?.span();
            let from = key.span().start.min(text.start);
            Some((key.get_ref().to_string(), rows(front + from..front + text.end)))
        });
        Some(Translated {
            index,
            original: rows(original),
            translations: translations.collect(),
        })
    };
    if source.body.is_some() {
        return words(0, &source.root).into_iter().collect();
    }
    let messages = source
        .root
        .get("message")
        .and_then(|value| value.get_ref().as_array());
    let tables = messages
        .into_iter()
        .flatten()
        .map(|message| message.get_ref().as_table());
    tables
        .enumerate()
        .filter_map(|(index, table)| words(index, table?))
        .collect()
}

/// The text, or all its variants.
fn text_of<'v, 't>(table: &'v DeTable<'t>) -> Option<&'v Spanned<DeValue<'t>>> {
    table.get("text").or_else(|| table.get("texts"))
}

/// A file parsed again.
struct Source<'t> {
    root: DeTable<'t>,
    /// Of a Markdown file: where the text stands.
    body: Option<Range<usize>>,
    front: usize,
}

impl<'t> Source<'t> {
    fn new(file: &str, text: &'t str) -> Self {
        let markdown = file
            .to_ascii_lowercase()
            .ends_with(".md")
            .then(|| split_markdown(text))
            .flatten();
        let (toml, front, body) = match markdown {
            Some((front, body)) => (
                text.get(front.clone()).unwrap_or_default(),
                front.start,
                Some(body),
            ),
            None => (text, 0, None),
        };
        Self {
            root: DeTable::parse_recoverable(toml).0.into_inner(),
            body,
            front,
        }
    }

    fn find(&self, problem: &Unplaced, text: &str) -> Range<usize> {
        let (mut table, mut span) = (Some(&self.root), 0..0);
        if self.body.is_some() {
            span = self.front.saturating_sub(4)..self.front.saturating_sub(1);
        } else if let Some(index) = problem.index {
            let message = self
                .root
                .get("message")
                .and_then(|value| value.get_ref().as_array()?.get(index));
            table = message.and_then(|message| message.get_ref().as_table());
            span = message.map_or(0..0, Spanned::span);
        }
        let mut value: Option<&Spanned<DeValue<'_>>> = None;
        for step in &problem.path {
            let next = match value.map(Spanned::get_ref) {
                Some(DeValue::Array(list)) => {
                    let item = step.parse::<usize>().ok().and_then(|at| list.get(at));
                    item.map(|item| (item.span(), item))
                }
                Some(DeValue::Table(inner)) => said(inner, step),
                Some(_) => None,
                None => table.and_then(|table| said(table, step)),
            };
            match next {
                Some((at, inner)) => {
                    span = self.front + at.start..self.front + at.end;
                    value = Some(inner);
                }
                // As far as it could be found.
                None if problem.path.len() == 1 && &**step == "text" => {
                    if let Some(body) = &self.body {
                        span = first_words(text, body);
                    }
                    break;
                }
                None => break,
            }
        }
        narrowed(text, &span, value, problem, self)
    }
}

/// The entry of `key`. A list of one text is a text.
fn said<'v, 't>(table: &'v DeTable<'t>, key: &str) -> Option<(Range<usize>, &'v Spanned<DeValue<'t>>)> {
    entry(table, key).or_else(|| entry(table, "texts").filter(|_| key == "text"))
}

/// Where the key is if its value is long, else where the value is.
fn entry<'v, 't>(table: &'v DeTable<'t>, key: &str) -> Option<(Range<usize>, &'v Spanned<DeValue<'t>>)> {
    let (key, value) = table.get_key_value(key)?;
    let long = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
    Some((if long { key.span() } else { value.span() }, value))
}

/// The first line of `body` that says something.
fn first_words(text: &str, body: &Range<usize>) -> Range<usize> {
    let words = text.get(body.clone()).unwrap_or_default();
    let start = body.start + (words.len() - words.trim_start().len());
    start..body.end
}

/// The words that the problem names, within the value that was found; of a text of several lines, its key.
fn narrowed(
    text: &str,
    span: &Range<usize>,
    value: Option<&Spanned<DeValue<'_>>>,
    problem: &Unplaced,
    source: &Source<'_>,
) -> Range<usize> {
    let within = match (value, &source.body) {
        (Some(value), _) => source.front + value.span().start..source.front + value.span().end,
        (None, Some(body)) => body.clone(),
        (None, None) => span.clone(),
    };
    let written = text.get(within.clone()).unwrap_or_default();
    if let Some(words) = problem.words.as_deref().filter(|words| !words.is_empty())
        && let Some(at) = nth(written, words, problem.nth)
    {
        return within.start + at..within.start + at + words.len();
    }
    // A text of several lines begins with three quotes: its first words say more.
    if let Some(opening) = ["\"\"\"", "'''"]
        .into_iter()
        .find(|quotes| written.starts_with(quotes))
    {
        let inner = within.start + opening.len()..within.end.saturating_sub(opening.len());
        let words = first_words(text, &inner);
        let line = text
            .get(words.clone())
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        if !line.is_empty() {
            return words.start..words.start + line.trim_end().len();
        }
    }
    span.clone()
}

/// Where `words` stand for the `nth` time; if they are written less often (with escapes, say), the first.
fn nth(written: &str, words: &str, nth: usize) -> Option<usize> {
    let mut found = written.match_indices(words).map(|(at, _)| at);
    let first = found.next()?;
    Some(
        nth.checked_sub(1)
            .and_then(|more| found.nth(more))
            .unwrap_or(first),
    )
}

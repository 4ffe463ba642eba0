//! Where the reader of one file writes down what is wrong, and how it takes typed values out of tables.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::lines::Lines;
use super::lint;
use crate::campaign::problem::{Problem, Severity, Spot, nearest, shown};
use crate::post::identity::MessageId;

pub type Span = Range<usize>;
pub type Value<'i> = Spanned<DeValue<'i>>;
pub type Table<'i> = toml::de::DeTable<'i>;

/// More problems of one file than this help nobody, and a hostile file must not fill the memory (F17).
const MOST: usize = 100;

/// Errors after which it is still clear what was meant.
const ABOUT_WORDS: &[&str] = &[
    "bad-image",
    "control-character",
    "invisible-in-link",
    "missing-alt",
    "secret",
    "text-direction",
    "too-long",
];

/// A value and where it is written.
pub type Found<T> = (T, Span);

/// What is wrong in one file, as it is found.
pub struct Report<'t> {
    pub file: Arc<str>,
    pub lines: Lines<'t>,
    pub problems: Vec<Problem>,
    /// The message that is being read.
    pub about: Option<MessageId>,
    /// How many errors so far, those beyond [`MOST`] too.
    pub errors: usize,
    /// How many of them leave open what was meant: which key, when, to whom. The others are about words.
    pub misread: usize,
}

impl<'t> Report<'t> {
    pub fn new(file: &Arc<str>, text: &'t str) -> Self {
        Self {
            file: file.clone(),
            lines: Lines::new(text),
            problems: Vec::new(),
            about: None,
            errors: 0,
            misread: 0,
        }
    }

    pub fn error(
        &mut self,
        code: &'static str,
        at: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.errors += 1;
        self.misread += usize::from(!ABOUT_WORDS.contains(&code));
        self.add(Severity::Error, code, at, message.into(), help.into());
    }

    pub fn warning(
        &mut self,
        code: &'static str,
        at: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, at, message.into(), help.into());
    }

    fn add(&mut self, severity: Severity, code: &'static str, at: Span, message: String, help: String) {
        let (severity, code, message, help) = match self.problems.len() {
            n if n < MOST => (severity, code, message, help),
            MOST => (
                Severity::Warning,
                "too-many-problems",
                format!("more than {MOST} problems in this file; the rest are not shown"),
                "mend these first".into(),
            ),
            _ => return,
        };
        self.problems.push(Problem {
            severity,
            code,
            message,
            help,
            place: self.lines.place(&self.file, at),
            about: self.about.clone(),
        });
    }

    pub fn spot(&self, offset: usize) -> Spot {
        self.lines.spot(&self.file, offset)
    }

    /// A key that nothing is known of. What is written under it would be lost without a word otherwise.
    pub fn unknown_key(&mut self, key: &str, at: Span, known: &[&'static str]) {
        // Of a hostile number of keys, most are only counted.
        let near = if self.problems.len() > MOST {
            None
        } else {
            nearest(key, known.iter().copied())
        };
        let help = match (key, near) {
            ("queue", _) => "leave it out: a message without a time takes the next free slot".into(),
            (key, _) if key.starts_with("sched") || matches!(key, "date" | "time" | "when") => {
                "write `at = 2026-12-01T09:00:00` for once, `cron = \"0 9 * * MON\"` for again and again"
                    .into()
            }
            (_, Some(near)) => format!("did you mean `{near}`?"),
            (_, None) => format!("known here: {}", known.join(", ")),
        };
        self.error("unknown-key", at, format!("unknown key `{}`", shown(key)), help);
    }

    /// What is known but not built yet: said, never ignored.
    pub fn not_yet(&mut self, what: &str, at: Span, instead: &str) {
        self.error(
            "not-yet",
            at,
            format!("{what} is not possible yet in this version"),
            instead,
        );
    }

    fn wrong_type(&mut self, key: &str, value: &Value<'_>, wanted: &str, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text in quotes",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(
            "wrong-type",
            value.span(),
            format!("`{}` must be {wanted}, and this is {found}", shown(key)),
            format!("write {example}"),
        );
    }

    /// A text of one or more lines. What deceives or must stay secret in it is reported (F5–F7, F16).
    pub fn text(&mut self, key: &str, value: &Value<'_>) -> Option<Found<String>> {
        match value.get_ref() {
            DeValue::String(text) => {
                let text = if text.contains('\r') {
                    Cow::Owned(text.replace("\r\n", "\n"))
                } else {
                    Cow::Borrowed(text.as_ref())
                };
                lint::text(self, key, &text, &value.span());
                Some((text.into_owned(), value.span()))
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
                let written = self.lines.text().get(value.span()).unwrap_or_default();
                let example = format!("`{} = \"{}\"`", shown(key), shown(written));
                self.wrong_type(key, value, "a text in quotes", &example);
                None
            }
            DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong_type(
                    key,
                    value,
                    "a text in quotes",
                    &format!("`{} = \"…\"`", shown(key)),
                );
                None
            }
        }
    }

    /// A text that says something: an empty one is an error.
    pub fn some_text(&mut self, key: &str, value: &Value<'_>) -> Option<Found<String>> {
        let (text, at) = self.text(key, value)?;
        if text.trim().is_empty() {
            self.error(
                "empty",
                at,
                format!("`{key}` is empty"),
                "write something, or leave the line out",
            );
            return None;
        }
        Some((text, at))
    }

    pub fn flag(&mut self, key: &str, value: &Value<'_>) -> Option<Found<bool>> {
        if let Some(flag) = value.get_ref().as_bool() {
            return Some((flag, value.span()));
        }
        self.wrong_type(key, value, "true or false", &format!("`{key} = true`"));
        None
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &str, value: &Value<'_>) -> Option<Vec<Found<String>>> {
        let Some(list) = value.get_ref().as_array() else {
            let example = match value.get_ref().as_str() {
                Some(one) => format!("`{key} = [\"{}\"]`", shown(one)),
                None => format!("`{key} = [\"…\", \"…\"]`"),
            };
            self.wrong_type(key, value, "a list", &example);
            return None;
        };
        Some(list.iter().filter_map(|item| self.some_text(key, item)).collect())
    }

    pub fn table<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>, example: &str) -> Option<&'v Table<'i>> {
        if let Some(table) = value.get_ref().as_table() {
            return Some(table);
        }
        self.wrong_type(key, value, "a table", example);
        None
    }

    /// The tables of `[[key]]`; a single `[key]` is reported.
    pub fn tables<'v, 'i>(&mut self, key: &str, value: &'v Value<'i>) -> Vec<(&'v Table<'i>, Span)> {
        let Some(list) = value.get_ref().as_array() else {
            self.error(
                "wrong-type",
                value.span(),
                format!("there can be many of `{key}`, so it needs two pairs of brackets"),
                format!("write `[[{key}]]`"),
            );
            return Vec::new();
        };
        let example = format!("`[[{key}]]` and its keys below");
        list.iter()
            .filter_map(|item| Some((self.table(key, item, &example)?, item.span())))
            .collect()
    }

    pub fn wrong(&mut self, key: &str, value: &Value<'_>, wanted: &str, example: &str) {
        self.wrong_type(key, value, wanted, example);
    }
}

//! One table of the config, read key by key, and what is wrong with it in words.

use std::collections::HashMap;
use std::time::Duration;

use config::{Value, ValueKind};

/// The nearest of `known` to a mistyped word, if one is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    scored
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

/// One table of the config: keys are taken out as they are understood, and what is left at the end is
/// unknown.
pub(super) struct Keys {
    path: String,
    pub left: HashMap<String, Value>,
    asked: Vec<String>,
}

impl Keys {
    pub fn new(path: &str, left: HashMap<String, Value>) -> Self {
        Self {
            path: path.to_owned(),
            left,
            asked: Vec::new(),
        }
    }

    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.left.keys().cloned().collect();
        names.sort();
        names
    }

    pub fn given(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    /// As it is called from the top of the config.
    pub fn name(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub fn take(&mut self, key: &str) -> Option<Value> {
        self.asked.push(key.to_owned());
        self.left.remove(key)
    }

    fn wrong(&self, key: &str, origin: Option<&str>, what: &str, problems: &mut Vec<String>) {
        let place = origin.map(|origin| format!(" (in {origin})")).unwrap_or_default();
        problems.push(format!("`{}` is {what}{place}", self.name(key)));
    }

    pub fn section(&mut self, key: &str, problems: &mut Vec<String>) -> Self {
        let path = self.name(key);
        let Some(value) = self.take(key) else {
            return Self::new(&path, HashMap::new());
        };
        let origin = value.origin().map(str::to_owned);
        let table = value.into_table().unwrap_or_else(|_| {
            self.wrong(
                key,
                origin.as_deref(),
                &format!("a table: write [{path}] and its keys below"),
                problems,
            );
            HashMap::new()
        });
        Self::new(&path, table)
    }

    pub fn text(&mut self, key: &str, problems: &mut Vec<String>) -> Option<String> {
        let value = self.take(key)?;
        let origin = value.origin().map(str::to_owned);
        if let ValueKind::String(text) = value.kind {
            return Some(text);
        }
        self.wrong(key, origin.as_deref(), "text, in quotes", problems);
        None
    }

    pub fn one_of(&mut self, key: &str, words: &[&str], problems: &mut Vec<String>) -> Option<String> {
        let word = self.text(key, problems)?;
        if !words.contains(&word.as_str()) {
            self.wrong(
                key,
                None,
                &format!("one of {}, not \"{word}\"", words.join(", ")),
                problems,
            );
            return None;
        }
        Some(word)
    }

    pub fn number(&mut self, key: &str, problems: &mut Vec<String>) -> Option<u64> {
        let value = self.take(key)?;
        let origin = value.origin().map(str::to_owned);
        // All that comes from the environment is text. A fraction would be rounded, a `true` be a 1.
        let whole = !matches!(value.kind, ValueKind::Float(_) | ValueKind::Boolean(_));
        let number = value.into_uint().ok().filter(|_| whole);
        if number.is_none() {
            self.wrong(key, origin.as_deref(), "a whole number", problems);
        }
        number
    }

    pub fn truth(&mut self, key: &str, problems: &mut Vec<String>) -> Option<bool> {
        let value = self.take(key)?;
        let origin = value.origin().map(str::to_owned);
        let truth = match &value.kind {
            ValueKind::Boolean(truth) => Some(*truth),
            // All that comes from the environment is text.
            ValueKind::String(text) => text.parse().ok(),
            _ => None,
        };
        if truth.is_none() {
            self.wrong(key, origin.as_deref(), "`true` or `false`", problems);
        }
        truth
    }

    pub fn duration(&mut self, key: &str, problems: &mut Vec<String>) -> Option<Duration> {
        let text = self.text(key, problems)?;
        let duration = crate::campaign::read::duration(&text);
        if duration.is_none() {
            self.wrong(
                key,
                None,
                &format!("a length of time, as in \"90s\", \"20m\", \"2h\" or \"1d\", not \"{text}\""),
                problems,
            );
        }
        duration
    }

    /// What is left belongs to somebody else, who knows these keys and no others.
    pub fn rest(mut self, known: &[String], problems: &mut Vec<String>) -> toml::Table {
        let mut rest = toml::Table::new();
        for key in known {
            match self.take(key).map(Value::try_deserialize::<toml::Value>) {
                Some(Ok(value)) => drop(rest.insert(key.clone(), value)),
                // Not with the error's words: they may show the value.
                Some(Err(_)) => problems.push(format!("`{}` can't be read", self.name(key))),
                None => {}
            }
        }
        self.finish(problems);
        rest
    }

    /// What is left is unknown.
    pub fn finish(self, problems: &mut Vec<String>) {
        for key in self.names() {
            let meant = nearest(&key, self.asked.iter().map(String::as_str));
            let meant = meant
                .map(|near| format!(", did you mean `{near}`?"))
                .unwrap_or_default();
            let origin = self.left.get(&key).and_then(Value::origin);
            let place = origin.map(|origin| format!(" (in {origin})")).unwrap_or_default();
            problems.push(format!("unknown key `{}`{meant}{place}", self.name(&key)));
        }
    }
}

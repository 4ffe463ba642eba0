//! `[alert.NAME]`: who is told when something needs a person, by which way, and of what.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use config::Value;

use super::keys::{Keys, nearest};
use crate::alert::{Kind, Terms};
use crate::platform::alert::{Entry, WAYS, find};
use crate::post::identity::AccountName;

/// How long something must be well before "solved" is said.
const CALM: Duration = Duration::from_mins(10);

/// `[alert.NAME]`.
#[derive(Clone)]
pub struct AlertSettings {
    pub name: String,
    /// A way of [`WAYS`].
    pub by: &'static str,
    pub terms: Terms,
    /// The way's own keys.
    pub keys: toml::Table,
}

/// Without the values of its keys: one may be a secret that should not be there (reliability D9).
impl fmt::Debug for AlertSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertSettings")
            .field("name", &self.name)
            .field("by", &self.by)
            .field("terms", &self.terms)
            .field("keys", &self.keys.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// All of them, by name.
pub(super) fn alerts(mut at: Keys, problems: &mut Vec<String>) -> Vec<AlertSettings> {
    let mut alerts = Vec::new();
    for name in at.names() {
        let before = problems.len();
        let keys = at.section(&name, problems);
        if problems.len() > before {
            continue; // no table
        }
        alerts.extend(alert(&name, keys, problems));
    }
    alerts
}

fn alert(name: &str, mut keys: Keys, problems: &mut Vec<String>) -> Option<AlertSettings> {
    let at = format!("[alert.{name}]");
    if name.parse::<AccountName>().is_err() {
        problems.push(format!("{at}: a name has a-z, 0-9, `.`, `_` and `-`"));
    }
    let only = only(&mut keys, &at, problems);
    let calm = keys.duration("solved_after", problems).unwrap_or(CALM);
    let entry = way_of(&mut keys, &at, problems)?;
    let own = keys.rest(&entry.keys(), problems);
    problems.extend((entry.check)(&own).into_iter().map(|why| format!("{at}: {why}")));
    Some(AlertSettings {
        name: name.to_owned(),
        by: entry.name,
        terms: Terms { only, calm },
        keys: own,
    })
}

fn way_of(keys: &mut Keys, at: &str, problems: &mut Vec<String>) -> Option<&'static Entry> {
    let ways = || WAYS.iter().map(|way| way.name);
    let all = ways().collect::<Vec<_>>().join(", ");
    let given = keys.given("by");
    let Some(wanted) = keys.text("by", problems) else {
        if !given {
            problems.push(format!("{at} needs `by = \"…\"`: one of {all}"));
        }
        return None;
    };
    let found = find(&wanted);
    if found.is_none() {
        let help = match nearest(&wanted, ways()) {
            Some(near) => format!(", did you mean \"{near}\"?"),
            None => format!("; there are {all}"),
        };
        problems.push(format!("{at}: nobody can be told by \"{wanted}\"{help}"));
    }
    found
}

fn only(keys: &mut Keys, at: &str, problems: &mut Vec<String>) -> BTreeSet<Kind> {
    let Some(value) = keys.take("only") else {
        return BTreeSet::new();
    };
    let all = Kind::ALL.map(|(word, _)| word).join(", ");
    let words: Vec<String> = value
        .into_array()
        .unwrap_or_default()
        .iter()
        .map(Value::to_string)
        .collect();
    let kinds: Option<BTreeSet<Kind>> = words
        .iter()
        .map(|word| {
            Kind::ALL
                .iter()
                .find(|(known, _)| known == word)
                .map(|(_, kind)| *kind)
        })
        .collect();
    kinds.filter(|kinds| !kinds.is_empty()).unwrap_or_else(|| {
        problems.push(format!("{at}: `only` is a list of some of {all}"));
        BTreeSet::new()
    })
}

//! Reads `[fact.NAME]`.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::report::{Report, Span, Value};
use super::settings::bad_language;
use super::time::out_of_range;
use super::value::{Written, is_language, written};
use crate::campaign::fact::{Fact, FactStatus};
use crate::campaign::problem::{Spot, shown};
use crate::post::identity::propose_name;

/// The keys of `[fact.NAME]`.
pub const FACT_KEYS: &[&str] = &[
    "value",
    "source",
    "as_of",
    "review_by",
    "status",
    "says",
    "note",
    "lang",
];

/// `[fact.NAME]`: known by name even if something is wrong in it, so that the messages that use it are
/// told what is wrong instead of that there is no such fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFact {
    pub name: Box<str>,
    pub fact: Option<Fact>,
    pub spot: Spot,
}

pub fn facts(report: &mut Report<'_>, value: &Value<'_>) -> Vec<RawFact> {
    let Some(table) = report.table("fact", value, "`[fact.NAME]` and its keys below") else {
        return Vec::new();
    };
    table
        .iter()
        .filter_map(|(key, value)| {
            let name = key.get_ref().as_ref();
            let good = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !good {
                let near = propose_name(name).map_or_else(|| "verdict".into(), |near| near.replace('-', "_"));
                report.error(
                    "bad-name",
                    key.span(),
                    format!(
                        "`{}` cannot be a fact's name: only a-z, 0-9 and `_` can",
                        shown(name)
                    ),
                    format!("write `[fact.{near}]`, and `{{{{ fact.{near} }}}}` where it is used"),
                );
            }
            let fact = fact(report, name, value, key.span());
            good.then(|| RawFact {
                name: name.into(),
                fact,
                spot: report.spot(key.span().start),
            })
        })
        .collect()
}

fn fact(report: &mut Report<'_>, name: &str, value: &Value<'_>, key_at: Span) -> Option<Fact> {
    let table = report.table(
        name,
        value,
        &format!("`[fact.{}]` and its keys below", shown(name)),
    )?;
    let mut fact = Fact {
        value: String::new(),
        source: String::new(),
        as_of: None,
        review_by: None,
        status: FactStatus::default(),
        says: None,
        note: None,
        lang: BTreeMap::new(),
        says_in: BTreeMap::new(),
        spot: report.spot(key_at.start),
    };
    let mut complete = true;
    for (key, value) in table {
        let errors = report.errors;
        match key.get_ref().as_ref() {
            "value" => fact.value = fact_text(report, "value", value),
            "source" => fact.source = fact_text(report, "source", value),
            "as_of" => fact.as_of = date(report, "as_of", value),
            "review_by" => fact.review_by = date(report, "review_by", value),
            "status" => fact.status = status(report, value),
            "says" => fact.says = report.some_text("says", value).map(|found| found.0),
            "note" => fact.note = report.text("note", value).map(|found| found.0),
            "lang" => translations(report, value, &mut fact),
            other => report.unknown_key(other, key.span(), FACT_KEYS),
        }
        complete &= errors == report.errors;
    }
    for (key, why) in [
        ("value", "write `value = \"10-2\"`"),
        (
            "source",
            "a fact needs the source that it can be checked against: write `source = \"https://…\"`",
        ),
    ] {
        if !table.contains_key(key) {
            complete = false;
            report.error(
                "missing",
                key_at.clone(),
                format!("fact `{}` has no `{key}`", shown(name)),
                why,
            );
        }
    }
    complete.then_some(fact)
}

/// A fact's own words are not templates: they would not be worked out.
fn fact_text(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> String {
    let Some((text, at)) = report.some_text(key, value) else {
        return String::new();
    };
    if key == "value" && ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
        report.error(
            "bad-template",
            at,
            "a fact's value cannot have `{{ … }}` in it",
            "write the value as it is to be read",
        );
    }
    text
}

/// The fact in other languages. Both `lang.es = "…"` and `[fact.NAME.lang.es] value = "…"` are ways to say it.
fn translations(report: &mut Report<'_>, value: &Value<'_>, fact: &mut Fact) {
    let Some(table) = report.table("lang", value, "`lang = { es = \"…\" }`") else {
        return;
    };
    for (key, value) in table {
        let tag = key.get_ref().as_ref();
        if !is_language(tag) {
            bad_language(report, tag, key.span());
            continue;
        }
        let Some(inner) = value.get_ref().as_table() else {
            fact.lang
                .insert(tag.to_owned(), fact_text(report, "value", value));
            continue;
        };
        for (key, value) in inner {
            let forms = match key.get_ref().as_ref() {
                "value" => &mut fact.lang,
                "says" => &mut fact.says_in,
                other => {
                    report.unknown_key(other, key.span(), &["value", "says"]);
                    continue;
                }
            };
            let key = key.get_ref();
            forms.insert(tag.to_owned(), fact_text(report, key, value));
        }
    }
}

fn date(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<Date> {
    let example = format!("`{key} = 2027-06-01`");
    match value.get_ref().as_datetime().map(written) {
        Some(Written::Date(date)) => Some(date),
        Some(Written::OutOfRange) => {
            out_of_range(report, key, value.span());
            None
        }
        Some(_) | None => {
            report.wrong(key, value, "a date alone, without quotes", &example);
            None
        }
    }
}

fn status(report: &mut Report<'_>, value: &Value<'_>) -> FactStatus {
    // What cannot be read does not count as confirmed.
    let Some((word, at)) = report.text("status", value) else {
        return FactStatus::Disputed;
    };
    match word.as_str() {
        "confirmed" => FactStatus::Confirmed,
        "disputed" => FactStatus::Disputed,
        "retracted" => FactStatus::Retracted,
        other => {
            report.error(
                "bad-value",
                at,
                format!("`status` cannot be `{}`", shown(other)),
                "write \"confirmed\", \"disputed\" or \"retracted\"",
            );
            FactStatus::Disputed
        }
    }
}

//! Reads when and after what: dates, times of day, waits.

use std::time::Duration;

use jiff::civil::Date;
use toml::de::DeValue;

use super::report::{Found, Report, Span, Value};
use super::value::{Written, duration, written};
use crate::campaign::message::Local;
use crate::campaign::problem::shown;
use crate::post::identity::MessageId;

/// The keys of `after`.
pub const AFTER_KEYS: &[&str] = &["message", "wait"];

/// A date, or a date with a time of day.
enum Day {
    Date(Date),
    At(Local),
}

/// A date or a date-time; anything else is reported.
fn day(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<Day> {
    let example = format!("`{key} = 2026-12-24` or `{key} = 2026-12-24T18:00:00`");
    let Some(datetime) = value.get_ref().as_datetime() else {
        report.wrong(key, value, "a date, without quotes", &example);
        return None;
    };
    match written(datetime) {
        Written::Date(date) => Some(Day::Date(date)),
        Written::Local(local) => Some(Day::At(local)),
        Written::Time => {
            report.error(
                "bad-time",
                value.span(),
                format!("`{key}` is a time of day without a date"),
                format!("write {example}"),
            );
            None
        }
        Written::OutOfRange => {
            out_of_range(report, key, value.span());
            None
        }
    }
}

pub fn out_of_range(report: &mut Report<'_>, key: &str, at: Span) {
    report.error(
        "bad-time",
        at,
        format!("`{key}` is outside the years that can be reckoned with"),
        "is the year right?",
    );
}

/// From when on: a date means its first instant.
pub fn beginning(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<Local> {
    Some(match day(report, key, value)? {
        Day::Date(date) => Local::Civil(date.at(0, 0, 0, 0)),
        Day::At(local) => local,
    })
}

/// Until when: a date means all of that day.
pub fn end(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<Local> {
    match day(report, key, value)? {
        Day::Date(date) => {
            let next = date.tomorrow().ok();
            if next.is_none() {
                out_of_range(report, key, value.span());
            }
            Some(Local::Civil(next?.at(0, 0, 0, 0)))
        }
        Day::At(local) => Some(local),
    }
}

/// A local time of day on a day, or one with an offset.
pub fn at(report: &mut Report<'_>, value: &Value<'_>) -> Option<Local> {
    let example = "`at = 2026-12-01T09:00:00`, without quotes";
    let Some(datetime) = value.get_ref().as_datetime() else {
        report.wrong("at", value, "a date and time", example);
        return None;
    };
    let message = match written(datetime) {
        Written::Local(local) => return Some(local),
        Written::Date(date) => {
            report.error(
                "bad-time",
                value.span(),
                "`at` has a date but no time of day",
                format!("write `at = {date}T09:00:00`"),
            );
            return None;
        }
        Written::OutOfRange => {
            out_of_range(report, "at", value.span());
            return None;
        }
        Written::Time => "`at` has a time of day but no date",
    };
    report.error("bad-time", value.span(), message, format!("write {example}"));
    None
}

pub fn after(report: &mut Report<'_>, value: &Value<'_>) -> Option<(MessageId, Duration)> {
    let example = "`after = { message = \"hearing-denied\", wait = \"2h\" }`";
    let table = report.table("after", value, example)?;
    let (mut message, mut wait) = (None, Some(Duration::ZERO));
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "message" => message = message_id(report, "message", value),
            "wait" => wait = length(report, "wait", value),
            other => report.unknown_key(other, key.span(), AFTER_KEYS),
        }
    }
    if !table.contains_key("message") {
        report.error(
            "missing",
            value.span(),
            "`after` does not say which message to wait for",
            format!("write {example}"),
        );
    }
    Some((message?, wait?))
}

pub fn message_id(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<MessageId> {
    let found = report.text(key, value)?;
    one_id(report, found)
}

/// A list of them.
pub fn message_ids(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Vec<MessageId> {
    let found = report.texts(key, value).unwrap_or_default().into_iter();
    found.filter_map(|found| one_id(report, found)).collect()
}

fn one_id(report: &mut Report<'_>, (id, at): Found<String>) -> Option<MessageId> {
    match id.parse() {
        Ok(id) => Some(id),
        Err(why) => {
            report.error(
                "bad-id",
                at,
                format!("`{}` is no message's id: {why}", shown(&id)),
                "write the id of the message, as it is in its file",
            );
            None
        }
    }
}

/// How long: `6h`.
fn length(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<Duration> {
    if value.get_ref().as_str().is_none() {
        report.wrong(
            key,
            value,
            "a length of time in quotes",
            &format!("`{key} = \"6h\"`"),
        );
        return None;
    }
    let (text, at) = report.text(key, value)?;
    let found = duration(&text);
    if found.is_none() {
        report.error(
            "bad-duration",
            at,
            format!("`{}` is not a length of time", shown(&text)),
            format!("write it like `{key} = \"90m\"`, `\"6h\"` or `\"2d\"`; at most a year"),
        );
    }
    found
}

pub fn late(report: &mut Report<'_>, value: &Value<'_>) -> Option<Duration> {
    let instead = "write how late it may still go out, like `late = \"6h\"`";
    match value.get_ref() {
        DeValue::Table(_) => {
            report.not_yet("`late` with `then`", value.span(), instead);
            None
        }
        DeValue::String(word) if matches!(word.as_ref(), "skip" | "hold" | "post") => {
            report.not_yet(&format!("`late = \"{word}\"`"), value.span(), instead);
            None
        }
        _ => length(report, "late", value),
    }
}

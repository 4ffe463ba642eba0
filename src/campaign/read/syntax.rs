//! What is wrong with the TOML itself, in words for people who do not know what TOML is.

use toml::de::Error;

use super::report::Report;

/// Reports the parser's errors.
pub fn problems(report: &mut Report<'_>, errors: &[Error]) {
    for error in errors {
        let at = error.span().unwrap_or(0..0);
        let text = report.lines.text();
        let here = text.get(at.clone()).unwrap_or_default();
        let line = text
            .get(..at.start)
            .unwrap_or_default()
            .rsplit('\n')
            .next()
            .unwrap_or_default();
        let (message, help) = plain(error.message(), here, line);
        report.error("syntax", at, message, help);
    }
}

/// (what is wrong, what to write) for an error of the parser, the words it is about, and what stands before
/// them on their line.
fn plain(message: &str, here: &str, before: &str) -> (String, String) {
    let starts = |beginning: &str| message.starts_with(beginning);
    let (said, help) = if here.starts_with(['“', '”', '‘', '’', '„', '«']) {
        (
            "these quotes are for reading, not for writing files",
            "write straight quotes: \"…\"",
        )
    } else if here.starts_with("True") || here.starts_with("False") {
        ("`true` and `false` are written small", "write `true` or `false`")
    } else if starts("invalid boolean") || starts("string values must be quoted") {
        ("a text must be in quotes", "write it as \"…\"")
    } else if starts("invalid multi-line") && here.is_empty() {
        (
            "this text begins with three quotes and never ends",
            "write \"\"\" on a line of its own after the last line of the text",
        )
    } else if starts("invalid basic string") && here.is_empty() {
        (
            "the closing quote is missing",
            "write a \" at the end; a text of several lines begins and ends with \"\"\"",
        )
    } else if starts("invalid literal string") && here.is_empty() {
        ("the closing quote is missing", "write a ' at the end")
    } else if starts("invalid basic string") || starts("invalid multi-line basic string") {
        ("there is a character here that cannot be in a text", "delete it")
    } else if starts("unexpected key or value") && before.contains('"') {
        (
            "there is something behind the end of this text",
            "if the text has quotes in it, write them as \\\", or use “…”; or put the text between \"\"\"",
        )
    } else if starts("unexpected key or value") {
        (
            "there is something behind the end of this value",
            "put each key on a line of its own",
        )
    } else if starts("key with no value") && before.trim_start().starts_with('-') {
        (
            "this is a YAML list, and these files are TOML",
            "write `[[message]]` on a line, and `key = value` lines below it",
        )
    } else if starts("key with no value") && before.contains(':') {
        (
            "there is no `=` on this line",
            "write `key = \"value\"`, with `=` instead of `:`",
        )
    } else if starts("key with no value") {
        (
            "there is no `=` on this line",
            "write `key = \"value\"`; if it belongs to a text of several lines, put the text between \"\"\"",
        )
    } else if starts("duplicate key") {
        (
            "this is here twice",
            "delete one of them; many messages are written with two pairs of brackets: `[[message]]`",
        )
    } else if starts("missing escaped value") {
        (
            "a \\ in a text has a meaning of its own",
            "write \\\\ for one, or put the text between single quotes",
        )
    } else if starts("unclosed array table") {
        ("a bracket is missing", "write two at each end: `[[message]]`")
    } else if starts("unclosed table") {
        ("a bracket is missing", "write `]` at the end")
    } else if starts("unclosed array") {
        ("this list never ends", "write `]` after its last value")
    } else if starts("unclosed inline table") {
        ("this `{` is never closed", "write `}` after its last value")
    } else if starts("missing comma") {
        ("a comma is missing", "write `,` between two values")
    } else if starts("invalid date") || starts("invalid time") {
        let what = message
            .split_once("expected ")
            .map(|(_, what)| what)
            .unwrap_or_default();
        let help = if what.is_empty() {
            "write a date as 2026-12-01, a time as 2026-12-01T09:00:00".to_owned()
        } else {
            format!("expected {what}; a date is written as 2026-12-01, a time as 2026-12-01T09:00:00")
        };
        return (
            format!(
                "there is no date or time `{}`",
                crate::campaign::problem::shown(here)
            ),
            help,
        );
    } else {
        return (
            crate::campaign::problem::shown(message),
            "see the example at the top of the manual for how it is written".into(),
        );
    };
    (said.into(), help.into())
}

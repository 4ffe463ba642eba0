//! Messages without an id of their own.

use super::Draft;
use crate::campaign::problem::shown;
use crate::campaign::read::report::{Report, Span, Table};
use crate::post::identity::{MessageId, propose_name};

/// The id of a message that has none, or a wrong one: an error that proposes one.
pub(super) fn nameless(
    report: &mut Report<'_>,
    draft: &Draft,
    table: &Table<'_>,
    at: &Span,
    name: Option<&str>,
    index: usize,
) -> Option<MessageId> {
    let words: String = draft
        .words
        .texts
        .first()
        .map_or("", |text| text)
        .split_whitespace()
        .filter(|word| !word.contains(['{', '}', '%', '/']))
        .take(4)
        .collect::<Vec<_>>()
        .join(" ");
    let wrong = draft
        .id
        .as_ref()
        .map(|(id, _)| id.as_str())
        .filter(|id| !id.is_empty());
    let near = [wrong, name, Some(words.as_str())]
        .into_iter()
        .flatten()
        .find_map(propose_name)
        .unwrap_or_else(|| format!("message-{}", index + 1));
    let help = format!("write `id = \"{near}\"`; it must be unique, and never change");
    match &draft.id {
        Some((id, at)) if !id.is_empty() => {
            let why = id
                .parse::<MessageId>()
                .err()
                .map_or_else(String::new, |why| why.to_string());
            report.error(
                "bad-id",
                at.clone(),
                format!("`{}` cannot be an id: {why}", shown(id)),
                help,
            );
        }
        // Said already.
        None if table.contains_key("id") => {}
        _ => report.error("missing-id", at.clone(), "this message has no `id`", help),
    }
    [near, format!("message-{}", index + 1)]
        .into_iter()
        .find_map(|id| id.parse().ok())
}

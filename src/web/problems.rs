//! `/problems`: what is wrong in the message files, as `steadfast check` says it, with the line.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::campaign::problem::{Place, Problem, Severity, is_deceptive};

use super::Site;
use super::frame::{Frame, Room};
use super::overview::overview;
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::many_of;

/// How many a page has.
const PAGE: usize = 60;
/// So much of a line is shown around what is meant, in characters.
const AROUND: usize = 80;

#[derive(Deserialize)]
pub(super) struct Asked {
    from: Option<usize>,
}

#[derive(Template)]
#[template(path = "web/problems.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// How many there are.
    summary: String,
    rows: Vec<Row>,
    next: Option<usize>,
}

struct Row {
    error: bool,
    code: &'static str,
    message: String,
    help: String,
    place: String,
    line: u32,
    /// Before what is meant, that itself, and after it; all empty where there is no line to show.
    text: (String, String, String),
    about: Option<String>,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let frame = Frame::new(&site, &visit, Room::Problems, visit.t.problems, None).await?;
    let view = overview(&site).await?;
    let (errors, warnings): (Vec<&Problem>, Vec<&Problem>) = view
        .problems
        .iter()
        .partition(|problem| problem.severity == Severity::Error);
    let (count, from) = (errors.len() + warnings.len(), asked.from.unwrap_or_default());
    let page = Page {
        summary: [
            many_of(errors.len(), visit.t.one_error, visit.t.errors),
            many_of(warnings.len(), visit.t.one_warning, visit.t.warnings),
        ]
        .join(", "),
        rows: errors
            .into_iter()
            .chain(warnings)
            .skip(from)
            .take(PAGE)
            .map(row)
            .collect(),
        next: from.checked_add(PAGE).filter(|next| *next < count),
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

fn row(problem: &Problem) -> Row {
    Row {
        error: problem.severity == Severity::Error,
        code: problem.code,
        message: problem.message.clone(),
        help: problem.help.clone(),
        place: format!(
            "{}:{}:{}",
            problem.place.file, problem.place.line, problem.place.column
        ),
        line: problem.place.line,
        text: line(&problem.place),
        about: problem.about.as_ref().map(ToString::to_string),
    }
}

/// The line in three pieces. What cannot be seen is drawn as `�`.
fn line(place: &Place) -> (String, String, String) {
    let shown = |c: char| {
        if is_deceptive(c) && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    let from = usize::try_from(place.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let length = usize::try_from(place.length).unwrap_or(usize::MAX);
    let skipped = from.saturating_sub(AROUND);
    let start = if skipped > 0 { "…" } else { "" };
    let mut chars = place.text.chars().map(shown).skip(skipped);
    let before: String = chars.by_ref().take(from - skipped).collect();
    let meant: String = chars.by_ref().take(length.min(4 * AROUND)).collect();
    let after: String = chars.by_ref().take(AROUND).collect();
    let end = if chars.next().is_some() { "…" } else { "" };
    (format!("{start}{before}"), meant, format!("{after}{end}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn place(text: &str, column: u32, length: u32) -> Place {
        Place {
            file: Arc::from("a.toml"),
            line: 1,
            column,
            length,
            text: Arc::from(text),
        }
    }

    #[test]
    fn what_is_meant_is_marked_in_its_line() {
        assert_eq!(
            line(&place("é = 1; txet = 2", 8, 4)),
            ("é = 1; ".into(), "txet".into(), " = 2".into())
        );
        let long = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let (before, meant, after) = line(&place(&long, 301, 1));
        assert_eq!((before.chars().count(), &*meant), (AROUND + 1, "X"));
        assert!(before.starts_with('…') && after.ends_with('…'));
        // Past its end, there is nothing to mark.
        assert_eq!(
            line(&place("ab", 9, 3)),
            ("ab".into(), String::new(), String::new())
        );
        assert_eq!(line(&place("a\u{1b}[2J", 1, 2)).1, "a\u{fffd}");
    }
}

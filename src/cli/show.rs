//! Problems for people, in the look of rustc, and for machines, as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::say::many;
use crate::campaign::problem::{Place, Problem, Severity, is_deceptive};

/// The problems one below the other, each with its line, then how many there are. `styled`: with colours.
/// Empty if there are none.
pub fn render(problems: &[Problem], styled: bool) -> String {
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for problem in problems {
        let _ = writeln!(out, "{}\n", one(problem, &renderer));
    }
    if !problems.is_empty() {
        let _ = writeln!(out, "{}", count(problems));
    }
    out
}

fn one(problem: &Problem, renderer: &Renderer) -> String {
    let place = &problem.place;
    let (line, span) = window(place);
    let path = visible(&place.file);
    let (message, help) = (visible(&problem.message), visible(&problem.help));
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&*message).id(problem.code);
    let mut group = if line.is_empty() {
        title.element(Origin::path(&*path))
    } else {
        title.element(
            Snippet::source(&*line)
                .line_start(usize::try_from(place.line).unwrap_or(1))
                .path(&*path)
                .fold(false)
                .annotation(AnnotationKind::Primary.span(span)),
        )
    };
    if !help.is_empty() {
        group = group.element(Level::HELP.message(&*help));
    }
    renderer.render(&[group])
}

/// The line as it can be shown, and the bytes in it that are meant. What cannot be seen is drawn as `�`,
/// one for one, so that columns stay what they are.
fn window(place: &Place) -> (String, std::ops::Range<usize>) {
    let show = |c: char| {
        if is_deceptive(c) && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    let line: String = place.text.chars().map(show).collect();
    let byte = |column: u32| {
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
    };
    let from = place.column.saturating_sub(1);
    let span = byte(from)..byte(from.saturating_add(place.length));
    (line, span)
}

/// On one line, with nothing that moves the cursor (reliability D10).
fn visible(text: &str) -> String {
    let show = |c: char| if is_deceptive(c) { '\u{fffd}' } else { c };
    text.chars().map(show).collect()
}

/// `3 errors, 1 warning in 2 files`.
pub fn count(problems: &[Problem]) -> String {
    let of = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let files: BTreeSet<_> = problems.iter().map(|problem| &problem.place.file).collect();
    let found: Vec<String> = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| many(n, word))
        .collect();
    if found.is_empty() {
        return "no problems".to_owned();
    }
    format!("{} in {}", found.join(", "), many(files.len(), "file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::check::rows;

    fn problem(message: &str, line: &str, column: u32, length: u32) -> Problem {
        Problem {
            severity: Severity::Error,
            code: "unknown-key",
            message: message.into(),
            help: "did you mean `text`?".into(),
            place: Place {
                file: "a\u{1b}[2J.toml".into(),
                line: 3,
                column,
                length,
                text: line.into(),
            },
            about: None,
        }
    }

    #[test]
    fn the_underline_is_under_what_is_meant() {
        let shown = render(&[problem("unknown key `txet`", "é = 1; txet = 2", 8, 4)], false);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[3], "3 | é = 1; txet = 2");
        assert_eq!(lines[4], "  |        ^^^^");
        assert_eq!(lines.last(), Some(&"1 error in 1 file"));
    }

    #[test]
    fn d10_nothing_in_a_file_can_forge_a_line_or_move_the_cursor() {
        let bad = problem("a\nerror: forged\u{1b}[31m", "x\u{1b}[2J\u{202e}y", 1, 3);
        let shown = render(&[bad], false);
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
        assert_eq!(shown.matches("\nerror").count(), 0);
    }

    #[test]
    fn machines_get_what_the_design_says() {
        let found = rows(&[problem("m", "line", 2, 3)]);
        let expected = serde_json::json!([{
            "severity": "error", "code": "unknown-key", "message": "m", "help": "did you mean `text`?",
            "file": "a\u{1b}[2J.toml", "line": 3, "column": 2, "length": 3
        }]);
        assert_eq!(serde_json::to_value(found).unwrap(), expected);
        assert_eq!(render(&[], false), "");
    }
}

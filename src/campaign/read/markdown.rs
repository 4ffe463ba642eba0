//! A Markdown file: one message. Its settings stand between two lines of `+++`, its text below them.

use std::sync::Arc;

use toml::de::DeTable;

use super::report::{Report, Span};
use super::{FileRead, finish, message, stem, syntax};

/// The offsets of the front matter and of the text below it; `None` without two lines of `+++`.
pub fn split(text: &str) -> Option<(Span, Span)> {
    let is_mark = |line: &str| line.trim_end() == "+++";
    let mut offset = 0;
    let mut front = None;
    for line in text.split_inclusive('\n') {
        let next = offset + line.len();
        match front {
            // Nothing but empty lines may stand above it.
            None if line.trim().is_empty() => {}
            None if is_mark(line) => front = Some(next),
            None => return None,
            Some(start) if is_mark(line) => return Some((start..offset, next..text.len())),
            Some(_) => {}
        }
        offset = next;
    }
    None
}

pub fn read(file: &Arc<str>, text: &str) -> FileRead {
    let mut report = Report::new(file, text);
    let read = FileRead::new(file);
    // An empty file says nothing, and nothing is wrong with it.
    if text.trim().is_empty() {
        return read;
    }
    let Some((front, body)) = split(text) else {
        report.error(
            "front-matter",
            0..text.lines().next().unwrap_or_default().len(),
            "this message has no settings",
            "begin the file with a line of `+++`, then `id = \"…\"`, then another line of `+++`, then the text",
        );
        return finish(read, report, 1);
    };
    // Blanks in place of what is above keep every offset what it is in the file.
    let above = text.get(..front.start).unwrap_or_default();
    let blank: String = above
        .bytes()
        .map(|b| if b == b'\n' { '\n' } else { ' ' })
        .collect();
    let toml = blank + text.get(front.clone()).unwrap_or_default();
    let (root, errors) = DeTable::parse_recoverable(&toml);
    syntax::problems(&mut report, &errors);
    let syntax_errors = report.problems.len();

    let written = text.get(body.clone()).unwrap_or_default();
    let trimmed = written.trim();
    let start = body.start + (written.len() - written.trim_start().len());
    let words = (!trimmed.is_empty()).then(|| (trimmed.replace("\r\n", "\n"), start..start + trimmed.len()));
    let mark = above.trim_end().len();
    let at = mark.saturating_sub(3)..mark;
    let mut read = read;
    read.messages.extend(message::message(
        &mut report,
        root.get_ref(),
        &at,
        0,
        words,
        Some(stem(file)),
    ));
    finish(read, report, syntax_errors)
}

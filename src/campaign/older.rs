//! Translations that are older than their originals: somebody mended the one and forgot the other.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::place::{Unplaced, place, translated};
use super::problem::{Problem, Severity};
use super::read::FileRead;

/// Whether a file has any translation: the version history of others need not be asked for.
pub fn has_translations(read: &FileRead) -> bool {
    let mut messages = read.messages.iter();
    messages.any(|entry| !entry.message.for_language.is_empty())
}

/// The translations in `read` that are older than their originals. `text` is the file, and `written` says of
/// each of its lines when it was last changed.
///
/// A text is as old as its youngest line. Of a translation all counts from the head of its table on, so that
/// a comment there can say that it was looked at and still holds.
pub fn older(read: &FileRead, text: &str, written: &[Timestamp], zone: &TimeZone) -> Vec<Problem> {
    let newest = |lines: Range<usize>| written.get(lines)?.iter().max().copied();
    let mut found = Vec::new();
    for words in translated(&read.file, text) {
        let Some(entry) = read.messages.iter().find(|entry| entry.index == words.index) else {
            continue;
        };
        let Some(original) = newest(words.original) else {
            continue;
        };
        for (language, lines) in words.translations {
            let Some(translation) = newest(lines).filter(|at| *at < original) else {
                continue;
            };
            let day = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string();
            let minute = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
            let (mut before, mut after) = (day(translation), day(original));
            if before == after {
                (before, after) = (minute(translation), minute(original));
            }
            found.push(Unplaced {
                severity: Severity::Warning,
                code: "translation-older",
                message: format!(
                    "the words in `{language}` were last changed on {before}, their original on {after}"
                ),
                help: format!(
                    "bring them up to date; if they still say the same, write a comment below `[message.lang.{language}]`"
                ),
                about: entry.named.then(|| entry.message.id.clone()),
                index: Some(words.index),
                path: ["lang", &language, "text"]
                    .map(|step| step.to_owned().into())
                    .to_vec(),
                words: None,
                nth: 0,
                line: entry.message.place.line,
            });
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    place(&read.file, Some(text), found)
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    const FILE: &str = "[[message]]\nid = \"m\"\ntext = \"\"\"\nOne.\nTwo.\n\"\"\"\n\n[message.lang.es]\n# looked at\n\
                        text = \"Uno. Dos.\"\n\n[message.lang.fr]\ntext = \"Un. Deux.\"\n";

    /// The problems if only the lines named (from 1) were changed later than all others.
    fn changed(file: &str, text: &str, lines: &[usize]) -> Vec<(u32, String)> {
        let at = |days: i64| Timestamp::from_second(1_780_000_000 + days * 86_400).unwrap();
        let written: Vec<Timestamp> = (1..=text.lines().count())
            .map(|line| at(if lines.contains(&line) { 9 } else { 0 }))
            .collect();
        older(&read(file, text.as_bytes()), text, &written, &TimeZone::UTC)
            .into_iter()
            .map(|problem| (problem.place.line, problem.message))
            .collect()
    }

    #[test]
    fn an_original_that_was_changed_leaves_its_translations_behind() {
        assert_eq!(changed("m.toml", FILE, &[]), []);
        let said = |language| {
            format!("the words in `{language}` were last changed on 2026-05-28, their original on 2026-06-06")
        };
        assert_eq!(
            changed("m.toml", FILE, &[5]),
            [(10, said("es")), (13, said("fr"))]
        );
        // The id is no words, and a comment below the head says that somebody looked.
        assert_eq!(changed("m.toml", FILE, &[2]), []);
        assert_eq!(changed("m.toml", FILE, &[5, 9]), [(13, said("fr"))]);
        assert_eq!(changed("m.toml", FILE, &[4, 8, 13]), []);
    }

    #[test]
    fn a_markdown_files_original_is_its_body() {
        let text = "+++\nid = \"m\"\n[lang.es]\ntext = \"Uno.\"\n+++\nOne.\n";
        assert_eq!(changed("m.md", text, &[6]).len(), 1);
        assert_eq!(changed("m.md", text, &[4]), []);
        assert_eq!(changed("m.md", text, &[2]), []);
    }

    #[test]
    fn a_history_that_does_not_fit_the_file_says_nothing() {
        let read = read("m.toml", FILE.as_bytes());
        assert!(older(&read, FILE, &[], &TimeZone::UTC).is_empty());
    }
}

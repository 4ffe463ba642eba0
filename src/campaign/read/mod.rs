//! From the bytes of one file to what it says, and every problem in it with its place.
//!
//! Reading never stops at the first problem. An error in a message holds that message; a file that is not
//! TOML is broken: all its messages are held, but what was still understood of them is checked, so that
//! all can be mended at once.

mod allow;
mod fact;
pub mod lines;
mod lint;
mod markdown;
mod message;
mod report;
mod settings;
mod syntax;
mod time;
mod value;
mod words;

use std::sync::{Arc, Mutex};

use toml::de::DeTable;

pub use fact::{FACT_KEYS, RawFact};
pub use lint::secret;
pub(super) use markdown::split as split_markdown;
pub use message::{Entry, MESSAGE_KEYS, NOT_YET_KEYS};
pub use settings::{BLACKOUT_KEYS, CAMPAIGN_KEYS, CARD_KEYS, RawBlackout, RawCampaign};
pub use time::AFTER_KEYS;
pub use value::{duration, is_language};
pub use words::{IMAGE_KEYS, WORDS_KEYS};

use super::check::Stash;
use super::problem::{Place, Problem, Severity};
use report::{Report, Span};

/// The largest file that is read, in bytes (reliability F4).
pub const FILE_MAX: usize = 1024 * 1024;

/// The tables of a file.
pub const FILE_KEYS: &[&str] = &["campaign", "blackout", "fact", "message"];

/// What one file says. It keeps no text of the file beside the messages' own.
#[derive(Debug)]
pub struct FileRead {
    /// Relative to the messages folder.
    pub file: Arc<str>,
    pub campaign: Option<RawCampaign>,
    pub blackouts: Vec<RawBlackout>,
    pub facts: Vec<RawFact>,
    pub messages: Vec<Entry>,
    pub problems: Vec<Problem>,
    /// Why the file could not be understood as a whole; then all its messages are held.
    pub broken: Option<String>,
    /// Why its settings or blackouts cannot be relied on; then everything is held.
    pub unsure: Option<String>,
    /// The last check of its messages, which is still good while nothing else has changed.
    pub(super) stash: Mutex<Option<Stash>>,
}

impl FileRead {
    fn new(file: &Arc<str>) -> Self {
        Self {
            file: file.clone(),
            campaign: None,
            blackouts: Vec::new(),
            facts: Vec::new(),
            messages: Vec::new(),
            problems: Vec::new(),
            broken: None,
            unsure: None,
            stash: Mutex::new(None),
        }
    }

    /// A file or folder that cannot be read, and why, in a sentence.
    pub fn unreadable(file: &str, why: &str, help: &str) -> Self {
        broken(&file.into(), "file-unreadable", why.to_owned(), help, None)
    }
}

/// Reads the file `file` (its path in the messages folder), whose content is `bytes`.
pub fn read(file: &str, bytes: &[u8]) -> FileRead {
    let file: Arc<str> = file.into();
    let text = match decode(&file, bytes) {
        Ok(text) => text,
        Err(unreadable) => return *unreadable,
    };
    if std::path::Path::new(&*file)
        .extension()
        .is_some_and(|ext| ext.eq_ignore_ascii_case("md"))
    {
        markdown::read(&file, text)
    } else {
        tables(&file, text)
    }
}

/// The text in `bytes`, or the file with the reason why there is none (F2–F4).
fn decode<'b>(file: &Arc<str>, bytes: &'b [u8]) -> Result<&'b str, Box<FileRead>> {
    let fail = |code, message: String, help, place| Err(Box::new(broken(file, code, message, help, place)));
    let save = "open it in a text editor and save it as UTF-8";
    if bytes.len() > FILE_MAX {
        let help = "split it into several files; media belongs in files of its own";
        return fail(
            "file-too-large",
            "this file is larger than 1 MiB".into(),
            help,
            None,
        );
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return fail(
            "file-encoding",
            "this file is UTF-16, not UTF-8 (from byte 1)".into(),
            save,
            None,
        );
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let at = error.valid_up_to();
            let (good, bad) = bytes.split_at(at);
            let good = std::str::from_utf8(good).unwrap_or_default();
            let line = good.bytes().filter(|b| *b == b'\n').count();
            let before = good.rsplit('\n').next().unwrap_or_default();
            let rest = bad.split(|b| *b == b'\n').next().unwrap_or_default();
            let place = Place {
                file: file.clone(),
                line: u32::try_from(line + 1).unwrap_or(u32::MAX),
                column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
                length: 1,
                text: format!("{before}{}", String::from_utf8_lossy(rest))
                    .trim_end_matches('\r')
                    .into(),
            };
            let byte = bad.first().copied().unwrap_or_default();
            let message = format!("this file is not UTF-8: byte {} is 0x{byte:02X}", at + 1);
            fail("file-encoding", message, save, Some(place))
        }
    }
}

fn broken(
    file: &Arc<str>,
    code: &'static str,
    message: String,
    help: &str,
    place: Option<Place>,
) -> FileRead {
    let mut read = FileRead::new(file);
    read.problems.push(Problem {
        severity: Severity::Error,
        code,
        message: message.clone(),
        help: help.to_owned(),
        place: place.unwrap_or_else(|| Place::whole(file)),
        about: None,
    });
    read.broken = Some(message);
    read
}

/// Reads a file of TOML tables.
fn tables(file: &Arc<str>, text: &str) -> FileRead {
    let mut report = Report::new(file, text);
    let mut read = FileRead::new(file);
    let (root, errors) = DeTable::parse_recoverable(text);
    syntax::problems(&mut report, &errors);
    let syntax_errors = report.problems.len();

    for (key, value) in root.get_ref() {
        match key.get_ref().as_ref() {
            "campaign" => {
                let before = report.problems.len();
                read.campaign = settings::campaign(&mut report, value);
                unsure(&mut read, &report, before);
            }
            "blackout" => {
                let before = report.problems.len();
                for (index, (table, at)) in report.tables("blackout", value).into_iter().enumerate() {
                    read.blackouts
                        .extend(settings::blackout(&mut report, table, &at, index));
                }
                unsure(&mut read, &report, before);
            }
            "fact" => read.facts = fact::facts(&mut report, value),
            "message" => {
                let single = value
                    .get_ref()
                    .as_array()
                    .and_then(|list| list.len().checked_sub(1))
                    == Some(0);
                let name = single
                    .then(|| stem(file))
                    .filter(|name| !matches!(*name, "messages" | "campaign"));
                for (index, (table, at)) in report.tables("message", value).into_iter().enumerate() {
                    read.messages
                        .extend(message::message(&mut report, table, &at, index, None, name));
                }
            }
            other => stray(&mut report, other, key.span()),
        }
    }
    finish(read, report, syntax_errors)
}

/// A key that stands above all tables, where none belongs.
fn stray(report: &mut Report<'_>, key: &str, at: Span) {
    let table = [("[[message]]", MESSAGE_KEYS), ("[campaign]", CAMPAIGN_KEYS)]
        .into_iter()
        .find(|(_, keys)| keys.contains(&key));
    match table {
        Some((table, _)) => report.error(
            "unknown-key",
            at,
            format!("`{key}` belongs to no table here"),
            format!("write `{table}` on a line above it"),
        ),
        None => report.unknown_key(key, at, FILE_KEYS),
    }
}

/// Settings and blackouts with an error in them cannot be kept to, so nothing goes out until they are
/// mended: the line that could not be read may be the one that says "stop".
fn unsure(read: &mut FileRead, report: &Report<'_>, before: usize) {
    let found = report.problems.get(before..).unwrap_or_default();
    let first = found
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .min_by_key(|problem| &problem.place);
    if let Some(problem) = first.filter(|_| read.unsure.is_none()) {
        read.unsure = Some(format!(
            "{}, line {}: {}",
            read.file, problem.place.line, problem.message
        ));
    }
}

/// Puts the problems in order, and says whether the file as a whole could be understood.
fn finish(mut read: FileRead, report: Report<'_>, syntax_errors: usize) -> FileRead {
    let mut syntax = report.problems;
    let mut found = syntax.split_off(syntax_errors.min(syntax.len()));
    syntax.sort_by(|a, b| a.place.cmp(&b.place));
    if let Some(first) = syntax.first() {
        read.broken = Some(format!("line {}: {}", first.place.line, first.message));
        if read.campaign.is_some() || !read.blackouts.is_empty() {
            read.unsure = Some(format!(
                "{}, line {}: {}",
                read.file, first.place.line, first.message
            ));
        }
        // On a line that is not TOML, what the parser guessed says nothing about what was meant; and what is
        // missing may be there, on that line.
        found.retain(|problem| {
            let same_line = |error: &Problem| error.place.line == problem.place.line;
            !matches!(problem.code, "missing" | "missing-id") && !syntax.iter().any(same_line)
        });
    }
    read.problems = syntax;
    read.problems.append(&mut found);
    read.problems
        .sort_by(|a, b| (&a.place, a.code).cmp(&(&b.place, b.code)));
    read
}

/// The name of a file without folders and ending.
fn stem(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
//! The rules of the house that no lint can say: who may know whom, what the ground floor never touches, how
//! a file opens. They are read from the sources. Each rule is also shown a made-up file that breaks it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Every room from the ground up, and whom it may know. It may name only rooms that stand above it in this
/// list, so nobody ever looks up the stairs.
#[rustfmt::skip]
const HOUSE: &[(&str, &[&str])] = &[
    // Ground: no input or output, no clock, no randomness, no async.
    ("text", &[]),
    ("post", &["text"]),
    ("alert", &["post"]),
    ("calendar::civil", &[]),
    ("calendar::cron", &["calendar::civil"]),
    ("calendar::window", &["calendar::civil"]),
    ("calendar::traffic", &["calendar::civil"]),
    ("calendar::steady", &[]),
    ("calendar::past", &["post"]),
    ("campaign", &["text", "post", "calendar::civil", "calendar::cron", "calendar::window", "calendar::traffic"]),
    ("calendar::plan", &["post", "campaign", "calendar::civil", "calendar::cron", "calendar::traffic", "calendar::past"]),
    ("calendar::outlook", &["post", "campaign", "calendar::civil", "calendar::plan"]),
    ("calendar::bill", &["text", "post", "campaign", "calendar::civil", "calendar::plan"]),
    ("calendar", &[]), // only the list of its rooms
    // First floor: each talks to one thing; neither knows the other.
    ("clock", &["calendar::steady"]),
    ("card", &["text", "post"]),
    ("folder", &["text", "post", "campaign", "card"]),
    ("ledger", &["post", "campaign", "calendar::past"]),
    ("platform", &["text", "post", "alert", "calendar::steady", "clock"]),
    ("seal", &["platform"]),
    ("settings", &["text", "post", "alert", "campaign", "platform", "seal"]),
    // Second floor: the shell.
    ("daemon", &["text", "post", "alert", "calendar", "campaign", "clock", "folder", "ledger", "platform", "seal", "settings"]),
    // Third floor: what the rooms of the roof share.
    ("desk", &["text", "post", "alert", "calendar", "campaign", "clock", "folder", "ledger", "platform", "seal", "settings", "daemon"]),
    // Roof: they see all below.
    ("web", &["text", "post", "calendar", "campaign", "clock", "folder", "ledger", "platform", "settings", "daemon", "desk"]),
    ("cli", &["text", "post", "alert", "calendar", "campaign", "clock", "folder", "ledger", "platform", "seal", "settings", "daemon", "desk", "web"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

const GROUND: [&str; 5] = ["text", "post", "alert", "calendar", "campaign"];

/// What would make the ground floor depend on more than its arguments.
const NOT_ON_THE_GROUND: [&str; 22] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "axum",
    "config",
    "getrandom",
    "notify",
    "rand",
    "reqwest",
    "rustix",
    "sqlx",
    "tokio",
    "tokio_util",
    "tracing",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
];

/// The same, where a word is enough.
const NO_SUCH_WORD_ON_THE_GROUND: [&str; 9] = [
    "async",
    "await",
    "SystemTime",
    "Instant",
    "println",
    "eprintln",
    "print",
    "eprint",
    "async_trait",
];

/// The most lines that a file may have outside its tests, and those that may have more, with the reason.
const LONG: usize = 450;
const LONGER: [(&str, &str); 19] = [
    (
        "src/cli/args.rs",
        "every command and its options, as `--help` has them",
    ),
    (
        "src/platform/facebook.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/mod.rs",
        "what every adapter keeps, and the list of them",
    ),
    (
        "src/post/step.rs",
        "every decision about a delivery, to be read in one go",
    ),
    (
        "src/ledger/sqlite/mod.rs",
        "opening a ledger, and one line for each verb",
    ),
    (
        "src/ledger/postgres/mod.rs",
        "opening a ledger, and one line for each verb",
    ),
    (
        "src/ledger/sqlite/write.rs",
        "one statement for each verb, all in one transaction",
    ),
    (
        "src/platform/bluesky.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/mastodon.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/telegram.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/slack.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/discord.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/nostr.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/linkedin.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/reddit.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/tumblr.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/platform/x.rs",
        "one platform is one file, in the order of its manual",
    ),
    (
        "src/text/limits/table.rs",
        "the rules of all platforms, one row each",
    ),
    ("src/web/words.rs", "all that the pages say, one row each"),
];

/// What may `expect`, with the reason.
const EXPECTS: [(&str, &str); 2] = [
    ("src/text/mod.rs", "patterns that are constants"),
    ("src/campaign/assemble/settings.rs", "an id that is a constant"),
];

// --- the rules ------------------------------------------------------------------------------------------

#[test]
fn nobody_knows_whom_they_should_not() {
    let broken: Vec<String> = SOURCES.iter().flat_map(strangers).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (file, code, who) in [
        (
            "src/text/count.rs",
            "use crate::post::content::Part;",
            "post::content::Part",
        ),
        (
            "src/text/count.rs",
            "use crate::{clock, text::{limits::{Limits, Doubt}}};",
            "clock",
        ),
        (
            "src/post/step.rs",
            "fn f(c: &super::super::calendar::plan::Plan) {}",
            "calendar::plan::Plan",
        ),
        (
            "src/calendar/civil.rs",
            "use super::{cron::Cron, civil};",
            "calendar::cron::Cron",
        ),
        (
            "src/calendar/cron/parse.rs",
            "use super::super::traffic::Traffic;",
            "calendar::traffic::Traffic",
        ),
        (
            "src/calendar/window.rs",
            "use crate::campaign::message::When;",
            "campaign::message::When",
        ),
        (
            "src/calendar/past.rs",
            "fn f() { crate::ledger::sqlite::open() }",
            "ledger::sqlite::open",
        ),
        (
            "src/campaign/mod.rs",
            "use crate::calendar::plan::plan;",
            "calendar::plan::plan",
        ),
        (
            "src/ledger/mod.rs",
            "use crate::platform::Sealed;",
            "platform::Sealed",
        ),
        (
            "src/platform/http.rs",
            "use crate::ledger::Ledger;",
            "ledger::Ledger",
        ),
        ("src/folder/mod.rs", "use crate::daemon::watch;", "daemon::watch"),
        ("src/settings.rs", "use crate::ledger::sqlite;", "ledger::sqlite"),
        ("src/daemon/mod.rs", "use crate::cli::Exit;", "cli::Exit"),
        ("src/web/mod.rs", "pub(crate) use crate::cli as shell;", "cli"),
        ("src/main.rs", "use steadfast::daemon;", "daemon"),
        ("src/web/mod.rs", "use crate::attic::Trunk;", "attic::Trunk"),
    ] {
        let found = strangers(&Source::new(file, code));
        assert_eq!(found.len(), 1, "{file}: {code}: {found:?}");
        assert!(found[0].ends_with(&format!("`{who}`")), "{found:?}");
    }
    let allowed = "use crate::post::state; // crate::cli\n#[cfg(test)]\nmod tests { use crate::cli::Exit; }";
    assert_eq!(
        strangers(&Source::new("src/ledger/mod.rs", allowed)),
        [] as [String; 0]
    );
}

#[test]
fn the_house_has_stairs_that_go_one_way_and_every_room_is_in_the_list() {
    for (number, (room, known)) in HOUSE.iter().enumerate() {
        for other in *known {
            let above = HOUSE.iter().take(number);
            let is_above = above.into_iter().any(|(name, _)| name == other);
            assert!(
                is_above,
                "{room} may not name {other}: it does not stand above it"
            );
        }
    }
    let sources = &*SOURCES;
    assert!(
        sources.len() > 60,
        "the sources were not found: {}",
        sources.len()
    );
    for source in sources {
        assert!(
            room_of(&source.module).is_some(),
            "{} has no room in HOUSE",
            source.name
        );
    }
    for (room, _) in HOUSE {
        let lived_in = sources.iter().any(|source| room_of(&source.module) == Some(room));
        assert!(lived_in, "nobody lives in {room} any more");
    }
}

#[test]
fn only_commands_name_a_database_and_only_to_open_it() {
    let broken: Vec<String> = SOURCES.iter().flat_map(engines).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (file, code) in [
        ("src/web/mod.rs", "use crate::ledger::sqlite::Sqlite;"),
        ("src/daemon/mod.rs", "use crate::ledger::{Ledger, sqlite::Lock};"),
        ("src/cli/history.rs", "use crate::ledger::sqlite::read;"),
        ("src/cli/run.rs", "use crate::ledger::postgres::Postgres;"),
    ] {
        assert_eq!(engines(&Source::new(file, code)).len(), 1, "{file}: {code}");
    }
    let opens = Source::new(
        "src/cli/run.rs",
        "use crate::ledger::{Ledger, open::Place, sqlite::{Lock, Sqlite}};",
    );
    assert!(engines(&opens).is_empty());
}

#[test]
fn the_ground_floor_depends_on_nothing_but_its_arguments() {
    let ground: Vec<&Source> = SOURCES.iter().filter(|source| source.is_ground()).collect();
    assert!(
        ground.len() > 30,
        "the ground floor was not found: {}",
        ground.len()
    );
    let broken: Vec<String> = ground.into_iter().flat_map(impure).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for code in [
        "use std::{fmt, fs::File};",
        "use std::time::{Duration, SystemTime};",
        "use std::time::Instant;",
        "fn f() { let now = jiff::Timestamp::now(); }",
        "use jiff::Timestamp;\nfn f() { Timestamp::now(); }",
        "use jiff::Zoned;\nfn f() { Zoned::now(); }",
        "pub async fn f() {}",
        "fn f() { println!(\"x\"); }",
        "use tokio::sync::Mutex;",
        "fn f() { rand::random() }",
        "fn f() { tracing::info!(\"x\"); }",
    ] {
        assert!(
            !impure(&Source::new("src/text/count.rs", code)).is_empty(),
            "{code}"
        );
    }
    let pure = "// tokio, std::fs\nconst A: &str = \"std::fs::read tokio::spawn async println!\";\nconst Q: char = '\"';\n\
                #[cfg(test)]\nmod tests { use std::fs; }\n#[cfg(test)]\nmod more;\nfn life<'a>(x: &'a str) {}";
    assert_eq!(impure(&Source::new("src/text/count.rs", pure)), [] as [String; 0]);
}

#[test]
fn the_network_has_two_doors() {
    let broken: Vec<String> = SOURCES.iter().flat_map(windows).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for code in ["use reqwest::Client;", "fn f() { lettre::Message::builder() }"] {
        assert_eq!(
            windows(&Source::new("src/daemon/mod.rs", code)).len(),
            1,
            "{code}"
        );
    }
    assert!(windows(&Source::new("src/platform/mail.rs", "use lettre::Message;")).is_empty());
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let broken: Vec<String> = SOURCES
        .iter()
        .filter(|s| !opens(s))
        .map(|s| s.name.clone())
        .collect();
    assert!(broken.is_empty(), "no `//!` at the top of {broken:?}");
    assert!(!opens(&Source::new("src/a.rs", "use std::fmt;\n//! late")));
    assert!(!opens(&Source::new("src/a.rs", "//!\n")));
}

#[test]
fn a_file_that_grows_is_two_things_or_has_a_reason() {
    let mut wrong = Vec::new();
    for source in &*SOURCES {
        let reason = LONGER.iter().any(|(name, _)| *name == source.name);
        match (long(source), reason) {
            (Some(lines), false) => {
                wrong.push(format!(
                    "{} has {lines} lines outside its tests: is it two things?",
                    source.name
                ));
            }
            (None, true) => wrong.push(format!(
                "{} is short enough by now: take it out of LONGER",
                source.name
            )),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, _) in LONGER {
        assert!(
            SOURCES.iter().any(|source| source.name == name),
            "{name} is gone: take it out of LONGER"
        );
    }
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    fn f() {}\n".repeat(LONG)
    );
    let at_most = "fn f() {}\n".repeat(LONG);
    assert_eq!(long(&Source::new("src/a.rs", &format!("{at_most}{tests}"))), None);
    assert_eq!(
        long(&Source::new(
            "src/a.rs",
            &format!("{at_most}{tests}fn g() {{}}\n")
        )),
        Some(LONG + 1)
    );
    assert_eq!(
        long(&Source::new("src/a/tests.rs", &"fn f() {}\n".repeat(LONG * 2))),
        None
    );
}

#[test]
fn nothing_is_unsafe_and_nothing_unwraps_what_may_come_from_outside() {
    for source in &*SOURCES {
        let may = usize::from(EXPECTS.iter().any(|(name, _)| *name == source.name));
        let found = careless(source);
        assert_eq!(
            found.len(),
            may,
            "{}: {found:?}, and EXPECTS says {may}",
            source.name
        );
    }
    for code in [
        "fn f() { unsafe { g() } }",
        "fn f() { g()\n    .unwrap() }",
        "fn f() { g().expect(\"it is there\") }",
        "fn f() { g().unwrap_unchecked() }",
    ] {
        assert_eq!(careless(&Source::new("src/a.rs", code)).len(), 1, "{code}");
    }
    let careful = "#![forbid(unsafe_code)] // unsafe, .unwrap()\n#[expect(dead_code)]\nfn f() { g().unwrap_or(1); unwrap() }\n\
                   #[cfg(test)]\nmod tests { fn f() { g().unwrap(); } }";
    assert_eq!(careless(&Source::new("src/a.rs", careful)), [] as [String; 0]);
    for path in files_below(&root().join("tests")) {
        let in_tests = path.extension().is_some_and(|ext| ext == "rs")
            && words(&bare(&fs::read_to_string(&path).unwrap()))
                .iter()
                .any(|(_, word)| word == "unsafe");
        assert!(!in_tests, "{} is unsafe", path.display());
    }
}

#[test]
fn no_file_speaks_of_the_place_where_it_was_written() {
    // Written so that this very file does not match.
    let speaks =
        Regex::new(r"/w[o]rk/|/r[o]ot/|/U[s]ers/|(?i:s[u]bagent|\bAI (a[s]sistant|a[g]ent))").unwrap();
    let mut seen = 0;
    for path in files_below(&root()) {
        let Ok(text) = fs::read_to_string(&path) else {
            continue; // an image
        };
        seen += 1;
        let found = text.lines().enumerate().find(|(_, line)| speaks.is_match(line));
        assert!(found.is_none(), "{}: {found:?}", path.display());
    }
    assert!(seen > 100, "the files were not found: {seen}");
    assert!(speaks.is_match(&["see /w", "ork/notes"].concat()));
    assert!(speaks.is_match(&["an ai a", "ssistant"].concat()));
}

// --- how each is found ----------------------------------------------------------------------------------

/// Paths into rooms that this file's room may not know.
fn strangers(source: &Source) -> Vec<String> {
    let Some(room) = room_of(&source.module) else {
        return vec![format!("{} has no room in HOUSE", source.name)];
    };
    let known = HOUSE
        .iter()
        .find(|(name, _)| *name == room)
        .map_or(&[][..], |(_, known)| known);
    let stranger = |path: &String| match room_of(path) {
        Some(theirs) => theirs != room && !known.iter().any(|known| is_within(theirs, known)),
        None => true,
    };
    source
        .own_paths()
        .into_iter()
        .filter(stranger)
        .map(|path| format!("{}: {room} may not know `{path}`", source.name))
        .collect()
}

/// Paths into one database's own module, from outside the ledger, but for what commands need of a file.
fn engines(source: &Source) -> Vec<String> {
    let opening = ["ledger::sqlite::Lock", "ledger::sqlite::Sqlite"];
    let may =
        |path: &str| is_within(&source.module, "cli") && opening.iter().any(|item| is_within(path, item));
    source
        .own_paths()
        .into_iter()
        .filter(|path| {
            let engine = ["ledger::sqlite", "ledger::postgres"]
                .iter()
                .any(|room| is_within(path, room));
            engine && !is_within(&source.module, "ledger") && !may(path)
        })
        .map(|path| format!("{}: `{path}` is one database's own", source.name))
        .collect()
}

/// Ways to the network that are not by its doors.
fn windows(source: &Source) -> Vec<String> {
    let doors = [("reqwest", "platform::http"), ("lettre", "platform::mail")];
    let other = |path: &String| {
        doors
            .iter()
            .any(|(library, door)| is_within(path, library) && !is_within(&source.module, door))
            && !is_within(path, "reqwest::header")
    };
    let paths = source.paths.iter().filter(|path| other(path));
    paths
        .map(|path| format!("{}: `{path}` is no door to the network", source.name))
        .collect()
}

fn impure(source: &Source) -> Vec<String> {
    let paths = source.paths.iter().filter(|path| {
        NOT_ON_THE_GROUND
            .iter()
            .any(|no| is_within(path, no) || format!("jiff::{path}") == *no)
    });
    let words = words(&source.code);
    let words = words
        .iter()
        .map(|(_, word)| word)
        .filter(|word| NO_SUCH_WORD_ON_THE_GROUND.contains(&word.as_str()));
    paths
        .chain(words)
        .map(|what| format!("{}: `{what}` has no place on the ground floor", source.name))
        .collect()
}

fn opens(source: &Source) -> bool {
    source
        .text
        .strip_prefix("//! ")
        .is_some_and(|rest| !rest.trim().is_empty())
}

/// The number of lines outside tests, if it is too high.
fn long(source: &Source) -> Option<usize> {
    let lines = source.code.lines().count();
    (lines > LONG).then_some(lines)
}

fn careless(source: &Source) -> Vec<String> {
    static UNWRAPS: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\.\s*(unwrap\s*\(|expect\s*\(|unwrap_unchecked)|unsafe[\s{]"));
    let found = UNWRAPS.find_iter(&source.code).map(|found| found.as_str());
    found
        .map(|what| format!("{}: `{}`", source.name, what.trim()))
        .collect()
}

// --- reading Rust, as far as it is needed ---------------------------------------------------------------

/// A file of `src/`.
struct Source {
    /// `src/post/step.rs`
    name: String,
    /// `post::step`
    module: String,
    text: String,
    /// Without comments, without what is in quotes, without tests; a file of tests has none.
    code: String,
    /// Every path in `code`, with its nested braces spread out, `crate::`, `self::` and `super::` kept.
    paths: Vec<String>,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        let module = name
            .trim_start_matches("src/")
            .trim_end_matches(".rs")
            .replace('/', "::");
        let module = module.trim_end_matches("::mod").to_owned();
        let is_test = module.split("::").any(|step| step == "tests");
        let code = if is_test {
            String::new()
        } else {
            without_tests(&bare(text))
        };
        let paths = paths(&code);
        Self {
            name: name.to_owned(),
            module,
            text: text.to_owned(),
            code,
            paths,
        }
    }

    fn is_ground(&self) -> bool {
        GROUND.iter().any(|room| is_within(&self.module, room))
    }

    /// The paths that lead into this crate, from its root.
    fn own_paths(&self) -> Vec<String> {
        let absolute = |path: &String| {
            let (first, rest) = path.split_once("::")?;
            let mut at: Vec<&str> = match first {
                "crate" => vec![],
                "steadfast" if self.module == "main" => vec![],
                "self" | "super" => self.module.split("::").collect(),
                _ => return None,
            };
            if first == "super" {
                at.pop();
            }
            for step in rest.split("::") {
                match step {
                    "super" => drop(at.pop()),
                    step => at.push(step),
                }
            }
            Some(at.join("::"))
        };
        self.paths.iter().filter_map(absolute).collect()
    }
}

fn pattern(source: &str) -> Regex {
    Regex::new(source).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All of `src/`, read once.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let rust = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "rs");
    let files = files_below(&root().join("src")).into_iter().filter(rust);
    files
        .map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            Source::new(&name, &fs::read_to_string(&path).unwrap())
        })
        .collect()
});

/// All files of the project below a folder, in order; not what is built, kept or run.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap().to_str().unwrap();
        if ["target", "state", ".git"].contains(&name) || path.ends_with("config/local.toml") {
            continue;
        }
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The room of HOUSE that a module or path is in.
fn room_of(path: &str) -> Option<&'static str> {
    let rooms = HOUSE
        .iter()
        .map(|(room, _)| *room)
        .filter(|room| is_within(path, room));
    rooms.max_by_key(|room| room.len())
}

fn is_within(path: &str, room: &str) -> bool {
    path.strip_prefix(room)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The code with its lines as they were, but without comments and without what is in quotes.
fn bare(text: &str) -> String {
    static ASIDE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r#"(?s)//[^\n]*|/\*.*?\*/|\br(#*)"|"(?:[^"\\]|\\.)*"|'(?:[^'\\\n]|\\[^\n]{1,9}?)'"#)
    });
    let mut out = String::new();
    let mut rest = text;
    while let Some(found) = ASIDE.captures(rest) {
        let whole = found.get(0).unwrap();
        let mut end = whole.end();
        if let Some(marks) = found.get(1) {
            let close = format!("\"{}", marks.as_str());
            end += rest[end..].find(&close).unwrap() + close.len();
        }
        out.push_str(&rest[..whole.start()]);
        out.push(' ');
        out.extend(rest[whole.start()..end].chars().filter(|c| *c == '\n'));
        rest = &rest[end..];
    }
    out + rest
}

/// Bare code without the items that are there in tests only.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::new();
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        out.push_str(&rest[..start]);
        let item = &rest[start + MARK.len()..];
        rest = &item[end_of_item(item)..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out + rest
}

/// Past the `;` or the closing brace.
fn end_of_item(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// The names and marks of bare code, each with its place.
fn words(code: &str) -> Vec<(usize, String)> {
    static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z_][A-Za-z0-9_]*|::|[^\s]"));
    WORD.find_iter(code)
        .map(|found| (found.start(), found.as_str().to_owned()))
        .collect()
}

/// Every path of more than one step, nested braces spread out.
fn paths(code: &str) -> Vec<String> {
    let words: Vec<String> = words(code).into_iter().map(|(_, word)| word).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let begins = matches!(words.get(at..at + 2), Some([name, mark]) if is_name(name) && mark == "::");
        if begins {
            at = branch(&words, at, "", &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Reads one path, or one branch of a `use`, from `at` on; says where it ends.
fn branch(words: &[String], mut at: usize, before: &str, found: &mut Vec<String>) -> usize {
    let mut path = before.to_owned();
    while let Some(word) = words.get(at) {
        if word == "{" && path.ends_with("::") {
            at += 1;
            while let Some(word) = words.get(at).filter(|word| *word != "}") {
                at = if word == "," {
                    at + 1
                } else {
                    branch(words, at, &path, found).max(at + 1)
                };
            }
            return at + 1;
        }
        if word == "*" && path.ends_with("::") {
            at += 1;
            break;
        }
        if !is_name(word) {
            break;
        }
        if word != "self" || path.is_empty() {
            path.push_str(word);
        }
        at += 1;
        if words.get(at).is_none_or(|word| word != "::") {
            break;
        }
        path.push_str("::");
        at += 1;
    }
    found.push(path.trim_end_matches("::").to_owned());
    at
}

//! The pages name everything there is: a problem, a key, a command, an event, a state or a crate that is new
//! must be explained, and none is explained that is gone.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use regex::Regex;
use schemars::SchemaGenerator;
use steadfast::alert::Kind;
use steadfast::campaign::codes::CODES;
use steadfast::campaign::problem::Severity;
use steadfast::campaign::read;
use steadfast::cli::args::Cli;
use steadfast::clock::RELEASED;
use steadfast::platform::PLATFORMS;
use steadfast::platform::alert::WAYS;
use steadfast::post::state::State;
use steadfast::settings::DEFAULTS;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Everything of `text` that the first group of `pattern` catches.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let found = pattern
        .captures_iter(text)
        .map(|found| found.get(1).unwrap().as_str().to_owned());
    found.collect()
}

/// What stands between back quotes, whole or as the first word.
fn quoted(text: &str) -> BTreeSet<String> {
    all(r"`([a-zA-Z0-9_.-]+)[^`\n]*`", text)
}

fn assert_named(page: &str, names: impl IntoIterator<Item = impl AsRef<str>>) {
    let known = quoted(&self::page(page));
    let missing: Vec<String> = names
        .into_iter()
        .map(|name| name.as_ref().to_owned())
        .filter(|name| !known.contains(name))
        .collect();
    assert!(missing.is_empty(), "{page} does not name {missing:?}");
}

/// All files below a folder whose names end in `ending`.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_problem_has_its_heading_and_its_severity() {
    let page = page("docs/staff/problems.md");
    let written: Vec<String> = Regex::new(r"(?m)^## `([a-z-]+)`\n\n(Error|Warning)\b")
        .unwrap()
        .captures_iter(&page)
        .map(|found| format!("{} {}", &found[1], &found[2]))
        .collect();
    let mut known: Vec<String> = CODES
        .iter()
        .map(|(code, severity, _)| match severity {
            Severity::Error => format!("{code} Error"),
            Severity::Warning => format!("{code} Warning"),
        })
        .collect();
    known.sort();
    assert_eq!(written, known);
}

#[test]
fn every_key_of_the_message_files_is_explained() {
    let keys = [
        read::FILE_KEYS,
        read::CAMPAIGN_KEYS,
        read::BLACKOUT_KEYS,
        read::FACT_KEYS,
        read::MESSAGE_KEYS,
        read::WORDS_KEYS,
        read::IMAGE_KEYS,
        read::AFTER_KEYS,
        read::NOT_YET_KEYS,
    ]
    .concat();
    let page = page("docs/staff/messages.md");
    let shown = quoted(&page);
    let in_examples = all(r"(?m)(?:^|[\[{ ])([a-z_]+)(?: = |\]|\.)", &page);
    let missing: Vec<&&str> = keys
        .iter()
        .filter(|key| !shown.contains(**key) && !in_examples.contains(**key))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/staff/messages.md does not name {missing:?}"
    );
}

#[test]
fn the_examples_for_staff_are_read_without_a_problem_of_form() {
    let page = page("docs/staff/messages.md");
    let blocks = Regex::new(r"(?s)```(toml|markdown)\n(.*?)```").unwrap();
    let mut count = 0;
    for found in blocks.captures_iter(&page) {
        let file = if &found[1] == "toml" {
            "example.toml"
        } else {
            "example.md"
        };
        let problems = read::read(file, found[2].as_bytes()).problems;
        assert!(problems.is_empty(), "{}\n{problems:#?}", &found[2]);
        count += 1;
    }
    assert!(count > 5, "the examples were not found: {count}");
}

#[test]
fn every_setting_is_explained() {
    let defaults: toml::Table = toml::from_str(DEFAULTS).unwrap();
    let mut keys = Vec::new();
    for (key, value) in &defaults {
        if let Some(table) = value.as_table() {
            keys.extend(table.keys().map(|inner| format!("{key}.{inner}")));
        } else {
            keys.push(key.clone());
        }
    }
    let every_account = [
        "platform",
        "language",
        "untranslated",
        "min_gap",
        "max_per_day",
        "in_doubt",
    ];
    keys.extend(every_account.map(str::to_owned));
    let mut generator = SchemaGenerator::default();
    for platform in PLATFORMS {
        keys.push(platform.name.to_owned());
        let schema = (platform.schema)(&mut generator);
        let own = schema.as_value()["properties"].as_object().unwrap();
        keys.extend(own.keys().cloned());
    }
    assert!(keys.len() > 20, "{keys:?}");
    assert_named("docs/operators/config.md", keys);
}

#[test]
fn every_key_and_kind_of_alerts_is_explained() {
    let mut generator = SchemaGenerator::default();
    let mut keys: Vec<String> = ["by", "only", "solved_after"].map(str::to_owned).into();
    for way in WAYS {
        keys.push(way.name.to_owned());
        let schema = (way.schema)(&mut generator);
        let own = schema.as_value()["properties"].as_object().unwrap();
        keys.extend(own.keys().cloned());
    }
    keys.extend(Kind::ALL.map(|(word, _)| word.to_owned()));
    assert_named("docs/operators/alerts.md", keys);
}

#[test]
fn every_command_and_option_is_explained() {
    let page = page("docs/operators/commands.md");
    let headings = all(r"(?m)^### `([a-z]+)`$", &page);
    let mut commands = BTreeSet::new();
    for command in Cli::command().get_subcommands() {
        commands.insert(command.get_name().to_owned());
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(
                page.contains(&format!("--{option}")),
                "`{} --{option}` is not explained",
                command.get_name()
            );
        }
    }
    assert_eq!(headings, commands);
}

#[test]
fn every_event_of_the_log_is_explained() {
    let mut events = BTreeSet::new();
    for file in files(&root().join("src"), ".rs") {
        let text = fs::read_to_string(file).unwrap();
        events.extend(all(r#"event = (?:if \w+ \{\s+)?"([a-z_.]+)""#, &text));
        // Chosen between two.
        events.extend(all(
            r#"event = if \w+ \{\s+"[a-z_.]+"\s+\} else \{\s+"([a-z_.]+)""#,
            &text,
        ));
    }
    assert!(events.len() > 20, "{events:?}");
    let explained = all(r"(?m)^\| `([a-z]+\.[a-z_]+)` \|", &page("docs/operators/logs.md"));
    assert_eq!(explained, events);
}

#[test]
fn every_state_of_a_post_is_explained() {
    let explained = all(r"(?m)^\| `([a-z_]+)` \|", &page("docs/operators/posts.md"));
    let states: BTreeSet<String> = State::ALL.map(|state| state.to_string()).into();
    assert!(
        states.is_subset(&explained),
        "{:?}",
        states.difference(&explained).collect::<Vec<_>>()
    );
}

#[test]
fn every_crate_is_there_for_a_reason() {
    let manifest: toml::Table = toml::from_str(&page("Cargo.toml")).unwrap();
    let mut crates = BTreeSet::new();
    for section in ["dependencies", "dev-dependencies"] {
        crates.extend(manifest[section].as_table().unwrap().keys().cloned());
    }
    let explained = all(
        r"(?m)^\| `([a-z0-9_-]+)` \|",
        &page("docs/contributors/dependencies.md"),
    );
    assert_eq!(explained, crates);
}

#[test]
fn the_release_is_dated_in_the_changelog_as_in_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let heading = all(
        &format!(r"(?m)^## {} - (\S+)$", regex::escape(version)),
        &page("CHANGELOG.md"),
    );
    let released = RELEASED.to_string();
    let written = heading.first().unwrap();
    assert!(
        written == "unreleased" || released.starts_with(written.as_str()),
        "{written}, {released}"
    );
}

/// The alerts and the dashboard of Grafana ask for nothing that is not there.
#[test]
fn what_is_asked_of_the_metrics_is_told_by_them() {
    let told = all(r#""(steadfast_[a-z_]+)""#, &page("src/web/metrics.rs"));
    assert!(told.len() > 5, "{told:?}");
    let states: BTreeSet<String> = State::ALL.map(|state| state.to_string()).into();
    for path in [
        "packaging/prometheus-rules.yml",
        "packaging/grafana-dashboard.json",
    ] {
        let text = page(path);
        let asked = all(r"\b(steadfast_[a-z_]+)", &text);
        assert!(asked.len() > 5, "{path}: {asked:?}");
        assert!(asked.is_subset(&told), "{path}: {:?}", asked.difference(&told));
        for alternatives in all(r#"state=~?\\?"([a-z_|]+)"#, &text) {
            for state in alternatives.split('|') {
                assert!(states.contains(state), "{path}: {state}");
            }
        }
    }
    let explained = all(
        r"(?m)^\| `(steadfast_[a-z_]+)` \|",
        &page("docs/operators/logs.md"),
    );
    assert_eq!(explained, told);
    serde_json::from_str::<serde_json::Value>(&page("packaging/grafana-dashboard.json")).unwrap();
}

#[test]
fn no_page_leads_nowhere() {
    let mut pages = files(&root().join("docs"), ".md");
    pages.extend([root().join("README.md"), root().join("CHANGELOG.md")]);
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        for link in all(r"\]\(([^)\s]+)\)", &text) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            assert!(target.exists(), "{}: {link} is not there", path.display());
            if !heading.is_empty() {
                let headings = all(r"(?m)^#+ (.+)$", &fs::read_to_string(&target).unwrap());
                let known = headings.iter().any(|written| anchor(written) == heading);
                assert!(known, "{}: {link} has no such heading", path.display());
            }
        }
    }
}

/// A heading's name in a link.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}

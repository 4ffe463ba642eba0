//! The fuzzing targets, fed with their corpus: so that neither they nor what they once found is forgotten.
//! To look for more: docs/contributors/fuzzing.md.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../fuzz/checks.rs"]
mod checks;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use checks::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn everything_in_the_corpus_keeps_what_the_targets_assert() {
    for (target, check) in TARGETS {
        let corpus = folder("fuzz/corpus").join(target);
        let names = names_in(&corpus);
        assert!(!names.is_empty(), "{target} has nothing to begin with");
        for name in names {
            let bytes = fs::read(corpus.join(&name)).unwrap();
            let done = std::panic::catch_unwind(|| check(&bytes));
            assert!(done.is_ok(), "fuzz/corpus/{target}/{name}: see above");
        }
    }
}

#[test]
fn each_target_is_built_and_has_a_corpus() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    assert_eq!(names_in(&folder("fuzz/corpus")), known);
    let sources = known.iter().map(|target| format!("{target}.rs")).collect();
    assert_eq!(names_in(&folder("fuzz/targets")), sources);
    for target in &known {
        let source = fs::read_to_string(folder("fuzz/targets").join(format!("{target}.rs"))).unwrap();
        assert!(source.contains(&format!("checks::{target}(bytes)")), "{source}");
        let manifest = fs::read_to_string(folder("fuzz/Cargo.toml")).unwrap();
        assert!(
            manifest.contains(&format!("path = \"targets/{target}.rs\"")),
            "{target}"
        );
    }
}

#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test stops at the first surprise"
)]
//! `cases/NAME/` in, `cases/NAME.snap` out: the messages folder, and all that is said of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use steadfast::cli::show;

mod support;
use support::World;

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

/// All files below `folder`, by their paths in it.
fn load(folder: &Path, prefix: &str, world: &mut World) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            load(&entry.path(), &format!("{name}/"), world);
        } else {
            world.files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn every_case_is_shown_as_its_snapshot_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(cases());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(cases()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut world = World::of([]);
        load(&path, "", &mut world);
        let assembled = world.assemble();
        let mut out = show::render(&assembled.problems, false);
        match &assembled.campaign {
            Ok(campaign) => {
                out += &format!("\nmessages: {}\n", campaign.messages.len());
                for (id, why) in &campaign.blocked {
                    out += &format!("blocked: {id}: {why}\n");
                }
                if let Some(hold) = &campaign.settings.hold {
                    out += &format!("hold: {hold}\n");
                }
            }
            Err(why) => out += &format!("\nno campaign: {why}\n"),
        }
        settings.bind(|| insta::assert_snapshot!(name.clone(), out));
        seen.insert(format!("{name}.snap"));
    }
    for entry in fs::read_dir(cases()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.ends_with(".snap") || seen.contains(&name),
            "{name} has no case: delete it"
        );
    }
    assert!(!seen.is_empty());
}

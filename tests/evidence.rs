//! The evidence record of the real program: exported, verified by it and without it, and spoilt by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use program::Place;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// A campaign that said something, stopped and went on.
fn lived() -> Place {
    let place = Place::new("");
    place.write(
        "a.toml",
        "[[message]]\nid = \"a\"\npriority = \"breaking\"\ntext = \"\"\"\nDoce a dos: «¿por qué?» \\\"10-2\\\" \\\\ 𝄞\n---\nand more\n\"\"\"\n",
    );
    let mut daemon = place.start();
    place.wait_ready();
    place.wait("all of it", 20, || {
        place.json(&["status", "--format", "json"])["counts"]["sent"] == 2
    });
    assert!(place.run(&["hold", "--why", "enough"]).status.success());
    assert!(place.run(&["release", "--why", "go on"]).status.success());
    place.wait("the release", 5, || !place.events("hold.released").is_empty());
    daemon.kill();
    place
}

fn said(output: &std::process::Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn sql(place: &Place, statement: &'static str) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let at = SqliteConnectOptions::new().filename(place.ledger());
    runtime.block_on(async {
        let mut ledger = SqliteConnection::connect_with(&at).await.unwrap();
        let done = sqlx::raw_sql(statement).execute(&mut ledger).await;
        ledger.close().await.unwrap();
        done.map(drop).map_err(|e| e.to_string())
    })
}

#[test]
fn the_record_is_exported_whole_and_verified_without_a_ledger() {
    let place = lived();
    let (status, exported) = said(&place.run(&["history", "--evidence", "record.jsonl"]));
    assert_eq!(status, Some(0), "{exported}");
    let file = place.path().join("record.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    for words in [
        "¿por qué?",
        "\\\"platform\\\":\\\"sandbox\\\"",
        "\\\"why\\\":\\\"go on\\\"",
        "\\\"receipt\\\"",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = place.run(&["history", "--evidence", "record.jsonl"]);
    assert_eq!(again.status.code(), Some(1), "never over another");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    // Elsewhere, with nothing but the file.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut verify = Command::new(env!("CARGO_BIN_EXE_steadfast"));
    verify
        .current_dir(elsewhere.path())
        .args(["history", "--verify"])
        .arg(&file);
    let (status, whole) = said(&verify.output().unwrap());
    assert!(
        status == Some(0) && whole.contains("the record of `test`"),
        "{whole}"
    );
    let summary = exported.split_once(": ").unwrap().1.trim();
    assert!(whole.contains(summary), "{whole}{summary}");

    std::fs::write(&file, text.replacen("por qué", "porque", 1)).unwrap();
    let (status, why) = said(&verify.output().unwrap());
    assert!(
        status == Some(1) && why.contains("line 2") && why.contains("hash"),
        "{why}"
    );
}

#[test]
fn the_ledger_refuses_to_change_its_record_and_a_change_by_force_shows() {
    let place = lived();
    for statement in [
        "UPDATE event SET data = '{}' WHERE seq = 1",
        "DELETE FROM event WHERE seq = 1",
        "DELETE FROM event",
    ] {
        let refused = sql(&place, statement).unwrap_err();
        assert!(
            refused.contains("only ever appended to"),
            "{statement}: {refused}"
        );
    }
    sql(
        &place,
        "DROP TRIGGER event_is_not_changed; UPDATE event SET data = replace(data, 'more', 'less') WHERE seq = 1",
    )
    .unwrap();
    let (status, why) = said(&place.run(&["history", "--evidence", "record.jsonl"]));
    assert!(status == Some(1) && why.contains("entry 1"), "{why}");
    let (status, why) = said(&place.run(&["history", "--verify", "record.jsonl"]));
    assert!(status == Some(1) && why.contains("line 2"), "{why}");
}

#[test]
fn the_way_without_steadfast_that_the_page_shows_works() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("there is no python3 here, so the page's program was not run");
        return;
    }
    let place = lived();
    assert!(
        place
            .run(&["history", "--evidence", "record.jsonl"])
            .status
            .success()
    );
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators/evidence.md");
    let page = std::fs::read_to_string(page).unwrap();
    let program = page
        .split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let file = place.path().join("record.jsonl");
    let check = || {
        let mut python = Command::new("python3");
        python.args(["-c", program]).arg(&file);
        said(&python.output().unwrap())
    };
    let (status, whole) = check();
    assert!(status == Some(0) && whole.starts_with("whole: test"), "{whole}");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("por qué", "porque", 1)).unwrap();
    let (status, why) = check();
    assert!(status == Some(1) && why.contains("line 2"), "{why}");
}

//! `steadfast pending`: what waits for approval, and what is other than what was approved before.

use crate::campaign::Settings;
use crate::desk::pending::{Row, rows};

use super::args::Format;
use super::{Exit, Failed, Office, print, print_json, print_line, table};

pub(super) async fn pending(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let ledger = office.ledger_if_any().await?;
    let rows = rows(office, &files, ledger.as_deref()).await?;
    match format {
        Format::Json => print_json(&rows),
        Format::Table if rows.is_empty() => print_line("nothing waits for approval"),
        Format::Table => rows.iter().for_each(|row| print(&shown(row, &campaign.settings))),
    }
    Ok(Exit::Done)
}

fn shown(row: &Row, settings: &Settings) -> String {
    use std::fmt::Write;
    // Writing to a string cannot fail.
    let mut out = String::new();
    let due = row.due.map_or_else(
        || "without a time yet".to_owned(),
        |due| format!("due {}", table::local(due, &settings.zone)),
    );
    let _ = writeln!(out, "── {}, {due}", row.message);
    let _ = writeln!(out, "   {}", row.why);
    if let Some(problem) = &row.problem {
        let _ = writeln!(out, "   problem: {problem}");
    }
    let content = row.content.as_deref().unwrap_or_default();
    let lines = row
        .changes
        .clone()
        .unwrap_or_else(|| content.lines().map(|line| format!("  {line}")).collect());
    for line in lines {
        let _ = writeln!(out, "   {}", coloured(&line));
    }
    if let Some(digest) = row.digest.as_ref().filter(|_| row.problem.is_none()) {
        let short = digest.short();
        let _ = writeln!(
            out,
            "   to approve it: steadfast approve {} --digest {short}",
            row.message
        );
    }
    out.push('\n');
    out
}

/// Red for what is gone, green for what is new; a reader that is no terminal is given neither.
fn coloured(line: &str) -> String {
    match line.as_bytes().first() {
        Some(b'-') => format!("\x1b[31m{line}\x1b[0m"),
        Some(b'+') => format!("\x1b[32m{line}\x1b[0m"),
        _ => line.to_owned(),
    }
}

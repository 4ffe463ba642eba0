//! Moves a whole ledger from a file into an empty database: every row of every table, in one transaction, each read
//! back and compared before anything counts.

use std::path::Path;

use serde_json::Value;

use super::evidence::Head;
use super::postgres::{Import, Postgres, Server};
use super::sqlite::{Export, Lock, Sqlite};
use super::{Ledger, LedgerError, Scope};

/// How a column is written in both engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    /// 0 and 1 in a file.
    Truth,
}

/// One table as both engines have it.
pub(super) struct Table {
    pub name: &'static str,
    /// What stands in its rows, and how a file says it where that is not a column of the same name.
    pub columns: &'static [(&'static str, Kind, Option<&'static str>)],
    /// Where a file has it.
    pub from: &'static str,
    /// The number by which a file's rows are read a page at a time; `None`: there are few.
    pub cursor: Option<&'static str>,
}

use Kind::{Number, Text, Truth};

/// All there is to know. Whoever adds a column adds it here: the tests compare this with both engines' tables.
#[rustfmt::skip]
pub(super) static TABLES: [Table; 13] = [
    Table { name: "meta", from: "meta", cursor: None,
        columns: &[("key", Text, None), ("value", Text, None)] },
    Table { name: "known", from: "known", cursor: None,
        columns: &[("message", Text, None), ("since", Number, None)] },
    Table { name: "post", from: "post", cursor: Some("post.row"),
        columns: &[
            ("id", Text, None), ("message", Text, None), ("account", Text, None), ("platform", Text, None),
            ("occurrence", Text, None), ("due", Number, None), ("late", Number, None), ("expires", Number, None),
            ("recurring", Truth, None), ("breaking", Truth, None), ("slot", Number, None), ("file", Text, None),
            ("parts", Number, None), ("content", Text, None), ("recorded", Number, None), ("state", Text, None),
            ("part", Number, None), ("tries", Number, None), ("not_before", Number, None),
            ("late_from", Number, None), ("first_intent", Number, None), ("unsure_since", Number, None),
            ("unsure_looks", Number, None), ("unsure_foreign", Truth, None), ("resent", Truth, None),
            ("crashes", Number, None), ("why", Text, None), ("fence", Number, None), ("paced", Number, None),
            ("attempts", Number, None), ("error", Text, None), ("began", Number, None), ("sent", Number, None),
            ("changed", Number, None), ("recalls", Text, None), ("through", Number, None), ("alias", Text, None),
        ] },
    Table { name: "part", from: "part JOIN post ON post.row = part.post", cursor: Some("part.post"),
        columns: &[
            ("post", Text, Some("post.id")), ("idx", Number, None), ("key", Text, None), ("key_due", Number, None),
            ("path", Text, None), ("body", Text, None), ("hash", Text, None), ("id", Text, Some("part.id")),
            ("url", Text, None), ("pin", Text, None), ("sent", Number, Some("part.sent")),
        ] },
    Table { name: "attempt", from: "attempt JOIN post ON post.row = attempt.post", cursor: Some("attempt.post"),
        columns: &[
            ("post", Text, Some("post.id")), ("part", Number, Some("attempt.part")), ("no", Number, None),
            ("intended", Number, None), ("answered", Number, None), ("class", Text, None), ("status", Number, None),
            ("words", Text, None),
        ] },
    Table { name: "engagement", from: "engagement JOIN post ON post.row = engagement.post", cursor: Some("engagement.post"),
        columns: &[
            ("post", Text, Some("post.id")), ("at", Number, None), ("likes", Number, None), ("shares", Number, None),
            ("replies", Number, None), ("quotes", Number, None), ("views", Number, None),
        ] },
    Table { name: "hold", from: "hold", cursor: Some("hold.id"),
        columns: &[
            ("id", Number, None), ("scope", Text, None), ("target", Text, None), ("why", Text, None),
            ("by", Text, None), ("since", Number, None), ("released", Number, None), ("released_by", Text, None),
            ("settled", Number, None), ("said", Number, None),
        ] },
    Table { name: "account", from: "account", cursor: None,
        columns: &[("name", Text, None), ("waits", Number, None)] },
    Table { name: "approval", from: "approval", cursor: Some("approval.id"),
        columns: &[
            ("id", Number, None), ("message", Text, None), ("by", Text, None), ("at", Number, None),
            ("digest", Text, None), ("content", Text, None),
        ] },
    Table { name: "word", from: "word", cursor: Some("word.id"),
        columns: &[
            ("id", Number, None), ("post", Text, None), ("act", Text, None), ("by", Text, None), ("at", Number, None),
        ] },
    Table { name: "session", from: "session", cursor: None,
        columns: &[
            ("id", Text, None), ("whose", Text, None), ("password", Text, None), ("began", Number, None),
            ("seen", Number, None),
        ] },
    Table { name: "token", from: "token", cursor: None,
        columns: &[
            ("account", Text, None), ("version", Number, None), ("identity", Text, None), ("access", Text, None),
            ("refresh", Text, None), ("issued", Number, None), ("expires", Number, None),
            ("refresh_expires", Number, None), ("scopes", Text, None), ("refused", Text, None),
            ("renewing", Number, None), ("until", Number, None),
        ] },
    Table { name: "event", from: "event", cursor: Some("event.seq"),
        columns: &[
            ("chain", Text, Some("'steadfast'")), ("seq", Number, None), ("at", Number, None), ("kind", Text, None),
            ("post", Text, None), ("data", Text, None), ("hash", Text, None),
        ] },
];

/// Each table and column that is copied.
pub fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |table: &'static Table| table.columns.iter().map(|(column, ..)| (table.name, *column));
    TABLES.iter().flat_map(of)
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// How many rows of each table.
    pub rows: Vec<(&'static str, u64)>,
    /// Where the evidence record ends, in both.
    pub heads: Vec<Head>,
}

/// Copies the ledger in this file to the database, and holds everything in the file: only one of the two may send.
///
/// # Errors
/// [`LedgerError::Taken`] while a daemon runs on the file. [`LedgerError::Broken`] if there is something in the
/// database already, or if what is there afterwards is not what is in the file; then nothing is left there.
pub async fn copy(from: &Path, to: &Server, now: jiff::Timestamp) -> Result<Copied, LedgerError> {
    if !from.exists() {
        return Err(LedgerError::Missing(from.display().to_string()));
    }
    let _lock = Lock::take(from)?;
    let source = Sqlite::open(from).await?;
    source.check().await?;
    drop(Postgres::create(to).await?);
    let export = Export::of(&source);
    let mut import = Import::begin(to).await?;
    let mut rows = Vec::new();
    for table in &TABLES {
        let count = export.count(table).await?;
        let mut after = 0;
        while let Some((page, last)) = export.page(table, after).await? {
            import.page(table, page).await?;
            after = last;
        }
        import.is_complete(table, count).await?;
        rows.push((table.name, count));
    }
    let heads = import.follow_chains().await?;
    let ours = export.head().await?;
    if heads.first().map(|head| (head.seq, head.hash.as_str()))
        != ours.as_ref().map(|(seq, hash)| (*seq, hash.as_str()))
    {
        return Err(differs("the evidence record's end"));
    }
    import.commit().await?;
    let why = format!("the ledger moved to {to}: set `ledger.url` to it");
    source.hold(&Scope::All, &why, "ledger copy", now).await?;
    Ok(Copied { rows, heads })
}

/// What is in the database is not what is in the file.
pub(super) fn differs(what: &str) -> LedgerError {
    LedgerError::Broken(format!(
        "{what} came out otherwise than it is in the file, so nothing was kept of the copy; the file is as it was"
    ))
}

/// A row as one line, to compare it.
pub(super) fn line(row: &Value) -> String {
    row.to_string()
}

//! `steadfast accounts`: each account, as whom, until when, what it can promise, and what is wrong with it.

use crate::desk::accounts::{Row, rows};

use super::args::Format;
use super::{Exit, Failed, Office, print_json, print_line, table};

pub(super) async fn accounts(office: &Office, format: Format) -> Result<Exit, Failed> {
    let ledger = office.ledger_if_any().await?;
    let rows = rows(office, ledger.as_deref()).await?;
    let well = rows.iter().all(|row| row.wrong.is_empty());
    match format {
        Format::Json => print_json(&rows),
        Format::Table => show(&rows),
    }
    Ok(if well { Exit::Done } else { Exit::Wrong })
}

/// With what is not done for want of one.
fn permissions(row: &Row) -> String {
    let granted = row.permissions.join(" ");
    std::iter::once(granted)
        .chain(row.lacks.iter().cloned())
        .collect::<Vec<_>>()
        .join("; ")
}

fn show(rows: &[Row]) {
    let mut accounts = table::table(&[
        "account",
        "platform",
        "as",
        "until",
        "permissions",
        "a lost answer",
        "wrong",
    ]);
    for row in rows {
        accounts.add_row([
            row.account.clone(),
            row.platform.to_owned(),
            row.identity.clone().unwrap_or_else(|| "—".to_owned()),
            row.until.map_or_else(
                || "—".to_owned(),
                |until| table::local(until, &jiff::tz::TimeZone::UTC),
            ),
            permissions(row),
            row.promise.words().to_owned(),
            row.wrong.join("; "),
        ]);
    }
    print_line(&table::text(accounts));
}

//! `steadfast ledger copy`: from a file to a database that several replicas can share.

use crate::ledger::copy::copy as copied;
use crate::settings::{LedgerAt, SettingsError};

use super::super::{Exit, Failed, Office, print_line, server};

pub(super) async fn copy(office: &Office, to: &str) -> Result<Exit, Failed> {
    let LedgerAt::File(from) = &office.settings.ledger else {
        return Err(Failed::Usage(
            "`ledger copy` goes from a file to PostgreSQL, and `ledger.url` names a database already; pg_dump and pg_restore copy one"
                .to_owned(),
        ));
    };
    let url = LedgerAt::server_url(to).map_err(|problems| {
        Failed::Usage(
            SettingsError(problems)
                .to_string()
                .replace("`ledger.url`", "`--to`"),
        )
    })?;
    let to = server(&url, None)?;
    let done = copied(from, &to, office.clock.now()).await?;
    let rows: Vec<String> = done
        .rows
        .iter()
        .map(|(table, count)| format!("{table} {count}"))
        .collect();
    print_line(&format!(
        "copied {} to {to}, and compared row by row: {}",
        from.display(),
        rows.join(", ")
    ));
    for head in &done.heads {
        print_line(&format!(
            "the evidence record is whole: chain `{}` ends with {} {}",
            head.chain, head.seq, head.hash
        ));
    }
    print_line(&format!(
        "now set `ledger.url` to {to}; everything in {} is held, so that it can't send beside it",
        from.display()
    ));
    Ok(Exit::Done)
}

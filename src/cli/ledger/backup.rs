//! `steadfast ledger backup FILE`: a copy of a ledger in use.

use std::path::Path;

use crate::cli::{Exit, Failed, Office, print_line};
use crate::ledger::LedgerError;

pub(super) async fn backup(office: &Office, file: &Path) -> Result<Exit, Failed> {
    let Some(ledger) = office.ledger_if_any().await? else {
        return Err(LedgerError::Missing(office.place()?.to_string()).into());
    };
    if file.symlink_metadata().is_ok() {
        return Err(Failed::Wrong(format!(
            "{} is there already, and is left alone",
            file.display()
        )));
    }
    ledger
        .backup(file)
        .await
        .map_err(|e| Failed::Wrong(e.to_string()))?;
    print_line(&format!("{}: copied, and the copy is whole", file.display()));
    Ok(Exit::Done)
}

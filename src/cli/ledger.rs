//! `steadfast ledger …`: the ledger itself.

mod copy;

use super::args::LedgerCommand;
use super::{Exit, Failed, Office};

pub(super) async fn ledger(office: &Office, command: LedgerCommand) -> Result<Exit, Failed> {
    match command {
        LedgerCommand::Copy { to } => copy::copy(office, &to).await,
    }
}

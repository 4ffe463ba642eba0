//! `steadfast ledger …`: to look after the record itself.

mod backup;
mod check;
mod receipts;

use std::path::PathBuf;

use clap::Subcommand;

use super::{Exit, Failed, Office};

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Is the ledger sound? Works beside a running daemon
    ///
    /// Reads every page, follows the record's hashes, and looks for rows that no daemon writes. Exit status 1 if
    /// anything is wrong. Nothing is ever repaired.
    Check,
    /// Copy the ledger, in use or not, to a new file
    ///
    /// The copy is complete as of one moment, and is looked through before this says that it is done.
    Backup {
        /// A file that is not there yet
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Take receipts from a log that the ledger could not take: lines with the event `ledger.receipt`
    Receipts {
        /// The daemon's log, in JSON lines
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

pub(super) async fn ledger(office: &Office, command: LedgerCommand) -> Result<Exit, Failed> {
    match command {
        LedgerCommand::Check => check::check(office).await,
        LedgerCommand::Backup { file } => backup::backup(office, &file).await,
        LedgerCommand::Receipts { file } => receipts::receipts(office, &file).await,
    }
}

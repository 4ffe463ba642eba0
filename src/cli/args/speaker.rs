//! Who speaks, in commands that change something.

use clap::Args;

use crate::cli::{Failed, speaker};
use crate::ledger::{BY_DAEMON, BY_FILE, BY_ROLLBACK, BY_WATCH};

#[derive(Debug, Clone, Args)]
pub struct SpeakerArgs {
    /// Who says so, for the record (default: the user)
    #[arg(long = "as", value_name = "NAME")]
    by: Option<String>,
}

impl SpeakerArgs {
    /// Their name.
    ///
    /// # Errors
    /// If it is none, or one that the program speaks under.
    pub fn name(&self) -> Result<String, Failed> {
        let by = self.by.clone().unwrap_or_else(speaker);
        let by = by.trim();
        let taken = [BY_DAEMON, BY_FILE, BY_ROLLBACK, BY_WATCH].contains(&by);
        if by.is_empty() || taken || by.chars().any(char::is_control) {
            return Err(Failed::Usage("`--as` wants a person's name".to_owned()));
        }
        Ok(by.to_owned())
    }
}

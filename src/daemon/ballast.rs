//! What keeps an answer from being lost on a full disk: a file of 1 MiB that is given up to make room for it
//! (reliability §2.4, step 9). Without it nothing new is begun.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Its name in the state folder.
const FILE: &str = "ballast";
const SIZE: usize = 1 << 20;

/// The default keeps none: where the ledger's disk is not ours.
#[derive(Debug, Clone, Default)]
pub struct Ballast {
    path: Option<PathBuf>,
}

impl Ballast {
    pub fn new(folder: &Path) -> Self {
        Self {
            path: Some(folder.join(FILE)),
        }
    }

    /// Makes it, if it is not there.
    ///
    /// # Errors
    /// Above all, that there is no room for it.
    pub(crate) fn make(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if path.metadata().is_ok_and(|file| file.len() >= SIZE as u64) {
            return Ok(());
        }
        // Filled, for a hole takes no room.
        let fill = || {
            let mut file = std::fs::File::create(path)?;
            file.write_all(&vec![0x5a; SIZE])?;
            file.sync_all()
        };
        fill().inspect_err(|_| self.give_up())
    }

    pub(crate) fn give_up(&self) {
        if let Some(path) = &self.path {
            // Gone already is as good.
            drop(std::fs::remove_file(path));
        }
    }
}

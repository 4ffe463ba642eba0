//! Checks the files of a large campaign on all cores: the ground floor has no threads.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;

use super::Folder;
use crate::campaign::Roster;
use crate::campaign::assemble::{self, Assembled, check_ahead};
use crate::campaign::read::FileRead;

/// As [`assemble::assemble`], with `folder` as what is outside the texts.
pub fn assemble(files: &[Arc<FileRead>], roster: &Roster, now: Timestamp, folder: &Folder) -> Assembled {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(cores);
    thread::scope(|scope| {
        // The first share is this thread's own.
        for start in (share..files.len()).step_by(share.max(1)) {
            let some = start..files.len().min(start + share);
            scope.spawn(move || check_ahead(files, some, roster, now, folder));
        }
        check_ahead(files, 0..share.min(files.len()), roster, now, folder);
    });
    assemble::assemble(files, roster, now, folder)
}

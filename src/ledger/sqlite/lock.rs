//! One daemon per ledger: an exclusive lock on a file beside it, held for life. A stopped process keeps
//! it, a dead one drops it.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::super::LedgerError;

/// Held as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// File systems on which neither SQLite's WAL nor locks can be trusted (reliability §2.7), by the magic
/// number that statfs(2) gives.
const UNSAFE: [(u64, &str); 5] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x6573_5546, "FUSE"),
];

impl Lock {
    /// Takes the lock of the ledger at `ledger`, and writes who has it.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] with the holder's words if it is taken.
    pub fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let path = ledger.with_file_name("lock");
        let broken = |e: std::io::Error| LedgerError::Broken(format!("{}: {e}", path.display()));
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(broken)?;
        refuse_network(&file, &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut who = String::new();
                let known = file.read_to_string(&mut who).is_ok() && !who.trim().is_empty();
                return Err(LedgerError::Taken(known.then(|| who.trim().to_owned())));
            }
            Err(TryLockError::Error(e)) => return Err(broken(e)),
        }
        let who = format!("pid {}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(who.as_bytes()))
            .map_err(broken)?;
        Ok(Self { _file: file })
    }

    /// Whether a daemon has the ledger now.
    pub fn is_taken(ledger: &Path) -> bool {
        let path = ledger.with_file_name("lock");
        File::open(&path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

fn refuse_network(file: &File, path: &Path) -> Result<(), LedgerError> {
    let Ok(stat) = rustix::fs::fstatfs(file) else {
        return Ok(());
    };
    #[expect(clippy::cast_sign_loss, reason = "a magic number: only its bits matter")]
    let kind = stat.f_type as u64;
    is_safe(kind, path)
}

/// What `statfs` says of where `path` is.
fn is_safe(kind: u64, path: &Path) -> Result<(), LedgerError> {
    match UNSAFE.iter().find(|(magic, _)| *magic == kind & 0xffff_ffff) {
        None => Ok(()),
        Some((_, name)) => Err(LedgerError::Broken(format!(
            "{} is on {name}: locks and write-ahead logs are not safe there; put `ledger.url` on a local disk",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s13_a_lock_on_a_network_file_system_is_refused_by_name() {
        let path = Path::new("state/lock");
        // <https://man7.org/linux/man-pages/man2/statfs.2.html>, as 64 bits and as 32 of them can hold it.
        for (kind, name) in [
            (0x6969, "NFS"),
            (0x517b, "SMB"),
            (0xfe53_4d42, "SMB"),
            (0xff53_4d42, "CIFS"),
            (0xffff_ffff_ff53_4d42, "CIFS"),
            (0x6573_5546, "FUSE"),
        ] {
            let said = is_safe(kind, path).unwrap_err().to_string();
            assert!(said.contains(&format!("state/lock is on {name}")), "{said}");
        }
        // ext4, XFS, Btrfs, tmpfs, overlayfs
        for kind in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630] {
            is_safe(kind, path).unwrap();
        }
    }

    #[test]
    fn s13_a_lock_on_a_disk_of_this_machine_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let _held = Lock::take(&folder.path().join("steadfast.db")).unwrap();
    }
}

//! Opens what lies below a folder, and nothing else: no link leads out of it, and nothing that is opened
//! can make us wait (reliability F9, F10).

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::post::digest::{Digest, Hashing};

/// What tells one state of a file from the next without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    /// Of the inode: it cannot be set back, as the time of modification can.
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Tells folders apart, however they were reached.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

/// Why something could not be opened, in a sentence, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
    pub help: &'static str,
    /// There is nothing by that name.
    pub absent: bool,
}

impl Refused {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
            absent: false,
        }
    }
}

/// The folder itself.
pub fn root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// A folder below `root`.
pub fn folder(root: impl AsFd, path: &str) -> Result<(OwnedFd, Fingerprint), Refused> {
    let opened = beneath(root.as_fd(), path, OFlags::DIRECTORY).map_err(refused)?;
    let file = File::from(opened);
    let metadata = file
        .metadata()
        .map_err(|error| Refused::new(error.to_string(), ""))?;
    Ok((file.into(), Fingerprint::of(&metadata)))
}

/// A file below `root`, opened but not read.
pub struct Opened {
    file: File,
    pub fingerprint: Fingerprint,
}

/// A regular file below `root`.
pub fn file(root: impl AsFd, path: &str) -> Result<Opened, Refused> {
    let file = File::from(beneath(root.as_fd(), path, OFlags::empty()).map_err(refused)?);
    let metadata = file
        .metadata()
        .map_err(|error| Refused::new(error.to_string(), ""))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "a folder"
        } else {
            "a pipe or device"
        };
        return Err(Refused::new(
            format!("this is {what}, not a file"),
            "give it another name, or move it elsewhere",
        ));
    }
    Ok(Opened {
        fingerprint: Fingerprint::of(&metadata),
        file,
    })
}

impl Opened {
    /// The file itself, from its beginning.
    pub fn into_file(self) -> File {
        self.file
    }

    /// As large as it was when it was opened.
    pub fn file(&self) -> (&File, u64) {
        (&self.file, self.fingerprint.size)
    }

    /// Its first bytes, at most 12; nothing is said about why there are fewer.
    pub fn start(&self) -> Vec<u8> {
        let mut start = vec![0; 12];
        let length = self.file.read_at(&mut start, 0).unwrap_or_default();
        start.truncate(length);
        start
    }

    /// The SHA-256 of all of it, read piece by piece, and whether it stayed what it was.
    pub fn digest(&self) -> io::Result<(Digest, bool)> {
        let (mut piece, mut at, mut hashing) = (vec![0; 1 << 16], 0, Hashing::default());
        loop {
            match self.file.read_at(&mut piece, at)? {
                0 => break,
                length => {
                    hashing.add(piece.get(..length).unwrap_or_default());
                    at += length as u64;
                }
            }
        }
        let after = Fingerprint::of(&self.file.metadata()?);
        Ok((hashing.digest(), after == self.fingerprint))
    }

    /// At most `max` bytes and one more, which shows that there are too many. With them, whether the file
    /// stayed what it was while it was read: an editor may be writing it (F1).
    pub fn read(mut self, max: usize) -> Result<(Vec<u8>, bool), Refused> {
        let failed =
            |error: io::Error| Refused::new(format!("it cannot be read: {error}"), "is the disk well?");
        let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        let expected = usize::try_from(self.fingerprint.size.min(limit)).unwrap_or(0);
        let mut bytes = Vec::with_capacity(expected);
        (&mut self.file)
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        let after = Fingerprint::of(&self.file.metadata().map_err(failed)?);
        Ok((bytes, after == self.fingerprint))
    }
}

/// `openat2` keeps the kernel from ever leaving `root`; where there is none, links are not followed at all.
fn beneath(root: rustix::fd::BorrowedFd<'_>, path: &str, extra: OFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY | extra;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::ResolveFlags;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        // "Again" means that something was renamed on the way; a few times are enough.
        for _ in 0..8 {
            match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN) => {}
                // Too old a kernel, or a sandbox that does not know the call.
                Err(Errno::NOSYS | Errno::PERM) => break,
                done => return done,
            }
        }
    }
    without_links(root, path, flags)
}

/// Opens one step after the other, and no link on the way.
fn without_links(root: rustix::fd::BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut steps: Vec<&str> = path
        .split('/')
        .filter(|step| !matches!(*step, "" | "."))
        .collect();
    if steps.contains(&"..") || path.starts_with('/') {
        return Err(Errno::XDEV);
    }
    let last = steps.pop().unwrap_or(".");
    let mut at = None;
    for step in steps {
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let from = at.as_ref().map_or(root, AsFd::as_fd);
        at = Some(rustix::fs::openat(from, step, folder, Mode::empty())?);
    }
    let from = at.as_ref().map_or(root, AsFd::as_fd);
    rustix::fs::openat(from, last, flags | OFlags::NOFOLLOW, Mode::empty())
}

fn refused(error: Errno) -> Refused {
    match error {
        Errno::NOENT => Refused {
            absent: true,
            ..Refused::new(
                "there is no such file",
                "is the name right, and is it in the messages folder?",
            )
        },
        Errno::XDEV => Refused::new(
            "it lies outside the messages folder",
            "copy it into the messages folder",
        ),
        Errno::LOOP => Refused::new(
            "it is a link that leads nowhere",
            "put the file itself in its place",
        ),
        Errno::ACCESS | Errno::PERM => Refused::new(
            "we may not read it",
            "let the user that runs steadfast read it (chmod a+r)",
        ),
        Errno::NXIO => Refused::new("this is a pipe or socket, not a file", "move it elsewhere"),
        Errno::NOTDIR => Refused {
            absent: true,
            ..Refused::new("there is no such file", "is the name right?")
        },
        other => Refused::new(format!("it cannot be opened: {other}"), "is the disk well?"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Both ways of opening must refuse the same things.
    #[test]
    fn f9_f10_nothing_outside_is_opened_with_or_without_openat2() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret"), "s").unwrap();
        let inner = outer.path().join("messages");
        fs::create_dir_all(inner.join("sub")).unwrap();
        fs::write(inner.join("sub/a.png"), "a").unwrap();
        symlink("../secret", inner.join("out")).unwrap();
        symlink("loop", inner.join("loop")).unwrap();
        symlink("/etc", inner.join("etc")).unwrap();
        let root = root(&inner).unwrap();
        for path in [
            "../secret",
            "/etc/passwd",
            "out",
            "loop",
            "etc/passwd",
            "sub/../../secret",
        ] {
            assert!(file(&root, path).is_err(), "{path}");
            assert!(
                without_links(root.as_fd(), path, OFlags::RDONLY).is_err(),
                "{path}"
            );
        }
        assert!(file(&root, "sub/a.png").is_ok());
        assert!(without_links(root.as_fd(), "sub/a.png", OFlags::RDONLY).is_ok());
    }
}

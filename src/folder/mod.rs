//! The folder that staff edit: the only place where message files and media are read. It is read, never
//! written to.

mod hands;
mod history;
mod media;
mod open;
mod reel;
mod shown;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::fs::FileType;

use crate::campaign::outside::{Footage, Media, MediaProblem, Outside};
use crate::campaign::read::{FILE_MAX, FileRead, read};
use crate::card;
use crate::post::card::Card;
pub use hands::assemble;
pub use media::video::{Bytes as VideoBytes, Cover, Film, examine as examine_video};
use open::{Fingerprint, Refused};
pub use reel::Reel;
pub use shown::Picture;
use shown::{Examined, Kind, undrawable};

/// The folder itself, seen from itself.
const ROOT: &str = ".";
/// How deep folders may lie in folders.
const DEPTH_MAX: usize = 16;
/// How many files and folders are looked at.
const ENTRIES_MAX: usize = 100_000;

/// The messages folder, and what was last read of it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    known: BTreeMap<Arc<str>, Known>,
    media: Mutex<HashMap<String, Examined>>,
}

#[derive(Debug, Clone)]
struct Known {
    /// `None`: it could not be read, so it is tried again each time.
    fingerprint: Option<Fingerprint>,
    read: Arc<FileRead>,
}

/// What a scan found.
#[derive(Debug, Clone)]
pub struct Changed {
    /// All files, in the order of their paths: what [`crate::campaign::assemble`] takes.
    pub files: Vec<Arc<FileRead>>,
    /// How many files were read; the others were known.
    pub read: usize,
    /// The paths of files that are new or other than before.
    pub changed: Vec<Arc<str>>,
    /// The paths of files that are gone.
    pub gone: Vec<Arc<str>>,
    /// A media file that a message names is other than before.
    pub media: bool,
    /// A file changed while it was read, so there is more to come: scan again soon.
    pub unsettled: bool,
}

impl Changed {
    /// Whether anything is other than at the last scan.
    pub fn any(&self) -> bool {
        self.media || !(self.changed.is_empty() && self.gone.is_empty())
    }
}

/// The folder itself cannot be read. What was last read of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the messages folder {} cannot be read: {why}", path.display())]
pub struct FolderGone {
    pub path: PathBuf,
    pub why: String,
}

impl Folder {
    /// Looks whether there is such a folder. Nothing is read yet.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FolderGone> {
        let folder = Self {
            path: path.into(),
            known: BTreeMap::new(),
            media: Mutex::default(),
        };
        folder.root()?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opened anew each time: the folder may have been mounted or swapped since.
    fn root(&self) -> Result<OwnedFd, FolderGone> {
        open::root(&self.path).map_err(|error| FolderGone {
            path: self.path.clone(),
            why: error.to_string(),
        })
    }

    /// Reads the files that are new or have changed since the last scan.
    pub fn scan(&mut self) -> Result<Changed, FolderGone> {
        let root = self.root()?;
        let mut walk = Walk::default();
        walk.folder(&root, "", 0);
        if let Some((_, why)) = walk.refused.iter().find(|(path, _)| path == ROOT) {
            return Err(FolderGone {
                path: self.path.clone(),
                why: why.message.clone(),
            });
        }
        let mut next: BTreeMap<Arc<str>, Known> = BTreeMap::new();
        let (mut count, mut changed, mut unsettled) = (0, Vec::new(), false);
        for path in walk.files {
            let known = self.known.get(&*path);
            let opened = open::file(&root, &path);
            let found = match opened {
                Ok(opened) if known.is_some_and(|known| known.fingerprint == Some(opened.fingerprint)) => {
                    known.cloned()
                }
                Ok(opened) => {
                    count += 1;
                    let fingerprint = opened.fingerprint;
                    match opened.read(FILE_MAX) {
                        Ok((bytes, true)) => Some(Known {
                            fingerprint: Some(fingerprint),
                            read: Arc::new(read(&path, &bytes)),
                        }),
                        // Half of a file says the wrong thing: what was there before stays for now.
                        Ok((_, false)) => {
                            unsettled = true;
                            known.cloned()
                        }
                        Err(why) => Some(unreadable(&path, &why)),
                    }
                }
                // Gone since the folder was listed: between the two halves of a rename.
                Err(why) if why.absent => {
                    unsettled = true;
                    known.cloned()
                }
                Err(why) => Some(unreadable(&path, &why)),
            };
            if let Some(found) = found {
                next.insert(path.into(), found);
            }
        }
        for (path, why) in walk.refused {
            // Its messages cannot be seen, which is not the same as gone: they are held.
            let below = format!("{path}/");
            let hidden = self.known.keys().filter(|file| file.starts_with(&below)).cloned();
            next.extend(hidden.map(|file| (file.clone(), unreadable(&file, &why))));
            next.insert(path.as_str().into(), unreadable(&path, &why));
        }
        for (path, found) in &mut next {
            match self.known.get(path) {
                Some(known) if same(known, found) => *found = known.clone(),
                _ => changed.push(path.clone()),
            }
        }
        let gone = self
            .known
            .keys()
            .filter(|path| !next.contains_key(*path))
            .cloned()
            .collect();
        self.known = next;
        Ok(Changed {
            files: self.known.values().map(|known| known.read.clone()).collect(),
            read: count,
            changed,
            gone,
            media: self.media_changed(&root),
            unsettled,
        })
    }
}

fn unreadable(path: &str, why: &Refused) -> Known {
    Known {
        fingerprint: None,
        read: Arc::new(FileRead::unreadable(path, &why.message, why.help)),
    }
}

/// Nothing new is to be said of it.
fn same(known: &Known, found: &Known) -> bool {
    Arc::ptr_eq(&known.read, &found.read)
        || (known.fingerprint.is_none()
            && found.fingerprint.is_none()
            && known.read.problems == found.read.problems)
}

impl Outside for Folder {
    fn media(&self, path: &str) -> Result<Media, MediaProblem> {
        match self.examined(path)? {
            Kind::Image(_, media) => Ok(media),
            Kind::Video(..) => Err(reel::no_image()),
        }
    }

    fn video(&self, path: &str) -> Result<Footage, MediaProblem> {
        self.open_video(path)?;
        match self.examined(path)? {
            Kind::Video(reel, _) => Ok(reel.footage),
            Kind::Image(..) => Err(reel::no_video()),
        }
    }

    fn card(&self, card: &Card) -> Result<(), MediaProblem> {
        card::fits(card).map_err(undrawable)
    }

    fn text(&self, file: &str) -> Option<Arc<str>> {
        let known = self.known.get(file)?;
        let opened = open::file(self.root().ok()?, file).ok()?;
        if known.fingerprint != Some(opened.fingerprint) {
            return None;
        }
        let (bytes, _) = opened.read(FILE_MAX).ok()?;
        Some(String::from_utf8(bytes).ok()?.into())
    }
}

/// One walk through the folder.
#[derive(Default)]
struct Walk {
    files: Vec<String>,
    refused: Vec<(String, Refused)>,
    seen: HashSet<(u64, u64)>,
    entries: usize,
}

impl Walk {
    fn folder(&mut self, root: &OwnedFd, path: &str, depth: usize) {
        let shown = if path.is_empty() { ROOT } else { path };
        let (folder, fingerprint) = match open::folder(root, shown) {
            Ok(opened) => opened,
            Err(why) => return self.refuse(shown, why),
        };
        if !self.seen.insert(fingerprint.identity()) {
            return self.refuse(
                shown,
                refusal(
                    "this link leads to a folder that is read already",
                    "delete the link",
                ),
            );
        }
        if depth > DEPTH_MAX {
            let message = format!("folders lie more than {DEPTH_MAX} deep in each other");
            return self.refuse(shown, refusal(&message, "move the files up"));
        }
        let entries = match rustix::fs::Dir::read_from(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                return self.refuse(
                    shown,
                    refusal(&format!("it cannot be listed: {error}"), "is the disk well?"),
                );
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    return self.refuse(
                        shown,
                        refusal(&format!("it cannot be listed: {error}"), "is the disk well?"),
                    );
                }
            };
            self.entries += 1;
            if self.entries == ENTRIES_MAX {
                let message = format!("there are more than {ENTRIES_MAX} files and folders");
                self.refuse(shown, refusal(&message, "keep other files elsewhere"));
            }
            if self.entries >= ENTRIES_MAX {
                return;
            }
            let raw = entry.file_name().to_bytes();
            let name = String::from_utf8_lossy(raw);
            if is_ignored(&name) {
                continue;
            }
            let below = if path.is_empty() {
                name.to_string()
            } else {
                format!("{path}/{name}")
            };
            let is_message = has_ending(&name);
            match entry.file_type() {
                FileType::Directory => self.folder(root, &below, depth + 1),
                FileType::Symlink | FileType::Unknown if !is_message => self.link(root, &below, depth),
                _ if !is_message => {}
                _ if std::str::from_utf8(raw).is_err() => {
                    self.refuse(&below, refusal("its name is not UTF-8", "give it another name"));
                }
                _ => self.files.push(below),
            }
        }
    }

    /// A link, or what a file system tells nothing of: of interest only if it is a folder.
    fn link(&mut self, root: &OwnedFd, path: &str, depth: usize) {
        match open::folder(root, path) {
            Ok(_) => self.folder(root, path, depth + 1),
            Err(why) if why.absent => {}
            Err(why) => self.refuse(path, why),
        }
    }

    fn refuse(&mut self, path: &str, why: Refused) {
        self.refused.push((path.to_owned(), why));
    }
}

fn refusal(message: &str, help: &'static str) -> Refused {
    Refused {
        message: message.to_owned(),
        help,
        absent: false,
    }
}

/// What editors and synchronisers leave beside a file (reliability F1), and words about the folder itself.
fn is_ignored(name: &str) -> bool {
    let readme = name.eq_ignore_ascii_case("README.md");
    name.starts_with(['.', '#', '~']) || name.ends_with('~') || name == "4913" || readme
}

fn has_ending(name: &str) -> bool {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("toml" | "md"))
}

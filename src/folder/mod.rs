//! The folder that staff edit: the only place where message files and media are read. It is read, never
//! written to.

mod hands;
mod history;
mod media;
mod open;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::fs::FileType;

use crate::campaign::outside::{Media, MediaProblem, Outside};
use crate::campaign::read::{FILE_MAX, FileRead, read};
use crate::card::{self, Undrawable};
use crate::post::card::Card;
use crate::post::content::Image;
use crate::post::digest::Digest;
use crate::text::limits::Limits;
pub use hands::assemble;
use open::{Fingerprint, Refused};

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

/// What was found in a media file, and which state of it was looked at.
type Examined = (Fingerprint, Result<(Digest, Media), MediaProblem>);

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

/// An image as it will be uploaded: without anything that says where, when or by whom it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Bytes,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
}

impl Picture {
    fn fitted(bytes: Bytes, media: Media, limits: Option<&Limits>) -> Result<Self, MediaProblem> {
        let (bytes, media) = media::fitted(bytes, media, limits)?;
        Ok(Self {
            bytes,
            mime: media.mime,
            width: media.width,
            height: media.height,
        })
    }
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

    /// The image at `path` in the messages folder, cleaned, upright, and as a platform with these limits takes
    /// it; `None`: whatever it is. It is read once: what is returned here is what was looked at (reliability
    /// F11). The same file gives the same bytes.
    ///
    /// It may take seconds and much memory, at most what 40 million pixels need.
    pub fn picture(&self, path: &str, limits: Option<&Limits>) -> Result<Picture, MediaProblem> {
        let (_, bytes, media) = examine(self.open_media(path)?)?;
        Picture::fitted(bytes, media, limits)
    }

    /// An image of a post, a file or a card that is drawn, with the SHA-256 of that from which it was made.
    pub fn image(&self, image: &Image, limits: Option<&Limits>) -> Result<(Picture, Digest), MediaProblem> {
        let (source, bytes, media) = match &image.card {
            None => examine(self.open_media(&image.file)?)?,
            Some(card) => {
                let drawn = card::draw(card).map_err(undrawable)?;
                let source = Digest::of(&drawn);
                let (bytes, media) = media::clean(drawn)?;
                (source, bytes, media)
            }
        };
        Ok((Picture::fitted(bytes, media, limits)?, source))
    }

    /// The SHA-256 of a media file as it lies there; `None` if it can't be used.
    pub fn hash(&self, path: &str) -> Option<Digest> {
        Some(self.examined(path).ok()?.0)
    }

    fn examined(&self, path: &str) -> Result<(Digest, Media), MediaProblem> {
        let opened = self.open_media(path)?;
        let fingerprint = opened.fingerprint;
        let mut cache = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = cache.get(path).filter(|(of, _)| *of == fingerprint) {
            return found.clone();
        }
        let found = examine(opened).map(|(file, _, media)| (file, media));
        cache.insert(path.to_owned(), (fingerprint, found.clone()));
        found
    }

    /// Whether any media file is other than when it was looked at last. Those are forgotten, to be looked at anew
    /// when somebody asks.
    fn media_changed(&self, root: &OwnedFd) -> bool {
        let mut cache = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cache.len();
        cache.retain(|path, (of, _)| open::file(root, path).is_ok_and(|opened| opened.fingerprint == *of));
        cache.len() < known
    }

    fn open_media(&self, path: &str) -> Result<open::Opened, MediaProblem> {
        let plain = |message: &str, help: &str| MediaProblem {
            message: message.to_owned(),
            help: help.to_owned(),
        };
        let inside =
            "put the file into the messages folder, and write its path there, like `media/court.png`";
        if path.contains("://") || path.starts_with("file:") || path.starts_with("data:") {
            return Err(plain("this is an address, not a file", inside));
        }
        if path.starts_with(['/', '~']) || path.contains('\\') || path.split('/').any(|step| step == "..") {
            return Err(plain("this is not a path in the messages folder", inside));
        }
        let root = self
            .root()
            .map_err(|gone| plain(&gone.to_string(), "is it there?"))?;
        open::file(&root, path).map_err(|why| plain(&why.message, why.help))
    }
}

/// What the file is by its SHA-256, and the image in it, cleaned.
fn examine(opened: open::Opened) -> Result<(Digest, Bytes, Media), MediaProblem> {
    let (bytes, settled) = opened.read(media::FILE_MAX).map_err(|why| MediaProblem {
        message: why.message,
        help: why.help.to_owned(),
    })?;
    if !settled {
        return Err(MediaProblem {
            message: "this file is just being written".into(),
            help: "wait until it is complete".into(),
        });
    }
    let file = Digest::of(&bytes);
    let (bytes, media) = media::clean(bytes.into())?;
    Ok((file, bytes, media))
}

fn undrawable(why: Undrawable) -> MediaProblem {
    MediaProblem {
        message: why.message,
        help: why.help.to_owned(),
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
        Ok(self.examined(path)?.1)
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

//! A timeline is a file of JSON lines, only ever appended to.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Said, Shown, id_near};
use crate::post::identity::{AccountName, DeliveryId};

pub(super) fn file(vault: &Path, account: &AccountName) -> PathBuf {
    vault.join("sandbox").join(format!("{account}.jsonl"))
}

/// A timeline open for putting. Other processes may put into the same file: it is locked while we do, and
/// what they added is read first.
pub(super) struct Timeline {
    path: PathBuf,
    /// How much of the file `known` covers.
    read: u64,
    known: HashSet<String>,
    gone: HashSet<String>,
    /// The last words of those that were edited.
    edited: HashMap<String, String>,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Said(Box<Shown>),
    /// The part of this id was deleted. Its line stays: a timeline is only ever appended to.
    Gone {
        gone: String,
        at: Timestamp,
    },
    /// The part of this id says this since then.
    Edited {
        edited: String,
        text: String,
        at: Timestamp,
    },
}

impl Timeline {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: 0,
            known: HashSet::new(),
            gone: HashSet::new(),
            edited: HashMap::new(),
        }
    }

    /// What is not there, or gone already, stays so.
    pub(super) fn delete(&mut self, id: &str, at: Timestamp) -> io::Result<()> {
        let mut file = self.open()?;
        file.lock()?;
        self.catch_up(&mut file)?;
        if self.known.contains(id) && self.gone.insert(id.to_owned()) {
            let gone = id.to_owned();
            self.write(&mut file, &Line::Gone { gone, at })?;
        }
        Ok(())
    }

    /// What says so already goes on saying it; `false`: there is nothing (any more) that could.
    pub(super) fn edit(&mut self, id: &str, text: &str, at: Timestamp) -> io::Result<bool> {
        let mut file = self.open()?;
        file.lock()?;
        self.catch_up(&mut file)?;
        if !self.known.contains(id) || self.gone.contains(id) {
            return Ok(false);
        }
        if self.edited.get(id).is_none_or(|said| said != text) {
            let (edited, text) = (id.to_owned(), text.to_owned());
            self.edited.insert(edited.clone(), text.clone());
            self.write(&mut file, &Line::Edited { edited, text, at })?;
        }
        Ok(true)
    }

    /// Under an id that is put once: again, it is the same.
    pub(super) fn put(&mut self, id: &str, said: Said, at: Timestamp) -> io::Result<Option<String>> {
        self.put_once(id, said, at)?;
        Ok(Some(id.to_owned()))
    }

    /// Under an id that is put once; `None`: it is there already.
    pub(super) fn put_once(&mut self, id: &str, said: Said, at: Timestamp) -> io::Result<Option<String>> {
        let mut file = self.open()?;
        file.lock()?;
        self.catch_up(&mut file)?;
        if self.known.contains(id) {
            return Ok(None);
        }
        self.append(&mut file, id.to_owned(), said, at).map(Some)
    }

    /// As one more, whatever is there.
    pub(super) fn add(&mut self, key: DeliveryId, said: Said, at: Timestamp) -> io::Result<Option<String>> {
        let mut file = self.open()?;
        file.lock()?;
        self.catch_up(&mut file)?;
        let id = id_near(key, u128::from(self.read) + 1);
        self.append(&mut file, id, said, at).map(Some)
    }

    pub(super) fn all(&mut self) -> io::Result<Vec<Shown>> {
        let mut file = self.open()?;
        file.lock()?;
        self.catch_up(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(shown(&bytes))
    }

    fn append(&mut self, file: &mut File, id: String, said: Said, at: Timestamp) -> io::Result<String> {
        let shown = Shown {
            id: id.clone(),
            at,
            deleted: None,
            edited: None,
            said,
        };
        self.write(file, &Line::Said(Box::new(shown)))?;
        self.known.insert(id.clone());
        Ok(id)
    }

    fn write(&mut self, file: &mut File, line: &Line) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        file.seek(SeekFrom::Start(self.read))?;
        file.write_all(&line)?;
        file.sync_data()?;
        self.read += line.len() as u64;
        Ok(())
    }

    fn open(&self) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true);
        match options.open(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            done => return done,
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let file = options.create(true).truncate(false).open(&self.path)?;
        // The file's name must be as durable as its lines.
        File::open(folder)?.sync_all()?;
        Ok(file)
    }

    /// Reads the lines that were added since, and cuts off a last one without an end: under our lock, its
    /// writer is dead.
    fn catch_up(&mut self, file: &mut File) -> io::Result<()> {
        if file.metadata()?.len() < self.read {
            // Somebody emptied it.
            *self = Self::new(std::mem::take(&mut self.path));
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut added = Vec::new();
        file.read_to_end(&mut added)?;
        let whole = whole_lines(&added);
        for line in lines(whole) {
            match line {
                Line::Said(shown) => drop(self.known.insert(shown.id)),
                Line::Gone { gone, .. } => drop(self.gone.insert(gone)),
                Line::Edited { edited, text, .. } => drop(self.edited.insert(edited, text)),
            }
        }
        let (whole, all) = (whole.len() as u64, added.len() as u64);
        self.read += whole;
        if whole < all {
            file.set_len(self.read)?;
        }
        Ok(())
    }
}

/// All but a last line without an end, which a crash has left.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    bytes.get(..end).unwrap_or_default()
}

/// Lines that cannot be read are passed over: a timeline is for looking at.
fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    bytes
        .split(|&b| b == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
}

/// What was said, in order, each in its last words and with whether it was deleted since.
fn shown(bytes: &[u8]) -> Vec<Shown> {
    let (mut said, mut gone, mut edited) = (Vec::new(), HashMap::new(), HashMap::new());
    for line in lines(bytes) {
        match line {
            Line::Said(shown) => said.push(*shown),
            Line::Gone { gone: id, at } => drop(gone.insert(id, at)),
            Line::Edited { edited: id, text, at } => drop(edited.insert(id, (text, at))),
        }
    }
    for shown in &mut said {
        shown.deleted = gone.get(&shown.id).copied();
        if let Some((text, at)) = edited.remove(&shown.id) {
            shown.said.text = text;
            shown.edited = Some(at);
        }
    }
    said
}

/// The newest `limit` parts of an account's timeline. Threads and answers stand together, in order, below the
/// post that they begin with; the newest conversation comes first. `vault` is that of `Tools`.
pub fn timeline(vault: &Path, account: &AccountName, limit: usize) -> io::Result<Vec<Shown>> {
    let bytes = match fs::read(file(vault, account)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut all = shown(whole_lines(&bytes));
    all.drain(..all.len().saturating_sub(limit));
    let mut conversations: Vec<Vec<Shown>> = Vec::new();
    let mut place: HashMap<String, usize> = HashMap::new();
    for shown in all {
        let known = shown
            .said
            .parent
            .as_ref()
            .and_then(|parent| place.get(parent).copied());
        let at = known.unwrap_or(conversations.len());
        place.insert(shown.id.clone(), at);
        match conversations.get_mut(at) {
            Some(conversation) => conversation.push(shown),
            None => conversations.push(vec![shown]),
        }
    }
    conversations.sort_by_key(|c| std::cmp::Reverse(c.last().map(|shown| shown.at)));
    Ok(conversations.into_iter().flatten().collect())
}

/// The accounts that have a timeline, by name.
pub fn accounts(vault: &Path) -> io::Result<Vec<AccountName>> {
    let folder = match fs::read_dir(vault.join("sandbox")) {
        Ok(folder) => folder,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in folder {
        let name = entry?.file_name();
        let account = name
            .to_str()
            .and_then(|name| name.strip_suffix(".jsonl"))
            .map(str::parse);
        if let Some(Ok(account)) = account {
            names.push(account);
        }
    }
    names.sort();
    Ok(names)
}

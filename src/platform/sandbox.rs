//! The built-in stand-in for a platform: the same limits, a timeline of its own, nothing to sign up for.
//!
//! Each account's timeline is a file of JSON lines, only ever appended to. A post is put under our own key,
//! so putting it again is a no-op that gives the first receipt: doubt ends by sending again.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::Http;
use super::{Outgoing, Platform, Prepared, Sealed, Tools, settings};
use crate::post::content::Image;
use crate::post::identity::{AccountName, DeliveryId};
use crate::post::outcome::{Class, Failure, Receipt};
use crate::text::count::{graphemes, measure};
use crate::text::limits::{Doubt, Limits};

pub const NAME: &str = "sandbox";

/// Whose limits are taken if the account does not say.
const LIKE: &str = "mastodon";

pub fn limits() -> Limits {
    like(super::mastodon::limits())
}

fn like(mut limits: Limits) -> Limits {
    limits.platform = NAME;
    limits.doubt = Doubt::OwnId;
    limits
}

/// `[account.NAME]` with `platform = "sandbox"`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The platform whose limits it takes; by default mastodon.
    like: Option<String>,
}

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let name = config.like.as_deref().unwrap_or(LIKE);
    let model = super::find(name)
        .filter(|entry| entry.name != NAME)
        .ok_or_else(|| {
            let names: Vec<&str> = super::PLATFORMS
                .iter()
                .map(|e| e.name)
                .filter(|name| *name != NAME)
                .collect();
            format!(
                "like: there is no platform `{name}`; there are {}",
                names.join(", ")
            )
        })?;
    Ok(Box::new(Sandbox {
        limits: like((model.limits)()),
        timeline: Arc::new(Mutex::new(Timeline::new(file(tools.vault, tools.account)))),
        http: tools.http.clone(),
    }))
}

struct Sandbox {
    limits: Limits,
    timeline: Arc<Mutex<Timeline>>,
    /// For its clock alone.
    http: Http,
}

/// What a timeline shows of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// 32 hexadecimal digits; the page's anchor.
    pub id: String,
    /// When the sandbox took it.
    pub at: Timestamp,
    #[serde(flatten)]
    pub said: Said,
}

/// What was said in it: the frozen request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub message: String,
    /// Which part of how many, counted from 0.
    pub index: u16,
    pub of: u16,
    pub text: String,
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The file's name in the messages folder, and its description.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The URL of the post that this one shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The id of the part that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// The whole request, or why a platform like this would refuse it.
pub fn request(limits: &Limits, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
    let text = out.part.shown_text(limits.abilities);
    if let Some(words) = objection(limits, out, &text) {
        return Err(Failure::new(Class::Rejected, words));
    }
    let said = Said {
        message: out.message.to_owned(),
        index: out.index,
        of: out.of,
        text: text.into_owned(),
        language: out.language.to_owned(),
        warn: out.warn.map(str::to_owned),
        link: out.part.link.as_ref().map(|link| link.url.clone()),
        images: out.part.images.clone(),
        share: out.share.map(str::to_owned),
        parent: out.parent.map(|parent| parent.id.clone()),
    };
    Ok(Prepared {
        path: String::new(),
        body: serde_json::json!(said).to_string(),
    })
}

/// What a platform with these limits would say against it.
fn objection(limits: &Limits, out: &Outgoing<'_>, text: &str) -> Option<String> {
    let measure = measure(&limits.length, text, out.warn.unwrap_or_default());
    if let Some(limit) = measure.limit.filter(|_| !measure.fits()) {
        return Some(format!(
            "the text has {} {}; at most {limit} are taken",
            measure.length, measure.unit
        ));
    }
    if text.trim().is_empty() && out.images.is_empty() && out.share.is_none() {
        return Some("the text is empty".into());
    }
    if out.images.len() > usize::from(limits.max_images) {
        return Some(format!(
            "there are {} images; at most {} are taken",
            out.images.len(),
            limits.max_images
        ));
    }
    out.images.iter().find_map(|image| {
        if image.bytes.len() as u64 > limits.max_image_bytes {
            return Some(format!(
                "an image has {} bytes; at most {} are taken",
                image.bytes.len(),
                limits.max_image_bytes
            ));
        }
        if !limits.image_types.contains(&image.mime) {
            return Some(format!("images of type {} are not taken", image.mime));
        }
        let max = limits.max_alt?;
        let length = graphemes(&image.alt);
        (length > max)
            .then(|| format!("an image's description has {length} characters; at most {max} are taken"))
    })
}

#[async_trait]
impl Platform for Sandbox {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        request(&self.limits, out)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let said: Said = serde_json::from_str(&sealed.prepared.body)
            .map_err(|e| Failure::new(Class::Rejected, format!("not a post of the sandbox: {e}")))?;
        let (key, at) = (sealed.key.delivery, self.http.now());
        let timeline = Arc::clone(&self.timeline);
        let put = move || {
            timeline
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .put(key, said, at)
        };
        let done = tokio::task::spawn_blocking(put).await;
        match done {
            Ok(Ok(())) => Ok(receipt(key)),
            // Whatever went wrong with the disk: putting it again is a no-op if it is there.
            Ok(Err(e)) => Err(Failure::new(
                Class::InDoubt,
                format!("the sandbox's timeline: {e}"),
            )),
            Err(e) => Err(Failure::new(
                Class::InDoubt,
                format!("the sandbox's timeline: {e}"),
            )),
        }
    }
}

fn receipt(key: DeliveryId) -> Receipt {
    Receipt {
        id: key.to_string(),
        url: Some(format!("/sandbox#{key}")),
        pin: None,
    }
}

// The file.

fn file(vault: &Path, account: &AccountName) -> PathBuf {
    vault.join("sandbox").join(format!("{account}.jsonl"))
}

/// A timeline open for putting. Other processes may put into the same file: it is locked while we do, and
/// what they added is read first.
struct Timeline {
    path: PathBuf,
    /// How much of the file `known` covers.
    read: u64,
    known: HashSet<String>,
}

impl Timeline {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: 0,
            known: HashSet::new(),
        }
    }

    fn put(&mut self, key: DeliveryId, said: Said, at: Timestamp) -> io::Result<()> {
        let id = key.to_string();
        let mut file = self.open()?;
        file.lock()?;
        self.catch_up(&mut file)?;
        if self.known.contains(&id) {
            return Ok(());
        }
        let mut line = serde_json::to_vec(&Shown {
            id: id.clone(),
            at,
            said,
        })?;
        line.push(b'\n');
        file.seek(SeekFrom::Start(self.read))?;
        file.write_all(&line)?;
        file.sync_data()?;
        self.read += line.len() as u64;
        self.known.insert(id);
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
        for shown in lines(whole) {
            self.known.insert(shown.id);
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
fn lines(bytes: &[u8]) -> impl Iterator<Item = Shown> {
    bytes
        .split(|&b| b == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
}

/// The newest `limit` parts of an account's timeline. Threads and answers stand together, in order, below the
/// post that they begin with; the newest conversation comes first. `vault` is that of `Tools`.
pub fn timeline(vault: &Path, account: &AccountName, limit: usize) -> io::Result<Vec<Shown>> {
    let bytes = match fs::read(file(vault, account)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut all: Vec<Shown> = lines(whole_lines(&bytes)).collect();
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

//! Checks each message of a file against settings, facts and accounts: every text is worked out and
//! measured for every account that it goes to.

mod account;
mod ahead;
mod facts;
mod images;
mod lints;
mod signs;
mod times;
mod video;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::fact::Fact;
use super::message::{Message, Words};
use super::outside::{Footage, Media, MediaProblem, Outside};
use super::place::{Path, Unplaced, place};
use super::problem::{Problem, Severity, nearest, shown};
use super::read::{Entry, FileRead, MESSAGE_KEYS};
use super::render::{RenderProblem, text_path};
use super::template::{Engine, Said, Scene, is_template};
use super::{Roster, Settings, platforms};
use crate::post::content::{Image, Video};
use crate::post::identity::MessageId;
use crate::text::parts::Cuts;
use account::is_for_all;

/// All that a message is checked against.
pub struct Context<'c> {
    pub settings: &'c Settings,
    pub facts: &'c BTreeMap<String, Fact>,
    /// Facts that must not be used because something is wrong where they are written, and what.
    pub faulty: &'c BTreeMap<String, String>,
    pub roster: &'c Roster,
    pub engine: Engine,
    pub now: Timestamp,
    pub today: Date,
    /// Of all of the above but the hour: while it is the same, a check is still good.
    pub hash: u64,
}

/// What the check of a file found.
#[derive(Debug, Default)]
pub struct Checked {
    pub problems: Vec<Problem>,
    /// Why messages must not go out.
    pub blocked: Vec<(MessageId, String)>,
    pub uses: Vec<(MessageId, BTreeSet<String>)>,
    /// Messages that silence warnings and whose warnings are all known, so that it is known which are silenced
    /// in vain.
    pub looked: Vec<MessageId>,
}

/// A check, and what it depended on.
#[derive(Debug)]
pub struct Stash {
    hash: u64,
    checked: Arc<Checked>,
}

/// Checks the messages of `file`, or finds that the last check is still good.
pub fn check(context: &Context<'_>, file: &FileRead, outside: &dyn Outside) -> Arc<Checked> {
    let media = Seen::of(file, outside);
    let mut hasher = DefaultHasher::new();
    (context.hash, &media).hash(&mut hasher);
    let hash = hasher.finish();
    let mut stash = match file.stash.lock() {
        Ok(stash) => stash,
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some(good) = stash.as_ref().filter(|stash| stash.hash == hash) {
        return good.checked.clone();
    }
    let checked = Arc::new(fresh(context, file, &media, outside));
    *stash = Some(Stash {
        hash,
        checked: checked.clone(),
    });
    checked
}

/// The media files that a file's messages name.
#[derive(Default, Hash)]
struct Seen {
    images: BTreeMap<String, Result<Media, MediaProblem>>,
    videos: BTreeMap<String, Result<Footage, MediaProblem>>,
}

impl Seen {
    fn of(file: &FileRead, outside: &dyn Outside) -> Self {
        let mut seen = Self::default();
        let messages = file.messages.iter().map(|entry| &*entry.message);
        for (_, words) in messages.flat_map(all_words) {
            for Image { file, .. } in words.images() {
                if !file.is_empty() && !seen.images.contains_key(file) {
                    seen.images.insert(file.clone(), outside.media(file));
                }
            }
            if let Some(Video { file, .. }) = words.video().filter(|video| !video.file.is_empty())
                && !seen.videos.contains_key(file)
            {
                seen.videos.insert(file.clone(), outside.video(file));
            }
        }
        seen
    }
}

fn fresh(context: &Context<'_>, file: &FileRead, media: &Seen, outside: &dyn Outside) -> Checked {
    let mut checked = Checked::default();
    let mut unplaced = Vec::new();
    for entry in &file.messages {
        let mut check = Check {
            context,
            entry,
            message: &entry.message,
            media,
            outside,
            drawn: BTreeSet::new(),
            problems: &mut unplaced,
            blocked: None,
            uses: BTreeSet::new(),
            said: HashMap::new(),
            cuts: Cuts::default(),
            days: (context.today, context.today),
            on: None,
            over: false,
        };
        check.days = check.span();
        check.all();
        let (blocked, uses, over) = (check.blocked, check.uses, check.over);
        let silences = !entry.message.allow.is_empty();
        if silences && blocked.is_none() && !over && entry.error.is_none() {
            checked.looked.push(entry.message.id.clone());
        }
        if let Some(why) = blocked {
            checked.blocked.push((entry.message.id.clone(), why));
        }
        if !uses.is_empty() {
            checked.uses.push((entry.message.id.clone(), uses));
        }
    }
    if !unplaced.is_empty() {
        let text = outside.text(&file.file);
        checked.problems = place(&file.file, text.as_deref(), unplaced);
        // On a line that is not TOML, what was guessed says nothing about what was meant.
        let misread = |line| {
            file.problems
                .iter()
                .any(|problem| problem.code == "syntax" && problem.place.line == line)
        };
        checked.problems.retain(|problem| !misread(problem.place.line));
    }
    checked
}

/// All the words of a message, each with the key of its override.
fn all_words(message: &Message) -> impl Iterator<Item = ([&str; 2], &Words)> {
    let places = message
        .for_account
        .iter()
        .map(|(key, words)| ([&**key, ""], words));
    let languages = message
        .for_language
        .iter()
        .map(|(key, words)| (["lang", &**key], words));
    std::iter::once(([""; 2], &message.words))
        .chain(places)
        .chain(languages)
}

/// The way to `keys` in the words at `source`.
fn path(source: [&str; 2], keys: &[&str]) -> Path<'static> {
    source
        .iter()
        .chain(keys)
        .filter(|key| !key.is_empty())
        .map(|key| Cow::Owned((*key).to_owned()))
        .collect()
}

/// The check of one message.
struct Check<'a, 'c> {
    context: &'a Context<'c>,
    entry: &'a Entry,
    message: &'a Message,
    media: &'a Seen,
    outside: &'a dyn Outside,
    /// Cards that were looked at already.
    drawn: BTreeSet<String>,
    problems: &'a mut Vec<Unplaced>,
    blocked: Option<String>,
    uses: BTreeSet<String>,
    /// The templates that were worked out, by the key of their words, which variant, and the day: two accounts mostly say the
    /// same.
    said: HashMap<([&'a str; 2], usize, Date), Said>,
    /// Where the texts may be broken: two accounts mostly say the same.
    cuts: Cuts,
    /// The first and the last day on which it may go out.
    days: (Date, Date),
    /// The later day that is looked at.
    on: Option<Date>,
    /// Its time is over: what it says can't be changed any more.
    over: bool,
}

impl<'a> Check<'a, '_> {
    fn all(&mut self) {
        self.names();
        self.times();
        self.over = self.is_over();
        let targets = self.context.roster.targets(&self.message.to);
        if let Some(url) = &self.message.share {
            self.share(url, &targets);
            self.lint_address("share", url);
            return;
        }
        for (source, words) in all_words(self.message) {
            self.words(source, words);
            self.lint(source, words);
        }
        self.accounts(&targets);
        self.translations(&targets);
        self.facts();
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        path: Path<'static>,
        message: String,
        help: String,
    ) -> Option<&mut Unplaced> {
        if severity == Severity::Error {
            self.block(&message);
        }
        self.problems.push(Unplaced {
            severity,
            code,
            message,
            help,
            about: self.entry.named.then(|| self.message.id.clone()),
            index: Some(self.entry.index),
            path,
            words: None,
            nth: 0,
            line: self.message.place.line,
        });
        self.problems.last_mut()
    }

    fn error(&mut self, code: &'static str, path: Path<'static>, message: String, help: impl Into<String>) {
        self.add(Severity::Error, code, path, message, help.into());
    }

    fn warning(&mut self, code: &'static str, path: Path<'static>, message: String, help: impl Into<String>) {
        self.add(Severity::Warning, code, path, message, help.into());
    }

    fn unusable(&mut self, code: &'static str, path: Path<'static>, file: &str, problem: &MediaProblem) {
        let message = format!("`{}`: {}", shown(file), problem.message);
        self.error(code, path, message, problem.help.clone());
    }

    fn block(&mut self, why: &str) {
        if self.blocked.is_none() {
            self.blocked = Some(why.to_owned());
        }
    }

    /// Accounts, groups and platforms that nobody has.
    fn names(&mut self) {
        let roster = self.context.roster;
        let known = |name: &str| {
            roster.groups.contains_key(name)
                || roster
                    .accounts
                    .iter()
                    .any(|account| account.name.as_str() == name)
        };
        let names = || {
            let accounts = roster.accounts.iter().map(|account| account.name.as_str());
            accounts.chain(roster.groups.keys().map(String::as_str))
        };
        let message = self.message;
        for (i, name) in message.to.iter().enumerate().filter(|(_, name)| !known(name)) {
            let same: Vec<&str> = roster
                .accounts
                .iter()
                .filter(|account| account.platform == &**name)
                .map(|account| account.name.as_str())
                .collect();
            let help = match (nearest(name, names()), same.as_slice()) {
                (_, [first, ..]) => format!(
                    "the accounts on {name} are: {}; write `to = [\"{first}\"]`",
                    same.join(", ")
                ),
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, _) => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
            };
            self.error(
                "unknown-account",
                path([""; 2], &["to", &i.to_string()]),
                format!("there is no account or group named `{}`", shown(name)),
                help,
            );
        }
        for name in message
            .for_account
            .keys()
            .filter(|name| !known(name) && !platforms().any(|platform| platform == &***name))
        {
            let near = nearest(
                name,
                names()
                    .chain(platforms().map(|name| -> &str { name }))
                    .chain(MESSAGE_KEYS.iter().copied()),
            );
            let help = near.map_or_else(
                || format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            self.error(
                "unknown-account",
                path([""; 2], &[name]),
                format!("there is no account, group or platform named `{}`", shown(name)),
                help,
            );
        }
    }

    /// One set of words by itself, whether an account says them or not.
    fn words(&mut self, source: [&'a str; 2], words: &'a Words) {
        let media = self.media;
        for (i, image) in words.images().iter().enumerate() {
            if let Some(Err(problem)) = media.images.get(&image.file) {
                let at = path(source, &["image", &i.to_string(), "file"]);
                self.unusable("bad-image", at, &image.file, problem);
            }
        }
        if let Some(video) = words.video()
            && let Some(Err(problem)) = media.videos.get(&video.file)
        {
            let at = path(source, &["video", "file"]);
            self.unusable("bad-video", at, &video.file, problem);
        }
        let language = self.language(source);
        let account = self
            .context
            .roster
            .accounts
            .first()
            .map_or("", |account| account.name.as_str());
        let scene = Scene {
            due: self.days.0,
            language,
            account,
        };
        let templates = words.texts.iter().enumerate();
        for (nth, text) in templates.filter(|(_, text)| is_template(text)) {
            let path = text_path(source, &words.texts, nth);
            match self.context.engine.say(text, &scene) {
                Err(problem) => self.template(path, problem),
                Ok(said) => {
                    self.claims(&path, language, &said);
                    if is_for_all(text) {
                        self.said.insert((source, nth, self.days.0), said);
                    }
                }
            }
        }
    }

    fn template(&mut self, path: Path<'static>, problem: RenderProblem) {
        if let Some(added) = self.add(Severity::Error, problem.code, path, problem.message, problem.help) {
            added.words = problem.words;
        }
    }
}

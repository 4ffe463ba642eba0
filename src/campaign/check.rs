//! Checks each message of a file against settings, facts and accounts: every text is worked out and
//! measured for every account that it goes to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::fact::Fact;
use super::message::{Local, Message, When, Words};
use super::outside::{Media, MediaProblem, Outside};
use super::place::{Path, Unplaced, place};
use super::problem::{Problem, Severity, nearest, shown};
use super::read::{Entry, FileRead, MESSAGE_KEYS};
use super::render::{Chosen, RenderProblem, choose, compose, described};
use super::template::{Engine, Said, Scene, is_template};
use super::{Account, PLATFORMS, Roster, Settings};
use crate::calendar::civil::{self, Resolved, resolve};
use crate::post::content::{Content, Image};
use crate::post::identity::MessageId;
use crate::text::count;

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
}

/// A check, and what it depended on.
#[derive(Debug)]
pub struct Stash {
    hash: u64,
    checked: Arc<Checked>,
}

/// Checks the messages of `file`, or finds that the last check is still good.
pub fn check(context: &Context<'_>, file: &FileRead, outside: &dyn Outside) -> Arc<Checked> {
    let media = Media_::of(file, outside);
    let mut hasher = DefaultHasher::new();
    (context.hash, &media.0).hash(&mut hasher);
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
struct Media_(BTreeMap<String, Result<Media, MediaProblem>>);

impl Media_ {
    fn of(file: &FileRead, outside: &dyn Outside) -> Self {
        let mut media = BTreeMap::new();
        for message in file.messages.iter().map(|entry| &entry.message) {
            for image in all_words(message).flat_map(|(_, words)| words.images.iter().flatten()) {
                if !media.contains_key(&image.file) {
                    media.insert(image.file.clone(), outside.media(&image.file));
                }
            }
        }
        Self(media)
    }
}

fn fresh(context: &Context<'_>, file: &FileRead, media: &Media_, outside: &dyn Outside) -> Checked {
    let mut checked = Checked::default();
    let mut unplaced = Vec::new();
    for entry in &file.messages {
        let mut check = Check {
            context,
            entry,
            message: &entry.message,
            media,
            problems: &mut unplaced,
            blocked: None,
            uses: BTreeSet::new(),
        };
        check.all();
        let (blocked, uses) = (check.blocked, check.uses);
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
    media: &'a Media_,
    problems: &'a mut Vec<Unplaced>,
    blocked: Option<String>,
    uses: BTreeSet<String>,
}

impl<'a> Check<'a, '_> {
    fn all(&mut self) {
        self.names();
        self.times();
        let targets = self.context.roster.targets(&self.message.to);
        if let Some(url) = &self.message.share {
            self.share(url, &targets);
            return;
        }
        for (source, words) in all_words(self.message) {
            self.words(source, words);
        }
        self.accounts(&targets);
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
            .filter(|name| !known(name) && !PLATFORMS.contains(&&***name))
        {
            let near = nearest(
                name,
                names()
                    .chain(PLATFORMS.iter().copied())
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

    fn instant(&self, local: Local) -> Option<Timestamp> {
        match local {
            Local::Fixed(at) => Some(at),
            Local::Civil(local) => civil::instant(&self.context.settings.zone, local),
        }
    }

    /// Times that cannot be, or are not what they seem (reliability §2.8, T5, T11).
    fn times(&mut self) {
        let (context, message) = (self.context, self.message);
        let zone = &context.settings.zone;
        let here = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let near = |years: i64| context.today.checked_add(years.years());
        for (key, local) in [("starts", message.starts), ("expires", message.expires)] {
            let Some(local) = local else { continue };
            let far = near(10).is_ok_and(|limit| {
                self.instant(local)
                    .is_none_or(|at| at.to_zoned(zone.clone()).date() > limit)
            });
            if far {
                self.error(
                    "bad-time",
                    path([""; 2], &[key]),
                    format!("`{key}` is more than ten years away"),
                    "is the year right?",
                );
            }
        }
        let at = match &message.when {
            When::At(local) => {
                let text = path([""; 2], &["at"]);
                if let Local::Civil(local) = *local {
                    match resolve(zone, local) {
                        Resolved::At(_) => {}
                        Resolved::Moved { at, .. } => self.warning(
                            "clock-change",
                            text.clone(),
                            format!("the clocks go forward over {}: it goes out at {}", local.strftime("%Y-%m-%d %H:%M"), here(at)),
                            "write another time if that is not meant",
                        ),
                        Resolved::First { at, second } => self.warning(
                            "clock-change",
                            text.clone(),
                            format!(
                                "the clocks go back, so {} is there twice: it goes out the first time, at {at}, not at {second}",
                                local.strftime("%Y-%m-%d %H:%M"),
                            ),
                            "write the time with its offset for the second",
                        ),
                        Resolved::NoSuchTime => self.error(
                            "bad-time",
                            text.clone(),
                            format!("there is no {} in this time zone", local.strftime("%Y-%m-%d %H:%M")),
                            "write another day",
                        ),
                    }
                }
                let at = self.instant(*local);
                let day = at.map(|at| at.to_zoned(zone.clone()).date());
                if day.is_some_and(|day| near(10).is_ok_and(|limit| day > limit)) {
                    self.error(
                        "bad-time",
                        text,
                        "`at` is more than ten years away".into(),
                        "is the year right?",
                    );
                } else if day.is_some_and(|day| near(-1).is_ok_and(|limit| day < limit)) {
                    // Younger ones are the campaign's past: nothing is wrong with those that went out.
                    self.warning(
                        "past",
                        text,
                        "`at` is more than a year ago".into(),
                        "is the year right? If it went out then, all is well: it is not posted again",
                    );
                }
                at
            }
            When::Cron(cron) => {
                if !cron.fires_within(zone, context.now, 5) {
                    self.error(
                        "never-fires",
                        path([""; 2], &["cron"]),
                        "this rule does not come round in the next five years".into(),
                        "is the day of the month right?",
                    );
                }
                None
            }
            When::After { .. } | When::Evergreen | When::Queue => None,
        };
        let (starts, expires) = (
            message.starts.and_then(|local| self.instant(local)),
            message.expires.and_then(|local| self.instant(local)),
        );
        if let (Some(at), Some(expires)) = (at, expires)
            && at >= expires
        {
            self.error(
                "expires-first",
                path([""; 2], &["expires"]),
                format!("this message expires before it goes out, at {}", here(at)),
                "write a later date, or leave the line out",
            );
        }
        if let (Some(at), Some(starts)) = (at, starts)
            && at < starts
        {
            self.error(
                "conflict",
                path([""; 2], &["starts"]),
                format!("`at` is before `starts`: {} would be too early", here(at)),
                "leave out `starts`: a message with `at` goes out at that time",
            );
        }
    }

    /// The day for which texts are worked out here.
    fn day(&self) -> Date {
        let at = match self.message.when {
            When::At(local) => self.instant(local),
            _ => None,
        };
        at.map_or(self.context.today, |at| {
            at.to_zoned(self.context.settings.zone.clone()).date()
        })
    }

    fn share(&mut self, url: &str, targets: &[&Account]) {
        let able = |account: &&&Account| account.limits.abilities.share;
        let good: Vec<String> = targets
            .iter()
            .filter(able)
            .map(|account| format!("\"{}\"", account.name))
            .collect();
        for account in targets.iter().filter(|account| !account.limits.abilities.share) {
            let help = if good.is_empty() {
                "write a text with the post's address as `link` instead".to_owned()
            } else {
                format!(
                    "write `to = [{}]`, and another message for the others",
                    good.join(", ")
                )
            };
            self.error(
                "unsupported",
                path([""; 2], &["share"]),
                format!("{} cannot share the post of another", label(account)),
                help,
            );
        }
        // A post can only be shared where it is; of one network we know how its addresses look.
        let theirs = url::Url::parse(url).is_ok_and(|url| url.host_str() == Some("bsky.app"));
        let wrong = |account: &&&Account| able(account) && (account.like == "bluesky") != theirs;
        for account in targets.iter().filter(wrong) {
            self.error(
                "unsupported",
                path([""; 2], &["share"]),
                format!("{} cannot share a post of another network", label(account)),
                "name in `to` only accounts on the network that the post is on",
            );
        }
    }

    /// One set of words by itself, whether an account says them or not.
    fn words(&mut self, source: [&str; 2], words: &Words) {
        for (i, image) in words.images.iter().flatten().enumerate() {
            if let Some(Err(problem)) = self.media.0.get(&image.file) {
                let (message, help) = (
                    format!("`{}`: {}", shown(&image.file), problem.message),
                    problem.help.clone(),
                );
                self.error(
                    "bad-image",
                    path(source, &["image", &i.to_string(), "file"]),
                    message,
                    help,
                );
            }
        }
        let Some(text) = words.text.as_deref().filter(|text| is_template(text)) else {
            return;
        };
        let settings = self.context.settings;
        let language = if source[0] == "lang" {
            source[1]
        } else {
            &settings.language
        };
        let account = self
            .context
            .roster
            .accounts
            .first()
            .map_or("", |account| account.name.as_str());
        let scene = Scene {
            due: self.day(),
            language,
            account,
        };
        match self.context.engine.say(text, &scene) {
            Err(problem) => self.template(path(source, &["text"]), problem),
            Ok(said) => self.claims(source, &said),
        }
    }

    fn template(&mut self, path: Path<'static>, problem: RenderProblem) {
        if let Some(added) = self.add(Severity::Error, problem.code, path, problem.message, problem.help) {
            added.words = problem.words;
        }
    }

    /// A claim goes out only with the name of who says so.
    fn claims(&mut self, source: [&str; 2], said: &Said) {
        for name in &said.facts {
            let Some(says) = self.context.facts.get(name).and_then(|fact| fact.says.as_deref()) else {
                continue;
            };
            if !plain(&said.text).contains(&plain(says)) {
                let added = self.add(
                    Severity::Error,
                    "unattributed-claim",
                    path(source, &["text"]),
                    format!(
                        "this text uses the claim `{name}` without naming who says so: {}",
                        shown(says)
                    ),
                    format!("name them in this text too: \"{} says …\"", shown(says)),
                );
                if let Some(added) = added {
                    added.words = Some(format!("fact.{name}"));
                }
            }
        }
        self.uses.extend(said.facts.iter().cloned());
    }

    /// What each account would say, measured by its own rules.
    fn accounts(&mut self, targets: &[&'a Account]) {
        let (context, message) = (self.context, self.message);
        let day = self.day();
        let mut said: Vec<(&'a Account, Content)> = Vec::new();
        // Two accounts mostly say the same words: those are worked out once.
        let mut last: Option<([&str; 2], String)> = None;
        for account in targets {
            let chosen = choose(
                &context.settings.language,
                &context.roster.groups,
                message,
                account,
            );
            let Some(template) = chosen.text else { continue };
            let scene = Scene {
                due: day,
                language: chosen.language,
                account: account.name.as_str(),
            };
            let text = match &last {
                Some((source, text)) if *source == chosen.source => text.clone(),
                _ => match context.engine.say(template, &scene) {
                    Ok(said) => said.text,
                    // Said already, with the words.
                    Err(_) => continue,
                },
            };
            last = (!template.contains("account")).then(|| (chosen.source, text.clone()));
            let mut say = |template: &str| {
                context.engine.say(template, &scene).map(|said| {
                    self.uses.extend(said.facts);
                    said.text
                })
            };
            let rest = chosen
                .warn
                .map(|warn| say(warn))
                .transpose()
                .and_then(|warn| Ok((warn, described(chosen.images, &mut say)?)));
            let composed =
                rest.and_then(|(warn, images)| compose(message, account, &chosen, &text, warn, images));
            match composed {
                Ok(content) => {
                    self.fits(account, &chosen, &content);
                    said.push((account, content));
                }
                Err(problem) => self.template(path(chosen.source, &["text"]), problem),
            }
        }
        self.twins(&said);
    }

    /// Whether the platform takes it as it is: nothing is ever cut silently.
    fn fits(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        let limits = &account.limits;
        let warn = content.warn.as_deref().unwrap_or_default();
        let text = || path(chosen.source, &["text"]);
        let place = if account.platform == account.like {
            account.platform
        } else {
            account.name.as_str()
        };
        for (i, part) in content.parts.iter().enumerate() {
            let measure = count::measure(&limits.length, &part.shown_text(limits.abilities), warn);
            if let Some(limit) = measure.limit.filter(|_| !measure.fits()) {
                let which = if content.parts.len() > 1 {
                    format!("part {} is ", i + 1)
                } else {
                    String::new()
                };
                let help = if self.message.thread_auto {
                    format!("make it shorter, or write other words under `[message.{place}]`")
                } else {
                    format!(
                        "make it shorter, put a line of just `---` where a new part may begin, write `thread = \"auto\"`, \
                         or write other words under `[message.{place}]`"
                    )
                };
                self.error(
                    "too-long",
                    text(),
                    format!(
                        "{which}too long for {}: {} {}, the limit is {limit}",
                        label(account),
                        measure.length,
                        measure.unit
                    ),
                    help,
                );
            }
        }
        let count = content.parts.len();
        if count > 1 && !limits.abilities.reply {
            self.error(
                "unsupported",
                text(),
                format!("{} has no threads", label(account)),
                format!("write one part for it under `[message.{place}]`"),
            );
        } else if count > usize::from(limits.max_parts) {
            self.error(
                "too-many-parts",
                text(),
                format!(
                    "{count} parts are too many for {}: at most {} can be posted",
                    label(account),
                    limits.max_parts
                ),
                "make it shorter",
            );
        }
        if content.reply_to.is_some() && !limits.abilities.reply {
            self.error(
                "unsupported",
                path([""; 2], &["reply_to"]),
                format!("{} has no replies", label(account)),
                "leave the account out of `to`",
            );
        }
        self.images(account, chosen);
    }

    fn images(&mut self, account: &Account, chosen: &Chosen<'_>) {
        let limits = &account.limits;
        let at = |keys: &[&str]| path(chosen.image_source, keys);
        let (count, max) = (chosen.images.len(), usize::from(limits.max_images));
        if count > max {
            let message = match max {
                0 => format!("{} takes no images", label(account)),
                max => format!(
                    "{count} images are too many for {}: it takes {max}",
                    label(account)
                ),
            };
            let place = if account.platform == account.like {
                account.platform
            } else {
                account.name.as_str()
            };
            self.error(
                "too-many-images",
                at(&["image"]),
                message,
                format!("write `image = […]` with fewer under `[message.{place}]`"),
            );
        }
        for (i, Image { file, alt }) in chosen.images.iter().enumerate() {
            let i = i.to_string();
            if let Some(max) = limits.max_alt.filter(|max| count::graphemes(alt) > *max) {
                self.error(
                    "too-long",
                    at(&["image", &i, "alt"]),
                    format!(
                        "this description is too long for {}: {} characters, the limit is {max}",
                        label(account),
                        count::graphemes(alt)
                    ),
                    "make it shorter",
                );
            }
            let Some(Ok(media)) = self.media.0.get(file) else {
                continue;
            };
            if max > 0 && !limits.image_types.contains(&media.mime) {
                self.error(
                    "bad-image",
                    at(&["image", &i, "file"]),
                    format!("{} does not take {} images", label(account), kind(media.mime)),
                    format!(
                        "save it as {}",
                        limits
                            .image_types
                            .iter()
                            .copied()
                            .map(kind)
                            .collect::<Vec<_>>()
                            .join(" or ")
                    ),
                );
            } else if max > 0 && media.size > limits.max_image_bytes {
                self.error(
                    "bad-image",
                    at(&["image", &i, "file"]),
                    format!(
                        "this image is too large for {}: {} kB, the limit is {} kB",
                        label(account),
                        media.size / 1000,
                        limits.max_image_bytes / 1000
                    ),
                    "save it smaller, or with more compression",
                );
            }
        }
    }

    /// Platforms take the same words from two accounts for spam.
    fn twins(&mut self, said: &[(&Account, Content)]) {
        for (i, (account, content)) in said.iter().enumerate() {
            let twin = said.iter().take(i).find(|(other, same)| {
                other.platform == account.platform
                    && account.platform != "sandbox"
                    && same.parts == content.parts
            });
            if let Some((other, _)) = twin {
                self.warning(
                    "same-text",
                    path([""; 2], &["text"]),
                    format!(
                        "`{}` and `{}` are both on {}, and say the same words",
                        other.name, account.name, account.platform
                    ),
                    format!(
                        "write other words for one under `[message.{}]`, or leave it out of `to`",
                        account.name
                    ),
                );
                return;
            }
        }
    }

    /// Facts that must not be used now, or will not be when it is due (reliability F26).
    fn facts(&mut self) {
        let context = self.context;
        let due = self.day().max(context.today);
        for name in std::mem::take(&mut self.uses) {
            let mut tell = |severity, code, message: String, help: String| {
                let source = all_words(self.message)
                    .find(|(_, words)| words.text.as_deref().is_some_and(|text| text.contains(&*name)))
                    .map_or([""; 2], |(source, _)| source);
                if let Some(added) = self.add(severity, code, path(source, &["text"]), message, help) {
                    added.words = Some(format!("fact.{name}"));
                }
            };
            if let Some(fault) = context.faulty.get(&name) {
                tell(
                    Severity::Error,
                    "unknown-fact",
                    format!("the fact `{name}` cannot be used: {fault}"),
                    "mend it where it is written".into(),
                );
            } else if let Some(fact) = context.facts.get(&name) {
                let help = format!(
                    "check it against its source, then mend `[fact.{name}]` in {}",
                    fact.spot.file
                );
                if let Some(why) = fact.blocks(&name, context.today) {
                    tell(
                        Severity::Warning,
                        "fact-blocked",
                        format!("{why}: this message is held"),
                        help,
                    );
                    self.block(&why);
                } else if let Some(by) = fact.review_by.filter(|by| due > *by) {
                    tell(
                        Severity::Warning,
                        "fact-review",
                        format!(
                            "the fact `{name}` must be checked again by {by}, before this message goes out on {due}"
                        ),
                        help,
                    );
                }
            }
            self.uses.insert(name);
        }
    }
}

/// An account as people know it.
fn label(account: &Account) -> String {
    if account.name.as_str() == account.platform && account.platform == account.like {
        account.platform.to_owned()
    } else if account.platform == account.like {
        format!("{} (account `{}`)", account.platform, account.name)
    } else {
        format!("{} (account `{}`)", account.like, account.name)
    }
}

/// `image/png` as people call it.
fn kind(mime: &str) -> String {
    mime.trim_start_matches("image/").to_ascii_uppercase()
}

/// In small letters, with single spaces: how names are compared.
fn plain(text: &str) -> String {
    text.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

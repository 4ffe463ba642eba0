//! What is put before people to approve: all that a message would say, and where.
//!
//! Texts stand as they are written, with the values that they quote beside them. So what changes by itself (days
//! that are counted) is approved once, and what somebody changes (a text, a fact, an image) is not.

use std::collections::{BTreeMap, BTreeSet};

use super::Approved;
use crate::campaign::message::Message;
use crate::campaign::render::{Chosen, card_for, words_for};
use crate::campaign::template::Engine;
use crate::campaign::{Account, Campaign, Roster};
use crate::post::card::Style;
use crate::post::digest::Digest;
use crate::post::identity::{AccountName, MessageId};

/// How the digest is made. Another way is another number, and takes every approval back.
const LAYOUT: &str = "steadfast/approval/1";

/// All that a message would say. When it would is no part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    message: String,
    /// Of the whole message: the post that is shared or answered, how a thread is made.
    whole: Vec<(&'static str, String)>,
    /// By the accounts' names, so that their order in the config says nothing.
    sayings: BTreeMap<AccountName, Saying>,
}

/// What one account would say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Saying {
    language: String,
    /// More than one: variants.
    texts: Vec<String>,
    warn: Option<String>,
    link: Option<String>,
    images: Vec<Picture>,
    video: Option<Picture>,
    /// What is on its card beside the text: how it looks, whose it is, its tags and colours.
    card: Option<String>,
    /// The values that its texts quote, by name: `fact.verdict`.
    values: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Picture {
    file: String,
    bytes: Digest,
    alt: String,
}

impl Proposal {
    /// What `message` would say; `hash` gives the SHA-256 of a media file, `None` if it can't be read.
    ///
    /// # Errors
    /// Why it can't be told, and so not be approved: one sentence without a full stop.
    pub fn of(
        campaign: &Campaign,
        roster: &Roster,
        message: &Message,
        hash: &dyn Fn(&str) -> Option<Digest>,
    ) -> Result<Self, String> {
        let engine = Engine::new(&campaign.settings, &campaign.facts);
        let mut whole = Vec::new();
        if let Some(url) = &message.share {
            whole.push(("shares", url.to_string()));
        }
        if let Some(target) = &message.reply_to {
            whole.push(("answers", target.to_string()));
        }
        if message.threading.auto {
            whole.push(("thread", "auto".to_owned()));
        }
        if message.threading.counter {
            whole.push(("counter", "true".to_owned()));
        }
        let mut sayings = BTreeMap::new();
        for account in roster.targets(&message.to) {
            let saying = match message.share {
                // Of a shared post nothing else is said.
                Some(_) => Saying::default(),
                None => Saying::of(campaign, &engine, message, account, hash)?,
            };
            sayings.insert(account.name.clone(), saying);
        }
        Ok(Self {
            message: message.id.to_string(),
            whole,
            sayings,
        })
    }

    /// What tells it from every other: SHA-256 over length-prefixed fields, each after its name.
    pub fn digest(&self) -> Digest {
        self.digest_of(&self.message)
    }

    /// What it would be if the message had that id.
    pub fn digest_as(&self, id: &MessageId) -> Digest {
        self.digest_of(id.as_str())
    }

    fn digest_of(&self, message: &str) -> Digest {
        let mut fields = vec![LAYOUT.to_owned(), message.to_owned()];
        let mut field = |name: &str, value: &str| fields.extend([name.to_owned(), value.to_owned()]);
        for (name, value) in &self.whole {
            field(name, value);
        }
        for (account, saying) in &self.sayings {
            field("account", account.as_str());
            saying.each(&mut field);
        }
        Digest::of_fields(fields.iter().map(String::as_str))
    }

    /// What a request is held against.
    pub fn approved(&self) -> Approved {
        let pictures = self
            .sayings
            .values()
            .flat_map(|saying| saying.images.iter().chain(&saying.video));
        Approved {
            digest: self.digest(),
            accounts: self.sayings.keys().cloned().collect(),
            media: pictures
                .map(|picture| (picture.file.clone(), picture.bytes))
                .collect(),
        }
    }

    /// Everything in it, line by line, for people to read and to compare. Accounts that say the same stand together.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .whole
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let mut groups: Vec<(Vec<&str>, &Saying)> = Vec::new();
        for (account, saying) in &self.sayings {
            match groups.iter_mut().find(|(_, known)| *known == saying) {
                Some((accounts, _)) => accounts.push(account.as_str()),
                None => groups.push((vec![account.as_str()], saying)),
            }
        }
        for (accounts, saying) in groups {
            lines.push(format!("to: {}", accounts.join(", ")));
            saying.each(&mut |name, value| write(&mut lines, name, value));
        }
        lines
    }
}

/// `name: value`; a value of several lines stands below its name, set in.
fn write(lines: &mut Vec<String>, name: &str, value: &str) {
    if value.contains('\n') {
        lines.push(format!("{name}:"));
        lines.extend(
            value
                .trim_end()
                .split('\n')
                .map(|line| format!("    {line}").trim_end().to_owned()),
        );
    } else {
        lines.push(format!("{name}: {value}"));
    }
}

impl Saying {
    fn of(
        campaign: &Campaign,
        engine: &Engine,
        message: &Message,
        account: &Account,
        hash: &dyn Fn(&str) -> Option<Digest>,
    ) -> Result<Self, String> {
        let chosen = words_for(campaign, message, account);
        let picture = |file: &str, alt: &str| {
            let bytes = hash(file).ok_or_else(|| format!("`{file}` can't be read"))?;
            Ok::<_, String>(Picture {
                file: file.to_owned(),
                bytes,
                alt: alt.to_owned(),
            })
        };
        let images = chosen
            .images()
            .iter()
            .map(|image| picture(&image.file, &image.alt));
        let images = images.collect::<Result<_, _>>()?;
        let video = chosen.video().map(|video| picture(&video.file, &video.alt));
        let templates = chosen
            .alts()
            .chain(chosen.texts.iter().map(|text| &**text))
            .chain(chosen.warn.map(|warn| &**warn));
        let names: BTreeSet<String> = templates.flat_map(|template| engine.names(template)).collect();
        Ok(Self {
            language: chosen.language.to_owned(),
            texts: chosen.texts.iter().map(ToString::to_string).collect(),
            warn: chosen.warn.map(ToString::to_string),
            link: chosen.link.map(ToString::to_string),
            values: values(campaign, chosen.language, &names),
            images,
            video: video.transpose()?,
            card: card_of(campaign, message, account, &chosen),
        })
    }

    /// Each thing that it says, after its name.
    fn each(&self, say: &mut dyn FnMut(&str, &str)) {
        say("language", &self.language);
        match self.texts.as_slice() {
            [] => say("text", ""),
            [only] => say("text", only),
            all => {
                for (nth, text) in all.iter().enumerate() {
                    say(&format!("text {} of {}", nth + 1, all.len()), text);
                }
            }
        }
        if let Some(warn) = &self.warn {
            say("warning", warn);
        }
        if let Some(link) = &self.link {
            say("link", link);
        }
        let images = self.images.iter().map(|picture| ("image", picture));
        for (what, picture) in images.chain(self.video.iter().map(|video| ("video", video))) {
            say(what, &picture.file);
            say("sha256", &picture.bytes.to_string());
            say("description", &picture.alt);
        }
        if let Some(card) = &self.card {
            say("card", card);
        }
        for (name, value) in &self.values {
            say(name, value);
        }
    }
}

fn card_of(campaign: &Campaign, message: &Message, account: &Account, chosen: &Chosen<'_>) -> Option<String> {
    let Style::Quote = card_for(message, account, chosen)?;
    let settings = &campaign.settings;
    let colours = settings.card;
    Some(format!(
        "quote; {}; {}; {} on {}, {}",
        settings.name,
        settings.hashtags.join(" "),
        colours.text,
        colours.background,
        colours.accent
    ))
}

/// What these names stand for, where that is not worked out anew each day. A name without a dot stands for all that
/// is behind it: which of them is asked for can't be told.
fn values(campaign: &Campaign, language: &str, names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let asks = |whole: &str, one: &str| {
        names.contains(whole) || {
            let path = format!("{whole}.{one}");
            names
                .iter()
                .any(|name| *name == path || name.starts_with(&format!("{path}.")))
        }
    };
    let facts = campaign.facts.iter().filter(|(name, _)| asks("fact", name));
    let mut values: BTreeMap<String, String> = facts
        .map(|(name, fact)| (format!("fact.{name}"), fact.value_in(language).to_owned()))
        .collect();
    let settings = &campaign.settings;
    if asks("campaign", "name") {
        values.insert("campaign.name".to_owned(), settings.name.clone());
    }
    if asks("campaign", "hashtags") {
        values.insert("campaign.hashtags".to_owned(), settings.hashtags.join(" "));
    }
    values
}

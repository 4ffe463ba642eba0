//! From a message's words to what one account will say at one moment. A pure function of campaign, message,
//! account and due time: the same due time always gives the same text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::fact::Fact;
use super::message::{Beside, Message, Words};
use super::place::Path;
use super::template::{Engine, Scene};
use super::{Account, Campaign, Settings, Untranslated, variants};
use crate::post::card::{Card, Style};
use crate::post::content::{Content, Image, Link, Part, Quoted, Video};
use crate::text::count;
use crate::text::parts::{self, Cuts, Threading};

/// Why a message cannot be said as it stands. The account's post is held; others go on (reliability F15).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderProblem {
    /// One of [`super::codes::CODES`].
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The words of the text that it is about, if it is about some.
    pub words: Option<String>,
}

/// The words for one account: each taken from the first that has it of
///
/// 1. the override for the account by name,
/// 2. for a group that it is in, by the groups' names,
/// 3. for its platform, and then for the platform whose rules it takes (a sandbox is `like` one),
/// 4. for its language (`es-MX`, then `es`),
/// 5. the message itself.
///
/// So the wish for a place goes before the wish for a language: who writes words for one account means
/// exactly these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen<'m> {
    /// Empty: nothing is said; more than one: variants.
    pub texts: &'m [Arc<str>],
    /// The variant that is meant, counted from 0.
    pub nth: usize,
    pub link: Option<&'m Arc<str>>,
    pub warn: Option<&'m Arc<str>>,
    /// What stands beside the words, though perhaps no image; `None`: nobody said.
    pub beside: Option<&'m Beside>,
    /// The language that the text is in: that of the override it comes from; an override for an account
    /// is in the account's language, all else in the campaign's.
    pub language: &'m str,
    /// The key of the override that the text comes from: `["bluesky"]`, `["lang", "es"]`; empty for the
    /// message's own.
    pub(super) source: [&'m str; 2],
    /// The same for what stands beside the words.
    pub(super) beside_source: [&'m str; 2],
}

/// The way to variant `nth` of `texts`, which are the words at `source`.
pub(super) fn text_path(source: [&str; 2], texts: &[Arc<str>], nth: usize) -> Path<'static> {
    let nth = nth.to_string();
    let keys = match texts.len() {
        0 | 1 => &["text"][..],
        _ => &["texts", &nth],
    };
    let all = source.iter().chain(keys).filter(|key| !key.is_empty());
    all.map(|key| Cow::Owned((*key).to_owned())).collect()
}

/// The words of `message` for `account`.
pub fn words_for<'m>(campaign: &'m Campaign, message: &'m Message, account: &'m Account) -> Chosen<'m> {
    choose(&campaign.settings.language, &campaign.groups, message, account)
}

impl<'m> Chosen<'m> {
    /// The text that is meant. Where there are fewer, because the files were changed, it is the last.
    pub fn text(&self) -> Option<&'m Arc<str>> {
        self.texts.get(self.nth).or_else(|| self.texts.last())
    }

    pub fn images(&self) -> &'m [Image] {
        match self.beside {
            Some(Beside::Images(images)) => images,
            _ => &[],
        }
    }

    pub fn video(&self) -> Option<&'m Video> {
        match self.beside {
            Some(Beside::Video(video)) => Some(video),
            _ => None,
        }
    }

    /// The descriptions of what stands beside the words, as they are written.
    pub fn alts(&self) -> impl Iterator<Item = &'m str> + use<'m> {
        let images = self.images().iter().map(|image| &*image.alt);
        images.chain(self.video().map(|video| &*video.alt))
    }

    /// The way to the text that is meant, in the message's table.
    pub(super) fn path(&self) -> Path<'static> {
        text_path(self.source, self.texts, self.nth)
    }

    /// The same words with another variant.
    #[must_use]
    pub fn variant(&self, nth: usize) -> Self {
        Self { nth, ..self.clone() }
    }

    /// The language that `account` speaks, if the words are in another. Places and scripts are not told
    /// apart: `es` will do for `es-MX`.
    pub(super) fn missing<'a>(&self, account: &'a Account) -> Option<&'a str> {
        let tongue = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let spoken = account.language.as_deref()?;
        (!self.texts.is_empty() && tongue(spoken) != tongue(self.language)).then_some(spoken)
    }
}

/// Why `account` leaves `message` out, if it does: it has no words in the account's language, and the config
/// says `untranslated = "skip"`.
pub fn left_out(campaign: &Campaign, message: &Message, account: &Account) -> Option<String> {
    if account.untranslated != Untranslated::Skip || message.share.is_some() {
        return None;
    }
    let spoken = words_for(campaign, message, account).missing(account)?;
    Some(format!(
        "it has no words in the language `{spoken}`, and `{}` leaves those out",
        account.name
    ))
}

type Groups = std::collections::BTreeMap<String, Vec<crate::post::identity::AccountName>>;

pub(super) fn choose<'m>(
    own_language: &'m str,
    groups: &'m Groups,
    message: &'m Message,
    account: &'m Account,
) -> Chosen<'m> {
    let mut chosen = Chosen {
        texts: &[],
        nth: 0,
        link: None,
        warn: None,
        beside: None,
        language: own_language,
        source: [""; 2],
        beside_source: [""; 2],
    };
    let spoken = account.language.as_deref().unwrap_or(own_language);
    let mut take = |words: &'m Words, language: &'m str, source: [&'m str; 2]| {
        if chosen.texts.is_empty() && !words.texts.is_empty() {
            chosen.texts = &words.texts;
            (chosen.language, chosen.source) = (language, source);
        }
        chosen.link = chosen.link.or(words.link.as_ref());
        chosen.warn = chosen.warn.or(words.warn.as_ref());
        if let Some(beside) = words.beside.as_ref().filter(|_| chosen.beside.is_none()) {
            (chosen.beside, chosen.beside_source) = (Some(beside), source);
        }
    };
    let places = &message.for_account;
    if !places.is_empty() {
        let name = account.name.as_str();
        let within = groups
            .iter()
            .filter(|(_, members)| members.contains(&account.name));
        if let Some((key, words)) = places.get_key_value(name) {
            take(words, spoken, [key, ""]);
        }
        for (key, words) in within.filter_map(|(group, _)| places.get_key_value(group.as_str())) {
            take(words, own_language, [key, ""]);
        }
        for (key, words) in [account.platform, account.like]
            .into_iter()
            .filter_map(|platform| places.get_key_value(platform))
        {
            take(words, own_language, [key, ""]);
        }
    }
    if !message.for_language.is_empty() {
        let mut tag = spoken;
        loop {
            let same = |key: &str| key.eq_ignore_ascii_case(tag);
            if let Some((key, words)) = message.for_language.iter().find(|(key, _)| same(key)) {
                take(words, key, ["lang", key]);
            }
            match tag.rsplit_once('-') {
                Some((wider, _)) => tag = wider,
                None => break,
            }
        }
    }
    take(&message.words, own_language, [""; 2]);
    chosen
}

/// What `account` says for `message` when it is due at `due`, with what is approved of the message. `nth` says
/// which variant, where there are several ([`super::variants`]).
///
/// An error if a template cannot be worked out, a fact must not be used on that day, or there is nothing
/// to say. Lengths are not checked here: that is [`super::assemble`]'s, and measuring before sending.
pub fn render(
    campaign: &Campaign,
    message: &Message,
    account: &Account,
    due: Timestamp,
    nth: usize,
) -> Result<Content, RenderProblem> {
    Renderer::new(campaign, due).render(message, account, nth)
}

/// Renders many posts that are due at one moment. What they have in common is worked out once, if the accounts
/// of a message follow each other.
pub struct Renderer<'c> {
    campaign: &'c Campaign,
    engine: Engine,
    day: Date,
    cuts: Cuts,
}

impl<'c> Renderer<'c> {
    pub fn new(campaign: &'c Campaign, due: Timestamp) -> Self {
        Self {
            campaign,
            engine: Engine::new(&campaign.settings, &campaign.facts),
            day: due.to_zoned(campaign.settings.zone.clone()).date(),
            cuts: Cuts::default(),
        }
    }

    /// As [`render`] does.
    pub fn render(
        &mut self,
        message: &Message,
        account: &Account,
        nth: usize,
    ) -> Result<Content, RenderProblem> {
        let approved = self.campaign.approved.as_ref();
        Ok(Content {
            approved: approved.and_then(|approved| Some(approved.get(&message.id)?.digest)),
            ..self.say(message, account, nth)?
        })
    }

    fn say(&mut self, message: &Message, account: &Account, nth: usize) -> Result<Content, RenderProblem> {
        let campaign = self.campaign;
        let chosen = words_for(campaign, message, account).variant(nth);
        if let Some(url) = &message.share {
            return Ok(shared(url, chosen.language));
        }
        if let Some(message) = left_out(campaign, message, account) {
            return Err(RenderProblem {
                code: "untranslated",
                message,
                help: "write `text` under `[message.lang.…]`".into(),
                words: None,
            });
        }
        let scene = Scene {
            due: self.day,
            language: chosen.language,
            account: account.name.as_str(),
        };
        let mut used = BTreeSet::new();
        let mut say = |template: &str| {
            let said = self.engine.say(template, &scene)?;
            used.extend(said.facts);
            Ok(said.text)
        };
        let text = say(chosen.text().map_or("", |text| text))?;
        let warn = chosen.warn.map(|warn| say(warn)).transpose()?;
        let beside = described(&chosen, &mut say)?;
        if let Some(problem) = used
            .iter()
            .find_map(|name| blocked(&campaign.facts, name, scene.due))
        {
            return Err(problem);
        }
        let said = (&*text, warn, beside);
        let content = compose(
            &campaign.settings,
            message,
            account,
            &chosen,
            said,
            &mut self.cuts,
        )?;
        let quoted = |name: &String| {
            let fact = campaign.facts.get(name)?;
            let quoted = Quoted {
                value: fact.value_in(chosen.language).to_owned(),
                source: fact.source.clone(),
            };
            Some((name.clone(), quoted))
        };
        Ok(Content {
            facts: used.iter().filter_map(quoted).collect(),
            variant: variants::of(chosen.texts, nth),
            ..content
        })
    }
}

/// The post of another, shown as it is.
fn shared(url: &str, language: &str) -> Content {
    Content {
        parts: vec![Part::default()],
        share: Some(url.to_owned()),
        ..Content::plain(language)
    }
}

/// Images or a video with their descriptions worked out.
pub(super) type Described = (Vec<Image>, Option<Video>);

/// What stands beside the words that are chosen.
pub(super) fn described(
    chosen: &Chosen<'_>,
    say: &mut impl FnMut(&str) -> Result<String, RenderProblem>,
) -> Result<Described, RenderProblem> {
    let images = chosen.images().iter().map(|image| {
        Ok(Image {
            file: image.file.clone(),
            alt: say(&image.alt)?,
            card: None,
        })
    });
    let images = images.collect::<Result<_, _>>()?;
    let video = chosen.video().map(|video| {
        Ok(Video {
            file: video.file.clone(),
            alt: say(&video.alt)?,
        })
    });
    Ok((images, video.transpose()?))
}

fn blocked(
    facts: &std::collections::BTreeMap<String, Fact>,
    name: &str,
    today: jiff::civil::Date,
) -> Option<RenderProblem> {
    let why = facts.get(name)?.blocks(name, today)?;
    Some(RenderProblem {
        code: "fact-blocked",
        message: why,
        help: "check it against its source, then set `review_by` and `status` anew".into(),
        words: Some(format!("fact.{name}")),
    })
}

/// How the card of a message looks on an account; `None`: it has none there.
pub(super) fn card_for(message: &Message, account: &Account, chosen: &Chosen<'_>) -> Option<Style> {
    message
        .card
        .filter(|_| chosen.beside.is_none())
        .filter(|_| account.limits.answering(message.reply_to.is_some()).max_images > 0)
}

/// Puts together what is said: its text, warning, and images or video become parts with a link.
///
/// - Where a platform has no content warning, it stands before the text, in a paragraph of its own.
/// - The link belongs to the part that has it in its text, else to the last. Whether it is shown as a card or
///   at the end of the text is [`Part::shown_text`]'s to say.
/// - Images and a video belong to the first part. A card stands there where nobody said which images there are, and the
///   platform takes any.
pub(super) fn compose(
    settings: &Settings,
    message: &Message,
    account: &Account,
    chosen: &Chosen<'_>,
    (text, warn, (images, video)): (&str, Option<String>, Described),
    cuts: &mut Cuts,
) -> Result<Content, RenderProblem> {
    let limits = &*account.limits.answering(message.reply_to.is_some());
    let (mut text, warn) = match warn {
        Some(warn) if !limits.abilities.warn => {
            (count::with_warning(text.trim(), warn.trim()).into_owned(), None)
        }
        warn => (text.trim().to_owned(), warn),
    };
    let style = card_for(message, account, chosen);
    let pictured = style.is_some() || video.is_some() || !images.is_empty();
    let threading = message.threading;
    let texts = if threading == Threading::default() {
        parts::split(&text)
    } else {
        // The link takes room too, and stands before the counter.
        let on_card = limits.abilities.card && !pictured;
        if let Some(url) = chosen.link.filter(|url| !on_card && !text.contains(&***url)) {
            text = format!("{text}\n\n{url}");
        }
        let rule = |index| limits.rule(index, index == 0 && pictured);
        parts::thread(&text, threading, rule, warn.as_deref().unwrap_or_default(), cuts)
    };
    let mut parts: Vec<Part> = texts
        .into_iter()
        .map(|text| Part {
            text,
            ..Part::default()
        })
        .collect();
    if parts.is_empty() {
        return Err(RenderProblem {
            code: "empty",
            message: "nothing is left of the text when its templates are worked out".into(),
            help: "write words that are always said".into(),
            words: None,
        });
    }
    if let Some(url) = chosen.link {
        let has = |part: &Part| part.text.contains(&**url);
        let place = parts.iter().position(has).unwrap_or(parts.len() - 1);
        if let Some(part) = parts.get_mut(place) {
            part.link = Some(Link { url: url.to_string() });
        }
    }
    if let Some(first) = parts.first_mut() {
        (first.images, first.video) = (images, video);
        if let Some(style) = style {
            let card = Card::of(
                style,
                &first.text,
                &settings.name,
                &settings.hashtags,
                settings.card,
            );
            first.images.extend(card.map(Card::image));
        }
    }
    Ok(Content {
        parts,
        warn,
        reply_to: message.reply_to.clone(),
        ..Content::plain(chosen.language)
    })
}

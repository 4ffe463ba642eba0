//! A platform's rules as data. The core never asks which platform it is, only what its limits say.

mod prices;
mod table;
mod videos;

use std::borrow::Cow;
use std::time::Duration;

use super::escape::Escape;
use super::images::Frame;
use super::money::Usd;
use super::videos::VideoLimits;
pub use table::*;

/// What one platform (or one server of it) takes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of a table: each stands alone"
)]
pub struct Limits {
    /// The platform's word in config files: `mastodon`, `bluesky` …
    pub platform: &'static str,
    pub length: LengthRule,
    /// The rule for the text of a part that has images or a video, where it is another (Telegram's captions).
    pub caption: Option<LengthRule>,
    /// The rule for the parts after the first, where it is another (Reddit's comments).
    pub later: Option<LengthRule>,
    /// What an answer to an earlier post takes, where that is another thing than a post; `None`: what a post takes.
    pub answer: Option<Answer>,
    /// How many parts a thread may have.
    pub max_parts: u16,
    /// How many images a post must have: 1 where there is no post without. A video counts as one.
    pub min_images: u16,
    /// How many images one part may have; 0: the platform (or our adapter) takes none.
    pub max_images: u16,
    /// The largest image it takes, in bytes.
    pub max_image_bytes: u64,
    /// All images of one part together, in bytes, where they travel in one request; `None`: no limit.
    pub max_images_bytes: Option<u64>,
    /// The largest moving image; `None`: it would stand still there.
    pub max_moving_bytes: Option<u64>,
    /// A moving image is the only one of its part.
    pub moving_alone: bool,
    /// The dimensions of images that it takes.
    pub frame: Frame,
    /// The longest description of an image, in grapheme clusters; `None`: no limit.
    pub max_alt: Option<usize>,
    /// The MIME types of images it takes.
    pub image_types: &'static [&'static str],
    /// The videos it takes; `None`: the platform (or our adapter) takes none.
    pub video: Option<VideoLimits>,
    /// How many different links a part may have, the one beside its text too; `None`: no limit.
    pub max_links: Option<u16>,
    /// How many hashtags a part may have; `None`: no limit.
    pub max_tags: Option<u16>,
    /// A link in a text is words there, which nobody can follow.
    pub dead_links: bool,
    pub abilities: Abilities,
    /// Why it may refuse our replies, even to our own posts, in words for people; `None`: it takes them.
    pub refuses_replies: Option<&'static str>,
    /// A post can be deleted by whoever posted it. That can always be asked for again: what is gone is gone.
    pub delete: bool,
    /// The words of a post can be changed where it is, by whoever posted it. The same words again change nothing.
    pub edits: bool,
    pub doubt: Doubt,
    /// How a doubt about another's post that was shared ends; `None`: as one about a post.
    pub share_doubt: Option<Doubt>,
    /// The hosts on which all its posts are found; empty: on any server.
    pub homes: &'static [&'static str],
    /// How the address of a post looks that can be shared; `None`: as any there.
    pub shared: Option<Address>,
    /// Of how many posts at once it says what it counts; `None`: it counts nothing, or not for us.
    pub counts: Option<u16>,
    /// What it charges; `None`: nothing.
    pub prices: Option<Prices>,
}

impl Limits {
    /// The length rule for the part `index`, counted from 0, with or without images or a video.
    pub fn rule(&self, index: usize, pictured: bool) -> &LengthRule {
        let later = self.later.as_ref().filter(|_| index > 0);
        let caption = self.caption.as_ref().filter(|_| pictured);
        later.or(caption).unwrap_or(&self.length)
    }

    /// Those of a message that answers an earlier post, or of one that does not.
    pub fn answering(&self, answers: bool) -> Cow<'_, Self> {
        let Some(answer) = self.answer.filter(|_| answers) else {
            return Cow::Borrowed(self);
        };
        Cow::Owned(Self {
            length: answer.length.unwrap_or(self.length),
            min_images: self.min_images.min(answer.max_images),
            max_images: self.max_images.min(answer.max_images),
            video: self.video.filter(|_| answer.video),
            max_links: answer.max_links.or(self.max_links),
            max_tags: answer.max_tags.or(self.max_tags),
            abilities: Abilities {
                card: self.abilities.card && answer.card,
                ..self.abilities
            },
            delete: answer.delete,
            doubt: answer.doubt.unwrap_or(self.doubt),
            ..self.clone()
        })
    }

    /// How a doubt ends about a share, or about an answer to an earlier post, or about a post that is neither.
    pub fn doubt_about(&self, shares: bool, answers: bool) -> Doubt {
        match self.share_doubt.filter(|_| shares) {
            Some(doubt) => doubt,
            None => self.answering(answers).doubt,
        }
    }
}

/// What an answer takes that is a comment or the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// `None`: as a post.
    pub length: Option<LengthRule>,
    pub max_images: u16,
    pub video: bool,
    /// `None`: as a post.
    pub max_links: Option<u16>,
    pub max_tags: Option<u16>,
    /// Shows a preview of a link, where a post does.
    pub card: bool,
    /// Can be deleted by whoever wrote it.
    pub delete: bool,
    /// How a doubt about it ends; `None`: as one about a post.
    pub doubt: Option<Doubt>,
}

/// How addresses of a kind look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Their paths, one of which it has. A `*` is the rest of its step, which is not empty.
    pub paths: &'static [&'static str],
    /// One of them, for people.
    pub like: &'static str,
}

impl Address {
    /// Whether an address with this path is one.
    pub fn is(&self, path: &str) -> bool {
        let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        let fits = |pattern: &str, step: &str| match pattern.strip_suffix('*') {
            Some(begin) => step.len() > begin.len() && step.starts_with(begin),
            None => step == pattern,
        };
        self.paths.iter().any(|pattern| {
            let pattern: Vec<&str> = pattern.split('/').collect();
            pattern.len() == steps.len()
                && pattern
                    .iter()
                    .zip(&steps)
                    .all(|(pattern, step)| fits(pattern, step))
        })
    }
}

/// What a platform charges for each thing that a program does there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prices {
    /// One part without a link.
    pub post: Usd,
    /// One part with a link: the whole of it.
    pub with_link: Usd,
    /// Another's post, boosted or shared.
    pub share: Usd,
    /// One part that is deleted.
    pub delete: Usd,
    /// The description of one image or video, beside what its part costs.
    pub description: Usd,
}

/// What a platform can do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of a table: each ability stands alone"
)]
pub struct Abilities {
    /// A content warning before the text, in a field of its own or as its first paragraph.
    pub warn: bool,
    /// Boost, repost or share another's post.
    pub share: bool,
    /// Answer an earlier post, which threads need too.
    pub reply: bool,
    /// Shows a preview of a link that is not in the text, on a part without images.
    pub card: bool,
}

/// How a platform counts, and how much it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthRule {
    /// No limit.
    Unlimited,
    /// So many units of the text as it is written, and so many of what is sent, with its escapes; nothing is
    /// discounted.
    Units { max: usize, unit: Unit, escape: Escape },
    /// Grapheme clusters and UTF-8 bytes, both checked; nothing is discounted (Bluesky).
    GraphemesAndBytes { max: usize, max_bytes: usize },
    /// Grapheme clusters of warning and text together; each link with a scheme counts `link`, and of a
    /// mention only `@user` (Mastodon).
    Mastodon { max: usize, link: usize },
    /// The weights of twitter-text's configuration 3: links count 23, emoji 2, most letters outside the
    /// alphabets 2 (X).
    X { max: usize },
    /// Code points, but each emoji counts its UTF-8 bytes (Threads).
    Threads { max: usize },
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    CodePoints,
    /// Code units of UTF-16, of which an emoji has two or more. Never fewer than code points, so it is also
    /// taken where a platform says "characters" and does not say which.
    Utf16,
}

/// A text measured by a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    pub length: usize,
    /// `None`: no limit.
    pub limit: Option<usize>,
    /// What is counted, in words for people: `characters`, `bytes` …
    pub unit: Cow<'static, str>,
    /// A character for which the platform refuses the text, however short it is.
    pub refused: Option<char>,
}

impl Measure {
    pub fn fits(&self) -> bool {
        self.refused.is_none() && self.limit.is_none_or(|limit| self.length <= limit)
    }

    /// What is wrong with it, in words that follow the name of what was measured; `None` if it fits.
    pub fn objection(&self) -> Option<String> {
        if let Some(c) = self.refused {
            return Some(format!(
                "has the invisible character U+{:04X}, which is refused",
                u32::from(c)
            ));
        }
        let limit = self.limit.filter(|limit| self.length > *limit)?;
        Some(format!("has {} {}, the limit is {limit}", self.length, self.unit))
    }
}

/// How we find out whether a part was accepted when no answer came (reliability §2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Send the same request again with the same key, which the platform remembers for `window`
    /// (`None`: for ever). After that its own list is asked, and believed after `then`; `None`: it can't be.
    Key {
        window: Option<Duration>,
        then: Option<Duration>,
    },
    /// Send again under the same id of our choosing: the second is a no-op.
    OwnId,
    /// Ask the container whether it was published. One that says "not" for `settle` is published again.
    TwoSteps { settle: Duration },
    /// Look for it among our latest posts. A list that does not have it for `settle` is believed, and it is
    /// sent once more.
    ReadBack { settle: Duration },
    /// There is no way: a person is asked.
    Ask,
}

impl Doubt {
    /// The same, and a list is believed so much later.
    #[must_use]
    pub fn slower_by(self, more: Duration) -> Self {
        match self {
            Doubt::Key { window, then } => Doubt::Key {
                window,
                then: then.map(|then| then.saturating_add(more)),
            },
            Doubt::TwoSteps { settle } => Doubt::TwoSteps {
                settle: settle.saturating_add(more),
            },
            Doubt::ReadBack { settle } => Doubt::ReadBack {
                settle: settle.saturating_add(more),
            },
            Doubt::OwnId | Doubt::Ask => self,
        }
    }
}

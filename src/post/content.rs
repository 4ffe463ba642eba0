//! What a post says: its parts as they will be handed to a platform, frozen when it is recorded.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::card::Card;
use super::digest::Digest;
use super::identity::MessageId;
use super::recall::Recall;
use crate::text::limits::Abilities;

/// The whole of a post: rendered, in one language, for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// At least one; more than one is a thread.
    pub parts: Vec<Part>,
    /// BCP 47 tag of the language it is written in.
    pub language: String,
    /// Content warning, shown before the text where the platform has such a thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<String>,
    /// On the same account, answer the post of this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// Instead of saying something: boost, repost or share the post at this URL. Then there is one part
    /// and its text is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The facts that its words were made with, by name, as they stood then: what a recall goes by. Posts from
    /// before this was kept have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Quoted>,
    /// It takes back or corrects a published post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<Recall>,
    /// Which of its message's variants it says; `None`: there is only one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Variant>,
    /// What people had approved when this was made from it; `None` where no approval is asked for, or none was
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Digest>,
}

impl Content {
    /// Nothing yet, in this language.
    pub fn plain(language: &str) -> Self {
        Self {
            parts: Vec::new(),
            language: language.to_owned(),
            warn: None,
            reply_to: None,
            share: None,
            facts: BTreeMap::new(),
            recall: None,
            variant: None,
            approved: None,
        }
    }
}

/// One of several texts that a message says in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its place among them, counted from 0, when the post was made.
    pub nth: u16,
    /// Of the text as it was written: it is known again when the others were moved.
    pub text: Digest,
}

/// A fact as a text used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// In the language of the text.
    pub value: String,
    /// Where it came from.
    pub source: String,
}

/// One piece of a post; a plain post has one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Then there are no images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
}

impl Part {
    /// The text as readers see it, and as it must be measured: with the link at its end, where it stands
    /// neither in the text nor on a card. No platform shows a card beside images or a video.
    pub fn shown_text(&self, abilities: Abilities) -> Cow<'_, str> {
        let on_card = abilities.card && !self.pictured();
        match &self.link {
            Some(link) if !on_card && !self.text.contains(&link.url) => {
                let text = self.text.trim_end();
                let gap = if text.is_empty() { "" } else { "\n\n" };
                format!("{text}{gap}{}", link.url).into()
            }
            _ => Cow::Borrowed(&self.text),
        }
    }

    /// It has images or a video.
    pub fn pictured(&self) -> bool {
        self.video.is_some() || !self.images.is_empty()
    }

    /// The descriptions of what is beside its text.
    pub fn alts(&self) -> impl Iterator<Item = &str> {
        let images = self.images.iter().map(|image| &*image.alt);
        images.chain(self.video.iter().map(|video| &*video.alt))
    }
}

/// A link that belongs to a part besides those written in its text. Platforms that show previews show
/// this one; where the text does not hold the URL and the platform makes no card, it is put at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub url: String,
}

/// An image and its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Relative to the messages folder, with `/` between names. Of a card: a name of its own.
    pub file: String,
    pub alt: String,
    /// It is no file: it is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Box<Card>>,
}

/// A video and its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Relative to the messages folder, with `/` between names.
    pub file: String,
    pub alt: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_shown_once_somewhere() {
        let mut part = Part {
            text: "Read it.\n".into(),
            link: Some(Link {
                url: "https://a.example/x".into(),
            }),
            ..Part::default()
        };
        let plain = Abilities {
            warn: true,
            share: true,
            reply: true,
            card: false,
        };
        let cards = Abilities { card: true, ..plain };
        assert_eq!(part.shown_text(plain), "Read it.\n\nhttps://a.example/x");
        assert_eq!(part.shown_text(cards), "Read it.\n");
        part.images.push(Image {
            file: "a.png".into(),
            alt: String::new(),
            card: None,
        });
        assert_eq!(part.shown_text(cards), "Read it.\n\nhttps://a.example/x");
        part.text = "See https://a.example/x now".into();
        assert_eq!(part.shown_text(plain), part.text);
        part.text = String::new();
        assert_eq!(part.shown_text(plain), "https://a.example/x");
    }
}

//! A text as an image: what is drawn, frozen with the post.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::content::Image;
use super::digest::Digest;
use crate::text::colour::Colour;
use crate::text::entities::{EntityKind, entities};
use crate::text::pattern;

/// How a card looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The words beside a large quotation mark.
    Quote,
}

/// The colours of a campaign's cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colours {
    pub background: Colour,
    pub text: Colour,
    /// Of marks and tags.
    pub accent: Colour,
}

impl Default for Colours {
    fn default() -> Self {
        Self {
            background: Colour([0x17, 0x22, 0x3b]),
            text: Colour([0xf8, 0xf5, 0xee]),
            accent: Colour([0xf2, 0xa5, 0x41]),
        }
    }
}

/// All that is on a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub style: Style,
    pub words: String,
    /// Who speaks: the campaign's name.
    pub name: String,
    /// With their `#`, between spaces; may be empty.
    pub tags: String,
    pub colours: Colours,
}

impl Card {
    /// The card for a part that says `text`. Tags and links at the end of the text are no part of its words:
    /// its tags, or else `tags`, stand in a line of their own, and an image can't be clicked. Emoji are left
    /// out. `None` if no words are left.
    pub fn of(style: Style, text: &str, name: &str, tags: &[String], colours: Colours) -> Option<Self> {
        let text = EMOJI.replace_all(text, "");
        let (words, own) = without_end(&text);
        let words = tidy(words);
        if words.is_empty() {
            return None;
        }
        let tags = if own.is_empty() {
            tags.iter()
                .map(|tag| format!("#{tag}"))
                .collect::<Vec<_>>()
                .join(" ")
        } else {
            own.join(" ")
        };
        Some(Self {
            style,
            words,
            name: tidy(name),
            tags,
            colours,
        })
    }

    /// The card as an image of a post, described by its own words. Its name is another as soon as anything on
    /// it is.
    pub fn image(self) -> Image {
        let drawn = serde_json::to_vec(&self).unwrap_or_default();
        let name = Digest::of(&drawn).short();
        Image {
            file: format!("card-{name}.png"),
            alt: self.words.clone(),
            card: Some(Box::new(self)),
        }
    }
}

/// Pictures among letters, with what belongs to them. Signs that are also letters (©, ™) stay.
static EMOJI: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[[\p{Extended_Pictographic}\p{Regional_Indicator}]--[©®™‼⁉ℹ↔-↪〰〽㊗㊙]][\p{Emoji_Modifier}\x{FE0F}\x{20E3}\x{E0020}-\x{E007F}]*(?:\x{200D}\p{Extended_Pictographic}[\p{Emoji_Modifier}\x{FE0F}]*)*",
    )
});

/// A text without the tags and links that stand at its end by themselves, and those tags, in their order. After
/// words that have no end they belong to the sentence, and stay.
fn without_end(text: &str) -> (&str, Vec<&str>) {
    let whole = text.trim_end();
    let mut rest = whole;
    let mut tags = Vec::new();
    for entity in entities(whole).iter().rev() {
        let is_last = entity.range.end == rest.len();
        match entity.kind {
            EntityKind::Tag { .. } if is_last => {
                tags.insert(0, whole.get(entity.range.clone()).unwrap_or_default());
            }
            EntityKind::Link { .. } if is_last => {}
            _ => break,
        }
        rest = whole.get(..entity.range.start).unwrap_or_default().trim_end();
    }
    let gap = whole.get(rest.len()..).unwrap_or_default();
    let gap = gap.get(..gap.len() - gap.trim_start().len()).unwrap_or_default();
    if rest.is_empty() || gap.contains('\n') || rest.ends_with(|c| ENDS.contains(c)) {
        (rest, tags)
    } else {
        (whole, Vec::new())
    }
}

/// What sentences end with.
const ENDS: &str = ".!?…:\"”’»)。！？」؟۔।";

/// Lines without needless spaces, with at most one empty one between two.
fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if !(line.is_empty() && lines.last().is_none_or(String::is_empty)) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str) -> Option<Card> {
        Card::of(
            Style::Quote,
            text,
            "The  Cause",
            &["Own".to_owned()],
            Colours::default(),
        )
    }

    #[test]
    fn tags_and_links_at_the_end_and_emoji_are_no_words_of_a_card() {
        let said = card("Ten to two. 🕊️ #Justice now!\n\nhttps://a.example/x\n#One #Two\n").unwrap();
        assert_eq!(said.words, "Ten to two. #Justice now!");
        assert_eq!(
            (said.tags.as_str(), said.name.as_str()),
            ("#One #Two", "The Cause")
        );
        let plain = card("First.\n\n\n  Second   line ©\r\nthird 👩‍👩‍👧🇺🇸").unwrap();
        assert_eq!(plain.words, "First.\n\nSecond line ©\nthird");
        assert_eq!(plain.tags, "#Own");
        assert_eq!(card("👍 https://a.example #One"), None);
        let sentence = card("We are called #One").unwrap();
        assert_eq!(
            (sentence.words.as_str(), sentence.tags.as_str()),
            ("We are called #One", "#Own")
        );
    }

    #[test]
    fn a_card_is_named_by_what_is_on_it_and_described_by_its_words() {
        let (one, same) = (card("Ten to two. #A").unwrap(), card("Ten to two.  #A").unwrap());
        let mut other = one.clone();
        other.colours.accent = Colour([0; 3]);
        let (one, same, other) = (one.image(), same.image(), other.image());
        assert_eq!(one.alt, "Ten to two.");
        assert_eq!(one, same);
        assert_ne!(one.file, other.file);
        let frozen = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Image>(&frozen).unwrap(), one);
    }
}

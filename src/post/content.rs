//! What a post says: its parts as they will be handed to a platform, frozen when it is recorded.

use serde::{Deserialize, Serialize};

use super::identity::MessageId;

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
}

/// One piece of a post; a plain post has one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
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
    /// Relative to the messages folder, with `/` between names.
    pub file: String,
    pub alt: String,
}

//! Who a post is: names that never change, and the ids derived from them.
//!
//! The identity of a post is (campaign, message, account, occurrence), never its text or its time
//! (reliability §2.2). Ids are derived, not drawn, so that a lost ledger gives the same ids again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest name that staff or operators may give, in bytes (reliability §2.2).
pub const NAME_MAX: usize = 64;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {NAME_MAX} characters")]
    TooLong,
    #[error(
        "it has the character {0:?}; allowed are a-z, 0-9, `.`, `_` and `-`, and the first must be a letter or digit"
    )]
    Character(char),
}

fn checked(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let bad = |(i, c): (usize, char)| {
        !(c.is_ascii_lowercase() || c.is_ascii_digit() || (i > 0 && matches!(c, '.' | '_' | '-')))
    };
    if let Some((_, c)) = name.char_indices().find(|&at| bad(at)) {
        return Err(NameError::Character(c));
    }
    if name.len() > NAME_MAX {
        return Err(NameError::TooLong);
    }
    Ok(())
}

/// A name near `wrong` that would be accepted, to propose to a person; `None` if nothing is left of it.
pub fn propose_name(wrong: &str) -> Option<String> {
    let mut out = String::new();
    for c in wrong.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.truncate(NAME_MAX);
    let out = out.trim_end_matches('-').to_owned();
    (!out.is_empty()).then_some(out)
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(std::sync::Arc<str>);

        impl $type {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(name: &str) -> Result<Self, NameError> {
                checked(name)?;
                Ok(Self(name.into()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(name: String) -> Result<Self, NameError> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The campaign's `id`: in the message files, required, never changed.
    CampaignId
}
name! {
    /// A message's `id`: explicit in its file, unique over the campaign, stable.
    MessageId
}
name! {
    /// The name of an account, `[account.NAME]` in the config.
    AccountName
}

/// Which of the times at which a message goes out to an account: `once`, the nominal local time of a
/// recurring rule without offset (`2027-11-07T01:30[America/New_York]`), or `cycle 3` of an evergreen. What a
/// person asks for has one of its own: `asked …`, or `delete …`, `correct …` and `edit …` for a post that is recalled.
///
/// Nominal time has no offset in it, so neither the repeated hour nor a new time zone table can post
/// again (reliability §2.2, §2.8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Occurrence(Box<str>);

impl Occurrence {
    /// A dated or queued message: changing its time after it was posted must not post it again.
    pub fn once() -> Self {
        Self("once".into())
    }

    /// An occurrence of a recurring rule, named by its nominal local time.
    pub fn nominal(local: jiff::civil::DateTime, zone: &str) -> Self {
        Self(format!("{}[{zone}]", local.strftime("%Y-%m-%dT%H:%M:%S")).into())
    }

    /// The `n`th turn of an evergreen message on one account, counted from 1.
    pub fn cycle(n: u32) -> Self {
        Self(format!("cycle {n}").into())
    }

    /// A person asked for it with `post ID`; `stamp` tells one asking from the next.
    pub fn asked(stamp: &str) -> Self {
        Self(format!("asked {stamp}").into())
    }

    /// Whether a person asked for it with `post ID`.
    pub fn is_asked(&self) -> bool {
        self.0.starts_with("asked ")
    }

    /// The deletion of a published post. There is one, however often it is asked for.
    pub fn delete(post: PostId) -> Self {
        Self(format!("delete {post}").into())
    }

    /// The correction of a published post in these words: the same words once, other words once more.
    pub fn correct(post: PostId, text: &str) -> Self {
        let words = Id128::derive(&[b"steadfast/correction/1", text.as_bytes()]);
        Self(format!("correct {post} {words}").into())
    }

    /// The edit of a published post, whose words are those of `after` by now: the post itself, or its last edit. The
    /// same words are asked for once, but again where others came between.
    pub fn edit<'t>(post: PostId, after: PostId, texts: impl Iterator<Item = &'t str>) -> Self {
        let mut fields: Vec<&[u8]> = vec![b"steadfast/edit/1", &after.0];
        for text in texts {
            fields.push(text.as_bytes());
        }
        let words = Id128::derive(&fields);
        Self(format!("edit {post} {words}").into())
    }

    /// As the ledger stores it.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 128 bits that name a post or one of its parts, shown as 32 hexadecimal digits.
///
/// The default comes before every other.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id128([u8; 16]);

/// A post's id.
pub type PostId = Id128;
/// A part's id: what idempotency keys and record keys are made of, the same for every attempt.
pub type DeliveryId = Id128;

impl Id128 {
    /// The first 128 bits of SHA-256 over length-prefixed fields: with a separator instead, two
    /// different identities could be written the same.
    fn derive(fields: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for field in fields {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(digest.split_at(16).0);
        Self(id)
    }

    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Id128 {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| hex)
            .map(|n| Self(n.to_be_bytes()))
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a post's id: 32 hexadecimal digits, as `steadfast history` shows them"
                )
            })
    }
}

impl TryFrom<String> for Id128 {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Id128> for String {
    fn from(id: Id128) -> String {
        id.to_string()
    }
}

/// Everything that makes a post this post and no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    pub campaign: CampaignId,
    pub message: MessageId,
    pub account: AccountName,
    pub occurrence: Occurrence,
}

impl Identity {
    pub fn post_id(&self) -> PostId {
        self.derive("steadfast/post/1", &[])
    }

    /// The id of part `index`, counted from 0.
    pub fn delivery_id(&self, index: u16) -> DeliveryId {
        self.derive("steadfast/delivery/1", &index.to_be_bytes())
    }

    fn derive(&self, domain: &str, part: &[u8]) -> Id128 {
        Id128::derive(&[
            domain.as_bytes(),
            self.campaign.as_str().as_bytes(),
            self.message.as_str().as_bytes(),
            self.account.as_str().as_bytes(),
            self.occurrence.as_str().as_bytes(),
            part,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(message: &str, account: &str) -> Identity {
        Identity {
            campaign: "c".parse().unwrap(),
            message: message.parse().unwrap(),
            account: account.parse().unwrap(),
            occurrence: Occurrence::once(),
        }
    }

    #[test]
    fn ids_are_stable_for_ever() {
        // A changed derivation would post everything again: this value must never change.
        let id = identity("ten-to-two", "mastodon");
        assert_eq!(id.post_id().to_string(), "c0f0fb89e5985152e524e87382d4de98");
        assert_eq!(id.delivery_id(0).to_string(), "0eeaa5a16ad212caed932df8a496a4dd");
        assert_ne!(id.delivery_id(0), id.delivery_id(1));
    }

    #[test]
    fn fields_cannot_run_into_each_other() {
        assert_ne!(identity("ab", "c").post_id(), identity("a", "bc").post_id());
    }

    #[test]
    fn names_are_checked_and_a_near_one_is_proposed() {
        assert_eq!("Ten to two".parse::<MessageId>(), Err(NameError::Character('T')));
        assert_eq!("-x".parse::<MessageId>(), Err(NameError::Character('-')));
        assert_eq!("".parse::<MessageId>(), Err(NameError::Empty));
        assert_eq!("a".repeat(65).parse::<MessageId>(), Err(NameError::TooLong));
        assert_eq!(propose_name("Ten to two!").as_deref(), Some("ten-to-two"));
        assert_eq!(propose_name("¿?"), None);
    }

    #[test]
    fn the_same_recall_is_nothing_new() {
        let (one, other) = (identity("m", "a").post_id(), identity("m", "b").post_id());
        assert_eq!(Occurrence::delete(one), Occurrence::delete(one));
        assert_ne!(Occurrence::delete(one), Occurrence::delete(other));
        assert_eq!(
            Occurrence::correct(one, "It was 11-1."),
            Occurrence::correct(one, "It was 11-1.")
        );
        assert_ne!(
            Occurrence::correct(one, "It was 11-1."),
            Occurrence::correct(one, "It was 12-0.")
        );
        assert_ne!(
            Occurrence::correct(one, "It was 11-1."),
            Occurrence::correct(other, "It was 11-1.")
        );
    }

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = identity("m", "a").post_id();
        assert_eq!(id.to_string().parse::<PostId>(), Ok(id));
        assert!("+1".parse::<PostId>().is_err());
        assert!(format!("+{}", "0".repeat(31)).parse::<PostId>().is_err());
    }
}

//! The message files' format, for editors: JSON Schema made from the structs below, which mirror what
//! [`super::read`] accepts. A test holds the two together.
#![allow(dead_code, reason = "these structs are only read by their derived schema")]

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};

/// The schema of a `*.toml` file in the messages folder, as `steadfast schema` prints it.
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value()
}

/// A file of messages, facts and settings. All tables may be in any file.
#[derive(JsonSchema)]
#[schemars(title = "steadfast message file", deny_unknown_fields)]
struct File {
    campaign: Option<Campaign>,
    blackout: Option<Vec<Blackout>>,
    /// Claims, each with its source: `[fact.verdict]`, used in texts as `{{ fact.verdict }}`.
    fact: Option<BTreeMap<FactName, Fact>>,
    message: Option<Vec<Message>>,
}

/// The campaign's settings: once, in any one file; by custom in campaign.toml.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Campaign {
    /// Never changed once chosen: part of every post's identity.
    id: Name,
    /// As people know it. Default: the id.
    name: Option<String>,
    /// An IANA name such as `America/Chicago`. Every local time in the files is in it.
    timezone: String,
    /// The language of the texts, as a BCP 47 tag. Default: `en`.
    language: Option<Language>,
    /// When the next queued message goes out: recurring rules (minute, hour, day, month, day of the week).
    slots: Option<Vec<String>>,
    /// Nothing goes out inside; a due post waits for the end: `["22:00-07:00"]`.
    quiet_hours: Option<Vec<String>>,
    /// For texts: `{{ campaign.hashtags }}` writes them all. They are not added by themselves.
    hashtags: Option<Vec<String>>,
    /// The colours of cards, as `#17223b`.
    card: Option<Card>,
    /// Any text here stops everything, with that as the reason.
    hold: Option<String>,
    /// What becomes of posts that fell due during a hold: a person says, those that are not too late go out,
    /// or all are left out.
    after_hold: Option<AfterHold>,
    /// Who wrote the messages that do not say so themselves.
    author: Option<String>,
    /// Warnings that are silenced for the whole campaign, each with the reason.
    allow: Option<BTreeMap<String, String>>,
}

/// The words must be easy to read on the background.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Card {
    background: Option<Colour>,
    text: Option<Colour>,
    /// Of marks and hashtags.
    accent: Option<Colour>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum AfterHold {
    Review,
    Send,
    Skip,
}

/// Days on which nothing goes out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Blackout {
    from: Day,
    /// A date is inclusive.
    until: Day,
    why: Option<String>,
}

/// A claim, with what it rests on.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Fact {
    /// The words that are put into texts.
    value: String,
    /// Where it can be checked.
    source: String,
    /// When the source said so.
    as_of: Option<Date>,
    /// Past this day its messages are held until someone has checked it again.
    review_by: Option<Date>,
    /// Disputed and retracted facts hold their messages. Default: `confirmed`.
    status: Option<Status>,
    /// A claim, not a plain fact: a text that uses it must name who says so.
    says: Option<String>,
    /// For staff alone.
    note: Option<String>,
    /// The value in other languages: `lang = { es = "…" }`.
    lang: Option<BTreeMap<Language, FactForm>>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum FactForm {
    Value(String),
    Both(FactForms),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FactForms {
    /// The value in this language.
    value: Option<String>,
    /// How texts in this language must name who says so.
    says: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Status {
    Confirmed,
    Disputed,
    Retracted,
}

/// One thing to say. At most one of `at`, `cron`, `after` and `evergreen`; with none it takes the next free
/// slot. Other words for a platform, an account or a group stand in a table by its name:
/// `[message.bluesky]`.
#[derive(JsonSchema)]
struct Message {
    /// Unique and never changed: editing the text never posts it again.
    id: Name,
    /// The ids that it had before, if it was renamed: its history goes with it.
    was: Option<Vec<Name>>,
    /// What is said. `{{ … }}` is worked out when it is posted; a line of just `---` begins the next part of
    /// a thread.
    text: Option<String>,
    /// Instead of `text`: variants. Each post says one, and no account the same twice in a row.
    texts: Option<Vec<String>>,
    /// Names of accounts or groups. Default: every account.
    to: Option<Vec<String>>,
    /// Once, at this time: `2026-12-01T09:00:00`, in the campaign's time zone or with an offset.
    at: Option<DateTime>,
    /// Again and again: minute, hour, day, month, day of the week.
    cron: Option<String>,
    /// Some time after another message went out on the same account.
    after: Option<After>,
    /// Fills slots when the queue is empty, least recently posted first.
    evergreen: Option<bool>,
    /// Jumps the queue and ignores slots, never quiet hours or holds.
    priority: Option<Priority>,
    /// Never posted before.
    starts: Option<Day>,
    /// Never posted after; a date is inclusive.
    expires: Option<Day>,
    /// How late it may still go out: `6h`, `90m`, `2d`.
    late: Option<String>,
    /// Shown as a card where there are cards, else at the end of the text.
    link: Option<String>,
    image: Option<Vec<Image>>,
    /// Instead of images: one video.
    video: Option<Image>,
    /// The id of a message: on each account, a reply to its post there.
    reply_to: Option<Name>,
    /// Instead of a text: the address of another's post, to be boosted or reposted.
    share: Option<String>,
    /// A content warning. Where a platform has none it stands before the text.
    warn: Option<String>,
    /// Not yet.
    draft: Option<bool>,
    /// Lets a text that is too long be split at the ends of paragraphs and sentences.
    thread: Option<Thread>,
    /// Writes ` 1/5` after each part of a thread.
    counter: Option<bool>,
    /// The words as an image too, where the message has no other.
    card: Option<Style>,
    /// Who wrote it: where approval is asked for, they alone can't approve it. Default: the campaign's.
    author: Option<String>,
    /// Warnings that are silenced for this message, each with the reason:
    /// `{ "typed-figure" = "the number of the bill" }`.
    allow: Option<BTreeMap<String, String>>,
    /// The same message in other languages: `[message.lang.es]`.
    lang: Option<BTreeMap<Language, Words>>,
    /// Other words for a platform, an account or a group.
    #[schemars(flatten)]
    others: BTreeMap<String, Words>,
}

/// Other words; what is not here is taken from the message.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Words {
    text: Option<String>,
    texts: Option<Vec<String>>,
    link: Option<String>,
    warn: Option<String>,
    image: Option<Vec<Image>>,
    video: Option<Image>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct After {
    /// The id of the message to wait for.
    message: Name,
    /// How long after it: `2h`. Default: at once.
    wait: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Image {
    /// Its path in the messages folder.
    file: String,
    /// What is to be seen, for those who cannot see it.
    alt: String,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Priority {
    Breaking,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Thread {
    Auto,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Style {
    Quote,
}

/// A text with a pattern, under a name of its own.
macro_rules! text {
    ($name:ident, $pattern:literal) => {
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

text!(Name, r"^[a-z0-9][a-z0-9._-]{0,63}$");
text!(FactName, r"^[a-z][a-z0-9_]*$");
text!(Language, r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$");
text!(Colour, r"^#[0-9A-Fa-f]{6}$");
text!(Date, r"^\d{4}-\d{2}-\d{2}$");
text!(
    Day,
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?$"
);
text!(
    DateTime,
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?$"
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::read;
    use super::*;

    /// The keys of the struct `name`, or of the root.
    fn keys(schema: &serde_json::Value, name: &str) -> BTreeSet<String> {
        let part = if name.is_empty() {
            schema
        } else {
            &schema["definitions"][name]
        };
        part["properties"].as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn schema_and_reader_know_the_same_keys() {
        let schema = schema();
        for (name, known) in [
            ("", read::FILE_KEYS),
            ("Campaign", read::CAMPAIGN_KEYS),
            ("Card", read::CARD_KEYS),
            ("Blackout", read::BLACKOUT_KEYS),
            ("Fact", read::FACT_KEYS),
            ("Message", read::MESSAGE_KEYS),
            ("Words", read::WORDS_KEYS),
            ("Image", read::IMAGE_KEYS),
            ("After", read::AFTER_KEYS),
        ] {
            let known: BTreeSet<String> = known.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(keys(&schema, name), known, "{name}");
        }
    }

    #[test]
    fn every_key_is_explained_or_explains_itself() {
        let schema = schema();
        let message = schema["definitions"]["Message"]["properties"]
            .as_object()
            .unwrap();
        for (key, value) in message
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "id" | "image" | "lang"))
        {
            assert!(value.to_string().contains("description"), "{key}: {value}");
        }
    }
}

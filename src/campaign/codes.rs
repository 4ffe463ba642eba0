//! Every code that a problem in the message files can have, with what it means: the list that the staff's
//! manual prints.

use super::problem::Severity::{self, Error, Warning};

/// (code, severity, meaning), in the order of the alphabet.
pub const CODES: &[(&str, Severity, &str)] = &[
    (
        "after-cycle",
        Error,
        "messages wait for, or reply to, each other in a circle",
    ),
    ("all-caps", Warning, "words in capitals, which read as shouting"),
    (
        "bad-allow",
        Warning,
        "a warning in `allow` that does not exist, cannot be silenced, or has no reason",
    ),
    (
        "bad-card",
        Error,
        "a text that cannot be drawn as a card: too long, or in letters that no font has",
    ),
    (
        "bad-cron",
        Error,
        "a recurring rule (`cron`, `slots`) that cannot be read",
    ),
    (
        "bad-duration",
        Error,
        "a length of time that is not like `6h`, `90m` or `2d`",
    ),
    (
        "bad-id",
        Error,
        "an `id` with characters other than a-z, 0-9, `.`, `_`, `-`",
    ),
    (
        "bad-image",
        Error,
        "an image that cannot be used: missing, broken, too large, or outside the messages folder",
    ),
    (
        "bad-language",
        Error,
        "a language that is not a tag like `en` or `es-MX`",
    ),
    ("bad-link", Error, "a `link` or `share` that is not a web address"),
    ("bad-name", Error, "a fact's name that a text could not use"),
    (
        "bad-template",
        Error,
        "a template (`{{ … }}`) that cannot be read or worked out",
    ),
    (
        "bad-time",
        Error,
        "a date or time that is missing something, does not exist or is too far away",
    ),
    (
        "bad-value",
        Error,
        "a word that is not one of those that are known here",
    ),
    (
        "bad-video",
        Error,
        "a video that cannot be used: missing, broken, or of a kind that a platform does not take",
    ),
    (
        "bad-was",
        Error,
        "an old id in `was` that a message still has, or that two messages claim",
    ),
    (
        "bad-window",
        Error,
        "quiet hours or a blackout that cannot be kept",
    ),
    (
        "bare-claim",
        Warning,
        "a claim about a person in a sentence that does not say whose it is",
    ),
    ("campaign-missing", Error, "no file has a `[campaign]` table"),
    ("campaign-twice", Error, "more than one `[campaign]` table"),
    (
        "clock-change",
        Warning,
        "a time that does not exist, or exists twice, on the day the clocks change",
    ),
    ("conflict", Error, "two keys that exclude each other"),
    (
        "control-character",
        Error,
        "a character that cannot be seen and that platforms refuse",
    ),
    (
        "dead-link",
        Warning,
        "a link on a platform where nobody can follow links in texts",
    ),
    (
        "duplicate-fact",
        Error,
        "a fact that is already there, in this or another file",
    ),
    ("duplicate-id", Error, "two messages with one id"),
    ("emoji-run", Warning, "more than three emoji in a row"),
    ("empty", Error, "a text with nothing in it"),
    (
        "expires-first",
        Error,
        "a message that expires before it can go out",
    ),
    (
        "fact-blocked",
        Warning,
        "a fact that is disputed, retracted or past its review: its messages are held",
    ),
    (
        "fact-review",
        Warning,
        "a fact that must be checked again soon, or before a message that uses it goes out",
    ),
    ("fancy-letters", Warning, "characters that only look like letters"),
    ("file-encoding", Error, "a file that is not UTF-8 text"),
    ("file-too-large", Error, "a file of more than 1 MiB"),
    ("file-unreadable", Error, "a file or folder that cannot be read"),
    (
        "flat-hashtag",
        Warning,
        "a hashtag of several words without capitals",
    ),
    (
        "front-matter",
        Error,
        "a Markdown file without settings between `+++` lines",
    ),
    ("invisible-character", Warning, "a character that cannot be seen"),
    (
        "invisible-in-link",
        Error,
        "a character that cannot be seen, in a link",
    ),
    (
        "low-contrast",
        Error,
        "colours of a card on which its words could hardly be read",
    ),
    (
        "may-be-refused",
        Warning,
        "a thread or a reply that a platform may refuse",
    ),
    ("missing", Error, "something that is required"),
    ("missing-alt", Error, "an image or video without a description"),
    ("missing-id", Error, "a message without an `id`"),
    (
        "never-fires",
        Error,
        "a recurring rule that does not come round in five years",
    ),
    ("no-effect", Warning, "a key that changes nothing here"),
    (
        "no-expires",
        Warning,
        "a call to action in a message that never expires",
    ),
    ("no-video", Error, "a video for a platform that takes none"),
    (
        "not-there",
        Warning,
        "a reply to, or a wait for, a message that does not go to the same account",
    ),
    ("not-yet", Error, "something that is planned but not built yet"),
    ("odd-link", Warning, "a link whose name mixes alphabets"),
    ("past", Warning, "a date more than a year ago"),
    ("plain-http", Warning, "a link that is not encrypted"),
    (
        "queue-runs-dry",
        Warning,
        "a slot in the next 14 days for which an account has no message left",
    ),
    (
        "renamed",
        Warning,
        "a new message with nearly the words of one that is gone and was just posted: it is held",
    ),
    (
        "same-text",
        Warning,
        "two messages, two variants of one, or two accounts on one platform, with the same words",
    ),
    ("secret", Error, "a password or token in a message file"),
    ("syntax", Error, "a file that is not TOML: its messages are held"),
    (
        "tag-in-word",
        Warning,
        "a tag that begins in the middle of a word",
    ),
    (
        "text-direction",
        Error,
        "an invisible character that changes the order of letters",
    ),
    ("too-long", Error, "a text that is too long for a platform"),
    ("too-many-images", Error, "more images than a platform takes"),
    (
        "too-many-links",
        Error,
        "more links in a part than a platform takes",
    ),
    (
        "too-many-parts",
        Error,
        "a thread that is longer than a platform takes",
    ),
    (
        "too-many-problems",
        Warning,
        "more problems in a file than are shown",
    ),
    (
        "too-many-tags",
        Error,
        "more hashtags in a part than a platform takes",
    ),
    (
        "translation-older",
        Warning,
        "a translation that is older than its original, by the version history",
    ),
    (
        "twice-in-an-hour",
        Warning,
        "the same words twice within one hour on one account or platform",
    ),
    ("typed-date", Warning, "a date or year that no fact stands behind"),
    ("typed-figure", Warning, "a figure that no fact stands behind"),
    (
        "typed-quotation",
        Warning,
        "a quotation that no fact stands behind",
    ),
    (
        "unattributed-claim",
        Error,
        "a text that uses someone's claim without naming who says so",
    ),
    (
        "unknown-account",
        Error,
        "a name that is neither an account nor a group, or an override for neither",
    ),
    ("unknown-fact", Error, "a fact that is in no file"),
    ("unknown-key", Error, "a key that does not exist"),
    ("unknown-message", Error, "a message id that is in no file"),
    ("unknown-zone", Error, "a time zone that does not exist"),
    ("unsupported", Error, "something that a platform cannot do"),
    (
        "untranslated",
        Warning,
        "a message without words in the language of an account that it goes to",
    ),
    (
        "unused-allow",
        Warning,
        "a warning in `allow` that there is no longer any need to silence",
    ),
    (
        "video-too-large",
        Error,
        "a video that is larger than a platform takes",
    ),
    (
        "video-too-long",
        Error,
        "a video that lasts longer than a platform takes",
    ),
    (
        "wrong-type",
        Error,
        "a value of the wrong kind: a text where a date belongs …",
    ),
];

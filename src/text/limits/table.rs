//! Every platform's limits, one constant each: what the platforms' manuals say, and the stricter reading where
//! they are silent. An adapter takes its constant, and a sandbox that is `like` the platform takes the same.

use std::time::Duration;

use super::{Abilities, Address, Answer, Doubt, LengthRule, Limits, Unit, prices, videos};
use crate::text::escape::Escape;
use crate::text::images::Frame;

/// All of them, each once, by the platform's usual way in: what config files and overrides may name.
pub const PLATFORMS: &[Limits] = &[
    MASTODON, BLUESKY, X, THREADS, INSTAGRAM, FACEBOOK, LINKEDIN, TELEGRAM, DISCORD, SLACK, REDDIT, TUMBLR,
    PINTEREST, NOSTR, WEBHOOK,
];

/// The limits of the platform that config files call `name`.
pub fn of(name: &str) -> Option<&'static Limits> {
    PLATFORMS.iter().find(|limits| limits.platform == name)
}

const ALL_IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// No thread is longer, whatever the platform would take.
const MAX_PARTS: u16 = 100;

/// What nearly all of them have in common, to be said only once.
const PLAIN: Limits = Limits {
    platform: "",
    length: LengthRule::Unlimited,
    caption: None,
    later: None,
    answer: None,
    max_parts: MAX_PARTS,
    min_images: 0,
    max_images: 0,
    max_image_bytes: 0,
    max_images_bytes: None,
    max_moving_bytes: Some(0),
    moving_alone: false,
    frame: Frame::ANY,
    max_alt: None,
    image_types: ALL_IMAGES,
    video: None,
    max_links: None,
    max_tags: None,
    dead_links: false,
    abilities: Abilities {
        warn: false,
        share: false,
        reply: true,
        card: false,
    },
    refuses_replies: None,
    delete: true,
    edits: false,
    doubt: Doubt::Ask,
    share_doubt: None,
    homes: &[],
    shared: None,
    counts: None,
    prices: None,
};

/// What nearly all comments have in common.
const COMMENT: Answer = Answer {
    length: None,
    max_images: 0,
    video: false,
    max_links: None,
    max_tags: None,
    card: false,
    delete: true,
    doubt: None,
};

const fn utf16(max: usize, escape: Escape) -> LengthRule {
    LengthRule::Units {
        max,
        unit: Unit::Utf16,
        escape,
    }
}

/// A server keeps a key for an hour, as far as one can see; then it is asked for the account's own list.
/// A server may say other numbers of itself.
pub const MASTODON: Limits = Limits {
    platform: "mastodon",
    length: LengthRule::Mastodon { max: 500, link: 23 },
    max_images: 4,
    max_image_bytes: 16 << 20,
    max_moving_bytes: Some(16 << 20),
    frame: Frame {
        max_pixels: Some(33_177_600),
        ..Frame::ANY
    },
    max_alt: Some(1500),
    video: Some(videos::MASTODON),
    abilities: Abilities {
        warn: true,
        share: true,
        reply: true,
        card: false,
    },
    edits: true,
    doubt: Doubt::Key {
        window: Some(Duration::from_mins(50)),
        then: Some(MASTODON_SETTLE),
    },
    counts: Some(20),
    ..PLAIN
};

/// How long a server's list must be without a status before it is believed: servers have copies of their
/// databases that lag.
pub const MASTODON_SETTLE: Duration = Duration::from_mins(10);

/// Lexicon `app.bsky.feed.post`. Images may have 2 MB by the newest lexicon, but servers that have an older
/// one refuse more than 1 MB. The apps cut descriptions at 2000 characters.
pub const BLUESKY: Limits = Limits {
    platform: "bluesky",
    length: LengthRule::GraphemesAndBytes {
        max: 300,
        max_bytes: 3000,
    },
    max_images: 4,
    max_image_bytes: 1_000_000,
    max_moving_bytes: Some(1_000_000),
    max_alt: Some(2000),
    video: Some(videos::BLUESKY),
    abilities: Abilities {
        warn: true,
        share: true,
        reply: true,
        card: true,
    },
    doubt: Doubt::OwnId,
    counts: Some(25),
    homes: &["bsky.app"],
    ..PLAIN
};

/// <https://docs.x.com/fundamentals/counting-characters>. Its timelines lag: three looks within two minutes.
/// It makes its card from a link in the text. Since February 2026 a program's replies are refused unless the author
/// of the post asked for them; that one's own posts are an exception is said by the refusal, and not by the manual.
pub const X: Limits = Limits {
    platform: "x",
    length: LengthRule::X { max: 280 },
    max_images: 4,
    max_image_bytes: 5_000_000,
    max_moving_bytes: Some(15_000_000),
    moving_alone: true,
    max_alt: Some(1000),
    video: Some(videos::X),
    abilities: Abilities {
        warn: false,
        share: true,
        reply: true,
        card: false,
    },
    refuses_replies: Some("it takes a program's reply only where the author of the post asked for it"),
    doubt: Doubt::ReadBack {
        settle: Duration::from_mins(2),
    },
    homes: &["x.com", "twitter.com"],
    counts: Some(100),
    prices: Some(prices::X),
    ..PLAIN
};

/// <https://developers.facebook.com/docs/threads>. A repost is no container: whether it is there, only the account's
/// list tells.
pub const THREADS: Limits = Limits {
    platform: "threads",
    length: LengthRule::Threads { max: 500 },
    max_images: 20,
    max_image_bytes: 8_000_000,
    max_moving_bytes: None,
    frame: Frame {
        shapes: Some([(1, 10), (10, 1)]),
        ..Frame::ANY
    },
    max_alt: Some(1000),
    image_types: &["image/jpeg", "image/png"],
    max_links: Some(5),
    video: Some(videos::THREADS),
    abilities: Abilities {
        warn: false,
        share: true,
        reply: true,
        card: true,
    },
    doubt: Doubt::TwoSteps {
        settle: Duration::from_mins(3),
    },
    share_doubt: Some(Doubt::ReadBack {
        settle: Duration::from_mins(3),
    }),
    counts: Some(1),
    homes: &["threads.net", "threads.com"],
    shared: Some(Address {
        paths: &["@*/post/*"],
        like: "https://www.threads.com/@NAME/post/CODE",
    }),
    ..PLAIN
};

/// An account that has no folder for images and videos.
pub const THREADS_WITHOUT_MEDIA: Limits = Limits {
    max_images: 0,
    max_image_bytes: 0,
    max_moving_bytes: Some(0),
    video: None,
    ..THREADS
};

/// <https://developers.facebook.com/docs/instagram-platform/content-publishing>. The unit of a caption's
/// length is not published. An answer is a comment: what one may have is not in today's manual, but was in the one before
/// it.
pub const INSTAGRAM: Limits = Limits {
    platform: "instagram",
    length: utf16(2200, Escape::None),
    max_parts: 1,
    min_images: 1,
    max_images: 10,
    max_image_bytes: 8_000_000,
    max_moving_bytes: None,
    frame: Frame {
        shapes: Some([(4, 5), (191, 100)]),
        ..Frame::ANY
    },
    max_alt: Some(1000),
    image_types: &["image/jpeg"],
    max_tags: Some(30),
    dead_links: true,
    video: Some(videos::INSTAGRAM),
    abilities: Abilities {
        reply: true,
        ..NOTHING
    },
    answer: Some(Answer {
        length: Some(utf16(300, Escape::None)),
        max_links: Some(1),
        max_tags: Some(4),
        doubt: Some(Doubt::ReadBack {
            settle: Duration::from_mins(5),
        }),
        ..COMMENT
    }),
    delete: false,
    doubt: Doubt::TwoSteps {
        settle: Duration::from_mins(1),
    },
    counts: Some(1),
    homes: &["instagram.com"],
    ..PLAIN
};

/// An account that is reached by the Page that it belongs to: there what was posted can be deleted.
pub const INSTAGRAM_BY_FACEBOOK: Limits = Limits {
    delete: true,
    ..INSTAGRAM
};

const NOTHING: Abilities = Abilities {
    warn: false,
    share: false,
    reply: false,
    card: false,
};

/// <https://developers.facebook.com/docs/pages-api/posts>. The unit of the length and the longest description
/// are not published; of an image one page says 10 MB, an error says 4. There are no threads; an answer is a comment,
/// whose length is not published either: what its own site takes.
pub const FACEBOOK: Limits = Limits {
    platform: "facebook",
    length: utf16(63_206, Escape::None),
    answer: Some(Answer {
        length: Some(utf16(8000, Escape::None)),
        max_images: 1,
        ..COMMENT
    }),
    max_parts: 1,
    max_images: 10,
    max_image_bytes: 4_000_000,
    max_moving_bytes: None,
    max_alt: Some(1000),
    image_types: &["image/jpeg", "image/png", "image/gif"],
    video: Some(videos::FACEBOOK),
    abilities: Abilities {
        reply: true,
        card: true,
        ..NOTHING
    },
    edits: true,
    doubt: Doubt::ReadBack {
        settle: Duration::from_mins(5),
    },
    counts: Some(1),
    homes: &["facebook.com"],
    ..PLAIN
};

/// An organization's page. <https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api>.
/// The unit of the length, whether backslashes count, how large an image may be, and of how many posts at once it says
/// what it counts are not published. There are no threads: comments are not shown in their order. How long a comment may
/// be is not published either: what its own site takes.
pub const LINKEDIN: Limits = Limits {
    platform: "linkedin",
    length: utf16(3000, Escape::LittleText),
    answer: Some(Answer {
        length: Some(utf16(1250, Escape::None)),
        ..COMMENT
    }),
    max_parts: 1,
    max_images: 20,
    max_image_bytes: 5_000_000,
    max_moving_bytes: Some(5_000_000),
    frame: Frame {
        max_pixels: Some(36_152_320),
        ..Frame::ANY
    },
    max_alt: Some(4086),
    image_types: &["image/jpeg", "image/png", "image/gif"],
    video: Some(videos::LINKEDIN),
    abilities: Abilities {
        warn: false,
        share: true,
        reply: true,
        card: true,
    },
    edits: true,
    doubt: Doubt::ReadBack {
        settle: Duration::from_mins(5),
    },
    counts: Some(20),
    homes: &["linkedin.com"],
    ..PLAIN
};

/// A person's own account on LinkedIn, which may not read what it posted, nor what is counted of it, and not comment.
pub const LINKEDIN_MEMBER: Limits = Limits {
    answer: None,
    abilities: Abilities {
        reply: false,
        ..LINKEDIN.abilities
    },
    doubt: Doubt::Ask,
    counts: None,
    ..LINKEDIN
};

/// <https://core.telegram.org/bots/api#sendmessage>, without a parse mode. "Characters" are not said to be
/// UTF-16, but offsets are. There are no descriptions of images, so none is too long. It takes photos of 10 MB,
/// but ours travel in the one request that must not be left in doubt, which has 30 seconds. A moving image would
/// stand still as a photo.
pub const TELEGRAM: Limits = Limits {
    platform: "telegram",
    length: utf16(4096, Escape::None),
    caption: Some(utf16(1024, Escape::None)),
    max_images: 10,
    max_image_bytes: 1_000_000,
    max_moving_bytes: None,
    frame: Frame {
        max_sides: Some(10_000),
        shapes: Some([(1, 20), (20, 1)]),
        ..Frame::ANY
    },
    image_types: &["image/jpeg", "image/png"],
    video: Some(videos::TELEGRAM),
    abilities: Abilities {
        warn: false,
        share: true,
        reply: true,
        card: false,
    },
    edits: true,
    doubt: Doubt::Ask,
    homes: &["t.me", "telegram.me"],
    ..PLAIN
};

/// A bot. <https://docs.discord.com/developers/resources/message#create-message>. The unit of the length is
/// not published. A file may have 10 MiB and a request 25 MiB; stills travel smaller, because the request has 30
/// seconds. It remembers a nonce for "the past few minutes".
pub const DISCORD: Limits = Limits {
    platform: "discord",
    length: utf16(2000, Escape::Discord),
    max_images: 10,
    max_image_bytes: 1_000_000,
    max_images_bytes: Some(25_000_000),
    max_moving_bytes: Some(10 << 20),
    max_alt: Some(1024),
    video: Some(videos::DISCORD),
    abilities: Abilities {
        warn: false,
        share: true,
        reply: true,
        card: false,
    },
    edits: true,
    doubt: Doubt::Key {
        window: Some(Duration::from_mins(2)),
        then: Some(Duration::from_mins(1)),
    },
    homes: &["discord.com"],
    counts: Some(1),
    ..PLAIN
};

/// An incoming webhook of Discord: it answers nobody, and can't read.
pub const DISCORD_WEBHOOK: Limits = Limits {
    abilities: NOTHING,
    doubt: Doubt::Ask,
    ..DISCORD
};

/// A bot. <https://docs.slack.dev/reference/methods/chat.postMessage>. More than 40,000 characters would be cut
/// in silence, and what has more than 4,000 could never be corrected. The unit is not published.
pub const SLACK: Limits = Limits {
    platform: "slack",
    length: utf16(4000, Escape::Entities),
    max_images: 10,
    max_image_bytes: 16 << 20,
    max_moving_bytes: Some(16 << 20),
    max_alt: Some(1000),
    video: Some(videos::SLACK),
    edits: true,
    doubt: Doubt::ReadBack {
        settle: Duration::from_mins(1),
    },
    homes: &["slack.com"],
    counts: Some(1),
    ..PLAIN
};

/// An incoming webhook of Slack: text alone; it answers nobody, and can't read.
pub const SLACK_WEBHOOK: Limits = Limits {
    max_images: 0,
    video: None,
    abilities: NOTHING,
    delete: false,
    edits: false,
    doubt: Doubt::Ask,
    counts: None,
    ..SLACK
};

/// <https://www.reddit.com/dev/api#POST_api_submit>: a text post, and comments on it as the further parts. How many
/// images one may have is not published: as many as a gallery. Their descriptions are captions, or stand below them. A
/// post with one may show in the lists only minutes later.
pub const REDDIT: Limits = Limits {
    platform: "reddit",
    length: units(40_000, Escape::Reddit),
    later: Some(REDDIT_COMMENT),
    answer: Some(Answer {
        length: Some(REDDIT_COMMENT),
        ..COMMENT
    }),
    max_images: 20,
    max_image_bytes: 20_000_000,
    max_moving_bytes: Some(20_000_000),
    image_types: &["image/jpeg", "image/png", "image/gif"],
    video: Some(videos::REDDIT),
    abilities: Abilities {
        warn: true,
        share: true,
        reply: true,
        card: false,
    },
    edits: true,
    doubt: Doubt::ReadBack {
        settle: Duration::from_mins(10),
    },
    counts: Some(100),
    homes: &["reddit.com"],
    shared: Some(Address {
        paths: &[
            "r/*/comments/*",
            "r/*/comments/*/*",
            "u/*/comments/*",
            "u/*/comments/*/*",
            "user/*/comments/*",
            "user/*/comments/*/*",
            "comments/*",
            "comments/*/*",
        ],
        like: "https://www.reddit.com/r/NAME/comments/1abcd/words/",
    }),
    ..PLAIN
};

/// What answers a post, and the later parts of a thread.
const REDDIT_COMMENT: LengthRule = units(10_000, Escape::Reddit);

const fn units(max: usize, escape: Escape) -> LengthRule {
    LengthRule::Units {
        max,
        unit: Unit::CodePoints,
        escape,
    }
}

/// <https://www.tumblr.com/docs/npf>: a text is sent as one block. It takes images of 20 MB, but ours travel in the one
/// request that must not be left in doubt, which has 30 seconds.
pub const TUMBLR: Limits = Limits {
    platform: "tumblr",
    length: units(4096, Escape::None),
    answer: Some(Answer {
        max_images: 30,
        card: true,
        ..COMMENT
    }),
    max_images: 30,
    max_image_bytes: 1_000_000,
    max_images_bytes: Some(25_000_000),
    max_moving_bytes: Some(10_000_000),
    max_alt: Some(4096),
    video: Some(videos::TUMBLR),
    abilities: Abilities {
        warn: false,
        share: true,
        reply: true,
        card: true,
    },
    edits: true,
    doubt: Doubt::ReadBack {
        settle: Duration::from_mins(1),
    },
    counts: Some(1),
    homes: &["tumblr.com"],
    ..PLAIN
};

/// <https://developers.pinterest.com/docs/api/v5/pins-create>. The unit of the length is not published. Images travel in
/// the one request that must not be left in doubt, which has 30 seconds. How soon a board shows a new pin is not known
/// either: one that is missing there proves nothing, so that the adapter never says that it is absent.
pub const PINTEREST: Limits = Limits {
    platform: "pinterest",
    length: utf16(800, Escape::None),
    max_parts: 1,
    min_images: 1,
    max_images: 5,
    max_image_bytes: 1_000_000,
    max_moving_bytes: None,
    max_alt: Some(500),
    image_types: &["image/jpeg", "image/png"],
    video: Some(videos::PINTEREST),
    abilities: NOTHING,
    edits: true,
    doubt: Doubt::ReadBack {
        settle: Duration::from_hours(1),
    },
    counts: Some(1),
    homes: &["pinterest.com"],
    ..PLAIN
};

/// <https://github.com/nostr-protocol/nips>. The protocol has no limit, each relay has its own: what nearly all
/// take. Images stand on other servers.
pub const NOSTR: Limits = Limits {
    platform: "nostr",
    length: units(8000, Escape::None),
    max_images: 10,
    max_image_bytes: 16 << 20,
    max_moving_bytes: Some(16 << 20),
    abilities: Abilities {
        warn: true,
        share: true,
        reply: true,
        card: false,
    },
    doubt: Doubt::OwnId,
    counts: Some(25),
    ..PLAIN
};

/// An account that names no server for images.
pub const NOSTR_WITHOUT_MEDIA: Limits = Limits {
    max_images: 0,
    max_image_bytes: 0,
    max_moving_bytes: Some(0),
    ..NOSTR
};

/// Our own, so it takes all that one request may hold.
pub const WEBHOOK: Limits = Limits {
    platform: "webhook",
    max_images: 10,
    max_image_bytes: WEBHOOK_IMAGES_MAX_BYTES,
    max_images_bytes: Some(WEBHOOK_IMAGES_MAX_BYTES),
    max_moving_bytes: Some(WEBHOOK_IMAGES_MAX_BYTES),
    abilities: Abilities {
        warn: true,
        share: true,
        reply: true,
        card: true,
    },
    doubt: Doubt::Key {
        window: None,
        then: None,
    },
    ..PLAIN
};

/// All images of one request to a webhook together.
pub const WEBHOOK_IMAGES_MAX_BYTES: u64 = 5 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_stands_once_in_the_table_under_its_own_word() {
        for (i, limits) in PLATFORMS.iter().enumerate() {
            let name = limits.platform;
            assert!(!name.is_empty());
            assert_eq!(of(name), Some(limits), "{name}");
            assert!(PLATFORMS.iter().skip(i + 1).all(|other| other.platform != name));
        }
        assert_eq!(of("myspace"), None);
    }

    #[test]
    fn what_a_row_says_agrees_with_itself() {
        for limits in PLATFORMS {
            let name = limits.platform;
            assert!(limits.min_images <= limits.max_images, "{name}");
            assert!(limits.max_images == 0 || limits.max_image_bytes > 0, "{name}");
            assert!(!limits.image_types.is_empty(), "{name}");
            // What must be drawn anew becomes one of these.
            let drawn = ["image/jpeg", "image/png"];
            assert!(
                limits.image_types.iter().any(|mime| drawn.contains(mime)),
                "{name}"
            );
            assert!(
                limits.max_images == 0 || limits.max_moving_bytes != Some(0),
                "{name}"
            );
            assert!(
                limits
                    .max_images_bytes
                    .is_none_or(|all| all >= limits.max_image_bytes),
                "{name}"
            );
            assert!(
                limits.later.is_none() || limits.abilities.reply,
                "{name}: a rule for parts that cannot be"
            );
            assert!(
                limits.answer.is_none() || limits.abilities.reply,
                "{name}: a rule for answers that cannot be"
            );
            // A shared post can be told from others only by its address or by being anywhere.
            assert!(limits.homes.iter().all(|home| home.contains('.')), "{name}");
        }
    }

    #[test]
    fn a_part_is_measured_by_what_it_is() {
        let max = |rule: &LengthRule| match *rule {
            LengthRule::Units { max, .. } => max,
            _ => 0,
        };
        assert_eq!(max(TELEGRAM.rule(0, false)), 4096);
        assert_eq!(max(TELEGRAM.rule(0, true)), 1024);
        assert_eq!(max(TELEGRAM.rule(1, false)), 4096);
        assert_eq!(max(REDDIT.rule(0, true)), 40_000);
        assert_eq!(max(REDDIT.rule(1, false)), 10_000);
        assert_eq!(X.rule(3, true), &X.length);
    }

    #[test]
    fn an_answer_takes_what_a_comment_takes() {
        assert_eq!(X.answering(true).as_ref(), &X);
        assert_eq!(FACEBOOK.answering(false).as_ref(), &FACEBOOK);
        let comment = FACEBOOK.answering(true);
        assert_eq!(comment.rule(0, true), &utf16(8000, Escape::None));
        assert_eq!((comment.max_images, comment.video), (1, None));
        assert!(!comment.abilities.card);
        let comment = INSTAGRAM.answering(true);
        assert_eq!(
            (comment.min_images, comment.max_images, comment.max_tags),
            (0, 0, Some(4))
        );
        assert!(comment.delete && !INSTAGRAM.delete);
        let comment = REDDIT.answering(true);
        assert_eq!(comment.rule(0, false), REDDIT.rule(1, false));
        assert_eq!(comment.max_images, 0);
        let reblog = TUMBLR.answering(true);
        assert_eq!((reblog.length, reblog.max_images), (TUMBLR.length, 30));
        assert_eq!((reblog.video, reblog.abilities.card), (None, true));
    }

    #[test]
    fn an_address_that_is_shared_is_a_post_s_own() {
        for limits in PLATFORMS {
            let Some(shared) = limits.shared else { continue };
            let (_, rest) = shared.like.split_once("://").unwrap();
            let (host, path) = rest.split_once('/').unwrap();
            assert!(shared.is(path), "{}", shared.like);
            assert!(limits.homes.iter().any(|home| host.ends_with(home)), "{host}");
        }
        let is = |limits: &Limits, path: &str| limits.shared.unwrap().is(path);
        assert!(is(&REDDIT, "/comments/1abcd") && is(&REDDIT, "/user/a/comments/1abcd/x/"));
        assert!(!is(&REDDIT, "/r/a/comments/1abcd/x/2bcde/") && !is(&REDDIT, "/r/a/s/Abc"));
        assert!(!is(&THREADS, "/@/post/x") && !is(&THREADS, "/t/x") && !is(&THREADS, "/@a"));
    }

    #[test]
    fn a_doubt_about_what_is_no_container_does_not_end_as_one_about_a_container() {
        assert_eq!(X.doubt_about(true, false), X.doubt);
        assert_eq!(FACEBOOK.doubt_about(false, true), FACEBOOK.doubt);
        assert_eq!(THREADS.doubt_about(false, true), THREADS.doubt);
        assert_ne!(INSTAGRAM.doubt_about(false, true), INSTAGRAM.doubt);
        let repost = THREADS.doubt_about(true, false);
        assert!(matches!(repost, Doubt::ReadBack { .. }), "{repost:?}");
    }
}

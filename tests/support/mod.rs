//! One world for all tests: a few accounts, some images, one moment.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test file uses a part of it"
)]

pub mod clip;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use steadfast::campaign::assemble::{Assembled, assemble};
use steadfast::campaign::codes::CODES;
use steadfast::campaign::outside::{Footage, Media, MediaProblem, Outside};
use steadfast::campaign::problem::Problem;
use steadfast::campaign::read::{FileRead, read};
use steadfast::campaign::{Account, Roster, Untranslated};
use steadfast::post::card::Card;
use steadfast::text::limits::{self, Abilities, Doubt, LengthRule, Limits};

/// Monday, 23 November 2026, noon in Chicago.
pub fn now() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().unwrap()
}

pub fn mastodon() -> Limits {
    Limits {
        platform: "mastodon",
        length: LengthRule::Mastodon { max: 500, link: 23 },
        max_parts: 25,
        max_images: 4,
        max_image_bytes: 16_000_000,
        max_alt: Some(1_500),
        image_types: &["image/jpeg", "image/png", "image/webp", "image/gif"],
        abilities: Abilities {
            warn: true,
            share: true,
            reply: true,
            card: false,
        },
        doubt: Doubt::Key {
            window: None,
            then: None,
        },
        ..limits::MASTODON
    }
}

pub fn bluesky() -> Limits {
    Limits {
        platform: "bluesky",
        length: LengthRule::GraphemesAndBytes {
            max: 300,
            max_bytes: 3_000,
        },
        max_image_bytes: 1_000_000,
        image_types: &["image/jpeg", "image/png", "image/webp"],
        abilities: Abilities {
            warn: false,
            share: true,
            reply: true,
            card: true,
        },
        doubt: Doubt::OwnId,
        video: limits::BLUESKY.video,
        homes: limits::BLUESKY.homes,
        ..mastodon()
    }
}

/// Mastodon's limits under another name.
pub fn telegram() -> Limits {
    Limits {
        platform: "telegram",
        ..mastodon()
    }
}

/// No images, no threads, no sharing.
pub fn webhook() -> Limits {
    Limits {
        platform: "webhook",
        length: LengthRule::Unlimited,
        max_parts: 1,
        max_images: 0,
        video: None,
        abilities: Abilities {
            warn: false,
            share: false,
            reply: false,
            card: false,
        },
        doubt: Doubt::Ask,
        ..mastodon()
    }
}

pub fn account(name: &str, limits: Limits, language: Option<&str>) -> Account {
    Account {
        name: name.parse().unwrap(),
        platform: limits.platform,
        like: limits.platform,
        limits: Arc::new(limits),
        language: language.map(str::to_owned),
        min_gap: Duration::ZERO,
        max_per_day: None,
        charge: None,
        // Most messages here are in one language, and that is not what they are about.
        untranslated: Untranslated::Fallback,
    }
}

/// Two accounts in English, one in Spanish, and a group.
pub fn roster() -> Roster {
    Roster {
        accounts: vec![
            account("mastodon", mastodon(), None),
            account("bluesky", bluesky(), None),
            account("spanish", telegram(), Some("es")),
        ],
        groups: BTreeMap::from([(
            "english".to_owned(),
            vec!["mastodon".parse().unwrap(), "bluesky".parse().unwrap()],
        )]),
    }
}

/// Files by name, and images and videos that are there.
#[derive(Default)]
pub struct World {
    pub files: BTreeMap<String, Vec<u8>>,
    pub media: BTreeMap<String, Media>,
    pub videos: BTreeMap<String, Footage>,
}

impl World {
    pub fn of<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Self {
        let mut world = Self::default();
        for (file, text) in files {
            world.files.insert(file.to_owned(), text.as_bytes().to_vec());
        }
        let png = Media {
            mime: "image/png",
            size: 20_000,
            width: 640,
            height: 480,
            moving: false,
            turn: 1,
        };
        world.media.insert("media/court.png".into(), png);
        let clip = Footage {
            mime: "video/mp4",
            brand: *b"isom",
            size: 4_000_000,
            width: 1280,
            height: 720,
            length: Duration::from_secs(30),
            rate: 30,
            codec: "H.264",
            sound: Some("AAC"),
        };
        world.videos.insert("media/march.mp4".into(), clip);
        let long = Footage {
            length: Duration::from_millis(200_500),
            size: 70_000_000,
            ..clip
        };
        world.videos.insert("media/long.mp4".into(), long);
        let phone = Footage {
            mime: "video/quicktime",
            codec: "HEVC",
            rate: 240,
            ..clip
        };
        world.videos.insert("media/phone.mov".into(), phone);
        world
    }

    pub fn read(&self) -> Vec<Arc<FileRead>> {
        self.files
            .iter()
            .map(|(file, bytes)| Arc::new(read(file, bytes)))
            .collect()
    }

    pub fn assemble(&self) -> Assembled {
        assemble(&self.read(), &roster(), now(), self)
    }
}

impl Outside for World {
    fn media(&self, path: &str) -> Result<Media, MediaProblem> {
        self.media.get(path).copied().ok_or_else(|| MediaProblem {
            message: "there is no such file".into(),
            help: "put it into the messages folder".into(),
        })
    }

    fn video(&self, path: &str) -> Result<Footage, MediaProblem> {
        self.videos.get(path).copied().ok_or_else(|| MediaProblem {
            message: "there is no such file".into(),
            help: "put it into the messages folder".into(),
        })
    }

    fn card(&self, card: &Card) -> Result<(), MediaProblem> {
        steadfast::card::fits(card).map_err(|why| MediaProblem {
            message: why.message,
            help: why.help.into(),
        })
    }

    fn text(&self, file: &str) -> Option<Arc<str>> {
        self.files
            .get(file)
            .map(|bytes| String::from_utf8_lossy(bytes).into())
    }
}

/// Every problem has a place inside the file, a code that is known, and clean words.
pub fn inside(bytes: &[u8], problems: &[Problem]) {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in problems {
        let place = &problem.place;
        let line = lines[usize::try_from(place.line).unwrap() - 1];
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (column, length) = (
            usize::try_from(place.column).unwrap(),
            usize::try_from(place.length).unwrap(),
        );
        assert!(column >= 1 && length >= 1);
        assert!(
            column + length <= line.chars().count().max(column) + 1,
            "{problem:?}"
        );
        assert!(
            place.text.is_empty() || *place.text == *line,
            "{:?} {line:?}",
            place.text
        );
        for words in [&problem.message, &problem.help] {
            assert!(!words.chars().any(char::is_control), "{words:?}");
        }
        let known = CODES.iter().find(|(code, ..)| *code == problem.code);
        assert_eq!(
            known.map(|(_, severity, _)| *severity),
            Some(problem.severity),
            "{}",
            problem.code
        );
    }
}

//! Videos in the messages folder: what they are, what is taken out of them, and what is refused (reliability F22, F23).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use steadfast::campaign::outside::{Footage, Outside};
use steadfast::folder::Folder;
use steadfast::post::digest::Digest;
use tokio::io::AsyncReadExt;

#[path = "../fuzz/checks.rs"]
mod checks;
use checks::support::clip::{Clip, NOTES, PICTURES, PLACE, atom, notes, pictures, sound};

fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(folder.join(name), bytes).unwrap();
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// What a platform would get of it.
async fn sent(folder: &Folder, name: &str) -> io::Result<Vec<u8>> {
    let (source, reel) = folder.reel(name).unwrap();
    let mut film = folder.film(name, source, &reel).unwrap();
    let mut bytes = Vec::new();
    film.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[tokio::test]
async fn f22_a_video_tells_nothing_and_nothing_in_it_moves() {
    let dir = tempfile::tempdir().unwrap();
    let clip = Clip::telling();
    let before = clip.bytes();
    assert!(contains(&before, PLACE) && contains(&before, NOTES));
    put(dir.path(), "a.mov", &before);
    let folder = Folder::open(dir.path()).unwrap();
    let after = sent(&folder, "a.mov").await.unwrap();
    assert_eq!(after.len(), before.len());
    for tale in [PLACE, NOTES, b"Somebody's phone", b"\xe0\x01\x02\x03"] {
        assert!(!contains(&after, tale), "{}", String::from_utf8_lossy(tale));
    }
    // The tables point where they pointed, and there the pictures are.
    let at = before
        .windows(PICTURES.len())
        .position(|window| window == PICTURES)
        .unwrap();
    assert_eq!(&after[at..at + PICTURES.len()], PICTURES);
    for kind in [b"stco", b"stsz", b"stsd"] {
        let table = before.windows(4).position(|window| window == kind).unwrap();
        assert_eq!(after[table..table + 16], before[table..table + 16]);
    }
    for kind in [b"udta", b"meta", b"uuid", b"tref"] {
        assert!(contains(&before, kind) && !contains(&after, kind));
    }
    // What was taken out once need not be taken out again.
    put(dir.path(), "b.mov", &after);
    assert_eq!(sent(&folder, "b.mov").await.unwrap(), after);
    assert_eq!(folder.video("b.mov").unwrap(), folder.video("a.mov").unwrap());
}

#[test]
fn a_video_is_what_its_header_says() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.mov", Clip::telling().bytes());
    let folder = Folder::open(dir.path()).unwrap();
    let size = Clip::telling().bytes().len() as u64;
    let found = folder.video("a.mov").unwrap();
    // It is stored on its side.
    let expected = Footage {
        mime: "video/quicktime",
        brand: *b"qt  ",
        size,
        width: 720,
        height: 1280,
        length: Duration::from_secs(2),
        rate: 30,
        codec: "H.264",
        sound: Some("AAC"),
    };
    assert_eq!(found, expected);
    let plain = Clip {
        brand: *b"isom",
        tracks: vec![pictures(*b"hvc1", false)],
        ..Clip::default()
    };
    put(dir.path(), "a.mp4", plain.bytes());
    let found = folder.video("a.mp4").unwrap();
    assert_eq!(
        (found.mime, found.width, found.height, found.codec, found.sound),
        ("video/mp4", 1280, 720, "HEVC", None)
    );
}

#[test]
fn f23_what_is_no_video_or_can_not_be_cleaned_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let whole = Clip::telling().bytes();
    let why = |bytes: &[u8]| {
        put(dir.path(), "a.mp4", bytes);
        let problem = folder.video("a.mp4").unwrap_err();
        assert!(folder.reel("a.mp4").is_err());
        problem.message
    };
    assert_eq!(why(b""), "this file is empty");
    assert_eq!(
        why(b"\x89PNG\r\n\x1a\nnot really"),
        "this is not an MP4 or MOV video"
    );
    assert_eq!(why(b"\0\0\0\x0cftypheic"), "this is not an MP4 or MOV video");
    for end in [30, whole.len() / 2, whole.len() - 6] {
        assert_eq!(why(&whole[..end]), "this video is damaged or incomplete", "{end}");
    }
    let of = |tracks: Vec<Vec<u8>>, more: Vec<u8>| {
        let clip = Clip {
            tracks,
            more,
            ..Clip::default()
        };
        clip.bytes()
    };
    let film = || pictures(*b"avc1", false);
    assert_eq!(why(&of(vec![sound()], vec![])), "this is a file without pictures");
    assert_eq!(
        why(&of(vec![pictures(*b"encv", false)], vec![])),
        "this is an encrypted video"
    );
    // Notes whose places among the fragments nobody can tell from the header.
    let fragments = atom(*b"mvex", &[]);
    assert_eq!(
        why(&of(vec![film(), notes(0)], fragments.clone())),
        "this is a video in fragments with a track beside pictures and sound"
    );
    // Notes that are said to lie where the tables are.
    assert_eq!(
        why(&of(vec![film(), notes(4)], vec![])),
        "this video is damaged or incomplete"
    );
    let elsewhere = film();
    let at = elsewhere.windows(4).rposition(|four| four == b"url ").unwrap();
    let mut elsewhere = elsewhere;
    elsewhere[at + 7] = 0;
    assert_eq!(
        why(&of(vec![elsewhere], vec![])),
        "this is a video whose pictures are in another file"
    );
    let endless = Clip {
        length: 0,
        tracks: vec![film()],
        ..Clip::default()
    };
    assert_eq!(
        why(&endless.bytes()),
        "this is a video that does not say how long it is"
    );
    let first_of_many = Clip {
        tracks: vec![film()],
        more: fragments,
        after: atom(*b"moof", &[]),
        ..Clip::default()
    };
    assert_eq!(
        why(&first_of_many.bytes()),
        "this is a video that does not say how long it is"
    );
    // Each is told what it is where the other belongs.
    put(dir.path(), "a.mp4", &whole);
    assert!(folder.media("a.mp4").unwrap_err().help.contains("`video = {"));
}

#[tokio::test]
async fn f11_a_video_that_changes_while_it_is_uploaded_is_never_whole() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Clip::telling().bytes();
    put(dir.path(), "a.mov", &bytes);
    let folder = Folder::open(dir.path()).unwrap();
    let (source, reel) = folder.reel("a.mov").unwrap();
    assert_eq!(source, Digest::of(&bytes));
    assert_eq!(folder.hash("a.mov"), Some(source));
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    for changed in [&other[..], &bytes[..bytes.len() - 1]] {
        put(dir.path(), "a.mov", changed);
        let mut film = folder.film("a.mov", source, &reel).unwrap();
        let mut got = Vec::new();
        assert!(film.read_to_end(&mut got).await.is_err());
        assert!(got.len() < bytes.len(), "its end never comes");
    }
    assert_ne!(folder.hash("a.mov"), Some(source));
    put(dir.path(), "a.mov", &bytes);
    let mut film = folder.film("a.mov", source, &reel).unwrap();
    let mut got = Vec::new();
    film.read_to_end(&mut got).await.unwrap();
    assert_eq!(got.len(), bytes.len());
}

#[tokio::test]
async fn a_video_that_a_frozen_request_names_is_the_same_or_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = Clip::telling().bytes();
    put(dir.path(), "a.mov", &bytes);
    let folder = Folder::open(dir.path()).unwrap();
    let (source, size) = (Digest::of(&bytes), bytes.len() as u64);
    let expected = sent(&folder, "a.mov").await.unwrap();
    // Another folder has not looked at it before: after a restart.
    let later = Folder::open(dir.path()).unwrap();
    let mut got = Vec::new();
    let mut film = later.film_of("a.mov", source, size).unwrap();
    film.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, expected);
    assert!(!contains(&got, PLACE));
    // It has changed: by a byte, which shows at the end, or in its length.
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    put(dir.path(), "a.mov", &other);
    let mut got = Vec::new();
    let mut film = later.film_of("a.mov", source, size).unwrap();
    assert!(film.read_to_end(&mut got).await.is_err());
    assert!(got.len() < bytes.len(), "its end never comes");
    assert!(later.film_of("a.mov", source, size + 1).is_err());
    fs::remove_file(dir.path().join("a.mov")).unwrap();
    assert!(later.film_of("a.mov", source, size).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_the_bytes_are_the_look_ends_and_stays_inside(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        end in any::<Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = Clip::telling().bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        checks::video(&bytes);
    }

    #[test]
    fn boxes_of_any_length_in_any_order_are_no_surprise(
        boxes in prop::collection::vec((0..KINDS.len(), prop::option::of(any::<u32>()), prop::collection::vec(any::<u8>(), 0..40)), 0..30),
    ) {
        let mut bytes = atom(*b"ftyp", b"isom");
        for (kind, size, inside) in boxes {
            let size = size.unwrap_or(u32::try_from(inside.len()).unwrap() + 8);
            bytes.extend(size.to_be_bytes());
            bytes.extend(KINDS[kind]);
            bytes.extend(inside);
        }
        checks::video(&bytes);
    }
}

const KINDS: [&[u8; 4]; 12] = [
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"stsz", b"mvhd", b"mdat", b"free", b"udta",
    b"hdlr",
];

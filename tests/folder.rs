//! The messages folder, on a real disk (reliability F1–F4, F9–F11, F18, F20–F23).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::io::Cursor;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use bytes::Bytes;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageEncoder as _, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use img_parts::png::PngChunk;
use steadfast::campaign::Roster;
use steadfast::campaign::assemble::{Assembled, assemble};
use steadfast::campaign::outside::Outside;
use steadfast::folder::{self, Changed, Folder, Picture};
use steadfast::post::content::Image;
use steadfast::post::digest::Digest;
use steadfast::text::images::Frame;
use steadfast::text::limits::{self, Limits};

const ONLY_JPEG: Limits = Limits {
    image_types: &["image/jpeg"],
    ..limits::MASTODON
};

fn message(id: &str) -> String {
    format!("[[message]]\nid = \"{id}\"\ntext = \"Words of {id}.\"\n")
}

fn put(folder: &Path, file: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn names(changed: &Changed) -> Vec<&str> {
    changed.files.iter().map(|file| &*file.file).collect()
}

#[test]
fn only_what_changed_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..100 {
        put(dir.path(), &format!("m{i:03}.toml"), message(&format!("m{i}")));
    }
    let mut folder = Folder::open(dir.path()).unwrap();
    let first = folder.scan().unwrap();
    assert_eq!(
        (first.read, first.files.len(), first.changed.len()),
        (100, 100, 100)
    );
    assert!(!folder.scan().unwrap().any());
    put(dir.path(), "m050.toml", message("other"));
    let next = folder.scan().unwrap();
    assert_eq!(next.read, 1);
    assert_eq!(next.changed, ["m050.toml".into()]);
    fs::remove_file(dir.path().join("m007.toml")).unwrap();
    let last = folder.scan().unwrap();
    assert_eq!((last.read, last.files.len()), (0, 99));
    assert_eq!(last.gone, ["m007.toml".into()]);
}

#[test]
fn f1_what_editors_leave_behind_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "a.toml",
        "sub/b.md",
        "a.toml~",
        ".a.toml.swp",
        ".#a.toml",
        "#a.toml#",
        "4913",
        "~a.toml",
        ".git/c.toml",
        "README.md",
        "notes.txt",
    ] {
        put(dir.path(), name, "");
    }
    let mut folder = Folder::open(dir.path()).unwrap();
    assert_eq!(names(&folder.scan().unwrap()), ["a.toml", "sub/b.md"]);
}

#[test]
fn f1_a_file_swapped_by_rename_is_seen_even_with_the_same_size_and_time() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.toml", message("aa"));
    let mut folder = Folder::open(dir.path()).unwrap();
    folder.scan().unwrap();
    let time = fs::metadata(dir.path().join("a.toml"))
        .unwrap()
        .modified()
        .unwrap();
    put(dir.path(), "new", message("bb"));
    fs::File::open(dir.path().join("new"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    fs::rename(dir.path().join("new"), dir.path().join("a.toml")).unwrap();
    assert_eq!(folder.scan().unwrap().read, 1);
}

#[test]
fn f4_a_file_of_10_mb_is_refused_and_a_thousand_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "large.toml", vec![b'#'; 10_000_000]);
    for i in 0..1_000 {
        put(
            dir.path(),
            &format!("{}/m{i}.toml", i % 10),
            message(&format!("m{i}")),
        );
    }
    let mut folder = Folder::open(dir.path()).unwrap();
    let scan = folder.scan().unwrap();
    assert_eq!(scan.files.len(), 1_001);
    let large = scan
        .files
        .iter()
        .find(|file| &*file.file == "large.toml")
        .unwrap();
    assert_eq!(large.problems[0].code, "file-too-large");
    assert!(large.problems[0].message.contains("1 MiB"));
    assert!(large.broken.is_some());
}

#[test]
fn f9_loops_links_outside_pipes_sockets_and_devices_are_refused_without_blocking() {
    let outer = tempfile::tempdir().unwrap();
    put(outer.path(), "secret.toml", message("secret"));
    let dir = outer.path().join("messages");
    put(&dir, "a.toml", message("a"));
    symlink(".", dir.join("round")).unwrap();
    symlink("self.toml", dir.join("self.toml")).unwrap();
    symlink("../secret.toml", dir.join("out.toml")).unwrap();
    symlink("/dev/zero", dir.join("zero.toml")).unwrap();
    symlink("a.toml", dir.join("inside.toml")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(dir.join("pipe.toml"))
        .status()
        .unwrap();
    assert!(pipe.success());
    let _socket = UnixListener::bind(dir.join("socket.toml")).unwrap();
    let mut folder = Folder::open(&dir).unwrap();
    let scan = folder.scan().unwrap();
    for file in &scan.files {
        let fine = matches!(&*file.file, "a.toml" | "inside.toml");
        assert_eq!(file.broken.is_none(), fine, "{}: {:?}", file.file, file.problems);
        assert!(fine || file.messages.is_empty());
    }
    assert_eq!(
        names(&scan),
        [
            "a.toml",
            "inside.toml",
            "out.toml",
            "pipe.toml",
            "round",
            "self.toml",
            "socket.toml",
            "zero.toml"
        ]
    );
    assert!(!folder.scan().unwrap().any(), "and it is said once");
}

#[test]
fn f10_media_outside_the_folder_are_refused() {
    let outer = tempfile::tempdir().unwrap();
    put(outer.path(), "court.png", png(&[]));
    let dir = outer.path().join("messages");
    put(&dir, "media/court.png", png(&[]));
    symlink("../../court.png", dir.join("media/link.png")).unwrap();
    let folder = Folder::open(&dir).unwrap();
    for path in [
        "../court.png",
        "media/../../court.png",
        "/etc/passwd",
        "../../etc/passwd",
        "file:///etc/passwd",
        "https://example.org/a.png",
        "media/link.png",
        "~/a.png",
        "media\\court.png",
        "media",
        "none.png",
        "",
    ] {
        assert!(folder.media(path).is_err(), "{path}");
        assert!(folder.picture(path, None).is_err(), "{path}");
    }
    let media = folder.media("media/court.png").unwrap();
    assert_eq!((media.mime, media.width, media.height), ("image/png", 3, 2));
}

#[test]
fn f18_a_folder_that_vanishes_is_said_and_what_was_read_is_kept() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("messages");
    put(&dir, "a.toml", message("a"));
    let mut folder = Folder::open(&dir).unwrap();
    folder.scan().unwrap();
    fs::rename(&dir, outer.path().join("elsewhere")).unwrap();
    let gone = folder.scan().unwrap_err();
    assert!(gone.to_string().contains("messages"), "{gone}");
    fs::rename(outer.path().join("elsewhere"), &dir).unwrap();
    assert!(!folder.scan().unwrap().any());
    assert!(Folder::open(outer.path().join("nowhere")).is_err());
}

#[test]
fn f18_messages_in_a_folder_that_may_not_be_read_are_held_not_gone() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "sub/a.toml", message("a"));
    let mut folder = Folder::open(dir.path()).unwrap();
    folder.scan().unwrap();
    let sub = dir.path().join("sub");
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever runs as root may read everything: there is nothing to see then.
    if fs::read_dir(&sub).is_err() {
        let scan = folder.scan().unwrap();
        assert_eq!(names(&scan), ["sub", "sub/a.toml"]);
        assert!(scan.files.iter().all(|file| file.broken.is_some()));
    }
    fs::set_permissions(&sub, fs::Permissions::from_mode(0o755)).unwrap();
    let scan = folder.scan().unwrap();
    assert_eq!(names(&scan), ["sub/a.toml"]);
    assert!(scan.files[0].broken.is_none());
}

#[test]
fn f20_five_hundred_files_replaced_at_once_are_one_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let write = |round: &str| {
        for i in 0..500 {
            put(
                dir.path(),
                &format!("m{i}.toml"),
                message(&format!("{round}-{i}")),
            );
        }
    };
    write("first");
    let mut folder = Folder::open(dir.path()).unwrap();
    folder.scan().unwrap();
    write("second");
    let scan = folder.scan().unwrap();
    assert_eq!(scan.read, 500);
    assert!(
        scan.files
            .iter()
            .all(|file| file.messages[0].message.id.as_str().starts_with("second-"))
    );
}

// -- Images ---------------------------------------------------------------------------------------------

const PLACE: &[u8] = b"GPS-29.9146N-90.0540W";

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn png(extra: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut add = |kind: &[u8; 4], data: Vec<u8>| {
        out.extend(PngChunk::new(*kind, Bytes::from(data)).encoder().bytes());
    };
    add(
        b"IHDR",
        [&3u32.to_be_bytes()[..], &2u32.to_be_bytes()[..], &[8, 2, 0, 0, 0]].concat(),
    );
    for (kind, data) in extra {
        add(kind, data.clone());
    }
    add(b"IDAT", vec![1, 2, 3]);
    add(b"IEND", vec![]);
    out
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker][..], &length, data].concat()
}

fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    exif.extend(PLACE);
    exif
}

/// A JPEG of two scans with tales in every place where there can be some.
fn jpeg(orientation: u8) -> Vec<u8> {
    [
        vec![0xff, 0xd8],
        segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        segment(0xe1, &exif(orientation)),
        segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", PLACE].concat()),
        segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", &b"colours"[..]].concat()),
        segment(0xe2, &[b"MPF\0", PLACE].concat()),
        segment(0xed, &[b"Photoshop 3.0\0", PLACE].concat()),
        segment(0xee, b"Adobe\0\x64\0\0\0\0\0"),
        segment(0xfe, PLACE),
        segment(0xdb, &[0; 65]),
        segment(0xc2, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0]),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4],
        segment(0xfe, PLACE),
        segment(0xc4, &[0; 20]),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![5, 6, 0xff, 0xd9],
        b"PK\x03\x04".to_vec(),
        PLACE.to_vec(),
    ]
    .concat()
}

fn riff(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    let mut chunk = [&kind[..], &length, data].concat();
    if data.len() % 2 == 1 {
        chunk.push(0);
    }
    chunk
}

fn webp() -> Vec<u8> {
    let chunks = [
        b"WEBP".to_vec(),
        riff(*b"VP8X", &[0b0010_1100, 0, 0, 0, 2, 0, 0, 1, 0, 0]),
        riff(*b"ICCP", b"colours!"),
        riff(*b"VP8 ", b"\x50\x5a\x00\x9d\x01\x2a\x03\x00\x02\x00"),
        riff(*b"EXIF", &exif(1)),
        riff(*b"XMP ", PLACE),
    ]
    .concat();
    riff(*b"RIFF", &chunks)
}

fn gif() -> Vec<u8> {
    let data = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()][..], bytes, &[0]].concat();
    [
        b"GIF89a\x03\0\x02\0\x80\0\0".to_vec(),
        vec![0; 6],
        vec![0x21, 0xff],
        [&[11][..], b"NETSCAPE2.0", &[3, 1, 0, 0, 0]].concat(),
        vec![0x21, 0xfe],
        data(PLACE),
        vec![0x21, 0xff],
        [&[11][..], b"XMP DataXMP", &data(PLACE)[..]].concat(),
        vec![0x21, 0xf9, 4, 0, 0, 0, 0, 0],
        b"\x2c\0\0\0\0\x03\0\x02\0\0\x02".to_vec(),
        data(&[1, 2, 3]),
        vec![0x3b],
        PLACE.to_vec(),
    ]
    .concat()
}

#[test]
fn f22_nothing_is_left_of_places_and_people_and_the_image_stays() {
    let dir = tempfile::tempdir().unwrap();
    let text = [&b"Location\0"[..], PLACE].concat();
    let tales = [
        (b"tEXt", text.clone()),
        (b"iTXt", text.clone()),
        (b"eXIf", exif(1)[6..].to_vec()),
        (b"prVt", text),
    ];
    put(dir.path(), "a.png", [png(&tales), PLACE.to_vec()].concat());
    put(dir.path(), "a.jpg", jpeg(1));
    put(dir.path(), "a.webp", webp());
    put(dir.path(), "a.gif", gif());
    let folder = Folder::open(dir.path()).unwrap();
    for (file, mime, kept) in [
        ("a.png", "image/png", &b"IDAT\x01\x02\x03"[..]),
        ("a.jpg", "image/jpeg", b"ICC_PROFILE\0\x01\x01colours"),
        ("a.webp", "image/webp", b"ICCP\x08\0\0\0colours!"),
        ("a.gif", "image/gif", b"NETSCAPE2.0"),
    ] {
        let raw = fs::read(dir.path().join(file)).unwrap();
        assert!(contains(&raw, PLACE), "{file} has something to strip");
        let picture = folder.picture(file, None).unwrap();
        assert_eq!(
            (picture.mime, picture.width, picture.height),
            (mime, 3, 2),
            "{file}"
        );
        assert!(!contains(&picture.bytes, PLACE), "{file}");
        assert!(
            !contains(&picture.bytes, b"Exif") && !contains(&picture.bytes, b"EXIF"),
            "{file}"
        );
        assert!(contains(&picture.bytes, kept), "{file}");
        // What was cleaned is an image, and is clean.
        put(dir.path(), &format!("again-{file}"), &picture.bytes);
        assert_eq!(folder.picture(&format!("again-{file}"), None).unwrap(), picture);
        assert_eq!(folder.media(file).unwrap().size, picture.bytes.len() as u64);
    }
    let jpeg = folder.picture("a.jpg", None).unwrap().bytes;
    assert!(
        jpeg.ends_with(&[5, 6, 0xff, 0xd9]),
        "nothing hides behind the end"
    );
    assert!(contains(&jpeg, &[1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4]));
}

/// A picture of a red corner (above, left) on blue, and noise, so that it does not compress.
fn drawn(width: u32, height: u32) -> RgbImage {
    let mut noise = 1u32;
    RgbImage::from_fn(width, height, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if x < width / 2 && y < height / 2 {
            Rgb([250, 0, 0])
        } else {
            Rgb([0, (noise >> 24) as u8, 250])
        }
    })
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn decoded(picture: &Picture) -> DynamicImage {
    let image = image::load_from_memory(&picture.bytes).unwrap();
    assert_eq!((image.width(), image.height()), (picture.width, picture.height));
    image
}

#[test]
fn f22_a_photograph_that_lies_on_its_side_is_turned_and_tells_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let upright = encoded(&drawn(80, 40).into(), ImageFormat::Jpeg);
    let photo = [&upright[..2], &segment(0xe1, &exif(6)), &upright[2..]].concat();
    put(dir.path(), "a.jpg", photo);
    let folder = Folder::open(dir.path()).unwrap();
    let media = folder.media("a.jpg").unwrap();
    assert_eq!((media.width, media.height), (40, 80));
    for limits in [None, Some(&limits::MASTODON), Some(&limits::INSTAGRAM)] {
        let Ok(picture) = folder.picture("a.jpg", limits) else {
            // Instagram takes nothing as tall as that.
            assert_eq!(limits, Some(&limits::INSTAGRAM));
            continue;
        };
        assert_eq!(
            (picture.mime, picture.width, picture.height),
            ("image/jpeg", 40, 80)
        );
        assert!(!contains(&picture.bytes, PLACE) && !contains(&picture.bytes, b"Exif"));
        // Turned to the right, the corner above left is above right.
        let turned = decoded(&picture).to_rgb8();
        assert!(turned.get_pixel(35, 5).0[0] > 200 && turned.get_pixel(5, 5).0[0] < 60);
    }
    put(
        dir.path(),
        "moving.png",
        png(&[(b"acTL", vec![0; 8]), (b"eXIf", exif(8)[6..].to_vec())]),
    );
    assert!(folder.media("moving.png").unwrap_err().help.contains("rotate"));
}

#[test]
fn an_image_that_is_too_large_is_scaled_down_the_same_way_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let noise = DynamicImage::from(drawn(600, 400));
    put(dir.path(), "a.png", encoded(&noise, ImageFormat::Png));
    let folder = Folder::open(dir.path()).unwrap();
    let whole = folder.picture("a.png", Some(&limits::MASTODON)).unwrap();
    assert_eq!(
        (whole.mime, whole.width),
        ("image/png", 600),
        "what fits is left alone"
    );
    let light = Limits {
        max_image_bytes: 80_000,
        ..limits::MASTODON
    };
    let small = folder.picture("a.png", Some(&light)).unwrap();
    assert!(small.bytes.len() <= 80_000, "{}", small.bytes.len());
    assert_eq!(small.mime, "image/jpeg");
    assert!(small.width.abs_diff(small.height * 3 / 2) <= 1, "its shape stays");
    decoded(&small);
    assert_eq!(folder.picture("a.png", Some(&light)).unwrap(), small);

    // Pixels count too, and no more is taken from it than must be.
    let narrow = Limits {
        frame: Frame {
            max_pixels: Some(300 * 200),
            ..Frame::ANY
        },
        ..limits::MASTODON
    };
    let fewer = folder.picture("a.png", Some(&narrow)).unwrap();
    assert_eq!((fewer.mime, fewer.width, fewer.height), ("image/png", 300, 200));
    let none = Limits {
        max_image_bytes: 500,
        ..limits::MASTODON
    };
    let refused = folder.picture("a.png", Some(&none)).unwrap_err();
    assert!(refused.message.contains("small enough"), "{refused}");
}

#[test]
fn an_image_of_a_type_that_is_not_taken_is_converted_and_keeps_its_colours() {
    let dir = tempfile::tempdir().unwrap();
    let mut clear = RgbaImage::from_pixel(100, 100, Rgba([0, 0, 0, 0]));
    clear.put_pixel(0, 0, Rgba([10, 20, 30, 255]));
    let clear = DynamicImage::from(clear);
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        put(dir.path(), "a", encoded(&clear, format));
        let folder = Folder::open(dir.path()).unwrap();
        let opaque = folder.picture("a", Some(&limits::INSTAGRAM)).unwrap();
        assert_eq!(opaque.mime, "image/jpeg", "{format:?}");
        let background = decoded(&opaque).to_rgb8().get_pixel(80, 80).0;
        assert!(
            background.iter().all(|part| *part > 250),
            "{format:?}: {background:?}"
        );
        let drawing = folder.picture("a", Some(&limits::THREADS)).unwrap();
        assert_eq!(drawing.mime, "image/png", "{format:?}");
        assert_eq!(decoded(&drawing).to_rgba8().get_pixel(80, 80).0[3], 0);
    }

    for (space, kept) in [(b"RGB ", true), (b"CMYK", false)] {
        let profile = [&[0; 16][..], space, &[7; 108]].concat();
        let mut out = Vec::new();
        let mut encoder = PngEncoder::new(&mut out);
        encoder.set_icc_profile(profile.clone()).unwrap();
        drawn(64, 64).write_with_encoder(encoder).unwrap();
        put(dir.path(), "colours.png", out);
        let folder = Folder::open(dir.path()).unwrap();
        let jpeg = folder.picture("colours.png", Some(&limits::INSTAGRAM)).unwrap();
        assert_eq!(contains(&jpeg.bytes, &profile), kept, "{kept}");
    }
}

#[test]
fn f21_what_moves_passes_untouched_or_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut moving = gif();
    let at = moving.iter().position(|byte| *byte == 0x2c).unwrap();
    let end = moving.iter().rposition(|byte| *byte == 0x3b).unwrap();
    let picture = moving[at..end].to_vec();
    moving.splice(at..at, picture);
    put(dir.path(), "a.gif", moving);
    let folder = Folder::open(dir.path()).unwrap();
    assert!(folder.media("a.gif").unwrap().moving);
    let same = folder.picture("a.gif", Some(&limits::MASTODON)).unwrap();
    assert_eq!(same, folder.picture("a.gif", None).unwrap());
    assert_eq!(same.mime, "image/gif");
    assert!(folder.picture("a.gif", Some(&limits::INSTAGRAM)).is_err());
}

#[test]
fn f21_f23_what_can_not_be_decoded_is_said_and_no_memory_is_taken_for_it() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "noise.png", png(&[]));
    let deep = [
        &6000u32.to_be_bytes()[..],
        &6000u32.to_be_bytes()[..],
        &[16, 6, 0, 0, 0],
    ]
    .concat();
    let mut bomb = png(&[]);
    bomb.splice(
        8..33,
        PngChunk::new(*b"IHDR", Bytes::from(deep)).encoder().bytes(),
    );
    put(dir.path(), "bomb.png", bomb);
    let folder = Folder::open(dir.path()).unwrap();
    for (file, said) in [("noise.png", "damaged"), ("bomb.png", "memory")] {
        let problem = folder.picture(file, Some(&ONLY_JPEG)).unwrap_err();
        assert!(problem.message.contains(said), "{file}: {problem}");
    }
}

#[test]
fn f21_f23_images_are_known_by_their_bytes_and_broken_ones_refused() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "really-a-png.jpg", png(&[]));
    let mut huge = png(&[]);
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let header = PngChunk::new(*b"IHDR", Bytes::copy_from_slice(&huge[16..29]))
        .encoder()
        .bytes();
    huge.splice(8..33, header);
    put(dir.path(), "huge.png", huge);
    put(dir.path(), "empty.png", "");
    put(
        dir.path(),
        "drawing.png",
        "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
    );
    put(dir.path(), "text.png", "hello");
    for (name, whole) in [("cut.png", png(&[])), ("cut.webp", webp())] {
        put(dir.path(), name, &whole[..whole.len() - 8]);
    }
    let whole = jpeg(1);
    let end = whole.windows(2).position(|pair| pair == [0xff, 0xd9]).unwrap();
    put(dir.path(), "cut.jpg", &whole[..end]);
    let whole = gif();
    put(dir.path(), "cut.gif", &whole[..whole.len() - PLACE.len() - 1]);
    let folder = Folder::open(dir.path()).unwrap();
    assert_eq!(folder.media("really-a-png.jpg").unwrap().mime, "image/png");
    for (file, said) in [
        ("huge.png", "60000 × 60000"),
        ("empty.png", "empty"),
        ("drawing.png", "SVG"),
        ("text.png", "not a JPEG"),
        ("cut.png", "incomplete"),
        ("cut.webp", "incomplete"),
        ("cut.jpg", "incomplete"),
        ("cut.gif", "incomplete"),
    ] {
        let problem = folder.media(file).unwrap_err();
        assert!(problem.message.contains(said), "{file}: {problem}");
    }
}

#[test]
fn f21_images_cut_off_anywhere_never_panic() {
    let dir = tempfile::tempdir().unwrap();
    for (name, whole) in [
        ("a.png", png(&[])),
        ("a.jpg", jpeg(1)),
        ("a.webp", webp()),
        ("a.gif", gif()),
    ] {
        let folder = Folder::open(dir.path()).unwrap();
        for end in 0..whole.len() {
            put(dir.path(), name, &whole[..end]);
            let _ = folder.media(name);
        }
    }
}

#[test]
fn f11_what_is_uploaded_is_what_was_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.png", png(&[]));
    let folder = Folder::open(dir.path()).unwrap();
    let before = folder.picture("a.png", None).unwrap();
    put(dir.path(), "a.png", "not an image at all");
    assert!(
        folder.picture("a.png", None).is_err(),
        "a swapped file is looked at anew"
    );
    assert!(folder.media("a.png").is_err());
    assert_eq!(before.mime, "image/png");
}

#[test]
fn an_image_that_is_replaced_is_a_change_once_and_is_told_from_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.toml", message("a"));
    put(dir.path(), "a.png", png(&[]));
    put(dir.path(), "nobody-asked.png", png(&[]));
    let mut folder = Folder::open(dir.path()).unwrap();
    folder.scan().unwrap();
    folder.media("a.png").unwrap();
    let before = folder.hash("a.png").unwrap();
    assert_eq!(before, Digest::of(&png(&[])), "it is the file that counts");
    assert!(!folder.scan().unwrap().any());

    put(dir.path(), "nobody-asked.png", "other");
    put(dir.path(), "a.png", png(&[(b"tEXt", b"more".to_vec())]));
    let scan = folder.scan().unwrap();
    assert!(scan.media && scan.any() && scan.changed.is_empty());
    assert!(!folder.scan().unwrap().any(), "it is said once");
    let image = Image {
        file: "a.png".into(),
        alt: String::new(),
        card: None,
    };
    let (_, read) = folder.image(&image, None).unwrap();
    assert_ne!(folder.hash("a.png"), Some(before));
    assert_eq!(folder.hash("a.png"), Some(read));
    fs::remove_file(dir.path().join("a.png")).unwrap();
    assert!(folder.scan().unwrap().media);
    assert_eq!(folder.hash("a.png"), None);
}

#[test]
fn what_all_cores_check_is_what_one_would() {
    let dir = tempfile::tempdir().unwrap();
    put(
        dir.path(),
        "campaign.toml",
        "[campaign]\nid = \"c\"\nname = \"C\"\ntimezone = \"America/Chicago\"\nlanguage = \"en\"\n\
         [fact.f]\nvalue = \"1\"\nsource = \"s\"\nstatus = \"disputed\"\n",
    );
    for n in 0..7 {
        let more = format!(
            "[[message]]\nid = \"f{n}\"\ntext = \"{n} {{{{ fact.f }}}} STOP THE NOISE {{{{ no }}}}\"\n"
        );
        put(
            dir.path(),
            &format!("a{n}.toml"),
            message(&format!("m{n}")) + &more,
        );
    }
    let roster = Roster::default();
    let now = "2026-11-23T18:00:00Z".parse().unwrap();
    let read = || {
        let mut folder = Folder::open(dir.path()).unwrap();
        (folder.scan().unwrap().files, folder)
    };
    for files in 0..=7 {
        let ((mut some, folder), (mut again, alone)) = (read(), read());
        some.truncate(files + 1);
        again.truncate(files + 1);
        let on_all = folder::assemble(&some, &roster, now, &folder);
        let on_one = assemble(&again, &roster, now, &alone);
        assert_eq!(on_all.problems, on_one.problems);
        let blocked = |assembled: Assembled| assembled.campaign.map(|campaign| campaign.blocked);
        assert_eq!(blocked(on_all), blocked(on_one));
    }
}

//! Videos: what the boxes of an MP4 or MOV file say of it, and which of its bytes are covered so that it tells
//! nobody where, when or by whom it was taken (reliability F22).
//!
//! What is known to be needed to show it stays; every other box becomes an empty one of the same size, so that nothing
//! moves. What could tell tales and can't be covered makes the video one that is refused.

pub mod boxes;
mod cover;
mod film;
mod samples;

use std::ops::Range;
use std::time::Duration;

use crate::campaign::outside::{Footage, MediaProblem};
pub use boxes::Bytes;
use boxes::{Atom, Flaw, Reader, four, number};
pub use cover::Cover;
pub use film::Film;

/// The largest video that is looked at, in bytes.
const SIZE_MAX: u64 = 2 << 30;
/// The longest side that is believed.
const SIDE_MAX: u32 = 16_384;
/// What begins a file whose brand is one of these is an image.
const IMAGES: &[&[u8; 4]] = &[
    b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif", b"avis",
];

/// Boxes that hold others, each with those of them that are needed to show the video; the one without a name is the file itself.
const NEEDED: &[(&[u8; 4], &[&[u8; 4]])] = &[
    (
        b"    ",
        &[
            b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"ssix", b"pdin",
        ],
    ),
    (b"moov", &[b"mvhd", b"trak", b"mvex", b"iods"]),
    (b"trak", &[b"tkhd", b"mdia", b"edts", b"tapt"]),
    (b"mdia", &[b"mdhd", b"hdlr", b"minf", b"elng"]),
    (b"minf", &[b"vmhd", b"smhd", b"hdlr", b"dinf", b"stbl"]),
    (b"dinf", &[b"dref"]),
    (
        b"stbl",
        &[
            b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss",
            b"stps", b"stsh", b"sdtp", b"sgpd", b"sbgp", b"subs", b"padb",
        ],
    ),
    (b"mvex", &[b"mehd", b"trex", b"leva"]),
    (b"moof", &[b"mfhd", b"traf"]),
    (
        b"traf",
        &[b"tfhd", b"tfdt", b"trun", b"sdtp", b"sgpd", b"sbgp", b"subs"],
    ),
];

/// Whether a file that begins so is a video, or says it is.
pub fn is_video(start: &[u8]) -> bool {
    start.get(4..8) == Some(b"ftyp")
        && !IMAGES
            .iter()
            .any(|brand| start.get(8..12) == Some(brand.as_slice()))
}

/// What the video is, and what of it must be covered. Its pictures and sounds are not read.
pub fn examine(bytes: &dyn Bytes) -> Result<(Footage, Cover), MediaProblem> {
    look(bytes).map_err(|flaw| {
        let plain = |message: String, help: &str| MediaProblem {
            message,
            help: help.to_owned(),
        };
        match flaw {
            Flaw::Broken => plain(
                "this video is damaged or incomplete".into(),
                "save or copy it again",
            ),
            Flaw::Odd(what) => plain(format!("this is {what}"), "save it anew as an ordinary MP4"),
            Flaw::Unreadable(why) => plain(format!("it cannot be read: {why}"), "is the disk well?"),
        }
    })
}

fn look(bytes: &dyn Bytes) -> Result<(Footage, Cover), Flaw> {
    let size = bytes.size();
    if size > SIZE_MAX {
        return Err(Flaw::Odd("a video of more than 2 GiB"));
    }
    let mut look = Look::new(bytes);
    let (top, end) = look.reader.boxes(0, size)?;
    look.blank.push(end..size);
    let ftyp = top.first().filter(|atom| atom.kind == *b"ftyp");
    let ftyp = ftyp.ok_or(Flaw::Broken)?;
    let brand = look.reader.head(ftyp, 4)?;
    let brand: [u8; 4] = brand.try_into().map_err(|_| Flaw::Broken)?;
    let mut moovs = top.iter().filter(|atom| atom.kind == *b"moov");
    let (Some(_), None) = (moovs.next(), moovs.next()) else {
        return Err(Flaw::Broken);
    };
    look.media = top
        .iter()
        .filter(|atom| atom.kind == *b"mdat")
        .map(|atom| atom.from..atom.to)
        .collect();
    look.inside(*b"    ", &top)?;
    let Look {
        blank,
        free,
        movie,
        fragments,
        pictures,
        sound,
        ..
    } = look;
    let pictures = pictures.ok_or(Flaw::Odd("a file without pictures"))?;
    // Of a video in fragments, the usual place tells of the first alone.
    let in_fragments = top.iter().any(|atom| atom.kind == *b"moof");
    let length = fragments
        .or(movie.filter(|_| !in_fragments))
        .ok_or(Flaw::Odd("a video that does not say how long it is"))?;
    let footage = Footage {
        mime: if brand == *b"qt  " {
            "video/quicktime"
        } else {
            "video/mp4"
        },
        brand,
        size,
        width: pictures.width,
        height: pictures.height,
        length,
        rate: pictures.rate,
        codec: pictures.codec,
        sound,
    };
    Ok((footage, Cover::new(blank, free)))
}

/// What is known of the track with the pictures.
struct Pictures {
    width: u32,
    height: u32,
    rate: u32,
    codec: &'static str,
}

/// A look through a file, and what it has found.
struct Look<'b> {
    reader: Reader<'b>,
    /// Where pictures and sounds lie.
    media: Vec<Range<u64>>,
    blank: Vec<Range<u64>>,
    free: Vec<u64>,
    /// Units in a second, of the whole.
    scale: u64,
    movie: Option<Duration>,
    /// What the header of a video in fragments says.
    fragments: Option<Duration>,
    pictures: Option<Pictures>,
    sound: Option<&'static str>,
}

impl<'b> Look<'b> {
    fn new(bytes: &'b dyn Bytes) -> Self {
        Self {
            reader: Reader::new(bytes),
            media: Vec::new(),
            blank: Vec::new(),
            free: Vec::new(),
            scale: 0,
            movie: None,
            fragments: None,
            pictures: None,
            sound: None,
        }
    }

    fn children(&mut self, atom: &Atom) -> Result<Vec<Atom>, Flaw> {
        let (children, end) = self.reader.boxes(atom.from, atom.to)?;
        self.blank.push(end..atom.to);
        Ok(children)
    }

    /// Covers what is not needed of the boxes in `parent`, and looks at the rest.
    fn inside(&mut self, parent: [u8; 4], atoms: &[Atom]) -> Result<(), Flaw> {
        let needed = NEEDED.iter().find(|(kind, _)| **kind == parent);
        let needed = needed.map(|(_, needed)| *needed).unwrap_or_default();
        let in_fragments = atoms.iter().any(|atom| atom.kind == *b"mvex");
        for atom in atoms {
            if !needed.contains(&&atom.kind) {
                self.hide(atom);
                continue;
            }
            match &atom.kind {
                b"trak" => self.track(atom, in_fragments)?,
                b"mvhd" => {
                    let (scale, length) = self.times(atom)?;
                    self.scale = scale;
                    self.movie = seconds(length, scale);
                }
                b"mehd" => {
                    let head = self.reader.head(atom, 4)?;
                    let width = if head.first() == Some(&0) { 4 } else { 8 };
                    let head = self.reader.head(atom, 4 + width as u64)?;
                    let length = number(&head, 4, width).ok_or(Flaw::Broken)?;
                    self.fragments = seconds(length, self.scale);
                }
                b"mfra" | b"sidx" | b"ssix" | b"pdin" | b"iods" => {}
                kind if NEEDED.iter().any(|(parent, _)| *parent == kind) => {
                    let children = self.children(atom)?;
                    self.inside(*kind, &children)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The box becomes an empty one.
    fn hide(&mut self, atom: &Atom) {
        self.free.push(atom.at + 4);
        self.blank.push(atom.from..atom.to);
    }

    /// One track: pictures, sound, or what nobody needs.
    fn track(&mut self, trak: &Atom, in_fragments: bool) -> Result<(), Flaw> {
        let children = self.children(trak)?;
        let inside = |atoms: &[Atom], kind: &[u8; 4]| atoms.iter().find(|atom| atom.kind == *kind).copied();
        let media = inside(&children, b"mdia").ok_or(Flaw::Broken)?;
        let media = self.children(&media)?;
        let hdlr = inside(&media, b"hdlr").ok_or(Flaw::Broken)?;
        let kind = four(&self.reader.head(&hdlr, 12)?, 8).ok_or(Flaw::Broken)?;
        let minf = inside(&media, b"minf").ok_or(Flaw::Broken)?;
        let minf = self.children(&minf)?;
        let stbl = inside(&minf, b"stbl").ok_or(Flaw::Broken)?;
        let tables = self.children(&stbl)?;
        if !matches!(&kind, b"vide" | b"soun") {
            if in_fragments {
                return Err(Flaw::Odd(
                    "a video in fragments with a track beside pictures and sound",
                ));
            }
            let samples = samples::samples(&mut self.reader, &tables, &self.media)?;
            self.blank.extend(samples);
            self.hide(trak);
            return Ok(());
        }
        // Who made it is said in the names of its parts.
        self.blank.push(hdlr.from + 24.min(hdlr.to - hdlr.from)..hdlr.to);
        if let Some(named) = inside(&minf, b"hdlr") {
            self.blank
                .push(named.from + 24.min(named.to - named.from)..named.to);
        }
        if let Some(dref) = inside(&minf, b"dinf") {
            self.own(&dref)?;
        }
        let stsd = inside(&tables, b"stsd").ok_or(Flaw::Broken)?;
        let entry = self.reader.head(&stsd, 16)?;
        let codec = codec(four(&entry, 12).ok_or(Flaw::Broken)?)?;
        let mdhd = inside(&media, b"mdhd").ok_or(Flaw::Broken)?;
        let (scale, length) = self.times(&mdhd)?;
        let tkhd = inside(&children, b"tkhd").ok_or(Flaw::Broken)?;
        let (width, height) = self.frame(&tkhd)?;
        if &kind == b"vide" && self.pictures.is_none() {
            if width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX {
                return Err(Flaw::Broken);
            }
            let count = match inside(&tables, b"stsz").or(inside(&tables, b"stz2")) {
                Some(sizes) => number(&self.reader.head(&sizes, 12)?, 8, 4).unwrap_or_default(),
                None => return Err(Flaw::Broken),
            };
            let rate = count
                .saturating_mul(scale)
                .saturating_add(length / 2)
                .checked_div(length);
            self.pictures = Some(Pictures {
                width,
                height,
                rate: u32::try_from(rate.unwrap_or_default()).unwrap_or(u32::MAX),
                codec,
            });
        } else if &kind == b"soun" {
            self.sound = Some(codec);
        }
        self.inside(*b"trak", &children)
    }

    /// All of it must be in this file; where else it might be is covered.
    fn own(&mut self, dinf: &Atom) -> Result<(), Flaw> {
        for dref in self.children(dinf)?.iter().filter(|atom| atom.kind == *b"dref") {
            let from = dref.from + 8;
            if from > dref.to {
                return Err(Flaw::Broken);
            }
            let (entries, _) = self.reader.boxes(from, dref.to)?;
            for entry in entries {
                let flags = self.reader.head(&entry, 4)?;
                if flags.get(3).is_none_or(|flags| flags & 1 == 0) {
                    return Err(Flaw::Odd("a video whose pictures are in another file"));
                }
                self.blank.push(entry.from + 4..entry.to);
            }
        }
        Ok(())
    }

    /// Units in a second, and how many of them it lasts; when it was made is covered.
    fn times(&mut self, atom: &Atom) -> Result<(u64, u64), Flaw> {
        let (head, width) = self.made(atom)?;
        let at = 4 + 2 * width;
        let scale = number(&head, at, 4).ok_or(Flaw::Broken)?;
        let length = number(&head, at + 4, width).ok_or(Flaw::Broken)?;
        if scale == 0 {
            return Err(Flaw::Broken);
        }
        // All ones: it is not known.
        let unknown = length == u64::MAX >> (64 - 8 * width);
        Ok((scale, if unknown { 0 } else { length }))
    }

    /// As it is seen. A track that is turned is as broad as it is high.
    fn frame(&mut self, tkhd: &Atom) -> Result<(u32, u32), Flaw> {
        let (head, width) = self.made(tkhd)?;
        // After the times: the number and a gap, the length, and four more fields.
        let matrix = 4 + 2 * width + 8 + width + 16;
        let side = |at: usize| {
            let fixed = number(&head, at, 4).ok_or(Flaw::Broken)?;
            u32::try_from(fixed >> 16).map_err(|_| Flaw::Broken)
        };
        let sides = (side(matrix + 36)?, side(matrix + 40)?);
        let zero = |nth: usize| number(&head, matrix + 4 * nth, 4) == Some(0);
        let lies = zero(0) && zero(4) && !zero(1) && !zero(3);
        Ok(if lies { (sides.1, sides.0) } else { sides })
    }

    /// A header that begins with when it was made and changed, which is covered, and how wide its numbers are.
    fn made(&mut self, atom: &Atom) -> Result<(Vec<u8>, usize), Flaw> {
        let version = self.reader.head(atom, 4)?.first().copied();
        let width = if version == Some(1) { 8 } else { 4 };
        let times = atom.from + 4..atom.from + 4 + 2 * width as u64;
        if times.end > atom.to {
            return Err(Flaw::Broken);
        }
        self.blank.push(times);
        Ok((self.reader.head(atom, (atom.to - atom.from).min(120))?, width))
    }
}

/// `None`: it is not said.
fn seconds(length: u64, scale: u64) -> Option<Duration> {
    let millis = u64::try_from(u128::from(length) * 1000 / u128::from(scale.max(1))).ok()?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// What a codec's four letters are called.
fn codec(letters: [u8; 4]) -> Result<&'static str, Flaw> {
    Ok(match &letters {
        b"avc1" | b"avc3" => "H.264",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "HEVC",
        b"av01" => "AV1",
        b"vp09" => "VP9",
        b"vp08" => "VP8",
        b"mp4v" => "MPEG-4",
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG",
        b"apcn" | b"apch" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes",
        b"mp4a" => "AAC",
        b"ac-3" | b"ec-3" => "Dolby",
        b"Opus" => "Opus",
        b".mp3" => "MP3",
        b"alac" => "Apple Lossless",
        b"encv" | b"enca" => return Err(Flaw::Odd("an encrypted video")),
        _ => "an unknown codec",
    })
}

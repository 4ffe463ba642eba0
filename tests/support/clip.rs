//! Small videos, box by box: enough of a file to be looked at, and nothing that could be played.

/// Where it was filmed, as devices write it.
pub const PLACE: &[u8] = b"+29.9511-090.0715/";
/// What a device noted while it filmed.
pub const NOTES: &[u8] = b"GPS 29.9511 -90.0715";
/// What stands for its pictures.
pub const PICTURES: &[u8] = b"these would be pictures";

/// A video.
pub struct Clip {
    pub brand: [u8; 4],
    /// In thousandths of a second.
    pub length: u32,
    pub tracks: Vec<Vec<u8>>,
    /// More boxes in its header, and after it.
    pub more: Vec<u8>,
    pub after: Vec<u8>,
}

impl Default for Clip {
    fn default() -> Self {
        Self {
            brand: *b"qt  ",
            length: 2000,
            tracks: Vec::new(),
            more: Vec::new(),
            after: Vec::new(),
        }
    }
}

pub fn atom(kind: [u8; 4], inside: &[u8]) -> Vec<u8> {
    let size = u32::try_from(inside.len() + 8).unwrap();
    [&size.to_be_bytes(), &kind[..], inside].concat()
}

/// A box with a version and flags.
fn full(kind: [u8; 4], inside: &[&[u8]]) -> Vec<u8> {
    atom(kind, &[&[0; 4], &inside.concat()[..]].concat())
}

/// When it was made.
const MADE: [u8; 8] = *b"\xe0\x01\x02\x03\xe0\x01\x02\x03";
const BEFORE_MEDIA: &[u8] = b"  ";

impl Clip {
    /// One that tells all that a video can tell.
    pub fn telling() -> Self {
        let place = [&[0, 18, 0, 0], PLACE].concat();
        let udta = atom(
            *b"udta",
            &[atom(*b"\xa9xyz", &place), full(*b"loci", &[PLACE])].concat(),
        );
        let key = full(*b"keys", &[b"com.apple.quicktime.location.ISO6709"]);
        let meta = atom(*b"meta", &[key, full(*b"ilst", &[PLACE])].concat());
        let xmp = atom(*b"uuid", &[&[0xbe; 16], PLACE].concat());
        Self {
            tracks: vec![pictures(*b"avc1", true), sound(), notes(0)],
            more: [udta.clone(), meta.clone()].concat(),
            after: [xmp, meta, udta, atom(*b"free", PLACE), PLACE[..5].to_vec()].concat(),
            ..Self::default()
        }
    }

    /// Pictures and notes lie first, so that the tables' offsets are known: 16 bytes after the brand's box.
    pub fn bytes(&self) -> Vec<u8> {
        let mut mvhd = vec![&MADE[..]];
        let (scale, length) = (1000_u32.to_be_bytes(), self.length.to_be_bytes());
        mvhd.extend([&scale[..], &length, &[0; 80]]);
        let moov = [full(*b"mvhd", &mvhd), self.tracks.concat(), self.more.clone()].concat();
        [
            atom(*b"ftyp", &[&self.brand[..], &[0; 4]].concat()),
            atom(*b"mdat", &[BEFORE_MEDIA, PICTURES, NOTES].concat()),
            atom(*b"moov", &moov),
            self.after.clone(),
        ]
        .concat()
    }
}

/// Where the media begin.
const MEDIA: u32 = 16 + 8 + 2;

/// A track with so many samples of the same size, all in one chunk.
fn track(kind: [u8; 4], codec: [u8; 4], turned: bool, (at, samples, size): (u32, u32, u32)) -> Vec<u8> {
    let one = 0x1_0000_u32.to_be_bytes();
    let minus = (-0x1_0000_i32).to_be_bytes();
    let none = [0; 4];
    let matrix = if turned {
        [none, one, none, minus, none, none, none, none, one]
    } else {
        [one, none, none, none, one, none, none, none, one]
    };
    let (width, height) = ((1280_u32 << 16).to_be_bytes(), (720_u32 << 16).to_be_bytes());
    let tkhd = full(
        *b"tkhd",
        &[&MADE, &[0; 28], matrix.as_flattened(), &width, &height],
    );
    let mdhd = full(
        *b"mdhd",
        &[&MADE, &600_u32.to_be_bytes(), &1200_u32.to_be_bytes(), &[0; 4]],
    );
    let hdlr = |kind: [u8; 4]| full(*b"hdlr", &[b"mhlr", &kind, &[0; 12], b"Somebody's phone"]);
    let number = |n: u32| n.to_be_bytes();
    let tables = [
        full(*b"stsd", &[&number(1), &atom(codec, &[0; 40])]),
        full(*b"stsc", &[&number(1), &number(1), &number(samples), &number(1)]),
        full(*b"stsz", &[&number(size), &number(samples)]),
        full(*b"stco", &[&number(1), &number(at)]),
        atom(*b"udta", PLACE),
    ];
    let url = atom(*b"url ", &[0, 0, 0, 1]);
    let dinf = atom(*b"dinf", &full(*b"dref", &[&number(1), &url]));
    let minf = atom(
        *b"minf",
        &[hdlr(*b"url "), dinf, atom(*b"stbl", &tables.concat())].concat(),
    );
    let mdia = atom(*b"mdia", &[mdhd, hdlr(kind), minf].concat());
    let udta = atom(*b"udta", PLACE);
    let tref = atom(*b"tref", &atom(*b"cdsc", &number(1)));
    atom(*b"trak", &[tkhd, tref, mdia, udta].concat())
}

/// 60 pictures in two seconds; `turned` shows them upright though they lie on their side.
pub fn pictures(codec: [u8; 4], turned: bool) -> Vec<u8> {
    track(*b"vide", codec, turned, (MEDIA, 60, 0x1000))
}

pub fn sound() -> Vec<u8> {
    track(*b"soun", *b"mp4a", false, (MEDIA, 1, 1))
}

/// What a device noted; `at` says where, if it is not where it is.
pub fn notes(at: u32) -> Vec<u8> {
    let own = MEDIA + u32::try_from(PICTURES.len()).unwrap();
    let at = if at > 0 { at } else { own };
    let size = u32::try_from(NOTES.len()).unwrap();
    track(*b"meta", *b"mebx", false, (at, 1, size))
}

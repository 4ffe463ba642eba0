//! How events and people are named outside of events: `nevent1…`, `note1…`, `npub1…`.
//!
//! <https://github.com/nostr-protocol/nips/blob/master/19.md>

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use secp256k1::XOnlyPublicKey;

use crate::post::digest::Digest;
use crate::post::outcome::Receipt;

pub(super) const NSEC: &str = "nsec";
pub(super) const NPUB: &str = "npub";
const NOTE: &str = "note";
const NEVENT: &str = "nevent";
const NPROFILE: &str = "nprofile";
const KNOWN: [&str; 5] = [NSEC, NPUB, NOTE, NEVENT, NPROFILE];

// What the fields of `nevent` and `nprofile` are called there.
const SPECIAL: u8 = 0;
const RELAY: u8 = 1;
const AUTHOR: u8 = 2;
const KIND: u8 = 3;

/// An event, and what is known about where and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    pub id: Digest,
    /// A relay that has it: `wss://…`.
    pub relay: Option<String>,
    pub author: Option<XOnlyPublicKey>,
    pub kind: Option<u32>,
}

impl Pointer {
    /// Of an event of which nothing else is known.
    fn bare(id: Digest) -> Self {
        Self {
            id,
            relay: None,
            author: None,
            kind: None,
        }
    }

    /// `nevent1…`; `None` if it would be too long.
    pub fn nevent(&self) -> Option<String> {
        let mut fields = Vec::new();
        let mut field = |name: u8, value: &[u8]| {
            // What is longer than a field can be is only a hint.
            if let Ok(length) = u8::try_from(value.len()) {
                fields.extend([name, length]);
                fields.extend(value);
            }
        };
        field(SPECIAL, &self.id.bytes());
        if let Some(relay) = &self.relay {
            field(RELAY, relay.as_bytes());
        }
        if let Some(author) = &self.author {
            field(AUTHOR, &author.to_byte_array());
        }
        if let Some(kind) = self.kind {
            field(KIND, &kind.to_be_bytes());
        }
        encode(NEVENT, &fields)
    }

    /// From `nevent1…`, `note1…` or 64 hexadecimal digits, with `nostr:` before it or at the end of a URL's path.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split(['?', '#']).next().unwrap_or_default();
        let word = text.trim_end_matches('/').rsplit(['/', ':']).next()?;
        match decode(word) {
            Some((NOTE, bytes)) => Some(Self::bare(whole(&bytes)?.into())),
            Some((NEVENT, bytes)) => {
                let id = value(&bytes, SPECIAL)?;
                let author = value(&bytes, AUTHOR).and_then(whole);
                let kind = value(&bytes, KIND).and_then(|kind| kind.try_into().ok());
                Some(Self {
                    id: whole(id)?.into(),
                    relay: value(&bytes, RELAY).and_then(|relay| String::from_utf8(relay.to_vec()).ok()),
                    author: author.and_then(|author| XOnlyPublicKey::from_byte_array(author).ok()),
                    kind: kind.map(u32::from_be_bytes),
                })
            }
            Some(_) => None,
            None => word.parse().ok().map(Self::bare),
        }
    }

    /// Of an event that was accepted. One that a person has entered is known by its address alone.
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let named = Self::parse(&receipt.id);
        let placed = receipt.url.as_deref().and_then(Self::parse);
        match (named, placed) {
            (Some(named), Some(placed)) if placed.id == named.id => Some(placed),
            (named, placed) => named.or(placed),
        }
    }
}

/// Whom `npub1…` or `nprofile1…` names.
pub fn person(word: &str) -> Option<XOnlyPublicKey> {
    let key = match decode(word)? {
        (NPUB, bytes) => whole(&bytes)?,
        (NPROFILE, bytes) => whole(value(&bytes, SPECIAL)?)?,
        _ => return None,
    };
    XOnlyPublicKey::from_byte_array(key).ok()
}

/// `npub1…`
pub fn npub(key: &XOnlyPublicKey) -> String {
    encode(NPUB, &key.to_byte_array()).unwrap_or_else(|| key.to_string())
}

fn whole(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}

/// The first field of that name. Unknown ones are passed over.
fn value(mut bytes: &[u8], name: u8) -> Option<&[u8]> {
    loop {
        let [field, length, rest @ ..] = bytes else {
            return None;
        };
        let (value, rest) = rest.split_at_checked(usize::from(*length))?;
        if *field == name {
            return Some(value);
        }
        bytes = rest;
    }
}

/// Bech32, and not its newer form. `None`: too long.
pub(super) fn encode(prefix: &str, bytes: &[u8]) -> Option<String> {
    bech32::encode::<Bech32>(Hrp::parse(prefix).ok()?, bytes).ok()
}

/// Which of the known things it is, and its bytes.
pub(super) fn decode(word: &str) -> Option<(&'static str, Vec<u8>)> {
    let read = CheckedHrpstring::new::<Bech32>(word).ok()?;
    let prefix = read.hrp();
    let known = KNOWN
        .into_iter()
        .find(|known| prefix.as_str().eq_ignore_ascii_case(known))?;
    Some((known, read.byte_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of NIP-19.
    #[test]
    fn keys_are_read_and_written_as_the_manual_has_them() {
        let npub_ = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg";
        let key = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e";
        assert_eq!(person(npub_).unwrap().to_string(), key);
        assert_eq!(npub(&key.parse().unwrap()), npub_);
        let nsec = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
        let (prefix, bytes) = decode(nsec).unwrap();
        let digest: Digest = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
            .parse()
            .unwrap();
        assert_eq!((prefix, whole(&bytes).unwrap()), (NSEC, digest.bytes()));
        let nprofile = "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p";
        let key = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d";
        assert_eq!(person(nprofile).unwrap().to_string(), key);
        // One letter off, and the newer form of the same.
        assert_eq!(person(&npub_.replace("elfcs", "elfcz")), None);
        let newer = bech32::encode::<bech32::Bech32m>(Hrp::parse(NPUB).unwrap(), &[7; 32]).unwrap();
        assert_eq!(person(&newer), None);
    }

    #[test]
    fn an_event_is_found_by_every_way_to_write_its_address() {
        let id = Digest::of(b"an event");
        let pointer = Pointer {
            id,
            relay: Some("wss://relay.example".into()),
            author: "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"
                .parse()
                .ok(),
            kind: Some(6),
        };
        let nevent = pointer.nevent().unwrap();
        for text in [
            nevent.clone(),
            format!("nostr:{nevent}"),
            format!("https://njump.me/{nevent}"),
            format!("https://a.example/e/{}/?x=1#y", nevent.to_uppercase()),
        ] {
            assert_eq!(Pointer::parse(&text), Some(pointer.clone()), "{text}");
        }
        let note = encode(NOTE, &id.bytes()).unwrap();
        for text in [format!("https://primal.net/e/{note}"), note, id.to_string()] {
            assert_eq!(Pointer::parse(&text), Some(Pointer::bare(id)), "{text}");
        }
        // A person, something else, and fields that break off.
        let short = encode(NEVENT, &[SPECIAL, 32, 1, 2]).unwrap();
        let npub = npub(pointer.author.as_ref().unwrap());
        for text in [
            "",
            "https://a.example/",
            "https://a.example/note1abc",
            &short,
            &npub,
        ] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_hint_that_is_too_long_is_left_out() {
        let pointer = Pointer {
            relay: Some(format!("wss://{}", "a".repeat(300))),
            ..Pointer::bare(Digest::of(b"x"))
        };
        let read = Pointer::parse(&pointer.nevent().unwrap()).unwrap();
        assert_eq!(read, Pointer::bare(Digest::of(b"x")));
    }

    #[test]
    fn a_receipt_says_more_in_its_address_unless_that_is_anothers() {
        let [id, other] = [Digest::of(b"this"), Digest::of(b"other")];
        let at = |id| Pointer {
            kind: Some(1),
            ..Pointer::bare(id)
        };
        let receipt = |name: String, of| Receipt::named(name, at(of).nevent());
        assert_eq!(Pointer::of(&receipt(id.to_string(), id)), Some(at(id)));
        assert_eq!(
            Pointer::of(&receipt(id.to_string(), other)),
            Some(Pointer::bare(id))
        );
        assert_eq!(Pointer::of(&receipt("by hand".into(), id)), Some(at(id)));
        assert_eq!(Pointer::of(&Receipt::named("by hand", None)), None);
    }
}

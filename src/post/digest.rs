//! The SHA-256 of something: what tells it from everything else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// How many hexadecimal digits people are shown: enough that no two contents have the same, and not too many to
/// type.
const SHORT: usize = 12;

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Over length-prefixed fields, so that no two lists of fields are written the same.
    pub fn of_fields<'f>(fields: impl IntoIterator<Item = &'f str>) -> Self {
        let mut sha = Sha256::new();
        for field in fields {
            sha.update((field.len() as u64).to_be_bytes());
            sha.update(field.as_bytes());
        }
        Self(sha.finalize().into())
    }

    /// The 32 bytes themselves.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    /// Its first digits, for people.
    pub fn short(&self) -> String {
        self.to_string().chars().take(SHORT).collect()
    }
}

/// One that was made elsewhere.
impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// The digest of bytes that come one after another.
#[derive(Default)]
pub struct Hashing(Sha256);

impl Hashing {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all of them.
    pub fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Digest {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a digest: 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(digest))
    }
}

impl TryFrom<String> for Digest {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

/// These bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| {
        DIGITS
            .get(usize::from(nibble))
            .map_or('0', |digit| char::from(*digit))
    };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_and_nothing_else_does() {
        let digest = Digest::of(b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), known);
        assert_eq!(known.parse(), Ok(digest));
        assert_eq!(digest.short(), "ba7816bf8f01");
        for wrong in ["", "ba78", &known.replace('b', "é"), &known.replace('b', "g")] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_are_told_apart_by_where_they_end() {
        assert_ne!(Digest::of_fields(["ab", "c"]), Digest::of_fields(["a", "bc"]));
        assert_ne!(Digest::of_fields(["a"]), Digest::of_fields(["a", ""]));
    }
}

//! Events: the one thing that there is on Nostr, its id and its signature.
//!
//! <https://github.com/nostr-protocol/nips/blob/master/01.md>

use std::fmt::Write;

use secp256k1::{Keypair, SecretKey, XOnlyPublicKey, schnorr};
use serde::{Deserialize, Serialize};

use super::super::secret::Secret;
use super::address::{self, NPUB, NSEC};
use crate::post::digest::Digest;

/// A whole event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub id: Digest,
    /// 64 lower-case hexadecimal digits.
    pub pubkey: String,
    /// Seconds since 1970.
    pub created_at: i64,
    pub kind: u16,
    pub tags: Vec<Vec<String>>,
    pub content: String,
    /// 128 lower-case hexadecimal digits.
    pub sig: String,
}

impl Event {
    /// Whether its id is the hash of what it says, and its signature that of its author.
    pub fn is_genuine(&self) -> bool {
        let said = serialized(
            &self.pubkey,
            self.created_at,
            self.kind,
            &self.tags,
            &self.content,
        );
        let author: Option<XOnlyPublicKey> = self.pubkey.parse().ok();
        let signature: Option<schnorr::Signature> = self.sig.parse().ok();
        let signed = author.zip(signature);
        self.id == Digest::of(said.as_bytes())
            && signed.is_some_and(|(author, sig)| schnorr::verify(&sig, &self.id.bytes(), &author).is_ok())
    }
}

/// What an event's id is the SHA-256 of. Seven characters are escaped and all others stand for themselves, which no
/// JSON library does: they escape all controls.
pub fn serialized(pubkey: &str, created_at: i64, kind: u16, tags: &[Vec<String>], content: &str) -> String {
    let mut out = String::from("[0,");
    string(&mut out, pubkey);
    // Writing to a text never fails.
    let _ = write!(out, ",{created_at},{kind},[");
    for (number, tag) in tags.iter().enumerate() {
        out.push_str(if number == 0 { "[" } else { ",[" });
        for (number, value) in tag.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            string(&mut out, value);
        }
        out.push(']');
    }
    out.push_str("],");
    string(&mut out, content);
    out.push(']');
    out
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A secret key, wiped when dropped.
pub struct Signer(Keypair);

impl Drop for Signer {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl Signer {
    /// From `nsec1…`, or from 64 hexadecimal digits.
    pub fn new(written: &Secret) -> Result<Self, String> {
        let written = written.expose().trim();
        let bytes = match address::decode(written) {
            Some((NSEC, bytes)) => bytes.try_into().ok(),
            Some((NPUB, _)) => {
                return Err("that is the public key: the secret one begins with `nsec1`".into());
            }
            _ => written.parse::<Digest>().ok().map(|bytes| bytes.bytes()),
        };
        let key = bytes.and_then(|bytes| SecretKey::from_secret_bytes(bytes).ok());
        let key = key.ok_or("it must be `nsec1…`, or 64 hexadecimal digits")?;
        Ok(Self(key.keypair()))
    }

    /// The public key, 64 hexadecimal digits.
    pub fn public(&self) -> String {
        self.key().to_string()
    }

    pub(super) fn key(&self) -> XOnlyPublicKey {
        self.0.x_only_public_key().0
    }

    /// Each way in which the secret key is written.
    pub(super) fn forms(&self) -> [Secret; 2] {
        let bytes = self.0.to_secret_bytes();
        let hex = Digest::from(bytes).to_string();
        let nsec = address::encode(NSEC, &bytes).unwrap_or_default();
        [Secret::new(hex), Secret::new(nsec)]
    }

    /// The same signature for the same words, because what is frozen is the same however often it is made.
    pub fn sign(&self, created_at: i64, kind: u16, tags: Vec<Vec<String>>, content: String) -> Event {
        let pubkey = self.public();
        let id = Digest::of(serialized(&pubkey, created_at, kind, &tags, &content).as_bytes());
        let sig = schnorr::sign_no_aux_rand(&id.bytes(), &self.0).to_string();
        Event {
            id,
            pubkey,
            created_at,
            kind,
            tags,
            content,
            sig,
        }
    }
}

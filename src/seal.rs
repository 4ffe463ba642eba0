//! The key that seals what the ledger must not show: tokens. Whoever steals the database or a backup of it opens no
//! account (reliability, security 1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};

use crate::platform::secret::{Secret, SecretSource};

/// How to make a key, for people.
pub const HOW: &str = "make one with `(umask 077; head -c 32 /dev/urandom | base64 > ledger.key)`, keep a copy of it apart from the ledger's backups, and write `key = { file = \"ledger.key\" }` or `key = { credential = \"NAME\" }` in [ledger]";

/// What a sealed text begins with; another way to seal would begin otherwise.
const FIRST: &str = "x1.";
/// Bytes of the nonce that stands before the sealed bytes. It is long enough to be drawn by chance for each.
const NONCE: usize = 24;

/// Seals and opens by XChaCha20-Poly1305.
#[derive(Clone)]
pub struct Seal(XChaCha20Poly1305);

impl Seal {
    /// Reads the key: 32 bytes in base64.
    ///
    /// # Errors
    /// Why it can't be read, or what it must be.
    pub fn open(source: &SecretSource) -> Result<Self, String> {
        let key = source.resolve().map_err(|e| format!("ledger.key: {e}"))?;
        Self::new(&key).map_err(|e| format!("ledger.key: {e}"))
    }

    /// The key as it is written.
    ///
    /// # Errors
    /// What it must be.
    pub fn new(key: &Secret) -> Result<Self, String> {
        let wrong = || format!("it must be 32 bytes in base64: {HOW}");
        let bytes = STANDARD.decode(key.expose().trim()).map_err(|_| wrong())?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| wrong())?;
        Ok(Self(cipher))
    }

    /// `secret`, to be opened with this key and the same `place` alone: what is sealed for one account and field is
    /// nothing in another's row.
    ///
    /// # Errors
    /// If the system has no chance to draw.
    pub fn seal(&self, place: &str, secret: &Secret) -> Result<String, String> {
        let nonce = XNonce::try_generate().map_err(|e| format!("no random numbers: {e}"))?;
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: place.as_bytes(),
        };
        let sealed = self
            .0
            .encrypt(&nonce, payload)
            .map_err(|_| "it can't be sealed")?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Ok(format!("{FIRST}{}", STANDARD.encode(bytes)))
    }

    /// What was sealed for this place.
    ///
    /// # Errors
    /// If it was not, or not with this key. Nothing tells the two apart.
    pub fn unseal(&self, place: &str, sealed: &str) -> Result<Secret, String> {
        let wrong = || "it was not sealed with this `ledger.key`".to_owned();
        let bytes = sealed.strip_prefix(FIRST).ok_or_else(wrong)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| wrong())?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE).ok_or_else(wrong)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| wrong())?;
        let payload = Payload {
            msg: sealed,
            aad: place.as_bytes(),
        };
        let opened = self.0.decrypt(&nonce, payload).map_err(|_| wrong())?;
        Ok(Secret::new(String::from_utf8(opened).map_err(|_| wrong())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Seal {
        Seal::new(&Secret::new(STANDARD.encode([byte; 32]))).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_place_alone() {
        let (ours, secret) = (key(1), Secret::new("t0ken"));
        let sealed = ours.seal("token x access", &secret).unwrap();
        assert!(!sealed.contains("t0ken"));
        assert_eq!(ours.unseal("token x access", &sealed).unwrap().expose(), "t0ken");
        assert!(ours.unseal("token y access", &sealed).is_err());
        assert!(ours.unseal("token x refresh", &sealed).is_err());
        assert!(key(2).unseal("token x access", &sealed).is_err());
        assert_ne!(
            sealed,
            ours.seal("token x access", &secret).unwrap(),
            "a nonce is drawn anew"
        );
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let ours = key(1);
        let sealed = ours.seal("place", &Secret::new("t0ken")).unwrap();
        let mut bytes = STANDARD.decode(sealed.strip_prefix(FIRST).unwrap()).unwrap();
        for n in 0..bytes.len() {
            bytes[n] ^= 1;
            assert!(
                ours.unseal("place", &format!("{FIRST}{}", STANDARD.encode(&bytes)))
                    .is_err()
            );
            bytes[n] ^= 1;
        }
        for cut in ["", "x1.", "x1.AAAA", &sealed[3..], &sealed[..sealed.len() - 4]] {
            assert!(ours.unseal("place", cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_key_that_is_none_says_how_to_make_one() {
        for wrong in ["", "short", "not base64 at all!", &STANDARD.encode([1; 31])] {
            let why = Seal::new(&Secret::new(wrong)).err().unwrap();
            assert!(why.contains("head -c 32 /dev/urandom"), "{why}");
        }
        assert!(Seal::new(&Secret::new(format!("{}\n", STANDARD.encode([1; 32])))).is_ok());
    }
}

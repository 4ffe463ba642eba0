//! `steadfast password`: what stands in the config for a user's password.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, SaltString};

use crate::clock;

use super::login::terminal;
use super::{Exit, Failed, complain, print_line};

/// The least that a password has, in characters.
const SHORTEST: usize = 12;
/// The salt's length, in bytes: what argon2 recommends.
const SALT: usize = 16;

pub(super) fn password() -> Result<Exit, Failed> {
    let given = terminal::secret("The new password: ")?;
    if given.expose().chars().count() < SHORTEST {
        return Err(Failed::Wrong(format!(
            "a password has {SHORTEST} characters at least; several words are good ones"
        )));
    }
    if terminal::is_terminal() && terminal::secret("Once more: ")?.expose() != given.expose() {
        return Err(Failed::Wrong("these two are not the same".to_owned()));
    }
    let failed = |e: argon2::password_hash::Error| Failed::Wrong(format!("it can't be hashed: {e}"));
    let secret = clock::secret();
    let salt = SaltString::encode_b64(secret.get(..SALT).unwrap_or_default()).map_err(failed)?;
    let hash = Argon2::default()
        .hash_password(given.expose().as_bytes(), &salt)
        .map_err(failed)?;
    print_line(&format!("password_hash = \"{hash}\""));
    complain(
        "Write this line below [user.NAME], with role = \"viewer\", \"editor\", \"approver\" or \"operator\".",
    );
    Ok(Exit::Done)
}

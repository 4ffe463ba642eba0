//! Secrets: told apart by type, so that none can be printed by mistake (reliability, rule 7).

use std::borrow::Cow;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// A token or password. It prints as stars and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself, for the one place that puts it on the wire.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret is kept: never in the config itself.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum SecretSource {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "PATH" }`: a file that only we can read.
    File(PathBuf),
    /// `{ credential = "NAME" }`: a systemd credential.
    Credential(String),
}

const HOW: &str =
    r#"a secret is never written here: write { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }"#;

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

/// Written out, because a derived one would quote what it found, and what it found may be the secret.
impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HOW)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(HOW))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(E::custom(HOW))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretSource, E> {
        Err(E::custom(HOW))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretSource, E> {
        Err(E::custom(HOW))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretSource, A::Error> {
        let Some((key, value)) = map
            .next_entry::<String, String>()
            .map_err(|_| de::Error::custom(HOW))?
        else {
            return Err(de::Error::custom(HOW));
        };
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom(
                "a secret has one place: env, file or credential",
            ));
        }
        match key.as_str() {
            "env" => Ok(SecretSource::Env(value)),
            "file" => Ok(SecretSource::File(value.into())),
            "credential" => Ok(SecretSource::Credential(value)),
            _ => Err(de::Error::custom(HOW)),
        }
    }
}

/// The largest secret that is read from a file.
const SECRET_MAX: u64 = 64 << 10;

impl SecretSource {
    /// Reads the secret. What is wrong is said without its value.
    pub fn resolve(&self) -> Result<Secret, String> {
        self.resolve_in(|name| std::env::var(name).ok())
    }

    fn resolve_in(&self, env: impl Fn(&str) -> Option<String>) -> Result<Secret, String> {
        let value = match self {
            Self::Env(name) => {
                env(name).ok_or_else(|| format!("the environment variable {name} is not set"))?
            }
            Self::File(path) => read_secret(path, true)?,
            Self::Credential(name) => {
                let Some(directory) = env("CREDENTIALS_DIRECTORY") else {
                    return Err(format!(
                        "no credential {name}: $CREDENTIALS_DIRECTORY is not set; is LoadCredential= in the unit?"
                    ));
                };
                if name.is_empty() || name.starts_with('.') || name.contains('/') {
                    return Err(format!("`{name}` is not a credential's name"));
                }
                // systemd guards this directory itself, by means that the mode bits do not show.
                read_secret(&Path::new(&directory).join(name), false)?
            }
        };
        let value = value.strip_suffix('\n').unwrap_or(&value);
        let value = value.strip_suffix('\r').unwrap_or(value);
        if value.is_empty() {
            return Err(format!("{self} is empty"));
        }
        Ok(Secret::new(value))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Credential(name) => write!(f, "the credential {name}"),
        }
    }
}

fn read_secret(path: &Path, private: bool) -> Result<String, String> {
    let fail = |e: io::Error| format!("{}: {e}", path.display());
    let meta = fs::metadata(path).map_err(fail)?;
    if !meta.is_file() {
        return Err(format!("{} is not a file", path.display()));
    }
    let mode = meta.permissions().mode() & 0o777;
    if private && mode & 0o077 != 0 {
        return Err(format!(
            "{} can be read by others (mode {mode:04o}): chmod 600 it, and change the secret if others share this machine",
            path.display()
        ));
    }
    let mut value = String::new();
    File::open(path)
        .map_err(fail)?
        .take(SECRET_MAX + 1)
        .read_to_string(&mut value)
        .map_err(fail)?;
    if value.len() as u64 > SECRET_MAX {
        return Err(format!("{} is too large for a secret", path.display()));
    }
    Ok(value)
}

/// Writes a file that only we can read, whole or not at all, and on the disk when this returns.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    // One left over may have other rights.
    if let Err(e) = fs::remove_file(&temporary)
        && e.kind() != io::ErrorKind::NotFound
    {
        return Err(e);
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory)?.sync_all()
}

/// Takes every secret it knows out of a line, however it is written: the second net behind the types
/// (reliability §6.2). Cheap to clone; all clones know the same secrets, also those learned later.
#[derive(Clone, Default)]
pub struct Scrubber(Arc<RwLock<Vec<Secret>>>);

/// A shorter value would be found in ordinary words.
const SCRUB_MIN: usize = 6;

impl Scrubber {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn learn(&self, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SCRUB_MIN {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in [
            value.to_owned(),
            encoded.replace('+', "%20"),
            encoded,
            STANDARD.encode(value),
            STANDARD_NO_PAD.encode(value),
            URL_SAFE_NO_PAD.encode(value),
        ] {
            if !known.iter().any(|secret| secret.expose() == form) {
                known.push(Secret::new(form));
            }
        }
        // The longest first, or a shorter one that is part of it would leave the rest standing.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    pub fn scrub<'a>(&self, line: &'a str) -> Cow<'a, str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut line = Cow::Borrowed(line);
        for secret in known.iter() {
            if line.contains(secret.expose()) {
                line = Cow::Owned(line.replace(secret.expose(), "***"));
            }
        }
        line
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "c4nary+/=secret";

    #[derive(Debug, serde::Deserialize)]
    struct Table {
        token: SecretSource,
    }

    fn read(text: &str) -> Result<SecretSource, String> {
        toml::from_str::<Table>(text)
            .map(|t| t.token)
            .map_err(|e| e.message().to_owned())
    }

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new(CANARY);
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "*** *** Some(***)"
        );
    }

    #[test]
    fn a_secret_written_in_the_config_is_refused_without_being_repeated() {
        for text in [
            "token = 'c4nary'",
            "token = 12345",
            "token = 1.5",
            "token = { c4nary = 'c4nary' }",
            "token = {}",
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains("env = \"NAME\""), "{error}");
            assert!(!error.contains("c4nary") && !error.contains("12345"), "{error}");
        }
        assert!(
            read("token = { env = 'A', file = 'b' }")
                .unwrap_err()
                .contains("one place")
        );
    }

    #[test]
    fn a_secret_is_read_from_each_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        write_private(&path, format!("{CANARY}\n").as_bytes()).unwrap();
        let env = |name: &str| match name {
            "TOKEN" => Some(CANARY.to_owned()),
            "CREDENTIALS_DIRECTORY" => Some(folder.path().to_str().unwrap().to_owned()),
            _ => None,
        };
        for source in [
            read("token = { env = 'TOKEN' }").unwrap(),
            SecretSource::File(path),
            read("token = { credential = 'token' }").unwrap(),
        ] {
            assert_eq!(source.resolve_in(env).unwrap().expose(), CANARY);
        }
        let missing = SecretSource::Env("OTHER".into()).resolve_in(env).unwrap_err();
        assert!(missing.contains("OTHER is not set"));
        assert!(
            SecretSource::Credential("../token".into())
                .resolve_in(env)
                .is_err()
        );
        assert!(SecretSource::File(folder.path().into()).resolve_in(env).is_err());
    }

    #[test]
    fn d14_a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for mode in [0o644, 0o640, 0o604] {
            write_private(&path, CANARY.as_bytes()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = SecretSource::File(path.clone()).resolve().unwrap_err();
            assert!(error.contains("chmod 600") && !error.contains(CANARY), "{error}");
        }
    }

    #[test]
    fn a_private_file_is_ours_alone_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault/session.json");
        write_private(&path, b"one").unwrap();
        fs::write(folder.path().join("vault/session.json.new"), "torn").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn d9_known_secrets_are_taken_out_of_a_line_however_written() {
        let scrubber = Scrubber::new();
        scrubber.clone().learn(&Secret::new(CANARY));
        let url: String = url::form_urlencoded::byte_serialize(CANARY.as_bytes()).collect();
        let line = format!("a {CANARY} b {url} c {} d", STANDARD.encode(CANARY));
        assert_eq!(scrubber.scrub(&line), "a *** b *** c *** d");
        scrubber.learn(&Secret::new("short"));
        assert!(matches!(scrubber.scrub("short and clean"), Cow::Borrowed(_)));
    }
}

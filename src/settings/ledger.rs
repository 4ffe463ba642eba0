//! `[ledger]`: a file, or a database that several replicas share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Value, ValueKind};
use url::Url;

use crate::platform::secret::{Secret, SecretSource};

use super::keys::Keys;

/// Where the ledger is.
#[derive(Debug, Clone)]
pub enum LedgerAt {
    /// A file of SQLite's.
    File(PathBuf),
    /// A database of PostgreSQL's. The URL may hold a password, so it prints as stars.
    Server {
        url: Secret,
        password: Option<SecretSource>,
        /// This replica's name, which no other has.
        replica: String,
        /// How long what it has in hand stays its own without a sign of life.
        lease: Duration,
    },
}

impl LedgerAt {
    /// Where sessions and the sandbox's timelines are: beside the file, or where it would be.
    pub fn folder(&self) -> PathBuf {
        match self {
            LedgerAt::File(path) => path.parent().map(Path::to_path_buf).unwrap_or_default(),
            LedgerAt::Server { .. } => PathBuf::from("state"),
        }
    }

    /// A database's URL as somebody wrote it on a command line, with what goes without saying.
    ///
    /// # Errors
    /// What is wrong with it, as for `ledger.url` in a file.
    pub fn server_url(text: &str) -> Result<Secret, Vec<String>> {
        let mut problems = Vec::new();
        let ours = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if !ours {
            problems.push("`ledger.url` is \"postgres://USER@HOST/DATABASE\" here".to_owned());
        }
        server(text, true, &mut problems).filter(|_| ours).ok_or(problems)
    }

    pub(super) fn read(mut keys: Keys, problems: &mut Vec<String>) -> Option<Self> {
        let url = keys.take("url");
        let password = keys.take("password");
        let replica = keys.text("replica", problems);
        let said = keys.given("lease");
        let lease = keys.duration("lease", problems);
        keys.finish(problems);
        let from_file = url
            .as_ref()
            .and_then(Value::origin)
            .is_none_or(|origin| origin != "the environment");
        let Some(ValueKind::String(url)) = url.map(|url| url.kind) else {
            problems.push(HOW.to_owned());
            return None;
        };
        if let Some(path) = url.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            if replica.is_some() || password.is_some() || said {
                problems.push(
                    "`ledger.replica`, `ledger.lease` and `ledger.password` are for PostgreSQL: a file has one daemon and no password"
                        .to_owned(),
                );
            }
            return Some(LedgerAt::File(path.into()));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            problems.push(HOW.to_owned());
            return None;
        }
        let url = server(&url, from_file, problems)?;
        let password = match password.map(Value::try_deserialize::<SecretSource>) {
            None => None,
            Some(Ok(source)) => Some(source),
            // Not with the error's words: they may show the value.
            Some(Err(_)) => {
                problems.push(PASSWORD.to_owned());
                return None;
            }
        };
        let replica =
            replica.unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if replica.is_empty() || replica.len() > 64 || !replica.chars().all(fits) {
            problems.push(format!(
                "`ledger.replica` is a name of up to 64 letters, digits, `.`, `_` and `-`, not \"{replica}\""
            ));
            return None;
        }
        let lease = lease.unwrap_or(LEASE);
        if !LEASES.contains(&lease) {
            problems.push("`ledger.lease` is from \"5s\" to \"10m\"".to_owned());
            return None;
        }
        Some(LedgerAt::Server {
            url,
            password,
            replica,
            lease,
        })
    }
}

/// `ledger.key`.
pub(super) fn key(keys: &mut Keys, problems: &mut Vec<String>) -> Option<SecretSource> {
    let source = keys.take("key")?.try_deserialize::<SecretSource>();
    if source.is_err() {
        // Not with the error's words: they may show the value.
        problems.push("`ledger.key` is { file = \"PATH\" }, { credential = \"NAME\" } or { env = \"NAME\" }: a secret is never written here".to_owned());
    }
    source.ok()
}

/// The lease of a replica that does not say (reliability §2.7).
const LEASE: Duration = Duration::from_mins(1);
/// Shorter, and a busy machine loses it again and again; longer, and nobody takes over a lost one's posts.
const LEASES: std::ops::RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_mins(10);

const HOW: &str = "`ledger.url` is \"sqlite://PATH\", as in \"sqlite://state/steadfast.db\", or \"postgres://USER@HOST/DATABASE\"";
const PASSWORD: &str = "`ledger.password` is { env = \"NAME\" }, { file = \"PATH\" } or { credential = \"NAME\" }: a secret is never written here";

/// What may stand after the `?`.
const PARAMETERS: [&str; 10] = [
    "host",
    "port",
    "user",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "statement-cache-capacity",
];

/// The URL, with encryption and the server's name checked where it says nothing and is not of this machine.
fn server(text: &str, from_file: bool, problems: &mut Vec<String>) -> Option<Secret> {
    let Ok(mut url) = Url::parse(text) else {
        problems.push(HOW.to_owned());
        return None;
    };
    if from_file && (url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")) {
        problems.push("`ledger.url` has a password in it, and a secret is never written in a config file or a command: take it out; in a file, write `password = { env = \"NAME\" }` below it".to_owned());
        return None;
    }
    let mut asked = Vec::new();
    for (key, value) in url.query_pairs() {
        if !PARAMETERS.contains(&&*key) && key != "password" {
            problems.push(format!(
                "`ledger.url` has an unknown parameter `{key}`; there are {}",
                PARAMETERS.join(", ")
            ));
            return None;
        }
        asked.push((key.into_owned(), value.into_owned()));
    }
    let asked = |name: &str| asked.iter().find(|(key, _)| key == name);
    let host = asked("host").map_or(url.host_str().unwrap_or_default(), |(_, host)| host.as_str());
    let here = host.is_empty()
        || host == "localhost"
        || host.starts_with('/')
        || host.to_ascii_lowercase().starts_with("%2f")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if !here && asked("sslmode").is_none() {
        url.query_pairs_mut().append_pair("sslmode", "verify-full");
    }
    Some(Secret::new(url.as_str()))
}

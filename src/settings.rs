//! The config, typed. Layers: compiled-in defaults, `config/default.toml`, `config/local.toml`, `--config`,
//! the environment. Unknown keys are errors, and every problem is told at once.

mod accounts;
mod alerts;
mod filter;
mod keys;
mod ledger;
mod money;
#[cfg(test)]
mod tests;
mod web;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, Environment, File, FileFormat, Value};

use crate::campaign::approval::Rule;
use crate::campaign::{Account, Roster, Untranslated};
use crate::platform;
use crate::platform::http::DEADLINE;
use crate::platform::secret::SecretSource;
use crate::post::cost::Charge;
use crate::post::identity::AccountName;
use crate::text::limits::{Doubt, Limits};
pub use alerts::AlertSettings;
use keys::{Keys, nearest};
pub use ledger::LedgerAt;
pub use web::{Role, User, Web};

/// The shipped reference; also the defaults.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Everything operators can set.
#[derive(Debug, Clone)]
pub struct Settings {
    pub messages: PathBuf,
    /// Where the people behind the posts can be reached; every request says so. May be empty.
    pub contact: String,
    pub ledger: LedgerAt,
    /// The key that seals the tokens in it.
    pub key: Option<SecretSource>,
    pub listen: SocketAddr,
    pub web: Web,
    pub workers: usize,
    pub late: Duration,
    /// `None`: nobody need approve anything.
    pub approval: Option<Rule>,
    pub log: Log,
    pub accounts: Vec<AccountSettings>,
    pub groups: BTreeMap<String, Vec<AccountName>>,
    pub alerts: Vec<AlertSettings>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    pub filter: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Auto,
    Pretty,
    Json,
}

/// `[account.NAME]`: what every account has, and the rest for its platform to read.
#[derive(Clone)]
pub struct AccountSettings {
    pub name: AccountName,
    pub platform: &'static str,
    /// The platform whose rules apply.
    pub like: &'static str,
    pub language: Option<String>,
    pub untranslated: Untranslated,
    pub min_gap: Duration,
    pub max_per_day: Option<u32>,
    /// What its platform charges, and the most that it may; `None`: it charges nothing.
    pub charge: Option<Charge>,
    pub in_doubt: InDoubt,
    /// Its platform is asked how the public answered.
    pub engagement: bool,
    /// The platform's own keys.
    pub keys: toml::Table,
}

impl AccountSettings {
    /// Whether its token is one that `steadfast login` gets.
    pub fn signs_in(&self) -> bool {
        self.keys.get("login").and_then(toml::Value::as_bool) == Some(true)
    }
}

/// Without the values of the platform's keys: one may be a secret that should not be there (reliability D9).
impl fmt::Debug for AccountSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountSettings")
            .field("name", &self.name)
            .field("platform", &self.platform)
            .field("keys", &self.keys.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InDoubt {
    #[default]
    Auto,
    Hold,
    Resend,
}

impl InDoubt {
    /// How doubts end on an account of a platform that ends them by `platform`.
    pub fn heard(self, platform: Doubt) -> Doubt {
        match self {
            InDoubt::Auto => platform,
            InDoubt::Hold => Doubt::Ask,
            InDoubt::Resend => Doubt::Key {
                window: None,
                then: None,
            },
        }
    }
}

/// Everything that is wrong with the config, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(pub Vec<String>);

impl Settings {
    /// Reads all layers; `extra` is `--config FILE`. Files are looked for below the current folder.
    ///
    /// # Errors
    /// Every problem found, each with the key, the file where one is known, and what to write.
    pub fn load(extra: Option<&Path>) -> Result<Self, SettingsError> {
        let mut builder = Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .add_source(
                File::from(Path::new("config/default.toml"))
                    .format(FileFormat::Toml)
                    .required(false),
            )
            .add_source(
                File::from(Path::new("config/local.toml"))
                    .format(FileFormat::Toml)
                    .required(false),
            );
        if let Some(extra) = extra {
            builder = builder.add_source(File::from(extra).format(FileFormat::Toml));
        }
        Self::of(builder.add_source(environment()))
    }

    fn of(layers: ConfigBuilder<DefaultState>) -> Result<Self, SettingsError> {
        let root = layers.build().and_then(|config| config.cache.into_table());
        Self::read(root.map_err(|e| SettingsError(vec![e.to_string()]))?)
    }

    fn read(root: HashMap<String, Value>) -> Result<Self, SettingsError> {
        let mut problems = Vec::new();
        let mut top = Keys::new("", root);
        let mut ledger = top.section("ledger", &mut problems);
        let mut web = top.section("web", &mut problems);
        let mut delivery = top.section("delivery", &mut problems);
        let mut log = top.section("log", &mut problems);
        let mut accounts_at = top.section("account", &mut problems);
        let groups_at = top.section("group", &mut problems);
        let users_at = top.section("user", &mut problems);
        let alerts = alerts::alerts(top.section("alert", &mut problems), &mut problems);

        let messages = top.text("messages", &mut problems).unwrap_or_default().into();
        let contact = top.text("contact", &mut problems).unwrap_or_default();
        top.finish(&mut problems);

        let key = ledger::key(&mut ledger, &mut problems);
        let ledger = LedgerAt::read(ledger, &mut problems);

        let listen = web.text("listen", &mut problems);
        let names = web::names(&mut web, &mut problems);
        web.finish(&mut problems);
        let web = Web {
            names,
            users: web::users(users_at, &mut problems),
        };
        let listen = listen.and_then(|text| web::listen(&text, &web, &mut problems));

        let workers = delivery.number("workers", &mut problems);
        if workers.is_some_and(|n| !(1..=1024).contains(&n)) {
            problems.push("`delivery.workers` is a number from 1 to 1024".to_owned());
        }
        let late = delivery.duration("late", &mut problems);
        let approval = approval(&mut delivery, &mut problems);
        delivery.finish(&mut problems);

        let format = log.one_of("format", &["auto", "pretty", "json"], &mut problems);
        let filter = log.text("filter", &mut problems).unwrap_or_default();
        problems.extend(filter::problem(&filter));
        log.finish(&mut problems);

        let sealed = key.is_some();
        let declared = accounts_at.names();
        let mut accounts = Vec::new();
        for name in &declared {
            let before = problems.len();
            let keys = accounts_at.section(name, &mut problems);
            if problems.len() > before {
                continue; // no table
            }
            accounts.extend(accounts::account(name, keys, &mut problems));
        }
        if declared.is_empty() {
            accounts = accounts::stand_ins();
        }
        for account in accounts.iter().filter(|account| account.signs_in() && !sealed) {
            problems.push(format!(
                "[account.{}]: `login = true` needs a key, because the ledger keeps tokens sealed: {}",
                account.name,
                crate::seal::HOW
            ));
        }
        let groups = groups(groups_at, &accounts, &declared, &mut problems);

        match (ledger, listen, workers, late) {
            (Some(ledger), Some(listen), Some(workers), Some(late)) if problems.is_empty() => Ok(Self {
                messages,
                contact,
                ledger,
                key,
                listen,
                web,
                workers: usize::try_from(workers).unwrap_or(1),
                late,
                approval,
                log: Log {
                    format: match format.as_deref() {
                        Some("pretty") => LogFormat::Pretty,
                        Some("json") => LogFormat::Json,
                        _ => LogFormat::Auto,
                    },
                    filter,
                },
                accounts,
                groups,
                alerts,
            }),
            _ => Err(SettingsError(problems)),
        }
    }

    /// Where sessions, the sandbox's timelines and the HOLD file are: the ledger's folder, where it is a file.
    pub fn state_folder(&self) -> PathBuf {
        self.ledger.folder()
    }

    /// How long a request may take. A replica must be done with it before its lease is lost.
    pub fn deadline(&self) -> Duration {
        match self.ledger {
            LedgerAt::File(_) => DEADLINE,
            LedgerAt::Server { lease, .. } => DEADLINE.min(lease / 2),
        }
    }

    /// Whether nothing that is sent can leave this machine.
    pub fn only_sandbox(&self) -> bool {
        self.accounts.iter().all(|account| account.platform == "sandbox")
    }

    /// The accounts as the campaign sees them, with what their servers said of themselves when they were last
    /// asked.
    pub fn roster(&self) -> Roster {
        let vault = self.state_folder();
        let account = |settings: &AccountSettings| Account {
            name: settings.name.clone(),
            platform: settings.platform,
            like: settings.like,
            limits: Arc::new(limits_of(settings, &vault)),
            language: settings.language.clone(),
            untranslated: settings.untranslated,
            min_gap: settings.min_gap,
            max_per_day: settings.max_per_day,
            charge: settings.charge,
        };
        Roster {
            accounts: self.accounts.iter().map(account).collect(),
            groups: self.groups.clone(),
        }
    }
}

fn approval(delivery: &mut Keys, problems: &mut Vec<String>) -> Option<Rule> {
    let word = delivery.one_of("approval", &["off", "required"], problems);
    let people = delivery.number("approvals", problems);
    if people.is_some_and(|n| !(1..=2).contains(&n)) {
        problems.push("`delivery.approvals` is 1 or 2: so many people must approve a message".to_owned());
    }
    (word.as_deref() == Some("required")).then(|| Rule {
        people: people.and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
    })
}

/// `STEADFAST__DELIVERY__LATE=3h` sets `late` in `[delivery]`.
fn environment() -> Environment {
    Environment::with_prefix("STEADFAST")
        .prefix_separator("__")
        .separator("__")
}

fn limits_of(account: &AccountSettings, vault: &Path) -> Limits {
    platform::find(account.platform).map_or_else(platform::sandbox::limits, |entry| {
        entry.limits_of(&account.keys, vault, &account.name)
    })
}

fn groups(
    mut at: Keys,
    accounts: &[AccountSettings],
    declared: &[String],
    problems: &mut Vec<String>,
) -> BTreeMap<String, Vec<AccountName>> {
    let mut groups = BTreeMap::new();
    for group in at.names() {
        let Some(value) = at.left.remove(&group) else {
            continue;
        };
        if accounts.iter().any(|account| account.name.as_str() == group) {
            problems.push(format!(
                "[group] `{group}`: there is an account of this name too; call the group otherwise"
            ));
        }
        let Ok(names) = value.into_array() else {
            problems.push(format!(
                "[group] `{group}` is a list of account names, as in [\"mastodon\", \"bluesky\"]"
            ));
            continue;
        };
        let mut members = Vec::new();
        for name in names.iter().map(Value::to_string) {
            if let Some(account) = accounts.iter().find(|account| account.name.as_str() == name) {
                members.push(account.name.clone());
            } else if !declared.contains(&name) {
                // What is wrong with one that is declared was said there.
                let known = accounts.iter().map(|account| account.name.as_str());
                let meant = nearest(&name, known)
                    .map(|near| format!(", did you mean \"{near}\"?"))
                    .unwrap_or_default();
                problems.push(format!(
                    "[group] `{group}`: there is no account \"{name}\"{meant}"
                ));
            }
        }
        groups.insert(group, members);
    }
    groups
}

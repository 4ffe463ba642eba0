//! WHERE. One trait, one file per platform. A platform is told what to say and answers with a receipt or
//! a classified failure; it never decides what happens next.

pub mod alert;
pub mod bluesky;
mod counts;
pub mod dates;
pub mod discord;
mod discreet;
pub mod facebook;
mod form;
mod granted;
mod graph;
pub mod http;
pub mod instagram;
pub mod linkedin;
mod mail;
pub mod mastodon;
pub mod nostr;
pub mod oauth;
mod outgoing;
pub mod pinterest;
pub mod reddit;
pub mod sandbox;
pub mod secret;
mod shelf;
pub mod sign_in;
pub mod slack;
mod store;
pub mod telegram;
pub mod threads;
pub mod token;
pub mod tumblr;
pub mod video;
pub mod webhook;
pub mod x;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use url::Url;

use crate::calendar::steady::CONTRADICTS;
use crate::post::content::Part;
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::entities::first_link;
use crate::text::limits::Limits;
use discreet::Discreet;
use http::{BaseUrl, Http, Request};
use secret::Scrubber;
use sign_in::SignIn;
use token::{Keeper, Token};
use video::Films;

pub use crate::post::sealed::{Key, Prepared, Sealed};
pub use granted::Granted;
pub use outgoing::{Deletion, Edit, ImageBytes, Outgoing};

macro_rules! entry {
    ($platform:ident) => {
        entry!($platform, |_, _, _| $platform::limits())
    };
    ($platform:ident, $known_limits:expr) => {
        entry!($platform, $known_limits, |_| Ok(()))
    };
    ($platform:ident, $known_limits:expr, $together:expr) => {
        entry!($platform, $known_limits, $together, |_| None)
    };
    ($platform:ident, $known_limits:expr, $together:expr, $sign_in:expr) => {
        Entry {
            name: $platform::NAME,
            limits: $platform::limits,
            known_limits: $known_limits,
            open: $platform::open,
            check: |table| check::<$platform::Config>(table, $together, $sign_in),
            schema: <$platform::Config as schemars::JsonSchema>::json_schema,
            sign_in: $sign_in,
        }
    };
}

/// Every platform there is: one line each.
pub const PLATFORMS: &[Entry] = &[
    entry!(mastodon, mastodon::known_limits, |_| Ok(()), |_| Some(
        &mastodon::SIGN_IN
    )),
    entry!(bluesky),
    entry!(telegram, |_, _, _| telegram::limits(), |_| Ok(()), |_| Some(
        &telegram::SIGN_IN
    )),
    entry!(
        discord,
        discord::known_limits,
        discord::Config::together,
        |table| is_bot(table).then_some(&discord::SIGN_IN)
    ),
    entry!(slack, slack::known_limits, slack::Config::together, |table| {
        is_bot(table).then_some(&slack::SIGN_IN)
    }),
    entry!(nostr, nostr::known_limits, nostr::Config::together),
    entry!(x, |_, _, _| x::limits(), |_| Ok(()), |_| Some(&x::SIGN_IN)),
    entry!(linkedin, linkedin::known_limits, |_| Ok(()), |table| Some(
        linkedin::sign_in(table)
    )),
    entry!(threads, threads::known_limits, threads::Config::together, |_| {
        Some(&threads::SIGN_IN)
    }),
    entry!(
        facebook,
        |_, _, _| facebook::limits(),
        facebook::Config::together,
        |_| Some(&facebook::SIGN_IN)
    ),
    entry!(instagram, instagram::known_limits, instagram::together, |_| Some(
        &instagram::SIGN_IN
    )),
    entry!(reddit, |_, _, _| reddit::limits(), |_| Ok(()), |_| Some(
        &reddit::SIGN_IN
    )),
    entry!(tumblr, |_, _, _| tumblr::limits(), |_| Ok(()), |_| Some(
        &tumblr::SIGN_IN
    )),
    entry!(pinterest, |_, _, _| pinterest::limits(), |_| Ok(()), |_| Some(
        &pinterest::SIGN_IN
    )),
    entry!(webhook),
    entry!(sandbox, sandbox::known_limits),
];

/// Those whose adapters upload videos. The others' platforms may take them, but not from us.
const SEND_VIDEO: &[&str] = &[
    mastodon::NAME,
    bluesky::NAME,
    telegram::NAME,
    discord::NAME,
    slack::NAME,
    x::NAME,
    linkedin::NAME,
    threads::NAME,
    facebook::NAME,
    instagram::NAME,
    reddit::NAME,
    tumblr::NAME,
    pinterest::NAME,
    sandbox::NAME,
];

/// Whether an account is a bot's, where it may be a webhook's too.
fn is_bot(table: &toml::Table) -> bool {
    table.contains_key("bot_token") || table.contains_key("login")
}

/// One line of `PLATFORMS`.
pub struct Entry {
    /// The platform's word in config files.
    pub name: &'static str,
    /// Its usual limits; those of an account may be wider (`Platform::limits`).
    pub limits: fn() -> Limits,
    /// What its platform takes of an account; [`Self::limits_of`] is what we do.
    pub known_limits: fn(&toml::Table, &Path, &AccountName) -> Limits,
    open: Open,
    /// What is wrong with an account's own keys, as far as it can be seen without reading any secret: one
    /// sentence each, without any value that may be one.
    pub check: fn(&toml::Table) -> Vec<String>,
    /// The JSON schema of those keys.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// How `steadfast login` signs in, by the account's keys: a person's account may want other permissions than a
    /// page. `None`: its accounts are set up by their keys alone.
    pub sign_in: fn(&toml::Table) -> Option<&'static SignIn>,
}

type Open = fn(toml::Table, &Tools<'_>) -> Result<Box<dyn Platform>, String>;

impl Entry {
    /// The names of those keys.
    pub fn keys(&self) -> Vec<String> {
        let schema = (self.schema)(&mut SchemaGenerator::default()).to_value();
        let own = schema.get("properties").and_then(serde_json::Value::as_object);
        own.into_iter().flat_map(serde_json::Map::keys).cloned().collect()
    }

    /// The limits of an account, as far as its keys tell, and what is remembered of its server in the vault.
    pub fn limits_of(&self, table: &toml::Table, vault: &Path, account: &AccountName) -> Limits {
        let limits = (self.known_limits)(table, vault, account);
        Limits {
            video: limits.video.filter(|_| self.sends_video()),
            ..limits
        }
    }

    /// Whether its adapter uploads videos.
    pub fn sends_video(&self) -> bool {
        SEND_VIDEO.contains(&self.name)
    }

    /// Makes an account's adapter from its own keys of `[account.NAME]`. It reads secrets and what the vault
    /// has, and speaks to nobody. What is wrong is said in one sentence, without any secret.
    pub fn open(&self, table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
        let inner = (self.open)(table, tools)?;
        Ok(Box::new(Discreet::new(inner, tools.scrubber, self.sends_video())))
    }
}

/// The platform that config files call `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    PLATFORMS.iter().find(|entry| entry.name == name)
}

/// What an adapter is given to work with.
pub struct Tools<'a> {
    pub account: &'a AccountName,
    pub http: &'a Http,
    /// A folder of ours alone: sessions, the sandbox's timelines.
    pub vault: &'a Path,
    /// Told every secret that an adapter comes to know.
    pub scrubber: &'a Scrubber,
    /// Where the tokens are that people signed in for.
    pub keeper: &'a Arc<dyn Keeper>,
    /// Where the videos are that frozen requests name.
    pub films: &'a Arc<dyn Films>,
}

/// One account on one platform, ready to be spoken to.
#[async_trait]
pub trait Platform: Send + Sync {
    /// The platform's rules as data. Every ability in it must be there, and none that is not.
    fn limits(&self) -> &Limits;

    /// All that may be repeated or abandoned: sign in, upload, resolve names, fetch a card. What comes
    /// back is the whole visible request but for credentials, which the ledger keeps before it is sent.
    async fn prepare(&self, part: &Outgoing<'_>) -> Result<Prepared, Failure>;

    /// Exactly one request that the world can see: `sealed.prepared`, byte for byte, under `sealed.key`.
    ///
    /// After `InDoubt` the same `sealed` is sent again, as `limits().doubt_about` allows. After `Transient` the part
    /// is prepared anew, because an upload may be gone by then; the key stays, so that what an earlier try in
    /// doubt left behind is still found.
    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure>;

    /// The request that deletes the part that `gone` is the proof of. For those whose `limits().delete` says so.
    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        let _ = gone;
        Err(Failure::new(
            Class::Rejected,
            "nothing can be deleted on this platform: do it by hand",
        ))
    }

    /// Exactly one request: `sealed.prepared`, which [`Self::prepare_deletion`] has made. What is gone already is
    /// deleted, so the same request again ends every doubt.
    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let _ = sealed;
        Err(Failure::new(
            Class::Rejected,
            "nothing can be deleted on this platform: do it by hand",
        ))
    }

    /// The request that gives a part other words where it is. For those whose `limits().edits` says so.
    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        let _ = edit;
        Err(no_edits())
    }

    /// Exactly one request: `sealed.prepared`, which [`Self::prepare_edit`] has made. What says so already is edited, so
    /// the same request again ends every doubt.
    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let _ = sealed;
        Err(no_edits())
    }

    /// What became of `sealed`, whose answer was lost: asks the container, or looks through what the account
    /// published. For those whose `limits().doubt_about` says so. No request of it can be seen.
    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        let _ = (sealed, among);
        Err(Failure::new(
            Class::InDoubt,
            "this platform can't be asked what it has",
        ))
    }

    /// Another's post at `url`, as it stands now, whatever it is asked for. `None`: nobody here can be asked; then a
    /// share goes out unread.
    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        let _ = url;
        None
    }

    /// What the platform counts of these posts of ours, by the receipts of their first parts, in their order; nothing
    /// of one that is not there (any more). At most `limits().counts` at once, for those that have it.
    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        let _ = of;
        Err(Failure::new(
            Class::Rejected,
            "nothing is counted on this platform",
        ))
    }

    /// Whose account the credentials open: the platform's own id of it, which another name leaves as it is
    /// (reliability P37, P38). Asked often, so an adapter remembers. `None`: nobody can say.
    async fn identity(&self) -> Result<Option<String>, Failure> {
        Ok(None)
    }

    /// Asks the server what it is, so that how doubt ends there is known before the first post. What it says is
    /// kept in the vault. `prepare` asks too.
    async fn learn(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// What the account's credentials may do. `None`: the platform does not say, or all that its row promises.
    async fn granted(&self) -> Result<Option<Granted>, Failure> {
        Ok(None)
    }

    /// The token that requests are signed with, if it can be one of `steadfast login`: the daemon keeps it alive.
    fn token(&self) -> Option<&Token> {
        None
    }

    /// Asks the platform something that changes nothing, to see whether it is there (reliability P23). Any
    /// answer but a server error is a yes. `None`: this platform has nothing harmless to be asked.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        None
    }
}

/// Among which of an account's posts the platform looks for one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Among {
    /// When the intent was written; nothing that is much older can be it.
    pub since: Timestamp,
    /// What other posts of ours have receipts for: two with the same words are not one.
    pub taken: HashSet<String>,
}

impl Among {
    /// Whether another post of ours has the receipt for this one. A person who says that it is out tells its URL.
    pub fn has(&self, id: &str, url: Option<&str>) -> bool {
        self.taken.contains(id) || url.is_some_and(|url| self.taken.contains(url))
    }
}

/// How far apart the platform's clock and ours may be: more than lets nothing be sent ([`CONTRADICTS`]), so that what
/// was accepted in time is not taken for something older.
pub(crate) const CLOCKS_APART: jiff::SignedDuration = jiff::SignedDuration::from_mins(12);
const _: () = assert!(CLOCKS_APART.as_secs().unsigned_abs() > CONTRADICTS.as_secs());

/// An account's own keys, with what is wrong with them in one line.
fn settings<C: DeserializeOwned>(table: toml::Table) -> Result<C, String> {
    table
        .try_into()
        .map_err(|e: toml::de::Error| e.message().trim().to_owned())
}

/// Every key by itself, so that one mistake does not hide the next; then whether they belong together.
fn check<C: DeserializeOwned + JsonSchema>(
    table: &toml::Table,
    together: fn(C) -> Result<(), String>,
    sign_in: fn(&toml::Table) -> Option<&'static SignIn>,
) -> Vec<String> {
    let schema = C::json_schema(&mut SchemaGenerator::default()).to_value();
    let required = schema.get("required").and_then(serde_json::Value::as_array);
    let required = required
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str);
    let mut problems = Vec::new();
    for (key, value) in table {
        let alone = toml::Table::from_iter([(key.clone(), value.clone())]);
        if let Err(why) = settings::<C>(alone)
            && !why.starts_with("missing field")
        {
            problems.push(format!("`{key}`: {why}"));
        }
    }
    let missing = required.filter(|key| !table.contains_key(*key));
    problems.extend(missing.map(|key| format!("`{key}` is missing")));
    problems.extend(sign_in(table).and_then(|sign_in| token::problem(table, sign_in)));
    if problems.is_empty() {
        problems.extend(settings(table.clone()).and_then(together).err());
    }
    problems
}

/// A server.
impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// One address on a server.
fn endpoint<'de, D: Deserializer<'de>>(from: D) -> Result<BaseUrl, D::Error> {
    BaseUrl::endpoint(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// A failure before anything was visible: what is unknown about it does no harm, so it may be tried again.
fn harmless(failure: impl Into<Failure>) -> Failure {
    let mut failure = failure.into();
    if failure.class == Class::InDoubt {
        failure.class = Class::Transient;
    }
    failure
}

/// What is out on a platform stays as it is.
fn no_edits() -> Failure {
    Failure::new(
        Class::Rejected,
        "nothing can be edited on this platform: delete it, or answer it",
    )
}

/// Whether the server at `base` answers when it is asked for `path`.
async fn answers(http: &Http, base: &BaseUrl, path: &str) -> Result<(), Failure> {
    let answer = http.send(Request::get(base, path)).await.map_err(harmless)?;
    if answer.status < 500 {
        return Ok(());
    }
    Err(harmless(answer.failure(Class::InDoubt, None)))
}

/// The link that a part's card is of, and its title, where whoever posts makes the card. Ours says where the link leads
/// and no more, because fetching a page to learn its title means a request to wherever a message file points
/// (reliability §6.2).
fn card_of(part: &Part) -> Option<(String, String)> {
    let link = part.link.as_ref().map(|link| link.url.clone());
    let uri = link.or_else(|| first_link(&part.text))?;
    let url = Url::parse(&uri).ok()?;
    let host = url.host_str()?.trim_start_matches("www.");
    let title = format!("{host}{}", url.path().trim_end_matches('/'));
    Some((uri, title))
}

/// A name for an uploaded image; some servers go by its ending.
fn file_name(mime: &str) -> &'static str {
    match mime {
        "image/png" => "image.png",
        "image/gif" => "image.gif",
        "image/webp" => "image.webp",
        _ => "image.jpg",
    }
}

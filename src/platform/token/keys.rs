//! The keys of an account's config that say where its token is.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::super::Tools;
use super::super::http::BaseUrl;
use super::super::oauth::Client;
use super::super::secret::SecretSource;
use super::super::sign_in::{ClientIs, SignIn, Then, Way};
use super::{Kept, Kind, Token, renewal_of};

/// The keys of `[account.NAME]` that say where its token is. An adapter's `Config` has them by
/// `#[serde(flatten)]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Keys {
    /// A token that somebody got on the platform's site.
    access_token: Option<SecretSource>,
    /// `true`: the token is the one that `steadfast login` has got.
    #[serde(default)]
    login: bool,
    /// Of the operators' app on the platform, for `login`.
    client_id: Option<String>,
    /// Of the same app.
    client_secret: Option<SecretSource>,
}

/// The same of a bot, whose token its platform's site shows. An adapter's `Config` has them by `#[serde(flatten)]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct BotKeys {
    /// The bot's token, as the platform's site shows it.
    bot_token: Option<SecretSource>,
    /// `true`: the token is the one that `steadfast login` was given.
    #[serde(default)]
    login: bool,
}

/// What the config says of an account's token.
#[derive(Debug, Clone)]
pub enum Source {
    /// It is kept outside.
    Fixed(SecretSource),
    /// `steadfast login`, with this app; `None` where the app registers itself, or where there is none.
    Login(Option<App>),
}

/// The operators' app.
#[derive(Debug, Clone)]
pub struct App {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: Option<SecretSource>,
}

/// An account's server, if its keys name one.
///
/// # Errors
/// What is wrong with it.
pub fn base_of(table: &toml::Table) -> Result<Option<BaseUrl>, String> {
    let base = table.get("base_url").and_then(toml::Value::as_str);
    base.map(|base| BaseUrl::parse(base).map_err(|e| format!("`base_url`: {e}")))
        .transpose()
}

/// The operators' app by an account's keys; `None` where tokens come without one.
///
/// # Errors
/// What is wrong with the keys, or why the secret can't be read.
pub fn client_of(
    table: &toml::Table,
    sign_in: &'static SignIn,
    tools: &Tools<'_>,
) -> Result<Option<Client>, String> {
    let keys: Keys = of(table).ok_or("its keys can't be read: `steadfast run` says why")?;
    let Source::Login(Some(app)) = keys.source(sign_in)? else {
        return Ok(None);
    };
    let page = match sign_in.way {
        Way::Code(oauth) => match oauth.then {
            Then::Page { key, .. } => table.get(key).and_then(toml::Value::as_str),
            Then::Keep | Then::LongLived(_) => None,
        },
        Way::Copied => None,
    };
    app.client(sign_in, base_of(table)?.as_ref(), page, tools)
}

/// Ours of all of an account's keys; `None`: one of them is wrong by itself.
fn of<K: DeserializeOwned>(table: &toml::Table) -> Option<K> {
    const OURS: [&str; 5] = ["access_token", "bot_token", "login", "client_id", "client_secret"];
    let ours = table.iter().filter(|(key, _)| OURS.contains(&key.as_str()));
    let ours: toml::Table = ours.map(|(key, value)| (key.clone(), value.clone())).collect();
    ours.try_into().ok()
}

/// Whether these keys of an account go together, whatever else is wrong with it; no secret is read.
pub(crate) fn problem(table: &toml::Table, sign_in: &SignIn) -> Option<String> {
    // What is wrong with one by itself is said already.
    match sign_in.way {
        Way::Copied => of::<BotKeys>(table)?.source().err(),
        Way::Code(_) => of::<Keys>(table)?.source(sign_in).err(),
    }
}

/// Whether the first token is traded for another, for which the app must show its secret.
fn trades(sign_in: &SignIn) -> bool {
    matches!(sign_in.way, Way::Code(oauth) if !matches!(oauth.then, Then::Keep))
}

impl Keys {
    /// What they say.
    ///
    /// # Errors
    /// What is missing or too much, in one sentence.
    pub fn source(self, sign_in: &SignIn) -> Result<Source, String> {
        let own_app =
            matches!(sign_in.way, Way::Code(oauth) if !matches!(oauth.client, ClientIs::Registered(_)));
        match (self.access_token, self.login, self.client_id) {
            (Some(_), true, _) => Err("write `access_token` or `login = true`, not both".into()),
            (None, false, _) => Err(
                "`access_token` is missing; or write `login = true` and run `steadfast login ACCOUNT`".into(),
            ),
            (Some(fixed), false, _) => Ok(Source::Fixed(fixed)),
            (None, true, None) if own_app => Err("`login = true` needs the `client_id` of your app".into()),
            (None, true, Some(_)) if !own_app => Err("`client_id` says nothing here: leave it out".into()),
            (None, true, None) => Ok(Source::Login(None)),
            (None, true, Some(_)) if self.client_secret.is_none() && trades(sign_in) => {
                Err("`login = true` needs the `client_secret` of your app, too".into())
            }
            (None, true, Some(id)) => Ok(Source::Login(Some(App {
                id,
                secret: self.client_secret,
            }))),
        }
    }

    /// The account's token. `table` is all of the account's keys. Speaks to nobody.
    ///
    /// # Errors
    /// What is wrong with the keys, or why a secret can't be read.
    pub fn open(
        self,
        sign_in: &'static SignIn,
        base: Option<&BaseUrl>,
        page: Option<&str>,
        tools: &Tools<'_>,
    ) -> Result<Token, String> {
        let client = match self.source(sign_in)? {
            Source::Fixed(source) => return fixed("access_token", &source, tools),
            Source::Login(app) => app
                .map(|app| app.client(sign_in, base, page, tools))
                .transpose()?,
        };
        Ok(kept(sign_in, client.flatten(), tools))
    }
}

impl BotKeys {
    /// Whether either of them is there.
    pub fn is_named(&self) -> bool {
        self.bot_token.is_some() || self.login
    }

    /// What they say.
    ///
    /// # Errors
    /// What is missing or too much, in one sentence.
    pub fn source(self) -> Result<Source, String> {
        match (self.bot_token, self.login) {
            (Some(_), true) => Err("write `bot_token` or `login = true`, not both".into()),
            (None, false) => Err(
                "`bot_token` is missing; or write `login = true` and run `steadfast login ACCOUNT`".into(),
            ),
            (Some(token), false) => Ok(Source::Fixed(token)),
            (None, true) => Ok(Source::Login(None)),
        }
    }

    /// The bot's token. Speaks to nobody.
    ///
    /// # Errors
    /// What is wrong with the keys, or why the secret can't be read.
    pub fn open(self, sign_in: &'static SignIn, tools: &Tools<'_>) -> Result<Token, String> {
        match self.source()? {
            Source::Fixed(source) => fixed("bot_token", &source, tools),
            Source::Login(_) => Ok(kept(sign_in, None, tools)),
        }
    }
}

/// A token that the config names by `key`.
fn fixed(key: &str, source: &SecretSource, tools: &Tools<'_>) -> Result<Token, String> {
    let token = source.resolve().map_err(|e| format!("{key}: {e}"))?;
    tools.scrubber.learn(&token);
    Ok(Token(Arc::new(Kind::Fixed(token))))
}

/// A token that somebody signs in for.
fn kept(sign_in: &'static SignIn, client: Option<Client>, tools: &Tools<'_>) -> Token {
    let kept = Kept {
        account: tools.account.clone(),
        renewal: renewal_of(sign_in),
        client,
        keeper: Arc::clone(tools.keeper),
        http: tools.http.clone(),
        scrubber: tools.scrubber.clone(),
        turn: Mutex::default(),
    };
    Token(Arc::new(Kind::Kept(Box::new(kept))))
}

impl App {
    /// The app at its platform's server; `None` where tokens come without one.
    ///
    /// # Errors
    /// If its secret can't be read, or a key is missing.
    pub fn client(
        self,
        sign_in: &'static SignIn,
        base: Option<&BaseUrl>,
        page: Option<&str>,
        tools: &Tools<'_>,
    ) -> Result<Option<Client>, String> {
        let Way::Code(oauth) = sign_in.way else {
            return Ok(None);
        };
        let secret = match self.secret.map(|secret| secret.resolve()) {
            None => None,
            Some(secret) => Some(secret.map_err(|e| format!("client_secret: {e}"))?),
        };
        if let Some(secret) = &secret {
            tools.scrubber.learn(secret);
        }
        if let (Then::Page { key, .. }, None) = (oauth.then, page) {
            return Err(format!("`{key}` is missing"));
        }
        Ok(Some(Client {
            oauth,
            base: base.cloned(),
            id: self.id,
            secret,
            page: page.map(str::to_owned),
        }))
    }
}

//! How one signs in on a platform, as data: what a person does on its site, and how a token comes of it and lasts.
//! `steadfast login` reads this row, and [`super::token::Token`] keeps what came of it alive.

use std::time::Duration;

/// One platform's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignIn {
    /// What a person does on the platform's site before, in order. `{redirect}` stands for the address that is to be
    /// registered there, `{scopes}` for the permissions.
    pub steps: &'static [&'static str],
    /// How the token comes then.
    pub way: Way,
}

/// How a token comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The site shows it, and a person copies it.
    Copied,
    /// A person allows it in a browser, and a code that comes back is traded for it (RFC 6749 §4.1).
    Code(&'static OAuth),
}

/// A platform's authorization server.
///
/// An address that begins with `/` is on the account's `base_url`. Any other is absolute; of an account whose
/// `base_url` is on this machine, its path is asked for there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OAuth {
    /// Where a person is sent to allow it.
    pub authorize: &'static str,
    /// Where a code is traded for a token.
    pub token: &'static str,
    /// The permissions without which nothing can be posted: all are asked for, and all must be granted.
    pub scopes: &'static [&'static str],
    /// What else is asked for, each with what is not done without it, in words.
    pub extras: &'static [(&'static str, &'static str)],
    /// What stands between them: `" "` by the standard, `","` with Meta and Pinterest.
    pub between: &'static str,
    /// Whether it knows PKCE, S256 (RFC 7636). A server that ignores it does no harm.
    pub pkce: bool,
    /// What else it is told when it is asked to allow: Reddit's `duration=permanent`.
    pub also: &'static [(&'static str, &'static str)],
    /// How it knows the app.
    pub client: ClientIs,
    /// Where it sends the person back to.
    pub redirect: Redirect,
    /// What the first token is traded for.
    pub then: Then,
    /// How the token is kept alive.
    pub renewal: Renewal,
}

impl OAuth {
    /// All permissions that are asked for.
    pub fn asked(&self) -> Vec<&'static str> {
        let extras = self.extras.iter().map(|(scope, _)| *scope);
        self.scopes.iter().copied().chain(extras).collect()
    }

    /// Those without which nothing can be posted that were not granted.
    pub fn missing(&self, granted: &[String]) -> Vec<&'static str> {
        let missing = self.scopes.iter().filter(|scope| !is_among(scope, granted));
        missing.copied().collect()
    }

    /// What is not done because it was not granted, one sentence each.
    pub fn lacks(&self, granted: &[String]) -> Vec<String> {
        let lacking = self.extras.iter().filter(|(scope, _)| !is_among(scope, granted));
        lacking
            .map(|(scope, not_done)| format!("without {scope} {not_done}"))
            .collect()
    }
}

/// `read` grants `read:accounts` too.
fn is_among(scope: &str, granted: &[String]) -> bool {
    let whole = scope.split(':').next().unwrap_or(scope);
    granted.iter().any(|granted| granted == scope || granted == whole)
}

/// How an app shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientIs {
    /// `client_id` and `client_secret` of the config, in HTTP Basic; an app without a secret names its id in the form.
    Basic,
    /// The same in the form.
    Form,
    /// Registered at this path of the account's server when somebody signs in (Mastodon).
    Registered(&'static str),
}

/// Where a person's browser goes after it was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirect {
    /// `http://127.0.0.1:PORT/callback`, where `steadfast login` listens. The port is part of what is registered.
    Loopback {
        /// The port.
        port: u16,
    },
    /// An https address that the operators have registered, whose page need not exist: they paste the address that
    /// the browser ends at.
    Pasted,
}

/// What a first token is traded for before it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is the one.
    Keep,
    /// A token that lives longer, for one that lives an hour (Meta).
    LongLived(Exchange),
    /// The same, and then the token of the Page that the config names (Facebook).
    Page {
        /// The longer life.
        exchange: Exchange,
        /// The list of the person's Pages, each with its token.
        pages: &'static str,
        /// The key of the config that has the Page's id.
        key: &'static str,
    },
}

/// `GET` with `grant_type`, the token in the parameter `token`, and the app's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Where.
    pub at: &'static str,
    /// `grant_type`.
    pub grant_type: &'static str,
    /// The name of the parameter that holds the token.
    pub token: &'static str,
    /// Whether the app's id is told too.
    pub names_client: bool,
}

/// How a token is kept alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Not at all. It has no end, or a person signs in again.
    Never,
    /// By a refresh token (RFC 6749 §6).
    RefreshToken {
        /// Whether each answer has a new refresh token and the old one is dead.
        rotates: bool,
    },
    /// The token itself, while it lives (Meta): `GET` with `grant_type` and `access_token`.
    Itself {
        /// Where.
        at: &'static str,
        /// `grant_type`.
        grant_type: &'static str,
        /// How old it must be.
        after: Duration,
    },
}

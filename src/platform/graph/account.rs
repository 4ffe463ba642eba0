//! What accounts on Threads and on Instagram have in common: their keys, a folder that Meta fetches from, and a token for
//! sixty days, which renews itself.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Graph, number};
use crate::platform::Tools;
use crate::platform::http::BaseUrl;
use crate::platform::shelf::{self, Shelf};
use crate::platform::sign_in::{ClientIs, Exchange, OAuth, Redirect, Renewal, SignIn, Then};
use crate::platform::token::Keys;

/// `[account.NAME]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Another server; else the platform's. For Instagram by the account's Page, with the Page's token:
    /// `https://graph.facebook.com`.
    #[schemars(with = "Option<String>")]
    pub(in super::super) base_url: Option<BaseUrl>,
    /// The account's number, which a Page's token needs. A token of another account is refused from the start.
    pub(in super::super) user_id: Option<String>,
    #[serde(flatten)]
    pub(in super::super) shelf: shelf::Keys,
    /// A long-lived token with the scopes of the platform's `SIGN_IN`, for sixty days. Or `steadfast login`.
    #[serde(flatten)]
    pub(in super::super) token: Keys,
}

/// What comes of the keys.
pub(in super::super) struct Opened {
    pub graph: Graph,
    pub user_id: Option<String>,
    pub shelf: Option<Shelf>,
}

impl Config {
    /// Whether the keys belong together.
    pub(in super::super) fn together(self) -> Result<(), String> {
        number("user_id", self.user_id)?;
        self.shelf.open().map(drop)
    }

    /// Requests go to `home`, by this `version`, where no other server is named.
    pub(in super::super) fn open(
        self,
        home: (&str, &'static str),
        sign_in: &'static SignIn,
        tools: &Tools<'_>,
    ) -> Result<Opened, String> {
        let token = self.token.open(sign_in, self.base_url.as_ref(), None, tools)?;
        Ok(Opened {
            graph: Graph::open(home, self.base_url, token, tools)?,
            user_id: number("user_id", self.user_id)?,
            shelf: self.shelf.open()?,
        })
    }
}

/// The addresses and words in which a platform has its sign-in.
pub(in super::super) struct Words {
    pub authorize: &'static str,
    pub token: &'static str,
    pub scopes: &'static [&'static str],
    pub extras: &'static [(&'static str, &'static str)],
    /// Where a token is traded for a long-lived one, and by which name.
    pub exchange: (&'static str, &'static str),
    /// Where that is renewed.
    pub refresh: (&'static str, &'static str),
}

/// A token lives an hour, the one that it is traded for sixty days, and as long again each time that it is renewed while
/// it lives.
pub(in super::super) const fn sixty_days(words: &Words) -> OAuth {
    OAuth {
        authorize: words.authorize,
        token: words.token,
        scopes: words.scopes,
        extras: words.extras,
        between: ",",
        pkce: false,
        also: &[],
        client: ClientIs::Form,
        redirect: Redirect::Pasted,
        then: Then::LongLived(Exchange {
            at: words.exchange.0,
            grant_type: words.exchange.1,
            token: "access_token",
            names_client: false,
        }),
        renewal: Renewal::Itself {
            at: words.refresh.0,
            grant_type: words.refresh.1,
            after: Duration::from_hours(24),
        },
    }
}

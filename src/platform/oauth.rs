//! Tokens, asked for: a code is traded for one, one is traded for another. The `oauth2` crate speaks the standard
//! (RFC 6749, RFC 7636) through our own door; what Meta does otherwise is written out.
//!
//! Each request here may be the last that its code or refresh token is good for. So the class of a failure says what
//! became of it: `Auth`, it was refused; `InDoubt`, it may have been taken and its answer is lost; any other, it was
//! certainly not taken.

mod door;

use jiff::{SignedDuration, Timestamp};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, StandardRevocableToken,
    TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::harmless;
use super::http::{BaseUrl, Http, Request};
use super::secret::Secret;
use super::sign_in::{ClientIs, Exchange, OAuth, Renewal, Then};
use crate::post::outcome::{Class, Failure};

use door::{Door, expected, once, unread};

/// What a platform grants: a token, and how long it lasts.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What requests are signed with.
    pub access: Secret,
    /// What a new one is asked for with.
    pub refresh: Option<Secret>,
    /// When it was granted, by our clock.
    pub issued: Timestamp,
    /// When `access` ends; `None`: nobody said that it does.
    pub expires: Option<Timestamp>,
    /// When `refresh` ends.
    pub refresh_expires: Option<Timestamp>,
    /// The permissions that were granted, as far as the platform says; else those that were asked for.
    pub scopes: Vec<String>,
}

/// An app of the operators at an authorization server.
#[derive(Debug, Clone)]
pub struct Client {
    /// The server.
    pub oauth: &'static OAuth,
    /// The account's `base_url`, where it has one.
    pub base: Option<BaseUrl>,
    /// `client_id`.
    pub id: String,
    /// `client_secret`; an app on people's own machines may have none.
    pub secret: Option<Secret>,
    /// The Page, where [`Then::Page`] asks for one.
    pub page: Option<String>,
}

/// What only the one who asked knows, so that no other's code is taken for theirs.
pub struct Asked {
    /// Where to send the person.
    pub url: Url,
    /// What must come back.
    pub state: Secret,
    /// What the code is traded with.
    verifier: Option<PkceCodeVerifier>,
    redirect: String,
    scopes: Vec<&'static str>,
}

// The wire.

/// RFC 6749 §5.1, and who says less: Meta leaves the type out. LinkedIn and Pinterest say when the refresh token ends.
#[derive(Debug, Serialize, Deserialize)]
struct Tokens {
    access_token: AccessToken,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    /// Seconds.
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    refresh_token_expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(skip, default = "bearer")]
    kind: BasicTokenType,
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl oauth2::TokenResponse for Tokens {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
    fn token_type(&self) -> &BasicTokenType {
        &self.kind
    }
    fn expires_in(&self) -> Option<std::time::Duration> {
        self.expires_in.map(std::time::Duration::from_secs)
    }
    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }
    fn scopes(&self) -> Option<&Vec<oauth2::Scope>> {
        None
    }
}

/// <https://developers.facebook.com/docs/pages-api/overview>
#[derive(Deserialize)]
struct Pages {
    data: Vec<Page>,
    #[serde(default)]
    paging: Paging,
}

#[derive(Deserialize)]
struct Page {
    id: String,
    #[serde(default)]
    name: String,
    access_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct Paging {
    next: Option<String>,
    cursors: Option<Cursors>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

/// How many pages of Pages are turned.
const TURNS: usize = 20;

/// <https://docs.joinmastodon.org/methods/apps/#create>
#[derive(Deserialize)]
struct Registered {
    client_id: String,
    client_secret: String,
}

/// The crate's client with both addresses set.
type Standard = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

// The requests.

impl Client {
    /// Makes an app of ours known to an account's own server.
    ///
    /// # Errors
    /// If the server would not have it, or does not answer.
    pub async fn register(
        http: &Http,
        oauth: &'static OAuth,
        base: BaseUrl,
        redirect: &str,
    ) -> Result<Self, Failure> {
        let ClientIs::Registered(path) = oauth.client else {
            return Err(Failure::new(
                Class::Rejected,
                "this platform registers no apps by itself",
            ));
        };
        // Before version 4.3 it had to be one string.
        let body = json!({
            "client_name": "steadfast",
            "redirect_uris": redirect,
            "scopes": oauth.asked().join(" "),
        });
        let request = Request::post(&base, path).json(body.to_string());
        let answer = http.send(request).await.map_err(harmless)?;
        let app: Registered = expected(&answer)?;
        Ok(Self {
            oauth,
            base: Some(base),
            id: app.client_id,
            secret: Some(Secret::new(app.client_secret)),
            page: None,
        })
    }

    /// Where a person goes to allow all that is asked for.
    ///
    /// # Errors
    /// If one of the addresses is none.
    pub fn ask(&self, redirect: &str) -> Result<Asked, Failure> {
        self.ask_for(self.oauth.asked(), redirect)
    }

    /// Where a person goes to allow these permissions.
    ///
    /// # Errors
    /// If one of the addresses is none.
    pub fn ask_for(&self, scopes: Vec<&'static str>, redirect: &str) -> Result<Asked, Failure> {
        let client = self
            .standard()?
            .set_redirect_uri(address(RedirectUrl::new(redirect.to_owned()))?);
        let mut asking = client
            .authorize_url(CsrfToken::new_random)
            .add_scope(oauth2::Scope::new(scopes.join(self.oauth.between)));
        for (name, value) in self.oauth.also {
            asking = asking.add_extra_param(*name, *value);
        }
        let mut verifier = None;
        if self.oauth.pkce {
            let (challenge, secret) = PkceCodeChallenge::new_random_sha256();
            asking = asking.set_pkce_challenge(challenge);
            verifier = Some(secret);
        }
        let (url, state) = asking.url();
        Ok(Asked {
            url,
            state: Secret::new(state.into_secret()),
            verifier,
            redirect: redirect.to_owned(),
            scopes,
        })
    }

    /// Trades the code that came back, once: what comes of it is to be kept.
    ///
    /// # Errors
    /// As said above.
    pub async fn trade(&self, http: &Http, asked: Asked, code: &str) -> Result<Grant, Failure> {
        let client = self
            .standard()?
            .set_redirect_uri(address(RedirectUrl::new(asked.redirect))?);
        let mut trading = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        if let Some(verifier) = asked.verifier {
            trading = trading.set_pkce_verifier(verifier);
        }
        let door = Door(http.clone());
        let tokens = trading.request_async(&door).await.map_err(unread)?;
        let scopes = asked.scopes.into_iter().map(str::to_owned).collect();
        let first = granted(tokens, None, scopes, http.now());
        match self.oauth.then {
            Then::Keep => Ok(first),
            Then::LongLived(exchange) => self.long_lived(http, exchange, &first).await,
            Then::Page { exchange, pages, .. } => {
                let long = self.long_lived(http, exchange, &first).await?;
                self.page_token(http, pages, &long).await
            }
        }
    }

    /// A new token for `old`.
    ///
    /// # Errors
    /// As said above.
    pub async fn renew(&self, http: &Http, old: &Grant) -> Result<Grant, Failure> {
        let tokens = match self.oauth.renewal {
            Renewal::Never => {
                return Err(Failure::new(
                    Class::Auth,
                    "this platform's tokens can't be renewed",
                ));
            }
            Renewal::RefreshToken { .. } => {
                let refresh = old
                    .refresh
                    .as_ref()
                    .ok_or_else(|| Failure::new(Class::Auth, "there is no refresh token"))?;
                let refresh = RefreshToken::new(refresh.expose().to_owned());
                let client = self.standard()?;
                let door = Door(http.clone());
                client
                    .exchange_refresh_token(&refresh)
                    .request_async(&door)
                    .await
                    .map_err(unread)?
            }
            Renewal::Itself { at, grant_type, .. } => {
                let query = [("grant_type", grant_type), ("access_token", old.access.expose())];
                let answer = once(http, Request::get(&self.place(at)?, "").query(&query)).await?;
                expected(&answer)?
            }
        };
        Ok(granted(tokens, Some(old), old.scopes.clone(), http.now()))
    }

    async fn long_lived(&self, http: &Http, exchange: Exchange, short: &Grant) -> Result<Grant, Failure> {
        let secret = self.secret.as_ref().map(Secret::expose).unwrap_or_default();
        let mut query = vec![
            ("grant_type", exchange.grant_type),
            ("client_secret", secret),
            (exchange.token, short.access.expose()),
        ];
        if exchange.names_client {
            query.push(("client_id", &self.id));
        }
        let answer = once(http, Request::get(&self.place(exchange.at)?, "").query(&query)).await?;
        Ok(granted(
            expected(&answer)?,
            Some(short),
            short.scopes.clone(),
            http.now(),
        ))
    }

    /// The token of the Page in the config. One that was made of a long-lived token has no end.
    async fn page_token(&self, http: &Http, pages: &'static str, of: &Grant) -> Result<Grant, Failure> {
        let wanted = self.page.as_deref().unwrap_or_default();
        let place = self.place(pages)?;
        let (mut after, mut seen) = (None::<String>, Vec::new());
        for _ in 0..TURNS {
            let mut query = vec![("fields", "id,name,access_token"), ("limit", "100")];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let request = Request::get(&place, "").query(&query).bearer(&of.access);
            let answer = http.send(request).await.map_err(harmless)?;
            let list: Pages = expected(&answer)?;
            for page in list.data {
                match page.access_token {
                    Some(token) if page.id == wanted => {
                        return Ok(Grant {
                            access: Secret::new(token),
                            refresh: None,
                            expires: None,
                            refresh_expires: None,
                            ..of.clone()
                        });
                    }
                    _ => seen.push(format!("{} ({})", page.name, page.id)),
                }
            }
            after = list.paging.cursors.and_then(|cursors| cursors.after);
            if list.paging.next.is_none() || after.is_none() {
                break;
            }
        }
        let words = if seen.is_empty() {
            format!("the person who signed in manages no Page, so not {wanted} either")
        } else {
            format!(
                "the person who signed in has no token for the Page {wanted}; they manage {}",
                seen.join(", ")
            )
        };
        Err(Failure::new(Class::Auth, words))
    }

    fn standard(&self) -> Result<Standard, Failure> {
        let place = |at| self.place(at).map(|place| place.whole());
        let mut client = oauth2::Client::new(ClientId::new(self.id.clone()))
            .set_auth_uri(address(AuthUrl::new(place(self.oauth.authorize)?))?)
            .set_token_uri(address(TokenUrl::new(place(self.oauth.token)?))?)
            .set_auth_type(match self.oauth.client {
                ClientIs::Basic => AuthType::BasicAuth,
                ClientIs::Form | ClientIs::Registered(_) => AuthType::RequestBody,
            });
        if let Some(secret) = &self.secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
        }
        Ok(client)
    }

    /// An address of the row, for this account.
    fn place(&self, at: &'static str) -> Result<BaseUrl, Failure> {
        let wrong = |why: String| Failure::new(Class::Rejected, format!("{at}: {why}"));
        let own = match &self.base {
            Some(base) if at.starts_with('/') => Some((base, at)),
            Some(base) if base.is_loopback() => {
                let path = at.splitn(4, '/').nth(3).unwrap_or_default();
                Some((base, path))
            }
            _ => None,
        };
        match own {
            Some((base, path)) => {
                BaseUrl::endpoint(&format!("{base}/{}", path.trim_start_matches('/'))).map_err(wrong)
            }
            None => BaseUrl::endpoint(at).map_err(wrong),
        }
    }
}

/// `before`: what it was traded for, whose ends stay where the answer tells none. `scopes`: those that were asked for or
/// granted before; they count where the answer names none.
fn granted(tokens: Tokens, before: Option<&Grant>, scopes: Vec<String>, now: Timestamp) -> Grant {
    let ends = |seconds: Option<u64>| {
        let seconds = i64::try_from(seconds.filter(|seconds| *seconds > 0)?).ok()?;
        now.checked_add(SignedDuration::from_secs(seconds)).ok()
    };
    let rotated = tokens.refresh_token.is_some();
    let told = tokens.scope.map(|said| {
        let words = said.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    Grant {
        access: Secret::new(tokens.access_token.into_secret()),
        refresh: tokens
            .refresh_token
            .map(|token| Secret::new(token.into_secret()))
            .or_else(|| before?.refresh.clone()),
        issued: now,
        expires: ends(tokens.expires_in),
        refresh_expires: ends(tokens.refresh_token_expires_in)
            .or_else(|| before.filter(|_| !rotated)?.refresh_expires),
        scopes: told.filter(|told| !told.is_empty()).unwrap_or(scopes),
    }
}

fn address<T>(made: Result<T, url::ParseError>) -> Result<T, Failure> {
    made.map_err(|e| Failure::new(Class::Rejected, format!("an address of the sign-in is none: {e}")))
}

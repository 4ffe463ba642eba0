//! Signing in, rarely, and staying signed in.
//!
//! A server allows 30 sign-ins in 5 minutes and 300 in a day
//! (<https://docs.bsky.app/docs/advanced-guides/rate-limits>), so a session is kept in the vault and renewed
//! with its own token; the password is used when that is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::super::harmless;
use super::super::http::{Answer, BaseUrl, Http, Request};
use super::super::secret::{Scrubber, Secret, write_private};
use super::{Refusal, refused, xrpc};
use crate::post::outcome::{Class, Failure};

/// A session that stands.
#[derive(Debug, Clone)]
pub struct Session {
    pub did: String,
    /// The account's real server, where everything but signing in goes.
    pub service: BaseUrl,
    pub access: Secret,
    refresh: Secret,
    /// When the access token ends; `None`: it has.
    expires: Option<Timestamp>,
}

/// A session is renewed when it has less than this to live.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

impl Session {
    fn lasts(&self, now: Timestamp) -> bool {
        self.expires
            .is_some_and(|expires| expires.duration_since(now) > MARGIN)
    }
}

/// What `createSession` and `refreshSession` answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    did: String,
    access_jwt: String,
    refresh_jwt: String,
    did_doc: Option<DidDocument>,
}

#[derive(Deserialize)]
struct DidDocument {
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    service_endpoint: Value,
}

/// The session as it lies in the vault.
#[derive(Serialize, Deserialize)]
struct Stored {
    base_url: String,
    identifier: String,
    did: String,
    service: String,
    access: String,
    refresh: String,
}

/// The account's desk: whoever needs a session asks here.
pub struct SignIn {
    pub base: BaseUrl,
    pub identifier: String,
    pub password: Secret,
    pub vault: PathBuf,
    pub scrubber: Scrubber,
    pub http: Http,
    /// One renewal at a time: both tokens change with it.
    pub held: Mutex<Option<Arc<Session>>>,
}

impl SignIn {
    /// Takes up the session of an earlier life of this process, if there is one.
    pub fn resume(mut self) -> Self {
        self.held = Mutex::new(self.stored().map(Arc::new));
        self
    }

    /// A session that lasts for the next minutes, renewed or begun anew if need be.
    pub async fn session(&self) -> Result<Arc<Session>, Failure> {
        let mut held = self.held.lock().await;
        let now = self.http.now();
        let session = match held.as_ref() {
            Some(session) if session.lasts(now) => return Ok(Arc::clone(session)),
            Some(session) => self.renew(session).await?,
            None => self.begin().await?,
        };
        let session = Arc::new(session);
        *held = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Where posts go, as far as is known without asking: the account's real server, or where it signs in.
    pub async fn service(&self) -> BaseUrl {
        let held = self.held.lock().await;
        held.as_ref()
            .map_or_else(|| self.base.clone(), |session| session.service.clone())
    }

    /// The access token of `session` was refused: the next one who asks gets a renewed one.
    pub async fn refused(&self, session: &Session) {
        let mut held = self.held.lock().await;
        if let Some(current) = held
            .as_ref()
            .filter(|s| s.access.expose() == session.access.expose())
        {
            *held = Some(Arc::new(Session {
                expires: None,
                ..Session::clone(current)
            }));
        }
    }

    async fn begin(&self) -> Result<Session, Failure> {
        let body = json!({ "identifier": self.identifier, "password": self.password.expose() });
        let request =
            Request::post(&self.base, &xrpc("com.atproto.server.createSession")).json(body.to_string());
        let answer = self.http.send(request).await.map_err(harmless)?;
        self.accept(&answer, &self.base).await
    }

    /// Both tokens change. The old one works for two hours more, so a crash before the new pair is stored
    /// loses nothing (reliability P11).
    async fn renew(&self, old: &Session) -> Result<Session, Failure> {
        let request =
            Request::post(&old.service, &xrpc("com.atproto.server.refreshSession")).bearer(&old.refresh);
        let answer = self.http.send(request).await.map_err(harmless)?;
        let named = answer.json::<Refusal>().map(|refusal| refusal.error);
        match (answer.status, named.as_deref()) {
            // Signing in would only say that the password is wrong.
            (401, Some("AccountTakedown")) => Err(refused(&answer)),
            // The refresh token has ended or was revoked: the password decides.
            (400 | 401, Some(_)) => self.begin().await,
            _ => self.accept(&answer, &old.service).await,
        }
    }

    async fn accept(&self, answer: &Answer, service: &BaseUrl) -> Result<Session, Failure> {
        let Some(tokens) = answer.json::<Tokens>().filter(|_| answer.status == 200) else {
            return Err(harmless(refused(answer)));
        };
        let session = Session {
            service: real_service(tokens.did_doc, service).unwrap_or_else(|| service.clone()),
            did: tokens.did,
            // One that does not say when it ends is taken for good until it is refused.
            expires: Some(expiry(&tokens.access_jwt).unwrap_or(Timestamp::MAX)),
            access: Secret::new(tokens.access_jwt),
            refresh: Secret::new(tokens.refresh_jwt),
        };
        self.store(&session).await?;
        self.learn(&session);
        Ok(session)
    }

    fn learn(&self, session: &Session) {
        self.scrubber.learn(&session.access);
        self.scrubber.learn(&session.refresh);
    }

    /// The pair is on the disk before it is used.
    async fn store(&self, session: &Session) -> Result<(), Failure> {
        let stored = Secret::new(
            json!(Stored {
                base_url: self.base.to_string(),
                identifier: self.identifier.clone(),
                did: session.did.clone(),
                service: session.service.to_string(),
                access: session.access.expose().to_owned(),
                refresh: session.refresh.expose().to_owned(),
            })
            .to_string(),
        );
        let vault = self.vault.clone();
        let written =
            tokio::task::spawn_blocking(move || write_private(&vault, stored.expose().as_bytes())).await;
        let failed = |e: &dyn std::fmt::Display| {
            Failure::new(Class::Transient, format!("{}: {e}", self.vault.display()))
        };
        written.map_err(|e| failed(&e))?.map_err(|e| failed(&e))
    }

    /// The session of an earlier life of this process, if it was this account's.
    fn stored(&self) -> Option<Session> {
        let stored = Stored::read(&self.vault)?;
        if stored.base_url != self.base.to_string() || stored.identifier != self.identifier {
            return None;
        }
        let session = Session {
            did: stored.did,
            service: BaseUrl::parse(&stored.service).ok()?,
            expires: expiry(&stored.access),
            access: Secret::new(stored.access),
            refresh: Secret::new(stored.refresh),
        };
        self.learn(&session);
        Some(session)
    }
}

impl Stored {
    fn read(vault: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(vault).ok()?).ok()
    }
}

/// The `#atproto_pds` of a DID document. One that we would not speak to is passed over, and no server on the
/// network may send us, with our token, to something on this machine.
fn real_service(document: Option<DidDocument>, told_by: &BaseUrl) -> Option<BaseUrl> {
    let services = document?.service;
    let service = services
        .into_iter()
        .find(|service| service.id.ends_with("#atproto_pds"))?;
    let real = BaseUrl::parse(service.service_endpoint.as_str()?).ok()?;
    (real.is_loopback() == told_by.is_loopback()).then_some(real)
}

/// The `exp` of a JWT, which is not ours to verify.
fn expiry(jwt: &str) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Claims {
        exp: i64,
    }
    let claims = URL_SAFE_NO_PAD
        .decode(jwt.split('.').nth(1)?.trim_end_matches('='))
        .ok()?;
    Timestamp::from_second(serde_json::from_slice::<Claims>(&claims).ok()?.exp).ok()
}

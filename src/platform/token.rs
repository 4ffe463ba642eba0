//! An account's bearer token: one that the config names, or one that somebody signed in for, which is kept alive.
//!
//! An adapter asks for it before each request ([`Token::bearer`]) and tells what came of it ([`Token::heard`]).

mod keys;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::harmless;
use super::http::{Answer, Http, Request};
use super::oauth::{Client, Grant};
use super::secret::{Scrubber, Secret};
use super::sign_in::{Renewal, SignIn, Way};
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure};

pub(super) use keys::problem;
pub use keys::{App, BotKeys, Keys, Source, base_of, client_of};

fn renewal_of(sign_in: &SignIn) -> Renewal {
    match sign_in.way {
        Way::Copied => Renewal::Never,
        Way::Code(oauth) => oauth.renewal,
    }
}

/// What `steadfast login` has stored for an account.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Rises with every token that is stored.
    pub version: i64,
    /// The token.
    pub grant: Grant,
    /// Why the platform won't renew it any more: a person has to sign in again.
    pub refused: Option<String>,
}

/// Whether a token may be renewed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It is ours to renew, and nobody else does.
    Ours {
        /// The answer to an earlier renewal was lost, perhaps with the only refresh token that is still good.
        lost: bool,
    },
    /// Another process renews it, or one that failed is not to be repeated yet.
    NotNow,
    /// It is another token by now.
    Changed,
}

/// Keeps the tokens that people signed in for; the ledger's side of it.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// The account's token, if somebody has signed in.
    async fn stored(&self, account: &AccountName) -> Result<Option<Stored>, Failure>;

    /// The right to renew that version, alone. That a request is about to leave is durable when this returns.
    async fn begin(&self, account: &AccountName, version: i64) -> Result<Turn, Failure>;

    /// What came of it, durable when this returns, however long that takes: the token before it may be dead.
    async fn renewed(&self, account: &AccountName, version: i64, grant: &Grant) -> Result<(), Failure>;

    /// Nothing came of it. `lost`: it may have been taken, and its answer was not seen.
    async fn not_renewed(&self, account: &AccountName, version: i64, lost: bool) -> Result<(), Failure>;

    /// The platform won't renew it: nobody asks again.
    async fn refused(&self, account: &AccountName, version: i64, why: &str) -> Result<(), Failure>;
}

/// Where nobody can have signed in: tests, and commands that send nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeeper;

#[async_trait]
impl Keeper for NoKeeper {
    async fn stored(&self, _: &AccountName) -> Result<Option<Stored>, Failure> {
        Ok(None)
    }
    async fn begin(&self, _: &AccountName, _: i64) -> Result<Turn, Failure> {
        Ok(Turn::Changed)
    }
    async fn renewed(&self, _: &AccountName, _: i64, _: &Grant) -> Result<(), Failure> {
        Ok(())
    }
    async fn not_renewed(&self, _: &AccountName, _: i64, _: bool) -> Result<(), Failure> {
        Ok(())
    }
    async fn refused(&self, _: &AccountName, _: i64, _: &str) -> Result<(), Failure> {
        Ok(())
    }
}

/// An account's token. Cheap to clone.
#[derive(Clone)]
pub struct Token(Arc<Kind>);

enum Kind {
    Fixed(Secret),
    Kept(Box<Kept>),
}

struct Kept {
    account: AccountName,
    renewal: Renewal,
    /// The app that renews it.
    client: Option<Client>,
    keeper: Arc<dyn Keeper>,
    http: Http,
    scrubber: Scrubber,
    /// One renewal at a time in this process.
    turn: Mutex<Heard>,
}

/// What this process has heard of the token.
#[derive(Default)]
struct Heard {
    /// The version that the platform would not take, though it should still last.
    refused: Option<i64>,
    /// The version that came of that: if it is refused too, renewing is no help.
    renewed: Option<i64>,
    /// The version whose secrets the scrubber knows.
    learned: Option<i64>,
    /// What was granted and could not be stored yet, and the version that it is to follow.
    unstored: Option<(i64, Grant)>,
}

/// What the daemon's round found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upkeep {
    /// Nothing is due.
    Fine,
    /// There is a new token, which lasts until then.
    Renewed(Option<Timestamp>),
}

/// A right to renew that is older is not used: the keeper gives it for two minutes, and a request takes half of one.
const STALE: Duration = Duration::from_mins(1);
/// How long another's renewal is waited for where the token has run out, and between looks.
const PATIENCE: u32 = 20;
const LOOK: Duration = Duration::from_millis(500);

impl Token {
    /// A token that lasts for the next minutes, renewed if need be. Ask for each request anew; it is cheap.
    ///
    /// # Errors
    /// `Auth` with what a person has to do; `Transient` or `RateLimited` where it can't be had just now. Nothing
    /// was sent that the world can see.
    pub async fn bearer(&self) -> Result<Secret, Failure> {
        match &*self.0 {
            Kind::Fixed(token) => Ok(token.clone()),
            Kind::Kept(kept) => kept.bearer().await,
        }
    }

    /// Passes on what came of a request that `bearer` signed. Where the token was refused and can be renewed, that
    /// is done before the next request, and this one counts as not sent: `Auth` becomes `Transient`, once. Refused
    /// again, `Auth` stays, and the account is held.
    pub async fn heard<T>(&self, bearer: &Secret, came: Result<T, Failure>) -> Result<T, Failure> {
        match (came, &*self.0) {
            (Err(failure), Kind::Kept(kept)) if failure.class == Class::Auth => {
                Err(kept.refused(bearer, failure).await)
            }
            (came, _) => came,
        }
    }

    /// The same where only a 401 is about the token. What is refused for want of rights or money is refused to the next
    /// token too, and each renewal is a risk.
    pub async fn answered<T>(&self, bearer: &Secret, came: Result<T, Failure>) -> Result<T, Failure> {
        match came {
            Err(failure) if failure.status == Some(401) => self.heard(bearer, Err(failure)).await,
            came => came,
        }
    }

    /// Sends a request that may be repeated, signed by `sign`. Any answer but a 401, which `refused` reads.
    pub(super) async fn ask(
        &self,
        http: &Http,
        sign: impl FnOnce(&Secret) -> Request,
        refused: fn(&Answer) -> Failure,
    ) -> Result<Answer, Failure> {
        let bearer = self.bearer().await?;
        let answer = http.send(sign(&bearer)).await.map_err(harmless)?;
        match answer.status {
            401 => self.answered(&bearer, Err(harmless(refused(&answer)))).await,
            _ => Ok(answer),
        }
    }

    /// The one that the config names.
    pub(super) fn fixed(&self) -> Option<&Secret> {
        match &*self.0 {
            Kind::Fixed(token) => Some(token),
            Kind::Kept(_) => None,
        }
    }

    /// Whether it is one that somebody signed in for.
    pub fn is_kept(&self) -> bool {
        matches!(&*self.0, Kind::Kept(_))
    }

    /// What is stored, for the daemon and for people. `None`: nobody has signed in, or it is in the config.
    ///
    /// # Errors
    /// If it can't be read.
    pub async fn stored(&self) -> Result<Option<Stored>, Failure> {
        match &*self.0 {
            Kind::Fixed(_) => Ok(None),
            Kind::Kept(kept) => kept.keeper.stored(&kept.account).await,
        }
    }

    /// Renews it if its time has come. The daemon asks every minute.
    ///
    /// # Errors
    /// Why it could not be renewed: `Auth`, a person has to sign in again.
    pub async fn upkeep(&self) -> Result<Upkeep, Failure> {
        match &*self.0 {
            Kind::Fixed(_) => Ok(Upkeep::Fine),
            Kind::Kept(kept) => kept.upkeep().await,
        }
    }

    /// When it ends for good, if nobody signs in again; `None`: it has no end that anybody knows.
    pub fn ends(&self, stored: &Stored) -> Option<Timestamp> {
        match &*self.0 {
            Kind::Fixed(_) => None,
            Kind::Kept(kept) => ends(kept.renewal, &stored.grant),
        }
    }
}

/// When a grant ends for good.
pub fn ends(renewal: Renewal, grant: &Grant) -> Option<Timestamp> {
    match renewal {
        Renewal::RefreshToken { .. } if grant.refresh.is_some() => grant.refresh_expires,
        _ => grant.expires,
    }
}

/// From when on it is to be renewed; `None`: never.
///
/// By a refresh token, when a twelfth of its life is left: 10 minutes of X's two hours, and a week at most. One that
/// renews itself while it lives, at half of it: an outage of a month does no harm.
fn due(renewal: Renewal, grant: &Grant) -> Option<Timestamp> {
    let expires = grant.expires?;
    let life = expires.duration_since(grant.issued);
    match renewal {
        Renewal::Never => None,
        Renewal::RefreshToken { .. } => {
            grant.refresh.as_ref()?;
            let margin = (life / 12).clamp(SignedDuration::from_mins(5), SignedDuration::from_hours(7 * 24));
            expires.checked_sub(margin).ok()
        }
        Renewal::Itself { after, .. } => {
            let half = grant.issued.checked_add(life / 2).ok()?;
            let old_enough = grant
                .issued
                .checked_add(SignedDuration::try_from(after).ok()?)
                .ok()?;
            Some(half.max(old_enough))
        }
    }
}

impl Kept {
    async fn bearer(&self) -> Result<Secret, Failure> {
        let mut looks = 0;
        loop {
            let mut heard = self.turn.lock().await;
            let stored = self.current(&mut heard).await?;
            let now = self.http.now();
            let lasts = stored.grant.expires.is_none_or(|expires| expires > now)
                && heard.refused != Some(stored.version);
            if lasts && due(self.renewal, &stored.grant).is_none_or(|due| due > now) {
                return Ok(stored.grant.access);
            }
            match self.renew(&stored, &mut heard).await {
                Ok(Some(grant)) => return Ok(grant.access),
                // Another is at it, and what there is still does.
                Ok(None) if lasts => return Ok(stored.grant.access),
                Ok(None) => {}
                Err(failure) if lasts && failure.class != Class::Auth => return Ok(stored.grant.access),
                Err(failure) => return Err(failure),
            }
            drop(heard);
            looks += 1;
            if looks >= PATIENCE {
                return Err(Failure::new(
                    Class::Transient,
                    "its token has run out and is just being renewed",
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn upkeep(&self) -> Result<Upkeep, Failure> {
        let mut heard = self.turn.lock().await;
        let stored = self.current(&mut heard).await?;
        let now = self.http.now();
        let lasts = stored.grant.expires.is_none_or(|expires| expires > now);
        if lasts && due(self.renewal, &stored.grant).is_none_or(|due| due > now) {
            return Ok(Upkeep::Fine);
        }
        let renewed = self.renew(&stored, &mut heard).await?;
        Ok(renewed.map_or(Upkeep::Fine, |grant| Upkeep::Renewed(grant.expires)))
    }

    /// What is stored, once what was granted and not stored yet is.
    async fn current(&self, heard: &mut Heard) -> Result<Stored, Failure> {
        if let Some((version, grant)) = &heard.unstored {
            self.keeper.renewed(&self.account, *version, grant).await?;
            heard.unstored = None;
        }
        let stored = self.keeper.stored(&self.account).await?;
        let stored = stored.ok_or_else(|| self.sign_in("nobody has signed in yet"))?;
        if heard.learned != Some(stored.version) {
            self.learn(&stored.grant);
            heard.learned = Some(stored.version);
        }
        match &stored.refused {
            Some(why) => Err(self.sign_in(why)),
            None => Ok(stored),
        }
    }

    fn learn(&self, grant: &Grant) {
        self.scrubber.learn(&grant.access);
        if let Some(refresh) = &grant.refresh {
            self.scrubber.learn(refresh);
        }
    }

    /// `None`: somebody else is at it.
    async fn renew(&self, stored: &Stored, heard: &mut Heard) -> Result<Option<Grant>, Failure> {
        let (account, version) = (&self.account, stored.version);
        let renews = !matches!(self.renewal, Renewal::Never);
        let Some(client) = self.client.as_ref().filter(|_| renews) else {
            return Err(self.sign_in("its token has run out"));
        };
        let before = self.http.uptime();
        let Turn::Ours { lost } = self.keeper.begin(account, version).await? else {
            return Ok(None);
        };
        // The machine may have slept since, and another be at it by now.
        if self.http.uptime().saturating_sub(before) > STALE {
            self.keeper.not_renewed(account, version, lost).await?;
            return Ok(None);
        }
        let failure = match client.renew(&self.http, &stored.grant).await {
            Ok(grant) => {
                self.learn(&grant);
                if heard.refused == Some(version) {
                    heard.renewed = Some(version.saturating_add(1));
                }
                // Nobody uses it before it is on the disk; until then, it is kept here.
                let kept = self.keeper.renewed(account, version, &grant).await;
                if let Err(e) = kept {
                    heard.unstored = Some((version, grant));
                    return Err(e);
                }
                return Ok(Some(grant));
            }
            Err(failure) => failure,
        };
        match failure.class {
            Class::Auth => {
                let words = &failure.words;
                let why = if lost {
                    format!(
                        "the answer to an earlier renewal was lost, and the token before it is not taken any more ({words})"
                    )
                } else {
                    format!("its token can't be renewed ({words})")
                };
                self.keeper.refused(account, version, &why).await?;
                Err(self.sign_in(&why))
            }
            class => {
                self.keeper
                    .not_renewed(account, version, lost || class == Class::InDoubt)
                    .await?;
                let words = format!("its token can't be renewed just now: {}", failure.words);
                let class = match class {
                    Class::RateLimited { .. } => class,
                    _ => Class::Transient,
                };
                Err(Failure::new(class, words))
            }
        }
    }

    async fn refused(&self, bearer: &Secret, failure: Failure) -> Failure {
        let again = |words: &str| Failure::new(Class::Transient, format!("{words}: {}", failure.words));
        let mut heard = self.turn.lock().await;
        let stored = match self.current(&mut heard).await {
            Ok(stored) => stored,
            Err(other) => return other,
        };
        if stored.grant.access.expose() != bearer.expose() {
            return again("the token was renewed meanwhile");
        }
        let by_refresh = matches!(self.renewal, Renewal::RefreshToken { .. });
        let renews = by_refresh && stored.grant.refresh.is_some() && self.client.is_some();
        if renews && heard.renewed != Some(stored.version) {
            heard.refused = Some(stored.version);
            return again("the token is renewed before the next try");
        }
        self.sign_in(&failure.words)
    }

    fn sign_in(&self, why: &str) -> Failure {
        let account = &self.account;
        Failure::new(
            Class::Auth,
            format!("{why}: sign in with `steadfast login {account}`"),
        )
    }
}

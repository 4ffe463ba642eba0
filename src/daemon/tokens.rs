//! Tokens that people signed in for: kept sealed in the ledger, renewed before they run out, and a person told in time
//! where that can't be done.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::ledger::token::{KeptToken, Moved, Step, TokenWords};
use crate::ledger::{BY_DAEMON, Ledger, LedgerError, Scope};
use crate::platform::oauth::Grant;
use crate::platform::token::{Keeper, Stored, Token, Turn, Upkeep};
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure};
use crate::seal::Seal;

use super::{Outlet, Shared, World};

/// How often it looks whose time has come.
const ROUND: Duration = Duration::from_secs(30);
/// How long nobody else renews a token once somebody has begun to: longer than any request takes.
const LEASE: Duration = Duration::from_mins(2);
/// How long after one that failed.
const AGAIN: Duration = Duration::from_mins(1);
/// From when on a person is told that a token will run out, and how often.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The ledger's tokens, for adapters.
pub struct LedgerKeeper {
    /// Where they are.
    pub ledger: Arc<dyn Ledger>,
    /// `None`: there is no key, so nobody has signed in.
    pub seal: Option<Seal>,
    /// For ledgers without a clock of their own.
    pub clock: Arc<dyn Clock>,
}

fn transient(e: &LedgerError) -> Failure {
    Failure::new(Class::Transient, e.to_string())
}

impl LedgerKeeper {
    fn seal(&self) -> Result<&Seal, Failure> {
        let none = || {
            Failure::new(
                Class::Auth,
                format!("there is no `ledger.key`: {}", crate::seal::HOW),
            )
        };
        self.seal.as_ref().ok_or_else(none)
    }

    /// A grant as the ledger keeps it. What is sealed opens in this account's row alone.
    ///
    /// # Errors
    /// If there is no key.
    pub fn sealed(
        &self,
        account: &AccountName,
        grant: &Grant,
        identity: Option<String>,
    ) -> Result<TokenWords, Failure> {
        let seal = self.seal()?;
        let sealed = |field, secret| {
            let sealed = seal.seal(&place(account, field), secret);
            sealed.map_err(|why| Failure::new(Class::Transient, why))
        };
        Ok(TokenWords {
            identity,
            access: sealed("access", &grant.access)?,
            refresh: grant
                .refresh
                .as_ref()
                .map(|refresh| sealed("refresh", refresh))
                .transpose()?,
            issued: grant.issued,
            expires: grant.expires,
            refresh_expires: grant.refresh_expires,
            scopes: grant.scopes.join(" "),
        })
    }

    /// The same, opened.
    ///
    /// # Errors
    /// If it was sealed with another key, or for another account.
    pub fn opened(&self, kept: KeptToken) -> Result<Stored, Failure> {
        let seal = self.seal()?;
        let opened = |field, sealed: &str| {
            let opened = seal.unseal(&place(&kept.account, field), sealed);
            opened.map_err(|why| Failure::new(Class::Auth, format!("its token can't be read: {why}")))
        };
        let words = &kept.words;
        Ok(Stored {
            version: kept.version,
            grant: Grant {
                access: opened("access", &words.access)?,
                refresh: words
                    .refresh
                    .as_deref()
                    .map(|refresh| opened("refresh", refresh))
                    .transpose()?,
                issued: words.issued,
                expires: words.expires,
                refresh_expires: words.refresh_expires,
                scopes: words.scopes.split_whitespace().map(str::to_owned).collect(),
            },
            refused: kept.refused,
        })
    }

    async fn step(&self, account: &AccountName, step: Step) -> Result<Moved, Failure> {
        let moved = self.ledger.step_token(account, step, self.clock.now()).await;
        moved.map_err(|e| transient(&e))
    }
}

fn place(account: &AccountName, field: &str) -> String {
    format!("token {account} {field}")
}

#[async_trait]
impl Keeper for LedgerKeeper {
    async fn stored(&self, account: &AccountName) -> Result<Option<Stored>, Failure> {
        let kept = self
            .ledger
            .tokens(Some(account))
            .await
            .map_err(|e| transient(&e))?;
        kept.into_iter().next().map(|kept| self.opened(kept)).transpose()
    }

    async fn begin(&self, account: &AccountName, version: i64) -> Result<Turn, Failure> {
        let lease = LEASE;
        Ok(match self.step(account, Step::Begin { version, lease }).await? {
            Moved::Done { lost } => Turn::Ours { lost },
            Moved::NotNow => Turn::NotNow,
            Moved::Otherwise => Turn::Changed,
        })
    }

    async fn renewed(&self, account: &AccountName, version: i64, grant: &Grant) -> Result<(), Failure> {
        let words = self.sealed(account, grant, None)?;
        // Another version by now is what somebody signed in for meanwhile, and that counts.
        self.step(account, Step::Renewed { version, words })
            .await
            .map(drop)
    }

    async fn not_renewed(&self, account: &AccountName, version: i64, lost: bool) -> Result<(), Failure> {
        let again = AGAIN;
        self.step(account, Step::NotRenewed { version, lost, again })
            .await
            .map(drop)
    }

    async fn refused(&self, account: &AccountName, version: i64, why: &str) -> Result<(), Failure> {
        let why = why.to_owned();
        self.step(account, Step::Refused { version, why }).await.map(drop)
    }
}

/// Looks after every account's token until `stop`.
pub(crate) async fn watch(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let mut round = Round::new(&world.outlets, &world.ledger, &world.clock);
    loop {
        round.go(shared.leads.load(Ordering::Acquire)).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

/// A look at every account's token, again and again.
pub struct Round {
    outlets: Arc<Vec<Outlet>>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    /// What was last said of each account: once is enough.
    said: HashMap<AccountName, String>,
}

impl Round {
    /// Nothing was said yet.
    pub fn new(outlets: &Arc<Vec<Outlet>>, ledger: &Arc<dyn Ledger>, clock: &Arc<dyn Clock>) -> Self {
        Self {
            outlets: Arc::clone(outlets),
            ledger: Arc::clone(ledger),
            clock: Arc::clone(clock),
            said: HashMap::new(),
        }
    }

    /// Renews what is due, holds the accounts of tokens that are dead, and warns of those that will be. `leads`: of all
    /// replicas it is this one that speaks.
    pub async fn go(&mut self, leads: bool) {
        let outlets = Arc::clone(&self.outlets);
        for outlet in outlets.iter() {
            if let Some(token) = outlet.platform.token().filter(|token| token.is_kept()) {
                self.look_after(outlet, token, leads).await;
            }
        }
    }

    async fn look_after(&mut self, outlet: &Outlet, token: &Token, leads: bool) {
        let (account, platform) = (&outlet.account.name, outlet.account.platform);
        match token.upkeep().await {
            Ok(upkeep) => {
                if let Upkeep::Renewed(until) = upkeep {
                    let until = until.map(|until| until.to_string()).unwrap_or_default();
                    tracing::info!(event = "account.token_renewed", %account, platform, until, "the token of {account} was renewed");
                }
                self.said.remove(account);
                if leads {
                    self.warn_in_time(outlet, token).await;
                }
            }
            Err(failure) if self.said.get(account) == Some(&failure.words) => {}
            Err(failure) => {
                let why = failure.words.clone();
                self.said.insert(account.clone(), why.clone());
                if failure.class == Class::Auth {
                    self.hold(outlet, &why).await;
                } else {
                    tracing::warn!(event = "account.token_waits", %account, platform, error = why, "{account}: {why}");
                }
            }
        }
    }

    /// No post has to find out first.
    async fn hold(&self, outlet: &Outlet, why: &str) {
        let (account, platform) = (&outlet.account.name, outlet.account.platform);
        let scope = Scope::Account(account.clone());
        let why = format!("credentials refused: {why}");
        let now = self.clock.now();
        let done = self.ledger.hold(&scope, &why, BY_DAEMON, now).await;
        // The daemon hears of it as of a person's.
        match done.and(self.ledger.ring().await) {
            Ok(_) => {
                tracing::error!(event = "account.auth_failed", %account, platform, why, "{account} is held: {why}; then `steadfast release --account {account}`");
            }
            Err(e) => {
                tracing::error!(event = "ledger.failed", %account, error = %e, "that {account} has to wait can't be recorded: {e}");
            }
        }
    }

    /// Once a day.
    async fn warn_in_time(&self, outlet: &Outlet, token: &Token) {
        let (account, platform) = (&outlet.account.name, outlet.account.platform);
        let now = self.clock.now();
        let Ok(Some(stored)) = token.stored().await else {
            return;
        };
        let soon = |ends: &Timestamp| ends.duration_since(now) <= WEEK;
        let Some(ends) = token.ends(&stored).filter(soon) else {
            return;
        };
        let ledger = &self.ledger;
        let key = format!("token warned {account}");
        let Ok(before) = ledger.noted(&key).await else {
            return;
        };
        let before = before.and_then(|before| before.parse::<Timestamp>().ok());
        // A clock that was ahead has said nothing for today.
        if before.is_some_and(|before| before <= now && now.duration_since(before) < DAY) {
            return;
        }
        if ledger.note(&key, &now.to_string()).await.is_ok() {
            tracing::warn!(event = "account.token_ends", %account, platform, ends = %ends, "the token of {account} runs out at {ends} and can't be renewed: sign in before with `steadfast login {account}`");
        }
    }
}

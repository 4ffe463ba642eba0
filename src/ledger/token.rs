//! What accounts were signed in for: sealed tokens, and who may renew them. Each engine reads a row, has [`Step::from`]
//! say what becomes of it, and writes that down, in one transaction.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::post::identity::AccountName;

use super::LedgerError;

/// A token as the ledger keeps it. It can't read what is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// Whose.
    pub account: AccountName,
    /// Rises with every token that is stored for the account.
    pub version: i64,
    /// Its words.
    pub words: TokenWords,
    /// Why nobody renews it any more: a person has to sign in again.
    pub refused: Option<String>,
    /// Since when a request to renew this version may have been taken whose answer nobody has seen (reliability P11).
    pub renewing: Option<Timestamp>,
    /// Nobody else renews it before.
    pub until: Option<Timestamp>,
}

/// What a platform granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWords {
    /// As whom, in words; `None`: the platform does not say.
    pub identity: Option<String>,
    /// Sealed.
    pub access: String,
    /// Sealed.
    pub refresh: Option<String>,
    /// When it was granted.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When the refresh token ends.
    pub refresh_expires: Option<Timestamp>,
    /// The permissions, with spaces between.
    pub scopes: String,
}

/// One arrow. All but the first start from a version, and move nothing if it is another by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody signed in: what was there before is given up.
    SignedIn(TokenWords),
    /// A request to renew it is about to leave; nobody else makes one for that long.
    Begin {
        /// From.
        version: i64,
        /// Longer than any request takes.
        lease: Duration,
    },
    /// It was renewed.
    Renewed {
        /// From.
        version: i64,
        /// The new one. Its identity is the old one's.
        words: TokenWords,
    },
    /// It was not.
    NotRenewed {
        /// From.
        version: i64,
        /// The request may have been taken, and its answer was not seen.
        lost: bool,
        /// How long until somebody may ask again.
        again: Duration,
    },
    /// The platform will never renew it.
    Refused {
        /// From.
        version: i64,
        /// In its words.
        why: String,
    },
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is done. `lost`: the answer to an earlier renewal is still owed.
    Done {
        /// See above.
        lost: bool,
    },
    /// Another process renews it, or it is too early to ask again.
    NotNow,
    /// It is of another version, or refused: nothing was written.
    Otherwise,
}

/// The longest that anybody may keep others from renewing. An end further ahead was written by a clock that was wrong.
const LEASE_MAX: SignedDuration = SignedDuration::from_mins(30);

impl Step {
    /// What becomes of an account's row, and what to answer; no row: nothing is written.
    pub fn from(
        &self,
        account: &AccountName,
        row: Option<KeptToken>,
        now: Timestamp,
    ) -> (Moved, Option<KeptToken>) {
        let later = |wait: Duration| now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let fresh = |version: i64, words: &TokenWords| KeptToken {
            account: account.clone(),
            version: version.saturating_add(1),
            words: words.clone(),
            refused: None,
            renewing: None,
            until: None,
        };
        let done = |row: KeptToken| (Moved::Done { lost: false }, Some(row));
        let from = match self {
            Self::SignedIn(words) => {
                let before = row.map_or(0, |row| row.version);
                return done(fresh(before, words));
            }
            Self::Begin { version, .. }
            | Self::Renewed { version, .. }
            | Self::NotRenewed { version, .. }
            | Self::Refused { version, .. } => *version,
        };
        let same = |row: &KeptToken| row.version == from && row.refused.is_none();
        let Some(row) = row.filter(same) else {
            return (Moved::Otherwise, None);
        };
        match self {
            Self::SignedIn(_) => (Moved::Otherwise, None),
            Self::Begin { lease, .. } => {
                let taken = row
                    .until
                    .is_some_and(|until| until > now && until.duration_since(now) <= LEASE_MAX);
                if taken {
                    return (Moved::NotNow, None);
                }
                let lost = row.renewing.is_some();
                let row = KeptToken {
                    renewing: row.renewing.or(Some(now)),
                    until: Some(later(*lease)),
                    ..row
                };
                (Moved::Done { lost }, Some(row))
            }
            Self::Renewed { words, .. } => {
                let identity = row.words.identity;
                let words = TokenWords {
                    identity,
                    ..words.clone()
                };
                done(fresh(from, &words))
            }
            Self::NotRenewed { lost, again, .. } => done(KeptToken {
                renewing: row.renewing.filter(|_| *lost),
                until: Some(later(*again)),
                ..row
            }),
            Self::Refused { why, .. } => done(KeptToken {
                refused: Some(why.clone()),
                renewing: None,
                until: None,
                ..row
            }),
        }
    }
}

/// What a ledger keeps of tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Goes one step with an account's token, durable when it returns. `now` is the ledger's own where it has a clock.
    async fn step_token(
        &self,
        account: &AccountName,
        step: Step,
        now: Timestamp,
    ) -> Result<Moved, LedgerError>;
    /// All there are, by their accounts' names; those of one account where it is named.
    async fn tokens(&self, account: Option<&AccountName>) -> Result<Vec<KeptToken>, LedgerError>;
}

/// Columns of `token` in the order in which rows are read and written.
pub(super) const COLUMNS: &str = "account, version, identity, access, refresh, issued, expires, refresh_expires, scopes, refused, renewing, until";

//! Accounts: as whom, until when, what each can promise, and what is wrong with it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::daemon::trouble::{ends, ills};
use crate::daemon::{granted_key, identity_key};
use crate::ledger::token::KeptToken;
use crate::ledger::{Hold, Ledger};
use crate::platform::sign_in::Way;
use crate::platform::{self, Granted};
use crate::post::identity::AccountName;
use crate::settings::AccountSettings;
use crate::text::limits::{Doubt, Limits};

use super::{Failed, Office};

/// An account, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
pub struct Row {
    pub account: String,
    pub platform: &'static str,
    /// As whom; None: nobody knows yet.
    pub identity: Option<String>,
    /// When its token ends, if nobody signs in again.
    pub until: Option<Timestamp>,
    pub permissions: Vec<String>,
    /// What is not done for want of a permission, one sentence each; posting is not among it.
    pub lacks: Vec<String>,
    pub promise: Promise,
    /// One sentence each.
    pub wrong: Vec<String>,
}

/// What an account can promise of whatever it posts whose answer was lost; the later, the weaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Promise {
    /// The platform knows a repeat, or can be asked for the very one.
    #[serde(rename = "never twice")]
    NeverTwice,
    /// It is looked for among what the account has posted.
    #[serde(rename = "read back")]
    ReadBack,
    /// Only a person can tell.
    #[serde(rename = "may need you")]
    MayNeedYou,
    /// It is sent again: the operators would rather have it twice than not.
    #[serde(rename = "may be twice")]
    MayBeTwice,
}

impl Promise {
    /// The weakest of what holds there of posts, of shares and of answers. `reads`: the account may look for what it has
    /// posted.
    fn of(limits: &Limits, reads: bool) -> Self {
        let of = |shares, answers| Self::about(limits.doubt_about(shares, answers), reads);
        of(false, false).max(of(true, false)).max(of(false, true))
    }

    /// By how doubt ends.
    fn about(doubt: Doubt, reads: bool) -> Self {
        match doubt {
            Doubt::ReadBack { .. } | Doubt::Key { then: Some(_), .. } if !reads => Self::MayNeedYou,
            Doubt::Key { .. } | Doubt::OwnId | Doubt::TwoSteps { .. } => Self::NeverTwice,
            Doubt::ReadBack { .. } => Self::ReadBack,
            Doubt::Ask => Self::MayNeedYou,
        }
    }

    /// In plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NeverTwice => "never twice",
            Self::ReadBack => "read back",
            Self::MayNeedYou => "may need you",
            Self::MayBeTwice => "may be twice",
        }
    }
}

/// What the account's credentials may do, as the platform said when it was last asked.
pub async fn granted(ledger: &dyn Ledger, account: &AccountName) -> Result<Option<Granted>, Failed> {
    let noted = ledger.noted(&granted_key(account)).await?;
    Ok(noted.and_then(|noted| serde_json::from_str(&noted).ok()))
}

/// By the server's software and by what the credentials may do, as far as both were asked, and by what the operators
/// say.
pub fn promise_of(office: &Office, account: &AccountSettings, granted: Option<&Granted>) -> Promise {
    use crate::settings::InDoubt;
    let vault = office.settings.state_folder();
    let limits = platform::find(account.platform).map_or_else(platform::sandbox::limits, |entry| {
        (entry.known_limits)(&account.keys, &vault, &account.name)
    });
    let reads = granted.is_none_or(|granted| granted.reads);
    match (account.in_doubt, Promise::of(&limits, reads)) {
        (InDoubt::Auto, promise) => promise,
        (InDoubt::Hold, _) => Promise::MayNeedYou,
        (InDoubt::Resend, Promise::NeverTwice) => Promise::NeverTwice,
        (InDoubt::Resend, _) => Promise::MayBeTwice,
    }
}

/// All accounts, in the order of the config.
pub async fn rows(office: &Office, ledger: Option<&dyn Ledger>) -> Result<Vec<Row>, Failed> {
    let (mut tokens, holds) = match &ledger {
        Some(ledger) => (ledger.tokens(None).await?, office.holds(Some(*ledger)).await?),
        None => (Vec::new(), office.holds(None).await?),
    };
    let now = office.clock.now();
    let mut rows = Vec::new();
    for account in &office.settings.accounts {
        let found = tokens.iter().position(|token| token.account == account.name);
        let token = found.map(|found| tokens.swap_remove(found));
        let (noted, granted) = match ledger {
            Some(ledger) => (
                ledger.noted(&identity_key(&account.name)).await?,
                granted(ledger, &account.name).await?,
            ),
            None => (None, None),
        };
        rows.push(row(office, account, token, noted, granted.as_ref(), &holds, now));
    }
    Ok(rows)
}

fn row(
    office: &Office,
    account: &AccountSettings,
    token: Option<KeptToken>,
    noted: Option<String>,
    granted: Option<&Granted>,
    holds: &[Hold],
    now: Timestamp,
) -> Row {
    let token = token.filter(|_| account.signs_in());
    let until = token.as_ref().and_then(|token| ends(account, token));
    let ills = ills(account, token.as_ref(), holds, now);
    let identity = token
        .as_ref()
        .and_then(|token| token.words.identity.clone())
        .or(noted);
    let scopes = token.as_ref().map_or("", |token| token.words.scopes.as_str());
    let permissions: Vec<String> = match granted {
        Some(granted) => granted.permissions.clone(),
        None => scopes.split_whitespace().map(str::to_owned).collect(),
    };
    let sign_in = platform::find(account.platform).and_then(|entry| (entry.sign_in)(&account.keys));
    let lacks = match sign_in.map(|sign_in| sign_in.way) {
        Some(Way::Code(oauth)) if token.is_some() => oauth.lacks(&permissions),
        _ => Vec::new(),
    };
    let mut wrong: Vec<String> = ills.iter().map(|ill| ill.words(&account.name)).collect();
    let missing = granted.into_iter().flat_map(|granted| &granted.missing);
    wrong.extend(missing.map(|missing| format!("{missing} (when the platform was last asked)")));
    Row {
        account: account.name.to_string(),
        platform: account.platform,
        identity,
        until,
        permissions,
        lacks,
        promise: promise_of(office, account, granted),
        wrong,
    }
}

/// The end of an account's token, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct TokenState {
    /// When it ends, if nobody signs in again.
    pub until: Option<Timestamp>,
    /// One sentence each.
    pub wrong: Vec<String>,
}

/// Of all accounts whose token is one that somebody signs in for.
pub async fn tokens(
    office: &Office,
    ledger: Option<&dyn Ledger>,
) -> Result<BTreeMap<AccountName, TokenState>, Failed> {
    let tokens = match ledger {
        Some(ledger) => ledger.tokens(None).await?,
        None => Vec::new(),
    };
    let now = office.clock.now();
    let signed_in = office
        .settings
        .accounts
        .iter()
        .filter(|account| account.signs_in());
    let state = |account: &AccountSettings| {
        let token = tokens.iter().find(|token| token.account == account.name);
        let until = token.and_then(|token| ends(account, token));
        let ills = ills(account, token, &[], now);
        let wrong = ills.iter().map(|ill| ill.words(&account.name)).collect();
        (account.name.clone(), TokenState { until, wrong })
    };
    Ok(signed_in.map(state).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::limits::{BLUESKY, INSTAGRAM, THREADS, X};

    #[test]
    fn an_account_promises_no_more_than_holds_of_all_that_it_posts() {
        for (limits, reads, promise) in [
            (BLUESKY, true, Promise::NeverTwice),
            (X, true, Promise::ReadBack),
            (X, false, Promise::MayNeedYou),
            // A post by its container, but a repost or a comment by looking for it.
            (THREADS, true, Promise::ReadBack),
            (INSTAGRAM, true, Promise::ReadBack),
        ] {
            assert_eq!(Promise::of(&limits, reads), promise, "{}", limits.platform);
        }
    }
}

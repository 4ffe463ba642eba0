//! Accounts: as whom, until when, what each can promise, and what is wrong with it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::daemon::identity_key;
use crate::daemon::trouble::{ends, ills};
use crate::ledger::token::KeptToken;
use crate::ledger::{Hold, Ledger};
use crate::platform;
use crate::settings::AccountSettings;
use crate::text::limits::Doubt;

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
    pub promise: Promise,
    /// One sentence each.
    pub wrong: Vec<String>,
}

/// What an account can promise of a post whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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
    fn of(platform: Doubt) -> Self {
        match platform {
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

/// By the server's software, as far as it was asked, and by what the operators say.
pub fn promise_of(office: &Office, account: &AccountSettings) -> Promise {
    use crate::settings::InDoubt;
    let vault = office.settings.state_folder();
    let limits = platform::find(account.platform).map_or_else(platform::sandbox::limits, |entry| {
        (entry.known_limits)(&account.keys, &vault, &account.name)
    });
    match (account.in_doubt, Promise::of(limits.doubt)) {
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
        let noted = match &ledger {
            Some(ledger) => ledger.noted(&identity_key(&account.name)).await?,
            None => None,
        };
        rows.push(row(office, account, token, noted, &holds, now));
    }
    Ok(rows)
}

fn row(
    office: &Office,
    account: &AccountSettings,
    token: Option<KeptToken>,
    noted: Option<String>,
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
    Row {
        account: account.name.to_string(),
        platform: account.platform,
        identity,
        until,
        permissions: scopes.split_whitespace().map(str::to_owned).collect(),
        promise: promise_of(office, account),
        wrong: ills.iter().map(|ill| ill.words(&account.name)).collect(),
    }
}

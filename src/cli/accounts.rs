//! `steadfast accounts`: each account, as whom, until when, what it can promise, and what is wrong with it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::daemon::identity_key;
use crate::ledger::token::KeptToken;
use crate::ledger::{Hold, Scope};
use crate::platform;
use crate::platform::sign_in::{Renewal, Way};
use crate::settings::AccountSettings;
use crate::text::limits::Doubt;

use super::args::Format;
use super::{Exit, Failed, Office, print_json, print_line, table};

#[derive(Serialize)]
struct Row {
    account: String,
    platform: &'static str,
    /// As whom; None: nobody knows yet.
    identity: Option<String>,
    /// When its token ends, if nobody signs in again.
    until: Option<Timestamp>,
    permissions: Vec<String>,
    promise: Promise,
    /// One sentence each.
    wrong: Vec<String>,
}

/// What an account can promise of a post whose answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Promise {
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
pub(super) fn promise_of(office: &Office, account: &AccountSettings) -> Promise {
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

pub(super) async fn accounts(office: &Office, format: Format) -> Result<Exit, Failed> {
    let ledger = office.ledger_if_any().await?;
    let (mut tokens, holds) = match &ledger {
        Some(ledger) => (ledger.tokens(None).await?, office.holds(Some(&**ledger)).await?),
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
    let well = rows.iter().all(|row| row.wrong.is_empty());
    match format {
        Format::Json => print_json(&rows),
        Format::Table => show(&rows),
    }
    Ok(if well { Exit::Done } else { Exit::Wrong })
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
        wrong: wrong(account, token.as_ref(), until, holds, now),
    }
}

fn ends(account: &AccountSettings, token: &KeptToken) -> Option<Timestamp> {
    let sign_in = (platform::find(account.platform)?.sign_in)(&account.keys)?;
    let by_refresh =
        matches!(sign_in.way, Way::Code(oauth) if matches!(oauth.renewal, Renewal::RefreshToken { .. }));
    if by_refresh && token.words.refresh.is_some() {
        token.words.refresh_expires
    } else {
        token.words.expires
    }
}

fn wrong(
    account: &AccountSettings,
    token: Option<&KeptToken>,
    until: Option<Timestamp>,
    holds: &[Hold],
    now: Timestamp,
) -> Vec<String> {
    let name = &account.name;
    let login = format!("`steadfast login {name}`");
    let mut wrong = Vec::new();
    match token {
        None if account.signs_in() => wrong.push(format!("nobody has signed in yet: {login}")),
        None => {}
        Some(token) => {
            if let Some(why) = &token.refused {
                wrong.push(format!("{why}: {login}"));
            } else if let Some(until) = until.filter(|until| *until <= now) {
                wrong.push(format!("its token ran out at {until}: {login}"));
            } else if let Some(until) = until.filter(|until| until.duration_since(now) <= WEEK) {
                wrong.push(format!("its token runs out at {until}: {login}"));
            }
        }
    }
    let of_it = Scope::Account(name.clone());
    let held = holds
        .iter()
        .filter(|hold| hold.scope == of_it && hold.released.is_none());
    wrong.extend(held.map(|hold| format!("held by {}: {}", hold.by, hold.why)));
    wrong
}

/// From when on it is said.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

fn show(rows: &[Row]) {
    let mut accounts = table::table(&[
        "account",
        "platform",
        "as",
        "until",
        "permissions",
        "a lost answer",
        "wrong",
    ]);
    for row in rows {
        accounts.add_row([
            row.account.clone(),
            row.platform.to_owned(),
            row.identity.clone().unwrap_or_else(|| "—".to_owned()),
            row.until.map_or_else(
                || "—".to_owned(),
                |until| table::local(until, &jiff::tz::TimeZone::UTC),
            ),
            row.permissions.join(" "),
            row.promise.words().to_owned(),
            row.wrong.join("; "),
        ]);
    }
    print_line(&table::text(accounts));
}

//! What is looked at before and after somebody says stop.

use std::time::Duration;

use crate::ledger::{Filter, Ledger, Post, Scope};
use crate::post::identity::{AccountName, MessageId};
use crate::post::state::State;

use super::say::{covers, meant};
use super::{Failed, Office};

/// How long the running daemon is waited for; it listens all the time.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What is being sent at this moment and a hold of `scope` would have stopped.
pub async fn on_their_way(ledger: &dyn Ledger, scope: &Scope) -> Result<Vec<Post>, Failed> {
    let mut posts = ledger.in_state(State::Sending, u32::MAX).await?;
    posts.retain(|post| covers(scope, post));
    Ok(posts)
}

/// A hold of a mistyped name would stop nothing. `Some`: whether there is such a message can't be told, because
/// of this; a hold must work even then.
pub async fn known(office: &Office, scope: &Scope, ledger: &dyn Ledger) -> Result<Option<String>, Failed> {
    match scope {
        Scope::All => Ok(None),
        Scope::Account(name) => known_account(office, name).map(|()| None),
        Scope::Message(id) => {
            let before = Filter {
                message: Some(id.to_string()),
                limit: Some(1),
                ..Filter::default()
            };
            let posted = !ledger.history(&before).await?.is_empty();
            if posted {
                Ok(None)
            } else {
                known_message(office, id)
            }
        }
    }
}

fn known_account(office: &Office, name: &AccountName) -> Result<(), Failed> {
    let accounts = &office.settings.accounts;
    if accounts.iter().any(|account| account.name == *name) {
        return Ok(());
    }
    let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
    let meant = meant(name.as_str(), names.iter().copied());
    let all = names.join(", ");
    Err(Failed::Usage(format!(
        "there is no account `{name}`{meant}; there are {all}"
    )))
}

fn known_message(office: &Office, id: &MessageId) -> Result<Option<String>, Failed> {
    let campaign = match office.read_files().map(|files| files.assembled.campaign) {
        Ok(Ok(campaign)) => campaign,
        Ok(Err(why)) => return Ok(Some(why)),
        Err(unreadable) => return Ok(Some(unreadable.to_string())),
    };
    let ids = || {
        let read = campaign.messages.iter().map(|message| &message.id);
        read.chain(campaign.blocked.keys())
    };
    if ids().any(|known| known == id) {
        return Ok(None);
    }
    if let Some((file, why)) = campaign.broken_files.first_key_value() {
        return Ok(Some(format!("{file} cannot be read: {why}")));
    }
    let meant = meant(id.as_str(), ids().map(MessageId::as_str));
    Err(Failed::Usage(format!(
        "there is no message `{id}`{meant}, and nothing of it was ever posted"
    )))
}

/// Rings, and waits until every daemon that may send has heard; without one there is nobody to wait for. Returns
/// those that did not answer.
pub async fn heard(ledger: &dyn Ledger) -> Result<Vec<String>, Failed> {
    let bell = ledger.ring().await?;
    let mut silent = Vec::new();
    let listening = async {
        loop {
            let daemons = ledger.daemons().await?;
            silent = daemons
                .into_iter()
                .filter(|daemon| daemon.heard < bell)
                .map(|daemon| daemon.name)
                .collect();
            if silent.is_empty() {
                return Ok::<(), Failed>(());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, listening).await {
        Ok(Ok(())) => Ok(Vec::new()),
        Ok(Err(_)) => Ok(vec!["the ledger".to_owned()]),
        Err(_) => Ok(silent),
    }
}

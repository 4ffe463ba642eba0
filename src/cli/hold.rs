//! `hold` and `release`.

use std::time::Duration;

use crate::ledger::sqlite::{Lock, Sqlite};
use crate::ledger::{Ledger, Scope};
use crate::post::state::State;

use super::args::ScopeArgs;
use super::{Exit, Failed, Office, print_line, speaker};

/// How long the running daemon is waited for; it listens five times a second.
const PATIENCE: Duration = Duration::from_secs(3);

fn scope(args: &ScopeArgs) -> Result<Scope, Failed> {
    let bad = |e: crate::post::identity::NameError| Failed::Usage(format!("that is no name: {e}"));
    Ok(match (&args.account, &args.message) {
        (Some(name), _) => Scope::Account(name.parse().map_err(bad)?),
        (_, Some(id)) => Scope::Message(id.parse().map_err(bad)?),
        (None, None) => Scope::All,
    })
}

pub(super) async fn hold(office: &Office, args: &ScopeArgs, why: &str) -> Result<Exit, Failed> {
    let scope = scope(args)?;
    known(office, &scope)?;
    let ledger = office.ledger().await?;
    ledger.hold(&scope, why, &speaker(), office.clock.now()).await?;
    let heard = heard(office, &ledger).await?;
    print_line(&format!("{scope} is held: {why}"));
    if !heard {
        print_line(
            "the daemon is slow to answer, but it can't begin anything new: every request needs the ledger's leave",
        );
    }
    for post in ledger.in_state(State::Sending, 1000).await? {
        if covers(&scope, &post) {
            print_line(&format!(
                "was already on its way: {} to {} (post {})",
                post.message, post.account, post.id
            ));
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn release(office: &Office, args: &ScopeArgs) -> Result<Exit, Failed> {
    let scope = scope(args)?;
    let ledger = office.ledger().await?;
    let holds = ledger.holds().await?;
    let released = ledger
        .release(&scope, &speaker(), None, office.clock.now())
        .await?;
    heard(office, &ledger).await?;
    if released == 0 {
        let others: Vec<String> = holds
            .iter()
            .map(|hold| format!("{} ({})", hold.scope, hold.why))
            .collect();
        let others = if others.is_empty() {
            "nothing is".to_owned()
        } else {
            others.join(", ")
        };
        return Err(Failed::Wrong(format!("{scope} is not held; {others}")));
    }
    print_line(&format!("{scope} is released"));
    if holds
        .iter()
        .any(|hold| hold.scope == scope && hold.by == crate::ledger::BY_FILE)
    {
        print_line(
            "the campaign file still says `hold`: take it out there, or it holds again when that file changes",
        );
    }
    for hold in holds.iter().filter(|hold| hold.scope != scope) {
        print_line(&format!("still held: {}: {}", hold.scope, hold.why));
    }
    let waiting = ledger.in_state(State::Held, 1000).await?.len();
    if waiting > 0 {
        print_line(&format!(
            "{waiting} held posts wait for a word each: `steadfast history --state held`"
        ));
    }
    Ok(Exit::Done)
}

/// A hold of a mistyped name would stop nothing.
fn known(office: &Office, scope: &Scope) -> Result<(), Failed> {
    match scope {
        Scope::Account(name)
            if !office
                .settings
                .accounts
                .iter()
                .any(|account| account.name == *name) =>
        {
            let names: Vec<&str> = office
                .settings
                .accounts
                .iter()
                .map(|account| account.name.as_str())
                .collect();
            Err(Failed::Usage(format!(
                "there is no account `{name}`; there are {}",
                names.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

fn covers(scope: &Scope, post: &crate::ledger::Post) -> bool {
    match scope {
        Scope::All => true,
        Scope::Account(name) => post.account == *name,
        Scope::Message(id) => post.message == *id,
    }
}

/// Rings, and waits until the running daemon has heard; without one there is nobody to wait for.
async fn heard(office: &Office, ledger: &Sqlite) -> Result<bool, Failed> {
    let bell = ledger.ring().await?;
    if !Lock::is_taken(&office.settings.ledger) {
        return Ok(true);
    }
    let listening = async {
        while ledger.last_heard().await? < bell {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok::<(), Failed>(())
    };
    Ok(tokio::time::timeout(PATIENCE, listening)
        .await
        .is_ok_and(|done| done.is_ok()))
}

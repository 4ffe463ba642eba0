//! `steadfast ledger check`: the pages, the record's hashes, the rows.

use std::sync::Arc;

use crate::cli::evidence::{Chains, each};
use crate::cli::{Exit, Failed, Office, complain, print_line};
use crate::ledger::{Ledger, LedgerError};

pub(super) async fn check(office: &Office) -> Result<Exit, Failed> {
    let Some(ledger) = office.ledger_if_any().await? else {
        return Err(LedgerError::Missing(office.place()?.to_string()).into());
    };
    // With damaged pages, whatever else is read means nothing.
    if let Err(damaged) = ledger.check().await {
        return Err(Failed::Wrong(damaged.to_string()));
    }
    let mut wrong = Vec::new();
    let missing = ledger.missing().await?;
    if missing > 0 {
        wrong.push(format!(
            "it is older than the one last used here: requests of {missing} moments are missing from it; the next start holds everything"
        ));
    }
    let campaign = ledger.noted("campaign").await?;
    let mut chains = Chains::of(campaign.and_then(|campaign| campaign.parse().ok()));
    let mut broken = None;
    each(&*ledger, |event| {
        if broken.is_none() {
            broken = chains.follow(event).err();
        }
        Ok(())
    })
    .await?;
    wrong.extend(broken.map(|why| format!("the record: {why}")));
    wrong.extend(ledger.oddities().await?);
    if wrong.is_empty() {
        print_line(&format!("the ledger is sound; the record: {}", chains.summary()));
        return tokens(office, ledger).await;
    }
    for why in &wrong {
        print_line(why);
    }
    complain(
        "error: the ledger is not as steadfast wrote it; keep it as it is, and put a backup in its place (docs/operators/backup.md)",
    );
    Ok(Exit::Wrong)
}

/// Whether each sealed token opens with the key that there is.
async fn tokens(office: &Office, ledger: Arc<dyn Ledger>) -> Result<Exit, Failed> {
    let kept = ledger.tokens(None).await?;
    if kept.is_empty() {
        return Ok(Exit::Done);
    }
    let keeper = office.keeper(ledger)?;
    let mut exit = Exit::Done;
    for token in kept {
        let account = token.account.clone();
        match keeper.opened(token) {
            Ok(_) => print_line(&format!("the token of {account} opens with `ledger.key`")),
            Err(closed) => {
                exit = Exit::Wrong;
                print_line(&format!("the token of {account}: {}", closed.words));
            }
        }
    }
    if exit == Exit::Wrong {
        complain(
            "error: put the key back with which they were sealed, or sign in again with `steadfast login ACCOUNT`",
        );
    }
    Ok(exit)
}

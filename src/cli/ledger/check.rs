//! `steadfast ledger check`: the pages, the record's hashes, the rows.

use crate::cli::evidence::{Chains, each};
use crate::cli::{Exit, Failed, Office, complain, print_line};
use crate::ledger::LedgerError;

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
        return Ok(Exit::Done);
    }
    for why in &wrong {
        print_line(why);
    }
    complain(
        "error: the ledger is not as steadfast wrote it; keep it as it is, and put a backup in its place (docs/operators/backup.md)",
    );
    Ok(Exit::Wrong)
}

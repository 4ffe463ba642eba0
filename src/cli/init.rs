//! `steadfast init`: the ledger of a campaign with real accounts.

use crate::ledger::Ledger;
use crate::ledger::sqlite::Sqlite;

use super::{Exit, Failed, Office, print_line};

pub(super) async fn init(office: &Office) -> Result<Exit, Failed> {
    let path = &office.settings.ledger;
    if path.exists() {
        return Err(Failed::Wrong(format!(
            "there is a ledger at {} already; it knows what was posted, so it is left alone",
            path.display()
        )));
    }
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let ledger = Sqlite::create(path).await?;
    ledger.belongs_to(&campaign.settings.id).await?;
    // What was due before this moment is not made up.
    ledger
        .know(
            campaign
                .messages
                .iter()
                .map(|message| message.id.clone())
                .collect(),
            office.clock.now(),
        )
        .await?;
    print_line(&format!(
        "made the ledger of {} at {}",
        campaign.settings.name,
        path.display()
    ));
    print_line("`steadfast plan` shows what goes out when; `steadfast run` posts it");
    Ok(Exit::Done)
}

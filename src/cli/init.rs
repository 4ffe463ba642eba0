//! `steadfast init`: the ledger of a campaign with real accounts.

use crate::ledger::open::belongs_to;

use super::{Exit, Failed, Office, print_line};

pub(super) async fn init(office: &Office) -> Result<Exit, Failed> {
    let place = office.place()?;
    if place.is_taken().await? {
        return Err(Failed::Wrong(format!(
            "there is a ledger at {place} already; it knows what was posted, so it is left alone"
        )));
    }
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let ledger = place.create().await?;
    belongs_to(&*ledger, &campaign.settings.id).await?;
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
        "made the ledger of {} at {place}",
        campaign.settings.name
    ));
    print_line("`steadfast plan` shows what goes out when; `steadfast run` posts it");
    Ok(Exit::Done)
}

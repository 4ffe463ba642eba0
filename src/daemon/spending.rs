//! What the accounts have spent this month, by what the ledger says was posted there.

use jiff::Timestamp;

use crate::calendar::bill::Tally;
use crate::campaign::{Account, Campaign};
use crate::ledger::{Filter, Ledger, LedgerError};
use crate::post::cost::is_charged;

/// All that is recorded of these accounts and due since this month began, at the prices of now. Nothing is read for
/// those whose platform charges nothing.
pub async fn spending(
    ledger: &dyn Ledger,
    campaign: &Campaign,
    accounts: impl IntoIterator<Item = &Account>,
    now: Timestamp,
) -> Result<Tally, LedgerError> {
    let mut tally = Tally::new(campaign.settings.zone.clone());
    let charged = accounts.into_iter().filter(|account| account.charge.is_some());
    for account in charged {
        let this_month = Filter {
            since: Some(tally.month_began(now)),
            account: Some(account.name.to_string()),
            ..Filter::default()
        };
        for post in ledger.history(&this_month).await? {
            if is_charged(post.standing.state, post.attempts) {
                tally.charge(&account.name, post.due, account.cost(&post.content));
            }
        }
    }
    Ok(tally)
}

//! What a plan has to know of what was posted.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::calendar::past::{Past, Variants};
use crate::campaign::Campaign;
use crate::campaign::message::When;
use crate::ledger::{Ledger, LedgerError};
use crate::post::identity::MessageId;

/// Messages whose turns the planner asks about: those that recur, and those that others wait for.
pub fn asked(campaign: &Campaign) -> Vec<MessageId> {
    let mut asked = BTreeSet::new();
    for message in &campaign.messages {
        match &message.when {
            When::Cron(_) => drop(asked.insert(message.id.clone())),
            When::After { message: target, .. } => drop(asked.insert(target.clone())),
            _ => {}
        }
        asked.extend(message.reply_to.clone());
    }
    // Before the ledger has been told of a rename, all is kept under the old name.
    let renames = campaign.renames().into_iter();
    let former = renames
        .filter(|(_, new)| asked.contains(*new))
        .map(|(old, _)| old.clone());
    let former: Vec<MessageId> = former.collect();
    asked.extend(former);
    asked.into_iter().collect()
}

/// What was said last of the messages with variants.
pub async fn variants_said(ledger: &dyn Ledger, campaign: &Campaign) -> Result<Variants, LedgerError> {
    let varied = campaign.messages.iter().filter(|message| message.has_variants());
    let varied: Vec<MessageId> = varied.flat_map(|message| message.names()).cloned().collect();
    if varied.is_empty() {
        return Ok(Variants::new());
    }
    ledger.variants(&varied).await
}

/// All that a plan needs to know of what was posted, for whoever only looks.
///
/// # Errors
/// If the ledger can't be read.
pub async fn past_of(ledger: &dyn Ledger, campaign: &Campaign, now: Timestamp) -> Result<Past, LedgerError> {
    let past = ledger.past(&asked(campaign), now).await?;
    let past = Past {
        recorded: ledger.recorded().await?,
        variants: variants_said(ledger, campaign).await?,
        ..past
    };
    Ok(past.renamed(&campaign.renames()))
}

//! The files say that messages were called something else before: the ledger is told, so that what it knows of them
//! goes with the new names.

use crate::ledger::{LedgerError, Rename};

use super::Planner;

impl Planner {
    /// Tells it once of each, until another process has planned.
    pub(super) async fn rename(&mut self) -> Result<(), LedgerError> {
        let campaign = self.shared.campaign();
        let names = campaign.renames().into_iter().map(|(from, to)| Rename {
            from: from.clone(),
            to: to.clone(),
        });
        let names: Vec<Rename> = names.filter(|name| !self.renamed.contains(name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        let now = self.world.clock.now();
        // What may not go out under its new name must not go out in the moment between.
        self.block(&campaign, now).await;
        let ledger = &self.world.ledger;
        let done = ledger.rename(&campaign.settings.id, names.clone(), now).await?;
        for renamed in &done {
            let (from, to, posts, holds) = (&renamed.from, &renamed.to, renamed.posts, renamed.holds);
            tracing::info!(event = "message.renamed", message_id = %to, from = %from, posts, holds,
                "{from} is {to} now, and what is known of it goes with it; posts: {posts}, holds: {holds}");
        }
        self.past.recorded = ledger.recorded().await?;
        if !done.is_empty() {
            // Holds are looked at by message.
            ledger.ring().await?;
        }
        self.renamed.extend(names);
        Ok(())
    }
}

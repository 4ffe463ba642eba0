//! People's words: holds and releases, from commands and from the campaign file, heard within a second.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ledger::{BY_FILE, LedgerError, Scope};

use super::{Shared, World, report};

/// Listens until `stop`.
pub(crate) async fn listen(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let mut campaign = shared.campaign.clone();
    let mut heard = None;
    loop {
        let changed = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = campaign.changed() => changed.is_ok(),
            () = world.ledger.listen() => false,
        };
        let done = async {
            if changed {
                follow_file(&world, &shared).await?;
            }
            let bell = world.ledger.bell().await?;
            if changed || heard != Some(bell) {
                refresh(&world, &shared).await?;
                world.ledger.heard(bell).await?;
                heard = Some(bell);
                shared.look.notify_one();
                shared.went_out.notify_one();
            }
            Ok::<(), LedgerError>(())
        };
        if let Err(e) = done.await {
            tracing::error!(event = "ledger.failed", error = %e, "holds can't be read: {e}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// `hold = "…"` in the `[campaign]` table is a hold of everything, and its removal the release.
pub(crate) async fn follow_file(world: &World, shared: &Shared) -> Result<(), LedgerError> {
    let now = world.clock.now();
    let wanted = shared.campaign().settings.hold.clone();
    let holds = world.ledger.holds().await?;
    let in_force = holds
        .iter()
        .find(|hold| hold.by == BY_FILE && hold.released.is_none());
    match (wanted, in_force) {
        (Some(why), Some(hold)) if hold.why == why => {}
        (Some(why), _) => {
            world.ledger.hold(&Scope::All, &why, BY_FILE, now).await?;
        }
        (None, Some(_)) => {
            world
                .ledger
                .release(&Scope::All, BY_FILE, Some(BY_FILE), now)
                .await?;
        }
        (None, None) => {}
    }
    Ok(())
}

/// Takes the holds in force from the ledger, settles those that were released, and says what changed.
pub(crate) async fn refresh(world: &World, shared: &Shared) -> Result<(), LedgerError> {
    let holds = world.ledger.holds().await?;
    let before = shared.holds.borrow().clone();
    for hold in holds.iter().filter(|hold| {
        !before
            .iter()
            .any(|known| known.id == hold.id && known.why == hold.why)
    }) {
        let (scope, why, by) = (&hold.scope, &hold.why, &hold.by);
        tracing::warn!(event = "hold.set", scope = %scope, why, by, "{scope} is held by {by}: {why}");
    }
    shared.holds.send_replace(Arc::new(holds.clone()));
    for hold in holds.iter().filter(|hold| hold.released.is_some()) {
        let after = shared.campaign().settings.after_hold;
        let now = world.clock.now();
        for post in world.ledger.settle(hold, after, now).await? {
            report::settled(&post);
        }
        let (scope, why) = (&hold.scope, &hold.why);
        tracing::info!(event = "hold.released", scope = %scope, why, "{scope} is released; it was held because: {why}");
    }
    if holds.iter().any(|hold| hold.released.is_some()) {
        shared.holds.send_replace(Arc::new(world.ledger.holds().await?));
    }
    Ok(())
}

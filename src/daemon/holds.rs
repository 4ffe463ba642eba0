//! People's words: holds and releases, from commands and from the campaign file, heard within a second.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::campaign::AfterHold;
use crate::ledger::{BY_FILE, BY_ROLLBACK, Hold, LedgerError, Scope};

use super::{Shared, World, report};

/// Listens until `stop`.
pub(crate) async fn listen(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let mut campaign = shared.campaign.clone();
    let mut heard = None;
    // The files changed, and the ledger does not know yet what they say of holds.
    let mut files = false;
    loop {
        let mut brake = false;
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = campaign.changed() => {
                files |= changed.is_ok();
                shared.files.notify_one();
            }
            () = world.brake.news() => brake = true,
            () = world.ledger.listen() => {}
        }
        let done = async {
            if files {
                follow_file(&world, &shared).await?;
            }
            if brake {
                follow_brake(&world, &shared).await?;
            }
            let bell = world.ledger.bell().await?;
            if let Some(gate) = shared.gate.as_ref().filter(|_| heard != Some(bell)) {
                gate.hear(&world).await?;
            }
            if files || brake || heard != Some(bell) {
                refresh(&world, &shared).await?;
                world.ledger.heard(bell).await?;
                heard = Some(bell);
                shared.look.notify_one();
                shared.went_out.notify_one();
            }
            Ok::<(), LedgerError>(())
        };
        match done.await {
            Ok(()) => files = false,
            Err(e) => {
                tracing::error!(event = "ledger.failed", error = %e, "holds can't be read: {e}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
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
                .release(&Scope::All, BY_FILE, Some(BY_FILE), None, now)
                .await?;
        }
        (None, None) => {}
    }
    Ok(())
}

/// What the brake stopped becomes a hold, so that it survives us; where its file is gone, the hold is released.
pub(crate) async fn follow_brake(world: &World, shared: &Shared) -> Result<(), LedgerError> {
    let (ledger, brake) = (&world.ledger, &world.brake);
    let new = brake.unrecorded();
    for hold in &new {
        ledger.hold(&hold.scope, &hold.why, &hold.by, hold.since).await?;
    }
    if !new.is_empty() {
        // In force by the ledger before the brake lets go.
        refresh(world, shared).await?;
        brake.recorded(&new);
    }
    let mut holds = ledger.holds().await?;
    holds.retain(|hold| hold.released.is_none() && brake.has_let_go(hold));
    for hold in holds {
        let (by, now) = (hold.by.as_str(), world.clock.now());
        ledger.release(&hold.scope, by, Some(by), None, now).await?;
        brake.forget(by);
    }
    Ok(())
}

/// Takes the holds in force from the ledger, settles those that were released, and says what changed.
pub(crate) async fn refresh(world: &World, shared: &Shared) -> Result<(), LedgerError> {
    let holds = world.ledger.holds().await?;
    // In force before it is said: what is under way then is all that can still arrive.
    let before = shared.holds.send_replace(Arc::new(holds.clone()));
    let known = |hold: &Hold| {
        before
            .iter()
            .any(|known| known.id == hold.id && known.why == hold.why)
    };
    for hold in holds
        .iter()
        .filter(|hold| !known(hold) && !world.brake.has_said(hold))
    {
        report::held(hold, &shared.under_way.of(&hold.scope));
    }
    for hold in holds.iter().filter(|hold| hold.released.is_some()) {
        // What may be out already is never sent by itself.
        let after = match hold.by.as_str() {
            BY_ROLLBACK => AfterHold::Review,
            _ => shared.campaign().settings.after_hold,
        };
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

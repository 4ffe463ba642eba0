//! What somebody who is gone left behind: an intent without an answer is in doubt.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::ledger::{BY_ROLLBACK, Conclusion, LedgerError, Scope};
use crate::post::state::State;
use crate::post::step::{Action, Event, step};
use crate::text::limits::Doubt;

use super::deliver::terms_of;
use super::{Shared, World};

/// How often a lost replica is looked for.
const LOOK: Duration = Duration::from_secs(5);

/// A ledger that is older than it was does not know what went out since, and would send it again: everything is
/// held until a person has looked (reliability §2.7, S8, S9).
pub(crate) async fn rollback(world: &World) -> Result<(), LedgerError> {
    let ledger = &world.ledger;
    let missing = ledger.missing().await?;
    if missing == 0 {
        return Ok(());
    }
    let newest = ledger.newest().await?.unwrap_or(Timestamp::UNIX_EPOCH);
    // What waited when the copy was made may be out as well.
    let mut since = newest;
    for state in [State::Due, State::Retrying] {
        let oldest = ledger.in_state(state, 1).await?;
        since = oldest.iter().map(|post| post.due).fold(since, Timestamp::min);
    }
    let why = format!(
        "this ledger is older than the one last used here and does not know what went out since {newest}: look at each \
         account, make drafts of queued, breaking and evergreen messages that are out, then `steadfast release`; what fell due waits for a \
         word each, `skip` or `retry`"
    );
    tracing::error!(event = "ledger.older", missing, since = %newest, "everything is held: {why}");
    ledger.hold(&Scope::All, &why, BY_ROLLBACK, since).await?;
    ledger.accept_missing().await
}

/// Takes over what was being sent by somebody who is gone (reliability §2.7). `starting`: our own last run too.
pub(crate) async fn recover(world: &World, starting: bool) -> Result<bool, LedgerError> {
    let mut some = false;
    let orphans = world.ledger.orphans(starting).await?;
    let alone = orphans.len() == 1;
    for orphan in orphans {
        let post = orphan.post;
        let doubt = world
            .outlets
            .iter()
            .find(|outlet| outlet.account.name == post.account)
            .map_or(Doubt::Ask, |outlet| outlet.doubt(&post.content, &*world.ledger));
        let now = world.clock.now();
        let event = Event::Orphaned {
            foreign: orphan.foreign,
            alone,
        };
        let terms = terms_of(&post, doubt);
        let Ok(next) = step(&post.standing, &terms, event, now, world.clock.dice()) else {
            continue;
        };
        let Action::Rest(rest) = next.action else { continue };
        super::report::rest(&post, &next.standing, &rest, now);
        let conclusion = Conclusion::of(&post, next.standing, rest, now);
        some |= world.ledger.conclude(conclusion).await?;
    }
    Ok(some)
}

/// Looks for lost replicas until `stop`.
pub(crate) async fn watch(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        match recover(&world, false).await {
            Ok(true) => shared.look.notify_one(),
            Ok(false) => {}
            Err(e) => {
                tracing::error!(event = "ledger.failed", error = %e, "what others left behind can't be read: {e}");
            }
        }
    }
}

//! Asks the platforms how the public answered, in batches, at the ages of a post that `post::engagement` names.
//!
//! It changes nothing that anybody can see, so a failure is no more than said: the next round asks again. Several
//! replicas each look; what one has written down the next does not ask for.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ledger::engagement::{AskedAfter, Reading};
use crate::ledger::{LedgerError, Scope};
use crate::post::engagement::{ASKED_FOR, is_time};
use crate::post::identity::AccountName;
use crate::post::outcome::Receipt;

use super::{Outlet, Shared, World};

/// How often it looks whose time has come.
const ROUND: Duration = Duration::from_mins(10);
/// The most requests for one account in a round: the rest comes later, and posting goes before.
const REQUESTS: usize = 10;

pub(crate) async fn watch(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let mut failing = HashSet::new();
    loop {
        if let Err(e) = round(&world, &shared, &mut failing).await {
            tracing::warn!(event = "engagement.failed", error = %e, "how the public answered can't be kept: {e}");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

async fn round(
    world: &World,
    shared: &Shared,
    failing: &mut HashSet<AccountName>,
) -> Result<(), LedgerError> {
    // By a clock that is not trusted no post has an age, and where all is to stop nothing is asked either.
    if shared.time.look().is_some() || shared.brake.is_on() {
        return Ok(());
    }
    let waits = world.ledger.waits().await?;
    for outlet in world.outlets.iter().filter(|outlet| outlet.engagement) {
        let account = &outlet.account.name;
        let waiting = waits.get(account).is_some_and(|until| *until > world.clock.now());
        if !waiting && !is_held(shared, account) {
            ask(world, outlet, failing).await?;
        }
    }
    Ok(())
}

fn is_held(shared: &Shared, account: &AccountName) -> bool {
    let concerns = |scope: &Scope| match scope {
        Scope::All => true,
        Scope::Account(name) => name == account,
        Scope::Message(_) => false,
    };
    shared.holds.borrow().iter().any(|hold| concerns(&hold.scope))
}

async fn ask(world: &World, outlet: &Outlet, failing: &mut HashSet<AccountName>) -> Result<(), LedgerError> {
    let Some(most) = outlet.platform.limits().counts else {
        return Ok(());
    };
    let account = &outlet.account.name;
    let now = world.clock.now();
    let since = now.saturating_sub(ASKED_FOR).unwrap_or(now);
    let asked = world.ledger.asked_after(account, since).await?;
    let due: Vec<AskedAfter> = asked
        .into_iter()
        .filter(|post| is_time(post.sent, post.last, now))
        .collect();
    for batch in due.chunks(usize::from(most.max(1))).take(REQUESTS) {
        let receipts: Vec<Receipt> = batch.iter().map(|post| post.receipt.clone()).collect();
        let counts = match outlet.platform.engagement(&receipts).await {
            Ok(counts) => counts,
            Err(failure) => {
                if failing.insert(account.clone()) {
                    tracing::warn!(event = "engagement.failed", account = %account, words = %failure.words,
                        "{account} does not say how the public answered: {}", failure.words);
                }
                return Ok(());
            }
        };
        failing.remove(account);
        let at = world.clock.now();
        let readings = batch.iter().zip(counts).map(|(post, counts)| Reading {
            post: post.post,
            at,
            counts,
        });
        world.ledger.count(readings.collect()).await?;
        tracing::debug!(event = "engagement.read", account = %account, posts = batch.len(),
            "{account} said how the public answered to {} posts", batch.len());
    }
    Ok(())
}

//! What the last run left behind: an intent without an answer is in doubt.

use crate::ledger::{Conclusion, LedgerError};
use crate::post::state::State;
use crate::post::step::{Action, Event, step};

use super::deliver::terms_of;
use super::{Outlet, World};

/// The lock is ours, so whoever wrote these intents is gone (reliability §2.7).
pub(crate) async fn recover(world: &World) -> Result<(), LedgerError> {
    for post in world.ledger.in_state(State::Sending, u32::MAX).await? {
        let doubt = world
            .outlets
            .iter()
            .find(|outlet| outlet.account.name == post.account)
            .map_or(crate::text::limits::Doubt::Ask, Outlet::doubt);
        let now = world.clock.now();
        let Ok(next) = step(
            &post.standing,
            &terms_of(&post, doubt),
            Event::Found,
            now,
            world.clock.dice(),
        ) else {
            continue;
        };
        let Action::Rest(rest) = next.action else { continue };
        super::report::rest(&post, &next.standing, &rest, now);
        let conclusion = Conclusion::of(&post, next.standing, rest, now);
        world.ledger.conclude(conclusion).await?;
    }
    Ok(())
}

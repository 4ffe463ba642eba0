//! An adapter has panicked: its post comes to rest.

use crate::ledger::Post;
use crate::post::state::State;
use crate::post::step::{Action, Event};

use super::super::{Outlet, Shared, World};
use super::Delivery;

/// An adapter that panics must not take the post, or the daemon, with it (reliability S15).
pub(crate) async fn after_panic(world: &World, shared: &Shared, outlet: &Outlet, post: &Post) {
    let Ok(Some(post)) = world.ledger.post(post.id).await else {
        return;
    };
    if post.standing.state.is_final() || post.standing.state == State::Held {
        return;
    }
    let stopping = tokio_util::sync::CancellationToken::new();
    let mut delivery = Delivery {
        world,
        shared,
        outlet,
        post,
        stopping: &stopping,
    };
    if let Some(next) = delivery.decide(Event::Panicked)
        && let Action::Rest(rest) = next.action
    {
        delivery.rest(next.standing, rest).await;
    }
}

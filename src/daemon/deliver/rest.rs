//! What a step came to is written down: a post comes to rest, or goes on to its next part.

use crate::ledger::{BY_DAEMON, Conclusion, LedgerError, Post, Scope};
use crate::post::state::{Standing, State};
use crate::post::step::{Action, Event, ForAccount, Rest};

use super::super::{Outlet, Shared, World, holds, report};
use super::{Delivery, LEDGER_AGAIN};

impl Delivery<'_> {
    /// Makes the new standing durable. An answer must not be lost: while the ledger cannot take it, this
    /// post waits with it, and no intent of any other can be written either.
    pub(super) async fn rest(&mut self, to: Standing, rest: Rest) {
        let now = self.world.clock.now();
        // The account first: when the post is looked at again, its account must be known to wait.
        if let Some(account) = &rest.account {
            self.for_account(account).await;
        }
        let mut conclusion = Conclusion::of(&self.post, to.clone(), rest.clone(), now);
        let more = to.state == State::Due && to.part > self.post.standing.part;
        conclusion.keep = more && !self.stopping.is_cancelled() && !self.stopped();
        if to.state == State::Sent {
            (self.answered)();
        }
        let mut told = false;
        let moved = loop {
            match self.world.ledger.conclude(conclusion.clone()).await {
                Ok(moved) => break moved,
                Err(e) => {
                    self.shared.ledger_failed(self.world, &e);
                    if !std::mem::replace(&mut told, true) {
                        self.keep_in_the_log(&rest, &e);
                    }
                    tokio::time::sleep(LEDGER_AGAIN).await;
                }
            }
        };
        if !moved {
            tracing::warn!(event = "post.fenced", post = %self.post.id, "somebody else has decided about this post meanwhile");
            self.post.standing.state = State::Held;
            return;
        }
        report::rest(&self.post, &to, &rest, now);
        // One in doubt counts too, once: it may be out.
        let first = self.is_fresh();
        if first && (rest.receipt.is_some() || to.state == State::InDoubt) {
            self.shared.pace.went_out(&self.outlet.account, now);
        }
        self.post.standing = to;
        self.post.fence = self.post.fence.next();
        if self.post.standing.state == State::Sent {
            self.shared.went_out.notify_one();
        }
    }

    /// An answer that the ledger can't take is kept in memory; in the log, too, should that be lost.
    fn keep_in_the_log(&self, rest: &Rest, e: &LedgerError) {
        let post = &self.post;
        let (part, attempt) = (post.standing.part, post.attempts);
        tracing::error!(event = "ledger.failed", post = %post.id, part, error = %e,
            "the answer about {} on {} waits to be recorded, and nothing more is sent: {e}", post.message, post.account);
        if let Some(receipt) = &rest.receipt {
            let (url, pin) = (
                receipt.url.as_deref().unwrap_or_default(),
                receipt.pin.as_deref().unwrap_or_default(),
            );
            tracing::error!(event = "ledger.receipt", post = %post.id, part, delivery = %self.first_key().delivery, attempt,
                message_id = %post.message, account = %post.account, id = receipt.id, url, pin,
                "{} has part {} of {} as {}, and that is not recorded yet: keep this line", post.account, part.saturating_add(1), post.message, receipt.id);
        }
    }

    async fn for_account(&self, what: &ForAccount) {
        let name = &self.post.account;
        let now = self.world.clock.now();
        let done = match what {
            ForAccount::WaitsUntil(until) => {
                self.shared.pace.told_to_wait(name, *until);
                self.world.ledger.account_waits(name, *until).await
            }
            ForAccount::Held { why } => {
                let scope = Scope::Account(name.clone());
                self.world.ledger.hold(&scope, why, BY_DAEMON, now).await
            }
        };
        if let Err(e) = done {
            tracing::error!(event = "ledger.failed", account = %name, error = %e, "what {name} has to wait for can't be recorded: {e}");
        }
        if let Err(e) = holds::refresh(self.world, self.shared).await {
            tracing::error!(event = "ledger.failed", error = %e, "holds can't be read: {e}");
        }
    }
}

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
        answered: &|| (),
    };
    if let Some(next) = delivery.decide(Event::Panicked)
        && let Action::Rest(rest) = next.action
    {
        delivery.rest(next.standing, rest).await;
    }
}

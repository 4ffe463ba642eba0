//! One post's whole life on its way out: carry out what `post::step` says, bring back what happened.

use std::time::Duration;

use jiff::Timestamp;

use crate::ledger::{Intended, Intent, LedgerError, Post};
use crate::post::identity::Identity;
use crate::post::outcome::{Class, Failure};
use crate::post::sealed::{Key, Prepared, Sealed};
use crate::post::state::{Standing, State, Terms};
use crate::post::step::{Action, Event, Gate, THREAD_GAP, step};
use crate::text::limits::Doubt;

use super::{Outlet, Shared, World};

mod doubt;
mod request;
mod rest;
mod shared;
mod whose;

pub(crate) use rest::after_panic;

/// What of a post never changes. The parts of a deletion or an edit belong together for no reader, and what is gone or
/// says so already is done: whatever its platform does about posts, the same request again ends the doubt.
pub(crate) fn terms_of(post: &Post, doubt: Doubt) -> Terms {
    let (gap, doubt) = if post.content.may_be_repeated() {
        (Duration::MAX, Doubt::OwnId)
    } else {
        (THREAD_GAP, doubt)
    };
    Terms {
        parts: post.parts,
        due: post.due,
        late: post.late,
        gap,
        expires: post.expires,
        recurring: post.recurring,
        doubt,
    }
}

/// What became of an intent.
enum Intention {
    Durable(Sealed),
    Refused,
    NotYet(Timestamp),
}

/// How long to wait before the ledger is asked again to take what it must not lose.
pub(super) const LEDGER_AGAIN: Duration = Duration::from_secs(1);

/// How soon one that was let go of is looked at again. What stopped it can be known here and not be in the ledger, or
/// can't be written there: without a breath we would turn in circles as long as that lasts.
const BREATH: Duration = Duration::from_millis(50);

pub(crate) struct Delivery<'a> {
    pub world: &'a World,
    pub shared: &'a Shared,
    pub outlet: &'a Outlet,
    pub post: Post,
    /// "Stop" was said: nothing new may begin.
    pub stopping: &'a tokio_util::sync::CancellationToken,
    /// To be called when there is nothing more to send, only to be recorded.
    pub answered: &'a (dyn Fn() + Send + Sync),
}

impl Delivery<'_> {
    /// Takes the post as far as it goes now.
    /// Says when it is to be looked at again, if it is.
    pub async fn run(mut self) -> Option<Timestamp> {
        if !self.go().await {
            return self.world.clock.now().saturating_add(BREATH).ok();
        }
        let standing = &self.post.standing;
        let waits = matches!(standing.state, State::Due | State::Retrying | State::InDoubt);
        waits.then_some(standing.not_before)
    }

    /// `false`: it let go before the post came to rest.
    async fn go(&mut self) -> bool {
        // It was read from the ledger a moment ago, and somebody may have said stop since. What looks late by
        // a clock that is not trusted may not be.
        if self.stopped() || self.shared.time.look().is_some() || !self.reckons_with_the_clock().await {
            return false;
        }
        let mut event = Event::Wake(self.gate());
        let (mut prepared, mut sealed, mut on_its_way) = (None, None, None);
        let mut shown = None;
        loop {
            let Some(next) = self.decide(event) else {
                return false;
            };
            match next.action {
                Action::Prepare => {
                    event = match self.differs().await {
                        Ok(Some(differs)) => {
                            shown = differs.shown;
                            Event::Differs { why: differs.why }
                        }
                        Ok(None) => {
                            let answer = self.prepare().await;
                            Event::Prepared(answer.map(|request| prepared = Some(request)))
                        }
                        Err(failure) => Event::Prepared(Err(failure)),
                    };
                }
                Action::Intend => {
                    if self.stopping.is_cancelled() {
                        return false; // nothing durable yet: it is due again at the next start
                    }
                    // A repeat, which nothing was prepared for.
                    if prepared.is_none()
                        && let Err(failure) = self.is_ours().await
                    {
                        event = Event::Looked(Err(failure));
                        continue;
                    }
                    event = match self.intend(next.standing, prepared.take()).await {
                        Intention::Durable(frozen) => {
                            sealed = Some(frozen);
                            // First under way, then the look: whoever says stop finds it, or is heard here. And
                            // the machine may have slept since anybody looked last.
                            on_its_way = Some(self.shared.under_way.begin(&self.post));
                            if self.stopped() || self.shared.time.look().is_some() {
                                Event::Stopped
                            } else {
                                Event::Intended(self.gate())
                            }
                        }
                        Intention::NotYet(until) => Event::Wake(Gate {
                            account_until: Some(until),
                            ..Gate::default()
                        }),
                        Intention::Refused => return false,
                    };
                }
                Action::Publish => {
                    let Some(sealed) = sealed.take() else {
                        return false;
                    };
                    let answer = self.publish(&sealed).await;
                    self.heard(&answer);
                    event = Event::Answered(answer);
                }
                Action::Look => {
                    let found = self.look().await;
                    // What the answer means hangs on ages, and the clock may have been set meanwhile.
                    if self.shared.time.look().is_some() || self.clock_was_set().is_some() {
                        return false;
                    }
                    event = Event::Looked(found);
                }
                Action::Rest(rest) => {
                    drop(on_its_way.take());
                    let fence = self.post.fence;
                    self.rest(next.standing, rest).await;
                    if let Some(shown) = shown.take().filter(|_| self.post.fence != fence) {
                        self.was_shown(shown).await;
                    }
                    let standing = &self.post.standing;
                    // The next part at once; but one that has to wait is the dispatcher's again.
                    let more = standing.state == State::Due
                        && standing.part > 0
                        && standing.not_before <= self.world.clock.now();
                    if !more || self.stopping.is_cancelled() || self.stopped() {
                        return true;
                    }
                    event = Event::Wake(self.gate());
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.shared.stopped(&self.post) || self.shared.unapproved(&self.post)
    }

    fn decide(&self, event: Event) -> Option<crate::post::step::Step> {
        let terms = terms_of(
            &self.post,
            self.outlet.doubt(&self.post.content, &*self.world.ledger),
        );
        let now = self.world.clock.now();
        step(&self.post.standing, &terms, event, now, self.world.clock.dice())
            .inspect_err(|e| tracing::error!(event = "post.impossible", post = %self.post.id, "{e}"))
            .ok()
    }

    /// The key of the current part: that of its first intent, if there was one, because its post may have been moved
    /// since; a doubt is settled under the same key.
    async fn key(&self) -> Result<Key, LedgerError> {
        if self.post.attempts > 0 {
            let parts = self.world.ledger.parts(self.post.id).await?;
            let part = parts.iter().find(|part| part.index == self.post.standing.part);
            if let Some(part) = part {
                return Ok(part.key);
            }
        }
        Ok(self.first_key())
    }

    fn first_key(&self) -> Key {
        let identity = Identity {
            campaign: self.shared.campaign().settings.id.clone(),
            message: self.post.message.clone(),
            account: self.post.account.clone(),
            occurrence: self.post.occurrence.clone(),
        };
        Key {
            delivery: identity.delivery_id(self.post.standing.part),
            due: self.post.due,
        }
    }

    /// What stands in its way, holds left out. Spacing is for posts, not for the parts of a thread nor for
    /// a request made once already.
    fn gate(&self) -> Gate {
        let now = self.world.clock.now();
        let campaign = self.shared.campaign();
        let settings = &campaign.settings;
        let account = &self.outlet.account;
        let spaced = self
            .is_fresh()
            .then(|| self.shared.pace.spaced(account, &settings.zone, now))
            .flatten();
        // Nobody hears a deletion or an edit.
        let quiet = settings
            .windows
            .closed(&settings.zone, now)
            .filter(|_| !self.post.content.may_be_repeated())
            .map(|closed| closed.until);
        let waits = self.shared.pace.turn(&account.name, self.post.id, now);
        let unreachable =
            waits.filter(|until| self.shared.pace.unreachable(&account.name, now) == Some(*until));
        let told = waits.filter(|_| unreachable.is_none());
        // What may be somebody else's by now is left alone until we know.
        let lost = (!self.world.ledger.trusted()).then(|| now.saturating_add(LEDGER_AGAIN).unwrap_or(now));
        Gate {
            closed_until: quiet.max(lost),
            account_until: told.max(spaced),
            unreachable_until: unreachable,
        }
    }

    /// Whatever the platform said, or that it said nothing.
    fn heard<T>(&self, answer: &Result<T, Failure>) {
        let now = self.world.clock.now();
        self.shared.pace.answered(&self.outlet.account.name, answer, now);
    }

    /// The first request of the first part: the one that takes a place in its account's pace. A recall takes none:
    /// what is wrong must not stay until its turn comes.
    fn is_fresh(&self) -> bool {
        self.post.standing.part == 0 && !self.post.standing.doubted() && !self.post.is_recall()
    }

    /// Writes the intent.
    async fn intend(&mut self, to: Standing, prepared: Option<Prepared>) -> Intention {
        let frozen = match prepared {
            Some(prepared) => self.key().await.ok().map(|key| Sealed { prepared, key }),
            None => self.frozen().await,
        };
        let Some(frozen) = frozen else {
            return Intention::Refused;
        };
        let at = self.world.clock.now();
        let pace = if self.is_fresh() {
            let zone = &self.shared.campaign().settings.zone;
            super::pace::pace_of(&self.outlet.account, zone, at)
        } else {
            None
        };
        let intent = Intent {
            post: self.post.id,
            account: self.post.account.clone(),
            from: self.post.standing.state,
            fence: self.post.fence,
            to: to.clone(),
            pace,
            key: frozen.key,
            prepared: Some(frozen.prepared.clone()),
            at,
        };
        match self.world.ledger.intend(intent).await {
            Ok(Intended::Durable) => {
                self.post.standing = to;
                self.post.fence = self.post.fence.next();
                self.post.attempts = self.post.attempts.saturating_add(1);
                Intention::Durable(frozen)
            }
            Ok(Intended::Refused) => Intention::Refused,
            Ok(Intended::NotYet(until)) => {
                self.shared.pace.learn(&self.post.account, pace.is_some(), until);
                Intention::NotYet(until)
            }
            Err(e) => {
                if self.shared.ledger_failed(self.world, &e) {
                    tracing::error!(event = "ledger.failed", error = %e, "nothing is sent, because its intent can't be recorded: {e}");
                }
                tokio::time::sleep(LEDGER_AGAIN).await;
                Intention::Refused
            }
        }
    }

    /// The request as it was frozen before: a repeat is the same, byte for byte.
    async fn frozen(&self) -> Option<Sealed> {
        let parts = self.world.ledger.parts(self.post.id).await.ok()?;
        let part = parts
            .into_iter()
            .find(|part| part.index == self.post.standing.part)?;
        Some(Sealed {
            prepared: part.prepared,
            key: part.key,
        })
    }
}

/// Nothing has left yet, so it is tried again.
fn unreadable(e: &LedgerError) -> Failure {
    Failure::new(Class::Transient, e.to_string())
}

//! Every decision about a delivery: (standing, event, now, dice) -> (standing, action).
//!
//! No input or output, no clock, no chance of its own. The daemon carries out the action, brings back what
//! happened as the next event, and adds nothing. The rules are reliability §2.3–§2.6 and §2.9.

use std::time::Duration;

use jiff::Timestamp;

use crate::text::limits::Doubt;

use super::outcome::{Class, Failure, Found, Receipt};
use super::retry::backoff;
use super::state::{Standing, State, Terms, Unsure};

mod doubt;

/// Between two parts of a thread that says something, whatever the reason.
pub const THREAD_GAP: Duration = Duration::from_mins(30);
/// With less time left than this, a wait is as long as it is.
const LAST_MINUTE: Duration = Duration::from_mins(1);
/// How long a whole account rests when the platform said "too many" but not until when, at the least.
const RATE_LIMIT_STEP: Duration = Duration::from_secs(30);

/// So many answers in the place of the platform's own, one after the other, are no accident.
const ODD_ENOUGH: u32 = 3;
/// A post that took the process or its adapter down so often is not tried again by itself (reliability §2.6, S15).
const POISON: u16 = 3;

/// What happened to a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its `not_before` has come.
    Wake(Gate),
    /// `prepare` came back.
    Prepared(Result<(), Failure>),
    /// The post that it shares is gone, or says something else than when the share was queued.
    Differs { why: String },
    /// The intent is durable; nothing has left yet. The gate is looked at once more: much can have happened.
    Intended(Gate),
    /// A hold came between the intent and the request: nothing left.
    Stopped,
    /// `publish` came back.
    Answered(Result<Receipt, Failure>),
    /// The platform was asked about a request that had no answer.
    Looked(Result<Found, Failure>),
    /// It is `sending`, and whoever sent it is gone, and its answer with it.
    Orphaned {
        /// It was another replica, which may be frozen and not dead.
        foreign: bool,
        /// Nothing else was in flight, so this is what the process may have died of.
        alone: bool,
    },
    /// The adapter panicked: a fault in the program.
    Panicked,
    /// The machine's clock was set.
    ClockSet { back: bool },
    /// A person's word.
    Told(Word),
}

/// What stands in the way of a post at this moment, apart from holds, which the ledger itself watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// Quiet hours or a blackout, until then.
    pub closed_until: Option<Timestamp>,
    /// The account's spacing, daily number or rate limit lets nothing through until then.
    pub account_until: Option<Timestamp>,
    /// The platform can't be reached, and is left alone until then. That is a failure like any other: it makes
    /// a post late, where waiting for its turn does not.
    pub unreachable_until: Option<Timestamp>,
}

impl Gate {
    /// Until when it is shut, for whatever reason.
    pub fn until(&self) -> Option<Timestamp> {
        self.turn().max(self.unreachable_until)
    }

    /// Until when the post waits for its turn.
    fn turn(&self) -> Option<Timestamp> {
        self.closed_until.max(self.account_until)
    }
}

/// What a person may say of a single post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Send it, however late it is.
    Retry,
    /// Never send it.
    Skip { why: String },
    /// The one in doubt is on the platform: its URL, if they have it.
    WasSent { url: Option<String> },
    /// The one in doubt is not on the platform.
    WasNotSent,
}

/// What the daemon is to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Prepare the current part; answer with `Prepared`.
    Prepare,
    /// Make the intent durable; answer with `Intended` or `Stopped`.
    Intend,
    /// Send the sealed request; answer with `Answered`.
    Publish,
    /// Ask the platform whether it has it; answer with `Looked`.
    Look,
    /// Make the new standing durable.
    Rest(Rest),
}

/// What is recorded with a standing when a post comes to rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rest {
    /// The part that was just accepted.
    pub receipt: Option<Receipt>,
    /// The failure that led here.
    pub failure: Option<Failure>,
    /// What follows for the whole account.
    pub account: Option<ForAccount>,
}

/// A failure that is not this post's alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForAccount {
    /// Nothing of this account goes out before.
    WaitsUntil(Timestamp),
    /// Nothing of this account goes out until a person has acted.
    Held { why: String },
}

/// The next standing and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub standing: Standing,
    pub action: Action,
}

/// An event that cannot happen to a post in this state: two hands were on it, and the later one lets go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a post that is {state} cannot take {event}")]
pub struct Impossible {
    pub state: State,
    pub event: &'static str,
}

/// Decides.
///
/// # Errors
/// [`Impossible`] where the state does not know the event; the caller then does nothing at all.
pub fn step(
    was: &Standing,
    terms: &Terms,
    event: Event,
    now: Timestamp,
    dice: f64,
) -> Result<Step, Impossible> {
    let at = At {
        was,
        terms,
        now,
        dice,
    };
    match (was.state, event) {
        (State::Due | State::Retrying, Event::Wake(gate)) => Ok(at.wake(gate)),
        (State::InDoubt, Event::Wake(gate)) => Ok(at.doubt(gate)),

        (State::Due | State::Retrying, Event::Prepared(Ok(()))) => Ok(at.intend()),
        (State::Due | State::Retrying, Event::Prepared(Err(failure))) => Ok(at.prepare_failed(failure)),

        (State::Due | State::Retrying, Event::Differs { why }) => Ok(at.rest(State::Held, &why, None)),

        (State::Sending, Event::Intended(gate)) => Ok(at.publish(gate)),
        (State::Sending, Event::Stopped) => Ok(at.stopped()),
        (State::Sending, Event::Answered(Ok(receipt))) => Ok(at.accepted(receipt)),
        (State::Sending, Event::Answered(Err(failure))) => Ok(at.refused(failure)),
        (State::InDoubt, Event::Looked(answer)) => Ok(at.looked(answer)),
        (State::Sending, Event::Orphaned { foreign, alone }) => Ok(at.orphaned(foreign, alone)),
        (State::Due | State::Retrying, Event::Panicked) => Ok(at.panicked()),
        (State::Sending | State::InDoubt, Event::Panicked) => Ok(at.panicked_in_doubt()),
        (state, Event::ClockSet { back }) if was.doubted() && state != State::Sending => {
            Ok(at.clock_set(back))
        }

        (state, Event::Told(word)) => at.told(word).ok_or(Impossible {
            state,
            event: "that word",
        }),
        (state, event) => Err(Impossible {
            state,
            event: name(&event),
        }),
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Wake(_) => "wake",
        Event::Prepared(_) => "prepared",
        Event::Differs { .. } => "another post to share",
        Event::Intended(_) => "intended",
        Event::Stopped => "stopped",
        Event::Answered(_) => "answered",
        Event::Looked(_) => "looked",
        Event::Orphaned { .. } => "orphaned",
        Event::Panicked => "a panic",
        Event::ClockSet { .. } => "a clock that was set",
        Event::Told(_) => "a person's word",
    }
}

/// Everything a decision rests on.
struct At<'a> {
    was: &'a Standing,
    terms: &'a Terms,
    now: Timestamp,
    dice: f64,
}

impl At<'_> {
    // --- its time has come ------------------------------------------------------------------------

    fn wake(&self, gate: Gate) -> Step {
        if let Some(over) = self.over() {
            return over;
        }
        match gate.until() {
            Some(_) => self.wait(gate),
            None => to(self.was.clone(), Action::Prepare),
        }
    }

    /// The end of a post that may not go out any more.
    fn over(&self) -> Option<Step> {
        let thread = self.was.part > 0;
        if self.expired() {
            return Some(if thread {
                self.rest(State::Held, "it expired when only a part of the thread was out, and nothing is sent after that: `skip` to leave the thread as it is", None)
            } else {
                self.rest(State::Skipped, "it expired before it could go out", None)
            });
        }
        if self.now <= self.last() {
            return None;
        }
        Some(if thread {
            self.rest(State::Held, "the thread broke off more than 30 minutes ago: `retry` to go on with the next part, `skip` to leave it", None)
        } else if self.terms.recurring {
            self.rest(
                State::Skipped,
                "missed: its time was over before it could go out",
                None,
            )
        } else {
            self.rest(
                State::Held,
                "late: its time was over before it could go out; `retry` to send it now, `skip` to drop it",
                None,
            )
        })
    }

    fn expired(&self) -> bool {
        self.terms.expires.is_some_and(|expires| self.now >= expires)
    }

    /// The last instant at which the current part may go out.
    fn last(&self) -> Timestamp {
        let due = self.terms.due;
        let from = self.was.late_from.map_or(due, |from| from.max(due));
        let grace = if self.was.part == 0 {
            self.terms.late
        } else {
            self.terms.gap
        };
        from.saturating_add(grace).unwrap_or(Timestamp::MAX)
    }

    fn wait(&self, gate: Gate) -> Step {
        let standing = Standing {
            not_before: self.after(gate),
            late_from: gate
                .turn()
                .map_or(self.was.late_from, |turn| self.late_after(turn)),
            ..self.was.clone()
        };
        to(standing, Action::Rest(Rest::default()))
    }

    /// When a gate that is shut is looked at again. Whoever sends leaves a platform that can't be reached alone
    /// anyway, and when it is back sooner than was thought, nothing is to wait for that.
    fn after(&self, gate: Gate) -> Timestamp {
        gate.turn().map_or(self.now, |turn| turn.max(self.now))
    }

    /// Lateness after a wait for its turn, of which it is not guilty. A thread that broke off is one all the
    /// same.
    fn late_after(&self, turn: Timestamp) -> Option<Timestamp> {
        if self.was.part == 0 {
            Some(turn)
        } else {
            self.was.late_from
        }
    }

    // --- on its way -------------------------------------------------------------------------------

    fn intend(&self) -> Step {
        let standing = Standing {
            state: State::Sending,
            first_intent: self.was.first_intent.or(Some(self.now)),
            ..self.was.clone()
        };
        to(standing, Action::Intend)
    }

    /// The last look before the request. To prepare it and to make the intent durable can take long, and a
    /// machine can sleep in between.
    fn publish(&self, gate: Gate) -> Step {
        let over = if self.was.doubted() {
            self.past_help()
        } else {
            self.over()
        };
        match (over, gate.until()) {
            (Some(over), _) => over,
            (None, Some(_)) => {
                let mut step = self.stopped();
                step.standing.not_before = self.after(gate);
                step.standing.late_from = gate
                    .turn()
                    .map_or(self.was.late_from, |turn| self.late_after(turn));
                step
            }
            (None, None) => to(self.was.clone(), Action::Publish),
        }
    }

    // --- answers ----------------------------------------------------------------------------------

    fn accepted(&self, receipt: Receipt) -> Step {
        let part = self.was.part.saturating_add(1);
        let state = if part >= self.terms.parts {
            State::Sent
        } else {
            State::Due
        };
        let standing = Standing {
            state,
            part,
            tries: 0,
            not_before: self.now,
            late_from: Some(self.now),
            first_intent: None,
            unsure: None,
            resent: false,
            crashes: 0,
            why: None,
        };
        to(
            standing,
            Action::Rest(Rest {
                receipt: Some(receipt),
                ..Rest::default()
            }),
        )
    }

    /// A hold came first. This attempt never left, so the post is where it was before.
    fn stopped(&self) -> Step {
        let was = self.was;
        let (state, first_intent) = if was.doubted() {
            (State::InDoubt, was.first_intent)
        } else {
            (State::Due, None)
        };
        let standing = Standing {
            state,
            first_intent,
            not_before: self.now,
            ..was.clone()
        };
        to(standing, Action::Rest(Rest::default()))
    }

    /// Nothing visible was asked for yet, so nothing is in doubt.
    fn prepare_failed(&self, failure: Failure) -> Step {
        let class = match failure.class {
            Class::InDoubt | Class::Duplicate | Class::Gone => Class::Transient,
            class => class,
        };
        self.refused(Failure { class, ..failure })
    }

    fn refused(&self, failure: Failure) -> Step {
        let tries = self.was.tries.saturating_add(1);
        match failure.class {
            // Only a repeat can be known by its key: the first was accepted, whatever became of it since.
            Class::Gone if self.was.doubted() => self.accepted(Receipt::deleted_since()),
            Class::Duplicate | Class::Gone | Class::InDoubt => {
                let account = odd(&failure, tries);
                self.in_doubt(tries, self.first_look(tries), failure, account)
            }
            Class::Transient if self.was.doubted() => {
                self.in_doubt(tries, self.first_look(tries), failure, None)
            }
            Class::Transient => match odd(&failure, tries) {
                Some(account) => self.again(tries, self.later(tries), failure, Some(account)),
                None => self.try_again(tries, failure),
            },
            Class::RateLimited { until } => self.rate_limited(tries, until, failure),
            Class::Auth => {
                let why = format!("credentials refused: {}", failure.words);
                self.still(self.was.tries, self.now, failure, ForAccount::Held { why })
            }
            // A container that is refused may be one that was published: it is asked.
            Class::Rejected if self.was.doubted() && matches!(self.terms.doubt, Doubt::TwoSteps { .. }) => {
                self.in_doubt(tries, self.first_look(tries), failure, None)
            }
            Class::Rejected if self.was.doubted() => {
                let why = format!(
                    "in doubt: the answer to the first request was lost and the platform refused the second ({}); look there, then `resolve POST --sent URL` or `resolve POST --not-sent`",
                    failure.words
                );
                self.rest(State::Held, &why, Some(failure))
            }
            Class::Rejected if self.was.part > 0 => {
                let part = self.was.part.saturating_add(1);
                let why = format!(
                    "part {part} of the thread was refused: {}; `retry` when it is mended, `skip` to leave the thread as it is",
                    failure.words
                );
                self.rest(State::Held, &why, Some(failure))
            }
            Class::Rejected => {
                let why = failure.words.clone();
                self.rest(State::Rejected, &why, Some(failure))
            }
        }
    }

    /// No attempt: the post did nothing wrong, and the wait does not make it late. But where the platform
    /// does not say until when, the wait must grow, and tries are what it grows with.
    fn rate_limited(&self, tries: u32, until: Option<Timestamp>, failure: Failure) -> Step {
        let step = RATE_LIMIT_STEP.max(backoff(tries, self.dice));
        let (tries, until) = match until.filter(|until| *until > self.now) {
            Some(until) => (self.was.tries, until),
            None => (tries, self.now.saturating_add(step).unwrap_or(Timestamp::MAX)),
        };
        let mut still = self.still(tries, until, failure, ForAccount::WaitsUntil(until));
        still.standing.late_from = self.late_after(until);
        still
    }

    /// The account, not the post, is what stopped it: it stays as sure or unsure as it was.
    fn still(&self, tries: u32, at: Timestamp, failure: Failure, account: ForAccount) -> Step {
        if self.was.doubted() {
            self.in_doubt(tries, at, failure, Some(account))
        } else {
            self.again(tries, at, failure, Some(account))
        }
    }

    fn in_doubt(&self, tries: u32, at: Timestamp, failure: Failure, account: Option<ForAccount>) -> Step {
        let standing = Standing {
            state: State::InDoubt,
            tries,
            not_before: at,
            unsure: Some(Unsure {
                since: self.now,
                looks: 0,
                foreign: self.was.unsure.is_some_and(|unsure| unsure.foreign),
            }),
            why: None,
            ..self.was.clone()
        };
        to(
            standing,
            Action::Rest(Rest {
                receipt: None,
                failure: Some(failure),
                account,
            }),
        )
    }

    /// Never further than the middle of the time that is left, up to its last minute: a wait that grew long must not
    /// eat up what could be several tries.
    fn try_again(&self, tries: u32, failure: Failure) -> Step {
        let last = self.last();
        let end = self.terms.expires.map_or(last, |expires| expires.min(last));
        let left = since(self.now, end);
        let wait = backoff(tries, self.dice);
        let wait = if left >= LAST_MINUTE {
            wait.min(left / 2)
        } else {
            wait
        };
        let next = self.now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        if next <= last && self.terms.expires.is_none_or(|expires| next < expires) {
            return self.again(tries, next, failure, None);
        }
        let why = format!(
            "gave up after {tries} tries, the last one said: {}; `retry` to send it now, `skip` to drop it",
            failure.words
        );
        self.rest(State::Held, &why, Some(failure))
    }

    /// Certainly not accepted: the next attempt is a new first one, so its key's life begins anew.
    fn again(&self, tries: u32, at: Timestamp, failure: Failure, account: Option<ForAccount>) -> Step {
        let standing = Standing {
            state: State::Retrying,
            tries,
            not_before: at,
            first_intent: None,
            unsure: None,
            why: None,
            ..self.was.clone()
        };
        to(
            standing,
            Action::Rest(Rest {
                receipt: None,
                failure: Some(failure),
                account,
            }),
        )
    }

    /// A fault of ours that comes back with the same post is for a person (reliability S15).
    fn panicked(&self) -> Step {
        let tries = self.was.tries.saturating_add(1);
        let crashes = self.was.crashes.saturating_add(1);
        let failure = Failure::new(Class::Transient, "the program failed while it prepared this");
        let mut step = self.try_again(tries, failure.clone());
        if crashes >= POISON {
            let why = format!(
                "the program failed {crashes} times while it prepared this: that is a fault in it, please report it; `retry` to try again, `skip` to drop it"
            );
            step = self.rest(State::Held, &why, Some(failure));
        }
        step.standing.crashes = crashes;
        step
    }

    fn later(&self, tries: u32) -> Timestamp {
        self.now
            .saturating_add(backoff(tries, self.dice))
            .unwrap_or(Timestamp::MAX)
    }

    // --- people -----------------------------------------------------------------------------------

    /// `None` where the word makes no sense. One in flight is never touched: its answer is on its way.
    fn told(&self, word: Word) -> Option<Step> {
        let was = self.was;
        // Skipping a post in doubt does not settle the doubt.
        let unsure = was.doubted() && was.state != State::Sending;
        match (was.state, word) {
            (State::Sending | State::Sent, _) => None,
            (_, Word::WasSent { url }) if unsure => {
                let id = url.clone().unwrap_or_else(|| "told by a person".to_owned());
                Some(self.was_sent(Receipt::named(id, url)))
            }
            (_, Word::WasNotSent) if unsure => Some(self.now_again()),
            (_, Word::Retry) if !unsure => Some(self.now_again()),
            (State::Rejected | State::Skipped, _) => None,
            (_, Word::Skip { why }) => Some(self.rest(State::Skipped, &why, None)),
            _ => None,
        }
    }

    /// What was skipped stays so, though a part of it turned out to be on the platform.
    fn was_sent(&self, receipt: Receipt) -> Step {
        let mut step = self.accepted(receipt);
        if self.was.state == State::Skipped && step.standing.state == State::Due {
            step.standing.state = State::Skipped;
            step.standing.why.clone_from(&self.was.why);
        }
        step
    }

    fn now_again(&self) -> Step {
        let standing = Standing {
            state: State::Due,
            tries: 0,
            not_before: self.now,
            late_from: Some(self.now),
            first_intent: None,
            unsure: None,
            resent: false,
            crashes: 0,
            why: None,
            ..self.was.clone()
        };
        to(standing, Action::Rest(Rest::default()))
    }

    fn rest(&self, state: State, why: &str, failure: Option<Failure>) -> Step {
        let was = self.was;
        let standing = Standing {
            state,
            first_intent: was.first_intent.filter(|_| was.doubted()),
            why: Some(why.to_owned()),
            ..was.clone()
        };
        to(
            standing,
            Action::Rest(Rest {
                failure,
                ..Rest::default()
            }),
        )
    }
}

/// What an answer that is not the platform's says of the whole account: a redirect, or a page in the place of a
/// refusal that comes again and again (reliability §2.6, P18).
fn odd(failure: &Failure, tries: u32) -> Option<ForAccount> {
    let why = match failure.status? {
        300..=399 => format!(
            "redirected: {}; see whether the account's address in the config is the right one",
            failure.words
        ),
        408 | 425 | 429 => return None,
        400..=499 if failure.class == Class::InDoubt && tries >= ODD_ENOUGH => format!(
            "odd answers: something else than the platform seems to answer, a proxy or a firewall; it said: {}",
            failure.words
        ),
        _ => return None,
    };
    Some(ForAccount::Held { why })
}

fn to(standing: Standing, action: Action) -> Step {
    Step { standing, action }
}

/// How long after `then` it is; zero if it is not yet.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests;

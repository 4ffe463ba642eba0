//! How a doubt ends: by the same request once more, by asking the platform, or by a person
//! (reliability §2.5).

use std::time::Duration;

use jiff::Timestamp;

use crate::text::limits::Doubt;

use super::super::outcome::{Class, Failure, Found};
use super::super::state::{Standing, State, Unsure};
use super::{Action, At, ForAccount, Gate, POISON, Rest, Step, since, to};

/// When the platform is asked, counted from when the doubt began; after the last, each ten minutes.
const LOOKS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_mins(1),
    Duration::from_mins(3),
    Duration::from_mins(10),
];
const LOOK_AGAIN: Duration = Duration::from_mins(10);
/// So many looks must have found nothing before "it is not there" is believed.
const ENOUGH: u16 = 3;
/// How long the platform is asked before a person is: a list that can't be read, a container that is worked on
/// for ever (reliability P32, P34).
const PATIENCE: Duration = Duration::from_hours(1);
const PATIENCE_WITH_CONTAINER: Duration = Duration::from_mins(30);
/// How often one container is published before a person is asked.
const PUBLISHED_ENOUGH: u32 = 5;

const ASK: &str = "in doubt: nobody but a person can tell whether the platform has it; look there, then `resolve POST --sent URL` or `resolve POST --not-sent`";

/// What a doubt's next step is.
enum Way {
    /// The same request once more.
    Repeat,
    Look,
    Person,
}

impl At<'_> {
    /// A request or a look, as the strategy says. A look is seen by nobody, so only the account's own wait
    /// keeps it; a request waits for everything, and never leaves after `expires`.
    pub(super) fn doubt(&self, gate: Gate) -> Step {
        let gate = match self.way() {
            Way::Person => return self.rest(State::Held, ASK, None),
            Way::Look => Gate {
                closed_until: None,
                ..gate
            },
            Way::Repeat => gate,
        };
        match (gate.until(), self.way()) {
            (Some(_), _) => self.wait(gate),
            (None, Way::Look) => to(self.was.clone(), Action::Look),
            (None, _) => self.intend(),
        }
    }

    fn way(&self) -> Way {
        let repeat = if self.expired() { Way::Person } else { Way::Repeat };
        match self.terms.doubt {
            Doubt::OwnId | Doubt::Key { window: None, .. } => repeat,
            Doubt::Key {
                window: Some(window), ..
            } if self.key_lives(window) && !self.expired() => Way::Repeat,
            Doubt::Key { then: Some(_), .. } | Doubt::TwoSteps { .. } | Doubt::ReadBack { .. } => Way::Look,
            Doubt::Key { .. } | Doubt::Ask => Way::Person,
        }
    }

    /// A key from the future is of a clock that was set back: its age is anybody's guess.
    fn key_lives(&self, window: Duration) -> bool {
        self.was
            .first_intent
            .is_some_and(|first| first <= self.now && since(first, self.now) < window)
    }

    /// The last look before a request that settles a doubt; `None`: it may go.
    pub(super) fn past_help(&self) -> Option<Step> {
        match (self.terms.doubt, self.way()) {
            (_, Way::Repeat) => None,
            // The platform was asked: the container is published again.
            (Doubt::TwoSteps { .. }, _) if !self.expired() => None,
            (_, Way::Look) => Some(self.look_at(self.now)),
            (_, Way::Person) => Some(self.rest(State::Held, ASK, None)),
        }
    }

    /// The old process may have sent it or not. A key or an id of our own settles it at once: the lock, or the
    /// lease, shows that it is gone.
    pub(super) fn orphaned(&self, foreign: bool, alone: bool) -> Step {
        let crashes = self.was.crashes.saturating_add(u16::from(alone && !foreign));
        let failure = Failure::new(
            Class::InDoubt,
            "the daemon stopped between sending and the answer",
        );
        let mut standing = Standing {
            state: State::InDoubt,
            unsure: Some(Unsure {
                since: self.now,
                looks: 0,
                foreign,
            }),
            not_before: self.now,
            crashes,
            why: None,
            ..self.was.clone()
        };
        if crashes >= POISON {
            standing.state = State::Held;
            standing.why = Some(format!(
                "in doubt: the daemon stopped {crashes} times while it was sending this; look on the platform, then `resolve POST --sent URL` or `resolve POST --not-sent`"
            ));
        }
        to(
            standing,
            Action::Rest(Rest {
                failure: Some(failure),
                ..Rest::default()
            }),
        )
    }

    /// The adapter panicked while it sent, or while it asked: nobody knows what became of the request.
    pub(super) fn panicked_in_doubt(&self) -> Step {
        let sending = self.was.state == State::Sending;
        let crashes = self.was.crashes.saturating_add(1);
        let what = if sending { "sent this" } else { "asked about this" };
        let failure = Failure::new(Class::InDoubt, format!("the program failed while it {what}"));
        let mut step = if crashes >= POISON {
            let why = format!(
                "in doubt: the program failed {crashes} times while it {what}: that is a fault in it, please report it; look on the platform, then `resolve POST --sent URL` or `resolve POST --not-sent`"
            );
            self.rest(State::Held, &why, Some(failure))
        } else if sending {
            let tries = self.was.tries.saturating_add(1);
            self.in_doubt(tries, self.first_look(tries), failure, None)
        } else {
            self.look_at(self.next_look())
        };
        step.standing.crashes = crashes;
        step.standing.first_intent = self.was.first_intent;
        if sending {
            step.standing.unsure = Some(Unsure {
                since: self.now,
                looks: 0,
                foreign: self.was.unsure.is_some_and(|unsure| unsure.foreign),
            });
        }
        step
    }

    /// The clock was set. Back: no key's age can be told any more. Forward: no list is believed sooner.
    pub(super) fn clock_set(&self, back: bool) -> Step {
        let unsure = self.was.unsure.map(|unsure| Unsure {
            since: self.now,
            looks: 0,
            ..unsure
        });
        let standing = Standing {
            unsure,
            first_intent: self.was.first_intent.filter(|_| !back),
            ..self.was.clone()
        };
        to(standing, Action::Rest(Rest::default()))
    }

    // --- what the platform said when it was asked -------------------------------------------------

    pub(super) fn looked(&self, answer: Result<Found, Failure>) -> Step {
        match answer {
            Ok(Found::Here(receipt)) => self.accepted(receipt),
            Ok(Found::Absent) => self.absent(),
            Ok(Found::Working) => self.keep_looking(None),
            Ok(Found::Lapsed) => self.certainly_not(),
            Ok(Found::Refused(words)) => self.refused_after_all(Failure::new(Class::Rejected, words)),
            Ok(Found::Unclear(why)) => {
                let why = format!(
                    "in doubt: {why}; look there, then `resolve POST --sent URL` or `resolve POST --not-sent`"
                );
                self.rest(State::Held, &why, None)
            }
            Err(failure) => self.look_failed(failure),
        }
    }

    /// Believed after enough looks and enough time; and only of a request of our own, which has ended.
    fn absent(&self) -> Step {
        let Some(unsure) = self.was.unsure else {
            return self.certainly_not();
        };
        let looks = unsure.looks.saturating_add(1);
        let settle = match self.terms.doubt {
            Doubt::TwoSteps { settle } | Doubt::ReadBack { settle } => settle,
            Doubt::Key { then, .. } => then.unwrap_or(Duration::MAX),
            Doubt::OwnId | Doubt::Ask => Duration::MAX,
        };
        if looks < ENOUGH || since(unsure.since, self.now) < settle {
            let mut step = self.look_at(self.next_look());
            if let Some(unsure) = &mut step.standing.unsure {
                unsure.looks = looks;
            }
            return step;
        }
        if unsure.foreign {
            let why = "in doubt: another replica was sending this when it was lost, and the platform does not show it; look there, then `resolve POST --sent URL` or `resolve POST --not-sent`";
            return self.rest(State::Held, why, None);
        }
        match self.terms.doubt {
            Doubt::TwoSteps { .. } if self.was.tries >= PUBLISHED_ENOUGH => self.rest(State::Held, ASK, None),
            Doubt::TwoSteps { .. } if !self.expired() => self.intend(),
            Doubt::TwoSteps { .. } => self.certainly_not(),
            _ if self.was.resent => {
                let why = "in doubt: it was sent twice, both answers were lost, and the platform shows neither; look there, then `resolve POST --sent URL` or `resolve POST --not-sent`";
                self.rest(State::Held, why, None)
            }
            _ => {
                let mut step = self.certainly_not();
                step.standing.resent = true;
                // If the list lags behind by more, there are two: whoever finds them must find this (P31).
                let words = format!(
                    "the platform's own list did not show it for {} minutes, so it is sent once more",
                    settle.as_secs() / 60
                );
                step.action = Action::Rest(Rest {
                    failure: Some(Failure::new(Class::Transient, words)),
                    ..Rest::default()
                });
                step
            }
        }
    }

    /// It may be tried again from the start, if there is still time: `wake` looks at that.
    fn certainly_not(&self) -> Step {
        let standing = Standing {
            state: State::Retrying,
            not_before: self.now,
            first_intent: None,
            unsure: None,
            why: None,
            ..self.was.clone()
        };
        to(standing, Action::Rest(Rest::default()))
    }

    fn refused_after_all(&self, failure: Failure) -> Step {
        let settled = Standing {
            unsure: None,
            first_intent: None,
            ..self.was.clone()
        };
        At {
            was: &settled,
            ..*self
        }
        .refused(failure)
    }

    fn look_failed(&self, failure: Failure) -> Step {
        let account = match failure.class {
            Class::Auth => Some(ForAccount::Held {
                why: format!("credentials refused: {}", failure.words),
            }),
            Class::RateLimited { until } => {
                let next = until.filter(|until| *until > self.now);
                Some(ForAccount::WaitsUntil(next.unwrap_or_else(|| self.next_look())))
            }
            _ => None,
        };
        match account {
            None => self.keep_looking(Some(failure)),
            Some(account) => {
                let mut step = self.look_at(match &account {
                    ForAccount::WaitsUntil(until) => *until,
                    ForAccount::Held { .. } => self.now,
                });
                step.action = Action::Rest(Rest {
                    failure: Some(failure),
                    account: Some(account),
                    ..Rest::default()
                });
                step
            }
        }
    }

    fn keep_looking(&self, failure: Option<Failure>) -> Step {
        let patience = match self.terms.doubt {
            Doubt::TwoSteps { .. } => PATIENCE_WITH_CONTAINER,
            // The same request settles it at any time: there is only somebody to be asked whose account this is.
            Doubt::OwnId | Doubt::Key { window: None, .. } => Duration::MAX,
            // It is asked only when the key has run out.
            Doubt::Key { window, .. } => PATIENCE.saturating_add(window.unwrap_or_default()),
            _ => PATIENCE,
        };
        let begun = self.was.unsure.map_or(self.now, |unsure| unsure.since);
        if since(begun, self.now) >= patience {
            return self.rest(State::Held, ASK, failure);
        }
        let mut step = self.look_at(self.next_look());
        step.action = Action::Rest(Rest {
            failure,
            ..Rest::default()
        });
        step
    }

    fn look_at(&self, at: Timestamp) -> Step {
        let standing = Standing {
            state: State::InDoubt,
            not_before: at,
            why: None,
            ..self.was.clone()
        };
        to(standing, Action::Rest(Rest::default()))
    }

    /// The first look after now.
    fn next_look(&self) -> Timestamp {
        let begun = self.was.unsure.map_or(self.now, |unsure| unsure.since);
        let age = since(begun, self.now);
        let next = LOOKS.iter().find(|offset| **offset > age);
        let at = next.map_or_else(
            || self.now.saturating_add(LOOK_AGAIN),
            |offset| begun.saturating_add(*offset),
        );
        at.unwrap_or(Timestamp::MAX)
    }

    /// When one that just came into doubt is looked into: a repeat backs off, a look has its own times.
    pub(super) fn first_look(&self, tries: u32) -> Timestamp {
        match self.terms.doubt {
            Doubt::TwoSteps { .. } | Doubt::ReadBack { .. } => {
                self.now.saturating_add(LOOKS[0]).unwrap_or(Timestamp::MAX)
            }
            _ => self.later(tries),
        }
    }
}

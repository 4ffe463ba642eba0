//! What a post in doubt needs beside a request: a look at the platform, and clocks that were not set.

use jiff::{SignedDuration, Timestamp};

use crate::ledger::{Conclusion, Rivals};
use crate::platform::{Among, CLOCKS_APART};
use crate::post::outcome::{Class, Failure, Found};
use crate::post::step::{Action, Event};

use super::Delivery;

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

impl Delivery<'_> {
    /// Asks the platform what became of the request that had no answer.
    pub(super) async fn look(&self) -> Result<Found, Failure> {
        self.is_ours().await?;
        let Some(sealed) = self.frozen().await else {
            return Err(Failure::new(Class::Transient, "the frozen request can't be read"));
        };
        let since = self.asked_since();
        let among = Among {
            since,
            taken: self.rivals(since).await?.receipts,
        };
        let found = self.outlet.platform.find(&sealed, &among).await;
        self.heard(&found);
        let receipt = match found? {
            Found::Here(receipt) => receipt,
            other => return Ok(other),
        };
        // What the platform shows was intended before it answered, but maybe after its rivals were counted.
        let Rivals { receipts, twin } = self.rivals(since).await?;
        let among = Among {
            since,
            taken: receipts,
        };
        if among.has(&receipt.id, receipt.url.as_deref()) {
            return Err(Failure::new(
                Class::Transient,
                "what was found is another post's by now",
            ));
        }
        // Of two that are the same to the letter nobody can tell which one is there (reliability P33).
        Ok(if twin {
            Found::Unclear("another post with the very same words is in doubt too".to_owned())
        } else {
            Found::Here(receipt)
        })
    }

    /// What could be mistaken for this part. Theirs were noted by our clock, and what the platform has by its own.
    async fn rivals(&self, since: Timestamp) -> Result<Rivals, Failure> {
        let noted = since.saturating_sub(CLOCKS_APART).unwrap_or(since);
        let rivals = self.world.ledger.rivals(&self.post, noted).await;
        rivals.map_err(|e| Failure::new(Class::Transient, e.to_string()))
    }

    /// From when on the platform's list is read. Where the clock was set back nobody can tell when the request was
    /// made, and what it was due at may be an instant of the clock that was wrong: then a whole day is read. So it is
    /// where the request was made before this process began: the clock may have been ahead then, and put right while
    /// nobody was looking.
    fn asked_since(&self) -> Timestamp {
        let standing = &self.post.standing;
        let forward = self.shared.time.went_forward();
        let (made, apart) = match (standing.first_intent, standing.unsure) {
            (Some(made), _) if forward.is_some_and(|then| made < then) => (made, A_DAY),
            (Some(made), _) => (made, CLOCKS_APART),
            (None, Some(unsure)) => (unsure.since.min(self.post.due), A_DAY),
            (None, None) => (self.post.due, A_DAY),
        };
        made.saturating_sub(apart).unwrap_or(made)
    }

    /// Whether the clock was set since the doubt's ages were noted, and if so, whether back.
    pub(super) fn clock_was_set(&self) -> Option<bool> {
        let unsure = self.post.standing.unsure?;
        let time = &self.shared.time;
        let first = self.post.standing.first_intent;
        let back = time
            .went_back()
            .is_some_and(|then| first.is_some_and(|first| first <= then));
        let forward = time.went_forward().is_some_and(|then| unsure.since < then);
        (back || forward).then_some(back)
    }

    /// The ages of a doubt are worth nothing across a clock that was set. `false`: that could not be recorded.
    pub(super) async fn reckons_with_the_clock(&mut self) -> bool {
        let Some(back) = self.clock_was_set() else {
            return true;
        };
        let Some(next) = self.decide(Event::ClockSet { back }) else {
            return false;
        };
        let Action::Rest(rest) = next.action else {
            return false;
        };
        let now = self.world.clock.now();
        let conclusion = Conclusion::of(&self.post, next.standing.clone(), rest, now);
        let moved = self.world.ledger.conclude(conclusion).await.unwrap_or(false);
        self.post.standing = next.standing;
        self.post.fence = self.post.fence.next();
        moved
    }
}

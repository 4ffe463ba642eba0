//! How the public answered: what the ledger has of it, read a week at a time, and what that comes to.

mod reckon;
mod rows;

use jiff::{SignedDuration, Timestamp};

use crate::ledger::Ledger;
use crate::ledger::engagement::Span;
use crate::post::identity::MessageId;

use super::Failed;
pub use reckon::{Days, Insights, Reckoning, Share, Sum};
pub use rows::{Row, WithReadings, csv};

/// So much is in memory at once.
const AT_ONCE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was counted of the posts that were due in these days, of one message or of all, and what it comes to.
///
/// # Errors
/// If the ledger can't be read.
pub async fn reckoned(
    ledger: &dyn Ledger,
    days: Days,
    message: Option<MessageId>,
) -> Result<Insights, Failed> {
    let of = Span {
        since: days.since(),
        until: days.end(),
        message,
    };
    let mut reckoning = Reckoning::new(days);
    for span in weeks(&of) {
        for post in ledger.counted(&span).await? {
            reckoning.add(&post);
        }
    }
    Ok(reckoning.finish())
}

/// The same, a week at a time.
pub fn weeks(of: &Span) -> Vec<Span> {
    let mut weeks = Vec::new();
    let mut since = of.since;
    while since < of.until {
        let until = since
            .saturating_add(AT_ONCE)
            .unwrap_or(Timestamp::MAX)
            .min(of.until);
        weeks.push(Span {
            since,
            until,
            message: of.message.clone(),
        });
        since = until;
    }
    weeks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_time_is_read_once() {
        let at = |day: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(day * 24);
        let span = |since, until| Span {
            since: at(since),
            until: at(until),
            message: Some("a".parse().unwrap()),
        };
        assert_eq!(weeks(&span(0, 16)), [span(0, 7), span(7, 14), span(14, 16)]);
        assert_eq!(weeks(&span(3, 3)), []);
    }
}

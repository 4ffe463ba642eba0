//! Another's post that is to be shared: whether it still is what it was when the share was queued.
//!
//! Whoever queues a share has read the post. What its author makes of it afterwards must not go out in the
//! campaign's name before somebody has read that too.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// A share that was queued so recently is read for the first time when it goes out: nobody can have been faster.
const SOON: Duration = Duration::from_mins(10);

/// What the platform has at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A post; this is what its words and images come to.
    There(Digest),
    /// None, any more.
    Gone,
}

/// What is remembered of a share from the day on which it was queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// When it was first seen in the files.
    pub since: Timestamp,
    /// When it was read, and what it said; `None`: it could not be read yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<(Timestamp, Digest)>,
}

/// Whether it may be shared as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Same,
    /// It may, and this is what counts as queued from now on.
    Take(Digest),
    /// A person decides.
    Differs {
        /// What is wrong, and what to do.
        why: String,
        /// What stands there now, which a `retry` accepts; `None`: nothing does.
        shown: Option<Digest>,
    },
}

/// Holds what is at `url` now against what was queued. `shown` is what a person was told of before they said
/// `retry`.
pub fn judge(
    url: &str,
    queued: Option<&Queued>,
    shown: Option<Digest>,
    look: Look,
    now: Timestamp,
) -> Verdict {
    let Look::There(is) = look else {
        return Verdict::Differs {
            why: format!("the post it shares is gone: {url}; `skip` to drop it, `retry` if it is back"),
            shown: None,
        };
    };
    let differs = |what: &str| Verdict::Differs {
        why: format!("{what}: look at {url}, then `retry` to share it as it is now, `skip` to drop it"),
        shown: Some(is),
    };
    match queued {
        Some(Queued {
            read: Some((_, was)), ..
        }) if *was == is => Verdict::Same,
        _ if shown == Some(is) => Verdict::Take(is),
        Some(Queued {
            read: Some((at, _)), ..
        }) => differs(&format!(
            "the post it shares has changed since {} (UTC)",
            at.strftime("%Y-%m-%d %H:%M")
        )),
        Some(Queued { since, read: None }) if long_ago(*since, now) => differs(&format!(
            "the post it shares could not be read since it was queued, {} (UTC)",
            since.strftime("%Y-%m-%d %H:%M")
        )),
        _ => Verdict::Take(is),
    }
}

fn long_ago(since: Timestamp, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|age| age > SOON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_796_115_600 + minutes * 60).unwrap()
    }

    #[test]
    fn what_is_shared_is_what_was_queued_or_what_a_person_has_seen() {
        let [old, new, newer] = ["old", "new", "newer"].map(|text| Digest::of(text.as_bytes()));
        let read = Queued {
            since: at(0),
            read: Some((at(1), old)),
        };
        let unread = Queued {
            since: at(0),
            read: None,
        };
        let there = Look::There;
        let table = [
            (Some(&read), None, there(old), 999, "same"),
            (Some(&read), None, there(new), 999, "changed"),
            (Some(&read), None, Look::Gone, 999, "gone"),
            // A person was told of it, and said `retry`.
            (Some(&read), Some(new), there(new), 999, "take new"),
            (Some(&read), Some(new), there(newer), 999, "changed"),
            (Some(&read), Some(new), Look::Gone, 999, "gone"),
            // It is again what it was.
            (Some(&read), Some(new), there(old), 999, "same"),
            // It could never be read.
            (Some(&unread), None, there(old), 11, "unread"),
            (Some(&unread), Some(old), there(old), 11, "take old"),
            (Some(&unread), None, there(old), 10, "take old"),
            (Some(&unread), None, Look::Gone, 10, "gone"),
            // It was queued this moment, or a person asked for it now.
            (None, None, there(old), 0, "take old"),
            (None, None, Look::Gone, 0, "gone"),
        ];
        for (queued, shown, look, minutes, expected) in table {
            let found = match judge("https://a.example/1", queued, shown, look, at(minutes)) {
                Verdict::Same => "same",
                Verdict::Take(is) if is == old => "take old",
                Verdict::Take(is) if is == new => "take new",
                Verdict::Differs { why, shown: None } if why.contains("is gone: https://a.example/1") => {
                    "gone"
                }
                Verdict::Differs { why, shown } => {
                    let Look::There(is) = look else { panic!("{why}") };
                    assert_eq!(shown, Some(is));
                    assert!(
                        why.contains("https://a.example/1") && why.contains("`retry`"),
                        "{why}"
                    );
                    match why {
                        why if why.contains("has changed since 2026-12-01 09:01") => "changed",
                        why if why.contains("could not be read since it was queued, 2026-12-01 09:00") => {
                            "unread"
                        }
                        why => panic!("{why}"),
                    }
                }
                Verdict::Take(is) => panic!("{is}"),
            };
            assert_eq!(found, expected, "{queued:?}, {shown:?}, {look:?}, {minutes}");
        }
    }
}

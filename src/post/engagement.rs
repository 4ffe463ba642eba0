//! How the public answered to a post: what the platform counts, and when it is worth asking.

use jiff::{SignedDuration, Timestamp};

/// What a platform counts of one post, as it stood when it was asked; `None`: it does not count that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Likes, favourites, reactions of any kind.
    pub likes: Option<u64>,
    /// Boosts, reposts, forwards.
    pub shares: Option<u64>,
    /// Answers and comments. In a thread the next part of our own may be one.
    pub replies: Option<u64>,
    /// Posts of others that quote it.
    pub quotes: Option<u64>,
    /// How often it was shown.
    pub views: Option<u64>,
}

impl Counts {
    /// Likes, shares, replies and quotes together; `None`: nothing of it is counted.
    pub fn engagement(&self) -> Option<u64> {
        let parts = [self.likes, self.shares, self.replies, self.quotes];
        parts.into_iter().flatten().reduce(u64::saturating_add)
    }

    /// These and those; what neither of them counts is not counted.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (one, other) => one.or(other),
        };
        Self {
            likes: sum(self.likes, other.likes),
            shares: sum(self.shares, other.shares),
            replies: sum(self.replies, other.replies),
            quotes: sum(self.quotes, other.quotes),
            views: sum(self.views, other.views),
        }
    }
}

/// How old a post is each time its platform is asked: often while it is new, then ever more rarely. What is older is
/// left alone.
pub const AGES: [SignedDuration; 7] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(3 * 24),
    SignedDuration::from_hours(7 * 24),
    SignedDuration::from_hours(14 * 24),
    SignedDuration::from_hours(30 * 24),
];

/// How long after a post went out its platform is asked at the latest: the last of [`AGES`], and a day more for a
/// daemon that was down.
pub const ASKED_FOR: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Whether it is time to ask: the post has come to one of [`AGES`] since it was last asked after. What was missed
/// meanwhile is not made up.
pub fn is_time(sent: Timestamp, last: Option<Timestamp>, now: Timestamp) -> bool {
    let age = now.duration_since(sent);
    let reached = AGES.into_iter().rfind(|at| *at <= age);
    age <= ASKED_FOR && reached.is_some_and(|at| last.is_none_or(|last| last.duration_since(sent) < at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_asked_after_at_each_age_once() {
        let sent: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let (mut last, mut asked) = (None, Vec::new());
        for hour in 0..40 * 24 {
            let now = sent + SignedDuration::from_hours(hour);
            if is_time(sent, last, now) {
                asked.push(hour);
                last = Some(now);
            }
        }
        assert_eq!(asked, [1, 6, 24, 72, 168, 336, 720]);
    }

    #[test]
    fn what_is_not_counted_is_not_nought() {
        let likes = |likes| Counts {
            likes: Some(likes),
            ..Counts::default()
        };
        let sum = likes(1).plus(&likes(2)).plus(&Counts::default());
        assert_eq!((sum, sum.engagement()), (likes(3), Some(3)));
        assert_eq!(Counts::default().engagement(), None);
        let seen = Counts {
            views: Some(9),
            ..Counts::default()
        };
        assert_eq!(seen.engagement(), None, "whoever saw it has not answered");
    }

    #[test]
    fn what_was_missed_is_asked_once_and_what_is_old_not_at_all() {
        let sent: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let at = |hours| sent + SignedDuration::from_hours(hours);
        assert!(is_time(sent, Some(at(1)), at(100)), "down for four days");
        assert!(!is_time(sent, Some(at(100)), at(101)));
        assert!(!is_time(sent, None, at(32 * 24)));
        assert!(!is_time(sent, None, at(-2)), "a clock that went back");
    }
}

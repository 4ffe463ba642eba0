//! What wants another right than posts do: a comment, a repost.

use super::{ACCOUNT_SUB, Trouble};
use crate::platform::http::Answer;
use crate::post::outcome::{Class, Failure};

/// What the answer to its request means. Where it is refused for want of that right, or of somebody else's leave, for
/// `why`, the account may post all the same.
pub(in super::super) fn beside_posts<T>(
    answer: &Answer,
    came: Result<T, Failure>,
    why: &str,
) -> Result<T, Failure> {
    let of_this = |trouble: &Trouble| trouble.is_forbidden() && !ACCOUNT_SUB.contains(&trouble.sub());
    match came {
        Err(failure) if failure.class == Class::Auth && Trouble::of(answer).as_ref().is_some_and(of_this) => {
            let words = format!("{}; {why}", failure.words);
            Err(answer.failure(Class::Rejected, Some(&words)))
        }
        came => came,
    }
}

//! The end of an attempt, of waiting, or a person's word: what moves a post to where it rests.

use jiff::Timestamp;

use crate::post::identity::PostId;
use crate::post::outcome::{Failure, Receipt};
use crate::post::state::{Standing, State};
use crate::post::step::Rest;

use super::{Fence, Post, Voice};

/// The end of an attempt, or of waiting: from one standing to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    pub post: PostId,
    pub from: State,
    pub fence: Fence,
    /// The part that this is about.
    pub part: u16,
    pub to: Standing,
    pub receipt: Option<Receipt>,
    pub failure: Option<Failure>,
    /// The same hands go on with it at once: the next part of a thread.
    pub keep: bool,
    /// Who said so; `None`: nobody had to.
    pub voice: Option<Voice>,
    pub at: Timestamp,
}

impl Conclusion {
    /// Its first request certainly came to nothing, so it gives its place in the account's pace back.
    pub(super) fn free_again(&self) -> bool {
        self.part == 0 && self.receipt.is_none() && self.to.part == 0 && !self.to.doubted()
    }

    /// What `post::step` said of `post`.
    pub fn of(post: &Post, to: Standing, rest: Rest, at: Timestamp) -> Self {
        Self {
            post: post.id,
            from: post.standing.state,
            fence: post.fence,
            part: post.standing.part,
            to,
            receipt: rest.receipt,
            failure: rest.failure,
            keep: false,
            voice: None,
            at,
        }
    }

    /// Because a person says so.
    #[must_use]
    pub fn said(self, act: &'static str, by: &str) -> Self {
        let by = by.to_owned();
        Self {
            voice: Some(Voice { act, by }),
            ..self
        }
    }
}

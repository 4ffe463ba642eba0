//! The last look at another's post, right before it is shared: it must be what it was when the share was queued.

use crate::post::digest::Digest;
use crate::post::outcome::Failure;
use crate::post::shared::Verdict;

use super::super::shares;
use super::{Delivery, unreadable};

/// A person decides.
pub(super) struct Differs {
    pub why: String,
    /// What stands there now, if anything does.
    pub shown: Option<Digest>,
}

impl Delivery<'_> {
    /// What keeps the post from being shared as it is; `None`: nothing, or this post shares none, or its platform
    /// can't be asked.
    pub(super) async fn differs(&self) -> Result<Option<Differs>, Failure> {
        let Some(url) = &self.post.content.share else {
            return Ok(None);
        };
        self.is_ours().await?;
        let Some(answer) = self.outlet.platform.read(url).await else {
            return Ok(None);
        };
        self.heard(&answer);
        let now = self.world.clock.now();
        let verdict = shares::verdict(&*self.world.ledger, &self.post, url, answer?, now).await;
        Ok(match verdict.map_err(|e| unreadable(&e))? {
            Verdict::Differs { why, shown } => Some(Differs { why, shown }),
            Verdict::Same | Verdict::Take(_) => None,
        })
    }

    /// Notes what the reason of a hold tells of. After the hold, never before: a post that is not held must not go
    /// on as if somebody had looked. If it can't be noted, a `retry` is held again.
    pub(super) async fn was_shown(&self, shown: Digest) {
        if let Err(e) = shares::was_shown(&*self.world.ledger, self.post.id, shown).await {
            tracing::error!(event = "ledger.failed", post = %self.post.id, error = %e,
                "what the shared post says now can't be noted, so `retry` will hold it once more: {e}");
        }
    }
}

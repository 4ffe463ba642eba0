//! Any adapter, with its secrets kept in: a platform may repeat our token in its error, and a person may paste one into
//! a message (reliability F16).

use async_trait::async_trait;

use super::secret::Scrubber;
use super::token::Token;
use super::{Among, Deletion, Edit, Granted, Outgoing, Platform, Prepared, Sealed};
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::limits::Limits;

/// Any adapter, and what all of them keep.
pub(super) struct Discreet {
    inner: Box<dyn Platform>,
    scrubber: Scrubber,
    sends_video: bool,
}

impl Discreet {
    pub(super) fn new(inner: Box<dyn Platform>, scrubber: &Scrubber, sends_video: bool) -> Self {
        Self {
            inner,
            scrubber: scrubber.clone(),
            sends_video,
        }
    }
}

#[async_trait]
impl Platform for Discreet {
    fn limits(&self) -> &Limits {
        self.inner.limits()
    }

    async fn prepare(&self, part: &Outgoing<'_>) -> Result<Prepared, Failure> {
        // No text goes out without its video (reliability P39).
        let takes = self.sends_video && self.limits().video.is_some();
        if part.video.is_some() && !takes {
            return Err(Failure::new(Class::Rejected, "no video can be posted here"));
        }
        self.without_secrets(part, self.inner.prepare(part)).await
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        self.inner.publish(sealed).await.map_err(|f| self.scrubbed(f))
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        self.inner
            .prepare_deletion(gone)
            .await
            .map_err(|f| self.scrubbed(f))
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.inner.delete(sealed).await.map_err(|f| self.scrubbed(f))
    }

    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        self.without_secrets(&edit.out, self.inner.prepare_edit(edit))
            .await
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        self.inner.edit(sealed).await.map_err(|f| self.scrubbed(f))
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.inner.find(sealed, among).await.map_err(|f| self.scrubbed(f))
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        let answered = self.inner.read(url).await?;
        Some(answered.map_err(|f| self.scrubbed(f)))
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.inner.engagement(of).await.map_err(|f| self.scrubbed(f))
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        self.inner.identity().await.map_err(|f| self.scrubbed(f))
    }

    async fn learn(&self) -> Result<(), Failure> {
        self.inner.learn().await.map_err(|f| self.scrubbed(f))
    }

    async fn granted(&self) -> Result<Option<Granted>, Failure> {
        self.inner.granted().await.map_err(|f| self.scrubbed(f))
    }

    fn token(&self) -> Option<&Token> {
        self.inner.token()
    }

    async fn probe(&self) -> Option<Result<(), Failure>> {
        let answered = self.inner.probe().await?;
        Some(answered.map_err(|f| self.scrubbed(f)))
    }
}

/// All that people wrote of it.
fn words_of<'p>(out: &'p Outgoing<'_>) -> impl Iterator<Item = &'p str> {
    let link = out.part.link.as_ref().map(|link| &*link.url);
    let beside = [Some(&*out.part.text), link, out.warn, out.share];
    beside.into_iter().flatten().chain(out.part.alts())
}

fn with_secret() -> Failure {
    Failure::new(
        Class::Rejected,
        "one of our own secrets stands in it: it is not sent",
    )
}

impl Discreet {
    /// The request that `preparing` makes of `part`, if nothing of either is a secret. The words as people wrote them,
    /// too: a platform's escapes would hide a secret in the request.
    async fn without_secrets(
        &self,
        part: &Outgoing<'_>,
        preparing: impl Future<Output = Result<Prepared, Failure>> + Send,
    ) -> Result<Prepared, Failure> {
        if words_of(part).any(|words| self.holds_secret(words)) {
            return Err(with_secret());
        }
        let prepared = preparing.await.map_err(|f| self.scrubbed(f))?;
        if self.holds_secret(&prepared.body) {
            return Err(with_secret());
        }
        Ok(prepared)
    }

    fn holds_secret(&self, text: &str) -> bool {
        self.scrubber.scrub(text) != text
    }

    fn scrubbed(&self, mut failure: Failure) -> Failure {
        failure.words = self.scrubber.scrub(&failure.words).into_owned();
        failure
    }
}

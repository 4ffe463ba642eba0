//! The request of the part that a post is at: prepared, and sent once its intent is durable.

use crate::platform::{Deletion, Edit, Outgoing};
use crate::post::content::Part;
use crate::post::digest::Digest;
use crate::post::outcome::{Class, Failure, Receipt};
use crate::post::sealed::{Key, Prepared, Sealed};

use super::{Delivery, unreadable};

impl Delivery<'_> {
    /// All that may be repeated or abandoned.
    pub(super) async fn prepare(&self) -> Result<Prepared, Failure> {
        self.is_ours().await?;
        let content = &self.post.content;
        let index = self.post.standing.part;
        let Some(part) = content.parts.get(usize::from(index)) else {
            return Err(Failure::new(Class::Rejected, "the part to send is not there"));
        };
        if let Some(receipt) = self.deletes() {
            return self.prepare_deletion(receipt).await;
        }
        if let Some((receipt, was)) = content.edits(usize::from(index)) {
            let key = self.key().await.map_err(|e| unreadable(&e))?;
            let campaign = self.shared.campaign();
            let out = self.outgoing(part, key, &[], &campaign.settings.name);
            let edit = Edit {
                receipt,
                below: content.is_below(usize::from(index)),
                was,
                out,
            };
            let prepared = self.outlet.platform.prepare_edit(&edit).await;
            self.heard(&prepared);
            return prepared;
        }
        // No text goes out without its image or video (reliability P39).
        let limits = self.outlet.platform.limits();
        let mut images = Vec::new();
        for image in &part.images {
            let read = self.world.media.image(image, limits).await;
            let read = read.map_err(|why| Failure::new(Class::Rejected, why))?;
            // What is on a card was approved with the words.
            let drawn = image.card.is_some();
            if !drawn {
                self.may_show(&image.file, read.source)?;
            }
            images.push(read);
        }
        let video = match &part.video {
            None => None,
            Some(video) => {
                let read = self.world.media.video(video, limits).await;
                let read = read.map_err(|why| Failure::new(Class::Rejected, why))?;
                self.may_show(&video.file, read.source)?;
                Some(read)
            }
        };
        let thread = self.thread().await?;
        let key = self.key().await.map_err(|e| unreadable(&e))?;
        let campaign = self.shared.campaign();
        let outgoing = Outgoing {
            images,
            video,
            ..self.outgoing(part, key, &thread, &campaign.settings.name)
        };
        let prepared = self.outlet.platform.prepare(&outgoing).await;
        self.heard(&prepared);
        prepared
    }

    /// A part on its way, without its images and its video; `thread`: what it answers, from the first.
    fn outgoing<'a>(
        &'a self,
        part: &'a Part,
        key: Key,
        thread: &'a [Receipt],
        campaign: &'a str,
    ) -> Outgoing<'a> {
        let content = &self.post.content;
        Outgoing {
            part,
            images: Vec::new(),
            video: None,
            index: self.post.standing.part,
            of: self.post.parts,
            language: &content.language,
            warn: content.warn.as_deref(),
            share: content.share.as_deref(),
            key,
            parent: thread.last(),
            root: thread.first(),
            campaign,
            message: self.post.message.as_str(),
            now: self.world.clock.now(),
        }
    }

    /// Where approval is asked for, what is shown is what was approved.
    fn may_show(&self, file: &str, source: Digest) -> Result<(), Failure> {
        if self.shared.may_show(&self.post.message, file, source) {
            return Ok(());
        }
        let why = format!("{file} has changed since it was approved");
        Err(Failure::new(Class::Transient, why))
    }

    /// The request that deletes a part, if that is what this post is for.
    async fn prepare_deletion(&self, receipt: &Receipt) -> Result<Prepared, Failure> {
        let gone = Deletion {
            receipt,
            below: self.post.content.is_below(usize::from(self.post.standing.part)),
            key: self.key().await.map_err(|e| unreadable(&e))?,
            campaign: &self.shared.campaign().settings.name,
            message: self.post.message.as_str(),
            now: self.world.clock.now(),
        };
        let prepared = self.outlet.platform.prepare_deletion(&gone).await;
        self.heard(&prepared);
        prepared
    }

    /// The one request that the world can see. What was deleted or edited keeps the name that it had.
    pub(super) async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let platform = &self.outlet.platform;
        let edits = self.post.content.edits(usize::from(self.post.standing.part));
        let receipt = match (self.deletes(), edits) {
            (Some(receipt), _) => {
                platform.delete(sealed).await?;
                receipt
            }
            (None, Some((receipt, _))) => {
                platform.edit(sealed).await?;
                receipt
            }
            (None, None) => return platform.publish(sealed).await,
        };
        Ok(Receipt::named(receipt.id.as_str(), receipt.url.clone()))
    }

    /// What the current part deletes.
    fn deletes(&self) -> Option<&Receipt> {
        self.post
            .content
            .deletes()?
            .get(usize::from(self.post.standing.part))
    }

    /// The receipts of what comes before the current part: the post that this one answers, then its own
    /// earlier parts.
    async fn thread(&self) -> Result<Vec<Receipt>, Failure> {
        let mut thread: Vec<Receipt> = self.post.content.answers().cloned().into_iter().collect();
        if let Some(target) = &self.post.content.reply_to {
            thread = self
                .world
                .ledger
                .receipts_of(target, &self.post.account)
                .await
                .map_err(|e| unreadable(&e))?;
            if thread.is_empty() {
                return Err(Failure::new(
                    Class::Transient,
                    format!("`{target}`, which it answers, is not out yet"),
                ));
            }
        }
        if self.post.standing.part > 0 {
            let own = self
                .world
                .ledger
                .parts(self.post.id)
                .await
                .map_err(|e| unreadable(&e))?;
            thread.extend(own.into_iter().filter_map(|part| part.receipt));
        }
        Ok(thread)
    }
}

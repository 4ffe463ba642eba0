//! A video beside the words, held against the limits of each platform.

use super::account::{in_answer, label};
use super::{Check, path};
use crate::campaign::Account;
use crate::campaign::render::Chosen;
use crate::post::content::Content;
use crate::text::count;
use crate::text::videos::{Misfit, misfits};

impl Check<'_, '_> {
    pub(super) fn video(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        // Of variants, only the texts differ.
        let video = content.parts.iter().find_map(|part| part.video.as_ref());
        let Some(video) = video.filter(|_| chosen.nth == 0) else {
            return;
        };
        let limits = &*account.limits.answering(content.reply_to.is_some());
        let at = |key| path(chosen.beside_source, &["video", key]);
        if let Some(max) = limits.max_alt.filter(|max| count::graphemes(&video.alt) > *max) {
            self.error(
                "too-long",
                at("alt"),
                format!(
                    "this description is too long for {}: {} characters, the limit is {max}{}",
                    label(account),
                    count::graphemes(&video.alt),
                    self.when()
                ),
                "make it shorter",
            );
        }
        let Some(Ok(footage)) = self.media.videos.get(&video.file) else {
            return;
        };
        for misfit in misfits(footage, limits.video.as_ref()) {
            let (what, help) = misfit.said(footage, limits.video.as_ref());
            let here = match misfit {
                Misfit::NoVideo => in_answer(account, content),
                _ => "",
            };
            let code = match misfit {
                Misfit::NoVideo => "no-video",
                Misfit::TooLarge => "video-too-large",
                Misfit::TooLong => "video-too-long",
                _ => "bad-video",
            };
            self.error(code, at("file"), format!("{} {what}{here}", label(account)), help);
        }
    }
}

//! Has the lints look at everything that a message says, in each language by itself.

use jiff::ToSpan;

use super::{Check, path};
use crate::campaign::lint::{NOT_HTTPS, Text, WRITE_HTTPS, finds, is_plain_http};
use crate::campaign::message::{When, Words};
use crate::campaign::problem::Severity;
use crate::campaign::render::text_path;

impl<'a> Check<'a, '_> {
    /// Whether it went out, or its time is over: nothing that it says can be changed.
    pub(super) fn is_over(&self) -> bool {
        let zone = &self.context.settings.zone;
        let yesterday = self
            .context
            .today
            .checked_sub(1.day())
            .unwrap_or(self.context.today);
        let expired = self.message.expires.and_then(|expires| self.instant(expires));
        self.days.0 < yesterday || expired.is_some_and(|at| at.to_zoned(zone.clone()).date() < yesterday)
    }

    /// The language of the words at `source`.
    pub(super) fn language(&self, source: [&'a str; 2]) -> &'a str {
        let context = self.context;
        let mut accounts = context.roster.accounts.iter();
        match source {
            ["lang", tag] => tag,
            [name, _] => accounts
                .find(|account| account.name.as_str() == name)
                .and_then(|account| account.language.as_deref())
                .unwrap_or(&context.settings.language),
        }
    }

    /// What is pointed out in one set of words.
    pub(super) fn lint(&mut self, source: [&'a str; 2], words: &'a Words) {
        if self.over {
            return;
        }
        let hashtags = &self.context.settings.hashtags;
        let lasting = self.message.expires.is_none() && !matches!(self.message.when, When::At(_));
        let language = self.language(source);
        let texts = words.texts.iter().enumerate();
        let texts = texts.map(|(nth, text)| (text_path(source, &words.texts, nth), &**text, lasting));
        let warn = words
            .warn
            .iter()
            .map(|warn| (path(source, &["warn"]), &**warn, false));
        let images = words.images().iter().enumerate().map(|(i, image)| {
            let nth = i.to_string();
            (path(source, &["image", &nth, "alt"]), &*image.alt, false)
        });
        let video = words.video().into_iter();
        let video = video.map(|video| (path(source, &["video", "alt"]), &*video.alt, false));
        let alts = images.chain(video);
        for (path, text, lasting) in texts.chain(warn).chain(alts) {
            for (code, find) in finds(&Text::new(text, language, hashtags, lasting)) {
                // What is written over several lines is shown by its first.
                let words = text.get(find.range.clone()).unwrap_or_default();
                let words = words.lines().next().unwrap_or_default();
                let nth = text
                    .match_indices(words)
                    .position(|(at, _)| at == find.range.start);
                if let Some(added) = self.add(Severity::Warning, code, path.clone(), find.message, find.help)
                {
                    added.words = Some(words.to_owned());
                    added.nth = nth.unwrap_or(0);
                }
            }
        }
        if let Some(link) = &words.link
            && is_plain_http(link)
        {
            self.warning(
                "plain-http",
                path(source, &["link"]),
                NOT_HTTPS.to_owned(),
                WRITE_HTTPS,
            );
        }
    }

    /// The address that is the value of `key`.
    pub(super) fn lint_address(&mut self, key: &str, url: &str) {
        if !self.over && is_plain_http(url) {
            self.warning(
                "plain-http",
                path([""; 2], &[key]),
                NOT_HTTPS.to_owned(),
                WRITE_HTTPS,
            );
        }
    }
}

//! What goes with the words: images and cards, held against the limits of each platform.

use super::account::{in_answer, label};
use super::{Check, path};
use crate::campaign::Account;
use crate::campaign::render::Chosen;
use crate::post::content::{Content, Image, Part};
use crate::text::count;
use crate::text::images::{Media, Misfit, Way, way};
use crate::text::limits::Limits;

impl Check<'_, '_> {
    pub(super) fn images(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        let limits = &*account.limits.answering(content.reply_to.is_some());
        let at = |keys: &[&str]| path(chosen.beside_source, keys);
        let (count, max) = (chosen.images().len(), usize::from(limits.max_images));
        // Of variants, only the cards differ.
        let again = chosen.nth > 0;
        if count > max && !again {
            let here = in_answer(account, content);
            let message = match max {
                0 => format!("{} takes no images{here}", label(account)),
                max => format!(
                    "{count} images are too many for {}: it takes {max}{here}",
                    label(account)
                ),
            };
            let place = if account.platform == account.like {
                account.platform
            } else {
                account.name.as_str()
            };
            self.error(
                "too-many-images",
                at(&["image"]),
                message,
                format!("write `image = […]` with fewer under `[message.{place}]`"),
            );
        }
        for part in &content.parts {
            self.together(account, chosen, part);
            self.alone(account, chosen, part);
        }
        let images = content.parts.iter().flat_map(|part| &part.images);
        for (i, image) in images.enumerate() {
            if image.card.is_some() {
                self.card(account, chosen, image);
                continue;
            }
            if again {
                continue;
            }
            let Image { file, alt, .. } = image;
            let i = i.to_string();
            if let Some(max) = limits.max_alt.filter(|max| count::graphemes(alt) > *max) {
                self.error(
                    "too-long",
                    at(&["image", &i, "alt"]),
                    format!(
                        "this description is too long for {}: {} characters, the limit is {max}{}",
                        label(account),
                        count::graphemes(alt),
                        self.when()
                    ),
                    "make it shorter",
                );
            }
            let Some(Ok(media)) = self.media.images.get(file) else {
                continue;
            };
            if max > 0
                && let Err(misfit) = way(media, limits)
            {
                let (what, help) = said(misfit, media, limits);
                self.error(
                    "bad-image",
                    at(&["image", &i, "file"]),
                    format!("{} {what}", label(account)),
                    help,
                );
            }
        }
    }

    /// Images that travel in one request, and are too much for it.
    fn together(&mut self, account: &Account, chosen: &Chosen<'_>, part: &Part) {
        let limits = &account.limits;
        let Some(max) = limits.max_images_bytes else {
            return;
        };
        let known = |image: &Image| Some(self.media.images.get(&image.file)?.as_ref().ok()?.to_owned());
        // What is drawn anew is made small enough, so only what goes as it is can be too much.
        let as_they_are = part.images.iter().filter_map(known);
        let total: u64 = as_they_are
            .filter(|media| way(media, limits) == Ok(Way::AsItIs))
            .map(|media| media.size)
            .sum();
        if total > max {
            self.error(
                "bad-image",
                path(chosen.beside_source, &["image"]),
                format!(
                    "the images are too large together for {}: {} kB, the limit is {} kB",
                    label(account),
                    total / 1000,
                    max / 1000
                ),
                "use fewer, or save them smaller",
            );
        }
    }

    /// What moves, and has others beside it where it must not.
    fn alone(&mut self, account: &Account, chosen: &Chosen<'_>, part: &Part) {
        if !account.limits.moving_alone || part.images.len() < 2 {
            return;
        }
        let moves =
            |image: &&Image| matches!(self.media.images.get(&image.file), Some(Ok(media)) if media.moving);
        let Some(image) = part.images.iter().find(moves) else {
            return;
        };
        self.error(
            "bad-image",
            path(chosen.beside_source, &["image"]),
            format!(
                "{} takes a moving image alone, and \"{}\" has others beside it",
                label(account),
                image.file
            ),
            "use it by itself, or one picture of it",
        );
    }

    /// A card that can't be drawn, or whose words are too many for a description.
    fn card(&mut self, account: &Account, chosen: &Chosen<'_>, image: &Image) {
        let Some(card) = &image.card else { return };
        let length = count::graphemes(&image.alt);
        if let Some(max) = account.limits.max_alt.filter(|max| length > *max) {
            self.error(
                "too-long",
                path([""; 2], &["card"]),
                format!(
                    "the card's words are too long as its description for {}: {length} characters, the limit is {max}",
                    label(account)
                ),
                "make the text shorter",
            );
        }
        if !self.drawn.insert(image.file.clone()) {
            return;
        }
        if let Err(problem) = self.outside.card(card) {
            self.error("bad-card", chosen.path(), problem.message, problem.help);
        }
    }
}

/// What a platform can't do with an image, after its name, and what to do about it. Stills of any size and type
/// are made to fit.
fn said(misfit: Misfit, media: &Media, limits: &Limits) -> (String, String) {
    let (width, height) = (media.width, media.height);
    let shape = |ratio: (u32, u32)| format!("{}:{}", ratio.0, ratio.1);
    let [tallest, broadest] = limits.frame.shapes.unwrap_or([(0, 1), (1, 0)]);
    match misfit {
        Misfit::Moving => (
            format!("shows no moving {} images", kind(media.mime)),
            "save one picture of it as PNG or JPEG".into(),
        ),
        Misfit::MovingTooLarge => (
            format!(
                "takes no moving image as large as this one: {width} × {height}, {} kB, the limit is {} kB",
                media.size / 1000,
                limits.max_moving_bytes.unwrap_or_default() / 1000
            ),
            "save it smaller, or with fewer pictures".into(),
        ),
        Misfit::TooTall => (
            format!(
                "takes no image as tall as this one: {width} × {height}, the tallest is {}",
                shape(tallest)
            ),
            "crop it".into(),
        ),
        Misfit::TooBroad => (
            format!(
                "takes no image as broad as this one: {width} × {height}, the broadest is {}",
                shape(broadest)
            ),
            "crop it".into(),
        ),
    }
}

/// `image/png` as people call it.
fn kind(mime: &str) -> String {
    mime.trim_start_matches("image/").to_ascii_uppercase()
}

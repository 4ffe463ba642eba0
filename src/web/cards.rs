//! `/messages/ID/cards/ACCOUNT/NAME`: a card of a message, byte for byte as it is posted on that account. Only what
//! the campaign has now is drawn, one at a time, and the last ones are kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::folder::Picture;
use crate::post::content::Image;

use super::Site;
use super::messages::versions;
use super::overview::{Overview, overview};
use super::trouble::Trouble;
use super::visit::Visit;

/// How many are kept: those of a message on many accounts, some 50 KB each.
const KEPT: usize = 64;
/// A card with other words has another name. For a day only: another version of the program may draw it otherwise.
const FOR_A_DAY: &str = "private, max-age=86400";

/// A card by its name, on an account.
type Which = (String, String);

/// The cards that were drawn last, and the right to draw the next.
#[derive(Default)]
pub(super) struct Cards {
    kept: Mutex<VecDeque<(Which, Picture)>>,
    drawing: tokio::sync::Mutex<()>,
}

impl Cards {
    fn kept(&self, which: &Which) -> Option<Picture> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(of, _)| of == which);
        found.map(|(_, picture)| picture.clone())
    }

    fn keep(&self, which: Which, picture: Picture) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT - 1);
        kept.push_front((which, picture));
    }
}

/// Where a card of this message is to be seen.
pub(super) fn address(message: &str, account: &str, card: &Image) -> String {
    format!("/messages/{message}/cards/{account}/{}", card.file)
}

pub(super) async fn card(
    State(site): State<Arc<Site>>,
    _visit: Visit,
    Path((message, account, name)): Path<(String, String, String)>,
) -> Result<Response, Trouble> {
    let which = (name, account);
    if let Some(picture) = site.cards.kept(&which) {
        return Ok(shown(picture));
    }
    let view = overview(&site).await?;
    let _turn = site.cards.drawing.lock().await;
    // Whoever had the turn before may have drawn it.
    if let Some(picture) = site.cards.kept(&which) {
        return Ok(shown(picture));
    }
    let worker = Arc::clone(&site);
    let drawn = tokio::task::spawn_blocking(move || {
        let picture = draw(&worker, &view, &message, &which)?;
        worker.cards.keep(which, picture.clone());
        Some(picture)
    });
    drawn.await.ok().flatten().map(shown).ok_or(Trouble::Nothing)
}

/// `None`: the message has no such card there, or it can't be drawn.
fn draw(site: &Site, view: &Overview, message: &str, (name, account): &Which) -> Option<Picture> {
    let rows = versions(view, site.now(), view.message(message)?);
    let mut images = rows
        .iter()
        .filter(|row| row.account == *account)
        .flat_map(|row| row.parts.iter().flat_map(|part| &part.part.images));
    let card = images.find(|image| image.card.is_some() && image.file == *name)?;
    let limits = &view.account(account)?.limits;
    Some(site.folder.image(card, Some(limits.as_ref())).ok()?.0)
}

fn shown(picture: Picture) -> Response {
    let headers = [
        (header::CONTENT_TYPE, picture.mime),
        (header::CACHE_CONTROL, FOR_A_DAY),
    ];
    (headers, picture.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(n: usize) -> (Which, Picture) {
        let picture = Picture {
            bytes: n.to_string().into(),
            mime: "image/png",
            width: 1,
            height: 1,
        };
        ((format!("card-{n}.png"), "mastodon".to_owned()), picture)
    }

    #[test]
    fn the_last_cards_are_kept_and_no_more() {
        let cards = Cards::default();
        for n in 0..=KEPT {
            let (which, picture) = named(n);
            cards.keep(which, picture);
        }
        assert_eq!(cards.kept(&named(0).0), None, "the oldest is gone");
        let (which, picture) = named(1);
        assert_eq!(cards.kept(&which), Some(picture));
        let elsewhere = (which.0, "bluesky".to_owned());
        assert_eq!(cards.kept(&elsewhere), None, "other limits");
    }
}

//! `/media/FILE`: an image or a video that a message names, without what it tells of places and people. No other file
//! of the folder.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio_util::io::ReaderStream;

use crate::campaign::Campaign;

use super::Site;
use super::trouble::Trouble;
use super::visit::Visit;

pub(super) async fn media(
    State(site): State<Arc<Site>>,
    _visit: Visit,
    Path(file): Path<String>,
) -> Result<Response, Trouble> {
    let campaign = Arc::clone(&site.pages.campaign.borrow());
    let found = tokio::task::spawn_blocking(move || find(&site, &campaign, &file)).await;
    found.ok().flatten().ok_or(Trouble::Nothing)
}

fn find(site: &Site, campaign: &Campaign, file: &str) -> Option<Response> {
    let all = campaign.messages.iter().flat_map(|message| {
        let others = message.for_account.values().chain(message.for_language.values());
        std::iter::once(&message.words).chain(others)
    });
    for words in all {
        if let Some(image) = words.images().iter().find(|image| image.file == file) {
            let (picture, _) = site.folder.image(image, None).ok()?;
            return Some(([(header::CONTENT_TYPE, picture.mime)], picture.bytes).into_response());
        }
        if words.video().is_some_and(|video| video.file == file) {
            let (source, reel) = site.folder.reel(file).ok()?;
            let stream = site.folder.film(file, source, &reel).ok()?;
            let body = Body::from_stream(ReaderStream::with_capacity(stream, 64 << 10));
            return Some(([(header::CONTENT_TYPE, reel.footage.mime)], body).into_response());
        }
    }
    None
}

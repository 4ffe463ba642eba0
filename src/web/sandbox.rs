//! `/sandbox`: the stand-ins' timelines as a reader would see them.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use tokio_util::io::ReaderStream;

use crate::folder::{Film, Folder, Picture};
use crate::platform::sandbox::{Said, Shown, timeline};
use crate::post::content::{Image, Video};
use crate::text::entities;

use super::Pages;

/// The newest parts of each timeline that are shown.
const SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Page<'a> {
    campaign: &'a str,
    timelines: Vec<Timeline>,
}

struct Timeline {
    account: String,
    like: String,
    posts: Vec<Post>,
}

struct Post {
    id: String,
    at: String,
    machine_at: String,
    language: String,
    message: String,
    /// `2/5` for a part of a thread; empty for a plain post.
    number: String,
    /// When it was deleted, if it was.
    deleted: Option<String>,
    /// Answers the one shown above it.
    joined: bool,
    warn: Option<String>,
    words: Vec<Word>,
    link: Option<String>,
    share: Option<String>,
    images: Vec<Image>,
    video: Option<Video>,
}

/// A stretch of text: plain, or a link, tag or mention.
struct Word {
    text: String,
    marked: bool,
}

pub(super) async fn page(State(pages): State<Arc<Pages>>) -> Response {
    let made = tokio::task::spawn_blocking(move || make(&pages)).await;
    match made {
        Ok(Ok(page)) => Html(page).into_response(),
        Ok(Err(why)) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn make(pages: &Pages) -> Result<String, String> {
    let mut timelines = Vec::new();
    for account in pages
        .roster
        .accounts
        .iter()
        .filter(|account| account.platform == "sandbox")
    {
        let shown = timeline(&pages.vault, &account.name, SHOWN)
            .map_err(|e| format!("the timeline can't be read: {e}\n"))?;
        let mut posts = Vec::with_capacity(shown.len());
        let mut above = None;
        for part in shown {
            let id = part.id.clone();
            posts.push(post(part, above.as_deref(), &pages.zone));
            above = Some(id);
        }
        timelines.push(Timeline {
            account: account.name.to_string(),
            like: account.like.to_owned(),
            posts,
        });
    }
    Page {
        campaign: &pages.name,
        timelines,
    }
    .render()
    .map_err(|e| e.to_string())
}

fn post(shown: Shown, above: Option<&str>, zone: &jiff::tz::TimeZone) -> Post {
    let said = shown.said;
    let local = |at: jiff::Timestamp| {
        at.to_zoned(zone.clone())
            .strftime("%-d %b %Y, %H:%M %Z")
            .to_string()
    };
    Post {
        at: local(shown.at),
        deleted: shown.deleted.map(local),
        machine_at: shown.at.to_string(),
        number: if said.of > 1 {
            format!("{}/{}", said.index + 1, said.of)
        } else {
            String::new()
        },
        joined: said.parent.is_some() && said.parent.as_deref() == above,
        words: words(&said.text),
        id: shown.id,
        language: said.language,
        message: said.message,
        warn: said.warn,
        link: said.link,
        share: said.share,
        images: said.images,
        video: said.video,
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut from = 0;
    let mut add = |range: std::ops::Range<usize>, marked| {
        if let Some(text) = text.get(range).filter(|text| !text.is_empty()) {
            words.push(Word {
                text: text.to_owned(),
                marked,
            });
        }
    };
    for entity in entities::entities(text) {
        add(from..entity.range.start, false);
        add(entity.range.clone(), true);
        from = entity.range.end;
    }
    add(from..text.len(), false);
    words
}

/// An image or a video that a shown post names; no other file of the folder.
pub(super) async fn media(State(pages): State<Arc<Pages>>, Path(file): Path<String>) -> Response {
    match tokio::task::spawn_blocking(move || find(&pages, &file)).await {
        Ok(Some(Found::Image(image))) => ([(header::CONTENT_TYPE, image.mime)], image.bytes).into_response(),
        Ok(Some(Found::Video(mime, stream))) => {
            let body = Body::from_stream(ReaderStream::with_capacity(stream, 64 << 10));
            ([(header::CONTENT_TYPE, mime)], body).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

enum Found {
    Image(Picture),
    Video(&'static str, Box<Film>),
}

/// As it was posted: without what it tells.
fn find(pages: &Pages, file: &str) -> Option<Found> {
    let folder = Folder::open(&pages.messages).ok()?;
    let sandboxes = pages.roster.accounts.iter();
    let sandboxes = sandboxes.filter(|account| account.platform == "sandbox");
    let shown = sandboxes.filter_map(|account| timeline(&pages.vault, &account.name, SHOWN).ok());
    for Said { images, video, .. } in shown.flatten().map(|part| part.said) {
        if let Some(image) = images.iter().find(|image| image.file == file) {
            return Some(Found::Image(folder.image(image, None).ok()?.0));
        }
        if video.is_some_and(|video| video.file == file) {
            let (source, reel) = folder.reel(file).ok()?;
            let stream = folder.film(file, source, &reel).ok()?;
            return Some(Found::Video(reel.footage.mime, Box::new(stream)));
        }
    }
    None
}

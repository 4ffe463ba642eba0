//! `/sandbox`: the stand-ins' timelines as a reader would see them.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use tokio_util::io::ReaderStream;

use crate::folder::{Film, Picture};
use crate::platform::sandbox::{Said, Shown, timeline};
use crate::post::content::{Image, Video};

use super::Site;
use super::frame::{Frame, Room};
use super::messages::{Word, words};
use super::show::Times;
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::fill;

/// The newest parts of each timeline that are shown.
const SHOWN: usize = 40;

#[derive(Template)]
#[template(path = "web/sandbox.html")]
struct Page<'a> {
    frame: Frame<'a>,
    timelines: Vec<Timeline>,
}

struct Timeline {
    account: String,
    like: &'static str,
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
    /// What it shares, in words.
    share: Option<String>,
    images: Vec<Image>,
    video: Option<Video>,
}

pub(super) async fn page(State(site): State<Arc<Site>>, visit: Visit) -> Result<Response, Trouble> {
    let frame = Frame::new(&site, &visit, Room::Sandbox, visit.t.sandbox, None).await?;
    let times = Times {
        t: visit.t,
        zone: site.zone(),
        now: site.now(),
    };
    let read = Arc::clone(&site);
    let timelines = tokio::task::spawn_blocking(move || timelines(&read, &times)).await;
    let timelines = timelines.map_err(|_| Trouble::Slow)?.map_err(Trouble::Broken)?;
    Ok(Html(Page { frame, timelines }.render()?).into_response())
}

fn timelines(site: &Site, times: &Times) -> Result<Vec<Timeline>, String> {
    let mut timelines = Vec::new();
    let vault = site.pages.office.settings.state_folder();
    let accounts = site.pages.roster.accounts.iter();
    for account in accounts.filter(|account| account.platform == "sandbox") {
        let shown =
            timeline(&vault, &account.name, SHOWN).map_err(|e| format!("the timeline can't be read: {e}"))?;
        let mut posts = Vec::with_capacity(shown.len());
        let mut above = None;
        for part in shown {
            let id = part.id.clone();
            posts.push(post(part, above.as_deref(), times));
            above = Some(id);
        }
        timelines.push(Timeline {
            account: account.name.to_string(),
            like: account.like,
            posts,
        });
    }
    Ok(timelines)
}

fn post(shown: Shown, above: Option<&str>, times: &Times) -> Post {
    let said = shown.said;
    let local = |at: jiff::Timestamp| times.when(at).text;
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
        share: said.share.map(|url| fill(times.t.shares, &[&url])),
        images: said.images,
        video: said.video,
    }
}

/// An image or a video that a shown post names; no other file of the folder.
pub(super) async fn media(
    State(site): State<Arc<Site>>,
    _visit: Visit,
    Path(file): Path<String>,
) -> Result<Response, Trouble> {
    match tokio::task::spawn_blocking(move || find(&site, &file)).await {
        Ok(Some(Found::Image(image))) => {
            Ok(([(header::CONTENT_TYPE, image.mime)], image.bytes).into_response())
        }
        Ok(Some(Found::Video(mime, stream))) => {
            let body = Body::from_stream(ReaderStream::with_capacity(stream, 64 << 10));
            Ok(([(header::CONTENT_TYPE, mime)], body).into_response())
        }
        _ => Err(Trouble::Nothing),
    }
}

enum Found {
    Image(Picture),
    Video(&'static str, Box<Film>),
}

/// As it was posted: without what it tells.
fn find(site: &Site, file: &str) -> Option<Found> {
    let folder = &site.folder;
    let vault = site.pages.office.settings.state_folder();
    let sandboxes = site.pages.roster.accounts.iter();
    let sandboxes = sandboxes.filter(|account| account.platform == "sandbox");
    let shown = sandboxes.filter_map(|account| timeline(&vault, &account.name, SHOWN).ok());
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

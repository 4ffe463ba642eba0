//! `/posts/ID`: one post: its parts, its requests and what the platform said to each, and what can be done about it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use crate::post::identity::PostId;

use super::Site;
use super::frame::{Frame, Room};
use super::show::{Link, PostRow, Times, When, link};
use super::trouble::Trouble;
use super::visit::Visit;

#[derive(Deserialize)]
pub(super) struct Asked {
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "web/post.html")]
struct Page<'a> {
    frame: Frame<'a>,
    row: PostRow,
    language: String,
    platform: String,
    warn: Option<String>,
    parts: Vec<PartRow>,
    attempts: Vec<AttemptRow>,
    /// What people said of it: when, what, who.
    spoken: Vec<(When, &'static str, String)>,
    facts: Vec<(String, String, String)>,
    /// The recalls of it.
    recalls: Vec<PostRow>,
    /// It is looked at again then.
    again: Option<When>,
    /// The post that it takes back or corrects.
    of: Option<String>,
}

struct PartRow {
    text: String,
    images: Vec<String>,
    sent: Option<When>,
    id: Option<String>,
    link: Option<Link>,
}

struct AttemptRow {
    part: usize,
    at: When,
    /// `accepted`, or the class of the failure.
    class: String,
    words: String,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let id: PostId = id.parse().map_err(|_| Trouble::Nothing)?;
    let ledger = &*site.pages.ledger;
    let t = visit.t;
    let post = ledger.post(id).await?.ok_or(Trouble::Nothing)?;
    let title = format!("{} → {}", post.message, post.account);
    let frame = Frame::new(&site, &visit, Room::History, &title, asked.done.as_deref()).await?;
    let times = Times {
        t,
        zone: site.zone(),
        now: site.now(),
    };
    let sent = ledger.parts(id).await?;
    let parts = post.content.parts.iter().enumerate().map(|(index, part)| {
        let sent = sent.iter().find(|sent| usize::from(sent.index) == index);
        let receipt = sent.and_then(|sent| sent.receipt.as_ref());
        let images = part.images.iter().map(|image| image.alt.clone());
        PartRow {
            text: part.text.clone(),
            images: images
                .chain(part.video.iter().map(|video| video.alt.clone()))
                .collect(),
            sent: sent.and_then(|sent| sent.sent).map(|at| times.when(at)),
            id: receipt.map(|receipt| receipt.id.clone()),
            link: receipt
                .and_then(|receipt| receipt.url.as_deref())
                .and_then(|url| link(url, url.to_owned())),
        }
    });
    let parts: Vec<PartRow> = parts.collect();
    let attempts = ledger.attempts(id).await?.into_iter().map(|attempt| AttemptRow {
        part: usize::from(attempt.part) + 1,
        at: times.when(attempt.intended),
        class: t.class(attempt.class.as_deref(), attempt.answered).to_owned(),
        words: attempt.words.unwrap_or_default(),
    });
    let attempts: Vec<AttemptRow> = attempts.collect();
    let spoken = ledger.spoken(&[id]).await?.into_iter();
    let spoken = spoken.map(|word| (times.when(word.at), t.act(&word.act), word.by));
    let roster = &site.pages.roster;
    let mut recalls = Vec::new();
    for recall in ledger.recalls(&[id]).await? {
        recalls.push(PostRow::new(&times, roster, ledger, recall).await?);
    }
    let facts = post.content.facts.iter();
    let waits = !post.standing.state.is_final() && post.standing.not_before > times.now;
    let page = Page {
        language: post.content.language.clone(),
        platform: post.platform.clone(),
        warn: post.content.warn.clone(),
        facts: facts
            .map(|(name, said)| (name.clone(), said.value.clone(), said.source.clone()))
            .collect(),
        again: waits.then(|| times.when(post.standing.not_before)),
        of: post.content.recall.as_ref().map(|recall| recall.post.to_string()),
        row: PostRow::new(&times, roster, ledger, post).await?,
        parts,
        attempts,
        spoken: spoken.collect(),
        recalls,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

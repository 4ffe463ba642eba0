//! `/messages` and `/messages/ID`: what there is to say, and exactly how it will look on each platform.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;

use crate::calendar::civil;
use crate::campaign::Campaign;
use crate::campaign::message::{Local, Message, When as Rule};
use crate::campaign::render::Renderer;
use crate::desk::{pending, preview};
use crate::ledger::{Filter, Scope};
use crate::post::content::Image;
use crate::text::entities;

use super::Site;
use super::cards;
use super::frame::{Frame, Room};
use super::overview::{Overview, overview};
use super::show::{Chip, PostRow, Times, Together, When, excerpt, together, under};
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::{Words, fill};

/// How many messages a page lists, and posts of one.
const PAGE: usize = 50;
const POSTS: u32 = 8;
/// Of a message that goes to many accounts, so many are drawn.
const DRAWN: usize = 40;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// `pending` or `blocked`; else all.
    which: String,
    find: String,
    from: usize,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "web/messages.html")]
struct List<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    rows: Vec<Row>,
    count: usize,
    /// Where the next page is.
    next: Option<String>,
    approval: bool,
}

struct Row {
    id: String,
    text: String,
    rule: String,
    next: Option<When>,
    /// Why it can't go out.
    blocked: Option<String>,
    draft: bool,
    pending: bool,
    place: String,
}

pub(super) async fn list(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let frame = Frame::new(&site, &visit, Room::Messages, t.messages, asked.done.as_deref()).await?;
    let times = times(&site, t);
    let view = overview(&site).await?;
    let find = asked.find.trim().to_lowercase();
    let is_pending = |id: &str| view.pending.iter().any(|row| row.message == id);
    let fits = |message: &&Arc<Message>| {
        let id = message.id.as_str();
        let which = match asked.which.as_str() {
            "pending" => is_pending(id),
            "blocked" => view.campaign.blocked.contains_key(&message.id),
            _ => true,
        };
        which
            && (find.is_empty()
                || id.contains(&find)
                || message
                    .words
                    .texts
                    .iter()
                    .any(|text| text.to_lowercase().contains(&find)))
    };
    let found: Vec<&Arc<Message>> = view.campaign.messages.iter().filter(fits).collect();
    let row = |message: &&Arc<Message>| {
        let id = message.id.as_str();
        let next = view
            .planned
            .iter()
            .find(|row| row.message == id && row.state == "planned");
        Row {
            id: id.to_owned(),
            text: message
                .words
                .texts
                .first()
                .map(|text| excerpt(text))
                .unwrap_or_default(),
            rule: rule(t, &times, &view.campaign, message),
            next: next.and_then(|row| row.due).map(|due| times.when(due)),
            blocked: view.campaign.blocked.get(&message.id).cloned(),
            draft: message.draft,
            pending: is_pending(id),
            place: place(message),
        }
    };
    let rows = found.iter().skip(asked.from).take(PAGE).map(row).collect();
    let next = asked
        .from
        .checked_add(PAGE)
        .filter(|next| *next < found.len())
        .map(|next| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("which", &asked.which)
                .append_pair("find", asked.find.trim())
                .append_pair("from", &next.to_string())
                .finish();
            format!("/messages?{query}")
        });
    let page = List {
        count: found.len(),
        rows,
        next,
        approval: site.pages.office.settings.approval.is_some(),
        asked: &asked,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

#[derive(Template)]
#[template(path = "web/message.html")]
struct Page<'a> {
    frame: Frame<'a>,
    id: String,
    place: String,
    rule: String,
    draft: bool,
    blocked: Option<String>,
    /// The reason of its hold.
    held: Option<String>,
    pending: Option<&'a pending::Row>,
    /// It is asked for approval here, and it is approved as it stands.
    approved: bool,
    accounts: Vec<Drawn>,
    /// Those that are not drawn.
    others: usize,
    facts: Vec<FactRow>,
    planned: Vec<Together>,
    posts: Vec<PostRow>,
}

/// A message on an account.
struct Drawn {
    account: Chip,
    /// Where its name does not say it.
    platform: &'static str,
    language: String,
    variant: Option<u16>,
    parts: Vec<DrawnPart>,
    problems: Vec<String>,
}

struct DrawnPart {
    number: usize,
    words: Vec<Word>,
    length: usize,
    limit: Option<usize>,
    unit: String,
    /// How full it is, in twentieths; the stylesheet knows as many widths.
    full: usize,
    over: bool,
    images: Vec<Drawing>,
    video: Option<Drawing>,
    card: Option<String>,
}

/// What stands beside a text.
struct Drawing {
    /// Where it is to be seen.
    src: String,
    alt: String,
}

/// A stretch of text: plain, or a link, tag or mention.
pub(super) struct Word {
    pub text: String,
    pub marked: bool,
}

struct FactRow {
    name: String,
    value: String,
    source: String,
    link: bool,
    state: &'static str,
    state_word: &'static str,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let frame = Frame::new(&site, &visit, Room::Messages, &id, asked.done.as_deref()).await?;
    let times = times(&site, t);
    let view = overview(&site).await?;
    let ledger = &*site.pages.ledger;
    let filter = Filter {
        message: Some(id.clone()),
        limit: Some(POSTS),
        ..Filter::default()
    };
    let mut posts = Vec::new();
    for post in ledger.history(&filter).await? {
        posts.push(PostRow::new(&times, &view.files.roster, ledger, post).await?);
    }
    let message = view.message(&id);
    let blocked = view
        .campaign
        .blocked
        .iter()
        .find(|(known, _)| known.as_str() == id)
        .map(|(_, why)| why.clone());
    if message.is_none() && posts.is_empty() && blocked.is_none() {
        return Err(Trouble::Nothing);
    }
    let holds = site.pages.office.holds(Some(ledger)).await?;
    let held = holds.iter().find(|hold| {
        hold.released.is_none() && matches!(&hold.scope, Scope::Message(held) if held.as_str() == id)
    });
    let mut drawn = message.map_or_else(Vec::new, |message| draw(&view, &times, message));
    let others = drawn.len().saturating_sub(DRAWN);
    drawn.truncate(DRAWN);
    let pending = view.pending.iter().find(|row| row.message == id);
    let mut planned: Vec<_> = view
        .planned
        .iter()
        .filter(|row| row.message == id)
        .take(DRAWN)
        .cloned()
        .collect();
    under(&holds, &mut planned);
    let page = Page {
        place: message.map(|message| place(message)).unwrap_or_default(),
        rule: message
            .map(|message| rule(t, &times, &view.campaign, message))
            .unwrap_or_default(),
        draft: message.is_some_and(|message| message.draft),
        held: held.map(|hold| hold.why.clone()),
        approved: pending.is_none()
            && view
                .campaign
                .approved
                .as_ref()
                .is_some_and(|approved| approved.keys().any(|known| known.as_str() == id)),
        pending,
        others,
        facts: facts(&view, &times, &id),
        planned: together(&planned, &times, &view.files.roster)
            .into_iter()
            .map(|(_, at)| at)
            .collect(),
        accounts: drawn,
        blocked,
        posts,
        id,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

fn times(site: &Site, t: &'static Words) -> Times {
    Times {
        t,
        zone: site.zone(),
        now: site.now(),
    }
}

fn place(message: &Message) -> String {
    format!("{}:{}", message.place.file, message.place.line)
}

/// When it goes out, in words.
fn rule(t: &'static Words, times: &Times, campaign: &Campaign, message: &Message) -> String {
    let instant = |local: Local| match local {
        Local::Fixed(at) => Some(at),
        Local::Civil(at) => civil::instant(&campaign.settings.zone, at),
    };
    match &message.when {
        Rule::At(local) => instant(*local).map_or_else(String::new, |at| times.when(at).text),
        Rule::Cron(cron) => fill(t.again_and_again, &[cron.source()]),
        Rule::After { message, .. } => fill(t.after_message, &[message.as_str()]),
        Rule::Evergreen => t.evergreen.to_owned(),
        Rule::Queue if message.breaking => t.breaking.to_owned(),
        Rule::Queue => t.queued.to_owned(),
    }
}

/// What it says on each account, if it goes out now.
pub(super) fn versions(view: &Overview, now: Timestamp, message: &Arc<Message>) -> Vec<preview::Row> {
    let mut renderer = Renderer::new(&view.campaign, now);
    preview::rows(&view.campaign, &view.files.roster, &[message], &mut renderer)
}

fn draw(view: &Overview, times: &Times, message: &Arc<Message>) -> Vec<Drawn> {
    let drawn = |row: preview::Row| Drawn {
        platform: view
            .account(&row.account)
            .map(|account| account.limits.platform)
            .filter(|platform| *platform != row.account)
            .unwrap_or_default(),
        account: Chip::new(&view.files.roster, &row.account),
        language: row.language,
        variant: row.variant,
        parts: row
            .parts
            .into_iter()
            .enumerate()
            .map(|(index, part)| drawn_part(message.id.as_str(), &row.account, index, part))
            .collect(),
        problems: row.problems,
    };
    let rows = versions(view, times.now, message);
    rows.into_iter().map(drawn).collect()
}

fn drawn_part(message: &str, account: &str, index: usize, row: preview::PartRow) -> DrawnPart {
    let image = |image: &Image| Drawing {
        src: match image.card {
            Some(_) => cards::address(message, account, image),
            None => format!("/media/{}", image.file),
        },
        alt: image.alt.clone(),
    };
    let limit = row.limit.unwrap_or(0);
    DrawnPart {
        number: index + 1,
        words: words(&row.text),
        over: row.limit.is_some_and(|limit| row.length > limit),
        full: (row.length * 20).checked_div(limit).unwrap_or(0).min(20),
        length: row.length,
        limit: row.limit,
        unit: row.unit,
        images: row.part.images.iter().map(image).collect(),
        video: row.part.video.as_ref().map(|video| Drawing {
            src: format!("/media/{}", video.file),
            alt: video.alt.clone(),
        }),
        card: row.card,
    }
}

/// The words of a text, with what a platform makes a link of.
pub(super) fn words(text: &str) -> Vec<Word> {
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

fn facts(view: &Overview, times: &Times, id: &str) -> Vec<FactRow> {
    let today = civil::local(&times.zone, times.now).date();
    let used = view
        .campaign
        .uses
        .iter()
        .find(|(known, _)| known.as_str() == id)
        .map(|(_, used)| used);
    let row = |name: &String| {
        let fact = view.campaign.facts.get(name);
        let state = fact.map_or("missing", |fact| fact.standing(today).as_str());
        let source = fact.map(|fact| fact.source.clone()).unwrap_or_default();
        FactRow {
            name: name.clone(),
            value: fact.map(|fact| fact.value.clone()).unwrap_or_default(),
            link: source.starts_with("https://") || source.starts_with("http://"),
            source,
            state,
            state_word: times.t.standing(state),
        }
    };
    used.map(|used| used.iter().map(row).collect())
        .unwrap_or_default()
}

//! Everything that a program can look at.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::campaign::render::Renderer;
use crate::desk::insights::WithReadings;
use crate::desk::recall::found;
use crate::desk::{Failed, Files, Office, accounts as accounts_of, agenda, check, facts as facts_of};
use crate::desk::{history as past, pending as waiting, preview as shown, say, status as standing};
use crate::ledger::engagement::Span;
use crate::ledger::{Filter, Published};
use crate::post::identity::PostId;
use crate::post::state::State as Stands;

use super::super::Site;
use super::super::trouble::Trouble;
use super::super::verbs::files;
use super::caller::{Asked, Caller};

/// How far back insights go by themselves.
const A_SEASON: SignedDuration = SignedDuration::from_hours(90 * 24);

type Answer<T> = Result<Json<T>, Trouble>;

/// Work for the processor, which what is due must not wait behind; one at a time.
async fn alone<T, F>(site: &Arc<Site>, work: F) -> Answer<T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&Site, Files) -> Result<T, Failed> + Send + 'static,
{
    let turn = Arc::clone(&site.desk).acquire_owned().await;
    let files = files(site).await?;
    let site = Arc::clone(site);
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        tokio::runtime::Handle::current().block_on(work(&site, files))
    });
    let done = done.await.map_err(|_| Trouble::Slow)?;
    Ok(Json(done?))
}

/// Which days are planned.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    /// The first day, in the campaign's time zone; from now on, where it is not said.
    from: Option<Date>,
    /// How many days: 14, where it is not said.
    #[schemars(range(min = 1, max = 400))]
    days: Option<u16>,
}

/// Which posts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Past {
    /// A day of the campaign's, or an instant.
    since: Option<String>,
    /// Of this message.
    message: Option<String>,
    /// On this account.
    account: Option<String>,
    /// In this state.
    #[schemars(with = "Option<String>")]
    state: Option<Stands>,
    /// At most so many: 50, where it is not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// From when on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// A day of the campaign's, or an instant: what was due since then. 90 days, where it is not said.
    since: Option<String>,
}

/// What is asked about: a fact, or a message.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Out {
    fact: Option<String>,
    message: Option<String>,
}

pub(super) async fn status(State(site): State<Arc<Site>>, _: Caller) -> Answer<standing::Status> {
    alone(&site, async |site, files| {
        let office = &site.pages.office;
        standing::status(office, &files, Some(&*site.pages.ledger), office.clock.now()).await
    })
    .await
}

pub(super) async fn plan(
    State(site): State<Arc<Site>>,
    _: Caller,
    Asked(asked): Asked<Days>,
) -> Answer<Vec<agenda::Row>> {
    alone(&site, async move |site, files| {
        let days = asked.days.unwrap_or(14).clamp(1, 400);
        let ledger = Some(&*site.pages.ledger);
        let agenda = agenda::days(&site.pages.office, &files, ledger, asked.from, days).await?;
        Ok(agenda.rows)
    })
    .await
}

pub(super) async fn problems(State(site): State<Arc<Site>>, _: Caller) -> Answer<Vec<check::Row>> {
    let look = super::super::overview::overview(&site).await?;
    Ok(Json(check::rows(&look.problems)))
}

pub(super) async fn facts(State(site): State<Arc<Site>>, _: Caller) -> Answer<Vec<facts_of::Row>> {
    alone(&site, async |site, files| {
        let campaign = Office::campaign(&files)?;
        facts_of::rows(&site.pages.office, &files, &campaign, Some(&*site.pages.ledger)).await
    })
    .await
}

pub(super) async fn accounts(State(site): State<Arc<Site>>, _: Caller) -> Answer<Vec<accounts_of::Row>> {
    Ok(Json(
        accounts_of::rows(&site.pages.office, Some(&*site.pages.ledger)).await?,
    ))
}

pub(super) async fn pending(State(site): State<Arc<Site>>, _: Caller) -> Answer<Vec<waiting::Row>> {
    alone(&site, async |site, files| {
        let office = &site.pages.office;
        waiting::rows(office, &files, Some(&*site.pages.ledger)).await
    })
    .await
}

pub(super) async fn preview(
    State(site): State<Arc<Site>>,
    _: Caller,
    Path(id): Path<String>,
) -> Answer<Vec<shown::Row>> {
    let turn = Arc::clone(&site.desk).acquire_owned().await;
    let files = files(&site).await?;
    let now = site.now();
    let made = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let campaign = Office::campaign(&files)?;
        let message = campaign.messages.iter().find(|message| message.id.as_str() == id);
        let Some(message) = message else {
            return Ok(None);
        };
        let mut renderer = Renderer::new(&campaign, now);
        Ok(Some(shown::rows(
            &campaign,
            &files.roster,
            &[message],
            &mut renderer,
        )))
    });
    let made: Result<_, Failed> = made.await.map_err(|_| Trouble::Slow)?;
    Ok(Json(made?.ok_or(Trouble::Nothing)?))
}

pub(super) async fn history(
    State(site): State<Arc<Site>>,
    _: Caller,
    Asked(asked): Asked<Past>,
) -> Answer<Vec<past::Row>> {
    let since = asked.since.map(|text| instant(&site, &text)).transpose()?;
    let filter = Filter {
        since,
        message: asked.message,
        account: asked.account,
        state: asked.state,
        limit: Some(asked.limit.unwrap_or(50).clamp(1, 1000)),
        ..Filter::default()
    };
    Ok(Json(
        past::rows(&site.pages.office, &*site.pages.ledger, &filter).await?,
    ))
}

pub(super) async fn post(
    State(site): State<Arc<Site>>,
    _: Caller,
    Path(id): Path<String>,
) -> Answer<past::Row> {
    let id: PostId = id.parse().map_err(|_| Trouble::Nothing)?;
    let ledger = &*site.pages.ledger;
    let post = ledger.post(id).await?.ok_or(Trouble::Nothing)?;
    Ok(Json(past::row(&site.pages.office, ledger, post).await?))
}

/// A day of the campaign's, or an instant.
fn instant(site: &Site, text: &str) -> Result<Timestamp, Trouble> {
    say::instant(text, &site.zone())
        .ok_or_else(|| Trouble::Wrong(format!("`since={text}` is neither a day nor an instant")))
}

pub(super) async fn insights(
    State(site): State<Arc<Site>>,
    _: Caller,
    Asked(asked): Asked<Since>,
) -> Answer<Vec<WithReadings>> {
    let since = match asked.since {
        Some(text) => instant(&site, &text)?,
        None => site.now().saturating_sub(A_SEASON).unwrap_or(Timestamp::MIN),
    };
    let _turn = site.desk.acquire().await.map_err(|_| Trouble::Slow)?;
    let counted = site.pages.ledger.counted(&Span::since(since)).await?;
    let office = &site.pages.office;
    Ok(Json(
        counted
            .iter()
            .filter_map(|post| WithReadings::new(office, post))
            .collect(),
    ))
}

pub(super) async fn published(
    State(site): State<Arc<Site>>,
    caller: Caller,
    Asked(asked): Asked<Out>,
) -> Answer<Vec<found::Row>> {
    let which = match (asked.fact, asked.message) {
        (Some(fact), None) => Published::WithFact(fact.trim_start_matches("fact.").to_owned()),
        (None, Some(id)) => Published::Of(id.parse().map_err(|_| Trouble::Nothing)?),
        _ => return Err(Trouble::Wrong(caller.t.fact_or_message.to_owned())),
    };
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let found = found::find(ledger, &which, None).await?;
    Ok(Json(found::rows(office, ledger, &found).await?))
}

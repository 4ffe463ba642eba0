//! The dashboard, health and metrics: one file per page. They see all floors below and change the world only through
//! the ledger, by the same words as the commands.
//!
//! Start with [`serve`]. `guard` stands before every page; `visit` says who asks; `frame` is what every page has
//! around it; `overview` keeps what takes long to be made; `acts` is everything that changes something.

mod acts;
mod api;
mod assets;
mod calendar;
mod cards;
mod facts;
mod frame;
mod guard;
mod history;
mod insights;
mod live;
mod media;
mod messages;
mod metrics;
mod now;
mod overview;
mod people;
mod plot;
mod post;
mod problems;
mod recall;
mod reckoned;
pub mod report;
mod sandbox;
mod server;
mod session;
mod show;
mod trouble;
mod verbs;
mod visit;
mod words;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post as posted};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::campaign::{Campaign, Roster};
use crate::clock;
use crate::daemon::watch::Taken;
use crate::desk::Office;
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::post::digest::Digest;
use crate::settings::User;

use guard::Names;
use trouble::Trouble;

/// Whether the daemon is doing its work.
#[derive(Debug, Default)]
pub struct Ready(AtomicBool);

impl Ready {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What the pages are made from.
#[derive(Clone)]
pub struct Pages {
    pub ready: Arc<Ready>,
    pub office: Office,
    pub ledger: Arc<dyn Ledger>,
    pub roster: Roster,
    /// What the message files say, before anybody has approved it.
    pub campaign: watch::Receiver<Arc<Campaign>>,
    /// And what was read of them.
    pub read: watch::Receiver<Taken>,
}

/// Everything that the pages share.
struct Site {
    pages: Pages,
    /// The campaign's name, as it was at the start.
    name: String,
    names: Names,
    /// Of this run alone.
    secret: [u8; 32],
    /// What proves that a form is ours.
    forms: [u8; 32],
    people: Vec<User>,
    sessions: session::Sessions,
    guesses: people::Guesses,
    /// Of those whose password is looked at.
    turn: Arc<Semaphore>,
    /// Programs that were known a moment ago.
    passes: people::Passes,
    /// Of programs that ask for what takes long.
    desk: Arc<Semaphore>,
    overviews: overview::Overviews,
    reckoned: reckoned::Reckoned,
    cards: cards::Cards,
    news: live::News,
    /// Only for its media and cards.
    folder: Folder,
    stop: CancellationToken,
}

impl Site {
    fn zone(&self) -> jiff::tz::TimeZone {
        self.pages.campaign.borrow().settings.zone.clone()
    }

    fn now(&self) -> jiff::Timestamp {
        self.pages.office.clock.now()
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
struct Peer(IpAddr);

/// Serves until `stop`.
///
/// # Errors
/// If nothing can listen there.
pub async fn serve(
    listen: SocketAddr,
    pages: Pages,
    stop: CancellationToken,
) -> std::io::Result<JoinHandle<()>> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let settings = &pages.office.settings;
    let folder = Folder::open(&settings.messages).map_err(std::io::Error::other)?;
    let name = pages.campaign.borrow().settings.name.clone();
    let site = Arc::new(Site {
        name,
        names: Names {
            port: listener.local_addr()?.port(),
            given: settings.web.names.clone(),
            open: settings.web.users.is_empty(),
        },
        secret: clock::secret(),
        forms: forms(&settings.web.users),
        people: settings.web.users.clone(),
        sessions: session::Sessions::default(),
        guesses: people::Guesses::default(),
        turn: Arc::new(Semaphore::new(1)),
        passes: people::Passes::default(),
        desk: Arc::new(Semaphore::new(1)),
        overviews: overview::Overviews::default(),
        reckoned: reckoned::Reckoned::default(),
        cards: cards::Cards::default(),
        news: live::News::default(),
        folder,
        stop: stop.clone(),
        pages,
    });
    let app = router(&site);
    Ok(tokio::spawn(server::serve(
        listener,
        app,
        server::Patience::default(),
        stop,
    )))
}

/// Where people sign in it is the same in every replica and after a restart, and nobody can guess their passwords'
/// lines; each session's proof is of its own secret, too. Elsewhere it is of this run alone.
fn forms(users: &[User]) -> [u8; 32] {
    if users.is_empty() {
        return clock::secret();
    }
    let lines = users
        .iter()
        .flat_map(|user| [user.name.as_str(), user.password.as_str()]);
    Digest::of_fields(lines).bytes()
}

fn router(site: &Arc<Site>) -> Router {
    let pages = Router::new()
        .route("/", get(now::page))
        .route("/calendar", get(calendar::page))
        .route("/messages", get(messages::list))
        .route("/messages/{id}", get(messages::page))
        .route("/messages/{id}/cards/{account}/{name}", get(cards::card))
        .route("/media/{*file}", get(media::media))
        .route("/history", get(history::page))
        .route("/posts/{id}", get(post::page))
        .route("/facts", get(facts::page))
        .route("/facts/{name}/recall", get(recall::page))
        .route("/insights", get(insights::page))
        .route("/insights.csv", get(insights::file))
        .route("/insights/report", get(report::file))
        .route("/insights/{plot}", get(insights::plot))
        .route("/problems", get(problems::page))
        .route("/sandbox", get(sandbox::page))
        .route("/sandbox/media/{*file}", get(sandbox::media))
        .route("/events", get(live::events))
        .route("/signin", get(people::form).post(people::sign_in))
        .route("/assets/{name}", get(assets::asset));
    let acts = acts::ALL
        .into_iter()
        .fold(pages, |pages, (path, act)| pages.route(path, act()));
    acts.route("/signout", posted(people::sign_out))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::metrics))
        .merge(api::routes())
        .fallback(|| async { Trouble::Nothing })
        .method_not_allowed_fallback(|| async { Trouble::Method })
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(site),
            guard::guard,
        ))
        .with_state(Arc::clone(site))
}

/// 200 once posts are planned and sent and the ledger answers, else 503 and why.
async fn ready(State(site): State<Arc<Site>>) -> (StatusCode, String) {
    if !site.pages.ready.get() {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned());
    }
    // Written, not read: on a full disk reading goes well.
    match site.pages.ledger.note("probed", "").await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(e) => (StatusCode::SERVICE_UNAVAILABLE, format!("{e}\n")),
    }
}

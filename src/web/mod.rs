//! What a browser or a machine can ask the running daemon: health, and the sandbox's timelines.

mod guard;
mod sandbox;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::campaign::Roster;
use crate::ledger::Ledger;

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
    pub ledger: Arc<dyn Ledger>,
    pub roster: Roster,
    /// Where the sandbox keeps its timelines.
    pub vault: PathBuf,
    pub name: String,
    pub zone: jiff::tz::TimeZone,
    /// Where the images are.
    pub messages: PathBuf,
}

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
    let port = listener.local_addr()?.port();
    let app = Router::new()
        .route("/", get(|| async { Redirect::to("/sandbox") }))
        .route("/sandbox", get(sandbox::page))
        .route("/sandbox/media/{*file}", get(sandbox::media))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Arc::new(pages))
        .layer(axum::middleware::from_fn_with_state(port, guard::guard));
    let served = axum::serve(listener, app).with_graceful_shutdown(async move { stop.cancelled().await });
    Ok(tokio::spawn(async move { drop(served.await) }))
}

/// 200 once posts are planned and sent and the ledger answers, else 503 and why.
async fn ready(State(pages): State<Arc<Pages>>) -> (StatusCode, String) {
    if !pages.ready.get() {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned());
    }
    // Written, not read: on a full disk reading goes well.
    match pages.ledger.note("probed", "").await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(e) => (StatusCode::SERVICE_UNAVAILABLE, format!("{e}\n")),
    }
}

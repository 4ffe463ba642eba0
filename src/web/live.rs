//! `/events`: that something is new, told to pages that are open. What is new, the page asks for itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::Site;
use super::trouble::Trouble;
use super::visit::Visit;

/// How often it is looked, while anybody listens.
const LOOK: Duration = Duration::from_secs(1);
/// A line is sent so often in any case, so that both sides notice when the other has gone.
const BEAT: Duration = Duration::from_secs(25);
/// How many may listen at a time.
const LISTENERS: usize = 64;

/// What was last seen, and who listens.
#[derive(Debug, Default)]
pub(super) struct News {
    seen: watch::Sender<String>,
    listeners: AtomicUsize,
}

/// One that listens, until it is dropped.
struct Listener {
    site: Arc<Site>,
    news: watch::Receiver<String>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.site.news.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}

pub(super) async fn events(State(site): State<Arc<Site>>, _visit: Visit) -> Result<Response, Trouble> {
    let before = site.news.listeners.fetch_add(1, Ordering::AcqRel);
    let mut listener = Listener {
        news: site.news.seen.subscribe(),
        site: Arc::clone(&site),
    };
    if before >= LISTENERS {
        return Err(Trouble::Slow);
    }
    if before == 0 {
        tokio::spawn(look(Arc::clone(&site)));
    }
    listener.news.mark_unchanged();
    let lines = stream::unfold((listener, true), async |(mut listener, first)| {
        // Comes again in two seconds if this connection is lost.
        if first {
            return Some((Ok("retry: 2000\n\n"), (listener, false)));
        }
        let stop = listener.site.stop.clone();
        let next = tokio::select! {
            () = stop.cancelled() => return None,
            changed = listener.news.changed() => {
                changed.ok()?;
                "data: new\n\n"
            }
            () = tokio::time::sleep(BEAT) => ": still here\n\n",
        };
        Some((Ok::<_, Infallible>(next), (listener, false)))
    });
    let kind = HeaderValue::from_static("text/event-stream");
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(lines)).into_response())
}

/// Looks while anybody listens: what was recorded last, the bell, and the files.
async fn look(site: Arc<Site>) {
    while site.news.listeners.load(Ordering::Acquire) > 0 && !site.stop.is_cancelled() {
        let ledger = &site.pages.ledger;
        if let (Ok(bell), Ok(newest)) = (ledger.bell().await, ledger.newest().await) {
            let files = Arc::as_ptr(&site.pages.campaign.borrow());
            let ready = site.pages.ready.get();
            let seen = format!("{bell} {newest:?} {files:?} {ready}");
            site.news.seen.send_if_modified(|before| {
                let new = *before != seen;
                let first = before.is_empty();
                *before = seen;
                new && !first
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

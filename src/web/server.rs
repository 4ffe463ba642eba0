//! Connections: so many, for so long, and none for those that only keep one open.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::Peer;

/// How many connections are open at a time.
const CONNECTIONS: usize = 256;
/// The most that a request may have before its body, in bytes.
const HEAD_MAX: usize = 32 << 10;

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// To send the head of a request, or to send another one.
    pub head: Duration,
    /// For all that comes over one connection. Pages that listen for news come again.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            whole: Duration::from_hours(1),
        }
    }
}

/// Serves until `stop`.
pub(super) async fn serve(listener: TcpListener, app: Router, patience: Patience, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let tasks = TaskTracker::new();
    loop {
        let (taken, accepted) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = async {
                let taken = Arc::clone(&room).acquire_owned().await;
                (taken, listener.accept().await)
            } => next,
        };
        let Ok((stream, peer)) = accepted else {
            // Too many files are open, or the client has gone.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (app, stop) = (app.clone(), stop.clone());
        tasks.spawn(async move {
            let _taken = taken;
            let peer = Peer(peer.ip());
            drop(tokio::time::timeout(patience.whole, connection(stream, peer, app, patience, stop)).await);
        });
    }
    tasks.close();
    tasks.wait().await;
}

async fn connection(stream: TcpStream, peer: Peer, app: Router, patience: Patience, stop: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        async move { Ok::<_, Infallible>(app.oneshot(request).await.unwrap_or_default()) }
    });
    let mut served = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .max_buf_size(HEAD_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        done = &mut served => drop(done),
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            drop(served.await);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn started(patience: Patience) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", get(|| async { "here" }));
        tokio::spawn(serve(listener, app, patience, CancellationToken::new()));
        address
    }

    async fn says(address: std::net::SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.ok();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        // It would fail only where the connection is left open.
        tokio::time::timeout(Duration::from_secs(20), read)
            .await
            .expect("the connection was left open")
            .ok();
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn who_is_slow_is_not_waited_for() {
        let patience = Patience {
            head: Duration::from_millis(100),
            ..Patience::default()
        };
        let address = started(patience).await;
        let said = says(address, b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await;
        assert!(!said.contains("here"), "{said}");
        // One that asked and then keeps the connection is not waited for either.
        let said = says(address, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(said.contains("here"), "{said}");
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_is_refused() {
        let address = started(Patience::default()).await;
        let large = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nx-large: {}\r\n\r\n",
            "x".repeat(4 * HEAD_MAX) // well beyond: what is read at once may be a little more
        );
        let said = says(address, large.as_bytes()).await;
        // What was sent and nobody read may cut the answer off.
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    }
}

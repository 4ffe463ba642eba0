//! A Mastodon that answers at once, cheap enough not to be the limit: one thread, HTTP/1.1 by hand, and no
//! more memory of a request than its key and when it came.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::program::fake::{instance, now};

/// A status that somebody asked for.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub at: Timestamp,
    /// The idempotency key: it names the post.
    pub key: u128,
}

/// It lives as long as this.
pub struct Mock {
    pub url: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Mock {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrivals = Arc::new(Mutex::new(Vec::with_capacity(1 << 16)));
        let store = Arc::clone(&arrivals);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&store)));
            }
        });
        Self {
            url,
            arrivals,
            _runtime: runtime,
        }
    }

    pub fn count(&self) -> usize {
        self.arrivals.lock().unwrap().len()
    }

    /// All so far, in their order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap().clone()
    }

    /// How many different posts.
    pub fn posts(&self) -> usize {
        let keys: HashSet<u128> = self.arrivals.lock().unwrap().iter().map(|a| a.key).collect();
        keys.len()
    }

    /// Waits until `count` requests are in; says nothing of which.
    pub fn wait(&self, count: usize, limit: Duration) {
        let end = Instant::now() + limit;
        while self.count() < count {
            assert!(
                Instant::now() < end,
                "{} of {count} came in {limit:?}",
                self.count()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many a second, from the first to the last.
    pub fn rate(&self) -> f64 {
        let arrivals = self.arrivals();
        let (first, last) = (arrivals[0].at, arrivals[arrivals.len() - 1].at);
        #[allow(clippy::cast_precision_loss)]
        let count = arrivals.len() as f64;
        count / last.duration_since(first).as_secs_f64()
    }
}

async fn serve(mut stream: TcpStream, arrivals: Arc<Mutex<Vec<Arrival>>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::with_capacity(4096);
    loop {
        let (head, length) = loop {
            if let Some(whole) = whole(&buffer) {
                break whole;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let text = &buffer[..head];
        let body = if text.starts_with(b"POST") {
            let key = std::str::from_utf8(field(text, b"idempotency-key: ").unwrap()).unwrap();
            let key = u128::from_str_radix(key, 16).unwrap();
            arrivals.lock().unwrap().push(Arrival { at: now(), key });
            // The same key gets the same answer, without keeping any.
            format!("{{\"id\":\"{key}\",\"url\":\"https://fake/@test/{key}\",\"visibility\":\"public\"}}")
        } else if text.starts_with(b"GET /api/v1/accounts/verify_credentials") {
            r#"{"id":"7","username":"test"}"#.to_owned()
        } else {
            instance().to_string()
        };
        buffer.advance(length);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// The length of the head and of the whole request, if it is all there.
fn whole(buffer: &[u8]) -> Option<(usize, usize)> {
    let head = buffer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let body = field(&buffer[..head], b"content-length: ").map_or(0, |length| {
        length
            .iter()
            .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
    });
    (buffer.len() >= head + body).then_some((head, head + body))
}

/// The value of a header field, whose name is written as our clients write it.
fn field<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = head.windows(name.len()).position(|w| w == name)? + name.len();
    let length = head[start..].iter().position(|byte| *byte == b'\r')?;
    Some(&head[start..start + length])
}

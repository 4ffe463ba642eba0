//! Reliability, rule 6: a connection may be used again only if that never repeats a request. Here the other
//! side closes it at every moment of the second request, and counts what it receives.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use steadfast::platform::http::{Answer, BURST, BaseUrl, Request, Trouble};
use steadfast::text::limits::Doubt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::Bench;

const KEY: Doubt = Doubt::Key {
    window: None,
    then: None,
};
const SETTLE: Duration = Duration::from_mins(10);
/// How doubt ends, and whether the same request once more is all that it takes.
const DOUBTS: [(Doubt, bool); 5] = [
    (KEY, true),
    (Doubt::OwnId, true),
    (Doubt::TwoSteps { settle: SETTLE }, false),
    (Doubt::ReadBack { settle: SETTLE }, false),
    (Doubt::Ask, false),
];

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What becomes of the connection that the first request came on, once that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// It goes on as it should.
    Never,
    /// Closed with the last byte of the answer, which did not say so.
    AtOnce,
    /// The same, by a reset.
    ResetAtOnce,
    /// The answer said so.
    AsAnnounced,
    /// After a word that nobody asked for, as some servers say when they tire of waiting.
    AfterUnasked408,
    /// A second answer to the first request is on it, and it stays open.
    AnsweredTwice,
    /// With some of the second request read, but not all.
    HalfRead,
    /// With all of it read and nothing answered.
    WholeRead,
    /// In the middle of the second answer.
    HalfAnswered,
    /// After so many turns of a loop: sometimes before the second request, sometimes while it comes.
    Soon(u32),
}

use Moment::*;

#[derive(Default)]
struct Log {
    /// All bytes that were ever received, by connection.
    received: Vec<Vec<u8>>,
}

/// The first connection ends as `moment` says; all others are served well.
struct Server {
    base: BaseUrl,
    log: Arc<Mutex<Log>>,
    /// Heard once what happens to the first connection before the second request has happened.
    ready: Arc<Notify>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(moment: Moment) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let ready = Arc::new(Notify::new());
        let tell = Arc::clone(&ready);
        let store = Arc::clone(&log);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut log = store.lock().unwrap();
                    log.received.push(Vec::new());
                    log.received.len() - 1
                };
                let connection = Connection {
                    stream,
                    log: Arc::clone(&store),
                    number,
                    read: 0,
                };
                let (moment, tell) = (if number == 0 { moment } else { Never }, Arc::clone(&tell));
                tokio::spawn(connection.serve(moment, tell));
            }
        });
        Self {
            base,
            log,
            ready,
            accepting,
        }
    }

    /// On how many connections anything of a request to `path` was received.
    fn seen(&self, path: &str) -> usize {
        let log = self.log.lock().unwrap();
        let any = |bytes: &&Vec<u8>| String::from_utf8_lossy(bytes).contains(path);
        log.received.iter().filter(any).count()
    }

    fn connections(&self) -> usize {
        self.log.lock().unwrap().received.len()
    }

    async fn publish(&self, bench: &Bench, path: &str, doubt: Doubt) -> Result<Answer, Trouble> {
        // Larger than what the kernels of both sides hold, so that a reader can stop in its middle.
        let body = if path.contains("large") {
            vec![b'x'; 16 << 20]
        } else {
            b"{}".to_vec()
        };
        let request = Request::post(&self.base, path).json(body);
        bench.http.publish(request, doubt).await
    }
}

struct Connection {
    stream: TcpStream,
    log: Arc<Mutex<Log>>,
    number: usize,
    read: usize,
}

impl Connection {
    async fn serve(mut self, moment: Moment, tell: Arc<Notify>) {
        // A client that hangs up is no surprise here.
        drop(self.try_serve(moment, &tell).await);
    }

    async fn try_serve(&mut self, moment: Moment, tell: &Notify) -> std::io::Result<()> {
        self.whole_request().await?;
        match moment {
            Never => loop {
                self.say(GOOD).await?;
                tell.notify_one();
                self.whole_request().await?;
            },
            AtOnce => self.say(GOOD).await?,
            ResetAtOnce => {
                self.say(GOOD).await?;
                self.stream.set_zero_linger()?;
            }
            AsAnnounced => {
                self.say("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
                    .await?;
            }
            AfterUnasked408 => {
                self.say(GOOD).await?;
                self.say("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
                    .await?;
            }
            AnsweredTwice => {
                self.say(&GOOD.repeat(2)).await?;
                tell.notify_one();
                self.whole_request().await?;
            }
            HalfRead => {
                self.say(GOOD).await?;
                tell.notify_one();
                self.more().await?;
            }
            WholeRead => {
                self.say(GOOD).await?;
                tell.notify_one();
                self.whole_request().await?;
            }
            HalfAnswered => {
                self.say(GOOD).await?;
                tell.notify_one();
                self.whole_request().await?;
                self.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no").await?;
            }
            Soon(turns) => {
                tell.notify_one();
                self.say(GOOD).await?;
                for _ in 0..turns {
                    std::hint::spin_loop();
                }
                // What is here by now has been received, whatever comes after.
                let mut buffer = [0; 4096];
                if let Ok(count) = self.stream.try_read(&mut buffer) {
                    self.note(&buffer[..count]);
                }
            }
        }
        tell.notify_one();
        Ok(())
    }

    async fn say(&mut self, words: &str) -> std::io::Result<()> {
        self.stream.write_all(words.as_bytes()).await
    }

    fn note(&self, bytes: &[u8]) {
        self.log.lock().unwrap().received[self.number].extend(bytes);
    }

    async fn more(&mut self) -> std::io::Result<()> {
        let mut buffer = [0; 4096];
        let count = self.stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.note(&buffer[..count]);
        Ok(())
    }

    async fn whole_request(&mut self) -> std::io::Result<()> {
        loop {
            let length = whole(&self.log.lock().unwrap().received[self.number][self.read..]);
            if let Some(length) = length {
                self.read += length;
                return Ok(());
            }
            self.more().await?;
        }
    }
}

fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).unwrap();
    let body: usize = text
        .split("content-length: ")
        .nth(1)?
        .lines()
        .next()?
        .parse()
        .unwrap();
    (bytes.len() >= head + body).then_some(head + body)
}

#[tokio::test]
async fn rule_6_a_connection_that_closes_repeats_no_request_and_never_says_not_sent_of_one_received() {
    // One client for all: each server has an address, and so connections, of its own.
    let bench = Bench::new();
    for (doubt, shared) in DOUBTS {
        for (moment, path, on_a_used_connection) in [
            (Never, "/second", "an answer"),
            (AtOnce, "/second", "an answer"),
            (ResetAtOnce, "/second", "an answer"),
            (AsAnnounced, "/second", "an answer"),
            (AfterUnasked408, "/second", "an answer"),
            (AnsweredTwice, "/second", "an answer"),
            (HalfRead, "/second-large", "unknown"),
            (WholeRead, "/second", "unknown"),
            (HalfAnswered, "/second", "unknown"),
        ] {
            let server = Server::start(moment).await;
            let first = server.publish(&bench, "/first", doubt).await;
            assert_eq!(first.unwrap().status, 200);
            server.ready.notified().await;
            let second = server.publish(&bench, path, doubt).await;

            // A connection of its own is never touched by what became of the first.
            let expected = if shared { on_a_used_connection } else { "an answer" };
            let came_to = match &second {
                Ok(answer) => {
                    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
                    "an answer"
                }
                Err(Trouble::NotSent(_)) => "not sent",
                Err(Trouble::Unknown(_)) => "unknown",
            };
            assert_eq!(came_to, expected, "{moment:?} {doubt:?}: {second:?}");
            assert_eq!(server.seen(path), 1, "{moment:?} {doubt:?}");
        }
    }
}

#[tokio::test]
async fn rule_6_a_server_that_is_gone_has_received_nothing() {
    for (doubt, _) in DOUBTS {
        let mut server = Server::start(AtOnce).await;
        let bench = Bench::new();
        server.publish(&bench, "/first", doubt).await.unwrap();
        server.ready.notified().await;
        server.accepting.abort();
        assert!((&mut server.accepting).await.unwrap_err().is_cancelled());
        let second = server.publish(&bench, "/second", doubt).await;
        assert!(matches!(second, Err(Trouble::NotSent(_))), "{second:?}");
        assert_eq!(server.seen("/second"), 0);
    }
}

/// Both sides at once: who is first is left to chance, many times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_6_a_connection_that_closes_while_the_next_request_leaves_repeats_nothing() {
    let bench = Bench::new();
    let (mut answered, mut unknown) = (0, 0);
    for round in 0..600 {
        let server = Server::start(Soon(round % 60 * 400)).await;
        server.publish(&bench, "/first", KEY).await.unwrap();
        let second = server.publish(&bench, "/second", KEY).await;
        let seen = server.seen("/second");
        match second {
            Ok(_) => {
                answered += 1;
                assert_eq!(seen, 1);
            }
            Err(Trouble::Unknown(_)) => {
                unknown += 1;
                assert!(seen <= 1, "{seen}");
            }
            Err(Trouble::NotSent(words)) => assert_eq!(seen, 0, "{words}"),
        }
    }
    // Both ends of the race were met, or this has shown nothing.
    assert!(
        answered > 0 && unknown > 0,
        "{answered} answered, {unknown} unknown"
    );
}

#[tokio::test]
async fn in_a_burst_a_connection_serves_many_where_a_repeat_ends_a_doubt() {
    for (doubt, shared) in DOUBTS {
        let server = Server::start(Never).await;
        let bench = Bench::new();
        for n in 0..5 {
            server.publish(&bench, &format!("/{n}"), doubt).await.unwrap();
        }
        assert_eq!(server.connections(), if shared { 1 } else { 5 }, "{doubt:?}");
    }
}

#[tokio::test]
async fn after_a_burst_the_next_post_gets_a_connection_of_its_own() {
    let server = Server::start(Never).await;
    let bench = Bench::new();
    server.publish(&bench, "/first", KEY).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(BURST + Duration::from_millis(1)).await;
    tokio::time::resume();
    server.publish(&bench, "/second", KEY).await.unwrap();
    assert_eq!(server.connections(), 2);
}

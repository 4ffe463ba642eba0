//! Videos that travel in the one visible request: named in what is frozen, read from their file when it is sent, and
//! what is known when that does not end well.

use std::sync::Arc;

use steadfast::platform::telegram::{self, Chat};
use steadfast::platform::{Prepared, Sealed, discord, tumblr};
use steadfast::post::outcome::{Class, Failure, Receipt};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::{Bench, CHANNEL, Draft, OneFilm, Then, raw};

const KINDS: [&str; 3] = ["telegram", "discord", "tumblr"];

fn prepared(kind: &str, draft: &Draft) -> Prepared {
    let out = draft.out();
    match kind {
        "telegram" => {
            let chat = Chat {
                id: -1_001_234_567_890,
                username: None,
            };
            telegram::request(&out, &chat).unwrap()
        }
        "discord" => discord::request(&out, CHANNEL).unwrap(),
        _ => tumblr::request(&out, "casewatch", None),
    }
}

/// Freezes a post with the video `frozen`, and sends it to `url` when the file has become `now`.
async fn send(kind: &str, url: &str, frozen: &'static [u8], now: &'static [u8]) -> Result<Receipt, Failure> {
    let mut bench = Bench::new();
    bench.films = Arc::new(OneFilm(now));
    let draft = Draft::text("Look.").video(frozen);
    let sealed = Sealed {
        prepared: prepared(kind, &draft),
        key: draft.key(),
    };
    assert!(
        sealed.prepared.body.len() < 1000,
        "{kind}: the video itself is not frozen"
    );
    bench.open_at(kind, url).publish(&sealed).await
}

fn large() -> &'static [u8] {
    vec![b'v'; 8 << 20].leak()
}

#[tokio::test]
async fn a_request_whose_end_has_not_left_is_known_not_to_be_taken() {
    for kind in KINDS {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cuts = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut begin = vec![0; 64 << 10];
            stream.read_exact(&mut begin).await.unwrap();
        });
        let video = large();
        let failure = send(kind, &url, video, video).await.unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{kind}: {failure}");
        cuts.await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_left_whole_and_was_not_answered_is_a_doubt() {
    for kind in KINDS {
        let server = raw(Then::Cut).await;
        let video = large();
        let failure = send(kind, &server.url, video, video).await.unwrap_err();
        assert_eq!(failure.class, Class::InDoubt, "{kind}: {failure}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn a_file_that_has_changed_since_is_not_sent() {
    for kind in KINDS {
        let server = raw(Then::Cut).await;
        let failure = send(kind, &server.url, b"ftyp and pictures", b"ftyp and others").await;
        let failure = failure.unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{kind}: {failure}");
        assert!(failure.words.contains("march.mp4"), "{kind}: {failure}");
        assert_eq!((server.connections(), server.requests()), (0, 0));
    }
}

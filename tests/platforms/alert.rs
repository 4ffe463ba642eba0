//! Alerts: what each way is told, byte for byte, and what counts as told.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use steadfast::alert::{Item, Kind, Said};
use steadfast::platform::alert::{Channel, WAYS, Wires, find};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, NOW, TOKEN, WEBHOOK_SECRET};

fn said() -> Said {
    let item = |key: &str, text: &str| Item {
        key: key.to_owned(),
        kind: Kind::Account,
        text: text.to_owned(),
        help: "`steadfast login a`".to_owned(),
        since: "2026-11-23T11:00:00Z".parse().unwrap(),
    };
    Said {
        campaign: "Save the library".to_owned(),
        subject: "[Save the library] 1 new, 1 solved — día".to_owned(),
        text: "Save the library: 1 new, 1 solved\n\n<a> & b can't post".to_owned(),
        new: vec![item("account a", "<a> & b can't post")],
        solved: vec![item("account c", "c can't post")],
        open: 1,
    }
}

/// A channel as `[alert.NAME]` would have it.
fn try_open(bench: &Bench, by: &str, keys: &str) -> Result<Channel, String> {
    let table = bench.keys(keys);
    let entry = find(by).unwrap();
    assert_eq!((entry.check)(&table), [] as [&str; 0]);
    entry.open(
        table,
        &Wires {
            http: &bench.http,
            scrubber: &bench.scrubber,
        },
    )
}

fn open(bench: &Bench, by: &str, keys: &str) -> Channel {
    try_open(bench, by, keys).unwrap()
}

async fn answering(status: u16, body: &str) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(status).set_body_string(body))
        .mount(&server)
        .await;
    server
}

async fn the_request(server: &MockServer) -> (String, Value) {
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    assert_eq!(request.headers["content-type"], "application/json");
    let line = format!("{} {}", request.method, request.url.path());
    (line, serde_json::from_slice(&request.body).unwrap())
}

#[tokio::test]
async fn a_webhook_is_told_all_of_it_signed() {
    let (bench, server) = (Bench::new(), answering(204, "").await);
    let keys = format!(
        "url = '{}/alerts?for=us'\nsecret = 'SECRET({WEBHOOK_SECRET})'",
        server.uri()
    );
    let channel = open(&bench, "webhook", &keys);
    channel.tell(&said()).await.unwrap();
    let (line, body) = the_request(&server).await;
    assert_eq!(line, "POST /alerts");
    let item = |key: &str, text: &str| json!({"key": key, "kind": "account", "text": text, "help": "`steadfast login a`", "since": "2026-11-23T11:00:00Z"});
    assert_eq!(
        body,
        json!({
            "type": "alert",
            "timestamp": NOW,
            "data": {
                "campaign": "Save the library",
                "text": "Save the library: 1 new, 1 solved\n\n<a> & b can't post",
                "new": [item("account a", "<a> & b can't post")],
                "solved": [item("account c", "c can't post")],
                "open": 1,
            },
        })
    );
    let request = &server.received_requests().await.unwrap()[0];
    let head = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    let (id, at) = (head("webhook-id"), head("webhook-timestamp"));
    assert_eq!(at, NOW.parse::<Timestamp>().unwrap().as_second().to_string());
    let key = WEBHOOK_SECRET.strip_prefix("whsec_").unwrap();
    let key = base64::engine::general_purpose::STANDARD.decode(key).unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(&request.body);
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(head("webhook-signature"), format!("v1,{signature}"));

    // The same once more is known by its id; another is not.
    channel.tell(&said()).await.unwrap();
    let other = Said { open: 2, ..said() };
    channel.tell(&other).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let ids: Vec<_> = requests
        .iter()
        .map(|request| &request.headers["webhook-id"])
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn slack_is_told_by_its_webhook() {
    let (bench, server) = (Bench::new(), answering(200, "ok").await);
    let keys = format!(
        "webhook_url = 'SECRET({}/services/T0/B0/c4naryc4nary)'",
        server.uri()
    );
    open(&bench, "slack", &keys).tell(&said()).await.unwrap();
    let (line, body) = the_request(&server).await;
    assert_eq!(line, "POST /services/T0/B0/c4naryc4nary");
    assert_eq!(
        body,
        json!({
            "text": "Save the library: 1 new, 1 solved\n\n&lt;a&gt; &amp; b can't post",
            "unfurl_links": false,
            "unfurl_media": false,
        })
    );
}

#[tokio::test]
async fn telegram_is_told_by_a_bot() {
    let (bench, server) = (Bench::new(), answering(200, r#"{"ok":true,"result":{}}"#).await);
    let keys = format!(
        "base_url = '{}'\nbot_token = 'SECRET(123456:c4nary-t0ken)'\nchat = -1001",
        server.uri()
    );
    open(&bench, "telegram", &keys).tell(&said()).await.unwrap();
    let (line, body) = the_request(&server).await;
    assert_eq!(line, "POST /bot123456:c4nary-t0ken/sendMessage");
    assert_eq!(
        body,
        json!({"chat_id": -1001, "text": said().text, "link_preview_options": {"is_disabled": true}})
    );
}

#[tokio::test]
async fn what_was_not_taken_is_said_in_their_words_without_secrets() {
    for (by, status, body, words) in [
        (
            "slack",
            404,
            "no_service for c4naryc4nary",
            "it answered 404: no_service for ***",
        ),
        ("slack", 302, "", "it answered 302 without a word"),
        ("webhook", 500, "", "it answered 500 without a word"),
        (
            "telegram",
            400,
            r#"{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}"#,
            "Bad Request: chat not found",
        ),
        ("telegram", 200, "<html>", "it answered 200: <html>"),
    ] {
        let (bench, server) = (Bench::new(), answering(status, body).await);
        let at = server.uri();
        let keys = match by {
            "slack" => format!("webhook_url = 'SECRET({at}/services/T0/B0/c4naryc4nary)'"),
            "webhook" => format!("url = '{at}/'\nsecret = 'SECRET({WEBHOOK_SECRET})'"),
            _ => format!("base_url = '{at}'\nbot_token = 'SECRET(123456:c4nary-t0ken)'\nchat = '@us'"),
        };
        let why = open(&bench, by, &keys).tell(&said()).await.unwrap_err();
        assert_eq!(why, words, "{by} {status}");
    }
}

#[tokio::test]
async fn no_secret_is_told() {
    let (bench, server) = (Bench::new(), answering(200, "ok").await);
    let keys = format!(
        "webhook_url = 'SECRET({}/services/T0/B0/c4naryc4nary)'",
        server.uri()
    );
    let channel = open(&bench, "slack", &keys);
    bench
        .scrubber
        .learn(&steadfast::platform::secret::Secret::new(TOKEN));
    let said = Said {
        text: format!("account a: it says {TOKEN}"),
        ..said()
    };
    channel.tell(&said).await.unwrap();
    assert_eq!(the_request(&server).await.1["text"], "account a: it says ***");
}

/// A mail server that takes one letter, and all that was said to it.
async fn mail_server(refuses: bool) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&heard);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 mail.test ESMTP\r\n").await.unwrap();
        let mut in_letter = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.split(' ').next().unwrap() {
                "." if in_letter => {
                    in_letter = false;
                    "250 taken\r\n"
                }
                _ if in_letter => "",
                "EHLO" => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
                "AUTH" => "235 welcome\r\n",
                "RCPT" if refuses => "550 no such person\r\n",
                "DATA" => {
                    in_letter = true;
                    "354 go on\r\n"
                }
                "QUIT" => "221 bye\r\n",
                _ => "250 ok\r\n",
            };
            said.lock().unwrap().push(line);
            write.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, heard)
}

fn mail_keys(port: u16) -> String {
    format!(
        "server = '127.0.0.1:{port}'\nencryption = 'none'\nuser = 'us'\npassword = 'SECRET({TOKEN})'\n\
         from = 'Steadfast <steadfast@example.org>'\nto = ['ann@example.org', 'ben@example.org']"
    )
}

#[tokio::test]
async fn a_letter_goes_to_all_of_them() {
    let bench = Bench::new();
    let (port, heard) = mail_server(false).await;
    open(&bench, "email", &mail_keys(port))
        .tell(&said())
        .await
        .unwrap();
    let heard = heard.lock().unwrap().clone();
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("\0us\0{TOKEN}"));
    for (line, what) in [
        ("EHLO example.org".to_owned(), "who it is"),
        (format!("AUTH PLAIN {auth}"), "as whom"),
        ("MAIL FROM:<steadfast@example.org>".to_owned(), "from whom"),
        ("RCPT TO:<ann@example.org>".to_owned(), "to whom"),
        ("RCPT TO:<ben@example.org>".to_owned(), "to whom else"),
        ("From: Steadfast <steadfast@example.org>".to_owned(), "its head"),
        (
            "Date: Mon, 23 Nov 2026 12:00:00 +0000".to_owned(),
            "when, by our clock",
        ),
        (
            "Auto-Submitted: auto-generated".to_owned(),
            "that nobody should answer",
        ),
        ("<a> & b can't post".to_owned(), "what happened"),
    ] {
        assert!(heard.contains(&line), "{what}: {line}\n{heard:#?}");
    }
    assert!(heard.iter().any(|line| line.starts_with("Subject: ")));
}

#[tokio::test]
async fn a_letter_that_is_refused_was_not_told() {
    let bench = Bench::new();
    let (port, _) = mail_server(true).await;
    let why = open(&bench, "email", &mail_keys(port))
        .tell(&said())
        .await
        .unwrap_err();
    assert!(why.contains("no such person"), "{why}");
    assert!(!why.contains(TOKEN));
}

#[test]
fn keys_that_do_not_fit_are_said_without_their_values() {
    let problems = |by: &str, keys: &str| (find(by).unwrap().check)(&keys.parse().unwrap()).join("\n");
    for (by, keys, said) in [
        ("webhook", "url = 'https://a.example'", "`secret` is missing"),
        (
            "slack",
            "webhook_url = 'https://hooks.slack.com/c4nary'",
            "a secret is never written here",
        ),
        ("telegram", "bot_token = { env = 'A' }", "`chat` is missing"),
        (
            "email",
            "server = 'smtp.example.org'\nfrom = 'a@example.org'\nto = []",
            "nobody would get it",
        ),
        (
            "email",
            "server = 'smtp.example.org'\nencryption = 'none'\nfrom = 'a@example.org'\nto = ['b@example.org']",
            "on this machine alone",
        ),
        (
            "email",
            "server = 'smtp.example.org'\nuser = 'a'\nfrom = 'a@example.org'\nto = ['b@example.org']",
            "`user` goes with `password`",
        ),
        (
            "email",
            "server = 'smtp.example.org'\npassword = 'c4nary'\nfrom = 'a@example.org'\nto = ['b@example.org']",
            "a secret is never written here",
        ),
    ] {
        let found = problems(by, keys);
        assert!(found.contains(said), "{by}: {found}");
        assert!(!found.contains("c4nary"), "{found}");
    }
    assert_eq!(WAYS.len(), 4);
}

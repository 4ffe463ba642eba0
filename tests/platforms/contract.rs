//! What every adapter must keep, whatever its platform.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use steadfast::platform::http::{self, BaseUrl};
use steadfast::platform::secret::{Secret, write_private};
use steadfast::platform::{
    PLATFORMS, Prepared, Sealed, bluesky, discord, facebook, instagram, linkedin, mastodon, nostr, pinterest,
    reddit, slack, telegram, threads, tumblr, webhook, x,
};
use steadfast::post::outcome::{Class, Failure, Receipt};
use steadfast::post::shared::Look;
use steadfast::text::limits::{Doubt, LengthRule};
use wiremock::matchers::{any, body_string_contains, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::relay::{Manner, Relay};
use crate::support::{
    BOT, Bench, CHANNEL, DID, Draft, KINDS, MEMBER, PAGE, SECRET_KEY, TOKEN, Then, WEBHOOK_SECRET, gzip_bomb,
    now, platform_of, raw, receipt, resident_bytes,
};

/// Those that speak over the network.
const REMOTE: [&str; 18] = [
    "mastodon",
    "bluesky",
    "telegram",
    "discord",
    "discord-webhook",
    "slack",
    "slack-webhook",
    "nostr",
    "x",
    "linkedin",
    "linkedin-member",
    "threads",
    "facebook",
    "instagram",
    "reddit",
    "tumblr",
    "pinterest",
    "webhook",
];

/// What an answer in HTTP that proves nothing leaves open. On Nostr a conversation was asked for, and nothing was said
/// yet.
fn open_after(platform: &str) -> Class {
    if platform == "nostr" {
        Class::Transient
    } else {
        Class::InDoubt
    }
}

/// The visible request that the adapter would send for `draft`, made without a network.
fn prepared(platform: &str, draft: &Draft) -> Prepared {
    let out = draft.out();
    match platform {
        "mastodon" => mastodon::request(&out, &[]),
        "bluesky" => bluesky::request(
            &out,
            &bluesky::Found {
                did: DID.into(),
                ..Default::default()
            },
        ),
        "telegram" => telegram::request(&out, &casewatch()).unwrap(),
        "discord" => discord::request(&out, CHANNEL).unwrap(),
        "discord-webhook" => discord::webhook_request(&out),
        "slack" => slack::request(&out, "C0123ABCD", &[], None),
        "slack-webhook" => slack::webhook_request(&out),
        "nostr" => nostr::request(&out, &signer(), &[]).unwrap(),
        "x" => x::request(&out, &[]).unwrap(),
        "linkedin" => linkedin::request(&out, PAGE, &[]),
        "linkedin-member" => linkedin::request(&out, MEMBER, &[]),
        "facebook" => facebook::request(&out, ME, None, &[]).unwrap(),
        "instagram" => instagram::request(ME, CONTAINER, &instagram::told(&out, &[], &[]), &[]),
        "threads" => threads::request(ME, CONTAINER, &threads::told(&out, None, &[], &[]), &[]),
        "pinterest" => pinterest::request(&out, "549755885175", None),
        "tumblr" => tumblr::request(&out, "casewatch", None),
        "reddit" => reddit::request(&out, &reddit::Place::default(), None).unwrap(),
        _ => webhook::request(&out).unwrap(),
    }
}

/// An account of Meta's, and a container there.
const ME: &str = "17841400000000001";
const CONTAINER: &str = "17889615691921648";

fn signer() -> nostr::Signer {
    nostr::Signer::new(&Secret::new(SECRET_KEY)).unwrap()
}

fn casewatch() -> telegram::Chat {
    telegram::Chat {
        id: -1_001_234_567_890,
        username: Some("casewatch".into()),
    }
}

async fn publish_at(bench: &Bench, platform: &str, url: &str) -> Result<Receipt, Failure> {
    let draft = Draft::text("A fair hearing.");
    let sealed = Sealed {
        prepared: prepared(platform, &draft),
        key: draft.key(),
    };
    let done = bench.open_at(platform, url).publish(&sealed).await;
    if let Err(failure) = &done {
        assert!(
            !failure.words.contains(secret_of(platform)),
            "{platform}: {failure}"
        );
        for address in ["/hook", "/services", "/api/webhooks", "/bot"] {
            assert!(!failure.words.contains(address), "{platform}: {failure}");
        }
        assert!(
            !failure.words.is_empty() && !failure.words.contains('\n'),
            "{platform}: {failure:?}"
        );
    }
    done
}

async fn class_at(platform: &str, url: &str) -> Class {
    publish_at(&Bench::new(), platform, url).await.unwrap_err().class
}

fn secret_of(platform: &str) -> &'static str {
    match platform {
        "webhook" => WEBHOOK_SECRET,
        "nostr" => SECRET_KEY,
        _ => TOKEN,
    }
}

/// What the platform says to a text that it accepts.
fn yes(platform: &str) -> String {
    let body = match platform {
        "telegram" => json!({ "ok": true, "result": telegram_message() }),
        "discord" | "discord-webhook" => json!({ "id": "334385199974967042", "channel_id": CHANNEL }),
        "slack" => json!({ "ok": true, "channel": "C0123ABCD", "ts": "1760000000.000200" }),
        "reddit" => reddit_post(),
        "tumblr" => tumblr_post(),
        "slack-webhook" => return "ok".to_owned(),
        "linkedin" | "linkedin-member" => return String::new(),
        "x" => x_post(),
        _ => json!({ "id": "1", "uri": "at://did:plc:x/app.bsky.feed.post/1", "cid": "b" }),
    };
    body.to_string()
}

/// The same as a whole answer: of LinkedIn, the header says it.
fn yes_on_the_wire(platform: &str) -> Vec<u8> {
    let yes = yes(platform);
    let head = match platform {
        "linkedin" | "linkedin-member" => format!("HTTP/1.1 201 Created\r\nx-restli-id: {SHARE}"),
        "tumblr" | "pinterest" => "HTTP/1.1 201 Created".to_owned(),
        _ => "HTTP/1.1 200 OK".to_owned(),
    };
    format!("{head}\r\ncontent-length: {}\r\n\r\n{yes}", yes.len()).into_bytes()
}

fn reddit_post() -> Value {
    let url = "https://www.reddit.com/r/casewatch/comments/1abcd/a_fair_hearing/";
    json!({ "json": { "errors": [], "data": { "url": url, "drafts_count": 0, "id": "1abcd", "name": "t3_1abcd" } } })
}

fn tumblr_post() -> Value {
    json!({ "meta": { "status": 201, "msg": "Created" }, "response": { "id": "1234567891234567" } })
}

/// A post on LinkedIn.
const SHARE: &str = "urn:li:share:7141138937766391808";

fn x_post() -> Value {
    json!({ "data": { "id": "1445880548472328192", "text": "A fair hearing." } })
}

fn telegram_message() -> Value {
    json!({ "message_id": 1235, "date": 1_760_000_000,
        "chat": { "id": -1_001_234_567_890_i64, "type": "channel", "username": "casewatch" } })
}

/// A server that gives every request this answer.
async fn always(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

/// A refusal in the platform's own shape, with our secret in it.
fn refusal(platform: &str, status: u16) -> ResponseTemplate {
    let words = format!("{} is invalid", secret_of(platform));
    let body = match platform {
        "mastodon" => json!({ "error": words }),
        "telegram" => json!({ "ok": false, "error_code": status, "description": words }),
        "discord" | "discord-webhook" => json!({ "message": words, "code": 0 }),
        "slack" => json!({ "ok": false, "error": "invalid_auth", "needed": words }),
        "slack-webhook" => return ResponseTemplate::new(status).set_body_string("invalid_token"),
        "threads" | "facebook" | "instagram" => {
            json!({ "error": { "message": words, "type": "OAuthException", "code": 190 } })
        }
        "x" => json!({ "title": "Unauthorized", "type": "about:blank", "status": status, "detail": words }),
        "pinterest" => json!({ "code": 2, "message": words }),
        "tumblr" => json!({ "meta": { "status": status, "msg": words }, "response": [] }),
        "reddit" => json!({ "message": words, "error": status }),
        "linkedin" | "linkedin-member" => {
            json!({ "status": status, "serviceErrorCode": 65600, "code": "INVALID_ACCESS_TOKEN", "message": words })
        }
        _ => json!({ "error": "AuthMissing", "message": words }),
    };
    ResponseTemplate::new(status).set_body_json(body)
}

#[tokio::test]
async fn p9_refused_credentials_are_said_to_be_so_and_not_repeated() {
    for platform in REMOTE.into_iter().filter(|platform| *platform != "nostr") {
        let server = always(refusal(platform, 401)).await;
        assert_eq!(class_at(platform, &server.uri()).await, Class::Auth, "{platform}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{platform}");
    }
    let relay = Relay::start(Manner::Answer(false, "restricted: not on the list")).await;
    assert_eq!(class_at("nostr", &relay.url).await, Class::Auth);
    assert_eq!(relay.heard().len(), 1);
}

#[tokio::test]
async fn p5_p7_a_rate_limit_says_until_when_if_the_platform_does() {
    for platform in REMOTE {
        let server = always(refusal(platform, 429).insert_header("retry-after", "60")).await;
        let until = Some(now() + SignedDuration::from_secs(60));
        assert_eq!(
            class_at(platform, &server.uri()).await,
            Class::RateLimited { until },
            "{platform}"
        );
        let server = always(ResponseTemplate::new(429).set_body_string("<html>slow down</html>")).await;
        assert_eq!(
            class_at(platform, &server.uri()).await,
            Class::RateLimited { until: None },
            "{platform}"
        );
    }
}

#[tokio::test]
async fn p24_a_server_error_leaves_it_open_what_became_of_the_post() {
    for platform in REMOTE {
        for status in [500, 502, 503, 504, 520, 408, 425] {
            let server = always(ResponseTemplate::new(status).set_body_string("<html>oh</html>")).await;
            assert_eq!(
                class_at(platform, &server.uri()).await,
                open_after(platform),
                "{platform} {status}"
            );
        }
    }
}

#[tokio::test]
async fn p1_p2_p3_an_answer_of_the_wrong_shape_is_no_receipt_and_no_refusal() {
    for platform in REMOTE.into_iter().filter(|platform| *platform != "webhook") {
        for body in [
            "<html>Sign in to the hotel's network</html>",
            "",
            "{\"id\": \"1\", \"uri\": \"at://d",
            "{}",
            "{\"id\": 1, \"uri\": 1, \"cid\": 1}",
            "{\"id\": null, \"uri\": null, \"cid\": null}",
            "{\"id\": \"\", \"uri\": \"\", \"cid\": \"\"}",
            "{\"ok\": true}",
            "{\"ok\": true, \"result\": {}, \"ts\": \"\", \"channel\": \"C0123ABCD\"}",
            "{\"ok\": \"yes\"}",
            "{\"ok\": false}",
            "OK",
            "[]",
            "null",
        ] {
            for status in [200, 201, 204] {
                let server = always(ResponseTemplate::new(status).set_body_string(body)).await;
                assert_eq!(
                    class_at(platform, &server.uri()).await,
                    open_after(platform),
                    "{platform} {status} {body}"
                );
            }
        }
        // A firewall's page is not the platform's word.
        for status in [400, 401, 403, 404, 422] {
            let server = always(ResponseTemplate::new(status).set_body_string("<html>blocked</html>")).await;
            assert_eq!(
                class_at(platform, &server.uri()).await,
                open_after(platform),
                "{platform} {status}"
            );
        }
    }
}

#[tokio::test]
async fn p12_p14_a_connection_cut_after_the_request_is_in_doubt_and_never_repeated() {
    for platform in REMOTE {
        for then in [
            Then::Cut,
            Then::Say(b"HTTP/1.1 200 OK\r\ncontent-len".to_vec()),
            Then::Say(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":".to_vec()),
            Then::Say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec()),
            Then::Say(b"what?\r\n\r\n".to_vec()),
        ] {
            let server = raw(then).await;
            assert_eq!(
                class_at(platform, &server.url).await,
                open_after(platform),
                "{platform}"
            );
            assert_eq!(server.requests(), 1, "{platform}");
        }
    }
}

#[tokio::test]
async fn p42_two_lengths_are_in_doubt() {
    for platform in REMOTE {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ";
        let server = raw(Then::Say(answer.to_vec())).await;
        assert_eq!(
            class_at(platform, &server.url).await,
            open_after(platform),
            "{platform}"
        );
    }
}

#[tokio::test]
async fn p43_interim_answers_are_passed_over() {
    for interim in ["100 Continue", "103 Early Hints"] {
        let answer = format!(
            "HTTP/1.1 {interim}\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{{\"id\":\"1\"}}"
        );
        let server = raw(Then::Say(answer.into_bytes())).await;
        let done = publish_at(&Bench::new(), "mastodon", &server.url).await.unwrap();
        assert_eq!(done.id, "1", "{interim}");
    }
}

#[test]
fn p41_proxies_named_in_the_environment_are_ignored() {
    // The environment of a process that runs threads must not be changed: another process runs the test.
    let done = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "contract::p9_refused_credentials_are_said_to_be_so_and_not_repeated",
        ])
        .envs(
            [
                "http_proxy",
                "HTTP_PROXY",
                "https_proxy",
                "ALL_PROXY",
                "all_proxy",
            ]
            .map(|name| (name, "http://127.0.0.1:1")),
        )
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn a_connection_serves_a_second_visible_request_only_where_a_repeat_ends_a_doubt() {
    // One that the other side is just closing leaves it unknown what became of the request.
    for (platform, forgets_keys, connections) in [
        ("mastodon", false, 1),
        ("mastodon", true, 3),
        ("bluesky", false, 1),
        ("telegram", false, 3),
        ("discord", false, 1),
        ("discord-webhook", false, 3),
        ("slack", false, 3),
        ("slack-webhook", false, 3),
        ("x", false, 3),
        ("facebook", false, 3),
        ("linkedin", false, 3),
        ("linkedin-member", false, 3),
        ("reddit", false, 3),
        ("tumblr", false, 3),
        ("pinterest", false, 3),
        ("webhook", false, 1),
    ] {
        let server = raw(Then::Keep(yes_on_the_wire(platform))).await;
        let bench = Bench::new();
        if forgets_keys {
            let known = json!({"base_url": server.url, "honours_keys": false, "max_characters": 500, "per_link": 23,
                "max_images": 4, "max_image_bytes": 1, "max_alt": 1});
            let file = bench.vault.path().join("instance-test.json");
            write_private(&file, known.to_string().as_bytes()).unwrap();
        }
        for _ in 0..3 {
            publish_at(&bench, platform, &server.url).await.unwrap();
        }
        assert_eq!(
            (server.requests(), server.connections()),
            (3, connections),
            "{platform}"
        );
        // Harmless ones share one in any case.
        let base = BaseUrl::parse(&server.url).unwrap();
        for _ in 0..3 {
            bench.http.send(http::Request::get(&base, "/x")).await.unwrap();
        }
        assert_eq!(server.connections(), connections + 1, "{platform}");
    }
}

#[tokio::test]
async fn p23_a_probe_asks_once_for_something_harmless_and_any_answer_will_do() {
    for (platform, page) in [
        ("mastodon", "/api/v2/instance"),
        ("bluesky", "/xrpc/com.atproto.server.describeServer"),
        ("telegram", "/"),
        ("discord", "/api/v10/gateway"),
        ("discord-webhook", "/api/v10/gateway"),
        ("slack", "/api/api.test"),
        ("slack-webhook", "/"),
        ("nostr", "/"),
        ("x", "/2/users/me"),
        ("linkedin", "/v2/userinfo"),
        ("linkedin-member", "/v2/userinfo"),
        ("threads", "/v1.0/me"),
        ("facebook", "/v25.0/me"),
        ("instagram", "/v25.0/me"),
        ("reddit", "/api/v1/me"),
        ("tumblr", "/v2/user/info"),
        ("pinterest", "/v5/boards"),
    ] {
        for (status, there) in [
            (200, true),
            (401, true),
            (404, true),
            (429, true),
            (500, false),
            (503, false),
        ] {
            let words = format!("{} is invalid", secret_of(platform));
            let server = always(ResponseTemplate::new(status).set_body_string(words)).await;
            let probed = Bench::new()
                .open_at(platform, &server.uri())
                .probe()
                .await
                .unwrap();
            assert_eq!(probed.is_ok(), there, "{platform} {status}: {probed:?}");
            assert!(!format!("{probed:?}").contains(secret_of(platform)), "{probed:?}");
            let asked = server.received_requests().await.unwrap();
            assert_eq!(asked.len(), 1, "{platform} {status}");
            assert_eq!((asked[0].method.as_str(), asked[0].url.path()), ("GET", page));
            assert!(asked[0].headers.get("authorization").is_none() && asked[0].body.is_empty());
        }
        let cut = raw(Then::Cut).await;
        let failure = Bench::new()
            .open_at(platform, &cut.url)
            .probe()
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(
            (failure.class, failure.status),
            (Class::Transient, None),
            "{platform}"
        );
    }
    // Whatever is sent to a webhook's receiver is a post to it.
    for platform in ["webhook", "sandbox"] {
        let server = always(ResponseTemplate::new(200)).await;
        assert!(
            Bench::new()
                .open_at(platform, &server.uri())
                .probe()
                .await
                .is_none()
        );
        assert!(server.received_requests().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn p36_the_time_that_a_server_tells_is_kept_where_it_can_be_asked_again() {
    let date = |minute| format!("Mon, 23 Nov 2026 12:{minute}:00 GMT");
    let answer = |minute| ResponseTemplate::new(200).insert_header("date", date(minute));
    let server = MockServer::start().await;
    for (verb, minute) in [("GET", 10), ("POST", 20)] {
        Mock::given(method(verb))
            .respond_with(answer(minute))
            .mount(&server)
            .await;
    }
    let bench = Bench::new();
    let told = || {
        let told = bench.http.dates().told();
        let times: Vec<String> = told.iter().map(|told| told.date.to_string()).collect();
        times.join(" ")
    };
    // A webhook's receiver is never read from.
    publish_at(&bench, "webhook", &server.uri()).await.unwrap();
    assert_eq!(told(), "");
    let base = BaseUrl::parse(&server.uri()).unwrap();
    bench.http.send(http::Request::get(&base, "/x")).await.unwrap();
    assert_eq!(told(), "2026-11-23T12:10:00Z");
    publish_at(&bench, "webhook", &server.uri()).await.unwrap();
    assert_eq!(told(), "2026-11-23T12:20:00Z");
}

#[tokio::test]
async fn p20_p21_what_was_certainly_not_sent_may_be_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let no_tls = raw(Then::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let no_tls = no_tls.url.replace("http://", "https://");
    for platform in REMOTE {
        for url in [
            format!("http://127.0.0.1:{closed}"),
            no_tls.clone(),
            "https://no-such-host.invalid".into(),
        ] {
            let bench = Bench::with_deadline(Duration::from_millis(900));
            let failure = publish_at(&bench, platform, &url).await.unwrap_err();
            assert_eq!(failure.class, Class::Transient, "{platform} {url}: {failure}");
            assert_eq!(failure.status, None);
        }
    }
}

/// A port of this machine's IPv6 address on which nobody ever answers: its queue is full. `None` without IPv6.
async fn black_hole(port: u16) -> Option<(tokio::net::TcpListener, Vec<tokio::task::JoinHandle<()>>)> {
    let address = std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port));
    let socket = tokio::net::TcpSocket::new_v6().ok()?;
    socket.bind(address).ok()?;
    let listener = socket.listen(0).ok()?;
    let fill = move || async move {
        let stream = tokio::net::TcpStream::connect(address).await;
        std::future::pending::<()>().await;
        drop(stream);
    };
    let filling = (0..8).map(|_| tokio::spawn(fill())).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let another = tokio::time::timeout(
        Duration::from_millis(300),
        tokio::net::TcpStream::connect(address),
    );
    another.await.is_err().then_some((listener, filling))
}

#[tokio::test]
async fn p40_an_address_that_swallows_everything_costs_no_post_and_no_deadline() {
    let good = Willing::start().await;
    let port_of = |platform: &str| {
        good.uri(platform)
            .rsplit(':')
            .next()
            .unwrap()
            .parse::<u16>()
            .unwrap()
    };
    let holes = (black_hole(port_of("")).await, black_hole(port_of("nostr")).await);
    let (Some(_), Some(_)) = &holes else {
        println!("there is no IPv6 here, so this was not tried");
        return;
    };
    for platform in REMOTE {
        let port = port_of(platform);
        // The other address of the same name answers.
        let start = Instant::now();
        let bench = Bench::with_deadline(Duration::from_secs(9));
        let sent = publish_at(&bench, platform, &format!("http://localhost:{port}")).await;
        assert!(sent.is_ok(), "{platform}: {sent:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        // Where there is no other, a third of the deadline is spent, and nothing was sent.
        let start = Instant::now();
        let bench = Bench::with_deadline(Duration::from_millis(1500));
        let failure = publish_at(&bench, platform, &format!("http://[::1]:{port}"))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{platform}: {failure}");
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}

/// The same where `localhost` is both addresses, the one that swallows first.
#[test]
fn p40_of_two_addresses_of_a_name_the_one_that_answers_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "::1 localhost\n127.0.0.1 localhost\n").unwrap();
    let script = "mount --bind \"$0\" /etc/hosts && touch \"$0\" && exec \"$@\"";
    let inside = |program: &std::path::Path, args: &[&str]| {
        let mut command = std::process::Command::new("unshare");
        let command = command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.arg(&hosts).arg(program).args(args).output()
    };
    if !inside("true".as_ref(), &[]).is_ok_and(|done| done.status.success()) {
        println!("no names can be given to addresses here, so this was not tried");
        return;
    }
    let done = inside(
        &std::env::current_exe().unwrap(),
        &[
            "--exact",
            "contract::p40_an_address_that_swallows_everything_costs_no_post_and_no_deadline",
        ],
    );
    let done = done.unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn p15_a_slow_answer_ends_at_the_deadline() {
    for platform in REMOTE {
        for then in [
            Then::Drip(Vec::new(), b'H'),
            Then::Drip(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), b'x'),
            Then::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n".to_vec(), b' '),
        ] {
            let server = raw(then).await;
            let start = Instant::now();
            let bench = Bench::with_deadline(Duration::from_millis(300));
            let failure = publish_at(&bench, platform, &server.url).await.unwrap_err();
            assert_eq!(failure.class, open_after(platform), "{platform}: {failure}");
            assert!(
                start.elapsed() < Duration::from_secs(3),
                "{platform}: {:?}",
                start.elapsed()
            );
        }
    }
}

#[tokio::test]
async fn p16_endless_headers_are_not_read_to_their_end() {
    let lines = b"x-padding: 0123456789012345678901234567890123456789\r\n".to_vec();
    let large = [
        b"HTTP/1.1 200 OK\r\nx: ".to_vec(),
        vec![b'x'; 70_000],
        b"\r\ncontent-length: 0\r\n\r\n".to_vec(),
    ];
    for platform in REMOTE {
        for then in [
            Then::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), lines.clone()),
            Then::Endless(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'x'; 4096]),
            Then::Say(large.concat()),
        ] {
            let server = raw(then).await;
            assert_eq!(
                class_at(platform, &server.url).await,
                open_after(platform),
                "{platform}"
            );
        }
    }
}

#[tokio::test]
async fn p17_an_answer_of_a_gigabyte_is_not_read_to_its_end() {
    let head = |extra: &str| format!("HTTP/1.1 200 OK\r\n{extra}\r\n").into_bytes();
    let mut bomb = head("content-encoding: gzip\r\nconnection: close\r\n");
    bomb.extend(gzip_bomb(200));
    let before = resident_bytes();
    for platform in REMOTE {
        for then in [
            Then::Endless(head("content-length: 1073741824\r\n"), vec![b' '; 64 << 10]),
            Then::Endless(head(""), vec![b'x'; 64 << 10]),
            Then::Say(bomb.clone()),
        ] {
            let server = raw(then).await;
            let start = Instant::now();
            match publish_at(&Bench::new(), platform, &server.url).await {
                Err(failure) => assert_eq!(failure.class, open_after(platform), "{platform}"),
                // To a webhook any 2xx is a yes.
                Ok(_) => assert_eq!(platform, "webhook"),
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{platform}");
        }
    }
    let server = raw(Then::Say(bomb)).await;
    let base = BaseUrl::parse(&server.url).unwrap();
    let answer = Bench::new()
        .http
        .send(http::Request::get(&base, "/x"))
        .await
        .unwrap();
    assert!(answer.truncated && answer.body.len() <= http::ANSWER_MAX && answer.body.len() > 500_000);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "grew by {grown} bytes");
}

#[tokio::test]
async fn p18_p19_a_redirect_is_not_followed_and_nothing_reaches_its_target() {
    for platform in REMOTE {
        for status in [301, 302, 303, 307, 308] {
            let elsewhere = always(ResponseTemplate::new(200)).await;
            let there = elsewhere.uri().replace("127.0.0.1", "localhost");
            let server =
                always(ResponseTemplate::new(status).insert_header("location", there.as_str())).await;
            let failure = publish_at(&Bench::new(), platform, &server.uri())
                .await
                .unwrap_err();
            let expected = if platform == "webhook" {
                Class::Rejected
            } else {
                open_after(platform)
            };
            assert_eq!(failure.class, expected, "{platform} {status}");
            assert!(failure.words.contains("localhost"), "{failure}");
            assert!(
                elsewhere.received_requests().await.unwrap().is_empty(),
                "{platform} {status}"
            );
        }
    }
}

/// Servers that say yes to everything that prepares, and to the post itself.
struct Willing {
    web: MockServer,
    relay: Relay,
}

impl Willing {
    async fn start() -> Self {
        let relay = Relay::start(Manner::Take).await;
        relay.keep(anothers_note());
        Self {
            web: willing().await,
            relay,
        }
    }

    fn uri(&self, kind: &str) -> String {
        if kind == "nostr" {
            self.relay.url.clone()
        } else {
            self.web.uri()
        }
    }
}

/// A post of somebody else on Nostr.
fn anothers_note() -> nostr::Event {
    let ally = nostr::Signer::new(&Secret::new("11".repeat(32))).unwrap();
    ally.sign(now().as_second(), 1, Vec::new(), "We stand with them.".into())
}

async fn willing() -> MockServer {
    let server = MockServer::start().await;
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    let bot = |method: &str| format!("/bot{BOT}:{TOKEN}/{method}");
    for (verb, at, body) in [
        ("GET", "/api/v2/instance", json!({ "version": "4.5.0" })),
        ("GET", "/api/v2/search", json!({ "statuses": [{ "id": "77" }] })),
        (
            "POST",
            "/api/v2/media",
            json!({ "id": "55", "url": "https://m.example/55.png" }),
        ),
        (
            "POST",
            "/api/v1/statuses",
            json!({ "id": "1", "url": "https://m.example/@c/1" }),
        ),
        (
            "POST",
            "/api/v1/statuses/77/reblog",
            json!({ "id": "2", "reblog": { "id": "77" } }),
        ),
        (
            "POST",
            "/xrpc/com.atproto.repo.uploadBlob",
            json!({ "blob": { "ref": { "$link": "bafkrei" } } }),
        ),
        (
            "GET",
            "/xrpc/app.bsky.feed.getPosts",
            json!({ "posts": [{ "uri": "at://did:plc:ally/app.bsky.feed.post/3l", "cid": "bafyally" }] }),
        ),
        (
            "POST",
            "/xrpc/com.atproto.repo.putRecord",
            json!({ "uri": format!("at://{DID}/app.bsky.feed.post/3lx"), "cid": "bafy1" }),
        ),
        ("POST", "/hook", json!({})),
        (
            "GET",
            &bot("getMe"),
            json!({ "ok": true, "result": { "id": BOT } }),
        ),
        (
            "GET",
            &bot("getChat"),
            json!({ "ok": true, "result": telegram_message()["chat"] }),
        ),
        (
            "POST",
            &bot("sendMessage"),
            json!({ "ok": true, "result": telegram_message() }),
        ),
        (
            "POST",
            &bot("forwardMessage"),
            json!({ "ok": true, "result": telegram_message() }),
        ),
        (
            "POST",
            &format!("/api/v10/channels/{CHANNEL}/messages"),
            json!({ "id": "334385199974967042", "channel_id": CHANNEL }),
        ),
        (
            "POST",
            &format!("/api/v10/webhooks/223704706495545344/{TOKEN}"),
            json!({ "id": "334385199974967042", "channel_id": CHANNEL }),
        ),
        (
            "POST",
            "/api/chat.postMessage",
            json!({ "ok": true, "channel": "C0123ABCD", "ts": "1760000000.000200" }),
        ),
        (
            "POST",
            "/api/files.getUploadURLExternal",
            json!({ "ok": true, "upload_url": format!("{}/upload/v1/abc", server.uri()), "file_id": "F0123ABCD" }),
        ),
        ("POST", "/upload/v1/abc", json!("OK - 12")),
        (
            "POST",
            &format!("/v25.0/{ME}/feed"),
            json!({ "id": format!("{ME}_122") }),
        ),
        ("POST", &format!("/v25.0/{ME}/photos"), json!({ "id": "555001" })),
        (
            "GET",
            "/v25.0/900100",
            json!({ "id": "900100", "status": { "video_status": "ready" } }),
        ),
        (
            "POST",
            &format!("/v25.0/{ME}_121/comments"),
            json!({ "id": "121_7" }),
        ),
        ("GET", "/v25.0/me", json!({ "id": "1", "user_id": ME })),
        ("POST", &format!("/v25.0/{ME}/media"), json!({ "id": CONTAINER })),
        (
            "GET",
            &format!("/v25.0/{CONTAINER}"),
            json!({ "id": CONTAINER, "status_code": "FINISHED" }),
        ),
        (
            "POST",
            &format!("/v25.0/{ME}/media_publish"),
            json!({ "id": "18000000000000002" }),
        ),
        (
            "POST",
            "/v25.0/18000000000000001/comments",
            json!({ "id": "17870913679156914" }),
        ),
        ("GET", "/v1.0/me", json!({ "id": ME })),
        ("POST", &format!("/v1.0/{ME}/threads"), json!({ "id": CONTAINER })),
        (
            "GET",
            &format!("/v1.0/{CONTAINER}"),
            json!({ "id": CONTAINER, "status": "FINISHED" }),
        ),
        (
            "POST",
            &format!("/v1.0/{ME}/threads_publish"),
            json!({ "id": "18000000000000002" }),
        ),
        (
            "GET",
            "/v1.0/profile_posts",
            json!({ "data": [{ "id": "18000000000000077", "timestamp": "2026-11-20T05:42:03+0000",
                "permalink": "https://www.threads.net/@ally/post/DAlly1" }] }),
        ),
        (
            "POST",
            "/v1.0/18000000000000077/repost",
            json!({ "id": "18000000000000003" }),
        ),
        (
            "GET",
            "/2/users/me",
            json!({ "data": { "id": "2244994945", "name": "Case", "username": "casewatch" } }),
        ),
        ("POST", "/2/tweets", x_post()),
        (
            "POST",
            "/2/users/2244994945/retweets",
            json!({ "data": { "retweeted": true, "rest_id": "1228393702244134912" } }),
        ),
        (
            "GET",
            "/2/tweets/1228393702244134912",
            json!({ "data": { "id": "1228393702244134912", "text": "An ally." } }),
        ),
        (
            "POST",
            "/2/media/upload",
            json!({ "data": { "id": "1880028106020515840", "expires_after_secs": 86400 } }),
        ),
        (
            "POST",
            "/2/media/metadata",
            json!({ "data": { "id": "1880028106020515840" } }),
        ),
        (
            "POST",
            "/2/media/upload/initialize",
            json!({ "data": { "id": "1880028106020515841" } }),
        ),
        ("POST", "/2/media/upload/1880028106020515841/append", json!({})),
        (
            "POST",
            "/2/media/upload/1880028106020515841/finalize",
            json!({ "data": { "id": "1880028106020515841" } }),
        ),
    ] {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(ok(body))
            .mount(&server)
            .await;
    }
    willing_facebook(&server).await;
    willing_linkedin(&server).await;
    willing_reddit(&server).await;
    willing_tumblr(&server).await;
    Mock::given(path("/services/T0001/B0001/".to_owned() + TOKEN))
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .mount(&server)
        .await;
    server
}

/// Takes a video of four bytes.
async fn willing_facebook(server: &MockServer) {
    let begun =
        json!({ "video_id": "900100", "upload_session_id": "1", "start_offset": "0", "end_offset": "4" });
    for (phase, page) in [
        ("upload_phase=start", begun),
        ("transfer", json!({ "start_offset": "4", "end_offset": "4" })),
        ("upload_phase=finish", json!({ "success": true })),
    ] {
        Mock::given(method("POST"))
            .and(path(format!("/v25.0/{ME}/videos")))
            .and(body_string_contains(phase))
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .mount(server)
            .await;
    }
}

async fn willing_tumblr(server: &MockServer) {
    let post = |id: &str| {
        let said = json!([{ "type": "text", "text": "We stand with them." }]);
        let post =
            json!({ "id_string": id, "reblog_key": "k3y", "tumblelog_uuid": "t:0aY0x", "content": said });
        json!({ "meta": { "status": 200, "msg": "OK" }, "response": post })
    };
    let announced = json!({ "media_id": "5430297894726", "upload_parameters": {},
        "upload_url": format!("{}/pinterest-uploads", server.uri()) });
    for (verb, at, status, page) in [
        ("POST", "/v5/pins", 201, json!({ "id": "813744226420795884" })),
        ("POST", "/v5/media", 201, announced),
        ("POST", "/pinterest-uploads", 204, json!({})),
        (
            "GET",
            "/v5/media/5430297894726",
            200,
            json!({ "status": "succeeded" }),
        ),
        ("POST", "/v2/blog/casewatch/posts", 201, tumblr_post()),
        (
            "GET",
            "/v2/blog/casewatch/posts/1234567891234566",
            200,
            post("1234567891234566"),
        ),
        (
            "GET",
            "/v2/blog/casewatch/posts/1234567891234567",
            200,
            post("1234567891234567"),
        ),
        (
            "GET",
            "/v2/blog/ally/posts/1234567891234560",
            200,
            post("1234567891234560"),
        ),
    ] {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(ResponseTemplate::new(status).set_body_json(page))
            .mount(server)
            .await;
    }
}

async fn willing_reddit(server: &MockServer) {
    let lease = json!({
        "args": { "action": format!("{}/reddit-uploads", server.uri()), "fields": [{ "name": "key", "value": "1" }] },
        "asset": { "asset_id": "k3y0fimage" },
    });
    let comment = json!({ "name": "t1_2bcde", "permalink": "/r/casewatch/comments/1abcd/x/2bcde/" });
    for (at, answer) in [
        ("/api/submit", reddit_post()),
        (
            "/api/comment",
            json!({ "json": { "errors": [], "data": { "things": [{ "kind": "t1", "data": comment }] } } }),
        ),
        ("/api/media/asset.json", lease),
        ("/reddit-uploads", json!({})),
        (
            "/api/convert_rte_body_format",
            json!({ "output": { "document": [{ "e": "img", "id": "k3y0fimage" }] } }),
        ),
    ] {
        Mock::given(method("POST"))
            .and(path(at))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(server)
            .await;
    }
    let allys = json!({ "name": "t3_1ally", "title": "We stand with them." });
    Mock::given(method("GET"))
        .and(path("/api/info"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "data": { "children": [{ "data": allys }] } })),
        )
        .mount(server)
        .await;
}

async fn willing_linkedin(server: &MockServer) {
    let image = "urn:li:image:C5F10AQ";
    let begun =
        json!({ "value": { "uploadUrl": format!("{}/dms-uploads/1", server.uri()), "image": image } });
    let all =
        json!({ "uploadUrl": format!("{}/dms-uploads/1", server.uri()), "firstByte": 0, "lastByte": 3 });
    let video = json!({ "value": {
        "video": "urn:li:video:C5F10AQ", "uploadToken": "", "uploadInstructions": [all],
    } });
    let comment =
        json!({ "commentUrn": "urn:li:comment:(urn:li:activity:7141138937766391800,7141138937766391801)" });
    for (verb, at, answer) in [
        (
            "POST",
            "/rest/posts",
            ResponseTemplate::new(201).insert_header("x-restli-id", SHARE),
        ),
        (
            "POST",
            "/rest/socialActions/urn%3Ali%3Ashare%3A7141138937766391806/comments",
            ResponseTemplate::new(201).set_body_json(comment),
        ),
        (
            "POST",
            "/rest/images",
            ResponseTemplate::new(200).set_body_json(begun),
        ),
        (
            "PUT",
            "/dms-uploads/1",
            ResponseTemplate::new(201).insert_header("etag", "/ambry/1"),
        ),
        (
            "GET",
            "/rest/images/urn%3Ali%3Aimage%3AC5F10AQ",
            ResponseTemplate::new(200).set_body_json(json!({ "id": image, "status": "AVAILABLE" })),
        ),
        (
            "POST",
            "/rest/videos",
            ResponseTemplate::new(200).set_body_json(video),
        ),
        (
            "GET",
            "/rest/videos/urn%3Ali%3Avideo%3AC5F10AQ",
            ResponseTemplate::new(200).set_body_json(json!({ "status": "AVAILABLE" })),
        ),
    ] {
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(answer)
            .mount(server)
            .await;
    }
}

#[tokio::test]
async fn every_ability_in_the_data_is_there_and_every_word_arrives() {
    for kind in KINDS {
        let server = Willing::start().await;
        let bench = Bench::new();
        let account = bench.open_at(kind, &server.uri(kind));
        let limits = account.limits().clone();
        assert_eq!(limits.platform, platform_of(kind));
        let entry = PLATFORMS.iter().find(|entry| entry.name == kind);
        if let Some(entry) = entry {
            assert_eq!(limits.abilities, (entry.limits)().abilities, "{kind}");
        }

        let mut draft = Draft::text("¿Qué falta?").link("https://example.org/caso");
        if limits.answering(limits.abilities.reply).min_images > 0 {
            draft = draft.image();
        }
        draft.warn = limits.abilities.warn.then(|| "prison".into());
        draft.parent = limits.abilities.reply.then(|| earlier(kind));
        draft.root.clone_from(&draft.parent);
        let frozen = account.prepare(&draft.out()).await.unwrap();
        assert!(frozen.body.contains("¿Qué falta?"), "{kind}");
        assert!(frozen.body.contains("https://example.org/caso"), "{kind}");
        // These five have a language of their own for a post.
        let says = ["mastodon", "bluesky", "nostr", "webhook", "sandbox"].contains(&kind);
        assert_eq!(frozen.body.contains("\"es"), says, "{kind}");
        assert!(!limits.abilities.warn || frozen.body.contains("prison"), "{kind}");
        let parent = earlier(kind);
        let whole = format!("{} {}", frozen.path, frozen.body);
        let tied = whole.contains(&parent.id) || whole.contains(tie(&parent));
        assert!(!limits.abilities.reply || tied, "{kind}");
        assert!(
            !frozen.body.contains(TOKEN) && !frozen.body.contains(WEBHOOK_SECRET),
            "{kind}"
        );
        let done = account
            .publish(&Sealed {
                prepared: frozen.clone(),
                key: draft.key(),
            })
            .await
            .unwrap();
        assert!(!done.id.is_empty(), "{kind}");
        // Frozen is frozen: a second preparing at the same moment says the same.
        assert_eq!(account.prepare(&draft.out()).await.unwrap(), frozen, "{kind}");

        // Who shares and can be asked is asked; the others say so.
        let read = account.read(&theirs(kind)).await.map(|read| read.unwrap());
        let asked = matches!(
            kind,
            "mastodon" | "bluesky" | "nostr" | "x" | "threads" | "tumblr" | "reddit"
        );
        assert_eq!(matches!(read, Some(Look::There(_))), asked, "{kind}: {read:?}");
        if limits.abilities.share {
            let mut share = Draft::text("");
            share.share = Some(theirs(kind));
            let done = share.send(account.as_ref()).await.unwrap();
            assert!(!done.id.is_empty(), "{kind}");
        }
        if limits.max_images > 0 {
            let frozen = account
                .prepare(&Draft::text("With image.").image().out())
                .await
                .unwrap();
            let image = match kind {
                "mastodon" => "\"55\"",
                "bluesky" => "bafkrei",
                "slack" => "F0123ABCD",
                "x" => "[\"1880028106020515840\"]",
                "linkedin" | "linkedin-member" => "\"urn:li:image:C5F10AQ\"",
                "threads" | "instagram" => "\"https://media.example/steadfast-",
                "facebook" => "[{\"media_fbid\":\"555001\"}]",
                "reddit" => "k3y0fimage",
                "sandbox" => "media/court.png",
                "nostr" => "\"imeta\"",
                _ => "iVBORyBwaXhlbHM=",
            };
            assert!(frozen.body.contains(image), "{}: {}", kind, frozen.body);
        }
        // Who does not send videos says so, and nothing goes out without its video (reliability P39).
        let entry = PLATFORMS.iter().find(|entry| entry.name == platform_of(kind));
        let sends = entry.is_some_and(steadfast::platform::Entry::sends_video);
        let sent = account
            .prepare(&Draft::text("With video.").video(b"ftyp").out())
            .await;
        match (sends && limits.video.is_some(), sent) {
            (true, Ok(frozen)) => {
                let video = match kind {
                    "mastodon" => "\"55\"",
                    "bluesky" => "app.bsky.embed.video",
                    "slack" => "F0123ABCD",
                    "x" => "[\"1880028106020515841\"]",
                    "linkedin" | "linkedin-member" => "\"urn:li:video:C5F10AQ\"",
                    "facebook" => "\"published\":true",
                    "reddit" => "k3y0fimage",
                    "pinterest" => "\"5430297894726\"",
                    "threads" | "instagram" => "\"video_url\"",
                    _ => "media/march.mp4",
                };
                assert!(frozen.body.contains(video), "{}: {}", kind, frozen.body);
            }
            (false, Err(failure)) => assert_eq!(failure.class, Class::Rejected, "{kind}"),
            (_, sent) => panic!("{kind}: {sent:?}"),
        }
    }
}

/// An earlier post of the account.
fn earlier(kind: &str) -> Receipt {
    match kind {
        "telegram" => receipt("1234", Some("-1001234567890")),
        "discord" => receipt("334385199974967041", Some(CHANNEL)),
        "slack" => receipt("1760000000.000100", Some("C0123ABCD")),
        "nostr" => receipt(&anothers_note().id.to_string(), None),
        "x" => receipt("1445880548472328191", None),
        "threads" | "instagram" => receipt("18000000000000001", None),
        "facebook" => receipt(&format!("{ME}_121"), None),
        "reddit" => receipt("t3_1abcc", None),
        "tumblr" => receipt("1234567891234566", None),
        "linkedin" => receipt("urn:li:share:7141138937766391806", None),
        _ => receipt(&format!("at://{DID}/app.bsky.feed.post/3lp"), Some("bafyp")),
    }
}

/// What of a receipt its answers name: its id, but for those whose pin is made for it.
fn tie(receipt: &Receipt) -> &str {
    let pin = receipt
        .pin
        .as_deref()
        .filter(|pin| !pin.starts_with(['-', 'C']) && *pin != CHANNEL);
    pin.unwrap_or(&receipt.id)
}

/// A post of somebody else.
fn theirs(kind: &str) -> String {
    let url = match kind {
        "nostr" => return format!("https://njump.me/{}", anothers_note().id),
        "telegram" => "https://t.me/ally/7",
        "discord" => "https://discord.com/channels/41771983423143937/155101607195836417/334385199974967040",
        "x" => "https://x.com/ally/status/1228393702244134912",
        "tumblr" => "https://www.tumblr.com/ally/1234567891234560/we-stand",
        "threads" => "https://www.threads.com/@ally/post/DAlly1",
        "reddit" => "https://www.reddit.com/r/allies/comments/1ally/we_stand/",
        "linkedin" | "linkedin-member" => {
            "https://www.linkedin.com/feed/update/urn:li:share:7141138937766391807/"
        }
        _ => "https://bsky.app/profile/did:plc:ally/post/3l",
    };
    url.to_owned()
}

#[tokio::test]
async fn every_part_of_a_thread_is_tied_to_the_one_before() {
    for kind in KINDS {
        let server = Willing::start().await;
        let bench = Bench::new();
        let account = bench.open_at(kind, &server.uri(kind));
        if account.limits().max_parts == 1 || !account.limits().abilities.reply {
            continue;
        }
        let first = Draft {
            of: 2,
            ..Draft::text("One.")
        };
        let one = first.send(account.as_ref()).await.unwrap();
        let second = Draft {
            index: 1,
            of: 2,
            parent: Some(one.clone()),
            root: Some(one.clone()),
            ..Draft::text("Two.")
        };
        let frozen = account.prepare(&second.out()).await.unwrap();
        assert!(frozen.body.contains(tie(&one)), "{}: {}", kind, frozen.body);
        account
            .publish(&Sealed {
                prepared: frozen,
                key: second.key(),
            })
            .await
            .unwrap();
    }
}

#[test]
fn the_table_agrees_with_itself() {
    for entry in PLATFORMS {
        let limits = (entry.limits)();
        assert_eq!(limits.platform, entry.name);
        assert!(
            limits.max_parts == 1 || limits.abilities.reply,
            "{}: a thread needs answers",
            entry.name
        );
        assert!(
            limits.max_images == 0 || !limits.image_types.is_empty(),
            "{}",
            entry.name
        );
        let schema = (entry.schema)(&mut schemars::SchemaGenerator::default()).to_value();
        assert_eq!(schema["additionalProperties"], false, "{}", entry.name);
    }
    assert_eq!(
        (mastodon::limits)().doubt,
        Doubt::Key {
            window: Some(Duration::from_mins(50)),
            then: Some(Duration::from_mins(10)),
        }
    );
    assert_eq!((bluesky::limits)().doubt, Doubt::OwnId);
    assert_eq!(
        (webhook::limits)().doubt,
        Doubt::Key {
            window: None,
            then: None
        }
    );
    assert_eq!((webhook::limits)().length, LengthRule::Unlimited);
}

#[tokio::test]
async fn f16_a_secret_of_ours_in_a_text_is_not_sent() {
    for kind in REMOTE {
        let server = Willing::start().await;
        let bench = Bench::new();
        let account = bench.open_at(kind, &server.uri(kind));
        let secret = secret_of(kind);
        let failure = account
            .prepare(&Draft::text(&format!("Look: {secret}")).out())
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{kind}");
        assert!(!failure.words.contains(secret));
        // Nothing was sent, so nothing has waited; tokio wants it to before the server is dropped, which blocks.
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_wrong_table_is_refused_in_a_sentence_that_says_what_to_write() {
    let bench = Bench::new();
    for (platform, keys, words) in [
        ("mastodon", "base_url = 'https://m.example'", "access_token"),
        (
            "mastodon",
            "base_url = 'https://m.example'\naccess_token = 'c4nary'",
            "env = \"NAME\"",
        ),
        (
            "mastodon",
            "base_url = 'http://m.example'\naccess_token = 'SECRET(c4nary)'",
            "https://",
        ),
        (
            "mastodon",
            "base_url = 'https://m.example'\nacces_token = 'SECRET(c4nary)'",
            "`acces_token`",
        ),
        ("bluesky", "identifier = 'a.example'", "app_password"),
        (
            "webhook",
            "url = 'https://a.example'\nsecret = 'SECRET(c4nary)'",
            "whsec_",
        ),
        (
            "webhook",
            "url = 'https://a.example'\nsecret = 'SECRET(whsec_c4nary==)'",
            "24 to 64 bytes",
        ),
        ("telegram", "chat = '@casewatch'", "bot_token"),
        (
            "telegram",
            "chat = '@casewatch'\nbot_token = 'SECRET(c4nary)'",
            "digits, a colon, letters",
        ),
        (
            "telegram",
            "chat = 'casewatch'\nbot_token = 'SECRET(1:c4nary)'",
            "\"@name\"",
        ),
        (
            "discord",
            "bot_token = 'SECRET(c4nary)'",
            "`bot_token` and `channel`",
        ),
        (
            "discord",
            "webhook_url = 'SECRET(https://c4nary.example)'\nchannel = '1'",
            "write `webhook_url`, or",
        ),
        (
            "discord",
            "bot_token = 'SECRET(c4nary)'\nchannel = 'general'",
            "the channel's number",
        ),
        (
            "discord",
            "webhook_url = 'SECRET(https://discord.com/c4nary)'",
            "as Discord gives it",
        ),
        (
            "discord",
            "webhook_url = 'https://discord.com/api/webhooks/1/c4nary'",
            "env = \"NAME\"",
        ),
        (
            "discord",
            "webhook_url = 'SECRET(http://discord.com/api/webhooks/1/c4nary)'",
            "https://",
        ),
        ("slack", "channel = 'C0123ABCD'", "`bot_token` and `channel`"),
        (
            "slack",
            "bot_token = 'SECRET(c4nary)'\nchannel = '#general'",
            "`C0123ABCD`",
        ),
        (
            "slack",
            "webhook_url = 'SECRET(https://hooks.slack.com/c4nary)'",
            "as Slack gives it",
        ),
        (
            "slack",
            "base_url = 'https://a.example'\nwebhook_url = 'SECRET(https://hooks.slack.com/c4nary)'",
            "`base_url` goes with",
        ),
        ("x", "base_url = 'https://a.example'", "`access_token` is missing"),
        ("x", "access_token = 'c4nary'", "env = \"NAME\""),
        (
            "x",
            "access_token = 'SECRET(c4nary)'\nlogin = true\nclient_id = 'c4nary'",
            "not both",
        ),
        ("x", "login = true", "`client_id`"),
        ("reddit", "access_token = 'SECRET(c4nary)'", "`subreddit`"),
        ("tumblr", "access_token = 'SECRET(c4nary)'", "`blog`"),
        (
            "pinterest",
            "board = 'court'\naccess_token = 'SECRET(c4nary)'",
            "the board's number",
        ),
        (
            "tumblr",
            "blog = 'https://casewatch.tumblr.com'\naccess_token = 'SECRET(c4nary)'",
            "as `casewatch.tumblr.com`",
        ),
        (
            "reddit",
            "subreddit = 'r/casewatch'\naccess_token = 'SECRET(c4nary)'",
            "without `r/`",
        ),
        ("linkedin", "access_token = 'SECRET(c4nary)'", "`author`"),
        (
            "linkedin",
            "author = 'urn:li:company:1'\naccess_token = 'SECRET(c4nary)'",
            "`urn:li:organization:NUMBER`",
        ),
        (
            "linkedin",
            "author = 'urn:li:person:a'\nversion = '2026-05'\naccess_token = 'SECRET(c4nary)'",
            "as `202605`",
        ),
        ("threads", "login = true\nclient_id = '1'", "`client_secret`"),
        ("facebook", "access_token = 'SECRET(c4nary)'", "page_id"),
        (
            "instagram",
            "access_token = 'SECRET(c4nary)'",
            "`media_folder` and `media_url` are missing",
        ),
        (
            "instagram",
            "base_url = 'https://graph.facebook.com'\naccess_token = 'SECRET(c4nary)'",
            "`user_id` is needed",
        ),
        (
            "instagram",
            "base_url = 'https://graph.facebook.com'\nlogin = true\nclient_id = '1'\nclient_secret = 'SECRET(c4nary)'",
            "write `access_token`",
        ),
        (
            "facebook",
            "page_id = 'CaseWatch'\naccess_token = 'SECRET(c4nary)'",
            "number",
        ),
        ("threads", "user_id = '178414'", "`access_token` is missing"),
        (
            "threads",
            "access_token = 'SECRET(c4nary)'\nuser_id = 'casewatch'",
            "number",
        ),
        (
            "threads",
            "access_token = 'SECRET(c4nary)'\nmedia_folder = '/srv/m'",
            "go together",
        ),
        ("sandbox", "like = 'sandbox'", "mastodon, bluesky, x, threads"),
        ("sandbox", "like = 'twitter'", "`twitter`"),
    ] {
        let error = bench.try_open(platform, keys).err().unwrap();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("c4nary"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

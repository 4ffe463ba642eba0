//! Slack: exact requests of bots and webhooks, yeses that are none, uploads, and how a lost answer is found.

use std::collections::HashSet;

use serde_json::{Value, json};
use steadfast::platform::{Among, Platform, Prepared, Sealed, slack};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::text::limits::{Doubt, SLACK, SLACK_WEBHOOK};
use wiremock::matchers::{body_json, body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, deletion_of, delivery, now, receipt};

const CHANNEL: &str = "C0123ABCD";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

#[test]
fn a_bots_text_is_plain_pings_nobody_and_carries_our_id() {
    let draft = Draft::text("1 < 2 & <!channel> *not*").link("https://example.org/?a=1&b=2");
    let prepared = slack::request(&draft.out(), CHANNEL, &[], Some("1760000000.000100"));
    assert_eq!(prepared.path, "/api/chat.postMessage");
    assert_eq!(
        body(&prepared),
        json!({
            "channel": CHANNEL,
            "text": "1 &lt; 2 &amp; &lt;!channel&gt; *not*\n\nhttps://example.org/?a=1&amp;b=2",
            "mrkdwn": false,
            "parse": "none",
            "link_names": false,
            "unfurl_links": true,
            "unfurl_media": true,
            "metadata": { "event_type": "steadfast_post", "event_payload": { "delivery_id": delivery(0) } },
            "thread_ts": "1760000000.000100",
        })
    );
}

#[test]
fn a_webhook_is_told_the_text_and_no_more() {
    let prepared = slack::webhook_request(&Draft::text("a & b").out());
    assert_eq!(prepared.path, "");
    assert_eq!(
        body(&prepared),
        json!({ "text": "a &amp; b", "mrkdwn": false, "unfurl_links": true, "unfurl_media": true })
    );
}

fn read(body: &str) -> Result<Receipt, Failure> {
    let prepared = slack::request(&Draft::text("x").out(), CHANNEL, &[], None);
    slack::read(&prepared, &answer(200, body))
}

#[test]
fn a_yes_names_the_message_by_a_text_that_is_no_number() {
    let yes = r#"{"ok":true,"channel":"C0123ABCD","ts":"1760000000.000200","message":{"ts":"1760000000.000200","text":"...","bot_id":"B1"}}"#;
    let done = read(yes).unwrap();
    assert_eq!(
        (done.id.as_str(), done.pin.as_deref()),
        ("1760000000.000200", Some(CHANNEL))
    );
    let reply = r#"{"ok":true,"channel":"C0123ABCD","ts":"1760000000.000200","message":{"thread_ts":"1760000000.000100"}}"#;
    assert_eq!(
        read(reply).unwrap().pin.as_deref(),
        Some("C0123ABCD/1760000000.000100")
    );
}

#[test]
fn a_200_that_says_no_is_a_no() {
    for (error, class) in [
        ("ratelimited", Class::RateLimited { until: None }),
        ("rate_limited", Class::RateLimited { until: None }),
        ("message_limit_exceeded", Class::RateLimited { until: None }),
        ("invalid_auth", Class::Auth),
        ("not_authed", Class::Auth),
        ("token_revoked", Class::Auth),
        ("token_expired", Class::Auth),
        ("account_inactive", Class::Auth),
        ("missing_scope", Class::Auth),
        ("no_permission", Class::Auth),
        ("channel_not_found", Class::Rejected),
        ("not_in_channel", Class::Rejected),
        ("is_archived", Class::Rejected),
        ("msg_too_long", Class::Rejected),
        ("a_new_one", Class::Rejected),
        ("internal_error", Class::InDoubt),
        ("fatal_error", Class::InDoubt),
        ("service_unavailable", Class::InDoubt),
        ("request_timeout", Class::InDoubt),
    ] {
        let failure = read(&json!({ "ok": false, "error": error }).to_string()).unwrap_err();
        assert_eq!(failure.class, class, "{error}");
        assert_eq!(failure.words, error);
    }
    let scope = r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"files:write"}"#;
    assert_eq!(
        read(scope).unwrap_err().words,
        "missing_scope: the token needs chat:write"
    );
    let long =
        r#"{"ok":false,"error":"invalid_arguments","response_metadata":{"messages":["[ERROR] no text"]}}"#;
    assert_eq!(
        read(long).unwrap_err().words,
        "invalid_arguments; [ERROR] no text"
    );
    // A server's own trouble is a doubt, whatever it names it.
    let prepared = slack::request(&Draft::text("x").out(), CHANNEL, &[], None);
    let broken = answer(503, r#"{"ok":false,"error":"channel_not_found"}"#);
    assert_eq!(slack::read(&prepared, &broken).unwrap_err().class, Class::InDoubt);
}

#[test]
fn a_webhook_answers_in_words() {
    let key = Draft::text("").key();
    let read = |status, word: &str| slack::read_webhook(key, &answer(status, word));
    let done = read(200, "ok").unwrap();
    assert_eq!((done.id, done.url), (delivery(0).to_string(), None));
    for (status, word, class) in [
        (200, "<html>ok</html>", Class::InDoubt),
        (200, "", Class::InDoubt),
        (400, "invalid_payload", Class::Rejected),
        (400, "no_text", Class::Rejected),
        (403, "action_prohibited", Class::Rejected),
        (403, "invalid_token", Class::Auth),
        (404, "no_service", Class::Auth),
        (404, "no_team", Class::Auth),
        (404, "channel_not_found", Class::Auth),
        (410, "channel_is_archived", Class::Auth),
        (404, "<html>not here</html>", Class::InDoubt),
        (429, "rate_limited", Class::RateLimited { until: None }),
        (500, "rollup_error", Class::InDoubt),
    ] {
        assert_eq!(read(status, word).unwrap_err().class, class, "{status} {word}");
    }
}

#[test]
fn what_is_gone_is_deleted() {
    let no = |error: &str| json!({ "ok": false, "error": error }).to_string();
    assert_eq!(
        slack::read_deletion(&answer(200, r#"{"ok":true,"ts":"1.2"}"#)),
        Ok(())
    );
    assert_eq!(
        slack::read_deletion(&answer(200, &no("message_not_found"))),
        Ok(())
    );
    for (page, class) in [
        (no("cant_delete_message"), Class::Rejected),
        (no("internal_error"), Class::InDoubt),
        ("<html>sign in</html>".to_owned(), Class::InDoubt),
    ] {
        assert_eq!(
            slack::read_deletion(&answer(200, &page)).unwrap_err().class,
            class,
            "{page}"
        );
    }
}

#[test]
fn doubt_is_ended_by_looking_and_of_a_webhook_by_a_person() {
    let bench = Bench::new();
    let limits = |kind: &str| bench.open_at(kind, "https://slack.com").limits().clone();
    assert!(matches!(limits("slack").doubt, Doubt::ReadBack { .. }));
    let webhook = limits("slack-webhook");
    assert_eq!(webhook.doubt, Doubt::Ask);
    assert!(!webhook.delete && webhook.max_images == 0);
}

#[test]
fn what_an_account_is_able_to_do_hangs_on_its_keys() {
    let known = |keys: &str| {
        let entry = steadfast::platform::find("slack").unwrap();
        (entry.known_limits)(&keys.parse().unwrap(), "".as_ref(), &"test".parse().unwrap())
    };
    assert_eq!(known("webhook_url = { env = 'U' }"), SLACK_WEBHOOK);
    assert_eq!(known("bot_token = { env = 'T' }\nchannel = 'C0123ABCD'"), SLACK);
}

async fn on(server: &MockServer, at: &str, body: Value) {
    let template = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method("POST"))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(template)
        .mount(server)
        .await;
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let me = json!({ "ok": true, "url": "https://case.slack.com/", "team_id": "T0001", "user_id": "U0001", "bot_id": "B1" });
    on(&server, "/api/auth.test", me).await;
    server
}

#[tokio::test]
async fn a_bot_posts_with_its_token_and_its_receipt_has_an_address() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path("/api/chat.postMessage"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("content-type", "application/json; charset=utf-8"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "ok": true, "channel": CHANNEL, "ts": "1760000000.000200" })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("slack", &server.uri());
    assert_eq!(
        account.identity().await.unwrap().as_deref(),
        Some("U0001 of team T0001 in channel C0123ABCD")
    );
    let done = Draft::text("Hi").send(account.as_ref()).await.unwrap();
    assert_eq!(
        done.url.as_deref(),
        Some("https://case.slack.com/archives/C0123ABCD/p1760000000000200")
    );
}

#[tokio::test]
async fn a_webhook_is_nobodys_and_posts_to_its_secret_address() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/services/T0001/B0001/{TOKEN}")))
        .and(body_json(
            json!({ "text": "Hi", "mrkdwn": false, "unfurl_links": true, "unfurl_media": true }),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("slack-webhook", &server.uri());
    assert_eq!(account.identity().await.unwrap(), None);
    Draft::text("Hi").send(account.as_ref()).await.unwrap();
    let key = Draft::text("").key();
    let told = Receipt::named(delivery(0).to_string(), None);
    let gone = deletion_of(&told);
    assert_eq!(
        account.prepare_deletion(&gone).await.unwrap_err().class,
        Class::Rejected
    );
    assert_eq!(gone.key, key);
}

#[tokio::test]
async fn only_the_first_message_of_a_thread_is_answered() {
    let account = Bench::new().open_at("slack", "http://127.0.0.1:1");
    let thread = async |root: Receipt| {
        let draft = Draft {
            parent: Some(receipt("1760000000.000300", Some(CHANNEL))),
            root: Some(root),
            ..Draft::text("More.")
        };
        let prepared = account.prepare(&draft.out()).await?;
        Ok::<_, Failure>(body(&prepared)["thread_ts"].clone())
    };
    let url = "https://case.slack.com/archives/C0123ABCD/p1760000000000200";
    for (root, ts) in [
        (receipt("1760000000.000200", Some(CHANNEL)), "1760000000.000200"),
        (
            receipt("1760000000.000200", Some("C0123ABCD/1760000000.000100")),
            "1760000000.000100",
        ),
        (Receipt::named(url, Some(url.into())), "1760000000.000200"),
        (
            Receipt::named(format!("{url}?thread_ts=1760000000.000100&cid=C0123ABCD"), None),
            "1760000000.000100",
        ),
    ] {
        assert_eq!(thread(root).await.unwrap(), ts);
    }
    for elsewhere in [
        receipt("1760000000.000200", Some("C0999")),
        Receipt::named("told by a person", None),
        Receipt::named("https://case.slack.com/archives/C0123ABCD/p20", None),
    ] {
        assert_eq!(thread(elsewhere).await.unwrap_err().class, Class::Rejected);
    }
}

/// A server that takes uploads.
async fn with_uploads() -> MockServer {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path("/api/files.getUploadURLExternal"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains(
            "filename=image.png&length=11&alt_txt=The+court",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "ok": true, "upload_url": format!("{}/upload/v1/abc", server.uri()), "file_id": "F0123ABCD",
        })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/upload/v1/abc"))
        .respond_with(ResponseTemplate::new(200).set_body_string("OK - 11"))
        .expect(1)
        .mount(&server)
        .await;
    server
}

fn shared(ts: &str) -> Value {
    json!({ "ok": true, "file": { "id": "F0123ABCD", "shares": { "public": { CHANNEL: [{ "ts": ts }] } } } })
}

#[tokio::test]
async fn images_are_uploaded_unseen_with_their_descriptions_and_then_posted() {
    let server = with_uploads().await;
    Mock::given(method("POST"))
        .and(path("/api/files.completeUploadExternal"))
        .and(body_json(json!({
            "channel_id": CHANNEL, "initial_comment": "A &amp; B", "files": [{ "id": "F0123ABCD" }],
        })))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "files": [{ "id": "F0123ABCD" }] })),
        )
        .expect(1)
        .mount(&server)
        .await;
    on(&server, "/api/files.info", shared("1760000000.000200")).await;
    let account = Bench::new().open_at("slack", &server.uri());
    account.identity().await.unwrap();
    let done = Draft::text("A & B").image().send(account.as_ref()).await.unwrap();
    assert_eq!(
        (done.id.as_str(), done.pin.as_deref()),
        ("1760000000.000200", Some(CHANNEL))
    );
    assert!(done.url.unwrap().ends_with("/p1760000000000200"));
    let requests = server.received_requests().await.unwrap();
    let upload = requests
        .iter()
        .find(|request| request.url.path() == "/upload/v1/abc")
        .unwrap();
    assert_eq!(upload.body, b"\x89PNG pixels");
    assert!(
        upload.headers.get("authorization").is_none(),
        "no token leaves for another server"
    );
}

#[tokio::test]
async fn a_video_is_uploaded_unseen_with_its_description_and_then_posted() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path("/api/files.getUploadURLExternal"))
        .and(body_string_contains(
            "filename=video.mp4&length=17&alt_txt=A+march",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({
            "ok": true, "upload_url": format!("{}/upload/v1/abc", server.uri()), "file_id": "F0123ABCD",
        })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/upload/v1/abc"))
        .and(header("content-length", "17"))
        .respond_with(ResponseTemplate::new(200).set_body_string("OK - 17"))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("slack", &server.uri());
    let draft = Draft::text("A").video(b"ftyp and pictures");
    let prepared = account.prepare(&draft.out()).await.unwrap();
    let body: Value = serde_json::from_str(&prepared.body).unwrap();
    assert_eq!(body["files"], json!([{ "id": "F0123ABCD" }]));
    let requests = server.received_requests().await.unwrap();
    let upload = requests
        .iter()
        .find(|request| request.url.path() == "/upload/v1/abc")
        .unwrap();
    assert_eq!(upload.body, b"ftyp and pictures");
    assert!(upload.headers.get("authorization").is_none());
}

#[tokio::test]
async fn a_message_that_shows_up_a_moment_later_is_waited_for() {
    let server = with_uploads().await;
    let done = json!({ "ok": true, "files": [{ "id": "F0123ABCD" }] });
    on(&server, "/api/files.completeUploadExternal", done).await;
    let not_yet = json!({ "ok": true, "file": { "id": "F0123ABCD", "shares": {} } });
    Mock::given(path("/api/files.info"))
        .and(body_string_contains("file=F0123ABCD"))
        .respond_with(ResponseTemplate::new(200).set_body_json(not_yet))
        .up_to_n_times(2)
        .expect(2)
        .mount(&server)
        .await;
    on(&server, "/api/files.info", shared("1760000000.000200")).await;
    let account = Bench::new().open_at("slack", &server.uri());
    let done = Draft::text("x").image().send(account.as_ref()).await.unwrap();
    assert_eq!(done.id, "1760000000.000200");
}

#[tokio::test]
async fn a_message_that_slack_does_not_name_yet_is_known_by_its_file() {
    let server = with_uploads().await;
    let done = json!({ "ok": true, "files": [{ "id": "F0123ABCD" }] });
    on(&server, "/api/files.completeUploadExternal", done).await;
    let no = json!({ "ok": false, "error": "missing_scope", "needed": "files:read" });
    let may_not = Mock::given(path("/api/files.info"))
        .respond_with(ResponseTemplate::new(200).set_body_json(no))
        .mount_as_scoped(&server)
        .await;
    let account = Bench::new().open_at("slack", &server.uri());
    let done = Draft::text("x").image().send(account.as_ref()).await.unwrap();
    assert_eq!(
        (done.id.as_str(), done.pin.as_deref()),
        ("F0123ABCD", Some(CHANNEL))
    );
    drop(may_not);
    // Later it can be deleted and answered all the same.
    on(&server, "/api/files.info", shared("1760000000.000200")).await;
    let prepared = account.prepare_deletion(&deletion_of(&done)).await.unwrap();
    assert_eq!(prepared.path, "/api/chat.delete");
    assert_eq!(
        body(&prepared),
        json!({ "channel": CHANNEL, "ts": "1760000000.000200" })
    );
}

#[tokio::test]
async fn an_image_is_sent_to_no_other_server() {
    for url in [
        "https://evil.example/upload",
        "http://files.slack.com/x",
        "nonsense",
    ] {
        let server = server().await;
        let ticket = json!({ "ok": true, "upload_url": url, "file_id": "F0123ABCD" });
        on(&server, "/api/files.getUploadURLExternal", ticket).await;
        let account = Bench::new().open_at("slack", &server.uri());
        let failure = account
            .prepare(&Draft::text("x").image().out())
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{url}");
        assert!(failure.words.contains("another host"), "{failure}");
    }
}

// Doubt.

async fn look(account: &dyn Platform, prepared: Prepared) -> Result<Found, Failure> {
    let sealed = Sealed {
        prepared,
        key: Draft::text("").key(),
    };
    let among = Among {
        since: now(),
        taken: HashSet::new(),
    };
    account.find(&sealed, &among).await
}

fn plain(thread: Option<&str>) -> Prepared {
    slack::request(&Draft::text("x").out(), CHANNEL, &[], thread)
}

fn ours(ts: &str) -> Value {
    let payload = json!({ "delivery_id": delivery(0) });
    json!({ "ts": ts, "text": "x", "metadata": { "event_type": "steadfast_post", "event_payload": payload } })
}

#[tokio::test]
async fn a_lost_message_is_found_by_our_id_in_it_page_by_page() {
    let server = server().await;
    let other = json!({ "ts": "1760000000.000300", "text": "x", "metadata": { "event_type": "steadfast_post",
        "event_payload": { "delivery_id": delivery(1) } } });
    let strangers = json!({ "ok": true, "messages": [other, { "ts": "1.2", "text": "x" }],
        "response_metadata": { "next_cursor": "bmV4dA==" } });
    Mock::given(path("/api/conversations.history"))
        .and(body_string_contains("cursor=bmV4dA"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "ok": true, "messages": [ours("1760000000.000200")] })),
        )
        .with_priority(1)
        .expect(1)
        .mount(&server)
        .await;
    let since = format!(
        "oldest={}.000000&inclusive=true&limit=15&include_all_metadata=true",
        now().as_second()
    );
    Mock::given(path("/api/conversations.history"))
        .and(body_string_contains(since))
        .respond_with(ResponseTemplate::new(200).set_body_json(strangers))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("slack", &server.uri());
    let found = look(account.as_ref(), plain(None)).await.unwrap();
    assert!(matches!(found, Found::Here(receipt) if receipt.id == "1760000000.000200"));
}

#[tokio::test]
async fn an_answer_is_looked_for_in_its_thread_and_an_image_by_its_file() {
    let server = server().await;
    let reply = json!({ "ok": true, "messages": [{ "ts": "1760000000.000100" }, ours("1760000000.000200")] });
    on(&server, "/api/conversations.replies", reply).await;
    let file =
        json!({ "ok": true, "messages": [{ "ts": "1760000000.000400", "files": [{ "id": "F0123ABCD" }] }] });
    on(&server, "/api/conversations.history", file).await;
    let account = Bench::new().open_at("slack", &server.uri());
    let found = look(account.as_ref(), plain(Some("1760000000.000100")))
        .await
        .unwrap();
    assert!(matches!(found, Found::Here(receipt) if receipt.id == "1760000000.000200"));
    let image = |id: &str| slack::request(&Draft::text("x").image().out(), CHANNEL, &[id.to_owned()], None);
    let found = look(account.as_ref(), image("F0123ABCD")).await.unwrap();
    assert!(matches!(found, Found::Here(receipt) if receipt.id == "1760000000.000400"));
    assert_eq!(
        look(account.as_ref(), image("F0999")).await.unwrap(),
        Found::Absent
    );
    assert_eq!(look(account.as_ref(), plain(None)).await.unwrap(), Found::Absent);
}

#[tokio::test]
async fn a_bot_that_may_not_look_leaves_it_to_a_person_and_a_fault_proves_nothing() {
    for (error, unclear) in [
        ("missing_scope", true),
        ("not_in_channel", true),
        ("internal_error", false),
        ("ratelimited", false),
    ] {
        let server = server().await;
        let no = json!({ "ok": false, "error": error });
        on(&server, "/api/conversations.history", no).await;
        let account = Bench::new().open_at("slack", &server.uri());
        match look(account.as_ref(), plain(None)).await {
            Ok(Found::Unclear(words)) => assert!(unclear && words.contains(error), "{words}"),
            Err(failure) => assert!(!unclear, "{failure}"),
            other => panic!("{error}: {other:?}"),
        }
    }
}

//! Telegram: exact requests, what the answers mean, and where a message is.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steadfast::platform::telegram::{self, Chat};
use steadfast::platform::{Deletion, Prepared, Sealed};
use steadfast::post::digest::Digest;
use steadfast::post::outcome::{Class, Receipt};
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{BOT, Bench, Draft, OneFilm, TOKEN, answer, deletion_of, now, receipt};

const CHAT: i64 = -1_001_234_567_890;

fn chat() -> Chat {
    Chat {
        id: CHAT,
        username: Some("casewatch".into()),
    }
}

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn request(draft: &Draft) -> Prepared {
    telegram::request(&draft.out(), &chat()).unwrap()
}

#[test]
fn a_text_goes_as_it_is_and_its_link_is_the_one_that_is_shown() {
    let prepared = request(&Draft::text("1 < 2 & *not* _bold_."));
    assert_eq!(prepared.path, "sendMessage");
    assert_eq!(
        body(&prepared),
        json!({ "chat_id": CHAT, "text": "1 < 2 & *not* _bold_." })
    );
    let prepared = request(&Draft::text("See https://a.example first.").link("https://example.org/caso"));
    assert_eq!(
        body(&prepared),
        json!({
            "chat_id": CHAT,
            "text": "See https://a.example first.\n\nhttps://example.org/caso",
            "link_preview_options": { "url": "https://example.org/caso" },
        })
    );
}

#[test]
fn one_image_is_a_photo_and_more_are_an_album_whose_first_has_the_caption() {
    let file = |name: &str, file_name: &str| json!({ "name": name, "file_name": file_name, "mime": "image/png", "base64": "iVBORyBwaXhlbHM=" });
    let prepared = request(&Draft::text("Look.").image());
    assert_eq!(prepared.path, "sendPhoto");
    assert_eq!(
        body(&prepared),
        json!({ "chat_id": CHAT, "caption": "Look.", "files": [file("photo", "image1.png")] })
    );
    let prepared = request(&Draft::text("Look.").image().image());
    assert_eq!(prepared.path, "sendMediaGroup");
    assert_eq!(
        body(&prepared),
        json!({
            "chat_id": CHAT,
            "media": [
                { "type": "photo", "media": "attach://f0", "caption": "Look." },
                { "type": "photo", "media": "attach://f1" },
            ],
            "files": [file("f0", "image1.png"), file("f1", "image2.png")],
        })
    );
}

#[test]
fn a_video_has_its_words_as_caption_and_is_frozen_by_its_name_and_hash() {
    let prepared = request(&Draft::text("Look.").video(b"ftyp and pictures"));
    assert_eq!(prepared.path, "sendVideo");
    let named = json!({ "file": "media/march.mp4", "size": 17, "source": Digest::of(b"ftyp and pictures") });
    assert_eq!(
        body(&prepared),
        json!({
            "chat_id": CHAT,
            "caption": "Look.",
            "width": 720,
            "height": 1280,
            "duration": 12,
            "supports_streaming": true,
            "files": [{ "name": "video", "file_name": "video.mp4", "mime": "video/mp4", "video": named }],
        })
    );
}

#[test]
fn an_answer_names_a_message_of_the_same_chat_and_never_stands_alone() {
    let answers = |parent: Receipt| {
        let draft = Draft {
            parent: Some(parent),
            ..Draft::text("More.")
        };
        telegram::request(&draft.out(), &chat())
    };
    let tied = json!({ "message_id": 1235, "allow_sending_without_reply": false });
    for parent in [
        receipt("1235", Some("-1001234567890")),
        receipt("1235,1236", Some("-1001234567890")),
        Receipt::named("x", Some("https://t.me/CaseWatch/1235".into())),
        Receipt::named("https://t.me/c/1234567890/1235?single", None),
    ] {
        assert_eq!(body(&answers(parent).unwrap())["reply_parameters"], tied);
    }
    for parent in [
        receipt("1235", Some("-1009999999999")),
        receipt("1235", None),
        Receipt::named("x", Some("https://t.me/other/1235".into())),
        Receipt::named("x", Some("https://evil.example/casewatch/1235".into())),
    ] {
        assert_eq!(answers(parent).unwrap_err().class, Class::Rejected);
    }
}

#[test]
fn a_post_is_shared_by_forwarding_it() {
    let share = |url: &str| {
        let draft = Draft {
            share: Some(url.into()),
            ..Draft::text("")
        };
        telegram::request(&draft.out(), &chat())
    };
    let prepared = share("https://t.me/ally/7").unwrap();
    assert_eq!(prepared.path, "forwardMessage");
    assert_eq!(
        body(&prepared),
        json!({ "chat_id": CHAT, "from_chat_id": "@ally", "message_id": 7 })
    );
    assert_eq!(
        body(&share("https://t.me/c/42/7").unwrap())["from_chat_id"],
        -10_042
    );
    for url in [
        "https://t.me/ally",
        "https://t.me/ally/x",
        "https://x.com/ally/7",
        "no",
    ] {
        assert_eq!(share(url).unwrap_err().class, Class::Rejected, "{url}");
    }
}

#[test]
fn an_album_is_deleted_whole_and_a_private_message_by_its_address() {
    let by = |receipt: &Receipt| telegram::deletion(&deletion_of(receipt));
    let one = by(&receipt("1235", Some("-1001234567890"))).unwrap();
    assert_eq!(one.path, "deleteMessage");
    assert_eq!(body(&one), json!({ "chat_id": CHAT, "message_id": 1235 }));
    let all = by(&receipt("1235,1236", Some("-1001234567890"))).unwrap();
    assert_eq!(all.path, "deleteMessages");
    assert_eq!(
        body(&all),
        json!({ "chat_id": CHAT, "message_ids": [1235, 1236] })
    );
    let told = by(&Receipt::named("https://t.me/casewatch/9", None)).unwrap();
    assert_eq!(body(&told), json!({ "chat_id": "@casewatch", "message_id": 9 }));
    assert_eq!(by(&receipt("1235", None)).unwrap_err().class, Class::Rejected);
}

#[test]
fn a_yes_names_the_messages_and_where_they_can_be_seen() {
    let public = r#"{"ok":true,"result":{"message_id":1235,"date":1760000000,"chat":{"id":-1001234567890,"type":"channel","title":"T","username":"casewatch"},"text":"x"}}"#;
    let done = telegram::read(&answer(200, public)).unwrap();
    assert_eq!(done.id, "1235");
    assert_eq!(done.pin.as_deref(), Some("-1001234567890"));
    assert_eq!(done.url.as_deref(), Some("https://t.me/casewatch/1235"));
    let album = r#"{"ok":true,"result":[{"message_id":7,"chat":{"id":-1001234567890}},{"message_id":8,"chat":{"id":-1001234567890}}]}"#;
    let done = telegram::read(&answer(200, album)).unwrap();
    assert_eq!(done.id, "7,8");
    assert_eq!(done.url.as_deref(), Some("https://t.me/c/1234567890/7"));
    let group = r#"{"ok":true,"result":{"message_id":7,"chat":{"id":-42}}}"#;
    assert_eq!(telegram::read(&answer(200, group)).unwrap().url, None);
}

#[test]
fn every_no_has_a_class() {
    for (status, description, class) in [
        (400, "Bad Request: chat not found", Class::Rejected),
        (400, "Bad Request: message is too long", Class::Rejected),
        (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", Class::Rejected),
        (401, "Unauthorized", Class::Auth),
        (
            403,
            "Forbidden: bot was kicked from the channel chat",
            Class::Auth,
        ),
        (
            403,
            "Forbidden: bot is not a member of the channel chat",
            Class::Auth,
        ),
        (403, "Forbidden: something of this message", Class::Rejected),
        (404, "Not Found", Class::Auth),
        (413, "Request Entity Too Large", Class::Rejected),
        (500, "Internal Server Error: restart", Class::InDoubt),
        (
            500,
            "Internal Server Error: sent message was immediately deleted and can't be returned",
            Class::InDoubt,
        ),
        (502, "Bad Gateway", Class::InDoubt),
    ] {
        let page = json!({ "ok": false, "error_code": status, "description": description });
        let failure = telegram::read(&answer(status, &page.to_string())).unwrap_err();
        assert_eq!(failure.class, class, "{description}");
        assert_eq!(failure.words, description);
    }
    // A 200 is no yes if it says so itself, and no refusal that anybody has seen.
    let odd = r#"{"ok":false,"error_code":400,"description":"Bad Request"}"#;
    assert_eq!(
        telegram::read(&answer(200, odd)).unwrap_err().class,
        Class::InDoubt
    );
}

#[test]
fn a_wait_is_told_in_the_body_and_a_group_that_moved_in_words() {
    let flood = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}"#;
    let until = Some(now() + SignedDuration::from_secs(35));
    assert_eq!(
        telegram::read(&answer(429, flood)).unwrap_err().class,
        Class::RateLimited { until }
    );
    let moved = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1009}}"#;
    let failure = telegram::read(&answer(400, moved)).unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(
        failure.words.contains("-1009") && failure.words.contains("`chat`"),
        "{failure}"
    );
}

#[test]
fn what_is_gone_is_deleted_and_what_cannot_be_is_refused() {
    assert_eq!(
        telegram::read_deletion(&answer(200, r#"{"ok":true,"result":true}"#)),
        Ok(())
    );
    let no = |words: &str| json!({ "ok": false, "error_code": 400, "description": words }).to_string();
    let gone = no("Bad Request: message to delete not found");
    assert_eq!(telegram::read_deletion(&answer(400, &gone)), Ok(()));
    let old = no("Bad Request: message can't be deleted");
    assert_eq!(
        telegram::read_deletion(&answer(400, &old)).unwrap_err().class,
        Class::Rejected
    );
    for page in [
        "<html>sign in</html>",
        r#"{"ok":true}"#,
        r#"{"ok":true,"result":false}"#,
    ] {
        assert_eq!(
            telegram::read_deletion(&answer(200, page)).unwrap_err().class,
            Class::InDoubt,
            "{page}"
        );
    }
}

fn at(method: &str) -> String {
    format!("/bot{BOT}:{TOKEN}/{method}")
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let me = json!({ "ok": true, "result": { "id": BOT, "is_bot": true, "username": "case_bot" } });
    Mock::given(method("GET"))
        .and(path(at("getMe")))
        .respond_with(ResponseTemplate::new(200).set_body_json(me))
        .expect(..=1)
        .mount(&server)
        .await;
    let there = json!({ "ok": true, "result": { "id": CHAT, "type": "channel", "username": "casewatch" } });
    Mock::given(method("GET"))
        .and(path(at("getChat")))
        .and(query_param("chat_id", "@casewatch"))
        .respond_with(ResponseTemplate::new(200).set_body_json(there))
        .expect(..=1)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_posts_go_to_its_number() {
    let server = server().await;
    let done =
        json!({ "ok": true, "result": { "message_id": 5, "chat": { "id": CHAT, "username": "casewatch" } } });
    Mock::given(method("POST"))
        .and(path(at("sendMessage")))
        .and(body_json(json!({ "chat_id": CHAT, "text": "¡Hoy!" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(done))
        .expect(2)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("telegram", &server.uri());
    for _ in 0..2 {
        Draft::text("¡Hoy!").send(account.as_ref()).await.unwrap();
    }
    let identity = account.identity().await.unwrap();
    assert_eq!(identity.as_deref(), Some("bot 123456 in chat -1001234567890"));
}

#[tokio::test]
async fn images_leave_as_a_form_with_their_bytes() {
    let server = server().await;
    let done = json!({ "ok": true, "result": [{ "message_id": 5, "chat": { "id": CHAT } }] });
    Mock::given(method("POST"))
        .and(path(at("sendMediaGroup")))
        .respond_with(ResponseTemplate::new(200).set_body_json(done))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("telegram", &server.uri());
    Draft::text("Look.")
        .image()
        .image()
        .send(account.as_ref())
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent = requests.last().unwrap();
    let kind = sent.headers.get("content-type").unwrap().to_str().unwrap();
    assert!(kind.starts_with("multipart/form-data"), "{kind}");
    let form = String::from_utf8_lossy(&sent.body);
    for piece in [
        "name=\"f0\"; filename=\"image1.png\"\r\nContent-Type: image/png\r\n",
        "name=\"f1\"; filename=\"image2.png\"",
        "name=\"chat_id\"\r\n\r\n-1001234567890\r\n",
        "name=\"media\"\r\n\r\n[{\"type\":\"photo\",\"media\":\"attach://f0\",\"caption\":\"Look.\"}",
        "PNG pixels",
    ] {
        assert!(form.contains(piece), "{piece}\n{form}");
    }
    assert!(!form.contains("base64"), "{form}");
}

#[tokio::test]
async fn a_video_leaves_as_a_form_with_its_bytes() {
    let server = server().await;
    let done = json!({ "ok": true, "result": { "message_id": 5, "chat": { "id": CHAT } } });
    Mock::given(method("POST"))
        .and(path(at("sendVideo")))
        .respond_with(ResponseTemplate::new(200).set_body_json(done))
        .expect(1)
        .mount(&server)
        .await;
    let mut bench = Bench::new();
    bench.films = Arc::new(OneFilm(b"ftyp and pictures"));
    let account = bench.open_at("telegram", &server.uri());
    let draft = Draft::text("Look.").video(b"ftyp and pictures");
    assert_eq!(draft.send(account.as_ref()).await.unwrap().id, "5");
    let requests = server.received_requests().await.unwrap();
    let sent = requests.last().unwrap();
    let form = String::from_utf8_lossy(&sent.body);
    for piece in [
        "name=\"video\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\nftyp and pictures\r\n",
        "name=\"caption\"\r\n\r\nLook.\r\n",
        "name=\"duration\"\r\n\r\n12\r\n",
        "name=\"supports_streaming\"\r\n\r\ntrue\r\n",
    ] {
        assert!(form.contains(piece), "{piece}\n{form}");
    }
    assert!(!form.contains("march"), "{form}");
}

#[tokio::test]
async fn a_chat_that_the_bot_cannot_see_holds_the_account_and_nothing_is_posted() {
    let server = MockServer::start().await;
    let me = json!({ "ok": true, "result": { "id": BOT } });
    Mock::given(path(at("getMe")))
        .respond_with(ResponseTemplate::new(200).set_body_json(me))
        .mount(&server)
        .await;
    let none = json!({ "ok": false, "error_code": 400, "description": "Bad Request: chat not found" });
    Mock::given(path(at("getChat")))
        .respond_with(ResponseTemplate::new(400).set_body_json(none))
        .mount(&server)
        .await;
    let account = Bench::with_deadline(Duration::from_secs(2)).open_at("telegram", &server.uri());
    let failure = account.prepare(&Draft::text("x").out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
    assert!(failure.words.contains("chat not found"), "{failure}");
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.method.as_str() == "GET"));
}

#[tokio::test]
async fn a_deletion_is_one_request() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(at("deleteMessages")))
        .and(body_json(json!({ "chat_id": CHAT, "message_ids": [5, 6] })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true, "result": true })))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("telegram", &server.uri());
    let album = receipt("5,6", Some("-1001234567890"));
    let key = Draft::text("").key();
    let gone = Deletion {
        key,
        ..deletion_of(&album)
    };
    let prepared = account.prepare_deletion(&gone).await.unwrap();
    account.delete(&Sealed { prepared, key }).await.unwrap();
}

#[test]
fn a_chat_may_be_written_as_a_number_too() {
    let bench = Bench::new();
    let token = format!("bot_token = 'SECRET({BOT}:{TOKEN})'");
    for chat in ["-1001234567890", "'-1001234567890'", "'@casewatch'"] {
        assert!(
            bench
                .try_open("telegram", &format!("{token}\nchat = {chat}"))
                .is_ok(),
            "{chat}"
        );
    }
}

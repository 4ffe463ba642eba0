//! Pinterest: exact requests, its answers word for word, the board, and how a lost answer is found.

use std::collections::HashSet;

use serde_json::{Value, json};
use steadfast::platform::http::Answer;
use steadfast::platform::{Among, Deletion, Prepared, Sealed, pinterest};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use wiremock::matchers::{
    body_json, body_string_contains, header, method, path, query_param, query_param_is_missing,
};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, NOW, TOKEN, answer, deletion_of, now, receipt};

const BOARD: &str = "549755885175";
const PIN: &str = "813744226420795884";
/// The bytes of the draft's image.
const DATA: &str = "iVBORyBwaXhlbHM=";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn request(draft: &Draft) -> Prepared {
    pinterest::request(&draft.out(), BOARD, None)
}

#[test]
fn a_pin_has_a_title_a_description_a_link_and_its_image() {
    let draft = Draft::text("Ten to two\n\nNot unanimous.")
        .link("https://example.org/caso")
        .image();
    let prepared = request(&draft);
    assert_eq!(prepared.path, "/v5/pins");
    assert_eq!(
        body(&prepared),
        json!({
            "board_id": BOARD,
            "title": "Ten to two",
            "description": "Not unanimous.\n\nhttps://example.org/caso",
            "link": "https://example.org/caso",
            "alt_text": "The court",
            "media_source": { "source_type": "image_base64", "content_type": "image/png", "data": DATA },
        })
    );
    let said = body(&request(&Draft::text("One line.").image()));
    assert_eq!(
        (said.get("title"), &said["description"], said.get("link")),
        (None, &json!("One line."), None)
    );
    let long = "a".repeat(101);
    let said = body(&request(&Draft::text(&format!("{long}\nMore.")).image()));
    assert_eq!(
        (said.get("title"), &said["description"]),
        (None, &json!(format!("{long}\nMore.")))
    );
}

#[test]
fn several_images_each_have_their_description() {
    let mut draft = Draft::text("Two.").image().image();
    draft.images[1].alt = "The square".into();
    let item = |alt: &str| json!({ "content_type": "image/png", "data": DATA, "description": alt });
    let said = body(&request(&draft));
    assert_eq!(
        said["media_source"],
        json!({ "source_type": "multiple_image_base64", "items": [item("The court"), item("The square")] })
    );
    assert_eq!(said["alt_text"], "The court / The square");
    draft.images[1].alt = "x".repeat(495);
    assert_eq!(body(&request(&draft))["alt_text"], "The court");
}

#[test]
fn a_yes_has_the_pins_number() {
    for status in [200, 201] {
        let yes = json!({ "id": PIN, "created_at": "2026-11-23T12:00:01", "board_id": BOARD });
        let done = pinterest::read(&answer(status, &yes.to_string())).unwrap();
        assert_eq!(done.id, PIN);
        assert_eq!(done.url.unwrap(), format!("https://www.pinterest.com/pin/{PIN}/"));
        for odd in [
            json!({ "id": "../1" }),
            json!({ "id": 1 }),
            json!({ "code": 1, "message": "x" }),
        ] {
            let failure = pinterest::read(&answer(status, &odd.to_string())).unwrap_err();
            assert_eq!(failure.class, Class::InDoubt, "{odd}");
        }
    }
}

fn problem(status: u16, code: i64, message: &str) -> Answer {
    answer(status, &json!({ "code": code, "message": message }).to_string())
}

#[test]
fn each_refusal_is_of_the_class_that_its_words_say() {
    for (answer, class) in [
        (problem(401, 2, "Authentication failed."), Class::Auth),
        (
            problem(403, 29, "You are not permitted to access that resource."),
            Class::Auth,
        ),
        (
            problem(403, 3, "The token lacks the scope pins:write"),
            Class::Auth,
        ),
        (
            problem(403, 30, "We blocked this link because it may lead to spam."),
            Class::Rejected,
        ),
        (
            problem(400, 1, "Invalid request: image is too small"),
            Class::Rejected,
        ),
        (problem(404, 40, "Board not found."), Class::Auth),
        (
            problem(429, 8, "You have exceeded your rate limit."),
            Class::RateLimited { until: None },
        ),
        (problem(500, 0, "Oops"), Class::InDoubt),
        (answer(403, "<html>blocked</html>"), Class::InDoubt),
        (answer(400, "{}"), Class::InDoubt),
    ] {
        let failure = pinterest::read(&answer).unwrap_err();
        assert_eq!(failure.class, class, "{}", String::from_utf8_lossy(&answer.body));
    }
    let failure = pinterest::read(&problem(404, 40, "Board not found.")).unwrap_err();
    assert_eq!(failure.words, "Board not found. (code 40)");
}

#[test]
fn what_is_gone_is_deleted() {
    let read = |answer: &Answer| pinterest::read_deletion(answer).map_err(|f| f.class);
    assert_eq!(read(&answer(204, "")), Ok(()));
    assert_eq!(read(&problem(404, 50, "Pin not found.")), Ok(()));
    assert_eq!(read(&answer(404, "<html>not here</html>")), Err(Class::InDoubt));
    assert_eq!(read(&answer(200, "{}")), Err(Class::InDoubt));
    let by = |receipt: &Receipt| {
        let key = Draft::text("").key();
        pinterest::deletion(&Deletion {
            key,
            ..deletion_of(receipt)
        })
    };
    let at = format!("/v5/pins/{PIN}");
    assert_eq!(by(&receipt(PIN, None)).unwrap().path, at);
    let url = format!("https://de.pinterest.com/pin/{PIN}/sent/");
    assert_eq!(by(&Receipt::named("told", Some(url))).unwrap().path, at);
    let elsewhere = format!("https://evilpinterest.com/pin/{PIN}/");
    assert_eq!(
        by(&Receipt::named("told", Some(elsewhere))).unwrap_err().class,
        Class::Rejected
    );
}

async fn on(server: &MockServer, verb: &str, at: &str, status: u16, page: Value) {
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(status).set_body_json(page))
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_pin_is_sent_as_it_was_frozen_and_none_without_an_image() {
    let server = MockServer::start().await;
    let draft = Draft::text("Ten to two.").image();
    Mock::given(method("POST"))
        .and(path("/v5/pins"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(body_json(body(&request(&draft))))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "id": PIN })))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("pinterest", &server.uri());
    assert_eq!(draft.send(account.as_ref()).await.unwrap().id, PIN);
    let bare = Draft::text("Ten to two.");
    assert_eq!(
        account.prepare(&bare.out()).await.unwrap_err().class,
        Class::Rejected
    );
}

const MEDIA: &str = "5430297894726";

/// A server that takes a video, `stored` in its store, and says this of it after.
async fn takes_video(store: &str, stored: u16, work: &[(u16, Value)]) -> MockServer {
    let server = MockServer::start().await;
    let announced = json!({
        "media_id": MEDIA, "media_type": "video", "upload_url": store.replace("SERVER", &server.uri()),
        "upload_parameters": { "x-amz-algorithm": "AWS4-HMAC-SHA256", "key": "uploads/1", "policy": "p" },
    });
    Mock::given(method("POST"))
        .and(path("/v5/media"))
        .and(body_json(json!({ "media_type": "video" })))
        .respond_with(ResponseTemplate::new(201).set_body_json(announced))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/store"))
        .and(body_string_contains("name=\"key\"\r\n\r\nuploads/1\r\n"))
        .and(body_string_contains(
            "name=\"file\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\nftyp and pictures\r\n",
        ))
        .respond_with(ResponseTemplate::new(stored))
        .mount(&server)
        .await;
    for (nth, (status, page)) in work.iter().enumerate() {
        let times = if nth + 1 == work.len() { u64::MAX } else { 1 };
        Mock::given(method("GET"))
            .and(path(format!("/v5/media/{MEDIA}")))
            .respond_with(ResponseTemplate::new(*status).set_body_json(page))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    server
}

fn works(status: &str) -> (u16, Value) {
    (
        200,
        json!({ "media_id": MEDIA, "media_type": "video", "status": status }),
    )
}

fn clip() -> Draft {
    Draft::text("It moves.").video(b"ftyp and pictures")
}

#[tokio::test]
async fn a_video_is_handed_over_and_waited_for_and_its_own_picture_is_the_cover() {
    let work = [works("registered"), works("processing"), works("succeeded")];
    let server = takes_video("SERVER/store", 204, &work).await;
    let account = Bench::new().open_at("pinterest", &server.uri());
    let frozen = account.prepare(&clip().out()).await.unwrap();
    assert_eq!(
        body(&frozen),
        json!({
            "board_id": BOARD,
            "description": "It moves.",
            "alt_text": "A march",
            "media_source": { "source_type": "video_id", "media_id": MEDIA, "cover_image_key_frame_time": 1.0 },
        })
    );
    let requests = server.received_requests().await.unwrap();
    let stored = requests.iter().find(|request| request.url.path() == "/store");
    let stored = stored.unwrap();
    // The fields are the permission there, and the file comes last.
    assert!(!stored.headers.contains_key("authorization"));
    let form = String::from_utf8_lossy(&stored.body);
    assert!(form.find("name=\"policy\"") < form.find("name=\"file\""));
    assert_eq!(requests.len(), 5);
}

#[tokio::test]
async fn p39_a_video_that_pinterest_can_not_process_keeps_the_words_back() {
    let failed = (
        200,
        json!({ "media_id": MEDIA, "status": "failed", "failure_code": "too short" }),
    );
    let gone = (404, json!({ "code": 50, "message": "Media not found." }));
    for (store, stored, work, class, words) in [
        ("SERVER/store", 204, failed, Class::Rejected, "too short"),
        // The permission or the upload has run out.
        ("SERVER/store", 403, works("succeeded"), Class::Transient, ""),
        ("SERVER/store", 204, gone, Class::Transient, "not there any more"),
        ("SERVER/store", 204, (503, json!({})), Class::Transient, ""),
        (
            "https://evil.example/store",
            204,
            works("succeeded"),
            Class::Transient,
            "another host",
        ),
    ] {
        let server = takes_video(store, stored, &[work]).await;
        let account = Bench::new().open_at("pinterest", &server.uri());
        let failure = account.prepare(&clip().out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.words.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn the_board_must_be_one_of_those_of_the_one_who_signed_in() {
    let page =
        |id: &str, bookmark: Value| json!({ "items": [{ "id": id, "name": "Court" }], "bookmark": bookmark });
    for (status, first, is) in [
        (200, page(BOARD, Value::Null), Ok(())),
        (200, page("7", Value::Null), Err(Class::Auth)),
        (403, json!({ "code": 7, "message": "No." }), Err(Class::Auth)),
        (500, json!({}), Err(Class::Transient)),
        (200, json!({}), Err(Class::Transient)),
    ] {
        let server = MockServer::start().await;
        on(&server, "GET", "/v5/boards", status, first.clone()).await;
        let known = Bench::new().open_at("pinterest", &server.uri()).identity().await;
        let known = known.map(|is| assert_eq!(is.unwrap(), format!("board {BOARD}")));
        assert_eq!(known.map_err(|failure| failure.class), is, "{status} {first}");
    }
    let server = MockServer::start().await;
    Mock::given(path("/v5/boards"))
        .and(query_param("bookmark", "b2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page("8", Value::Null)))
        .mount(&server)
        .await;
    Mock::given(path("/v5/boards"))
        .and(query_param_is_missing("bookmark"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page("7", json!("b2"))))
        .mount(&server)
        .await;
    let failure = Bench::new()
        .open_at("pinterest", &server.uri())
        .identity()
        .await
        .unwrap_err();
    assert!(failure.words.contains("Court (7), Court (8)"), "{failure}");
}

// How a lost answer is found.

fn among(taken: &[&str]) -> Among {
    Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    }
}

fn listed(id: &str) -> Value {
    json!({
        "id": id, "created_at": "2026-11-23T12:00:00", "title": "Ten to two", "alt_text": "The court",
        "description": "Not unanimous. https://example.org/caso", "link": "https://example.org/caso/",
    })
}

async fn look_among(pins: &[Value], taken: &[&str]) -> Result<Found, Failure> {
    let server = MockServer::start().await;
    let page = json!({ "items": pins, "bookmark": null });
    on(&server, "GET", &format!("/v5/boards/{BOARD}/pins"), 200, page).await;
    look(&server, taken).await
}

async fn look(server: &MockServer, taken: &[&str]) -> Result<Found, Failure> {
    let draft = Draft::text("Ten to two\n\nNot unanimous.")
        .link("https://example.org/caso")
        .image();
    let sealed = Sealed {
        prepared: request(&draft),
        key: draft.key(),
    };
    let account = Bench::new().open_at("pinterest", &server.uri());
    account.find(&sealed, &among(taken)).await
}

#[tokio::test]
async fn a_pin_is_found_by_its_words_and_link_and_one_that_is_not_seen_may_come_yet() {
    let url = format!("https://www.pinterest.com/pin/{PIN}/");
    let here = Found::Here(Receipt::named(PIN, Some(url.clone())));
    assert_eq!(look_among(&[listed(PIN)], &[]).await.unwrap(), here);
    for created in [NOW, "2026-11-23T12:00:00-00:00", "2026-11-23T13:00:00+01:00"] {
        let mut pin = listed(PIN);
        pin["created_at"] = json!(created);
        assert_eq!(look_among(&[pin], &[]).await.unwrap(), here, "{created}");
    }
    assert_eq!(look_among(&[], &[]).await.unwrap(), Found::Working);
    for taken in [PIN, url.as_str()] {
        assert_eq!(
            look_among(&[listed(PIN)], &[taken]).await.unwrap(),
            Found::Working,
            "{taken}"
        );
    }
    let twice = [listed(PIN), listed("7")];
    assert!(matches!(
        look_among(&twice, &[]).await.unwrap(),
        Found::Unclear(_)
    ));
    for (name, value) in [
        ("created_at", json!("2026-11-23T11:59:59")),
        ("created_at", Value::Null),
        ("title", Value::Null),
        ("description", json!("Something else.")),
        ("link", json!("https://example.org/other")),
        ("id", json!("x")),
    ] {
        let mut other = listed(PIN);
        other[name] = value;
        assert_eq!(look_among(&[other], &[]).await.unwrap(), Found::Working, "{name}");
    }
}

#[tokio::test]
async fn a_board_that_cannot_be_read_proves_nothing() {
    for (status, page, expected) in [
        (404, json!({ "code": 40, "message": "Board not found." }), "held"),
        (403, json!({ "code": 7, "message": "No." }), "unclear"),
        (429, json!({ "code": 8, "message": "Slow down." }), "later"),
        (500, json!({}), "later"),
        (200, json!({}), "later"),
    ] {
        let server = MockServer::start().await;
        on(
            &server,
            "GET",
            &format!("/v5/boards/{BOARD}/pins"),
            status,
            page.clone(),
        )
        .await;
        let said = match look(&server, &[]).await {
            Ok(Found::Unclear(_)) => "unclear",
            Err(failure) if failure.class == Class::Auth => "held",
            Err(failure) if matches!(failure.class, Class::Transient | Class::RateLimited { .. }) => "later",
            other => panic!("{page}: {other:?}"),
        };
        assert_eq!(said, expected, "{page}");
    }
}

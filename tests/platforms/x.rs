//! X: exact requests, its answers word for word, uploads, shares, and how a lost answer is found.

use std::collections::HashSet;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::platform::http::Answer;
use steadfast::platform::{Among, Deletion, Platform, Prepared, Sealed, x};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::post::shared::Look;
use wiremock::matchers::{body_json, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, deletion_of, now, receipt};

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

#[test]
fn a_post_says_its_text_its_images_and_what_it_answers_and_no_more() {
    let draft = Draft::text("1 < 2 & ¿qué?").link("https://example.org/caso");
    let plain = x::request(&draft.out(), &[]).unwrap();
    assert_eq!(plain.path, "/2/tweets");
    assert_eq!(
        body(&plain),
        json!({ "text": "1 < 2 & ¿qué?\n\nhttps://example.org/caso" })
    );
    let mut draft = Draft::text("").image();
    draft.parent = Some(receipt("1445880548472328192", None));
    assert_eq!(
        body(&x::request(&draft.out(), &["1880028106020515840".into()]).unwrap()),
        json!({
            "media": { "media_ids": ["1880028106020515840"] },
            "reply": { "in_reply_to_tweet_id": "1445880548472328192" },
        })
    );
    // A person told where it is.
    for url in [
        "https://x.com/casewatch/status/1445880548472328192?s=20",
        "https://twitter.com/casewatch/status/1445880548472328192/photo/1",
        "https://mobile.x.com/i/status/1445880548472328192",
    ] {
        draft.parent = Some(Receipt::named(url, Some(url.into())));
        let prepared = x::request(&draft.out(), &[]).unwrap();
        assert_eq!(
            body(&prepared)["reply"]["in_reply_to_tweet_id"],
            "1445880548472328192",
            "{url}"
        );
    }
    draft.parent = Some(Receipt::named("https://x.com/casewatch", None));
    assert_eq!(x::request(&draft.out(), &[]).unwrap_err().class, Class::Rejected);
}

fn post() -> Prepared {
    x::request(&Draft::text("See https://example.org/caso").out(), &[]).unwrap()
}

fn reply() -> Prepared {
    let mut draft = Draft::text("And then.");
    draft.parent = Some(receipt("1445880548472328192", None));
    x::request(&draft.out(), &[]).unwrap()
}

fn repost() -> Prepared {
    Prepared {
        path: "/2/users/2244994945/retweets".into(),
        body: r#"{"tweet_id":"1228393702244134912"}"#.into(),
    }
}

#[test]
fn a_yes_names_the_post_and_its_short_links_are_no_other_text() {
    let yes = r#"{"data":{"edit_history_tweet_ids":["1445880548472328192"],"id":"1445880548472328192","text":"See https://t.co/Ab1Cd2Ef3G"}}"#;
    for status in [200, 201] {
        let done = x::read(&post(), &answer(status, yes)).unwrap();
        assert_eq!(done.id, "1445880548472328192");
        assert_eq!(
            done.url.as_deref(),
            Some("https://x.com/i/status/1445880548472328192")
        );
        assert_eq!((done.pin, done.altered), (None, None));
    }
    let partly = r#"{"data":{"id":"1445880548472328192","text":"x"},"errors":[{"title":"Not Found Error","detail":"Could not find the media.","type":"https://api.x.com/2/problems/resource-not-found"}]}"#;
    let done = x::read(&post(), &answer(201, partly)).unwrap();
    assert_eq!(
        done.altered.as_deref(),
        Some("it says of it: Could not find the media.")
    );
    let yes = r#"{"data":{"retweeted":true,"rest_id":"1228393702244134912"}}"#;
    let done = x::read(&repost(), &answer(200, yes)).unwrap();
    assert_eq!(
        (done.id.as_str(), done.pin.as_deref()),
        ("1228393702244134912", Some("repost"))
    );
}

#[test]
fn a_yes_without_an_id_is_a_doubt() {
    for page in [
        r#"{"data":{"text":"x"}}"#,
        r#"{"data":{"id":"","text":"x"}}"#,
        r#"{"data":{"id":"../1","text":"x"}}"#,
        r#"{"errors":[{"detail":"Something.","title":"x","type":"about:blank"}]}"#,
        r#"{"id":"1445880548472328192"}"#,
    ] {
        for status in [200, 201] {
            let failure = x::read(&post(), &answer(status, page)).unwrap_err();
            assert_eq!(failure.class, Class::InDoubt, "{page}");
        }
    }
    let not = answer(200, r#"{"data":{"retweeted":false}}"#);
    assert_eq!(x::read(&repost(), &not).unwrap_err().class, Class::InDoubt);
}

fn problem(status: u16, kind: &str, title: &str, detail: &str) -> Answer {
    let page = json!({ "title": title, "detail": detail, "type": kind, "status": status });
    answer(status, &page.to_string())
}

#[test]
fn each_refusal_is_of_the_class_that_its_words_say() {
    const BLANK: &str = "about:blank";
    let forbidden = |detail: &str| problem(403, BLANK, "Forbidden", detail);
    let at = |name: &str| format!("https://api.x.com/2/problems/{name}");
    let limited = Class::RateLimited { until: None };
    for (answer, class) in [
        (problem(401, BLANK, "Unauthorized", "Unauthorized"), Class::Auth),
        (
            forbidden("You are not allowed to create a Tweet with duplicate content."),
            Class::Duplicate,
        ),
        (
            answer(
                403,
                r#"{"errors":[{"code":187,"message":"Status is a duplicate."}]}"#,
            ),
            Class::Duplicate,
        ),
        (
            forbidden("You are not permitted to perform this action."),
            Class::Rejected,
        ),
        (
            problem(
                403,
                &at("not-authorized-for-resource"),
                "Forbidden",
                "This application is not permitted to perform that operation.",
            ),
            Class::Auth,
        ),
        (
            problem(
                403,
                &at("client-forbidden"),
                "Client Forbidden",
                "This app is not attached to a Project.",
            ),
            Class::Auth,
        ),
        (
            problem(
                403,
                &at("unsupported-authentication"),
                "Unsupported Authentication",
                "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.",
            ),
            Class::Auth,
        ),
        (
            answer(
                403,
                r#"{"errors":[{"code":326,"message":"To protect our users, this account is temporarily locked."}]}"#,
            ),
            Class::Auth,
        ),
        (
            answer(
                403,
                r#"{"errors":[{"code":185,"message":"User is over daily status update limit."}]}"#,
            ),
            limited,
        ),
        (
            problem(
                402,
                &at("credits"),
                "CreditsDepleted",
                "Your account has no credits left.",
            ),
            Class::Auth,
        ),
        (
            problem(
                429,
                &at("usage-capped"),
                "UsageCapExceeded",
                "Usage cap exceeded: Monthly product cap",
            ),
            Class::Auth,
        ),
        (
            answer(429, r#"{"errors":[{"code":88,"message":"Rate limit exceeded"}]}"#),
            limited,
        ),
        (
            problem(429, BLANK, "Too Many Requests", "Too Many Requests"),
            limited,
        ),
        (
            answer(
                400,
                r#"{"errors":[{"message":"Your media IDs are invalid.","parameters":{}}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.x.com/2/problems/invalid-request"}"#,
            ),
            Class::Transient,
        ),
        (
            problem(
                400,
                &at("invalid-request"),
                "Invalid Request",
                "Your Tweet text is too long.",
            ),
            Class::Rejected,
        ),
        (
            problem(503, BLANK, "Service Unavailable", "Service Unavailable"),
            Class::InDoubt,
        ),
        (answer(403, "<html>blocked</html>"), Class::InDoubt),
        (answer(403, "{}"), Class::InDoubt),
    ] {
        let failure = x::read(&post(), &answer).unwrap_err();
        let page = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(failure.class, class, "{page}");
    }
    let said = r#"{"errors":[{"message":"Your media IDs are invalid."}],"title":"Invalid Request","detail":"One or more parameters was invalid."}"#;
    assert_eq!(
        x::read(&post(), &answer(400, said)).unwrap_err().words,
        "One or more parameters was invalid.; Your media IDs are invalid."
    );
}

#[test]
fn a_reply_that_is_not_taken_is_refused_for_good_in_words_that_say_so() {
    let words = "You can only reply to or quote posts where you are mentioned or are the author.";
    let kind = "https://api.x.com/2/problems/not-authorized-for-resource";
    let failure = x::read(&reply(), &problem(403, kind, "Forbidden", words)).unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert_eq!(
        failure.words,
        format!("it does not take this reply of a program: {words}")
    );
}

#[test]
fn what_is_reposted_already_is_done() {
    let already = "You have already retweeted this Tweet.";
    for page in [
        json!({ "errors": [{ "code": 327, "message": already }] }),
        json!({ "title": "Forbidden", "detail": already, "type": "about:blank", "status": 403 }),
    ] {
        let done = x::read(&repost(), &answer(403, &page.to_string())).unwrap();
        assert_eq!(done.id, "1228393702244134912");
        // To a post it is no answer.
        let odd = x::read(&post(), &answer(403, &page.to_string())).unwrap_err();
        assert_eq!(odd.class, Class::Rejected);
    }
}

#[test]
fn a_limit_of_the_day_that_is_used_up_rules_over_the_quarter_of_an_hour() {
    let until = |headers: &[(&'static str, i64)]| {
        let mut answer = problem(429, "about:blank", "Too Many Requests", "Too Many Requests");
        for (name, value) in headers {
            answer.headers.insert(*name, (*value).into());
        }
        match x::read(&post(), &answer).unwrap_err().class {
            Class::RateLimited { until } => until.map(|until| until.duration_since(now()).as_secs()),
            class => panic!("{class:?}"),
        }
    };
    let at = |seconds: i64| now().as_second() + seconds;
    assert_eq!(until(&[("x-rate-limit-reset", at(600))]), Some(600));
    assert_eq!(
        until(&[
            ("x-rate-limit-reset", at(600)),
            ("x-user-limit-24hour-remaining", 0),
            ("x-user-limit-24hour-reset", at(7200)),
            ("x-app-limit-24hour-remaining", 17),
            ("x-app-limit-24hour-reset", at(9000)),
        ]),
        Some(7200)
    );
    assert_eq!(
        until(&[
            ("x-rate-limit-reset", at(600)),
            ("x-user-limit-24hour-remaining", 3),
            ("x-user-limit-24hour-reset", at(7200)),
        ]),
        Some(600)
    );
    assert_eq!(until(&[]), None);
}

async fn on(server: &MockServer, verb: &str, at: &str, page: Value) {
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(server)
        .await;
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let me = json!({ "data": { "id": "2244994945", "name": "Case", "username": "casewatch" } });
    on(&server, "GET", "/2/users/me", me).await;
    server
}

fn account(bench: &Bench, server: &MockServer) -> Box<dyn Platform> {
    bench.open_at("x", &server.uri())
}

#[tokio::test]
async fn an_account_is_known_by_its_number_and_a_post_by_the_accounts_name() {
    let server = server().await;
    let yes = json!({ "data": { "id": "1445880548472328192", "text": "x" } });
    on(&server, "POST", "/2/tweets", yes).await;
    let bench = Bench::new();
    let account = account(&bench, &server);
    for _ in 0..2 {
        assert_eq!(account.identity().await.unwrap().as_deref(), Some("2244994945"));
    }
    let done = Draft::text("Ten to two.").send(account.as_ref()).await.unwrap();
    assert_eq!(
        done.url.as_deref(),
        Some("https://x.com/casewatch/status/1445880548472328192")
    );
    // Each request costs.
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn whose_a_token_is_can_be_a_matter_of_rights_and_never_of_a_post() {
    let server = MockServer::start().await;
    let page = json!({ "title": "Forbidden", "detail": "No.", "type": "about:blank", "status": 403 });
    Mock::given(path("/2/users/me"))
        .respond_with(ResponseTemplate::new(403).set_body_json(page))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let failure = account(&bench, &server).identity().await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
}

#[tokio::test]
async fn an_image_is_uploaded_whole_and_described_before_the_post_names_it() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path("/2/media/upload"))
        .and(body_string_contains("tweet_image"))
        .and(body_string_contains("filename=\"image.png\""))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "id": "188" } })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/2/media/metadata"))
        .and(body_json(
            json!({ "id": "188", "metadata": { "alt_text": { "text": "The court" } } }),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "id": "188" } })))
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let mut draft = Draft::text("With image.").image();
    draft.images[0].bytes = Bytes::from_static(b"pixels");
    let frozen = account(&bench, &server).prepare(&draft.out()).await.unwrap();
    assert_eq!(body(&frozen)["media"]["media_ids"], json!(["188"]));
}

#[tokio::test]
async fn a_gif_is_uploaded_in_pieces_and_waited_for() {
    let server = server().await;
    let bytes = vec![b'G'; (1 << 20) + 5];
    let told =
        json!({ "media_type": "image/gif", "total_bytes": bytes.len(), "media_category": "tweet_gif" });
    let said = |work: Value| json!({ "data": { "id": "188", "processing_info": work } });
    Mock::given(path("/2/media/upload/initialize"))
        .and(body_json(told))
        .respond_with(ResponseTemplate::new(202).set_body_json(json!({ "data": { "id": "188" } })))
        .mount(&server)
        .await;
    on(&server, "POST", "/2/media/upload/188/append", json!({})).await;
    let pending = said(json!({ "state": "pending", "check_after_secs": 1 }));
    on(&server, "POST", "/2/media/upload/188/finalize", pending).await;
    Mock::given(method("GET"))
        .and(path("/2/media/upload"))
        .and(query_param("command", "STATUS"))
        .and(query_param("media_id", "188"))
        .respond_with(ResponseTemplate::new(200).set_body_json(said(json!({ "state": "succeeded" }))))
        .expect(1)
        .mount(&server)
        .await;
    on(&server, "POST", "/2/media/metadata", json!({})).await;
    let bench = Bench::new();
    let mut draft = Draft::text("It moves.").image();
    draft.images[0].mime = "image/gif";
    draft.images[0].bytes = Bytes::from(bytes);
    let frozen = account(&bench, &server).prepare(&draft.out()).await.unwrap();
    assert_eq!(body(&frozen)["media"]["media_ids"], json!(["188"]));
    let requests = server.received_requests().await.unwrap();
    let pieces: Vec<_> = requests
        .iter()
        .filter(|request| request.url.path().ends_with("/append"))
        .map(|request| {
            (
                request.body.len() > 1 << 20,
                String::from_utf8_lossy(&request.body),
            )
        })
        .collect();
    assert_eq!(pieces.len(), 2);
    for (nth, (whole, piece)) in pieces.iter().enumerate() {
        assert_eq!(*whole, nth == 0);
        let index = format!("name=\"segment_index\"\r\n\r\n{nth}\r\n");
        assert!(piece.contains(&index));
    }
}

fn clip() -> &'static [u8] {
    vec![b'v'; (1 << 20) + 5].leak()
}

/// The bytes that went up, put together again.
fn appended(requests: &[wiremock::Request]) -> Vec<u8> {
    let mut whole = Vec::new();
    let appends = requests
        .iter()
        .filter(|request| request.url.path().ends_with("/append"));
    for (nth, request) in appends.enumerate() {
        let find = |words: &[u8]| request.body.windows(words.len()).position(|w| w == words);
        let index = format!("name=\"segment_index\"\r\n\r\n{nth}\r\n");
        assert!(find(index.as_bytes()).is_some());
        let head: &[u8] = b"name=\"media\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\n";
        let from = find(head).unwrap() + head.len();
        let to = request.body.windows(4).rposition(|w| w == b"\r\n--").unwrap();
        whole.extend_from_slice(&request.body[from..to]);
    }
    whole
}

async fn video_server(finalized: Value, then: &[(u16, Value)]) -> MockServer {
    let server = server().await;
    let told =
        json!({ "media_type": "video/mp4", "total_bytes": clip().len(), "media_category": "tweet_video" });
    let begun = json!({ "data": { "id": "199", "media_key": "13_199", "expires_after_secs": 86_400 } });
    Mock::given(path("/2/media/upload/initialize"))
        .and(body_json(told))
        .respond_with(ResponseTemplate::new(202).set_body_json(begun))
        .mount(&server)
        .await;
    on(&server, "POST", "/2/media/upload/199/append", json!({})).await;
    let said = |work: &Value| json!({ "data": { "id": "199", "processing_info": work } });
    on(&server, "POST", "/2/media/upload/199/finalize", said(&finalized)).await;
    for (status, work) in then {
        let page = if *status == 200 { said(work) } else { work.clone() };
        Mock::given(method("GET"))
            .and(path("/2/media/upload"))
            .and(query_param("command", "STATUS"))
            .and(query_param("media_id", "199"))
            .respond_with(ResponseTemplate::new(*status).set_body_json(page))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    server
}

#[tokio::test]
async fn a_video_is_uploaded_piece_by_piece_and_waited_for_as_long_as_it_is_processed() {
    let underway = json!({ "state": "in_progress", "check_after_secs": 1, "progress_percent": 40 });
    let then = [(200, underway), (200, json!({ "state": "succeeded" }))];
    let server = video_server(json!({ "state": "pending", "check_after_secs": 1 }), &then).await;
    let described = json!({ "id": "199", "metadata": { "alt_text": { "text": "A march" } } });
    Mock::given(path("/2/media/metadata"))
        .and(body_json(described))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "id": "199" } })))
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let draft = Draft::text("It moves.").video(clip());
    let frozen = account(&bench, &server).prepare(&draft.out()).await.unwrap();
    assert_eq!(
        body(&frozen),
        json!({ "text": "It moves.", "media": { "media_ids": ["199"] } })
    );
    let requests = server.received_requests().await.unwrap();
    assert_eq!(appended(&requests), clip());
    assert!(requests.iter().all(|request| request.url.path() != "/2/tweets"));
}

#[tokio::test]
async fn a_video_that_x_takes_no_description_of_goes_without() {
    let server = video_server(Value::Null, &[]).await;
    for (status, expected) in [(400, None), (503, Some(Class::Transient))] {
        let page = json!({ "title": "Invalid Request", "detail": "Not for videos.", "type": "about:blank" });
        Mock::given(path("/2/media/metadata"))
            .respond_with(ResponseTemplate::new(status).set_body_json(page))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let bench = Bench::new();
        let draft = Draft::text("It moves.").video(clip());
        let sent = account(&bench, &server).prepare(&draft.out()).await;
        assert_eq!(sent.err().map(|failure| failure.class), expected, "{status}");
    }
}

#[tokio::test]
async fn p39_a_video_that_x_can_not_process_keeps_the_text_back_and_one_that_ran_out_goes_up_again() {
    let failed = json!({
        "state": "failed", "error": { "code": 1, "name": "InvalidMedia", "message": "video/mp4 is not valid" },
    });
    let gone = json!({ "title": "Not Found Error", "detail": "No such media.", "type": "about:blank" });
    for (then, class, words) in [
        (
            (200, failed),
            Class::Rejected,
            "InvalidMedia video/mp4 is not valid",
        ),
        ((404, gone), Class::Transient, "No such media."),
    ] {
        let pending = json!({ "state": "pending", "check_after_secs": 1 });
        let server = video_server(pending, &[then]).await;
        let bench = Bench::new();
        let draft = Draft::text("It moves.").video(clip());
        let failure = account(&bench, &server).prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.words.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn a_video_whose_file_has_changed_is_not_taken_for_whole() {
    let server = video_server(Value::Null, &[]).await;
    let mut draft = Draft::text("It moves.").video(&clip()[1..]);
    draft.video.as_mut().unwrap().footage.size += 1;
    let bench = Bench::new();
    let failure = account(&bench, &server).prepare(&draft.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    let requests = server.received_requests().await.unwrap();
    let ended = |request: &wiremock::Request| request.url.path().ends_with("/finalize");
    assert!(!requests.iter().any(ended));
}

#[tokio::test]
async fn an_image_that_x_can_make_nothing_of_is_refused_and_a_tired_server_is_not() {
    for (status, page, class) in [
        (
            200,
            json!({ "data": { "id": "188", "processing_info": {
                "state": "failed", "error": { "code": 1, "name": "InvalidMedia", "message": "Unsupported" } } } }),
            Class::Rejected,
        ),
        (
            400,
            json!({ "title": "Invalid Request", "detail": "Bad file.", "type": "about:blank" }),
            Class::Rejected,
        ),
        (503, json!({ "title": "Service Unavailable" }), Class::Transient),
        (200, json!({ "data": { "id": "../x" } }), Class::Transient),
    ] {
        let server = server().await;
        Mock::given(path("/2/media/upload"))
            .respond_with(ResponseTemplate::new(status).set_body_json(page.clone()))
            .mount(&server)
            .await;
        let bench = Bench::new();
        let draft = Draft::text("With image.").image();
        let failure = account(&bench, &server).prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{page}: {failure}");
    }
}

#[tokio::test]
async fn a_share_is_a_repost_of_what_stands_at_its_address() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path("/2/users/2244994945/retweets"))
        .and(body_json(json!({ "tweet_id": "1228393702244134912" })))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "retweeted": true } })))
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = account(&bench, &server);
    let mut draft = Draft::text("");
    draft.share = Some("https://twitter.com/ally/status/1228393702244134912".into());
    let done = draft.send(account.as_ref()).await.unwrap();
    assert_eq!(
        done.url.as_deref(),
        Some("https://x.com/i/status/1228393702244134912")
    );
    // Taking it back is no deletion of theirs.
    let key = draft.key();
    let gone = Deletion {
        key,
        ..deletion_of(&done)
    };
    let prepared = account.prepare_deletion(&gone).await.unwrap();
    assert_eq!(prepared.path, "/2/users/2244994945/retweets/1228393702244134912");
    let page = json!({ "data": { "retweeted": false } });
    on(&server, "DELETE", &prepared.path, page).await;
    account.delete(&Sealed { prepared, key }).await.unwrap();
    for elsewhere in ["https://x.com/ally", "https://evil.example/x.com/status/1"] {
        draft.share = Some(elsewhere.into());
        let failure = account.prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{elsewhere}");
    }
}

#[test]
fn what_is_gone_is_deleted() {
    let read = |status, page: &str| x::read_deletion(&answer(status, page)).map_err(|f| f.class);
    assert_eq!(read(200, r#"{"data":{"deleted":true}}"#), Ok(()));
    assert_eq!(
        read(
            404,
            r#"{"title":"Not Found Error","detail":"Could not find tweet.","type":"https://api.x.com/2/problems/resource-not-found"}"#
        ),
        Ok(())
    );
    assert_eq!(read(404, "<html>not here</html>"), Err(Class::InDoubt));
    assert_eq!(read(200, r#"{"data":{"deleted":false}}"#), Err(Class::InDoubt));
    assert_eq!(read(200, r#"{"data":{"retweeted":true}}"#), Err(Class::InDoubt));
    assert_eq!(read(200, "<html>sign in</html>"), Err(Class::InDoubt));
    assert_eq!(
        read(403, r#"{"title":"Forbidden","detail":"You are not the author."}"#),
        Err(Class::Rejected)
    );
}

#[test]
fn only_x_itself_says_that_anothers_post_is_gone_and_other_words_are_another_post() {
    let read = |status, page: Value| x::read_shared(&answer(status, &page.to_string()));
    let there = |text: &str, alt: Value| {
        let page = json!({
            "data": { "id": "1", "text": text, "attachments": { "media_keys": ["3_1"] } },
            "includes": { "media": [{ "media_key": "3_1", "type": "photo", "alt_text": alt }] },
        });
        match read(200, page).unwrap() {
            Look::There(digest) => digest,
            Look::Gone => panic!("gone"),
        }
    };
    assert_eq!(there("Ours.", json!("A court")), there("Ours.", json!("A court")));
    assert_ne!(
        there("Ours.", json!("A court")),
        there("Theirs.", json!("A court"))
    );
    assert_ne!(there("Ours.", json!("A court")), there("Ours.", Value::Null));
    let error = |kind: &str| {
        json!({ "errors": [{ "detail": "No.", "title": "x",
            "type": format!("https://api.x.com/2/problems/{kind}") }] })
    };
    assert_eq!(read(200, error("resource-not-found")), Ok(Look::Gone));
    let kept = read(200, error("not-authorized-for-resource")).unwrap_err();
    assert_eq!(kept.class, Class::Rejected);
    let page = x::read_shared(&answer(404, "<html>not here</html>")).unwrap_err();
    assert_eq!(page.class, Class::Transient);
}

// How a lost answer is found.

/// So many minutes after the intent.
fn at(minutes: i64) -> Timestamp {
    now().saturating_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn among(taken: &[&str]) -> Among {
    Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    }
}

/// As X keeps `See https://example.org/caso?a=1&b=2`.
fn listed(id: &str) -> Value {
    json!({
        "id": id,
        "created_at": at(1),
        "text": "See &lt;it&gt;\nhttps://t.co/Ab1Cd2Ef3G",
        "entities": { "urls": [{
            "start": 15, "end": 38, "url": "https://t.co/Ab1Cd2Ef3G",
            "expanded_url": "https://example.org/caso?a=1&b=2", "display_url": "example.org/caso?a=…",
        }] },
    })
}

fn wanted() -> Draft {
    Draft::text("See <it>\n\nhttps://example.org/caso?a=1&b=2")
}

async fn timeline(server: &MockServer, posts: &[Value]) {
    let page = json!({ "data": posts, "meta": { "result_count": posts.len() } });
    on(server, "GET", "/2/users/2244994945/tweets", page).await;
}

async fn look(server: &MockServer, prepared: Prepared, among: &Among) -> Result<Found, Failure> {
    let bench = Bench::new();
    let key = Draft::text("").key();
    account(&bench, server)
        .find(&Sealed { prepared, key }, among)
        .await
}

async fn look_among(posts: &[Value], draft: &Draft, media: &[String], taken: &[&str]) -> Found {
    let server = server().await;
    timeline(&server, posts).await;
    let prepared = x::request(&draft.out(), media).unwrap();
    look(&server, prepared, &among(taken)).await.unwrap()
}

fn here(id: &str) -> Found {
    let url = format!("https://x.com/casewatch/status/{id}");
    Found::Here(Receipt::named(id, Some(url)))
}

#[tokio::test]
async fn a_post_is_found_by_its_words_whatever_x_made_of_its_links() {
    let posts = [listed("12"), {
        let mut other = listed("11");
        other["text"] = json!("Something else.");
        other
    }];
    assert_eq!(look_among(&posts, &wanted(), &[], &[]).await, here("12"));
    // It is another post's, by its id or by the address that a person told.
    for taken in ["12", "https://x.com/casewatch/status/12"] {
        assert_eq!(
            look_among(&posts, &wanted(), &[], &[taken]).await,
            Found::Absent,
            "{taken}"
        );
    }
    assert_eq!(look_among(&[], &wanted(), &[], &[]).await, Found::Absent);
    let twice = [listed("12"), listed("13")];
    assert!(matches!(
        look_among(&twice, &wanted(), &[], &[]).await,
        Found::Unclear(_)
    ));
    // Without a scheme it is a link there, too.
    let mut bare = listed("12");
    bare["text"] = json!("https://t.co/Ab1Cd2Ef3G says so");
    bare["entities"]["urls"][0]["expanded_url"] = json!("http://example.org/caso");
    let draft = Draft::text("example.org/caso says so");
    assert_eq!(look_among(&[bare], &draft, &[], &[]).await, here("12"));
}

#[tokio::test]
async fn what_is_older_or_answers_another_or_has_other_images_is_not_ours() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut post = listed("12");
        change(&mut post);
        post
    };
    for other in [
        with(&|post| post["created_at"] = json!(at(-1))),
        with(&|post| post["referenced_tweets"] = json!([{ "type": "replied_to", "id": "9" }])),
        with(&|post| post["referenced_tweets"] = json!([{ "type": "retweeted", "id": "9" }])),
        with(&|post| post["attachments"] = json!({ "media_keys": ["3_188"] })),
        with(&|post| post["entities"]["urls"][0]["expanded_url"] = json!("https://example.org/other")),
    ] {
        assert_eq!(
            look_among(std::slice::from_ref(&other), &wanted(), &[], &[]).await,
            Found::Absent,
            "{other}"
        );
    }
    let mut draft = wanted().image();
    draft.parent = Some(receipt("9", None));
    for (references, text) in [
        ("referenced_tweets", "note_tweet"),
        ("referenced_posts", "note_post"),
    ] {
        let mut whole = listed("12");
        whole["text"] = json!("See &lt;i…");
        whole[text] = json!({
            "text": "See &lt;it&gt;\nhttps://t.co/Ab1Cd2Ef3G https://t.co/Im4Ge5",
            "entities": { "urls": [
                listed("12")["entities"]["urls"][0],
                { "url": "https://t.co/Im4Ge5", "expanded_url": "https://x.com/casewatch/status/12/photo/1",
                  "media_key": "3_188" },
            ] },
        });
        whole["attachments"] = json!({ "media_keys": ["3_188"] });
        whole[references] = json!([{ "type": "replied_to", "id": "9" }]);
        let found = look_among(&[whole], &draft, &["188".into()], &[]).await;
        assert_eq!(found, here("12"), "{references}");
    }
}

#[tokio::test]
async fn the_timeline_is_read_from_the_intent_on_to_its_end() {
    let server = server().await;
    let pages = "/2/users/2244994945/tweets";
    Mock::given(path(pages))
        .and(query_param("pagination_token", "7140w"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "data": [listed("12")], "meta": { "result_count": 1 } })),
        )
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path(pages))
        .and(query_param("start_time", "2026-11-23T12:00:00Z"))
        .and(query_param("exclude", "retweets"))
        .and(query_param("max_results", "100"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "meta": { "next_token": "7140w" } })))
        .mount(&server)
        .await;
    let prepared = x::request(&wanted().out(), &[]).unwrap();
    assert_eq!(look(&server, prepared, &among(&[])).await, Ok(here("12")));
}

#[tokio::test]
async fn fields_that_this_api_does_not_know_are_asked_for_by_their_new_names() {
    let server = server().await;
    let pages = "/2/users/2244994945/tweets";
    Mock::given(path(pages))
        .and(query_param("expansions", "referenced_posts"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": [listed("12")], "meta": {} })))
        .mount(&server)
        .await;
    let unknown =
        json!({ "title": "Invalid Request", "detail": "The query parameter [tweet.fields] is not one of …" });
    Mock::given(path(pages))
        .respond_with(ResponseTemplate::new(400).set_body_json(unknown))
        .with_priority(9)
        .mount(&server)
        .await;
    let prepared = x::request(&wanted().out(), &[]).unwrap();
    assert_eq!(look(&server, prepared, &among(&[])).await, Ok(here("12")));
}

#[tokio::test]
async fn a_repost_is_found_by_what_it_reposts_and_is_there_or_not() {
    let theirs = "1228393702244134912";
    let mut listed = listed("12");
    listed["referenced_tweets"] = json!([{ "type": "retweeted", "id": theirs }]);
    for (posts, found) in [
        (vec![listed.clone()], true),
        (vec![self::listed("12")], false),
        (vec![], false),
    ] {
        let server = server().await;
        timeline(&server, &posts).await;
        let looked = look(&server, repost(), &among(&[])).await.unwrap();
        let id = match &looked {
            Found::Here(receipt) => {
                assert_eq!(receipt.pin.as_deref(), Some("repost"));
                receipt.id.as_str()
            }
            _ => "",
        };
        assert_eq!(id == theirs, found, "{looked:?}");
    }
}

#[tokio::test]
async fn a_timeline_that_may_not_be_read_proves_nothing() {
    for (status, page, expected) in [
        (403, json!({ "title": "Forbidden", "detail": "No." }), "unclear"),
        (429, json!({ "title": "Too Many Requests" }), "later"),
        (500, json!({}), "later"),
        (200, json!({}), "later"),
        (200, json!({ "errors": [{ "detail": "No." }] }), "later"),
    ] {
        let server = server().await;
        Mock::given(path("/2/users/2244994945/tweets"))
            .respond_with(ResponseTemplate::new(status).set_body_json(page.clone()))
            .mount(&server)
            .await;
        let looked = look(&server, post(), &among(&[])).await;
        let said = match looked {
            Ok(Found::Unclear(_)) => "unclear",
            Err(failure) if matches!(failure.class, Class::Transient | Class::RateLimited { .. }) => "later",
            other => panic!("{page}: {other:?}"),
        };
        assert_eq!(said, expected, "{page}");
    }
}

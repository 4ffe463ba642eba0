//! Facebook Pages: exact requests, its answers word for word, photos, comments, and how a lost answer is found.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::platform::http::{Answer, BaseUrl};
use steadfast::platform::oauth::Client;
use steadfast::platform::secret::Secret;
use steadfast::platform::sign_in::Way;
use steadfast::platform::{Among, Deletion, Platform, Prepared, Sealed, facebook};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use wiremock::matchers::{body_json, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, deletion_of, now, receipt};

const PAGE: &str = "17841400000000001";
const FEED: &str = "/v25.0/17841400000000001/feed";
const LIST: &str = "/v25.0/17841400000000001/published_posts";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn post(draft: &Draft, photos: &[&str]) -> Prepared {
    let photos: Vec<String> = photos.iter().map(|id| (*id).to_owned()).collect();
    facebook::request(&draft.out(), PAGE, None, &photos).unwrap()
}

async fn on(server: &MockServer, verb: &str, at: &str, page: Value) {
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(server)
        .await;
}

fn account(bench: &Bench, server: &MockServer) -> Box<dyn Platform> {
    bench.open_at("facebook", &server.uri())
}

fn trouble(status: u16, code: i64, sub: Option<i64>, message: &str) -> Answer {
    let page = json!({ "error": { "message": message, "type": "OAuthException", "code": code, "error_subcode": sub } });
    answer(status, &page.to_string())
}

fn template(answer: &Answer) -> ResponseTemplate {
    ResponseTemplate::new(answer.status).set_body_raw(answer.body.to_vec(), "application/json")
}

// What is said.

#[test]
fn a_post_says_its_words_its_link_and_its_photos_and_no_more() {
    let draft = Draft::text("1 < 2 & ¿qué?").link("https://example.org/caso");
    let plain = post(&draft, &[]);
    assert_eq!(plain.path, FEED);
    assert_eq!(
        body(&plain),
        json!({ "message": "1 < 2 & ¿qué?", "link": "https://example.org/caso" })
    );
    // A card and photos don't go together.
    assert_eq!(
        body(&post(&draft.image().image(), &["5", "6"])),
        json!({
            "message": "1 < 2 & ¿qué?\n\nhttps://example.org/caso",
            "attached_media": [{ "media_fbid": "5" }, { "media_fbid": "6" }],
        })
    );
    assert_eq!(
        body(&post(&Draft::text("").image(), &["5"])),
        json!({ "attached_media": [{ "media_fbid": "5" }] })
    );
    // Else nothing would tell it from others.
    assert_eq!(
        body(&post(&Draft::text("").link("https://example.org/caso"), &[])),
        json!({ "message": "https://example.org/caso", "link": "https://example.org/caso" })
    );
}

#[test]
fn an_answer_is_a_comment_with_the_link_in_its_words_and_one_photo_at_most() {
    let draft = Draft::text("It was 11-1.").link("https://example.org/caso");
    let comment = |draft: &Draft, photos: &[String]| {
        facebook::request(&draft.out(), PAGE, Some("17841400000000001_121"), photos)
    };
    let prepared = comment(&draft, &[]).unwrap();
    assert_eq!(prepared.path, "/v25.0/17841400000000001_121/comments");
    assert_eq!(
        body(&prepared),
        json!({ "message": "It was 11-1.\n\nhttps://example.org/caso" })
    );
    let prepared = comment(&Draft::text("See.").image(), &["5".into()]).unwrap();
    assert_eq!(
        body(&prepared),
        json!({ "message": "See.", "attachment_id": "5" })
    );
    let two = comment(&Draft::text("See.").image().image(), &["5".into(), "6".into()]).unwrap_err();
    assert_eq!(two.class, Class::Rejected);
}

#[tokio::test]
async fn a_photo_is_uploaded_unseen_and_described_before_the_post_shows_it() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    Mock::given(method("POST"))
        .and(path("/v25.0/17841400000000001/photos"))
        .and(body_string_contains("name=\"published\"\r\n\r\nfalse"))
        .and(body_string_contains("name=\"temporary\"\r\n\r\ntrue"))
        .and(body_string_contains("name=\"alt_text_custom\"\r\n\r\nThe court"))
        .and(body_string_contains("name=\"source\"; filename=\"image.png\""))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "id": "5" })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(FEED))
        .and(query_param("fields", "id,permalink_url"))
        .and(body_json(json!({ "message": "See.", "attached_media": [{ "media_fbid": "5" }] })))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({ "id": "17841400000000001_122", "permalink_url": "https://www.facebook.com/casewatch/posts/pfbid0" }),
        ))
        .expect(1)
        .mount(&server)
        .await;
    let mut draft = Draft::text("See.").image();
    draft.images[0].bytes = b"pixels".as_slice().into();
    let done = draft.send(account(&bench, &server).as_ref()).await.unwrap();
    assert_eq!(done.id, "17841400000000001_122");
    assert_eq!(
        done.url.as_deref(),
        Some("https://www.facebook.com/casewatch/posts/pfbid0")
    );
}

#[tokio::test]
async fn a_photo_that_is_refused_is_refused_for_good_and_a_tired_server_is_not() {
    for (page, class) in [
        (
            template(&trouble(
                400,
                324,
                Some(1_366_046),
                "Your photos couldn't be uploaded",
            )),
            Class::Rejected,
        ),
        (
            template(&trouble(500, 2, None, "Service temporarily unavailable")),
            Class::Transient,
        ),
        (
            template(&trouble(400, 1, None, "An unknown error occurred")),
            Class::Transient,
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({ "id": "../5" })),
            Class::Transient,
        ),
        (
            ResponseTemplate::new(200).set_body_string("<html>"),
            Class::Transient,
        ),
    ] {
        let (server, bench) = (MockServer::start().await, Bench::new());
        Mock::given(path("/v25.0/17841400000000001/photos"))
            .respond_with(page)
            .mount(&server)
            .await;
        let draft = Draft::text("See.").image();
        let failure = account(&bench, &server).prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}

// What it answers.

#[test]
fn a_yes_names_the_post_and_has_an_address_in_any_case() {
    let done = facebook::read(&answer(200, r#"{"id":"17_122"}"#)).unwrap();
    assert_eq!(done.url.as_deref(), Some("https://www.facebook.com/17_122"));
    for page in [
        r#"{"success":true}"#,
        r#"{"id":"17_122/x"}"#,
        r#"{"post_id":"17_122"}"#,
    ] {
        assert_eq!(
            facebook::read(&answer(200, page)).unwrap_err().class,
            Class::InDoubt,
            "{page}"
        );
    }
}

#[test]
fn each_refusal_is_of_the_class_that_its_numbers_say() {
    let limited = Class::RateLimited { until: None };
    for (status, code, sub, class) in [
        (400, 190, Some(460), Class::Auth),
        (403, 200, None, Class::Auth),
        (400, 100, Some(1_404_078), Class::Auth),
        (400, 368, None, Class::Auth),
        (400, 32, None, limited),
        (400, 80001, None, limited),
        (400, 368, Some(1_390_008), limited),
        (400, 100, Some(1_609_008), Class::Rejected),
        (400, 368, Some(1_404_102), Class::Rejected),
        (400, 100, None, Class::Rejected),
        (400, 506, None, Class::Duplicate),
        (400, 324, Some(1_366_051), Class::Duplicate),
        (400, 2, None, Class::InDoubt),
        (500, 1, None, Class::InDoubt),
    ] {
        let failure = facebook::read(&trouble(status, code, sub, "No.")).unwrap_err();
        assert_eq!(failure.class, class, "{status} {code} {sub:?}");
    }
}

// Whose it is, and what is deleted.

#[tokio::test]
async fn only_the_pages_own_token_will_do() {
    for (me, class) in [(PAGE, None), ("1000000000001", Some(Class::Auth))] {
        let (server, bench) = (MockServer::start().await, Bench::new());
        on(&server, "GET", "/v25.0/me", json!({ "id": me })).await;
        let identity = account(&bench, &server).identity().await;
        assert_eq!(identity.as_ref().err().map(|failure| failure.class), class);
        match identity {
            Ok(id) => assert_eq!(id.as_deref(), Some(PAGE)),
            Err(failure) => assert!(failure.words.contains("page_id"), "{failure}"),
        }
    }
}

#[tokio::test]
async fn signing_in_ends_with_the_token_of_the_page() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    let Way::Code(oauth) = facebook::SIGN_IN.way else {
        panic!("it is by a code")
    };
    let client = Client {
        oauth,
        base: Some(BaseUrl::parse(&server.uri()).unwrap()),
        id: "app".into(),
        secret: Some(Secret::new("s3cret")),
        page: Some(PAGE.into()),
    };
    let asked = client.ask("https://campaign.example/back").unwrap();
    assert!(asked.url.path().ends_with("/v25.0/dialog/oauth"));
    let tokens = "/v25.0/oauth/access_token";
    Mock::given(method("POST"))
        .and(path(tokens))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "access_token": "short" })))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(tokens))
        .and(query_param("fb_exchange_token", "short"))
        .and(query_param("client_id", "app"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "access_token": "long", "expires_in": 5_183_944 })),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v25.0/me/accounts"))
        .and(header("authorization", "Bearer long"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": [
            { "id": "9", "name": "Other", "access_token": "theirs" },
            { "id": PAGE, "name": "Case", "access_token": "the page's" },
        ] })))
        .mount(&server)
        .await;
    let grant = client.trade(&bench.http, asked, "code").await.unwrap();
    assert_eq!((grant.access.expose(), grant.expires), ("the page's", None));
}

#[tokio::test]
async fn a_post_is_deleted_by_its_number_or_by_the_address_that_a_person_told() {
    let url = "https://www.facebook.com/permalink.php?story_fbid=pfbid0&id=17";
    let other = "https://www.facebook.com/permalink.php?story_fbid=pfbid1&id=17";
    for told in [
        receipt("17841400000000001_12", None),
        Receipt::named(url, Some(url.into())),
    ] {
        let (server, bench) = (MockServer::start().await, Bench::new());
        let posts = json!({ "data": [listed("17841400000000001_13", 1, other), listed("17841400000000001_12", 1, url)] });
        on(&server, "GET", LIST, posts).await;
        on(
            &server,
            "DELETE",
            "/v25.0/17841400000000001_12",
            json!({ "success": true }),
        )
        .await;
        let account = account(&bench, &server);
        let key = Draft::text("").key();
        let gone = Deletion {
            key,
            ..deletion_of(&told)
        };
        let prepared = account.prepare_deletion(&gone).await.unwrap();
        account.delete(&Sealed { prepared, key }).await.unwrap();
    }
}

// How the public answered.

#[tokio::test]
async fn reactions_comments_and_shares_are_counted() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    let summed = |count: u64| json!({ "data": [], "summary": { "total_count": count } });
    let quiet = json!({ "id": "17_1", "comments": summed(0), "reactions": summed(9) });
    let shared =
        json!({ "id": "17_2", "shares": { "count": 4 }, "comments": summed(2), "reactions": summed(1) });
    on(&server, "GET", "/v25.0/17_1", quiet).await;
    on(&server, "GET", "/v25.0/17_2", shared).await;
    on(&server, "GET", "/v25.0/17_3", json!({ "id": "17_3" })).await;
    let account = account(&bench, &server);
    let counts = |likes, shares, replies| Counts {
        likes: Some(likes),
        shares: Some(shares),
        replies: Some(replies),
        ..Counts::default()
    };
    let of = [receipt("17_1", None), receipt("17_2", None)];
    assert_eq!(
        account.engagement(&of).await.unwrap(),
        [counts(9, 0, 0), counts(1, 4, 2)]
    );
    let odd = account.engagement(&[receipt("17_3", None)]).await.unwrap_err();
    assert_eq!(odd.class, Class::Transient);
}

// How a lost answer is found.

/// So many minutes after the intent, as Meta writes it.
fn at(minutes: i64) -> String {
    let at: Timestamp = now().saturating_add(SignedDuration::from_mins(minutes)).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

fn among(taken: &[&str]) -> Among {
    Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    }
}

fn listed(id: &str, minutes: i64, url: &str) -> Value {
    json!({ "id": id, "message": "Ten to two.", "created_time": at(minutes), "permalink_url": url })
}

fn ours(id: &str, minutes: i64) -> Value {
    listed(
        id,
        minutes,
        &format!("https://www.facebook.com/casewatch/posts/{id}"),
    )
}

fn here(id: &str) -> Found {
    Found::Here(Receipt::named(
        id,
        Some(format!("https://www.facebook.com/casewatch/posts/{id}")),
    ))
}

async fn find(server: &MockServer, prepared: Prepared, taken: &[&str]) -> Result<Found, Failure> {
    let bench = Bench::new();
    let key = Draft::text("").key();
    account(&bench, server)
        .find(&Sealed { prepared, key }, &among(taken))
        .await
}

async fn found(posts: &[Value], prepared: Prepared, taken: &[&str]) -> Found {
    let server = MockServer::start().await;
    on(&server, "GET", LIST, json!({ "data": posts })).await;
    find(&server, prepared, taken).await.unwrap()
}

#[tokio::test]
async fn a_post_is_found_by_its_words_from_the_intent_on() {
    let text = || post(&Draft::text("Ten to\r\ntwo. "), &[]);
    assert_eq!(found(&[ours("12", 1)], text(), &[]).await, here("12"));
    assert_eq!(found(&[], text(), &[]).await, Found::Absent);
    assert_eq!(found(&[ours("12", -1)], text(), &[]).await, Found::Absent);
    let other = || post(&Draft::text("Eleven to one."), &[]);
    assert_eq!(found(&[ours("12", 1)], other(), &[]).await, Found::Absent);
    for taken in ["12", "https://m.facebook.com/casewatch/posts/12?x=1"] {
        assert_eq!(
            found(&[ours("12", 1)], text(), &[taken]).await,
            Found::Absent,
            "{taken}"
        );
    }
    let twice = [ours("12", 1), ours("13", 1)];
    assert!(matches!(found(&twice, text(), &[]).await, Found::Unclear(_)));
    // Of scripts the whole address tells which.
    let script = |n| format!("https://www.facebook.com/permalink.php?story_fbid={n}&id=17");
    let by_script = [listed("12", 1, &script(12))];
    assert_eq!(
        found(&by_script, text(), &[&script(9)]).await,
        Found::Here(Receipt::named("12", Some(script(12))))
    );
    assert_eq!(found(&by_script, text(), &[&script(12)]).await, Found::Absent);
}

#[tokio::test]
async fn a_post_with_photos_is_found_by_their_numbers() {
    let prepared = || post(&Draft::text("Ten to two.").image().image(), &["5", "6"]);
    let with = |attachments: Value| {
        let mut post = ours("12", 1);
        post["attachments"] = json!({ "data": [attachments] });
        post
    };
    let album = json!({ "media_type": "album", "target": { "id": "77" },
        "subattachments": { "data": [{ "target": { "id": "5" } }, { "target": { "id": "6" } }] } });
    let photo = json!({ "media_type": "photo", "target": { "id": "5" } });
    let link = json!({ "media_type": "link", "target": { "url": "https://example.org" } });
    let theirs = json!({ "media_type": "photo", "target": { "id": "9" } });
    for (attachments, expected) in [
        (album, here("12")),
        (photo, here("12")),
        (link, Found::Absent),
        (theirs, Found::Absent),
    ] {
        assert_eq!(
            found(&[with(attachments.clone())], prepared(), &[]).await,
            expected,
            "{attachments}"
        );
    }
    // Somebody has mended its words since.
    let mut edited = with(json!({ "target": { "id": "6" } }));
    edited["message"] = json!("Ten to two!");
    assert_eq!(found(&[edited], prepared(), &[]).await, here("12"));
}

#[tokio::test]
async fn a_comment_is_looked_for_under_what_it_answers_and_must_be_the_pages() {
    for (from, expected) in [
        (json!({ "id": PAGE }), here("121_7")),
        (
            Value::Null,
            Found::Unclear(
                "there is a comment with its words, and Facebook does not say whose it is".to_owned(),
            ),
        ),
        (json!({ "id": "9" }), Found::Absent),
    ] {
        let server = MockServer::start().await;
        let mut comment = ours("121_7", 1);
        comment["from"] = from;
        Mock::given(path("/v25.0/17_121/comments"))
            .and(query_param("order", "reverse_chronological"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": [comment] })))
            .expect(1)
            .mount(&server)
            .await;
        let draft = Draft::text("Ten to two.");
        let prepared = facebook::request(&draft.out(), PAGE, Some("17_121"), &[]).unwrap();
        let found = find(&server, prepared, &[]).await.unwrap();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_list_that_may_not_be_read_proves_nothing() {
    for (page, expected) in [
        (
            template(&trouble(
                403,
                10,
                None,
                "This endpoint requires 'pages_read_engagement'",
            )),
            "unclear",
        ),
        (
            template(&trouble(400, 4, None, "Application request limit reached")),
            "later",
        ),
        (
            template(&trouble(500, 1, None, "Please reduce the amount of data")),
            "later",
        ),
        (ResponseTemplate::new(200).set_body_json(json!({})), "later"),
        (
            template(&trouble(400, 190, Some(463), "Session has expired")),
            "auth",
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(path(LIST)).respond_with(page).mount(&server).await;
        let said = match find(&server, post(&Draft::text("x"), &[]), &[]).await {
            Ok(Found::Unclear(_)) => "unclear",
            Err(failure) if failure.class == Class::Auth => "auth",
            Err(failure) if matches!(failure.class, Class::Transient | Class::RateLimited { .. }) => "later",
            other => panic!("{other:?}"),
        };
        assert_eq!(said, expected);
    }
}

// Videos.

const VIDEO: &str = "/v25.0/900100";

/// A server that takes a video of 17 bytes in two pieces, and says this of it after.
async fn takes_video(work: &[(u16, Value)]) -> MockServer {
    let server = MockServer::start().await;
    let step = |words: &'static str| {
        Mock::given(method("POST"))
            .and(path(format!("/v25.0/{PAGE}/videos")))
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .and(body_string_contains(words))
    };
    let wants = |start: &str, end: &str| json!({ "start_offset": start, "end_offset": end });
    let mut begun = wants("0", "9");
    begun["video_id"] = json!("900100");
    begun["upload_session_id"] = json!("900200");
    for (words, page) in [
        ("upload_phase=start&file_size=17", begun),
        ("name=\"start_offset\"\r\n\r\n0\r\n", wants("9", "17")),
        ("name=\"start_offset\"\r\n\r\n9\r\n", wants("17", "17")),
        (
            "upload_phase=finish&upload_session_id=900200&published=false",
            json!({ "success": true }),
        ),
    ] {
        step(words)
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .mount(&server)
            .await;
    }
    for (nth, (status, page)) in work.iter().enumerate() {
        let times = if nth + 1 == work.len() { u64::MAX } else { 1 };
        Mock::given(method("GET"))
            .and(path(VIDEO))
            .and(query_param("fields", "status"))
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
        json!({ "id": "900100", "status": { "video_status": status } }),
    )
}

fn clip() -> Draft {
    Draft::text("It moves.")
        .link("https://example.org/caso")
        .video(b"ftyp and pictures")
}

/// What it says of a video that is `published`.
async fn shown(server: &MockServer, published: Value) {
    let page = json!({ "id": "900100", "published": published, "permalink_url": "/casewatch/videos/900100/",
        "post_id": "17841400000000001_900300" });
    Mock::given(method("GET"))
        .and(path(VIDEO))
        .and(query_param("fields", "published,permalink_url,post_id"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_video_is_uploaded_unseen_and_published_once_it_is_processed() {
    let early = (
        400,
        json!({ "error": { "message": "Unsupported get request.", "code": 100, "error_subcode": 33 } }),
    );
    let work = [
        early,
        works("upload_complete"),
        works("processing"),
        works("ready"),
    ];
    let (server, bench) = (takes_video(&work).await, Bench::new());
    let account = account(&bench, &server);
    let prepared = account.prepare(&clip().out()).await.unwrap();
    assert_eq!(prepared.path, VIDEO);
    assert_eq!(
        body(&prepared),
        json!({ "published": true, "description": "It moves.\n\nhttps://example.org/caso" })
    );
    let requests = server.received_requests().await.unwrap();
    let sent: String = requests
        .iter()
        .map(|request| String::from_utf8_lossy(&request.body).into_owned())
        .collect();
    for piece in [
        "name=\"upload_session_id\"\r\n\r\n900200\r\n",
        "name=\"video_file_chunk\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\nftyp and \r\n",
        "\r\n\r\npictures\r\n",
    ] {
        assert!(sent.contains(piece), "{piece} is not in {sent}");
    }

    shown(&server, json!(true)).await;
    Mock::given(method("POST"))
        .and(path(VIDEO))
        .and(body_json(body(&prepared)))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "success": true })))
        .expect(1)
        .mount(&server)
        .await;
    let key = Draft::text("").key();
    let done = account.publish(&Sealed { prepared, key }).await.unwrap();
    assert_eq!(
        done,
        Receipt::named(
            "17841400000000001_900300",
            Some("https://www.facebook.com/casewatch/videos/900100/".into())
        )
    );
}

#[tokio::test]
async fn p39_a_video_that_can_not_be_processed_keeps_the_words_back() {
    let failed = json!({ "status": { "video_status": "error", "processing_phase": { "status": "error",
        "errors": [{ "code": 1_363_030, "message": "The aspect ratio is not supported." }] } } });
    for (work, class, words) in [
        (
            (200, failed),
            Class::Rejected,
            "The aspect ratio is not supported.",
        ),
        (works("expired"), Class::Transient, "not there any more"),
        ((503, json!({})), Class::Transient, ""),
    ] {
        let (server, bench) = (takes_video(&[work]).await, Bench::new());
        let failure = account(&bench, &server).prepare(&clip().out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.words.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn a_video_of_which_not_all_has_arrived_is_never_published() {
    for wanted in [json!("3"), json!("17")] {
        let server = MockServer::start().await;
        let page = json!({ "video_id": "900100", "upload_session_id": "900200",
            "start_offset": wanted, "end_offset": "17" });
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .mount(&server)
            .await;
        let bench = Bench::new();
        let failure = account(&bench, &server).prepare(&clip().out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Transient);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_video_says_itself_whether_it_was_published() {
    let prepared = || facebook::request_video(&clip().out(), "900100");
    for (published, expected) in [
        (json!(true), "here"),
        (json!(false), "absent"),
        (Value::Null, "later"),
    ] {
        let server = MockServer::start().await;
        shown(&server, published).await;
        let said = match find(&server, prepared(), &[]).await {
            Ok(Found::Here(receipt)) if receipt.id == "17841400000000001_900300" => "here",
            Ok(Found::Absent) => "absent",
            Err(failure) if failure.class == Class::Transient => "later",
            other => panic!("{other:?}"),
        };
        assert_eq!(said, expected);
    }
    for (code, sub) in [(100, Some(33)), (10, None)] {
        let server = MockServer::start().await;
        Mock::given(path(VIDEO))
            .respond_with(template(&trouble(400, code, sub, "No.")))
            .mount(&server)
            .await;
        let found = find(&server, prepared(), &[]).await.unwrap();
        assert!(matches!(found, Found::Unclear(_)), "{found:?}");
    }
    // What it says to a request is a yes only in its own shape.
    for (page, class) in [
        (answer(200, r#"{"success":false}"#), Class::InDoubt),
        (answer(200, "<html>"), Class::InDoubt),
        (trouble(400, 190, Some(463), "Expired."), Class::Auth),
        (
            trouble(400, 368, Some(1_404_102), "Against the standards."),
            Class::Rejected,
        ),
    ] {
        assert_eq!(
            facebook::read_video("900100", &page).unwrap_err().class,
            class,
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn a_comment_shows_no_video() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    let mut draft = clip();
    draft.parent = Some(receipt("17841400000000001_121", None));
    let failure = account(&bench, &server).prepare(&draft.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(server.received_requests().await.unwrap().is_empty());
}

//! LinkedIn: exact requests, its answers word for word, uploads, reshares, whose account it is, and how a page's lost
//! answer is found.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::platform::http::Answer;
use steadfast::platform::sign_in::{SignIn, Way};
use steadfast::platform::{Among, Deletion, Prepared, Sealed, find, linkedin};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::text::limits::Doubt;
use wiremock::matchers::{body_bytes, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, MEMBER, PAGE, TOKEN, answer, deletion_of, now, receipt};

const SHARE: &str = "urn:li:share:7141138937766391808";
const IMAGE: &str = "urn:li:image:C5F10AQ";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn post(text: &str) -> Prepared {
    linkedin::request(&Draft::text(text).out(), PAGE, &[])
}

#[test]
fn a_post_is_public_in_little_text_and_says_who_posts_it() {
    let prepared = post("Ten to two (not unanimous). #Justice, not C#. case_watch");
    assert_eq!(prepared.path, "/rest/posts");
    assert_eq!(
        body(&prepared),
        json!({
            "author": PAGE,
            "commentary": r"Ten to two \(not unanimous\). #Justice, not C\#. case\_watch",
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": false,
        })
    );
}

#[test]
fn a_link_makes_a_card_that_says_where_it_leads_and_images_stand_in_its_place() {
    let draft = Draft::text("Read it.").link("https://www.example.org/a_b/");
    let said = body(&linkedin::request(&draft.out(), MEMBER, &[]));
    assert_eq!(said["commentary"], "Read it.");
    assert_eq!(
        said["content"],
        json!({ "article": { "source": "https://www.example.org/a_b/", "title": "example.org/a_b" } })
    );
    let in_text = body(&post("See https://example.org/caso"));
    assert_eq!(
        in_text["content"]["article"]["source"],
        "https://example.org/caso"
    );

    let draft = draft.image();
    let said = body(&linkedin::request(&draft.out(), PAGE, &[IMAGE.into()]));
    assert_eq!(
        said["commentary"],
        r"Read it.

https://www.example.org/a\_b/"
    );
    assert_eq!(
        said["content"],
        json!({ "media": { "id": IMAGE, "altText": "The court" } })
    );
    let draft = draft.image();
    let said = body(&linkedin::request(
        &draft.out(),
        PAGE,
        &[IMAGE.into(), "urn:li:image:2".into()],
    ));
    assert_eq!(
        said["content"],
        json!({ "multiImage": { "images": [
            { "id": IMAGE, "altText": "The court" }, { "id": "urn:li:image:2", "altText": "The court" },
        ] } })
    );
}

#[test]
fn what_is_reshared_is_named_by_its_address() {
    for url in [
        "https://www.linkedin.com/feed/update/urn:li:share:7141138937766391808/",
        "https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7141138937766391808",
        "https://www.linkedin.com/embed/feed/update/urn:li:share:7141138937766391808?compact=1",
        "https://linkedin.com/posts/ally_justice-for-all-share-7141138937766391808-Ab1C/?utm_source=share",
    ] {
        let said = body(&linkedin::share_request(PAGE, url).unwrap());
        assert_eq!(said["reshareContext"], json!({ "parent": SHARE }), "{url}");
        assert_eq!((&said["commentary"], said.get("content")), (&json!(""), None));
    }
    for url in [
        // An activity has another number.
        "https://www.linkedin.com/posts/ally_words-activity-7141138937766391808-Ab1C",
        "https://www.linkedin.com/feed/update/urn:li:activity:7141138937766391808",
        "https://evil.example/feed/update/urn:li:share:7141138937766391808",
        "https://evillinkedin.com/feed/update/urn:li:share:7141138937766391808",
        "https://www.linkedin.com/feed/update/urn:li:share:x",
    ] {
        let failure = linkedin::share_request(PAGE, url).unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{url}");
        assert!(failure.words.contains("Embed this post"), "{failure}");
    }
}

fn created(urn: &str) -> Answer {
    let mut answer = answer(201, "");
    answer.headers.insert("x-restli-id", urn.parse().unwrap());
    answer
}

#[test]
fn a_yes_has_the_id_in_a_header() {
    for urn in [SHARE, "urn:li:ugcPost:7141138937766391809"] {
        let done = linkedin::read(&post("x"), &created(urn)).unwrap();
        assert_eq!(done.id, urn);
        assert_eq!(
            done.url.unwrap(),
            format!("https://www.linkedin.com/feed/update/{urn}/")
        );
    }
    for odd in [
        created("7141138937766391808"),
        created("urn:li:share:../1"),
        answer(201, ""),
    ] {
        let failure = linkedin::read(&post("x"), &odd).unwrap_err();
        assert_eq!(failure.class, Class::InDoubt);
    }
    let mut not_created = created(SHARE);
    not_created.status = 200;
    assert_eq!(
        linkedin::read(&post("x"), &not_created).unwrap_err().class,
        Class::InDoubt
    );
}

fn problem(status: u16, code: &str, message: &str) -> Answer {
    let page = json!({ "status": status, "serviceErrorCode": 100, "code": code, "message": message });
    answer(status, &page.to_string())
}

/// As it was seen in the wild.
const DUPLICATE: &str = r#"{"errorDetailType":"com.linkedin.common.error.BadRequest","message":"com.linkedin.content.common.exception.BadRequestResponseException: Content is a duplicate of urn:li:share:7141138937766391808","errorDetails":{"inputErrors":[{"description":"Duplicate post is detected","input":{},"code":"DUPLICATE_POST"}]},"status":422}"#;

#[test]
fn each_refusal_is_of_the_class_that_its_words_say() {
    for (answer, class) in [
        (
            problem(
                401,
                "EXPIRED_ACCESS_TOKEN",
                "The token used in the request has expired",
            ),
            Class::Auth,
        ),
        (
            problem(
                403,
                "ACCESS_DENIED",
                "Not enough permissions to access: posts.CREATE.20260501",
            ),
            Class::Auth,
        ),
        (
            problem(
                426,
                "NONEXISTENT_VERSION",
                "Requested version 20250501 is not active",
            ),
            Class::Auth,
        ),
        (answer(422, DUPLICATE), Class::Duplicate),
        (
            problem(409, "CONFLICT", "Content is a duplicate of urn:li:share:1"),
            Class::Duplicate,
        ),
        (
            problem(422, "UNPROCESSABLE", "Image urn:li:image:1 is still processing"),
            Class::Transient,
        ),
        (
            problem(422, "MISSING_FIELD", "commentary is too long"),
            Class::Rejected,
        ),
        (
            problem(403, "FORBIDDEN", "The resource is forbidden"),
            Class::Rejected,
        ),
        (
            problem(500, "SERVER_ERROR", "Internal Server Error"),
            Class::InDoubt,
        ),
        (answer(403, "<html>blocked</html>"), Class::InDoubt),
        (answer(403, "{}"), Class::InDoubt),
    ] {
        let failure = linkedin::read(&post("x"), &answer).unwrap_err();
        let page = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(failure.class, class, "{page}");
    }
    // A person who has to look is told which post it is.
    let failure = linkedin::read(&post("x"), &answer(422, DUPLICATE)).unwrap_err();
    assert!(failure.words.contains(SHARE), "{failure}");
    // What may not be reshared is about that post alone.
    let reshare =
        linkedin::share_request(PAGE, &format!("https://www.linkedin.com/feed/update/{SHARE}")).unwrap();
    let denied = problem(403, "ACCESS_DENIED", "Not enough permissions to access: reshare");
    assert_eq!(
        linkedin::read(&reshare, &denied).unwrap_err().class,
        Class::Rejected
    );
}

#[test]
fn a_limit_of_the_day_lasts_till_midnight_or_is_looked_at_again_before() {
    let until = |at: &str, words: &str| {
        let mut answer = problem(429, "TOO_MANY_REQUESTS", words);
        answer.at = at.parse().unwrap();
        match linkedin::read(&post("x"), &answer).unwrap_err().class {
            Class::RateLimited { until } => until.map(|until| until.to_string()),
            class => panic!("{class:?}"),
        }
    };
    let day = "Resource level throttle MEMBER DAY limit for calls to this resource is reached.";
    assert_eq!(
        until("2026-11-23T20:00:00Z", day).unwrap(),
        "2026-11-24T00:00:00Z"
    );
    assert_eq!(
        until("2026-11-23T12:00:00Z", day).unwrap(),
        "2026-11-23T18:00:00Z"
    );
    assert_eq!(until("2026-11-23T12:00:00Z", "Too many requests."), None);
}

#[test]
fn what_is_gone_is_deleted() {
    let read = |answer: &Answer| linkedin::read_deletion(answer).map_err(|f| f.class);
    assert_eq!(read(&answer(204, "")), Ok(()));
    assert_eq!(read(&problem(404, "NOT_FOUND", "Post not found")), Ok(()));
    assert_eq!(read(&answer(404, "<html>not here</html>")), Err(Class::InDoubt));
    assert_eq!(read(&answer(200, "<html>sign in</html>")), Err(Class::InDoubt));
    assert_eq!(read(&problem(403, "ACCESS_DENIED", "No.")), Err(Class::Auth));
    let by = |receipt: &Receipt| {
        let key = Draft::text("").key();
        linkedin::deletion(&Deletion {
            key,
            ..deletion_of(receipt)
        })
    };
    let path = "/rest/posts/urn%3Ali%3Ashare%3A7141138937766391808";
    assert_eq!(by(&receipt(SHARE, None)).unwrap().path, path);
    let url = format!("https://www.linkedin.com/feed/update/{SHARE}/");
    assert_eq!(by(&Receipt::named(&url, Some(url.clone()))).unwrap().path, path);
    let unknown = by(&Receipt::named("told by a person", None)).unwrap_err();
    assert_eq!(unknown.class, Class::Rejected);
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
async fn each_request_names_the_version_of_the_api() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/rest/posts"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("linkedin-version", "202609"))
        .and(header("x-restli-protocol-version", "2.0.0"))
        .and(body_json(body(&post("Ten to two."))))
        .respond_with(ResponseTemplate::new(201).insert_header("x-restli-id", SHARE))
        .expect(1)
        .mount(&server)
        .await;
    let keys = format!(
        "base_url = '{}'\nauthor = '{PAGE}'\nversion = '202609'\naccess_token = 'SECRET({TOKEN})'",
        server.uri()
    );
    let account = Bench::new().open("linkedin", &keys);
    let done = Draft::text("Ten to two.").send(account.as_ref()).await.unwrap();
    assert_eq!(done.id, SHARE);
}

#[test]
fn a_page_and_a_member_ask_for_other_permissions_and_doubts_end_in_other_ways() {
    let entry = find("linkedin").unwrap();
    let of = |author: &str| {
        let table: toml::Table = format!("author = '{author}'").parse().unwrap();
        let scopes = match (entry.sign_in)(&table) {
            Some(SignIn {
                way: Way::Code(oauth),
                ..
            }) => (oauth.scopes.join(" "), oauth.asked().join(" ")),
            other => panic!("{other:?}"),
        };
        let account = "linkedin".parse().unwrap();
        let limits = entry.limits_of(&table, std::path::Path::new("/nowhere"), &account);
        (scopes, limits.doubt == Doubt::Ask)
    };
    let page = "w_organization_social r_organization_social";
    // Comments and counts are no condition of posting.
    let also = "w_organization_social_feed r_organization_social_feed rw_organization_admin";
    assert_eq!(of(PAGE), ((page.to_owned(), format!("{page} {also}")), false));
    let member = "openid profile w_member_social".to_owned();
    assert_eq!(of(MEMBER), ((member.clone(), member), true));
}

#[tokio::test]
async fn a_page_is_known_by_its_list_and_a_member_by_their_own_word() {
    for (kind, status, page, expected) in [
        ("linkedin", 200, json!({ "elements": [] }), Ok(Some(PAGE))),
        (
            "linkedin",
            403,
            json!({ "status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions" }),
            Err(Class::Auth),
        ),
        (
            "linkedin-member",
            200,
            json!({ "sub": "5abc_dEfgH", "name": "Case" }),
            Ok(Some(MEMBER)),
        ),
        (
            "linkedin-member",
            200,
            json!({ "sub": "another" }),
            Err(Class::Auth),
        ),
        ("linkedin-member", 200, json!({}), Err(Class::Transient)),
        // A token without `openid` and `profile` may post all the same.
        (
            "linkedin-member",
            403,
            json!({ "status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions" }),
            Ok(None),
        ),
        (
            "linkedin-member",
            401,
            json!({ "status": 401, "code": "REVOKED_ACCESS_TOKEN", "message": "Revoked" }),
            Err(Class::Auth),
        ),
    ] {
        let server = MockServer::start().await;
        let at = if kind == "linkedin" {
            "/rest/posts"
        } else {
            "/v2/userinfo"
        };
        on(&server, "GET", at, status, page).await;
        let is = Bench::new().open_at(kind, &server.uri()).identity().await;
        let is = is.map_err(|failure| failure.class);
        assert_eq!(is, expected.map(|urn| urn.map(str::to_owned)), "{kind} {status}");
    }
}

/// A server that takes an image, and says this of it after.
async fn takes_images(upload: &str, work: &[(u16, Value)]) -> MockServer {
    let server = MockServer::start().await;
    let upload = upload.replace("SERVER", &server.uri());
    Mock::given(method("POST"))
        .and(path("/rest/images"))
        .and(query_param("action", "initializeUpload"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({ "value": { "uploadUrlExpiresAt": 1_650_567_510_704_u64, "uploadUrl": upload, "image": IMAGE } }),
        ))
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path("/dms-uploads/1"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("content-type", "image/png"))
        .and(body_bytes(b"\x89PNG pixels".to_vec()))
        .respond_with(ResponseTemplate::new(201))
        .mount(&server)
        .await;
    for (nth, (status, page)) in work.iter().enumerate() {
        let times = if nth + 1 == work.len() { u64::MAX } else { 1 };
        Mock::given(method("GET"))
            .and(path("/rest/images/urn%3Ali%3Aimage%3AC5F10AQ"))
            .respond_with(ResponseTemplate::new(*status).set_body_json(page))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    server
}

async fn prepared_at(kind: &str, server: &MockServer) -> Result<Prepared, Failure> {
    let bench = Bench::new();
    let draft = Draft::text("With image.").image();
    bench.open_at(kind, &server.uri()).prepare(&draft.out()).await
}

const TO: &str = "SERVER/dms-uploads/1?ca=vector";

fn is(status: &str) -> (u16, Value) {
    (200, json!({ "id": IMAGE, "owner": PAGE, "status": status }))
}

#[tokio::test]
async fn an_image_is_uploaded_whole_and_waited_for_before_the_post_names_it() {
    let server = takes_images(TO, &[is("PROCESSING"), is("AVAILABLE")]).await;
    let frozen = prepared_at("linkedin", &server).await.unwrap();
    assert_eq!(body(&frozen)["content"]["media"]["id"], IMAGE);
    let requests = server.received_requests().await.unwrap();
    let begin: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(begin, json!({ "initializeUploadRequest": { "owner": PAGE } }));
    let ways: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(ways, ["POST", "PUT", "GET", "GET"]);
}

#[tokio::test]
async fn a_member_who_may_not_ask_whether_an_image_is_ready_waits() {
    let denied = json!({ "status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions" });
    let server = takes_images(TO, &[(403, denied)]).await;
    let waits = tokio::time::timeout(Duration::from_secs(1), prepared_at("linkedin-member", &server)).await;
    assert!(waits.is_err(), "{waits:?}");
    // A page may ask.
    let failure = prepared_at("linkedin", &server).await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
}

#[tokio::test]
async fn an_image_goes_to_linkedin_alone_and_one_it_can_make_nothing_of_is_refused() {
    for (to, work, class) in [
        (TO, is("PROCESSING_FAILED"), Class::Rejected),
        (TO, (200, json!({})), Class::Transient),
        (TO, (503, json!({})), Class::Transient),
        (
            "https://evil.example/dms-uploads/1",
            is("AVAILABLE"),
            Class::Transient,
        ),
        (
            "https://evillinkedin.com/dms-uploads/1",
            is("AVAILABLE"),
            Class::Transient,
        ),
    ] {
        let server = takes_images(to, &[work]).await;
        let failure = prepared_at("linkedin", &server).await.unwrap_err();
        assert_eq!(failure.class, class, "{to} {failure}");
    }
}

const VIDEO: &str = "urn:li:video:C5F10AQ";

/// A server that takes a video in two pieces, the second named first, and says this of it after.
async fn takes_video(work: &[(u16, Value)], etag: Option<&str>) -> MockServer {
    let server = MockServer::start().await;
    let at = |nth: u8| format!("{}/dms-uploads/{nth}?ca=vector", server.uri());
    let ticket = json!({ "value": {
        "video": VIDEO, "uploadToken": "t0ken-of-it", "uploadUrlsExpireAt": 1_650_567_510_704_u64,
        "uploadInstructions": [
            { "uploadUrl": at(2), "firstByte": 9, "lastByte": 16 },
            { "uploadUrl": at(1), "firstByte": 0, "lastByte": 8 },
        ],
    } });
    Mock::given(method("POST"))
        .and(path("/rest/videos"))
        .and(query_param("action", "initializeUpload"))
        .respond_with(ResponseTemplate::new(200).set_body_json(ticket))
        .mount(&server)
        .await;
    for (nth, bytes) in [(1, b"ftyp and ".to_vec()), (2, b"pictures".to_vec())] {
        let taken = match etag {
            Some(etag) => ResponseTemplate::new(200).insert_header("etag", format!("{etag}-{nth}")),
            None => ResponseTemplate::new(403),
        };
        Mock::given(method("PUT"))
            .and(path(format!("/dms-uploads/{nth}")))
            .and(header("content-type", "application/octet-stream"))
            .and(body_bytes(bytes))
            .respond_with(taken)
            .mount(&server)
            .await;
    }
    let ended = json!({ "finalizeUploadRequest": {
        "video": VIDEO, "uploadToken": "t0ken-of-it", "uploadedPartIds": ["/ambry/1-1", "/ambry/1-2"],
    } });
    Mock::given(method("POST"))
        .and(path("/rest/videos"))
        .and(query_param("action", "finalizeUpload"))
        .and(body_json(ended))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    for (nth, (status, page)) in work.iter().enumerate() {
        let times = if nth + 1 == work.len() { u64::MAX } else { 1 };
        Mock::given(method("GET"))
            .and(path("/rest/videos/urn%3Ali%3Avideo%3AC5F10AQ"))
            .respond_with(ResponseTemplate::new(*status).set_body_json(page))
            .up_to_n_times(times)
            .mount(&server)
            .await;
    }
    server
}

async fn with_video_at(server: &MockServer, size: u64) -> Result<Prepared, Failure> {
    let bench = Bench::new();
    let mut draft = Draft::text("It moves.").video(b"ftyp and pictures");
    draft.video.as_mut().unwrap().footage.size = size;
    bench
        .open_at("linkedin", &server.uri())
        .prepare(&draft.out())
        .await
}

#[tokio::test]
async fn a_video_is_uploaded_in_pieces_and_waited_for_as_long_as_it_is_processed() {
    let work = [
        is("WAITING_UPLOAD"),
        is("PROCESSING"),
        is("PROCESSING"),
        is("AVAILABLE"),
    ];
    let server = takes_video(&work, Some("/ambry/1")).await;
    let frozen = with_video_at(&server, 17).await.unwrap();
    assert_eq!(body(&frozen)["content"], json!({ "media": { "id": VIDEO } }));
    assert_eq!(body(&frozen)["commentary"], "It moves.");
    let requests = server.received_requests().await.unwrap();
    let begin: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(
        begin,
        json!({ "initializeUploadRequest": {
            "owner": PAGE, "fileSizeBytes": 17, "uploadCaptions": false, "uploadThumbnail": false,
        } })
    );
    let ways: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(ways, ["POST", "PUT", "PUT", "POST", "GET", "GET", "GET", "GET"]);
    // Where it says is permission enough.
    for request in &requests {
        assert_eq!(
            request.headers.contains_key("authorization"),
            request.method.as_str() != "PUT"
        );
    }
}

#[tokio::test]
async fn p39_a_video_that_linkedin_can_not_process_keeps_the_text_back() {
    let reason = json!({
        "id": VIDEO, "status": "PROCESSING_FAILED", "processingFailureReason": "the aspect ratio is not supported",
    });
    for (work, class, words) in [
        (
            (200, reason),
            Class::Rejected,
            "the aspect ratio is not supported",
        ),
        ((503, json!({})), Class::Transient, ""),
    ] {
        let server = takes_video(&[work], Some("/ambry/1")).await;
        let failure = with_video_at(&server, 17).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.words.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn a_video_whose_address_has_run_out_goes_up_again_and_what_is_not_all_of_it_never() {
    // An address that takes nothing any more.
    let server = takes_video(&[is("AVAILABLE")], None).await;
    assert_eq!(
        with_video_at(&server, 17).await.unwrap_err().class,
        Class::Transient
    );
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    // Instructions that leave out the last byte.
    let server = takes_video(&[is("AVAILABLE")], Some("/ambry/1")).await;
    assert_eq!(
        with_video_at(&server, 18).await.unwrap_err().class,
        Class::Transient
    );
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| request.method.as_str() != "PUT"));
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

/// As LinkedIn keeps what [`wanted`] says.
fn listed(urn: &str) -> Value {
    json!({
        "id": urn,
        "author": PAGE,
        "createdAt": at(1).as_millisecond(),
        "lastModifiedAt": at(1).as_millisecond(),
        "publishedAt": at(1).as_millisecond(),
        "commentary": r"Ten to two \(2002\). {hashtag|\#|Justice}",
        "content": { "article": { "source": "https://example.org/caso", "title": "example.org/caso" } },
        "lifecycleState": "PUBLISHED",
        "visibility": "PUBLIC",
    })
}

fn wanted() -> Prepared {
    let draft = Draft::text("Ten to two (2002). #Justice").link("https://example.org/caso");
    linkedin::request(&draft.out(), PAGE, &[])
}

async fn list(server: &MockServer, start: &str, posts: &[Value]) {
    Mock::given(method("GET"))
        .and(path("/rest/posts"))
        .and(header("x-restli-method", "FINDER"))
        .and(query_param("q", "author"))
        .and(query_param("author", PAGE))
        .and(query_param("sortBy", "LAST_MODIFIED"))
        .and(query_param("start", start))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "elements": posts })))
        .mount(server)
        .await;
}

async fn look(server: &MockServer, prepared: Prepared, among: &Among) -> Result<Found, Failure> {
    let key = Draft::text("").key();
    let account = Bench::new().open_at("linkedin", &server.uri());
    account.find(&Sealed { prepared, key }, among).await
}

async fn look_among(posts: &[Value], prepared: Prepared, taken: &[&str]) -> Found {
    let server = MockServer::start().await;
    list(&server, "0", posts).await;
    list(&server, "50", &[]).await;
    look(&server, prepared, &among(taken)).await.unwrap()
}

fn here(urn: &str) -> Found {
    let url = format!("https://www.linkedin.com/feed/update/{urn}/");
    Found::Here(Receipt::named(urn, Some(url)))
}

#[tokio::test]
async fn a_pages_post_is_found_by_its_words_whatever_linkedin_made_of_them() {
    assert_eq!(look_among(&[listed(SHARE)], wanted(), &[]).await, here(SHARE));
    assert_eq!(look_among(&[], wanted(), &[]).await, Found::Absent);
    // It is another post's, by its id or by the address that a person told.
    for taken in [
        SHARE,
        "https://www.linkedin.com/feed/update/urn:li:share:7141138937766391808",
    ] {
        assert_eq!(
            look_among(&[listed(SHARE)], wanted(), &[taken]).await,
            Found::Absent,
            "{taken}"
        );
    }
    let twice = [listed(SHARE), listed("urn:li:share:2")];
    assert!(matches!(
        look_among(&twice, wanted(), &[]).await,
        Found::Unclear(_)
    ));
    // It shortens links.
    let mut short = listed(SHARE);
    short["commentary"] = json!("Read https://lnkd.in/abc now");
    short["content"]["article"]["source"] = json!("https://lnkd.in/abc");
    let draft = Draft::text("Read https://example.org/a_very_long_address now");
    let long = linkedin::request(&draft.out(), PAGE, &[]);
    assert_eq!(look_among(&[short], long, &[]).await, here(SHARE));
}

#[tokio::test]
async fn what_is_older_or_has_other_things_beside_it_is_not_ours() {
    let with = |name: &str, value: Value| {
        let mut post = listed(SHARE);
        post[name] = value;
        post
    };
    for other in [
        with("createdAt", json!(at(-1).as_millisecond())),
        with("commentary", json!("Ten to three.")),
        with("content", json!({})),
        with("content", json!({ "media": { "id": IMAGE } })),
        with(
            "content",
            json!({ "article": { "source": "https://example.org/other" } }),
        ),
        with("reshareContext", json!({ "parent": "urn:li:share:1" })),
        with("lifecycleState", json!("PUBLISH_FAILED")),
        with("id", json!("urn:li:activity:7")),
    ] {
        let found = look_among(std::slice::from_ref(&other), wanted(), &[]).await;
        assert_eq!(found, Found::Absent, "{other}");
    }
    let images: Vec<String> = vec![IMAGE.into(), "urn:li:image:2".into()];
    let two = linkedin::request(&Draft::text("Two.").image().image().out(), PAGE, &images);
    let mut whole = listed(SHARE);
    whole["commentary"] = json!("Two.");
    whole["content"] = json!({ "multiImage": { "images": [{ "id": IMAGE }, { "id": "urn:li:image:2" }] } });
    assert_eq!(look_among(&[whole], two, &[]).await, here(SHARE));
    let reshare =
        linkedin::share_request(PAGE, "https://www.linkedin.com/feed/update/urn:li:share:1").unwrap();
    let mut shared = listed(SHARE);
    shared["commentary"] = json!("");
    shared["content"] = json!({});
    shared["reshareContext"] = json!({ "parent": "urn:li:share:1", "root": "urn:li:share:1" });
    assert_eq!(look_among(&[shared], reshare, &[]).await, here(SHARE));
}

#[tokio::test]
async fn the_list_is_read_back_to_the_intent() {
    let server = MockServer::start().await;
    // An old post that was edited stands before ours.
    let mut edited = listed("urn:li:share:1");
    edited["createdAt"] = json!(at(-900).as_millisecond());
    list(&server, "0", &[edited]).await;
    let mut old = listed("urn:li:share:2");
    old["createdAt"] = json!(at(-9).as_millisecond());
    old["lastModifiedAt"] = json!(at(-9).as_millisecond());
    list(&server, "50", &[listed(SHARE), old]).await;
    assert_eq!(look(&server, wanted(), &among(&[])).await, Ok(here(SHARE)));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_proves_nothing() {
    for (status, page, class) in [
        (
            429,
            json!({ "status": 429, "message": "Too many" }),
            Class::RateLimited { until: None },
        ),
        (500, json!({}), Class::Transient),
        (200, json!({}), Class::Transient),
        (200, json!({ "elements": [{ "id": 1 }] }), Class::Transient),
    ] {
        let server = MockServer::start().await;
        on(&server, "GET", "/rest/posts", status, page.clone()).await;
        let failure = look(&server, wanted(), &among(&[])).await.unwrap_err();
        assert_eq!(failure.class, class, "{page}");
    }
    let server = MockServer::start().await;
    let page = json!({ "status": 400, "message": "Parameter sortBy is not known" });
    on(&server, "GET", "/rest/posts", 400, page).await;
    assert!(matches!(
        look(&server, wanted(), &among(&[])).await,
        Ok(Found::Unclear(_))
    ));
    // A member's is read by nobody.
    let account = Bench::new().open_at("linkedin-member", &server.uri());
    let sealed = Sealed {
        prepared: wanted(),
        key: Draft::text("").key(),
    };
    let failure = account.find(&sealed, &among(&[])).await.unwrap_err();
    assert_eq!(failure.class, Class::InDoubt);
}

//! Tumblr: blocks, exact requests, its answers word for word, reblogs, and how a lost answer is found.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steadfast::platform::http::Answer;
use steadfast::platform::{Among, Deletion, Prepared, Sealed, tumblr};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::post::shared::Look;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, OneFilm, TOKEN, answer, deletion_of, delivery, now, receipt};

const UUID: &str = "t:0aY0xL2Fi1OFJg4YxpmegQ";
const ID: &str = "1234567891234567";
const POSTS: &str = "/v2/blog/casewatch/posts";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn slug() -> String {
    format!("sf-{}", delivery(0))
}

fn request(draft: &Draft) -> Prepared {
    tumblr::request(&draft.out(), "casewatch", None)
}

#[test]
fn a_text_is_one_block_with_its_links_marked_in_code_points_and_its_hashtags_as_tags() {
    let prepared = request(&Draft::text(
        "¡Mira 👩🏽 https://example.org/caso! #Justice #Justice #Caso",
    ));
    assert_eq!(prepared.path, POSTS);
    assert_eq!(
        body(&prepared),
        json!({
            "content": [
                {
                    "type": "text",
                    "text": "¡Mira 👩🏽 https://example.org/caso! #Justice #Justice #Caso",
                    "formatting": [{ "type": "link", "start": 9, "end": 33, "url": "https://example.org/caso" }],
                },
                { "type": "link", "url": "https://example.org/caso" },
            ],
            "state": "published",
            "slug": slug(),
            "tags": "Justice,Caso",
        })
    );
    assert_eq!(
        body(&request(&Draft::text("Plain."))),
        json!({ "content": [{ "type": "text", "text": "Plain." }], "state": "published", "slug": slug() })
    );
}

#[test]
fn a_link_is_a_card_and_images_stand_in_its_place_with_their_descriptions() {
    let draft = Draft::text("Read it.").link("https://example.org/caso");
    assert_eq!(
        body(&request(&draft))["content"],
        json!([{ "type": "text", "text": "Read it." }, { "type": "link", "url": "https://example.org/caso" }])
    );
    let content = &body(&request(&draft.image()))["content"];
    assert_eq!(content[0]["text"], "Read it.\n\nhttps://example.org/caso");
    assert_eq!(
        content[1],
        json!({
            "type": "image",
            "media": [{ "type": "image/png", "identifier": "media0", "width": 64, "height": 48 }],
            "alt_text": "The court",
        })
    );
    assert_eq!(content.as_array().unwrap().len(), 2);
}

#[test]
fn what_reblogs_names_the_post_its_blog_and_the_key() {
    let parent = tumblr::Parent {
        uuid: UUID.into(),
        id: 1_234_567_891_234_560,
        reblog_key: "k3y".into(),
    };
    let said = body(&tumblr::request(
        &Draft::text("").out(),
        "casewatch",
        Some(&parent),
    ));
    assert_eq!(said["content"], json!([]));
    assert_eq!(said["parent_tumblelog_uuid"], UUID);
    assert_eq!(said["parent_post_id"], json!(1_234_567_891_234_560_u64));
    assert_eq!(said["reblog_key"], "k3y");
}

#[test]
fn a_yes_has_an_id_of_64_bits_as_text() {
    let yes = r#"{"meta":{"status":201,"msg":"Created"},"response":{"id":"1234567891234567"}}"#;
    assert_eq!(tumblr::read(&answer(201, yes)).unwrap().id, ID);
    for (status, odd) in [
        (200, yes),
        (
            201,
            r#"{"meta":{"status":201,"msg":"Created"},"response":{"id":""}}"#,
        ),
        (
            201,
            r#"{"meta":{"status":201,"msg":"Created"},"response":{"id":"../1"}}"#,
        ),
        (201, r#"{"meta":{"status":201,"msg":"Created"},"response":[]}"#),
    ] {
        let failure = tumblr::read(&answer(status, odd)).unwrap_err();
        assert_eq!(failure.class, Class::InDoubt, "{odd}");
    }
}

fn problem(status: u16, msg: &str, code: u32, detail: &str) -> Answer {
    let page = json!({
        "meta": { "status": status, "msg": msg },
        "response": [],
        "errors": [{ "title": msg, "code": code, "detail": detail }],
    });
    answer(status, &page.to_string())
}

#[test]
fn each_refusal_is_of_the_class_that_its_code_says() {
    // Till midnight, UTC, or as long as is believed.
    let of_the_day = Class::RateLimited {
        until: Some(now() + SignedDuration::from_hours(6)),
    };
    for (answer, class) in [
        (
            problem(401, "Unauthorized", 5015, "The access token has expired"),
            Class::Auth,
        ),
        (problem(400, "Bad Request", 8001, "Invalid NPF"), Class::Rejected),
        (
            problem(403, "Forbidden", 8008, "You may not reblog this"),
            Class::Rejected,
        ),
        (
            problem(403, "Forbidden", 8004, "You've uploaded too many images today"),
            of_the_day,
        ),
        (
            problem(403, "Forbidden", 8023, "You've posted too much today"),
            of_the_day,
        ),
        (
            problem(403, "Forbidden", 8010, "Your last video is still transcoding"),
            Class::Transient,
        ),
        (problem(404, "Not Found", 0, ""), Class::Rejected),
        (
            problem(429, "Limit Exceeded", 0, ""),
            Class::RateLimited { until: None },
        ),
        (
            problem(500, "Internal Server Error", 8009, "Upload failed"),
            Class::InDoubt,
        ),
        (
            problem(503, "Service Unavailable", 0, "Posting is disabled"),
            Class::InDoubt,
        ),
        (answer(403, "<html>blocked</html>"), Class::InDoubt),
        // Another's page may be JSON, too.
        (
            answer(403, r#"{"meta":{"status":200,"msg":"OK"}}"#),
            Class::InDoubt,
        ),
    ] {
        let failure = tumblr::read(&answer).unwrap_err();
        assert_eq!(failure.class, class, "{}", String::from_utf8_lossy(&answer.body));
    }
    let failure = tumblr::read(&problem(400, "Bad Request", 8001, "Invalid NPF")).unwrap_err();
    assert_eq!(failure.words, "Bad Request; Invalid NPF");
}

#[test]
fn of_two_limits_the_one_that_is_used_up_is_waited_for() {
    let until = |headers: &[(&'static str, i64)]| {
        let mut answer = problem(429, "Limit Exceeded", 0, "");
        for (name, value) in headers {
            answer.headers.insert(*name, (*value).into());
        }
        match tumblr::read(&answer).unwrap_err().class {
            Class::RateLimited { until } => until.map(|until| until.duration_since(now()).as_secs()),
            class => panic!("{class:?}"),
        }
    };
    assert_eq!(
        until(&[
            ("x-ratelimit-perday-remaining", 17),
            ("x-ratelimit-perday-reset", 9000),
            ("x-ratelimit-perhour-remaining", 0),
            ("x-ratelimit-perhour-reset", 1200),
        ]),
        Some(1200)
    );
    assert_eq!(until(&[("retry-after", 60)]), Some(60));
}

#[test]
fn what_is_gone_is_deleted() {
    let read = |answer: &Answer| tumblr::read_deletion(answer).map_err(|f| f.class);
    let yes = answer(
        200,
        r#"{"meta":{"status":200,"msg":"OK"},"response":{"id":"1234567891234567"}}"#,
    );
    assert_eq!(read(&yes), Ok(()));
    assert_eq!(read(&problem(404, "Not Found", 0, "")), Ok(()));
    assert_eq!(read(&answer(404, "<html>not here</html>")), Err(Class::InDoubt));
    assert_eq!(read(&answer(200, "<html>sign in</html>")), Err(Class::InDoubt));
    assert_eq!(read(&problem(403, "Forbidden", 0, "")), Err(Class::Rejected));
}

async fn on(server: &MockServer, verb: &str, at: &str, status: u16, response: Value) {
    let page = json!({ "meta": { "status": status, "msg": "x" }, "response": response });
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(status).set_body_json(page))
        .mount(server)
        .await;
}

/// Where the one who signed in has two blogs.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    let blogs = json!([
        { "name": "other", "uuid": "t:x", "url": "https://other.tumblr.com/" },
        { "name": "casewatch", "uuid": UUID, "url": "https://www.casewatch.example/" },
    ]);
    let user = json!({ "user": { "name": "other", "blogs": blogs } });
    on(&server, "GET", "/v2/user/info", 200, user).await;
    server
}

#[tokio::test]
async fn a_blog_is_known_by_its_id_however_it_is_called() {
    let server = server().await;
    for (blog, is) in [
        ("casewatch", Ok(UUID)),
        ("CaseWatch.tumblr.com", Ok(UUID)),
        ("www.casewatch.example", Ok(UUID)),
        (UUID, Ok(UUID)),
        ("ally", Err(Class::Auth)),
    ] {
        let keys = format!(
            "base_url = '{}'\nblog = '{blog}'\naccess_token = 'SECRET({TOKEN})'",
            server.uri()
        );
        let known = Bench::new().open("tumblr", &keys).identity().await;
        let known = known.map_err(|failure| failure.class);
        assert_eq!(known, is.map(|uuid| Some(uuid.to_owned())), "{blog}");
    }
}

#[tokio::test]
async fn a_post_is_sent_as_json_and_has_the_address_of_its_blog() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path(POSTS))
        .and(body_json(body(&request(&Draft::text("Ten to two.")))))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "response": { "id": ID } })))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("tumblr", &server.uri());
    account.identity().await.unwrap();
    let done = Draft::text("Ten to two.").send(account.as_ref()).await.unwrap();
    assert_eq!(
        done.url.unwrap(),
        format!("https://www.tumblr.com/casewatch/{ID}")
    );
}

#[tokio::test]
async fn images_travel_with_the_post_after_what_it_says() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path(POSTS))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "response": { "id": ID } })))
        .mount(&server)
        .await;
    let account = Bench::new().open_at("tumblr", &server.uri());
    Draft::text("Two.")
        .image()
        .image()
        .send(account.as_ref())
        .await
        .unwrap();
    let requests = server.received_requests().await.unwrap();
    let form = String::from_utf8_lossy(&requests[0].body);
    let json = "name=\"json\"\r\nContent-Type: application/json\r\n";
    let files = [
        "name=\"media0\"; filename=\"image1.png\"",
        "name=\"media1\"; filename=\"image2.png\"",
    ];
    let places: Vec<usize> = [json]
        .into_iter()
        .chain(files)
        .map(|part| form.find(part).unwrap())
        .collect();
    assert!(places.is_sorted(), "{form}");
    assert!(
        form.contains("Content-Type: image/png") && !form.contains("\"files\""),
        "{form}"
    );
}

#[tokio::test]
async fn a_video_travels_with_the_post_after_what_it_says_and_never_in_a_reblog() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path(POSTS))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "response": { "id": ID } })))
        .mount(&server)
        .await;
    let mut bench = Bench::new();
    bench.films = Arc::new(OneFilm(b"ftyp and pictures"));
    let account = bench.open_at("tumblr", &server.uri());
    let draft = Draft::text("It moves.").video(b"ftyp and pictures");
    draft.send(account.as_ref()).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let form = String::from_utf8_lossy(&requests[0].body);
    let block = "{\"type\":\"video\",\"media\":{\"type\":\"video/mp4\",\"identifier\":\"media0\",\"width\":720,\"height\":1280}}";
    let file =
        "name=\"media0\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\nftyp and pictures\r\n";
    assert!(form.find(block).unwrap() < form.find(file).unwrap(), "{form}");

    let mut answers = Draft::text("It moves.").video(b"ftyp and pictures");
    answers.parent = Some(receipt("1234567891234566", None));
    let failure = account.prepare(&answers.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

/// A post as it is fetched, or listed.
fn shown(id: &str) -> Value {
    json!({
        "id_string": id,
        "blog": { "name": "ally", "uuid": "t:ally" },
        "reblog_key": "k3y",
        "slug": "we-stand",
        "timestamp": now().as_second(),
        "content": [{ "type": "text", "text": "We stand with them." }],
        "trail": [],
    })
}

#[tokio::test]
async fn a_share_reblogs_what_stands_at_its_address_and_an_answer_the_post_before() {
    let server = server().await;
    on(&server, "GET", "/v2/blog/ally/posts/77", 200, shown("77")).await;
    let mut own = shown("78");
    own["tumblelog_uuid"] = json!(UUID);
    on(&server, "GET", "/v2/blog/casewatch/posts/78", 200, own).await;
    let account = Bench::new().open_at("tumblr", &server.uri());
    let mut draft = Draft::text("");
    for url in [
        "https://www.tumblr.com/ally/77/we-stand?source=share",
        "https://www.tumblr.com/blog/view/ally/77",
        "https://ally.tumblr.com/post/77/we-stand",
        "https://www.tumblr.com/@ally/77",
    ] {
        draft.share = Some(url.into());
        let said = body(&account.prepare(&draft.out()).await.unwrap());
        assert_eq!(
            (&said["parent_tumblelog_uuid"], &said["parent_post_id"]),
            (&json!("t:ally"), &json!(77)),
            "{url}"
        );
        assert_eq!(said["content"], json!([]));
    }
    for url in [
        "https://www.tumblr.com/ally",
        "https://evil.example/ally/77",
        "https://eviltumblr.com/post/77",
        "https://www.tumblr.com/../77",
    ] {
        draft.share = Some(url.into());
        let failure = account.prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{url}");
    }
    let mut reply = Draft::text("And then.");
    reply.parent = Some(receipt("78", None));
    let said = body(&account.prepare(&reply.out()).await.unwrap());
    assert_eq!(
        (&said["parent_tumblelog_uuid"], &said["parent_post_id"]),
        (&json!(UUID), &json!(78))
    );
    assert_eq!(said["content"][0]["text"], "And then.");
    // It was deleted.
    reply.parent = Some(receipt("79", None));
    on(&server, "GET", "/v2/blog/casewatch/posts/79", 404, json!([])).await;
    let failure = account.prepare(&reply.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[test]
fn only_tumblr_itself_says_that_anothers_post_is_gone_and_other_words_are_another_post() {
    let there = |post: &Value| {
        let page = json!({ "meta": { "status": 200, "msg": "OK" }, "response": post });
        match tumblr::read_shared(&answer(200, &page.to_string())).unwrap() {
            Look::There(digest) => digest,
            Look::Gone => panic!("gone"),
        }
    };
    let with = |name: &str, value: Value| {
        let mut post = shown("77");
        post[name] = value;
        post
    };
    let one = there(&shown("77"));
    assert_eq!(one, there(&with("note_count", json!(7))));
    for other in [
        with("content", json!([{ "type": "text", "text": "We don't." }])),
        with(
            "content",
            json!([{ "type": "text", "text": "We stand with them." }, { "type": "image", "alt_text": "x" }]),
        ),
        with(
            "trail",
            json!([{ "content": [{ "type": "text", "text": "More." }] }]),
        ),
    ] {
        assert_ne!(one, there(&other), "{other}");
    }
    let image = |key: &str| {
        let media = json!([{ "media_key": key, "url": "https://64.media.tumblr.com/1" }]);
        there(&with("content", json!([{ "type": "image", "media": media }])))
    };
    assert_ne!(image("a"), image("b"));
    assert_eq!(
        tumblr::read_shared(&problem(404, "Not Found", 0, "")),
        Ok(Look::Gone)
    );
    let page = tumblr::read_shared(&answer(404, "<html>not here</html>")).unwrap_err();
    assert_eq!(page.class, Class::Transient);
}

#[tokio::test]
async fn a_post_is_deleted_by_its_number_however_it_is_known() {
    let server = server().await;
    let account = Bench::new().open_at("tumblr", &server.uri());
    let key = Draft::text("").key();
    let url = format!("https://casewatch.tumblr.com/post/{ID}/words");
    for receipt in [receipt(ID, None), Receipt::named("told", Some(url))] {
        let gone = Deletion {
            key,
            ..deletion_of(&receipt)
        };
        let prepared = account.prepare_deletion(&gone).await.unwrap();
        assert_eq!(prepared.path, "/v2/blog/casewatch/post/delete");
        assert_eq!(body(&prepared), json!({ "id": ID }));
    }
    on(
        &server,
        "POST",
        "/v2/blog/casewatch/post/delete",
        200,
        json!({ "id": ID }),
    )
    .await;
    let receipt = receipt(ID, None);
    let gone = Deletion {
        key,
        ..deletion_of(&receipt)
    };
    let prepared = account.prepare_deletion(&gone).await.unwrap();
    account.delete(&Sealed { prepared, key }).await.unwrap();
}

// How a lost answer is found.

fn among(taken: &[&str]) -> Among {
    Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    }
}

fn wanted() -> Prepared {
    request(&Draft::text("Ten to two.\n\nNot unanimous."))
}

/// As Tumblr keeps it, in blocks of its own.
fn listed(id: &str) -> Value {
    let mut post = shown(id);
    post["slug"] = json!("ten-to-two");
    post["content"] =
        json!([{ "type": "text", "text": "Ten to two." }, { "type": "text", "text": "Not unanimous." }]);
    post
}

async fn list(server: &MockServer, offset: &str, posts: &[Value]) {
    Mock::given(method("GET"))
        .and(path(POSTS))
        .and(query_param("npf", "true"))
        .and(query_param("reblog_info", "true"))
        .and(query_param("offset", offset))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(
                json!({ "meta": { "status": 200, "msg": "OK" }, "response": { "posts": posts } }),
            ),
        )
        .mount(server)
        .await;
}

async fn look(server: &MockServer, prepared: Prepared, among: &Among) -> Result<Found, Failure> {
    let key = Draft::text("").key();
    let account = Bench::new().open_at("tumblr", &server.uri());
    account.find(&Sealed { prepared, key }, among).await
}

async fn look_among(posts: &[Value], prepared: Prepared, taken: &[&str]) -> Found {
    let server = server().await;
    list(&server, "0", posts).await;
    list(&server, "20", &[]).await;
    look(&server, prepared, &among(taken)).await.unwrap()
}

fn here(id: &str) -> Found {
    Found::Here(Receipt::named(
        id,
        Some(format!("https://www.tumblr.com/casewatch/{id}")),
    ))
}

#[tokio::test]
async fn a_post_is_found_by_its_slug_else_by_its_words() {
    let mut slugged = listed("12");
    slugged["slug"] = json!(slug());
    slugged["content"] = json!([{ "type": "text", "text": "Somebody mended it." }]);
    // The slug is ours alone, whatever else is alike.
    assert_eq!(
        look_among(&[listed("11"), slugged], wanted(), &[]).await,
        here("12")
    );
    assert_eq!(look_among(&[listed("11")], wanted(), &[]).await, here("11"));
    assert_eq!(look_among(&[], wanted(), &[]).await, Found::Absent);
    for taken in ["11", "https://casewatch.tumblr.com/post/11/ten-to-two"] {
        assert_eq!(
            look_among(&[listed("11")], wanted(), &[taken]).await,
            Found::Absent,
            "{taken}"
        );
    }
    let twice = [listed("11"), listed("12")];
    assert!(matches!(
        look_among(&twice, wanted(), &[]).await,
        Found::Unclear(_)
    ));
    for (name, value) in [
        ("timestamp", json!(now().as_second() - 1)),
        ("content", json!([{ "type": "text", "text": "Ten to three." }])),
        ("parent_post_id", json!("77")),
        ("id_string", json!("x")),
    ] {
        let mut other = listed("11");
        other[name] = value;
        assert_eq!(look_among(&[other], wanted(), &[]).await, Found::Absent, "{name}");
    }
    // A reblog by what it reblogs.
    let parent = tumblr::Parent {
        uuid: UUID.into(),
        id: 77,
        reblog_key: "k3y".into(),
    };
    let reblog = tumblr::request(&Draft::text("").out(), "casewatch", Some(&parent));
    let mut reblogged = listed("13");
    reblogged["content"] = json!([]);
    reblogged["parent_post_id"] = json!("77");
    assert_eq!(look_among(&[reblogged], reblog, &[]).await, here("13"));
}

#[tokio::test]
async fn the_list_is_read_back_to_the_intent() {
    let server = server().await;
    let mut other = listed("14");
    other["content"] = json!([]);
    list(&server, "0", &[other]).await;
    let mut old = listed("9");
    old["timestamp"] = json!(now().as_second() - 60);
    list(&server, "20", &[listed("11"), old]).await;
    assert_eq!(look(&server, wanted(), &among(&[])).await, Ok(here("11")));
}

#[tokio::test]
async fn a_list_that_cannot_be_read_proves_nothing() {
    for (status, response, expected) in [
        (403, json!([]), "unclear"),
        (404, json!([]), "unclear"),
        (429, json!([]), "later"),
        (500, json!([]), "later"),
        (200, json!([]), "later"),
        (200, json!({ "posts": [{}] }), "later"),
    ] {
        let server = server().await;
        on(&server, "GET", POSTS, status, response.clone()).await;
        let said = match look(&server, wanted(), &among(&[])).await {
            Ok(Found::Unclear(_)) => "unclear",
            Err(failure) if matches!(failure.class, Class::Transient | Class::RateLimited { .. }) => "later",
            other => panic!("{status} {response}: {other:?}"),
        };
        assert_eq!(said, expected, "{status} {response}");
    }
}

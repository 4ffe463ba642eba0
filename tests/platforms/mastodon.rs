//! Mastodon: exact requests, and answers as real servers gave them.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use steadfast::platform::{Prepared, Sealed, mastodon};
use steadfast::post::outcome::Class;
use steadfast::post::shared::Look;
use steadfast::text::escape::Escape;
use steadfast::text::limits::{Doubt, LengthRule, Unit};
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, delivery, receipt};

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

#[test]
fn a_status_says_everything_and_leaves_out_what_is_unused() {
    let draft = Draft {
        warn: Some("discusses prison".into()),
        parent: Some(receipt("103254962155278888", None)),
        ..Draft::text("Lea el expediente.").link("https://example.org/caso")
    };
    let prepared = mastodon::request(&draft.out(), &["22348641".into()]);
    assert_eq!(prepared.path, "/api/v1/statuses");
    assert_eq!(
        body(&prepared),
        json!({
            "status": "Lea el expediente.\n\nhttps://example.org/caso",
            "spoiler_text": "discusses prison",
            "language": "es",
            "media_ids": ["22348641"],
            "in_reply_to_id": "103254962155278888",
        })
    );
    let prepared = mastodon::request(
        &Draft {
            language: "english".into(),
            ..Draft::text("Short.")
        }
        .out(),
        &[],
    );
    assert_eq!(body(&prepared), json!({ "status": "Short." }));
}

#[test]
fn answers_are_classed_by_status_and_by_the_servers_own_sentences() {
    let create = Prepared {
        path: "/api/v1/statuses".into(),
        body: String::new(),
    };
    let boost = Prepared {
        path: "/api/v1/statuses/77/reblog".into(),
        body: String::new(),
    };
    for (status, text, class) in [
        (401, "The access token is invalid", Class::Auth),
        (401, "Unauthorized: token not supplied", Class::Auth),
        (403, "This action is outside the authorized scopes", Class::Auth),
        (403, "Your login is currently disabled", Class::Auth),
        (403, "This action is not allowed", Class::Rejected),
        (
            404,
            "The post you are trying to reply to does not appear to exist.",
            Class::Rejected,
        ),
        (404, "Not Found: target status not found", Class::Rejected),
        (
            400,
            "Bad Request: text with spoiler exceed max chars (5000)",
            Class::Rejected,
        ),
        (
            400,
            "Bad Request: status contains no text, media or poll",
            Class::Rejected,
        ),
        (422, "Validation failed: Text can't be blank", Class::Rejected),
        (
            422,
            "Cannot attach a video to a post that already contains images",
            Class::Rejected,
        ),
        (
            422,
            "Cannot attach files that have not finished processing. Try again in a moment!",
            Class::Transient,
        ),
        (
            422,
            "Media 22348641 not found or already attached to another post",
            Class::Duplicate,
        ),
        (429, "Too many requests", Class::RateLimited { until: None }),
        (
            503,
            "There was a temporary problem serving your request, please try again",
            Class::InDoubt,
        ),
    ] {
        let failure =
            mastodon::read(&create, &answer(status, &json!({ "error": text }).to_string())).unwrap_err();
        assert_eq!((failure.class, failure.status), (class, Some(status)), "{text}");
        assert_eq!(failure.words, text);
    }
    let too_large = answer(413, "<html>413 Request Entity Too Large</html>");
    assert_eq!(
        mastodon::read(&create, &too_large).unwrap_err().class,
        Class::Rejected
    );

    let gone = answer(404, r#"{"error":"Record not found"}"#);
    // P26: the key is known and its status was deleted since.
    assert_eq!(mastodon::read(&create, &gone).unwrap_err().class, Class::Gone);
    // F25: the post to boost was deleted meanwhile.
    let refused = mastodon::read(&boost, &gone).unwrap_err();
    assert_eq!(
        (refused.class, refused.words.as_str()),
        (Class::Rejected, "Record not found")
    );
}

#[tokio::test]
async fn p37_p38_an_account_is_known_by_the_servers_own_id_as_far_as_the_token_may_look() {
    let me = |id: &str, name: &str| json!({"id": id, "username": name});
    let refused = |words: &str| json!({ "error": words });
    for (status, body, known) in [
        (200, me("7", "campaign"), Ok(true)),
        (200, me("7", "renamed"), Ok(true)),
        (
            403,
            refused("This action is outside the authorized scopes"),
            Ok(false),
        ),
        (404, refused("Not found"), Ok(false)),
        (403, refused("Your login is currently disabled"), Err(Class::Auth)),
        (401, refused("The access token is invalid"), Err(Class::Auth)),
        (503, refused("down"), Err(Class::Transient)),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/api/v1/accounts/verify_credentials"))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        let account = Bench::new().open_at("mastodon", &server.uri());
        let expected = known.map(|known| known.then(|| format!("7 on {}", server.uri())));
        for _ in 0..2 {
            let is = account.identity().await.map_err(|failure| failure.class);
            assert_eq!(is, expected, "{status}");
        }
        let asked = server.received_requests().await.unwrap().len();
        assert_eq!(asked, if known.is_ok() { 1 } else { 2 }, "what is known is kept");
    }
}

#[test]
fn a_receipt_is_read_from_what_servers_answer() {
    let create = Prepared {
        path: "/api/v1/statuses".into(),
        body: String::new(),
    };
    let taken = answer(
        200,
        r#"{"id":"01M841ZVW92VDD48PHED2BCAJP","created_at":"2026-11-23T11:17:20.395Z","in_reply_to_id":null,
            "uri":"https://m.example/users/bob/statuses/01M8","url":"https://m.example/@bob/statuses/01M8","poll":null}"#,
    );
    let done = mastodon::read(&create, &taken).unwrap();
    assert_eq!(done.id, "01M841ZVW92VDD48PHED2BCAJP");
    assert_eq!(done.url.as_deref(), Some("https://m.example/@bob/statuses/01M8"));
    let boosted = answer(
        200,
        r#"{"id":"9","url":null,"uri":"https://m.example/9/activity","reblog":{"id":"7","url":"https://o.example/7"}}"#,
    );
    assert_eq!(
        mastodon::read(&create, &boosted).unwrap().url.as_deref(),
        Some("https://o.example/7")
    );
}

async fn server(instance: Value) -> MockServer {
    let server = MockServer::start().await;
    let at = |verb, at| Mock::given(method(verb)).and(path(at));
    let ok = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    at("GET", "/api/v2/instance")
        .respond_with(ok(instance))
        .mount(&server)
        .await;
    at("POST", "/api/v1/statuses")
        .respond_with(ok(json!({ "id": "1" })))
        .mount(&server)
        .await;
    server
}

fn upstream() -> Value {
    json!({
        "version": "4.5.0",
        "source_url": "https://github.com/mastodon/mastodon",
        "api_versions": { "mastodon": 7 },
        "configuration": { "statuses": { "max_characters": 1000 }, "media_attachments": {} },
    })
}

#[tokio::test]
async fn one_request_goes_out_under_the_deliverys_key() {
    let server = server(upstream()).await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    Draft::text("A fair hearing.")
        .send(account.as_ref())
        .await
        .unwrap();
    Draft {
        index: 1,
        ..Draft::text("Two.")
    }
    .send(account.as_ref())
    .await
    .unwrap();

    let requests = server.received_requests().await.unwrap();
    let seen: Vec<String> = requests
        .iter()
        .map(|r| format!("{} {}", r.method, r.url.path()))
        .collect();
    // What the server is, it is asked once.
    assert_eq!(
        seen,
        [
            "GET /api/v2/instance",
            "POST /api/v1/statuses",
            "POST /api/v1/statuses"
        ]
    );
    let get = |name: &str| {
        requests[1]
            .headers
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(get("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(get("idempotency-key"), delivery(0).to_string());
    assert_eq!(get("content-type"), "application/json");
    assert_eq!(
        get("user-agent"),
        format!(
            "steadfast/{} (bot; +https://campaign.example)",
            env!("CARGO_PKG_VERSION")
        )
    );
    assert_eq!(
        requests[1].body,
        br#"{"status":"A fair hearing.","language":"es"}"#
    );
    assert_eq!(
        requests[2].headers.get("idempotency-key").unwrap(),
        &delivery(1).to_string()
    );
    assert!(requests[0].headers.get("authorization").is_none());
}

#[tokio::test]
async fn the_server_says_what_it_takes_and_that_is_remembered() {
    let gotosocial = json!({
        "version": "3.5.3+0.20.0-git",
        "source_url": "https://codeberg.org/superseriousbusiness/gotosocial",
        "configuration": {
            "statuses": { "max_characters": 5000, "max_media_attachments": 6, "characters_reserved_per_url": 25 },
            "media_attachments": {
                "image_size_limit": 41_943_040, "description_limit": 1500, "video_size_limit": 20_000_000,
                "video_matrix_limit": 2_304_000, "video_frame_rate_limit": 60,
            },
        },
    });
    let server = server(gotosocial).await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    assert_eq!(account.limits(), &mastodon::limits());
    account.prepare(&Draft::text("x").out()).await.unwrap();
    let learned = account.limits().clone();
    // It counts what is typed, and discounts nothing.
    assert_eq!(
        learned.length,
        LengthRule::Units {
            max: 5000,
            unit: Unit::CodePoints,
            escape: Escape::None
        }
    );
    assert_eq!((learned.max_images, learned.max_image_bytes), (6, 41_943_040));
    let video = learned.video.unwrap();
    assert_eq!(
        (video.max_bytes, video.max_pixels, video.max_rate),
        (20_000_000, Some(2_304_000), Some(60))
    );
    // It forgets idempotency keys: after an unknown outcome its list must say.
    let settle = std::time::Duration::from_mins(10);
    assert_eq!(learned.doubt, Doubt::ReadBack { settle });

    // `check` and `plan` know it too.
    let keys = toml::Table::from_iter([("base_url".to_owned(), server.uri().into())]);
    let entry = steadfast::platform::find("mastodon").unwrap();
    let known = |keys: &toml::Table| (entry.known_limits)(keys, bench.vault.path(), &bench.account);
    assert_eq!(known(&keys), learned);
    assert_eq!(known(&toml::Table::new()), mastodon::limits());

    // After a crash that is known before anybody is asked, but not of another server.
    assert_eq!(bench.open_at("mastodon", &server.uri()).limits(), &learned);
    assert_eq!(
        bench.open_at("mastodon", "https://m.example").limits(),
        &mastodon::limits()
    );
    let file = std::fs::metadata(bench.vault.path().join("instance-test.json")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_posts_prepared_at_once_one_asks_the_server_what_it_is() {
    let server = server(upstream()).await;
    let bench = Bench::new();
    let account: std::sync::Arc<dyn steadfast::platform::Platform> =
        bench.open_at("mastodon", &server.uri()).into();
    let mut posts = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let account = account.clone();
        posts.spawn(async move { account.prepare(&Draft::text("x").out()).await });
    }
    for prepared in posts.join_all().await {
        prepared.unwrap();
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn which_servers_honour_the_key() {
    for (instance, honours) in [
        (upstream(), true),
        (
            json!({ "version": "4.7.0-alpha.1+glitch", "source_url": "https://github.com/glitch-soc/mastodon" }),
            true,
        ),
        (
            json!({ "version": "4.0.2", "source_url": "https://github.com/hometown-fork/hometown" }),
            true,
        ),
        (json!({ "version": "0.20.0" }), false),
        (json!({ "version": "2.7.2 (compatible; Pixelfed 0.12)" }), false),
    ] {
        let server = server(instance.clone()).await;
        let bench = Bench::new();
        let account = bench.open_at("mastodon", &server.uri());
        account.prepare(&Draft::text("x").out()).await.unwrap();
        assert_eq!(
            account.limits().doubt == mastodon::limits().doubt,
            honours,
            "{instance}"
        );
    }
    // Mastodon before 4.0 has no such page.
    let old = MockServer::start().await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &old.uri());
    account.prepare(&Draft::text("x").out()).await.unwrap();
    assert_eq!(account.limits(), &mastodon::limits());
}

#[tokio::test]
async fn nothing_is_posted_to_a_server_that_never_said_what_it_is() {
    let down = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(500))
        .mount(&down)
        .await;
    let bench = Bench::new();
    let failure = bench
        .open_at("mastodon", &down.uri())
        .prepare(&Draft::text("x").out())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Transient);

    // One that was known before may be posted to, though that page is down.
    let known = json!({
        "base_url": down.uri(), "honours_keys": true, "max_characters": 500, "per_link": 23, "max_images": 4,
        "max_image_bytes": 1, "max_alt": 1500,
    });
    std::fs::write(bench.vault.path().join("instance-test.json"), known.to_string()).unwrap();
    bench
        .open_at("mastodon", &down.uri())
        .prepare(&Draft::text("x").out())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_image_is_uploaded_with_its_description_and_waited_for() {
    let server = server(upstream()).await;
    let media =
        |status, url: Value| ResponseTemplate::new(status).set_body_json(json!({ "id": "55", "url": url }));
    Mock::given(method("POST"))
        .and(path("/api/v2/media"))
        .respond_with(media(202, Value::Null))
        .mount(&server)
        .await;
    let poll = || Mock::given(method("GET")).and(path("/api/v1/media/55"));
    poll()
        .respond_with(media(206, Value::Null))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    poll()
        .respond_with(media(200, "https://m.example/55.png".into()))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    let prepared = account.prepare(&Draft::text("x").image().out()).await.unwrap();
    assert_eq!(body(&prepared)["media_ids"], json!(["55"]));
    let requests = server.received_requests().await.unwrap();
    let upload = String::from_utf8_lossy(&requests[1].body).into_owned();
    for piece in [
        "name=\"file\"; filename=\"image.png\"",
        "image/png",
        "\u{FFFD}PNG pixels",
        "name=\"description\"",
        "The court",
    ] {
        assert!(upload.contains(piece), "{piece} is not in {upload}");
    }
    assert_eq!(
        requests[1].headers.get("authorization").unwrap(),
        &format!("Bearer {TOKEN}")
    );
    assert_eq!(requests.len(), 4);
}

#[tokio::test]
async fn a_video_is_uploaded_with_its_description_and_waited_for_as_long_as_it_is_processed() {
    let server = server(upstream()).await;
    let media =
        |status, url: Value| ResponseTemplate::new(status).set_body_json(json!({ "id": "77", "url": url }));
    Mock::given(method("POST"))
        .and(path("/api/v2/media"))
        .respond_with(media(202, Value::Null))
        .expect(1)
        .mount(&server)
        .await;
    let poll = || Mock::given(method("GET")).and(path("/api/v1/media/77"));
    poll()
        .respond_with(media(206, Value::Null))
        .up_to_n_times(3)
        .mount(&server)
        .await;
    poll()
        .respond_with(media(200, "https://m.example/77.mp4".into()))
        .mount(&server)
        .await;
    let account = Bench::new().open_at("mastodon", &server.uri());
    let draft = Draft::text("x").video(b"ftyp and pictures");
    let prepared = account.prepare(&draft.out()).await.unwrap();
    assert_eq!(body(&prepared)["media_ids"], json!(["77"]));
    let requests = server.received_requests().await.unwrap();
    let upload = String::from_utf8_lossy(&requests[1].body).into_owned();
    for piece in [
        "name=\"file\"; filename=\"video.mp4\"",
        "video/mp4",
        "\r\n\r\nftyp and pictures\r\n",
        "name=\"description\"",
        "A march",
    ] {
        assert!(upload.contains(piece), "{piece} is not in {upload}");
    }
    let length = requests[1].headers.get("content-length").unwrap();
    assert_eq!(length, &requests[1].body.len().to_string());
    assert_eq!(requests.len(), 6);
    // Nothing was visible, so all of it may be done again.
    assert_eq!(server.received_requests().await.unwrap().len(), 6);
}

#[tokio::test]
async fn p39_a_video_that_can_not_be_processed_keeps_the_text_back() {
    let server = server(upstream()).await;
    Mock::given(path("/api/v2/media"))
        .respond_with(ResponseTemplate::new(202).set_body_json(json!({ "id": "77", "url": null })))
        .mount(&server)
        .await;
    let words = r#"{"error":"Validation failed: File is not a valid video"}"#;
    Mock::given(path("/api/v1/media/77"))
        .respond_with(ResponseTemplate::new(422).set_body_string(words))
        .mount(&server)
        .await;
    let account = Bench::new().open_at("mastodon", &server.uri());
    let draft = Draft::text("x").video(b"ftyp");
    let failure = account.prepare(&draft.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("not a valid video"), "{}", failure.words);
}

#[tokio::test]
async fn a_video_that_is_cut_off_on_its_way_is_uploaded_again_and_never_taken_for_whole() {
    let server = server(upstream()).await;
    let account = Bench::new().open_at("mastodon", &server.uri());
    let mut draft = Draft::text("x").video(b"ftyp and pictures");
    if let Some(video) = &mut draft.video {
        // The file has become shorter since it was looked at.
        video.footage.size += 1;
    }
    let failure = account.prepare(&draft.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|request| request.url.path() != "/api/v2/media")
    );
}

#[tokio::test]
async fn p39_an_image_that_is_refused_keeps_the_text_back() {
    for (status, body, class) in [
        (
            422,
            r#"{"error":"Unprocessable Entity: error processing media"}"#,
            Class::Rejected,
        ),
        (413, "<html>too large</html>", Class::Rejected),
        (401, r#"{"error":"The access token is invalid"}"#, Class::Auth),
        (500, "<html>oh</html>", Class::Transient),
        (200, "<html>portal</html>", Class::Transient),
    ] {
        let server = server(upstream()).await;
        let refuse = ResponseTemplate::new(status).set_body_string(body);
        Mock::given(path("/api/v2/media"))
            .respond_with(refuse)
            .mount(&server)
            .await;
        let bench = Bench::new();
        let account = bench.open_at("mastodon", &server.uri());
        let failure = account
            .prepare(&Draft::text("x").image().out())
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{status} {body}");
    }
}

#[tokio::test]
async fn f25_a_post_to_share_that_was_deleted_meanwhile_is_refused_with_the_reason() {
    let server = server(upstream()).await;
    Mock::given(path("/api/v2/search"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"statuses": []})))
        .mount(&server)
        .await;
    let share = Draft {
        share: Some("https://o.example/@ally/7".into()),
        ..Draft::text("")
    };
    let account = Bench::new().open_at("mastodon", &server.uri());
    let refused = share.send(&*account).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
    assert_eq!(
        refused.words,
        "127.0.0.1 finds no post at https://o.example/@ally/7"
    );
}

#[tokio::test]
async fn a_post_elsewhere_is_found_and_boosted() {
    let server = server(upstream()).await;
    let url = "https://o.example/@ally/7";
    let search = |found: Value| {
        Mock::given(method("GET"))
            .and(path("/api/v2/search"))
            .and(query_param("q", url))
            .and(query_param("resolve", "true"))
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "statuses": found })))
            .up_to_n_times(1)
    };
    search(json!([{ "id": "77", "url": url }])).mount(&server).await;
    Mock::given(method("POST"))
        .and(path("/api/v1/statuses/77/reblog"))
        .and(body_json(json!({})))
        .respond_with(|_: &Request| {
            ResponseTemplate::new(200).set_body_json(json!({ "id": "9", "reblog": { "id": "77" } }))
        })
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    let share = Draft {
        share: Some(url.into()),
        ..Draft::text("")
    };
    assert_eq!(share.send(account.as_ref()).await.unwrap().id, "9");

    search(json!([])).mount(&server).await;
    let failure = account.prepare(&share.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains(url), "{failure}");

    // An id that would lead to another path.
    search(json!([{ "id": "../../oauth" }])).mount(&server).await;
    assert_eq!(
        account.prepare(&share.out()).await.unwrap_err().class,
        Class::Rejected
    );
}

/// What is asked about the post that is to be shared, and what the answers come to.
#[tokio::test]
async fn an_allys_post_is_read_and_known_by_its_words_and_images() {
    let server = server(upstream()).await;
    let url = "https://o.example/@ally/7";
    let account = Bench::new().open_at("mastodon", &server.uri());
    let there = json!({ "id": "77", "url": url, "content": "<p>Ten to two.</p>", "spoiler_text": "",
        "media_attachments": [{ "id": "5", "description": "A court" }] });
    let with = |key: &str, value: Value| {
        let mut other = there.clone();
        other[key] = value;
        json!({ "statuses": [other] })
    };
    let mut looks = Vec::new();
    for found in [
        json!({ "statuses": [there.clone()] }),
        // The same, as another version of the server writes it.
        with("content", json!("<p>Ten to<br>two.</p>")),
        with("content", json!("<p>Ten to twelve.</p>")),
        with("spoiler_text", json!("prison")),
        with(
            "media_attachments",
            json!([{ "id": "6", "description": "A court" }]),
        ),
        with(
            "media_attachments",
            json!([{ "id": "5", "description": "A house" }]),
        ),
        json!({ "statuses": [] }),
    ] {
        Mock::given(method("GET"))
            .and(path("/api/v2/search"))
            .and(query_param("q", url))
            .and(query_param("resolve", "true"))
            .and(query_param("type", "statuses"))
            .and(query_param("limit", "1"))
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .respond_with(ResponseTemplate::new(200).set_body_json(found))
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
        looks.push(account.read(url).await.unwrap().unwrap());
    }
    assert!(matches!(looks[0], Look::There(_)));
    assert_eq!(looks[1], looks[0]);
    for other in &looks[2..] {
        assert_ne!(*other, looks[0]);
    }
    assert_eq!(looks[6], Look::Gone);
}

#[tokio::test]
async fn a_post_that_cant_be_read_now_is_not_taken_for_gone() {
    for (status, body, class) in [
        (503, "busy", Class::Transient),
        (200, "<html>", Class::Transient),
        (401, r#"{"error":"The access token is invalid"}"#, Class::Auth),
    ] {
        let server = server(upstream()).await;
        Mock::given(path("/api/v2/search"))
            .respond_with(ResponseTemplate::new(status).set_body_string(body))
            .mount(&server)
            .await;
        let account = Bench::new().open_at("mastodon", &server.uri());
        let failure = account.read("https://o.example/7").await.unwrap().unwrap_err();
        assert_eq!(failure.class, class, "{status} {body}");
    }
}

#[tokio::test]
async fn p25_a_frozen_request_is_sent_again_byte_for_byte_under_the_same_key() {
    let server = MockServer::start().await;
    let busy = r#"{"error":"There was a temporary problem serving your request, please try again"}"#;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503).set_body_string(busy))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "id": "1" })))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    let draft = Draft::text("Once.");
    let sealed = Sealed {
        prepared: mastodon::request(&draft.out(), &[]),
        key: draft.key(),
    };
    assert_eq!(account.publish(&sealed).await.unwrap_err().class, Class::InDoubt);
    assert_eq!(account.publish(&sealed).await.unwrap().id, "1");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(
        requests[0].headers.get("idempotency-key"),
        requests[1].headers.get("idempotency-key")
    );
}

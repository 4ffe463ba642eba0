//! Bluesky: exact records, sessions, and answers as a real server gave them.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use serde_json::{Value, json};
use steadfast::platform::{Prepared, Sealed, bluesky};
use steadfast::post::outcome::Class;
use steadfast::post::shared::Look;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

use crate::support::{Bench, DID, Draft, NOW, TOKEN, TOKEN_LIFE, answer, delivery, jwt, now, receipt};

const CREATE_SESSION: &str = "com.atproto.server.createSession";
const REFRESH_SESSION: &str = "com.atproto.server.refreshSession";
const PUT: &str = "com.atproto.repo.putRecord";
const GET: &str = "com.atproto.repo.getRecord";
const RESOLVE: &str = "com.atproto.identity.resolveHandle";
const UPLOAD: &str = "com.atproto.repo.uploadBlob";

fn found() -> bluesky::Found {
    bluesky::Found {
        did: DID.into(),
        ..Default::default()
    }
}

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn record(draft: &Draft) -> Value {
    body(&bluesky::request(&draft.out(), &found()))["record"].take()
}

#[test]
fn a_post_is_put_under_a_key_of_our_own_that_must_be_new() {
    let prepared = bluesky::request(&Draft::text("Hoy.").out(), &found());
    assert_eq!(prepared.path, "/xrpc/com.atproto.repo.putRecord");
    assert_eq!(
        body(&prepared),
        json!({
            "repo": DID,
            "collection": "app.bsky.feed.post",
            "rkey": "3n2y3ep2gseoe",
            "validate": true,
            "record": { "$type": "app.bsky.feed.post", "text": "Hoy.", "createdAt": NOW, "langs": ["es-MX"] },
            "swapRecord": null,
        })
    );
}

#[test]
fn keys_are_tids_that_rise_with_the_part_and_differ_between_posts_due_together() {
    let key = |draft: &Draft| {
        body(&bluesky::request(&draft.out(), &found()))["rkey"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let keys: Vec<String> = (0..200)
        .map(|index| {
            key(&Draft {
                index,
                ..Draft::text("")
            })
        })
        .collect();
    let tid = regex::Regex::new("^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$").unwrap();
    assert!(keys.iter().all(|key| tid.is_match(key)), "{keys:?}");
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    let mut other = Draft::text("").out().key;
    other.delivery = delivery(9);
    let draft = Draft::text("");
    let out = steadfast::platform::Outgoing {
        key: other,
        ..draft.out()
    };
    assert_ne!(body(&bluesky::request(&out, &found()))["rkey"], keys[0]);
}

#[test]
fn links_tags_and_mentions_are_facets_over_utf8_bytes() {
    let mut found = found();
    found.mentions = vec![("ally.example.com".into(), "did:plc:ally".into())];
    let draft = Draft::text("¿Qué? @ally.example.com @no.example.com example.org/caso #Ley");
    let record = body(&bluesky::request(&draft.out(), &found))["record"].take();
    let facet = |start: usize, end: usize, feature: Value| json!({ "index": { "byteStart": start, "byteEnd": end }, "features": [feature] });
    assert_eq!(
        record["facets"],
        json!([
            facet(
                8,
                25,
                json!({ "$type": "app.bsky.richtext.facet#mention", "did": "did:plc:ally" })
            ),
            facet(
                42,
                58,
                json!({ "$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/caso" })
            ),
            facet(
                59,
                63,
                json!({ "$type": "app.bsky.richtext.facet#tag", "tag": "Ley" })
            ),
        ])
    );
    let text = record["text"].as_str().unwrap();
    assert_eq!(&text[42..58], "example.org/caso");
}

#[test]
fn a_warning_stands_before_the_text_and_facets_move_with_it() {
    let record = record(&Draft {
        warn: Some("prisión".into()),
        ..Draft::text("#Ley")
    });
    assert_eq!(record["text"], "prisión\n\n#Ley");
    assert_eq!(record["facets"][0]["index"]["byteStart"], "prisión\n\n".len());
}

#[test]
fn a_link_makes_a_card_that_fetches_nothing() {
    let card = |uri: &str, title: &str| json!({ "$type": "app.bsky.embed.external", "external": { "uri": uri, "title": title, "description": "" } });
    let linked = record(&Draft::text("Lea.").link("https://www.example.org/caso/?a=1"));
    assert_eq!(
        linked["embed"],
        card("https://www.example.org/caso/?a=1", "example.org/caso")
    );
    assert_eq!(linked["text"], "Lea.");
    let written = record(&Draft::text("Lea example.org y https://b.example"));
    assert_eq!(written["embed"], card("https://example.org", "example.org"));
    assert_eq!(record(&Draft::text("Lea.")).get("embed"), None);
}

#[test]
fn images_take_the_place_of_a_card_and_the_link_goes_into_the_text() {
    let draft = Draft::text("Lea.").link("https://a.example").image();
    let blob = json!({ "$type": "blob", "ref": { "$link": "bafkrei" }, "mimeType": "image/png", "size": 11 });
    let found = bluesky::Found {
        blobs: vec![blob.clone()],
        ..found()
    };
    let record = body(&bluesky::request(&draft.out(), &found))["record"].take();
    let image = json!({ "image": blob, "alt": "The court", "aspectRatio": { "width": 64, "height": 48 } });
    assert_eq!(
        record["embed"],
        json!({ "$type": "app.bsky.embed.images", "images": [image] })
    );
    assert_eq!(record["text"], "Lea.\n\nhttps://a.example");
}

#[test]
fn an_answer_names_both_ends_of_the_thread() {
    let draft = Draft {
        parent: Some(receipt("at://d/app.bsky.feed.post/2", Some("bafy2"))),
        root: Some(receipt("at://d/app.bsky.feed.post/1", Some("bafy1"))),
        ..Draft::text("3")
    };
    let end = |n: u8| json!({ "uri": format!("at://d/app.bsky.feed.post/{n}"), "cid": format!("bafy{n}") });
    assert_eq!(
        record(&draft)["reply"],
        json!({ "root": end(1), "parent": end(2) })
    );
    let draft = Draft { root: None, ..draft };
    assert_eq!(
        record(&draft)["reply"],
        json!({ "root": end(2), "parent": end(2) })
    );
}

#[test]
fn answers_are_classed_by_their_error_name_first() {
    for (status, name, message, class) in [
        (400, "ExpiredToken", "Token has expired", Class::Transient),
        (400, "InvalidToken", "Token could not be verified", Class::Auth),
        (401, "AuthMissing", "Authentication Required", Class::Auth),
        (
            401,
            "AuthenticationRequired",
            "Invalid identifier or password",
            Class::Auth,
        ),
        (401, "AccountTakedown", "Account has been taken down", Class::Auth),
        (401, "AccountDeactivated", "Account is deactivated", Class::Auth),
        (403, "AccountNotFound", "Account not found", Class::Auth),
        (400, "InvalidToken", "Invalid token type", Class::Auth),
        (
            400,
            "InvalidRequest",
            "Invalid record key for app.bsky.feed.post: Invalid TID string (got \"x\") at $",
            Class::Rejected,
        ),
        (
            400,
            "InvalidRequest",
            "Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got 301) at $.record.text",
            Class::Rejected,
        ),
        (
            400,
            "InvalidRequest",
            "Invalid app.bsky.feed.post record: Missing required key \"createdAt\" at $.record",
            Class::Rejected,
        ),
        (400, "InvalidSwap", "Record was at bafyreib", Class::Duplicate),
        (202, "ExpiredToken", "Token has expired", Class::InDoubt),
        (302, "InvalidToken", "Token could not be verified", Class::InDoubt),
        (
            400,
            "BlobNotFound",
            "Could not find blob: bafkrei",
            Class::Transient,
        ),
        (
            413,
            "PayloadTooLarge",
            "request entity too large",
            Class::Rejected,
        ),
        (
            429,
            "RateLimitExceeded",
            "Rate Limit Exceeded",
            Class::RateLimited { until: None },
        ),
        (
            500,
            "InternalServerError",
            "Internal Server Error",
            Class::InDoubt,
        ),
        (502, "UpstreamFailure", "", Class::InDoubt),
    ] {
        let body = json!({ "error": name, "message": message }).to_string();
        let failure = bluesky::read(&answer(status, &body)).unwrap_err();
        assert_eq!(failure.class, class, "{name} {message}");
        assert!(
            failure.words.contains(message) && failure.words.starts_with(name),
            "{failure}"
        );
    }
    let mut limited = answer(
        429,
        r#"{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}"#,
    );
    limited.headers.insert(
        "ratelimit-reset",
        (now().as_second() + 300).to_string().parse().unwrap(),
    );
    let until = Some(now() + jiff::SignedDuration::from_secs(300));
    assert_eq!(
        bluesky::read(&limited).unwrap_err().class,
        Class::RateLimited { until }
    );
}

#[test]
fn a_receipt_keeps_what_answers_need() {
    let uri = format!("at://{DID}/app.bsky.feed.post/3lsteadfast2a");
    let with_commit = json!({ "uri": uri, "cid": "bafyrei1", "commit": { "cid": "c", "rev": "3n2x" }, "validationStatus": "valid" });
    // No commit: the same record was there already.
    let without = json!({ "uri": uri, "cid": "bafyrei1", "validationStatus": "valid" });
    for body in [with_commit, without] {
        let done = bluesky::read(&answer(200, &body.to_string())).unwrap();
        assert_eq!(
            (done.id.as_str(), done.pin.as_deref()),
            (uri.as_str(), Some("bafyrei1"))
        );
        assert_eq!(
            done.url,
            Some(format!("https://bsky.app/profile/{DID}/post/3lsteadfast2a"))
        );
    }
}

// On the wire.

fn at(verb: &str, name: &str) -> MockBuilder {
    Mock::given(method(verb)).and(path(format!("/xrpc/{name}")))
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn no(status: u16, name: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": name, "message": "…" }))
}

fn tokens(access: &str, life: i64) -> Value {
    json!({ "accessJwt": jwt(access, now().as_second() + life), "refreshJwt": jwt("refresh-2", 0), "did": DID, "handle": "campaign.example" })
}

fn done() -> Value {
    json!({ "uri": format!("at://{DID}/app.bsky.feed.post/3lx"), "cid": "bafy1" })
}

pub async fn server() -> MockServer {
    let server = MockServer::start().await;
    at("POST", CREATE_SESSION)
        .respond_with(ok(tokens("access", TOKEN_LIFE)))
        .mount(&server)
        .await;
    at("POST", PUT).respond_with(ok(done())).mount(&server).await;
    server
}

async fn seen(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|r| r.url.path().rsplit('.').next().unwrap().to_owned())
        .collect()
}

fn keys(server: &MockServer) -> String {
    format!(
        "base_url = '{}'\nidentifier = '@campaign.example'\napp_password = 'SECRET({TOKEN})'",
        server.uri()
    )
}

#[tokio::test]
async fn it_signs_in_once_and_stays_signed_in_over_restarts() {
    let server = server().await;
    let bench = Bench::new();
    for _ in 0..2 {
        let account = bench.open("bluesky", &keys(&server));
        for index in 0..2 {
            Draft {
                index,
                ..Draft::text("x")
            }
            .send(account.as_ref())
            .await
            .unwrap();
        }
    }
    assert_eq!(
        seen(&server).await,
        [
            "createSession",
            "putRecord",
            "putRecord",
            "putRecord",
            "putRecord"
        ]
    );
    let requests = server.received_requests().await.unwrap();
    let login: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(
        login,
        json!({ "identifier": "campaign.example", "password": TOKEN })
    );
    let access = jwt("access", now().as_second() + TOKEN_LIFE);
    assert_eq!(
        requests[1].headers.get("authorization").unwrap(),
        &format!("Bearer {access}")
    );
    let session = std::fs::metadata(bench.vault.path().join("session-test.json")).unwrap();
    assert_eq!(session.permissions().mode() & 0o777, 0o600);
    assert_eq!(bench.scrubber.scrub(&access), "***");

    // Another identifier is another account: its session is not that one.
    let other = keys(&server).replace("campaign.example", "other.example");
    Draft::text("x")
        .send(bench.open("bluesky", &other).as_ref())
        .await
        .unwrap();
    assert_eq!(seen(&server).await[5..], ["createSession", "putRecord"]);
}

#[tokio::test]
async fn everything_but_signing_in_goes_to_the_accounts_real_server() {
    let real = server().await;
    let entryway = MockServer::start().await;
    let mut session = tokens("access", TOKEN_LIFE);
    session["didDoc"] = json!({ "service": [
        { "id": "#other", "type": "x", "serviceEndpoint": { "odd": true } },
        { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": real.uri() },
    ] });
    at("POST", CREATE_SESSION)
        .respond_with(ok(session))
        .mount(&entryway)
        .await;
    let bench = Bench::new();
    Draft::text("x")
        .send(bench.open("bluesky", &keys(&entryway)).as_ref())
        .await
        .unwrap();
    assert_eq!(seen(&entryway).await, ["createSession"]);
    assert_eq!(seen(&real).await, ["putRecord"]);
}

#[tokio::test]
async fn p11_a_session_about_to_end_is_renewed_once_for_all_who_wait() {
    let server = server().await;
    at("POST", REFRESH_SESSION)
        .and(header(
            "authorization",
            format!("Bearer {}", jwt("refresh", 0)).as_str(),
        ))
        .respond_with(ok(tokens("access-2", TOKEN_LIFE)))
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    bench.sign_in(&server.uri(), 299);
    let account: Arc<dyn steadfast::platform::Platform> = bench.open("bluesky", &keys(&server)).into();
    let tasks: Vec<_> = (0..5)
        .map(|index| {
            let account = Arc::clone(&account);
            tokio::spawn(async move {
                Draft {
                    index,
                    ..Draft::text("x")
                }
                .send(account.as_ref())
                .await
                .unwrap()
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(
        seen(&server).await,
        [
            "refreshSession",
            "putRecord",
            "putRecord",
            "putRecord",
            "putRecord",
            "putRecord"
        ]
    );
    // The new pair is on the disk: the next process has it.
    Draft::text("x")
        .send(bench.open("bluesky", &keys(&server)).as_ref())
        .await
        .unwrap();
    assert_eq!(seen(&server).await.len(), 7);
}

#[tokio::test]
async fn a_refused_refresh_token_is_followed_by_the_password_and_then_by_a_person() {
    for refusal in [
        no(400, "ExpiredToken"),
        no(400, "InvalidToken"),
        no(401, "AuthMissing"),
    ] {
        let server = server().await;
        at("POST", REFRESH_SESSION)
            .respond_with(refusal)
            .mount(&server)
            .await;
        let bench = Bench::new();
        bench.sign_in(&server.uri(), 0);
        Draft::text("x")
            .send(bench.open("bluesky", &keys(&server)).as_ref())
            .await
            .unwrap();
        assert_eq!(
            seen(&server).await,
            ["refreshSession", "createSession", "putRecord"]
        );
    }
    for (refusal, class) in [
        (no(401, "AuthenticationRequired"), Class::Auth),
        (no(401, "AuthFactorTokenRequired"), Class::Auth),
        (no(429, "RateLimitExceeded"), Class::RateLimited { until: None }),
        (no(500, "InternalServerError"), Class::Transient),
        (
            ResponseTemplate::new(200).set_body_string("<html>portal</html>"),
            Class::Transient,
        ),
    ] {
        let server = MockServer::start().await;
        at("POST", CREATE_SESSION)
            .respond_with(refusal)
            .mount(&server)
            .await;
        let bench = Bench::new();
        let account = bench.open("bluesky", &keys(&server));
        let failure = account.prepare(&Draft::text("x").out()).await.unwrap_err();
        assert_eq!(failure.class, class);
        // Nor does publishing what is frozen get any further.
        let draft = Draft::text("x");
        let sealed = Sealed {
            prepared: bluesky::request(&draft.out(), &found()),
            key: draft.key(),
        };
        assert_eq!(account.publish(&sealed).await.unwrap_err().class, class);
        assert_eq!(seen(&server).await, ["createSession", "createSession"]);
    }
}

#[tokio::test]
async fn an_account_that_was_taken_down_is_said_to_be_so_and_not_that_its_password_is_wrong() {
    let server = server().await;
    let down = json!({ "error": "AccountTakedown", "message": "Account has been taken down" });
    at("POST", REFRESH_SESSION)
        .respond_with(ResponseTemplate::new(401).set_body_json(down))
        .mount(&server)
        .await;
    let bench = Bench::new();
    bench.sign_in(&server.uri(), 0);
    let account = bench.open("bluesky", &keys(&server));
    let failure = Draft::text("x").send(account.as_ref()).await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
    assert_eq!(failure.words, "AccountTakedown: Account has been taken down");
    assert_eq!(seen(&server).await, ["refreshSession"]);
}

#[tokio::test]
async fn nobody_is_asked_whose_it_is_that_can_be_no_handle() {
    let server = server().await;
    let account = Bench::new().open_at("bluesky", &server.uri());
    // Its answer to each of them would be a 500.
    let text = "@-a.com @a-.com @a..com @xn--.com";
    let record = body(&account.prepare(&Draft::text(text).out()).await.unwrap())["record"].take();
    assert!(record.get("facets").is_none(), "{record}");
    assert!(seen(&server).await.is_empty());
}

#[tokio::test]
async fn a_token_that_ends_in_mid_air_is_not_accepted_and_renewed_for_the_next_try() {
    let server = MockServer::start().await;
    at("POST", PUT)
        .respond_with(no(400, "ExpiredToken"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    at("POST", PUT).respond_with(ok(done())).mount(&server).await;
    at("POST", REFRESH_SESSION)
        .respond_with(ok(tokens("access-2", TOKEN_LIFE)))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("bluesky", &server.uri());
    let draft = Draft::text("x");
    let sealed = Sealed {
        prepared: bluesky::request(&draft.out(), &found()),
        key: draft.key(),
    };
    assert_eq!(
        account.publish(&sealed).await.unwrap_err().class,
        Class::Transient
    );
    // One call makes one visible request.
    assert_eq!(seen(&server).await, ["putRecord"]);
    account.publish(&sealed).await.unwrap();
    assert_eq!(seen(&server).await, ["putRecord", "refreshSession", "putRecord"]);
}

#[tokio::test]
async fn what_stands_under_our_key_is_ours_if_it_says_what_we_say() {
    let draft = Draft::text("¡Hoy!");
    let sealed = Sealed {
        prepared: bluesky::request(&draft.out(), &found()),
        key: draft.key(),
    };
    let put = body(&sealed.prepared);
    let mut ours = put["record"].clone();
    ours["createdAt"] = "2026-11-23T11:59:00Z".into();
    let mut other = ours.clone();
    other["text"] = "¡Ayer!".into();
    let there = |value: Value| {
        ok(
            json!({ "uri": format!("at://{DID}/app.bsky.feed.post/{}", put["rkey"].as_str().unwrap()), "cid": "bafyold", "value": value }),
        )
    };
    for (answer, class) in [
        (there(ours), None),
        (there(other), Some(Class::Rejected)),
        (no(400, "RecordNotFound"), Some(Class::InDoubt)),
        (no(500, "InternalServerError"), Some(Class::InDoubt)),
        (
            ResponseTemplate::new(200).set_body_string("<html>"),
            Some(Class::InDoubt),
        ),
    ] {
        let server = MockServer::start().await;
        at("POST", PUT)
            .respond_with(no(400, "InvalidSwap"))
            .expect(1)
            .mount(&server)
            .await;
        at("GET", GET)
            .and(query_param("repo", DID))
            .and(query_param("collection", "app.bsky.feed.post"))
            .and(query_param("rkey", put["rkey"].as_str().unwrap()))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        match (
            Bench::new()
                .open_at("bluesky", &server.uri())
                .publish(&sealed)
                .await,
            class,
        ) {
            (Ok(receipt), None) => assert_eq!(receipt.pin.as_deref(), Some("bafyold")),
            (Err(failure), Some(class)) => assert_eq!(failure.class, class, "{failure}"),
            (done, class) => panic!("{done:?} is not {class:?}"),
        }
    }
}

#[tokio::test]
async fn mentions_are_looked_up_and_an_unknown_one_stays_text() {
    let server = server().await;
    let ask = |handle| at("GET", RESOLVE).and(query_param("handle", handle));
    ask("ally.example.com")
        .respond_with(ok(json!({ "did": "did:plc:ally" })))
        .mount(&server)
        .await;
    ask("nobody.example.com")
        .respond_with(no(400, "InvalidRequest"))
        .mount(&server)
        .await;
    ask("broken.example.com")
        .respond_with(no(502, "UpstreamFailure"))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("bluesky", &server.uri());
    let draft = Draft::text("@ally.example.com @nobody.example.com");
    let record = body(&account.prepare(&draft.out()).await.unwrap())["record"].take();
    assert_eq!(record["facets"].as_array().unwrap().len(), 1);
    assert_eq!(record["facets"][0]["features"][0]["did"], "did:plc:ally");
    let failure = account
        .prepare(&Draft::text("@broken.example.com").out())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Transient);
}

#[tokio::test]
async fn images_are_uploaded_as_they_are_and_again_if_the_token_had_ended() {
    let server = server().await;
    let blob = json!({ "$type": "blob", "ref": { "$link": "bafkrei" }, "mimeType": "image/png", "size": 11 });
    at("POST", UPLOAD)
        .respond_with(no(400, "ExpiredToken"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    at("POST", UPLOAD)
        .and(header("content-type", "image/png"))
        .and(header("content-length", "11"))
        .respond_with(ok(json!({ "blob": blob })))
        .mount(&server)
        .await;
    at("POST", REFRESH_SESSION)
        .respond_with(ok(tokens("access-2", TOKEN_LIFE)))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("bluesky", &server.uri());
    let prepared = account.prepare(&Draft::text("x").image().out()).await.unwrap();
    assert_eq!(body(&prepared)["record"]["embed"]["images"][0]["image"], blob);
    assert_eq!(
        seen(&server).await,
        ["uploadBlob", "refreshSession", "uploadBlob"]
    );

    let full = MockServer::start().await;
    at("POST", UPLOAD)
        .respond_with(no(413, "PayloadTooLarge"))
        .mount(&full)
        .await;
    let account = bench.open_at("bluesky", &full.uri());
    let failure = account
        .prepare(&Draft::text("x").image().out())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[tokio::test]
async fn a_video_is_uploaded_as_it_is_and_embedded_with_its_description_and_shape() {
    let server = server().await;
    let blob =
        json!({ "$type": "blob", "ref": { "$link": "bafkreivideo" }, "mimeType": "video/mp4", "size": 17 });
    at("POST", UPLOAD)
        .and(header("content-type", "video/mp4"))
        .and(header("content-length", "17"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "blob": blob })))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("bluesky", &server.uri());
    let draft = Draft::text("Hoy.")
        .link("https://a.example/x")
        .video(b"ftyp and pictures");
    let prepared = account.prepare(&draft.out()).await.unwrap();
    let record = body(&prepared)["record"].take();
    assert_eq!(
        record["embed"],
        json!({
            "$type": "app.bsky.embed.video",
            "video": blob,
            "alt": "A march",
            "aspectRatio": { "width": 720, "height": 1280 },
        })
    );
    // Beside a video there is no card, so the link stands in the text.
    assert_eq!(record["text"], "Hoy.\n\nhttps://a.example/x");
    let requests = server.received_requests().await.unwrap();
    let upload = requests
        .iter()
        .find(|request| request.url.path().ends_with(UPLOAD))
        .unwrap();
    assert_eq!(upload.body, b"ftyp and pictures");

    let full = MockServer::start().await;
    at("POST", UPLOAD)
        .respond_with(no(413, "PayloadTooLarge"))
        .mount(&full)
        .await;
    let account = Bench::new().open_at("bluesky", &full.uri());
    let failure = account.prepare(&draft.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[tokio::test]
async fn p37_p38_an_account_is_known_by_its_did_whatever_its_handle() {
    let server = server().await;
    let account = Bench::new().open_at("bluesky", &server.uri());
    assert_eq!(account.identity().await.unwrap().as_deref(), Some(DID));
    assert!(seen(&server).await.is_empty(), "the session says so");
}

#[tokio::test]
async fn f25_a_post_to_share_that_was_deleted_meanwhile_is_refused_with_the_reason() {
    let server = server().await;
    at("GET", "app.bsky.feed.getPosts")
        .respond_with(ok(json!({"posts": []})))
        .mount(&server)
        .await;
    let draft = Draft {
        share: Some(format!("https://bsky.app/profile/{DID}/post/3k")),
        ..Draft::text("")
    };
    let account = Bench::new().open_at("bluesky", &server.uri());
    let refused = draft.send(&*account).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
    assert!(
        refused
            .words
            .starts_with("there is no such post (any more): https://bsky.app/"),
        "{refused}"
    );
}

#[tokio::test]
async fn an_allys_post_is_reposted_as_it_stands() {
    let server = server().await;
    at("GET", RESOLVE)
        .respond_with(ok(json!({ "did": "did:plc:ally" })))
        .mount(&server)
        .await;
    let uri = "at://did:plc:ally/app.bsky.feed.post/3lally";
    let posts = |posts: Value| {
        at("GET", "app.bsky.feed.getPosts")
            .and(query_param("uris", uri))
            .respond_with(ok(json!({ "posts": posts })))
    };
    posts(json!([{ "uri": uri, "cid": "bafyally", "likeCount": 3 }]))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("bluesky", &server.uri());
    let share = Draft {
        share: Some("https://bsky.app/profile/ally.example/post/3lally?ref=x".into()),
        ..Draft::text("")
    };
    let prepared = account.prepare(&share.out()).await.unwrap();
    let put = body(&prepared);
    assert_eq!(
        (&put["collection"], &put["swapRecord"]),
        (&json!("app.bsky.feed.repost"), &Value::Null)
    );
    assert_eq!(
        put["record"],
        json!({ "$type": "app.bsky.feed.repost", "subject": { "uri": uri, "cid": "bafyally" }, "createdAt": NOW })
    );
    // F25: it was deleted meanwhile.
    posts(json!([])).mount(&server).await;
    assert_eq!(
        account.prepare(&share.out()).await.unwrap_err().class,
        Class::Rejected
    );
    let nowhere = Draft {
        share: Some("https://example.org/post".into()),
        ..Draft::text("")
    };
    assert_eq!(
        account.prepare(&nowhere.out()).await.unwrap_err().class,
        Class::Rejected
    );
}

#[tokio::test]
async fn an_allys_post_is_read_and_known_by_its_cid() {
    let server = server().await;
    at("GET", RESOLVE)
        .respond_with(ok(json!({ "did": "did:plc:ally" })))
        .mount(&server)
        .await;
    let account = Bench::new().open_at("bluesky", &server.uri());
    let url = "https://bsky.app/profile/ally.example/post/3lally";
    let uri = "at://did:plc:ally/app.bsky.feed.post/3lally";
    let mut looks = Vec::new();
    for posts in [
        json!([{ "uri": uri, "cid": "bafyone", "likeCount": 3 }]),
        json!([{ "uri": uri, "cid": "bafyone", "likeCount": 4 }]),
        json!([{ "uri": uri, "cid": "bafytwo", "likeCount": 4 }]),
        json!([]),
    ] {
        at("GET", "app.bsky.feed.getPosts")
            .and(query_param("uris", uri))
            .respond_with(ok(json!({ "posts": posts })))
            .up_to_n_times(1)
            .expect(1)
            .mount(&server)
            .await;
        looks.push(account.read(url).await.unwrap().unwrap());
    }
    assert!(matches!(looks[0], Look::There(_)));
    assert_eq!(looks[1], looks[0]);
    assert_ne!(looks[2], looks[0]);
    assert_eq!(looks[3], Look::Gone);

    // With its account, the post is gone.
    let nobody = json!({ "error": "InvalidRequest", "message": "Unable to resolve handle" });
    at("GET", RESOLVE)
        .and(query_param("handle", "gone.example"))
        .respond_with(ResponseTemplate::new(400).set_body_json(nobody))
        .with_priority(1)
        .mount(&server)
        .await;
    let gone = account
        .read("https://bsky.app/profile/gone.example/post/3l")
        .await;
    assert_eq!(gone.unwrap().unwrap(), Look::Gone);

    at("GET", "app.bsky.feed.getPosts")
        .respond_with(ResponseTemplate::new(502).set_body_string("no"))
        .mount(&server)
        .await;
    let failure = account.read(url).await.unwrap().unwrap_err();
    assert_eq!(failure.class, Class::Transient);
}

#[tokio::test]
async fn a_receipt_that_a_person_entered_is_looked_up() {
    let server = server().await;
    let uri = format!("at://{DID}/app.bsky.feed.post/3lhand");
    at("GET", GET)
        .and(query_param("rkey", "3lhand"))
        .respond_with(ok(json!({ "uri": uri, "cid": "bafyhand", "value": {} })))
        .mount(&server)
        .await;
    at("GET", GET)
        .respond_with(no(400, "RecordNotFound"))
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("bluesky", &server.uri());
    let answering = |key: &str| Draft {
        parent: Some(receipt(
            &format!("https://bsky.app/profile/campaign.example/post/{key}"),
            None,
        )),
        ..Draft::text("x")
    };
    let record = body(&account.prepare(&answering("3lhand").out()).await.unwrap())["record"].take();
    assert_eq!(
        record["reply"]["parent"],
        json!({ "uri": uri, "cid": "bafyhand" })
    );
    assert_eq!(
        account
            .prepare(&answering("3lgone").out())
            .await
            .unwrap_err()
            .class,
        Class::Rejected
    );
}

#[tokio::test]
async fn the_record_goes_out_byte_for_byte_as_it_was_frozen() {
    let server = MockServer::start().await;
    let draft = Draft::text("Hoy.");
    let sealed = Sealed {
        prepared: bluesky::request(&draft.out(), &found()),
        key: draft.key(),
    };
    at("POST", PUT)
        .and(body_json(body(&sealed.prepared)))
        .respond_with(ok(done()))
        .expect(2)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("bluesky", &server.uri());
    for _ in 0..2 {
        account.publish(&sealed).await.unwrap();
    }
    for request in server.received_requests().await.unwrap() {
        assert_eq!(request.body, sealed.prepared.body.as_bytes());
        assert_eq!(request.headers.get("content-type").unwrap(), "application/json");
    }
}

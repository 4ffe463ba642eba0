//! Instagram: exact requests, its answers word for word, media that it fetches, and how a lost answer is found.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::platform::http::{Answer, BaseUrl};
use steadfast::platform::oauth::Client;
use steadfast::platform::secret::Secret;
use steadfast::platform::sign_in::Way;
use steadfast::platform::{Among, Deletion, Platform, Prepared, Sealed, find, instagram};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, deletion_of, now, receipt};

const ME: &str = "17841400000000001";
const CONTAINER: &str = "17889615691921648";
const POST: &str = "18000000000000002";

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
    on(
        &server,
        "GET",
        "/v25.0/me",
        json!({ "id": "9988", "user_id": ME }),
    )
    .await;
    server
}

fn account(bench: &Bench, server: &MockServer) -> Box<dyn Platform> {
    bench.open_at("instagram", &server.uri())
}

/// The forms that were posted to `at`, as `key=value` in a line each, addresses of media without their names.
async fn posted(server: &MockServer, at: &str) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let forms = requests
        .iter()
        .filter(|request| request.method == "POST" && request.url.path() == at);
    let shown = |request: &Request| {
        let pairs = url::form_urlencoded::parse(&request.body);
        let line = |(key, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            let value = value
                .split_once("/steadfast-")
                .map_or(&*value, |(address, _)| address);
            format!("{key}={value}")
        };
        pairs.map(line).collect::<Vec<_>>().join("\n")
    };
    forms.map(shown).collect()
}

fn trouble(status: u16, code: i64, sub: Option<i64>, message: &str) -> Answer {
    let page = json!({ "error": { "message": message, "type": "OAuthException", "code": code, "error_subcode": sub } });
    answer(status, &page.to_string())
}

fn template(answer: &Answer) -> ResponseTemplate {
    ResponseTemplate::new(answer.status).set_body_raw(answer.body.to_vec(), "application/json")
}

// What is said.

#[tokio::test]
async fn an_image_is_a_container_first_and_is_published_by_its_id() {
    let (server, bench) = (server().await, Bench::new());
    on(
        &server,
        "POST",
        &format!("/v25.0/{ME}/media"),
        json!({ "id": CONTAINER }),
    )
    .await;
    for (state, times) in [("IN_PROGRESS", Some(1)), ("FINISHED", None)] {
        let page =
            json!({ "id": CONTAINER, "status_code": state, "status": "Finished: Media has been uploaded." });
        let mock = Mock::given(path(format!("/v25.0/{CONTAINER}")))
            .and(query_param("fields", "id,status_code,status"))
            .respond_with(ResponseTemplate::new(200).set_body_json(page));
        match times {
            Some(times) => mock.up_to_n_times(times).mount(&server).await,
            None => mock.mount(&server).await,
        }
    }
    on(
        &server,
        "POST",
        &format!("/v25.0/{ME}/media_publish"),
        json!({ "id": POST }),
    )
    .await;
    let page = "https://www.instagram.com/p/DAbc_1-x/";
    on(
        &server,
        "GET",
        &format!("/v25.0/{POST}"),
        json!({ "id": POST, "permalink": page }),
    )
    .await;
    let draft = Draft::text("¿Qué falta? #Caso")
        .link("https://example.org/caso")
        .image();
    let done = draft.send(account(&bench, &server).as_ref()).await.unwrap();
    assert_eq!(done, Receipt::named(POST, Some(page.into())));
    assert_eq!(
        posted(&server, &format!("/v25.0/{ME}/media")).await,
        [
            "image_url=https://media.example\nalt_text=The court\ncaption=¿Qué falta? #Caso\n\nhttps://example.org/caso"
        ]
    );
    assert_eq!(
        posted(&server, &format!("/v25.0/{ME}/media_publish")).await,
        [format!("creation_id={CONTAINER}")]
    );
}

#[tokio::test]
async fn several_images_are_a_carousel_and_a_video_is_a_reel() {
    let (server, bench) = (server().await, Bench::new());
    on(
        &server,
        "POST",
        &format!("/v25.0/{ME}/media"),
        json!({ "id": CONTAINER }),
    )
    .await;
    let ready = json!({ "id": CONTAINER, "status_code": "FINISHED" });
    on(&server, "GET", &format!("/v25.0/{CONTAINER}"), ready).await;
    let account = account(&bench, &server);
    account
        .prepare(&Draft::text("Two.").image().image().out())
        .await
        .unwrap();
    account
        .prepare(&Draft::text("It moves.").video(b"ftyp").out())
        .await
        .unwrap();
    let child = "image_url=https://media.example\nalt_text=The court\nis_carousel_item=true";
    assert_eq!(
        posted(&server, &format!("/v25.0/{ME}/media")).await,
        [
            child,
            child,
            &format!("media_type=CAROUSEL\nchildren={CONTAINER},{CONTAINER}\ncaption=Two."),
            "media_type=REELS\nvideo_url=https://media.example\ncaption=It moves.",
        ]
    );
    let failure = account
        .prepare(&Draft::text("Words alone.").out())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[tokio::test]
async fn a_container_that_fails_is_refused_for_good_or_made_anew_as_its_number_says() {
    for (status, class) in [
        (
            "Error: Media upload has failed with error code 2207026",
            Class::Rejected,
        ),
        (
            "Error: The aspect ratio is not supported (2207009)",
            Class::Rejected,
        ),
        (
            "Error: Media upload has failed with error code 2207053",
            Class::Transient,
        ),
        (
            "Error: The media could not be fetched from this uri: 2207052",
            Class::Transient,
        ),
    ] {
        let (server, bench) = (server().await, Bench::new());
        on(
            &server,
            "POST",
            &format!("/v25.0/{ME}/media"),
            json!({ "id": CONTAINER }),
        )
        .await;
        let page = json!({ "status_code": "ERROR", "status": status });
        on(&server, "GET", &format!("/v25.0/{CONTAINER}"), page).await;
        let failure = account(&bench, &server)
            .prepare(&Draft::text("x").image().out())
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{status}");
        assert!(failure.words.contains("2207"), "{failure}");
    }
}

#[test]
fn each_refusal_is_of_the_class_that_its_numbers_say() {
    let limited = Class::RateLimited { until: None };
    for (status, code, sub, class) in [
        (400, 9, Some(2_207_042), limited),
        (400, 80002, None, limited),
        (400, 190, Some(463), Class::Auth),
        (403, 10, None, Class::Auth),
        (403, 25, Some(2_207_050), Class::Auth),
        (400, 4, Some(2_207_051), Class::Auth),
        (400, 1, Some(2_207_051), Class::Auth),
        (400, 36003, Some(2_207_009), Class::Rejected),
        (400, 100, Some(2_207_010), Class::Rejected),
        // Its container is asked.
        (400, 9007, Some(2_207_027), Class::InDoubt),
        (400, 24, Some(2_207_020), Class::InDoubt),
        (400, 2, None, Class::InDoubt),
        (500, 36000, None, Class::InDoubt),
    ] {
        let failure = instagram::read(&trouble(status, code, sub, "No.")).unwrap_err();
        assert_eq!(failure.class, class, "{status} {code} {sub:?}");
    }
}

// Whose it is, and what is deleted.

#[tokio::test]
async fn an_account_is_known_by_its_own_number_and_not_by_the_apps_for_it() {
    let (server, bench) = (server().await, Bench::new());
    assert_eq!(
        account(&bench, &server).identity().await.unwrap().as_deref(),
        Some(ME)
    );
    let folder = bench.vault.path().display();
    let other = bench.open(
        "instagram",
        &format!(
            "base_url = '{}'\naccess_token = 'SECRET({TOKEN})'\nuser_id = '9988'\nmedia_folder = '{folder}'\nmedia_url = 'https://media.example'",
            server.uri()
        ),
    );
    let failure = other.identity().await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
    assert!(failure.words.contains("user_id"), "{failure}");
}

#[tokio::test]
async fn only_by_its_page_an_account_deletes_what_it_posted() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    let told = receipt(POST, None);
    let gone = deletion_of(&told);
    let own = account(&bench, &server);
    assert!(!own.limits().delete);
    assert_eq!(
        own.prepare_deletion(&gone).await.unwrap_err().class,
        Class::Rejected
    );
    let keys = format!(
        "base_url = 'https://graph.facebook.com'\naccess_token = 'SECRET({TOKEN})'\nuser_id = '{ME}'\nmedia_folder = '/srv/m'\nmedia_url = 'https://media.example'"
    );
    let by_page = bench.open("instagram", &keys);
    assert!(by_page.limits().delete);
    let prepared = by_page.prepare_deletion(&gone).await.unwrap();
    assert_eq!(prepared.path, format!("/v25.0/{POST}"));
    // What is planned by the keys alone says the same.
    let table: toml::Table = keys.replace("SECRET", "").parse().unwrap();
    let limits = find("instagram")
        .unwrap()
        .limits_of(&table, bench.vault.path(), &bench.account);
    assert!(limits.delete);
}

#[tokio::test]
async fn signing_in_gives_a_token_for_sixty_days_in_either_shape_of_its_answer() {
    let flat =
        json!({ "access_token": "short", "user_id": 17_841_400_000_000_001_u64, "permissions": ["a"] });
    for first in [flat.clone(), json!({ "data": [flat] })] {
        let (server, bench) = (MockServer::start().await, Bench::new());
        let Way::Code(oauth) = instagram::SIGN_IN.way else {
            panic!("it is by a code")
        };
        let client = Client {
            oauth,
            base: Some(BaseUrl::parse(&server.uri()).unwrap()),
            id: "app".into(),
            secret: Some(Secret::new("s3cret")),
            page: None,
        };
        let asked = client.ask("https://campaign.example/back").unwrap();
        Mock::given(method("POST"))
            .and(path("/oauth/access_token"))
            .respond_with(ResponseTemplate::new(200).set_body_json(first))
            .mount(&server)
            .await;
        for (at, kind, of, becomes) in [
            ("/access_token", "ig_exchange_token", "short", "long"),
            ("/refresh_access_token", "ig_refresh_token", "long", "longer"),
        ] {
            let token = json!({ "access_token": becomes, "token_type": "bearer", "expires_in": 5_183_944 });
            Mock::given(path(at))
                .and(query_param("grant_type", kind))
                .and(query_param("access_token", of))
                .respond_with(ResponseTemplate::new(200).set_body_json(token))
                .mount(&server)
                .await;
        }
        let grant = client.trade(&bench.http, asked, "code").await.unwrap();
        assert_eq!(grant.access.expose(), "long");
        let renewed = client.renew(&bench.http, &grant).await.unwrap();
        assert_eq!(renewed.access.expose(), "longer");
    }
}

#[tokio::test]
async fn likes_and_comments_are_counted_and_hidden_likes_are_not_nought() {
    let (server, bench) = (server().await, Bench::new());
    on(
        &server,
        "GET",
        "/v25.0/18",
        json!({ "id": "18", "like_count": 7, "comments_count": 2 }),
    )
    .await;
    on(
        &server,
        "GET",
        "/v25.0/19",
        json!({ "id": "19", "comments_count": 0 }),
    )
    .await;
    let of = [receipt("18", None), receipt("19", None), comment()];
    // The last is a comment, of which other things are told: it is not asked for.
    let told = account(&bench, &server).engagement(&of).await.unwrap();
    let counts = |likes, replies| Counts {
        likes,
        replies: Some(replies),
        ..Counts::default()
    };
    assert_eq!(told, [counts(Some(7), 2), counts(None, 0), Counts::default()]);
}

// What answers an earlier post.

const COMMENT: &str = "17870913679156914";
const SHORT: &str = "https://www.instagram.com/p/DAbc/";

fn reply(text: &str, parent: Receipt) -> Draft {
    Draft {
        parent: Some(parent),
        ..Draft::text(text)
    }
}

/// As it is kept.
fn comment() -> Receipt {
    Receipt {
        pin: Some(POST.into()),
        ..Receipt::named(COMMENT, Some(SHORT.into()))
    }
}

#[tokio::test]
async fn an_answer_is_a_comment_on_the_post() {
    let (server, bench) = (server().await, Bench::new());
    let place = format!("/v25.0/{POST}/comments");
    on(&server, "POST", &place, json!({ "id": COMMENT })).await;
    let shown = json!({ "id": POST, "permalink": SHORT });
    on(&server, "GET", &format!("/v25.0/{POST}"), shown).await;
    let posts =
        json!({ "data": [{ "id": POST, "timestamp": at(-9), "permalink": SHORT, "media_type": "IMAGE" }] });
    on(&server, "GET", &format!("/v25.0/{ME}/media"), posts).await;
    let account = account(&bench, &server);
    for parent in [
        receipt(POST, None),
        // What answers a comment is one on the same post.
        comment(),
        // As a person tells it.
        Receipt::named(SHORT, Some(SHORT.into())),
    ] {
        let draft = reply("Ten & two.", parent).link("https://example.org/a");
        let prepared = account.prepare(&draft.out()).await.unwrap();
        let expected = Prepared {
            path: place.clone(),
            body: json!({ "media": POST, "message": "Ten & two.\n\nhttps://example.org/a" }).to_string(),
        };
        assert_eq!(prepared, expected);
        let done = draft.send(account.as_ref()).await.unwrap();
        assert_eq!(done, comment());
    }
    let sent = posted(&server, &place).await;
    assert_eq!(sent.len(), 3);
    assert!(
        sent.iter()
            .all(|form| form == "message=Ten & two.\n\nhttps://example.org/a"),
        "{sent:?}"
    );
    let pictured = reply("Look.", receipt(POST, None)).image();
    let elsewhere = reply(
        "Read it.",
        Receipt::named("https://www.instagram.com/p/DOther/", None),
    );
    for refused in [pictured, elsewhere] {
        let failure = account.prepare(&refused.out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{failure}");
    }
}

#[test]
fn a_comment_that_is_not_allowed_holds_no_account() {
    let denied = trouble(
        400,
        10,
        None,
        "Application does not have permission for this action",
    );
    let failure = instagram::read_comment(&denied).unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(
        failure.words.contains("instagram_business_manage_comments"),
        "{failure}"
    );
    for (answer, class) in [
        (trouble(400, 190, None, "expired"), Class::Auth),
        (trouble(400, 368, None, "blocked"), Class::Auth),
        (trouble(400, 100, Some(33), "no such post"), Class::Rejected),
        (
            trouble(400, 4, None, "slow down"),
            Class::RateLimited { until: None },
        ),
        (trouble(500, 1, None, "unknown"), Class::InDoubt),
        (answer(200, "{}"), Class::InDoubt),
        (answer(404, "<html>"), Class::InDoubt),
    ] {
        let failure = instagram::read_comment(&answer).unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}

#[tokio::test]
async fn a_comment_is_deleted_by_either_sign_in() {
    let (server, bench) = (server().await, Bench::new());
    on(
        &server,
        "DELETE",
        &format!("/v25.0/{COMMENT}"),
        json!({ "success": true }),
    )
    .await;
    let account = account(&bench, &server);
    assert!(!account.limits().delete);
    let (receipt, key) = (comment(), Draft::text("").key());
    let gone = Deletion {
        below: true,
        key,
        ..deletion_of(&receipt)
    };
    let prepared = account.prepare_deletion(&gone).await.unwrap();
    assert_eq!(prepared.path, format!("/v25.0/{COMMENT}"));
    account.delete(&Sealed { prepared, key }).await.unwrap();
}

async fn look_for_comment(name: Option<&str>, comments: ResponseTemplate, taken: &[&str]) -> Found {
    let (server, bench) = (MockServer::start().await, Bench::new());
    Mock::given(path("/v25.0/me"))
        .and(query_param("fields", "id,user_id,username"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "id": "9988", "user_id": ME, "username": name })),
        )
        .mount(&server)
        .await;
    Mock::given(path(format!("/v25.0/{POST}/comments")))
        .and(query_param("fields", "id,text,timestamp,username"))
        .respond_with(comments)
        .mount(&server)
        .await;
    on(
        &server,
        "GET",
        &format!("/v25.0/{POST}"),
        json!({ "id": POST, "permalink": SHORT }),
    )
    .await;
    let among = Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    };
    let account = account(&bench, &server);
    let draft = reply("Read it. Now.", receipt(POST, None));
    let prepared = account.prepare(&draft.out()).await.unwrap();
    let key = draft.key();
    account.find(&Sealed { prepared, key }, &among).await.unwrap()
}

#[tokio::test]
async fn a_lost_comment_is_looked_for_on_its_post() {
    let of = |name: &str, text: &str, minutes: i64| json!({ "id": COMMENT, "text": text, "timestamp": at(minutes), "username": name });
    let ours = of("casewatch", "Read it.\nNow.", 1);
    let us = Some("casewatch");
    let found = look_for_comment(us, list(std::slice::from_ref(&ours)), &[]).await;
    assert_eq!(found, Found::Here(comment()));
    // Whose it is, must be told.
    let found = look_for_comment(None, list(std::slice::from_ref(&ours)), &[]).await;
    assert!(matches!(found, Found::Unclear(_)), "{found:?}");
    let mut nobodys = ours.clone();
    nobodys["username"] = Value::Null;
    let found = look_for_comment(us, list(std::slice::from_ref(&nobodys)), &[]).await;
    assert!(matches!(found, Found::Unclear(_)), "{found:?}");
    nobodys["id"] = json!("17");
    let found = look_for_comment(us, list(&[nobodys.clone(), ours.clone()]), &[]).await;
    assert_eq!(found, Found::Here(comment()));
    nobodys["text"] = json!("Read it!");
    let found = look_for_comment(us, list(std::slice::from_ref(&nobodys)), &[]).await;
    assert_eq!(found, Found::Absent);
    let found = look_for_comment(None, list(std::slice::from_ref(&ours)), &[COMMENT]).await;
    assert_eq!(found, Found::Absent);
    let found = look_for_comment(us, list(std::slice::from_ref(&ours)), &[COMMENT]).await;
    assert_eq!(found, Found::Absent);
    for other in [
        of("somebody", "Read it. Now.", 1),
        of("casewatch", "Read it.", 1),
        of("casewatch", "Read it. Now.", -1),
    ] {
        let found = look_for_comment(us, list(std::slice::from_ref(&other)), &[]).await;
        assert_eq!(found, Found::Absent, "{other}");
    }
    let closed = template(&trouble(403, 10, None, "No permission"));
    assert!(matches!(
        look_for_comment(us, closed, &[]).await,
        Found::Unclear(_)
    ));
}

// How a lost answer is found.

fn at(minutes: i64) -> String {
    let at: Timestamp = now().saturating_add(SignedDuration::from_mins(minutes)).unwrap();
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

fn listed(id: &str, minutes: i64) -> Value {
    json!({ "id": id, "caption": "Ten to two.", "timestamp": at(minutes), "media_type": "IMAGE",
        "permalink": format!("https://www.instagram.com/p/D{id}/") })
}

fn here(id: &str) -> Found {
    Found::Here(Receipt::named(
        id,
        Some(format!("https://www.instagram.com/p/D{id}/")),
    ))
}

fn prepared() -> Prepared {
    let draft = Draft::text("Ten to two.").image();
    let beside = instagram::beside(&draft.out(), &["https://media.example/1.png"]);
    instagram::request(
        ME,
        CONTAINER,
        &instagram::told(&draft.out(), &beside, &[]),
        &beside,
    )
}

async fn look(state: &str, list: ResponseTemplate, taken: &[&str]) -> Result<Found, Failure> {
    let (server, bench) = (server().await, Bench::new());
    let page = json!({ "status_code": state, "status": "Error: 2207026" });
    on(&server, "GET", &format!("/v25.0/{CONTAINER}"), page).await;
    Mock::given(path(format!("/v25.0/{ME}/media")))
        .respond_with(list)
        .mount(&server)
        .await;
    let among = Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    };
    let sealed = Sealed {
        prepared: prepared(),
        key: Draft::text("").key(),
    };
    account(&bench, &server).find(&sealed, &among).await
}

fn list(posts: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "data": posts }))
}

#[tokio::test]
async fn the_container_knows_whether_it_was_published_and_the_list_as_what() {
    let ours = [listed("12", 1), listed("11", -5)];
    assert_eq!(look("PUBLISHED", list(&ours), &[]).await, Ok(here("12")));
    assert_eq!(look("PUBLISHED", list(&[]), &[]).await, Ok(Found::Working));
    assert_eq!(look("FINISHED", list(&[]), &[]).await, Ok(Found::Absent));
    assert_eq!(look("IN_PROGRESS", list(&[]), &[]).await, Ok(Found::Working));
    assert_eq!(look("EXPIRED", list(&[]), &[]).await, Ok(Found::Lapsed));
    assert!(matches!(
        look("ERROR", list(&[]), &[]).await,
        Ok(Found::Refused(_))
    ));
    for taken in ["12", "https://instagram.com/p/D12"] {
        assert_eq!(
            look("FINISHED", list(&ours), &[taken]).await,
            Ok(Found::Absent),
            "{taken}"
        );
    }
    for (key, value) in [
        ("caption", "Other."),
        ("media_type", "VIDEO"),
        ("timestamp", &at(-1)),
    ] {
        let mut other = listed("12", 1);
        other[key] = json!(value);
        assert_eq!(
            look("FINISHED", list(&[other]), &[]).await,
            Ok(Found::Absent),
            "{key}"
        );
    }
}

#[tokio::test]
async fn the_list_is_read_until_it_is_older_than_the_intent() {
    let more = json!({ "cursors": { "after": "QVFI" }, "next": "https://graph.instagram.com/next" });
    let old = json!({ "data": [listed("13", 2), listed("11", -1)], "paging": more });
    let page = ResponseTemplate::new(200).set_body_json(old);
    assert_eq!(
        look("FINISHED", page, &["13"]).await,
        Ok(Found::Absent),
        "no more pages are turned"
    );
    let closed = template(&trouble(403, 10, None, "No permission"));
    assert!(matches!(
        look("PUBLISHED", closed.clone(), &[]).await,
        Ok(Found::Unclear(_))
    ));
    assert_eq!(look("FINISHED", closed, &[]).await, Ok(Found::Absent));
    let tired = look("PUBLISHED", ResponseTemplate::new(500), &[])
        .await
        .unwrap_err();
    assert_eq!(tired.class, Class::Transient);
}

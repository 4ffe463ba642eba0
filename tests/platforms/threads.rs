//! Threads: exact requests, its answers word for word, media that it fetches, and how a lost answer is found.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::platform::http::{Answer, BaseUrl};
use steadfast::platform::oauth::{Client, Grant};
use steadfast::platform::secret::Secret;
use steadfast::platform::sign_in::Way;
use steadfast::platform::{Among, Deletion, Platform, Prepared, Sealed, threads};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use wiremock::matchers::{any, body_string, body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, deletion_of, now, receipt};

const ME: &str = "25000000000000001";
const CONTAINER: &str = "17889615691921648";
const POST: &str = "18000000000000002";
const PAGE: &str = "https://www.threads.net/@casewatch/post/DAbc_1-x";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
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
    on(&server, "GET", "/v1.0/me", json!({ "id": ME })).await;
    server
}

/// Where everything is made ready at once.
async fn willing() -> MockServer {
    let server = server().await;
    on(
        &server,
        "POST",
        &format!("/v1.0/{ME}/threads"),
        json!({ "id": CONTAINER }),
    )
    .await;
    let ready = json!({ "id": CONTAINER, "status": "FINISHED" });
    on(&server, "GET", &format!("/v1.0/{CONTAINER}"), ready).await;
    let yes = json!({ "id": POST });
    on(&server, "POST", &format!("/v1.0/{ME}/threads_publish"), yes).await;
    server
}

fn account(bench: &Bench, server: &MockServer) -> Box<dyn Platform> {
    bench.open_at("threads", &server.uri())
}

/// The forms that were posted to `at`.
async fn posted(server: &MockServer, at: &str) -> Vec<Vec<(String, String)>> {
    let requests = server.received_requests().await.unwrap();
    let forms = requests
        .iter()
        .filter(|request| request.method == "POST" && request.url.path() == at);
    let pairs = |request: &Request| url::form_urlencoded::parse(&request.body).into_owned().collect();
    forms.map(pairs).collect()
}

fn pairs(told: &[(&str, &str)]) -> Vec<(String, String)> {
    told.iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

// What is said.

#[tokio::test]
async fn a_text_is_a_container_first_and_is_published_by_its_id() {
    let server = willing().await;
    let shown = json!({ "id": POST, "permalink": PAGE });
    on(&server, "GET", &format!("/v1.0/{POST}"), shown).await;
    let bench = Bench::new();
    let account = account(&bench, &server);
    let draft = Draft::text("¿Qué falta? 1 < 2 & 3").link("https://example.org/caso");
    let frozen = account.prepare(&draft.out()).await.unwrap();
    assert_eq!(frozen.path, format!("/v1.0/{ME}/threads_publish"));
    assert_eq!(
        body(&frozen),
        json!({
            "creation_id": CONTAINER,
            "said": {
                "media_type": "TEXT",
                "text": "¿Qué falta? 1 < 2 & 3",
                "link_attachment": "https://example.org/caso",
            },
        })
    );
    let made = posted(&server, &format!("/v1.0/{ME}/threads")).await;
    let told = pairs(&[
        ("media_type", "TEXT"),
        ("text", "¿Qué falta? 1 < 2 & 3"),
        ("link_attachment", "https://example.org/caso"),
    ]);
    assert_eq!(made, [told]);
    let key = draft.key();
    let done = account
        .publish(&Sealed {
            prepared: frozen,
            key,
        })
        .await
        .unwrap();
    assert_eq!((done.id.as_str(), done.url.as_deref()), (POST, Some(PAGE)));
    let published = posted(&server, &format!("/v1.0/{ME}/threads_publish")).await;
    assert_eq!(published, [pairs(&[("creation_id", CONTAINER)])]);
}

#[tokio::test]
async fn a_post_whose_address_is_not_told_is_out_all_the_same() {
    for page in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(json!({ "id": POST })),
    ] {
        let server = willing().await;
        Mock::given(path(format!("/v1.0/{POST}")))
            .respond_with(page)
            .mount(&server)
            .await;
        let bench = Bench::new();
        let done = Draft::text("Out.")
            .send(account(&bench, &server).as_ref())
            .await
            .unwrap();
        assert_eq!(done, Receipt::named(POST, None));
    }
}

#[test]
fn what_a_part_answers_is_told_by_its_number_and_a_link_beside_media_stands_in_the_text() {
    let mut draft = Draft::text("And then.").link("https://example.org/caso");
    let told = threads::told(&draft.out(), Some("18000000000000001"), &[], &[]);
    assert_eq!(
        told.last().unwrap(),
        &("reply_to_id", "18000000000000001".to_owned())
    );
    draft = draft.image();
    let beside = threads::beside(&draft.out(), &["https://m.example/1.png"]);
    let told = threads::told(&draft.out(), None, &beside, &[]);
    let expected = [
        ("media_type", "IMAGE"),
        ("image_url", "https://m.example/1.png"),
        ("alt_text", "The court"),
        ("text", "And then.\n\nhttps://example.org/caso"),
    ];
    let told: Vec<(&str, &str)> = told.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(told, expected);
}

/// What the server saw on the shelf while it was asked to make a container.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Vec<u8>>>>);

/// Fetches as Meta does, when it is asked to make a container.
async fn fetching(server: &MockServer, bench: &Bench) -> Seen {
    let seen = Seen::default();
    let (folder, fetched) = (bench.vault.path().to_owned(), seen.clone());
    let nth = Mutex::new(0);
    Mock::given(method("POST"))
        .and(path(format!("/v1.0/{ME}/threads")))
        .respond_with(move |request: &Request| {
            for (key, value) in url::form_urlencoded::parse(&request.body) {
                if matches!(&*key, "image_url" | "video_url") {
                    let name = value.strip_prefix("https://media.example/").unwrap();
                    fetched
                        .0
                        .lock()
                        .unwrap()
                        .push(std::fs::read(folder.join(name)).unwrap());
                }
            }
            let mut nth = nth.lock().unwrap();
            *nth += 1;
            ResponseTemplate::new(200).set_body_json(json!({ "id": format!("{nth}") }))
        })
        .mount(server)
        .await;
    seen
}

fn on_the_shelf(bench: &Bench) -> usize {
    let names = std::fs::read_dir(bench.vault.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.to_string_lossy().starts_with("steadfast-"))
        .count()
}

#[tokio::test]
async fn images_lie_where_meta_fetches_them_until_their_containers_are_ready() {
    let (server, bench) = (server().await, Bench::new());
    let seen = fetching(&server, &bench).await;
    for id in ["1", "2", "3"] {
        on(
            &server,
            "GET",
            &format!("/v1.0/{id}"),
            json!({ "id": id, "status": "FINISHED" }),
        )
        .await;
    }
    let mut draft = Draft::text("Two images.").image().image();
    draft.images[1].bytes = b"other pixels".as_slice().into();
    draft.images[1].alt = String::new();
    let frozen = account(&bench, &server).prepare(&draft.out()).await.unwrap();
    assert_eq!(
        *seen.0.lock().unwrap(),
        [b"\x89PNG pixels".to_vec(), b"other pixels".to_vec()]
    );
    assert_eq!(on_the_shelf(&bench), 0, "nothing stays");
    let said = body(&frozen);
    assert_eq!(said["creation_id"], "3");
    assert_eq!(
        said["said"],
        json!({ "media_type": "CAROUSEL", "children": "1,2", "text": "Two images." })
    );
    assert_eq!(said["children"][0]["alt_text"], "The court");
    assert_eq!(said["children"][1].get("alt_text"), None);
    let forms = posted(&server, &format!("/v1.0/{ME}/threads")).await;
    let of_a_carousel =
        |form: &[(String, String)]| form.contains(&("is_carousel_item".into(), "true".into()));
    let carousel: Vec<bool> = forms.iter().map(|form| of_a_carousel(form)).collect();
    assert_eq!(carousel, [true, true, false]);
}

#[tokio::test]
async fn a_video_is_waited_for() {
    let (server, bench) = (server().await, Bench::new());
    let seen = fetching(&server, &bench).await;
    Mock::given(path("/v1.0/1"))
        .and(query_param("fields", "id,status,error_message"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "id": "1", "status": "IN_PROGRESS" })))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    on(
        &server,
        "GET",
        "/v1.0/1",
        json!({ "id": "1", "status": "FINISHED" }),
    )
    .await;
    let draft = Draft::text("It moves.").video(b"ftyp and pictures");
    let frozen = account(&bench, &server).prepare(&draft.out()).await.unwrap();
    assert_eq!(*seen.0.lock().unwrap(), [b"ftyp and pictures".to_vec()]);
    let said = &body(&frozen)["said"];
    assert_eq!(
        (&said["media_type"], &said["alt_text"]),
        (&json!("VIDEO"), &json!("A march"))
    );
    let name = said["video_url"].as_str().unwrap().rsplit('.').next();
    assert_eq!(name, Some("mp4"));
    assert_eq!(on_the_shelf(&bench), 0);
}

#[tokio::test]
async fn without_a_folder_there_are_no_images() {
    let (server, bench) = (willing().await, Bench::new());
    let keys = format!("base_url = '{}'\naccess_token = 'SECRET({TOKEN})'", server.uri());
    let account = bench.open("threads", &keys);
    assert_eq!((account.limits().max_images, account.limits().video), (0, None));
    let failure = account
        .prepare(&Draft::text("x").image().out())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("media_folder"), "{failure}");
}

#[tokio::test]
async fn a_container_that_fails_is_refused_for_good_or_made_anew_as_it_says_why() {
    for (page, class) in [
        (
            json!({ "status": "ERROR", "error_message": "INVALID_ASPEC_RATIO" }),
            Class::Rejected,
        ),
        (
            json!({ "status": "ERROR", "error_message": "FAILED_DOWNLOADING_VIDEO" }),
            Class::Transient,
        ),
        (
            json!({ "status": "ERROR", "error_message": "UNKNOWN" }),
            Class::Transient,
        ),
        (json!({ "status": "ERROR" }), Class::Transient),
        (json!({ "status": "EXPIRED" }), Class::Transient),
        (json!({ "status": "PUBLISHED" }), Class::Transient),
        (json!({ "status": "MADE UP" }), Class::Transient),
    ] {
        let (server, bench) = (server().await, Bench::new());
        on(
            &server,
            "POST",
            &format!("/v1.0/{ME}/threads"),
            json!({ "id": CONTAINER }),
        )
        .await;
        on(&server, "GET", &format!("/v1.0/{CONTAINER}"), page.clone()).await;
        let failure = account(&bench, &server)
            .prepare(&Draft::text("x").image().out())
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{page}");
        assert_eq!(on_the_shelf(&bench), 0);
    }
}

#[tokio::test]
async fn a_parent_that_is_not_seen_everywhere_yet_is_waited_for() {
    for (code, sub) in [(24, 4_279_009), (100, 33)] {
        for (parent, class) in [
            (Some(receipt("18000000000000001", None)), Class::Transient),
            (None, Class::Rejected),
        ] {
            if (code, &parent) == (24, &None) {
                continue;
            }
            let (server, bench) = (server().await, Bench::new());
            let page = trouble(400, code, Some(sub), "The requested resource does not exist");
            Mock::given(path(format!("/v1.0/{ME}/threads")))
                .respond_with(template(&page))
                .mount(&server)
                .await;
            let mut draft = Draft::text("And then.");
            draft.parent = parent;
            let failure = account(&bench, &server).prepare(&draft.out()).await.unwrap_err();
            assert_eq!(failure.class, class, "{code}");
        }
    }
}

// What it answers.

fn trouble(status: u16, code: i64, sub: Option<i64>, message: &str) -> Answer {
    let page = json!({ "error": { "message": message, "type": "OAuthException", "code": code, "error_subcode": sub,
        "is_transient": false, "fbtrace_id": "AbC" } });
    answer(status, &page.to_string())
}

fn template(answer: &Answer) -> ResponseTemplate {
    ResponseTemplate::new(answer.status).set_body_raw(answer.body.to_vec(), "application/json")
}

#[test]
fn each_refusal_is_of_the_class_that_its_numbers_say() {
    let limited = Class::RateLimited { until: None };
    for (status, code, sub, class) in [
        (400, 190, Some(463), Class::Auth),
        (401, 190, Some(460), Class::Auth),
        (400, 102, None, Class::Auth),
        (403, 10, None, Class::Auth),
        (403, 200, None, Class::Auth),
        (400, 299, None, Class::Auth),
        (400, 368, None, Class::Auth),
        (400, 100, Some(2_207_051), Class::Auth),
        (400, 4, None, limited),
        (403, 32, None, limited),
        (400, 80002, None, limited),
        (400, 9, Some(2_207_042), limited),
        (429, 1, None, limited),
        (400, 506, None, Class::Duplicate),
        (400, 100, None, Class::Rejected),
        (400, 100, Some(33), Class::Rejected),
        (400, 368, Some(1_346_003), Class::Rejected),
        // Nobody knows: the container is asked.
        (400, 24, Some(4_279_009), Class::InDoubt),
        (400, 1, None, Class::InDoubt),
        (400, 2, None, Class::InDoubt),
        (500, 100, None, Class::InDoubt),
        (500, 4, None, Class::InDoubt),
        (200, 100, None, Class::InDoubt),
    ] {
        let failure = threads::read(&trouble(status, code, sub, "No.")).unwrap_err();
        assert_eq!(failure.class, class, "{status} {code} {sub:?}");
        assert!(failure.words.starts_with("No. (code "), "{failure}");
    }
    let passing = r#"{"error":{"message":"Later.","code":9,"is_transient":true}}"#;
    assert_eq!(
        threads::read(&answer(400, passing)).unwrap_err().class,
        Class::InDoubt
    );
    let odd = threads::read(&answer(400, r#"{"error":"no"}"#)).unwrap_err();
    assert_eq!(odd.class, Class::InDoubt, "not Meta's own shape");
}

#[test]
fn words_for_people_and_numbers_for_metas_support_are_kept() {
    let page = r#"{"error":{"message":"Error validating access token","code":190,"error_subcode":463,"error_user_msg":"Bitte melde dich an.","fbtrace_id":"Az8"}}"#;
    assert_eq!(
        threads::read(&answer(400, page)).unwrap_err().words,
        "Error validating access token: Bitte melde dich an. (code 190/463, trace Az8)"
    );
}

#[test]
fn until_when_is_told_in_minutes() {
    let until = |told: &str| {
        let mut answer = trouble(400, 80002, None, "There have been too many calls");
        answer
            .headers
            .insert("x-business-use-case-usage", told.parse().unwrap());
        match threads::read(&answer).unwrap_err().class {
            Class::RateLimited { until } => until.map(|until| until.duration_since(now()).as_secs()),
            class => panic!("{class:?}"),
        }
    };
    let told = |minutes: i64| {
        format!(
            r#"{{"17":[{{"type":"instagram","call_count":100,"estimated_time_to_regain_access":{minutes}}},{{"type":"x"}}]}}"#
        )
    };
    assert_eq!(until(&told(19)), Some(19 * 60));
    assert_eq!(until(&told(10_000)), Some(6 * 3600), "not believed");
    assert_eq!(until(&told(0)), None);
    assert_eq!(until("{}"), None);
    assert_eq!(until("soon"), None);
}

#[test]
fn a_yes_names_the_post_or_is_a_doubt() {
    assert_eq!(
        threads::read(&answer(200, r#"{"id":"18000000000000002"}"#))
            .unwrap()
            .id,
        POST
    );
    for page in [
        r#"{"id":"../me"}"#,
        r#"{"id":"1__2"}"#,
        r#"{"id":18000000000000002}"#,
        r#"{"success":true}"#,
    ] {
        assert_eq!(
            threads::read(&answer(200, page)).unwrap_err().class,
            Class::InDoubt,
            "{page}"
        );
    }
}

// Whose it is, and what is deleted.

#[tokio::test]
async fn signing_in_gives_a_token_for_sixty_days_which_renews_itself() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    let Way::Code(oauth) = threads::SIGN_IN.way else {
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
    assert!(
        asked
            .url
            .as_str()
            .contains("scope=threads_basic%2Cthreads_content_publish%2C"),
        "{}",
        asked.url
    );
    let token =
        |token: &str| json!({ "access_token": token, "token_type": "bearer", "expires_in": 5_183_944 });
    Mock::given(method("POST"))
        .and(path("/oauth/access_token"))
        .and(body_string_contains("client_id=app&client_secret=s3cret"))
        .and(body_string_contains("code=code"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({ "access_token": "short", "user_id": 25_000_000_000_000_001_u64 })),
        )
        .expect(1)
        .mount(&server)
        .await;
    for (at, kind, of, becomes) in [
        ("/access_token", "th_exchange_token", "short", "long"),
        ("/refresh_access_token", "th_refresh_token", "long", "longer"),
    ] {
        Mock::given(method("GET"))
            .and(path(at))
            .and(query_param("grant_type", kind))
            .and(query_param("access_token", of))
            .respond_with(ResponseTemplate::new(200).set_body_json(token(becomes)))
            .expect(1)
            .mount(&server)
            .await;
    }
    let grant = client.trade(&bench.http, asked, "code").await.unwrap();
    assert_eq!(grant.access.expose(), "long");
    let days = |grant: &Grant| grant.expires.unwrap().duration_since(now()).as_hours() / 24;
    assert_eq!(days(&grant), 59);
    let renewed = client.renew(&bench.http, &grant).await.unwrap();
    assert_eq!((renewed.access.expose(), days(&renewed)), ("longer", 59));
}

#[tokio::test]
async fn a_token_of_another_account_is_refused_where_its_number_is_known() {
    let (server, bench) = (server().await, Bench::new());
    let open = |user: &str| {
        let keys = format!(
            "base_url = '{}'\naccess_token = 'SECRET({TOKEN})'\nuser_id = '{user}'",
            server.uri()
        );
        bench.open("threads", &keys)
    };
    assert_eq!(open(ME).identity().await.unwrap().as_deref(), Some(ME));
    let failure = open("25000000000000009").identity().await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
    assert!(failure.words.contains(ME), "{failure}");
}

#[tokio::test]
async fn a_token_that_has_ended_is_a_matter_of_the_account_whatever_is_asked() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    let page = trouble(400, 190, Some(463), "Error validating access token");
    Mock::given(any())
        .respond_with(template(&page))
        .mount(&server)
        .await;
    let account = account(&bench, &server);
    assert_eq!(account.identity().await.unwrap_err().class, Class::Auth);
    assert_eq!(
        account.prepare(&Draft::text("x").out()).await.unwrap_err().class,
        Class::Auth
    );
}

async fn delete(server: &MockServer, receipt: &Receipt) -> Result<(), Failure> {
    let bench = Bench::new();
    let account = account(&bench, server);
    let key = Draft::text("").key();
    let gone = Deletion {
        key,
        ..deletion_of(receipt)
    };
    let prepared = account.prepare_deletion(&gone).await?;
    assert_eq!(prepared.path, format!("/v1.0/{POST}"));
    account.delete(&Sealed { prepared, key }).await
}

#[tokio::test]
async fn what_is_not_there_is_looked_for_once_more_before_it_counts_as_deleted() {
    let no = template(&trouble(
        400,
        100,
        Some(33),
        "Unsupported delete request. Object does not exist",
    ));
    let there = ResponseTemplate::new(200).set_body_json(json!({ "id": POST }));
    for (delete_says, look_says, expected) in [
        (
            ResponseTemplate::new(200).set_body_json(json!({ "success": true, "deleted_id": POST })),
            None,
            Ok(()),
        ),
        (no.clone(), Some(no.clone()), Ok(())),
        (no.clone(), Some(there), Err(Class::Rejected)),
        (no, Some(ResponseTemplate::new(500)), Err(Class::Transient)),
        (
            template(&trouble(403, 10, None, "No permission")),
            None,
            Err(Class::Auth),
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({ "success": false })),
            None,
            Err(Class::InDoubt),
        ),
        (
            ResponseTemplate::new(404).set_body_string("<html>not here</html>"),
            None,
            Err(Class::InDoubt),
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("DELETE"))
            .respond_with(delete_says)
            .expect(1)
            .mount(&server)
            .await;
        if let Some(look_says) = look_says {
            Mock::given(method("GET"))
                .respond_with(look_says)
                .expect(1)
                .mount(&server)
                .await;
        }
        let done = delete(&server, &receipt(POST, None)).await;
        assert_eq!(done.map_err(|failure| failure.class), expected);
    }
}

#[tokio::test]
async fn a_post_that_a_person_told_by_its_address_is_known_by_the_lists() {
    let server = server().await;
    on(
        &server,
        "GET",
        "/v1.0/me/threads",
        json!({ "data": [listed("17", &at(1))] }),
    )
    .await;
    let mut reply = listed(POST, &at(2));
    reply["permalink"] = json!(PAGE);
    on(&server, "GET", "/v1.0/me/replies", json!({ "data": [reply] })).await;
    on(
        &server,
        "DELETE",
        &format!("/v1.0/{POST}"),
        json!({ "success": true }),
    )
    .await;
    let told = "https://www.threads.com/@casewatch/post/DAbc_1-x?xmt=1";
    delete(&server, &Receipt::named(told, Some(told.into())))
        .await
        .unwrap();
    let unknown = "https://www.threads.com/@casewatch/post/other";
    let failure = delete(&server, &Receipt::named(unknown, None)).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

// How the public answered.

#[tokio::test]
async fn each_post_is_asked_for_and_one_that_is_gone_counts_nothing() {
    let (server, bench) = (server().await, Bench::new());
    let told = json!({ "data": [
        { "name": "views", "period": "lifetime", "values": [{ "value": 120 }] },
        { "name": "likes", "values": [{ "value": 7 }] },
        { "name": "replies", "values": [{ "value": 2 }] },
        { "name": "reposts", "values": [{ "value": 3 }] },
    ] });
    Mock::given(path(format!("/v1.0/{POST}/insights")))
        .and(query_param("metric", "views,likes,replies,reposts,quotes"))
        .respond_with(ResponseTemplate::new(200).set_body_json(told))
        .mount(&server)
        .await;
    let gone = template(&trouble(400, 100, Some(33), "Object does not exist"));
    Mock::given(path("/v1.0/18000000000000003/insights"))
        .respond_with(gone)
        .mount(&server)
        .await;
    let forbidden = template(&trouble(403, 10, None, "No permission"));
    Mock::given(path("/v1.0/18000000000000004/insights"))
        .respond_with(forbidden)
        .mount(&server)
        .await;
    on(&server, "GET", "/v1.0/18000000000000005/insights", json!({})).await;
    let account = account(&bench, &server);
    let of = |ids: &[&str]| -> Vec<Receipt> { ids.iter().map(|id| receipt(id, None)).collect() };
    let told = account
        .engagement(&of(&[POST, "18000000000000003", PAGE]))
        .await
        .unwrap();
    let expected = Counts {
        likes: Some(7),
        shares: Some(3),
        replies: Some(2),
        quotes: None,
        views: Some(120),
    };
    assert_eq!(told, [expected, Counts::default(), Counts::default()]);
    for (id, class) in [
        ("18000000000000004", Class::Auth),
        ("18000000000000005", Class::Transient),
    ] {
        assert_eq!(account.engagement(&of(&[id])).await.unwrap_err().class, class);
    }
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

fn listed(id: &str, at: &str) -> Value {
    json!({ "id": id, "media_type": "TEXT_POST", "text": "Ten to two.\n\nRead it.", "timestamp": at,
        "permalink": format!("https://www.threads.net/@casewatch/post/D{id}") })
}

fn here(id: &str) -> Found {
    let url = format!("https://www.threads.net/@casewatch/post/D{id}");
    Found::Here(Receipt::named(id, Some(url)))
}

fn wanted() -> Draft {
    Draft::text("Ten to two.\n\n\nRead it.")
}

fn prepared(draft: &Draft, parent: Option<&str>) -> Prepared {
    threads::request(ME, CONTAINER, &threads::told(&draft.out(), parent, &[], &[]), &[])
}

async fn find(server: &MockServer, prepared: Prepared, among: &Among) -> Result<Found, Failure> {
    let bench = Bench::new();
    let key = Draft::text("").key();
    account(&bench, server)
        .find(&Sealed { prepared, key }, among)
        .await
}

/// With a container that stands so, and a list of these.
async fn found(status: &str, posts: &[Value], taken: &[&str]) -> Found {
    let server = server().await;
    let standing = json!({ "id": CONTAINER, "status": status, "error_message": "UNKNOWN" });
    on(&server, "GET", &format!("/v1.0/{CONTAINER}"), standing).await;
    on(&server, "GET", "/v1.0/me/threads", json!({ "data": posts })).await;
    find(&server, prepared(&wanted(), None), &among(taken))
        .await
        .unwrap()
}

#[tokio::test]
async fn the_container_knows_whether_it_was_published_and_the_list_as_what() {
    let ours = [listed("12", &at(1))];
    for status in ["PUBLISHED", "FINISHED", "EXPIRED", "ERROR"] {
        assert_eq!(found(status, &ours, &[]).await, here("12"), "{status}");
    }
    assert_eq!(found("IN_PROGRESS", &ours, &[]).await, Found::Working);
    // The list lags.
    assert_eq!(found("PUBLISHED", &[], &[]).await, Found::Working);
    assert_eq!(found("FINISHED", &[], &[]).await, Found::Absent);
    assert_eq!(found("EXPIRED", &[], &[]).await, Found::Lapsed);
    assert!(matches!(found("ERROR", &[], &[]).await, Found::Refused(words) if words.contains("UNKNOWN")));
}

#[tokio::test]
async fn what_is_older_or_says_or_answers_or_shows_something_else_is_not_ours() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut post = listed("12", &at(1));
        change(&mut post);
        post
    };
    for other in [
        with(&|post| post["timestamp"] = json!(at(-1))),
        with(&|post| post["text"] = json!("Something else.")),
        with(&|post| post["media_type"] = json!("IMAGE")),
        with(&|post| post["replied_to"] = json!({ "id": "9" })),
    ] {
        assert_eq!(found("FINISHED", &[other], &[]).await, Found::Absent);
    }
    // It is another post's, by its id or by the address that a person told.
    for taken in ["12", "https://www.threads.com/@casewatch/post/D12/"] {
        assert_eq!(
            found("FINISHED", &[listed("12", &at(1))], &[taken]).await,
            Found::Absent,
            "{taken}"
        );
    }
    let twice = [listed("12", &at(2)), listed("13", &at(1))];
    assert!(matches!(found("PUBLISHED", &twice, &[]).await, Found::Unclear(_)));
    assert_eq!(found("PUBLISHED", &twice, &["13"]).await, here("12"));
}

#[tokio::test]
async fn a_reply_is_looked_for_among_replies_from_the_intent_on_and_page_by_page() {
    let server = server().await;
    let published = trouble(
        400,
        100,
        None,
        "(#100) Tried accessing nonexisting field (status) on node type (Post)",
    );
    Mock::given(path(format!("/v1.0/{CONTAINER}")))
        .respond_with(template(&published))
        .mount(&server)
        .await;
    let mut reply = listed("12", &at(1));
    reply["replied_to"] = json!({ "id": "9" });
    Mock::given(path("/v1.0/me/replies"))
        .and(query_param("after", "QVFI"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": [reply] })))
        .expect(1)
        .mount(&server)
        .await;
    let since = now().as_second().to_string();
    let first = json!({ "data": [listed("13", &at(2))],
        "paging": { "cursors": { "after": "QVFI" }, "next": "https://graph.threads.net/next" } });
    Mock::given(path("/v1.0/me/replies"))
        .and(query_param("since", since.as_str()))
        .and(query_param(
            "fields",
            "id,text,timestamp,permalink,media_type,replied_to",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(first))
        .mount(&server)
        .await;
    let found = find(&server, prepared(&wanted(), Some("9")), &among(&[])).await;
    assert_eq!(found, Ok(here("12")));
}

#[tokio::test]
async fn a_list_that_may_not_be_read_proves_nothing_and_the_container_still_does() {
    for (standing, expected) in [
        ("PUBLISHED", "unclear"),
        ("FINISHED", "absent"),
        ("unknown", "unclear"),
    ] {
        let server = server().await;
        let container = match standing {
            "unknown" => template(&trouble(400, 100, Some(33), "Object does not exist")),
            status => ResponseTemplate::new(200).set_body_json(json!({ "status": status })),
        };
        Mock::given(path(format!("/v1.0/{CONTAINER}")))
            .respond_with(container)
            .mount(&server)
            .await;
        let closed = template(&trouble(403, 10, None, "Application does not have permission"));
        Mock::given(path("/v1.0/me/threads"))
            .respond_with(closed)
            .mount(&server)
            .await;
        let said = match find(&server, prepared(&wanted(), None), &among(&[]))
            .await
            .unwrap()
        {
            Found::Unclear(_) => "unclear",
            Found::Absent => "absent",
            other => panic!("{other:?}"),
        };
        assert_eq!(said, expected, "{standing}");
    }
}

#[tokio::test]
async fn what_can_not_be_asked_just_now_is_asked_again() {
    for (at, page) in [
        (format!("/v1.0/{CONTAINER}"), ResponseTemplate::new(500)),
        (
            format!("/v1.0/{CONTAINER}"),
            ResponseTemplate::new(200).set_body_string("<html>"),
        ),
        ("/v1.0/me/threads".into(), ResponseTemplate::new(502)),
        (
            "/v1.0/me/threads".into(),
            ResponseTemplate::new(200).set_body_json(json!({})),
        ),
    ] {
        let server = server().await;
        Mock::given(path(at))
            .respond_with(page)
            .with_priority(1)
            .mount(&server)
            .await;
        let finished = json!({ "id": CONTAINER, "status": "FINISHED" });
        on(&server, "GET", &format!("/v1.0/{CONTAINER}"), finished).await;
        let failure = find(&server, prepared(&wanted(), None), &among(&[]))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Transient);
    }
}

#[tokio::test]
async fn only_the_container_is_named_when_it_is_published() {
    let (server, bench) = (MockServer::start().await, Bench::new());
    Mock::given(method("POST"))
        .and(path(format!("/v1.0/{ME}/threads_publish")))
        .and(body_string(format!("creation_id={CONTAINER}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "id": POST })))
        .expect(1)
        .mount(&server)
        .await;
    let key = wanted().key();
    let prepared = prepared(&wanted(), None);
    account(&bench, &server)
        .publish(&Sealed { prepared, key })
        .await
        .unwrap();
}

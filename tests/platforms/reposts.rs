//! Threads: another's post is found by its author, read, reposted, and looked for when the answer was lost.

use std::collections::HashSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steadfast::platform::{Among, Prepared, Sealed, threads};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::post::shared::Look;
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, now};

const ALLYS: &str = "https://www.threads.com/@ally.org/post/DAlly_1-x";
const THEIRS: &str = "18000000000000077";
const REPOST: &str = "18000000000000003";
const PAGE: &str = "https://www.threads.net/@casewatch/post/DRe_1";

fn share(url: &str) -> Draft {
    Draft {
        share: Some(url.to_owned()),
        ..Draft::text("")
    }
}

async fn on(server: &MockServer, verb: &str, at: &str, status: u16, page: Value) {
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(status).set_body_json(page))
        .mount(server)
        .await;
}

/// As the author's list has it.
fn allys() -> Value {
    json!({ "id": THEIRS, "text": "We stand with them.", "media_type": "IMAGE", "alt_text": "The court",
        "permalink": "https://www.threads.net/@ally.org/post/DAlly_1-x", "timestamp": "2026-11-20T05:42:03+0000" })
}

fn other(code: &str) -> Value {
    json!({ "id": "18000000000000066", "text": "Lunch.", "media_type": "TEXT_POST",
        "permalink": format!("https://www.threads.net/@ally.org/post/{code}"), "timestamp": "2026-11-21T05:42:03+0000" })
}

/// Where the author has these posts.
async fn server(posts: &[Value]) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1.0/profile_posts"))
        .and(query_param("username", "ally.org"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": posts })))
        .mount(&server)
        .await;
    server
}

async fn read(server: &MockServer, url: &str) -> Result<Look, Failure> {
    let account = Bench::new().open_at("threads", &server.uri());
    account.read(url).await.unwrap()
}

#[tokio::test]
async fn a_post_is_reposted_by_the_number_that_its_authors_list_tells() {
    let server = server(&[other("DOther"), allys()]).await;
    let at = format!("/v1.0/{THEIRS}/repost");
    on(&server, "POST", &at, 200, json!({ "id": REPOST })).await;
    let shown = json!({ "id": REPOST, "permalink": PAGE });
    on(&server, "GET", &format!("/v1.0/{REPOST}"), 200, shown).await;
    let account = Bench::new().open_at("threads", &server.uri());
    let prepared = account.prepare(&share(ALLYS).out()).await.unwrap();
    let expected = Prepared {
        path: at.clone(),
        body: json!({ "reposted_post": { "id": THEIRS } }).to_string(),
    };
    assert_eq!(prepared, expected);
    let done = share(ALLYS).send(account.as_ref()).await.unwrap();
    assert_eq!((done.id.as_str(), done.url.as_deref()), (REPOST, Some(PAGE)));
    let requests = server.received_requests().await.unwrap();
    let sent: Vec<_> = requests
        .iter()
        .filter(|request| request.method == "POST")
        .collect();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].body.is_empty() && sent[0].url.query().is_none());
}

#[tokio::test]
async fn a_post_that_may_not_be_reposted_is_refused_and_not_the_account() {
    let server = server(&[allys()]).await;
    let no = json!({ "error": { "message": "No permission", "code": 10 } });
    on(&server, "POST", &format!("/v1.0/{THEIRS}/repost"), 403, no).await;
    let account = Bench::new().open_at("threads", &server.uri());
    let failure = share(ALLYS).send(account.as_ref()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected, "{failure}");
}

#[tokio::test]
async fn what_is_no_post_there_is_refused_before_anything_is_asked() {
    let server = server(&[allys()]).await;
    let account = Bench::new().open_at("threads", &server.uri());
    for elsewhere in [
        "https://evil.example/@ally.org/post/DAlly_1-x",
        "https://www.threads.com/t/DAlly_1-x",
        "https://www.threads.com/@ally.org",
        "https://www.threads.com/@al%2Fly/post/DAlly_1-x",
        "https://www.threads.com/ally.org/post/DAlly_1-x",
    ] {
        let failure = account.prepare(&share(elsewhere).out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{elsewhere}");
        assert!(failure.words.contains("@NAME/post/CODE"), "{failure}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
    // Its author has none of that name.
    let missing = "https://www.threads.com/@ally.org/post/DGone";
    let failure = account.prepare(&share(missing).out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("no such post"), "{failure}");
}

#[tokio::test]
async fn a_post_is_its_words_and_what_is_beside_them() {
    let was = read(&server(&[allys()]).await, ALLYS).await.unwrap();
    assert!(matches!(was, Look::There(_)));
    for same in [
        "https://www.threads.net/@ally.org/post/DAlly_1-x/",
        "https://threads.com/@ally.org/post/DAlly_1-x?xmt=AQF",
    ] {
        assert_eq!(
            read(&server(&[allys()]).await, same).await.unwrap(),
            was,
            "{same}"
        );
    }
    for (field, value) in [
        ("text", json!("We fall.")),
        ("media_type", json!("CAROUSEL_ALBUM")),
        ("alt_text", json!("Somebody")),
        ("link_attachment_url", json!("https://evil.example/")),
        ("children", json!({ "data": [{ "id": "1" }] })),
    ] {
        let mut changed = allys();
        changed[field] = value;
        let is = read(&server(&[changed]).await, ALLYS).await.unwrap();
        assert_ne!(is, was, "{field}");
    }
    let gone = read(&server(&[other("DOther")]).await, ALLYS).await;
    assert_eq!(gone.unwrap(), Look::Gone);
}

#[tokio::test]
async fn of_an_author_who_is_not_shown_no_post_is_gone() {
    let server = server(&[]).await;
    let failure = read(&server, ALLYS).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("private profile"), "{failure}");
    let account = Bench::new().open_at("threads", &server.uri());
    let failure = account.prepare(&share(ALLYS).out()).await.unwrap_err();
    assert!(failure.words.contains("100 followers"), "{failure}");
}

#[test]
fn a_repost_that_is_not_allowed_holds_no_account() {
    let trouble = |status: u16, code: i64, sub: i64| {
        let page = json!({ "error": { "message": "No", "code": code, "error_subcode": sub } });
        answer(status, &page.to_string())
    };
    for code in [10, 200, 210] {
        let failure = threads::read_repost(&trouble(403, code, 0)).unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{failure}");
        assert!(failure.words.contains("may not let it be reposted"), "{failure}");
    }
    for (answer, class) in [
        (trouble(400, 190, 0), Class::Auth),
        (trouble(400, 368, 0), Class::Auth),
        // The account itself is restricted.
        (trouble(403, 200, 2_207_050), Class::Auth),
        (trouble(400, 4, 0), Class::RateLimited { until: None }),
        (trouble(500, 10, 0), Class::InDoubt),
        (answer(200, "{}"), Class::InDoubt),
    ] {
        let failure = threads::read_repost(&answer).unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}

#[tokio::test]
async fn without_metas_approval_nobody_else_s_posts_are_shown() {
    let trouble = |code: i64, words: &str| json!({ "error": { "message": words, "type": "OAuthException", "code": code } });
    for (status, page, class, words) in [
        (
            400,
            trouble(10, "Application does not have permission for this action"),
            Class::Rejected,
            "threads_profile_discovery",
        ),
        (
            400,
            trouble(100, "The requested profile does not exist"),
            Class::Rejected,
            "profile does not exist",
        ),
        (500, json!({}), Class::Transient, ""),
        (400, trouble(190, "expired"), Class::Auth, "expired"),
    ] {
        let server = MockServer::start().await;
        on(&server, "GET", "/v1.0/profile_posts", status, page.clone()).await;
        let failure = read(&server, ALLYS).await.unwrap_err();
        assert_eq!(failure.class, class, "{page}");
        assert!(failure.words.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn of_an_author_s_oldest_posts_the_numbers_are_not_told() {
    let server = MockServer::start().await;
    let page =
        json!({ "data": [other("DOther")], "paging": { "cursors": { "after": "x" }, "next": "https://x" } });
    on(&server, "GET", "/v1.0/profile_posts", 200, page).await;
    let failure = read(&server, ALLYS).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("newest"), "{failure}");
    assert_eq!(server.received_requests().await.unwrap().len(), 8);
}

// How a lost answer is found.

fn at(minutes: i64) -> String {
    let at = now() + SignedDuration::from_mins(minutes);
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

fn listed(id: &str, of: &str, minutes: i64) -> Value {
    json!({ "id": id, "media_type": "REPOST_FACADE", "reposted_post": { "id": of }, "timestamp": at(minutes),
        "permalink": PAGE })
}

async fn find(server: &MockServer, taken: &[&str]) -> Result<Found, Failure> {
    let among = Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    };
    let prepared = Prepared {
        path: format!("/v1.0/{THEIRS}/repost"),
        body: json!({ "reposted_post": { "id": THEIRS } }).to_string(),
    };
    let key = Draft::text("").key();
    let account = Bench::new().open_at("threads", &server.uri());
    account.find(&Sealed { prepared, key }, &among).await
}

async fn found(posts: &[Value], taken: &[&str]) -> Found {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1.0/me/threads"))
        .and(query_param(
            "fields",
            "id,timestamp,permalink,media_type,reposted_post",
        ))
        .and(query_param_is_missing("username"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": posts })))
        .mount(&server)
        .await;
    find(&server, taken).await.unwrap()
}

#[tokio::test]
async fn a_lost_repost_is_found_by_what_it_reposts() {
    let here = Found::Here(Receipt::named(REPOST, Some(PAGE.into())));
    assert_eq!(found(&[listed(REPOST, THEIRS, 1)], &[]).await, here);
    assert_eq!(found(&[listed(REPOST, THEIRS, -1)], &[]).await, Found::Absent);
    assert_eq!(found(&[listed(REPOST, "18", 1)], &[]).await, Found::Absent);
    assert_eq!(
        found(&[listed(REPOST, THEIRS, 1)], &[REPOST]).await,
        Found::Absent
    );
    assert_eq!(found(&[], &[]).await, Found::Absent);
    let quote = json!({ "id": REPOST, "media_type": "TEXT_POST", "reposted_post": { "id": THEIRS }, "timestamp": at(1) });
    assert_eq!(found(&[quote], &[]).await, Found::Absent);
    let twice = [listed(REPOST, THEIRS, 1), listed("18000000000000004", THEIRS, 2)];
    assert!(matches!(found(&twice, &[]).await, Found::Unclear(_)));
    let closed = MockServer::start().await;
    let page = json!({ "error": { "message": "no", "type": "OAuthException", "code": 10 } });
    on(&closed, "GET", "/v1.0/me/threads", 400, page).await;
    assert!(matches!(find(&closed, &[]).await, Ok(Found::Unclear(_))));
}

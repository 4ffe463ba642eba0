//! Asking a platform what became of a request whose answer was lost.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::platform::{Among, Platform, Sealed};
use steadfast::post::outcome::{Class, Failure, Found};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, now, receipt};

fn among(taken: &[&str]) -> Among {
    Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    }
}

/// So many minutes after the intent.
fn at(minutes: i64) -> Timestamp {
    now().saturating_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn listed(id: u32, at: Timestamp) -> Value {
    json!({
        "id": id.to_string(), "url": format!("https://m.example/@us/{id}"), "created_at": at,
        "spoiler_text": "", "in_reply_to_id": null, "media_attachments": [], "content": "<p>HTML</p>",
    })
}

async fn get(server: &MockServer, at: &str, answer: Value) {
    Mock::given(method("GET"))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(server)
        .await;
}

/// A server with these statuses of ours, the newest first, and the words of each.
async fn server(statuses: &[(Value, &str)]) -> MockServer {
    let server = MockServer::start().await;
    get(&server, "/api/v1/accounts/verify_credentials", json!({"id": "7"})).await;
    let page: Vec<&Value> = statuses.iter().map(|(status, _)| status).collect();
    Mock::given(method("GET"))
        .and(path("/api/v1/accounts/7/statuses"))
        .and(query_param("exclude_reblogs", "true"))
        .and(query_param("limit", "40"))
        .and(query_param_is_missing("max_id"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&server)
        .await;
    // And no older ones.
    Mock::given(path("/api/v1/accounts/7/statuses"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&server)
        .await;
    for (status, words) in statuses {
        let at = format!("/api/v1/statuses/{}/source", status["id"].as_str().unwrap());
        get(
            &server,
            &at,
            json!({"text": words, "spoiler_text": status["spoiler_text"]}),
        )
        .await;
    }
    server
}

/// Looks for `draft`, which was sent as a status without media.
async fn look(server: &MockServer, draft: &Draft, among: &Among) -> Result<Found, Failure> {
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    let sealed = Sealed {
        prepared: steadfast::platform::mastodon::request(&draft.out(), &[]),
        key: draft.key(),
    };
    account.find(&sealed, among).await
}

fn here(id: &str) -> Found {
    let mut receipt = receipt(id, None);
    receipt.url = Some(format!("https://m.example/@us/{id}"));
    Found::Here(receipt)
}

#[tokio::test]
async fn a_status_is_found_by_its_exact_words_among_our_own() {
    let older = (listed(1, at(-10)), "Wanted.");
    let other = (listed(2, at(1)), "Something else.");
    let wanted = (listed(3, at(1)), "Wanted.");
    let server = server(&[wanted, other, older]).await;
    let draft = Draft::text("Wanted.");
    assert_eq!(look(&server, &draft, &among(&[])).await, Ok(here("3")));
    // What another post has a receipt for is not this one (P33), and the one from before the intent never is.
    assert_eq!(look(&server, &draft, &among(&["3"])).await, Ok(Found::Absent));
    let draft = Draft::text("Nowhere.");
    assert_eq!(look(&server, &draft, &among(&[])).await, Ok(Found::Absent));
}

#[tokio::test]
async fn its_parent_its_warning_and_its_media_must_be_the_same_too() {
    let with = |key: &str, value: Value| {
        let mut status = listed(3, at(1));
        status[key] = value;
        status
    };
    let plain = Draft::text("Wanted.");
    for status in [
        with("in_reply_to_id", json!("2")),
        with("spoiler_text", json!("prison")),
        with("media_attachments", json!([{"id": "9"}])),
        with("reblog", listed(1, at(1))),
    ] {
        let server = server(&[(status, "Wanted."), (listed(1, at(-10)), "x")]).await;
        assert_eq!(look(&server, &plain, &among(&[])).await, Ok(Found::Absent));
    }
    let reply = Draft {
        parent: Some(receipt("2", None)),
        warn: Some("prison".into()),
        ..Draft::text("Wanted.")
    };
    let mut status = with("in_reply_to_id", json!("2"));
    status["spoiler_text"] = json!("prison");
    let server = server(&[(status, "Wanted.")]).await;
    assert_eq!(look(&server, &reply, &among(&[])).await, Ok(here("3")));
}

#[tokio::test]
async fn two_that_could_be_it_are_a_matter_for_a_person() {
    let (one, two) = ((listed(3, at(1)), "Twice."), (listed(4, at(2)), "Twice."));
    let server = server(&[two, one]).await;
    let found = look(&server, &Draft::text("Twice."), &among(&[])).await.unwrap();
    assert!(
        matches!(&found, Found::Unclear(why) if why.contains("more than once")),
        "{found:?}"
    );
}

#[tokio::test]
async fn pages_are_turned_until_they_cover_the_intent() {
    let server = MockServer::start().await;
    get(&server, "/api/v1/accounts/verify_credentials", json!({"id": "7"})).await;
    let newer: Vec<Value> = (50..90).rev().map(|id| listed(id, at(5))).collect();
    Mock::given(path("/api/v1/accounts/7/statuses"))
        .and(query_param_is_missing("max_id"))
        .respond_with(ResponseTemplate::new(200).set_body_json(newer))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/api/v1/accounts/7/statuses"))
        .and(query_param("max_id", "50"))
        .respond_with(ResponseTemplate::new(200).set_body_json([listed(3, at(1)), listed(1, at(-1))]))
        .expect(1)
        .mount(&server)
        .await;
    for id in 50..90 {
        get(
            &server,
            &format!("/api/v1/statuses/{id}/source"),
            json!({"text": "other"}),
        )
        .await;
    }
    get(
        &server,
        "/api/v1/statuses/3/source",
        json!({"text": "Wanted.\r\nTwo lines."}),
    )
    .await;
    let draft = Draft::text("Wanted.\nTwo lines.");
    assert_eq!(look(&server, &draft, &among(&[])).await, Ok(here("3")));
}

#[tokio::test]
async fn p32_a_list_that_cannot_be_read_says_nothing() {
    let draft = Draft::text("x");
    for (status, class) in [
        (500, Class::Transient),
        (502, Class::Transient),
        (401, Class::Auth),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_json(json!({"error": "no"}));
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let failed = look(&server, &draft, &among(&[])).await.unwrap_err();
        assert_eq!(failed.class, class, "{status}");
    }
    // A token that may post and not look is the operator's choice, and no reason to hold the account.
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(403)
        .set_body_json(json!({"error": "This action is outside the authorized scopes"}));
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let found = look(&server, &draft, &among(&[])).await.unwrap();
    assert!(
        matches!(&found, Found::Unclear(why) if why.contains("read:statuses")),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_boost_is_there_or_it_is_not() {
    let sealed = |id: &str| Sealed {
        prepared: steadfast::platform::Prepared {
            path: format!("/api/v1/statuses/{id}/reblog"),
            body: "{}".into(),
        },
        key: Draft::text("x").key(),
    };
    let server = MockServer::start().await;
    let bench = Bench::new();
    let account = bench.open_at("mastodon", &server.uri());
    for (id, reblogged) in [("5", true), ("6", false)] {
        let mut status = listed(id.parse().unwrap(), at(-600));
        status["reblogged"] = json!(reblogged);
        get(&server, &format!("/api/v1/statuses/{id}"), status).await;
    }
    assert_eq!(account.find(&sealed("5"), &among(&[])).await, Ok(here("5")));
    assert_eq!(account.find(&sealed("6"), &among(&[])).await, Ok(Found::Absent));
}

// --- the sandbox, in the part of other platforms -----------------------------------------------------

async fn sealed(account: &dyn Platform, draft: &Draft) -> Sealed {
    Sealed {
        prepared: account.prepare(&draft.out()).await.unwrap(),
        key: draft.key(),
    }
}

#[tokio::test]
async fn the_sandbox_without_keys_takes_the_same_twice_and_can_be_asked() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "doubt = \"read-back\"");
    let sealed = sealed(account.as_ref(), &Draft::text("Once?")).await;
    assert_eq!(account.find(&sealed, &among(&[])).await, Ok(Found::Absent));
    let first = account.publish(&sealed).await.unwrap();
    assert_eq!(
        account.find(&sealed, &among(&[])).await,
        Ok(Found::Here(first.clone()))
    );
    assert_eq!(
        account.find(&sealed, &among(&[&first.id])).await,
        Ok(Found::Absent)
    );
    let second = account.publish(&sealed).await.unwrap();
    assert_ne!(first.id, second.id);
    let found = account.find(&sealed, &among(&[])).await.unwrap();
    assert!(matches!(found, Found::Unclear(_)), "{found:?}");
}

#[tokio::test]
async fn the_sandboxs_containers_are_published_once_each() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "doubt = \"two-steps\"");
    let sealed = sealed(account.as_ref(), &Draft::text("Once.")).await;
    assert_eq!(account.find(&sealed, &among(&[])).await, Ok(Found::Absent));
    let done = account.publish(&sealed).await.unwrap();
    assert_eq!(account.find(&sealed, &among(&[])).await, Ok(Found::Here(done)));
    let again = account.publish(&sealed).await.unwrap_err();
    assert_eq!(again.class, Class::Rejected);
}

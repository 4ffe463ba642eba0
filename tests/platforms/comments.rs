//! LinkedIn: what answers a post is a comment on it. Exact requests, its answers, and how a lost one is found.

use std::collections::HashSet;

use serde_json::{Value, json};
use steadfast::platform::{Among, Deletion, Edit, Prepared, Sealed, linkedin};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, PAGE, TOKEN, answer, deletion_of, now, receipt};

const POST: &str = "urn:li:share:7141138937766391808";
const AT: &str = "/rest/socialActions/urn%3Ali%3Ashare%3A7141138937766391808/comments";
const COMMENT: &str = "urn:li:comment:(urn:li:activity:7141138938000000000,7141139000000000001)";
const URL: &str = "https://www.linkedin.com/feed/update/urn:li:share:7141138937766391808/?commentUrn=urn%3Ali%3Acomment%3A%28activity%3A7141138938000000000%2C7141139000000000001%29";

/// As it is kept.
fn comment() -> Receipt {
    Receipt {
        pin: Some(POST.into()),
        ..Receipt::named(COMMENT, Some(URL.into()))
    }
}

fn reply(text: &str, parent: Receipt) -> Draft {
    Draft {
        parent: Some(parent),
        ..Draft::text(text)
    }
}

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn made() -> Value {
    json!({ "commentUrn": COMMENT, "id": "7141139000000000001", "actor": PAGE, "message": { "text": "Read it." },
        "object": "urn:li:activity:7141138938000000000", "created": { "actor": PAGE, "time": 1 } })
}

async fn prepare(draft: &Draft) -> Result<Prepared, Failure> {
    let account = Bench::new().open_at("linkedin", "http://127.0.0.1:9");
    account.prepare(&draft.out()).await
}

#[tokio::test]
async fn an_answer_is_a_comment_of_the_page_in_plain_text() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(AT))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("linkedin-version", "202605"))
        .and(header("x-restli-protocol-version", "2.0.0"))
        .and(body_json(json!({
            "actor": PAGE, "object": POST, "message": { "text": "Ten (of twelve).\n\nhttps://example.org/a_b" },
        })))
        .respond_with(ResponseTemplate::new(201).set_body_json(made()))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("linkedin", &server.uri());
    let draft = reply("Ten (of twelve).", receipt(POST, None)).link("https://example.org/a_b");
    let done = draft.send(account.as_ref()).await.unwrap();
    assert_eq!(done, comment());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_answers_a_comment_is_one_on_the_same_post() {
    for parent in [
        receipt(POST, None),
        comment(),
        // As a person tells it.
        Receipt::named(URL, Some(URL.into())),
        Receipt::named(
            "https://www.linkedin.com/posts/case_words-share-7141138937766391808-Ab1C",
            None,
        ),
    ] {
        let prepared = prepare(&reply("Read it.", parent.clone())).await.unwrap();
        assert_eq!(prepared.path, AT, "{parent:?}");
        assert_eq!(body(&prepared)["object"], POST);
    }
    // Where the post is not known, what its own urn names.
    let bare = prepare(&reply("Read it.", receipt(COMMENT, None))).await.unwrap();
    assert_eq!(body(&bare)["object"], "urn:li:activity:7141138938000000000");
    for elsewhere in [
        "told",
        "urn:li:comment:(urn:li:member:1,2)",
        "https://evil.example/urn:li:share:1",
    ] {
        let failure = prepare(&reply("Read it.", receipt(elsewhere, None)))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{elsewhere}");
    }
    let pictured = reply("Look.", receipt(POST, None)).image();
    let failure = prepare(&pictured).await.unwrap_err();
    assert!(failure.words.contains("no images"), "{failure}");
}

#[tokio::test]
async fn each_answer_is_of_its_class_and_a_missing_permission_holds_no_account() {
    let sent = prepare(&reply("Read it.", receipt(POST, None))).await.unwrap();
    let problem = |status: u16, code: &str, words: &str| {
        answer(
            status,
            &json!({ "status": status, "code": code, "message": words }).to_string(),
        )
    };
    let denied = problem(
        403,
        "ACCESS_DENIED",
        "Not enough permissions to access: partnerApiSocialActions.CREATE.20260501",
    );
    let failure = linkedin::read(&sent, &denied).unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("w_organization_social_feed"), "{failure}");
    for (answer, class) in [
        (problem(401, "EXPIRED_ACCESS_TOKEN", "expired"), Class::Auth),
        (problem(404, "NOT_FOUND", "no such post"), Class::Rejected),
        (problem(422, "X", "message is too long"), Class::Rejected),
        (
            problem(429, "TOO_MANY_REQUESTS", "slow down"),
            Class::RateLimited { until: None },
        ),
        (problem(500, "X", "oh"), Class::InDoubt),
        (answer(201, ""), Class::InDoubt),
        (answer(201, r#"{"commentUrn":"urn:li:share:1"}"#), Class::InDoubt),
        (answer(200, &made().to_string()), Class::InDoubt),
        (answer(404, "<html>"), Class::InDoubt),
    ] {
        let failure = linkedin::read(&sent, &answer).unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}

#[tokio::test]
async fn a_comment_is_deleted_and_edited_as_one_and_never_its_post() {
    for receipt in [comment(), Receipt::named(URL, Some(URL.into()))] {
        let server = MockServer::start().await;
        let at = format!("{AT}/7141139000000000001");
        Mock::given(method("DELETE"))
            .and(path(at.as_str()))
            .and(query_param("actor", PAGE))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .and(path(at.as_str()))
            .and(query_param("actor", PAGE))
            .and(header("x-restli-method", "PARTIAL_UPDATE"))
            .and(body_json(
                json!({ "patch": { "message": { "$set": { "text": "Eleven (of twelve)." } } } }),
            ))
            .respond_with(ResponseTemplate::new(200).set_body_json(made()))
            .expect(1)
            .mount(&server)
            .await;
        let account = Bench::new().open_at("linkedin", &server.uri());
        let draft = Draft::text("Eleven (of twelve).");
        let key = draft.key();
        let edit = Edit {
            receipt: &receipt,
            below: true,
            was: "Ten (of twelve).",
            out: draft.out(),
        };
        let prepared = account.prepare_edit(&edit).await.unwrap();
        account.edit(&Sealed { prepared, key }).await.unwrap();
        let gone = Deletion {
            below: true,
            key,
            ..deletion_of(&receipt)
        };
        let prepared = account.prepare_deletion(&gone).await.unwrap();
        account.delete(&Sealed { prepared, key }).await.unwrap();
    }
    assert_eq!(
        linkedin::read_edit(&answer(200, "<html>sign in</html>"))
            .unwrap_err()
            .class,
        Class::InDoubt
    );
}

#[tokio::test]
async fn what_is_forbidden_about_a_comment_holds_no_account() {
    let server = MockServer::start().await;
    let words = "Not enough permissions to access: partnerApiSocialActions.DELETE.20260501";
    let denied = json!({ "status": 403, "code": "ACCESS_DENIED", "message": words });
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(403).set_body_json(denied))
        .mount(&server)
        .await;
    let account = Bench::new().open_at("linkedin", &server.uri());
    let key = Draft::text("").key();
    for (path, class) in [
        (format!("{AT}/7141139000000000001"), Class::Rejected),
        (
            "/rest/posts/urn%3Ali%3Ashare%3A7141138937766391808".to_owned(),
            Class::Auth,
        ),
    ] {
        let prepared = Prepared {
            path,
            body: String::new(),
        };
        let sealed = Sealed { prepared, key };
        for done in [account.delete(&sealed).await, account.edit(&sealed).await] {
            let failure = done.unwrap_err();
            assert_eq!((failure.class, failure.status), (class, Some(403)), "{failure}");
            let both = failure.words.contains("w_organization_social_feed")
                && failure.words.contains("comments are off");
            assert_eq!(both, class == Class::Rejected, "{failure}");
        }
    }
}

// How a lost answer is found.

fn listed(id: &str, text: &str, after: i64) -> Value {
    json!({ "commentUrn": format!("urn:li:comment:(urn:li:activity:7141138938000000000,{id})"), "id": id, "actor": PAGE,
        "message": { "text": text, "attributes": [] }, "created": { "actor": PAGE, "time": now().as_millisecond() + after } })
}

async fn find(server: &MockServer, taken: &[&str]) -> Result<Found, Failure> {
    let among = Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    };
    let draft = reply("Read it.\n\nNow.", receipt(POST, None));
    let prepared = prepare(&draft).await.unwrap();
    let account = Bench::new().open_at("linkedin", &server.uri());
    let key = draft.key();
    account.find(&Sealed { prepared, key }, &among).await
}

async fn page(server: &MockServer, start: &str, status: u16, page: Value) {
    Mock::given(method("GET"))
        .and(path(AT))
        .and(query_param("start", start))
        .respond_with(ResponseTemplate::new(status).set_body_json(page))
        .mount(server)
        .await;
}

async fn found(comments: &[Value], taken: &[&str]) -> Found {
    let server = MockServer::start().await;
    page(&server, "0", 200, json!({ "elements": comments })).await;
    if let [_, .., last] = comments {
        let end = (comments.len() - 1).to_string();
        page(&server, &end, 200, json!({ "elements": [last] })).await;
    }
    find(&server, taken).await.unwrap()
}

/// The first time that this page is asked for.
async fn once(server: &MockServer, start: &str, comments: &[&Value]) {
    Mock::given(method("GET"))
        .and(path(AT))
        .and(query_param("start", start))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "elements": comments })))
        .up_to_n_times(1)
        .mount(server)
        .await;
}

#[tokio::test]
async fn what_is_read_while_people_comment_and_delete_is_neither_doubled_nor_skipped() {
    let ours = listed("7141139000000000001", "Read it. Now.", 1000);
    let (a, b, c) = (
        listed("1", "Yes!", 1),
        listed("2", "No!", 2),
        listed("3", "Oh.", 3),
    );
    // Somebody comments: what was read slides into the next page.
    let server = MockServer::start().await;
    once(&server, "0", &[&a, &ours]).await;
    once(&server, "1", &[&a, &ours]).await;
    assert_eq!(find(&server, &[]).await.unwrap(), Found::Here(comment()));
    let server = MockServer::start().await;
    once(&server, "0", &[&ours, &a]).await;
    once(&server, "1", &[&ours, &a, &b]).await;
    once(&server, "2", &[&b]).await;
    assert_eq!(find(&server, &[]).await.unwrap(), Found::Here(comment()));
    // One is deleted: ours slides to where nobody would look. So all is read once more.
    let server = MockServer::start().await;
    once(&server, "0", &[&a, &b]).await;
    once(&server, "1", &[&c]).await;
    once(&server, "0", &[&b, &ours, &c]).await;
    once(&server, "2", &[&c]).await;
    assert_eq!(find(&server, &[]).await.unwrap(), Found::Here(comment()));
    // On and on: nothing is proved.
    let server = MockServer::start().await;
    page(&server, "0", 200, json!({ "elements": [a, b] })).await;
    page(&server, "1", 200, json!({ "elements": [c] })).await;
    let failure = find(&server, &[]).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
}

#[tokio::test]
async fn a_lost_comment_is_looked_for_among_all_on_the_post() {
    let ours = listed("7141139000000000001", "Read it. Now.", 1000);
    assert_eq!(
        found(std::slice::from_ref(&ours), &[]).await,
        Found::Here(comment())
    );
    assert_eq!(found(&[], &[]).await, Found::Absent);
    // In its other spellings too.
    let short = "urn:li:comment:(activity:7141138938000000000,7141139000000000001)";
    let by_post = "urn:li:comment:(urn:li:ugcPost:7141138937766391808,7141139000000000001)";
    for taken in [COMMENT, URL, short, by_post] {
        assert_eq!(
            found(std::slice::from_ref(&ours), &[taken]).await,
            Found::Absent,
            "{taken}"
        );
    }
    let mut anothers = ours.clone();
    anothers["actor"] = json!("urn:li:person:abc");
    let old = listed("7141139000000000001", "Read it. Now.", -1);
    let other = listed("7141139000000000001", "Read it.", 1);
    for not in [anothers, old, other] {
        assert_eq!(
            found(std::slice::from_ref(&not), &[]).await,
            Found::Absent,
            "{not}"
        );
    }
    let twice = [ours.clone(), listed("7141139000000000002", "Read it. Now.", 1)];
    assert!(matches!(found(&twice, &[]).await, Found::Unclear(_)));
    // In no order that we know, so to the end.
    let (first, second) = (listed("1", "Yes!", -9000), listed("2", "No!", -8000));
    let server = MockServer::start().await;
    page(&server, "0", 200, json!({ "elements": [first, second] })).await;
    page(&server, "1", 200, json!({ "elements": [second, ours] })).await;
    page(&server, "2", 200, json!({ "elements": [ours] })).await;
    assert_eq!(find(&server, &[]).await.unwrap(), Found::Here(comment()));
}

#[tokio::test]
async fn comments_that_may_not_be_read_prove_nothing() {
    let denied = json!({ "status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions" });
    let missing = json!({ "status": 404, "code": "NOT_FOUND", "message": "no such post" });
    for (status, told, unclear) in [
        (403, denied, true),
        (404, missing, true),
        (500, json!({}), false),
        (200, json!({}), false),
        (200, json!({ "elements": [{ "id": "1" }] }), false),
    ] {
        let server = MockServer::start().await;
        page(&server, "0", status, told.clone()).await;
        match find(&server, &[]).await {
            Ok(Found::Unclear(_)) => assert!(unclear, "{told}"),
            Err(failure) => assert_eq!((failure.class, unclear), (Class::Transient, false), "{told}"),
            other => panic!("{told}: {other:?}"),
        }
    }
}

//! What was posted is deleted: exact requests, what the answers mean, and one contract for all.

use serde_json::{Value, json};
use steadfast::platform::{Deletion, PLATFORMS, Prepared, Sealed, bluesky, mastodon, webhook};
use steadfast::post::outcome::{Class, Failure, Receipt};
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, CHANNEL, DID, Draft, NOW, TOKEN, answer, deletion_of, delivery, receipt};

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

/// The receipt that this platform would give.
fn receipt_of(platform: &str) -> Receipt {
    match platform {
        "bluesky" => receipt(
            &format!("at://{DID}/app.bsky.feed.post/3n2y3ep2gseoe"),
            Some("bafy"),
        ),
        "webhook" => receipt("msg_1", Some(&delivery(0).to_string())),
        "telegram" => receipt("1235", Some("-1001234567890")),
        "discord" | "discord-webhook" => receipt("334385199974967042", Some(CHANNEL)),
        "slack" => receipt("1760000000.000200", Some("C0123ABCD")),
        "nostr" => receipt(&"ab".repeat(32), None),
        "reddit" => receipt("t3_1abcd", None),
        "tumblr" => receipt("1234567891234567", None),
        "pinterest" => receipt("813744226420795884", None),
        "linkedin" | "linkedin-member" => receipt("urn:li:share:7141138937766391808", None),
        _ => receipt("103254962155278888", None),
    }
}

/// What answers a post there is a comment: the receipt of one.
fn comment_of(platform: &str) -> Receipt {
    match platform {
        "linkedin" => receipt(
            "urn:li:comment:(urn:li:activity:7141138938000000000,7141139000000000001)",
            Some("urn:li:share:7141138937766391808"),
        ),
        "instagram" => receipt("17870913679156914", Some("18000000000000001")),
        "facebook" => receipt("121_7", None),
        "reddit" => receipt("t1_2bcde", None),
        _ => panic!("there are no comments on {platform}"),
    }
}

async fn delete_at(platform: &str, url: &str) -> Result<(), Failure> {
    delete(platform, &receipt_of(platform), url).await
}

async fn delete(platform: &str, receipt: &Receipt, url: &str) -> Result<(), Failure> {
    let bench = Bench::new();
    let account = bench.open_at(platform, url);
    let prepared = account.prepare_deletion(&deletion_of(receipt)).await?;
    let key = Draft::text("").key();
    account.delete(&Sealed { prepared, key }).await
}

#[test]
fn a_status_is_deleted_by_its_id_however_it_is_known() {
    let by = |receipt: &Receipt| mastodon::deletion(&deletion_of(receipt));
    let path = "/api/v1/statuses/103254962155278888";
    let expected = Prepared {
        path: path.into(),
        body: String::new(),
    };
    assert_eq!(by(&receipt("103254962155278888", None)).unwrap(), expected);
    let url = "https://mastodon.example/@case/103254962155278888";
    assert_eq!(by(&Receipt::named(url, Some(url.into()))).unwrap(), expected);
    let unknown = by(&Receipt::named("told by a person", None)).unwrap_err();
    assert_eq!(unknown.class, Class::Rejected, "{unknown}");
}

#[test]
fn records_of_every_collection_are_deleted() {
    let by = |receipt: &Receipt| bluesky::deletion(&deletion_of(receipt), DID);
    for collection in ["app.bsky.feed.post", "app.bsky.feed.repost"] {
        let prepared = by(&receipt(&format!("at://{DID}/{collection}/3k"), None)).unwrap();
        assert_eq!(prepared.path, "/xrpc/com.atproto.repo.deleteRecord");
        let expected = json!({ "repo": DID, "collection": collection, "rkey": "3k" });
        assert_eq!(body(&prepared), expected);
    }
    let url = "https://bsky.app/profile/case.example/post/3k";
    let prepared = by(&Receipt::named(url, Some(url.into()))).unwrap();
    assert_eq!(body(&prepared)["rkey"], "3k");
    assert_eq!(
        by(&Receipt::named("told by a person", None)).unwrap_err().class,
        Class::Rejected
    );
}

#[test]
fn a_receiver_is_told_which_part_to_delete() {
    let receipt = Receipt {
        pin: Some(delivery(3).to_string()),
        ..Receipt::named("their-id", Some("https://r.example/7".into()))
    };
    let prepared = webhook::deletion(&deletion_of(&receipt));
    assert_eq!(
        body(&prepared),
        json!({
            "type": "post.deleted",
            "timestamp": NOW,
            "data": {
                "delivery_id": delivery(0),
                "campaign": "case",
                "message": "ten-to-two",
                "deletes": delivery(3),
                "id": "their-id",
                "url": "https://r.example/7",
                "scheduled_for": NOW,
            },
        })
    );
}

#[tokio::test]
async fn one_request_deletes_and_carries_our_credentials() {
    let server = MockServer::start().await;
    let token = format!("Bearer {TOKEN}");
    Mock::given(method("DELETE"))
        .and(path("/api/v1/statuses/103254962155278888"))
        .and(header("authorization", token.as_str()))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"id": "103254962155278888", "text": "x"})),
        )
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/xrpc/com.atproto.repo.deleteRecord"))
        .and(body_json(
            json!({ "repo": DID, "collection": "app.bsky.feed.post", "rkey": "3n2y3ep2gseoe" }),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"commit": {"cid": "c", "rev": "r"}})))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/hook"))
        .and(header("webhook-id", format!("msg_{}", delivery(0)).as_str()))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    for platform in ["mastodon", "bluesky", "webhook"] {
        delete_at(platform, &server.uri()).await.unwrap();
    }
}

#[test]
fn what_is_gone_already_is_deleted_if_the_platform_itself_says_so() {
    let own = |words: &str| json!({ "error": words }).to_string();
    for (status, page) in [
        (404, "Record not found"),
        (404, "Not Found: target status not found"),
        (410, "Gone"),
    ] {
        assert_eq!(
            mastodon::read_deletion(&answer(status, &own(page))),
            Ok(()),
            "{page}"
        );
    }
    assert_eq!(bluesky::read_deletion(&answer(200, "{}")), Ok(()));
    let none = json!({"error": "RecordNotFound", "message": "no"}).to_string();
    assert_eq!(bluesky::read_deletion(&answer(400, &none)), Ok(()));
    // A proxy knows nothing about it.
    let page = answer(404, "<html>not here</html>");
    for done in [mastodon::read_deletion(&page), bluesky::read_deletion(&page)] {
        assert_eq!(done.unwrap_err().class, Class::InDoubt);
    }
    let login = answer(200, "<html>sign in</html>");
    for done in [mastodon::read_deletion(&login), bluesky::read_deletion(&login)] {
        assert_eq!(done.unwrap_err().class, Class::InDoubt);
    }
    let refused = mastodon::read_deletion(&answer(403, &own("This action is not allowed")));
    assert_eq!(refused.unwrap_err().class, Class::Rejected);
    let token = mastodon::read_deletion(&answer(401, &own("The access token is invalid")));
    assert_eq!(token.unwrap_err().class, Class::Auth);
}

#[tokio::test]
async fn a_lost_answer_is_a_doubt_and_a_limit_a_wait_on_every_platform() {
    let posts = [
        "mastodon",
        "bluesky",
        "telegram",
        "discord",
        "discord-webhook",
        "slack",
        "x",
        "linkedin",
        "linkedin-member",
        "threads",
        "facebook",
        "reddit",
        "tumblr",
        "pinterest",
        "webhook",
    ];
    let posts = posts.map(|platform| (platform, receipt_of(platform)));
    let comments =
        ["linkedin", "instagram", "facebook", "reddit"].map(|platform| (platform, comment_of(platform)));
    for (platform, receipt) in posts.into_iter().chain(comments) {
        for (status, class) in [
            (500, Class::InDoubt),
            (502, Class::InDoubt),
            (429, Class::RateLimited { until: None }),
        ] {
            let server = MockServer::start().await;
            let page = ResponseTemplate::new(status).set_body_string("<html>oh</html>");
            Mock::given(any()).respond_with(page).mount(&server).await;
            let failure = delete(platform, &receipt, &server.uri()).await.unwrap_err();
            assert_eq!(failure.class, class, "{platform}: {status}");
            assert_eq!(server.received_requests().await.unwrap().len(), 1, "{platform}");
        }
    }
}

#[tokio::test]
async fn a_comment_is_deleted_itself_and_not_what_it_is_on() {
    for (platform, verb, at) in [
        (
            "linkedin",
            "DELETE",
            "/rest/socialActions/urn%3Ali%3Ashare%3A7141138937766391808/comments/7141139000000000001",
        ),
        ("instagram", "DELETE", "/v25.0/17870913679156914"),
        ("facebook", "DELETE", "/v25.0/121_7"),
        ("reddit", "POST", "/api/del"),
    ] {
        let server = MockServer::start().await;
        let done = match platform {
            "linkedin" => ResponseTemplate::new(204),
            "reddit" => ResponseTemplate::new(200).set_body_json(json!({})),
            _ => ResponseTemplate::new(200).set_body_json(json!({ "success": true })),
        };
        Mock::given(method(verb))
            .and(path(at))
            .respond_with(done)
            .expect(1)
            .mount(&server)
            .await;
        delete(platform, &comment_of(platform), &server.uri())
            .await
            .unwrap();
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{platform}");
    }
}

/// By whom a person may have said that an answer is out: by the post that it is on.
pub fn posts_of(platform: &str) -> Vec<Receipt> {
    let urls: &[&str] = match platform {
        "linkedin" => &[
            "https://www.linkedin.com/feed/update/urn:li:share:7141138937766391808/",
            "https://www.linkedin.com/posts/case_words-share-7141138937766391808-Ab1C",
        ],
        "instagram" => &["https://www.instagram.com/p/Cabc/"],
        "facebook" => &["https://www.facebook.com/17841400000000001/posts/12"],
        _ => &["https://www.reddit.com/r/CaseWatch/comments/1abcd/ten_to_two/"],
    };
    let own = match platform {
        "facebook" => receipt("17841400000000001_12", None),
        _ => receipt_of(platform),
    };
    let entered = urls
        .iter()
        .map(|url| Receipt::named(*url, Some((*url).to_owned())));
    std::iter::once(own).chain(entered).collect()
}

#[tokio::test]
async fn an_answer_is_never_deleted_by_the_post_that_it_is_on() {
    let page = format!(
        "base_url = 'https://graph.facebook.com'\naccess_token = 'SECRET({TOKEN})'\nuser_id = '17841400000000001'\nmedia_folder = '/srv/m'\nmedia_url = 'https://media.example'"
    );
    for platform in ["linkedin", "instagram", "facebook", "reddit"] {
        let server = MockServer::start().await;
        let url = "https://www.facebook.com/17841400000000001/posts/12";
        let posts = json!({"data": [{"id": "17841400000000001_12", "permalink_url": url, "created_time": "2026-10-05T12:00:00+0000"}]});
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_json(posts))
            .mount(&server)
            .await;
        let bench = Bench::new();
        let account = match platform {
            // With its own sign-in nothing but comments is deleted.
            "instagram" => bench.open("instagram", &page),
            _ => bench.open_at(platform, &server.uri()),
        };
        assert!(account.limits().delete, "{platform}");
        for receipt in posts_of(platform) {
            let answer = Deletion {
                below: true,
                ..deletion_of(&receipt)
            };
            let failure = account.prepare_deletion(&answer).await.unwrap_err();
            assert_eq!(failure.class, Class::Rejected, "{platform}: {receipt:?}");
            assert!(failure.words.contains("by hand"), "{platform}: {failure}");
        }
        let comment = comment_of(platform);
        let answer = Deletion {
            below: true,
            ..deletion_of(&comment)
        };
        assert!(account.prepare_deletion(&answer).await.is_ok(), "{platform}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_not_there_has_deleted_nothing() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    let failure = delete_at("webhook", &server.uri()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[tokio::test]
async fn whether_posts_can_be_deleted_is_as_the_data_say() {
    let mut limits: Vec<_> = PLATFORMS
        .iter()
        .map(|entry| (entry.name, (entry.limits)()))
        .collect();
    limits.retain(|(_, limits)| limits.delete);
    let names: Vec<&str> = limits.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "mastodon",
            "bluesky",
            "telegram",
            "discord",
            "slack",
            "nostr",
            "x",
            "linkedin",
            "threads",
            "facebook",
            "reddit",
            "tumblr",
            "pinterest",
            "webhook",
            "sandbox"
        ]
    );
    // A sandbox that is like a platform without can't either.
    let bench = Bench::new();
    let account = bench.open("sandbox", "like = 'instagram'");
    assert!(!account.limits().delete);
    let receipt = receipt("1", None);
    let refused = account
        .prepare_deletion(&deletion_of(&receipt))
        .await
        .unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
}

#[tokio::test]
async fn the_timeline_keeps_what_was_deleted_and_says_so() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "");
    let receipt = Draft::text("Wrong.").send(account.as_ref()).await.unwrap();
    let other = Draft {
        index: 1,
        ..Draft::text("Right.")
    };
    other.send(account.as_ref()).await.unwrap();
    let file = bench.vault.path().join("sandbox/test.jsonl");
    for _ in 0..2 {
        // By another process, too.
        let account = bench.open("sandbox", "");
        let prepared = account.prepare_deletion(&deletion_of(&receipt)).await.unwrap();
        let key = Draft::text("").key();
        account.delete(&Sealed { prepared, key }).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3, "once");
    }
    let shown = steadfast::platform::sandbox::timeline(bench.vault.path(), &bench.account, 10).unwrap();
    let mut shown: Vec<_> = shown
        .into_iter()
        .map(|shown| (shown.said.text, shown.deleted.is_some()))
        .collect();
    shown.sort();
    assert_eq!(shown, [("Right.".to_owned(), false), ("Wrong.".to_owned(), true)]);
}

//! How the public answered: exact requests, and answers word for word.

use serde_json::{Value, json};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Receipt};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Bench, PAGE, TOKEN, receipt};

fn of(ids: &[&str]) -> Vec<Receipt> {
    ids.iter().map(|id| receipt(id, None)).collect()
}

fn counts(likes: u64, shares: u64, replies: u64, quotes: Option<u64>, views: Option<u64>) -> Counts {
    Counts {
        likes: Some(likes),
        shares: Some(shares),
        replies: Some(replies),
        quotes,
        views,
    }
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn status(id: &str, favourites: u64) -> Value {
    json!({"id": id, "favourites_count": favourites, "reblogs_count": 2, "replies_count": 1, "content": "<p>Hi</p>"})
}

#[tokio::test]
async fn mastodon_is_asked_for_many_at_once_and_what_is_gone_counts_nothing() {
    let server = MockServer::start().await;
    let mut newest = status("9", 7);
    newest["quotes_count"] = json!(3);
    Mock::given(method("GET"))
        .and(path("/api/v1/statuses"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(query_param("id[]", "9"))
        .and(query_param("id[]", "7"))
        .and(query_param("id[]", "8"))
        .respond_with(ok(&json!([status("7", 5), newest])))
        .expect(1)
        .mount(&server)
        .await;
    let platform = Bench::new().open_at("mastodon", &server.uri());
    let told = platform
        .engagement(&of(&["9", "7", "8", "https://m.example/@us/6"]))
        .await
        .unwrap();
    assert_eq!(
        told,
        [
            counts(7, 2, 1, Some(3), None),
            counts(5, 2, 1, None, None),
            Counts::default(),
            Counts::default(),
        ]
    );
}

#[tokio::test]
async fn an_older_mastodon_is_asked_one_by_one() {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/statuses"))
        .respond_with(ResponseTemplate::new(404).set_body_json(json!({"error": "Not found"})))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/api/v1/statuses/7"))
        .respond_with(ok(&status("7", 5)))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/api/v1/statuses/8"))
        .respond_with(ResponseTemplate::new(404).set_body_json(json!({"error": "Record not found"})))
        .expect(1)
        .mount(&server)
        .await;
    let platform = Bench::new().open_at("mastodon", &server.uri());
    let told = platform.engagement(&of(&["7", "8"])).await.unwrap();
    assert_eq!(told, [counts(5, 2, 1, None, None), Counts::default()]);
}

#[tokio::test]
async fn bluesky_is_asked_through_the_accounts_own_server() {
    let server = crate::bluesky::server().await;
    let uri = "at://did:plc:us/app.bsky.feed.post/3k";
    Mock::given(method("GET"))
        .and(path("/xrpc/app.bsky.feed.getPosts"))
        .and(query_param("uris", uri))
        .respond_with(ok(&json!({"posts": [
            {"uri": uri, "cid": "bafy", "likeCount": 4, "repostCount": 2, "replyCount": 1, "quoteCount": 0}
        ]})))
        .expect(1)
        .mount(&server)
        .await;
    let platform = Bench::new().open_at("bluesky", &server.uri());
    let told = platform
        .engagement(&of(&[uri, "https://bsky.app/profile/us/post/3j"]))
        .await
        .unwrap();
    assert_eq!(told, [counts(4, 2, 1, Some(0), None), Counts::default()]);
}

#[tokio::test]
async fn x_counts_views_too_and_an_answer_that_says_nothing_is_not_taken_for_gone() {
    let server = MockServer::start().await;
    let metrics = json!({"retweet_count": 11, "reply_count": 6, "like_count": 70, "quote_count": 1,
        "bookmark_count": 2, "impression_count": 2803});
    Mock::given(method("GET"))
        .and(path("/2/tweets"))
        .and(query_param("ids", "20,21"))
        .and(query_param("tweet.fields", "public_metrics"))
        .respond_with(ok(&json!({
            "data": [{"id": "20", "text": "just", "public_metrics": metrics}],
            "errors": [{"value": "21", "detail": "Could not find tweet with ids: [21].", "title": "Not Found Error",
                "resource_type": "tweet", "parameter": "ids", "resource_id": "21",
                "type": "https://api.twitter.com/2/problems/resource-not-found"}]
        })))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/2/tweets"))
        .and(query_param("ids", "22"))
        .respond_with(ok(&json!({"meta": {}})))
        .mount(&server)
        .await;
    let platform = Bench::new().open_at("x", &server.uri());
    let told = platform.engagement(&of(&["20", "21"])).await.unwrap();
    assert_eq!(told, [counts(70, 11, 6, Some(1), Some(2803)), Counts::default()]);
    let odd = platform.engagement(&of(&["22"])).await.unwrap_err();
    assert_eq!(odd.class, Class::Transient);
}

#[tokio::test]
async fn reddit_counts_votes_against_from_those_for_it() {
    let server = MockServer::start().await;
    let post =
        json!({"name": "t3_1abcd", "score": 7, "num_comments": 3, "num_crossposts": 1, "upvote_ratio": 0.9});
    let disliked = json!({"name": "t3_1abcf", "score": -2, "num_comments": 1, "num_crossposts": 0});
    let comment = json!({"name": "t1_2bcde", "score": 1});
    let children: Vec<Value> = [post, disliked, comment]
        .iter()
        .map(|thing| json!({"kind": "t", "data": thing}))
        .collect();
    Mock::given(method("GET"))
        .and(path("/api/info"))
        .and(query_param("id", "t3_1abcd,t3_1abce,t3_1abcf,t1_2bcde"))
        .and(query_param("raw_json", "1"))
        .respond_with(ok(&json!({"kind": "Listing", "data": {"children": children}})))
        .expect(1)
        .mount(&server)
        .await;
    let platform = Bench::new().open_at("reddit", &server.uri());
    let told = platform
        .engagement(&of(&[
            "t3_1abcd",
            "t3_1abce",
            "t3_1abcf",
            "t1_2bcde",
            "https://redd.it/x",
        ]))
        .await
        .unwrap();
    let of_comment = Counts {
        likes: Some(1),
        ..Counts::default()
    };
    assert_eq!(
        told,
        [
            counts(7, 1, 3, None, None),
            Counts::default(),
            counts(0, 0, 1, None, None),
            of_comment,
            Counts::default()
        ]
    );
    Mock::given(path("/api/info"))
        .and(query_param("id", "t3_9"))
        .respond_with(ok(&json!({})))
        .mount(&server)
        .await;
    let odd = platform.engagement(&of(&["t3_9"])).await.unwrap_err();
    assert_eq!(odd.class, Class::Transient);
}

/// What a page's statistics say of one post, as the manual has it.
fn statistics(name: &str, urn: &str, likes: i64) -> Value {
    json!({
        name: urn,
        "organizationalEntity": PAGE,
        "totalShareStatistics": {
            "clickCount": 109, "commentCount": 7, "engagement": 0.007, "impressionCount": 32000,
            "likeCount": likes, "shareCount": 4, "uniqueImpressionsCount": 12000,
        },
    })
}

/// Where a page is asked for these posts, with the signs that its protocol reads as they are.
fn statistics_of(lists: &str) -> wiremock::MockBuilder {
    let query =
        format!("q=organizationalEntity&organizationalEntity=urn%3Ali%3Aorganization%3A2414183&{lists}");
    Mock::given(method("GET"))
        .and(path("/rest/organizationalEntityShareStatistics"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(header("linkedin-version", "202605"))
        .and(header("x-restli-protocol-version", "2.0.0"))
        .and(move |request: &Request| request.url.query() == Some(&query))
}

fn problem(status: u16, code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"status": status, "serviceErrorCode": 100, "code": code, "message": message}))
}

#[tokio::test]
async fn a_page_of_linkedin_is_asked_for_many_at_once_and_what_nobody_saw_is_not_told() {
    let server = MockServer::start().await;
    statistics_of(
        "shares=List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A3)&ugcPosts=List(urn%3Ali%3AugcPost%3A2)",
    )
    .respond_with(ok(&json!({
        "paging": {"count": 10, "start": 0, "links": []},
        "elements": [
            statistics("ugcPost", "urn:li:ugcPost:2", -1),
            statistics("share", "urn:li:share:1", 92),
        ],
    })))
    .expect(1)
    .mount(&server)
    .await;
    let platform = Bench::new().open_at("linkedin", &server.uri());
    let told = platform
        .engagement(&of(&[
            "urn:li:share:1",
            "urn:li:ugcPost:2",
            "urn:li:share:3",
            "https://www.linkedin.com/feed/update/urn:li:share:4/",
        ]))
        .await
        .unwrap();
    assert_eq!(
        told,
        [
            counts(92, 4, 7, None, Some(32000)),
            counts(0, 4, 7, None, Some(32000)),
            Counts::default(),
            Counts::default(),
        ]
    );
}

#[tokio::test]
async fn one_that_is_gone_from_linkedin_does_not_spoil_the_others() {
    let server = MockServer::start().await;
    for (lists, answer) in [
        (
            "shares=List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A2)",
            problem(404, "NOT_FOUND", "Could not find entity"),
        ),
        (
            "shares=List(urn%3Ali%3Ashare%3A1)",
            problem(404, "NOT_FOUND", "Could not find entity"),
        ),
        (
            "shares=List(urn%3Ali%3Ashare%3A2)",
            ok(&json!({"elements": [statistics("share", "urn:li:share:2", 5)]})),
        ),
    ] {
        statistics_of(lists)
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
    }
    let platform = Bench::new().open_at("linkedin", &server.uri());
    let told = platform
        .engagement(&of(&["urn:li:share:1", "urn:li:share:2"]))
        .await
        .unwrap();
    assert_eq!(told, [Counts::default(), counts(5, 4, 7, None, Some(32000))]);
}

#[tokio::test]
async fn what_linkedin_refuses_and_the_sum_of_all_posts_are_no_counts() {
    let whole_page = json!({"elements": [
        {"organizationalEntity": PAGE, "totalShareStatistics": statistics("share", "", 9)["totalShareStatistics"]}
    ]});
    for (answer, class) in [
        (
            problem(
                403,
                "ACCESS_DENIED",
                "Not enough permissions to access: organizationalEntityShareStatistics",
            ),
            Class::Auth,
        ),
        (
            problem(404, "RESOURCE_NOT_FOUND", "No virtual resource found"),
            Class::Rejected,
        ),
        (
            problem(429, "TOO_MANY_REQUESTS", "Resource level throttle limit"),
            Class::RateLimited { until: None },
        ),
        (ok(&whole_page), Class::Transient),
        (ok(&json!({})), Class::Transient),
        (ResponseTemplate::new(502), Class::Transient),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let platform = Bench::new().open_at("linkedin", &server.uri());
        let failure = platform.engagement(&of(&["urn:li:share:1"])).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}

#[tokio::test]
async fn tumblr_is_asked_for_the_notes_of_each_post() {
    let server = MockServer::start().await;
    let notes = |told: Value| {
        let mut response = json!({"notes": [], "rollup_notes": [{"type": "like"}], "total_notes": 3});
        response
            .as_object_mut()
            .unwrap()
            .extend(told.as_object().unwrap().clone());
        ok(&json!({"meta": {"status": 200, "msg": "OK"}, "response": response}))
    };
    let gone = json!({"meta": {"status": 404, "msg": "Not Found"}, "response": [], "errors": [
        {"title": "Not Found", "code": 0, "detail": "Whatever you were looking for doesn't currently exist at this address."}
    ]});
    for (id, answer) in [
        (
            "7",
            notes(json!({"total_likes": 9, "total_reblogs": 4, "total_replies": 2})),
        ),
        // As the manual has it.
        ("8", notes(json!({"total_likes": 1, "total_reblogs": 0}))),
        ("9", ResponseTemplate::new(404).set_body_json(gone)),
    ] {
        Mock::given(method("GET"))
            .and(path("/v2/blog/casewatch/notes"))
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .and(query_param("id", id))
            .and(query_param("mode", "conversation"))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
    }
    let platform = Bench::new().open_at("tumblr", &server.uri());
    let told = platform
        .engagement(&of(&["7", "8", "9", "https://www.tumblr.com/casewatch/6"]))
        .await
        .unwrap();
    let without_replies = Counts {
        replies: None,
        ..counts(1, 0, 0, None, None)
    };
    assert_eq!(
        told,
        [
            counts(9, 4, 2, None, None),
            without_replies,
            Counts::default(),
            Counts::default()
        ]
    );
}

#[tokio::test]
async fn notes_of_another_shape_are_no_counts() {
    let said = |status: u16, response: Value| json!({"meta": {"status": status, "msg": "Said"}, "response": response});
    for (status, page, class) in [
        (
            200,
            said(200, json!({"notes": [], "total_notes": 0})),
            Class::Transient,
        ),
        (
            200,
            said(200, json!({"total_likes": "9", "total_reblogs": 4})),
            Class::Transient,
        ),
        (200, json!({"html": "maintenance"}), Class::Transient),
        (403, said(403, json!([])), Class::Rejected),
        (404, json!({"html": "a proxy's"}), Class::Transient),
        (429, said(429, json!([])), Class::RateLimited { until: None }),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/v2/blog/casewatch/notes"))
            .respond_with(ResponseTemplate::new(status).set_body_json(&page))
            .mount(&server)
            .await;
        let platform = Bench::new().open_at("tumblr", &server.uri());
        let failure = platform.engagement(&of(&["7"])).await.unwrap_err();
        assert_eq!(failure.class, class, "{status} {page}");
    }
}

#[tokio::test]
async fn pinterest_is_asked_for_each_pin_with_its_metrics() {
    let server = MockServer::start().await;
    // As the description of its API has it.
    let metrics = json!({
        "90d": {"pin_click": 7, "impression": 2, "clickthrough": 3},
        "lifetime_metrics": {"pin_click": 7, "impression": 2, "clickthrough": 3, "reaction": 10, "comment": 2, "save": 4},
    });
    let pin = |id: &str, metrics: Value| json!({"id": id, "title": "Ten to two", "pin_metrics": metrics});
    for (id, status, page) in [
        ("7", 200, pin("7", metrics)),
        (
            "8",
            200,
            pin(
                "8",
                json!({"90d": {"impression": 1}, "lifetime_metrics": {"impression": 1}}),
            ),
        ),
        ("9", 200, pin("9", Value::Null)),
        ("10", 404, json!({"code": 50, "message": "Pin not found."})),
    ] {
        Mock::given(method("GET"))
            .and(path(format!("/v5/pins/{id}")))
            .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
            .and(query_param("pin_metrics", "true"))
            .respond_with(ResponseTemplate::new(status).set_body_json(page))
            .expect(1)
            .mount(&server)
            .await;
    }
    let platform = Bench::new().open_at("pinterest", &server.uri());
    let told = platform
        .engagement(&of(&["7", "8", "9", "10", "https://www.pinterest.com/pin/11/"]))
        .await
        .unwrap();
    let seen = Counts {
        views: Some(1),
        ..Counts::default()
    };
    assert_eq!(
        told,
        [
            counts(10, 4, 2, None, Some(2)),
            seen,
            Counts::default(),
            Counts::default(),
            Counts::default(),
        ]
    );
}

#[tokio::test]
async fn another_pin_and_metrics_of_another_shape_are_no_counts() {
    for (status, page, class) in [
        (200, json!({"id": "8", "pin_metrics": null}), Class::Transient),
        (
            200,
            json!({"id": "7", "pin_metrics": {"lifetime_metrics": {"impression": "2"}}}),
            Class::Transient,
        ),
        (200, json!({"items": []}), Class::Transient),
        (404, json!({"html": "a proxy's"}), Class::Transient),
        (
            403,
            json!({"code": 29, "message": "You are not permitted to access that resource."}),
            Class::Auth,
        ),
        (
            429,
            json!({"code": 8, "message": "You have exceeded your rate limit."}),
            Class::RateLimited { until: None },
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/v5/pins/7"))
            .respond_with(ResponseTemplate::new(status).set_body_json(&page))
            .mount(&server)
            .await;
        let platform = Bench::new().open_at("pinterest", &server.uri());
        let failure = platform.engagement(&of(&["7"])).await.unwrap_err();
        assert_eq!(failure.class, class, "{status} {page}");
    }
}

#[tokio::test]
async fn who_counts_nothing_says_so_as_data() {
    for kind in ["telegram", "nostr", "linkedin-member", "webhook", "sandbox"] {
        let platform = Bench::new().open_at(kind, "http://127.0.0.1:9");
        assert_eq!(platform.limits().counts, None, "{kind}");
        assert!(platform.engagement(&of(&["1"])).await.is_err(), "{kind}");
    }
}

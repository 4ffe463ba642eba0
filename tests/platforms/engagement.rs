//! How the public answered: exact requests, and answers word for word.

use serde_json::{Value, json};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Receipt};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, TOKEN, receipt};

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

#[tokio::test]
async fn who_counts_nothing_says_so_as_data() {
    for kind in [
        "telegram",
        "nostr",
        "linkedin",
        "tumblr",
        "pinterest",
        "webhook",
        "sandbox",
    ] {
        let platform = Bench::new().open_at(kind, "http://127.0.0.1:9");
        assert_eq!(platform.limits().counts, None, "{kind}");
        assert!(platform.engagement(&of(&["1"])).await.is_err(), "{kind}");
    }
}

//! How the public answered: exact requests, and answers word for word.

use serde_json::{Value, json};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Receipt};
use wiremock::matchers::{body_string, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::support::{Bench, CHANNEL, PAGE, TOKEN, receipt};

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
    // Each kind by itself, as in the manual.
    for (list, told) in [
        (
            "shares=List(urn%3Ali%3Ashare%3A1,urn%3Ali%3Ashare%3A3)",
            statistics("share", "urn:li:share:1", 92),
        ),
        (
            "ugcPosts=List(urn%3Ali%3AugcPost%3A2)",
            statistics("ugcPost", "urn:li:ugcPost:2", -1),
        ),
    ] {
        let page = json!({"paging": {"count": 10, "start": 0, "links": []}, "elements": [told]});
        statistics_of(list)
            .respond_with(ok(&page))
            .expect(1)
            .mount(&server)
            .await;
    }
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
        "lifetime_metrics": {"pin_click": 7, "impression": 2, "clickthrough": 3, "reaction": 10, "comment": 2},
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
    let all = Counts {
        likes: Some(10),
        replies: Some(2),
        views: Some(2),
        ..Counts::default()
    };
    assert_eq!(
        told,
        [all, seen, Counts::default(), Counts::default(), Counts::default(),]
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

fn told(likes: u64, replies: Option<u64>) -> Counts {
    Counts {
        likes: Some(likes),
        replies,
        ..Counts::default()
    }
}

/// A message as Discord shows it, cut to what matters.
fn message(id: &str) -> Value {
    json!({"type": 0, "content": "Hi", "id": id, "channel_id": CHANNEL, "author": {"id": "1", "username": "steadfast"},
        "attachments": [], "embeds": [], "mentions": [], "pinned": false, "flags": 0})
}

#[tokio::test]
async fn discord_tells_a_bot_the_reactions_and_what_was_said_in_the_messages_own_thread() {
    let server = MockServer::start().await;
    let shown = |id: &str, answer: ResponseTemplate| {
        Mock::given(method("GET"))
            .and(path(format!("/api/v10/channels/{CHANNEL}/messages/{id}")))
            .and(header("authorization", format!("Bot {TOKEN}").as_str()))
            .respond_with(answer)
            .expect(1)
    };
    let reaction = |name: &str, normal: u64, burst: u64| {
        json!({"count": normal + burst, "count_details": {"burst": burst, "normal": normal}, "burst_colors": [],
            "me_burst": false, "burst_me": false, "me": false, "burst_count": burst, "emoji": {"id": null, "name": name}})
    };
    let mut liked = message("71");
    liked["reactions"] = json!([reaction("❤️", 4, 1), reaction("👍", 2, 0)]);
    let mut discussed = message("72");
    discussed["thread"] = json!({"id": "72", "type": 11, "parent_id": CHANNEL, "message_count": 3, "member_count": 2,
        "total_message_sent": 4});
    let gone = |code: u32, words: &str| {
        ResponseTemplate::new(404).set_body_json(json!({"message": words, "code": code}))
    };
    shown("71", ok(&liked)).mount(&server).await;
    shown("72", ok(&discussed)).mount(&server).await;
    shown("73", gone(10_008, "Unknown Message")).mount(&server).await;
    shown("74", gone(10_003, "Unknown Channel")).mount(&server).await;
    let platform = Bench::new().open_at("discord", &server.uri());
    let at = |id| receipt(id, Some(CHANNEL));
    let entered = receipt("https://discord.gg/x", None);
    let counts = platform
        .engagement(&[at("71"), at("72"), at("73"), at("74"), entered])
        .await
        .unwrap();
    let nothing = Counts::default();
    assert_eq!(
        counts,
        [told(7, Some(0)), told(0, Some(3)), nothing, nothing, nothing]
    );
}

#[tokio::test]
async fn discord_tells_a_webhook_the_same_under_its_own_address() {
    let server = MockServer::start().await;
    let mut liked = message("71");
    liked["reactions"] = json!([{"count": 2, "emoji": {"id": null, "name": "❤️"}}]);
    let of = |id: &str| {
        Mock::given(method("GET")).and(path(format!(
            "/api/v10/webhooks/223704706495545344/{TOKEN}/messages/{id}"
        )))
    };
    of("71")
        .and(query_param_is_missing("thread_id"))
        .respond_with(ok(&liked))
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let platform = bench.open_at("discord-webhook", &server.uri());
    let one = [receipt("71", Some(CHANNEL))];
    assert_eq!(platform.engagement(&one).await.unwrap(), [told(2, Some(0))]);
    let keys = format!(
        "webhook_url = 'SECRET({}/api/webhooks/223704706495545344/{TOKEN}?thread_id=9)'",
        server.uri()
    );
    of("71")
        .and(query_param("thread_id", "9"))
        .respond_with(ok(&message("71")))
        .expect(1)
        .mount(&server)
        .await;
    let platform = bench.open("discord", &keys);
    assert_eq!(platform.engagement(&one).await.unwrap(), [told(0, Some(0))]);
}

#[tokio::test]
async fn what_discord_refuses_or_says_in_another_shape_is_never_a_nought() {
    for (status, body, class) in [
        (200, json!({"reactions": []}), Class::Transient),
        (200, json!([]), Class::Transient),
        (
            401,
            json!({"message": "401: Unauthorized", "code": 0}),
            Class::Auth,
        ),
        (
            403,
            json!({"message": "Missing Access", "code": 50_001}),
            Class::Auth,
        ),
        (
            404,
            json!({"message": "Unknown Webhook", "code": 10_015}),
            Class::Auth,
        ),
        (
            429,
            json!({"message": "You are being rate limited.", "retry_after": 0.3, "global": false}),
            Class::RateLimited {
                until: Some(crate::support::now() + jiff::SignedDuration::from_secs(1)),
            },
        ),
        (502, json!({}), Class::Transient),
    ] {
        for kind in ["discord", "discord-webhook"] {
            let server = MockServer::start().await;
            Mock::given(method("GET"))
                .respond_with(ResponseTemplate::new(status).set_body_json(&body))
                .expect(1)
                .mount(&server)
                .await;
            let platform = Bench::new().open_at(kind, &server.uri());
            let of = [receipt("71", Some(CHANNEL)), receipt("72", Some(CHANNEL))];
            let failure = platform.engagement(&of).await.unwrap_err();
            assert_eq!(failure.class, class, "{kind} {status}: {failure}");
        }
    }
}

const SLACK_CHANNEL: &str = "C0123ABCD";

/// Where Slack is asked for the message `ts` of the thread `thread`.
fn in_thread(thread: &str, ts: &str, answer: &Value) -> Mock {
    let asked = format!("channel={SLACK_CHANNEL}&ts={thread}&oldest={ts}&latest={ts}&inclusive=true&limit=2");
    Mock::given(method("POST"))
        .and(path("/api/conversations.replies"))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .and(body_string(asked))
        .respond_with(ok(answer))
        .expect(1)
}

#[tokio::test]
async fn slack_tells_a_bot_the_reactions_and_the_answers_in_the_thread() {
    let server = MockServer::start().await;
    let parent = json!({"type": "message", "user": "U1", "text": "Hi", "thread_ts": "1760000000.000100",
        "reply_count": 3, "reply_users_count": 2, "latest_reply": "1760000009.000100", "reply_users": ["U1", "U2"],
        "ts": "1760000000.000100",
        "reactions": [{"name": "heart", "users": ["U2", "U3"], "count": 5}, {"name": "+1", "users": ["U2"], "count": 1}]});
    let plain = json!({"type": "message", "user": "U1", "text": "Hi", "ts": "1760000000.000200"});
    let reply = json!({"type": "message", "user": "U1", "text": "Hi", "thread_ts": "1760000000.000100",
        "parent_user_id": "U1", "ts": "1760000000.000300", "reactions": [{"name": "eyes", "users": ["U2"], "count": 1}]});
    let deleted = json!({"type": "message", "subtype": "tombstone", "text": "This message was deleted.",
        "user": "USLACKBOT", "hidden": true, "thread_ts": "1760000000.000400", "reply_count": 2,
        "ts": "1760000000.000400"});
    let page = |messages: &[&Value]| json!({"ok": true, "messages": messages, "has_more": false});
    for (thread, ts, answer) in [
        ("1760000000.000100", "1760000000.000100", page(&[&parent])),
        ("1760000000.000200", "1760000000.000200", page(&[&plain])),
        ("1760000000.000100", "1760000000.000300", page(&[&parent, &reply])),
        ("1760000000.000400", "1760000000.000400", page(&[&deleted])),
        (
            "1760000000.000500",
            "1760000000.000500",
            json!({"ok": false, "error": "thread_not_found"}),
        ),
    ] {
        in_thread(thread, ts, &answer).mount(&server).await;
    }
    let platform = Bench::new().open_at("slack", &server.uri());
    let at = |ts| receipt(ts, Some(SLACK_CHANNEL));
    let counts = platform
        .engagement(&[
            at("1760000000.000100"),
            at("1760000000.000200"),
            receipt("1760000000.000300", Some("C0123ABCD/1760000000.000100")),
            at("1760000000.000400"),
            at("1760000000.000500"),
            receipt("1760000000.000600", Some("C0OTHER")),
        ])
        .await
        .unwrap();
    let nothing = Counts::default();
    assert_eq!(
        counts,
        [
            told(6, Some(3)),
            told(0, Some(0)),
            told(1, None),
            nothing,
            nothing,
            nothing
        ]
    );
}

#[tokio::test]
async fn slack_is_asked_for_the_message_that_shows_a_file() {
    let server = MockServer::start().await;
    let file = |id: &str, answer: &Value| {
        Mock::given(path("/api/files.info"))
            .and(body_string(format!("file={id}")))
            .respond_with(ok(answer))
            .expect(1)
    };
    let shown = json!({"ok": true, "file": {"id": "F01", "shares": {"public": {SLACK_CHANNEL: [{"ts": "1760000000.000700"}]}}}});
    file("F01", &shown).mount(&server).await;
    let unshown = json!({"ok": true, "file": {"id": "F02", "shares": {}}});
    file("F02", &unshown).mount(&server).await;
    file("F03", &json!({"ok": false, "error": "file_deleted"}))
        .mount(&server)
        .await;
    let message = json!({"ts": "1760000000.000700", "reactions": [{"name": "eyes", "count": 2}]});
    let page = json!({"ok": true, "messages": [message]});
    in_thread("1760000000.000700", "1760000000.000700", &page)
        .mount(&server)
        .await;
    let platform = Bench::new().open_at("slack", &server.uri());
    let of: Vec<Receipt> = ["F01", "F02", "F03"]
        .map(|id| receipt(id, Some(SLACK_CHANNEL)))
        .into();
    assert_eq!(
        platform.engagement(&of).await.unwrap(),
        [told(2, Some(0)), Counts::default(), Counts::default()]
    );
}

#[tokio::test]
async fn what_slack_refuses_or_says_in_another_shape_is_never_a_nought() {
    for (status, body, class) in [
        (200, json!({"ok": true}), Class::Transient),
        (
            200,
            json!({"ok": true, "messages": [{"text": "Hi"}]}),
            Class::Transient,
        ),
        (
            200,
            json!({"ok": false, "error": "missing_scope", "needed": "channels:history", "provided": "chat:write"}),
            Class::Auth,
        ),
        (
            200,
            json!({"ok": false, "error": "not_in_channel"}),
            Class::Rejected,
        ),
        (
            429,
            json!({"ok": false, "error": "ratelimited"}),
            Class::RateLimited { until: None },
        ),
        (
            503,
            json!({"ok": false, "error": "service_unavailable"}),
            Class::Transient,
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/api/conversations.replies"))
            .respond_with(ResponseTemplate::new(status).set_body_json(&body))
            .mount(&server)
            .await;
        let platform = Bench::new().open_at("slack", &server.uri());
        let of = [receipt("1760000000.000100", Some(SLACK_CHANNEL))];
        let failure = platform.engagement(&of).await.unwrap_err();
        assert_eq!(failure.class, class, "{status} {body}: {failure}");
    }
}

#[tokio::test]
async fn who_counts_nothing_says_so_as_data() {
    for kind in [
        "telegram",
        "slack-webhook",
        "linkedin-member",
        "webhook",
        "sandbox",
    ] {
        let platform = Bench::new().open_at(kind, "http://127.0.0.1:9");
        assert_eq!(platform.limits().counts, None, "{kind}");
        assert!(platform.engagement(&of(&["1"])).await.is_err(), "{kind}");
    }
}

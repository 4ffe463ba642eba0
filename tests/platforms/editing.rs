//! What was posted gets other words where it is: exact requests, what the answers mean, and one contract for all.

use serde_json::{Value, json};
use steadfast::platform::{
    Edit, PLATFORMS, Prepared, Sealed, linkedin, mastodon, reddit, slack, telegram, tumblr,
};
use steadfast::post::outcome::{Class, Failure, Receipt};
use wiremock::matchers::{any, body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::deletion::posts_of;
use crate::support::{Bench, CHANNEL, Draft, TOKEN, answer, receipt};

const WAS: &str = "The vote.\n\nIt was 10-2.";
const IS: &str = "The vote.\n\nIt was 11-1.";

fn edit<'a>(draft: &'a Draft, receipt: &'a Receipt) -> Edit<'a> {
    Edit {
        receipt,
        below: false,
        was: WAS,
        out: draft.out(),
    }
}

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn frozen(prepared: &Prepared) -> (&str, Value) {
    (&prepared.path, body(prepared))
}

/// A part that has an image already, of which no bytes are at hand.
fn pictured() -> Draft {
    Draft {
        images: Vec::new(),
        ..Draft::text(IS).image()
    }
}

/// The receipt that this platform would give.
fn receipt_of(platform: &str) -> Receipt {
    match platform {
        "telegram" => receipt("1235", Some("-1001234567890")),
        "discord" | "discord-webhook" => receipt("334385199974967042", Some(CHANNEL)),
        "slack" => receipt("1760000000.000200", Some("C0123ABCD")),
        "reddit" => receipt("t3_1abcd", None),
        "tumblr" => receipt("1234567891234567", None),
        "pinterest" => receipt("813744226420795884", None),
        "linkedin" | "linkedin-member" => receipt("urn:li:share:7141138937766391808", None),
        _ => receipt("103254962155278888", None),
    }
}

async fn edit_at(platform: &str, url: &str, draft: &Draft) -> Result<(), Failure> {
    let bench = Bench::new();
    let account = bench.open_at(platform, url);
    let receipt = receipt_of(platform);
    let prepared = account.prepare_edit(&edit(draft, &receipt)).await?;
    let key = draft.key();
    account.edit(&Sealed { prepared, key }).await
}

#[tokio::test]
async fn a_status_keeps_what_it_has_beside_its_words() {
    let server = MockServer::start().await;
    let token = format!("Bearer {TOKEN}");
    let at = "/api/v1/statuses/103254962155278888";
    let status = json!({
        "id": "103254962155278888", "sensitive": true, "spoiler_text": "Court", "content": "<p>x</p>",
        "media_attachments": [{"id": "22", "url": "https://m.example/22"}, {"id": "23", "url": null}],
    });
    Mock::given(method("GET"))
        .and(path(at))
        .and(header("authorization", token.as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(&status))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path(at))
        .and(header("authorization", token.as_str()))
        .and(body_json(json!({
            "status": IS, "spoiler_text": "Court", "sensitive": true, "media_ids": ["22", "23"], "language": "es",
        })))
        .respond_with(ResponseTemplate::new(200).set_body_json(&status))
        .expect(1)
        .mount(&server)
        .await;
    let draft = Draft {
        warn: Some("Court".into()),
        ..pictured()
    };
    edit_at("mastodon", &server.uri(), &draft).await.unwrap();
}

#[tokio::test]
async fn an_answer_never_gives_its_words_to_the_post_that_it_is_on() {
    for platform in ["linkedin", "facebook", "reddit"] {
        let server = MockServer::start().await;
        let url = "https://www.facebook.com/17841400000000001/posts/12";
        let posts = json!({"data": [{"id": "17841400000000001_12", "permalink_url": url, "created_time": "2026-10-05T12:00:00+0000"}]});
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_json(posts))
            .mount(&server)
            .await;
        let account = Bench::new().open_at(platform, &server.uri());
        assert!(account.limits().edits, "{platform}");
        let draft = Draft::text(IS);
        for receipt in posts_of(platform) {
            let answer = Edit {
                below: true,
                ..edit(&draft, &receipt)
            };
            let failure = account.prepare_edit(&answer).await.unwrap_err();
            assert_eq!(failure.class, Class::Rejected, "{platform}: {receipt:?}");
            assert!(failure.words.contains("by hand"), "{platform}: {failure}");
        }
    }
}

#[test]
fn telegram_edits_a_text_or_the_caption_of_the_first() {
    let plain = Draft::text(IS).link("https://court.example/1");
    let prepared = telegram::edit(&edit(&plain, &receipt_of("telegram"))).unwrap();
    let said = format!("{IS}\n\nhttps://court.example/1");
    let expected = json!({
        "chat_id": -1_001_234_567_890_i64, "message_id": 1235, "text": said,
        "link_preview_options": {"url": "https://court.example/1"},
    });
    assert_eq!(frozen(&prepared), ("editMessageText", expected));
    let album = receipt("7,8,9", Some("-1001234567890"));
    let prepared = telegram::edit(&edit(&pictured(), &album)).unwrap();
    let expected = json!({"chat_id": -1_001_234_567_890_i64, "message_id": 7, "caption": IS});
    assert_eq!(frozen(&prepared), ("editMessageCaption", expected));

    let same = json!({"ok": false, "error_code": 400, "description": "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"});
    let gone =
        json!({"ok": false, "error_code": 400, "description": "Bad Request: message to edit not found"});
    assert_eq!(telegram::read_edit(&answer(400, &same.to_string())), Ok(()));
    let refused = telegram::read_edit(&answer(400, &gone.to_string())).unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
    assert_eq!(
        telegram::read_edit(&answer(200, r#"{"ok":true,"result":{"message_id":7}}"#)),
        Ok(())
    );
}

#[tokio::test]
async fn discord_forbids_pings_once_more_and_names_the_attachments_that_stay() {
    for (platform, at) in [
        (
            "discord",
            format!("/api/v10/channels/{CHANNEL}/messages/334385199974967042"),
        ),
        ("discord-webhook", String::new()),
    ] {
        let server = MockServer::start().await;
        let shown = json!({
            "id": "334385199974967042", "channel_id": CHANNEL, "content": WAS,
            "attachments": [{"id": "5", "filename": "image1.png"}],
        });
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_json(&shown))
            .expect(1)
            .mount(&server)
            .await;
        Mock::given(method("PATCH"))
            .and(body_json(json!({
                "content": IS, "allowed_mentions": {"parse": []}, "attachments": [{"id": "5"}],
            })))
            .respond_with(ResponseTemplate::new(200).set_body_json(&shown))
            .expect(1)
            .mount(&server)
            .await;
        edit_at(platform, &server.uri(), &pictured()).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let place = requests[1].url.path();
        assert_eq!(requests[0].url.path(), place, "{platform}");
        assert!(
            place.ends_with("/messages/334385199974967042"),
            "{platform}: {place}"
        );
        assert!(at.is_empty() || place == at, "{platform}: {place}");
    }
}

#[test]
fn slack_parses_nothing_in_an_edit_and_leaves_files_alone() {
    let plain = Draft::text("<It> was 11-1.");
    let prepared = slack::edit(&edit(&plain, &receipt_of("slack"))).unwrap();
    let expected = json!({
        "channel": "C0123ABCD", "ts": "1760000000.000200", "text": "&lt;It&gt; was 11-1.",
        "mrkdwn": false, "parse": "none", "link_names": false,
    });
    assert_eq!(frozen(&prepared), ("/api/chat.update", expected));
    let refused = slack::edit(&edit(&pictured(), &receipt_of("slack"))).unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
    assert!(refused.words.contains("beside a file"), "{refused}");
}

#[test]
fn reddit_keeps_its_titles() {
    let plain = Draft::text(IS);
    let prepared = reddit::edit(&edit(&plain, &receipt_of("reddit"))).unwrap();
    assert_eq!(prepared.path, "/api/editusertext");
    let told = body(&prepared);
    assert_eq!(
        (&told["thing_id"], &told["api_type"], &told["text"]),
        (&json!("t3_1abcd"), &json!("json"), &json!("It was 11-1."))
    );
    // A comment has none.
    let other = Draft::text("Another beginning.");
    let prepared = reddit::edit(&edit(&other, &receipt("t1_9", None))).unwrap();
    assert_eq!(body(&prepared)["thing_id"], "t1_9");
    for (draft, why) in [(other, "title"), (pictured(), "beside an image")] {
        let refused = reddit::edit(&edit(&draft, &receipt_of("reddit"))).unwrap_err();
        assert_eq!(refused.class, Class::Rejected);
        assert!(refused.words.contains(why), "{refused}");
    }
    let done = json!({"json": {"errors": [], "data": {"things": []}}}).to_string();
    assert_eq!(reddit::read_edit(&answer(200, &done)), Ok(()));
    let no = json!({"json": {"errors": [["NOT_AUTHOR", "you can't do that", "thing_id"]]}}).to_string();
    assert_eq!(
        reddit::read_edit(&answer(200, &no)).unwrap_err().class,
        Class::Rejected
    );
}

/// What Tumblr shows of a post for editing.
fn shown_on_tumblr(more: &Value) -> Value {
    let mut post = json!({
        "id": "1234567891234567", "state": "published", "slug": "sf-abc", "tags": ["old"], "reblog_key": "own",
        "interactability_reblog": "everyone", "layout": [],
        "content": [{"type": "text", "text": "The vote."}, {"type": "text", "text": "It was 10-2."}],
    });
    for (key, value) in more.as_object().unwrap() {
        post[key] = value.clone();
    }
    json!({"meta": {"status": 200, "msg": "OK"}, "response": post})
}

/// What is sent for this, to a post that has so much.
async fn edited_on_tumblr(draft: &Draft, more: &Value) -> Value {
    let server = MockServer::start().await;
    let at = "/v2/blog/casewatch/posts/1234567891234567";
    let token = format!("Bearer {TOKEN}");
    for (method_, place, page) in [
        ("GET", at, shown_on_tumblr(more)),
        (
            "GET",
            "/v2/blog/t:0aY0x/posts/1234567891234560",
            json!({"response": {"id_string": "1234567891234560", "reblog_key": "k3y", "tumblelog_uuid": "t:0aY0x"}}),
        ),
        (
            "PUT",
            at,
            json!({"meta": {"status": 200, "msg": "OK"}, "response": {"id": "1234567891234567"}}),
        ),
    ] {
        Mock::given(method(method_))
            .and(path(place))
            .and(header("authorization", token.as_str()))
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .mount(&server)
            .await;
    }
    edit_at("tumblr", &server.uri(), draft).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent: Vec<_> = requests
        .iter()
        .filter(|request| request.method.as_str() == "PUT")
        .collect();
    assert_eq!(sent.len(), 1);
    serde_json::from_slice(&sent[0].body).unwrap()
}

#[tokio::test]
async fn tumblr_is_told_again_all_that_a_post_has() {
    let draft = Draft::text("It was 11-1, see https://court.example/1 #Justice");
    let sent = edited_on_tumblr(&draft, &json!({})).await;
    let expected = json!({
        "content": [{
            "type": "text", "text": "It was 11-1, see https://court.example/1 #Justice",
            "formatting": [{"type": "link", "start": 17, "end": 40, "url": "https://court.example/1"}],
        }],
        "layout": [], "tags": "Justice", "state": "published", "slug": "sf-abc", "interactability_reblog": "everyone",
    });
    assert_eq!(sent, expected);
    // Images stay as they are, where they are.
    let image = json!({"type": "image", "alt_text": "The court", "media": [
        {"url": "https://64.media.tumblr.com/a.jpg", "type": "image/jpeg", "width": 540, "height": 405,
         "original_dimensions_missing": true}]});
    let layout = json!([{"type": "rows", "display": [{"blocks": [0]}, {"blocks": [1]}]}]);
    let more = json!({"content": [{"type": "text", "text": "x"}, image], "layout": layout});
    let sent = edited_on_tumblr(&pictured(), &more).await;
    let mut kept = image.clone();
    kept["media"][0]
        .as_object_mut()
        .unwrap()
        .remove("original_dimensions_missing");
    assert_eq!(sent["content"], json!([{"type": "text", "text": IS}, kept]));
    assert_eq!((&sent["layout"], &sent["tags"]), (&layout, &json!("")));
    // What reblogs another still does.
    let more = json!({"parent_tumblelog_uuid": "t:0aY0x", "parent_post_id": "1234567891234560"});
    let sent = edited_on_tumblr(&draft, &more).await;
    assert_eq!(
        (
            &sent["parent_tumblelog_uuid"],
            &sent["parent_post_id"],
            &sent["reblog_key"]
        ),
        (
            &json!("t:0aY0x"),
            &json!(1_234_567_891_234_560_u64),
            &json!("k3y")
        )
    );
}

#[tokio::test]
async fn tumblr_says_why_what_reblogs_a_post_that_is_gone_can_t_be_edited() {
    let more = json!({"parent_tumblelog_uuid": "t:0aY0x", "parent_post_id": "1234567891234560"});
    for (page, class, words) in [
        (
            json!({"meta": {"status": 404, "msg": "Not Found"}, "response": []}),
            Class::Rejected,
            "the post that it reblogs is gone",
        ),
        (json!({"html": "a proxy's"}), Class::Transient, ""),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/v2/blog/casewatch/posts/1234567891234567"))
            .respond_with(ResponseTemplate::new(200).set_body_json(shown_on_tumblr(&more)))
            .mount(&server)
            .await;
        Mock::given(path("/v2/blog/t:0aY0x/posts/1234567891234560"))
            .respond_with(ResponseTemplate::new(404).set_body_json(page))
            .mount(&server)
            .await;
        let failure = edit_at("tumblr", &server.uri(), &Draft::text(IS))
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.words.contains(words), "{failure}");
        let requests = server.received_requests().await.unwrap();
        assert!(requests.iter().all(|request| request.method.as_str() == "GET"));
    }
}

#[tokio::test]
async fn tumblr_leaves_words_beside_a_video_alone() {
    let draft = Draft::text(IS).video(b"ftyp");
    let failure = edit_at("tumblr", "http://127.0.0.1:9", &draft).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    let gone = r#"{"meta":{"status":404,"msg":"Not Found"}}"#;
    assert_eq!(
        tumblr::read_edit(&answer(404, gone)).unwrap_err().class,
        Class::Rejected
    );
}

#[tokio::test]
async fn others_are_told_what_is_to_change_and_no_more() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/rest/posts/urn%3Ali%3Ashare%3A7141138937766391808"))
        .and(header("x-restli-method", "PARTIAL_UPDATE"))
        .and(body_json(json!({"patch": {"$set": {"commentary": IS}}})))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v25.0/103254962155278888"))
        .and(body_json(json!({"message": IS})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"success": true})))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("PATCH"))
        .and(path("/v5/pins/813744226420795884"))
        .and(body_json(
            json!({"title": "The vote.", "description": "It was 11-1."}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": "813744226420795884"})))
        .expect(1)
        .mount(&server)
        .await;
    for platform in ["linkedin", "facebook", "pinterest"] {
        edit_at(platform, &server.uri(), &Draft::text(IS)).await.unwrap();
    }
    let refused = linkedin::read_edit(&answer(404, r#"{"message":"Not found","status":404}"#));
    assert_eq!(
        refused.unwrap_err().class,
        Class::Rejected,
        "what is gone has no other words"
    );
}

#[test]
fn only_the_platform_s_own_word_is_a_yes() {
    let page = answer(200, "<html>sign in</html>");
    for said in [
        mastodon::read_edit(&page),
        telegram::read_edit(&page),
        reddit::read_edit(&page),
        tumblr::read_edit(&page),
    ] {
        assert_eq!(said.unwrap_err().class, Class::InDoubt);
    }
    let gone = mastodon::read_edit(&answer(404, r#"{"error":"Record not found"}"#)).unwrap_err();
    assert_eq!(gone.class, Class::Rejected);
    let token = mastodon::read_edit(&answer(401, r#"{"error":"The access token is invalid"}"#));
    assert_eq!(token.unwrap_err().class, Class::Auth);
}

#[tokio::test]
async fn a_lost_answer_is_a_doubt_and_a_limit_a_wait_on_every_platform() {
    for platform in [
        "mastodon",
        "telegram",
        "discord",
        "discord-webhook",
        "slack",
        "linkedin",
        "linkedin-member",
        "facebook",
        "reddit",
        "tumblr",
        "pinterest",
    ] {
        for (status, class) in [
            (500, Class::InDoubt),
            (502, Class::InDoubt),
            (429, Class::RateLimited { until: None }),
        ] {
            let server = MockServer::start().await;
            // What has to be asked before is answered.
            Mock::given(method("GET"))
                .respond_with(
                    ResponseTemplate::new(200).set_body_json(json!({"id": "1", "response": {"content": []}})),
                )
                .mount(&server)
                .await;
            let page = ResponseTemplate::new(status).set_body_string("<html>oh</html>");
            Mock::given(any()).respond_with(page).mount(&server).await;
            let failure = edit_at(platform, &server.uri(), &Draft::text(IS))
                .await
                .unwrap_err();
            assert_eq!(failure.class, class, "{platform}: {status}");
            let requests = server.received_requests().await.unwrap();
            let visible = requests.iter().filter(|request| request.method.as_str() != "GET");
            assert_eq!(visible.count(), 1, "{platform}");
        }
    }
}

#[tokio::test]
async fn whether_posts_can_be_edited_is_as_the_data_say() {
    let mut limits: Vec<_> = PLATFORMS
        .iter()
        .map(|entry| (entry.name, (entry.limits)()))
        .collect();
    limits.retain(|(_, limits)| limits.edits);
    let names: Vec<&str> = limits.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "mastodon",
            "telegram",
            "discord",
            "slack",
            "linkedin",
            "facebook",
            "reddit",
            "tumblr",
            "pinterest",
            "sandbox"
        ]
    );
    let bench = Bench::new();
    let receipt = receipt("1", None);
    let draft = Draft::text(IS);
    // A sandbox that is like a platform without can't either.
    let account = bench.open("sandbox", "like = 'bluesky'");
    assert!(!account.limits().edits);
    let refused = account.prepare_edit(&edit(&draft, &receipt)).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
    for platform in ["bluesky", "x", "threads", "instagram", "nostr", "webhook"] {
        let account = bench.open_at(platform, "http://127.0.0.1:9");
        let refused = account.prepare_edit(&edit(&draft, &receipt)).await.unwrap_err();
        assert_eq!(refused.class, Class::Rejected, "{platform}");
    }
}

#[tokio::test]
async fn no_secret_of_ours_goes_out_in_an_edit() {
    let bench = Bench::new();
    let account = bench.open_at("telegram", "http://127.0.0.1:9");
    let _ = bench.open_at("mastodon", "http://127.0.0.1:9");
    let draft = Draft::text(&format!("Our token is {TOKEN}."));
    let refused = account
        .prepare_edit(&edit(&draft, &receipt_of("telegram")))
        .await
        .unwrap_err();
    assert!(
        refused.words.contains("secret") && !refused.words.contains(TOKEN),
        "{refused}"
    );
}

#[tokio::test]
async fn the_timeline_shows_the_last_words_once() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "");
    let receipt = Draft::text(WAS).send(account.as_ref()).await.unwrap();
    let file = bench.vault.path().join("sandbox/test.jsonl");
    let draft = Draft::text(IS);
    for _ in 0..2 {
        // By another process, too.
        let account = bench.open("sandbox", "");
        let prepared = account.prepare_edit(&edit(&draft, &receipt)).await.unwrap();
        let key = draft.key();
        account.edit(&Sealed { prepared, key }).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2, "once");
    }
    let shown = steadfast::platform::sandbox::timeline(bench.vault.path(), &bench.account, 10).unwrap();
    assert_eq!(
        (shown[0].said.text.as_str(), shown[0].edited.is_some()),
        (IS, true)
    );
    // What is not there has no words to be changed.
    let other = crate::support::receipt("1", None);
    let prepared = account.prepare_edit(&edit(&draft, &other)).await.unwrap();
    let key = draft.key();
    let refused = account.edit(&Sealed { prepared, key }).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
}

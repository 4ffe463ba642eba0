//! Discord: exact requests of bots and webhooks, what the answers mean, and how a lost one is found.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steadfast::platform::{Among, Deletion, Platform, Prepared, Sealed, discord};
use steadfast::post::outcome::{Class, Found, Receipt};
use steadfast::text::limits::{DISCORD, DISCORD_WEBHOOK, Doubt};
use wiremock::matchers::{body_json, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, CHANNEL, Draft, OneFilm, TOKEN, answer, deletion_of, now, receipt};

const MESSAGE: &str = "334385199974967042";
const HOOK: &str = "223704706495545344";
/// The delivery's id to the base 36.
const NONCE: &str = "nonce";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn request(draft: &Draft) -> Prepared {
    discord::request(&draft.out(), CHANNEL).unwrap()
}

fn messages() -> String {
    format!("/api/v10/channels/{CHANNEL}/messages")
}

/// What a person sees of the nonce: it is always the same for a delivery, and short enough.
fn nonce_of(prepared: &Prepared) -> String {
    let nonce = body(prepared)[NONCE].as_str().unwrap().to_owned();
    assert!((20..=25).contains(&nonce.len()), "{nonce}");
    assert!(nonce.bytes().all(|b| b.is_ascii_alphanumeric()), "{nonce}");
    nonce
}

#[test]
fn a_bots_text_is_plain_pings_nobody_and_has_a_nonce_of_its_delivery() {
    let prepared = request(&Draft::text("*No* @everyone <@1> https://a.example/x_y"));
    assert_eq!(prepared.path, messages());
    let nonce = nonce_of(&prepared);
    assert_eq!(
        body(&prepared),
        json!({
            "content": "\\*No\\* @everyone <@1> https://a.example/x_y",
            "allowed_mentions": { "parse": [] },
            "nonce": nonce,
            "enforce_nonce": true,
        })
    );
    let other = Draft {
        index: 1,
        ..Draft::text("x")
    };
    assert_ne!(nonce_of(&request(&other)), nonce);
}

#[test]
fn a_webhook_is_told_the_same_without_what_only_bots_may_say() {
    let prepared = discord::webhook_request(&Draft::text("# Hi").out());
    assert_eq!(prepared.path, "");
    assert_eq!(
        body(&prepared),
        json!({ "content": "\\# Hi", "allowed_mentions": { "parse": [] } })
    );
}

#[test]
fn images_have_their_descriptions() {
    let prepared = request(&Draft::text("Look.").image().image());
    assert_eq!(
        body(&prepared)["attachments"],
        json!([
            { "id": 0, "filename": "image1.png", "description": "The court" },
            { "id": 1, "filename": "image2.png", "description": "The court" },
        ])
    );
    assert_eq!(body(&prepared)["files"][1]["name"], "files[1]");
}

#[test]
fn answers_and_forwards_refer_to_a_message() {
    let refers =
        |draft: Draft| discord::request(&draft.out(), CHANNEL).map(|p| body(&p)["message_reference"].clone());
    let answers = |parent: Receipt| {
        refers(Draft {
            parent: Some(parent),
            ..Draft::text("More.")
        })
    };
    let tied = json!({ "message_id": MESSAGE, "channel_id": CHANNEL, "fail_if_not_exists": true });
    let url = format!("https://discord.com/channels/41771983423143937/{CHANNEL}/{MESSAGE}");
    assert_eq!(answers(receipt(MESSAGE, Some(CHANNEL))).unwrap(), tied);
    assert_eq!(answers(Receipt::named(&*url, Some(url.clone()))).unwrap(), tied);
    assert_eq!(answers(receipt("x", None)).unwrap_err().class, Class::Rejected);
    let share = |url: &str| {
        refers(Draft {
            share: Some(url.into()),
            ..Draft::text("")
        })
    };
    assert_eq!(
        share(&url).unwrap(),
        json!({ "type": 1, "message_id": MESSAGE, "channel_id": CHANNEL, "fail_if_not_exists": true })
    );
    for url in [
        "https://discord.com/channels/1/2",
        "https://evildiscord.com/channels/1/2/3",
        "x",
    ] {
        assert_eq!(share(url).unwrap_err().class, Class::Rejected, "{url}");
    }
}

#[test]
fn every_no_has_a_class_and_says_which_field_is_wrong() {
    for (status, code, message, class) in [
        (401, 0, "401: Unauthorized", Class::Auth),
        (403, 50_001, "Missing Access", Class::Auth),
        (403, 50_013, "Missing Permissions", Class::Auth),
        (404, 10_015, "Unknown Webhook", Class::Auth),
        (401, 50_027, "Invalid Webhook Token", Class::Auth),
        (404, 10_003, "Unknown Channel", Class::Rejected),
        (404, 10_008, "Unknown Message", Class::Rejected),
        (400, 50_006, "Cannot send an empty message", Class::Rejected),
        (413, 40_005, "Request entity too large", Class::Rejected),
        (
            400,
            200_000,
            "Message was blocked by automatic moderation",
            Class::Rejected,
        ),
        (
            400,
            240_000,
            "Message blocked by harmful links filter",
            Class::Rejected,
        ),
        (
            403,
            20_016,
            "This action cannot be performed due to slowmode rate limit",
            Class::RateLimited { until: None },
        ),
        (
            429,
            20_028,
            "The channel you are writing has hit the write rate limit",
            Class::RateLimited { until: None },
        ),
        (500, 0, "500: Internal Server Error", Class::InDoubt),
        (502, 0, "502: Bad Gateway", Class::InDoubt),
    ] {
        let page = json!({ "message": message, "code": code }).to_string();
        let failure = discord::read(&answer(status, &page)).unwrap_err();
        assert_eq!(failure.class, class, "{message}");
        assert_eq!(failure.words, message);
    }
    let long = r#"{"code":50035,"message":"Invalid Form Body","errors":{"content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 2000 or fewer in length."}]}}}"#;
    let failure = discord::read(&answer(400, long)).unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert_eq!(
        failure.words,
        "Invalid Form Body; content: Must be 2000 or fewer in length."
    );
    // Without `wait=true` that would be the answer, whatever became of the message.
    assert_eq!(discord::read(&answer(204, "")).unwrap_err().class, Class::InDoubt);
}

#[test]
fn a_wait_has_fractions_of_seconds_in_the_body() {
    let limited = r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false,"code":0}"#;
    let mut page = answer(429, limited);
    let wait = |page| match discord::read(page).unwrap_err().class {
        Class::RateLimited { until } => until.unwrap() - now(),
        other => panic!("{other:?}"),
    };
    assert!(wait(&page).get_seconds() == 64 || wait(&page).get_minutes() == 1);
    page.headers.insert("retry-after", "70".parse().unwrap());
    let until = Some(now() + SignedDuration::from_secs(70));
    assert_eq!(
        discord::read(&page).unwrap_err().class,
        Class::RateLimited { until }
    );
    // Of the network before it.
    page.body = "<html>slow down</html>".into();
    assert_eq!(
        discord::read(&page).unwrap_err().class,
        Class::RateLimited { until }
    );
}

#[test]
fn a_nonce_ends_doubt_for_minutes_a_look_after_that_and_a_webhook_asks_a_person() {
    let bench = Bench::new();
    let doubt = |kind: &str| bench.open_at(kind, "https://discord.com").limits().doubt;
    assert!(matches!(
        doubt("discord"),
        Doubt::Key {
            window: Some(_),
            then: Some(_)
        }
    ));
    assert_eq!(doubt("discord-webhook"), Doubt::Ask);
}

#[test]
fn what_an_account_is_able_to_do_hangs_on_its_keys() {
    let known = |keys: &str| {
        let entry = steadfast::platform::find("discord").unwrap();
        (entry.known_limits)(&keys.parse().unwrap(), "".as_ref(), &"test".parse().unwrap())
    };
    assert_eq!(known("webhook_url = { env = 'U' }"), DISCORD_WEBHOOK);
    assert_eq!(known("bot_token = { env = 'T' }\nchannel = '1'"), DISCORD);
}

fn place(id: &str) -> Value {
    json!({ "id": id, "channel_id": CHANNEL, "guild_id": "41771983423143937" })
}

async fn on(server: &MockServer, verb: &str, at: &str, status: u16, body: Value) {
    let template = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method(verb))
        .and(path(at))
        .respond_with(template)
        .mount(server)
        .await;
}

/// A server that knows the bot and its channel.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    on(
        &server,
        "GET",
        "/api/v10/users/@me",
        200,
        json!({ "id": "80351110224678912" }),
    )
    .await;
    let channel = json!({ "id": CHANNEL, "guild_id": "41771983423143937", "type": 0 });
    on(
        &server,
        "GET",
        &format!("/api/v10/channels/{CHANNEL}"),
        200,
        channel,
    )
    .await;
    server
}

#[tokio::test]
async fn a_bot_signs_as_discord_asks_and_its_receipt_has_an_address() {
    let server = server().await;
    let token = format!("Bot {TOKEN}");
    let agent = format!(
        "DiscordBot (https://campaign.example, {})",
        env!("CARGO_PKG_VERSION")
    );
    Mock::given(method("POST"))
        .and(path(messages()))
        .and(header("authorization", token.as_str()))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "id": MESSAGE, "channel_id": CHANNEL })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("discord", &server.uri());
    let identity = account.identity().await.unwrap();
    assert_eq!(
        identity,
        Some(format!("bot 80351110224678912 in channel {CHANNEL}"))
    );
    let done = Draft::text("Hi").send(account.as_ref()).await.unwrap();
    assert_eq!((done.id.as_str(), done.pin.as_deref()), (MESSAGE, Some(CHANNEL)));
    let url = format!("https://discord.com/channels/41771983423143937/{CHANNEL}/{MESSAGE}");
    assert_eq!(done.url, Some(url));
    let requests = server.received_requests().await.unwrap();
    for request in &requests {
        let told: Vec<_> = request.headers.get_all("user-agent").iter().collect();
        assert_eq!(told, [agent.as_str()], "{}", request.url);
    }
}

#[tokio::test]
async fn a_webhook_waits_for_the_message_and_can_stand_in_a_thread() {
    let server = MockServer::start().await;
    let at = format!("/api/v10/webhooks/{HOOK}/{TOKEN}");
    on(&server, "GET", &at, 200, place(HOOK)).await;
    let yes = || ResponseTemplate::new(200).set_body_json(json!({ "id": MESSAGE, "channel_id": CHANNEL }));
    Mock::given(method("POST"))
        .and(path(at.as_str()))
        .and(query_param("wait", "true"))
        .and(query_param_is_missing("thread_id"))
        .respond_with(yes())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(at.as_str()))
        .and(query_param("wait", "true"))
        .and(query_param("thread_id", "77"))
        .respond_with(yes())
        .expect(1)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("discord-webhook", &server.uri());
    let identity = account.identity().await.unwrap();
    assert_eq!(identity, Some(format!("webhook {HOOK} in channel {CHANNEL}")));
    let done = Draft::text("Hi").send(account.as_ref()).await.unwrap();
    assert!(done.url.unwrap().ends_with(MESSAGE));
    let url = format!("{}/api/v9/webhooks/{HOOK}/{TOKEN}?thread_id=77", server.uri());
    let account = bench.open("discord", &format!("webhook_url = 'SECRET({url})'"));
    Draft::text("Hi").send(account.as_ref()).await.unwrap();
}

#[tokio::test]
async fn images_leave_as_a_form_beside_the_message() {
    let server = server().await;
    on(
        &server,
        "POST",
        &messages(),
        200,
        json!({ "id": MESSAGE, "channel_id": CHANNEL }),
    )
    .await;
    let account = Bench::new().open_at("discord", &server.uri());
    Draft::text("Look.").image().send(account.as_ref()).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let form = String::from_utf8_lossy(&requests.last().unwrap().body).into_owned();
    for piece in [
        "name=\"files[0]\"; filename=\"image1.png\"\r\nContent-Type: image/png\r\n",
        "name=\"payload_json\"\r\n\r\n{\"content\":\"Look.\",\"allowed_mentions\":{\"parse\":[]}",
        "PNG pixels",
    ] {
        assert!(form.contains(piece), "{piece}\n{form}");
    }
    assert!(!form.contains("base64"), "{form}");
}

#[tokio::test]
async fn a_video_leaves_as_a_form_beside_the_message_with_its_description() {
    let server = server().await;
    on(
        &server,
        "POST",
        &messages(),
        200,
        json!({ "id": MESSAGE, "channel_id": CHANNEL }),
    )
    .await;
    let mut bench = Bench::new();
    bench.films = Arc::new(OneFilm(b"ftyp and pictures"));
    let account = bench.open_at("discord", &server.uri());
    let draft = Draft::text("Look.").video(b"ftyp and pictures");
    draft.send(account.as_ref()).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let form = String::from_utf8_lossy(&requests.last().unwrap().body).into_owned();
    for piece in [
        "name=\"files[0]\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\nftyp and pictures\r\n",
        "\"attachments\":[{\"id\":0,\"filename\":\"video.mp4\",\"description\":\"A march\"}]",
    ] {
        assert!(form.contains(piece), "{piece}\n{form}");
    }
    assert!(!form.contains("march.mp4"), "{form}");
}

#[tokio::test]
async fn a_message_is_deleted_by_a_bot_or_by_its_webhook() {
    let server = MockServer::start().await;
    let of_hook = format!("/api/v10/webhooks/{HOOK}/{TOKEN}/messages/{MESSAGE}");
    for at in [format!("{}/{MESSAGE}", messages()), of_hook] {
        Mock::given(method("DELETE"))
            .and(path(at))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
    }
    let gone = receipt(MESSAGE, Some(CHANNEL));
    let key = Draft::text("").key();
    for kind in ["discord", "discord-webhook"] {
        let account = Bench::new().open_at(kind, &server.uri());
        let gone = Deletion {
            key,
            ..deletion_of(&gone)
        };
        let prepared = account.prepare_deletion(&gone).await.unwrap();
        assert!(!prepared.path.contains(TOKEN), "{}", prepared.path);
        account.delete(&Sealed { prepared, key }).await.unwrap();
    }
    let none = json!({ "message": "Unknown Message", "code": 10_008 }).to_string();
    assert_eq!(discord::read_deletion(&answer(404, &none)), Ok(()));
    let other = json!({ "message": "Unknown Channel", "code": 10_003 }).to_string();
    for page in [other.as_str(), "<html>not here</html>"] {
        assert!(discord::read_deletion(&answer(404, page)).is_err(), "{page}");
    }
}

// Doubt.

/// A message in the channel; a test says what is special about it.
fn listed(id: &str, author: &str, content: &str) -> Value {
    json!({ "id": id, "channel_id": CHANNEL, "author": { "id": author }, "content": content, "attachments": [] })
}

const ME: &str = "80351110224678912";

async fn found(listed: Value, taken: &[&str]) -> Found {
    let server = server().await;
    Mock::given(method("GET"))
        .and(path(messages()))
        .and(query_param("limit", "100"))
        .respond_with(ResponseTemplate::new(200).set_body_json(listed))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(messages()))
        .and(query_param("limit", "1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&server)
        .await;
    let account = Bench::new().open_at("discord", &server.uri());
    look(account.as_ref(), taken).await
}

async fn look(account: &dyn Platform, taken: &[&str]) -> Found {
    let draft = Draft::text("*No*");
    let sealed = Sealed {
        prepared: request(&draft),
        key: draft.key(),
    };
    let among = Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    };
    account.find(&sealed, &among).await.unwrap()
}

#[tokio::test]
async fn a_lost_message_is_found_by_its_nonce_else_by_its_words() {
    let with_nonce = |nonce: &str| {
        let mut message = listed("7", ME, "edited since");
        message[NONCE] = json!(nonce);
        message
    };
    let own = nonce_of(&request(&Draft::text("*No*")));
    let here = |found: Found| match found {
        Found::Here(receipt) => receipt.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(here(found(json!([with_nonce(&own)]), &[]).await), "7");
    let same = listed("8", ME, "\\*No\\*\n");
    assert_eq!(here(found(json!([same]), &[]).await), "8");
    // Of somebody else, of another post, another answer, with an image; ours already; and one of another delivery.
    let mut other_reference = same.clone();
    other_reference["message_reference"] = json!({ "type": 0, "message_id": "1", "channel_id": CHANNEL });
    let mut image = same.clone();
    image["attachments"] = json!([{ "id": "1" }]);
    let mut other_nonce = same.clone();
    other_nonce[NONCE] = json!("another");
    for none in [
        listed("9", "1", "\\*No\\*"),
        listed("9", ME, "\\*Yes\\*"),
        other_reference,
        image,
        other_nonce,
    ] {
        assert_eq!(found(json!([none]), &[]).await, Found::Absent, "{none}");
    }
    assert_eq!(found(json!([same]), &["8"]).await, Found::Absent);
    let twice = json!([listed("9", ME, "\\*No\\*"), same]);
    assert!(matches!(found(twice, &[]).await, Found::Unclear(_)));
}

#[tokio::test]
async fn a_channel_that_looks_empty_or_is_closed_proves_nothing() {
    assert!(matches!(found(json!([]), &[]).await, Found::Unclear(_)));
    let server = server().await;
    on(
        &server,
        "GET",
        &messages(),
        403,
        json!({ "message": "Missing Access", "code": 50_001 }),
    )
    .await;
    let account = Bench::new().open_at("discord", &server.uri());
    assert!(matches!(look(account.as_ref(), &[]).await, Found::Unclear(_)));
}

#[tokio::test]
async fn a_channel_is_read_from_the_first_intent_on_page_by_page() {
    let server = server().await;
    // 2026-11-23T12:00:00Z
    let since = ((now().as_millisecond() - 1_420_070_400_000) << 22).to_string();
    let full: Vec<Value> = (0..100)
        .map(|n| listed(&format!("{}", 5000 - n), "1", "x"))
        .collect();
    for (after, page) in [
        (since.as_str(), json!(full)),
        ("5000", json!([listed("6000", ME, "\\*No\\*")])),
    ] {
        Mock::given(method("GET"))
            .and(path(messages()))
            .and(query_param("after", after))
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .expect(1)
            .mount(&server)
            .await;
    }
    let account = Bench::new().open_at("discord", &server.uri());
    assert!(matches!(look(account.as_ref(), &[]).await, Found::Here(receipt) if receipt.id == "6000"));
}

#[tokio::test]
async fn the_same_request_again_is_answered_with_the_same_message() {
    let server = server().await;
    let draft = Draft::text("*No*");
    Mock::given(method("POST"))
        .and(path(messages()))
        .and(body_json(body(&request(&draft))))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({ "id": MESSAGE, "channel_id": CHANNEL })),
        )
        .expect(2)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("discord", &server.uri());
    let prepared = account.prepare(&draft.out()).await.unwrap();
    let sealed = Sealed {
        prepared,
        key: draft.key(),
    };
    let first = account.publish(&sealed).await.unwrap();
    assert_eq!(account.publish(&sealed).await.unwrap(), first);
}

#[tokio::test]
async fn f16_a_secret_of_ours_is_seen_through_the_signs_that_discord_wants_escaped() {
    let secret = "c4nary_t0ken_0123456789";
    let server = MockServer::start().await;
    let keys = format!(
        "base_url = '{}'\nbot_token = 'SECRET({secret})'\nchannel = '{CHANNEL}'",
        server.uri()
    );
    let account = Bench::new().open("discord", &keys);
    for draft in [
        Draft::text(&format!("Look: {secret}")),
        Draft::text("Look.").link(&format!("https://example.org/{secret}")),
    ] {
        let failure = account.prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected);
        assert!(!failure.words.contains(secret), "{failure}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

//! Reddit: titles, exact requests, its answers word for word, images, and how a lost answer is found.

use std::collections::HashSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use steadfast::platform::http::Answer;
use steadfast::platform::{Among, Deletion, Prepared, Sealed, reddit};
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::post::shared::Look;
use wiremock::matchers::{body_string_contains, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, TOKEN, answer, deletion_of, now, receipt};

const PAGE: &str = "https://www.reddit.com/r/casewatch/comments/1abcd/ten_to_two/";

fn body(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.body).unwrap()
}

fn place() -> reddit::Place {
    reddit::Place {
        subreddit: "casewatch".into(),
        flair: None,
    }
}

fn request(draft: &Draft) -> Prepared {
    reddit::request(&draft.out(), &place(), None).unwrap()
}

#[test]
fn the_first_line_is_the_title_and_the_rest_is_plain_in_markdown() {
    let draft = Draft::text("Ten to two *again*\n\nNot #unanimous.").link("https://example.org/a_b");
    let prepared = request(&draft);
    assert_eq!(prepared.path, "/api/submit");
    assert_eq!(
        body(&prepared),
        json!({
            "api_type": "json", "raw_json": "1", "kind": "self", "sr": "casewatch",
            "title": "Ten to two *again*",
            "text": "Not \\#unanimous.\n\nhttps://example.org/a_b",
            "spoiler": "false", "nsfw": "false", "sendreplies": "false", "resubmit": "true",
        })
    );
    let mut warned = Draft::text("Ten to two\nNot unanimous.");
    warned.warn = Some("prison".into());
    let place = reddit::Place {
        flair: Some("f1a".into()),
        ..place()
    };
    let said = body(&reddit::request(&warned.out(), &place, None).unwrap());
    assert_eq!(said["title"], "Ten to two");
    assert_eq!(said["text"], "prison\n\nNot unanimous.");
    assert_eq!(
        (&said["spoiler"], &said["flair_id"]),
        (&json!("true"), &json!("f1a"))
    );
    // What is all image is called by what it shows.
    let said = body(&request(&Draft::text("").image()));
    assert_eq!((&said["title"], &said["text"]), (&json!("The court"), &json!("")));
}

#[test]
fn what_answers_is_a_comment_on_what_it_answers() {
    let mut draft = Draft::text("1. And *then*");
    for (parent, name) in [
        (receipt("t3_1abcd", None), "t3_1abcd"),
        (receipt("t1_2bcde", None), "t1_2bcde"),
        (Receipt::named(PAGE, Some(PAGE.into())), "t3_1abcd"),
        (
            Receipt::named("told", Some(format!("{PAGE}2bcde/?context=3"))),
            "t1_2bcde",
        ),
        (
            Receipt::named("https://old.reddit.com/comments/1abcd", None),
            "t3_1abcd",
        ),
    ] {
        draft.parent = Some(parent);
        let prepared = request(&draft);
        assert_eq!(prepared.path, "/api/comment");
        assert_eq!(
            body(&prepared),
            json!({ "api_type": "json", "raw_json": "1", "thing_id": name, "text": "1\\. And \\*then\\*" })
        );
    }
    for elsewhere in [
        "https://evil.example/r/a/comments/1abcd/",
        "https://www.reddit.com/r/casewatch/",
        "told",
    ] {
        draft.parent = Some(Receipt::named(elsewhere, None));
        let failure = reddit::request(&draft.out(), &place(), None).unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{elsewhere}");
    }
}

#[test]
fn a_yes_names_the_post_or_the_comment() {
    let yes = json!({ "json": { "errors": [], "data": { "url": PAGE, "drafts_count": 0, "id": "1abcd", "name": "t3_1abcd" } } });
    let done = reddit::read(&answer(200, &yes.to_string())).unwrap();
    assert_eq!((done.id.as_str(), done.url.as_deref()), ("t3_1abcd", Some(PAGE)));
    let comment =
        json!({ "name": "t1_2bcde", "permalink": "/r/casewatch/comments/1abcd/x/2bcde/", "body": "x" });
    let yes = json!({ "json": { "errors": [], "data": { "things": [{ "kind": "t1", "data": comment }] } } });
    let done = reddit::read(&answer(200, &yes.to_string())).unwrap();
    assert_eq!(
        (done.id.as_str(), done.url.as_deref()),
        (
            "t1_2bcde",
            Some("https://www.reddit.com/r/casewatch/comments/1abcd/x/2bcde/")
        )
    );
    for odd in [
        // Of a media post.
        json!({ "json": { "errors": [], "data": { "user_submitted_page": "x", "websocket_url": "wss://x" } } }),
        json!({ "json": { "errors": [], "data": { "name": "t5_1", "url": PAGE } } }),
        json!({ "json": {} }),
        json!({ "jquery": [], "success": true }),
    ] {
        let failure = reddit::read(&answer(200, &odd.to_string())).unwrap_err();
        assert_eq!(failure.class, Class::InDoubt, "{odd}");
    }
}

fn no(code: &str, words: &str) -> Answer {
    answer(
        200,
        &json!({ "json": { "errors": [[code, words, "sr"]] } }).to_string(),
    )
}

#[test]
fn each_refusal_is_of_the_class_that_its_code_says() {
    let http = |status: u16, message: &str| {
        answer(
            status,
            &json!({ "message": message, "error": status }).to_string(),
        )
    };
    let mut scope = http(403, "Forbidden");
    let why = "Bearer realm=\"reddit\", error=\"insufficient_scope\"";
    scope.headers.insert("www-authenticate", why.parse().unwrap());
    for (answer, class) in [
        (
            no("SUBREDDIT_NOEXIST", "that subreddit doesn't exist"),
            Class::Auth,
        ),
        (
            no(
                "SUBMIT_VALIDATION_FLAIR_REQUIRED",
                "Your post must contain post flair.",
            ),
            Class::Rejected,
        ),
        (no("TOO_LONG", "this is too long (max: 300)"), Class::Rejected),
        (no("USER_REQUIRED", "Please log in to do that."), Class::Auth),
        (
            no("ALREADY_SUB", "that link has already been submitted"),
            Class::Duplicate,
        ),
        (http(401, "Unauthorized"), Class::Auth),
        (scope, Class::Auth),
        (http(403, "Forbidden"), Class::Rejected),
        (http(503, "Service Unavailable"), Class::InDoubt),
        (answer(403, "<html>blocked</html>"), Class::InDoubt),
        (answer(500, "{}"), Class::InDoubt),
    ] {
        let failure = reddit::read(&answer).unwrap_err();
        assert_eq!(failure.class, class, "{}", String::from_utf8_lossy(&answer.body));
    }
    let private = json!({ "message": "Forbidden", "error": 403, "reason": "private" });
    let failure = reddit::read(&answer(403, &private.to_string())).unwrap_err();
    assert_eq!(failure.words, "Forbidden; private");
    assert_eq!(reddit::read(&no("NO_SELFS", "")).unwrap_err().words, "NO_SELFS");
}

#[test]
fn a_limit_in_a_200_is_waited_for_by_its_number_or_by_its_words() {
    let waits = |page: Value| match reddit::read(&answer(200, &page.to_string())).unwrap_err().class {
        Class::RateLimited { until } => until.map(|until| until.duration_since(now()).as_secs()),
        class => panic!("{class:?}"),
    };
    let words = "Looks like you've been doing that a lot. Take a break for 9 minutes before trying again.";
    let of = |words: &str| json!({ "json": { "errors": [["RATELIMIT", words, "ratelimit"]] } });
    let mut counted = of(words);
    counted["json"]["ratelimit"] = json!(538.5);
    assert_eq!(waits(counted), Some(538));
    assert_eq!(waits(of(words)), Some(600));
    assert_eq!(
        waits(of("Take a break for 30 seconds before trying again.")),
        Some(31)
    );
    assert_eq!(waits(of("Slow down.")), None);
    // Beyond that there is the usual one, in seconds that are left.
    let mut usual = answer(429, "{\"message\": \"Too Many Requests\", \"error\": 429}");
    usual.headers.insert("x-ratelimit-reset", "120".parse().unwrap());
    let until = Some(now() + SignedDuration::from_secs(120));
    assert_eq!(
        reddit::read(&usual).unwrap_err().class,
        Class::RateLimited { until }
    );
}

#[test]
fn what_is_gone_is_deleted() {
    let read = |status, page: &str| reddit::read_deletion(&answer(status, page)).map_err(|f| f.class);
    assert_eq!(read(200, "{}"), Ok(()));
    assert_eq!(read(200, "<html>sign in</html>"), Err(Class::InDoubt));
    assert_eq!(read(200, "{\"error\": 1}"), Err(Class::InDoubt));
    assert_eq!(
        read(403, "{\"message\": \"Forbidden\", \"error\": 403}"),
        Err(Class::Rejected)
    );
    let by = |receipt: &Receipt| {
        let key = Draft::text("").key();
        reddit::deletion(&Deletion {
            key,
            ..deletion_of(receipt)
        })
    };
    let expected = Prepared {
        path: "/api/del".into(),
        body: r#"{"id":"t3_1abcd"}"#.into(),
    };
    assert_eq!(by(&receipt("t3_1abcd", None)).unwrap(), expected);
    assert_eq!(by(&Receipt::named("told", Some(PAGE.into()))).unwrap(), expected);
    assert_eq!(by(&receipt("told", None)).unwrap_err().class, Class::Rejected);
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    on(
        &server,
        "GET",
        "/api/v1/me",
        200,
        json!({ "id": "4x5y", "name": "case_watch" }),
    )
    .await;
    server
}

async fn on(server: &MockServer, verb: &str, at: &str, status: u16, page: Value) {
    Mock::given(method(verb))
        .and(path(at))
        .and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        .respond_with(ResponseTemplate::new(status).set_body_json(page))
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_post_is_sent_as_a_form_under_the_accounts_own_name() {
    let server = server().await;
    let agent = format!(
        "server:steadfast:v{} (by /u/case_watch)",
        env!("CARGO_PKG_VERSION")
    );
    let yes = json!({ "json": { "errors": [], "data": { "url": PAGE, "name": "t3_1abcd" } } });
    Mock::given(method("POST"))
        .and(path("/api/submit"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(header("user-agent", agent.as_str()))
        .and(body_string_contains(
            "title=Ten+to+two&text=Not+unanimous%3A+%5C*",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(yes))
        .expect(1)
        .mount(&server)
        .await;
    let account = Bench::new().open_at("reddit", &server.uri());
    for _ in 0..2 {
        let is = account.identity().await.unwrap();
        assert_eq!(is.as_deref(), Some("4x5y in r/casewatch"));
    }
    let done = Draft::text("Ten to two\n\nNot unanimous: *")
        .send(account.as_ref())
        .await
        .unwrap();
    assert_eq!(done.id, "t3_1abcd");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

async fn takes_images(action: &str, upload: u16, output: Value) -> MockServer {
    let server = server().await;
    let action = action.replace("SERVER", &server.uri());
    let lease = json!({
        "args": { "action": action, "fields": [{ "name": "acl", "value": "private" }, { "name": "key", "value": "1/k" }] },
        "asset": { "asset_id": "k3y0fimage", "websocket_url": "wss://x" },
    });
    on(&server, "POST", "/api/media/asset.json", 200, lease).await;
    Mock::given(method("POST"))
        .and(path("/reddit-uploads"))
        .respond_with(ResponseTemplate::new(upload))
        .mount(&server)
        .await;
    on(&server, "POST", "/api/convert_rte_body_format", 200, output).await;
    server
}

const TO: &str = "SERVER/reddit-uploads";

fn rich() -> Value {
    json!({ "document": [{ "e": "par", "c": [] }, { "e": "img", "id": "k3y0fimage", "c": "The court" }] })
}

#[tokio::test]
async fn an_image_is_uploaded_and_stands_below_the_text_with_its_description() {
    let server = takes_images(TO, 201, json!({ "output": rich() })).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let mut draft = Draft::text("Ten to two\n\nNot unanimous.").image().image();
    draft.images[1].alt = "The \"court\"".into();
    let said = body(&account.prepare(&draft.out()).await.unwrap());
    let sent: Value = serde_json::from_str(said["richtext_json"].as_str().unwrap()).unwrap();
    assert_eq!((sent, said.get("text")), (rich(), None));
    assert_eq!(said["title"], "Ten to two");
    let requests = server.received_requests().await.unwrap();
    let upload = requests
        .iter()
        .find(|request| request.url.path() == "/reddit-uploads")
        .unwrap();
    // The fields are the permission there.
    assert!(upload.headers.get("authorization").is_none());
    let form = String::from_utf8_lossy(&upload.body);
    let places = [
        "name=\"acl\"",
        "name=\"key\"",
        "name=\"file\"; filename=\"image.png\"",
    ];
    let places = places.map(|part| form.find(part).unwrap());
    assert!(places.is_sorted(), "{form}");
    let convert = requests
        .iter()
        .find(|request| request.url.path().contains("convert"))
        .unwrap();
    let told: Vec<_> = url::form_urlencoded::parse(&convert.body).into_owned().collect();
    assert_eq!(
        told,
        [
            ("output_mode".to_owned(), "rtjson".to_owned()),
            (
                "markdown_text".to_owned(),
                "Not unanimous.\n\n![img](k3y0fimage \"The court\")\n\n![img](k3y0fimage)\n\nThe \"court\""
                    .to_owned()
            ),
        ]
    );
    // A comment takes none.
    draft.parent = Some(receipt("t3_1abcd", None));
    let failure = account.prepare(&draft.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[tokio::test]
async fn a_video_is_uploaded_and_stands_below_the_text_with_its_description() {
    let server = takes_images(TO, 201, json!({ "output": rich() })).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let draft = Draft::text("Ten to two\n\nNot unanimous.").video(b"ftyp and pictures");
    let said = body(&account.prepare(&draft.out()).await.unwrap());
    assert_eq!(
        (&said["kind"], &said["title"]),
        (&json!("self"), &json!("Ten to two"))
    );
    assert!(said["richtext_json"].is_string());
    let requests = server.received_requests().await.unwrap();
    let sent = |at: &str| {
        let request = requests.iter().find(|request| request.url.path() == at);
        String::from_utf8_lossy(&request.unwrap().body).into_owned()
    };
    assert_eq!(
        sent("/api/media/asset.json"),
        "filepath=video.mp4&mimetype=video%2Fmp4"
    );
    let stored = sent("/reddit-uploads");
    let file =
        "name=\"file\"; filename=\"video.mp4\"\r\nContent-Type: video/mp4\r\n\r\nftyp and pictures\r\n";
    assert!(stored.contains(file), "{stored}");
    assert!(stored.find("name=\"key\"") < stored.find("name=\"file\""));
    let placed = url::form_urlencoded::parse(sent("/api/convert_rte_body_format").as_bytes())
        .find(|(name, _)| name == "markdown_text")
        .map(|(_, text)| text.into_owned());
    assert_eq!(
        placed.as_deref(),
        Some("Not unanimous.\n\n![video](k3y0fimage \"A march\")")
    );
    // What has no words is called by what is to be seen.
    let bare = Draft::text("").video(b"ftyp and pictures");
    let said = body(&account.prepare(&bare.out()).await.unwrap());
    assert_eq!(said["title"], "A march");
}

#[tokio::test]
async fn a_video_that_does_not_arrive_goes_up_again_and_in_a_comment_there_is_none() {
    let draft = Draft::text("Ten to two").video(b"ftyp and pictures");
    // The permission has run out; its own word about the size is for good.
    for (stored, class) in [(403, Class::Transient), (413, Class::Rejected)] {
        let server = takes_images(TO, stored, json!({ "output": rich() })).await;
        let account = Bench::new().open_at("reddit", &server.uri());
        let failure = account.prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
    let server = takes_images(TO, 201, json!({ "output": rich() })).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let mut answer = Draft::text("Ten to two").video(b"ftyp and pictures");
    answer.parent = Some(receipt("t3_1abcd", None));
    assert_eq!(
        account.prepare(&answer.out()).await.unwrap_err().class,
        Class::Rejected
    );
}

#[tokio::test]
async fn an_image_goes_to_reddits_own_store_alone() {
    for (action, upload, output, class) in [
        (
            "//evil.example/reddit-uploads",
            201,
            json!({ "output": rich() }),
            Class::Transient,
        ),
        (
            "//evilamazonaws.com/x",
            201,
            json!({ "output": rich() }),
            Class::Transient,
        ),
        (TO, 403, json!({ "output": rich() }), Class::Transient),
        (TO, 201, json!({ "output": "x" }), Class::Transient),
        (TO, 201, json!({}), Class::Transient),
    ] {
        let server = takes_images(action, upload, output.clone()).await;
        let draft = Draft::text("With image.").image();
        let account = Bench::new().open_at("reddit", &server.uri());
        let failure = account.prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, class, "{action} {upload} {output}");
    }
}

// Another's post.

const ALLYS: &str = "https://www.reddit.com/r/allies/comments/1ally/we_stand_with_them/";

/// As it stands.
fn allys() -> Value {
    json!({
        "name": "t3_1ally", "title": "We stand & wait", "selftext": "Read *this*.", "url": ALLYS, "over_18": false,
        "spoiler": true, "removed_by_category": null, "author": "ally", "subreddit": "allies",
    })
}

async fn shows(post: Value) -> MockServer {
    let server = server().await;
    Mock::given(method("GET"))
        .and(path("/api/info"))
        .and(query_param("id", "t3_1ally"))
        .and(query_param("raw_json", "1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_of(&[post], &Value::Null)))
        .mount(&server)
        .await;
    server
}

fn share(url: &str) -> Draft {
    Draft {
        share: Some(url.to_owned()),
        ..Draft::text("")
    }
}

#[tokio::test]
async fn a_post_of_another_is_crossposted_under_its_own_title() {
    let server = shows(allys()).await;
    let yes = json!({ "json": { "errors": [], "data": { "url": PAGE, "id": "1abcd", "name": "t3_1abcd" } } });
    on(&server, "POST", "/api/submit", 200, yes).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let prepared = account.prepare(&share(ALLYS).out()).await.unwrap();
    assert_eq!(prepared.path, "/api/submit");
    assert_eq!(
        body(&prepared),
        json!({
            "api_type": "json", "raw_json": "1", "kind": "crosspost", "crosspost_fullname": "t3_1ally",
            "sr": "casewatch", "title": "We stand & wait",
            "spoiler": "true", "nsfw": "false", "sendreplies": "false", "resubmit": "true",
        })
    );
    let done = share(ALLYS).send(account.as_ref()).await.unwrap();
    assert_eq!((done.id.as_str(), done.url.as_deref()), ("t3_1abcd", Some(PAGE)));
    let requests = server.received_requests().await.unwrap();
    let sent = String::from_utf8_lossy(&requests.last().unwrap().body).into_owned();
    assert!(
        sent.contains("kind=crosspost") && sent.contains("title=We+stand+%26+wait"),
        "{sent}"
    );
    // Those who do not allow it say so, and the account is not blamed.
    for code in [
        "NO_CROSSPOSTS",
        "INVALID_CROSSPOST_THING",
        "OVER18_SUBREDDIT_CROSSPOST",
    ] {
        let failure = reddit::read(&no(code, "that isn't a valid crosspost")).unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{code}");
    }
}

#[tokio::test]
async fn what_can_not_be_crossposted_is_refused_before_anything_is_sent() {
    let server = server().await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let comment = format!("{ALLYS}2bcde/");
    for elsewhere in [
        comment.as_str(),
        "https://www.reddit.com/r/allies/s/AbCdEf",
        "https://evil.example/r/allies/comments/1ally/",
    ] {
        let failure = account.prepare(&share(elsewhere).out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected, "{elsewhere}");
        assert!(failure.words.contains(elsewhere), "{failure}");
        let read = account.read(elsewhere).await.unwrap();
        assert_eq!(read.unwrap_err().class, Class::Rejected, "{elsewhere}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
    let server = shows(json!({ "name": "t3_1ally", "title": "x", "removed_by_category": "deleted" })).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let failure = account.prepare(&share(ALLYS).out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
    assert!(failure.words.contains("no such post"), "{failure}");
    // What it shares may be edited, and may be what Reddit names as the parent of ours.
    let mut crosspost = allys();
    crosspost["crosspost_parent"] = json!("t3_1orig");
    let server = shows(crosspost).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let prepared = account.prepare(&share(ALLYS).out()).await.unwrap_err();
    let read = account.read(ALLYS).await.unwrap().unwrap_err();
    for failure in [prepared, read] {
        assert_eq!(failure.class, Class::Rejected);
        assert!(failure.words.contains("reddit.com/comments/1orig/"), "{failure}");
    }
}

#[test]
fn another_s_post_is_its_title_its_words_and_what_it_shows() {
    let read = |post: &Value| {
        let page = page_of(std::slice::from_ref(post), &Value::Null).to_string();
        reddit::read_shared(&answer(200, &page))
    };
    let was = read(&allys()).unwrap();
    assert!(matches!(was, Look::There(_)));
    // Its votes are not what it says.
    let mut voted = allys();
    voted["score"] = json!(100);
    voted["num_comments"] = json!(7);
    assert_eq!(read(&voted).unwrap(), was);
    let gallery = json!({ "items": [{ "media_id": "abc", "caption": "The court" }] });
    for (field, value) in [
        ("title", json!("We fall")),
        ("selftext", json!("Read that.")),
        ("url", json!("https://evil.example/")),
        ("gallery_data", gallery),
    ] {
        let mut changed = allys();
        changed[field] = value;
        assert_ne!(read(&changed).unwrap(), was, "{field}");
    }
    for by in ["deleted", "moderator", "reddit"] {
        let mut gone = allys();
        gone["removed_by_category"] = json!(by);
        assert_eq!(read(&gone).unwrap(), Look::Gone, "{by}");
    }
    let none = page_of(&[], &Value::Null).to_string();
    assert_eq!(reddit::read_shared(&answer(200, &none)).unwrap(), Look::Gone);
    // Only its own list can say so.
    for (status, page, class) in [
        (404, "<html>not here</html>", Class::Transient),
        (404, r#"{"message": "Not Found", "error": 404}"#, Class::Rejected),
        (200, "{}", Class::Transient),
        (503, "", Class::Transient),
        (401, r#"{"message": "Unauthorized", "error": 401}"#, Class::Auth),
    ] {
        let failure = reddit::read_shared(&answer(status, page)).unwrap_err();
        assert_eq!(failure.class, class, "{status} {page}");
    }
}

// How a lost answer is found.

fn among(taken: &[&str]) -> Among {
    Among {
        since: now(),
        taken: taken.iter().map(|id| (*id).to_owned()).collect::<HashSet<_>>(),
    }
}

fn wanted() -> Prepared {
    request(&Draft::text("Ten to two\n\nNot *unanimous* & more."))
}

/// So many seconds after the intent, as Reddit writes it.
fn created(seconds: i64) -> Value {
    serde_json::from_str(&format!("{}.0", now().as_second() + seconds)).unwrap()
}

fn listed(name: &str) -> Value {
    json!({
        "name": name, "subreddit": "CaseWatch", "title": "Ten to two", "selftext": "Not \\*unanimous\\* & more.",
        "created_utc": created(0), "permalink": "/r/CaseWatch/comments/1abcd/ten_to_two/",
        "removed_by_category": null,
    })
}

fn page_of(posts: &[Value], after: &Value) -> Value {
    let children: Vec<Value> = posts
        .iter()
        .map(|post| json!({ "kind": "t3", "data": post }))
        .collect();
    json!({ "kind": "Listing", "data": { "children": children, "after": after } })
}

async fn look(server: &MockServer, prepared: Prepared, among: &Among) -> Result<Found, Failure> {
    let key = Draft::text("").key();
    let account = Bench::new().open_at("reddit", &server.uri());
    account.find(&Sealed { prepared, key }, among).await
}

async fn look_among(posts: &[Value], prepared: Prepared, taken: &[&str]) -> Found {
    let server = server().await;
    for list in ["submitted", "comments"] {
        let at = format!("/user/case_watch/{list}");
        on(&server, "GET", &at, 200, page_of(posts, &Value::Null)).await;
    }
    look(&server, prepared, &among(taken)).await.unwrap()
}

fn id_of(found: &Found) -> &str {
    match found {
        Found::Here(receipt) => &receipt.id,
        _ => "",
    }
}

#[tokio::test]
async fn a_post_is_found_by_its_title_and_words() {
    let found = look_among(&[listed("t3_1abcd")], wanted(), &[]).await;
    let url = "https://www.reddit.com/r/CaseWatch/comments/1abcd/ten_to_two/";
    assert_eq!(found, Found::Here(Receipt::named("t3_1abcd", Some(url.into()))));
    assert_eq!(look_among(&[], wanted(), &[]).await, Found::Absent);
    for taken in ["t3_1abcd", PAGE] {
        let found = look_among(&[listed("t3_1abcd")], wanted(), &[taken]).await;
        assert_eq!(found, Found::Absent, "{taken}");
    }
    let twice = [listed("t3_1abcd"), listed("t3_1abce")];
    assert!(matches!(
        look_among(&twice, wanted(), &[]).await,
        Found::Unclear(_)
    ));
    for (name, value) in [
        ("subreddit", json!("other")),
        ("title", json!("Ten to three")),
        ("selftext", json!("Something else.")),
        ("created_utc", created(-1)),
        ("name", json!("x")),
    ] {
        let mut other = listed("t3_1abcd");
        other[name] = value;
        assert_eq!(look_among(&[other], wanted(), &[]).await, Found::Absent, "{name}");
    }
    // What has images is listed in other words.
    let rich = rich();
    let draft = Draft::text("Ten to two\n\nWith image.").image();
    let with_image = reddit::request(&draft.out(), &place(), Some(&rich)).unwrap();
    assert_eq!(
        id_of(&look_among(&[listed("t3_1abcd")], with_image, &[]).await),
        "t3_1abcd"
    );
    // A moderator was quick.
    let mut removed = listed("t3_1abcd");
    removed["removed_by_category"] = json!("automod_filtered");
    match look_among(&[removed], wanted(), &[]).await {
        Found::Here(receipt) => assert_eq!(
            receipt.altered.unwrap(),
            "it was removed there (automod_filtered)"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_comment_is_found_by_what_it_answers() {
    let mut draft = Draft::text("And then.");
    draft.parent = Some(receipt("t3_1abcd", None));
    let comment = |parent: &str| {
        json!({ "name": "t1_2bcde", "parent_id": parent, "body": "And then.", "subreddit": "casewatch",
            "created_utc": created(5), "permalink": "/r/casewatch/comments/1abcd/x/2bcde/" })
    };
    let found = look_among(&[comment("t3_1abcd")], request(&draft), &[]).await;
    assert_eq!(id_of(&found), "t1_2bcde");
    assert_eq!(
        look_among(&[comment("t3_1abce")], request(&draft), &[]).await,
        Found::Absent
    );
}

#[tokio::test]
async fn a_crosspost_is_found_by_what_it_shares() {
    let server = shows(allys()).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    let sent = account.prepare(&share(ALLYS).out()).await.unwrap();
    let crosspost = |parent: Value| {
        let mut listed = listed("t3_1abcd");
        listed["title"] = json!("We stand & wait");
        listed["selftext"] = json!("");
        listed["crosspost_parent"] = parent;
        listed
    };
    let found = look_among(&[crosspost(json!("t3_1ally"))], sent.clone(), &[]).await;
    assert_eq!(id_of(&found), "t3_1abcd");
    for other in [json!("t3_1allz"), Value::Null] {
        let found = look_among(&[crosspost(other.clone())], sent.clone(), &[]).await;
        assert_eq!(found, Found::Absent, "{other}");
    }
    // A text with the same title is another post.
    let mut ours = listed("t3_1abcd");
    ours["crosspost_parent"] = json!("t3_1ally");
    assert_eq!(look_among(&[ours], wanted(), &[]).await, Found::Absent);
}

#[tokio::test]
async fn the_list_is_read_back_to_the_intent() {
    let server = server().await;
    let at = "/user/case_watch/submitted";
    let mut newer = listed("t3_1abcf");
    newer["title"] = json!("Another");
    Mock::given(path(at))
        .and(query_param("sort", "new"))
        .and(query_param("raw_json", "1"))
        .and(query_param_is_missing("after"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_of(&[newer], &json!("t3_1abcf"))))
        .expect(1)
        .mount(&server)
        .await;
    let mut old = listed("t3_1abca");
    old["created_utc"] = created(-60);
    Mock::given(path(at))
        .and(query_param("after", "t3_1abcf"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(page_of(&[listed("t3_1abcd"), old], &json!("t3_1abca"))),
        )
        .expect(1)
        .mount(&server)
        .await;
    let found = look(&server, wanted(), &among(&[])).await.unwrap();
    assert_eq!(id_of(&found), "t3_1abcd");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_proves_nothing() {
    for (status, page, expected) in [
        (403, json!({ "message": "Forbidden", "error": 403 }), "unclear"),
        // An account that Reddit hides.
        (404, json!({ "message": "Not Found", "error": 404 }), "unclear"),
        (
            429,
            json!({ "message": "Too Many Requests", "error": 429 }),
            "later",
        ),
        (500, json!({}), "later"),
        (200, json!({}), "later"),
        (200, json!({ "data": { "children": [{ "data": {} }] } }), "later"),
    ] {
        let server = server().await;
        on(&server, "GET", "/user/case_watch/submitted", status, page.clone()).await;
        let said = match look(&server, wanted(), &among(&[])).await {
            Ok(Found::Unclear(_)) => "unclear",
            Err(failure) if matches!(failure.class, Class::Transient | Class::RateLimited { .. }) => "later",
            other => panic!("{page}: {other:?}"),
        };
        assert_eq!(said, expected, "{page}");
    }
}

#[tokio::test]
async fn an_account_that_is_suspended_is_held_and_its_post_not_blamed() {
    let server = MockServer::start().await;
    let page = json!({ "message": "Forbidden", "error": 403, "reason": "suspended" });
    on(&server, "GET", "/api/v1/me", 403, page).await;
    let account = Bench::new().open_at("reddit", &server.uri());
    assert_eq!(account.identity().await.unwrap_err().class, Class::Auth);
}

//! The real program signs in at a Mastodon server of its own: by the browser, by hand, and not as somebody else; and
//! bots, with the token that a person pastes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;

use std::collections::HashMap;
use std::io::{BufReader, Write as _};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use program::{Place, get, printed_address};
use serde_json::json;
use url::Url;
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const SCOPES: &str = "read:accounts read:statuses read:search write:statuses write:media";
const ACCESS: &str = "the-access-token-of-a-test";

/// What the server says, and can be made to say.
struct Server {
    mock: MockServer,
    scopes: Arc<Mutex<String>>,
    whose: Arc<Mutex<String>>,
}

impl Server {
    async fn start(version: &str) -> Self {
        let mock = MockServer::start().await;
        let scopes = Arc::new(Mutex::new(SCOPES.to_owned()));
        let whose = Arc::new(Mutex::new("7".to_owned()));
        let app = json!({"id": "1", "name": "steadfast", "client_id": "the-app", "client_secret": "the-apps-secret"});
        Mock::given(method("POST"))
            .and(path("/api/v1/apps"))
            .respond_with(ResponseTemplate::new(200).set_body_json(app))
            .mount(&mock)
            .await;
        let granted = Arc::clone(&scopes);
        let grant = move |_: &Request| {
            ResponseTemplate::new(200).set_body_json(json!({
                "access_token": ACCESS, "token_type": "Bearer", "scope": *granted.lock().unwrap(), "created_at": 1,
            }))
        };
        Mock::given(method("POST"))
            .and(path("/oauth/token"))
            .and(body_string_contains("client_secret=the-apps-secret"))
            .and(body_string_contains("code=the-code"))
            .and(body_string_contains("code_verifier="))
            .respond_with(grant)
            .mount(&mock)
            .await;
        let me = Arc::clone(&whose);
        let told =
            move |_: &Request| ResponseTemplate::new(200).set_body_json(json!({"id": *me.lock().unwrap()}));
        Mock::given(path("/api/v1/accounts/verify_credentials"))
            .and(header("authorization", format!("Bearer {ACCESS}")))
            .respond_with(told)
            .mount(&mock)
            .await;
        let refused = json!({"error": "The access token is invalid"});
        Mock::given(path("/api/v1/accounts/verify_credentials"))
            .respond_with(ResponseTemplate::new(401).set_body_json(refused))
            .with_priority(9)
            .mount(&mock)
            .await;
        let instance = json!({"version": version, "source_url": "https://source.example"});
        Mock::given(path("/api/v2/instance"))
            .respond_with(ResponseTemplate::new(200).set_body_json(instance))
            .mount(&mock)
            .await;
        Self { mock, scopes, whose }
    }

    fn place(&self) -> Place {
        let config = format!(
            "[ledger]\nurl = \"sqlite://state/steadfast.db\"\nkey = {{ env = \"KEY\" }}\n\
             [account.main]\nplatform = \"mastodon\"\nbase_url = \"{}\"\nlogin = true\n",
            self.mock.uri()
        );
        let mut place = Place::new(&config);
        place.set("KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert!(place.run(&["init"]).status.success());
        place
    }
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// Signs in, with a browser that comes back as `back` says: what is asked for in, a path out.
fn by_browser(place: &Place, back: impl Fn(&HashMap<String, String>) -> String) -> Output {
    let mut child = place
        .command(&["login", "main"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let Some(asked) = printed_address(&mut out) else {
        let output = child.wait_with_output().unwrap();
        panic!("it ended without an address: {}", text(&output));
    };
    assert_eq!(asked.path(), "/oauth/authorize");
    let query: HashMap<String, String> = asked.query_pairs().into_owned().collect();
    assert_eq!(query["scope"], SCOPES);
    assert_eq!(query["code_challenge_method"], "S256");
    let redirect = Url::parse(&query["redirect_uri"]).unwrap();
    assert_eq!(
        (redirect.host_str(), redirect.path()),
        (Some("127.0.0.1"), "/callback")
    );
    let port = redirect.port().unwrap();
    assert_eq!(
        get(port, "127.0.0.1", "/favicon.ico").0,
        404,
        "it goes on waiting"
    );
    assert_eq!(get(port, "127.0.0.1", &back(&query)).0, 200);
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut out, &mut rest).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stdout = rest;
    output
}

fn allowed(query: &HashMap<String, String>) -> String {
    format!("/callback?code=the-code&state={}", query["state"])
}

fn accounts(place: &Place) -> serde_json::Value {
    place.json(&["accounts", "--format", "json"])[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_by_the_browser_and_is_told_as_whom() {
    let server = Server::start("4.5.0").await;
    let place = server.place();
    let before = accounts(&place);
    assert_eq!(
        before["wrong"][0],
        "nobody has signed in yet: `steadfast login main`"
    );
    let done = by_browser(&place, allowed);
    let said = text(&done);
    assert!(done.status.success(), "{said}");
    let whose = format!("7 on {}", server.mock.uri());
    assert!(said.contains(&format!("main is signed in as {whose}")), "{said}");
    assert!(said.contains("never twice"), "{said}");
    assert!(!said.contains(ACCESS), "{said}");
    let now = accounts(&place);
    assert_eq!(now["identity"], whose);
    assert_eq!(now["permissions"], json!(SCOPES.split(' ').collect::<Vec<_>>()));
    assert_eq!(
        (&now["promise"], &now["wrong"]),
        (&json!("never twice"), &json!([]))
    );
    let files = std::fs::read_dir(place.path().join("state")).unwrap();
    let files = files
        .map(|file| file.unwrap().path())
        .filter(|file| file.is_file());
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        assert!(
            !bytes
                .windows(ACCESS.len())
                .any(|bytes| bytes == ACCESS.as_bytes())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_said_and_nothing_is_stored() {
    let server = Server::start("4.5.0").await;
    let place = server.place();
    let theirs = by_browser(&place, |_| "/callback?code=the-code&state=another".to_owned());
    let denied = by_browser(&place, |query| {
        format!("/callback?error=access_denied&state={}", query["state"])
    });
    "read:accounts write:statuses".clone_into(&mut server.scopes.lock().unwrap());
    let little = by_browser(&place, allowed);
    for (output, words) in [
        (theirs, "another sign-in than this one"),
        (denied, "it was not allowed"),
        (little, "without read:statuses, read:search, write:media"),
    ] {
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(words) && said.contains("nothing was stored"),
            "{said}"
        );
        assert_eq!(
            accounts(&place)["wrong"][0],
            "nobody has signed in yet: `steadfast login main`"
        );
    }
}

const POSTING: &str = "w_organization_social r_organization_social";
const EXTRAS: &str = "w_organization_social_feed r_organization_social_feed rw_organization_admin";

/// A page on LinkedIn, whose app is granted these; what was asked for, and what was said.
async fn page(granted: &str, args: &[&str]) -> (Place, String, Output) {
    let server = MockServer::start().await;
    let token = json!({"access_token": ACCESS, "expires_in": 5_184_000, "scope": granted.replace(' ', ",")});
    Mock::given(method("POST"))
        .and(path("/oauth/v2/accessToken"))
        .and(body_string_contains("code=the-code"))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .mount(&server)
        .await;
    Mock::given(path("/rest/posts"))
        .and(header("authorization", format!("Bearer {ACCESS}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"elements": []})))
        .mount(&server)
        .await;
    let mut place = Place::new(&format!(
        "[ledger]\nurl = \"sqlite://state/steadfast.db\"\nkey = {{ env = \"KEY\" }}\n\
         [account.main]\nplatform = \"linkedin\"\nbase_url = \"{}\"\nauthor = \"urn:li:organization:1\"\n\
         login = true\nclient_id = \"app\"\nclient_secret = {{ env = \"APP\" }}\n",
        server.uri()
    ));
    place.set("KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    place.set("APP", "the-apps-secret");
    assert!(place.run(&["init"]).status.success());
    let (asked, output) = place.sign_in_by_paste(&[&["login", "main"], args].concat());
    let scope = asked.query_pairs().find(|(name, _)| name == "scope").unwrap().1;
    (place, scope.into_owned(), output)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_posting_does_not_need_is_no_condition() {
    let both = format!("{POSTING} {EXTRAS}");
    for (granted, args, asked, lacks) in [
        (both.as_str(), &[][..], both.as_str(), 0),
        (POSTING, &[], &both, 3),
        // For an app that may not ask for more.
        (POSTING, &["--least"], POSTING, 3),
    ] {
        let (place, scope, done) = page(granted, args).await;
        let said = text(&done);
        assert!(done.status.success(), "{said}");
        assert_eq!(scope, asked);
        let now = accounts(&place);
        let lacking: Vec<&str> = now["lacks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lack| lack.as_str().unwrap())
            .collect();
        assert_eq!(lacking.len(), lacks, "{lacking:?}");
        assert!(lacking.iter().all(|lack| said.contains(lack)), "{said}");
        let counts = "without rw_organization_admin how the public answered is not counted";
        assert_eq!(lacking.contains(&counts), lacks > 0, "{lacking:?}");
        assert_eq!(now["wrong"], json!([]));
    }
    let (_, _, refused) = page(&format!("w_organization_social {EXTRAS}"), &[]).await;
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("without r_organization_social:"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p38_an_account_is_never_signed_in_as_another() {
    let server = Server::start("4.5.0").await;
    let place = server.place();
    assert!(by_browser(&place, allowed).status.success());
    "8".clone_into(&mut server.whose.lock().unwrap());
    let output = by_browser(&place, allowed);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("you signed in as 8 on") && said.contains("`main` is 7 on"),
        "{said}"
    );
    assert!(accounts(&place)["identity"].as_str().unwrap().starts_with("7 on"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_entered_by_hand_and_a_server_that_ignores_keys_is_read_back() {
    let server = Server::start("2.7.2 (compatible; Akkoma 3.15.0)").await;
    let place = server.place();
    let enter = |token: &str| {
        let mut child = place
            .command(&["login", "main", "--token"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let wrong = enter("another-token\n");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        text(&wrong).contains("the token is not taken"),
        "{}",
        text(&wrong)
    );
    let done = enter(&format!("{ACCESS}\n"));
    assert!(done.status.success(), "{}", text(&done));
    assert!(
        text(&done).contains("read back") && !text(&done).contains(ACCESS),
        "{}",
        text(&done)
    );
    assert_eq!(accounts(&place)["promise"], "read back");
}

/// A bot's account at a server that says this, by path; signed in with what a person pastes.
struct Bot {
    mock: MockServer,
    place: Place,
}

const CHANNEL: &str = "155101607195836416";
const BOT_TOKEN: &str = "123456:the-token-of-a-bot-0123456789";

impl Bot {
    async fn start(platform: &str, keys: &str) -> Self {
        let mock = MockServer::start().await;
        let config = format!(
            "[ledger]\nurl = \"sqlite://state/steadfast.db\"\nkey = {{ env = \"KEY\" }}\n\
             [account.main]\nplatform = \"{platform}\"\nbase_url = \"{}\"\nlogin = true\n{keys}\n",
            mock.uri()
        );
        let mut place = Place::new(&config);
        place.set("KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert!(place.run(&["init"]).status.success());
        Self { mock, place }
    }

    async fn says(&self, at: &str, page: serde_json::Value) {
        self.answers(at, ResponseTemplate::new(200).set_body_json(page))
            .await;
    }

    async fn answers(&self, at: &str, answer: ResponseTemplate) {
        Mock::given(path(at)).respond_with(answer).mount(&self.mock).await;
    }

    fn sign_in(&self) -> (bool, String) {
        let mut child = self
            .place
            .command(&["login", "main"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut to = child.stdin.take().unwrap();
        to.write_all(format!("{BOT_TOKEN}\n").as_bytes()).unwrap();
        drop(to);
        let output = child.wait_with_output().unwrap();
        let said = text(&output);
        assert!(!said.contains(BOT_TOKEN), "{said}");
        (output.status.success(), said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_on_telegram_is_signed_in_once_it_may_post_in_its_channel() {
    let at = |method: &str| format!("/bot{BOT_TOKEN}/{method}");
    for (posts, well) in [(false, false), (true, true)] {
        let bot = Bot::start("telegram", "chat = \"@casewatch\"").await;
        bot.says(&at("getMe"), json!({ "ok": true, "result": { "id": 123_456 } }))
            .await;
        let chat = json!({ "id": -1_001_234_567_890_i64, "type": "channel", "username": "casewatch" });
        bot.says(&at("getChat"), json!({ "ok": true, "result": chat }))
            .await;
        let member =
            json!({ "status": "administrator", "can_post_messages": posts, "can_delete_messages": true });
        bot.says(&at("getChatMember"), json!({ "ok": true, "result": member }))
            .await;
        let (done, said) = bot.sign_in();
        assert_eq!(done, well, "{said}");
        assert!(said.contains("write `/newbot` to @BotFather"), "{said}");
        let now = accounts(&bot.place);
        if well {
            assert!(
                said.contains("main is signed in as bot 123456 in chat -1001234567890"),
                "{said}"
            );
            assert_eq!(
                now["permissions"],
                json!(["administrator", "can_post_messages", "can_delete_messages"])
            );
            assert_eq!(
                (&now["promise"], &now["wrong"]),
                (&json!("may need you"), &json!([]))
            );
        } else {
            assert!(
                said.contains("who may post messages") && said.contains("nothing was stored"),
                "{said}"
            );
            assert_eq!(
                now["wrong"][0],
                "nobody has signed in yet: `steadfast login main`"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_on_discord_that_may_not_read_its_channel_can_promise_less() {
    // View Channel, Send Messages, Attach Files; and Read Message History.
    let (sends, reads) = (1_u64 << 10 | 1 << 11 | 1 << 15, 1_u64 << 16);
    for (everyone, denied, promise) in [
        (sends | reads, 0, Some("never twice")),
        (sends | reads, reads, Some("may need you")),
        (sends | reads, 1 << 11, None),
        (reads, 0, None),
    ] {
        let bot = Bot::start("discord", &format!("channel = \"{CHANNEL}\"")).await;
        bot.says("/api/v10/users/@me", json!({ "id": "8" })).await;
        let no = json!({ "id": "9", "type": 0, "allow": "0", "deny": denied.to_string() });
        let channel = json!({ "id": CHANNEL, "guild_id": "9", "permission_overwrites": [no] });
        bot.says(&format!("/api/v10/channels/{CHANNEL}"), channel).await;
        let roles =
            json!([{ "id": "9", "permissions": everyone.to_string() }, { "id": "10", "permissions": "8" }]);
        bot.says("/api/v10/guilds/9/roles", roles).await;
        bot.says("/api/v10/guilds/9/members/8", json!({ "roles": [] }))
            .await;
        let (done, said) = bot.sign_in();
        assert_eq!(done, promise.is_some(), "{said}");
        match promise {
            Some(promise) => {
                assert!(
                    said.contains(&format!("main is signed in as bot 8 in channel {CHANNEL}")),
                    "{said}"
                );
                assert!(said.contains(&format!("Doubts: {promise}")), "{said}");
                assert_eq!(accounts(&bot.place)["promise"], promise);
            }
            None => assert!(
                said.contains("the bot lacks the permission Send Messages"),
                "{said}"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_on_slack_is_known_by_its_scopes_and_must_be_in_its_channel() {
    let all = "chat:write,files:write,files:read,channels:history";
    let in_it = json!({ "ok": true, "messages": [] });
    let not_in_it = json!({ "ok": false, "error": "not_in_channel" });
    for (scopes, history, promise, words) in [
        (all, &in_it, Some("read back"), ""),
        (
            "chat:write,files:write,files:read",
            &in_it,
            Some("may need you"),
            "",
        ),
        (
            "chat:write,channels:history",
            &in_it,
            None,
            "the app lacks the scope files:write",
        ),
        (all, &not_in_it, None, "the bot is not in the channel"),
    ] {
        let bot = Bot::start("slack", "channel = \"C0123ABCD\"").await;
        let me = json!({ "ok": true, "url": "https://case.slack.com/", "team_id": "T1", "user_id": "U1" });
        let me = ResponseTemplate::new(200)
            .insert_header("x-oauth-scopes", scopes)
            .set_body_json(me);
        bot.answers("/api/auth.test", me).await;
        bot.says("/api/conversations.history", history.clone()).await;
        let (done, said) = bot.sign_in();
        assert_eq!(done, promise.is_some(), "{said}");
        match promise {
            Some(promise) => {
                assert!(
                    said.contains("main is signed in as U1 of team T1 in channel C0123ABCD"),
                    "{said}"
                );
                let now = accounts(&bot.place);
                assert_eq!(now["promise"], promise);
                assert_eq!(now["permissions"], json!(scopes.split(',').collect::<Vec<_>>()));
            }
            None => assert!(
                said.contains(words) && said.contains("nothing was stored"),
                "{said}"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_another_key_sealed_is_found_by_ledger_check_and_its_end_is_in_status() {
    let bot = Bot::start("telegram", "chat = \"@casewatch\"").await;
    let at = |method: &str| format!("/bot{BOT_TOKEN}/{method}");
    bot.says(&at("getMe"), json!({ "ok": true, "result": { "id": 123_456 } }))
        .await;
    let chat = json!({ "id": -1_001_234_567_890_i64, "type": "channel" });
    bot.says(&at("getChat"), json!({ "ok": true, "result": chat }))
        .await;
    let member = json!({ "status": "administrator", "can_post_messages": true });
    bot.says(&at("getChatMember"), json!({ "ok": true, "result": member }))
        .await;
    let status = |place: &Place| place.json(&["status", "--format", "json"])["accounts"][0].clone();
    assert_eq!(
        status(&bot.place)["token_wrong"],
        json!(["nobody has signed in yet: `steadfast login main`"])
    );
    assert!(bot.sign_in().0);
    let now = status(&bot.place);
    assert_eq!(
        (&now["token_until"], &now["token_wrong"]),
        (&json!(null), &json!([]))
    );
    let check = bot.place.run(&["ledger", "check"]);
    assert!(check.status.success(), "{}", text(&check));
    assert!(
        text(&check).contains("the token of main opens with `ledger.key`"),
        "{}",
        text(&check)
    );
    let Bot { mut place, .. } = bot;
    place.set("KEY", "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=");
    let check = place.run(&["ledger", "check"]);
    assert_eq!(check.status.code(), Some(1), "{}", text(&check));
    assert!(
        text(&check).contains("the token of main: its token can't be read"),
        "{}",
        text(&check)
    );
}

#[test]
fn without_a_key_or_with_a_token_in_the_config_it_says_what_to_do() {
    let account = "[account.main]\nplatform = \"mastodon\"\nbase_url = \"https://m.example\"\n";
    let said = |config: &str, name: &str| {
        let output = Place::new(config).run(&["login", name]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        text(&output)
    };
    let keyless = said(&format!("{account}login = true\n"), "main");
    assert!(
        keyless.contains("head -c 32 /dev/urandom | base64 > ledger.key"),
        "{keyless}"
    );
    let fixed = format!("{account}access_token = {{ env = \"TOKEN\" }}\n");
    assert!(said(&fixed, "main").contains("write `login = true`"));
    assert!(said(&fixed, "mian").contains("did you mean `main`?"));
}

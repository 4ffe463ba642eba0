//! Tokens that somebody signed in for: how they are asked for, renewed and given up (reliability P9 to P11).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use steadfast::platform::Tools;
use steadfast::platform::http::BaseUrl;
use steadfast::platform::oauth::{Client, Grant};
use steadfast::platform::secret::Secret;
use steadfast::platform::sign_in::{ClientIs, Exchange, OAuth, Redirect, Renewal, SignIn, Then, Way};
use steadfast::platform::token::{Keeper, Keys, Stored, Token, Turn, Upkeep};
use steadfast::post::identity::AccountName;
use steadfast::post::outcome::{Class, Failure};
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, now};

/// By the standard, with refresh tokens that are good for one use (X).
static ROTATES: SignIn = by(&STANDARD);
/// A token that renews itself (Meta).
static ITSELF: SignIn = by(&OAuth {
    renewal: Renewal::Itself {
        at: "/refresh_access_token",
        grant_type: "th_refresh_token",
        after: Duration::from_hours(24),
    },
    ..STANDARD
});
static NEVER: SignIn = by(&OAuth {
    renewal: Renewal::Never,
    ..STANDARD
});

const fn by(oauth: &'static OAuth) -> SignIn {
    SignIn {
        steps: &[],
        way: Way::Code(oauth),
    }
}

const STANDARD: OAuth = OAuth {
    authorize: "https://x.example/i/oauth2/authorize",
    token: "https://api.x.example/2/oauth2/token",
    scopes: &["tweet.read", "tweet.write", "offline.access"],
    extras: &[],
    between: " ",
    pkce: true,
    also: &[("duration", "permanent")],
    client: ClientIs::Basic,
    redirect: Redirect::Loopback { port: 8976 },
    then: Then::Keep,
    renewal: Renewal::RefreshToken { rotates: true },
};

/// A ledger of one token, which can be made to fail.
#[derive(Default)]
struct Shelf(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    stored: Option<Stored>,
    /// Another process renews it.
    busy: bool,
    /// An answer was lost.
    lost: bool,
    /// It takes nothing.
    fails: bool,
    begun: usize,
}

#[async_trait]
impl Keeper for Shelf {
    async fn stored(&self, _: &AccountName) -> Result<Option<Stored>, Failure> {
        Ok(self.0.lock().unwrap().stored.clone())
    }
    async fn begin(&self, _: &AccountName, version: i64) -> Result<Turn, Failure> {
        let mut inside = self.0.lock().unwrap();
        if inside.stored.as_ref().unwrap().version != version {
            return Ok(Turn::Changed);
        }
        if inside.busy {
            return Ok(Turn::NotNow);
        }
        inside.begun += 1;
        Ok(Turn::Ours { lost: inside.lost })
    }
    async fn renewed(&self, _: &AccountName, version: i64, grant: &Grant) -> Result<(), Failure> {
        let mut inside = self.0.lock().unwrap();
        if inside.fails {
            return Err(Failure::new(Class::Transient, "the disk is full"));
        }
        inside.lost = false;
        inside.stored = Some(Stored {
            version: version + 1,
            grant: grant.clone(),
            refused: None,
        });
        Ok(())
    }
    async fn not_renewed(&self, _: &AccountName, _: i64, lost: bool) -> Result<(), Failure> {
        self.0.lock().unwrap().lost = lost;
        Ok(())
    }
    async fn refused(&self, _: &AccountName, _: i64, why: &str) -> Result<(), Failure> {
        self.0.lock().unwrap().stored.as_mut().unwrap().refused = Some(why.to_owned());
        Ok(())
    }
}

/// A token that was granted some time ago, for two hours.
fn granted(minutes_ago: i64) -> Grant {
    let issued = now() - SignedDuration::from_mins(minutes_ago);
    Grant {
        access: Secret::new("access-token-1"),
        refresh: Some(Secret::new("refresh-token-1")),
        issued,
        expires: Some(issued + SignedDuration::from_hours(2)),
        refresh_expires: None,
        scopes: vec!["tweet.write".into()],
    }
}

struct Signed {
    shelf: Arc<Shelf>,
    token: Token,
    server: MockServer,
    bench: Bench,
}

impl Signed {
    /// An account that has signed in, at a server that does not answer yet.
    async fn new(sign_in: &'static SignIn, grant: Grant) -> Self {
        let (server, bench, shelf) = (
            MockServer::start().await,
            Bench::new(),
            Arc::new(Shelf::default()),
        );
        shelf.0.lock().unwrap().stored = Some(Stored {
            version: 1,
            grant,
            refused: None,
        });
        let keeper: Arc<dyn Keeper> = shelf.clone();
        let keys: Keys = toml::from_str("login = true\nclient_id = 'app'").unwrap();
        let tools = Tools {
            account: &bench.account,
            http: &bench.http,
            vault: bench.vault.path(),
            scrubber: &bench.scrubber,
            keeper: &keeper,
            films: &bench.films,
        };
        let base = BaseUrl::parse(&server.uri()).unwrap();
        let token = keys.open(sign_in, Some(&base), None, &tools).unwrap();
        Self {
            shelf,
            token,
            server,
            bench,
        }
    }

    async fn answers(&self, answer: ResponseTemplate, times: u64) {
        Mock::given(method("POST"))
            .and(path("/2/oauth2/token"))
            .respond_with(answer)
            .expect(times)
            .mount(&self.server)
            .await;
    }

    async fn bearer(&self) -> Result<String, Failure> {
        Ok(self.token.bearer().await?.expose().to_owned())
    }

    async fn refused(&self) -> Failure {
        let bearer = self.token.bearer().await.unwrap();
        let came: Result<(), Failure> = Err(Failure::new(Class::Auth, "Unauthorized"));
        self.token.heard(&bearer, came).await.unwrap_err()
    }

    async fn asked(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

fn new_pair() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "token_type": "bearer", "expires_in": 7200, "access_token": "access-token-2",
        "refresh_token": "refresh-token-2", "scope": "tweet.read tweet.write",
    }))
}

#[tokio::test]
async fn a_token_that_lasts_is_used_as_it_is() {
    let signed = Signed::new(&ROTATES, granted(109)).await;
    assert_eq!(signed.bearer().await.unwrap(), "access-token-1");
    assert_eq!(signed.token.upkeep().await.unwrap(), Upkeep::Fine);
    assert_eq!(signed.asked().await, 0);
}

#[tokio::test]
async fn a_token_is_renewed_ten_minutes_before_it_ends_and_once_for_all_who_ask() {
    let signed = Signed::new(&ROTATES, granted(111)).await;
    signed.answers(new_pair(), 1).await;
    let all = (0..20).map(|_| {
        let token = signed.token.clone();
        tokio::spawn(async move { token.bearer().await.unwrap().expose().to_owned() })
    });
    for one in all.collect::<Vec<_>>() {
        assert_eq!(one.await.unwrap(), "access-token-2");
    }
    let request = &signed.server.received_requests().await.unwrap()[0];
    // A public app says who it is in the form.
    let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let said = |name: &str| form.get(name).map(String::as_str);
    assert_eq!(said("grant_type"), Some("refresh_token"));
    assert_eq!(said("refresh_token"), Some("refresh-token-1"));
    assert_eq!(said("client_id"), Some("app"));
    let stored = signed.token.stored().await.unwrap().unwrap();
    assert_eq!(stored.version, 2);
    assert_eq!(stored.grant.refresh.unwrap().expose(), "refresh-token-2");
    assert_eq!(stored.grant.scopes, ["tweet.read", "tweet.write"]);
    assert_eq!(stored.grant.expires, Some(now() + SignedDuration::from_hours(2)));
    // A log line shows none of them.
    let line = signed
        .bench
        .scrubber
        .scrub("access-token-2 refresh-token-2")
        .into_owned();
    assert_eq!(line, "*** ***");
}

#[tokio::test]
async fn p9_a_refused_token_is_renewed_once_and_then_its_account_is_held() {
    let signed = Signed::new(&ROTATES, granted(1)).await;
    signed.answers(new_pair(), 1).await;
    let first = signed.refused().await;
    assert_eq!(first.class, Class::Transient, "{first}");
    let second = signed.refused().await;
    assert_eq!(second.class, Class::Auth);
    assert!(second.words.contains("steadfast login test"), "{second}");
    assert_eq!(signed.asked().await, 1);
}

#[tokio::test]
async fn a_request_that_another_process_overtook_is_made_again_with_its_token() {
    let signed = Signed::new(&ROTATES, granted(1)).await;
    let bearer = signed.token.bearer().await.unwrap();
    let new = Grant {
        access: Secret::new("access-token-2"),
        ..granted(0)
    };
    signed
        .shelf
        .renewed(&signed.bench.account, 1, &new)
        .await
        .unwrap();
    let came: Result<(), Failure> = Err(Failure::new(Class::Auth, "Unauthorized"));
    let failure = signed.token.heard(&bearer, came).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert_eq!(signed.bearer().await.unwrap(), "access-token-2");
    assert_eq!(signed.asked().await, 0);
}

#[tokio::test]
async fn p11_after_a_lost_answer_the_old_token_is_tried_and_its_refusal_is_the_end() {
    let signed = Signed::new(&ROTATES, granted(130)).await;
    signed.answers(ResponseTemplate::new(502), 1).await;
    let failure = signed.bearer().await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(signed.shelf.0.lock().unwrap().lost);

    signed.server.reset().await;
    let dead =
        json!({"error": "invalid_request", "error_description": "Value passed for the token was invalid."});
    signed
        .answers(ResponseTemplate::new(400).set_body_json(dead), 1)
        .await;
    let failure = signed.bearer().await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
    for words in [
        "was lost",
        "Value passed for the token was invalid.",
        "steadfast login test",
    ] {
        assert!(failure.words.contains(words), "{failure}");
    }
    // Nobody asks again.
    assert_eq!(signed.bearer().await.unwrap_err().class, Class::Auth);
    assert_eq!(signed.token.upkeep().await.unwrap_err().class, Class::Auth);
    assert_eq!(signed.shelf.0.lock().unwrap().begun, 2);
}

#[tokio::test]
async fn p11_a_token_that_was_taken_after_a_lost_answer_goes_on() {
    let signed = Signed::new(&ROTATES, granted(130)).await;
    signed.shelf.0.lock().unwrap().lost = true;
    signed.answers(new_pair(), 1).await;
    assert_eq!(signed.bearer().await.unwrap(), "access-token-2");
}

#[tokio::test]
async fn a_new_token_is_used_only_once_it_is_stored_and_asked_for_only_once() {
    let signed = Signed::new(&ROTATES, granted(130)).await;
    signed.answers(new_pair(), 1).await;
    signed.shelf.0.lock().unwrap().fails = true;
    for _ in 0..3 {
        let failure = signed.bearer().await.unwrap_err();
        assert_eq!(
            (failure.class, &*failure.words),
            (Class::Transient, "the disk is full")
        );
    }
    signed.shelf.0.lock().unwrap().fails = false;
    assert_eq!(signed.bearer().await.unwrap(), "access-token-2");
    assert_eq!(signed.token.stored().await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn while_a_renewal_fails_the_old_token_does_as_long_as_it_lasts() {
    let signed = Signed::new(&ROTATES, granted(115)).await;
    signed.answers(ResponseTemplate::new(503), 1).await;
    assert_eq!(signed.bearer().await.unwrap(), "access-token-1");
    // Another process is at it.
    signed.shelf.0.lock().unwrap().busy = true;
    assert_eq!(signed.bearer().await.unwrap(), "access-token-1");
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_the_accounts() {
    let signed = Signed::new(&ROTATES, granted(130)).await;
    let wait = ResponseTemplate::new(429)
        .insert_header("retry-after", "90")
        .set_body_json(json!({"error": "slow_down"}));
    signed.answers(wait, 1).await;
    let until = Some(now() + SignedDuration::from_secs(90));
    assert_eq!(
        signed.bearer().await.unwrap_err().class,
        Class::RateLimited { until }
    );
    assert!(!signed.shelf.0.lock().unwrap().lost, "it was not taken");
}

#[tokio::test]
async fn what_is_no_refusal_of_the_servers_own_takes_no_token_away() {
    for page in [
        ResponseTemplate::new(400).set_body_string("<html>portal</html>"),
        ResponseTemplate::new(400).set_body_json(json!({"error": "temporarily_unavailable"})),
        ResponseTemplate::new(200).set_body_string("{\"access_token\": \"access-tok"),
        ResponseTemplate::new(302).insert_header("location", "https://elsewhere.example"),
    ] {
        let signed = Signed::new(&ROTATES, granted(130)).await;
        signed.answers(page, 1).await;
        let failure = signed.bearer().await.unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{failure}");
        assert!(!failure.words.contains("access-tok"), "{failure}");
        assert_eq!(
            signed.shelf.0.lock().unwrap().stored.as_ref().unwrap().refused,
            None
        );
    }
}

#[tokio::test]
async fn a_token_that_renews_itself_is_renewed_at_half_its_life_and_never_once_it_is_dead() {
    let sixty_days = |days_ago: i64| {
        let issued = now() - SignedDuration::from_hours(24 * days_ago);
        Grant {
            refresh: None,
            issued,
            expires: Some(issued + SignedDuration::from_hours(24 * 60)),
            ..granted(0)
        }
    };
    let signed = Signed::new(&ITSELF, sixty_days(29)).await;
    assert_eq!(signed.token.upkeep().await.unwrap(), Upkeep::Fine);
    // Refused: renewing it takes a token that lives.
    assert_eq!(signed.refused().await.class, Class::Auth);
    assert_eq!(signed.asked().await, 0);

    let signed = Signed::new(&ITSELF, sixty_days(31)).await;
    Mock::given(method("GET"))
        .and(path("/refresh_access_token"))
        .and(query_param("grant_type", "th_refresh_token"))
        .and(query_param("access_token", "access-token-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({"access_token": "access-token-2", "token_type": "bearer", "expires_in": 5_184_000}),
        ))
        .expect(1)
        .mount(&signed.server)
        .await;
    let until = Some(now() + SignedDuration::from_hours(24 * 60));
    assert_eq!(signed.token.upkeep().await.unwrap(), Upkeep::Renewed(until));
    let stored = signed.token.stored().await.unwrap().unwrap();
    assert_eq!(
        stored.grant.scopes,
        ["tweet.write"],
        "what the answer leaves out is as it was"
    );
    assert_eq!(signed.token.ends(&stored), until);
}

#[tokio::test]
async fn an_account_that_nobody_signed_in_for_says_what_to_do() {
    let signed = Signed::new(&NEVER, granted(130)).await;
    let words = signed.bearer().await.unwrap_err().words;
    assert!(
        words.starts_with("its token has run out") && words.contains("steadfast login test"),
        "{words}"
    );
    signed.shelf.0.lock().unwrap().stored = None;
    let failure = signed.bearer().await.unwrap_err();
    assert_eq!(failure.class, Class::Auth);
    assert!(failure.words.contains("nobody has signed in yet"), "{failure}");
}

// --- signing in -----------------------------------------------------------------------------------------

fn app(oauth: &'static OAuth, server: &MockServer) -> Client {
    Client {
        oauth,
        base: Some(BaseUrl::parse(&server.uri()).unwrap()),
        id: "app id".into(),
        secret: Some(Secret::new("app secret")),
        page: Some("42".into()),
    }
}

#[tokio::test]
async fn a_person_is_asked_for_the_permissions_and_the_code_is_traded_with_what_only_we_know() {
    static X: OAuth = STANDARD;
    let (server, bench) = (MockServer::start().await, Bench::new());
    let app = app(&X, &server);
    let asked = app.ask("http://127.0.0.1:8976/callback").unwrap();
    assert_eq!(asked.url.path(), "/i/oauth2/authorize");
    let query: HashMap<String, String> = asked.url.query_pairs().into_owned().collect();
    let said = |name: &str| query.get(name).map(String::as_str);
    assert_eq!(said("response_type"), Some("code"));
    assert_eq!(said("client_id"), Some("app id"));
    assert_eq!(said("redirect_uri"), Some("http://127.0.0.1:8976/callback"));
    assert_eq!(said("scope"), Some("tweet.read tweet.write offline.access"));
    assert_eq!(said("duration"), Some("permanent"));
    assert_eq!(said("state"), Some(asked.state.expose()));
    assert_eq!(said("code_challenge_method"), Some("S256"));
    let challenge = said("code_challenge").unwrap().to_owned();

    Mock::given(method("POST"))
        .and(path("/2/oauth2/token"))
        .and(header("authorization", "Basic YXBwK2lkOmFwcCtzZWNyZXQ="))
        .respond_with(new_pair())
        .expect(1)
        .mount(&server)
        .await;
    let grant = app.trade(&bench.http, asked, "the-code").await.unwrap();
    assert_eq!(grant.access.expose(), "access-token-2");
    let request = &server.received_requests().await.unwrap()[0];
    let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "the-code");
    assert_eq!(form["redirect_uri"], "http://127.0.0.1:8976/callback");
    let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(hashed, challenge);
}

const META: OAuth = OAuth {
    scopes: &["pages_show_list", "pages_manage_posts"],
    extras: &[],
    between: ",",
    pkce: false,
    also: &[],
    client: ClientIs::Form,
    ..STANDARD
};
const LONG: Exchange = Exchange {
    at: "https://graph.x.example/v25.0/oauth/access_token",
    grant_type: "fb_exchange_token",
    token: "fb_exchange_token",
    names_client: true,
};

async fn meta(server: &MockServer) {
    // Without a type, as Threads answers.
    Mock::given(method("POST"))
        .and(path("/2/oauth2/token"))
        .and(body_string_contains("client_secret=app+secret"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"access_token": "short", "user_id": 1})),
        )
        .mount(server)
        .await;
    Mock::given(method("GET"))
        .and(path("/v25.0/oauth/access_token"))
        .and(query_param("grant_type", "fb_exchange_token"))
        .and(query_param("fb_exchange_token", "short"))
        .and(query_param("client_id", "app id"))
        .and(query_param("client_secret", "app secret"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(
                json!({"access_token": "long", "token_type": "bearer", "expires_in": 5_183_944}),
            ),
        )
        .mount(server)
        .await;
}

#[tokio::test]
async fn metas_short_token_is_traded_for_the_long_one() {
    static THREADS: OAuth = OAuth {
        then: Then::LongLived(LONG),
        ..META
    };
    let (server, bench) = (MockServer::start().await, Bench::new());
    meta(&server).await;
    let app = app(&THREADS, &server);
    let asked = app.ask("https://campaign.example/").unwrap();
    let query: HashMap<String, String> = asked.url.query_pairs().into_owned().collect();
    assert_eq!(query["scope"], "pages_show_list,pages_manage_posts");
    assert!(!query.contains_key("code_challenge"));
    let grant = app.trade(&bench.http, asked, "the-code").await.unwrap();
    assert_eq!(grant.access.expose(), "long");
    assert_eq!(grant.expires, Some(now() + SignedDuration::from_secs(5_183_944)));
    assert_eq!(grant.scopes, ["pages_show_list", "pages_manage_posts"]);
}

#[tokio::test]
async fn a_pages_own_token_is_found_on_any_page_of_the_list_and_has_no_end() {
    static FACEBOOK: OAuth = OAuth {
        then: Then::Page {
            exchange: LONG,
            pages: "https://graph.x.example/v25.0/me/accounts",
            key: "page_id",
        },
        ..META
    };
    let (server, bench) = (MockServer::start().await, Bench::new());
    meta(&server).await;
    let list = |answer: Value| ResponseTemplate::new(200).set_body_json(answer);
    let page = |id: &str| json!({"id": id, "name": "Casewatch", "access_token": format!("page-{id}")});
    let more = json!({"next": "https://graph.x.example/next", "cursors": {"after": "CURSOR"}});
    Mock::given(path("/v25.0/me/accounts"))
        .and(query_param("after", "CURSOR"))
        .respond_with(list(json!({"data": [page("42")]})))
        .mount(&server)
        .await;
    Mock::given(path("/v25.0/me/accounts"))
        .and(header("authorization", "Bearer long"))
        .respond_with(list(json!({"data": [page("7")], "paging": more})))
        .mount(&server)
        .await;
    let mut app = app(&FACEBOOK, &server);
    let asked = app.ask("https://campaign.example/").unwrap();
    let grant = app.trade(&bench.http, asked, "the-code").await.unwrap();
    assert_eq!((grant.access.expose(), grant.expires), ("page-42", None));

    app.page = Some("43".into());
    let asked = app.ask("https://campaign.example/").unwrap();
    let failure = app.trade(&bench.http, asked, "the-code").await.unwrap_err();
    assert_eq!(
        failure.words,
        "the person who signed in has no token for the Page 43; they manage Casewatch (7), Casewatch (42)"
    );
}

#[test]
fn keys_that_do_not_go_together_are_said() {
    let said = |keys: &str, sign_in: &SignIn| {
        let keys: Keys = toml::from_str(keys).unwrap();
        keys.source(sign_in).err().unwrap_or_default()
    };
    let fixed = "access_token = { env = 'TOKEN' }";
    assert_eq!(said(fixed, &ROTATES), "");
    assert_eq!(said("login = true\nclient_id = 'app'", &ROTATES), "");
    assert!(said("", &ROTATES).contains("`access_token` is missing"));
    assert!(said(&format!("{fixed}\nlogin = true"), &ROTATES).contains("not both"));
    assert!(said("login = true", &ROTATES).contains("`client_id`"));
}

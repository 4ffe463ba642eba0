//! Tokens in a real ledger: renewed in time, by one of many, whatever is killed in between (reliability P11).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on must stop"
)]

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use steadfast::campaign::Account;
use steadfast::clock::Clock;
use steadfast::daemon::Outlet;
use steadfast::daemon::tokens::{LedgerKeeper, Round};
use steadfast::ledger::sqlite::Sqlite;
use steadfast::ledger::token::Step;
use steadfast::ledger::{Ledger, Scope};
use steadfast::platform::http::{BaseUrl, Http};
use steadfast::platform::oauth::Grant;
use steadfast::platform::secret::{Scrubber, Secret};
use steadfast::platform::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use steadfast::platform::token::{Keeper, Keys, Stored, Token, Turn};
use steadfast::platform::video::{Films, NoFilms};
use steadfast::platform::{Outgoing, Platform, Prepared, Sealed, Tools};
use steadfast::post::identity::AccountName;
use steadfast::post::outcome::{Class, Failure, Receipt};
use steadfast::seal::Seal;
use steadfast::settings::InDoubt;
use steadfast::text::limits::Limits;
use tokio::sync::Notify;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers};

/// A token for two hours, by refresh tokens that are good for one use.
const OAUTH: OAuth = OAuth {
    authorize: "/authorize",
    token: "/token",
    scopes: &["write"],
    extras: &[],
    between: " ",
    pkce: true,
    also: &[],
    client: ClientIs::Form,
    redirect: Redirect::Loopback { port: 0 },
    then: Then::Keep,
    renewal: Renewal::RefreshToken { rotates: true },
};
static ROTATES: SignIn = SignIn {
    steps: &[],
    way: Way::Code(&OAUTH),
};
static NEVER: SignIn = SignIn {
    steps: &[],
    way: Way::Code(&OAuth {
        renewal: Renewal::Never,
        ..OAUTH
    }),
};

const BEGAN: &str = "2026-12-01T12:00:00Z";

fn began() -> Timestamp {
    BEGAN.parse().unwrap()
}

fn x() -> AccountName {
    "x".parse().unwrap()
}

/// A clock that is set by hand.
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    fn uptime(&self) -> Duration {
        self.now().duration_since(began()).unsigned_abs()
    }
    fn awake(&self) -> Duration {
        self.uptime()
    }
    fn dice(&self) -> f64 {
        0.5
    }
}

/// An authorization server whose refresh tokens are good for one use, and that counts.
struct Rotating(Arc<Mutex<Told>>);

struct Told {
    /// The only refresh token that it takes.
    good: usize,
    asked: usize,
    refused: usize,
    status: u16,
}

impl Respond for Rotating {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut told = self.0.lock().unwrap();
        told.asked += 1;
        if told.status != 200 {
            return ResponseTemplate::new(told.status);
        }
        let body = String::from_utf8(request.body.clone()).unwrap();
        if !body.contains(&format!("refresh_token=refresh-{}-end", told.good)) {
            told.refused += 1;
            return ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant"}));
        }
        told.good += 1;
        ResponseTemplate::new(200).set_body_json(json!({
            "access_token": format!("access-{}-end", told.good),
            "refresh_token": format!("refresh-{}-end", told.good),
            "expires_in": 7200,
        }))
    }
}

struct Stage {
    folder: tempfile::TempDir,
    clock: Arc<Hands>,
    server: MockServer,
    told: Arc<Mutex<Told>>,
}

impl Stage {
    /// An account that signed in when everything began.
    async fn new() -> Self {
        let told = Arc::new(Mutex::new(Told {
            good: 1,
            asked: 0,
            refused: 0,
            status: 200,
        }));
        let server = MockServer::start().await;
        Mock::given(matchers::path("/token"))
            .respond_with(Rotating(Arc::clone(&told)))
            .mount(&server)
            .await;
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(Hands(Mutex::new(began()))),
            server,
            told,
        };
        drop(Sqlite::create(&stage.path()).await.unwrap());
        let life = stage.life().await;
        let grant = Grant {
            access: Secret::new("access-1-end"),
            refresh: Some(Secret::new("refresh-1-end")),
            issued: began(),
            expires: Some(began() + SignedDuration::from_hours(2)),
            refresh_expires: None,
            scopes: vec!["write".to_owned()],
        };
        life.sign_in(&grant).await;
        stage
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("steadfast.db")
    }

    fn is_at(&self, minutes: i64) {
        *self.clock.0.lock().unwrap() = began() + SignedDuration::from_mins(minutes);
    }

    fn counts(&self) -> (usize, usize) {
        let told = self.told.lock().unwrap();
        (told.asked, told.refused)
    }

    /// A process that has the ledger.
    async fn life(&self) -> Life {
        Life::new(&self.path(), self.clock.clone(), self.server.uri()).await
    }
}

struct Life {
    ledger: Arc<dyn Ledger>,
    keeper: Arc<LedgerKeeper>,
    clock: Arc<dyn Clock>,
    http: Http,
    server: String,
}

impl Life {
    async fn new(path: &Path, clock: Arc<dyn Clock>, server: String) -> Self {
        let ledger: Arc<dyn Ledger> = Arc::new(Sqlite::open(path).await.unwrap());
        let keeper = Arc::new(LedgerKeeper {
            ledger: Arc::clone(&ledger),
            seal: Some(Seal::new(&Secret::new(BASE64.encode([7; 32]))).unwrap()),
            clock: Arc::clone(&clock),
        });
        let http = Http::new("https://campaign.example", Arc::clone(&clock)).unwrap();
        Self {
            ledger,
            keeper,
            clock,
            http,
            server,
        }
    }

    async fn sign_in(&self, grant: &Grant) {
        let words = self.keeper.sealed(&x(), grant, None).unwrap();
        let step = Step::SignedIn(words);
        self.ledger
            .step_token(&x(), step, self.clock.now())
            .await
            .unwrap();
    }

    fn token(&self, sign_in: &'static SignIn, keeper: &Arc<dyn Keeper>) -> Token {
        let keys: Keys = toml::from_str("login = true\nclient_id = 'app'").unwrap();
        let (account, scrubber) = (x(), Scrubber::new());
        let films: Arc<dyn Films> = Arc::new(NoFilms);
        let tools = Tools {
            account: &account,
            http: &self.http,
            vault: Path::new("."),
            scrubber: &scrubber,
            keeper,
            films: &films,
        };
        let base = BaseUrl::parse(&self.server).unwrap();
        keys.open(sign_in, Some(&base), None, &tools).unwrap()
    }

    fn kept(&self) -> Arc<dyn Keeper> {
        self.keeper.clone()
    }

    async fn bearer(&self) -> Result<String, Failure> {
        let token = self.token(&ROTATES, &self.kept());
        Ok(token.bearer().await?.expose().to_owned())
    }

    fn round(&self, sign_in: &'static SignIn) -> Round {
        let outlet = Outlet {
            account: account(),
            platform: Box::new(Desk(
                self.token(sign_in, &self.kept()),
                steadfast::platform::sandbox::limits(),
            )),
            in_doubt: InDoubt::Auto,
            engagement: false,
        };
        Round::new(&Arc::new(vec![outlet]), &self.ledger, &self.clock)
    }

    async fn held(&self) -> Option<String> {
        let holds = self.ledger.holds().await.unwrap();
        let of_x = holds.into_iter().find(|hold| hold.scope == Scope::Account(x()));
        of_x.map(|hold| hold.why)
    }
}

fn account() -> Account {
    let mut roster = support::roster();
    Account {
        name: x(),
        ..roster.accounts.remove(0)
    }
}

/// An adapter that has a token and does nothing.
struct Desk(Token, Limits);

#[async_trait]
impl Platform for Desk {
    fn limits(&self) -> &Limits {
        &self.1
    }
    async fn prepare(&self, _: &Outgoing<'_>) -> Result<Prepared, Failure> {
        Err(Failure::new(Class::Rejected, "nothing is sent here"))
    }
    async fn publish(&self, _: &Sealed) -> Result<Receipt, Failure> {
        Err(Failure::new(Class::Rejected, "nothing is sent here"))
    }
    fn token(&self) -> Option<&Token> {
        Some(&self.0)
    }
}

/// At which step of a renewal the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    BeforeTheMark,
    BeforeTheRequest,
    BeforeTheAnswerIsStored,
    OnceItIsStored,
}

/// A keeper whose process stops at one step and never goes on.
struct Mortal {
    keeper: Arc<LedgerKeeper>,
    at: Killed,
    dead: Arc<Notify>,
}

impl Mortal {
    async fn dies_at(&self, step: Killed) {
        if self.at == step {
            self.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Keeper for Mortal {
    async fn stored(&self, account: &AccountName) -> Result<Option<Stored>, Failure> {
        self.keeper.stored(account).await
    }
    async fn begin(&self, account: &AccountName, version: i64) -> Result<Turn, Failure> {
        self.dies_at(Killed::BeforeTheMark).await;
        let turn = self.keeper.begin(account, version).await;
        self.dies_at(Killed::BeforeTheRequest).await;
        turn
    }
    async fn renewed(&self, account: &AccountName, version: i64, grant: &Grant) -> Result<(), Failure> {
        self.dies_at(Killed::BeforeTheAnswerIsStored).await;
        self.keeper.renewed(account, version, grant).await?;
        self.dies_at(Killed::OnceItIsStored).await;
        Ok(())
    }
    async fn not_renewed(&self, account: &AccountName, version: i64, lost: bool) -> Result<(), Failure> {
        self.keeper.not_renewed(account, version, lost).await
    }
    async fn refused(&self, account: &AccountName, version: i64, why: &str) -> Result<(), Failure> {
        self.keeper.refused(account, version, why).await
    }
}

#[tokio::test]
async fn p11_a_process_that_is_killed_while_it_renews_a_token_loses_it_only_with_the_answer() {
    for at in [
        Killed::BeforeTheMark,
        Killed::BeforeTheRequest,
        Killed::BeforeTheAnswerIsStored,
        Killed::OnceItIsStored,
    ] {
        let stage = Stage::new().await;
        stage.is_at(115);
        let dead = Arc::new(Notify::new());
        let life = stage.life().await;
        let mortal = Mortal {
            keeper: Arc::clone(&life.keeper),
            at,
            dead: Arc::clone(&dead),
        };
        let mortal: Arc<dyn Keeper> = Arc::new(mortal);
        let token = life.token(&ROTATES, &mortal);
        let renewing = tokio::spawn(async move { token.bearer().await.map(drop) });
        tokio::time::timeout(Duration::from_secs(10), dead.notified())
            .await
            .unwrap();
        renewing.abort();
        drop(life);

        // The lease of the dead runs out, and so has the token.
        stage.is_at(121);
        let life = stage.life().await;
        let bearer = life.bearer().await;
        match at {
            Killed::BeforeTheMark | Killed::BeforeTheRequest => {
                assert_eq!(bearer.unwrap(), "access-2-end", "{at:?}");
                assert_eq!(stage.counts(), (1, 0), "{at:?}");
            }
            Killed::OnceItIsStored => {
                assert_eq!(bearer.unwrap(), "access-2-end");
                assert_eq!(stage.counts(), (1, 0));
            }
            // The only good refresh token was in the answer. The old one is tried once and never again, and the
            // account is held with what to do.
            Killed::BeforeTheAnswerIsStored => {
                let failure = bearer.unwrap_err();
                assert_eq!(failure.class, Class::Auth);
                assert!(
                    failure.words.contains("was lost") && failure.words.contains("steadfast login x"),
                    "{failure}"
                );
                let mut round = life.round(&ROTATES);
                for minute in 0..5 {
                    stage.is_at(122 + minute);
                    round.go(true).await;
                    assert_eq!(life.bearer().await.unwrap_err().class, Class::Auth);
                }
                assert_eq!(stage.counts(), (2, 1));
                let why = life.held().await.unwrap();
                assert!(
                    why.starts_with("credentials refused: ") && why.contains("steadfast login x"),
                    "{why}"
                );
            }
        }
    }
}

#[tokio::test]
async fn while_one_process_renews_no_other_does() {
    let stage = Stage::new().await;
    stage.is_at(115);
    let (one, other) = (stage.life().await, stage.life().await);
    assert_eq!(
        one.keeper.begin(&x(), 1).await.unwrap(),
        Turn::Ours { lost: false }
    );
    // It still lasts, so nobody waits.
    assert_eq!(other.bearer().await.unwrap(), "access-1-end");
    assert_eq!(stage.counts(), (0, 0));
    one.keeper.not_renewed(&x(), 1, false).await.unwrap();
    stage.is_at(117);
    let (a, b) = tokio::join!(one.bearer(), other.bearer());
    for bearer in [
        a.unwrap(),
        b.unwrap(),
        one.bearer().await.unwrap(),
        other.bearer().await.unwrap(),
    ] {
        assert!(["access-1-end", "access-2-end"].contains(&&*bearer), "{bearer}");
    }
    assert_eq!(stage.counts(), (1, 0));
}

#[tokio::test]
async fn the_daemon_renews_before_a_token_ends_and_through_an_outage_asks_each_minute() {
    let stage = Stage::new().await;
    let life = stage.life().await;
    let mut round = life.round(&ROTATES);
    stage.is_at(109);
    round.go(true).await;
    assert_eq!(stage.counts().0, 0);
    stage.told.lock().unwrap().status = 503;
    for half_minutes in 0..20 {
        *stage.clock.0.lock().unwrap() =
            began() + SignedDuration::from_secs(110 * 60 + half_minutes * 30 + 1);
        round.go(true).await;
    }
    let asked = stage.counts().0;
    assert!((7..=10).contains(&asked), "{asked}");
    assert_eq!(life.held().await, None);
    stage.told.lock().unwrap().status = 200;
    stage.is_at(123);
    round.go(true).await;
    assert_eq!(life.bearer().await.unwrap(), "access-2-end");
    assert_eq!(stage.counts(), (asked + 1, 0));
}

#[tokio::test]
async fn a_person_is_told_daily_from_a_week_before_a_token_ends_that_nobody_can_renew() {
    let stage = Stage::new().await;
    let life = stage.life().await;
    let day = |day: i64| began() + SignedDuration::from_hours(24 * day);
    let grant = Grant {
        access: Secret::new("for-sixty-days"),
        refresh: None,
        issued: began(),
        expires: Some(day(60)),
        refresh_expires: None,
        scopes: Vec::new(),
    };
    life.sign_in(&grant).await;
    let mut told = Vec::new();
    for hours in (24 * 50..24 * 60).step_by(6) {
        *stage.clock.0.lock().unwrap() = began() + SignedDuration::from_hours(hours);
        // A process that has just begun knows what was said.
        life.round(&NEVER).go(true).await;
        let noted = life.ledger.noted("token warned x").await.unwrap();
        told.extend(noted.filter(|noted| *noted == stage.clock.now().to_string()));
    }
    let daily: Vec<String> = (53..60).map(|on| day(on).to_string()).collect();
    assert_eq!(told, daily);
    assert_eq!(life.held().await, None);
    *stage.clock.0.lock().unwrap() = day(60) + SignedDuration::from_secs(1);
    life.round(&NEVER).go(true).await;
    let why = life.held().await.unwrap();
    assert!(
        why.contains("its token has run out: sign in with `steadfast login x`"),
        "{why}"
    );
}

#[tokio::test]
async fn what_the_ledger_keeps_of_a_token_opens_in_its_own_row_alone() {
    let stage = Stage::new().await;
    let life = stage.life().await;
    let mut kept = life.ledger.tokens(Some(&x())).await.unwrap().remove(0);
    for sealed in [&kept.words.access, kept.words.refresh.as_ref().unwrap()] {
        assert!(
            !sealed.contains("access") && !sealed.contains("refresh"),
            "{sealed}"
        );
    }
    let file = std::fs::read(stage.path()).unwrap();
    for secret in ["access-1-end", "refresh-1-end"] {
        let there = |file: &[u8]| file.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!there(&file), "{secret}");
    }
    assert_eq!(
        life.keeper.opened(kept.clone()).unwrap().grant.access.expose(),
        "access-1-end"
    );
    kept.account = "y".parse().unwrap();
    assert!(
        life.keeper
            .opened(kept)
            .unwrap_err()
            .words
            .contains("was not sealed with this")
    );
}

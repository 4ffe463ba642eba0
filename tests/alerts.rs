//! Alerts by the real program: each thing is told once, whatever is started anew, and once more when it is over; by one
//! of several replicas.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;
mod server;

use std::time::Duration;

use program::Place;
use program::fake::{Fake, Fault};
use serde_json::Value;
use server::Server;
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Whoever is told, and all that they were told.
struct Ear {
    server: MockServer,
    runtime: Runtime,
}

impl Ear {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let ear = Self {
            server: runtime.block_on(MockServer::start()),
            runtime,
        };
        ear.answers(204);
        ear
    }

    fn answers(&self, status: u16) {
        let answer = Mock::given(any()).respond_with(ResponseTemplate::new(status));
        self.runtime.block_on(async {
            self.server.reset().await;
            answer.mount(&self.server).await;
        });
    }

    /// What it was told since it last changed its mind, as `+key` and `-key`.
    fn told(&self) -> Vec<String> {
        let requests = self.runtime.block_on(self.server.received_requests()).unwrap();
        let of = |request: &wiremock::Request| -> Vec<String> {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let keys = |list: &str, sign: &str| -> Vec<String> {
                let items = body["data"][list].as_array().unwrap();
                items
                    .iter()
                    .map(|item| format!("{sign}{}", item["key"].as_str().unwrap()))
                    .collect()
            };
            [keys("new", "+"), keys("solved", "-")].concat()
        };
        requests.iter().flat_map(of).collect()
    }

    fn config(&self, more: &str) -> String {
        format!(
            "[alert.us]\nby = \"webhook\"\nurl = \"{}/alerts\"\nsecret = {{ env = \"SECRET\" }}\nsolved_after = \"1s\"\n{more}\n",
            self.server.uri()
        )
    }
}

fn account(fake: &Fake) -> String {
    format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    )
}

fn init(place: &Place) {
    let made = place.run(&["init"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

const MESSAGE: &str = "[[message]]\nid = \"a\"\npriority = \"breaking\"\ntext = \"words\"\n";

fn refuse(fake: &Fake) {
    fake.fault(Fault::Answer(
        401,
        vec![],
        r#"{"error":"The access token is invalid"}"#.into(),
    ));
}

#[test]
fn an_account_that_fails_is_told_once_and_once_more_when_it_is_mended() {
    let (fake, ear) = (Fake::start(), Ear::new());
    let place = Place::new(&(account(&fake) + &ear.config("")));
    init(&place);
    refuse(&fake);
    place.write("a.toml", MESSAGE);
    let mut daemon = place.start();
    place.wait("the alert", 30, || !ear.told().is_empty());
    assert_eq!(ear.told(), ["+held account mastodon"]);
    let sent = place.events("alert.sent");
    assert_eq!((&sent[0]["alert"], &sent[0]["new"]), (&"us".into(), &1.into()));

    let shown = place.run(&["alerts"]);
    assert_eq!(shown.status.code(), Some(1));
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("account mastodon: held by the daemon"), "{shown}");
    assert!(shown.contains("(told: us)"), "{shown}");

    // Neither by a crash nor by a start is it told again.
    daemon.kill();
    let _daemon = place.start();
    place.wait("the second start", 30, || place.events("daemon.ready").len() == 2);
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(ear.told(), ["+held account mastodon"]);

    let released = place.run(&["release", "--account", "mastodon"]);
    assert!(released.status.success());
    place.wait("the good news", 30, || ear.told().len() > 1);
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(ear.told(), ["+held account mastodon", "-held account mastodon"]);
    assert_eq!(fake.texts(), ["words"]);
}

#[test]
fn who_can_not_be_reached_keeps_nobody_waiting() {
    let (fake, ear) = (Fake::start(), Ear::new());
    let place = Place::new(&(account(&fake) + &ear.config("only = [\"fact\"]")));
    init(&place);
    ear.answers(503);
    let fact = "[fact.v]\nvalue = \"1\"\nsource = \"https://example.org\"\nreview_by = 2026-01-01\n\n";
    place.write("a.toml", &format!("{fact}{MESSAGE}"));
    let mut daemon = place.start();
    place.wait("the failure", 30, || !place.events("alert.failed").is_empty());
    let failed = &place.events("alert.failed")[0];
    assert_eq!(failed["error"], "it answered 503 without a word");
    assert!(!failed.to_string().contains("whsec_"));
    assert_eq!(fake.texts(), ["words"]);
    // It is not tried at every look.
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(place.events("alert.failed").len(), 1);
    daemon.kill();
    // What was never told is not taken for told.
    ear.answers(200);
    let _daemon = place.start();
    place.wait("the alert", 30, || ear.told() == ["+fact v"]);
}

#[test]
fn a_test_arrives_or_says_why_not() {
    let ear = Ear::new();
    let place = Place::new(&ear.config(""));
    let tried = place.run(&["alerts", "--test", "us"]);
    assert!(
        tried.status.success(),
        "{}",
        String::from_utf8_lossy(&tried.stderr)
    );
    let requests = ear.runtime.block_on(ear.server.received_requests()).unwrap();
    let body: Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert!(
        body["data"]["text"]
            .as_str()
            .unwrap()
            .contains("alerts --test us"),
        "{body}"
    );
    ear.answers(410);
    let tried = place.run(&["alerts", "--test", "us"]);
    assert_eq!(tried.status.code(), Some(1));
    let said = String::from_utf8_lossy(&tried.stderr).into_owned();
    assert!(said.contains("us could not be told: it answered 410"), "{said}");
    let tried = place.run(&["alerts", "--test", "use"]);
    assert_eq!(tried.status.code(), Some(2));
    let said = String::from_utf8_lossy(&tried.stderr).into_owned();
    assert!(said.contains("did you mean `us`?"), "{said}");
}

#[test]
fn of_two_replicas_one_tells_and_the_other_goes_on_with_what_was_told() {
    let server = Server::start();
    let runtime = Runtime::new().unwrap();
    let url = server.url(&runtime.block_on(server.database()));
    let (fake, ear) = (Fake::start(), Ear::new());
    let replica = |name: &str| {
        let ledger = format!("[ledger]\nurl = \"{url}\"\nreplica = \"{name}\"\nlease = \"5s\"\n\n");
        let place = Place::new(&(ledger + &account(&fake) + &ear.config("")));
        place.write("a.toml", MESSAGE);
        place
    };
    let (one, two) = (replica("one"), replica("two"));
    init(&one);
    refuse(&fake);
    let mut first = one.start();
    one.wait_ready();
    let _second = two.start();
    two.wait_ready();
    one.wait("the alert", 40, || !ear.told().is_empty());
    first.kill();
    // Long enough for the other to lead, and to look.
    std::thread::sleep(Duration::from_secs(15));
    assert_eq!(ear.told(), ["+held account mastodon"]);
    assert!(two.run(&["release", "--account", "mastodon"]).status.success());
    two.wait("the good news", 60, || {
        ear.told().contains(&"-held account mastodon".to_owned())
    });
}

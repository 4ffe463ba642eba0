//! The real program and a token that has to be renewed: killed at each step of it, and two at once on one database. The
//! authorization server is one whose refresh tokens are good for one use.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on must stop"
)]

mod program;
mod server;

use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use program::Place;
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

/// What the server does with the first request to renew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// Hears it, and does nothing with it.
    Heard,
    /// Gives a new token, and the answer is lost.
    Given,
    /// Answers it.
    Answered,
    /// Answers it when it is told to.
    Later,
}

struct Told {
    /// The only refresh token that it takes.
    good: usize,
    asked: usize,
    refused: usize,
}

/// X, as far as signing in goes.
struct X {
    url: String,
    told: Arc<Mutex<Told>>,
    /// Says when the first request to renew is as far as it goes.
    there: Receiver<()>,
    go_on: Sender<()>,
}

impl X {
    fn start(first: First) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told {
            good: 1,
            asked: 0,
            refused: 0,
        }));
        let ((says, there), (go_on, waits)) = (channel(), channel());
        let waits = Arc::new(Mutex::new(waits));
        let known = Arc::clone(&told);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (known, says, waits) = (Arc::clone(&known), says.clone(), Arc::clone(&waits));
                std::thread::spawn(move || serve(&stream, first, &known, &says, &waits));
            }
        });
        Self {
            url,
            told,
            there,
            go_on,
        }
    }

    fn counts(&self) -> (usize, usize) {
        let told = self.told.lock().unwrap();
        (told.asked, told.refused)
    }
}

fn serve(
    stream: &TcpStream,
    first: First,
    told: &Mutex<Told>,
    says: &Sender<()>,
    waits: &Mutex<Receiver<()>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    lines.read_line(&mut head).ok()?;
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let line = line.trim().to_lowercase();
        if let Some(told) = line.strip_prefix("content-length:") {
            length = told.trim().parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    let me = json!({ "data": { "id": "1", "username": "casewatch" } });
    let (status, page, is_first) = match head.split(' ').nth(1)?.split('?').next()? {
        "/2/oauth2/token" if body.contains("grant_type=refresh_token") => renew(first, told, &body),
        "/2/oauth2/token" => (200, granted(1, 8), false),
        "/2/users/me" => (200, me, false),
        _ => (404, json!({ "title": "Not Found", "detail": "x" }), false),
    };
    match first {
        First::Heard | First::Given if is_first => {
            says.send(()).ok()?;
            // It holds the line until the other end is gone.
            let mut rest = Vec::new();
            lines.read_to_end(&mut rest).ok()?;
            return None;
        }
        First::Later if is_first => {
            says.send(()).ok()?;
            waits.lock().unwrap().recv().ok()?;
        }
        _ => {}
    }
    let page = page.to_string();
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    let mut stream = stream;
    stream.write_all(answer.as_bytes()).ok()?;
    if is_first && first == First::Answered {
        says.send(()).ok()?;
    }
    Some(())
}

fn renew(first: First, told: &Mutex<Told>, body: &str) -> (u16, Value, bool) {
    let mut told = told.lock().unwrap();
    told.asked += 1;
    let is_first = told.asked == 1;
    if is_first && first == First::Heard {
        return (500, json!({}), true);
    }
    if !body.contains(&format!("refresh_token=refresh-{}-end", told.good)) {
        told.refused += 1;
        return (400, json!({ "error": "invalid_grant" }), is_first);
    }
    told.good += 1;
    (200, granted(told.good, 7200), is_first)
}

fn granted(number: usize, seconds: u64) -> Value {
    json!({
        "access_token": format!("access-{number}-end-of-a-test"),
        "refresh_token": format!("refresh-{number}-end"),
        "expires_in": seconds,
        "token_type": "bearer",
        "scope": "tweet.read tweet.write users.read media.write offline.access",
    })
}

fn place(x: &X, ledger: &str) -> Place {
    let config = format!(
        "[ledger]\n{ledger}\nkey = {{ env = \"KEY\" }}\n\
         [account.x]\nplatform = \"x\"\nbase_url = \"{}\"\nlogin = true\nclient_id = \"app\"\n",
        x.url
    );
    let mut place = Place::new(&config);
    place.set("KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    place
}

/// A person signs in, and pastes what the browser shows: the token lasts for moments.
fn sign_in(place: &Place) {
    let (_, said) = place.sign_in_by_paste(&["login", "x"]);
    assert!(said.status.success(), "{said:?}");
}

/// As if the two minutes had passed for which nobody else renews it.
fn two_minutes_pass(place: &Place) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(place.ledger());
        let mut ledger = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("UPDATE token SET until = NULL")
            .execute(&mut ledger)
            .await
            .unwrap();
    });
}

/// The daemon is killed as soon as the first request to renew is as far as `first` says, and started again.
fn killed(first: First) -> (X, Place, program::Daemon) {
    let x = X::start(first);
    let place = place(&x, "url = \"sqlite://state/steadfast.db\"");
    assert!(place.run(&["init"]).status.success());
    sign_in(&place);
    let mut daemon = place.start();
    x.there.recv_timeout(Duration::from_mins(1)).unwrap();
    daemon.kill();
    two_minutes_pass(&place);
    let daemon = place.start();
    (x, place, daemon)
}

fn is_held(place: &Place) -> bool {
    let account = place.json(&["accounts", "--format", "json"])[0].clone();
    let wrong = account["wrong"].as_array().unwrap();
    wrong.iter().any(|why| {
        why.as_str()
            .unwrap()
            .contains("the answer to an earlier renewal was lost")
    })
}

#[test]
fn p11_killed_before_the_server_did_anything_it_renews_with_the_same_token() {
    let (x, place, _daemon) = killed(First::Heard);
    place.wait("the token to be renewed", 60, || {
        !place.events("account.token_renewed").is_empty()
    });
    assert_eq!(x.counts(), (2, 0));
    let status = place.json(&["status", "--format", "json"])["accounts"][0].clone();
    assert_eq!(
        (&status["token_wrong"], &status["state"]),
        (&json!([]), &json!("ok"))
    );
}

#[test]
fn p11_killed_before_the_new_token_arrived_it_asks_once_more_and_then_a_person() {
    let (x, place, _daemon) = killed(First::Given);
    place.wait("a person to be asked", 60, || {
        !place.events("account.auth_failed").is_empty()
    });
    assert_eq!(x.counts(), (2, 1));
    assert!(is_held(&place));
    let status = place.json(&["status", "--format", "json"])["accounts"][0].clone();
    assert_eq!(status["state"], "held");
    let wrong = status["token_wrong"][0].as_str().unwrap();
    assert!(wrong.contains("`steadfast login x`"), "{wrong}");
}

#[test]
fn p11_killed_as_the_new_token_arrives_it_has_it_or_says_that_it_is_lost() {
    let (x, place, _daemon) = killed(First::Answered);
    place.wait_ready();
    let settled = || {
        let (asked, refused) = x.counts();
        (asked, refused) == (2, 1) && is_held(&place)
            || (asked, refused) == (1, 0) && place.events("daemon.ready").len() == 2
    };
    place.wait("it to be settled", 60, settled);
    // Whichever it was: no token was used twice, and nobody asks again.
    let (asked, refused) = x.counts();
    assert!(asked <= 2 && refused <= 1, "{asked} {refused}");
}

#[test]
fn of_two_daemons_that_need_one_token_exactly_one_renews_it() {
    let database = server::Server::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = database.url(&runtime.block_on(database.database()));
    let x = X::start(First::Later);
    let [one, two] = ["one", "two"].map(|name| place(&x, &format!("url = \"{url}\"\nreplica = \"{name}\"")));
    let made = one.run(&["init"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    sign_in(&one);
    let _daemons = [one.start(), two.start()];
    x.there.recv_timeout(Duration::from_mins(1)).unwrap();
    for place in [&one, &two] {
        place.wait_ready();
    }
    // Both look at it while the answer is on its way.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(x.counts(), (1, 0));
    x.go_on.send(()).unwrap();
    let renewed = || one.events("account.token_renewed").len() + two.events("account.token_renewed").len();
    one.wait("the token to be renewed", 60, || renewed() == 1);
    // The other takes the new one, and asks for nothing.
    for place in [&one, &two] {
        let account = place.json(&["status", "--format", "json"])["accounts"][0].clone();
        assert_eq!(
            (&account["token_wrong"], &account["state"]),
            (&json!([]), &json!("ok"))
        );
        assert!(place.events("account.auth_failed").is_empty());
    }
    assert_eq!((x.counts(), renewed()), ((1, 0), 1));
}

//! Bluesky's own server and the accounts on it, without our adapter.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use steadfast::clock::SystemClock;
use steadfast::platform::Platform;
use steadfast::platform::http::{BaseUrl, Http, Request};
use steadfast::platform::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server;
use crate::support::{Bench, NOW};

/// One for all these tests. It ends with them: nobody holds its standard input any more.
pub struct Theirs {
    pub url: String,
    /// What its tokens are signed with.
    secret: String,
    /// Who runs it.
    pub admin: String,
    _program: Child,
}

pub fn theirs() -> Option<&'static Theirs> {
    static THEIRS: OnceLock<Option<Theirs>> = OnceLock::new();
    THEIRS.get_or_init(Theirs::start).as_ref()
}

/// Longer than any of these servers takes.
pub const BOUND: Duration = Duration::from_mins(2);

/// A door of its own for each question: the tests have a runtime each.
fn door() -> Http {
    Http::with_deadline("https://campaign.example", Arc::new(SystemClock), BOUND).unwrap()
}

impl Theirs {
    /// `None`: there is none here.
    fn start() -> Option<Self> {
        let Some(folder) = std::env::var_os("STEADFAST_PDS") else {
            println!("STEADFAST_PDS names no folder with Bluesky's server, so it was not tried");
            return None;
        };
        // A runtime can't wait for another in the same thread.
        let database = std::thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(server::shared().database())
        });
        let database = server::shared().url(&database.join().unwrap());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/platforms/pds/theirs.cjs");
        let mut program = Command::new("node")
            .arg(script)
            .args([folder, database.into()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env("NODE_NO_WARNINGS", "1")
            .spawn()
            .expect("STEADFAST_PDS needs `node`");
        let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                tell.send(line).ok();
            }
        });
        let said: Value = loop {
            let line = told.recv_timeout(BOUND).expect("the server does not start");
            if let Ok(said @ Value::Object(_)) = serde_json::from_str(&line) {
                break said;
            }
        };
        let of = |name: &str| said[name].as_str().unwrap().to_owned();
        Some(Self {
            url: of("pds"),
            secret: of("secret"),
            admin: of("admin"),
            _program: program,
        })
    }

    /// Asks it without our adapter, by a token, or by a name and a password with `:` between them.
    pub async fn ask(&self, token: &str, method: &str, body: Option<Value>) -> (u16, Value) {
        let base = BaseUrl::parse(&self.url).unwrap();
        let (method, query) = method.split_once('?').unwrap_or((method, ""));
        let path = format!("/xrpc/{method}");
        let query: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let request = match body {
            Some(body) => Request::post(&base, &path).json(body.to_string()),
            None => Request::get(&base, &path).query(&query),
        };
        let request = match token {
            "" => request,
            _ if token.contains(':') => {
                request.secret("authorization", &format!("Basic {}", STANDARD.encode(token)))
            }
            _ => request.bearer(&Secret::new(token)),
        };
        let answer = door().send(request).await.unwrap();
        (answer.status, answer.json().unwrap_or_default())
    }

    /// A new account, with a password for apps.
    pub async fn person(&'static self, name: &str) -> Person {
        // The server keeps some words for itself.
        let handle = format!("watch-{name}.test");
        let account =
            json!({ "handle": handle, "email": format!("{name}@example.test"), "password": "correct horse" });
        let (status, made) = self
            .ask("", "com.atproto.server.createAccount", Some(account))
            .await;
        assert_eq!(status, 200, "{made}");
        let token = made["accessJwt"].as_str().unwrap().to_owned();
        let asked = json!({ "name": "steadfast" });
        let (_, app) = self
            .ask(&token, "com.atproto.server.createAppPassword", Some(asked))
            .await;
        Person {
            theirs: self,
            did: made["did"].as_str().unwrap().to_owned(),
            handle,
            token,
            password: app["password"].as_str().unwrap().to_owned(),
        }
    }

    /// An access token of that account as it makes them, which ends at that second.
    pub fn token(&self, did: &str, expires: i64) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({ "typ": "at+jwt", "alg": "HS256" }));
        let claims = json!({ "scope": "com.atproto.appPass", "aud": "did:web:localhost", "sub": did,
            "iat": expires - 7200, "exp": expires });
        let signed = format!("{head}.{}", part(claims));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

pub struct Person {
    theirs: &'static Theirs,
    pub did: String,
    pub handle: String,
    /// Of the account itself, not of our adapter.
    pub token: String,
    pub password: String,
}

pub const POST: &str = "app.bsky.feed.post";
pub const REPOST: &str = "app.bsky.feed.repost";

impl Person {
    pub async fn does(&self, method: &str, body: Value) -> (u16, Value) {
        self.theirs.ask(&self.token, method, Some(body)).await
    }

    /// Posts, likes or shares as the app does. Returns the record's address and hash.
    pub async fn makes(&self, collection: &str, mut record: Value) -> Value {
        record["$type"] = collection.into();
        record["createdAt"] = NOW.into();
        let body = json!({ "repo": self.did, "collection": collection, "record": record });
        let (status, made) = self.does("com.atproto.repo.createRecord", body).await;
        assert_eq!(status, 200, "{made}");
        json!({ "uri": made["uri"], "cid": made["cid"] })
    }

    pub async fn records(&self, collection: &str) -> Vec<Value> {
        let query = format!("repo={}&collection={collection}", self.did);
        let method = format!("com.atproto.repo.listRecords?{query}");
        let (status, mut list) = self.theirs.ask("", &method, None).await;
        assert_eq!(status, 200, "{list}");
        serde_json::from_value(list["records"].take()).unwrap()
    }

    /// Our adapter's account there.
    pub fn account(&self, bench: &Bench) -> Box<dyn Platform> {
        self.account_at(bench, &self.theirs.url, &self.password)
    }

    pub fn account_at(&self, bench: &Bench, url: &str, password: &str) -> Box<dyn Platform> {
        let keys = format!(
            "base_url = '{url}'\nidentifier = '{}'\napp_password = 'SECRET({password})'",
            self.handle
        );
        bench.open("bluesky", &keys)
    }
}

/// Between us and the server: everything goes through, and while it is told so, no answer comes back.
pub async fn between(url: &str, mute: Arc<AtomicBool>) -> String {
    let there = url.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut us, _)) = listener.accept().await {
            let (there, mute) = (there.clone(), Arc::clone(&mute));
            tokio::spawn(async move {
                let mut them = TcpStream::connect(there).await.unwrap();
                let (mut from_us, mut from_them) = ([0; 4096], [0; 4096]);
                loop {
                    tokio::select! {
                        read = us.read(&mut from_us) => match read {
                            Ok(read) if read > 0 => them.write_all(&from_us[..read]).await.unwrap(),
                            _ => return,
                        },
                        read = them.read(&mut from_them) => match read {
                            Ok(read) if read > 0 && !mute.load(Ordering::SeqCst) => {
                                us.write_all(&from_them[..read]).await.unwrap();
                            }
                            _ => return,
                        },
                    }
                }
            });
        }
    });
    here
}

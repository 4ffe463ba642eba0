//! A Mastodon and a Bluesky that keep what they accept, and can be told to fail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

/// One accepted post.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub id: String,
    pub text: String,
    pub parent: Option<String>,
    pub at: jiff::Timestamp,
    /// As Mastodon lists it.
    pub media: Value,
}

/// What the next requests that create something meet.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Accepted, but the answer never comes: the connection is left to die after so long.
    AcceptThenSilence(Duration),
    /// Not accepted; this answer instead: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Accepted, and this answer instead of the right one.
    AcceptThenAnswer(u16, String),
}

#[derive(Default)]
pub struct Store {
    pub accepted: Vec<Accepted>,
    keys: HashMap<String, String>,
    pub faults: Vec<Fault>,
    /// How long each create takes, before it is accepted and after.
    pub delay: Duration,
    pub requests: usize,
    /// When each request that creates something came in, and its text.
    pub arrived: Vec<(jiff::Timestamp, String)>,
    pub logins: usize,
    /// The forms with images, byte for byte.
    pub uploads: Vec<Bytes>,
    /// Whose account it is: status and body. Without, the page is not there.
    pub whose: Option<(u16, Value)>,
    /// It is a GoToSocial, which takes no notice of keys, and has a list of its own to be read.
    pub forgets_keys: bool,
    /// The process that is killed when it asks for this path, or so: `PUT /path`. Before it is answered, or after.
    pub kills: Option<(&'static str, bool, u32)>,
    /// What it says of a created status, beside its id.
    pub shows: Value,
    /// What was there and is deleted, in order.
    pub deleted: Vec<String>,
    /// How many requests to delete something came in.
    pub deletions: usize,
    /// How many requests to edit something came in.
    pub edits: usize,
    /// Posts elsewhere, by their addresses: what this server calls them, and what they say.
    pub elsewhere: HashMap<String, (String, String)>,
    /// Nothing elsewhere can be looked up.
    pub blind: bool,
}

/// A server on loopback; it lives as long as this.
pub struct Fake {
    pub url: String,
    pub store: Arc<Mutex<Store>>,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub fn start() -> Self {
        let store = Arc::new(Mutex::new(Store::default()));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let app = Router::new()
            .route("/api/v2/instance", get(of_itself))
            .route(
                "/api/v2/media",
                post(upload).layer(axum::extract::DefaultBodyLimit::disable()),
            )
            .route("/api/v1/accounts/7/statuses", get(list))
            .route("/api/v1/statuses/{id}/source", get(source))
            .route("/api/v1/statuses", get(count).post(create))
            .route("/api/v1/statuses/{id}", get(status).put(edit).delete(delete))
            .route("/api/v1/statuses/{id}/reblog", post(boost))
            .route("/api/v2/search", get(search))
            .route("/api/v1/accounts/verify_credentials", get(whose))
            .route("/xrpc/{method}", get(xrpc).post(xrpc))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&store), deadly))
            .with_state(Arc::clone(&store));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self {
            url,
            store,
            _runtime: runtime,
        }
    }

    pub fn accepted(&self) -> Vec<Accepted> {
        self.store.lock().unwrap().accepted.clone()
    }

    pub fn texts(&self) -> Vec<String> {
        self.accepted().into_iter().map(|post| post.text).collect()
    }

    pub fn fault(&self, fault: Fault) {
        self.store.lock().unwrap().faults.push(fault);
    }

    pub fn deleted(&self) -> Vec<String> {
        self.store.lock().unwrap().deleted.clone()
    }

    /// The texts that came in after `at`.
    pub fn arrived_after(&self, at: jiff::Timestamp) -> Vec<String> {
        let store = self.store.lock().unwrap();
        let late = store.arrived.iter().filter(|(when, _)| *when > at);
        late.map(|(_, text)| text.clone()).collect()
    }

    /// Whose account it is from now on.
    pub fn belongs(&self, status: u16, body: Value) {
        self.store.lock().unwrap().whose = Some((status, body));
    }

    /// What an ally says at this address from now on.
    pub fn ally_says(&self, url: &str, id: &str, text: &str) {
        let said = (id.to_owned(), text.to_owned());
        self.store.lock().unwrap().elsewhere.insert(url.to_owned(), said);
    }

    pub fn ally_deletes(&self, url: &str) {
        self.store.lock().unwrap().elsewhere.remove(url);
    }

    pub fn delay(&self, delay: Duration) {
        self.store.lock().unwrap().delay = delay;
    }
}

type Shared = State<Arc<Mutex<Store>>>;

/// What it says of itself.
pub fn instance() -> Value {
    json!({"domain": "fake", "version": "4.5.0", "api_versions": {"mastodon": 7},
        "source_url": "https://github.com/mastodon/mastodon",
        "configuration": {"statuses": {"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23},
            "media_attachments": {"description_limit": 1500, "image_size_limit": 16_777_216}}})
}

fn json_answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// Takes the next fault; `Err` is what the request meets, `Ok` what comes after it is accepted.
async fn fate(store: &Mutex<Store>) -> Result<Option<Fault>, Response> {
    let (delay, fault) = {
        let mut store = store.lock().unwrap();
        store.requests += 1;
        (store.delay, store.faults.pop())
    };
    tokio::time::sleep(delay).await;
    match fault {
        Some(Fault::Answer(status, headers, body)) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            Err(response)
        }
        fault => Ok(fault),
    }
}

async fn after(store: &Mutex<Store>, fault: Option<Fault>, good: Response) -> Response {
    let delay = store.lock().unwrap().delay;
    tokio::time::sleep(delay).await;
    match fault {
        Some(Fault::AcceptThenSilence(wait)) => {
            tokio::time::sleep(wait).await;
            good
        }
        Some(Fault::AcceptThenAnswer(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        _ => good,
    }
}

/// Kills who asks, if they are to be killed.
async fn deadly(
    State(store): Shared,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let named = format!("{} {path}", request.method());
    let kill = {
        let mut store = store.lock().unwrap();
        let meant = store.kills.is_some_and(|(at, ..)| at == path || at == named);
        if meant { store.kills.take() } else { None }
    };
    let end = |pid: u32| {
        let done = std::process::Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status();
        assert!(done.unwrap().success());
    };
    match kill {
        None => next.run(request).await,
        Some((_, false, pid)) => {
            end(pid);
            json_answer(503, &Value::Null)
        }
        Some((_, true, pid)) => {
            let answer = next.run(request).await;
            end(pid);
            answer
        }
    }
}

async fn of_itself(State(store): Shared) -> Response {
    let mut instance = instance();
    if store.lock().unwrap().forgets_keys {
        instance["version"] = json!("0.20.0");
        instance["source_url"] = json!("https://codeberg.org/superseriousbusiness/gotosocial");
        instance["api_versions"] = json!({});
    }
    json_answer(200, &instance)
}

/// The account's own statuses, the newest first; the next page has nothing.
async fn list(State(store): Shared, axum::extract::RawQuery(query): axum::extract::RawQuery) -> Response {
    let store = store.lock().unwrap();
    let status = |post: &Accepted| {
        json!({"id": post.id, "url": format!("https://fake/@test/{}", post.id), "created_at": post.at,
            "in_reply_to_id": post.parent, "spoiler_text": "", "media_attachments": post.media})
    };
    let first = !query.unwrap_or_default().contains("max_id");
    let statuses: Vec<Value> = store
        .accepted
        .iter()
        .rev()
        .filter(|_| first)
        .map(status)
        .collect();
    json_answer(200, &json!(statuses))
}

/// What the public made of each that is asked for: its favourites are those of its place among all.
async fn count(State(store): Shared, RawQuery(query): RawQuery) -> Response {
    let store = store.lock().unwrap();
    let query = query.unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let asked: Vec<String> = pairs
        .filter(|(key, _)| key == "id[]")
        .map(|(_, id)| id.into_owned())
        .collect();
    let all = store.accepted.iter().enumerate();
    let statuses: Vec<Value> = all
        .filter(|(_, post)| asked.contains(&post.id))
        .map(|(nth, post)| {
            json!({"id": post.id, "favourites_count": nth + 1, "reblogs_count": 0, "replies_count": 2})
        })
        .collect();
    json_answer(200, &json!(statuses))
}

async fn source(State(store): Shared, Path(id): Path<String>) -> Response {
    let store = store.lock().unwrap();
    let post = store.accepted.iter().find(|post| post.id == id).unwrap();
    json_answer(200, &json!({"text": post.text, "spoiler_text": ""}))
}

async fn upload(State(store): Shared, form: Bytes) -> Response {
    store.lock().unwrap().uploads.push(form);
    json_answer(200, &json!({"id": "m", "url": "https://fake/m"}))
}

async fn whose(State(store): Shared) -> Response {
    let whose = store.lock().unwrap().whose.clone();
    let (status, body) = whose.unwrap_or((404, json!({"error": "Not found"})));
    json_answer(status, &body)
}

/// Mastodon: the same key gives the first status again, as long as it lives.
async fn create(State(store): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let text: Value = serde_json::from_slice(&body).unwrap();
    let text = text["status"].as_str().unwrap().to_owned();
    store.lock().unwrap().arrived.push((now(), text));
    let fault = match fate(&store).await {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    let body: Value = serde_json::from_slice(&body).unwrap();
    let key = headers
        .get("idempotency-key")
        .map(|key| key.to_str().unwrap().to_owned())
        .expect("a key");
    let status = {
        let mut store = store.lock().unwrap();
        let known = store.keys.get(&key).filter(|_| !store.forgets_keys).cloned();
        let id = known.unwrap_or_else(|| {
            let id = (110_000 + store.accepted.len()).to_string();
            let parent = body["in_reply_to_id"].as_str().map(str::to_owned);
            let text = body["status"].as_str().unwrap().to_owned();
            store.accepted.push(Accepted {
                id: id.clone(),
                text,
                parent,
                at: now(),
                media: body["media_ids"]
                    .as_array()
                    .map_or(json!([]), |ids| ids.iter().map(|id| json!({"id": id})).collect()),
            });
            store.keys.insert(key, id.clone());
            id
        });
        let mut status = json!({"id": id, "url": format!("https://fake/@test/{id}"), "uri": format!("https://fake/{id}"), "visibility": "public"});
        if let (Some(status), Some(shows)) = (status.as_object_mut(), store.shows.as_object()) {
            status.extend(shows.clone());
        }
        status
    };
    after(&store, fault, json_answer(200, &status)).await
}

async fn search(State(store): Shared, RawQuery(query): RawQuery) -> Response {
    let store = store.lock().unwrap();
    if store.blind {
        return json_answer(503, &json!({"error": "busy"}));
    }
    let query = query.unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let asked = pairs.find(|(name, _)| name == "q").unwrap().1.into_owned();
    let found = store.elsewhere.get(&asked).map(|(id, text)| {
        json!({"id": id, "url": asked, "content": format!("<p>{text}</p>"), "spoiler_text": "", "media_attachments": []})
    });
    let found: Vec<Value> = found.into_iter().collect();
    json_answer(200, &json!({"accounts": [], "statuses": found, "hashtags": []}))
}

/// A boost is there or it is not: a second one is a no-op.
async fn boost(State(store): Shared, Path(id): Path<String>) -> Response {
    let fault = match fate(&store).await {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    let boost = format!("boost-{id}");
    let text = {
        let mut store = store.lock().unwrap();
        let text = store
            .elsewhere
            .values()
            .find(|(known, _)| *known == id)
            .unwrap()
            .1
            .clone();
        if store.accepted.iter().all(|post| post.id != boost) {
            store.accepted.push(Accepted {
                id: boost.clone(),
                text: text.clone(),
                parent: None,
                at: now(),
                media: Value::Null,
            });
        }
        text
    };
    let original =
        json!({"id": id, "url": format!("https://ally.example/{id}"), "content": format!("<p>{text}</p>")});
    after(
        &store,
        fault,
        json_answer(200, &json!({"id": boost, "url": null, "reblog": original})),
    )
    .await
}

/// Whether it was there until now.
fn is_gone_now(store: &Mutex<Store>, id: &str) -> bool {
    let mut store = store.lock().unwrap();
    let there = store.accepted.iter().any(|post| post.id == id);
    let gone = there && !store.deleted.iter().any(|gone| gone == id);
    if gone {
        store.deleted.push(id.to_owned());
    }
    gone
}

async fn delete(State(store): Shared, Path(id): Path<String>) -> Response {
    store.lock().unwrap().deletions += 1;
    let fault = match fate(&store).await {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    let answer = if is_gone_now(&store, &id) {
        json_answer(200, &json!({"id": id, "text": "as it was"}))
    } else {
        json_answer(404, &json!({"error": "Record not found"}))
    };
    after(&store, fault, answer).await
}

/// One status, with what it has beside its words.
async fn status(State(store): Shared, Path(id): Path<String>) -> Response {
    let store = store.lock().unwrap();
    let is_gone = store.deleted.contains(&id);
    match store.accepted.iter().find(|post| post.id == id && !is_gone) {
        Some(post) => json_answer(
            200,
            &json!({"id": id, "sensitive": false, "spoiler_text": "", "media_attachments": post.media}),
        ),
        None => json_answer(404, &json!({"error": "Record not found"})),
    }
}

/// Other words for a status that is there.
async fn edit(State(store): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    store.lock().unwrap().edits += 1;
    let fault = match fate(&store).await {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    let body: Value = serde_json::from_slice(&body).unwrap();
    let answer = {
        let mut store = store.lock().unwrap();
        let is_gone = store.deleted.contains(&id);
        match store.accepted.iter_mut().find(|post| post.id == id && !is_gone) {
            Some(post) => {
                body["status"].as_str().unwrap().clone_into(&mut post.text);
                json_answer(200, &json!({"id": id, "url": format!("https://fake/@test/{id}")}))
            }
            None => json_answer(404, &json!({"error": "Record not found"})),
        }
    };
    after(&store, fault, answer).await
}

#[allow(clippy::disallowed_methods)]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Bluesky: a record key is written once; the same record again is a no-op.
async fn xrpc(
    State(store): Shared,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    match method.as_str() {
        "com.atproto.server.createSession" | "com.atproto.server.refreshSession" => {
            store.lock().unwrap().logins += 1;
            let claims = base64::Engine::encode(
                &base64::engine::general_purpose::URL_SAFE_NO_PAD,
                format!("{{\"exp\":{}}}", now().as_second() + 7200),
            );
            let jwt = format!("e30.{claims}.c2ln");
            json_answer(
                200,
                &json!({"accessJwt": jwt, "refreshJwt": jwt, "did": "did:plc:test", "handle": "test.example", "active": true}),
            )
        }
        "com.atproto.repo.getRecord" => {
            let query = query.unwrap_or_default();
            let key = query
                .split('&')
                .find_map(|pair| pair.strip_prefix("rkey="))
                .unwrap_or_default();
            match store.lock().unwrap().keys.get(key) {
                Some(record) => json_answer(
                    200,
                    &json!({"uri": format!("at://did:plc:test/app.bsky.feed.post/{key}"), "cid": format!("bafy{key}"),
                        "value": serde_json::from_str::<Value>(record).unwrap()}),
                ),
                None => json_answer(
                    400,
                    &json!({"error": "RecordNotFound", "message": "Could not locate record"}),
                ),
            }
        }
        // Of another's post, the `cid` is made of what it says.
        "app.bsky.feed.getPosts" => {
            let query = query.unwrap_or_default();
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            let asked = pairs.find(|(name, _)| name == "uris").unwrap().1.into_owned();
            let store = store.lock().unwrap();
            let found = store.elsewhere.get(&asked);
            let cid = |(id, text): &(String, String)| format!("bafy{id}{}", text.len());
            let posts: Vec<Value> = found
                .map(|post| json!({"uri": asked, "cid": cid(post)}))
                .into_iter()
                .collect();
            json_answer(200, &json!({ "posts": posts }))
        }
        "com.atproto.repo.putRecord" => {
            let fault = match fate(&store).await {
                Ok(fault) => fault,
                Err(response) => return response,
            };
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                body.get("swapRecord"),
                Some(&Value::Null),
                "or a changed record would overwrite"
            );
            let (key, record) = (body["rkey"].as_str().unwrap().to_owned(), body["record"].clone());
            let uri = format!("at://did:plc:test/app.bsky.feed.post/{key}");
            let answer = {
                let mut store = store.lock().unwrap();
                match store.keys.get(&key) {
                    Some(known) if known == &record.to_string() => {
                        json!({"uri": uri, "cid": format!("bafy{key}"), "validationStatus": "valid"})
                    }
                    Some(_) => {
                        return json_answer(
                            400,
                            &json!({"error": "InvalidSwap", "message": "Record was at another cid"}),
                        );
                    }
                    None => {
                        store.keys.insert(key.clone(), record.to_string());
                        let parent = record["reply"]["parent"]["uri"].as_str().map(str::to_owned);
                        // A repost has no text, and says what it shares.
                        let text = record["text"].as_str().or(record["subject"]["cid"].as_str());
                        let text = text.unwrap().to_owned();
                        store.accepted.push(Accepted {
                            id: uri.clone(),
                            text,
                            parent,
                            at: now(),
                            media: Value::Null,
                        });
                        json!({"uri": uri, "cid": format!("bafy{key}"), "commit": {"cid": "c", "rev": "r"}, "validationStatus": "valid"})
                    }
                }
            };
            after(&store, fault, json_answer(200, &answer)).await
        }
        "com.atproto.repo.deleteRecord" => {
            store.lock().unwrap().deletions += 1;
            let fault = match fate(&store).await {
                Ok(fault) => fault,
                Err(response) => return response,
            };
            let body: Value = serde_json::from_slice(&body).unwrap();
            let pieces = ["repo", "collection", "rkey"].map(|piece| body[piece].as_str().unwrap());
            let answer = if is_gone_now(&store, &format!("at://{}", pieces.join("/"))) {
                json!({"commit": {"cid": "c", "rev": "r"}})
            } else {
                json!({})
            };
            after(&store, fault, json_answer(200, &answer)).await
        }
        other => json_answer(400, &json!({"error": "MethodNotImplemented", "message": other})),
    }
}

//! A Nostr relay on this machine, over a real WebSocket, with a Blossom server at the same address.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use steadfast::platform::nostr::Event;
use steadfast::post::digest::Digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// What it does with an event that it is given.
#[derive(Clone)]
pub enum Manner {
    /// Keeps it and says so.
    Take,
    /// Refuses it, and every question, in these words.
    Shut(&'static str),
    /// Says this of it; keeps it with a yes.
    Answer(bool, &'static str),
    /// Keeps it, and closes without a word.
    TakeAndCut,
    Cut,
    Hang,
    /// Wants to know who speaks first, and whether it lets anybody in.
    Auth(bool),
    /// Says this again and again, and never what it was asked.
    Chatter(String),
    /// Says this, and closes.
    Last(&'static str),
}

/// The head and the body of one.
type Upload = (String, Vec<u8>);

pub const CHALLENGE: &str = "a-challenge";

#[derive(Clone)]
pub struct Relay {
    /// `http://127.0.0.1:…`
    pub url: String,
    manner: Arc<Mutex<Manner>>,
    kept: Arc<Mutex<Vec<Event>>>,
    /// How many events it gives for one filter, at most.
    most: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<Value>>>,
    uploads: Arc<Mutex<Vec<Upload>>>,
}

impl Relay {
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            manner: Arc::new(Mutex::new(manner)),
            kept: Arc::default(),
            most: Arc::new(AtomicUsize::new(500)),
            heard: Arc::default(),
            uploads: Arc::default(),
        };
        let serving = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let relay = serving.clone();
                tokio::spawn(async move { relay.serve(stream).await });
            }
        });
        relay
    }

    /// `ws://127.0.0.1:…`
    pub fn socket(&self) -> String {
        self.url.replace("http", "ws")
    }

    pub fn behaves(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub fn keep(&self, event: Event) {
        self.kept.lock().unwrap().push(event);
    }

    pub fn gives(&self, most: usize) {
        self.most.store(most, Ordering::SeqCst);
    }

    pub fn kept(&self) -> Vec<Event> {
        self.kept.lock().unwrap().clone()
    }

    /// Everything that it was told, of all conversations.
    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }

    /// What was said to it under that name.
    pub fn heard_of(&self, verb: &str) -> Vec<Value> {
        let mut heard = self.heard();
        heard.retain(|said| said[0] == verb);
        heard
    }

    pub fn uploads(&self) -> Vec<Upload> {
        self.uploads.lock().unwrap().clone()
    }

    fn manner(&self) -> Manner {
        self.manner.lock().unwrap().clone()
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = [0; 4096];
        let head = loop {
            let seen = stream.peek(&mut buffer).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&buffer[..seen]).into_owned();
            if seen == 0 {
                return;
            }
            if let Some(end) = text.find("\r\n\r\n") {
                break text[..end + 4].to_owned();
            }
            tokio::task::yield_now().await;
        };
        if head.to_lowercase().contains("upgrade: websocket") {
            if let Ok(socket) = tokio_tungstenite::accept_async(stream).await {
                self.converse(socket).await;
            }
            return;
        }
        stream.read_exact(&mut buffer[..head.len()]).await.unwrap();
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| {
                rest.lines().next().unwrap().trim().parse::<usize>().unwrap()
            });
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let said = if head.starts_with("PUT /upload ") {
            let sha256 = Digest::of(&body);
            self.uploads.lock().unwrap().push((head, body));
            json!({ "url": format!("{}/{sha256}.png", self.url), "sha256": sha256, "size": length })
        } else {
            json!({ "name": "a relay of a test" })
        };
        let said = said.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{said}", said.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    async fn converse(self, mut socket: WebSocketStream<TcpStream>) {
        let mut known = !matches!(self.manner(), Manner::Auth(_));
        if !known {
            say(&mut socket, json!(["AUTH", CHALLENGE])).await;
        }
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            self.heard.lock().unwrap().push(said.clone());
            let event: Option<Event> = serde_json::from_value(said[1].clone()).ok();
            match (said[0].as_str().unwrap(), event) {
                ("AUTH", Some(event)) => {
                    known = matches!(self.manner(), Manner::Auth(true)) && self.is_good_answer(&event);
                    let words = if known { "" } else { "restricted: not on the list" };
                    say(&mut socket, json!(["OK", event.id, known, words])).await;
                }
                ("EVENT", Some(event)) if !known => {
                    let words = "auth-required: who are you?";
                    say(&mut socket, json!(["OK", event.id, false, words])).await;
                }
                ("EVENT", Some(event)) => match self.manner() {
                    Manner::Take | Manner::Auth(_) => {
                        self.take(&event);
                        say(&mut socket, json!(["OK", event.id, true, ""])).await;
                    }
                    Manner::Answer(yes, words) => {
                        if yes {
                            self.take(&event);
                        }
                        say(&mut socket, json!(["OK", event.id, yes, words])).await;
                    }
                    Manner::Shut(words) => say(&mut socket, json!(["OK", event.id, false, words])).await,
                    Manner::TakeAndCut => return self.take(&event),
                    Manner::Cut => return,
                    Manner::Hang => {}
                    Manner::Chatter(words) => {
                        while socket.send(Message::text(words.clone())).await.is_ok() {
                            tokio::task::yield_now().await;
                        }
                    }
                    Manner::Last(words) => {
                        let _ = socket.send(Message::text(words)).await;
                        return;
                    }
                },
                ("REQ", _) if !known => {
                    say(
                        &mut socket,
                        json!(["CLOSED", said[1], "auth-required: who are you?"]),
                    )
                    .await;
                }
                ("REQ", _) => match self.manner() {
                    Manner::Hang => {}
                    Manner::Cut => return,
                    Manner::Shut(words) => say(&mut socket, json!(["CLOSED", said[1], words])).await,
                    _ => {
                        for filter in &said.as_array().unwrap()[2..] {
                            for event in self.wanted(filter) {
                                say(&mut socket, json!(["EVENT", said[1], event])).await;
                            }
                        }
                        say(&mut socket, json!(["EOSE", said[1]])).await;
                    }
                },
                _ => say(&mut socket, json!(["NOTICE", "what?"])).await,
            }
        }
    }

    /// What is asked for, the newest first, and no more than it likes.
    fn wanted(&self, filter: &Value) -> Vec<Event> {
        let among = |name: &str, value: Value| filter[name].as_array().is_none_or(|all| all.contains(&value));
        let names = |event: &Event, name: &str| {
            let all = filter[format!("#{name}")].as_array();
            let tags = event.tags.iter().filter(|tag| tag[0] == name);
            all.is_none_or(|all| tags.clone().any(|tag| all.contains(&json!(tag[1]))))
        };
        let mut events = self.kept();
        events.retain(|event| {
            among("ids", json!(event.id))
                && among("kinds", json!(event.kind))
                && ["e", "q"].iter().all(|name| names(event, name))
                && filter["until"]
                    .as_i64()
                    .is_none_or(|until| event.created_at <= until)
        });
        events.sort_by_key(|event| Reverse(event.created_at));
        let limit = filter["limit"]
            .as_u64()
            .map_or(usize::MAX, |limit| limit.try_into().unwrap());
        events.truncate(limit.min(self.most.load(Ordering::SeqCst)));
        events
    }

    /// Keeps what is right, once each, and forgets what its author wants deleted.
    fn take(&self, event: &Event) {
        assert!(event.is_genuine(), "{event:?}");
        let mut kept = self.kept.lock().unwrap();
        if event.kind == 5 {
            kept.retain(|old| {
                !(old.pubkey == event.pubkey && event.tags.contains(&vec!["e".into(), old.id.to_string()]))
            });
        }
        if !kept.iter().any(|old| old.id == event.id) {
            kept.push(event.clone());
        }
    }

    fn is_good_answer(&self, event: &Event) -> bool {
        let tag = |name: &str, value: &str| event.tags.contains(&vec![name.to_owned(), value.to_owned()]);
        event.is_genuine()
            && event.kind == 22242
            && tag("challenge", CHALLENGE)
            && tag("relay", &self.socket())
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, said: Value) {
    let _ = socket.send(Message::text(said.to_string())).await;
}

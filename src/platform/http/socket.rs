//! Conversations over a WebSocket (RFC 6455), through the same door as requests and by the same rules: the same TLS,
//! no proxy, no redirect, one deadline from the first packet to the last, no more heard than must be, never repeated.

use futures_util::{SinkExt, StreamExt};
use reqwest::{StatusCode, Upgraded};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::super::harmless;
use super::trouble::words;
use super::{ANSWER_MAX, Answer, BaseUrl, Http, Request, Trouble};
use crate::clock::sample;
use crate::post::outcome::{Class, Failure, one_line};

/// One conversation. It ends when it is dropped.
pub struct Talk {
    socket: WebSocketStream<Upgraded>,
    deadline: Instant,
    /// Bytes.
    heard: usize,
}

impl Http {
    /// Opens a conversation. Nothing is said by that, so whatever fails here may be tried again.
    pub async fn talk(&self, base: &BaseUrl) -> Result<Talk, Failure> {
        let deadline = Instant::now() + self.deadline;
        let key = generate_key();
        let request = Request::get(base, "")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &key);
        let server = request.server();
        let response = self.ask(&self.singles, request).await.map_err(harmless)?;
        self.dates
            .hear_again(&server, response.headers(), sample(&*self.clock));
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let answer = Answer::read(response, &*self.clock).await.map_err(harmless)?;
            return Err(harmless(answer.failure(answer.class(false), None)));
        }
        let proof = response.headers().get("sec-websocket-accept");
        if proof.is_none_or(|proof| proof.as_bytes() != derive_accept_key(key.as_bytes()).as_bytes()) {
            let words = "it does not speak WebSocket, whatever it says";
            return Err(Failure::new(Class::Transient, words));
        }
        let stream = timeout_at(deadline, response.upgrade())
            .await
            .map_err(|_| Failure::new(Class::Transient, SILENT))?
            .map_err(|e| Failure::new(Class::Transient, words(e)))?;
        let bounds = WebSocketConfig::default()
            .max_message_size(Some(ANSWER_MAX))
            .max_frame_size(Some(ANSWER_MAX));
        Ok(Talk {
            socket: WebSocketStream::from_raw_socket(stream, Role::Client, Some(bounds)).await,
            deadline,
            heard: 0,
        })
    }
}

const SILENT: &str = "it did not answer in time";

impl Talk {
    /// Says one thing. When it fails, it may have been heard all the same.
    pub async fn say(&mut self, text: String) -> Result<(), Trouble> {
        match timeout_at(self.deadline, self.socket.send(Message::text(text))).await {
            Ok(said) => said.map_err(|e| Trouble::Unknown(one_line(&e.to_string(), 300))),
            Err(_) => Err(Trouble::Unknown(SILENT.to_owned())),
        }
    }

    /// The next thing that is said to us; its end is an error.
    pub async fn hear(&mut self) -> Result<String, Trouble> {
        loop {
            let message = timeout_at(self.deadline, self.socket.next())
                .await
                .map_err(|_| Trouble::Unknown(SILENT.to_owned()))?
                .ok_or_else(|| Trouble::Unknown(CLOSED.to_owned()))?
                .map_err(|e| Trouble::Unknown(one_line(&e.to_string(), 300)))?;
            self.heard += message.len();
            if self.heard > ANSWER_MAX {
                return Err(Trouble::Unknown(format!("it says more than {ANSWER_MAX} bytes")));
            }
            match message {
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(Some(why)) if !why.reason.is_empty() => {
                    let why = one_line(why.reason.as_str(), 200);
                    return Err(Trouble::Unknown(format!("{CLOSED}: {why}")));
                }
                Message::Close(_) => return Err(Trouble::Unknown(CLOSED.to_owned())),
                // Pings are answered by the library.
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

const CLOSED: &str = "it closed the connection";

/// A server that is spoken to over a WebSocket.
impl BaseUrl {
    /// `wss://…`, path and query included; `ws://` on this machine alone.
    pub fn socket(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let web = match text.split_once("://") {
            Some(("wss", rest)) => format!("https://{rest}"),
            Some(("ws", rest)) => format!("http://{rest}"),
            _ => return Err(format!("write it with `wss://`: `{text}`")),
        };
        Self::endpoint(&web).map_err(|why| why.replace("`http", "`ws"))
    }

    /// As [`Self::socket`] reads it; of a server alone, without a path.
    pub fn as_socket(&self) -> String {
        let url = self.0.as_str();
        let url = if self.0.path() == "/" && self.0.query().is_none() {
            url.trim_end_matches('/')
        } else {
            url
        };
        url.replacen("http", "ws", 1)
    }
}

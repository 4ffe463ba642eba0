//! The only door to the network. It knows three ends of a request: an answer; certainly not sent; unknown.
//! It never repeats a request, follows no redirect, and reads no more than it must (reliability, rule 6).

use std::borrow::Cow;
use std::error::Error as _;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;
use url::{Host, Url};

use super::dates::Dates;
use super::secret::Secret;
use super::video::{Stream, patience};
use crate::clock::{Clock, sample};
use crate::post::outcome::{Class, Failure, one_line};
use crate::text::limits::Doubt;

mod socket;

pub use socket::Talk;

/// The longest answer that is read, after decompression (reliability P17).
pub const ANSWER_MAX: usize = 1 << 20;
/// The largest header section that is believed (reliability P16); hyper itself gives up at about 400 KiB.
const HEADERS_MAX: usize = 64 << 10;
/// From the first packet to the last byte of the answer (reliability P15).
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How much of the deadline connecting may take: name, TCP and TLS together, with all addresses of the host
/// (reliability P40). What ends here was certainly not sent.
const CONNECTING: u32 = 3;
/// How long a connection that has just served a visible request may wait for the next. Far less than any
/// server's own patience (the shortest usual one is Node's, 5 s): in a burst the next comes within
/// milliseconds, and posts that are spaced never share one.
pub const BURST: Duration = Duration::from_secs(1);
/// How many such connections wait at most; as many as there may be attempts in flight at once.
const BURST_IDLE: usize = 64;
/// Bounds of any wait that a platform asks for (reliability §2.6).
const WAIT_MIN: SignedDuration = SignedDuration::from_secs(1);
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(6);

/// Chooses the process's TLS implementation. Needed before any client is made; doing it again is nothing.
pub fn install_tls() {
    // An error means that it was done before.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    /// For what the world can see and the platform knows again when it is repeated. In a burst, posts follow
    /// each other on the same few connections.
    bursts: reqwest::Client,
    /// For what the world can see and a repeat would double: a connection each.
    singles: reqwest::Client,
    /// For reads and uploads, which may be repeated.
    harmless: reqwest::Client,
    deadline: Duration,
    clock: Arc<dyn Clock>,
    dates: Dates,
    contact: Arc<str>,
}

impl Http {
    /// `contact` is where the people behind the bot can be reached: a URL or an address.
    pub fn new(contact: &str, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Self::with_deadline(contact, clock, DEADLINE)
    }

    /// As `new`, with another total deadline.
    pub fn with_deadline(contact: &str, clock: Arc<dyn Clock>, deadline: Duration) -> Result<Self, String> {
        install_tls();
        let client = || {
            reqwest::Client::builder()
                .user_agent(user_agent(contact))
                .http1_only()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .tls_version_min(reqwest::tls::Version::TLS_1_2)
                .connect_timeout(deadline / CONNECTING)
                .timeout(deadline)
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .build()
                .map_err(|e| format!("the HTTP client cannot start: {}", words(e)))
        };
        Ok(Self {
            bursts: build(
                client()
                    .pool_max_idle_per_host(BURST_IDLE)
                    .pool_idle_timeout(BURST),
            )?,
            singles: build(client().pool_max_idle_per_host(0))?,
            harmless: build(client().pool_max_idle_per_host(2))?,
            deadline,
            clock,
            dates: Dates::default(),
            contact: printable(contact).into(),
        })
    }

    /// What time the servers say it is.
    pub fn dates(&self) -> Dates {
        self.dates.clone()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long the machine has been on, sleep included.
    pub fn uptime(&self) -> Duration {
        self.clock.uptime()
    }

    /// Where the people behind the bot can be reached, as it may stand in a header. May be empty.
    pub fn contact(&self) -> &str {
        &self.contact
    }

    /// Sends a request that the world does not see and that may be repeated.
    pub async fn send(&self, request: Request) -> Result<Answer, Trouble> {
        let server = request.server();
        let answer = self.exchange(&self.harmless, request).await?;
        self.dates.hear(&server, &answer.headers, sample(&*self.clock));
        Ok(answer)
    }

    /// Sends a request that the world can see: once.
    ///
    /// A connection that is used again may be closed by the other side just as the request leaves, and then
    /// nobody knows whether it was received. So one that was used before is only for platforms where such a
    /// doubt costs no more than the same request once more. The HTTP library sends again by itself, on another
    /// connection, only a request of which it has not yet written a byte (`TrySendError` of hyper);
    /// `tests/platforms/connections.rs` closes at every moment and counts.
    ///
    /// It keeps the deadline whatever it carries: how long a doubt lasts and when another replica may look counts on
    /// that.
    pub async fn publish(&self, mut request: Request, doubt: Doubt) -> Result<Answer, Trouble> {
        request.patience = None;
        let client = match doubt {
            Doubt::Key { .. } | Doubt::OwnId => &self.bursts,
            Doubt::TwoSteps { .. } | Doubt::ReadBack { .. } | Doubt::Ask => &self.singles,
        };
        let server = request.server();
        let answer = self.exchange(client, request).await?;
        self.dates
            .hear_again(&server, &answer.headers, sample(&*self.clock));
        Ok(answer)
    }

    async fn exchange(&self, client: &reqwest::Client, request: Request) -> Result<Answer, Trouble> {
        self.hear(self.ask(client, request).await?).await
    }

    /// Sends a request and reads the header of its answer.
    async fn ask(&self, client: &reqwest::Client, request: Request) -> Result<reqwest::Response, Trouble> {
        if let Some(problem) = request.problem {
            return Err(Trouble::NotSent(problem));
        }
        let builder = client
            .request(request.method, request.url)
            .headers(request.headers);
        let mut whole = Whole::default();
        let builder = match request.body {
            Body::Bytes(bytes) => builder.body(bytes),
            Body::Form(fields) => builder.multipart(form(fields, &mut whole)?),
            Body::Stream(stream, length) => builder.body(whole.watch(stream, length)),
        };
        let builder = match request.patience {
            Some(patience) => builder.timeout(patience),
            None => builder,
        };
        let response = builder.send().await.map_err(|e| whole.judge(e.into()))?;
        let size: usize = response
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if size > HEADERS_MAX {
            return Err(Trouble::Unknown(format!(
                "its header is larger than {HEADERS_MAX} bytes"
            )));
        }
        Ok(response)
    }

    /// Reads an answer to its end.
    async fn hear(&self, mut response: reqwest::Response) -> Result<Answer, Trouble> {
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        let mut truncated = false;
        while let Some(chunk) = response.chunk().await.map_err(Trouble::from)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                truncated = true;
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body: body.freeze(),
            truncated,
            at: self.clock.now(),
        })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// `steadfast/0.1.0 (bot; +https://campaign.example)`.
fn user_agent(contact: &str) -> String {
    let contact = printable(contact);
    let version = env!("CARGO_PKG_VERSION");
    if contact.is_empty() {
        format!("steadfast/{version} (bot)")
    } else {
        format!("steadfast/{version} (bot; +{contact})")
    }
}

/// What may stand in a comment of a header.
fn printable(contact: &str) -> String {
    let kept = |c: &char| c.is_ascii_graphic() && !matches!(c, '(' | ')' | ';' | '\\');
    contact.chars().filter(kept).collect()
}

/// How much of a stream is in memory at once.
const PIECE: usize = 64 << 10;

/// Whether the last byte of what is streamed has left us. A request that lacks its end is taken by nobody.
#[derive(Default)]
struct Whole(Option<Arc<AtomicBool>>);

impl Whole {
    fn watch(&mut self, stream: Stream, length: u64) -> reqwest::Body {
        let ended = Arc::new(AtomicBool::new(length == 0));
        self.0 = Some(Arc::clone(&ended));
        let watched = Watched {
            stream,
            left: length,
            ended,
        };
        reqwest::Body::wrap_stream(ReaderStream::with_capacity(watched, PIECE))
    }

    /// Why there is no answer, in the light of it.
    fn judge(&self, trouble: Trouble) -> Trouble {
        let cut = self
            .0
            .as_ref()
            .is_some_and(|ended| !ended.load(Ordering::Acquire));
        match trouble {
            Trouble::Unknown(words) if cut => {
                Trouble::NotSent(format!("not all of it could be sent: {words}"))
            }
            trouble => trouble,
        }
    }
}

/// A stream whose end is noticed.
struct Watched {
    stream: Stream,
    left: u64,
    ended: Arc<AtomicBool>,
}

impl AsyncRead for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let watched = self.get_mut();
        let before = into.filled().len();
        ready!(watched.stream.as_mut().poll_read(cx, into))?;
        let read = into.filled().len() - before;
        watched.left = watched.left.saturating_sub(read as u64);
        if watched.left == 0 {
            watched.ended.store(true, Ordering::Release);
        }
        Poll::Ready(Ok(()))
    }
}

fn form(fields: Vec<Field>, whole: &mut Whole) -> Result<reqwest::multipart::Form, Trouble> {
    let mut form = reqwest::multipart::Form::new();
    for field in fields {
        form = match field {
            Field::Text { name, value } => form.text(name, value),
            Field::Json { name, value } => {
                let part = reqwest::multipart::Part::text(value).mime_str("application/json");
                form.part(name, part.map_err(|e| Trouble::NotSent(words(e)))?)
            }
            Field::File {
                name,
                file_name,
                mime,
                bytes,
            } => {
                let length = bytes.len() as u64;
                form.part(name, part(bytes.into(), length, file_name, &mime)?)
            }
            Field::Stream {
                name,
                file_name,
                mime,
                length,
                stream,
            } => form.part(name, part(whole.watch(stream, length), length, file_name, &mime)?),
        };
    }
    Ok(form)
}

fn part(
    body: reqwest::Body,
    length: u64,
    file_name: Cow<'static, str>,
    mime: &str,
) -> Result<reqwest::multipart::Part, Trouble> {
    reqwest::multipart::Part::stream_with_length(body, length)
        .file_name(file_name)
        .mime_str(mime)
        .map_err(|e| Trouble::NotSent(words(e)))
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The platform's program cannot have got it: not one byte of it, or not its end.
    #[error("{0}")]
    NotSent(String),
    /// It may have been received.
    #[error("{0}")]
    Unknown(String),
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let not_sent = error.is_builder() || error.is_connect();
        let words = words(error);
        if not_sent {
            Self::NotSent(words)
        } else {
            Self::Unknown(words)
        }
    }
}

/// What it means to a publishing request (reliability §2.6).
impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotSent(words) => Self::new(Class::Transient, words),
            Trouble::Unknown(words) => Self::new(Class::InDoubt, words),
        }
    }
}

/// The error and its causes on one line. The URL is left out: it may hold a secret (reliability D9).
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    one_line(&line, 300)
}

/// A request before it is sent. It is made from a base that was checked, so it can go nowhere else.
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Body,
    /// How long it may take, where that is longer than usual.
    patience: Option<Duration>,
    /// Why it cannot be sent as it is.
    problem: Option<String>,
}

enum Body {
    Bytes(Bytes),
    Form(Vec<Field>),
    /// And how many bytes it has.
    Stream(Stream, u64),
}

/// A field of a multipart form.
pub enum Field {
    Text {
        name: Cow<'static, str>,
        value: String,
    },
    /// Text that says that it is JSON.
    Json {
        name: Cow<'static, str>,
        value: String,
    },
    File {
        name: Cow<'static, str>,
        file_name: Cow<'static, str>,
        mime: Cow<'static, str>,
        bytes: Bytes,
    },
    /// What is never as a whole in memory.
    Stream {
        name: Cow<'static, str>,
        file_name: Cow<'static, str>,
        mime: Cow<'static, str>,
        /// In bytes.
        length: u64,
        stream: Stream,
    },
}

impl Request {
    pub fn get(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::GET, base, path)
    }

    pub fn post(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::POST, base, path)
    }

    /// As the Web's forms are sent.
    #[must_use]
    pub fn pairs(self, pairs: &[(&str, &str)]) -> Self {
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.body("application/x-www-form-urlencoded", encoded)
    }

    pub fn put(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::PUT, base, path)
    }

    pub fn patch(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::PATCH, base, path)
    }

    pub fn delete(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::DELETE, base, path)
    }

    /// `path` replaces the base's own; "" keeps it.
    fn new(method: Method, base: &BaseUrl, path: &str) -> Self {
        let mut url = base.0.clone();
        if !path.is_empty() {
            url.set_path(path);
        }
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Bytes(Bytes::new()),
            patience: None,
            problem: None,
        }
    }

    #[must_use]
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.url.query_pairs_mut().extend_pairs(pairs);
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.insert(HeaderName::from_static(name), value, false);
        self
    }

    /// A header that is never shown.
    #[must_use]
    pub fn secret(mut self, name: &'static str, value: &str) -> Self {
        self.insert(HeaderName::from_static(name), value, true);
        self
    }

    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.insert(AUTHORIZATION, &format!("Bearer {}", token.expose()), true);
        self
    }

    #[must_use]
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        self.body("application/json", body)
    }

    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.insert(CONTENT_TYPE, content_type, false);
        self.body = Body::Bytes(body.into());
        self
    }

    /// A body of `length` bytes that is never as a whole in memory, and may take as long as that takes on a slow line.
    #[must_use]
    pub fn stream(self, content_type: &str, length: u64, stream: Stream) -> Self {
        let mut request = self.patience(patience(length));
        request.insert(CONTENT_TYPE, content_type, false);
        request.insert(CONTENT_LENGTH, &length.to_string(), false);
        request.body = Body::Stream(stream, length);
        request
    }

    /// Until the last byte of the answer, instead of [`DEADLINE`]. For what is large alone.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// With a file that is streamed it may take as long as that takes on a slow line, if it is no visible one.
    #[must_use]
    pub fn form(self, fields: Vec<Field>) -> Self {
        let streamed = fields.iter().map(|field| match field {
            Field::Stream { length, .. } => *length,
            _ => 0,
        });
        let mut request = match streamed.sum() {
            0 => self,
            length => self.patience(patience(length)),
        };
        request.body = Body::Form(fields);
        request
    }

    /// Scheme, host and port.
    fn server(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn insert(&mut self, name: HeaderName, value: &str, sensitive: bool) {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(sensitive);
                self.headers.insert(name, value);
            }
            Err(_) => self.problem = Some(format!("the header `{name}` cannot hold its value")),
        }
    }
}

/// Where it goes, and nothing that may be secret: neither path nor header nor body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}",
            self.method,
            self.url.host_str().unwrap_or_default()
        )
    }
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body was longer than `ANSWER_MAX`, and its end was not read.
    pub truncated: bool,
    /// When it was complete, by our clock.
    pub at: Timestamp,
}

impl Answer {
    /// The body, if it is whole and has the shape of `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        if self.truncated {
            None
        } else {
            serde_json::from_slice(&self.body).ok()
        }
    }

    /// Until when the platform asks us to wait: by `Retry-After`, else by its rate-limit header.
    pub fn wait_until(&self) -> Option<Timestamp> {
        self.header(RETRY_AFTER.as_str())
            .and_then(|value| retry_after(value, self.at))
            .or_else(|| self.reset("x-ratelimit-reset"))
            .or_else(|| self.reset("ratelimit-reset"))
            .or_else(|| self.reset("x-rate-limit-reset"))
    }

    /// Midnight, UTC, where a limit of the day ends; or as much of the wait as is believed.
    pub fn end_of_day(&self) -> Option<Timestamp> {
        const DAY: i64 = SignedDuration::from_hours(24).as_secs();
        let left = DAY - self.at.as_second().rem_euclid(DAY);
        bounded(SignedDuration::from_secs(left), self.at)
    }

    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// When the rate limit ends of which the header `name` tells.
    pub fn reset(&self, name: &str) -> Option<Timestamp> {
        self.header(name).and_then(|value| reset(value, self.at))
    }

    /// The beginning of the body, for people: 200 characters on one line (reliability P1).
    pub fn snippet(&self) -> String {
        let head = self.body.get(..self.body.len().min(2000)).unwrap_or_default();
        one_line(&String::from_utf8_lossy(head), 200)
    }

    /// The host that a redirect points to, which is not followed (reliability P18).
    pub fn redirect_host(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        Url::parse(location).ok()?.host_str().map(str::to_owned)
    }

    /// The class by status alone, for when the platform's own page says nothing else (reliability §2.6).
    ///
    /// `own_shape`: the body is such as the platform itself writes. A page of a proxy, a captive portal or
    /// a firewall proves nothing about what became of the request.
    pub fn class(&self, own_shape: bool) -> Class {
        match self.status {
            429 => Class::RateLimited {
                until: self.wait_until(),
            },
            401 if own_shape => Class::Auth,
            408 | 425 => Class::InDoubt,
            400..=499 if own_shape => Class::Rejected,
            _ => Class::InDoubt,
        }
    }

    /// A failure in the platform's words, or in ours if it has none.
    pub fn failure(&self, class: Class, words: Option<&str>) -> Failure {
        let words = match (words, self.redirect_host()) {
            (Some(words), _) if !words.is_empty() => words.to_owned(),
            (_, Some(host)) => format!("it redirects to {host}; redirects are not followed"),
            _ if self.body.is_empty() => format!("it answered {} without a word", self.status),
            _ => format!("it answered {}: {}", self.status, self.snippet()),
        };
        Failure::new(class, words).with_status(self.status)
    }
}

/// Until when `Retry-After: value` asks to wait; `None` if it says nothing that can be believed
/// (RFC 9110 §10.2.3; reliability P5 to P8).
pub fn retry_after(value: &str, now: Timestamp) -> Option<Timestamp> {
    let value = value.trim();
    let whole = value.split('.').next().unwrap_or_default();
    if value.starts_with(|c: char| c.is_ascii_digit()) && whole.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = value.parse::<f64>().ok().filter(|_| whole.len() <= 10)?;
        return bounded(SignedDuration::try_from_secs_f64(seconds).ok()?, now);
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    future(date, now)
}

/// When a rate limit ends: a date (Mastodon), seconds since 1970 (Bluesky), or seconds left.
fn reset(value: &str, now: Timestamp) -> Option<Timestamp> {
    const SURELY_A_DATE: i64 = 1_000_000_000;
    match value.trim().parse::<i64>() {
        Ok(seconds) if seconds >= SURELY_A_DATE => future(Timestamp::from_second(seconds).ok()?, now),
        Ok(seconds) if seconds >= 0 => bounded(SignedDuration::from_secs(seconds), now),
        Ok(_) => None,
        Err(_) => future(value.trim().parse().ok()?, now),
    }
}

fn future(date: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if date > now {
        bounded(date.duration_since(now), now)
    } else {
        None
    }
}

fn bounded(wait: SignedDuration, now: Timestamp) -> Option<Timestamp> {
    now.checked_add(wait.clamp(WAIT_MIN, WAIT_MAX)).ok()
}

/// Where an account's platform is: https, or http on this machine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// A server: scheme, host and port (reliability P44).
    pub fn parse(text: &str) -> Result<Self, String> {
        let Self(url) = Self::endpoint(text)?;
        if url.path() != "/" || url.query().is_some() {
            return Err(format!(
                "write the server alone, without a path: `{}`",
                url.origin().ascii_serialization()
            ));
        }
        Ok(Self(url))
    }

    /// One address on a server, path and query included.
    pub fn endpoint(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let mut url = Url::parse(text).map_err(|e| {
            if text.contains("://") {
                format!("it is not a URL: {e}")
            } else {
                "it is not a URL: it must begin with `https://`".to_owned()
            }
        })?;
        let Some(host) = url.host() else {
            return Err("it names no host".into());
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err("`http://` is for this machine alone: write `https://`".into()),
            other => return Err(format!("`{other}://` is not spoken here: write `https://`")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a login does not belong in a URL".into());
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// With its path and query.
    pub(super) fn whole(&self) -> String {
        self.0.to_string()
    }

    /// It is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.host().is_some_and(|host| is_loopback(&host))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

pub(super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => Ipv4Addr::is_loopback(address),
        Host::Ipv6(address) => Ipv6Addr::is_loopback(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn waits(value: &str) -> Option<i64> {
        let now = at("2026-11-23T12:00:00Z");
        retry_after(value, now).map(|until| until.duration_since(now).as_secs())
    }

    #[test]
    fn p5_p6_retry_after_in_seconds_and_dates() {
        assert_eq!(waits("116"), Some(116));
        assert_eq!(waits(" 2.7 "), Some(2));
        assert_eq!(waits("Mon, 23 Nov 2026 12:05:00 GMT"), Some(300));
        assert_eq!(waits("Mon, 23 Nov 2026 11:05:00 GMT"), None);
        assert_eq!(waits("Mon, 43 Nov 2026 11:05:00 GMT"), None);
        assert_eq!(waits("soon"), None);
        assert_eq!(waits(""), None);
    }

    #[test]
    fn p8_absurd_waits_are_bounded_or_ignored() {
        assert_eq!(waits("0"), Some(1));
        assert_eq!(waits("1000000000"), Some(6 * 3600));
        assert_eq!(waits("Mon, 23 Nov 2099 12:05:00 GMT"), Some(6 * 3600));
        for bad in ["-5", "NaN", "inf", "1e9", "12x", "1.2.3"] {
            assert_eq!(waits(bad), None, "{bad}");
        }
        assert_eq!(waits(&"9".repeat(60)), None);
    }

    #[test]
    fn rate_limits_end_as_each_platform_says_it() {
        let answer = |name: &'static str, value: &str| {
            let mut answer = Answer {
                status: 429,
                headers: HeaderMap::new(),
                body: Bytes::new(),
                truncated: false,
                at: at("2026-11-23T11:17:20Z"),
            };
            answer.headers.insert(name, value.parse().unwrap());
            answer.wait_until()
        };
        let five = Some(at("2026-11-23T11:22:20Z"));
        assert_eq!(answer("x-ratelimit-reset", "2026-11-23T11:22:20.000Z"), five);
        assert_eq!(answer("ratelimit-reset", "1795432940"), five);
        assert_eq!(answer("x-rate-limit-reset", "1795432940"), five);
        assert_eq!(answer("ratelimit-reset", "300"), five);
        assert_eq!(answer("retry-after", "300"), five);
        assert_eq!(answer("ratelimit-reset", "1000000001"), None);
        assert_eq!(answer("ratelimit-reset", "-1"), None);
    }

    #[test]
    fn p44_base_urls_are_normalised_or_refused() {
        let shown = |text: &str| BaseUrl::parse(text).map(|url| url.to_string());
        assert_eq!(
            shown(" https://Mastodon.Social/ ").unwrap(),
            "https://mastodon.social"
        );
        assert_eq!(shown("https://example.org:443").unwrap(), "https://example.org");
        assert_eq!(
            shown("https://example.org:8443").unwrap(),
            "https://example.org:8443"
        );
        assert_eq!(
            shown("https://bücher.example").unwrap(),
            "https://xn--bcher-kva.example"
        );
        assert_eq!(shown("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(shown("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for bad in [
            "http://example.org",
            "http://localhost.example.org",
            "http://192.168.0.1",
            "https://me:secret@example.org",
            "https://example.org/@me",
            "https://example.org/?a=b",
            "ftp://example.org",
            "mastodon.social",
            "https://",
            "",
        ] {
            let error = shown(bad).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(BaseUrl::endpoint("https://example.org/hook?key=1").is_ok());
    }

    #[test]
    fn a_path_cannot_lead_to_another_host() {
        let base = BaseUrl::parse("https://example.org").unwrap();
        for path in [
            "//evil.example/x",
            "@evil.example",
            "/../../x",
            "https://evil.example",
        ] {
            assert_eq!(
                Request::get(&base, path).url.host_str(),
                Some("example.org"),
                "{path}"
            );
        }
    }

    #[test]
    fn d9_a_request_shows_no_secret() {
        let base = BaseUrl::endpoint("https://example.org/hooks/s3cret").unwrap();
        let request = Request::post(&base, "")
            .bearer(&Secret::new("t0ken"))
            .json("b0dy");
        assert_eq!(format!("{request:?}"), "POST to example.org");
        assert!(!format!("{:?}", request.headers).contains("t0ken"));
    }

    #[test]
    fn the_user_agent_names_the_bot_and_the_contact() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            user_agent("https://a.example"),
            format!("steadfast/{version} (bot; +https://a.example)")
        );
        assert_eq!(
            user_agent("x\r\ny: z"),
            format!("steadfast/{version} (bot; +xy:z)")
        );
        assert_eq!(user_agent(""), format!("steadfast/{version} (bot)"));
    }
}

//! A workbench for adapters: a clock that stands still, a vault that goes away, and servers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use steadfast::clock::Clock;
use steadfast::platform::http::{Answer, Http};
use steadfast::platform::secret::{Scrubber, write_private};
use steadfast::platform::token::{Keeper, NoKeeper};
use steadfast::platform::video::{Films, Named, NoFilms, Stream, VideoFile};
use steadfast::platform::{Deletion, ImageBytes, Key, Outgoing, Platform, Sealed, Tools, find};
use steadfast::post::content::{Image, Link, Part, Video};
use steadfast::post::digest::Digest;
use steadfast::post::identity::{AccountName, DeliveryId, Identity, Occurrence};
use steadfast::post::outcome::Receipt;
use steadfast::text::videos::Footage;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub const NOW: &str = "2026-11-23T12:00:00Z";
pub const TOKEN: &str = "c4nary-t0ken-0123456789";
pub const WEBHOOK_SECRET: &str = "whsec_c3RlYWRmYXN0LXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=";
/// A Nostr key, as NIP-19 has it in its example.
pub const NSEC: &str = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
pub const SECRET_KEY: &str = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa";
/// A Telegram bot, a Discord channel.
pub const BOT: i64 = 123_456;
pub const CHANNEL: &str = "155101607195836416";
/// A page and a member of LinkedIn.
pub const PAGE: &str = "urn:li:organization:2414183";
pub const MEMBER: &str = "urn:li:person:5abc_dEfgH";
pub const DID: &str = "did:plc:campaign234567";

/// The kinds of accounts: platforms, and the second way into one.
pub const KINDS: [&str; 19] = [
    "mastodon",
    "bluesky",
    "telegram",
    "discord",
    "discord-webhook",
    "slack",
    "slack-webhook",
    "nostr",
    "x",
    "linkedin",
    "linkedin-member",
    "threads",
    "facebook",
    "instagram",
    "reddit",
    "tumblr",
    "pinterest",
    "webhook",
    "sandbox",
];

/// The platform's word in config files.
pub fn platform_of(kind: &str) -> &str {
    kind.split('-').next().unwrap()
}

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A clock that stands still.
pub struct Still(pub Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
    fn awake(&self) -> Duration {
        Duration::ZERO
    }
    fn dice(&self) -> f64 {
        0.5
    }
}

/// Videos that frozen requests name: this one, whatever it is called.
pub struct OneFilm(pub &'static [u8]);

#[async_trait]
impl Films for OneFilm {
    async fn film(&self, named: &Named) -> Result<Stream, String> {
        if named.source == Digest::of(self.0) {
            Ok(Box::pin(self.0))
        } else {
            Err(format!("{}: the file has changed", named.file))
        }
    }
}

pub struct Bench {
    pub vault: TempDir,
    pub scrubber: Scrubber,
    pub account: AccountName,
    pub http: Http,
    pub keeper: Arc<dyn Keeper>,
    pub films: Arc<dyn Films>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with_deadline(Duration::from_secs(5))
    }

    pub fn with_deadline(deadline: Duration) -> Self {
        Self {
            vault: tempfile::tempdir().unwrap(),
            scrubber: Scrubber::new(),
            account: "test".parse().unwrap(),
            http: Http::with_deadline("https://campaign.example", Arc::new(Still(now())), deadline).unwrap(),
            keeper: Arc::new(NoKeeper),
            films: Arc::new(NoFilms),
        }
    }

    /// Keys as a config has them. `SECRET(x)` stands for a file that holds x.
    pub fn keys(&self, keys: &str) -> toml::Table {
        let mut table: toml::Table = keys.parse().unwrap();
        for (key, value) in &mut table {
            let secret = value
                .as_str()
                .and_then(|v| v.strip_prefix("SECRET("))
                .and_then(|v| v.strip_suffix(')'));
            if let Some(secret) = secret.map(str::to_owned) {
                let file = self.vault.path().join(format!("secret-{key}"));
                write_private(&file, secret.as_bytes()).unwrap();
                *value = toml::Value::try_from(json!({ "file": file })).unwrap();
            }
        }
        table
    }

    /// An account as `[account.test]` would have it.
    pub fn try_open(&self, platform: &str, keys: &str) -> Result<Box<dyn Platform>, String> {
        find(platform).unwrap().open(
            self.keys(keys),
            &Tools {
                account: &self.account,
                http: &self.http,
                vault: self.vault.path(),
                scrubber: &self.scrubber,
                keeper: &self.keeper,
                films: &self.films,
            },
        )
    }

    pub fn open(&self, platform: &str, keys: &str) -> Box<dyn Platform> {
        self.try_open(platform, keys).unwrap()
    }

    /// The platform's account at `url`, signed in already.
    pub fn open_at(&self, platform: &str, url: &str) -> Box<dyn Platform> {
        let keys = match platform {
            "mastodon" | "x" => format!("base_url = '{url}'\naccess_token = 'SECRET({TOKEN})'"),
            "bluesky" => {
                self.sign_in(url, TOKEN_LIFE);
                format!(
                    "base_url = '{url}'\nidentifier = 'campaign.example'\napp_password = 'SECRET({TOKEN})'"
                )
            }
            "webhook" => format!("url = '{url}/hook?key=1'\nsecret = 'SECRET({WEBHOOK_SECRET})'"),
            "telegram" => {
                format!("base_url = '{url}'\nbot_token = 'SECRET({BOT}:{TOKEN})'\nchat = '@casewatch'")
            }
            "discord" => {
                format!("base_url = '{url}'\nbot_token = 'SECRET({TOKEN})'\nchannel = '{CHANNEL}'")
            }
            "discord-webhook" => {
                format!("webhook_url = 'SECRET({url}/api/webhooks/223704706495545344/{TOKEN})'")
            }
            "slack" => format!("base_url = '{url}'\nbot_token = 'SECRET({TOKEN})'\nchannel = 'C0123ABCD'"),
            "slack-webhook" => format!("webhook_url = 'SECRET({url}/services/T0001/B0001/{TOKEN})'"),
            "nostr" => {
                let relay = url.replacen("http", "ws", 1);
                format!("relays = ['{relay}']\nsecret_key = 'SECRET({NSEC})'\nmedia = '{url}'")
            }
            "linkedin" | "linkedin-member" => {
                let author = if platform == "linkedin" { PAGE } else { MEMBER };
                format!("base_url = '{url}'\nauthor = '{author}'\naccess_token = 'SECRET({TOKEN})'")
            }
            "facebook" => {
                format!("base_url = '{url}'\npage_id = '17841400000000001'\naccess_token = 'SECRET({TOKEN})'")
            }
            "threads" | "instagram" => {
                let folder = self.vault.path().display();
                format!(
                    "base_url = '{url}'\naccess_token = 'SECRET({TOKEN})'\nmedia_folder = '{folder}'\nmedia_url = 'https://media.example'"
                )
            }
            "reddit" => {
                format!("base_url = '{url}'\nsubreddit = 'casewatch'\naccess_token = 'SECRET({TOKEN})'")
            }
            "tumblr" => format!("base_url = '{url}'\nblog = 'casewatch'\naccess_token = 'SECRET({TOKEN})'"),
            "pinterest" => {
                format!("base_url = '{url}'\nboard = '549755885175'\naccess_token = 'SECRET({TOKEN})'")
            }
            "sandbox" => String::new(),
            other => panic!("{other} is not on the bench"),
        };
        self.open(platform_of(platform), &keys)
    }

    /// Leaves a session in the vault whose access token lives for `seconds`.
    pub fn sign_in(&self, url: &str, seconds: i64) {
        let session = json!({
            "base_url": url, "identifier": "campaign.example", "did": DID, "service": url,
            "access": jwt("access", now().as_second() + seconds), "refresh": jwt("refresh", 0),
        });
        let file = self.vault.path().join("session-test.json");
        write_private(&file, session.to_string().as_bytes()).unwrap();
    }
}

pub const TOKEN_LIFE: i64 = 7200;

/// A token as servers make them, but for its signature.
pub fn jwt(name: &str, expires: i64) -> String {
    let part = |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{name}",
        part(json!({"alg": "ES256K"})),
        part(json!({"exp": expires}))
    )
}

pub fn delivery(index: u16) -> DeliveryId {
    Identity {
        campaign: "case".parse().unwrap(),
        message: "ten-to-two".parse().unwrap(),
        account: "test".parse().unwrap(),
        occurrence: Occurrence::once(),
    }
    .delivery_id(index)
}

/// A part to send; a test says only what is special about it.
#[derive(Default)]
pub struct Draft {
    pub part: Part,
    pub images: Vec<ImageBytes>,
    pub video: Option<VideoFile>,
    pub index: u16,
    pub of: u16,
    pub language: String,
    pub warn: Option<String>,
    pub share: Option<String>,
    pub parent: Option<Receipt>,
    pub root: Option<Receipt>,
}

impl Draft {
    pub fn text(text: &str) -> Self {
        Self {
            part: Part {
                text: text.into(),
                ..Part::default()
            },
            of: 1,
            language: "es-MX".into(),
            ..Self::default()
        }
    }

    pub fn link(mut self, url: &str) -> Self {
        self.part.link = Some(Link { url: url.into() });
        self
    }

    pub fn image(mut self) -> Self {
        self.part.images.push(Image {
            file: "media/court.png".into(),
            alt: "The court".into(),
            card: None,
        });
        self.images.push(ImageBytes {
            bytes: Bytes::from_static(b"\x89PNG pixels"),
            mime: "image/png",
            width: 64,
            height: 48,
            alt: "The court".into(),
            source: Digest::of(b""),
        });
        self
    }

    /// A video of these bytes.
    pub fn video(mut self, bytes: &'static [u8]) -> Self {
        self.part.video = Some(Video {
            file: "media/march.mp4".into(),
            alt: "A march".into(),
        });
        self.video = Some(VideoFile {
            open: Arc::new(move || Ok(Box::pin(bytes))),
            footage: Footage {
                mime: "video/mp4",
                brand: *b"isom",
                size: bytes.len() as u64,
                width: 720,
                height: 1280,
                length: Duration::from_secs(12),
                rate: 30,
                codec: "H.264",
                sound: None,
            },
            alt: "A march".into(),
            source: Digest::of(bytes),
        });
        self
    }

    pub fn out(&self) -> Outgoing<'_> {
        Outgoing {
            part: &self.part,
            images: self.images.clone(),
            video: self.video.clone(),
            index: self.index,
            of: self.of,
            language: &self.language,
            warn: self.warn.as_deref(),
            share: self.share.as_deref(),
            key: self.key(),
            parent: self.parent.as_ref(),
            root: self.root.as_ref(),
            campaign: "case",
            message: "ten-to-two",
            now: now(),
        }
    }

    pub fn key(&self) -> Key {
        Key {
            delivery: delivery(self.index),
            due: now(),
        }
    }

    pub async fn send(&self, platform: &dyn Platform) -> Result<Receipt, steadfast::post::outcome::Failure> {
        let prepared = platform.prepare(&self.out()).await?;
        platform
            .publish(&Sealed {
                prepared,
                key: self.key(),
            })
            .await
    }
}

pub fn receipt(id: &str, pin: Option<&str>) -> Receipt {
    Receipt {
        pin: pin.map(Into::into),
        ..Receipt::named(id, None)
    }
}

/// A recorded answer.
pub fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: reqwest::header::HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        truncated: false,
        at: now(),
    }
}

/// How a server misbehaves once it has read a whole request.
#[derive(Clone)]
pub enum Then {
    /// Closes without a word.
    Cut,
    /// Says this and closes.
    Say(Vec<u8>),
    /// Says this, and reads the next request on the same connection.
    Keep(Vec<u8>),
    /// Says the first, and the second again and again until nobody listens.
    Endless(Vec<u8>, Vec<u8>),
    /// Says the first, and one byte of the second now and then.
    Drip(Vec<u8>, u8),
}

pub struct Raw {
    pub url: String,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    /// How many whole requests have come in.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A server on this machine that does `then` to every request.
pub async fn raw(then: Then) -> Raw {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let connections = Arc::new(AtomicUsize::new(0));
    let (read, accepted) = (Arc::clone(&requests), Arc::clone(&connections));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(misbehave(stream, then.clone(), Arc::clone(&read)));
        }
    });
    Raw {
        url,
        requests,
        connections,
    }
}

async fn misbehave(mut stream: TcpStream, then: Then, count: Arc<AtomicUsize>) -> std::io::Result<()> {
    read_request(&mut stream).await?;
    count.fetch_add(1, Ordering::SeqCst);
    match then {
        Then::Cut => Ok(()),
        Then::Say(bytes) => stream.write_all(&bytes).await,
        Then::Keep(bytes) => loop {
            stream.write_all(&bytes).await?;
            read_request(&mut stream).await?;
            count.fetch_add(1, Ordering::SeqCst);
        },
        Then::Endless(head, again) => {
            stream.write_all(&head).await?;
            loop {
                stream.write_all(&again).await?;
            }
        }
        Then::Drip(head, byte) => {
            stream.write_all(&head).await?;
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                stream.write_all(&[byte]).await?;
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(head) = seen.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&seen[..head]).to_lowercase();
            let length = text
                .split("content-length: ")
                .nth(1)
                .and_then(|t| t.lines().next()?.trim().parse().ok());
            if seen.len() >= head + 4 + length.unwrap_or(0) {
                return Ok(());
            }
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => seen.extend_from_slice(&buffer[..n]),
        }
    }
}

/// A gzip stream of `megabytes` of zeros, a thousandth of that in size: one literal and very many copies of it.
pub fn gzip_bomb(megabytes: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false]; // the last block, fixed codes
    let mut push = |code: u32, length: u32| bits.extend((0..length).rev().map(|i| code >> i & 1 == 1));
    push(0b0011_0000, 8); // the literal 0
    for _ in 0..megabytes * 1024 * 1024 / 258 {
        push(0b1100_0101, 8); // a copy of 258 bytes …
        push(0, 5); // … from one byte back
    }
    push(0, 7);
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(bits.chunks(8).map(|byte| {
        byte.iter()
            .enumerate()
            .fold(0u8, |sum, (i, &bit)| sum | u8::from(bit) << i)
    }));
    out.extend([0; 8]);
    out
}

/// How much memory this process has in use.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The deletion of what this is the receipt of.
pub fn deletion_of(receipt: &Receipt) -> Deletion<'_> {
    Deletion {
        receipt,
        below: false,
        key: Draft::text("").key(),
        campaign: "case",
        message: "ten-to-two",
        now: now(),
    }
}

//! Mastodon, its forks, and servers that speak its client API.
//!
//! <https://docs.joinmastodon.org/methods/statuses/#create>. A status is created under an
//! `Idempotency-Key`, which the server remembers for an hour; GoToSocial and others ignore it, so the server
//! is asked what it is before the first post.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::{Answer, BaseUrl, Field, Http, Request};
use super::secret::write_private;
use super::sign_in::{ClientIs, OAuth, Redirect, Renewal, SignIn, Then, Way};
use super::token::{Keys, Token};
use super::video::VideoFile;
use super::{
    Among, Deletion, Edit, ImageBytes, Outgoing, Platform, Prepared, Sealed, Tools, answers, file_name,
    harmless, settings,
};
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::escape::Escape;
use crate::text::images::Frame;
use crate::text::limits::{Doubt, LengthRule, Limits, MASTODON, MASTODON_SETTLE, Unit};
use crate::text::videos::VideoLimits;

mod counts;
mod edit;
mod look;
mod shared;
mod shown;

pub use edit::read_edit;
pub use shared::read as read_shared;

pub const NAME: &str = "mastodon";

/// Upstream's defaults, until the server has said its own.
pub fn limits() -> Limits {
    MASTODON
}

/// What the server said of itself when it was last asked, else upstream's defaults.
pub(super) fn known_limits(table: &toml::Table, vault: &Path, account: &AccountName) -> Limits {
    let base = table.get("base_url").and_then(toml::Value::as_str);
    base.and_then(|base| BaseUrl::parse(base).ok())
        .and_then(|base| Instance::read(&file(vault, account), &base))
        .map_or(MASTODON, |instance| instance.limits())
}

/// How often it is looked whether an image is processed: for some 45 seconds.
const IMAGE_LOOKS: usize = 9;

/// Where an account's server is remembered.
fn file(vault: &Path, account: &AccountName) -> PathBuf {
    vault.join(format!("instance-{account}.json"))
}

/// `[account.NAME]` with `platform = "mastodon"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The account's server: `https://mastodon.social`.
    #[schemars(with = "String")]
    base_url: BaseUrl,
    /// From Preferences > Development, with the scopes `write:statuses write:media read:accounts
    /// read:statuses read:search`; or `steadfast login`.
    #[serde(flatten)]
    token: Keys,
}

/// <https://docs.joinmastodon.org/methods/oauth/>. The server knows an app that was registered a moment before. Tokens
/// have no end and can't be renewed.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "In the browser that opens, sign in to the account that is to post, and allow steadfast to use it.",
    ],
    way: Way::Code(&OAuth {
        authorize: "/oauth/authorize",
        token: "/oauth/token",
        scopes: &[
            "read:accounts",
            "read:statuses",
            "read:search",
            "write:statuses",
            "write:media",
        ],
        extras: &[],
        between: " ",
        pkce: true,
        also: &[],
        client: ClientIs::Registered("/api/v1/apps"),
        redirect: Redirect::Loopback { port: 0 },
        then: Then::Keep,
        renewal: Renewal::Never,
    }),
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let base = config.base_url;
    let token = config.token.open(&SIGN_IN, Some(&base), None, tools)?;
    let vault = file(tools.vault, tools.account);
    let known = Instance::read(&vault, &base);
    Ok(Box::new(Mastodon {
        first: known.as_ref().map_or_else(limits, Instance::limits),
        known_before: known.is_some(),
        learned: OnceLock::new(),
        asking: tokio::sync::Mutex::default(),
        whose: tokio::sync::OnceCell::new(),
        base,
        token,
        vault,
        http: tools.http.clone(),
    }))
}

struct Mastodon {
    base: BaseUrl,
    token: Token,
    http: Http,
    /// What the server said in an earlier life of this process, or upstream's defaults.
    first: Limits,
    known_before: bool,
    /// What it says now.
    learned: OnceLock<Limits>,
    /// Of many posts that are prepared at once, one asks.
    asking: tokio::sync::Mutex<()>,
    /// Whose account the token opens, once that was asked: `None` if the token may not look.
    whose: tokio::sync::OnceCell<Option<String>>,
    /// Where that is kept: after a crash we must know how doubt ends before we ask anybody.
    vault: PathBuf,
}

// The wire.

/// <https://docs.joinmastodon.org/methods/statuses/#form-data-parameters>. What is unused is left out.
#[derive(Serialize)]
struct NewStatus<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spoiler_text: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    language: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    media_ids: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct Status {
    id: String,
    url: Option<String>,
    uri: Option<String>,
    reblog: Option<Box<Status>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

#[derive(Debug, Deserialize)]
struct Media {
    id: String,
    url: Option<String>,
}

#[derive(Deserialize)]
struct Results {
    statuses: Vec<Status>,
}

// What is said, and what the answer means.

const CREATE: &str = "/api/v1/statuses";
/// Public, and the same for everybody.
const INSTANCE: &str = "/api/v2/instance";

/// The whole request that will be visible.
pub fn request(out: &Outgoing<'_>, media_ids: &[String]) -> Prepared {
    let abilities = limits().abilities;
    let status = NewStatus {
        status: &out.part.shown_text(abilities),
        spoiler_text: out.warn.filter(|warn| !warn.is_empty()),
        language: primary_language(out.language),
        media_ids,
        in_reply_to_id: out.parent.map(|parent| parent.id.as_str()),
    };
    Prepared {
        path: CREATE.into(),
        body: serde_json::json!(status).to_string(),
    }
}

/// A boost of the status that this server knows as `id`.
fn share_request(id: &str) -> Result<Prepared, Failure> {
    if !is_id(id) {
        return Err(Failure::new(
            Class::Rejected,
            format!("the server gave the post a strange id: {id}"),
        ));
    }
    Ok(Prepared {
        path: format!("{CREATE}/{id}/reblog"),
        body: "{}".into(),
    })
}

/// Whether it can stand in a path.
fn is_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !id.is_empty() && id.bytes().all(plain)
}

/// `DELETE /api/v1/statuses/:id` (<https://docs.joinmastodon.org/methods/statuses/#delete>), for boosts too. Of a
/// status that a person has entered by its address, the address ends with the id.
pub fn deletion(gone: &Deletion<'_>) -> Result<Prepared, Failure> {
    let id = id_of(gone.receipt).ok_or_else(|| gone.unnamed())?;
    Ok(Prepared {
        path: format!("{CREATE}/{id}"),
        body: String::new(),
    })
}

fn id_of(receipt: &Receipt) -> Option<String> {
    let last = |url: &'_ str| url.rsplit('/').next().map(str::to_owned);
    let own = Some(receipt.id.clone()).filter(|id| is_id(id));
    own.or_else(|| last(receipt.url.as_deref()?).filter(|id| is_id(id)))
}

/// What the answer to a deletion means. Only the server's own page says that there is no such status.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200 if answer.json::<Status>().is_some() => Ok(()),
        404 | 410 if answer.json::<Refusal>().is_some() => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        _ => read(&nothing(), answer).map(drop),
    }
}

/// The server takes ISO 639-1, and falls back to the account's default in silence if it gets another tag.
fn primary_language(tag: &str) -> &str {
    tag.split('-')
        .next()
        .filter(|primary| matches!(primary.len(), 2 | 3))
        .unwrap_or_default()
}

/// 403s that are about the account and not about the post (`app/controllers/concerns/api/error_handling.rb`).
const ACCOUNT_REFUSED: &[&str] = &[
    "outside the authorized scopes",
    "login is currently disabled",
    "e-mail address",
    "email address",
    "currently pending review",
];

/// What the answer to a publishing request means.
pub fn read(prepared: &Prepared, answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status == 200 {
        return match answer.json::<Status>() {
            Some(status) if !status.id.is_empty() => Ok(receipt(status)),
            _ => Err(answer.failure(Class::InDoubt, None)),
        };
    }
    let refusal = answer.json::<Refusal>();
    let words = refusal.as_ref().map(|refusal| refusal.error.as_str());
    let says = |sentence: &str| words.is_some_and(|words| words.contains(sentence));
    let class = match answer.status {
        403 if ACCOUNT_REFUSED.iter().any(|sentence| says(sentence)) => Class::Auth,
        // A known key whose status was deleted since: it had been accepted. (A missing parent has another
        // text, and a boost has no key.)
        404 if says("Record not found") && prepared.path == CREATE => Class::Gone,
        422 if says("have not finished processing") => Class::Transient,
        // Only an earlier try of ours can have attached our upload.
        422 if says("already attached to another post") => Class::Duplicate,
        // A proxy's own page, before the server saw anything.
        413 => Class::Rejected,
        _ => answer.class(words.is_some()),
    };
    Err(answer.failure(class, words))
}

/// A request that creates nothing.
fn nothing() -> Prepared {
    Prepared {
        path: String::new(),
        body: String::new(),
    }
}

/// What a refusal means while nothing is visible yet.
fn refused(answer: &Answer) -> Failure {
    harmless(
        read(&nothing(), answer)
            .err()
            .unwrap_or_else(|| answer.failure(Class::Transient, None)),
    )
}

fn receipt(status: Status) -> Receipt {
    let original = status.reblog.and_then(|original| original.url);
    Receipt::named(status.id, original.or(status.url).or(status.uri))
}

// The account.

#[async_trait]
impl Platform for Mastodon {
    fn limits(&self) -> &Limits {
        self.learned.get().unwrap_or(&self.first)
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        self.ask_what_it_is().await?;
        if let Some(url) = out.share {
            return share_request(&self.local_id(url).await?);
        }
        let mut media_ids = Vec::new();
        for image in &out.images {
            media_ids.push(self.upload_image(image).await?);
        }
        if let Some(video) = &out.video {
            media_ids.push(self.upload_video(video).await?);
        }
        Ok(request(out, &media_ids))
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::post(&self.base, &sealed.prepared.path)
            .bearer(&bearer)
            .header("idempotency-key", &sealed.key.delivery.to_string())
            .json(sealed.prepared.body.clone());
        let answer = self.http.publish(request, self.limits().doubt).await?;
        let receipt = self.token.heard(&bearer, read(&sealed.prepared, &answer)).await?;
        Ok(Receipt {
            altered: shown::altered(&sealed.prepared, &answer),
            ..receipt
        })
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::delete(&self.base, &sealed.prepared.path).bearer(&bearer);
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.heard(&bearer, read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        self.edit_of(edit).await
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let Prepared { path, body } = &sealed.prepared;
        let request = Request::put(&self.base, path).bearer(&bearer).json(body.clone());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.heard(&bearer, read_edit(&answer)).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        self.whose.get_or_try_init(|| self.ask_whose()).await.cloned()
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(&sealed.prepared, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        Some(self.read_shared(url).await)
    }

    async fn learn(&self) -> Result<(), Failure> {
        self.ask_what_it_is().await
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, INSTANCE).await)
    }
}

impl Mastodon {
    /// `GET /api/v1/accounts/verify_credentials`. A token without the scope, and a server without the page, leave
    /// it open.
    async fn ask_whose(&self) -> Result<Option<String>, Failure> {
        let answer = self
            .ask(Request::get(&self.base, "/api/v1/accounts/verify_credentials"))
            .await?;
        if let Some(me) = answer.json::<look::Me>().filter(|_| answer.status == 200) {
            return Ok(Some(format!("{} on {}", me.id, self.base)));
        }
        let words = answer.json::<Refusal>().map(|refusal| refusal.error);
        let may_not = words.is_some_and(|words| words.contains("outside the authorized scopes"));
        match answer.status {
            403 if may_not => Ok(None),
            200 | 400 | 404 | 405 | 410 | 501 => Ok(None),
            _ => Err(refused(&answer)),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer, Failure> {
        let bearer = self.token.bearer().await?;
        self.http.send(request.bearer(&bearer)).await.map_err(harmless)
    }

    /// `GET /api/v2/search`: a post anywhere, fetched if need be.
    async fn search(&self, url: &str) -> Result<Answer, Failure> {
        let query = [
            ("q", url),
            ("resolve", "true"),
            ("type", "statuses"),
            ("limit", "1"),
        ];
        self.ask(Request::get(&self.base, "/api/v2/search").query(&query))
            .await
    }

    /// What this server calls the post at `url`.
    async fn local_id(&self, url: &str) -> Result<String, Failure> {
        let answer = self.search(url).await?;
        let Some(found) = answer.json::<Results>().filter(|_| answer.status == 200) else {
            return Err(refused(&answer));
        };
        let gone = || {
            Failure::new(
                Class::Rejected,
                format!("{} finds no post at {url}", self.base.host()),
            )
        };
        found
            .statuses
            .into_iter()
            .next()
            .map(|status| status.id)
            .ok_or_else(gone)
    }

    async fn upload_image(&self, image: &ImageBytes) -> Result<String, Failure> {
        let file = Field::File {
            name: "file".into(),
            file_name: file_name(image.mime).into(),
            mime: image.mime.into(),
            bytes: image.bytes.clone(),
        };
        self.upload(file, &image.alt, IMAGE_LOOKS).await
    }

    async fn upload_video(&self, video: &VideoFile) -> Result<String, Failure> {
        let file = Field::Stream {
            name: "file".into(),
            file_name: video.file_name().into(),
            mime: video.footage.mime.into(),
            length: video.footage.size,
            stream: video.stream()?,
        };
        self.upload(file, &video.alt, usize::MAX).await
    }

    /// `POST /api/v2/media`, and waiting until the server has processed it, which is looked at so often at most. An
    /// upload that no status uses is removed by the server.
    async fn upload(&self, file: Field, alt: &str, looks: usize) -> Result<String, Failure> {
        let mut fields = vec![file];
        if !alt.is_empty() {
            fields.push(Field::Text {
                name: "description".into(),
                value: alt.to_owned(),
            });
        }
        let request = Request::post(&self.base, "/api/v2/media").form(fields);
        let mut answer = self.ask(request).await?;
        let mut waits = super::video::looks().take(looks);
        loop {
            let media = answer
                .json::<Media>()
                .filter(|_| matches!(answer.status, 200 | 202 | 206));
            let Some(media) = media else {
                return Err(refused(&answer));
            };
            if answer.status == 200 && media.url.is_some() {
                return Ok(media.id);
            }
            let Some(wait) = waits.next() else {
                return Err(Failure::new(
                    Class::Transient,
                    "the server is still processing what was uploaded",
                ));
            };
            tokio::time::sleep(wait).await;
            answer = self
                .ask(Request::get(&self.base, &format!("/api/v1/media/{}", media.id)))
                .await?;
        }
    }

    /// Asks the server once what it is and what it takes. If it does not answer, what it said before stands;
    /// if it never said anything, nothing is posted yet, because doubt could not be resolved rightly.
    async fn ask_what_it_is(&self) -> Result<(), Failure> {
        if self.learned.get().is_some() {
            return Ok(());
        }
        let _turn = self.asking.lock().await;
        if self.learned.get().is_some() {
            return Ok(());
        }
        let answer = match self.http.send(Request::get(&self.base, INSTANCE)).await {
            Ok(answer) if answer.status < 500 && answer.status != 429 => answer,
            _ if self.known_before => return Ok(()),
            Ok(answer) => return Err(refused(&answer)),
            Err(trouble) => return Err(harmless(trouble)),
        };
        let limits = match answer.json::<wire::Instance>().filter(|_| answer.status == 200) {
            Some(wire) => {
                let instance = Instance::new(&self.base, wire);
                let limits = instance.limits();
                instance.write(self.vault.clone()).await?;
                limits
            }
            // Before version 4.0 there was no such page; keys were honoured then, too.
            None => self.first.clone(),
        };
        // Nobody else sets it while we have the turn.
        drop(self.learned.set(limits));
        Ok(())
    }
}

/// What a server says about itself, as far as we need it, kept in the vault.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Instance {
    base_url: String,
    honours_keys: bool,
    /// It discounts neither links nor mentions. Files from before it was asked do not say.
    #[serde(default)]
    counts_as_typed: bool,
    max_characters: usize,
    per_link: usize,
    max_images: u16,
    max_image_bytes: u64,
    /// Files from before it was asked do not say.
    #[serde(default)]
    max_pixels: Option<u64>,
    max_alt: usize,
    #[serde(default)]
    max_video_bytes: Option<u64>,
    #[serde(default)]
    max_video_pixels: Option<u64>,
    #[serde(default)]
    max_video_rate: Option<u32>,
}

/// <https://docs.joinmastodon.org/entities/Instance/>
mod wire {
    use serde::Deserialize;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub struct Instance {
        pub version: String,
        pub source_url: String,
        pub api_versions: ApiVersions,
        pub configuration: Configuration,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub struct ApiVersions {
        pub mastodon: Option<u32>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub struct Configuration {
        pub statuses: Statuses,
        pub media_attachments: MediaAttachments,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub struct Statuses {
        pub max_characters: Option<usize>,
        pub max_media_attachments: Option<u16>,
        pub characters_reserved_per_url: Option<usize>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    #[expect(clippy::struct_field_names, reason = "the server's own names")]
    pub struct MediaAttachments {
        pub image_size_limit: Option<u64>,
        pub image_matrix_limit: Option<u64>,
        pub description_limit: Option<usize>,
        pub video_size_limit: Option<u64>,
        pub video_matrix_limit: Option<u64>,
        pub video_frame_rate_limit: Option<u32>,
    }
}

impl Instance {
    fn new(base: &BaseUrl, wire: wire::Instance) -> Self {
        let wire::Configuration {
            statuses,
            media_attachments,
        } = wire.configuration;
        // GoToSocial reads the header and forgets it. The others name themselves so: `2.7.2 (compatible;
        // Pixelfed 0.12)`.
        let gotosocial =
            wire.source_url.to_lowercase().contains("gotosocial") || wire.version.starts_with("0.");
        let foreign = gotosocial || wire.version.contains("(compatible;");
        Self {
            base_url: base.to_string(),
            honours_keys: wire.api_versions.mastodon.is_some() || !foreign,
            counts_as_typed: gotosocial && wire.api_versions.mastodon.is_none(),
            max_characters: statuses.max_characters.unwrap_or(500),
            per_link: statuses.characters_reserved_per_url.unwrap_or(23),
            max_images: statuses.max_media_attachments.unwrap_or(4),
            max_image_bytes: media_attachments.image_size_limit.unwrap_or(16 << 20),
            max_pixels: media_attachments.image_matrix_limit,
            max_alt: media_attachments.description_limit.unwrap_or(1500),
            max_video_bytes: media_attachments.video_size_limit,
            max_video_pixels: media_attachments.video_matrix_limit,
            max_video_rate: media_attachments.video_frame_rate_limit,
        }
    }

    fn limits(&self) -> Limits {
        let usual = limits();
        Limits {
            length: if self.counts_as_typed {
                LengthRule::Units {
                    max: self.max_characters,
                    unit: Unit::CodePoints,
                    escape: Escape::None,
                }
            } else {
                LengthRule::Mastodon {
                    max: self.max_characters,
                    link: self.per_link,
                }
            },
            max_images: self.max_images,
            max_image_bytes: self.max_image_bytes,
            max_moving_bytes: Some(self.max_image_bytes),
            frame: Frame {
                max_pixels: self.max_pixels.or(usual.frame.max_pixels),
                ..usual.frame
            },
            max_alt: Some(self.max_alt),
            video: usual.video.map(|usual| VideoLimits {
                max_bytes: self.max_video_bytes.unwrap_or(usual.max_bytes),
                max_pixels: self.max_video_pixels.or(usual.max_pixels),
                max_rate: self.max_video_rate.or(usual.max_rate),
                ..usual
            }),
            doubt: if self.honours_keys {
                usual.doubt
            } else {
                Doubt::ReadBack {
                    settle: MASTODON_SETTLE,
                }
            },
            ..usual
        }
    }

    fn read(vault: &PathBuf, base: &BaseUrl) -> Option<Self> {
        let known: Self = serde_json::from_slice(&std::fs::read(vault).ok()?).ok()?;
        (known.base_url == base.to_string()).then_some(known)
    }

    async fn write(&self, vault: PathBuf) -> Result<(), Failure> {
        let bytes = serde_json::json!(self).to_string();
        let shown = vault.display().to_string();
        let written = tokio::task::spawn_blocking(move || write_private(&vault, bytes.as_bytes())).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(Failure::new(Class::Transient, format!("{shown}: {e}"))),
            Err(e) => Err(Failure::new(Class::Transient, format!("{shown}: {e}"))),
        }
    }
}

//! Discord: a bot that posts to a channel, or an incoming webhook of one. <https://docs.discord.com/developers>
//!
//! A bot's message has a nonce, which Discord remembers for "the past few minutes": the same request again is
//! answered with the message that is there. Later the channel is read. A webhook has neither, and answers nobody;
//! its address is a secret as a whole, so none of it is frozen or shown. Nobody is ever pinged.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Field, Http, Request, retry_after};
use super::secret::{Secret, SecretSource};
use super::sign_in::{SignIn, Way as ToSignIn};
use super::token::{BotKeys, Token};
use super::video::{Films, VideoFile};
use super::{
    Among, Deletion, Edit, Granted, Outgoing, Platform, Prepared, Sealed, Tools, answers, form, harmless,
    settings,
};
use crate::post::engagement::Counts;
use crate::post::identity::{AccountName, DeliveryId};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::escape::Escape;
use crate::text::limits::{DISCORD, DISCORD_WEBHOOK, Doubt, Limits};

mod counts;
mod edit;
mod look;
mod rights;

pub const NAME: &str = "discord";

/// A bot's.
pub fn limits() -> Limits {
    DISCORD
}

/// Those of a bot or of a webhook, whichever the account has.
pub(super) fn known_limits(table: &toml::Table, _: &std::path::Path, _: &AccountName) -> Limits {
    if table.contains_key("webhook_url") {
        DISCORD_WEBHOOK
    } else {
        DISCORD
    }
}

/// `[account.NAME]` with `platform = "discord"`: `webhook_url` alone, or a bot's keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Channel settings > Integrations > Webhooks. Who knows it can post.
    webhook_url: Option<SecretSource>,
    /// From the developer portal; the bot needs the permissions View Channel, Send Messages, Attach Files and Read
    /// Message History. Or `steadfast login`.
    #[serde(flatten)]
    token: BotKeys,
    /// The number of the channel that the bot posts to.
    channel: Option<String>,
    /// Another server for the bot; else Discord's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
}

const HOME: &str = "https://discord.com";
const API: &str = "/api/v10";

/// <https://docs.discord.com/developers/quick-start/getting-started>. A token has no end, until it is reset.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At discord.com/developers/applications, make a New Application.",
        "Under Installation, choose the scope `bot` with the permissions View Channel, Send Messages, Attach Files and Read Message History, and open the install link to add it to your server.",
        "If the channel is private, let the bot in: Edit Channel, Permissions.",
        "Under Bot, Reset Token, and copy it.",
    ],
    way: ToSignIn::Copied,
};

/// The two ways in.
enum Way<W, T> {
    Webhook(W),
    Bot { token: T, channel: String },
}

impl Config {
    /// Whether the keys belong together.
    pub(super) fn together(self) -> Result<(), String> {
        self.way().map(drop)
    }

    fn way(self) -> Result<(Way<SecretSource, BotKeys>, Option<BaseUrl>), String> {
        const WRITE: &str = "write `webhook_url`, or `bot_token` and `channel`";
        let token = Some(self.token).filter(BotKeys::is_named);
        match (self.webhook_url, token, self.channel) {
            (Some(_), None, None) if self.base_url.is_some() => {
                Err("`base_url` goes with `bot_token`: a webhook's address says where it is".into())
            }
            (Some(url), None, None) => Ok((Way::Webhook(url), None)),
            (None, Some(token), Some(channel)) if is_number(&channel) => {
                Ok((Way::Bot { token, channel }, self.base_url))
            }
            (None, Some(_), Some(_)) => Err(
                "`channel` is the channel's number, not its name: Copy Channel ID, with the developer mode on"
                    .into(),
            ),
            _ => Err(WRITE.into()),
        }
    }
}

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let (limits, base, way) = match settings::<Config>(table)?.way()? {
        (Way::Webhook(url), _) => {
            let url = url.resolve().map_err(|e| format!("webhook_url: {e}"))?;
            let (base, door) = webhook(&url, tools).map_err(|e| format!("webhook_url: {e}"))?;
            (DISCORD_WEBHOOK, base, Way::Webhook(door))
        }
        (Way::Bot { token, channel }, base) => {
            let token = token.open(&SIGN_IN, tools)?;
            let base = base.map_or_else(|| BaseUrl::parse(HOME), Ok)?;
            (DISCORD, base, Way::Bot { token, channel })
        }
    };
    Ok(Box::new(Discord {
        limits,
        base,
        way,
        known: OnceCell::new(),
        films: Arc::clone(tools.films),
        http: tools.http.clone(),
    }))
}

/// Where a webhook is, and its path there, of this version of the API. `?thread_id=` leads into a thread.
fn webhook(url: &Secret, tools: &Tools<'_>) -> Result<(BaseUrl, Door), String> {
    const SHAPE: &str = "it must be as Discord gives it: `https://discord.com/api/webhooks/NUMBER/TOKEN`";
    tools.scrubber.learn(url);
    BaseUrl::endpoint(url.expose())?;
    let url = Url::parse(url.expose()).map_err(|_| SHAPE)?;
    let base = BaseUrl::parse(&url.origin().ascii_serialization())?;
    let steps: Vec<&str> = url.path().split('/').filter(|step| !step.is_empty()).collect();
    let at = steps.iter().position(|step| *step == "webhooks").ok_or(SHAPE)?;
    let Some([id, token]) = steps.get(at + 1..).filter(|_| steps.first() == Some(&"api")) else {
        return Err(SHAPE.into());
    };
    if !is_number(id) {
        return Err(SHAPE.into());
    }
    tools.scrubber.learn(&Secret::new(*token));
    let thread = url.query_pairs().find(|(name, _)| name == "thread_id");
    Ok((
        base,
        Door {
            secret: Secret::new(format!("{API}/webhooks/{id}/{token}")),
            thread: thread.map(|(_, thread)| thread.into_owned()),
        },
    ))
}

/// What opens a webhook.
struct Door {
    /// Its path.
    secret: Secret,
    /// The thread of its channel that it posts to.
    thread: Option<String>,
}

struct Discord {
    limits: Limits,
    base: BaseUrl,
    way: Way<Door, Token>,
    /// Once that was asked.
    known: OnceCell<Known>,
    films: Arc<dyn Films>,
    http: Http,
}

/// Who posts, and where.
struct Known {
    /// Of the bot's user, or of the webhook.
    id: String,
    channel: String,
    /// The server that the channel is on; only with it a message has an address.
    guild: Option<String>,
}

// The wire. All ids are numbers written as text.

/// <https://docs.discord.com/developers/resources/message#message-object>
#[derive(Deserialize)]
struct Message {
    id: String,
    channel_id: String,
}

#[derive(Deserialize)]
struct Me {
    id: String,
}

/// A channel, and a webhook as it tells of itself.
#[derive(Deserialize)]
struct Place {
    id: String,
    channel_id: Option<String>,
    guild_id: Option<String>,
}

/// <https://docs.discord.com/developers/reference#error-messages>
#[derive(Deserialize)]
struct Refusal {
    message: String,
    code: u32,
    #[serde(default)]
    errors: Value,
}

/// <https://docs.discord.com/developers/topics/rate-limits>
#[derive(Deserialize)]
struct Limited {
    /// Seconds, with a fraction.
    retry_after: f64,
}

// What is said, and what the answer means.

/// What a bot sends to its channel.
pub fn request(out: &Outgoing<'_>, channel: &str) -> Result<Prepared, Failure> {
    let mut told = message(out);
    told.insert("nonce".into(), json!(nonce(out.key.delivery)));
    told.insert("enforce_nonce".into(), json!(true));
    // <https://docs.discord.com/developers/resources/message#message-reference-structure>
    let reference = match (out.share, out.parent) {
        (Some(url), _) => {
            let words = || format!("{url} is no message's address: write `https://discord.com/channels/…`");
            let (channel, id) = place_at(url).ok_or_else(|| Failure::new(Class::Rejected, words()))?;
            told.shift_remove("content");
            Some(json!({ "type": 1, "message_id": id, "channel_id": channel, "fail_if_not_exists": true }))
        }
        (None, Some(parent)) => {
            let words = || format!("what it answers has no number: {}", parent.id);
            let (channel, id) = place_of(parent).ok_or_else(|| Failure::new(Class::Rejected, words()))?;
            Some(json!({ "message_id": id, "channel_id": channel, "fail_if_not_exists": true }))
        }
        (None, None) => None,
    };
    told.extend(reference.map(|reference| ("message_reference".to_owned(), reference)));
    Ok(Prepared {
        path: messages(channel),
        body: form::freeze(told, out, part),
    })
}

/// What a webhook is told. Where it is stays a secret.
pub fn webhook_request(out: &Outgoing<'_>) -> Prepared {
    Prepared {
        path: String::new(),
        body: form::freeze(message(out), out, part),
    }
}

/// What bots and webhooks say alike.
fn message(out: &Outgoing<'_>) -> Map<String, Value> {
    let text = out.part.shown_text(limits().abilities);
    let mut told = Map::from_iter([
        ("content".to_owned(), json!(Escape::Discord.apply(&text))),
        ("allowed_mentions".to_owned(), json!({ "parse": [] })),
    ]);
    let attachment = |(number, image): (usize, &super::ImageBytes)| json!({ "id": number, "filename": form::numbered(number, image.mime), "description": image.alt });
    let video =
        |video: &VideoFile| json!({ "id": 0, "filename": video.file_name(), "description": video.alt });
    let images = out.images.iter().enumerate().map(attachment);
    let files: Vec<Value> = images.chain(out.video.as_ref().map(video)).collect();
    if !files.is_empty() {
        told.insert("attachments".into(), json!(files));
    }
    told
}

fn part(number: usize) -> String {
    format!("files[{number}]")
}

/// A nonce has at most 25 characters: just enough for all of a delivery's id, to the base 36.
fn nonce(delivery: DeliveryId) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut id = u128::from_be_bytes(delivery.bytes());
    let mut digits = Vec::new();
    while id > 0 {
        let digit = usize::try_from(id % 36).unwrap_or_default();
        digits.extend(DIGITS.get(digit).copied().map(char::from));
        id /= 36;
    }
    digits.into_iter().rev().collect()
}

fn messages(channel: &str) -> String {
    format!("{API}/channels/{channel}/messages")
}

fn is_number(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())
}

/// The channel and the number of a message. The receipt's `pin` is its channel.
fn place_of(receipt: &Receipt) -> Option<(String, String)> {
    match &receipt.pin {
        Some(channel) if is_number(channel) && is_number(&receipt.id) => {
            Some((channel.clone(), receipt.id.clone()))
        }
        _ => place_at(receipt.url.as_deref().unwrap_or(&receipt.id)),
    }
}

/// `https://discord.com/channels/SERVER/CHANNEL/MESSAGE`
fn place_at(url: &str) -> Option<(String, String)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let home = host.strip_suffix("discord.com")?;
    if !home.is_empty() && !home.ends_with('.') {
        return None;
    }
    let steps: Vec<&str> = url.path_segments()?.filter(|step| !step.is_empty()).collect();
    match steps.as_slice() {
        ["channels", _, channel, id] if is_number(channel) && is_number(id) => {
            Some(((*channel).to_owned(), (*id).to_owned()))
        }
        _ => None,
    }
}

/// `DELETE`, of which a webhook's path is only the end.
fn deletion(gone: &Deletion<'_>, webhook: bool) -> Result<Prepared, Failure> {
    Ok(Prepared {
        path: path_of(gone.receipt, webhook).ok_or_else(|| gone.unnamed())?,
        body: String::new(),
    })
}

/// Of a message; of a webhook's only the end.
fn path_of(receipt: &Receipt, webhook: bool) -> Option<String> {
    let (channel, id) = place_of(receipt)?;
    Some(if webhook {
        format!("/messages/{id}")
    } else {
        format!("{}/{id}", messages(&channel))
    })
}

/// What the answer to a publishing request means. With a nonce that it knows, the answer is the message that is
/// there.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let message: Option<Message> = answer.json();
    let message = message.filter(|message| is_number(&message.id) && is_number(&message.channel_id));
    let message = message.ok_or_else(|| answer.failure(Class::InDoubt, None))?;
    Ok(Receipt {
        pin: Some(message.channel_id),
        ..Receipt::named(message.id, None)
    })
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        204 => Ok(()),
        _ if is_gone(answer) => Ok(()),
        _ => Err(refused(answer)),
    }
}

/// There is no such message (any more).
fn is_gone(answer: &Answer) -> bool {
    answer.status == 404
        && answer
            .json()
            .is_some_and(|Refusal { code, .. }| code == UNKNOWN_MESSAGE)
}

const UNKNOWN_CHANNEL: u32 = 10_003;
const UNKNOWN_MESSAGE: u32 = 10_008;

/// <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>
fn refused(answer: &Answer) -> Failure {
    let refusal: Option<Refusal> = answer.json();
    let code = refusal.as_ref().map_or(0, |refusal| refusal.code);
    let class = match (answer.status, code) {
        // Slow mode, and too much for one channel.
        (429, _) | (400..=499, 20_016 | 20_028) => Class::RateLimited {
            until: wait_until(answer),
        },
        // A webhook that was deleted or has another token; an access or a permission that is missing.
        (400..=499, 10_015 | 50_027 | 50_001 | 50_013) => Class::Auth,
        // A proxy's own page, before the server saw anything.
        (413, _) => Class::Rejected,
        _ => answer.class(refusal.is_some()),
    };
    let words = refusal.map(|refusal| {
        let fields = details("", &refusal.errors);
        [vec![refusal.message], fields].concat().join("; ")
    });
    answer.failure(class, words.as_deref())
}

/// The header has whole seconds, the body their fraction too.
fn wait_until(answer: &Answer) -> Option<jiff::Timestamp> {
    let told = answer
        .json()
        .map(|Limited { retry_after }| retry_after.to_string());
    let told = told.and_then(|seconds| retry_after(&seconds, answer.at));
    answer.wait_until().max(told)
}

/// What is wrong with each field, which `errors` nests by their names.
fn details(field: &str, errors: &Value) -> Vec<String> {
    let told = |inner: &Value| -> Vec<String> {
        let messages = inner.as_array().into_iter().flatten();
        messages
            .filter_map(|error| Some(format!("{field}: {}", error.get("message")?.as_str()?)))
            .collect()
    };
    let fields = errors.as_object().into_iter().flatten();
    fields
        .flat_map(|(name, inner)| [told(inner), details(name, inner)].concat())
        .collect()
}

// The account.

#[async_trait]
impl Platform for Discord {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        match &self.way {
            Way::Webhook(_) => Ok(webhook_request(out)),
            Way::Bot { channel, .. } => request(out, channel),
        }
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let (told, mut fields) = form::thaw(&sealed.prepared.body, &*self.films).await?;
        let mut request = Request::post(&self.base, &self.path(&sealed.prepared.path));
        if let Way::Webhook(door) = &self.way {
            // Without it nobody says whether the message was kept.
            request = door.in_thread(request.query(&[("wait", "true")]));
        }
        let request = if fields.is_empty() {
            request.json(sealed.prepared.body.clone())
        } else {
            fields.push(Field::Text {
                name: "payload_json".into(),
                value: Value::Object(told).to_string(),
            });
            request.form(fields)
        };
        let bearer = self.bearer().await?;
        let request = self.signed(request, bearer.as_ref());
        let answer = self.http.publish(request, self.limits.doubt).await?;
        let receipt = self.heard(bearer.as_ref(), read(&answer)).await?;
        Ok(self.addressed(receipt))
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone, matches!(self.way, Way::Webhook(_)))
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let request = Request::delete(&self.base, &self.path(&sealed.prepared.path));
        let bearer = self.bearer().await?;
        let request = self.signed(self.in_place(request), bearer.as_ref());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.heard(bearer.as_ref(), read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        self.edit_of(edit).await
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let Prepared { path, body } = &sealed.prepared;
        let request = Request::patch(&self.base, &self.path(path)).json(body.clone());
        let bearer = self.bearer().await?;
        let request = self.signed(self.in_place(request), bearer.as_ref());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.heard(bearer.as_ref(), read(&answer).map(drop)).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(sealed, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        let Known { id, channel, .. } = self.known().await?;
        let who = match self.way {
            Way::Webhook(_) => "webhook",
            Way::Bot { .. } => "bot",
        };
        Ok(Some(format!("{who} {id} in channel {channel}")))
    }

    /// A webhook may post, and nothing else.
    async fn granted(&self) -> Result<Option<Granted>, Failure> {
        match &self.way {
            Way::Webhook(_) => Ok(None),
            Way::Bot { .. } => self.rights().await,
        }
    }

    fn token(&self) -> Option<&Token> {
        match &self.way {
            Way::Webhook(_) => None,
            Way::Bot { token, .. } => Some(token),
        }
    }

    /// <https://docs.discord.com/developers/events/gateway#get-gateway>: the same for everybody.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, &format!("{API}/gateway")).await)
    }
}

impl Door {
    fn in_thread(&self, request: Request) -> Request {
        match &self.thread {
            Some(thread) => request.query(&[("thread_id", thread)]),
            None => request,
        }
    }
}

impl Discord {
    /// In the thread that a webhook posts to.
    fn in_place(&self, request: Request) -> Request {
        match &self.way {
            Way::Webhook(door) => door.in_thread(request),
            Way::Bot { .. } => request,
        }
    }

    /// `path`, at the end of a webhook's own.
    fn path(&self, path: &str) -> String {
        match &self.way {
            Way::Webhook(door) => format!("{}{path}", door.secret.expose()),
            Way::Bot { .. } => path.to_owned(),
        }
    }

    /// The bot's token.
    async fn bearer(&self) -> Result<Option<Secret>, Failure> {
        match self.token() {
            Some(token) => token.bearer().await.map(Some),
            None => Ok(None),
        }
    }

    /// Tells the token what came of it.
    async fn heard<T>(&self, bearer: Option<&Secret>, came: Result<T, Failure>) -> Result<T, Failure> {
        match self.token().zip(bearer) {
            Some((token, bearer)) => token.answered(bearer, came).await,
            None => came,
        }
    }

    /// <https://docs.discord.com/developers/reference#user-agent>: others may be turned away at the door.
    fn signed(&self, request: Request, bearer: Option<&Secret>) -> Request {
        let contact = match self.http.contact() {
            "" => "steadfast",
            contact => contact,
        };
        let agent = format!("DiscordBot ({contact}, {})", env!("CARGO_PKG_VERSION"));
        let request = request.header("user-agent", &agent);
        match bearer {
            None => request,
            Some(token) => request.secret("authorization", &format!("Bot {}", token.expose())),
        }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let request = Request::get(&self.base, path);
        let request = if query.is_empty() {
            request
        } else {
            request.query(query)
        };
        self.ask_for(request).await
    }

    /// The message at `path`, of a webhook the end of its path.
    async fn shown(&self, path: &str) -> Result<Answer, Failure> {
        let request = Request::get(&self.base, &self.path(path));
        self.ask_for(self.in_place(request)).await
    }

    async fn ask_for(&self, request: Request) -> Result<Answer, Failure> {
        let bearer = self.bearer().await?;
        let request = self.signed(request, bearer.as_ref());
        let answer = self.http.send(request).await.map_err(harmless)?;
        match answer.status {
            401 => self.heard(bearer.as_ref(), Err(harmless(refused(&answer)))).await,
            _ => Ok(answer),
        }
    }

    async fn known(&self) -> Result<&Known, Failure> {
        self.known.get_or_try_init(|| self.ask()).await
    }

    /// Who posts, and where. A channel that the bot can't see is a matter of the whole account.
    async fn ask(&self) -> Result<Known, Failure> {
        let (me, place) = match &self.way {
            Way::Webhook(door) => (None, self.get(door.secret.expose(), &[]).await?),
            Way::Bot { channel, .. } => {
                let me = self.get(&format!("{API}/users/@me"), &[]).await?;
                let id = me.json().filter(|_| me.status == 200).map(|Me { id }| id);
                let id = id.ok_or_else(|| harmless(refused(&me)))?;
                (
                    Some(id),
                    self.get(&format!("{API}/channels/{channel}"), &[]).await?,
                )
            }
        };
        let Some(told) = place.json::<Place>().filter(|_| place.status == 200) else {
            let mut failure = harmless(refused(&place));
            if failure.class == Class::Rejected {
                failure.class = Class::Auth;
            }
            return Err(failure);
        };
        let channel = told.channel_id.unwrap_or_else(|| told.id.clone());
        Ok(Known {
            id: me.unwrap_or(told.id),
            channel,
            guild: told.guild_id,
        })
    }

    /// With the address that its server gives it, if that was asked: it was, before anything was sent.
    fn addressed(&self, receipt: Receipt) -> Receipt {
        let guild = self.known.get().and_then(|known| known.guild.as_ref());
        let url = guild
            .zip(receipt.pin.as_ref())
            .map(|(guild, channel)| format!("https://discord.com/channels/{guild}/{channel}/{}", receipt.id));
        Receipt { url, ..receipt }
    }
}

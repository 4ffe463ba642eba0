//! Telegram: a bot that posts to a channel or a group. <https://core.telegram.org/bots/api>
//!
//! Texts go without a parse mode, so no sign in them is markup. There is no key for a request, and a bot can't
//! read what is in a channel: when an answer is lost, a person has to look. The token is part of every address,
//! so no path is frozen or shown but the method's name.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Field, Http, Request, retry_after};
use super::secret::{Scrubber, Secret, SecretSource};
use super::sign_in::{SignIn, Way};
use super::token::{BotKeys, Token};
use super::video::Films;
use super::{
    Deletion, Edit, Granted, Outgoing, Platform, Prepared, Sealed, Tools, answers, form, harmless, settings,
};
use crate::post::outcome::{Class, Failure, Receipt};
use crate::text::limits::{Doubt, Limits, TELEGRAM};

pub const NAME: &str = "telegram";

pub fn limits() -> Limits {
    TELEGRAM
}

/// `[account.NAME]` with `platform = "telegram"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A Bot API server of one's own; else Telegram's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// As @BotFather gives it: `123456:ABC-DEF…`. Or `steadfast login`.
    #[serde(flatten)]
    token: BotKeys,
    /// The channel or group: `"@name"`, or its number (`-100…`). The bot is an administrator there who may post.
    chat: Address,
}

/// Telegram's own server.
pub(super) const HOME: &str = "https://api.telegram.org";

/// A chat as a request may name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Address {
    Id(i64),
    /// With its `@`.
    Name(String),
}

/// <https://core.telegram.org/bots#how-do-i-create-a-bot>. A token has no end, until @BotFather gives another.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "On Telegram, write `/newbot` to @BotFather, and give the bot a name.",
        "Open the channel or the group, and make the bot an administrator there: Administrators, Add Administrator. Allow it Post Messages, and Delete Messages for recalls.",
        "Copy the token that @BotFather has given: digits, a colon, letters.",
    ],
    way: Way::Copied,
};

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let token = config.token.open(&SIGN_IN, tools)?;
    if let Some(fixed) = token.fixed() {
        let key = key_of(fixed).ok_or_else(|| format!("bot_token: {SHAPE}"))?;
        tools.scrubber.learn(&key);
    }
    Ok(Box::new(Telegram {
        limits: limits(),
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        token,
        chat: address(config.chat)?,
        known: OnceCell::new(),
        films: Arc::clone(tools.films),
        scrubber: tools.scrubber.clone(),
        http: tools.http.clone(),
    }))
}

const SHAPE: &str = "it must be as @BotFather gives it: digits, a colon, letters";

/// The part of a token that opens the door.
fn key_of(token: &Secret) -> Option<Secret> {
    let (bot, key) = token.expose().split_once(':')?;
    let digits = !bot.is_empty() && bot.bytes().all(|b| b.is_ascii_digit());
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (digits && !key.is_empty() && key.bytes().all(plain)).then(|| Secret::new(key))
}

/// A bot's token, if it has the shape of one. The scrubber is told of it, and of its end, which alone opens the bot.
pub(super) fn token(source: &SecretSource, scrubber: &Scrubber) -> Result<Secret, String> {
    let token = source.resolve().map_err(|e| format!("bot_token: {e}"))?;
    let key = key_of(&token).ok_or_else(|| format!("bot_token: {SHAPE}"))?;
    scrubber.learn(&token);
    scrubber.learn(&key);
    Ok(token)
}

/// What comes from the environment is text, a number too.
pub(super) fn address(written: Address) -> Result<Address, String> {
    let Address::Name(name) = written else {
        return Ok(written);
    };
    match name.trim() {
        name if name.starts_with('@') && name.len() > 1 => Ok(Address::Name(name.to_owned())),
        number => number
            .parse()
            .map(Address::Id)
            .map_err(|_| format!("chat: write \"@name\" or the chat's number, not \"{number}\"")),
    }
}

struct Telegram {
    limits: Limits,
    base: BaseUrl,
    token: Token,
    chat: Address,
    /// Whose token it is and where it posts, once that was asked.
    known: OnceCell<Known>,
    films: Arc<dyn Films>,
    scrubber: Scrubber,
    http: Http,
}

struct Known {
    bot: i64,
    chat: Chat,
    /// Where nobody but administrators posts.
    channel: bool,
}

// The wire.

/// <https://core.telegram.org/bots/api#making-requests>
#[derive(Deserialize)]
struct Reply<T> {
    ok: bool,
    result: Option<T>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

/// <https://core.telegram.org/bots/api#responseparameters>
#[derive(Default, Deserialize)]
struct Parameters {
    /// Seconds.
    retry_after: Option<u32>,
    migrate_to_chat_id: Option<i64>,
}

#[derive(Deserialize)]
struct Message {
    message_id: i64,
    chat: Chat,
}

/// An album is answered with all of its messages.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sent {
    One(Message),
    Album(Vec<Message>),
}

/// <https://core.telegram.org/bots/api#chat>
#[derive(Debug, Clone, Deserialize)]
pub struct Chat {
    pub id: i64,
    /// Of a public one, without `@`.
    pub username: Option<String>,
}

#[derive(Deserialize)]
struct User {
    id: i64,
}

#[derive(Deserialize)]
struct Kind {
    /// `channel`, `group`, `supergroup` …
    #[serde(rename = "type", default)]
    kind: String,
}

/// <https://core.telegram.org/bots/api#chatmember>. What an administrator may do is said where it can be forbidden.
#[derive(Deserialize)]
struct Member {
    status: String,
    can_post_messages: Option<bool>,
    can_delete_messages: Option<bool>,
    can_send_messages: Option<bool>,
}

impl Member {
    fn granted(&self, channel: bool) -> Granted {
        let posts = match self.status.as_str() {
            "creator" => true,
            "administrator" => self.can_post_messages != Some(false),
            "member" => !channel,
            "restricted" => !channel && self.can_send_messages == Some(true),
            _ => false,
        };
        let flags = [
            ("can_post_messages", self.can_post_messages),
            ("can_delete_messages", self.can_delete_messages),
        ];
        let given = flags.iter().filter(|(_, given)| *given == Some(true));
        let given = given.map(|(name, _)| (*name).to_owned());
        let missing = if channel {
            "the bot must be an administrator of the channel who may post messages"
        } else {
            "the bot must be a member of the group who may send messages"
        };
        Granted {
            permissions: std::iter::once(self.status.clone()).chain(given).collect(),
            missing: (!posts).then(|| missing.to_owned()).into_iter().collect(),
            reads: false,
        }
    }
}

// What is said, and what the answer means.

/// The whole request that will be visible: the method, and its parameters.
pub fn request(out: &Outgoing<'_>, chat: &Chat) -> Result<Prepared, Failure> {
    if let Some(url) = out.share {
        return forward(url, chat);
    }
    let text = out.part.shown_text(limits().abilities);
    let mut told = Map::from_iter([("chat_id".to_owned(), json!(chat.id))]);
    let method = match (out.images.len(), &out.video) {
        (_, Some(video)) => {
            let footage = &video.footage;
            told.insert("caption".into(), json!(text));
            told.insert("width".into(), json!(footage.width));
            told.insert("height".into(), json!(footage.height));
            told.insert("duration".into(), json!(footage.length.as_secs()));
            told.insert("supports_streaming".into(), json!(true));
            "sendVideo"
        }
        (0, None) => {
            told.insert("text".into(), json!(text));
            if let Some(link) = &out.part.link {
                told.insert("link_preview_options".into(), json!({ "url": link.url }));
            }
            "sendMessage"
        }
        (1, None) => {
            told.insert("caption".into(), json!(text));
            "sendPhoto"
        }
        (count, None) => {
            told.insert("media".into(), album(count, &text));
            "sendMediaGroup"
        }
    };
    if let Some(parent) = out.parent {
        told.insert("reply_parameters".into(), answers_to(parent, chat)?);
    }
    let part = match method {
        "sendVideo" => |_| "video".to_owned(),
        "sendPhoto" => |_| "photo".to_owned(),
        _ => |number| format!("f{number}"),
    };
    Ok(Prepared {
        path: method.into(),
        body: form::freeze(told, out, part),
    })
}

/// <https://core.telegram.org/bots/api#inputmediaphoto>. The caption of the first is the album's.
fn album(count: usize, caption: &str) -> Value {
    let photo = |number| {
        let mut photo = json!({ "type": "photo", "media": format!("attach://f{number}") });
        if let (0, Some(fields)) = (number, photo.as_object_mut()) {
            fields.insert("caption".into(), json!(caption));
        }
        photo
    };
    (0..count).map(photo).collect()
}

/// <https://core.telegram.org/bots/api#replyparameters>. A message's number means something in its own chat
/// alone. Where the other message is gone, this one must not stand there by itself.
fn answers_to(parent: &Receipt, chat: &Chat) -> Result<Value, Failure> {
    let place = Place::of(parent).filter(|place| place.is_in(chat));
    let Some(message) = place.and_then(|place| place.messages.first().copied()) else {
        let shown = parent.url.as_deref().unwrap_or(&parent.id);
        let words = format!("what it answers is not in this account's chat: {shown}");
        return Err(Failure::new(Class::Rejected, words));
    };
    Ok(json!({ "message_id": message, "allow_sending_without_reply": false }))
}

/// <https://core.telegram.org/bots/api#forwardmessage>
fn forward(url: &str, chat: &Chat) -> Result<Prepared, Failure> {
    let place = Place::at(url);
    let Some((from, message)) = place.and_then(|place| Some((place.chat, *place.messages.first()?))) else {
        let words = format!("{url} is no message's address: write `https://t.me/CHANNEL/NUMBER`");
        return Err(Failure::new(Class::Rejected, words));
    };
    Ok(Prepared {
        path: "forwardMessage".into(),
        body: json!({ "chat_id": chat.id, "from_chat_id": from, "message_id": message }).to_string(),
    })
}

/// <https://core.telegram.org/bots/api#deletemessage>. An album is as many messages as it has images.
pub fn deletion(gone: &Deletion<'_>) -> Result<Prepared, Failure> {
    let Place { chat, messages } = Place::of(gone.receipt).ok_or_else(|| gone.unnamed())?;
    let (method, body) = match messages.as_slice() {
        [one] => ("deleteMessage", json!({ "chat_id": chat, "message_id": one })),
        all => ("deleteMessages", json!({ "chat_id": chat, "message_ids": all })),
    };
    Ok(Prepared {
        path: method.into(),
        body: body.to_string(),
    })
}

/// <https://core.telegram.org/bots/api#editmessagetext>, and `editMessageCaption` of what has images or a video: an
/// album's caption is that of its first.
pub fn edit(edit: &Edit<'_>) -> Result<Prepared, Failure> {
    let Place { chat, messages } = Place::of(edit.receipt).ok_or_else(|| edit.unnamed())?;
    let part = edit.out.part;
    let text = part.shown_text(limits().abilities);
    let mut told = Map::from_iter([
        ("chat_id".to_owned(), json!(chat)),
        ("message_id".to_owned(), json!(messages.first())),
    ]);
    let method = if part.pictured() {
        told.insert("caption".into(), json!(text));
        "editMessageCaption"
    } else {
        told.insert("text".into(), json!(text));
        if let Some(link) = &part.link {
            told.insert("link_preview_options".into(), json!({ "url": link.url }));
        }
        "editMessageText"
    };
    Ok(Prepared {
        path: method.into(),
        body: Value::Object(told).to_string(),
    })
}

/// Where a part is: its receipt's `pin` is the chat, its `id` the numbers of its messages there.
struct Place {
    chat: Address,
    messages: Vec<i64>,
}

impl Place {
    /// Of one that a person has entered by its address, that says where it is.
    fn of(receipt: &Receipt) -> Option<Self> {
        let numbers = || {
            receipt
                .id
                .split(',')
                .map(|id| id.parse().ok())
                .collect::<Option<_>>()
        };
        match &receipt.pin {
            Some(pin) => Some(Self {
                chat: Address::Id(pin.parse().ok()?),
                messages: numbers()?,
            }),
            None => Self::at(receipt.url.as_deref().unwrap_or(&receipt.id)),
        }
    }

    /// `https://t.me/NAME/7`, or `https://t.me/c/1234567890/7` in a private chat.
    fn at(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?;
        if !TELEGRAM.homes.contains(&host) {
            return None;
        }
        let steps: Vec<&str> = url.path_segments()?.filter(|step| !step.is_empty()).collect();
        let (chat, message) = match steps.as_slice() {
            ["c", id, message] => (Address::Id(format!("-100{id}").parse().ok()?), message),
            [name, message] => (Address::Name(format!("@{name}")), message),
            _ => return None,
        };
        Some(Self {
            chat,
            messages: vec![message.parse().ok()?],
        })
    }

    fn is_in(&self, chat: &Chat) -> bool {
        match &self.chat {
            Address::Id(id) => *id == chat.id,
            Address::Name(name) => chat
                .username
                .as_deref()
                .is_some_and(|username| name.trim_start_matches('@').eq_ignore_ascii_case(username)),
        }
    }
}

fn receipt(messages: &[Message]) -> Option<Receipt> {
    let first = messages.first()?;
    let ids: Vec<String> = messages
        .iter()
        .map(|message| message.message_id.to_string())
        .collect();
    Some(Receipt {
        pin: Some(first.chat.id.to_string()),
        ..Receipt::named(ids.join(","), address_of(first))
    })
}

/// Where people see it: anybody in a public channel, members in a private one.
fn address_of(message: &Message) -> Option<String> {
    let number = message.message_id;
    if let Some(username) = &message.chat.username {
        return Some(format!("https://t.me/{username}/{number}"));
    }
    let id = message.chat.id.to_string();
    let id = id.strip_prefix("-100")?;
    Some(format!("https://t.me/c/{id}/{number}"))
}

/// What the answer to a publishing request means.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status != 200 {
        return Err(refused(answer));
    }
    let sent = result::<Sent>(answer).and_then(|sent| match sent {
        Sent::One(message) => receipt(&[message]),
        Sent::Album(messages) => receipt(&messages),
    });
    sent.ok_or_else(|| answer.failure(Class::InDoubt, None))
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200 if result::<bool>(answer) == Some(true) => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        400 if description(answer).is_some_and(|words| words.contains("message to delete not found")) => {
            Ok(())
        }
        _ => Err(refused(answer)),
    }
}

/// What the answer to an edit means. What says so already is refused in these words.
pub fn read_edit(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200 if result::<IgnoredAny>(answer).is_some() => Ok(()),
        200 => Err(answer.failure(Class::InDoubt, None)),
        400 if description(answer).is_some_and(|words| words.contains("message is not modified")) => Ok(()),
        _ => Err(refused(answer)),
    }
}

/// What a 200 holds, if it says itself that it is a yes.
fn result<T: DeserializeOwned>(answer: &Answer) -> Option<T> {
    let reply: Reply<T> = answer.json()?;
    reply.result.filter(|_| reply.ok)
}

fn refusal(answer: &Answer) -> Option<Reply<IgnoredAny>> {
    answer.json::<Reply<IgnoredAny>>().filter(|reply| !reply.ok)
}

fn description(answer: &Answer) -> Option<String> {
    refusal(answer).map(|reply| reply.description)
}

/// 403s that say that the bot is out. Others are about the one request.
const PUT_OUT: [&str; 2] = ["bot was kicked", "bot is not a member"];

fn refused(answer: &Answer) -> Failure {
    let reply = refusal(answer);
    let own_shape = reply.is_some();
    let (words, parameters) = reply
        .map(|reply| (reply.description, reply.parameters))
        .unwrap_or_default();
    let class = match answer.status {
        429 => {
            let told = parameters.retry_after.map(|seconds| seconds.to_string());
            let told = told.and_then(|seconds| retry_after(&seconds, answer.at));
            Class::RateLimited {
                until: answer.wait_until().max(told),
            }
        }
        403 if PUT_OUT.iter().any(|said| words.contains(said)) => Class::Auth,
        // Of a token that is none, the server knows no method.
        404 if words == "Not Found" => Class::Auth,
        // A proxy's own page, before the server saw anything.
        413 => Class::Rejected,
        _ => answer.class(own_shape),
    };
    match parameters.migrate_to_chat_id {
        Some(id) => {
            let words = format!("{words}: the group has another number now, {id}: write it as `chat`");
            answer.failure(class, Some(&words))
        }
        None => answer.failure(class, Some(&words)),
    }
}

// The account.

#[async_trait]
impl Platform for Telegram {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        request(out, &self.known().await?.chat)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let bearer = self.token.bearer().await?;
        let request = self.call(&sealed.prepared, &bearer).await?;
        let answer = self.http.publish(request, self.limits.doubt).await?;
        self.token.answered(&bearer, read(&answer)).await
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = self.call(&sealed.prepared, &bearer).await?;
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, changed: &Edit<'_>) -> Result<Prepared, Failure> {
        edit(changed)
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = self.call(&sealed.prepared, &bearer).await?;
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read_edit(&answer)).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        let Known { bot, chat, .. } = self.known().await?;
        Ok(Some(format!("bot {bot} in chat {}", chat.id)))
    }

    /// <https://core.telegram.org/bots/api#getchatmember>. A bot can't read what is in a channel, whatever it may do.
    async fn granted(&self) -> Result<Option<Granted>, Failure> {
        let Known { bot, chat, channel } = self.known().await?;
        let (chat, bot) = (chat.id.to_string(), bot.to_string());
        let answer = self
            .get("getChatMember", &[("chat_id", &chat), ("user_id", &bot)])
            .await?;
        let member: Member = result(&answer).ok_or_else(|| harmless(refused(&answer)))?;
        Ok(Some(member.granted(*channel)))
    }

    fn token(&self) -> Option<&Token> {
        Some(&self.token)
    }

    /// A page that needs no token.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        Some(answers(&self.http, &self.base, "/").await)
    }
}

impl Telegram {
    /// The token is part of the path.
    fn method(&self, method: &str, token: &Secret) -> Result<String, Failure> {
        let key = key_of(token).ok_or_else(|| Failure::new(Class::Auth, format!("its token: {SHAPE}")))?;
        self.scrubber.learn(&key);
        Ok(format!("/bot{}/{method}", token.expose()))
    }

    /// With images or a video a form, of which all that is no text is JSON.
    async fn call(&self, prepared: &Prepared, token: &Secret) -> Result<Request, Failure> {
        let request = Request::post(&self.base, &self.method(&prepared.path, token)?);
        let (told, mut fields) = form::thaw(&prepared.body, &*self.films).await?;
        if fields.is_empty() {
            return Ok(request.json(prepared.body.clone()));
        }
        fields.extend(told.into_iter().map(|(name, value)| Field::Text {
            name: name.into(),
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        }));
        Ok(request.form(fields))
    }

    async fn known(&self) -> Result<&Known, Failure> {
        self.known.get_or_try_init(|| self.ask()).await
    }

    /// Whose token it is, and where it posts. A chat that the bot can't see is a matter of the whole account.
    async fn ask(&self) -> Result<Known, Failure> {
        let me = self.get("getMe", &[]).await?;
        let bot: User = result(&me).ok_or_else(|| harmless(refused(&me)))?;
        let chat = match &self.chat {
            Address::Id(id) => id.to_string(),
            Address::Name(name) => name.clone(),
        };
        let answer = self.get("getChat", &[("chat_id", &chat)]).await?;
        let chat: Option<Chat> = result(&answer);
        let kind: Option<Kind> = result(&answer);
        let chat = chat.ok_or_else(|| {
            let mut failure = harmless(refused(&answer));
            if failure.class == Class::Rejected {
                failure.class = Class::Auth;
            }
            failure
        })?;
        Ok(Known {
            bot: bot.id,
            chat,
            channel: kind.is_some_and(|kind| kind.kind == "channel"),
        })
    }

    async fn get(&self, method: &str, query: &[(&str, &str)]) -> Result<Answer, Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::get(&self.base, &self.method(method, &bearer)?);
        let request = if query.is_empty() {
            request
        } else {
            request.query(query)
        };
        let answer = self.http.send(request).await.map_err(harmless)?;
        match answer.status {
            401 => {
                let refused = Err(harmless(refused(&answer)));
                self.token.answered(&bearer, refused).await
            }
            _ => Ok(answer),
        }
    }
}

//! Slack: a bot that posts to a channel, or an incoming webhook of one. <https://docs.slack.dev>
//!
//! Most refusals come with a 200: an answer is a yes only if it says `"ok": true` itself. A bot's message carries
//! our id of it in its metadata, by which the channel's history is looked through when an answer was lost. A
//! webhook can't look, answers nobody, and its address is a secret as a whole.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::{Secret, SecretSource};
use super::sign_in::{SignIn, Way as ToSignIn};
use super::token::{BotKeys, Token};
use super::{
    Among, Deletion, Edit, Granted, Key, Outgoing, Platform, Prepared, Sealed, Tools, answers, harmless,
    settings,
};
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt, one_line};
use crate::text::escape::Escape;
use crate::text::limits::{Doubt, Limits, SLACK, SLACK_WEBHOOK};

mod counts;
mod files;
mod look;

pub const NAME: &str = "slack";

/// A bot's.
pub fn limits() -> Limits {
    SLACK
}

/// Those of a bot or of a webhook, whichever the account has.
pub(super) fn known_limits(table: &toml::Table, _: &std::path::Path, _: &AccountName) -> Limits {
    if table.contains_key("webhook_url") {
        SLACK_WEBHOOK
    } else {
        SLACK
    }
}

/// `[account.NAME]` with `platform = "slack"`: `webhook_url` alone, or a bot's keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Of an app with incoming webhooks, for one channel. Who knows it can post.
    webhook_url: Option<SecretSource>,
    /// `xoxb-…`, of an app that is installed in the workspace, with the scopes `chat:write files:write files:read
    /// channels:history` (in a private channel `groups:history`). Or `steadfast login`.
    #[serde(flatten)]
    token: BotKeys,
    /// The id of the channel that the bot posts to, `C0123ABCD`. The bot is invited there.
    channel: Option<String>,
    /// Another server for the bot; else Slack's.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
}

const HOME: &str = "https://slack.com";

/// <https://docs.slack.dev/quickstart>. Without token rotation, a token has no end.
pub const SIGN_IN: SignIn = SignIn {
    steps: &[
        "At api.slack.com/apps, Create New App, From scratch, in the campaign's workspace.",
        "Under OAuth & Permissions, add the Bot Token Scopes chat:write, files:write, files:read and channels:history; for a private channel groups:history instead of the last.",
        "Install the app to the workspace, and leave token rotation off.",
        "In the channel, write `/invite @` and the app's name.",
        "Under OAuth & Permissions, copy the Bot User OAuth Token: `xoxb-…`.",
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
            (None, Some(token), Some(channel)) if is_channel(&channel) => {
                Ok((Way::Bot { token, channel }, self.base_url))
            }
            (None, Some(_), Some(_)) => Err(
                "`channel` is the channel's id, as `C0123ABCD`, not its name: it stands at the end of the channel's details"
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
            tools.scrubber.learn(&url);
            let at = webhook(&url).map_err(|e| format!("webhook_url: {e}"))?;
            let (at, key) = at;
            tools.scrubber.learn(&key);
            (SLACK_WEBHOOK, at.clone(), Way::Webhook(at))
        }
        (Way::Bot { token, channel }, base) => {
            let token = token.open(&SIGN_IN, tools)?;
            let base = base.map_or_else(|| BaseUrl::parse(HOME), Ok)?;
            (SLACK, base, Way::Bot { token, channel })
        }
    };
    Ok(Box::new(Slack {
        limits,
        base,
        way,
        known: OnceCell::new(),
        http: tools.http.clone(),
    }))
}

/// A webhook's address, and the end of it, which opens it.
pub(super) fn webhook(url: &Secret) -> Result<(BaseUrl, Secret), String> {
    const SHAPE: &str = "it must be as Slack gives it: `https://hooks.slack.com/services/T…/B…/…`";
    let at = BaseUrl::endpoint(url.expose())?;
    let url = Url::parse(url.expose()).map_err(|_| SHAPE)?;
    let steps: Vec<&str> = url.path().split('/').filter(|step| !step.is_empty()).collect();
    match steps.as_slice() {
        ["services", _, _, key] => Ok((at, Secret::new(*key))),
        _ => Err(SHAPE.into()),
    }
}

struct Slack {
    limits: Limits,
    base: BaseUrl,
    way: Way<BaseUrl, Token>,
    /// Once that was asked.
    known: OnceCell<Option<Me>>,
    http: Http,
}

// The wire.

/// What every method answers. <https://docs.slack.dev/apis/web-api/#responses>
#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: String,
    /// The scope that is missing.
    needed: Option<String>,
    #[serde(default)]
    response_metadata: Value,
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>. A `ts` is the id of a message in its channel: text,
/// never a number.
#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
    message: Option<InThread>,
}

#[derive(Deserialize)]
struct InThread {
    thread_ts: Option<String>,
}

/// <https://docs.slack.dev/reference/methods/auth.test>
#[derive(Deserialize)]
struct Me {
    /// Of the workspace.
    url: String,
    team_id: String,
    user_id: String,
}

// What is said, and what the answer means.

const POST: &str = "/api/chat.postMessage";
const POST_FILES: &str = "/api/files.completeUploadExternal";
const DELETE: &str = "/api/chat.delete";
const UPDATE: &str = "/api/chat.update";
/// The kind of metadata that is ours.
const EVENT: &str = "steadfast_post";

/// What a bot sends to its channel: a message, or files that were uploaded, with a comment. `thread` is the first
/// message of the thread that it answers in.
pub fn request(out: &Outgoing<'_>, channel: &str, file_ids: &[String], thread: Option<&str>) -> Prepared {
    let text = out.part.shown_text(limits().abilities);
    let text = Escape::Entities.apply(&text);
    let (path, mut told) = if file_ids.is_empty() {
        let told = json!({
            "channel": channel,
            "text": text,
            "mrkdwn": false,
            "parse": "none",
            "link_names": false,
            "unfurl_links": true,
            "unfurl_media": true,
            "metadata": { "event_type": EVENT, "event_payload": { "delivery_id": out.key.delivery } },
        });
        (POST, told)
    } else {
        let files: Vec<Value> = file_ids.iter().map(|id| json!({ "id": id })).collect();
        (
            POST_FILES,
            json!({ "channel_id": channel, "initial_comment": text, "files": files }),
        )
    };
    if let (Some(fields), Some(thread)) = (told.as_object_mut(), thread) {
        fields.insert("thread_ts".into(), json!(thread));
    }
    Prepared {
        path: path.into(),
        body: told.to_string(),
    }
}

/// What a webhook is told. Where it is stays a secret.
pub fn webhook_request(out: &Outgoing<'_>) -> Prepared {
    let text = out.part.shown_text(SLACK_WEBHOOK.abilities);
    let told = json!({
        "text": Escape::Entities.apply(&text),
        "mrkdwn": false,
        "unfurl_links": true,
        "unfurl_media": true,
    });
    Prepared {
        path: String::new(),
        body: told.to_string(),
    }
}

/// <https://docs.slack.dev/reference/methods/chat.delete>
fn deletion(place: &Place) -> Prepared {
    Prepared {
        path: DELETE.into(),
        body: json!({ "channel": place.channel, "ts": place.ts }).to_string(),
    }
}

/// <https://docs.slack.dev/reference/methods/chat.update>. What it makes of words is by itself another thing than when
/// they are posted.
pub fn edit(edit: &Edit<'_>) -> Result<Prepared, Failure> {
    if edit.out.part.pictured() {
        let words = "the words beside a file stay on Slack as they are: delete it, or answer it";
        return Err(Failure::new(Class::Rejected, words));
    }
    let place = Place::of(edit.receipt).ok_or_else(|| edit.unnamed())?;
    let text = edit.out.part.shown_text(limits().abilities);
    let told = json!({
        "channel": place.channel,
        "ts": place.ts,
        "text": Escape::Entities.apply(&text),
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
    });
    Ok(Prepared {
        path: UPDATE.into(),
        body: told.to_string(),
    })
}

fn is_channel(id: &str) -> bool {
    id.starts_with(['C', 'G', 'D']) && is_id(id)
}

fn is_id(id: &str) -> bool {
    id.len() > 1 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Where a message is: its receipt's `id` is its `ts`, and its `pin` the channel, with the first message of its
/// thread after a `/` if it is another.
#[derive(Debug, PartialEq)]
struct Place {
    channel: String,
    ts: String,
    thread: Option<String>,
}

impl Place {
    fn of(receipt: &Receipt) -> Option<Self> {
        let Some(pin) = &receipt.pin else {
            return Self::at(receipt.url.as_deref().unwrap_or(&receipt.id));
        };
        let (channel, thread) = match pin.split_once('/') {
            Some((channel, thread)) => (channel, Some(thread.to_owned())),
            None => (pin.as_str(), None),
        };
        Some(Self {
            channel: channel.to_owned(),
            ts: receipt.id.clone(),
            thread,
        })
    }

    /// `https://team.slack.com/archives/C0123ABCD/p1760000000000200`, with `?thread_ts=` in a thread.
    fn at(url: &str) -> Option<Self> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| url.host_str().is_some_and(|host| host.ends_with(".slack.com")))?;
        let steps: Vec<&str> = url.path_segments()?.filter(|step| !step.is_empty()).collect();
        let ["archives", channel, message] = steps.as_slice() else {
            return None;
        };
        let digits = message.strip_prefix('p')?;
        let (seconds, rest) = digits.split_at_checked(digits.len().checked_sub(6)?)?;
        let thread = url.query_pairs().find(|(name, _)| name == "thread_ts");
        let numbers = digits.bytes().all(|b| b.is_ascii_digit()) && !seconds.is_empty();
        (numbers && is_channel(channel)).then(|| Self {
            channel: (*channel).to_owned(),
            ts: format!("{seconds}.{rest}"),
            thread: thread.map(|(_, thread)| thread.into_owned()),
        })
    }

    fn receipt(self) -> Receipt {
        let thread = self.thread.filter(|thread| *thread != self.ts);
        Receipt {
            pin: Some(match thread {
                Some(thread) => format!("{}/{thread}", self.channel),
                None => self.channel,
            }),
            ..Receipt::named(self.ts, None)
        }
    }
}

/// What the answer to a bot's publishing request means. Files are answered without the message that shows them:
/// then the receipt is of the first file.
pub fn read(prepared: &Prepared, answer: &Answer) -> Result<Receipt, Failure> {
    said_yes(answer)?;
    let place = if prepared.path == POST_FILES {
        files::posted(prepared, answer)
    } else {
        answer.json::<Posted>().map(|posted| Place {
            channel: posted.channel,
            ts: posted.ts,
            thread: posted.message.and_then(|message| message.thread_ts),
        })
    };
    let place = place.filter(|place| !place.ts.is_empty() && is_channel(&place.channel));
    place
        .map(Place::receipt)
        .ok_or_else(|| answer.failure(Class::InDoubt, None))
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    let gone = |said: &Said| !said.ok && said.error == "message_not_found";
    match answer.json::<Said>() {
        Some(said) if answer.status == 200 && gone(&said) => Ok(()),
        _ => said_yes(answer),
    }
}

/// Whether the answer is a yes in its own words.
fn said_yes(answer: &Answer) -> Result<(), Failure> {
    let said: Option<Said> = answer.json();
    let Some(said) = said else {
        return Err(answer.failure(answer.class(false), None));
    };
    if said.ok {
        return match answer.status {
            200 => Ok(()),
            _ => Err(answer.failure(Class::InDoubt, None)),
        };
    }
    let class = match answer.status {
        429 => answer.class(true),
        200 | 400..=499 => class_of(&said.error, answer),
        _ => Class::InDoubt,
    };
    Err(answer.failure(class, Some(&words(&said))))
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
fn class_of(error: &str, answer: &Answer) -> Class {
    match error {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => Class::RateLimited {
            until: answer.wait_until(),
        },
        "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "token_expired"
        | "account_inactive"
        | "missing_scope"
        | "no_permission"
        | "org_login_required"
        | "ekm_access_denied"
        | "team_access_not_granted" => Class::Auth,
        // It may have been posted all the same. Without a name it is no refusal of Slack's.
        "" | "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => Class::InDoubt,
        _ => Class::Rejected,
    }
}

/// The error's name, and what Slack says of it.
fn words(said: &Said) -> String {
    let error = match &said.needed {
        Some(needed) => format!("{}: the token needs {needed}", said.error),
        None => said.error.clone(),
    };
    let messages = said.response_metadata.get("messages").and_then(Value::as_array);
    let messages = messages.into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = std::iter::once(&*error).chain(messages).collect();
    words.join("; ")
}

/// What a webhook's answer means: a word, in plain text.
/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>
pub fn read_webhook(key: Key, answer: &Answer) -> Result<Receipt, Failure> {
    let word = std::str::from_utf8(&answer.body).unwrap_or_default().trim();
    if answer.status == 200 && word == "ok" && !answer.truncated {
        // It has no name there. This one is ours.
        return Ok(Receipt::named(key.delivery.to_string(), None));
    }
    let own_shape = !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let class = match answer.status {
        // The webhook is no more, or its channel, or somebody's right to it.
        404 | 410 if own_shape => Class::Auth,
        403 if word == "invalid_token" => Class::Auth,
        _ => answer.class(own_shape),
    };
    Err(answer.failure(class, own_shape.then_some(one_line(word, 100)).as_deref()))
}

// The account.

#[async_trait]
impl Platform for Slack {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        let Way::Bot { channel, .. } = &self.way else {
            return Ok(webhook_request(out));
        };
        let thread = match out.root.or(out.parent) {
            Some(root) => Some(self.thread_of(root, channel).await?),
            None => None,
        };
        let mut file_ids = Vec::new();
        for image in &out.images {
            file_ids.push(self.upload(image).await?);
        }
        if let Some(video) = &out.video {
            file_ids.push(self.upload_video(video).await?);
        }
        Ok(request(out, channel, &file_ids, thread.as_deref()))
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let body = sealed.prepared.body.clone();
        if let Way::Webhook(at) = &self.way {
            let request = Request::post(at, "").json(body);
            let answer = self.http.publish(request, self.limits.doubt).await?;
            return read_webhook(sealed.key, &answer);
        }
        let bearer = self.bearer().await?;
        let request = Request::post(&self.base, &sealed.prepared.path).bearer(&bearer);
        let answer = self.http.publish(json(request, body), self.limits.doubt).await?;
        let receipt = self.heard(&bearer, read(&sealed.prepared, &answer)).await?;
        let receipt = self.shown(receipt).await;
        Ok(self.addressed(receipt))
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        let place = Place::of(gone.receipt).ok_or_else(|| gone.unnamed())?;
        Ok(deletion(&self.message_of(place).await?))
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.bearer().await?;
        let request = Request::post(&self.base, &sealed.prepared.path).bearer(&bearer);
        let request = json(request, sealed.prepared.body.clone());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.heard(&bearer, read_deletion(&answer)).await
    }

    async fn prepare_edit(&self, changed: &Edit<'_>) -> Result<Prepared, Failure> {
        edit(changed)
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let bearer = self.bearer().await?;
        let request = Request::post(&self.base, &sealed.prepared.path).bearer(&bearer);
        let request = json(request, sealed.prepared.body.clone());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.heard(&bearer, said_yes(&answer)).await
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        self.look(sealed, among).await
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    /// A webhook tells nobody whose it is.
    async fn identity(&self) -> Result<Option<String>, Failure> {
        let known = self.known.get_or_try_init(|| self.ask()).await?;
        let Some((me, Way::Bot { channel, .. })) = known.as_ref().map(|me| (me, &self.way)) else {
            return Ok(None);
        };
        Ok(Some(format!(
            "{} of team {} in channel {channel}",
            me.user_id, me.team_id
        )))
    }

    /// The scopes stand in a header: <https://docs.slack.dev/authentication/installing-with-oauth#verify-scopes>.
    async fn granted(&self) -> Result<Option<Granted>, Failure> {
        match &self.way {
            Way::Webhook(_) => Ok(None),
            Way::Bot { channel, .. } => self.rights(channel).await,
        }
    }

    fn token(&self) -> Option<&Token> {
        match &self.way {
            Way::Webhook(_) => None,
            Way::Bot { token, .. } => Some(token),
        }
    }

    /// <https://docs.slack.dev/reference/methods/api.test>, without a token; a webhook's server has no such method,
    /// but a page.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        let page = match self.way {
            Way::Webhook(_) => "/",
            Way::Bot { .. } => "/api/api.test",
        };
        Some(answers(&self.http, &self.base, page).await)
    }
}

/// Without which a post or its image can't go out.
const NEEDED: &[&str] = &["chat:write", "files:write", "files:read"];
/// Errors that say that the token is none any more.
const OF_THE_TOKEN: &[&str] = &[
    "invalid_auth",
    "not_authed",
    "token_revoked",
    "token_expired",
    "account_inactive",
];

/// Slack warns where the character set is not named.
fn json(request: Request, body: String) -> Request {
    request.body("application/json; charset=utf-8", body)
}

impl Slack {
    /// The bot's token.
    async fn bearer(&self) -> Result<Secret, Failure> {
        match self.token() {
            Some(token) => token.bearer().await,
            None => Err(Failure::new(Class::Rejected, "a webhook has no token")),
        }
    }

    /// Tells the token what came of it, if it is about the token: Slack says so in words, with a 200.
    async fn heard<T>(&self, bearer: &Secret, came: Result<T, Failure>) -> Result<T, Failure> {
        match (came, self.token()) {
            (Err(failure), Some(token))
                if OF_THE_TOKEN.iter().any(|word| failure.words.starts_with(word)) =>
            {
                token.heard(bearer, Err(failure)).await
            }
            (came, _) => came,
        }
    }

    /// A method that may be called again.
    async fn call(&self, method: &str, pairs: &[(&str, &str)]) -> Result<Answer, Failure> {
        let bearer = self.bearer().await?;
        let request = Request::post(&self.base, &format!("/api/{method}")).pairs(pairs);
        let answer = self.http.send(request.bearer(&bearer)).await.map_err(harmless)?;
        self.heard(&bearer, said_yes(&answer).map_err(harmless)).await?;
        Ok(answer)
    }

    async fn rights(&self, channel: &str) -> Result<Option<Granted>, Failure> {
        let answer = self.call("auth.test", &[]).await?;
        let Some(scopes) = answer.header("x-oauth-scopes") else {
            return Ok(None);
        };
        let scopes: Vec<String> = scopes.split(',').map(|scope| scope.trim().to_owned()).collect();
        let has = |scope: &str| scopes.iter().any(|granted| granted == scope);
        let lacking = NEEDED.iter().filter(|scope| !has(scope));
        let mut missing: Vec<String> = lacking
            .map(|scope| format!("the app lacks the scope {scope}"))
            .collect();
        let mut reads = has("channels:history") || has("groups:history");
        if reads {
            // It says whether the bot was let in.
            match self
                .call("conversations.history", &[("channel", channel), ("limit", "1")])
                .await
            {
                Ok(_) => {}
                Err(failure) if failure.words.starts_with("missing_scope") => reads = false,
                Err(failure) if failure.class == Class::Rejected => {
                    missing.push(format!(
                        "the bot is not in the channel, invite it there ({})",
                        failure.words
                    ));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Some(Granted {
            permissions: scopes,
            missing,
            reads,
        }))
    }

    async fn ask(&self) -> Result<Option<Me>, Failure> {
        if matches!(self.way, Way::Webhook(_)) {
            return Ok(None);
        }
        let answer = self.call("auth.test", &[]).await?;
        answer.json().map(Some).ok_or_else(|| odd(&answer))
    }

    /// With its address in the workspace, if that was asked for: it was, before anything was sent.
    fn addressed(&self, receipt: Receipt) -> Receipt {
        let Some(Some(me)) = self.known.get() else {
            return receipt;
        };
        let place = Place::of(&receipt).filter(|place| place.ts.contains('.'));
        let url = place.map(|Place { channel, ts, thread }| {
            let digits = ts.replace('.', "");
            let home = me.url.trim_end_matches('/');
            let within = thread.map(|thread| format!("?thread_ts={thread}&cid={channel}"));
            format!(
                "{home}/archives/{channel}/p{digits}{}",
                within.unwrap_or_default()
            )
        });
        Receipt { url, ..receipt }
    }

    /// The first message of the thread of `receipt`. Only that may be answered.
    async fn thread_of(&self, receipt: &Receipt, channel: &str) -> Result<String, Failure> {
        let place = Place::of(receipt).filter(|place| place.channel == channel);
        let Some(place) = place else {
            let shown = receipt.url.as_deref().unwrap_or(&receipt.id);
            let words = format!("what it answers is not in this account's channel: {shown}");
            return Err(Failure::new(Class::Rejected, words));
        };
        let Place { ts, thread, .. } = self.message_of(place).await?;
        Ok(thread.unwrap_or(ts))
    }
}

fn odd(answer: &Answer) -> Failure {
    answer.failure(
        Class::Transient,
        Some("an answer of another shape than the manual's"),
    )
}

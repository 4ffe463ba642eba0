//! Bluesky (AT Protocol).
//!
//! <https://docs.bsky.app/docs/api/com-atproto-repo-put-record>. We choose the record's key ourselves and put
//! with `"swapRecord": null` ("must not exist yet"): the same record again is a no-op, another one under the
//! same key is refused, so doubt ends by sending again. Which class a refusal has goes by its `error` name
//! first and by its status second: an expired token is a 400.

mod counts;
mod session;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::http::{Answer, BaseUrl, Http, Request};
use super::secret::SecretSource;
use super::video::VideoFile;
use super::{
    Deletion, ImageBytes, Key, Outgoing, Platform, Prepared, Sealed, Tools, answers, card_of, harmless,
    settings,
};
use crate::post::digest::Digest;
use crate::post::engagement::Counts;
use crate::post::outcome::{Class, Failure, Receipt};
use crate::post::shared::Look;
use crate::text::count::with_warning;
use crate::text::entities::{EntityKind, entities};
use crate::text::limits::{BLUESKY, Limits};
use session::{Session, SignIn};

pub const NAME: &str = "bluesky";

const POST: &str = "app.bsky.feed.post";
const REPOST: &str = "app.bsky.feed.repost";

pub fn limits() -> Limits {
    BLUESKY
}

/// `[account.NAME]` with `platform = "bluesky"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to sign in: the account's own server, or bsky.social.
    #[schemars(with = "Option<String>")]
    base_url: Option<BaseUrl>,
    /// The account's handle or DID.
    identifier: String,
    /// From Settings > App passwords; never the account's own password.
    app_password: SecretSource,
}

/// Where to sign in if the config does not say.
const HOME: &str = "https://bsky.social";

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let password = config
        .app_password
        .resolve()
        .map_err(|e| format!("app_password: {e}"))?;
    tools.scrubber.learn(&password);
    let desk = SignIn {
        base: config.base_url.map_or_else(|| BaseUrl::parse(HOME), Ok)?,
        identifier: config.identifier.trim().trim_start_matches('@').to_owned(),
        password,
        vault: tools.vault.join(format!("session-{}.json", tools.account)),
        scrubber: tools.scrubber.clone(),
        http: tools.http.clone(),
        held: Mutex::default(),
    };
    Ok(Box::new(Bluesky {
        limits: limits(),
        http: tools.http.clone(),
        desk: desk.resume(),
    }))
}

struct Bluesky {
    limits: Limits,
    http: Http,
    desk: SignIn,
}

// The wire.

#[derive(Debug, Clone, Deserialize)]
struct StrongRef {
    uri: String,
    cid: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Record {
    uri: String,
    cid: String,
    value: Value,
}

/// What `putRecord` is given. The frozen body is read back as this to settle a conflict.
#[derive(Deserialize)]
struct Put {
    repo: String,
    collection: String,
    rkey: String,
    record: Value,
}

// What is said, and what the answer means.

/// What `prepare` has found out, so that the request can be made without asking anybody.
#[derive(Debug, Default)]
pub struct Found {
    /// Our own DID.
    pub did: String,
    /// The blobs of the images, in their order, or of the video.
    pub blobs: Vec<Value>,
    /// Handles in the text and whose they are.
    pub mentions: Vec<(String, String)>,
}

/// The whole request that will be visible.
pub fn request(out: &Outgoing<'_>, found: &Found) -> Prepared {
    let shown = out.part.shown_text(limits().abilities);
    let text = with_warning(&shown, out.warn.unwrap_or_default());
    let mut record = json!({
        "$type": POST,
        "text": text,
        "createdAt": out.now,
        "langs": [out.language],
    });
    // What is unused must be absent: null is another thing here.
    let mut set = |name: &str, value: Option<Value>| {
        if let (Some(fields), Some(value)) = (record.as_object_mut(), value) {
            fields.insert(name.into(), value);
        }
    };
    let facets = facets(&text, &found.mentions);
    set("facets", (!facets.is_empty()).then_some(Value::Array(facets)));
    set("embed", embed(out, &found.blobs));
    set("reply", reply(out));
    put(out, &found.did, POST, &record)
}

/// A repost of the post at `subject`.
fn share_request(out: &Outgoing<'_>, did: &str, subject: &StrongRef) -> Prepared {
    let record = json!({
        "$type": REPOST,
        "subject": { "uri": subject.uri, "cid": subject.cid },
        "createdAt": out.now,
    });
    put(out, did, REPOST, &record)
}

fn put(out: &Outgoing<'_>, did: &str, collection: &str, record: &Value) -> Prepared {
    let body = json!({
        "repo": did,
        "collection": collection,
        "rkey": record_key(out.key, out.index),
        "validate": true,
        "record": record,
        "swapRecord": null,
    });
    Prepared {
        path: xrpc("com.atproto.repo.putRecord"),
        body: body.to_string(),
    }
}

/// `com.atproto.repo.deleteRecord`: a yes too where there is no such record (any more). Posts and reposts alike; of
/// a post that a person has entered by its address, the record is found by that.
pub fn deletion(gone: &Deletion<'_>, did: &str) -> Result<Prepared, Failure> {
    let receipt = gone.receipt;
    let named = record_of(&receipt.id).map(|(_, collection, key)| (collection, key));
    let entered = || {
        let address = receipt.url.as_deref().unwrap_or(&receipt.id);
        who_and_key(address).map(|(_, key)| (POST, key))
    };
    let (collection, key) = named.or_else(entered).ok_or_else(|| gone.unnamed())?;
    let body = json!({ "repo": did, "collection": collection, "rkey": key });
    Ok(Prepared {
        path: xrpc("com.atproto.repo.deleteRecord"),
        body: body.to_string(),
    })
}

/// What the answer to a deletion means.
pub fn read_deletion(answer: &Answer) -> Result<(), Failure> {
    if answer.status == 200 {
        let own_shape = answer.json::<serde_json::Map<String, Value>>().is_some();
        return own_shape
            .then_some(())
            .ok_or_else(|| answer.failure(Class::InDoubt, None));
    }
    let no_record = |refusal: &Refusal| refusal.error == "RecordNotFound";
    match answer.json::<Refusal>().filter(no_record) {
        Some(_) => Ok(()),
        None => Err(refused(answer)),
    }
}

fn xrpc(method: &str) -> String {
    format!("/xrpc/{method}")
}

/// A TID (<https://atproto.com/specs/tid>): 53 bits of microseconds, 10 bits of "clock", made of what never
/// changes about the delivery.
///
/// Parts of a thread are a millisecond apart, so that keys go up with them. Below the millisecond, where a due
/// time has nothing, stand bits of the delivery's id: with the clock's ten they tell apart what is due at the
/// same moment.
fn record_key(key: Key, part: u16) -> String {
    const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
    let id = u128::from_be_bytes(key.delivery.bytes());
    let micros = u64::try_from(key.due.as_microsecond()).unwrap_or_default() / 1000 * 1000;
    let micros = micros + u64::from(part) * 1000 + u64::try_from((id >> 10) % 1000).unwrap_or_default();
    let clock = u64::try_from(id & 0x3ff).unwrap_or_default();
    let bits = (micros & ((1 << 53) - 1)) << 10 | clock;
    (0..13)
        .rev()
        .filter_map(|place| ALPHABET.get(usize::try_from(bits >> (5 * place) & 31).ok()?))
        .map(|&letter| char::from(letter))
        .collect()
}

/// Nothing in a text is a link, mention or tag unless a facet says so
/// (<https://docs.bsky.app/docs/advanced-guides/post-richtext>). Ranges are in UTF-8 bytes.
fn facets(text: &str, mentions: &[(String, String)]) -> Vec<Value> {
    let feature = |kind| {
        Some(match kind {
            EntityKind::Link { url } => json!({ "$type": "app.bsky.richtext.facet#link", "uri": url }),
            EntityKind::Tag { tag } => json!({ "$type": "app.bsky.richtext.facet#tag", "tag": tag }),
            EntityKind::Mention { handle } => {
                let (_, did) = mentions.iter().find(|(known, _)| *known == handle)?;
                json!({ "$type": "app.bsky.richtext.facet#mention", "did": did })
            }
        })
    };
    entities(text)
        .into_iter()
        .filter_map(|entity| {
            let index = json!({ "byteStart": entity.range.start, "byteEnd": entity.range.end });
            Some(json!({ "index": index, "features": [feature(entity.kind)?] }))
        })
        .collect()
}

/// A video or images, else a card for the link. A post has one embed.
fn embed(out: &Outgoing<'_>, blobs: &[Value]) -> Option<Value> {
    if let (Some(video), Some(blob)) = (&out.video, blobs.first()) {
        return Some(json!({
            "$type": "app.bsky.embed.video",
            "video": blob,
            "alt": video.alt,
            "aspectRatio": { "width": video.footage.width, "height": video.footage.height },
        }));
    }
    if !blobs.is_empty() {
        let image = |(image, blob): (&ImageBytes, &Value)| {
            json!({
                "image": blob,
                "alt": image.alt,
                "aspectRatio": { "width": image.width, "height": image.height },
            })
        };
        let images: Vec<Value> = out.images.iter().zip(blobs).map(image).collect();
        return Some(json!({ "$type": "app.bsky.embed.images", "images": images }));
    }
    let (uri, title) = card_of(out.part)?;
    Some(json!({
        "$type": "app.bsky.embed.external",
        "external": { "uri": uri, "title": title, "description": "" },
    }))
}

/// Both ends of the conversation so far, each with its `cid`, which the receipt keeps as its pin.
fn reply(out: &Outgoing<'_>) -> Option<Value> {
    let reference = |receipt: &Receipt| Some(json!({ "uri": receipt.id, "cid": receipt.pin.as_ref()? }));
    let parent = reference(out.parent?)?;
    let root = out.root.and_then(reference).unwrap_or_else(|| parent.clone());
    Some(json!({ "root": root, "parent": parent }))
}

/// What the answer to `putRecord` means. `Duplicate`: something else stands under the key.
pub fn read(answer: &Answer) -> Result<Receipt, Failure> {
    if answer.status == 200 {
        return match answer.json::<StrongRef>() {
            Some(done) if done.uri.starts_with("at://") && !done.cid.is_empty() => Ok(receipt(done)),
            _ => Err(answer.failure(Class::InDoubt, None)),
        };
    }
    Err(refused(answer))
}

const UPLOAD: &str = "com.atproto.repo.uploadBlob";

/// The blob that was uploaded.
fn uploaded(answer: &Answer) -> Result<Value, Failure> {
    #[derive(Deserialize)]
    struct Uploaded {
        blob: Value,
    }
    match answer.json::<Uploaded>().filter(|_| answer.status == 200) {
        Some(uploaded) => Ok(uploaded.blob),
        None => Err(harmless(refused(answer))),
    }
}

fn refused(answer: &Answer) -> Failure {
    let refusal = answer.json::<Refusal>();
    let own_shape = refusal.is_some();
    let (name, message) = refusal.map(|r| (r.error, r.message)).unwrap_or_default();
    let class = match (answer.status, name.as_str()) {
        // A name is a refusal in a 4xx alone; anywhere else it proves nothing.
        (..400 | 429 | 500.., _) => answer.class(own_shape),
        // Not accepted, and may be once the session is renewed, or the image uploaded again that the server
        // dropped because nothing used it yet.
        (_, "ExpiredToken" | "BlobNotFound") => Class::Transient,
        (
            _,
            "InvalidToken"
            | "AuthMissing"
            | "AuthenticationRequired"
            | "AuthFactorTokenRequired"
            | "AccountTakedown"
            | "AccountSuspended"
            | "AccountDeactivated"
            // Deleted, though its token lives.
            | "AccountNotFound",
        ) => Class::Auth,
        (_, "InvalidSwap") => Class::Duplicate,
        (413, _) => Class::Rejected,
        _ => answer.class(own_shape),
    };
    let words = if message.is_empty() {
        name
    } else {
        format!("{name}: {message}")
    };
    answer.failure(class, Some(&words))
}

fn receipt(done: StrongRef) -> Receipt {
    Receipt {
        pin: Some(done.cid),
        ..Receipt::named(done.uri.as_str(), page(&done.uri))
    }
}

/// `at://DID/app.bsky.feed.post/KEY` as people see it. By DID: handles change.
fn page(uri: &str) -> Option<String> {
    let (did, collection, key) = record_of(uri)?;
    (collection == POST).then(|| format!("https://bsky.app/profile/{did}/post/{key}"))
}

/// `at://DID/COLLECTION/KEY` as its three pieces.
fn record_of(uri: &str) -> Option<(&str, &str, &str)> {
    let mut pieces = uri.strip_prefix("at://")?.split('/');
    Some((pieces.next()?, pieces.next()?, pieces.next()?))
}

/// `https://bsky.app/profile/WHO/post/KEY`, or an `at://` URI, as (who, key).
fn who_and_key(url: &str) -> Option<(&str, &str)> {
    let (who, key) = match url.strip_prefix("at://") {
        Some(rest) => rest.split_once("/app.bsky.feed.post/")?,
        None => url
            .split_once("://")?
            .1
            .split_once("/profile/")?
            .1
            .split_once("/post/")?,
    };
    let key = key.split(['?', '#', '/']).next()?;
    (!who.is_empty() && !who.contains('/') && !key.is_empty()).then_some((who, key))
}

/// <https://atproto.com/specs/handle#handle-identifier-syntax>
fn is_handle(text: &str) -> bool {
    let is_label = |label: &str| {
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        bytes.len() <= 63
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(is_label)
        && !last.starts_with(|c: char| c.is_ascii_digit())
}

// The account.

#[async_trait]
impl Platform for Bluesky {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        let session = self.desk.session().await?;
        if let Some(url) = out.share {
            let subject = self.find_shared(&session, url).await?;
            return Ok(share_request(out, &session.did, &subject));
        }
        let mut found = Found {
            did: session.did.clone(),
            ..Found::default()
        };
        for image in &out.images {
            found.blobs.push(self.upload(&session, image).await?);
        }
        if let Some(video) = &out.video {
            found.blobs.push(self.upload_video(&session, video).await?);
        }
        for entity in entities(&with_warning(&out.part.text, out.warn.unwrap_or_default())) {
            if let EntityKind::Mention { handle } = entity.kind
                && let Some(did) = self.resolve(&session, &handle).await?
            {
                found.mentions.push((handle, did));
            }
        }
        let (parent, root) = (
            self.pinned(&session, out.parent).await?,
            self.pinned(&session, out.root).await?,
        );
        let out = Outgoing {
            parent: parent.as_ref(),
            root: root.as_ref(),
            ..out.clone()
        };
        Ok(request(&out, &found))
    }

    /// A session that ends in mid-air is renewed, and the failure says `Transient`: what was refused for its
    /// token was certainly not accepted, and one call of this makes one visible request at most.
    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let session = self.desk.session().await?;
        let request = Request::post(&session.service, &sealed.prepared.path)
            .bearer(&session.access)
            .json(sealed.prepared.body.clone());
        let answer = self.http.publish(request, self.limits().doubt).await?;
        let done = read(&answer);
        match &done {
            Err(failure) if failure.class == Class::Duplicate => self.settle(&session, sealed, failure).await,
            Err(failure) if is_expired(&answer) || failure.class == Class::Auth => {
                self.desk.refused(&session).await;
                done
            }
            _ => done,
        }
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone, &self.desk.session().await?.did)
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let session = self.desk.session().await?;
        let request = Request::post(&session.service, &sealed.prepared.path)
            .bearer(&session.access)
            .json(sealed.prepared.body.clone());
        let answer = self.http.publish(request, self.limits().doubt).await?;
        let done = read_deletion(&answer);
        if let Err(failure) = &done
            && (is_expired(&answer) || failure.class == Class::Auth)
        {
            self.desk.refused(&session).await;
        }
        done
    }

    /// The `cid` is made of the whole record, so it tells every post from every other.
    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        let read = async {
            let session = self.desk.session().await?;
            let found = self.look_up(&session, url).await?;
            Ok(found.map_or(Look::Gone, |post| Look::There(Digest::of(post.cid.as_bytes()))))
        };
        Some(read.await)
    }

    /// The DID: handles change hands.
    async fn identity(&self) -> Result<Option<String>, Failure> {
        Ok(Some(self.desk.session().await?.did.clone()))
    }

    /// `com.atproto.server.describeServer` needs no session.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        let service = self.desk.service().await;
        Some(answers(&self.http, &service, &xrpc("com.atproto.server.describeServer")).await)
    }
}

fn no_post(words: &str, url: &str) -> Failure {
    Failure::new(Class::Rejected, format!("{words}: {url}"))
}

fn is_expired(answer: &Answer) -> bool {
    answer
        .json::<Refusal>()
        .is_some_and(|refusal| refusal.error == "ExpiredToken")
}

impl Bluesky {
    /// A read or an upload under the session, once more with a new one if it has expired.
    async fn ask(&self, session: &Session, make: impl Fn(&BaseUrl) -> Request) -> Result<Answer, Failure> {
        let request = make(&session.service).bearer(&session.access);
        let answer = self.http.send(request).await.map_err(harmless)?;
        if !is_expired(&answer) {
            return Ok(answer);
        }
        self.desk.refused(session).await;
        let session = self.desk.session().await?;
        let request = make(&session.service).bearer(&session.access);
        self.http.send(request).await.map_err(harmless)
    }

    /// `com.atproto.repo.uploadBlob`. The same bytes give the same blob.
    async fn upload(&self, session: &Session, image: &ImageBytes) -> Result<Value, Failure> {
        let make =
            |service: &BaseUrl| Request::post(service, &xrpc(UPLOAD)).body(image.mime, image.bytes.clone());
        uploaded(&self.ask(session, make).await?)
    }

    /// The same with a video, which the platform encodes once it is posted. A session that ends meanwhile is
    /// renewed at the next try: the stream can't be sent twice.
    async fn upload_video(&self, session: &Session, video: &VideoFile) -> Result<Value, Failure> {
        let request = Request::post(&session.service, &xrpc(UPLOAD))
            .stream(video.footage.mime, video.footage.size, video.stream()?)
            .bearer(&session.access);
        let answer = self.http.send(request).await.map_err(harmless)?;
        if is_expired(&answer) {
            self.desk.refused(session).await;
        }
        uploaded(&answer)
    }

    /// Whose handle it is; `None` if it is nobody's: then it stays plain text.
    async fn resolve(&self, session: &Session, handle: &str) -> Result<Option<String>, Failure> {
        #[derive(Deserialize)]
        struct Resolved {
            did: String,
        }
        // Of what can be no handle, a server says that the fault is its own.
        if is_handle(handle) {
            let make = |service: &BaseUrl| {
                Request::get(service, &xrpc("com.atproto.identity.resolveHandle"))
                    .query(&[("handle", handle)])
            };
            let answer = self.ask(session, make).await?;
            if let Some(resolved) = answer.json::<Resolved>().filter(|_| answer.status == 200) {
                return Ok(Some(resolved.did));
            }
            let failure = harmless(refused(&answer));
            if failure.class != Class::Rejected {
                return Err(failure);
            }
        }
        tracing::warn!(
            event = "mention.unknown",
            handle,
            "@{handle} is nobody's handle: it stays plain text"
        );
        Ok(None)
    }

    /// The post at `url`, to be reposted as it stands now.
    async fn find_shared(&self, session: &Session, url: &str) -> Result<StrongRef, Failure> {
        let found = self.look_up(session, url).await?;
        found.ok_or_else(|| no_post("there is no such post (any more)", url))
    }

    /// The post at `url` as it stands now (`app.bsky.feed.getPosts`); `None`: there is none.
    async fn look_up(&self, session: &Session, url: &str) -> Result<Option<StrongRef>, Failure> {
        #[derive(Deserialize)]
        struct Posts {
            posts: Vec<StrongRef>,
        }
        let (who, key) =
            who_and_key(url).ok_or_else(|| no_post("it is not the address of a Bluesky post", url))?;
        let did = if who.starts_with("did:") {
            who.to_owned()
        } else {
            match self.resolve(session, who).await? {
                Some(owner) => owner,
                None => return Ok(None), // with its account, the post is gone
            }
        };
        let uri = format!("at://{did}/{POST}/{key}");
        let make = |service: &BaseUrl| {
            Request::get(service, &xrpc("app.bsky.feed.getPosts")).query(&[("uris", uri.as_str())])
        };
        let answer = self.ask(session, make).await?;
        let Some(found) = answer.json::<Posts>().filter(|_| answer.status == 200) else {
            return Err(harmless(refused(&answer)));
        };
        Ok(found.posts.into_iter().next())
    }

    /// A receipt with its `cid`, which one that a person entered by hand has not.
    async fn pinned(&self, session: &Session, receipt: Option<&Receipt>) -> Result<Option<Receipt>, Failure> {
        let Some(receipt) = receipt else { return Ok(None) };
        if receipt.pin.is_some() && receipt.id.starts_with("at://") {
            return Ok(Some(receipt.clone()));
        }
        let address = receipt.url.as_deref().unwrap_or(&receipt.id);
        let Some((_, key)) = who_and_key(address).or_else(|| who_and_key(&receipt.id)) else {
            let words = format!("it answers {address}, which is not the address of a Bluesky post");
            return Err(Failure::new(Class::Rejected, words));
        };
        match self.record(session, &session.did, POST, key).await? {
            Some(record) => Ok(Some(self::receipt(StrongRef {
                uri: record.uri,
                cid: record.cid,
            }))),
            None => Err(Failure::new(
                Class::Rejected,
                format!("the post that it answers is gone: {address}"),
            )),
        }
    }

    /// `com.atproto.repo.getRecord` at our own server, which is never behind.
    async fn record(
        &self,
        session: &Session,
        repo: &str,
        collection: &str,
        key: &str,
    ) -> Result<Option<Record>, Failure> {
        let make = |service: &BaseUrl| {
            let query = [("repo", repo), ("collection", collection), ("rkey", key)];
            Request::get(service, &xrpc("com.atproto.repo.getRecord")).query(&query)
        };
        let answer = self.ask(session, make).await?;
        match answer.json::<Record>().filter(|_| answer.status == 200) {
            Some(record) => Ok(Some(record)),
            None if answer
                .json::<Refusal>()
                .is_some_and(|r| r.error == "RecordNotFound") =>
            {
                Ok(None)
            }
            None => Err(harmless(refused(&answer))),
        }
    }

    /// Something stands under our key. If it says what we say, it is ours, put by an earlier try that was
    /// prepared at another moment; else a person must look.
    async fn settle(
        &self,
        session: &Session,
        sealed: &Sealed,
        refusal: &Failure,
    ) -> Result<Receipt, Failure> {
        let in_doubt = |words: &str| Failure::new(Class::InDoubt, words);
        let put: Put = serde_json::from_str(&sealed.prepared.body).map_err(|_| in_doubt(&refusal.words))?;
        let but_for_its_time = |mut record: Value| {
            record.as_object_mut().map(|fields| fields.remove("createdAt"));
            record
        };
        match self.record(session, &put.repo, &put.collection, &put.rkey).await {
            Ok(Some(there)) if but_for_its_time(there.value.clone()) == but_for_its_time(put.record) => {
                Ok(receipt(StrongRef {
                    uri: there.uri,
                    cid: there.cid,
                }))
            }
            Ok(Some(there)) => {
                let words = format!("{}: something else stands at {}", refusal.words, there.uri);
                Err(Failure::new(Class::Rejected, words))
            }
            // Gone since: sending again will tell.
            Ok(None) => Err(in_doubt(&refusal.words)),
            Err(failure) => Err(in_doubt(&failure.words)),
        }
    }
}

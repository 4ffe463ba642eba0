//! Nostr: an event, signed by us, is given to several relays.
//!
//! <https://github.com/nostr-protocol/nips>. An event's id is the hash of all that it says, its time too. So what is
//! frozen is the signed event itself: the same bytes again are the same event, wherever they arrive, and doubt ends
//! by sending them again. An event is out as soon as one relay has taken it.

mod address;
mod counts;
mod event;
mod media;
mod relay;
mod verdict;

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::http::{BaseUrl, Http};
use super::secret::SecretSource;
use super::{Among, Deletion, Outgoing, Platform, Prepared, Sealed, Tools, answers, harmless, settings};
use crate::post::digest::Digest;
use crate::post::engagement::Counts;
use crate::post::identity::AccountName;
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::post::shared::Look;
use crate::text::entities::{EntityKind, entities};
use crate::text::limits::{Limits, NOSTR, NOSTR_WITHOUT_MEDIA};
use relay::Caller;
use verdict::{Answers, verdict};

pub use address::Pointer;
pub use event::{Event, Signer, serialized};
pub use media::Uploaded;
pub use relay::read;

pub const NAME: &str = "nostr";

// Kinds of events.
const DELETION: u16 = 5;
const NOTE: u16 = 1;
const REPOST: u16 = 6;
const REPOST_OF_ANYTHING: u16 = 16;

pub fn limits() -> Limits {
    NOSTR
}

/// Those of an account with a server for its images, or of one without.
pub(super) fn known_limits(table: &toml::Table, _: &std::path::Path, _: &AccountName) -> Limits {
    if table.contains_key("media") {
        NOSTR
    } else {
        NOSTR_WITHOUT_MEDIA
    }
}

/// `[account.NAME]` with `platform = "nostr"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it posts: three to six of `"wss://relay.example"`.
    #[serde(deserialize_with = "relays")]
    #[schemars(with = "Vec<String>")]
    relays: Vec<BaseUrl>,
    /// The account's secret key, `nsec1…` or 64 hexadecimal digits. Whoever has it is the account, for ever.
    secret_key: SecretSource,
    /// How many relays must have taken a post before it counts as sent: 1, if this is left out.
    enough: Option<usize>,
    /// A Blossom server for images: `https://blossom.example`. Without it, no images.
    #[schemars(with = "Option<String>")]
    media: Option<BaseUrl>,
    /// The site that addresses of posts lead to: `https://njump.me`, if this is left out.
    #[schemars(with = "Option<String>")]
    gateway: Option<BaseUrl>,
}

const RELAYS_MAX: usize = 20;
const GATEWAY: &str = "https://njump.me";

fn relays<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<BaseUrl>, D::Error> {
    let mut relays: Vec<BaseUrl> = Vec::new();
    for text in Vec::<String>::deserialize(from)? {
        let relay = BaseUrl::socket(&text).map_err(D::Error::custom)?;
        if relays.contains(&relay) {
            return Err(D::Error::custom(format!(
                "`{}` is there twice",
                relay.as_socket()
            )));
        }
        relays.push(relay);
    }
    if relays.is_empty() || relays.len() > RELAYS_MAX {
        return Err(D::Error::custom(format!("write 1 to {RELAYS_MAX} relays")));
    }
    Ok(relays)
}

impl Config {
    pub(super) fn together(self) -> Result<(), String> {
        self.enough().map(drop)
    }

    fn enough(&self) -> Result<usize, String> {
        let (enough, all) = (self.enough.unwrap_or(1), self.relays.len());
        if (1..=all).contains(&enough) {
            Ok(enough)
        } else {
            Err(format!("`enough` is {enough}, and there are {all} `relays`"))
        }
    }
}

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let enough = config.enough()?;
    let wrong = |why: String| format!("secret_key: {why}");
    let written = config.secret_key.resolve().map_err(wrong)?;
    tools.scrubber.learn(&written);
    let signer = Signer::new(&written).map_err(wrong)?;
    for form in signer.forms() {
        tools.scrubber.learn(&form);
    }
    Ok(Box::new(Nostr {
        limits: if config.media.is_some() {
            NOSTR
        } else {
            NOSTR_WITHOUT_MEDIA
        },
        relays: config.relays,
        enough,
        media: config.media,
        gateway: config.gateway.map_or_else(|| BaseUrl::parse(GATEWAY), Ok)?,
        signer,
        http: tools.http.clone(),
    }))
}

struct Nostr {
    limits: Limits,
    relays: Vec<BaseUrl>,
    enough: usize,
    media: Option<BaseUrl>,
    gateway: BaseUrl,
    signer: Signer,
    http: Http,
}

// What is said.

type Tag = Vec<String>;

fn tag<const N: usize>(values: [&str; N]) -> Tag {
    values.map(str::to_owned).into()
}

/// The whole event that will be visible; `uploaded` are its images, in their order.
///
/// Its time is now, and a second more for each part before it: what shows a thread sorts by that.
pub fn request(out: &Outgoing<'_>, signer: &Signer, uploaded: &[Uploaded]) -> Result<Prepared, Failure> {
    let text = out.part.shown_text(limits().abilities);
    let images: Vec<&str> = uploaded.iter().map(|image| image.url.as_str()).collect();
    let content = match (text.trim_end(), images.join("\n")) {
        (_, images) if images.is_empty() => text.clone().into_owned(),
        ("", images) => images,
        (text, images) => format!("{text}\n\n{images}"),
    };
    let mut tags = reply(out, signer)?;
    tags.extend(words(&text));
    if let Some(warn) = out.warn {
        tags.push(tag(["content-warning", warn])); // NIP-36
    }
    if let Some(language) = two_letters(out.language) {
        tags.push(tag(["L", "ISO-639-1"])); // NIP-32
        tags.push(tag(["l", language, "ISO-639-1"]));
    }
    let images = out.images.iter().zip(uploaded);
    tags.extend(images.map(|(image, at)| media::imeta(image, at)));
    let at = out.now.as_second() + i64::from(out.index);
    Ok(frozen(&signer.sign(at, NOTE, tags, content)))
}

fn frozen(event: &Event) -> Prepared {
    Prepared {
        path: "EVENT".into(),
        body: json!(event).to_string(),
    }
}

/// Both ends of the conversation so far (NIP-10).
fn reply(out: &Outgoing<'_>, signer: &Signer) -> Result<Vec<Tag>, Failure> {
    let Some(parent) = out.parent else {
        return Ok(Vec::new());
    };
    let end = |receipt: &Receipt, marker: &str| {
        let Some(at) = Pointer::of(receipt) else {
            let shown = receipt.url.as_deref().unwrap_or(&receipt.id);
            let words = format!("what it answers has no id that is known: {shown}");
            return Err(Failure::new(Class::Rejected, words));
        };
        let author = at.author.unwrap_or_else(|| signer.key()).to_string();
        let (id, relay) = (at.id.to_string(), at.relay.unwrap_or_default());
        Ok(tag(["e", &id, &relay, marker, &author]))
    };
    let root = out.root.unwrap_or(parent);
    let mut tags = vec![end(root, "root")?];
    if root.id != parent.id {
        tags.push(end(parent, "reply")?);
    }
    Ok(tags)
}

/// What a text has that is more than words: hashtags and links (NIP-24), people and posts (NIP-27, NIP-18).
fn words(content: &str) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    for entity in entities(content) {
        tags.push(match entity.kind {
            EntityKind::Tag { tag: name } => tag(["t", &name.to_lowercase()]),
            EntityKind::Link { url } => tag(["r", &url]),
            EntityKind::Mention { .. } => continue,
        });
    }
    for rest in content.split("nostr:").skip(1) {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let named = rest.split_at(end).0;
        if let Some(person) = address::person(named) {
            tags.push(tag(["p", &person.to_string()]));
        } else if let Some(at) = Pointer::parse(named) {
            let author = at.author.map(|author| author.to_string()).unwrap_or_default();
            let relay = at.relay.unwrap_or_default();
            tags.push(tag(["q", &at.id.to_string(), &relay, &author]));
        }
    }
    let mut seen = HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags
}

/// The namespace has languages of two letters alone.
fn two_letters(language: &str) -> Option<&str> {
    language.split('-').next().filter(|primary| primary.len() == 2)
}

/// A repost of `event`, which the relay `at` has (NIP-18). One that its author does not want copied is only named
/// (NIP-70).
pub fn share_request(out: &Outgoing<'_>, signer: &Signer, event: &Event, at: &str) -> Prepared {
    let mut tags = vec![tag(["e", &event.id.to_string(), at]), tag(["p", &event.pubkey])];
    let kind = if event.kind == NOTE {
        REPOST
    } else {
        tags.push(tag(["k", &event.kind.to_string()]));
        REPOST_OF_ANYTHING
    };
    let kept = event
        .tags
        .iter()
        .any(|tag| matches!(tag.as_slice(), [name] if name == "-"));
    let content = if kept {
        String::new()
    } else {
        json!(event).to_string()
    };
    frozen(&signer.sign(out.now.as_second(), kind, tags, content))
}

/// A request to delete (NIP-09). Relays that follow it forget the event; copies may stay elsewhere.
pub fn deletion(gone: &Deletion<'_>, signer: &Signer) -> Result<Prepared, Failure> {
    let at = Pointer::of(gone.receipt).ok_or_else(|| gone.unnamed())?;
    let mut tags = vec![tag(["e", &at.id.to_string()])];
    if let Some(kind) = at.kind {
        tags.push(tag(["k", &kind.to_string()]));
    }
    Ok(frozen(&signer.sign(
        gone.now.as_second(),
        DELETION,
        tags,
        String::new(),
    )))
}

/// The event that was frozen.
fn thaw(prepared: &Prepared) -> Result<Event, Failure> {
    serde_json::from_str(&prepared.body)
        .map_err(|e| Failure::new(Class::Rejected, format!("the frozen event can't be read: {e}")))
}

// The account.

/// So long the other relays are waited for, once enough have taken a post. They have it too, or they are told of.
const PATIENCE: Duration = Duration::from_secs(3);

#[async_trait]
impl Platform for Nostr {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        if let Some(url) = out.share {
            let (event, at) = self.fetch(pointer(url)?.id).await?.ok_or_else(|| {
                let words = format!("none of the account's relays has the post at {url}");
                Failure::new(Class::Rejected, words)
            })?;
            return Ok(share_request(out, &self.signer, &event, &at.as_socket()));
        }
        let mut uploaded = Vec::new();
        for image in &out.images {
            let server = self.media.as_ref().ok_or_else(|| {
                Failure::new(Class::Rejected, "the account has no `media` server for images")
            })?;
            uploaded.push(media::upload(&self.http, &self.signer, server, image).await?);
        }
        request(out, &self.signer, &uploaded)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let event = thaw(&sealed.prepared)?;
        let answers = self.tell(event.id, &sealed.prepared.body, self.enough).await;
        let altered = verdict(&answers, self.enough)?;
        let has_it = |(relay, answer): (_, &Result<_, _>)| answer.is_ok().then_some(relay);
        let at = self
            .relays
            .iter()
            .zip(answers.iter().map(|(_, answer)| answer))
            .find_map(has_it);
        Ok(Receipt {
            altered,
            ..self.receipt(&event, at)
        })
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        deletion(gone, &self.signer)
    }

    /// A relay that refuses it and does not have the post has nothing to delete.
    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let event = thaw(&sealed.prepared)?;
        let mut answers = self
            .tell(event.id, &sealed.prepared.body, self.relays.len())
            .await;
        let meant = event.tags.iter().find_map(|tag| match tag.as_slice() {
            [name, id, ..] if name == "e" => id.parse().ok(),
            _ => None,
        });
        for (relay, (_, answer)) in self.relays.iter().zip(&mut answers) {
            let refuses = |failure: &Failure| matches!(failure.class, Class::Rejected | Class::Auth);
            if answer.as_ref().is_err_and(refuses)
                && let Some(id) = meant
                && let Ok(None) = self.caller(relay).look(id).await
            {
                *answer = Ok(());
            }
        }
        verdict::of_deletion(&answers)
    }

    async fn find(&self, sealed: &Sealed, _: &Among) -> Result<Found, Failure> {
        let event = thaw(&sealed.prepared)?;
        Ok(match self.fetch(event.id).await? {
            Some((_, at)) => Found::Here(self.receipt(&event, Some(at))),
            None => Found::Absent,
        })
    }

    /// Its id is the hash of all that it says: it can be gone, but never another.
    async fn read(&self, url: &str) -> Option<Result<Look, Failure>> {
        let id = match pointer(url) {
            Ok(at) => at.id,
            Err(failure) => return Some(Err(failure)),
        };
        let look = |found: Option<_>| found.map_or(Look::Gone, |_| Look::There(id));
        Some(self.fetch(id).await.map(look))
    }

    async fn engagement(&self, of: &[Receipt]) -> Result<Vec<Counts>, Failure> {
        self.counts(of).await
    }

    async fn identity(&self) -> Result<Option<String>, Failure> {
        Ok(Some(address::npub(&self.signer.key())))
    }

    /// What a relay says about itself (NIP-11), until one answers.
    async fn probe(&self) -> Option<Result<(), Failure>> {
        let mut answered = Ok(());
        for relay in &self.relays {
            answered = answers(&self.http, relay, "").await;
            if answered.is_ok() {
                break;
            }
        }
        Some(answered)
    }
}

fn pointer(url: &str) -> Result<Pointer, Failure> {
    Pointer::parse(url).ok_or_else(|| {
        let words = format!("{url} is no post's address on Nostr: it must end with `nevent1…` or `note1…`");
        Failure::new(Class::Rejected, words)
    })
}

impl Nostr {
    fn caller<'a>(&'a self, relay: &'a BaseUrl) -> Caller<'a> {
        Caller {
            http: &self.http,
            signer: &self.signer,
            relay,
        }
    }

    /// Gives an event to all relays at once.
    async fn tell(&self, id: Digest, body: &str, enough: usize) -> Answers<'_> {
        let unheard = || Failure::new(Class::InDoubt, "it did not answer while enough others did");
        let mut answers: Answers<'_> = self
            .relays
            .iter()
            .map(|relay| (relay.host(), Err(unheard())))
            .collect();
        let one = |(number, relay)| async move { (number, self.caller(relay).publish(id, body).await) };
        let mut under_way: FuturesUnordered<_> = self.relays.iter().enumerate().map(one).collect();
        let mut accepted = 0;
        let mut until = None;
        loop {
            let next = match until {
                Some(until) => timeout_at(until, under_way.next()).await.unwrap_or(None),
                None => under_way.next().await,
            };
            let Some((number, answer)) = next else {
                break;
            };
            accepted += usize::from(answer.is_ok());
            if accepted >= enough && until.is_none() {
                until = Some(Instant::now() + PATIENCE);
            }
            if let Some((_, heard)) = answers.get_mut(number) {
                *heard = answer;
            }
        }
        answers
    }

    /// The event of that id, from the first relay that has it. Only the account's own relays are asked: an address
    /// in a message must not send us anywhere. `None` if all say that they have not; one that can't be asked may.
    async fn fetch(&self, id: Digest) -> Result<Option<(Event, &BaseUrl)>, Failure> {
        let one = |relay| async move { (relay, self.caller(relay).look(id).await) };
        let mut under_way: FuturesUnordered<_> = self.relays.iter().map(one).collect();
        let mut silent = None;
        while let Some((relay, answer)) = under_way.next().await {
            match answer {
                Ok(Some(event)) => return Ok(Some((event, relay))),
                Ok(None) => {}
                Err(failure) => {
                    let words = format!("{}: {}", relay.host(), failure.words);
                    silent = Some(Failure { words, ..failure });
                }
            }
        }
        silent.map_or(Ok(None), |failure| Err(harmless(failure)))
    }

    fn receipt(&self, event: &Event, at: Option<&BaseUrl>) -> Receipt {
        let pointer = Pointer {
            id: event.id,
            relay: at.map(BaseUrl::as_socket),
            author: event.pubkey.parse().ok(),
            kind: Some(event.kind.into()),
        };
        let url = pointer
            .nevent()
            .map(|nevent| format!("{}/{nevent}", self.gateway));
        Receipt::named(event.id.to_string(), url)
    }
}

//! The built-in stand-in for a platform: the same limits, a timeline of its own, nothing to sign up for.
//!
//! Each account's timeline is a file of JSON lines, only ever appended to. By itself a post is put under our
//! own key, so putting it again is a no-op that gives the first receipt: doubt ends by sending again. With
//! `doubt` it behaves like platforms that have no such keys, so that operators can rehearse them.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::http::Http;
use super::video::VideoFile;
use super::{Among, Deletion, Edit, Outgoing, Platform, Prepared, Sealed, Tools, settings};
use crate::post::content::{Image, Video};
use crate::post::identity::{AccountName, DeliveryId};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::count::{graphemes, measure};
use crate::text::limits::{self, Answer, Doubt, Limits};
use crate::text::videos::misfits;

mod timeline;

use timeline::{Timeline, file};
pub use timeline::{accounts, timeline};

pub const NAME: &str = "sandbox";

/// Whose limits are taken if the account does not say.
const LIKE: &str = "mastodon";

pub fn limits() -> Limits {
    like(limits::MASTODON)
}

/// Those of the platform that it is like.
pub(super) fn known_limits(table: &toml::Table, _: &Path, _: &AccountName) -> Limits {
    let like = table.get("like").and_then(toml::Value::as_str);
    limits::of(like.unwrap_or(LIKE)).map_or_else(limits, Limits::clone)
}

fn like(mut limits: Limits) -> Limits {
    limits.platform = NAME;
    limits.doubt = Way::OwnId.doubt();
    limits.share_doubt = None;
    limits.answer = limits.answer.map(|answer| Answer {
        doubt: None,
        ..answer
    });
    limits.counts = None; // nobody is there to like anything
    limits
}

/// How it lets a doubt end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Way {
    #[default]
    OwnId,
    Key,
    TwoSteps,
    ReadBack,
    None,
}

impl Way {
    /// A file has no lag: what is not in it after a few looks is not there.
    fn doubt(self) -> Doubt {
        const SETTLE: Duration = Duration::ZERO;
        match self {
            Way::OwnId => Doubt::OwnId,
            Way::Key => Doubt::Key {
                window: Some(Duration::from_mins(50)),
                then: Some(SETTLE),
            },
            Way::TwoSteps => Doubt::TwoSteps { settle: SETTLE },
            Way::ReadBack => Doubt::ReadBack { settle: SETTLE },
            Way::None => Doubt::Ask,
        }
    }
}

/// `[account.NAME]` with `platform = "sandbox"`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The platform whose limits it takes; by default mastodon.
    like: Option<String>,
    /// How it lets a doubt end, to rehearse other platforms: `own-id` (the default), `key`, `two-steps`,
    /// `read-back` or `none`.
    doubt: Way,
}

pub(super) fn open(table: toml::Table, tools: &Tools<'_>) -> Result<Box<dyn Platform>, String> {
    let config: Config = settings(table)?;
    let name = config.like.as_deref().unwrap_or(LIKE);
    let model = limits::of(name).ok_or_else(|| {
        let names: Vec<&str> = limits::PLATFORMS.iter().map(|model| model.platform).collect();
        format!(
            "like: there is no platform `{name}`; there are {}",
            names.join(", ")
        )
    })?;
    let mut limits = like(model.clone());
    limits.doubt = config.doubt.doubt();
    Ok(Box::new(Sandbox {
        limits,
        way: config.doubt,
        timeline: Arc::new(Mutex::new(Timeline::new(file(tools.vault, tools.account)))),
        http: tools.http.clone(),
    }))
}

struct Sandbox {
    limits: Limits,
    way: Way,
    timeline: Arc<Mutex<Timeline>>,
    /// For its clock alone.
    http: Http,
}

/// What a timeline shows of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// 32 hexadecimal digits; the page's anchor.
    pub id: String,
    /// When the sandbox took it.
    pub at: Timestamp,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
    /// When it was given other words, the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Timestamp>,
    /// With the words that it has by now.
    #[serde(flatten)]
    pub said: Said,
}

/// What was said in it: the frozen request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub message: String,
    /// Which part of how many, counted from 0.
    pub index: u16,
    pub of: u16,
    pub text: String,
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The file's name in the messages folder, and its description.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The same of a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Video>,
    /// The URL of the post that this one shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
    /// The id of the part that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// The request that deletes a part.
#[derive(Debug, Serialize, Deserialize)]
struct Gone {
    /// The part's id.
    gone: String,
}

/// The request that gives a part other words.
#[derive(Debug, Serialize, Deserialize)]
struct Edited {
    /// The part's id.
    edited: String,
    text: String,
}

/// The whole request, or why a platform like this would refuse it.
pub fn request(limits: &Limits, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
    let text = out.part.shown_text(limits.abilities);
    if let Some(words) = objection(limits, out, &text) {
        return Err(Failure::new(Class::Rejected, words));
    }
    let said = Said {
        message: out.message.to_owned(),
        index: out.index,
        of: out.of,
        text: text.into_owned(),
        language: out.language.to_owned(),
        warn: out.warn.map(str::to_owned),
        link: out.part.link.as_ref().map(|link| link.url.clone()),
        images: out.part.images.clone(),
        video: out.part.video.clone(),
        share: out.share.map(str::to_owned),
        parent: out.parent.map(|parent| parent.id.clone()),
    };
    Ok(Prepared {
        path: String::new(),
        body: serde_json::json!(said).to_string(),
    })
}

/// What a platform with these limits would say against it.
fn objection(limits: &Limits, out: &Outgoing<'_>, text: &str) -> Option<String> {
    let limits = &*limits.answering(out.parent.is_some());
    let rule = limits.rule(usize::from(out.index), out.part.pictured());
    if let Some(objection) = measure(rule, text, out.warn.unwrap_or_default()).objection() {
        return Some(format!("the text {objection}"));
    }
    if text.trim().is_empty() && !out.part.pictured() && out.share.is_none() {
        return Some("the text is empty".into());
    }
    let videos = usize::from(out.video.is_some());
    if out.share.is_none() && out.images.len() + videos < usize::from(limits.min_images) {
        return Some("nothing is taken without an image".into());
    }
    if out.images.len() > usize::from(limits.max_images) {
        return Some(format!(
            "there are {} images; at most {} are taken",
            out.images.len(),
            limits.max_images
        ));
    }
    if let Some(VideoFile { footage, .. }) = &out.video
        && let Some(misfit) = misfits(footage, limits.video.as_ref()).first()
    {
        return Some(format!("it {}", misfit.said(footage, limits.video.as_ref()).0));
    }
    let images = out.images.iter().map(|image| &*image.alt);
    let mut alts = images.chain(out.video.iter().map(|video| &*video.alt));
    let long = alts.find_map(|alt| {
        let (length, max) = (graphemes(alt), limits.max_alt?);
        (length > max).then(|| format!("a description has {length} characters; at most {max} are taken"))
    });
    long.or_else(|| {
        out.images.iter().find_map(|image| {
            if image.bytes.len() as u64 > limits.max_image_bytes {
                return Some(format!(
                    "an image has {} bytes; at most {} are taken",
                    image.bytes.len(),
                    limits.max_image_bytes
                ));
            }
            if !limits.image_types.contains(&image.mime) {
                return Some(format!("images of type {} are not taken", image.mime));
            }
            None
        })
    })
}

#[async_trait]
impl Platform for Sandbox {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        let mut prepared = request(&self.limits, out)?;
        if self.way == Way::TwoSteps {
            // A new container each time, which nobody sees.
            let made = u128::from(out.now.as_microsecond().unsigned_abs());
            prepared.path = format!("{CONTAINER}{}", id_near(out.key.delivery, made));
        }
        Ok(prepared)
    }

    async fn publish(&self, sealed: &Sealed) -> Result<Receipt, Failure> {
        let said = said(sealed)?;
        let (key, at) = (sealed.key.delivery, self.http.now());
        let (way, container) = (self.way, container(sealed));
        let done = self
            .with_timeline(move |timeline| match way {
                Way::OwnId | Way::Key => timeline.put(&key.to_string(), said, at),
                Way::TwoSteps => timeline.put_once(&container, said, at),
                Way::ReadBack | Way::None => timeline.add(key, said, at),
            })
            .await;
        match done {
            Ok(Some(id)) => Ok(receipt(&id)),
            Ok(None) => Err(Failure::new(
                Class::Rejected,
                "this container was published already",
            )),
            // Whatever went wrong with the disk, it may be there.
            Err(words) => Err(Failure::new(Class::InDoubt, words)),
        }
    }

    async fn prepare_deletion(&self, gone: &Deletion<'_>) -> Result<Prepared, Failure> {
        if !self.limits.delete {
            return Err(Failure::new(
                Class::Rejected,
                "nothing can be deleted on this platform: do it by hand",
            ));
        }
        Ok(Prepared {
            path: String::new(),
            body: serde_json::json!(Gone {
                gone: gone.receipt.id.clone()
            })
            .to_string(),
        })
    }

    async fn delete(&self, sealed: &Sealed) -> Result<(), Failure> {
        let Gone { gone } = serde_json::from_str(&sealed.prepared.body)
            .map_err(|e| Failure::new(Class::Rejected, format!("not a deletion of the sandbox: {e}")))?;
        let at = self.http.now();
        self.with_timeline(move |timeline| timeline.delete(&gone, at))
            .await
            .map_err(|words| Failure::new(Class::InDoubt, words))
    }

    async fn prepare_edit(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        if !self.limits.edits {
            return Err(super::no_edits());
        }
        let text = edit.out.part.shown_text(self.limits.abilities);
        let rule = self
            .limits
            .rule(usize::from(edit.out.index), edit.out.part.pictured());
        let measured = measure(rule, &text, edit.out.warn.unwrap_or_default());
        if let Some(objection) = measured.objection() {
            return Err(Failure::new(Class::Rejected, format!("the text {objection}")));
        }
        Ok(Prepared {
            path: String::new(),
            body: serde_json::json!(Edited {
                edited: edit.receipt.id.clone(),
                text: text.into_owned(),
            })
            .to_string(),
        })
    }

    async fn edit(&self, sealed: &Sealed) -> Result<(), Failure> {
        let Edited { edited, text } = serde_json::from_str(&sealed.prepared.body)
            .map_err(|e| Failure::new(Class::Rejected, format!("not an edit of the sandbox: {e}")))?;
        let at = self.http.now();
        let done = self
            .with_timeline(move |timeline| timeline.edit(&edited, &text, at))
            .await
            .map_err(|words| Failure::new(Class::InDoubt, words))?;
        done.then_some(())
            .ok_or_else(|| Failure::new(Class::Rejected, "there is no such post to be edited"))
    }

    async fn find(&self, sealed: &Sealed, among: &Among) -> Result<Found, Failure> {
        let (wanted, way, among) = (said(sealed)?, self.way, among.clone());
        let container = container(sealed);
        let shown = self
            .with_timeline(Timeline::all)
            .await
            .map_err(|words| Failure::new(Class::Transient, words))?;
        let is_it = |shown: &Shown| {
            if way == Way::TwoSteps {
                return shown.id == container;
            }
            shown.at >= among.since && !among.taken.contains(&shown.id) && shown.said == wanted
        };
        let mut found: Vec<Shown> = shown.into_iter().filter(is_it).collect();
        Ok(match (found.pop(), found.is_empty()) {
            (None, _) => Found::Absent,
            (Some(one), true) => Found::Here(receipt(&one.id)),
            (Some(_), false) => Found::Unclear("the timeline has it more than once".to_owned()),
        })
    }
}

impl Sandbox {
    /// Does something with the timeline's file, away from everybody else.
    async fn with_timeline<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Timeline) -> io::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let timeline = Arc::clone(&self.timeline);
        let work = move || work(&mut timeline.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(e)) => Err(format!("the sandbox's timeline: {e}")),
            Err(e) => Err(format!("the sandbox's timeline: {e}")),
        }
    }
}

const CONTAINER: &str = "/containers/";

fn container(sealed: &Sealed) -> String {
    let path = &sealed.prepared.path;
    path.strip_prefix(CONTAINER).unwrap_or_default().to_owned()
}

fn said(sealed: &Sealed) -> Result<Said, Failure> {
    serde_json::from_str(&sealed.prepared.body)
        .map_err(|e| Failure::new(Class::Rejected, format!("not a post of the sandbox: {e}")))
}

/// An id that is not the key itself: 32 hexadecimal digits.
fn id_near(key: DeliveryId, distance: u128) -> String {
    format!("{:032x}", u128::from_be_bytes(key.bytes()).wrapping_add(distance))
}

fn receipt(id: &str) -> Receipt {
    Receipt::named(id, Some(format!("/sandbox#{id}")))
}

//! Videos: uploaded piece by piece where nobody sees them, and waited for. What shows one to the world is a request of
//! its own, which does no more when it is sent again, and the video itself says whether it is out.
//!
//! <https://developers.facebook.com/docs/video-api/guides/publishing>,
//! <https://developers.facebook.com/docs/graph-api/reference/video>

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::graph::{Trouble, is_id, odd, refusal, said};
use super::super::http::{Answer, Field, Request};
use super::super::video::{Pieces, VideoFile, looks, patience};
use super::{Account, Outgoing, Prepared, VERSION};
use crate::post::outcome::{Class, Failure, Found, Receipt};
use crate::text::limits::FACEBOOK;

/// The largest piece, in bytes, whatever it asks for.
const PIECE: u64 = 4 << 20;
/// How long the address of a video that is out may be waited for: its receipt is not on the disk yet.
const ADDRESS: Duration = Duration::from_secs(5);

// The wire.

#[derive(Deserialize)]
struct Begun {
    video_id: String,
    upload_session_id: String,
    #[serde(flatten)]
    wanted: Wanted,
}

/// The bytes that it wants next; none: it has all. Numbers come as text.
#[derive(Deserialize)]
struct Wanted {
    start_offset: Value,
    end_offset: Value,
}

impl Wanted {
    fn bytes(&self) -> Option<(u64, u64)> {
        let number = |told: &Value| told.as_u64().or_else(|| told.as_str()?.parse().ok());
        Some((number(&self.start_offset)?, number(&self.end_offset)?))
    }
}

#[derive(Deserialize)]
struct Done {
    success: bool,
}

#[derive(Deserialize)]
struct Worked {
    status: Status,
}

/// <https://developers.facebook.com/docs/graph-api/reference/video-status>
#[derive(Deserialize)]
struct Status {
    #[serde(rename = "video_status")]
    state: String,
    #[serde(default)]
    uploading_phase: Phase,
    #[serde(default)]
    processing_phase: Phase,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Phase {
    error: Option<Words>,
    errors: Vec<Words>,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    message: String,
}

impl Status {
    /// What it says of what went wrong.
    fn words(&self) -> String {
        let phases = [&self.uploading_phase, &self.processing_phase];
        let errors = phases
            .into_iter()
            .flat_map(|phase| phase.errors.iter().chain(&phase.error));
        let words: Vec<&str> = errors.map(|error| error.message.as_str()).collect();
        words.join("; ")
    }
}

/// Whether it is out, and where.
#[derive(Deserialize)]
struct Shown {
    published: Option<bool>,
    permalink_url: Option<String>,
    post_id: Option<String>,
}

// What is said, and what the answer means.

/// The whole request that will be visible. The words that it is found by are in it; its description for those who do not
/// see has no place there.
pub fn request(out: &Outgoing<'_>, video: &str) -> Prepared {
    let text = out.part.shown_text(FACEBOOK.abilities);
    let mut told = Map::from_iter([("published".to_owned(), json!(true))]);
    if !text.is_empty() {
        told.insert("description".into(), json!(text));
    }
    Prepared {
        path: format!("{VERSION}/{video}"),
        body: json!(told).to_string(),
    }
}

/// The number of the video that a frozen request publishes; `None`: it is another request.
pub(super) fn of(prepared: &Prepared) -> Option<&str> {
    let id = prepared.path.strip_prefix(VERSION)?.strip_prefix('/')?;
    is_id(id).then_some(id)
}

/// What the answer to the publishing request means.
pub fn read(video: &str, answer: &Answer) -> Result<Receipt, Failure> {
    let done: Option<Done> = answer.json();
    if answer.status == 200 && done.is_some_and(|done| done.success) {
        return Ok(receipt(video, None));
    }
    Err(refusal(answer))
}

/// Of the post that shows it, as far as that is told.
fn receipt(video: &str, shown: Option<Shown>) -> Receipt {
    let (post, at) = shown.map_or((None, None), |shown| (shown.post_id, shown.permalink_url));
    let url = match at {
        Some(path) if path.starts_with('/') => format!("https://www.facebook.com{path}"),
        Some(url) => url,
        None => format!("https://www.facebook.com/watch/?v={video}"),
    };
    let post = post.filter(|post| is_id(post));
    Receipt::named(post.unwrap_or_else(|| video.to_owned()), Some(url))
}

impl Account {
    /// Its number, once it may be published.
    pub(super) async fn upload_video(&self, video: &VideoFile) -> Result<String, Failure> {
        let size = video.footage.size;
        let length = size.to_string();
        let begun = self.step(&[("upload_phase", "start"), ("file_size", &length)]);
        let answer = self.graph.ask(begun).await?;
        let Begun {
            video_id,
            upload_session_id: session,
            mut wanted,
        } = said(&answer)?;
        if !is_id(&video_id) {
            return Err(odd(&answer));
        }
        let mut pieces = video.pieces()?;
        loop {
            let (start, end) = wanted.bytes().ok_or_else(|| odd(&answer))?;
            if start >= end {
                break;
            }
            if start != size - pieces.left() {
                let words = "it has not got all of a video, and it is uploaded again";
                return Err(Failure::new(Class::Transient, words));
            }
            wanted = self.append(video, &session, start, end, &mut pieces).await?;
        }
        if pieces.left() > 0 {
            return Err(odd(&answer));
        }
        let end = self.step(&[
            ("upload_phase", "finish"),
            ("upload_session_id", &session),
            ("published", "false"),
        ]);
        let answer = self.graph.ask(end).await?;
        let Done { success } = said(&answer)?;
        if !success {
            return Err(odd(&answer));
        }
        self.processed(&video_id).await?;
        Ok(video_id)
    }

    fn step(&self, told: &[(&str, &str)]) -> Request {
        let at = self.graph.at(&format!("{}/videos", self.page));
        Request::post(&self.videos, &at).pairs(told)
    }

    async fn append(
        &self,
        video: &VideoFile,
        session: &str,
        start: u64,
        end: u64,
        pieces: &mut Pieces,
    ) -> Result<Wanted, Failure> {
        let most = usize::try_from((end - start).min(PIECE)).unwrap_or(usize::MAX);
        let piece = pieces.next(most).await?.unwrap_or_default();
        let length = piece.len() as u64;
        let text = |name: &'static str, value: &str| Field::Text {
            name: name.into(),
            value: value.to_owned(),
        };
        let fields = vec![
            text("upload_phase", "transfer"),
            text("upload_session_id", session),
            text("start_offset", &start.to_string()),
            Field::File {
                name: "video_file_chunk".into(),
                file_name: video.file_name().into(),
                mime: video.footage.mime.into(),
                bytes: piece,
            },
        ];
        let at = self.graph.at(&format!("{}/videos", self.page));
        let request = Request::post(&self.videos, &at)
            .form(fields)
            .patience(patience(length));
        said(&self.graph.ask(request).await?)
    }

    /// Waits until it is.
    async fn processed(&self, video: &str) -> Result<(), Failure> {
        let mut waits = looks();
        loop {
            let answer = self.graph.get(video, &[("fields", "status")]).await?;
            let early = Trouble::of(&answer).is_some_and(|trouble| trouble.is_too_early());
            if !(early && (400..500).contains(&answer.status)) {
                let Worked { status } = said(&answer)?;
                match status.state.as_str() {
                    "ready" => return Ok(()),
                    "error" | "upload_failed" => {
                        let words = format!("a video could not be processed: {}", status.words());
                        return Err(Failure::new(Class::Rejected, words));
                    }
                    "expired" => {
                        let words = "what was uploaded is not there any more";
                        return Err(Failure::new(Class::Transient, words));
                    }
                    _ => {}
                }
            }
            let Some(wait) = waits.next() else {
                let words = "the server is still processing what was uploaded";
                return Err(Failure::new(Class::Transient, words));
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Publishes it, and asks for the post that shows it. It is out, whatever becomes of that.
    pub(super) async fn publish_video(&self, video: &str, prepared: &Prepared) -> Result<Receipt, Failure> {
        let request = Request::post(&self.graph.base, &prepared.path).json(prepared.body.clone());
        let done = self
            .graph
            .publish(request, self.limits.doubt, |answer| read(video, answer));
        let done = done.await?;
        let shown = tokio::time::timeout(ADDRESS, self.shown(video)).await;
        match shown {
            Ok(Ok(answer)) => Ok(receipt(video, said(&answer).ok())),
            _ => Ok(done),
        }
    }

    async fn shown(&self, video: &str) -> Result<Answer, Failure> {
        self.graph
            .get(video, &[("fields", "published,permalink_url,post_id")])
            .await
    }

    /// Whether it was published: it knows that itself.
    pub(super) async fn find_video(&self, video: &str) -> Result<Found, Failure> {
        let answer = self.shown(video).await?;
        if let Some(trouble) = Trouble::of(&answer).filter(|_| (400..500).contains(&answer.status)) {
            if trouble.is_unknown() {
                let words = "the video that was to be published is not there any more, or may not be seen";
                return Ok(Found::Unclear(words.to_owned()));
            }
            if trouble.is_forbidden() {
                let words = format!(
                    "the account may not read what the Page uploaded ({})",
                    trouble.words()
                );
                return Ok(Found::Unclear(words));
            }
        }
        let shown: Shown = said(&answer)?;
        match shown.published {
            Some(true) => Ok(Found::Here(receipt(video, Some(shown)))),
            Some(false) => Ok(Found::Absent),
            None => Err(odd(&answer)),
        }
    }
}

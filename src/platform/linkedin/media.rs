//! Images and videos: uploaded where nobody sees them, and named by the post.
//! <https://learn.microsoft.com/linkedin/marketing/community-management/shares/images-api>,
//! <https://learn.microsoft.com/linkedin/marketing/community-management/shares/videos-api>

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::super::http::{Answer, BaseUrl, Request};
use super::super::video::{VideoFile, looks, patience};
use super::super::{ImageBytes, harmless, store};
use super::{Account, encoded, odd, refused};
use crate::post::outcome::{Class, Failure};

const IMAGES: &str = "/rest/images";
const VIDEOS: &str = "/rest/videos";
/// How often it is asked whether an image is ready: for some 45 seconds.
const IMAGE_LOOKS: usize = 9;
/// The largest piece of a video that is held in memory. LinkedIn asks for 4 MiB each.
const PIECE_MAX: u64 = 8 << 20;
/// What one waits for who may not ask: a member.
const BLINDLY: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Begun<T> {
    value: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    upload_url: String,
    image: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoTicket {
    video: String,
    #[serde(default)]
    upload_token: String,
    upload_instructions: Vec<Instruction>,
}

/// Which bytes, counted from 0, the last one with them, are to be sent where.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instruction {
    upload_url: String,
    first_byte: u64,
    last_byte: u64,
}

/// An image or a video.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Uploaded {
    status: String,
    #[serde(default)]
    processing_failure_reason: String,
}

/// What becomes of it.
enum Work {
    Done,
    Underway,
    Untold,
}

impl Account {
    /// Their urns, once they may be posted.
    pub(super) async fn upload(&self, images: &[ImageBytes]) -> Result<Vec<String>, Failure> {
        let mut urns = Vec::new();
        for image in images {
            urns.push(self.upload_one(image).await?);
        }
        for urn in &urns {
            if !self.ready(IMAGES, urn, IMAGE_LOOKS).await? {
                // None of the others would be told of either.
                tokio::time::sleep(BLINDLY).await;
                break;
            }
        }
        Ok(urns)
    }

    /// Its urn, once it may be posted.
    pub(super) async fn upload_video(&self, video: &VideoFile) -> Result<String, Failure> {
        let ticket = self.video_ticket(video.footage.size).await?;
        let mut pieces = video.pieces()?;
        let mut parts = Vec::new();
        for instruction in &ticket.upload_instructions {
            let length = instruction.last_byte.saturating_sub(instruction.first_byte) + 1;
            let most = usize::try_from(length).unwrap_or(usize::MAX);
            let Some(piece) = pieces.next(most).await? else {
                break;
            };
            // Where it says is permission enough: no token is shown there.
            let to = self.upload_to(&instruction.upload_url)?;
            let request = Request::put(&to, "")
                .body("application/octet-stream", piece)
                .patience(patience(length));
            let answer = self.http.send(request).await.map_err(harmless)?;
            let part = answer
                .header("etag")
                .filter(|_| matches!(answer.status, 200 | 201));
            parts.push(part.ok_or_else(|| not_taken(&answer))?.to_owned());
        }
        let told = json!({ "finalizeUploadRequest": {
            "video": ticket.video, "uploadToken": ticket.upload_token, "uploadedPartIds": parts,
        } });
        let request = Request::post(&self.base, VIDEOS).query(&[("action", "finalizeUpload")]);
        let answer = self.ask(request.json(told.to_string())).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        if !self.ready(VIDEOS, &ticket.video, usize::MAX).await? {
            tokio::time::sleep(BLINDLY).await;
        }
        Ok(ticket.video)
    }

    /// Where a video of so many bytes is to be sent: in pieces that follow each other from the first byte to the last.
    async fn video_ticket(&self, size: u64) -> Result<VideoTicket, Failure> {
        let told = json!({ "initializeUploadRequest": {
            "owner": self.author.urn, "fileSizeBytes": size, "uploadCaptions": false, "uploadThumbnail": false,
        } });
        let request = Request::post(&self.base, VIDEOS).query(&[("action", "initializeUpload")]);
        let answer = self.ask(request.json(told.to_string())).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let begun: Option<Begun<VideoTicket>> = answer.json();
        let mut ticket = begun.ok_or_else(|| odd(&answer))?.value;
        ticket.upload_instructions.sort_by_key(|next| next.first_byte);
        let mut end = 0;
        let follows = |next: &Instruction| {
            let fits = next.first_byte == end && (end..end + PIECE_MAX).contains(&next.last_byte);
            end = next.last_byte.saturating_add(1);
            fits
        };
        let whole = ticket.upload_instructions.iter().all(follows) && end == size;
        if whole && ticket.video.starts_with("urn:li:video:") {
            Ok(ticket)
        } else {
            Err(odd(&answer))
        }
    }

    async fn upload_one(&self, image: &ImageBytes) -> Result<String, Failure> {
        let told = json!({ "initializeUploadRequest": { "owner": self.author.urn } });
        let request = Request::post(&self.base, IMAGES).query(&[("action", "initializeUpload")]);
        let answer = self.ask(request.json(told.to_string())).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let begun: Option<Begun<Ticket>> = answer.json();
        let begun = begun.filter(|begun| begun.value.image.starts_with("urn:li:image:"));
        let Ticket {
            upload_url,
            image: urn,
        } = begun.ok_or_else(|| odd(&answer))?.value;
        let to = self.upload_to(&upload_url)?;
        // All at once: pieces would overwrite each other.
        let answer = self
            .ask(Request::put(&to, "").body(image.mime, image.bytes.clone()))
            .await?;
        match answer.status {
            200 | 201 => Ok(urn),
            _ => Err(not_taken(&answer)),
        }
    }

    fn upload_to(&self, url: &str) -> Result<BaseUrl, Failure> {
        store::place(url, &self.base, &[".linkedin.com"])
    }

    /// Whether it is, as far as that is told.
    async fn ready(&self, of: &str, urn: &str, looks_at_most: usize) -> Result<bool, Failure> {
        let mut waits = looks().take(looks_at_most);
        loop {
            match self.work_on(of, urn).await? {
                Work::Done => return Ok(true),
                Work::Untold => return Ok(false),
                Work::Underway => {}
            }
            let Some(wait) = waits.next() else {
                return Err(Failure::new(
                    Class::Transient,
                    "the server is still processing what was uploaded",
                ));
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn work_on(&self, of: &str, urn: &str) -> Result<Work, Failure> {
        let path = format!("{of}/{}", encoded(urn));
        let answer = self.ask(Request::get(&self.base, &path)).await?;
        match answer.status {
            200 => {}
            403 if self.author.member => return Ok(Work::Untold),
            _ => return Err(harmless(refused(&answer))),
        }
        let uploaded: Uploaded = answer.json().ok_or_else(|| odd(&answer))?;
        match uploaded.status.as_str() {
            "AVAILABLE" => Ok(Work::Done),
            "PROCESSING_FAILED" => {
                let why = uploaded.processing_failure_reason;
                let words = format!("what was uploaded could not be processed {why}");
                Err(Failure::new(Class::Rejected, words.trim_end()))
            }
            _ => Ok(Work::Underway),
        }
    }
}

/// What the store does not take is uploaded anew: its address may have run out.
fn not_taken(answer: &Answer) -> Failure {
    harmless(answer.failure(answer.class(answer.status == 413), None))
}

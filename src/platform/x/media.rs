//! Images and videos: uploaded where nobody sees them, described, and named by the post. What no post names runs out in
//! a day.
//!
//! <https://docs.x.com/x-api/media/quickstart/media-upload-chunked>,
//! <https://docs.x.com/x-api/media/quickstart/best-practices>

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::super::http::{Answer, Field, Request};
use super::super::video::{Pieces, VideoFile};
use super::super::{ImageBytes, file_name};
use super::{Account, Said, is_id, refused};
use crate::post::outcome::{Class, Failure};

const UPLOAD: &str = "/2/media/upload";
/// A piece of a larger file, in bytes: as small as the manual advises, so that a slow line keeps the deadline.
const PIECE: usize = 1 << 20;
/// How long to wait before it is asked again whether a file is ready, whatever it says, in seconds.
const BETWEEN: (u64, u64) = (1, 10);
/// All of that together.
const FOR_IMAGES: Duration = Duration::from_mins(2);
const FOR_VIDEOS: Duration = Duration::from_mins(10);

#[derive(Deserialize)]
struct Media {
    id: String,
    processing_info: Option<Processing>,
}

#[derive(Deserialize)]
struct Processing {
    state: String,
    #[serde(default)]
    check_after_secs: u64,
    #[serde(default)]
    error: Trouble,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Trouble {
    name: String,
    message: String,
}

impl Account {
    /// A GIF that is `alone` may move, and be larger than one request takes: it goes in pieces. Other images whole.
    pub(super) async fn upload(&self, image: &ImageBytes, alone: bool) -> Result<String, Failure> {
        let media = if alone && image.mime == "image/gif" {
            let pieces = Pieces::of(image.bytes.clone());
            self.upload_in_pieces("tweet_gif", image.mime, file_name(image.mime), pieces)
                .await?
        } else {
            self.upload_whole(image).await?
        };
        let id = self.ready(media, FOR_IMAGES).await?;
        if !image.alt.is_empty() {
            self.describe(&id, &image.alt).await?;
        }
        Ok(id)
    }

    pub(super) async fn upload_video(&self, video: &VideoFile) -> Result<String, Failure> {
        let mime = video.footage.mime;
        let media = self
            .upload_in_pieces("tweet_video", mime, video.file_name(), video.pieces()?)
            .await?;
        let id = self.ready(media, FOR_VIDEOS).await?;
        if !video.alt.is_empty() {
            // The manual does not say that videos may be described. Where they may not, one goes without.
            match self.describe(&id, &video.alt).await {
                Err(failure) if failure.class == Class::Rejected => {}
                described => described?,
            }
        }
        Ok(id)
    }

    async fn upload_whole(&self, image: &ImageBytes) -> Result<Media, Failure> {
        let fields = vec![
            Field::Text {
                name: "media_category".into(),
                value: "tweet_image".into(),
            },
            file(image.mime, file_name(image.mime), image.bytes.clone()),
        ];
        let answer = self.ask(Request::post(&self.base, UPLOAD).form(fields)).await?;
        media(&answer)
    }

    async fn upload_in_pieces(
        &self,
        category: &str,
        mime: &'static str,
        name: &'static str,
        mut pieces: Pieces,
    ) -> Result<Media, Failure> {
        let told = json!({
            "media_type": mime,
            "total_bytes": pieces.left(),
            "media_category": category,
        });
        let begin = Request::post(&self.base, &format!("{UPLOAD}/initialize")).json(told.to_string());
        let id = media(&self.ask(begin).await?)?.id;
        let mut nth = 0;
        while let Some(piece) = pieces.next(PIECE).await? {
            let fields = vec![
                Field::Text {
                    name: "segment_index".into(),
                    value: nth.to_string(),
                },
                file(mime, name, piece),
            ];
            let append = Request::post(&self.base, &format!("{UPLOAD}/{id}/append")).form(fields);
            done(&self.ask(append).await?).map_err(begun)?;
            nth += 1;
        }
        let end = Request::post(&self.base, &format!("{UPLOAD}/{id}/finalize"));
        media(&self.ask(end).await?).map_err(begun)
    }

    /// Its id, once it may be posted. What says nothing of work on it is ready.
    async fn ready(&self, mut media: Media, mut patience: Duration) -> Result<String, Failure> {
        loop {
            let Some(work) = media.processing_info else {
                return Ok(media.id);
            };
            match work.state.as_str() {
                "succeeded" => return Ok(media.id),
                "failed" => {
                    let Trouble { name, message } = work.error;
                    let words = format!("what was uploaded could not be processed: {name} {message}");
                    return Err(Failure::new(Class::Rejected, words));
                }
                _ => {}
            }
            let wait = Duration::from_secs(work.check_after_secs.clamp(BETWEEN.0, BETWEEN.1));
            patience = patience.checked_sub(wait).ok_or_else(|| {
                Failure::new(
                    Class::Transient,
                    "the server is still processing what was uploaded",
                )
            })?;
            tokio::time::sleep(wait).await;
            let query = [("command", "STATUS"), ("media_id", &media.id)];
            let answer = self.ask(Request::get(&self.base, UPLOAD).query(&query)).await?;
            media = self::media(&answer).map_err(begun)?;
        }
    }

    /// <https://docs.x.com/x-api/media/create-media-metadata>
    async fn describe(&self, id: &str, alt: &str) -> Result<(), Failure> {
        let told = json!({ "id": id, "metadata": { "alt_text": { "text": alt } } });
        let request = Request::post(&self.base, "/2/media/metadata").json(told.to_string());
        done(&self.ask(request).await?)
    }
}

fn file(mime: &'static str, name: &'static str, bytes: Bytes) -> Field {
    Field::File {
        name: "media".into(),
        file_name: name.into(),
        mime: mime.into(),
        bytes,
    }
}

/// An upload that is not there any more has run out: it is made again.
fn begun(failure: Failure) -> Failure {
    match failure.status {
        Some(404 | 410) => Failure {
            class: Class::Transient,
            ..failure
        },
        _ => failure,
    }
}

fn done(answer: &Answer) -> Result<(), Failure> {
    match answer.status {
        200..=299 => Ok(()),
        _ => Err(refused(answer)),
    }
}

fn media(answer: &Answer) -> Result<Media, Failure> {
    done(answer)?;
    let said: Option<Said<Media>> = answer.json();
    let said = said.filter(|said| is_id(&said.data.id));
    said.map(|said| said.data).ok_or_else(|| refused(answer))
}

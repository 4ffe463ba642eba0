//! Images: uploaded where nobody sees them, described, and named by the post. What no post names runs out in a day.
//!
//! <https://docs.x.com/x-api/media/quickstart/media-upload-chunked>,
//! <https://docs.x.com/x-api/media/quickstart/best-practices>

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::super::http::{Answer, Field, Request};
use super::super::{ImageBytes, file_name};
use super::{Account, Said, is_id, refused};
use crate::post::outcome::{Class, Failure};

const UPLOAD: &str = "/2/media/upload";
/// A piece of a larger file, in bytes: as small as the manual advises, so that a slow line keeps the deadline.
const PIECE: usize = 1 << 20;
/// How often it is asked whether a file is ready.
const LOOKS: usize = 20;
/// How long to wait between, whatever it says, in seconds.
const BETWEEN: (u64, u64) = (1, 10);

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
            self.upload_in_pieces(image, "tweet_gif").await?
        } else {
            self.upload_whole(image).await?
        };
        let id = self.ready(media).await?;
        if !image.alt.is_empty() {
            self.describe(&id, &image.alt).await?;
        }
        Ok(id)
    }

    async fn upload_whole(&self, image: &ImageBytes) -> Result<Media, Failure> {
        let fields = vec![
            Field::Text {
                name: "media_category".into(),
                value: "tweet_image".into(),
            },
            file(image.mime, image.bytes.clone()),
        ];
        let answer = self.ask(Request::post(&self.base, UPLOAD).form(fields)).await?;
        media(&answer)
    }

    async fn upload_in_pieces(&self, image: &ImageBytes, category: &str) -> Result<Media, Failure> {
        let told = json!({
            "media_type": image.mime,
            "total_bytes": image.bytes.len(),
            "media_category": category,
        });
        let begin = Request::post(&self.base, &format!("{UPLOAD}/initialize")).json(told.to_string());
        let id = media(&self.ask(begin).await?)?.id;
        let mut rest = image.bytes.clone();
        let mut nth = 0;
        while !rest.is_empty() {
            let piece = rest.split_to(PIECE.min(rest.len()));
            let fields = vec![
                Field::Text {
                    name: "segment_index".into(),
                    value: nth.to_string(),
                },
                file(image.mime, piece),
            ];
            let append = Request::post(&self.base, &format!("{UPLOAD}/{id}/append")).form(fields);
            done(&self.ask(append).await?)?;
            nth += 1;
        }
        let end = Request::post(&self.base, &format!("{UPLOAD}/{id}/finalize"));
        media(&self.ask(end).await?)
    }

    /// Its id, once it may be posted. What says nothing of work on it is ready.
    async fn ready(&self, mut media: Media) -> Result<String, Failure> {
        for _ in 0..LOOKS {
            let Some(work) = media.processing_info else {
                return Ok(media.id);
            };
            match work.state.as_str() {
                "succeeded" => return Ok(media.id),
                "failed" => {
                    let Trouble { name, message } = work.error;
                    let words = format!("an image could not be processed: {name} {message}");
                    return Err(Failure::new(Class::Rejected, words));
                }
                _ => {}
            }
            let wait = work.check_after_secs.clamp(BETWEEN.0, BETWEEN.1);
            tokio::time::sleep(Duration::from_secs(wait)).await;
            let query = [("command", "STATUS"), ("media_id", &media.id)];
            let answer = self.ask(Request::get(&self.base, UPLOAD).query(&query)).await?;
            media = self::media(&answer)?;
        }
        Err(Failure::new(
            Class::Transient,
            "the server is still processing an image",
        ))
    }

    /// <https://docs.x.com/x-api/media/create-media-metadata>
    async fn describe(&self, id: &str, alt: &str) -> Result<(), Failure> {
        let told = json!({ "id": id, "metadata": { "alt_text": { "text": alt } } });
        let request = Request::post(&self.base, "/2/media/metadata").json(told.to_string());
        done(&self.ask(request).await?)
    }
}

fn file(mime: &'static str, bytes: Bytes) -> Field {
    Field::File {
        name: "media".into(),
        file_name: file_name(mime).into(),
        mime: mime.into(),
        bytes,
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

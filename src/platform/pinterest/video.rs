//! Videos: announced, handed over to a store where nobody sees them, waited for, and named by the pin.
//! <https://developers.pinterest.com/docs/api/v5/media-create>

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::http::{Field, Request};
use super::super::video::{VideoFile, looks};
use super::super::{harmless, store};
use super::{Account, is_id, odd, refused};
use crate::post::outcome::{Class, Failure};

const MEDIA: &str = "/v5/media";
/// What begins dark is shown by a picture of a moment later.
const COVER: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Announced {
    media_id: String,
    upload_url: String,
    upload_parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Worked {
    status: String,
}

/// Where a pin takes its video from. There is none without a cover: a picture of the video itself.
pub(super) fn source(video: &VideoFile, id: &str) -> Value {
    let cover = COVER.min(video.footage.length / 2);
    json!({
        "source_type": "video_id",
        "media_id": id,
        "cover_image_key_frame_time": cover.as_secs_f64(),
    })
}

impl Account {
    /// Its id, once a pin may name it.
    pub(super) async fn upload(&self, video: &VideoFile) -> Result<String, Failure> {
        let told = json!({ "media_type": "video" }).to_string();
        let answer = self.ask(Request::post(&self.base, MEDIA).json(told)).await?;
        if !matches!(answer.status, 200 | 201) {
            return Err(harmless(refused(&answer)));
        }
        let announced: Option<Announced> = answer.json();
        let announced = announced.filter(|announced| is_id(&announced.media_id));
        let Announced {
            media_id,
            upload_url,
            upload_parameters,
        } = announced.ok_or_else(|| odd(&answer))?;
        let to = store::place(&upload_url, &self.base, &[".amazonaws.com", ".pinterest.com"])?;
        let file = Field::Stream {
            name: "file".into(),
            file_name: video.file_name().into(),
            mime: video.footage.mime.into(),
            length: video.footage.size,
            stream: video.stream()?,
        };
        store::hand_over(&self.http, &to, upload_parameters, file).await?;
        self.processed(&media_id).await?;
        Ok(media_id)
    }

    /// Waits until it is. <https://developers.pinterest.com/docs/api/v5/media-get>
    async fn processed(&self, id: &str) -> Result<(), Failure> {
        let mut waits = looks();
        loop {
            let answer = self
                .ask(Request::get(&self.base, &format!("{MEDIA}/{id}")))
                .await?;
            match answer.status {
                200 => {}
                404 => {
                    let words = "what was uploaded is not there any more";
                    return Err(answer.failure(Class::Transient, Some(words)));
                }
                _ => return Err(harmless(refused(&answer))),
            }
            let Worked { status } = answer.json().ok_or_else(|| odd(&answer))?;
            match status.as_str() {
                "succeeded" => return Ok(()),
                "failed" => {
                    let words = format!("a video could not be processed: {}", answer.snippet());
                    return Err(Failure::new(Class::Rejected, words));
                }
                _ => {}
            }
            let Some(wait) = waits.next() else {
                let words = "the server is still processing what was uploaded";
                return Err(Failure::new(Class::Transient, words));
            };
            tokio::time::sleep(wait).await;
        }
    }
}

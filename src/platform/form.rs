//! Requests in which the images or the video travel themselves, as forms of many parts. What is frozen is one JSON
//! object: what the platform is told, and under `files` the images, so that a repeat says the same wherever it is made.
//! Of a video its name and its hash are frozen: it is read when it is sent, and only what has that hash is ever sent as
//! a whole.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::http::Field;
use super::video::{Films, Named};
use super::{ImageBytes, Outgoing, file_name};
use crate::post::outcome::{Class, Failure};

const FILES: &str = "files";

/// An image or a video in a frozen request.
#[derive(Serialize, Deserialize)]
struct Frozen {
    /// Of its part of the form.
    name: String,
    file_name: String,
    mime: Cow<'static, str>,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Base64(String),
    Video(Named),
}

/// The body to be frozen; `part` names the part of the form that holds the image so many, counted from 0, or the video.
pub(super) fn freeze(mut told: Map<String, Value>, out: &Outgoing<'_>, part: fn(usize) -> String) -> String {
    let image = |(number, image): (usize, &ImageBytes)| Frozen {
        name: part(number),
        file_name: numbered(number, image.mime),
        mime: image.mime.into(),
        what: What::Base64(STANDARD.encode(&image.bytes)),
    };
    let mut files: Vec<Frozen> = out.images.iter().enumerate().map(image).collect();
    if let (Some(video), Some(named)) = (&out.video, &out.part.video) {
        files.push(Frozen {
            name: part(files.len()),
            file_name: video.file_name().to_owned(),
            mime: video.footage.mime.into(),
            what: What::Video(Named {
                file: named.file.clone(),
                source: video.source,
                size: video.footage.size,
            }),
        });
    }
    if !files.is_empty() {
        told.insert(FILES.into(), json!(files));
    }
    Value::Object(told).to_string()
}

/// A name that no other image of the same part has.
pub(super) fn numbered(number: usize, mime: &str) -> String {
    file_name(mime).replace("image", &format!("image{}", number + 1))
}

/// What the platform is told.
pub(super) fn told(body: &str) -> Result<Map<String, Value>, Failure> {
    let mut told = read(body)?;
    told.shift_remove(FILES);
    Ok(told)
}

fn read(body: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(body).map_err(|e| broken(&e))
}

fn broken(e: &dyn std::fmt::Display) -> Failure {
    Failure::new(Class::Rejected, format!("the frozen request can't be read: {e}"))
}

/// What the platform is told, and the images or the video. A video that can't be had any more is prepared anew: nothing
/// has left.
pub(super) async fn thaw(body: &str, films: &dyn Films) -> Result<(Map<String, Value>, Vec<Field>), Failure> {
    let mut told = read(body)?;
    let frozen = told.shift_remove(FILES).unwrap_or_else(|| json!([]));
    let frozen: Vec<Frozen> = serde_json::from_value(frozen).map_err(|e| broken(&e))?;
    let mut fields = Vec::new();
    for file in frozen {
        fields.push(file.field(films).await?);
    }
    Ok((told, fields))
}

impl Frozen {
    async fn field(self, films: &dyn Films) -> Result<Field, Failure> {
        let (name, file_name, mime) = (self.name.into(), self.file_name.into(), self.mime);
        Ok(match self.what {
            What::Base64(text) => Field::File {
                name,
                file_name,
                mime,
                bytes: STANDARD.decode(text).map_err(|e| broken(&e))?.into(),
            },
            What::Video(named) => {
                let film = films.film(&named).await;
                Field::Stream {
                    name,
                    file_name,
                    mime,
                    length: named.size,
                    stream: film.map_err(|words| Failure::new(Class::Transient, words))?,
                }
            }
        })
    }
}

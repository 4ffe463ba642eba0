//! Requests in which the images travel themselves, as forms of many parts. What is frozen is one JSON object: what
//! the platform is told, and under `files` the images, so that a repeat says the same wherever it is made.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::http::Field;
use super::{ImageBytes, file_name};
use crate::post::outcome::{Class, Failure};

const FILES: &str = "files";

/// An image in a frozen request.
#[derive(Serialize, Deserialize)]
struct Frozen {
    /// Of its part of the form.
    name: String,
    file_name: String,
    mime: Cow<'static, str>,
    base64: String,
}

/// The body to be frozen; `part` names the part of the form that holds the image so many, counted from 0.
pub(super) fn freeze(
    mut told: Map<String, Value>,
    images: &[ImageBytes],
    part: fn(usize) -> String,
) -> String {
    let file = |(number, image): (usize, &ImageBytes)| Frozen {
        name: part(number),
        file_name: numbered(number, image.mime),
        mime: image.mime.into(),
        base64: STANDARD.encode(&image.bytes),
    };
    if !images.is_empty() {
        let files: Vec<Frozen> = images.iter().enumerate().map(file).collect();
        told.insert(FILES.into(), json!(files));
    }
    Value::Object(told).to_string()
}

/// A name that no other image of the same part has.
pub(super) fn numbered(number: usize, mime: &str) -> String {
    file_name(mime).replace("image", &format!("image{}", number + 1))
}

/// What the platform is told, and the images.
pub(super) fn thaw(body: &str) -> Result<(Map<String, Value>, Vec<Field>), Failure> {
    let broken = |e: &dyn std::fmt::Display| {
        Failure::new(Class::Rejected, format!("the frozen request can't be read: {e}"))
    };
    let mut told: Map<String, Value> = serde_json::from_str(body).map_err(|e| broken(&e))?;
    let files = told.shift_remove(FILES).unwrap_or_else(|| json!([]));
    let files: Vec<Frozen> = serde_json::from_value(files).map_err(|e| broken(&e))?;
    let field = |file: Frozen| {
        let bytes = STANDARD.decode(file.base64).map_err(|e| broken(&e))?;
        Ok(Field::File {
            name: file.name.into(),
            file_name: file.file_name.into(),
            mime: file.mime,
            bytes: bytes.into(),
        })
    };
    let fields = files.into_iter().map(field).collect::<Result<_, Failure>>()?;
    Ok((told, fields))
}

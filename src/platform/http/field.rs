//! Multipart forms.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::video::Stream;
use super::Trouble;
use super::trouble::words;
use super::whole::Whole;

/// A field of a form.
pub enum Field {
    Text {
        name: Cow<'static, str>,
        value: String,
    },
    /// Text that says that it is JSON.
    Json {
        name: Cow<'static, str>,
        value: String,
    },
    File {
        name: Cow<'static, str>,
        file_name: Cow<'static, str>,
        mime: Cow<'static, str>,
        bytes: Bytes,
    },
    /// What is never as a whole in memory.
    Stream {
        name: Cow<'static, str>,
        file_name: Cow<'static, str>,
        mime: Cow<'static, str>,
        /// In bytes.
        length: u64,
        stream: Stream,
    },
}

pub(super) fn form(fields: Vec<Field>, whole: &mut Whole) -> Result<reqwest::multipart::Form, Trouble> {
    let mut form = reqwest::multipart::Form::new();
    for field in fields {
        form = match field {
            Field::Text { name, value } => form.text(name, value),
            Field::Json { name, value } => {
                let part = reqwest::multipart::Part::text(value).mime_str("application/json");
                form.part(name, part.map_err(|e| Trouble::NotSent(words(e)))?)
            }
            Field::File {
                name,
                file_name,
                mime,
                bytes,
            } => {
                let length = bytes.len() as u64;
                form.part(name, part(bytes.into(), length, file_name, &mime)?)
            }
            Field::Stream {
                name,
                file_name,
                mime,
                length,
                stream,
            } => form.part(name, part(whole.watch(stream, length), length, file_name, &mime)?),
        };
    }
    Ok(form)
}

fn part(
    body: reqwest::Body,
    length: u64,
    file_name: Cow<'static, str>,
    mime: &str,
) -> Result<reqwest::multipart::Part, Trouble> {
    reqwest::multipart::Part::stream_with_length(body, length)
        .file_name(file_name)
        .mime_str(mime)
        .map_err(|e| Trouble::NotSent(words(e)))
}

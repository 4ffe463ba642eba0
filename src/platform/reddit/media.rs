//! Images and videos inside a text post: uploaded where nobody sees them, then placed by Reddit's own converter, whose
//! rich text is what is posted. The manual has neither; both are how its own site does it.

use serde::Deserialize;
use serde_json::Value;

use super::super::http::{Field, Request};
use super::super::{Outgoing, file_name, harmless, store};
use super::{Account, odd, refused};
use crate::post::outcome::Failure;
use crate::text::escape::Escape;

const LEASE: &str = "/api/media/asset.json";
const CONVERT: &str = "/api/convert_rte_body_format";
/// The longest caption, in code points.
const MAX_CAPTION: usize = 180;

#[derive(Deserialize)]
struct Lease {
    args: Upload,
    asset: Asset,
}

#[derive(Deserialize)]
struct Upload {
    /// Without a scheme.
    action: String,
    fields: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct Asset {
    asset_id: String,
}

#[derive(Deserialize)]
struct Converted {
    output: Value,
}

/// The stores that Reddit names.
const STORES: &[&str] = &[".amazonaws.com", ".reddit.com"];

impl Account {
    /// `body`, in Markdown, with the images or the video of a part below it, as rich text.
    pub(super) async fn with_media(&self, body: &str, out: &Outgoing<'_>) -> Result<Value, Failure> {
        let mut markdown = body.to_owned();
        let mut place = |placed: String| {
            if !markdown.is_empty() {
                markdown.push_str("\n\n");
            }
            markdown.push_str(&placed);
        };
        for image in &out.images {
            let kind = if image.mime == "image/gif" { "gif" } else { "img" };
            let file = Field::File {
                name: "file".into(),
                file_name: file_name(image.mime).into(),
                mime: image.mime.into(),
                bytes: image.bytes.clone(),
            };
            let id = self.upload(file_name(image.mime), image.mime, file).await?;
            place(placed(kind, &id, &image.alt));
        }
        if let Some(video) = &out.video {
            let (name, mime) = (video.file_name(), video.footage.mime);
            let file = Field::Stream {
                name: "file".into(),
                file_name: name.into(),
                mime: mime.into(),
                length: video.footage.size,
                stream: video.stream()?,
            };
            let id = self.upload(name, mime, file).await?;
            place(placed("video", &id, &video.alt));
        }
        let told = [("output_mode", "rtjson"), ("markdown_text", markdown.as_str())];
        let answer = self.ask(Request::post(&self.base, CONVERT).pairs(&told)).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let Converted { output } = answer.json().ok_or_else(|| odd(&answer))?;
        output.is_object().then_some(output).ok_or_else(|| odd(&answer))
    }

    async fn upload(&self, name: &str, mime: &str, file: Field) -> Result<String, Failure> {
        let told = [("filepath", name), ("mimetype", mime)];
        let answer = self.ask(Request::post(&self.base, LEASE).pairs(&told)).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let lease: Option<Lease> = answer.json();
        let lease = lease.filter(|lease| is_asset(&lease.asset.asset_id));
        let Lease { args, asset } = lease.ok_or_else(|| odd(&answer))?;
        let action = match args.action.strip_prefix("//") {
            Some(rest) => format!("https://{rest}"),
            None => args.action,
        };
        let to = store::place(&action, &self.base, STORES)?;
        let given = args.fields.into_iter().map(|pair| (pair.name, pair.value));
        store::hand_over(&self.http, &to, given, file).await?;
        Ok(asset.asset_id)
    }
}

/// Whether it can stand in Markdown.
fn is_asset(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// With its description as the caption; one that can't be a caption stands below.
fn placed(kind: &str, id: &str, alt: &str) -> String {
    let alt = alt.trim();
    if alt.chars().count() <= MAX_CAPTION && !alt.contains(['"', '\\', '\n']) {
        format!("![{kind}]({id} \"{alt}\")")
    } else {
        format!("![{kind}]({id})\n\n{}", Escape::Reddit.apply(alt))
    }
}

//! Images inside a text post: uploaded where nobody sees them, then placed by Reddit's own converter, whose rich text
//! is what is posted. The manual has neither; both are how its own site does it.

use serde::Deserialize;
use serde_json::Value;

use super::super::http::{BaseUrl, Field, Request};
use super::super::{ImageBytes, file_name, harmless};
use super::{Account, odd, refused};
use crate::post::outcome::{Class, Failure};
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

impl Account {
    /// `body`, in Markdown, with the images below it, as rich text.
    pub(super) async fn with_images(&self, body: &str, images: &[ImageBytes]) -> Result<Value, Failure> {
        let mut markdown = body.to_owned();
        for image in images {
            let id = self.upload(image).await?;
            if !markdown.is_empty() {
                markdown.push_str("\n\n");
            }
            markdown.push_str(&placed(image, &id));
        }
        let told = [("output_mode", "rtjson"), ("markdown_text", markdown.as_str())];
        let answer = self.ask(Request::post(&self.base, CONVERT).pairs(&told)).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let Converted { output } = answer.json().ok_or_else(|| odd(&answer))?;
        output.is_object().then_some(output).ok_or_else(|| odd(&answer))
    }

    async fn upload(&self, image: &ImageBytes) -> Result<String, Failure> {
        let told = [("filepath", file_name(image.mime)), ("mimetype", image.mime)];
        let answer = self.ask(Request::post(&self.base, LEASE).pairs(&told)).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let lease: Option<Lease> = answer.json();
        let lease = lease.filter(|lease| is_asset(&lease.asset.asset_id));
        let Lease { args, asset } = lease.ok_or_else(|| odd(&answer))?;
        let to = self.upload_to(&args.action)?;
        let mut fields: Vec<Field> = args
            .fields
            .into_iter()
            .map(|pair| Field::Text {
                name: pair.name.into(),
                value: pair.value,
            })
            .collect();
        // Last, or the store does not see the others.
        fields.push(Field::File {
            name: "file".into(),
            file_name: file_name(image.mime).into(),
            mime: image.mime.into(),
            bytes: image.bytes.clone(),
        });
        // The fields are the permission: no token leaves Reddit.
        let answer = self
            .http
            .send(Request::post(&to, "").form(fields))
            .await
            .map_err(harmless)?;
        match answer.status {
            200 | 201 | 204 => Ok(asset.asset_id),
            status => Err(harmless(answer.failure(answer.class(status == 413), None))),
        }
    }

    /// Reddit says where: at the store of its images, or on the server that we were told to speak to.
    fn upload_to(&self, action: &str) -> Result<BaseUrl, Failure> {
        let elsewhere = || Failure::new(Class::Transient, "it wants an image to be sent to another host");
        let at = match action.strip_prefix("//") {
            Some(rest) => format!("https://{rest}"),
            None => action.to_owned(),
        };
        let at = BaseUrl::endpoint(&at).map_err(|_| elsewhere())?;
        let own = at.host() == self.base.host()
            || at.host().ends_with(".amazonaws.com")
            || at.host().ends_with(".reddit.com");
        own.then_some(at).ok_or_else(elsewhere)
    }
}

/// Whether it can stand in Markdown.
fn is_asset(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// With its description as the caption; one that can't be a caption stands below.
fn placed(image: &ImageBytes, id: &str) -> String {
    let kind = if image.mime == "image/gif" { "gif" } else { "img" };
    let alt = image.alt.trim();
    if alt.chars().count() <= MAX_CAPTION && !alt.contains(['"', '\\', '\n']) {
        format!("![{kind}]({id} \"{alt}\")")
    } else {
        format!("![{kind}]({id})\n\n{}", Escape::Reddit.apply(alt))
    }
}

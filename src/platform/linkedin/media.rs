//! Images: uploaded where nobody sees them, and named by the post.
//! <https://learn.microsoft.com/linkedin/marketing/community-management/shares/images-api>

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::super::http::{BaseUrl, Request};
use super::super::{ImageBytes, harmless};
use super::{Account, encoded, odd, refused};
use crate::post::outcome::{Class, Failure};

const IMAGES: &str = "/rest/images";
/// How often it is asked whether an image is ready, and how long between.
const LOOKS: usize = 15;
const BETWEEN: Duration = Duration::from_secs(2);
/// What one waits for who may not ask: a member.
const BLINDLY: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Begun {
    value: Ticket,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    upload_url: String,
    image: String,
}

#[derive(Deserialize)]
struct Image {
    status: String,
}

/// What becomes of an uploaded image.
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
            if !self.ready(urn).await? {
                // None of the others would be told of either.
                tokio::time::sleep(BLINDLY).await;
                break;
            }
        }
        Ok(urns)
    }

    async fn upload_one(&self, image: &ImageBytes) -> Result<String, Failure> {
        let told = json!({ "initializeUploadRequest": { "owner": self.author.urn } });
        let request = Request::post(&self.base, IMAGES).query(&[("action", "initializeUpload")]);
        let answer = self.ask(request.json(told.to_string())).await?;
        if answer.status != 200 {
            return Err(harmless(refused(&answer)));
        }
        let begun: Option<Begun> = answer.json();
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
            _ => Err(harmless(answer.failure(answer.class(answer.status == 413), None))),
        }
    }

    /// LinkedIn says where: on a server of its own, or on the one that we were told to speak to.
    fn upload_to(&self, url: &str) -> Result<BaseUrl, Failure> {
        let elsewhere = || Failure::new(Class::Transient, "it wants an image to be sent to another host");
        let at = BaseUrl::endpoint(url).map_err(|_| elsewhere())?;
        let own = at.host() == self.base.host() || at.host().ends_with(".linkedin.com");
        own.then_some(at).ok_or_else(elsewhere)
    }

    /// Whether it is, as far as that is told.
    async fn ready(&self, urn: &str) -> Result<bool, Failure> {
        for _ in 0..LOOKS {
            match self.work_on(urn).await? {
                Work::Done => return Ok(true),
                Work::Untold => return Ok(false),
                Work::Underway => tokio::time::sleep(BETWEEN).await,
            }
        }
        Err(Failure::new(
            Class::Transient,
            "the server is still processing an image",
        ))
    }

    async fn work_on(&self, urn: &str) -> Result<Work, Failure> {
        let path = format!("{IMAGES}/{}", encoded(urn));
        let answer = self.ask(Request::get(&self.base, &path)).await?;
        match answer.status {
            200 => {}
            403 if self.author.member => return Ok(Work::Untold),
            _ => return Err(harmless(refused(&answer))),
        }
        let Image { status } = answer.json().ok_or_else(|| odd(&answer))?;
        match status.as_str() {
            "AVAILABLE" => Ok(Work::Done),
            "PROCESSING_FAILED" => Err(Failure::new(Class::Rejected, "an image could not be processed")),
            _ => Ok(Work::Underway),
        }
    }
}

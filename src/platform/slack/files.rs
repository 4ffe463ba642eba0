//! Images and videos: uploaded where nobody sees them, then posted as files, whose message Slack names only later.
//!
//! <https://docs.slack.dev/messaging/working-with-files#upload>

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::super::http::{Answer, BaseUrl, Request};
use super::super::video::VideoFile;
use super::super::{ImageBytes, Prepared, file_name, harmless, store};
use super::{Place, Slack, is_id, odd};
use crate::post::outcome::{Class, Failure, Receipt};

/// When it is looked for the message that shows the files, in milliseconds after one another.
const LOOKS_MS: [u64; 5] = [0, 250, 500, 1000, 2000];
/// All of that together: whoever says hold waits for what is on its way.
const LOOKING: Duration = Duration::from_secs(5);

/// <https://docs.slack.dev/reference/methods/files.getUploadURLExternal>
#[derive(Deserialize)]
struct Ticket {
    upload_url: String,
    file_id: String,
}

/// Of the frozen request.
#[derive(Deserialize)]
pub(super) struct Sent {
    pub channel_id: String,
    pub files: Vec<File>,
    pub thread_ts: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct File {
    pub id: String,
}

/// <https://docs.slack.dev/reference/methods/files.completeUploadExternal>
#[derive(Deserialize)]
struct Completed {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Info {
    file: Shown,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    shares: Shares,
}

/// The messages that show a file, by channel.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Shares {
    public: BTreeMap<String, Vec<Share>>,
    private: BTreeMap<String, Vec<Share>>,
}

#[derive(Clone, Deserialize)]
struct Share {
    ts: String,
    thread_ts: Option<String>,
}

/// What a yes to the files is a receipt of: the first of them.
pub(super) fn posted(prepared: &Prepared, answer: &Answer) -> Option<Place> {
    let Completed { files } = answer.json()?;
    let sent: Sent = serde_json::from_str(&prepared.body).ok()?;
    let file = files.into_iter().next().filter(|file| is_id(&file.id))?;
    Some(Place {
        channel: sent.channel_id,
        ts: file.id,
        thread: sent.thread_ts,
    })
}

/// What a file is sent as: Slack goes by its name.
const BYTES: &str = "application/octet-stream";

impl Slack {
    /// An upload that no message shows stays private, and nobody sees it.
    pub(super) async fn upload(&self, image: &ImageBytes) -> Result<String, Failure> {
        let length = image.bytes.len() as u64;
        let (at, file_id) = self.ticket(file_name(image.mime), length, &image.alt).await?;
        let request = Request::post(&at, "").body(BYTES, image.bytes.clone());
        self.hand_over(request, file_id).await
    }

    /// The same with a video.
    pub(super) async fn upload_video(&self, video: &VideoFile) -> Result<String, Failure> {
        let length = video.footage.size;
        let (at, file_id) = self.ticket(video.file_name(), length, &video.alt).await?;
        let request = Request::post(&at, "").stream(BYTES, length, video.stream()?);
        self.hand_over(request, file_id).await
    }

    /// Where a file is to be sent, and its id.
    async fn ticket(&self, name: &str, length: u64, alt: &str) -> Result<(BaseUrl, String), Failure> {
        let length = length.to_string();
        let mut pairs = vec![("filename", name), ("length", &length)];
        if !alt.is_empty() {
            pairs.push(("alt_txt", alt));
        }
        let answer = self.call("files.getUploadURLExternal", &pairs).await?;
        let ticket: Option<Ticket> = answer.json();
        let ticket = ticket.filter(|ticket| is_id(&ticket.file_id));
        let Ticket { upload_url, file_id } = ticket.ok_or_else(|| odd(&answer))?;
        Ok((store::place(&upload_url, &self.base, &[".slack.com"])?, file_id))
    }

    async fn hand_over(&self, request: Request, file_id: String) -> Result<String, Failure> {
        let answer = self.http.send(request).await.map_err(harmless)?;
        if answer.status == 200 {
            return Ok(file_id);
        }
        // It is a page, not an answer of the API's shape, and nothing was visible yet.
        Err(harmless(answer.failure(answer.class(answer.status == 413), None)))
    }

    /// The receipt of the message that shows a file; of the file, as long as Slack doesn't say.
    pub(super) async fn shown(&self, receipt: Receipt) -> Receipt {
        let Some(place) = Place::of(&receipt).filter(|place| is_id(&place.ts)) else {
            return receipt;
        };
        let looking = tokio::time::timeout(LOOKING, self.look_for_message(&place));
        match looking.await {
            Ok(Some(message)) => message.receipt(),
            _ => receipt,
        }
    }

    async fn look_for_message(&self, place: &Place) -> Option<Place> {
        for wait in LOOKS_MS {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            // Where too much is asked of it, or the token may not look, it is sent all the same.
            let shown = self.message_showing(place).await.ok()?;
            if shown.is_some() {
                return shown;
            }
        }
        None
    }

    /// The message itself, where a receipt is only of a file that it shows.
    pub(super) async fn message_of(&self, place: Place) -> Result<Place, Failure> {
        if !is_id(&place.ts) {
            return Ok(place);
        }
        let message = self.message_showing(&place).await?;
        message.ok_or_else(|| Failure::new(Class::Transient, "the message with its image is not shown yet"))
    }

    /// <https://docs.slack.dev/reference/methods/files.info>
    pub(super) async fn message_showing(&self, place: &Place) -> Result<Option<Place>, Failure> {
        let answer = self.call("files.info", &[("file", &place.ts)]).await?;
        let info: Info = answer.json().ok_or_else(|| odd(&answer))?;
        let Shares { public, private } = info.file.shares;
        let shares = public.get(&place.channel).or_else(|| private.get(&place.channel));
        let share = shares
            .and_then(|shares| shares.first())
            .filter(|share| !share.ts.is_empty());
        Ok(share.cloned().map(|share| Place {
            channel: place.channel.clone(),
            ts: share.ts,
            thread: share.thread_ts.or_else(|| place.thread.clone()),
        }))
    }
}

/// The ids of the files in a frozen request; none if it is a plain message.
pub(super) fn files_of(prepared: &Prepared) -> Vec<String> {
    let sent: Option<Sent> = serde_json::from_str(&prepared.body).ok();
    let files = sent.map(|sent| sent.files).unwrap_or_default();
    files.into_iter().map(|file| file.id).collect()
}

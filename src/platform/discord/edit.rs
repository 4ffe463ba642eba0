//! A message gets other words where it is.
//!
//! <https://docs.discord.com/developers/resources/message#edit-message>, and the same of a webhook. Pings are forbidden
//! once more, because an edit without a word about them allows them; attachments that are not named go.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Edit, Prepared};
use super::{Discord, Way, harmless, message, path_of, refused};
use crate::post::outcome::Failure;

#[derive(Deserialize)]
struct Shown {
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Attachment {
    id: String,
}

impl Discord {
    pub(super) async fn edit_of(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        let webhook = matches!(self.way, Way::Webhook(_));
        let path = path_of(edit.receipt, webhook).ok_or_else(|| edit.unnamed())?;
        let mut told = message(&edit.out);
        if edit.out.part.pictured() {
            let answer = self.shown(&path).await?;
            let shown: Option<Shown> = answer.json().filter(|_| answer.status == 200);
            let Shown { attachments } = shown.ok_or_else(|| harmless(refused(&answer)))?;
            let kept = attachments.into_iter().map(|one| json!({ "id": one.id }));
            told.insert("attachments".into(), kept.collect());
        }
        Ok(Prepared {
            path,
            body: Value::Object(told).to_string(),
        })
    }
}

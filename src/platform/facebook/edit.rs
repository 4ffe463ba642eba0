//! A post of the Page, or a comment of it, gets other words where it is.
//! <https://developers.facebook.com/docs/graph-api/reference/page-post#updating>

use serde_json::json;

use super::super::graph::read_done;
use super::super::http::Request;
use super::super::{Edit, Prepared};
use super::Account;
use crate::post::outcome::{Class, Failure};
use crate::text::limits::{Doubt, FACEBOOK};

impl Account {
    pub(super) async fn edit_of(&self, edit: &Edit<'_>) -> Result<Prepared, Failure> {
        if edit.out.part.video.is_some() {
            let words = "the words of a video stay on Facebook as they are: delete it, or answer it";
            return Err(Failure::new(Class::Rejected, words));
        }
        let id = self.id_of(edit.receipt).await?;
        let id = id.filter(|id| !(edit.below && self.is_post(id)));
        let id = id.ok_or_else(|| edit.unnamed())?;
        let is_post = self.is_post(&id);
        let carded = FACEBOOK.answering(!is_post).abilities;
        Ok(Prepared {
            path: self.graph.at(&id),
            body: json!({ "message": edit.out.part.shown_text(carded) }).to_string(),
        })
    }

    pub(super) async fn change(&self, prepared: &Prepared) -> Result<(), Failure> {
        let request = Request::post(&self.graph.base, &prepared.path).json(prepared.body.clone());
        self.graph.publish(request, Doubt::OwnId, read_done).await
    }
}

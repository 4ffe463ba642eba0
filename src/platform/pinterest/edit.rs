//! A pin gets other words where it is. <https://developers.pinterest.com/docs/api/v5/pins-update>

use serde_json::json;

use super::super::http::Request;
use super::super::{Edit, Prepared, card_of};
use super::{Account, PINS, Words, id_of, read, words};
use crate::post::outcome::Failure;
use crate::text::limits::{Doubt, PINTEREST};

/// A title or a description that is no more is empty.
pub(super) fn request(edit: &Edit<'_>) -> Result<Prepared, Failure> {
    let id = id_of(edit.receipt).ok_or_else(|| edit.unnamed())?;
    let text = edit.out.part.shown_text(PINTEREST.abilities);
    let said = words(&text, card_of(edit.out.part).map(|(link, _)| link));
    let told = Words {
        title: said.title.or(Some(String::new())),
        description: said.description.or(Some(String::new())),
        link: said.link,
    };
    Ok(Prepared {
        path: format!("{PINS}/{id}"),
        body: json!(told).to_string(),
    })
}

impl Account {
    pub(super) async fn change(&self, prepared: &Prepared) -> Result<(), Failure> {
        let bearer = self.token.bearer().await?;
        let request = Request::patch(&self.base, &prepared.path).bearer(&bearer);
        let request = request.json(prepared.body.clone());
        let answer = self.http.publish(request, Doubt::OwnId).await?;
        self.token.answered(&bearer, read(&answer).map(drop)).await
    }
}

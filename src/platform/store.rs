//! Where a platform wants files to be sent: a store that it names, which may be another's.

use super::harmless;
use super::http::{BaseUrl, Field, Http, Request};
use crate::post::outcome::{Class, Failure};

/// The address that a platform gave, if it is on the server that we speak to, or on one of its stores: hosts that end
/// so.
pub(super) fn place(url: &str, own: &BaseUrl, stores: &[&str]) -> Result<BaseUrl, Failure> {
    let elsewhere = || Failure::new(Class::Transient, "it wants a file to be sent to another host");
    let at = BaseUrl::endpoint(url).map_err(|_| elsewhere())?;
    let known = at.host() == own.host() || stores.iter().any(|store| at.host().ends_with(store));
    known.then_some(at).ok_or_else(elsewhere)
}

/// Sends a file with the fields that the platform gave for it: they are the permission, so no token
/// leaves the platform.
pub(super) async fn hand_over(
    http: &Http,
    to: &BaseUrl,
    given: impl IntoIterator<Item = (String, String)>,
    file: Field,
) -> Result<(), Failure> {
    let mut fields: Vec<Field> = given
        .into_iter()
        .map(|(name, value)| Field::Text {
            name: name.into(),
            value,
        })
        .collect();
    // Last, or the store does not see the others.
    fields.push(file);
    let answer = http
        .send(Request::post(to, "").form(fields))
        .await
        .map_err(harmless)?;
    match answer.status {
        200 | 201 | 204 => Ok(()),
        // The permission may have run out; there is another with the next try.
        status => Err(harmless(answer.failure(answer.class(status == 413), None))),
    }
}

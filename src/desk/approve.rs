//! A person's word on what a message says.

use std::sync::Arc;

use jiff::Timestamp;

use crate::campaign::Campaign;
use crate::campaign::approval::{Approval, Approvals};
use crate::campaign::message::Message;
use crate::post::identity::MessageId;

use super::pending::proposal;
use super::say::meant;
use super::{Failed, Files};

/// The messages of these ids, in their order.
pub fn named(campaign: &Campaign, ids: &[String]) -> Result<Vec<Arc<Message>>, Failed> {
    let find = |id: &String| {
        let found = campaign.messages.iter().find(|message| message.id.as_str() == id);
        found.cloned().ok_or_else(|| {
            let meant = meant(id, campaign.messages.iter().map(|message| message.id.as_str()));
            Failed::Usage(format!(
                "there is no message `{id}` that can be read{meant}; `steadfast check` shows what is wrong"
            ))
        })
    };
    ids.iter().map(find).collect()
}

/// The word to be recorded, with what it is about; or why there can be none, in one sentence.
///
/// `meant`: only if this is still its digest, or the first digits of it.
pub fn word(
    files: &Files,
    campaign: &Campaign,
    approvals: &Approvals,
    message: &Message,
    meant: Option<&str>,
    by: &str,
    at: Timestamp,
) -> Result<(Approval, String), String> {
    let id = &message.id;
    if let Some(why) = campaign.blocked.get(id) {
        return Err(format!(
            "`{id}` can't go out as it stands, so it is not approved: {why}"
        ));
    }
    let proposal = proposal(files, campaign, message).map_err(|why| format!("`{id}`: {why}"))?;
    let digest = proposal.digest();
    if let Some(meant) = meant.filter(|meant| !digest.to_string().starts_with(*meant)) {
        return Err(format!(
            "`{id}` says something else than what has the digest {meant}: it is {} now; look at `steadfast pending` again",
            digest.short()
        ));
    }
    let approval = Approval {
        message: id.clone(),
        by: by.to_owned(),
        at,
        digest: Some(digest),
    };
    if approvals.has(&approval) {
        return Err(format!("`{id}` is approved by {by} already, as it stands"));
    }
    Ok((approval, proposal.lines().join("\n")))
}

/// The word that takes back all that was approved of a message.
///
/// # Errors
/// If the id is none, or nothing of it is approved.
pub fn withdrawal(
    id: &str,
    approvals: &Approvals,
    by: &str,
    at: Timestamp,
) -> Result<(Approval, String), Failed> {
    let message: MessageId = id
        .parse()
        .map_err(|e| Failed::Usage(format!("`{id}` is no message's id: {e}")))?;
    if approvals.last(&message).is_none() {
        return Err(Failed::Wrong(format!("nothing of `{id}` is approved")));
    }
    let approval = Approval {
        message,
        by: by.to_owned(),
        at,
        digest: None,
    };
    Ok((approval, String::new()))
}

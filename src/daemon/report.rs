//! One clear line for each thing that happens to a post, with the stable `event` names of the operators'
//! docs.

use jiff::Timestamp;
use tracing::{error, info, warn};

use crate::calendar::plan::Planned;
use crate::campaign::approval::Approvals;
use crate::campaign::{Campaign, Roster};
use crate::ledger::{Hold, NewPost, Post};
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::outcome::Class;
use crate::post::state::{Standing, State};
use crate::post::step::{ForAccount, Rest};

/// How late it is, in milliseconds; negative never happens, and would be a fault worth seeing.
fn late_ms(post: &Post, now: Timestamp) -> i64 {
    i64::try_from(now.duration_since(post.due).as_millis()).unwrap_or(i64::MAX)
}

/// A post comes to rest in a new standing.
pub fn rest(post: &Post, to: &Standing, rest: &Rest, now: Timestamp) {
    let (message, account, platform, due) = (&post.message, &post.account, &post.platform, post.due);
    let id = post.id;
    let why = to.why.as_deref().unwrap_or_default();
    let words = rest.failure.as_ref().map_or("", |failure| failure.words.as_str());
    if let Some(receipt) = &rest.receipt {
        let (part, parts) = (post.standing.part.saturating_add(1), post.parts);
        let url = receipt.url.as_deref().unwrap_or_default();
        if post.content.deletes().is_some() {
            info!(event = "post.deleted", post = %id, message_id = %message, %account, platform, part, parts, url, "deleted {message} from {account}{}", of(part, parts));
            return;
        }
        if post.content.is_edit() {
            info!(event = "post.edited", post = %id, message_id = %message, %account, platform, part, parts, url, "edited {message} on {account}{}", of(part, parts));
            return;
        }
        info!(event = "post.sent", post = %id, message_id = %message, %account, platform, %due, late_ms = late_ms(post, now),
              part, parts, url, "sent {message} to {account}{}", of(part, parts));
        if let Some(altered) = &receipt.altered {
            warn!(event = "post.altered", post = %id, message_id = %message, %account, platform, %due, part, parts, url, altered,
                  "{message} is out on {account}, but {altered}");
        }
        return;
    }
    let again = to.not_before;
    match to.state {
        State::Retrying => {
            warn!(event = "post.retry", post = %id, message_id = %message, %account, platform, %due, again = %again, error = words,
                  "{message} was not accepted on {account}: {words}");
        }
        State::InDoubt => {
            warn!(event = "post.in_doubt", post = %id, message_id = %message, %account, platform, %due, again = %again, error = words,
                  "nobody knows yet whether {account} has {message}: {words}");
        }
        State::Rejected => {
            error!(event = "post.rejected", post = %id, message_id = %message, %account, platform, %due, error = words,
                   "{account} refused {message}: {words}");
        }
        State::Held => {
            warn!(event = "post.held", post = %id, message_id = %message, %account, platform, %due, why, "{message} is held on {account}: {why}");
        }
        State::Skipped => {
            warn!(event = "post.skipped", post = %id, message_id = %message, %account, platform, %due, why, "{message} is not sent to {account}: {why}");
        }
        State::Due | State::Sending | State::Sent => {}
    }
    match &rest.account {
        Some(ForAccount::WaitsUntil(until)) => {
            warn!(event = "account.rate_limited", %account, platform, until = %until, "{account} waits until {until}");
        }
        Some(ForAccount::Held { why }) => {
            let auth = rest
                .failure
                .as_ref()
                .is_some_and(|failure| failure.class == Class::Auth);
            let event = if auth {
                "account.auth_failed"
            } else {
                "account.held"
            };
            error!(event, %account, platform, why, "{account} is held: {why}; mend it, then `steadfast release --account {account}`");
        }
        None => {}
    }
}

fn of(part: u16, parts: u16) -> String {
    if parts > 1 {
        format!(" ({part}/{parts})")
    } else {
        String::new()
    }
}

/// Somebody said stop; `under_way` had left before and may still arrive.
pub(crate) fn held(hold: &Hold, under_way: &[(PostId, MessageId, AccountName)]) {
    let (scope, why, by, left) = (&hold.scope, &hold.why, &hold.by, under_way.len());
    warn!(event = "hold.set", scope = %scope, why, by, in_flight = left, "{scope} is held by {by}: {why}");
    for (post, message, account) in under_way {
        warn!(event = "hold.in_flight", post = %post, message_id = %message, %account, "was already on its way: {message} to {account}");
    }
}

/// A post was recorded: it is due, or its time was over.
pub fn recorded(post: &NewPost) {
    let (identity, id) = (&post.identity, post.identity.post_id());
    came_to(
        id,
        &identity.message,
        &identity.account,
        post.platform,
        post.due,
        post.state,
        post.why.as_deref(),
    );
}

/// A hold was settled, and this became of a post that fell due meanwhile.
pub fn settled(post: &Post) {
    let (standing, platform) = (&post.standing, post.platform.as_str());
    came_to(
        post.id,
        &post.message,
        &post.account,
        platform,
        post.due,
        standing.state,
        standing.why.as_deref(),
    );
}

fn came_to(
    post: PostId,
    message: &MessageId,
    account: &AccountName,
    platform: &str,
    due: Timestamp,
    state: State,
    why: Option<&str>,
) {
    let why = why.unwrap_or_default();
    match state {
        State::Held => {
            warn!(event = "post.held", %post, message_id = %message, %account, platform, %due, why, "{message} is held on {account}: {why}");
        }
        State::Skipped => {
            warn!(event = "post.skipped", %post, message_id = %message, %account, platform, %due, why, "{message} is not sent to {account}: {why}");
        }
        _ => {
            info!(event = "post.due", %post, message_id = %message, %account, platform, %due, "{message} is due on {account}");
        }
    }
}

/// It is due, and nobody has approved it.
pub fn unapproved(planned: &Planned, roster: &Roster, why: &str) {
    let (message, due, post) = (&planned.message.id, planned.due, planned.identity.post_id());
    let (account, platform) = (
        &planned.identity.account,
        roster
            .accounts
            .get(planned.account)
            .map_or("", |account| account.platform),
    );
    warn!(event = "post.unapproved", %post, message_id = %message, %account, platform, %due, why, "{message} is due on {account} and does not go out: {why}");
}

/// What is approved now and was not before, and the other way round.
pub fn approvals(before: &Campaign, now: &Campaign, said: &Approvals) {
    let (Some(before), Some(approved)) = (&before.approved, &now.approved) else {
        return;
    };
    for (message, new) in approved {
        if before.get(message).is_none_or(|old| old.digest != new.digest) {
            let by: Vec<&str> = said
                .of(message, new.digest)
                .iter()
                .map(|word| word.by.as_str())
                .collect();
            let (by, digest) = (by.join(", "), new.digest.short());
            info!(event = "approval.given", message_id = %message, by, digest, "{message} is approved by {by}");
        }
    }
    for message in before.keys().filter(|message| !approved.contains_key(message)) {
        // One that is gone from the files says nothing any more.
        if let Some(why) = now.blocked.get(message) {
            warn!(event = "approval.withdrawn", message_id = %message, why, "{message} is no longer approved: {why}");
        }
    }
}

//! A message now, because a person says so.

use std::sync::Arc;

use jiff::Timestamp;

use crate::calendar::civil;
use crate::calendar::past::Variants;
use crate::campaign::message::{Local, Message};
use crate::campaign::render::{left_out, render};
use crate::campaign::{Campaign, Roster, Settings, variants};
use crate::ledger::{Hold, NewPost, Post, Voice};
use crate::post::identity::{AccountName, Identity, Occurrence};
use crate::post::state::State;

use super::say::{local, meant};
use super::{Failed, Files, Office};

/// What a post that may go out waits for, and until when.
pub fn waiting(post: &Post, holds: &[Hold], campaign: &Campaign, now: Timestamp) -> Option<String> {
    if !matches!(post.standing.state, State::Due | State::Retrying) {
        return None;
    }
    if let Some(hold) = holds.iter().find(|hold| hold.stops(post)) {
        let until = match hold.released {
            None => "until it is released",
            Some(_) => "until a daemon runs and deals with what fell due",
        };
        return Some(format!("{until}: {} is held: {}", hold.scope, hold.why));
    }
    let Settings { zone, windows, .. } = &campaign.settings;
    let until = |at: Timestamp| format!("until {}", local(at, zone));
    let quiet = !post.content.may_be_repeated();
    if let Some(closed) = windows.closed(zone, now).filter(|_| quiet) {
        let open = windows.open_from(zone, now).unwrap_or(closed.until);
        return Some(format!("{}: {}", until(open), closed.why));
    }
    let why = post.standing.why.clone().or_else(|| post.error.clone());
    let later = (post.standing.not_before > now).then(|| until(post.standing.not_before))?;
    Some(why.map_or_else(|| later.clone(), |why| format!("{later}: {why}")))
}

/// The message, if it may be posted at all.
fn find<'c>(campaign: &'c Campaign, id: &str, now: Timestamp) -> Result<&'c Arc<Message>, Failed> {
    let cannot = |why: &str| Failed::Wrong(format!("`{id}` can't go out as it stands: {why}"));
    let message = campaign.messages.iter().find(|message| message.id.as_str() == id);
    if let Some((_, why)) = campaign
        .blocked
        .iter()
        .find(|(blocked, _)| blocked.as_str() == id)
    {
        return Err(cannot(why));
    }
    let Some(message) = message else {
        let meant = meant(id, campaign.messages.iter().map(|message| message.id.as_str()));
        return Err(Failed::Usage(format!(
            "there is no message `{id}` that can be read{meant}; `steadfast check` shows what is wrong"
        )));
    };
    if message.draft {
        return Err(cannot("it is a draft; take `draft = true` out when it is ready"));
    }
    let zone = &campaign.settings.zone;
    let expires = expiry(zone, message);
    if let Some(expired) = expires.filter(|expires| *expires <= now) {
        return Err(cannot(&format!(
            "it expired on {}; give it a later `expires`, or take that out",
            local(expired, zone)
        )));
    }
    let today = civil::local(zone, now).date();
    match campaign.stale_fact(message, today) {
        Some(why) => Err(cannot(&why)),
        None => Ok(message),
    }
}

/// The accounts it is to go to, as indexes of the roster.
fn targets(roster: &Roster, message: &Message, to: &[String]) -> Result<Vec<usize>, Failed> {
    let accounts = || roster.accounts.iter().map(|account| account.name.as_str());
    let known = || accounts().chain(roster.groups.keys().map(String::as_str));
    let unknown: Vec<String> = to
        .iter()
        .filter(|name| !known().any(|known| known == name.as_str()))
        .map(|name| format!("there is no account or group `{name}`{}", meant(name, known())))
        .collect();
    if !unknown.is_empty() {
        let all = known().collect::<Vec<_>>().join(", ");
        return Err(Failed::Usage(format!("{}\nthere are: {all}", unknown.join("\n"))));
    }
    let asked: Vec<Box<str>> = to.iter().map(|name| name.as_str().into()).collect();
    let targets = roster.target_indexes(if to.is_empty() { &message.to } else { &asked });
    if targets.is_empty() {
        return Err(Failed::Wrong(format!(
            "`{}` would go to no account: see its `to`",
            message.id
        )));
    }
    Ok(targets)
}

fn expiry(zone: &jiff::tz::TimeZone, message: &Message) -> Option<jiff::Timestamp> {
    match message.expires? {
        Local::Fixed(at) => Some(at),
        Local::Civil(at) => civil::instant(zone, at),
    }
}

/// The posts of message `id` to the accounts and groups in `to`, or to its own where there are none, because `by` says
/// so.
///
/// # Errors
/// If it may not go out.
pub fn new_posts(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    id: &str,
    to: &[String],
    said: &Variants,
    by: &str,
) -> Result<Vec<NewPost>, Failed> {
    let now = office.clock.now();
    let message = find(campaign, id, now)?;
    let targets = targets(&files.roster, message, to)?;
    let unapproved = |name: &AccountName| {
        let approved = campaign
            .approved
            .as_ref()
            .and_then(|approved| approved.get(&message.id));
        approved.is_some_and(|approved| !approved.accounts.contains(name))
    };
    let mut posts = Vec::new();
    for account in targets
        .into_iter()
        .filter_map(|index| files.roster.accounts.get(index))
        // Who names an account that leaves it out is told why.
        .filter(|account| !to.is_empty() || left_out(campaign, message, account).is_none())
    {
        if unapproved(&account.name) {
            return Err(Failed::Wrong(format!(
                "`{id}` is not approved for {}: only for where it goes by its `to`",
                account.name
            )));
        }
        let last = said.get(&(message.id.clone(), account.name.clone()));
        let nth = variants::next(campaign, message, account, last);
        let content = render(campaign, message, account, now, nth)
            .map_err(|problem| Failed::Wrong(format!("`{id}` can't go to {}: {problem}", account.name)))?;
        posts.push(NewPost {
            identity: Identity {
                campaign: campaign.settings.id.clone(),
                message: message.id.clone(),
                account: account.name.clone(),
                occurrence: Occurrence::asked(&now.to_string()),
            },
            platform: account.platform,
            due: now,
            late: message.late.unwrap_or(office.settings.late),
            expires: expiry(&campaign.settings.zone, message),
            recurring: false,
            breaking: true,
            slot: None,
            file: Arc::clone(&message.place.file),
            content,
            state: State::Due,
            why: None,
            voice: Some(Voice {
                act: "post",
                by: by.to_owned(),
            }),
        });
    }
    Ok(posts)
}

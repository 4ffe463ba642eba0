//! What a share is held against: the post as it was when the share was queued. The first look is taken as soon as
//! the files name it, and the last right before it goes out.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::campaign::Campaign;
use crate::campaign::message::Message;
use crate::ledger::rename::SHARE;
use crate::ledger::{Ledger, LedgerError, Post};
use crate::post::digest::Digest;
use crate::post::identity::{AccountName, Identity, MessageId, Occurrence, PostId};
use crate::post::shared::{Look, Queued, Verdict, judge};

use super::planner::instant;
use super::{Outlet, Shared, World};

/// How long to wait before what could not be read is asked for again.
const AGAIN: Duration = Duration::from_mins(5);
/// Between two looks: a file of a hundred shares is no reason to flood a server.
const BETWEEN: Duration = Duration::from_millis(200);

/// What was queued, in the ledger: by message, account and address, so that another address is another share.
fn queued_key(message: &MessageId, account: &AccountName, url: &str) -> String {
    format!(
        "{SHARE} {message} {account} {}",
        Digest::of(url.as_bytes()).short()
    )
}

/// What the person was told of who may say `retry` to a post.
fn shown_key(post: PostId) -> String {
    format!("shown {post}")
}

async fn queued(ledger: &dyn Ledger, key: &str) -> Result<Option<Queued>, LedgerError> {
    let noted = ledger.noted(key).await?;
    // What can't be read was written by a later version: then nobody knows what was queued, and it counts as unread.
    let unread = Queued {
        since: Timestamp::MIN,
        read: None,
    };
    Ok(noted.map(|noted| serde_json::from_str(&noted).unwrap_or(unread)))
}

async fn note(ledger: &dyn Ledger, key: &str, queued: &Queued) -> Result<(), LedgerError> {
    ledger.note(key, &serde_json::json!(queued).to_string()).await
}

/// Reads what is to be shared, as soon as it is queued, until `stop`.
pub(crate) async fn watch(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let mut campaign = shared.campaign.clone();
    let mut done = HashSet::new();
    let mut told = HashSet::new();
    loop {
        campaign.mark_unchanged();
        let looks = look(&world, &shared, &mut done, &mut told);
        let all = tokio::select! {
            () = stop.cancelled() => return,
            all = looks => all,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AGAIN), if !all => {}
            changed = campaign.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

/// One round of looks. `done` are the shares that were read, or need not be; `told` those that could not be, and
/// that was said. Returns whether none is left.
async fn look(
    world: &World,
    shared: &Shared,
    done: &mut HashSet<String>,
    told: &mut HashSet<String>,
) -> bool {
    let campaign = shared.campaign();
    let mut all = true;
    for message in &campaign.messages {
        let now = world.clock.now();
        let over = message.expires.and_then(|expires| instant(&campaign, expires));
        let Some(url) = message.share.as_deref().filter(|_| !message.draft) else {
            continue;
        };
        if over.is_some_and(|over| over <= now) {
            continue;
        }
        for account in world.roster.targets(&message.to) {
            let key = queued_key(&message.id, &account.name, url);
            let outlet = world
                .outlets
                .iter()
                .find(|outlet| outlet.account.name == account.name);
            let Some(outlet) = outlet.filter(|_| !done.contains(&key)) else {
                continue;
            };
            match first_look(world, &campaign, outlet, message, url, &key).await {
                Ok(()) => drop(done.insert(key)),
                Err(why) => {
                    all = false;
                    if told.insert(key) {
                        let (id, name) = (&message.id, &account.name);
                        tracing::warn!(event = "share.unread", message_id = %id, account = %name, why,
                            "{url}, which {id} shares on {name}, can't be read yet: {why}");
                    }
                }
            }
        }
    }
    all
}

/// Reads one and remembers what it says, unless that is known, or the share is out already.
async fn first_look(
    world: &World,
    campaign: &Campaign,
    outlet: &Outlet,
    message: &Message,
    url: &str,
    key: &str,
) -> Result<(), String> {
    let ledger = &*world.ledger;
    let said = |e: LedgerError| e.to_string();
    // What was queued under an old id of its message counts: the planner is about to rename it.
    let before = message
        .was
        .iter()
        .map(|old| queued_key(old, &outlet.account.name, url));
    let mut known = None;
    for key in std::iter::once(key.to_owned()).chain(before) {
        known = known.or(queued(ledger, &key).await.map_err(said)?);
    }
    if known.is_some_and(|queued| queued.read.is_some()) {
        return Ok(());
    }
    let identity = Identity {
        campaign: campaign.settings.id.clone(),
        message: message.id.clone(),
        account: outlet.account.name.clone(),
        occurrence: Occurrence::once(),
    };
    let post = ledger.post(identity.post_id()).await.map_err(said)?;
    if post.is_some_and(|post| post.standing.state.is_final()) {
        return Ok(());
    }
    tokio::time::sleep(BETWEEN).await;
    let Some(answer) = outlet.platform.read(url).await else {
        return Ok(()); // there is nobody to be asked
    };
    let now = world.clock.now();
    let since = known.map_or(now, |queued| queued.since);
    let (read, failed) = match answer {
        Ok(Look::There(is)) => (Some((now, is)), None),
        Ok(Look::Gone) => (None, Some("there is no such post".to_owned())),
        Err(failure) => (None, Some(failure.words)),
    };
    if read.is_some() || known.is_none() {
        note(ledger, key, &Queued { since, read }).await.map_err(said)?;
    }
    if let Some((_, is)) = read {
        let (id, name) = (&message.id, &outlet.account.name);
        tracing::info!(event = "share.read", message_id = %id, account = %name, digest = %is,
            "{url} is what {id} shares on {name}, as long as it stays as it is");
    }
    failed.map_or(Ok(()), Err)
}

/// The last look: what a post that shares `url` comes to, and what counts as queued from now on.
pub(super) async fn verdict(
    ledger: &dyn Ledger,
    post: &Post,
    url: &str,
    look: Look,
    now: Timestamp,
) -> Result<Verdict, LedgerError> {
    let key = queued_key(&post.message, &post.account, url);
    let queued = queued(ledger, &key).await?;
    let shown = ledger.noted(&shown_key(post.id)).await?;
    let shown = shown.and_then(|shown| shown.parse().ok());
    let verdict = judge(url, queued.as_ref(), shown, look, now);
    if let Verdict::Take(is) = verdict {
        let since = queued.map_or(now, |queued| queued.since);
        let read = Some((now, is));
        note(ledger, &key, &Queued { since, read }).await?;
    }
    Ok(verdict)
}

/// The post is held, and whoever says `retry` to it has been told that this is what stands there now.
pub(super) async fn was_shown(ledger: &dyn Ledger, post: PostId, shown: Digest) -> Result<(), LedgerError> {
    ledger.note(&shown_key(post), &shown.to_string()).await
}

//! `steadfast post ID`: a message now, because a person says so.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::calendar::civil;
use crate::calendar::past::Variants;
use crate::campaign::message::{Local, Message};
use crate::campaign::render::{left_out, render};
use crate::campaign::{Campaign, Roster, Settings, variants};
use crate::daemon::variants_said;
use crate::ledger::{Hold, Ledger, NewPost, Post};
use crate::post::identity::{AccountName, Identity, Occurrence, PostId};
use crate::post::state::State;

use super::run::{Assets, assemble_world};
use super::say::{address, meant};
use super::{Exit, Failed, Files, Office, print_line, table};

/// How long the running daemon is given before we say that it goes on by itself, and we stay where none runs.
const PATIENCE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_secs(10);

pub(super) async fn post(office: &Office, message: &str, to: &[String]) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let known = office.ledger_if_any().await?;
    let campaign = office
        .gate(&files, &Office::campaign(&files)?, known.as_deref())
        .await?;
    let ledger = office.ledger().await?;
    let said = variants_said(&*ledger, &campaign).await?;
    let posts = new_posts(office, &files, &campaign, message, to, &said)?;
    let now = office.clock.now();
    let ids = ledger.record(posts, now).await?;
    ledger.ring().await?;
    let daemon = !ledger.daemons().await?.is_empty();
    let free = not_stopped(office, &*ledger, &campaign, &ids, now).await?;
    if daemon {
        drop(tokio::time::timeout(PATIENCE, at_rest(&*ledger, &free, now)).await);
    } else if !free.is_empty() {
        send_ourselves(
            office,
            files,
            campaign.clone(),
            &free,
            PATIENCE,
            CancellationToken::new(),
        )
        .await?;
    }
    let mut exit = Exit::Done;
    let mut waits = false;
    let holds = office.holds(Some(&*ledger)).await?;
    for post in read(&*ledger, &ids).await? {
        if post.standing.state != State::Sent {
            exit = Exit::Wrong;
        }
        let parts = ledger.parts(post.id).await?;
        let url = parts.iter().find_map(|part| part.receipt.as_ref()?.url.clone());
        let waiting = waiting(&post, &holds, &campaign, office.clock.now());
        waits |= waiting.is_some();
        let url = url.map(|url| address(office, &url));
        let said = waiting.or(post.standing.why).or(url).or(post.error);
        print_line(&format!(
            "{}: {} {} (post {})",
            post.account,
            post.standing.state,
            said.unwrap_or_default(),
            post.id
        ));
    }
    if waits && !daemon {
        print_line("no daemon is running: what waits goes out when `steadfast run` is started");
    }
    Ok(exit)
}

async fn read(ledger: &dyn Ledger, ids: &[PostId]) -> Result<Vec<Post>, Failed> {
    let mut posts = Vec::new();
    for id in ids {
        posts.extend(ledger.post(*id).await?);
    }
    Ok(posts)
}

/// Those that nothing keeps from going out at once.
async fn not_stopped(
    office: &Office,
    ledger: &dyn Ledger,
    campaign: &Campaign,
    ids: &[PostId],
    now: Timestamp,
) -> Result<Vec<PostId>, Failed> {
    let holds = office.holds(Some(ledger)).await?;
    let posts = read(ledger, ids).await?;
    let free = posts
        .iter()
        .filter(|post| waiting(post, &holds, campaign, now).is_none());
    Ok(free.map(|post| post.id).collect())
}

/// What a post that may go out waits for, and until when.
fn waiting(post: &Post, holds: &[Hold], campaign: &Campaign, now: Timestamp) -> Option<String> {
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
    let until = |at: Timestamp| format!("until {}", table::local(at, zone));
    let quiet = post.content.deletes().is_none();
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
            table::local(expired, zone)
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

fn new_posts(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    id: &str,
    to: &[String],
    said: &Variants,
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
        });
    }
    Ok(posts)
}

/// A wait of more than a moment is the daemon's alone.
async fn at_rest(ledger: &dyn Ledger, ids: &[PostId], now: Timestamp) {
    let moment = now.saturating_add(MOMENT).unwrap_or(now);
    for id in ids {
        let moving = |post: &Post| {
            matches!(post.standing.state, State::Due | State::Sending) && post.standing.not_before <= moment
        };
        while ledger
            .post(*id)
            .await
            .is_ok_and(|post| post.as_ref().is_some_and(moving))
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// No daemon is running, so we are it for as long as this takes.
pub(super) async fn send_ourselves(
    office: &Office,
    files: Files,
    campaign: Campaign,
    ids: &[PostId],
    most: Duration,
    stop: CancellationToken,
) -> Result<(), Failed> {
    let (ledger, seat) = office.place()?.take(office.uptime()).await?;
    let assets = Assets::new(files.roster.clone());
    let world = assemble_world(office, ledger, &assets, files.folder)?;
    let (_keep, campaign) = tokio::sync::watch::channel(Arc::new(campaign));
    let done = crate::daemon::deliver_only(world, campaign, ids.to_vec(), stop, most).await;
    seat.leave().await;
    Ok(done?)
}

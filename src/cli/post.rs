//! `steadfast post ID`: a message now, because a person says so.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::campaign::Campaign;
use crate::daemon::variants_said;
use crate::desk::post::{new_posts, waiting};
use crate::ledger::{Ledger, Post};
use crate::post::identity::PostId;
use crate::post::state::State;

use super::args::SpeakerArgs;
use super::run::{Assets, assemble_world};
use super::say::address;
use super::{Exit, Failed, Files, Office, print_line};

/// How long the running daemon is given before we say that it goes on by itself, and we stay where none runs.
const PATIENCE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_secs(10);

pub(super) async fn post(
    office: &Office,
    message: &str,
    to: &[String],
    by: &SpeakerArgs,
) -> Result<Exit, Failed> {
    let by = by.name()?;
    let files = office.read_files()?;
    let known = office.ledger_if_any().await?;
    let campaign = office
        .gate(&files, &Office::campaign(&files)?, known.as_deref())
        .await?;
    let ledger = office.ledger().await?;
    let said = variants_said(&*ledger, &campaign).await?;
    let posts = new_posts(office, &files, &campaign, message, to, &said, &by)?;
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

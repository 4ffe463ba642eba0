//! `steadfast post ID`: a message now, because a person says so.

use std::sync::Arc;
use std::time::Duration;

use crate::campaign::render::render;
use crate::ledger::sqlite::{Lock, Sqlite};
use crate::ledger::{Ledger, NewPost};
use crate::post::identity::{Identity, Occurrence, PostId};
use crate::post::state::State;

use super::run::{Assets, assemble_world};
use super::{Exit, Failed, Files, Office, print_line};

/// How long the running daemon is given before we say that it goes on by itself.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) async fn post(office: &Office, message: &str, to: &[String]) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let posts = new_posts(office, &files, message, to)?;
    let ledger = Arc::new(office.ledger().await?);
    let now = office.clock.now();
    let ids = ledger.record(posts, now).await?;
    ledger.ring().await?;
    if Lock::is_taken(&office.settings.ledger) {
        drop(tokio::time::timeout(PATIENCE, at_rest(&ledger, &ids)).await);
    } else {
        send_ourselves(office, files, &ledger, &ids).await?;
    }
    let mut all_sent = true;
    for id in ids {
        if let Some(post) = ledger.post(id).await? {
            all_sent &= post.standing.state == State::Sent;
            let parts = ledger.parts(id).await?;
            let url = parts.iter().find_map(|part| part.receipt.as_ref()?.url.clone());
            let said = post.standing.why.or(url).or(post.error).unwrap_or_default();
            print_line(&format!(
                "{}: {} {said} (post {id})",
                post.account, post.standing.state
            ));
        }
    }
    if let Some(hold) = ledger.holds().await?.first() {
        print_line(&format!("{} is held: {}", hold.scope, hold.why));
    }
    Ok(if all_sent { Exit::Done } else { Exit::Wrong })
}

fn new_posts(office: &Office, files: &Files, id: &str, to: &[String]) -> Result<Vec<NewPost>, Failed> {
    let campaign = Office::campaign(files)?;
    let message = campaign.messages.iter().find(|message| message.id.as_str() == id);
    let Some(message) = message else {
        return Err(Failed::Usage(format!(
            "there is no message `{id}` that can be read; `steadfast check` shows what is wrong"
        )));
    };
    let now = office.clock.now();
    let today = crate::calendar::civil::local(&campaign.settings.zone, now).date();
    if let Some(why) = campaign
        .blocked
        .get(&message.id)
        .cloned()
        .or_else(|| campaign.stale_fact(message, today))
    {
        return Err(Failed::Wrong(format!("`{id}` can't go out as it stands: {why}")));
    }
    let mut asked = message.as_ref().clone();
    if !to.is_empty() {
        asked.to = to.iter().map(|name| name.as_str().into()).collect();
    }
    let targets = files.roster.target_indexes(&asked.to);
    if targets.is_empty() {
        return Err(Failed::Usage(format!(
            "there is no account or group named {}",
            to.join(", ")
        )));
    }
    let mut posts = Vec::new();
    for account in targets
        .into_iter()
        .filter_map(|index| files.roster.accounts.get(index))
    {
        let content = render(&campaign, message, account, now)
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
            late: office.settings.late,
            expires: None,
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

async fn at_rest(ledger: &Sqlite, ids: &[PostId]) {
    for id in ids {
        while ledger.post(*id).await.is_ok_and(|post| {
            post.is_some_and(|post| matches!(post.standing.state, State::Due | State::Sending))
        }) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// No daemon is running, so we are it for as long as this takes.
async fn send_ourselves(
    office: &Office,
    files: Files,
    ledger: &Arc<Sqlite>,
    ids: &[PostId],
) -> Result<(), Failed> {
    let _lock = Lock::take(&office.settings.ledger)?;
    let assets = Assets::new(files.roster.clone());
    let campaign = Office::campaign(&files)?;
    let world = assemble_world(office, ledger.clone(), &assets, files.folder)?;
    let (_keep, campaign) = tokio::sync::watch::channel(Arc::new(campaign));
    let stop = tokio_util::sync::CancellationToken::new();
    Ok(crate::daemon::deliver_only(world, campaign, ids.to_vec(), stop).await?)
}

//! Everything that changes something, whoever asks for it: a form of ours, or a program.

use tracing::info;

use crate::daemon::variants_said;
use crate::desk::approve::{named, withdrawal, word};
use crate::desk::hold::{heard, known, on_their_way};
use crate::desk::pending;
use crate::desk::post::new_posts;
use crate::desk::words::{Said, say};
use crate::desk::{Failed, Files, Office};
use crate::ledger::{Post, Scope};
use crate::post::identity::PostId;
use crate::post::step::Word;
use crate::settings::Role;

use super::Site;
use super::trouble::Trouble;
use super::words::{Words, fill};

/// The longest reason, in characters.
const WHY_MAX: usize = 500;

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    /// For the ledger.
    pub by: String,
    /// Somebody has said who they are.
    pub named: bool,
    pub role: Role,
    pub t: &'static Words,
}

impl Speaker {
    /// Refuses whoever may not.
    pub fn needs(&self, role: Role) -> Result<(), Trouble> {
        if self.role >= role {
            Ok(())
        } else {
            Err(Trouble::Forbidden)
        }
    }
}

/// A reason that somebody typed, on one line.
pub(super) fn reason(why: &str, t: &'static Words) -> Result<String, Trouble> {
    let why = why.trim();
    if why.chars().count() > WHY_MAX || why.chars().any(char::is_control) {
        return Err(Trouble::Wrong(t.bad_reason.to_owned()));
    }
    Ok(why.to_owned())
}

/// An address of a post, where there is one.
pub(super) fn address(url: &str, t: &'static Words) -> Result<Option<String>, Trouble> {
    match url.trim() {
        "" => Ok(None),
        url if url.starts_with("https://") || url.starts_with("http://") => Ok(Some(url.to_owned())),
        _ => Err(Trouble::Wrong(t.bad_address.to_owned())),
    }
}

/// The files as they are at this moment: what is sent or approved must be what they say.
pub(super) async fn files(site: &Site) -> Result<Files, Trouble> {
    let office = site.pages.office.clone();
    let read = tokio::task::spawn_blocking(move || office.read_files()).await;
    read.map_err(|_| Trouble::Slow)?.map_err(Into::into)
}

/// Returns what was on its way already.
pub(super) async fn hold(
    site: &Site,
    speaker: &Speaker,
    scope: &Scope,
    why: &str,
) -> Result<Vec<Post>, Trouble> {
    speaker.needs(Role::Editor)?;
    let (why, by) = (reason(why, speaker.t)?, &speaker.by);
    if why.is_empty() {
        return Err(Trouble::Wrong(speaker.t.reason_needed.to_owned()));
    }
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    known(office, scope, ledger).await?;
    ledger.hold(scope, &why, by, office.clock.now()).await?;
    heard(ledger).await?;
    info!(event = "web.acted", act = "hold", user = by, scope = %scope, why, "{by} holds {scope}: {why}");
    Ok(on_their_way(ledger, scope).await?)
}

/// Returns how many holds it ended.
pub(super) async fn release(
    site: &Site,
    speaker: &Speaker,
    scope: &Scope,
    why: &str,
) -> Result<u64, Trouble> {
    speaker.needs(Role::Operator)?;
    let (why, by) = (reason(why, speaker.t)?, &speaker.by);
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let files = office.brake().look(office.clock.now());
    if let Some(file) = files.first().filter(|_| *scope == Scope::All) {
        return Err(Trouble::Refused(fill(speaker.t.held_by_file, &[&file.by])));
    }
    let why = Some(why.as_str()).filter(|why| !why.is_empty());
    let released = ledger.release(scope, by, None, why, office.clock.now()).await?;
    heard(ledger).await?;
    if released > 0 {
        info!(event = "web.acted", act = "release", user = by, scope = %scope, "{by} releases {scope}");
    }
    Ok(released)
}

pub(super) async fn retry(site: &Site, speaker: &Speaker, post: &str) -> Result<Said, Trouble> {
    tell(site, speaker, post, "retried", Word::Retry).await
}

pub(super) async fn skip(site: &Site, speaker: &Speaker, post: &str, why: &str) -> Result<Said, Trouble> {
    let by = &speaker.by;
    let why = match reason(why, speaker.t)? {
        why if why.is_empty() => format!("{by} said so"),
        why => format!("{by} said so: {why}"),
    };
    tell(site, speaker, post, "skipped", Word::Skip { why }).await
}

/// `word`: that it was sent, or that it was not.
pub(super) async fn resolve(site: &Site, speaker: &Speaker, post: &str, word: Word) -> Result<Said, Trouble> {
    tell(site, speaker, post, "resolved", word).await
}

async fn tell(site: &Site, speaker: &Speaker, id: &str, code: &str, word: Word) -> Result<Said, Trouble> {
    speaker.needs(Role::Operator)?;
    let post: PostId = id.parse().map_err(|_| Trouble::Nothing)?;
    let by = &speaker.by;
    let said = say(&site.pages.office, &*site.pages.ledger, post, word, by).await?;
    info!(event = "web.acted", act = code, user = by, post = %post, message_id = %said.message, account = %said.account,
        "{by}: {} on {}: {} -> {}", said.message, said.account, said.from, said.to);
    Ok(said)
}

/// `digest`: of what they have seen.
pub(super) async fn approve(site: &Site, speaker: &Speaker, id: &str, digest: &str) -> Result<(), Trouble> {
    speaker.needs(Role::Approver)?;
    if !speaker.named {
        return Err(Trouble::Wrong(speaker.t.name_needed.to_owned()));
    }
    let by = &speaker.by;
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    pending::rule(office)?;
    let files = files(site).await?;
    let campaign = Office::campaign(&files)?;
    let approvals = pending::known(&files, &campaign, Some(ledger)).await?;
    if digest.is_empty() {
        return Err(Trouble::Stale);
    }
    let message = named(&campaign, &[id.to_owned()])?
        .pop()
        .ok_or(Trouble::Nothing)?;
    let now = office.clock.now();
    let said =
        word(&files, &campaign, &approvals, &message, Some(digest), by, now).map_err(Trouble::Refused)?;
    ledger.approve(vec![said]).await?;
    heard(ledger).await?;
    info!(event = "web.acted", act = "approve", user = by, message_id = %message.id, "{by} approves {}", message.id);
    Ok(())
}

pub(super) async fn withdraw(site: &Site, speaker: &Speaker, id: &str) -> Result<(), Trouble> {
    speaker.needs(Role::Approver)?;
    let by = &speaker.by;
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    pending::rule(office)?;
    let files = files(site).await?;
    let campaign = Office::campaign(&files)?;
    let approvals = pending::known(&files, &campaign, Some(ledger)).await?;
    let said = withdrawal(id, &approvals, by, office.clock.now())?;
    ledger.approve(vec![said]).await?;
    heard(ledger).await?;
    info!(
        event = "web.acted",
        act = "withdraw",
        user = by,
        message_id = id,
        "{by} withdraws what was approved of {id}"
    );
    Ok(())
}

/// `to`: accounts and groups, or where the message goes by itself where there are none. Returns the new posts.
pub(super) async fn post_now(
    site: &Site,
    speaker: &Speaker,
    id: &str,
    to: &[String],
) -> Result<Vec<PostId>, Trouble> {
    speaker.needs(Role::Operator)?;
    let by = &speaker.by;
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let files = files(site).await?;
    let campaign = office
        .gate(&files, &Office::campaign(&files)?, Some(ledger))
        .await?;
    let said = variants_said(ledger, &campaign).await?;
    let posts = new_posts(office, &files, &campaign, id, to, &said, by)?;
    if posts.is_empty() {
        return Err(Failed::Wrong(speaker.t.goes_nowhere.to_owned()).into());
    }
    let posts = ledger.record(posts, office.clock.now()).await?;
    ledger.ring().await?;
    info!(
        event = "web.acted",
        act = "post",
        user = by,
        message_id = id,
        "{by} posts {id} now"
    );
    Ok(posts)
}

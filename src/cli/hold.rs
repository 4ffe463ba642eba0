//! `hold` and `release`.

use std::time::Duration;

use crate::daemon::brake::FILE;
use crate::desk::hold::{PATIENCE, heard, known, on_their_way};
use crate::ledger::{Hold, Ledger, Post, Scope};
use crate::post::state::State;

use super::args::{ScopeArgs, SpeakerArgs};
use super::say::{list, wait_for_a_word};
use super::{Exit, Failed, Office, complain, print_line};

/// How often it is looked whether anything is still on its way.
const LOOK: Duration = Duration::from_millis(50);

fn scope(args: &ScopeArgs) -> Result<Scope, Failed> {
    let bad = |e: crate::post::identity::NameError| Failed::Usage(format!("that is no name: {e}"));
    Ok(match (&args.account, &args.message) {
        (Some(name), _) => Scope::Account(name.parse().map_err(bad)?),
        (_, Some(id)) => Scope::Message(id.parse().map_err(bad)?),
        (None, None) => Scope::All,
    })
}

pub(super) async fn hold(
    office: &Office,
    args: &ScopeArgs,
    why: &str,
    wait: bool,
    by: &SpeakerArgs,
) -> Result<Exit, Failed> {
    let (scope, by) = (scope(args)?, by.name()?);
    let ledger = patiently(office, office.ledger()).await?;
    let unchecked = known(office, &scope, &*ledger).await?;
    let now = office.clock.now();
    patiently(office, ledger.hold(&scope, why, &by, now)).await?;
    let silent = heard(&*ledger).await?;
    print_line(&format!("{scope} is held: {why}"));
    if let Some(unchecked) = unchecked {
        print_line(&format!(
            "whether there is such a message could not be checked, so look at the id once more: {unchecked}"
        ));
    }
    if !silent.is_empty() {
        print_line(&format!(
            "slow to answer: {}; but nothing new can begin: every request needs the ledger's leave",
            silent.join(", ")
        ));
    }
    let on_their_way = on_their_way(&*ledger, &scope).await?;
    for post in &on_their_way {
        print_line(&format!(
            "was already on its way: {} to {} (post {})",
            post.message, post.account, post.id
        ));
    }
    if wait {
        return what_got_out(&*ledger, &scope, on_their_way).await;
    }
    Ok(Exit::Done)
}

/// Waits until none of them is on its way any more, and says what became of each.
async fn what_got_out(ledger: &dyn Ledger, scope: &Scope, began: Vec<Post>) -> Result<Exit, Failed> {
    let mut abandoned = false;
    while !on_their_way(ledger, scope).await?.is_empty() {
        if ledger.daemons().await?.is_empty() {
            abandoned = true;
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let mut exit = Exit::Done;
    for before in began {
        let Some(post) = ledger.post(before.id).await? else {
            continue;
        };
        let parts = ledger.parts(post.id).await?;
        let part = parts.iter().find(|part| part.index == before.standing.part);
        let receipt = part.and_then(|part| part.receipt.as_ref());
        let became = match (receipt, post.standing.state) {
            (Some(_), _) if post.content.deletes().is_some() => "was deleted".to_owned(),
            (Some(_), _) if post.content.is_edit() => "was edited".to_owned(),
            (Some(receipt), _) => format!("got out: {}", receipt.url.as_deref().unwrap_or(&receipt.id)),
            (None, State::Sending | State::InDoubt) => {
                exit = Exit::Wrong;
                "nobody knows yet whether it got out: look there".to_owned()
            }
            (None, _) => "did not get out".to_owned(),
        };
        let of = match post.parts {
            1 => String::new(),
            parts => format!(" part {} of {parts}", before.standing.part.saturating_add(1)),
        };
        print_line(&format!("{}{of} to {}: {became}", post.message, post.account));
    }
    if abandoned {
        print_line("no daemon is running: the next one finds out what became of what is still open");
    } else {
        print_line("nothing is on its way any more");
    }
    Ok(exit)
}

/// Says how to stop all the same, where the ledger keeps somebody waiting who wants to stop.
async fn patiently<T, E: Into<Failed>>(
    office: &Office,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, Failed> {
    let mut asked = std::pin::pin!(asked);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut asked).await {
        return done.map_err(Into::into);
    }
    let file = office.settings.state_folder().join(FILE);
    complain(&format!(
        "the ledger does not answer. To stop everything at once without it, make the file {}, or send SIGUSR1 to the daemon; still trying",
        file.display()
    ));
    asked.await.map_err(Into::into)
}

pub(super) async fn release(
    office: &Office,
    args: &ScopeArgs,
    why: Option<&str>,
    by: &SpeakerArgs,
) -> Result<Exit, Failed> {
    let (scope, by) = (scope(args)?, by.name()?);
    let files = office.brake().look(office.clock.now());
    if let Some(file) = files.first().filter(|_| scope == Scope::All) {
        return Err(Failed::Wrong(format!(
            "everything is held by {}: {}; remove it, and its hold ends by itself",
            file.by, file.why
        )));
    }
    let ledger = office.ledger().await?;
    let holds = ledger.holds().await?;
    let released = ledger.release(&scope, &by, None, why, office.clock.now()).await?;
    heard(&*ledger).await?;
    if released == 0 {
        let (ended, in_force): (Vec<Hold>, Vec<Hold>) =
            holds.into_iter().partition(|hold| hold.released.is_some());
        return Err(Failed::Wrong(if ended.iter().any(|hold| hold.scope == scope) {
            format!("{scope} is released already; the daemon deals with what fell due when it runs")
        } else if in_force.is_empty() {
            "nothing is held".to_owned()
        } else {
            format!("{scope} is not held; what is: {}", list(&in_force))
        }));
    }
    print_line(&format!("{scope} is released"));
    if holds
        .iter()
        .any(|hold| hold.scope == scope && hold.by == crate::ledger::BY_FILE)
    {
        print_line(
            "the campaign file still says `hold`: take it out there, or it holds again when that file changes",
        );
    }
    for hold in holds.iter().filter(|hold| hold.scope != scope) {
        print_line(&format!("still held: {}: {}", hold.scope, hold.why));
    }
    let waiting = ledger.in_state(State::Held, 1000).await?.len();
    if waiting > 0 {
        print_line(&wait_for_a_word(waiting));
    }
    Ok(Exit::Done)
}

//! `steadfast recall`: every published post that used a fact, or of a message, and its deletion, correction or edit.

mod show;
mod watch;

use std::collections::BTreeSet;
use std::io::IsTerminal;

use jiff::tz::TimeZone;

use crate::campaign::Campaign;
use crate::desk::facts;
use crate::desk::recall::ask::{Act, Ask, Asking};
use crate::desk::recall::found::{Found, find, rows};
use crate::desk::recall::{carry_out, objected};
use crate::ledger::{Hold, Ledger, Published};
use crate::post::identity::{MessageId, PostId};
use crate::post::state::State;

use super::args::{Format, RecallArgs};
use super::say::{address, list, many, meant};
use super::{Exit, Failed, Files, Office, complain, print_json, print_line};
use show::show;

/// How many lines are shown of what needs a person.
const LINES: usize = 20;

pub(super) async fn recall(office: &Office, mut args: RecallArgs) -> Result<Exit, Failed> {
    // As it stands in the text.
    args.fact = args.fact.map(|fact| fact.trim_start_matches("fact.").to_owned());
    let act = match (&args.reply, args.delete) {
        (None, false) if args.edit => Some(Act::Edit),
        (Some(text), _) if text.trim().is_empty() => {
            return Err(Failed::Usage("`--reply` has no words".to_owned()));
        }
        (Some(text), _) => Some(Act::Reply(text.trim().to_owned())),
        (None, true) => Some(Act::Delete),
        (None, false) => None,
    };
    let files = office.read_files()?;
    let campaign = files.assembled.campaign.as_ref();
    let zone = campaign.map_or(TimeZone::UTC, |campaign| campaign.settings.zone.clone());
    let which = which(&args)?;
    let found = match office.ledger_if_any().await? {
        Some(ledger) => find(&*ledger, &which, args.said.as_deref()).await?,
        None => Vec::new(),
    };
    if found.is_empty() {
        return nothing(&args, campaign.ok());
    }
    let ledger = office.ledger().await?;
    let json = args.format == Format::Json;
    let Some(act) = act else {
        if json {
            print_json(&rows(office, &*ledger, &found).await?);
        } else {
            show(office, &found, args.fact.as_deref(), &zone);
            also_planned(office, &files, &*ledger, &args).await?;
        }
        return Ok(Exit::Done);
    };

    let mut campaign = Office::campaign(&files)?;
    if args.edit {
        campaign = office.approved_only(&files, campaign, Some(&*ledger)).await?;
    }
    let roster = files.roster.clone();
    let by = args.speaker.name()?;
    let asking = Asking {
        campaign: &campaign,
        roster: &roster,
        act: &act,
        why: args.why.as_deref(),
        by: &by,
        now: office.clock.now(),
    };
    let objections = asking.objections(&found);
    if !objections.is_empty() {
        return Err(objected(&objections));
    }
    if !is_meant(&args, &act, &asking, &found)? {
        return Ok(Exit::Wrong);
    }
    let recalled = carry_out(office, &*ledger, &asking, &found, args.during_hold).await?;
    tell_of_holds(&recalled.holds, &*ledger, &recalled.of, &args).await?;
    if !json {
        also_planned(office, &files, &*ledger, &args).await?;
    }
    let watched = watch::Watched {
        office,
        ledger: &*ledger,
        of: &recalled.of,
        recalls: &recalled.recalls,
        act: &act,
    };
    Box::pin(watched.until_done(files, &campaign)).await?;

    let found = find(&*ledger, &which, args.said.as_deref()).await?;
    if json {
        print_json(&rows(office, &*ledger, &found).await?);
    }
    Ok(conclude(office, &asking, &found))
}

fn which(args: &RecallArgs) -> Result<Published, Failed> {
    match (&args.fact, &args.message) {
        (_, Some(id)) => {
            let id: MessageId = id
                .parse()
                .map_err(|e| Failed::Usage(format!("`{id}` is no message's id: {e}")))?;
            Ok(Published::Of(id))
        }
        (Some(name), None) => Ok(Published::WithFact(name.clone())),
        (None, None) => Err(Failed::Usage(
            "say which fact, or which message with `--message`".to_owned(),
        )),
    }
}

/// Nothing of it was published: a slip, or good news.
fn nothing(args: &RecallArgs, campaign: Option<&Campaign>) -> Result<Exit, Failed> {
    if let (Some(campaign), Some(fact)) = (campaign, &args.fact)
        && !campaign.facts.contains_key(fact)
    {
        let near = meant(fact, campaign.facts.keys().map(String::as_str));
        return Err(Failed::Usage(format!(
            "there is no fact `{fact}`{near}, and nothing that was published used it"
        )));
    }
    if let (Some(campaign), Some(message)) = (campaign, &args.message)
        && !campaign.messages.iter().any(|known| known.id.as_str() == message)
        && !campaign.blocked.keys().any(|known| known.as_str() == message)
    {
        let near = meant(message, campaign.messages.iter().map(|known| known.id.as_str()));
        return Err(Failed::Usage(format!(
            "there is no message `{message}`{near}, and nothing of it was published"
        )));
    }
    match args.format {
        Format::Json => print_json(&serde_json::json!([])),
        Format::Table => print_line("nothing like that was published"),
    }
    Ok(Exit::Done)
}

/// What is still to come is not the recall's business, but somebody should know.
async fn also_planned(
    office: &Office,
    files: &Files,
    ledger: &dyn Ledger,
    args: &RecallArgs,
) -> Result<(), Failed> {
    let (Some(fact), Ok(campaign)) = (&args.fact, &files.assembled.campaign) else {
        return Ok(());
    };
    let mut planned = facts::planned(office, files, campaign, Some(ledger), office.clock.now()).await?;
    let planned = planned.remove(fact).unwrap_or_default().len();
    if planned > 0 {
        let (posts, use_it, follow) = match planned {
            1 => ("post", "uses", "it follows"),
            _ => ("posts", "use", "they follow"),
        };
        print_line(&format!(
            "{planned} planned {posts} of the next two weeks {use_it} it: {follow} the files, so change `[fact.{fact}]` there"
        ));
    }
    Ok(())
}

/// Whether whoever asked wants this, now that they see how much it is.
fn is_meant(args: &RecallArgs, act: &Act, asking: &Asking<'_>, found: &[Found]) -> Result<bool, Failed> {
    let new: Vec<&Found> = found
        .iter()
        .filter(|found| matches!(asking.ask(found), Ask::New(_)))
        .collect();
    if new.is_empty() || args.yes {
        return Ok(true);
    }
    let accounts: BTreeSet<&str> = new.iter().map(|found| found.post.account.as_str()).collect();
    let what = format!(
        "{} will be {}, on {}",
        many(new.len(), "post"),
        act.done(),
        accounts.into_iter().collect::<Vec<_>>().join(", ")
    );
    if !std::io::stdin().is_terminal() {
        return Err(Failed::Usage(format!(
            "{what}: say `--yes` too, if that is meant"
        )));
    }
    complain(&format!("{what}. Type `yes` if that is meant:"));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim().eq_ignore_ascii_case("yes") {
        return Ok(true);
    }
    complain("nothing was done");
    Ok(false)
}

/// Says what stops it, if anything does.
async fn tell_of_holds(
    holds: &[Hold],
    ledger: &dyn Ledger,
    of: &[PostId],
    args: &RecallArgs,
) -> Result<(), Failed> {
    let mut posts = ledger.recalls(of).await?;
    posts.retain(|post| !post.standing.state.is_final() && holds.iter().any(|hold| hold.stops(post)));
    if posts.is_empty() {
        return Ok(());
    }
    let mut by = holds.to_vec();
    by.retain(|hold| posts.iter().any(|post| hold.stops(post)));
    let waiting = many(posts.len(), "post");
    complain(&format!("{waiting} must wait for a release: {}", list(&by)));
    if args.delete && !args.during_hold {
        complain(
            "to delete all the same, ask again with `--during-hold`; whoever says `hold` after that is heard",
        );
    }
    Ok(())
}

/// What it came to: a line for each that needs a person, and one for all.
fn conclude(office: &Office, asking: &Asking<'_>, found: &[Found]) -> Exit {
    let done = asking.act.done();
    let (mut finished, mut lines) = (0_usize, Vec::new());
    for one in found {
        let (message, account) = (&one.post.message, &one.post.account);
        lines.push(match asking.ask(one) {
            Ask::Nothing => continue,
            Ask::Known(recall) if recall.standing.state == State::Sent => {
                finished = finished.saturating_add(1);
                continue;
            }
            Ask::Known(recall) => {
                let why = recall.standing.why.as_ref().or(recall.error.as_ref());
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                let (state, id) = (recall.standing.state, recall.id);
                format!("{message} on {account}: not {done} yet, it is {state}{why} (post {id})")
            }
            Ask::NotYet => format!(
                "{message} on {account}: nobody knows yet whether all of it is out; ask again when that is settled (post {})",
                one.post.id
            ),
            Ask::ByHand(why) => {
                let place = address(office, &one.place());
                let instead = match asking.act {
                    Act::Edit => "delete it or answer it instead",
                    Act::Delete | Act::Reply(_) => "do it by hand",
                };
                format!("{message} on {account}: {why}; {instead}: {place}")
            }
            Ask::New(_) => format!("{message} on {account}: it went out meanwhile; ask again"),
        });
    }
    for line in lines.iter().take(LINES) {
        complain(line);
    }
    if let Some(more) = lines.len().checked_sub(LINES).filter(|more| *more > 0) {
        complain(&format!(
            "… and {more} more: `steadfast recall` without an act lists them all"
        ));
    }
    let all = finished.saturating_add(lines.len());
    complain(&format!("{finished} of {} {done}", many(all, "post")));
    if lines.is_empty() { Exit::Done } else { Exit::Wrong }
}

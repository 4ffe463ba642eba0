//! `steadfast approve`: a person's word on what a message says.

use std::sync::Arc;

use crate::campaign::Campaign;
use crate::campaign::approval::{Approval, Approvals};
use crate::campaign::message::Message;
use crate::post::identity::MessageId;

use super::args::ApproveArgs;
use super::hold::heard;
use super::pending::{known, proposal, rule, waiting};
use super::say::meant;
use super::{Exit, Failed, Files, Office, complain, print_line, speaker};

pub(super) async fn approve(office: &Office, args: &ApproveArgs) -> Result<Exit, Failed> {
    let rule = rule(office)?;
    let by = name(args)?;
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let ledger = office.ledger().await?;
    let approvals = known(&files, &campaign, Some(&*ledger)).await?;
    if args.withdraw {
        return withdraw(office, args, &by, &approvals).await;
    }
    let messages = if args.all {
        let waiting = waiting(office, &files, &campaign, Some(&*ledger)).await?;
        waiting.into_iter().map(|waiting| waiting.message).collect()
    } else {
        named(&campaign, &args.messages)?
    };
    if messages.is_empty() {
        return Err(Failed::Wrong("nothing waits for approval".to_owned()));
    }
    let mut wrong = false;
    let mut said = Vec::new();
    for message in &messages {
        match word(office, args, &files, &campaign, &approvals, message, &by) {
            Ok(word) => said.push(word),
            Err(why) => {
                complain(&format!("error: {why}"));
                wrong = true;
            }
        }
    }
    if said.is_empty() {
        return Ok(Exit::Wrong);
    }
    for (approval, content) in &said {
        print_line(&format!("── {}", approval.message));
        content.lines().for_each(|line| print_line(&format!("   {line}")));
    }
    ledger.approve(said.clone()).await?;
    slow(&heard(&*ledger).await?);
    let approvals = known(&files, &campaign, Some(&*ledger)).await?;
    for message in &messages {
        let Some(digest) = said
            .iter()
            .find(|(approval, _)| approval.message == message.id)
            .and_then(|(approval, _)| approval.digest)
        else {
            continue;
        };
        let standing = approvals.standing(message, digest, campaign.author(message), rule);
        print_line(&match standing.why() {
            None => format!("{} is approved by {by}", message.id),
            Some(why) => format!("{}: the word of {by} is recorded, but {why}", message.id),
        });
    }
    Ok(if wrong { Exit::Wrong } else { Exit::Done })
}

/// Who speaks: their own word, until they can be told apart.
fn name(args: &ApproveArgs) -> Result<String, Failed> {
    let by = args.by.clone().unwrap_or_else(speaker);
    let by = by.trim();
    if by.is_empty() || by.chars().any(char::is_control) {
        return Err(Failed::Usage("`--as` wants a name".to_owned()));
    }
    Ok(by.to_owned())
}

fn named(campaign: &Campaign, ids: &[String]) -> Result<Vec<Arc<Message>>, Failed> {
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
fn word(
    office: &Office,
    args: &ApproveArgs,
    files: &Files,
    campaign: &Campaign,
    approvals: &Approvals,
    message: &Message,
    by: &str,
) -> Result<(Approval, String), String> {
    let id = &message.id;
    if let Some(why) = campaign.blocked.get(id) {
        return Err(format!(
            "`{id}` can't go out as it stands, so it is not approved: {why}"
        ));
    }
    let proposal = proposal(files, campaign, message).map_err(|why| format!("`{id}`: {why}"))?;
    let digest = proposal.digest();
    if let Some(meant) = args
        .digest
        .as_deref()
        .filter(|meant| !digest.to_string().starts_with(*meant))
    {
        return Err(format!(
            "`{id}` says something else than what has the digest {meant}: it is {} now; look at `steadfast pending` again",
            digest.short()
        ));
    }
    let approval = Approval {
        message: id.clone(),
        by: by.to_owned(),
        at: office.clock.now(),
        digest: Some(digest),
    };
    if approvals.has(&approval) {
        return Err(format!("`{id}` is approved by {by} already, as it stands"));
    }
    Ok((approval, proposal.lines().join("\n")))
}

async fn withdraw(
    office: &Office,
    args: &ApproveArgs,
    by: &str,
    approvals: &Approvals,
) -> Result<Exit, Failed> {
    let mut said = Vec::new();
    for id in &args.messages {
        let message: MessageId = id
            .parse()
            .map_err(|e| Failed::Usage(format!("`{id}` is no message's id: {e}")))?;
        if approvals.last(&message).is_none() {
            return Err(Failed::Wrong(format!("nothing of `{id}` is approved")));
        }
        let approval = Approval {
            message,
            by: by.to_owned(),
            at: office.clock.now(),
            digest: None,
        };
        said.push((approval, String::new()));
    }
    let ledger = office.ledger().await?;
    ledger.approve(said).await?;
    slow(&heard(&*ledger).await?);
    for id in &args.messages {
        print_line(&format!("{id} is no longer approved, and does not go out"));
    }
    Ok(Exit::Done)
}

fn slow(silent: &[String]) {
    if !silent.is_empty() {
        print_line(&format!(
            "slow to answer: {}; to stop something for sure, use `steadfast hold`",
            silent.join(", ")
        ));
    }
}

//! `steadfast approve`: a person's word on what a message says.

use crate::campaign::approval::Approvals;
use crate::desk::approve::{named, withdrawal, word};
use crate::desk::hold::heard;
use crate::desk::pending::{known, rule, waiting};

use super::args::ApproveArgs;
use super::{Exit, Failed, Office, complain, print_line};

pub(super) async fn approve(office: &Office, args: &ApproveArgs) -> Result<Exit, Failed> {
    let rule = rule(office)?;
    let by = args.speaker.name()?;
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
        match word(
            &files,
            &campaign,
            &approvals,
            message,
            args.digest.as_deref(),
            &by,
            office.clock.now(),
        ) {
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
async fn withdraw(
    office: &Office,
    args: &ApproveArgs,
    by: &str,
    approvals: &Approvals,
) -> Result<Exit, Failed> {
    let mut said = Vec::new();
    for id in &args.messages {
        said.push(withdrawal(id, approvals, by, office.clock.now())?);
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

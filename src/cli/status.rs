//! `steadfast status`: how the daemon, the campaign and the accounts are.

use crate::desk::status::{Status, status as gathered};
use crate::post::state::State;

use super::args::Format;
use super::say::{many, wait_for_a_word};
use super::{Exit, Failed, Files, Office, print_json, print_line, table};

pub(super) async fn status(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let now = office.clock.now();
    let ledger = office.ledger_if_any().await?;
    let status = gathered(office, &files, ledger.as_deref(), now).await?;
    match format {
        Format::Json => print_json(&status),
        Format::Table => show(&status, &files),
    }
    Ok(Exit::Done)
}

fn show(status: &Status, files: &Files) {
    let zone = files
        .assembled
        .campaign
        .as_ref()
        .map_or(jiff::tz::TimeZone::UTC, |c| c.settings.zone.clone());
    let daemon = match status.uptime_s {
        Some(seconds) => format!("running for {:#}", jiff::SignedDuration::from_secs(seconds)),
        None => "not running".to_owned(),
    };
    print_line(&format!("steadfast {}: the daemon is {daemon}", status.version));
    match &status.campaign {
        Some(campaign) => print_line(&format!(
            "{}: {}, {}{}",
            campaign.name,
            many(campaign.messages, "message"),
            many(campaign.problems, "problem"),
            if campaign.problems > 0 {
                " (`steadfast check`)"
            } else {
                ""
            }
        )),
        None => print_line("there is no campaign to work with: `steadfast check`"),
    }
    if let Some(hold) = &status.hold {
        print_line(&format!(
            "EVERYTHING IS HELD since {} by {}: {}",
            table::local(hold.since, &zone),
            hold.by,
            hold.why
        ));
    }
    for hold in &status.holds {
        let Some(target) = &hold.target else { continue };
        print_line(&format!(
            "{} {target} is held since {} by {}: {}",
            hold.scope,
            table::local(hold.since, &zone),
            hold.by,
            hold.why
        ));
    }
    let mut accounts = table::table(&["account", "platform", "state", "next due", "token until", "why"]);
    for account in &status.accounts {
        let when =
            |at: Option<jiff::Timestamp>| at.map_or_else(|| "—".to_owned(), |at| table::local(at, &zone));
        let limited = account
            .rate_limited_until
            .map(|until| format!("rate limited until {}", table::local(until, &zone)));
        let mut why: Vec<String> = account.held.clone().or(limited).into_iter().collect();
        why.extend(account.token_wrong.iter().cloned());
        accounts.add_row([
            account.account.clone(),
            account.platform.clone(),
            account.state.to_owned(),
            when(account.next_due),
            when(account.token_until),
            why.join("; "),
        ]);
    }
    print_line(&table::text(accounts));
    status.bills.iter().for_each(|bill| print_line(bill));
    let counts: Vec<String> = status
        .counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    print_line(&format!(
        "posts: {}",
        if counts.is_empty() {
            "none yet".to_owned()
        } else {
            counts.join(", ")
        }
    ));
    let held = status
        .counts
        .get(State::Held.as_str())
        .copied()
        .unwrap_or_default();
    for problem in &status.ahead {
        print_line(&format!("warning[{}]: {}", problem.code, problem.message));
    }
    if status.pending > 0 {
        let wait = if status.pending == 1 { "waits" } else { "wait" };
        let messages = many(status.pending, "message");
        print_line(&format!("{messages} {wait} for approval: steadfast pending"));
    }
    if held > 0 {
        print_line(&wait_for_a_word(usize::try_from(held).unwrap_or(usize::MAX)));
    }
}

//! `/metrics`: numbers for Prometheus. Every label has few values: accounts, states, and nothing that grows.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::campaign::problem::Severity;
use crate::ledger::Scope;
use crate::post::state::State as Stands;

use super::Site;
use super::trouble::Trouble;

/// How Prometheus is told what it gets.
const KIND: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Numbers of one name.
struct Family(&'static str, &'static str, Vec<(String, String)>);

pub(super) async fn metrics(State(site): State<Arc<Site>>) -> Result<Response, Trouble> {
    let ledger = &*site.pages.ledger;
    let now = site.now();
    let counts = ledger.counts().await?;
    let posts = Stands::ALL.iter().map(|state| {
        let count = counts.get(state).copied().unwrap_or_default();
        (format!("{{state=\"{state}\"}}"), count.to_string())
    });
    let holds = site.pages.office.holds(Some(ledger)).await?;
    let waits = ledger.waits().await?;
    let accounts: Vec<_> = site.pages.roster.accounts.iter().collect();
    let held = accounts.iter().map(|account| {
        let stops = |scope: &Scope| match scope {
            Scope::All => true,
            Scope::Account(name) => *name == account.name,
            Scope::Message(_) => false,
        };
        let held = holds.iter().any(|hold| stops(&hold.scope));
        (label(account.name.as_str()), u8::from(held).to_string())
    });
    let waiting = accounts.iter().map(|account| {
        let until = waits.get(&account.name).copied().filter(|until| *until > now);
        let seconds = until.map_or(0, |until| until.duration_since(now).as_secs());
        (label(account.name.as_str()), seconds.to_string())
    });
    let problems = {
        let taken = site.pages.read.borrow();
        let of = |severity| {
            taken
                .problems
                .iter()
                .filter(|problem| problem.severity == severity)
                .count()
        };
        [("error", of(Severity::Error)), ("warning", of(Severity::Warning))]
    };
    let problems = problems
        .into_iter()
        .map(|(severity, count)| (format!("{{severity=\"{severity}\"}}"), count.to_string()));
    let one = |number: String| vec![(String::new(), number)];
    let oldest = ledger.in_state(Stands::Due, 1).await?;
    let late = oldest
        .first()
        .map_or(0, |post| now.duration_since(post.due).as_secs().max(0));
    let messages = site.pages.campaign.borrow().messages.len();
    let everything = holds.iter().any(|hold| hold.scope == Scope::All);
    let families = [
        Family(
            "steadfast_ready",
            "1 while posts are planned and sent",
            one(u8::from(site.pages.ready.get()).to_string()),
        ),
        Family(
            "steadfast_held",
            "1 while everything is held",
            one(u8::from(everything).to_string()),
        ),
        Family("steadfast_posts", "posts in the ledger by state", posts.collect()),
        Family(
            "steadfast_late_seconds",
            "how long the oldest post that is due has been due",
            one(late.to_string()),
        ),
        Family(
            "steadfast_account_held",
            "1 while an account is held",
            held.collect(),
        ),
        Family(
            "steadfast_account_wait_seconds",
            "how long a platform has asked an account to wait",
            waiting.collect(),
        ),
        Family(
            "steadfast_messages",
            "messages in the files that can be read",
            one(messages.to_string()),
        ),
        Family(
            "steadfast_problems",
            "problems in the message files",
            problems.collect(),
        ),
    ];
    let mut text = String::new();
    for Family(name, help, values) in families {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    Ok(([(header::CONTENT_TYPE, KIND)], text).into_response())
}

/// Names of accounts have nothing in them that would have to be escaped.
fn label(account: &str) -> String {
    format!("{{account=\"{account}\"}}")
}

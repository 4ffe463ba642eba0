//! What only the plan can tell of a campaign: that its queue runs dry, and that it says the same twice in one
//! hour.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::civil;
use super::plan::{Fate, Plan, Planned, View, plan};
use crate::campaign::message::When;
use crate::campaign::outside::Outside;
use crate::campaign::problem::{Place, Problem, Severity};
use crate::campaign::render::render;
use crate::campaign::spotted;
use crate::post::identity::{AccountName, MessageId};

/// How far ahead it looks.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Within this time the same words again are taken for spam, or for a slip.
const SOON: SignedDuration = SignedDuration::from_hours(1);

/// What the next 14 days from `now` on have to be warned of, in the order of the files.
pub fn outlook(view: &View<'_>, now: Timestamp, outside: &dyn Outside) -> Vec<Problem> {
    let until = now.saturating_add(AHEAD).unwrap_or(now);
    let plan = plan(view, now, until);
    let mut found = runs_dry(view, &plan, outside);
    found.extend(said_again(view, &plan, outside));
    found.sort_by(|a, b| (&a.place, a.code).cmp(&(&b.place, b.code)));
    found
}

/// The days on which accounts whose queue is used have a slot and nothing left for it: of each account, the first of
/// the plan.
pub fn dry<'v>(view: &View<'v>, plan: &Plan) -> BTreeMap<Date, Vec<&'v AccountName>> {
    let settings = &view.campaign.settings;
    let mut days: BTreeMap<Date, Vec<&AccountName>> = BTreeMap::new();
    if settings.allow.contains_key("queue-runs-dry") {
        return days;
    }
    let mut queued = vec![false; view.roster.accounts.len()];
    for message in &view.campaign.messages {
        if message.when == When::Queue && !message.breaking && !message.draft {
            for account in view.roster.target_indexes(&message.to) {
                queued
                    .get_mut(account)
                    .into_iter()
                    .for_each(|queued| *queued = true);
            }
        }
    }
    for (account, slot) in &plan.unfilled {
        if queued.get(*account) == Some(&true)
            && let Some(account) = view.roster.accounts.get(*account)
        {
            let day = civil::local(&settings.zone, *slot).date();
            days.entry(day).or_default().push(&account.name);
        }
    }
    days
}

/// What is to be said of that.
fn runs_dry(view: &View<'_>, plan: &Plan, outside: &dyn Outside) -> Vec<Problem> {
    let settings = &view.campaign.settings;
    let days = dry(view, plan).into_iter();
    let found = days.map(|(day, accounts)| {
        let accounts: Vec<String> = accounts.iter().map(|name| format!("`{name}`")).collect();
        let message = format!(
            "the queue runs dry: on {day} there is a slot and nothing left to say on {}",
            accounts.join(" and ")
        );
        let help = "write more messages, or some with `evergreen = true`; or say in `allow` of `[campaign]` why it may end";
        let place = spotted(&settings.spot, &["campaign", "slots"], outside);
        warning("queue-runs-dry", message, help, place, None)
    });
    found.collect()
}

/// The same words twice within an hour, on one account or on two of one platform.
fn said_again(view: &View<'_>, plan: &Plan, outside: &dyn Outside) -> Vec<Problem> {
    let zone = &view.campaign.settings.zone;
    let mut last: HashMap<(&str, Words), &Planned> = HashMap::new();
    let mut told: Vec<(&MessageId, &MessageId)> = Vec::new();
    let mut found = Vec::new();
    for post in crowded(view, plan) {
        let Some(account) = view.roster.accounts.get(post.account) else {
            continue;
        };
        let Ok(content) = render(view.campaign, &post.message, account, post.due, post.variant) else {
            continue;
        };
        let parts = content.parts.into_iter().map(|part| part.text).collect();
        let words: Words = (content.share, parts);
        let Some(before) = last.insert((place_of(view, post.account), words), post) else {
            continue;
        };
        // One message on two accounts at once is `same-text`.
        let one_post = before.message.id == post.message.id && before.account != post.account;
        let pair = (&before.message.id, &post.message.id);
        let silent = [before, post]
            .iter()
            .any(|post| post.message.allow.contains_key("twice-in-an-hour"))
            || view.campaign.settings.allow.contains_key("twice-in-an-hour");
        if post.due.duration_since(before.due) >= SOON || one_post || silent || told.contains(&pair) {
            continue;
        }
        told.push(pair);
        let at = |due| civil::local(zone, due).strftime("%Y-%m-%d %H:%M").to_string();
        let message = format!(
            "the same words go out at {} (`{}`) and at {} (`{}`)",
            at(before.due),
            before.message.id,
            at(post.due),
            post.message.id
        );
        let help = "give them times further apart, or other words; platforms take it for spam";
        let place = spotted(&post.message.place, &[], outside);
        found.push(warning(
            "twice-in-an-hour",
            message,
            help,
            place,
            Some(&post.message.id),
        ));
    }
    found
}

/// Everything that an account says in one post: what it shares, or its parts.
type Words = (Option<String>, Vec<String>);

/// The posts that will go out and have another within an hour where they go: only these need be worked out.
fn crowded<'p>(view: &View<'p>, plan: &'p Plan) -> Vec<&'p Planned> {
    let mut last: HashMap<&str, usize> = HashMap::new();
    let posts: Vec<&Planned> = plan
        .posts
        .iter()
        .filter(|post| matches!(post.fate, Fate::Planned | Fate::Expected(_)))
        .collect();
    let mut near = vec![false; posts.len()];
    for (index, post) in posts.iter().enumerate() {
        if let Some(before) = last.insert(place_of(view, post.account), index)
            && let Some(earlier) = posts.get(before)
            && post.due.duration_since(earlier.due) < SOON
        {
            for index in [before, index] {
                near.get_mut(index).into_iter().for_each(|near| *near = true);
            }
        }
    }
    let near = posts.into_iter().zip(near).filter(|(_, near)| *near);
    near.map(|(post, _)| post).collect()
}

/// Where the same words are noticed: the platform. Sandboxes stand for platforms of their own.
fn place_of<'v>(view: &View<'v>, account: usize) -> &'v str {
    view.roster.accounts.get(account).map_or("", |account| {
        if account.platform == "sandbox" {
            account.name.as_str()
        } else {
            account.platform
        }
    })
}

fn warning(
    code: &'static str,
    message: String,
    help: &str,
    place: Place,
    about: Option<&MessageId>,
) -> Problem {
    Problem {
        severity: Severity::Warning,
        code,
        message,
        help: help.to_owned(),
        place,
        about: about.cloned(),
    }
}

#[cfg(test)]
mod tests;

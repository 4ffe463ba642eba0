//! `[account.NAME]`: what every account has, and what its platform says of the rest.

use std::time::Duration;

use super::keys::{Keys, nearest};
use super::{AccountSettings, InDoubt, money};
use crate::campaign::Untranslated;
use crate::platform::{self, Entry};
use crate::post::identity::{AccountName, propose_name};
use crate::text::limits;

/// The sandbox's stand-ins where no account is set: every platform that has a timeline to show.
const STAND_INS: [&str; 2] = ["mastodon", "bluesky"];

/// One account; `None` if what is wrong with it leaves nothing to go on with.
pub(super) fn account(named: &str, mut keys: Keys, problems: &mut Vec<String>) -> Option<AccountSettings> {
    let at = format!("[account.{named}]");
    let name = named.parse::<AccountName>();
    if let Err(e) = &name {
        let better = propose_name(named)
            .map(|name| format!("; write [account.{name}]"))
            .unwrap_or_default();
        problems.push(format!("{at}: the name can't be used: {e}{better}"));
    }
    let language = keys.text("language", problems);
    let untranslated = match keys
        .one_of("untranslated", &["warn", "fallback", "skip"], problems)
        .as_deref()
    {
        Some("fallback") => Untranslated::Fallback,
        Some("skip") => Untranslated::Skip,
        _ => Untranslated::Warn,
    };
    let min_gap = keys.duration("min_gap", problems).unwrap_or_default();
    let max_per_day = keys.number("max_per_day", problems);
    if max_per_day == Some(0) {
        problems.push(format!(
            "{at}: `max_per_day = 0` would never post; take the account out of messages' `to`, or hold it"
        ));
    }
    let in_doubt = match keys
        .one_of("in_doubt", &["auto", "hold", "resend"], problems)
        .as_deref()
    {
        Some("hold") => InDoubt::Hold,
        Some("resend") => InDoubt::Resend,
        _ => InDoubt::Auto,
    };
    let engagement = keys.truth("engagement", problems);
    let entry = platform_of(&mut keys, &at, problems)?;
    let like = like(entry, &keys, &at, problems);
    let usual = like.and_then(limits::of).and_then(|limits| limits.prices);
    let charge = money::charge(&mut keys, usual, &at, problems);
    let mut own = keys.rest(&entry.keys(), problems);
    if like.is_none() {
        own.remove("like"); // that was said
    }
    problems.extend((entry.check)(&own).into_iter().map(|why| format!("{at}: {why}")));
    Some(AccountSettings {
        name: name.ok()?,
        platform: entry.name,
        like: like?,
        language,
        untranslated,
        min_gap,
        max_per_day: max_per_day.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        charge,
        in_doubt,
        // Where each look costs, nobody looks unasked.
        engagement: engagement.unwrap_or(charge.is_none()),
        keys: own,
    })
}

fn platform_of(keys: &mut Keys, at: &str, problems: &mut Vec<String>) -> Option<&'static Entry> {
    let given = keys.given("platform");
    let Some(wanted) = keys.text("platform", problems) else {
        if !given {
            problems.push(format!(
                "{at} needs `platform = \"…\"`: one of {}",
                known_platforms()
            ));
        }
        return None;
    };
    let found = platform::find(&wanted);
    if found.is_none() {
        let names = platform::PLATFORMS.iter().map(|entry| entry.name);
        let help = match nearest(&wanted, names) {
            Some(near) => format!(", did you mean \"{near}\"?"),
            None => format!("; it has {}", known_platforms()),
        };
        problems.push(format!("{at}: this version has no platform \"{wanted}\"{help}"));
    }
    found
}

/// What a sandbox is like; every other platform is like itself.
fn like(entry: &'static Entry, keys: &Keys, at: &str, problems: &mut Vec<String>) -> Option<&'static str> {
    let Some(wanted) = keys.left.get("like").filter(|_| entry.name == "sandbox") else {
        return Some(entry.name);
    };
    let wanted = wanted.to_string();
    let models = || limits::PLATFORMS.iter().map(|model| model.platform);
    let found = models().find(|name| *name == wanted);
    if found.is_none() {
        problems.push(format!(
            "{at}: `like = \"{wanted}\"`: there is no such platform; there are {}",
            models().collect::<Vec<_>>().join(", ")
        ));
    }
    found
}

fn known_platforms() -> String {
    platform::PLATFORMS
        .iter()
        .map(|entry| entry.name)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The accounts of a config that has none.
pub(super) fn stand_ins() -> Vec<AccountSettings> {
    let stand_in = |like: &&'static str| {
        let name: AccountName = like.parse().ok()?;
        let keys = toml::Table::from_iter([("like".to_owned(), toml::Value::from(*like))]);
        Some(AccountSettings {
            name,
            platform: "sandbox",
            like,
            language: None,
            untranslated: Untranslated::default(),
            min_gap: Duration::ZERO,
            max_per_day: None,
            charge: None,
            in_doubt: InDoubt::Auto,
            engagement: false,
            keys,
        })
    };
    STAND_INS.iter().filter_map(stand_in).collect()
}

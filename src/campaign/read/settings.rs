//! Reads `[campaign]` and `[[blackout]]`.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::allow::allow;
use super::report::{Report, Span, Table, Value};
use super::time::{beginning, end};
use super::value::is_language;
use crate::calendar::civil;
use crate::calendar::cron::Cron;
use crate::calendar::window::Quiet;
use crate::campaign::AfterHold;
use crate::campaign::allow::{Allow, Of};
use crate::campaign::message::Local;
use crate::campaign::problem::{Spot, shown};
use crate::post::card::Colours;
use crate::post::identity::{CampaignId, propose_name};

/// The keys of `[campaign]`.
pub const CAMPAIGN_KEYS: &[&str] = &[
    "id",
    "name",
    "timezone",
    "language",
    "slots",
    "quiet_hours",
    "hashtags",
    "card",
    "hold",
    "after_hold",
    "author",
    "allow",
];
/// The keys of `card` in `[campaign]`.
pub const CARD_KEYS: &[&str] = &["background", "text", "accent"];
/// The keys of `[[blackout]]`.
pub const BLACKOUT_KEYS: &[&str] = &["from", "until", "why"];

/// `[campaign]`, as far as it was understood.
#[derive(Debug, Clone)]
pub struct RawCampaign {
    pub id: Option<CampaignId>,
    pub name: Option<String>,
    pub zone: Option<TimeZone>,
    pub language: Option<String>,
    /// With their place in the list.
    pub slots: Vec<(usize, Arc<Cron>)>,
    pub quiet: Vec<Quiet>,
    pub hashtags: Vec<String>,
    pub card: Colours,
    pub hold: Option<String>,
    pub after_hold: AfterHold,
    pub author: Option<String>,
    pub allow: Allow,
    pub spot: Spot,
}

/// `[[blackout]]`, still in local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBlackout {
    pub from: Local,
    /// The first instant after it.
    pub until: Local,
    pub why: String,
    /// Which `[[blackout]]` of its file, counted from 0.
    pub index: usize,
}

pub fn campaign(report: &mut Report<'_>, value: &Value<'_>) -> Option<RawCampaign> {
    let at = value.span();
    if value.get_ref().is_array() {
        report.error(
            "wrong-type",
            at,
            "there is only one campaign, so it needs one pair of brackets",
            "write `[campaign]`",
        );
        return None;
    }
    let table = report.table("campaign", value, "`[campaign]` and its keys below")?;
    let mut raw = RawCampaign {
        id: None,
        name: None,
        zone: None,
        language: None,
        slots: Vec::new(),
        quiet: Vec::new(),
        hashtags: Vec::new(),
        card: Colours::default(),
        hold: None,
        after_hold: AfterHold::default(),
        author: None,
        allow: Allow::new(),
        spot: report.spot(at.start),
    };
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "id" => raw.id = campaign_id(report, value),
            "name" => raw.name = report.some_text("name", value).map(|found| found.0),
            "timezone" => raw.zone = zone(report, value),
            "language" => raw.language = language(report, "language", value),
            "slots" => raw.slots = slots(report, value),
            "quiet_hours" => raw.quiet = quiet(report, value),
            "hashtags" => raw.hashtags = hashtags(report, value),
            "card" => raw.card = colours(report, value),
            "hold" => {
                raw.hold = report
                    .text("hold", value)
                    .map(|found| found.0)
                    .filter(|why| !why.trim().is_empty());
            }
            "after_hold" => raw.after_hold = after_hold(report, value),
            "author" => raw.author = report.some_text("author", value).map(|found| found.0),
            "allow" => raw.allow = allow(report, value, Of::Campaign),
            other => report.unknown_key(other, key.span(), CAMPAIGN_KEYS),
        }
    }
    for (key, example) in [
        (
            "id",
            "id = \"justice-for-corey-miller\"` (once chosen, it never changes)",
        ),
        ("timezone", "timezone = \"America/Chicago\"`"),
    ] {
        if !table.contains_key(key) {
            report.error(
                "missing",
                at.clone(),
                format!("`[campaign]` has no `{key}`"),
                format!("write `{example}"),
            );
        }
    }
    Some(raw)
}

fn campaign_id(report: &mut Report<'_>, value: &Value<'_>) -> Option<CampaignId> {
    let (id, at) = report.text("id", value)?;
    match id.parse() {
        Ok(id) => Some(id),
        Err(why) => {
            let help = propose_name(&id).map_or_else(String::new, |near| format!("write `id = \"{near}\"`"));
            report.error(
                "bad-id",
                at,
                format!("`{}` cannot be an id: {why}", shown(&id)),
                help,
            );
            None
        }
    }
}

fn zone(report: &mut Report<'_>, value: &Value<'_>) -> Option<TimeZone> {
    let (name, at) = report.text("timezone", value)?;
    civil::parse_zone(&name)
        .map_err(|problem| report.error("unknown-zone", at, problem.message, problem.help))
        .ok()
}

/// A BCP 47 tag.
pub fn language(report: &mut Report<'_>, key: &str, value: &Value<'_>) -> Option<String> {
    let (tag, at) = report.text(key, value)?;
    if is_language(&tag) {
        return Some(tag);
    }
    bad_language(report, &tag, at);
    None
}

pub fn bad_language(report: &mut Report<'_>, tag: &str, at: Span) {
    report.error(
        "bad-language",
        at,
        format!("`{}` is not a language tag", shown(tag)),
        "write a tag like `en`, `es` or `es-MX`",
    );
}

/// A recurring rule, its problems placed within the text of the rule.
pub fn cron(report: &mut Report<'_>, rule: &str, at: &Span) -> Option<Arc<Cron>> {
    match Cron::parse(rule) {
        Ok(cron) => Some(Arc::new(cron)),
        Err(problem) => {
            // One past the opening quote, if the rule stands there as it is.
            let start = at.start + 1;
            let written = report
                .lines
                .text()
                .get(start..)
                .is_some_and(|text| text.starts_with(rule));
            let span = problem.at.filter(|_| written).map_or(at.clone(), |part| {
                start + part.start.min(rule.len())..start + part.end.min(rule.len())
            });
            report.error("bad-cron", span, problem.message, problem.help);
            None
        }
    }
}

fn slots(report: &mut Report<'_>, value: &Value<'_>) -> Vec<(usize, Arc<Cron>)> {
    let rules = report.texts("slots", value).unwrap_or_default();
    rules
        .into_iter()
        .enumerate()
        .filter_map(|(i, (rule, at))| Some((i, cron(report, &rule, &at)?)))
        .collect()
}

fn quiet(report: &mut Report<'_>, value: &Value<'_>) -> Vec<Quiet> {
    let ranges = report.texts("quiet_hours", value).unwrap_or_default();
    ranges
        .into_iter()
        .filter_map(|(range, at)| {
            Quiet::parse(&range)
                .map_err(|problem| report.error("bad-window", at, problem.message, problem.help))
                .ok()
        })
        .collect()
}

fn hashtags(report: &mut Report<'_>, value: &Value<'_>) -> Vec<String> {
    let tags = report.texts("hashtags", value).unwrap_or_default();
    tags.into_iter()
        .filter_map(|(tag, at)| {
            let bare = tag.trim_start_matches('#');
            if !bare.is_empty() && bare.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return Some(bare.to_owned());
            }
            let near: String = bare
                .chars()
                .filter(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            report.error(
                "bad-value",
                at,
                format!(
                    "`{}` cannot be a hashtag: only letters, digits and `_` can",
                    shown(&tag)
                ),
                format!("write `{near}`"),
            );
            None
        })
        .collect()
}

/// The least contrast of text with its background, and of large text and signs
/// (<https://www.w3.org/TR/WCAG22/#contrast-minimum>).
const TEXT_CONTRAST: f64 = 4.5;
const ACCENT_CONTRAST: f64 = 3.0;

fn colours(report: &mut Report<'_>, value: &Value<'_>) -> Colours {
    let mut colours = Colours::default();
    let example = "`card = { background = \"#17223b\", text = \"#f8f5ee\", accent = \"#f2a541\" }`";
    let Some(table) = report.table("card", value, example) else {
        return colours;
    };
    let mut good = true;
    for (key, value) in table {
        let slot = match key.get_ref().as_ref() {
            "background" => &mut colours.background,
            "text" => &mut colours.text,
            "accent" => &mut colours.accent,
            other => {
                report.unknown_key(other, key.span(), CARD_KEYS);
                continue;
            }
        };
        let Some((word, at)) = report.text(key.get_ref(), value) else {
            good = false;
            continue;
        };
        match word.parse() {
            Ok(colour) => *slot = colour,
            Err(why) => {
                good = false;
                report.error(
                    "bad-value",
                    at,
                    format!("`{}` is not a colour: {why}", shown(&word)),
                    "write one like \"#17223b\"",
                );
            }
        }
    }
    for (what, colour, least) in [
        ("text", colours.text, TEXT_CONTRAST),
        ("accent", colours.accent, ACCENT_CONTRAST),
    ] {
        let contrast = colour.contrast(colours.background);
        if good && contrast < least {
            report.error(
                "low-contrast",
                table.get(what).map_or(value.span(), toml::Spanned::span),
                format!(
                    "`{what}` {colour} can hardly be read on {}: the contrast is {:.1}, and must be {least}",
                    colours.background,
                    // Rounded down, so that what is too little never looks enough.
                    (contrast * 10.0).floor() / 10.0
                ),
                "make one of the two lighter, or the other darker",
            );
        }
    }
    colours
}

fn after_hold(report: &mut Report<'_>, value: &Value<'_>) -> AfterHold {
    let Some((word, at)) = report.text("after_hold", value) else {
        return AfterHold::Review;
    };
    match word.as_str() {
        "review" => AfterHold::Review,
        "send" => AfterHold::Send,
        "skip" => AfterHold::Skip,
        other => {
            report.error(
                "bad-value",
                at,
                format!("`after_hold` cannot be `{}`", shown(other)),
                "write \"review\", \"send\" or \"skip\"",
            );
            AfterHold::Review
        }
    }
}

pub fn blackout(report: &mut Report<'_>, table: &Table<'_>, at: &Span, index: usize) -> Option<RawBlackout> {
    let (mut from, mut until, mut why) = (None, None, String::new());
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "from" => from = beginning(report, "from", value),
            "until" => until = end(report, "until", value),
            "why" => {
                why = report
                    .text("why", value)
                    .map_or_else(String::new, |found| found.0);
            }
            other => report.unknown_key(other, key.span(), BLACKOUT_KEYS),
        }
    }
    for key in ["from", "until"] {
        if !table.contains_key(key) {
            report.error(
                "missing",
                at.clone(),
                format!("this blackout has no `{key}`"),
                format!("write `{key} = 2026-12-24`"),
            );
        }
    }
    let (from, until) = (from?, until?);
    if let (Local::Civil(start), Local::Civil(end)) = (from, until)
        && start >= end
    {
        let span = table.get("until").map_or(at.clone(), toml::Spanned::span);
        report.error(
            "bad-window",
            span,
            "this blackout ends before it begins",
            "write the earlier one as `from`",
        );
        return None;
    }
    Some(RawBlackout {
        from,
        until,
        why,
        index,
    })
}

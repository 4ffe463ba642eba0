//! `steadfast facts`: each fact, its source, how it stands, where it is used, planned and published.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use crate::calendar::civil;
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, View, plan};
use crate::campaign::Campaign;
use crate::campaign::fact::Fact;
use crate::ledger::{Ledger, Post, Published};
use crate::post::state::State;

use super::args::Format;
use super::{Exit, Failed, Files, Office, print_json, print_line, table};

/// How many days ahead posts are looked for, as `steadfast plan` does.
const AHEAD: i32 = 14;
/// How many published posts are in memory at once.
const PAGE: u32 = 500;

#[derive(Serialize)]
struct Row {
    fact: String,
    /// `None`, and no source: it is not in the files, or something is wrong with it there.
    value: Option<String>,
    /// In other languages.
    values: BTreeMap<String, String>,
    says: Option<String>,
    source: Option<String>,
    as_of: Option<Date>,
    review_by: Option<Date>,
    /// `confirmed`, `review_soon`, `overdue`, `disputed`, `retracted` or `missing`.
    state: &'static str,
    note: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    /// The messages that use it.
    used: BTreeSet<String>,
    planned: Vec<PlannedRow>,
    /// How many published posts said which value.
    published: Vec<PublishedRow>,
}

#[derive(Serialize, Clone)]
pub(super) struct PlannedRow {
    message: String,
    account: String,
    due: Timestamp,
}

#[derive(Serialize)]
struct PublishedRow {
    value: String,
    posts: u64,
    /// When the first and the last of them went out, as far as that is known.
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Row {
    fn new(name: &str, fact: Option<&Fact>, today: Date) -> Self {
        Self {
            fact: name.to_owned(),
            value: fact.map(|fact| fact.value.clone()),
            values: fact.map(|fact| fact.lang.clone()).unwrap_or_default(),
            says: fact.and_then(|fact| fact.says.clone()),
            source: fact.map(|fact| fact.source.clone()),
            as_of: fact.and_then(|fact| fact.as_of),
            review_by: fact.and_then(|fact| fact.review_by),
            state: fact.map_or("missing", |fact| fact.standing(today).as_str()),
            note: fact.and_then(|fact| fact.note.clone()),
            file: fact.map(|fact| fact.spot.file.to_string()),
            line: fact.map(|fact| fact.spot.line),
            used: BTreeSet::new(),
            planned: Vec::new(),
            published: Vec::new(),
        }
    }
}

/// By fact: value, how many, first, last.
type Said = BTreeMap<String, BTreeMap<String, PublishedRow>>;

pub(super) async fn facts(office: &Office, format: Format) -> Result<Exit, Failed> {
    let files = office.read_files()?;
    let campaign = Office::campaign(&files)?;
    let now = office.clock.now();
    let today = civil::local(&campaign.settings.zone, now).date();
    let ledger = office.ledger_if_any().await?;
    let mut said = match &ledger {
        Some(ledger) => published(&**ledger).await?,
        None => Said::new(),
    };
    let mut planned = planned(office, &files, &campaign, ledger.as_deref(), now).await?;
    let names: BTreeSet<&String> = campaign.facts.keys().chain(said.keys()).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let mut rows = Vec::new();
    for name in names {
        let mut row = Row::new(&name, campaign.facts.get(&name), today);
        let uses = campaign.uses.iter().filter(|(_, facts)| facts.contains(&name));
        row.used = uses.map(|(message, _)| message.to_string()).collect();
        row.planned = planned.remove(&name).unwrap_or_default();
        row.published = said.remove(&name).unwrap_or_default().into_values().collect();
        rows.push(row);
    }
    match format {
        Format::Json => print_json(&rows),
        Format::Table if rows.is_empty() => {
            print_line("there are no facts: write `[fact.NAME]` in any message file");
        }
        Format::Table => show(&rows),
    }
    Ok(Exit::Done)
}

fn show(rows: &[Row]) {
    let headings = [
        "fact",
        "value",
        "state",
        "review by",
        "used in",
        "planned",
        "published",
        "source",
    ];
    let mut shown = table::table(&headings);
    for row in rows {
        let published: Vec<String> = row
            .published
            .iter()
            .map(|said| {
                if Some(&said.value) == row.value.as_ref() {
                    said.posts.to_string()
                } else {
                    format!("{} as \u{201c}{}\u{201d}", said.posts, said.value)
                }
            })
            .collect();
        shown.add_row([
            row.fact.clone(),
            row.value.clone().unwrap_or_default(),
            row.state.replace('_', " "),
            row.review_by.map(|by| by.to_string()).unwrap_or_default(),
            row.used.iter().cloned().collect::<Vec<_>>().join(", "),
            row.planned.len().to_string(),
            if published.is_empty() {
                "0".to_owned()
            } else {
                published.join(", ")
            },
            row.source.clone().unwrap_or_default(),
        ]);
    }
    print_line(&table::text(shown));
}

async fn published(ledger: &dyn Ledger) -> Result<Said, Failed> {
    let mut said = Said::new();
    let mut after = None;
    loop {
        let posts = ledger.published(&Published::WithFacts, after, PAGE).await?;
        let Some(last) = posts.last() else { return Ok(said) };
        after = Some(last.id);
        for post in &posts {
            for (name, quoted) in &post.content.facts {
                let row = said
                    .entry(name.clone())
                    .or_default()
                    .entry(quoted.value.clone())
                    .or_insert_with(|| PublishedRow {
                        value: quoted.value.clone(),
                        posts: 0,
                        first: None,
                        last: None,
                    });
                row.posts = row.posts.saturating_add(1);
                row.first = [row.first, post.began].into_iter().flatten().min();
                row.last = row.last.max(post.began);
            }
        }
    }
}

/// What is to go out in the next days, by the facts that its words will be made with.
pub(super) async fn planned(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    ledger: Option<&dyn Ledger>,
    now: Timestamp,
) -> Result<BTreeMap<String, Vec<PlannedRow>>, Failed> {
    let mut by_fact: BTreeMap<String, Vec<PlannedRow>> = BTreeMap::new();
    let mut add = |facts: &mut dyn Iterator<Item = &String>, row: PlannedRow| {
        for name in facts {
            by_fact.entry(name.clone()).or_default().push(row.clone());
        }
    };
    let past = match ledger {
        Some(ledger) => {
            for state in [State::Due, State::Retrying, State::Held] {
                let waits = |post: &Post| post.began.is_none() && !post.is_recall();
                for post in ledger.in_state(state, u32::MAX).await?.into_iter().filter(waits) {
                    let row = PlannedRow {
                        message: post.message.to_string(),
                        account: post.account.to_string(),
                        due: post.due.max(post.standing.not_before),
                    };
                    add(&mut post.content.facts.keys(), row);
                }
            }
            office.past(campaign, ledger).await?
        }
        None => Past::default(),
    };
    let view = View {
        campaign,
        roster: &files.roster,
        past: &past,
        late: office.settings.late,
    };
    let until = now
        .to_zoned(campaign.settings.zone.clone())
        .checked_add(AHEAD.days());
    let until = until.map_or(Timestamp::MAX, |until| until.timestamp());
    for post in plan(&view, now, until).posts {
        let missed = matches!(post.fate, Fate::Missed(_));
        let account = files.roster.accounts.get(post.account).filter(|_| !missed);
        if let (Some(account), Some(facts)) = (account, campaign.uses.get(&post.message.id)) {
            let row = PlannedRow {
                message: post.message.id.to_string(),
                account: account.name.to_string(),
                due: post.due,
            };
            add(&mut facts.iter(), row);
        }
    }
    for rows in by_fact.values_mut() {
        rows.sort_by(|a, b| (a.due, &a.message, &a.account).cmp(&(b.due, &b.message, &b.account)));
    }
    Ok(by_fact)
}

//! Facts: each one's source, how it stands, where it is used, planned and published.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;

use crate::calendar::civil;
use crate::calendar::past::Past;
use crate::calendar::plan::{Fate, View, plan};
use crate::campaign::Campaign;
use crate::campaign::fact::Fact;
use crate::ledger::{Ledger, Post, Published};
use crate::post::identity::PostId;
use crate::post::state::State;

use super::recall::found::says;
use super::{Failed, Files, Office};

/// How many days ahead posts are looked for, as `steadfast plan` does.
const AHEAD: i32 = 14;
/// How many published posts are in memory at once.
const PAGE: u32 = 500;

/// A fact, as it is shown.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Fact")]
pub struct Row {
    pub fact: String,
    /// `None`, and no source: it is not in the files, or something is wrong with it there.
    pub value: Option<String>,
    /// In other languages.
    pub values: BTreeMap<String, String>,
    pub says: Option<String>,
    pub source: Option<String>,
    pub as_of: Option<Date>,
    pub review_by: Option<Date>,
    /// `confirmed`, `review_soon`, `overdue`, `disputed`, `retracted` or `missing`.
    pub state: &'static str,
    pub note: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// The messages that use it.
    pub used: BTreeSet<String>,
    pub planned: Vec<PlannedRow>,
    /// How many published posts said which value.
    pub published: Vec<PublishedRow>,
}

/// A post that will say it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "FactPlanned")]
pub struct PlannedRow {
    pub message: String,
    pub account: String,
    pub due: Timestamp,
}

/// What was said of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "FactPublished")]
pub struct PublishedRow {
    pub value: String,
    pub posts: u64,
    /// When the first and the last of them went out, as far as that is known.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

impl Row {
    /// Without where it is used.
    pub fn new(name: &str, fact: Option<&Fact>, today: Date) -> Self {
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
pub type Said = BTreeMap<String, BTreeMap<String, PublishedRow>>;

/// Every fact that is in the files or was published, by name.
pub async fn rows(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    ledger: Option<&dyn Ledger>,
) -> Result<Vec<Row>, Failed> {
    let now = office.clock.now();
    let today = civil::local(&campaign.settings.zone, now).date();
    let mut said = match ledger {
        Some(ledger) => published(ledger).await?,
        None => Said::new(),
    };
    let mut planned = planned(office, files, campaign, ledger, now).await?;
    let names: BTreeSet<&String> = campaign.facts.keys().chain(said.keys()).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let mut rows = Vec::new();
    for name in names {
        let mut row = Row::new(&name, campaign.facts.get(&name), today);
        row.used = users(campaign, &name);
        row.planned = planned.remove(&name).unwrap_or_default();
        row.published = said.remove(&name).unwrap_or_default().into_values().collect();
        rows.push(row);
    }
    Ok(rows)
}

/// The messages that use a fact.
pub fn users(campaign: &Campaign, name: &str) -> BTreeSet<String> {
    let uses = campaign.uses.iter().filter(|(_, facts)| facts.contains(name));
    uses.map(|(message, _)| message.to_string()).collect()
}

async fn published(ledger: &dyn Ledger) -> Result<Said, Failed> {
    let mut said = Said::new();
    let mut after = None;
    loop {
        let posts = ledger.published(&Published::WithFacts, after, PAGE).await?;
        let Some(last) = posts.last() else { return Ok(said) };
        after = Some(last.id);
        let ids: Vec<PostId> = posts.iter().map(|post| post.id).collect();
        let mut recalls: BTreeMap<PostId, Vec<Post>> = BTreeMap::new();
        for recall in ledger.recalls(&ids).await? {
            if let Some(of) = recall.content.recall.as_ref().map(|recall| recall.post) {
                recalls.entry(of).or_default().push(recall);
            }
        }
        for post in &posts {
            let since = recalls.get(&post.id).map(Vec::as_slice).unwrap_or_default();
            for (name, quoted) in &says(post, since).facts {
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
pub async fn planned(
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

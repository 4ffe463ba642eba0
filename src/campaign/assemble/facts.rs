//! The facts of all files.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Across, table_problem};
use crate::campaign::Settings;
use crate::campaign::fact::{Fact, FactStatus, Standing};
use crate::campaign::place::Unplaced;
use crate::campaign::problem::{Severity, Spot};

/// The facts of all files.
pub(super) struct Facts {
    /// Those that can be used.
    pub(super) good: BTreeMap<String, Fact>,
    /// With stand-ins for the faulty ones, so that the rest of a message that uses one is checked.
    pub(super) all: Arc<BTreeMap<String, Fact>>,
    /// What is wrong where a fact is written.
    pub(super) faulty: BTreeMap<String, String>,
}

impl Across<'_> {
    pub(super) fn facts(&mut self, settings: &Settings, now: Timestamp) -> Facts {
        let today = now.to_zoned(settings.zone.clone()).date();
        let mut good: BTreeMap<String, Fact> = BTreeMap::new();
        let mut faulty = BTreeMap::new();
        let mut all = BTreeMap::new();
        let mut spots: BTreeMap<&str, String> = BTreeMap::new();
        for (index, file) in self.files.iter().enumerate() {
            for raw in &file.facts {
                let name = raw.name.to_string();
                let spot = format!("{}, line {}", raw.spot.file, raw.spot.line);
                if let Some(first) = spots.get(&*raw.name) {
                    let message = format!("the fact `{name}` is already in {first}");
                    let help = "keep one, or give this one another name";
                    let problem =
                        table_problem(Severity::Error, "duplicate-fact", message, help, &["fact", &name]);
                    faulty.insert(name.clone(), format!("it is in {first}, and again in {spot}"));
                    self.add(
                        index,
                        Unplaced {
                            line: raw.spot.line,
                            ..problem
                        },
                    );
                    continue;
                }
                if file.broken.is_some() {
                    faulty.insert(name.clone(), format!("{} cannot be read", file.file));
                } else if raw.fact.is_none() {
                    faulty.insert(name.clone(), format!("something is wrong with it in {spot}"));
                }
                spots.insert(&raw.name, spot);
                match &raw.fact {
                    Some(fact) => all.insert(name.clone(), fact.clone()),
                    None => all.insert(name.clone(), unusable(raw.spot.clone())),
                };
                let Some(fact) = &raw.fact else { continue };
                let soon = fact.standing(today) == Standing::ReviewSoon;
                if let Some(by) = fact.review_by.filter(|_| soon) {
                    let message = format!(
                        "the fact `{name}` must be checked again by {by}; after that its messages are held"
                    );
                    let help = "check it against its source, then write a later `review_by`";
                    let path = ["fact", &name, "review_by"];
                    let problem = table_problem(Severity::Warning, "fact-review", message, help, &path);
                    self.add(
                        index,
                        Unplaced {
                            line: raw.spot.line,
                            ..problem
                        },
                    );
                }
                good.insert(name, fact.clone());
            }
        }
        good.retain(|name, _| !faulty.contains_key(name));
        Facts {
            good,
            all: Arc::new(all),
            faulty,
        }
    }
}

/// Takes the place of a fact in which something is wrong.
fn unusable(spot: Spot) -> Fact {
    Fact {
        value: "…".into(),
        source: String::new(),
        as_of: None,
        review_by: None,
        status: FactStatus::Confirmed,
        says: None,
        note: None,
        lang: BTreeMap::new(),
        says_in: BTreeMap::new(),
        spot,
    }
}

//! From files to one campaign: what can only be seen across files, and what each message needs of
//! settings, facts and accounts.

mod facts;
mod messages;
mod settings;
mod silence;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use super::check::{Checked, Context, check};
use super::message::Message;
use super::outside::Outside;
use super::place::{Unplaced, place};
use super::problem::{Problem, Severity};
use super::read::{Entry, FileRead};
use super::template::Engine;
use super::{Campaign, Roster, Settings};
use crate::post::identity::MessageId;
use facts::Facts;

/// A campaign, or the reason why there is none, and every problem in the files.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// In error, nothing can run: who posts, in which time zone, is not known.
    pub campaign: Result<Campaign, String>,
    /// In the order of files, then of lines. The campaign's own list is the same one.
    pub problems: Arc<Vec<Problem>>,
}

/// Checks `some` of the `files` ahead of [`assemble`], which then need not: what was found is kept with each file.
/// For a shell that has several hands.
pub fn check_ahead(
    files: &[Arc<FileRead>],
    some: Range<usize>,
    roster: &Roster,
    now: Timestamp,
    outside: &dyn Outside,
) {
    let mut across = Across::new(files);
    let (settings, _) = across.settings(now);
    let facts = across.facts(&settings, now);
    let context = context(&settings, &facts, roster, now);
    for file in files.get(some).unwrap_or_default() {
        check(&context, file, outside);
    }
}

/// Puts together `files`, which are in the order of their paths.
///
/// It depends on the day of `now`, not on the hour: files in which nothing has changed since are not
/// checked again on the same day.
pub fn assemble(
    files: &[Arc<FileRead>],
    roster: &Roster,
    now: Timestamp,
    outside: &dyn Outside,
) -> Assembled {
    let mut across = Across::new(files);
    let (settings, missing) = across.settings(now);
    let facts = across.facts(&settings, now);
    let context = context(&settings, &facts, roster, now);
    let checked: Vec<Arc<Checked>> = files.iter().map(|file| check(&context, file, outside)).collect();
    drop(context);
    across.ids();
    across.former_ids();
    across.references(roster);
    across.same_texts();

    let mut problems: Vec<Problem> = files
        .iter()
        .flat_map(|file| file.problems.iter().cloned())
        .collect();
    problems.extend(
        checked
            .iter()
            .flat_map(|checked| checked.problems.iter().cloned()),
    );
    problems.extend(across.placed(outside));
    let looked = checked.iter().flat_map(|checked| &checked.looked).collect();
    across.silence(&mut problems, &looked);
    problems.extend(across.placed(outside));
    let mut blocked = across.blocked;
    problems.extend(missing.iter().filter_map(|missing| missing.problem.clone()));
    problems.sort_by(|a, b| (&a.place, a.severity, a.code).cmp(&(&b.place, b.severity, b.code)));
    let problems = Arc::new(problems);

    // Two messages with one id would be taken for one: the first stands for both, and both are held.
    let mut messages: Vec<Arc<Message>> = Vec::with_capacity(across.first.len());
    for (index, file) in files.iter().enumerate() {
        for entry in file.messages.iter().filter(|entry| entry.named) {
            let id = &entry.message.id;
            if let Some(why) = &file.broken {
                blocked
                    .entry(id.clone())
                    .or_insert_with(|| format!("{} cannot be read: {why}", file.file));
            } else if let Some(error) = &entry.error {
                blocked.entry(id.clone()).or_insert_with(|| error.clone());
            }
            let good = entry.understood && file.broken.is_none();
            if good && across.first.get(id.as_str()) == Some(&(index, entry.index)) {
                messages.push(entry.message.clone());
            }
        }
    }
    let mut uses: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for checked in &checked {
        for (id, why) in &checked.blocked {
            blocked.entry(id.clone()).or_insert_with(|| why.clone());
        }
        for (id, facts) in &checked.uses {
            uses.entry(id.clone()).or_default().extend(facts.iter().cloned());
        }
    }
    let campaign = Campaign {
        settings,
        facts: Arc::new(facts.good),
        groups: Arc::new(roster.groups.clone()),
        messages,
        problems: problems.clone(),
        blocked,
        broken_files: files
            .iter()
            .filter_map(|file| Some((file.file.clone(), file.broken.clone()?)))
            .collect(),
        uses,
        approved: None,
    };
    Assembled {
        campaign: match missing {
            None => Ok(campaign),
            Some(missing) => Err(missing.why),
        },
        problems,
    }
}

fn context<'c>(settings: &'c Settings, facts: &'c Facts, roster: &'c Roster, now: Timestamp) -> Context<'c> {
    let today = now.to_zoned(settings.zone.clone()).date();
    let mut hasher = DefaultHasher::new();
    // `Debug` names every field, so that none that is added later is forgotten here.
    format!("{:?}", (settings, &facts.all, &facts.faulty, roster, today)).hash(&mut hasher);
    Context {
        settings,
        facts: &facts.all,
        faulty: &facts.faulty,
        roster,
        engine: Engine::new(settings, &facts.all),
        now,
        today,
        hash: hasher.finish(),
    }
}

/// What is found across files.
struct Across<'f> {
    files: &'f [Arc<FileRead>],
    /// By the number of the file.
    problems: BTreeMap<usize, Vec<Unplaced>>,
    blocked: BTreeMap<MessageId, String>,
    /// Where each id is first: (file, message in it).
    first: HashMap<&'f str, (usize, usize)>,
}

impl<'f> Across<'f> {
    fn new(files: &'f [Arc<FileRead>]) -> Self {
        Self {
            files,
            problems: BTreeMap::new(),
            blocked: BTreeMap::new(),
            first: HashMap::new(),
        }
    }

    fn add(&mut self, file: usize, problem: Unplaced) {
        if let (Severity::Error, Some(id)) = (problem.severity, &problem.about) {
            self.blocked
                .entry(id.clone())
                .or_insert_with(|| problem.message.clone());
        }
        self.problems.entry(file).or_default().push(problem);
    }

    /// The problems found so far, each where it is.
    fn placed(&mut self, outside: &dyn Outside) -> Vec<Problem> {
        let found = std::mem::take(&mut self.problems).into_iter();
        let placed = found.filter_map(|(index, unplaced)| {
            let file = self.files.get(index)?;
            Some(place(&file.file, outside.text(&file.file).as_deref(), unplaced))
        });
        placed.flatten().collect()
    }

    /// All messages with an id of their own, with the number of their file.
    fn entries(&self) -> impl Iterator<Item = (usize, &'f Entry)> + use<'f> {
        let files = self.files.iter().enumerate();
        files.flat_map(|(index, file)| {
            file.messages
                .iter()
                .filter(|entry| entry.named)
                .map(move |entry| (index, entry))
        })
    }
}

fn table_problem(
    severity: Severity,
    code: &'static str,
    message: String,
    help: &str,
    path: &[&str],
) -> Unplaced {
    Unplaced {
        severity,
        code,
        message,
        help: help.to_owned(),
        about: None,
        index: None,
        path: path.iter().map(|step| (*step).to_owned().into()).collect(),
        words: None,
        nth: 0,
        line: 1,
    }
}

//! From files to one campaign: what can only be seen across files, and what each message needs of
//! settings, facts and accounts.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::check::{Checked, Context, check};
use super::fact::Fact;
use super::message::{Local, Message, When};
use super::outside::Outside;
use super::place::{Unplaced, place};
use super::problem::{Problem, Severity, nearest};
use super::read::{Entry, FileRead, RawCampaign};
use super::template::Engine;
use super::{Campaign, Roster, Settings};
use crate::calendar::civil;
use crate::calendar::window::{Blackout, Windows};
use crate::post::identity::MessageId;

/// A campaign, or the reason why there is none, and every problem in the files.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// In error, nothing can run: who posts, in which time zone, is not known.
    pub campaign: Result<Campaign, String>,
    /// In the order of files, then of lines. The campaign's own list is the same one.
    pub problems: Arc<Vec<Problem>>,
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
    let (mut blocked, found) = (across.blocked, across.problems);
    for (index, unplaced) in found {
        if let Some(file) = files.get(index) {
            problems.extend(place(&file.file, outside.text(&file.file).as_deref(), unplaced));
        }
    }
    problems.extend(missing.iter().flat_map(|missing| missing.problem.clone()));
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
    let mut uses: BTreeMap<_, std::collections::BTreeSet<String>> = BTreeMap::new();
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

/// Why there is no campaign.
struct Missing {
    why: String,
    /// If no file is to blame.
    problem: Option<Problem>,
}

/// The facts of all files.
struct Facts {
    /// Those that can be used.
    good: BTreeMap<String, Fact>,
    /// With stand-ins for the faulty ones, so that the rest of a message that uses one is checked.
    all: Arc<BTreeMap<String, Fact>>,
    /// What is wrong where a fact is written.
    faulty: BTreeMap<String, String>,
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

    /// The one `[campaign]`, with all blackouts. If there is none, a stand-in to check the messages with.
    fn settings(&mut self, now: Timestamp) -> (Settings, Option<Missing>) {
        let files = self.files;
        let mut tables = files
            .iter()
            .enumerate()
            .filter_map(|(index, file)| Some((index, file.campaign.as_ref()?)));
        let mut settings = stand_in();
        let mut missing = None;
        let mut hold = files.iter().find_map(|file| file.unsure.clone());
        if let Some((index, raw)) = tables.next() {
            for (other, second) in tables {
                let message = format!(
                    "there is a second `[campaign]`: the first is in {}, line {}",
                    raw.spot.file, raw.spot.line
                );
                hold.get_or_insert_with(|| message.clone());
                let problem = table_problem(
                    Severity::Error,
                    "campaign-twice",
                    message,
                    "keep one",
                    &["campaign"],
                );
                self.add(
                    other,
                    Unplaced {
                        line: second.spot.line,
                        ..problem
                    },
                );
            }
            if raw.id.is_none() || raw.zone.is_none() {
                missing = Some(Missing {
                    why: files
                        .get(index)
                        .and_then(|file| file.unsure.clone())
                        .unwrap_or_else(|| "the `[campaign]` table has no `id` or no `timezone`".into()),
                    problem: None,
                });
            }
            fill(&mut settings, raw);
            self.slots(index, raw, &settings.zone, now);
            if settings.windows.open_from(&settings.zone, now).is_none() {
                let message = "the quiet hours together leave no time of the day to post at".to_owned();
                let help = "leave some hours of the day out of them";
                let path = ["campaign", "quiet_hours"];
                let problem = table_problem(Severity::Error, "bad-window", message, help, &path);
                self.add(
                    index,
                    Unplaced {
                        line: raw.spot.line,
                        ..problem
                    },
                );
            }
        } else {
            missing = Some(self.no_campaign());
        }
        if let Some(reason) = hold {
            let own = settings
                .hold
                .take()
                .map_or_else(String::new, |own| format!("{own}; "));
            settings.hold = Some(format!("{own}{reason}"));
        }
        self.blackouts(&mut settings);
        (settings, missing)
    }

    fn no_campaign(&self) -> Missing {
        let broken = self
            .files
            .iter()
            .find(|file| file.broken.is_some() && file.file.ends_with("campaign.toml"));
        let why = match broken {
            Some(file) => format!(
                "{} cannot be read: {}",
                file.file,
                file.broken.as_deref().unwrap_or_default()
            ),
            None => "no file has a `[campaign]` table".into(),
        };
        let file = broken.map_or_else(|| "campaign.toml".into(), |file| file.file.clone());
        Missing {
            problem: Some(Problem {
                severity: Severity::Error,
                code: "campaign-missing",
                message: "no file has a `[campaign]` table, so nothing can be posted".into(),
                help: "write one in campaign.toml, with `id`, `name` and `timezone`".into(),
                place: super::problem::Place::whole(&file),
                about: None,
            }),
            why,
        }
    }

    fn slots(&mut self, file: usize, raw: &RawCampaign, zone: &TimeZone, now: Timestamp) {
        for (i, _) in raw
            .slots
            .iter()
            .filter(|(_, slot)| !slot.fires_within(zone, now, 5))
        {
            let path = ["campaign", "slots", &i.to_string()].map(String::from);
            let message = "this slot does not come round in the next five years".to_owned();
            let mut problem = table_problem(
                Severity::Error,
                "never-fires",
                message,
                "is the day of the month right?",
                &[],
            );
            problem.path = path.into_iter().map(Into::into).collect();
            problem.line = raw.spot.line;
            self.add(file, problem);
        }
    }

    fn blackouts(&mut self, settings: &mut Settings) {
        let files = self.files;
        let instant = |local| match local {
            Local::Fixed(at) => Some(at),
            // A day that the zone skips: the first instant after it.
            Local::Civil(local) => civil::instant(&settings.zone, local)
                .or_else(|| settings.zone.to_ambiguous_timestamp(local).later().ok()),
        };
        let mut found = Vec::new();
        let mut wrong = Vec::new();
        for (index, file) in files.iter().enumerate() {
            for raw in &file.blackouts {
                match (instant(raw.from), instant(raw.until)) {
                    (Some(from), Some(until)) if from < until => found.push(Blackout {
                        from,
                        until,
                        why: raw.why.clone(),
                    }),
                    _ => wrong.push((index, raw.index)),
                }
            }
        }
        settings.windows.blackouts = found;
        for (file, index) in wrong {
            let message = "this blackout ends before it begins".to_owned();
            settings.hold.get_or_insert_with(|| message.clone());
            let mut problem = table_problem(
                Severity::Error,
                "bad-window",
                message,
                "write the earlier one as `from`",
                &["blackout"],
            );
            problem.path.extend([index.to_string().into(), "until".into()]);
            self.add(file, problem);
        }
    }

    fn facts(&mut self, settings: &Settings, now: Timestamp) -> Facts {
        let today = now.to_zoned(settings.zone.clone()).date();
        let soon = today.checked_add(14.days()).unwrap_or(today);
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
                if let Some(by) = fact.review_by.filter(|by| *by >= today && *by <= soon) {
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

    /// Ids that are there twice (reliability F12): all that have one are held, since nobody can know which
    /// of them the ledger means.
    fn ids(&mut self) {
        for (file, entry) in self.entries() {
            let id = &entry.message.id;
            let Some(&(first_file, first_index)) = self.first.get(id.as_str()) else {
                self.first.insert(id.as_str(), (file, entry.index));
                continue;
            };
            let first = self.files.get(first_file).and_then(|file| {
                let entry = file.messages.iter().find(|entry| entry.index == first_index)?;
                Some(entry.message.place.clone())
            });
            let Some(first) = first else { continue };
            let place = &entry.message.place;
            let here = (first_file == file).then_some("this file").unwrap_or(&first.file);
            let message = format!("id `{id}` is already used in {here}, line {}", first.line);
            let help = "give one of them another id; until then both are held";
            let path = ["id"];
            self.add(
                file,
                Unplaced {
                    index: Some(entry.index),
                    about: Some(id.clone()),
                    line: place.line,
                    ..table_problem(Severity::Error, "duplicate-id", message, help, &path)
                },
            );
            // The other file's staff look there first.
            if first_file != file {
                let message = format!("id `{id}` is used again in {}, line {}", place.file, place.line);
                self.add(
                    first_file,
                    Unplaced {
                        index: Some(first_index),
                        about: Some(id.clone()),
                        line: first.line,
                        ..table_problem(Severity::Error, "duplicate-id", message, help, &path)
                    },
                );
            }
        }
    }

    /// What messages say of other messages.
    fn references(&mut self, roster: &Roster) {
        let referring =
            |message: &Message| message.reply_to.is_some() || matches!(message.when, When::After { .. });
        let referring: Vec<(usize, &Entry)> = self
            .entries()
            .filter(|(_, entry)| referring(&entry.message))
            .collect();
        for (file, entry) in &referring {
            for (path, id) in others(&entry.message) {
                let found = self.first.get(id.as_str()).copied();
                let problem = match found {
                    None => {
                        let near = nearest(id.as_str(), self.first.keys().copied());
                        let help = near.map_or_else(
                            || "write the id of a message, as it is in its file".into(),
                            |near| format!("did you mean `{near}`?"),
                        );
                        let message = format!("there is no message `{id}`");
                        table_problem(Severity::Error, "unknown-message", message, &help, path)
                    }
                    Some(at) => match self.nowhere(entry, at, roster) {
                        None => continue,
                        Some(accounts) => {
                            let message = format!(
                                "`{id}` does not go to {accounts}, so this message cannot follow it there"
                            );
                            table_problem(
                                Severity::Warning,
                                "not-there",
                                message,
                                "let `to` be the same in both",
                                path,
                            )
                        }
                    },
                };
                self.add(
                    *file,
                    Unplaced {
                        index: Some(entry.index),
                        about: Some(entry.message.id.clone()),
                        line: entry.message.place.line,
                        ..problem
                    },
                );
            }
        }
        self.circles(&referring);
    }

    /// The accounts of `entry` that the message at `(file, index)` does not go to, for people.
    fn nowhere(&self, entry: &Entry, (file, index): (usize, usize), roster: &Roster) -> Option<String> {
        let other = self
            .files
            .get(file)?
            .messages
            .iter()
            .find(|entry| entry.index == index)?;
        if other.message.to == entry.message.to || other.message.to.is_empty() {
            return None;
        }
        let there = roster.targets(&other.message.to);
        let here = roster.targets(&entry.message.to);
        let lost: Vec<String> = here
            .iter()
            .filter(|account| there.iter().all(|other| other.name != account.name))
            .map(|account| format!("`{}`", account.name))
            .collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }

    /// Messages that wait for each other would wait for ever.
    fn circles(&mut self, referring: &[(usize, &'f Entry)]) {
        let edges: HashMap<&str, Vec<&str>> = referring
            .iter()
            .map(|(_, entry)| {
                let to = others(&entry.message).map(|(_, id)| id.as_str()).collect();
                (entry.message.id.as_str(), to)
            })
            .collect();
        for (file, entry) in referring {
            let start = entry.message.id.as_str();
            // From each message at most as many steps as there are edges, and no message twice.
            let mut seen = std::collections::HashSet::new();
            let mut open: Vec<&str> = edges.get(start).cloned().unwrap_or_default();
            while let Some(next) = open.pop() {
                if next == start {
                    let message =
                        "this message waits for itself, by way of the messages that it follows".to_owned();
                    let help = "let one of them go out at a time of its own";
                    let path = others(&entry.message).next().map_or(&[][..], |(path, _)| path);
                    let problem = table_problem(Severity::Error, "after-cycle", message, help, path);
                    self.add(
                        *file,
                        Unplaced {
                            index: Some(entry.index),
                            about: Some(entry.message.id.clone()),
                            line: entry.message.place.line,
                            ..problem
                        },
                    );
                    break;
                }
                if seen.insert(next) {
                    open.extend(edges.get(next).into_iter().flatten());
                }
            }
        }
    }

    /// Two messages with the same words: platforms refuse the second, and receipts could be confused (P33).
    fn same_texts(&mut self) {
        let mut first: HashMap<&str, &Entry> = HashMap::new();
        let mut found = Vec::new();
        for (file, entry) in self.entries() {
            let Some(text) = entry.message.words.text.as_deref() else {
                continue;
            };
            if let Some(twin) = first.get(text) {
                found.push((file, entry, *twin));
            } else {
                first.insert(text, entry);
            }
        }
        for (file, entry, twin) in found
            .into_iter()
            .filter(|(_, entry, twin)| entry.message.id != twin.message.id)
        {
            let message = format!(
                "these are the words of `{}` ({}, line {})",
                twin.message.id, twin.message.place.file, twin.message.place.line
            );
            let help = "write other words: platforms refuse what was just posted";
            self.add(
                file,
                Unplaced {
                    index: Some(entry.index),
                    about: Some(entry.message.id.clone()),
                    line: entry.message.place.line,
                    ..table_problem(Severity::Warning, "same-text", message, help, &["text"])
                },
            );
        }
    }
}

/// The messages that `message` follows, each with the way to its name.
fn others(message: &Message) -> impl Iterator<Item = (&'static [&'static str], &MessageId)> {
    let after = match &message.when {
        When::After { message, .. } => Some((&["after", "message"][..], message)),
        _ => None,
    };
    after
        .into_iter()
        .chain(message.reply_to.as_ref().map(|id| (&["reply_to"][..], id)))
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
        line: 1,
    }
}

/// Takes the place of a fact in which something is wrong.
fn unusable(spot: super::problem::Spot) -> Fact {
    Fact {
        value: "…".into(),
        source: String::new(),
        as_of: None,
        review_by: None,
        status: super::fact::FactStatus::Confirmed,
        says: None,
        note: None,
        lang: BTreeMap::new(),
        spot,
    }
}

#[expect(clippy::expect_used, reason = "the constant is a good id")]
fn stand_in() -> Settings {
    Settings {
        id: "campaign".parse().expect("a good id"),
        name: "campaign".into(),
        zone: TimeZone::UTC,
        language: "en".into(),
        slots: Vec::new(),
        windows: Windows::default(),
        hashtags: Vec::new(),
        hold: None,
        after_hold: super::AfterHold::Review,
    }
}

fn fill(settings: &mut Settings, raw: &RawCampaign) {
    if let Some(id) = &raw.id {
        settings.id = id.clone();
        settings.name = id.to_string();
    }
    if let Some(name) = &raw.name {
        settings.name.clone_from(name);
    }
    if let Some(zone) = &raw.zone {
        settings.zone = zone.clone();
    }
    if let Some(language) = &raw.language {
        settings.language.clone_from(language);
    }
    settings.slots = raw.slots.iter().map(|(_, slot)| slot.clone()).collect();
    settings.windows.quiet.clone_from(&raw.quiet);
    settings.hashtags.clone_from(&raw.hashtags);
    settings.hold.clone_from(&raw.hold);
    settings.after_hold = raw.after_hold;
}

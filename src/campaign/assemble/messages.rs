//! What messages say of each other: ids that are there twice, replies, waits, the same words.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Across, table_problem};
use crate::campaign::Roster;
use crate::campaign::message::{Message, When};
use crate::campaign::place::Unplaced;
use crate::campaign::problem::{Severity, nearest};
use crate::campaign::read::Entry;
use crate::post::identity::MessageId;

impl<'f> Across<'f> {
    /// Ids that are there twice (reliability F12): all that have one are held, since nobody can know which
    /// of them the ledger means.
    pub(super) fn ids(&mut self) {
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
            let here = if first_file == file {
                "this file"
            } else {
                &first.file
            };
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

    /// Ids that messages had before. Each is one message's alone: else nobody could know whose its history is.
    pub(super) fn former_ids(&mut self) {
        let mut claims: BTreeMap<&MessageId, Vec<(usize, &Entry)>> = BTreeMap::new();
        for (file, entry) in self.entries() {
            for old in entry.message.was.iter().collect::<BTreeSet<_>>() {
                claims.entry(old).or_default().push((file, entry));
            }
        }
        for (old, claims) in claims {
            let there = self.first.contains_key(old.as_str());
            for (file, entry) in &claims {
                let others = claims.iter().map(|(_, other)| &other.message);
                let other = others.into_iter().find(|other| other.id != entry.message.id);
                let (message, help) = match other {
                    _ if entry.message.id == *old => (
                        format!("`{old}` is the id that this message has now"),
                        "write only ids that it had before",
                    ),
                    _ if there => (
                        format!("`{old}` is the id of a message that is still there"),
                        "delete that message, or take its id out of `was`: it would lose what is known of it",
                    ),
                    Some(other) => {
                        // What waits to be sent of it is held with them.
                        let why = format!(
                            "`{}` and `{}` both say that they were it",
                            entry.message.id, other.id
                        );
                        self.blocked.entry(old.clone()).or_insert(why);
                        (
                            format!(
                                "`{}` ({}, line {}) says too that it was `{old}`",
                                other.id, other.place.file, other.place.line
                            ),
                            "leave it in the one that it became; until then both are held",
                        )
                    }
                    None => continue,
                };
                self.add(
                    *file,
                    Unplaced {
                        index: Some(entry.index),
                        about: Some(entry.message.id.clone()),
                        line: entry.message.place.line,
                        ..table_problem(Severity::Error, "bad-was", message, help, &["was"])
                    },
                );
            }
        }
    }

    /// What a message is called now that was called `old`.
    fn became(&self, old: &MessageId) -> Option<&'f MessageId> {
        let mut entries = self.entries().map(|(_, entry)| &entry.message);
        let now = entries.find(|message| message.was.contains(old))?;
        Some(&now.id)
    }

    /// What messages say of other messages.
    pub(super) fn references(&mut self, roster: &Roster) {
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
                        let near = || nearest(id.as_str(), self.first.keys().copied());
                        let help = match self.became(id) {
                            Some(now) => format!("its id is `{now}` now: write that"),
                            None => near().map_or_else(
                                || "write the id of a message, as it is in its file".into(),
                                |near| format!("did you mean `{near}`?"),
                            ),
                        };
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
            let mut seen = HashSet::new();
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
    pub(super) fn same_texts(&mut self) {
        let mut first: HashMap<&str, &Entry> = HashMap::new();
        let mut found = Vec::new();
        for (file, entry) in self.entries() {
            for (nth, text) in entry.message.words.texts.iter().enumerate() {
                match first.entry(text) {
                    Slot::Occupied(twin) => found.push((file, entry, nth, *twin.get())),
                    Slot::Vacant(slot) => drop(slot.insert(entry)),
                }
            }
        }
        for (file, entry, nth, twin) in found
            .into_iter()
            .filter(|(_, entry, _, twin)| entry.message.id != twin.message.id)
        {
            let message = format!(
                "these are the words of `{}` ({}, line {})",
                twin.message.id, twin.message.place.file, twin.message.place.line
            );
            let nth = nth.to_string();
            let path = match entry.message.words.texts.len() {
                1 => &["text"][..],
                _ => &["texts", &nth],
            };
            let help = "write other words: platforms refuse what was just posted";
            self.add(
                file,
                Unplaced {
                    index: Some(entry.index),
                    about: Some(entry.message.id.clone()),
                    line: entry.message.place.line,
                    ..table_problem(Severity::Warning, "same-text", message, help, path)
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

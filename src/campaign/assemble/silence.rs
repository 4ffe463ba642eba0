//! Takes out the warnings that staff have silenced, and says which of them were silenced in vain.

use std::collections::{HashMap, HashSet};

use super::{Across, table_problem};
use crate::campaign::allow::{Allow, is_lasting};
use crate::campaign::place::Unplaced;
use crate::campaign::problem::{Problem, Severity};
use crate::campaign::read::Entry;
use crate::post::identity::MessageId;

impl Across<'_> {
    /// Takes out of `problems` what is silenced. `looked`: the messages of which all warnings are known.
    pub(super) fn silence(&mut self, problems: &mut Vec<Problem>, looked: &HashSet<&MessageId>) {
        let files = self.files;
        let silent: Vec<(usize, &Entry)> = self
            .entries()
            .filter(|(_, entry)| !entry.message.allow.is_empty())
            .collect();
        let campaign = files
            .iter()
            .enumerate()
            .find_map(|(file, read)| Some((file, read.campaign.as_ref()?)));
        let general = campaign
            .map(|(_, raw)| &raw.allow)
            .filter(|allow| !allow.is_empty());
        if silent.is_empty() && general.is_none() {
            return;
        }
        let by_id: HashMap<&MessageId, &Allow> = silent
            .iter()
            .map(|(_, entry)| (&entry.message.id, &entry.message.allow))
            .collect();
        let mut used: HashSet<(Option<MessageId>, &'static str)> = HashSet::new();
        problems.retain(|problem| {
            if problem.severity == Severity::Error {
                return true;
            }
            let own = problem.about.as_ref().filter(|id| {
                by_id
                    .get(id)
                    .is_some_and(|allow| allow.contains_key(problem.code))
            });
            let allowed = own.is_some() || general.is_some_and(|allow| allow.contains_key(problem.code));
            if allowed {
                used.insert((own.cloned(), problem.code));
            }
            !allowed
        });
        for (file, entry) in silent {
            let id = &entry.message.id;
            let is_used = |code: &str| {
                used.iter()
                    .any(|(by, used)| by.as_ref() == Some(id) && *used == code)
            };
            if looked.contains(id) {
                for code in entry.message.allow.keys().filter(|code| !is_used(code)) {
                    self.in_vain(file, &["allow", code], code, |problem| Unplaced {
                        index: Some(entry.index),
                        about: Some(id.clone()),
                        line: entry.message.place.line,
                        ..problem
                    });
                }
            }
        }
        if let (Some((file, raw)), Some(allow)) = (campaign, general) {
            let is_used = |code: &str| used.iter().any(|(by, used)| by.is_none() && *used == code);
            for code in allow.keys().filter(|code| !is_used(code)) {
                self.in_vain(file, &["campaign", "allow", code], code, |problem| Unplaced {
                    line: raw.spot.line,
                    ..problem
                });
            }
        }
    }

    fn in_vain(&mut self, file: usize, path: &[&str], code: &str, at: impl Fn(Unplaced) -> Unplaced) {
        if is_lasting(code) {
            let message = format!("there is no `{code}` here any more that has to be silenced");
            let help = "delete it, so that the next one is said";
            let problem = table_problem(Severity::Warning, "unused-allow", message, help, path);
            self.add(file, at(problem));
        }
    }
}

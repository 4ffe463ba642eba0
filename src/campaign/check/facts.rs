//! The facts that a message uses: whose claims they are, and whether they may be used when it is due.

use super::{Check, all_words, path};
use crate::campaign::place::Path;
use crate::campaign::problem::{Severity, shown};
use crate::campaign::render::text_path;
use crate::campaign::template::Said;

impl Check<'_, '_> {
    /// A claim goes out only with the name of who says so.
    pub(super) fn claims(&mut self, path: &Path<'static>, language: &str, said: &Said) {
        for name in &said.facts {
            let fact = self.context.facts.get(name);
            let Some(says) = fact.and_then(|fact| fact.says_in(language)) else {
                continue;
            };
            if !plain(&said.text).contains(&plain(says)) {
                let added = self.add(
                    Severity::Error,
                    "unattributed-claim",
                    path.clone(),
                    format!(
                        "this text uses the claim `{name}` without naming who says so: {}",
                        shown(says)
                    ),
                    format!("name them in this text too: \"{} says …\"", shown(says)),
                );
                if let Some(added) = added {
                    added.words = Some(format!("fact.{name}"));
                }
            }
        }
        self.uses.extend(said.facts.iter().cloned());
    }

    /// Facts that must not be used now, or will not be when it is due (reliability F26).
    pub(super) fn facts(&mut self) {
        let context = self.context;
        let due = self.days.0.max(context.today);
        for name in std::mem::take(&mut self.uses) {
            let mut tell = |severity, code, message: String, help: String| {
                let place = all_words(self.message).find_map(|(source, words)| {
                    let nth = words.texts.iter().position(|text| text.contains(&*name))?;
                    Some(text_path(source, &words.texts, nth))
                });
                let place = place.unwrap_or_else(|| path([""; 2], &["text"]));
                if let Some(added) = self.add(severity, code, place, message, help) {
                    added.words = Some(format!("fact.{name}"));
                }
            };
            if let Some(fault) = context.faulty.get(&name) {
                tell(
                    Severity::Error,
                    "unknown-fact",
                    format!("the fact `{name}` cannot be used: {fault}"),
                    "mend it where it is written".into(),
                );
            } else if let Some(fact) = context.facts.get(&name) {
                let help = format!(
                    "check it against its source, then mend `[fact.{name}]` in {}",
                    fact.spot.file
                );
                if let Some(why) = fact.blocks(&name, context.today) {
                    tell(
                        Severity::Warning,
                        "fact-blocked",
                        format!("{why}: this message is held"),
                        help,
                    );
                    self.block(&why);
                } else if let Some(by) = fact.review_by.filter(|by| due > *by) {
                    tell(
                        Severity::Warning,
                        "fact-review",
                        format!(
                            "the fact `{name}` must be checked again by {by}, before this message goes out on {due}"
                        ),
                        help,
                    );
                }
            }
            self.uses.insert(name);
        }
    }
}

/// In small letters, with single spaces: how names are compared.
fn plain(text: &str) -> String {
    text.to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

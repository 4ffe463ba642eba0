//! What each account would say, measured by its own rules.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Check, path};
use crate::campaign::moving::Term;
use crate::campaign::problem::Severity;
use crate::campaign::render::RenderProblem;
use crate::campaign::render::{Chosen, choose, compose, described};
use crate::campaign::template::{Scene, is_template};
use crate::campaign::{Account, Untranslated};
use crate::post::content::Content;
use crate::text::count;
use crate::text::limits;

/// Why nothing can be said: because of the text, or of what goes with it.
pub(super) enum Unsaid {
    Text(RenderProblem),
    Rest(RenderProblem),
}

impl<'a> Check<'a, '_> {
    pub(super) fn share(&mut self, url: &str, targets: &[&Account]) {
        let able = |account: &&&Account| account.limits.abilities.share;
        let good: Vec<String> = targets
            .iter()
            .filter(able)
            .map(|account| format!("\"{}\"", account.name))
            .collect();
        for account in targets.iter().filter(|account| !account.limits.abilities.share) {
            let help = if good.is_empty() {
                "write a text with the post's address as `link` instead".to_owned()
            } else {
                format!(
                    "write `to = [{}]`, and another message for the others",
                    good.join(", ")
                )
            };
            self.error(
                "unsupported",
                path([""; 2], &["share"]),
                format!("{} cannot share the post of another", label(account)),
                help,
            );
        }
        // A post can only be shared where it is; of most networks we know how their addresses look.
        let home = home(url);
        let wrong = |account: &&&Account| {
            let only = !account.limits.homes.is_empty();
            able(account) && home.map_or(only, |home| home != account.limits.homes)
        };
        for account in targets.iter().filter(wrong) {
            self.error(
                "unsupported",
                path([""; 2], &["share"]),
                format!("{} cannot share a post of another network", label(account)),
                "name in `to` only accounts on the network that the post is on",
            );
        }
        let at = url::Url::parse(url);
        let step = at.as_ref().map_or("", |at| at.path());
        let other = |account: &&&Account| able(account) && !wrong(account);
        for account in targets.iter().filter(other) {
            let Some(shared) = account.limits.shared.filter(|shared| !shared.is(step)) else {
                continue;
            };
            self.error(
                "unsupported",
                path([""; 2], &["share"]),
                format!("{} shares posts by their own addresses alone", label(account)),
                format!(
                    "write it as the browser shows it above the post alone: `{}`",
                    shared.like
                ),
            );
        }
    }

    /// What each account would say, measured by its own rules.
    pub(super) fn accounts(&mut self, targets: &[&'a Account]) {
        let (context, message) = (self.context, self.message);
        let day = self.days.0;
        let mut said: Vec<(&'a Account, Content)> = Vec::new();
        for account in targets {
            let chosen = choose(
                &context.settings.language,
                &context.roster.groups,
                message,
                account,
            );
            for nth in 0..chosen.texts.len() {
                let chosen = chosen.variant(nth);
                let before = self.problems.len();
                match self.speak(account, &chosen, day) {
                    Ok((words, terms)) => {
                        self.fits(account, &chosen, &words);
                        if self.problems.len() == before && !terms.is_empty() {
                            self.ahead(account, &chosen, &terms);
                        }
                        self.may_be_refused(account, &chosen, &words);
                        self.dead_link(account, &chosen, &words);
                        said.push((account, words));
                    }
                    Err(Unsaid::Text(_)) => {} // Said already, with the words.
                    Err(Unsaid::Rest(problem)) => {
                        self.template(chosen.path(), problem);
                        break; // It is the same beside every variant.
                    }
                }
            }
        }
        self.twins(&said);
    }

    /// Accounts that speak a language in which this message has no words.
    pub(super) fn translations(&mut self, targets: &[&'a Account]) {
        let context = self.context;
        let lacking = |account: &&&Account| {
            let chosen = choose(
                &context.settings.language,
                &context.roster.groups,
                self.message,
                account,
            );
            account.untranslated != Untranslated::Fallback && chosen.missing(account).is_some()
        };
        let lacking: Vec<&&Account> = targets.iter().filter(lacking).collect();
        let Some(spoken) = lacking.first().and_then(|account| account.language.as_deref()) else {
            return;
        };
        let told = lacking.iter().map(|account| {
            let does = match account.untranslated {
                Untranslated::Skip => "leaves it out",
                _ => "says it in the campaign's language",
            };
            format!("`{}` {does}", account.name)
        });
        let languages: BTreeSet<&str> = lacking
            .iter()
            .filter_map(|account| account.language.as_deref())
            .collect();
        let languages: Vec<String> = languages.iter().map(|language| format!("`{language}`")).collect();
        let message = format!(
            "there are no words in {}: {}",
            languages.join(", "),
            told.collect::<Vec<_>>().join(", ")
        );
        self.warning(
            "untranslated",
            path([""; 2], &["text"]),
            message,
            format!("write `text` under `[message.lang.{spoken}]`, or leave the account out of `to`"),
        );
    }

    /// What `account` says on `day`, and what that asked of the calendar.
    pub(super) fn speak(
        &mut self,
        account: &Account,
        chosen: &Chosen<'a>,
        day: Date,
    ) -> Result<(Content, Vec<Term>), Unsaid> {
        let context = self.context;
        let scene = Scene {
            due: day,
            language: chosen.language,
            account: account.name.as_str(),
        };
        let template = chosen.text().map_or("", |text| text);
        let key = (chosen.source, chosen.nth, day);
        let known = self.said.get(&key);
        let said = if let Some(said) = known {
            said.clone()
        } else {
            let said = context.engine.say(template, &scene).map_err(Unsaid::Text)?;
            if is_template(template) && is_for_all(template) {
                self.said.insert(key, said.clone());
            }
            said
        };
        let mut terms = said.terms;
        let mut say = |template: &str| {
            context.engine.say(template, &scene).map(|said| {
                self.uses.extend(said.facts);
                terms.extend(said.terms);
                said.text
            })
        };
        let warn = chosen.warn.map(|warn| say(warn)).transpose();
        let rest = warn.and_then(|warn| Ok((warn, described(chosen, &mut say)?)));
        let (warn, beside) = rest.map_err(Unsaid::Rest)?;
        let composed = compose(
            context.settings,
            self.message,
            account,
            chosen,
            (&said.text, warn, beside),
            &mut self.cuts,
        );
        Ok((composed.map_err(Unsaid::Rest)?, terms))
    }

    /// Whether the platform takes it as it is: nothing is ever cut silently.
    pub(super) fn fits(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        let limits = &*account.limits.answering(content.reply_to.is_some());
        let warn = content.warn.as_deref().unwrap_or_default();
        let text = || chosen.path();
        let place = if account.platform == account.like {
            account.platform
        } else {
            account.name.as_str()
        };
        for (i, part) in content.parts.iter().enumerate() {
            let shown = part.shown_text(limits.abilities);
            let rule = limits.rule(i, part.pictured());
            if count::surely_fits(rule, &shown, warn) {
                continue;
            }
            let measure = count::measure(rule, &shown, warn);
            if let Some(c) = measure.refused {
                self.error(
                    "unsupported",
                    text(),
                    format!(
                        "{} refuses the invisible character U+{:04X}",
                        label(account),
                        u32::from(c)
                    ),
                    "write the words around it anew",
                );
            } else if let Some(limit) = measure.limit.filter(|_| !measure.fits()) {
                let which = if content.parts.len() > 1 {
                    format!("part {} is ", i + 1)
                } else {
                    String::new()
                };
                let help = if self.message.threading.auto {
                    format!("make it shorter, or write other words under `[message.{place}]`")
                } else {
                    format!(
                        "make it shorter, put a line of just `---` where a new part may begin, write `thread = \"auto\"`, \
                         or write other words under `[message.{place}]`"
                    )
                };
                let message = format!(
                    "{which}too long for {}: {} {}, the limit is {limit}{}",
                    label(account),
                    measure.length,
                    measure.unit,
                    self.when()
                );
                let added = self.add(Severity::Error, "too-long", text(), message, help);
                // Of a thread, the part that is meant is shown by how it begins.
                if let Some(added) = added.filter(|_| content.parts.len() > 1) {
                    added.words = part.text.lines().next().map(str::to_owned);
                }
            }
        }
        let count = content.parts.len();
        if count > 1 && (!limits.abilities.reply || limits.max_parts == 1) {
            self.error(
                "unsupported",
                text(),
                format!("{} has no threads", label(account)),
                format!("write one part for it under `[message.{place}]`"),
            );
        } else if count > usize::from(limits.max_parts) {
            self.error(
                "too-many-parts",
                text(),
                format!(
                    "{count} parts are too many for {}: at most {} can be posted{}",
                    label(account),
                    limits.max_parts,
                    self.when()
                ),
                "make it shorter",
            );
        }
        // What follows is the same for every variant.
        let first = chosen.nth == 0;
        if first && content.reply_to.is_some() && !limits.abilities.reply {
            self.error(
                "unsupported",
                path([""; 2], &["reply_to"]),
                format!("{} has no replies", label(account)),
                "leave the account out of `to`",
            );
        }
        self.signs(account, chosen, content);
        self.images(account, chosen, content);
        self.video(account, chosen, content);
        let pictures = content.parts.first().map_or(0, |part| match part.video {
            Some(_) => 1,
            None => part.images.len(),
        });
        if first && pictures < usize::from(limits.min_images) {
            self.error(
                "unsupported",
                text(),
                format!("{} has no posts without an image", label(account)),
                "write `card = \"quote\"` or `image = [{ file = \"…\", alt = \"…\" }]`, or leave the account out of `to`",
            );
        }
    }

    /// Platforms take the same words from two accounts for spam.
    fn twins(&mut self, said: &[(&Account, Content)]) {
        for (i, (account, content)) in said.iter().enumerate() {
            let twin = said.iter().take(i).find(|(other, same)| {
                other.name != account.name
                    && other.platform == account.platform
                    && account.platform != "sandbox"
                    && same.parts == content.parts
            });
            if let Some((other, _)) = twin {
                self.warning(
                    "same-text",
                    path([""; 2], &["text"]),
                    format!(
                        "`{}` and `{}` are both on {}, and say the same words",
                        other.name, account.name, account.platform
                    ),
                    format!(
                        "write other words for one under `[message.{}]`, or leave it out of `to`",
                        account.name
                    ),
                );
                return;
            }
        }
    }
}

/// The end of a sentence about what a platform takes, where that is less than it takes of a post.
pub(super) fn in_answer(account: &Account, content: &Content) -> &'static str {
    if content.reply_to.is_some() && account.limits.answer.is_some() {
        " in an answer"
    } else {
        ""
    }
}

/// Whether all accounts with these words say the same.
pub(super) fn is_for_all(template: &str) -> bool {
    !template.contains("account")
}

/// The hosts of the network whose post is at `url`; `None`: one that has servers of any name.
fn home(url: &str) -> Option<&'static [&'static str]> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_at = |home: &str| {
        host.strip_suffix(home)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let mut homes = limits::PLATFORMS.iter().map(|limits| limits.homes);
    homes.find(|homes| homes.iter().any(|home| is_at(home)))
}

/// An account as people know it.
pub(super) fn label(account: &Account) -> String {
    if account.name.as_str() == account.platform && account.platform == account.like {
        account.platform.to_owned()
    } else if account.platform == account.like {
        format!("{} (account `{}`)", account.platform, account.name)
    } else {
        format!("{} (account `{}`)", account.like, account.name)
    }
}

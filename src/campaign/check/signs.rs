//! Links, tags and replies: what a platform has rules for beside the length.

use super::account::{in_answer, label};
use super::{Check, path};
use crate::campaign::Account;
use crate::campaign::render::Chosen;
use crate::post::content::{Content, Part};
use crate::text::signs::Sign;

impl Check<'_, '_> {
    /// Parts with more links or hashtags than the platform takes.
    pub(super) fn signs(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        let limits = &*account.limits.answering(content.reply_to.is_some());
        for sign in Sign::ALL {
            let Some(max) = sign.max(limits) else { continue };
            let counts = content.parts.iter().map(|part| count(sign, part));
            let most = counts.max().unwrap_or(0);
            if most > usize::from(max) {
                let code = match sign {
                    Sign::Links => "too-many-links",
                    Sign::Hashtags => "too-many-tags",
                };
                self.error(
                    code,
                    path(chosen.source, &["text"]),
                    format!(
                        "{most} {} are too many for {}: it takes {max}{}{}",
                        sign.word(),
                        label(account),
                        in_answer(account, content),
                        self.when()
                    ),
                    "keep those that matter most",
                );
            }
        }
    }

    /// A thread, or a reply, on a platform that may refuse it when its first part is out already.
    pub(super) fn may_be_refused(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        let Some(why) = account.limits.refuses_replies else {
            return;
        };
        let (key, what) = match (content.parts.len(), &content.reply_to) {
            (2.., _) => ("text", "the later parts of this thread"),
            (_, Some(_)) => ("reply_to", "this reply"),
            _ => return,
        };
        let source = if key == "text" { chosen.source } else { [""; 2] };
        self.warning(
            "may-be-refused",
            path(source, &[key]),
            format!("{} may refuse {what}: {why}", label(account)),
            format!("say it there in one part, under `[message.{}]`", account.name),
        );
    }

    /// A link that readers would have to copy by hand.
    pub(super) fn dead_link(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        if !account.limits.dead_links || content.parts.iter().all(|part| count(Sign::Links, part) == 0) {
            return;
        }
        self.warning(
            "dead-link",
            path(chosen.source, &["text"]),
            format!("nobody can follow a link in a text on {}", label(account)),
            format!(
                "say under `[message.{}]` where to find it, such as by the link in the profile",
                account.name
            ),
        );
    }
}

fn count(sign: Sign, part: &Part) -> usize {
    sign.count(&part.text, part.link.as_ref().map(|link| &*link.url))
}

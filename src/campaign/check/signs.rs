//! Links, tags and replies: what a platform has rules for beside the length.

use std::collections::BTreeSet;

use super::account::{in_answer, label};
use super::{Check, path};
use crate::campaign::Account;
use crate::campaign::render::Chosen;
use crate::post::content::{Content, Part};
use crate::text::entities::{EntityKind, entities};

impl Check<'_, '_> {
    /// Parts with more links or hashtags than the platform takes.
    pub(super) fn signs(&mut self, account: &Account, chosen: &Chosen<'_>, content: &Content) {
        let limits = &*account.limits.answering(content.reply_to.is_some());
        let rules = [
            (
                limits.max_links,
                "too-many-links",
                "links",
                links as fn(&Part) -> usize,
            ),
            (limits.max_tags, "too-many-tags", "hashtags", tags),
        ];
        for (max, code, what, count) in rules {
            let Some(max) = max else { continue };
            let counts = content.parts.iter().map(count);
            let most = counts.max().unwrap_or(0);
            if most > usize::from(max) {
                self.error(
                    code,
                    path(chosen.source, &["text"]),
                    format!(
                        "{most} {what} are too many for {}: it takes {max}{}{}",
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
        if !account.limits.dead_links || content.parts.iter().all(|part| links(part) == 0) {
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

/// Different links of a part, with the one beside its text.
fn links(part: &Part) -> usize {
    let text = entities(&part.text).into_iter();
    let in_text = text.filter_map(|entity| match entity.kind {
        EntityKind::Link { url } => Some(url),
        _ => None,
    });
    let beside = part.link.iter().map(|link| link.url.clone());
    in_text.chain(beside).collect::<BTreeSet<_>>().len()
}

fn tags(part: &Part) -> usize {
    let is_tag = |kind: &EntityKind| matches!(kind, EntityKind::Tag { .. });
    entities(&part.text)
        .iter()
        .filter(|entity| is_tag(&entity.kind))
        .count()
}

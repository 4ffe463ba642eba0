//! Links and hashtags, of which some platforms take only so many in a part.

use std::collections::BTreeSet;

use super::entities::{EntityKind, entities};
use super::limits::Limits;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Different links, with the one beside the text.
    Links,
    Hashtags,
}

impl Sign {
    pub const ALL: [Self; 2] = [Self::Links, Self::Hashtags];

    /// In words for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Hashtags => "hashtags",
        }
    }

    /// How many a part may have; `None`: no limit.
    pub fn max(self, limits: &Limits) -> Option<u16> {
        match self {
            Self::Links => limits.max_links,
            Self::Hashtags => limits.max_tags,
        }
    }

    /// How many a part has: a text, and the link beside it.
    pub fn count(self, text: &str, beside: Option<&str>) -> usize {
        let found = entities(text).into_iter().map(|entity| entity.kind);
        match self {
            Self::Links => {
                let in_text = found.filter_map(|kind| match kind {
                    EntityKind::Link { url } => Some(url),
                    _ => None,
                });
                let beside = beside.map(str::to_owned);
                in_text.chain(beside).collect::<BTreeSet<_>>().len()
            }
            Self::Hashtags => found
                .filter(|kind| matches!(kind, EntityKind::Tag { .. }))
                .count(),
        }
    }
}

/// What is wrong with a text that has more of them than are taken, in words that follow its name; `None` if it fits.
pub fn objection(limits: &Limits, text: &str) -> Option<String> {
    Sign::ALL.into_iter().find_map(|sign| {
        let (max, count) = (sign.max(limits)?, sign.count(text, None));
        (count > usize::from(max)).then(|| format!("has {count} {}, the limit is {max}", sign.word()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::limits::{INSTAGRAM, THREADS};
    use super::*;

    #[test]
    fn links_are_counted_once_and_hashtags_each_time() {
        let text = "a.org https://a.org https://b.org #A #B #A";
        assert_eq!(Sign::Links.count(text, None), 2);
        assert_eq!(Sign::Links.count(text, Some("https://b.org")), 2);
        assert_eq!(Sign::Links.count(text, Some("https://c.org")), 3);
        assert_eq!(Sign::Hashtags.count(text, None), 3);
    }

    #[test]
    fn an_answer_is_held_to_its_own_limits() {
        let answer = INSTAGRAM.answering(true);
        let (links, tags) = ("https://a.org https://b.org", "#A #B #C #D #E");
        assert_eq!(
            objection(&answer, links).as_deref(),
            Some("has 2 links, the limit is 1")
        );
        assert_eq!(
            objection(&answer, tags).as_deref(),
            Some("has 5 hashtags, the limit is 4")
        );
        assert_eq!(objection(&answer, "https://a.org #A #B #C #D"), None);
        assert_eq!(objection(&INSTAGRAM, tags), None);
        assert_eq!(objection(&THREADS, links), None);
    }
}

//! Messages with several texts: which of them a post says. A pure function of the texts and of the one that the
//! account said last, so the same past always gives the same variant.

use std::sync::Arc;

use super::message::Message;
use super::render::words_for;
use super::{Account, Campaign};
use crate::post::content::Variant;
use crate::post::digest::Digest;

impl Message {
    /// Whether any account may find more than one text in it.
    pub fn has_variants(&self) -> bool {
        let others = self.for_account.values().chain(self.for_language.values());
        let mut words = std::iter::once(&self.words).chain(others);
        words.any(|words| words.texts.len() > 1)
    }
}

/// Which variant of `message` the next post on `account` says, counted from 0; `last`: what it said last there.
pub fn next(campaign: &Campaign, message: &Message, account: &Account, last: Option<&Variant>) -> usize {
    match last {
        Some(last) if message.has_variants() => after(words_for(campaign, message, account).texts, last),
        _ => 0,
    }
}

/// Which variant of `message` a post says that was made before: the one it was, wherever it stands now.
pub fn same(campaign: &Campaign, message: &Message, account: &Account, was: Option<&Variant>) -> usize {
    match was {
        Some(was) if message.has_variants() => place(words_for(campaign, message, account).texts, was),
        _ => 0,
    }
}

/// The variant number `nth` of `message` on `account`, as a post keeps it; `None`: there is only one text.
pub fn said(campaign: &Campaign, message: &Message, account: &Account, nth: usize) -> Option<Variant> {
    of(words_for(campaign, message, account).texts, nth)
}

/// The variant number `nth`, as a post keeps it; `None`: there is only one text.
pub(super) fn of(texts: &[Arc<str>], nth: usize) -> Option<Variant> {
    let nth = nth.min(texts.len().checked_sub(1).filter(|last| *last > 0)?);
    Some(Variant {
        nth: u16::try_from(nth).unwrap_or(u16::MAX),
        text: digest(texts.get(nth)?),
    })
}

/// The one after the one said last, and never the same words again, unless there are no others.
fn after(texts: &[Arc<str>], last: &Variant) -> usize {
    let count = texts.len().max(1);
    let start = place(texts, last);
    let others = (1..=count).map(|step| (start + step) % count);
    let differs = |nth: &usize| texts.get(*nth).is_some_and(|text| digest(text) != last.text);
    others.clone().find(differs).unwrap_or((start + 1) % count)
}

/// Where this variant stands: by its words, and if these were changed, where it stood.
fn place(texts: &[Arc<str>], was: &Variant) -> usize {
    let stood = usize::from(was.nth);
    let is_it = |text: &Arc<str>| digest(text) == was.text;
    if texts.get(stood).is_some_and(is_it) {
        return stood;
    }
    let moved = texts.iter().position(is_it);
    moved.unwrap_or_else(|| stood.min(texts.len().saturating_sub(1)))
}

/// Blanks around a text are not posted.
fn digest(text: &str) -> Digest {
    Digest::of(text.trim().as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(words: &[&str]) -> Vec<Arc<str>> {
        words.iter().map(|text| Arc::from(*text)).collect()
    }

    /// What is said when `turns` posts follow each other, by the words.
    fn said(words: &[&str], turns: usize) -> String {
        let texts = texts(words);
        let mut last = None;
        let mut said = String::new();
        for _ in 0..turns {
            let nth = last.as_ref().map_or(0, |last| after(&texts, last));
            last = of(&texts, nth);
            said.push_str(words[nth]);
        }
        said
    }

    #[test]
    fn variants_take_turns_in_the_order_in_which_they_are_written() {
        assert_eq!(said(&["a", "b", "c"], 7), "abcabca");
        assert_eq!(said(&["a", "b"], 5), "ababa");
        // There is nothing to choose.
        assert_eq!(said(&["a"], 3), "aaa");
        assert_eq!(of(&texts(&["a"]), 0), None);
        // Two that are equal are one.
        assert_eq!(said(&["a", "a", "b"], 6), "ababab");
        assert_eq!(said(&["a", "a\n", "b"], 3), "aba");
        assert_eq!(said(&["a", "a"], 2), "aa");
    }

    #[test]
    fn a_variant_is_known_again_where_it_stands_after_an_edit() {
        let said = of(&texts(&["a", "b", "c"]), 1).unwrap();
        for (now, stands, follows) in [
            (&["a", "b", "c"][..], 1, 2),
            (&["b", "c"], 0, 1),
            (&["new", "a", "b", "c"], 2, 3),
            (&["c", "a", "b"], 2, 0),
            // Its words were mended: it stands where it stood.
            (&["a", "B", "c"], 1, 2),
            // It was deleted, and with it the end of the list.
            (&["a"], 0, 0),
        ] {
            let texts = texts(now);
            assert_eq!(place(&texts, &said), stands, "{now:?}");
            assert_eq!(after(&texts, &said), follows, "{now:?}");
        }
    }

    proptest! {
        /// Whatever is edited in between: inserted, deleted, moved.
        #[test]
        fn an_account_never_says_the_same_twice_in_a_row_where_there_is_another(
            lists in prop::collection::vec(prop::collection::vec("[a-e]", 1..6), 1..30)
        ) {
            let mut last: Option<(Variant, String)> = None;
            for list in lists {
                let texts: Vec<Arc<str>> = list.iter().map(|text| Arc::from(text.as_str())).collect();
                let nth = last.as_ref().map_or(0, |(last, _)| after(&texts, last));
                let now = texts[nth].to_string();
                prop_assert!(nth < texts.len());
                if let Some((variant, before)) = &last {
                    let other = texts.iter().any(|text| **text != **before);
                    prop_assert!(!other || now != *before, "{now} after {before} of {texts:?}");
                    // The same past gives the same variant.
                    prop_assert_eq!(nth, after(&texts, variant));
                }
                if let Some(said) = of(&texts, nth) {
                    // A post that is made again says what it said.
                    prop_assert_eq!(&*texts[place(&texts, &said)], now.as_str());
                    last = Some((said, now));
                } else {
                    last = None;
                }
            }
        }
    }
}

//! What is said of people, and what people are asked to do.

use super::style::sentences;
use super::typed::is_quoted;
use super::{Find, HOLE, Text, blanked, is_whole_word};
use crate::campaign::problem::shown;

/// A claim about a person in a sentence that does not say whose claim it is. What stands in quotation marks
/// is somebody's words, and a question claims nothing.
pub(super) fn bare_claim(text: &Text<'_>) -> Vec<Find> {
    let Some(tongue) = text.tongue else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (start, sentence) in sentences(&text.words) {
        if sentence.ends_with('?') {
            continue;
        }
        let claim = tongue
            .claims
            .find_iter(sentence)
            .map(|claim| claim.range())
            .find(|claim| {
                let here = start + claim.start..start + claim.end;
                is_whole_word(sentence, claim) && !is_quoted(&text.words, &here)
            });
        let Some(claim) = claim else { continue };
        let rest = blanked(sentence, std::iter::once(claim.clone()), ' ');
        let attributed = tongue
            .attribution
            .find_iter(&rest)
            .any(|word| is_whole_word(&rest, &word.range()));
        let a_fact = sentence.contains(HOLE)
            && text
                .source
                .get(start..start + sentence.len())
                .is_some_and(|source| source.contains("fact."));
        if !attributed && (a_fact || tongue.person.is_match(&rest)) {
            let word = sentence.get(claim.clone()).unwrap_or_default();
            found.push(Find {
                message: format!(
                    "`{}` is said of somebody here as if we knew it ourselves",
                    shown(word)
                ),
                help: "name in the same sentence who says so: a court, a newspaper, a person".to_owned(),
                range: start + claim.start..start + claim.end,
            });
        }
    }
    found
}

/// A call to action that would still go out when it is too late for it.
pub(super) fn no_expires(text: &Text<'_>) -> Vec<Find> {
    let Some(tongue) = text.tongue.filter(|_| text.lasting) else {
        return Vec::new();
    };
    let words = &*text.words;
    let call = tongue
        .calls
        .find_iter(words)
        .map(|call| call.range())
        .find(|call| {
            let before = words
                .get(..call.start)
                .unwrap_or_default()
                .trim_end_matches([' ', '\t', ',']);
            let last = before
                .rsplit(|c: char| !c.is_alphabetic())
                .next()
                .unwrap_or_default();
            let begins = !before.ends_with(|c: char| c.is_alphanumeric() || c == HOLE)
                || tongue.before_calls.contains(&last.to_lowercase().as_str());
            is_whole_word(words, call) && begins
        });
    let soon = || {
        let mut found = tongue.soon_over.find_iter(words).map(|found| found.range());
        found.find(|found| is_whole_word(words, found))
    };
    let find = |range: std::ops::Range<usize>| Find {
        message: format!(
            "`{}` asks for something now, and this message may go out at any time from now on",
            shown(words.get(range.clone()).unwrap_or_default())
        ),
        help: "write `expires = 2027-01-01`, the last day on which it is worth doing".to_owned(),
        range,
    };
    call.or_else(soon).map(find).into_iter().collect()
}

//! Which warnings can be silenced, and where: `allow = { "typed-figure" = "the number of the bill" }`.

use std::collections::BTreeMap;

use super::codes::CODES;
use super::problem::Severity;

/// Codes of warnings that are silenced, each with the reason.
pub type Allow = BTreeMap<Box<str>, Box<str>>;

/// Warnings after which something is held or not seen, or that are about `allow` itself.
const NEVER: [&str; 5] = [
    "bad-allow",
    "fact-blocked",
    "fact-review",
    "too-many-problems",
    "unused-allow",
];

/// Warnings about the campaign, not about a message.
const OF_THE_CAMPAIGN: [&str; 1] = ["queue-runs-dry"];

/// Warnings that come and go with the days, so that nobody can say that one is silenced in vain.
const OF_THE_DAY: [&str; 3] = ["queue-runs-dry", "renamed", "twice-in-an-hour"];

/// Where an `allow` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Message,
    Campaign,
}

/// Why `code` cannot be silenced there, in a sentence; `None` if it can.
pub fn refused(code: &str, of: Of) -> Option<String> {
    let known = CODES.iter().find(|(known, ..)| *known == code);
    match known.map(|(_, severity, _)| severity) {
        None => Some("there is no warning of this name".to_owned()),
        Some(Severity::Error) => {
            Some("it is an error, and holds what it is in until it is mended".to_owned())
        }
        Some(Severity::Warning) if NEVER.contains(&code) => Some("this warning is always said".to_owned()),
        Some(Severity::Warning) if of == Of::Message && OF_THE_CAMPAIGN.contains(&code) => {
            Some("it is about the whole campaign: write it in `[campaign]`".to_owned())
        }
        Some(Severity::Warning) => None,
    }
}

/// The codes that can be silenced there.
pub fn known(of: Of) -> impl Iterator<Item = &'static str> {
    CODES
        .iter()
        .map(|(code, ..)| *code)
        .filter(move |code| refused(code, of).is_none())
}

/// Whether it can be known from the files alone that nothing is left to silence.
pub fn is_lasting(code: &str) -> bool {
    !OF_THE_DAY.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_has_a_rule_of_its_own_is_a_warning() {
        for code in NEVER.iter().chain(&OF_THE_CAMPAIGN).chain(&OF_THE_DAY) {
            let known = CODES.iter().find(|(known, ..)| known == code);
            assert_eq!(
                known.map(|(_, severity, _)| *severity),
                Some(Severity::Warning),
                "{code}"
            );
        }
    }

    #[test]
    fn warnings_can_be_silenced_and_errors_and_typing_errors_cannot() {
        for (code, message, campaign) in [
            ("typed-figure", true, true),
            ("same-text", true, true),
            ("queue-runs-dry", false, true),
            ("too-long", false, false),
            ("fact-blocked", false, false),
            ("unused-allow", false, false),
            ("typed-figures", false, false),
        ] {
            assert_eq!(refused(code, Of::Message).is_none(), message, "{code}");
            assert_eq!(refused(code, Of::Campaign).is_none(), campaign, "{code}");
        }
        assert!(known(Of::Campaign).count() > known(Of::Message).count());
    }
}

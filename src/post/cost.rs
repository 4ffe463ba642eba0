//! What a post costs where a platform charges for it, and what a budget says to that.

use super::content::{Content, Part};
use super::recall::{Act, Recall};
use super::state::State;
use crate::text::count;
use crate::text::limits::{Limits, Prices};
use crate::text::money::Usd;

/// What the platform charges for all of a post, if each of its requests is accepted once.
pub fn cost(content: &Content, prices: &Prices, limits: &Limits) -> Usd {
    let deletes = |recall: &Recall| matches!(recall.act, Act::Delete { .. });
    if content.recall.as_ref().is_some_and(deletes) {
        return prices.delete.times(content.parts.len());
    }
    // No platform that charges lets a post be edited.
    if content.is_edit() {
        return Usd::NOTHING;
    }
    if content.share.is_some() {
        return prices.share;
    }
    let part = |part: &Part| {
        let text = part.shown_text(limits.abilities);
        let words = if count::has_link(&limits.length, &text) {
            prices.with_link
        } else {
            prices.post
        };
        let described = part.alts().filter(|alt| !alt.is_empty()).count();
        words + prices.description.times(described)
    };
    content.parts.iter().map(part).sum()
}

/// Whether a recorded post is paid for, or will be: all but what ended, or waits for a person, with no request made.
pub fn is_charged(state: State, attempts: u32) -> bool {
    match state {
        State::Rejected => false,
        State::Held | State::Skipped => attempts > 0,
        _ => true,
    }
}

/// An account on a platform that charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    pub prices: Prices,
    /// `None`: whatever it costs.
    pub budget: Option<Budget>,
}

/// The most that an account may spend in a calendar month of the campaign's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub Usd);

impl Budget {
    /// Why it keeps a post back, given what this month has cost so far; `None` if it lets it through.
    pub fn refuses(self, spent: Usd, cost: Usd) -> Option<String> {
        (cost > Usd::NOTHING && spent + cost > self.0).then(|| {
            format!(
                "budget: it costs {cost}, and with the {spent} of this month that is more than {} a month; raise \
                 `budget`, or send it all the same with `steadfast retry`, or leave it out with `steadfast skip`",
                self.0
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::post::content::{Image, Link};
    use crate::post::identity::PostId;
    use crate::post::outcome::Receipt;
    use crate::text::limits::X;

    fn text(text: &str) -> Part {
        Part {
            text: text.into(),
            ..Part::default()
        }
    }

    fn micros(content: &Content) -> u64 {
        cost(content, &X.prices.unwrap(), &X).micros()
    }

    fn saying(parts: Vec<Part>) -> Content {
        Content {
            parts,
            ..Content::plain("en")
        }
    }

    #[test]
    fn each_part_costs_and_one_with_a_link_more() {
        assert_eq!(micros(&saying(vec![text("Ten to two.")])), 15_000);
        let thread = [text("Ten to two."), text("See example.org for more.")];
        assert_eq!(micros(&saying(thread.to_vec())), 215_000);
    }

    #[test]
    fn a_link_beside_the_text_counts_where_it_is_put_into_it() {
        let url = "https://example.org/case".into();
        let part = Part {
            link: Some(Link { url }),
            ..text("Ten to two.")
        };
        assert_eq!(micros(&saying(vec![part])), 200_000);
    }

    #[test]
    fn a_description_costs_by_the_image() {
        let image = |alt: &str| Image {
            file: "a.png".into(),
            alt: alt.into(),
            card: None,
        };
        let part = Part {
            images: vec![image("A door"), image("A street"), image("")],
            ..text("Ten to two.")
        };
        assert_eq!(micros(&saying(vec![part])), 25_000);
    }

    #[test]
    fn shares_and_deletions_have_their_own_price() {
        let share = Content {
            share: Some("https://x.com/a/status/1".into()),
            ..saying(vec![text("")])
        };
        assert_eq!(micros(&share), 15_000);
        let receipt = |id: &str| Receipt {
            id: id.into(),
            url: None,
            pin: None,
            altered: None,
        };
        let deletion = Content::deletion(&share, PostId::default(), vec![receipt("1"), receipt("2")], None);
        assert_eq!(micros(&deletion), 20_000);
    }

    #[test]
    fn a_budget_lets_through_up_to_its_last_cent() {
        let budget = Budget("1 USD".parse().unwrap());
        let usd = |text: &str| text.parse::<Usd>().unwrap();
        assert_eq!(budget.refuses(usd("0.80 USD"), usd("0.20 USD")), None);
        let why = budget.refuses(usd("0.80 USD"), usd("0.200001 USD")).unwrap();
        assert!(why.contains("0.80 USD") && why.contains("1.00 USD"), "{why}");
        assert_eq!(
            budget.refuses(usd("5 USD"), Usd::NOTHING),
            None,
            "what is free goes out"
        );
    }

    #[test]
    fn what_never_left_is_not_charged() {
        assert!(is_charged(State::Sent, 1) && is_charged(State::Due, 0) && is_charged(State::InDoubt, 1));
        assert!(is_charged(State::Held, 2), "a part of it may be out");
        assert!(
            !is_charged(State::Held, 0) && !is_charged(State::Skipped, 0) && !is_charged(State::Rejected, 1)
        );
    }
}

//! `budget` and `prices` of an account: what posts cost there, and the most that a month may cost.

use super::keys::Keys;
use crate::post::cost::{Budget, Charge};
use crate::text::limits::Prices;
use crate::text::money::Usd;

/// What is said of money, beside the platform's `usual` prices; `None`: nothing is charged.
pub(super) fn charge(
    keys: &mut Keys,
    usual: Option<Prices>,
    at: &str,
    problems: &mut Vec<String>,
) -> Option<Charge> {
    let budget = keys.text("budget", problems);
    let budget = budget.and_then(|text| {
        let read = budget_of(&text);
        if read.is_none() {
            problems.push(format!(
                "{at}: `budget` is an amount for each month, as in \"20 USD/month\", not \"{text}\""
            ));
        }
        read
    });
    let prices = if keys.given("prices") {
        Some(prices(keys, usual.unwrap_or_default(), problems))
    } else {
        usual
    };
    if prices.is_none() && budget.is_some() {
        problems.push(format!(
            "{at}: `budget` would stop nothing, because nothing is charged there; take it out, or say the `prices`"
        ));
    }
    prices.map(|prices| Charge { prices, budget })
}

/// `20 USD/month`.
fn budget_of(text: &str) -> Option<Budget> {
    let amount = text.strip_suffix("month")?.trim_end().strip_suffix('/')?;
    amount.trim_end().parse().ok().map(Budget)
}

/// `[account.NAME.prices]`: what is not said stays as it is usual.
fn prices(keys: &mut Keys, usual: Prices, problems: &mut Vec<String>) -> Prices {
    let mut said = keys.section("prices", problems);
    let mut price = |key: &str, usual: Usd| {
        let Some(text) = said.text(key, problems) else {
            return usual;
        };
        text.parse().unwrap_or_else(|why| {
            problems.push(format!("`{}` can't be \"{text}\": {why}", said.name(key)));
            usual
        })
    };
    let prices = Prices {
        post: price("post", usual.post),
        with_link: price("with_link", usual.with_link),
        share: price("share", usual.share),
        delete: price("delete", usual.delete),
        description: price("description", usual.description),
    };
    said.finish(problems);
    prices
}

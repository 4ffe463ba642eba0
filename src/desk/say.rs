//! What commands and pages say alike.

use crate::calendar::bill::Bill;
use crate::campaign::Roster;
use crate::campaign::problem::nearest;
use crate::ledger::{Hold, Post, Scope};
use crate::post::cost::Budget;

use super::Office;

/// `1 post`, `2 posts`.
pub fn many(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// What to say of so many held posts.
pub fn wait_for_a_word(held: usize) -> String {
    let wait = if held == 1 { "waits" } else { "wait" };
    format!(
        "{} {wait} for a word: steadfast history --state held",
        many(held, "post")
    )
}

/// `, did you mean …?` after a name that nobody has, or nothing.
pub fn meant<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known)
        .map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default()
}

/// Where a post can be looked at: the sandbox says only where on our own page.
pub fn address(office: &Office, url: &str) -> String {
    if url.starts_with('/') {
        format!("http://{}{url}", office.settings.listen)
    } else {
        url.to_owned()
    }
}

/// Whether a hold stops this post.
pub fn covers(scope: &Scope, post: &Post) -> bool {
    scope.covers(&post.message, &post.account)
}

/// `message a (wrong figure), account b (…)`.
pub fn list(holds: &[Hold]) -> String {
    let all: Vec<String> = holds
        .iter()
        .map(|hold| format!("{} ({})", hold.scope, hold.why))
        .collect();
    all.join(", ")
}

/// An instant as local time of the campaign, to the minute, with its offset.
pub fn local(at: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%a %Y-%m-%d %H:%M %Z")
        .to_string()
}

/// `x: 1.20 USD spent this month, 12.40 USD planned for the coming 30 days; …`
pub fn in_words(bill: &Bill, roster: &Roster) -> String {
    let account = roster.accounts.get(bill.account);
    let budget = match bill.budget {
        None => String::new(),
        Some(Budget(most)) if bill.over == 0 => format!("; the budget is {most} a month"),
        Some(Budget(most)) => format!(
            "; the budget is {most} a month, so {} will be held",
            many(bill.over, "post")
        ),
    };
    format!(
        "{}: {} spent this month, {} planned for the coming 30 days{budget}",
        account.map_or("", |account| account.name.as_str()),
        bill.spent,
        bill.coming
    )
}

/// A day of the campaign's, or an instant with an offset.
pub fn instant(text: &str, zone: &jiff::tz::TimeZone) -> Option<jiff::Timestamp> {
    let day = || {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        Some(day.to_zoned(zone.clone()).ok()?.timestamp())
    };
    text.parse().ok().or_else(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!(
            [0, 1, 2].map(|n| many(n, "held post")),
            ["0 held posts", "1 held post", "2 held posts"]
        );
    }

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        assert_eq!(
            meant("ten-too-two", ["hearing", "ten-to-two"]),
            ", did you mean `ten-to-two`?"
        );
        assert_eq!(meant("colour", ["hearing", "ten-to-two"]), "");
    }
}

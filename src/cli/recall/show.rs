//! What was published, as a table.

use jiff::tz::TimeZone;

use crate::desk::recall::found::Found;
use crate::ledger::Post;
use crate::post::state::State;

use super::super::say::address;
use super::super::{Office, print_line, table};

/// For people. `fact`: the one that is asked about.
pub(super) fn show(office: &Office, found: &[Found], fact: Option<&str>, zone: &TimeZone) {
    let mut shown = table::table(&[
        "posted",
        "message",
        "account",
        "said",
        "where",
        "since then",
        "post",
    ]);
    for one in found {
        let post = &one.post;
        let value = |name: &str| one.says().facts.get(name).map(|quoted| quoted.value.clone());
        let places: Vec<String> = one
            .receipts()
            .iter()
            .map(|receipt| {
                receipt
                    .url
                    .as_deref()
                    .map_or_else(|| receipt.id.clone(), |url| address(office, url))
            })
            .collect();
        let mut since: Vec<String> = one.recalls.iter().map(became).collect();
        if one.is_unsure() {
            since.insert(0, "nobody knows yet whether all of it is out".to_owned());
        }
        shown.add_row([
            post.began
                .map_or_else(|| "perhaps".to_owned(), |at| table::local(at, zone)),
            post.message.to_string(),
            post.account.to_string(),
            fact.and_then(value).unwrap_or_default(),
            places.join(" "),
            since.join("; "),
            post.id.to_string(),
        ]);
    }
    print_line(&table::text(shown));
}

/// What a recall came to, in words.
fn became(recall: &Post) -> String {
    let (done, to_be) = match (recall.content.deletes(), recall.content.is_edit()) {
        (Some(_), _) => ("deleted", "to be deleted"),
        (None, true) => ("edited", "to be edited"),
        (None, false) => ("corrected", "to be corrected"),
    };
    match recall.standing.state {
        State::Sent => done.to_owned(),
        State::Held | State::Rejected | State::Skipped => {
            let why = recall.standing.why.as_deref().unwrap_or_default();
            format!("not {done}: {why}")
        }
        State::Due | State::Sending | State::Retrying | State::InDoubt => to_be.to_owned(),
    }
}

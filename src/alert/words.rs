//! What is said: plain sentences, what happened, since when, and what to do.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Book, Kind, News};
use crate::post::outcome::one_line;

/// How many are listed, and within how many bytes: a message that nobody reads to its end says nothing, and chats take
/// no long ones.
const LISTED: usize = 10;
const ROOM: usize = 2500;
/// The longest sentence, in characters: platforms' own words may be long.
const SENTENCE: usize = 300;

/// One message to one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The campaign's name, or its id.
    pub campaign: String,
    /// For the head of a letter.
    pub subject: String,
    /// The whole as plain text.
    pub text: String,
    pub new: Vec<Item>,
    pub solved: Vec<Item>,
    /// How many are open after this one.
    pub open: usize,
}

/// One condition in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    pub key: String,
    pub kind: Kind,
    pub text: String,
    pub help: String,
    pub since: Timestamp,
}

fn items(book: &Book, keys: &[String]) -> Vec<Item> {
    let item = |key: &String| {
        let known = book.known.get(key)?;
        Some(Item {
            key: key.clone(),
            kind: known.kind,
            text: one_line(&known.text, SENTENCE),
            help: one_line(&known.help, SENTENCE),
            since: known.since,
        })
    };
    keys.iter().filter_map(item).collect()
}

/// What `news` says, of a campaign that lives in `zone`. `book`: before it was told.
pub fn said(campaign: &str, book: &Book, news: &News, zone: &TimeZone) -> Said {
    let (new, solved) = (items(book, &news.new), items(book, &news.solved));
    let told: Vec<&String> = news
        .new
        .iter()
        .filter(|key| !book.known.get(*key).is_some_and(super::Known::is_open))
        .collect();
    let open = (book.open() + told.len()).saturating_sub(solved.len());
    let what = match (new.as_slice(), solved.as_slice()) {
        ([one], []) => one.text.clone(),
        ([], [one]) => format!("solved: {}", one.text),
        ([], many) => format!("{} things are solved", many.len()),
        (many, []) => format!("{} things need you", many.len()),
        (new, solved) => format!("{} new, {} solved", new.len(), solved.len()),
    };
    let mut paragraphs = Vec::new();
    list(&mut paragraphs, &new, |item| {
        let since = local(item.since, zone);
        format!("{}.\nSince {since}. {}", item.text, item.help)
    });
    list(&mut paragraphs, &solved, |item| {
        let since = local(item.since, zone);
        format!("solved: {} (since {since})", item.text)
    });
    let rest = open.saturating_sub(new.len());
    if rest > 0 {
        paragraphs.push(format!("Open beside this: {rest}. {ALL}"));
    }
    Said {
        campaign: campaign.to_owned(),
        subject: format!("[{}] {what}", one_line(campaign, 60)),
        text: format!("{campaign}: {what}\n\n{}", paragraphs.join("\n\n")),
        new,
        solved,
        open,
    }
}

const ALL: &str = "`steadfast alerts` lists them all.";

/// As many of them as there is room for, each as a paragraph, and how many more there are.
fn list(paragraphs: &mut Vec<String>, items: &[Item], words: impl Fn(&Item) -> String) {
    let mut listed = 0;
    for item in items.iter().take(LISTED) {
        if paragraphs.iter().map(String::len).sum::<usize>() > ROOM {
            break;
        }
        paragraphs.push(words(item));
        listed += 1;
    }
    let rest = items.len() - listed;
    if rest > 0 {
        paragraphs.push(format!("And {rest} more. {ALL}"));
    }
}

/// What a person has sent to see whether it comes.
pub fn trial(campaign: &str, channel: &str, now: Timestamp) -> Said {
    let what = "a test: alerts reach you here";
    Said {
        campaign: campaign.to_owned(),
        subject: format!("[{}] {what}", one_line(campaign, 60)),
        text: format!(
            "{campaign}: {what}\n\nSomebody ran `steadfast alerts --test {channel}` at {now:.0}. Nothing is wrong."
        ),
        new: Vec::new(),
        solved: Vec::new(),
        open: 0,
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M %Z")
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::alert::{Condition, Look, Terms};

    fn told(keys: &[&str], gone: &[&str]) -> Said {
        let at: Timestamp = "2026-11-30T20:02:00Z".parse().unwrap();
        let terms = Terms {
            only: std::collections::BTreeSet::new(),
            calm: Duration::ZERO,
        };
        let condition = |key: &&str| Condition {
            key: (*key).to_owned(),
            kind: Kind::Account,
            grave: true,
            text: format!("{key} can't post: credentials refused"),
            help: format!("`steadfast login {key}`"),
            since: Some(at),
        };
        let look = |keys: &[&str]| Look {
            conditions: keys.iter().map(condition).collect(),
            ..Look::default()
        };
        let mut book = Book::default();
        book.see(&look(gone), &terms, at);
        book.told(&book.news(&terms, at), at);
        book.see(&look(keys), &terms, at);
        let zone = crate::calendar::civil::zone("America/Chicago").unwrap();
        said("Save the library", &book, &book.news(&terms, at), &zone)
    }

    #[test]
    fn one_says_what_happened_since_when_and_what_to_do() {
        let said = told(&["mastodon"], &[]);
        assert_eq!(
            said.subject,
            "[Save the library] mastodon can't post: credentials refused"
        );
        assert_eq!(
            said.text,
            "Save the library: mastodon can't post: credentials refused\n\nmastodon can't post: credentials refused.\nSince 2026-11-30 14:02 CST. `steadfast login mastodon`"
        );
        assert_eq!(said.open, 1);
    }

    #[test]
    fn one_that_is_over_says_so() {
        let said = told(&[], &["mastodon"]);
        assert_eq!(
            said.subject,
            "[Save the library] solved: mastodon can't post: credentials refused"
        );
        assert_eq!((said.solved.len(), said.open), (1, 0));
    }

    #[test]
    fn many_are_counted_and_the_first_are_listed() {
        let names: Vec<String> = (0..12).map(|n| format!("a{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = told(&names, &["x"]);
        assert_eq!(said.subject, "[Save the library] 12 new, 1 solved");
        assert!(said.text.contains("And 2 more"), "{}", said.text);
        assert_eq!((said.new.len(), said.open), (12, 12));
    }

    #[test]
    fn a_long_sentence_has_an_end() {
        let names: Vec<String> = (0..9).map(|n| format!("{n}{}", "x".repeat(5000))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = told(&names, &[]);
        assert!(said.text.len() < 4000, "{}", said.text.len());
        assert!(said.text.contains("more. `steadfast alerts`"));
    }
}

//! What a channel has been told. It alone decides what is news, so that a restart tells nothing twice, and a channel
//! that was out of reach hears how things stand, not all that came and went.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Condition, Kind, Look, News, Terms};

/// No more than so many messages within so long, whatever happens. What comes meanwhile is told together.
const MOST: [(SignedDuration, usize); 2] = [
    (SignedDuration::from_mins(10), 4),
    (SignedDuration::from_hours(1), 12),
];
/// How long it is remembered that something was solved: what comes back by then has to be gone for longer.
const MEMORY: SignedDuration = SignedDuration::from_hours(24);
/// How often the calm doubles at most, for what comes and goes.
const DOUBLINGS: u32 = 6;
/// How many conditions are kept in mind at most.
const KEPT: usize = 2000;

/// A condition as a channel knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub kind: Kind,
    pub text: String,
    pub help: String,
    pub grave: bool,
    pub since: Timestamp,
    /// When it was told last.
    pub told: Option<Timestamp>,
    /// It was told that it stops something.
    told_grave: bool,
    /// Since when it has not been seen.
    gone: Option<Timestamp>,
    /// When it was told that it is over.
    pub solved: Option<Timestamp>,
    /// How often it came back after that.
    returns: u32,
}

impl Known {
    fn new(condition: &Condition, now: Timestamp) -> Self {
        Self {
            kind: condition.kind,
            text: condition.text.clone(),
            help: condition.help.clone(),
            grave: condition.grave,
            since: condition.since.unwrap_or(now),
            told: None,
            told_grave: false,
            gone: None,
            solved: None,
            returns: 0,
        }
    }

    /// It was told, and it is not over, as far as was told.
    pub fn is_open(&self) -> bool {
        self.told.is_some() && self.solved.is_none()
    }

    fn is_new(&self) -> bool {
        let untold = self.told.is_none() || (self.grave && !self.told_grave);
        self.gone.is_none() && self.solved.is_none() && untold
    }

    /// Gone for long enough; for the longer, the more often it came back.
    fn is_over(&self, calm: Duration, now: Timestamp) -> bool {
        let calm = calm.saturating_mul(1 << self.returns.min(DOUBLINGS));
        let calm = SignedDuration::try_from(calm).unwrap_or(SignedDuration::MAX);
        self.is_open() && self.gone.is_some_and(|gone| now.duration_since(gone) >= calm)
    }
}

/// All that a channel was told and may still be told of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    pub known: BTreeMap<String, Known>,
    /// When it was told something, as far back as that bounds what it may be told.
    sent: Vec<Timestamp>,
}

impl Book {
    /// Takes in how things stand.
    pub fn see(&mut self, look: &Look, terms: &Terms, now: Timestamp) {
        let wanted = look.conditions.iter().filter(|found| terms.wants(found.kind));
        let mut seen = std::collections::BTreeSet::new();
        for found in wanted {
            seen.insert(found.key.as_str());
            let room = self.known.len() < KEPT;
            let Some(known) = self.known.get_mut(&found.key) else {
                if room {
                    self.known.insert(found.key.clone(), Known::new(found, now));
                }
                continue;
            };
            let returns = known.returns.saturating_add(1);
            if known.solved.is_some() {
                *known = Known {
                    returns,
                    ..Known::new(found, now)
                };
            }
            known.gone = None;
            known.grave = found.grave;
            known.text.clone_from(&found.text);
            known.help.clone_from(&found.help);
        }
        for (key, known) in &mut self.known {
            if !seen.contains(key.as_str()) && !look.unseen.contains(&known.kind) {
                // A clock that was set back has seen it go later than now.
                known.gone = Some(known.gone.map_or(now, |gone| gone.min(now)));
            }
        }
        self.known.retain(|_, known| match known.solved {
            // What nobody heard of need not be told to be over.
            None => known.told.is_some() || known.gone.is_none(),
            Some(solved) => now.duration_since(solved).abs() < MEMORY,
        });
        let longest = MOST.iter().map(|(within, _)| *within).max().unwrap_or_default();
        self.sent.retain(|sent| now.duration_since(*sent).abs() < longest);
    }

    /// What is to be told now; nothing while it was told too much of late.
    pub fn news(&self, terms: &Terms, now: Timestamp) -> News {
        let too_much = MOST.iter().any(|(within, most)| {
            let recent = self
                .sent
                .iter()
                .filter(|sent| now.duration_since(**sent).abs() < *within);
            recent.count() >= *most
        });
        if too_much {
            return News::default();
        }
        let keys = |is: &dyn Fn(&Known) -> bool| -> Vec<String> {
            let found = self.known.iter().filter(|(_, known)| is(known));
            found.map(|(key, _)| key.clone()).collect()
        };
        News {
            new: keys(&Known::is_new),
            solved: keys(&|known| known.is_over(terms.calm, now)),
        }
    }

    /// It was told.
    pub fn told(&mut self, news: &News, now: Timestamp) {
        for key in &news.new {
            if let Some(known) = self.known.get_mut(key) {
                known.told = Some(now);
                known.told_grave = known.grave;
            }
        }
        for key in &news.solved {
            if let Some(known) = self.known.get_mut(key) {
                known.solved = Some(now);
            }
        }
        self.sent.push(now);
    }

    /// What it was told of and is not over.
    pub fn open(&self) -> usize {
        self.known.values().filter(|known| known.is_open()).count()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CALM: Duration = Duration::from_mins(10);

    fn terms() -> Terms {
        Terms {
            only: std::collections::BTreeSet::new(),
            calm: CALM,
        }
    }

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + n * 60).unwrap()
    }

    fn found(key: &str, kind: Kind, grave: bool) -> Condition {
        Condition {
            key: key.to_owned(),
            kind,
            grave,
            text: format!("{key} is wrong"),
            help: "look".to_owned(),
            since: None,
        }
    }

    fn look(keys: &[&str]) -> Look {
        Look {
            conditions: keys.iter().map(|key| found(key, Kind::Account, true)).collect(),
            ..Look::default()
        }
    }

    /// Minute by minute, `x` where a condition is there: what is told, `+` new and `-` solved, with its minute.
    fn course(seen: &str) -> String {
        let mut book = Book::default();
        let mut said = String::new();
        for (n, sign) in seen.chars().enumerate() {
            let (n, keys): (_, &[&str]) = (i64::try_from(n).unwrap(), if sign == 'x' { &["a"] } else { &[] });
            book.see(&look(keys), &terms(), minute(n));
            let news = book.news(&terms(), minute(n));
            if news.is_empty() {
                continue;
            }
            said.push_str(&"+".repeat(news.new.len()));
            said.push_str(&"-".repeat(news.solved.len()));
            said.push_str(&n.to_string());
            said.push(' ');
            book.told(&news, minute(n));
            // As if started anew each time.
            let kept = serde_json::to_string(&book).unwrap();
            book = serde_json::from_str(&kept).unwrap();
        }
        said.trim_end().to_owned()
    }

    #[rstest]
    #[case::once("..xxxxxxxxxxxxxxxxxxxxxxxx", "+2")]
    #[case::solved_after_the_calm("xxx...............", "+0 -13")]
    #[case::gone_too_short_to_be_solved("xxx.........xxx.........xxx", "+0")]
    #[case::back_again_has_to_be_gone_for_twice_as_long(
        "x...........x...............x...................................",
        "+0 -11 +12 -49"
    )]
    fn each_is_told_once_and_again_when_solved(#[case] seen: &str, #[case] said: &str) {
        assert_eq!(course(seen), said);
    }

    #[test]
    fn what_comes_and_goes_for_a_day_is_told_a_few_times() {
        let seen = "xxxxxxxxxxxxxxx...............".repeat(48);
        assert!(course(&seen).split(' ').count() <= 5, "{}", course(&seen));
    }

    #[test]
    fn what_grows_worse_is_told_again_and_what_grows_better_is_not() {
        let mut book = Book::default();
        for (n, grave, told) in [
            (0, false, true),
            (1, false, false),
            (2, true, true),
            (3, false, false),
            (4, true, false),
        ] {
            let look = Look {
                conditions: vec![found("fact a", Kind::Fact, grave)],
                ..Look::default()
            };
            book.see(&look, &terms(), minute(n));
            let news = book.news(&terms(), minute(n));
            assert_eq!(!news.is_empty(), told, "minute {n}");
            if told {
                book.told(&news, minute(n));
            }
        }
    }

    #[test]
    fn many_at_once_are_one_message_and_messages_are_bounded() {
        let mut book = Book::default();
        let names: Vec<String> = (0..50).map(|n| format!("post {n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        book.see(&look(&names), &terms(), minute(0));
        let news = book.news(&terms(), minute(0));
        assert_eq!(news.new.len(), 50);
        book.told(&news, minute(0));
        // One more each minute of an hour.
        let more: Vec<String> = (0..60).map(|n| format!("more {n:02}")).collect();
        let mut told = 1;
        for n in 1..60 {
            let mut keys = names.clone();
            keys.extend(more.iter().take(n).map(String::as_str));
            let now = minute(i64::try_from(n).unwrap());
            book.see(&look(&keys), &terms(), now);
            let news = book.news(&terms(), now);
            if !news.is_empty() {
                told += 1;
                book.told(&news, now);
            }
        }
        assert_eq!(told, 12);
    }

    #[test]
    fn what_nobody_heard_of_is_not_told_to_be_over() {
        let mut book = Book::default();
        book.see(&look(&["a", "b"]), &terms(), minute(0));
        // The channel could not be reached; meanwhile one went.
        book.see(&look(&["b"]), &terms(), minute(1));
        assert_eq!(book.news(&terms(), minute(30)).new, ["b"]);
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_over() {
        let mut book = Book::default();
        book.see(&look(&["a"]), &terms(), minute(0));
        book.told(&book.news(&terms(), minute(0)), minute(0));
        let blind = Look {
            conditions: vec![found("ledger", Kind::Ledger, true)],
            unseen: [Kind::Account].into(),
        };
        book.see(&blind, &terms(), minute(1));
        book.see(&blind, &terms(), minute(60));
        let news = book.news(&terms(), minute(60));
        assert_eq!((news.new, news.solved), (vec!["ledger".to_owned()], vec![]));
    }

    #[test]
    fn a_channel_hears_only_of_what_it_is_for() {
        let mut book = Book::default();
        let terms = Terms {
            only: [Kind::Fact].into(),
            calm: CALM,
        };
        let look = Look {
            conditions: vec![
                found("a", Kind::Account, true),
                found("fact b", Kind::Fact, false),
            ],
            ..Look::default()
        };
        book.see(&look, &terms, minute(0));
        assert_eq!(book.news(&terms, minute(0)).new, ["fact b"]);
    }

    #[test]
    fn a_clock_that_is_set_back_neither_floods_nor_silences() {
        let mut book = Book::default();
        book.see(&look(&["a"]), &terms(), minute(600));
        book.told(&book.news(&terms(), minute(600)), minute(600));
        book.see(&look(&[]), &terms(), minute(601));
        assert!(book.news(&terms(), minute(0)).is_empty());
        book.see(&look(&[]), &terms(), minute(0));
        assert_eq!(book.news(&terms(), minute(10)).solved, ["a"]);
    }
}

//! How times, accounts and posts are shown, on whatever page.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::campaign::Roster;
use crate::desk::agenda::{self, Row};
use crate::desk::words::is_taken;
use crate::ledger::{Hold, Ledger, Post, Scope};
use crate::post::recall::Act;
use crate::post::state::State;
use crate::post::step::Word;
use crate::text::limits;

use super::trouble::Trouble;
use super::words::{Words, fill};

/// What it takes to say when something is.
#[derive(Clone)]
pub(super) struct Times {
    pub t: &'static Words,
    pub zone: TimeZone,
    pub now: Timestamp,
}

/// An instant, for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    /// `Mon 7 Dec, 09:00`
    pub text: String,
    /// RFC 3339.
    pub machine: String,
    /// `in 5 min`
    pub away: String,
}

impl Times {
    pub fn when(&self, at: Timestamp) -> When {
        When {
            text: self.local(at),
            machine: at.to_string(),
            away: self.away(at),
        }
    }

    fn local(&self, at: Timestamp) -> String {
        let (at, now) = (
            at.to_zoned(self.zone.clone()),
            self.now.to_zoned(self.zone.clone()),
        );
        format!("{}, {}", self.day(&at, &now), at.strftime("%H:%M"))
    }

    fn day(&self, at: &Zoned, now: &Zoned) -> String {
        let t = self.t;
        let (date, today) = (at.date(), now.date());
        if date == today {
            return t.today.to_owned();
        }
        if today.tomorrow().is_ok_and(|tomorrow| tomorrow == date) {
            return t.tomorrow.to_owned();
        }
        if today.yesterday().is_ok_and(|yesterday| yesterday == date) {
            return t.yesterday.to_owned();
        }
        let year = if date.year() == today.year() {
            String::new()
        } else {
            format!(" {}", date.year())
        };
        format!(
            "{} {} {}{year}",
            t.weekday(date.weekday()),
            date.day(),
            t.month_short(date.month())
        )
    }

    /// How far away it is, in one unit or two.
    fn away(&self, at: Timestamp) -> String {
        let t = self.t;
        let seconds = at.as_second().saturating_sub(self.now.as_second());
        let span = seconds.unsigned_abs();
        let (minutes, hours, days) = (span / 60, span / 3600, span / 86_400);
        let length = match span {
            0..60 => format!("{span} s"),
            60..3600 => format!("{minutes} min"),
            3600..86_400 => format!("{hours} h {} min", minutes % 60),
            _ if days == 1 => t.one_day.to_owned(),
            _ => fill(t.days, &[&days.to_string()]),
        };
        fill(if seconds < 0 { t.ago } else { t.in_time }, &[&length])
    }
}

/// An account by its name, in its platform's colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chip {
    pub name: String,
    /// A platform's word: it names a colour of the stylesheet.
    pub like: &'static str,
}

impl Chip {
    pub fn new(roster: &Roster, name: &str) -> Self {
        let mut accounts = roster.accounts.iter();
        let known = accounts.find(|account| account.name.as_str() == name);
        Self {
            name: name.to_owned(),
            like: known.map_or("none", |account| account.like),
        }
    }

    /// A platform by its own name.
    pub fn of_platform(name: &str) -> Self {
        let mut known = limits::PLATFORMS.iter().map(|limits| limits.platform);
        Self {
            name: name.to_owned(),
            like: known.find(|known| *known == name).unwrap_or("none"),
        }
    }
}

/// `12 345`, with spaces that no line is broken at: every language reads it alike.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1.4`, with the sign that the language has for it.
pub(super) fn decimal(t: &'static Words, number: f64) -> String {
    format!("{number:.1}").replace('.', t.decimal_point)
}

/// What is planned, as the holds leave it. That an account, or everything, is held is said where it can be released,
/// not at every post.
pub(super) fn under(holds: &[Hold], rows: &mut [Row]) {
    agenda::under(holds, rows);
    let wide: Vec<String> = holds
        .iter()
        .filter(|hold| !matches!(hold.scope, Scope::Message(_)))
        .map(agenda::reason)
        .collect();
    for row in rows {
        row.why = row.why.take().filter(|why| !wide.contains(why));
    }
}

/// A message at one time, on all its accounts.
pub(super) struct Together {
    pub message: String,
    /// Each, and whether it does not go out there as things stand.
    pub accounts: Vec<(Chip, bool)>,
    pub due: When,
    pub whys: Vec<String>,
}

/// Rows that are in the order of time, by time and message.
pub(super) fn together<'r>(rows: &'r [Row], times: &Times, roster: &Roster) -> Vec<(&'r Row, Together)> {
    let groups = rows.chunk_by(|a, b| a.due == b.due && a.message == b.message);
    let group = |rows: &'r [Row]| {
        let first = rows.first()?;
        let mut whys: Vec<String> = rows.iter().filter_map(|row| row.why.clone()).collect();
        whys.dedup();
        let account = |row: &Row| (Chip::new(roster, &row.account), row.state != "planned");
        let together = Together {
            message: first.message.clone(),
            accounts: rows.iter().map(account).collect(),
            due: times.when(first.due?),
            whys,
        };
        Some((first, together))
    };
    groups.filter_map(group).collect()
}

/// Where something can be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub url: String,
    pub text: String,
}

/// What a platform sent is a link only where it leads to the web, or to our own sandbox.
pub(super) fn link(url: &str, text: String) -> Option<Link> {
    let web = ["https://", "http://", "/sandbox"]
        .iter()
        .any(|start| url.starts_with(start));
    web.then(|| Link {
        url: url.to_owned(),
        text,
    })
}

/// A recorded post.
pub(super) struct PostRow {
    pub id: String,
    pub message: String,
    pub account: Chip,
    pub due: When,
    pub state: &'static str,
    pub state_word: &'static str,
    /// What it is, where it takes back or corrects another.
    pub what: &'static str,
    pub why: Option<String>,
    pub error: Option<String>,
    pub links: Vec<Link>,
    pub text: String,
    /// What to do about it; empty: nothing.
    pub advice: &'static str,
    pub retry: bool,
    pub skip: bool,
    pub resolve: bool,
}

/// So much of a text is shown in a list, in characters.
const EXCERPT: usize = 140;

/// The beginning of a text, on one line.
pub(super) fn excerpt(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = words.char_indices().nth(EXCERPT) {
        words.truncate(cut);
        words.push('…');
    }
    words
}

impl PostRow {
    pub async fn new(
        times: &Times,
        roster: &Roster,
        ledger: &dyn Ledger,
        post: Post,
    ) -> Result<Self, Trouble> {
        let t = times.t;
        let state = post.standing.state;
        let mut links = Vec::new();
        if post.began.is_some() {
            let parts = ledger.parts(post.id).await?;
            for part in &parts {
                let text = if parts.len() > 1 {
                    fill(t.part_n, &[&part.index.saturating_add(1).to_string()])
                } else {
                    t.see_it.to_owned()
                };
                let url = part.receipt.as_ref().and_then(|receipt| receipt.url.as_deref());
                links.extend(url.and_then(|url| link(url, text)));
            }
        }
        let taken = |word| is_taken(&post, word, times.now);
        let resolve = taken(Word::WasNotSent);
        let why = post.standing.why.clone();
        let error = post.error.clone().filter(|error| Some(error) != why.as_ref());
        let first = post.content.parts.first();
        let text = match (&post.content.share, first) {
            (Some(url), _) => fill(t.shares, &[url]),
            (None, Some(part)) => excerpt(&part.text),
            (None, None) => String::new(),
        };
        Ok(Self {
            id: post.id.to_string(),
            message: post.message.to_string(),
            account: Chip::new(roster, post.account.as_str()),
            due: times.when(post.due),
            state: state.as_str(),
            state_word: t.state(state),
            what: match post.content.recall.as_ref().map(|recall| &recall.act) {
                None => "",
                Some(Act::Delete { .. }) => t.deletion,
                Some(Act::Correct { .. }) => t.correction,
                Some(Act::Edit { .. }) => t.edit,
            },
            why,
            error: error.filter(|_| state != State::Sent),
            links,
            text,
            advice: match state {
                _ if resolve => t.advice_doubt,
                State::Held => t.advice_held,
                State::Rejected => t.advice_rejected,
                State::Retrying => t.advice_retrying,
                _ => "",
            },
            retry: taken(Word::Retry),
            skip: taken(Word::Skip { why: String::new() }),
            resolve,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::words::ENGLISH;

    fn times() -> Times {
        Times {
            t: &ENGLISH,
            zone: TimeZone::fixed(jiff::tz::offset(-6)),
            now: "2026-11-30T17:00:00Z".parse().unwrap(),
        }
    }

    fn at(text: &str) -> When {
        times().when(text.parse().unwrap())
    }

    #[test]
    fn times_are_the_campaigns_own() {
        assert_eq!(at("2026-11-30T23:30:00Z").text, "today, 17:30");
        assert_eq!(at("2026-12-01T06:00:00Z").text, "tomorrow, 00:00");
        assert_eq!(at("2026-11-30T05:59:00Z").text, "yesterday, 23:59");
        assert_eq!(at("2026-12-07T15:00:00Z").text, "Mon 7 Dec, 09:00");
        assert_eq!(at("2027-01-01T15:00:00Z").text, "Fri 1 Jan 2027, 09:00");
    }

    #[test]
    fn how_far_away_it_is_takes_two_units_at_most() {
        assert_eq!(at("2026-11-30T17:00:42Z").away, "in 42 s");
        assert_eq!(at("2026-11-30T16:55:00Z").away, "5 min ago");
        assert_eq!(at("2026-11-30T19:05:00Z").away, "in 2 h 5 min");
        assert_eq!(at("2026-12-02T16:00:00Z").away, "in 1 day");
        assert_eq!(at("2026-12-10T17:00:00Z").away, "in 10 days");
    }

    #[test]
    fn d1_only_web_addresses_are_links() {
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "at://did:plc:x",
        ] {
            assert_eq!(link(url, String::new()), None, "{url}");
        }
        assert!(link("https://mastodon.social/@a/1", String::new()).is_some());
        assert!(link("/sandbox#1", String::new()).is_some());
    }

    #[test]
    fn numbers_are_written_for_people() {
        let grouped = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(grouped, ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]);
        assert_eq!(decimal(&ENGLISH, 1.44), "1.4");
        assert_eq!(decimal(&crate::web::words::SPANISH, 0.96), "1,0");
    }

    #[test]
    fn a_long_text_is_shown_by_its_beginning() {
        assert_eq!(excerpt("a\n\nb"), "a b");
        let long = excerpt(&"é".repeat(500));
        assert_eq!(long.chars().count(), EXCERPT + 1);
    }
}

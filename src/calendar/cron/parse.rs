//! Reading a rule, with messages for someone who is not a programmer. All of it is checked here, and the
//! `cron` crate is given plain lists of values: its own reading takes some wrong rules for others, counts
//! the days of the week from 1, and its errors don't help.

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;

use cron::Schedule;

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CronError {
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The bytes of the rule that are wrong; `None`: all of it.
    pub at: Option<Range<usize>>,
}

/// Reads a rule: five fields, six or seven, or a name.
pub(super) fn read(source: &str) -> Result<Schedule, CronError> {
    Reader { source }.read()
}

/// What may stand in one of a rule's fields.
struct Field {
    kind: Kind,
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of the values, from `least` on. Three letters of one are enough.
    names: &'static [&'static str],
}

#[derive(PartialEq)]
enum Kind {
    Plain,
    /// `?` may stand for `*`; other programs have letters for days that are to be worked out.
    Day,
    /// The same, and 0 and 7 are both Sunday, so a range may go past the end of the week.
    Weekday,
}

const fn number(name: &'static str, least: u32, most: u32) -> Field {
    Field {
        kind: Kind::Plain,
        name,
        least,
        most,
        names: &[],
    }
}

/// All there are, in the order in which the crate wants them.
static FIELDS: [Field; 7] = [
    number("second", 0, 59),
    number("minute", 0, 59),
    number("hour", 0, 23),
    Field {
        kind: Kind::Day,
        ..number("day of the month", 1, 31)
    },
    Field {
        names: &MONTHS,
        ..number("month", 1, 12)
    },
    Field {
        kind: Kind::Weekday,
        names: &WEEKDAYS,
        ..number("day of the week", 0, 7)
    },
    number("year", 1970, 2100),
];

const MONTHS: [&str; 12] = [
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
];
const WEEKDAYS: [&str; 7] = [
    "SUNDAY",
    "MONDAY",
    "TUESDAY",
    "WEDNESDAY",
    "THURSDAY",
    "FRIDAY",
    "SATURDAY",
];

/// Rules that have a name.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 0 * * * *"),
    ("@daily", "0 0 0 * * *"),
    ("@midnight", "0 0 0 * * *"),
    ("@weekly", "0 0 0 * * SUN"),
    ("@monthly", "0 0 0 1 * *"),
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
];

const FIVE_FIELDS: &str = "write minute, hour, day of the month, month and day of the week: `0 9 * * MON` is \
                           every Monday at 09:00";

/// The longest rule, in bytes: one with every value of every field written out has less.
const LONGEST: usize = 2000;

/// Reads one rule. All of it is checked here, and the crate is given plain lists of values.
struct Reader<'a> {
    source: &'a str,
}

impl<'a> Reader<'a> {
    fn read(&self) -> Result<Schedule, CronError> {
        self.refuse_the_absurd()?;
        let words: Vec<&str> = self.source.split_whitespace().collect();
        let plain = match words.as_slice() {
            [] => return Err(all_wrong("the rule is empty", FIVE_FIELDS)),
            [name, rest @ ..] if name.starts_with('@') => self.nickname(name, rest.first().copied())?,
            words => self.fields(words)?,
        };
        // No rule is known that gets this far and is refused.
        Schedule::from_str(&plain)
            .map_err(|e| all_wrong(&format!("the rule is not understood: {e}"), FIVE_FIELDS))
    }

    /// So that what is said of a rule can quote it: nothing unseen, and nothing endless.
    fn refuse_the_absurd(&self) -> Result<(), CronError> {
        let is_seen = |c: char| c.is_ascii_graphic() || c.is_whitespace() || c.is_alphanumeric();
        if let Some((start, c)) = self.source.char_indices().find(|(_, c)| !is_seen(*c)) {
            let message = format!("the rule has the character U+{:04X} in it", u32::from(c));
            return Err(CronError {
                at: Some(start..start + c.len_utf8()),
                ..all_wrong(&message, "take it out; it can't be seen, or means nothing here")
            });
        }
        if self.source.len() > LONGEST {
            let message = format!("the rule is longer than {LONGEST} bytes");
            return Err(all_wrong(
                &message,
                "write ranges and steps: `*/5` for every fifth",
            ));
        }
        Ok(())
    }

    /// `@daily`, in any case.
    fn nickname(&self, name: &'a str, more: Option<&'a str>) -> Result<String, CronError> {
        let lower = name.to_lowercase();
        if lower == "@reboot" {
            return Err(self.wrong(
                name,
                "`@reboot` is not a time: a restart of this program must never post anything",
                "write when it should go out: `0 9 * * MON` is every Monday at 09:00",
            ));
        }
        let Some((_, plain)) = NICKNAMES.iter().find(|(known, _)| *known == lower) else {
            let help = match nearest(&lower, NICKNAMES.iter().map(|(known, _)| *known)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write one of @hourly, @daily, @weekly, @monthly, @yearly, or five fields".to_owned(),
            };
            return Err(self.wrong(name, format!("there is no rule named `{name}`"), help));
        };
        match more {
            Some(more) => Err(self.wrong(
                more,
                format!("nothing can follow `{name}`, which is a whole rule"),
                "leave this out, or write the time in five fields: `30 9 * * *` is every day at 09:30",
            )),
            None => Ok((*plain).to_owned()),
        }
    }

    /// Five fields, or six or seven that begin with the seconds, as the crate wants them.
    fn fields(&self, words: &[&'a str]) -> Result<String, CronError> {
        self.refuse_strangers(words)?;
        let unix = words.len() == 5;
        if !(5..=7).contains(&words.len()) {
            let count = words.len();
            return Err(all_wrong(
                &format!("a rule has five fields, and this one has {count}"),
                FIVE_FIELDS,
            ));
        }
        let fields = FIELDS.iter().skip(usize::from(unix));
        let mut plain = fields
            .zip(words)
            .map(|(field, word)| self.field(field, word, unix))
            .collect::<Result<Vec<_>, _>>()?;
        if unix {
            plain.insert(0, "0".to_owned());
        }
        if let [_, _, _, day, _, weekday, ..] = plain.as_slice()
            && day != "*"
            && weekday != "*"
        {
            let at = match words.get(if unix { 2..5 } else { 3..6 }) {
                Some([day, .., weekday]) => Some(self.place(day).start..self.place(weekday).end),
                _ => None,
            };
            let help = "programs differ on whether one or both must match: write `*` for one of them, and two \
                        messages if either should do";
            return Err(CronError {
                message: "both the day of the month and the day of the week are set".to_owned(),
                help: help.to_owned(),
                at,
            });
        }
        Ok(plain.join(" "))
    }

    /// What is common elsewhere and would be misread here: a zone of the rule's own, and fields with spaces
    /// inside, which look like more fields.
    fn refuse_strangers(&self, words: &[&'a str]) -> Result<(), CronError> {
        for word in words {
            let lower = word.to_lowercase();
            if lower.starts_with("tz=") || lower.starts_with("cron_tz=") {
                return Err(self.wrong(
                    word,
                    "a rule can't have a time zone of its own",
                    "leave this out: all times are in the campaign's `timezone`",
                ));
            }
            if word.split([',', '-', '/']).any(str::is_empty) {
                return Err(self.wrong(
                    word,
                    format!("something is missing in `{word}`"),
                    "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
                ));
            }
        }
        Ok(())
    }

    /// One field, as a list of values: `0,15,30,45`; `*` if it has them all. The days of the week go by
    /// their names, for the crate counts them from another day.
    fn field(&self, field: &Field, word: &'a str, unix: bool) -> Result<String, CronError> {
        let mut values = BTreeSet::new();
        for item in word.split(',') {
            self.refuse_letters(field, item)?;
            values.extend(self.item(field, item, unix)?);
        }
        if field.kind != Kind::Weekday {
            let all = (field.least..=field.most).all(|value| values.contains(&value));
            let list: Vec<String> = values.iter().map(u32::to_string).collect();
            return Ok(if all { "*".to_owned() } else { list.join(",") });
        }
        let names: Vec<&str> = (0..)
            .zip(WEEKDAYS)
            .filter(|(day, _)| values.contains(day))
            .map(|(_, name)| name)
            .collect();
        Ok(if names.len() == WEEKDAYS.len() {
            "*".to_owned()
        } else {
            names.join(",")
        })
    }

    /// The values of `*`, `9`, `9-17`, `*/15`, `9-17/2` or `9/2` (from 9 to the end).
    fn item(&self, field: &Field, item: &'a str, unix: bool) -> Result<Vec<u32>, CronError> {
        let (span, step) = match item.split_once('/') {
            Some((span, step)) => (span, Some(self.step(field, step)?)),
            None => (item, None),
        };
        let week = field.kind == Kind::Weekday;
        let last = if week { 6 } else { field.most };
        let (from, to) = if span == "*" || (span == "?" && field.kind != Kind::Plain) {
            (field.least, last)
        } else if let Some((a, b)) = span.split_once('-') {
            match (self.value(field, a, unix)?, self.value(field, b, unix)?) {
                // Sunday is 0 where a range begins. One that ends before it begins goes into the next week.
                (from, to) if week => {
                    let (from, to) = if from == 7 { (0, to % 7) } else { (from, to) };
                    (from, if to < from { to + 7 } else { to })
                }
                (from, to) if to < from => return Err(self.backwards(field, span, a, b)),
                range => range,
            }
        } else {
            let value = self.value(field, span, unix)?;
            let value = if week { value % 7 } else { value };
            (value, if step.is_some() { last } else { value })
        };
        let values = (from..=to).step_by(step.unwrap_or(1));
        Ok(if week {
            values.map(|day| day % 7).collect()
        } else {
            values.collect()
        })
    }

    fn step(&self, field: &Field, step: &'a str) -> Result<usize, CronError> {
        let most = field.most;
        let number = step.bytes().all(|b| b.is_ascii_digit());
        step.parse()
            .ok()
            .filter(|n| number && (1..=most).contains(n))
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| {
                self.wrong(
                    step,
                    format!("`{step}` is not a step of the {}", field.name),
                    format!("write a number from 1 to {most} after the `/`: `*/2` is every second one"),
                )
            })
    }

    /// A number or a name. Numbers of weekdays mean what they mean in Unix; with seconds in front, some
    /// programs count from Sunday as 1, so there they are refused.
    fn value(&self, field: &Field, atom: &'a str, unix: bool) -> Result<u32, CronError> {
        let Field {
            name, least, most, ..
        } = *field;
        if !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_digit()) {
            if field.kind == Kind::Weekday && !unix {
                return Err(self.wrong(
                    atom,
                    format!("programs differ on which day of the week `{atom}` is when a rule has seconds"),
                    "write MON, TUE, WED, THU, FRI, SAT or SUN",
                ));
            }
            return match atom.parse() {
                Ok(value) if (least..=most).contains(&value) => Ok(value),
                Ok(value) if value < least => Err(self.wrong(
                    atom,
                    format!("the {name} is at least {least}, and this is {atom}"),
                    allowed(field),
                )),
                _ => Err(self.wrong(
                    atom,
                    format!("the {name} is at most {most}, and this is {atom}"),
                    if name == "hour" && atom == "24" {
                        "midnight is 0".to_owned()
                    } else {
                        allowed(field)
                    },
                )),
            };
        }
        let upper = atom.to_uppercase();
        if let Some((value, _)) = (least..)
            .zip(field.names)
            .find(|(_, name)| is_short_for(&upper, name))
        {
            return Ok(value);
        }
        let short = field.names.iter().filter_map(|name| name.get(..3));
        let help = match nearest(&upper, short.chain(field.names.iter().copied())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => allowed(field),
        };
        Err(self.wrong(atom, format!("`{atom}` is not understood as the {name}"), help))
    }

    /// Other programs know the last day of the month, the working day nearest to one, the second Monday.
    fn refuse_letters(&self, field: &Field, item: &'a str) -> Result<(), CronError> {
        let upper = item.to_uppercase();
        let letter = |atom: &str| {
            let stem = atom.trim_end_matches(['L', 'W']);
            let known = stem.is_empty()
                || stem.bytes().all(|b| b.is_ascii_digit())
                || WEEKDAYS.iter().any(|name| is_short_for(stem, name));
            stem.len() < atom.len() && known
        };
        if field.kind != Kind::Plain && (item.contains('#') || upper.split('-').any(letter)) {
            return Err(self.wrong(
                item,
                format!("`{item}` is not understood: `L`, `W` and `#` of other programs are not known here"),
                "write the days themselves, such as `28` or `MON-FRI`, or a message with `at` for each date",
            ));
        }
        Ok(())
    }

    fn backwards(&self, field: &Field, span: &'a str, a: &str, b: &str) -> CronError {
        let least = field.names.first().and_then(|name| name.get(..3));
        let most = field.names.last().and_then(|name| name.get(..3));
        let help = if field.name == "year" {
            format!("write `{b}-{a}`")
        } else {
            let least = least.map_or(field.least.to_string(), str::to_owned);
            let most = most.map_or(field.most.to_string(), str::to_owned);
            format!("write `{a}-{most},{least}-{b}`")
        };
        self.wrong(span, format!("the range `{span}` ends before it begins"), help)
    }

    /// `part` must be a piece of the rule.
    fn wrong(&self, part: &str, message: impl Into<String>, help: impl Into<String>) -> CronError {
        CronError {
            message: message.into(),
            help: help.into(),
            at: Some(self.place(part)),
        }
    }

    /// Where in the rule a piece of it is.
    fn place(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr().addr().saturating_sub(self.source.as_ptr().addr());
        start..start + part.len()
    }
}

fn all_wrong(message: &str, help: &str) -> CronError {
    CronError {
        message: message.to_owned(),
        help: help.to_owned(),
        at: None,
    }
}

/// Whether `word` is `name` or begins it, with three letters at least: MON, THURS, SEPT.
fn is_short_for(word: &str, name: &str) -> bool {
    word.len() >= 3 && name.starts_with(word)
}

/// The values of a field, as advice.
fn allowed(field: &Field) -> String {
    let Field { least, most, .. } = *field;
    match field.kind {
        Kind::Weekday => "write SUN, MON, TUE, WED, THU, FRI or SAT".to_owned(),
        _ if !field.names.is_empty() => {
            format!("write a number from {least} to {most}, or a name such as JAN")
        }
        _ => format!("write a number from {least} to {most}"),
    }
}

/// The one of `known` that was most likely meant.
fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= name.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests;

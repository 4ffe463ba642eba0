//! What templates can say about dates. All of it depends on the due day alone.

use jiff::civil::Date;
use minijinja::value::Value;
use minijinja::{Error, ErrorKind};

use super::problem::shown;

/// Marks errors of our own functions, whose words are for people already.
pub const OURS: &str = "\u{1}";

fn refuse(message: impl std::fmt::Display, help: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{OURS}{message}\n{help}"))
}

pub fn parse_day(day: &Value, function: &str) -> Result<Date, Error> {
    let text = day.to_string();
    text.parse().map_err(|_| {
        refuse(
            format!("`{}` in `{function}` is not a date", shown(&text)),
            "write it as \"2002-09-30\", in quotes",
        )
    })
}

/// Full years: of a year alone, the difference of the years.
pub fn years_since(day: &Value, due: Date) -> Result<i64, Error> {
    let text = day.to_string();
    let years = if text.len() == 4
        && let Ok(year) = text.parse::<i16>()
    {
        i64::from(due.year()) - i64::from(year)
    } else {
        let day = parse_day(day, "years_since")?;
        let before_anniversary = (due.month(), due.day()) < (day.month(), day.day());
        i64::from(due.year()) - i64::from(day.year()) - i64::from(before_anniversary)
    };
    if years < 0 {
        let help = "write a year or a date that has passed";
        return Err(refuse(
            format!("`years_since({})` lies ahead on {due}", shown(&text)),
            help,
        ));
    }
    Ok(years)
}

/// Days from `day` to the due day (`sign` 1) or the other way about (-1). A count that has run out is not
/// said: "in -3 days" helps nobody.
pub fn days(day: &Value, due: Date, sign: i64, function: &str) -> Result<i64, Error> {
    let date = parse_day(day, function)?;
    let count = sign * i64::from((due - date).get_days());
    if count < 0 {
        let help = if sign > 0 {
            "write a date that has passed"
        } else {
            "write `expires` for the message, so that it stops in time"
        };
        let when = if sign > 0 { "lies ahead" } else { "has passed" };
        return Err(refuse(format!("`{function}(\"{date}\")` {when} on {due}"), help));
    }
    Ok(count)
}

pub fn formatted(day: Date, format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, day).map_err(|_| {
        refuse(
            format!("the format `{}` cannot be used", shown(format)),
            "write one like \"%d.%m.%Y\"",
        )
    })
}

/// A date as it is written in prose.
pub fn spelled(day: Date, language: &str) -> String {
    let month = |names: [&'static str; 12]| {
        names
            .get(usize::try_from(day.month() - 1).unwrap_or(0))
            .copied()
            .unwrap_or_default()
    };
    let (d, y) = (day.day(), day.year());
    match language
        .split('-')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "en" if language.eq_ignore_ascii_case("en-gb") => format!("{d} {} {y}", month(ENGLISH)),
        "en" => format!("{} {d}, {y}", month(ENGLISH)),
        "es" => format!("{d} de {} de {y}", month(SPANISH)),
        "pt" => format!("{d} de {} de {y}", month(PORTUGUESE)),
        "fr" if d == 1 => format!("1er {} {y}", month(FRENCH)),
        "fr" => format!("{d} {} {y}", month(FRENCH)),
        "de" => format!("{d}. {} {y}", month(GERMAN)),
        _ => day.to_string(),
    }
}

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];
const PORTUGUESE: [&str; 12] = [
    "janeiro",
    "fevereiro",
    "março",
    "abril",
    "maio",
    "junho",
    "julho",
    "agosto",
    "setembro",
    "outubro",
    "novembro",
    "dezembro",
];
const FRENCH: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

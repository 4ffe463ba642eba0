//! What templates can say about dates and numbers, in the text's language. All of it depends on the due day
//! alone.

use icu_datetime::fieldsets::YMD;
use icu_datetime::{FixedCalendarDateTimeFormatter, input};
use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};
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

/// A date in the staff's own way. Names of months and days would come out in English, so only English has them.
pub fn formatted(day: Date, format: &str, language: &str) -> Result<String, Error> {
    if !is_english(language) && has_names(format) {
        return Err(refuse(
            format!(
                "the format `{}` would put English names into this text",
                shown(format)
            ),
            "leave out `format`: then the date is spelled in the text's language",
        ));
    }
    jiff::fmt::strtime::format(format, day).map_err(|_| {
        refuse(
            format!("the format `{}` cannot be used", shown(format)),
            "write one like \"%d.%m.%Y\"",
        )
    })
}

fn is_english(language: &str) -> bool {
    let tongue = language.split('-').next().unwrap_or_default();
    tongue.eq_ignore_ascii_case("en")
}

fn has_names(format: &str) -> bool {
    let flags = |c: char| matches!(c, '-' | '_' | '^' | '#' | ':') || c.is_ascii_digit();
    let specifiers = format.split('%').skip(1);
    specifiers
        .map(|rest| rest.trim_start_matches(flags))
        .any(|rest| rest.starts_with(['A', 'a', 'B', 'b', 'h', 'c', 'x', 'r', 'p', 'P']))
}

/// A date as it is written in prose, by the Unicode CLDR; in a language that it does not know, as `2027-03-01`.
pub fn spelled(day: Date, language: &str) -> String {
    by_cldr(day, language).unwrap_or_else(|| day.to_string())
}

fn by_cldr(day: Date, language: &str) -> Option<String> {
    let locale: Locale = language.parse().ok()?;
    let french = locale.id.language.as_str() == "fr";
    let formatter = FixedCalendarDateTimeFormatter::try_new(locale.into(), YMD::long()).ok()?;
    let (month, number) = (u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?);
    let date = input::Date::try_new_gregorian(i32::from(day.year()), month, number).ok()?;
    let text = formatter.format(&date).to_string();
    // What the CLDR says where it has no name for the month.
    if text.contains(&format!("M{month:02}")) {
        return None;
    }
    // French counts the first of a month, which the CLDR's patterns cannot say.
    Some(match text.strip_prefix("1 ") {
        Some(rest) if french => format!("1er {rest}"),
        _ => text,
    })
}

/// The form that `n` takes in a language, by the CLDR's rules for whole numbers.
pub fn category(n: i64, language: &str) -> PluralCategory {
    plural_rules(language).map_or(PluralCategory::Other, |rules| rules.category_for(n))
}

fn plural_rules(language: &str) -> Option<PluralRules> {
    let locale: Locale = language.parse().ok()?;
    PluralRules::try_new_cardinal(locale.into()).ok()
}

/// The names that staff give to the forms.
pub const FORMS: [(PluralCategory, &str); 6] = [
    (PluralCategory::Zero, "zero"),
    (PluralCategory::One, "one"),
    (PluralCategory::Two, "two"),
    (PluralCategory::Few, "few"),
    (PluralCategory::Many, "many"),
    (PluralCategory::Other, "other"),
];

/// The form for `n` of those that are given, with `{n}` in it replaced. A form that is needed and not there is
/// never guessed: what fits another number would be wrong for this one.
pub fn plural(
    n: i64,
    language: &str,
    form: impl Fn(&str) -> Result<Option<String>, Error>,
) -> Result<String, Error> {
    let needed = category(n, language);
    let name_of = |category| {
        let named = FORMS.iter().find(|(found, _)| *found == category);
        named.map_or("other", |(_, name)| name)
    };
    let name = name_of(needed);
    if let Some(words) = form(name)? {
        return Ok(words.replace("{n}", &n.to_string()));
    }
    let all: Vec<&str> = FORMS
        .iter()
        .filter(|(category, _)| {
            plural_rules(language).is_some_and(|rules| rules.categories().any(|found| found == *category))
        })
        .map(|(_, name)| *name)
        .collect();
    Err(refuse(
        format!("`plural` has no form `{name}`, which {n} needs in the language `{language}`"),
        &format!("write `{name}=\"…\"` too; this language has {}", all.join(", ")),
    ))
}

/// What `plural` counts.
pub fn parse_count(n: &Value) -> Result<i64, Error> {
    let text = n.to_string();
    text.trim().parse().map_err(|_| {
        refuse(
            format!("`{}` in `plural` is not a whole number", shown(&text)),
            "write `plural(years_since(2002), one=\"{n} year\", other=\"{n} years\")`",
        )
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("en", "November 1, 2026")]
    #[case("en-GB", "1 November 2026")]
    #[case("es", "1 de noviembre de 2026")]
    #[case("es-MX", "1 de noviembre de 2026")]
    #[case("pt", "1 de novembro de 2026")]
    #[case("fr", "1er novembre 2026")]
    #[case("fr-CA", "1er novembre 2026")]
    #[case("de", "1. November 2026")]
    #[case("ru", "1 ноября 2026\u{202f}г.")]
    #[case("pl", "1 listopada 2026")]
    #[case("ar", "1 نوفمبر 2026")]
    #[case("ja", "2026年11月1日")]
    #[case("vi", "1 tháng 11 2026")]
    #[case("tlh", "2026-11-01")]
    fn a_date_is_spelled_as_its_language_does(#[case] language: &str, #[case] said: &str) {
        assert_eq!(spelled(date(2026, 11, 1), language), said);
    }

    #[test]
    fn no_language_loses_a_day_or_shows_a_placeholder() {
        for language in [
            "en", "es", "fr", "de", "ru", "hi", "th", "zh", "ko", "sw", "uk", "he", "xx",
        ] {
            let mut seen = std::collections::BTreeSet::new();
            let mut day = date(2027, 1, 1);
            while day.year() == 2027 {
                let said = spelled(day, language);
                assert!(!said.contains("M0") && !said.contains("M1"), "{said}");
                assert!(seen.insert(said), "{language} {day}");
                day = day.tomorrow().unwrap();
            }
        }
    }

    #[rstest]
    #[case("en", &[(0, "other"), (1, "one"), (2, "other"), (21, "other")])]
    #[case("fr", &[(0, "one"), (1, "one"), (2, "other"), (1_000_000, "many")])]
    #[case("ru", &[(1, "one"), (2, "few"), (5, "many"), (11, "many"), (21, "one"), (24, "few"), (112, "many")])]
    #[case("pl", &[(1, "one"), (3, "few"), (21, "many"), (22, "few")])]
    #[case("ar", &[(0, "zero"), (1, "one"), (2, "two"), (3, "few"), (11, "many"), (100, "other"), (103, "few")])]
    #[case("ja", &[(0, "other"), (1, "other"), (7, "other")])]
    #[case("pt-PT", &[(0, "other"), (1, "one")])]
    fn a_number_takes_the_form_of_its_language(#[case] language: &str, #[case] forms: &[(i64, &str)]) {
        for (n, name) in forms {
            let only = |asked: &str| Ok((asked == *name).then(|| format!("{{n}} {name}")));
            assert_eq!(plural(*n, language, only).unwrap(), format!("{n} {name}"));
            assert!(plural(*n, language, |_| Ok(None)).is_err());
        }
    }

    #[test]
    fn names_in_a_format_are_for_english_alone() {
        let day = date(2027, 3, 1);
        assert_eq!(formatted(day, "%A, %-d %B", "en-GB").unwrap(), "Monday, 1 March");
        assert_eq!(formatted(day, "%d.%m.%Y", "de").unwrap(), "01.03.2027");
        for format in ["%B", "%-b", "%A", "%^a", "%c"] {
            assert!(formatted(day, format, "de").is_err(), "{format}");
        }
    }
}

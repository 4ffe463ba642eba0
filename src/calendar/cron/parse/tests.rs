//! What a rule may look like, and what is said of one that doesn't.

use proptest::prelude::*;

use super::super::Cron;
use super::super::tests::{fires, utc, zone};

#[test]
fn rules_that_say_the_same_have_the_same_times() {
    let tz = zone("America/Chicago");
    let from = utc("2026-11-23T12:00:00Z");
    for (a, b) in [
        ("0 9 * * 1", "0 9 * * MON"),
        ("0 9 * * 1", "0 0 9 * * mon"),
        ("0 9 * * 1", "  00\t09  ?  *  Monday "),
        ("0 9 * * 0", "0 9 * * 7"),
        ("0 9 * * 0", "0 9 * * sun"),
        ("0 9 * * 1-5", "0 9 * * MON-FRI"),
        ("0 9 * * 5-1", "0 9 * * FRI,SAT,SUN,MON"),
        ("0 9 * * FRI-MON", "0 9 * * 5-7,1"),
        ("0 9 * * SAT-SUN", "0 9 * * 6,0"),
        ("0 9 * * 6-0", "0 9 * * 6-7"),
        ("0 9 * * 7-2", "0 9 * * 0-2"),
        ("0 9 * * 7-7", "0 9 * * SUN"),
        ("0 9 * * 7-0", "0 9 * * SUN"),
        ("0 9 * * 0-7", "0 9 * * *"),
        ("0 9 * * 1-0", "0 9 * * *"),
        ("0 9 * * */2", "0 9 * * 0,2,4,6"),
        ("0 9 * * 1-5/2", "0 9 * * 1,3,5"),
        ("0 9 * * 5-1/2", "0 9 * * 5,7"),
        ("0 9 * * 2/2", "0 9 * * 2,4,6"),
        ("0 0 9 * * */2", "0 9 * * SUN,TUE,THU,SAT"),
        ("0 9 * * thurs", "0 9 * * 4"),
        ("0 9 1 sept *", "0 9 1 9 *"),
        ("0 9 1 JAN-3 *", "0 9 1 1,2,3 *"),
        ("0 9-17/4 * * *", "0 9,13,17 * * *"),
        ("5/20 9 * * *", "5,25,45 9 * * *"),
        ("*,5 9 * * *", "* 9 * * *"),
        ("0 9 1-31 * MON", "0 9 * * MON"),
        ("0 9 ? * MON", "0 9 * * MON"),
        ("0 9 1 * ?", "0 9 1 * *"),
        ("30 0 9 * * * 2026-2028", "30 0 9 * * *"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@Midnight", "0 0 * * *"),
        ("@WEEKLY", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        (" @annually ", "0 0 1 1 *"),
    ] {
        let at = |source| {
            fires(source, &tz, from, 9)
                .iter()
                .map(|fire| fire.at)
                .collect::<Vec<_>>()
        };
        assert_eq!(at(a), at(b), "{a} and {b}");
    }
}

#[test]
fn wrong_rules_are_refused_with_the_place_and_what_to_write() {
    for (source, wrong, message, help) in [
        (
            "75 9 * * *",
            "75",
            "the minute is at most 59, and this is 75",
            "write a number from 0 to 59",
        ),
        (
            "0 24 * * *",
            "24",
            "the hour is at most 23, and this is 24",
            "midnight is 0",
        ),
        (
            "0 9 0 * *",
            "0",
            "the day of the month is at least 1, and this is 0",
            "write a number from 1 to 31",
        ),
        (
            "0 9 1,32 * *",
            "32",
            "the day of the month is at most 31, and this is 32",
            "write a number from 1 to 31",
        ),
        (
            "0 9 * 13 *",
            "13",
            "the month is at most 12, and this is 13",
            "write a number from 1 to 12, or a name such as JAN",
        ),
        (
            "0 9 * * 8",
            "8",
            "the day of the week is at most 7, and this is 8",
            "write SUN, MON, TUE, WED, THU, FRI or SAT",
        ),
        (
            "99999999999 9 * * *",
            "99999999999",
            "the minute is at most 59, and this is 99999999999",
            "write a number from 0 to 59",
        ),
        (
            "0 0 9 * * MON 1969",
            "1969",
            "the year is at least 1970, and this is 1969",
            "write a number from 1970 to 2100",
        ),
        (
            "60 0 9 * * MON",
            "60",
            "the second is at most 59, and this is 60",
            "write a number from 0 to 59",
        ),
        (
            "0 9 * * MOM",
            "MOM",
            "`MOM` is not understood as the day of the week",
            "did you mean `MON`?",
        ),
        (
            "0 9 * Juli *",
            "Juli",
            "`Juli` is not understood as the month",
            "did you mean `JUL`?",
        ),
        (
            "x 9 * * *",
            "x",
            "`x` is not understood as the minute",
            "write a number from 0 to 59",
        ),
        (
            "? 9 * * *",
            "?",
            "`?` is not understood as the minute",
            "write a number from 0 to 59",
        ),
        (
            "5* 9 * * *",
            "5*",
            "`5*` is not understood as the minute",
            "write a number from 0 to 59",
        ),
        (
            "0 9 * * *2030",
            "*2030",
            "`*2030` is not understood as the day of the week",
            "write SUN, MON, TUE, WED, THU, FRI or SAT",
        ),
        (
            "0 ９ * * *",
            "９",
            "`９` is not understood as the hour",
            "write a number from 0 to 23",
        ),
        (
            "*/0 9 * * *",
            "0",
            "`0` is not a step of the minute",
            "write a number from 1 to 59 after the `/`: `*/2` is every second one",
        ),
        (
            "*/60 9 * * *",
            "60",
            "`60` is not a step of the minute",
            "write a number from 1 to 59 after the `/`: `*/2` is every second one",
        ),
        (
            "*/5/2 9 * * *",
            "5/2",
            "`5/2` is not a step of the minute",
            "write a number from 1 to 59 after the `/`: `*/2` is every second one",
        ),
        (
            "0 22-6 * * *",
            "22-6",
            "the range `22-6` ends before it begins",
            "write `22-23,0-6`",
        ),
        (
            "0 9 * NOV-FEB *",
            "NOV-FEB",
            "the range `NOV-FEB` ends before it begins",
            "write `NOV-DEC,JAN-FEB`",
        ),
        (
            "0 0 9 * * ? 2030-2026",
            "2030-2026",
            "the range `2030-2026` ends before it begins",
            "write `2026-2030`",
        ),
        (
            "0 0 9 * * 1",
            "1",
            "programs differ on which day of the week `1` is when a rule has seconds",
            "write MON, TUE, WED, THU, FRI, SAT or SUN",
        ),
        (
            "0 9 * * MON, WED",
            "MON,",
            "something is missing in `MON,`",
            "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
        ),
        (
            "0 9 * * MON - FRI",
            "-",
            "something is missing in `-`",
            "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
        ),
        (
            "5-/2 9 * * *",
            "5-/2",
            "something is missing in `5-/2`",
            "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
        ),
        (
            "*/+5 9 * * *",
            "+5",
            "`+5` is not a step of the minute",
            "write a number from 1 to 59 after the `/`: `*/2` is every second one",
        ),
        (
            "0 9 1,,2 * *",
            "1,,2",
            "something is missing in `1,,2`",
            "write each field without spaces: `MON,WED`, `9-17`, `*/15`",
        ),
        (
            "0 9 1 * MON",
            "1 * MON",
            "both the day of the month and the day of the week are set",
            "programs differ on whether one or both must match: write `*` for one of them, and two messages if either should do",
        ),
        (
            "0 0 9 */2 * MON-WED 2030",
            "*/2 * MON-WED",
            "both the day of the month and the day of the week are set",
            "programs differ on whether one or both must match: write `*` for one of them, and two messages if either should do",
        ),
        (
            "@reboot",
            "@reboot",
            "`@reboot` is not a time: a restart of this program must never post anything",
            "write when it should go out: `0 9 * * MON` is every Monday at 09:00",
        ),
        (
            "@dayly",
            "@dayly",
            "there is no rule named `@dayly`",
            "did you mean `@daily`?",
        ),
        (
            "@every 5m",
            "@every",
            "there is no rule named `@every`",
            "write one of @hourly, @daily, @weekly, @monthly, @yearly, or five fields",
        ),
        (
            "@daily 9",
            "9",
            "nothing can follow `@daily`, which is a whole rule",
            "leave this out, or write the time in five fields: `30 9 * * *` is every day at 09:30",
        ),
        (
            "TZ=UTC 0 9 * * *",
            "TZ=UTC",
            "a rule can't have a time zone of its own",
            "leave this out: all times are in the campaign's `timezone`",
        ),
        (
            "0 \u{1b}[31m9 * * *",
            "\u{1b}",
            "the rule has the character U+001B in it",
            "take it out; it can't be seen, or means nothing here",
        ),
        (
            "0 9 * * \u{202e}MON",
            "\u{202e}",
            "the rule has the character U+202E in it",
            "take it out; it can't be seen, or means nothing here",
        ),
        (
            "CRON_TZ=UTC 0 9 * * *",
            "CRON_TZ=UTC",
            "a rule can't have a time zone of its own",
            "leave this out: all times are in the campaign's `timezone`",
        ),
    ] {
        let error = Cron::parse(source).unwrap_err();
        assert_eq!(error.message, message, "{source}");
        assert_eq!(error.help, help, "{source}");
        assert_eq!(error.at.map(|at| &source[at]), Some(wrong), "{source}");
    }
    for (source, message) in [
        ("", "the rule is empty"),
        (" \t ", "the rule is empty"),
        ("0 9 * *", "a rule has five fields, and this one has 4"),
        ("0 9 * * * * * *", "a rule has five fields, and this one has 8"),
    ] {
        let error = Cron::parse(source).unwrap_err();
        assert_eq!((error.message.as_str(), error.at), (message, None));
    }
    let endless = "0 9 * * ".to_owned() + &"x".repeat(2000);
    let error = Cron::parse(&endless).unwrap_err();
    assert_eq!(error.message, "the rule is longer than 2000 bytes");
    let all = |from: u32, to: u32| (from..=to).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let (sixty, hours, days, months) = (all(0, 59), all(0, 23), all(1, 31), all(1, 12));
    let weekdays = "SUNDAY,MONDAY,TUESDAY,WEDNESDAY,THURSDAY,FRIDAY,SATURDAY";
    let longest = format!(
        "{sixty} {sixty} {hours} {days} {months} {weekdays} {}",
        all(1970, 2100)
    );
    assert!(Cron::parse(&longest).is_ok(), "{}", longest.len());
}

#[test]
fn letters_of_other_programs_are_refused_in_plain_words() {
    for (source, wrong) in [
        ("0 9 L * *", "L"),
        ("0 9 L-3 * *", "L-3"),
        ("0 9 15W * *", "15W"),
        ("0 9 1,lw * *", "lw"),
        ("0 9 * * 5L", "5L"),
        ("0 9 * * FRIL", "FRIL"),
        ("0 9 * * MON#2", "MON#2"),
        ("0 0 9 ? * 2#1", "2#1"),
    ] {
        let error = Cron::parse(source).unwrap_err();
        assert!(error.message.contains("other programs"), "{error:?}");
        assert_eq!(error.at.map(|at| &source[at]), Some(wrong), "{source}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn no_text_is_a_panic_and_each_place_is_in_it(source in r"[@*?,/#\-0-9a-zA-Z ９é]{0,24}") {
        if let Err(error) = Cron::parse(&source) {
            prop_assert!(!error.message.is_empty() && !error.help.is_empty());
            prop_assert!(error.at.is_none_or(|at| !source[at].is_empty()));
        }
    }
}

//! When a rule fires: the specification's cases, by name.

mod definition;

use super::*;

pub(super) fn rule(source: &str) -> Cron {
    Cron::parse(source).unwrap_or_else(|error| panic!("{source}: {error:?}"))
}

pub(super) fn zone(name: &str) -> TimeZone {
    civil::zone(name).unwrap()
}

pub(super) fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first `count` occurrences after `t`.
pub(super) fn fires(source: &str, tz: &TimeZone, mut t: Timestamp, count: usize) -> Vec<Fire> {
    let rule = rule(source);
    let next = || {
        let fire = rule.next_after(tz, t)?;
        t = fire.at;
        Some(fire)
    };
    std::iter::from_fn(next).take(count).collect()
}

fn times(source: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    fires(source, &zone(zone_name), utc(after), count)
        .iter()
        .map(|fire| fire.at.to_string())
        .collect()
}

#[test]
fn each_zone_and_rule_has_the_times_it_must_have() {
    for (zone_name, source, after, expected) in [
        (
            "America/Chicago",
            "30 2 * * *",
            "2027-03-13T20:00:00Z",
            vec![
                "2027-03-14T08:30:00Z",
                "2027-03-15T07:30:00Z",
                "2027-03-16T07:30:00Z",
            ],
        ),
        (
            "America/Chicago",
            "0,30 2 * * *",
            "2027-03-13T20:00:00Z",
            vec![
                "2027-03-14T08:00:00Z",
                "2027-03-14T08:30:00Z",
                "2027-03-15T07:00:00Z",
                "2027-03-15T07:30:00Z",
            ],
        ),
        (
            "America/Chicago",
            "*/15 * * * *",
            "2027-03-14T07:40:00Z",
            vec![
                "2027-03-14T07:45:00Z",
                "2027-03-14T08:00:00Z",
                "2027-03-14T08:15:00Z",
            ],
        ),
        (
            "America/Chicago",
            "30 1 * * *",
            "2026-10-31T20:00:00Z",
            vec!["2026-11-01T06:30:00Z", "2026-11-02T07:30:00Z"],
        ),
        (
            "America/Chicago",
            "30 2 * * *",
            "2026-10-31T20:00:00Z",
            vec!["2026-11-01T08:30:00Z", "2026-11-02T08:30:00Z"],
        ),
        (
            "America/Chicago",
            "*/30 * * * *",
            "2026-11-01T06:00:00Z",
            vec![
                "2026-11-01T06:30:00Z",
                "2026-11-01T08:00:00Z",
                "2026-11-01T08:30:00Z",
            ],
        ),
        (
            "America/Chicago",
            "0 * * * *",
            "2026-11-01T05:30:00Z",
            vec![
                "2026-11-01T06:00:00Z",
                "2026-11-01T08:00:00Z",
                "2026-11-01T09:00:00Z",
            ],
        ),
        (
            "Europe/London",
            "30 1 * * *",
            "2026-10-24T20:00:00Z",
            vec!["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-02T20:00:00Z",
            vec!["2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2027-04-02T20:00:00Z",
            vec!["2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"],
        ),
        (
            "Australia/Lord_Howe",
            "0 * * * *",
            "2027-04-03T13:30:00Z",
            vec![
                "2027-04-03T14:00:00Z",
                "2027-04-03T15:30:00Z",
                "2027-04-03T16:30:00Z",
            ],
        ),
        (
            "America/Santiago",
            "0 0 * * *",
            "2026-09-05T12:00:00Z",
            vec!["2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"],
        ),
        (
            "Pacific/Apia",
            "0 9 30 12 *",
            "2011-12-01T00:00:00Z",
            vec!["2012-12-29T19:00:00Z"],
        ),
        (
            "Africa/Casablanca",
            "30 2 * * *",
            "2027-02-06T12:00:00Z",
            vec!["2027-02-07T02:30:00Z"],
        ),
        (
            "America/Vancouver",
            "0 9 * * *",
            "2026-11-30T20:00:00Z",
            vec!["2026-12-01T16:00:00Z"],
        ),
        (
            "UTC",
            "0 9 * * 1",
            "2026-11-23T12:00:00Z",
            vec!["2026-11-30T09:00:00Z"],
        ),
        (
            "UTC",
            "0 9 * * 7",
            "2026-11-23T12:00:00Z",
            vec!["2026-11-29T09:00:00Z"],
        ),
        (
            "UTC",
            "0 9 * * 5-1",
            "2026-11-23T12:00:00Z",
            vec![
                "2026-11-27T09:00:00Z",
                "2026-11-28T09:00:00Z",
                "2026-11-29T09:00:00Z",
                "2026-11-30T09:00:00Z",
            ],
        ),
        (
            "UTC",
            "0 9 29 2 *",
            "2026-11-23T12:00:00Z",
            vec!["2028-02-29T09:00:00Z", "2032-02-29T09:00:00Z"],
        ),
    ] {
        assert_eq!(
            times(source, zone_name, after, expected.len()),
            expected,
            "{source} in {zone_name}"
        );
    }
}

#[test]
fn t5_each_time_of_the_missing_hour_goes_out_once() {
    for (zone_name, from, until) in [
        ("America/New_York", "2027-03-14T06:59:59Z", "2027-03-14T09:00:00Z"),
        ("Asia/Gaza", "2026-03-27T23:59:59Z", "2026-03-28T02:00:00Z"),
        // The last jump forward there, at the end of Ramadan.
        (
            "Africa/Casablanca",
            "2026-03-22T01:59:59Z",
            "2026-03-22T04:00:00Z",
        ),
    ] {
        let night: Vec<Fire> = fires("30 2,3 * * *", &zone(zone_name), utc(from), 4)
            .into_iter()
            .filter(|fire| fire.at < utc(until))
            .collect();
        // 02:30 would be 03:30, which has its own.
        assert_eq!(night.len(), 1, "{zone_name}: {night:?}");
        assert!(!night[0].moved);
        let night = fires("30 2 * * *", &zone(zone_name), utc(from), 1);
        assert!(
            night[0].moved && night[0].at < utc(until),
            "{zone_name}: {night:?}"
        );
    }
}

#[test]
fn t5_a_moved_time_that_meets_another_is_dropped() {
    assert_eq!(
        times("*/30 1-3 * * *", "America/Chicago", "2027-03-14T06:00:00Z", 5),
        [
            "2027-03-14T07:00:00Z",
            "2027-03-14T07:30:00Z",
            "2027-03-14T08:00:00Z",
            "2027-03-14T08:30:00Z",
            "2027-03-15T06:00:00Z"
        ]
    );
}

#[test]
fn t5_moved_times_take_their_place_among_the_others() {
    let lord_howe = times(
        "10,20,40 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T15:00:00Z",
        4,
    );
    // 02:10 and 02:20 are left out; they become 02:40, which is there already, and 02:50.
    assert_eq!(
        lord_howe,
        [
            "2026-10-03T15:40:00Z",
            "2026-10-03T15:50:00Z",
            "2026-10-04T15:10:00Z",
            "2026-10-04T15:20:00Z"
        ]
    );
}

#[test]
fn t5_the_busiest_rule_crosses_a_gap() {
    assert_eq!(
        times("* * * * * *", "America/Chicago", "2027-03-14T07:59:58Z", 3),
        [
            "2027-03-14T07:59:59Z",
            "2027-03-14T08:00:00Z",
            "2027-03-14T08:00:01Z"
        ]
    );
    assert_eq!(
        times("* * * * * *", "Pacific/Apia", "2011-12-30T09:59:58Z", 3),
        [
            "2011-12-30T09:59:59Z",
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:01Z"
        ]
    );
}

#[test]
fn t6_the_repeated_hour_fires_once() {
    let night = |source| times(source, "America/New_York", "2026-11-01T04:00:00Z", 3);
    assert_eq!(
        night("30 1 * * *")[..2],
        ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
    );
    assert_eq!(
        night("*/30 1 * * *"),
        [
            "2026-11-01T05:00:00Z",
            "2026-11-01T05:30:00Z",
            "2026-11-02T06:00:00Z"
        ]
    );
}

#[test]
fn t6_asking_in_the_second_pass_looks_ahead() {
    let chicago = zone("America/Chicago");
    for (t, next) in [
        ("2026-11-01T06:50:00Z", "2026-11-01T08:00:00Z"),
        ("2026-11-01T07:00:00Z", "2026-11-01T08:00:00Z"),
        ("2026-11-01T07:10:00Z", "2026-11-01T08:00:00Z"),
        ("2026-11-01T07:59:59.999999999Z", "2026-11-01T08:00:00Z"),
    ] {
        assert_eq!(
            rule("*/30 * * * *").next_after(&chicago, utc(t)).unwrap().at,
            utc(next),
            "{t}"
        );
    }
}

#[test]
fn t7_a_skipped_day_is_skipped_and_a_gap_at_midnight_is_one_oclock() {
    let apia = times("* * * * *", "Pacific/Apia", "2011-12-30T09:58:30Z", 3);
    // 23:59 on the 29th, then 00:00 and 00:01 on the 31st.
    assert_eq!(
        apia,
        [
            "2011-12-30T09:59:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:01:00Z"
        ]
    );
    assert_eq!(
        times("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2),
        ["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z"]
    );
    let sao_paulo = fires(
        "0 0 * * *",
        &zone("America/Sao_Paulo"),
        utc("2018-11-03T12:00:00Z"),
        2,
    );
    assert_eq!(sao_paulo[0].at, utc("2018-11-04T03:00:00Z"));
    assert_eq!(sao_paulo[0].nominal, date(2018, 11, 4).at(0, 0, 0, 0));
    assert!(sao_paulo[0].moved && !sao_paulo[1].moved);
}

#[test]
fn t8_days_that_a_month_lacks_are_left_out() {
    assert_eq!(
        times("0 9 31 * *", "UTC", "2027-01-01T00:00:00Z", 3),
        [
            "2027-01-31T09:00:00Z",
            "2027-03-31T09:00:00Z",
            "2027-05-31T09:00:00Z"
        ]
    );
    assert_eq!(times("0 9 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), [""; 0]);
    assert!(Cron::parse("0 9 L * *").unwrap_err().help.contains("`at`"));
    assert!(Cron::parse("0 9 LW * *").unwrap_err().help.contains("`at`"));
}

#[test]
fn a_rule_that_never_fires_says_so_at_once() {
    let from = utc("2026-11-23T12:00:00Z");
    for (source, fires) in [
        ("0 9 31 2 *", false),
        ("0 0 9 * * MON 2020", false),
        ("0 0 9 * * MON 2032", false),
        ("0 0 9 * * MON 2031", true),
        ("0 9 29 2 *", true),
        ("0 9 * * *", true),
    ] {
        assert_eq!(
            rule(source).fires_within(&TimeZone::UTC, from, 5),
            fires,
            "{source}"
        );
    }
    for t in [Timestamp::MIN, Timestamp::MAX] {
        rule("0 9 * * *").next_after(&zone("America/Chicago"), t);
        assert_eq!(rule("0 9 31 2 *").next_after(&zone("America/Chicago"), t), None);
        assert_eq!(
            rule("0 9 31 2 *").latest_at_or_before(&TimeZone::UTC, t, Timestamp::MIN),
            None
        );
    }
}

#[test]
fn the_last_one_missed() {
    let tz = zone("America/Chicago");
    let last = |source, t, not_before| {
        rule(source)
            .latest_at_or_before(&tz, utc(t), utc(not_before))
            .map(|fire| (fire.at.to_string(), fire.nominal.to_string()))
    };
    let pair = |at: &str, nominal: &str| Some((at.to_owned(), nominal.to_owned()));
    let long_ago = "2000-01-01T00:00:00Z";
    assert_eq!(
        last("0 9 * * MON", "2026-12-05T00:00:00Z", long_ago),
        pair("2026-11-30T15:00:00Z", "2026-11-30T09:00:00")
    );
    // Both ends count.
    let due = "2026-11-30T15:00:00Z";
    assert_eq!(last("0 9 * * MON", due, due), pair(due, "2026-11-30T09:00:00"));
    assert_eq!(
        last(
            "0 9 * * MON",
            "2026-12-05T00:00:00Z",
            "2026-11-30T15:00:00.000000001Z"
        ),
        None
    );
    // A moved one, asked for among times that the clocks did show.
    assert_eq!(
        last("30 2 * * *", "2027-03-14T12:00:00Z", long_ago),
        pair("2027-03-14T08:30:00Z", "2027-03-14T02:30:00")
    );
    // The second pass of an hour has none of its own.
    assert_eq!(
        last("*/30 * * * *", "2026-11-01T07:59:59Z", long_ago),
        pair("2026-11-01T06:30:00Z", "2026-11-01T01:30:00")
    );
    // A year that is long over.
    assert_eq!(
        last("0 0 9 1 12 ? 2020", "2026-03-01T00:00:00Z", long_ago),
        pair("2020-12-01T15:00:00Z", "2020-12-01T09:00:00")
    );
    assert_eq!(
        last("* * * * * *", "1969-12-31T23:59:59.5Z", "1960-01-01T00:00:00Z"),
        None
    );
    let tokyo = rule("* * * * * *").latest_at_or_before(
        &zone("Asia/Tokyo"),
        utc("1969-12-31T23:59:58.5Z"),
        Timestamp::MIN,
    );
    assert_eq!(tokyo.unwrap().at, utc("1969-12-31T23:59:58Z"));
}

#[test]
fn the_period_is_the_time_between_neighbours() {
    let hours = |source, t| {
        rule(source)
            .period_near(&zone("America/Chicago"), utc(t))
            .as_secs()
            / 3600
    };
    assert_eq!(hours("0 9 * * *", "2026-12-01T00:00:00Z"), 24);
    assert_eq!(hours("0 9 * * *", "2027-03-14T00:00:00Z"), 23);
    assert_eq!(hours("0 9 * * MON,WED", "2026-12-01T00:00:00Z"), 48);
    assert_eq!(hours("0 9 * * MON,WED", "2026-12-03T00:00:00Z"), 5 * 24);
    // At the very time of one, the time after it.
    assert_eq!(hours("0 9 * * MON,WED", "2026-12-02T15:00:00Z"), 5 * 24);
    // Before the first and after the last.
    assert_eq!(hours("0 0 9 1,3 12 ? 2026", "2026-01-01T00:00:00Z"), 48);
    assert_eq!(hours("0 0 9 1,3 12 ? 2026", "2027-01-01T00:00:00Z"), 48);
    let once = rule("0 0 9 1 12 ? 2026").period_near(&TimeZone::UTC, utc("2026-12-01T09:00:00Z"));
    assert_eq!(once, Duration::MAX);
    let never = rule("0 9 31 2 *").period_near(&TimeZone::UTC, utc("2026-12-01T09:00:00Z"));
    assert_eq!(never, Duration::MAX);
}

#[test]
fn the_same_words_share_their_memory() {
    let (a, b) = (rule("7 9 * * MON"), rule("7 9 * * MON"));
    assert!(Arc::ptr_eq(&a.0, &b.0));
    assert_eq!(a, b);
    assert_ne!(a, rule("7 9 * * 1"));
    assert_eq!(a.source(), "7 9 * * MON");
    assert_eq!(format!("{a:?}"), r#"Cron("7 9 * * MON")"#);
    assert_eq!(size_of::<Cron>(), size_of::<usize>());
}

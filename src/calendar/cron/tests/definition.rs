//! The specification taken at its word, for any rule at any odd moment.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Every change of the clocks that is odd in some way, and plain days.
fn moments() -> impl Strategy<Value = (TimeZone, Timestamp)> {
    let around = prop::sample::select(vec![
        ("America/Chicago", "2027-03-14T08:00:00Z"),
        ("America/Chicago", "2026-11-01T07:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
        ("America/Santiago", "2026-09-06T04:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
        ("Antarctica/Troll", "2016-03-27T01:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
        ("Asia/Kolkata", "2026-06-01T00:00:00Z"),
    ]);
    (around, -6 * 3600..6 * 3600_i64, 0..3_i32).prop_map(|((name, change), seconds, ns)| {
        let t = utc(change) + SignedDuration::from_secs(seconds) + SignedDuration::new(0, ns);
        (zone(name), t)
    })
}

fn sources() -> impl Strategy<Value = String> {
    let seconds = prop::sample::select(vec!["", "0 ", "30 ", "0,59 "]);
    let minute = prop::sample::select(vec!["0", "30", "*/15", "7,50", "10-40/10", "*"]);
    let hour = prop::sample::select(vec!["*", "2", "0-4", "1,3", "*/2", "9"]);
    let day = prop::sample::select(vec!["* * *", "* * SUN", "* * FRI-MON", "1,14,30 * *", "* */3 *"]);
    (seconds, minute, hour, day).prop_map(|(s, minute, hour, day)| format!("{s}{minute} {hour} {day}"))
}

/// What the specification says, taken at its word: all nominal times of some days, each made an instant.
fn by_definition(rule: &Cron, tz: &TimeZone, t: Timestamp) -> Vec<Fire> {
    let day = SignedDuration::from_hours(24);
    let (mut wall, end) = (civil::local(tz, t - day * 2), civil::local(tz, t + day * 2));
    let (mut plain, mut moved) = (Vec::new(), Vec::new());
    while let Some(nominal) = rule.nominal_after(wall).filter(|nominal| *nominal <= end) {
        match civil::resolve(tz, nominal) {
            Resolved::At(at) | Resolved::First { at, .. } => plain.push(Fire {
                at,
                nominal,
                moved: false,
            }),
            Resolved::Moved { at, .. } => moved.push(Fire {
                at,
                nominal,
                moved: true,
            }),
            Resolved::NoSuchTime => {}
        }
        wall = nominal;
    }
    moved.retain(|moved| plain.iter().all(|plain| plain.at != moved.at));
    plain.append(&mut moved);
    plain.sort_by_key(|fire| fire.at);
    plain.retain(|fire| (t - day..t + day).contains(&fire.at));
    plain
}

fn names(rule: &Cron, wall: DateTime) -> bool {
    rule.nominal_after(just_before(wall)) == Some(wall)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn next_and_last_are_what_the_specification_says((tz, t) in moments(), source in sources()) {
        let rule = rule(&source);
        let all = by_definition(&rule, &tz, t);
        let horizon = t + SignedDuration::from_hours(24);
        let next = rule.next_after(&tz, t);
        prop_assert_eq!(next.filter(|next| next.at < horizon), all.iter().find(|fire| fire.at > t).copied());
        let floor = t - SignedDuration::from_hours(24);
        let last = rule.latest_at_or_before(&tz, t, floor);
        prop_assert_eq!(last, all.iter().rfind(|fire| fire.at <= t).copied());
    }

    #[test]
    fn times_only_go_up_and_each_is_named_by_the_rule((tz, t) in moments(), source in sources()) {
        let fires = fires(&source, &tz, t, 40);
        let rule = rule(&source);
        let mut nominal = BTreeSet::new();
        let mut last = t;
        for fire in &fires {
            prop_assert!(fire.at > last);
            prop_assert!(names(&rule, fire.nominal));
            prop_assert!(nominal.insert(fire.nominal), "{} twice", fire.nominal);
            prop_assert_eq!(civil::instant(&tz, fire.nominal), Some(fire.at));
            prop_assert_eq!(fire.moved, civil::local(&tz, fire.at) != fire.nominal);
            last = fire.at;
        }
    }

    #[test]
    fn the_answer_is_the_same_from_any_time_between((tz, t) in moments(), source in sources(), part in 0.0..1.0) {
        let fires = fires(&source, &tz, t, 12);
        let rule = rule(&source);
        for pair in fires.windows(2) {
            let gap = pair[1].at.duration_since(pair[0].at);
            let between = pair[0].at + gap.mul_f64(part);
            prop_assert_eq!(rule.next_after(&tz, between), Some(pair[1]));
            let last = rule.latest_at_or_before(&tz, between, t);
            prop_assert_eq!(last, Some(pair[0]));
        }
    }
}

//! When a rule says that something goes out, and what becomes of what was missed.

use super::*;

#[test]
fn a_dated_post_goes_out_at_its_time_once() {
    let mut world = World::new("", &[message("a", "at = 2026-12-01T10:00:00")]);
    assert_eq!(
        world.says("2026-12-01 09:00", "2026-12-01 09:59"),
        [] as [&str; 0]
    );
    assert_eq!(
        world.next("2026-12-01 09:00", "2026-12-01 09:59").as_deref(),
        Some("12-01 10:00")
    );
    assert_eq!(
        world.says("2026-12-01 09:00", "2026-12-01 10:00"),
        ["12-01 10:00 a"]
    );
    world.record(&world.plan(at("2026-12-01 09:00"), at("2026-12-01 10:00")));
    assert_eq!(
        world.says("2026-12-01 09:00", "2026-12-31 00:00"),
        [] as [&str; 0]
    );
    assert_eq!(world.next("2026-12-01 09:00", "2026-12-31 00:00"), None);
}

#[test]
fn a_post_that_is_late_goes_out_now_and_one_too_late_is_for_a_person() {
    let world = World::since(
        "2026-12-01 07:00",
        "",
        &[
            message("a", "at = 2026-12-01T08:00:00"),
            message("b", "at = 2026-12-01T08:00:00\nlate = '10m'"),
            message("c", "at = 2026-12-01T08:00:00\nlate = '6h'"),
        ],
    );
    let now = "2026-12-01 10:00";
    assert_eq!(
        world.says(now, now),
        ["12-01 08:00 b: late", "12-01 10:00 a", "12-01 10:00 c"]
    );
    let now = "2026-12-01 10:00:01";
    assert_eq!(
        world.says(now, now),
        ["12-01 08:00 a: late", "12-01 08:00 b: late", "12-01 10:00 c"]
    );
    let plan = world.plan(at(now), at(now));
    let Fate::Late(why) = &plan.posts[0].fate else {
        panic!("{plan:?}")
    };
    assert!(
        why.contains("late by 2h, and only 2h are allowed") && why.contains("`retry`"),
        "{why}"
    );
}

#[test]
fn what_was_over_before_it_was_first_seen_is_not_made_up() {
    let one = [message("a", "at = 2026-12-01T08:59:00")];
    let world = World::since("2026-12-01 09:00", "", &one);
    let says = world.says("2026-12-01 09:00", "2026-12-01 12:00");
    assert_eq!(says.len(), 1);
    assert!(
        says[0].contains("a: blocked, its time was over before it was first seen"),
        "{says:?}"
    );
    let daily = [message("a", "cron = '59 8 * * *'")];
    let world = World::since("2026-12-01 09:00", "", &daily);
    assert_eq!(
        world.says("2026-12-01 09:00", "2026-12-02 09:00"),
        ["12-02 08:59 a"]
    );
}

#[test]
fn a_far_one_off_says_when_to_look_again() {
    let world = World::new(
        "",
        &[
            message("far", "at = 2030-01-01T10:00:00"),
            message("near", "at = 2029-06-01T10:00:00"),
        ],
    );
    let next = world.plan(at("2026-12-01 09:00"), at("2026-12-01 09:00")).next;
    assert_eq!(next, Some(at("2029-06-01 10:00")));
}

#[test]
fn t13_what_an_outage_missed_goes_out_once_if_it_is_not_too_late_and_spaced() {
    let world = World::since(
        "2026-11-01 00:00",
        "",
        &[
            message("daily", "cron = '0 8 * * *'"),
            message("weekly", "cron = '30 8 * * FRI'"),
            message("evening", "cron = '0 20 * * *'"),
            message("hourly", "cron = '20 * * * *'"),
        ],
    )
    .spaced(Duration::from_mins(20), None);
    // Down from Tuesday noon to Friday at nine.
    let now = "2026-12-04 09:00";
    assert_eq!(
        world.says(now, now),
        [
            "12-03 20:00 evening: missed",
            "12-04 08:20 hourly: missed",
            "12-04 09:00 daily",
            "12-04 09:20 weekly"
        ]
    );
}

#[test]
fn a_recurring_post_is_missed_after_half_its_period() {
    let world = World::since("2026-12-01 09:00", "", &[message("hourly", "cron = '0 * * * *'")]);
    assert_eq!(
        world.says("2026-12-01 09:30", "2026-12-01 09:30"),
        ["12-01 09:30 hourly"]
    );
    assert_eq!(
        world.says("2026-12-01 09:31", "2026-12-01 09:31"),
        ["12-01 09:00 hourly: missed"]
    );
}

#[test]
fn a_rule_edited_after_it_went_out_does_not_post_twice() {
    // Monday at nine, edited at half past to Monday at ten (§2.2).
    let mut world = World::since("2026-11-01 00:00", "", &[message("a", "cron = '0 10 * * MON'")]);
    world.went_out("a", "2026-12-07 09:00");
    assert_eq!(
        world.says("2026-12-07 09:30", "2026-12-14 12:00"),
        ["12-14 10:00 a"]
    );
    // Edited to an hour that has been: nothing to make up.
    let mut world = World::since("2026-11-01 00:00", "", &[message("a", "cron = '0 8 * * MON'")]);
    world.went_out("a", "2026-12-07 09:00");
    assert_eq!(
        world.says("2026-12-07 09:30", "2026-12-14 12:00"),
        ["12-14 08:00 a"]
    );
    // What was missed did not go out, so the edit gives it another chance.
    let mut world = World::since("2026-12-07 08:00", "", &[message("a", "cron = '0 9 * * *'")]);
    let missed = world.plan(at("2026-12-07 14:00"), at("2026-12-07 14:00"));
    assert_eq!(world.record(&missed).len(), 1);
    let edited = World::since("2026-12-07 08:00", "", &[message("a", "cron = '0 15 * * *'")]);
    let edited = World {
        past: world.past,
        ..edited
    };
    assert_eq!(
        edited.says("2026-12-07 14:30", "2026-12-07 15:00"),
        ["12-07 15:00 a"]
    );
}

#[test]
fn a_rule_of_uneven_times_goes_out_at_each_of_them() {
    let mut world = World::since(
        "2026-12-01 08:00",
        "",
        &[message("a", "cron = '0 9,10,12 * * *'")],
    );
    let expected = ["12-01 09:00 a", "12-01 10:00 a", "12-01 12:00 a", "12-02 09:00 a"];
    assert_eq!(world.says("2026-12-01 08:00", "2026-12-02 09:00"), expected);
    for (now, line) in [
        "2026-12-01 09:00",
        "2026-12-01 10:00",
        "2026-12-01 12:00",
        "2026-12-02 09:00",
    ]
    .iter()
    .zip(expected)
    {
        assert_eq!(world.says(now, now), [line]);
        world.record(&world.plan(at(now), at(now)));
    }
}

#[test]
fn a_rule_goes_on_where_one_post_was_put_off() {
    // The six o'clock post waits for seven, which is near to the next.
    let mut world = World::since(
        "2026-12-01 00:00",
        "quiet_hours = ['22:00-07:30']",
        &[message("a", "cron = '0 6,8 * * *'")],
    );
    let six = world.plan(at("2026-12-01 06:00"), at("2026-12-01 06:00"));
    assert_eq!(world.record(&six)[0].due, at("2026-12-01 07:30"));
    assert_eq!(
        world.says("2026-12-01 08:00", "2026-12-01 08:00"),
        ["12-01 08:00 a"]
    );
}

#[test]
fn t5_t6_a_post_in_the_hour_of_a_clock_change_goes_out_once() {
    let messages = [
        message("gap", "cron = '30 2 * * *'"),
        message("once", "at = 2027-03-14T02:15:00"),
        message("fold", "cron = '30 1 * * *'"),
        message("halves", "cron = '*/30 1 * * *'"),
    ];
    let world = World::new("", &messages);
    assert_eq!(
        world.says("2027-03-14 00:30", "2027-03-14 12:00"),
        [
            "03-14 01:00 halves",
            "03-14 01:30 fold",
            "03-14 01:30 halves",
            "03-14 03:15 once",
            "03-14 03:30 gap",
        ]
    );
    assert_eq!(
        world.says("2026-11-01 00:30", "2026-11-01 12:00"),
        [
            "11-01 01:00 halves",
            "11-01 01:30 fold",
            "11-01 01:30 halves",
            "11-01 02:30 gap",
        ]
    );
}

/// Zone data of one offset (RFC 8536), as a new release of the database could bring it.
fn zone_data(seconds_east: i32, rule: &str) -> Vec<u8> {
    let mut block = b"TZif2".to_vec();
    block.extend([0; 15]);
    block.extend([0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat());
    block.extend(seconds_east.to_be_bytes());
    block.extend(b"\0\0NEW\0");
    [block.repeat(2), format!("\n{rule}\n").into_bytes()].concat()
}

#[test]
fn t9_new_zone_data_moves_the_instant_and_not_the_identity() {
    let messages = [
        message("dated", "at = 2026-12-01T09:00:00"),
        message("daily", "cron = '30 9 * * *'"),
        message("fixed", "at = 2026-12-01T15:30:00Z"),
    ];
    let mut world = World::since("2026-11-30 12:00", "", &messages);
    let (now, until) = (at("2026-11-30 12:00"), at("2026-12-01 12:00"));
    let identities = |plan: &Plan| -> Vec<(Identity, Timestamp)> {
        let mut posts: Vec<_> = plan
            .posts
            .iter()
            .map(|post| (post.identity.clone(), post.due))
            .collect();
        posts.sort_by_key(|(identity, _)| identity.message.to_string());
        posts
    };
    let before = identities(&world.plan(now, until));
    // Chicago stays on summer time for good.
    let data = zone_data(-5 * 3600, "NEW5");
    world.campaign.settings.zone = jiff::tz::TimeZone::tzif("America/Chicago", &data).unwrap();
    let after = identities(&world.plan(now, until));
    let hours = [1, 1, 0].map(Duration::from_hours);
    assert_eq!((before.len(), after.len()), (3, 3));
    for (((was, then), (is, now)), moved) in before.iter().zip(&after).zip(hours) {
        assert_eq!(was.post_id(), is.post_id());
        assert_eq!(
            then.duration_since(*now),
            jiff::SignedDuration::try_from(moved).unwrap(),
            "{}",
            is.message
        );
    }
    // What went out by the old data does not go out again by the new.
    world.past.recorded = before.iter().map(|(identity, _)| identity.post_id()).collect();
    assert!(world.plan(now, until).posts.is_empty());
}

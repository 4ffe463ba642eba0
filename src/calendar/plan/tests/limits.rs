//! What makes a post wait, or keeps it back.

use super::*;

#[test]
fn breaking_news_goes_out_at_once_but_never_in_quiet_hours() {
    let news = "priority = 'breaking'";
    let world = World::new(
        "quiet_hours = ['22:00-07:00']",
        &[message("a", "at = 2026-12-01T09:00:00"), message("flash", news)],
    )
    .spaced(Duration::from_hours(1), None);
    assert_eq!(
        world.says("2026-12-01 09:00", "2026-12-01 09:00"),
        ["12-01 09:00 flash", "12-01 10:00 a"],
        "ahead of those that wait, and they keep their distance from it"
    );
    assert_eq!(
        world.says("2026-11-30 23:00", "2026-11-30 23:00"),
        ["12-01 07:00 flash"]
    );
    let later = World::new("", &[message("flash", &format!("{news}\nstarts = 2026-12-02"))]);
    assert_eq!(
        later.says("2026-12-01 09:00", "2026-12-01 23:00"),
        [] as [&str; 0]
    );
    assert_eq!(
        later.next("2026-12-01 09:00", "2026-12-01 23:00").as_deref(),
        Some("12-02 00:00")
    );
}

#[test]
fn nothing_goes_out_before_it_starts_or_once_it_has_expired() {
    let season = "starts = 2026-12-02\nexpires = 2026-12-03";
    let world = World::new(
        "slots = ['0 17 * * *']",
        &[
            message("daily", &format!("cron = '0 9 * * *'\n{season}")),
            message("green", &format!("evergreen = true\n{season}")),
        ],
    );
    let says = world.says("2026-12-01 08:00", "2026-12-10 00:00");
    let out: Vec<_> = says.iter().filter(|line| !line.contains("blocked")).collect();
    assert_eq!(
        out,
        [
            "12-02 09:00 daily",
            "12-02 17:00 green",
            "12-03 09:00 daily",
            "12-03 17:00 green"
        ]
    );
    assert!(
        says.iter()
            .filter(|line| line.contains("blocked"))
            .all(|line| line.ends_with("it expires before it could go out"))
    );
}

#[test]
fn what_has_expired_is_not_missed() {
    let world = World::since(
        "2026-11-01 00:00",
        "",
        &[message("daily", "cron = '0 9 * * *'\nexpires = 2026-11-30")],
    );
    let says = world.says("2026-12-03 12:00", "2026-12-03 12:00");
    assert!(says.iter().all(|line| line.contains("blocked")), "{says:?}");
}

#[test]
fn quiet_hours_move_a_post_to_their_end_and_make_it_no_later() {
    let quiet = "quiet_hours = ['22:00-07:00']";
    let world = World::since(
        "2026-12-01 12:00",
        quiet,
        &[
            message("a", "at = 2026-12-01T23:00:00"),
            message("daily", "cron = '0 3 * * *'"),
        ],
    );
    assert_eq!(
        world.says("2026-12-01 12:00", "2026-12-02 03:00"),
        ["12-02 07:00 a", "12-02 07:00 daily"]
    );
    assert_eq!(
        world.says("2026-12-02 08:30", "2026-12-02 08:30"),
        ["12-02 08:30 a", "12-02 08:30 daily"]
    );
    let says = world.says("2026-12-02 09:01", "2026-12-02 09:01");
    assert_eq!(says, ["12-02 07:00 a: late", "12-02 07:00 daily: missed"]);
}

#[test]
fn a_long_blackout_leaves_one_of_each_rule() {
    let blackout = "[[blackout]]\nfrom = 2026-12-24\nuntil = 2026-12-26\n".to_owned();
    let world = World::since(
        "2026-12-23 08:00",
        "",
        &[
            blackout,
            message("daily", "cron = '0 9 * * *'"),
            message("a", "at = 2026-12-25T09:00:00"),
        ],
    );
    assert_eq!(
        world.says("2026-12-23 09:00", "2026-12-27 12:00"),
        [
            "12-23 09:00 daily",
            "12-27 00:00 a",
            "12-27 00:00 daily",
            "12-27 09:00 daily"
        ]
    );
    // From within, and from just after it, the same.
    assert_eq!(
        world.says("2026-12-25 12:00", "2026-12-26 23:00"),
        ["12-27 00:00 a", "12-27 00:00 daily"]
    );
    assert_eq!(
        world.says("2026-12-27 01:00", "2026-12-27 01:00"),
        ["12-27 01:00 a", "12-27 01:00 daily"]
    );
}

#[test]
fn a_post_after_another_is_estimated_until_the_other_is_out() {
    let mut world = World::new(
        "",
        &[
            message("b", "after = { message = 'a', wait = '2h' }"),
            message("a", "at = 2026-12-01T09:00:00"),
        ],
    )
    .with_accounts(&["main", "side"]);
    let says = world.says("2026-12-01 08:00", "2026-12-01 12:00");
    assert_eq!(
        says,
        [
            "12-01 09:00 a on main",
            "12-01 09:00 a on side",
            "12-01 11:00 b on main: expected after `a`",
            "12-01 11:00 b on side: expected after `a`",
        ]
    );
    assert_eq!(
        world
            .record(&world.plan(at("2026-12-01 08:00"), at("2026-12-01 09:00")))
            .len(),
        2
    );
    assert_eq!(
        world.says("2026-12-01 09:01", "2026-12-01 12:00"),
        [] as [&str; 0],
        "on its way, but not out"
    );
    world.went_out("a", "2026-12-01 09:30");
    assert_eq!(
        world.says("2026-12-01 09:31", "2026-12-01 12:00"),
        ["12-01 11:30 b on main"]
    );
    world.record(&world.plan(at("2026-12-01 09:31"), at("2026-12-01 12:00")));
    assert_eq!(
        world.says("2026-12-01 09:31", "2026-12-02 12:00"),
        [] as [&str; 0]
    );
}

#[test]
fn a_post_after_a_recurring_one_goes_out_once() {
    let world = World::new(
        "",
        &[
            message("a", "cron = '0 9 * * *'"),
            message("b", "after = { message = 'a', wait = '1h' }"),
        ],
    );
    assert_eq!(
        world.says("2026-12-01 08:00", "2026-12-03 08:00"),
        [
            "12-01 09:00 a",
            "12-01 10:00 b: expected after `a`",
            "12-02 09:00 a"
        ]
    );
}

#[test]
fn a_message_written_after_the_other_went_out_follows_from_when_it_was_written() {
    let mut world = World::since(
        "2026-12-01 09:00",
        "",
        &[
            message("a", "at = 2026-11-01T09:00:00"),
            message("b", "after = { message = 'a', wait = '1h' }"),
        ],
    );
    world.went_out("a", "2026-11-01 09:00");
    let says = world.says("2026-12-01 09:00", "2026-12-01 12:00");
    assert_eq!(says.last().unwrap(), "12-01 09:00 b");
}

#[test]
fn an_answer_waits_for_what_it_answers() {
    let answer = "at = 2026-12-01T09:00:00\nreply_to = 'a'";
    let mut world = World::since(
        "2026-12-01 07:00",
        "",
        &[message("a", "at = 2026-12-01T08:00:00"), message("b", answer)],
    );
    let both = world.says("2026-12-01 07:00", "2026-12-01 12:00");
    assert_eq!(both, ["12-01 08:00 a", "12-01 09:00 b: expected a reply to `a`"]);
    world.record(&world.plan(at("2026-12-01 08:00"), at("2026-12-01 08:00")));
    let waiting = world.says("2026-12-01 09:00", "2026-12-01 09:00");
    assert_eq!(
        waiting,
        ["12-01 09:00 b: blocked, it answers `a`, which is not out on main yet"]
    );
    world.went_out("a", "2026-12-01 09:20");
    assert_eq!(
        world.says("2026-12-01 09:21", "2026-12-01 09:21"),
        ["12-01 09:21 b"]
    );
}

#[test]
fn posts_of_one_account_keep_their_distance() {
    let at_nine = |id| message(id, "at = 2026-12-01T09:00:00");
    let mut world =
        World::new("", &[at_nine("a"), at_nine("b"), at_nine("c")]).spaced(Duration::from_mins(20), None);
    let main: AccountName = "main".parse().unwrap();
    world.past.traffic.insert(main, vec![at("2026-12-01 08:50")]);
    let says = world.says("2026-12-01 08:55", "2026-12-01 12:00");
    assert_eq!(says, ["12-01 09:10 a", "12-01 09:30 b", "12-01 09:50 c"]);
    let both = world.with_accounts(&["side", "other"]);
    let says = both.says("2026-12-01 08:55", "2026-12-01 12:00");
    assert!(
        says.iter().all(|line| line.starts_with("12-01 09:00")),
        "each account by itself: {says:?}"
    );
}

#[test]
fn a_full_day_goes_on_after_midnight_by_the_campaigns_clock() {
    let hourly = [message("a", "cron = '0 21-23 * * *'")];
    let world = World::new("", &hourly).spaced(Duration::ZERO, Some(2));
    assert_eq!(
        world.says("2026-12-01 20:00", "2026-12-01 23:30"),
        ["12-01 21:00 a", "12-01 22:00 a", "12-02 00:00 a"]
    );
}

#[test]
fn spacing_and_quiet_hours_agree() {
    let evening = |id| message(id, "at = 2026-12-01T21:50:00");
    let world = World::new(
        "quiet_hours = ['22:00-07:00']",
        &[evening("a"), evening("b"), evening("c")],
    )
    .spaced(Duration::from_mins(20), None);
    assert_eq!(
        world.says("2026-12-01 21:00", "2026-12-01 22:00"),
        ["12-01 21:50 a", "12-02 07:00 b", "12-02 07:20 c"]
    );
}

#[test]
fn what_is_wrong_in_the_files_is_blocked_and_drafts_are_not_there() {
    let world = World::new(
        "",
        &[
            message("wrong", "at = 2026-12-01T09:00:00\nto = ['main', 'nobody']"),
            message("draft", "at = 2026-12-01T09:00:00\ndraft = true"),
        ],
    );
    let says = world.says("2026-12-01 08:00", "2026-12-01 12:00");
    assert_eq!(says.len(), 1, "{says:?}");
    assert!(says[0].starts_with("12-01 09:00 wrong: blocked"), "{says:?}");
}

#[test]
fn f26_a_fact_past_its_review_blocks_the_days_after_it() {
    let fact = "[fact.x]\nvalue = 'y'\nsource = 's'\nreview_by = 2026-12-02\n".to_owned();
    let daily = "[[message]]\nid = 'a'\ntext = 'See {{ fact.x }}.'\ncron = '0 9 * * *'\n".to_owned();
    let world = World::new("", &[fact, daily]);
    assert_eq!(
        world.says("2026-12-01 08:00", "2026-12-03 12:00"),
        [
            "12-01 09:00 a",
            "12-02 09:00 a",
            "12-03 09:00 a: blocked, fact `x` had to be checked again by 2026-12-02",
        ]
    );
}

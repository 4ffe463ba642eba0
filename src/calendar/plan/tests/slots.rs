//! The queue and the evergreens.

use super::*;

const SLOTS: &str = "slots = ['0 9 * * *', '0 17 * * *']";

#[test]
fn the_queue_takes_slots_in_the_order_of_the_files_on_each_account() {
    let mut world = World::new(
        SLOTS,
        &[
            message("a", ""),
            message("b", ""),
            message("c", ""),
            message("d", "draft = true"),
        ],
    )
    .with_accounts(&["main", "side"]);
    let expected = [
        "12-01 09:00 a on main",
        "12-01 09:00 b on side",
        "12-01 17:00 b on main",
        "12-01 17:00 c on side",
        "12-02 09:00 c on main",
    ];
    // The side has had the first already.
    let only_side: Vec<Planned> = world
        .plan(at("2026-11-30 17:00"), at("2026-11-30 17:00"))
        .posts
        .into_iter()
        .filter(|p| p.account == 1)
        .collect();
    world.record(&Plan {
        posts: only_side,
        ..Plan::default()
    });
    assert_eq!(world.says("2026-12-01 08:00", "2026-12-03 08:00"), expected);
}

#[test]
fn a_slot_in_quiet_hours_or_a_blackout_is_not_used() {
    let slots = "slots = ['0 6 * * *', '0 9 * * *']\nquiet_hours = ['22:00-07:00']";
    let blackout = "[[blackout]]\nfrom = 2026-12-02\nuntil = 2026-12-02\n".to_owned();
    let world = World::new(slots, &[blackout, message("a", ""), message("b", "")]);
    assert_eq!(
        world.says("2026-12-01 05:00", "2026-12-05 00:00"),
        ["12-01 09:00 a", "12-03 09:00 b"]
    );
}

#[test]
fn a_missed_slot_is_not_made_up_but_a_restart_does_not_cost_one() {
    let world = World::new(SLOTS, &[message("a", "")]);
    assert_eq!(
        world.says("2026-12-01 09:00:59", "2026-12-01 18:00"),
        ["12-01 09:00 a"]
    );
    assert_eq!(
        world.says("2026-12-01 09:01", "2026-12-01 18:00"),
        ["12-01 17:00 a"]
    );
}

#[test]
fn a_slot_is_used_once() {
    let mut world = World::new(SLOTS, &[message("a", ""), message("b", "")]);
    world.record(&world.plan(at("2026-12-01 09:00"), at("2026-12-01 09:00")));
    assert_eq!(
        world.says("2026-12-01 09:00:30", "2026-12-01 18:00"),
        ["12-01 17:00 b"]
    );
    let doubled = World::new(
        "slots = ['0 9 * * *', '0 9 * * TUE']",
        &[message("a", ""), message("b", "")],
    );
    assert_eq!(
        doubled.says("2026-12-01 08:00", "2026-12-01 12:00"),
        ["12-01 09:00 a"]
    );
}

#[test]
fn evergreens_fill_what_the_queue_leaves_the_longest_unseen_first() {
    let green = |id| message(id, "evergreen = true");
    let mut world = World::new(SLOTS, &[green("x"), green("y"), green("z"), message("a", "")]);
    world.went_out("x", "2026-11-20 09:00");
    world.went_out("z", "2026-11-19 09:00");
    let says = world.says("2026-12-01 08:00", "2026-12-03 12:00");
    assert_eq!(
        says,
        [
            "12-01 09:00 a",
            "12-01 17:00 y",
            "12-02 09:00 z",
            "12-02 17:00 x",
            "12-03 09:00 y"
        ]
    );
    let plan = world.plan(at("2026-12-01 08:00"), at("2026-12-03 12:00"));
    let turns: Vec<_> = plan
        .posts
        .iter()
        .map(|post| post.identity.occurrence.to_string())
        .collect();
    assert_eq!(turns, ["once", "cycle 1", "cycle 2", "cycle 2", "cycle 2"]);
}

#[test]
fn a_message_that_must_wait_does_not_hold_up_the_queue() {
    let stale = "[fact.x]\nvalue = 'y'\nsource = 's'\nstatus = 'disputed'\n".to_owned();
    let world = World::new(
        SLOTS,
        &[
            stale,
            message("early", "starts = 2026-12-02"),
            message("over", "expires = 2026-11-30"),
            "[[message]]\nid = 'disputed'\ntext = 'See {{ fact.x }}.'\n".to_owned(),
            message("broken", "to = ['nobody']"),
            message("answer", "reply_to = 'early'"),
            message("a", ""),
        ],
    );
    assert_eq!(
        world.says("2026-12-01 08:00", "2026-12-02 12:00"),
        ["12-01 09:00 a", "12-02 09:00 early"]
    );
    let idle = world.idle("2026-12-01 08:00");
    assert!(
        idle.iter().any(|line| line == "disputed: fact `x` is disputed"),
        "{idle:?}"
    );
    assert!(
        idle.iter()
            .any(|line| line.starts_with("answer: it answers `early`")),
        "{idle:?}"
    );
}

#[test]
fn what_has_no_time_is_said_with_the_reason() {
    let world = World::new(
        "",
        &[
            message("a", ""),
            message("b", "draft = true"),
            message("c", "evergreen = true"),
        ],
    );
    assert_eq!(
        world.idle("2026-12-01 08:00"),
        ["a: the campaign has no slots", "b: a draft"]
    );
    let world = World::new(SLOTS, &[message("a", "")]);
    assert_eq!(
        world.idle("2026-12-01 08:00"),
        [] as [&str; 0],
        "it waits for its slot"
    );
}

#[test]
fn an_account_that_leaves_out_what_is_not_in_its_language_takes_the_next() {
    let spanish = "[message.lang.es]\ntext = 'Hola.'";
    let mut world = World::new(
        SLOTS,
        &[
            message("a", ""),
            message("b", spanish),
            message("c", "at = 2026-12-01T12:00:00"),
        ],
    )
    .with_accounts(&["main", "side"]);
    world.roster.accounts[1].language = Some("es".into());
    world.roster.accounts[1].untranslated = Untranslated::Skip;
    assert_eq!(
        world.says("2026-12-01 08:00", "2026-12-02 08:00"),
        [
            "12-01 09:00 a on main",
            "12-01 09:00 b on side",
            "12-01 12:00 c on main",
            "12-01 12:00 c on side: blocked, it has no words in the language `es`, and `side` leaves those out",
            "12-01 17:00 b on main"
        ]
    );
    let plan = world.plan(at("2026-12-01 08:00"), at("2026-12-02 08:00"));
    let why = "it has no words in the language `es`, and `side` leaves those out";
    let idle: Vec<_> = plan
        .idle
        .iter()
        .map(|(message, account, why)| (message.id.as_str(), *account, &**why))
        .collect();
    assert_eq!(idle, [("a", 1, why)]);
    let blocked = plan
        .posts
        .iter()
        .find(|post| post.account == 1 && post.message.id.as_str() == "c");
    assert_eq!(blocked.unwrap().fate, Fate::Blocked(why.to_owned()));
}

//! Messages that had another id before.

use super::super::vanished::{may_have_vanished, vanished};
use super::*;

/// The same message under an id that was another.
fn renamed(id: &str, was: &str, rest: &str) -> String {
    message(id, &format!("was = {was}\n{rest}"))
}

const DATED: &str = "at = 2026-12-01T09:00:00";

#[test]
fn what_is_recorded_under_any_old_id_does_not_come_again() {
    for was in ["['b', 'a']", "['a', 'b']", "['a']"] {
        for rest in [DATED, ""] {
            let slots = "slots = ['0 9 * * *']";
            let mut before = World::since("2026-11-01 00:00", slots, &[message("a", rest)]);
            let plan = before.plan(at("2026-12-01 08:59"), at("2026-12-01 09:00"));
            assert_eq!(before.record(&plan).len(), 1);
            let mut after = World::since("2026-11-01 00:00", slots, &[renamed("c", was, rest)]);
            assert_eq!(
                after.says("2026-12-01 08:59", "2026-12-01 09:00"),
                ["12-01 09:00 c"]
            );
            after.past = before.past;
            let said = after.says("2026-12-01 08:59", "2026-12-03 09:00");
            assert_eq!(said, [] as [&str; 0], "{was}, {rest}");
        }
    }
}

#[test]
fn a_rule_whose_message_is_renamed_goes_on_where_it_was() {
    let rest = "cron = '0 9 * * *'";
    let mut before = World::since("2026-11-01 00:00", "", &[message("a", rest)]);
    let plan = before.plan(at("2026-12-01 08:00"), at("2026-12-01 12:00"));
    before.record(&plan);
    let mut after = World::since("2026-11-01 00:00", "", &[renamed("b", "['a']", rest)]);
    after.past = before.past.renamed(&after.campaign.renames());
    assert_eq!(
        after.says("2026-12-01 08:30", "2026-12-02 12:00"),
        ["12-02 09:00 b"],
        "what is missing is the one that went out"
    );
}

#[test]
fn what_was_done_under_the_old_id_counts_before_the_ledger_is_told() {
    let files = [
        renamed("b", "['a']", "evergreen = true"),
        message("other", "evergreen = true"),
        message("follows", "after = { message = 'b', wait = '1h' }"),
    ];
    let mut world = World::new("slots = ['0 9 * * *']", &files);
    world.past.known = [("a", "2026-11-01 00:00"), ("follows", "2026-11-01 00:00")]
        .map(|(id, local)| (id.parse().unwrap(), at(local)))
        .into_iter()
        .collect();
    world.went_out("a", "2026-11-30 09:00");
    world.past = world.past.renamed(&world.campaign.renames());
    assert_eq!(
        world.says("2026-11-30 09:30", "2026-12-02 09:00"),
        ["11-30 10:00 follows", "12-01 09:00 other", "12-02 09:00 b"]
    );
    let b = "b".parse().unwrap();
    assert_eq!(world.past.known.get(&b), Some(at("2026-11-01 00:00")));
}

#[test]
fn a_message_that_is_renamed_is_not_gone() {
    let ids = ["a", "b", "c", "d"];
    let before = World::since("2026-11-01 00:00", "", &ids.map(|id| message(id, DATED)));
    let new = ids.map(|id| renamed(&format!("{id}2"), &format!("['{id}']"), DATED));
    let after = World::since("2026-11-01 00:00", "", &new);
    let now = at("2026-11-15 00:00");
    let gone = |after: &World| {
        let gone = vanished(&before.campaign, &after.campaign, &after.roster, &after.past, now);
        (
            may_have_vanished(&before.campaign, &after.campaign),
            gone.is_some(),
        )
    };
    assert_eq!(gone(&after), (false, false));
    let other = ids.map(|id| message(&format!("{id}2"), DATED));
    assert_eq!(gone(&World::since("2026-11-01 00:00", "", &other)), (true, true));
}

#[test]
fn an_old_id_that_is_still_there_or_that_two_claim_is_nobodys() {
    let text = [
        message("a", ""),
        renamed("b", "['a', 'gone']", ""),
        renamed("c", "['both']", ""),
        renamed("d", "['both']", ""),
    ]
    .concat();
    let settings = "[campaign]\nid = 'c'\nname = 'C'\ntimezone = 'America/Chicago'\nlanguage = 'en'\n";
    let file = Arc::new(read("all.toml", (settings.to_owned() + &text).as_bytes()));
    let roster = Roster {
        accounts: vec![account("main")],
        groups: BTreeMap::new(),
    };
    let campaign = assemble(&[file], &roster, at("2026-01-01 00:00"), &NoFiles)
        .campaign
        .unwrap();
    let renames: Vec<_> = campaign
        .renames()
        .into_iter()
        .map(|(old, new)| (old.as_str(), new.as_str()))
        .collect();
    assert_eq!(renames, [("gone", "b")]);
    let blocked: Vec<&str> = campaign.blocked.keys().map(MessageId::as_str).collect();
    assert_eq!(
        blocked,
        ["b", "both", "c", "d"],
        "what waits of the one that two claim is held with them"
    );
}

//! What holds whatever the campaign.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::campaign::message::When;

/// The daemon's own: how long before its time a post is recorded.
const LEAD: Duration = Duration::from_secs(2);

/// How one message is to be timed, by a few numbers.
fn timing() -> impl Strategy<Value = String> {
    let minutes = 0..3 * 24 * 60_i64;
    let rules = [
        "0 9 * * *",
        "*/45 8-20 * * *",
        "30 1,13 * * *",
        "0 6,7,12 * * *",
        "15 23 * * WED",
        "0 */5 * * *",
    ];
    let season = prop_oneof![
        4 => Just(String::new()),
        1 => Just("\nstarts = 2026-12-02T13:00:00".to_owned()),
        1 => Just("\nexpires = 2026-12-03T08:00:00".to_owned()),
    ];
    let when = prop_oneof![
        2 => minutes.prop_map(|minutes| {
            let at = jiff::civil::date(2026, 12, 1).at(0, 0, 0, 0).saturating_add(SignedDuration::from_mins(minutes));
            (format!("at = {}", at.strftime("%Y-%m-%dT%H:%M:%S")), false)
        }),
        2 => proptest::sample::select(rules.to_vec()).prop_map(|rule| (format!("cron = '{rule}'"), true)),
        3 => Just((String::new(), true)),
        2 => Just(("evergreen = true".to_owned(), true)),
        1 => Just(("priority = 'breaking'".to_owned(), true)),
        1 => (0..6_usize, 0..40_u32).prop_map(|(of, hours)| (format!("after = {{ message = 'm{of}', wait = '{hours}h' }}"), true)),
    ];
    (when, season).prop_map(|((when, seasons), season)| if seasons { when + &season } else { when })
}

/// A campaign of a few messages without spacing, on two accounts. A message comes after one that goes out
/// once: after which of many it would come is a question of when one looks.
fn campaign() -> impl Strategy<Value = World> {
    let settings = prop_oneof![
        Just(""),
        Just("slots = ['0 9 * * *', '0 */4 * * *']"),
        Just("slots = ['30 8,18 * * *']\nquiet_hours = ['19:00-07:00']"),
    ];
    let blackout = prop_oneof![
        2 => Just(String::new()),
        1 => Just("[[blackout]]\nfrom = 2026-12-02T10:00:00\nuntil = 2026-12-03T10:00:00\n".to_owned()),
    ];
    (settings, blackout, proptest::collection::vec(timing(), 6)).prop_map(|(settings, blackout, timings)| {
        let once = |of: &str| {
            let number = of
                .split("'m")
                .nth(1)
                .and_then(|rest| rest[..1].parse::<usize>().ok());
            number.is_some_and(|number| {
                let of = &timings[number];
                !["cron", "evergreen", "after"]
                    .iter()
                    .any(|word| of.contains(word))
            })
        };
        let mut messages = vec![blackout];
        for (number, timing) in timings.iter().enumerate() {
            let timing = if timing.contains("after") && !once(timing) {
                "draft = true"
            } else {
                timing
            };
            messages.push(message(&format!("m{number}"), timing));
        }
        let world = World::since("2026-12-01 00:00", settings, &messages);
        world.with_accounts(&["main", "side"])
    })
}

/// What goes out, and when, if all goes well.
fn goes_out(posts: &[Planned]) -> BTreeSet<(Timestamp, Identity)> {
    let out = posts
        .iter()
        .filter(|post| matches!(post.fate, Fate::Planned | Fate::Expected(_)));
    out.map(|post| (post.due, post.identity.clone())).collect()
}

/// What goes out by one of two ways to plan, and not by the other.
fn differ(world: &World, one: &[Planned], other: &[Planned]) -> Vec<String> {
    let missing = |here: &[Planned], there: &[Planned], word: &str| {
        let there = goes_out(there);
        let new = here
            .iter()
            .filter(|post| !goes_out(std::slice::from_ref(*post)).is_subset(&there));
        new.map(|post| format!("{word}: {}", world.line(post)))
            .collect::<Vec<_>>()
    };
    [missing(one, other, "only one"), missing(other, one, "only other")].concat()
}

/// The daemon's days: it wakes when the plan says and when a post goes out, records what is near, and
/// everything is accepted at its due time.
fn walk(mut world: World, from: Timestamp, until: Timestamp) -> Vec<Planned> {
    let mut now = from;
    let mut waiting: Vec<Planned> = Vec::new();
    let mut all = Vec::new();
    for _ in 0..2_000 {
        waiting.sort_by_key(|post| Reverse(post.due));
        while let Some(post) = waiting.pop_if(|post| post.due <= now) {
            let turns = world.turns(&post);
            turns.sent = turns.sent.max(Some(post.due));
        }
        let plan = world.plan(now, now.saturating_add(LEAD).unwrap().min(until));
        let new = world.record(&plan);
        waiting.extend(new.iter().filter(|post| post.fate == Fate::Planned).cloned());
        all.extend(new);
        let next = plan.next.map(|next| {
            (next.saturating_sub(LEAD).unwrap()).max(now.saturating_add(Duration::from_millis(10)).unwrap())
        });
        let out = waiting.iter().map(|post| post.due).min();
        match next.into_iter().chain(out).min().filter(|wake| *wake <= until) {
            Some(wake) => now = wake,
            None => return all,
        }
    }
    panic!("the daemon does not come to rest")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_daemon_that_wakes_when_told_sends_what_the_plan_said(world in campaign()) {
        let (from, until) = (at("2026-12-01 00:00"), at("2026-12-04 00:00"));
        let whole = world.plan(from, until).posts;
        let walked = walk(world.clone(), from, until);
        prop_assert_eq!(differ(&world, &walked, &whole), [] as [&str; 0]);
    }

    #[test]
    fn two_plans_in_a_row_are_one_plan(mut world in campaign(), minutes in 0..3 * 24 * 60_i64) {
        let (from, until) = (at("2026-12-01 00:00"), at("2026-12-04 00:00"));
        let between = from.saturating_add(SignedDuration::from_mins(minutes)).unwrap();
        let whole = world.plan(from, until).posts;
        let mut all = world.record(&world.plan(from, between));
        for post in all.iter().filter(|post| post.fate == Fate::Planned) {
            let turns = world.turns(post);
            turns.sent = turns.sent.max(Some(post.due));
        }
        all.extend(world.plan(between, until).posts);
        // The first plan can't know when another will really be out; the second sees it a moment late.
        let certain = |posts: Vec<Planned>| -> Vec<Planned> {
            posts.into_iter().filter(|post| !matches!(post.message.when, When::After { .. })).collect()
        };
        prop_assert_eq!(differ(&world, &certain(all), &certain(whole)), [] as [&str; 0]);
    }

    #[test]
    fn the_plan_never_asks_to_be_asked_again_too_late(world in campaign(), minutes in 0..3 * 24 * 60_i64) {
        let (from, until) = (at("2026-12-01 00:00"), at("2026-12-05 00:00"));
        let between = from.saturating_add(SignedDuration::from_mins(minutes)).unwrap();
        let near = world.plan(from, between);
        let known = goes_out(&near.posts);
        let first = goes_out(&world.plan(from, until).posts).into_iter().find(|post| !known.contains(post));
        if let Some((due, identity)) = first {
            prop_assert!(near.next.is_some_and(|next| next <= due && next > between), "{identity:?} at {due}, next {:?}", near.next);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_plan(world in campaign()) {
        let plan = || format!("{:?}", world.plan(at("2026-12-01 12:00"), at("2026-12-03 12:00")));
        prop_assert_eq!(plan(), plan());
    }
}

//! Which of its texts a message says.

use proptest::prelude::*;

use super::*;

/// A message that says `a`, `b` … in turn.
fn varied(id: &str, texts: &str, rest: &str) -> String {
    let texts: Vec<String> = texts.chars().map(|text| format!("'{text}'")).collect();
    format!(
        "[[message]]\nid = '{id}'\ntexts = [{}]\n{rest}\n",
        texts.join(", ")
    )
}

/// What a post says.
fn text(world: &World, post: &Planned) -> String {
    let account = &world.roster.accounts[post.account];
    let said =
        crate::campaign::render::render(&world.campaign, &post.message, account, post.due, post.variant);
    said.unwrap().parts[0].text.clone()
}

/// What an account says, in order.
fn said(world: &World, posts: &[Planned], account: usize) -> String {
    let here = posts
        .iter()
        .filter(|post| post.account == account && post.fate == Fate::Planned);
    here.map(|post| text(world, post)).collect()
}

#[test]
fn a_recurring_message_says_its_variants_in_turn_in_one_plan_and_from_plan_to_plan() {
    let messages = [varied("m", "abc", "cron = '0 9 * * *'")];
    let mut world = World::since("2026-12-01 00:00", "", &messages).with_accounts(&["main", "side"]);
    let plan = world.plan(at("2026-12-01 00:00"), at("2026-12-06 00:00"));
    assert_eq!(said(&world, &plan.posts, 0), "abcab");
    let first = world.plan(at("2026-12-01 00:00"), at("2026-12-02 00:00"));
    // The side could not post on the first day.
    let only_main = first.posts.into_iter().filter(|post| post.account == 0).collect();
    world.record(&Plan {
        posts: only_main,
        ..Plan::default()
    });
    let rest = world.plan(at("2026-12-02 00:00"), at("2026-12-05 00:00"));
    assert_eq!(said(&world, &rest.posts, 0), "bca");
    assert_eq!(said(&world, &rest.posts, 1), "abc");
}

#[test]
fn the_evergreen_rotation_says_another_variant_each_time_round() {
    let messages = [
        varied("m", "ab", "evergreen = true"),
        varied("n", "xyz", "evergreen = true"),
    ];
    let world = World::new("slots = ['0 9 * * *']", &messages);
    let plan = world.plan(at("2026-12-01 00:00"), at("2026-12-08 00:00"));
    assert_eq!(said(&world, &plan.posts, 0), "axbyazb");
}

#[test]
fn what_was_missed_was_not_said() {
    let mut world = World::since("2026-12-01 00:00", "", &[varied("m", "ab", "cron = '0 9 * * *'")]);
    let first = world.plan(at("2026-12-01 00:00"), at("2026-12-02 00:00"));
    assert_eq!(said(&world, &first.posts, 0), "a");
    world.record(&first);
    // The second day was slept through.
    let missed = world.plan(at("2026-12-02 20:00"), at("2026-12-02 20:00"));
    assert!(matches!(missed.posts[0].fate, Fate::Missed(_)));
    world.record(&missed);
    let third = world.plan(at("2026-12-02 20:01"), at("2026-12-04 00:00"));
    assert_eq!(said(&world, &third.posts, 0), "b");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However many days each daemon lives, and whatever is edited between its lives.
    #[test]
    fn no_account_repeats_itself_from_one_plan_to_the_next(
        lives in prop::collection::vec(("[a-d]{2,4}", 1_i64..5), 2..8),
        evergreen in any::<bool>(),
    ) {
        let (settings, when) = if evergreen {
            ("slots = ['0 9 * * *']", "evergreen = true")
        } else {
            ("", "cron = '0 9 * * *'")
        };
        let mut past = Past::default();
        let mut now = at("2026-12-01 00:00");
        let mut all: Vec<String> = Vec::new();
        for (texts, days) in lives {
            let mut world = World::since("2026-12-01 00:00", settings, &[varied("m", &texts, when)]);
            let known = world.past.known.clone();
            world.past = Past { known, ..past };
            let until = now.saturating_add(jiff::SignedDuration::from_hours(24 * days)).unwrap();
            let plan = world.plan(now, until);
            prop_assert_eq!(plan.posts.len(), usize::try_from(days).unwrap());
            for post in &plan.posts {
                let says = text(&world, post);
                let other = texts.chars().any(|text| Some(text.to_string()) != all.last().cloned());
                prop_assert!(!other || all.last() != Some(&says), "{says} again, in {texts}");
                all.push(says);
            }
            // The same past gives the same plan.
            let again: Vec<usize> = world.plan(now, until).posts.iter().map(|post| post.variant).collect();
            prop_assert_eq!(again, plan.posts.iter().map(|post| post.variant).collect::<Vec<_>>());
            world.record(&plan);
            past = world.past;
            now = until;
        }
    }
}

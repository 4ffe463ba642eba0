//! What can be asked.

use std::collections::BTreeMap;

use steadfast::ledger::{Filter, NewPost};
use steadfast::post::content::Variant;
use steadfast::post::digest::Digest;
use steadfast::post::identity::Occurrence;
use steadfast::post::state::State;

use crate::support::*;

pub async fn posts_are_counted_by_state_and_listed_oldest_first<E: Engine>() {
    let e = E::make().await;
    e.record([new_at("b", 2), new_at("a", 1), new_at("c", 3)]).await;
    e.one(NewPost {
        state: State::Held,
        ..new("d")
    })
    .await;
    assert_eq!(
        e.ledger().counts().await.unwrap(),
        BTreeMap::from([(State::Due, 3), (State::Held, 1)])
    );
    let two = e.ledger().in_state(State::Due, 2).await.unwrap();
    let two: Vec<_> = two.into_iter().map(|post| post.message.to_string()).collect();
    assert_eq!(two, ["a", "b"]);
}

pub async fn history_is_newest_first_and_every_filter_narrows_it<E: Engine>() {
    let e = E::make().await;
    e.record([new_at("a", 1), new_at("b", 2), new_at("c", 3)]).await;
    e.one(NewPost {
        due: at(3),
        ..new_on("a", "bluesky")
    })
    .await;
    e.one(NewPost {
        state: State::Held,
        ..new_at("d", 4)
    })
    .await;
    let history = async |filter: Filter| {
        let posts = e.ledger().history(&filter).await.unwrap();
        posts
            .into_iter()
            .map(|post| format!("{} {}", post.message, post.account))
            .collect::<Vec<_>>()
    };
    let all = [
        "d mastodon",
        "a bluesky",
        "c mastodon",
        "b mastodon",
        "a mastodon",
    ];
    assert_eq!(history(Filter::default()).await, all);
    let message = Filter {
        message: Some("a".to_owned()),
        ..Filter::default()
    };
    assert_eq!(history(message.clone()).await, ["a bluesky", "a mastodon"]);
    let both = Filter {
        account: Some("mastodon".to_owned()),
        ..message
    };
    assert_eq!(history(both).await, ["a mastodon"]);
    assert_eq!(
        history(Filter {
            state: Some(State::Held),
            ..Filter::default()
        })
        .await,
        all[..1]
    );
    assert_eq!(
        history(Filter {
            since: Some(at(3)),
            ..Filter::default()
        })
        .await,
        all[..3]
    );
    assert_eq!(
        history(Filter {
            limit: Some(2),
            ..Filter::default()
        })
        .await,
        all[..2]
    );
    assert_eq!(
        history(Filter {
            limit: Some(0),
            ..Filter::default()
        })
        .await,
        [] as [&str; 0]
    );
    assert_eq!(
        history(Filter {
            since: Some(at(2)),
            until: Some(at(4)),
            ..Filter::default()
        })
        .await,
        all[1..4]
    );
    // Page by page, nothing is left out and nothing comes twice, whatever else is asked for.
    for account in [None, Some("mastodon".to_owned())] {
        let filter = Filter {
            account,
            limit: Some(1),
            ..Filter::default()
        };
        let expected = history(Filter {
            limit: None,
            ..filter.clone()
        })
        .await;
        let (mut turned, mut after) = (Vec::new(), None);
        while let [post] = &e
            .ledger()
            .history(&Filter {
                after,
                ..filter.clone()
            })
            .await
            .unwrap()[..]
        {
            turned.push(format!("{} {}", post.message, post.account));
            after = Some(post.clone());
        }
        assert_eq!(turned, expected);
    }
}

pub async fn the_bell_rises_and_what_was_heard_is_kept<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    assert_eq!((ledger.bell().await.unwrap(), e.heard().await), (0, 0));
    assert_eq!(
        (ledger.ring().await.unwrap(), ledger.ring().await.unwrap()),
        (1, 2)
    );
    assert_eq!(ledger.bell().await.unwrap(), 2);
    ledger.heard(1).await.unwrap();
    assert_eq!((ledger.bell().await.unwrap(), e.heard().await), (2, 1));
}

pub async fn a_note_is_kept_until_it_is_written_over<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    assert_eq!(ledger.noted("x").await.unwrap(), None);
    ledger.note("x", "one").await.unwrap();
    ledger.note("x", "it's \"two\"").await.unwrap();
    ledger.note("y", "").await.unwrap();
    assert_eq!(ledger.noted("x").await.unwrap().as_deref(), Some("it's \"two\""));
    assert_eq!(ledger.noted("y").await.unwrap().as_deref(), Some(""));
}

pub async fn the_past_is_what_the_planner_must_know<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    ledger
        .know(vec![message("a"), message("b")], at(-9))
        .await
        .unwrap();
    ledger
        .know(vec![message("b"), message("c")], at(0))
        .await
        .unwrap();
    let nominal = |day: i8, minutes| {
        let mut post = NewPost {
            recurring: true,
            ..new_at("weekly", minutes)
        };
        post.identity.occurrence =
            Occurrence::nominal(jiff::civil::date(2026, 12, day).at(9, 0, 0, 0), "UTC");
        post
    };
    let sent = e.sent(nominal(1, 1), "r").await;
    let missed = e
        .one(NewPost {
            state: State::Skipped,
            ..nominal(2, 30)
        })
        .await;
    let mut pool = NewPost {
        slot: Some(at(3)),
        ..new_at("pool", 4)
    };
    pool.identity.occurrence = Occurrence::cycle(1);
    let pool = e.one(pool).await;
    let other = e
        .one(NewPost {
            slot: Some(at(1)),
            ..new_at("other", 1)
        })
        .await;
    let old = e.one(new_at("old", -73 * 60)).await;
    let far = e.one(new_at("far", 73 * 60)).await;
    let elsewhere = e
        .one(NewPost {
            state: State::Held,
            ..new_on("weekly", "bluesky")
        })
        .await;

    let past = ledger.past(&[message("weekly")], at(5)).await.unwrap();
    let recorded = sorted(ledger.recorded().await.unwrap().into_iter().collect());
    assert_eq!(
        recorded,
        sorted(vec![sent, missed, pool, other, old, far, elsewhere])
    );
    let since = |id: &str| past.known.get(&message(id));
    assert_eq!(
        ["a", "b", "c", "d"].map(since),
        [Some(at(-9)), Some(at(-9)), Some(at(0)), None]
    );
    let turns: BTreeMap<_, _> = past
        .turns
        .iter()
        .map(|((id, name), turns)| (format!("{id} {name}"), turns))
        .collect();
    assert_eq!(
        turns.keys().collect::<Vec<_>>(),
        ["pool mastodon", "weekly bluesky", "weekly mastodon"]
    );
    let weekly = turns["weekly mastodon"];
    assert_eq!(
        (weekly.count, weekly.last, weekly.sent),
        (2, Some(at(1)), Some(at(2))),
        "a skipped one did not go out"
    );
    assert_eq!(
        (turns["pool mastodon"].last, turns["pool mastodon"].sent),
        (Some(at(4)), None)
    );
    assert_eq!(past.slots, BTreeMap::from([(mastodon(), at(3))]));
    // What went out counts by when it did, the rest by when it will; held and skipped ones do not.
    assert_eq!(
        past.traffic,
        BTreeMap::from([(mastodon(), vec![at(1), at(2), at(4)])])
    );
}

pub async fn the_variant_said_last_is_that_of_the_latest_post_that_was_not_dropped<E: Engine>() {
    let e = E::make().await;
    let variant = |nth: u16| Variant {
        nth,
        text: Digest::of(&nth.to_be_bytes()),
    };
    let says = |id: &str, minutes: i64, nth: Option<u16>, state: State| {
        let mut post = new_at(id, minutes);
        post.identity.occurrence = Occurrence::asked(&minutes.to_string());
        post.content.variant = nth.map(variant);
        post.state = state;
        post
    };
    let mut elsewhere = says("a", 9, Some(4), State::Due);
    elsewhere.identity.account = account("bluesky");
    let posts = vec![
        says("a", 5, Some(2), State::Held),
        says("a", 1, Some(0), State::Due),
        says("a", 3, Some(1), State::Due),
        says("a", 7, Some(3), State::Skipped),
        says("b", 8, None, State::Due),
        says("c", 9, Some(7), State::Due),
        elsewhere,
    ];
    e.ledger().record(posts, at(0)).await.unwrap();
    let said = e.ledger().variants(&[message("a"), message("b")]).await.unwrap();
    let expected = [
        ((message("a"), mastodon()), variant(2)),
        ((message("a"), account("bluesky")), variant(4)),
    ];
    assert_eq!(said, expected.into());
    assert!(e.ledger().variants(&[]).await.unwrap().is_empty());
}

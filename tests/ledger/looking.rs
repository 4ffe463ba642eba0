//! What can be asked.

use std::collections::BTreeMap;
use std::time::Duration;

use steadfast::ledger::{Change, Conclusion, Filter, NewPost};
use steadfast::post::identity::{Occurrence, PostId};
use steadfast::post::state::{Standing, State};

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
    let elsewhere = e
        .one(NewPost {
            state: State::Held,
            ..new_on("weekly", "bluesky")
        })
        .await;

    let past = ledger.past(&[message("weekly")], at(5)).await.unwrap();
    let recorded = sorted(ledger.recorded().await.unwrap().into_iter().collect());
    assert_eq!(recorded, sorted(vec![sent, missed, pool, other, old, elsewhere]));
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

/// A thread of which a part is out, one that is out, one that was tried, reworded and retried, one that waits.
async fn lived<E: Engine>() -> (E, Vec<PostId>) {
    let e = E::make().await;
    let accepts = |id, receipt, state| Conclusion {
        to: Standing {
            part: 1,
            ..standing(state)
        },
        ..accepted(id, receipt)
    };
    let out = e.one(new("out")).await;
    e.intends(intent(out)).await;
    assert!(e.concludes(accepts(out, "r1", State::Sent)).await);
    let mut thread = new("thread");
    thread.content.parts.push(thread.content.parts[0].clone());
    let thread = e.one(thread).await;
    e.intends(intent(thread)).await;
    assert!(e.concludes(accepts(thread, "r2", State::Due)).await);
    let tried = e.one(new("tried")).await;
    e.intends(intent(tried)).await;
    assert!(
        e.concludes(conclusion(tried, State::Sending, State::Retrying))
            .await
    );
    let change = Change {
        post: tried,
        content: saying("other words, with a \u{0} and a \\u0000"),
        late: Duration::from_hours(1),
        expires: None,
        moved: None,
    };
    e.ledger().reword(vec![change], at(3)).await.unwrap();
    let waits = e.one(new("waits")).await;
    (e, vec![out, thread, tried, waits])
}

pub async fn what_the_ledger_wrote_itself_is_not_odd<E: Engine>() {
    let (e, _) = lived::<E>().await;
    assert_eq!(e.ledger().oddities().await.unwrap(), [] as [&str; 0]);
}

pub async fn what_a_later_hand_changed_is_named<E: Engine>() {
    let (e, ids) = lived::<E>().await;
    let [out, thread, tried, waits] = ids[..] else {
        panic!("{ids:?}")
    };
    // Each is done, named, and undone.
    for (id, done, undone, named) in [
        (
            waits,
            "UPDATE post SET state = 'odd' WHERE id = 'ID'",
            "UPDATE post SET state = 'due' WHERE id = 'ID'",
            "a state that is none",
        ),
        (
            thread,
            "UPDATE post SET state = 'sent' WHERE id = 'ID'",
            "UPDATE post SET state = 'due' WHERE id = 'ID'",
            "it is sent and parts are left, or all parts are out and it is not sent",
        ),
        (
            out,
            "UPDATE part SET id = NULL WHERE post = POST('ID')",
            "UPDATE part SET id = 'r1' WHERE post = POST('ID')",
            "it is sent, and receipts are missing",
        ),
        (
            out,
            "UPDATE part SET id = 'r9' WHERE post = POST('ID')",
            "UPDATE part SET id = 'r1' WHERE post = POST('ID')",
            "a receipt that the record does not know",
        ),
        (
            thread,
            "UPDATE part SET id = NULL WHERE post = POST('ID')",
            "UPDATE part SET id = 'r2' WHERE post = POST('ID')",
            "a receipt of the record that is not there",
        ),
        (
            tried,
            "UPDATE post SET attempts = 7 WHERE id = 'ID'",
            "UPDATE post SET attempts = 1 WHERE id = 'ID'",
            "its requests are not as many as were counted",
        ),
        (
            tried,
            "UPDATE post SET content = replace(content, 'other words', 'another''s words') WHERE id = 'ID'",
            "UPDATE post SET content = replace(content, 'another''s words', 'other words') WHERE id = 'ID'",
            "it says something else than the record",
        ),
        (
            tried,
            "UPDATE part SET body = '{\"status\": \"x\"}' WHERE post = POST('ID')",
            "UPDATE part SET body = '{}' WHERE post = POST('ID')",
            "the request of part 0 is not what was frozen",
        ),
        (
            waits,
            "UPDATE post SET id = 'ffffffffffffffffffffffffffffffff' WHERE id = 'ID'",
            "UPDATE post SET id = 'ID' WHERE id = 'ffffffffffffffffffffffffffffffff'",
            "the record does not know it",
        ),
    ] {
        let id = id.to_string();
        e.meddle(&done.replace("ID", &id)).await;
        let odd = e.ledger().oddities().await.unwrap();
        assert!(odd.iter().any(|line| line.ends_with(named)), "{named}: {odd:#?}");
        let renamed = done.contains("ffff");
        assert!(renamed || odd.iter().any(|line| line.contains(&id)), "{odd:#?}");
        e.meddle(&undone.replace("ID", &id)).await;
        assert_eq!(e.ledger().oddities().await.unwrap(), [] as [&str; 0], "{undone}");
    }
    e.meddle(&format!("DELETE FROM post WHERE id = '{out}'")).await;
    let odd = e.ledger().oddities().await.unwrap();
    assert!(
        odd.iter()
            .any(|line| line.ends_with("a part or a request of a post that is not there")),
        "{odd:#?}"
    );
}

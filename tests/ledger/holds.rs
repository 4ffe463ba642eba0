//! Who says stop, and what follows when they no longer do.

use steadfast::campaign::AfterHold;
use steadfast::ledger::{Conclusion, Intended, NewPost, Scope};
use steadfast::post::content::Part;
use steadfast::post::state::{Standing, State};

use crate::support::*;

pub async fn each_hand_holds_for_itself<E: Engine>() {
    let e = E::make().await;
    let all = Scope::All;
    let ledger = e.ledger();
    ledger.hold(&all, "one", "ann", at(0)).await.unwrap();
    ledger.hold(&all, "two", "ann", at(1)).await.unwrap();
    ledger.hold(&all, "file", "the file", at(2)).await.unwrap();
    let said: Vec<_> = e
        .held()
        .await
        .into_iter()
        .map(|hold| (hold.why, hold.by, hold.since))
        .collect();
    let expected = [("two", "ann", at(0)), ("file", "the file", at(2))];
    assert_eq!(
        said,
        expected.map(|(why, by, since)| (why.to_owned(), by.to_owned(), since))
    );

    assert_eq!(
        ledger
            .release(&all, "bob", Some("the file"), None, at(3))
            .await
            .unwrap(),
        1
    );
    let open: Vec<_> = e
        .held()
        .await
        .into_iter()
        .filter(|hold| hold.released.is_none())
        .map(|h| h.by)
        .collect();
    assert_eq!(open, ["ann"], "another's hold stays in force");
    assert_eq!(
        ledger
            .release(&Scope::Account(mastodon()), "bob", None, None, at(3))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        ledger.release(&all, "bob", None, None, at(4)).await.unwrap(),
        1,
        "released holds are not released twice"
    );
    assert_eq!(ledger.release(&all, "bob", None, None, at(5)).await.unwrap(), 0);
    ledger.hold(&all, "anew", "ann", at(6)).await.unwrap();
    let released: Vec<_> = e.held().await.into_iter().map(|hold| hold.released).collect();
    assert_eq!(
        released,
        [Some(at(4)), Some(at(3)), None],
        "and a new one is another"
    );
    let since: Vec<_> = ledger.held_since(at(4)).await.unwrap();
    let since: Vec<_> = since.into_iter().map(|hold| hold.why).collect();
    assert_eq!(since, ["two", "anew"], "what was in force then, and since");
}

pub async fn a_released_hold_stops_everything_until_it_is_settled<E: Engine>() {
    for scope in scopes() {
        let e = E::make().await;
        let id = e.one(new("a")).await;
        e.stop(&scope, "ann", -1).await;
        e.ledger()
            .release(&scope, "ann", None, None, at(1))
            .await
            .unwrap();
        let hold = e.held().await.pop().unwrap();
        assert_eq!((&hold.scope, hold.released), (&scope, Some(at(1))));
        assert_eq!(e.ready(at(2), &[]).await, [] as [&str; 0], "{scope}");
        assert_eq!(e.intends(intent(id)).await, Intended::Refused, "{scope}");

        e.ledger().settle(&hold, AfterHold::Send, at(2)).await.unwrap();
        assert_eq!(e.held().await, [], "{scope}");
        assert_eq!(e.ready(at(2), &[]).await, ["a"], "{scope}");
        assert_eq!(e.intends(intent(id)).await, Intended::Durable, "{scope}");
    }
}

pub async fn what_fell_due_during_a_hold_follows_the_campaigns_word<E: Engine>() {
    for (after, state) in [
        (AfterHold::Review, State::Held),
        (AfterHold::Skip, State::Skipped),
        (AfterHold::Send, State::Due),
    ] {
        let e = E::make().await;
        let ledger = e.ledger();
        // Known before the hold, and its turn had come before it.
        ledger.record(vec![new_at("before", -10)], at(-20)).await.unwrap();
        let before = new("before").identity.post_id();
        // Due before it, but its turn came during it, or it was only then seen that it was due.
        ledger.record(vec![new_at("waited", -9)], at(-20)).await.unwrap();
        let waited = new("waited").identity.post_id();
        let turn = Conclusion {
            to: Standing {
                not_before: at(3),
                ..standing(State::Due)
            },
            ..conclusion(waited, State::Due, State::Due)
        };
        assert!(e.concludes(turn).await);
        e.one(new_at("seen-late", -8)).await;
        let during = e.one(new_at("during", 1)).await;
        let retrying = e
            .one(NewPost {
                state: State::Retrying,
                ..new_at("retrying", 2)
            })
            .await;
        let ahead = e.one(new_at("ahead", 20)).await;
        let elsewhere = e
            .one(NewPost {
                due: at(1),
                ..new_on("elsewhere", "bluesky")
            })
            .await;
        let mut thread = saying("thread");
        thread.parts.push(Part::default());
        let thread = e
            .one(NewPost {
                content: thread,
                ..new_at("thread", 1)
            })
            .await;
        e.intends(intent(thread)).await;
        let half = Conclusion {
            to: Standing {
                part: 1,
                ..standing(State::Due)
            },
            ..accepted(thread, "r")
        };
        assert!(e.concludes(half).await);
        let scope = Scope::Account(mastodon());
        e.stop(&scope, "ann", 0).await;
        e.ledger()
            .release(&scope, "ann", None, None, at(9))
            .await
            .unwrap();

        let moved = e
            .ledger()
            .settle(&e.held().await[0], after, at(10))
            .await
            .unwrap();
        let expected = if after == AfterHold::Send {
            vec![]
        } else {
            vec!["during", "retrying", "seen-late", "waited"]
        };
        assert_eq!(
            sorted(moved.iter().map(|post| post.message.to_string()).collect()),
            expected
        );
        assert!(
            moved
                .iter()
                .all(|post| post.standing.state == state && post.standing.why.is_some())
        );
        assert_eq!(e.state(during).await, state);
        let kept = if after == AfterHold::Send {
            State::Retrying
        } else {
            state
        };
        assert_eq!(e.state(retrying).await, kept);
        for id in [before, ahead, elsewhere, thread] {
            assert_eq!(
                e.state(id).await,
                State::Due,
                "{after:?}: {}",
                e.read(id).await.message
            );
        }
    }
}

pub async fn a_hold_in_force_cannot_be_settled<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    e.stop(&Scope::All, "ann", -1).await;
    let hold = e.held().await.pop().unwrap();
    assert_eq!(
        e.ledger().settle(&hold, AfterHold::Skip, at(1)).await.unwrap(),
        []
    );
    assert_eq!(e.state(id).await, State::Due);
    assert_eq!(e.held().await, [hold]);
}

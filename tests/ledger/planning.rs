//! What is recorded, and what of it is next.

use std::time::Duration;

use steadfast::campaign::AfterHold;
use steadfast::ledger::{Change, Conclusion, Fence, NewPost, Post, Scope};
use steadfast::post::content::{Content, Part};
use steadfast::post::identity::{MessageId, Occurrence};
use steadfast::post::state::{Standing, State};

use crate::support::*;

pub async fn any_number_is_recorded_at_once<E: Engine>() {
    let e = E::make().await;
    let posts: Vec<NewPost> = (0..700).map(|n| new(&format!("m{n}"))).collect();
    let ids = e.record(posts).await;
    for id in ids {
        assert_eq!(e.state(id).await, State::Due);
    }
}

pub async fn a_post_reads_back_as_it_was_recorded<E: Engine>() {
    let e = E::make().await;
    let mut post = NewPost {
        late: Duration::from_millis(90_500),
        expires: Some(at(600)),
        recurring: true,
        breaking: true,
        slot: Some(at(-5)),
        state: State::Held,
        why: Some("late".to_owned()),
        content: Content {
            parts: vec![
                Part::default(),
                Part {
                    text: "two \"quoted\" 'parts' 🕊\n".to_owned(),
                    ..Part::default()
                },
            ],
            warn: Some("prison".to_owned()),
            reply_to: Some(message("b")),
            ..saying("a")
        },
        ..new("a")
    };
    post.identity.occurrence = Occurrence::cycle(3);
    let id = e.one(post.clone()).await;
    assert_eq!(
        e.read(id).await,
        Post {
            id: post.identity.post_id(),
            message: post.identity.message,
            account: post.identity.account,
            platform: "sandbox".to_owned(),
            occurrence: post.identity.occurrence,
            due: post.due,
            late: post.late,
            expires: post.expires,
            recurring: true,
            breaking: true,
            slot: post.slot,
            file: "queue.toml".to_owned(),
            parts: 2,
            content: post.content,
            standing: Standing {
                why: Some("late".to_owned()),
                ..standing(State::Held)
            },
            fence: Fence(0),
            attempts: 0,
            error: None,
            began: None,
            sent: None,
            through: 0,
        }
    );
    assert_eq!(e.ledger().post(new("b").identity.post_id()).await.unwrap(), None);
}

pub async fn recording_the_same_post_again_changes_nothing<E: Engine>() {
    let e = E::make().await;
    let first = e.one(new("a")).await;
    let before = e.read(first).await;
    let again = NewPost {
        content: saying("other words"),
        ..new_at("a", 60)
    };
    let fresh = e
        .ledger()
        .record(vec![again, new("b"), new("b")], at(5))
        .await
        .unwrap();
    assert_eq!(fresh, [new("b").identity.post_id()]);
    assert_eq!(e.read(first).await, before);
}

pub async fn a_slot_is_filled_once<E: Engine>() {
    let e = E::make().await;
    let slot = |id| NewPost {
        slot: Some(at(0)),
        ..new(id)
    };
    e.one(slot("a")).await;
    assert_eq!(e.ledger().record(vec![slot("b")], at(0)).await.unwrap(), []);
    let elsewhere = NewPost {
        slot: Some(at(0)),
        ..new_on("b", "bluesky")
    };
    assert_eq!(
        e.ledger().record(vec![elsewhere], at(0)).await.unwrap().len(),
        1,
        "slots are an account's own"
    );
}

pub async fn a_skipped_post_gives_its_slot_back_and_a_retry_does_not_claim_it_again<E: Engine>() {
    let slot = |id| NewPost {
        slot: Some(at(0)),
        ..new(id)
    };
    for how in ["by a person", "after a hold", "at once"] {
        let e = E::make().await;
        let first = if how == "at once" {
            e.one(NewPost {
                state: State::Skipped,
                ..slot("a")
            })
            .await
        } else {
            e.one(slot("a")).await
        };
        if how == "by a person" {
            assert!(e.concludes(conclusion(first, State::Due, State::Skipped)).await);
        } else if how == "after a hold" {
            e.stop(&Scope::All, "ann", -1).await;
            e.ledger()
                .release(&Scope::All, "ann", None, None, at(1))
                .await
                .unwrap();
            e.ledger()
                .settle(&e.held().await[0], AfterHold::Skip, at(1))
                .await
                .unwrap();
        }
        assert_eq!(e.state(first).await, State::Skipped, "{how}");
        let second = e.one(slot("b")).await;
        let third = e.one(new("c")).await;
        // In one breath, so that they may share a transaction.
        let (retried, other) = tokio::join!(
            e.concludes(conclusion(first, State::Skipped, State::Due)),
            e.concludes(conclusion(third, State::Due, State::Held)),
        );
        assert!(retried && other, "{how}");
        assert_eq!(e.state(first).await, State::Due, "{how}");
        assert_eq!(e.read(first).await.slot, None, "{how}");
        assert_eq!(e.read(second).await.slot, Some(at(0)), "{how}");
    }
}

pub async fn only_what_was_certainly_not_accepted_is_reworded<E: Engine>() {
    let e = E::make().await;
    let mut thread = saying("better");
    thread.parts.push(Part::default());
    let reworded = async |id| {
        let before = e.read(id).await;
        let change = Change {
            post: id,
            content: thread.clone(),
            late: Duration::from_secs(7),
            expires: Some(at(70)),
            moved: None,
        };
        e.ledger().reword(vec![change], at(3)).await.unwrap();
        let post = e.read(id).await;
        let followed = (post.late, post.expires) == (Duration::from_secs(7), Some(at(70)));
        assert_eq!(followed, post.content == thread);
        // Whoever was about to send the old words is too late.
        assert_eq!(post.fence != before.fence, followed);
        assert_eq!(usize::from(post.parts), post.content.parts.len());
        post.content == thread
    };
    for state in State::ALL {
        let accepted_or_unknown = [State::Sending, State::InDoubt, State::Sent].contains(&state);
        let id = e
            .one(NewPost {
                state,
                ..new(state.as_str())
            })
            .await;
        assert_eq!(reworded(id).await, !accepted_or_unknown, "{state}");
    }
    // An earlier request of it is unaccounted for, or its first part is out.
    for (id, unsure, part) in [("doubted", Some(unsure()), 0), ("half-out", None, 1)] {
        let id = e.one(new(id)).await;
        let to = Standing {
            unsure,
            part,
            ..standing(State::Due)
        };
        let moved = Conclusion {
            to,
            ..conclusion(id, State::Due, State::Due)
        };
        assert!(e.concludes(moved).await);
        assert!(!reworded(id).await);
    }
}

pub async fn only_what_was_never_tried_is_forgotten<E: Engine>() {
    let e = E::make().await;
    for state in State::ALL {
        let id = e
            .one(NewPost {
                state,
                ..new(state.as_str())
            })
            .await;
        e.ledger().unplan(vec![id], at(3)).await.unwrap();
        let forgotten = e.ledger().post(id).await.unwrap().is_none();
        assert_eq!(
            forgotten,
            [State::Due, State::Retrying].contains(&state),
            "{state}"
        );
    }
    // Back in `due`, but a request for it may have left.
    let again = e.one(new("again")).await;
    e.intends(intent(again)).await;
    assert!(e.concludes(conclusion(again, State::Sending, State::Due)).await);
    e.ledger().unplan(vec![again], at(3)).await.unwrap();
    assert!(e.ledger().post(again).await.unwrap().is_some());
}

pub async fn breaking_posts_are_next_and_then_those_that_wait_longest<E: Engine>() {
    let e = E::make().await;
    let breaking = |id, minutes| NewPost {
        breaking: true,
        ..new_at(id, minutes)
    };
    e.record([
        new_at("late", 2),
        new_at("early", 1),
        breaking("flash", 4),
        breaking("flash-first", 3),
    ])
    .await;
    assert_eq!(
        e.ready(at(10), &[]).await,
        ["flash-first", "flash", "early", "late"]
    );
    let two = e.ledger().claim(&mastodon(), at(10), &[], 2).await.unwrap();
    assert_eq!(two.len(), 2);
}

pub async fn what_is_not_yet_due_elsewhere_blocked_or_at_rest_is_not_ready<E: Engine>() {
    let e = E::make().await;
    e.record([new("a"), new_at("b", 1), new_on("c", "bluesky"), new("d")])
        .await;
    for state in State::ALL.into_iter().filter(|state| *state != State::Due) {
        e.one(NewPost {
            state,
            ..new(state.as_str())
        })
        .await;
    }
    let waiting = ["a", "d", "in_doubt", "retrying"];
    assert_eq!(sorted(e.ready(at(0), &[]).await), waiting);
    assert_eq!(
        sorted(e.ready(at(0), &[message("d"), message("x")]).await),
        ["a", "in_doubt", "retrying"]
    );
    assert_eq!(
        e.ready(at(1), &[]).await.len(),
        waiting.len() + 1,
        "b at its very instant"
    );
}

pub async fn the_next_one_is_the_soonest_after_now_that_nothing_stops<E: Engine>() {
    let e = E::make().await;
    let next = async |now, blocked: &[MessageId]| {
        e.ledger()
            .next_ready(&mastodon(), at(now), blocked)
            .await
            .unwrap()
    };
    assert_eq!(next(0, &[]).await, None);
    e.record([
        new_at("a", 10),
        new_at("b", 20),
        new_on("c", "bluesky"),
        new("done"),
    ])
    .await;
    e.one(NewPost {
        state: State::Held,
        ..new_at("held", 5)
    })
    .await;
    assert_eq!(next(0, &[]).await, Some(at(10)));
    assert_eq!(
        next(10, &[]).await,
        Some(at(20)),
        "what is due at this instant is ready, not next"
    );
    assert_eq!(next(0, &[message("a")]).await, Some(at(20)));
    assert_eq!(next(20, &[]).await, None);
    e.stop(&Scope::Message(message("a")), "ann", 0).await;
    assert_eq!(next(0, &[]).await, Some(at(20)));
    e.stop(&Scope::Account(mastodon()), "ann", 0).await;
    assert_eq!(next(0, &[]).await, None);
}

pub async fn held_posts_are_not_ready<E: Engine>() {
    for (scope, left) in scopes().iter().zip([&[][..], &[], &["b"]]) {
        let e = E::make().await;
        e.record([new("a"), new("b"), new_on("a", "bluesky")]).await;
        e.stop(scope, "ann", 0).await;
        assert_eq!(e.ready(at(1), &[]).await, left, "{scope}");
        let elsewhere = e
            .ledger()
            .claim(&account("bluesky"), at(1), &[], 9)
            .await
            .unwrap();
        assert_eq!(
            elsewhere.len(),
            usize::from(matches!(scope, Scope::Account(_))),
            "{scope}"
        );
    }
}

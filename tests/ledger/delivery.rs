//! Intents and conclusions: hold, intent and answer exclude or follow each other.

use std::collections::BTreeMap;

use steadfast::ledger::{Conclusion, Intended, Intent, NewPost, Scope};
use steadfast::post::content::Part;
use steadfast::post::identity::Occurrence;
use steadfast::post::outcome::{Class, Failure, Receipt};
use steadfast::post::state::{Standing, State};

use crate::support::*;

pub async fn an_intent_keeps_the_standing_and_freezes_the_request<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    let mut first = intent(id);
    first.to.unsure = Some(unsure());
    assert_eq!(e.intends(first.clone()).await, Intended::Durable);
    let post = e.read(id).await;
    assert_eq!((post.standing, post.attempts), (first.to, 1));
    let parts = e.ledger().parts(id).await.unwrap();
    assert_eq!(parts.len(), 1);
    assert_eq!(
        (parts[0].index, &parts[0].key, &parts[0].prepared),
        (0, &key(id), &request("{}"))
    );
    assert_eq!((&parts[0].receipt, parts[0].sent), (&None, None));

    // The same again, without saying it: the frozen one stays.
    e.concludes(conclusion(id, State::Sending, State::InDoubt)).await;
    let repeat = Intent {
        from: State::InDoubt,
        prepared: None,
        ..intent(id)
    };
    assert_eq!(e.intends(repeat).await, Intended::Durable);
    assert_eq!(e.ledger().parts(id).await.unwrap()[0].prepared, request("{}"));

    // Prepared anew after a certain failure: other bytes, never another key (rule 3).
    e.concludes(conclusion(id, State::Sending, State::Retrying)).await;
    let mut anew = Intent {
        from: State::Retrying,
        prepared: Some(request("{2}")),
        ..intent(id)
    };
    anew.key.delivery = new("z").identity.post_id();
    assert_eq!(e.intends(anew).await, Intended::Durable);
    let parts = e.ledger().parts(id).await.unwrap();
    assert_eq!(
        (parts.len(), &parts[0].prepared, parts[0].key),
        (1, &request("{2}"), key(id))
    );
    assert_eq!(e.read(id).await.attempts, 3);
}

pub async fn no_intent_gets_past_a_hold<E: Engine>() {
    for scope in scopes() {
        let e = E::make().await;
        let (a, b) = (e.one(new("a")).await, e.one(new_on("b", "bluesky")).await);
        e.stop(&scope, "ann", 0).await;
        let before = e.read(a).await;
        assert_eq!(e.intends(intent(a)).await, Intended::Refused, "{scope}");
        assert_eq!(e.read(a).await, before, "{scope}: nothing was written");
        assert_eq!(e.attempts(a).await, [], "{scope}");
        assert!(e.ledger().parts(a).await.unwrap().is_empty(), "{scope}");
        let other = e.intends(intent(b)).await;
        let expected = if scope == Scope::All {
            Intended::Refused
        } else {
            Intended::Durable
        };
        assert_eq!(other, expected, "{scope}: what it does not name goes on");
    }
}

pub async fn a_hold_and_an_intent_in_one_breath_never_both_win<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    let ledger = e.ledger();
    let (scope, by) = (Scope::All, "ann");
    let (intended, held) = tokio::join!(e.intends(intent(id)), ledger.hold(&scope, "stop", by, at(1)));
    held.unwrap();
    let state = e.state(id).await;
    match intended {
        Intended::Durable => assert_eq!(state, State::Sending),
        Intended::Refused => assert_eq!(state, State::Due),
        Intended::NotYet(until) => unreachable!("nothing waits until {until}"),
    }
    let later = e.one(new("b")).await;
    assert_eq!(e.intends(intent(later)).await, Intended::Refused);
}

pub async fn an_intent_from_another_state_or_part_or_for_nothing_is_refused<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    let before = e.read(id).await;
    let wrong_state = Intent {
        from: State::Retrying,
        ..intent(id)
    };
    let mut wrong_part = intent(id);
    wrong_part.to.part = 1;
    let nothing = intent(new("b").identity.post_id());
    for wrong in [wrong_state, wrong_part, nothing] {
        assert_eq!(e.intends(wrong).await, Intended::Refused);
    }
    assert_eq!(e.read(id).await, before);
    assert_eq!(e.attempts(id).await, []);
}

pub async fn of_two_intents_for_one_post_one_is_durable<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    let other = Intent {
        prepared: Some(request("{2}")),
        ..intent(id)
    };
    // Handed in together, so that they may share a transaction.
    let (one, two) = tokio::join!(e.intends(intent(id)), e.intends(other));
    let durable = [one, two]
        .into_iter()
        .filter(|intended| *intended == Intended::Durable);
    assert_eq!(durable.count(), 1);
    assert_eq!(e.intends(intent(id)).await, Intended::Refused);
    assert_eq!(e.attempts(id).await.len(), 1);
    assert_eq!(e.read(id).await.attempts, 1);
}

pub async fn a_conclusion_from_another_state_or_part_writes_nothing<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    e.intends(intent(id)).await;
    let before = (
        e.read(id).await,
        e.ledger().parts(id).await.unwrap(),
        e.attempts(id).await,
    );
    let wrong_state = Conclusion {
        from: State::InDoubt,
        ..accepted(id, "1")
    };
    let wrong_part = Conclusion {
        part: 1,
        ..accepted(id, "2")
    };
    let nothing = accepted(new("b").identity.post_id(), "3");
    for wrong in [wrong_state, wrong_part, nothing] {
        assert!(!e.concludes(wrong).await);
    }
    assert_eq!(
        (
            e.read(id).await,
            e.ledger().parts(id).await.unwrap(),
            e.attempts(id).await
        ),
        before
    );
}

pub async fn of_two_conclusions_for_one_post_one_counts<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    e.intends(intent(id)).await;
    let person = conclusion(id, State::Sending, State::Skipped);
    let (one, two) = tokio::join!(e.concludes(accepted(id, "1")), e.concludes(person));
    assert!(one != two, "{one} {two}");
    let post = e.read(id).await;
    let kept = e.ledger().parts(id).await.unwrap()[0].receipt.is_some();
    assert_eq!((post.standing.state == State::Sent, kept), (one, one), "{post:?}");
}

pub async fn a_conclusion_keeps_the_whole_standing<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    let to = Standing {
        state: State::Retrying,
        part: 0,
        tries: 3,
        not_before: at(30),
        late_from: Some(at(20)),
        first_intent: Some(at(1)),
        unsure: Some(unsure()),
        resent: true,
        crashes: 2,
        why: Some("busy".to_owned()),
    };
    assert!(
        e.concludes(Conclusion {
            to: to.clone(),
            ..conclusion(id, State::Due, State::Due)
        })
        .await
    );
    assert_eq!(e.read(id).await.standing, to);
}

pub async fn every_part_of_a_thread_keeps_its_request_and_its_receipt<E: Engine>() {
    let e = E::make().await;
    let mut thread = saying("one");
    thread.parts.push(Part::default());
    let id = e
        .one(NewPost {
            content: thread,
            ..new("a")
        })
        .await;
    let mut ends = Vec::new();
    for part in 0..2_u16 {
        let mut intent = Intent {
            prepared: Some(request(&part.to_string())),
            ..intent(id)
        };
        intent.to.part = part;
        assert_eq!(e.intends(intent).await, Intended::Durable);
        let mut done = accepted(id, &format!("r{part}"));
        done.part = part;
        done.at = at(2 + i64::from(part));
        done.to = Standing {
            part: part + 1,
            ..standing(if part == 0 { State::Due } else { State::Sent })
        };
        assert!(e.concludes(done).await);
        let post = e.read(id).await;
        ends.push((post.began, post.sent, post.standing.part));
        let out = e.ledger().receipts_of(&message("a"), &mastodon()).await.unwrap();
        assert_eq!(
            out.len(),
            usize::from(part) * 2,
            "only a whole thread can be answered"
        );
    }
    assert_eq!(ends, [(Some(at(2)), None, 1), (Some(at(2)), Some(at(3)), 2)]);
    let parts = e.ledger().parts(id).await.unwrap();
    let nobody = new("nobody").identity.post_id();
    let together = e.ledger().parts_of(&[nobody, id]).await.unwrap();
    assert_eq!(together.get(&id), Some(&parts));
    assert!(together.get(&nobody).is_none_or(Vec::is_empty));
    let parts: Vec<_> = parts
        .into_iter()
        .map(|part| (part.index, part.prepared, part.receipt, part.sent))
        .collect();
    assert_eq!(
        parts,
        [
            (0, request("0"), Some(receipt("r0")), Some(at(2))),
            (1, request("1"), Some(receipt("r1")), Some(at(3))),
        ]
    );
    let attempts: Vec<_> = e
        .attempts(id)
        .await
        .into_iter()
        .map(|attempt| (attempt.part, attempt.no))
        .collect();
    assert_eq!(attempts, [(0, 1), (1, 2)]);
}

pub async fn the_receipts_of_a_message_are_those_of_the_post_that_went_out_last<E: Engine>() {
    let e = E::make().await;
    let turn = |n: u32| {
        let mut post = new("a");
        post.identity.occurrence = Occurrence::cycle(n);
        post
    };
    for n in 1..=2 {
        let id = e.one(turn(n)).await;
        e.intends(intent(id)).await;
        let mut pinned = accepted(id, &format!("r{n}"));
        pinned.receipt.as_mut().unwrap().pin = Some("cid".to_owned());
        pinned.at = at(i64::from(n) * 10);
        e.concludes(pinned).await;
    }
    e.one(turn(3)).await;
    let latest = e.ledger().receipts_of(&message("a"), &mastodon()).await.unwrap();
    assert_eq!(
        latest,
        [Receipt {
            pin: Some("cid".to_owned()),
            ..receipt("r2")
        }]
    );
    assert_eq!(
        e.ledger()
            .receipts_of(&message("a"), &account("bluesky"))
            .await
            .unwrap(),
        []
    );
}

pub async fn every_attempt_is_kept_with_what_the_platform_said<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    let classes = [
        (Class::Transient, "transient"),
        (Class::RateLimited { until: Some(at(9)) }, "rate_limited"),
        (Class::Auth, "auth"),
        (Class::Rejected, "rejected"),
        (Class::Duplicate, "duplicate"),
        (Class::InDoubt, "in_doubt"),
    ];
    let mut expected = Vec::new();
    let mut from = State::Due;
    for (no, (class, word)) in (1..).zip(classes) {
        e.intends(Intent { from, ..intent(id) }).await;
        let failure = Failure::new(class, format!("no {no}")).with_status(500 + u16::try_from(no).unwrap());
        let failed = Conclusion {
            failure: Some(failure),
            ..conclusion(id, State::Sending, State::Retrying)
        };
        assert!(e.concludes(failed).await);
        assert_eq!(e.read(id).await.error, Some(format!("no {no}")));
        expected.push(Attempt {
            part: 0,
            no,
            answered: true,
            class: Some(word.to_owned()),
            status: Some(500 + u16::try_from(no).unwrap()),
            words: Some(format!("no {no}")),
        });
        from = State::Retrying;
    }
    e.intends(Intent { from, ..intent(id) }).await;
    let open = Attempt {
        part: 0,
        no: 7,
        answered: false,
        class: None,
        status: None,
        words: None,
    };
    assert_eq!(
        e.attempts(id).await.last(),
        Some(&open),
        "written before its answer is known"
    );
    e.concludes(accepted(id, "r")).await;
    expected.push(Attempt {
        answered: true,
        class: Some("accepted".to_owned()),
        ..open
    });
    assert_eq!(e.attempts(id).await, expected);
    let post = e.read(id).await;
    assert_eq!(
        (post.attempts, post.error),
        (7, None),
        "what is out has no error any more"
    );
}

pub async fn a_person_can_say_that_one_in_doubt_was_accepted<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("a")).await;
    e.intends(intent(id)).await;
    let doubt = Failure::new(Class::InDoubt, "no answer");
    e.concludes(Conclusion {
        failure: Some(doubt),
        ..conclusion(id, State::Sending, State::Held)
    })
    .await;
    let said = Conclusion {
        from: State::Held,
        ..accepted(id, "seen")
    };
    assert!(e.concludes(said).await);
    assert_eq!(
        e.ledger().parts(id).await.unwrap()[0].receipt,
        Some(receipt("seen"))
    );
    let classes: Vec<_> = e
        .attempts(id)
        .await
        .into_iter()
        .map(|attempt| attempt.class)
        .collect();
    assert_eq!(
        classes,
        [Some("in_doubt".to_owned())],
        "the attempt stays what it was"
    );
}

pub async fn an_account_waits_until_it_is_told_otherwise<E: Engine>() {
    let e = E::make().await;
    e.ledger().account_waits(&mastodon(), at(5)).await.unwrap();
    e.ledger()
        .account_waits(&account("bluesky"), at(7))
        .await
        .unwrap();
    e.ledger().account_waits(&mastodon(), at(9)).await.unwrap();
    let expected = BTreeMap::from([(mastodon(), at(9)), (account("bluesky"), at(7))]);
    assert_eq!(e.ledger().waits().await.unwrap(), expected);
}

pub async fn one_with_the_same_request_is_a_rival_as_long_as_it_is_unaccounted_for<E: Engine>() {
    let e = E::make().await;
    let (a, b) = (e.one(new("a")).await, e.one(new("b")).await);
    let doubts = async |id, from, to| {
        let mut doubt = conclusion(id, from, to);
        doubt.to.unsure = Some(unsure());
        assert!(e.concludes(doubt).await);
    };
    for id in [a, b] {
        e.intends(intent(id)).await;
        doubts(id, State::Sending, State::InDoubt).await;
    }
    let post = e.read(b).await;
    let rivals = async |since| e.ledger().rivals(&post, at(since)).await.unwrap();
    assert!(rivals(0).await.twin);
    // To skip it settles nothing; but what was skipped long ago can't be it.
    doubts(a, State::InDoubt, State::Skipped).await;
    assert!(rivals(0).await.twin);
    assert!(!rivals(3).await.twin);
    let said = Conclusion {
        from: State::Skipped,
        ..accepted(a, "seen")
    };
    assert!(e.concludes(said).await);
    let settled = rivals(0).await;
    assert!(!settled.twin && settled.receipts.contains("seen"));
}

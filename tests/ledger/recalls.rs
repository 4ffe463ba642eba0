//! What is published, and what takes it back.

use std::time::Duration;

use steadfast::campaign::AfterHold;
use steadfast::ledger::{Conclusion, Intended, Intent, NewPost, Pace, Published, Scope};
use steadfast::post::content::{Content, Quoted};
use steadfast::post::identity::{Occurrence, PostId};
use steadfast::post::state::{Standing, State};

use crate::support::*;

fn quoting(id: &str, value: &str) -> NewPost {
    let quoted = Quoted {
        value: value.to_owned(),
        source: "https://court.example".to_owned(),
    };
    NewPost {
        content: Content {
            facts: [("verdict".to_owned(), quoted)].into(),
            ..saying(id)
        },
        ..new(id)
    }
}

/// Takes back the post of message `id`.
fn deletion(id: &str, of: PostId) -> NewPost {
    let mut post = NewPost {
        breaking: true,
        content: Content::deletion(&saying(id), of, vec![receipt("1")], None),
        ..new(id)
    };
    post.identity.occurrence = Occurrence::delete(of);
    post
}

async fn published<E: Engine>(e: &E, which: &Published) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = e.ledger().published(which, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.is_sorted_by_key(|post| post.id) && after < Some(last.id));
        after = Some(last.id);
        found.extend(page.into_iter().map(|post| post.message.to_string()));
    }
    sorted(found)
}

pub async fn what_is_out_is_found_by_its_facts_and_by_its_message<E: Engine>() {
    let e = E::make().await;
    let mut out = Vec::new();
    for id in ["a", "b", "c"] {
        out.push(e.sent(quoting(id, "10-2"), id).await);
    }
    e.sent(new("without"), "d").await;
    // Perhaps out: being sent, and in doubt.
    let sending = e.one(quoting("sending", "10-2")).await;
    e.intends(intent(sending)).await;
    let doubted = e.one(quoting("doubted", "10-2")).await;
    e.intends(intent(doubted)).await;
    let doubt = Conclusion {
        to: Standing {
            unsure: Some(unsure()),
            ..standing(State::InDoubt)
        },
        ..conclusion(doubted, State::Sending, State::InDoubt)
    };
    assert!(e.concludes(doubt).await);
    // Not out; and what takes one back is not published itself.
    e.one(quoting("waiting", "10-2")).await;
    e.sent(deletion("a", out[0]), "1").await;

    let verdict = Published::WithFact("verdict".to_owned());
    let expected = ["a", "b", "c", "doubted", "sending"];
    assert_eq!(published(&e, &verdict).await, expected);
    assert_eq!(published(&e, &Published::WithFacts).await, expected);
    assert_eq!(
        published(&e, &Published::WithFact("verdic".to_owned())).await,
        [""; 0]
    );
    assert_eq!(published(&e, &Published::Of(message("a"))).await, ["a"]);
    assert_eq!(published(&e, &Published::Of(message("waiting"))).await, [""; 0]);
    let post = e.read(out[0]).await;
    assert_eq!(post.content.facts["verdict"].value, "10-2");
}

pub async fn what_an_edit_has_given_a_fact_is_found_by_it<E: Engine>() {
    let e = E::make().await;
    let of = e.sent(new("a"), "1").await;
    e.sent(new("b"), "2").await;
    let edited = quoting("a", "11-1").content;
    let mut edit = NewPost {
        content: Content::edit(&saying("a"), edited, of, vec![receipt("1")], None),
        ..new("a")
    };
    edit.identity.occurrence = Occurrence::edit(of, of, ["11-1"].into_iter());
    e.sent(edit, "3").await;
    let verdict = Published::WithFact("verdict".to_owned());
    assert_eq!(
        published(&e, &verdict).await,
        ["a"],
        "the post itself, not its edit"
    );
    assert_eq!(published(&e, &Published::WithFacts).await, ["a"]);
    assert_eq!(
        published(&e, &Published::WithFact("other".to_owned())).await,
        [""; 0]
    );
}

pub async fn a_recall_is_recorded_once_and_found_by_what_it_recalls<E: Engine>() {
    let e = E::make().await;
    let of = e.sent(new("a"), "1").await;
    let other = e.sent(new("b"), "2").await;
    let recall = deletion("a", of);
    let id = e.one(recall.clone()).await;
    assert_eq!(e.ledger().record(vec![recall], at(3)).await.unwrap(), []);
    let found = e.ledger().recalls(&[of, other]).await.unwrap();
    assert_eq!(found.iter().map(|post| post.id).collect::<Vec<_>>(), [id]);
    assert!(found[0].is_recall());
    assert_eq!(found[0].content.deletes().unwrap(), [receipt("1")]);
    assert_eq!(e.ledger().recalls(&[other]).await.unwrap(), []);
}

pub async fn a_recall_is_no_turn_and_takes_no_place_in_the_pace<E: Engine>() {
    let e = E::make().await;
    let of = e.sent(new("a"), "first").await;
    let before = e.ledger().past(&[message("a")], at(5)).await.unwrap();
    let recall = e.one(deletion("a", of)).await;
    let paced = |post| Intent {
        pace: Some(Pace {
            min_gap: Duration::from_mins(10),
            max_per_day: None,
            day: (at(-60), at(600)),
        }),
        at: at(20),
        ..intent(post)
    };
    let gone = Intent {
        at: at(20),
        ..intent(recall)
    };
    assert_eq!(e.intends(gone).await, Intended::Durable);
    assert!(e.concludes(accepted(recall, "first")).await);
    let after = e.ledger().past(&[message("a")], at(5)).await.unwrap();
    assert_eq!((before.turns, before.traffic), (after.turns, after.traffic));
    let receipts = e.ledger().receipts_of(&message("a"), &mastodon()).await.unwrap();
    assert_eq!(receipts, [receipt("first")], "who replies to it answers the post");
    // Another post may go at once.
    let next = e.one(new("next")).await;
    assert_eq!(e.intends(paced(next)).await, Intended::Durable);
}

pub async fn what_the_files_say_of_a_message_does_not_stop_a_recall<E: Engine>() {
    let e = E::make().await;
    let of = e.sent(new("a"), "1").await;
    e.one(deletion("a", of)).await;
    e.one(NewPost {
        breaking: true,
        ..new("b")
    })
    .await;
    let blocked = [message("a"), message("b")];
    assert_eq!(
        e.ready(at(1), &blocked).await,
        ["a"],
        "its fact is retracted: that is why"
    );
    let next = e
        .ledger()
        .next_ready(&mastodon(), at(-1), &blocked)
        .await
        .unwrap();
    assert_eq!(next, Some(at(0)));
}

pub async fn a_deletion_passes_the_holds_that_its_asker_knew_and_no_other<E: Engine>() {
    for scope in scopes() {
        let e = E::make().await;
        let ledger = e.ledger();
        let of = e.sent(new("a"), "1").await;
        let id = e.one(deletion("a", of)).await;
        let ordinary = e.one(new("waiting")).await;
        e.stop(&scope, "ann", 1).await;
        assert_eq!(e.intends(intent(id)).await, Intended::Refused, "{scope}");
        assert!(!e.ready(at(2), &[]).await.contains(&"a".to_owned()), "{scope}");

        let knew = e.held().await[0].said;
        ledger.let_through(vec![id, ordinary], knew, at(2)).await.unwrap();
        assert!(e.ready(at(2), &[]).await.contains(&"a".to_owned()), "{scope}");
        assert_eq!(e.read(ordinary).await.through, 0, "nothing but recalls");

        // Somebody says stop once more, in a hold that is in force already.
        e.stop(&scope, "ann", 3).await;
        assert_eq!(e.intends(intent(id)).await, Intended::Refused, "{scope}");
        assert!(e.held().await[0].stops(&e.read(id).await), "{scope}");
        let knew = e.held().await[0].said;
        ledger.let_through(vec![id], knew, at(4)).await.unwrap();
        assert!(!e.held().await[0].stops(&e.read(id).await), "{scope}");
        // And so does somebody else.
        e.stop(&Scope::All, "bob", 5).await;
        assert_eq!(e.intends(intent(id)).await, Intended::Refused, "{scope}");
        let knew = e.held().await.iter().map(|hold| hold.said).max().unwrap();
        ledger.let_through(vec![id], knew, at(6)).await.unwrap();
        assert_eq!(e.intends(intent(id)).await, Intended::Durable, "{scope}");
    }
}

pub async fn a_deletion_is_not_reviewed_after_a_hold<E: Engine>() {
    let e = E::make().await;
    let of = e.sent(new("a"), "1").await;
    e.stop(&Scope::All, "ann", 0).await;
    let id = e.one(deletion("a", of)).await;
    let mut correction = NewPost {
        breaking: true,
        content: Content::correction(&saying("a"), of, receipt("1"), "It was 11-1.", None),
        ..new("a")
    };
    correction.identity.occurrence = Occurrence::correct(of, "It was 11-1.");
    let correction = e.one(correction).await;
    e.ledger()
        .release(&Scope::All, "ann", None, None, at(2))
        .await
        .unwrap();
    let hold = e.held().await.pop().unwrap();
    e.ledger().settle(&hold, AfterHold::Review, at(3)).await.unwrap();
    assert_eq!(e.state(id).await, State::Due);
    assert_eq!(
        e.state(correction).await,
        State::Held,
        "what is said is looked at"
    );
}

//! A message has another id now: what is known of it goes with it.

use std::collections::BTreeSet;

use steadfast::campaign::AfterHold;
use steadfast::ledger::{Conclusion, Filter, Hold, Intended, NewPost, Published, Rename, Renamed, Scope};
use steadfast::post::content::{Content, Variant};
use steadfast::post::digest::Digest;
use steadfast::post::identity::{Identity, Occurrence};
use steadfast::post::state::State;

use crate::support::*;

fn rename(from: &str, to: &str) -> Rename {
    Rename {
        from: message(from),
        to: message(to),
    }
}

async fn renames<E: Engine>(e: &E, from: &str, to: &str) -> Vec<Renamed> {
    let campaign = new(from).identity.campaign;
    let names = vec![rename(from, to)];
    e.ledger().rename(&campaign, names, at(3)).await.unwrap()
}

fn of(id: &str, posts: u64, holds: u64, notes: u64) -> Renamed {
    Renamed {
        from: message("old"),
        to: message(id),
        posts,
        holds,
        notes,
    }
}

pub async fn what_is_known_of_a_message_goes_with_its_name<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    ledger.know(vec![message("old")], at(-60)).await.unwrap();
    ledger.know(vec![message("new")], at(-1)).await.unwrap();
    ledger.note("share old mastodon 123", "first").await.unwrap();
    ledger
        .note("share older mastodon 123", "another's")
        .await
        .unwrap();
    let mut varied = new("old");
    varied.content.variant = Some(Variant {
        nth: 1,
        text: Digest::of(b"x"),
    });
    let sent = e.sent(varied, "1").await;
    let due = e.one(new_on("old", "bluesky")).await;
    let other = e.one(new("other")).await;

    assert_eq!(renames(&e, "old", "new").await, [of("new", 2, 0, 2)]);

    for id in [sent, due] {
        assert_eq!(e.read(id).await.message, message("new"), "its id stays");
    }
    assert_eq!(e.read(other).await.message, message("other"));
    let (of_new, mastodon) = (message("new"), mastodon());
    assert_eq!(
        ledger.receipts_of(&of_new, &mastodon).await.unwrap(),
        [receipt("1")]
    );
    let past = ledger.past(std::slice::from_ref(&of_new), at(3)).await.unwrap();
    assert_eq!(past.known.get(&of_new), Some(at(-60)), "the earlier instant");
    assert_eq!(past.known.get(&message("old")), None);
    let turns = past.turns[&(of_new.clone(), mastodon.clone())];
    assert_eq!((turns.count, turns.sent), (1, Some(at(2))));
    let variants = ledger.variants(std::slice::from_ref(&of_new)).await.unwrap();
    assert_eq!(variants[&(of_new.clone(), mastodon)].nth, 1);
    let published = ledger.published(&Published::Of(of_new), None, 10).await.unwrap();
    assert_eq!(published.iter().map(|post| post.id).collect::<Vec<_>>(), [sent]);
    let filter = Filter {
        message: Some("new".to_owned()),
        ..Filter::default()
    };
    assert_eq!(ledger.history(&filter).await.unwrap().len(), 2);
    let noted = ledger.noted("share new mastodon 123").await.unwrap();
    assert_eq!(noted.as_deref(), Some("first"));
    assert_eq!(ledger.noted("share old mastodon 123").await.unwrap(), None);
    let others = ledger.noted("share older mastodon 123").await.unwrap();
    assert_eq!(others.as_deref(), Some("another's"));
}

pub async fn a_rename_happens_once<E: Engine>() {
    let e = E::make().await;
    e.one(new("old")).await;
    assert_eq!(renames(&e, "old", "new").await.len(), 1);
    assert_eq!(renames(&e, "old", "new").await, []);
    assert_eq!(renames(&e, "never", "new").await, []);
    let e = e.reopened().await;
    assert_eq!(renames(&e, "old", "new").await, []);
}

pub async fn what_was_recorded_under_the_old_name_is_not_recorded_under_the_new<E: Engine>() {
    let e = E::make().await;
    let first = e.one(new("old")).await;
    assert_eq!(renames(&e, "old", "new").await, [of("new", 1, 0, 0)]);
    let again = e.ledger().record(vec![new("new")], at(4)).await.unwrap();
    assert_eq!(again, []);
    let known = e.ledger().recorded().await.unwrap();
    assert!(known.contains(&first) && known.contains(&new("new").identity.post_id()));

    // And under a third name, whichever of the others is still told.
    let campaign = new("old").identity.campaign;
    let names = vec![rename("new", "newest"), rename("old", "newest")];
    let done = e.ledger().rename(&campaign, names, at(5)).await.unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(e.ledger().record(vec![new("newest")], at(6)).await.unwrap(), []);
    assert!(
        e.ledger()
            .recorded()
            .await
            .unwrap()
            .contains(&new("newest").identity.post_id())
    );

    // And back.
    assert_eq!(renames(&e, "newest", "old").await.len(), 1);
    assert_eq!(e.ledger().record(vec![new("old")], at(7)).await.unwrap(), []);
    assert_eq!(e.read(first).await.message, message("old"));
}

pub async fn what_would_go_out_twice_stays_with_the_old_name<E: Engine>() {
    let e = E::make().await;
    let waiting = e.one(new("old")).await;
    let over = e.sent(new_on("old", "mastodon.2"), "1").await;
    e.sent(new("new"), "2").await;
    e.one(new_on("new", "mastodon.2")).await;
    assert_eq!(renames(&e, "old", "new").await, [of("new", 1, 0, 0)]);
    assert_eq!(
        e.read(waiting).await.message,
        message("old"),
        "the new one has that very post"
    );
    assert_eq!(
        e.read(over).await.message,
        message("new"),
        "it is out, and can be recalled"
    );
}

pub async fn holds_go_with_the_name_and_none_is_lost<E: Engine>() {
    let e = E::make().await;
    let (old, new_scope) = (Scope::Message(message("old")), Scope::Message(message("new")));
    let id = e.one(new("old")).await;
    e.stop(&old, "ann", -9).await;
    e.stop(&old, "bob", -5).await;
    e.stop(&new_scope, "bob", -1).await;
    assert_eq!(renames(&e, "old", "new").await, [of("new", 1, 2, 0)]);

    let held = e.held().await;
    assert_eq!(held.len(), 2, "of two by the same hand one is left");
    assert!(
        held.iter()
            .all(|hold| hold.scope == new_scope && hold.released.is_none())
    );
    assert_eq!((held[0].by.as_str(), held[0].since), ("ann", at(-9)));
    assert_eq!(
        (held[1].by.as_str(), held[1].since),
        ("bob", at(-5)),
        "as long as either"
    );
    assert_eq!(e.intends(intent(id)).await, Intended::Refused);
    assert_eq!(e.ready(at(1), &[]).await, Vec::<String>::new());

    let released = e.ledger().release(&new_scope, "ann", None, None, at(4)).await;
    assert_eq!(released.unwrap(), 2);
    // What is left of a hold that somebody read before it was renamed is settled all the same.
    let read_before = Hold {
        scope: old,
        ..e.held().await[0].clone()
    };
    let moved = e
        .ledger()
        .settle(&read_before, AfterHold::Review, at(5))
        .await
        .unwrap();
    assert_eq!(moved.iter().map(|post| post.id).collect::<Vec<_>>(), [id]);
    assert_eq!(e.state(id).await, State::Held);
}

pub async fn what_is_being_sent_is_concluded_under_the_new_name<E: Engine>() {
    let e = E::make().await;
    let id = e.one(new("old")).await;
    assert_eq!(e.intends(intent(id)).await, Intended::Durable);
    let fence = e.read(id).await.fence;
    renames(&e, "old", "new").await;
    let concluded = Conclusion {
        fence,
        ..accepted(id, "1")
    };
    assert!(e.ledger().conclude(concluded).await.unwrap());
    assert_eq!(e.state(id).await, State::Sent);
}

pub async fn a_recall_asked_for_before_is_not_asked_for_again<E: Engine>() {
    let e = E::make().await;
    let of = e.sent(new("old"), "1").await;
    let deletion = |id: &str| NewPost {
        identity: Identity {
            occurrence: Occurrence::delete(of),
            ..new(id).identity
        },
        content: Content::deletion(&saying("old"), of, vec![receipt("1")], None),
        ..new(id)
    };
    let asked = e.one(deletion("old")).await;
    renames(&e, "old", "new").await;
    assert_eq!(e.ledger().record(vec![deletion("new")], at(4)).await.unwrap(), []);
    let recalls = e.ledger().recalls(&[of]).await.unwrap();
    assert_eq!(recalls.iter().map(|post| post.id).collect::<Vec<_>>(), [asked]);
}

pub async fn who_was_sent_of_late_is_known_by_the_name_of_now<E: Engine>() {
    let e = E::make().await;
    e.sent(new("old"), "1").await;
    e.sent(new("other"), "2").await;
    e.one(new("waiting")).await;
    renames(&e, "old", "new").await;
    let sent = e.ledger().sent_since(at(1)).await.unwrap();
    assert_eq!(sent, BTreeSet::from([message("new"), message("other")]));
    assert_eq!(e.ledger().sent_since(at(3)).await.unwrap(), BTreeSet::new());
}

//! Who has signed in at the dashboard.

use steadfast::ledger::session::{Session, SessionStep};
use steadfast::post::digest::Digest;

use crate::support::*;

fn session(name: &str, minute: i64) -> Session {
    Session {
        id: Digest::of(name.as_bytes()),
        user: format!("it's {name}"),
        password: Digest::of(b"line"),
        began: at(minute),
        seen: at(minute),
    }
}

/// What began or was seen before `since` is forgotten, and there are `most` then.
fn begun(session: &Session, since: i64, most: u32) -> SessionStep {
    SessionStep::Begun {
        session: session.clone(),
        began_after: at(since),
        seen_after: at(since),
        most,
    }
}

pub async fn a_session_is_kept_until_it_is_ended<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let (one, two) = (session("one", 0), session("two", 1));
    assert_eq!(ledger.session(one.id).await.unwrap(), None);
    for session in [&one, &two] {
        ledger.step_session(begun(session, -60, 10)).await.unwrap();
    }
    let e = e.reopened().await;
    let ledger = e.ledger();
    assert_eq!(ledger.session(one.id).await.unwrap().as_ref(), Some(&one));
    ledger
        .step_session(SessionStep::Seen(one.id, at(30)))
        .await
        .unwrap();
    // A clock that is behind says nothing new.
    ledger
        .step_session(SessionStep::Seen(one.id, at(20)))
        .await
        .unwrap();
    let seen = Session {
        seen: at(30),
        ..one.clone()
    };
    assert_eq!(ledger.session(one.id).await.unwrap(), Some(seen));
    ledger.step_session(SessionStep::Ended(one.id)).await.unwrap();
    ledger.step_session(SessionStep::Ended(one.id)).await.unwrap();
    ledger
        .step_session(SessionStep::Seen(one.id, at(40)))
        .await
        .unwrap();
    assert_eq!(ledger.session(one.id).await.unwrap(), None);
    assert_eq!(ledger.session(two.id).await.unwrap(), Some(two));
}

pub async fn old_sessions_make_room_and_so_do_the_longest_unused<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let all: Vec<Session> = (0..5).map(|n| session(&format!("s{n}"), n)).collect();
    for session in &all {
        ledger.step_session(begun(session, -60, 10)).await.unwrap();
    }
    ledger
        .step_session(SessionStep::Seen(all[2].id, at(9)))
        .await
        .unwrap();
    // The first is too old, and of the rest two may stay.
    let new = session("new", 10);
    ledger.step_session(begun(&new, 1, 3)).await.unwrap();
    let mut left = Vec::new();
    for (n, session) in all.iter().enumerate() {
        left.extend(ledger.session(session.id).await.unwrap().map(|_| n));
    }
    assert_eq!(left, [2, 4]);
    assert_eq!(ledger.session(new.id).await.unwrap(), Some(new));
}

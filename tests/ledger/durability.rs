//! What was written is there, whatever happens.

use steadfast::ledger::Scope;

use crate::support::*;

pub async fn a_ledger_that_is_opened_again_says_the_same<E: Engine>() {
    let e = E::make().await;
    let sent = e.sent(new("a"), "r").await;
    let sending = e.one(new("b")).await;
    e.intends(intent(sending)).await;
    e.stop(&Scope::Message(message("b")), "ann", 0).await;
    let rung = e.ledger().ring().await.unwrap();
    e.ledger().know(vec![message("a")], at(0)).await.unwrap();
    e.ledger().account_waits(&mastodon(), at(5)).await.unwrap();
    let before = (
        e.read(sent).await,
        e.read(sending).await,
        e.held().await,
        e.ledger().parts(sent).await.unwrap(),
    );
    let e = e.reopened().await;
    let after = (
        e.read(sent).await,
        e.read(sending).await,
        e.held().await,
        e.ledger().parts(sent).await.unwrap(),
    );
    assert_eq!(after, before);
    assert_eq!(e.ledger().bell().await.unwrap(), rung);
    assert_eq!(e.ledger().waits().await.unwrap().len(), 1);
    let past = e.ledger().past(&[], at(0)).await.unwrap();
    assert_eq!(
        (
            e.ledger().recorded().await.unwrap().len(),
            past.known.get(&message("a")).is_some()
        ),
        (2, true)
    );
    assert_eq!(
        e.ledger().record(vec![new("a"), new("b")], at(9)).await.unwrap(),
        []
    );
}

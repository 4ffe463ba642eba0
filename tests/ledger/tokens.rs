//! What accounts were signed in for: one renewal at a time, and no answer that is forgotten (reliability P11).

use std::time::Duration;

use steadfast::ledger::Ledger;
use steadfast::ledger::token::{KeptToken, Moved, Step, TokenWords};

use crate::support::*;

const DONE: Moved = Moved::Done { lost: false };
const LOST: Moved = Moved::Done { lost: true };
const MINUTE: Duration = Duration::from_mins(1);

pub fn words(access: &str, refresh: Option<&str>) -> TokenWords {
    TokenWords {
        identity: Some("@casewatch".to_owned()),
        access: access.to_owned(),
        refresh: refresh.map(str::to_owned),
        issued: at(0),
        expires: Some(at(120)),
        refresh_expires: None,
        scopes: "read write".to_owned(),
    }
}

/// A step of the account `x`.
async fn step(ledger: &dyn Ledger, step: Step) -> Moved {
    ledger.step_token(&account("x"), step, at(1)).await.unwrap()
}

async fn begin(ledger: &dyn Ledger, version: i64, lease: Duration) -> Moved {
    step(ledger, Step::Begin { version, lease }).await
}

async fn not_renewed(ledger: &dyn Ledger, version: i64, lost: bool, again: Duration) -> Moved {
    let stepping = Step::NotRenewed { version, lost, again };
    step(ledger, stepping).await
}

async fn kept(ledger: &dyn Ledger) -> KeptToken {
    ledger.tokens(Some(&account("x"))).await.unwrap().remove(0)
}

pub async fn a_token_is_kept_as_it_was_granted_and_a_new_one_takes_its_place<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let ledger = &*ledger;
    assert_eq!(ledger.tokens(None).await.unwrap(), []);
    let first = words("one", Some("r1"));
    assert_eq!(step(ledger, Step::SignedIn(first.clone())).await, DONE);
    let other = TokenWords {
        identity: None,
        refresh: None,
        expires: None,
        refresh_expires: Some(at(9)),
        scopes: String::new(),
        ..words("other", None)
    };
    let signed = Step::SignedIn(other.clone());
    ledger.step_token(&account("a"), signed, at(1)).await.unwrap();

    let e = e.reopened().await;
    let ledger = e.ledger();
    let ledger = &*ledger;
    let row = |name: &str, version, words| KeptToken {
        account: account(name),
        version,
        words,
        refused: None,
        renewing: None,
        until: None,
    };
    let all = ledger.tokens(None).await.unwrap();
    assert_eq!(all, [row("a", 1, other), row("x", 1, first)]);
    let second = words("two", Some("r2"));
    assert_eq!(step(ledger, Step::SignedIn(second.clone())).await, DONE);
    assert_eq!(kept(ledger).await, row("x", 2, second));
}

pub async fn one_renews_a_token_and_all_others_wait<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let ledger = &*ledger;
    assert_eq!(begin(ledger, 1, MINUTE).await, Moved::Otherwise);
    step(ledger, Step::SignedIn(words("one", Some("r1")))).await;
    let begun = futures_of(ledger).await;
    assert_eq!(
        begun.iter().filter(|moved| **moved == DONE).count(),
        1,
        "{begun:?}"
    );
    assert_eq!(begun.iter().filter(|moved| **moved == Moved::NotNow).count(), 9);
    let stepping = Step::Renewed {
        version: 1,
        words: TokenWords {
            identity: None,
            ..words("two", Some("r2"))
        },
    };
    assert_eq!(step(ledger, stepping.clone()).await, DONE);
    let now = kept(ledger).await;
    assert_eq!(
        (now.version, &*now.words.access, now.words.refresh.as_deref()),
        (2, "two", Some("r2"))
    );
    assert_eq!(now.words.identity.as_deref(), Some("@casewatch"));
    assert_eq!((now.renewing, now.until), (None, None));
    // A late one changes nothing, whatever it says.
    for late in [
        stepping,
        Step::Begin {
            version: 1,
            lease: MINUTE,
        },
        Step::Refused {
            version: 1,
            why: "no".to_owned(),
        },
        Step::NotRenewed {
            version: 1,
            lost: true,
            again: MINUTE,
        },
    ] {
        assert_eq!(step(ledger, late).await, Moved::Otherwise);
    }
    assert_eq!(kept(ledger).await, now);
}

/// Ten who would renew the same.
async fn futures_of(ledger: &dyn Ledger) -> Vec<Moved> {
    let one = || begin(ledger, 1, MINUTE);
    let ten = tokio::join!(
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one()
    );
    <[Moved; 10]>::from(ten).to_vec()
}

pub async fn an_answer_that_nobody_saw_is_remembered_until_one_is_seen<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let ledger = &*ledger;
    step(ledger, Step::SignedIn(words("one", Some("r1")))).await;
    // Killed before the answer was stored: its lease runs out, and whoever is next knows.
    assert_eq!(begin(ledger, 1, Duration::ZERO).await, DONE);
    let e = e.reopened().await;
    let ledger = e.ledger();
    let ledger = &*ledger;
    assert!(kept(ledger).await.renewing.is_some());
    assert_eq!(begin(ledger, 1, Duration::ZERO).await, LOST);
    // It did not leave: what was lost before is lost still.
    assert_eq!(not_renewed(ledger, 1, true, Duration::ZERO).await, DONE);
    assert_eq!(begin(ledger, 1, Duration::ZERO).await, LOST);
    let stepping = Step::Renewed {
        version: 1,
        words: words("two", Some("r2")),
    };
    assert_eq!(step(ledger, stepping).await, DONE);
    assert_eq!(begin(ledger, 2, Duration::ZERO).await, DONE);
    // Certainly not taken.
    assert_eq!(not_renewed(ledger, 2, false, Duration::ZERO).await, DONE);
    assert_eq!(begin(ledger, 2, Duration::ZERO).await, DONE);
    // And not again at once.
    assert_eq!(not_renewed(ledger, 2, false, MINUTE).await, DONE);
    assert_eq!(begin(ledger, 2, MINUTE).await, Moved::NotNow);
}

pub async fn a_refused_token_is_renewed_by_nobody_until_somebody_signs_in<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let ledger = &*ledger;
    step(ledger, Step::SignedIn(words("one", Some("r1")))).await;
    let why = "it was revoked".to_owned();
    assert_eq!(
        step(
            ledger,
            Step::Refused {
                version: 1,
                why: why.clone()
            }
        )
        .await,
        DONE
    );
    assert_eq!(kept(ledger).await.refused, Some(why.clone()));
    assert_eq!(begin(ledger, 1, MINUTE).await, Moved::Otherwise);
    let renewed = Step::Renewed {
        version: 1,
        words: words("two", None),
    };
    assert_eq!(step(ledger, renewed).await, Moved::Otherwise);
    assert_eq!(
        step(ledger, Step::SignedIn(words("three", Some("r3")))).await,
        DONE
    );
    let now = kept(ledger).await;
    assert_eq!((now.version, now.refused), (2, None));
    assert_eq!(begin(ledger, 2, MINUTE).await, DONE);
}

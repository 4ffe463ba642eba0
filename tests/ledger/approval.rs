//! Who approved what, and when.

use steadfast::campaign::approval::Approval;
use steadfast::post::digest::Digest;

use crate::support::*;

/// A word of approval; without content, it is withdrawn.
pub fn word(id: &str, by: &str, minutes: i64, content: Option<&str>) -> (Approval, String) {
    let approval = Approval {
        message: message(id),
        by: by.to_owned(),
        at: at(minutes),
        digest: content.map(|content| Digest::of(content.as_bytes())),
    };
    (approval, content.unwrap_or_default().to_owned())
}

pub async fn approvals_are_kept_in_the_order_in_which_they_were_said<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    assert_eq!(ledger.approvals().await.unwrap(), []);
    assert_eq!(ledger.approved_last(&message("a")).await.unwrap(), None);
    let said = [
        word("a", "ann", 0, Some("one\nline")),
        word("b", "ann", 0, Some("b")),
        word("a", "Ben O'Neil", 1, Some("two")),
        word("a", "ann", 2, None),
    ];
    ledger.approve(said[..2].to_vec()).await.unwrap();
    ledger.approve(said[2..].to_vec()).await.unwrap();
    let e = e.reopened().await;
    let ledger = e.ledger();
    let kept = said.clone().map(|(approval, _)| approval);
    assert_eq!(ledger.approvals().await.unwrap(), kept);
    // What was approved last is there to compare with, whether it was withdrawn or not.
    let last = async |id| ledger.approved_last(&message(id)).await.unwrap();
    assert_eq!(last("a").await.as_deref(), Some("two"));
    assert_eq!(last("b").await.as_deref(), Some("b"));
    assert_eq!(last("c").await, None);
}

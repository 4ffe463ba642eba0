//! Who approved what, and when.

use steadfast::campaign::approval::Approval;
use steadfast::post::digest::Digest;

use crate::support::*;

fn word(id: &str, by: &str, minutes: i64, content: Option<&str>) -> (Approval, String) {
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

pub async fn approvals_stand_in_the_record_and_a_later_hand_shows<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let said = [word("a", "ann", 0, Some("words")), word("a", "ben", 1, None)];
    ledger.approve(said.to_vec()).await.unwrap();
    let record: Vec<(String, serde_json::Value)> = ledger
        .events(None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|event| (event.kind, serde_json::from_str(&event.data).unwrap()))
        .collect();
    let digest = Digest::of(b"words").to_string();
    let approved = serde_json::json!({"message": "a", "by": "ann", "digest": digest, "content": "words"});
    let withdrawn = serde_json::json!({"message": "a", "by": "ben"});
    assert_eq!(
        record,
        [
            ("approved".to_owned(), approved),
            ("withdrawn".to_owned(), withdrawn)
        ]
    );
    assert_eq!(ledger.oddities().await.unwrap(), [] as [&str; 0]);
    let forged = [
        "INSERT INTO approval (message, by, at, digest, content) VALUES ('c', 'ann', 1, 'ff', 'forged')"
            .to_owned(),
        format!(
            "INSERT INTO approval (message, by, at, digest, content) SELECT 'a', 'carl', at, digest, content FROM approval WHERE digest = '{digest}'"
        ),
    ];
    for row in forged {
        e.meddle(&row).await;
    }
    let odd = ledger.oddities().await.unwrap();
    assert_eq!(odd.len(), 2, "{odd:?}");
    assert!(
        odd.iter()
            .all(|line| line.ends_with("an approval that the record does not know")),
        "{odd:?}"
    );
    assert!(odd.iter().any(|line| line.starts_with("message c:")), "{odd:?}");
}

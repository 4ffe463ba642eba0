//! What the ledger's own check finds: rows that no daemon writes.

use std::time::Duration;

use steadfast::ledger::{Change, Conclusion};
use steadfast::post::digest::Digest;
use steadfast::post::identity::PostId;
use steadfast::post::state::{Standing, State};

use crate::approval::word;
use crate::support::*;

/// A thread of which a part is out, one that is out, one that was tried, reworded and retried, one that waits.
async fn lived<E: OnDisk>() -> (E, Vec<PostId>) {
    let e = E::make().await;
    let accepts = |id, receipt, state| Conclusion {
        to: Standing {
            part: 1,
            ..standing(state)
        },
        ..accepted(id, receipt)
    };
    let out = e.one(new("out")).await;
    e.intends(intent(out)).await;
    assert!(e.concludes(accepts(out, "r1", State::Sent)).await);
    let mut thread = new("thread");
    thread.content.parts.push(thread.content.parts[0].clone());
    let thread = e.one(thread).await;
    e.intends(intent(thread)).await;
    assert!(e.concludes(accepts(thread, "r2", State::Due)).await);
    let tried = e.one(new("tried")).await;
    e.intends(intent(tried)).await;
    assert!(
        e.concludes(conclusion(tried, State::Sending, State::Retrying))
            .await
    );
    let change = Change {
        post: tried,
        content: saying("other words, with a \u{0} and a \\u0000"),
        late: Duration::from_hours(1),
        expires: None,
        moved: None,
    };
    e.ledger().reword(vec![change], at(3)).await.unwrap();
    let waits = e.one(new("waits")).await;
    (e, vec![out, thread, tried, waits])
}

pub async fn what_the_ledger_wrote_itself_is_not_odd<E: OnDisk>() {
    let (e, _) = lived::<E>().await;
    assert_eq!(e.ledger().oddities().await.unwrap(), [] as [&str; 0]);
}

pub async fn what_a_later_hand_changed_is_named<E: OnDisk>() {
    let (e, ids) = lived::<E>().await;
    let [out, thread, tried, waits] = ids[..] else {
        panic!("{ids:?}")
    };
    // Each is done, named, and undone.
    for (id, done, undone, named) in [
        (
            waits,
            "UPDATE post SET state = 'odd' WHERE id = 'ID'",
            "UPDATE post SET state = 'due' WHERE id = 'ID'",
            "a state that is none",
        ),
        (
            thread,
            "UPDATE post SET state = 'sent' WHERE id = 'ID'",
            "UPDATE post SET state = 'due' WHERE id = 'ID'",
            "it is sent and parts are left, or all parts are out and it is not sent",
        ),
        (
            out,
            "UPDATE part SET id = NULL WHERE post = POST('ID')",
            "UPDATE part SET id = 'r1' WHERE post = POST('ID')",
            "it is sent, and receipts are missing",
        ),
        (
            out,
            "UPDATE part SET id = 'r9' WHERE post = POST('ID')",
            "UPDATE part SET id = 'r1' WHERE post = POST('ID')",
            "a receipt that the record does not know",
        ),
        (
            thread,
            "UPDATE part SET id = NULL WHERE post = POST('ID')",
            "UPDATE part SET id = 'r2' WHERE post = POST('ID')",
            "a receipt of the record that is not there",
        ),
        (
            tried,
            "UPDATE post SET attempts = 7 WHERE id = 'ID'",
            "UPDATE post SET attempts = 1 WHERE id = 'ID'",
            "its requests are not as many as were counted",
        ),
        (
            tried,
            "UPDATE post SET content = replace(content, 'other words', 'another''s words') WHERE id = 'ID'",
            "UPDATE post SET content = replace(content, 'another''s words', 'other words') WHERE id = 'ID'",
            "it says something else than the record",
        ),
        (
            tried,
            "UPDATE part SET body = '{\"status\": \"x\"}' WHERE post = POST('ID')",
            "UPDATE part SET body = '{}' WHERE post = POST('ID')",
            "the request of part 0 is not what was frozen",
        ),
        (
            waits,
            "UPDATE post SET id = 'ffffffffffffffffffffffffffffffff' WHERE id = 'ID'",
            "UPDATE post SET id = 'ID' WHERE id = 'ffffffffffffffffffffffffffffffff'",
            "the record does not know it",
        ),
    ] {
        let id = id.to_string();
        e.meddle(&done.replace("ID", &id)).await;
        let odd = e.ledger().oddities().await.unwrap();
        assert!(odd.iter().any(|line| line.ends_with(named)), "{named}: {odd:#?}");
        let renamed = done.contains("ffff");
        assert!(renamed || odd.iter().any(|line| line.contains(&id)), "{odd:#?}");
        e.meddle(&undone.replace("ID", &id)).await;
        assert_eq!(e.ledger().oddities().await.unwrap(), [] as [&str; 0], "{undone}");
    }
    e.meddle(&format!("DELETE FROM post WHERE id = '{out}'")).await;
    let odd = e.ledger().oddities().await.unwrap();
    assert!(
        odd.iter()
            .any(|line| line.ends_with("a part or a request of a post that is not there")),
        "{odd:#?}"
    );
}

pub async fn approvals_stand_in_the_record_and_a_later_hand_shows<E: OnDisk>() {
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

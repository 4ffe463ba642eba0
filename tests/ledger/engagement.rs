//! What the platforms counted is kept, and whom to ask after is known.

use steadfast::ledger::NewPost;
use steadfast::ledger::engagement::{AskedAfter, Counted, Reading, Span};
use steadfast::post::content::Content;
use steadfast::post::engagement::Counts;
use steadfast::post::identity::PostId;

use crate::support::*;

fn likes(likes: u64) -> Counts {
    Counts {
        likes: Some(likes),
        views: Some(u64::from(u32::MAX) + likes),
        ..Counts::default()
    }
}

fn reading(post: PostId, minutes: i64, counts: Counts) -> Reading {
    Reading {
        post,
        at: at(minutes),
        counts,
    }
}

pub async fn what_was_counted_is_kept_by_post_in_the_order_of_time<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let first = e.sent(new("first"), "1").await;
    let second = e.sent(new_at("second", 1), "2").await;
    let old = e.sent(new_at("old", -60), "3").await;
    let nobody = new("nobody").identity.post_id();
    let readings = vec![
        reading(first, 90, likes(2)),
        reading(second, 60, Counts::default()),
        reading(first, 60, likes(1)),
        reading(old, 60, likes(9)),
        reading(nobody, 60, likes(9)),
    ];
    ledger.count(readings).await.unwrap();
    // Two replicas looked at once.
    ledger.count(vec![reading(first, 60, likes(7))]).await.unwrap();
    ledger.count(Vec::new()).await.unwrap();

    let counted = |post, message: &str, id: &str, readings| Counted {
        post,
        message: crate::support::message(message),
        account: mastodon(),
        platform: "sandbox".into(),
        sent: at(2),
        url: Some(format!("https://m.example/{id}")),
        readings,
    };
    let mut all = ledger.counted(&Span::since(at(0))).await.unwrap();
    all.sort_by(|a, b| a.message.cmp(&b.message));
    let expected = [
        counted(first, "first", "1", vec![(at(60), likes(1)), (at(90), likes(2))]),
        counted(second, "second", "2", vec![(at(60), Counts::default())]),
    ];
    assert_eq!(all, expected);
    assert_eq!(ledger.counted(&Span::since(at(-60))).await.unwrap().len(), 3);
    let old = Span {
        until: at(0),
        ..Span::since(at(-60))
    };
    let found = ledger.counted(&old).await.unwrap();
    assert_eq!(found.len(), 1, "what was due before: {found:?}");
    let second = Span {
        message: Some(crate::support::message("second")),
        ..Span::since(at(-60))
    };
    let found = ledger.counted(&second).await.unwrap();
    assert_eq!(found, [expected[1].clone()]);
}

pub async fn what_is_out_in_our_own_words_is_asked_after<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let ours = e.sent(new("ours"), "1").await;
    e.one(new("waits")).await;
    e.sent(new_on("elsewhere", "bluesky"), "2").await;
    e.sent(new_at("old", -60), "3").await;
    let share = Content {
        share: Some("https://ally.example/@ann/7".into()),
        ..saying("")
    };
    let share = NewPost {
        content: share,
        ..new("share")
    };
    e.sent(share, "4").await;
    let talks = saying("They said \"share\": so we do. \u{0}");
    let talks = NewPost {
        content: talks,
        ..new_at("talks", 1)
    };
    let talks = e.sent(talks, "5").await;

    ledger
        .count(vec![reading(ours, 60, likes(1)), reading(ours, 90, likes(1))])
        .await
        .unwrap();
    let mut asked = ledger.asked_after(&mastodon(), at(0)).await.unwrap();
    asked.sort_by(|a, b| a.receipt.id.cmp(&b.receipt.id));
    let expected = |post, id: &str, last| AskedAfter {
        post,
        sent: at(2),
        receipt: receipt(id),
        last,
    };
    assert_eq!(
        asked,
        [expected(ours, "1", Some(at(90))), expected(talks, "5", None)]
    );
}

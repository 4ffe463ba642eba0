//! Who said what of a post.

use steadfast::ledger::{NewPost, Spoken, Voice};
use steadfast::post::state::State;

use crate::support::*;

pub async fn who_decides_about_a_post_is_written_down_with_what_it_does<E: Engine>() {
    let e = E::make().await;
    let ledger = e.ledger();
    let voice = |act, by: &str| {
        Some(Voice {
            act,
            by: by.to_owned(),
        })
    };
    let asked = NewPost {
        voice: voice("post", "ann"),
        ..new("asked")
    };
    let id = e.one(asked.clone()).await;
    // What is recorded already is not asked for again.
    ledger.record(vec![asked], at(1)).await.unwrap();
    let planned = e.one(new("planned")).await;
    e.concludes(conclusion(id, State::Due, State::Held)).await;
    let skipped = conclusion(id, State::Held, State::Skipped).said("skip", "Ben O'Neil");
    e.concludes(skipped.clone()).await;
    // Who comes too late has said nothing.
    assert!(!ledger.conclude(skipped).await.unwrap());

    let e = e.reopened().await;
    let ledger = e.ledger();
    let spoken = |act: &str, by: &str, minute| Spoken {
        post: id,
        act: act.to_owned(),
        by: by.to_owned(),
        at: at(minute),
    };
    let expected = [spoken("post", "ann", 0), spoken("skip", "Ben O'Neil", 2)];
    assert_eq!(ledger.spoken(&[planned, id]).await.unwrap(), expected);
    assert_eq!(ledger.spoken(&[planned]).await.unwrap(), []);
    assert_eq!(ledger.spoken(&[]).await.unwrap(), []);
    // The record has it, too.
    let events = ledger.events(None, 100).await.unwrap();
    let said: Vec<(String, String)> = events
        .iter()
        .filter_map(|event| {
            let data: serde_json::Value = serde_json::from_str(&event.data).ok()?;
            Some((data["act"].as_str()?.to_owned(), data["by"].as_str()?.to_owned()))
        })
        .collect();
    let pair = |act: &str, by: &str| (act.to_owned(), by.to_owned());
    if !events.is_empty() {
        assert_eq!(said, [pair("post", "ann"), pair("skip", "Ben O'Neil")]);
    }
}

//! How the public answered on Nostr: what relays are asked, what is counted of their answers, and what is not.

use serde_json::{Value, json};
use steadfast::platform::Platform;
use steadfast::platform::nostr::{Event, Signer};
use steadfast::platform::secret::Secret;
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Receipt};

use crate::relay::{CHALLENGE, Manner, Relay};
use crate::support::{Bench, NSEC, SECRET_KEY, now, receipt};

fn signer(key: &str) -> Signer {
    Signer::new(&Secret::new(key)).unwrap()
}

/// A post of ours.
fn ours(words: &str) -> Event {
    signer(SECRET_KEY).sign(now().as_second() - 9000, 1, Vec::new(), words.into())
}

/// What somebody else made of it, `age` seconds ago.
fn theirs(age: i64, kind: u16, tags: &[&[&str]], words: &str) -> Event {
    let tags = tags
        .iter()
        .map(|tag| tag.iter().map(ToString::to_string).collect());
    signer(&"11".repeat(32)).sign(now().as_second() - age, kind, tags.collect(), words.into())
}

fn open(bench: &Bench, relays: &[&Relay]) -> Box<dyn Platform> {
    let relays: Vec<String> = relays
        .iter()
        .map(|relay| format!("'{}'", relay.socket()))
        .collect();
    let keys = format!("relays = [{}]\nsecret_key = 'SECRET({NSEC})'", relays.join(", "));
    bench.open("nostr", &keys)
}

fn of(events: &[&Event]) -> Vec<Receipt> {
    events
        .iter()
        .map(|event| receipt(&event.id.to_string(), None))
        .collect()
}

fn counts(likes: u64, shares: u64, replies: u64, quotes: u64) -> Counts {
    Counts {
        likes: Some(likes),
        shares: Some(shares),
        replies: Some(replies),
        quotes: Some(quotes),
        views: None,
    }
}

#[tokio::test]
async fn relays_are_asked_once_for_many_posts_and_each_event_counts_once() {
    let relays = [Relay::start(Manner::Take).await, Relay::start(Manner::Take).await];
    let (one, two, gone) = (ours("One."), ours("Two."), ours("Gone."));
    let (a, b) = (one.id.to_string(), two.id.to_string());
    let (a, b) = (a.as_str(), b.as_str());
    let like = theirs(1, 7, &[&["e", a]], "+");
    for relay in &relays {
        relay.keep(like.clone());
    }
    relays[0].keep(one.clone());
    relays[1].keep(two.clone());
    let other = "ee".repeat(32);
    for (which, event) in [
        // Any sign but that against; the last that it names is meant.
        (
            1,
            theirs(
                2,
                7,
                &[&["e", b], &["e", a, "wss://x.example"], &["p", &one.pubkey]],
                "🌸",
            ),
        ),
        (0, theirs(3, 7, &[&["e", a]], "")),
        (0, theirs(4, 7, &[&["e", a]], "-")),
        (
            1,
            theirs(5, 6, &[&["e", a, "wss://x.example"], &["p", &one.pubkey]], "{}"),
        ),
        (0, theirs(6, 16, &[&["e", b, ""], &["k", "1"]], "")),
        // Answers: to the root, to another answer, the older way, and none at all.
        (0, theirs(7, 1, &[&["e", a, "", "root"]], "Yes.")),
        (
            1,
            theirs(8, 1, &[&["e", a, "", "root"], &["e", b, "", "reply"]], "Yes."),
        ),
        (1, theirs(9, 1, &[&["e", &other], &["e", b]], "Yes.")),
        (1, theirs(10, 1, &[&["e", a, "", "mention"]], "See.")),
        // Quotes, one of them an answer too.
        (
            0,
            theirs(11, 1, &[&["q", a, "", &one.pubkey], &["q", a]], "Read."),
        ),
        (0, theirs(12, 1, &[&["q", a], &["e", b, "", "root"]], "Read.")),
        // A long text, and a comment of another kind.
        (0, theirs(13, 30023, &[&["e", a]], "Long.")),
    ] {
        relays[which].keep(event);
    }
    let mut forged = theirs(14, 7, &[&["e", a]], "+");
    forged.content = "🤝".into();
    relays[0].keep(forged);
    let bench = Bench::new();
    let account = open(&bench, &[&relays[0], &relays[1]]);
    let mut posts = of(&[&one, &two, &gone]);
    posts.push(receipt("https://example.org/by-hand", None));
    let told = account.engagement(&posts).await.unwrap();
    let nothing = Counts::default();
    assert_eq!(told, [counts(3, 1, 1, 2), counts(0, 1, 3, 0), nothing, nothing]);
    let ids = json!([one.id, two.id, gone.id]);
    for relay in &relays {
        assert_eq!(
            relay.heard(),
            [json!(["REQ", "look",
                {"ids": ids, "limit": 3},
                {"#e": ids, "kinds": [1, 6, 7, 16], "limit": 300},
                {"#q": ids, "kinds": [1], "limit": 300}])]
        );
    }
}

#[tokio::test]
async fn a_post_is_asked_for_by_its_address_too_and_without_any_nobody_is_asked() {
    let relay = Relay::start(Manner::Take).await;
    let one = ours("One.");
    relay.keep(one.clone());
    let bench = Bench::new();
    let account = open(&bench, &[&relay]);
    let entered = receipt("by hand", None);
    let addressed = Receipt {
        url: Some(format!("https://njump.me/{}", one.id)),
        ..entered.clone()
    };
    let told = account.engagement(&[entered.clone(), addressed]).await.unwrap();
    assert_eq!(told, [Counts::default(), counts(0, 0, 0, 0)]);
    assert_eq!(account.engagement(&[entered]).await.unwrap(), [Counts::default()]);
    assert_eq!(relay.heard_of("REQ").len(), 1);
}

#[tokio::test]
async fn a_relay_that_gives_only_so_many_is_asked_for_what_is_older() {
    let relay = Relay::start(Manner::Take).await;
    let one = ours("One.");
    let id = one.id.to_string();
    relay.keep(one.clone());
    relay.gives(100);
    // Three in each second, so that a page ends between two of one.
    for number in 0..250 {
        relay.keep(theirs(number / 3, 7, &[&["e", &id]], &format!("{number}")));
    }
    for number in 0..3 {
        relay.keep(theirs(500 + number, 1, &[&["q", &id]], &format!("{number}")));
    }
    let bench = Bench::new();
    let account = open(&bench, &[&relay]);
    assert_eq!(
        account.engagement(&of(&[&one])).await.unwrap(),
        [counts(250, 0, 0, 3)]
    );
    let asked: Vec<Value> = relay
        .heard_of("REQ")
        .iter()
        .map(|said| said[2]["until"].clone())
        .collect();
    let at = |age: i64| json!(now().as_second() - age);
    assert_eq!(
        asked,
        [Value::Null, Value::Null, at(33), at(66), Value::Null],
        "all, its answers page by page, its quotes"
    );
}

#[tokio::test]
async fn a_page_of_one_second_is_no_reason_to_ask_for_ever() {
    let relay = Relay::start(Manner::Take).await;
    let one = ours("One.");
    let id = one.id.to_string();
    relay.keep(one.clone());
    relay.gives(100);
    for number in 0..120 {
        relay.keep(theirs(1, 7, &[&["e", &id]], &format!("{number}")));
    }
    let bench = Bench::new();
    let account = open(&bench, &[&relay]);
    assert_eq!(
        account.engagement(&of(&[&one])).await.unwrap(),
        [counts(100, 0, 0, 0)]
    );
    assert_eq!(relay.heard_of("REQ").len(), 4);
}

#[tokio::test]
async fn one_relay_that_answers_is_enough_and_none_is_never_a_nought() {
    let relay = Relay::start(Manner::Take).await;
    let one = ours("One.");
    relay.keep(one.clone());
    relay.keep(theirs(1, 7, &[&["e", &one.id.to_string()]], "+"));
    for manner in [
        Manner::Cut,
        Manner::Shut("error: too many tags"),
        Manner::Shut("restricted: not on the list"),
    ] {
        let silent = Relay::start(manner).await;
        let bench = Bench::new();
        let both = open(&bench, &[&silent, &relay]);
        assert_eq!(both.engagement(&of(&[&one])).await.unwrap(), [counts(1, 0, 0, 0)]);
        let alone = open(&bench, &[&silent]);
        let failure = alone.engagement(&of(&[&one])).await.unwrap_err();
        assert_eq!(failure.class, Class::Transient, "{failure}");
        assert!(failure.words.starts_with("127.0.0.1: "), "{failure}");
    }
}

#[tokio::test]
async fn a_relay_that_wants_to_know_who_asks_is_told() {
    let relay = Relay::start(Manner::Auth(true)).await;
    let one = ours("One.");
    relay.keep(one.clone());
    let bench = Bench::new();
    let account = open(&bench, &[&relay]);
    assert_eq!(
        account.engagement(&of(&[&one])).await.unwrap(),
        [counts(0, 0, 0, 0)]
    );
    let heard = relay.heard_of("AUTH");
    assert_eq!(heard[0][1]["tags"][1], json!(["challenge", CHALLENGE]));
}

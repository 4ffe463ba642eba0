//! Nostr: exact events, what relays answer, several relays, and images on their own server.

use std::time::{Duration, Instant};

use base64::Engine as _;
use jiff::SignedDuration;
use proptest::prelude::*;
use secp256k1::{XOnlyPublicKey, schnorr};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use steadfast::platform::nostr::{self, Event, Pointer, Signer, Uploaded};
use steadfast::platform::secret::Secret;
use steadfast::platform::{Among, Deletion, Platform, Prepared, Sealed};
use steadfast::post::digest::Digest;
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Failure, Found, Receipt};
use steadfast::post::shared::Look;

use crate::relay::{CHALLENGE, Manner, Relay};
use crate::support::{Bench, Draft, NSEC, SECRET_KEY, deletion_of, now, receipt};

fn signer() -> Signer {
    Signer::new(&Secret::new(SECRET_KEY)).unwrap()
}

/// Somebody else.
fn ally() -> Signer {
    Signer::new(&Secret::new("11".repeat(32))).unwrap()
}

fn note(words: &str) -> Event {
    ally().sign(now().as_second() - 60, 1, Vec::new(), words.into())
}

fn event(prepared: &Prepared) -> Event {
    serde_json::from_str(&prepared.body).unwrap()
}

fn request(draft: &Draft) -> Event {
    event(&nostr::request(&draft.out(), &signer(), &[]).unwrap())
}

fn tags(event: &Event) -> Value {
    json!(event.tags)
}

/// An account with these relays.
fn open(bench: &Bench, relays: &[&Relay], more: &str) -> Box<dyn Platform> {
    let relays: Vec<String> = relays.iter().map(|relay| relay.socket()).collect();
    let keys = format!(
        "relays = {}\nsecret_key = 'SECRET({NSEC})'\n{more}",
        json!(relays)
    );
    bench.open("nostr", &keys)
}

async fn send(relays: &[&Relay], more: &str) -> Result<Receipt, Failure> {
    let bench = Bench::with_deadline(Duration::from_secs(2));
    let account = open(&bench, relays, more);
    Draft::text("A fair hearing.").send(account.as_ref()).await
}

async fn class(manner: Manner) -> Class {
    send(&[&Relay::start(manner).await], "").await.unwrap_err().class
}

// What is said.

/// The id and the signature are checked here without our own code.
#[test]
fn an_event_is_hashed_and_signed_as_the_manual_says() {
    let draft = Draft::text("Line one\nand \"two\" \\ three\t¿Qué? 🌸").link("https://example.org/caso");
    let event = request(&draft);
    let key: XOnlyPublicKey = event.pubkey.parse().unwrap();
    let said = json!([
        0,
        event.pubkey,
        event.created_at,
        event.kind,
        event.tags,
        event.content
    ]);
    let id: [u8; 32] = Sha256::digest(said.to_string()).into();
    assert_eq!(event.id.bytes(), id);
    let signature: schnorr::Signature = event.sig.parse().unwrap();
    schnorr::verify(&signature, &id, &key).unwrap();
    assert_eq!((event.kind, event.created_at), (1, now().as_second()));
    assert!(event.is_genuine());
    for changed in [
        Event {
            content: "x".into(),
            ..event.clone()
        },
        Event {
            created_at: 1,
            ..event.clone()
        },
        Event {
            id: Digest::of(b"x"),
            ..event.clone()
        },
        Event {
            pubkey: ally().public(),
            ..event.clone()
        },
        Event {
            sig: "00".repeat(64),
            ..event.clone()
        },
        Event {
            pubkey: "no key".into(),
            ..event.clone()
        },
    ] {
        assert!(!changed.is_genuine(), "{changed:?}");
    }
    // The order on the wire is the manual's.
    let body = serde_json::to_string(&event).unwrap();
    let places = ["id", "pubkey", "created_at", "kind", "tags", "content", "sig"]
        .map(|name| body.find(&format!("\"{name}\":")).unwrap());
    assert!(places.is_sorted());
}

/// One that libraries of the protocol use as their example, with quotes and breaks in it.
#[test]
fn what_others_signed_is_genuine() {
    let content = "NOSTR \"WINE-ACCOUNT\" WITH HARVEST DATE STAMPED\n\n\n\"The older the wine, the greater its reputation\"\n\n\n22a12a128a3be27cd7fb250cbe796e692896398dc1440ae3fa567812c8107c1c\n\n\nNWA 2022-12-12\nAA";
    let event: Event = serde_json::from_value(json!({
        "id": "d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027",
        "pubkey": "22a12a128a3be27cd7fb250cbe796e692896398dc1440ae3fa567812c8107c1c",
        "created_at": 1_670_869_179,
        "kind": 1,
        "tags": [["client", "astral"]],
        "content": content,
        "sig": "f110e4fdf67835fb07abc72469933c40bdc7334615610cade9554bf00945a1cebf84f8d079ec325d26fefd76fe51cb589bdbe208ac9cdbd63351ddad24a57559",
    }))
    .unwrap();
    assert!(event.is_genuine(), "{event:?}");
}

/// NIP-01: seven characters are escaped, all others stand for themselves.
#[test]
fn each_character_is_hashed_as_the_manual_writes_it() {
    let said = |content: &str| nostr::serialized("ab", 7, 1, &[], content);
    let around = |content: &str| format!("[0,\"ab\",7,1,[],\"{content}\"]");
    for (given, written) in [
        ("\n", "\\n"),
        ("\"", "\\\""),
        ("\\", "\\\\"),
        ("\r", "\\r"),
        ("\t", "\\t"),
        ("\u{8}", "\\b"),
        ("\u{c}", "\\f"),
        ("/", "/"),
        ("\u{7f}", "\u{7f}"),
        ("\u{0}", "\u{0}"),
        ("\u{1f}", "\u{1f}"),
        ("\u{2028}", "\u{2028}"),
        ("é 🌸 <&>", "é 🌸 <&>"),
    ] {
        assert_eq!(said(given), around(written), "{given:?}");
    }
    let tags = [
        vec!["t".to_owned(), "a\"b".to_owned()],
        vec![],
        vec!["-".to_owned()],
    ];
    assert_eq!(
        nostr::serialized("ab", -7, 65535, &tags, ""),
        r#"[0,"ab",-7,65535,[["t","a\"b"],[],["-"]],""]"#
    );
}

proptest! {
    /// Read by a JSON library, once the controls that it does not take are out of the way, it says what was put in;
    /// and it is as long as the manual's rule makes it.
    #[test]
    fn what_is_hashed_is_json_that_says_the_same(content in any::<String>(), tag in any::<String>(), at in any::<i64>()) {
        const SHORT: [char; 7] = ['\n', '"', '\\', '\r', '\t', '\u{8}', '\u{c}'];
        let said = nostr::serialized("ab", at, 1, &[vec![tag.clone()]], &content);
        let escaped = |text: &str| text.len() + text.chars().filter(|c| SHORT.contains(c)).count();
        let frame = format!("[0,\"ab\",{at},1,[[\"\"]],\"\"]").len();
        prop_assert_eq!(said.len(), frame + escaped(&content) + escaped(&tag));
        let raw = |c: char| c < ' ';
        let readable: String = said.chars().map(|c| if raw(c) { '\u{fffd}' } else { c }).collect();
        let plain = |text: &str| -> String {
            text.chars().map(|c| if raw(c) && !SHORT.contains(&c) { '\u{fffd}' } else { c }).collect()
        };
        let read: Value = serde_json::from_str(&readable).unwrap();
        prop_assert_eq!(read, json!([0, "ab", at, 1, [[plain(&tag)]], plain(&content)]));
    }
}

#[test]
fn a_text_goes_with_its_hashtags_links_warning_and_language() {
    let mut draft =
        Draft::text("Lea: https://a.example/x #Justicia #justicia").link("https://example.org/caso");
    draft.warn = Some("cárcel".into());
    let event = request(&draft);
    assert_eq!(
        event.content,
        "Lea: https://a.example/x #Justicia #justicia\n\nhttps://example.org/caso"
    );
    assert_eq!(
        tags(&event),
        json!([
            ["r", "https://a.example/x"],
            ["t", "justicia"],
            ["r", "https://example.org/caso"],
            ["content-warning", "cárcel"],
            ["L", "ISO-639-1"],
            ["l", "es", "ISO-639-1"],
        ])
    );
    // A language that has no two letters has no label there.
    let mut draft = Draft::text("Hello.");
    draft.language = "haw".into();
    assert_eq!(tags(&request(&draft)), json!([]));
}

#[test]
fn people_and_posts_in_a_text_are_told_of_it() {
    let npub = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6";
    let theirs = Pointer {
        id: Digest::of(b"theirs"),
        relay: Some("wss://relay.example".into()),
        author: ally().public().parse().ok(),
        kind: Some(1),
    };
    let nevent = theirs.nevent().unwrap();
    let mut draft = Draft::text(&format!(
        "Thanks nostr:{npub}, for nostr:{nevent}! Not nostr:npub1x."
    ));
    draft.language = String::new();
    let key = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d";
    assert_eq!(
        tags(&request(&draft)),
        json!([
            ["p", key],
            ["q", theirs.id, "wss://relay.example", ally().public()]
        ])
    );
}

#[test]
fn parts_of_a_thread_name_its_root_and_the_part_before_and_come_after_each_other() {
    let at = |id: Digest| Pointer {
        id,
        relay: Some("wss://relay.example".into()),
        author: signer().public().parse().ok(),
        kind: Some(1),
    };
    let receipt = |words: &[u8]| {
        let id = Digest::of(words);
        Receipt::named(
            id.to_string(),
            Some(format!("https://njump.me/{}", at(id).nevent().unwrap())),
        )
    };
    let [one, two] = [receipt(b"one"), receipt(b"two")];
    let mut draft = Draft::text("Next.");
    draft.language = String::new();
    draft.parent = Some(one.clone());
    draft.root = Some(one.clone());
    draft.index = 1;
    let e = |receipt: &Receipt, marker: &str| {
        json!(["e", receipt.id, "wss://relay.example", marker, signer().public()])
    };
    assert_eq!(tags(&request(&draft)), json!([e(&one, "root")]));
    draft.parent = Some(two.clone());
    draft.index = 2;
    let third = request(&draft);
    assert_eq!(tags(&third), json!([e(&one, "root"), e(&two, "reply")]));
    assert_eq!(third.created_at, now().as_second() + 2);
    // Of one that a person has entered, the id is enough.
    draft.parent = Some(Receipt::named(
        format!("nostr:{}", at(Digest::of(b"one")).nevent().unwrap()),
        None,
    ));
    draft.root = None;
    assert_eq!(tags(&request(&draft)), json!([e(&one, "root")]));
    draft.parent = Some(Receipt::named("told by a person", None));
    let refused = nostr::request(&draft.out(), &signer(), &[]).unwrap_err();
    assert_eq!(refused.class, Class::Rejected);
    assert!(refused.words.contains("told by a person"), "{refused}");
}

#[test]
fn a_repost_holds_what_it_shares_unless_its_author_minds() {
    let draft = Draft::text("");
    let shared = |event: &Event| {
        self::event(&nostr::share_request(
            &draft.out(),
            &signer(),
            event,
            "wss://r.example",
        ))
    };
    let theirs = note("Ours too.");
    let repost = shared(&theirs);
    assert_eq!((repost.kind, &repost.pubkey), (6, &signer().public()));
    assert_eq!(
        tags(&repost),
        json!([["e", theirs.id, "wss://r.example"], ["p", theirs.pubkey]])
    );
    assert_eq!(serde_json::from_str::<Event>(&repost.content).unwrap(), theirs);
    let article = ally().sign(1, 30023, vec![vec!["d".into(), "x".into()]], "# Long".into());
    let repost = shared(&article);
    assert_eq!(repost.kind, 16);
    assert_eq!(repost.tags[2], ["k", "30023"]);
    let kept = ally().sign(1, 1, vec![vec!["-".into()]], "Here only.".into());
    assert_eq!(shared(&kept).content, "");
}

#[test]
fn a_deletion_names_the_event_and_its_kind_as_far_as_they_are_known() {
    let gone = |receipt: &Receipt| {
        let gone = deletion_of(receipt);
        nostr::deletion(&gone, &signer())
    };
    let id = Digest::of(b"ours");
    let nevent = Pointer {
        id,
        relay: None,
        author: None,
        kind: Some(6),
    }
    .nevent()
    .unwrap();
    let whole = Receipt::named(id.to_string(), Some(format!("https://njump.me/{nevent}")));
    let event = event(&gone(&whole).unwrap());
    assert_eq!((event.kind, tags(&event)), (5, json!([["e", id], ["k", "6"]])));
    let bare = self::event(&gone(&receipt(&id.to_string(), None)).unwrap());
    assert_eq!(tags(&bare), json!([["e", id]]));
    let unknown = gone(&Receipt::named("told by a person", None)).unwrap_err();
    assert_eq!(unknown.class, Class::Rejected);
}

// What is answered.

#[tokio::test]
async fn an_event_goes_to_every_relay_and_the_receipt_says_where_it_is() {
    let [one, two] = [Relay::start(Manner::Take).await, Relay::start(Manner::Take).await];
    let bench = Bench::new();
    let account = open(&bench, &[&one, &two], "");
    let draft = Draft::text("A fair hearing.");
    let prepared = account.prepare(&draft.out()).await.unwrap();
    let frozen = event(&prepared);
    let sealed = Sealed {
        prepared,
        key: draft.key(),
    };
    let receipt = account.publish(&sealed).await.unwrap();
    for relay in [&one, &two] {
        assert_eq!(relay.kept(), std::slice::from_ref(&frozen));
        assert_eq!(
            relay.heard(),
            [json!(["EVENT", frozen])],
            "and nothing else was said"
        );
    }
    assert_eq!(
        (receipt.id.clone(), receipt.altered.clone()),
        (frozen.id.to_string(), None)
    );
    let at = Pointer::parse(
        receipt
            .url
            .as_deref()
            .unwrap()
            .strip_prefix("https://njump.me/")
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        at,
        Pointer {
            id: frozen.id,
            relay: Some(one.socket()),
            author: frozen.pubkey.parse().ok(),
            kind: Some(1),
        }
    );
    // Another site shows it too.
    let elsewhere = open(&bench, &[&one, &two], "gateway = 'https://g.example'");
    let shown = elsewhere.publish(&sealed).await.unwrap().url.unwrap();
    assert_eq!(
        shown.replace("https://g.example", "https://njump.me"),
        receipt.url.clone().unwrap()
    );
    // The same again is no other.
    assert_eq!(account.publish(&sealed).await.unwrap(), receipt);
    assert_eq!(one.kept().len(), 1);
}

#[tokio::test]
async fn each_answer_of_a_relay_has_its_class() {
    for (yes, words, expected) in [
        (false, "blocked: you are banned", Class::Rejected),
        (
            false,
            "invalid: event creation date is too far off",
            Class::Rejected,
        ),
        (false, "pow: difficulty 26 is less than 30", Class::Rejected),
        (
            false,
            "rate-limited: slow down",
            Class::RateLimited { until: None },
        ),
        (false, "restricted: not on the list", Class::Auth),
        // It never said what is to be signed.
        (false, "auth-required: who are you?", Class::Auth),
        (
            false,
            "error: could not connect to the database",
            Class::Transient,
        ),
        (false, "deleted: user requested deletion", Class::Gone),
    ] {
        let relay = Relay::start(Manner::Answer(yes, words)).await;
        let failure = send(&[&relay], "").await.unwrap_err();
        assert_eq!(failure.class, expected, "{words}");
        assert_eq!(failure.words, format!("127.0.0.1: {words}"));
        assert_eq!(relay.heard().len(), 1, "{words}");
    }
    for (yes, words) in [
        (true, ""),
        (true, "pow: difficulty 25>=24"),
        (true, "duplicate: already have this event"),
        (false, "duplicate: already have this event"),
    ] {
        let relay = Relay::start(Manner::Answer(yes, words)).await;
        assert_eq!(send(&[&relay], "").await.unwrap().altered, None, "{words}");
    }
}

#[tokio::test]
async fn what_is_no_answer_leaves_it_in_doubt_and_is_never_repeated() {
    for manner in [
        Manner::Cut,
        Manner::TakeAndCut,
        Manner::Hang,
        Manner::Last("<html>oh</html>"),
        Manner::Last(r#"["OK","0000",true,""]"#),
        Manner::Last(r#"["OK"]"#),
        Manner::Last(r#"["NOTICE","error: bad msg"]"#),
    ] {
        let relay = Relay::start(manner).await;
        let failure = send(&[&relay], "").await.unwrap_err();
        assert_eq!(failure.class, Class::InDoubt, "{failure}");
        assert_eq!(relay.heard_of("EVENT").len(), 1);
    }
    let failure = send(
        &[&Relay::start(Manner::Last(r#"["NOTICE","bad msg"]"#)).await],
        "",
    )
    .await
    .unwrap_err();
    assert!(failure.words.ends_with("it said: bad msg"), "{failure}");
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_the_same_event_again() {
    let relay = Relay::start(Manner::TakeAndCut).await;
    let bench = Bench::new();
    let account = open(&bench, &[&relay], "");
    let draft = Draft::text("Once.");
    let sealed = Sealed {
        prepared: account.prepare(&draft.out()).await.unwrap(),
        key: draft.key(),
    };
    assert_eq!(account.publish(&sealed).await.unwrap_err().class, Class::InDoubt);
    relay.behaves(Manner::Answer(false, "duplicate: have it"));
    let receipt = account.publish(&sealed).await.unwrap();
    assert_eq!(
        (receipt.id, relay.kept().len()),
        (relay.kept()[0].id.to_string(), 1)
    );
}

#[tokio::test]
async fn a_relay_that_never_ends_is_not_heard_to_its_end() {
    let chatter = format!(r#"["NOTICE","{}"]"#, "x".repeat(60_000));
    let whole = format!(r#"["NOTICE","{}"]"#, "x".repeat(2 << 20));
    for words in [chatter, whole] {
        let start = Instant::now();
        assert_eq!(class(Manner::Chatter(words)).await, Class::InDoubt);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    // Short words come until the time is over.
    assert_eq!(
        class(Manner::Chatter(r#"["NOTICE",""]"#.into())).await,
        Class::InDoubt
    );
}

#[tokio::test]
async fn one_that_asks_who_speaks_is_told_and_given_the_event_again() {
    let relay = Relay::start(Manner::Auth(true)).await;
    let receipt = send(&[&relay], "").await.unwrap();
    assert_eq!(relay.kept()[0].id.to_string(), receipt.id);
    let verbs: Vec<Value> = relay.heard().iter().map(|said| said[0].clone()).collect();
    assert_eq!(verbs, ["EVENT", "AUTH", "EVENT"]);
    let answer: Event = serde_json::from_value(relay.heard()[1][1].clone()).unwrap();
    assert_eq!((answer.kind, answer.created_at), (22242, now().as_second()));
    assert_eq!(
        tags(&answer),
        json!([["relay", relay.socket()], ["challenge", CHALLENGE]])
    );

    let closed = Relay::start(Manner::Auth(false)).await;
    let failure = send(&[&closed], "").await.unwrap_err();
    assert_eq!(
        (failure.class, failure.words.as_str()),
        (Class::Auth, "127.0.0.1: restricted: not on the list")
    );
    assert_eq!(closed.heard_of("EVENT").len(), 1);
}

// Several relays.

#[tokio::test]
async fn one_relay_that_has_it_is_enough_and_the_others_are_told_of() {
    let [good, bad] = [
        Relay::start(Manner::Take).await,
        Relay::start(Manner::Answer(false, "blocked: banned")).await,
    ];
    let receipt = send(&[&bad, &good], "").await.unwrap();
    assert_eq!(
        receipt.altered.unwrap(),
        "only 1 of 2 relays have it; 127.0.0.1: blocked: banned"
    );
    let at = Pointer::parse(&receipt.url.unwrap()).unwrap();
    assert_eq!(
        at.relay,
        Some(good.socket()),
        "where it is, not where it was refused"
    );
}

#[tokio::test]
async fn a_relay_that_hangs_holds_up_a_post_for_seconds_and_not_for_the_whole_deadline() {
    let [good, hangs] = [Relay::start(Manner::Take).await, Relay::start(Manner::Hang).await];
    let bench = Bench::with_deadline(Duration::from_mins(1));
    let account = open(&bench, &[&hangs, &good], "");
    let start = Instant::now();
    let receipt = Draft::text("Now.").send(account.as_ref()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(receipt.altered.unwrap().contains("did not answer"));
}

#[tokio::test]
async fn with_more_that_are_to_have_it_the_rest_is_told_again() {
    let [one, two] = [Relay::start(Manner::Take).await, Relay::start(Manner::Cut).await];
    let bench = Bench::new();
    let account = open(&bench, &[&one, &two], "enough = 2");
    let draft = Draft::text("Twice kept.");
    let sealed = Sealed {
        prepared: account.prepare(&draft.out()).await.unwrap(),
        key: draft.key(),
    };
    let failure = account.publish(&sealed).await.unwrap_err();
    assert_eq!(failure.class, Class::InDoubt);
    assert!(
        failure
            .words
            .starts_with("only 1 of 2 relays have it; 127.0.0.1: "),
        "{failure}"
    );
    two.behaves(Manner::Take);
    assert_eq!(account.publish(&sealed).await.unwrap().altered, None);
    assert_eq!((one.kept().len(), two.kept().len()), (1, 1));
}

#[tokio::test]
async fn a_deletion_reaches_every_relay_that_has_the_post() {
    let relays = [Relay::start(Manner::Take).await, Relay::start(Manner::Take).await];
    let [one, two] = &relays;
    let bench = Bench::new();
    let account = open(&bench, &[one, two], "");
    let receipt = Draft::text("Wrong.").send(account.as_ref()).await.unwrap();
    let delete = async || {
        let gone = deletion_of(&receipt);
        let prepared = account.prepare_deletion(&gone).await.unwrap();
        let key = Draft::text("").key();
        account.delete(&Sealed { prepared, key }).await
    };
    two.behaves(Manner::Answer(false, "error: no database"));
    assert_eq!(delete().await.unwrap_err().class, Class::InDoubt);
    two.behaves(Manner::Answer(false, "blocked: banned"));
    let refused = delete().await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected, "{refused}");
    two.behaves(Manner::Take);
    assert_eq!(delete().await, Ok(()));
    for relay in &relays {
        assert!(
            relay.kept().iter().all(|event| event.kind == 5),
            "{:?}",
            relay.kept()
        );
    }
    // One that never had it, and takes nothing from us, does not stand in the way.
    let third = Relay::start(Manner::Answer(false, "blocked: banned")).await;
    let receipt = receipt.clone();
    let account = open(&bench, &[one, &third], "");
    let gone = Deletion {
        receipt: &receipt,
        below: false,
        key: Draft::text("").key(),
        campaign: "c",
        message: "m",
        now: now(),
    };
    let prepared = account.prepare_deletion(&gone).await.unwrap();
    assert_eq!(
        account
            .delete(&Sealed {
                prepared,
                key: gone.key
            })
            .await,
        Ok(())
    );
}

// What others have.

fn among() -> Among {
    Among {
        since: now(),
        taken: std::collections::HashSet::new(),
    }
}

#[tokio::test]
async fn a_post_is_found_by_its_id_and_its_absence_is_believed_of_those_who_answer() {
    let relay = Relay::start(Manner::Take).await;
    let silent = Relay::start(Manner::Cut).await;
    let bench = Bench::new();
    let draft = Draft::text("Here?");
    let both = open(&bench, &[&silent, &relay], "");
    let sealed = Sealed {
        prepared: both.prepare(&draft.out()).await.unwrap(),
        key: draft.key(),
    };
    assert_eq!(
        both.find(&sealed, &among()).await.unwrap_err().class,
        Class::Transient
    );
    let one = open(&bench, &[&relay], "");
    assert_eq!(one.find(&sealed, &among()).await, Ok(Found::Absent));
    let sent = one.publish(&sealed).await.unwrap();
    assert_eq!(both.find(&sealed, &among()).await, Ok(Found::Here(sent)));
    let asked = &relay.heard_of("REQ")[0];
    assert_eq!(
        asked[2],
        json!({ "ids": [event(&sealed.prepared).id], "limit": 1 })
    );
}

#[tokio::test]
async fn anothers_post_is_read_and_shared_by_every_address_and_never_forged() {
    let relay = Relay::start(Manner::Take).await;
    let theirs = note("We stand with them.");
    relay.keep(theirs.clone());
    let bench = Bench::new();
    let account = open(&bench, &[&relay], "");
    let nevent = Pointer {
        id: theirs.id,
        relay: Some("ws://127.0.0.1:1".into()),
        author: None,
        kind: None,
    }
    .nevent()
    .unwrap();
    for url in [
        format!("https://njump.me/{nevent}"),
        format!("https://primal.net/e/{}", theirs.id),
    ] {
        assert_eq!(
            account.read(&url).await.unwrap(),
            Ok(Look::There(theirs.id)),
            "{url}"
        );
        let mut draft = Draft::text("");
        draft.share = Some(url);
        let receipt = draft.send(account.as_ref()).await.unwrap();
        let repost = relay
            .kept()
            .into_iter()
            .find(|event| event.id.to_string() == receipt.id)
            .unwrap();
        assert_eq!(
            (repost.kind, repost.tags[0].clone()),
            (6, vec!["e".into(), theirs.id.to_string(), relay.socket()])
        );
        assert_eq!(Pointer::parse(&receipt.url.unwrap()).unwrap().kind, Some(6));
    }
    let elsewhere = format!("https://njump.me/{}", Digest::of(b"nowhere"));
    assert_eq!(account.read(&elsewhere).await.unwrap(), Ok(Look::Gone));
    let mut draft = Draft::text("");
    draft.share = Some(elsewhere);
    assert_eq!(
        account.prepare(&draft.out()).await.unwrap_err().class,
        Class::Rejected
    );
    let person = account
        .read("https://njump.me/npub1x")
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(person.class, Class::Rejected);
    // A relay that gives other words under that id is not believed.
    let forged = Relay::start(Manner::Take).await;
    forged.keep(Event {
        content: "We do not.".into(),
        ..theirs.clone()
    });
    let account = open(&bench, &[&forged], "");
    assert_eq!(account.read(&nevent).await.unwrap(), Ok(Look::Gone));
    // One that asks who reads is told.
    let members = Relay::start(Manner::Auth(true)).await;
    members.keep(theirs.clone());
    let account = open(&bench, &[&members], "");
    assert_eq!(account.read(&nevent).await.unwrap(), Ok(Look::There(theirs.id)));
    let closed = Relay::start(Manner::Shut("error: shutting down idle subscription")).await;
    let account = open(&bench, &[&closed], "");
    assert_eq!(
        account.read(&nevent).await.unwrap().unwrap_err().class,
        Class::Transient
    );
}

// Images.

#[tokio::test]
async fn an_image_goes_to_its_server_first_and_the_event_says_where_it_is() {
    let relay = Relay::start(Manner::Take).await;
    let bench = Bench::new();
    let account = open(&bench, &[&relay], &format!("media = '{}'", relay.url));
    let draft = Draft::text("Look.\n").image();
    let event = event(&account.prepare(&draft.out()).await.unwrap());
    let bytes = b"\x89PNG pixels";
    let sha256 = Digest::of(bytes);
    let url = format!("{}/{sha256}.png", relay.url);
    assert_eq!(event.content, format!("Look.\n\n{url}"));
    assert_eq!(
        json!(event.tags.last().unwrap()),
        json!([
            "imeta",
            format!("url {url}"),
            "m image/png",
            format!("x {sha256}"),
            "dim 64x48",
            "alt The court"
        ])
    );
    let (head, body) = relay.uploads().remove(0);
    assert_eq!(body, bytes);
    assert!(head.contains("content-type: image/png\r\n"), "{head}");
    let permit = head
        .split("authorization: Nostr ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let permit = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(permit)
        .unwrap();
    let permit: Event = serde_json::from_slice(&permit).unwrap();
    assert!(permit.is_genuine());
    assert_eq!((permit.kind, &permit.pubkey), (24242, &signer().public()));
    let until = (now() + SignedDuration::from_mins(10)).as_second().to_string();
    assert_eq!(
        tags(&permit),
        json!([
            ["t", "upload"],
            ["x", sha256],
            ["expiration", until],
            ["server", "127.0.0.1"]
        ])
    );
}

#[tokio::test]
async fn an_image_that_is_not_taken_as_it_is_stops_the_post() {
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};
    let sha256 = Digest::of(b"\x89PNG pixels");
    let page = |status| ResponseTemplate::new(status);
    let stored = |url: &str, sha256: Digest| page(200).set_body_json(json!({ "url": url, "sha256": sha256 }));
    for (answer, class, words) in [
        (
            page(401).insert_header("x-reason", "who are you?"),
            Class::Auth,
            "who are you?",
        ),
        (
            page(402).insert_header("x-reason", "pay first"),
            Class::Rejected,
            "pay first",
        ),
        (page(413), Class::Rejected, "413"),
        (page(403).set_body_string("<html>"), Class::Transient, "403"),
        (page(500), Class::Transient, "500"),
        (page(200).set_body_string("<html>"), Class::Transient, "<html>"),
        (
            stored("https://m.example/x.png", Digest::of(b"smaller")),
            Class::Rejected,
            "as it is",
        ),
        (stored("javascript:x", sha256), Class::Rejected, "as it is"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("PUT"))
            .and(path("/upload"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let relay = Relay::start(Manner::Take).await;
        let bench = Bench::new();
        let account = open(&bench, &[&relay], &format!("media = '{}'", server.uri()));
        let failure = account
            .prepare(&Draft::text("Look.").image().out())
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(
            failure.words.starts_with("127.0.0.1: ") && failure.words.contains(words),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn an_account_without_a_server_for_images_takes_none() {
    let relay = Relay::start(Manner::Take).await;
    let bench = Bench::new();
    assert_eq!(open(&bench, &[&relay], "").limits().max_images, 0);
    assert_eq!(
        open(&bench, &[&relay], "media = 'https://m.example'")
            .limits()
            .max_images,
        10
    );
    // And so `check` sees it.
    let known = |keys: &str| {
        let entry = steadfast::platform::find("nostr").unwrap();
        (entry.known_limits)(&keys.parse().unwrap(), bench.vault.path(), &bench.account).max_images
    };
    assert_eq!((known(""), known("media = 'https://m.example'")), (0, 10));
}

#[test]
fn images_stand_alone_where_there_are_no_words() {
    let at = Uploaded {
        url: "https://m.example/a.png".into(),
        sha256: Digest::of(b"a"),
    };
    let draft = Draft::text("").image().image();
    let event = event(&nostr::request(&draft.out(), &signer(), &[at.clone(), at]).unwrap());
    assert_eq!(event.content, "https://m.example/a.png\nhttps://m.example/a.png");
}

// The account.

#[tokio::test]
async fn the_account_is_its_public_key_however_the_secret_one_is_written() {
    let bench = Bench::new();
    for secret in [NSEC, SECRET_KEY, &SECRET_KEY.to_uppercase()] {
        let keys = format!("relays = ['wss://r.example']\nsecret_key = 'SECRET({secret})'");
        let account = bench.open("nostr", &keys);
        let npub = account.identity().await.unwrap().unwrap();
        assert_eq!(nostr::Pointer::parse(&npub), None);
        assert_eq!(
            npub,
            "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
        );
        // Neither form of the secret is ever sent.
        for form in [NSEC, SECRET_KEY] {
            let failure = account.prepare(&Draft::text(form).out()).await.unwrap_err();
            assert_eq!(failure.class, Class::Rejected);
        }
    }
}

#[tokio::test]
async fn a_probe_is_answered_by_the_first_relay_that_is_there() {
    let relay = Relay::start(Manner::Take).await;
    let bench = Bench::new();
    let keys = format!(
        "relays = ['ws://127.0.0.1:1', '{}']\nsecret_key = 'SECRET({NSEC})'",
        relay.socket()
    );
    assert_eq!(bench.open("nostr", &keys).probe().await.unwrap(), Ok(()));
    let keys = format!("relays = ['ws://127.0.0.1:1']\nsecret_key = 'SECRET({NSEC})'");
    let failure = bench.open("nostr", &keys).probe().await.unwrap().unwrap_err();
    assert_eq!(failure.class, Class::Transient);
}

#[test]
fn wrong_keys_are_refused_in_a_sentence_and_no_secret_is_in_it() {
    let bench = Bench::new();
    let good = format!("secret_key = 'SECRET({NSEC})'");
    for (keys, words) in [
        ("secret_key = 'SECRET(c4nary)'\nrelays = ['wss://r.example']".to_owned(), "`nsec1…`, or 64 hexadecimal digits"),
        ("secret_key = 'SECRET(npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6)'\nrelays = ['wss://r.example']".to_owned(), "the public key"),
        (format!("{good}\nrelays = []"), "1 to 20 relays"),
        (format!("{good}\nrelays = ['https://r.example']"), "`wss://`"),
        (format!("{good}\nrelays = ['ws://r.example']"), "`wss://`"),
        (format!("{good}\nrelays = ['wss://r.example', 'wss://r.example/']"), "twice"),
        (format!("{good}\nrelays = ['wss://r.example']\nenough = 2"), "`enough` is 2, and there are 1"),
        (format!("{good}\nrelays = ['wss://r.example']\nenough = 0"), "`enough` is 0"),
    ] {
        let error = bench.try_open("nostr", &keys).err().unwrap();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("c4nary") && !error.contains('\n'), "{error}");
    }
}

// A relay as others run it.

/// Stopped when dropped.
struct Program(std::process::Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `nostr-rs-relay`, if it is installed, on a port of this machine.
async fn real_relay(folder: &std::path::Path) -> Option<(Program, String)> {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let config = folder.join("relay.toml");
    let settings = format!(
        "[info]\n[network]\naddress = \"127.0.0.1\"\nport = {port}\n[database]\ndata_directory = \"{}\"\n",
        folder.display()
    );
    std::fs::write(&config, settings).unwrap();
    let child = std::process::Command::new("nostr-rs-relay")
        .arg("--config")
        .arg(&config)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    let program = Program(child);
    let start = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the relay does not start"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Some((program, format!("ws://127.0.0.1:{port}")))
}

#[tokio::test]
async fn a_relay_that_others_run_takes_all_that_we_send() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_program, relay)) = real_relay(folder.path()).await else {
        println!("there is no nostr-rs-relay here, so this was not tried");
        return;
    };
    let bench = Bench::new();
    let keys = format!("relays = ['{relay}']\nsecret_key = 'SECRET({NSEC})'");
    let account = bench.open("nostr", &keys);
    assert_eq!(account.probe().await.unwrap(), Ok(()));
    let mut draft = Draft::text("Line one\n\"two\" \\ \t¿Qué? 🌸 #Justicia https://example.org/caso");
    draft.warn = Some("cárcel".into());
    let sealed = Sealed {
        prepared: account.prepare(&draft.out()).await.unwrap(),
        key: draft.key(),
    };
    assert_eq!(account.find(&sealed, &among()).await, Ok(Found::Absent));
    let one = account.publish(&sealed).await.unwrap();
    assert_eq!(account.publish(&sealed).await.unwrap(), one, "again is no other");
    assert_eq!(
        account.find(&sealed, &among()).await,
        Ok(Found::Here(one.clone()))
    );
    let second = Draft {
        index: 1,
        parent: Some(one.clone()),
        root: Some(one.clone()),
        ..Draft::text("Two.")
    };
    second.send(account.as_ref()).await.unwrap();
    let url = one.url.clone().unwrap();
    let id = event(&sealed.prepared).id;
    assert_eq!(account.read(&url).await.unwrap(), Ok(Look::There(id)));
    let mut share = Draft::text("");
    share.share = Some(url.clone());
    share.send(account.as_ref()).await.unwrap();
    let name = id.to_string();
    for (kind, tag, words) in [(7, "e", "+"), (1, "q", "Read.")] {
        let theirs = ally().sign(
            now().as_second(),
            kind,
            vec![vec![tag.into(), name.clone()]],
            words.into(),
        );
        let theirs = Prepared {
            path: "EVENT".into(),
            body: json!(theirs).to_string(),
        };
        let sealed = Sealed {
            prepared: theirs,
            key: draft.key(),
        };
        account.publish(&sealed).await.unwrap();
    }
    let counts = account.engagement(std::slice::from_ref(&one)).await.unwrap();
    let each = Some(1);
    let expected = Counts {
        likes: each,
        shares: each,
        replies: each,
        quotes: each,
        views: None,
    };
    assert_eq!(counts, [expected]);
    let gone = Deletion {
        key: draft.key(),
        now: now() + SignedDuration::from_mins(1),
        ..deletion_of(&one)
    };
    let prepared = account.prepare_deletion(&gone).await.unwrap();
    let deletion = Sealed {
        prepared,
        key: draft.key(),
    };
    assert_eq!(account.delete(&deletion).await, Ok(()));
    assert_eq!(account.delete(&deletion).await, Ok(()), "again is no other");
    assert_eq!(account.read(&url).await.unwrap(), Ok(Look::Gone));
    // What it does not take is refused in words.
    let mut broken: Value = serde_json::from_str(&sealed.prepared.body).unwrap();
    broken["content"] = json!("Other words.");
    let broken = Sealed {
        prepared: Prepared {
            body: broken.to_string(),
            ..sealed.prepared
        },
        ..sealed
    };
    let failure = account.publish(&broken).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected, "{failure}");
}

//! Bluesky's own server, where npm has installed it: `STEADFAST_PDS` names the folder. Elsewhere these tests say so
//! and pass. Its AppView, which counts and shows, keeps its rows in a PostgreSQL of the tests.

mod theirs;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steadfast::clock::{Clock, SystemClock};
use steadfast::platform::http::Http;
use steadfast::platform::secret::write_private;
use steadfast::platform::{Deletion, Platform, Sealed};
use steadfast::post::engagement::Counts;
use steadfast::post::outcome::{Class, Failure, Receipt};
use steadfast::post::shared::Look;
use steadfast::text::limits::BLUESKY;
use steadfast::text::videos::misfits;

use crate::clip::Clip;
use crate::support::{Bench, Draft, deletion_of, now};
use theirs::{BOUND, POST, REPOST, between, theirs};

/// A clock that goes on from where it is put.
struct Ahead(SignedDuration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }
    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
    fn awake(&self) -> Duration {
        Duration::ZERO
    }
    fn dice(&self) -> f64 {
        0.5
    }
}

/// At the server's time, or so much later.
fn bench(later: SignedDuration) -> Bench {
    Bench {
        http: Http::with_deadline("https://campaign.example", Arc::new(Ahead(later)), BOUND).unwrap(),
        ..Bench::new()
    }
}

async fn sealed(account: &dyn Platform, draft: &Draft) -> Sealed {
    Sealed {
        prepared: account.prepare(&draft.out()).await.unwrap(),
        key: draft.key(),
    }
}

async fn delete(account: &dyn Platform, receipt: &Receipt) -> Result<(), Failure> {
    let key = Draft::text("").key();
    let gone = Deletion {
        key,
        ..deletion_of(receipt)
    };
    let prepared = account.prepare_deletion(&gone).await?;
    account.delete(&Sealed { prepared, key }).await
}

/// What the AppView knows comes a moment later.
async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(told) = ask().await {
            return told;
        }
        assert!(began.elapsed() < BOUND, "the AppView never hears of it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_counted(account: &dyn Platform, of: &[Receipt], expected: &[Counts]) {
    until(|| async {
        let told = account.engagement(of).await.unwrap();
        (told == expected).then_some(())
    })
    .await;
}

fn kept(bench: &Bench) -> Value {
    let file = bench.vault.path().join("session-test.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn keep(bench: &Bench, session: &Value) {
    let file = bench.vault.path().join("session-test.json");
    write_private(&file, session.to_string().as_bytes()).unwrap();
}

#[tokio::test]
async fn what_it_is_given_is_there_once_and_as_it_was_said() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("once").await;
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    assert_eq!(account.probe().await.unwrap(), Ok(()));
    assert_eq!(account.identity().await.unwrap().as_deref(), Some(&*us.did));
    let mut draft = Draft::text("Line one\n\"two\" \\ ¿Qué? 🌸 https://example.org/caso #Justicia");
    draft.warn = Some("cárcel".into());
    let post = sealed(&*account, &draft).await;
    let receipt = account.publish(&post).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            account.publish(&post).await.unwrap(),
            receipt,
            "again is no other"
        );
    }
    let records = us.records(POST).await;
    let frozen: Value = serde_json::from_str(&post.prepared.body).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["value"], frozen["record"]);
    assert_eq!(records[0]["uri"], receipt.id);
    assert_eq!(records[0]["cid"], *receipt.pin.as_ref().unwrap());

    // Prepared at another moment, it is another record under the same key, and says the same.
    let later = steadfast::platform::Outgoing {
        now: now() + SignedDuration::from_mins(1),
        ..draft.out()
    };
    let later = Sealed {
        prepared: account.prepare(&later).await.unwrap(),
        key: draft.key(),
    };
    assert_ne!(later.prepared, post.prepared);
    assert_eq!(account.publish(&later).await.unwrap(), receipt);
    let other = account.prepare(&Draft::text("Other words.").out()).await.unwrap();
    let other = Sealed {
        prepared: other,
        key: draft.key(),
    };
    let refused = account.publish(&other).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected, "{refused}");
    assert!(refused.words.contains("something else stands at"), "{refused}");
    assert_eq!(us.records(POST).await, records);
}

#[tokio::test]
async fn a_thread_stands_in_its_order_and_goes_from_its_end() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("thread").await;
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    let mut receipts: Vec<Receipt> = Vec::new();
    for index in 0..3 {
        let part = Draft {
            index,
            of: 3,
            parent: receipts.last().cloned(),
            root: receipts.first().cloned(),
            ..Draft::text(&format!("Part {index}."))
        };
        receipts.push(part.send(&*account).await.unwrap());
    }
    let end = |receipt: &Receipt| json!({ "uri": receipt.id, "cid": receipt.pin });
    let mut records = us.records(POST).await;
    records.reverse(); // the newest key is first
    let replies: Vec<Value> = records
        .iter()
        .map(|record| record["value"]["reply"].clone())
        .collect();
    let answers = |root: usize, parent: usize| json!({ "root": end(&receipts[root]), "parent": end(&receipts[parent]) });
    assert_eq!(replies, [Value::Null, answers(0, 0), answers(0, 1)]);
    let answered = |replies| Counts {
        likes: Some(0),
        shares: Some(0),
        replies: Some(replies),
        quotes: Some(0),
        views: None,
    };
    until_counted(&*account, &receipts, &[answered(1), answered(1), answered(0)]).await;

    // A receipt that a person entered is looked up.
    let entered = Receipt {
        pin: None,
        ..Receipt::named(receipts[0].url.clone().unwrap(), receipts[0].url.clone())
    };
    let answer = Draft {
        index: 7,
        parent: Some(entered),
        ..Draft::text("To the first.")
    };
    let body: Value = serde_json::from_str(&sealed(&*account, &answer).await.prepared.body).unwrap();
    assert_eq!(body["record"]["reply"], answers(0, 0));

    for receipt in receipts.iter().rev() {
        assert_eq!(delete(&*account, receipt).await, Ok(()));
    }
    assert_eq!(delete(&*account, &receipts[0]).await, Ok(()), "again is no other");
    assert!(us.records(POST).await.is_empty());
    let gone = Draft { index: 8, ..answer };
    let refused = account.prepare(&gone.out()).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected, "{refused}");
    until_counted(&*account, &receipts, &[Counts::default(); 3]).await;
}

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\xdac`\0\0\0\x02\0\x01\xe5'\xde\xfc\0\0\0\0IEND\xaeB`\x82";

#[tokio::test]
async fn images_and_videos_stand_with_their_descriptions() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("pictures").await;
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    let mut image = Draft::text("Look.").image();
    image.images[0].bytes = Bytes::from_static(PNG);
    let one = image.send(&*account).await.unwrap();
    film(1, *b"mp42").send(&*account).await.unwrap();
    let records = us.records(POST).await;
    let embed = &records[1]["value"]["embed"]["images"][0];
    assert_eq!(embed["alt"], "The court");
    assert_eq!(embed["image"]["mimeType"], "image/png");
    assert_eq!(embed["image"]["size"], PNG.len());
    let embed = &records[0]["value"]["embed"];
    assert_eq!(embed["alt"], "A march");
    assert_eq!(embed["video"]["mimeType"], "video/mp4");
    let cid = embed["video"]["ref"]["$link"].as_str().unwrap();
    let method = format!("com.atproto.sync.getBlob?did={}&cid={cid}", us.did);
    assert_eq!(theirs.ask("", &method, None).await.0, 200);

    // What was uploaded again is the same, so a repeat is no other.
    assert_eq!(image.send(&*account).await.unwrap(), one);

    // A blob that is not there (any more) is uploaded again at the next try.
    let mut lost = sealed(&*account, &Draft { index: 2, ..image }).await;
    let cid = records[1]["value"]["embed"]["images"][0]["image"]["ref"]["$link"]
        .as_str()
        .unwrap();
    lost.prepared.body = lost
        .prepared
        .body
        .replace(cid, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    let failure = account.publish(&lost).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
}

/// A post with a video whose file says that it is that.
fn film(index: u16, brand: [u8; 4]) -> Draft {
    let clip = Clip {
        brand,
        ..Clip::telling()
    };
    Draft {
        index,
        ..Draft::text("Look.").video(clip.bytes().leak())
    }
}

#[tokio::test]
async fn what_check_says_of_a_videos_brand_is_what_the_server_makes_of_it() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("brands").await;
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    let brands = [
        b"isom", b"iso5", b"mp41", b"mp42", b"avc1", b"MSNV", b"dash", b"F4V ", b"M4V ", b"M4VH", b"M4A ",
        b"3gp4", b"3gp5", b"3g2a", b"qt  ",
    ];
    for (index, brand) in (0..).zip(brands) {
        let post = film(index, *brand);
        let mut footage = post.video.as_ref().unwrap().footage;
        footage.brand = *brand;
        if brand == b"qt  " {
            footage.mime = "video/quicktime";
        }
        let known = misfits(&footage, BLUESKY.video.as_ref());
        let sent = post.send(&*account).await;
        assert_eq!(
            sent.is_ok(),
            known.is_empty(),
            "{known:?}, and the server: {sent:?}"
        );
    }
}

#[tokio::test]
async fn a_doubt_ends_by_the_same_record_again() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("doubt").await;
    let mute = Arc::new(AtomicBool::new(false));
    let url = between(&theirs.url, Arc::clone(&mute)).await;
    let bench = bench(SignedDuration::ZERO);
    let account = us.account_at(&bench, &url, &us.password);
    let post = sealed(&*account, &Draft::text("¿Está?")).await;
    mute.store(true, Ordering::SeqCst);
    let failure = account.publish(&post).await.unwrap_err();
    assert_eq!(failure.class, Class::InDoubt, "{failure}");
    let records = us.records(POST).await;
    assert_eq!(records.len(), 1, "it was there all the same");
    mute.store(false, Ordering::SeqCst);
    let receipt = account.publish(&post).await.unwrap();
    assert_eq!(us.records(POST).await, records);
    assert_eq!(records[0]["cid"], *receipt.pin.as_ref().unwrap());

    // So does that of a deletion.
    mute.store(true, Ordering::SeqCst);
    let failure = delete(&*account, &receipt).await.unwrap_err();
    assert_eq!(failure.class, Class::InDoubt, "{failure}");
    mute.store(false, Ordering::SeqCst);
    assert_eq!(delete(&*account, &receipt).await, Ok(()));
    assert!(us.records(POST).await.is_empty());
}

#[tokio::test]
async fn an_allys_post_is_read_shared_and_gone() {
    let Some(theirs) = theirs() else { return };
    let (us, ally) = (theirs.person("sharing").await, theirs.person("ally").await);
    let post = ally.makes(POST, json!({ "text": "Hoy." })).await;
    let key = post["uri"].as_str().unwrap().rsplit('/').next().unwrap();
    let url = format!("https://bsky.app/profile/{}/post/{key}", ally.handle);
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    let look = || async { account.read(&url).await.unwrap().unwrap() };
    until(|| async { matches!(look().await, Look::There(_)).then_some(()) }).await;
    let share = Draft {
        share: Some(url.clone()),
        ..Draft::text("")
    };
    let sealed = sealed(&*account, &share).await;
    let receipt = account.publish(&sealed).await.unwrap();
    assert_eq!(account.publish(&sealed).await.unwrap(), receipt);
    let reposts = us.records(REPOST).await;
    assert_eq!(reposts.len(), 1);
    assert_eq!(reposts[0]["value"]["subject"], post);
    let their = [Receipt::named(post["uri"].as_str().unwrap(), None)];
    let shared = |shares| Counts {
        likes: Some(0),
        shares: Some(shares),
        replies: Some(0),
        quotes: Some(0),
        views: None,
    };
    until_counted(&*account, &their, &[shared(1)]).await;
    assert_eq!(delete(&*account, &receipt).await, Ok(()));
    assert!(us.records(REPOST).await.is_empty());
    until_counted(&*account, &their, &[shared(0)]).await;

    let body = json!({ "repo": ally.did, "collection": POST, "rkey": key });
    assert_eq!(ally.does("com.atproto.repo.deleteRecord", body).await.0, 200);
    until(|| async { (look().await == Look::Gone).then_some(()) }).await;
    let refused = account.prepare(&share.out()).await.unwrap_err();
    assert_eq!(refused.class, Class::Rejected, "{refused}");
    let nobody = account
        .read("https://bsky.app/profile/nobody.test/post/3lk")
        .await;
    assert_eq!(nobody.unwrap(), Ok(Look::Gone));
}

#[tokio::test]
async fn who_likes_shares_answers_and_quotes_is_counted() {
    let Some(theirs) = theirs() else { return };
    let (us, ally) = (theirs.person("counted").await, theirs.person("counting").await);
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    let text = format!("Hoy, @{} y @nobody.test.", ally.handle);
    let receipt = Draft::text(&text).send(&*account).await.unwrap();
    let post = json!({ "uri": receipt.id, "cid": receipt.pin });
    let facets = &us.records(POST).await[0]["value"]["facets"];
    assert_eq!(facets.as_array().unwrap().len(), 1, "{facets}");
    assert_eq!(facets[0]["features"][0]["did"], ally.did);
    ally.makes("app.bsky.feed.like", json!({ "subject": post })).await;
    ally.makes(REPOST, json!({ "subject": post })).await;
    ally.makes(
        POST,
        json!({ "text": "Sí.", "reply": { "root": post, "parent": post } }),
    )
    .await;
    let quote = json!({ "$type": "app.bsky.embed.record", "record": post });
    ally.makes(POST, json!({ "text": "Lean.", "embed": quote })).await;
    let all = Counts {
        likes: Some(1),
        shares: Some(1),
        replies: Some(1),
        quotes: Some(1),
        views: None,
    };
    until_counted(&*account, &[receipt], &[all]).await;
}

#[tokio::test]
async fn a_session_is_begun_renewed_and_ended_as_the_server_does_it() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("session").await;
    let bench = bench(SignedDuration::ZERO);
    let part = |index| Draft {
        index,
        ..Draft::text("Hoy.")
    };
    let wrong = us.account_at(&bench, &theirs.url, "aaaa-bbbb-cccc-dddd");
    let failure = wrong.identity().await.unwrap_err();
    assert_eq!(failure.class, Class::Auth, "{failure}");

    part(0).send(&*us.account(&bench)).await.unwrap();
    let first = kept(&bench);
    assert_eq!(first["did"], us.did);
    part(1).send(&*us.account(&bench)).await.unwrap();
    assert_eq!(kept(&bench), first, "it stays signed in");

    // Two hours later it is renewed. What was kept before works for a while: we may have been killed in between.
    let later = Bench {
        vault: bench.vault,
        ..self::bench(SignedDuration::from_mins(116))
    };
    part(2).send(&*us.account(&later)).await.unwrap();
    let second = kept(&later);
    assert_ne!(second["access"], first["access"]);
    assert_ne!(second["refresh"], first["refresh"]);
    keep(&later, &first);
    part(3).send(&*us.account(&later)).await.unwrap();
    assert_ne!(kept(&later)["access"], first["access"]);

    // An access token that ends in mid-air: one that the server calls expired, and our clock does not.
    let ended = Bench {
        vault: later.vault,
        ..self::bench(-SignedDuration::from_hours(3))
    };
    let mut session = kept(&ended);
    session["access"] = theirs.token(&us.did, SystemClock.now().as_second() - 60).into();
    keep(&ended, &session);
    let account = us.account(&ended);
    let post = sealed(&*account, &part(4)).await;
    let failure = account.publish(&post).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    account.publish(&post).await.unwrap();
    assert_ne!(kept(&ended)["access"], session["access"]);

    // So does one while something is read.
    keep(&ended, &session);
    us.account(&ended).prepare(&part(5).image().out()).await.unwrap();

    // A password that was taken back ends the session with it.
    let revoked = json!({ "name": "steadfast" });
    assert_eq!(
        us.does("com.atproto.server.revokeAppPassword", revoked).await.0,
        200
    );
    let over = Bench {
        vault: ended.vault,
        ..self::bench(SignedDuration::from_mins(116))
    };
    let failure = part(6).send(&*us.account(&over)).await.unwrap_err();
    assert_eq!(failure.class, Class::Auth, "{failure}");
    assert_eq!(us.records(POST).await.len(), 5);
}

#[tokio::test]
async fn an_account_that_may_not_post_is_said_to_be_so() {
    let Some(theirs) = theirs() else { return };
    let bench = bench(SignedDuration::ZERO);
    for (name, words) in [
        ("deactivated", "AccountDeactivated"),
        ("taken-down", "AccountTakedown"),
        ("deleted", "AccountNotFound"),
    ] {
        let us = theirs.person(name).await;
        let account = us.account(&bench);
        let post = sealed(&*account, &Draft::text("Hoy.")).await;
        let (method, asked) = match name {
            "deactivated" => ("com.atproto.server.deactivateAccount", json!({})),
            "taken-down" => {
                let subject = json!({ "$type": "com.atproto.admin.defs#repoRef", "did": us.did });
                let asked = json!({ "subject": subject, "takedown": { "applied": true } });
                ("com.atproto.admin.updateSubjectStatus", asked)
            }
            _ => ("com.atproto.admin.deleteAccount", json!({ "did": us.did })),
        };
        let admin = theirs.admin.as_str();
        let who = if name == "deactivated" { &*us.token } else { admin };
        let (status, done) = theirs.ask(who, method, Some(asked)).await;
        assert_eq!(status, 200, "{done}");
        let failure = account.publish(&post).await.unwrap_err();
        assert_eq!(failure.class, Class::Auth, "{name}: {failure}");
        assert!(failure.words.starts_with(words), "{name}: {failure}");
        // The session that is kept says nothing else when it is to be renewed.
        let later = Bench {
            vault: tempfile::tempdir().unwrap(),
            ..self::bench(SignedDuration::from_mins(116))
        };
        keep(&later, &kept(&bench));
        let failure = us.account(&later).publish(&post).await.unwrap_err();
        assert_eq!(failure.class, Class::Auth, "{name}: {failure}");
    }
}

#[tokio::test]
async fn what_it_does_not_take_is_refused_in_words() {
    let Some(theirs) = theirs() else { return };
    let us = theirs.person("refused").await;
    let bench = bench(SignedDuration::ZERO);
    let account = us.account(&bench);
    let failure = Draft::text(&"a".repeat(301)).send(&*account).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected, "{failure}");
    assert!(failure.words.contains("maximum 300, got 301"), "{failure}");
    Draft::text(&"a".repeat(300)).send(&*account).await.unwrap();
    let mut image = Draft::text("x").image();
    image.images[0].bytes = vec![0; 6 << 20].into();
    let failure = account.prepare(&image.out()).await.unwrap_err();
    assert_eq!(failure.class, Class::Rejected, "{failure}");
}

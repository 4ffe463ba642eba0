//! The sandbox: a timeline that is never written twice and never torn.

use std::io::Write;
use std::sync::Arc;

use steadfast::platform::{Sealed, sandbox};
use steadfast::post::outcome::Class;
use steadfast::text::limits::{self, Doubt, LengthRule};

use crate::support::{Bench, Draft, NOW, delivery};

fn texts(bench: &Bench) -> Vec<String> {
    let shown = sandbox::timeline(bench.vault.path(), &bench.account, 100).unwrap();
    shown.into_iter().map(|shown| shown.said.text).collect()
}

#[tokio::test]
async fn a_post_stands_on_the_timeline_with_all_that_was_said() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "");
    let draft = Draft {
        warn: Some("prison".into()),
        ..Draft::text("¡Hoy!").link("https://a.example").image()
    };
    let done = draft.send(account.as_ref()).await.unwrap();
    assert_eq!(done.id, delivery(0).to_string());
    assert_eq!(done.url, Some(format!("/sandbox#{}", delivery(0))));
    let shown = sandbox::timeline(bench.vault.path(), &bench.account, 10)
        .unwrap()
        .remove(0);
    assert_eq!((shown.id, shown.at.to_string()), (done.id, NOW.to_owned()));
    assert_eq!(shown.said.text, "¡Hoy!\n\nhttps://a.example");
    assert_eq!(shown.said.images, draft.part.images);
    assert_eq!(
        (shown.said.warn.as_deref(), shown.said.language.as_str()),
        (Some("prison"), "es-MX")
    );
    assert_eq!(sandbox::accounts(bench.vault.path()).unwrap(), [bench.account]);
}

#[tokio::test]
async fn putting_it_again_is_nothing_whoever_does_it() {
    let bench = Bench::new();
    let draft = Draft::text("Once.");
    let (one, two) = (bench.open("sandbox", ""), bench.open("sandbox", ""));
    let first = draft.send(one.as_ref()).await.unwrap();
    for account in [&one, &two, &bench.open("sandbox", "")] {
        assert_eq!(draft.send(account.as_ref()).await.unwrap(), first);
    }
    Draft {
        index: 1,
        ..Draft::text("Other.")
    }
    .send(two.as_ref())
    .await
    .unwrap();
    Draft {
        index: 1,
        ..Draft::text("Changed.")
    }
    .send(one.as_ref())
    .await
    .unwrap();
    assert_eq!(texts(&bench).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_each_put_once() {
    let bench = Arc::new(Bench::new());
    let tasks: Vec<_> = (0..40u16)
        .map(|n| {
            let bench = Arc::clone(&bench);
            let account = bench.open("sandbox", "");
            tokio::spawn(async move {
                Draft {
                    index: n % 10,
                    ..Draft::text("x")
                }
                .send(account.as_ref())
                .await
                .unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(texts(&bench).len(), 10);
}

#[tokio::test]
async fn s1_a_last_line_torn_by_a_crash_is_cut_off_and_put_again() {
    let bench = Bench::new();
    Draft::text("Whole.")
        .send(bench.open("sandbox", "").as_ref())
        .await
        .unwrap();
    let path = bench.vault.path().join("sandbox/test.jsonl");
    let whole = std::fs::read(&path).unwrap();
    let torn = Draft {
        index: 1,
        ..Draft::text("Torn.")
    };
    for cut in [1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole).unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&whole[..cut]).unwrap();
        assert_eq!(texts(&bench), ["Whole."]);
        torn.send(bench.open("sandbox", "").as_ref()).await.unwrap();
        assert_eq!(texts(&bench).len(), 2, "cut at {cut}");
        assert!(std::fs::read(&path).unwrap().ends_with(b"}\n"));
    }
    // A line that is whole and nonsense is passed over.
    std::fs::write(&path, [b"nonsense\n".as_slice(), &whole].concat()).unwrap();
    assert_eq!(texts(&bench), ["Whole."]);
}

#[tokio::test]
async fn it_can_be_like_any_platform() {
    for model in limits::PLATFORMS {
        let bench = Bench::new();
        let account = bench.open("sandbox", &format!("like = '{}'", model.platform));
        let limits = account.limits();
        assert_eq!(
            (limits.length, limits.abilities, limits.max_images),
            (model.length, model.abilities, model.max_images)
        );
        let mut draft = Draft::text("¿Qué falta?");
        if model.min_images > 0 {
            let refused = draft.send(account.as_ref()).await.unwrap_err();
            assert_eq!(refused.words, "nothing is taken without an image");
            draft = draft.image();
            draft.images[0].mime = "image/jpeg";
        }
        draft.send(account.as_ref()).await.unwrap();
    }
}

#[tokio::test]
async fn a_part_is_measured_by_what_it_is() {
    let bench = Bench::new();
    let telegram = bench.open("sandbox", "like = 'telegram'");
    let text = "🦋".repeat(600);
    Draft::text(&text).send(telegram.as_ref()).await.unwrap();
    let caption = Draft::text(&text).image();
    let refused = caption.send(telegram.as_ref()).await.unwrap_err();
    assert_eq!(refused.words, "the text has 1200 UTF-16 units, the limit is 1024");
    let x = bench.open("sandbox", "like = 'x'");
    let refused = Draft::text("hidden\u{FEFF}").send(x.as_ref()).await.unwrap_err();
    assert_eq!(
        refused.words,
        "the text has the invisible character U+FEFF, which is refused"
    );
}

#[tokio::test]
async fn it_refuses_what_the_real_one_refuses() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "like = 'bluesky'");
    assert_eq!(
        account.limits().length,
        LengthRule::GraphemesAndBytes {
            max: 300,
            max_bytes: 3000
        }
    );
    assert_eq!(
        (account.limits().platform, account.limits().doubt),
        ("sandbox", Doubt::OwnId)
    );
    let mut large = Draft::text("x").image();
    large.images[0].bytes = vec![0; 1_000_001].into();
    let mut odd = Draft::text("x").image();
    odd.images[0].mime = "image/svg+xml";
    let mut wordy = Draft::text("x").image();
    wordy.images[0].alt = "a".repeat(2001);
    for (draft, words) in [
        (
            Draft::text(&"a".repeat(301)),
            "has 301 characters, the limit is 300",
        ),
        (
            Draft {
                warn: Some("w".into()),
                ..Draft::text(&"a".repeat(298))
            },
            "301 characters",
        ),
        (Draft::text(" "), "empty"),
        (
            Draft::text("x").image().image().image().image().image(),
            "5 images; at most 4",
        ),
        (large, "1000001 bytes"),
        (odd, "image/svg+xml"),
        (wordy, "2001 characters"),
    ] {
        let failure = account.prepare(&draft.out()).await.unwrap_err();
        assert_eq!(failure.class, Class::Rejected);
        assert!(failure.words.contains(words), "{failure}");
    }
    account
        .prepare(&Draft::text(&"a".repeat(300)).out())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_conversation_stands_together_and_the_newest_comes_first() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "");
    let one = Draft::text("one").send(account.as_ref()).await.unwrap();
    Draft {
        index: 5,
        ..Draft::text("between")
    }
    .send(account.as_ref())
    .await
    .unwrap();
    let two = Draft {
        index: 1,
        of: 3,
        parent: Some(one),
        ..Draft::text("two")
    };
    let two = two.send(account.as_ref()).await.unwrap();
    Draft {
        index: 2,
        of: 3,
        parent: Some(two),
        ..Draft::text("three")
    }
    .send(account.as_ref())
    .await
    .unwrap();
    assert_eq!(texts(&bench), ["one", "two", "three", "between"]);
    let newest = sandbox::timeline(bench.vault.path(), &bench.account, 1).unwrap();
    assert_eq!(newest[0].said.text, "three");
    let nobody = "nobody".parse().unwrap();
    assert!(
        sandbox::timeline(bench.vault.path(), &nobody, 1)
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn s5_a_timeline_that_cannot_be_written_is_in_doubt() {
    let bench = Bench::new();
    let account = bench.open("sandbox", "");
    let draft = Draft::text("x");
    let prepared = account.prepare(&draft.out()).await.unwrap();
    std::fs::write(
        bench.vault.path().join("sandbox"),
        "a file where the folder should be",
    )
    .unwrap();
    let failure = account
        .publish(&Sealed {
            prepared,
            key: draft.key(),
        })
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::InDoubt);
}

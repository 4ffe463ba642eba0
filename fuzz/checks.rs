//! What must hold whatever comes: one function for each fuzzing target. `tests/corpus.rs` feeds them the
//! corpus in the normal tests.
#![allow(dead_code, reason = "each target uses one of them")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../tests/support/mod.rs"]
pub mod support;

use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::sync::LazyLock;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use steadfast::calendar::civil;
use steadfast::calendar::cron::Cron;
use steadfast::campaign::Campaign;
use steadfast::campaign::codes::CODES;
use steadfast::campaign::message::{Message, Words};
use steadfast::campaign::problem::Problem;
use steadfast::campaign::read::read;
use steadfast::campaign::render::render;
use steadfast::folder::{VideoBytes, examine_video};
use steadfast::platform::http::{Answer, BaseUrl, retry_after};
use steadfast::platform::{
    Key, Prepared, bluesky, discord, facebook, instagram, linkedin, mastodon, nostr, pinterest, reddit,
    slack, telegram, threads, tumblr, webhook, x,
};
use steadfast::post::identity::{AccountName, DeliveryId, NAME_MAX, PostId, propose_name};
use steadfast::post::outcome::{Class, Failure, Receipt, one_line};

use support::{World, inside, now, roster};

/// A target's name, and its check.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 8] = [
    ("toml", toml),
    ("markdown", markdown),
    ("template", template),
    ("cron", cron),
    ("answer", answer),
    ("video", video),
    ("wait", wait),
    ("names", names),
];

// --- message files ----------------------------------------------------------------------------------------

/// A message file in TOML: each problem has a code that is known, clean words, and a place inside the file.
pub fn toml(bytes: &[u8]) {
    whatever_is_written("m.toml", bytes);
}

/// The same in Markdown.
pub fn markdown(bytes: &[u8]) {
    whatever_is_written("m.md", bytes);
}

fn whatever_is_written(name: &str, bytes: &[u8]) {
    inside(bytes, &read(name, bytes).problems);
    let mut world = World::of([]);
    world.files.insert(name.to_owned(), bytes.to_vec());
    let assembled = world.assemble();
    let own = |problem: &&Problem| &*problem.place.file == name;
    let own: Vec<Problem> = assembled.problems.iter().filter(own).cloned().collect();
    inside(bytes, &own);
    let shown = steadfast::cli::show::render(&own, false);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");

    let Ok(campaign) = assembled.campaign else { return };
    for message in &campaign.messages {
        let blocked = campaign.blocked.contains_key(&message.id);
        for account in roster().targets(&message.to) {
            match render(&campaign, message, account, now(), 0) {
                Ok(content) => said(&content),
                Err(problem) => assert!(blocked || !problem.message.is_empty()),
            }
        }
    }
}

// --- templates --------------------------------------------------------------------------------------------

static CAMPAIGN: LazyLock<Campaign> = LazyLock::new(|| {
    let files = [(
        "campaign.toml",
        include_str!("../tests/cases/design/campaign.toml"),
    )];
    World::of(files).assemble().campaign.unwrap()
});

/// A text: what comes out is the same each time, short, and shows no mark of a template; or the problem says
/// what is wrong.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let message = Message {
        words: Words {
            texts: [text.into()].into(),
            ..Words::default()
        },
        for_account: [].into(),
        for_language: [].into(),
        share: None,
        ..Message::clone(&CAMPAIGN.messages[0])
    };
    for account in roster().accounts {
        let once = render(&CAMPAIGN, &message, &account, now(), 0);
        assert_eq!(once, render(&CAMPAIGN, &message, &account, now(), 0));
        match once {
            Ok(content) => {
                said(&content);
                let length: usize = content.parts.iter().map(|part| part.text.len()).sum();
                assert!(length <= text.len().max(64 << 10), "{length}");
            }
            Err(problem) => {
                assert!(
                    CODES.iter().any(|(code, ..)| *code == problem.code),
                    "{problem:?}"
                );
                for words in [&problem.message, &problem.help] {
                    assert!(!words.chars().any(char::is_control), "{words:?}");
                }
                assert!(!problem.message.is_empty());
            }
        }
    }
}

/// What readers would see.
fn said(content: &steadfast::post::content::Content) {
    assert!(!content.parts.is_empty());
    let texts = content.parts.iter().map(|part| &part.text);
    for text in texts.chain(&content.warn) {
        for mark in ["{{", "{%", "}}", "%}"] {
            assert!(!text.contains(mark), "{mark} in {text:?}");
        }
    }
}

// --- recurring rules --------------------------------------------------------------------------------------

/// A rule, and on further lines a zone and an instant: occurrences come after the instant and after each other,
/// each nominal time once, and looking back finds what looking forward found.
pub fn cron(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut lines = text.split('\n');
    let source = lines.next().unwrap_or_default();
    let zone = lines.next().and_then(civil::zone);
    let zone = zone.unwrap_or_else(|| civil::zone("America/Chicago").unwrap());
    let from = lines.next().and_then(|line| line.trim().parse().ok());
    let from: Timestamp = from.unwrap_or_else(now);

    let rule = match Cron::parse(source) {
        Ok(rule) => rule,
        Err(error) => {
            assert!(!error.message.is_empty());
            for words in [&error.message, &error.help] {
                assert!(!words.chars().any(char::is_control), "{words:?}");
            }
            assert!(error.at.is_none_or(|at| source.get(at).is_some()), "{source:?}");
            return;
        }
    };
    assert_eq!(rule.source(), source);
    let mut fires = Vec::new();
    let mut t = from;
    while let Some(fire) = rule.next_after(&zone, t).filter(|_| fires.len() < 6) {
        assert!(fire.at > t, "{fire:?} is not after {t}");
        if !fire.moved {
            assert_eq!(civil::local(&zone, fire.at), fire.nominal);
        }
        t = fire.at;
        fires.push(fire);
    }
    for (index, fire) in fires.iter().enumerate() {
        let others = fires.iter().skip(index + 1);
        assert!(others.into_iter().all(|other| other.nominal != fire.nominal));
        assert_eq!(rule.latest_at_or_before(&zone, fire.at, from), Some(*fire));
        // From any moment between two of them, the answer is the same.
        let before = if index == 0 { from } else { fires[index - 1].at };
        let middle = before + fire.at.duration_since(before) / 2;
        if middle < fire.at {
            assert_eq!(rule.next_after(&zone, middle), Some(*fire));
        }
    }
    assert!(!rule.period_near(&zone, from).is_zero());
}

// --- what platforms say -----------------------------------------------------------------------------------

/// An answer: its status, its headers and a body, each line of the header and the body apart as in HTTP. No
/// adapter takes for a receipt or a refusal what may be neither.
pub fn answer(bytes: &[u8]) {
    let Some(answer) = answered(bytes) else { return };
    let key = Key {
        delivery: "0eeaa5a16ad212caed932df8a496a4dd".parse().unwrap(),
        due: now(),
    };
    let prepared = |path: &str| Prepared {
        path: path.to_owned(),
        body: String::new(),
    };
    for path in ["/api/v1/statuses", "/api/v1/statuses/1/reblog"] {
        decided(
            &answer,
            mastodon::read(&prepared(path), &answer),
            &[200],
            200..400,
        );
    }
    decided(&answer, bluesky::read(&answer), &[200], 200..400);
    decided(&answer, telegram::read(&answer), &[200], 200..400);
    decided(&answer, discord::read(&answer), &[200], 200..400);
    // Slack says no with a 200.
    for path in ["/api/chat.postMessage", "/api/files.completeUploadExternal"] {
        decided(&answer, slack::read(&prepared(path), &answer), &[200], 201..400);
    }
    decided(&answer, slack::read_webhook(key, &answer), &[200], 200..400);
    // X answers 429 too where there are no credits left, and refuses a repost that is there already.
    let repost = Prepared {
        body: r#"{"tweet_id":"1"}"#.to_owned(),
        ..prepared("/2/users/1/retweets")
    };
    for (request, yes) in [
        (prepared("/2/tweets"), &[200, 201][..]),
        (repost, &[200, 201, 400, 403]),
    ] {
        let outcome = x::read(&request, &answer);
        let used_up = matches!(&outcome, Err(failure) if failure.class == Class::Auth);
        if answer.status != 429 || !used_up {
            decided(&answer, outcome, yes, 200..400);
        }
    }
    let posts = prepared("/rest/posts");
    decided(&answer, linkedin::read(&posts, &answer), &[201], 200..400);
    for read in [
        threads::read,
        threads::read_repost,
        facebook::read,
        instagram::read,
    ] {
        decided(&answer, read(&answer), &[200], 200..400);
    }
    done(
        &answer,
        instagram::read_comment(&answer).map(drop),
        &[200],
        200..400,
    );
    // Reddit says no with a 200.
    decided(&answer, reddit::read(&answer), &[200], 201..400);
    decided(&answer, tumblr::read(&answer), &[201], 200..400);
    decided(&answer, pinterest::read(&answer), &[200, 201], 200..400);
    let taken: Vec<u16> = (200..300).chain([409]).collect();
    // A webhook that redirects has refused.
    decided(&answer, webhook::read(key, &answer), &taken, 200..300);
    // Edits. What says so already is refused by Telegram, and that is a yes.
    done(&answer, mastodon::read_edit(&answer), &[200], 200..400);
    // A comment is shown as it is then.
    done(&answer, linkedin::read_edit(&answer), &[200, 204], 200..400);
    done(&answer, telegram::read_edit(&answer), &[200, 400], 200..400);
    done(&answer, reddit::read_edit(&answer), &[200], 201..400);
    done(&answer, tumblr::read_edit(&answer), &[200], 200..400);
    // What a relay says is words alone, and so is an address there.
    let words = String::from_utf8_lossy(&answer.body);
    if let Err(failure) = nostr::read(false, &words) {
        assert!(failure.class != Class::InDoubt && failure.words.chars().count() <= 301);
    }
    if let Some(at) = nostr::Pointer::parse(&words) {
        assert_eq!(nostr::Pointer::parse(&at.nevent().unwrap()), Some(at));
    }
    match tumblr::read_shared(&answer) {
        Ok(_) => assert!(matches!(answer.status, 200 | 404)),
        Err(failure) => assert!(failure.class != Class::InDoubt && !failure.words.is_empty()),
    }
    match reddit::read_shared(&answer) {
        Ok(_) => assert_eq!(answer.status, 200),
        Err(failure) => assert!(failure.class != Class::InDoubt && !failure.words.is_empty()),
    }
    match x::read_shared(&answer) {
        Ok(_) => assert!(matches!(answer.status, 200 | 404)),
        Err(failure) => assert!(failure.class != Class::InDoubt && !failure.words.is_empty()),
    }
    // Only the platform's own list can say that another's post is gone.
    match mastodon::read_shared(&answer) {
        Ok(_) => assert_eq!(answer.status, 200),
        Err(failure) => assert!(failure.class != Class::InDoubt && !failure.words.is_empty()),
    }
    if let Some(host) = answer.redirect_host() {
        assert!(!host.contains(['/', '@', '?', ' ']), "{host}");
    }
    assert!(answer.snippet().chars().count() <= 201);
}

fn answered(bytes: &[u8]) -> Option<Answer> {
    let (head, body) = match bytes.windows(2).position(|two| two == b"\n\n") {
        Some(end) => (&bytes[..end], &bytes[end + 2..]),
        None => (bytes, &b""[..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = std::str::from_utf8(lines.next()?).ok()?.parse().ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        headers.append(name, value);
    }
    (200..600).contains(&status).then(|| Answer {
        status,
        headers,
        body: Bytes::copy_from_slice(body),
        truncated: false,
        at: now(),
    })
}

/// `yes`: the statuses with which it may be a receipt; with those `open` it is never known not to be one.
fn decided(answer: &Answer, outcome: Result<Receipt, Failure>, yes: &[u16], open: Range<u16>) {
    if let Ok(receipt) = &outcome {
        assert!(!receipt.id.is_empty(), "{receipt:?}");
    }
    done(answer, outcome.map(drop), yes, open);
}

/// The same of a request that leaves no receipt.
fn done(answer: &Answer, outcome: Result<(), Failure>, yes: &[u16], open: Range<u16>) {
    match outcome {
        Ok(()) => assert!(yes.contains(&answer.status), "{answer:?}"),
        Err(failure) => {
            assert_eq!(failure.status, Some(answer.status));
            assert!(!failure.words.is_empty());
            assert_eq!(one_line(&failure.words, 301), failure.words);
            if let Class::RateLimited { until: Some(until) } = failure.class {
                bounded(until);
            }
            // Accepted, perhaps, or on its way: it must not be sent again as if nothing had happened.
            let unknown = open.contains(&answer.status) || answer.status >= 500;
            let told_to_wait = matches!(failure.class, Class::RateLimited { .. }) && answer.status == 503;
            assert!(
                !unknown || failure.class == Class::InDoubt || told_to_wait,
                "{failure:?}"
            );
            if answer.status == 429 {
                assert!(matches!(failure.class, Class::RateLimited { .. }), "{failure:?}");
            }
        }
    }
}

/// How long a platform asks us to wait: between a second and six hours, or it is not believed.
pub fn wait(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(until) = retry_after(text, now())
    {
        bounded(until);
    }
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    for name in ["retry-after", "x-ratelimit-reset", "ratelimit-reset"] {
        let answer = Answer {
            status: 429,
            headers: HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]),
            body: Bytes::new(),
            truncated: false,
            at: now(),
        };
        answer.wait_until().into_iter().for_each(bounded);
    }
}

fn bounded(until: Timestamp) {
    let wait = until.duration_since(now());
    assert!(
        wait >= SignedDuration::from_secs(1) && wait <= SignedDuration::from_hours(6),
        "{wait:?}"
    );
}

// --- names ------------------------------------------------------------------------------------------------

/// Ids, names and addresses: what is read is written the same, and what is proposed is accepted.
pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for id in [text.parse::<PostId>(), text.parse::<DeliveryId>()]
        .into_iter()
        .flatten()
    {
        assert_eq!(id.to_string(), text.to_lowercase());
    }
    if let Ok(name) = text.parse::<AccountName>() {
        assert_eq!(name.as_str(), text);
        assert!(text.len() <= NAME_MAX);
    }
    if let Some(proposed) = propose_name(text) {
        assert!(proposed.parse::<AccountName>().is_ok(), "{proposed}");
    }
    if let Ok(base) = BaseUrl::parse(text) {
        let shown = base.to_string();
        assert_eq!(BaseUrl::parse(&shown).as_ref(), Ok(&base), "{shown}");
        assert!(shown.starts_with("https://") || base.is_loopback(), "{shown}");
        assert!(!shown.contains(['@', '?', '#']), "{shown}");
    }
    let line = one_line(text, 80);
    assert!(
        line.chars().count() <= 81 && !line.chars().any(char::is_control),
        "{line:?}"
    );
}

/// Bytes that count how many of them are asked for.
struct Counted<'b> {
    bytes: &'b [u8],
    read: Cell<usize>,
}

impl VideoBytes for Counted<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.read.set(self.read.get() + into.len());
        let at = usize::try_from(at).unwrap();
        into.copy_from_slice(&self.bytes[at..at + into.len()]);
        Ok(())
    }
}

/// A video: the look at it ends, and what would be sent of it is the same video and tells nothing more.
pub fn video(bytes: &[u8]) {
    let counted = Counted {
        bytes,
        read: Cell::new(0),
    };
    let found = examine_video(&counted);
    assert!(
        counted.read.get() <= 16 << 20,
        "{} bytes were read",
        counted.read.get()
    );
    let Ok((footage, cover)) = found else { return };
    assert_eq!(footage.size, bytes.len() as u64);
    let mut covered = bytes.to_vec();
    cover.lay(0, &mut covered);
    let again = Counted {
        bytes: &covered,
        read: Cell::new(0),
    };
    let (same, nothing_more) = examine_video(&again).unwrap();
    assert_eq!(same, footage);
    let mut twice = covered.clone();
    nothing_more.lay(0, &mut twice);
    assert_eq!(twice, covered);
}

//! Nothing goes out that people have not approved: what they approve, when it counts, and the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod program;
mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use program::fake::{Fake, Fault, now};
use program::{CAMPAIGN, Place};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use steadfast::campaign::approval::{Approval, Approvals, Proposal, Proposals, Rule, Standing};
use steadfast::campaign::assemble::assemble;
use steadfast::campaign::render::render;
use steadfast::campaign::{Campaign, Roster};
use steadfast::clock::{Clock as _, SystemClock};
use steadfast::daemon::brake::Brake;
use steadfast::daemon::{self, Media, Outlet, World};
use steadfast::ledger::Ledger;
use steadfast::ledger::sqlite::Sqlite;
use steadfast::platform::{ImageBytes, Outgoing, Platform, Prepared, Sealed};
use steadfast::post::content::Image;
use steadfast::post::digest::Digest;
use steadfast::post::outcome::{Failure, Receipt};
use steadfast::post::state::State;
use steadfast::settings::InDoubt;
use steadfast::text::limits::Limits;
use tokio_util::sync::CancellationToken;

// --- what is approved -----------------------------------------------------------------------------------

const WORLD: &str = r#"
[campaign]
id = "test"
name = "Test"
timezone = "America/Chicago"
language = "en"
hashtags = ["Tag"]
[fact.verdict]
value = "10-2"
source = "https://a.example"
review_by = 2027-06-01
lang = { es = "10 a 2" }
[fact.other]
value = "other"
source = "https://a.example"
[[message]]
id = "first"
text = "The first"
at = 2026-12-01T08:00:00
[[message]]
id = "m"
text = "A jury said {{ fact.verdict }}, {{ days_since(\"2002-01-18\") }} days ago. {{ campaign.hashtags }}"
at = 2026-12-01T09:00:00
warn = "prison, {{ fact.verdict }}"
link = "https://a.example/case"
image = [{ file = "media/court.png", alt = "The court that said {{ fact.verdict }}" }]
# more
[message.bluesky]
text = "Otherwise, {{ campaign.name }}"
[message.lang.es]
text = "El jurado: {{ fact.verdict }}"
"#;

fn campaign(text: &str) -> Campaign {
    let world = support::World::of([("all.toml", text)]);
    let assembled = world.assemble();
    assembled.campaign.unwrap()
}

fn proposal_of(text: &str, roster: &Roster, image: &[u8]) -> Proposal {
    let campaign = campaign(text);
    let message = campaign
        .messages
        .iter()
        .find(|message| message.id.as_str() == "m");
    let hash = |_: &str| Some(Digest::of(image));
    Proposal::of(&campaign, roster, message.unwrap(), &hash).unwrap()
}

fn proposal(text: &str) -> Proposal {
    proposal_of(text, &support::roster(), b"pixels")
}

fn edited(from: &str, to: &str) -> String {
    assert!(WORLD.contains(from), "{from}");
    WORLD.replace(from, to)
}

#[test]
fn the_digest_is_the_same_in_every_version() {
    let known = "7f08d3dad90fa55e10a2fcad71e4f0df085c29c10710b21bb1d68b31da1cd5cd";
    assert_eq!(proposal(WORLD).digest().to_string(), known);
}

#[test]
fn people_read_all_that_they_approve() {
    let expected = [
        "to: bluesky",
        "language: en",
        "text: Otherwise, {{ campaign.name }}",
    ];
    let lines = proposal(WORLD).lines();
    assert_eq!(lines[..3], expected);
    let image = format!("sha256: {}", Digest::of(b"pixels"));
    for line in [
        "to: mastodon",
        "to: spanish",
        "language: es",
        "text: El jurado: {{ fact.verdict }}",
        "warning: prison, {{ fact.verdict }}",
        "link: https://a.example/case",
        "image: media/court.png",
        "description: The court that said {{ fact.verdict }}",
        "fact.verdict: 10-2",
        "fact.verdict: 10 a 2",
        "campaign.hashtags: Tag",
        "campaign.name: Test",
        &image,
    ] {
        assert!(lines.iter().any(|known| known == line), "{line}\n{lines:#?}");
    }
    assert!(
        !lines.iter().any(|line| line.contains("fact.other")),
        "{lines:#?}"
    );
    // The same words on two accounts stand once; of several lines each is a line.
    let plain = "[campaign]\nid = 'c'\nname = 'C'\ntimezone = 'UTC'\nlanguage = 'en'\n\
        [[message]]\nid = 'm'\nto = ['english']\ntext = \"\"\"one\n\ntwo\"\"\"\n";
    let lines = [
        "to: bluesky, mastodon",
        "language: en",
        "text:",
        "    one",
        "",
        "    two",
    ];
    assert_eq!(proposal(plain).lines(), lines);
}

#[rstest]
#[case::its_text("A jury said", "A jury of twelve said")]
#[case::a_text_for_one_account("Otherwise, ", "In other words, ")]
#[case::another_variant(
    "text = \"Otherwise, {{ campaign.name }}\"",
    "texts = [\"Otherwise, {{ campaign.name }}\", \"Else.\"]"
)]
#[case::a_text_in_one_language("El jurado:", "El tribunal:")]
#[case::a_facts_value("value = \"10-2\"", "value = \"11-1\"")]
#[case::a_facts_value_in_a_language("10 a 2", "11 a 1")]
#[case::the_warning("prison, ", "prisons, ")]
#[case::no_warning("warn = \"prison, {{ fact.verdict }}\"\n", "")]
#[case::the_link("a.example/case", "a.example/other")]
#[case::a_description("The court that", "The courthouse that")]
#[case::another_image("media/court.png", "media/other.png")]
#[case::the_accounts("# more", "to = [\"mastodon\", \"spanish\"]")]
#[case::what_it_answers("# more", "reply_to = \"first\"")]
#[case::how_a_thread_is_made("# more", "thread = \"auto\"")]
#[case::numbers_on_its_parts("# more", "thread = \"auto\"\ncounter = true")]
#[case::tags_that_it_writes("[\"Tag\"]", "[\"Tag\", \"Other\"]")]
#[case::the_campaigns_name("name = \"Test\"", "name = \"Trial\"")]
#[case::a_language("language = \"en\"", "language = \"fr\"")]
#[case::a_fact_that_is_quoted_too("A jury", "{{ fact.other }}: a jury")]
fn whatever_changes_of_what_it_says_is_another_proposal(#[case] from: &str, #[case] to: &str) {
    assert_ne!(proposal(&edited(from, to)).digest(), proposal(WORLD).digest());
}

#[test]
fn variants_are_approved_together_and_each_counts() {
    let says = |texts: &str| {
        let text = format!(
            "[campaign]\nid = 'c'\ntimezone = 'UTC'\n[[message]]\nid = 'm'\nto = ['mastodon']\n{texts}\n"
        );
        proposal(&text)
    };
    let both = says("texts = ['One.', 'Two.']");
    for other in [
        "texts = ['One.', 'Three.']",
        "texts = ['Two.', 'One.']",
        "texts = ['One.', 'Two.', 'Three.']",
        "text = 'One.'",
    ] {
        assert_ne!(says(other).digest(), both.digest(), "{other}");
    }
    let lines = both.lines();
    for line in ["text 1 of 2: One.", "text 2 of 2: Two."] {
        assert!(lines.contains(&line.to_owned()), "{lines:?}");
    }
    // One text is one text, however it is written.
    assert_eq!(says("texts = ['One.']").digest(), says("text = 'One.'").digest());
}

#[test]
fn an_image_with_other_bytes_another_account_and_another_message_are_other_proposals() {
    let before = proposal(WORLD);
    let roster = support::roster();
    assert_ne!(
        proposal_of(WORLD, &roster, b"other pixels").digest(),
        before.digest()
    );
    let mut fewer = roster.clone();
    fewer.accounts.pop();
    assert_ne!(proposal_of(WORLD, &fewer, b"pixels").digest(), before.digest());
    let twin = WORLD
        .replace("id = \"m\"", "id = \"x\"")
        .replace("id = \"first\"", "id = \"m\"");
    assert_ne!(proposal(&twin).digest(), before.digest());
    let share = "[campaign]\nid = 'c'\ntimezone = 'UTC'\n[[message]]\nid = 'm'\nto = ['mastodon']\nshare = 'https://mastodon.social/@a/1'\n";
    assert_ne!(
        proposal(share).digest(),
        proposal(&share.replace("@a/1", "@a/2")).digest()
    );
}

#[rstest]
#[case::its_time("2026-12-01T09:00:00", "2026-12-02T10:00:00")]
#[case::how_late_it_may_be("# more", "late = \"6h\"\nexpires = 2027-01-01")]
#[case::that_it_is_a_draft("# more", "draft = true")]
#[case::who_wrote_it("# more", "author = \"ann\"")]
#[case::the_same_accounts_by_name("# more", "to = [\"spanish\", \"mastodon\", \"bluesky\"]")]
#[case::a_fact_that_it_does_not_quote("value = \"other\"", "value = \"another\"")]
#[case::when_a_fact_is_checked_next("2027-06-01", "2028-06-01")]
#[case::words_for_an_account_that_is_not_there(
    "# more",
    "[message.telegram]\nwarn = \"prison, {{ fact.verdict }}\"\n[message.lang.fr]\ntext = \"Autrement\""
)]
#[case::a_comment("# more", "# less")]
fn what_says_nothing_changes_nothing(#[case] from: &str, #[case] to: &str) {
    assert_eq!(proposal(&edited(from, to)).digest(), proposal(WORLD).digest());
}

#[test]
fn a_card_is_approved_with_all_that_is_on_it() {
    let image =
        "image = [{ file = \"media/court.png\", alt = \"The court that said {{ fact.verdict }}\" }]\n";
    let carded = edited(image, "card = \"quote\"\n");
    let approved = proposal(&carded);
    assert!(
        approved
            .lines()
            .iter()
            .any(|line| line.starts_with("card: quote; Test; Tag;")),
        "{:#?}",
        approved.lines()
    );
    for (from, to) in [
        ("card = \"quote\"\n", ""),
        ("name = \"Test\"", "name = \"Other\""),
        ("hashtags = [\"Tag\"]", "hashtags = [\"Other\"]"),
        (
            "language = \"en\"\nhashtags",
            "language = \"en\"\ncard = { background = \"#000000\" }\nhashtags",
        ),
    ] {
        assert!(carded.contains(from), "{from}");
        assert_ne!(
            proposal(&carded.replacen(from, to, 1)).digest(),
            approved.digest(),
            "{from}"
        );
    }
}

#[test]
fn the_order_of_the_accounts_in_the_config_says_nothing() {
    let mut turned = support::roster();
    turned.accounts.reverse();
    assert_eq!(proposal_of(WORLD, &turned, b"pixels"), proposal(WORLD));
}

/// However a template comes by a fact, its value counts.
#[rstest]
#[case("{{ fact.verdict }}")]
#[case("{{ fact['verdict'] }}")]
#[case("{{ fact['ver' ~ 'dict'] }}")]
#[case("{% set f = fact %}{{ f.verdict }}")]
#[case("{% set fact = fact %}{{ fact.verdict }}")]
#[case("{%- with fact = fact -%}{{ fact.verdict }}{% endwith %}")]
#[case("{% if days_since('2002-01-18') > 99999 %}{{ fact.verdict }}{% endif %}No.")]
#[case("{{ fact.verdict | upper }}")]
fn no_template_hides_the_fact_that_it_quotes(#[case] text: &str) {
    let files = |value: &str| {
        format!(
            "[campaign]\nid = 'c'\ntimezone = 'UTC'\n[fact.verdict]\nvalue = '{value}'\nsource = 'https://a.example'\n\
             [[message]]\nid = 'm'\ntext = \"{text}\"\n"
        )
    };
    assert_ne!(
        proposal(&files("ten")).digest(),
        proposal(&files("eleven")).digest(),
        "{text}"
    );
}

#[test]
fn a_video_counts_by_its_bytes_its_name_and_its_description() {
    let image =
        "image = [{ file = \"media/court.png\", alt = \"The court that said {{ fact.verdict }}\" }]\n";
    let video = |alt: &str| {
        edited(
            image,
            &format!("video = {{ file = \"media/march.mp4\", alt = \"{alt}\" }}\n"),
        )
    };
    let roster = support::roster();
    let proposal = proposal_of(&video("A march"), &roster, b"pictures");
    let lines = proposal.lines();
    let at = lines
        .iter()
        .position(|line| line == "video: media/march.mp4")
        .unwrap();
    assert_eq!(
        lines[at + 1..at + 3],
        [
            format!("sha256: {}", Digest::of(b"pictures")),
            "description: A march".to_owned()
        ]
    );
    assert_eq!(
        proposal.approved().media.get("media/march.mp4"),
        Some(&Digest::of(b"pictures"))
    );
    let digest = proposal.digest();
    for other in [
        proposal_of(&video("A crowd"), &roster, b"pictures"),
        proposal_of(&video("A march"), &roster, b"others"),
        proposal_of(&edited(image, ""), &roster, b"pictures"),
    ] {
        assert_ne!(other.digest(), digest);
    }
}

#[test]
fn an_image_that_cannot_be_read_cannot_be_approved() {
    let campaign = campaign(WORLD);
    let message = &campaign.messages[1];
    let why = Proposal::of(&campaign, &support::roster(), message, &|_| None).unwrap_err();
    assert_eq!(why, "`media/court.png` can't be read");
}

proptest! {
    /// Two messages have the same digest if, and only if, they say the same.
    #[test]
    fn digests_are_the_same_if_and_only_if_all_that_is_said_is(
        one in said(), other in said(),
    ) {
        let digest = |said: &[String; 5]| {
            let [text, warn, alt, fact, bytes] = said;
            let quoted = |text: &str| Value::from(text).to_string();
            let files = format!(
                "[campaign]\nid = 'c'\ntimezone = 'UTC'\n[fact.x]\nvalue = {}\nsource = 'https://a.example'\n\
                 [[message]]\nid = 'm'\ntext = {}\nwarn = {}\nimage = [{{ file = 'a.png', alt = {} }}]\n",
                quoted(fact), quoted(&format!("{text}{{{{ fact.x }}}}")), quoted(warn), quoted(alt),
            );
            proposal_of(&files, &support::roster(), bytes.as_bytes()).digest()
        };
        prop_assert_eq!(one == other, digest(&one) == digest(&other));
    }
}

/// A few words, so that the same come twice, and words that look like the names of fields.
fn said() -> impl Strategy<Value = [String; 5]> {
    let words = || prop::sample::select(vec!["a", "ab", "b", "text", "warning: a", "a\nlink: b", "é"]);
    [words(), words(), words(), words(), words()].prop_map(|said| said.map(str::to_owned))
}

// --- when it counts -------------------------------------------------------------------------------------

fn word(by: &str, minute: i64, digest: Option<Digest>) -> Approval {
    Approval {
        message: "m".parse().unwrap(),
        by: by.to_owned(),
        at: jiff::Timestamp::from_second(60 * minute).unwrap(),
        digest,
    }
}

#[rstest]
#[case::nobody(&[], 1, "it is not approved")]
#[case::somebody(&["ann"], 1, "")]
#[case::the_author_alone(&["eve"], 1, "it is not approved: its author did, and somebody else must")]
#[case::the_author_as_they_write_themselves(&[" EVE"], 1, "it is not approved: its author did, and somebody else must")]
#[case::the_author_and_another(&["eve", "ann"], 1, "")]
#[case::one_of_two(&["ann"], 2, "it is not approved: one more person must approve it")]
#[case::the_same_twice(&["ann", "Ann "], 2, "it is not approved: one more person must approve it")]
#[case::two(&["ann", "ben"], 2, "")]
#[case::two_with_the_author(&["eve", "ben"], 2, "")]
#[case::other_content(&["ann", "-other ann"], 1, "it is not approved: it has changed since ann approved it")]
#[case::other_content_and_back(&["ann", "-other ben", "carl"], 2, "it is not approved: one more person must approve it")]
#[case::withdrawn(&["ann", "-withdrawn ben"], 1, "it is not approved: ben withdrew the approval")]
#[case::withdrawn_and_approved_anew(&["ann", "-withdrawn ben", "ann"], 1, "")]
fn a_word_counts_for_what_it_was_said_of(#[case] said: &[&str], #[case] people: usize, #[case] why: &str) {
    let campaign = campaign(WORLD);
    let (this, other) = (Digest::of(b"this"), Digest::of(b"other"));
    let words = said
        .iter()
        .zip(0..)
        .map(|(said, minute)| match said.split_once(' ') {
            Some(("-other", by)) => word(by, minute, Some(other)),
            Some(("-withdrawn", by)) => word(by, minute, None),
            _ => word(said, minute, Some(this)),
        });
    let approvals = Approvals::new(words.collect());
    let standing = approvals.standing(&campaign.messages[1], this, Some("Eve"), Rule { people });
    assert_eq!(standing.why().unwrap_or_default(), why);
    assert_eq!(standing == Standing::Approved, why.is_empty());
}

#[test]
fn without_approval_a_message_is_blocked_and_with_it_its_posts_carry_what_was_approved() {
    let campaign = campaign(WORLD);
    let roster = support::roster();
    let proposals = Proposals::of(&campaign, &roster, &|_| Some(Digest::of(b"pixels")));
    let digest = proposal(WORLD).digest();
    let rule = Rule { people: 1 };
    let message = campaign.messages[1].clone();
    let said = |campaign: &Campaign| {
        render(campaign, &message, &roster.accounts[0], support::now(), 0)
            .unwrap()
            .approved
    };
    let gated = campaign.gated(&proposals, &Approvals::default(), rule);
    assert_eq!(
        gated.blocked[&message.id],
        "it is not approved; see `steadfast pending`"
    );
    assert_eq!((said(&gated), gated.unapproved().len()), (None, 2));

    let approvals = Approvals::new(vec![word("ann", 0, Some(digest))]);
    let gated = campaign.gated(&proposals, &approvals, rule);
    assert!(!gated.blocked.contains_key(&message.id));
    assert_eq!(said(&gated), Some(digest));
    let approved = &gated.approved.as_ref().unwrap()[&message.id];
    assert_eq!(approved.accounts.len(), 3);
    assert_eq!(approved.media["media/court.png"], Digest::of(b"pixels"));
    // Where no approval is asked for there is none.
    assert_eq!((said(&campaign), campaign.unapproved().len()), (None, 0));
}

// --- the real program -----------------------------------------------------------------------------------

const REQUIRED: &str = "[delivery]\napproval = \"required\"\n";

fn on_mastodon(fake: &Fake, config: &str) -> Place {
    let place = Place::new(&format!(
        "{config}[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    done(&place, &["init"]);
    place
}

fn run(place: &Place, args: &[&str]) -> (i32, String, String) {
    let output = place.run(args);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn done(place: &Place, args: &[&str]) -> String {
    let (status, out, err) = run(place, args);
    assert_eq!(status, 0, "{args:?}\n{out}{err}");
    out
}

fn refused(place: &Place, args: &[&str], status: i32, words: &str) {
    let (found, out, err) = run(place, args);
    assert_eq!(found, status, "{args:?}\n{out}{err}");
    assert!(err.contains(words), "{args:?} does not say {words:?}:\n{err}");
}

fn pending(place: &Place) -> Vec<Value> {
    let rows = place.json(&["pending", "--format", "json"]);
    rows.as_array().unwrap().clone()
}

fn message(id: &str, text: &str, keys: &str) -> String {
    format!("[[message]]\nid = \"{id}\"\ntext = \"{text}\"\n{keys}\n\n")
}

fn after(seconds: u64) -> String {
    format!("at = {}", now() + Duration::from_secs(seconds))
}

const BREAKING: &str = "priority = \"breaking\"";

/// Waits until an event is told of a message.
fn told(place: &Place, event: &str, message: &str) -> Value {
    let find = || {
        place
            .events(event)
            .into_iter()
            .find(|line| line["message"] == message)
    };
    place.wait(&format!("{event} of {message}"), 20, || find().is_some());
    find().unwrap()
}

#[test]
fn what_is_due_and_not_approved_stays_and_is_told_and_goes_out_when_it_is_approved() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, REQUIRED);
    place.write(
        "a.toml",
        &(message("dated", "dated words", &after(3)) + &message("queued", "q", "")),
    );
    let mut daemon = place.start();
    place.wait_ready();
    let plan = place.json(&["plan", "--format", "json"]);
    assert_eq!(
        (&plan[0]["message"], &plan[0]["state"], &plan[0]["why"]),
        (
            &json!("dated"),
            &json!("blocked"),
            &json!("it is not approved; see `steadfast pending`")
        )
    );
    let line = told(&place, "post.unapproved", "dated");
    assert_eq!(
        (&line["account"], &line["level"]),
        (&json!("mastodon"), &json!("WARN"))
    );
    told(&place, "post.unapproved", "queued");
    std::thread::sleep(Duration::from_millis(500)); // its time has come
    assert_eq!(fake.texts(), Vec::<String>::new());
    assert_eq!(place.json(&["status", "--format", "json"])["pending"], 2);
    assert!(done(&place, &["status"]).contains("2 messages wait for approval: steadfast pending"));

    let rows = pending(&place);
    assert_eq!(
        (&rows[0]["message"], &rows[1]["message"]),
        (&json!("dated"), &json!("queued"))
    );
    assert_eq!(
        (&rows[1]["due"], &rows[0]["before"]),
        (&Value::Null, &Value::Null)
    );
    let digest = rows[0]["digest"].as_str().unwrap();
    let said = done(
        &place,
        &["approve", "dated", "--digest", &digest[..12], "--as", "Ann"],
    );
    assert!(
        said.contains("text: dated words") && said.contains("dated is approved by Ann"),
        "{said}"
    );
    place.wait("the approved one", 5, || fake.texts() == ["dated words"]);
    assert_eq!(told(&place, "approval.given", "dated")["by"], "Ann");
    assert_eq!(place.events("post.unapproved").len(), 2, "each is told once");

    // Who approved what and when is in the record, and the post says which approval it goes by.
    place.run(&["history", "--evidence", "record"]);
    let record = std::fs::read_to_string(place.path().join("record")).unwrap();
    let entry = |kind: &str| -> Value {
        let lines = record
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let found = lines.into_iter().find(|line| line["kind"] == kind).unwrap();
        serde_json::from_str(found["data"].as_str().unwrap()).unwrap()
    };
    let approved = entry("approved");
    assert_eq!(
        (&approved["by"], &approved["digest"]),
        (&json!("Ann"), &json!(digest))
    );
    assert!(
        approved["content"]
            .as_str()
            .unwrap()
            .contains("text: dated words")
    );
    assert_eq!(entry("recorded")["content"]["approved"], digest);
    assert!(run(&place, &["history", "--verify", "record"]).0 == 0);
    assert!(run(&place, &["ledger", "check"]).0 == 0);

    // In force across a restart: the queue has a slot now, and only what is approved takes it.
    done(&place, &["approve", "queued"]);
    daemon.kill();
    place.write("campaign.toml", &format!("{CAMPAIGN}slots = [\"* * * * *\"]\n"));
    place.write("b.toml", &message("unapproved", "u", ""));
    let _daemon = place.start();
    place.wait("the queued one", 70, || fake.texts() == ["dated words", "q"]);
    assert_eq!(pending(&place).len(), 1);
}

#[test]
fn an_edit_a_fact_and_the_bytes_of_an_image_withdraw_the_approval() {
    let place = Place::new(REQUIRED);
    let fact = |value: &str| format!("[fact.verdict]\nvalue = \"{value}\"\nsource = \"https://a.example\"\n");
    let image = "image = [{ file = \"media/a.png\", alt = \"The court\" }]";
    let files = |text: &str, value: &str| {
        [
            message("text", text, &after(9)),
            message("fact", "a jury said {{ fact.verdict }}", &after(9)),
            message("image", "look", &format!("{}\n{image}", after(9))),
            message("same", "{{ days_since('2002-01-18') }} days", &after(9)),
            fact(value),
        ]
        .concat()
    };
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("messages/media/ten-to-two.png");
    let media = place.path().join("messages/media/a.png");
    std::fs::create_dir_all(media.parent().unwrap()).unwrap();
    std::fs::copy(&sample, &media).unwrap();
    place.write("a.toml", &files("one", "10-2"));
    let _daemon = place.start();
    place.wait_ready();
    assert_eq!(pending(&place).len(), 4);
    done(&place, &["approve", "--all", "--as", "ann"]);
    assert_eq!(pending(&place), Vec::<Value>::new());
    assert!(done(&place, &["pending"]).contains("nothing waits for approval"));

    place.write("a.toml", &files("two", "11-1"));
    let other = [std::fs::read(&sample).unwrap(), b"more".to_vec()].concat();
    // As editors do it: half an image would be a problem of its own.
    let new = place.path().join("messages/media/new~");
    std::fs::write(&new, other).unwrap();
    std::fs::rename(&new, &media).unwrap();
    for id in ["text", "fact", "image"] {
        let why = &told(&place, "approval.withdrawn", id)["why"];
        assert!(
            why.as_str()
                .unwrap()
                .contains("it has changed since ann approved it"),
            "{why}"
        );
        told(&place, "post.unapproved", id);
    }
    let sent = |id: &str| {
        let history = place.json(&["history", "--message", id, "--format", "json"]);
        history
            .as_array()
            .unwrap()
            .iter()
            .filter(|post| post["state"] == "sent")
            .count()
    };
    place.wait("the one that did not change", 20, || sent("same") == 2);
    assert_eq!(["text", "fact", "image"].map(sent), [0; 3]);
    let changes = |id: &str| {
        let rows = pending(&place);
        let row = rows.iter().find(|row| row["message"] == id).unwrap();
        let lines = row["changes"].as_array().unwrap().iter();
        let changed = lines.map(|line| line.as_str().unwrap().to_owned());
        changed.filter(|line| !line.starts_with(' ')).collect::<Vec<_>>()
    };
    assert_eq!(changes("text"), ["- text: one", "+ text: two"]);
    assert_eq!(changes("fact"), ["- fact.verdict: 10-2", "+ fact.verdict: 11-1"]);
    assert_eq!(changes("image").len(), 2);
    let shown = done(&place, &["pending"]);
    assert!(
        shown.contains("   + text: two\n") && !shown.contains('\x1b'),
        "{shown}"
    );

    done(&place, &["approve", "--all"]);
    place.wait("all that is approved anew", 20, || {
        ["text", "fact", "image"].map(sent) == [2; 3]
    });
}

#[test]
fn two_people_and_never_the_author_alone() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, &format!("{REQUIRED}approvals = 2\n"));
    place.write("a.toml", &message("two", "two", BREAKING));
    let _daemon = place.start();
    place.wait_ready();
    let said = done(&place, &["approve", "two", "--as", "ann"]);
    assert!(said.contains("one more person must approve it"), "{said}");
    refused(
        &place,
        &["approve", "two", "--as", "Ann"],
        1,
        "is approved by Ann already",
    );
    assert_eq!(pending(&place)[0]["approvals"][0]["by"], "ann");
    told(&place, "post.unapproved", "two");
    assert_eq!(fake.texts(), Vec::<String>::new());
    assert!(done(&place, &["approve", "two", "--as", "ben"]).contains("two is approved by ben"));
    place.wait("it", 10, || fake.texts() == ["two"]);

    let place = on_mastodon(&fake, REQUIRED);
    place.write("campaign.toml", &format!("{CAMPAIGN}author = \"ann\"\n"));
    let by_eve = format!("{BREAKING}\nauthor = \"eve\"");
    place.write(
        "a.toml",
        &(message("a", "a", BREAKING) + &message("e", "e", &by_eve)),
    );
    let said = done(&place, &["approve", "--all", "--as", "ann"]);
    assert!(said.contains("its author did, and somebody else must"), "{said}");
    assert!(said.contains("e is approved by ann"), "{said}");
    let _daemon = place.start();
    place.wait("the other's", 20, || fake.texts() == ["two", "e"]);
    assert_eq!(pending(&place)[0]["author"], "ann");
    done(&place, &["approve", "a", "--as", "eve"]);
    place.wait("the author's", 10, || fake.texts() == ["two", "e", "a"]);
}

#[test]
fn an_approval_that_is_withdrawn_stops_what_waits_already() {
    let fake = Fake::start();
    let place = on_mastodon(&fake, REQUIRED);
    place.write("a.toml", &message("m", "words", &after(8)));
    done(&place, &["approve", "m"]);
    let _daemon = place.start();
    place.wait_ready();
    // Recorded and waiting for its platform: its content is frozen.
    let later = vec![("retry-after", "3".to_owned())];
    fake.fault(Fault::Answer(429, later, "{}".to_owned()));
    place.wait("the first try", 20, || {
        !place.events("account.rate_limited").is_empty()
    });
    done(&place, &["approve", "--withdraw", "m"]);
    told(&place, "approval.withdrawn", "m");
    std::thread::sleep(Duration::from_secs(4)); // past the next try
    assert_eq!(fake.texts(), Vec::<String>::new());
    let plan = place.json(&["plan", "--format", "json"]);
    assert_eq!(
        (&plan[0]["message"], &plan[0]["state"]),
        (&json!("m"), &json!("blocked"))
    );
    refused(
        &place,
        &["approve", "--withdraw", "m"],
        1,
        "nothing of `m` is approved",
    );
    done(&place, &["approve", "m"]);
    place.wait("it", 20, || fake.texts() == ["words"]);
}

#[test]
fn commands_refuse_what_is_not_approved_and_what_cannot_be() {
    let place = Place::new(REQUIRED);
    refused(&place, &["approve", "--all"], 1, "nothing waits for approval");
    place.write(
        "a.toml",
        &(message("good", "words", "to = [\"mastodon\"]")
            + &message("bad", "{{ fact.none }}", "")
            + &message("draft", "d", "draft = true")),
    );
    refused(&place, &["post", "good"], 1, "it is not approved");
    refused(&place, &["approve", "goood"], 2, "did you mean `good`?");
    refused(&place, &["approve", "bad"], 1, "there is no fact `none`");
    refused(
        &place,
        &["approve", "good", "--digest", "00000000"],
        1,
        "says something else",
    );
    refused(
        &place,
        &["approve", "good", "--digest", "12"],
        2,
        "8 to 64 hexadecimal digits",
    );
    refused(&place, &["approve"], 2, "<ID>");
    assert_eq!(place.json(&["history", "--format", "json"]), json!([]));

    // All that can be approved is, and what can't is said.
    refused(&place, &["approve", "--all"], 1, "there is no fact `none`");
    refused(&place, &["approve", "good"], 1, "already");
    refused(
        &place,
        &["post", "good", "--to", "bluesky"],
        1,
        "is not approved for bluesky",
    );
    assert!(done(&place, &["post", "good"]).contains("mastodon: sent"));

    let place = Place::new("");
    refused(&place, &["pending"], 2, "`delivery.approval` is \"off\"");
    refused(&place, &["approve", "--all"], 2, "`delivery.approval` is \"off\"");
}

// --- right before a request -----------------------------------------------------------------------------

/// A file that is other when it is read to be sent than it was when it was looked at.
struct Swapped {
    sent: &'static [u8],
}

#[async_trait]
impl Media for Swapped {
    async fn image(&self, image: &Image, _: &Limits) -> Result<ImageBytes, String> {
        Ok(ImageBytes {
            bytes: self.sent.into(),
            mime: "image/png",
            width: 64,
            height: 48,
            alt: image.alt.clone(),
            source: Digest::of(self.sent),
        })
    }

    fn hash(&self, _: &str) -> Option<Digest> {
        Some(Digest::of(b"pixels"))
    }
}

struct Accepts {
    limits: Limits,
}

#[async_trait]
impl Platform for Accepts {
    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn prepare(&self, out: &Outgoing<'_>) -> Result<Prepared, Failure> {
        Ok(Prepared {
            path: String::new(),
            body: out.part.text.clone(),
        })
    }

    async fn publish(&self, _: &Sealed) -> Result<Receipt, Failure> {
        Ok(Receipt::named("1", None))
    }
}

#[rstest]
#[case::the_approved_one(b"pixels", State::Sent, None)]
#[case::another(
    b"others",
    State::Retrying,
    Some("media/court.png has changed since it was approved")
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bytes_that_are_sent_are_those_that_were_approved(
    #[case] sent: &'static [u8],
    #[case] state: State,
    #[case] error: Option<&str>,
) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::create(&folder.path().join("steadfast.db")).await.unwrap();
    let ledger: Arc<dyn Ledger> = Arc::new(sqlite);
    let text = WORLD.replace("at = 2026-12-01T09:00:00", BREAKING);
    let mut roster = support::roster();
    roster.accounts.truncate(1);
    let file = Arc::new(steadfast::campaign::read::read("all.toml", text.as_bytes()));
    let media = support::World::of([]);
    let campaign = assemble(&[file], &roster, SystemClock.now(), &media)
        .campaign
        .unwrap();
    let digest = proposal_of(&text, &roster, b"pixels").digest();
    let approved = (word("ann", 0, Some(digest)), String::new());
    ledger.approve(vec![approved]).await.unwrap();
    let (_files, latest) = tokio::sync::watch::channel(Arc::new(campaign));
    let outlet = Outlet {
        account: roster.accounts[0].clone(),
        platform: Box::new(Accepts {
            limits: support::mastodon(),
        }),
        in_doubt: InDoubt::Auto,
        engagement: false,
    };
    let world = World {
        ledger: Arc::clone(&ledger),
        clock: Arc::new(SystemClock),
        outlets: Arc::new(vec![outlet]),
        roster: Arc::new(roster),
        media: Arc::new(Swapped { sent }),
        dates: steadfast::platform::dates::Dates::default(),
        brake: Arc::new(Brake::new([folder.path()], None)),
        ballast: daemon::ballast::Ballast::default(),
        pulse: Arc::default(),
        workers: 4,
        late: Duration::from_hours(2),
        approval: Some(Rule { people: 1 }),
        alerts: Arc::default(),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(daemon::run(world, latest, stop.clone(), || {}));
    let began = std::time::Instant::now();
    loop {
        let posts = ledger.in_state(state, 10).await.unwrap();
        if let [post] = &posts[..] {
            assert_eq!(post.error.as_deref(), error);
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            ledger.counts().await
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    running.await.unwrap().unwrap();
}

//! Files in, timeline out: the real program, as its users meet it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "support/clip.rs"]
mod clip;
mod program;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use program::fake::{Fake, Fault, now};
use program::{CAMPAIGN, Place};
use serde_json::json;

/// A place with one account on a Mastodon that we watch.
fn on_mastodon(fake: &Fake) -> Place {
    on_mastodon_with(fake, "")
}

fn on_mastodon_with(fake: &Fake, keys: &str) -> Place {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n{keys}\n",
        fake.url
    ));
    let made = place.run(&["init"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    place
}

fn breaking(id: &str, text: &str) -> String {
    format!("[[message]]\nid = \"{id}\"\npriority = \"breaking\"\ntext = \"{text}\"\n\n")
}

fn at(id: &str, from_now: Duration) -> String {
    format!(
        "[[message]]\nid = \"{id}\"\nat = {}\ntext = \"{id}\"\n\n",
        now() + from_now
    )
}

fn sent(place: &Place) -> u64 {
    place.json(&["status", "--format", "json"])["counts"]["sent"]
        .as_u64()
        .unwrap()
}

/// The state of a message's only post.
fn state(place: &Place, message: &str) -> String {
    let history = place.json(&["history", "--message", message, "--format", "json"]);
    history[0]["state"].as_str().unwrap_or("none").to_owned()
}

fn get(place: &Place, path: &str) -> (u16, String) {
    program::get(place.port, &format!("127.0.0.1:{}", place.port), path)
}

#[test]
fn the_sample_campaign_is_in_the_sandbox_within_a_minute_of_the_first_start() {
    let place = Place::new("");
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
    std::fs::remove_dir_all(place.path().join("messages")).unwrap();
    std::os::unix::fs::symlink(sample, place.path().join("messages")).unwrap();
    assert!(place.run(&["check"]).status.success());

    let _daemon = place.start();
    place.wait_ready();
    place.wait("the first posts", 60, || sent(&place) >= 6);
    assert_eq!(get(&place, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(&place, "/readyz").0, 200);
    let (status, page) = get(&place, "/sandbox");
    assert_eq!(status, 200);
    for words in [
        "known as the rapper C-Murder",
        "Here is what she says about the case", // Bluesky's own words
        "part 5/5",                             // the thread, joined up
        "class=\"part joined\"",
        "Twelve circles in two rows", // the image's description
    ] {
        assert!(page.contains(words), "the page lacks: {words}");
    }
    assert_eq!(get(&place, "/sandbox/media/media/ten-to-two.png").0, 200);
    assert_eq!(
        get(&place, "/sandbox/media/campaign.toml").0,
        404,
        "only images that a post shows"
    );
}

#[test]
fn a_new_message_goes_out_within_three_seconds_and_an_old_one_never_again() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("first", "one"));
    let _daemon = place.start();
    place.wait("the first", 20, || fake.texts() == ["one"]);

    let began = Instant::now();
    place.write("b.toml", &breaking("second", "two"));
    place.wait("the second", 20, || fake.texts().len() == 2);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());

    // Edited after it went out: the text is other, the identity is not.
    place.write("a.toml", &breaking("first", "one, better said"));
    place.write("c.toml", &breaking("third", "three"));
    place.wait("the third", 20, || fake.texts().len() == 3);
    assert_eq!(fake.texts(), ["one", "two", "three"]);
}

/// The image in a form that was sent, and whether the form has these bytes.
fn uploaded(fake: &Fake, index: usize, start: &[u8], words: &[u8]) -> (image::RgbImage, bool) {
    let form = fake.store.lock().unwrap().uploads[index].clone();
    let find = |bytes: &[u8]| form.windows(bytes.len()).position(|window| window == bytes);
    let from = find(start).expect("an image of this type");
    let image = image::load_from_memory(&form[from..]).unwrap();
    (image.to_rgb8(), find(words).is_some())
}

#[test]
fn f22_a_platform_gets_a_video_without_its_place_and_in_its_whole_length() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    let clip = clip::Clip::telling().bytes();
    std::fs::create_dir(place.path().join("messages/media")).unwrap();
    std::fs::write(place.path().join("messages/media/a.mov"), &clip).unwrap();
    place.write(
        "a.toml",
        &(breaking("march", "Seen.") + "video = { file = \"media/a.mov\", alt = \"A march\" }\n"),
    );
    let check = place.run(&["check"]);
    assert!(check.status.success(), "{check:?}");
    let preview = place.json(&["preview", "march", "--format", "json"]);
    assert_eq!(preview[0]["parts"][0]["video"], "media/a.mov: A march");
    let _daemon = place.start();
    place.wait("the video", 30, || fake.texts() == ["Seen."]);
    let form = fake.store.lock().unwrap().uploads[0].clone();
    let find = |bytes: &[u8]| form.windows(bytes.len()).position(|window| window == bytes);
    let begins = find(b"ftypqt").unwrap() - 4;
    let ends = form[begins..]
        .windows(4)
        .position(|window| window == b"\r\n--")
        .unwrap();
    assert_eq!(ends, clip.len());
    assert!(find(clip::PLACE).is_none() && find(clip::NOTES).is_none());
    assert!(find(clip::PICTURES).is_some() && find(b"A march").is_some());
    let history = place.json(&["history", "--message", "march", "--format", "json"]);
    assert_eq!(history[0]["state"], "sent");
}

/// So many kB of memory a process has, or had at most.
#[cfg(target_os = "linux")]
fn memory(daemon: &program::Daemon, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_video_of_30_megabytes_goes_up_piece_by_piece() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("first", "one"));
    let daemon = place.start();
    place.wait("the first", 30, || fake.texts() == ["one"]);
    let idle = memory(&daemon, "VmRSS:");

    let clip = clip::Clip {
        tracks: vec![clip::pictures(*b"avc1", false)],
        after: clip::atom(*b"mdat", &vec![7; 30_000_000]),
        ..clip::Clip::default()
    };
    let clip = clip.bytes();
    std::fs::create_dir(place.path().join("messages/media")).unwrap();
    std::fs::write(place.path().join("messages/media/a.mov"), &clip).unwrap();
    place.write(
        "b.toml",
        &(breaking("march", "two") + "video = { file = \"media/a.mov\", alt = \"A march\" }\n"),
    );
    place.wait("the video", 60, || fake.texts().len() == 2);
    assert!(fake.store.lock().unwrap().uploads[0].len() > clip.len());
    let most = memory(&daemon, "VmHWM:");
    assert!(most < idle + 40_000, "{idle} kB, then {most} kB");
}

#[cfg(target_os = "linux")]
#[test]
fn a_video_of_30_megabytes_leaves_in_the_one_visible_request_piece_by_piece() {
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let telegram = runtime.block_on(MockServer::start());
    let at = |name: &str| format!("/bot123456:a-token-for-tests/{name}");
    let chat = json!({ "id": -1_001_234_567_890_i64, "type": "channel", "username": "casewatch" });
    let member = json!({ "status": "administrator", "can_post_messages": true });
    for (verb, name, result) in [
        ("GET", "getMe", json!({ "id": 123_456 })),
        ("GET", "getChat", chat.clone()),
        ("GET", "getChatMember", member),
        ("POST", "sendMessage", json!({ "message_id": 7, "chat": chat })),
        ("POST", "sendVideo", json!({ "message_id": 8, "chat": chat })),
    ] {
        let page = json!({ "ok": true, "result": result });
        let mock = Mock::given(method(verb))
            .and(path(at(name)))
            .respond_with(ResponseTemplate::new(200).set_body_json(page));
        runtime.block_on(mock.mount(&telegram));
    }
    let mut place = Place::new(&format!(
        "[account.telegram]\nplatform = \"telegram\"\nbase_url = \"{}\"\nbot_token = {{ env = \"BOT\" }}\nchat = \"@casewatch\"\n",
        telegram.uri()
    ));
    place.set("BOT", "123456:a-token-for-tests");
    assert!(place.run(&["init"]).status.success());
    place.write("a.toml", &breaking("first", "one"));
    let daemon = place.start();
    let sent = || {
        let history = place.json(&["history", "--state", "sent", "--format", "json"]);
        history.as_array().unwrap().len()
    };
    place.wait("the first", 30, || sent() == 1);
    let idle = memory(&daemon, "VmRSS:");

    let mut clip = clip::Clip::telling();
    clip.brand = *b"isom";
    let large = clip::Clip {
        after: clip::atom(*b"mdat", &vec![7; 30_000_000]),
        ..clip
    };
    let clip = large.bytes();
    std::fs::create_dir(place.path().join("messages/media")).unwrap();
    std::fs::write(place.path().join("messages/media/a.mp4"), &clip).unwrap();
    place.write(
        "b.toml",
        &(breaking("march", "two") + "video = { file = \"media/a.mp4\", alt = \"A march\" }\n"),
    );
    place.wait("the video", 60, || sent() == 2);
    let most = memory(&daemon, "VmHWM:");
    assert!(most < idle + 40_000, "{idle} kB, then {most} kB");
    let requests = runtime.block_on(telegram.received_requests()).unwrap();
    let form = &requests
        .iter()
        .find(|request| request.url.path() == at("sendVideo"))
        .unwrap()
        .body;
    let find = |bytes: &[u8]| form.windows(bytes.len()).position(|window| window == bytes);
    let begins = find(b"ftypisom").unwrap() - 4;
    let ends = form[begins..]
        .windows(4)
        .position(|window| window == b"\r\n--")
        .unwrap();
    assert_eq!(ends, clip.len());
    assert!(find(clip::PLACE).is_none() && find(clip::NOTES).is_none());
    // What is kept of it is its name and its hash.
    let ledger = std::fs::metadata(place.ledger()).unwrap().len();
    assert!(ledger < 5_000_000, "{ledger}");
}

#[test]
fn a_video_in_the_sandbox_can_be_watched_on_its_page() {
    let place = Place::new("");
    std::fs::create_dir(place.path().join("messages/media")).unwrap();
    let clip = clip::Clip {
        brand: *b"isom",
        ..clip::Clip::telling()
    };
    std::fs::write(place.path().join("messages/media/a.mp4"), clip.bytes()).unwrap();
    place.write(
        "a.toml",
        &(breaking("march", "Seen.") + "video = { file = \"media/a.mp4\", alt = \"A march\" }\n"),
    );
    let _daemon = place.start();
    place.wait_ready();
    place.wait("the video", 30, || sent(&place) == 2);
    let page = get(&place, "/sandbox").1;
    assert!(
        page.contains(
            "<video controls preload=\"metadata\" src=\"/sandbox/media/media/a.mp4\" aria-label=\"A march\">"
        ),
        "{page}"
    );
    let (status, bytes) = get(&place, "/sandbox/media/media/a.mp4");
    assert_eq!(status, 200);
    assert!(bytes.contains("these would be pictures") && !bytes.contains("29.9511"));
}

#[test]
fn f22_a_platform_gets_images_upright_and_without_their_place_and_cards_with_their_words() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    let mut photo = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(80, 40, image::Rgb([200, 10, 10]))
        .write_to(&mut photo, image::ImageFormat::Jpeg)
        .unwrap();
    let mut photo = photo.into_inner();
    // It lies on its side, by what the camera noted, and says where it was taken.
    let exif = b"\xff\xe1\x00\x36Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPS-29.9146N-90.0540W\0";
    photo.splice(2..2, exif.iter().copied());
    std::fs::create_dir(place.path().join("messages/media")).unwrap();
    std::fs::write(place.path().join("messages/media/a.jpg"), photo).unwrap();
    place.write(
        "a.toml",
        &(breaking("photo", "Seen.") + "image = [{ file = \"media/a.jpg\", alt = \"Red\" }]\n"),
    );
    assert!(place.run(&["check"]).status.success());
    let _daemon = place.start();
    place.wait("the photograph", 30, || fake.texts() == ["Seen."]);
    let (image, told) = uploaded(&fake, 0, b"\xff\xd8\xff", b"GPS-29");
    assert_eq!((image.width(), image.height(), told), (40, 80, false));

    place.write(
        "b.toml",
        &(breaking("card", "Ten to two. #One") + "card = \"quote\"\n"),
    );
    place.wait("the card", 30, || fake.texts().len() == 2);
    let (card, described) = uploaded(&fake, 1, b"\x89PNG", b"\r\n\r\nTen to two.\r\n");
    assert_eq!((card.width(), card.height(), described), (1200, 675, true));
    assert_eq!(fake.texts()[1], "Ten to two. #One", "the words stay beside it");
}

#[test]
fn a_broken_file_holds_its_messages_and_no_others() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("good.toml", &at("good", Duration::from_secs(6)));
    place.write("bad.toml", &at("bad", Duration::from_secs(6)));
    let _daemon = place.start();
    place.wait_ready();
    place.write(
        "bad.toml",
        &format!("{}text = [[[\n", at("bad", Duration::from_secs(6))),
    );
    place.wait("the problem to be said", 5, || {
        !place.events("campaign.invalid").is_empty()
    });
    place.wait("the good one", 20, || fake.texts() == ["good"]);
    std::thread::sleep(Duration::from_millis(500)); // the bad one's time has come as well
    assert_eq!(fake.texts(), ["good"]);

    // Mended within `late`: it goes out after all.
    place.write("bad.toml", &at("bad", Duration::from_secs(0)));
    place.wait("the mended one", 20, || fake.texts() == ["good", "bad"]);
}

#[test]
fn a_hold_stops_everything_and_a_release_asks_about_what_fell_due() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write(
        "a.toml",
        &(at("during", Duration::from_secs(3)) + &at("after", Duration::from_secs(9))),
    );
    let _daemon = place.start();
    place.wait_ready();
    let began = Instant::now();
    let held = place.run(&["hold", "--why", "the court has ruled"]);
    assert!(
        held.status.success() && began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    let status = place.json(&["status", "--format", "json"]);
    assert_eq!(
        (&status["hold"]["why"], &status["accounts"][0]["state"]),
        (&"the court has ruled".into(), &"held".into())
    );

    place.wait("its time to come", 10, || state(&place, "during") == "due");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(fake.texts(), Vec::<String>::new(), "nothing leaves during a hold");

    assert!(place.run(&["release"]).status.success());
    place.wait("the review", 5, || state(&place, "during") == "held");
    place.wait("the later one", 20, || fake.texts() == ["after"]);
    let post = place.json(&["history", "--message", "during", "--format", "json"])[0]["post"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(place.run(&["retry", &post]).status.success());
    place.wait("the reviewed one", 10, || fake.texts() == ["after", "during"]);
}

#[test]
fn a_hold_in_the_campaign_file_stops_within_a_second_and_its_removal_releases() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    let _daemon = place.start();
    place.wait_ready();
    let began = Instant::now();
    place.write(
        "campaign.toml",
        &format!("{CAMPAIGN}hold = \"checking\"\nafter_hold = \"send\"\n"),
    );
    place.wait("the hold", 5, || !place.events("hold.set").is_empty());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    place.write("a.toml", &breaking("a", "held back"));
    place.wait("the post to wait", 5, || state(&place, "a") == "due");
    std::thread::sleep(Duration::from_millis(700));
    assert!(fake.texts().is_empty());
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    place.wait("the release", 5, || fake.texts() == ["held back"]);
}

#[test]
fn a_hold_survives_a_restart() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    assert!(
        place.run(&["hold", "--why", "not yet"]).status.success(),
        "without a daemon too"
    );
    place.write("a.toml", &breaking("a", "words"));
    let mut daemon = place.start();
    place.wait_ready();
    place.wait("the post to wait", 5, || state(&place, "a") == "due");
    daemon.kill();
    let _daemon = place.start();
    place.wait("the second start", 10, || place.events("daemon.ready").len() == 2);
    std::thread::sleep(Duration::from_millis(500));
    assert!(fake.texts().is_empty());
}

#[test]
fn s12_a_second_daemon_is_refused_and_names_the_first() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    let daemon = place.start();
    place.wait_ready();
    let mut second = place.command(&["run"]);
    second.env(
        "STEADFAST__WEB__LISTEN",
        format!("127.0.0.1:{}", program::free_port()),
    );
    let second = second.output().unwrap();
    assert_eq!(second.status.code(), Some(75));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&format!("pid {}", daemon.child.id())), "{said}");
}

#[test]
fn s10_a_lost_ledger_is_never_begun_anew() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("a", "once"));
    let mut daemon = place.start();
    place.wait("the post", 20, || fake.texts().len() == 1);
    daemon.kill();
    std::fs::remove_dir_all(place.path().join("state")).unwrap();
    let again = place.run(&["run"]);
    assert_eq!(again.status.code(), Some(78));
    assert!(
        String::from_utf8(again.stderr)
            .unwrap()
            .contains("steadfast init")
    );
    assert_eq!(fake.texts().len(), 1);
}

#[test]
fn s2_sigterm_lets_what_is_in_flight_finish() {
    let fake = Fake::start();
    fake.delay(Duration::from_millis(400));
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("a", "in flight"));
    let mut daemon = place.start();
    place.wait("the request", 20, || fake.store.lock().unwrap().requests > 0);
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(10)), Some(0));
    assert_eq!(state(&place, "a"), "sent");
    assert_eq!(fake.texts(), ["in flight"]);
}

#[test]
fn s2_sigterm_abandons_what_takes_too_long_and_the_next_start_settles_it() {
    let fake = Fake::start();
    fake.fault(Fault::AcceptThenSilence(Duration::from_mins(1)));
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("a", "accepted in silence"));
    let mut daemon = place.start();
    place.wait("it to be accepted", 20, || fake.texts().len() == 1);
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(10)), Some(0));
    assert_eq!(state(&place, "a"), "sending");
    let _daemon = place.start();
    place.wait("the doubt to end", 10, || state(&place, "a") == "sent");
    assert_eq!(fake.texts().len(), 1, "the same key gave the same status");
}

#[test]
fn p24_a_502_after_the_post_was_accepted_does_not_double_it() {
    let fake = Fake::start();
    fake.fault(Fault::AcceptThenAnswer(502, "<html>Bad Gateway</html>".into()));
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("the doubt to end", 20, || sent(&place) == 1);
    assert_eq!(fake.texts(), ["words"]);
    assert_eq!(place.events("post.in_doubt").len(), 1);
}

#[test]
fn p5_a_rate_limited_account_waits_as_long_as_it_is_told() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    fake.fault(Fault::Answer(
        429,
        vec![("retry-after", "2".into())],
        r#"{"error":"Too many requests"}"#.into(),
    ));
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("the answer", 20, || {
        !place.events("account.rate_limited").is_empty()
    });
    let told = Instant::now();
    assert!(place.json(&["status", "--format", "json"])["accounts"][0]["rate_limited_until"].is_string());
    place.wait("the post", 20, || sent(&place) == 1);
    assert!(
        told.elapsed() > Duration::from_millis(1500),
        "{:?}",
        told.elapsed()
    );
    assert_eq!(fake.texts(), ["words"]);
}

#[test]
fn p9_refused_credentials_hold_the_account_and_lose_nothing() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    fake.fault(Fault::Answer(
        401,
        vec![],
        r#"{"error":"The access token is invalid"}"#.into(),
    ));
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("the account to be held", 20, || {
        !place.events("account.auth_failed").is_empty()
    });
    assert_eq!(
        place.json(&["status", "--format", "json"])["accounts"][0]["state"],
        "held"
    );
    assert!(fake.texts().is_empty());
    assert!(place.run(&["release", "--account", "mastodon"]).status.success());
    // It fell due before the hold, so it needs no review.
    place.wait("the post", 20, || fake.texts() == ["words"]);
}

#[test]
fn a_refused_post_is_rejected_with_the_platforms_words_and_others_go_on() {
    let fake = Fake::start();
    let place = on_mastodon_with(&fake, "min_gap = \"1s\"");
    fake.fault(Fault::Answer(
        422,
        vec![],
        r#"{"error":"Validation failed: Text is not nice"}"#.into(),
    ));
    place.write(
        "a.toml",
        &(breaking("bad", "bad words") + &breaking("good", "good words")),
    );
    let _daemon = place.start();
    place.wait("the good one", 20, || fake.texts().len() == 1);
    let history = place.json(&["history", "--state", "rejected", "--format", "json"]);
    assert_eq!(history.as_array().unwrap().len(), 1);
    assert!(
        history[0]["error"].as_str().unwrap().contains("Text is not nice"),
        "{history}"
    );
}

#[test]
fn p1_html_instead_of_json_is_a_doubt_that_the_key_ends() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    fake.fault(Fault::AcceptThenAnswer(
        200,
        "<html>\n<h1>Maintenance</h1></html>".into(),
    ));
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("the doubt to end", 20, || sent(&place) == 1);
    assert_eq!(fake.texts(), ["words"]);
}

#[test]
fn an_unreachable_platform_is_tried_again_until_it_is_there() {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"http://127.0.0.1:{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        program::free_port()
    ));
    assert!(place.run(&["init"]).status.success());
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("a second try", 30, || place.events("post.retry").len() >= 2);
    let history = place.json(&["history", "--format", "json"]);
    assert_eq!(
        history[0]["attempts"], 0,
        "nothing ever left, so no attempt was made"
    );
}

#[test]
fn posts_of_an_account_keep_its_spacing() {
    let fake = Fake::start();
    let place = on_mastodon_with(&fake, "min_gap = \"2s\"");
    place.write(
        "a.toml",
        &(breaking("a", "one") + &breaking("b", "two") + &breaking("c", "three")),
    );
    let _daemon = place.start();
    place.wait("all three", 30, || fake.texts().len() == 3);
    let accepted = fake.accepted();
    for pair in accepted.windows(2) {
        let gap = pair[1].at.duration_since(pair[0].at);
        assert!(
            gap >= jiff::SignedDuration::from_millis(1990),
            "{gap:#} between two posts"
        );
    }
}

#[test]
fn a_thread_answers_itself_part_by_part() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write(
        "t.md",
        "+++\nid = \"t\"\npriority = \"breaking\"\n+++\none\n\n---\n\ntwo\n\n---\n\nthree\n",
    );
    place.write(
        "r.toml",
        "[[message]]\nid = \"r\"\npriority = \"breaking\"\nreply_to = \"t\"\ntext = \"an answer\"\n",
    );
    let _daemon = place.start();
    place.wait("the thread and the answer", 20, || fake.texts().len() == 4);
    let accepted = fake.accepted();
    let parents: Vec<Option<String>> = accepted.iter().map(|post| post.parent.clone()).collect();
    let id = |n: usize| Some(accepted[n].id.clone());
    assert_eq!(parents, [None, id(0), id(1), id(2)]);
}

#[test]
fn a_message_can_be_posted_now_with_and_without_a_daemon() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write(
        "a.toml",
        "[[message]]\nid = \"a\"\nat = 2030-01-01T09:00:00\ntext = \"now\"\n",
    );
    let alone = place.run(&["post", "a"]);
    assert!(
        alone.status.success(),
        "{}",
        String::from_utf8_lossy(&alone.stderr)
    );
    assert_eq!(fake.texts(), ["now"]);
    let _daemon = place.start();
    place.wait_ready();
    let beside = place.run(&["post", "a", "--to", "mastodon"]);
    assert!(
        beside.status.success(),
        "{}",
        String::from_utf8_lossy(&beside.stdout)
    );
    assert_eq!(fake.texts(), ["now", "now"], "a person asked twice");
    let unknown = place.run(&["post", "a", "--to", "mastadon"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn no_secret_and_no_raw_line_break_gets_into_a_log_line() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    fake.fault(Fault::Answer(
        422,
        vec![],
        "{\"error\":\"bad token a-token-for-tests\\n{\\\"event\\\":\\\"forged\\\"}\\u001b[2J\"}".into(),
    ));
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("the refusal", 20, || !place.events("post.rejected").is_empty());
    let log = std::fs::read_to_string(place.path().join("log")).unwrap();
    assert!(!log.contains("a-token-for-tests"));
    assert!(place.events("forged").is_empty() && !log.contains('\u{1b}'));
    let history = String::from_utf8(place.run(&["history", "--format", "json"]).stdout).unwrap();
    assert!(!history.contains("a-token-for-tests"), "{history}");
}

#[test]
fn a_config_with_mistakes_names_them_all_and_exits_with_2() {
    let place = Place::new(
        "[delivery]\nwrokers = 3\nlate = \"soon\"\n[account.m]\nplatform = \"mastadon\"\naccess_token = \"abcdef123456\"\n",
    );
    let output = place.run(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    for words in ["did you mean `workers`", "late", "did you mean \"mastodon\""] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains("abcdef123456"), "{said}");
}

#[test]
fn p20_an_account_that_asks_for_http_is_refused() {
    let place = Place::new(
        "[account.m]\nplatform = \"mastodon\"\nbase_url = \"http://example.org\"\naccess_token = { env = \"TOKEN\" }\n",
    );
    for command in ["check", "init", "run"] {
        let output = place.run(&[command]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        assert!(said.contains("https"), "{command}: {said}");
    }
}

#[test]
fn f18_a_messages_folder_that_vanishes_holds_everything_until_it_is_back() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("a.toml", &at("a", Duration::from_secs(4)));
    let daemon = place.start();
    place.wait_ready();
    let (here, away) = (place.path().join("messages"), place.path().join("away"));
    std::fs::rename(&here, &away).unwrap();
    // Nothing tells us that a watched folder is gone: a signal asks for a look.
    daemon.signal("HUP");
    place.wait("the loss to be said", 5, || {
        !place.events("campaign.invalid").is_empty()
    });
    std::thread::sleep(Duration::from_secs(5));
    assert!(fake.texts().is_empty());
    std::fs::rename(&away, &here).unwrap();
    daemon.signal("HUP");
    place.wait("the post", 20, || fake.texts() == ["a"]);
}

#[test]
fn the_plan_is_the_same_as_table_json_and_calendar() {
    let place = Place::new("");
    place.write("a.toml", "[[message]]\nid = \"a\"\nat = 2030-01-01T09:00:00\nto = [\"mastodon\"]\ntext = \"a, with a comma; and more\"\n");
    let window = ["--from", "2029-12-31", "--days", "7"];
    let json = place.json(&[&["plan", "--format", "json"][..], &window[..]].concat());
    assert_eq!(
        json,
        serde_json::json!([{"message": "a", "account": "mastodon", "due": "2030-01-01T15:00:00Z", "state": "planned", "why": null}])
    );
    let ics = String::from_utf8(
        place
            .run(&[&["plan", "--format", "ics"][..], &window[..]].concat())
            .stdout,
    )
    .unwrap();
    assert!(
        ics.contains("DTSTART:20300101T150000Z\r\n")
            && ics.contains("DESCRIPTION:a\\, with a comma\\; and more\r\n"),
        "{ics}"
    );
    let table = String::from_utf8(place.run(&[&["plan"][..], &window[..]].concat()).stdout).unwrap();
    assert!(
        table.contains("2030-01-01 09:00 CST") && table.contains("mastodon"),
        "{table}"
    );
}

#[test]
fn d2_another_sites_page_is_not_answered() {
    let place = Place::new("");
    let _daemon = place.start();
    place.wait_ready();
    assert_eq!(
        program::get(place.port, &format!("evil.example:{}", place.port), "/sandbox").0,
        421
    );
}

#[test]
fn a_retried_post_says_what_the_files_say_now() {
    let fake = Fake::start();
    let place = on_mastodon_with(&fake, "[account.sandbox]\nplatform = \"sandbox\"");
    let breaking = |to: &str, text: &str| {
        format!("[[message]]\nid = \"a\"\npriority = \"breaking\"\nto = [\"{to}\"]\ntext = \"{text}\"\n")
    };
    assert!(place.run(&["hold", "--why", "wrong figure"]).status.success());
    place.write("a.toml", &breaking("mastodon", "the wrong figure"));
    let _daemon = place.start();
    place.wait("the post to wait", 20, || state(&place, "a") == "due");
    assert!(place.run(&["release"]).status.success());
    place.wait("the review", 5, || state(&place, "a") == "held");
    let post = place.json(&["history", "--format", "json"])[0]["post"]
        .as_str()
        .unwrap()
        .to_owned();
    place.write("a.toml", &breaking("sandbox", "the right figure"));
    let refused = place.run(&["retry", &post]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("no longer goes to mastodon"), "{told}");

    place.write("a.toml", &breaking("mastodon", "the right figure"));
    assert!(place.run(&["retry", &post]).status.success());
    place.wait("the post", 10, || fake.texts() == ["the right figure"]);

    place.write("a.toml", "");
    let gone = place.run(&["retry", &post]);
    assert_eq!(
        gone.status.code(),
        Some(1),
        "a sent post is not sent again, and its message is gone"
    );
}

#[test]
fn a_message_that_is_taken_out_is_not_tried_again() {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"http://127.0.0.1:{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        program::free_port()
    ));
    assert!(place.run(&["init"]).status.success());
    place.write("a.toml", &breaking("a", "words"));
    let _daemon = place.start();
    place.wait("a first try", 30, || !place.events("post.retry").is_empty());
    place.write("a.toml", "");
    place.wait("it to be dropped", 10, || {
        !place.events("post.unplanned").is_empty()
    });
    let tries = place.events("post.retry").len();
    std::thread::sleep(Duration::from_secs(6)); // the longest wait before a second try is five seconds
    assert_eq!(place.events("post.retry").len(), tries);
    assert_eq!(
        state(&place, "a"),
        "none",
        "nothing ever left, so nothing is kept"
    );
}

#[test]
fn a_changed_campaign_id_stops_everything_and_is_said() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    let _daemon = place.start();
    place.wait_ready();
    place.write(
        "campaign.toml",
        &CAMPAIGN.replace("id = \"test\"", "id = \"other\""),
    );
    place.wait("it to be said", 5, || {
        place.events("campaign.invalid").iter().any(|line| {
            line["why"]
                .as_str()
                .is_some_and(|why| why.contains("never changes"))
        })
    });
    place.write("a.toml", &breaking("a", "words"));
    std::thread::sleep(Duration::from_secs(1));
    assert!(fake.texts().is_empty());
}

#[test]
fn what_was_edited_while_the_daemon_was_down_goes_out_in_its_new_words() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    assert!(place.run(&["hold", "--why", "wait"]).status.success());
    place.write(
        "a.toml",
        &(breaking("a", "old words") + &breaking("gone", "taken back")),
    );
    let mut daemon = place.start();
    place.wait("both to wait", 20, || {
        state(&place, "a") == "due" && state(&place, "gone") == "due"
    });
    daemon.kill();
    place.write("a.toml", &breaking("a", "new words"));
    let _daemon = place.start();
    place.wait("the second start", 10, || place.events("daemon.ready").len() == 2);
    assert!(place.run(&["release"]).status.success());
    place.wait("the post", 10, || !fake.texts().is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(fake.texts(), ["new words"]);
}

#[test]
fn p38_credentials_of_another_account_send_nothing_not_even_a_repeat() {
    let fake = Fake::start();
    fake.belongs(200, json!({"id": "7", "username": "campaign"}));
    let place = on_mastodon(&fake);
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    place.write("a.toml", &breaking("first", "one"));
    let mut daemon = place.start();
    place.wait("the first", 20, || sent(&place) == 1);
    assert_eq!(place.events("account.identified").len(), 1);
    // One that is in doubt, and one that waits.
    fake.fault(Fault::AcceptThenSilence(Duration::from_mins(1)));
    place.write("b.toml", &breaking("second", "two"));
    place.wait("the second", 20, || fake.texts().len() == 2);
    daemon.kill();
    place.write("c.toml", &breaking("third", "three"));

    fake.belongs(200, json!({"id": "8", "username": "campaign"}));
    let before = fake.store.lock().unwrap().requests;
    let mut daemon = place.start();
    place.wait("the account to be held", 20, || {
        !place.events("account.auth_failed").is_empty()
    });
    let why = place.events("account.auth_failed")[0]["why"].to_string();
    assert!(
        why.contains("identity changed") && why.contains("8 on") && why.contains("7 on"),
        "{why}"
    );
    place.wait("both to wait", 10, || {
        state(&place, "second") == "in_doubt" && ["due", "retrying"].contains(&&*state(&place, "third"))
    });
    // Whoever releases it has not mended it.
    let refused = place.events("account.auth_failed").len();
    assert!(place.run(&["release", "--account", "mastodon"]).status.success());
    place.wait("the account to be held again", 20, || {
        place.events("account.auth_failed").len() > refused
    });
    daemon.kill();
    assert_eq!(
        fake.store.lock().unwrap().requests,
        before,
        "nothing visible was asked for"
    );

    // With the old ones back, and another name for the same account, all goes on (P37).
    fake.belongs(200, json!({"id": "7", "username": "renamed"}));
    let _daemon = place.start();
    place.wait_ready();
    assert!(place.run(&["release", "--account", "mastodon"]).status.success());
    place.wait("all", 30, || sent(&place) == 3);
    assert_eq!(fake.texts(), ["one", "two", "three"]);
}

#[test]
fn p37_a_suspended_account_is_held_and_its_posts_wait() {
    let fake = Fake::start();
    fake.belongs(403, json!({"error": "Your login is currently disabled"}));
    let place = on_mastodon(&fake);
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    place.write("a.toml", &breaking("first", "one"));
    let _daemon = place.start();
    place.wait("the account to be held", 20, || {
        !place.events("account.auth_failed").is_empty()
    });
    assert!(fake.texts().is_empty());
    fake.belongs(200, json!({"id": "7"}));
    assert!(place.run(&["release", "--account", "mastodon"]).status.success());
    place.wait("the post", 20, || sent(&place) == 1);
}

#[test]
fn p29_a_post_that_the_platform_shows_otherwise_is_sent_and_said() {
    let fake = Fake::start();
    fake.store.lock().unwrap().shows = json!({"content": "<p>Ten to</p>"});
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("first", "Ten to two"));
    let _daemon = place.start();
    place.wait("the post", 20, || sent(&place) == 1);
    let said = &place.events("post.altered")[0];
    assert_eq!(said["altered"], "it shows other words than were sent: Ten to");
    assert_eq!(said["url"], "https://fake/@test/110000");
    // It is in the record, too.
    let file = place.path().join("evidence.jsonl");
    assert!(
        place
            .run(&["history", "--evidence", file.to_str().unwrap()])
            .status
            .success()
    );
    let record = std::fs::read_to_string(file).unwrap();
    assert!(
        record.contains("it shows other words than were sent: Ten to"),
        "{record}"
    );
}

#[test]
fn p26_a_status_that_was_deleted_before_its_doubt_was_settled_is_not_sent_again() {
    let fake = Fake::start();
    let gone = json!({"error": "Record not found"}).to_string();
    // The last one comes first.
    fake.fault(Fault::Answer(404, Vec::new(), gone));
    fake.fault(Fault::AcceptThenAnswer(500, "oh".to_owned()));
    let place = on_mastodon(&fake);
    place.write("a.toml", &breaking("first", "one"));
    let _daemon = place.start();
    place.wait("the post", 20, || sent(&place) == 1);
    assert_eq!(fake.texts(), ["one"]);
    let history = place.json(&["history", "--format", "json"]);
    assert_eq!(history[0]["parts"][0]["id"], "deleted since");
}

#[test]
fn f18_when_many_messages_vanish_everything_is_held_until_they_are_back_or_somebody_says_so() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    let later = |from: u32, to: u32| -> String {
        (from..to)
            .map(|n| at(&format!("m{n}"), Duration::from_hours(1)))
            .collect()
    };
    place.write("a.toml", &later(0, 10));
    place.write("b.toml", &later(10, 12));
    let _daemon = place.start();
    place.wait_ready();
    // Two of twelve are an edit.
    place.write("b.toml", &breaking("first", "one"));
    place.wait("the first", 20, || sent(&place) == 1);

    // Half a checkout: four of ten.
    place.write("a.toml", &later(0, 6));
    place.wait("it to be held", 10, || !place.events("hold.set").is_empty());
    let said = &place.events("campaign.vanished")[0];
    assert_eq!((&said["gone"], &said["of"]), (&json!(4), &json!(10)));
    let hold = place.json(&["status", "--format", "json"])["hold"].clone();
    assert_eq!(hold["by"], "the watch on the files");
    place.write("b.toml", &breaking("second", "two"));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(fake.texts(), ["one"]);
    // The other half.
    place.write("a.toml", &later(0, 10));
    place.wait("the second", 20, || fake.texts() == ["one", "two"]);
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());

    // And one that is meant.
    place.write("a.toml", &breaking("third", "three"));
    place.wait("it to be held again", 10, || {
        place.events("campaign.vanished").len() == 2 && place.events("hold.set").len() == 2
    });
    assert!(place.run(&["release"]).status.success());
    place.wait("the third", 20, || fake.texts() == ["one", "two", "three"]);
    assert!(
        place
            .json(&["plan", "--format", "json"])
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn t12_five_hundred_that_are_due_in_one_instant_all_go_out_at_once_and_none_early() {
    let fake = Fake::start();
    let place = on_mastodon(&fake);
    // One midnight, as many places write it.
    let due = now() + Duration::from_secs(6);
    let mut file = String::new();
    for n in 0..500 {
        let offset = jiff::tz::Offset::from_seconds((n % 50 - 25) * 1800).unwrap();
        let local = due
            .to_zoned(offset.to_time_zone())
            .strftime("%Y-%m-%dT%H:%M:%S%.6f%:z");
        write!(
            file,
            "[[message]]\nid = \"m{n}\"\nat = {local}\ntext = \"post {n}\"\n\n"
        )
        .unwrap();
    }
    place.write("a.toml", &file);
    let _daemon = place.start();
    place.wait_ready();
    place.wait("all of them", 40, || fake.texts().len() >= 500);
    let accepted = fake.accepted();
    let texts: std::collections::HashSet<&str> = accepted.iter().map(|post| &*post.text).collect();
    assert_eq!((texts.len(), accepted.len()), (500, 500));
    let late: Vec<i64> = accepted
        .iter()
        .map(|post| i64::try_from(post.at.duration_since(due).as_millis()).unwrap())
        .collect();
    assert!(late.iter().all(|late| (-1..10_000).contains(late)), "{late:?}");
}

#[test]
fn t12_what_has_waited_longest_goes_first() {
    let fake = Fake::start();
    let mut place = on_mastodon(&fake);
    place.set("STEADFAST__DELIVERY__WORKERS", "1");
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    // In the files the other way round.
    let first = now() + Duration::from_secs(3);
    let mut file = String::new();
    for n in (0..20).rev() {
        let due = first + Duration::from_millis(50 * n);
        write!(file, "[[message]]\nid = \"m{n}\"\nat = {due}\ntext = \"{n}\"\n\n").unwrap();
    }
    place.write("a.toml", &file);
    let _daemon = place.start();
    place.wait_ready();
    assert!(place.run(&["hold", "--why", "wait"]).status.success());
    place.wait("all to be due", 20, || {
        place.events("post.due").len() == 20 && now() > first + Duration::from_secs(1)
    });
    assert!(place.run(&["release"]).status.success());
    place.wait("all of them", 20, || fake.texts().len() == 20);
    let expected: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(fake.texts(), expected);
}

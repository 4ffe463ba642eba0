//! The dashboard of the real program, asked over the wire as browsers and others would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod program;
mod wire;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use program::{Daemon, Place};
use wire::{Answer, form, get, get_with, post_with, send, users};

/// A form of the first page, as a browser sends it.
fn act(port: u16, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = get(port, "/").token();
    let mut all = vec![("token", token.as_str())];
    all.extend(fields);
    let same = format!("origin: http://127.0.0.1:{port}\r\nsec-fetch-site: same-origin\r\n");
    post_with(port, path, &same, &all)
}

const MESSAGES: &str = r#"
[fact.verdict]
value = "10-2"
source = "https://court.example/record"

[[message]]
id = "said"
text = "The jury said {{ fact.verdict }}."
priority = "breaking"

[[message]]
id = "later"
text = "Later, and not before."
at = 2031-01-06T09:00:00
"#;

/// A daemon with a sandbox, and one message out.
fn running(config: &str) -> (Place, Daemon) {
    let place = Place::new(config);
    place.write("a.toml", MESSAGES);
    let daemon = place.start();
    place.wait("two posts", 60, || place.events("post.sent").len() == 2);
    (place, daemon)
}

const PAGES: [&str; 9] = [
    "/",
    "/calendar",
    "/calendar?view=month&day=2031-01-06",
    "/messages",
    "/messages/said",
    "/history",
    "/facts",
    "/problems",
    "/sandbox",
];

#[test]
fn every_page_is_there_small_and_locked_down_in_both_languages() {
    let (place, _daemon) = running("");
    for page in PAGES {
        for (liked, word) in [("en", "Facts"), ("es-MX", "Hechos")] {
            let answer = get_with(place.port, page, &format!("accept-language: {liked}\r\n"));
            assert_eq!(answer.status, 200, "{page}: {}", answer.body);
            assert!(answer.body.contains(word), "{page} in {liked}");
            assert!(
                answer.body.len() < 50_000,
                "{page} has {} bytes",
                answer.body.len()
            );
            let policy = answer.header("content-security-policy").unwrap();
            assert!(
                policy.contains("default-src 'none'") && !policy.contains("unsafe"),
                "{policy}"
            );
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            // What the policy would not let through, no page asks for.
            for inline in [" style=", " onclick=", "<style", "javascript:", "//cdn"] {
                assert!(!answer.body.contains(inline), "{page} has {inline}");
            }
        }
    }
    let page = get(place.port, "/messages/said");
    assert!(page.body.contains("The jury said 10-2.") && page.body.contains("a.toml:6"));
    assert!(
        get(place.port, "/facts")
            .body
            .contains("https://court.example/record")
    );
    let nothing = get(place.port, "/elsewhere");
    assert_eq!(nothing.status, 404);
    assert!(nothing.body.contains("There is nothing here"));
}

#[test]
fn the_stylesheet_is_named_by_what_is_in_it_and_kept_for_good() {
    let (place, _daemon) = running("");
    let page = get(place.port, "/").body;
    for (start, kind) in [("style-", "text/css"), ("script-", "text/javascript")] {
        let (_, rest) = page.split_once(&format!("/assets/{start}")).unwrap();
        let name = rest.split('"').next().unwrap();
        let asset = get(place.port, &format!("/assets/{start}{name}"));
        assert_eq!(asset.status, 200);
        assert!(asset.header("content-type").unwrap().starts_with(kind));
        assert!(asset.header("cache-control").unwrap().contains("immutable"));
    }
    assert_eq!(get(place.port, "/assets/style-0.css").status, 404);
}

#[test]
fn everything_is_held_and_released_by_a_button_and_the_ledger_knows_by_whom() {
    let (place, _daemon) = running("");
    let held = act(
        place.port,
        "/hold",
        &[
            ("scope", "all"),
            ("why", "the court has ruled"),
            ("as", "Ann"),
            ("back", "/history"),
        ],
    );
    assert_eq!(held.status, 303, "{}", held.body);
    assert_eq!(held.header("location"), Some("/history?done=held"));
    let status = place.json(&["status", "--format", "json"]);
    assert_eq!(status["hold"]["why"], "the court has ruled");
    assert_eq!(status["hold"]["by"], "Ann");
    let page = get(place.port, "/").body;
    assert!(page.contains("Everything is held") && page.contains("the court has ruled"));
    // Every other page says it too.
    assert!(get(place.port, "/facts").body.contains("Everything is held"));

    let released = act(place.port, "/release", &[("scope", "all"), ("as", "Ben")]);
    assert_eq!(released.header("location"), Some("/?done=released"));
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());

    let empty = act(place.port, "/hold", &[("scope", "all"), ("why", " ")]);
    assert_eq!(empty.status, 422);
    // Nobody speaks in the daemon's own name.
    let daemon = act(
        place.port,
        "/hold",
        &[("scope", "all"), ("why", "x"), ("as", "the daemon")],
    );
    assert_eq!(daemon.status, 422);
    let unknown = act(
        place.port,
        "/hold",
        &[("scope", "account"), ("target", "mastadon"), ("why", "x")],
    );
    assert_eq!(unknown.status, 409);
    assert!(unknown.body.contains("did you mean"), "{}", unknown.body);
}

#[test]
fn a_post_is_sent_again_skipped_and_posted_now() {
    let (place, _daemon) = running("");
    act(
        place.port,
        "/hold",
        &[("scope", "account"), ("target", "mastodon"), ("why", "wait")],
    );
    let posted = act(place.port, "/messages/said/post", &[("back", "/messages/said")]);
    assert_eq!(
        posted.header("location"),
        Some("/messages/said?done=posted"),
        "{}",
        posted.body
    );
    let rows = || {
        let rows = place.json(&[
            "history",
            "--message",
            "said",
            "--account",
            "mastodon",
            "--format",
            "json",
        ]);
        rows.as_array().unwrap().clone()
    };
    let waiting = |rows: &[serde_json::Value]| rows.iter().find(|row| row["state"] == "due").cloned();
    let post = waiting(&rows()).expect("one that waits for the hold")["post"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = get(place.port, &format!("/posts/{post}"));
    assert!(page.body.contains("No request was made yet"), "{}", page.body);
    let skipped = act(
        place.port,
        &format!("/posts/{post}/skip"),
        &[("as", "Ann"), ("why", "no longer true")],
    );
    assert_eq!(skipped.status, 303, "{}", skipped.body);
    let row = rows().into_iter().find(|row| row["post"] == *post).unwrap();
    assert_eq!(
        (row["state"].as_str(), row["why"].as_str()),
        (Some("skipped"), Some("Ann said so: no longer true"))
    );
    act(
        place.port,
        "/release",
        &[("scope", "account"), ("target", "mastodon")],
    );
    let again = act(place.port, &format!("/posts/{post}/retry"), &[]);
    assert_eq!(again.status, 303, "{}", again.body);
    place.wait("it is sent", 60, || {
        rows()
            .iter()
            .any(|row| row["post"] == *post && row["state"] == "sent")
    });
    let page = get(place.port, &format!("/posts/{post}"));
    assert!(page.body.contains("accepted"), "{}", page.body);
    // What makes no sense is refused in the words of the command.
    let sent = act(place.port, &format!("/posts/{post}/retry"), &[]);
    assert_eq!(sent.status, 409);
    assert!(sent.body.contains("it is sent"), "{}", sent.body);
}

#[test]
fn an_approval_counts_for_what_was_shown() {
    let (place, _daemon) = {
        let place = Place::new("[delivery]\napproval = \"required\"\n");
        place.write("a.toml", MESSAGES);
        let daemon = place.start();
        place.wait_ready();
        (place, daemon)
    };
    let page = get(place.port, "/messages/said").body;
    let (_, rest) = page.split_once("name=\"digest\" value=\"").unwrap();
    let digest = rest.split('"').next().unwrap();
    let approve = |name: &str, digest: &str| {
        act(
            place.port,
            "/messages/said/approve",
            &[("digest", digest), ("as", name)],
        )
    };
    assert_eq!(approve("", digest).status, 422);
    assert_eq!(approve("Ann", &"0".repeat(64)).status, 409);
    let done = approve("Ann", digest);
    assert_eq!(done.status, 303, "{}", done.body);
    place.wait("the post", 60, || !place.events("post.sent").is_empty());
    assert!(
        get(place.port, "/messages/said")
            .body
            .contains("Approved as it stands")
    );
    let withdrawn = act(place.port, "/messages/said/withdraw", &[("as", "Ann")]);
    assert_eq!(withdrawn.status, 303, "{}", withdrawn.body);
    let page = get(place.port, "/messages/said").body;
    assert!(!page.contains("Approved as it stands"));
    assert!(get(place.port, "/messages?which=pending").body.contains("later"));
}

#[test]
fn d1_text_is_shown_as_text_whatever_it_contains() {
    const EVIL: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let place = Place::new("");
    place.write(
        "a.toml",
        &format!(
            "[fact.evil]\nvalue = '{EVIL}'\nsource = \"javascript:alert(3)\"\nnote = '{EVIL}'\n\n\
             [[message]]\nid = \"evil\"\npriority = \"breaking\"\ntext = '''{EVIL} {{{{ fact.evil }}}}'''\n\n\
             [[message]]\nid = \"bad\"\ntext = \"x\"\n\"{}\" = 1\n",
            EVIL.replace('"', "")
        ),
    );
    let _daemon = place.start();
    place.wait("the post", 60, || !place.events("post.sent").is_empty());
    for scope in [("all", ""), ("message", "evil")] {
        act(
            place.port,
            "/hold",
            &[
                ("scope", scope.0),
                ("target", scope.1),
                ("why", EVIL),
                ("as", EVIL),
            ],
        );
    }
    let mut pages: Vec<String> = PAGES.map(|page| page.replace("said", "evil")).to_vec();
    pages.extend([
        format!("/history?message={}", form(&[("", EVIL)]).trim_start_matches('=')),
        format!("/messages?find={}", form(&[("", EVIL)]).trim_start_matches('=')),
        "/?done=%3Cscript%3E".to_owned(),
        "/calendar?view=week&day=%3Cscript%3E".to_owned(),
        "/messages/%3Cscript%3E".to_owned(),
    ]);
    let mut seen = 0;
    for page in pages {
        let body = get(place.port, &page).body;
        assert!(
            !body.contains("<script>alert") && !body.contains("<img src=x"),
            "{page}"
        );
        assert!(!body.contains("href=\"javascript:"), "{page}");
        seen += body.matches("&#60;script&#62;alert").count();
    }
    assert!(seen > 10, "the text is shown {seen} times");
}

#[test]
fn d2_who_asks_by_another_name_is_refused() {
    let (place, _daemon) = running("");
    let port = place.port;
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1",
        &format!("127.0.0.1.evil.example:{port}"),
    ] {
        let answer = send(port, &format!("GET / HTTP/1.1\r\nhost: {host}\r\n"), "");
        assert_eq!(answer.status, 421, "{host}");
        assert!(!answer.body.contains("Hold everything"), "{host}");
    }
    assert_eq!(get_with(port, "/", "x-forwarded-for: 192.0.2.1\r\n").status, 403);
}

#[test]
fn d5_no_other_site_can_change_anything() {
    let (place, _daemon) = running("");
    let port = place.port;
    let token = get(port, "/").token();
    let acts = [
        "/hold",
        "/release",
        "/language",
        "/messages/said/post",
        "/messages/said/approve",
        "/messages/said/withdraw",
        "/posts/0123456789abcdef0123456789abcdef/retry",
        "/posts/0123456789abcdef0123456789abcdef/skip",
        "/posts/0123456789abcdef0123456789abcdef/resolve",
        "/signout",
    ];
    let fields = [("scope", "all"), ("why", "stop"), ("token", token.as_str())];
    for path in acts {
        for foreign in [
            "origin: https://evil.example\r\n",
            "origin: null\r\n",
            "sec-fetch-site: cross-site\r\n",
            "sec-fetch-site: same-site\r\n",
        ] {
            assert_eq!(
                post_with(port, path, foreign, &fields).status,
                403,
                "{path} {foreign}"
            );
        }
        // Without the proof, or with one of another run, even a request without a browser is refused.
        assert_eq!(post_with(port, path, "", &fields[..2]).status, 403, "{path}");
        let other = [fields[0], fields[1], ("token", &*"0".repeat(64))];
        assert_eq!(post_with(port, path, "", &other).status, 403, "{path}");
        // Nor can it be asked by a link.
        assert_eq!(get(port, path).status, 405, "{path}");
    }
    let elsewhere = post_with(
        port,
        "/language",
        "",
        &[("language", "es"), ("token", &token), ("back", "//evil.example")],
    );
    assert_eq!(elsewhere.header("location"), Some("/"));
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());
}

#[test]
fn d5_what_is_too_large_or_not_a_form_is_refused() {
    let (place, _daemon) = running("");
    let port = place.port;
    let token = get(port, "/").token();
    let large = "x".repeat(100_000);
    let answer = post_with(port, "/hold", "", &[("token", &token), ("why", &large)]);
    assert_eq!(answer.status, 413);
    let json = send(
        port,
        &format!("POST /hold HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: text/plain\r\n"),
        &form(&[("token", &token), ("scope", "all"), ("why", "x")]),
    );
    assert_eq!(json.status, 403);
    let long = act(port, "/hold", &[("scope", "all"), ("why", &"x".repeat(600))]);
    assert_eq!(long.status, 422);
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());
}

#[test]
fn d6_no_file_but_those_that_messages_name() {
    let (place, _daemon) = running("");
    std::fs::write(place.path().join("messages/secret.png"), "not for you").unwrap();
    for path in [
        "/media/../config/local.toml",
        "/media/%2e%2e/config/local.toml",
        "/media/..%2fconfig%2flocal.toml",
        "/media//etc/passwd",
        "/media/%2fetc%2fpasswd",
        "/media/secret.png",
        "/media/a.toml",
        "/sandbox/media/../../config/local.toml",
        "/sandbox/media/%2e%2e%2f%2e%2e%2fconfig%2flocal.toml",
        "/assets/..%2f..%2fCargo.toml",
    ] {
        let answer = get(place.port, path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
    }
}

#[test]
fn machines_get_numbers_and_news() {
    let (place, _daemon) = running("");
    let numbers = get(place.port, "/metrics");
    assert!(numbers.header("content-type").unwrap().starts_with("text/plain"));
    assert!(numbers.body.contains("steadfast_ready 1\n"), "{}", numbers.body);
    assert!(
        numbers.body.contains("steadfast_posts{state=\"sent\"} 2\n"),
        "{}",
        numbers.body
    );
    assert!(
        numbers
            .body
            .contains("steadfast_account_held{account=\"mastodon\"} 0\n")
    );
    assert_eq!(get(place.port, "/readyz").status, 200);

    let mut stream = TcpStream::connect(("127.0.0.1", place.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        stream,
        "GET /events HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n",
        place.port
    )
    .unwrap();
    let mut said = String::new();
    let mut listen = |until: &str| {
        let mut bytes = [0; 1024];
        while !said.contains(until) {
            let read = stream.read(&mut bytes).expect("news");
            assert!(read > 0, "it ended: {said}");
            said.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    };
    listen("retry: 2000");
    // Until it is heard: the first look may come after the first change.
    let heard = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !heard.load(Ordering::Acquire) {
                place.run(&["hold", "--why", "news"]);
            }
        });
        listen("data: new");
        heard.store(true, Ordering::Release);
    });
}

/// Signs in; the cookie, as it is sent back.
fn sign_in(port: u16, user: &str, password: &str) -> Result<String, Answer> {
    let token = get(port, "/signin").token();
    let same = format!("origin: http://127.0.0.1:{port}\r\n");
    let fields = [("user", user), ("password", password), ("token", &token)];
    let answer = post_with(port, "/signin", &same, &fields);
    let Some(cookie) = answer.header("set-cookie") else {
        return Err(answer);
    };
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );
    Ok(format!("cookie: {}\r\n", cookie.split(';').next().unwrap()))
}

#[test]
fn d8_with_users_nobody_comes_in_without_signing_in() {
    let (place, _daemon) = running(&users());
    let port = place.port;
    for page in PAGES.iter().chain(&["/events", "/media/a.png", "/posts/0"]) {
        let answer = get(port, page);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/signin")),
            "{page}"
        );
        let made_up = get_with(port, page, &format!("cookie: session={}\r\n", "0".repeat(64)));
        assert_eq!(made_up.status, 303, "{page}");
    }
    assert_eq!(
        post_with(port, "/hold", "", &[("scope", "all"), ("why", "x")]).status,
        303
    );
    for open in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(port, open).status, 200, "{open}");
    }
    let wrong = sign_in(port, "the-operator", "wrong horse battery").unwrap_err();
    assert!(wrong.body.contains("That is not the name and password"));
    let nobody = sign_in(port, "nobody", "correct horse battery").unwrap_err();
    assert!(nobody.body.contains("That is not the name and password"));

    // By a name that operators gave, and through a proxy.
    let session = sign_in(port, "the-viewer", "correct horse battery").unwrap();
    let proxied = send(
        port,
        &format!("GET / HTTP/1.1\r\nhost: posts.example.org\r\nx-forwarded-for: 192.0.2.7\r\n{session}"),
        "",
    );
    assert_eq!(proxied.status, 200);
    assert_eq!(
        send(
            port,
            &format!("GET / HTTP/1.1\r\nhost: evil.example\r\n{session}"),
            ""
        )
        .status,
        421
    );

    let token = get_with(port, "/", &session).token();
    let out = post_with(port, "/signout", &session, &[("token", &token)]);
    assert_eq!(out.header("location"), Some("/signin"));
    assert_eq!(get_with(port, "/", &session).status, 303);
}

#[test]
fn a_restart_signs_nobody_out() {
    let (place, mut daemon) = running(&users());
    let port = place.port;
    let session = sign_in(port, "the-editor", "correct horse battery").unwrap();
    let token = get_with(port, "/", &session).token();
    daemon.kill();
    let _daemon = place.start();
    place.wait("the second start", 30, || place.events("daemon.ready").len() == 2);
    assert_eq!(get_with(port, "/", &session).status, 200);
    // A form from before is as good as a new one.
    let fields = [("token", token.as_str()), ("scope", "all"), ("why", "x")];
    let held = post_with(port, "/hold", &session, &fields);
    assert_eq!(held.header("location"), Some("/?done=held"), "{}", held.body);
    // What the browser has is not in the ledger.
    let secret = session.trim().split('=').next_back().unwrap();
    let ledger = std::fs::read(place.ledger()).unwrap();
    let wal = std::fs::read(place.ledger().with_extension("db-wal")).unwrap_or_default();
    for bytes in [ledger, wal] {
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
}

#[test]
fn each_role_may_do_its_own_and_the_ledger_knows_who_did() {
    let (place, _daemon) = running(&users());
    let port = place.port;
    let tries = |role: &str, path: &str, fields: &[(&str, &str)]| {
        let session = sign_in(port, &format!("the-{role}"), "correct horse battery").unwrap();
        let token = get_with(port, "/facts", &session).token();
        let mut all = vec![("token", token.as_str())];
        all.extend(fields);
        post_with(port, path, &session, &all).status
    };
    let hold = [("scope", "all"), ("why", "stop"), ("as", "somebody else")];
    assert_eq!(tries("viewer", "/hold", &hold), 403);
    assert_eq!(tries("editor", "/hold", &hold), 303);
    assert_eq!(
        place.json(&["status", "--format", "json"])["hold"]["by"],
        "the-editor"
    );
    let all = [("scope", "all")];
    assert_eq!(tries("editor", "/release", &all), 403);
    assert_eq!(tries("approver", "/release", &all), 403);
    assert_eq!(tries("editor", "/messages/said/approve", &[("digest", "0")]), 403);
    // As far as the ledger's own refusal: nothing has to be approved here.
    assert_eq!(
        tries("approver", "/messages/said/approve", &[("digest", "0")]),
        409
    );
    assert_eq!(tries("approver", "/messages/said/post", &[]), 403);
    assert_eq!(tries("operator", "/release", &all), 303);
    assert_eq!(tries("operator", "/messages/said/post", &[]), 303);

    // A page shows only what whoever looks may do.
    let session = sign_in(port, "the-viewer", "correct horse battery").unwrap();
    assert!(!get_with(port, "/", &session).body.contains("action=\"/hold\""));
    // One session's proof is not another's.
    let other = sign_in(port, "the-operator", "correct horse battery").unwrap();
    let token = get_with(port, "/", &session).token();
    let stolen = post_with(
        port,
        "/hold",
        &other,
        &[("token", &token), ("scope", "all"), ("why", "x")],
    );
    assert_eq!(stolen.status, 403);
}

#[test]
fn who_guesses_passwords_must_wait() {
    let (place, _daemon) = running(&users());
    let port = place.port;
    for guess in 0..6 {
        sign_in(port, "the-operator", &format!("guess number {guess}")).unwrap_err();
    }
    // Even the right one.
    let waits = sign_in(port, "the-operator", "correct horse battery").unwrap_err();
    assert!(waits.body.contains("Too many wrong guesses"), "{}", waits.body);
    assert!(!place.events("web.refused").is_empty());
    let log = std::fs::read_to_string(place.path().join("log")).unwrap();
    assert!(!log.contains("guess number") && !log.contains("correct horse"));
}

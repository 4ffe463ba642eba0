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

use program::Place;
use wire::{Answer, MESSAGES, form, get, get_with, post_with, running, send, users};

/// A form of the first page, as a browser sends it.
fn act(port: u16, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = get(port, "/").token();
    let mut all = vec![("token", token.as_str())];
    all.extend(fields);
    let same = format!("origin: http://127.0.0.1:{port}\r\nsec-fetch-site: same-origin\r\n");
    post_with(port, path, &same, &all)
}

const PAGES: [&str; 12] = [
    "/",
    "/insights",
    "/facts/verdict/recall",
    "/facts/verdict/recall?act=delete",
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
    place.counted();
    let evil = |page: &str| page.replace("said", "evil").replace("verdict", "evil");
    let mut pages: Vec<String> = PAGES.map(evil).to_vec();
    pages.extend([
        format!("/history?message={}", form(&[("", EVIL)]).trim_start_matches('=')),
        format!("/messages?find={}", form(&[("", EVIL)]).trim_start_matches('=')),
        "/?done=%3Cscript%3E".to_owned(),
        "/calendar?view=week&day=%3Cscript%3E".to_owned(),
        "/messages/%3Cscript%3E".to_owned(),
        "/insights?message=%3Cscript%3Ealert(1)".to_owned(),
        "/insights?message=evil&days=%3Cscript%3E".to_owned(),
        format!(
            "/facts/evil/recall?act=correct&text={}",
            form(&[("", EVIL)]).trim_start_matches('=')
        ),
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
        "/facts/verdict/recall",
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
        // Nor can it be asked by a link, but where one only looks first.
        let looks = path == "/facts/verdict/recall";
        assert_eq!(get(port, path).status, if looks { 200 } else { 405 }, "{path}");
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
    assert_eq!(
        tries("approver", "/facts/verdict/recall", &[("act", "delete")]),
        403
    );
    assert_eq!(tries("operator", "/release", &all), 303);
    assert_eq!(tries("operator", "/messages/said/post", &[]), 303);

    // A page shows only what whoever looks may do.
    let session = sign_in(port, "the-viewer", "correct horse battery").unwrap();
    assert!(!get_with(port, "/", &session).body.contains("action=\"/hold\""));
    let recall = get_with(port, "/facts/verdict/recall?act=delete", &session);
    assert!(recall.body.contains("Delete these posts: ") && !recall.body.contains("name=\"digest\""));
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

#[test]
fn how_the_public_answered_is_drawn_and_stands_in_tables() {
    let (place, _daemon) = running("");
    let port = place.port;
    assert!(get(port, "/insights?days=7").body.contains("Nothing was counted"));
    place.counted();
    let page = get(port, "/insights").body;
    for said in [">10<", ">200<", "Engagement over time", "Reach", ">1.0×<"] {
        assert!(page.contains(said), "{said} in {page}");
    }
    assert!(
        page.contains("title=\"not counted there\""),
        "Mastodon tells no views: {page}"
    );
    // Each image that the page asks for is there, in its own colours.
    let images: Vec<&str> = page
        .split("/insights/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next().filter(|path| path.contains(".svg")))
        .collect();
    assert_eq!(
        images.len(),
        16,
        "four plots, each for two widths, in the light and the dark"
    );
    let mut drawn: Vec<String> = Vec::new();
    for path in images {
        let path = path.replace("&#38;", "&").replace("&amp;", "&");
        let image = get(port, &format!("/insights/{path}"));
        assert_eq!(image.header("content-type"), Some("image/svg+xml"), "{path}");
        let policy = image.header("content-security-policy").unwrap();
        assert!(!policy.contains("unsafe"), "{policy}");
        drawn.push(image.body);
    }
    drawn.sort();
    drawn.dedup();
    assert_eq!(drawn.len(), 16);
    assert_eq!(get(port, "/insights/elsewhere.svg").status, 404);

    let one = get(port, "/insights?message=said").body;
    assert!(
        one.contains(">10<") && one.contains("href=\"/messages/said\""),
        "{one}"
    );
    let other = get(port, "/insights?message=later").body;
    assert!(other.contains("Nothing was counted"), "{other}");

    let csv = get(port, "/insights.csv?days=7");
    assert!(csv.header("content-disposition").unwrap().contains(".csv"));
    let whole = place.run(&["insights", "--format", "csv"]).stdout;
    let whole = String::from_utf8(whole).unwrap();
    // Over the wire it comes in chunks.
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(lines.len(), 3, "{whole}");
    for line in lines {
        assert!(csv.body.contains(line), "{line} in {}", csv.body);
    }
}

/// What comes after the head, to the byte.
fn bytes(port: u16, path: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let head = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    all.split_off(head + 4)
}

#[cfg(feature = "cards")]
#[test]
fn a_card_is_shown_before_it_is_posted_byte_for_byte() {
    use steadfast::post::card::{Card, Colours, Style};

    let place = Place::new("");
    let campaign = format!("{}card = {{ background = \"#102030\" }}\n", program::CAMPAIGN);
    place.write("campaign.toml", &campaign);
    place.write(
        "a.toml",
        "[[message]]\nid = \"drawn\"\ntext = \"Ten to two <b>was</b> the verdict.\"\ncard = \"quote\"\nat = 2031-01-06T09:00:00\n",
    );
    let _daemon = place.start();
    place.wait_ready();
    let port = place.port;
    let page = get(port, "/messages/drawn").body;
    let (_, rest) = page
        .split_once("<img src=\"/messages/drawn/cards/")
        .expect("a card");
    let path = format!("/messages/drawn/cards/{}", rest.split('"').next().unwrap());
    assert!(
        rest.contains("alt=\"Ten to two &#60;b&#62;was&#60;/b&#62; the verdict.\""),
        "{rest}"
    );
    let image = get(port, &path);
    assert_eq!(
        (image.status, image.header("content-type")),
        (200, Some("image/png"))
    );
    let shown = bytes(port, &path);
    assert_eq!(shown, bytes(port, &path), "drawn once, and kept");
    // Nothing but what the campaign has.
    let account = path.rsplit('/').nth(1).unwrap();
    for wrong in [
        format!("/messages/drawn/cards/{account}/card-000000000000.png"),
        path.replace(&format!("/{account}/"), "/nobody/"),
        path.replace("/drawn/", "/other/").replace("card-", "card-0"),
    ] {
        assert_eq!(get(port, &wrong).status, 404, "{wrong}");
    }

    // What is posted is made by the same hand.
    let folder = steadfast::folder::Folder::open(place.path().join("messages")).unwrap();
    let colours = Colours {
        background: "#102030".parse().unwrap(),
        ..Colours::default()
    };
    let card = Card::of(
        Style::Quote,
        "Ten to two <b>was</b> the verdict.",
        "Test",
        &[],
        colours,
    );
    let card = card.unwrap().image();
    assert!(path.ends_with(&card.file), "{path}");
    let (posted, _) = folder.image(&card, None).unwrap();
    assert!(
        posted.bytes == shown,
        "{} and {} bytes",
        posted.bytes.len(),
        shown.len()
    );
}

#[test]
fn an_edit_shows_the_words_and_the_link_and_counts_for_no_others() {
    let place = Place::new("[account.mastodon]\nplatform = \"sandbox\"\n");
    let says = |value: &str, page: &str| {
        let text = format!(
            "[fact.verdict]\nvalue = \"{value}\"\nsource = \"the record\"\n\n[[message]]\nid = \"said\"\n\
             text = \"The jury said {{{{ fact.verdict }}}}.\"\nlink = \"https://court.example/{page}\"\npriority = \"breaking\"\n"
        );
        place.write("a.toml", &text);
    };
    says("10-2", "first");
    let _daemon = place.start();
    place.wait("the post", 60, || !place.events("post.sent").is_empty());
    let port = place.port;
    let look = || get(port, "/facts/verdict/recall?act=edit").body;
    assert!(look().contains("There is nothing that it would do"));
    let confirm = |page: &str| {
        let (_, rest) = page.split_once("name=\"digest\" value=\"").expect("a digest");
        let digest = rest.split('"').next().unwrap();
        let fields = [
            ("act", "edit"),
            ("digest", digest),
            ("why", "it was wrong"),
            ("as", "Ann"),
        ];
        act(port, "/facts/verdict/recall", &fields)
    };

    says("11-1", "second");
    let shown = look();
    for words in ["The jury said 11-1.", "https://court.example/second"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    // Another address is another word.
    says("11-1", "third");
    let late = confirm(&shown);
    assert_eq!(late.status, 409, "{}", late.body);

    let done = confirm(&look());
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(done.header("set-cookie").unwrap().starts_with("name=Ann;"));
    place.wait("the edit", 60, || look().contains("edit: sent"));
    let timeline = get(port, "/sandbox").body;
    assert!(
        timeline.contains("The jury said 11-1.") && timeline.contains("https://court.example/third"),
        "{timeline}"
    );
}

#[test]
fn a_recall_does_exactly_what_was_shown() {
    let (place, _daemon) = running("");
    let port = place.port;
    assert!(
        get(port, "/facts")
            .body
            .contains("href=\"/facts/verdict/recall\"")
    );
    let list = get(port, "/facts/verdict/recall").body;
    assert!(list.contains("“10-2”") && list.contains("See it there"), "{list}");
    assert!(!list.contains("name=\"digest\""), "nothing is chosen yet");
    assert_eq!(get(port, "/facts/elsewhere/recall").status, 404);

    let digest = |page: &str| {
        let (_, rest) = page.split_once("name=\"digest\" value=\"").expect("a digest");
        rest.split('"').next().unwrap().to_owned()
    };
    let shown = get(port, "/facts/verdict/recall?act=delete").body;
    assert_eq!(shown.matches("would be deleted").count(), 2, "{shown}");
    let deletion = digest(&shown);
    let recall = |act_: &str, digest: &str, why: &str, by: &str| {
        let fields = [
            ("act", act_),
            ("text", "Correction: it was 11-1."),
            ("digest", digest),
            ("why", why),
            ("as", by),
        ];
        act(port, "/facts/verdict/recall", &fields)
    };
    assert_eq!(recall("delete", &deletion, "", "Ann").status, 422);
    assert_eq!(recall("delete", &deletion, "the court has ruled", "").status, 422);
    // What was shown is a deletion, not a correction.
    assert_eq!(
        recall("correct", &deletion, "the court has ruled", "Ann").status,
        409
    );

    // Meanwhile it goes out once more.
    act(port, "/messages/said/post", &[]);
    place.wait("two more posts", 60, || place.events("post.sent").len() == 4);
    let late = recall("delete", &deletion, "the court has ruled", "Ann");
    assert_eq!(late.status, 409, "{}", late.body);
    let recalls = || place.json(&["recall", "verdict", "--format", "json"]);
    assert!(
        recalls()
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["recalls"].as_array().unwrap().is_empty())
    );

    let shown = get(port, "/facts/verdict/recall?act=delete").body;
    let done = recall("delete", &digest(&shown), "the court has ruled", "Ann");
    assert_eq!(
        done.header("location"),
        Some("/facts/verdict/recall?done=recalled"),
        "{}",
        done.body
    );
    place.wait("all four are deleted", 60, || {
        recalls().as_array().unwrap().iter().all(|row| {
            let done = &row["recalls"][0];
            done["act"] == "delete" && done["state"] == "sent"
        })
    });
    assert_eq!(recalls()[0]["recalls"][0]["why"], "the court has ruled");
    let list = get(port, "/facts/verdict/recall?act=delete").body;
    assert!(
        list.contains("deletion: sent") && list.contains("There is nothing that it would do"),
        "{list}"
    );
}

#[test]
fn a_recall_can_correct_and_knows_what_is_held() {
    let (place, _daemon) = running("");
    let port = place.port;
    let long = "x".repeat(400);
    let shown = get(port, &format!("/facts/verdict/recall?act=correct&text={long}")).body;
    assert!(
        shown.contains("bluesky: the text") && !shown.contains("name=\"digest\""),
        "{shown}"
    );
    act(port, "/hold", &[("scope", "all"), ("why", "wait"), ("as", "Ann")]);
    let held = get(port, "/facts/verdict/recall?act=delete").body;
    assert!(
        held.contains("It waits for a release") && held.contains("name=\"during_hold\""),
        "{held}"
    );
    let words = "/facts/verdict/recall?act=correct&text=It+was+11-1.%0D%0ASorry.";
    let shown = get(port, words).body;
    assert!(
        shown.contains("It waits for a release") && !shown.contains("name=\"during_hold\""),
        "{shown}"
    );
    let (_, rest) = shown.split_once("name=\"digest\" value=\"").unwrap();
    let fields = [
        ("act", "correct"),
        ("text", "It was 11-1.\r\nSorry."),
        ("digest", rest.split('"').next().unwrap()),
        ("why", "the court has ruled"),
        ("as", "Ann"),
    ];
    let done = act(port, "/facts/verdict/recall", &fields);
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(get(port, words).body.matches("asked for already").count(), 2);
    act(port, "/release", &[("scope", "all"), ("as", "Ann")]);
    // It fell due during a hold, so it waits for a person: who asks for it again is one.
    place.wait("both wait", 60, || place.events("post.held").len() == 2);
    let again = get(port, words).body;
    assert!(again.contains("Correct these posts: 2"), "{again}");
    let (_, rest) = again.split_once("name=\"digest\" value=\"").unwrap();
    let digest = ("digest", rest.split('"').next().unwrap());
    let fields = fields.map(|field| if field.0 == "digest" { digest } else { field });
    let done = act(port, "/facts/verdict/recall", &fields);
    assert_eq!(done.status, 303, "{}", done.body);
    place.wait("both are corrected", 60, || {
        get(port, "/sandbox").body.matches("It was 11-1.\nSorry.").count() == 2
    });
}

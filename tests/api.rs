//! What programs ask of the real one: `/api/…`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod program;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use program::Place;
use serde_json::{Value, json};
use wire::{Answer, get, get_with, running, send, users};

fn json_of(answer: &Answer) -> Value {
    let kind = answer.header("content-type").unwrap();
    assert!(kind.contains("json"), "{kind}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn look(place: &Place, path: &str) -> Value {
    let answer = get(place.port, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    json_of(&answer)
}

fn tell_with(port: u16, path: &str, headers: &str, body: &Value) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n{headers}"
    );
    send(port, &head, &body.to_string())
}

fn tell(place: &Place, path: &str, body: &Value) -> Answer {
    tell_with(place.port, path, "", body)
}

#[test]
fn programs_see_what_the_commands_print() {
    let (place, _daemon) = running("");
    for (path, command) in [
        (
            "/api/plan?days=400",
            &["plan", "--days", "400", "--format", "json"][..],
        ),
        ("/api/facts", &["facts", "--format", "json"]),
        ("/api/accounts", &["accounts", "--format", "json"]),
        ("/api/messages/said", &["preview", "said", "--format", "json"]),
        ("/api/history", &["history", "--format", "json"]),
        ("/api/problems", &["check", "--format", "json"]),
        (
            "/api/published?fact=verdict",
            &["recall", "verdict", "--format", "json"],
        ),
    ] {
        assert_eq!(look(&place, path), place.json(command), "{path}");
    }
    let status = look(&place, "/api/status");
    assert_eq!(status["counts"]["sent"], 2);
    assert!(status["uptime_s"].is_number());
    let posts = look(&place, "/api/history?message=said&limit=1");
    assert_eq!(posts.as_array().unwrap().len(), 1);
    let one = look(
        &place,
        &format!("/api/posts/{}", posts[0]["post"].as_str().unwrap()),
    );
    assert_eq!(one, posts[0]);
    assert_eq!(look(&place, "/api/history?since=2031-01-01"), json!([]));
}

#[test]
fn a_hold_is_in_force_when_it_is_answered() {
    let (place, _daemon) = running("");
    let held = tell(
        &place,
        "/api/hold",
        &json!({ "why": "the court has ruled", "as": "Ann" }),
    );
    assert_eq!(
        (held.status, json_of(&held)),
        (200, json!({ "on_their_way": [] }))
    );
    let status = place.json(&["status", "--format", "json"]);
    assert_eq!(
        (&status["hold"]["why"], &status["hold"]["by"]),
        (&json!("the court has ruled"), &json!("Ann"))
    );
    // What is asked for now waits.
    let asked = tell(&place, "/api/messages/said/post", &json!({ "as": "Ann" }));
    let posts = json_of(&asked)["posts"].as_array().unwrap().clone();
    assert_eq!(posts.len(), 2, "{}", asked.body);
    let post = look(&place, &format!("/api/posts/{}", posts[0].as_str().unwrap()));
    assert_ne!(post["state"], "sent");
    let skipped = tell(
        &place,
        &format!("/api/posts/{}/skip", posts[0].as_str().unwrap()),
        &json!({ "why": "no longer true" }),
    );
    assert_eq!(json_of(&skipped)["to"], "skipped", "{}", skipped.body);

    let released = tell(&place, "/api/release", &json!({ "as": "Ann" }));
    assert_eq!(json_of(&released), json!({ "holds": 1 }));
    assert_eq!(
        json_of(&tell(&place, "/api/release", &json!({}))),
        json!({ "holds": 0 })
    );
    // What fell due meanwhile waits for a person (`after_hold`).
    let other = format!("/api/posts/{}", posts[1].as_str().unwrap());
    place.wait("the other post to be held", 60, || {
        look(&place, &other)["state"] == "held"
    });
    let retried = tell(&place, &format!("{other}/retry"), &json!({ "as": "Ann" }));
    assert_eq!(json_of(&retried)["from"], "held", "{}", retried.body);
    place.wait("the other post", 60, || look(&place, &other)["state"] == "sent");
    let again = tell(
        &place,
        &format!("/api/posts/{}/retry", posts[1].as_str().unwrap()),
        &json!({}),
    );
    assert_eq!(again.status, 409);
    assert!(json_of(&again)["detail"].as_str().unwrap().contains("it is sent"));
}

#[test]
fn what_makes_no_sense_is_refused_and_why_is_said_to_programs() {
    let (place, _daemon) = running("");
    let why = |answer: &Answer| {
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{}",
            answer.body
        );
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], answer.status);
        problem["detail"].as_str().unwrap().to_owned()
    };
    for (status, path, body, word) in [
        (422, "/api/hold", json!({}), "why"),
        (422, "/api/hold", json!({ "why": "x", "wyh": "y" }), "wyh"),
        (
            422,
            "/api/hold",
            json!({ "why": "x", "account": "a", "message": "b" }),
            "not both",
        ),
        (
            422,
            "/api/hold",
            json!({ "why": "x", "as": "the daemon" }),
            "name",
        ),
        (
            409,
            "/api/hold",
            json!({ "why": "x", "account": "nobody" }),
            "no account",
        ),
        (404, "/api/posts/0/retry", json!({}), "mistyped"),
        (409, "/api/messages/nothing/post", json!({}), "nothing"),
        (
            409,
            "/api/messages/said/approve",
            json!({ "digest": "0", "as": "Ann" }),
            "approval",
        ),
    ] {
        let answer = tell(&place, path, &body);
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        let why = why(&answer).to_lowercase();
        assert!(why.contains(&word.to_lowercase()), "{path} {body}: {why}");
    }
    for (status, path) in [
        (404, "/api/nothing"),
        (404, "/api/messages/nothing"),
        (422, "/api/plan?days=many"),
        (422, "/api/plan?dais=3"),
        (422, "/api/history?state=lost"),
        (422, "/api/history?since=soon"),
        (422, "/api/published"),
        (405, "/api/hold"),
    ] {
        let answer = get(place.port, path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        why(&answer);
    }
    let large = tell(&place, "/api/hold", &json!({ "why": "x".repeat(20_000) }));
    assert_eq!(large.status, 413);
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());
}

#[test]
fn d5_no_other_sites_page_can_speak_here() {
    let (place, _daemon) = running("");
    let port = place.port;
    let body = r#"{"why":"x"}"#;
    let ask = |headers: &str| {
        let head = format!("POST /api/hold HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}");
        send(port, &head, body)
    };
    // What a form of another site's could send without asking.
    for kind in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
    ] {
        assert_eq!(ask(kind).status, 422, "{kind}");
    }
    let json = "content-type: application/json\r\n";
    for from in [
        "origin: https://evil.example\r\n",
        "sec-fetch-site: cross-site\r\n",
    ] {
        assert_eq!(ask(&format!("{json}{from}")).status, 403, "{from}");
    }
    // A browser that asks whether it may is not told that it may.
    let may = send(
        port,
        &format!(
            "OPTIONS /api/hold HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: https://evil.example\r\naccess-control-request-method: POST\r\n"
        ),
        "",
    );
    assert!(may.status >= 400 && may.header("access-control-allow-origin").is_none());
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "authorization: Basic {}\r\n",
        STANDARD.encode(format!("{user}:{password}"))
    )
}

#[test]
fn d8_with_users_a_program_says_who_it_is_and_may_what_its_role_may() {
    let (place, _daemon) = running(&users());
    let port = place.port;
    let refused = get(port, "/api/status");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").unwrap().starts_with("Basic"));
    let of = |role: &str| basic(&format!("the-{role}"), "correct horse battery");
    assert_eq!(get_with(port, "/api/status", &of("viewer")).status, 200);
    let hold = json!({ "why": "news", "as": "somebody else" });
    assert_eq!(tell_with(port, "/api/hold", &of("viewer"), &hold).status, 403);
    assert_eq!(tell_with(port, "/api/hold", &of("editor"), &hold).status, 200);
    // Who signed in speaks, whatever the body says.
    let status = json_of(&get_with(port, "/api/status", &of("viewer")));
    assert_eq!(status["hold"]["by"], "the-editor");
    assert_eq!(
        tell_with(port, "/api/release", &of("approver"), &json!({})).status,
        403
    );
    assert_eq!(
        tell_with(port, "/api/release", &of("operator"), &json!({})).status,
        200
    );
    // Who guesses must wait, and a right password does not end it before.
    for _ in 0..20 {
        let wrong = get_with(port, "/api/status", &basic("the-viewer", "wrong"));
        if wrong.status == 429 {
            assert!(wrong.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
            return;
        }
        assert_eq!(wrong.status, 401);
    }
    panic!("nobody was made to wait");
}

#[test]
fn the_description_is_open_api_and_names_every_path() {
    let (place, _daemon) = running("");
    let document = look(&place, "/api/openapi.json");
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for (path, operations) in paths {
        for (verb, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{verb} {path}");
            // It is there: nothing of it answers that there is nothing, or that it can't be asked so.
            let asked = path
                .replace("{message}", "said")
                .replace("{post}", &"0".repeat(32));
            let answer = match verb.as_str() {
                "get" => get(place.port, &asked),
                _ => tell(&place, &asked, &json!({ "unknown": 1 })),
            };
            assert_ne!(answer.status, 405, "{verb} {path}");
            assert_ne!(answer.status, 500, "{verb} {path}");
        }
    }
    let posts = look(&place, "/api/history");
    let schema = &document["components"]["schemas"]["Post"];
    let known = schema["properties"].as_object().unwrap();
    for key in posts[0].as_object().unwrap().keys() {
        assert!(known.contains_key(key), "{key}");
    }
}

//! A send that ends at every step that the platform can see: the connection is cut there, or the real program
//! is killed there. The middle part of a thread, so that it must go on where it stopped (reliability P12-P14,
//! P24, S1).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use program::{Daemon, Place};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// Where a request for the middle part ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Connected,
    Head,
    HalfBody,
    Received,
    Accepted,
    AnswerBegun,
    HalfAnswer,
    Answered,
}

const STEPS: [Step; 8] = [
    Step::Connected,
    Step::Head,
    Step::HalfBody,
    Step::Received,
    Step::Accepted,
    Step::AnswerBegun,
    Step::HalfAnswer,
    Step::Answered,
];

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Cut,
    Kill,
}

#[derive(Debug, Clone)]
struct Status {
    id: String,
    text: String,
    parent: Option<String>,
}

/// A Mastodon, or a GoToSocial that takes no notice of keys, in plain sockets.
struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    forgets_keys: bool,
    accepted: Vec<Status>,
    keys: HashMap<String, String>,
    /// Still to come.
    end: Option<(Step, End)>,
    daemon: Option<u32>,
    ended: bool,
}

impl Server {
    fn start(forgets_keys: bool, step: Step, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            forgets_keys,
            end: Some((step, end)),
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || drop(converse(&stream, &state)));
            }
        });
        Self { url, state }
    }

    fn texts(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        state.accepted.iter().map(|status| status.text.clone()).collect()
    }
}

/// Ends what happens on this connection, if it is to end at this step.
fn ends(stream: &TcpStream, state: &Mutex<State>, now: Step) -> std::io::Result<()> {
    let mut state = state.lock().unwrap();
    let Some((_, end)) = state.end.filter(|(step, _)| *step == now) else {
        return Ok(());
    };
    state.end = None;
    if end == End::Kill {
        // At once: a command that does it takes milliseconds, in which the next part is begun.
        let pid = state.daemon.and_then(|pid| Pid::from_raw(pid.cast_signed()));
        kill_process(pid.expect("it runs"), Signal::KILL).unwrap();
    }
    // The other end may be gone already.
    drop(stream.shutdown(std::net::Shutdown::Both));
    state.ended = true;
    Err(std::io::Error::other("it ends here"))
}

/// The middle part has been sent twice before it can be told by its body: whose connection it is, the parts
/// before it tell.
fn is_the_middle(state: &Mutex<State>) -> bool {
    state.lock().unwrap().accepted.len() == 1
}

/// One request for each connection: on a shared one the middle part would not begin by connecting.
fn converse(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    if is_the_middle(state) {
        ends(stream, state, Step::Connected)?;
    }
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(());
    }
    let mut words = line.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim().split_once(": ") else {
            break;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "idempotency-key" => value.clone_into(&mut key),
            _ => {}
        }
    }
    let create = method == "POST" && path == "/api/v1/statuses";
    let middle = create && is_the_middle(state);
    if middle {
        ends(stream, state, Step::Head)?;
    }
    let mut body = vec![0; length];
    let half = length / 2;
    reader.read_exact(&mut body[..half])?;
    if middle {
        ends(stream, state, Step::HalfBody)?;
    }
    reader.read_exact(&mut body[half..])?;
    if middle {
        ends(stream, state, Step::Received)?;
    }
    let answer = if create {
        accept(state, &key, &body)
    } else {
        look(state, &path)
    };
    if middle {
        ends(stream, state, Step::Accepted)?;
    }
    let answer = answer.to_string();
    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    )?;
    if middle {
        ends(stream, state, Step::AnswerBegun)?;
    }
    let (first, second) = answer.split_at(answer.len() / 2);
    out.write_all(first.as_bytes())?;
    if middle {
        ends(stream, state, Step::HalfAnswer)?;
    }
    out.write_all(second.as_bytes())?;
    if middle {
        ends(stream, state, Step::Answered)?;
    }
    Ok(())
}

fn accept(state: &Mutex<State>, key: &str, body: &[u8]) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap();
    let mut state = state.lock().unwrap();
    let known = state.keys.get(key).filter(|_| !state.forgets_keys).cloned();
    let id = known.unwrap_or_else(|| {
        let id = (500 + state.accepted.len()).to_string();
        state.accepted.push(Status {
            id: id.clone(),
            text: body["status"].as_str().unwrap().to_owned(),
            parent: body["in_reply_to_id"].as_str().map(str::to_owned),
        });
        id
    });
    state.keys.insert(key.to_owned(), id.clone());
    json!({"id": id, "url": format!("https://fake/{id}")})
}

fn look(state: &Mutex<State>, path: &str) -> Value {
    let state = state.lock().unwrap();
    let kind = if state.forgets_keys {
        json!({"version": "0.20.0", "source_url": "https://codeberg.org/superseriousbusiness/gotosocial"})
    } else {
        json!({"version": "4.5.0", "api_versions": {"mastodon": 7}})
    };
    let found = |id: &str| state.accepted.iter().find(|status| status.id == id).cloned();
    match path.split(['?', '/']).collect::<Vec<_>>().as_slice() {
        ["", "api", "v1", "accounts", "verify_credentials", ..] => json!({"id": "7"}),
        ["", "api", "v1", "accounts", "7", "statuses", query, ..] if !query.contains("max_id") => {
            let status = |status: &Status| {
                json!({"id": status.id, "url": format!("https://fake/{}", status.id),
                    "created_at": program::fake::now(), "in_reply_to_id": status.parent, "spoiler_text": "", "media_attachments": []})
            };
            state.accepted.iter().rev().map(status).collect()
        }
        ["", "api", "v1", "accounts", "7", "statuses", ..] => json!([]),
        ["", "api", "v1", "statuses", id, "source"] => {
            json!({"text": found(id).unwrap().text, "spoiler_text": ""})
        }
        _ => kind,
    }
}

/// A campaign of one thread, due in a moment.
struct Scene {
    place: Place,
    server: Server,
    daemon: Daemon,
}

impl Scene {
    fn new(forgets_keys: bool, step: Step, end: End, account: &str) -> Self {
        let server = Server::start(forgets_keys, step, end);
        let place = Place::new(&format!(
            "[account.fedi]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n{account}",
            server.url
        ));
        assert!(place.run(&["init"]).status.success());
        let text = "part 0\\n---\\npart 1\\n---\\npart 2";
        let daemon = place.start();
        server.state.lock().unwrap().daemon = Some(daemon.child.id());
        place.wait_ready();
        // Long enough to be read before it is due.
        let at = program::fake::now() + Duration::from_secs(4);
        place.write(
            "thread.toml",
            &format!("[[message]]\nid = \"m\"\nat = {at}\ntext = \"{text}\"\n"),
        );
        Self {
            place,
            server,
            daemon,
        }
    }

    /// Waits for the end, and starts the program again if that was what ended.
    fn goes_on(&mut self, end: End) {
        let server = &self.server;
        self.place
            .wait("the end", 30, || server.state.lock().unwrap().ended);
        if end == End::Kill {
            self.daemon.child.wait().unwrap();
            self.daemon = self.place.start();
        }
    }

    fn post(&self) -> Value {
        self.place.json(&["history", "--format", "json"])[0].clone()
    }

    /// Each part once, in order, each an answer to the one before, and known by its id.
    fn is_sent_once(&self, what: &str) {
        self.place.wait(&format!("{what}: the thread to be out"), 60, || {
            self.post()["state"] == "sent"
        });
        let log = std::fs::read_to_string(self.place.path().join("log")).unwrap();
        assert_eq!(
            self.server.texts(),
            ["part 0", "part 1", "part 2"],
            "{what}: {log}"
        );
        let accepted = self.server.state.lock().unwrap().accepted.clone();
        let parents: Vec<Option<&str>> = accepted.iter().map(|status| status.parent.as_deref()).collect();
        assert_eq!(parents, [None, Some("500"), Some("501")], "{what}");
        let post = self.post();
        let ids: Vec<&str> = post["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["500", "501", "502"], "{what}");
    }
}

/// Runs each of the scenes, some at a time.
fn each(scenes: &[(Step, End)], scene: impl Fn(Step, End) + Sync) {
    for some in scenes.chunks(8) {
        std::thread::scope(|scope| {
            for (step, end) in some {
                scope.spawn(|| scene(*step, *end));
            }
        });
    }
}

fn all_from(first: Step) -> Vec<(Step, End)> {
    let steps = STEPS.into_iter().filter(|step| *step >= first);
    steps
        .flat_map(|step| [(step, End::Cut), (step, End::Kill)])
        .collect()
}

#[test]
fn s1_with_a_key_the_same_request_settles_it_wherever_it_ended() {
    each(&all_from(Step::Connected), |step, end| {
        let mut scene = Scene::new(false, step, end, "");
        scene.goes_on(end);
        scene.is_sent_once(&format!("{end:?} at {step:?}"));
    });
}

#[test]
fn s1_without_keys_the_list_settles_what_was_accepted() {
    each(&all_from(Step::Accepted), |step, end| {
        let mut scene = Scene::new(true, step, end, "");
        scene.goes_on(end);
        scene.is_sent_once(&format!("{end:?} at {step:?}"));
    });
}

#[test]
fn s1_where_nothing_can_settle_it_a_person_does_and_the_thread_goes_on() {
    each(&all_from(Step::Received), |step, end| {
        let what = format!("{end:?} at {step:?}");
        let mut scene = Scene::new(true, step, end, "in_doubt = \"hold\"");
        scene.goes_on(end);
        let place = &scene.place;
        // An answer that arrived whole, and was read before the end, leaves no doubt.
        let rests = || ["held", "sent"].contains(&scene.post()["state"].as_str().unwrap_or_default());
        place.wait(&format!("{what}: a decision"), 30, rests);
        let post = scene.post();
        if post["state"] == "held" {
            assert!(post["error"].as_str().is_some(), "{what}: {post}");
            // The person looks at the platform: it may have been the part after, if the answer arrived in time.
            let known = post["parts"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|part| part["id"].is_string());
            let known = known.count();
            let (id, there) = (post["post"].as_str().unwrap(), (500 + known).to_string());
            let how: &[&str] = if scene.server.texts().len() > known {
                &["resolve", id, "--sent", &there]
            } else {
                &["resolve", id, "--not-sent"]
            };
            let done = place.run(how);
            assert!(
                done.status.success(),
                "{what}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        scene.is_sent_once(&what);
    });
}

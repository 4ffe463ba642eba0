//! HTTP to the dashboard of the real program, to the letter.
#![allow(dead_code, reason = "each test uses some of it")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::program::{Daemon, Place};

/// What its campaign says.
pub const MESSAGES: &str = r#"
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
pub fn running(config: &str) -> (Place, Daemon) {
    let place = Place::new(config);
    place.write("a.toml", MESSAGES);
    let daemon = place.start();
    place.wait("two posts", 60, || place.events("post.sent").len() == 2);
    (place, daemon)
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// What a form of this page proves itself by.
    pub fn token(&self) -> String {
        let (_, rest) = self
            .body
            .split_once("name=\"token\" value=\"")
            .expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }
}

/// One request, to the letter.
pub fn send(port: u16, request: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let length = if request.starts_with("POST") {
        format!("content-length: {}\r\n", body.len())
    } else {
        String::new()
    };
    write!(stream, "{request}{length}connection: close\r\n\r\n{body}").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).ok();
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

pub fn get(port: u16, path: &str) -> Answer {
    get_with(port, path, "")
}

pub fn get_with(port: u16, path: &str, headers: &str) -> Answer {
    send(
        port,
        &format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}"),
        "",
    )
}

pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

pub fn post_with(port: u16, path: &str, headers: &str, fields: &[(&str, &str)]) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/x-www-form-urlencoded\r\n{headers}"
    );
    send(port, &head, &form(fields))
}

/// The config of a user of each role, `the-viewer` and so on; the password of each is `correct horse battery`.
pub fn users() -> String {
    let hash = {
        let place = Place::new("");
        let mut asked = place
            .command(&["password"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        asked
            .stdin
            .take()
            .unwrap()
            .write_all(b"correct horse battery\n")
            .unwrap();
        String::from_utf8(asked.wait_with_output().unwrap().stdout).unwrap()
    };
    assert!(hash.starts_with("password_hash = \"$argon2id$"), "{hash}");
    let users = ["viewer", "editor", "approver", "operator"]
        .map(|role| format!("[user.the-{role}]\nrole = \"{role}\"\n{hash}"));
    format!("[web]\nnames = [\"posts.example.org\"]\n{}", users.join(""))
}

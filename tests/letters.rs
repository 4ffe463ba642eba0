//! Letters by the real program: they go by STARTTLS or by TLS, to a server that proves its name, or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod program;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use program::Place;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate for `localhost`, valid for a hundred years, and its key: of no use but here.
const CERTIFICATE: &[u8] = include_bytes!("data/localhost.pem");
const KEY: &[u8] = include_bytes!("data/localhost-key.pem");

const PASSWORD: &str = "a-token-for-tests";

/// What a mail server heard before the line was safe, and after.
#[derive(Debug, Default)]
struct Heard {
    open: Vec<String>,
    safe: Vec<String>,
}

fn tls() -> Arc<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// A line without its end, read no further; `None` when the other side has gone.
fn line(stream: &mut impl Read) -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while stream.read(&mut byte).ok()? == 1 {
        match byte[0] {
            b'\n' => return String::from_utf8(line).ok(),
            b'\r' => {}
            other => line.push(other),
        }
    }
    None
}

/// Speaks SMTP until somebody goes, or asks for STARTTLS: `true`.
fn speak(stream: &mut (impl Read + Write), offers: &str, heard: &mut Vec<String>) -> bool {
    let mut in_letter = false;
    while let Some(said) = line(stream) {
        let answer = match said.split(' ').next().unwrap() {
            "." if in_letter => {
                in_letter = false;
                "250 taken\r\n"
            }
            _ if in_letter => "",
            "EHLO" => &format!("250-mail.test\r\n250 {offers}\r\n"),
            "AUTH" => "235 welcome\r\n",
            "DATA" => {
                in_letter = true;
                "354 go on\r\n"
            }
            "STARTTLS" => "220 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        if stream.write_all(answer.as_bytes()).is_err() {
            return false;
        }
        let starts = said == "STARTTLS";
        heard.push(said);
        if starts {
            return true;
        }
    }
    false
}

/// A mail server for one visitor. `at_once`: TLS from the first byte on.
fn mail_server(at_once: bool, offers: &'static str) -> (u16, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = Heard::default();
        if !at_once {
            stream.write_all(b"220 mail.test ESMTP\r\n").ok();
            if !speak(&mut stream, offers, &mut heard.open) {
                return heard;
            }
        }
        let mut safe = StreamOwned::new(ServerConnection::new(tls()).unwrap(), stream);
        if at_once && safe.write_all(b"220 mail.test ESMTP\r\n").is_err() {
            return heard;
        }
        speak(&mut safe, "AUTH PLAIN", &mut heard.safe);
        heard
    });
    (port, server)
}

/// What it heard. Where nobody came, somebody comes now, so that it ends.
fn heard(port: u16, server: JoinHandle<Heard>) -> Heard {
    drop(TcpStream::connect(("127.0.0.1", port)));
    server.join().unwrap()
}

/// Tries whether a letter arrives; what the program says of it, and whether it did.
fn try_it(server: &str, encryption: &str, trusted: bool) -> (String, bool) {
    let mut place = Place::new(&format!(
        "[alert.us]\nby = \"email\"\nserver = \"{server}\"\nencryption = \"{encryption}\"\nuser = \"us\"\n\
         password = {{ env = \"TOKEN\" }}\nfrom = \"steadfast@example.org\"\nto = [\"ann@example.org\"]\n"
    ));
    if trusted {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/localhost.pem");
        place.set("SSL_CERT_FILE", file);
    }
    place.write("a.toml", "[[message]]\nid = \"a\"\ntext = \"a\"\n");
    let done = place.run(&["alerts", "--test", "us"]);
    let said = [done.stdout, done.stderr].concat();
    (String::from_utf8(said).unwrap(), done.status.success())
}

#[test]
fn a_letter_and_its_password_go_by_starttls_or_by_tls() {
    for (at_once, encryption) in [(false, "starttls"), (true, "tls")] {
        let (port, server) = mail_server(at_once, "STARTTLS");
        let (said, arrived) = try_it(&format!("localhost:{port}"), encryption, true);
        let heard = heard(port, server);
        assert!(arrived, "{encryption}: {said}");
        let open: &[&str] = if at_once {
            &[]
        } else {
            &["EHLO example.org", "STARTTLS"]
        };
        assert_eq!(heard.open, open, "{encryption}");
        let safe = |start: &str| heard.safe.iter().any(|line| line.starts_with(start));
        for start in [
            "EHLO example.org",
            "AUTH PLAIN ",
            "RCPT TO:<ann@example.org>",
            "Subject: ",
        ] {
            assert!(safe(start), "{encryption}, {start}: {heard:?}");
        }
        let id = heard.safe.iter().find(|line| line.starts_with("Message-ID: <"));
        assert!(id.is_some_and(|id| id.ends_with("@example.org>")), "{id:?}");
    }
}

#[test]
fn a_server_that_is_not_proved_hears_no_password() {
    for (at_once, encryption, host, offers, trusted) in [
        // Nobody vouches for it.
        (false, "starttls", "localhost", "STARTTLS", false),
        (true, "tls", "localhost", "STARTTLS", false),
        // It is another than was asked for.
        (false, "starttls", "127.0.0.1", "STARTTLS", true),
        (true, "tls", "127.0.0.1", "STARTTLS", true),
        // Somebody on the way took the offer out.
        (false, "starttls", "localhost", "AUTH PLAIN", true),
    ] {
        let (port, server) = mail_server(at_once, offers);
        let (said, arrived) = try_it(&format!("{host}:{port}"), encryption, trusted);
        let heard = heard(port, server);
        assert!(!arrived, "{encryption} {host}: {said}");
        let all = [heard.open, heard.safe].concat().join("\n");
        assert!(
            !all.contains("AUTH") && !all.contains("MAIL FROM"),
            "{encryption} {host}: {all}"
        );
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

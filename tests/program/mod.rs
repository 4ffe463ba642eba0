//! What the tests of the whole program share: a campaign in a folder, the real binary, and a Mastodon and a
//! Bluesky that count what they accept.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

pub mod fake;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder with a campaign and a config, and the program run in it.
pub struct Place {
    folder: tempfile::TempDir,
    pub port: u16,
    /// Beside those that all have.
    variables: Vec<(String, String)>,
}

/// The least that a campaign needs.
pub const CAMPAIGN: &str = r#"
[campaign]
id = "test"
name = "Test"
timezone = "America/Chicago"
language = "en"
"#;

impl Place {
    /// An empty campaign, with `config` as its config/local.toml.
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("messages")).unwrap();
        std::fs::create_dir(folder.path().join("config")).unwrap();
        std::fs::write(folder.path().join("config/local.toml"), config).unwrap();
        let place = Self {
            folder,
            port: free_port(),
            variables: Vec::new(),
        };
        place.write("campaign.toml", CAMPAIGN);
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn ledger(&self) -> PathBuf {
        self.path().join("state/steadfast.db")
    }

    /// As if the platforms had been asked after each post that is out: 3 and 5 likes, and 100 and 200 views of each on
    /// Bluesky.
    pub fn counted(&self) {
        use sqlx::Connection;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let at = sqlx::sqlite::SqliteConnectOptions::new().filename(self.ledger());
            let mut ledger = sqlx::sqlite::SqliteConnection::connect_with(&at).await.unwrap();
            for statement in [
                "UPDATE post SET platform = account WHERE state = 'sent'",
                "INSERT INTO engagement (post, at, likes, views) SELECT row, sent + 3600000000, 3, \
                     iif(account = 'bluesky', 100, NULL) FROM post WHERE state = 'sent'",
                "INSERT INTO engagement (post, at, likes, views) SELECT row, sent + 86400000000, 5, \
                     iif(account = 'bluesky', 200, NULL) FROM post WHERE state = 'sent'",
            ] {
                sqlx::query(statement).execute(&mut ledger).await.unwrap();
            }
            ledger.close().await.unwrap();
        });
    }

    /// Sets an environment variable for all commands from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a message file as editors do: beside it, then renamed over it.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join("messages").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let new = path.with_extension("new~");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steadfast"));
        command
            .current_dir(self.path())
            .args(args)
            .env("STEADFAST__WEB__LISTEN", format!("127.0.0.1:{}", self.port))
            .env("STEADFAST__LOG__FORMAT", "json")
            .env("TOKEN", "a-token-for-tests")
            .env("SECRET", "whsec_c3RlYWRmYXN0LXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=")
            .env_remove("RUST_LOG")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must succeed, and reads its JSON.
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.run(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            panic!(
                "{args:?}: {e}\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Signs in as a person does who allows it in a browser elsewhere, and pastes where that ends: which address was
    /// to be opened, and what the program said after it.
    pub fn sign_in_by_paste(&self, login: &[&str]) -> (url::Url, Output) {
        let mut child = self
            .command(&[login, &["--paste"]].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let asked = printed_address(&mut out).expect("an address to open");
        let told = |key: &str| asked.query_pairs().find(|(name, _)| name == key).unwrap().1;
        let back = format!("{}?code=the-code&state={}\n", told("redirect_uri"), told("state"));
        child.stdin.take().unwrap().write_all(back.as_bytes()).unwrap();
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        let said = child.wait_with_output().unwrap();
        (asked, Output { stdout: rest, ..said })
    }

    /// Starts the daemon; its log goes on in the file `log` of the folder.
    pub fn start(&self) -> Daemon {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path().join("log"))
            .unwrap();
        let child = self
            .command(&["run"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon { child }
    }

    /// The same by a shell that does something first: `ulimit -n 64`.
    pub fn start_after(&self, first: &str, shell: &[&str]) -> Daemon {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path().join("log"))
            .unwrap();
        let run = self.command(&["run"]);
        let script = format!("{first} && exec \"$0\" run");
        let mut command = Command::new(shell[0]);
        command
            .args(&shell[1..])
            .args(["-c", &script])
            .arg(run.get_program())
            .current_dir(self.path())
            .env_remove("RUST_LOG");
        for (name, value) in run.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon { child }
    }

    pub fn log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }

    /// The log lines of an event.
    pub fn events(&self, event: &str) -> Vec<serde_json::Value> {
        self.log()
            .into_iter()
            .filter(|line| line["event"] == event)
            .collect()
    }

    /// Waits until `done`, at most `seconds`; fails with the log.
    pub fn wait(&self, what: &str, seconds: u64, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(seconds);
        while !done() {
            assert!(
                Instant::now() < end,
                "waited {seconds} s in vain for: {what}\n{}",
                std::fs::read_to_string(self.path().join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn wait_ready(&self) {
        self.wait("daemon.ready", 20, || !self.events("daemon.ready").is_empty());
    }
}

/// The address that the program prints to be opened in a browser; `None`: it ended without one.
pub fn printed_address(out: &mut impl BufRead) -> Option<url::Url> {
    out.lines()
        .map_while(Result::ok)
        .find_map(|line| line.trim().parse().ok())
}

/// A running daemon; killed when the test ends.
pub struct Daemon {
    pub child: Child,
}

impl Daemon {
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Waits for its end; `None` if it takes longer.
    pub fn ends_within(&mut self, limit: Duration) -> Option<i32> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status.code().unwrap_or(-1));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks the running daemon's page, by a plain request of HTTP/1.1.
pub fn get(port: u16, host: &str, path: &str) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A small generator of its own, so that a run can be told by its seed.
pub struct Dice(u64);

impl Dice {
    /// A seed from `STEADFAST_SEED`, or from the process; printed, so that a failing run can be repeated.
    pub fn new() -> Self {
        let seed = std::env::var("STEADFAST_SEED").ok().and_then(|s| s.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) * 0x9e37_79b9);
        println!("STEADFAST_SEED={seed}");
        Self(seed | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

//! A real PostgreSQL for tests, from the installed programs: data in a folder that goes away, one socket, nobody
//! else's business. It is stopped when the tests end, however they end.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first surprise, and not every program of tests needs all of this"
)]

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Executor};

pub struct Server {
    /// Where the programs are.
    bin: PathBuf,
    /// The data, the socket and the log.
    folder: PathBuf,
    /// PostgreSQL refuses to be run by root.
    user: Option<User>,
    /// Stops the server when it reads the end of its input: when this process is gone.
    _reaper: Child,
}

#[derive(Clone)]
struct User {
    uid: u32,
    gid: u32,
}

/// One for all tests of a program.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(Server::start)
}

impl Server {
    pub fn start() -> Self {
        let bin = programs();
        let user = user();
        let folder = tempfile::Builder::new()
            .prefix("sf-pg-")
            .tempdir()
            .unwrap()
            .keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        if let Some(user) = &user {
            chown(&folder, Some(user.uid), Some(user.gid)).unwrap();
        }
        let script =
            "read -r _; \"$1/pg_ctl\" -D \"$2/data\" -m immediate stop >/dev/null 2>&1; rm -rf \"$2\"";
        let reaper = command(user.as_ref(), Path::new("sh"))
            .args(["-c", script, "sh"])
            .args([&bin, &folder])
            .stdin(Stdio::piped())
            .current_dir("/")
            .spawn()
            .unwrap();
        let server = Self {
            bin,
            folder,
            user,
            _reaper: reaper,
        };
        let data = server.folder.join("data");
        let make = [
            "-U",
            "steadfast",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ];
        server.run("initdb", &make, &[&data]);
        server.up();
        server
    }

    /// Starts it again, after [`Server::down`].
    pub fn up(&self) {
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=300",
            self.folder.display()
        );
        let (data, log) = (self.folder.join("data"), self.folder.join("log"));
        self.run(
            "pg_ctl",
            &["-w", "-o", &options, "start", "-l"],
            &[&log, Path::new("-D"), &data],
        );
    }

    /// As if its machine had lost power.
    pub fn down(&self) {
        self.run(
            "pg_ctl",
            &["-m", "immediate", "stop", "-D"],
            &[&self.folder.join("data")],
        );
    }

    fn run(&self, program: &str, args: &[&str], paths: &[&Path]) {
        let mut command = command(self.user.as_ref(), &self.bin.join(program));
        // The server keeps what it inherits open, and a test must not wait for that.
        let log = std::fs::File::create(self.folder.join(format!("{program}.out")));
        let out = || {
            log.as_ref()
                .map_or_else(|_| Stdio::null(), |log| log.try_clone().unwrap().into())
        };
        let done = command
            .args(args)
            .args(paths)
            .stdin(Stdio::null())
            .stdout(out())
            .stderr(out())
            .current_dir("/")
            .status()
            .unwrap();
        let said = std::fs::read_to_string(self.folder.join(format!("{program}.out"))).unwrap_or_default();
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(done.success(), "{program}: {said}\n{log}");
    }

    pub fn url(&self, database: &str) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://steadfast@{host}/{database}")
    }

    /// A connection past the ledger.
    pub async fn connect(&self, database: &str) -> PgConnection {
        let options: PgConnectOptions = self.url(database).parse().unwrap();
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// A new database, empty. Returns its name.
    pub async fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = self.connect("postgres").await;
        let sql = format!("CREATE DATABASE {name}");
        connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        name
    }
}

fn command(user: Option<&User>, program: &Path) -> Command {
    let Some(user) = user else {
        return Command::new(program);
    };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={}", user.uid))
        .arg(format!("--regid={}", user.gid))
        .arg("--clear-groups")
        .arg(program);
    command
}

/// Whom to be instead of root.
fn user() -> Option<User> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let known = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = known.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(User {
            uid: fields.next()?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("no user to run PostgreSQL as: neither postgres nor nobody is in /etc/passwd"),
    )
}

/// Where PostgreSQL's programs are: the newest of Debian's folders, or the path.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    found.sort();
    let in_path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = found.into_iter().rev().map(|(_, bin)| bin);
    candidates
        .chain(std::env::split_paths(&in_path))
        .find(|bin| bin.join("initdb").exists() && bin.join("pg_ctl").exists())
        .expect("these tests need a PostgreSQL server's programs (initdb, pg_ctl): `apt-get install postgresql` on Debian")
}

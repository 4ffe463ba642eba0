//! Disks and databases that fail under the real program: nothing goes out that can't be recorded, it is said, and
//! it goes on by itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod program;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use program::fake::Fake;
use program::{CAMPAIGN, Daemon, Place, get};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

fn place_for(fake: &Fake) -> Place {
    let place = Place::new(&format!(
        "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\naccess_token = {{ env = \"TOKEN\" }}\n",
        fake.url
    ));
    place.write("campaign.toml", &format!("{CAMPAIGN}after_hold = \"send\"\n"));
    place
}

fn ready(fake: &Fake) -> Place {
    let place = place_for(fake);
    assert!(place.run(&["init"]).status.success());
    place
}

fn breaking(ids: impl IntoIterator<Item = String>) -> String {
    let mut text = String::new();
    for id in ids {
        write!(
            text,
            "[[message]]\nid = \"{id}\"\npriority = \"breaking\"\ntext = \"{id}\"\n\n"
        )
        .unwrap();
    }
    text
}

fn one(id: &str) -> String {
    breaking([id.to_owned()])
}

fn count(place: &Place, state: &str) -> u64 {
    place.json(&["status", "--format", "json"])["counts"][state]
        .as_u64()
        .unwrap()
}

fn each_once(fake: &Fake, posts: usize) {
    let texts: BTreeSet<String> = fake.texts().into_iter().collect();
    assert_eq!((texts.len(), fake.texts().len()), (posts, posts));
}

// --- a disk of its own ---------------------------------------------------------------------------------------

/// The state folder on a small disk of its own. Only root can make one.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn of(place: &Place) -> Option<Self> {
        let at = place.path().join("state");
        std::fs::create_dir_all(&at).unwrap();
        let disk = Self { at };
        let made = disk.mount(&["-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs"]);
        if !made {
            println!("no disk can be mounted here, so this was not tried");
            std::mem::forget(disk);
            return None;
        }
        Some(disk)
    }

    fn mount(&self, how: &[&str]) -> bool {
        let done = Command::new("mount")
            .args(how)
            .arg(&self.at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|done| done.success())
    }

    /// To the last byte.
    fn fill(&self) {
        let mut file = File::create(self.at.join("fill")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0x5a; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.at.join("fill")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// Something done to the bytes of a ledger.
type Damage = fn(&mut Vec<u8>);

#[test]
fn s4_on_a_full_disk_nothing_is_sent_and_it_goes_on_when_there_is_room() {
    let fake = Fake::start();
    let place = place_for(&fake);
    let Some(disk) = Disk::of(&place) else { return };
    assert!(place.run(&["init"]).status.success());
    let _daemon = place.start();
    place.wait_ready();
    settle(&place);
    disk.fill();
    place.write("a.toml", &breaking((0..50).map(|n| format!("m{n}"))));
    place.wait("it to be said", 20, || {
        let failed = place.events("ledger.failed");
        failed
            .iter()
            .any(|line| line["error"].as_str().unwrap().contains("full"))
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(fake.texts(), [] as [&str; 0]);
    assert_eq!(
        get(place.port, &format!("127.0.0.1:{}", place.port), "/readyz").0,
        503
    );
    let said = place.events("ledger.failed").len();
    assert!(said < 20, "said {said} times in two seconds");
    disk.make_room();
    place.wait("all of them", 30, || fake.texts().len() >= 50);
    place.wait("the record", 10, || count(&place, "sent") == 50);
    each_once(&fake, 50);
}

#[test]
fn s4_an_answer_that_finds_the_disk_full_is_kept_logged_and_given_room() {
    let fake = Fake::start();
    fake.delay(Duration::from_millis(700));
    let place = place_for(&fake);
    let Some(disk) = Disk::of(&place) else { return };
    assert!(place.run(&["init"]).status.success());
    let _daemon = place.start();
    place.wait_ready();
    assert_eq!(std::fs::metadata(disk.at.join("ballast")).unwrap().len(), 1 << 20);
    settle(&place);
    place.write("a.toml", &one("first"));
    place.wait("the request", 20, || fake.store.lock().unwrap().requests > 0);
    disk.fill();
    place.wait("the answer in the log", 20, || {
        !place.events("ledger.receipt").is_empty()
    });
    let line = place.events("ledger.receipt")[0].clone();
    assert_eq!(
        (&line["message"], &line["id"], &line["attempt"], &line["part"]),
        (
            &"first".into(),
            &fake.accepted()[0].id.clone().into(),
            &1.into(),
            &0.into()
        )
    );
    assert!(line["delivery"].is_string());
    // The disk is as full as before, but for what was given up.
    place.wait("the record", 10, || count(&place, "sent") == 1);
    assert!(!disk.at.join("ballast").exists());
    // Without it nothing new begins.
    place.write("b.toml", &one("second"));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(fake.texts(), ["first"]);
    disk.make_room();
    place.wait("the second", 20, || fake.texts().len() == 2);
    assert!(disk.at.join("ballast").exists() && !place.events("ledger.recovered").is_empty());
}

#[test]
fn s5_a_read_only_disk_is_named_and_nothing_is_half_started() {
    let fake = Fake::start();
    let place = place_for(&fake);
    let Some(disk) = Disk::of(&place) else { return };
    assert!(place.run(&["init"]).status.success());
    place.write("a.toml", &one("a"));
    assert!(disk.mount(&["-o", "remount,ro"]));
    for command in [&["run"][..], &["hold", "--why", "x"]] {
        let refused = place.run(command);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(78), "{command:?}: {said}");
        assert!(said.contains("state/"), "{said}");
    }
    assert!(disk.mount(&["-o", "remount,rw"]));
    let _daemon = place.start();
    place.wait("the post", 20, || fake.texts() == ["a"]);
}

// --- a database in other hands ---------------------------------------------------------------------------------

fn with_the_ledger_locked(place: &Place, during: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let at = SqliteConnectOptions::new()
        .filename(place.ledger())
        .busy_timeout(Duration::from_secs(20));
    let mut shell = runtime.block_on(SqliteConnection::connect_with(&at)).unwrap();
    let mut say = |what| {
        runtime.block_on(sqlx::raw_sql(what).execute(&mut shell)).unwrap();
    };
    say("BEGIN IMMEDIATE");
    during();
    say("ROLLBACK");
}

/// All that is in the log goes into the file, as it does by itself from time to time.
fn settle(place: &Place) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let at = SqliteConnectOptions::new().filename(place.ledger());
    runtime.block_on(async {
        let mut ledger = SqliteConnection::connect_with(&at).await.unwrap();
        let settled = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut ledger)
            .await;
        settled.unwrap();
        ledger.close().await.unwrap();
    });
}

fn locked_for(lock: Duration) {
    let fake = Fake::start();
    fake.delay(Duration::from_millis(20));
    let place = ready(&fake);
    place.write("a.toml", &breaking((0..300).map(|n| format!("m{n}"))));
    let mut daemon = place.start();
    place.wait("the load", 20, || fake.texts().len() > 20);
    with_the_ledger_locked(&place, || {
        std::thread::sleep(Duration::from_millis(500));
        let begun = fake.store.lock().unwrap().requests;
        std::thread::sleep(lock);
        assert_eq!(
            fake.store.lock().unwrap().requests,
            begun,
            "nothing without an intent"
        );
        assert!(!place.events("ledger.slow").is_empty());
        let status = place.run(&["status"]);
        assert!(status.status.success(), "it can still be read");
    });
    place.wait("all of them", 60, || fake.texts().len() >= 300);
    place.wait("the record", 20, || count(&place, "sent") == 300);
    each_once(&fake, 300);
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(15)), Some(0));
}

#[test]
fn s11_a_ledger_locked_by_another_program_is_said_and_waited_for() {
    locked_for(Duration::from_secs(7));
}

#[test]
#[ignore = "takes more than a minute"]
fn s11_a_ledger_locked_for_longer_than_a_write_waits() {
    locked_for(Duration::from_secs(70));
}

#[test]
fn s2_a_locked_ledger_does_not_keep_the_daemon_from_stopping() {
    let fake = Fake::start();
    let place = ready(&fake);
    place.write("a.toml", &one("a"));
    let mut daemon = place.start();
    place.wait("the post", 20, || fake.texts().len() == 1);
    with_the_ledger_locked(&place, || {
        place.write("b.toml", &one("b"));
        std::thread::sleep(Duration::from_secs(1));
        daemon.signal("TERM");
        assert!(daemon.ends_within(Duration::from_secs(15)).is_some());
    });
    assert_eq!(fake.texts(), ["a"]);
    let _daemon = place.start();
    place.wait("the other", 20, || fake.texts() == ["a", "b"]);
}

#[test]
fn s7_a_damaged_ledger_is_refused_with_what_to_do_and_left_as_it_is() {
    let fake = Fake::start();
    let place = ready(&fake);
    place.write("a.toml", &breaking((0..30).map(|n| format!("m{n}"))));
    let mut daemon = place.start();
    place.wait("all of them", 20, || count(&place, "sent") == 30);
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(10)), Some(0));
    settle(&place);
    for beside in ["state/steadfast.db-wal", "state/steadfast.db-shm"] {
        let _ = std::fs::remove_file(place.path().join(beside));
    }
    let whole = std::fs::read(place.ledger()).unwrap();
    let damages: [(&str, Damage); 4] = [
        ("nothing in it", Vec::clear),
        ("a wrong magic", |bytes| bytes[0] ^= 0xff),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("a torn page", |bytes| {
            let middle = bytes.len() / 2 / 4096 * 4096;
            bytes[middle..middle + 4096].fill(0xa5);
        }),
    ];
    place.write("b.toml", &one("not-now"));
    for (what, damage) in damages {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        std::fs::write(place.ledger(), &bytes).unwrap();
        let refused = place.run(&["run"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(78), "{what}: {said}");
        assert!(
            said.contains("steadfast.db") && said.contains("backup"),
            "{what}: {said}"
        );
        let checked = place.run(&["ledger", "check"]);
        assert!(!checked.status.success(), "{what}");
        assert!(
            std::fs::read(place.ledger()).unwrap() == bytes,
            "{what}: it was changed"
        );
    }
    assert_eq!(fake.texts().len(), 30);
    std::fs::write(place.ledger(), &whole).unwrap();
    let _daemon = place.start();
    place.wait("it to go on", 20, || fake.texts().len() == 31);
}

// --- a ledger that is older than it was ----------------------------------------------------------------------------

/// The daemon holds everything, and what is out already does not go out again, not even after the release.
fn is_held_as_too_old(place: &Place, fake: &Fake, out: usize) {
    let _daemon = place.start();
    place.wait("the alarm", 20, || !place.events("ledger.older").is_empty());
    place.wait("the start", 20, || !place.events("hold.set").is_empty());
    let hold = place.json(&["status", "--format", "json"])["hold"].clone();
    assert_eq!(hold["by"], "the rollback detector");
    assert!(
        hold["why"].as_str().unwrap().contains("look at each account"),
        "{hold}"
    );
    std::thread::sleep(Duration::from_millis(700));
    assert!(place.run(&["release", "--why", "looked"]).status.success());
    place.wait("the review", 10, || {
        !place.events("hold.released").is_empty() && count(place, "held") > 0
    });
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(fake.texts().len(), out, "{:?}", fake.texts());
    // Said once: from now on this is the ledger.
    place.write("later.toml", &one("later"));
    place.wait("what comes later", 20, || fake.texts().len() == out + 1);
}

#[test]
fn s9_a_backup_that_was_put_back_holds_everything_and_asks() {
    let fake = Fake::start();
    let place = ready(&fake);
    place.write("a.toml", &one("before"));
    let mut daemon = place.start();
    place.wait("the first", 20, || count(&place, "sent") == 1);
    assert!(place.run(&["ledger", "backup", "copy.db"]).status.success());
    place.write("b.toml", &one("since"));
    place.wait("the second", 20, || count(&place, "sent") == 2);
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(10)), Some(0));
    std::fs::copy(place.path().join("copy.db"), place.ledger()).unwrap();
    for beside in ["state/steadfast.db-wal", "state/steadfast.db-shm"] {
        let _ = std::fs::remove_file(place.path().join(beside));
    }
    let checked = place.run(&["ledger", "check"]);
    assert_eq!(checked.status.code(), Some(1));
    std::fs::remove_file(place.path().join("log")).unwrap();
    is_held_as_too_old(&place, &fake, 2);
}

#[test]
fn s8_a_log_deleted_by_hand_after_a_crash_holds_everything_and_asks() {
    let fake = Fake::start();
    let place = ready(&fake);
    let mut daemon = place.start();
    place.wait_ready();
    place.write("a.toml", &one("a"));
    place.wait("the first", 20, || count(&place, "sent") == 1);
    settle(&place);
    place.write("b.toml", &one("b"));
    place.wait("the second", 20, || count(&place, "sent") == 2);
    daemon.kill();
    std::fs::remove_file(place.path().join("log")).unwrap();
    std::fs::remove_file(place.path().join("state/steadfast.db-wal")).unwrap();
    let _ = std::fs::remove_file(place.path().join("state/steadfast.db-shm"));
    is_held_as_too_old(&place, &fake, 2);
}

#[test]
fn s8_a_log_deleted_under_the_running_daemon_stops_it_sending() {
    let fake = Fake::start();
    let place = ready(&fake);
    place.write("a.toml", &one("a"));
    let mut daemon = place.start();
    place.wait("the post", 20, || count(&place, "sent") == 1);
    std::fs::remove_file(place.path().join("state/steadfast.db-wal")).unwrap();
    place.write("b.toml", &one("b"));
    place.wait("it to be said", 20, || {
        let failed = place.events("ledger.failed");
        failed.iter().any(|line| {
            line["error"]
                .as_str()
                .unwrap()
                .contains("was deleted or replaced")
        })
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(fake.texts(), ["a"]);
    daemon.signal("TERM");
    assert!(daemon.ends_within(Duration::from_secs(15)).is_some());
}

// --- a disk that lies, and a log that nobody reads -----------------------------------------------------------------

/// What makes `fsync` fail in a program while a file is there.
fn failing_fsync(folder: &std::path::Path) -> Option<PathBuf> {
    let source = folder.join("fsync.c");
    let library = folder.join("fsync.so");
    std::fs::write(
        &source,
        "#include <errno.h>\n#include <stdlib.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n\
         static int fails(void) { const char *f = getenv(\"FSYNC_FAILS\"); return f && access(f, F_OK) == 0; }\n\
         int fsync(int fd) { if (fails()) { errno = EIO; return -1; } return syscall(SYS_fsync, fd); }\n\
         int fdatasync(int fd) { if (fails()) { errno = EIO; return -1; } return syscall(SYS_fdatasync, fd); }\n",
    )
    .unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    cc.status().is_ok_and(|done| done.success()).then_some(library)
}

#[test]
fn s6_when_the_disk_fails_to_keep_what_was_written_the_process_ends_at_once() {
    let fake = Fake::start();
    let place = ready(&fake);
    let library = failing_fsync(place.path()).expect("a C compiler");
    let flag = place.path().join("fails");
    let log = File::options()
        .create(true)
        .append(true)
        .open(place.path().join("log"))
        .unwrap();
    let child = place
        .command(&["run"])
        .env("LD_PRELOAD", &library)
        .env("FSYNC_FAILS", &flag)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut daemon = Daemon { child };
    place.wait_ready();
    place.write("a.toml", &one("a"));
    place.wait("the first", 20, || fake.texts() == ["a"]);
    fake.delay(Duration::from_millis(500));
    place.write("b.toml", &one("b"));
    place.wait("the request", 20, || fake.store.lock().unwrap().requests == 2);
    std::fs::write(&flag, "").unwrap();
    assert_eq!(
        daemon.ends_within(Duration::from_secs(20)),
        Some(-1),
        "by a signal"
    );
    assert_eq!(place.events("ledger.unsure").len(), 1);
    std::fs::remove_file(&flag).unwrap();
    let _daemon = place.start();
    place.wait("the doubt to end", 20, || count(&place, "sent") == 2);
    assert_eq!(fake.texts(), ["a", "b"], "nothing was sent again blindly");
}

#[test]
fn s23_whatever_becomes_of_the_log_sending_goes_on() {
    let fake = Fake::start();
    for (n, how) in ["closed", "full", "gone"].into_iter().enumerate() {
        let place = ready(&fake);
        let mut command = place.command(&["run"]);
        let child = match how {
            "closed" => {
                let mut shell = Command::new("sh");
                shell
                    .current_dir(place.path())
                    .args(["-c", "exec \"$0\" run >&- 2>&- <&-"]);
                shell.arg(env!("CARGO_BIN_EXE_steadfast"));
                for (key, value) in command.get_envs() {
                    shell.env(key, value.unwrap_or_default());
                }
                shell.env_remove("RUST_LOG").spawn()
            }
            "full" => {
                let full = || File::options().write(true).open("/dev/full").unwrap();
                command.stdout(full()).stderr(full()).spawn()
            }
            _ => {
                let mut child = command
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .unwrap();
                drop((child.stdout.take(), child.stderr.take()));
                Ok(child)
            }
        };
        let _daemon = Daemon {
            child: child.unwrap(),
        };
        let id = format!("m{n}");
        place.write("a.toml", &one(&id));
        place.wait(how, 20, || fake.texts().contains(&id));
        place.write("b.toml", &one(&format!("{id}-too")));
        place.wait(how, 20, || fake.texts().contains(&format!("{id}-too")));
    }
}

// --- looking after it ------------------------------------------------------------------------------------------

fn sql(place: &Place, statement: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let at = SqliteConnectOptions::new()
        .filename(place.ledger())
        .foreign_keys(false);
    runtime.block_on(async {
        let mut ledger = SqliteConnection::connect_with(&at).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut ledger).await.unwrap();
        ledger.close().await.unwrap();
    });
}

#[test]
fn a_ledger_in_use_is_checked_and_copied_while_posts_go_out() {
    let fake = Fake::start();
    fake.delay(Duration::from_millis(10));
    let place = ready(&fake);
    place.write("a.toml", &breaking((0..200).map(|n| format!("m{n}"))));
    let _daemon = place.start();
    place.wait("the load", 20, || fake.texts().len() > 20);
    let checked = place.run(&["ledger", "check"]);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
    let copied = place.run(&["ledger", "backup", "copy.db"]);
    assert!(
        copied.status.success(),
        "{}",
        String::from_utf8_lossy(&copied.stderr)
    );
    assert!(fake.texts().len() < 200, "it was over before it was looked at");
    let copy = place.path().join("copy.db");
    let before = std::fs::metadata(&copy).unwrap();
    assert_eq!(before.permissions().mode() & 0o777, 0o600);
    assert_eq!(place.run(&["ledger", "backup", "copy.db"]).status.code(), Some(1));
    assert_eq!(
        std::fs::metadata(&copy).unwrap().len(),
        before.len(),
        "never over another"
    );
    assert!(!place.path().join("copy.db-wal").exists());
    // The copy is a ledger like any other.
    let mut looked = place.command(&["ledger", "check"]);
    looked.env("STEADFAST__LEDGER__URL", "sqlite://copy.db");
    let looked = looked.output().unwrap();
    assert!(
        looked.status.success(),
        "{}",
        String::from_utf8_lossy(&looked.stdout)
    );
    place.wait("all of them", 30, || fake.texts().len() == 200);
    each_once(&fake, 200);
}

#[test]
fn what_a_later_hand_changed_in_the_ledger_is_named() {
    let changes = [
        ("UPDATE post SET state = 'gone'", "a state that is none"),
        ("UPDATE post SET state = 'due'", "all parts are out"),
        ("UPDATE part SET id = NULL", "receipts are missing"),
        (
            "UPDATE part SET id = 'other'",
            "a receipt that the record does not know",
        ),
        ("UPDATE part SET body = body || ' '", "not what was frozen"),
        ("DELETE FROM attempt", "not as many as were counted"),
        ("DELETE FROM post", "of a post that is not there"),
        (
            "UPDATE post SET content = replace(content, 'words', 'swords')",
            "it says something else than the record",
        ),
        (
            "DROP TRIGGER event_is_not_changed; UPDATE event SET data = replace(data, 'words', 'swords')",
            "not what was written",
        ),
        (
            "DROP TRIGGER event_is_not_removed; DELETE FROM event WHERE kind = 'recorded'",
            "entries are missing",
        ),
        (
            "UPDATE post SET id = lower(hex(zeroblob(16)))",
            "the record does not know it",
        ),
    ];
    let fake = Fake::start();
    let place = ready(&fake);
    place.write(
        "a.toml",
        "[[message]]\nid = \"a\"\npriority = \"breaking\"\ntext = \"words\"\n",
    );
    let mut daemon = place.start();
    place.wait("the post", 20, || count(&place, "sent") == 1);
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(10)), Some(0));
    settle(&place);
    let whole = std::fs::read(place.ledger()).unwrap();
    assert!(place.run(&["ledger", "check"]).status.success());
    for (change, said) in changes {
        sql(&place, change);
        let checked = place.run(&["ledger", "check"]);
        let text = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert_eq!(checked.status.code(), Some(1), "{change}");
        assert!(text.contains(said), "{change}: {text}");
        for beside in ["state/steadfast.db-wal", "state/steadfast.db-shm"] {
            let _ = std::fs::remove_file(place.path().join(beside));
        }
        std::fs::write(place.ledger(), &whole).unwrap();
    }
}

#[test]
fn a_receipt_that_only_the_log_kept_is_taken_from_there() {
    let fake = Fake::start();
    fake.fault(program::fake::Fault::AcceptThenSilence(Duration::from_mins(1)));
    let place = place_for(&fake);
    let config = std::fs::read_to_string(place.path().join("config/local.toml")).unwrap();
    std::fs::write(
        place.path().join("config/local.toml"),
        config + "in_doubt = \"hold\"\n",
    )
    .unwrap();
    assert!(place.run(&["init"]).status.success());
    place.write("a.toml", &one("a"));
    let mut daemon = place.start();
    place.wait("it to be accepted", 20, || fake.texts().len() == 1);
    daemon.kill();
    let _daemon = place.start();
    place.wait("the doubt", 20, || count(&place, "held") == 1);
    let post = place.json(&["history", "--format", "json"])[0]["post"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = fake.accepted()[0].id.clone();
    std::fs::write(
        place.path().join("old-log"),
        format!(
            "not JSON\n{{\"event\":\"post.due\",\"post\":\"{post}\"}}\nNov 23 host steadfast[1]: {{\"event\":\"ledger.receipt\",\"post\":\"{post}\",\"part\":0,\"id\":\"{id}\",\"url\":\"https://fake/1\",\"pin\":\"\"}}\n"
        ),
    )
    .unwrap();
    for again in ["is recorded", "is recorded already"] {
        let taken = place.run(&["ledger", "receipts", "old-log"]);
        let said = String::from_utf8_lossy(&taken.stdout).into_owned();
        assert!(taken.status.success() && said.contains(again), "{said}");
    }
    let history = place.json(&["history", "--format", "json"]);
    assert_eq!(
        (&history[0]["state"], &history[0]["parts"][0]["id"]),
        (&"sent".into(), &id.into())
    );
    assert!(place.run(&["ledger", "check"]).status.success());
}

// --- what the system has too little of -----------------------------------------------------------------------

#[test]
fn s14_with_few_files_to_open_sends_wait_and_nothing_is_lost() {
    let fake = Fake::start();
    fake.delay(Duration::from_millis(50));
    let place = ready(&fake);
    place.write("a.toml", &breaking((0..100).map(|n| format!("m{n}"))));
    // As many as it needs to start, and a few: far fewer than it would have requests in flight.
    let mut daemon = place.start_after("ulimit -n 50", &["sh"]);
    place.wait_ready();
    place.wait("some of them", 20, || count(&place, "sent") > 5);
    place.wait("others to wait", 20, || {
        !place.events("post.retry").is_empty() || !place.events("ledger.failed").is_empty()
    });
    daemon.signal("TERM");
    assert_eq!(daemon.ends_within(Duration::from_secs(20)), Some(0));
    assert_eq!(place.events("post.panicked").len(), 0);
    let _daemon = place.start();
    place.wait("all of them", 60, || count(&place, "sent") == 100);
    each_once(&fake, 100);
}

#[test]
fn f19_where_nothing_can_be_watched_it_is_said_and_a_signal_asks_for_a_look() {
    let fake = Fake::start();
    let place = ready(&fake);
    // In a space of its own, which may watch nothing.
    let alone = ["unshare", "--user", "--map-root-user", "sh"];
    let nothing = "echo 0 > /proc/sys/user/max_inotify_instances";
    let can = Command::new(alone[0])
        .args(&alone[1..])
        .args(["-c", nothing])
        .stderr(Stdio::null())
        .status();
    if !can.is_ok_and(|done| done.success()) {
        println!("watching can't be forbidden here, so this was not tried");
        return;
    }
    let daemon = place.start_after(nothing, &alone);
    place.wait_ready();
    place.wait("it to be said", 10, || {
        !place.events("campaign.unwatched").is_empty()
    });
    place.write("a.toml", &one("a"));
    daemon.signal("HUP");
    place.wait("the post", 10, || fake.texts() == ["a"]);
    // A hold is heard within a second all the same.
    assert!(place.run(&["hold", "--why", "stop"]).status.success());
    place.wait("the hold", 3, || !place.events("hold.set").is_empty());
}

// --- power -----------------------------------------------------------------------------------------------------

/// A disk in a file, of which a copy is what a machine finds that lost its power at that moment: all that was not
/// flushed is missing. Only root can have one.
struct Flushed {
    image: PathBuf,
    disk: Disk,
}

impl Flushed {
    fn of(place: &Place) -> Option<Self> {
        let image = place.path().join("image");
        File::create(&image).unwrap().set_len(32 << 20).unwrap();
        let made = Command::new("mkfs.ext4")
            .args(["-q", "-m", "0"])
            .arg(&image)
            .stderr(Stdio::null())
            .status();
        let flushed = Self {
            disk: Disk {
                at: place.path().join("state"),
            },
            image,
        };
        std::fs::create_dir_all(&flushed.disk.at).unwrap();
        if !made.is_ok_and(|done| done.success()) || !flushed.mount(&flushed.image) {
            println!("no disk can be made here, so this was not tried");
            std::mem::forget(flushed);
            return None;
        }
        // The whole of it is there before anything is measured.
        assert!(
            Command::new("sync")
                .arg("-f")
                .arg(&flushed.disk.at)
                .status()
                .unwrap()
                .success()
        );
        Some(flushed)
    }

    fn mount(&self, image: &std::path::Path) -> bool {
        let done = Command::new("mount")
            .args(["-o", "loop"])
            .arg(image)
            .arg(&self.disk.at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|done| done.success())
    }

    /// What was flushed so far.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.image.with_file_name(name);
        std::fs::copy(&self.image, &copy).unwrap();
        copy
    }

    /// The machine is started again with that copy.
    fn put_back(&self, copy: &std::path::Path) {
        assert!(
            Command::new("umount")
                .arg(&self.disk.at)
                .status()
                .unwrap()
                .success()
        );
        assert!(self.mount(copy), "the copy can't be mounted");
    }
}

#[test]
fn s3_when_the_power_fails_after_an_intent_it_is_still_there_and_nothing_is_doubled() {
    let fake = Fake::start();
    let place = place_for(&fake);
    let Some(flushed) = Flushed::of(&place) else {
        return;
    };
    assert!(place.run(&["init"]).status.success());
    let mut daemon = place.start();
    place.wait_ready();
    // Accepted, and the power fails before the answer comes.
    fake.fault(program::fake::Fault::AcceptThenSilence(Duration::from_mins(1)));
    place.write("a.toml", &one("a"));
    place.wait("the request", 20, || !fake.accepted().is_empty());
    let lost = flushed.copy("lost");
    daemon.kill();
    flushed.put_back(&lost);
    let history = place.json(&["history", "--format", "json"]);
    assert_eq!(
        (&history[0]["state"], &history[0]["attempts"]),
        (&"sending".into(), &1.into())
    );
    let _daemon = place.start();
    place.wait("the post", 30, || count(&place, "sent") == 1);
    each_once(&fake, 1);
    assert!(place.run(&["ledger", "check"]).status.success());
}

/// What the test above can see: a commit that was not flushed is gone after it.
#[test]
fn s3_what_was_committed_and_not_flushed_is_lost_with_the_power() {
    let place = Place::new("");
    let Some(flushed) = Flushed::of(&place) else {
        return;
    };
    let file = place.path().join("state/test.db");
    for (flush, kept) in [("NORMAL", false), ("FULL", true)] {
        let script = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; DROP TABLE IF EXISTS t; CREATE TABLE t (x); \
             PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = {flush}; INSERT INTO t VALUES (1);"
        );
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true);
        let mut writer = runtime
            .block_on(SqliteConnection::connect_with(&options))
            .unwrap();
        runtime
            .block_on(sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&mut writer))
            .unwrap();
        let lost = flushed.copy("lost");
        runtime.block_on(writer.close()).unwrap();
        flushed.put_back(&lost);
        let there: i64 = runtime.block_on(async {
            let mut reader = SqliteConnection::connect_with(&options).await.unwrap();
            let count = sqlx::query_scalar("SELECT count(*) FROM t")
                .fetch_one(&mut reader)
                .await;
            reader.close().await.unwrap();
            count.unwrap()
        });
        assert_eq!(there == 1, kept, "{flush}");
        // From here on this is the disk.
        std::fs::rename(&lost, &flushed.image).unwrap();
    }
}

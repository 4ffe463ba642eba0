//! The contract's SQLite, and what is promised of it alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{Connection, Row};
use steadfast::ledger::open::belongs_to;
use steadfast::ledger::sqlite::{Lock, Sqlite};
use steadfast::ledger::{Fence, Intended, Intent, Ledger, LedgerError};
use steadfast::post::identity::PostId;
use steadfast::post::state::State;

use crate::support::*;

pub struct InSqlite {
    ledger: Arc<Sqlite>,
    /// Beside the ledger, for what it does not tell.
    looking: SqlitePool,
    folder: tempfile::TempDir,
}

impl InSqlite {
    async fn in_folder(folder: tempfile::TempDir) -> Self {
        let path = folder.path().join("steadfast.db");
        let ledger = Sqlite::create(&path).await.unwrap();
        let looking = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&path))
            .await
            .unwrap();
        Self {
            ledger: Arc::new(ledger),
            looking,
            folder,
        }
    }
}

#[async_trait]
impl Engine for InSqlite {
    async fn make() -> Self {
        Self::in_folder(tempfile::tempdir().unwrap()).await
    }

    async fn reopened(self) -> Self {
        drop(self.ledger);
        self.looking.close().await;
        Self::in_folder(self.folder).await
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        self.ledger.clone()
    }

    async fn attempts(&self, post: PostId) -> Vec<Attempt> {
        let rows = sqlx::query(
            "SELECT * FROM attempt WHERE post = (SELECT row FROM post WHERE id = ?1) ORDER BY part, no",
        )
        .bind(post.to_string());
        let attempt = |row: sqlx::sqlite::SqliteRow| Attempt {
            part: row.get("part"),
            no: row.get("no"),
            answered: row.get::<Option<i64>, _>("answered").is_some(),
            class: row.get("class"),
            status: row.get("status"),
            words: row.get("words"),
        };
        rows.fetch_all(&self.looking)
            .await
            .unwrap()
            .into_iter()
            .map(attempt)
            .collect()
    }

    async fn heard(&self) -> i64 {
        let _lock = Lock::take(self.ledger.path()).unwrap();
        self.ledger.daemons().await.unwrap()[0].heard
    }
}

#[async_trait]
impl OnDisk for InSqlite {
    async fn meddle(&self, sql: &str) {
        let sql = sql.replace("POST(", "(SELECT row FROM post WHERE id = ");
        let mut hand = self.looking.acquire().await.unwrap();
        sqlx::raw_sql("PRAGMA foreign_keys = OFF")
            .execute(&mut *hand)
            .await
            .unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut *hand)
            .await
            .unwrap();
    }

    async fn watch_commits(&self) -> Box<dyn Commits> {
        let path = self.ledger.path().to_owned();
        // A reader that stays keeps the log from being begun anew, so that no commit in it is written over.
        let mut reader = sqlx::SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path))
            .await
            .unwrap();
        sqlx::raw_sql("BEGIN; SELECT count(*) FROM post;")
            .execute(&mut reader)
            .await
            .unwrap();
        let wal = path.with_extension("db-wal");
        Box::new(Log {
            before: commits_in(&wal),
            wal,
            _reader: reader,
        })
    }
}

/// The commits of SQLite's write-ahead log since it was first looked at.
struct Log {
    wal: PathBuf,
    before: usize,
    _reader: sqlx::SqliteConnection,
}

impl Commits for Log {
    fn so_far(&self) -> usize {
        commits_in(&self.wal) - self.before
    }
}

/// The log is a header of 32 bytes, and for each page a frame of 24 and the page. In the last frame of a
/// transaction, and in no other, the second word is not zero; the third and fourth are the header's salt.
fn commits_in(wal: &Path) -> usize {
    let log = std::fs::read(wal).unwrap();
    let word = |bytes: &[u8], n: usize| u32::from_be_bytes(bytes[n * 4..n * 4 + 4].try_into().unwrap());
    let (header, frames) = log.split_at(32);
    let page = usize::try_from(word(header, 2)).unwrap();
    let frames = frames.chunks_exact(24 + page);
    let current =
        frames.take_while(|frame| (word(frame, 2), word(frame, 3)) == (word(header, 4), word(header, 5)));
    current.filter(|frame| word(frame, 1) != 0).count()
}

async fn opened(path: &Path) -> Result<(), LedgerError> {
    Sqlite::open(path).await?.check().await
}

fn is_broken(result: &Result<(), LedgerError>, path: &Path) -> bool {
    matches!(result, Err(LedgerError::Broken(why)) if why.contains(&path.display().to_string()))
}

#[tokio::test]
async fn s10_a_ledger_that_is_missing_is_not_silently_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    let missing = opened(&path).await;
    assert!(
        matches!(&missing, Err(LedgerError::Missing(at)) if *at == path.display().to_string()),
        "{missing:?}"
    );
    assert!(!path.exists());
}

#[tokio::test]
async fn s5_a_folder_that_cannot_be_written_is_named() {
    // No one can make a folder here, not even root.
    let path = Path::new("/proc/steadfast/steadfast.db");
    let made = Sqlite::create(path).await.map(drop);
    assert!(
        matches!(&made, Err(LedgerError::Broken(why)) if why.contains("/proc/steadfast")),
        "{made:?}"
    );
    let taken = Lock::take(path).map(drop);
    assert!(
        matches!(&taken, Err(LedgerError::Broken(why)) if why.contains("/proc/steadfast")),
        "{taken:?}"
    );
}

/// A ledger with enough in it to have many pages, closed.
async fn filled(folder: &Path) -> PathBuf {
    let path = folder.join("steadfast.db");
    let ledger = Sqlite::create(&path).await.unwrap();
    let posts = (0..500).map(|n| new(&format!("m{n}"))).collect();
    ledger.record(posts, at(0)).await.unwrap();
    drop(ledger);
    // All in one file, so that it is the file that is damaged below.
    let mut closing = sqlx::SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path))
        .await
        .unwrap();
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut closing)
        .await
        .unwrap();
    closing.close().await.unwrap();
    path
}

#[tokio::test]
async fn s7_a_damaged_ledger_is_refused_and_left_as_it_is() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("another kind of file", |bytes| {
            *bytes = b"dear diary, this is not a database\n".repeat(99);
        }),
        ("a wrong magic", |bytes| bytes[0] ^= 0xff),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("a torn page", |bytes| {
            let middle = bytes.len() / 2 / 4096 * 4096;
            bytes[middle..middle + 4096].fill(0xa5);
        }),
    ];
    for (what, damage) in damages {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path()).await;
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let result = opened(&path).await;
        assert!(is_broken(&result, &path), "{what}: {result:?}");
        assert!(std::fs::read(&path).unwrap() == bytes, "{what}: it was changed");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        opened(&filled(folder.path()).await)
            .await
            .map_err(|e| e.to_string()),
        Ok(()),
        "as it was"
    );
}

#[tokio::test]
async fn s7_a_ledger_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path()).await;
    let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(&path))
        .await
        .unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)";
    sqlx::raw_sql(newer).execute(&pool).await.unwrap();
    pool.close().await;
    let result = opened(&path).await;
    assert!(matches!(result, Err(LedgerError::Newer)), "{result:?}");
}

#[tokio::test]
async fn only_the_daemon_brings_an_older_ledger_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    let before_all = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(before_all).await.unwrap();
    let first = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, \
        execution_time BIGINT NOT NULL)";
    sqlx::raw_sql(first).execute(&pool).await.unwrap();
    pool.close().await;
    let result = opened(&path).await;
    assert!(matches!(result, Err(LedgerError::Older)), "{result:?}");
    let upgraded = Sqlite::open_and_upgrade(&path).await.unwrap();
    upgraded.record(vec![new("a")], at(0)).await.unwrap();
    drop(upgraded);
    opened(&path).await.unwrap();
}

/// The ledger of 0.1.0, with a post that is out, one in doubt and one that waits.
#[tokio::test]
async fn s21_a_ledger_of_the_first_version_keeps_all_that_it_knew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .foreign_keys(true);
    let mut db = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let migrations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ledger/migrations/sqlite");
    let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
    migrator.run_to(1, &mut db).await.unwrap();
    let content = serde_json::json!(saying("words")).to_string();
    for (id, state, doubted, began) in [
        ("a", "sent", 0, Some(3)),
        ("b", "in_doubt", 1, None),
        ("c", "due", 0, None),
    ] {
        let id = new(id).identity.post_id().to_string();
        sqlx::query(
            "INSERT INTO post (id, message, account, platform, occurrence, due, late, recurring, breaking, file, parts, \
                 content, recorded, state, not_before, first_intent, doubted, attempts, began, sent, changed) \
             VALUES (?1, 'm', 'mastodon', 'mastodon', 'once', 1, 2, 0, 0, 'f.toml', 1, ?2, 1, ?3, 1, 3, ?4, 1, ?5, ?5, 7)",
        )
        .bind(&id)
        .bind(&content)
        .bind(state)
        .bind(doubted)
        .bind(began)
        .execute(&mut db)
        .await
        .unwrap();
        let part = "INSERT INTO part VALUES (?1, 0, ?1, 1, '/p', '{}', 'hash', iif(?2 = 'sent', '77', NULL), NULL, NULL, NULL)";
        sqlx::query(part)
            .bind(&id)
            .bind(state)
            .execute(&mut db)
            .await
            .unwrap();
        let attempt = "INSERT INTO attempt (post, part, no, intended) VALUES (?1, 0, 1, 3)";
        sqlx::query(attempt).bind(&id).execute(&mut db).await.unwrap();
    }
    db.close().await.unwrap();

    let ledger = Sqlite::open_and_upgrade(&path).await.unwrap();
    ledger.check().await.unwrap();
    let read = async |id: &str| ledger.post(new(id).identity.post_id()).await.unwrap().unwrap();
    let (a, b, c) = (read("a").await, read("b").await, read("c").await);
    assert_eq!(
        (a.standing.state, a.began),
        (State::Sent, jiff::Timestamp::from_microsecond(3).ok())
    );
    assert_eq!(
        ledger.parts(a.id).await.unwrap()[0].receipt.as_ref().unwrap().id,
        "77"
    );
    let since = jiff::Timestamp::from_microsecond(7).ok();
    assert_eq!(
        (b.standing.unsure.map(|unsure| unsure.since), b.attempts),
        (since, 1)
    );
    assert_eq!((c.standing.doubted(), c.content), (false, saying("words")));
}

#[tokio::test]
async fn s12_a_second_daemon_is_told_who_has_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    assert!(!Lock::is_taken(&path));
    let lock = Lock::take(&path).unwrap();
    assert!(Lock::is_taken(&path));
    let second = Lock::take(&path).map(drop);
    let pid = format!("pid {}", std::process::id());
    assert!(
        matches!(&second, Err(LedgerError::Taken(Some(who))) if *who == pid),
        "{second:?}"
    );
    drop(lock);
    assert!(!Lock::is_taken(&path));
    assert!(
        Lock::take(&path).is_ok(),
        "a daemon that is gone leaves nothing behind"
    );
}

#[tokio::test]
async fn another_campaigns_ledger_is_refused() {
    let e = InSqlite::make().await;
    let (ours, theirs) = ("ours".parse().unwrap(), "theirs".parse().unwrap());
    belongs_to(&*e.ledger, &ours).await.unwrap();
    belongs_to(&*e.ledger, &ours).await.unwrap();
    let refused = belongs_to(&*e.ledger, &theirs).await;
    let expected = |had: &str, ours: &str| had == "ours" && ours == "theirs";
    assert!(
        matches!(&refused, Err(LedgerError::OtherCampaign(had, ours)) if expected(had, ours)),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_row_that_is_refused_keeps_no_other_from_being_written() {
    let e = InSqlite::make().await;
    let ids = e.record((0..40).map(|n| new(&format!("m{n}")))).await;
    let bad = ids[7].to_string();
    let refuses = format!(
        "CREATE TRIGGER refuses BEFORE UPDATE ON post WHEN NEW.id = '{bad}' BEGIN SELECT raise(ABORT, 'not this one'); END"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuses))
        .execute(&e.looking)
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for id in ids.clone() {
        let ledger = e.ledger();
        let intent = Intent {
            fence: Fence(0),
            ..intent(id)
        };
        tasks.spawn(async move { (id, ledger.intend(intent).await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (id, intended) = done.unwrap();
        if id == ids[7] {
            assert!(
                matches!(&intended, Err(LedgerError::Refused(why)) if why.contains("not this one")),
                "{intended:?}"
            );
        } else {
            assert_eq!(intended.unwrap(), Intended::Durable);
        }
    }
}

#[tokio::test]
async fn s7_a_file_with_nothing_in_it_is_not_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steadfast.db");
    std::fs::write(&path, "").unwrap();
    let result = Sqlite::open_and_upgrade(&path).await.map(drop);
    assert!(is_broken(&result, &path), "{result:?}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    let made_by_hand = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true);
    let pool = SqlitePool::connect_with(made_by_hand).await.unwrap();
    sqlx::raw_sql("CREATE TABLE diary (day TEXT)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let result = Sqlite::open_and_upgrade(&path).await.map(drop);
    assert!(is_broken(&result, &path), "{result:?}");
}

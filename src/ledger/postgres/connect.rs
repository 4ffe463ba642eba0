//! Connections whose commits are on the server's disk, and tables that are today's.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Executor};

use super::super::LedgerError;

type Did<T> = Result<T, LedgerError>;

/// How long anything may take that is asked of the server, a connection included: whoever asks is told within
/// this time, and may ask again.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Advisory locks that end with their transaction: safe with poolers, and nothing is left of them when a process
/// dies. They are the database's, so one database holds one campaign.
pub(super) mod locks {
    /// Shared by intents, alone for holds: whoever says stop waits for the intents that could not know.
    pub const STOP: i64 = 0x73_7466_0001;
    /// For whoever changes the tables.
    pub const TABLES: i64 = 0x73_7466_0002;
    /// For whoever takes a replica's seat.
    pub const SEATS: i64 = 0x73_7466_0003;
    /// The first half of a lock for each chain of the evidence record; the second is of its name.
    pub const CHAIN: i32 = 0x7374_6604;
}

/// Where the database is, and how to get in. It prints without user and password.
#[derive(Clone)]
pub struct Server {
    options: PgConnectOptions,
    label: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

impl Server {
    /// Reads `postgres://user@host/database?sslmode=verify-full`; a password can be given apart from it.
    ///
    /// # Errors
    /// In one sentence, without the URL: there may be a password in it.
    pub fn parse(url: &SecretString, password: Option<&SecretString>) -> Result<Self, String> {
        let mut options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(|_| "it is \"postgres://USER@HOST/DATABASE\"".to_owned())?
            .application_name("steadfast");
        if let Some(password) = password {
            options = options.password(password.expose_secret());
        }
        let at = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let database = options.get_database().unwrap_or(options.get_username());
        Ok(Self {
            label: format!("postgres://{at}/{database}"),
            options,
        })
    }

    /// A connection of its own, for the one who writes.
    pub(super) async fn connect(&self) -> Did<PgConnection> {
        bounded(connected(&self.options)).await
    }

    pub(super) fn pool(&self, most: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(most)
            .min_connections(0)
            .acquire_timeout(PATIENCE / 2)
            .after_connect(|connection, _| Box::pin(settle(connection)))
            .connect_lazy_with(self.options.clone())
    }
}

async fn connected(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = PgConnection::connect_with(options).await?;
    settle(&mut connection).await?;
    Ok(connection)
}

/// Rule 1 for every session, whatever the server's own default (reliability S19). What must be durable says so in
/// its own transaction again, because a pooler may hand that to another session.
async fn settle(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection
        .execute(
            "SET synchronous_commit TO on; SET default_transaction_isolation TO 'read committed'; \
             SET statement_timeout TO '10s'",
        )
        .await?;
    Ok(())
}

/// How each transaction that must be durable begins.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit TO on; \
     SET LOCAL statement_timeout TO '10s'";

/// An answer within bounded time.
pub(super) async fn bounded<T>(asking: impl Future<Output = Result<T, sqlx::Error>>) -> Did<T> {
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer.map_err(LedgerError::from),
        Err(_) => Err(LedgerError::Broken(format!(
            "the database did not answer within {} seconds",
            PATIENCE.as_secs()
        ))),
    }
}

fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!("src/ledger/migrations/postgres");
    // Its own lock is the session's, which poolers break.
    migrations.set_locking(false);
    migrations
}

/// What to do with tables that are not today's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upgrade {
    /// Refuse: a command must not change the tables under running daemons.
    No,
    Yes,
    /// There are none yet.
    Make,
}

/// Whether what the server commits is on its disk and its tables are those that this version knows, or made so.
pub(super) async fn is_sound(server: &Server, upgrade: Upgrade) -> Did<()> {
    let mut connection = server.connect().await.map_err(|e| at(server, e))?;
    let ask = sqlx::query_as::<_, (String, bool)>("SELECT current_setting('fsync'), pg_is_in_recovery()");
    let (fsync, standby) = bounded(ask.fetch_one(&mut connection)).await?;
    if fsync != "on" {
        return Err(LedgerError::Broken(format!(
            "{server}: fsync is {fsync} there, so what it commits can be lost; set fsync = on"
        )));
    }
    if standby {
        return Err(LedgerError::Broken(format!(
            "{server} is a standby, which can't be written to: name the primary in `ledger.url`"
        )));
    }
    match (is_current(server, &mut connection).await, upgrade) {
        (Ok(()), _) => {}
        (Err(LedgerError::Missing(_)), Upgrade::Make) | (Err(LedgerError::Older), Upgrade::Yes) => {
            migrate(server).await?;
        }
        (Err(e), _) => return Err(e),
    }
    drop(connection.close().await);
    Ok(())
}

async fn is_current(server: &Server, connection: &mut PgConnection) -> Did<()> {
    let there = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL");
    if !bounded(there.fetch_one(&mut *connection)).await? {
        return Err(LedgerError::Missing(server.to_string()));
    }
    let at = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
    let at: Option<i64> = bounded(at.fetch_one(&mut *connection)).await?;
    let ours = migrations().iter().map(|migration| migration.version).max();
    match (at, at.cmp(&ours)) {
        (None, _) => Err(LedgerError::Missing(server.to_string())),
        (_, std::cmp::Ordering::Less) => Err(LedgerError::Older),
        (_, std::cmp::Ordering::Equal) => Ok(()),
        (_, std::cmp::Ordering::Greater) => Err(LedgerError::Newer),
    }
}

/// One at a time: the others wait, and then find nothing left to do.
async fn migrate(server: &Server) -> Did<()> {
    let mut guard = server.connect().await?;
    guard.execute("SET statement_timeout TO 0").await?;
    let mut alone = guard.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(locks::TABLES)
        .execute(&mut *alone)
        .await?;
    let mut working = server.connect().await?;
    // A large table takes its time.
    working.execute("SET statement_timeout TO 0").await?;
    let done = migrations().run_direct(None, &mut working, false).await;
    done.map_err(|e| match e {
        sqlx::migrate::MigrateError::VersionMissing(_) | sqlx::migrate::MigrateError::VersionMismatch(_) => {
            LedgerError::Newer
        }
        e => LedgerError::Broken(format!("{server}: {e}")),
    })?;
    alone.rollback().await?;
    Ok(())
}

/// With the place where it went wrong.
pub(super) fn at(server: &Server, error: LedgerError) -> LedgerError {
    match error {
        LedgerError::Broken(why) => LedgerError::Broken(format!("{server}: {why}")),
        other => other,
    }
}

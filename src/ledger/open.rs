//! Opens whichever engine keeps the ledger, so that nobody above asks which one it is.

use std::path::PathBuf;
use std::sync::Arc;

use crate::post::identity::CampaignId;

use super::postgres::Postgres;
pub use super::postgres::{Server, Terms, Uptime};
use super::sqlite::{Lock, Sqlite};
use super::{Ledger, LedgerError};

/// Where the ledger is.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of SQLite's; its folder holds the lock too.
    File(PathBuf),
    /// A database of PostgreSQL's, shared by replicas of different names.
    Server {
        server: Box<Server>,
        replica: String,
        terms: Terms,
    },
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Server { server, .. } => write!(f, "{server}"),
        }
    }
}

/// The right to send: the file's lock, or a seat among the replicas.
pub enum Seat {
    File(Lock),
    Replica(Arc<Postgres>),
}

impl Seat {
    /// Gives it back.
    pub async fn leave(self) {
        if let Seat::Replica(ledger) = self
            && let Err(e) = ledger.leave().await
        {
            tracing::warn!(event = "ledger.failed", error = %e, "the others wait until our lease has run out: {e}");
        }
    }
}

impl Place {
    /// Whether there is something already, whatever state it is in.
    ///
    /// # Errors
    /// When the server can't be asked.
    pub async fn is_taken(&self) -> Result<bool, LedgerError> {
        match self {
            Place::File(path) => Ok(path.exists()),
            Place::Server { server, .. } => match Postgres::open(server).await {
                Ok(_) | Err(LedgerError::Older | LedgerError::Newer) => Ok(true),
                Err(LedgerError::Missing(_)) => Ok(false),
                Err(e) => Err(e),
            },
        }
    }

    /// Opens an existing ledger, to look and to speak.
    ///
    /// # Errors
    /// [`LedgerError::Missing`] if there is none; a lost ledger is never silently begun anew.
    pub async fn open(&self) -> Result<Arc<dyn Ledger>, LedgerError> {
        Ok(match self {
            Place::File(path) => Arc::new(Sqlite::open(path).await?),
            Place::Server { server, .. } => Arc::new(Postgres::open(server).await?),
        })
    }

    /// As [`Place::open`], and makes the ledger if there is none.
    ///
    /// # Errors
    /// [`LedgerError::Broken`] where it can't be made.
    pub async fn create(&self) -> Result<Arc<dyn Ledger>, LedgerError> {
        Ok(match self {
            Place::File(path) => Arc::new(Sqlite::create(path).await?),
            Place::Server { server, .. } => Arc::new(Postgres::create(server).await?),
        })
    }

    /// Opens an existing ledger to send with, brings the tables of an older version up to date and looks for
    /// damage. The right comes first: nobody migrates or recovers under a running daemon.
    ///
    /// # Errors
    /// [`LedgerError::Taken`] if another daemon has the right.
    pub async fn take(&self, uptime: Uptime) -> Result<(Arc<dyn Ledger>, Seat), LedgerError> {
        match self {
            Place::File(path) if !path.exists() => Err(LedgerError::Missing(path.display().to_string())),
            Place::File(path) => {
                let lock = Lock::take(path)?;
                let ledger = Sqlite::open_and_upgrade(path).await?;
                ledger.check().await?;
                Ok((Arc::new(ledger), Seat::File(lock)))
            }
            Place::Server {
                server,
                replica,
                terms,
            } => {
                let ledger = Arc::new(Postgres::join(server, replica, *terms, uptime).await?);
                Ok((ledger.clone(), Seat::Replica(ledger)))
            }
        }
    }
}

/// Notes whose ledger this is; refuses another campaign's.
///
/// # Errors
/// [`LedgerError::OtherCampaign`].
pub async fn belongs_to(ledger: &dyn Ledger, campaign: &CampaignId) -> Result<(), LedgerError> {
    match ledger.noted("campaign").await? {
        None => ledger.note("campaign", campaign.as_str()).await,
        Some(theirs) if theirs == campaign.as_str() => Ok(()),
        Some(theirs) => Err(LedgerError::OtherCampaign(theirs, campaign.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent<T: Send>(_: T) {}

    #[test]
    fn opening_can_be_awaited_anywhere() {
        let place = Place::File("x".into());
        sent(place.open());
        sent(place.create());
        sent(place.take(Arc::new(|| std::time::Duration::ZERO)));
    }
}

//! What commands and pages share: what a person can look at, and the words by which they change something. Neither
//! prints nor draws.

pub mod accounts;
pub mod agenda;
pub mod approve;
pub mod check;
pub mod facts;
pub mod history;
pub mod hold;
pub mod insights;
pub mod pending;
pub mod post;
pub mod preview;
pub mod recall;
pub mod say;
pub mod status;
pub mod week;
pub mod words;

use std::path::Path;
use std::sync::Arc;

use crate::calendar::past::Past;
use crate::campaign::approval::{Approvals, Proposals};
use crate::campaign::assemble::Assembled;
use crate::campaign::read::FileRead;
use crate::campaign::{Campaign, Roster};
use crate::clock::Clock;
use crate::daemon::brake::Brake;
use crate::daemon::lookalike::lookalikes;
use crate::daemon::past_of;
use crate::daemon::tokens::LedgerKeeper;
use crate::folder::{Folder, FolderGone, assemble};
use crate::ledger::open::{Place, Server, Terms, Uptime};
use crate::ledger::{Hold, Ledger, LedgerError};
use crate::platform::secret::Secret;
use crate::seal::Seal;
use crate::settings::{LedgerAt, Settings, SettingsError};

/// Why what a person asked for could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("{0}")]
    Settings(#[from] SettingsError),
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// They ask for what is not there.
    #[error("{0}")]
    Usage(String),
    /// Anything else; the sentence says what to do.
    #[error("{0}")]
    Wrong(String),
}

impl Failed {
    /// The exit status of a command that ends so.
    pub fn status(&self) -> u8 {
        match self {
            Failed::Settings(_) | Failed::Usage(_) => 2,
            Failed::Ledger(LedgerError::Taken(_)) => 75,
            Failed::Ledger(_) => 78,
            Failed::Wrong(_) => 1,
        }
    }

    /// What to do about it, where the message alone does not say.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Failed::Ledger(LedgerError::Missing(_)) => Some(
                "restore it from a backup; or, for a campaign that has never posted, `steadfast init` makes a new one",
            ),
            Failed::Ledger(LedgerError::Full(_)) => {
                Some("free some space; what is recorded is safe, and nothing is sent until there is room")
            }
            Failed::Ledger(LedgerError::Locked(_)) => {
                Some("end the program that has it open; nothing is lost, and the daemon goes on by itself")
            }
            Failed::Ledger(LedgerError::Taken(_)) => Some(
                "only one daemon may post from one file, and only one of each name (`ledger.replica`) from a database: stop the other one first",
            ),
            Failed::Ledger(LedgerError::Broken(_)) => Some(
                "nothing was sent; if the file is damaged, restore it from a backup and never delete it: it knows what was posted",
            ),
            _ => None,
        }
    }
}

/// Where every command and page begins: the settings and the clock, and from them the files and the ledger.
#[derive(Clone)]
pub struct Office {
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
}

/// The message files as they are now.
pub struct Files {
    pub folder: Folder,
    pub roster: Roster,
    pub assembled: Assembled,
    pub read: Vec<Arc<FileRead>>,
}

impl Office {
    pub fn read_files(&self) -> Result<Files, Failed> {
        let gone = |gone: FolderGone| {
            Failed::Wrong(format!(
                "{gone}; run steadfast in the folder that holds `messages` and `config`, or set `messages` in the config"
            ))
        };
        let mut folder = Folder::open(&self.settings.messages).map_err(gone)?;
        let scanned = folder.scan().map_err(gone)?;
        let roster = self.settings.roster();
        let assembled = assemble(&scanned.files, &roster, self.clock.now(), &folder);
        Ok(Files {
            folder,
            roster,
            assembled,
            read: scanned.files,
        })
    }

    /// The campaign, or the reason why there is none.
    pub fn campaign(files: &Files) -> Result<Campaign, Failed> {
        files.assembled.campaign.clone().map_err(|why| {
            Failed::Wrong(format!(
                "there is no campaign to work with: {why}; `steadfast check` shows every problem"
            ))
        })
    }

    /// The same campaign, with every message blocked that looks like one that is gone, or that is not approved, where
    /// approval is required.
    pub async fn gate(
        &self,
        files: &Files,
        campaign: &Campaign,
        ledger: Option<&dyn Ledger>,
    ) -> Result<Campaign, Failed> {
        let mut campaign = campaign.clone();
        if let Some(ledger) = ledger {
            let found = lookalikes(ledger, &campaign, &files.roster, self.clock.now()).await?;
            campaign = campaign.without(&found);
        }
        self.approved_only(files, campaign, ledger).await
    }

    /// With every message blocked that is not approved, where approval is required.
    pub async fn approved_only(
        &self,
        files: &Files,
        campaign: Campaign,
        ledger: Option<&dyn Ledger>,
    ) -> Result<Campaign, Failed> {
        let Some(rule) = self.settings.approval else {
            return Ok(campaign);
        };
        let said = match ledger {
            Some(ledger) => ledger.approvals().await?,
            None => Vec::new(),
        };
        let hash = |file: &str| files.folder.hash(file);
        let proposals = Proposals::of(&campaign, &files.roster, &hash);
        let approvals = Approvals::new(said).carried(&campaign, &files.roster, &hash);
        Ok(campaign.gated(&proposals, &approvals, rule))
    }

    /// The files that stop everything by being there: in the state folder, and beside the config.
    pub fn brake(&self) -> Brake {
        let state = self.settings.state_folder();
        let replica = match &self.settings.ledger {
            LedgerAt::File(_) => None,
            LedgerAt::Server { replica, .. } => Some(replica.as_str()),
        };
        Brake::new([state.as_path(), Path::new("config")], replica)
    }

    /// The holds in force: the ledger's, and those of files that it does not know yet.
    pub async fn holds(&self, ledger: Option<&dyn Ledger>) -> Result<Vec<Hold>, Failed> {
        let mut holds = match ledger {
            Some(ledger) => ledger.holds().await?,
            None => Vec::new(),
        };
        for hold in self.brake().look(self.clock.now()) {
            if !holds
                .iter()
                .any(|known| known.by == hold.by && known.released.is_none())
            {
                holds.push(hold);
            }
        }
        Ok(holds)
    }

    /// Where the ledger is.
    pub fn place(&self) -> Result<Place, Failed> {
        let (url, replica, lease) = match &self.settings.ledger {
            LedgerAt::File(path) => return Ok(Place::File(path.clone())),
            LedgerAt::Server {
                url, replica, lease, ..
            } => (url, replica.clone(), *lease),
        };
        let password = self.ledger_password()?;
        Ok(Place::Server {
            server: Box::new(server(url, password.as_ref())?),
            replica,
            terms: Terms::of(lease, self.settings.deadline()),
        })
    }

    pub fn ledger_password(&self) -> Result<Option<Secret>, Failed> {
        let LedgerAt::Server { password, .. } = &self.settings.ledger else {
            return Ok(None);
        };
        let known = password
            .as_ref()
            .map(crate::platform::secret::SecretSource::resolve);
        known
            .transpose()
            .map_err(|why| SettingsError(vec![format!("`ledger.password`: {why}")]).into())
    }

    /// The ledger's tokens, and the key that they are sealed with.
    pub fn keeper(&self, ledger: Arc<dyn Ledger>) -> Result<LedgerKeeper, Failed> {
        let seal = self.settings.key.as_ref().map(Seal::open).transpose();
        Ok(LedgerKeeper {
            ledger,
            seal: seal.map_err(|why| SettingsError(vec![why]))?,
            clock: Arc::clone(&self.clock),
        })
    }

    /// What leases are counted by.
    pub fn uptime(&self) -> Uptime {
        let clock = Arc::clone(&self.clock);
        Arc::new(move || clock.uptime())
    }

    /// The ledger of a campaign that has posted, or could have.
    pub async fn ledger(&self) -> Result<Arc<dyn Ledger>, Failed> {
        let place = self.place()?;
        if self.settings.only_sandbox() {
            return Ok(place.create().await?);
        }
        Ok(place.open().await?)
    }

    /// All that a plan needs to know of what was posted.
    pub async fn past(&self, campaign: &Campaign, ledger: &dyn Ledger) -> Result<Past, Failed> {
        Ok(past_of(ledger, campaign, self.clock.now()).await?)
    }

    /// The ledger if there is one: for commands that only look.
    pub async fn ledger_if_any(&self) -> Result<Option<Arc<dyn Ledger>>, Failed> {
        match self.place()?.open().await {
            Ok(ledger) => Ok(Some(ledger)),
            Err(LedgerError::Missing(_)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

/// The database of this URL.
pub fn server(url: &Secret, password: Option<&Secret>) -> Result<Server, Failed> {
    let exposed = |secret: &Secret| secrecy::SecretString::from(secret.expose());
    Server::parse(&exposed(url), password.map(exposed).as_ref())
        .map_err(|why| SettingsError(vec![format!("`ledger.url`: {why}")]).into())
}

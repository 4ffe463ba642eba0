//! The commands: one file each. They see all floors below and change the world only through the ledger.

mod accounts;
mod approve;
pub mod args;
mod check;
mod evidence;
mod facts;
mod history;
mod hold;
mod init;
mod insights;
pub mod ledger;
mod log;
pub mod login;
mod pending;
mod plan;
mod post;
mod preview;
mod recall;
mod run;
mod say;
pub mod show;
mod status;
mod table;
mod words;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory;

use crate::calendar::past::Past;
use crate::campaign::approval::{Approvals, Proposals};
use crate::campaign::assemble::Assembled;
use crate::campaign::read::FileRead;
use crate::campaign::{Campaign, Roster};
use crate::clock::{Clock, SystemClock};
use crate::daemon::brake::Brake;
use crate::daemon::lookalike::lookalikes;
use crate::daemon::tokens::LedgerKeeper;
use crate::daemon::{asked, variants_said};
use crate::folder::{Folder, FolderGone, assemble};
use crate::ledger::open::{Place, Server, Terms, Uptime};
use crate::ledger::{Hold, Ledger, LedgerError};
use crate::platform::secret::Secret;
use crate::seal::Seal;
use crate::settings::{LedgerAt, Settings, SettingsError};

use args::{Cli, Command};

/// What a command came to, as `DESIGN` promises it to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Something is wrong, and it was said.
    Wrong,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("{0}")]
    Settings(#[from] SettingsError),
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// The command line asks for what is not there.
    #[error("{0}")]
    Usage(String),
    /// Anything else; the sentence says what to do.
    #[error("{0}")]
    Wrong(String),
}

impl Failed {
    fn status(&self) -> u8 {
        match self {
            Failed::Settings(_) | Failed::Usage(_) => 2,
            Failed::Ledger(LedgerError::Taken(_)) => 75,
            Failed::Ledger(_) => 78,
            Failed::Wrong(_) => 1,
        }
    }

    /// What to do about it, where the message alone does not say.
    fn help(&self) -> Option<&'static str> {
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

/// Runs what the command line says.
pub async fn main(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Schema => Ok(schema()),
        Command::Completions { shell } => Ok(completions(shell)),
        Command::History {
            verify: Some(file), ..
        } => evidence::verify(&file),
        command => with_settings(cli.config.as_deref(), command).await,
    };
    match done {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Wrong) => ExitCode::from(1),
        Err(failed) => {
            complain(&format!("error: {failed}"));
            if let Some(help) = failed.help() {
                complain(&format!("help: {help}"));
            }
            ExitCode::from(failed.status())
        }
    }
}

async fn with_settings(config: Option<&Path>, command: Command) -> Result<Exit, Failed> {
    let office = Office {
        settings: Settings::load(config)?,
        clock: Arc::new(SystemClock),
    };
    match command {
        Command::Init => init::init(&office).await,
        Command::Run => run::run(&office).await,
        Command::Ledger { command } => ledger::ledger(&office, command).await,
        Command::Check { format } => check::check(&office, format).await,
        Command::Plan { from, days, format } => plan::plan(&office, from, days, format).await,
        Command::Preview { message, format } => preview::preview(&office, message.as_deref(), format),
        Command::Login(args) => Box::pin(login::login(&office, &args)).await,
        Command::Accounts { format } => accounts::accounts(&office, format).await,
        Command::Status { format } => status::status(&office, format).await,
        Command::Insights { since, format } => insights::insights(&office, since.as_deref(), format).await,
        Command::History {
            evidence: Some(file), ..
        } => evidence::export(&office, &file).await,
        Command::History {
            since,
            message,
            account,
            state,
            limit,
            format,
            ..
        } => {
            let asked = history::Asked {
                since,
                message,
                account,
                state,
                limit,
            };
            history::history(&office, asked, format).await
        }
        Command::Hold { scope, why, wait } => hold::hold(&office, &scope, &why, wait).await,
        Command::Release { scope, why } => hold::release(&office, &scope, why.as_deref()).await,
        Command::Post { message, to } => post::post(&office, &message, &to).await,
        Command::Facts { format } => facts::facts(&office, format).await,
        Command::Recall(args) => Box::pin(recall::recall(&office, args)).await,
        Command::Pending { format } => pending::pending(&office, format).await,
        Command::Approve(args) => approve::approve(&office, &args).await,
        Command::Retry { post } => words::retry(&office, post).await,
        Command::Skip { post, why } => words::skip(&office, post, why).await,
        Command::Resolve { post, how } => words::resolve(&office, post, how).await,
        Command::Schema | Command::Completions { .. } => Ok(Exit::Done),
    }
}

fn schema() -> Exit {
    print_json(&crate::campaign::schema::schema());
    Exit::Done
}

fn completions(shell: clap_complete::Shell) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "steadfast", &mut text);
    print(&String::from_utf8_lossy(&text));
    Exit::Done
}

/// Where every command begins: the settings and the clock, and from them the files and the ledger.
pub(crate) struct Office {
    pub settings: Settings,
    pub clock: Arc<dyn Clock>,
}

/// The message files as they are now.
pub(crate) struct Files {
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
        let past = ledger.past(&asked(campaign), self.clock.now()).await?;
        let past = Past {
            recorded: ledger.recorded().await?,
            variants: variants_said(ledger, campaign).await?,
            ..past
        };
        Ok(past.renamed(&campaign.renames()))
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
pub(crate) fn server(url: &Secret, password: Option<&Secret>) -> Result<Server, Failed> {
    let exposed = |secret: &Secret| secrecy::SecretString::from(secret.expose());
    Server::parse(&exposed(url), password.map(exposed).as_ref())
        .map_err(|why| SettingsError(vec![format!("`ledger.url`: {why}")]).into())
}

/// Who is speaking, for the ledger.
pub(crate) fn speaker() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    user.filter(|user| !user.is_empty())
        .unwrap_or_else(|| "a command".to_owned())
}

/// To standard output. A reader that has gone (`| head`) is no error.
pub(crate) fn print(text: &str) {
    use std::io::Write;
    let mut out = anstream::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

pub(crate) fn print_line(text: &str) {
    print(&format!("{text}\n"));
}

/// The same for JSON, which has no codes of a terminal in it that would have to be looked for.
pub(crate) fn print_as_is(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

pub(crate) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => {
            print_as_is(&text);
            print_as_is("\n");
        }
        Err(e) => complain(&format!("error: this can't be written as JSON: {e}")),
    }
}

/// To standard error.
pub(crate) fn complain(text: &str) {
    use std::io::Write;
    let mut err = anstream::stderr().lock();
    drop(writeln!(err, "{text}"));
}

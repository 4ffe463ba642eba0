//! The commands: one file each. They see all floors below and change the world only through the ledger.

mod accounts;
mod alerts;
mod approve;
pub mod args;
mod check;
mod evidence;
mod facts;
mod history;
mod hold;
mod init;
mod insights;
mod journal;
pub mod ledger;
mod log;
pub mod login;
mod man;
mod password;
mod pending;
mod pictures;
mod plan;
mod post;
mod preview;
mod recall;
mod run;
pub mod show;
mod status;
mod systemd;
mod table;
mod words;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory;

use crate::clock::SystemClock;
use crate::settings::Settings;

pub(crate) use crate::desk::{Failed, Files, Office, say, server};

use args::{Cli, Command};

/// What a command came to, as `DESIGN` promises it to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Something is wrong, and it was said.
    Wrong,
}

/// Runs what the command line says.
pub async fn main(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Schema => Ok(schema()),
        Command::Completions { shell } => Ok(completions(shell)),
        Command::Man { folder } => man::man(folder.as_deref()),
        Command::Password => password::password(),
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
        Command::Alerts { test, format } => alerts::alerts(&office, test.as_deref(), format).await,
        Command::Status { format } => status::status(&office, format).await,
        Command::Insights(args) => insights::insights(&office, args).await,
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
        Command::Hold {
            scope,
            why,
            wait,
            speaker,
        } => hold::hold(&office, &scope, &why, wait, &speaker).await,
        Command::Release { scope, why, speaker } => {
            hold::release(&office, &scope, why.as_deref(), &speaker).await
        }
        Command::Post { message, to, speaker } => post::post(&office, &message, &to, &speaker).await,
        Command::Facts { format } => facts::facts(&office, format).await,
        Command::Recall(args) => Box::pin(recall::recall(&office, args)).await,
        Command::Pending { format } => pending::pending(&office, format).await,
        Command::Approve(args) => approve::approve(&office, &args).await,
        Command::Retry { post, speaker } => words::retry(&office, post, &speaker).await,
        Command::Skip { post, why, speaker } => words::skip(&office, post, why, &speaker).await,
        Command::Resolve { post, how, speaker } => words::resolve(&office, post, how, &speaker).await,
        Command::Schema | Command::Completions { .. } | Command::Man { .. } | Command::Password => {
            Ok(Exit::Done)
        }
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

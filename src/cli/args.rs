//! The command line: what can be said, with help and examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod speaker;

pub use speaker::SpeakerArgs;

/// Keeps a cause in public view: posts a campaign's messages on every platform, at the right hour, exactly
/// once.
#[derive(Debug, Parser)]
#[command(name = "steadfast", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    /// A config file, read after config/default.toml and config/local.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Begin here:
  steadfast check          is anything wrong in the message files?
  steadfast plan           what goes out when?
  steadfast run            post it; without accounts, to the sandbox on this machine
  steadfast hold --why …   stop everything, at once

Run every command in the campaign's folder: the one that holds `messages` and `config`.

Exit status:
   0  done, and nothing is wrong; warnings alone are nothing wrong
   1  something is wrong, and it was said; `preview` and `post` too, if something can't go out
   2  the command line or the config is wrong
  75  another daemon has the ledger
  78  the ledger is missing or can't be used";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the ledger of a campaign with real accounts
    ///
    /// The ledger records what was posted. `run` never makes one by itself where posts leave the machine:
    /// a lost ledger would be silently begun anew. With the sandbox alone no `init` is needed.
    ///
    /// Never in place of a ledger that was lost: restore a backup. A new one knows nothing of what was posted.
    /// Messages dated before now are not made up, but the queue, breaking messages and the evergreens would
    /// all go out again.
    Init,
    /// Run the daemon: plan, post, pick up changed files, until told to stop
    #[command(
        after_help = "Examples:\n  steadfast run\n  STEADFAST__WEB__LISTEN=127.0.0.1:9000 steadfast run"
    )]
    Run,
    /// Show every problem in the message files
    ///
    /// Each with its file, line and column, what is wrong, and what to write instead. Exit status 1 if any
    /// is an error; warnings alone are 0.
    #[command(
        after_help = "Examples:\n  steadfast check\n  steadfast check --format json | jq '.[].message'"
    )]
    Check {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show what goes out when, and for what does not: why
    #[command(
        after_help = "Examples:\n  steadfast plan\n  steadfast plan --from 2026-12-01 --days 31\n  steadfast plan --days 90 --format ics > campaign.ics"
    )]
    Plan {
        /// The first local day (default: now)
        #[arg(long, value_name = "DATE")]
        from: Option<jiff::civil::Date>,
        /// How many days
        #[arg(long, value_name = "N", default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=3660))]
        days: u16,
        #[arg(long, value_enum, default_value_t)]
        format: PlanFormat,
    },
    /// Show each platform's exact text, parts and lengths
    ///
    /// Exit status 1 if something in it can't go out.
    #[command(after_help = "Examples:\n  steadfast preview ten-to-two\n  steadfast preview --format json")]
    Preview {
        /// A message's `id` in the files (default: all)
        #[arg(value_name = "ID")]
        message: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show each fact: its source, how it stands, and where it is used, planned and published
    #[command(
        after_help = "Examples:\n  steadfast facts\n  steadfast facts --format json | jq '.[] | select(.state != \"confirmed\")'"
    )]
    Facts {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Sign in an account on its platform
    ///
    /// For accounts with `login = true`. It says what to do on the platform's site, waits for the browser, and ends
    /// by saying as whom the account is signed in. The token is kept in the ledger, sealed with `ledger.key`, and
    /// the running daemon uses it at once.
    #[command(
        after_help = "Examples:\n  steadfast login mastodon\n  steadfast login mastodon --paste      the browser is on another machine\n  steadfast login mastodon --token      enter a token from the site; it is not shown"
    )]
    Login(super::login::LoginArgs),
    /// Show each account: as whom, until when, what it can promise, and what is wrong with it
    ///
    /// Exit status 1 if something is wrong with one.
    #[command(
        after_help = "Examples:\n  steadfast accounts\n  steadfast accounts --format json | jq '.[] | select(.wrong != [])'"
    )]
    Accounts {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show what needs a person, and who is told of it; or see whether an alert arrives
    ///
    /// Who is told stands in the config, as `[alert.NAME]`. Exit status 1 if anything needs a person, or a test did
    /// not arrive.
    #[command(
        after_help = "Examples:\n  steadfast alerts\n  steadfast alerts --test phone\n  steadfast alerts --format json | jq '.open[].text'"
    )]
    Alerts {
        /// Send a test to this one, and say whether it arrived
        #[arg(long, value_name = "NAME")]
        test: Option<String>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show how the daemon, the campaign and the accounts are
    Status {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show how the public answered to what was posted
    ///
    /// The platforms are asked 1 and 6 hours, 1, 3, 7, 14 and 30 days after a post went out.
    #[command(
        after_help = "Examples:\n  steadfast insights\n  steadfast insights --since 2026-11-01 --format csv > november.csv\n  steadfast insights --report week.html"
    )]
    Insights(InsightsArgs),
    /// Show what was posted, and what became of the rest
    #[command(
        after_help = "Examples:\n  steadfast history --limit 20\n  steadfast history --state held\n  steadfast history --message ten-to-two --format json\n  steadfast history --evidence record.jsonl\n  steadfast history --verify record.jsonl"
    )]
    History {
        /// Only posts due since this day or instant
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only posts of this message
        #[arg(long, value_name = "ID")]
        message: Option<String>,
        /// Only posts to this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only posts in this state: due, sending, retrying, in_doubt, held, sent, rejected or skipped
        #[arg(long)]
        state: Option<crate::post::state::State>,
        /// At most so many, the newest first
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Write the whole record to a new file instead, for others to check
        #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "message", "account", "state", "limit", "format"])]
        evidence: Option<PathBuf>,
        /// Check such a file instead: is it what was written? Needs no ledger
        #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "message", "account", "state", "limit", "format", "evidence"])]
        verify: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Stop: no further post leaves until released
    ///
    /// In force when the command returns, for the running daemon too; what was already on its way is named.
    ///
    /// Two more ways work even when the ledger can't be reached: a file named HOLD in the state folder or in
    /// `config`, with the reason as its text, and SIGUSR1 to the daemon.
    #[command(
        after_help = "Examples:\n  steadfast hold --why \"the court has ruled, texts are being checked\"\n  steadfast hold --account mastodon --why \"wrong picture\"\n  steadfast hold --message ten-to-two --why \"figure disputed\"\n  steadfast hold --wait --why \"stop, and tell me what got out\""
    )]
    Hold {
        #[command(flatten)]
        scope: ScopeArgs,
        /// The reason, for those who will release it
        #[arg(long)]
        why: String,
        /// Come back only when what was on its way has its answer, and say what got out
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// End holds: everybody's of exactly this scope
    ///
    /// Whoever set them: other people, the campaign file, the daemon. Holds of other scopes stay.
    ///
    /// What fell due meanwhile follows the campaign's `after_hold`: held for review, sent if not too late,
    /// or skipped.
    ///
    /// A hold of a file named HOLD, in the state folder or beside the config, ends when the file is removed.
    Release {
        #[command(flatten)]
        scope: ScopeArgs,
        /// The reason, for the record
        #[arg(long)]
        why: Option<String>,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Post a message now, again if it was posted before
    ///
    /// Not a draft, and nothing that has expired or has a problem. Holds, quiet hours and spacing still stop
    /// it; then it says until when. Exit status 1 if not everything was sent.
    #[command(
        after_help = "Examples:\n  steadfast post hearing-denied\n  steadfast post hearing-denied --to bluesky"
    )]
    Post {
        /// The message's `id` in the files
        #[arg(value_name = "ID")]
        message: String,
        /// An account or group (default: as the message says)
        #[arg(long, value_name = "ACCOUNT")]
        to: Vec<String>,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// List every published post that used a fact, and delete or correct them all
    ///
    /// Without an act it only lists. Deletions and corrections go out like posts: through the ledger, each exactly
    /// once, by the running daemon or, where there is none, by this command. Interrupted, the same command goes on
    /// where it was. Exit status 1 if not all of it is done.
    ///
    /// A deletion waits for no quiet hours and neither takes nor waits for a place among an account's posts; a
    /// platform that asks to wait is heard.
    #[command(
        after_help = "Examples:\n  steadfast recall verdict\n  steadfast recall verdict --said \"10-2\" --delete --why \"the court has corrected it\"\n  steadfast recall verdict --reply \"Correction: the vote was 11-1.\" --yes\n  steadfast recall verdict --edit --yes\n  steadfast recall --message ten-to-two --delete --during-hold"
    )]
    Recall(RecallArgs),
    /// Show what waits for approval, and what changed since it was approved
    ///
    /// Where `delivery.approval` is "required". The next due comes first. Days that are counted are no change:
    /// texts stand as they are written, with the values of the facts beside them.
    #[command(
        after_help = "Examples:\n  steadfast pending\n  steadfast pending --format json | jq -r '.[].message'"
    )]
    Pending {
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Approve what messages say: only then they go out
    ///
    /// It counts for exactly what is shown: whatever changes of it later (a text, a fact, an image, where it goes)
    /// takes the approval back. Exit status 1 if one of them has a problem, or is approved by you already.
    #[command(
        after_help = "Examples:\n  steadfast approve ten-to-two --digest 3f9a01c27be4\n  steadfast approve --all --as Ann\n  steadfast approve --withdraw ten-to-two"
    )]
    Approve(ApproveArgs),
    /// Send a held, rejected, skipped or waiting post now
    Retry {
        /// The post's id, from `steadfast history`
        #[arg(value_name = "POST")]
        post: crate::post::identity::PostId,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Never send a post
    Skip {
        /// The post's id, from `steadfast history`
        #[arg(value_name = "POST")]
        post: crate::post::identity::PostId,
        /// The reason, for the history
        #[arg(long)]
        why: Option<String>,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Say what became of a post in doubt, after looking on the platform
    #[command(
        after_help = "Examples:\n  steadfast resolve POST --sent https://mastodon.social/@campaign/1\n  steadfast resolve POST --not-sent     it is sent again"
    )]
    Resolve {
        /// The post's id, from `steadfast history`
        #[arg(value_name = "POST")]
        post: crate::post::identity::PostId,
        #[command(flatten)]
        how: Resolution,
        #[command(flatten)]
        speaker: SpeakerArgs,
    },
    /// Look after the ledger: check it, copy it
    #[command(
        after_help = "Examples:\n  steadfast ledger check\n  steadfast ledger backup /backup/steadfast-$(date +%F).db"
    )]
    Ledger {
        #[command(subcommand)]
        command: super::ledger::LedgerCommand,
    },
    /// Ask for a password, and print the line that stands for it in the config
    ///
    /// It goes below `[user.NAME]`: who may sign in at the dashboard, and what they may do there. From a pipe it is
    /// read once.
    #[command(after_help = "Example:\n  steadfast password")]
    Password,
    /// Print the JSON Schema of message files, for editors
    #[command(
        after_help = "Example:\n  steadfast schema > messages.schema.json\n\nThen begin a message file with:\n  #:schema ../messages.schema.json"
    )]
    Schema,
    /// Print completions for a shell
    #[command(
        after_help = "Example:\n  steadfast completions bash > ~/.local/share/bash-completion/completions/steadfast"
    )]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, or write those of all commands
    #[command(
        after_help = "Examples:\n  steadfast man | man -l -\n  steadfast man --folder ~/.local/share/man/man1"
    )]
    Man {
        /// Write the pages of all commands here instead
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Args)]
pub struct InsightsArgs {
    /// Only posts due since this day or instant
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    #[arg(long, value_enum, default_value_t)]
    pub format: InsightsFormat,
    /// Write a report of the past 7 days into this file instead, to be mailed or printed; `-`: to standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "format"])]
    pub report: Option<PathBuf>,
    /// Of the report: its first day
    #[arg(long, value_name = "DAY", requires = "report")]
    pub from: Option<jiff::civil::Date>,
    /// Of the report: how many days
    #[arg(long, value_name = "N", requires = "report", value_parser = clap::value_parser!(u16).range(1..=366))]
    pub days: Option<u16>,
}

#[derive(Debug, Clone, Args)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag that stands by itself"
)]
pub struct RecallArgs {
    /// The fact's name, as in `[fact.NAME]`
    #[arg(
        value_name = "FACT",
        required_unless_present = "message",
        conflicts_with = "message"
    )]
    pub fact: Option<String>,
    /// All posts of this message instead
    #[arg(long, value_name = "ID")]
    pub message: Option<String>,
    /// Only posts that said this value of the fact
    #[arg(long, value_name = "VALUE", requires = "fact")]
    pub said: Option<String>,
    /// Delete each of them, on its platform
    #[arg(long, conflicts_with = "reply")]
    pub delete: bool,
    /// Answer each of them with this text
    #[arg(long, value_name = "TEXT")]
    pub reply: Option<String>,
    /// Change each of them in place to what its message says now
    #[arg(long, conflicts_with_all = ["delete", "reply"])]
    pub edit: bool,
    /// The reason, for the record
    #[arg(long)]
    pub why: Option<String>,
    /// Delete in spite of the holds that are in force now
    #[arg(long, requires = "delete")]
    pub during_hold: bool,
    /// Do not ask whether it is meant
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub speaker: SpeakerArgs,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct ScopeArgs {
    /// One account (default: everything)
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// One message (default: everything)
    #[arg(long, value_name = "ID")]
    pub message: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// Messages' ids in the files
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub messages: Vec<String>,
    /// All that wait
    #[arg(long, conflicts_with_all = ["messages", "digest", "withdraw"])]
    pub all: bool,
    #[command(flatten)]
    pub speaker: SpeakerArgs,
    /// Only if this is still what it says: the digest that `pending` shows, or its first digits, 8 at least
    #[arg(long, value_name = "DIGEST", value_parser = digest_start, conflicts_with = "withdraw")]
    pub digest: Option<String>,
    /// Take back all that was approved of them
    #[arg(long)]
    pub withdraw: bool,
}

/// The first digits of a digest: so many that nobody hits another's by chance.
fn digest_start(text: &str) -> Result<String, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits && (8..=64).contains(&text.len()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("8 to 64 hexadecimal digits, as `steadfast pending` shows them".to_owned())
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Resolution {
    /// It is there, at this URL
    #[arg(long, value_name = "URL")]
    pub sent: Option<String>,
    /// It is not there: send it again
    #[arg(long)]
    pub not_sent: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum InsightsFormat {
    #[default]
    Table,
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    #[default]
    Table,
    Json,
    Ics,
}

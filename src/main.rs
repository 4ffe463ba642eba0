//! The program: read the command line, run one command.

use clap::Parser;
use steadfast::cli::{self, args::Cli};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    Box::pin(cli::main(Cli::parse())).await
}

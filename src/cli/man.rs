//! `steadfast man`: the manual pages, made from the same words as `--help`.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;

use super::args::Cli;
use super::{Exit, Failed, print_as_is};

/// The program's own page, or into `folder` those of all commands.
pub(super) fn man(folder: Option<&Path>) -> Result<Exit, Failed> {
    let command = Cli::command();
    let Some(folder) = folder else {
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .map_err(|e| Failed::Wrong(format!("the manual page can't be made: {e}")))?;
        print_as_is(&String::from_utf8_lossy(&page));
        return Ok(Exit::Done);
    };
    std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|e| Failed::Wrong(format!("{}: {e}", folder.display())))?;
    Ok(Exit::Done)
}

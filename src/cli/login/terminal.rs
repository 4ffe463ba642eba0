//! What a person types.

use std::io::{self, BufRead, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::platform::secret::Secret;

use super::super::Failed;

/// One line, as it is typed.
pub fn line(prompt: &str) -> Result<String, Failed> {
    let failed = |e: io::Error| Failed::Wrong(format!("nothing can be read from here: {e}"));
    if io::stdin().is_terminal() {
        let mut err = anstream::stderr().lock();
        drop(err.write_all(prompt.as_bytes()).and_then(|()| err.flush()));
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    let line = line.trim();
    if line.is_empty() {
        return Err(Failed::Wrong(
            "nothing was entered, and nothing was stored".to_owned(),
        ));
    }
    Ok(line.to_owned())
}

/// Whether a person is typing.
pub fn is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// One line that a terminal does not show.
pub fn secret(prompt: &str) -> Result<Secret, Failed> {
    let _hidden = Hidden::begin()?;
    line(prompt).map(Secret::new)
}

/// The terminal as it was, which shows again what is typed when this is dropped.
struct Hidden(Option<Termios>);

impl Hidden {
    /// What comes out of a pipe is shown by nobody.
    fn begin() -> Result<Self, Failed> {
        let stdin = io::stdin();
        let Ok(was) = tcgetattr(&stdin) else {
            return Ok(Self(None));
        };
        let mut hidden = was.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let shown = |e| {
            Failed::Wrong(format!(
                "this terminal would show the token ({e}): give it by a pipe"
            ))
        };
        tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(shown)?;
        Ok(Self(Some(was)))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(was) = &self.0 {
            // A terminal that has gone shows nothing.
            tcsetattr(io::stdin(), OptionalActions::Flush, was).ok();
            drop(writeln!(anstream::stderr()));
        }
    }
}

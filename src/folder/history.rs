//! When each line of a message file was last changed, where the folder has a version history: asked of git,
//! if it is installed.
//!
//! Only what is committed is looked at, in git's own store: so no filter, hook, pager or helper that the
//! folder's configuration may name is ever run, nothing is written, and nothing is fetched.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::Folder;

/// How long git may take for one file.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much it may say of one file.
const OUTPUT_MAX: u64 = 32 * 1024 * 1024;

impl Folder {
    /// Whether the folder may have a version history.
    pub fn has_history(&self) -> bool {
        let full = self.path.canonicalize();
        full.is_ok_and(|path| path.ancestors().any(|above| above.join(".git").exists()))
    }

    /// When each line of `file`, whose content is `text`, was last changed. `None` if that is not known: no
    /// history, no git, or changes that are not committed yet.
    pub fn written(&self, file: &str, text: &str) -> Option<Vec<Timestamp>> {
        let said = blame(&self.path, file)?;
        let (lines, times) = read_blame(&said)?;
        let same = text
            .lines()
            .eq(lines.iter().map(|line| line.trim_end_matches('\r')));
        same.then_some(times)
    }
}

/// What `git blame` says of the last committed state of a file.
fn blame(folder: &Path, file: &str) -> Option<String> {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH")?)
        .envs([
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
        ])
        .args(["--no-pager", "--no-replace-objects"])
        .args(["-c", "core.fsmonitor=false", "-c", "protocol.allow=never"])
        .args(["-c", "blame.ignoreRevsFile="])
        .arg("-C")
        .arg(folder)
        // A line that was only indented is as old as it was.
        .args(["blame", "--porcelain", "--no-textconv", "-w", "HEAD", "--", file])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let output = child.stdout.take()?;
    let (say, said) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(OUTPUT_MAX).read_to_string(&mut text);
        // Nobody waits any more: then it is not needed.
        let _ = say.send(read.map(|_| text));
    });
    let text = said.recv_timeout(PATIENCE).ok().and_then(Result::ok);
    if text.is_none() {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
    }
    let ended = child.wait().is_ok_and(|status| status.success());
    text.filter(|_| ended)
}

/// The lines that it speaks of, and when each was changed (`git help blame`, "the porcelain format").
fn read_blame(said: &str) -> Option<(Vec<&str>, Vec<Timestamp>)> {
    let mut commits: HashMap<&str, Timestamp> = HashMap::new();
    let (mut lines, mut times) = (Vec::new(), Vec::new());
    let mut commit = None;
    for line in said.split('\n') {
        if let Some(content) = line.strip_prefix('\t') {
            lines.push(content);
            times.push(*commits.get(commit.take()?)?);
        } else if let Some(current) = commit {
            if let Some(second) = line.strip_prefix("author-time ") {
                commits.insert(current, Timestamp::from_second(second.parse().ok()?).ok()?);
            }
        } else {
            commit = line.split(' ').next().filter(|id| !id.is_empty());
        }
    }
    Some((lines, times))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn git(folder: &Path, day: &str, arguments: &[&str]) {
        let status = Command::new("git")
            .env("GIT_AUTHOR_DATE", format!("{day}T12:00:00Z"))
            .env("GIT_COMMITTER_DATE", format!("{day}T12:00:00Z"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{arguments:?}");
    }

    fn commit(folder: &Path, day: &str, file: &str, text: &str) {
        fs::write(folder.join(file), text).unwrap();
        git(folder, day, &["add", "."]);
        git(folder, day, &["commit", "-q", "-m", "a change"]);
    }

    fn days(times: &[Timestamp]) -> Vec<String> {
        times
            .iter()
            .map(|at| at.strftime("%Y-%m-%d").to_string())
            .collect()
    }

    #[test]
    fn each_line_is_as_old_as_its_last_change() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("messages");
        fs::create_dir(&inner).unwrap();
        let folder = Folder::open(&inner).unwrap();
        assert!(folder.written("a.toml", "one\ntwo\n").is_none());
        git(dir.path(), "2026-01-01", &["init", "-q"]);
        assert!(folder.has_history());
        commit(&inner, "2026-01-01", "a.toml", "one\ntwo\n");
        commit(&inner, "2026-03-01", "a.toml", "one\nzwei\n");
        let text = fs::read_to_string(inner.join("a.toml")).unwrap();
        let times = folder.written("a.toml", &text).unwrap();
        assert_eq!(days(&times), ["2026-01-01", "2026-03-01"]);
        // What is not committed is not known.
        assert!(folder.written("a.toml", "one\nthree\n").is_none());
        assert!(folder.written("b.toml", "").is_none());
    }

    #[test]
    fn nothing_that_a_repository_names_is_run() {
        let dir = tempfile::tempdir().unwrap();
        let trap = dir.path().join("trap");
        let touch = format!("touch {}; cat", trap.display());
        git(dir.path(), "2026-01-01", &["init", "-q"]);
        commit(dir.path(), "2026-01-01", "a.toml", "one\n");
        fs::write(dir.path().join(".gitattributes"), "* filter=trap diff=trap\n").unwrap();
        for key in [
            "filter.trap.clean",
            "filter.trap.smudge",
            "diff.trap.textconv",
            "diff.trap.command",
            "core.fsmonitor",
            "core.pager",
            "pager.blame",
        ] {
            git(dir.path(), "2026-01-01", &["config", key, &touch]);
        }
        let folder = Folder::open(dir.path()).unwrap();
        assert_eq!(folder.written("a.toml", "one\n").unwrap().len(), 1);
        assert!(!trap.exists());
    }
}

//! What proves that a process is dead: the machine's start, the space of its process ids, its id, and when it began.

use std::fs;

/// A process, for those who come later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Life {
    /// A new one with every start of the machine; empty where there is none to be read.
    pub boot: String,
    /// Process ids of two containers on one machine are not the same thing.
    pub space: String,
    pub pid: i64,
    /// In the kernel's ticks: process ids are used again.
    pub began: String,
}

/// What can be told from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Alive,
    Dead,
    /// It is on another machine, or out of sight on this one.
    Unknown,
}

impl Life {
    /// Our own.
    pub fn ours() -> Self {
        let pid = i64::from(std::process::id());
        Self {
            boot: read("/proc/sys/kernel/random/boot_id"),
            space: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
            pid,
            began: began(pid).unwrap_or_default(),
        }
    }

    /// Whether it still lives, as far as `self` can see.
    pub fn sees(&self, other: &Self) -> Told {
        let in_sight = !self.boot.is_empty()
            && !self.space.is_empty()
            && (&self.boot, &self.space) == (&other.boot, &other.space);
        match began(other.pid) {
            Some(began) if in_sight && began == other.began => Told::Alive,
            Some(_) if in_sight => Told::Dead,
            None if in_sight && is_gone(other.pid) => Told::Dead,
            // Elsewhere; or another user's, which can be hidden in /proc.
            _ => Told::Unknown,
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The 22nd field of `/proc/PID/stat` (proc(5)); the second, the name, may hold anything, so it is counted from
/// its closing bracket. One that is dead and not yet buried has no beginning that anybody lives by.
fn began(pid: i64) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let buried = matches!(fields.next()?, "Z" | "X");
    Some(if buried { "" } else { fields.nth(18)? }.to_owned())
}

/// Whether no process has this id.
fn is_gone(pid: i64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_none_or(|pid| rustix::process::test_kill_process(pid).is_err_and(|e| e == rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_dead_only_where_it_would_be_seen() {
        let ours = Life::ours();
        assert_eq!(ours.sees(&ours), Told::Alive);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i64::from(child.id());
        let theirs = Life {
            pid,
            began: began(pid).unwrap(),
            ..ours.clone()
        };
        assert_eq!(ours.sees(&theirs), Told::Alive);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(ours.sees(&theirs), Told::Dead);
        let reused = Life {
            began: "1".to_owned(),
            ..ours.clone()
        };
        assert_eq!(ours.sees(&reused), Told::Dead, "the id is another's by now");
        for elsewhere in [
            Life {
                boot: "another".to_owned(),
                ..theirs.clone()
            },
            Life {
                space: "another".to_owned(),
                ..theirs.clone()
            },
        ] {
            assert_eq!(ours.sees(&elsewhere), Told::Unknown);
        }
    }
}

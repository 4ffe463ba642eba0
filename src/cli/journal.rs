//! The journal of systemd, where standard error leads there: each event with its fields, not as one line of text.
//!
//! Its own protocol is a datagram of `NAME=value` lines <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.

use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::platform::secret::Scrubber;

use super::log::{Fields, printable};

const SOCKET: &str = "/run/systemd/journal/socket";
/// Before the names of our fields, so that none is taken for another program's.
const OURS: &str = "STEADFAST_";

/// The way to the journal.
pub(super) struct Journal {
    socket: UnixDatagram,
    at: PathBuf,
    scrubber: Scrubber,
}

impl Journal {
    /// `None`: standard error leads elsewhere, or the journal can't be spoken to.
    pub fn behind_stderr(scrubber: &Scrubber) -> Option<Self> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        is_stderr(&stream).then(|| Self::at(Path::new(SOCKET), scrubber).ok())?
    }

    fn at(path: &Path, scrubber: &Scrubber) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // A journal that reads nothing must not stop the sending.
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            at: path.to_owned(),
            scrubber: scrubber.clone(),
        })
    }

    /// What it does not take goes the way that lines go.
    fn say(&self, fields: &Fields, level: Level) {
        let words = self.datagram(fields, level);
        if self.socket.send_to(words.as_bytes(), &self.at).is_err() {
            let text = self.scrubber.scrub(&fields.text);
            let line = format!(
                "<{}>{} {}\n",
                priority(level),
                printable(&fields.event),
                printable(&text)
            );
            drop(io::stderr().lock().write_all(line.as_bytes()));
        }
    }

    fn datagram(&self, fields: &Fields, level: Level) -> String {
        let mut words = format!("PRIORITY={}\nSYSLOG_IDENTIFIER=steadfast\n", priority(level));
        let mut put = |name: &str, value: &str| {
            // A line break would begin a field.
            let value = printable(&self.scrubber.scrub(value));
            words.extend([name, "=", &value, "\n"]);
        };
        put("MESSAGE", &fields.text);
        put(&format!("{OURS}EVENT"), &fields.event);
        for (name, value) in &fields.rest {
            let name = name
                .to_ascii_uppercase()
                .replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            match value.as_str() {
                Some(text) => put(&format!("{OURS}{name}"), text),
                None => put(&format!("{OURS}{name}"), &value.to_string()),
            }
        }
        words
    }
}

/// Whether `JOURNAL_STREAM` (`device:inode`) is where our standard error leads: a child of a service may have
/// another.
fn is_stderr(stream: &str) -> bool {
    rustix::fs::fstat(io::stderr()).is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// As syslog counts them.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.say(&Fields::of(event), *event.metadata().level());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::time::Duration;

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::platform::secret::Secret;

    /// What the journal gets of what `says` says.
    fn heard(scrubber: &Scrubber, says: impl FnOnce()) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let ear = UnixDatagram::bind(&path).unwrap();
        ear.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let journal = Journal::at(&path, scrubber).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(journal), says);
        let mut words = [0; 4096];
        let length = ear.recv(&mut words).unwrap();
        let words = String::from_utf8(words[..length].to_vec()).unwrap();
        words.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_event_has_its_fields_and_its_weight() {
        let words = heard(&Scrubber::new(), || {
            tracing::warn!(
                event = "post.held",
                message_id = "a",
                account = "main",
                late_ms = 5,
                "a is held on main"
            );
        });
        assert_eq!(
            words,
            [
                "PRIORITY=4",
                "SYSLOG_IDENTIFIER=steadfast",
                "MESSAGE=a is held on main",
                "STEADFAST_EVENT=post.held",
                "STEADFAST_MESSAGE=a",
                "STEADFAST_ACCOUNT=main",
                "STEADFAST_LATE_MS=5",
            ]
        );
        let weight = |says: fn()| heard(&Scrubber::new(), says).remove(0);
        assert_eq!(
            weight(|| tracing::error!(event = "daemon.ready", "x")),
            "PRIORITY=3"
        );
        assert_eq!(
            weight(|| tracing::info!(event = "daemon.ready", "x")),
            "PRIORITY=6"
        );
        assert_eq!(
            weight(|| tracing::debug!(event = "daemon.ready", "x")),
            "PRIORITY=7"
        );
    }

    #[test]
    fn d9_no_secret_gets_there_and_no_value_begins_a_field() {
        let scrubber = Scrubber::new();
        scrubber.learn(&Secret::new("c4nary-secret"));
        let words = heard(&scrubber, || {
            tracing::error!(
                event = "post.rejected",
                error = "it says c4nary-secret\nPRIORITY=0",
                "refused: c4nary-secret\nMESSAGE=well"
            );
        });
        assert_eq!(
            words,
            [
                "PRIORITY=3",
                "SYSLOG_IDENTIFIER=steadfast",
                "MESSAGE=refused: ***\\nMESSAGE=well",
                "STEADFAST_EVENT=post.rejected",
                "STEADFAST_ERROR=it says ***\\nPRIORITY=0",
            ]
        );
    }

    #[test]
    fn only_where_standard_error_leads_there() {
        let ours = std::fs::metadata("/proc/self/fd/2").unwrap();
        assert!(is_stderr(&format!("{}:{}", ours.dev(), ours.ino())));
        assert!(!is_stderr(&format!("{}:{}", ours.dev(), ours.ino() + 1)));
        assert!(!is_stderr("1"));
    }

    #[test]
    fn a_journal_that_is_gone_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("gone"), &Scrubber::new()).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(journal), || {
            tracing::info!(event = "daemon.ready", "it goes on");
        });
    }
}

//! The daemon under a service manager: what systemd hears of it, over the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod program;

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use program::Place;

/// systemd's end of the socket.
struct Manager {
    socket: UnixDatagram,
    _folder: tempfile::TempDir,
}

impl Manager {
    /// Listens to the daemon of `place`, with a watchdog of this many microseconds.
    fn of(place: &mut Place, watchdog_usec: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        place.set("NOTIFY_SOCKET", path.to_str().unwrap());
        place.set("WATCHDOG_USEC", watchdog_usec);
        Self {
            socket,
            _folder: folder,
        }
    }

    /// The next words; fails when none come.
    fn hears(&self) -> String {
        self.within(Duration::from_secs(20)).expect("nothing was heard")
    }

    fn within(&self, limit: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let mut words = [0; 4096];
        let length = self.socket.recv(&mut words).ok()?;
        Some(String::from_utf8(words[..length].to_vec()).unwrap())
    }

    /// The next words that are no sign of life.
    fn hears_of_note(&self) -> String {
        loop {
            let words = self.hears();
            if words != "WATCHDOG=1\n" {
                return words;
            }
        }
    }
}

#[test]
fn systemd_hears_that_the_daemon_is_ready_alive_reading_and_stopping() {
    let mut place = Place::new("");
    let manager = Manager::of(&mut place, "400000");
    let mut daemon = place.start();
    let first = manager.hears();
    assert!(first.starts_with("READY=1\n"), "{first}");
    assert!(
        first.contains("STATUS=messages: 0, accounts: 2, http://"),
        "{first}"
    );
    assert_eq!(place.events("daemon.ready").len(), 1);

    // Twice in each term; the machine that tests may be slow, so the term is all that is asked for.
    for _ in 0..5 {
        assert_eq!(manager.hears(), "WATCHDOG=1\n");
    }

    place.write("a.toml", "[[message]]\nid = \"a\"\ntext = \"a\"\ndraft = true\n");
    daemon.signal("HUP");
    assert_eq!(manager.hears_of_note(), "RELOADING=1\n");
    let read = manager.hears_of_note();
    assert!(read.starts_with("READY=1\nSTATUS=messages: "), "{read}");

    daemon.signal("TERM");
    let last = manager.hears_of_note();
    assert!(last.starts_with("STOPPING=1\n"), "{last}");
    assert_eq!(daemon.ends_within(Duration::from_secs(10)), Some(0));
}

#[test]
fn without_a_watchdog_no_sign_of_life_is_sent() {
    let mut place = Place::new("");
    let manager = Manager::of(&mut place, "");
    let _daemon = place.start();
    assert!(manager.hears().starts_with("READY=1\n"));
    assert_eq!(manager.within(Duration::from_secs(1)), None);
}

#[test]
fn a_daemon_that_stands_still_gives_no_sign_of_life() {
    let mut place = Place::new("");
    let manager = Manager::of(&mut place, "400000");
    let daemon = place.start();
    assert!(manager.hears().starts_with("READY=1\n"));
    daemon.signal("STOP");
    // What had been said before is still to be heard.
    let end = Instant::now() + Duration::from_secs(2);
    let mut last = Instant::now();
    while let Some(left) = end
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
    {
        if manager.within(left).is_some() {
            last = Instant::now();
        }
    }
    assert!(last + Duration::from_millis(800) < end, "it went on");
}
